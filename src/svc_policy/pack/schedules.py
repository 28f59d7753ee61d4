"""Check that every row of a schedule says when it comes due, and that staffing rows can be counted."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import cast

from svc_policy.errors import Place, Problem, problem
from svc_policy.messages import Message, message
from svc_policy.pack.settings import Settings
from svc_policy.rules.family import Cell, Parameter, Row
from svc_policy.rules.schedules import ASSET_DATES, CONTRACT_DATES, INTERVALS, OPEN, days_of, every_of, read_day
from svc_policy.units import Allowance, Literal, format_literal

_DAYS = {
    "week": message("a day of the week is one of mon, tue, wed, thu, fri, sat, sun"),
    "month": message("a day of the month is 1 to 31, `first` or `last`"),
    "quarter": message("a day of the quarter is `first` or `last`"),
    "year": message("a day of the year is `first`, `last`, or written as in `03-31`"),
}
_Complaint = tuple[str, Message, Message | None]


def check_schedules(
    rows: Mapping[str, Sequence[Row]], settings: Settings, broken: Container[str], problems: list[Problem]
) -> None:
    """Check the tables `schedules` and `staffing`, as far as they could be read."""
    for family, check in (("schedules", _schedule), ("staffing", _staffing)):
        for row in rows.get(family, ()) if family not in broken else ():
            for code, text, help_line in check(row, settings):
                problems.append(problem(code, text, place=Place(file=row.file, line=row.line), help=help_line))


def _schedule(row: Row, settings: Settings) -> Iterator[_Complaint]:
    yield from _rhythm(row)
    yield from _days(row)
    yield from _moves(row, settings)
    yield from _subjects(row)
    yield from _phases(row)
    if _counts_working_days(row, settings) and (settings.valid is None or not settings.week):
        yield (
            "calendar-missing",
            message("rule `{rule}` counts working days, but the policy has no working week", rule=row.id),
            message("add `[week]` and `calendar.valid` to policy.toml"),
        )


def _has(row: Row, name: str) -> bool:
    return row.results.get(name) is not None


def _rhythm(row: Row) -> Iterator[_Complaint]:
    every = every_of(row)
    decided = _has(row, "decided by")
    if every is None and not _has(row, "anchor") and not decided:
        yield (
            "schedule-dateless",
            message("rule `{rule}` never comes due: it has neither `every` nor `anchor`", rule=row.id),
            message("an interval that is still open is written `open`, with `then: decided by`"),
        )
    if every == OPEN and not decided:
        yield (
            "schedule-undecided",
            message("the interval of rule `{rule}` is open, and nobody decides it", rule=row.id),
            message("name the role in `then: decided by`"),
        )
    if isinstance(every, Allowance):
        yield from _whole_days(row, "every", every)
        if every.value == 0:
            yield (
                "schedule-endless",
                message("the interval of rule `{rule}` is 0: it would never end", rule=row.id),
                message("an interval is at least one day, as in `1 day`"),
            )
        if not _has(row, "anchor") and not _has(row, "first") and row.since is None and not decided:
            yield (
                "schedule-start",
                message("rule `{rule}` has an interval but no day to count it from", rule=row.id),
                message("give `then: first` or `then: anchor`"),
            )


def _days(row: Row) -> Iterator[_Complaint]:
    every, days = every_of(row), days_of(row)
    if days and every != OPEN and (not isinstance(every, str) or every not in _DAYS):
        yield (
            "schedule-on",
            message(
                "rule `{rule}` has `on`, which goes with weeks, months, quarters and years in `every`", rule=row.id
            ),
            None,
        )
    elif isinstance(every, str) and every != OPEN:
        for text in days:
            if read_day(text, every) is None:
                text_of = message(
                    "cannot read `{text}` in `then: {column}` of rule `{rule}`", text=text, column="on", rule=row.id
                )
                yield "schedule-on", text_of, _DAYS[every]
        aligned = every in _DAYS and not days and not _has(row, "anchor") and not _has(row, "first")
        if aligned and not _has(row, "decided by"):
            yield (
                "schedule-day",
                message("rule `{rule}` does not say on which day of the {every} it is due", rule=row.id, every=every),
                message("write it in `then: on`, or in `then: decided by` who decides it"),
            )
    if _has(row, "anchor"):
        for name in ("on", "first"):
            if days if name == "on" else _has(row, name):
                yield (
                    "schedule-anchored",
                    message("rule `{rule}` counts from its `anchor` and cannot have `{name}`", rule=row.id, name=name),
                    message("for a day of the calendar in each contract write `over`, without `anchor`"),
                )


def _moves(row: Row, settings: Settings) -> Iterator[_Complaint]:
    for name in ("before", "after"):
        # All values of a parameter have one unit.
        for allowance in _allowances(row.results.get(name), settings)[:1]:
            yield from _whole_days(row, name, allowance)
    if _has(row, "before") and _has(row, "after"):
        yield (
            "schedule-both",
            message("rule `{rule}` has both `before` and `after`", rule=row.id),
            message("write a row for each"),
        )
    if _has(row, "before") and _has(row, "anchor") and every_of(row) is not None:
        yield (
            "schedule-both",
            message("rule `{rule}` has `anchor`, `every` and `before`", rule=row.id),
            message("what repeats begins at its anchor or after it; what comes before it comes once"),
        )


def _subjects(row: Row) -> Iterator[_Complaint]:
    anchor, over = row.text("anchor"), row.text("over")
    wanted = "contracts" if anchor in CONTRACT_DATES else "assets" if anchor in ASSET_DATES else None
    if wanted and over not in (None, wanted):
        yield (
            "schedule-over",
            message(
                "`{anchor}` of rule `{rule}` is a date of `{wanted}`, not of `{over}`",
                anchor=anchor,
                rule=row.id,
                wanted=wanted,
                over=over,
            ),
            None,
        )
    kind = row.tests.get("contract_kind")
    if kind is not None and not kind.any and (over or wanted) != "contracts":
        yield (
            "schedule-over",
            message("rule `{rule}` asks for a kind of contract, but is not about contracts", rule=row.id),
            message("write `contracts` in `then: over`"),
        )


def _phases(row: Row) -> Iterator[_Complaint]:
    cell = row.results.get("phases")
    names = cast("tuple[str, ...]", row.results.get("phase names") or ())
    count = int(cast("int", cell.value)) if isinstance(cell, Literal) else len(names)
    if isinstance(cell, Literal) and (count == 0 or (names and len(names) != count)):
        yield (
            "schedule-phases",
            message(
                "rule `{rule}` has {count} phases and {names} names of them", rule=row.id, count=count, names=len(names)
            ),
            message("each phase has one name, and there is at least one"),
        )
    every = every_of(row)
    if count < 2 or every == OPEN or (every is None and not _has(row, "anchor")):
        return
    counted = _has(row, "anchor") or _has(row, "first") or (isinstance(every, Allowance) and row.since is not None)
    if every is None or days_of(row) or not counted:
        yield (
            "schedule-phases",
            message("the phases of rule `{rule}` follow one another at an interval", rule=row.id),
            message("give `then: every` and `then: anchor` or `then: first`, without `then: on`"),
        )


def _staffing(row: Row, settings: Settings) -> Iterator[_Complaint]:
    if not _has(row, "staff") and not _has(row, "decided by"):
        yield (
            "staffing-open",
            message("rule `{rule}` has no `staff`, and nobody decides it", rule=row.id),
            message("name the role in `then: decided by`"),
        )
    if _has(row, "per") != _has(row, "each") or (_has(row, "beyond") and not _has(row, "each")):
        yield (
            "staffing-per",
            message("rule `{rule}` needs both `per` and `each` to grow with the workload", rule=row.id),
            message("as in `then: per` jobs, `then: each` 50"),
        )
    each = row.results.get("each")
    if isinstance(each, Literal) and each.value == 0:
        yield (
            "staffing-endless",
            message("`then: {column}` of rule `{rule}` must be more than 0", column="each", rule=row.id),
            None,
        )


def _whole_days(row: Row, name: str, allowance: Allowance) -> Iterator[_Complaint]:
    if allowance.unit in ("s", "working_s"):
        yield (
            "schedule-hours",
            message(
                "`then: {column}` of rule `{rule}` counts hours: `{text}`",
                column=name,
                rule=row.id,
                text=format_literal(Literal("allowance", allowance)),
            ),
            message("a schedule counts days, weeks, working days, months or years"),
        )


def _counts_working_days(row: Row, settings: Settings) -> bool:
    every = every_of(row)
    if every == OPEN:
        return False
    interval = INTERVALS.get(every) if isinstance(every, str) else every
    counted = [*_allowances(row.results.get("before"), settings), *_allowances(row.results.get("after"), settings)]
    counted += [interval] if interval is not None else []
    return _has(row, "moved") or any(item.unit == "working_days" for item in counted)


def _allowances(cell: Cell, settings: Settings) -> list[Allowance]:
    """List what a cell may be: its allowance, or all values of a dated parameter."""
    literals = [cell] if isinstance(cell, Literal) else []
    if isinstance(cell, Parameter):
        literals = [literal for _, literal in settings.parameters[cell.name].values]
    return [literal.value for literal in literals if isinstance(literal.value, Allowance)]
