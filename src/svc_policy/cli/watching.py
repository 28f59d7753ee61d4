"""Watch events of tickets, and tell who must be told."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from svc_policy.cli.deciding import instant_of
from svc_policy.cli.framework import UNREADABLE, argument, command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import Session, session_of
from svc_policy.errors import Place, PolicyError, TicketError, problem, problem_to_dict, reason_of
from svc_policy.messages import message

if TYPE_CHECKING:
    import queue
    import threading

    from svc_policy.adapters.live import LiveDesk, Told
    from svc_policy.adapters.live.events import Reader
    from svc_policy.policy import Policy

#: A state is saved after so many events, and while following after so many seconds.
SAVE_EVENTS = 10_000
SAVE_SECONDS = 5.0
#: While following, a file is looked at again after so many seconds, and the clock moves on at least as often.
LOOK_SECONDS = 0.5

Line = tuple[int, bytes]


@command(
    "watch",
    message("Watch events of tickets and tell whom the policy's escalations and repeated repairs concern, and when."),
    examples=(
        "svc-policy watch mall events.jsonl",
        "svc-policy watch mall events.jsonl --until 2026-03-04T18:00 --json",
        "cat events.jsonl | svc-policy watch ./my-shop - --state desk.jsonl --follow",
    ),
)
@pack_argument
@argument(
    "events",
    required=False,
    default="-",
    words=message("a file of events, JSON lines (or with `--mapping` CSV); standard input unless given"),
)
@option("--mapping", metavar="FILE", words=message("a TOML file that says which column of a log is what"))
@option(
    "--until",
    metavar="T",
    words=message("go on up to this instant after the last event, as in `2026-03-02T17:30`, in the policy's zone"),
)
@option("--follow", is_flag=True, words=message("go by the clock on the wall, and wait for more events"))
@option("--state", metavar="FILE", words=message("keep what is known in this file, and go on from it"))
@option(
    "--keep",
    metavar="DAYS",
    type=click.IntRange(0, 3_660),
    default=7,
    show_default=True,
    words=message("days for which a closed ticket is kept for events that come late"),
)
@option("--durable", is_flag=True, words=message("let durable-rules match the rules (extra `durable`)"))
@json_option
@click.pass_context
def watch(
    context: click.Context,
    pack: str,
    events: str,
    mapping: str | None,
    until: str | None,
    follow: bool,
    state: str | None,
    keep: int,
    durable: bool,
    as_json: bool,
) -> int:
    """Watch events."""
    from svc_policy import load

    if follow and until is not None:
        refuse("watch-until", message("`--until` is for events that end: leave it out with `--follow`"))
    policy = load(pack)
    policy, reader, is_csv = _reader(policy, mapping, events)
    last = None if until is None else instant_of(until, policy, "--until")
    kept = None if state is None else Path(state)
    with nullcontext() if kept is None else _held(kept):
        watching = _Watching(session_of(context), policy, events, kept, as_json)
        watching.begin(reader, follow=follow, keep=timedelta(days=keep), durable=durable)
        try:
            if follow:
                watching.follow(is_csv)
            else:
                watching.run(is_csv, last)
        finally:
            watching.save()
    return watching.end()


def _held(state: Path) -> IO[bytes]:
    from svc_policy.adapters.live import hold_state

    return hold_state(state)


def _reader(policy: Policy, mapping: str | None, events: str) -> tuple[Policy, Reader | None, bool]:
    if mapping is None:
        return policy, None, False
    from svc_policy.adapters import read_mapping, with_calendar
    from svc_policy.adapters.live.mapped import MappedReader
    from svc_policy.adapters.mapping import FORMATS

    read = read_mapping(Path(mapping), policy)
    policy = with_calendar(policy, read.calendar, mapping)
    form = read.options.format or FORMATS.get(Path(events).suffix.lower(), "jsonl")
    if form == "parquet":
        refuse("watch-parquet", message("events are read from CSV or JSON lines, not from Parquet"))
    return policy, MappedReader(policy, read), form == "csv"


class _Watching:
    """One run: what it reads, what it told, what it keeps."""

    def __init__(self, session: Session, policy: Policy, events: str, state: Path | None, as_json: bool) -> None:
        self.session = session
        self.policy = policy
        self.events = events
        self.state = state
        self.as_json = as_json
        self.desk: LiveDesk
        self.position = 0
        #: Lines in which there is no event to be given to the desk.
        self.unreadable = 0
        #: Whether the desk and what was told agree: what is interrupted in between is not saved.
        self.is_whole = False
        self.is_stopped = False
        self.saved_at = time.monotonic()
        self.unsaved = 0

    def begin(self, reader: Reader | None, *, follow: bool, keep: timedelta, durable: bool) -> None:
        """Make the desk, from its state where there is one."""
        from svc_policy.adapters.live import LiveDesk, restore

        judge = None
        if durable:
            from svc_policy.adapters.live.durable_judge import DurableJudge

            judge = DurableJudge(self.policy)
        if self.state is not None and self.state.exists():
            self.desk, position = restore(
                self.policy, self.state, keep=keep, follows_events=not follow, judge=judge, reader=reader
            )
            # A stream that is gone cannot be wound forward.
            self.position = position if self.events != "-" else 0
            if self.position:
                self.session.note(message("going on after line {line} of {file}", line=self.position, file=self.events))
        else:
            self.desk = LiveDesk(self.policy, keep=keep, follows_events=not follow, judge=judge, reader=reader)
        self.is_whole = True

    def run(self, is_csv: bool, last: datetime | None) -> None:
        """Take events in until they end."""
        with _opened(self.events) as stream:
            for number, given in self._values(enumerate(stream, start=1), is_csv):
                self._take(number, given)
                if self.unsaved >= SAVE_EVENTS:
                    self.save()
        self.is_whole = False
        self.tell(self.desk.settle_last() if last is None else self.desk.advance(last))
        self.is_whole = True

    def follow(self, is_csv: bool) -> None:
        """Take events in as they come, and tell what becomes due by the clock on the wall."""
        # Every command pays for what stands at the head of a module.
        import queue
        import signal
        import threading

        if threading.current_thread() is threading.main_thread():
            # A service is ended by a signal: it goes on to where what was told can be saved.
            for ending in (signal.SIGTERM, signal.SIGINT):
                signal.signal(ending, self._stop)
        lines: queue.Queue[Line | None] = queue.Queue(maxsize=1_000)
        ended = threading.Event()
        threading.Thread(target=_pump, args=(self.events, lines, ended), daemon=True).start()
        try:
            for number, given in self._values(self._coming(lines), is_csv):
                self._take(number, given)
        finally:
            ended.set()
        self._advance()

    def _stop(self, number: int, _: object) -> None:
        import signal

        self.is_stopped = True
        # Whoever is in a hurry says so twice.
        signal.signal(number, signal.default_int_handler)

    def _coming(self, lines: queue.Queue[Line | None]) -> Iterator[Line]:
        from queue import Empty

        while not self.is_stopped:
            try:
                line = lines.get(timeout=LOOK_SECONDS)
            except Empty:
                self._advance()
                continue
            if line is None:
                return
            yield line
            if lines.empty():
                self._advance()

    def _advance(self) -> None:
        self.is_whole = False
        self.tell(self.desk.advance(datetime.now(UTC)))
        self.is_whole = True
        if self.unsaved and time.monotonic() - self.saved_at > SAVE_SECONDS:
            self.save()

    def _values(self, lines: Iterator[Line] | enumerate[bytes], is_csv: bool) -> Iterator[tuple[int, Any]]:
        """Read lines as plain values, or the error that says why one cannot be read."""
        import csv

        from svc_policy.facts.sources import JsonReader, decode

        reader = JsonReader()
        heading: list[str] | None = None
        delimiter = ","
        for number, data in lines:
            place = Place(file=self.events, line=number)
            try:
                text = decode(data, place).strip("\r\n")
                if not text.strip():
                    continue
                if not is_csv:
                    if number > self.position:
                        yield number, reader.read(text, place)
                    continue
                if heading is None:
                    delimiter = next((one for one in ";\t" if one in text), ",")
                cells = next(csv.reader([text], delimiter=delimiter))
                if heading is None:
                    heading = cells
                elif number > self.position:
                    yield number, dict(zip(heading, cells, strict=False))
            except (TicketError, csv.Error) as error:
                if isinstance(error, csv.Error):
                    wrong = message("cannot read CSV: {reason}", reason=str(error))
                    error = TicketError([problem("event-csv", wrong, place=place)])
                if number > self.position:
                    yield number, error

    def _take(self, number: int, given: Any) -> None:
        self.is_whole = False
        if isinstance(given, TicketError):
            self.unreadable += 1
            self._refuse(f"{self.events}:{number}", given)
        else:
            self.tell(self.desk.tell(given, place=Place(file=self.events, line=number)))
        self.position = number
        self.unsaved += 1
        self.is_whole = True

    def tell(self, told: list[Told]) -> None:
        """Write what the desk tells."""
        from svc_policy.adapters.live import Alert, Undecided

        for one in told:
            if isinstance(one, Undecided):
                self._refuse(one.record, PolicyError(one.problems), is_ticket=True)
            elif not isinstance(one, Alert):
                self._refuse(one.record, PolicyError(one.problems))
            elif self.as_json:
                click.echo(json.dumps(one.to_dict(), ensure_ascii=False))
            else:
                self.session.write(one.text())
        if told:
            sys.stdout.flush()

    def _refuse(self, record: str, error: PolicyError, *, is_ticket: bool = False) -> None:
        if self.as_json:
            problems = [problem_to_dict(one) for one in error.problems]
            what = {"kind": "undecided", "ticket": record} if is_ticket else {"kind": "refused", "event": record}
            click.echo(json.dumps({"schema": 1, **what, "problems": problems}, ensure_ascii=False))
            return
        if is_ticket:
            self.session.note(message("ticket {id} cannot be decided:", id=record))
        else:
            self.session.note(message("event {id} is not taken:", id=record))
        self.session.note(error.render(self.session.language))

    def save(self) -> None:
        """Keep what is known, once what was told is written."""
        if self.state is None or not self.is_whole:
            return
        from svc_policy.adapters.live import save

        sys.stdout.flush()
        save(self.desk, self.state, position=self.position)
        self.saved_at, self.unsaved = time.monotonic(), 0

    def end(self) -> int:
        """Say what was done, and whether all events were taken."""
        counts = self.desk.counts
        refused = counts.refused + self.unreadable
        self.session.note(
            message(
                "{events} events: {taken} taken, {repeated} again, {refused} not taken; "
                "{raised} alerts, {withdrawn} withdrawn",
                events=counts.events + self.unreadable,
                taken=counts.events - counts.repeated - counts.refused,
                repeated=counts.repeated,
                refused=refused,
                raised=counts.raised,
                withdrawn=counts.withdrawn,
            )
        )
        if counts.undecided:
            self.session.note(message("tickets that cannot be decided: {count}", count=counts.undecided))
        return UNREADABLE if refused or counts.undecided else 0


def _opened(name: str) -> IO[bytes]:
    if name == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False) if _has_descriptor() else sys.stdin.buffer
    try:
        return open(name, "rb")
    except OSError as error:
        text = message("cannot read the events: {reason}", reason=reason_of(error))
        raise PolicyError([problem("events-unreadable", text, place=Place(file=name))]) from None


def _has_descriptor() -> bool:
    try:
        sys.stdin.fileno()
    except (OSError, AttributeError):
        return False
    return True


def _pump(name: str, lines: queue.Queue[Line | None], ended: threading.Event) -> None:
    """Put the lines of a stream into a queue as they come; a file is watched for what is added to it."""
    number = 0
    part = b""
    try:
        with _opened(name) as stream:
            while not ended.is_set():
                data = stream.readline()
                if data.endswith(b"\n"):
                    number += 1
                    lines.put((number, part + data))
                    part = b""
                elif name == "-":
                    if data:
                        lines.put((number + 1, data))
                    return
                else:
                    # Half a line is one that is still being written.
                    part += data
                    ended.wait(LOOK_SECONDS)
    finally:
        lines.put(None)


__all__ = ["watch"]
