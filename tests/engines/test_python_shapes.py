"""A function made for one shape of tickets decides as the whole one does."""

from __future__ import annotations

import pytest

from svc_policy import load
from svc_policy.errors import CalendarError

from .tickets import random_tickets

AT = 1_772_413_200


@pytest.mark.parametrize("name", ["mall", "tile"])
def test_a_shape_of_its_own_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = load(name)
    tickets = random_tickets(policy, 60, seed=41)
    monkeypatch.setattr(policy, "_often", 10**9)
    whole = [_decided(policy, ticket) for ticket in tickets]
    monkeypatch.setattr(policy, "_often", 1)
    for ticket, expected in zip(tickets, whole, strict=True):
        assert _decided(policy, ticket) == expected
    # It was another function that said so.
    assert len(policy._by_shape) > 30


def test_other_tickets_of_the_shape_agree_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape is compiled from what is stated, not from the values of the first ticket."""
    policy = load("mall")
    tickets = {}
    for ticket in random_tickets(policy, 3_000, seed=42):
        tickets.setdefault(ticket.shape, []).append(ticket)
    shared = [group for group in tickets.values() if len(group) > 1][:15]
    assert shared
    for group in shared:
        monkeypatch.setattr(policy, "_often", 10**9)
        whole = [_decided(policy, ticket) for ticket in group]
        monkeypatch.setattr(policy, "_often", 1)
        assert [_decided(policy, ticket) for ticket in group] == whole


def _decided(policy, ticket):
    try:
        decision = policy.decide_s(ticket, AT)
    except CalendarError:
        return "outside the calendar"
    lines = {grain: list(of) for grain, of in decision.children.items() if of}
    return decision.values, lines, decision.to_dict()
