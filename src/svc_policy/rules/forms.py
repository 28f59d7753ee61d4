"""Forms: which paper is due from whom, in how many copies, to whom."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="forms",
    zh="表单",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("form", "text", "表单", required=True),
        Result("owner", "role", "负责人", required=True),
        Result("copies", "count", "份数"),
        Result("recipient", "role", "接收人"),
        CHOSEN_BY,
    ),
    build=listing("forms"),
)
