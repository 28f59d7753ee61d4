"""Open a new edition of a pack: what changes every year, copied under a new date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import argument, command, json_option, option
from svc_policy.cli.session import session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.pack.edition import Edition


@command(
    "edition",
    message("Open a new edition of a pack: amounts or tables, and parameters, are copied under a new date."),
    examples=(
        "svc-policy edition ./my-shop --from 2027-01-01",
        "svc-policy edition ./my-shop --from 2027-01-01 --dry-run",
        "svc-policy edition ./my-shop --from 2027-01-01 --tables fees,deadlines",
        "svc-policy edition ./my-shop --from 2027-01-01 --tables fees,surcharges --parameters vat",
    ),
)
@argument("pack", words=message("the folder of a pack"))
@option("--from", "first", metavar="DAY", required=True, words=message("the first day of the new edition"))
@option("--tables", metavar="NAMES", words=message("the tables whose rows in force are copied, separated by commas"))
@option("--parameters", metavar="NAMES", words=message("the parameters that get a new value, separated by commas"))
@option("--dry-run", is_flag=True, words=message("show the change and write nothing"))
@json_option
@click.pass_context
def edition(
    context: click.Context,
    pack: str,
    first: str,
    tables: str | None,
    parameters: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open an edition."""
    from svc_policy.errors import problem_to_dict
    from svc_policy.pack.edition import open_edition
    from svc_policy.schedule import read_day

    session = session_of(context)
    # Naming only the one leaves the other alone.
    named = {"tables": _names(tables), "parameters": _names(parameters)}
    if (tables is None) != (parameters is None):
        named = {key: value or [] for key, value in named.items()}
    opened = open_edition(Path(pack) if Path(pack).is_dir() else pack, read_day(first, "--from"), **named)
    if not dry_run:
        opened.write()
    if as_json:
        session.write_json({**_as_dict(opened, written=not dry_run), "notes": list(map(problem_to_dict, opened.notes))})
        return
    for note in opened.notes:
        session.note(note.render(session.language))
    if dry_run:
        for file in opened.files:
            session.write(file.diff())
        return
    for table, rules in opened.rules.items():
        session.write(message("{table}: {count} rules from {day}", table=table, count=len(rules), day=first))
    for name in opened.parameters:
        session.write(message("{{{name}}}: a value from {day}", name=name, day=first))
    session.note(message("next: edit the copies, then `{command}`", command=f"svc-policy check {pack}"))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.replace("，", ",").split(",") if name.strip()]


def _as_dict(opened: Edition, *, written: bool) -> dict[str, Any]:
    return {
        "schema": 1,
        "from": opened.from_day.isoformat(),
        "written": written,
        "digest": {"before": opened.before, "after": opened.after},
        "rules": {table: list(rules) for table, rules in opened.rules.items()},
        "parameters": list(opened.parameters),
        "files": [{"file": file.label, "diff": file.diff()} for file in opened.files],
    }
