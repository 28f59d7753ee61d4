from __future__ import annotations

import calendar
import datetime as dt

import pytest

from svc_policy.errors import CalendarError
from svc_policy.worktime.months import (
    add_months,
    add_months_to_day,
    civil_of,
    first_of_month,
    last_day_of,
    month_length,
)

EPOCH = dt.date(1970, 1, 1)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("1900-01-31", 1, "1900-02-28"),
        ("2000-01-31", 1, "2000-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-02-28", 1, "2026-03-28"),
        ("2026-01-15", 0, "2026-01-15"),
        ("2026-12-31", 2, "2027-02-28"),
        ("1969-12-31", 2, "1970-02-28"),
        ("2026-01-01", -1, "2025-12-01"),
    ],
)
def test_months_clamp_to_the_end_of_the_month(day: str, months: int, expected: str) -> None:
    start, wanted = dt.date.fromisoformat(day), dt.date.fromisoformat(expected)
    assert add_months(start, months) == wanted
    assert add_months_to_day((start - EPOCH).days, months) == (wanted - EPOCH).days


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        ("2026-01-10", 24, "2028-01-09"),
        ("2026-03-01", 1, "2026-03-31"),
        ("2024-02-29", 12, "2025-02-27"),
        ("2025-01-31", 1, "2025-02-27"),
    ],
)
def test_a_period_of_months_ends_the_day_before_it_comes_round(start: str, months: int, last: str) -> None:
    assert last_day_of(dt.date.fromisoformat(start), months) == dt.date.fromisoformat(last)


def test_clamping_does_not_stick_to_the_anchor() -> None:
    anchor = dt.date(2026, 1, 31)
    assert [add_months(anchor, months).day for months in range(1, 6)] == [28, 31, 30, 31, 30]


def test_months_beyond_the_calendar_are_refused() -> None:
    for day, months in ((dt.date(9999, 12, 1), 1), (dt.date(1, 1, 1), -1)):
        with pytest.raises(CalendarError, match="is no date"):
            add_months(day, months)


def test_first_days_and_lengths_agree_with_the_standard_library() -> None:
    for year in (1, 4, 100, 400, 1582, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999):
        for month in range(1, 13):
            assert first_of_month(year, month) == (dt.date(year, month, 1) - EPOCH).days
            assert month_length(year, month) == calendar.monthrange(year, month)[1]
            assert civil_of(first_of_month(year, month)) == (year, month, 1)
