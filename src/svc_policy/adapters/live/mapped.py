"""Events of a foreign log: its rows read by the mapping file by which the log is audited.

A row is one event. Milestones and facts of which the mapping takes the first
hold where nothing is stated before; those of which it takes the last change
what was stated. A row without an `id` is told from others by all that it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from svc_policy.adapters.live.events import Event, Slot, name_of, outside_calendar
from svc_policy.adapters.mapping import ColumnSource, LogMapping
from svc_policy.adapters.values import Settings, ValueReader
from svc_policy.errors import MappingError, Place, Problem, TicketError, problem
from svc_policy.facts.normal import company_facts, declared, shown
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_ID = "id"


class MappedReader:
    """Reads rows of a log as events.

    Raises:
        MappingError: The mapping is of a log that has no events.
    """

    def __init__(self, policy: Policy, mapping: LogMapping) -> None:
        if mapping.shape != "events" or mapping.timestamp is None:
            text = message("the mapping is of tickets, one a row, not of events")
            advice = message('a log of events has `shape = "events"`')
            raise MappingError([problem("mapping-no-events", text, place=Place(file=mapping.file), help=advice)])
        self._policy = policy
        self._mapping = mapping
        company = policy.pack.settings.company_facts
        settings = Settings(
            zone=mapping.timezone,
            currency=policy.pack.settings.currency,
            facts=company,
            missing=mapping.options.missing,
        )
        listed = declared("ticket", company)
        facts = {fact.name: fact for fact in (*listed, *company_facts(company))}
        self._slots: dict[str, Slot] = {fact.name: fact.name for fact in company_facts(company)}
        self._slots |= {fact.name: index for index, fact in enumerate(listed)}
        self._missing = frozenset(("", *mapping.options.missing))
        stamp = mapping.timestamp
        self._stamp = ValueReader(facts["received_at"], stamp, settings=settings, label=stamp.column)
        self._facts: list[tuple[Slot, ColumnSource, ValueReader]] = [
            (self._slots[name], source, ValueReader(facts[name], source, settings=settings, label=source.column))
            for name, source in mapping.facts.items()
        ]
        self._constants = tuple((self._slots[name], value) for name, value in mapping.constants.items())
        self._ignored = frozenset(mapping.ignored)

    def read(self, given: object, place: Place | None = None) -> Event | None:
        """Read a row; None for an activity that the mapping ignores.

        Raises:
            TicketError: With everything in it that cannot be.
        """
        problems: list[Problem] = []
        if not isinstance(given, Mapping):
            text = message("an event is an object, not `{value}`", value=shown(given))
            raise TicketError([problem("event-type", text, place=place)])
        mapping = self._mapping
        ticket, activity = self._text(given, mapping.ticket), self._text(given, mapping.activity)
        for column, found in ((mapping.ticket, ticket), (mapping.activity, activity)):
            if found is None:
                text = message("the event has no `{key}`", key=column)
                problems.append(problem("event-no-value", text, place=place))
        at_s = self._instant(given, place, problems)
        if activity is not None and activity in self._ignored:
            return None
        if activity is not None and activity not in mapping.activities and not mapping.keeps_others:
            text = message("the mapping does not name the activity `{name}`", name=shown(activity))
            problems.append(problem("log-activity", text, place=place))
        first: list[tuple[int, Any]] = []
        stated: list[tuple[Slot, Any]] = []
        for slot, source, reader in self._facts:
            value = self._text(given, source.column)
            if value is None:
                continue
            try:
                read = reader.read(value)
            except TicketError as error:
                problems.extend(_at(error.problems, place))
                continue
            if source.take == "first" and isinstance(slot, int):
                first.append((slot, read))
            else:
                stated.append((slot, read))
        if problems or ticket is None or activity is None:
            raise TicketError(problems)
        for name, milestone in mapping.milestones.items():
            if not milestone.activities or activity in milestone.activities:
                slot = self._slots[name]
                assert isinstance(slot, int)
                (first if milestone.take == "first" else stated).append((slot, at_s))
        return Event(
            id=self._id(given),
            ticket=ticket,
            at_s=at_s,
            name=activity,
            holds=self._holds(activity),
            first=tuple(first),
            stated=(*self._constants, *stated),
            given=given,
        )

    def record(self, given: object) -> str:
        """Name a row that cannot be read: by its id, else by its ticket."""
        keys = (self._mapping.ticket,) if self._mapping.ticket == _ID else (_ID, self._mapping.ticket)
        return name_of(given, *keys)

    def _holds(self, activity: str) -> tuple[tuple[str, bool], ...]:
        return tuple(
            (hold.kind, activity in hold.opens)
            for hold in self._mapping.holds
            if activity in hold.opens or not hold.closes or activity in hold.closes
        )

    def _text(self, given: Mapping[str, Any], column: str) -> str | None:
        value = given.get(column)
        if value is None:
            return None
        text = str(value).lower() if isinstance(value, bool) else str(value).strip()
        return None if text in self._missing else text

    def _instant(self, given: Mapping[str, Any], place: Place | None, problems: list[Problem]) -> int:
        stamp = self._stamp.source.column
        text = self._text(given, stamp)
        if text is None:
            advice = message("`{name}` is missing", name=stamp)
            wrong = message("the event does not say when it happened")
            problems.append(problem("event-no-time", wrong, place=place, help=advice))
            return 0
        try:
            found = self._stamp.read(text)
        except TicketError as error:
            problems.extend(_at(error.problems, place))
            return 0
        at_s = int(found or 0)
        if (outside := outside_calendar(self._policy, at_s, text)) is not None:
            problems.extend(_at((outside,), place))
        return at_s

    def _id(self, given: Mapping[str, Any]) -> str:
        own = self._text(given, _ID) if self._mapping.ticket != _ID else None
        if own is not None:
            return own
        return sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _at(problems: tuple[Problem, ...], place: Place | None) -> list[Problem]:
    import attrs

    return [attrs.evolve(one, place=place) for one in problems]


__all__ = ["MappedReader"]
