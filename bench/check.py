"""Check by proof: how long each shipped pack takes, loading and the start of the process apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.timing import Limit, Measurement, Settings, shown, tell
from svc_policy import load
from svc_policy.check import check_policy
from svc_policy.pack.source import built_in_packs

#: Mall without this row has a gap, for which a ticket is looked for.
MISSING = "between,"


def longest_of(name: str, rounds: int) -> tuple[float, int]:
    """Check a pack some times; the longest time in seconds, and how many rows it has."""
    taken = []
    for _ in range(rounds):
        policy = load(name)
        begun = time.perf_counter()
        check_policy(policy)
        taken.append(time.perf_counter() - begun)
    return max(taken), sum(len(rows) for rows in policy.pack.rows.values())


def with_a_gap(folder: Path) -> Path:
    """Write mall without a row."""
    from svc_policy.pack.export import copy_pack

    target = folder / "mall-without"
    if not target.exists():
        copy_pack("mall", target)
        file = target / "deadlines.csv"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith(MISSING)), encoding="utf-8")
    return target


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure each pack, and mall with a gap and the search for its example."""
    rounds = settings.rounds(12)
    taken = {}
    for name in built_in_packs():
        tell(f"  checking {name}, {rounds} times")
        taken[name], rows = longest_of(name, rounds)
        yield Measurement(name=f"check {name} ({rows} rows), the longest", figure=f"{shown(taken[name] * 1_000)} ms")
    yield Limit(2, "s").judge("check the slowest pack", max(taken.values()))
    longest, _ = longest_of(str(with_a_gap(settings.folder)), rounds)
    yield Limit(2, "s").judge("check mall with a gap, example and all", longest)
