"""Prove that a change of a policy changes no decision: its table says the same, by the same rules, everywhere.

The rows of the table stand as boxes on one grid, before and after the change, and the regions in which another row
decides are computed, exactly. That is a proof where a row means its conditions and nothing else: where the changed
cell only says whether the row holds, or only matters once it does. Cells that shape how a whole table is decided (the
share of an allowance, what starts a clock) are not of that kind, and nothing is proved of them.

It speaks of tickets whose facts are known. What is asked for while facts are missing is no part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import attrs

from svc_policy.check.possible import GIVEN_BY
from svc_policy.check.views import Piece, pieces_of, table_views
from svc_policy.diff.regions import differing_regions
from svc_policy.engines.python import generate
from svc_policy.messages import Message, message
from svc_policy.pack.load import Pack
from svc_policy.policy.forms import order_of
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Parameter, Row
from svc_policy.statistics import LOOK_BACK
from svc_policy.testing.mutants import Mutant
from svc_policy.testing.switching import OUTSIDE, Changed, Trial
from svc_policy.units import Literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: Cells that no decision holds.
_PRINTED: Final = frozenset({("fields", "then: choices")})
_ANOTHER_READING: Final = message("proved: the rule rests on another reading than the one that is taken")
#: Tables of which a view reads cells itself, whatever the row's conditions say.
_READ_BY_VIEWS: Final = frozenset({"holds"})
#: Tables whose results lead to what others can be asked; see :mod:`svc_policy.check.possible`.
_LEADING: Final = frozenset({*(table for table, _ in GIVEN_BY.values()), "exclusions"})
#: A result that no row has: the place of the row, by which one row is told from another that says the same.
_PLACE: Final = "place of the row"


def proof_of(trial: Trial) -> Message | None:
    """Say why a change changes no decision, where that can be proved; None where it is not."""
    mutant = trial.mutant
    if (mutant.table, mutant.column) in _PRINTED:
        return message("only the printed form shows it")
    if mutant.settings is not None:
        return message("no rule reads it") if _is_unread(trial.base.pack, mutant) else None
    assert trial.policy is not None
    if (mutant.table, mutant.column) == ("fields", "then: order"):
        same = _in_order(trial.base.pack) == _in_order(trial.policy.pack)
        return message("proved: the fields of every form stand in the same order") if same else None
    if trial.way == "anew":
        return _of_another_reading(trial, trial.policy)
    if mutant.table in OUTSIDE or mutant.table in _READ_BY_VIEWS or not _means_its_rows(mutant):
        return None
    tables = {mutant.table, *_LEADING}
    before, after = (_told_apart(policy.pack, tables) for policy in (trial.base, trial.policy))
    if differing_regions(cast("Policy", before), cast("Policy", after)):
        return None
    return _reason(before, after, mutant)


def _is_unread(pack: Pack, mutant: Mutant) -> bool:
    """Say whether nothing rests on a parameter: no row, no tax, no statistics."""
    tax = pack.settings.money.tax
    parameter = pack.settings.parameters.get(mutant.rule)
    if parameter is None or mutant.rule == LOOK_BACK or mutant.rows:
        return False
    is_tax = isinstance(tax, Parameter) and tax.name == mutant.rule
    is_put = any(tax is literal for _, literal in parameter.values)
    return not (is_tax or is_put or any(mutant.rule in row.rests_on for rows in pack.rows.values() for row in rows))


def _in_order(pack: Pack) -> dict[object, list[object]]:
    """Put the fields of each form in the order in which the form shows them, each told by the place of its row."""
    found: dict[object, list[object]] = {}
    for row in sorted(pack.rows["fields"], key=order_of):
        for item in row.tests["form"].items:
            found.setdefault(item.low.value if isinstance(item.low, Literal) else None, []).append(_place_of(row).value)
    return found


def _of_another_reading(trial: Trial, changed: Changed) -> Message | None:
    """Prove a change in a row that never holds by the plan itself: it is the same, to the letter of its program."""
    mutant = trial.mutant
    if mutant.table in _READ_BY_VIEWS or any(
        piece.row in (row, new)
        for policy in (trial.base, changed)
        for row, new in mutant.rows
        for piece in pieces_of(policy.pack, mutant.table)
    ):
        return None
    programs = [generate(policy.plan, policy.clocks) for policy in (trial.base, changed)]
    return _ANOTHER_READING if programs[0] == programs[1] else None


def _means_its_rows(mutant: Mutant) -> bool:
    """Say whether the changed cell is one of which the grid knows all: no condition that the family reads itself."""
    return mutant.column not in {condition.name for condition in FAMILIES[mutant.table].conditions}


def _told_apart(pack: Pack, tables: set[str]) -> Pack:
    """Take some tables of a pack, each row with its place as one more result."""
    rows = {
        name: tuple(attrs.evolve(row, results={**row.results, _PLACE: _place_of(row)}) for row in of)
        for name, of in pack.rows.items()
        if name in tables
    }
    return attrs.evolve(pack, rows=rows)


def _place_of(row: Row) -> Literal:
    return Literal("text", f"{row.layer}:{row.file}:{row.line}")


def _reason(before: Pack, after: Pack, mutant: Mutant) -> Message:
    place = ("text", _place_of(mutant.rows[0][0]).value, "")

    def own(pieces: list[Piece]) -> list[Piece]:
        return [piece for piece in pieces if (_PLACE, place) in piece.results]

    if not any(own(pieces_of(pack, mutant.table)) for pack in (before, after)):
        return _ANOTHER_READING
    views = [view for view in table_views(before, after) if view.table == mutant.table]
    boxes = [[piece.box for view in views for piece in own(list(view.pieces[side]))] for side in (0, 1)]
    if boxes[0] == boxes[1] and not mutant.column.startswith("then: "):
        return message("proved: the rule holds of the same facts, of all that can occur")
    return message("proved: other rules decide wherever it makes a difference")
