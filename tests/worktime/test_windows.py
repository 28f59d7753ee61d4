from __future__ import annotations

import datetime as dt

import pytest

from svc_policy.errors import Problem
from svc_policy.worktime.windows import (
    Windows,
    date_of,
    day_number,
    read_hours,
    window_text,
    windows_text,
    without_breaks,
)

HOUR = 3600


@pytest.mark.parametrize(
    ("breaks", "left"),
    [
        ([], ((9, 12), (13, 18))),
        ([(12, 13)], ((9, 12), (13, 18))),
        ([(8, 9), (18, 20)], ((9, 12), (13, 18))),
        ([(9, 10)], ((10, 12), (13, 18))),
        ([(11, 12)], ((9, 11), (13, 18))),
        ([(10, 11)], ((9, 10), (11, 12), (13, 18))),
        ([(11, 14)], ((9, 11), (14, 18))),
        ([(9, 12)], ((13, 18),)),
        ([(0, 24)], ()),
        ([(10, 14), (11, 15), (17, 30)], ((9, 10), (15, 17))),
    ],
)
def test_breaks_are_taken_out(breaks: list[tuple[int, int]], left: Windows) -> None:
    assert without_breaks(((9, 12), (13, 18)), breaks) == left


@pytest.mark.parametrize("text", ["09:00-12:00;13:00-18:00", "22:00-30:00", "00:00:10-00:00:11", "00:00-48:00", "off"])
def test_hours_are_written_as_they_are_read(text: str) -> None:
    problems: list[Problem] = []
    assert windows_text(read_hours(text, "mon", problems)) == text
    assert problems == []


def test_windows_that_touch_are_one() -> None:
    problems: list[Problem] = []
    assert read_hours("09:00-12:00;12:00-13:00", "mon", problems) == ((9 * HOUR, 13 * HOUR),)
    assert window_text((9 * HOUR, 13 * HOUR)) == "09:00-13:00"


def test_day_numbers_count_from_1970() -> None:
    assert day_number(dt.date(1970, 1, 1)) == 0
    assert day_number(dt.date(2026, 3, 2)) == 20_514
    assert date_of(-1) == dt.date(1969, 12, 31)
