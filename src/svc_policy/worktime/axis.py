"""The working time axis: a calendar as sorted integers, and all arithmetic on it.

W(t) is the working time before the instant t. It is kept as sorted half-open
intervals with prefix sums, so elapsed(a, b) = W(b) − W(a), and a deadline is W
inverted at W(start) + allowance. Instants are seconds since 1970-01-01T00:00Z;
working days are local calendar dates, as days since 1970-01-01.

Intervals merge where one shift runs into the next; the day that each shift
belongs to is kept beside them, for working days and closings.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NoReturn

from svc_policy.errors import CalendarError
from svc_policy.worktime import refusals
from svc_policy.worktime.holds import Hold, by_beginning, by_ending_backwards
from svc_policy.worktime.local_clock import LocalClock
from svc_policy.worktime.windows import DAY, Windows


class WorkAxis:
    """Working time over whole seconds; every method takes and returns plain integers.

    It is valid from `first_instant` to `last_instant`, both included: from
    local midnight of the first day (or, where a shift of the day before may
    still be running then, from that shift's closing) to local midnight after
    the last day, or the closing of its last shift if that is later.
    """

    __slots__ = (
        "_base",
        "_closes",
        "_opens",
        "_shift_closes",
        "_total",
        "_workday_closes",
        "_workday_opens",
        "_workdays",
        "_worked",
        "clock",
        "first_day",
        "first_instant",
        "last_day",
        "last_instant",
    )

    def __init__(self, clock: LocalClock, first_day: int, hours: Sequence[Windows], carried: int) -> None:
        """Lay the hours of consecutive days on the axis.

        Args:
            clock: the zone's wall clock.
            first_day: the day that `hours` begins with, in days since 1970-01-01.
            hours: the windows of each day.
            carried: seconds after midnight of the first day up to which a shift
                of the day before may be running, which is not known.

        Raises:
            CalendarError: the hours of a day run past the closing of the next working day.
        """
        instant_of = clock.instant_of
        last_day = first_day + len(hours) - 1
        first_instant = instant_of(first_day * DAY + carried)
        # An empty interval stands first, so that every valid instant has an interval before it.
        opens, closes = [first_instant], [first_instant]
        workdays: list[int] = []
        workday_opens: list[int] = []
        workday_closes: list[int] = []
        shift_closes: list[int] = []
        day = first_day
        closed = first_instant
        for windows in hours:
            if windows:
                midnight = day * DAY
                closing = -1
                for begins, ends in windows:
                    begin = instant_of(midnight + begins)
                    end = instant_of(midnight + ends)
                    if begin < first_instant:
                        begin = first_instant
                    if begin >= end:
                        continue
                    if closing < 0:
                        workdays.append(day)
                        workday_opens.append(begin)
                    closing = end
                    if begin <= closed:
                        if end > closed:
                            closes[-1] = closed = end
                    else:
                        opens.append(begin)
                        closes.append(end)
                        closed = end
                    shift_closes.append(end)
                if closing >= 0:
                    if workday_closes and closing < workday_closes[-1]:
                        raise CalendarError([refusals.nested_days(workdays[-2], day)])
                    workday_closes.append(closing)
            day += 1
        worked = [0]
        base = [first_instant]
        total = 0
        for index in range(1, len(opens)):
            total += closes[index - 1] - opens[index - 1]
            worked.append(total)
            base.append(opens[index] - total)
        total += closes[-1] - opens[-1]
        self.clock = clock
        self.first_day = first_day
        self.last_day = last_day
        self.first_instant = first_instant
        self.last_instant = max(instant_of((last_day + 1) * DAY), closed)
        self._opens, self._closes = opens, closes
        # _worked[k] is the work before interval k; _base[k] + w is the instant of work w inside it.
        self._worked, self._base, self._total = worked, base, total
        self._workdays = workdays
        self._workday_opens, self._workday_closes = workday_opens, workday_closes
        self._shift_closes = sorted(shift_closes)

    # --- working seconds

    def work_before_s(self, at: int) -> int:
        """Count the working seconds from the beginning of the calendar to `at`."""
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        return self._work_before(at)

    def _work_before(self, at: int) -> int:
        index = bisect_right(self._opens, at) - 1
        close = self._closes[index]
        return (at if at < close else close) - self._base[index]

    def instant_of_work_s(self, work: int) -> int:
        """Find the earliest instant with `work` working seconds before it, from 1 to `total_work`."""
        if not 0 < work <= self._total:
            self._refuse_result()
        return work + self._base[bisect_left(self._worked, work) - 1]

    def deadline_s(self, start: int, seconds: int, holds: Sequence[Hold] = (), roll: bool = False) -> int | None:
        """Find the earliest instant with `seconds` of work after `start`; see `WorkCalendar.deadline`."""
        if start < self.first_instant or start > self.last_instant:
            self._refuse(start)
        opens = self._opens
        closes = self._closes
        base = self._base
        index = bisect_right(opens, start) - 1
        close = closes[index]
        target = (start if start < close else close) - base[index] + seconds
        if seconds <= 0:
            if seconds == 0:
                return self.next_open_s(start) if roll else start
            return self._deadline_backwards(start, target, holds, roll)
        if holds:
            held_until = start
            for begins, ends in sorted(holds, key=by_beginning):
                if begins < held_until:
                    begins = held_until
                if ends is not None and ends <= begins:
                    continue
                index = bisect_right(opens, begins) - 1
                close = closes[index]
                held_from = (begins if begins < close else close) - base[index]
                if held_from >= target:
                    break
                if ends is None:
                    return None
                index = bisect_right(opens, ends) - 1
                close = closes[index]
                target += (ends if ends < close else close) - base[index] - held_from
                held_until = ends
        worked = self._worked
        if target > self._total or (roll and target == self._total):
            self._refuse_result()
        index = (bisect_right(worked, target) if roll else bisect_left(worked, target)) - 1
        return target + base[index]

    def _deadline_backwards(self, start: int, target: int, holds: Sequence[Hold], roll: bool) -> int:
        first_instant = self.first_instant
        held_from = start
        for begins, ends in by_ending_backwards(holds, start):
            if begins < first_instant:
                begins = first_instant
            if ends > held_from:
                ends = held_from
            if ends <= begins:
                continue
            held_to = self._work_before(ends)
            if held_to <= target:
                break
            target -= held_to - self._work_before(begins)
            held_from = begins
        if target < 0 or (roll and target == 0):
            self._refuse_result()
        index = (bisect_left(self._worked, target) if roll else bisect_right(self._worked, target)) - 1
        return target + self._base[index]

    def elapsed_s(self, start: int, end: int, holds: Sequence[Hold] = ()) -> int:
        """Count the working seconds from `start` to `end`, holds left out; negative if `end` is first."""
        if start > end:
            return -self.elapsed_s(end, start, holds)
        if start < self.first_instant:
            self._refuse(start)
        if end > self.last_instant:
            self._refuse(end)
        work_before = self._work_before
        elapsed = work_before(end) - work_before(start)
        held_until = start
        for begins, ends in sorted(holds, key=by_beginning):
            if begins < held_until:
                begins = held_until
            if ends is None or ends > end:
                ends = end
            if ends > begins:
                elapsed -= work_before(ends) - work_before(begins)
                held_until = ends
        return elapsed

    def is_open_s(self, at: int) -> bool:
        """Tell whether `at` is working time; an opening is, a closing is not."""
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        return at < self._closes[bisect_right(self._opens, at) - 1]

    def next_open_s(self, at: int) -> int:
        """Find the first working instant from `at` on: `at` itself inside `[open, close)`."""
        if self.is_open_s(at):
            return at
        index = bisect_right(self._opens, at)
        if index == len(self._opens):
            self._refuse_result()
        return self._opens[index]

    def prev_open_s(self, at: int) -> int:
        """Find the last instant up to `at` that has work just before it: `at` inside `(open, close]`."""
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        index = bisect_left(self._opens, at) - 1
        if index < 1 and not (index == 0 and self._closes[0] > self._opens[0]):
            self._refuse_result()
        close = self._closes[index]
        return at if at < close else close

    def next_close_s(self, at: int) -> int:
        """Find the first closing after `at`; each day has its own, also where its shift runs into the next."""
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        index = bisect_right(self._shift_closes, at)
        if index == len(self._shift_closes):
            self._refuse_result()
        return self._shift_closes[index]

    # --- local days and working days

    def local_day_s(self, at: int) -> int:
        """Find the local calendar date of an instant, in days since 1970-01-01.

        It is what a calendar on the wall shows: at 03:00 a night shift that
        belongs to Monday goes on, but the date is Tuesday's.
        """
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        return self.clock.day_of(at)

    def is_workday_number(self, day: int) -> bool:
        """Tell whether work begins on a day (days since 1970-01-01)."""
        self._check_day(day)
        index = bisect_left(self._workdays, day)
        return index < len(self._workdays) and self._workdays[index] == day

    def add_workdays_to_day(self, day: int, count: int) -> int:
        """Find the `count`-th working day after `day`, or before it if negative; `day` is not counted."""
        self._check_day(day)
        if count == 0:
            return day
        if count > 0:
            index = bisect_right(self._workdays, day) + count - 1
        else:
            index = bisect_left(self._workdays, day) + count
        if not 0 <= index < len(self._workdays):
            self._refuse_result()
        return self._workdays[index]

    def add_workdays_s(self, start: int, count: int) -> int:
        """Move an instant by working days, the local time of day kept; zero returns the start."""
        day = self.local_day_s(start)
        if count == 0:
            return start
        landing = self.add_workdays_to_day(day, count)
        at = self.clock.instant_of(landing * DAY + self.clock.wall_of(start) % DAY)
        if at < self.first_instant or at > self.last_instant:
            self._refuse(at)
        return at

    def add_workdays_to_opening_s(self, start: int, count: int) -> int:
        """Move as `add_workdays_s`, then on to the next opening; backwards to the closing before."""
        at = self.add_workdays_s(start, count)
        return self.prev_open_s(at) if count < 0 else self.next_open_s(at)

    def add_workdays_to_closing_s(self, start: int, count: int) -> int:
        """Move as `add_workdays_s`, then to the closing of that day; from a day off, the next closing."""
        day = self.add_workdays_to_day(self.local_day_s(start), count)
        index = bisect_left(self._workdays, day)
        if index == len(self._workdays):
            self._refuse_result()
        return self._workday_closes[index]

    def workday_deadline_s(self, start: int, count: int, holds: Sequence[Hold] = ()) -> int | None:
        """Find the closing of the `count`-th working day after the start's date.

        See `WorkCalendar.workday_deadline`.
        """
        day = self.local_day_s(start)
        self._check_day(day)
        if count == 0:
            return start
        if count < 0:
            return self._workday_backwards(bisect_left(self._workdays, day), count, holds)
        # Working days are numbered from 1; `before` of them lie on or before the start's date.
        before = bisect_right(self._workdays, day)
        due = before + count
        held_until = before
        for first, last in self._held_workdays(holds):
            if first <= held_until:
                first = held_until + 1
            if last is not None and last < first:
                continue
            if first > due:
                break
            if last is None:
                return None
            due += last - first + 1
            held_until = last
        if due > len(self._workdays):
            self._refuse_result()
        return self._workday_closes[due - 1]

    def _held_workdays(self, holds: Sequence[Hold]) -> list[tuple[int, int | None]]:
        """List the runs of wholly held working days, by number from 1.

        Holds that meet, or leave only closed hours between them, are one: a day
        is wholly held if no working second of it is left.
        """
        first_instant = self.first_instant
        work_before = self._work_before
        spans: list[tuple[int, int | None]] = []
        held_to = -1
        for begins, ends in sorted(holds, key=by_beginning):
            if ends is not None and (ends <= begins or ends <= first_instant):
                continue
            if begins < first_instant:
                begins = first_instant
            if spans and work_before(begins) <= held_to:
                begins, before = spans.pop()
                if ends is not None and before is not None and before > ends:
                    ends = before
            spans.append((begins, ends))
            if ends is None:
                break
            held_to = work_before(ends)
        opens, closes = self._workday_opens, self._workday_closes
        return [
            (bisect_left(opens, begins) + 1, None if ends is None else bisect_right(closes, ends))
            for begins, ends in spans
        ]

    def _workday_backwards(self, index: int, count: int, holds: Sequence[Hold]) -> int:
        while count < 0:
            index -= 1
            if index < 0:
                self._refuse_result()
            if not holds or self.elapsed_s(self._workday_opens[index], self._workday_closes[index], holds):
                count += 1
        return self._workday_closes[index]

    def calendar_days_deadline_s(self, start: int, count: int) -> int:
        """Find the last second of the `count`-th local date after the start's date."""
        day = self.local_day_s(start) + count
        self._check_day(day)
        return self.clock.instant_of((day + 1) * DAY) - 1

    # --- what the tables for SQL are made of

    def intervals(self) -> list[tuple[int, int, int]]:
        """List the merged working intervals: opening, closing, working seconds before."""
        return [
            (opens, closes, worked)
            for opens, closes, worked in zip(self._opens, self._closes, self._worked, strict=True)
            if closes > opens
        ]

    def workdays(self) -> list[tuple[int, int, int]]:
        """List the working days: day number, first opening, last closing."""
        return list(zip(self._workdays, self._workday_opens, self._workday_closes, strict=True))

    @property
    def total_work(self) -> int:
        """The working seconds of the whole calendar."""
        return self._total

    # --- refusals

    def _check_day(self, day: int) -> None:
        if not self.first_day <= day <= self.last_day:
            raise CalendarError([refusals.day_outside(day, self.first_day, self.last_day)])

    def _refuse(self, at: int) -> NoReturn:
        raise CalendarError(
            [refusals.instant_outside(*map(self.clock.wall_of, (at, self.first_instant, self.last_instant)))]
        )

    def _refuse_result(self) -> NoReturn:
        raise CalendarError([refusals.result_outside(self.first_day, self.last_day)])
