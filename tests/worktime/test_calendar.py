from __future__ import annotations

import datetime as dt
import pickle
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

from svc_policy.errors import CalendarError
from svc_policy.worktime import WorkCalendar, absolute_deadline, absolute_elapsed

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = ["09:00-12:00", "13:00-18:00"]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE)
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def office(**changes: Any) -> WorkCalendar:
    given: dict[str, Any] = {"tz": "Asia/Shanghai", "week": WEEK, "valid": ("2026-01-01", "2026-12-31")}
    return WorkCalendar.from_week(**{**given, **changes})


def at(text: str, zone: ZoneInfo = SHANGHAI) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


def utc(moment: dt.datetime) -> str:
    # Datetimes in an hour that occurs twice are unequal to the same instant in another zone.
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def problems_of(error: pytest.ExceptionInfo[CalendarError]) -> list[tuple[str, str]]:
    return [(problem.code, problem.message.text()) for problem in error.value.problems]


# --- reading a calendar


@pytest.mark.parametrize(
    "hours",
    [
        "09:00-12:00;13:00-18:00",
        [("13:00", "18:00"), ("09:00", "12:00")],
        [["09:00", "12:00"], ["13:00", "15:00"], ["15:00", "18:00"]],
        [(540, 720), (780, 1080)],
        [(dt.time(9), dt.time(12)), (dt.time(13), dt.time(18))],
    ],
)
def test_hours_can_be_written_in_several_ways(hours: Any) -> None:
    calendar = office(week={"mon": hours})
    monday = [at("2026-03-02T00:00"), at("2026-03-03T00:00")]
    assert calendar.elapsed(*monday) == 8 * 3600
    assert calendar.next_close(at("2026-03-02T14:00")) == at("2026-03-02T18:00")


def test_precedence_of_dates_holidays_hours_and_breaks() -> None:
    calendar = office(
        holidays=["2026-03-03", dt.date(2026, 3, 4)],
        date_hours={"2026-03-03": "09:00-10:00", "2026-03-05": "09:00-11:00"},
        breaks={"2026-03-05": [("10:30", "12:00")], "2026-03-06": [("08:00", "10:00"), ("09:30", "10:30")]},
        dates={"2026-03-04": "20:00-21:00", "2026-03-06": "09:00-10:00", dt.date(2026, 3, 2): []},
    )
    worked = {
        day: calendar.elapsed(at(f"2026-03-0{day}T00:00"), at(f"2026-03-0{day + 1}T00:00")) / 60 for day in range(2, 7)
    }
    # 2: frozen off; 3: a holiday beats its own hours; 4: frozen beats a holiday; 5: hours less a
    # break; 6: frozen is final, its breaks do not count.
    assert worked == {2: 0, 3: 0, 4: 60, 5: 90, 6: 60}


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(CalendarError) as error:
        WorkCalendar.from_week(
            tz="Asia/Shanghia",
            week={"mon": ["09:00-12:00", "11:00-18:00"], "tues": [], "wed": ["18:00-09:00"], "thu": ["9-18"]},
            holidays=["2026-02-30"],
            dates={"2026-13-01": "off", "2026-03-01": [("24:00", "25:00")]},
            breaks={"2026-03-02": ["12:00-48:01"]},
            valid=("2026-12-31", "2026-01-01"),
        )
    assert problems_of(error) == [
        ("calendar-zone", "there is no time zone `Asia/Shanghia`"),
        ("calendar-overlap", "the windows `09:00-12:00` and `11:00-18:00` of `mon` overlap"),
        ("calendar-weekday", "`tues` is not a weekday"),
        ("calendar-window", "the window `18:00-09:00` of `wed` closes before it opens"),
        ("calendar-window", "cannot read the window `9-18` of `thu`"),
        ("calendar-date", "cannot read `2026-02-30` as a date"),
        ("calendar-window", "cannot read the window `12:00-48:01` of `2026-03-02`"),
        ("calendar-date", "cannot read `2026-13-01` as a date"),
        ("calendar-window", "cannot read the window `('24:00', '25:00')` of `2026-03-01`"),
        ("calendar-valid", "a calendar cannot be valid from 2026-12-31 to 2026-01-01"),
    ]
    assert "did you mean `tue`?" in str(error.value)
    assert "22:00-30:00" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"week": None}, "cannot read `None` as a working week"),
        ({"week": {"mon": 9}}, "cannot read the window `9` of `mon`"),
        ({"week": {"mon": [("09:00", "12:00", "13:00")]}}, "cannot read the window"),
        ({"week": {"mon": [(True, 20)]}}, "cannot read the window"),
        ({"week": {"mon": [(-60, 20)]}}, "cannot read the window"),
        ({"valid": "2026"}, "cannot read `2026` as `valid`"),
        ({"valid": ("2026-01-01", None)}, "cannot read `None` as a date"),
        ({"valid": ("1800-01-01", "2026-01-01")}, "cannot be valid from 1800-01-01"),
        ({"tz": ""}, "there is no time zone ``"),
        ({"dates": {7: "off"}}, "cannot read `7` as a date"),
    ],
)
def test_what_cannot_be_read_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CalendarError) as error:
        office(**changes)
    assert said in problems_of(error)[0][1]


def test_a_shift_may_not_outlast_the_following_day() -> None:
    with pytest.raises(CalendarError) as error:
        office(week={"mon": ["20:00-34:00"], "tue": ["06:00-09:00"]})
    assert problems_of(error) == [("calendar-overlap", "the hours of 2026-01-05 run past the closing of 2026-01-06")]


def test_shifts_of_two_days_may_overlap() -> None:
    calendar = office(week={"mon": ["20:00-30:00"], "tue": ["05:00-09:00"]})
    assert calendar.elapsed(at("2026-03-02T20:00"), at("2026-03-03T12:00")) == 13 * 3600
    assert calendar.next_close(at("2026-03-03T05:30")) == at("2026-03-03T06:00")
    assert calendar.next_close(at("2026-03-03T06:00")) == at("2026-03-03T09:00")
    assert calendar.workday_deadline(at("2026-03-01T12:00"), 1) == at("2026-03-03T06:00")


# --- instants in and out


def test_answers_are_of_the_kind_that_was_asked() -> None:
    calendar = office()
    start = at("2026-03-02T09:00")
    seconds = int(start.timestamp())
    assert calendar.deadline(seconds, 3600) == seconds + 3600
    utc = calendar.deadline(start.astimezone(dt.UTC), 3600)
    assert utc is not None
    assert utc.tzinfo is dt.UTC
    moment = calendar.deadline(pendulum.datetime(2026, 3, 2, 9, tz="Asia/Shanghai"), 3600)
    assert isinstance(moment, pendulum.DateTime)
    assert moment.isoformat() == "2026-03-02T10:00:00+08:00"
    assert calendar.deadline(start.replace(microsecond=999_999), 3600) == at("2026-03-02T10:00")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (dt.datetime(2026, 3, 2, 9), "`2026-03-02 09:00:00` has no time zone"),
        (dt.date(2026, 3, 2), "`2026-03-02` is not an instant"),
        (1.5, "`1.5` is not an instant"),
        (True, "`True` is not an instant"),
        ("2026-03-02", "`2026-03-02` is not an instant"),
        (None, "`None` is not an instant"),
    ],
)
def test_what_is_no_instant_is_refused(value: Any, said: str) -> None:
    calendar = office()
    for ask in (lambda: calendar.deadline(value, 1), lambda: calendar.is_open(value)):
        with pytest.raises(CalendarError) as error:
            ask()
        assert problems_of(error) == [("calendar-instant", said)]


def test_other_choices_are_refused() -> None:
    start = at("2026-03-02T09:00")
    with pytest.raises(CalendarError, match="`rol` is not a choice"):
        office().deadline(start, 1, at_end="rol")  # type: ignore[arg-type]
    with pytest.raises(CalendarError, match="`close` is not a choice"):
        office().add_workdays(start, 1, landing="close")  # type: ignore[call-overload]


def test_a_calendar_can_be_copied_to_another_process() -> None:
    copy = pickle.loads(pickle.dumps(office()))
    assert copy.deadline(at("2026-03-06T17:00"), 7200) == at("2026-03-09T10:00")
    assert repr(copy) == "<WorkCalendar Asia/Shanghai, 2026-01-01 to 2026-12-31>"


# --- validity


def test_outside_its_validity_a_calendar_does_not_guess() -> None:
    calendar = office()
    before, after = at("2025-12-31T23:59:59"), at("2027-01-01T00:00:01")
    first, last = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    assert calendar.elapsed(first, last) == 261 * 8 * 3600
    for outside, inside in ((before, first), (after, last)):
        for ask in (
            lambda: calendar.deadline(outside, 0),  # noqa: B023
            lambda: calendar.elapsed(inside, outside),  # noqa: B023
            lambda: calendar.elapsed(outside, inside),  # noqa: B023
            lambda: calendar.is_open(outside),  # noqa: B023
            lambda: calendar.next_open(outside),  # noqa: B023
            lambda: calendar.prev_open(outside),  # noqa: B023
            lambda: calendar.next_close(outside),  # noqa: B023
            lambda: calendar.workday_deadline(outside, 0),  # noqa: B023
            lambda: calendar.calendar_days_deadline(outside, 0),  # noqa: B023
            lambda: calendar.add_workdays(outside, 0),  # noqa: B023
            lambda: calendar.is_workday(outside.date() if outside is before else dt.date(2027, 1, 1)),  # noqa: B023
        ):
            with pytest.raises(CalendarError) as error:
                ask()
            assert problems_of(error)[0][0] == "calendar-outside"
            assert "extend `valid`" in str(error.value)


@pytest.mark.parametrize(
    "ask",
    [
        lambda calendar: calendar.deadline(at("2026-12-31T17:00"), 3601),
        lambda calendar: calendar.deadline(at("2026-12-31T17:00"), 3600, at_end="roll"),
        lambda calendar: calendar.deadline(
            at("2026-12-31T17:00"), 3600, [(at("2026-12-31T17:30"), at("2027-02-01T00:00"))]
        ),
        lambda calendar: calendar.deadline(at("2026-01-01T10:00"), -3601),
        lambda calendar: calendar.deadline(at("2026-01-01T10:00"), -3600, at_end="roll"),
        lambda calendar: calendar.next_open(at("2026-12-31T18:00")),
        lambda calendar: calendar.prev_open(at("2026-01-01T09:00")),
        lambda calendar: calendar.next_close(at("2026-12-31T18:00")),
        lambda calendar: calendar.workday_deadline(at("2026-12-30T09:00"), 2),
        lambda calendar: calendar.workday_deadline(at("2026-01-02T09:00"), -2),
        lambda calendar: calendar.add_workdays(dt.date(2026, 12, 30), 2),
        lambda calendar: calendar.add_workdays(dt.date(2026, 1, 2), -2),
    ],
)
def test_no_result_beyond_the_validity(ask: Any) -> None:
    with pytest.raises(CalendarError) as error:
        ask(office())
    assert problems_of(error) == [
        (
            "calendar-result-outside",
            "the result lies outside the calendar, which is valid from 2026-01-01 to 2026-12-31",
        )
    ]


def test_the_last_instants_that_are_known() -> None:
    calendar = office()
    assert calendar.deadline(at("2026-12-31T17:00"), 3600) == at("2026-12-31T18:00")
    assert calendar.deadline(at("2026-01-01T10:00"), -3600) == at("2026-01-01T09:00")
    assert calendar.workday_deadline(at("2026-12-30T09:00"), 1) == at("2026-12-31T18:00")
    assert calendar.calendar_days_deadline(at("2026-12-30T09:00"), 1) == at("2026-12-31T23:59:59")
    with pytest.raises(CalendarError):
        calendar.calendar_days_deadline(at("2026-12-30T09:00"), 2)


def test_a_night_shift_at_the_edges_of_the_validity() -> None:
    nights = office(week=dict.fromkeys(EVERY_DAY, "22:00-30:00"))
    # Nobody has said whether the shift of 31 December 2025 took place.
    with pytest.raises(CalendarError, match="valid from 2026-01-01 06:00:00"):
        nights.is_open(at("2026-01-01T05:59:59"))
    assert not nights.is_open(at("2026-01-01T06:00"))
    # The last shift belongs to 31 December 2026 and is known to its end.
    assert nights.deadline(at("2026-12-31T23:00"), 7 * 3600) == at("2027-01-01T06:00")
    with pytest.raises(CalendarError):
        nights.is_open(at("2027-01-01T06:00:01"))
    # With an entry for the day before the first there is nothing to guess.
    frozen = office(week=dict.fromkeys(EVERY_DAY, "22:00-30:00"), dates={"2025-12-31": "off"})
    assert not frozen.is_open(at("2026-01-01T00:00"))


def test_hours_before_the_first_known_instant_do_not_count() -> None:
    # The Sunday before may be at work until 06:00; the Monday opens at 05:00.
    week = {"sun": "22:00-30:00", "mon": "05:00-09:00"}
    calendar = office(week=week, valid=("2026-03-02", "2026-03-31"))
    assert calendar.first_instant == at("2026-03-02T06:00").timestamp()
    assert calendar.elapsed(at("2026-03-02T06:00"), at("2026-03-02T12:00")) == 3 * 3600
    assert calendar.workdays()[0][1:] == (at("2026-03-02T06:00").timestamp(), at("2026-03-02T09:00").timestamp())
    assert calendar.is_workday(dt.date(2026, 3, 2))


def test_a_calendar_without_work() -> None:
    calendar = office(week={})
    noon = at("2026-06-01T12:00")
    assert calendar.elapsed(noon, at("2026-07-01T12:00")) == 0
    assert calendar.deadline(noon, 0) == noon
    for ask in (calendar.next_open, calendar.prev_open, calendar.next_close):
        with pytest.raises(CalendarError):
            ask(noon)
    for seconds in (1, -1):
        with pytest.raises(CalendarError):
            calendar.deadline(noon, seconds)


# --- holds


def test_an_open_hold_leaves_no_due_until_it_is_resumed() -> None:
    calendar = office()
    start = at("2026-03-02T09:00")
    holds = [(at("2026-03-02T10:00"), None), (at("2026-03-02T09:30"), at("2026-03-02T10:30"))]
    assert calendar.deadline(start, 3600, holds) is None
    assert calendar.due_if_resumed(start, 3600, holds, at("2026-03-03T09:00")) == at("2026-03-03T09:30")
    # 30 minutes are worked when the union of the holds begins.
    assert calendar.deadline(start, 1800, holds) == at("2026-03-02T09:30")
    assert calendar.deadline(start, 1801, holds) is None
    assert calendar.deadline(start, 0, [(at("2026-03-01T09:00"), None)]) == start
    assert calendar.elapsed(start, at("2026-03-04T09:00"), holds) == 1800
    assert calendar.deadline(at("2026-03-04T09:00"), -1800, holds) == start


def test_holds_stop_working_days_only_if_whole_days_are_held() -> None:
    calendar = office()
    start = at("2026-03-02T10:00")

    def due(n: int, *holds: tuple[str, str | None]) -> dt.datetime | None:
        spans = [(at(f"2026-03-{begins}"), ends and at(f"2026-03-{ends}")) for begins, ends in holds]
        return calendar.workday_deadline(start, n, spans)  # type: ignore[arg-type]

    assert due(2) == at("2026-03-04T18:00")
    assert due(2, ("03T09:00", "03T18:00")) == at("2026-03-05T18:00")
    assert due(2, ("03T09:01", "03T18:00")) == at("2026-03-04T18:00")
    assert due(2, ("03T09:00", "03T17:59")) == at("2026-03-04T18:00")
    # Two holds that leave only the lunch between them hold the day together.
    assert due(2, ("03T08:00", "03T12:00"), ("03T13:00", "03T19:00")) == at("2026-03-05T18:00")
    assert due(2, ("03T08:00", "03T12:00"), ("03T13:01", "03T19:00")) == at("2026-03-04T18:00")
    # The days of a hold count once, and what lies before the start not at all.
    assert due(1, ("01T00:00", "03T20:00"), ("03T00:00", "04T20:00")) == at("2026-03-05T18:00")
    # A hold on the due date alone moves it; one after it does not.
    assert due(2, ("04T00:00", "05T00:00")) == at("2026-03-05T18:00")
    assert due(2, ("05T00:00", "06T00:00")) == at("2026-03-04T18:00")
    # An open hold leaves the due where a day is not wholly held before it is reached.
    assert due(2, ("04T09:01", None)) == at("2026-03-04T18:00")
    assert due(2, ("04T09:00", None)) is None
    # Backwards: Friday is held, so Thursday and Wednesday.
    fridays_off = [(at("2026-02-27T00:00"), at("2026-02-28T00:00"))]
    assert calendar.workday_deadline(start, -2, fridays_off) == at("2026-02-25T18:00")
    assert calendar.workday_deadline(start, -2) == at("2026-02-26T18:00")
    assert calendar.workday_deadline(start, 0, fridays_off) == start


def test_a_hold_that_ends_before_it_begins_is_refused() -> None:
    holds = [(at("2026-03-02T10:00"), at("2026-03-02T09:00"))]
    with pytest.raises(CalendarError) as error:
        office().deadline(at("2026-03-02T09:00"), 60, holds)
    assert problems_of(error)[0][0] == "calendar-hold"


def test_absolute_time_counts_every_second() -> None:
    start = at("2026-03-06T17:00")
    hold = (at("2026-03-07T00:00"), at("2026-03-08T00:00"))
    nested = (at("2026-03-07T06:00"), at("2026-03-07T12:00"))
    assert absolute_deadline(start, 86_400) == at("2026-03-07T17:00")
    assert absolute_deadline(start, 86_400, [nested, hold]) == at("2026-03-08T17:00")
    assert absolute_deadline(start, 7 * 3600, [hold]) == at("2026-03-07T00:00")
    assert absolute_deadline(start, 86_400, [(at("2026-03-07T00:00"), None)]) is None
    assert absolute_deadline(at("2026-03-08T01:00"), -7200, [nested, hold]) == at("2026-03-06T23:00")
    assert absolute_deadline(at("2026-03-08T01:00"), -3600, [nested, hold]) == at("2026-03-08T00:00")
    assert absolute_elapsed(start, at("2026-03-08T01:00"), [nested, hold]) == 8 * 3600
    assert absolute_elapsed(at("2026-03-08T01:00"), start, [nested, hold]) == -8 * 3600


# --- days


def test_working_days_keep_the_time_of_day() -> None:
    calendar = office(holidays=["2026-03-04"])
    start = at("2026-03-02T20:15")
    assert calendar.add_workdays(start, 2) == at("2026-03-05T20:15")
    assert calendar.add_workdays(start, 2, landing="opening") == at("2026-03-06T09:00")
    assert calendar.add_workdays(start, 2, landing="closing") == at("2026-03-05T18:00")
    assert calendar.add_workdays(start, -1, landing="opening") == at("2026-02-27T18:00")
    assert calendar.add_workdays(dt.date(2026, 3, 3), 1) == dt.date(2026, 3, 5)
    assert calendar.add_workdays(dt.date(2026, 3, 4), 0) == dt.date(2026, 3, 4)
    assert calendar.add_workdays(dt.date(2026, 3, 4), -1) == dt.date(2026, 3, 3)
    assert calendar.add_workdays(int(start.timestamp()), 2) == int(at("2026-03-05T20:15").timestamp())
    assert not calendar.is_workday(dt.date(2026, 3, 4))
    assert calendar.is_workday(at("2026-03-03T23:59"))


def test_a_night_shift_belongs_to_the_date_it_opens_on() -> None:
    nights = office(week=dict.fromkeys(("mon", "tue"), "22:00-30:00"))
    tuesday_night = at("2026-03-03T03:00")
    # The wall shows Tuesday while Monday's shift goes on: the first day after it that works is Monday.
    assert nights.is_open(tuesday_night)
    assert nights.local_date(tuesday_night) == dt.date(2026, 3, 3)
    assert nights.workday_deadline(tuesday_night, 1) == at("2026-03-10T06:00")
    assert nights.workday_deadline(at("2026-03-02T23:00"), 1) == at("2026-03-04T06:00")
    assert not nights.is_workday(dt.date(2026, 3, 4))


def test_days_keep_their_closings_where_shifts_meet() -> None:
    always = office(week=dict.fromkeys(EVERY_DAY, "00:00-24:00"))
    assert always.next_close(at("2026-03-02T10:00")) == at("2026-03-03T00:00")
    assert always.workday_deadline(at("2026-03-02T10:00"), 1) == at("2026-03-04T00:00")
    assert always.prev_open(at("2026-03-02T00:00")) == at("2026-03-02T00:00")
    assert always.next_open(at("2026-01-01T00:00")) == at("2026-01-01T00:00")
    assert always.intervals() == [(always.first_instant, always.last_instant, 0)]
    assert always.prev_open(at("2026-01-01T00:01")) == at("2026-01-01T00:01")


# --- changes of the clock


def test_a_time_that_does_not_occur_is_the_jump() -> None:
    calendar = office(tz="Europe/Berlin", week={"sun": ["01:00-02:30", "02:45-03:30"]})
    night = at("2026-03-29T00:00", BERLIN)
    # At 01:00Z the wall went from 02:00 to 03:00.
    assert utc(calendar.next_close(night)) == "2026-03-29 01:00:00"
    assert calendar.elapsed(night, at("2026-03-29T12:00", BERLIN)) == 3600 + 1800
    only_there = office(tz="Europe/Berlin", week={"sun": ["02:15-02:45"]})
    assert not only_there.is_workday(dt.date(2026, 3, 29))
    assert only_there.add_workdays(dt.date(2026, 3, 22), 1) == dt.date(2026, 4, 5)
    every_day = office(tz="Europe/Berlin", week=dict.fromkeys(EVERY_DAY, "09:00-17:00"))
    assert utc(every_day.add_workdays(at("2026-03-28T02:20", BERLIN), 1)) == "2026-03-29 01:00:00"


def test_a_time_that_occurs_twice_is_the_first() -> None:
    calendar = office(tz="Europe/Berlin", week={"sun": ["01:00-02:30"], "sat": ["09:00-10:00"]})
    night = at("2026-10-25T00:00", BERLIN)
    assert utc(calendar.next_close(night)) == "2026-10-25 00:30:00"
    assert calendar.elapsed(night, at("2026-10-25T12:00", BERLIN)) == 5400
    assert utc(calendar.add_workdays(at("2026-10-24T02:15", BERLIN), 1)) == "2026-10-25 00:15:00"
    later = office(tz="Europe/Berlin", week={"sun": ["02:30-04:00"]})
    # From the first 02:30 to 04:00 by the wall: two and a half hours.
    assert later.elapsed(night, at("2026-10-25T12:00", BERLIN)) == 9000


def test_the_last_second_of_a_day_that_ends_early_or_twice() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    calendar = office(tz="America/Sao_Paulo", valid=("2018-01-01", "2018-12-31"))
    # On 4 November 2018 the clock jumped from 00:00 to 01:00, on 18 February from 00:00 back to 23:00.
    spring = calendar.calendar_days_deadline(at("2018-11-02T12:00", sao_paulo), 1)
    assert utc(spring) == "2018-11-04 02:59:59"
    autumn = calendar.calendar_days_deadline(at("2018-02-17T12:00", sao_paulo), 0)
    assert utc(autumn) == "2018-02-18 02:59:59"


def test_a_date_that_a_zone_left_out() -> None:
    # Samoa went from 29 to 31 December 2011; 30 December, a Friday, did not take place.
    calendar = office(tz="Pacific/Apia", valid=("2011-12-01", "2012-01-31"))
    apia = ZoneInfo("Pacific/Apia")
    assert not calendar.is_workday(dt.date(2011, 12, 30))
    assert calendar.workday_deadline(at("2011-12-28T10:00", apia), 2) == at("2012-01-02T18:00", apia)
