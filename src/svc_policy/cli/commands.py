"""The root command and the list of all others."""

from __future__ import annotations

import click

from svc_policy import __version__
from svc_policy.cli.adapting import adapters
from svc_policy.cli.auditing import audit
from svc_policy.cli.calendars import calendar
from svc_policy.cli.checking import check, rules
from svc_policy.cli.deciding import decide, explain, quote
from svc_policy.cli.diffing import diff
from svc_policy.cli.editions import edition
from svc_policy.cli.exporting import compile_policy, export, schema
from svc_policy.cli.framework import Root, group, option
from svc_policy.cli.packs import new, packs
from svc_policy.cli.printing import book, forms
from svc_policy.cli.recording import record, replay
from svc_policy.cli.reporting import report
from svc_policy.cli.scheduling import schedule, staffing
from svc_policy.cli.serving import serve, token
from svc_policy.cli.testing import test
from svc_policy.cli.transferring import transfer
from svc_policy.cli.watching import watch
from svc_policy.messages import message


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"svc-policy {__version__}")
        context.exit()


@group(
    "svc-policy",
    message("Decide, quote, explain and audit after-sales service under a policy that cites its clauses."),
    examples=(
        "svc-policy packs",
        "svc-policy decide mall ticket.json",
        "svc-policy explain mall ticket.toml --lang zh",
        "svc-policy new my-shop --from mall",
        "svc-policy check my-shop",
    ),
    kind=Root,
)
@option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    words=message("print the version and exit"),
)
def commands() -> None:
    """Hold the commands together."""


for command in (
    packs,
    new,
    edition,
    decide,
    quote,
    explain,
    check,
    diff,
    rules,
    calendar,
    schema,
    export,
    compile_policy,
    schedule,
    staffing,
    book,
    forms,
    audit,
    report,
    record,
    replay,
    test,
    watch,
    adapters,
    transfer,
    serve,
    token,
):
    commands.add_command(command)
