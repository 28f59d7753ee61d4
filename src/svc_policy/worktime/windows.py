"""Read the hours of a day: windows in seconds after local midnight.

A window is half-open, `[opens, closes)`. It opens before 24:00 and may close as
late as 48:00; what runs past midnight still belongs to the day it opens on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from svc_policy.errors import Problem, nearest, problem
from svc_policy.messages import message

Window = tuple[int, int]
"""Opening and closing, in seconds after local midnight."""
Windows = tuple[Window, ...]
TimeLike = str | int | dt.time
"""`09:00`, `09:00:30`, `26:00`; minutes after midnight; or a time of day."""
WindowLike = str | Sequence[TimeLike]
"""`09:00-12:00`, or a pair of times."""
HoursLike = str | Iterable[WindowLike]
"""Windows, or a text such as `09:00-12:00;13:00-18:00` or `off`."""
DateLike = str | dt.date

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY: Final = 86_400
EPOCH_ORDINAL: Final = dt.date(1970, 1, 1).toordinal()

_TIME: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?")


def day_number(day: dt.date) -> int:
    """Count the days from 1970-01-01 to `day`."""
    return day.toordinal() - EPOCH_ORDINAL


def date_of(number: int) -> dt.date:
    """Find the date that lies `number` days after 1970-01-01."""
    return dt.date.fromordinal(number + EPOCH_ORDINAL)


def read_hours(hours: HoursLike, where: str, problems: list[Problem]) -> Windows:
    """Read the windows of one day; sorted, touching windows joined.

    Args:
        hours: the windows.
        where: what they are the hours of (`mon`, `2026-02-14`), for the messages.
        problems: receives what is wrong; a window that cannot be read is left out.
    """
    if isinstance(hours, str):
        text = hours.strip()
        hours = [] if text in ("", "off") else [part.strip() for part in text.split(";")]
    elif not isinstance(hours, Iterable) or isinstance(hours, Mapping):
        problems.append(_unreadable(hours, where))
        return ()
    read = [window for entry in hours if (window := _read_window(entry, where, problems)) is not None]
    joined: list[Window] = []
    for opens, closes in sorted(read):
        if joined and opens < joined[-1][1]:
            problems.append(
                problem(
                    "calendar-overlap",
                    message(
                        "the windows `{first}` and `{second}` of `{where}` overlap",
                        first=window_text(joined[-1]),
                        second=window_text((opens, closes)),
                        where=where,
                    ),
                    help=message("the windows of a day follow one another, as in `09:00-12:00;13:00-18:00`"),
                )
            )
        elif joined and opens == joined[-1][1]:
            joined[-1] = (joined[-1][0], closes)
        else:
            joined.append((opens, closes))
    return tuple(joined)


def read_breaks(breaks: HoursLike, where: str, problems: list[Problem]) -> Windows:
    """Read the breaks of one date; they may overlap one another."""
    if not isinstance(breaks, str) and isinstance(breaks, Iterable):
        entries = list(breaks)
        return tuple(pause for entry in entries for pause in read_hours([entry], where, problems))
    return read_hours(breaks, where, problems)


def without_breaks(windows: Windows, breaks: Iterable[Window]) -> Windows:
    """Take `breaks` out of `windows`."""
    left = list(windows)
    for begins, ends in breaks:
        cut: list[Window] = []
        for opens, closes in left:
            if ends <= opens or closes <= begins:
                cut.append((opens, closes))
                continue
            if opens < begins:
                cut.append((opens, begins))
            if ends < closes:
                cut.append((ends, closes))
        left = cut
    return tuple(left)


def read_date(value: object, problems: list[Problem]) -> dt.date | None:
    """Read an ISO date such as `2026-02-14`."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    problems.append(
        problem(
            "calendar-date",
            message("cannot read `{value}` as a date", value=value),
            help=message("a date is written as in `2026-02-14`"),
        )
    )
    return None


def read_week(week: object, problems: list[Problem]) -> list[Windows]:
    """Read the hours of a week: seven entries, Monday first; a weekday that is left out is off."""
    hours: list[Windows] = [()] * 7
    if not isinstance(week, Mapping):
        problems.append(
            problem(
                "calendar-week",
                message("cannot read `{value}` as a working week", value=week),
                help=message('give the windows of each weekday, as in `mon = [["09:00", "18:00"]]`'),
            )
        )
        return hours
    for name, windows in week.items():
        if name in WEEKDAYS:
            hours[WEEKDAYS.index(name)] = read_hours(windows, name, problems)
        else:
            problems.append(unknown_weekday(name))
    return hours


def unknown_weekday(name: object) -> Problem:
    """Say that `name` is no weekday, and which was probably meant."""
    likely = nearest(str(name).lower()[:3], WEEKDAYS)
    return problem(
        "calendar-weekday",
        message("`{name}` is not a weekday", name=name),
        help=message("did you mean `{word}`?", word=likely)
        if likely
        else message("the weekdays are {words}", words=", ".join(f"`{word}`" for word in WEEKDAYS)),
    )


def window_text(window: Window) -> str:
    """Write a window as it is read: `09:00-12:00`."""
    return "-".join(_time_text(time) for time in window)


def windows_text(windows: Iterable[Window]) -> str:
    """Write the windows of a day as they are read: `09:00-12:00;13:00-18:00`, or `off`."""
    return ";".join(window_text(window) for window in windows) or "off"


def _time_text(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text


def _read_window(entry: object, where: str, problems: list[Problem]) -> Window | None:
    parts = entry.split("-") if isinstance(entry, str) else entry
    if not isinstance(parts, Sequence) or len(parts) != 2:
        problems.append(_unreadable(entry, where))
        return None
    opens, closes = (_read_time(part) for part in parts)
    if opens is None or closes is None or opens >= DAY or closes > 2 * DAY:
        problems.append(_unreadable(entry, where))
        return None
    if opens >= closes:
        problems.append(
            problem(
                "calendar-window",
                message(
                    "the window `{window}` of `{where}` closes before it opens",
                    window=window_text((opens, closes)),
                    where=where,
                ),
                help=message("past midnight, count on: 22:00 to 06:00 is written `22:00-30:00`"),
            )
        )
        return None
    return opens, closes


def _read_time(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value * 60 if value >= 0 else None
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    if isinstance(value, str) and (match := _TIME.fullmatch(value.strip())):
        hours, minutes, seconds = match.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return None


def _unreadable(entry: object, where: str) -> Problem:
    return problem(
        "calendar-window",
        message("cannot read the window `{window}` of `{where}`", window=entry, where=where),
        help=message("a window is an opening before 24:00 and a later closing, at most 48:00, as in `09:00-18:00`"),
    )
