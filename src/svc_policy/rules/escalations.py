"""Escalations: who is told once a share of a target's allowance is used up.

A row fires while its target is running and that share has passed, so a level
never falls as time passes. Shares of an allowance in days are shares of the
working time (or of the time) between start and due.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    Expression,
    add,
    and_,
    certainly,
    constant,
    divide,
    multiply,
    strict,
    subtract,
)
from svc_policy.rules.deadlines import stopping, targets, unit_of
from svc_policy.rules.family import Condition, Context, Family, Result, Row

WHOLE = 10_000


def build(context: Context) -> None:
    """Write which rows have fired; the level reached is the highest among them."""
    rows = context.rows("escalations")
    conditions = [
        and_(context.row_condition(row, "escalations", "ticket"), _used_up(context, row, number))
        for number, row in enumerate(rows)
    ]
    context.collect("escalations", "escalations", rows, conditions=conditions)


def _used_up(context: Context, row: Row, number: int) -> Expression:
    target = str(row.tests["target"].items[0].low.value)  # type: ignore[union-attr]
    threshold = row.tests["used_share"].items[0].low
    assert threshold is not None
    share = context.operand(threshold, "escalations", "ticket")
    live = context.subject(f"{target}_live", "ticket", "escalations")
    instant = _instant(context, target, share, number)
    guard = context.row_condition(row, "escalations", "ticket")
    return and_(certainly(live), certainly(context.reached(instant, and_(live, guard))))


def _instant(context: Context, target: str, share: Expression, number: int) -> Expression:
    rows = targets(context)[target]
    units = {unit_of(context, row) for row in rows}
    start = context.start_of(target)
    within = context.subject(f"{target}_within", "ticket", "escalations")
    name = f"{target}_share_{number + 1}"
    if units <= {"s", "working_s"} and len(units) == 1:
        need = divide("ceil_divide", multiply(within, share), WHOLE)
        clock = "calendar" if units == {"s"} else "working"
        return context.due(name, start, need, clock, stopping(context, target))[0]  # type: ignore[arg-type]
    due = context.subject(f"{target}_due", "ticket", "escalations")
    if units <= {"working_days", "working_s"}:
        begun = strict("work_before", start)
        whole = subtract(strict("work_before", due), begun)
        part = divide("ceil_divide", multiply(whole, share), WHOLE)
        return context.compute(name, strict("work_after", add(begun, part)))
    part = divide("ceil_divide", multiply(subtract(due, start), share), WHOLE)
    return context.compute(name, add(start, part))


FAMILY = Family(
    name="escalations",
    zh="升级",
    grain="ticket",
    policy="collect",
    governing="request",
    conditions=(
        Condition("target", "text", "目标", required=True),
        Condition("used_share", "share", "已用比例", required=True),
    ),
    results=(
        Result("level", "count", "级别", required=True),
        Result("notify", "role", "通知", required=True),
    ),
    build=build,
)

__all__ = ["FAMILY", "WHOLE", "constant"]
