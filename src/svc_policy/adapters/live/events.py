"""Events of tickets: what they are, and how they are read from plain values.

An event is an object of these keys::

    {"id": "e-7", "ticket": "T-1", "at": "2026-03-02T09:00:00", "event": "received",
     "facts": {"on_site": true, "distance_km": 3}}

`event` is a milestone (``received``, ``dispatched``, ``arrived`` …), ``facts``,
``hold opened`` or ``hold closed`` with the `kind` of hold, ``retracted`` with
the event it takes back under `of`, or ``tick``, which is of no ticket and needs
no `id`. Any event of a ticket may bring `facts`, as a ticket in JSON states
them, the company's own by their names; null takes a fact back. `at` has an
offset, or is a local time in `zone`, else in the policy's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from svc_policy.errors import Place, Problem, TicketError, nearest, problem
from svc_policy.facts.normal import company_facts, declared, shown
from svc_policy.facts.registry import LISTS, MILESTONES
from svc_policy.messages import Message, message
from svc_policy.units import Refusal, open_zone, read_instant

if TYPE_CHECKING:
    from svc_policy.policy import Policy

FACTS: Final = "facts"
HOLD_OPENED: Final = "hold opened"
HOLD_CLOSED: Final = "hold closed"
RETRACTED: Final = "retracted"
TICK: Final = "tick"
_OTHERS: Final = f"{FACTS}, {HOLD_OPENED}, {HOLD_CLOSED}, {RETRACTED}, {TICK}"
KEYS: Final = ("id", "ticket", "at", "event", "facts", "kind", "of", "zone")
#: Names of events and tickets are some characters; what is longer is no name.
_LONGEST_NAME: Final = 200
#: Facts that are kept as they were read.
_MOST_READ: Final = 4096

#: The place of a fact in a ticket's values, or the name of a list or of a company's fact.
Slot = int | str


@attrs.frozen(kw_only=True)
class Event:
    """One event: what it is called, of which ticket, when (epoch seconds), and what it says.

    `stated` are facts in internal values, None for one that is taken back;
    `first` those that hold only where nothing is stated before, as milestones
    do. `holds` are kinds of hold with whether it opens them or closes them;
    `of` is the event that it takes back. `given` is what was read, to be kept.
    """

    id: str
    ticket: str
    at_s: int
    name: str
    of: str = ""
    holds: tuple[tuple[str, bool], ...] = ()
    first: tuple[tuple[int, Any], ...] = ()
    stated: tuple[tuple[Slot, Any], ...] = ()
    given: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def order(self) -> tuple[int, str]:
        """What events of a ticket are sorted by: their instant, those of one second by their id."""
        return self.at_s, self.id

    def says_as(self, other: Event) -> bool:
        """Say whether two events say the same, however their instants are written."""
        return attrs.evolve(self, given={}) == attrs.evolve(other, given={})


class Reader(Protocol):
    """Reads events from plain values."""

    def read(self, given: object, place: Place | None = None) -> Event | None:
        """Read an event; None for one that says nothing.

        Raises:
            TicketError: With everything in it that cannot be.
        """
        ...

    def record(self, given: object) -> str:
        """Name what cannot be read, as people would look it up."""
        ...


class EventReader:
    """Reads events for one policy: its zone, its currency, its facts, the validity of its calendar."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        settings = policy.pack.settings
        self._zone = settings.timezone
        self._places = {fact.name: index for index, fact in enumerate(declared("ticket", settings.company_facts))}
        self._company = frozenset(fact.name for fact in company_facts(settings.company_facts))
        self._lists = frozenset(LISTS.values()) - {"holds"}
        hold_kind = next(fact for fact in declared("hold", settings.company_facts) if fact.name == "hold_kind")
        self._kinds = tuple(hold_kind.values)
        self._read: dict[tuple[str, type, Any], tuple[Slot, Any]] = {}

    def read(self, given: object, place: Place | None = None) -> Event:
        """Read an event.

        Raises:
            TicketError: With everything in it that cannot be.
        """
        problems: list[Problem] = []

        def wrong(code: str, text: Message, advice: Message | None = None) -> None:
            problems.append(problem(code, text, place=place, help=advice))

        if not isinstance(given, Mapping):
            wrong("event-type", message("an event is an object, not `{value}`", value=shown(given)))
            raise TicketError(problems)
        for key in given:
            if key not in KEYS:
                near = nearest(str(key), KEYS)
                advice = None if near is None else message("did you mean `{near}`?", near=near)
                wrong("event-key", message("an event has no `{key}`", key=shown(key)), advice)
        name = given.get("event")
        at_s = self._instant(given, wrong)
        is_tick = name == TICK
        own = "" if is_tick and given.get("id") is None else _named(given, "id", wrong)
        ticket = "" if is_tick else _named(given, "ticket", wrong)
        of = ""
        holds: tuple[tuple[str, bool], ...] = ()
        first: tuple[tuple[int, Any], ...] = ()
        if name in (HOLD_OPENED, HOLD_CLOSED):
            holds = ((self._kind(given, wrong), name == HOLD_OPENED),)
        elif name == RETRACTED:
            of = _named(given, "of", wrong)
        elif isinstance(name, str) and name in MILESTONES:
            first = ((self._places[MILESTONES[name]], self._milestone(MILESTONES[name], at_s)),)
        elif name not in (FACTS, TICK):
            known = (*MILESTONES, FACTS, HOLD_OPENED, HOLD_CLOSED, RETRACTED, TICK)
            near = nearest(name, known) if isinstance(name, str) else None
            wrong(
                "event-unknown",
                message("there is no event `{name}`", name=shown(name)),
                message("did you mean `{near}`?", near=near)
                if near
                else message("an event is a milestone such as `received`, or one of {others}", others=_OTHERS),
            )
        stated: tuple[tuple[Slot, Any], ...] = ()
        if (facts := given.get("facts")) is not None:
            try:
                stated = self._facts(facts)
            except TicketError as error:
                problems.extend(attrs.evolve(one, place=place) for one in error.problems)
        if problems:
            raise TicketError(problems)
        return Event(
            id=own,
            ticket=ticket,
            at_s=at_s,
            name=str(name),
            of=of,
            holds=holds,
            first=first,
            stated=stated,
            given=given,
        )

    def record(self, given: object) -> str:
        """Name an event that cannot be read: by its id, else by its ticket."""
        return name_of(given, "id", "ticket")

    def _instant(self, given: Mapping[str, Any], wrong: Any) -> int:
        text = given.get("at")
        if text is None:
            wrong("event-no-time", message("the event does not say when it happened"), message("`at` is missing"))
            return 0
        zone = given.get("zone", self._zone)
        try:
            if not isinstance(text, str) or not isinstance(zone, str):
                raise Refusal("instant-unreadable", message("an instant is written as in `2026-03-02T09:00:00+08:00`"))
            if zone != self._zone:
                open_zone(zone)
            at_s = _seconds(text, zone)
        except Refusal as refusal:
            shown_name = "zone" if refusal.code == "zone-unknown" else "at"
            text = message("cannot read `{text}` in `{name}`", text=shown(given.get(shown_name)), name=shown_name)
            wrong(refusal.code, text, refusal.help)
            return 0
        if (outside := outside_calendar(self._policy, at_s, text)) is not None:
            wrong(outside.code, outside.message, outside.help)
        return at_s

    def _milestone(self, fact: str, at_s: int) -> int:
        """Give the value of a milestone that was reached: its instant, or its day in the policy's zone."""
        return self._policy.clocks.local_day(at_s) if fact.endswith("_on") else at_s

    def _kind(self, given: Mapping[str, Any], wrong: Any) -> str:
        kind = _named(given, "kind", wrong)
        if kind and self._kinds and kind not in self._kinds:
            near = nearest(kind, self._kinds)
            wrong(
                "event-hold-kind",
                message("there is no kind of hold `{kind}`", kind=shown(kind)),
                message("did you mean `{near}`?", near=near)
                if near
                else message("known here: {known}", known=", ".join(self._kinds)),
            )
        return kind

    def _facts(self, facts: object) -> tuple[tuple[Slot, Any], ...]:
        """Read the facts that an event states, into internal values."""
        if not isinstance(facts, Mapping):
            text = message("`facts` is `{value}`, not a set of named facts", value=shown(facts))
            raise TicketError([problem("event-facts", text)])
        stated: list[tuple[Slot, Any]] = []
        problems: list[Problem] = []
        extra = facts.get("extra")
        listed = {**facts, **extra} if isinstance(extra, Mapping) else facts
        for name, value in listed.items():
            if name == "extra" and listed is not facts:
                continue
            try:
                stated.append(self._fact(name, value))
            except TicketError as error:
                problems.extend(error.problems)
        if problems:
            raise TicketError(problems)
        return tuple(stated)

    def _fact(self, name: str, value: Any) -> tuple[Slot, Any]:
        """Read one fact; the same facts come again and again, so what was read is kept."""
        key = (name, type(value), value)
        try:
            found = self._read.get(key)
        except TypeError:
            return self._fact_anew(name, value)
        if found is None:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            found = self._read[key] = self._fact_anew(name, value)
        return found

    def _fact_anew(self, name: str, value: Any) -> tuple[Slot, Any]:
        if name in ("ticket_id", "holds"):
            text = message("`{name}` cannot be stated by an event", name=name)
            advice = message("a hold is opened and closed by events") if name == "holds" else None
            raise TicketError([problem("event-facts", text, help=advice)])
        place = self._places.get(name)
        if value is None and (place is not None or name in self._company or name in self._lists):
            return name if place is None else place, None
        if name in self._company:
            return name, self._policy.ticket({"extra": {name: value}}).extra_values.get(name)
        ticket = self._policy.ticket({name: value})
        return (name, getattr(ticket, name)) if place is None else (place, ticket.values[place])


def name_of(given: object, *keys: str) -> str:
    """Name what was given by the first of its keys that has a value."""
    found = (given.get(key) for key in keys) if isinstance(given, Mapping) else iter(())
    return shown(next((value for value in found if value is not None), "?"))


def outside_calendar(policy: Policy, at_s: int, text: str) -> Problem | None:
    """Say that an instant lies outside the policy's calendar; nothing of one that does not."""
    axis = policy.clocks.axis
    if axis is None or axis.first_instant <= at_s <= axis.last_instant:
        return None
    first, last = policy.instant(axis.first_instant), policy.instant(axis.last_instant)
    return problem(
        "event-outside-calendar",
        message("`{text}` lies outside the policy's calendar", text=shown(text)),
        help=message("the calendar runs from {first} to {last}", first=first, last=last),
    )


def _named(given: Mapping[str, Any], key: str, wrong: Any) -> str:
    value = given.get(key)
    if value is None or value == "":
        text = message("the event has no `{key}`", key=key)
        wrong(f"event-no-{key}", text, message("give it one, by which it can be told from others"))
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if value.bit_length() < _LONGEST_NAME else None
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or not value.isprintable():
        text = message("`{value}` in `{key}` is no name", value=shown(given.get(key)), key=key)
        wrong("event-name", text, message("a name is a text of at most {most} characters", most=_LONGEST_NAME))
        return ""
    return value


def _seconds(text: str, zone: str) -> int:
    """Read an instant; what Python reads with an offset needs no grammar of ours."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _read(text, zone)
    if found.tzinfo is None or found.microsecond:
        return _read(text, zone)
    return int(found.timestamp())


@lru_cache(maxsize=4096)
def _read(text: str, zone: str) -> int:
    return read_instant(_without_fraction(text), zone)


def _without_fraction(text: str) -> str:
    """Leave out fractions of a second, which other systems write: a ticket counts whole seconds."""
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    return head + rest.lstrip("0123456789")


__all__ = ["FACTS", "HOLD_CLOSED", "HOLD_OPENED", "RETRACTED", "TICK", "Event", "EventReader", "Reader"]
