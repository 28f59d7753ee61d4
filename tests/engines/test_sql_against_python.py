"""The same tickets in DuckDB and in Python: every column of every grain, and every needs mask."""

from __future__ import annotations

import attrs
import duckdb
import pytest

from svc_policy import load
from svc_policy.batch import decide_batch, insert_tickets
from svc_policy.errors import CalendarError

from .tickets import random_tickets

AT = 1_772_413_200  # 2026-03-02T09:00+08:00
CHILDREN = {
    "part": "part_decisions",
    "incident": "incident_decisions",
    "override": "override_decisions",
    "material": "material_decisions",
}


def compare(policy, tickets, at: int, chunk: int = 500_000) -> tuple[list[str], int]:
    """Decide tickets in both engines; gives the differences, and how many tickets lie outside the calendar."""
    tickets = [attrs.evolve(ticket, ticket_id=f"T{number}") for number, ticket in enumerate(tickets)]
    connection = duckdb.connect()
    insert_tickets(connection, policy, tickets)
    decide_batch(policy, connection, at_s=at, chunk=chunk)
    names = policy.plan.names("ticket")
    found = {row[0]: row[1:] for row in _rows(connection, "decisions", ("ticket_id", *names, "calendar_error"))}
    assert len(found) == len(tickets)
    lines = {
        grain: {row[:2]: row[2:] for row in _rows(connection, table, ("ticket_id", "line", *policy.plan.names(grain)))}
        for grain, table in CHILDREN.items()
        if policy.plan.names(grain) and any(getattr(ticket, f"{grain}s") for ticket in tickets)
    }
    differences: list[str] = []
    outside = 0
    for ticket in tickets:
        row = found[ticket.ticket_id]
        try:
            decision = policy.decide_s(ticket, at)
        except CalendarError:
            outside += 1
            if not row[-1]:
                differences.append(f"calendar_error of {ticket!r}: python raises, sql does not")
            continue
        if row[-1]:
            differences.append(f"calendar_error of {ticket!r}: sql alone")
        differences += _differ(names, decision.values, row, ticket)
        for grain, of in decision.children.items():
            if not policy.plan.names(grain):
                continue
            for number, values in enumerate(of):
                differences += _differ(policy.plan.names(grain), values, lines[grain][ticket.ticket_id, number], ticket)
    return differences, outside


def _rows(connection, table: str, names: tuple[str, ...]) -> list[tuple]:
    listed = ", ".join(f'"{name}"' for name in names)
    return connection.execute(f"SELECT {listed} FROM {table}").fetchall()


def _differ(names, python, sql, ticket) -> list[str]:
    return [
        f"{name}: python {ours!r}, sql {theirs!r} in {ticket!r}"
        for name, ours, theirs in zip(names, python, sql, strict=False)
        if ours != theirs or type(ours) is not type(theirs)
    ]


@pytest.fixture(scope="module")
def mall():
    return load("mall")


def test_two_thousand_tickets_agree_in_every_column(mall) -> None:
    differences, outside = compare(mall, random_tickets(mall, 2_000, seed=20_260_302), AT)
    assert differences == []
    # Some tickets lie outside the calendar on purpose; most do not.
    assert outside < 200


def test_chunks_and_the_whole_agree(mall) -> None:
    differences, _ = compare(mall, random_tickets(mall, 90, seed=7), AT, chunk=40)
    assert differences == []


def test_without_child_records(mall) -> None:
    bare = [
        attrs.evolve(ticket, parts=(), holds=(), incidents=(), overrides=(), materials=())
        for ticket in random_tickets(mall, 100, seed=8)
    ]
    differences, _ = compare(mall, bare, AT)
    assert differences == []


def test_a_fixed_day_stands_in_for_all_governing_dates(mall) -> None:
    import datetime as dt

    fixed = mall.on(dt.date(2024, 6, 1))
    differences, _ = compare(fixed, random_tickets(mall, 100, seed=9), AT)
    assert differences == []


def test_a_difference_is_noticed(mall) -> None:
    """The comparison itself: a changed value is a difference."""
    names = mall.plan.names("ticket")
    values = tuple(range(len(names)))
    changed = (*values[:-1], -1)
    assert len(_differ(names, values, changed, "ticket")) == 1
