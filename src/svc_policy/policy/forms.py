"""What stands on a form: its fields, the facts of the ticket that fill them, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import attrs

from svc_policy.decision import Decision
from svc_policy.facts.registry import TICKET
from svc_policy.rules.family import Parameter, Row
from svc_policy.rules.fields import FIELD_KINDS
from svc_policy.tables import match
from svc_policy.units import Kind, Literal, Value, format_literal

if TYPE_CHECKING:
    from svc_policy.facts.registry import Fact
    from svc_policy.policy import Policy
    from svc_policy.policy.views import PolicyViews

_INDEX = {fact.name: index for index, fact in enumerate(TICKET)}
#: Forms on days of which the rows are kept: the tickets of one day ask for the same.
_MOST_KEPT = 4096
_PLAIN_KIND = next(iter(FIELD_KINDS))


@attrs.frozen(kw_only=True)
class FormField:
    """One field of a form under one ticket.

    `value` is in internal units and None where the field is filled in by hand
    or the ticket lacks the fact; `row` is the rule that puts the field there.
    """

    field: str
    fact: Fact | None
    kind: str
    choices: tuple[str, ...]
    value: Value | None
    row: Row

    @property
    def is_missing(self) -> bool:
        """Whether a fact fills the field and the ticket lacks it."""
        return self.fact is not None and self.value is None


def field_rows(policy: PolicyViews, form: str, day: int | None = None) -> tuple[Row, ...]:
    """List the rows of a form's fields in their order; those of one day's edition, or all of them."""
    kept: dict[tuple[str, int | None], tuple[Row, ...]] = policy.__dict__.setdefault("_rows_of_forms", {})
    found = kept.get((form, day))
    if found is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        found = kept[form, day] = _field_rows(policy, form, day)
    return found


def _field_rows(policy: PolicyViews, form: str, day: int | None) -> tuple[Row, ...]:
    rows = [row for row in policy.pack.rows.get("fields", ()) if _stands_on(row, form) and _holds(policy, row, day)]
    return tuple(sorted(rows, key=order_of))


def fields_of(policy: PolicyViews, decision: Decision, form: str) -> tuple[FormField, ...]:
    """Fill the fields of a form, in their order, from the ticket of a decision."""
    facts: dict[str, Fact] | None = policy.__dict__.get("_facts_of_forms")
    if facts is None:
        facts = policy.__dict__["_facts_of_forms"] = {fact.name: fact for fact in policy.pack.settings.facts["ticket"]}
    found = []
    for row in field_rows(policy, form, governing_day(policy, decision)):
        fact = facts.get(row.text("fact") or "")
        found.append(made_of(row, fact, None if fact is None else stated(policy, decision, fact)))
    return tuple(found)


def made_of(row: Row, fact: Fact | None, value: Value | None) -> FormField:
    """Make the field of a row, filled with a value."""
    return FormField(
        field=row.text("field") or "",
        fact=fact,
        kind=row.text("kind") or _PLAIN_KIND,
        choices=cast("tuple[str, ...]", row.results.get("choices") or ()),
        value=value,
        row=row,
    )


def rules_of_fields(policy: PolicyViews, decision: Decision, forms: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of the fields of some forms, each once."""
    seen: set[int] = set()
    day = governing_day(policy, decision)
    for form in dict.fromkeys(forms):
        for row in field_rows(policy, form, day):
            if id(row) not in seen:
                seen.add(id(row))
                yield row


def as_cells(policy: PolicyViews, fields: Iterable[FormField]) -> dict[str, Any]:
    """Give the fields as the cells `fields` and `missing` of a form in a decision."""
    fields = tuple(fields)
    listed = [
        {
            "field": one.field,
            "fact": one.fact.name if one.fact else None,
            "kind": one.kind,
            "value": None if one.fact is None else _shown(policy, one.fact, one.value),
        }
        for one in fields
    ]
    missing = dict.fromkeys(one.fact.name for one in fields if one.fact is not None and one.is_missing)
    return {"fields": listed, "missing": list(missing)}


def stated(policy: PolicyViews, decision: Decision, fact: Fact) -> Value | None:
    """Give the internal value of a ticket's fact: as stated, its default, or what a list says of it."""
    found = _value_of(policy, decision, fact.name)
    listed = policy.plan.rules.lookups.get(("ticket", fact.name)) if found is None else None
    if listed is None:
        return found
    key = _value_of(policy, decision, listed.key)
    return None if key is None else listed.values.get(str(key))


def governing_day(policy: PolicyViews, decision: Decision) -> int:
    """Give the day whose edition of a form is printed: that of the request, else that of the decision."""
    from svc_policy.policy.views import EPOCH

    fixed = getattr(policy, "fixed_on", None)
    if fixed is not None:
        return int(fixed.toordinal()) - EPOCH
    day = policy.column(decision, "request_day")
    if day is not None:
        return int(day)
    at = policy.instant(decision.at_s)
    assert at is not None
    return at.date().toordinal() - EPOCH


def forms_of(policy: Policy) -> tuple[str, ...]:
    """Name the forms of a policy, in the order of its table."""
    return tuple(dict.fromkeys(row.text("form") or "" for row in policy.pack.rows.get("forms", ())))


def _value_of(policy: PolicyViews, decision: Decision, name: str) -> Value | None:
    index = _INDEX.get(name)
    if index is not None:
        return cast("Value | None", decision.ticket.values[index])
    return cast("Value | None", decision.ticket.extra_values.get(name))


def _shown(policy: PolicyViews, fact: Fact, value: Value | None) -> object:
    """Put an internal value into what a ticket states: money in major units, instants in the policy's zone."""
    if value is None:
        return None
    match fact.kind:
        case "money":
            return policy.money(cast("int", value))
        case "instant":
            return policy.instant(cast("int", value))
        case "date":
            return policy.day(cast("int", value))
        case "distance" | "duration" | "share":
            return format_literal(Literal(cast("Kind", fact.kind), value))
        case "bool":
            return bool(value)
        case _:
            return value


def _stands_on(row: Row, form: str) -> bool:
    return match(row.tests["form"], form) is True


def is_in_force(row: Row, day: int) -> bool:
    """Say whether a row's dates take in a day."""
    return (row.since is None or row.since <= day) and (row.until is None or day < row.until)


def adopts(policy: PolicyViews, row: Row, day: int) -> bool:
    """Say whether what a row asks of parameters and readings is what they are on a day."""
    named = [name for name in row.tests if name in policy.pack.settings.parameters and not row.tests[name].any]
    if not named:
        return True
    values = {name: policy.in_force(Parameter(name), day) for name in policy.pack.settings.parameters}
    parameters = {name: literal for name, literal in values.items() if isinstance(literal, Literal)}
    return all(match(row.tests[name], parameters[name].value, parameters=parameters) is True for name in named)


def _holds(policy: PolicyViews, row: Row, day: int | None) -> bool:
    return day is None or (is_in_force(row, day) and adopts(policy, row, day))


def order_of(row: Row) -> tuple[bool, int]:
    """Give where a field stands on its form; those that say nothing come last, in the order of the table."""
    cell = row.results.get("order")
    return (cell is None, int(cast("int", cell.value)) if isinstance(cell, Literal) else 0)
