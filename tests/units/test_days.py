import datetime

import pytest

from svc_policy.units import add_months, date_of, day_of, days_in_month, format_day, is_date


def test_days_are_those_of_the_standard_calendar() -> None:
    epoch = datetime.date(1970, 1, 1)
    date = datetime.date(1, 1, 1)
    while date.year < 9990:
        number = (date - epoch).days
        assert day_of(date.year, date.month, date.day) == number
        assert date_of(number) == (date.year, date.month, date.day)
        date += datetime.timedelta(days=97)


@pytest.mark.parametrize(
    "start, months, end",
    [
        ((2026, 1, 31), 1, "2026-02-28"),
        ((2024, 1, 31), 1, "2024-02-29"),
        ((2024, 2, 29), 12, "2025-02-28"),
        ((2026, 3, 31), -1, "2026-02-28"),
        ((2026, 12, 15), 1, "2027-01-15"),
        ((2026, 1, 15), -1, "2025-12-15"),
        ((2026, 10, 31), 25, "2028-11-30"),
        ((2026, 5, 5), 0, "2026-05-05"),
    ],
)
def test_months_clamp_to_the_last_day(start: tuple[int, int, int], months: int, end: str) -> None:
    assert format_day(add_months(day_of(*start), months)) == end


@pytest.mark.parametrize("year, days", [(1900, 28), (2000, 29), (2023, 28), (2024, 29)])
def test_leap_years(year: int, days: int) -> None:
    assert days_in_month(year, 2) == days


@pytest.mark.parametrize("date", [(0, 1, 1), (2026, 0, 1), (2026, 13, 1), (2026, 4, 31), (2026, 4, 0), (10000, 1, 1)])
def test_there_is_no_such_date(date: tuple[int, int, int]) -> None:
    assert not is_date(*date)
