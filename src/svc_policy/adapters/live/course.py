"""How one ticket goes on: its events, what they come to, and which rules came to hold of it when."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from operator import attrgetter

import attrs

from svc_policy.adapters.live.events import Event
from svc_policy.adapters.live.folding import Facts, FactsForm
from svc_policy.adapters.live.judging import Judgement

_order = attrgetter("order")
#: A rule that came to hold: its number, and the instant from which it holds.
Reached = tuple[int, int]


class Course:
    """What a ticket has come to by some instant, its events taken one after the other.

    `reached` has every rule that came to hold, with the due instant of its
    target and the ticket's governing day then. It only hangs on the events,
    never on the order in which they arrived, nor on when somebody looked.
    """

    __slots__ = ("facts", "fired", "is_judged", "reached", "taken", "turn_s")

    def __init__(self, form: FactsForm) -> None:
        self.facts = Facts(form)
        self.taken = 0
        self.turn_s: int | None = None
        self.fired = 0
        self.is_judged = False
        self.reached: dict[Reached, tuple[int | None, int | None]] = {}


class Log:
    """The events of one ticket in their order, and its course so far."""

    __slots__ = ("course", "device", "devices", "events", "is_troubled", "name", "voided", "wake_s")

    def __init__(self, name: str, form: FactsForm) -> None:
        self.name = name
        self.events: list[Event] = []
        #: Events that were taken back, by their ids.
        self.voided: frozenset[str] = frozenset()
        self.course = Course(form)
        self.wake_s: int | None = None
        self.device: tuple[str, str] | None = None
        self.devices: frozenset[tuple[str, str]] = frozenset()
        self.is_troubled = False

    def find(self, own: str) -> Event | None:
        """Find an event by its id."""
        for event in self.events:
            if event.id == own:
                return event
        return None

    def add(self, event: Event) -> None:
        """Put an event into its place."""
        if event.of:
            self.voided |= {event.of}
        if not self.events or self.events[-1].order < event.order:
            self.events.append(event)
        else:
            insort(self.events, event, key=_order)

    def pending_s(self, course: Course) -> int | None:
        """Give the instant of the next event that a course has not taken."""
        return self.events[course.taken].at_s if course.taken < len(self.events) else None

    def next_s(self, course: Course) -> int | None:
        """Give the next instant at which something may change: an event, or what the policy turns by itself."""
        pending = self.pending_s(course)
        if pending is None:
            return course.turn_s
        return pending if course.turn_s is None else min(pending, course.turn_s)


@attrs.frozen(kw_only=True)
class Runner:
    """Takes courses on: `judge` decides a ticket's facts at an instant, `details` says of an entry what is told."""

    judge: Callable[[Log, Facts, int], Judgement]
    details: Callable[[Judgement, int], tuple[int | None, int | None]]

    def run(self, log: Log, course: Course, upto_s: int) -> list[Reached]:
        """Take a course on up to an instant, that included; gives the rules that came to hold."""
        found: list[Reached] = []
        while True:
            at_s = log.next_s(course)
            if at_s is None or at_s > upto_s:
                return found
            matters = not course.is_judged or (course.turn_s is not None and course.turn_s <= at_s)
            while course.taken < len(log.events) and (event := log.events[course.taken]).at_s <= at_s:
                course.taken += 1
                if event.id not in log.voided and course.facts.take(event):
                    matters = True
            if matters:
                found += self._judged(log, course, at_s)

    def _judged(self, log: Log, course: Course, at_s: int) -> list[Reached]:
        judgement = self.judge(log, course.facts, at_s)
        entered = judgement.fired & ~course.fired
        course.fired, course.turn_s, course.is_judged = judgement.fired, judgement.next_s, True
        found: list[Reached] = []
        while entered:
            number = (entered & -entered).bit_length() - 1
            entered &= entered - 1
            course.reached[number, at_s] = self.details(judgement, number)
            found.append((number, at_s))
        return found
