"""The wall clock of a zone as integers: instants to local time and back.

Instants are seconds since 1970-01-01T00:00Z. Wall time is seconds since
1970-01-01T00:00 as the wall clock shows it, so a local day begins at a multiple
of 86,400.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right

from svc_policy.worktime.windows import DAY

_MARGIN = 4


class LocalClock:
    """The offsets of a zone from `first_day` to `last_day` (days since 1970-01-01).

    The zone is sampled once a day; two changes of the clock within one day,
    which no zone has had since 1970, would be seen as one.
    """

    __slots__ = ("_after", "_changes", "_offsets", "_wall_ends")

    def __init__(self, zone: dt.tzinfo, first_day: int, last_day: int) -> None:
        """Find the changes of the clock between the two days, some days of margin on both sides."""
        begin = (first_day - _MARGIN) * DAY
        offset = _offset(zone, begin)
        changes: list[int] = []
        offsets = [offset]
        for instant in range(begin + DAY, (last_day + 1 + _MARGIN) * DAY, DAY):
            then = _offset(zone, instant)
            if then != offset:
                changes.append(_change(zone, instant - DAY, instant, then))
                offsets.append(then)
                offset = then
        self._changes = changes
        self._offsets = offsets
        # What the wall clock shows at the end of each stretch of constant offset, before it is put.
        self._wall_ends = [change + offset for change, offset in zip(changes, offsets, strict=False)]
        self._after = [begin, *changes]

    @property
    def changes(self) -> tuple[int, ...]:
        """The instants at which the clock is put forward or back."""
        return tuple(self._changes)

    def wall_of(self, instant: int) -> int:
        """Read the wall clock at an instant."""
        return instant + self._offsets[bisect_right(self._changes, instant)]

    def day_of(self, instant: int) -> int:
        """Find the local calendar date of an instant, in days since 1970-01-01."""
        return (instant + self._offsets[bisect_right(self._changes, instant)]) // DAY

    def instant_of(self, wall: int) -> int:
        """Find the instant at which the wall clock shows `wall`.

        A time that occurs twice is read as the first of the two; a time that
        does not occur is the instant at which the clock jumps over it.
        """
        stretch = bisect_right(self._wall_ends, wall)
        instant = wall - self._offsets[stretch]
        jump = self._after[stretch]
        return instant if instant > jump else jump


def _offset(zone: dt.tzinfo, instant: int) -> int:
    offset = dt.datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else offset // dt.timedelta(seconds=1)


def _change(zone: dt.tzinfo, before: int, after: int, offset: int) -> int:
    """Find the first instant in `(before, after]` with the later offset, by bisection."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            after = middle
        else:
            before = middle
    return after
