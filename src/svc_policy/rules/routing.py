"""Routing: the steps a request takes and who takes each."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="routing",
    zh="流转",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("step", "text", "步骤", required=True),
        Result("owner", "role", "负责人", required=True),
        Result("order", "count", "顺序"),
        CHOSEN_BY,
    ),
    build=listing("routing"),
)
