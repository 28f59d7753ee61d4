"""What a set of boxes leaves out: gaps, holes, and whether one box lies under others.

The search goes down the axes one by one. At each it groups the atoms by the rows
that are still possible there, and looks at each group once: what lies below
depends on that set of rows alone, so it is remembered. Rows that take all of the
remaining axes end the search of a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from svc_policy.errors import Problem, UsageError, problem
from svc_policy.messages import message
from svc_policy.tables.regions import Box, merge

#: So many different sets of rows are looked at before a table is refused as too entangled.
MOST_STATES: Final = 400_000

Pieces = tuple[Box, ...]


def uncovered(boxes: Sequence[Box], within: Box, *, most: int = MOST_STATES) -> Pieces:
    """Give the points of `within` that lie in none of `boxes`, as boxes that do not meet.

    Raises:
        UsageError: There are more than `most` different sets of rows to look at.
    """
    descent = _Descent(boxes, within, most)
    whole = descent.whole_from

    def leave(depth: int, rows: int) -> Pieces | None:
        if not rows:
            return (tuple(within[axis] for axis in descent.order[depth:]),)
        return () if rows & whole[depth] else None

    return merge(descent.restored(descent.search(leave)))


def is_covered(box: Box, by: Sequence[Box]) -> bool:
    """Say whether every point of `box` lies in one of the others."""
    return not uncovered([other for other in by if all(a & b for a, b in zip(box, other, strict=True))], box)


def holes(boxes: Sequence[Box], within: Box, axis: int, *, most: int = MOST_STATES) -> Pieces:
    """Give the points that rows distinguish on one axis and all of them leave out.

    A point is such a hole if the rows that hold on all its other axes have two or
    more different cells on `axis`, and none of these cells has it: a table that
    speaks of `<= 5` and `> 50` forgot what lies between, one that speaks of `> 50`
    alone did not.
    """
    descent = _Descent(boxes, within, most, last=axis)
    final = len(descent.order) - 1
    cells = [box[axis] & within[axis] for box in boxes]
    whole, everywhere = within[axis], descent.whole_from

    def leave(depth: int, rows: int) -> Pieces | None:
        if rows & everywhere[depth]:
            return ()
        if depth < final and rows & (rows - 1):
            return None
        held = [cells[row] for row in _bits(rows)]
        union = 0
        for cell in held:
            union |= cell
        if union == whole or len(set(held)) < 2:
            return ()
        return ((whole & ~union,),) if depth == final else None

    return merge(descent.restored(descent.search(leave)))


def meetings(boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """List the pairs of boxes that share a point, by their index, the lower one first."""
    if not boxes:
        return
    holders: list[dict[int, int]] = []
    for axis in range(len(boxes[0])):
        of_atom: dict[int, int] = {}
        for row, box in enumerate(boxes):
            for atom in _bits(box[axis]):
                of_atom[atom] = of_atom.get(atom, 0) | 1 << row
        holders.append(of_atom)
    remembered: list[dict[int, int]] = [{} for _ in holders]
    for row, box in enumerate(boxes):
        later = -1 << (row + 1)
        for axis, mask in enumerate(box):
            known = remembered[axis].get(mask)
            if known is None:
                known = 0
                for atom in _bits(mask):
                    known |= holders[axis][atom]
                remembered[axis][mask] = known
            later &= known
            if not later:
                break
        later &= (1 << len(boxes)) - 1
        for other in _bits(later):
            yield row, other


class _Descent:
    """A search down the axes; `last` is looked at after all others."""

    def __init__(self, boxes: Sequence[Box], within: Box, most: int, last: int | None = None) -> None:
        self.within = within
        self.most = most
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
        for atom in _bits(self.within[axis]):
            rows = sum(1 << row for row, box in inside if box[axis] >> atom & 1)
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
        states = 0

        def below(depth: int, rows: int) -> Pieces:
            nonlocal states
            said = leave(depth, rows)
            if said is not None:
                return said
            known = remembered[depth].get(rows)
            if known is not None:
                return known
            states += 1
            if states > self.most:
                raise UsageError([_too_entangled(self.most)])
            branches: dict[int, int] = {}
            for mask, holding in self.groups[depth]:
                branches[rows & holding] = branches.get(rows & holding, 0) | mask
            results: dict[Pieces, int] = {}
            for left, mask in branches.items():
                pieces = below(depth + 1, left)
                if pieces:
                    results[pieces] = results.get(pieces, 0) | mask
            found = tuple((mask, *piece) for pieces, mask in results.items() for piece in pieces)
            remembered[depth][rows] = found
            return found

        return below(0, self.rows)

    def restored(self, pieces: Pieces) -> list[Box]:
        """Put the masks of pieces back into the order of the axes."""
        place = {axis: depth for depth, axis in enumerate(self.order)}
        return [tuple(piece[place[axis]] for axis in range(len(self.order))) for piece in pieces]


def _too_entangled(most: int) -> Problem:
    return problem(
        "table-entangled",
        message("the rows of the table overlap in more than {most} ways and cannot be analysed", most=most),
        help=message("split the table, or narrow the columns in which nearly every row has a cell of its own"),
    )


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
