"""PostgreSQL against DuckDB and Python: every column of every grain, many random tickets of every built-in service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

import psycopg

from bench.differential import services
from bench.timing import Limit, Measurement, Settings, tell
from hosts.postgres.comparing import differences, fill, in_duckdb, in_postgres, in_python, install
from hosts.postgres.server import running
from svc_policy import load
from tests.engines.tickets import random_tickets

AT_S = 1_777_612_345
CHUNK = 15_000
SHOWN = 5


def measure(settings: Settings) -> Iterator[Measurement]:
    """Decide random tickets of every service in all three, on every core."""
    names = services()
    total = settings.differential or (140 if settings.quick else 100_000)
    shares = [total // len(names) + (number < total % len(names)) for number in range(len(names))]
    work = [
        (name, min(CHUNK, share - start))
        for name, share in zip(names, shares, strict=True)
        for start in range(0, share, CHUNK)
    ]
    done = by_duckdb = by_python = different = 0
    with running() as server, ProcessPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        jobs = [
            pool.submit(compare_chunk, server.url("postgres"), name, count, seed)
            for seed, (name, count) in enumerate(work)
        ]
        for job in as_completed(jobs):
            name, count, duckdb_values, python_values, found = job.result()
            done += count
            by_duckdb += duckdb_values
            by_python += python_values
            different += len(found)
            for difference in found[:SHOWN]:
                tell(f"  {difference}")
            tell(
                f"  {name}: {count:,} tickets, {duckdb_values:,} values; {done:,} of {total:,}, {different:,} different"
            )
    yield Limit(0, "differences").judge(
        "PostgreSQL against DuckDB and Python",
        different,
        f"{done:,} tickets of {len(names)} services; {by_duckdb:,} values against DuckDB, {by_python:,} against Python",
    )


def compare_chunk(url: str, name: str, count: int, seed: int) -> tuple[str, int, int, int, list[str]]:
    """Compare one chunk in a database of its own."""
    policy = load(name)
    tickets = random_tickets(policy, count, 1_000 + seed)
    own = f"{url.rpartition('/')[0]}/chunk_{seed}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE chunk_{seed}")
    with psycopg.connect(own, autocommit=True) as connection:
        install(connection, policy)
        fill(connection, policy, tickets)
        connection.execute("SELECT decide_all(%s)", [AT_S])
        ours = in_postgres(connection, policy)
    duckdb_values, found = differences(policy, in_duckdb(policy, tickets, AT_S), ours)
    python_values, more = differences(policy, in_python(policy, tickets, AT_S), ours)
    return name, count, duckdb_values, python_values, [*found, *more]
