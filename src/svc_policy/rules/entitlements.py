"""Contract entitlements: is the job under contract, and what does the contract cover."""

from __future__ import annotations

from collections.abc import Callable

from svc_policy.expressions.nodes import Expression, and_, at_most, certainly, constant, is_missing, is_present, or_
from svc_policy.rules.family import Context, Family, Result, Row

COVERS = ("labour", "parts", "visit")


def build(context: Context) -> None:
    """Write `in_contract` and what the contract covers of labour, parts and the visit."""
    request = context.subject("request_day", "ticket", "entitlements")
    first = context.subject("contract_from", "ticket", "entitlements")
    last = context.subject("contract_until", "ticket", "entitlements")
    begun = or_(is_missing(first), at_most(first, request))
    context.compute("in_contract", and_(is_present(last), begun, at_most(request, last)))
    rows = context.rows("entitlements")
    if rows:
        context.choose(
            "entitlements",
            "entitlements",
            rows,
            {f"contract_{name}": _covers(context, name) for name in COVERS},
            otherwise={f"contract_{name}": constant(False) for name in COVERS},
        )
    else:
        for name, covers in (("labour", "contract_covers_labour"), ("parts", "contract_covers_parts")):
            context.compute(f"contract_{name}", certainly(context.subject(covers, "ticket", "entitlements")))
        context.compute("contract_visit", context.subject("in_contract", "ticket", "entitlements"))


def _covers(context: Context, name: str) -> Callable[[Row], Expression]:
    return lambda row: context.cell(row.results[name], "entitlements", "ticket")


FAMILY = Family(
    name="entitlements",
    zh="合同权益",
    grain="ticket",
    policy="first",
    governing="request",
    results=(
        Result("labour", "bool", "人工", required=True),
        Result("parts", "bool", "配件", required=True),
        Result("visit", "bool", "上门", required=True),
    ),
    build=build,
)
