"""Publish the input of the batch engines: a table for each grain, integers named with their units.

The tables are `tickets`, `parts`, `holds`, `incidents`, `overrides` and `materials`, keyed by
`ticket_id`; the lines of a ticket also by `line`, which counts from 0. The other
columns are the facts in registry order, holding what `values` of a record holds:
missing facts with a default are filled in, the other missing ones are null.

==============  =========================  =====================
kind            column                     holds
==============  =========================  =====================
money           `unit_price_minor`         minor units
distance        `distance_m`               metres
area            `area_cm2`                 square centimetres
weight          `box_weight_g`             grams
duration        `labour_s`                 seconds
share           `…_bp`                     basis points
instant         `received_at_s`            epoch seconds, UTC
date            `purchased_on_day`         days since 1970-01-01
count           the fact's name            the same
text, bool      the fact's name            the same
==============  =========================  =====================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from svc_policy.errors import UsageError, problem
from svc_policy.facts.normal import Value, company_facts, declared
from svc_policy.facts.registry import LISTS, MEASURES, Fact, FactKind, Grain
from svc_policy.facts.ticket import Record, Ticket
from svc_policy.messages import message

SqlType = Literal["bigint", "boolean", "text"]

#: The table of each grain.
TABLES: Final[Mapping[Grain, str]] = {"ticket": "tickets", **LISTS}

_TYPES: Final[Mapping[FactKind, SqlType]] = {"text": "text", "bool": "boolean"}
_SUFFIXES: Final[Mapping[FactKind, str]] = {
    "money": "_minor",
    "distance": "_m",
    "area": "_cm2",
    "weight": "_g",
    "duration": "_s",
    "share": "_bp",
    "date": "_day",
    "instant": "_s",
}


@attrs.frozen
class Column:
    """One column: its name with the unit, its fact (None for a key), its SQL type."""

    name: str
    fact: Fact | None
    type: SqlType


def keys(grain: Grain) -> tuple[Column, ...]:
    """List the key columns of a grain's table, which stand before the facts."""
    ticket_id = Column("ticket_id", None, "text")
    return (ticket_id,) if grain == "ticket" else (ticket_id, Column("line", None, "bigint"))


def columns(grain: Grain, facts: Sequence[Fact] = ()) -> tuple[Column, ...]:
    """List the fact columns of a grain's table: the built-in facts, then for tickets the company's own.

    Raises:
        UsageError: A declaration contradicts a built-in fact, or two columns would have one name.
    """
    listed = declared(grain, facts) + (company_facts(facts) if grain == "ticket" else ())
    made = tuple(Column(column_name(fact), fact, _TYPES.get(fact.kind, "bigint")) for fact in listed)
    taken = {column.name for column in keys(grain)}
    for column in made:
        if column.name in taken:
            template = message("two facts would stand in the column `{column}`", column=column.name)
            raise UsageError([problem("fact-column-taken", template)])
        taken.add(column.name)
    return made


def column_name(fact: Fact) -> str:
    """Name the column of a fact: its name, with the unit of the internal value in place of the one outside."""
    name = fact.name
    if fact.kind in MEASURES:
        name = name.removesuffix(f"_{MEASURES[fact.kind][0]}")
    elif fact.kind == "duration":
        # `contract_hours_left_s` would name two units.
        name = name.removesuffix("_hours").replace("_hours_", "_time_")
    return name + _SUFFIXES.get(fact.kind, "")


def row(record: Record) -> tuple[Value, ...]:
    """Return the row of one record in the order of :func:`columns`, without its keys."""
    if not isinstance(record, Ticket):
        return record.values
    return record.values + tuple(record.extra_values.get(fact.name) for fact in company_facts(record.facts))


def rows(ticket: Ticket) -> dict[str, list[tuple[Value, ...]]]:
    """Return the rows of a ticket by table, with their keys before the columns."""
    found = {"tickets": [(ticket.ticket_id, *row(ticket))]}
    for field in LISTS.values():
        found[field] = [(ticket.ticket_id, line, *row(record)) for line, record in enumerate(getattr(ticket, field))]
    return found
