"""Live events: how many a second the desk takes, by its own way and through durable-rules, and what it keeps.

Each way has a process of its own, so that neither's memory stands in the
other's figure. One of them, of another size: `python -m bench.live own 200000`
(or `durable`).
"""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.live_stream import Stream
from bench.timing import Measurement, Settings, machine, table, tell
from svc_policy import Policy, load
from svc_policy.adapters.live import LiveDesk

ROOT = Path(__file__).resolve().parents[1]
EVENTS = 1_000_000
DURABLE = 100_000
CHUNK = 10_000
#: The events between two lines that say how far it is.
STEP = 100_000
NAMES = {"own": "own way", "durable": "durable-rules"}


def measure(settings: Settings) -> Iterator[Measurement]:
    """Take in a million random events under the mall's policy, and a tenth of them through durable-rules."""
    yield from measured("own", 4_000 if settings.quick else EVENTS)
    if sys.version_info >= (3, 13):
        yield Measurement(name="live, durable-rules", figure="does not run on this Python")
        return
    if find_spec("durable") is None:
        yield Measurement(name="live, durable-rules", figure="not measured: the extra `durable` is not installed")
        return
    yield from measured("durable", 2_000 if settings.quick else DURABLE)


def measured(way: str, count: int) -> Iterator[Measurement]:
    """Take events in, in another process, and judge what it found."""
    tell(f"  {count:,} events, {NAMES[way]}")
    command = [sys.executable, "-m", "bench.live", way, str(count), "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    yield from judged(NAMES[way], json.loads(done.stdout), is_flat=way == "own" and count >= EVENTS)


def judged(name: str, found: dict[str, Any], *, is_flat: bool) -> Iterator[Measurement]:
    """Lay out what a way was measured to do; one that is to stay flat keeps within a tenth of its first look."""
    count = found["events"]
    note = f"{found['decided'] / count:.1f} decisions an event, {found['late']:,} late, {found['repeated']:,} again"
    yield Measurement(name=f"live, {name}", figure=f"{count / found['seconds']:,.0f} events/s ({note})")
    memory = [one["megabytes"] for one in found["looks"]]
    shown = ", ".join(f"{one['megabytes']:.1f} MB at {one['events']:,}" for one in found["looks"])
    kept = ", ".join(f"{one['tickets']:,}" for one in found["looks"])
    # A tenth leaves room for the allocator's own ways.
    yield Measurement(
        name=f"live, {name}, memory",
        figure=f"{shown} ({kept} tickets kept)",
        target="≤ 110 % of the first" if is_flat else "",
        met=max(memory) <= 1.1 * memory[0] if is_flat else None,
    )


def take(policy: Policy, desk: LiveDesk, count: int) -> dict[str, Any]:
    """Take events in, timing the desk alone; a ticket comes every ten minutes, 8 % of the events come late.

    The memory is looked at after a tenth, half and all of them.
    """
    events = iter(Stream(policy=policy, seed=1, events=count, pace=600, start="2023-01-02T00:00:00+00:00"))
    awaited = [max(1, count // 10), max(1, count // 2), count]
    looks: list[dict[str, Any]] = []
    seconds = 0.0
    done = 0
    while done < count:
        chunk = list(itertools.islice(events, min(CHUNK, awaited[0] - done)))
        begun = time.process_time()
        for event in chunk:
            desk.tell(event)
        seconds += time.process_time() - begun
        done += len(chunk)
        del chunk
        if done % STEP == 0:
            tell(f"    {done:,} taken")
        while awaited and done == awaited[0]:
            del awaited[0]
            gc.collect()
            looks.append({"events": done, "megabytes": resident(), "tickets": desk.open_tickets})
    counts = desk.counts
    return {
        "events": count,
        "seconds": seconds,
        "decided": counts.decided,
        "late": counts.late,
        "repeated": counts.repeated,
        "looks": looks,
    }


def resident() -> float:
    """Give the memory that the process holds, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def main(way: str, count: str, *more: str) -> None:
    """Take events in by one way in this process, and print what was found, with `--json` as it is."""
    policy = load("mall")
    judge = None
    if way == "durable":
        from svc_policy.adapters.live.durable_judge import DurableJudge

        judge = DurableJudge(policy)
    found = take(policy, LiveDesk(policy, judge=judge), int(count))
    if "--json" in more:
        print(json.dumps(found))
        return
    print(machine())
    print()
    print(table(judged(NAMES[way], found, is_flat=way == "own" and int(count) >= EVENTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
