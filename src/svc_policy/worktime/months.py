"""Calendar months: always counted from the anchor date, clamped to the month's end.

31 January + 1 month is the last of February; 29 February + 48 months is again
29 February. Clamping does not stick: add once from the anchor, not month by month.
"""

from __future__ import annotations

import datetime as dt

from svc_policy.errors import CalendarError, problem
from svc_policy.messages import message
from svc_policy.units import add_months as add_months_to_day
from svc_policy.units import date_of as civil_of
from svc_policy.units import day_of
from svc_policy.units import days_in_month as month_length
from svc_policy.worktime.windows import date_of, day_number

__all__ = ["add_months", "add_months_to_day", "civil_of", "first_of_month", "last_day_of", "month_length"]

_FIRST, _LAST = day_number(dt.date.min), day_number(dt.date.max)


def add_months(day: dt.date, months: int) -> dt.date:
    """Move a date by whole months, clamped to the end of the month it lands in.

    Raises:
        CalendarError: the result lies before the year 1 or after the year 9999.
    """
    landed = add_months_to_day(day_number(day), months)
    if not _FIRST <= landed <= _LAST:
        raise CalendarError(
            [
                problem(
                    "calendar-range",
                    message("{months} months from {day} is no date", months=months, day=day.isoformat()),
                    help=message("dates run from the year 1 to the year 9999"),
                )
            ]
        )
    return date_of(landed)


def last_day_of(start: dt.date, months: int) -> dt.date:
    """Find the last day of a period of whole months that begins on `start`: the day before it comes round.

    24 months from 10 January 2026 end with 9 January 2028; twelve from 29 February 2024 with 27 February 2025,
    the day before the clamped anniversary.

    Raises:
        CalendarError: As :func:`add_months`.
    """
    return add_months(start, months) - dt.timedelta(days=1)


def first_of_month(year: int, month: int) -> int:
    """Find the day number of the first of a month."""
    return day_of(year, month, 1)
