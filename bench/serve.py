"""The HTTP service under wrk: decisions beside an empty endpoint of the same framework, and a stream of lines.

Both are asked in turn, with the same bodies, over kept connections. `wrk` has to be installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.scalar import examples
from bench.timing import Limit, Measurement, Settings, shown, tell
from svc_policy import load
from svc_policy.facts.reading import ticket_to_dict

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 8
MIB = 1 << 20
SCRIPT = """
local bodies = {{}}
for line in io.lines("{file}") do bodies[#bodies + 1] = line end
local n = 0
request = function()
  n = n % #bodies + 1
  return wrk.format("POST", nil, {{["content-type"] = "application/json"}}, bodies[n])
end
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
"""


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure decisions whole and by a few keys, and a batch."""
    if shutil.which("wrk") is None:
        yield Measurement(name="HTTP", figure="not measured: wrk is not installed")
        return
    tickets = [ticket_to_dict(ticket) for ticket, _ in examples(load("mall"))[:200]]
    file = settings.folder / "tickets.jsonl"
    file.write_text("".join(json.dumps(ticket) + "\n" for ticket in tickets), encoding="utf-8")
    script = settings.folder / "tickets.lua"
    script.write_text(SCRIPT.format(file=file), encoding="utf-8")
    at = "at=2026-03-10T10:00"
    with _served("mall") as service, _empty() as empty:
        asked = {
            "empty endpoint": f"{empty}/empty",
            "decide": f"{service}/v1/policies/mall/decide?{at}",
            "decide, three keys": f"{service}/v1/policies/mall/decide?{at}&keys=category,quote,needs",
        }
        tell("  asking with wrk")
        runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in asked}
        for url in asked.values():
            _wrk(script, url, 1 if settings.quick else 5)
        for _ in range(1 if settings.quick else 3):
            for name, url in asked.items():
                runs[name].append(_wrk(script, url, 1 if settings.quick else 6))
        rates = {name: statistics.median(rate for rate, _, _ in of) for name, of in runs.items()}
        yield Measurement(name="HTTP, empty endpoint", figure=f"{shown(rates['empty endpoint'])} requests/s")
        for name in ("decide", "decide, three keys"):
            tail = statistics.median(last / middle for _, middle, last in runs[name])
            yield Limit(1_500, "requests/s", above=True).judge(f"HTTP {name}", rates[name])
            yield Limit(5, "× p50").judge("  p99", tail)
            of_empty = statistics.median(
                one[0] / other[0] for one, other in zip(runs[name], runs["empty endpoint"], strict=True)
            )
            yield Limit(60, "% of the empty endpoint", above=True).judge("  rate", 100 * of_empty)
        yield from _batch(settings, service, tickets)


def _batch(settings: Settings, service: str, tickets: list[dict[str, object]]) -> Iterator[Measurement]:
    count = 10_000 if settings.quick else 400_000
    tell(f"  sending {count:,} lines")
    for number in (min(count, 50_000), count):
        begun = time.perf_counter()
        lines = _stream(service, tickets, number)
        took = time.perf_counter() - begun
        assert lines == number, f"{lines} of {number} lines came back"
        if number < count:
            before = _memory(service)
    yield Limit(20_000, "tickets/s", above=True).judge("HTTP batch", count / took, f"{count:,} lines")
    if not settings.quick:
        grown = (_memory(service) - before) / MIB
        yield Limit(128, "MiB more than after 50,000 lines").judge("  memory of the service and its process", grown)


def _stream(service: str, tickets: list[dict[str, object]], count: int) -> int:
    """Send lines and count those that come back, with curl, which does both at once."""
    source = [json.dumps({**ticket, "ticket_id": "T-%d"}) for ticket in tickets]
    url = f"{service}/v1/policies/mall/batch?at=2026-03-10T10:00"
    curl = ["curl", "-sS", "-N", "-T", "-", "-X", "POST", "-H", "content-type: application/x-ndjson", url]
    with subprocess.Popen(curl, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        into = sender.stdin

        def send() -> None:
            for begin in range(0, count, 1000):
                made = (source[number % len(source)] % number for number in range(begin, min(count, begin + 1000)))
                into.write("\n".join(made).encode() + b"\n")
            into.close()

        thread = threading.Thread(target=send)
        thread.start()
        answered, last = 0, b""
        while piece := sender.stdout.read1(MIB):
            answered += piece.count(b'\n{"line":') + piece.startswith(b'{"line":')
            last = (last + piece)[-2000:]
        thread.join()
    end = json.loads(last.splitlines()[-1])
    assert end["end"] == "whole", end
    return int(end["lines"])


def _wrk(script: Path, url: str, seconds: int) -> tuple[float, float, float]:
    """Ask for some seconds; gives requests a second, and the median and 99th percentile in microseconds."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    assert found is not None, done.stdout
    requests, took, middle, last, failed = map(int, found.groups())
    assert failed == 0, f"{failed} requests failed"
    return requests / took * 1e6, middle, last


@contextlib.contextmanager
def _served(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "svc_policy", "serve", *arguments, "--port", "0", "--quiet", "--lang", "en"]
    with _started(command) as address:
        yield address


@contextlib.contextmanager
def _empty() -> Iterator[str]:
    with _started([sys.executable, "-m", "bench.serve_empty"]) as address:
        yield address


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[str]:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        _PIDS.append(process.pid)
        try:
            for line in process.stderr:
                found = re.search(r"on (http://\S+)$", line.strip())
                if found is not None:
                    break
            else:
                raise RuntimeError("it did not start")
            assert httpx.get(found[1] + "/health/live", trust_env=False).status_code in (200, 404)
            yield found[1]
        finally:
            process.terminate()
            process.wait(30)


_PIDS: list[int] = []


def _memory(_: str) -> int:
    """Give the resident bytes of the service and its processes."""
    first = _PIDS[0]
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    total = 0
    for pid in (first, *children):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total
