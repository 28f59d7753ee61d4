"""A record of decisions: how many a second are decided and appended, and what a killed writer loses."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.scalar import examples, settle
from bench.timing import Limit, Measurement, Settings, shown, tell
from svc_policy import Policy, Ticket, load
from svc_policy.record import Recorder, replay, verify

SAMPLE = 200
#: Kills of the writer, each at another moment.
KILLS = 50

WRITER = """
import sys
from datetime import UTC, datetime
from svc_policy import load
from svc_policy.record import Recorder
policy = load("mall")
ticket = policy.ticket({"received_at": "2026-03-02T09:00:00", "request_kind": "fault", "on_site": True,
                        "distance_km": 3, "problem": "x" * 2000})
at = datetime(2026, 3, 2, 4, tzinfo=UTC)
with Recorder(sys.argv[1], policy, interval=3600, sync=False) as recorder:
    while True:
        for _ in range(20):
            recorder.decide(ticket, at=at)
        print(recorder.flush(), flush=True)
"""


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure the throughput of a recorder, of verify and of replay, then kill writers."""
    mall = load("mall")
    sample = examples(mall)[: 20 if settings.quick else SAMPLE]
    settle(mall, sample)
    tickets = [(ticket, datetime.fromtimestamp(at_s, UTC)) for ticket, at_s in sample]
    yield from measure_throughput(settings, mall, tickets)
    yield measure_kills(settings, 2 if settings.quick else KILLS)


def measure_throughput(
    settings: Settings, mall: Policy, tickets: list[tuple[Ticket, datetime]]
) -> Iterator[Measurement]:
    """Decide and append with a flush and fsync every 100 ms; the median of several rounds, in processor time."""
    log = settings.folder / "decisions.jsonl"
    rounds = settings.rounds(11)
    repeat = 1 if settings.quick else 10
    tell("  deciding and appending")
    rates, walls, plain = [], [], []
    with Recorder(log, mall) as recorder:
        for ticket, at in tickets:
            recorder.decide(ticket, at=at)
        for _ in range(rounds):
            begun = time.process_time()
            for _ in range(repeat):
                for ticket, at in tickets:
                    mall.decide(ticket, at=at)
            middle, wall = time.process_time(), time.perf_counter()
            for _ in range(repeat):
                for ticket, at in tickets:
                    recorder.decide(ticket, at=at)
            recorder.flush()
            ended = time.process_time()
            count = repeat * len(tickets)
            plain.append((middle - begun) / count * 1e6)
            rates.append(count / (ended - middle))
            walls.append(count / (time.perf_counter() - wall))
    rate, wall_rate, alone = (statistics.median(each) for each in (rates, walls, plain))
    note = f"{shown(1e6 / rate)} µs each, {shown(alone)} µs of it to decide; by the clock {wall_rate:,.0f}/s"
    judged = Limit(12_000, "decisions/s", above=True)
    yield judged.judge("decided and recorded, fsync every 100 ms", rate, note)

    begun = time.perf_counter()
    verified = verify(log)
    taken = time.perf_counter() - begun
    lines = verified.position.lines
    if not verified.is_sound:
        raise AssertionError(verified.problems)
    size = log.stat().st_size / verified.decisions
    yield Measurement(name="bytes a decision", figure=f"{size:,.0f}")
    yield Measurement(name="verified", figure=f"{lines / taken:,.0f} lines/s")

    small = settings.folder / "replayed.jsonl"
    with Recorder(small, mall, sync=False) as recorder:
        for _ in range(1 if settings.quick else 10):
            for ticket, at in tickets:
                recorder.decide(ticket, at=at)
    begun = time.perf_counter()
    again = replay(small)
    taken = time.perf_counter() - begun
    if not again.is_same:
        raise AssertionError(again.to_dict())
    figure = f"{again.decisions / taken:,.0f} decisions/s, 0 differences in {again.decisions:,}"
    yield Measurement(name="replayed, policy loaded and compiled", figure=figure)


def measure_kills(settings: Settings, kills: int) -> Measurement:
    """Kill a writer in mid-write again and again on one record; count acknowledged lines that are gone."""
    tell("  killing writers")
    log = settings.folder / "killed.jsonl"
    mall = load("mall")
    lost = torn = acknowledged = 0
    for attempt in range(kills):
        last = killed_after(log, 1 + attempt % 5)
        if last:
            count, _, own = last.partition(":")
            acknowledged = int(count)
            if not verify(log, expect=f"{count}:{own}").is_sound:
                lost += 1
        with Recorder(log, mall, sync=False) as recorder:
            torn += len(recorder.notes)
    sound = verify(log).is_sound
    figure = f"{lost} lost of {acknowledged:,} ({torn} torn lines set aside)"
    return Measurement(
        name=f"acknowledged lines after {kills} kills", figure=figure, target="0 lost", met=not lost and sound
    )


def killed_after(log: Path, acknowledgements: int) -> str:
    """Run a writer, kill it after so many acknowledgements and a moment, and give its last one."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(log)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = ""
    for _ in range(acknowledgements):
        last = process.stdout.readline()
    time.sleep(acknowledgements * 0.000_7)
    process.kill()
    for said in process.stdout:
        last = said if said.endswith("\n") else last
    process.stdout.close()
    process.wait()
    return last.strip()
