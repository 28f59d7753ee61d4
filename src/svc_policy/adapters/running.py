"""Carry tickets from a source through a policy into a sink, chunk by chunk, so that a stopped run can go on.

A chunk is read, decided and written; then the mark of its last record is kept.
A run that is killed in between reads the chunk again, decides it at the same
instant and finds it written: nothing is lost and nothing is written twice.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import attrs

from svc_policy.adapters.protocol import Reading, Sink, Source, Unreadable, Written
from svc_policy.adapters.transfer_state import Keeping, Progress
from svc_policy.errors import AdapterError, Place, PolicyError, Problem, UnreachableError, UsageError, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

CHUNK: Final = 1000
#: Seconds for which a system that does not answer is tried again.
PATIENCE: Final = 60.0
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
#: How many of the records that could not be carried are shown.
SHOWN: Final = 5


@attrs.frozen(kw_only=True)
class Carried:
    """What a transfer came to: records that were `read`, decisions that the sink took, and what went wrong.

    `unreadable` counts what could not be read, decided or taken by the sink;
    `shown` are the first of them. `listed` is the file with all, where there
    are any, those of earlier transfers with the same state included. `at` is
    the instant of the decisions. The counts are of the whole transfer,
    `is_resumed` says that an earlier run began it; `retries` are those of this
    run.
    """

    at: datetime
    read: int
    made: int
    changed: int
    unchanged: int
    unreadable: int
    retries: int
    is_resumed: bool
    shown: tuple[Unreadable, ...]
    listed: Path | None


def carry(
    policy: Policy,
    source: Source,
    sink: Sink,
    *,
    at: datetime | None = None,
    chunk: int = CHUNK,
    state: Path | str | None = None,
    patience: float = PATIENCE,
    tell: Callable[[Message], None] | None = None,
    purpose: str = "",
) -> Carried:
    """Decide the tickets of a source and write the decisions to a sink.

    Args:
        policy: What decides.
        source: Where the tickets come from.
        sink: Where the decisions go.
        at: The instant of all decisions, with an offset; that of the state, else now to the second, unless given.
        chunk: How many records are read, decided and written at a time, and held in memory.
        state: A file that keeps how far the transfer is. One that was stopped goes on; one that was finished reads
            what its source gives after the last mark, at a new instant. What could not be carried is listed beside
            it, in ``STATE.unreadable.jsonl``, until the source is read from its beginning again.
        patience: For how many seconds a system that does not answer is tried again, with growing pauses.
        tell: Is told what is worth knowing while it runs.
        purpose: What tells this transfer from others; a state of another one is refused.

    Raises:
        AdapterError: A system is unfit, or does not answer for longer than `patience`; the same call goes on.
        UsageError: The state cannot be read or written or is of another transfer; `at` has no offset.
    """
    if chunk < 1:
        refuse("transfer-chunk", message("a chunk is at least one record"), message("1000 is a good size"))
    if at is not None and at.tzinfo is None:
        text = message("`{name}` has no time zone", name="at")
        refuse("at-naive", text, message("give it one, as in `datetime.now(timezone.utc)`"))
    keeping = Keeping(None if state is None else Path(state))
    try:
        return _Transfer(policy, source, sink, keeping, chunk, patience, tell).run(at, purpose)
    finally:
        keeping.close()


def refuse(code: str, text: Message, help_line: Message, place: Place | None = None) -> NoReturn:
    """Say that a transfer was asked for wrongly.

    Raises:
        UsageError: Always.
    """
    raise UsageError([problem(code, text, place=place, help=help_line)])


class _Transfer:
    """One run."""

    def __init__(
        self,
        policy: Policy,
        source: Source,
        sink: Sink,
        keeping: Keeping,
        chunk: int,
        patience: float,
        tell: Callable[[Message], None] | None,
    ) -> None:
        self.policy = policy
        self.source = source
        self.sink = sink
        self.keeping = keeping
        self.chunk = chunk
        self.patience = patience
        self.tell = tell or (lambda _: None)
        self.shown: list[Unreadable] = []
        self.retries = 0
        self.failing_since: float | None = None
        self.pause = FIRST_PAUSE

    def run(self, at: datetime | None, purpose: str) -> Carried:
        kept = self.keeping.open()
        self.progress = self._begun(kept, at, purpose)
        is_resumed = kept is not None and not kept.finished
        self.at = datetime.fromtimestamp(self.progress.at_s, UTC)
        self.keeping.begin(self.progress.listed_bytes)
        self.keeping.save(self.progress)
        while True:
            try:
                self._pass()
                break
            except UnreachableError as error:
                self._wait(error)
        self.progress = attrs.evolve(self.progress, finished=True)
        self.keeping.save(self.progress)
        found = self.progress
        return Carried(
            at=self.at.astimezone(self.policy.zone),
            read=found.read,
            made=found.made,
            changed=found.changed,
            unchanged=found.unchanged,
            unreadable=found.unreadable,
            retries=self.retries,
            is_resumed=is_resumed,
            shown=tuple(self.shown),
            listed=self.keeping.listed if found.listed_bytes else None,
        )

    def _begun(self, kept: Progress | None, at: datetime | None, purpose: str) -> Progress:
        at_s = int((at or datetime.now(UTC)).timestamp() // 1)
        fresh = Progress(policy=self.policy.id, digest=self.policy.digest, at_s=at_s, purpose=purpose)
        if kept is None:
            return fresh
        place = Place(file=str(self.keeping.path))
        if kept.purpose != purpose:
            text = message("the state is of a transfer from or to elsewhere")
            refuse("transfer-other", text, message("name another state, or delete it to begin anew"), place)
        if kept.finished:
            # What has no mark is read again, as it may be another record by now; without any mark all of it is.
            return attrs.evolve(fresh, mark=kept.mark, listed_bytes=kept.listed_bytes if kept.mark is not None else 0)
        if kept.digest != self.policy.digest:
            text = message(
                "the state is of a transfer under `{policy}@{digest}`, which is not finished",
                policy=kept.policy,
                digest=kept.digest[:12],
            )
            refuse("transfer-other", text, message("finish it with that policy, or delete the state"), place)
        if at is not None and at_s != kept.at_s:
            when = datetime.fromtimestamp(kept.at_s, self.policy.zone).isoformat()
            text = message("the state is of a transfer that decides at {at}", at=when)
            refuse("transfer-other", text, message("leave the instant out, or delete the state"), place)
        return kept

    def _pass(self) -> None:
        """Read from where the transfer is to the end."""
        with contextlib.closing(_generator(self.source.read(after=self.progress.mark))) as records:
            # Notices that come before the last of them were listed with them.
            left_out = sum(1 for _ in itertools.islice(filter(_is_record, records), self.progress.skip))
            if left_out < self.progress.skip:
                text = message("the source has fewer records than were read of it before")
                raise AdapterError(
                    [problem("transfer-shrunk", text, help=message("begin anew: without the state, or with another"))]
                )
            while batch := list(_portion(records, self.chunk)):
                self._carry(batch)

    def _carry(self, batch: list[Reading | Unreadable]) -> None:
        failed: list[tuple[str, Unreadable]] = []
        decisions: list[Decision] = []
        for item in batch:
            if isinstance(item, Unreadable):
                failed.append(("read", item))
                continue
            try:
                decisions.append(self.policy.decide(item.ticket, at=self.at))
            except PolicyError as error:
                failed.append(("decide", Unreadable(record=item.record, problems=error.problems)))
        written = self.sink.write(decisions) if decisions else Written()
        failed += (("write", one) for one in written.refused)
        before = self.progress
        mark, skip = before.mark, before.skip
        records = [item for item in batch if _is_record(item)]
        for item in records:
            mark, skip = (mark, skip + 1) if item.mark is None else (item.mark, 0)
        progress = attrs.evolve(
            before,
            mark=mark,
            skip=skip,
            read=before.read + len(records),
            made=before.made + written.made,
            changed=before.changed + written.changed,
            unchanged=before.unchanged + written.unchanged,
            unreadable=before.unreadable + len(failed),
            listed_bytes=self.keeping.add(failed),
        )
        self.keeping.save(progress)
        self.progress = progress
        self.shown += (one for _, one in failed[: SHOWN - len(self.shown)])
        self.failing_since, self.pause = None, FIRST_PAUSE

    def _wait(self, error: UnreachableError) -> None:
        """Pause before the next attempt, or give up.

        Raises:
            AdapterError: It has not answered for too long.
        """
        now = time.monotonic()
        if self.failing_since is None:
            self.failing_since = now
        left = self.failing_since + self.patience - now
        if left <= 0:
            raise AdapterError([*error.problems, self._how_to_go_on()]) from None
        pause = min(self.pause, left)
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.retries += 1
        self.tell(
            message("{reason}; trying again in {pause} s", reason=error.problems[0].message, pause=f"{pause:.1f}")
        )
        time.sleep(pause)

    def _how_to_go_on(self) -> Problem:
        text = message("the transfer stopped after {count} records", count=self.progress.read)
        help_line = message("run it again: what is written already is left as it is")
        if self.keeping.path is not None:
            help_line = message("the same command goes on from there, by the state `{file}`", file=self.keeping.path)
        return problem("transfer-stopped", text, help=help_line)


def _is_record(item: Reading | Unreadable) -> bool:
    return isinstance(item, Reading) or not item.is_notice


def _portion(records: Iterator[Reading | Unreadable], size: int) -> Iterator[Reading | Unreadable]:
    """Give so many records, with the notices before and between them."""
    count = 0
    while count < size and (item := next(records, None)) is not None:
        count += _is_record(item)
        yield item


def _generator(records: Iterator[Reading | Unreadable]) -> Generator[Reading | Unreadable, None, None]:
    yield from records
