"""What a set of boxes leaves out: gaps, holes, and whether one box lies under others.

A box is cut in two where few rows reach over the cut, until no row or one row is
left of it: most tables fall apart so. What does not is searched axis by axis. At each
axis the atoms are grouped by the rows that are still possible there, and each group
is looked at once: what lies below depends on that set of rows alone, so it is
remembered. Rows that take all of the remaining axes end the search of a branch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from svc_policy.errors import Problem, UsageError, problem
from svc_policy.messages import message
from svc_policy.tables.regions import Box, meet, merge, subtract

#: So many different sets of rows, and pieces that they leave out, are looked at before a table is refused
#: as too entangled; it takes some seconds.
MOST_STATES: Final = 200_000
#: So many pairs of rows that meet are compared before a table is refused in the same way.
MOST_PAIRS: Final = 300_000
#: So few rows are searched as they are, and more pieces than this are left as they were cut.
_FEW: Final = 4
_MOST_ENLARGED: Final = 400

Pieces = tuple[Box, ...]


def uncovered(boxes: Sequence[Box], within: Box, *, most: int = MOST_STATES) -> Pieces:
    """Give the points of `within` that lie in none of `boxes`, as boxes that do not meet and are as large as can be.

    Raises:
        UsageError: There are more than `most` different sets of rows, and pieces between them, to look at.
    """
    return enlarged(merge(tuple(_left_out(boxes, within, Budget(most)))))


def is_covered(box: Box, by: Sequence[Box], budget: Budget | None = None) -> bool:
    """Say whether every point of `box` lies in one of the others; questions may share a budget.

    Raises:
        UsageError: The budget is spent.
    """
    return next(_left_out(by, box, budget or Budget()), None) is None


def enlarged(pieces: Pieces) -> Pieces:
    """Draw a set of boxes that do not meet anew: each is widened, axis by axis, as far as the set goes."""
    if not 1 < len(pieces) <= _MOST_ENLARGED:
        return pieces
    rest, found = list(pieces), []
    while rest:
        # What is left is looked at only, so that the boxes found do not meet.
        box = rest[0]
        for axis in range(len(box)):
            box = (*box[:axis], _reach(box, axis, rest), *box[axis + 1 :])
        found.append(box)
        rest = list(merge([part for piece in rest for part in subtract(piece, box)]))
    return tuple(found)


def _reach(box: Box, axis: int, region: Sequence[Box]) -> int:
    """Give the atoms to which a box can be widened on an axis within a region."""
    beside = (*box[:axis], 0, *box[axis + 1 :])
    near = [
        piece
        for piece in region
        if all(a & b for place, (a, b) in enumerate(zip(piece, beside, strict=True)) if place != axis)
    ]
    reached, seen = box[axis], box[axis]
    for piece in near:
        # Atoms that the same pieces have are reached together or not at all.
        mask = piece[axis] & ~seen
        while mask:
            atom = mask & -mask
            group = mask
            for other in near:
                group &= other[axis] if other[axis] & atom else ~other[axis]
            slab = (*box[:axis], atom, *box[axis + 1 :])
            if is_covered(slab, near):
                reached |= group
            seen |= group
            mask &= ~group
    return reached


def holes(boxes: Sequence[Box], within: Box, axis: int, *, most: int = MOST_STATES) -> Pieces:
    """Give the points that rows distinguish on one axis and all of them leave out.

    A point is such a hole if the rows that hold on all its other axes have two or
    more different cells on `axis`, and none of these cells has it: a table that
    speaks of `<= 5` and `> 50` forgot what lies between, one that speaks of `> 50`
    alone did not.
    """
    if not all(within):
        return ()
    descent = _Descent(boxes, within, Budget(most), last=axis)
    final = len(descent.order) - 1
    cells = [box[axis] & within[axis] for box in boxes]
    whole, everywhere = within[axis], descent.whole_from

    def leave(depth: int, rows: int) -> Pieces | None:
        if rows & everywhere[depth]:
            return ()
        if depth < final and rows & (rows - 1):
            return None
        held = [cells[row] for row in bits_of(rows)]
        union = 0
        for cell in held:
            union |= cell
        if union == whole or len(set(held)) < 2:
            return ()
        return ((whole & ~union,),) if depth == final else None

    return merge(descent.restored(descent.search(leave)))


def bounded_meetings(boxes: Sequence[Box], most: int = MOST_PAIRS) -> list[tuple[int, int]]:
    """List the pairs of boxes that share a point, as :func:`meetings` does.

    Raises:
        UsageError: There are more than `most`.
    """
    found = list(islice(meetings(boxes), most + 1))
    if len(found) > most:
        raise UsageError([_too_entangled(most)])
    return found


def meetings(boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """List the pairs of boxes that share a point, by their index, the lower one first."""
    if not boxes:
        return
    holders = [rows_of_atoms(enumerate(box[axis] for box in boxes)) for axis in range(len(boxes[0]))]
    remembered: list[dict[int, int]] = [{} for _ in holders]
    for row, box in enumerate(boxes):
        later = -1 << (row + 1)
        for axis, mask in enumerate(box):
            known = remembered[axis].get(mask)
            if known is None:
                known = 0
                for atom in bits_of(mask):
                    known |= holders[axis][atom]
                remembered[axis][mask] = known
            later &= known
            if not later:
                break
        later &= (1 << len(boxes)) - 1
        for other in bits_of(later):
            yield row, other


class Budget:
    """Counts what has been looked at, up to a limit."""

    def __init__(self, most: int = MOST_STATES) -> None:
        self.most = most
        self.spent = 0

    def spend(self, count: int = 1) -> None:
        """Count what was looked at.

        Raises:
            UsageError: It is more than the limit.
        """
        self.spent += count
        if self.spent > self.most:
            raise UsageError([_too_entangled(self.most)])


def _left_out(boxes: Iterable[Box], within: Box, budget: Budget) -> Iterator[Box]:
    """Give the points of a box that lie in none of the others, piece by piece."""
    if not all(within):
        return
    clipped = (meet(box, within) for box in boxes)
    open_parts = [(within, list(dict.fromkeys(box for box in clipped if box is not None)))]
    while open_parts:
        part, rows = open_parts.pop()
        if not rows:
            yield part
            continue
        if part in rows:
            continue
        budget.spend()
        cut = _cut(part, rows) if len(rows) > _FEW else None
        if cut is None:
            yield from _searched(rows, part, budget)
            continue
        axis, below = cut
        for side in (part[axis] & below, part[axis] & ~below):
            inside = dict.fromkeys(
                row if row[axis] & side == row[axis] else (*row[:axis], row[axis] & side, *row[axis + 1 :])
                for row in rows
                if row[axis] & side
            )
            open_parts.append(((*part[:axis], side, *part[axis + 1 :]), list(inside)))


def _cut(part: Box, rows: Sequence[Box]) -> tuple[int, int] | None:
    """Find the axis and the atoms at which to cut, so that few rows lie on both sides; None if too many do."""
    count = len(rows)
    least, found = count * count, None
    for axis, mask in enumerate(part):
        first, beyond = (mask & -mask).bit_length() - 1, mask.bit_length()
        begins = sorted((row[axis] & -row[axis]).bit_length() - 1 for row in rows)
        ends = sorted(row[axis].bit_length() for row in rows)
        for cut in {*begins, *ends}:
            if first < cut < beyond:
                before, after = bisect_left(begins, cut), count - bisect_right(ends, cut)
                cost = before * before + after * after
                if cost < least:
                    least, found = cost, (axis, (1 << cut) - 1)
    return found


def _searched(boxes: Sequence[Box], within: Box, budget: Budget) -> Iterator[Box]:
    """Give the points of a box that lie in none of the others, by a search down its axes."""
    descent = _Descent(boxes, within, budget)
    whole = descent.whole_from

    def leave(depth: int, rows: int) -> Pieces | None:
        if not rows:
            return (tuple(within[axis] for axis in descent.order[depth:]),)
        return () if rows & whole[depth] else None

    yield from descent.restored(descent.search(leave))


class _Descent:
    """A search down the axes; `last` is looked at after all others."""

    def __init__(self, boxes: Sequence[Box], within: Box, budget: Budget, last: int | None = None) -> None:
        self.within = within
        self.budget = budget
        inside = [
            (row, tuple(a & b for a, b in zip(box, within, strict=True)))
            for row, box in enumerate(boxes)
            if all(a & b for a, b in zip(box, within, strict=True))
        ]
        self.rows = sum(1 << row for row, _ in inside)
        axes = range(len(within))
        # Axes that no row tells apart come last, the others by how many atoms they have.
        told = {axis: any(box[axis] != within[axis] for _, box in inside) for axis in axes}
        self.order = sorted(axes, key=lambda axis: (axis == last, not told[axis], within[axis].bit_count(), axis))
        self.groups = [self._atoms(axis, inside) for axis in self.order]
        self.whole_from = self._whole(inside)

    def _atoms(self, axis: int, inside: Sequence[tuple[int, Box]]) -> list[tuple[int, int]]:
        """Group the atoms of an axis by the rows that hold there: pairs of a mask and a set of rows."""
        found: dict[int, int] = {}
        of_atom = rows_of_atoms((row, box[axis]) for row, box in inside)
        for atom in bits_of(self.within[axis]):
            rows = of_atom.get(atom, 0)
            found[rows] = found.get(rows, 0) | 1 << atom
        return [(mask, rows) for rows, mask in found.items()]

    def _whole(self, inside: Sequence[tuple[int, Box]]) -> list[int]:
        """For each depth, the rows that take all of the axes from there on."""
        whole = [self.rows]
        for axis in reversed(self.order):
            rows = sum(1 << row for row, box in inside if box[axis] == self.within[axis])
            whole.append(whole[-1] & rows)
        return whole[::-1]

    def search(self, leave: Callable[[int, int], Pieces | None]) -> Pieces:
        """Search from the top; `leave` says what lies below a depth and a set of rows, or None to go on."""
        remembered: list[dict[int, Pieces]] = [{} for _ in self.order]

        def below(depth: int, rows: int) -> Pieces:
            said = leave(depth, rows)
            if said is not None:
                return said
            known = remembered[depth].get(rows)
            if known is not None:
                return known
            self.budget.spend()
            branches: dict[int, int] = {}
            for mask, holding in self.groups[depth]:
                branches[rows & holding] = branches.get(rows & holding, 0) | mask
            results: dict[Pieces, int] = {}
            for left, mask in branches.items():
                pieces = below(depth + 1, left)
                if pieces:
                    results[pieces] = results.get(pieces, 0) | mask
            found = tuple((mask, *piece) for pieces, mask in results.items() for piece in pieces)
            self.budget.spend(len(found))
            remembered[depth][rows] = found
            return found

        return below(0, self.rows)

    def restored(self, pieces: Pieces) -> list[Box]:
        """Put the masks of pieces back into the order of the axes."""
        place = {axis: depth for depth, axis in enumerate(self.order)}
        return [tuple(piece[place[axis]] for axis in range(len(self.order))) for piece in pieces]


def rows_of_atoms(masks: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Give for each atom of an axis the set of rows that have it, from pairs of a row and its mask."""
    rows_of: dict[int, int] = {}
    for row, mask in masks:
        rows_of[mask] = rows_of.get(mask, 0) | 1 << row
    # Rows come and go only where a run of atoms begins or ends, and most cells are one run.
    turns: dict[int, int] = {}
    for mask, rows in rows_of.items():
        for atom in bits_of(mask ^ mask << 1):
            turns[atom] = turns.get(atom, 0) ^ rows
    found: dict[int, int] = {}
    held = 0
    for atom in range(max(turns, default=0)):
        held ^= turns.get(atom, 0)
        if held:
            found[atom] = held
    return found


def _too_entangled(most: int) -> Problem:
    return problem(
        "table-entangled",
        message("the rows of the table overlap in more than {most} ways and cannot be analysed", most=most),
        help=message("split the table, or narrow the columns in which nearly every row has a cell of its own"),
    )


def bits_of(mask: int) -> Iterator[int]:
    """List the positions of the bits that are set, the lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
