"""A month or a year of a service as one page: what was due, what went wrong, what it cost, what comes next.

    from svc_policy.report import run_report
    from svc_policy.statistics import month

    report = run_report(Path("tickets.csv"), load("mall"), period=month("2026-10"))
    Path("october.html").write_text(report.html("zh"), encoding="utf-8")

See ``docs/report.md``.
"""

from svc_policy.report.run import Report, run_report

__all__ = ["Report", "run_report"]
