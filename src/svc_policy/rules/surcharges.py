"""Surcharges: a share of other fee lines, for each row that holds."""

from __future__ import annotations

from collections.abc import Sequence

from svc_policy.expressions.nodes import ZERO, Expression, add, choose, divide, multiply
from svc_policy.rules.family import Context, Family, Result, Row

WHOLE = 10_000


def build(context: Context) -> None:
    """Write the amount of every surcharge row, in minor units, half a unit rounded up."""
    rows = context.rows("surcharges")
    conditions = context.collect("surcharges", "surcharges", rows)
    for number, (row, condition) in enumerate(zip(rows, conditions, strict=True)):
        context.compute(f"surcharge_{number + 1}", choose(condition, _amount(context, row), ZERO))


def _amount(context: Context, row: Row) -> Expression:
    of: Sequence[str] = row.results["of"]  # type: ignore[assignment]
    base = ZERO
    for line in of:
        base = add(base, context.subject(f"fee_{line}_amount", "ticket", "surcharges"))
    return divide("half_up_divide", multiply(base, context.cell(row.results["share"], "surcharges", "ticket")), WHOLE)


FAMILY = Family(
    name="surcharges",
    zh="附加费",
    grain="ticket",
    policy="collect",
    governing="fee",
    results=(
        Result("line", "text", "项目", required=True),
        Result("share", "share", "比例", required=True),
        Result("of", "texts", "基数", required=True),
    ),
    build=build,
)
