"""Read the tickets that most tickets are like in a tenth of the time: a second way to what the reader does.

A ticket of a service is mostly right and plainly written: numbers, ISO dates and
instants, known words. :class:`QuickReader` takes only what it knows to be right and
gives up at the first thing that is not; then the reader goes its whole way, which
also finds everything that is wrong. Nothing is decided here: what both take, they
read alike.
"""

from __future__ import annotations

import collections
import functools
import itertools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from svc_policy.facts.normal import (
    EPOCH,
    EPOCH_DAY,
    FIRST_DATE,
    FIRST_INSTANT,
    LAST_INSTANT,
    LONGEST_TEXT,
    Value,
    company_facts,
    declared,
    limits,
)
from svc_policy.facts.registry import LISTS, MEASURES, Fact
from svc_policy.facts.ticket import RECORDS, Record, Ticket

#: What a text is read as: how it is held in Python, and its internal value.
Read = tuple[Any, Value]
Convert = Callable[[Any], Read]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DECIMAL: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
#: Texts of dates and instants that are kept: those of one day come again and again.
_MOST_KEPT: Final = 8192
_LONGEST: Final = 40
_exhaust: Final = collections.deque[object](maxlen=0).extend


class GiveUp(Exception):  # noqa: N818 - says to go the other way
    """Something that is not read quickly."""


class _Maker:
    """Makes the records of one grain, set up as their own `__init__` would leave them."""

    def __init__(self, record: type[Record], facts: tuple[Fact, ...], digits: int, zone: ZoneInfo) -> None:
        listed = declared(record.grain, facts)
        self.record = record
        self.facts = {fact.name: (number, _converter(fact, digits, zone)) for number, fact in enumerate(listed)}
        self.defaults: tuple[Value, ...] = tuple(fact.default for fact in listed)
        # A frozen record is set slot by slot.
        slots = {field.name: getattr(record, field.name).__set__ for field in attrs.fields(record)}
        self.values = slots["values"]
        self.set: tuple[Callable[[Any, Any], None], ...] = tuple(slots[fact.name] for fact in listed)
        self.named = slots
        self.blank: tuple[Any, ...] = (None,) * len(listed)
        #: The shape of what states nothing, and what each fact adds to it.
        self.bits = tuple(1 << number + len(LISTS) for number in range(len(listed)))
        self.shape = sum(bit for bit, value in zip(self.bits, self.defaults, strict=True) if value is not None)
        self.fixed = ((slots["currency_digits"], digits), (slots["facts"], facts))
        self.is_plain = record._settle is Record._settle

    def make(self, raw: Mapping[str, Any], apart: frozenset[str] = frozenset()) -> tuple[Any, int]:
        """Make a record and give its shape; keys in `apart` are not its facts."""
        held = list(self.blank)
        values = list(self.defaults)
        facts, bits, shape = self.facts, self.bits, self.shape
        for name, given in raw.items():
            if given is None:
                if name in facts or name in apart:
                    continue
                raise GiveUp
            found = facts.get(name)
            if found is None:
                if name in apart:
                    continue
                raise GiveUp
            number, convert = found
            held[number], values[number] = convert(given)
            shape |= bits[number]
        made = self.record.__new__(self.record)
        for put, value in self.fixed:
            put(made, value)
        # Seventy facts are put one by one; a loop of ours would take longer than reading what was stated.
        _exhaust(map(operator.call, self.set, itertools.repeat(made), held))
        self.values(made, tuple(values))
        return made, shape


@attrs.frozen
class Stated:
    """What a ticket states, in internal values and by name: of itself, and of the records in its lists."""

    ticket_id: str
    values: dict[str, Value]
    lines: dict[str, list[dict[str, Value]]]
    #: As it was given, for whoever wants the ticket after all.
    raw: Mapping[str, Any]


class QuickReader:
    """Reads plainly written tickets; see the module."""

    def __init__(self, zone: ZoneInfo, digits: int, facts: Sequence[Fact]) -> None:
        declared_facts = tuple(facts)
        self._lines = {
            LISTS[record.grain]: _Maker(record, declared_facts, digits, zone)
            for record in RECORDS
            if record is not Ticket
        }
        self._ticket = _Maker(Ticket, declared_facts, digits, zone)
        self._apart = frozenset((*self._lines, "ticket_id", "extra"))
        own = company_facts(declared_facts)
        self._extra = {fact.name: _converter(fact, digits, zone) for fact in own}
        self._extra_defaults = {fact.name: fact.default for fact in own if fact.default is not None}
        self._text = _text(Fact(name="ticket_id", kind="text", en="", zh=""))
        named = self._ticket.named
        self._put_id, self._put_extra = named["ticket_id"], named["extra"]
        self._put_extra_values, self._put_shape = named["extra_values"], named["shape"]
        self._put_lines = tuple((name, 1 << index, named[name]) for index, name in enumerate(LISTS.values()))

    def read(self, raw: object) -> Ticket | None:
        """Read a ticket from plain values, or None if it has to be read the other way."""
        try:
            return self._read(raw)
        except GiveUp:
            return None

    def values(self, raw: object) -> Stated:
        """Read what a ticket states without making one.

        Raises:
            GiveUp: It has to be read the other way.
        """
        if type(raw) is not dict:
            raise GiveUp
        facts, apart, extra = self._ticket.facts, self._apart, raw.get("extra")
        found: dict[str, Value] = {}
        lines: dict[str, list[dict[str, Value]]] = {}
        for name, given in raw.items():
            fact = facts.get(name)
            if fact is not None:
                if given is not None:
                    found[name] = fact[1](given)[1]
            elif name not in apart:
                raise GiveUp
            elif given is not None and name in self._lines:
                if type(given) is not list:
                    raise GiveUp
                maker = self._lines[name]
                lines[name] = [self._stated(maker, line) for line in given]
        if extra is not None:
            found |= self._read_extra(extra)[1]
        given = raw.get("ticket_id")
        return Stated("" if given is None else self._text(given)[0], found, lines, raw)

    @staticmethod
    def _stated(maker: _Maker, line: object) -> dict[str, Value]:
        if type(line) is not dict:
            raise GiveUp
        if not maker.is_plain and maker.make(line)[0]._settle():
            raise GiveUp
        found: dict[str, Value] = {}
        for name, given in line.items():
            fact = maker.facts.get(name)
            if fact is None:
                raise GiveUp
            if given is not None:
                found[name] = fact[1](given)[1]
        return found

    def ticket(self, stated: Stated) -> Ticket:
        """Make the ticket that was stated."""
        return self._read(stated.raw)

    def values_of(self, ticket: Ticket) -> Stated:
        """Give what a ticket states, its defaults among it."""
        facts = {name: number for name, (number, _) in self._ticket.facts.items()}
        found = {name: ticket.values[number] for name, number in facts.items() if ticket.values[number] is not None}
        found |= ticket.extra_values
        lines = {
            name: [
                {fact: record.values[number] for fact, (number, _) in maker.facts.items()}
                for record in getattr(ticket, name)
            ]
            for name, maker in self._lines.items()
        }
        return Stated(ticket.ticket_id, found, {name: of for name, of in lines.items() if of}, {})

    def _read(self, raw: object) -> Ticket:
        if type(raw) is not dict:
            raise GiveUp
        made, shape = self._ticket.make(raw, self._apart)
        given = raw.get("ticket_id")
        self._put_id(made, "" if given is None else self._text(given)[0])
        for name, bit, put in self._put_lines:
            lines = raw.get(name)
            if lines:
                shape |= bit
                put(made, self._records(name, lines))
            elif lines is None or type(lines) is list:
                put(made, ())
            else:
                raise GiveUp
        extra, extra_values = self._read_extra(raw.get("extra"))
        self._put_extra(made, extra)
        self._put_extra_values(made, extra_values)
        self._put_shape(made, shape)
        ticket: Ticket = made
        return ticket

    def _records(self, name: str, lines: object) -> tuple[Record, ...]:
        if type(lines) is not list:
            raise GiveUp
        maker = self._lines[name]
        found: list[Record] = []
        for line in lines:
            if type(line) is not dict:
                raise GiveUp
            record, _ = maker.make(line)
            # Some records look at their facts together.
            if not maker.is_plain and record._settle():
                raise GiveUp
            found.append(record)
        return tuple(found)

    def _read_extra(self, raw: object) -> tuple[dict[str, Any], dict[str, Any]]:
        values = dict(self._extra_defaults)
        if raw is None:
            return {}, values
        if type(raw) is not dict:
            raise GiveUp
        held: dict[str, Any] = {}
        for name, given in raw.items():
            convert = self._extra.get(name)
            if convert is None or given is None:
                raise GiveUp
            held[name], values[name] = convert(given)  # type: ignore[assignment]
        return held, values


def _converter(fact: Fact, digits: int, zone: ZoneInfo) -> Convert:
    """Choose how a fact is read."""
    if fact.kind == "text":
        return _text(fact)
    if fact.kind == "bool":
        return _truth
    if fact.kind == "date":
        return _date
    if fact.kind == "instant":
        return _instant_in(zone)
    if fact.kind == "share":
        return _give_up
    if fact.kind == "duration":
        return _number(fact, 3600, 4)
    places = digits if fact.kind == "money" else MEASURES[fact.kind][1] if fact.kind in MEASURES else 0
    return _count(fact) if fact.kind == "count" else _number(fact, 10**places, places)


def _give_up(_: object) -> Read:
    raise GiveUp


def _text(fact: Fact) -> Convert:
    if fact.values:
        # Each word once, so that a word means the same object everywhere.
        known = {word: (word, word) for word in fact.values if word.strip()}

        def read_word(given: Any) -> Read:
            found = known.get(given) if type(given) is str else None
            if found is None:
                raise GiveUp
            return found

        return read_word

    def read_text(given: Any) -> Read:
        if type(given) is not str or len(given) > LONGEST_TEXT or "\0" in given or not given.strip():
            raise GiveUp
        if not given.isascii():
            try:
                given.encode()
            except UnicodeEncodeError:
                raise GiveUp from None
        return given, given

    return read_text


def _truth(given: Any) -> Read:
    if given is True or given is False:
        return given, given
    raise GiveUp


def _count(fact: Fact) -> Convert:
    low, high = limits(fact)

    def read_count(given: Any) -> Read:
        if type(given) is int and low <= given <= high:
            return given, given
        raise GiveUp

    return read_count


def _number(fact: Fact, factor: int, places: int) -> Convert:
    """Read a number in the unit of its name, which has `factor` of the internal one and so many decimals."""
    low, high = limits(fact)
    finest = -places

    def read_number(given: Any) -> Read:
        kind = type(given)
        if kind is int:
            amount = given * factor
            if low <= amount <= high:
                return given, amount
            raise GiveUp
        if kind is str:
            if len(given) > _LONGEST or not _DECIMAL.fullmatch(given):
                raise GiveUp
            given = number = Decimal(given)
        elif kind is Decimal:
            number = given
        elif kind is float:
            # The shortest text that reads back as the float is what its writer meant.
            number = Decimal(float.__repr__(given))
        else:
            raise GiveUp
        try:
            exponent = number.normalize().as_tuple().exponent
            if not isinstance(exponent, int) or exponent < finest or not -20 < number.adjusted() < 19:
                raise GiveUp
            exact = number * factor
            amount = int(exact)
        except (DecimalException, ValueError, TypeError, OverflowError):
            raise GiveUp from None
        if amount != exact or not low <= amount <= high:
            raise GiveUp
        return given, amount

    return read_number


def _date(given: Any) -> Read:
    if type(given) is not str or len(given) != 10:
        raise GiveUp
    return _day_of(given)


@functools.lru_cache(_MOST_KEPT)
def _day_of(text: str) -> Read:
    if _DATE.fullmatch(text) is None:
        raise GiveUp
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise GiveUp from None
    if day < FIRST_DATE:
        raise GiveUp
    return day, day.toordinal() - EPOCH_DAY


def _instant_in(zone: ZoneInfo) -> Convert:
    @functools.lru_cache(_MOST_KEPT)
    def instant_of(text: str) -> Read:
        found = _INSTANT.fullmatch(text)
        if found is None:
            raise GiveUp
        try:
            clock = datetime.fromisoformat(text)
            if found["offset"] is None:
                first = clock.replace(tzinfo=zone).utcoffset()
                # A time that the zone skips or repeats has two offsets.
                if first is None or first != clock.replace(tzinfo=zone, fold=1).utcoffset():
                    raise GiveUp
                clock = (clock - first).replace(tzinfo=UTC)
            epoch = (clock - EPOCH) // timedelta(seconds=1)
            if not FIRST_INSTANT <= epoch <= LAST_INSTANT:
                raise GiveUp
            return (EPOCH + timedelta(seconds=epoch)).astimezone(zone), epoch
        except (ValueError, OverflowError):
            raise GiveUp from None

    def read_instant(given: Any) -> Read:
        if type(given) is not str or len(given) > _LONGEST:
            raise GiveUp
        return instant_of(given)

    return read_instant
