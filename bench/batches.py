"""A million tickets at once: files in, the full mall decision out, against DuckDB's bare copy.

The mall has the widest plan of all services. Its results are measured, and once more every column, with what
leads to the results. The bare copy writes the columns of the input, which are more than those of the results.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from bench.generate import write_tickets
from bench.timing import Limit, Measurement, Settings, shown, tell
from svc_policy import load

ROOT = Path(__file__).resolve().parent.parent
CHUNK = 500_000
GIB = 1 << 30
Run = Mapping[str, float]


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure deciding and copying in turn, each run in a process of its own."""
    count = settings.tickets or (2_000 if settings.quick else 1_000_000)
    folder = written(settings, count, ("csv", "parquet"))
    rounds = 1 if settings.quick else 3
    runs: dict[tuple[str, str], list[Run]] = {
        ("copy", "csv"): [],
        ("decide", "csv"): [],
        ("all", "csv"): [],
        ("copy", "parquet"): [],
        ("decide", "parquet"): [],
    }
    for turn in range(rounds):
        for (what, form), found in runs.items():
            found.append(run(what, form, folder))
            tell(f"  round {turn + 1} of {rounds}: {what} {form} took {shown(found[-1]['seconds'])} s")
    for what, form in (("decide", "csv"), ("all", "csv"), ("decide", "parquet")):
        decided, copied = runs[what, form], runs["copy", form]
        ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in zip(decided, copied, strict=True))
        reading, deciding = (statistics.median(each[of] for each in decided) for of in ("reading", "deciding"))
        name = f"{count:,} tickets, {'CSV' if form == 'csv' else 'Parquet'} → Parquet"
        name += ", every column" if what == "all" else ""
        copy_s = statistics.median(each["seconds"] for each in copied)
        note = f"read {shown(reading)} s + decide {shown(deciding)} s; copy {shown(copy_s)} s"
        if (what, form) == ("decide", "csv"):
            yield Limit(3, "× bare copy").judge(name, ratio, note)
        else:
            yield Measurement(name=name, figure=f"{shown(ratio)} × bare copy ({note})")
    peak = max(each["peak"] for each in runs["decide", "csv"])
    yield Measurement(name="  peak memory", figure=f"{shown(peak / GIB)} GiB")
    if settings.large:
        yield from measure_large(settings, folder, count)


def measure_large(settings: Settings, folder: Path, count: int) -> Iterator[Measurement]:
    """Measure ten times as many, between two runs of the smaller size."""
    many = 10 * count
    large = written(settings, many, ("csv",))
    small = [run("decide", "csv", folder)]
    tell(f"  deciding {many:,} tickets")
    found = run("decide", "csv", large)
    small.append(run("decide", "csv", folder))
    base = statistics.mean(each["seconds"] for each in small)
    note = f"{shown(found['seconds'])} s against {shown(base)} s"
    yield Limit(11, f"× {count:,}").judge(f"{many:,} tickets, CSV → Parquet", found["seconds"] / base, note)
    yield Limit(3, "GiB").judge("  peak memory", found["peak"] / GIB)


def written(settings: Settings, count: int, forms: tuple[str, ...]) -> Path:
    """Write the input files of so many tickets, once."""
    folder = settings.folder / f"tickets-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"  writing {count:,} tickets")
    connection = duckdb.connect()
    for form in forms:
        write_tickets(connection, load("mall"), folder, count, form)
    connection.close()
    return folder


def run(what: str, form: str, folder: Path) -> Run:
    """Run one job in a process of its own, so that its peak memory is its own too."""
    command = [sys.executable, "-m", "bench.batch_job", what, form, str(folder), str(CHUNK)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    found: Run = json.loads(done.stdout)
    return found
