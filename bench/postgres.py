"""Decisions inside PostgreSQL: a million `mall` tickets into a table, and one of them by its id.

A server is started for it, with as many workers as the machine has cores. The instances of `decide_all` are measured
from the call to the tables with their keys; one ticket through the view and through the function, in a warm session
and as the first question of a new one.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from bench.generate import AT_S, GRAINS, typed_columns, write_tickets
from bench.timing import Limit, Measurement, Settings, shown, tell
from hosts.postgres.comparing import install
from hosts.postgres.server import running
from svc_policy import Policy, load
from svc_policy.facts.columns import TABLES

ASKED = 200
SESSIONS = 5


def measure(settings: Settings) -> Iterator[Measurement]:
    """Fill a server of our own and measure in it."""
    count = settings.tickets or (2_000 if settings.quick else 1_000_000)
    policy = load("mall")
    folder = settings.folder / f"tickets-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"  writing {count:,} tickets")
    write_tickets(duckdb.connect(), policy, folder, count, "csv")
    workers = str(max(1, os.cpu_count() or 1))
    with running({"shared_buffers": "1GB", "max_parallel_workers_per_gather": workers}) as server:
        url = server.url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            begun = time.perf_counter()
            install(connection, policy)
            tell(f"  installed in {shown(time.perf_counter() - begun)} s")
            filled(connection, policy, folder)
            yield from measure_all(connection, count, quick=settings.quick)
        yield from measure_one(url, count, quick=settings.quick)


def filled(connection: psycopg.Connection[Any], policy: Policy, folder: Path) -> None:
    """Load the files of the generated tickets."""
    for grain in GRAINS:
        named = sql.SQL(", ").join(map(sql.Identifier, typed_columns(policy, grain)))
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(sql.Identifier(TABLES[grain]), named)
        with (folder / f"{TABLES[grain]}.csv").open("rb") as file, connection.cursor().copy(into) as copying:
            while block := file.read(1 << 20):
                copying.write(block)
    connection.execute("VACUUM (ANALYZE)")


def measure_all(connection: psycopg.Connection[Any], count: int, *, quick: bool) -> Iterator[Measurement]:
    """Decide all tickets into tables, the results and every column."""
    for name, columns in (("results", "result_names()"), ("every column", "NULL")):
        taken = []
        for turn in range(1 if quick else 2):
            begun = time.perf_counter()
            connection.execute(f"SELECT decide_all({AT_S}, {columns})")
            taken.append(time.perf_counter() - begun)
            tell(f"  {name}, run {turn + 1}: {shown(taken[-1])} s")
        ((size,),) = connection.execute("SELECT pg_relation_size('decided_tickets')").fetchall()
        note = f"{shown(count / min(taken))} tickets/s, {shown(size / (1 << 20))} MiB"
        yield Limit(15, "s").judge(f"PostgreSQL, {count:,} tickets into a table, {name}", min(taken), note)


def measure_one(url: str, count: int, *, quick: bool) -> Iterator[Measurement]:
    """Decide one ticket by its id, among all that are stored."""
    chance = random.Random(1)
    asked = 20 if quick else ASKED
    for name, query in (
        ("view `decisions`", "SELECT * FROM decisions WHERE ticket_id = %s"),
        ("view `explained`", "SELECT * FROM explained WHERE ticket_id = %s"),
    ):
        cold = []
        warm: list[float] = []
        for _ in range(SESSIONS):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SET search_path = svc_policy_mall")
                connection.execute(f"SET svc_policy.at_s = {AT_S}")
                for number in range(asked // SESSIONS + 5):
                    ticket = f"T{chance.randrange(count)}"
                    begun = time.perf_counter()
                    found = connection.execute(query, [ticket]).fetchall()
                    taken = time.perf_counter() - begun
                    assert found, ticket
                    if number == 0:
                        cold.append(taken)
                    elif number > 4:
                        warm.append(taken)
        median, worst = statistics.median(warm) * 1000, sorted(warm)[int(len(warm) * 0.99)] * 1000
        note = f"99 %: {shown(worst)} ms; first in a session: {shown(statistics.median(cold) * 1000)} ms"
        if name == "view `decisions`":
            yield Limit(10, "ms").judge(f"PostgreSQL, one of {count:,} by id, {name}", median, note)
        else:
            yield Measurement(name=f"PostgreSQL, one of {count:,} by id, {name}", figure=f"{shown(median)} ms ({note})")
