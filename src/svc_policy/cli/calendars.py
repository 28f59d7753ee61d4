"""Show a policy's working calendar, and freeze it anew from the holidays package."""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svc_policy.cli.framework import WordedGroup, command, group, json_option, option, pack_argument, refuse
from svc_policy.cli.session import Session, session_of
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack
    from svc_policy.worktime import WorkCalendar

_YEARS = re.compile(r"(\d{4})(?:\s*[-–—]\s*(\d{4}))?")


class _Calendars(WordedGroup):
    """Shows a pack's calendar unless it is told what else to do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `calendar PACK` for `calendar show PACK`."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show both forms."""
        return ["PACK [--year YYYY] | refresh PACK [--years FIRST-LAST]"]


@group(
    "calendar",
    message(
        "Show a policy's working days (`calendar PACK --year 2026`), or freeze them anew (`calendar refresh PACK`)."
    ),
    examples=(
        "svc-policy calendar mall --year 2026",
        "svc-policy calendar refresh ./my-shop --years 2015-2026",
    ),
    kind=_Calendars,
)
def calendar() -> None:
    """Hold the two together."""


@command(
    "show",
    message("Show the working days of each month of a year, and every day off with its reason."),
    examples=("svc-policy calendar mall --year 2026", "svc-policy calendar mall --year 2026 --json"),
)
@pack_argument
@option("--year", metavar="YYYY", type=int, words=message("the year; this year unless given"))
@json_option
@click.pass_context
def show(context: click.Context, pack: str, year: int | None, as_json: bool) -> None:
    """Show a year."""
    from svc_policy.pack.load import load_pack

    session = session_of(context)
    loaded = load_pack(pack)
    working = loaded.calendar()
    if working is None:
        refuse("calendar-none", message("the policy `{pack}` has no working calendar", pack=loaded.id))
    wanted = datetime.now(UTC).year if year is None else year
    first, last = working.valid
    if not first.year <= wanted <= last.year:
        refuse(
            "calendar-year",
            message("the calendar of `{pack}` says nothing of {year}", pack=loaded.id, year=wanted),
            message("it runs from {first} to {last}", first=first.isoformat(), last=last.isoformat()),
        )
    data = _year(loaded, working, wanted)
    if as_json:
        session.write_json(data)
    else:
        _show_year(session, data)


def _year(pack: Pack, working: WorkCalendar, year: int) -> dict[str, Any]:
    """List the months of a year with their working days, and the days that differ from the week."""
    first, last = working.valid
    found = []
    for month in range(1, 13):
        days = [date(year, month, day) for day in range(1, months.monthrange(year, month)[1] + 1)]
        known = [day for day in days if first <= day <= last]
        worked = [day for day in known if working.is_workday(day)]
        found.append({"month": f"{year}-{month:02}", "days": len(known), "working_days": len(worked)})
    exceptions = [
        {
            "day": frozen.day.isoformat(),
            "weekday": months.day_abbr[frozen.day.weekday()].lower(),
            "kind": frozen.kind,
            "why": frozen.why,
            "provisional": frozen.provisional,
        }
        for frozen in sorted(pack.days, key=lambda frozen: frozen.day)
        if frozen.day.year == year
    ]
    return {
        "schema": 1,
        "policy": pack.id,
        "year": year,
        "timezone": pack.settings.timezone,
        "valid": [first.isoformat(), last.isoformat()],
        "week": {day: list(windows) for day, windows in pack.settings.week.items()},
        "months": found,
        "exceptions": exceptions,
    }


_WEEKDAYS = {
    "mon": message("Monday"),
    "tue": message("Tuesday"),
    "wed": message("Wednesday"),
    "thu": message("Thursday"),
    "fri": message("Friday"),
    "sat": message("Saturday"),
    "sun": message("Sunday"),
}
_KINDS = {"off": message("day off"), "work": message("working day")}


def _show_year(session: Session, data: dict[str, Any]) -> None:
    rows = [(one["month"], one["days"], one["working_days"]) for one in data["months"]]
    total = sum(one["working_days"] for one in data["months"])
    rows.append((session.words(message("total")), sum(one["days"] for one in data["months"]), total))
    session.table((message("month"), message("days"), message("working days")), rows, right=".rr")
    session.write()
    for day, windows in data["week"].items():
        hours = ", ".join(windows) or session.words(message("day off"))
        session.write(message("{weekday}: {hours}", weekday=session.words(_WEEKDAYS[day]), hours=hours))
    if not data["exceptions"]:
        return
    session.write()
    session.table(
        (message("day"), message("weekday"), message("kind"), message("why")),
        [
            (
                one["day"],
                session.words(_WEEKDAYS[one["weekday"]]),
                session.words(_KINDS[one["kind"]]),
                one["why"] + (session.words(message(" (provisional)")) if one["provisional"] else ""),
            )
            for one in data["exceptions"]
        ],
    )


@command(
    "refresh",
    message("Write calendar.csv of a folder anew from the holidays package, for the years given."),
    examples=(
        "svc-policy calendar refresh ./my-shop",
        "svc-policy calendar refresh ./my-shop --years 2015-2027 --provisional",
    ),
)
@pack_argument
@option(
    "--years",
    metavar="FIRST-LAST",
    words=message("the years to freeze; those for which the calendar is valid unless given"),
)
@option(
    "--provisional", is_flag=True, words=message("also freeze years that nobody has announced yet, marked as a guess")
)
@click.pass_context
def refresh(context: click.Context, pack: str, years: str | None, provisional: bool) -> None:
    """Freeze the calendar anew."""
    from svc_policy.pack.load import load_pack
    from svc_policy.worktime.frozen import refresh as freeze
    from svc_policy.worktime.frozen_file import write_frozen

    session = session_of(context)
    folder = _folder_of(pack)
    loaded = load_pack(pack)
    settings = loaded.settings
    if settings.country is None:
        refuse(
            "calendar-country",
            message("the policy `{pack}` names no country", pack=loaded.id),
            message('add `country` under `[calendar]` in policy.toml, as in `country = "CN"`'),
        )
    chosen = list(_years(years, settings.valid))
    days = freeze(settings.country, chosen, week=settings.week, provisional=provisional)
    kept = [frozen for frozen in loaded.days if frozen.day.year not in chosen]
    text = write_frozen([*kept, *days])
    before, after = {one.day: one for one in loaded.days}, {one.day: one for one in (*kept, *days)}
    _replace(folder / "calendar.csv", text)
    changed = [day for day in sorted({*before, *after}) if _meaning(before.get(day)) != _meaning(after.get(day))]
    session.write(
        message(
            "wrote {file}: {count} days, {changed} of them changed",
            file=str(folder / "calendar.csv"),
            count=len(after),
            changed=len(changed),
        )
    )
    for day in changed:
        session.note(f"  {day.isoformat()}")
    if settings.valid and chosen and max(chosen) > int(settings.valid[1][:4]):
        session.note(message("note: `calendar.valid` in policy.toml ends on {last}", last=settings.valid[1]))


def _meaning(frozen: Any) -> tuple[object, ...] | None:
    return None if frozen is None else (frozen.windows, frozen.as_weekday)


def _folder_of(pack: str) -> Path:
    """Find the folder whose calendar may be written: never a built-in pack or a workbook."""
    from svc_policy.pack.source import built_in_packs, find_pack

    path = find_pack(pack)
    if pack in built_in_packs() or _is_inside_library(path):
        refuse(
            "calendar-built-in",
            message("`{pack}` is built in and is not changed", pack=pack),
            message("copy it first: `svc-policy new my-shop --from {pack}`", pack=pack),
        )
    if not path.is_dir():
        refuse(
            "calendar-workbook",
            message("`{pack}` is a workbook", pack=pack),
            message("write it to a folder first: `svc-policy export {pack} --folder my-shop`", pack=pack),
        )
    return path


def _is_inside_library(path: Path) -> bool:
    from importlib import resources

    return path.resolve().is_relative_to(Path(str(resources.files("svc_policy"))).resolve())


def _years(text: str | None, valid: tuple[str, str] | None) -> Iterable[int]:
    if text is None:
        if valid is None:
            refuse(
                "calendar-years",
                message("the policy says not for which years its calendar is valid"),
                message("give `--years`, as in `--years 2015-2026`"),
            )
        return range(int(valid[0][:4]), int(valid[1][:4]) + 1)
    found = _YEARS.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
    if not 1900 <= first <= last <= 2199:
        refuse(
            "calendar-years",
            message("cannot read `{text}` in `{name}`", text=text, name="--years"),
            message("years are written as in `2026` or `2015-2027`"),
        )
    return range(first, last + 1)


def _replace(path: Path, text: str) -> None:
    from svc_policy.tables.sheets import replacing

    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


calendar.add_command(show)
calendar.add_command(refresh)
show.hidden = True
