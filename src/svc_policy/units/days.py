"""Days as integers since 1970-01-01, in the proleptic Gregorian calendar; months that clamp."""

from __future__ import annotations

_EPOCH = 719468  # days from 0000-03-01 to 1970-01-01
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_of(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 to a date that exists (see :func:`days_in_month`)."""
    # Years are counted from March, so that the leap day is the last day of its year.
    years = year - 1 if month <= 2 else year
    months = (month + 9) % 12
    return 365 * years + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 1 - _EPOCH


def date_of(day: int) -> tuple[int, int, int]:
    """Give the year, month and day of a day number; the inverse of :func:`day_of`."""
    days = day + _EPOCH
    centuries, rest = divmod(days, 146097)
    years = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
    rest -= 365 * years + years // 4 - years // 100
    months = (5 * rest + 2) // 153
    month = months + 3 if months < 10 else months - 9
    return years + 400 * centuries + (month <= 2), month, rest - (153 * months + 2) // 5 + 1


def days_in_month(year: int, month: int) -> int:
    """Count the days of a month, 1 to 12."""
    leap = month == 2 and ((year % 4 == 0 and year % 100 != 0) or year % 400 == 0)
    return 29 if leap else _DAYS_IN_MONTH[month - 1]


def is_date(year: int, month: int, day: int) -> bool:
    """Say whether there is such a date, in the years 1 to 9999."""
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= days_in_month(year, month)


def add_months(day: int, months: int) -> int:
    """Move a day number by months; a day the month lacks becomes its last (31 January + 1 is 28 February).

    Several months are added at once from the anchor, never one after another.
    """
    year, month, date = date_of(day)
    years, month = divmod(month - 1 + months, 12)
    year, month = year + years, month + 1
    return day_of(year, month, min(date, days_in_month(year, month)))


def format_day(day: int) -> str:
    """Write a day number as `2026-01-31`."""
    return "{:04}-{:02}-{:02}".format(*date_of(day))
