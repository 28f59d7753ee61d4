"""Live events: how many a second the desk takes, by its own way and through durable-rules, and what it keeps."""

from __future__ import annotations

import gc
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.live_stream import Stream
from bench.timing import Measurement, Settings, tell
from svc_policy import Policy, load
from svc_policy.adapters.live import LiveDesk

EVENTS = 1_000_000
DURABLE = 100_000
CHUNK = 10_000


def measure(settings: Settings) -> Iterator[Measurement]:
    """Take in a million random events under the mall's policy, then a tenth of them through durable-rules."""
    mall = load("mall")
    count = 4_000 if settings.quick else EVENTS
    tell(f"  {count:,} events by the desk's own way")
    yield from take(mall, LiveDesk(mall), count, (count // 10, count // 2, count), "own way", is_flat=count == EVENTS)
    if sys.version_info >= (3, 13):
        yield Measurement(name="live, durable-rules", figure="does not run on this Python")
        return
    from svc_policy.adapters.live.durable_judge import DurableJudge

    count = 2_000 if settings.quick else DURABLE
    tell(f"  {count:,} events through durable-rules")
    desk = LiveDesk(mall, judge=DurableJudge(mall))
    yield from take(mall, desk, count, (count // 10, count // 2, count), "durable-rules", is_flat=False)


def take(
    policy: Policy, desk: LiveDesk, count: int, looks: tuple[int, ...], name: str, *, is_flat: bool
) -> Iterator[Measurement]:
    """Take events in, timing the desk alone; a ticket comes every ten minutes, 8 % of the events come late."""
    events = iter(Stream(policy=policy, seed=1, events=count, pace=600, start="2023-01-02T00:00:00+00:00"))
    taken = 0.0
    memory: list[float] = []
    kept: list[int] = []
    done = 0
    size = min(CHUNK, count // 10)
    while chunk := list(itertools.islice(events, size)):
        begun = time.process_time()
        for event in chunk:
            desk.tell(event)
        taken += time.process_time() - begun
        done += len(chunk)
        if len(memory) < len(looks) and done >= looks[len(memory)]:
            del chunk
            gc.collect()
            memory.append(resident())
            kept.append(desk.open_tickets)
    counts = desk.counts
    note = f"{counts.decided / count:.1f} decisions an event, {counts.late:,} late, {counts.repeated:,} again"
    yield Measurement(name=f"live, {name}", figure=f"{count / taken:,.0f} events/s ({note})")
    shown = ", ".join(f"{held:.0f} MB at {look:,}" for look, held in zip(looks, memory, strict=True))
    # Within a tenth, which leaves room for the allocator's own ways.
    yield Measurement(
        name=f"live, {name}, memory",
        figure=f"{shown} ({', '.join(f'{one:,}' for one in kept)} tickets kept)",
        target="≤ 110 % of the first" if is_flat else "",
        met=memory[-1] <= 1.1 * memory[0] if is_flat else None,
    )


def resident() -> float:
    """Give the memory that the process holds, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")
