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
from svc_policy.rules.family import Parameter, Row
from svc_policy.rules.schedules import CONTRACT_DATES, EVERY, INTERVALS, OPEN, Day, days_of, every_of, read_day
from svc_policy.schedule.records import Asset, Contract, Occurrence, Schedule, Undated
from svc_policy.tables.matching import match
from svc_policy.units import Allowance, Literal, Value, add_months, date_of, day_of, days_in_month, format_literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.worktime import WorkCalendar

FAMILY: Final = "schedules"
#: The longest period, in years, and the most occurrences.
LONGEST: Final = 20
MOST: Final = 1_000_000
#: Behind the last day of a calendar no run of days off is taken to be this long.
REACH: Final = 10
EPOCH: Final = date(1970, 1, 1).toordinal()


@attrs.frozen
class Subject:
    """What an occurrence is about: a contract, an asset, a site, a customer, or nothing of the kind."""

    over: str | None = None
    name: str | None = None
    customer: str | None = None
    record: Contract | Asset | None = None


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
        self.first = first
        self.last = last
        self.windows: dict[tuple[str, int, bool], tuple[int, int]] = {}
        customers = dict.fromkeys(item.customer for item in (*contracts, *assets) if item.customer)
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
        subjects = self.subjects[over_of(row)]
        if is_open(row):
            if self._in_force_sometime(row):
                # A plan that is open is not silent because nobody has been named yet.
                for subject in subjects or [Subject(over_of(row))]:
                    if self._is_about(row, subject, self.first):
                        yield from (self._undated(row, subject, phase) for phase in range(phases_of(row)))
            return
        anchor = row.text("anchor")
        for subject in subjects:
            if anchor is None:
                candidates = self._of_calendar(row)
            elif (origin := _date(subject, anchor)) is not None:
                candidates = self._from_anchor(row, subject, origin)
            else:
                if self._in_force_sometime(row) and self._is_about(row, subject, self.first):
                    yield self._undated(row, subject, None, missing=anchor)
                continue
            for candidate in candidates:
                if anchor is None and not _runs_on(subject, candidate.day):
                    continue
                found = self._moved(row, subject, candidate)
                if found is not None:
                    yield found

    # --- days

    def _of_calendar(self, row: Row) -> Iterator[Candidate]:
        """Yield the days of the calendar that a row names, as far as they may come to lie in the period."""
        low, high = self._window(row)
        every, days, start = every_of(row), days_of(row), _start(row)
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
            low = low if low >= self.first else max(low, min(self.first, self.calendar.first_day))
            yield from (day for day in range(low, high + 1) if self.calendar.is_workday_number(day))
        else:
            wanted = [day for text in days if (day := read_day(text, every)) is not None]
            yield from _weekly(wanted, low, high) if every == "week" else _in_months(wanted, every, low, high)

    def _from_first(self, row: Row, first: int, low: int, high: int) -> Iterator[Candidate]:
        """Yield a first day and each interval after it; phases take turns."""
        interval, phases, number = _interval(row), phases_of(row), 0
        while (day := self._nth(first, None, interval, number, high)) is not None and day <= high:
            if day >= low:
                yield Candidate(day, day, number % phases)
            number += 1 if day >= low else max(1, _steps(interval, low - day))

    def _from_anchor(self, row: Row, subject: Subject, anchor: int) -> Iterator[Candidate]:
        """Yield the days counted from a date of a contract or asset; phases end with the last."""
        if every_of(row) is None:
            yield Candidate(anchor, anchor)
            return
        low, high = self._window(row, shifted=True)
        ends = _date(subject, "contract_until") if row.text("anchor") == "contract_from" else None
        high = high if ends is None else min(high, ends)
        interval, phases = _interval(row), phases_of(row)
        after = self._allowance(row, "after", anchor)
        number = first = 0 if after is not None else 1
        while phases == 1 or number - first < phases:
            day = self._nth(anchor, after, interval, number, high)
            if day is None or day > high:
                return
            if day >= low:
                yield Candidate(anchor, day, (number - first) % phases)
            number += 1 if day >= low or phases > 1 else max(1, _steps(interval, low - day))

    def _nth(self, start: int, after: Allowance | None, interval: Allowance, number: int, high: int) -> int | None:
        """Find the day `number` intervals after a day, or after that and `after`; None where it is surely after `high`.

        Months are added at once, so that a clamped day does not stay clamped.
        """
        whole = attrs.evolve(interval, value=interval.value * number)
        if after is not None and after.unit == interval.unit == "months":
            return add_months(start, after.value + whole.value)
        begin = start if after is None else self._shift(start, after, 1)
        try:
            return self._shift(begin, whole, 1)
        except CalendarError:
            if self.calendar.first_day <= begin <= self.calendar.last_day and high <= self.calendar.last_day:
                return None
            raise

    # --- moving

    def _shift(self, day: int, allowance: Allowance, direction: int) -> int:
        if allowance.unit == "months":
            return add_months(day, direction * allowance.value)
        if allowance.unit == "days":
            return day + direction * allowance.value
        return self.calendar.add_workdays_to_day(day, direction * allowance.value)

    def _moved(self, row: Row, subject: Subject, candidate: Candidate) -> Occurrence | None:
        """Move a day and make the record of it; None where it does not lie in the period or the row does not hold."""
        due = self._due(row, candidate)
        low, high = self._window(row, shifted=True)
        if due is None or not low <= due <= high:
            return None
        day = due
        if (moved := row.text("moved")) is not None and not self.calendar.is_workday_number(due):
            day = self.calendar.add_workdays_to_day(due, 1 if moved == "next working day" else -1)
        if not self.first <= day <= self.last or not self._in_force(row, due) or not self._is_about(row, subject, due):
            return None
        phases, names = phases_of(row), _phase_names(row)
        return Occurrence(
            on=date.fromordinal(day + EPOCH),
            occasion=self._text(row, "occasion", due) or "",
            owner=self._text(row, "owner", due) or "",
            recipient=self._text(row, "recipient", due),
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
            allowance = self._allowance(row, name, candidate.day)
            if allowance is not None:
                return self._shift(candidate.day, allowance, direction)
        return candidate.day

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
            spans = [self._span(unit, value, direction, low, high) for unit, value in self._lengths(row, name)]
            low, high = min((low, *(span[0] for span in spans))), max((high, *(span[1] for span in spans)))
        return low, high

    def _span(self, unit: str, value: int, direction: int, low: int, high: int) -> tuple[int, int]:
        """Find which days an allowance can move to between `low` and `high`, or more."""
        if unit == "working_days":
            return (
                (self._workdays_before(low, value), high) if direction > 0 else (low, self._workdays_after(high, value))
            )
        # Months differ by three days at most; a day too many is looked at and left out.
        days = 31 * value + 3 if unit == "months" else value
        return (low - days, high) if direction > 0 else (low, high + days)

    def _workdays_before(self, day: int, count: int) -> int:
        try:
            return self.calendar.add_workdays_to_day(day, -count)
        except CalendarError:
            return min(day, self.calendar.first_day) if day <= self.calendar.last_day else day

    def _workdays_after(self, day: int, count: int) -> int:
        try:
            return self.calendar.add_workdays_to_day(day, count)
        except CalendarError:
            return day + REACH + count * 7 // 5

    def _lengths(self, row: Row, name: str) -> list[tuple[str, int]]:
        """List what `before` or `after` may be: every value of a dated parameter."""
        cell = row.results.get(name)
        literals = [cell] if isinstance(cell, Literal) else []
        if isinstance(cell, Parameter):
            literals = [literal for _, literal in self.policy.pack.settings.parameters[cell.name].values]
        return [(item.value.unit, item.value.value) for item in literals if isinstance(item.value, Allowance)]

    # --- what holds on a day

    def _allowance(self, row: Row, name: str, day: int) -> Allowance | None:
        cell = self.policy.in_force(row.results.get(name), day)
        return cell.value if isinstance(cell, Literal) and isinstance(cell.value, Allowance) else None

    def _text(self, row: Row, name: str, day: int) -> str | None:
        cell = self.policy.in_force(row.results.get(name), day)
        return str(cell.value) if isinstance(cell, Literal) else None

    def _in_force(self, row: Row, day: int) -> bool:
        fixed = self.policy.fixed_on
        on = day if fixed is None else fixed.toordinal() - EPOCH
        return (row.since is None or row.since <= on) and (row.until is None or on < row.until)

    def _in_force_sometime(self, row: Row) -> bool:
        if self.policy.fixed_on is not None:
            return self._in_force(row, self.first)
        return (row.since is None or row.since <= self.last) and (row.until is None or self.first < row.until)

    def _is_about(self, row: Row, subject: Subject, day: int) -> bool:
        """Say whether the conditions of a row hold of a subject on a day."""
        tests = {name: test for name, test in row.tests.items() if not test.any}
        known = self.policy.pack.settings.parameters if tests else ()
        parameters = {name: _value(self.policy.in_force(Parameter(name), day)) for name in known}
        for name, test in tests.items():
            value = getattr(subject.record, name, None) if name == "contract_kind" else parameters.get(name)
            if match(test, value, "none", parameters) is not True:
                return False
        return True

    def _undated(self, row: Row, subject: Subject, phase: int | None, missing: str | None = None) -> Undated:
        phases, names = phases_of(row), _phase_names(row)
        return Undated(
            occasion=self._text(row, "occasion", self.first) or "",
            owner=self._text(row, "owner", self.first) or "",
            recipient=self._text(row, "recipient", self.first),
            over=subject.over,
            subject=subject.name,
            customer=subject.customer,
            phase=phase + 1 if phase is not None and phases > 1 else None,
            phase_name=names[phase] if phase is not None and names else None,
            every=_every_text(row),
            decided_by=self._text(row, "decided by", self.first),
            missing=missing,
            rule=self.policy.rule_use(FAMILY, row, subject.name or ""),
        )


def over_of(row: Row) -> str | None:
    """Say what a row comes for each of: it is said, or the anchor is a date of it."""
    anchor = row.text("anchor")
    if anchor is None:
        return row.text("over")
    return "contracts" if anchor in CONTRACT_DATES else "assets"


def is_open(row: Row) -> bool:
    """Say whether somebody has yet to decide when a row comes due."""
    every = every_of(row)
    if every == OPEN:
        return True
    if row.text("anchor") is not None:
        return False
    if every is None:
        return True
    if isinstance(every, Allowance):
        return _start(row) is None
    return every not in ("day", "working day") and not days_of(row) and row.results.get("first") is None


def phases_of(row: Row) -> int:
    """Count the phases of a row; 1 where it has none."""
    cell = row.results.get("phases")
    return int(cell.value) if isinstance(cell, Literal) else max(1, len(_phase_names(row)))  # type: ignore[arg-type]


def _phase_names(row: Row) -> tuple[str, ...]:
    cell = row.results.get("phase names")
    return cell if isinstance(cell, tuple) else ()


def _start(row: Row) -> int | None:
    """Find the day that an interval is counted from where there is no anchor."""
    cell = row.results.get("first")
    if isinstance(cell, Literal):
        return int(cell.value)  # type: ignore[arg-type]
    return row.since if isinstance(every_of(row), Allowance) else None


def _every_text(row: Row) -> str | None:
    every = every_of(row)
    if every is None or every == OPEN:
        return None
    return every if every in EVERY else format_literal(Literal("allowance", every))


def _date(subject: Subject, name: str) -> int | None:
    found = getattr(subject.record, name, None)
    return found.toordinal() - EPOCH if isinstance(found, date) else None


def _runs_on(subject: Subject, day: int) -> bool:
    """Say whether a contract runs on a day; everything else does."""
    begins, ends = _date(subject, "contract_from"), _date(subject, "contract_until")
    if not isinstance(subject.record, Contract):
        return True
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _interval(row: Row) -> Allowance:
    every = every_of(row)
    found = INTERVALS[every] if isinstance(every, str) else every
    assert found is not None
    return found


def _value(cell: object) -> Value | None:
    return cell.value if isinstance(cell, Literal) else None


def _weekly(wanted: Sequence[Day], low: int, high: int) -> Iterator[int]:
    # 1970-01-01 was a Thursday, hence the 3.
    weekdays = {day.weekday for day in wanted}
    return (day for day in range(low, high + 1) if (day + 3) % 7 in weekdays)


def _in_months(wanted: Sequence[Day], every: str, low: int, high: int) -> Iterator[int]:
    """Yield the wanted days of every month, quarter or year from `low` to `high`."""
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    year, month, _ = date_of(low)
    index = (year * 12 + month - 1) // months * months
    while day_of(*_month(index), 1) <= high:
        yield from (day for day in sorted({_day_in(index, months, day) for day in wanted}) if low <= day <= high)
        index += months


def _month(index: int) -> tuple[int, int]:
    year, month = divmod(index, 12)
    return year, month + 1


def _day_in(index: int, months: int, day: Day) -> int:
    """Find a day of the period of `months` months that begins with the month of that index."""
    if day.last:
        return day_of(*_month(index + months), 1) - 1
    year, month = _month(index + (day.month or 1) - 1)
    return day_of(year, month, min(day.day, days_in_month(year, month)))


def _steps(interval: Allowance, days: int) -> int:
    """Count the intervals that surely fit into so many days, so that a long way is not gone step by step."""
    return 0 if interval.unit == "working_days" else days // (interval.value * (31 if interval.unit == "months" else 1))
