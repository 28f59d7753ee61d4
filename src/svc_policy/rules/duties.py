"""Duties: who is answerable for what."""

from __future__ import annotations

from svc_policy.rules.family import Family, Result
from svc_policy.rules.listing import CHOSEN_BY, listing

FAMILY = Family(
    name="duties",
    zh="职责",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("owner", "role", "负责人", required=True),
        Result("duty", "text", "职责", required=True),
        CHOSEN_BY,
    ),
    build=listing("duties"),
)
