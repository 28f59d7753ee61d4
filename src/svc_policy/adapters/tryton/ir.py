"""The cron entry that wakes when a decision changes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trytond.pool import Pool, PoolMeta

from svc_policy.adapters.tryton.complaint import OPEN

WAKE: Final = "sale.complaint|svc_wake"


class Cron(metaclass=PoolMeta):
    """Scheduled actions."""

    __name__ = "ir.cron"

    if TYPE_CHECKING:
        method: Any

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()  # type: ignore[misc]
        cls.method.selection.append((WAKE, "Decide Complaints Whose Decision Changes"))

    def compute_next_call(self, now: datetime | None = None) -> Any:
        """Wake when the next decision changes, if that comes before the interval is over."""
        found = super().compute_next_call(now=now)  # type: ignore[misc]
        if self.method != WAKE:
            return found
        complaint = Pool().get("sale.complaint")
        first = complaint.search(
            [("state", "in", list(OPEN)), ("svc_next_change_at", "!=", None)],
            order=[("svc_next_change_at", "ASC")],
            limit=1,
        )
        if not first:
            return found
        # Never at once again: the scheduler goes on until nothing is due.
        return min(found, max(first[0].svc_next_change_at, (now or datetime.now()) + timedelta(seconds=1)))
