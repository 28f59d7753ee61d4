"""What can come out: which points of a table's grid a ticket can have at all.

A table that reads the category is asked only about categories that come out, and about facts with which each of them
comes out. An earlier result is followed back through the table that gives it, and through what that table reads, down
to facts; what hangs on dates alone, such as being in warranty, is free. So a region that is called impossible is so;
one that is called possible may still be reached by no ticket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from svc_policy.check.views import TableView
from svc_policy.tables.regions import DAY, Axis, Box, meet, subtract
from svc_policy.units import Value

#: A box of which only the axes are written that are not taken whole.
Sparse = Mapping[str, int]
#: Results that are what one row of a table says: the table and its column.
GIVEN_BY: Final[Mapping[str, tuple[str, str]]] = {
    "payer": ("payers", "payer"),
    "vehicle": ("vehicles", "vehicle"),
    "category": ("category", "category"),
    "complaint_class": ("complaints", "class"),
}
#: Results that are followed, the latest first, so that what one of them leads to comes after it.
_FOLLOWED: Final = (
    *GIVEN_BY,
    "all_parts_covered",
    "covered",
    "part_covered",
    "excluded",
    "part_excluded",
)
#: A table taken apart into more boxes is not followed any further than to the words that it gives.
_MOST_BOXES: Final = 600
_YES: Final = True


class Possible:
    """Says which boxes can be reached, over the views of one policy."""

    def __init__(self, views: Sequence[TableView]) -> None:
        self._views = {view.table: view for view in views if view.group is None}
        self._axes: dict[str, Axis] = {axis.name: axis for view in views for axis in view.grid.axes}
        self._given: dict[str, dict[Value | None, list[dict[str, int]]]] = {}

    def holds(self, view: TableView, box: Box) -> bool:
        """Say whether a ticket can lie in a box of a view."""
        if not all(box):
            return False
        return self._is_possible(self._sparse(view, box), view.family.grain)

    def narrowed(self, view: TableView, box: Box) -> Box | None:
        """Take from a box the earlier results that cannot come out there; None where nothing is left."""
        if not self.holds(view, box):
            return None
        for index, axis in enumerate(view.grid.axes):
            mask = box[index]
            if axis.name not in _FOLLOWED or mask.bit_count() < 2:
                continue
            kept = 0
            for atom in _atoms(mask):
                if self.holds(view, (*box[:index], atom, *box[index + 1 :])):
                    kept |= atom
            box = (*box[:index], kept, *box[index + 1 :])
        return box

    def _sparse(self, view: TableView, box: Box) -> dict[str, int]:
        return {
            _key(view, axis): mask
            for axis, mask, whole in zip(view.grid.axes, box, view.possible, strict=True)
            if mask != whole
        }

    def _is_possible(self, box: Mapping[str, int], grain: str) -> bool:
        if not all(box.values()):
            return False
        name = next((name for name in _FOLLOWED if name in box), None)
        if name is None:
            return True
        options = self._options(name, box[name], grain)
        rest = {key: mask for key, mask in box.items() if key != name}
        if options is None:
            return self._is_possible(rest, grain)
        return any(self._is_possible(_joined(rest, option), grain) for option in options)

    def _options(self, name: str, mask: int, grain: str) -> list[Sparse] | None:
        """Give the boxes in which a result has one of the values of a mask; None where it is free."""
        # At the grain of a part `cause` is the part's own: what the ticket's cause leads to is not followed there.
        if (grain == "part") != name.startswith("part_") and name != "all_parts_covered":
            return None
        axis = self._axes[name]
        if name in GIVEN_BY:
            given = self._of_table(name)
            if given is None:
                return None
            return [box for value, boxes in given.items() if axis.mask_of(value) & mask for box in boxes]
        yes, no = bool(axis.mask_of(_YES) & mask), bool(axis.mask_of(not _YES) & mask)
        prefix = "part_" if name.startswith("part_") else ""
        match name.removeprefix("part_"):
            case "excluded":
                inside, outside = self._exclusions()
                return [*(inside if yes else ()), *(outside if no else ())]
            case "covered":
                return (
                    [*self._covered(prefix, _YES), *self._covered(prefix, not _YES)]
                    if yes and no
                    else self._covered(prefix, yes)
                )
            case _:
                return None

    def _covered(self, prefix: str, value: bool) -> list[Sparse]:
        inside, excluded = f"{prefix}in_warranty", f"{prefix}excluded"
        if value:
            return [{**self._truth(inside, True), **self._truth(excluded, False)}]
        return [self._truth(inside, False), {**self._truth(inside, True), **self._truth(excluded, True)}]

    def _truth(self, name: str, value: bool) -> dict[str, int]:
        """Write that a result is yes or no; where no table reads it, its axis is that of any yes and no."""
        axis = self._axes.get(name)
        if axis is None:
            axis = self._axes[name] = _truth_axis(name)
        return {name: axis.mask_of(value)}

    def _exclusions(self) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
        view = self._views.get("exclusions")
        if view is None:
            return [], [{}]
        boxes = view.boxes[0]
        left: list[Box] = [view.possible]
        for box in boxes:
            left = [rest for piece in left for rest in subtract(piece, box)]
            if len(left) > _MOST_BOXES:
                return [self._sparse(view, box) for box in boxes], [{}]
        return [self._sparse(view, box) for box in boxes if all(box)], [self._sparse(view, box) for box in left]

    def _of_table(self, name: str) -> dict[Value | None, list[dict[str, int]]] | None:
        """Take a table apart by what it says: the boxes in which each value comes out, None for no row."""
        table, column = GIVEN_BY[name]
        view = self._views.get(table)
        if view is None:
            return None
        if name not in self._given:
            self._given[name] = self._apart(view, column)
        return self._given[name]

    def _apart(self, view: TableView, column: str) -> dict[Value | None, list[dict[str, int]]]:
        found: dict[Value | None, list[Box]] = {}
        left: list[Box] = [view.possible]
        for piece in view.pieces[0]:
            value = next((cell[1] for name, cell in piece.results if name == column and isinstance(cell, tuple)), None)
            met = [shared for rest in left if (shared := meet(rest, piece.box)) is not None]
            found.setdefault(value, []).extend(met)
            left = [part for rest in left for part in subtract(rest, piece.box)]
            if len(left) > _MOST_BOXES:
                values = (cell[1] for one in view.pieces[0] for name, cell in one.results if name == column)  # type: ignore[index]
                return {value: [{}] for value in (*values, None)}
        # Where a fact is not known, the result is not known either, which is no absence.
        absent = [shared for rest in left if (shared := meet(rest, view.expected)) is not None]
        found.setdefault(None, []).extend(absent)
        return {value: [self._sparse(view, box) for box in boxes] for value, boxes in found.items()}


def _truth_axis(name: str) -> Axis:
    from svc_policy.tables import default_domain

    return Axis(name=name, kind="bool", domain=default_domain("bool"), values=(False, True))


def _key(view: TableView, axis: Axis) -> str:
    return f"{DAY} {view.family.governing}" if axis.name == DAY else axis.name


def _joined(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {**one, **{key: mask & one.get(key, mask) for key, mask in other.items()}}


def _atoms(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low
        mask ^= low
