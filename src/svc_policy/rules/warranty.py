"""Warranty terms: how long, from when; one table for the whole product and for each part.

The last covered day is the anniversary of the start (clamped to the month's
end) less one day, plus the days the warranty was suspended. An explicit last
day goes before it. The request's day decides whether it is inside.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    Expression,
    add,
    at_most,
    choose,
    constant,
    first_known,
    is_missing,
    null,
    strict,
    subtract,
)
from svc_policy.facts.registry import MILESTONES
from svc_policy.rules.family import Context, Family, Result, Row

STARTS = ("purchased", "delivered", "installed", "accepted")


def build(context: Context) -> None:
    """Write the warranty's end and whether the request lies inside it, for the ticket and each part."""
    _build(context, "ticket", "", "warranty_until")
    if context.has("part_no"):
        _build(context, "part", "part_", "part_warranty_until")


def _build(context: Context, grain: str, prefix: str, explicit: str) -> None:
    request = context.subject("request_day", grain, "warranty")

    def last_day(row: Row) -> Expression:
        start = context.subject(MILESTONES[row.text("starts") or ""], grain, "warranty")
        length = context.cell(row.results["length"], "warranty", grain)
        anniversary = strict("add_months", start, length)
        return add(subtract(anniversary, constant(1)), context.subject("suspended_days", grain, "warranty"))

    rows = context.rows("warranty")
    stated = context.subject(explicit, grain, "warranty")
    if rows:
        chosen = context.choose(f"{prefix}warranty", "warranty", rows, {f"{prefix}last_day": last_day}, grain=grain)
        by_rule = chosen[f"{prefix}last_day"]
    else:
        by_rule = null("int")
    end = context.compute(f"{prefix}warranty_end", first_known(stated, by_rule), grain=grain)
    inside = choose(_absent(context, end), constant(False), at_most(request, end))
    context.compute(f"{prefix}in_warranty", inside, grain=grain)


def _absent(context: Context, end: Expression) -> Expression:
    """No term applies at all: not the same as one whose start nobody told us."""
    from svc_policy.expressions.nodes import and_, is_undetermined, not_

    return and_(is_missing(end), not_(is_undetermined(end)))


FAMILY = Family(
    name="warranty",
    zh="保修期限",
    grain="part",
    policy="first",
    governing="purchase",
    results=(
        Result("length", "months", "期限", required=True),
        Result("starts", "text", "起算", required=True, values=STARTS),
    ),
    build=build,
)
