"""Compensations: how much is allowed of what a customer claims, bounded by company rule and contract.

Where neither gives a limit there is no figure: the role that decides is named.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import Expression, at_most, choose, constant, equal, first_known, null, strict
from svc_policy.rules.family import Context, Family, Result, Row

PREVAILS = ("rule", "contract", "lesser", "greater")


def build(context: Context) -> None:
    """Write `compensation_limit` and `compensation_allowed`, the lesser of the limit and the claim."""
    rows = context.rows("compensations")
    if not rows:
        return
    chosen = context.choose(
        "compensations",
        "compensations",
        rows,
        {
            "compensation_by_rule": lambda row: _limit(context, row),
            "compensation_prevails": lambda row: context.cell(row.results["prevails"], "compensations", "ticket"),
        },
    )
    by_rule, prevails = chosen["compensation_by_rule"], chosen["compensation_prevails"]
    by_contract = context.subject("contract_compensation_limit", "ticket", "compensations")
    lesser = choose(at_most(by_rule, by_contract), by_rule, by_contract)
    greater = choose(at_most(by_rule, by_contract), by_contract, by_rule)
    limit = null("int")
    for name, value in (
        ("greater", first_known(greater, by_rule, by_contract)),
        ("lesser", first_known(lesser, by_rule, by_contract)),
        ("contract", first_known(by_contract, by_rule)),
        ("rule", by_rule),
    ):
        limit = choose(equal(prevails, constant(name)), value, limit)
    limit = context.compute("compensation_limit", limit)
    claimed = context.subject("compensation_claimed", "ticket", "compensations")
    context.compute("compensation_allowed", strict("least", limit, claimed))


def _limit(context: Context, row: Row) -> Expression:
    """Read the limit of the company's own rule: a figure, a fact of the ticket, or none."""
    fact, cell = row.text("limit of"), row.results.get("limit")
    if fact is not None:
        return context.subject(fact, "ticket", "compensations")
    return null("int") if cell is None else context.cell(cell, "compensations", "ticket")


FAMILY = Family(
    name="compensations",
    zh="赔偿",
    grain="ticket",
    policy="first",
    governing="request",
    results=(
        Result("limit", "money", "上限"),
        Result("limit of", "text", "上限取自"),
        Result("prevails", "text", "优先依据", required=True, values=PREVAILS),
        Result("decided by", "role", "裁定人"),
    ),
    build=build,
)
