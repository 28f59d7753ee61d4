"""The inputs of a decision as a line of a record keeps them: a ticket as plain values, private facts left out."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from json.encoder import encode_basestring
from operator import attrgetter, getitem, itemgetter
from pathlib import Path
from typing import Any, Final

from svc_policy.errors import UsageError
from svc_policy.facts import ticket_to_dict
from svc_policy.facts.normal import EPOCH_DAY, company_facts, declared
from svc_policy.facts.registry import LISTS, MEASURES, Fact, Grain
from svc_policy.facts.ticket import Record, Ticket
from svc_policy.pack.recording import RecordSettings
from svc_policy.record.head import beside
from svc_policy.record.lines import encode, unwritable

_Write = Callable[[Any, Any], str]
#: What is written of one fact: its name, its place among the values, its key as text, how.
_Entry = tuple[str, int, str, _Write]
#: What is written of the tickets of a shape: keys as text, how, what takes the facts as given, and as values.
_Shape = tuple[list[str], list[_Write], Callable[[Any], Sequence[Any]], Callable[[Any], Sequence[Any]]]
#: The bits of a ticket's shape that say that it has parts, holds, incidents, overrides or materials.
HAS_LINES: Final = (1 << len(LISTS)) - 1


class _UnusualError(Exception):
    """A value that the short way does not know how to write."""


def _shaped(entries: Sequence[_Entry]) -> _Shape:
    names = [name for name, _, _, _ in entries]
    places = [place for _, place, _, _ in entries]
    given: Callable[[Any], Sequence[Any]] = attrgetter(*names) if len(names) > 1 else _each(getattr, names)
    values: Callable[[Any], Sequence[Any]] = itemgetter(*places) if len(places) > 1 else _each(getitem, places)
    return [key for _, _, key, _ in entries], [write for _, _, _, write in entries], given, values


def _each(take: Callable[[Any, Any], Any], wanted: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
    return lambda one: [take(one, each) for each in wanted]


class TicketWriter:
    """Writes the tickets of one policy as JSON: what :func:`~svc_policy.facts.ticket_to_dict` gives, far sooner.

    Tickets of one shape state the same facts, so what there is to write is found once a shape.
    """

    def __init__(self, facts: tuple[Fact, ...], currency_digits: int) -> None:
        self._digits = currency_digits
        self._extra = {fact.name: self._writer(fact) for fact in company_facts(facts)}
        self._of_grain = {
            grain: [
                (fact.name, index, f'"{fact.name}":', self._writer(fact))
                for index, fact in enumerate(declared(grain, facts))
            ]
            for grain in LISTS
        }
        self._of_ticket = [
            (fact.name, index, f'"{fact.name}":', self._writer(fact))
            for index, fact in enumerate(declared("ticket", facts))
        ]
        self._shapes: dict[int, _Shape] = {}

    def text(self, ticket: Ticket) -> str:
        """Give a ticket as the text of a JSON object; what is missing is left out."""
        try:
            return self._quickly(ticket)
        except _UnusualError:
            return encode(ticket_to_dict(ticket))

    def _quickly(self, ticket: Ticket) -> str:
        shape = self._shapes.get(ticket.shape)
        if shape is None:
            entries = [entry for entry in self._of_ticket if ticket.shape >> (len(LISTS) + entry[1]) & 1]
            shape = self._shapes[ticket.shape] = _shaped(entries)
        keys, writes, given, values = shape
        written = [f'"ticket_id":{encode_basestring(ticket.ticket_id)}'] if ticket.ticket_id else []
        # A default is not written, so that it can change with the policy.
        written += [
            key + write(stated, value)
            for key, write, stated, value in zip(keys, writes, given(ticket), values(ticket.values), strict=True)
            if stated is not None
        ]
        for grain, field in LISTS.items() if ticket.shape & HAS_LINES else ():
            lines = getattr(ticket, field)
            if lines:
                written.append(f'"{field}":[{",".join([self._line(grain, line) for line in lines])}]')
        if ticket.extra:
            extra = [
                f"{encode(name)}:{self._extra[name](given, ticket.extra_values[name])}"
                for name, given in ticket.extra.items()
                if given is not None and name in ticket.extra_values
            ]
            if extra:
                written.append(f'"extra":{{{",".join(extra)}}}')
        return f"{{{','.join(written)}}}"

    def _line(self, grain: Grain, record: Record) -> str:
        values = record.values
        written = [
            key + write(given, values[index])
            for name, index, key, write in self._of_grain[grain]
            if values[index] is not None and (given := getattr(record, name)) is not None
        ]
        return f"{{{','.join(written)}}}"

    def _writer(self, fact: Fact) -> _Write:
        if fact.kind == "money":
            return _scaled(10**self._digits)
        if fact.kind in MEASURES:
            return _scaled(10 ** MEASURES[fact.kind][1])
        return _WRITERS[fact.kind]


def _text(_: Any, value: Any) -> str:
    return encode_basestring(value)


def _truth(_: Any, value: Any) -> str:
    return "true" if value else "false"


def _count(_: Any, value: Any) -> str:
    return str(value)


def _unusual(_: Any, value: Any) -> str:
    raise _UnusualError


def _date(given: Any, _: Any) -> str:
    return f'"{given.isoformat()}"'


def instant_text(seconds: int, offset: timedelta) -> str:
    """Write an instant, given in seconds since 1970, at an offset from UTC, as `"2026-03-02T09:00:00+08:00"`.

    Days and times of day come again and again, so their texts are kept: `isoformat` takes several times as long.
    """
    known = _OFFSETS.get(offset)
    if known is None:
        if offset.microseconds or offset.seconds % 60 or len(_OFFSETS) > MOST_OFFSETS:
            # Local mean times of the nineteenth century have offsets that no one reads.
            raise _UnusualError
        written = datetime(2000, 1, 1, tzinfo=timezone(offset)).isoformat()
        known = _OFFSETS[offset] = (offset.days * 86_400 + offset.seconds, f'{written[19:]}"')
    day, second = divmod(seconds + known[0], 86_400)
    text = _DAYS.get(day)
    if text is None:
        if len(_DAYS) >= MOST_DAYS:
            _DAYS.clear()
        text = _DAYS[day] = f'"{date.fromordinal(day + EPOCH_DAY).isoformat()}T'
    minute, second = divmod(second, 60)
    return f"{text}{_MINUTES[minute]}{_SECONDS[second]}{known[1]}"


def written_at(seconds: int, zone: tzinfo) -> str:
    """Write an instant, given in seconds since 1970, in a zone, as JSON."""
    local = datetime.fromtimestamp(seconds, zone)
    try:
        return instant_text(seconds, local.utcoffset() or timedelta())
    except _UnusualError:
        return f'"{local.isoformat()}"'


#: Days and offsets that are kept: of a century, and of every zone.
MOST_DAYS: Final = 40_000
MOST_OFFSETS: Final = 3_000
_DAYS: Final[dict[int, str]] = {}
_OFFSETS: Final[dict[timedelta, tuple[int, str]]] = {}
_MINUTES: Final = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS: Final = [f"{second:02}" for second in range(60)]


def _instant(given: Any, seconds: Any) -> str:
    return instant_text(seconds, given.utcoffset())


def _hours(_: Any, seconds: Any) -> str:
    # A third of an hour has no end in decimals.
    return _divided(seconds, 3600) if seconds % 9 == 0 else f'"{seconds} s"'


def _scaled(by: int) -> _Write:
    return lambda _, value: _divided(value, by)


def _divided(value: int, by: int) -> str:
    # Exact: fifteen digits survive the division, and come back as they were written.
    return str(value // by) if value % by == 0 else repr(value / by)


_WRITERS: Final[dict[str, _Write]] = {
    "text": _text,
    "bool": _truth,
    "count": _count,
    "date": _date,
    "instant": _instant,
    "duration": _hours,
    "share": _unusual,
}


class Privacy:
    """Takes facts out of a written ticket that a policy wants left out, or kept only as a hash.

    The hash is HMAC-SHA256 with the salt of the record, so that equal values can be told within one record and
    nobody without the salt can try out telephone numbers.
    """

    def __init__(self, settings: RecordSettings, salt: bytes) -> None:
        self._omit = frozenset(settings.omit)
        self._hashed = frozenset(settings.hashed)
        self._salt = salt
        self.is_needed = bool(self._omit or self._hashed)

    def take_out(self, text: str) -> str:
        """Take the facts out of a ticket; gives `ticket`, and the paths of what was `omitted` and `hashed`."""
        written: dict[str, Any] = json.loads(text)
        omitted: list[str] = []
        hashes: dict[str, str] = {}
        self._from(written, "", omitted, hashes)
        for field in (*LISTS.values(), "extra"):
            lines = written.get(field)
            if isinstance(lines, dict):
                self._from(lines, f"{field}.", omitted, hashes)
            for index, line in enumerate(lines if isinstance(lines, list) else ()):
                self._from(line, f"{field}[{index}].", omitted, hashes)
        return encode({"ticket": written, "omitted": omitted, "hashed": hashes})[1:-1]

    def _from(self, record: dict[str, Any], path: str, omitted: list[str], hashes: dict[str, str]) -> None:
        for name in sorted(self._omit.intersection(record)):
            del record[name]
            omitted.append(f"{path}{name}")
        for name in sorted(self._hashed.intersection(record)):
            value = encode(record.pop(name)).encode()
            hashes[f"{path}{name}"] = hmac.new(self._salt, value, hashlib.sha256).hexdigest()


def taken_out(line: Mapping[str, Any]) -> frozenset[str]:
    """Name the facts that a decision's line does not hold although the ticket stated them: `ticket.cause`."""
    grains = {field: str(grain) for grain, field in LISTS.items()}
    found = set()
    for path in (*line.get("omitted", ()), *line.get("hashed", ())):
        before, _, name = path.rpartition(".")
        found.add(f"{grains.get(before.partition('[')[0], 'ticket')}.{name}")
    return frozenset(found)


def salt_of(path: Path, names: Iterable[str]) -> bytes:
    """Read the salt beside a record, or make one where a fact is to be hashed; it is never in the record itself.

    Raises:
        UsageError: It cannot be read or made.
    """
    if not any(True for _ in names):
        return b""
    file = beside(path, "salt")
    try:
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as fresh:
                fresh.write(os.urandom(32).hex() + "\n")
                fresh.flush()
                os.fsync(fresh.fileno())
        return file.read_bytes().strip()
    except OSError as error:
        raise UsageError([unwritable(file, error)]) from None
