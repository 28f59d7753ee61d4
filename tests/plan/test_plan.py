"""The plan of a policy: its order, its columns, and what its needs ask for."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from engines.workshop import workshop
from expressions.trees import integer, statement, truth
from svc_policy import Policy, load
from svc_policy.expressions import nodes
from svc_policy.expressions.evaluate import evaluate
from svc_policy.expressions.nodes import ZERO, Expression, choose, constant, is_missing
from svc_policy.expressions.steps import Aggregate, Collect
from svc_policy.facts.registry import LISTS
from svc_policy.plan import columns_made, columns_read
from svc_policy.plan.needs import needs_of

MALL = load("mall")
BITS = {
    name: 1 << index for index, name in enumerate(("distance_km", "labour_hours", "on_site", "parts_needed", "cause"))
}


@pytest.fixture(scope="module", params=["mall", "workshop", "mall on a day"])
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    if request.param == "workshop":
        return workshop(Path(tmp_path_factory.mktemp("packs")))
    return MALL if request.param == "mall" else MALL.on(date(2026, 1, 1))


def test_a_step_reads_only_what_stands_before_it(policy: Policy) -> None:
    made: set[str] = set()
    for step in policy.plan.steps:
        assert columns_read(step) <= made, step.name
        names = {name for name in columns_made(step) if name in policy.plan.columns}
        assert names and not names & made, step.name
        made |= names
    assert made == set(policy.plan.columns)


def test_a_step_reads_the_columns_of_its_own_record_and_of_the_ticket(policy: Policy) -> None:
    for step in policy.plan.steps:
        grain = step.child if isinstance(step, Aggregate) else step.grain
        assert {policy.plan.columns[name].grain for name in columns_read(step)} <= {grain, "ticket"}, step.name


def test_whatever_may_be_unknown_has_a_column_of_needs(policy: Policy) -> None:
    for name, column in policy.plan.columns.items():
        if column.leaf.asks:
            assert column.leaf.nullable, name
            assert column.needs.operator == "column" and str(column.needs.data) in policy.plan.columns, name


def test_only_facts_that_may_be_unknown_or_not_yet_are_asked_for(policy: Policy) -> None:
    grain_of = {field: grain for grain, field in LISTS.items()}
    for path in policy.plan.asked:
        field, _, name = path.rpartition(".")
        fact = next(fact for fact in policy.pack.settings.facts[grain_of.get(field, "ticket")] if fact.name == name)
        assert fact.absence in ("unknown", "not yet"), path


def test_every_row_of_the_policy_has_its_place_in_a_table(policy: Policy) -> None:
    placed = {row for rows in policy.plan.tables.values() for row in map(id, rows)}
    for family, rows in policy.pack.rows.items():
        assert family == "holds" or {id(row) for row in rows} <= placed, family
    for step in policy.plan.steps:
        if isinstance(step, Collect):
            assert len(step.conditions) == len(policy.plan.tables[step.name])


def test_on_a_fixed_day_no_date_of_the_ticket_chooses_an_edition() -> None:
    assert "fee_day" in MALL.plan.columns and "fee_day" not in MALL.on(date(2026, 1, 1)).plan.columns


def needs(node: Expression, facts: dict[str, nodes.Value]) -> object:
    def leaf(item: Expression) -> Expression:
        return choose(is_missing(item), constant(BITS[str(item.data).partition(".")[2]]), ZERO)

    return evaluate(needs_of(node, leaf), facts, {}, at=7)


def test_needs_name_the_missing_facts_that_a_null_rests_on() -> None:
    x, y = (nodes.fact(f"ticket.{name}", "int", nullable=True, asks=True) for name in ("distance_km", "labour_hours"))
    p = nodes.fact("ticket.on_site", "bool", nullable=True, asks=True)
    nobody = {"ticket.distance_km": None, "ticket.labour_hours": None, "ticket.on_site": None}
    assert needs(nodes.add(x, y), nobody) == BITS["distance_km"] | BITS["labour_hours"]
    assert needs(nodes.add(x, y), {**nobody, "ticket.labour_hours": 1}) == BITS["distance_km"]
    # Of a choice the condition is asked for first, and then only what was chosen.
    assert needs(choose(p, x, y), nobody) == BITS["on_site"]
    assert needs(choose(p, x, y), {**nobody, "ticket.on_site": False}) == BITS["labour_hours"]
    assert (
        needs(nodes.and_(p, nodes.less(x, y)), {**nobody, "ticket.on_site": True, "ticket.distance_km": 3})
        == (BITS["labour_hours"])
    )


def test_needs_are_a_mask_of_missing_facts_and_never_null() -> None:
    chance = random.Random(5)
    asked = 0
    for _ in range(3000):
        node = chance.choice((integer, truth))(chance, 4)
        facts = statement(chance)
        mask = needs(node, facts)
        assert type(mask) is int, node
        missing = sum(bit for name, bit in BITS.items() if facts[f"ticket.{name}"] is None)
        assert mask & ~missing == 0, node
        asked += mask != 0
    assert asked > 300
