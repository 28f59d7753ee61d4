"""`needs` asks for what is missing, only for that, and never twice; what is determined stays so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from engines.tickets import missing_facts, random_instants, random_tickets, state
from engines.workshop import workshop
from svc_policy import Policy, Ticket, load
from svc_policy.decision import Decision
from svc_policy.errors import CalendarError

MALL = load("mall")
#: Results that are never absent: without a value they are unknown.
CERTAIN = (
    "request_day",
    "in_warranty",
    "excluded",
    "covered",
    "in_contract",
    "category",
    "subtotal",
    "discount",
    "tax",
    "total",
    "payable",
    "payer",
    "chargeable",
    "needs_confirmation",
    "penalty_least",
    "penalty_most",
)
#: Steps between, which no rule and no view reads: a share of a target that is unknown, the number of an open row.
INSIDE = (
    "_live",
    "_open",
    "_row",
    "_needs",
    "_unknown",
    "needs",
    "next_change_at",
    "procedures_next",
    "procedures_done",
)


@pytest.fixture(scope="module", params=["mall", "workshop"])
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return MALL if request.param == "mall" else workshop(Path(tmp_path_factory.mktemp("packs")))


def tickets(policy: Policy, count: int, seed: int) -> Iterator[tuple[Ticket, int]]:
    found = random_tickets(policy, count, seed)
    yield from zip(found, random_instants(policy, found, seed), strict=True)


def columns(policy: Policy, decision: Decision) -> dict[str, object]:
    return dict(zip(policy.plan.names("ticket"), decision.values, strict=True))


def test_answering_what_is_asked_comes_to_an_end(policy: Policy) -> None:
    rounds: Counter[int] = Counter()
    for number, (ticket, at) in enumerate(tickets(policy, 400, seed=31)):
        asked: set[str] = set()
        count = 0
        try:
            while needs := policy.decide_s(ticket, at).needs:
                assert not asked & set(needs), f"asked again: {needs} of {ticket!r} at {at}"
                assert set(needs) <= {*missing_facts(policy, ticket), *_milestones(policy)}
                asked |= set(needs)
                ticket = state(policy, ticket, needs, number)
                count += 1
        except CalendarError:
            continue
        rounds[count] += 1
    assert rounds[0] > 50 and rounds[1] > 100 and rounds[2] > 10 and max(rounds) <= 4


def _milestones(policy: Policy) -> set[str]:
    """Name the facts that may be asked for though they have not happened: the start of what is already done."""
    return {fact.name for fact in policy.pack.settings.facts["ticket"] if fact.absence == "not yet"}


def test_what_is_undetermined_asks_for_something(policy: Policy) -> None:
    unknown: Counter[str] = Counter()
    for ticket, at in tickets(policy, 500, seed=32):
        try:
            decision = policy.decide_s(ticket, at)
        except CalendarError:
            continue
        found = columns(policy, decision)
        for name in found:
            if name in CERTAIN or name.endswith("_status") or (name.startswith("fee_") and name.endswith("_amount")):
                needs = policy.plan.columns[name].needs
                asks = found[str(needs.data)] if needs.operator == "column" else 0
                assert found[name] is not None or asks, f"{name} asks for nothing: {ticket!r} at {at}"
                unknown[name] += found[name] is None
            if name.endswith("_unknown"):
                assert bool(found[name]) == bool(found[name.replace("_unknown", "_needs")]), name
        total = [value for name, value in found.items() if name.endswith("_needs")]
        assert bool(decision.needs) == any(total)
    assert unknown["category"] > 20 and unknown["total"] > 20


def test_what_is_determined_stays_so_whatever_is_answered(policy: Policy) -> None:
    for number, (ticket, at) in enumerate(tickets(policy, 400, seed=33)):
        # An override counts from when all of it is stated, and a purchase without its date goes by the delivery's,
        # a zone by the table.
        ticket = attrs.evolve(ticket, overrides=(), purchased_on=ticket.purchased_on or ticket.delivered_on)
        lacking = [
            name for name in missing_facts(policy, ticket) if name not in ("purchased_on", "delivered_on", "zone")
        ]
        try:
            before = columns(policy, policy.decide_s(ticket, at))
            after = columns(policy, policy.decide_s(state(policy, ticket, lacking[number % 3 :], number), at))
        except CalendarError:
            continue
        for name, value in before.items():
            if name.endswith("_fired"):
                if (
                    name != "checklists_fired" or policy is MALL
                ):  # a rule of the workshop asks whether a fact is missing
                    gained = after[name] & ~value
                    assert value & ~after[name] == 0, f"{name} loses a rule: {ticket!r} at {at}"
                    assert gained & ~before.get(name.replace("_fired", "_unknown"), 0) == 0, name
            elif value is not None and not name.endswith(INSIDE):
                assert after[name] == value, f"{name} was {value}, becomes {after[name]}: {ticket!r} at {at}"


def test_the_shortest_question_comes_first() -> None:
    ticket = {"received_at": "2026-03-02T09:00:00", "on_site": True, "parts_needed": False, "customer_kind": "person"}
    at = MALL.ticket(ticket).received_at
    kind = MALL.decide(ticket, at=at)
    # What kind of request it is is asked before anything that depends on it; then the period, the cause, the distance.
    assert kind.needs[0] == "request_kind" and kind.category is None
    period = MALL.decide({**ticket, "request_kind": "fault"}, at=at)
    assert period.needs == ("delivered_on", "cause", "distance_km", "solved_by_telephone")
    assert period.coverage.in_warranty is None and period.coverage.warranty_end is None
    # Past the period nothing but the price of labour is left to know of a near site.
    old = MALL.decide(
        {**ticket, "request_kind": "fault", "delivered_on": "2020-01-01", "cause": "wear", "distance_km": 3}, at=at
    )
    assert old.category == "A" and old.needs == ("labour_hours", "solved_by_telephone")
