"""Analyse a decision table: what it leaves out, where its rows meet, which never decide.

Nothing is sampled: every finding is a region, exact over the domains of the
columns and the days in force. Rows with disjoint days do not meet. A table that
collects is not asked for gaps or overlaps: its rows are there to hold together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from svc_policy.tables.covering import is_covered, meetings, uncovered
from svc_policy.tables.decision_table import DecisionTable
from svc_policy.tables.matching import Parameters
from svc_policy.tables.records import Absence, Result, Rule, Test
from svc_policy.tables.regions import DAY, Axis, Box, Grid, Region, cut_axis, day_axis, meet

Boundary = Literal["", "both claim", "both leave out"]


@attrs.frozen(kw_only=True)
class Gap:
    """Points that no row has.

    Args:
        region: The points.
        boundary: ``both leave out`` where it is a single value of an ordered axis, between two rows.
    """

    region: Region
    boundary: Boundary = ""


@attrs.frozen(kw_only=True)
class Overlap:
    """Points that two rows share.

    Args:
        rows: The indices of the rows, the lower one first.
        region: The points.
        agree: Whether the rows have the same results.
        boundary: ``both claim`` where they share a single value of an ordered axis, the end of both.
    """

    rows: tuple[int, int]
    region: Region
    agree: bool
    boundary: Boundary = ""


@attrs.frozen(kw_only=True)
class Hidden:
    """A row that others always go before: all its points lie in theirs."""

    row: int
    by: tuple[int, ...]


@attrs.frozen(kw_only=True)
class Mergeable:
    """Two rows with the same results that differ on one axis, where their cells can be joined into one."""

    rows: tuple[int, int]
    axis: str
    merged: Test


@attrs.frozen(kw_only=True)
class Analysis:
    """What is to be said of a table; rows are indices into its rules, from 0.

    Args:
        grid: The axes, cut by all cells.
        boxes: The box of every row.
        gaps: What no row has, one gap a box; none for a table that collects.
        overlaps: Where two rows meet; none for a table that collects.
        never: Rows that hold of nothing.
        hidden: Rows that never decide because earlier ones (of a unique table: all others) hold wherever they do.
        contained: Pairs of a row and a narrower one with the same results that lies in it.
        mergeable: Rows that could be one.
        duplicates: Pairs of rows with the same conditions and results.
    """

    grid: Grid
    boxes: tuple[Box, ...]
    gaps: tuple[Gap, ...]
    overlaps: tuple[Overlap, ...]
    never: tuple[int, ...]
    hidden: tuple[Hidden, ...]
    contained: tuple[tuple[int, int], ...]
    mergeable: tuple[Mergeable, ...]
    duplicates: tuple[tuple[int, int], ...]


def analyse(
    table: DecisionTable,
    *,
    absences: Mapping[str, Absence] | None = None,
    parameters: Parameters | None = None,
) -> Analysis:
    """Analyse a table.

    Args:
        table: The table.
        absences: What absence means, by column name; where it is ``none`` or ``not yet``
            the table has to cover it, else absence is in no domain.
        parameters: The values of the parameters that cells refer to.

    Raises:
        UsageError: A parameter is not given, or the rows overlap in more ways than can be looked at.
    """
    grid = grid_of(table, absences=absences, parameters=parameters)
    names = [column.name for column in table.columns]
    boxes = tuple(
        grid.box(dict(zip(names, rule.tests, strict=True)), rule.from_day, rule.until_day, parameters)
        for rule in table.rules
    )
    results = [rule.results for rule in table.rules]
    decides_alone = table.hit_policy != "collect"
    return Analysis(
        grid=grid,
        boxes=boxes,
        gaps=find_gaps(grid, boxes) if decides_alone else (),
        overlaps=find_overlaps(grid, boxes, results) if decides_alone else (),
        never=tuple(index for index, box in enumerate(boxes) if not all(box)),
        hidden=find_hidden(boxes) if decides_alone else (),
        contained=find_contained(boxes, results),
        mergeable=find_mergeable(grid, boxes, results, in_order=table.hit_policy == "first"),
        duplicates=tuple(
            (one, two) for one, two in meetings(boxes) if boxes[one] == boxes[two] and results[one] == results[two]
        ),
    )


def grid_of(
    *tables: DecisionTable,
    absences: Mapping[str, Absence] | None = None,
    parameters: Parameters | None = None,
) -> Grid:
    """Cut the axes of one or more tables with the same columns by the cells of all of them."""
    absences = absences or {}
    columns = {column.name: column for table in tables for column in table.columns}
    tests: dict[str, list[Test]] = {name: [] for name in columns}
    for table in tables:
        for rule in table.rules:
            for column, test in zip(table.columns, rule.tests, strict=True):
                tests[column.name].append(test)
    rules: list[Rule] = [rule for table in tables for rule in table.rules]
    axes: list[Axis] = [
        cut_axis(
            name,
            column.kind,
            column.domain,
            tests[name],
            absence=absences.get(name, "unknown"),
            parameters=parameters,
            unit=_unit_of(tests[name]),
        )
        for name, column in columns.items()
    ]
    days = [day for rule in rules for day in (rule.from_day, rule.until_day) if day is not None]
    return Grid((*axes, day_axis(days)) if days else tuple(axes))


def find_gaps(grid: Grid, boxes: Sequence[Box], within: Box | None = None) -> tuple[Gap, ...]:
    """Give what no row has of `within`, of all that a complete table covers unless given."""
    pieces = uncovered(boxes, grid.expected if within is None else within)
    return tuple(
        Gap(region=Region(grid, (piece,)), boundary="both leave out" if _is_between(grid, piece, boxes) else "")
        for piece in pieces
    )


def find_overlaps(grid: Grid, boxes: Sequence[Box], results: Sequence[Sequence[Result]]) -> tuple[Overlap, ...]:
    """Give where two rows meet."""
    found = []
    for one, two in meetings(boxes):
        shared = meet(boxes[one], boxes[two])
        assert shared is not None
        found.append(
            Overlap(
                rows=(one, two),
                region=Region(grid, (shared,)),
                agree=results[one] == results[two],
                boundary="both claim" if _is_shared_end(grid, shared, boxes[one], boxes[two]) else "",
            )
        )
    return tuple(found)


def find_hidden(boxes: Sequence[Box]) -> tuple[Hidden, ...]:
    """Give the rows whose points all lie in earlier rows, and which those are."""
    found = []
    for index, box in enumerate(boxes):
        if not all(box):
            continue
        before = [other for other in range(index) if meet(boxes[other], box) is not None]
        if before and is_covered(box, [boxes[other] for other in before]):
            alone = next((other for other in before if is_covered(box, [boxes[other]])), None)
            found.append(Hidden(row=index, by=tuple(before) if alone is None else (alone,)))
    return tuple(found)


def find_contained(boxes: Sequence[Box], results: Sequence[Sequence[Result]]) -> tuple[tuple[int, int], ...]:
    """Give pairs of a row and another that lies in it and says the same."""
    found = []
    for one, two in meetings(boxes):
        if results[one] != results[two] or boxes[one] == boxes[two]:
            continue
        shared = meet(boxes[one], boxes[two])
        if shared == boxes[two]:
            found.append((one, two))
        elif shared == boxes[one]:
            found.append((two, one))
    return tuple(found)


def find_mergeable(
    grid: Grid, boxes: Sequence[Box], results: Sequence[Sequence[Result]], *, in_order: bool = False
) -> tuple[Mergeable, ...]:
    """Give pairs of rows that say the same, differ on one axis, and meet or touch there.

    With `in_order` the earlier row goes before: rows between the two must not meet the later one.
    """
    found = []
    for index, axis in enumerate(grid.axes):
        groups: dict[tuple[object, ...], list[int]] = {}
        for row, box in enumerate(boxes):
            if all(box):
                key = (*box[:index], *box[index + 1 :], results[row])
                groups.setdefault(key, []).append(row)
        for rows in groups.values():
            for position, one in enumerate(rows):
                for two in rows[position + 1 :]:
                    masks = boxes[one][index], boxes[two][index]
                    if masks[0] == masks[1] or not _touch(axis, *masks):
                        continue
                    if in_order and any(meet(boxes[row], boxes[two]) is not None for row in range(one + 1, two)):
                        continue
                    found.append(Mergeable(rows=(one, two), axis=axis.name, merged=axis.test(masks[0] | masks[1])))
    return tuple(found)


def _touch(axis: Axis, one: int, two: int) -> bool:
    """Say whether two sets of values are one piece together; values without order always are."""
    if not axis.is_ordered or one & two:
        return True
    return bool(one & (two << 1) or one & (two >> 1))


def _is_shared_end(grid: Grid, shared: Box, one: Box, two: Box) -> bool:
    """Say whether two rows share a single value of an axis, the end of what each of them has there."""
    return any(
        axis.is_ordered
        and axis.name != DAY
        and _is_value(axis, mask)
        and a != mask != b
        and not (a & ~mask & b)
        and not (_has_both_sides(a, mask) or _has_both_sides(b, mask))
        for axis, mask, a, b in zip(grid.axes, shared, one, two, strict=True)
    )


def _is_between(grid: Grid, gap: Box, boxes: Sequence[Box]) -> bool:
    """Say whether a gap is a single value of an axis with rows on both sides of it."""
    for index, axis in enumerate(grid.axes):
        mask = gap[index]
        if not axis.is_ordered or axis.name == DAY or not _is_value(axis, mask):
            continue
        beside = [
            box for box in boxes if all(a & b for a, b in zip(_without(box, index), _without(gap, index), strict=True))
        ]
        if any(box[index] & (mask << 1) for box in beside) and any(box[index] & (mask >> 1) for box in beside):
            return True
    return False


def _is_value(axis: Axis, mask: int) -> bool:
    """Say whether a mask is one value of an ordered axis."""
    if mask & axis.absent or mask.bit_count() != 1:
        return False
    index = mask.bit_length() - 1
    low, high = axis.cuts[index], axis.cuts[index + 1]
    return high - low == (1 if axis.domain.step is None else 2 * axis.domain.step) and low % 2 == 0


def _has_both_sides(mask: int, value: int) -> bool:
    return bool(mask & (value << 1)) and bool(mask & (value >> 1))


def _without(box: Box, index: int) -> Box:
    return (*box[:index], *box[index + 1 :])


def _unit_of(tests: Sequence[Test]) -> str:
    bounds = (bound for test in tests for item in test.items for bound in (item.low, item.high))
    return next((unit for bound in bounds if (unit := getattr(bound, "unit", ""))), "")
