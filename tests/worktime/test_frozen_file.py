from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from svc_policy.errors import CalendarError
from svc_policy.worktime.frozen import FrozenDay, refresh
from svc_policy.worktime.frozen_file import parse_frozen, read_frozen, write_frozen

TEXT = """\
day,windows,why
2026-02-14,as mon,make-up day
2026-02-16,off,"除夕, Spring Festival"
2026-12-24,09:00-12:00;13:00-15:30,Christmas Eve
"""
DAYS = [
    FrozenDay(day=dt.date(2026, 2, 14), as_weekday="mon", why="make-up day"),
    FrozenDay(day=dt.date(2026, 2, 16), why="除夕, Spring Festival"),
    FrozenDay(day=dt.date(2026, 12, 24), windows=((32_400, 43_200), (46_800, 55_800)), why="Christmas Eve"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_is_read_as_it_is_written(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "calendar.csv"
    path.write_bytes(TEXT.replace("\n", newline).encode(encoding))
    days = read_frozen(path)
    assert days == DAYS
    assert [(frozen.place.line, frozen.place.file) for frozen in days if frozen.place] == [
        (2, str(path)), (3, str(path)), (4, str(path)),
    ]  # fmt: skip
    assert write_frozen(reversed(days)) == TEXT


def test_provisional_days_have_a_column() -> None:
    days = [*DAYS, FrozenDay(day=dt.date(2027, 1, 1), why="New Year's Day", provisional=True)]
    text = write_frozen(days)
    assert text.splitlines()[0] == "day,windows,why,provisional"
    assert text.splitlines()[-1] == "2027-01-01,off,New Year's Day,yes"
    assert parse_frozen(text, "calendar.csv") == (days, [])


def test_what_is_derived_survives_the_file() -> None:
    days = refresh("CN", [2025, 2026, 2027], provisional=True)
    assert parse_frozen(write_frozen(days), "calendar.csv") == (days, [])


def test_all_problems_of_a_file_are_told_with_their_lines() -> None:
    text = """\
day,windows,why,provisional
2026-02-30,off,no such day,
2026-02-14,as monday,make-up day,
2026-02-15,9-12,half a day,maybe
2026-02-16,,nothing

2026-02-17,off,one,
2026-02-17,off,two,
2026-02-18,off,a,no,b
"""
    days, problems = parse_frozen(text, "calendar.csv")
    assert [frozen.day.day for frozen in days] == [17]
    assert [(str(problem.place), problem.message.text()) for problem in problems] == [
        ("calendar.csv:2:1", "cannot read `2026-02-30` as a date"),
        ("calendar.csv:3:12", "`monday` is not a weekday"),
        ("calendar.csv:4:12", "cannot read the window `9-12` of `2026-02-15`"),
        ("calendar.csv:4:28", "cannot read `maybe` in column `provisional`"),
        ("calendar.csv:5", "there are no `windows`"),
        ("calendar.csv:8", "2026-02-17 comes twice"),
        ("calendar.csv:9", "the line has 1 cells more than the heading"),
    ]
    assert problems[1].render() == (
        "calendar.csv:3:12: `monday` is not a weekday\n"
        "  2026-02-14,as monday,make-up day,\n"
        "             ^^^^^^^^^\n"
        "help: did you mean `mon`?"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["the file has no heading"]),
        ("\n\n", ["the file has no heading"]),
        ("2026-02-14,off\n", ["the file has no heading"]),
        ("day,why\n", ["the column `windows` is missing"]),
        ("day,windows,wy,windows\n", ["there is no column `wy` in a calendar", "the column `windows` comes twice"]),
        ('day,windows\n2026-02-14,"off\n', ["cannot read the line: unexpected end of data"]),
    ],
)
def test_headings_and_quotes_are_checked(text: str, said: list[str]) -> None:
    days, problems = parse_frozen(text, "calendar.csv")
    assert days == []
    assert [problem.message.text() for problem in problems] == said


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match="cannot read the file: there is no such file"):
        read_frozen(tmp_path / "calendar.csv")
    path = tmp_path / "gbk.csv"
    path.write_bytes("day,windows,why\n2026-02-16,off,除夕\n".encode("gb18030"))
    with pytest.raises(CalendarError) as error:
        read_frozen(path)
    assert error.value.problems[0].place is not None
    assert error.value.problems[0].place.line == 2
    path.write_text("day,windows\n2026-02-30,off\n2026-02-31,off\n", encoding="utf-8")
    with pytest.raises(CalendarError) as error:
        read_frozen(path)
    assert len(error.value.problems) == 2
