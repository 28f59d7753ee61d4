"""Which target is waited for next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from svc_policy.decision import Decision, Target
    from svc_policy.policy.views import PolicyViews

#: Statuses of a target whose time runs, or has run out with nothing done.
AWAITED: Final = frozenset(("pending", "breached"))


def next_due(policy: PolicyViews, decision: Decision) -> Target | None:
    """Give the target that is due first of those that are waited for, None where there is none.

    One that is overdue is still waited for. One on hold has no due instant until the hold ends, so another goes before
    it. Of two due at one instant the first in the policy's table is given.
    """
    found = [
        (int(due), name)
        for name in policy.target_names()
        if policy.column(decision, f"{name}_status") in AWAITED
        and (due := policy.column(decision, f"{name}_due")) is not None
    ]
    if not found:
        return None
    return policy._target(decision, min(found, key=lambda one: one[0])[1])
