"""Report on a month or a year of a service."""

from __future__ import annotations

import json
from pathlib import Path

import click

from svc_policy.cli.auditing import progress_of
from svc_policy.cli.framework import argument, command, option, refuse
from svc_policy.cli.pages import expect_page, write_page
from svc_policy.cli.session import session_of
from svc_policy.messages import message


@command(
    "report",
    message("Report on a month or a year of tickets as one page: targets, causes, costs, surveys, what comes next."),
    examples=(
        "svc-policy report tickets.csv --policy mall --month 2026-10 --html october.html",
        "svc-policy report events.csv --policy mall --mapping mapping.toml --year 2012 --html 2012.html --lang zh",
    ),
)
@argument("file", words=message("the log: a file of tickets or of events"))
@option("--policy", "pack", metavar="PACK", required=True, words=message("the policy that it is held against"))
@option("--mapping", metavar="FILE", words=message("a TOML file that says which column is which fact"))
@option("--at", metavar="T", words=message("instant of the report; the latest in the file unless given"))
@option("--month", metavar="M", words=message("the month that is reported on, as in `2026-10`"))
@option("--year", metavar="Y", words=message("the year that is reported on, as in `2026`"))
@option("--html", "page", metavar="FILE", words=message("the page to write; one that is there is replaced"))
@option("--json", "as_json", is_flag=True, words=message("print the figures as JSON"))
@click.pass_context
def report(
    context: click.Context,
    file: str,
    pack: str,
    mapping: str | None,
    at: str | None,
    month: str | None,
    year: str | None,
    page: str | None,
    as_json: bool,
) -> None:
    """Make a report."""
    if (month is None) == (year is None):
        refuse("report-period", message("give `--month 2026-10` or `--year 2026`"))
    if page is None and not as_json:
        refuse("report-form", message("give `--html FILE` or `--json`"))
    from svc_policy import load
    from svc_policy.cli.deciding import instant_of
    from svc_policy.report import run_report
    from svc_policy.statistics import period_of

    session = session_of(context)
    if page is not None:
        expect_page(page)
    period = period_of(month, year)
    policy = load(pack)
    found = run_report(
        Path(file),
        policy,
        period=period,
        mapping=None if mapping is None else Path(mapping),
        at=None if at is None else instant_of(at, policy),
        progress=progress_of(session),
    )
    if page is not None:
        write_page(session, page, found.html(session.language), aside=as_json)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
