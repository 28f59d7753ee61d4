"""Penalties for a missed target: the same results, under the day on which it fell due."""

from __future__ import annotations

from svc_policy.expressions.nodes import ZERO, Expression, add, and_, one_of, strict, subtract, unless_undetermined
from svc_policy.rules.family import Condition, Context, Family, Row
from svc_policy.rules.penalties import RESULTS, least_of, most_of, total


def build(context: Context) -> None:
    """Write which rows fire, and what all penalties of the ticket come to."""
    rows = context.rows("late_penalties")
    conditions = context.collect(
        "late_penalties", "late_penalties", rows, conditions=[_missed(context, row) for row in rows]
    )
    least = total(context, rows, conditions, least_of(context, "late_penalties", "ticket"))
    most = total(context, rows, conditions, most_of(context, "late_penalties", "ticket"))
    incidents = ("incidents_least", "incidents_most") if context.rows("penalties") else ()
    for name, own in (("penalty_least", least), ("penalty_most", most)):
        of_incidents = [
            context.subject(item, "ticket", "late_penalties")
            for item in incidents
            if item.rpartition("_")[2] == name.rpartition("_")[2]
        ]
        whole = add(own, of_incidents[0]) if of_incidents else own
        if context.rows("overrides"):
            waived = context.subject("penalty_waivers", "ticket", "late_penalties")
            whole = strict("greatest", subtract(whole, waived), ZERO)
        context.compute(name, whole)


def _missed(context: Context, row: Row) -> Expression:
    target = str(row.tests["target"].items[0].low.value)  # type: ignore[union-attr]
    status = context.subject(f"{target}_status", "ticket", "late_penalties")
    missed = unless_undetermined(status, one_of(status, ("late", "breached")))
    if context.fixed_day is not None:
        return and_(missed, context.row_condition(row, "late_penalties", "ticket"))
    fell_due = strict("local_day", context.subject(f"{target}_due", "ticket", "late_penalties"))
    return and_(missed, context.row_condition(row, "late_penalties", "ticket", day=fell_due))


FAMILY = Family(
    name="late_penalties",
    zh="逾期处罚",
    grain="ticket",
    policy="collect",
    governing="none",
    conditions=(Condition("target", "text", "目标", required=True),),
    results=RESULTS,
    build=build,
)
