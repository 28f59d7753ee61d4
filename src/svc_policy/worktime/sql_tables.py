"""A calendar as small tables of integers, for engines that join instead of search.

All four have plain integer columns without nulls. Instants are seconds since
1970-01-01T00:00Z, local days are days since 1970-01-01, w is working seconds
since the calendar began.

`days`, one row a UTC day: `day` is its first instant. For an instant t in it,

    w(t)           = worked + Σ_i (t − open_i, between 0 and close_i − open_i)
    local day of t = local_day + Σ_i (step_i if t ≥ step_at_i else 0)
    working days begun before t       = begun  + Σ_i (1 if begin_at_i < t)
    working days ended at or before t = ended  + Σ_i (1 if end_at_i ≤ t)

`work`, one row a stretch of `bucket` working seconds: `work` is its first
second. For a working second s in it, with i the last that has worked_i ≤ s, the
work w ∈ {s, s + 1} is reached at opens_i + (w − worked_i). The bucket is no
longer than the shortest interval, so two intervals suffice; where that would
take more than `MOST_BUCKETS` rows it is longer and a row has more intervals.

`local_days`, one row a local date: the number of `workdays` up to it, itself
included, whether it `is_workday` (1 or 0), and its `last_second`, 23:59:59.

`workdays`, one row a working day: its `ordinal` from 1, `local_day`, `opens_at`
and `closes_at`.

Outside the calendar's validity there is no row.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from svc_policy.worktime.axis import WorkAxis
from svc_policy.worktime.windows import DAY

MOST_BUCKETS: Final = 65_536


@attrs.frozen
class IntegerTable:
    """Column names and rows of integers."""

    columns: tuple[str, ...]
    rows: list[tuple[int, ...]]


@attrs.frozen(kw_only=True)
class CalendarShape:
    """What an expression over the tables of a calendar has to know of it.

    `first` and `last` are the first and last valid instant, `origin` the first
    instant of the first UTC day, `bucket` the working seconds in a row of
    `work` and `total` those of the calendar. The counts say how many numbered
    columns of a kind a table has.
    """

    first: int
    last: int
    origin: int
    bucket: int
    total: int
    intervals: int
    steps: int
    begins: int
    ends: int
    candidates: int


@attrs.frozen(kw_only=True)
class CalendarTables:
    """The four tables of a calendar, and their shape."""

    shape: CalendarShape
    days: IntegerTable
    work: IntegerTable
    local_days: IntegerTable
    workdays: IntegerTable


def calendar_tables(calendar: WorkAxis) -> CalendarTables:
    """Make all tables of a calendar."""
    origin = calendar.first_instant // DAY * DAY
    days, counts = _day_table(calendar, origin)
    work, bucket, candidates = _work_table(calendar)
    return CalendarTables(
        shape=CalendarShape(
            first=calendar.first_instant,
            last=calendar.last_instant,
            origin=origin,
            bucket=bucket,
            total=calendar.total_work,
            intervals=counts[0],
            steps=counts[1],
            begins=counts[2],
            ends=counts[3],
            candidates=candidates,
        ),
        days=days,
        work=work,
        local_days=local_day_table(calendar),
        workdays=workday_table(calendar),
    )


def day_table(calendar: WorkAxis) -> IntegerTable:
    """Make the table `days`: from a UTC day to the work, the dates and the working days in it."""
    return _day_table(calendar, calendar.first_instant // DAY * DAY)[0]


def work_table(calendar: WorkAxis) -> IntegerTable:
    """Make the table `work`: from a stretch of working time to the intervals it lies in."""
    return _work_table(calendar)[0]


def local_day_table(calendar: WorkAxis) -> IntegerTable:
    """Make the table `local_days`: from a local date to its number of working days and its end."""
    numbers = [day for day, _, _ in calendar.workdays()]
    worked = set(numbers)
    instant_of = calendar.clock.instant_of
    return IntegerTable(
        ("local_day", "workdays", "is_workday", "last_second"),
        [
            (day, bisect_right(numbers, day), int(day in worked), instant_of((day + 1) * DAY) - 1)
            for day in range(calendar.first_day, calendar.last_day + 1)
        ],
    )


def workday_table(calendar: WorkAxis) -> IntegerTable:
    """Make the table `workdays`: from the ordinal of a working day to its date and hours."""
    return IntegerTable(
        ("ordinal", "local_day", "opens_at", "closes_at"),
        [(ordinal, *workday) for ordinal, workday in enumerate(calendar.workdays(), 1)],
    )


def _day_table(calendar: WorkAxis, origin: int) -> tuple[IntegerTable, tuple[int, int, int, int]]:
    buckets = range(origin, calendar.last_instant + 1, DAY)
    intervals: list[list[tuple[int, ...]]] = [[] for _ in buckets]
    steps: list[list[tuple[int, ...]]] = [[] for _ in buckets]
    begins: list[list[tuple[int, ...]]] = [[] for _ in buckets]
    ends: list[list[tuple[int, ...]]] = [[] for _ in buckets]
    for opens, closes, _ in calendar.intervals():
        while opens < closes:
            index = (opens - origin) // DAY
            until = min(closes, buckets[index] + DAY)
            intervals[index].append((opens, until))
            opens = until
    for _, opens, closes in calendar.workdays():
        begins[(opens - origin) // DAY].append((opens,))
        ends[(closes - origin) // DAY].append((closes,))
    for at, step in _date_steps(calendar, buckets):
        steps[(at - origin) // DAY].append((at, step))

    groups = (intervals, steps, begins, ends)
    counts = tuple(max(1, max(map(len, group))) for group in groups)
    names = (("open", "close"), ("step_at", "step"), ("begin_at",), ("end_at",))
    totals = ("worked", "local_day", "begun", "ended")
    columns = ["day"]
    for total, parts, count in zip(totals, names, counts, strict=True):
        columns.append(total)
        columns += [f"{part}_{number}" for number in range(1, count + 1) for part in parts]

    rows: list[tuple[int, ...]] = []
    worked = begun = ended = 0
    for index, first in enumerate(buckets):
        # An unused place stands at the end of the day and adds nothing to any instant in it.
        end = first + DAY
        row = [first, worked, *_padded(intervals[index], counts[0], (end, end))]
        row += [calendar.clock.day_of(first), *_padded(steps[index], counts[1], (end, 0))]
        row += [begun, *_padded(begins[index], counts[2], (end,))]
        row += [ended, *_padded(ends[index], counts[3], (end,))]
        rows.append(tuple(row))
        worked += sum(closes - opens for opens, closes in intervals[index])
        begun += len(begins[index])
        ended += len(ends[index])
    return IntegerTable(tuple(columns), rows), (counts[0], counts[1], counts[2], counts[3])


def _date_steps(calendar: WorkAxis, buckets: range) -> Iterable[tuple[int, int]]:
    """List where the local date changes within the UTC days, and by how many days.

    Between two changes of the clock it changes at local midnight; a clock that
    is put back over midnight also changes it back.
    """
    clock = calendar.clock
    end = buckets[-1] + DAY
    borders = [buckets[0], *(at for at in clock.changes if buckets[0] < at < end), end]
    for begin, until in itertools.pairwise(borders):
        offset = clock.wall_of(begin) - begin
        before = clock.day_of(begin - 1)
        if begin > buckets[0] and (begin - buckets[0]) % DAY and clock.day_of(begin) != before:
            yield begin, clock.day_of(begin) - before
        midnight = ((begin + offset) // DAY + 1) * DAY - offset
        for at in range(midnight, until, DAY):
            if (at - buckets[0]) % DAY:
                yield at, 1


def _work_table(calendar: WorkAxis) -> tuple[IntegerTable, int, int]:
    intervals = calendar.intervals()
    total = calendar.total_work
    shortest = min((closes - opens for opens, closes, _ in intervals), default=1)
    bucket = max(shortest, -(-total // MOST_BUCKETS))
    found: list[list[tuple[int, ...]]] = [[] for _ in range(0, total, bucket)]
    for opens, closes, worked in intervals:
        for index in range(worked // bucket, (worked + closes - opens - 1) // bucket + 1):
            found[index].append((worked, opens))
    count = max(2, max(map(len, found), default=0))
    columns = ["work", *(f"{part}_{number}" for number in range(1, count + 1) for part in ("worked", "opens"))]
    # An unused place repeats the last interval.
    rows = [(index * bucket, *_padded(candidates, count, candidates[-1])) for index, candidates in enumerate(found)]
    return IntegerTable(tuple(columns), rows), bucket, count


def _padded(parts: Sequence[tuple[int, ...]], count: int, filler: tuple[int, ...]) -> list[int]:
    return [number for part in (*parts, *[filler] * (count - len(parts))) for number in part]
