"""Days of weeks, months, quarters and years between two days, as day numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from svc_policy.rules.schedules import Day
from svc_policy.units import Allowance, date_of, day_of, days_in_month


def weekly(wanted: Sequence[Day], low: int, high: int) -> Iterator[int]:
    """Yield the wanted days of every week from `low` to `high`."""
    # 1970-01-01 was a Thursday, hence the 3.
    weekdays = {day.weekday for day in wanted}
    return (day for day in range(low, high + 1) if (day + 3) % 7 in weekdays)


def in_months(wanted: Sequence[Day], every: str, low: int, high: int) -> Iterator[int]:
    """Yield the wanted days of every month, quarter or year from `low` to `high`, each once."""
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    year, month, _ = date_of(low)
    index = (year * 12 + month - 1) // months * months
    while day_of(*_month(index), 1) <= high:
        yield from (day for day in sorted({_day_in(index, months, day) for day in wanted}) if low <= day <= high)
        index += months


def _month(index: int) -> tuple[int, int]:
    year, month = divmod(index, 12)
    return year, month + 1


def _day_in(index: int, months: int, day: Day) -> int:
    """Find a day of the period of `months` months that begins with the month of that index."""
    if day.last:
        return day_of(*_month(index + months), 1) - 1
    year, month = _month(index + (day.month or 1) - 1)
    return day_of(year, month, min(day.day, days_in_month(year, month)))


def steps_within(interval: Allowance, days: int) -> int:
    """Count the intervals that surely fit into so many days, so that a long way is not gone step by step."""
    if interval.unit == "working_days":
        return 0
    return days // (interval.value * (31 if interval.unit == "months" else 1))
