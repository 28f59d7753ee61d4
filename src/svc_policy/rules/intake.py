"""Intake: what the first record of a request must hold, and who sees to it."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import listing

FAMILY = Family(
    name="intake",
    zh="受理",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(Result("field", "text", "登记项", required=True), Result("owner", "role", "负责人")),
    build=listing("intake"),
)
