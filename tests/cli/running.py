"""Run the command line in the process, or as one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from svc_policy.cli.commands import commands

#: A paid visit within 5 km outside the period: 70 CNY for the visit and an hour at 90 CNY, without tax 160 CNY.
PAID = {
    "ticket_id": "T-1",
    "received_at": "2026-03-02T09:00:00",
    "request_kind": "fault",
    "customer_phone": "0571-0000000",
    "customer_kind": "person",
    "delivered_on": "2024-03-01",
    "cause": "product",
    "on_site": True,
    "solved_by_telephone": False,
    "parts_needed": False,
    "distance_km": 3,
    "labour_hours": 1,
}


def run(*arguments: object, stdin: str | bytes | None = None, **environment: str) -> Result:
    """Run a command in English, unless it says otherwise."""
    surroundings: dict[str, str | None] = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": "C", **environment}
    return CliRunner().invoke(commands, [str(one) for one in arguments], input=stdin, env=surroundings)


def run_process(
    *arguments: object, stdin: bytes | None = None, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a process of its own, its streams pipes."""
    telling = ("LC_", "LANG", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "SVC_POLICY")
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith(telling)}
    return subprocess.run(
        [sys.executable, "-m", "svc_policy", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env={**surroundings, "LANG": "C", **environment},
        timeout=60,
        check=False,
    )


def write_ticket(folder: Path, name: str = "ticket.json", **facts: Any) -> Path:
    """Write the paid visit, with other facts, to a file."""
    path = folder / name
    path.write_text(json.dumps({**PAID, **facts}, ensure_ascii=False), encoding="utf-8")
    return path
