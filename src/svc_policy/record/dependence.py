"""Which results of a policy hang on which facts: what cannot be decided again without them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Due
from svc_policy.plan import Plan, columns_made, expressions_of

#: The facts that governing days are made of, beside the day of the request.
_DATES: Final = {
    "purchase": frozenset({"ticket.purchased_on", "ticket.delivered_on"}),
    "fee": frozenset({"ticket.quoted_at"}),
    "incidents": frozenset({"incident.occurred_on"}),
}


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

    def dates(self, facts: Iterable[str]) -> frozenset[str]:
        """List the governing days that hang on one of some facts, as a record names them."""
        wanted = frozenset(facts)
        found = {day for day, read in _DATES.items() if not wanted.isdisjoint(read)}
        if not wanted.isdisjoint(self._facts.get("request_day", ())):
            found |= {"request", "fee"}
        return frozenset(found)
