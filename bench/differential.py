"""DuckDB against Python on random tickets: every column of every grain must be the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from typing import Any

from bench.timing import Limit, Measurement, Settings, tell
from svc_policy import Policy, Ticket, load
from svc_policy.batch import RESULTS, decide_batch, insert_tickets
from svc_policy.errors import CalendarError

CHUNK = 10_000
#: The engines are asked at instants spread over these days, one a chunk.
FIRST_S = int(datetime(2023, 2, 1, 1, tzinfo=UTC).timestamp())
LAST_S = int(datetime(2026, 7, 15, 9, 30, 1, tzinfo=UTC).timestamp())
SHOWN = 5


def measure(settings: Settings) -> Iterator[Measurement]:
    """Decide chunks of random tickets with both engines, on every core."""
    total = settings.differential or (300 if settings.quick else 200_000)
    sizes = [min(CHUNK, total - start) for start in range(0, total, CHUNK)]
    instants = [FIRST_S + (LAST_S - FIRST_S) * (number + 1) // len(sizes) for number in range(len(sizes))]
    done = cells = different = 0
    with ProcessPoolExecutor(max_workers=min(len(sizes), os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(compare_chunk, size, seed, at_s)
            for seed, (size, at_s) in enumerate(zip(sizes, instants, strict=True))
        ]
        for job in as_completed(jobs):
            tickets, compared, found = job.result()
            done += tickets
            cells += compared
            different += len(found)
            for difference in found[:SHOWN]:
                tell(f"  {difference}")
            tell(f"  compared {done:,} of {total:,} tickets, {different:,} differences")
    judged = Limit(0, "differences").judge("DuckDB against Python", different, f"{done:,} tickets, {cells:,} values")
    yield judged


def compare_chunk(count: int, seed: int, at_s: int) -> tuple[int, int, list[str]]:
    """Compare one chunk: how many tickets, how many values, and what differs."""
    import duckdb

    from tests.engines.tickets import random_tickets

    policy = load("mall")
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
                found.append(f"ticket {ticket.ticket_id} of seed {seed}: Python is outside the calendar, SQL is not")
            continue
        if calendar_error is True:
            found.append(f"ticket {ticket.ticket_id} of seed {seed}: SQL is outside the calendar, Python is not")
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
                    f"ticket {ticket.ticket_id} of seed {seed}, {grain} {line}, {name}: SQL {a!r}, Python {b!r}"
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
