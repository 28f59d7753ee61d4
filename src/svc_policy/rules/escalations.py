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
    choose,
    divide,
    multiply,
    null,
    strict,
    subtract,
    unless_undetermined,
)
from svc_policy.rules.deadlines import clear_start, start_of, stopping, targets, unit_of
from svc_policy.rules.family import Condition, Context, Family, Result, Row

WHOLE = 10_000


def pairs(context: Context) -> list[tuple[Row, str]]:
    """List every row once for each target that it watches, in the table's order."""
    return [(row, target) for row in context.rows("escalations") for target in watched(row)]


def watched(row: Row) -> list[str]:
    """List the targets that a row names."""
    return [str(item.low.value) for item in row.tests["target"].items if item.low is not None]  # type: ignore[union-attr]


def build(context: Context) -> None:
    """Write which rows have fired for which target; the level reached is the highest among them."""
    watching = pairs(context)
    conditions = [
        and_(context.row_condition(row, "escalations", "ticket"), _used_up(context, row, target, number))
        for number, (row, target) in enumerate(watching)
    ]
    context.collect("escalations", "escalations", [row for row, _ in watching], conditions=conditions)


def _used_up(context: Context, row: Row, target: str, number: int) -> Expression:
    threshold = row.tests["used_share"].items[0].low
    assert threshold is not None
    share = context.operand(threshold, "escalations", "ticket")
    live = context.subject(f"{target}_live", "ticket", "escalations")
    instant = _instant(context, target, share, number)
    guard = context.row_condition(row, "escalations", "ticket")
    used_up = and_(certainly(live), certainly(context.reached(instant, and_(live, guard))))
    # How a target stands may be unknown, and then it is unknown whether anybody must be told:
    # whatever hides the due instant hides the share of it, so nothing is used up there.
    return unless_undetermined(context.subject(f"{target}_status", "ticket", "escalations"), used_up)


def _instant(context: Context, target: str, share: Expression, number: int) -> Expression:
    rows = targets(context)[target]
    units = {unit_of(context, row) for row in rows}
    start = start_of(context, target)
    # A target that is over has no share left to watch: its clock need not be asked.
    live = context.subject(f"{target}_live", "ticket", "escalations")
    within = context.subject(f"{target}_within", "ticket", "escalations")
    name = f"{target}_share_{number + 1}"
    if units <= {"s", "working_s"} and len(units) == 1:
        need = divide("ceil_divide", multiply(within, share), WHOLE)
        clock = "calendar" if units == {"s"} else "working"
        begun = clear_start(context, target, start)
        return context.due(name, begun, need, clock, stopping(context, target), when=live)[0]  # type: ignore[arg-type]
    due = choose(live, context.subject(f"{target}_due", "ticket", "escalations"), null("int"))
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
