"""Decide the same tickets in PostgreSQL and elsewhere, and list what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from svc_policy import Policy, Ticket
from svc_policy.batch import RESULTS, decide_batch, insert_tickets
from svc_policy.engines.postgres_functions import NAMES
from svc_policy.engines.postgres_script import schema_name
from svc_policy.engines.sql_postgres import short
from svc_policy.errors import CalendarError
from svc_policy.facts.columns import TABLES, columns, keys, rows
from svc_policy.facts.registry import GRAINS

#: Rows of a grain by ticket and line.
Rows = Mapping[tuple[str, int], tuple[object, ...]]
Connection = psycopg.Connection[Any]


def install(connection: Connection, policy: Policy) -> None:
    """Install a policy and look at its schema from now on."""
    connection.execute(policy.sql("postgres"))  # type: ignore[call-overload]
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema_name(policy.id))))


def fill(connection: Connection, policy: Policy, tickets: Iterable[Ticket]) -> None:
    """Put tickets in the place of those that are there."""
    facts = policy.pack.settings.company_facts
    lines: dict[str, list[Sequence[object]]] = {}
    for ticket in tickets:
        for table, found in rows(ticket.with_facts(facts) if facts else ticket).items():
            lines.setdefault(table, []).extend(found)
    for grain in GRAINS:
        table = TABLES[grain]
        listed = [short(column.name) for column in (*keys(grain), *columns(grain, facts))]
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table)))
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, listed))
        )
        with connection.cursor().copy(into) as copying:
            for line in lines.get(table, []):
                copying.write_row(line)


def in_postgres(connection: Connection, policy: Policy, relation: int = 3, ids: Sequence[str] = ()) -> dict[str, Rows]:
    """Read the decisions of every grain: the tables of all (3), or what the functions (1) give for some tickets."""
    found: dict[str, Rows] = {}
    for grain in RESULTS:
        names = policy.plan.names(grain)
        if not names:
            continue
        listed = [*(column.name for column in keys(grain)), *names, *(["calendar_error"] if grain == "ticket" else [])]  # type: ignore[arg-type]
        source = sql.Identifier(NAMES[grain][relation])
        query = sql.SQL("SELECT {} FROM {}{}").format(
            sql.SQL(", ").join(sql.Identifier(short(name)) for name in listed),
            source,
            sql.SQL("(%s)" if relation == 1 else ""),
        )
        values = connection.execute(query, [list(ids)] if relation == 1 else None).fetchall()
        found[grain] = _keyed(grain, values)
    return found


def in_duckdb(policy: Policy, tickets: Sequence[Ticket], at_s: int) -> dict[str, Rows]:
    """Decide tickets in DuckDB."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    insert_tickets(connection, policy, tickets)
    decide_batch(policy, connection, at_s=at_s)
    there = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    found: dict[str, Rows] = {}
    for grain, table in RESULTS.items():
        names = policy.plan.names(grain)
        if names and table in there:
            own = [*(column.name for column in keys(grain)), *names]  # type: ignore[arg-type]
            listed = [*own, *(["calendar_error"] if grain == "ticket" else [])]
            chosen = ", ".join(f'"{name}"' for name in listed)
            found[grain] = _keyed(grain, connection.execute(f"SELECT {chosen} FROM {table}").fetchall())
    return found


def in_python(policy: Policy, tickets: Sequence[Ticket], at_s: int) -> dict[str, Rows]:
    """Decide tickets one by one; of one outside the calendar only that is known."""
    found: dict[str, dict[tuple[str, int], tuple[object, ...]]] = {
        grain: {} for grain in RESULTS if policy.plan.names(grain)
    }
    for ticket in tickets:
        try:
            decision = policy.decide_s(ticket, at_s)
        except CalendarError:
            found["ticket"][ticket.ticket_id, 0] = (True,)
            continue
        found["ticket"][ticket.ticket_id, 0] = (*decision.values, False)
        for grain, lines in decision.children.items():
            if grain in found:
                for line, values in enumerate(lines):
                    found[grain][ticket.ticket_id, line] = tuple(values)
    return found


def differences(policy: Policy, ours: Mapping[str, Rows], theirs: Mapping[str, Rows]) -> tuple[int, list[str]]:
    """Count the values that are compared and list those that differ.

    Of a ticket outside the calendar only that is compared: its other results are not to be used.
    """
    compared = 0
    found: list[str] = []
    outside = {key[0] for key, row in ours["ticket"].items() if row[-1] is True}
    for grain, other in theirs.items():
        own = ours.get(grain, {})
        names = (*policy.plan.names(grain), "calendar_error")
        alone = [key for key in own.keys() ^ other.keys() if key[0] not in outside]
        found += [f"{policy.id}, {grain} {key}: only one has it" for key in alone]
        for key in own.keys() & other.keys():
            a, b = own[key], other[key]
            if key[0] in outside:
                if grain == "ticket":
                    compared += 1
                    if b[-1] is not True:
                        found.append(f"{policy.id}, ticket {key}: only one is outside the calendar")
                continue
            compared += len(a)
            if a != b or tuple(map(type, a)) != tuple(map(type, b)):
                found += [
                    f"{policy.id}, {grain} {key}, {name}: {x!r}, {y!r}"
                    for name, x, y in zip(names, a, b, strict=False)
                    if x != y or type(x) is not type(y)
                ]
    return compared, found


def chunks(tickets: Sequence[Ticket], size: int) -> Iterator[Sequence[Ticket]]:
    """Cut tickets into chunks."""
    for start in range(0, len(tickets), size):
        yield tickets[start : start + size]


def _keyed(grain: str, values: Iterable[Sequence[Any]]) -> Rows:
    if grain == "ticket":
        return {(row[0], 0): tuple(row[1:]) for row in values}
    return {(row[0], row[1]): tuple(row[2:]) for row in values}
