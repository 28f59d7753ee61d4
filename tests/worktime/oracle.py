"""Working time by walking every minute of the wall clock; slow, obvious, no sums kept anywhere.

Everything is in whole minutes since 1970-01-01T00:00Z. The wall clock of each
minute comes from zoneinfo, one minute at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

OPEN = "a hold is open"
OUTSIDE = "outside the calendar"

EPOCH = dt.datetime(1970, 1, 1)
MINUTE = dt.timedelta(minutes=1)
DAY = 24 * 60

Holds = Sequence[tuple[int, int | None]]


class MinuteWalk:
    """A calendar as one flag a minute.

    A shift runs from the first minute at which the wall shows its opening, or
    later, to the first at which it shows its closing, or later.
    """

    def __init__(
        self,
        zone: str,
        hours: Mapping[dt.date, Sequence[tuple[int, int]]],
        first: dt.date,
        last: dt.date,
        carried: int = 0,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.last = last
        before = int((dt.datetime.combine(first, dt.time()) - EPOCH) / MINUTE) - 3 * DAY
        after = int((dt.datetime.combine(last, dt.time()) - EPOCH) / MINUTE) + 4 * DAY
        self.origin = before
        self.wall = [self._wall(minute) for minute in range(before, after)]
        self.working = bytearray(after - before)
        self.minutes_of: dict[dt.date, list[int]] = {}
        self.begin = self.first_showing(first, carried)
        for date in sorted(hours):
            minutes: list[int] = []
            for opens, closes in hours[date]:
                from_, to = self.first_showing(date, opens), self.first_showing(date, closes)
                minutes += range(max(from_, self.begin), to)
            for minute in minutes:
                self.working[minute - before] = 1
            if minutes:
                self.minutes_of[date] = minutes
        midnight = self.first_showing(last, DAY)
        self.end = max([midnight, *(minutes[-1] + 1 for minutes in self.minutes_of.values())])

    def _wall(self, minute: int) -> int:
        local = dt.datetime.fromtimestamp(minute * 60, self.zone).replace(tzinfo=None)
        return int((local - EPOCH) / MINUTE)

    def first_showing(self, date: dt.date, minutes: int) -> int:
        wanted = int((dt.datetime.combine(date, dt.time()) - EPOCH) / MINUTE) + minutes
        index = max(0, wanted - self.origin - 2 * DAY)
        while self.wall[index] < wanted:
            index += 1
        return self.origin + index

    def date_of(self, minute: int) -> dt.date:
        return (EPOCH + self.wall[minute - self.origin] * MINUTE).date()

    def held(self, holds: Holds) -> bytearray:
        flags = bytearray(len(self.working))
        for begins, ends in holds:
            from_ = max(begins, self.origin) - self.origin
            to = (self.end if ends is None else min(ends, self.end)) - self.origin
            if to > from_:
                flags[from_:to] = b"\1" * (to - from_)
        return flags

    def deadline(self, start: int, need: int, holds: Holds = ()) -> int | str:
        if need == 0:
            return start
        held = self.held(holds)
        opened = min((begins for begins, ends in holds if ends is None), default=None)
        step = 1 if need > 0 else -1
        minute = start
        left = abs(need)
        while self.begin <= minute <= self.end:
            if step > 0 and opened is not None and minute >= opened:
                return OPEN
            looked_at = minute if step > 0 else minute - 1
            if self.working[looked_at - self.origin] and not held[looked_at - self.origin]:
                left -= 1
                if left == 0:
                    return minute + step
            minute += step
        return OUTSIDE

    def elapsed(self, a: int, b: int, holds: Holds = ()) -> int:
        if b < a:
            return -self.elapsed(b, a, holds)
        held = self.held(holds)
        count = 0
        for minute in range(a - self.origin, b - self.origin):
            if self.working[minute] and not held[minute]:
                count += 1
        return count

    def workday_deadline(self, start: int, days: int, holds: Holds = ()) -> int | str:
        date = self.date_of(start)
        if date > self.last:
            return OUTSIDE
        if days == 0:
            return start
        held = self.held(holds)
        for later in sorted(self.minutes_of):
            if later > date and any(not held[minute - self.origin] for minute in self.minutes_of[later]):
                days -= 1
                if days == 0:
                    return self.minutes_of[later][-1] + 1
        return OPEN if any(ends is None for _, ends in holds) else OUTSIDE
