"""Show what svc-policy does, by its commands, as anybody would type them: ``make demo``.

It decides a ticket of each service, explains one, audits and reports on an
example log, and writes a calendar, a book and a report into demo-out. Then a
policy is changed: a copy gets other fees and another window from July, the hole that
was left is found, and a page shows what the change does to a year of tickets.
It can be run again and says the same.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import attrs
import change
from log.make_log import make_year

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
Outcome = tuple[int, list[str]]


@attrs.frozen(kw_only=True)
class Step:
    """What is said before a command, the command as it is typed, and how many lines of its output are shown."""

    words: str
    command: str
    most: int = 30
    expected: int = FINE
    #: What somebody does by hand before, in the folder of results.
    by_hand: Callable[[Path], None] | None = None


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

SHOP = f"{OUT}/{change.SHOP}"
#: Each of these steps goes on from the one before.
CHANGING: tuple[Step, ...] = (
    Step(
        words="Now a change. The policy is copied into a folder of its own …",
        command=f"new {SHOP} --from mall",
        by_hand=change.begin,
    ),
    Step(
        words="… and fees and windows get an edition from July on; no other line of the files is touched.",
        command=f"edition {SHOP} --from {change.FIRST_DAY} --tables fees,deadlines",
    ),
    Step(
        words="In the spreadsheet, the visit fees are raised, and the 48 hours shall end at 40 km instead of 50.\n"
        "Does every job still have its time? No: whoever lives between 40 and 50 km was forgotten.",
        command=f"check {SHOP}",
        by_hand=change.edit,
        expected=FINDINGS,
    ),
    Step(
        words="A row that would close the gap is proposed; nothing is edited by itself.",
        command=f"check {SHOP} --fix-note",
        expected=FINDINGS,
    ),
    Step(
        words="The 72 hours now begin at 40 km.",
        command=f"check {SHOP}",
        by_hand=change.close_hole,
    ),
    Step(
        words="What does the change do? Exact regions, each with a ticket that is decided otherwise. Held against a\n"
        "year of tickets: what customers would have paid, which targets would have been late, because of which rule.",
        command=f"diff mall@{change.DAY_BEFORE} {SHOP}@{change.FIRST_DAY} --tickets {OUT}/year.csv "
        f"--mapping {LOG}/mapping.toml --at 2026-03-31T18:00 --html {OUT}/change.html",
        most=90,
    ),
)


def main() -> int:
    """Run the steps; gives the exit code of the first that fails."""
    (ROOT / OUT).mkdir(exist_ok=True)
    make_year(ROOT / OUT / "year.csv")
    # No step before the change needs another: they run beside one another, and are shown in their order.
    with ThreadPoolExecutor(max_workers=2) as pool:
        changing = pool.submit(lambda: [run(step) for step in CHANGING])
        outcomes = pool.map(run, STEPS)
        return show((*STEPS, *CHANGING), itertools.chain(outcomes, _later(changing)))


def _later(outcomes: Future[list[Outcome]]) -> Iterator[Outcome]:
    yield from outcomes.result()


def show(steps: Iterable[Step], outcomes: Iterable[Outcome]) -> int:
    """Show each step with what came of it; gives the exit code of the first that failed."""
    for number, (step, (code, lines)) in enumerate(zip(steps, outcomes, strict=True), start=1):
        print(f"{RULE}\n{number}. {step.words}\n\n$ svc-policy {step.command}\n")
        print("\n".join(lines[: step.most]))
        if len(lines) > step.most:
            print(f"… and {len(lines) - step.most} lines more")
        print(flush=True)
        if code not in (FINE, step.expected):
            print(f"this step failed with exit code {code}", file=sys.stderr)
            return code
    print(f"{RULE}\nIn {OUT}/, to be opened with a browser or a calendar:")
    for name in ("report.html", "change.html", "branches.html", "form.html", "works.ics", "audit/"):
        print(f"  {OUT}/{name}")
    return 0


def run(step: Step) -> Outcome:
    """Run a command in English unless it says otherwise; gives its exit code and what it wrote."""
    if step.by_hand is not None:
        step.by_hand(ROOT / OUT)
    words = shlex.split(step.command)
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
