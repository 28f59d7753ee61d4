"""What the rows of one table leave out, where they meet, and which of them never decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from svc_policy.check.possible import Possible
from svc_policy.check.views import Piece, TableView, day_index
from svc_policy.tables.analysis import find_contained, find_gaps, find_mergeable, find_overlaps
from svc_policy.tables.covering import bounded_meetings, holes, uncovered
from svc_policy.tables.records import Result
from svc_policy.tables.regions import DAY, OTHERS, Axis, Box, Region, merge

#: Families that have an answer for every ticket: whatever no row has is a gap. That every ticket has a category is a
#: named property of a policy, which it may switch off.
TOTAL: Final = frozenset({"category", "payers"})
#: Families that have an answer for every ticket that they speak of: whatever lies between their rows is a gap.
CLOSED: Final = frozenset({"zones", "complaints", "entitlements", "category", "vehicles", "part_fees"})
#: Families whose rows permit something: what no row says is not permitted, and no gap.
PERMITS: Final = frozenset({"overrides"})


@attrs.frozen(kw_only=True)
class Place:
    """Something found in a table: a code, rows by their number, where, and the axis that tells."""

    code: str
    rows: tuple[int, ...]
    boxes: tuple[Box, ...] = ()
    axis: str | None = None
    by: tuple[int, ...] = ()


def find_in_rows(view: TableView, possible: Possible, *, total: frozenset[str] = TOTAL) -> Iterator[Place]:
    """Find what is to be said of a view's rows; the view is of one pack, in which the families `total` are that.

    Raises:
        UsageError: The rows overlap in more ways than can be looked at.
    """
    never = set(_never(view, possible))
    for row in sorted(never):
        yield Place(code="row-never", rows=(row,))
    kept = [piece for piece in view.pieces[0] if piece.number not in never and all(piece.box)]
    repeated: list[Place] = []
    if view.family.policy == "collect":
        yield from _edition_holes(view, kept, possible)
        repeated = list(_repeated(view, kept))
        yield from repeated
    else:
        if view.table not in PERMITS:
            yield from _gaps(view, kept, possible, is_total=view.table in total)
        hidden = dict(_hidden(view, kept, possible)) if view.family.policy == "first" else {}
        for row, by in hidden.items():
            yield Place(code="row-hidden", rows=(row,), by=by)
        yield from _overlaps(view, kept, possible)
        kept = [piece for piece in kept if piece.number not in hidden]
    said = {place.rows for place in repeated}
    yield from (place for place in _mergeable(view, kept) if place.rows not in said and place.rows[::-1] not in said)


def _never(view: TableView, possible: Possible) -> Iterator[int]:
    """Give the rows that hold of nothing that can come out; one that another reading switches off is none of them."""
    by_row: dict[int, list[Piece]] = {}
    for piece in view.pieces[0]:
        by_row.setdefault(piece.number, []).append(piece)
    for number, pieces in by_row.items():
        if not any(possible.holds(view, piece.box) for piece in pieces):
            yield number


def _gaps(view: TableView, pieces: Sequence[Piece], possible: Possible, *, is_total: bool) -> Iterator[Place]:
    boxes = [piece.box for piece in pieces]
    if not boxes:
        return
    reported: list[Box] = []
    day = day_index(view.grid)
    # What an edition leaves out is named as that, whatever else could be said of it.
    for index, axis in sorted(enumerate(view.grid.axes), key=lambda item: item[0] != day):
        if OTHERS in axis.values:
            continue  # Of open text nobody lists all values.
        code = "edition-gap" if index == day else "gap"
        yield from _new_gaps(view, pieces, possible, holes(boxes, view.expected, index), reported, code, axis.name)
    if is_total:
        yield from _new_gaps(view, pieces, possible, uncovered(boxes, view.expected), reported, "gap", None)
    elif view.table in CLOSED:
        hull = tuple(_union(box[index] for box in boxes) & view.expected[index] for index in range(len(view.grid.axes)))
        if all(hull):
            yield from _new_gaps(view, pieces, possible, uncovered(boxes, hull), reported, "gap", None)


def _edition_holes(view: TableView, pieces: Sequence[Piece], possible: Possible) -> Iterator[Place]:
    """Find the days between two editions of a rule that collects on which it has none; it may begin and end."""
    day = day_index(view.grid)
    if day is None or view.family.grain == "none":
        return
    editions: dict[str, list[Piece]] = {}
    for piece in pieces:
        editions.setdefault(piece.row.id, []).append(piece)
    reported: list[Box] = []
    for of_rule in editions.values():
        boxes = [piece.box for piece in of_rule]
        days = _union(box[day] for box in boxes)
        span = ((1 << days.bit_length()) - 1) & -(days & -days)
        if span != days:
            within = (*view.expected[:day], span & view.expected[day], *view.expected[day + 1 :])
            found = holes(boxes, within, day)
            yield from _new_gaps(view, of_rule, possible, found, reported, "edition-gap", DAY)


def _by_presence(hole: Box, index: int, axis: Axis) -> Iterator[Box]:
    """Take the absence of a fact apart from its values: two things to say."""
    for part in (hole[index] & ~axis.absent, hole[index] & axis.absent):
        if part:
            yield (*hole[:index], part, *hole[index + 1 :])


def _union(masks: Iterator[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _new_gaps(
    view: TableView,
    pieces: Sequence[Piece],
    possible: Possible,
    found: Sequence[Box],
    reported: list[Box],
    code: str,
    axis: str | None,
) -> Iterator[Place]:
    """Report what can come out of some gaps and was not reported before."""
    fresh = Region(view.grid, tuple(found)) - Region(view.grid, tuple(reported))
    narrowed = [box for piece in fresh.boxes if (box := possible.narrowed(view, piece)) is not None]
    parts = merge(narrowed)
    if axis is not None:
        index = view.grid.index(axis)
        parts = tuple(part for box in parts for part in _by_presence(box, index, view.grid.axes[index]))
    for box in parts:
        reported.append(box)
        (gap,) = find_gaps(view.grid, [piece.box for piece in pieces], box) or (None,)
        is_boundary = gap is not None and gap.boundary == "both leave out" and code == "gap"
        beside = _beside(view, pieces, box, axis)
        yield Place(code="boundary-gap" if is_boundary else code, rows=beside, boxes=(box,), axis=axis)


def _beside(view: TableView, pieces: Sequence[Piece], gap: Box, axis: str | None) -> tuple[int, ...]:
    """Give the rows that hold beside a gap: on all axes but one."""
    indices = [view.grid.index(axis)] if axis is not None else range(len(view.grid.axes))
    found = {
        piece.number
        for piece in pieces
        for index in indices
        if all(a & b for position, (a, b) in enumerate(zip(piece.box, gap, strict=True)) if position != index)
    }
    return tuple(sorted(found))


def _hidden(view: TableView, pieces: Sequence[Piece], possible: Possible) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Give the rows that never decide as earlier ones hold wherever they can, and which those are."""
    own_of: dict[int, list[Box]] = {}
    for piece in pieces:
        own_of.setdefault(piece.number, []).append(piece.box)
    before_of: dict[int, set[int]] = {}
    for one, two in bounded_meetings([piece.box for piece in pieces]):
        if pieces[one].number != pieces[two].number:
            before_of.setdefault(pieces[two].number, set()).add(one)
    for number, own in own_of.items():
        before = [pieces[index] for index in sorted(before_of.get(number, ()))]
        if not before:
            continue
        boxes = [piece.box for piece in before]
        left = [rest for box in own for rest in uncovered(boxes, box)]
        if not any(possible.holds(view, rest) for rest in left):
            yield number, tuple(dict.fromkeys(piece.number for piece in before))


def _overlaps(view: TableView, pieces: Sequence[Piece], possible: Possible) -> Iterator[Place]:
    boxes, results = [piece.box for piece in pieces], _results(pieces)
    found: dict[tuple[str, int, int], list[Box]] = {}
    for overlap in find_overlaps(view.grid, boxes, results, bounded_meetings(boxes)):
        one, two = (pieces[index].number for index in overlap.rows)
        if one == two or (view.family.policy == "first" and (overlap.agree or not overlap.boundary)):
            continue  # Where the first row decides, a narrower one before a wider one is how exceptions are written.
        code = "overlap-equal" if overlap.agree else "boundary-overlap" if overlap.boundary else "overlap"
        shared = [left for box in overlap.region.boxes if (left := possible.narrowed(view, box)) is not None]
        found.setdefault((code, one, two), []).extend(shared)
    for (code, one, two), shared in found.items():
        if shared:
            axis = _single(view, shared[0]) if code == "boundary-overlap" else None
            yield Place(code=code, rows=(one, two), boxes=merge(shared), axis=axis)


def _single(view: TableView, box: Box) -> str | None:
    """Name the ordered axis on which a box is a single value."""
    for axis, mask in zip(view.grid.axes, box, strict=True):
        if axis.is_ordered and axis.name != DAY and any(item.is_single for item in axis.test(mask).items):
            return axis.name
    return None


def _repeated(view: TableView, pieces: Sequence[Piece]) -> Iterator[Place]:
    """Find rows of a table that collects which say the same of the same tickets."""
    boxes, results = [piece.box for piece in pieces], _results(pieces)
    alike: dict[tuple[Result, ...], list[int]] = {}
    for index, said in enumerate(results):
        alike.setdefault(said, []).append(index)
    # All rows of a list of duties meet: only those that say the same are looked at.
    pairs = sorted(
        (indices[one], indices[two])
        for indices in alike.values()
        if len(indices) > 1
        for one, two in bounded_meetings([boxes[index] for index in indices])
    )
    for one, two in pairs:
        if boxes[one] == boxes[two] and pieces[one].number != pieces[two].number:
            yield Place(code="row-twice", rows=(pieces[one].number, pieces[two].number))
    for wide, narrow in find_contained(boxes, results, pairs):
        if pieces[wide].number != pieces[narrow].number:
            yield Place(code="row-contained", rows=(pieces[wide].number, pieces[narrow].number))


def _mergeable(view: TableView, pieces: Sequence[Piece]) -> Iterator[Place]:
    """Find rows that could be one; those that cite other clauses, or rest on other readings, stand apart on purpose."""
    of_row = Counter(piece.number for piece in pieces)
    alike = [piece for piece in pieces if of_row[piece.number] == 1]
    results = [
        (*results, piece.row.cites, piece.row.rests_on) for piece, results in zip(alike, _results(alike), strict=True)
    ]
    first = view.family.policy == "first"
    found = find_mergeable(view.grid, [piece.box for piece in alike], results, in_order=first)  # type: ignore[arg-type]
    told: set[int] = set()
    for merged in found:
        one, two = (alike[index].number for index in merged.rows)
        # A row is told of once: when it is joined with another, both are a new row.
        if merged.axis != DAY and not told & {one, two}:
            told |= {one, two}
            yield Place(code="rows-mergeable", rows=(one, two), axis=merged.axis)


def _results(pieces: Sequence[Piece]) -> list[tuple[Result, ...]]:
    # What a row says is compared, nothing else: any record that has equality will do.
    return [piece.results for piece in pieces]  # type: ignore[misc]
