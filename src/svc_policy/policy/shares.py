"""How much of a target's allowance is used, how long is left, when it would be due: views, not results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from svc_policy.errors import CalendarError
from svc_policy.facts.registry import MILESTONES, TICKET
from svc_policy.rules.family import Row
from svc_policy.units import Allowance, Literal
from svc_policy.worktime import Hold, absolute_elapsed_s
from svc_policy.worktime.holds import resumed as closed_now

if TYPE_CHECKING:
    from svc_policy.decision import Cell, Decision
    from svc_policy.engines.runtime import PolicyClocks
    from svc_policy.policy.views import PolicyViews

WHOLE = 10_000
_INDEX = {fact.name: index for index, fact in enumerate(TICKET)}
_RUNNING = ("pending", "on hold", "breached")


def share_and_left(
    views: PolicyViews, decision: Decision, target: str, row: Row | None, status: str
) -> tuple[int | None, int | None, int | None]:
    """Give used share (basis points), seconds left until due, and due if resumed now (epoch seconds).

    A working clock knows nothing outside its calendar: there the share is None,
    and so is the due if resumed; the decision itself stands.
    """
    if row is None or status not in (*_RUNNING, "met", "late"):
        return None, None, None
    start = _value(views, decision, MILESTONES[row.text("starts") or ""])
    done = _value(views, decision, MILESTONES[target])
    due = views.column(decision, f"{target}_due")
    if start is None:
        return None, None, None
    until = decision.at_s if done is None else done
    stops = _stops(views, target) if decision.ticket.holds else frozenset()
    holds = [(hold.values[1], hold.values[2]) for hold in decision.ticket.holds if hold.values[0] in stops]
    unit, need = _need(views, decision, row)
    left = None if due is None or done is not None else int(due) - decision.at_s
    clocks = views.clocks
    # Without a hold it is due when it is due: nothing is asked anew.
    asks = due is None or bool(decision.ticket.holds)
    closed = closed_now(holds, until)
    try:
        used, resumed = _used_and_resumed(clocks, unit, need, start, until, due, closed, asks=asks)
    except CalendarError:
        return None, left, None
    return used, left, resumed if status == "on hold" else None


def _used_and_resumed(
    clocks: PolicyClocks,
    unit: str,
    need: int,
    start: int,
    until: int,
    due: Cell,
    closed: Sequence[Hold],
    *,
    asks: bool,
) -> tuple[int | None, int | None]:
    used: int | None = None
    resumed: int | None = None
    if unit == "s" and need:
        used = max(0, absolute_elapsed_s(start, until, closed)) * WHOLE // need
        resumed = clocks.calendar(start, need, closed) if asks else None
    elif unit == "working_s" and need and clocks.axis is not None:
        used = max(0, clocks.axis.elapsed_s(start, until, closed)) * WHOLE // need
        resumed = clocks.working(start, need, closed) if asks else None
    elif unit == "working_days" and clocks.axis is not None:
        if due is not None and (whole := clocks.axis.elapsed_s(start, int(due))):
            used = max(0, clocks.axis.elapsed_s(start, until)) * WHOLE // whole
        resumed = clocks.working_days(start, need, closed) if asks else None
    elif due is not None and int(due) > start:
        used = max(0, until - start) * WHOLE // (int(due) - start)
    return used, resumed


def _value(views: PolicyViews, decision: Decision, fact: str) -> int | None:
    value = decision.ticket.values[_INDEX[fact]]
    if value is None:
        return None
    # A date stands for the beginning of its day, as in the deadlines' own meaning.
    return views.clocks.day_end(int(value) - 1) + 1 if fact.endswith("_on") else int(value)


def _stops(views: PolicyViews, target: str) -> frozenset[str]:
    kept: dict[str, frozenset[str]] = views.__dict__.setdefault("_stopping", {})
    if target not in kept:
        kept[target] = _found_stops(views, target)
    return kept[target]


def _found_stops(views: PolicyViews, target: str) -> frozenset[str]:
    from svc_policy.expressions.steps import Due

    for step in views.plan.steps:
        if isinstance(step, Due) and step.name.startswith(f"{target}_due"):
            return frozenset(step.stops)
    return frozenset()


def _need(views: PolicyViews, decision: Decision, row: Row) -> tuple[str, int]:
    cell = views.in_force(row.results["within"], views.column(decision, "request_day"))
    value = cell.value if isinstance(cell, Literal) else None
    if not isinstance(value, Allowance):
        return "", 0
    unit: str = value.unit
    if row.text("clock") == "working":
        unit = {"s": "working_s", "days": "working_days"}.get(unit, unit)
    return unit, value.value
