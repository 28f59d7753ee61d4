"""Read tickets from JSON, TOML or a mapping, and write them back.

The keys are the names of the fields. Numbers stand for the unit in the name
(`distance_km`, `area_m2`, `box_weight_kg`, `labour_hours`) and money for major units, also as a text
(`"1.25"`); a text may carry its unit instead: `"800 m"`, `"1.5 t"`, `"90 min"`, `"50 CNY"`, and for a share `"90 %"`.
An instant has an offset or is a local time in the zone of the policy. `null`
means the same as a missing key.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import attrs

from svc_policy import units
from svc_policy.errors import Place, Problem, TicketError, UsageError, problem
from svc_policy.facts.normal import (
    EPOCH,
    EPOCH_DAY,
    MOST_PROBLEMS,
    Refusal,
    check_epoch,
    company_facts,
    declared,
    inside,
    listed,
    mistyped,
    normalise,
    shown,
    unknown_field,
)
from svc_policy.facts.quick import QuickReader
from svc_policy.facts.registry import LISTS, MEASURES, Fact
from svc_policy.facts.sources import JsonReader, check_size, decode, is_toml, read_bytes, read_toml, read_values
from svc_policy.facts.ticket import RECORDS, TICKET_ID, Record, Ticket, settle_extra
from svc_policy.messages import message

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from cattrs import Converter

_SETTINGS: Final = ("currency_digits", "facts")
_FRACTION = re.compile(r"(:[0-9]{2}:[0-9]{2})[.,][0-9]+")
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")


class TicketReader:
    """Read tickets for one policy: its zone, its currency, the facts it declares.

    Making one takes some milliseconds; keep it when there are many tickets.

    Args:
        zone: Where local times are read, as in `Asia/Shanghai`.
        currency: What money is counted in; its decimals are those of ISO 4217.
        facts: What the policy declares: facts of its own, read from `extra`, or other values of a built-in one.

    Raises:
        UsageError: There is no such zone or currency, or a declaration contradicts a built-in fact.
    """

    def __init__(self, *, zone: str | ZoneInfo, currency: str = "CNY", facts: Sequence[Fact] = ()) -> None:
        name = zone if isinstance(zone, str) else zone.key
        try:
            self._zone = units.open_zone(name or "")
        except units.Refusal as refusal:
            template = message("cannot use `{zone}` as the zone of a policy", zone=shown(name))
            raise UsageError([problem(refusal.code, template, help=refusal.help)]) from None
        digits = units.minor_digits(currency)
        if digits is None:
            template = message("`{currency}` is no currency", currency=shown(currency))
            explanation = message("a currency is written as in `CNY`")
            raise UsageError([problem("currency-unknown", template, help=explanation)])
        self._currency = currency
        self._digits = digits
        self._facts = tuple(facts)
        self._company = {fact.name: fact for fact in company_facts(self._facts)}
        self.quick = QuickReader(self._zone, digits, self._facts)
        self._parsers = threading.local()

    def read(self, data: Mapping[str, Any] | str | bytes | Path, *, name: str = "") -> Ticket:
        """Read one ticket from a mapping, from the text of JSON or TOML, or from a file.

        Args:
            data: A mapping; JSON or TOML as text or as UTF-8; the path of a file of at most 16 MB.
            name: What problems call the input; for a path, the path.

        Raises:
            TicketError: Everything that is wrong with the ticket, each problem with its path (`parts[2].unit_price`).
        """
        place = Place(file=str(data) if isinstance(data, Path) else name or "ticket")
        is_named = bool(name) or isinstance(data, Path)
        if isinstance(data, Mapping):
            return self.structure(data, place if is_named else None)
        if isinstance(data, Path):
            data = read_bytes(data)
        if isinstance(data, bytes):
            data = decode(data, place)
        if not isinstance(data, str):
            raise TicketError([mistyped("ticket", data, message("a ticket as JSON, TOML or a mapping"))])
        check_size(len(data), place)
        raw = read_toml(data, place) if is_toml(data, place) else JsonReader().read(data, place)
        return self.structure(raw, place if is_named else None)

    def read_json(self, content: str | bytes, *, name: str = "") -> Ticket:
        """Read one ticket from the text of JSON, which is not taken for TOML whatever it looks like.

        Raises:
            TicketError: As :meth:`read`.
        """
        place = Place(file=name or "ticket")
        if isinstance(content, bytes):
            content = decode(content, place)
        check_size(len(content), place)
        parser: JsonReader | None = getattr(self._parsers, "one", None)
        if parser is None:
            # It remembers what it has just read: each thread has its own.
            parser = self._parsers.one = JsonReader()
        return self.structure(parser.read(content, place), place if name else None)

    def structure(self, raw: object, place: Place | None = None) -> Ticket:
        """Make a ticket from plain values, each problem standing at `place`.

        Raises:
            TicketError: As :meth:`read`.
        """
        found = self.quick.read(raw)
        if found is not None:
            return found
        try:
            if not isinstance(raw, Mapping):
                raise TicketError([mistyped("ticket", raw, message("a set of named facts"))])
            return self._converter.structure(raw, Ticket)
        except TicketError as error:
            told = listed(error.problems, self._known)
            raise TicketError(attrs.evolve(found, place=place) for found in told) from None

    def read_fact(self, fact: Fact, raw: object) -> object:
        """Read one fact as :meth:`structure` reads it within a ticket, and give it as it is held in Python.

        Raises:
            TicketError: As :meth:`read`; one problem, which names the fact.
        """
        try:
            return self._read_fact(fact, raw)
        except Refusal as refusal:
            raise TicketError([refusal.problem]) from None

    @functools.cached_property
    def _known(self) -> dict[str, tuple[str, ...]]:
        """The names that can be stated, by the path of what holds them."""
        known = {
            "" if record is Ticket else LISTS[record.grain]: tuple(
                fact.name for fact in declared(record.grain, self._facts)
            )
            for record in RECORDS
        }
        known[""] += ("ticket_id", "extra", *LISTS.values())
        return {**known, "extra": tuple(self._company)}

    @functools.cached_property
    def _converter(self) -> Converter:
        # cattrs takes long to import: deciding a ticket made in Python, or reading single facts, must not pay for it.
        from cattrs import Converter
        from cattrs.gen import make_dict_structure_fn, override

        converter = Converter(detailed_validation=True)
        for record in RECORDS:
            hooks: dict[str, Callable[[Any, Any], Any]] = dict.fromkeys(_SETTINGS, _as_it_is)
            for fact in declared(record.grain, self._facts):
                hooks[fact.name] = functools.partial(self._read_fact, fact)
            if record is Ticket:
                hooks["ticket_id"] = functools.partial(self._read_fact, TICKET_ID)
                hooks["extra"] = self._read_extra
                hooks |= {name: functools.partial(_read_list, converter) for name in LISTS.values()}
            structure: Callable[[Any, Any], Record] = make_dict_structure_fn(
                record,
                converter,
                _cattrs_detailed_validation=True,
                **{name: override(struct_hook=hook) for name, hook in hooks.items()},  # type: ignore[arg-type]
            )
            known = [name for name in hooks if name not in _SETTINGS]
            converter.register_structure_hook(record, functools.partial(self._read_record, structure, known))
        return converter

    def _read_record(
        self, structure: Callable[[Any, Any], Record], known: Sequence[str], raw: object, record: type[Record]
    ) -> Record:
        """Structure one record; every problem has its path from this record on."""
        from cattrs import BaseValidationError

        if not isinstance(raw, Mapping):
            raise TicketError([mistyped("", raw, message("a set of named facts"))])
        problems = [self._unknown(name) for name in raw if name not in known]
        stated = {name: raw[name] for name in raw if name in known and raw[name] is not None}
        try:
            made = structure({**stated, "currency_digits": self._digits, "facts": self._facts}, record)
        except (BaseValidationError, TicketError) as error:
            raise TicketError([*_problems(error, ""), *problems]) from None
        if problems:
            raise TicketError(problems)
        return made

    def _unknown(self, name: object) -> Problem:
        found = unknown_field(str(name))
        if name in self._company:
            return attrs.evolve(found, help=message("the policy's own facts stand under `extra`"))
        return found

    def _read_fact(self, fact: Fact, raw: object, _: object = None) -> object:
        """Read one fact as it is held in Python, and see that it can be held."""
        found = self._natural(fact, raw)
        normalise(fact, found, field=fact.name, currency_digits=self._digits)
        return found

    def _read_extra(self, raw: object, _: object) -> dict[str, object]:
        if not isinstance(raw, Mapping):
            raise Refusal(mistyped("extra", raw, message("a set of named facts")))
        problems: list[Problem] = []
        found: dict[str, object] = {}
        for name, value in raw.items():
            fact = self._company.get(name)
            try:
                found[name] = value if fact is None else self._natural(fact, value)
            except Refusal as refusal:
                problems.append(refusal.problem)
        problems += settle_extra(found, self._facts, self._digits)[1]
        if problems:
            raise TicketError(problems)
        return found

    def _natural(self, fact: Fact, raw: object) -> object:
        """Read what is written; what is no text, or needs no reading, stays for `normalise` to judge."""
        if isinstance(raw, datetime) and fact.kind == "instant" and raw.utcoffset() is None:
            # TOML knows local times; they are read in the zone like those of JSON.
            raw = raw.isoformat()
        if fact.kind == "share" and raw is not None and not isinstance(raw, str):
            template = message("`{field}` is `{value}`, which does not say of what", field=fact.name, value=shown(raw))
            raise Refusal(problem("ticket-wrong-type", template, help=message("a share is written as in `90 %`")))
        if not isinstance(raw, str) or fact.kind in ("text", "bool", "count"):
            return raw
        if (fact.kind in MEASURES or fact.kind in ("money", "duration")) and _DECIMAL.fullmatch(raw.strip()):
            # A decimal as a text, which keeps it exact on its way, counts in the unit of the name like a number.
            return Decimal(raw.strip())
        try:
            if fact.kind == "instant":
                return self._instant(fact, raw)
            value = units.read_literal(raw, fact.kind, currency=self._currency).value
        except units.Refusal as refusal:
            template = message("cannot read `{value}` in `{field}`", field=fact.name, value=shown(raw))
            raise Refusal(problem(f"ticket-{refusal.code}", template, help=refusal.help)) from None
        assert isinstance(value, int)
        if fact.kind == "date":
            return date(*units.date_of(value))
        if fact.kind == "duration":
            return timedelta(seconds=value)
        if fact.kind == "share":
            return value
        return Decimal(value).scaleb(-(self._digits if fact.kind == "money" else MEASURES[fact.kind][1]))

    def _instant(self, fact: Fact, raw: str) -> datetime:
        # Other systems write microseconds; a ticket counts whole seconds.
        epoch = units.read_instant(_FRACTION.sub(r"\1", raw), self._zone.key)
        check_epoch(epoch, raw, fact.name)
        return (EPOCH + timedelta(seconds=epoch)).astimezone(self._zone)


def read_ticket(
    data: Mapping[str, Any] | str | bytes | Path,
    *,
    zone: str | ZoneInfo,
    currency: str = "CNY",
    facts: Sequence[Fact] = (),
    name: str = "",
) -> Ticket:
    """Read one ticket from a mapping, from the text of JSON or TOML, or from a file.

    Args:
        data: A mapping; JSON or TOML as text or as UTF-8; the path of a file of at most 16 MB.
        zone: Where local times are read, as in `Asia/Shanghai`.
        currency: What money is counted in.
        facts: What the policy declares; see :class:`TicketReader`.
        name: What problems call the input; for a path, the path.

    Raises:
        TicketError: Everything that is wrong with the ticket, each problem with its path (`parts[2].unit_price`).
        UsageError: There is no such zone or currency, or a declaration contradicts a built-in fact.
    """
    return _reader(zone, currency, facts).read(data, name=name)


def read_tickets(
    path: Path, *, zone: str | ZoneInfo, currency: str = "CNY", facts: Sequence[Fact] = ()
) -> Iterator[tuple[int, Ticket | tuple[Problem, ...]]]:
    """Read a file of tickets: JSON lines, or one JSON array of at most 512 MB.

    A ticket that cannot be read does not stop the others, except that nothing
    can be read after a place where an array is no JSON.

    Yields:
        The line where the ticket begins, and the ticket or everything that is wrong with it.

    Raises:
        TicketError: The file cannot be opened.
        UsageError: As :func:`read_ticket`.
    """
    reader = _reader(zone, currency, facts)
    for place, raw in read_values(path):
        line = place.line or 1
        if isinstance(raw, TicketError):
            yield line, raw.problems
            continue
        try:
            yield line, reader.structure(raw, place)
        except TicketError as error:
            yield line, error.problems


def ticket_to_dict(ticket: Ticket) -> dict[str, Any]:
    """Write a ticket as plain values for JSON; what is missing is left out.

    `read_ticket` with the same currency and facts reads it as an equal ticket. Instants keep
    their offset and lose fractions of a second. Numbers are exact: they have at most 15 digits.
    """
    written: dict[str, Any] = {"ticket_id": ticket.ticket_id} if ticket.ticket_id else {}
    written |= _record_to_dict(ticket)
    for field in LISTS.values():
        if lines := getattr(ticket, field):
            written[field] = [_record_to_dict(line) for line in lines]
    kinds = {fact.name: fact for fact in company_facts(ticket.facts)}
    extra = {
        name: _undeclared(given) if name not in kinds else _written(kinds[name], given, ticket.currency_digits)
        for name, given in ticket.extra.items()
        if given is not None
    }
    if extra:
        written["extra"] = extra
    return written


def _record_to_dict(record: Record) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for fact, value in zip(declared(record.grain, record.facts), record.values, strict=True):
        given = getattr(record, fact.name)
        # Only what was stated: a default is not written, so that it can change with the policy.
        if given is not None and value is not None:
            written[fact.name] = _written(fact, given, record.currency_digits)
    return written


def _written(fact: Fact, given: object, currency_digits: int) -> Any:
    value = normalise(fact, given, field=fact.name, currency_digits=currency_digits)
    if isinstance(given, datetime):
        return _instant_text(given)
    if not isinstance(value, int) or fact.kind in ("bool", "count"):
        return value
    if fact.kind == "date":
        return date.fromordinal(value + EPOCH_DAY).isoformat()
    if fact.kind == "share":
        return f"{Decimal(value).scaleb(-2):f} %"
    if fact.kind == "duration":
        # A third of an hour has no end in decimals.
        return _number(Decimal(value) / 3600) if value % 9 == 0 else f"{value} s"
    return _number(Decimal(value).scaleb(-(currency_digits if fact.kind == "money" else MEASURES[fact.kind][1])))


def _undeclared(given: object) -> Any:
    if isinstance(given, datetime):
        return _instant_text(given)
    if isinstance(given, date):
        return given.isoformat()
    if isinstance(given, timedelta):
        return f"{given // timedelta(seconds=1)} s"
    return _number(given) if isinstance(given, Decimal) else given


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _instant_text(instant: datetime) -> str:
    offset = instant.utcoffset() or timedelta(0)
    # Local mean times of the nineteenth century have offsets that no one reads.
    there = instant if offset % timedelta(minutes=1) == timedelta(0) else instant.astimezone(UTC)
    return there.replace(microsecond=0).isoformat()


@functools.lru_cache(maxsize=32)
def _plain_reader(zone: str | ZoneInfo, currency: str) -> TicketReader:
    return TicketReader(zone=zone, currency=currency)


def _reader(zone: str | ZoneInfo, currency: str, facts: Sequence[Fact]) -> TicketReader:
    return TicketReader(zone=zone, currency=currency, facts=facts) if facts else _plain_reader(zone, currency)


def _as_it_is(raw: Any, _: object) -> Any:
    return raw


def _read_list(converter: Converter, raw: object, wanted: Any) -> object:
    from cattrs import BaseValidationError

    if not isinstance(raw, list | tuple):
        raise TicketError([mistyped("", raw, message("a list"))])
    record = get_args(wanted)[0]
    made: list[object] = []
    problems: list[Problem] = []
    for index, line in enumerate(raw):
        if len(problems) > MOST_PROBLEMS:
            # Nobody reads more of them; what is not read is not counted.
            break
        try:
            made.append(converter.structure(line, record))
        except (BaseValidationError, TicketError) as error:
            problems += _problems(error, f"[{index}]")
    if problems:
        raise TicketError(problems)
    return tuple(made)


def _problems(error: BaseException, path: str) -> Iterator[Problem]:
    """Turn what cattrs gathered into problems, each with its path."""
    from cattrs import ClassValidationError, IterableValidationError

    if isinstance(error, Refusal):
        yield error.problem
    elif isinstance(error, TicketError):
        for found in error.problems:
            yield inside(path, found)
    elif isinstance(error, ClassValidationError):
        of_fields, of_the_whole = error.group_exceptions()
        for fault, note in of_fields:
            yield from _problems(fault, note.name)
        for fault in of_the_whole:
            yield from _problems(fault, path)
    elif isinstance(error, IterableValidationError):
        for fault, place in error.group_exceptions()[0]:
            yield from _problems(fault, f"{path}[{place.index}]")
    else:
        raise error
