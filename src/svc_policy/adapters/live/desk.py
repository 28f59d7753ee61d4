"""The live desk: events of tickets in, alerts out.

What it tells is what the policy decides: a ticket is decided at each of its
events that can change what is watched, and at each instant at which its
decision turns by itself (`next_change_at`), as it stood then. So what has been
told in the end hangs on the events alone. An event that comes late is put into
its place and the ticket's course is run again; an alert that ought not to have
been told is withdrawn, one that ought to have been is told late.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from svc_policy.adapters.live.alerts import Alert, AlertWriter
from svc_policy.adapters.live.course import Course, Log, Reached, Runner
from svc_policy.adapters.live.events import TICK, Event, EventReader, Reader
from svc_policy.adapters.live.folding import Facts, FactsForm
from svc_policy.adapters.live.judging import EARLIER_REPAIRS, Judge, Judgement, PlanJudge, relevant_facts
from svc_policy.adapters.live.repairs import Device, Repairs
from svc_policy.adapters.protocol import Unreadable
from svc_policy.errors import CalendarError, Place, Problem, TicketError, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: How long a closed ticket is kept for events that come late.
KEEP = timedelta(days=7)
#: So many tickets that are gone are remembered by their names.
MOST_GONE = 10_000
#: A ticket with more events than this is a machine gone wrong.
MOST_EVENTS = 10_000


@attrs.frozen(kw_only=True)
class Undecided(Unreadable):
    """A ticket, `record`, that the policy cannot decide; its events are taken. It is told once."""


Told = Alert | Unreadable


@attrs.define(kw_only=True)
class Counts:
    """What a desk has done so far.

    `events` are all that it was given: those that came again and those that it refused among them. `decided` are
    decisions, `undecided` tickets that the policy cannot decide.
    """

    events: int = 0
    repeated: int = 0
    late: int = 0
    refused: int = 0
    decided: int = 0
    undecided: int = 0
    raised: int = 0
    withdrawn: int = 0


@attrs.define(kw_only=True)
class State:
    """What a desk must know to go on: see :mod:`.saving`."""

    now_s: int | None
    logs: list[Log]
    gone: list[str]
    repairs: list[list[object]]


class LiveDesk:
    """Watches the escalations of a policy, and its rules on repeated repairs, over events as they come.

    Args:
        policy: What decides.
        keep: How long a closed ticket is kept for events that come late; after that it is dropped, and an event of it
            is refused.
        follows_events: The desk's clock goes by the events: each moves it on to just before its own instant. False
            leaves the clock to :meth:`advance` alone; events of a later instant then wait for it.
        judge: Tells which rules hold; the policy's own decision unless given.
        reader: Reads events; those of :mod:`.events` unless given.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        keep: timedelta = KEEP,
        follows_events: bool = True,
        judge: Judge | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.policy = policy
        self.counts = Counts()
        self.judge: Judge = PlanJudge(policy) if judge is None else judge
        rules = self.judge.rules
        relevant = relevant_facts(policy, rules)
        self.reader: Reader = EventReader(policy) if reader is None else reader
        self._writer = AlertWriter(policy, rules)
        self._form = FactsForm(policy, relevant)
        self._keep_s = int(keep.total_seconds())
        self._follows_events = follows_events
        self._now_s: int | None = None
        self._logs: dict[str, Log] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._queue: list[tuple[int, str]] = []
        self._runner = Runner(judge=self._judge, details=self._details)
        self._repairs = Repairs(policy, self._keep_s) if EARLIER_REPAIRS in relevant else None
        self._counted = self._form.places[EARLIER_REPAIRS]
        self._told: list[Told] = []
        self._targets = [rule.target and f"{rule.target}_due" for rule in rules]

    # --- what a host calls

    @property
    def now(self) -> datetime | None:
        """The instant up to which everything is told, in the policy's zone."""
        return self.policy.instant(self._now_s)

    @property
    def open_tickets(self) -> int:
        """How many tickets are kept."""
        return len(self._logs)

    @property
    def next_at(self) -> datetime | None:
        """The next instant at which :meth:`advance` may have something to tell; None if nothing is awaited."""
        while self._queue:
            at_s, name = self._queue[0]
            log = self._logs.get(name)
            if log is not None and log.wake_s == at_s:
                return self.policy.instant(at_s)
            heapq.heappop(self._queue)
        return None

    def tell(self, given: object, *, place: Place | None = None) -> list[Told]:
        """Take in an event as plain values; see :mod:`.events`.

        Gives what became due before its instant, and what a late event changes; an event that cannot be taken is
        given back with its problems.
        """
        try:
            event = self.reader.read(given, place)
        except TicketError as error:
            self.counts.events += 1
            return [self._refused(self.reader.record(given), error.problems)]
        return [] if event is None else self.take(event, place=place)

    def take(self, event: Event, *, place: Place | None = None) -> list[Told]:
        """Take in an event that was read."""
        self.counts.events += 1
        if event.name == TICK:
            return self._advance_s(event.at_s)
        if self._follows_events:
            self._settle(event.at_s - 1)
        refusal = self._taken(event, place)
        if refusal is not None:
            self._told.append(self._refused(event.id, [refusal]))
        return self._drained()

    def advance(self, to: datetime) -> list[Told]:
        """Move the clock on, and give what became due up to then, that instant included.

        Raises:
            TicketError: `to` has no offset.
        """
        if to.tzinfo is None:
            text = message("`{name}` has no time zone", name="to")
            advice = message("give it one, as in `datetime.now(timezone.utc)`")
            raise TicketError([problem("at-naive", text, help=advice)])
        return self._advance_s(int(to.timestamp() // 1))

    def follow(self, events: Iterable[object]) -> Iterator[Told]:
        """Take in events one after the other, and settle the instant of the last one at the end."""
        for given in events:
            yield from self.tell(given)
        yield from self.settle_last()

    def settle_last(self) -> list[Told]:
        """Tell what is due at the instant of the last event: no other event of that second is to come."""
        if not self._follows_events or self._now_s is None:
            return []
        return self._advance_s(self._now_s + 1)

    # --- what is kept over a restart

    def state(self) -> State:
        """Give what must be known to go on."""
        repairs = [] if self._repairs is None else self._repairs.saved()
        return State(now_s=self._now_s, logs=list(self._logs.values()), gone=list(self._gone), repairs=repairs)

    def new_log(self, name: str) -> Log:
        """Make the log of a ticket, not yet the desk's."""
        return Log(name, self._form)

    def restore_repairs(self, device: Device, older: int, ends: list[int]) -> None:
        """Take back the repairs of tickets that are gone."""
        if self._repairs is not None:
            self._repairs.restore(device, older, ends)

    def go_on_from(self, state: State, told: Mapping[str, set[Reached]]) -> None:
        """Take over a state; what was told is not told again, and what is different is told next."""
        self._now_s = state.now_s
        self._gone = OrderedDict.fromkeys(state.gone)
        self._logs = {log.name: log for log in state.logs}
        for log in state.logs if self._repairs is not None else ():
            # Every repair is counted before the first ticket is judged.
            facts = log.course.facts
            for event in log.events:
                if state.now_s is not None and event.at_s <= state.now_s and event.id not in log.voided:
                    facts.take(event)
            self._note_repair(log, state.now_s or 0)
            log.course = Course(self._form)
        for log in state.logs:
            before = Course(self._form)
            before.reached = dict.fromkeys(told.get(log.name, ()), (None, None))
            log.course = before
            if state.now_s is not None:
                self._run_again(log)
            else:
                self._wake(log, log.pending_s(log.course))

    # --- the clock

    def _advance_s(self, to_s: int) -> list[Told]:
        self._settle(to_s)
        return self._drained()

    def _drained(self) -> list[Told]:
        told, self._told = self._told, []
        return told

    def _settle(self, upto_s: int) -> None:
        """Run what is awaited up to an instant, one instant after the other."""
        queue = self._queue
        while queue and queue[0][0] <= upto_s:
            at_s, name = heapq.heappop(queue)
            log = self._logs.get(name)
            if log is None or log.wake_s != at_s:
                continue
            log.wake_s = None
            self._now_s = at_s if self._now_s is None else max(self._now_s, at_s)
            self._go_on(log, at_s)
        if self._now_s is None or upto_s > self._now_s:
            self._now_s = upto_s

    def _go_on(self, log: Log, upto_s: int) -> None:
        course = log.course
        for reached in self._runner.run(log, course, upto_s):
            self._say("raised", log, reached, course)
        self._afterwards(log, upto_s)

    def _run_again(self, log: Log) -> None:
        """Run a ticket's course from its first event, and tell what is different."""
        if self._now_s is None:
            return
        before, course = log.course, Course(self._form)
        self._runner.run(log, course, self._now_s)
        log.course = course
        for reached in sorted(before.reached.keys() - course.reached.keys(), key=_by_instant):
            self._say("withdrawn", log, reached, before)
        for reached in sorted(course.reached.keys() - before.reached.keys(), key=_by_instant):
            self._say("raised", log, reached, course)
        self._afterwards(log, self._now_s)

    def _afterwards(self, log: Log, now_s: int) -> None:
        """Note what a ticket is to others, and when it is to be looked at again."""
        if self._repairs is not None:
            self._note_repair(log, now_s)
        wake_s = log.next_s(log.course)
        if wake_s is None and (closed_s := log.course.facts.value("closed_at")) is not None:
            # Nothing is awaited of a closed ticket; it is kept for what comes late.
            wake_s = max(closed_s, log.events[-1].at_s) + self._keep_s
            if wake_s <= now_s:
                self._drop(log)
                return
        self._wake(log, wake_s)

    def _wake(self, log: Log, at_s: int | None) -> None:
        if at_s == log.wake_s:
            return
        log.wake_s = at_s
        if at_s is not None:
            heapq.heappush(self._queue, (at_s, log.name))
            if len(self._queue) > 4 * len(self._logs) + 1_000:
                self._queue = [(one.wake_s, one.name) for one in self._logs.values() if one.wake_s is not None]
                heapq.heapify(self._queue)

    # --- events

    def _taken(self, event: Event, place: Place | None) -> Problem | None:
        if event.ticket in self._gone:
            text = message("event `{id}`: ticket `{ticket}` is closed and gone", id=event.id, ticket=event.ticket)
            days = self._keep_s // 86_400
            advice = message("days for which a closed ticket is kept: {days}", days=days)
            return problem("event-too-late", text, place=place, help=advice)
        log = self._logs.get(event.ticket)
        if log is None:
            log = self._logs[event.ticket] = Log(event.ticket, self._form)
        elif (known := log.find(event.id)) is not None:
            if known.says_as(event):
                self.counts.repeated += 1
                return None
            text = message(
                "event `{id}` of ticket `{ticket}` came before and said something else", id=event.id, ticket=log.name
            )
            advice = message("an event is taken back by one that is `retracted`")
            return problem("event-changed", text, place=place, help=advice)
        elif len(log.events) >= MOST_EVENTS:
            text = message("ticket `{ticket}` has more than {most} events", ticket=log.name, most=MOST_EVENTS)
            return problem("event-too-many", text, place=place)
        log.add(event)
        if self._now_s is not None and (event.at_s <= self._now_s or event.of):
            self.counts.late += 1
            self._run_again(log)
        else:
            self._wake(log, event.at_s if log.wake_s is None else min(event.at_s, log.wake_s))
        return None

    def _drop(self, log: Log) -> None:
        del self._logs[log.name]
        self._gone[log.name] = None
        if len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)
        self.judge.forget(log.name)
        if self._repairs is not None:
            for device in log.devices:
                self._repairs.close(device, log.name)

    def _note_repair(self, log: Log, now_s: int) -> None:
        """Count a ticket's repair among those of its device; others whose count changes are run again."""
        assert self._repairs is not None
        facts = log.course.facts
        serial, fault = facts.value("serial_no"), facts.value("fault_code")
        device = None if serial is None or fault is None else (serial, fault)
        changed: list[str] = []
        if log.device is not None and device != log.device:
            changed += self._repairs.change(log.device, log.name, None, now_s)
        log.device = device
        if device is not None:
            finished, closed = facts.value("finished_at"), facts.value("closed_at")
            changed += self._repairs.change(device, log.name, closed if finished is None else finished, now_s)
        for name in dict.fromkeys(changed):
            other = self._logs.get(name)
            if other is not None and other.course.is_judged:
                self._run_again(other)

    # --- judging and telling

    def _judge(self, log: Log, facts: Facts, at_s: int) -> Judgement:
        if self._repairs is not None:
            facts = self._with_repairs(log, facts)
        self.counts.decided += 1
        try:
            return self.judge.judge(log.name, facts, at_s)
        except CalendarError as error:
            if not log.is_troubled:
                log.is_troubled = True
                self.counts.undecided += 1
                self._told.append(Undecided(record=log.name, problems=tuple(error.problems)))
            return Judgement(fired=0, next_s=None, column=_nothing)

    def _with_repairs(self, log: Log, facts: Facts) -> Facts:
        assert self._repairs is not None
        serial, fault, received = facts.value("serial_no"), facts.value("fault_code"), facts.value("received_at")
        if serial is None or fault is None or received is None:
            return facts
        # Whatever it was about at some time: where another repair of that comes late, it is run again.
        self._repairs.open((serial, fault), log.name, received)
        log.devices |= {(serial, fault)}
        found = self._repairs.count((serial, fault), log.name, received)
        return facts.with_value(self._counted, found) if found > facts.values[self._counted] else facts

    def _details(self, judgement: Judgement, number: int) -> tuple[int | None, int | None]:
        target = self._targets[number]
        due = judgement.column(target) if target else None
        day = judgement.column("request_day")
        return None if due is None else int(due), None if day is None else int(day)

    def _say(self, kind: str, log: Log, reached: Reached, course: Course) -> None:
        number, since_s = reached
        due_s, day = course.reached[reached]
        assert self._now_s is not None
        if kind == "raised":
            self.counts.raised += 1
        else:
            self.counts.withdrawn += 1
        self._told.append(
            self._writer.write(
                "raised" if kind == "raised" else "withdrawn",
                log.name,
                number,
                since_s,
                due_s=due_s,
                day=day,
                now_s=self._now_s,
            )
        )

    def _refused(self, record: str, problems: Iterable[Problem]) -> Unreadable:
        self.counts.refused += 1
        return Unreadable(record=record, problems=tuple(problems))


def _nothing(_: str) -> None:
    return None


def _by_instant(reached: Reached) -> tuple[int, int]:
    return reached[1], reached[0]


__all__ = ["KEEP", "Counts", "LiveDesk", "State", "Told", "Undecided"]
