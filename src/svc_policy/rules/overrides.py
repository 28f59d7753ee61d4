"""Overrides: goodwill granted by a role, up to its limit; applied last and always shown.

An override beyond the limit of its role, or by a role that the table does not
name, is not applied.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import ZERO, and_, at_most, certainly, choose, constant, equal, strict
from svc_policy.rules.family import Context, Family, Result


def build(context: Context) -> None:
    """Write which overrides are accepted, and the discount they come to."""
    rows = context.rows("overrides")
    if not rows:
        return
    limit = context.choose(
        "overrides",
        "overrides",
        rows,
        {"override_limit": lambda row: context.cell(row.results["limit"], "overrides", "override")},
        grain="override",
    )["override_limit"]
    amount = context.subject("amount", "override", "overrides")
    accepted = context.compute("override_accepted", certainly(at_most(amount, limit)), grain="override")
    for name, kind in (("discounts", "discount"), ("penalty_waivers", "penalty_waiver")):
        granted = equal(context.subject("override_kind", "override", "overrides"), constant(kind))
        context.gather(
            name, "override", "sum", choose(certainly(and_(accepted, granted)), strict("greatest", amount, ZERO), ZERO)
        )


FAMILY = Family(
    name="overrides",
    zh="特批",
    grain="override",
    policy="first",
    governing="request",
    results=(Result("limit", "money", "限额", required=True),),
    build=build,
)
