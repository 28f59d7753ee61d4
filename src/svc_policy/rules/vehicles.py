"""Vehicles: what an order is delivered with, by its weight, and who pays the carrier."""

from __future__ import annotations

from svc_policy.rules.family import Context, Family, Result


def build(context: Context) -> None:
    """Write `vehicle`, a label."""
    rows = context.rows("vehicles")
    if rows:
        context.choose(
            "vehicles",
            "vehicles",
            rows,
            {"vehicle": lambda row: context.cell(row.results["vehicle"], "vehicles", "ticket")},
        )


FAMILY = Family(
    name="vehicles",
    zh="送货车辆",
    grain="ticket",
    policy="first",
    governing="request",
    results=(
        Result("vehicle", "text", "车辆", required=True),
        Result("paid by", "role", "运费支付方"),
        Result("arranged by", "role", "联系人员"),
    ),
    build=build,
)
