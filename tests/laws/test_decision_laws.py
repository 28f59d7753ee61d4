"""Laws that every decision of mall keeps, named after them."""

from __future__ import annotations

import functools
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy import Policy, load
from svc_policy.decision import Decision

MALL = load("mall")
AGAIN = load("mall")
ZONE = MALL.zone
FIRST = datetime(2023, 1, 1, tzinfo=ZONE)
DISTANCES = st.one_of(
    st.sampled_from([0, 4999, 5000, 5001, 49_999, 50_000, 50_001, 99_999, 100_000, 100_001]), st.integers(0, 400_000)
)
EXAMPLES = settings(max_examples=80, deadline=None)
Facts = dict[str, Any]


def km(metres: int) -> Decimal:
    return Decimal(metres) / 1000


def hours(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


@st.composite
def parts(draw: st.DrawFn) -> Facts:
    return {
        "part_no": draw(st.sampled_from(["P-1", "P-2"])),
        "quantity": draw(st.integers(0, 20)),
        "unit_price": Decimal(draw(st.integers(0, 1_000_000))) / 100,
        "part_cause": draw(st.sampled_from([None, "product", "misuse", "wear", "accident"])),
    }


@st.composite
def tickets(draw: st.DrawFn, *, with_parts: bool = True) -> Facts:
    """Make the facts of a request that leave nothing to be asked."""
    received = FIRST + timedelta(seconds=draw(st.integers(0, 3 * 365 * 86_400)))
    age = draw(st.one_of(st.sampled_from([0, 364, 365, 366, 367]), st.integers(0, 2000)))
    return {
        "received_at": received,
        "request_kind": draw(st.sampled_from(["fault", "inquiry", "complaint", "suggestion"])),
        "customer_kind": draw(st.sampled_from(["person", "organisation"])),
        "customer_phone": "1",
        "delivered_on": received.date() - timedelta(days=age),
        "cause": draw(st.sampled_from(["product", "misuse", "wear", "accident"])),
        "on_site": draw(st.booleans()),
        "solved_by_telephone": draw(st.booleans()),
        "self_service": draw(st.booleans()),
        "parts_needed": draw(st.booleans()),
        "distance_km": km(draw(DISTANCES)),
        "labour_hours": hours(draw(st.integers(0, 100_000))),
        "visit_time": draw(st.sampled_from(["normal", "night", "weekend", "holiday"])),
        "fee_refused": draw(st.booleans()),
        "parts": draw(st.lists(parts(), max_size=3)) if with_parts else [],
    }


def decide(facts: Facts, after: int = 3600) -> Decision:
    ticket = MALL.ticket({name: value for name, value in facts.items() if value is not None})
    return MALL.decide(ticket, at=facts["received_at"] + timedelta(seconds=after))


def lines(decision: Decision) -> dict[str, int]:
    return {name: decision.column(f"fee_{name}_amount") for name in ("visit", "labour", "mileage", "guidance")}  # type: ignore[misc]


@EXAMPLES
@given(tickets())
def test_category_is_total(facts: Facts) -> None:
    decision = decide(facts)
    assert decision.category in ("A", "C")
    assert decision.needs == ()
    assert decision.quote is not None and decision.quote.total is not None


@EXAMPLES
@given(tickets(), DISTANCES, DISTANCES)
def test_a_nearer_site_never_waits_longer(facts: Facts, one: int, other: int) -> None:
    facts |= {"on_site": True, "confirmed_at": facts["received_at"] + timedelta(hours=2)}
    near, far = (decide(facts | {"distance_km": km(metres)}).targets for metres in sorted((one, other)))
    for target in ("arrived", "departed"):
        assert (near[target].due is None) == (far[target].due is None)
        if near[target].due is not None:
            assert near[target].due <= far[target].due


@EXAMPLES
@given(tickets())
def test_fees_are_never_negative(facts: Facts) -> None:
    decision = decide(facts)
    quote = decision.quote
    assert all(amount >= 0 for amount in lines(decision).values())
    assert all(line.amount >= 0 for line in quote.lines)
    assert quote.tax >= 0 and quote.payable >= 0
    assert quote.total == quote.subtotal + quote.tax
    assert quote.payable == (quote.total if quote.payer == "customer" else 0)


@EXAMPLES
@given(tickets(), st.integers(0, 100_000), st.integers(0, 100_000))
def test_fees_rise_with_hours_of_labour(facts: Facts, one: int, other: int) -> None:
    few, many = (decide(facts | {"labour_hours": hours(seconds)}).quote for seconds in sorted((one, other)))
    assert few.total <= many.total


@EXAMPLES
@given(tickets(), parts(), st.integers(0, 50))
def test_fees_rise_with_the_quantity_of_parts(facts: Facts, part: Facts, more: int) -> None:
    part = {name: value for name, value in part.items() if value is not None}
    few = decide(facts | {"parts": [part]}).quote
    many = decide(facts | {"parts": [part | {"quantity": part["quantity"] + more}]}).quote
    assert few.total <= many.total


@EXAMPLES
@given(tickets())
def test_free_service_costs_nothing(facts: Facts) -> None:
    decision = decide(facts)
    if decision.category == "C":
        assert sum(lines(decision).values()) == 0
        if decision.column("all_parts_covered"):
            assert decision.quote.total == 0


@EXAMPLES
@given(tickets(), st.integers(0, 2000))
def test_an_earlier_report_never_worsens_coverage(facts: Facts, days: int) -> None:
    # Back to 2016, where the working calendar begins.
    earlier = max(facts["received_at"] - timedelta(days=days), datetime(2016, 1, 1, tzinfo=ZONE))
    late, early = decide(facts), decide(facts | {"received_at": earlier})
    assert early.coverage.in_warranty >= late.coverage.in_warranty
    assert early.coverage.covered >= late.coverage.covered
    assert all(
        one.covered >= other.covered for one, other in zip(early.coverage.parts, late.coverage.parts, strict=True)
    )


@EXAMPLES
@given(tickets(), st.lists(st.integers(0, 20 * 86_400), min_size=2, max_size=6))
def test_escalation_never_falls_as_time_passes(facts: Facts, seconds: list[int]) -> None:
    masks = [decide(facts, after).column("escalations_fired") for after in sorted(seconds)]
    for before, after in pairwise(masks):
        assert before & ~after == 0


INCIDENTS = st.lists(
    st.fixed_dictionaries(
        {
            "incident_kind": st.sampled_from(
                ["not_passed_on", "not_fed_back", "faulty_record", "returned_without_consent"]
            ),
            "record_faulty": st.booleans(),
            "extra_cost": st.sampled_from([Decimal(0), Decimal("0.01"), Decimal(120)]),
        }
    ),
    max_size=4,
)


def penalty_of(incident: Facts) -> tuple[int, int]:
    """Reckon one incident by the rulebook (mall-2.2.6, 2.2.7, 3.6b), in yuan."""
    kind, costs = incident["incident_kind"], incident["extra_cost"] > 0
    if kind in ("not_passed_on", "not_fed_back"):
        amount = 100 if incident["record_faulty"] and costs else 50
        return amount, amount
    if not costs:
        return 0, 0
    return (50, 50) if kind == "faulty_record" else (50, 500)


@EXAMPLES
@given(tickets(with_parts=False), INCIDENTS)
def test_penalties_lie_within_their_range(facts: Facts, incidents: list[Facts]) -> None:
    day = facts["received_at"].date()
    decision = decide(facts | {"incidents": [{**incident, "occurred_on": day} for incident in incidents]}, after=1)
    ranges = [penalty_of(incident) for incident in incidents]
    assert decision.column("penalty_least") == 100 * sum(least for least, _ in ranges)
    assert decision.column("penalty_most") == 100 * sum(most for _, most in ranges)
    for item in decision.penalties:
        assert item.amount == 50 or (item.least, item.most) == (50, 500)


@EXAMPLES
@given(tickets())
def test_a_decision_is_deterministic(facts: Facts) -> None:
    one, other = decide(facts), decide(dict(reversed(facts.items())))
    assert one.to_dict() == other.to_dict()
    assert AGAIN.decide_s(one.ticket, one.at_s).to_dict() == one.to_dict()


@functools.cache
def on(day: date) -> Policy:
    return MALL.on(day)


@settings(max_examples=40, deadline=None)
@given(tickets(), st.sampled_from([date(2024, 12, 31), date(2025, 1, 1), date(2026, 1, 1)]), st.integers(0, 3))
def test_on_a_date_is_as_if_everything_was_of_that_date(facts: Facts, day: date, hour: int) -> None:
    received = facts["received_at"].replace(year=day.year, month=day.month, day=day.day, hour=3)
    facts |= {
        "received_at": received,
        "quoted_at": received.replace(hour=23, minute=59),
        "incidents": [{"occurred_on": day, "incident_kind": "not_fed_back"}],
    }
    decision = decide(facts, after=hour * 3600)
    fixed = on(day).decide(decision.ticket, at=received + timedelta(hours=hour))
    left, right = decision.to_dict(), fixed.to_dict()
    assert left.pop("policy")["digest"] == right.pop("policy")["digest"]
    assert left == right


@settings(max_examples=40, deadline=None)
@given(tickets(), st.sampled_from([(2023, 60, 80), (2024, 60, 80), (2025, 65, 84), (2026, 70, 90)]))
def test_on_a_date_the_fees_are_those_of_its_edition(facts: Facts, edition: tuple[int, int, int]) -> None:
    year, visit, labour = edition
    facts |= {"request_kind": "fault", "on_site": True, "delivered_on": date(2010, 1, 1), "distance_km": km(3000)}
    facts |= {"labour_hours": hours(7200)}
    decision = on(date(year, 6, 1)).decide(decide(facts).ticket, at=facts["received_at"])
    assert lines(decision) == {"visit": visit * 100, "labour": 2 * labour * 100, "mileage": 0, "guidance": 0}


@EXAMPLES
@given(tickets(), st.integers(0, 300))
def test_misuse_inside_the_period_is_paid_and_confirmed_first(facts: Facts, age: int) -> None:
    received = facts["received_at"]
    facts |= {
        "request_kind": "fault",
        "cause": "misuse",
        "on_site": True,
        "fee_refused": False,
        "delivered_on": received.date() - timedelta(days=age),
    }
    decision = decide(facts)
    assert decision.category == "A" and decision.coverage.in_warranty is True and decision.coverage.covered is False
    assert decision.quote.needs_confirmation is True and decision.quote.payer == "customer"
    assert {use.rule for use in decision.quote.confirmations} >= {"misuse"}
    confirmed = decide(facts | {"confirmed_at": received})
    assert confirmed.quote.needs_confirmation is False
