"""`next_change_at` is the first instant at which anything in the decision differs, and exactly that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from engines.tickets import random_instants, random_tickets
from engines.workshop import workshop
from svc_policy import Policy, Ticket, load
from svc_policy.errors import CalendarError

MALL = load("mall")
FAR = 40 * 365 * 86_400


@pytest.fixture(scope="module", params=["mall", "workshop"])
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return MALL if request.param == "mall" else workshop(Path(tmp_path_factory.mktemp("packs")))


def discrete(policy: Policy, ticket: Ticket, at: int) -> list[tuple[str, object]]:
    """List every column but `next_change_at`."""
    decision = policy.decide_s(ticket, at)
    found: list[tuple[str, object]] = list(zip(policy.plan.names("ticket"), decision.values, strict=True))
    for grain, records in decision.children.items():
        found += [(f"{grain} {number}", tuple(values)) for number, values in enumerate(records)]
    return [(name, value) for name, value in found if name != "next_change_at"]


def decided(policy: Policy, count: int, seed: int) -> Iterator[tuple[Ticket, int, int | None]]:
    """Yield tickets with an instant and when their decision says that it changes next."""
    tickets = random_tickets(policy, count, seed)
    for ticket, at in zip(tickets, random_instants(policy, tickets, seed), strict=True):
        try:
            yield ticket, at, policy.decide_s(ticket, at).column("next_change_at")  # type: ignore[misc]
        except CalendarError:
            continue


def turning_points(policy: Policy, ticket: Ticket, at: int) -> list[int]:
    """List the instants about which something could turn: every target's due instant and the shares before it."""
    columns = dict(discrete(policy, ticket, at))
    found = [value for name, value in columns.items() if "_share_" in name or name.endswith("_due")]
    return [value + step for value in found if type(value) is int for step in (-1, 0, 1)]


def test_nothing_differs_before_it_and_something_at_it(policy: Policy) -> None:
    chance = random.Random(1)
    seen = 0
    for ticket, at, change in decided(policy, 700, seed=21):
        if change is None:
            continue
        seen += 1
        assert change > at
        now = discrete(policy, ticket, at)
        between = [instant for instant in turning_points(policy, ticket, at) if at < instant < change]
        for instant in (change - 1, chance.randrange(at, change), chance.randrange(at, change), *between):
            assert discrete(policy, ticket, instant) == now, f"{ticket!r} at {at}: differs at {instant} before {change}"
        assert discrete(policy, ticket, change) != now, f"{ticket!r} at {at}: nothing differs at {change}"
    assert seen > 100


def test_without_it_nothing_differs_ever_after(policy: Policy) -> None:
    seen = 0
    for ticket, at, change in decided(policy, 300, seed=22):
        if change is not None:
            continue
        seen += 1
        now = discrete(policy, ticket, at)
        later = [instant for instant in turning_points(policy, ticket, at) if instant > at]
        for instant in (at + 1, at + 86_400 * 400, at + FAR, *later):
            assert discrete(policy, ticket, instant) == now, f"{ticket!r} at {at}: differs at {instant}"
    assert seen > 100


def test_following_it_to_the_end_meets_every_change() -> None:
    # Received Monday 2026-03-02 09:00, nothing done. Passing on (4 working h) reaches 80 % at 13:12, 100 % at 14:00,
    # is breached a second later, 150 % at 16:00. The solution (8 h, by 18:00) reaches 80 % after 6 h 24 min: 16:24;
    # 100 % at 18:00, breached a second later, 150 % (12 h) on Tuesday at 14:00. Arrival (24 h) reaches 80 % on Tuesday
    # at 04:12, 100 % at 09:00 and a second later, 150 % (36 h) at 21:00.
    ticket = MALL.ticket(
        {
            "received_at": "2026-03-02T09:00:00",
            "request_kind": "fault",
            "customer_kind": "person",
            "delivered_on": "2025-09-01",
            "cause": "product",
            "on_site": True,
            "solved_by_telephone": False,
            "parts_needed": False,
            "distance_km": 3,
        }
    )
    at = datetime(2026, 3, 2, 9, tzinfo=MALL.zone)
    found = []
    while (change := MALL.decide(ticket, at=at).next_change_at) is not None:
        at = change
        found.append(f"{at:%d %H:%M:%S}")
    assert found == [
        "02 13:12:00",
        "02 14:00:00",
        "02 14:00:01",
        "02 16:00:00",
        "02 16:24:00",
        "02 18:00:00",
        "02 18:00:01",
        "03 04:12:00",
        "03 09:00:00",
        "03 09:00:01",
        "03 14:00:00",
        "03 21:00:00",
    ]
