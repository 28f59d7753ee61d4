"""Load a pack: read, check, and gather every problem before saying that something is wrong."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from svc_policy.errors import CalendarError, PackError, Place, Problem, nearest, problem
from svc_policy.messages import message
from svc_policy.pack.digest import digest
from svc_policy.pack.overlay import (
    base_settings,
    check_clause_names,
    clause_names,
    layer_name,
    merge_rows,
    read_layers,
    rename,
    take_instructions,
)
from svc_policy.pack.rows import read_rows
from svc_policy.pack.schedules import check_schedules
from svc_policy.pack.settings import Settings, read_settings
from svc_policy.pack.source import PackFiles, find_pack
from svc_policy.pack.words import check_words
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Lookup, Row, Rules
from svc_policy.worktime.frozen import FrozenDay

if TYPE_CHECKING:
    from pathlib import Path

    from svc_policy.tables import Sheet
    from svc_policy.worktime import WorkCalendar

Labels = Mapping[str, tuple[str, str]]


@attrs.frozen(kw_only=True)
class Clause:
    """One rule of the source in our own words."""

    id: str
    place: str
    en: str
    zh: str


@attrs.frozen(kw_only=True, eq=False)
class Pack:
    """One policy as data: settings, rows of every family, clauses, lists, frozen days, digest."""

    settings: Settings
    rows: Mapping[str, tuple[Row, ...]]
    clauses: Mapping[str, Clause]
    labels: Labels
    lookups: Mapping[str, Mapping[str, tuple[int | str | bool, ...]]]
    days: tuple[FrozenDay, ...]
    digest: str
    path: str
    notes: tuple[Problem, ...]
    files: PackFiles

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.settings.id

    def rules(self) -> Rules:
        """Give what a plan is made from."""
        return Rules(
            families=FAMILIES,
            rows=self.rows,
            parameters=self.settings.parameters,
            facts={str(grain): facts for grain, facts in self.settings.facts.items()},
            money=self.settings.money,
            lookups=self._filled(),
        )

    def _filled(self) -> dict[tuple[str, str], Lookup]:
        grains = {fact.name: grain for grain, facts in self.settings.facts.items() for fact in facts}
        return {
            (grains[fact], fact): Lookup(
                name=name,
                key=lookup.key,
                values={key: values[index] for key, values in self.lookups.get(name, {}).items()},
            )
            for name, lookup in self.settings.lookups.items()
            for index, fact in enumerate(lookup.fills)
        }

    def label(self, name: str, language: str) -> str:
        """Put a word of a table into words: a role, a label, or the word itself."""
        texts = self.settings.roles.get(name) or self.labels.get(name) or _CUSTOMER.get(name)
        return texts[language == "zh"] if texts else name.replace("_", " ")

    def calendar(self) -> WorkCalendar | None:
        """Give the working calendar, built once, or None if the pack has none."""
        return self._calendar

    @functools.cached_property
    def _calendar(self) -> WorkCalendar | None:
        from svc_policy.worktime import WorkCalendar
        from svc_policy.worktime.frozen import frozen_dates

        if self.settings.valid is None:
            return None
        week = self.settings.week
        return WorkCalendar.from_week(
            tz=self.settings.timezone,
            week={day: list(windows) for day, windows in week.items()},
            dates=frozen_dates(self.days, {day: list(windows) for day, windows in week.items()}),
            valid=self.settings.valid,
        )


_CUSTOMER = {"customer": ("customer", "客户")}


def load_pack(name: str | os.PathLike[str]) -> Pack:
    """Load a built-in pack by its name, or a folder or workbook by its path.

    Raises:
        PackError: with every problem of every file.
    """
    problems: list[Problem] = []
    path = find_pack(name)
    return _whole(read_layers(path, FAMILIES, problems), problems)


def load_changed(path: Path, contents: Mapping[Path, bytes]) -> Pack:
    """Load a folder as it would be with other contents in some of its files, `policy.toml` and tables.

    Raises:
        PackError: with every problem of every file.
    """
    from svc_policy.tables import read_csv

    problems: list[Problem] = []
    layers = read_layers(path, FAMILIES, problems)
    own = layers[-1]
    sheets, texts = dict(own.sheets), dict(own.texts)
    for file, content in contents.items():
        if file.suffix == ".csv":
            sheets[file.stem] = read_csv(content, problems=problems, name=file.stem, file=own.sheets[file.stem].file)
        else:
            texts[file.stem] = (content.decode("utf-8-sig"), own.texts[file.stem][1])
    return _whole([*layers[:-1], attrs.evolve(own, sheets=sheets, texts=texts)], problems)


def _whole(layers: Sequence[PackFiles], problems: list[Problem]) -> Pack:
    pack = _assemble(layers, problems)
    errors = [item for item in problems if item.severity == "error"]
    if errors or pack is None:
        raise PackError(problems)
    return pack


def _assemble(layers: Sequence[PackFiles], problems: list[Problem]) -> Pack | None:
    files = layers[-1]
    labels = {
        row[0]: (row[1], row[2]) for layer in layers for row in _plain(layer, "labels", ("name", "en", "zh"), problems)
    }
    if "policy" not in files.texts:
        # A file that is there and cannot be read has been reported already.
        if not any(item.place is not None and item.place.file.endswith("policy.toml") for item in problems):
            problems.append(
                problem("file-missing", message("a pack has a file `policy.toml`"), place=Place(file=files.path))
            )
        return None
    text, file = files.texts["policy"]
    settings = read_settings(text, file, labels, problems, base_settings(layers))
    if settings is None:
        return None
    before = len(problems)
    names = clause_names(layers)
    of_layer = [
        {
            row[0]: Clause(id=row[0], place=row[1], en=row[2], zh=row[3])
            for row in _plain(layer, "clauses", ("clause", "place", "en", "zh"), problems)
        }
        for layer in layers
    ]
    # What cannot be read cannot be cited wrongly.
    is_citable = len(problems) == before
    if is_citable:
        check_clause_names(layers, [set(own) for own in of_layer], problems)
    clauses: dict[str, Clause] = {}
    citable: list[dict[str, Clause] | None] = []
    for own, renamed in zip(of_layer, names, strict=True):
        clauses.update({name: clause for name, clause in own.items() if name not in renamed})
        citable.append({**clauses, **own} if is_citable else None)
    rows, broken = _rows_of(layers, settings, labels, citable, names, problems)
    stated = next(fact.values for fact in settings.facts["ticket"] if fact.name == "zone")
    check_words(rows, broken, problems, stated)
    check_schedules(rows, settings, broken, problems)
    lookups = {name: _lookup(name, layers, settings, problems) for name in settings.lookups}
    problems.extend(
        problem(
            "lookup-undeclared",
            message("the list `{name}` is not declared", name=stray),
            place=Place(file=layer.lookups[stray].file),
            help=message("say its key and what it fills under `[lookups.{name}]` in policy.toml", name=stray),
        )
        for layer in layers
        for stray in sorted(set(layer.lookups) - set(settings.lookups))
    )
    days = tuple(
        sorted({day.day: day for layer in layers for day in _days(layer, problems)}.values(), key=lambda day: day.day)
    )
    _check_calendar(rows, settings, file, problems)
    pack = Pack(
        settings=settings,
        rows=rows,
        clauses=clauses,
        labels=labels,
        lookups=lookups,
        days=days,
        digest="",
        path=files.path,
        notes=tuple(item for item in problems if item.severity != "error"),
        files=files,
    )
    if not any(item.severity == "error" for item in problems):
        pack = attrs.evolve(pack, digest=digest(settings, rows, lookups, days))
        try:
            _check_hours(pack, problems)
        except CalendarError as error:
            problems.extend(error.problems)
    return pack


def _rows_of(
    layers: Sequence[PackFiles],
    settings: Settings,
    labels: Labels,
    citable: Sequence[Mapping[str, Clause] | None],
    names: Sequence[Mapping[str, tuple[str, ...]]],
    problems: list[Problem],
) -> tuple[dict[str, tuple[Row, ...]], set[str]]:
    """Read the tables of every layer, one over the other; says which of them could not be read."""
    order = tuple(FAMILIES)
    rows: dict[str, tuple[Row, ...]] = {}
    broken: set[str] = set()
    for layer, clauses, renamed in zip(layers, citable, names, strict=True):
        for name, family in FAMILIES.items():
            if name not in layer.sheets:
                continue
            before = len(problems)
            sheet, said = take_instructions(layer.sheets[name], problems, is_overlay=layer is not layers[0])
            # A table that only drops rules of the base needs no other column.
            only_drops = not sheet.rows and bool(said.dropped)
            own = () if only_drops else read_rows(family, sheet, order, settings, labels, clauses, problems)
            if renamed:
                own = tuple(attrs.evolve(row, cites=rename(row.cites, renamed)) for row in own)
            if len(layers) > 1:
                own = tuple(attrs.evolve(row, layer=layer_name(layer)) for row in own)
            if not sheet.header or any(item.severity == "error" for item in problems[before:]):
                broken.add(name)
                rows.setdefault(name, own)
            elif name in rows and name not in broken:
                rows[name] = merge_rows(rows[name], own, said, problems)
            else:
                rows[name] = merge_rows((), own, said, problems)
    return rows, broken


def _plain(files: PackFiles, name: str, headings: tuple[str, ...], problems: list[Problem]) -> list[tuple[str, ...]]:
    """Read a sheet of plain texts with fixed headings."""
    sheet = files.sheets.get(name)
    if sheet is None or not sheet.header:
        return []
    found = [cell.text.strip() for cell in sheet.header]
    for cell in sheet.header:
        if cell.text.strip() not in headings:
            near = nearest(cell.text.strip(), headings)
            problems.append(
                problem(
                    "heading-unknown",
                    message("there is no column `{heading}`", heading=cell.text),
                    place=cell.place,
                    help=message("did you mean `{meant}`?", meant=near) if near else None,
                )
            )
    missing = [heading for heading in headings if heading not in found]
    problems.extend(
        problem(
            "column-missing", message("the column `{column}` is missing", column=heading), place=Place(file=sheet.file)
        )
        for heading in missing
    )
    if missing:
        return []
    index = [found.index(heading) for heading in headings]
    rows: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for row in sheet.rows:
        texts = tuple(row[place].text.strip() for place in index)
        if texts[0] in seen:
            problems.append(
                problem("name-twice", message("`{name}` is there twice", name=texts[0]), place=row[index[0]].place)
            )
        seen.add(texts[0])
        rows.append(texts)
    return rows


def _lookup(
    name: str, layers: Sequence[PackFiles], settings: Settings, problems: list[Problem]
) -> dict[str, tuple[int | str | bool, ...]]:
    """Read a keyed list of every layer, the higher over the lower."""
    sheets = [layer.lookups[name] for layer in layers if name in layer.lookups]
    if not sheets:
        problems.append(
            problem(
                "lookup-missing",
                message("the list `lookups/{name}.csv` is missing", name=name),
                place=Place(file=layers[-1].path),
            )
        )
    found: dict[str, tuple[int | str | bool, ...]] = {}
    for sheet in sheets:
        found.update(_list_of(name, sheet, settings, problems))
    return found


def _list_of(
    name: str, sheet: Sheet, settings: Settings, problems: list[Problem]
) -> dict[str, tuple[int | str | bool, ...]]:
    from svc_policy.units import Refusal, read_literal

    lookup = settings.lookups[name]
    headings = [cell.text.strip() for cell in sheet.header]
    if headings[:1] != ["key"] or any(fact not in headings for fact in lookup.fills):
        problems.append(
            problem(
                "lookup-headings",
                message("the headings of the list are: {headings}", headings=", ".join(("key", *lookup.fills))),
                place=Place(file=sheet.file),
            )
        )
        return {}
    kinds = {fact.name: fact.kind for of in settings.facts.values() for fact in of}
    found: dict[str, tuple[int | str | bool, ...]] = {}
    for row in sheet.rows:
        values: list[int | str | bool] = []
        for fact in lookup.fills:
            cell = row[headings.index(fact)]
            try:
                values.append(read_literal(cell.text, kinds[fact], currency=settings.currency).value)  # type: ignore[arg-type]
            except Refusal as refusal:
                problems.append(
                    problem(
                        refusal.code,
                        message("cannot read `{text}` in column `{column}`", text=cell.text, column=fact),
                        place=cell.place,
                        help=refusal.help,
                    )
                )
        key = row[0].text.strip()
        if key in found:
            problems.append(problem("name-twice", message("`{name}` is there twice", name=key), place=row[0].place))
        found[key] = tuple(values)
    return found


def _days(files: PackFiles, problems: list[Problem]) -> tuple[FrozenDay, ...]:
    from svc_policy.tables.sheets import csv_text

    sheet = files.sheets.get("calendar")
    if sheet is None:
        return ()
    days, found = _parsed_days(csv_text(sheet), sheet.file)
    problems.extend(found)
    return days


@functools.lru_cache(16)
def _parsed_days(text: str, file: str) -> tuple[tuple[FrozenDay, ...], tuple[Problem, ...]]:
    """Parse a calendar once; nobody changes what it gives."""
    from svc_policy.worktime.frozen_file import parse_frozen

    days, problems = parse_frozen(text, file)
    return tuple(days), tuple(problems)


def _check_hours(pack: Pack, problems: list[Problem]) -> None:
    """Check the week and the frozen days; a calendar whose shifts pass midnight is built to be sure.

    Years of working time are laid out when a ticket asks for them, not before.
    """
    from svc_policy.worktime.frozen import frozen_dates
    from svc_policy.worktime.windows import DAY, read_date, read_week

    settings = pack.settings
    before = len(problems)
    hours = read_week({day: list(windows) for day, windows in settings.week.items()}, problems)
    bounds = [read_date(text, problems) for text in settings.valid or ()]
    if len(problems) > before:
        return
    ordered = not bounds or (bounds[0] is not None and bounds[1] is not None and bounds[0] <= bounds[1])
    if not ordered or any(close > DAY for windows in hours for _, close in windows):
        pack.calendar()
        return
    frozen_dates(pack.days, {day: list(windows) for day, windows in settings.week.items()})


def _check_calendar(rows: Mapping[str, Sequence[Row]], settings: Settings, file: str, problems: list[Problem]) -> None:
    from svc_policy.rules.working_hours import HAPPENED, RECEIVED, asks
    from svc_policy.units import Allowance

    if settings.valid is not None and settings.week:
        return
    for row in (row for table in rows.values() for row in table):
        cell = row.results.get("within")
        value = getattr(cell, "value", None)
        unit = value.unit if isinstance(value, Allowance) else ""
        counted = unit.startswith("working") or row.text("clock") == "working"
        if counted or row.text("when") == "next working day" or asks((row,), RECEIVED) or asks((row,), HAPPENED):
            problems.append(
                problem(
                    "calendar-missing",
                    message("rule `{rule}` counts working time, but the policy has no working week", rule=row.id),
                    place=Place(file=row.file, line=row.line),
                    help=message("add `[week]` and `calendar.valid` to {file}", file=file),
                )
            )
            return
