"""Interleaved timing, and the rows of the table that is printed."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """How much is measured: small sizes for a smoke test, the large run on request."""

    quick: bool = False
    large: bool = False
    tickets: int | None = None
    differential: int | None = None
    folder: Path

    def rounds(self, usual: int) -> int:
        return max(3, usual // 4) if self.quick else usual


@attrs.frozen(kw_only=True)
class Measurement:
    """One row of the table; `met` is None for a figure without a target."""

    name: str
    figure: str
    target: str = ""
    met: bool | None = None


@attrs.frozen
class Limit:
    """A target: what is measured must not be above (or below) `bound`."""

    bound: float
    unit: str
    above: bool = False

    def judge(self, name: str, value: float, note: str = "") -> Measurement:
        met = value >= self.bound if self.above else value <= self.bound
        sign = "≥" if self.above else "≤"
        return Measurement(
            name=name,
            figure=f"{shown(value)} {self.unit}{f' ({note})' if note else ''}",
            target=f"{sign} {shown(self.bound)} {self.unit}",
            met=met,
        )


def shown(value: float) -> str:
    """Print a figure with three significant digits, without an exponent."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@attrs.frozen
class Times:
    """What each run took in each round, in seconds."""

    taken: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Give the median of a run."""
        return statistics.median(self.taken[name])

    def ratio(self, name: str, to: str) -> float:
        """Give the median of the rounds' ratios: each compares what ran side by side."""
        return statistics.median(a / b for a, b in zip(self.taken[name], self.taken[to], strict=True))


def interleaved(
    runs: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
) -> Times:
    """Run each in turn, `rounds` times, after one round that does not count.

    The default clock counts the time that this process computes, so that
    neighbours on the machine disturb less. Garbage is collected between runs,
    not during them.
    """
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    was_on = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in runs.items():
                begun = clock()
                run()
                taken[name].append(clock() - begun)
                gc.collect(0)
    finally:
        if was_on:
            gc.enable()
    return Times(taken)


def calling(function: Callable[..., object], arguments: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """Call a function with each of the arguments, keeping no answer."""

    def run() -> None:
        for each in arguments:
            function(*each)

    return run


def machine() -> str:
    """Say on what the figures were taken."""
    model = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    try:
        import duckdb

        version = duckdb.__version__
    except ImportError:
        version = "not installed"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, DuckDB {version}"


def tell(text: str) -> None:
    """Say on standard error what is being done."""
    print(text, file=sys.stderr, flush=True)


def table(measurements: Iterable[Measurement]) -> str:
    """Lay the measurements out in columns."""
    words = {True: "met", False: "MISSED", None: ""}
    rows = [("measurement", "figure", "target", "")]
    rows += [(each.name, each.figure, each.target, words[each.met]) for each in measurements]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join((lines[0], "  ".join("-" * width for width in widths[:3]), *lines[1:]))
