"""The same tickets in DuckDB and in Python: every column of every grain, and every needs mask."""

from __future__ import annotations

import attrs
import duckdb
import pytest

from svc_policy import load
from svc_policy.batch import RESULTS, decide_batch, insert_tickets, result_names
from svc_policy.errors import CalendarError, UsageError

from .tickets import random_tickets

AT = 1_772_413_200  # 2026-03-02T09:00+08:00
CHILDREN = {
    "part": "part_decisions",
    "incident": "incident_decisions",
    "override": "override_decisions",
    "material": "material_decisions",
}

KEYS = {grain: ("ticket_id",) if grain == "ticket" else ("ticket_id", "line") for grain in RESULTS}


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


@pytest.fixture(scope="module")
def small():
    return load("tile")


def test_chunks_and_the_whole_agree(small) -> None:
    differences, _ = compare(small, random_tickets(small, 90, seed=7), AT, chunk=50)
    assert differences == []


def test_without_child_records(small) -> None:
    bare = [
        attrs.evolve(ticket, parts=(), holds=(), incidents=(), overrides=(), materials=())
        for ticket in random_tickets(small, 100, seed=8)
    ]
    differences, _ = compare(small, bare, AT)
    assert differences == []


@pytest.fixture(scope="module")
def laid(mall) -> duckdb.DuckDBPyConnection:
    """Lay out tickets and decide every column of them once, into tables called `all_…`."""
    tickets = [
        attrs.evolve(ticket, ticket_id=f"T{number}") for number, ticket in enumerate(random_tickets(mall, 300, seed=11))
    ]
    connection = duckdb.connect()
    insert_tickets(connection, mall, tickets)
    decide_batch(mall, connection, at_s=AT)
    made = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    for table in made & set(RESULTS.values()):
        connection.execute(f"ALTER TABLE {table} RENAME TO all_{table}")
    return connection


@pytest.mark.parametrize(
    "chosen",
    [None, ("total",), ("arrived_due", "part_amount"), ("needs",), ("escalations_fired", "penalty_most"), ()],
    ids=str,
)
def test_some_columns_have_the_values_they_have_among_all(mall, laid, chosen) -> None:
    chosen = result_names(mall.plan) if chosen is None else chosen
    connection = laid
    known = {
        grain: _rows(
            connection, f"all_{table}", (*KEYS[grain], *(name for name in mall.plan.names(grain) if name in chosen))
        )
        for grain, table in RESULTS.items()
        if grain == "ticket" or any(name in chosen for name in mall.plan.names(grain))
    }
    outside = {key for key, wrong in _rows(connection, "all_decisions", ("ticket_id", "calendar_error")) if wrong}
    for table in RESULTS.values():
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    decide_batch(mall, connection, at_s=AT, columns=chosen)
    made = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    for grain, table in RESULTS.items():
        assert (table in made) == (grain in known)
    for grain, rows in known.items():
        names = [column for column, *_ in connection.execute(f"DESCRIBE {RESULTS[grain]}").fetchall()]
        own = [name for name in mall.plan.names(grain) if name in chosen]
        assert names == [*KEYS[grain], *own, *(["calendar_error"] if grain == "ticket" else [])]
        found = _rows(connection, RESULTS[grain], (*KEYS[grain], *own))
        assert sorted(filter(lambda row: row[0] not in outside, found), key=repr) == sorted(
            filter(lambda row: row[0] not in outside, rows), key=repr
        )
    # What is computed for some columns is part of what is computed for all.
    still = {key for key, wrong in _rows(connection, "decisions", ("ticket_id", "calendar_error")) if wrong}
    assert still <= outside


def test_a_column_that_is_not_there_is_named(mall) -> None:
    with pytest.raises(UsageError) as raised:
        decide_batch(mall, duckdb.connect(), at_s=AT, columns=["total", "totl"])
    (found,) = raised.value.problems
    assert found.code == "column-unknown"
    assert "`totl`" in str(found.message)
    assert "`total`" in str(found.help)


def test_results_leave_out_what_leads_to_them(mall) -> None:
    chosen = result_names(mall.plan)
    assert {"category", "arrived_due", "arrived_status", "total", "penalty_least", "escalations_fired"} <= set(chosen)
    assert {"category_needs", "arrived_within", "arrived_live", "arrived_share_5", "routing_unknown"}.isdisjoint(chosen)
    assert len(chosen) < len(mall.plan.names("ticket")) / 2


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
