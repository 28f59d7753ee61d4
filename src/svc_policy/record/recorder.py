"""Append decisions to a record: one writer, and what was acknowledged stays.

Lines are gathered and written together, at the latest with the first decision
after `interval` seconds. :meth:`Recorder.flush` writes what is gathered and
returns how far the record is safe: a line that it covers survives the end of
the process, and with `sync` (the default) that of the machine.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from svc_policy import __version__
from svc_policy.decision import Decision
from svc_policy.errors import Place, Problem, UsageError, problem
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Message, message
from svc_policy.policy import Policy
from svc_policy.record.head import EMPTY, Head, Lock, Position, beside, hold, located, read_head
from svc_policy.record.inputs import Privacy, TicketWriter, salt_of, written_at
from svc_policy.record.layout import MOST_KEPT, Dates, Layout, Layouts
from svc_policy.record.lines import (
    LONGEST,
    NOTHING,
    check_beginning,
    check_schema,
    encode,
    open_log,
    parse,
    refuse,
    seal,
    unwritable,
)
from svc_policy.record.policies import keep
from svc_policy.units import minor_digits

#: How far from its end a record is looked through for the last line.
_CHUNK = 1 << 16


class Recorder:
    """Decides tickets under a policy and appends every decision to a record.

    with Recorder("decisions.jsonl", policy) as recorder:
        decision = recorder.decide(ticket)
        position = recorder.flush()

    A recorder may be used by several threads; a record has one recorder at a time.

    Args:
        path: The record; it is made where there is none.
        policy: Decides; its files are kept beside the record.
        interval: Seconds after which the next decision writes what was gathered; 0 writes each at once.
        sync: Whether a flush waits for the disk. Without, it protects against the end of the process only.

    Raises:
        UsageError: On entering: another process writes the record, it is none, it was changed at its end, lines are
            missing there, or it cannot be written. On deciding: it cannot be written; what could not be written is
            kept, and the next flush tries again.
    """

    def __init__(
        self, path: str | os.PathLike[str], policy: Policy, *, interval: float = 0.1, sync: bool = True
    ) -> None:
        self.path = located(path)
        self.policy = policy
        #: What was noticed on entering: a torn line that was set aside.
        self.notes: tuple[Problem, ...] = ()
        self._interval = interval
        self._sync = sync
        self._guard = threading.RLock()
        self._lock = Lock(self.path)
        self._descriptor: int | None = None
        self._head: Head | None = None
        self._safe = EMPTY
        self._size = 0
        #: How many decisions were appended, and how many of them are safe.
        self._decisions = self._safe_decisions = 0

    # --- opening

    def __enter__(self) -> Self:
        is_new = self._looked_at()
        self._lock.take()
        try:
            self._open()
            self._files = keep(self.path, self.policy)
            self._begin()
            self.flush()
        except BaseException:
            if is_new and self._size == 0:
                self._remove()
            self._drop()
            raise
        return self

    def _remove(self) -> None:
        """Take away a record that was never begun."""
        for made in (self.path, beside(self.path, "head"), beside(self.path, "lock")):
            with contextlib.suppress(OSError):
                made.unlink()

    def _looked_at(self) -> bool:
        """See that the path is that of a record or of nothing yet, before anything is made; says whether of nothing."""
        try:
            self.path.stat()
        except FileNotFoundError:
            return True
        except OSError as error:
            raise UsageError([unwritable(self.path, error)]) from None
        if self.path.is_dir():
            refuse(
                "record-folder",
                message("a record is a file, and this is a folder"),
                self.path,
                message("name a file in it, as in `{example}`", example=self.path / "decisions.jsonl"),
            )
        if not self.path.is_file():
            refuse(
                "record-device",
                message("a record is an ordinary file, and this is none"),
                self.path,
                message("name another file; it is made where there is none"),
            )
        open_log(self.path).close()
        return False

    def _open(self) -> None:
        try:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o666)
            if not hold(self._descriptor):
                # Its lock was deleted, or it has two names, each with a lock of its own.
                refuse(
                    "record-locked",
                    message("the record is being written by another process"),
                    self.path,
                    message("a record has one writer: wait for it to end, or write to another file"),
                )
            self._size = os.lseek(self._descriptor, 0, os.SEEK_END)
            self._last = self._recovered()
        except OSError as error:
            raise UsageError([unwritable(self.path, error)]) from None
        head = read_head(self.path) or EMPTY
        if head.lines > self._last.lines:
            refuse(
                "record-truncated",
                message(
                    "the head names {head} lines, and the record has {lines}", head=head.lines, lines=self._last.lines
                ),
                self.path,
                message("lines were taken off its end; put them back, or begin another record"),
            )
        if head.lines == self._last.lines and head != self._last:
            refuse(
                "record-changed",
                message("the last line is not the one that the head names"),
                self.path,
                message("`{command}` says which lines were changed", command=f"svc-policy record verify {self.path}"),
                line=self._last.lines,
            )
        self._head = Head(self.path)
        self._safe = self._last
        self._pending: list[bytes] = []
        self._flushed_at = time.monotonic()

    def _recovered(self) -> Position:
        """Find the last line, and set aside what a stopped writer left unfinished behind it."""
        assert self._descriptor is not None
        if self._size == 0:
            return EMPTY
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        first = os.read(self._descriptor, 4096)
        first_end = first.find(b"\n")
        check_beginning(first if first_end < 0 else first[: first_end + 1], self.path)
        tail, start = self._tail()
        body, _, torn = tail.rpartition(b"\n")
        whole = body.rpartition(b"\n")[2]
        if torn:
            self._set_aside(torn, start + len(tail) - len(torn))
        if not whole:
            return EMPTY
        line = parse(whole, 0)
        if line.body is not None:
            check_schema(line.body, self.path, 0)
        if not line.is_whole or line.had_return or line.number is None:
            refuse(
                "record-changed",
                message("the last line is not as it was written"),
                self.path,
                message("`{command}` says which lines were changed", command=f"svc-policy record verify {self.path}"),
            )
        return Position(line.number, line.hash)

    def _tail(self) -> tuple[bytes, int]:
        """Read the end of the record: its last finished line at least, and where that begins."""
        assert self._descriptor is not None
        start, tail = self._size, b""
        while start > 0 and tail.count(b"\n") < 2 and len(tail) < LONGEST:
            step = min(_CHUNK, start)
            start -= step
            os.lseek(self._descriptor, start, os.SEEK_SET)
            tail = os.read(self._descriptor, step) + tail
        return tail, start

    def _set_aside(self, torn: bytes, start: int) -> None:
        assert self._descriptor is not None
        number = 1
        while (aside := beside(self.path, f"torn-{number}")).exists():
            number += 1
        with aside.open("xb") as file:
            file.write(torn)
            file.flush()
            os.fsync(file.fileno())
        os.ftruncate(self._descriptor, start)
        os.fsync(self._descriptor)
        self._size = start
        text = message(
            "a line that was never finished is set aside in `{file}`; nothing before it is lost", file=aside.name
        )
        advice = message("its writer was stopped before the line was acknowledged: decide that ticket again")
        place = Place(file=str(self.path))
        self.notes = (*self.notes, problem("record-torn", text, place=place, help=advice, severity="note"))

    def _begin(self) -> None:
        """Write what the lines of this recorder refer to."""
        settings = self.policy.pack.settings
        self._facts = settings.company_facts
        self._digits = minor_digits(settings.currency) or 0
        self._writer = TicketWriter(self._facts, self._digits)
        salt = salt_of(self.path, settings.record.hashed)
        self._privacy = Privacy(settings.record, salt)
        self._layouts = Layouts(self.policy)
        self._layout_lines: dict[int, int] = {}
        self._rules: dict[tuple[int, tuple[Any, ...]], int] = {}
        self._dates = Dates(self.policy)
        who = {"policy": self.policy.id, "digest": self.policy.digest, "engine": __version__}
        self._who = encode(who)[1:-1]
        self._at_s: int | None = None
        self._at = ""
        if self._last.lines == 0:
            self._add("log", encode({"engine": __version__})[1:-1])
        fixed = self.policy.fixed_on
        described = {
            "policy": self.policy.id,
            "digest": self.policy.digest,
            "files": self._files,
            "engine": __version__,
            "on": None if fixed is None else fixed.isoformat(),
            "timezone": settings.timezone,
            "currency": settings.currency,
            "omit": list(settings.record.omit),
            "hashed": list(settings.record.hashed),
        }
        self._policy_line = self._add("policy", encode(described)[1:-1])

    # --- deciding and appending

    def decide(self, ticket: Ticket | Mapping[str, object], *, at: datetime | None = None) -> Decision:
        """Decide a ticket as :meth:`Policy.decide <svc_policy.Policy.decide>` does, and append the decision.

        A ticket made without the policy's own facts is read with them first.

        Args:
            ticket: The facts.
            at: The instant of the decision, with an offset; now unless given.

        Raises:
            TicketError: The facts cannot be read, or `at` has no offset.
            CalendarError: An instant lies outside the policy's calendar; nothing is appended.
            UsageError: The record cannot be written.
        """
        if type(ticket) is Ticket and ticket.facts is not self._facts and ticket.facts != self._facts:
            ticket = ticket.with_facts(self._facts)
        decision = self.policy.decide(ticket, at=at)
        self.append(decision)
        return decision

    def append(self, decision: Decision) -> int:
        """Append a decision that this recorder's policy made; gives the number of its line.

        Raises:
            UsageError: Another policy made it, its ticket was read without the policy's facts or currency, or the
                record cannot be written.
        """
        self._check(decision)
        with self._guard:
            if self._descriptor is None:
                raise UsageError([self._closed()])
            number = self._add("decision", self._body(decision))
            if time.monotonic() - self._flushed_at >= self._interval:
                self.flush()
        return number

    def _check(self, decision: Decision) -> None:
        ticket = decision.ticket
        if decision.policy is not self.policy:
            text = message("policy `{policy}` made the decision, not the recorder's", policy=decision.policy.id)
            raise UsageError([self._misread("record-other-policy", text)])
        if ticket.currency_digits != self._digits:
            text = message(
                "the ticket counts money with {given} decimals, its policy with {wanted}",
                given=ticket.currency_digits,
                wanted=self._digits,
            )
            raise UsageError([self._misread("record-currency", text)])
        if ticket.extra and ticket.facts is not self._facts and ticket.facts != self._facts:
            text = message("the ticket was not read with the facts that its policy declares")
            raise UsageError([self._misread("record-facts", text)])

    def _misread(self, code: str, text: Message) -> Problem:
        advice = message("read the ticket with `policy.ticket`, or decide it with `recorder.decide`")
        return problem(code, text, place=Place(file=str(self.path)), help=advice)

    def _closed(self) -> Problem:
        text = message("the recorder is closed")
        advice = message("use it inside `with Recorder(…) as recorder`")
        return problem("record-closed", text, place=Place(file=str(self.path)), help=advice)

    def _body(self, decision: Decision) -> str:
        """Write what a line says of a decision, between its kind and its seal."""
        layout = self._layouts.of(decision)
        layout_line = self._layout_lines.get(id(layout))
        if layout_line is None:
            described = {"policy_line": self._policy_line, **layout.described()}
            layout_line = self._layout_lines[id(layout)] = self._add("layout", encode(described)[1:-1])
        at_s = decision.at_s
        if at_s != self._at_s:
            self._at_s = at_s
            self._at = f'"at":{written_at(at_s, self.policy.zone)},"at_s":{at_s}'
        ticket = self._writer.text(decision.ticket)
        inputs = self._privacy.take_out(ticket) if self._privacy.is_needed else f'"ticket":{ticket}'
        rules_line = self._rules_line(layout, layout_line, decision)
        return (
            f'{self._at},{self._who},"layout_line":{layout_line},"rules_line":{rules_line},'
            f'"dates":{self._dates.text(decision)},{inputs},{layout.outcome(decision)}'
        )

    def _rules_line(self, layout: Layout, layout_line: int, decision: Decision) -> int:
        """Give the line that says which rules made a decision; many decisions share one."""
        key = (layout_line, layout.telling(decision))
        found = self._rules.get(key)
        if found is None:
            if len(self._rules) >= MOST_KEPT:
                self._rules.clear()
            described = {"layout_line": layout_line, **layout.rules(decision)}
            found = self._rules[key] = self._add("rules", encode(described)[1:-1])
        return found

    def _add(self, kind: str, body: str) -> int:
        number = self._last.lines + 1
        line, own = seal(number, kind, body, self._last.hash if self._last.lines else NOTHING)
        position, pending = Position(number, own), self._pending
        # No call between these: an interruption leaves all of them undone or none.
        self._last = position
        self._decisions += kind == "decision"
        pending += [line]
        return number

    # --- writing

    @property
    def position(self) -> Position:
        """How far the record is safe: what the last flush acknowledged."""
        return self._safe

    @property
    def was_opened(self) -> bool:
        """Whether there was a record to append to."""
        return self._safe.lines > 0

    @property
    def decisions(self) -> int:
        """How many of the decisions that this recorder appended are safe."""
        return self._safe_decisions

    def flush(self) -> Position:
        """Write what was gathered, and acknowledge it.

        Raises:
            UsageError: It cannot be written, as without space; it stays gathered, and the next flush tries again.
        """
        with self._guard:
            if self._descriptor is None:
                raise UsageError([self._closed()])
            if self._pending:
                data, nothing = b"".join(self._pending), list[bytes]()
                size = self._size + len(data)
                self._write(data)
                # No call between these two: what is interrupted is written again at the same place.
                self._size, self._pending = size, nothing
            if self._safe != self._last:
                assert self._head is not None
                self._head.write(self._last)
                self._safe, self._safe_decisions = self._last, self._decisions
            self._flushed_at = time.monotonic()
            return self._safe

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None
        try:
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            left = memoryview(data)
            while left:
                left = left[os.write(self._descriptor, left) :]
            if self._sync:
                os.fsync(self._descriptor)
        except OSError as error:
            # Nothing half-written stays behind; the lines are still gathered.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise UsageError([unwritable(self.path, error)]) from None

    def close(self) -> None:
        """Flush, and let another writer in."""
        with self._guard:
            try:
                if self._descriptor is not None:
                    self.flush()
            finally:
                self._drop()

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        head, self._head = self._head, None
        try:
            if descriptor is not None:
                os.close(descriptor)
            if head is not None:
                head.close(sync=self._sync)
        finally:
            self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
