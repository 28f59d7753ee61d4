"""The policy as a document: title page, contents, clauses, readings, tables, forms, calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import attrs

from svc_policy.book.calendar import Hours, hours_of
from svc_policy.book.forms import Entry, FormSheet, blank_sheet
from svc_policy.book.phrases import Phrases, epoch_day
from svc_policy.book.tables import Rule, Table, Tables
from svc_policy.messages import Language, Message, message
from svc_policy.policy.forms import forms_of
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row

if TYPE_CHECKING:
    from svc_policy.pack.settings import Interpretation
    from svc_policy.policy import Policy

#: So many entries of a list are printed; of a longer one it is said how many it has.
MOST_ENTRIES = 40


@attrs.frozen(kw_only=True)
class Use:
    """The rules of one table that something is used by: each one's name, and where it stands in the book."""

    title: str
    rules: tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class ClauseEntry:
    """One clause with the rules that put it into practice, and the readings of it."""

    id: str
    place: str
    wording: str
    uses: tuple[Use, ...]
    readings: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ValueEntry:
    """One parameter or interpretation: what it says, its value, and the rules that rest on it."""

    name: str
    text: str
    value: str
    since: str
    clauses: tuple[str, ...]
    uses: tuple[Use, ...]


@attrs.frozen(kw_only=True)
class ListEntry:
    """One keyed list: headings and entries, as many as are printed."""

    name: str
    headings: tuple[str, ...]
    entries: tuple[tuple[str, ...], ...]
    count: int


@attrs.frozen(kw_only=True)
class FieldEntry:
    """One field of a form, and the rule that puts it there; `anchor` is empty where the rule is printed already."""

    entry: Entry
    rule: Rule


@attrs.frozen(kw_only=True)
class FormEntry:
    """One form: who fills it in, in how many copies and for whom, and what stands on it."""

    sheet: FormSheet
    fields: tuple[FieldEntry, ...]


@attrs.frozen(kw_only=True)
class Book:
    """A policy as it is printed, in one language, in the edition of one day."""

    title: str
    id: str
    digest: str
    edition: str
    approver: str
    sources: str
    settings: tuple[tuple[str, str], ...]
    clauses: tuple[ClauseEntry, ...]
    readings: tuple[ValueEntry, ...]
    parameters: tuple[ValueEntry, ...]
    tables: tuple[Table, ...]
    forms: tuple[FormEntry, ...]
    roles: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    lists: tuple[ListEntry, ...]
    hours: Hours | None
    rules: int


def book_page(policy: Policy, language: Language = "en", on: date | None = None) -> str:
    """Print a policy as one page of HTML that needs nothing else.

    Args:
        policy: The policy; of one that extends another, the tables as they are merged.
        language: `en` or `zh`.
        on: The day of the edition; today in the policy's zone unless given. Rules that are not in force on it are
            printed, and said not to be.
    """
    from datetime import datetime

    from svc_policy.pages import render

    day = on or policy.fixed_on or datetime.now(policy.zone).date()
    return render("book/book.html", language, {"book": make_book(policy, language, day)})


def make_book(policy: Policy, language: Language, day: date) -> Book:
    """Put together what is printed."""
    words = Phrases(policy, language)
    pack, settings = policy.pack, policy.pack.settings
    writer = Tables(words, epoch_day(day))
    # What stands on a form is printed with the form.
    tables = tuple(table for table in writer.tables() if table.name != "fields")
    rows = [(table, row) for table, of in pack.rows.items() for row in of]
    resting = _by_name(writer, ((name, table, row) for table, row in rows for name in row.rests_on))
    citing = _by_name(writer, ((cite, table, row) for table, row in rows for cite in row.cites))
    return Book(
        title=settings.titles[language],
        id=policy.id,
        digest=policy.digest[:12],
        edition=words.day(day),
        approver=words.label(settings.approver) if settings.approver else "",
        sources=words.listed(settings.sources),
        settings=tuple(_money(words)),
        clauses=tuple(
            ClauseEntry(
                id=clause.id,
                place=clause.place,
                wording=clause.zh if words.is_chinese else clause.en,
                uses=citing.get(clause.id, ()),
                readings=tuple(name for name, one in settings.interpretations.items() if clause.id in one.cites),
            )
            for clause in pack.clauses.values()
        ),
        readings=tuple(
            _reading(words, name, one, resting.get(name, ())) for name, one in settings.interpretations.items()
        ),
        parameters=tuple(
            ValueEntry(
                name=name,
                text=settings.labels[name][words.is_chinese] if name in settings.labels else name,
                value=words.parameter(name),
                since="",
                clauses=settings.cites.get(name, ()),
                uses=resting.get(name, ()),
            )
            for name in settings.parameters
            if name not in settings.interpretations
        ),
        tables=tables,
        forms=tuple(_forms(writer)),
        roles=tuple((words.label(name), " / ".join(reversed(texts))) for name, texts in settings.roles.items()),
        facts=tuple(_facts(words)),
        lists=tuple(_lists(words)),
        hours=hours_of(words, day.year),
        rules=len(rows),
    )


def _by_name(writer: Tables, named: Iterable[tuple[str, str, Row]]) -> Mapping[str, tuple[Use, ...]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, table, row in named:
        # The editions of a rule are one rule to whoever looks it up: the first is linked to.
        found.setdefault(name, {}).setdefault(table, {}).setdefault(row.id, writer.anchors[id(row)])
    return {
        name: tuple(
            Use(title=writer.title(FAMILIES[table]), rules=tuple(rules.items())) for table, rules in tables.items()
        )
        for name, tables in found.items()
    }


def _forms(writer: Tables) -> Iterable[FormEntry]:
    """Put together every form with all editions of its fields."""
    printed: set[str] = set()
    for form in forms_of(writer.policy):
        sheet = blank_sheet(writer.words, form)
        fields = []
        for entry in sheet.fields:
            rule = writer.rule(FAMILIES["fields"], entry.row, ())
            if rule.anchor in printed:
                rule = attrs.evolve(rule, anchor="")
            printed.add(rule.anchor)
            fields.append(FieldEntry(entry=entry, rule=rule))
        yield FormEntry(sheet=sheet, fields=tuple(fields))


def _reading(words: Phrases, name: str, one: Interpretation, uses: Sequence[Use]) -> ValueEntry:
    return ValueEntry(
        name=name,
        text=one.zh if words.is_chinese else one.en,
        value=words.parameter(name) if name in words.parameters else "",
        since=_day(words, one.since),
        clauses=one.cites,
        uses=tuple(uses),
    )


def _day(words: Phrases, text: str) -> str:
    try:
        return words.day(date.fromisoformat(text))
    except ValueError:
        return text


def _money(words: Phrases) -> Iterable[tuple[str, str]]:
    from svc_policy.rules.family import Parameter
    from svc_policy.units import Literal

    settings = words.policy.pack.settings
    yield words(message("currency")), settings.currency
    yield words(message("time zone")), settings.timezone
    tax = settings.money.tax
    if tax is None or not any(words.policy.pack.rows.get(table) for table in ("fees", "part_fees")):
        return
    rate = words.parameter(tax.name) if isinstance(tax, Parameter) else ""
    yield words(message("tax")), words.literal(tax) if isinstance(tax, Literal) else rate
    included = settings.money.prices_include_tax
    yield words(message("prices")), words(message("with tax") if included else message("without tax"))
    place = settings.money.rounding_place
    rounding = message("half up, on each line") if place == "line" else message("half up, on the total")
    yield words(message("tax is rounded")), words(rounding)


_ABSENCE: Mapping[str, Message] = {
    "unknown": message("if it is missing it is asked for"),
    "none": message("if it is missing there is none"),
    "not yet": message("if it is missing it has not happened yet"),
    "default": message("if it is missing it is: {value}"),
}


def _facts(words: Phrases) -> Iterable[tuple[str, str]]:
    """Name the facts that the company adds, and what their absence means."""
    from svc_policy.facts.registry import BUILT_IN

    known = {fact.name for of in BUILT_IN.values() for fact in of}
    for fact in words.policy.pack.settings.company_facts:
        if fact.name not in known:
            default = words.value(fact, fact.default)
            text = words(message(_ABSENCE[fact.absence].template, value=default))
            yield words.fact(fact.name), text


def _lists(words: Phrases) -> Iterable[ListEntry]:
    from svc_policy.units import Literal

    pack = words.policy.pack
    for name, lookup in pack.settings.lookups.items():
        entries = pack.lookups.get(name, {})
        facts = [words.facts.get(filled) for filled in lookup.fills]
        shown = []
        for key, values in list(entries.items())[:MOST_ENTRIES]:
            cells = [
                words.literal(Literal(fact.kind, value)) if fact is not None else str(value)
                for fact, value in zip(facts, values, strict=True)
            ]
            shown.append((key, *cells))
        yield ListEntry(
            name=name,
            headings=(words.fact(lookup.key), *(words.fact(filled) for filled in lookup.fills)),
            entries=tuple(shown),
            count=len(entries),
        )
