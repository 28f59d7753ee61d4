"""A policy held against a floor: where it is worse for the customer, shown by a ticket; expected values by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.running import run
from pack.building import write_pack
from svc_policy import load
from svc_policy.check.floor import Shortfall, worse_than

HEAD = """schema = 1
id = "{id}"
title.en = "{id}, for information"
title.zh = "{id}（仅供参考）"
timezone = "Asia/Shanghai"
currency = "CNY"
{facts}
[money]
prices_include_tax = true
tax = "0 %"
[roles.head]
en = "head"
zh = "主管"
"""
CLASSES = '[facts.product_class]\nvalues = ["tv", "phone"]\n[facts.part_class]\nvalues = ["tube"]\n'
PLAIN = {
    "clauses.csv": "clause,place,en,zh\nc-1,art. 1,A rule.,一条。\n",
    "labels.csv": "name,en,zh\ntv,television,电视\nphone,telephone,电话\ntube,tube,显像管\nno,not ours,非本身故障\n",
    "exclusions.csv": "rule,cause,then: reason,cite\nmisuse,misuse,no,c-1\n",
}
FLOOR = {
    **PLAIN,
    "policy.toml": HEAD.format(id="law", facts=CLASSES),
    "warranty.csv": "rule,product_class,part_class,then: length,then: starts,cite\n"
    "tube,tv,tube,24 months,purchased,c-1\ntv,tv,-,12 months,purchased,c-1\nphone,phone,-,6 months,purchased,c-1\n",
    "remedies.csv": "rule,cause,covered,earlier_repairs,then: remedy,then: days,then: starts,then: chosen by,cite\n"
    "return,product,-,-,return,7,purchased,customer,c-1\nagain,product,yes,>= 2,exchange,-,-,-,c-1\n",
}
#: What a shop says that keeps to the law: one length for all goods.
KEEPS = {
    **PLAIN,
    "policy.toml": HEAD.format(id="shop", facts=""),
    "warranty.csv": "rule,part_class,then: length,then: starts,cite\ntube,tube,24 months,purchased,c-1\n"
    "all,-,12 months,purchased,c-1\n",
    "remedies.csv": "rule,earlier_repairs,then: remedy,then: days,then: starts,cite\nback,-,return,7,purchased,c-1\n"
    "swap,>= 2,exchange,-,-,c-1\n",
}


def held(folder: Path, shop: Mapping[str, str], law: Mapping[str, str] = FLOOR) -> tuple[Shortfall, ...]:
    policies = [load(write_pack(folder / name, files)) for name, files in (("shop", shop), ("law", law))]
    return worse_than(*policies)


def said(found: tuple[Shortfall, ...]) -> list[str]:
    return [f"{one.kind}: {one.message.text('en')}" for one in found]


def test_a_policy_is_not_worse_than_itself_nor_than_what_it_keeps_to(tmp_path: Path) -> None:
    assert held(tmp_path / "a", KEEPS) == ()
    assert held(tmp_path / "b", FLOOR) == ()
    better = KEEPS["warranty.csv"].replace("12 months", "36 months").replace("purchased", "accepted")
    assert held(tmp_path / "c", {**KEEPS, "warranty.csv": better}) == ()


def test_one_length_for_all_is_compared_for_each_kind_of_goods(tmp_path: Path) -> None:
    """Eight months are too few for a television and enough for a telephone."""
    shop = {**KEEPS, "warranty.csv": KEEPS["warranty.csv"].replace("12 months", "8 months")}
    (only,) = held(tmp_path, shop)
    # Sold on 31 January 2025: eight months on is 30 September, less a day; twelve months end on 30 January.
    assert said((only,)) == [
        "warranty: television: not covered on 2025-09-30 (the warranty ends on 2025-09-29, under `law` on 2026-01-30)"
    ]
    assert "电视" in only.message.text("zh")
    assert (only.policy_rule.rule, only.floor_rule.rule) == ("all", "tv")
    found = only.to_problem()
    assert (found.code, found.severity, str(found.place)) == ("floor-warranty", "error", "shop/warranty.csv:3")
    assert "law/warranty.csv:3, rule `tv` (c-1: art. 1)" in found.help.text("en")


def test_the_ticket_shows_it_under_both(tmp_path: Path) -> None:
    shop = {**KEEPS, "warranty.csv": KEEPS["warranty.csv"].replace("12 months", "8 months")}
    (only,) = held(tmp_path, shop)
    outcomes = []
    for name in ("shop", "law"):
        policy = load(tmp_path / name)
        ticket = policy.ticket(only.ticket)
        outcomes.append(policy.decide(ticket, at=ticket.received_at).coverage.covered)
    assert outcomes == [False, True]


def test_parts_are_compared_by_their_class(tmp_path: Path) -> None:
    shop = {**KEEPS, "warranty.csv": KEEPS["warranty.csv"].replace("24 months", "18 months")}
    # Eighteen months from 31 January 2025 end on 30 July 2026.
    assert said(held(tmp_path, shop)) == [
        "part: television, tube: not covered on 2026-07-31 (its warranty ends on 2026-07-30, under `law` on 2027-01-30)"
    ]


def test_days_and_repairs_of_remedies(tmp_path: Path) -> None:
    remedies = KEEPS["remedies.csv"].replace("return,7", "return,6").replace(">= 2", ">= 3")
    found = held(tmp_path, {**KEEPS, "remedies.csv": remedies})
    assert sorted(said(found), reverse=True) == [
        "remedy: television: no return on 2025-02-07, to which `law` entitles",
        "remedy: television: no exchange on 2025-01-31, to which `law` entitles",
        "remedy: telephone: no return on 2025-02-07, to which `law` entitles",
        "remedy: telephone: no exchange on 2025-01-31, to which `law` entitles",
    ]
    places = {one.what: str(one.to_problem().place) for one in found}
    assert places == {"return": "shop/remedies.csv:2", "exchange": "shop/remedies.csv:3"}
    assert {one.ticket["earlier_repairs"] for one in found if one.what == "exchange"} == {2}


def test_what_excludes_more_is_named_by_the_exclusion(tmp_path: Path) -> None:
    exclusions = f"{PLAIN['exclusions.csv']}wear,wear,no,c-1\n"
    found = held(tmp_path, {**KEEPS, "exclusions.csv": exclusions})
    assert {(one.kind, one.goods, one.policy_rule.rule) for one in found} == {
        ("part", "tv", "wear"),
        ("part", "phone", "wear"),
        ("warranty", "tv", "wear"),
        ("warranty", "phone", "wear"),
    }
    assert {one.ticket["cause"] for one in found} == {"wear"}


def test_what_is_free_is_not_charged(tmp_path: Path) -> None:
    fees = "rule,covered,cause,then: line,then: fixed,cite\nvisit,yes,wear,visit,30 CNY,c-1\nride,no,-,ride,9 CNY,c-1\n"
    found = held(tmp_path, {**KEEPS, "fees.csv": fees})
    assert said(found) == [
        "charged: television: 30.00 CNY is charged on 2025-01-31, which is free under `law`",
        "charged: telephone: 30.00 CNY is charged on 2025-01-31, which is free under `law`",
    ]
    assert str(found[0].to_problem().place) == "shop/fees.csv:2"


def test_an_edition_that_is_worse_is_found_by_its_day(tmp_path: Path) -> None:
    """Who buys from 2026-03-01 on has less; the day before all is well."""
    warranty = (
        "rule,from,until,part_class,then: length,then: starts,cite\ntube,,,tube,24 months,purchased,c-1\n"
        "all,,2026-03-01,-,12 months,purchased,c-1\nall,2026-03-01,,-,6 months,purchased,c-1\n"
    )
    (only,) = held(tmp_path, {**KEEPS, "warranty.csv": warranty})
    # Six months from 1 March end on 31 August.
    assert "not covered on 2026-09-01 (the warranty ends on 2026-08-31, under `law` on 2027-02-28)" in said((only,))[0]
    assert (only.ticket["purchased_on"], only.policy_rule.line) == ("2026-03-01", 4)


def test_an_edition_of_fees_that_charges_is_found_by_its_day(tmp_path: Path) -> None:
    """From 2026-09-01 on the visit costs something, also under warranty; who asks the day before pays nothing."""
    fees = (
        "rule,from,until,covered,then: line,then: fixed,cite\nvisit,,2026-09-01,no,visit,30 CNY,c-1\n"
        "visit,2026-09-01,,-,visit,30 CNY,c-1\n"
    )
    found = held(tmp_path, {**KEEPS, "fees.csv": fees})
    assert said(found) == [
        "charged: television: 30.00 CNY is charged on 2026-09-01, which is free under `law`",
        "charged: telephone: 30.00 CNY is charged on 2026-09-01, which is free under `law`",
    ]
    assert {one.policy_rule.line for one in found if one.policy_rule} == {3}


def test_a_policy_that_is_silent_is_noted_once(tmp_path: Path) -> None:
    shop = {name: text for name, text in KEEPS.items() if name not in ("remedies.csv", "warranty.csv")}
    found = held(tmp_path, shop)
    assert said(found) == [
        "silent: the policy says nothing of a warranty, which `law` gives",
        "silent: the policy says nothing of return, which `law` gives",
        "silent: the policy says nothing of exchange, which `law` gives",
    ]
    assert {one.to_problem().severity for one in found} == {"note"}


STARTS = ("purchased", "delivered", "installed", "accepted")


@given(
    mine=st.tuples(st.integers(4, 7), st.sampled_from(STARTS)),
    its=st.tuples(st.integers(4, 7), st.sampled_from(STARTS)),
    days=st.tuples(st.integers(5, 8), st.sampled_from(STARTS)),
    law_days=st.tuples(st.integers(5, 8), st.sampled_from(STARTS)),
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_worse_as_reckoned(
    tmp_path: Path,
    mine: tuple[int, str],
    its: tuple[int, str],
    days: tuple[int, str],
    law_days: tuple[int, str],
) -> None:
    """A warranty is worse if it is shorter, or counted from an earlier event when forty days come between."""

    def pack(name: str, months: tuple[int, str], back: tuple[int, str]) -> dict[str, str]:
        return {
            **PLAIN,
            "policy.toml": HEAD.format(id=name, facts=""),
            "warranty.csv": f"rule,then: length,then: starts,cite\nall,{months[0]} months,{months[1]},c-1\n",
            "remedies.csv": f"rule,then: remedy,then: days,then: starts,cite\nback,return,{back[0]},{back[1]},c-1\n",
        }

    found = held(tmp_path, pack("shop", mine, days), pack("law", its, law_days))
    earlier = STARTS.index(mine[1]) < STARTS.index(its[1])
    # A month is less than forty days, two are more.
    shorter = mine[0] < its[0] or (earlier and mine[0] <= its[0] + 1)
    back_earlier = STARTS.index(days[1]) < STARTS.index(law_days[1])
    fewer = days[0] < law_days[0] or back_earlier
    assert {one.kind for one in found} == {kind for kind, holds in (("warranty", shorter), ("remedy", fewer)) if holds}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_command_lists_them_and_says_what_it_compared_with(tmp_path: Path, language: str) -> None:
    shop = {**KEEPS, "warranty.csv": KEEPS["warranty.csv"].replace("12 months", "8 months")}
    mine, law = write_pack(tmp_path / "shop", shop), write_pack(tmp_path / "law", FLOOR)
    shown = run("check", mine, "--floor", law, "--lang", language)
    assert shown.exit_code == 1
    assert {"en": "television", "zh": "电视"}[language] in shown.stdout and "law/warranty.csv:3" in shown.stdout
    assert {"en": "law, for information", "zh": "law（仅供参考）"}[language] in shown.stderr
    if language == "zh":
        return
    found = json.loads(run("check", mine, "--floor", law, "--json").stdout)
    assert found["floor"]["id"] == "law"
    assert [one["code"] for one in found["problems"] if one["code"].startswith("floor-")] == ["floor-warranty"]
    assert run("check", mine, "--floor", "no-such-pack").exit_code == 2
