"""Which tickets an alteration can touch at all: those where a step that it changed yields something else.

Plans name their steps alike. Where every step that is written otherwise in a
variant yields what the old policy's does, all that is computed from there on is
the same too. So it is enough to decide all tickets as they were and to compute
the changed steps beside; everything else is reckoned for the touched tickets only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import attrs

from svc_policy.diff.measures import Variant, any_line, differences, items, or_none
from svc_policy.expressions.nodes import FALSE, ZERO, Expression, null, walk
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Step
from svc_policy.plan import LATE, Plan, columns_made, expressions_for, expressions_of

#: Operators that tell unknown from absent, by what their first argument asks for.
_TELLING = frozenset({"is_undetermined", "unless_undetermined"})


@attrs.frozen(kw_only=True)
class Touch:
    """What to compute beside the old decision, and the SQL of what is then true of a touched ticket."""

    columns: frozenset[str]
    conditions: tuple[str, ...]


def touch_of(plan: Plan, variants: Sequence[Variant], wanted: Collection[str], *, with_money: bool) -> Touch:
    """Say which tickets a variant of the first policy may decide otherwise in a wanted column of their joint plan."""
    old, *others = variants
    needed = columns_for(plan, wanted)
    read: set[str] = set()
    conditions: dict[str, None] = {}
    for each in others:
        by_grain: dict[str, list[str]] = {}
        for name, grain in _changed_columns(old.plan, each.plan):
            before, after = old.names.get(name), each.names.get(name)
            made = {column for column in (before, after) if column is not None}
            if before == after or not made & needed:
                continue
            read |= made
            texts = [of.column(name) or _of_none(name) for of in (old, each)]
            by_grain.setdefault(grain, []).append(f"{texts[0]} IS DISTINCT FROM {texts[1]}")
        # What rows say differs though the same row holds.
        same = attrs.evolve(each, names={name: old.names[name] for name in each.names if name in old.names}, kept={})
        for grain in ("ticket", *old.children):
            found = [*by_grain.get(grain, ())]
            for of in differences(old, same, grain, with_money=with_money).values():
                found += of
            if grain == "ticket":
                conditions.update(dict.fromkeys(found))
            elif found:
                conditions[any_line(grain, old, each, found)] = None
    return Touch(columns=frozenset(read), conditions=tuple(conditions))


def _changed_columns(old: Plan, new: Plan) -> Iterator[tuple[str, str]]:
    """Yield the columns, with their grains, of steps that only one of two plans has as they are."""
    steps = [{step: None for step in plan.steps if step.name not in LATE} for plan in (old, new)]
    changed = [step for step in steps[0] if step not in steps[1]] + [step for step in steps[1] if step not in steps[0]]
    for name in dict.fromkeys(name for step in changed for name in columns_made(step)):
        column = new.columns.get(name) or old.columns.get(name)
        if column is not None:
            yield name, column.grain


def _of_none(name: str) -> str:
    """Write what a column is in a plan without it: no row, nothing asked, else what the decision then says."""
    if name.endswith(("_row", "_fired", "_needs", "_unknown", "_done", "_next")):
        return "0"
    return "FALSE" if name.endswith("_open") else or_none(None, name)


def without_rows_alike(plan: Plan, variants: Sequence[Variant]) -> tuple[Plan, list[Variant]]:
    """Leave out, of a joint plan and of its variants, the rows of lists that hold alike under every variant.

    They change nothing, and what only they wait for need not be reckoned: the clocks of all targets, for escalations.
    """
    seen: set[Expression] = set()
    nodes = (node for step in plan.steps for item in expressions_of(step) for node in walk(item, seen))
    read = {str(node.data) for node in nodes if node.operator == "column"}
    made = {f"{step.name}_fired": step for step in plan.steps if isinstance(step, Collect)}
    left_out: dict[str, frozenset[int]] = {}
    for table in dict.fromkeys(table for each in variants for table in each.plan.tables):
        found = {each.names.get(f"{table}_fired", "") for each in variants}
        said = items(variants[0], table)
        if found & read or not found <= made.keys() or any(items(each, table) != said for each in variants):
            continue
        by_row = list(zip(*(made[name].conditions for name in found), strict=True))
        changing = {said[row] for row, conditions in enumerate(by_row) if len(set(conditions)) > 1}
        alike = frozenset(row for row, item in enumerate(said) if item not in changing)
        left_out |= {f"{name.removesuffix('_fired')}": alike for name in found} | {table: alike}
    return _without_rows(plan, left_out), [
        attrs.evolve(each, plan=_without_rows(each.plan, left_out), kept={}) for each in variants
    ]


def _without_rows(plan: Plan, left_out: Mapping[str, Collection[int]]) -> Plan:
    def narrowed(step: Step) -> Step:
        rows = left_out.get(step.name)
        if rows is None or not isinstance(step, Collect):
            return step
        kept = tuple(FALSE if row in rows else condition for row, condition in enumerate(step.conditions))
        return attrs.evolve(step, conditions=kept)

    return attrs.evolve(plan, steps=tuple(narrowed(step) for step in plan.steps))


def columns_for(plan: Plan, wanted: Iterable[str]) -> frozenset[str]:
    """List the columns that some columns are computed from, they included."""
    made = {name: step for step in plan.steps for name in columns_made(step) if name in plan.columns}
    found: set[str] = set()
    stack = list(wanted)
    while stack:
        name = stack.pop()
        if name in found or name not in made:
            continue
        found.add(name)
        stack.extend(_read_for(plan, made[name], name))
    return frozenset(found)


def _read_for(plan: Plan, step: Step, name: str) -> Iterator[str]:
    for item in expressions_for(step, name):
        for node in walk(item):
            if node.operator == "column":
                yield str(node.data)
            elif node.operator in _TELLING:
                yield from _asked(plan, node.arguments[0])
    if isinstance(step, Choose):
        for leaf in step.inputs:
            yield from _asked(plan, leaf)
    if name.endswith("_unknown") and name != step.name:
        yield f"{step.name}_needs"


def _asked(plan: Plan, leaf: Expression) -> Iterator[str]:
    column = plan.columns.get(str(leaf.data)) if leaf.operator == "column" else None
    if column is not None and column.needs.operator == "column":
        yield str(column.needs.data)


def cut_plan(plan: Plan, wanted: Iterable[str]) -> Plan:
    """Give a plan with nothing but what some columns are computed from."""
    needed = columns_for(plan, wanted)
    steps = [_cut(step, needed) for step in plan.steps if needed.intersection(columns_made(step))]
    columns = {
        name: plan.columns[name]
        for step in steps
        for name in columns_made(step)
        if name in plan.columns and (name in needed or not name.endswith(("_needs", "_unknown")))
    }
    # An engine yields what comes late as well, and expects something to.
    late = Compute(name=LATE[0], grain="ticket", value=null("int"), needs=ZERO)
    return attrs.evolve(plan, steps=(*steps, late), columns=columns)


def _cut(step: Step, needed: Collection[str]) -> Step:
    asks = f"{step.name}_needs" in needed
    match step:
        case Choose():
            outputs = tuple(output for output in step.outputs if output.name in needed)
            return attrs.evolve(step, outputs=outputs, asks=step.asks and asks)
        case Collect():
            return attrs.evolve(step, asks=step.asks and asks)
        case Aggregate() | Compute() if not asks:
            return attrs.evolve(step, needs=ZERO)
        case _:
            return step
