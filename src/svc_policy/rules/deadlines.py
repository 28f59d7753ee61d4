"""Deadlines: what is due, from which milestone to which, by which clock, and how it stands.

A target is named after the milestone that ends it; the rows that share an end
are the target's windows, and one of them holds. Done at the due instant is in
time. A hold stops the clock of the targets that its kind names.
"""

from __future__ import annotations

from collections.abc import Sequence

from svc_policy.expressions.nodes import (
    FALSE,
    ZERO,
    Expression,
    add,
    and_,
    at_most,
    certainly,
    choose,
    constant,
    equal,
    first_known,
    is_missing,
    is_present,
    is_undetermined,
    less,
    not_,
    null,
    one_of,
    or_,
    strict,
    subtract,
)
from svc_policy.expressions.steps import Clock
from svc_policy.facts.registry import MILESTONES
from svc_policy.rules.family import Condition, Context, Family, Parameter, Result, Row
from svc_policy.units import Allowance

CLOCKS = ("calendar", "working")
STATUSES = (
    "not started",
    "pending",
    "on hold",
    "met",
    "late",
    "breached",
    "cancelled",
    "not applicable",
    "undetermined",
)


def build_holds(context: Context) -> None:
    """Nothing to compute: which hold stops which target is read by :func:`stopping`."""


def stopping(context: Context, target: str) -> tuple[str, ...]:
    """List the kinds of hold that stop a target's clock."""
    kinds: list[str] = []
    for row in context.rows("holds"):
        stops = row.results.get("stops") or ()
        if isinstance(stops, tuple) and (target in stops or "all" in stops):
            kinds.extend(str(item.low.value) for item in row.tests["hold_kind"].items if item.low is not None)  # type: ignore[union-attr]
    return tuple(dict.fromkeys(kinds))


def targets(context: Context) -> dict[str, list[Row]]:
    """Group the rows of the table by the milestone that ends them, in the table's order."""
    groups: dict[str, list[Row]] = {}
    for row in context.rows("deadlines"):
        groups.setdefault(row.text("ends") or "", []).append(row)
    return groups


def build(context: Context) -> None:
    """Write start, due instant and status of every target."""
    for target, rows in targets(context).items():
        _build_target(context, target, rows)


def unit_of(context: Context, row: Row) -> str:
    """Name the unit of a row's allowance, its clock taken into account.

    One of ``s``, ``working_s``, ``working_days``, ``days``, ``months``.
    """
    cell = row.results["within"]
    if isinstance(cell, Parameter):
        unit = context.parameter_unit(cell.name)
    else:
        value = cell.value  # type: ignore[union-attr]
        unit = value.unit if isinstance(value, Allowance) else "s"
    if row.text("clock") == "working":
        return {"s": "working_s", "days": "working_days"}.get(unit, unit)
    return unit


def _build_target(context: Context, target: str, rows: Sequence[Row]) -> None:
    milestones = {id(row): moment(context, row.text("starts") or "") for row in rows}
    units = {id(row): unit_of(context, row) for row in rows}
    # By name: of a kind of tickets that has neither, both are the same nothing.
    starts = {row.text("starts") for row in rows}
    outputs = {f"{target}_within": lambda row: context.cell(row.results["within"], "deadlines", "ticket")}
    if len(starts) > 1:
        outputs[f"{target}_start"] = lambda row: milestones[id(row)]
    if len(set(units.values())) > 1:
        outputs[f"{target}_unit"] = lambda row: constant(units[id(row)])
    chosen = context.choose(f"{target}", "deadlines", rows, outputs)
    within = chosen[f"{target}_within"]
    start = chosen[f"{target}_start"] if len(starts) > 1 else milestones[id(rows[0])]
    stops = stopping(context, target)

    dues: list[Expression] = []
    opens: list[Expression] = []
    for unit in dict.fromkeys(units.values()):
        alone = len(set(units.values())) == 1
        need = within if alone else choose(equal(chosen[f"{target}_unit"], constant(unit)), within, null("int"))
        due, is_open = _due(context, f"{target}_due_{unit}", clear_start(context, target, start), need, unit, stops)
        dues.append(due)
        opens.append(is_open)
    row_number = context.subject(f"{target}_row", "ticket", "deadlines")
    due = context.compute(f"{target}_due", first_known(*dues))
    stopped = or_(*(certainly(item) for item in opens))
    applies = less(ZERO, row_number)
    _build_status(context, target, rows, applies=applies, start=start, due=due, stopped=stopped)


def start_of(context: Context, target: str) -> Expression:
    """Give the instant from which a target's clock runs."""
    if context.has(f"{target}_start"):
        return context.subject(f"{target}_start", "ticket", "deadlines")
    starts = targets(context)[target][0].text("starts") or ""
    return moment(context, starts)


def moment(context: Context, milestone: str) -> Expression:
    """Give the instant of a milestone; a date stands for the beginning of its day."""
    name = MILESTONES[milestone]
    subject = context.subject(name, "ticket", "deadlines")
    if not name.endswith("_on"):
        return subject
    return add(strict("day_end", subtract(subject, constant(1))), constant(1))


def clear_start(context: Context, target: str, start: Expression) -> Expression:
    """Give the start of a target's clock, unknown while a hold that may stop it lacks its kind or its beginning."""
    stops = stopping(context, target)
    if not stops:
        return start
    name = "_".join(("unclear", *stops))
    if not context.has(name):
        begun = context.subject("from_at", "hold", "holds")
        # False where the beginning is stated, unknown where it is not.
        beginning = less(begun, begun)
        stopped = one_of(context.subject("hold_kind", "hold", "holds"), stops)
        context.gather(name, "hold", "any", choose(stopped, beginning, FALSE))
    return choose(context.subject(name, "ticket", "holds"), null("int"), start)


def _due(
    context: Context, name: str, start: Expression, need: Expression, unit: str, stops: Sequence[str]
) -> tuple[Expression, Expression]:
    clocks: dict[str, Clock] = {"s": "calendar", "working_s": "working", "working_days": "working_days"}
    if unit in clocks:
        return context.due(name, start, need, clocks[unit], stops)
    day = strict("local_day", start)
    last = strict("add_months", day, need) if unit == "months" else add(day, need)
    return context.compute(name, strict("day_end", last)), FALSE


def _build_status(
    context: Context,
    target: str,
    rows: Sequence[Row],
    *,
    applies: Expression,
    start: Expression,
    due: Expression,
    stopped: Expression,
) -> None:
    done = moment(context, target)
    closed = context.subject("closed_at", "ticket", "deadlines")
    live = and_(certainly(applies), is_missing(done), is_present(start), is_missing(closed))
    context.compute(f"{target}_live", live)
    live = context.subject(f"{target}_live", "ticket", "deadlines")
    overdue = add(due, constant(1))
    unknown = null("text")
    finished = choose(
        is_missing(start),
        unknown,
        choose(
            or_(stopped, certainly(at_most(done, due))),
            constant("met"),
            choose(is_missing(due), unknown, constant("late")),
        ),
    )
    waiting = choose(
        is_undetermined(start), unknown, choose(is_present(closed), constant("cancelled"), constant("not started"))
    )
    over = choose(
        stopped, constant("cancelled"), choose(less(due, closed), constant("breached"), constant("cancelled"))
    )
    passed = certainly(context.reached(overdue, and_(live, not_(stopped), is_present(due))))
    running = choose(
        stopped,
        constant("on hold"),
        choose(is_missing(due), unknown, choose(passed, constant("breached"), constant("pending"))),
    )
    open_ = choose(is_missing(start), waiting, choose(is_present(closed), over, running))
    status = choose(applies, choose(is_present(done), finished, open_), constant("not applicable"))
    # An end without its start cannot be judged: ask for the start even though it is no fact to ask for beforehand.
    ask_start = _ask_start(context, target, rows)
    known_row = context.needs(context.subject(f"{target}_row", "ticket", "deadlines"))
    needs = choose(
        is_missing(applies),
        known_row,
        choose(
            and_(certainly(applies), is_missing(start), or_(is_present(done), is_undetermined(start))),
            ask_start,
            context.needs(due),
        ),
    )
    context.compute(f"{target}_status", status, needs=needs)


def _ask_start(context: Context, target: str, rows: Sequence[Row]) -> Expression:
    """Ask for the milestone from which the row that holds counts."""
    asks = [context.ask(MILESTONES[row.text("starts") or ""]) for row in rows]
    number = context.subject(f"{target}_row", "ticket", "deadlines")
    result = asks[-1]
    for index, asked in enumerate(asks[:-1]):
        result = choose(certainly(equal(number, constant(index + 1))), asked, result)
    return result


FAMILY = Family(
    name="deadlines",
    zh="时限",
    grain="ticket",
    policy="unique",
    governing="request",
    group_by="ends",
    results=(
        Result("starts", "text", "起点", required=True, values=tuple(MILESTONES)),
        Result("ends", "text", "终点", required=True, values=tuple(MILESTONES)),
        Result("within", "allowance", "时限", required=True),
        Result("clock", "text", "计时", values=CLOCKS),
        Result("owner", "role", "负责人"),
    ),
    build=build,
)

HOLDS = Family(
    name="holds",
    zh="暂停",
    grain="hold",
    policy="unique",
    governing="none",
    results=(Result("stops", "texts", "停止的时限"),),
    conditions=(Condition("hold_kind", "text", "暂停类型", required=True),),
    build=build_holds,
)

__all__ = ["FAMILY", "HOLDS", "STATUSES", "clear_start", "start_of", "stopping", "targets", "unit_of"]
