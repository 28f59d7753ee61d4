"""Read contracts and assets: mappings, JSON lists, JSON lines or CSV; every problem with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from svc_policy.errors import Place, PolicyError, Problem, UsageError, nearest, problem
from svc_policy.facts.registry import TICKET
from svc_policy.messages import Message, message
from svc_policy.schedule.records import Asset, Contract
from svc_policy.tables import name_key
from svc_policy.units import Refusal, date_of, read_date

Record = TypeVar("Record", Contract, Asset)
Source = str | Path | Iterable[Mapping[str, object]]

#: Headings of a file may be written as the labels of the facts, in either language.
_LABELS: Final = {name_key(text): fact.name for fact in TICKET for text in (fact.name, fact.en, fact.zh)}


def read_contracts(source: Source | Iterable[Contract]) -> tuple[Contract, ...]:
    """Read contracts from a file, or from mappings.

    Raises:
        UsageError: With everything that cannot be read or cannot be true.
    """
    problems: list[Problem] = []
    contracts = _read(source, Contract, "contract", problems)
    for place, number, contract in contracts:
        begins, ends = contract.contract_from, contract.contract_until
        if begins is not None and ends is not None and ends < begins:
            text = message("contract {number} ends on {last}, before it begins", number=number, last=ends)
            problems.append(problem("contract-reversed", text, place=place))
    return _checked(contracts, "contract", problems)


def read_assets(source: Source | Iterable[Asset]) -> tuple[Asset, ...]:
    """Read assets from a file, or from mappings.

    Raises:
        UsageError: With everything that cannot be read or cannot be true.
    """
    problems: list[Problem] = []
    return _checked(_read(source, Asset, "asset", problems), "asset", problems)


def read_period(from_: object, until: object) -> tuple[date, date]:
    """Read the first and the last day of a period.

    Raises:
        UsageError: One of them is no date; with both.
    """
    problems: list[Problem] = []
    days: list[date] = []
    for name, given in (("from", from_), ("until", until)):
        try:
            days.append(read_day(given, name))
        except UsageError as error:
            problems.extend(error.problems)
    if problems:
        raise UsageError(problems)
    return days[0], days[1]


def read_day(given: object, name: str) -> date:
    """Read a day that is a date, or written as one.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    help_line = message("a date is written as in `2026-01-31`")
    try:
        if isinstance(given, str):
            return date(*date_of(read_date(given)))
    except Refusal as refusal:
        help_line = refusal.help
    text = message("cannot read `{text}` in `{name}`", text=given, name=name)
    raise UsageError([problem("date-unreadable", text, help=help_line)])


_Read = list[tuple[Place | None, int, Record]]
_WHAT: Final = {"contract": message("contract"), "asset": message("asset")}
_NAMED: Final = {"contract": message("`contract_no`"), "asset": message("`serial_no` or `site`")}


def _checked(found: _Read[Record], what: str, problems: list[Problem]) -> tuple[Record, ...]:
    seen: set[str] = set()
    for place, number, record in found:
        if not record.name:
            text = message("{what} {number} has no {named}", what=_WHAT[what], number=number, named=_NAMED[what])
            problems.append(problem("record-nameless", text, place=place))
        elif record.name in seen:
            text = message(
                "{what} {number}: `{name}` is there twice", what=_WHAT[what], number=number, name=record.name
            )
            problems.append(problem("record-twice", text, place=place))
        seen.add(record.name)
    if problems:
        raise UsageError(problems)
    return tuple(record for _, _, record in found)


def _read(source: Any, kind: type[Record], what: str, problems: list[Problem]) -> _Read[Record]:
    fields = [field.name for field in attrs.fields(kind)]
    found: _Read[Record] = []
    for number, (place, value) in enumerate(_values(source, problems), start=1):
        if isinstance(value, kind):
            found.append((place, number, value))
            continue
        if isinstance(value, PolicyError):
            problems.extend(value.problems)
            continue
        if not isinstance(value, Mapping):
            text = message("{what} {number} is no table of fields", what=_WHAT[what], number=number)
            problems.append(problem("record-type", text, place=place))
            continue
        reader = _Fields(what, number, place, fields, problems)
        before = len(problems)
        taken = reader.read(value)
        if len(problems) == before:
            found.append((place, number, kind(**taken)))
    return found


class _Fields:
    """The fields of one record."""

    def __init__(self, what: str, number: int, place: Place | None, fields: list[str], problems: list[Problem]) -> None:
        self.record: dict[str, Any] = {"what": _WHAT[what], "number": number}
        self.place = place
        self.fields = fields
        self.problems = problems

    def say(self, code: str, text: Message, help_line: Message | None = None, place: Place | None = None) -> None:
        self.problems.append(problem(code, text, place=place or self.place, help=help_line))

    def read(self, value: Mapping[str, object]) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        for heading, given in value.items():
            name = _LABELS.get(name_key(str(heading)), str(heading))
            place = given.place if isinstance(given, _Cell) else None
            plain = given.text if isinstance(given, _Cell) else given
            if name not in self.fields:
                near = nearest(str(heading), self.fields)
                self.say(
                    "field-unknown",
                    message("{what} {number} has no field `{field}`", **self.record, field=heading),
                    message("did you mean `{near}`?", near=near)
                    if near
                    else message("known here: {known}", known=", ".join(self.fields)),
                )
            elif name in taken:
                self.say("field-twice", message("{what} {number} gives `{field}` twice", **self.record, field=name))
            elif plain is not None and plain != "":
                read = self.date if name.endswith(("_on", "_from", "_until")) else self.text
                taken[name] = read(name, plain, place)
        return taken

    def text(self, name: str, given: object, place: Place | None) -> str | None:
        if isinstance(given, str):
            return given.strip() or None
        # A number that a spreadsheet or JSON writes bare is still the name of something.
        if isinstance(given, int) and not isinstance(given, bool):
            return str(given)
        text = message("`{field}` of {what} {number} is a text, not `{value}`", **self.record, field=name, value=given)
        self.say("field-type", text, place=place)
        return None

    def date(self, name: str, given: object, place: Place | None) -> date | None:
        if isinstance(given, date) and not isinstance(given, datetime):
            return given
        help_line = message("a date is written as in `2026-01-31`")
        if isinstance(given, str):
            try:
                return date(*date_of(read_date(given)))
            except Refusal as refusal:
                help_line = refusal.help
        text = message("cannot read `{value}` in `{field}` of {what} {number}", **self.record, field=name, value=given)
        self.say("date-unreadable", text, help_line, place)
        return None


@attrs.frozen
class _Cell:
    """A cell of a file with its place, for problems."""

    text: str
    place: Place


def _values(source: Any, problems: list[Problem]) -> Iterator[tuple[Place | None, object]]:
    if not isinstance(source, str | Path):
        if isinstance(source, Mapping) or not isinstance(source, Iterable):
            source = [source]
        yield from ((None, item) for item in source)
        return
    path = Path(source)
    if path.suffix.lower() == ".csv":
        yield from _csv(path, problems)
        return
    from svc_policy.facts.sources import read_values

    try:
        yield from read_values(path)
    except PolicyError as error:
        problems.extend(error.problems)


def _csv(path: Path, problems: list[Problem]) -> Iterator[tuple[Place | None, object]]:
    from svc_policy.tables import read_csv

    found: list[Problem] = []
    sheet = read_csv(path, problems=found, file=str(path))
    problems.extend(item for item in found if item.severity == "error")
    headings = [cell.text.strip() for cell in sheet.header]
    for heading, cell in zip(headings, sheet.header, strict=True):
        if headings.count(heading) > 1:
            text = message("two headings mean `{name}`", name=heading)
            problems.append(problem("heading-twice", text, place=cell.place))
            return
    for row in sheet.rows:
        place = row[0].place
        where = None if place is None else Place(file=place.file, line=place.line)
        yield where, {heading: _Cell(cell.text, cell.place) for heading, cell in zip(headings, row, strict=True)}
