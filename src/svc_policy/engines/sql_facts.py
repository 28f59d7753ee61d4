"""Facts as columns of the batch input: names, kinds, defaults."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from svc_policy.expressions.nodes import Value
from svc_policy.facts.columns import column_name
from svc_policy.plan import Plan


@attrs.frozen
class FactColumn:
    """Where a fact stands in its table, and what stands in for it where it is missing."""

    name: str
    default: Value


def fact_columns(plan: Plan) -> Mapping[str, FactColumn]:
    """Map every fact, by its path ``grain.name``, to its column."""
    return {
        f"{grain}.{fact.name}": FactColumn(column_name(fact), fact.default if fact.absence == "default" else None)
        for grain, facts in plan.rules.facts.items()
        for fact in facts
    }
