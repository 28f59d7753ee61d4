"""Drawn tickets fall where a policy turns, and shrink to what matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from svc_policy import Policy, PolicyError, Ticket
from svc_policy.diff import Comparison
from svc_policy.testing import Situation, changed, situations, tickets
from svc_policy.testing.strategies import differs

from .shop import shop

MANY = settings(
    max_examples=300, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def drawn(plain: Policy) -> list[Situation]:
    return sample(situations(plain))


def sample(strategy: st.SearchStrategy[Situation], count: int = 300) -> list[Situation]:
    found: list[Situation] = []

    @seed(1)
    @settings(MANY, max_examples=count)
    @given(strategy)
    def keep(situation: Situation) -> None:
        found.append(situation)

    keep()
    return found


def test_a_boundary_is_met_and_missed_by_a_step_on_either_side(drawn: list[Situation]) -> None:
    distances = {situation.facts.get("distance_km") for situation in drawn}
    assert {None, Decimal("19.999"), Decimal(20), Decimal("20.001")} <= distances
    steps = {situation.facts.get("labour_hours") for situation in drawn}
    assert {timedelta(seconds=1799), timedelta(minutes=30), timedelta(seconds=1801)} <= steps


def test_every_value_and_every_absence_occurs(drawn: list[Situation]) -> None:
    assert {situation.facts.get("cause") for situation in drawn} == {None, "product", "misuse", "wear", "accident"}
    assert {situation.facts.get("internal") for situation in drawn} == {None, True, False}
    kinds = {line.get("incident_kind") for situation in drawn for line in situation.facts.get("incidents", ())}
    assert kinds == {None, "rude", "late"}
    assert any("received_at" not in situation.facts for situation in drawn)


def test_nothing_is_stated_that_the_policy_does_not_read(drawn: list[Situation]) -> None:
    stated = {name for situation in drawn for name in situation.facts}
    assert not stated & {"district", "on_site", "warranty_begins", "satisfaction", "overrides", "materials", "holds"}


def test_days_are_those_of_editions_month_ends_and_changes_of_the_clock(plain: Policy, drawn: list[Situation]) -> None:
    received = [each.facts["received_at"].astimezone(plain.zone) for each in drawn if "received_at" in each.facts]
    days = {instant.date() for instant in received}
    assert {date(2024, 12, 31), date(2025, 1, 1)} <= days
    assert any((day + timedelta(days=1)).day == 1 and day.month == 2 for day in days)
    # In Berlin the clock changes on the last Sunday of March and October.
    assert any(day.month in (3, 10) and day.day >= 25 and day.weekday() == 6 for day in days)


def test_warranties_end_on_the_day_and_one_day_about_it(plain: Policy, drawn: list[Situation]) -> None:
    ends = set()
    for situation in drawn:
        received, delivered = situation.facts.get("received_at"), situation.facts.get("delivered_on")
        if received is not None and delivered is not None and delivered.day < 28 and delivered.month > 2:
            anniversary = delivered.replace(year=delivered.year + 1)
            ends.add((received.astimezone(plain.zone).date() - anniversary).days)
    assert {-1, 0} <= ends


def test_targets_are_met_on_the_second_and_a_second_late(plain: Policy, drawn: list[Situation]) -> None:
    late = set()
    for situation in drawn:
        arrived = situation.facts.get("arrived_at")
        try:
            due = situation.decide(plain).column("arrived_due")
        except PolicyError:
            continue
        if arrived is not None and isinstance(due, int):
            late.add(int(arrived.timestamp()) - due)
    assert {0, 1} <= late


def test_tickets_are_tickets_of_the_policy(plain: Policy) -> None:
    @settings(MANY, max_examples=20)
    @given(tickets(plain))
    def decided(ticket: Ticket) -> None:
        assert isinstance(ticket, Ticket)
        assert ticket.parts == tuple(ticket.parts)

    decided()


@pytest.mark.parametrize(
    ("wanted", "stated"),
    [
        (lambda facts: facts.get("distance_km", 0) > 20, {"distance_km"}),
        (lambda facts: facts.get("cause") == "wear" and facts.get("internal") is True, {"cause", "internal"}),
        (lambda facts: any(line.get("unit_price", 0) > 1 for line in facts.get("parts", ())), {"parts"}),
    ],
)
def test_a_ticket_shrinks_to_the_facts_that_matter(
    plain: Policy, wanted: Callable[[dict[str, object]], bool], stated: set[str]
) -> None:
    smallest = find(
        situations(plain),
        lambda situation: wanted(dict(situation.facts)),
        settings=settings(max_examples=2_000, database=None, deadline=None),
    )
    assert set(smallest.facts) == stated
    if "distance_km" in stated:
        # A whole number of kilometres, though 20.001 is over the limit as well.
        assert smallest.facts["distance_km"] % 1 == 0


def test_changed_tickets_lie_where_a_boundary_was_moved(plain: Policy, tmp_path) -> None:
    moved = shop(tmp_path, "deadlines.csv", "near,<= 20 km", "near,<= 20.001 km")
    far = shop(tmp_path / "far", "deadlines.csv", "far,> 20 km", "far,> 20.001 km")
    found = sample(changed(plain, moved, decided_differently=False), 60)
    assert sum(each.facts.get("distance_km") == Decimal("20.001") for each in found) > 6
    different = sample(changed(moved, far), 20)
    assert {each.facts["distance_km"] for each in different} == {Decimal("20.001")}


def test_changed_tickets_lie_on_the_day_by_which_an_edition_moved(plain: Policy, tmp_path) -> None:
    fees = "visit,,2025-01-02,A,visit,40 EUR,-,-,-,-,s-2\nvisit,2025-01-02,,A,visit,45 EUR"
    moved = shop(
        tmp_path, "fees.csv", "visit,,2025-01-01,A,visit,40 EUR,-,-,-,-,s-2\nvisit,2025-01-01,,A,visit,45 EUR", fees
    )
    for situation in sample(changed(plain, moved), 20):
        asked = situation.facts.get("quoted_at", situation.facts.get("received_at"))
        assert asked.astimezone(plain.zone).date() == date(2025, 1, 1)


def test_where_two_policies_are_the_same_nothing_differs(plain: Policy, drawn: list[Situation], tmp_path: Path) -> None:
    # The same rules under other names and in another place: what they say is what counts.
    renamed = shop(tmp_path, "deadlines.csv", "\nnear,", "\nclose,")
    comparison = Comparison(plain, renamed)
    assert not any(differs(situation, comparison) for situation in drawn[:60])


def test_an_instant_is_read_in_the_zone_of_the_policy(drawn: list[Situation]) -> None:
    assert all(isinstance(situation.at, datetime) and situation.at.tzinfo is not None for situation in drawn)
