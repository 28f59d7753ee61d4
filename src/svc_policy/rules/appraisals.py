"""Appraisals: what a customer's ratings of a technician come to, aspect by aspect, with their weights."""

from __future__ import annotations

from svc_policy.expressions.nodes import ZERO, add, choose, divide, multiply, null, or_
from svc_policy.rules.family import Context, Family, Result
from svc_policy.units import Literal


def build(context: Context) -> None:
    """Write `appraisal_score`, in basis points: the sum of weight × rating ÷ levels, rounded once, half up.

    While a rating that counts is missing, or where none counts, there is no score.
    """
    rows = context.rows("appraisals")
    if not rows:
        return
    conditions = context.collect("appraisals", "appraisals", rows)
    total = ZERO
    for row, condition in zip(rows, conditions, strict=True):
        rating = context.subject(row.text("aspect") or "", "ticket", "appraisals")
        weight = context.cell(row.results["weight"], "appraisals", "ticket")
        total = add(total, choose(condition, multiply(weight, rating), ZERO))
    levels = rows[0].results["levels"]
    assert isinstance(levels, Literal) and isinstance(levels.value, int)
    score = divide("half_up_divide", total, levels.value)
    context.compute("appraisal_score", choose(or_(*conditions), score, null("int")))


FAMILY = Family(
    name="appraisals",
    zh="服务评分",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("aspect", "text", "评分项", required=True),
        Result("weight", "share", "权重", required=True),
        Result("levels", "count", "等级数", required=True),
    ),
    build=build,
)
