"""Checklists: what is confirmed or done at each stage of a visit."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="checklists",
    zh="检查清单",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("stage", "text", "阶段", required=True),
        Result("item", "text", "事项", required=True),
        Result("order", "count", "顺序"),
        CHOSEN_BY,
    ),
    build=listing("checklists"),
)
