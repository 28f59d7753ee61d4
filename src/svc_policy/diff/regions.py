"""Where two policies decide otherwise: exact regions of facts, table by table.

The rows of both stand as boxes on one grid. Of a table of which one row decides,
the row that decides under the old policy is held against the one that decides
under the new; of a table that collects, each row against those that say the same.
Only points at which a row was added, dropped, changed or moved can differ, so
only these are looked at. A difference is one of results: the same result by
another row is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from svc_policy.check.possible import Possible
from svc_policy.check.views import Piece, TableView, table_views
from svc_policy.tables.regions import Box, Region, meet, subtract

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_Found = dict[tuple[int | None, int | None], list[Box]]


@attrs.frozen(kw_only=True)
class Otherwise:
    """A region in which a table says something else.

    Args:
        view: The table, or the group of its rows, with the grid on which the region lies.
        region: The points, over the columns of the table and the days in force.
        old: The row that decides there under the old policy, None for no row.
        new: The row that decides there under the new one.
    """

    view: TableView
    region: Region
    old: Piece | None
    new: Piece | None

    @property
    def cites(self) -> tuple[str, ...]:
        """List the clauses of both rows, the new one's first."""
        rows = [piece.row for piece in (self.new, self.old) if piece is not None]
        return tuple(dict.fromkeys(cite for row in rows for cite in row.cites))


def differing_regions(old: Policy, new: Policy) -> tuple[Otherwise, ...]:
    """Give the regions in which the tables of two policies say something else, in the order of a decision.

    Left out is what no ticket can reach under either policy as far as the tables tell; see
    :class:`svc_policy.check.possible.Possible`.
    """
    views = table_views(old, new)
    reach = [Possible([_of_one(view, side) for view in views]) for side in (0, 1)]
    found: list[Otherwise] = []
    for view in views:
        before, after = view.pieces
        if _same(before, after):
            continue
        decide = _collected if view.family.policy == "collect" else _decided
        for (one, two), boxes in decide(before, after).items():
            kept = [box for box in boxes if any(reach[side].holds(_of_one(view, side), box) for side in (0, 1))]
            if kept:
                found.append(
                    Otherwise(
                        view=view,
                        region=Region.of(view.grid, kept),
                        old=None if one is None else before[one],
                        new=None if two is None else after[two],
                    )
                )
    return tuple(found)


def _of_one(view: TableView, side: int) -> TableView:
    return attrs.evolve(view, rows=(view.rows[side],), pieces=(view.pieces[side],))


def _same(before: Sequence[Piece], after: Sequence[Piece]) -> bool:
    return [(piece.box, piece.results) for piece in before] == [(piece.box, piece.results) for piece in after]


def _decided(before: Sequence[Piece], after: Sequence[Piece]) -> _Found:
    """Compare the rows that decide; keys are the numbers of the old and the new piece."""
    found: _Found = {}
    looked_at = _candidates(before, after)
    for one in looked_at:
        for box in _effective(before, one):
            for two, part in _met(after, box):
                if two is None or after[two].results != before[one].results:
                    found.setdefault((one, two), []).append(part)
    for other in _candidates(after, before):
        for box in _effective(after, other):
            for one_or_none, part in _met(before, box):
                if one_or_none in looked_at:
                    continue  # seen from the other side
                if one_or_none is None or before[one_or_none].results != after[other].results:
                    found.setdefault((one_or_none, other), []).append(part)
    return _by_rows(found, before, after)


def _collected(before: Sequence[Piece], after: Sequence[Piece]) -> _Found:
    """Compare what rows collect: where one holds, and none that says the same does on the other side.

    Rows that both sides have are left out first: what is said twice counts twice, so that one of two rows that say
    the same is no stand-in for the other.
    """
    found: _Found = {}
    ours, theirs = _unmatched(before, after), _unmatched(after, before)
    for one in ours:
        same = (after[two].box for two in theirs if after[two].results == before[one].results)
        if parts := list(_left([before[one].box], same)):
            found[one, None] = parts
    for two in theirs:
        same = (before[one].box for one in ours if before[one].results == after[two].results)
        if parts := list(_left([after[two].box], same)):
            found[None, two] = parts
    return _paired(_by_rows(found, before, after), before, after)


def _unmatched(pieces: Sequence[Piece], others: Sequence[Piece]) -> list[int]:
    """List the pieces for which the other side has none in the same place that says the same, each counted once."""
    left = Counter((piece.box, piece.results) for piece in others)
    found = []
    for number, piece in enumerate(pieces):
        key = (piece.box, piece.results)
        if left[key]:
            left[key] -= 1
        else:
            found.append(number)
    return found


def _by_rows(found: _Found, before: Sequence[Piece], after: Sequence[Piece]) -> _Found:
    """Put together what differs only in the piece of a row: the same rows and results on other days."""
    joined: _Found = {}
    first: dict[object, tuple[int | None, int | None]] = {}
    for (one, two), boxes in found.items():
        key = tuple(
            None if number is None else (pieces[number].row.id, pieces[number].results)
            for number, pieces in ((one, before), (two, after))
        )
        joined.setdefault(first.setdefault(key, (one, two)), []).extend(boxes)
    return joined


def _paired(found: _Found, before: Sequence[Piece], after: Sequence[Piece]) -> _Found:
    """Put a row that stopped and one of the same id that began in the very same region together."""
    paired: _Found = {}
    begun = {(after[two].row.id, frozenset(boxes)): two for (_, two), boxes in found.items() if two is not None}
    taken: set[int] = set()
    for (one, two), boxes in found.items():
        partner = None if one is None else begun.get((before[one].row.id, frozenset(boxes)))
        if partner is not None and partner not in taken:
            taken.add(partner)
            paired[one, partner] = boxes
        elif two is None or two not in taken:
            paired[one, two] = boxes
    return paired


def _candidates(pieces: Sequence[Piece], others: Sequence[Piece]) -> list[int]:
    """List the pieces that the other side has not, or has in another order."""
    known = [(piece.box, piece.results) for piece in others]
    shared = set(known)
    own = [(piece.box, piece.results) for piece in pieces]
    both = set(own) & shared
    moved = [one for one in own if one in both] != [one for one in known if one in both]
    return [number for number, one in enumerate(own) if moved or one not in shared]


def _effective(pieces: Sequence[Piece], number: int) -> list[Box]:
    """Give where a row decides: its box without those of the rows before it."""
    box = pieces[number].box
    return list(_left([box] if all(box) else [], (piece.box for piece in pieces[:number])))


def _met(pieces: Sequence[Piece], box: Box) -> Iterator[tuple[int | None, Box]]:
    """Share a box out among the rows that decide in it; None where none does."""
    left = [box]
    for number, piece in enumerate(pieces):
        if meet(piece.box, box) is None:
            continue
        for part in left:
            shared = meet(part, piece.box)
            if shared is not None:
                yield number, shared
        left = list(_left(left, [piece.box]))
        if not left:
            return
    for part in left:
        yield None, part


def _left(boxes: Iterable[Box], taken: Iterable[Box]) -> Iterable[Box]:
    left = [box for box in boxes if all(box)]
    for other in taken:
        if not left:
            break
        left = [rest for box in left for rest in subtract(box, other)]
    return left
