"""Part fees: the share of the list price that a part line is charged at."""

from __future__ import annotations

from svc_policy.expressions.nodes import ZERO, choose, divide, equal, multiply
from svc_policy.rules.family import Context, Family, Result

WHOLE = 10_000


def build(context: Context) -> None:
    """Write the amount of each part line, in minor units, half a unit rounded up."""
    rows = context.rows("part_fees")
    if not rows:
        return
    share = context.choose(
        "part_fees",
        "part_fees",
        rows,
        {"part_share": lambda row: context.cell(row.results["share"], "part_fees", "part")},
        otherwise={"part_share": ZERO},
        grain="part",
    )["part_share"]
    price = context.subject("unit_price", "part", "part_fees")
    quantity = context.subject("quantity", "part", "part_fees")
    charged = divide("half_up_divide", multiply(multiply(price, quantity), share), WHOLE)
    # A part that costs nothing is not asked for its price.
    amount = context.compute("part_amount", choose(equal(share, ZERO), ZERO, charged), grain="part")
    context.gather("parts_amount", "part", "sum", amount)


FAMILY = Family(
    name="part_fees",
    zh="配件收费",
    grain="part",
    policy="first",
    governing="fee",
    results=(Result("share", "share", "比例", required=True),),
    build=build,
)
