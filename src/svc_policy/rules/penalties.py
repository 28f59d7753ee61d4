"""Penalties: who is liable, for how much, or who decides; one judgement an incident.

An amount is a figure, a range, or nothing at all but the role that decides: a
figure is never invented. The rule in force is the one of the incident's day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from svc_policy.expressions.nodes import ZERO, Expression, add, choose, constant
from svc_policy.rules.family import Context, Family, Result, Row
from svc_policy.rules.working_hours import HAPPENED, asks, lies_in_working_hours

#: A finding is noted and carries no penalty.
OUTCOMES = ("penalty", "finding")
RESULTS = (
    Result("liable", "role", "责任人", required=True),
    Result("amount", "money", "金额"),
    Result("least", "money", "下限"),
    Result("most", "money", "上限"),
    Result("decided by", "role", "裁定人"),
    Result("outcome", "text", "结果", values=OUTCOMES),
)
#: The amount is what a fact of the incident says: the loss, the extra cost.
AMOUNT_OF = Result("amount of", "text", "金额取自")


def build(context: Context) -> None:
    """Write which rows fire for each incident, and the least and most they come to."""
    rows = context.rows("penalties")
    _add_working_hours(context, rows)
    conditions = context.collect("penalties", "penalties", rows, grain="incident")
    least = context.compute(
        "incident_least", total(context, rows, conditions, least_of(context, "penalties", "incident")), grain="incident"
    )
    most = context.compute(
        "incident_most", total(context, rows, conditions, most_of(context, "penalties", "incident")), grain="incident"
    )
    context.gather("incidents_least", "incident", "sum", least)
    context.gather("incidents_most", "incident", "sum", most)


def _add_working_hours(context: Context, rows: Sequence[Row]) -> None:
    """Write whether the incident happened in working hours, where a row asks."""
    if asks(rows, HAPPENED):
        instant = context.subject("occurred_at", "incident", "penalties")
        context.compute(HAPPENED, lies_in_working_hours(instant), grain="incident", aside=True)


def total(
    context: Context, rows: Sequence[Row], conditions: Sequence[Expression], amount: Callable[[Row], Expression]
) -> Expression:
    """Add up what the rows that hold come to; unknown while one of them is."""
    result = ZERO
    for row, condition in zip(rows, conditions, strict=True):
        result = add(result, choose(condition, amount(row), constant(0)))
    return result


def least_of(context: Context, family: str, grain: str) -> Callable[[Row], Expression]:
    """Make the reader of a row's least amount: its figure, the low end of its range, or 0."""
    return lambda row: _stated(context, family, grain, row, "amount", "least")


def most_of(context: Context, family: str, grain: str) -> Callable[[Row], Expression]:
    """Make the reader of a row's greatest amount: its figure, the high end of its range, or 0."""
    return lambda row: _stated(context, family, grain, row, "amount", "most")


def _stated(context: Context, family: str, grain: str, row: Row, *names: str) -> Expression:
    fact = row.text("amount of")
    if fact is not None:
        return context.subject(fact, grain, family)
    for name in names:
        cell = row.results.get(name)
        if cell is not None:
            return context.cell(cell, family, grain)
    return ZERO


FAMILY = Family(
    name="penalties",
    zh="处罚",
    grain="incident",
    policy="collect",
    governing="incident",
    results=(*RESULTS, AMOUNT_OF),
    build=build,
)
