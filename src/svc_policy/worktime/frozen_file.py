"""Read and write `calendar.csv`: the frozen exceptions to the week, one a line.

    day,windows,why
    2026-02-14,as mon,make-up day
    2026-02-16,off,Spring Festival
    2026-12-24,09:00-12:00,Christmas Eve

`windows` is `off`, windows such as `09:00-12:00;13:00-18:00`, or `as mon` for a
make-up day that has the hours of a weekday. A fourth column, `provisional`, is
`yes` where the day has not been announced yet; it may be left out.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

from svc_policy.errors import CalendarError, Place, Problem, nearest, problem, reason_of
from svc_policy.messages import Message, message
from svc_policy.worktime.frozen import FrozenDay, twice
from svc_policy.worktime.windows import WEEKDAYS, Windows, read_date, read_hours, unknown_weekday, windows_text

COLUMNS: Final = ("day", "windows", "why", "provisional")
_REQUIRED: Final = COLUMNS[:2]


def read_frozen(path: str | os.PathLike[str]) -> list[FrozenDay]:
    """Read a calendar file: strict UTF-8, with or without a byte order mark.

    Raises:
        CalendarError: with everything in the file that cannot be read.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(name, message("cannot read the file: {reason}", reason=reason_of(error))) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _unreadable(name, message("the file is not UTF-8"), line) from None
    days, problems = parse_frozen(text, name)
    if problems:
        raise CalendarError(problems)
    return days


def parse_frozen(text: str, file: str) -> tuple[list[FrozenDay], list[Problem]]:
    """Read the text of a calendar file; what cannot be read is left out and told.

    Args:
        text: the whole file.
        file: its name, for the messages.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    days: list[FrozenDay] = []
    problems: list[Problem] = []
    headings: list[str] | None = None
    seen = set()
    while True:
        line = rows.line_num + 1
        place = Place(file=file, line=line, text=lines[line - 1] if line <= len(lines) else None)
        try:
            cells = next(rows, None)
        except csv.Error as error:
            problems.append(
                problem("calendar-file", message("cannot read the line: {reason}", reason=error), place=place)
            )
            break
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if headings is None:
            headings = [cell.strip() for cell in cells]
            unusable = _check_headings(headings, place)
            if unusable:
                return [], unusable
            continue
        found: list[Problem] = []
        day = _read_row(dict(zip(headings, cells, strict=False)), len(cells) - len(headings), place, found)
        if day is not None and day.day in seen:
            found.append(twice(day))
        problems.extend(found)
        if day is not None and not found:
            seen.add(day.day)
            days.append(day)
    if headings is None and not problems:
        problems.append(_no_headings(Place(file=file, line=1)))
    return days, problems


def write_frozen(days: Iterable[FrozenDay]) -> str:
    """Write frozen days as the text of a calendar file, in order of the date.

    The column `provisional` is written only if a day is provisional. The same
    days give the same text.
    """
    ordered = sorted(days, key=lambda frozen: frozen.day)
    columns = COLUMNS if any(frozen.provisional for frozen in ordered) else COLUMNS[:3]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for frozen in ordered:
        windows = f"as {frozen.as_weekday}" if frozen.as_weekday else windows_text(frozen.windows)
        row = (frozen.day.isoformat(), windows, frozen.why, "yes" if frozen.provisional else "")
        writer.writerow(row[: len(columns)])
    return out.getvalue()


def _read_row(row: dict[str, str], surplus: int, place: Place, problems: list[Problem]) -> FrozenDay | None:
    found: list[tuple[str, Problem]] = []
    if surplus > 0:
        found.append(
            (
                "",
                problem(
                    "calendar-file",
                    message("the line has {surplus} cells more than the heading", surplus=surplus),
                    help=message('put quotes around a text with a comma, as in `"one, two"`'),
                ),
            )
        )
    day_cell = row.get("day", "").strip()
    windows_cell = row.get("windows", "").strip()
    provisional = row.get("provisional", "").strip()
    of_day: list[Problem] = []
    of_windows: list[Problem] = []
    day = read_date(day_cell, of_day)
    as_weekday, windows = _read_windows(windows_cell, day_cell, of_windows)
    found += [(day_cell, one) for one in of_day] + [(windows_cell, one) for one in of_windows]
    if provisional not in ("", "yes", "no"):
        unreadable = problem(
            "calendar-file",
            message("cannot read `{cell}` in column `provisional`", cell=provisional),
            help=message("write `yes`, `no`, or nothing"),
        )
        found.append((provisional, unreadable))
    problems.extend(attrs.evolve(one, place=_under(place, cell)) for cell, one in found)
    if found or day is None:
        return None
    return FrozenDay(
        day=day,
        windows=windows,
        as_weekday=as_weekday,
        why=row.get("why", "").strip(),
        provisional=provisional == "yes",
        place=place,
    )


def _read_windows(cell: str, day: str, problems: list[Problem]) -> tuple[str | None, Windows]:
    if cell.startswith("as "):
        weekday = cell[3:].strip()
        if weekday not in WEEKDAYS:
            problems.append(unknown_weekday(weekday))
        return weekday, ()
    if cell:
        return None, read_hours(cell, day, problems)
    problems.append(
        problem(
            "calendar-window",
            message("there are no `windows`"),
            help=message("write `off`, windows such as `09:00-12:00;13:00-18:00`, or `as mon`"),
        )
    )
    return None, ()


def _under(place: Place, cell: str) -> Place:
    """Point at a cell in its line, where it can be found there as it was read."""
    begins = place.text.find(cell) if place.text and cell else -1
    return attrs.evolve(place, column=begins + 1, length=len(cell)) if begins >= 0 else place


def _check_headings(headings: list[str], place: Place) -> list[Problem]:
    if not set(_REQUIRED) & set(headings):
        return [_no_headings(place)]
    problems = [
        problem(
            "calendar-file",
            message("the column `{column}` is missing", column=column),
            place=place,
            help=_HEADING,
        )
        for column in _REQUIRED
        if column not in headings
    ]
    for heading in headings:
        if heading not in COLUMNS:
            likely = nearest(heading, COLUMNS)
            problems.append(
                problem(
                    "calendar-file",
                    message("there is no column `{column}` in a calendar", column=heading),
                    place=place,
                    help=message("did you mean `{word}`?", word=likely) if likely else _HEADING,
                )
            )
    problems.extend(
        problem("calendar-file", message("the column `{column}` comes twice", column=column), place=place)
        for column in COLUMNS
        if headings.count(column) > 1
    )
    return problems


_HEADING: Final = message("the heading is `day,windows,why`, with `provisional` as an optional fourth")


def _no_headings(place: Place) -> Problem:
    return problem("calendar-file", message("the file has no heading"), place=place, help=_HEADING)


def _unreadable(file: str, what: Message, line: int | None = None) -> CalendarError:
    return CalendarError([problem("calendar-file", what, place=Place(file=file, line=line))])
