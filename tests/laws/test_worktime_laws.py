"""Laws of working time, named; over several calendars, to the second."""

from __future__ import annotations

import datetime as dt

import hypothesis.strategies as st
from hypothesis import given, settings

from svc_policy.worktime import WorkCalendar, absolute_deadline_s, absolute_elapsed_s, add_months, add_months_to_day

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING = EVERY_DAY[:5]
SPECIAL = {"2026-03-04": "off", "2026-03-07": "10:00:07-16:00"}
CALENDARS = [
    WorkCalendar.from_week(tz=zone, week=week, dates=dates, valid=("2026-01-01", "2026-12-31"))
    for zone, week, dates in (
        ("Asia/Shanghai", dict.fromkeys(WORKING, "09:00-12:00;13:00-18:00"), SPECIAL),
        ("Europe/Berlin", dict.fromkeys(EVERY_DAY, "22:00-30:00"), {}),
        ("Europe/Berlin", dict.fromkeys(EVERY_DAY, "00:00-24:00"), {"2026-10-24": "00:00-02:30;03:30-12:00"}),
        ("Australia/Lord_Howe", {"sun": "01:30-02:15;20:00-29:30", "wed": "00:00-00:00:01"}, {}),
    )
]
EDGES = [
    edge
    for calendar in CALENDARS
    for opens, closes, _ in calendar.intervals()
    for edge in (opens, closes)
    if 1_772_000_000 < edge < 1_776_000_000
]

calendars = st.sampled_from(CALENDARS)
# Months with changes of the clock, from where a hundred hours of work are reached within the year.
instants = st.one_of(
    st.integers(1_772_000_000, 1_776_000_000),
    st.integers(1_790_000_000, 1_792_000_000),
    st.sampled_from(EDGES),
)
needs = st.integers(1, 20_000)


@st.composite
def hold_lists(draw: st.DrawFn, around: int) -> list[tuple[int, int | None]]:
    spans = draw(
        st.lists(st.tuples(st.integers(-200_000, 400_000), st.integers(0, 300_000), st.integers(0, 15)), max_size=5)
    )
    return [(around + begins, None if kind == 0 else around + begins + length) for begins, length, kind in spans]


@given(calendars, instants, instants, instants)
def test_elapsed_is_additive(calendar: WorkCalendar, a: int, b: int, c: int) -> None:
    assert calendar.elapsed_s(a, b) + calendar.elapsed_s(b, c) == calendar.elapsed_s(a, c)


@given(calendars, instants, instants)
def test_elapsed_is_odd_and_never_more_than_time(calendar: WorkCalendar, a: int, b: int) -> None:
    assert calendar.elapsed_s(a, b) == -calendar.elapsed_s(b, a)
    assert 0 <= calendar.elapsed_s(min(a, b), max(a, b)) <= abs(b - a)


@given(calendars, instants, instants, st.data())
def test_elapsed_with_holds_is_additive(calendar: WorkCalendar, a: int, b: int, data: st.DataObject) -> None:
    holds = data.draw(hold_lists(a))
    middle = (a + b) // 2
    whole = calendar.elapsed_s(a, b, holds)
    assert calendar.elapsed_s(a, middle, holds) + calendar.elapsed_s(middle, b, holds) == whole


@settings(max_examples=300)
@given(calendars, instants, needs, st.data())
def test_a_deadline_is_the_earliest_instant_with_that_much_work(
    calendar: WorkCalendar, start: int, need: int, data: st.DataObject
) -> None:
    holds = data.draw(hold_lists(start))
    due = calendar.deadline_s(start, need, holds)
    if due is None:
        opened = min(begins for begins, ends in holds if ends is None)
        assert calendar.elapsed_s(start, max(start, opened), holds) < need
    else:
        assert calendar.elapsed_s(start, due, holds) == need
        assert calendar.elapsed_s(start, due - 1, holds) == need - 1


@given(calendars, instants, needs, st.data())
def test_a_negative_deadline_is_the_latest_instant_with_that_much_work(
    calendar: WorkCalendar, start: int, need: int, data: st.DataObject
) -> None:
    holds = [(begins - 150_000, ends and ends - 150_000) for begins, ends in data.draw(hold_lists(start)) if ends]
    due = calendar.deadline_s(start, -need, holds)
    assert due is not None
    assert calendar.elapsed_s(due, start, holds) == need
    assert calendar.elapsed_s(due + 1, start, holds) == need - 1


@given(calendars, instants, needs)
def test_forwards_and_backwards_are_inverse(calendar: WorkCalendar, start: int, need: int) -> None:
    due = calendar.deadline_s(start, need)
    assert due is not None
    back = calendar.deadline_s(due, -need)
    assert back is not None
    # The latest instant with the same work before the due; the same instant if work goes on there.
    assert back >= start
    assert calendar.elapsed_s(start, back) == 0
    assert calendar.next_open_s(start) == back


@given(calendars, instants, needs, st.data())
def test_only_the_union_of_holds_counts(calendar: WorkCalendar, start: int, need: int, data: st.DataObject) -> None:
    holds = data.draw(hold_lists(start))
    disorder = data.draw(st.permutations(holds + [hold for hold in holds if data.draw(st.booleans())]))
    split: list[tuple[int, int | None]] = []
    for begins, ends in holds:
        middle = begins if ends is None else (begins + ends) // 2
        split += [(begins, middle), (middle, ends)]
    days = need % 9
    for other in (disorder, split):
        assert calendar.deadline_s(start, need, other) == calendar.deadline_s(start, need, holds)
        assert calendar.elapsed_s(start, start + need * 9, other) == calendar.elapsed_s(start, start + need * 9, holds)
        assert calendar.workday_deadline_s(start, days, other) == calendar.workday_deadline_s(start, days, holds)
        assert absolute_deadline_s(start, need, other) == absolute_deadline_s(start, need, holds)


@given(calendars, instants, st.integers(0, 50_000), needs, needs)
def test_deadlines_are_monotone_in_start_and_need(
    calendar: WorkCalendar, start: int, later: int, need: int, more: int
) -> None:
    due = calendar.deadline_s(start, need)
    assert due is not None
    assert due > start
    assert due <= (calendar.deadline_s(start + later, need) or 0)
    assert due < (calendar.deadline_s(start, need + more) or 0)


@given(calendars, instants, needs, st.data())
def test_a_further_hold_never_brings_a_deadline_forward(
    calendar: WorkCalendar, start: int, need: int, data: st.DataObject
) -> None:
    holds = [hold for hold in data.draw(hold_lists(start)) if hold[1] is not None]
    due, fewer = calendar.deadline_s(start, need, holds), calendar.deadline_s(start, need, holds[1:])
    assert due is not None
    assert fewer is not None
    assert due >= fewer


@given(calendars, instants, needs)
def test_rolling_moves_on_to_the_next_opening(calendar: WorkCalendar, start: int, need: int) -> None:
    due, rolled = calendar.deadline_s(start, need), calendar.deadline_s(start, need, (), True)
    assert due is not None
    assert rolled == calendar.next_open_s(due)
    assert calendar.deadline_s(start, 0, (), True) == calendar.next_open_s(start)
    back = calendar.deadline_s(start, -need)
    assert back is not None
    assert calendar.deadline_s(start, -need, (), True) == calendar.prev_open_s(back)


@given(calendars, instants)
def test_openings_and_closings_surround_an_instant(calendar: WorkCalendar, at: int) -> None:
    following, before = calendar.next_open_s(at), calendar.prev_open_s(at)
    assert before <= at <= following
    assert calendar.is_open_s(following)
    assert calendar.is_open_s(before - 1)
    assert calendar.elapsed_s(before, following) == 0
    assert (following == at) == calendar.is_open_s(at)
    assert calendar.next_close_s(at) > at


@given(calendars, instants, needs)
def test_work_and_its_inverse(calendar: WorkCalendar, start: int, need: int) -> None:
    work = calendar.work_before_s(start)
    assert calendar.instant_of_work_s(work + need) == calendar.deadline_s(start, need)
    assert calendar.work_before_s(calendar.instant_of_work_s(work + need)) == work + need


@given(calendars, instants, st.integers(1, 8), st.integers(1, 8))
def test_working_days_add_up(calendar: WorkCalendar, start: int, days: int, more: int) -> None:
    date = calendar.local_date(start)
    landed = calendar.add_workdays(date, days)
    assert calendar.add_workdays(landed, more) == calendar.add_workdays(date, days + more)
    assert calendar.is_workday(landed)
    assert calendar.add_workdays(landed, -days) < landed
    due = calendar.workday_deadline_s(start, days)
    assert due is not None
    assert calendar.local_date(due - 1) in (landed, landed + dt.timedelta(1))


@given(st.integers(0, 10**6), st.integers(-5000, 5000), st.data())
def test_absolute_time_is_time_less_holds(start: int, need: int, data: st.DataObject) -> None:
    holds = [(begins // 100, ends // 100) for begins, ends in data.draw(hold_lists(start)) if ends is not None]
    due = absolute_deadline_s(start, need, holds)
    assert due is not None
    assert absolute_elapsed_s(start, due, holds) == need
    if need:
        step = 1 if need > 0 else -1
        assert absolute_elapsed_s(start, due - step, holds) == need - step


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)), st.integers(-1200, 1200))
def test_months_land_in_their_month_on_the_day_or_its_last(day: dt.date, months: int) -> None:
    landed = add_months(day, months)
    assert (landed.year * 12 + landed.month) - (day.year * 12 + day.month) == months
    assert landed.day == day.day or (landed.day < day.day and (landed + dt.timedelta(1)).day == 1)
    epoch = dt.date(1970, 1, 1)
    assert add_months_to_day((day - epoch).days, months) == (landed - epoch).days
