"""Read the records of a host, which come as dictionaries, under the mapping that files are read with.

A word, a unit, a form or a time zone means the same here as in a file
(:mod:`.casting`): every value becomes the text that JSON lines would hold, and
is read by :class:`~svc_policy.adapters.values.ValueReader`. What a host knows
better than a text, an aware time or an exact amount, stays so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import attrs

from svc_policy.adapters.mapping import ChildSource, ColumnSource, LogMapping
from svc_policy.adapters.protocol import Reading, Unfilled, Unreadable
from svc_policy.adapters.tickets import outside
from svc_policy.adapters.values import Settings, ValueReader
from svc_policy.errors import MappingError, Place, Problem, TicketError, problem
from svc_policy.facts.normal import LONGEST_TEXT, shown
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact, Grain
from svc_policy.facts.ticket import RECORDS, Ticket
from svc_policy.messages import Message, message
from svc_policy.units import Refusal, minor_digits, open_zone

if TYPE_CHECKING:
    from svc_policy.policy import Policy

Record = Mapping[str, object]

#: Why a fact that no field gives is not filled.
NOT_MAPPED: Final = message("no field is mapped to it")
#: Texts that are kept, each read once; there are more instants than anything else.
_KEPT: Final = 1024
_ZONES: Final = 64
_ABSENT: Final = object()
_OF_GRAIN: Final = {record.grain: record for record in RECORDS}


class _NoFactError(Exception):
    """A value of a type in which no fact is written."""


def read_records(
    policy: Policy,
    mapping: LogMapping | None,
    records: Iterable[Record],
    *,
    name: str = "records",
    mark: Callable[[Record], str] | None = None,
) -> Iterator[Reading | Unreadable]:
    """Turn the records of a host into tickets, one by one; nothing is held but the record at hand.

    A record is a dictionary of texts, whole numbers, decimals, truths, dates,
    times, time spans and None; nested ones are reached by pointers such as
    `/asset/serial`. Local times are read in the zone of the mapping, or in that
    which the record names. A record of which anything cannot be read, one of its
    lines included, is unreadable as a whole.

    Args:
        policy: Whose facts are stated; it is asked which ones it may ask for.
        mapping: Which field is which fact, `flat`; without one the fields are named as those of a ticket.
        records: The records, in the order in which they shall be read.
        name: What the host calls them, shown in problems: a table, a model, a list.
        mark: Gives where to go on after a record; its id unless given.

    Raises:
        MappingError: The mapping is of events, or its lines are in files.
    """
    reader = RecordReader(policy, mapping, name=name)
    for number, record in enumerate(records, 1):
        yield reader.read(record, number=number, mark=None if mark is None else mark(record))


class RecordReader:
    """Reads single records, as :func:`read_records` does; one is worth keeping."""

    def __init__(self, policy: Policy, mapping: LogMapping | None, *, name: str = "records") -> None:
        self.name = name
        self.policy = policy
        settings = policy.pack.settings
        self.digits = minor_digits(settings.currency) or 0
        self.company = settings.company_facts
        self.mapping = mapping or _own_mapping(policy)
        self.is_own = mapping is None
        refuse_events(self.mapping)
        self.facts = {grain: {fact.name: fact for fact in facts} for grain, facts in settings.facts.items()}
        self.constants = {
            fact: outside(self.facts["ticket"][fact], value, self.digits)
            for fact, value in self.mapping.constants.items()
        }
        asked = (fact.partition(".") for fact in policy.plan.asked)
        asks = {(head if rest else "", rest or head) for head, _, rest in asked}
        self.asked = {
            grain: tuple(
                fact
                for fact in facts.values()
                if fact.asks and ((LISTS[grain] if grain != "ticket" else ""), fact.name) in asks
            )
            for grain, facts in self.facts.items()
        }
        self.unmapped = tuple(
            Unfilled(fact=fact.name, reason=NOT_MAPPED)
            for fact in self.asked["ticket"]
            if fact.name not in self.mapping.facts and fact.name not in self.constants
        )
        self.columns_in = functools.lru_cache(maxsize=_ZONES)(self._columns_in)

    def read(self, record: Record, *, number: int = 1, mark: str | None = None) -> Reading | Unreadable:
        """Read one record; `number` names it where it has no id."""
        mapping = self.mapping
        name = self._id_of(record)
        if name is None or len(name) > LONGEST_TEXT:
            long = message("the ticket id is longer than {most} characters", most=LONGEST_TEXT)
            found = problem(
                "log-no-ticket" if name is None else "log-long-ticket",
                message("there is no ticket id") if name is None else long,
                place=self._place(f"#{number}" if name is None else name, mapping.ticket),
            )
            return Unreadable(record=name or f"#{number}", problems=(found,), mark=mark or name)
        mark = name if mark is None else mark
        reading = _One(self, record, name)
        ticket = reading.ticket()
        if ticket is None:
            return Unreadable(record=name, problems=tuple(reading.problems), mark=mark)
        return Reading(record=name, ticket=ticket, unfilled=(*self.unmapped, *reading.unfilled), mark=mark)

    def _id_of(self, record: Record) -> str | None:
        try:
            return self.text(field_of(record, self.mapping.ticket))
        except _NoFactError:
            return None

    def text(self, value: object) -> str | None:
        """Give the text of a value without blanks around it; None where the mapping says that it means nothing."""
        text = text_of(value)
        return None if text in self.mapping.options.missing else text

    def _place(self, record: str, column: str) -> Place:
        return Place(file=self.name, sheet=shown(record), cell=column)

    def _columns_in(self, zone: str) -> Mapping[Grain, tuple[_Column, ...]]:
        """Make what reads the columns of records whose local times are in `zone`."""
        mapping = self.mapping
        settings = Settings(zone=zone, currency=self.policy.pack.settings.currency, facts=self.company)
        found: dict[Grain, tuple[_Column, ...]] = {"ticket": self._columns("ticket", mapping.facts, settings)}
        for child in mapping.children:
            found[child.grain] = self._columns(child.grain, child.facts, settings)
        return found

    def _columns(self, grain: Grain, facts: Mapping[str, ColumnSource], settings: Settings) -> tuple[_Column, ...]:
        built_in = {fact.name for fact in BUILT_IN[grain]}
        return tuple(
            _Column(
                self.facts[grain][name],
                source,
                settings,
                is_extra=name not in built_in,
                is_asked=self.facts[grain][name] in self.asked[grain],
            )
            for name, source in facts.items()
        )


class _Column:
    """One column: reads its values, each text once."""

    def __init__(self, fact: Fact, source: ColumnSource, settings: Settings, *, is_extra: bool, is_asked: bool) -> None:
        self.fact = fact
        self.source = source
        self.is_extra = is_extra
        self.is_asked = is_asked
        self.empty = Unfilled(fact=fact.name, reason=message("the field `{field}` is empty", field=source.column))
        self.absent = Unfilled(fact=fact.name, reason=message("the record has no field `{field}`", field=source.column))
        self._of_texts = ValueReader(fact, source, settings=settings)
        # A form is that of a text; a time that the host holds as one needs none.
        self._of_times = ValueReader(fact, attrs.evolve(source, format=""), settings=settings)
        self._known: dict[tuple[str, bool], object] = {}

    def read(self, text: str, value: object) -> object:
        is_time = isinstance(value, date)
        found = self._known.get((text, is_time), _ABSENT)
        if found is _ABSENT:
            found = (self._of_times if is_time else self._of_texts).given(text)
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text, is_time] = found
        return found


class _One:
    """The reading of one record; gathers what is wrong and what is not filled."""

    def __init__(self, reader: RecordReader, record: Record, name: str) -> None:
        self.reader = reader
        self.record = record
        self.name = name
        self.problems: list[Problem] = []
        self.unfilled: list[Unfilled] = []

    def ticket(self) -> Ticket | None:
        """Read everything; None where anything cannot be read."""
        reader = self.reader
        mapping = reader.mapping
        self._check_currency()
        zone = self._zone()
        if zone is None:
            return None
        columns = reader.columns_in(zone)
        stated: dict[str, Any] = {"ticket_id": self.name}
        extra: dict[str, Any] = {}
        self._read_into(stated, extra, self.record, columns["ticket"], "ticket", "")
        for fact, value in reader.constants.items():
            kept = extra if fact not in _TICKET_FIELDS else stated
            kept.setdefault(fact, value)
        for child in mapping.children:
            stated[LISTS[child.grain]] = self._lines(child, columns[child.grain])
        if reader.is_own:
            self._check_names()
        if self.problems:
            return None
        made: Ticket | None = self._made(Ticket, {**stated, "extra": extra}, "")
        return made

    def _made(self, record: Any, stated: Mapping[str, Any], path: str) -> Any:
        try:
            return record(**stated, facts=self.reader.company, currency_digits=self.reader.digits)
        except TicketError as error:
            for found in error.problems:
                self.say(found.code, found.message, path, help_line=found.help)
            return None

    def say(self, code: str, text: Message, column: str, *, help_line: Message | None = None) -> None:
        """Add a problem at a field of the record."""
        place = Place(file=self.reader.name, sheet=shown(self.name), cell=column or None)
        self.problems.append(problem(code, text, place=place, help=help_line))

    def _read_into(
        self,
        stated: dict[str, Any],
        extra: dict[str, Any],
        record: Record,
        columns: Sequence[_Column],
        grain: Grain,
        path: str,
    ) -> None:
        constants = self.reader.constants if grain == "ticket" else {}
        for column in columns:
            name = column.fact.name
            value = field_of(record, column.source.column)
            if value is _ABSENT or value is None:
                text = None
            else:
                try:
                    text = self.reader.text(value)
                except _NoFactError:
                    template = message(
                        "`{field}` is `{value}`, in which no fact is written", field=name, value=shown(value)
                    )
                    self.say("record-type", template, path + column.source.column)
                    continue
            if text is None:
                if column.is_asked and name not in constants:
                    missing = column.absent if value is _ABSENT else column.empty
                    self.unfilled.append(attrs.evolve(missing, fact=path + name) if path else missing)
                continue
            try:
                given = column.read(text, value)
            except TicketError as error:
                found = error.problems[0]
                self.say(found.code, found.message, path + column.source.column, help_line=found.help)
                continue
            if given is not None:
                (extra if column.is_extra else stated)[name] = given

    def _lines(self, child: ChildSource, columns: Sequence[_Column]) -> tuple[Any, ...]:
        key, field = child.list or LISTS[child.grain], LISTS[child.grain]
        listed = field_of(self.record, key)
        if listed is _ABSENT or listed is None:
            return ()
        if not isinstance(listed, list | tuple) or not all(isinstance(line, Mapping) for line in listed):
            template = message("`{field}` is `{value}`, not a list of records", field=field, value=shown(listed))
            self.say("record-list", template, key)
            return ()
        made = []
        asked = self.reader.asked[child.grain]
        mapped = {column.fact.name for column in columns}
        for index, line in enumerate(listed):
            stated: dict[str, Any] = {}
            path = f"{field}[{index}]."
            self._read_into(stated, {}, line, columns, child.grain, path)
            if self.reader.is_own:
                self._check_own(line, self.reader.facts[child.grain], path)
            self.unfilled += (
                Unfilled(fact=path + fact.name, reason=NOT_MAPPED) for fact in asked if fact.name not in mapped
            )
            made.append(self._made(_OF_GRAIN[child.grain], stated, path.rstrip(".")))
        return tuple(made)

    def _check_currency(self) -> None:
        column = self.reader.mapping.currency_column
        if not column:
            return
        given = self._word(column)
        wanted = self.reader.policy.pack.settings.currency
        if given is not None and given != wanted:
            template = message(
                "the record is in `{given}`, the policy in `{wanted}`", given=shown(given), wanted=wanted
            )
            self.say("log-currency", template, column, help_line=message("nothing is converted"))

    def _zone(self) -> str | None:
        """Find the zone of the record's local times; None where it names one that is none."""
        mapping = self.reader.mapping
        name = self._word(mapping.zone_column) if mapping.zone_column else None
        if name is None:
            return mapping.timezone
        try:
            open_zone(name)
        except Refusal as refusal:
            self.say("log-zone", refusal.help, mapping.zone_column)
            return None
        return name

    def _word(self, column: str) -> str | None:
        try:
            return self.reader.text(field_of(self.record, column))
        except _NoFactError:
            return shown(field_of(self.record, column))

    def _check_names(self) -> None:
        """Refuse fields that are no field of a ticket; without a mapping nothing says what they mean."""
        self._check_own(self.record, {**self.reader.facts["ticket"], **_OWN}, "")
        extra = self.record.get("extra")
        if isinstance(extra, Mapping):
            self._check_own(extra, {fact.name: fact for fact in self.reader.company}, "extra.")

    def _check_own(self, record: Record, known: Mapping[str, object], path: str) -> None:
        from svc_policy.adapters.documents import suggest_fact

        for key in record:
            if key not in known:
                template = message("`{column}` is no fact", column=shown(key))
                self.say("log-heading", template, path + shown(key), help_line=suggest_fact(str(key), known))


_TICKET_FIELDS: Final = frozenset(fact.name for fact in BUILT_IN["ticket"])
_OWN: Final = dict.fromkeys(("ticket_id", "extra", *LISTS.values()))


def refuse_events(mapping: LogMapping) -> None:
    """See that a mapping is of whole records.

    Raises:
        MappingError: It is of events, or the lines of its tickets are in files.
    """
    place = Place(file=mapping.file)
    if mapping.shape != "flat":
        template = message("a mapping of events is for a file")
        advice = message('say `shape = "flat"`: one record a ticket')
        raise MappingError([problem("record-shape", template, place=place, help=advice)])
    problems = [
        problem(
            "record-lines",
            message("the lines of a record are in the record"),
            place=child.place or place,
            help=message("say `list`, the field that holds them, in the place of `file`"),
        )
        for child in mapping.children
        if child.file is not None
    ]
    if problems:
        raise MappingError(problems)


def field_of(record: Record, column: str) -> object:
    """Give a field of a record by its key, or by a pointer such as `/asset/serial`; `_ABSENT` where there is none."""
    if column in record or not column.startswith("/"):
        return record.get(column, _ABSENT)
    found: object = record
    for step in column[1:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(step, _ABSENT)
        elif isinstance(found, list | tuple) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return _ABSENT
    return found


def text_of(value: object) -> str | None:
    """Write a value of a host as the text that a file would hold; None where there is nothing.

    Raises:
        _NoFactError: It is of a type in which no fact is written.
    """
    if value is None or value is _ABSENT:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | UUID):
        return str(value) if isinstance(value, UUID) or value.bit_length() < 200 else shown(value)
    if isinstance(value, Decimal):
        # A decimal of a thousand digits is as short as its exponent; it is refused as it is.
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < 100 else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{Decimal(value // timedelta(microseconds=1)).scaleb(-6):f} s"
    raise _NoFactError


def _own_mapping(policy: Policy) -> LogMapping:
    """Make the mapping of records whose fields are named as those of a ticket."""
    facts = policy.pack.settings.facts
    return LogMapping(
        file=policy.id,
        shape="flat",
        timezone=policy.pack.settings.timezone,
        ticket="ticket_id",
        facts={
            fact.name: ColumnSource(column=fact.name if fact.name in _TICKET_FIELDS else f"/extra/{fact.name}")
            for fact in facts["ticket"]
        },
        children=tuple(
            ChildSource(
                grain=grain,
                file=None,
                list=field,
                ticket="",
                facts={fact.name: ColumnSource(column=fact.name) for fact in facts[grain]},
            )
            for grain, field in LISTS.items()
        ),
    )
