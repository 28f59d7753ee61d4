"""Exclusions: what takes a fault out of a warranty that is still running.

Any row that fires excludes. A part's own cause goes before the ticket's.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import and_, not_, or_
from svc_policy.rules.family import Context, Family, Result


def build(context: Context) -> None:
    """Write `excluded` and `covered`, for the ticket and each part."""
    _build(context, "ticket", "")
    if context.has("part_no"):
        _build(context, "part", "part_")


def _build(context: Context, grain: str, prefix: str) -> None:
    conditions = context.collect(f"{prefix}exclusions", "exclusions", context.rows("exclusions"), grain=grain)
    excluded = context.compute(f"{prefix}excluded", or_(*conditions), grain=grain)
    inside = context.subject(f"{prefix}in_warranty", grain, "exclusions")
    covered = context.compute(f"{prefix}covered", and_(inside, not_(excluded)), grain=grain)
    if grain == "part":
        uncovered = context.gather("parts_uncovered", "part", "any", not_(covered))
        context.compute("all_parts_covered", not_(uncovered))


FAMILY = Family(
    name="exclusions",
    zh="除外责任",
    grain="part",
    policy="collect",
    governing="request",
    results=(Result("reason", "text", "原因", required=True),),
    build=build,
)
