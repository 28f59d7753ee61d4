"""Comparing two editions: what changed, where they decide otherwise, an example on each side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from bench.timing import Limit, Measurement, Settings, tell
from svc_policy.diff import diff, difference_lines
from svc_policy.policy import Policy, load

EDITIONS = ("2025-06-01", "2026-06-01")


def measure(settings: Settings) -> Iterator[Measurement]:
    """Compare two editions of mall, loaded anew each time so that nothing is remembered."""
    tell("  comparing two editions")
    rounds = settings.rounds(7)

    def editions() -> tuple[Policy, Policy]:
        return load("mall").on(EDITIONS[0]), load("mall").on(EDITIONS[1])

    text = _timed(lambda old, new: list(difference_lines(diff(old, new), "en")), editions, rounds)
    regions = _timed(lambda old, new: (diff(old, new).changes, diff(old, new).regions), editions, rounds)
    yield Limit(2, "s").judge("diff of two editions, as text", text)
    yield Limit(0.5, "s").judge("  without examples", regions)


def _timed(run: Callable[[Policy, Policy], object], make: Callable[[], tuple[Policy, Policy]], rounds: int) -> float:
    taken = []
    for _ in range(rounds + 1):
        old, new = make()
        begun = time.process_time()
        run(old, new)
        taken.append(time.process_time() - begun)
    return statistics.median(taken[1:])
