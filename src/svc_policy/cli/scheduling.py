"""What comes round by itself: a schedule, its file for calendars, and posts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from svc_policy.cli.framework import command, json_option, option, pack_argument, refuse
from svc_policy.cli.session import session_of
from svc_policy.errors import UsageError, problem, reason_of
from svc_policy.messages import message


@command(
    "schedule",
    message("List what comes round by itself in a period: reports, meetings, notices before contracts end."),
    examples=(
        "svc-policy schedule works --from 2026-01-01 --until 2026-03-31",
        "svc-policy schedule works --from 2026-01-01 --until 2026-12-31 --contracts contracts.csv --ics works.ics",
        "svc-policy schedule ./my-shop --from 2026-01-01 --until 2026-12-31 --assets assets.json --json",
    ),
)
@pack_argument
@option("--from", "first", metavar="D", required=True, words=message("the first day, as in `2026-01-01`"))
@option("--until", "last", metavar="D", required=True, words=message("the last day, included"))
@option("--contracts", metavar="FILE", words=message("the contracts: a CSV file, a JSON list, or JSON lines"))
@option("--assets", metavar="FILE", words=message("devices and sites: a CSV file, a JSON list, or JSON lines"))
@option("--ics", "calendar", metavar="FILE", words=message("write a file for calendars, `-` for standard output"))
@option(
    "--at",
    metavar="T",
    words=message("instant that the events of `--ics` say they were written at; now unless given"),
)
@json_option
@click.pass_context
def schedule(
    context: click.Context,
    pack: str,
    first: str,
    last: str,
    contracts: str | None,
    assets: str | None,
    calendar: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Lay out a schedule."""
    from svc_policy import load

    session = session_of(context)
    if calendar == "-" and as_json:
        refuse("output-twice", message("standard output takes `--json` or `--ics`, not both"))
    policy = load(pack)
    found = policy.schedule(
        () if contracts is None else Path(contracts), () if assets is None else Path(assets), from_=first, until=last
    )
    if calendar is not None:
        from svc_policy.adapters.icalendar import schedule_calendar
        from svc_policy.cli.deciding import instant_of

        content = schedule_calendar(found, policy, session.language, stamp=instant_of(at, policy))
        if calendar == "-":
            click.echo(content, nl=False)
            return
        _write(Path(calendar), content)
        note = message("wrote {count} events to {path}", count=len(found.occurrences), path=calendar)
        session.note(note)
    if as_json:
        session.write_json(found.to_dict())
        return
    from svc_policy.schedule import schedule_text

    session.write(schedule_text(found, policy, session.language).rstrip("\n"))


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        _refuse_file(path, error)


def _refuse_file(path: Path, error: OSError) -> NoReturn:
    text = message("cannot write `{file}`: {reason}", file=path, reason=reason_of(error))
    raise UsageError([problem("file-unwritable", text)])


@command(
    "staffing",
    message("Count the people that the posts of a policy take for a workload."),
    examples=("svc-policy staffing campus", "svc-policy staffing ./my-shop --workload jobs=120 --json"),
)
@pack_argument
@option(
    "--workload",
    "workloads",
    metavar="NAME=N",
    multiple=True,
    words=message("how many there are of what posts are counted in, as in `jobs=120`; may be given again"),
)
@option("--at", "day", metavar="D", words=message("the day whose rules hold; today unless given"))
@json_option
@click.pass_context
def staffing(context: click.Context, pack: str, workloads: tuple[str, ...], day: str | None, as_json: bool) -> None:
    """Count posts."""
    from svc_policy import load

    session = session_of(context)
    counts = dict(_workload(text) for text in workloads)
    policy = load(pack)
    found = policy.staffing(counts, on=day)
    if as_json:
        session.write_json(found.to_dict())
        return
    from svc_policy.schedule import staffing_text

    session.write(staffing_text(found, policy, session.language).rstrip("\n"))


def _workload(text: str) -> tuple[str, int]:
    name, equals, count = text.partition("=")
    if not equals or not name.strip() or not (count.strip().isascii() and count.strip().isdigit()):
        refuse(
            "workload-form",
            message("cannot read `{text}` in `{name}`", text=text, name="--workload"),
            message("write it as in `jobs=120`"),
        )
    return name.strip(), int(count)
