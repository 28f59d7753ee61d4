"""What is wrong with a table of schedules or posts is said when the pack is loaded, at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedule.planning import SETTINGS, plan
from svc_policy import load
from svc_policy.errors import PackError, Problem


def problems_of(folder: Path, *rows: dict[str, str], **options: object) -> tuple[Problem, ...]:
    with pytest.raises(PackError) as caught:
        load(plan(folder, *rows, **options))  # type: ignore[arg-type]
    return caught.value.problems


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        ({}, "schedule-dateless", "rule `r1` never comes due: it has neither `every` nor `anchor`"),
        ({"every": "open"}, "schedule-undecided", "the interval of rule `r1` is open, and nobody decides it"),
        ({"every": "0 days", "first": "2026-01-01"}, "schedule-endless", "it would never end"),
        ({"every": "48 h", "first": "2026-01-01"}, "schedule-hours", "counts hours: `48 h`"),
        ({"every": "3 months"}, "schedule-start", "no day to count it from"),
        ({"every": "fortnight"}, "number-unreadable", "cannot read `fortnight` in `then: every` of rule `r1`"),
        ({"every": "mnth", "on": "1"}, "number-unreadable", "did you mean `month`?"),
        ({"every": "week"}, "schedule-day", "does not say on which day of the week it is due"),
        ({"every": "week", "on": "10"}, "schedule-on", "cannot read `10` in `then: on` of rule `r1`"),
        ({"every": "month", "on": "mon"}, "schedule-on", "a day of the month is 1 to 31"),
        ({"every": "month", "on": "32"}, "schedule-on", "cannot read `32`"),
        ({"every": "quarter", "on": "10"}, "schedule-on", "a day of the quarter is `first` or `last`"),
        ({"every": "year", "on": "02-30"}, "schedule-on", "cannot read `02-30`"),
        ({"every": "year", "on": "13-01"}, "schedule-on", "written as in `03-31`"),
        ({"every": "day", "on": "mon"}, "schedule-on", "goes with weeks, months, quarters and years"),
        ({"anchor": "contract_until", "on": "10"}, "schedule-on", "goes with weeks"),
        ({"anchor": "contract_until", "every": "month", "on": "10"}, "schedule-anchored", "cannot have `on`"),
        ({"anchor": "accepted_on", "first": "2026-01-01"}, "schedule-anchored", "cannot have `first`"),
        ({"anchor": "contract_until", "before": "1 day", "after": "1 day"}, "schedule-both", "a row for each"),
        (
            {"anchor": "accepted_on", "every": "month", "before": "1 day"},
            "schedule-both",
            "`anchor`, `every` and `before`",
        ),
        ({"anchor": "contract_until", "before": "3 h"}, "schedule-hours", "counts hours: `3 h`"),
        ({"anchor": "accepted_on", "over": "contracts"}, "schedule-over", "a date of `assets`, not of `contracts`"),
        ({"anchor": "acceptd_on"}, "value-unknown", "did you mean `accepted_on`"),
        ({"every": "day", "moved": "next day"}, "value-unknown", "next working day"),
        ({"every": "month", "on": "1", "phases": "3"}, "schedule-phases", "follow one another at an interval"),
        ({"anchor": "accepted_on", "phases": "3"}, "schedule-phases", "give `then: every`"),
        (
            {"every": "open", "decided by": "head", "phases": "3", "phase names": "early, late"},
            "schedule-phases",
            "rule `r1` has 3 phases and 2 names of them",
        ),
        ({"if contract_kind": "full", "every": "day"}, "schedule-over", "is not about contracts"),
        ({"every": "day", "owner": "boss"}, "value-unknown", "boss"),
        ({"if on_site": "yes", "every": "day"}, "heading-unknown", "`on_site`"),
    ],
)
def test_a_row_that_cannot_be_is_refused_at_its_line(tmp_path: Path, row: dict[str, str], code: str, said: str) -> None:
    found = problems_of(tmp_path, row)
    assert code in [item.code for item in found]
    shown = next(item for item in found if item.code == code)
    assert said in shown.render()
    assert shown.place is not None
    assert shown.place.file.endswith("schedules.csv")
    assert shown.place.line == (1 if code == "heading-unknown" else 2)
    assert shown.render("zh") != shown.render("en")


@pytest.mark.parametrize(
    "row",
    [
        {"every": "working day"},
        {"every": "month", "on": "10", "moved": "next working day"},
        {"anchor": "contract_until", "before": "3 working days"},
        {"every": "5 working days", "first": "2026-01-05"},
    ],
)
def test_working_days_need_a_working_week(tmp_path: Path, row: dict[str, str]) -> None:
    without = SETTINGS.partition("[week]")[0] + "[roles" + SETTINGS.partition("[roles")[2]
    files = {"policy.toml": without, "calendar.csv": "day,windows,why\n"}
    (found,) = problems_of(tmp_path, row, replaced=files)
    assert found.code == "calendar-missing"
    assert load(plan(tmp_path / "open", {"every": "open", "decided by": "head"}, replaced=files)).id == "plans"


def test_a_layout_cannot_change_with_the_date(tmp_path: Path) -> None:
    settings = """
[parameters.rounds]
kind = "allowance"
values = [{ value = "1 month" }, { from = "2026-06-01", value = "2 months" }]
label.en = "rounds"
label.zh = "巡检"
"""
    (found,) = problems_of(tmp_path, {"every": "{rounds}", "first": "2026-01-01"}, settings=settings)
    assert found.code == "parameter-dated"


def test_a_dated_allowance_is_checked(tmp_path: Path) -> None:
    settings = """
[parameters.notice]
kind = "allowance"
values = [{ value = "24 h" }, { from = "2026-06-01", value = "48 h" }]
label.en = "notice"
label.zh = "通知"
"""
    (found,) = problems_of(tmp_path, {"anchor": "contract_until", "before": "{notice}"}, settings=settings)
    assert found.code == "schedule-hours"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({}, "staffing-open"),
        ({"staff": "1", "per": "jobs"}, "staffing-per"),
        ({"staff": "1", "each": "50"}, "staffing-per"),
        ({"staff": "1", "beyond": "50"}, "staffing-per"),
        ({"staff": "1", "per": "jobs", "each": "0"}, "staffing-endless"),
        ({"staff": "one"}, "number-unreadable"),
        ({"post": "boss", "staff": "1"}, "value-unknown"),
    ],
)
def test_a_post_that_cannot_be_counted_is_refused(tmp_path: Path, row: dict[str, str], code: str) -> None:
    found = problems_of(tmp_path, row, family="staffing")
    assert code in [item.code for item in found]


def test_all_rows_with_problems_are_named_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, {}, {"every": "day"}, {"every": "open"})
    assert [(item.code, item.place.line) for item in found if item.place] == [
        ("schedule-dateless", 2),
        ("schedule-undecided", 4),
    ]
