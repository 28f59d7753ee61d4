"""Show what svc-policy does, by its commands, as anybody would type them: ``make demo``.

It decides a ticket of each service, explains one, audits and reports on an
example log, and writes a calendar, a book and a report into demo-out. It can be
run again and says the same.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parent.parent
OUT = "demo-out"
LOG = "examples/log"
TICKETS = "examples/tickets"
MALL = f"{LOG}/ticket.json"
DESK = f"{LOG}/tickets.csv --policy mall --mapping {LOG}/mapping.toml"
WEEK = "--from 2026-03-02 --until 2026-03-08"
#: What a command may end with: findings are no failure of an audit.
FINE, FINDINGS = 0, 1
RULE = "─" * 100


@attrs.frozen(kw_only=True)
class Step:
    """What is said before a command, the command as it is typed, and how many lines of its output are shown."""

    words: str
    command: str
    most: int = 30
    expected: int = FINE


def decide(pack: str, ticket: str, at: str, words: str) -> Step:
    """Make the step that decides a ticket of a service."""
    return Step(words=words, command=f"decide {pack} {ticket} --at {at}")


STEPS: tuple[Step, ...] = (
    Step(
        words="Six services, each a folder of tables written from its own source; every row cites its clause.",
        command="packs",
    ),
    decide(
        "branches",
        f"{TICKETS}/branches.json",
        "2026-03-02T15:30",
        "A ticket of each of them. A company with branches: a call from the suburbs, at three in the afternoon.\n"
        "Seven working hours run on into the next day.",
    ),
    decide(
        "works",
        f"{TICKETS}/works.json",
        "2026-03-02T11:00",
        "A contractor: the free year of the system ended yesterday, so the job is paid; it is dispatched today.",
    ),
    decide(
        "campus",
        f"{TICKETS}/campus.json",
        "2026-03-02T11:00",
        "School systems: the source gives no window, so none is made up; what was promised to the customer counts.",
    ),
    decide(
        "factory",
        f"{TICKETS}/factory.json",
        "2026-03-02T11:00",
        "A made-to-order factory: somebody was hurt, so who says whether it is a major incident is told at once.",
    ),
    decide(
        "tile",
        f"{TICKETS}/tile.json",
        "2026-03-02T11:00",
        "A tile shop: from square metres to boxes, weight, vehicle, processing and what is to be paid before delivery.",
    ),
    Step(
        words="A mall: what the customer is told before anybody sets out.",
        command=f"quote mall {MALL} --at 2025-03-14T13:45:00",
    ),
    Step(
        words="Why? Every sentence names its clause; in Chinese …",
        command=f"explain mall {MALL} --at 2025-03-14T13:45:00 --lang zh",
        most=16,
    ),
    Step(
        words="… and in English.",
        command=f"explain mall {MALL} --at 2025-03-14T13:45:00",
        most=16,
    ),
    Step(
        words="A service desk's log, 120 tickets, held against the policy of the mall. Its headings are its own:\n"
        "a mapping says what they mean. Nothing is lost: what cannot be used is counted, with line and reason.\n"
        "T-0020, the ticket above, is among the findings: in the end 200.00 was charged.",
        command=f"audit {DESK} --out {OUT}/audit",
        most=40,
        expected=FINDINGS,
    ),
    Step(
        words="A month of the same log as a page to be printed: targets, causes, costs, what comes next.",
        command=f"report {DESK} --month 2025-04 --html {OUT}/report.html",
    ),
    Step(
        words="What comes round by itself, also as a file for calendars: a month before a contract ends, its notice.",
        command=f"schedule works {WEEK} --contracts examples/contracts.csv --ics {OUT}/works.ics",
        most=16,
    ),
    Step(
        words="The policy itself, as whoever answers for it reads and signs it, in Chinese.",
        command=f"book branches --html {OUT}/branches.html --lang zh",
    ),
    Step(
        words="One of its forms, filled in from the ticket at the beginning as far as that goes.",
        command=f"forms branches call_register {TICKETS}/branches.json --at 2026-03-02T15:30 --html {OUT}/form.html",
    ),
)


def main() -> int:
    """Run the steps; gives the exit code of the first that fails."""
    (ROOT / OUT).mkdir(exist_ok=True)
    # No step needs another: two run at a time, and are shown in their order.
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = pool.map(run, [step.command for step in STEPS])
        return show(outcomes)


def show(outcomes: Iterable[tuple[int, list[str]]]) -> int:
    """Show each step with what came of it; gives the exit code of the first that failed."""
    for number, (step, (code, lines)) in enumerate(zip(STEPS, outcomes, strict=True), start=1):
        print(f"{RULE}\n{number}. {step.words}\n\n$ svc-policy {step.command}\n")
        print("\n".join(lines[: step.most]))
        if len(lines) > step.most:
            print(f"… and {len(lines) - step.most} lines more")
        print(flush=True)
        if code not in (FINE, step.expected):
            print(f"this step failed with exit code {code}", file=sys.stderr)
            return code
    print(f"{RULE}\nIn {OUT}/, to be opened with a browser or a calendar:")
    for name in ("report.html", "branches.html", "form.html", "works.ics", "audit/"):
        print(f"  {OUT}/{name}")
    return 0


def run(command: str) -> tuple[int, list[str]]:
    """Run a command in English unless it says otherwise; gives its exit code and what it wrote."""
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "svc_policy", *words, *(() if "--lang" in words else ("--lang", "en"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
