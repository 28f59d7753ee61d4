"""The inputs of a decision as a line of a record keeps them: a ticket as plain values, private facts left out."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, Final

from svc_policy.errors import UsageError
from svc_policy.facts import ticket_to_dict
from svc_policy.facts.normal import company_facts, declared
from svc_policy.facts.registry import LISTS, MEASURES, Fact, Grain
from svc_policy.facts.ticket import Record, Ticket
from svc_policy.pack.recording import RecordSettings
from svc_policy.record.head import beside
from svc_policy.record.lines import encode, unwritable

_Write = Callable[[Any, Any], str]
#: What is written of one fact: its name, its place among the values, its key as text, how.
_Entry = tuple[str, int, str, _Write]
#: The length of an instant with an offset of whole minutes, as in `2026-03-02T09:00:00+08:00`.
_INSTANT: Final = 25
#: The bits of a ticket's shape that say that it has parts, holds, incidents, overrides or materials.
HAS_LINES: Final = (1 << len(LISTS)) - 1


class _UnusualError(Exception):
    """A value that the short way does not know how to write."""


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
        self._shapes: dict[int, list[_Entry]] = {}

    def text(self, ticket: Ticket) -> str:
        """Give a ticket as the text of a JSON object; what is missing is left out."""
        try:
            return self._quickly(ticket)
        except _UnusualError:
            return encode(ticket_to_dict(ticket))

    def _quickly(self, ticket: Ticket) -> str:
        stated = self._shapes.get(ticket.shape)
        if stated is None:
            stated = self._shapes[ticket.shape] = [
                entry for entry in self._of_ticket if ticket.shape >> (len(LISTS) + entry[1]) & 1
            ]
        written = [f'"ticket_id":{_text(None, ticket.ticket_id)}'] if ticket.ticket_id else []
        values = ticket.values
        for name, index, key, write in stated:
            given = getattr(ticket, name)
            # A default is not written, so that it can change with the policy.
            if given is not None:
                written.append(key + write(given, values[index]))
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


def _instant(given: Any, _: Any) -> str:
    text = given.isoformat()
    if len(text) != _INSTANT and len(text := given.isoformat(timespec="seconds")) != _INSTANT:
        # Local mean times of the nineteenth century have offsets that no one reads.
        raise _UnusualError
    return f'"{text}"'


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
