"""Working time: one deadline, one with holds, and how long a calendar of thirty years takes to build."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from bench.timing import Limit, Measurement, Settings, calling, interleaved, shown, tell
from svc_policy.worktime import WorkCalendar
from svc_policy.worktime.frozen import FrozenDay, frozen_dates

HOURS = ["09:00-12:00", "13:00-18:00"]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), HOURS)
FIRST, LAST = date(2000, 1, 1), date(2029, 12, 31)
DAY_S = 86_400


def frozen_days() -> list[FrozenDay]:
    """Make up the exceptions of thirty years: 12 days off and 6 make-up days in each, as China has them."""
    found: list[FrozenDay] = []
    for year in range(FIRST.year, LAST.year + 1):
        days = [date(year, 1, 1) + timedelta(days=7 * number) for number in range(51)]
        mondays = [day - timedelta(days=day.weekday()) + timedelta(days=7) for day in days]
        found += [FrozenDay(day=day, why="off") for day in mondays[::4][:12]]
        found += [FrozenDay(day=day + timedelta(days=5), as_weekday="mon", why="make-up") for day in mondays[2::8][:6]]
    return found


def build(days: list[FrozenDay]) -> WorkCalendar:
    """Build the calendar from its frozen days."""
    return WorkCalendar.from_week(tz="Asia/Shanghai", week=WEEK, dates=frozen_dates(days, WEEK), valid=(FIRST, LAST))


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure deadlines on a calendar of thirty years, and building it."""
    tell("  timing deadlines and the building of a calendar")
    days = frozen_days()
    calendar = build(days)
    chance = random.Random(1)
    first = 1_577_808_000  # 2020-01-01 in Shanghai
    starts = [first + chance.randrange(2_000 * DAY_S) for _ in range(200 if settings.quick else 1_000)]
    needs = [3600 * chance.choice((4, 8, 24, 40)) for _ in starts]
    held = [_three_holds(chance, start) for start in starts]
    plain = list(zip(starts, needs, strict=True))
    with_holds = list(zip(starts, needs, held, strict=True))
    runs = {
        "deadline": calling(calendar.deadline, plain),
        "holds": calling(calendar.deadline, with_holds),
        "fast": calling(calendar.deadline_s, plain),
        "fast holds": calling(calendar.deadline_s, with_holds),
    }
    times = interleaved(runs, settings.rounds(21))
    each = {name: times.median(name) / len(starts) * 1e6 for name in runs}
    built = interleaved({"build": lambda: build(days)}, settings.rounds(9)).median("build") * 1e3
    yield Limit(5, "µs").judge("deadline", each["deadline"])
    yield Limit(12, "µs").judge("deadline with 3 holds", each["holds"])
    figure = f"{shown(each['fast'])} µs, with 3 holds {shown(each['fast holds'])} µs"
    yield Measurement(name="  as the engine calls it (deadline_s)", figure=figure)
    yield Limit(150, "ms").judge("calendar of 30 years from frozen days", built, f"{len(days)} days")


def _three_holds(chance: random.Random, start: int) -> list[tuple[int, int]]:
    begins = [start + chance.randrange(3 * DAY_S) for _ in range(3)]
    return [(begin, begin + chance.randrange(1, DAY_S)) for begin in begins]
