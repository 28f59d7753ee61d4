"""A form as a sheet of paper: its fields filled from a ticket, places to write, whom the copies go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from svc_policy.book.phrases import Phrases
from svc_policy.decision import Decision
from svc_policy.errors import UsageError, nearest, problem
from svc_policy.messages import Language, message
from svc_policy.policy.forms import (
    FormField,
    adopts,
    field_rows,
    fields_of,
    forms_of,
    governing_day,
    is_in_force,
    made_of,
)
from svc_policy.rules.family import Row
from svc_policy.tables import name_key
from svc_policy.units import Kind, Literal, Value

if TYPE_CHECKING:
    from svc_policy.facts.registry import Fact
    from svc_policy.policy import Policy


@attrs.frozen(kw_only=True)
class Box:
    """One choice, ticked or not."""

    text: str
    is_ticked: bool


@attrs.frozen(kw_only=True)
class Entry:
    """One field: what is printed before it, what it takes, what the ticket fills in, the boxes of a choice."""

    label: str
    kind: str
    value: str
    boxes: tuple[Box, ...]
    source: str
    row: Row

    @property
    def is_open(self) -> bool:
        """Whether it is filled in by hand."""
        return not self.value and not any(box.is_ticked for box in self.boxes)


@attrs.frozen(kw_only=True)
class Copy:
    """One rule of the form: who fills it in, how many copies there are, whom they go to, when it is due."""

    owner: str
    copies: int
    recipient: str
    chosen_by: str
    when: tuple[str, ...]
    row: Row


@attrs.frozen(kw_only=True)
class Clause:
    """A clause that a form rests on."""

    id: str
    place: str
    wording: str


@attrs.frozen(kw_only=True)
class FormSheet:
    """A form, blank or filled in. `ticket` and `at` are empty on a blank one, `is_due` None."""

    name: str
    title: str
    policy: str
    ticket: str
    at: str
    is_due: bool | None
    fields: tuple[Entry, ...]
    copies: tuple[Copy, ...]
    clauses: tuple[Clause, ...]


def find_form(policy: Policy, name: str) -> str | None:
    """Find a form by its name or by its label in either language."""
    labels = policy.pack.labels
    for form in forms_of(policy):
        if name_key(name) in {name_key(text) for text in (form, *labels.get(form, ()))}:
            return form
    return None


def form_page(policy: Policy, form: str, decision: Decision | None = None, language: Language = "en") -> str:
    """Print a form as one page of HTML that needs nothing else: from a ticket's decision, or blank."""
    from svc_policy.pages import render

    return render("book/form.html", language, {"sheet": form_sheet(policy, form, decision, language)})


def form_sheet(policy: Policy, form: str, decision: Decision | None = None, language: Language = "en") -> FormSheet:
    """Put together what stands on a form; without a decision nothing is filled in.

    Raises:
        UsageError: The policy has no form of that name.
    """
    known = forms_of(policy)
    if form not in known:
        near = nearest(form, known)
        advice = message("did you mean `{near}`?", near=near) if near else None
        raise UsageError([problem("form-unknown", message("the policy has no form `{name}`", name=form), help=advice)])
    words = Phrases(policy, language)
    if decision is None:
        from datetime import datetime

        from svc_policy.book.phrases import epoch_day

        return blank_sheet(words, form, epoch_day(policy.fixed_on or datetime.now(policy.zone).date()))
    due = [row for _, row in policy.fired(decision, "forms") if row.text("form") == form]
    day = governing_day(policy, decision)
    at = policy.instant(decision.at_s)
    return _sheet(
        words,
        form,
        fields_of(policy, decision, form),
        due or _rows_of(words, form, day),
        ticket=decision.ticket.ticket_id,
        at=words.instant(at) if at else "",
        is_due=bool(due),
    )


def blank_sheet(words: Phrases, form: str, day: int | None = None) -> FormSheet:
    """Put together a blank form in the edition of a day, or in all its editions."""
    facts = words.facts
    fields = [made_of(row, facts.get(row.text("fact") or ""), None) for row in field_rows(words.policy, form, day)]
    return _sheet(words, form, fields, _rows_of(words, form, day))


def _rows_of(words: Phrases, form: str, day: int | None) -> list[Row]:
    rows = [row for row in words.policy.pack.rows.get("forms", ()) if row.text("form") == form]
    if day is None:
        return rows
    current = [row for row in rows if is_in_force(row, day) and adopts(words.policy, row, day)]
    return current or rows


def _sheet(
    words: Phrases,
    form: str,
    fields: Sequence[FormField],
    rows: Sequence[Row],
    ticket: str = "",
    at: str = "",
    is_due: bool | None = None,
) -> FormSheet:
    policy = words.policy
    cites = dict.fromkeys(cite for row in (*rows, *(one.row for one in fields)) for cite in row.cites)
    clauses = (policy.pack.clauses[cite] for cite in cites)
    return FormSheet(
        name=form,
        title=words.label(form),
        policy=f"{policy.id}@{policy.digest[:12]}",
        ticket=ticket,
        at=at,
        is_due=is_due,
        fields=tuple(_entry(words, one) for one in fields),
        copies=tuple(_copy(words, row) for row in rows),
        clauses=tuple(
            Clause(id=one.id, place=one.place, wording=one.zh if words.is_chinese else one.en) for one in clauses
        ),
    )


def _copy(words: Phrases, row: Row) -> Copy:
    copies = row.results.get("copies")
    parameters = words.policy.pack.settings.parameters
    tests = {name: test for name, test in row.tests.items() if not test.any and name not in parameters}
    return Copy(
        owner=words.label(row.text("owner")),
        copies=copies.value if isinstance(copies, Literal) and isinstance(copies.value, int) else 1,
        recipient=words.label(row.text("recipient")),
        chosen_by=words.label(row.text("chosen by")),
        when=tuple(words.condition(name, test, "forms") for name, test in tests.items()),
        row=row,
    )


def _entry(words: Phrases, one: FormField) -> Entry:
    value = "" if one.fact is None or one.value is None else _said(words, one.fact, one.value)
    boxes: tuple[Box, ...] = ()
    if one.kind == "choice":
        boxes = _boxes(words, one, value)
        value = "" if any(box.is_ticked for box in boxes) else value
    return Entry(
        label=words.label(one.field),
        kind=one.kind,
        value=value,
        boxes=boxes,
        source=words.fact(one.fact.name) if one.fact is not None else "",
        row=one.row,
    )


def _boxes(words: Phrases, one: FormField, value: str) -> tuple[Box, ...]:
    """Give the choices of a field: its own, else the values of its fact."""
    stated = {True: "yes", False: "no"}.get(one.value, one.value) if isinstance(one.value, bool) else one.value
    names = one.choices
    if not names and one.fact is not None:
        names = ("yes", "no") if one.fact.kind == "bool" else tuple(one.fact.values)
    boxes = []
    for name in names:
        text = _choice(words, one, name)
        is_ticked = one.value is not None and (str(stated) == name or value == text)
        boxes.append(Box(text=text, is_ticked=is_ticked))
    return tuple(boxes)


def _choice(words: Phrases, one: FormField, name: str) -> str:
    fact = one.fact
    if name in words.policy.pack.labels:
        return words.label(name)
    if fact is not None and name in fact.values:
        return fact.values[name][words.is_chinese]
    if name in ("yes", "no"):
        return words(message("yes") if name == "yes" else message("no"))
    return words.label(name)


def _said(words: Phrases, fact: Fact, value: Value) -> str:
    """Write a ticket's fact as a form shows it; free text stays as it was stated."""
    if isinstance(value, str):
        return fact.values[value][words.is_chinese] if value in fact.values else value
    kind: Kind = fact.kind
    return words.literal(Literal(kind, bool(value) if kind == "bool" else value))
