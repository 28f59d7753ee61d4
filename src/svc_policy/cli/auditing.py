"""Audit a log of tickets against a policy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from svc_policy.cli.framework import FINDINGS, Choice, argument, command, option
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import message

FORMS = ("text", "json", "csv", "html")


@command(
    "audit",
    message("Audit a log of tickets: findings like a linter's, nothing lost. Exit code 1 if there are findings."),
    examples=(
        "svc-policy audit tickets.csv --policy mall",
        "svc-policy audit events.csv --policy mall --mapping mapping.toml --out audit-2026 --format json",
    ),
)
@argument("file", words=message("the log: a file of tickets or of events"))
@option("--policy", "pack", metavar="PACK", required=True, words=message("the policy that it is held against"))
@option("--mapping", metavar="FILE", words=message("a TOML file that says which column is which fact"))
@option("--at", metavar="T", words=message("instant of the audit; the latest in the file unless given"))
@option("--out", metavar="DIR", words=message("a folder for the whole result"))
@option("--format", "form", type=Choice(*FORMS), default="text", show_default=True, words=message("form of the output"))
@click.pass_context
def audit(
    context: click.Context, file: str, pack: str, mapping: str | None, at: str | None, out: str | None, form: str
) -> int:
    """Audit a log."""
    from svc_policy import load
    from svc_policy.audit import run_audit
    from svc_policy.cli.deciding import instant_of

    session = session_of(context)
    policy = load(pack)
    result = run_audit(
        Path(file),
        policy,
        mapping=None if mapping is None else Path(mapping),
        at=None if at is None else instant_of(at, policy),
        out=None if out is None else Path(out),
        progress=progress_of(session),
    )
    with result:
        for piece in result.render(form, session.language):  # type: ignore[arg-type]
            click.echo(piece, nl=False)
        if form == "text":
            click.echo()
        return FINDINGS if result.found else 0


_STAGES = {
    "read": message("reading"),
    "decide": message("deciding"),
    "find": message("comparing"),
    "write": message("writing"),
}


def progress_of(session: Session) -> Callable[[str, int, int], None] | None:
    """Tell of the progress on one line of a terminal, and of nothing anywhere else."""
    if not sys.stderr.isatty():
        return None

    def tell(stage: str, done: int, total: int) -> None:
        text = f"{session.words(_STAGES.get(stage, stage))} {done}/{total}"
        click.echo(f"\r{text:<40}" + ("\r" + " " * 60 + "\r" if done >= total else ""), err=True, nl=False)

    return tell
