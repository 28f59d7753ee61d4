"""The generated function against the slow interpreter: every column of every grain, on random tickets."""

from __future__ import annotations

from datetime import date

import pytest

from engines.interpreter import Interpreter
from engines.tickets import random_instants, random_tickets
from engines.workshop import workshop
from svc_policy import Policy, Ticket, load
from svc_policy.errors import CalendarError
from svc_policy.expressions.nodes import Value

MALL = load("mall")
Outcome = str | dict[str, Value]


def by_function(policy: Policy, ticket: Ticket, at: int) -> Outcome:
    """Name every column that the generated function gives, those of a child by grain and number."""
    try:
        decision = policy.decide_s(ticket, at)
    except CalendarError:
        return "outside the calendar"
    found = dict(zip(policy.plan.names("ticket"), decision.values, strict=True))
    for grain, records in decision.children.items():
        for number, values in enumerate(records):
            for name, value in zip(policy.plan.names(grain), values, strict=True):
                found[f"{grain} {number}: {name}"] = value
    return found


def by_interpreter(interpreter: Interpreter, ticket: Ticket, at: int) -> Outcome:
    try:
        columns, children = interpreter.run(ticket, at)
    except CalendarError:
        return "outside the calendar"
    found = dict(columns)
    for grain, records in children.items():
        for number, record in enumerate(records):
            found.update({f"{grain} {number}: {name}": value for name, value in record.items()})
    return found


def differences(left: Outcome, right: Outcome) -> dict[str, tuple[object, object]]:
    if isinstance(left, str) or isinstance(right, str):
        return {} if left == right else {"": (left, right)}
    return {
        name: (left.get(name, "absent"), right.get(name, "absent"))
        for name in (*left, *(name for name in right if name not in left))
        # True == 1: a truth and a number are not the same column.
        if repr(left.get(name, "absent")) != repr(right.get(name, "absent"))
    }


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return workshop(tmp_path_factory.mktemp("packs"))


def agree(policy: Policy, count: int, seed: int) -> set[str]:
    """Hold both against each other on random tickets; gives the columns that ever said something."""
    tickets = random_tickets(policy, count, seed)
    interpreter = Interpreter(policy)
    seen: set[str] = set()
    for ticket, at in zip(tickets, random_instants(policy, tickets, seed), strict=True):
        expected = by_interpreter(interpreter, ticket, at)
        assert differences(by_function(policy, ticket, at), expected) == {}, f"{ticket!r} at {at}"
        if isinstance(expected, dict):
            seen.update(name for name, value in expected.items() if value)
    # The tickets reach nearly the whole plan: a clock that no hold stops is never open, the rest says something.
    names = {name for name in policy.plan.names("ticket") if not name.endswith("_open")}
    assert len(names - seen) < len(names) // 10, sorted(names - seen)
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_every_column_is_the_same(seed: int) -> None:
    assert {"total", "next_change_at", "needs", "penalty_most"} <= agree(MALL, 350, seed)


@pytest.mark.parametrize("seed", range(2))
def test_every_column_is_the_same_where_parameters_have_dates_and_clocks_are_mixed(made_up: Policy, seed: int) -> None:
    assert {"arrived_unit", "contract_labour", "surcharge_1", "audited_due_months"} <= agree(made_up, 350, seed)


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2025, 12, 31), date(2026, 1, 1)])
def test_every_column_is_the_same_on_a_fixed_day(day: date) -> None:
    policy = MALL.on(day)
    interpreter = Interpreter(policy)
    tickets = random_tickets(policy, 40, day.toordinal())
    for ticket, at in zip(tickets, random_instants(policy, tickets, 7), strict=True):
        expected = by_interpreter(interpreter, ticket, at)
        assert differences(by_function(policy, ticket, at), expected) == {}, f"{ticket!r} at {at}"


def test_the_tickets_are_worth_their_name() -> None:
    tickets = random_tickets(MALL, 400, 11)
    assert [ticket.values for ticket in tickets] == [ticket.values for ticket in random_tickets(MALL, 400, 11)]
    outcomes = [
        by_function(MALL, ticket, at) for ticket, at in zip(tickets, random_instants(MALL, tickets, 11), strict=True)
    ]
    decided = [found for found in outcomes if isinstance(found, dict)]
    assert 0.9 < len(decided) / len(outcomes) < 1
    assert {found["category"] for found in decided} == {"A", "C", None}
    statuses = {value for found in decided for name, value in found.items() if name.endswith("_status")}
    assert statuses == {
        None,
        "not started",
        "pending",
        "on hold",
        "met",
        "late",
        "breached",
        "cancelled",
        "not applicable",
    }
    assert {found["arrived_row"] for found in decided} >= {None, 0, 1, 2, 3, 4}
    assert any(found["total"] for found in decided) and any(found["penalty_most"] for found in decided)
    assert any(found["next_change_at"] for found in decided) and any(not found["needs"] for found in decided)
