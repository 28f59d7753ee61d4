"""A working calendar: a week, its exceptions, a zone, and the years it is valid for."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, overload

from svc_policy.errors import CalendarError, Problem, problem
from svc_policy.messages import message
from svc_policy.worktime.axis import WorkAxis
from svc_policy.worktime.holds import resumed
from svc_policy.worktime.instants import InstantT, in_kind, seconds_of, spans_of
from svc_policy.worktime.local_clock import LocalClock
from svc_policy.worktime.windows import (
    DAY,
    DateLike,
    HoursLike,
    Windows,
    date_of,
    day_number,
    read_breaks,
    read_date,
    read_hours,
    read_week,
    without_breaks,
)

AtEnd = Literal["stay", "roll"]
Landing = Literal["same_time", "opening", "closing"]


class WorkCalendar(WorkAxis):
    """Working time with make-up days, night shifts, holds and changes of the clock.

    The methods without a suffix take aware datetimes or whole seconds since
    1970-01-01T00:00Z, and answer in kind: a datetime in the zone it was asked
    in, or seconds. Parts of a second are dropped. Holds are pairs `(begins,
    ends)` of the same kind, `ends` None while the hold is open; they may
    overlap, nest, stand in any order and begin before the start. The methods
    with the suffix `_s` do the same on seconds alone, check less and are fast.

    A shift belongs wholly to the date it opens on, also past midnight. A local
    time that occurs twice is read as the first of the two, for openings and
    closings alike; one that does not occur is the instant the clock jumps.

    Every method raises CalendarError for what lies outside the validity of the
    calendar, arguments and results alike.
    """

    __slots__ = ("timezone",)

    timezone: dt.tzinfo

    @classmethod
    def from_week(
        cls,
        *,
        tz: str | dt.tzinfo,
        week: Mapping[str, HoursLike],
        holidays: Iterable[DateLike] = (),
        date_hours: Mapping[str, HoursLike] | Mapping[dt.date, HoursLike] | None = None,
        breaks: Mapping[str, HoursLike] | Mapping[dt.date, HoursLike] | None = None,
        dates: Mapping[str, HoursLike] | Mapping[dt.date, HoursLike] | None = None,
        valid: tuple[DateLike, DateLike],
    ) -> WorkCalendar:
        """Make a calendar from a working week and its exceptions.

        A date's hours are, first found first: its entry in `dates`; none if it
        is in `holidays`; its entry in `date_hours`; those of its weekday. The
        last three lose the date's `breaks`; an entry in `dates` is final.

        Args:
            tz: the zone whose wall clock the hours are read on.
            week: windows by weekday (`mon` to `sun`); a weekday left out is off.
            holidays: dates that are off.
            date_hours: windows that replace those of a date's weekday.
            breaks: windows taken out of a date's hours.
            dates: frozen days: the windows of a date over all else, `[]` is off.
            valid: the first and the last date the calendar answers for.

        Raises:
            CalendarError: with everything that cannot be read or contradicts itself.
        """
        problems: list[Problem] = []
        zone = _read_zone(tz, problems)
        hours_of_week = read_week(week, problems)
        days_off = {day_number(day) for entry in holidays if (day := read_date(entry, problems)) is not None}
        hours_of_date = _read_dates(date_hours, problems)
        breaks_of_date = _read_dates(breaks, problems, of_breaks=True)
        frozen = _read_dates(dates, problems)
        first_day, last_day = _read_validity(valid, problems)
        if problems:
            raise CalendarError(problems)

        special: dict[int, Windows] = {**hours_of_date, **dict.fromkeys(days_off, ())}
        for number, pauses in breaks_of_date.items():
            usual = special[number] if number in special else hours_of_week[(number + 3) % 7]
            special[number] = without_breaks(usual, pauses)
        special.update(frozen)

        # 1970-01-01 was a Thursday, hence the 3.
        hours = [
            special[number] if number in special else hours_of_week[(number + 3) % 7]
            for number in range(first_day - 1, last_day + 1)
        ]
        evening = hours.pop(0)
        carried = max(0, evening[-1][1] - DAY) if evening else 0
        calendar = cls(LocalClock(zone, first_day, last_day), first_day, hours, carried)
        calendar.timezone = zone
        return calendar

    @property
    def valid(self) -> tuple[dt.date, dt.date]:
        """The first and the last date that the calendar answers for."""
        return date_of(self.first_day), date_of(self.last_day)

    def __repr__(self) -> str:
        first, last = self.valid
        return f"<WorkCalendar {self.timezone}, {first} to {last}>"

    def deadline(
        self,
        start: InstantT,
        seconds: int,
        holds: Iterable[tuple[InstantT, InstantT | None]] = (),
        *,
        at_end: AtEnd = "stay",
    ) -> InstantT | None:
        """Find the earliest instant with `seconds` of work after `start`, holds left out.

        An allowance of zero returns the start. A negative one returns the
        latest instant with that much work before the start.

        Args:
            start: when the clock starts.
            seconds: the allowance in working seconds.
            holds: spans that stop the clock.
            at_end: `stay` on the closing just reached, or `roll` on to the next
                opening (backwards: from an opening to the closing before); holds
                do not move a roll.

        Returns:
            The due instant, or None where there is none: a hold is open and
            began before the allowance was used up.
        """
        due = self.deadline_s(seconds_of(start), seconds, spans_of(holds), _read_at_end(at_end) == "roll")
        return None if due is None else in_kind(due, start)

    def due_if_resumed(
        self,
        start: InstantT,
        seconds: int,
        holds: Iterable[tuple[InstantT, InstantT | None]],
        at: InstantT,
        *,
        at_end: AtEnd = "stay",
    ) -> InstantT:
        """Find the deadline as it would be if every open hold ended at `at`."""
        closed = resumed(spans_of(holds), seconds_of(at))
        due = self.deadline_s(seconds_of(start), seconds, closed, _read_at_end(at_end) == "roll")
        assert due is not None
        return in_kind(due, start)

    def elapsed(self, a: InstantT, b: InstantT, holds: Iterable[tuple[InstantT, InstantT | None]] = ()) -> int:
        """Count the working seconds from `a` to `b`, holds left out; negative if `b` comes first."""
        return self.elapsed_s(seconds_of(a), seconds_of(b), spans_of(holds))

    def workday_deadline(
        self, start: InstantT, n: int, holds: Iterable[tuple[InstantT, InstantT | None]] = ()
    ) -> InstantT | None:
        """Find the closing of the `n`-th working day after the start's local date.

        The start's date is not counted, nor is a working day of which no
        working second is left by the holds. Zero returns the start; a negative
        `n` counts the working days before, to the closing of the last of them.

        Returns:
            The due instant, or None where there is none: a hold is open and
            holds whole days before the last one is reached.
        """
        due = self.workday_deadline_s(seconds_of(start), n, spans_of(holds))
        return None if due is None else in_kind(due, start)

    def calendar_days_deadline(self, start: InstantT, n: int) -> InstantT:
        """Find 23:59:59, the last second, of the `n`-th local date after the start's; days off count."""
        return in_kind(self.calendar_days_deadline_s(seconds_of(start), n), start)

    @overload
    def add_workdays(self, start: dt.datetime, n: int, *, landing: Landing = ...) -> dt.datetime: ...
    @overload
    def add_workdays(self, start: dt.date, n: int) -> dt.date: ...
    @overload
    def add_workdays(self, start: int, n: int, *, landing: Landing = ...) -> int: ...

    def add_workdays(self, start: dt.date | int, n: int, *, landing: Landing = "same_time") -> dt.date | int:
        """Move a date or an instant by `n` working days; the start's own date is not counted.

        Zero leaves the date as it is, also on a day off.

        Args:
            start: a date, an aware datetime, or seconds since 1970-01-01T00:00Z.
            n: the working days to move, backwards if negative.
            landing: for an instant: the `same_time` of day on the wall clock;
                from there the next `opening` (backwards: the closing before); or
                the `closing` of the day it lands on.
        """
        if isinstance(start, dt.date) and not isinstance(start, dt.datetime):
            return date_of(self.add_workdays_to_day(day_number(start), n))
        at = seconds_of(start)
        if landing == "same_time":
            landed = self.add_workdays_s(at, n)
        elif landing == "opening":
            landed = self.add_workdays_to_opening_s(at, n)
        elif landing == "closing":
            landed = self.add_workdays_to_closing_s(at, n)
        else:
            raise _unknown_choice(landing, ("same_time", "opening", "closing"))
        return landed if isinstance(start, int) else in_kind(landed, start)

    def is_workday(self, day: dt.date | int) -> bool:
        """Tell whether work begins on a date, or on the local date of an instant."""
        if isinstance(day, dt.date) and not isinstance(day, dt.datetime):
            return self.is_workday_number(day_number(day))
        return self.is_workday_number(self.local_day_s(seconds_of(day)))

    def local_date(self, at: dt.datetime | int) -> dt.date:
        """Find the date on the wall at an instant; a night shift past midnight has the new date."""
        return date_of(self.local_day_s(seconds_of(at)))

    def is_open(self, at: dt.datetime | int) -> bool:
        """Tell whether `at` is working time; an opening is, a closing is not."""
        return self.is_open_s(seconds_of(at))

    def next_open(self, at: InstantT) -> InstantT:
        """Find the first working instant from `at` on: `at` itself inside `[open, close)`."""
        return in_kind(self.next_open_s(seconds_of(at)), at)

    def prev_open(self, at: InstantT) -> InstantT:
        """Find the last instant with work just before it, up to `at`: `at` itself inside `(open, close]`."""
        return in_kind(self.prev_open_s(seconds_of(at)), at)

    def next_close(self, at: InstantT) -> InstantT:
        """Find the first closing after `at`; each day has its own, also where shifts meet."""
        return in_kind(self.next_close_s(seconds_of(at)), at)


def _read_at_end(at_end: AtEnd) -> AtEnd:
    if at_end not in ("stay", "roll"):
        raise _unknown_choice(at_end, ("stay", "roll"))
    return at_end


def _unknown_choice(word: object, known: Sequence[str]) -> CalendarError:
    words = ", ".join(f"`{known_word}`" for known_word in known)
    return CalendarError(
        [
            problem(
                "calendar-choice",
                message("`{word}` is not a choice here", word=word),
                help=message("choose one of {words}", words=words),
            )
        ]
    )


def _read_zone(tz: object, problems: list[Problem]) -> dt.tzinfo:
    if isinstance(tz, dt.tzinfo):
        return tz
    try:
        return zoneinfo.ZoneInfo(str(tz))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(
            problem(
                "calendar-zone",
                message("there is no time zone `{zone}`", zone=tz),
                help=message("a zone is named as in `Asia/Shanghai`"),
            )
        )
        return dt.timezone.utc  # noqa: UP017


def _read_dates(
    entries: Mapping[str, HoursLike] | Mapping[dt.date, HoursLike] | None,
    problems: list[Problem],
    *,
    of_breaks: bool = False,
) -> dict[int, Windows]:
    read: dict[int, Windows] = {}
    for entry, hours in (entries or {}).items():
        day = read_date(entry, problems)
        if day is not None:
            reader = read_breaks if of_breaks else read_hours
            read[day_number(day)] = reader(hours, day.isoformat(), problems)
    return read


def _read_validity(valid: object, problems: list[Problem]) -> tuple[int, int]:
    wanted = message("`valid` is the first and the last date, as in `2025-01-01`, `2026-12-31`")
    if not isinstance(valid, Sequence) or isinstance(valid, str) or len(valid) != 2:
        problems.append(
            problem("calendar-valid", message("cannot read `{value}` as `valid`", value=valid), help=wanted)
        )
        return 0, 0
    first, last = (read_date(entry, problems) for entry in valid)
    if first is None or last is None:
        return 0, 0
    if first > last or first.year < 1900 or last.year > 2200:
        problems.append(
            problem(
                "calendar-valid",
                message("a calendar cannot be valid from {first} to {last}", first=first, last=last),
                help=message("the first date comes first, and both lie between 1900 and 2200"),
            )
        )
        return 0, 0
    return day_number(first), day_number(last)
