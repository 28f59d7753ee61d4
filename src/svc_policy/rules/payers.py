"""Payers: who pays what the job costs."""

from __future__ import annotations

from svc_policy.rules.family import Context, Family, Result

CUSTOMER = "customer"


def build(context: Context) -> None:
    """Write `payer`, a role or the customer."""
    rows = context.rows("payers")
    if rows:
        context.choose(
            "payers", "payers", rows, {"payer": lambda row: context.cell(row.results["payer"], "payers", "ticket")}
        )


FAMILY = Family(
    name="payers",
    zh="付款方",
    grain="ticket",
    policy="first",
    governing="request",
    results=(Result("payer", "role", "付款方", required=True),),
    build=build,
)
