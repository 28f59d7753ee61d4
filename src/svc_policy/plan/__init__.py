"""The plan of a policy: its steps in order, its columns, the facts it may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence

import attrs

from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Due, Step
from svc_policy.facts.registry import LISTS, TICKET
from svc_policy.plan.builder import Builder, Column, Shape
from svc_policy.rules.family import Governing, ParameterValues, Row, Rules

#: Results that only serve other rules: left out where none reads them.
SERVING = frozenset(
    {
        "all_parts_covered",
        "parts_uncovered",
        "contract_labour",
        "contract_parts",
        "contract_visit",
        "discounts",
        "penalty_waivers",
    }
)
#: Columns that lead to a result.
_INNER = re.compile(r"_(needs|unknown|open|live|within|day|opening_\d+|share_\d+)$")
#: Results that nothing else reads.
LATE = ("next_change_at", "needs")


@attrs.frozen(kw_only=True)
class Plan:
    """A policy ready for an engine.

    `tables` gives the rows behind the row numbers and masks of every table
    step; `asked` the facts behind the bits of every needs mask, in order.
    `instants` names, for a table whose rows hold from an instant on, the column
    of each row's instant ("" for a row that waits for none); `days` gives the
    governing days of a ticket.
    """

    steps: tuple[Step, ...]
    columns: Mapping[str, Column]
    tables: Mapping[str, tuple[Row, ...]]
    asked: tuple[str, ...]
    rules: Rules
    instants: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    days: Mapping[Governing, Expression] = attrs.field(factory=dict)

    @property
    def late(self) -> tuple[Step, ...]:
        """The last steps, which an engine may put off until somebody looks: `next_change_at` and `needs`."""
        return tuple(step for step in self.steps if step.name in LATE)

    def names(self, grain: str) -> tuple[str, ...]:
        """List the columns of a grain in the order of the steps."""
        return tuple(
            name
            for step in self.steps
            for name in columns_made(step)
            if name in self.columns and self.columns[name].grain == grain
        )


def make_plan(
    rules: Rules,
    fixed_day: int | None = None,
    shape: Shape | None = None,
    asked: Sequence[str] = (),
    *,
    builder_of: Callable[..., Builder] = Builder,
) -> Plan:
    """Write every family of a policy into one plan.

    `fixed_day` stands in for all governing dates. A plan for a `shape` has the
    same meaning, for tickets of that shape; what it knows beforehand is folded.
    `asked` are facts to be numbered first, so that the plans of two policies number them alike.
    `builder_of` makes the context that the families write into, from these four.
    """
    builder = builder_of(rules, fixed_day, shape, asked)
    for family in rules.families.values():
        family.build(builder)
    builder.finish(lambda steps: read_steps(steps, shape.columns if shape else ()))
    return Plan(
        steps=_late_last(gather_children(builder.steps)),
        columns=builder.columns,
        tables=builder.collected,
        asked=tuple(builder.asked),
        rules=rules,
        instants=builder.instants,
        days=builder.ticket_days(),
    )


def result_names(plan: Plan) -> tuple[str, ...]:
    """List the columns that a decision is read for, of every grain, without those that lead there.

    Left out are what is asked for and what is unknown (a null ``X_row`` is open), allowances, clocks and
    the instants of shares. `needs` is left out as well: it needs nearly everything.
    """
    clocks = {step.name for step in plan.steps if isinstance(step, Due)}
    return tuple(
        name
        for step in plan.steps
        for name in columns_made(step)
        if name in plan.columns
        and name not in SERVING
        and name not in clocks
        and name != "needs"
        and not name.startswith("unclear_")
        and _INNER.search(name) is None
    )


def shape_of(number: int, plan: Plan) -> Shape:
    """Say what a ticket's ``shape`` tells of it: see :class:`~svc_policy.facts.ticket.Ticket`."""
    grains = tuple(grain for grain in LISTS)
    present = {grain for index, grain in enumerate(grains) if number >> index & 1}
    stated = {fact.name for index, fact in enumerate(TICKET, start=len(grains)) if number >> index & 1}
    return Shape(
        stated=frozenset(stated),
        missing=frozenset(fact.name for fact in TICKET) - stated,
        absent=frozenset(grains) - present,
        asked=plan.asked,
        columns=frozenset(plan.columns),
    )


def _late_last(steps: Sequence[Step]) -> tuple[Step, ...]:
    early = tuple(step for step in steps if step.name not in LATE)
    return (*early, *(step for step in steps if step.name in LATE))


def read_steps(steps: Sequence[Step], keep: Container[str] = ()) -> list[Step]:
    """Leave out the steps that serve others and that nothing reads, but for those to `keep`."""
    kept: list[Step] = []
    read: set[str] = set()
    # Steps share most of what they are made of: each node is looked at once.
    seen: set[Expression] = set()
    for step in reversed(steps):
        if step.name in SERVING and step.name not in keep and not read.intersection(columns_made(step)):
            continue
        kept.append(step)
        for item in expressions_of(step):
            read.update(str(node.data) for node in walk(item, seen) if node.operator == "column")
    return kept[::-1]


def gather_children(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Put off the steps over child records until their results are read, so that fewer passes are made."""
    done: list[Step] = []
    waiting: dict[str, list[Step]] = {}
    for step in steps:
        grain = step.child if isinstance(step, Aggregate) else step.grain
        if grain != "ticket":
            waiting.setdefault(grain, []).append(step)
            continue
        reads = columns_read(step) if waiting else frozenset()
        for child, held in list(waiting.items()):
            if any(name in reads for item in held for name in columns_made(item)):
                done.extend(waiting.pop(child))
        done.append(step)
    for held in waiting.values():
        done.extend(held)
    return tuple(done)


def columns_made(step: Step) -> tuple[str, ...]:
    """List the columns that a step may yield, in the order in which engines write them."""
    if isinstance(step, Choose):
        return (f"{step.name}_row", *(output.name for output in step.outputs), f"{step.name}_needs")
    return (step.name, f"{step.name}_fired", f"{step.name}_unknown", f"{step.name}_open", f"{step.name}_needs")


def expressions_of(step: Step) -> tuple[Expression, ...]:
    """List the expressions of a step."""
    match step:
        case Compute() | Aggregate():
            return (step.value, step.needs)
        case Due():
            return (step.start, step.allowance, step.needs, step.when)
        case Collect():
            return (*step.conditions, *step.needs)
        case Choose():
            values = tuple(value for output in step.outputs for value in (*output.values, output.otherwise))
            return (*step.conditions, *step.needs, *step.row_needs, *values)


def expressions_for(step: Step, name: str) -> tuple[Expression, ...]:
    """List the expressions that one column of a step is made of; all of them for its needs."""
    if name == f"{step.name}_needs":
        return expressions_of(step)
    match step:
        case Compute() | Aggregate():
            return (step.value,)
        case Due():
            return (step.start, step.allowance, step.when)
        case Collect():
            return step.conditions
        case Choose():
            values = tuple(
                value for output in step.outputs if output.name == name for value in (*output.values, output.otherwise)
            )
            return (*step.conditions, *values)


def columns_read(step: Step) -> frozenset[str]:
    """List the columns that a step reads, those of the needs that it may ask for included."""
    names: set[str] = set()
    for item in expressions_of(step):
        for node in walk(item):
            if node.operator == "column":
                names.add(str(node.data))
    return frozenset(names)


__all__ = ["Builder", "Column", "ParameterValues", "Plan", "Rules", "Shape", "make_plan", "shape_of"]
