"""What the desk is told: the answer in large, the line of time, the form, the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from rules.made import ZONE
from server.desk.shop import TICKET, decided, shop
from svc_policy import Policy
from svc_policy.server.desk.answers import answer_of
from svc_policy.server.desk.questions import described, start_of
from svc_policy.server.desk.rows import tables_in_words
from svc_policy.server.desk.texts import page_texts


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("shop"))


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def test_the_answer_in_large(policy: Policy) -> None:
    found = answer_of(policy, decided(policy), "en")["verdict"]
    assert (found["category"]["name"], found["category"]["meaning"]) == ("C", "free service")
    assert (found["coverage"]["state"], found["coverage"]["detail"]) == ("yes", "until 4 March 2026")
    assert found["cost"] == {"text": "CN¥0.00", "payer": "", "state": "free"}
    assert found["due"]["label"] == "inquiry answered"
    assert found["due"]["left"] == "1 hour left"
    late = answer_of(policy, decided(policy, at="2026-03-04T12:00:00"), "zh")["verdict"]["due"]
    assert (late["left"], late["tone"]) == ("逾期1小时", "bad")
    paid = answer_of(policy, decided(policy, {**TICKET, "delivered_on": "2024-01-01"}), "en")["verdict"]
    assert (paid["coverage"]["state"], paid["coverage"]["detail"]) == ("no", "the warranty ended on 31 December 2024")
    assert (paid["cost"]["text"], paid["cost"]["state"]) == ("CN¥90.00", "customer")


def test_what_is_open_is_said_to_be_open(policy: Policy) -> None:
    found = answer_of(policy, decided(policy, {"received_at": TICKET["received_at"]}), "en")
    assert found["verdict"]["category"]["name"] is None
    assert found["verdict"]["coverage"]["state"] == "open"
    assert found["verdict"]["cost"] == {"text": "open", "payer": "", "state": "open"}
    assert [one["fact"] for one in found["needs"]] == ["delivered_on", "distance_km"]
    assert found["summary"].endswith("Ask next: date of delivery.")


def test_every_row_that_is_named_is_explained_with_its_clauses_and_readings(policy: Policy) -> None:
    far = {**TICKET, "distance_km": 51}
    found = answer_of(policy, decided(policy, far), "zh")
    named = _keys(found)
    assert named == set(found["rules"])
    assert "rule-deadlines-far" in named
    row = found["rules"]["rule-deadlines-far"]
    assert row["readings"] == ("far",)
    assert found["readings"]["far"] == "远即三日。"
    assert found["clauses"]["m-1"] == {"place": "1", "text": "一条。"}


def _keys(value: Any) -> set[str]:
    """Gather the keys of rows from everywhere but the rows themselves."""
    if isinstance(value, dict):
        inner = [_keys(item) for name, item in value.items() if name != "rules" or isinstance(item, list)]
        own = [set(value["rules"])] if isinstance(value.get("rules"), list) else []
        return set().union(*inner, *own)
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_the_line_of_time_has_its_ends_marks_and_hours(policy: Policy) -> None:
    line = answer_of(policy, decided(policy), "en")["timeline"]
    assert line["now"] == seconds("2026-03-04T10:00")
    assert line["from"] < seconds("2026-03-04T09:00") < seconds("2026-03-05T09:00") < line["until"]
    # Nine to five on working days: Wednesday whole, Thursday as far as the line goes.
    assert line["open"][0] == [seconds("2026-03-04T09:00"), seconds("2026-03-04T17:00")]
    assert line["open"][1][0] == seconds("2026-03-05T09:00")
    marks = {mark["text"]: mark["at"] for mark in line["marks"]}
    assert marks["Thu 5 Mar"] == seconds("2026-03-05T00:00")
    assert marks["12:00"] == seconds("2026-03-04T12:00")
    assert len(marks) <= 8
    nothing = answer_of(policy, decided(policy, {"received_at": None, "distance_km": 5}), "en")
    assert nothing["timeline"] is None


def test_the_rows_that_applied_are_told_from_those_that_did_not(policy: Policy) -> None:
    ticket = {**TICKET, "incidents": [{"incident_kind": "missed", "occurred_on": "2026-03-04"}]}
    found = {table["name"]: table["rows"] for table in tables_in_words(policy, decided(policy, ticket), "en")["tables"]}
    assert {row["rule"]: row["state"] for row in found["deadlines"]} == {
        "near": "applies",
        "far": "",
        "reply": "applies",
    }
    assert found["deadlines"][0]["when"] == ("distance by road: up to 50 km",)
    assert found["penalties"][0]["subjects"] == ["incident no. 1"]


def test_the_form_has_what_the_policy_reads_with_its_words_units_and_limits(policy: Policy) -> None:
    found = described(policy)
    facts = {fact["name"]: fact for fact in found["facts"]}
    assert {"ticket_id", "received_at", "delivered_on", "distance_km", "labour_hours", "key_equipment"} <= set(facts)
    assert "customer_kind" not in facts
    assert facts["distance_km"]["unit"] == {"en": "km", "zh": "公里"}
    assert facts["labour_hours"]["unit"] == {"en": "h", "zh": "小时"}
    assert (facts["distance_km"]["low"], facts["distance_km"]["high"]) == ("0", "20100")
    assert facts["distance_km"]["label"] == {"en": "distance by road", "zh": "路程"}
    assert facts["key_equipment"]["default"] is False
    (incidents,) = [one for one in found["lists"] if one["field"] == "incidents"]
    assert [one["value"] for one in incidents["facts"][0]["values"]] == ["missed", "mistake", "again"]


def test_a_ticket_begins_now_in_the_zone_of_the_policy(policy: Policy) -> None:
    at = datetime(2026, 3, 4, 1, 2, 3, tzinfo=UTC)
    assert start_of(policy, at) == {"received_at": "2026-03-04T09:02:00"}


def test_the_page_says_the_same_in_both_languages() -> None:
    texts = page_texts()
    assert texts["en"].keys() == texts["zh"].keys()
    for name, english in texts["en"].items():
        names = [
            sorted(part[1] for part in Formatter().parse(text) if part[1]) for text in (english, texts["zh"][name])
        ]
        assert set(names[0]) == set(names[1]), name
        assert texts["zh"][name] != english, name


def test_every_text_of_the_page_is_used_and_there() -> None:
    import re

    import svc_policy.server.desk as desk

    folder = Path(desk.__file__).parent / "page"
    said = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    used = {name for pair in re.findall(r'\bt\(\s*"(\w+)"|data-(?:text|label)="(\w+)"', said) for name in pair if name}
    known = set(page_texts()["en"])
    assert used <= known
    assert all(re.search(rf"[\"'.]{name}\b", said) for name in known)
    # Nothing is made from markup, and nothing asks elsewhere.
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://(?!www\.w3\.org)", said
    )
