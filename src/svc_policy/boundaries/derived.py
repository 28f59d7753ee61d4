"""Which facts a result hangs on, through every expression that leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from svc_policy.boundaries.written import path_of
from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Due
from svc_policy.plan import columns_made, expressions_for, expressions_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: Stands for the instant of the decision among what a result hangs on.
AT = "at"


def derived(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """Say of every result, by its column's name, which facts it hangs on, as sorted paths.

    `at` stands among them where the result changes with the instant of the decision. What a result asks for has a
    column of its own, `…_needs`.
    """
    return _derived(policy)


@lru_cache(32)
def _derived(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    plan = policy.plan
    found: dict[str, frozenset[str]] = {}
    seen: dict[Expression, frozenset[str]] = {}
    for step in plan.steps:
        holds: tuple[str, ...] = ()
        if isinstance(step, Due) and step.stops:
            holds = tuple(path_of("hold", name) for name in ("hold_kind", "from_at", "until_at"))
        everything = _leaves(expressions_of(step), seen, found)
        for name in columns_made(step):
            if name not in plan.columns:
                continue
            of_it = everything if name.endswith("_needs") else _leaves(expressions_for(step, name), seen, found)
            found[name] = of_it.union(holds)
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def _leaves(
    roots: Iterable[Expression], seen: dict[Expression, frozenset[str]], columns: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    paths: set[str] = set()
    for root in roots:
        if root not in seen:
            below: set[str] = set()
            for node in walk(root):
                if node.operator == "fact":
                    grain, _, name = str(node.data).partition(".")
                    below.add(path_of(grain, name))
                elif node.operator == "column":
                    below |= columns.get(str(node.data), frozenset())
                elif node.operator == "reached":
                    below.add(AT)
            seen[root] = frozenset(below)
        paths |= seen[root]
    return frozenset(paths)


def read_facts(policy: Policy) -> tuple[str, ...]:
    """List every fact that the policy's tables and their fixed meaning read, as sorted paths."""
    return tuple(sorted({path for paths in derived(policy).values() for path in paths} - {AT}))
