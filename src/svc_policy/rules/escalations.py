"""Escalations: who is told, what they do, and how the customer is answered.

A row that names a target fires while the target is running and that share of its
allowance has passed, so a level never falls as time passes. Shares of an
allowance in days are shares of the working time (or of the time) between start
and due. With ``next working day`` it fires at the first opening from that
instant on. A row without a target fires on its other conditions alone.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    TRUE,
    Expression,
    add,
    and_,
    certainly,
    choose,
    constant,
    divide,
    multiply,
    null,
    strict,
    subtract,
    unless_undetermined,
)
from svc_policy.rules.deadlines import clear_start, start_of, stopping, targets, unit_of
from svc_policy.rules.family import Condition, Context, Family, Result, Row
from svc_policy.rules.listing import CHOSEN_BY

WHOLE = 10_000
WHEN = ("at once", "next working day")


def pairs(context: Context) -> list[tuple[Row, str]]:
    """List every row once for each target that it watches (once with "" if it watches none), in the table's order."""
    return [(row, target) for row in context.rows("escalations") for target in watched(row) or ("",)]


def watched(row: Row) -> list[str]:
    """List the targets that a row names."""
    test = row.tests.get("target")
    items = test.items if test is not None else ()
    return [str(item.low.value) for item in items if item.low is not None]  # type: ignore[union-attr]


def build(context: Context) -> None:
    """Write which rows have fired for which target; the level reached is the highest among them."""
    watching = pairs(context)
    conditions: list[Expression] = []
    instants: list[str] = []
    for number, (row, target) in enumerate(watching):
        used_up, instant = _used_up(context, row, target, number) if target else (TRUE, "")
        conditions.append(and_(context.row_condition(row, "escalations", "ticket"), used_up))
        instants.append(instant)
    rows = [row for row, _ in watching]
    context.collect("escalations", "escalations", rows, conditions=conditions, instants=instants)


def _used_up(context: Context, row: Row, target: str, number: int) -> tuple[Expression, str]:
    """Write whether a row's share is used up; gives that and the column of the instant from which it is."""
    threshold = row.tests["used_share"].items[0].low
    assert threshold is not None
    share = context.operand(threshold, "escalations", "ticket")
    live = context.subject(f"{target}_live", "ticket", "escalations")
    name = f"{target}_share_{number + 1}"
    instant = _instant(context, name, target, share)
    if row.text("when") == "next working day":
        # A second of work after all that lies before the instant ends a second after the opening.
        opened = strict("work_after", add(strict("work_before", instant), constant(1)))
        name = f"{target}_opening_{number + 1}"
        instant = context.compute(name, subtract(opened, constant(1)))
    guard = context.row_condition(row, "escalations", "ticket")
    used_up = and_(certainly(live), certainly(context.reached(instant, and_(live, guard))))
    # How a target stands may be unknown, and then it is unknown whether anybody must be told:
    # whatever hides the due instant hides the share of it, so nothing is used up there.
    return unless_undetermined(context.subject(f"{target}_status", "ticket", "escalations"), used_up), name


def _instant(context: Context, name: str, target: str, share: Expression) -> Expression:
    rows = targets(context)[target]
    units = {unit_of(context, row) for row in rows}
    start = start_of(context, target)
    # A target that is over has no share left to watch: its clock need not be asked.
    live = context.subject(f"{target}_live", "ticket", "escalations")
    within = context.subject(f"{target}_within", "ticket", "escalations")
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
        Condition("target", "text", "目标"),
        Condition("used_share", "share", "已用比例"),
    ),
    results=(
        Result("level", "count", "级别", required=True),
        Result("notify", "role", "通知", required=True),
        Result("action", "text", "处置"),
        Result("answer", "text", "答复方式"),
        Result("when", "text", "何时", values=WHEN),
        CHOSEN_BY,
    ),
    build=build,
)
