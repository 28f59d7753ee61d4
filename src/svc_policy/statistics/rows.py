"""Rows of tables that are no part of a decision: which are in force, and what their cells hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from svc_policy.policy.json import rule_to_dict
from svc_policy.rules.family import Parameter, Row
from svc_policy.tables import match
from svc_policy.units import Literal, Value

if TYPE_CHECKING:
    from svc_policy.policy import Policy


def rows_in_force(policy: Policy, table: str, day: int) -> list[Row]:
    """List the rows of a table that are in force on a day, and whose readings are those adopted then."""
    values = parameters_on(policy, day)
    return [
        row
        for row in policy.pack.rows.get(table, ())
        if (row.since is None or row.since <= day)
        and (row.until is None or day < row.until)
        and all(
            match(test, values[name], parameters=values) is True
            for name, test in row.tests.items()
            if name in values and not test.any
        )
    ]


def use_of(policy: Policy, table: str, row: Row) -> dict[str, Any]:
    """Name a row that a figure rests on, as a decision names its rules."""
    return rule_to_dict(policy.rule_use(table, row))


def parameters_on(policy: Policy, day: int) -> Mapping[str, Value | None]:
    """Give the value of each parameter on a day."""
    found: dict[str, Value | None] = {}
    for name in policy.pack.settings.parameters:
        literal = policy.in_force(Parameter(name), day)
        found[name] = literal.value if isinstance(literal, Literal) else None
    return found


def figure(policy: Policy, row: Row, name: str, day: int) -> int | None:
    """Give the number in a result cell on a day; None where it is empty."""
    cell = policy.in_force(row.results.get(name), day)
    return cell.value if isinstance(cell, Literal) and isinstance(cell.value, int) else None
