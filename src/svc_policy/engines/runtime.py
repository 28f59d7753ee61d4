"""What the generated function calls: tables with unknown cells, and clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from svc_policy.expressions.steps import HitPolicy
from svc_policy.units import Value
from svc_policy.worktime.axis import WorkAxis
from svc_policy.worktime.holds import Hold, absolute_deadline_s
from svc_policy.worktime.known_days import FIRST_DAY, LAST_DAY, add_months, check_day, check_instant
from svc_policy.worktime.local_clock import LocalClock

DAY = 86_400


def possible_rows(policy: HitPolicy, conditions: Sequence[bool | None]) -> tuple[int, int]:
    """Find which rows may be the one that holds.

    Returns a mask, bit i for row i and bit n for "no row", and the index of the
    first of them that is unknown, or -1.
    """
    count = len(conditions)
    true = next((index for index, item in enumerate(conditions) if item), count)
    if policy == "unique" and true < count:
        return 1 << true, -1
    unknown = [index for index in range(true) if conditions[index] is None]
    return sum(1 << index for index in unknown) | 1 << true, unknown[0] if unknown else -1


def agreed(possible: int, groups: Sequence[int]) -> int:
    """Find the group of rows, equal in their result, that all possible rows lie in; -1 if they disagree."""
    for index, mask in enumerate(groups):
        if possible & ~mask == 0:
            return index
    return -1


class Clocks(Protocol):
    """The clocks of a policy: calendar time in its zone, and working time if it has a calendar."""

    def local_day(self, instant: int) -> int: ...
    def day_end(self, day: int) -> int: ...
    def workday_due(self, instant: int, days: int) -> int: ...
    def work_before(self, instant: int) -> int: ...
    def work_after(self, work: int) -> int: ...
    def calendar(self, start: int, need: int, holds: Sequence[Hold]) -> int | None: ...
    def working(self, start: int, need: int, holds: Sequence[Hold]) -> int | None: ...
    def working_days(self, start: int, need: int, holds: Sequence[Hold]) -> int | None: ...


class PolicyClocks:
    """Calendar time in a zone and working time on an axis, in epoch seconds and epoch days."""

    def __init__(self, zone: ZoneInfo, axis: WorkAxis | None) -> None:
        self.zone = zone
        self.axis = axis
        self._offsets: dict[int, int] = {}
        self._changing: dict[int, LocalClock] = {}
        if axis is not None:
            self.working = axis.deadline_s
            self.working_days = axis.workday_deadline_s
            self.work_before = axis.work_before_s
            self.worked_up = axis.instant_of_work_s

    def calendar(self, start: int, need: int, holds: Sequence[Hold]) -> int | None:
        """Find when `need` seconds have passed; None if an open hold leaves no answer.

        Raises:
            CalendarError: That lies outside the known days.
        """
        due = absolute_deadline_s(start, need, holds)
        if due is not None:
            check_instant(due)
        return due

    def local_day(self, instant: int) -> int:
        """Find the local calendar date of an instant.

        Raises:
            CalendarError: It lies outside the known days.
        """
        day = instant // DAY
        offset = self._offsets.get(day)
        if offset is None:
            check_instant(instant)
            clock = self._clock_around(day)
            if clock.changes:
                return clock.day_of(instant)
            offset = self._offsets[day] = clock.wall_of(instant) - instant
        return (instant + offset) // DAY

    def day_end(self, day: int) -> int:
        """Give the last second of a local day.

        Raises:
            CalendarError: It lies outside the known days.
        """
        check_day(day)
        return self._clock_around(day).instant_of((day + 1) * DAY) - 1

    def _clock_around(self, day: int) -> LocalClock:
        # Kept by day: zones are read where a ticket lies, never for a century in advance.
        if day not in self._changing:
            self._changing[day] = LocalClock(self.zone, day, day)
        return self._changing[day]

    def work_after(self, work: int) -> int:
        """Give the earliest instant with `work` seconds of work before it; the calendar's first for none."""
        assert self.axis is not None
        return self.axis.instant_of_work_s(work) if work > 0 else self.axis.first_instant

    def workday_due(self, instant: int, days: int) -> int:
        """Give the closing of the working day `days` after an instant's local day."""
        assert self.axis is not None
        due = self.axis.workday_deadline_s(instant, days)
        assert due is not None
        return due


def zone_changes(zone: ZoneInfo, first_day: int, last_day: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """List the instants at which a zone's clock changes between two days, and the offsets around them.

    The zone is looked at once a week, and by the second where two looks differ.
    """
    changes: set[int] = set()
    before = first_day * DAY
    offset = first = _offset(zone, before)
    for after in range(before + 7 * DAY, (last_day + 8) * DAY, 7 * DAY):
        then = _offset(zone, after)
        if then != offset:
            changes.update(LocalClock(zone, before // DAY + 4, after // DAY - 4).changes)
            offset = then
        before = after
    ordered = tuple(sorted(changes))
    return ordered, (first, *(_offset(zone, change) for change in ordered))


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else offset // timedelta(seconds=1)


__all__ = ["FIRST_DAY", "LAST_DAY", "Clocks", "PolicyClocks", "Value", "add_months", "agreed", "possible_rows"]
