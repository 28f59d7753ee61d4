"""Surveys: who asks the customer what, and on which scale."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="surveys",
    zh="满意度调查",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("survey", "text", "调查", required=True),
        Result("owner", "role", "负责人", required=True),
        Result("scale", "text", "量表"),
        CHOSEN_BY,
    ),
    build=listing("surveys"),
)
