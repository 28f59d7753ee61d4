"""Put a column that is read in one place into that place: for databases that decide row by row.

A layer costs such a database as much as it carries, and a value in a branch is
computed only where the branch is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import attrs
from sqlglot import exp

from svc_policy.engines.sql_expressions import wrapped

if TYPE_CHECKING:
    from svc_policy.engines.sql_ladder import Rung
    from svc_policy.engines.sql_worktime import Node

#: What is no dearer than reading a column: it is put wherever it is read.
PLAIN = (exp.Literal, exp.Boolean, exp.Column)


def inlined(rungs: Sequence[Rung], wanted: Collection[str]) -> list[Rung]:
    """Put every rung that is not wanted itself and is read once into the one that reads it."""
    uses: dict[str, int] = {}
    for rung in rungs:
        for node in _read(rung.value):
            uses[node.name] = uses.get(node.name, 0) + 1
        for join in rung.joins:
            for node in _read(join.key):
                # A key is no place to compute in: two lists may be joined by it.
                uses[node.name] = uses.get(node.name, 0) + 2
    put: dict[str, Rung] = {}
    kept: list[Rung] = []
    for rung in rungs:
        made = _with(rung, put)
        plain = isinstance(made.value, PLAIN)
        if rung.name not in wanted and not rung.joins and (uses.get(rung.name) == 1 or plain):
            put[rung.name] = made
        else:
            kept.append(made)
    return kept


def _read(value: Node) -> list[Node]:
    return [node for node in value.find_all(exp.Column) if not node.table]


def _with(rung: Rung, put: dict[str, Rung]) -> Rung:
    """Put into a rung what is to stand in it."""
    if put.keys().isdisjoint(rung.reads):
        return rung
    reads: set[str] = set()
    for name in rung.reads:
        reads |= put[name].reads if name in put else {name}

    def place(node: Node) -> Node:
        if isinstance(node, exp.Column) and not node.table and node.name in put:
            return wrapped(put[node.name].value.copy())
        return node

    joins = tuple(attrs.evolve(join, key=join.key.transform(place)) for join in rung.joins)
    return attrs.evolve(rung, value=rung.value.transform(place), reads=frozenset(reads), joins=joins)
