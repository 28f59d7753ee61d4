"""Lay the rows of a schedule out over a period.

A row's days are made in two steps: *days of the period or of a subject* (from
`every` and `on`, or counted from a date), and *moving* each by `before` or
`after` and to a working day. An occurrence belongs to the period in which its
moved day lies, so that periods that follow one another give each once.

Days are numbers, counted from 1970-01-01, until they are put into records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

import attrs

from svc_policy.errors import CalendarError, Place, Problem, UsageError, problem
from svc_policy.messages import message
from svc_policy.rules.family import Row
from svc_policy.rules.schedules import days_of, every_of, read_day
from svc_policy.schedule.days import in_months, steps_within, weekly
from svc_policy.schedule.records import Asset, Contract, Occurrence, Schedule, Undated
from svc_policy.schedule.rows import (
    EPOCH,
    Holding,
    every_text,
    interval_of,
    is_open,
    over_of,
    phase_names,
    phases_of,
    start_of,
)
from svc_policy.units import Allowance, add_months

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.worktime import WorkCalendar

FAMILY: Final = "schedules"
#: The longest period, in years, and the most occurrences.
LONGEST: Final = 20
MOST: Final = 1_000_000
#: Behind the last day of a calendar no run of days off is taken to be this long.
REACH: Final = 10
_WORKING_DAY: Final = Allowance(1, "working_days")
FIRST_DAY: Final = date.min.toordinal() - EPOCH
LAST_DAY: Final = date.max.toordinal() - EPOCH


@attrs.frozen
class Subject:
    """What an occurrence is about: a contract, an asset, a site, a customer, or nothing of the kind."""

    over: str | None = None
    name: str | None = None
    customer: str | None = None
    record: Contract | Asset | None = None

    @property
    def contract_kind(self) -> str | None:
        """The kind of a contract."""
        return self.record.contract_kind if isinstance(self.record, Contract) else None

    def day(self, name: str) -> int | None:
        """Give a date of the contract or asset."""
        found = getattr(self.record, name, None)
        return found.toordinal() - EPOCH if isinstance(found, date) else None

    def runs_between(self, first: int, last: int) -> bool:
        """Say whether a contract runs on some day from `first` to `last`; everything else does."""
        if not isinstance(self.record, Contract):
            return True
        begins, ends = self.day("contract_from"), self.day("contract_until")
        return (begins is None or begins <= last) and (ends is None or first <= ends)


@attrs.frozen
class Candidate:
    """A day before it is moved, the day it is counted from, and its phase, from 0."""

    counted_from: int
    day: int
    phase: int = 0


def lay_out(
    policy: Policy, contracts: Sequence[Contract], assets: Sequence[Asset], from_: date, until: date
) -> Schedule:
    """Lay out the schedule of a policy from one day to another, both included.

    Raises:
        UsageError: The period ends before it begins, or is longer than 20 years.
        CalendarError: A row counts working days of which the calendar knows nothing; with every such row.
    """
    _check_period(from_, until)
    planner = _Planner(policy, contracts, assets, from_.toordinal() - EPOCH, until.toordinal() - EPOCH)
    dated: list[tuple[int, int, Occurrence]] = []
    undated: list[Undated] = []
    problems: list[Problem] = []
    for number, row in enumerate(policy.pack.rows.get(FAMILY, ())):
        try:
            for found in planner.row(row):
                if isinstance(found, Undated):
                    undated.append(found)
                else:
                    dated.append((found.on.toordinal(), number, found))
                    _check_count(len(dated))
        except CalendarError as error:
            place = Place(file=row.file, line=row.line)
            problems.extend(attrs.evolve(item, place=place) for item in error.problems)
    if problems:
        raise CalendarError(problems)
    dated.sort(key=lambda item: item[:2])
    return Schedule(
        policy_id=policy.id,
        digest=policy.digest,
        from_=from_,
        until=until,
        occurrences=tuple(item for _, _, item in dated),
        undated=tuple(undated),
    )


def _check_period(from_: date, until: date) -> None:
    if until < from_:
        text = message("the period from {first} to {last} ends before it begins", first=from_, last=until)
        raise UsageError([problem("period-reversed", text)])
    if add_months(from_.toordinal() - EPOCH, 12 * LONGEST) <= until.toordinal() - EPOCH:
        text = message(
            "the period from {first} to {last} is longer than {most} years", first=from_, last=until, most=LONGEST
        )
        raise UsageError([problem("period-long", text)])


def _check_count(count: int) -> None:
    if count > MOST:
        text = message("the schedule has more than {most} occurrences", most=MOST)
        raise UsageError([problem("schedule-large", text, help=message("ask for a shorter period"))])


class _Planner:
    """One period, and the contracts and assets that rows are laid out for."""

    def __init__(
        self, policy: Policy, contracts: Sequence[Contract], assets: Sequence[Asset], first: int, last: int
    ) -> None:
        self.policy = policy
        self.holding = Holding(policy)
        self.first = first
        self.last = last
        self.windows: dict[tuple[str, int, bool], tuple[int, int]] = {}
        named = [*(item.customer for item in contracts), *(item.customer for item in assets)]
        customers = dict.fromkeys(name for name in named if name)
        sites = dict.fromkeys(item.site for item in assets if item.site)
        self.subjects: dict[str | None, list[Subject]] = {
            None: [Subject()],
            "contracts": [Subject("contracts", item.name, item.customer, item) for item in contracts],
            "assets": [Subject("assets", item.name, item.customer, item) for item in assets],
            "sites": [Subject("sites", name) for name in sites],
            "customers": [Subject("customers", name, name) for name in customers],
        }

    @property
    def calendar(self) -> WorkCalendar:
        found = self.policy.pack.calendar()
        assert found is not None, "a row that counts working days needs a calendar; the loader has seen to it"
        return found

    def row(self, row: Row) -> Iterator[Occurrence | Undated]:
        """Yield what a row comes to in the period."""
        over = over_of(row)
        if is_open(row):
            # A plan that is open is not silent because nobody has been named yet.
            for subject in self.subjects[over] or [Subject(over)]:
                if subject.runs_between(self.first, self.last):
                    for phase in range(phases_of(row)):
                        yield from self._undated(row, subject, phase)
            return
        anchor = row.text("anchor")
        for subject in self.subjects[over]:
            candidates: Iterator[Candidate]
            if anchor is None:
                candidates = (found for found in self._of_calendar(row) if subject.runs_between(found.day, found.day))
            elif (counted_from := subject.day(anchor)) is not None:
                candidates = self._from_anchor(row, subject, counted_from)
            else:
                yield from self._undated(row, subject, None, missing=anchor)
                continue
            for candidate in candidates:
                found = self._moved(row, subject, candidate)
                if found is not None:
                    yield found

    # --- days

    def _of_calendar(self, row: Row) -> Iterator[Candidate]:
        """Yield the days of the calendar that a row names, as far as they may come to lie in the period."""
        low, high = self._window(row)
        every, days, start = every_of(row), days_of(row), start_of(row)
        daily = every in ("day", "working day") and phases_of(row) == 1
        if start is not None and not days and not daily:
            yield from self._from_first(row, start, low, high)
            return
        assert isinstance(every, str)
        low = low if start is None else max(low, start)
        yield from (Candidate(day, day) for day in self._aligned(every, days, low, high))

    def _aligned(self, every: str, days: Sequence[str], low: int, high: int) -> Iterator[int]:
        if every == "day":
            yield from range(low, high + 1)
        elif every == "working day":
            # Nothing is carried over from before the first day of the calendar.
            low = max(low, min(self.first, self.calendar.first_day))
            yield from (day for day in range(low, high + 1) if self.calendar.is_workday_number(day))
        else:
            wanted = [day for text in days if (day := read_day(text, every)) is not None]
            yield from weekly(wanted, low, high) if every == "week" else in_months(wanted, every, low, high)

    def _from_first(self, row: Row, first: int, low: int, high: int) -> Iterator[Candidate]:
        """Yield a first day and each interval after it; phases take turns."""
        interval, phases, number = interval_of(row), phases_of(row), 0
        while (day := self._nth(first, None, interval, number)) is not None and day <= high:
            if day >= low:
                yield Candidate(day, day, number % phases)
            number += 1 if day >= low else max(1, steps_within(interval, low - day))

    def _from_anchor(self, row: Row, subject: Subject, anchor: int) -> Iterator[Candidate]:
        """Yield the days counted from a date of a contract or asset; phases end with the last."""
        if every_of(row) is None:
            yield Candidate(anchor, anchor)
            return
        low, high = self._window(row, shifted=True)
        ends = subject.day("contract_until") if row.text("anchor") == "contract_from" else None
        high = high if ends is None else min(high, ends)
        interval, phases = interval_of(row), phases_of(row)
        after = self.holding.allowance(row, "after", anchor)
        number = first = 0 if after is not None else 1
        while phases == 1 or number - first < phases:
            day = self._nth(anchor, after, interval, number)
            if day is None or day > high:
                return
            if day >= low:
                yield Candidate(anchor, day, (number - first) % phases)
            number += 1 if day >= low or phases > 1 else max(1, steps_within(interval, low - day))

    def _nth(self, start: int, after: Allowance | None, interval: Allowance, number: int) -> int | None:
        """Find the day `number` intervals after a day, or after that and `after`; None: behind the calendar.

        Months are added at once, so that a clamped day does not stay clamped.
        """
        whole = attrs.evolve(interval, value=interval.value * number)
        if after is not None and after.unit == interval.unit == "months":
            return add_months(start, after.value + whole.value)
        begin = start if after is None else self._reach(start, after, 1)
        return None if begin is None else self._reach(begin, whole, 1)

    # --- moving

    def _shift(self, day: int, allowance: Allowance, direction: int) -> int:
        if allowance.unit == "months":
            return add_months(day, direction * allowance.value)
        if allowance.unit == "days":
            return day + direction * allowance.value
        return self.calendar.add_workdays_to_day(day, direction * allowance.value)

    def _moved(self, row: Row, subject: Subject, candidate: Candidate) -> Occurrence | None:
        """Move a day and make the record of it; None where it does not lie in the period or the row does not hold."""
        holding = self.holding
        due = self._due(row, candidate)
        low, high = self._window(row, shifted=True)
        if due is None or not low <= due <= high:
            return None
        day = due
        if (moved := row.text("moved")) is not None and not self.calendar.is_workday_number(due):
            found = self._reach(due, _WORKING_DAY, 1 if moved == "next working day" else -1)
            if found is None:
                return None
            day = found
        in_period = self.first <= day <= self.last
        if not in_period or not holding.in_force(row, due) or not holding.holds(row, due, subject.contract_kind):
            return None
        phases, names = phases_of(row), phase_names(row)
        return Occurrence(
            on=date.fromordinal(day + EPOCH),
            occasion=holding.text(row, "occasion", due) or "",
            owner=holding.text(row, "owner", due) or "",
            recipient=holding.text(row, "recipient", due),
            over=subject.over,
            subject=subject.name,
            customer=subject.customer,
            phase=candidate.phase + 1 if phases > 1 else None,
            phase_name=names[candidate.phase] if names else None,
            counted_from=date.fromordinal(candidate.counted_from + EPOCH),
            moved_from=date.fromordinal(due + EPOCH) if day != due else None,
            rule=self.policy.rule_use(FAMILY, row, subject.name or ""),
        )

    def _due(self, row: Row, candidate: Candidate) -> int | None:
        """Move a day by `before` or `after`; None where that cannot come to lie in the period."""
        if row.text("anchor") is not None and every_of(row) is not None:
            return candidate.day
        low, high = self._window(row)
        if not low <= candidate.day <= high:
            return None
        for name, direction in (("before", -1), ("after", 1)):
            allowance = self.holding.allowance(row, name, candidate.day)
            if allowance is not None:
                return self._reach(candidate.day, allowance, direction)
        return candidate.day

    def _reach(self, day: int, allowance: Allowance, direction: int) -> int | None:
        """Move a day; None where it goes beyond the calendar, which has the whole period."""
        try:
            return self._shift(day, allowance, direction)
        except CalendarError:
            first, last = self.calendar.first_day, self.calendar.last_day
            if first <= day <= last and first <= self.first and self.last <= last:
                return None
            raise

    def _window(self, row: Row, *, shifted: bool = False) -> tuple[int, int]:
        """Find between which days one lies that can come to lie in the period; `shifted`: by `moved` alone.

        Nothing is carried over from before the first day of the calendar; what
        may come back from behind its last day is asked of it, and refused.
        """
        key = (row.file, row.line, shifted)
        if key not in self.windows:
            self.windows[key] = self._find_window(row, shifted)
        return self.windows[key]

    def _find_window(self, row: Row, shifted: bool) -> tuple[int, int]:
        low, high = self.first, self.last
        moved = row.text("moved")
        if moved == "next working day":
            low = min(low, self._workdays_before(low, 1) + 1)
        elif moved == "previous working day":
            high = max(high, self._workdays_after(high, 1) - 1)
        if shifted:
            return low, high
        for name, direction in (("before", -1), ("after", 1)):
            spans = [self._span(length, direction, low, high) for length in self.holding.lengths(row, name)]
            low, high = min((low, *(span[0] for span in spans))), max((high, *(span[1] for span in spans)))
        return max(low, FIRST_DAY), min(high, LAST_DAY)

    def _span(self, length: Allowance, direction: int, low: int, high: int) -> tuple[int, int]:
        """Find from which days an allowance can move to one between `low` and `high`, or a few more."""
        if length.unit == "working_days" and direction > 0:
            return self._workdays_before(low, length.value), high
        if length.unit == "working_days":
            return low, self._workdays_after(high, length.value)
        # A month has 31 days at most; a day too many is looked at and left out.
        days = 31 * length.value if length.unit == "months" else length.value
        return (low - days, high) if direction > 0 else (low, high + days)

    def _workdays_before(self, day: int, count: int) -> int:
        try:
            return self.calendar.add_workdays_to_day(day, -count)
        except CalendarError:
            return min(day, self.calendar.first_day)

    def _workdays_after(self, day: int, count: int) -> int:
        try:
            return self.calendar.add_workdays_to_day(day, count)
        except CalendarError:
            return day + REACH + count * 7 // 5

    # --- what has no day

    def _undated(self, row: Row, subject: Subject, phase: int | None, missing: str | None = None) -> Iterator[Undated]:
        """Yield the record of something without a day, where the row holds in the period."""
        holding, day = self.holding, self.first
        nobody = subject.name is None and subject.over is not None
        if not holding.in_force_between(row, day, self.last):
            return
        if not nobody and not holding.holds(row, day, subject.contract_kind):
            return
        phases, names = phases_of(row), phase_names(row)
        yield Undated(
            occasion=holding.text(row, "occasion", day) or "",
            owner=holding.text(row, "owner", day) or "",
            recipient=holding.text(row, "recipient", day),
            over=subject.over,
            subject=subject.name,
            customer=subject.customer,
            phase=phase + 1 if phase is not None and phases > 1 else None,
            phase_name=names[phase] if phase is not None and names else None,
            every=every_text(row),
            decided_by=holding.text(row, "decided by", day),
            missing=missing,
            rule=self.policy.rule_use(FAMILY, row, subject.name or ""),
        )
