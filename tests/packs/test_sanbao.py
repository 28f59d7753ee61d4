"""Spot checks of cn-sanbao by hand; the worked examples are in the pack's ``cases.toml``."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from svc_policy import load
from svc_policy.policy import Policy

POLICY = load("cn-sanbao")
SOLD = date(2026, 3, 2)


def decide(days: int, policy: Policy = POLICY, **facts: Any) -> dict[str, Any]:
    """Decide a fault of the goods so many days after the sale, which is the day of delivery as well."""
    day = SOLD + timedelta(days=days)
    ticket = {
        "received_at": f"{day}T12:00:00",
        "request_kind": "fault",
        "cause": "product",
        "purchased_on": SOLD.isoformat(),
        "delivered_on": SOLD.isoformat(),
        **facts,
    }
    return policy.decide(ticket, at=datetime.fromisoformat(f"{day}T12:00:00+08:00")).to_dict()


def remedies(decision: dict[str, Any]) -> set[str]:
    return {one["remedy"] for one in decision["remedies"]}


@pytest.mark.parametrize(
    "goods",
    [
        "television",
        "refrigerator",
        "washing_machine",
        "air_conditioner",
        "bicycle",
        "video_recorder",
        "microcomputer",
        "mobile_phone",
    ],
)
def test_seven_and_fifteen_days_and_a_year(goods: str) -> None:
    """The day of the sale is not counted; the year ends on 1 March 2027, 364 days after 2 March 2026."""
    for days, wanted in (
        (0, {"return", "exchange", "repair"}),
        (7, {"return", "exchange", "repair"}),
        (8, {"exchange", "repair"}),
        (15, {"exchange", "repair"}),
        (16, {"repair"}),
        (364, {"repair"}),
        (365, set()),
    ):
        assert remedies(decide(days, product_class=goods)) == wanted, days


def test_goods_of_which_nothing_is_said_are_returned_within_seven_days_of_receipt() -> None:
    later = (SOLD + timedelta(days=5)).isoformat()
    assert remedies(decide(12, product_class="other_goods", delivered_on=later)) == {"return"}
    assert remedies(decide(13, product_class="other_goods", delivered_on=later)) == set()
    assert decide(12, product_class="other_goods", delivered_on=later)["coverage"]["warranty_end"] is None


@pytest.mark.parametrize(
    ("goods", "part", "last_day"),
    [
        ("television", "main_part", "2029-03-01"),
        ("refrigerator", "main_part", "2029-03-01"),
        ("washing_machine", "main_part", "2029-03-01"),
        ("air_conditioner", "main_part", "2029-03-01"),
        ("bicycle", "main_part", "2028-03-01"),
        ("video_recorder", "main_part", "2027-03-01"),
        ("disc_player", "main_part", "2028-03-01"),
        ("microcomputer", "main_part", "2028-03-01"),
        ("mobile_phone", "battery", "2026-09-01"),
        ("mobile_phone", "earphone", "2026-06-01"),
    ],
)
def test_a_year_for_the_whole_and_the_months_of_a_part(goods: str, part: str, last_day: str) -> None:
    coverage = decide(1, product_class=goods, parts=[{"part_no": "p", "part_class": part}])["coverage"]
    assert coverage["warranty_end"] == "2027-03-01"
    assert [one["warranty_end"] for one in coverage["parts"]] == [last_day]


def test_what_was_not_found_is_not_given() -> None:
    """Of disc players no days, of microcomputers no return for want of the same model."""
    assert remedies(decide(1, product_class="disc_player")) == set()
    facts: dict[str, Any] = {"earlier_repairs": 2, "extra": {"no_same_model": True}}
    assert remedies(decide(30, product_class="microcomputer", **facts)) == {"exchange", "repair"}
    assert remedies(decide(30, product_class="bicycle", **facts)) == {"exchange", "return", "repair"}


def test_every_clause_is_in_both_languages_and_names_instrument_year_and_place() -> None:
    """A clause of which no article and no list was seen says so."""
    for clause in POLICY.pack.clauses.values():
        assert clause.en and clause.zh
        assert re.search(r"[法定告].*(1993|1995|2001|2002|2011|2013)年", clause.place), clause.place
        assert re.search(r"第.+条|条号未见|目录", clause.place), clause.place


@pytest.mark.parametrize("clause", ["gen-not", "gen-told", "phone-cat", "pc-days", "pc-cat"])
def test_a_clause_that_is_only_retold_says_so(clause: str) -> None:
    text = POLICY.pack.clauses[clause]
    assert " tell" in text.en and "转述" in text.zh


def test_the_page_says_of_every_clause_on_what_it_rests() -> None:
    page = (Path(__file__).parents[2] / "docs" / "floor.md").read_text(encoding="utf-8")
    missing = [name for name in POLICY.pack.clauses if f"`{name}`" not in page]
    assert missing == ["phone-12"] and "`phone-11` to `phone-13`" in page


def test_it_says_that_it_is_information() -> None:
    titles = POLICY.pack.settings.titles
    assert "no legal advice" in titles["en"] and "不构成法律意见" in titles["zh"]
    assert POLICY.pack.settings.titles["en"] in POLICY.explain(policy_decision())


def policy_decision() -> Any:
    at = datetime.fromisoformat("2026-03-03T12:00:00+08:00")
    return POLICY.decide(
        {
            "received_at": at.isoformat(),
            "purchased_on": "2026-03-02",
            "product_class": "television",
            "request_kind": "fault",
            "cause": "product",
        },
        at=at,
    )


def test_remedies_are_told_with_who_chooses() -> None:
    text = POLICY.explain(policy_decision())
    assert "The customer is entitled to return of the goods" in text and "[gen-9]" in text
    assert "Up to customer: return of the goods, exchange for the same goods, repair free of charge." in text.replace(
        "the customer", "customer"
    ).replace(";", ",")


def test_what_is_not_known_is_asked() -> None:
    """Without the day of the sale nobody can say whether seven days are over."""
    at = datetime.fromisoformat("2026-03-03T12:00:00+08:00")
    ticket = {"received_at": at.isoformat(), "product_class": "television", "request_kind": "fault", "cause": "product"}
    decision = POLICY.decide(ticket, at=at)
    assert "purchased_on" in decision.needs and decision.to_dict()["remedies"] == []
