from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
import pytest

from rules.made import ZONE
from svc_policy import Policy, load
from svc_policy.boundaries import Finder, find_ticket, finder_of
from svc_policy.decision import Decision
from svc_policy.errors import UsageError
from svc_policy.facts import ticket_to_dict
from svc_policy.rules.family import Row
from svc_policy.tables import match


def day(text: str) -> int:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp().__int__() // 86_400


def found(policy: Policy, *arguments: Any, **how: Any) -> tuple[dict[str, Any], Decision]:
    """Find a ticket, and decide what was written of it."""
    result = find_ticket(policy, *arguments, **how)
    assert result is not None
    ticket, at = result
    written = ticket_to_dict(ticket)
    return written, policy.decide(written, at=at)


def holds_never(policy: Policy, row: Row) -> bool:
    """Whether a row is one for another reading: a parameter that it asks for has another value."""
    parameters = policy.pack.settings.parameters
    return any(
        match(row.tests[name], parameters[name].values[0][1].value) is not True
        for name in row.tests
        if name in parameters
    )


@pytest.mark.parametrize("name", ["mall", "branches"])
def test_finds_a_ticket_for_every_row_that_can_hold(name: str) -> None:
    """What the decision itself says of its rules is asked, not the columns that the search looks at."""
    policy = load(name)
    finder = finder_of(policy)
    rules = policy.pack.rules()
    missed, dead = set(), set()
    for table, rows in rules.rows.items():
        if rules.families[table].grain == "none":
            continue
        for row in rows:
            if holds_never(policy, row):
                dead.add((table, row.id))
            result = finder.row(row)
            if result is None:
                missed.add((table, row.id))
                continue
            ticket, at = result
            used = {(use.table, use.rule, use.line) for use in policy.decide(ticket, at=at).rules if use.certain}
            names = {table, row.text("ends"), f"fee_{row.text('line')}", f"part_{table}"} - {None}
            assert any((name, row.id, row.line) in used for name in names), (table, row.id, ticket)
    assert missed == dead
    assert len(dead) == {"mall": 2, "branches": 11}[name]


def test_a_region_of_facts_and_results(policy: Policy) -> None:
    written, decision = found(policy, {"distance_km": 35_000}, {"category": {"A"}, "arrived_status": {"late"}})
    assert written["distance_km"] == 35
    assert decision.category == "A"
    assert decision.targets["arrived"].status == "late"


def test_the_ticket_is_small_and_plain(policy: Policy) -> None:
    """Misuse is paid for, and so is what was bought long ago: one of them and the receipt, a Wednesday at ten."""
    written, decision = found(policy, {}, {"category": {"A"}}, day=day("2026-03-04"))
    assert written.pop("received_at") == "2026-03-04T10:00:00+08:00"
    assert written.keys() in ({"cause"}, {"purchased_on"})
    assert decision.at_s == datetime(2026, 3, 4, 10, tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    "results",
    [{"category": {"C"}}, {"arrived_status": {"on hold"}}, {"fee_drive_row": {1}}, {"arrived_status": {"breached"}}],
)
def test_nothing_can_be_left_out(policy: Policy, results: Mapping[str, set[Any]]) -> None:
    written, decision = found(policy, {}, results)

    def is_wanted(data: Mapping[str, Any]) -> bool:
        other = policy.decide(data, at=datetime.fromtimestamp(decision.at_s, ZONE))
        return all(other.column(name) in among for name, among in results.items())

    assert is_wanted(written)
    for name in written.keys() - {"received_at"}:
        assert not is_wanted({key: value for key, value in written.items() if key != name}), name


def test_what_is_not_needed_is_dropped_and_the_rest_made_plain(policy: Policy) -> None:
    start = {"distance_km": 49_999, "floor": 3, "internal": True, "holds[].hold_kind": "parts"}
    result = Finder(policy).find({}, {"category": {"D"}}, start=start)
    assert result is not None
    assert ticket_to_dict(result[0]).keys() == {"received_at", "internal"}
    result = Finder(policy).find({}, {"arrived_row": {2}}, start={"distance_km": 49_999})
    assert result is not None
    assert result[0].distance_km == 35


def test_a_fact_that_is_to_be_missing_is_missing(policy: Policy) -> None:
    """Without a cause nobody knows whether anything is covered, save what was bought too long ago."""
    written, decision = found(policy, {"cause": None, "distance_km": 4_000}, {"category": {"A"}})
    assert "cause" not in written
    assert decision.category == "A"
    assert find_ticket(policy, {"cause": None}, {"category": {"C"}}, tries=300) is None


def test_the_governing_day_holds(policy: Policy) -> None:
    """From 1 May on nothing is in category A: the row ends there."""
    last = day("2026-04-30")
    written, _ = found(policy, {}, {"category": {"A"}}, day=last)
    assert written["received_at"].startswith("2026-04-30T")
    assert find_ticket(policy, {}, {"category": {"A"}}, day=last + 1) is None
    bought, decision = found(policy, {}, {"in_warranty": {True}}, day=day("2025-07-01"), governing="purchase")
    assert bought["purchased_on"] == "2025-07-01"
    assert decision.coverage.in_warranty is True
    incident, _ = found(
        policy, {"incident_kind": "missed"}, {}, day=day("2026-05-05"), governing="incident", grain="incident"
    )
    assert incident["incidents"] == [{"incident_kind": "missed", "occurred_on": "2026-05-05"}]
    quoted, decision = found(policy, {}, {"category": {"A"}}, day=last, governing="fee")
    assert decision.column(
        "fee_day",
    ) in (None, last) and quoted["received_at"].startswith("2026-04-30T")


def test_a_part_lies_in_the_region(policy: Policy) -> None:
    written, decision = found(
        policy, {"part_class": "seal"}, {"part_covered": {False}, "part_fees_row": {2}}, grain="part"
    )
    assert written["parts"] == [{"part_class": "seal"}]
    assert decision.coverage.parts[0].covered is False
    other, decision = found(policy, {"parts[].unit_price": 1_000}, {"part_covered": {True}}, grain="part")
    assert other["parts"] == [{"unit_price": 10}]
    assert decision.coverage.parts[0].covered is True


def test_a_hold_and_an_incident_lie_in_the_region(policy: Policy) -> None:
    written, _ = found(policy, {"hold_kind": "parts"}, {"arrived_status": {"on hold"}}, grain="hold")
    assert [hold["hold_kind"] for hold in written["holds"]] == ["parts"]
    written, decision = found(policy, {"extra_cost": 1_000}, {"penalties_fired": {1}}, grain="incident")
    assert written["incidents"] == [{"incident_kind": "missed", "extra_cost": 10}]
    assert [penalty.liable for penalty in decision.penalties] == ["clerk"]


def test_a_test_of_the_decision_decides(policy: Policy) -> None:
    def costs(decision: Decision) -> bool:
        return decision.quote is not None and decision.quote.total is not None and decision.quote.total > 40

    written, decision = found(policy, {}, {"category": {"A"}}, accept=costs)
    assert costs(decision)
    assert written["distance_km"] > 10
    anything = Finder(policy).ticket(lambda decision: decision.category == "D", {"distance_km": 9_000})
    assert anything is not None
    assert policy.decide(anything[0], at=anything[1]).category == "D"
    either = Finder(policy).ticket({"category": lambda value: value in ("C", "D"), "distance_km": lambda value: value})
    assert either is not None
    assert policy.decide(either[0], at=either[1]).category in ("C", "D")
    assert either[0].distance_km


def test_what_cannot_be_is_not_found(policy: Policy) -> None:
    assert find_ticket(policy, {}, {"category": {"B"}}) is None
    assert find_ticket(policy, {"cause": "misuse"}, {"covered": {True}}) is None
    assert find_ticket(policy, {"internal": True}, {"category": {"C"}}, tries=300) is None
    assert find_ticket(policy, {}, {"reading": {True}}, tries=50) is None
    assert find_ticket(policy, {}, {}, accept=lambda decision: False, tries=50) is None


def test_the_same_question_has_the_same_answer(policy: Policy) -> None:
    question = ({"distance_km": 35_000}, {"arrived_status": {"met"}, "category": {"A", "C"}})
    first = Finder(policy).find(*question)
    assert first is not None
    assert Finder(policy).find(*question) == first == find_ticket(policy, *question)


def test_a_state_that_only_time_brings_is_found(policy: Policy) -> None:
    written, decision = found(policy, {"distance_km": 4_000}, {"routing_fired": {1}})
    assert "arrived_at" not in written
    assert decision.targets["arrived"].status == "breached"


def test_tickets_lie_in_the_calendar(policy: Policy) -> None:
    """What would be due after its last day cannot be decided, so the search goes elsewhere."""
    assert find_ticket(policy, {"distance_km": 30_000}, {"arrived_row": {2}}, day=day("2026-12-31")) is not None
    assert find_ticket(policy, {}, {"category": {"D"}}, day=day("2031-01-01"), tries=300) is not None


def test_a_result_that_there_is_not_is_named(policy: Policy) -> None:
    with pytest.raises(UsageError, match="categroy"):
        find_ticket(policy, {}, {"categroy": {"A"}})
    with pytest.raises(UsageError, match="distance_mk"):
        find_ticket(policy, {"distance_mk": 1}, {})


def test_a_row_is_found_on_its_last_day(policy: Policy) -> None:
    row = next(row for row in policy.pack.rules().rows["category"] if row.id == "paid")
    result = Finder(policy).row(row)
    assert result is not None
    assert result[0].received_at is not None
    assert result[0].received_at.date().isoformat() == "2026-04-30"
    assert Finder(policy).row(attrs.evolve(row, line=999)) is None
