"""The plan of a policy: its steps in order, its columns, the facts it may ask for."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from svc_policy.expressions.steps import Step
from svc_policy.plan.builder import Builder, Column, ParameterValues, Rules
from svc_policy.rules.family import Row


@attrs.frozen(kw_only=True)
class Plan:
    """A policy ready for an engine.

    `tables` gives the rows behind the row numbers and masks of every table
    step; `asked` the facts behind the bits of every needs mask, in order.
    """

    steps: tuple[Step, ...]
    columns: Mapping[str, Column]
    tables: Mapping[str, tuple[Row, ...]]
    asked: tuple[str, ...]
    rules: Rules

    def names(self, grain: str) -> tuple[str, ...]:
        """List the columns of a grain in the order of the steps."""
        return tuple(name for name, column in self.columns.items() if column.grain == grain)


def make_plan(rules: Rules, fixed_day: int | None = None) -> Plan:
    """Write every family of a policy into one plan; `fixed_day` stands in for all governing dates."""
    builder = Builder(rules, fixed_day)
    for family in rules.families.values():
        family.build(builder)
    builder.finish()
    return Plan(
        steps=tuple(builder.steps),
        columns=builder.columns,
        tables=builder.collected,
        asked=tuple(builder.asked),
        rules=rules,
    )


__all__ = ["Builder", "Column", "ParameterValues", "Plan", "Rules", "make_plan"]
