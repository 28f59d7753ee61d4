"""Read a mapping from TOML, with everything that is wrong in it told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from svc_policy.adapters.documents import Document, suggest
from svc_policy.adapters.mapping import (
    ANY,
    ENCODINGS,
    CalendarSource,
    ChildSource,
    ColumnSource,
    FileOptions,
    HoldSource,
    LogMapping,
    MilestoneSource,
    Take,
)
from svc_policy.adapters.values import UNITS, Settings, ValueReader
from svc_policy.errors import TicketError
from svc_policy.facts.registry import LISTS, MILESTONES, Fact, Grain
from svc_policy.messages import message
from svc_policy.units import Refusal, advise_zone, open_zone, read_instant

if TYPE_CHECKING:
    from svc_policy.policy import Policy

TOP = (
    "schema",
    "shape",
    "timezone",
    "currency",
    "as_of",
    "file",
    "columns",
    "milestones",
    "holds",
    "activities",
    "facts",
    "constants",
    "children",
    "calendar",
)
TAKES = ("first", "last")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_mapping(path: str | Path, policy: Policy) -> LogMapping:
    """Read a mapping for a log that is to be decided by `policy`.

    Raises:
        MappingError: With everything that is wrong in it: file, line, the nearest known word.
    """
    document = Document(Path(path))
    reader = _Reader(document, policy)
    mapping = reader.read()
    document.finish()
    return mapping


class _Reader:
    """Reads the parts of one mapping; what is wrong goes to the document."""

    def __init__(self, document: Document, policy: Policy) -> None:
        self.document = document
        self.settings = policy.pack.settings
        self.hold_kinds = tuple(
            str(item.low.value)  # type: ignore[union-attr]
            for row in policy.pack.rows.get("holds", ())
            for item in row.tests["hold_kind"].items
            if item.low is not None
        )
        self.facts: dict[Grain, dict[str, Fact]] = {
            grain: {fact.name: fact for fact in facts} for grain, facts in self.settings.facts.items()
        }
        self.zone = "UTC"
        self.values: Settings | None = None

    def read(self) -> LogMapping:
        """Read everything."""
        document, root = self.document, self.document.root
        document.known(root, TOP)
        if root.get("schema") != 1:
            document.say("mapping-schema", message("`schema` must be 1"), "schema")
        shape = document.word(root, "shape", needed=True, among=("flat", "events"))
        self.zone = self._zone(root, "timezone")
        currency = document.word(root, "currency", default=self.settings.currency)
        if currency != self.settings.currency:
            template = message(
                "the log is in `{given}`, the policy in `{wanted}`", given=currency, wanted=self.settings.currency
            )
            document.say("mapping-currency", template, "currency", help=message("nothing is converted"))
        columns = document.table(root, "columns")
        is_events = shape == "events"
        names: tuple[str, ...] = ("ticket", "timezone", "currency")
        if is_events:
            names += ("activity", "timestamp", "timestamp_format")
        document.known(columns, names, "columns")
        for key in ("milestones", "holds", "activities"):
            if not is_events and key in root:
                template = message("`{key}` belongs to a log of events", key=key)
                document.say("mapping-shape", template, key, help=message('say `shape = "events"`, or leave it out'))
        timestamp = None
        if is_events:
            timestamp = ColumnSource(
                column=document.word(columns, "timestamp", "columns", needed=True),
                format=document.word(columns, "timestamp_format", "columns"),
                place=document.place("columns", "timestamp"),
            )
        activities = document.table(root, "activities")
        document.known(activities, ("known", "ignore", "other"), "activities")
        other = document.word(activities, "other", "activities", default="reject", among=("reject", "keep"))
        milestones = self._milestones(root) if is_events else {}
        facts = self._facts(document.table(root, "facts"), "ticket", "facts")
        constants = self._constants(document.table(root, "constants"))
        self._twice(facts, constants, milestones)
        return LogMapping(
            file=document.file,
            shape="events" if is_events else "flat",
            timezone=self.zone,
            as_of_s=self._as_of(root),
            options=self._options(root),
            ticket=document.word(columns, "ticket", "columns", needed=True),
            zone_column=document.word(columns, "timezone", "columns"),
            currency_column=document.word(columns, "currency", "columns"),
            activity=document.word(columns, "activity", "columns", needed=True) if is_events else "",
            timestamp=timestamp,
            milestones=milestones,
            holds=self._holds(root) if is_events else (),
            ignored=document.words(activities, "ignore", "activities"),
            known=document.words(activities, "known", "activities"),
            keeps_others=other == "keep",
            facts=facts,
            constants=constants,
            children=self._children(root),
            calendar=self._calendar(root),
            digest=hashlib.sha256(document.text.encode()).hexdigest(),
            places={key: document.place("columns", key) for key in ("ticket", "activity", "timezone", "currency")},
        )

    def _zone(self, table: Mapping[str, object], key: str, *path: str, default: str | None = None) -> str:
        name = self.document.word(table, key, *path, needed=default is None, default=default or "")
        if not name:
            return "UTC"
        try:
            open_zone(name)
        except Refusal as refusal:
            template = message("`{zone}` is no time zone", zone=name)
            self.document.say(refusal.code, template, *path, key, help=advise_zone(name))
            return "UTC"
        return name

    def _as_of(self, root: Mapping[str, object]) -> int | None:
        if "as_of" not in root:
            return None
        try:
            return read_instant(str(root["as_of"]), self.zone)
        except Refusal as refusal:
            template = message("cannot read `{text}` in `{key}`", text=root["as_of"], key="as_of")
            self.document.say(refusal.code, template, "as_of", help=refusal.help)
            return None

    def _options(self, root: Mapping[str, object]) -> FileOptions:
        document = self.document
        table = document.table(root, "file")
        document.known(table, ("format", "delimiter", "encoding", "missing"), "file")
        delimiter = document.word(table, "delimiter", "file")
        if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
            template = message("`{key}` is one character", key="file.delimiter")
            document.say("mapping-value", template, "file", "delimiter", help=message('a tab is written `"\\t"`'))
            delimiter = ""
        return FileOptions(
            format=cast("object", document.word(table, "format", "file", among=("csv", "jsonl", "parquet"))),  # type: ignore[arg-type]
            delimiter=delimiter,
            encoding=document.word(table, "encoding", "file", among=ENCODINGS),
            missing=document.words(table, "missing", "file"),
        )

    def _milestones(self, root: Mapping[str, object]) -> dict[str, MilestoneSource]:
        document = self.document
        known = tuple(name for name, fact in MILESTONES.items() if fact.endswith("_at"))
        found: dict[str, MilestoneSource] = {}
        for name, item in document.table(root, "milestones").items():
            if name not in known:
                template = message("there is no milestone `{name}`", name=name)
                document.say("mapping-milestone", template, "milestones", name, help=suggest(name, known))
                continue
            table = item if isinstance(item, dict) else {"activity": item}
            document.known(table, ("activity", "take"), "milestones", name)
            activities = document.words(table, "activity", "milestones", name, needed=True)
            found[MILESTONES[name]] = MilestoneSource(
                activities=() if ANY in activities else activities,
                take=cast("Take", document.word(table, "take", "milestones", name, default="first", among=TAKES)),
            )
        return found

    def _holds(self, root: Mapping[str, object]) -> tuple[HoldSource, ...]:
        document = self.document
        listed = root.get("holds", [])
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            document.say("mapping-type", message("`{key}` is a list of tables", key="holds"), "holds")
            return ()
        found = []
        for item in listed:
            document.known(item, ("kind", "opens", "closes"), "holds")
            kind = document.word(item, "kind", "holds", needed=True)
            if kind and kind not in self.hold_kinds:
                template = message("the policy has no kind of hold `{kind}`", kind=kind)
                document.say("mapping-hold", template, "holds", "kind", help=suggest(kind, self.hold_kinds))
            closes = document.words(item, "closes", "holds")
            opens = document.words(item, "opens", "holds", needed=True)
            found.append(HoldSource(kind=kind, opens=opens, closes=() if ANY in closes else closes))
        return tuple(found)

    def _facts(self, table: Mapping[str, object], grain: Grain, *path: str) -> dict[str, ColumnSource]:
        document, found = self.document, {}
        for name, item in table.items():
            fact = self.facts[grain].get(name)
            if fact is None:
                template = message("there is no fact `{name}`", name=name)
                document.say("mapping-fact", template, *path, name, help=suggest(name, self.facts[grain]))
                continue
            source = item if isinstance(item, dict) else {"column": item}
            document.known(source, ("column", "values", "unit", "format", "take"), *path, name)
            unit = document.word(source, "unit", *path, name)
            units = tuple(UNITS.get(fact.kind, {}))
            if unit and unit not in units:
                template = message("`{unit}` is no unit of `{name}`", unit=unit, name=name)
                document.say("mapping-unit", template, *path, name, "unit", help=suggest(unit, units))
                unit = ""
            found[name] = ColumnSource(
                column=document.word(source, "column", *path, name, needed=True),
                values=document.table(source, "values", *path, name),
                unit=unit,
                format=document.word(source, "format", *path, name),
                take=cast("Take", document.word(source, "take", *path, name, default="first", among=TAKES)),
                place=document.place(*path, name),
            )
            for word, value in found[name].values.items():
                self._value(fact, value, *path, name, "values", word)
        return found

    def _value(self, fact: Fact, value: object, *path: str) -> int | str | bool | None:
        if self.values is None:
            settings = self.settings
            self.values = Settings(zone=self.zone, currency=settings.currency, facts=settings.company_facts)
        reader = ValueReader(fact, settings=self.values)
        try:
            return reader.stated(value)
        except TicketError as error:
            found = error.problems[0]
            self.document.say(found.code, found.message, *path, help=found.help)
            return None

    def _constants(self, table: Mapping[str, object]) -> dict[str, int | str | bool]:
        found: dict[str, int | str | bool] = {}
        for name, value in table.items():
            fact = self.facts["ticket"].get(name)
            if fact is None:
                template = message("there is no fact `{name}`", name=name)
                self.document.say("mapping-fact", template, "constants", name, help=suggest(name, self.facts["ticket"]))
                continue
            read = self._value(fact, value, "constants", name)
            if read is not None:
                found[name] = read
        return found

    def _twice(self, *parts: Mapping[str, object]) -> None:
        seen: set[str] = set()
        for names, section in zip(parts, ("facts", "constants", "milestones"), strict=True):
            for name in names:
                if name in seen:
                    key = name.removesuffix("_at") if section == "milestones" else name
                    template = message("`{name}` is stated twice", name=name)
                    self.document.say("mapping-twice", template, section, key)
                seen.add(name)

    def _children(self, root: Mapping[str, object]) -> tuple[ChildSource, ...]:
        document, found = self.document, []
        grains = {field: grain for grain, field in LISTS.items()}
        table = document.table(root, "children")
        document.known(table, grains, "children")
        for field, item in table.items():
            if field not in grains:
                continue
            if not isinstance(item, dict):
                document.say("mapping-type", message("`{key}` is a table", key=f"children.{field}"), "children", field)
                continue
            document.known(item, ("file", "list", "ticket", "facts"), "children", field)
            path = ("children", field)
            within = document.word(item, "list", *path)
            if within and "file" in item:
                template = message("`file` and `list` are two answers to one question")
                document.say("mapping-value", template, *path, "list", help=message("keep one of them"))
            file = document.word(item, "file", *path, needed=not within)
            found.append(
                ChildSource(
                    grain=grains[field],
                    file=None if within else document.folder / file,
                    list=within,
                    ticket=document.word(item, "ticket", *path, default="ticket_id"),
                    facts=self._facts(document.table(item, "facts", *path), grains[field], *path, "facts"),
                    place=document.place(*path),
                )
            )
        return tuple(found)

    def _calendar(self, root: Mapping[str, object]) -> CalendarSource | None:
        document = self.document
        if "calendar" not in root:
            return None
        table = document.table(root, "calendar")
        document.known(table, ("timezone", "week", "valid", "days", "country"), "calendar")
        week = document.table(table, "week", "calendar")
        document.known(week, WEEKDAYS, "calendar", "week")
        valid = document.words(table, "valid", "calendar", needed=True)
        if len(valid) != 2:
            if valid:
                template = message("`{key}` is a first and a last day", key="calendar.valid")
                document.say("mapping-value", template, "calendar", "valid")
            valid = ("1970-01-01", "1970-01-01")
        days = document.word(table, "days", "calendar")
        country = document.word(table, "country", "calendar")
        if days and country:
            template = message("`days` and `country` are two answers to one question")
            document.say("mapping-value", template, "calendar", "country", help=message("keep one of them"))
        if not week:
            document.say("mapping-missing", message("`{key}` is missing", key="calendar.week"), "calendar")
        return CalendarSource(
            timezone=self._zone(table, "timezone", "calendar", default=self.zone),
            week={day: document.words(week, day, "calendar", "week") for day in week},
            valid=(valid[0], valid[1]),
            days=document.folder / days if days else None,
            country=country,
        )
