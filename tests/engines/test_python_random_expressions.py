"""Random expressions, made into a plan: the generated function gives what `evaluate` gives, column by column."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from expressions.trees import integer, statement, truth
from svc_policy import Policy, load
from svc_policy.engines.python import compile_plan
from svc_policy.expressions.evaluate import evaluate
from svc_policy.expressions.nodes import Value
from svc_policy.expressions.steps import Compute
from svc_policy.facts.registry import TICKET
from svc_policy.plan import Builder, Plan

MALL = load("mall")
STEPS = 14


def random_plan(policy: Policy, chance: random.Random) -> Plan:
    """Make a plan of random values, each of which may read those before it."""
    builder = Builder(policy.pack.rules())
    leaves = []
    for number in range(STEPS):
        node = chance.choice((integer, truth))(chance, 4, leaves)
        made = builder.compute(f"value_{number}", node)
        if made.operator == "column":
            leaves.append(made)
    builder.finish(list)
    return Plan(
        steps=tuple(builder.steps), columns=builder.columns, tables={}, asked=tuple(builder.asked), rules=builder.rules
    )


def by_evaluation(plan: Plan, facts: dict[str, Value], at: int) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    unknown: set[str] = set()
    for step in plan.steps:
        assert isinstance(step, Compute)

        def value(node: object) -> Value:
            return evaluate(node, facts, columns, at=at, clock=MALL.clocks, undetermined=frozenset(unknown))

        columns[step.name] = value(step.value)
        if f"{step.name}_needs" in plan.columns:
            columns[f"{step.name}_needs"] = value(step.needs) if columns[step.name] is None else 0
            if columns[f"{step.name}_needs"]:
                unknown.add(step.name)
    return columns


def by_function(compiled: object, plan: Plan, facts: dict[str, Value], at: int) -> dict[str, Value]:
    stated = {fact.name: facts.get(f"ticket.{fact.name}") for fact in TICKET}
    ticket = SimpleNamespace(values=tuple(stated.values()), extra_values={})
    values, _ = compiled.decide(ticket, at)
    found = dict(compiled.constants)
    found.update({name: values[index] for name, index in compiled.index["ticket"].items()})
    found.update(zip(compiled.late, compiled.later(ticket, values, at), strict=True))
    return {name: found[name] for name in plan.names("ticket")}


@pytest.mark.parametrize("seed", range(60))
def test_the_generated_function_gives_what_evaluation_gives(seed: int) -> None:
    chance = random.Random(seed)
    plan = random_plan(MALL, chance)
    compiled = compile_plan(plan, MALL.clocks)
    for _ in range(25):
        facts = statement(chance)
        expected = by_evaluation(plan, facts, at=7)
        got = by_function(compiled, plan, facts, at=7)
        for name, value in expected.items():
            assert (got[name], type(got[name])) == (value, type(value)), f"{name} of {plan.steps} on {facts}"
