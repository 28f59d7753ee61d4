"""DuckDB against Python on random tickets of every service: every column of every grain must be the same.

Each service is decided as it is, where the tickets' own dates choose the editions, and with the first day of
each edition standing in for all dates.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.timing import Limit, Measurement, Settings, tell
from svc_policy import Policy, Ticket, load
from svc_policy.batch import RESULTS, decide_batch, insert_tickets
from svc_policy.errors import CalendarError
from svc_policy.pack.source import built_in_packs

CHUNK = 10_000
EPOCH = date(1970, 1, 1)
#: The engines are asked at instants spread over these days, one a chunk.
FIRST_S = int(datetime(2023, 2, 1, 1, tzinfo=UTC).timestamp())
LAST_S = int(datetime(2026, 7, 15, 9, 30, 1, tzinfo=UTC).timestamp())
SHOWN = 5


def measure(settings: Settings) -> Iterator[Measurement]:
    """Decide chunks of random tickets of every service and edition with both engines, on every core."""
    total = settings.differential or (300 if settings.quick else 200_000)
    kinds = [(name, day) for name in services() for day in (None, *editions(load(name)))]
    # Most tickets are decided by their own dates, as most are in life.
    shares = [4 if day is None else 1 for _, day in kinds]
    work: list[tuple[str, date | None, int]] = []
    for (name, day), share in zip(kinds, shares, strict=True):
        own = max(1, total * share // sum(shares))
        work += [(name, day, min(CHUNK, own - start)) for start in range(0, own, CHUNK)]
    total = sum(size for _, _, size in work)
    instants = [FIRST_S + (LAST_S - FIRST_S) * (number + 1) // len(work) for number in range(len(work))]
    done = cells = different = 0
    with ProcessPoolExecutor(max_workers=min(len(work), os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(compare_chunk, *each, seed, at_s)
            for seed, (each, at_s) in enumerate(zip(work, instants, strict=True))
        ]
        for job in as_completed(jobs):
            tickets, compared, found = job.result()
            done += tickets
            cells += compared
            different += len(found)
            for difference in found[:SHOWN]:
                tell(f"  {difference}")
            tell(f"  compared {done:,} of {total:,} tickets, {different:,} differences")
    judged = Limit(0, "differences").judge(
        "DuckDB against Python",
        different,
        f"{done:,} tickets of {len(kinds)} services and editions, {cells:,} values",
    )
    yield judged


def services() -> list[str]:
    """List the built-in packs that decide tickets."""
    return [name for name in built_in_packs() if not name.startswith("shared-")]


def editions(policy: Policy) -> list[date]:
    """List the days from which a row or a parameter holds, or no longer does."""
    edges = {edge for rows in policy.pack.rows.values() for row in rows for edge in (row.since, row.until) if edge}
    edges |= {since for of in policy.pack.settings.parameters.values() for since, _ in of.values if since}
    return [EPOCH + timedelta(days=edge) for edge in sorted(edges)]


def compare_chunk(name: str, day: date | None, count: int, seed: int, at_s: int) -> tuple[int, int, list[str]]:
    """Compare one chunk: how many tickets, how many values, and what differs."""
    import duckdb

    from tests.engines.tickets import random_tickets

    policy = load(name) if day is None else load(name).on(day)
    tickets: Sequence[Ticket] = random_tickets(policy, count, seed)
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    insert_tickets(connection, policy, tickets)
    decide_batch(policy, connection, at_s=at_s)
    by_sql = {grain: _rows_of(connection, policy, grain) for grain in RESULTS}
    compared = 0
    found: list[str] = []
    for ticket in tickets:
        calendar_error, *values = by_sql["ticket"][ticket.ticket_id, 0]
        try:
            decision = policy.decide_s(ticket, at_s)
        except CalendarError:
            compared += 1
            if calendar_error is not True:
                found.append(
                    f"ticket {ticket.ticket_id} of {policy.id}, seed {seed}: Python is outside the calendar, SQL is not"
                )
            continue
        if calendar_error is True:
            found.append(
                f"ticket {ticket.ticket_id} of {policy.id}, seed {seed}: SQL is outside the calendar, Python is not"
            )
            continue
        pairs = [("ticket", 0, values, decision.values)]
        pairs += [
            (grain, line, by_sql[grain][ticket.ticket_id, line][1:], own)
            for grain, lines in decision.children.items()
            if policy.plan.names(grain)
            for line, own in enumerate(lines)
        ]
        for grain, line, theirs, own in pairs:
            compared += len(own)
            if list(map(repr, theirs)) != list(map(repr, own)):
                # True and 1 are equal in Python, and are not the same column.
                found += [
                    f"ticket {ticket.ticket_id} of {policy.id}, seed {seed}, {grain} {line}, {name}: "
                    f"SQL {a!r}, Python {b!r}"
                    for name, a, b in zip(policy.plan.names(grain), theirs, own, strict=True)
                    if repr(a) != repr(b)
                ]
    return count, compared, found


def _rows_of(connection: Any, policy: Policy, grain: str) -> dict[tuple[str, int], tuple[object, ...]]:
    names = policy.plan.names(grain)
    there = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = 'main' AND table_name = ?", [RESULTS[grain]]
    ).fetchall()
    if not names or not there:
        return {}
    first = "calendar_error" if grain == "ticket" else "NULL"
    line = "0" if grain == "ticket" else "line"
    listed = ", ".join(f'"{name}"' for name in names)
    rows = connection.execute(f"SELECT ticket_id, {line}, {first}, {listed} FROM {RESULTS[grain]}").fetchall()
    return {(ticket_id, number): tuple(values) for ticket_id, number, *values in rows}
