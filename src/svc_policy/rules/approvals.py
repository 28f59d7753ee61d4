"""Approvals: what may be done only with a named role's consent."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="approvals",
    zh="审批",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("approver", "role", "批准人", required=True),
        Result("subject", "text", "事项", required=True),
        CHOSEN_BY,
    ),
    build=listing("approvals"),
)
