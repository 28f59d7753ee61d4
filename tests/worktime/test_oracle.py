"""The calendar, and its SQL, against a walk over every minute; the same cases for all three."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence

import attrs
import pytest
from sqlglot import exp

from svc_policy.engines.sql_worktime import as_, day_key, join_row, local_day, work_before
from svc_policy.errors import CalendarError
from svc_policy.worktime import WorkCalendar

from .oracle import OPEN, OUTSIDE, MinuteWalk
from .sql_bench import SqlBench

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Windows = Sequence[tuple[int, int]]
CASES = 560


@attrs.frozen(kw_only=True)
class Setup:
    """A calendar in minutes, twice: as the library takes it, and date by date."""

    name: str
    zone: str
    week: Mapping[str, Windows]
    first: str
    last: str
    dates: Mapping[str, Windows] = attrs.field(factory=dict)
    holidays: Sequence[str] = ()
    date_hours: Mapping[str, Windows] = attrs.field(factory=dict)
    breaks: Mapping[str, Windows] = attrs.field(factory=dict)

    def calendar(self) -> WorkCalendar:
        return WorkCalendar.from_week(
            tz=self.zone,
            week=self.week,
            dates=self.dates,
            holidays=self.holidays,
            date_hours=self.date_hours,
            breaks=self.breaks,
            valid=(self.first, self.last),
        )

    def walk(self) -> MinuteWalk:
        first, last = dt.date.fromisoformat(self.first), dt.date.fromisoformat(self.last)
        hours = {
            date: self._hours(date) for date in (first + dt.timedelta(days) for days in range((last - first).days + 1))
        }
        evening = self._hours(first - dt.timedelta(1))
        carried = max([0, *(closes - 24 * 60 for _, closes in evening)])
        return MinuteWalk(self.zone, hours, first, last, carried)

    def _hours(self, date: dt.date) -> Windows:
        text = date.isoformat()
        if text in self.dates:
            return self.dates[text]
        if text in self.holidays:
            return []
        usual = self.date_hours.get(text, self.week.get(WEEKDAYS[date.weekday()], []))
        pauses = {minute for opens, closes in self.breaks.get(text, []) for minute in range(opens, closes)}
        return (
            [(minute, minute + 1) for opens, closes in usual for minute in range(opens, closes) if minute not in pauses]
            if pauses
            else usual
        )


def days(names: str, *windows: tuple[int, int]) -> dict[str, Windows]:
    return dict.fromkeys(names.split(), windows)


OFFICE = ((540, 720), (780, 1080))
WORKING = "mon tue wed thu fri"
ALL = "mon tue wed thu fri sat sun"
SETUPS = [
    Setup(
        name="office with make-up days",
        zone="Asia/Shanghai",
        week=days(WORKING, *OFFICE),
        dates={
            **{f"2026-02-{day}": [] for day in range(15, 24)},
            "2026-02-14": OFFICE,
            "2026-02-28": OFFICE,
        },
        first="2026-01-20",
        last="2026-03-31",
    ),
    Setup(
        name="night shift with a day off",
        zone="Asia/Shanghai",
        week=days(WORKING, (1320, 1800)),
        dates={"2026-03-04": []},
        first="2026-02-10",
        last="2026-03-31",
    ),
    Setup(
        name="every night in spring",
        zone="Europe/Berlin",
        week=days(ALL, (1320, 1800)),
        first="2026-03-10",
        last="2026-04-20",
    ),
    Setup(
        name="always, in autumn",
        zone="Europe/Berlin",
        week=days(ALL, (0, 1440)),
        first="2026-10-05",
        last="2026-11-20",
    ),
    Setup(
        name="opening and closing in the hour that occurs twice",
        zone="Europe/Berlin",
        week=days(ALL, (60, 150), (165, 170), (600, 660)),
        first="2026-10-05",
        last="2026-11-20",
    ),
    Setup(
        name="opening and closing in the hour that does not occur",
        zone="America/New_York",
        week=days("fri sat sun mon", (60, 140), (145, 170), (175, 300)),
        first="2026-02-20",
        last="2026-04-01",
    ),
    Setup(
        name="half an hour of summer",
        zone="Australia/Lord_Howe",
        week=days(ALL, (1200, 1770)),
        first="2026-03-10",
        last="2026-04-30",
    ),
    Setup(
        name="midnight that does not occur",
        zone="America/Sao_Paulo",
        week={**days(WORKING, (0, 480), (1080, 1440)), "sat": ((0, 1440),), "sun": ((0, 90),)},
        first="2018-10-10",
        last="2018-12-01",
    ),
    Setup(
        name="clock put back over midnight",
        zone="America/St_Johns",
        week={**days(WORKING, *OFFICE), "sat": ((1380, 1500),), "sun": ((0, 30), (600, 900))},
        first="2010-10-15",
        last="2010-11-30",
    ),
    Setup(
        name="holidays, hours of a date, and breaks",
        zone="Asia/Kathmandu",
        week={**days("sun mon tue wed thu", (600, 1020)), "fri": ((600, 900),)},
        holidays=("2026-03-03", "2026-03-18"),
        date_hours={"2026-03-03": ((600, 700),), "2026-03-07": ((540, 660),), "2026-03-09": ((480, 1600),)},
        breaks={"2026-03-10": ((720, 780), (760, 800)), "2026-03-11": ((0, 1440),), "2026-03-12": ((1000, 1100),)},
        first="2026-02-20",
        last="2026-04-05",
    ),
]


@attrs.frozen(kw_only=True)
class Case:
    """All in minutes."""

    start: int
    end: int
    need: int
    days: int
    holds: list[tuple[int, int | None]]


def cases(walk: MinuteWalk, seed: int) -> Iterator[Case]:
    """Make cases that begin anywhere; many holds on edges, overlapping, nested, touching, empty, open."""
    chance = random.Random(seed)
    edges = [
        minute
        for minute in range(walk.begin, walk.end + 1)
        if walk.working[minute - walk.origin] != walk.working[minute - 1 - walk.origin]
    ]

    def instant(around: int, before: int, after: int) -> int:
        if chance.random() < 0.4:
            near = [edge for edge in edges if around - before <= edge <= around + after]
            if near:
                return chance.choice(near)
        return around + chance.randrange(-before, after + 1)

    for _ in range(CASES):
        start = chance.choice(edges) if chance.random() < 0.3 else chance.randint(walk.begin, walk.end)
        holds: list[tuple[int, int | None]] = []
        for _ in range(chance.choice((0, 0, 1, 2, 3, 4))):
            if holds and chance.random() < 0.3:
                earlier = chance.choice(holds)
                begins = earlier[1] if earlier[1] is not None and chance.random() < 0.5 else earlier[0] + 30
            else:
                begins = instant(start, 2000, 5000)
            length = chance.choice((0, 1, 60, 480, 1440, 2880, chance.randrange(6000)))
            ends: int | None = instant(begins + length, 0, 600)
            if chance.random() < 0.08 and walk.begin <= begins < walk.end:
                ends = None
            holds.append((begins, ends))
        chance.shuffle(holds)
        yield Case(
            start=start,
            end=min(walk.end, max(walk.begin, instant(start, 3000, 12000))),
            need=chance.choice((0, 1, 60, 480, 481, chance.randrange(1, 3000))),
            days=chance.randrange(0, 8),
            holds=holds,
        )


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_no_difference_to_walking_every_minute(setup: Setup) -> None:
    calendar, walk = setup.calendar(), setup.walk()
    bench = SqlBench(calendar)
    assert (calendar.first_instant, calendar.last_instant) == (walk.begin * 60, walk.end * 60)
    batch = list(cases(walk, seed=len(setup.name)))
    starts = [(key, case.start * 60, case.need * 60) for key, case in enumerate(batch)]
    day_starts = [(key, case.start * 60, case.days) for key, case in enumerate(batch)]
    holds = [
        (key, begins * 60, None if ends is None else ends * 60)
        for key, case in enumerate(batch)
        for begins, ends in case.holds
    ]
    due_in_sql = bench.due(bench.working, starts, holds)
    days_in_sql = bench.due(bench.working_days, day_starts, holds)
    answers = set()
    for key, case in enumerate(batch):
        spans = [(begins * 60, None if ends is None else ends * 60) for begins, ends in case.holds]
        start = case.start * 60

        expected = walk.deadline(case.start, case.need, case.holds)
        answers.add(type(expected) if isinstance(expected, int) else expected)
        assert answer(calendar.deadline_s, start, case.need * 60, spans) == in_seconds(expected), case
        assert due_in_sql[key] == in_sql(expected), case

        expected = walk.workday_deadline(case.start, case.days, case.holds)
        assert answer(calendar.workday_deadline_s, start, case.days, spans) == in_seconds(expected), case
        assert days_in_sql[key] == in_sql(expected), case

        elapsed = walk.elapsed(case.start, case.end, case.holds)
        assert calendar.elapsed_s(start, case.end * 60, spans) == elapsed * 60, case

        backwards = [(begins, ends) for begins, ends in case.holds if ends is not None]
        spans = [(begins * 60, ends * 60) for begins, ends in backwards]
        expected = walk.deadline(case.start, -case.need, backwards)
        assert answer(calendar.deadline_s, start, -case.need * 60, spans) == in_seconds(expected), case
    # The cases are worth nothing if they do not reach every kind of answer.
    assert answers == {int, OPEN, OUTSIDE}


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_sql_reads_work_and_dates_off_an_instant(setup: Setup) -> None:
    calendar, walk = setup.calendar(), setup.walk()
    bench = SqlBench(calendar)
    chance = random.Random(7)
    minutes = [chance.randint(walk.begin, walk.end) for _ in range(400)]
    minutes += [minute + step for minute in map(walk.first_showing, *change_days(walk)) for step in (-1, 0, 1)]
    utc_midnights = range(walk.begin // 1440 * 1440 + 1440, walk.end, 1440)
    minutes += [minute + step for minute in utc_midnights for step in (-1, 0, 1)]
    bench.load("instants", ("id", "noticed_at"), [(key, minute * 60) for key, minute in enumerate(minutes)])
    at = exp.column("noticed_at", "i")
    shape = bench.shape
    query = exp.select(
        exp.column("id", "i"),
        as_(work_before(shape, at, "d"), "work"),
        as_(local_day(shape, at, "d"), "date"),
    ).from_(exp.to_table("instants").as_("i"))
    query = join_row(query, "office_days", "d", "day", day_key(shape, at))
    rows = bench.connection.execute(query.sql("duckdb")).fetchall()
    assert len(rows) == len(minutes)
    worked, walked = 0, walk.begin
    for key, work, date in sorted(rows, key=lambda row: minutes[row[0]]):
        worked += walk.elapsed(walked, minutes[key])
        walked = minutes[key]
        assert dt.date(1970, 1, 1) + dt.timedelta(date) == walk.date_of(minutes[key])
        assert calendar.local_date(minutes[key] * 60) == walk.date_of(minutes[key])
        assert work == calendar.work_before_s(minutes[key] * 60) == worked * 60


def change_days(walk: MinuteWalk) -> tuple[list[dt.date], list[int]]:
    """List the midnights and early hours of all dates but the first and last."""
    dates = sorted({walk.date_of(minute) for minute in range(walk.begin, walk.end, 600)})[2:-2]
    hours = (0, 60, 120, 150, 180)
    return [date for date in dates for _ in hours], [hour for _ in dates for hour in hours]


def answer(method: object, *arguments: object) -> object:
    try:
        return method(*arguments)  # type: ignore[operator]
    except CalendarError as error:
        return OUTSIDE if error.problems[0].code in ("calendar-outside", "calendar-result-outside") else error


def in_seconds(expected: int | str) -> object:
    if isinstance(expected, int):
        return expected * 60
    return None if expected == OPEN else OUTSIDE


def in_sql(expected: int | str) -> tuple[int | None, int]:
    if isinstance(expected, int):
        return expected * 60, 0
    return None, 1 if expected == OPEN else 0
