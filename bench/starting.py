"""What a process waits for: importing the library, loading a policy, one decision at the command line."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial

from bench.differential import services
from bench.timing import Limit, Measurement, Settings, interleaved, shown, tell

LOADING = (
    "import time; import svc_policy; wall, cpu = time.perf_counter(), time.process_time(); svc_policy.load('mall'); "
    "print(time.perf_counter() - wall, time.process_time() - cpu)"
)
TICKET = {
    "received_at": "2026-03-02T09:00:00+08:00",
    "request_kind": "fault",
    "delivered_on": "2025-03-02",
    "cause": "product",
    "on_site": True,
    "solved_by_telephone": False,
    "parts_needed": False,
    "distance_km": 3,
    "labour_hours": 1,
}


def measure(settings: Settings) -> Iterator[Measurement]:
    """Start processes in turn; both the time on the wall and the computing time of the child are shown."""
    tell("  starting processes")
    ticket = settings.folder / "ticket.json"
    ticket.write_text(json.dumps(TICKET))
    commands = {
        "bare": ["-c", "pass"],
        "import": ["-c", "import svc_policy"],
        "names": ["-c", "from svc_policy import Ticket, load"],
        "load": ["-c", LOADING],
        "decide": ["-m", "svc_policy", "decide", "mall", str(ticket), "--at", "2026-03-02T10:00:00+08:00"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    computings: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(1 + settings.rounds(12)):
        for name, command in commands.items():
            wall, computing = _loading(command) if name == "load" else _whole(command)
            # The first turn fills the caches of the file system and of compiled modules.
            if turn:
                walls[name].append(wall * 1e3)
                computings[name].append(computing * 1e3)
    wall = {name: statistics.median(taken) for name, taken in walls.items()}
    cpu = {name: statistics.median(taken) for name, taken in computings.items()}

    def over_bare(name: str) -> str:
        return f"computing {shown(max(0.0, cpu[name] - cpu['bare']))} ms"

    yield Limit(80, "ms").judge("import svc_policy", max(0.0, wall["import"] - wall["bare"]), over_bare("import"))
    figure = f"{shown(max(0.0, wall['names'] - wall['bare']))} ms ({over_bare('names')})"
    yield Measurement(name="from svc_policy import Ticket, load", figure=figure)
    yield Limit(100, "ms").judge(
        "load('mall'), its imports included", wall["load"], f"computing {shown(cpu['load'])} ms"
    )
    yield from measure_packs(settings)
    yield Limit(0.6, "s").judge("svc-policy decide", wall["decide"] / 1e3, f"computing {shown(cpu['decide'] / 1e3)} s")


def measure_packs(settings: Settings) -> Iterator[Measurement]:
    """Load every service in turn in this process, which has loaded each before."""
    from svc_policy import load

    runs = {name: partial(load, name) for name in services()}
    times = interleaved(runs, settings.rounds(15))
    for name in sorted(runs, key=times.median, reverse=True):
        yield Limit(80, "ms").judge(f"load('{name}'), not the first", times.median(name) * 1e3)


def _whole(command: Sequence[str]) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _loading(command: Sequence[str]) -> tuple[float, float]:
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    wall, computing = done.stdout.split()
    return float(wall), float(computing)
