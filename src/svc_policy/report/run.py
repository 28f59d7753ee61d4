"""Make a report: read and decide as an audit does, then count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.audit import run_audit
from svc_policy.audit.findings import FINDINGS
from svc_policy.messages import Language
from svc_policy.report.coming import coming_days
from svc_policy.statistics import Period, statistics
from svc_policy.statistics.periods import TICKETS

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.schedule import Schedule


@attrs.frozen(kw_only=True, eq=False)
class Report:
    """A month or a year of a service.

    `statistics` is what :func:`svc_policy.statistics.statistics` gives, `findings`
    the number of findings and of tickets by code, `coming` the schedule of the
    month after the period (None where the policy has none), and `summary` that of the audit of the whole log.
    """

    policy: Policy
    period: Period
    statistics: Mapping[str, Any]
    findings: Mapping[str, Mapping[str, int]]
    coming: Schedule | None
    summary: Mapping[str, Any]

    def html(self, language: Language = "en") -> str:
        """Make the page.

        Raises:
            UsageError: The extra `report` is not installed.
        """
        from svc_policy.report.page import page

        return page(self, language)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as JSON-ready data."""
        return {
            "schema": 1,
            "kind": "svc-policy report",
            "log": self.summary["log"],
            "mapping": self.summary["mapping"],
            "rows": self.summary["rows"],
            "findings": self.findings,
            "coming": None if self.coming is None else self.coming.to_dict(),
            "statistics": self.statistics,
        }


def run_report(
    source: Path,
    policy: Policy,
    *,
    period: Period,
    mapping: Path | None = None,
    at: datetime | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Report on the tickets of a period in a log.

    Args:
        source: The log, as :func:`svc_policy.audit.run_audit` reads it; earlier tickets count as history.
        policy: The policy.
        period: The month or year that is reported on.
        mapping: The mapping of the log, if its headings are not names of facts.
        at: The instant at which the tickets are decided; else that of the audit.
        progress: Called with a stage, the steps done and the steps in all.

    Raises:
        MappingError: The mapping or the log cannot be read; with every problem.
        UsageError: `at` has no offset, or an extra is not installed.
    """
    with run_audit(source, policy, mapping=mapping, at=at, progress=progress, with_texts=False) as audit:
        at_s = int(datetime.fromisoformat(audit.summary["at"]).timestamp())
        found = statistics(audit.connection, audit.policy, at_s=at_s, period=period)
        rows = audit.connection.execute(
            f"SELECT f.code, count(*), count(DISTINCT f.ticket_id) FROM {FINDINGS} AS f JOIN {TICKETS} AS t "
            f"USING (ticket_id) WHERE {period.condition('t.request_day')} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return Report(
            policy=audit.policy,
            period=period,
            statistics=found,
            findings={code: {"findings": count, "tickets": tickets} for code, count, tickets in rows},
            coming=coming_days(audit.policy, period),
            summary=audit.summary,
        )
