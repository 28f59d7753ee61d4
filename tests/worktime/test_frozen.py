from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest

from svc_policy.errors import CalendarError, PolicyError, UsageError
from svc_policy.worktime import WorkCalendar
from svc_policy.worktime.frozen import ARRANGED, FrozenDay, frozen_dates, refresh

from .test_shared_cases import CALENDARS, CONVENTIONS

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def dates(days: list[FrozenDay], kind: str) -> set[str]:
    return {frozen.day.isoformat() for frozen in days if frozen.kind == kind}


def test_china_2026_as_the_state_council_arranged_it() -> None:
    days = refresh("CN", [2026])
    # Notice of 4 November 2025.
    assert dates(days, "work") == {
        "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
    }  # fmt: skip
    assert dates(days, "off") == {
        "2026-01-01", "2026-01-02",
        "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23",
        "2026-04-06",
        "2026-05-01", "2026-05-04", "2026-05-05",
        "2026-06-19", "2026-09-25",
        "2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07",
    }  # fmt: skip
    assert all(frozen.as_weekday == "mon" for frozen in days if frozen.kind == "work")
    assert not any(frozen.provisional for frozen in days)
    assert [frozen.day for frozen in days] == sorted(frozen.day for frozen in days)


def test_china_2025_as_the_state_council_arranged_it() -> None:
    days = refresh("cn", [2025])
    assert dates(days, "work") == {"2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"}
    assert {"2025-01-28", "2025-02-04", "2025-05-05", "2025-06-02", "2025-10-08"} <= dates(days, "off")


@pytest.mark.skipif(not CALENDARS, reason=f"there is no file {CONVENTIONS}")
def test_breaks_take_in_the_weekends_they_adjoin() -> None:
    arranged = CALENDARS["cn_office"]["dates"]
    days = refresh("CN", [2025, 2026], week=EVERY_DAY)
    assert dates(days, "off") == {day for day, windows in arranged.items() if not windows}
    assert dates(days, "work") == {day for day, windows in arranged.items() if windows}


def test_a_break_over_the_turn_of_the_year() -> None:
    # 31 December 2022 to 2 January 2023 was one break; the holiday itself was the Sunday.
    assert "2022-12-31" in dates(refresh("CN", [2022], week=EVERY_DAY), "off")


def test_days_that_the_week_has_off_anyway_are_no_exceptions() -> None:
    assert dates(refresh("CN", [2025]), "off") < dates(refresh("CN", [2025], week=EVERY_DAY), "off")
    assert "2025-10-04" not in dates(refresh("CN", [2025]), "off")
    assert "2025-10-04" in dates(refresh("CN", [2025], week={"mon": "09:00-18:00", "sat": "09:00-12:00"}), "off")


def test_years_that_nobody_has_announced_are_refused_or_marked() -> None:
    assert ARRANGED["CN"].last == 2026
    with pytest.raises(UsageError) as error:
        refresh("CN", [2014, 2026, 2027])
    assert [problem.code for problem in error.value.problems] == ["calendar-not-announced"] * 2
    assert "2027" in str(error.value)
    assert "notice of 4 November 2025" in str(error.value)
    days = refresh("CN", [2026, 2027], provisional=True)
    assert {frozen.day.year for frozen in days if frozen.provisional} == {2027}
    assert {frozen.day.year for frozen in days if not frozen.provisional} == {2026}


def test_countries_with_rules_are_computed_and_distant_years_marked() -> None:
    days = refresh("DE", [2026], subdivision="BY", today=dt.date(2026, 1, 1))
    assert dates(days, "off") == {
        "2026-01-01", "2026-01-06", "2026-04-03", "2026-04-06", "2026-05-01",
        "2026-05-14", "2026-05-25", "2026-06-04", "2026-12-25",
    }  # fmt: skip
    assert not any(frozen.provisional for frozen in days)
    assert "2026-06-04" not in dates(refresh("DE", [2026], subdivision="HH"), "off")
    assert not any(frozen.provisional for frozen in refresh("DE", [2027], today=dt.date(2026, 1, 1)))
    assert all(frozen.provisional for frozen in refresh("DE", [2028], today=dt.date(2026, 1, 1)))


def test_estimated_holidays_are_provisional() -> None:
    days = refresh("AE", [2027], today=dt.date(2027, 1, 1))
    assert {frozen.provisional for frozen in days} == {True, False}
    assert all(frozen.provisional == ("estimated" in frozen.why) for frozen in days)


def test_names_are_in_the_language_asked_for_and_never_in_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for environment in ("C", "de_DE.UTF-8", "zh_CN.UTF-8"):
        monkeypatch.setenv("LANGUAGE", environment)
        assert refresh("CN", [2026])[0].why == "New Year's Day"
        assert refresh("CN", [2026], language="zh")[0].why == "元旦"
        # There are no Chinese names for German holidays.
        assert refresh("DE", [2026], language="zh")[0].why == "New Year's Day"
    estimated = refresh("AE", [2027], language="zh", today=dt.date(2027, 1, 1))
    assert any(frozen.provisional for frozen in estimated)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"country": "CHN1"}, "has no holidays of `CHN1`"),
        ({"country": "DE", "subdivision": "XX"}, "has no holidays of `XX`"),
        ({"country": "DE", "week": ["mon", "tues"]}, "`tues` is not a weekday"),
        ({"country": "DE", "week": []}, "the week has no working day"),
    ],
)
def test_what_is_not_known_is_told(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(PolicyError) as error:
        refresh(years=[2026], **arguments)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_without_the_package_the_help_is_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(UsageError) as error:
        refresh("DE", [2026])
    assert "pip install 'svc-policy[calendar]'" in str(error.value)


def test_frozen_days_make_a_calendar() -> None:
    week = {**dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-12:00;13:00-18:00"), "sat": "09:00-12:00"}
    days = refresh("CN", [2026], week=week)
    calendar = WorkCalendar.from_week(
        tz="Asia/Shanghai", week=week, dates=frozen_dates(days, week), valid=("2026-01-01", "2026-12-31")
    )
    midnight = dt.datetime.fromisoformat("2026-02-28T00:00:00+08:00")
    # A make-up Saturday is a full day, an ordinary one half a day, one in a break off.
    assert calendar.elapsed(midnight, midnight + dt.timedelta(1)) == 8 * 3600
    assert calendar.elapsed(midnight + dt.timedelta(7), midnight + dt.timedelta(8)) == 3 * 3600
    assert not calendar.is_workday(dt.date(2026, 2, 21))


def test_frozen_days_that_contradict_themselves() -> None:
    day = dt.date(2026, 2, 14)
    days = [FrozenDay(day=day, as_weekday="sun"), FrozenDay(day=day)]
    with pytest.raises(CalendarError) as error:
        frozen_dates(days, {"mon": "09:00-18:00"})
    assert [problem.message.text() for problem in error.value.problems] == [
        "2026-02-14 has the hours of `sun`, which is off",
        "2026-02-14 comes twice",
    ]


def test_the_package_is_only_imported_when_it_is_asked() -> None:
    import subprocess

    code = "import sys, svc_policy.worktime.frozen; sys.exit('holidays' in sys.modules or 'pendulum' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False).returncode == 0
