"""Calendar months: always counted from the anchor date, clamped to the month's end.

31 January + 1 month is the last of February; 29 February + 48 months is again
29 February. Clamping does not stick: add once from the anchor, not month by month.
"""

from __future__ import annotations

import datetime as dt

from svc_policy.errors import CalendarError, problem
from svc_policy.messages import message
from svc_policy.worktime.windows import date_of

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Days from 0000-03-01 to 1970-01-01: the civil calendar is regular when a year begins in March.
_MARCH_EPOCH = 719_468
_ERA = 146_097


def add_months(day: dt.date, months: int) -> dt.date:
    """Move a date by whole months, clamped to the end of the month it lands in.

    Raises:
        CalendarError: the result lies before the year 1 or after the year 9999.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise CalendarError(
            [
                problem(
                    "calendar-range",
                    message("{months} months from {day} is no date", months=months, day=day.isoformat()),
                    help=message("dates run from the year 1 to the year 9999"),
                )
            ]
        )
    return dt.date(year, month + 1, min(day.day, month_length(year, month + 1)))


def add_months_to_day(day: int, months: int) -> int:
    """Move a day number (days since 1970-01-01) by whole months, as `add_months` does."""
    year, month, day_of_month = civil_of(day)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    length = _MONTH_LENGTHS[month]
    if month == 1 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        length = 29
    return first_of_month(year, month + 1) + (day_of_month if day_of_month < length else length) - 1


def month_length(year: int, month: int) -> int:
    """Count the days of a month (1 to 12)."""
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return _MONTH_LENGTHS[month - 1]


def first_of_month(year: int, month: int) -> int:
    """Find the day number of the first of a month."""
    if month <= 2:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 - _MARCH_EPOCH


def civil_of(day: int) -> tuple[int, int, int]:
    """Split a day number into year, month and day of the month."""
    date = date_of(day)
    return date.year, date.month, date.day
