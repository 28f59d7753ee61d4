"""Budgets: what a kind of cost may come to in a year, and from which share of it on a warning is given.

Costs are the facts of tickets; they are held against their budgets in
:mod:`svc_policy.statistics`. A budget is no part of a decision.
"""

from __future__ import annotations

from svc_policy.facts.registry import Fact
from svc_policy.rules.family import Context, Family, Result


def is_cost(fact: Fact) -> bool:
    """Say whether a fact of the ticket is a kind of cost: an amount that is called `cost_...`."""
    return fact.kind == "money" and fact.name.startswith("cost_")


def build(context: Context) -> None:
    """Nothing to compute: a budget is held against the costs of many tickets."""


FAMILY = Family(
    name="budgets",
    zh="年度预算",
    grain="none",
    policy="collect",
    governing="none",
    results=(
        Result("kind", "text", "费用类别", required=True),
        Result("year", "count", "年度", required=True),
        Result("amount", "money", "金额", required=True),
        Result("warn", "share", "预警比例"),
    ),
    build=build,
)
