"""A record of a small policy, the tickets behind it, and a process that writes one until it is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rules.made import ZONE, made
from svc_policy import Policy
from svc_policy.record import Recorder

TABLES = {
    "category": "rule,distance_km,then: category,cite\nnear,<= 5 km,C,m-1\nfar,> 5 km,A,m-1\n",
    "deadlines": "rule,distance_km,then: starts,then: ends,then: within,then: clock,cite\n"
    "near,<= 5 km,received,arrived,24 h,calendar,m-1\nfar,> 5 km,received,arrived,48 h,calendar,m-1\n",
    "duties": "rule,cause,then: owner,then: duty,cite\nmisused,misuse,head,tell,m-1\n",
}
AT = datetime(2026, 3, 4, 10, tzinfo=ZONE)


def small(folder: Path, settings: str = "", **tables: str) -> Policy:
    return made(folder, {**TABLES, **tables}, settings)


def ticket(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "ticket_id": f"T-{number}",
        "received_at": "2026-03-04T09:00:00+08:00",
        "distance_km": number % 10,
        "customer_phone": "0571-0000000",
        **facts,
    }


def record(path: Path, policy: Policy, count: int = 5, **facts: Any) -> Path:
    """Write a record of some tickets, 0 to 9 km away in turn."""
    with Recorder(path, policy, sync=False) as recorder:
        for number in range(count):
            recorder.decide(ticket(number, **facts), at=AT)
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def decisions(path: Path) -> list[Mapping[str, Any]]:
    return [body for body in map(json.loads, lines(path)) if body["kind"] == "decision"]


#: Says on standard output how far it is safe, over and over; run with the log and the pack as arguments.
WRITER = """
import sys
from datetime import UTC, datetime
from svc_policy import load
from svc_policy.record import Recorder
policy = load(sys.argv[2])
ticket = policy.ticket({"received_at": "2026-03-04T09:00:00+08:00", "distance_km": 3, "problem": "x" * 400})
at = datetime(2026, 3, 4, 2, tzinfo=UTC)
with Recorder(sys.argv[1], policy, interval=60, sync=False) as recorder:
    while True:
        for _ in range(40):
            recorder.decide(ticket, at=at)
        print(recorder.flush(), flush=True)
"""


def kill_in_mid_write(path: Path, policy: Policy, acknowledgements: int) -> str:
    """Run a writer, kill it some time after so many acknowledgements, and give the last one that it made."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), policy.pack.path],
        stdout=subprocess.PIPE,
        env=os.environ,
        text=True,
    )
    assert process.stdout is not None
    last = ""
    try:
        for _ in range(acknowledgements):
            last = process.stdout.readline()
    finally:
        process.kill()
    for said in process.stdout:
        last = said if said.endswith("\n") else last
    process.stdout.close()
    process.wait()
    return last.strip()
