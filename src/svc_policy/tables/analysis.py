"""Analyse a decision table: what it leaves out, where its rows meet, which never decide.

Nothing is sampled: every finding is a region, exact over the domains of the
columns and the days in force. Rows with disjoint days do not meet. A table that
collects is not asked for gaps or overlaps: its rows are there to hold together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import attrs

from svc_policy.tables.covering import Budget, bits_of, is_covered, meetings, rows_of_atoms, uncovered
from svc_policy.tables.decision_table import DecisionTable
from svc_policy.tables.matching import Parameters
from svc_policy.tables.records import Absence, Result, Rule, Test
from svc_policy.tables.regions import DAY, Axis, Box, Grid, Region, cut_axis, day_axis, meet

Boundary = Literal["", "both claim", "both leave out"]
Pairs = Sequence[tuple[int, int]]


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


@attrs.frozen
class Idle:
    """Rows with the same results that take all of an axis between them and differ in nothing else."""

    rows: tuple[int, ...]
    axis: str


@attrs.frozen
class Unused:
    """Values of an axis that no row has."""

    axis: str
    values: Test


@attrs.frozen(kw_only=True)
class Analysis:
    """What is to be said of a table; rows are indices into its rules, from 0.

    Args:
        grid: The axes, cut by all cells.
        boxes: The box of every row.
        gaps: What no row has, one gap a box; none for a table that collects.
        overlaps: Where two rows meet; none for a table that collects.
        never: Rows that hold of nothing.
        hidden: Rows that never decide because earlier ones hold wherever they do.
        contained: Pairs of a row and a narrower one with the same results that lies in it.
        mergeable: Rows that could be one.
        duplicates: Pairs of rows with the same conditions and results.
        idle: Rows for which a column decides nothing: they could be one row with `-` there.
        spelled_out: Pairs of a row and a column in which its cell lists all that can be stated, as `-` would say
            (which holds of what is not known yet as well).
        pairs: All rows that meet, of a table that collects as well.
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
    idle: tuple[Idle, ...] = ()
    spelled_out: tuple[tuple[int, str], ...] = ()
    pairs: Pairs = ()

    @property
    def needs_order(self) -> bool:
        """Say whether the order of the rows matters: some of them meet and say different things."""
        return not all(overlap.agree for overlap in self.overlaps)

    @property
    def unused(self) -> tuple[Unused, ...]:
        """Give the values of each axis that no row has."""
        return find_unused(self.grid, self.boxes)


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
    pairs = tuple(meetings(boxes))
    return Analysis(
        grid=grid,
        boxes=boxes,
        gaps=find_gaps(grid, boxes) if decides_alone else (),
        overlaps=find_overlaps(grid, boxes, results, pairs) if decides_alone else (),
        never=tuple(index for index, box in enumerate(boxes) if not all(box)),
        hidden=find_hidden(boxes, pairs) if decides_alone else (),
        contained=find_contained(boxes, results, pairs),
        mergeable=find_mergeable(
            grid, boxes, results, pairs, in_order=table.hit_policy != "unique", apart=not decides_alone
        ),
        duplicates=tuple((one, two) for one, two in pairs if boxes[one] == boxes[two] and results[one] == results[two]),
        idle=find_idle(grid, boxes, results),
        spelled_out=tuple(
            (row, name)
            for row, (rule, box) in enumerate(zip(table.rules, boxes, strict=True))
            for name, test, axis, mask in zip(names, rule.tests, grid.axes, box, strict=False)
            if not test.any and mask == axis.everything
        ),
        pairs=pairs,
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


def find_overlaps(
    grid: Grid, boxes: Sequence[Box], results: Sequence[Sequence[Result]], pairs: Pairs | None = None
) -> tuple[Overlap, ...]:
    """Give where two rows meet; `pairs` are the rows that do, where that is known already."""
    found = []
    for one, two in meetings(boxes) if pairs is None else pairs:
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


def find_hidden(boxes: Sequence[Box], pairs: Pairs | None = None) -> tuple[Hidden, ...]:
    """Give the rows whose points all lie in earlier rows, and which those are."""
    before: dict[int, list[int]] = {}
    for one, two in meetings(boxes) if pairs is None else pairs:
        before.setdefault(two, []).append(one)
    found, budget = [], Budget()
    for row, others in sorted(before.items()):
        alone = next((other for other in others if meet(boxes[other], boxes[row]) == boxes[row]), None)
        if alone is not None:
            found.append(Hidden(row=row, by=(alone,)))
        elif len(others) > 1 and is_covered(boxes[row], [boxes[other] for other in others], budget):
            found.append(Hidden(row=row, by=tuple(others)))
    return tuple(found)


def find_contained(
    boxes: Sequence[Box], results: Sequence[Sequence[Result]], pairs: Pairs | None = None
) -> tuple[tuple[int, int], ...]:
    """Give pairs of a row and another that lies in it and says the same.

    Of a table that collects both hold there, so the narrower one says a second time what the wider one says.
    """
    found = []
    for one, two in meetings(boxes) if pairs is None else pairs:
        if results[one] != results[two] or boxes[one] == boxes[two]:
            continue
        shared = meet(boxes[one], boxes[two])
        if shared == boxes[two]:
            found.append((one, two))
        elif shared == boxes[one]:
            found.append((two, one))
    return tuple(found)


def find_mergeable(
    grid: Grid,
    boxes: Sequence[Box],
    results: Sequence[Sequence[Result]],
    pairs: Pairs | None = None,
    *,
    in_order: bool = False,
    apart: bool = False,
) -> tuple[Mergeable, ...]:
    """Give pairs of rows that say the same, differ on one axis, and meet or touch there.

    Values without order all touch: of them a row is paired with the nearest earlier one only. With
    `in_order` the merged row stands in the place of the earlier one, so that rows between the two must
    not meet the later one. With `apart` the two must not meet: both hold there, and count twice.
    """
    met = [0] * len(boxes)
    if in_order:
        for one, two in meetings(boxes) if pairs is None else pairs:
            met[two] |= 1 << one
    found = []
    for index, axis in enumerate(grid.axes):
        for rows in _alike_beside(index, boxes, results):
            touching = _touching(axis, [boxes[row][index] for row in rows])
            for position, two in enumerate(rows):
                for one in (rows[earlier] for earlier in touching(position)):
                    masks = boxes[one][index], boxes[two][index]
                    if masks[0] == masks[1] or (apart and masks[0] & masks[1]) or not _touch(axis, *masks):
                        continue
                    if in_order and met[two] >> (one + 1):
                        break  # an even earlier row has the same ones in between
                    merged = axis.test(masks[0] | masks[1])
                    if axis.mask(merged) == masks[0] | masks[1]:
                        found.append(Mergeable(rows=(one, two), axis=axis.name, merged=merged))
                    if not axis.is_ordered:
                        break
    return tuple(sorted(found, key=lambda pair: pair.rows))


def find_idle(grid: Grid, boxes: Sequence[Box], results: Sequence[Sequence[Result]]) -> tuple[Idle, ...]:
    """Give the rows that together take all of an axis, and differ in nothing else: for them it decides nothing."""
    found = []
    for index, axis in enumerate(grid.axes):
        for rows in _alike_beside(index, boxes, results):
            cells = [boxes[row][index] for row in rows]
            union = 0
            for cell in cells:
                union |= cell
            if axis.expected and axis.expected & ~union == 0 and all(axis.expected & ~cell for cell in cells):
                found.append(Idle(rows=tuple(rows), axis=axis.name))
    return tuple(found)


def find_unused(grid: Grid, boxes: Sequence[Box]) -> tuple[Unused, ...]:
    """Give for each axis the values that no row has, which every complete table would have."""
    found = []
    for index, axis in enumerate(grid.axes):
        union = 0
        for box in boxes:
            if all(box):
                union |= box[index]
        if left := axis.expected & ~union:
            found.append(Unused(axis=axis.name, values=axis.test(left)))
    return tuple(found)


def _alike_beside(index: int, boxes: Sequence[Box], results: Sequence[Sequence[Result]]) -> list[list[int]]:
    """Group the rows that say the same and have the same cells on all axes but one."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for row, box in enumerate(boxes):
        if all(box):
            groups.setdefault((*_without(box, index), results[row]), []).append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def _touching(axis: Axis, masks: Sequence[int]) -> Callable[[int], Iterator[int]]:
    """Give a function that lists, for a set of values, those before it that may touch it, the nearest first."""
    if not axis.is_ordered:
        return lambda position: iter(range(position - 1, -1, -1))
    holders = rows_of_atoms(enumerate(masks))

    def before(position: int) -> Iterator[int]:
        near = 0
        for atom in bits_of(masks[position] | _beside(axis, masks[position])):
            near |= holders.get(atom, 0)
        near &= (1 << position) - 1
        while near:
            last = near.bit_length() - 1
            near ^= 1 << last
            yield last

    return before


def _touch(axis: Axis, one: int, two: int) -> bool:
    """Say whether two sets of values are one piece together; values without order always are."""
    return not axis.is_ordered or bool(one & two or _beside(axis, one) & two)


def _is_shared_end(grid: Grid, shared: Box, one: Box, two: Box) -> bool:
    """Say whether two rows share a single value of an axis, the end of what each of them has there."""
    return any(
        axis.is_ordered
        and axis.name != DAY
        and _is_value(axis, mask)
        and a != mask != b
        and not (_has_both_sides(axis, a, mask) or _has_both_sides(axis, b, mask))
        for axis, mask, a, b in zip(grid.axes, shared, one, two, strict=True)
    )


def _is_between(grid: Grid, gap: Box, boxes: Sequence[Box]) -> bool:
    """Say whether a gap is a single value of an axis with rows on both sides of it."""
    for index, axis in enumerate(grid.axes):
        mask = gap[index]
        if not axis.is_ordered or axis.name == DAY or not _is_value(axis, mask):
            continue
        others = _without(gap, index)
        beside = 0
        for box in boxes:
            if box[index] and meet(_without(box, index), others) is not None:
                beside |= box[index]
        if _has_both_sides(axis, beside, mask):
            return True
    return False


def _is_value(axis: Axis, mask: int) -> bool:
    """Say whether a mask is one value of an ordered axis."""
    if mask & axis.absent or mask.bit_count() != 1:
        return False
    index = mask.bit_length() - 1
    low, high = axis.cuts[index], axis.cuts[index + 1]
    return high - low == (1 if axis.domain.step is None else 2 * axis.domain.step) and low % 2 == 0


def _beside(axis: Axis, mask: int) -> int:
    """Give the values next to those of a mask; absence is next to nothing."""
    values = axis.everything & ~axis.absent
    return ((mask & values) << 1 | (mask & values) >> 1) & values


def _has_both_sides(axis: Axis, mask: int, value: int) -> bool:
    """Say whether a set goes on above a single value and below it."""
    return (mask & _beside(axis, value)).bit_count() == 2


def _without(box: Box, index: int) -> Box:
    return (*box[:index], *box[index + 1 :])


def _unit_of(tests: Sequence[Test]) -> str:
    bounds = (bound for test in tests for item in test.items for bound in (item.low, item.high))
    return next((unit for bound in bounds if (unit := getattr(bound, "unit", ""))), "")
