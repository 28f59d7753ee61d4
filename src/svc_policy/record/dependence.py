"""Which results of a policy hang on which facts: what cannot be decided again without them."""

from __future__ import annotations

from collections.abc import Iterable

from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Due
from svc_policy.plan import Plan, columns_made, expressions_of


class Dependence:
    """The facts that each result of a plan is made of, directly or through other results."""

    def __init__(self, plan: Plan) -> None:
        self._facts: dict[str, frozenset[str]] = {}
        for step in plan.steps:
            read: set[str] = set()
            if isinstance(step, Due) and step.stops:
                read |= {"hold.hold_kind", "hold.from_at", "hold.until_at"}
            for expression in expressions_of(step):
                for node in walk(expression):
                    read |= self._of(node)
            names = frozenset(read)
            for name in columns_made(step):
                self._facts[name] = names

    def _of(self, node: Expression) -> frozenset[str]:
        if node.operator == "fact":
            return frozenset({str(node.data)})
        if node.operator == "column":
            return self._facts.get(str(node.data), frozenset())
        return frozenset()

    def touched(self, facts: Iterable[str]) -> frozenset[str]:
        """List the results that hang on one of some facts, each given as `ticket.cause`."""
        wanted = frozenset(facts)
        return frozenset(name for name, read in self._facts.items() if not wanted.isdisjoint(read))
