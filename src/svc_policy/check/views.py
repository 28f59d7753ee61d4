"""The rows of a policy's tables as boxes on a common grid, one view for each table or group of its rows.

A row that rests on a dated parameter is taken apart into pieces, one for each value of it, on the days on which that
value holds; a condition on a parameter is then true or false, and a piece of which it is false is left out. What is
left reads facts, earlier results and the columns of the family's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

import attrs

from svc_policy.boundaries import domain_of
from svc_policy.facts.registry import Fact
from svc_policy.pack.columns import RESULTS, WORDS_OF
from svc_policy.rules import FAMILIES
from svc_policy.rules.deadlines import STATUSES
from svc_policy.rules.family import Family, Governing, Parameter, Row
from svc_policy.rules.payers import CUSTOMER
from svc_policy.tables import Domain, Interval, Operand, Reference, Test, default_domain, match
from svc_policy.tables.records import Absence
from svc_policy.tables.regions import DAY, Axis, Box, Grid, cut_axis, day_axis
from svc_policy.units import Kind, Literal

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack
    from svc_policy.policy import Policy

#: What a piece of a row says: each result column that is filled, and its value on the days of the piece.
Settled = tuple[tuple[str, object], ...]
#: Results of a table that may be less than nothing: what is paid back at a settlement.
_SIGNED: Final = frozenset({"settlement_first", "settlement_second", "settlement_total"})


@attrs.frozen(kw_only=True)
class Piece:
    """A row on the days on which its parameters keep their values.

    Args:
        row: The row.
        number: Its place among the rows of the view, from 0.
        since: The first day, as days since 1970-01-01; None is no limit.
        until: The first day after; None is no limit.
        tests: Its conditions by column, with values in the place of parameters; those that hold of all are left out.
        results: Its results.
        box: What it holds of, on the view's grid.
    """

    row: Row
    number: int
    since: int | None
    until: int | None
    tests: Mapping[str, Test]
    results: Settled
    box: Box = ()


@attrs.frozen(kw_only=True)
class TableView:
    """A table, or one group of its rows (a target of deadlines, a line of fees), of one or more packs.

    Args:
        family: The family of the table.
        group: The result that the rows share, None where the family has no groups.
        grid: The axes: the columns that a row reads, cut by the rows of all packs, and the days in force where a row
            has any.
        rows: For each pack its rows, in the table's order.
        pieces: For each pack the pieces of its rows, in the table's order.
        possible: The box of what can occur; a fact with a default is never absent.
        expected: The box of what a complete table covers: absence only where it is known to be one.
    """

    family: Family
    group: str | None
    grid: Grid
    rows: tuple[tuple[Row, ...], ...]
    pieces: tuple[tuple[Piece, ...], ...]
    possible: Box
    expected: Box

    @property
    def table(self) -> str:
        """The table's name."""
        return self.family.name

    @property
    def boxes(self) -> tuple[tuple[Box, ...], ...]:
        """For each pack the boxes of its pieces."""
        return tuple(tuple(piece.box for piece in pieces) for pieces in self.pieces)


def table_views(*policies: Policy | Pack) -> tuple[TableView, ...]:
    """Lay the tables of one or more policies out on common grids.

    Views stand in the order in which a decision is made, groups in the order of their first row. A policy that lacks
    a table, or a group, has no rows there.
    """
    packs = [_pack_of(policy) for policy in policies]
    fixed = [_fixed_day(policy) for policy in policies]
    taken = {
        name: [pieces_of(pack, name, day) for pack, day in zip(packs, fixed, strict=True)]
        for name in FAMILIES
        if any(pack.rows.get(name) for pack in packs)
    }
    axes = Axes(packs, taken)
    found: list[TableView] = []
    for name, of_packs in taken.items():
        family = FAMILIES[name]
        groups = dict.fromkeys(group_of(family, row) for pack in packs for row in pack.rows.get(name, ()))
        for group in groups:
            rows = tuple(
                tuple(row for row in pack.rows.get(name, ()) if group_of(family, row) == group) for pack in packs
            )
            kept = [[piece for piece in pieces if group_of(family, piece.row) == group] for pieces in of_packs]
            found.append(_view(family, group, rows, kept, axes))
    return tuple(found)


def _pack_of(policy: Policy | Pack) -> Pack:
    return cast("Pack", getattr(policy, "pack", policy))


def _fixed_day(policy: Policy | Pack) -> int | None:
    from datetime import date

    fixed = getattr(policy, "fixed_on", None)
    return None if fixed is None else fixed.toordinal() - date(1970, 1, 1).toordinal()


def group_of(family: Family, row: Row) -> str | None:
    """Give the group that a row belongs to; None where the family has no groups."""
    return None if family.group_by is None else row.text(family.group_by) or ""


def _view(
    family: Family,
    group: str | None,
    rows: tuple[tuple[Row, ...], ...],
    pieces: Sequence[Sequence[Piece]],
    axes: Axes,
) -> TableView:
    every = [piece for of_pack in pieces for piece in of_pack]
    read = {name for piece in every for name in piece.tests}
    columns = dict.fromkeys(name for of_pack in rows for row in of_pack for name in row.tests if name in read)
    grid_axes = [axes.of(name, family) for name in columns]
    if any(piece.since is not None or piece.until is not None for piece in every):
        grid_axes.append(axes.days(family.governing))
    grid = Grid(tuple(grid_axes))
    possible = tuple(
        axis.everything & ~axis.absent if axis.name in axes.never_absent else axis.everything for axis in grid.axes
    )
    boxed = []
    for of_pack, taken in zip(rows, pieces, strict=True):
        # A row none of whose pieces is left keeps its number.
        place = {id(row): number for number, row in enumerate(of_pack)}
        boxed.append(tuple(_boxed(piece, place[id(piece.row)], grid, possible) for piece in taken))
    return TableView(
        family=family,
        group=group,
        grid=grid,
        rows=rows,
        pieces=tuple(boxed),
        possible=possible,
        expected=tuple(a & b for a, b in zip(possible, grid.expected, strict=True)),
    )


def _boxed(piece: Piece, number: int, grid: Grid, possible: Box) -> Piece:
    box = grid.box(piece.tests, piece.since, piece.until)
    return attrs.evolve(piece, number=number, box=tuple(a & b for a, b in zip(box, possible, strict=True)))


# --- pieces of rows


def pieces_of(pack: Pack, table: str, fixed_day: int | None = None) -> list[Piece]:
    """Take the rows of a table apart by the values of the parameters that they rest on."""
    return [piece for row in pack.rows.get(table, ()) for piece in _pieces(pack, row, fixed_day)]


def _pieces(pack: Pack, row: Row, fixed_day: int | None) -> Iterator[Piece]:
    known = pack.settings.parameters
    dated = [known[name] for name in row.rests_on if name in known and len(known[name].values) > 1]
    cuts = sorted({since for one in dated for since, _ in one.values[1:] if since is not None})
    begins: list[int | None] = [None, *cuts]
    for first, after in zip(begins, [*cuts, None], strict=True):
        since = row.since if first is None else first if row.since is None else max(first, row.since)
        until = row.until if after is None else after if row.until is None else min(after, row.until)
        if since is not None and until is not None and since >= until and len(begins) > 1:
            continue
        if fixed_day is not None:
            if (since is not None and fixed_day < since) or (until is not None and until <= fixed_day):
                continue
            since = until = None
        day = fixed_day if fixed_day is not None else first
        tests = settled_tests(pack, row, day)
        if tests is not None:
            yield Piece(row=row, number=0, since=since, until=until, tests=tests, results=_results(pack, row, day))


def value_on(pack: Pack, name: str, day: int | None) -> Literal:
    """Give a parameter's value on a day; None is before any of its dates."""
    values = pack.settings.parameters[name].values
    found = values[0][1]
    for since, literal in values[1:]:
        if day is not None and since is not None and since <= day:
            found = literal
    return found


def settled_tests(pack: Pack, row: Row, day: int | None) -> dict[str, Test] | None:
    """Give the conditions of a row on a day, with values in the place of parameters.

    None where a condition on a parameter fails.
    """
    found: dict[str, Test] = {}
    for name, test in row.tests.items():
        if test.any:
            continue
        settled = _settled(pack, test, day)
        if name in pack.settings.parameters and not _is_fact(pack, name):
            if not match(settled, value_on(pack, name, day).value):
                return None
        else:
            found[name] = settled
    return found


def _is_fact(pack: Pack, name: str) -> bool:
    return any(fact.name == name for facts in pack.settings.facts.values() for fact in facts)


def _settled(pack: Pack, test: Test, day: int | None) -> Test:
    def value(bound: Operand | None) -> Operand | None:
        return value_on(pack, bound.name, day) if isinstance(bound, Reference) else bound

    if not any(isinstance(bound, Reference) for item in test.items for bound in (item.low, item.high)):
        return test
    items = tuple(Interval(value(item.low), item.low_closed, value(item.high), item.high_closed) for item in test.items)
    return attrs.evolve(test, items=items)


def _results(pack: Pack, row: Row, day: int | None) -> Settled:
    found: list[tuple[str, object]] = []
    for name, cell in row.results.items():
        if isinstance(cell, Parameter):
            cell = value_on(pack, cell.name, day)
        if cell is not None and cell != ():
            found.append((name, (cell.kind, cell.value, cell.unit) if isinstance(cell, Literal) else cell))
    return tuple(sorted(found))


# --- axes


class Axes:
    """The axes of all columns of some packs, each cut by every cell that speaks of it."""

    def __init__(self, packs: Sequence[Pack], taken: Mapping[str, Sequence[Sequence[Piece]]]) -> None:
        self.packs = packs
        self._facts: dict[str, Fact] = {
            fact.name: fact for pack in reversed(packs) for facts in pack.settings.facts.values() for fact in facts
        }
        self._tests: dict[str, list[Test]] = {}
        self._days: dict[Governing, set[int]] = {}
        for name, of_packs in taken.items():
            for piece in (piece for pieces in of_packs for piece in pieces):
                for column, test in piece.tests.items():
                    self._tests.setdefault(column, []).append(test)
                days = (day for day in (piece.since, piece.until) if day is not None)
                self._days.setdefault(FAMILIES[name].governing, set()).update(days)
        self._made: dict[str, Axis] = {}
        self.never_absent = {name for name, fact in self._facts.items() if fact.absence == "default"}

    def days(self, governing: Governing) -> Axis:
        """Make the axis of the days by which a family's rows are in force."""
        return day_axis(self._days.get(governing, ()))

    def of(self, name: str, family: Family) -> Axis:
        """Make the axis of a column; that of a family's own is nobody else's."""
        own = next((condition for condition in family.conditions if condition.name == name), None)
        if own is not None and name not in self._facts:
            domain = Domain(kind=own.kind, low=0, step=1) if own.kind == "share" else default_domain(own.kind)
            return self._cut(name, own.kind, domain, "none")
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Axis:
        fact = self._facts.get(name)
        if fact is not None:
            absence: Absence = "unknown" if fact.absence in ("default", "unknown") else fact.absence  # type: ignore[assignment]
            return self._cut(name, fact.kind, self._domain(fact), absence)
        return self._cut(name, *self._result(name))

    def _domain(self, fact: Fact) -> Domain:
        if (fact.grain, fact.name) == ("override", "role"):
            return Domain(kind="text", values=_roles(self.packs))
        named = dict.fromkeys(
            value
            for pack in self.packs
            for facts in pack.settings.facts.values()
            for one in facts
            if one.name == fact.name
            for value in one.values
        )
        return Domain(kind="text", values=tuple(named)) if named else domain_of(fact)

    def _result(self, name: str) -> tuple[Kind, Domain | None, Absence]:
        if name.endswith("_status") and name not in RESULTS:
            return (
                "text",
                Domain(kind="text", values=tuple(one for one in STATUSES if one != "undetermined")),
                "unknown",
            )
        kind: Kind = RESULTS[name][0] if name in RESULTS else "text"
        words: tuple[str, ...] | None = tuple(WORDS_OF[name]) if name in WORDS_OF else None
        if name == "payer":
            words = _roles(self.packs)
        elif name == "service_zone" and self._facts["zone"].values:
            words = tuple(self._facts["zone"].values)
        elif name == "vehicle":
            rows = (row for pack in self.packs for row in pack.rows.get("vehicles", ()))
            words = tuple(dict.fromkeys(row.text("vehicle") or "" for row in rows))
        domain = Domain(kind="text", values=words) if words else default_domain(kind)
        if name in _SIGNED:
            domain = Domain(kind=kind, step=1)
        # Where an earlier table says nothing, nothing need be said of it: that table is told.
        return kind, domain, "unknown"

    def _cut(self, name: str, kind: Kind, domain: Domain | None, absence: Absence) -> Axis:
        tests = self._tests.get(name, [])
        unit = self.packs[0].settings.currency if kind == "money" else ""
        return cut_axis(name, kind, domain, tests, absence=absence, unit=unit)


def _roles(packs: Sequence[Pack]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(role for pack in packs for role in pack.settings.roles), CUSTOMER)))


def day_index(grid: Grid) -> int | None:
    """Find the axis of the days in force, None where no row has any."""
    return next((index for index, axis in enumerate(grid.axes) if axis.name == DAY), None)
