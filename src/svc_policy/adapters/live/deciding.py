"""The part of a policy's plan on which some of its columns hang, as a function of its own.

What is left out is what a decision has besides: quotes, penalties, forms. What
is kept is word for word the policy's plan, `next_change_at` apart, which looks
only at the instants that the kept steps ask about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.decision import Cell
from svc_policy.engines.python import Compiled, compile_plan
from svc_policy.expressions.nodes import ZERO, Expression, earliest, walk
from svc_policy.expressions.nodes import column as column_leaf
from svc_policy.expressions.steps import Compute, Due, Step
from svc_policy.facts.registry import LISTS
from svc_policy.plan import Column, Plan, columns_made, expressions_for, expressions_of, make_plan, shape_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing

_EPOCH = date(1970, 1, 1)
NEXT = "next_change_at"
#: A shape of tickets seen this often gets a function of its own, up to so many shapes; see the policy's own.
OFTEN = 1000
MOST_SHAPES = 64
MOST_SEEN = 10_000


class Deciding:
    """Decides some columns of a policy's tickets; governing `days` are read as columns, by :func:`day_column`."""

    def __init__(self, policy: Policy, columns: Iterable[str], days: Iterable[Governing] = ()) -> None:
        self._policy = policy
        self._days = tuple(days)
        self._columns = (*columns, *map(day_column, self._days))
        self._whole = self._compile(policy.plan, policy.id)
        self._by_shape: dict[int, Compiled] = {}
        self._seen: dict[int, int] = {}

    def _compile(self, plan: Plan, name: str) -> Compiled:
        return compile_plan(part_of(_with_days(plan, self._days), self._columns), self._policy.clocks, f"{name} live")

    def _compiled(self, shape: int) -> Compiled:
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        seen = self._seen[shape] = self._seen.get(shape, 0) + 1
        if seen < OFTEN or len(self._by_shape) >= MOST_SHAPES:
            return self._whole
        policy = self._policy
        fixed = None if policy.fixed_on is None else (policy.fixed_on - _EPOCH).days
        plan = make_plan(policy.pack.rules(), fixed, shape_of(shape, policy.plan))
        made = self._by_shape[shape] = self._compile(plan, f"{policy.id} {shape:x}")
        return made

    def decide(self, ticket: Any, at_s: int) -> tuple[Callable[[str], Cell], int | None]:
        """Decide a ticket at an instant; gives what reads its columns, and the next instant at which they may turn.

        Raises:
            CalendarError: An instant lies outside the policy's calendar.
        """
        compiled = self._by_shape.get(ticket.shape) or self._compiled(ticket.shape)
        early, _ = compiled.decide(ticket, at_s)
        index, constants = compiled.index["ticket"], compiled.constants

        def column(name: str) -> Cell:
            place = index.get(name)
            return constants.get(name) if place is None else early[place]

        if compiled.late:
            (next_s,) = compiled.later(ticket, early, at_s)
        else:
            next_s = constants.get(NEXT)
        return column, None if next_s is None else int(next_s)


def day_column(governing: Governing) -> str:
    """Name the column of a governing day."""
    return f"governing_{governing}"


def _with_days(plan: Plan, days: Iterable[Governing]) -> Plan:
    """Give a plan with governing days as columns, which no decision has."""
    steps: list[Step] = list(plan.steps)
    columns = dict(plan.columns)
    for governing in days:
        name, value = day_column(governing), plan.days[governing]
        steps.append(Compute(name=name, grain="ticket", value=value, needs=ZERO))
        leaf = column_leaf(name, value.type, nullable=value.nullable, asks=False)
        columns[name] = Column(leaf=leaf, grain="ticket")
    return attrs.evolve(plan, steps=tuple(steps), columns=columns)


def part_of(plan: Plan, columns: Iterable[str]) -> Plan:
    """Give the part of a plan on which some columns hang, in its order, with the next change of those."""
    makers = _makers(plan)
    ahead = next((step.value for step in plan.steps if step.name == NEXT and isinstance(step, Compute)), None)
    turning = () if ahead is None else ahead.arguments if ahead.operator == "earliest" else (ahead,)
    kept: set[str] = set()
    chosen: dict[Expression, None] = {}
    asked: list[Expression] = []
    open_ = [name for name in columns if name in makers]
    instants: set[Expression] = set()
    while True:
        seen: set[Expression] = set()
        while open_ or asked:
            while open_:
                step = makers[open_.pop()]
                if step.name not in kept and step.name != NEXT:
                    kept.add(step.name)
                    asked.extend(expressions_of(step))
            while asked:
                for node in walk(asked.pop(), seen):
                    if node.operator == "column":
                        open_.append(str(node.data))
                    elif node.operator == "reached":
                        instants.add(node.arguments[0])
        # A turning point is `choose(live and not reached, instant, null)`.
        found = [one for one in turning if one not in chosen and any(node in instants for node in _instants(one))]
        if not found:
            break
        chosen.update(dict.fromkeys(found))
        asked.extend(found)
    steps: list[Step] = [step for step in plan.steps if step.name in kept]
    for step in plan.steps:
        if step.name == NEXT and isinstance(step, Compute):
            order = [one for one in turning if one in chosen]
            steps.append(attrs.evolve(step, value=earliest(*order)))
    return attrs.evolve(plan, steps=tuple(steps))


def _instants(turning: Expression) -> Iterable[Expression]:
    return (node.arguments[0] for node in walk(turning) if node.operator == "reached")


def _makers(plan: Plan) -> Mapping[str, Step]:
    # A step may yield these and nobody else does: those that it does not make are never read.
    return {name: step for step in plan.steps for name in columns_made(step)}


def facts_read(plan: Plan, columns: Iterable[str]) -> frozenset[str]:
    """Name the facts of the ticket, and the lists, on which the values of columns hang."""
    makers = _makers(plan)
    found: set[str] = set()
    done: set[str] = set()
    seen: set[Expression] = set()
    open_ = list(columns)
    while open_:
        name = open_.pop()
        if name in done or name not in makers:
            continue
        done.add(name)
        step = makers[name]
        if isinstance(step, Due) and step.stops:
            found.add("holds")
        for expression in expressions_for(step, name):
            for node in walk(expression, seen):
                if node.operator == "column":
                    open_.append(str(node.data))
                elif node.operator == "is_undetermined":
                    open_.append(f"{node.arguments[0].data}_needs")
                elif node.operator == "fact":
                    grain, _, fact = str(node.data).partition(".")
                    found.add(fact if grain == "ticket" else LISTS[grain])  # type: ignore[index]
    return frozenset(found)
