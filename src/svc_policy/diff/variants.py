"""Lay several plans out as one: what they share is computed once, what differs stands beside it.

The variants of a policy (as it was, as it will be, with one alteration alone)
differ in a few steps and in what reads them. A step that is the same in two
variants, down to the columns that it reads, is one step of the joint plan; else
it stands there a second time under names of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from svc_policy.expressions.nodes import TRUE, Expression
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Due, Step
from svc_policy.plan import LATE, Column, Plan, columns_made, make_plan
from svc_policy.policy import Policy
from svc_policy.policy.views import EPOCH

_Change = Callable[[Expression], Expression]
_Naming = Callable[[str], str]


@attrs.frozen(kw_only=True)
class JointPlan:
    """Several plans as one; `names[i]` says under which name a column of plan i stands."""

    plan: Plan
    names: tuple[Mapping[str, str], ...]


def alike(policies: Iterable[Policy]) -> list[Plan]:
    """Make the plans of some policies, with the facts that they ask for numbered alike as far as that goes.

    Raises:
        ValueError: A policy contradicts itself, as one put together from two others may.
        KeyError: It reads a result that it does not have.
    """
    made: list[Plan] = []
    for policy in policies:
        made.append(plan_like(policy, made))
    return made


def plan_like(policy: Policy, others: Iterable[Plan]) -> Plan:
    """Make the plan of a policy, the facts that other plans ask for numbered as they do; errors as :func:`alike`."""
    asked = dict.fromkeys(fact for plan in others for fact in plan.asked)
    day = None if policy.fixed_on is None else policy.fixed_on.toordinal() - EPOCH
    return make_plan(policy.pack.rules(), day, asked=tuple(asked))


def join_plans(plans: Sequence[Plan]) -> JointPlan:
    """Lay plans out as one, without `next_change_at` and `needs`; columns of the first plan keep their names."""
    joiner = _Joiner()
    names = tuple(joiner.take(plan) for plan in plans)
    first = plans[0]
    lookups = {key: lookup for plan in plans for key, lookup in plan.rules.lookups.items()}
    facts = {
        grain: tuple({fact.name: fact for plan in plans for fact in plan.rules.facts.get(grain, ())}.values())
        for grain in {grain: None for plan in plans for grain in plan.rules.facts}
    }
    joint = Plan(
        steps=tuple(joiner.steps),
        columns=joiner.columns,
        tables={},
        asked=first.asked,
        rules=attrs.evolve(first.rules, lookups=lookups, facts=facts),
    )
    return JointPlan(plan=joint, names=names)


class _Joiner:
    """Takes plans in, one by one."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.columns: dict[str, Column] = {}
        #: The names that a step would give its columns, whether it has them or not.
        self.taken: set[str] = set()
        #: What a step came to: the step as its plan names it, its reads as the joint plan does.
        self.known: dict[Step, Mapping[str, str]] = {}

    def take(self, plan: Plan) -> Mapping[str, str]:
        names: dict[str, str] = {}
        before = len(self.columns)
        memo: dict[Expression, Expression] = {}

        def renamed(node: Expression) -> Expression:
            found = memo.get(node)
            if found is None:
                if node.operator == "column":
                    found = attrs.evolve(node, data=names[str(node.data)])
                elif node.arguments:
                    # Who reads a guard is `next_change_at` alone.
                    data = TRUE if node.operator == "reached" else node.data
                    found = attrs.evolve(node, arguments=tuple(map(renamed, node.arguments)), data=data)
                else:
                    found = node
                memo[node] = found
            return found

        for step in plan.steps:
            if step.name in LATE or step.name.endswith("_all_needs"):
                continue
            read = _with(step, renamed, lambda name: name)
            made = self.known.get(read)
            if made is None:
                made = self._add(plan, step, read)
            names.update(made)
        for name, column in list(self.columns.items())[before:]:
            # What a column asks for may be a step of its own.
            if column.needs.operator == "column":
                asked = attrs.evolve(column.needs, data=names[str(column.needs.data)])
                self.columns[name] = attrs.evolve(column, needs=asked)
        return names

    def _add(self, plan: Plan, step: Step, read: Step) -> Mapping[str, str]:
        placed, number = read, 1
        while any(name in self.columns or name in self.taken for name in columns_made(placed)):
            number += 1
            placed = _with(read, lambda node: node, lambda name, number=number: f"{name}__{number}")  # type: ignore[misc]
        self.taken.update(columns_made(placed))
        named = {
            name: made
            for name, made in zip(columns_made(step), columns_made(placed), strict=True)
            if name in plan.columns
        }
        self.known[read] = named
        self.steps.append(placed)
        for name, made in named.items():
            column = plan.columns[name]
            self.columns[made] = attrs.evolve(column, leaf=attrs.evolve(column.leaf, data=made))
        return named


def _with(step: Step, change: _Change, name: _Naming) -> Step:
    """Put other expressions and names in the place of a step's own."""
    match step:
        case Compute() | Aggregate():
            return attrs.evolve(step, name=name(step.name), value=change(step.value), needs=change(step.needs))
        case Due():
            return attrs.evolve(
                step,
                name=name(step.name),
                start=change(step.start),
                allowance=change(step.allowance),
                needs=change(step.needs),
                when=change(step.when),
            )
        case Collect():
            return attrs.evolve(
                step,
                name=name(step.name),
                conditions=tuple(map(change, step.conditions)),
                needs=tuple(map(change, step.needs)),
            )
        case Choose():
            outputs = tuple(
                attrs.evolve(
                    output,
                    name=name(output.name),
                    values=tuple(map(change, output.values)),
                    otherwise=change(output.otherwise),
                )
                for output in step.outputs
            )
            return attrs.evolve(
                step,
                name=name(step.name),
                outputs=outputs,
                conditions=tuple(map(change, step.conditions)),
                inputs=tuple(map(change, step.inputs)),
                needs=tuple(map(change, step.needs)),
                row_needs=tuple(map(change, step.row_needs)),
            )
