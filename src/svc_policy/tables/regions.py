"""Regions: exact sets of points over the axes of a table, as unions of boxes.

An axis is cut at every bound that a cell names, so that each cell is a union of
*atoms*: between two neighbouring cuts no cell can tell one value from another.
A set of values of one axis is then a mask of atoms, a box one mask for each
axis, and a region a union of boxes that do not meet. Everything is exact: no
point is sampled, no value rounded.

A cut lies just before or just after a value. It is written as one integer,
twice the value for "before" and one more for "after", so that a dense axis needs
no case of its own; on a stepped axis a cut is moved to just before the next
value that can occur, so that `<= 5` and `< 6` of a count are one cut.

The rows of dated rules have one axis more, their days in force: see :data:`DAY`.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.tables.domains import UNORDERED, Domain, contains, default_domain
from svc_policy.tables.matching import Parameters, resolve
from svc_policy.tables.records import Absence, Interval, Test
from svc_policy.units import Kind, Literal, Value

#: The axis of the days on which a row is in force, beside the columns of its table.
DAY: Final = "in_force_on"
_FAR: Final = 1 << 80
#: For each axis the mask of its atoms.
Box = tuple[int, ...]


@attrs.frozen
class Others:
    """Stands for all values of an open axis that no cell names."""


OTHERS: Final = Others()


@attrs.frozen(kw_only=True)
class Axis:
    """One dimension: a column, its domain, and where its cells cut it.

    Args:
        name: The column, or :data:`DAY`.
        kind: What its values are.
        domain: The values that can occur.
        unit: The currency of amounts.
        cuts: On an ordered axis the bounds of its atoms, in order, ends included.
        values: On an axis without order its values, one atom each; :data:`OTHERS` last where it is open.
        missing: Whether absence has an atom of its own, the last one.
        absence: What absence means. Unless it is ``none`` or ``not yet`` it is in no
            domain: a table need not cover it.
    """

    name: str
    kind: Kind
    domain: Domain
    unit: str = ""
    cuts: tuple[int, ...] = ()
    values: tuple[Value | Others, ...] = ()
    missing: bool = False
    absence: Absence = "unknown"

    @property
    def is_ordered(self) -> bool:
        """Say whether the values of the axis have an order."""
        return not self.values

    @property
    def size(self) -> int:
        """Count the atoms."""
        return (len(self.values) or max(len(self.cuts) - 1, 0)) + self.missing

    @property
    def everything(self) -> int:
        """Give the mask of all atoms."""
        return (1 << self.size) - 1

    @property
    def expected(self) -> int:
        """Give the mask of what a complete table covers: the domain, and absence where it is known to be one."""
        if self.missing and self.absence == "unknown":
            return self.everything >> 1
        return self.everything

    @property
    def absent(self) -> int:
        """Give the mask of absence; 0 where it has no atom."""
        return 1 << (self.size - 1) if self.missing else 0

    @functools.cached_property
    def _places(self) -> Mapping[Value | Others, int]:
        return {value: index for index, value in enumerate(self.values)}

    def mask(self, test: Test, parameters: Parameters | None = None) -> int:
        """Give the values of which `test` holds, as :func:`svc_policy.tables.match` says.

        The axis must be cut by the test. Of an absence that is not known to be one a
        negation that does not name it is unknown, so it does not hold of it either.

        Raises:
            UsageError: The test names a parameter that has no value.
        """
        if test.any:
            return self.everything
        mask = self.absent if test.missing else 0
        for item in test.items:
            mask |= self._within(item, parameters)
        if not test.negated:
            return mask
        is_open = self.absence == "unknown" and not test.missing
        return self.everything & ~(mask | self.absent if is_open else mask)

    def mask_of(self, value: Value | None) -> int:
        """Give the atom of a value, 0 if it is outside the domain; None is absence."""
        if value is None:
            return self.absent
        if self.values:
            place = self._places.get(value, self._places.get(OTHERS))
            return 0 if place is None else 1 << place
        if not isinstance(value, int) or not contains(self.domain, value):
            return 0
        index = _last_at_most(self.cuts, 2 * value)
        return 1 << index if 0 <= index < len(self.cuts) - 1 else 0

    def between(self, low: int, high: int) -> int:
        """Give the atoms between two cuts."""
        first, last = bisect_left(self.cuts, low), bisect_left(self.cuts, high)
        first, last = max(first, 0), min(last, len(self.cuts) - 1)
        return ((1 << last) - (1 << first)) if last > first else 0

    def test(self, mask: int) -> Test:
        """Write a mask as a condition that holds of its values and of no other.

        One set cannot be written: absence that is not known to be one, together with all
        but some values of an open axis. Its absence is left out.
        """
        present = self.everything & ~self.absent
        if mask == self.everything:
            return Test(kind=self.kind, any=True)
        if mask == present:
            return Test(kind=self.kind, negated=True, missing=True)
        missing = bool(mask & self.absent)
        if self.values:
            return self._named(mask, missing)
        return Test(kind=self.kind, missing=missing, items=tuple(self._intervals(mask)))

    def _named(self, mask: int, missing: bool) -> Test:
        def single(value: Value) -> Interval:
            literal = Literal(self.kind, value, self.unit)
            return Interval(literal, True, literal, True)

        held = [value for index, value in enumerate(self.values) if mask >> index & 1]
        if OTHERS not in held:
            items = tuple(single(value) for value in held if not isinstance(value, Others))
            return Test(kind=self.kind, missing=missing, items=items)
        left_out = [value for index, value in enumerate(self.values) if not mask >> index & 1]
        items = tuple(single(value) for value in left_out if not isinstance(value, Others))
        return Test(kind=self.kind, negated=True, missing=self.missing and not missing, items=items)

    def _intervals(self, mask: int) -> Iterator[Interval]:
        first = last = self.cuts[0] if self.cuts else 0
        is_open = False
        for index, (low, high) in enumerate(zip(self.cuts, self.cuts[1:], strict=False)):
            if mask >> index & 1:
                first, is_open = (first, True) if is_open else (low, True)
                last = high
            elif is_open:
                yield self._interval(first, last)
                is_open = False
        if is_open:
            yield self._interval(first, last)

    def _interval(self, low: int, high: int) -> Interval:
        """Write the values between two cuts; on a stepped axis by those that occur, both included."""
        step = self.domain.step
        if step is not None:
            # Both cuts are before a value that occurs: the last one is a step less.
            bounds = (low // 2 if low > -_FAR else None, high // 2 - step if high < _FAR else None)
            first, last = (None if bound is None else Literal(self.kind, bound, self.unit) for bound in bounds)
            return Interval(first, first is not None, last, last is not None)
        first = Literal(self.kind, low // 2, self.unit) if low > -_FAR else None
        last = Literal(self.kind, high // 2, self.unit) if high < _FAR else None
        return Interval(first, first is not None and low % 2 == 0, last, last is not None and high % 2 == 1)

    def _within(self, item: Interval, parameters: Parameters | None) -> int:
        low = None if item.low is None else _known(item.low, parameters)
        high = None if item.high is None else _known(item.high, parameters)
        if self.values:
            return self.mask_of(low) if low is not None and low in self._places else 0
        return self.between(*cuts_of(self.domain, low, item.low_closed, high, item.high_closed))


@attrs.frozen
class Grid:
    """The axes of one or more tables, cut by all of their cells."""

    axes: tuple[Axis, ...]

    @property
    def everything(self) -> Box:
        """Give the box of all points, absence of everything included."""
        return tuple(axis.everything for axis in self.axes)

    @property
    def expected(self) -> Box:
        """Give the box of the points that a complete table covers."""
        return tuple(axis.expected for axis in self.axes)

    def index(self, name: str) -> int:
        """Find an axis by its name."""
        return next(index for index, axis in enumerate(self.axes) if axis.name == name)

    def box(
        self,
        tests: Mapping[str, Test],
        from_day: int | None = None,
        until_day: int | None = None,
        parameters: Parameters | None = None,
    ) -> Box:
        """Give the box of a row: its conditions, and the days on which it is in force."""
        masks = []
        for axis in self.axes:
            if axis.name == DAY:
                masks.append(axis.between(*cuts_of(axis.domain, from_day, True, until_day, False)))
            else:
                test = tests.get(axis.name)
                masks.append(axis.everything if test is None else axis.mask(test, parameters))
        return tuple(masks)

    def point(self, values: Mapping[str, Value | None]) -> Box:
        """Give the atom of every value; an axis that is not named is absent."""
        return tuple(axis.mask_of(values.get(axis.name)) for axis in self.axes)

    def tests(self, box: Box) -> dict[str, Test]:
        """Write a box as conditions; axes on which it takes all that a table has to cover are left out."""
        return {
            axis.name: axis.test(mask)
            for axis, mask in zip(self.axes, box, strict=True)
            if mask not in (axis.everything, axis.expected)
        }


@attrs.frozen
class Region:
    """A set of points of a grid: boxes of which no two meet."""

    grid: Grid
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, grid: Grid, boxes: Iterable[Box]) -> Region:
        """Make a region of boxes that may meet."""
        apart: list[Box] = []
        for box in boxes:
            pieces = [box] if all(box) else []
            for other in apart:
                pieces = [rest for piece in pieces for rest in subtract(piece, other)]
            apart.extend(pieces)
        return cls(grid, merge(apart))

    @property
    def is_empty(self) -> bool:
        """Say whether no point lies in it."""
        return not self.boxes

    def contains(self, point: Box) -> bool:
        """Say whether a point, one atom for each axis, lies in it."""
        return any(all(mask & atom for mask, atom in zip(box, point, strict=True)) for box in self.boxes)

    def is_subset(self, other: Region) -> bool:
        """Say whether every point of it lies in the other."""
        return (self - other).is_empty

    def __or__(self, other: Region) -> Region:
        return Region.of(self.grid, (*self.boxes, *other.boxes))

    def __and__(self, other: Region) -> Region:
        met = (meet(one, two) for one in self.boxes for two in other.boxes)
        return Region(self.grid, merge([box for box in met if box is not None]))

    def __sub__(self, other: Region) -> Region:
        pieces = list(self.boxes)
        for box in other.boxes:
            pieces = [rest for piece in pieces for rest in subtract(piece, box)]
        return Region(self.grid, merge(pieces))

    def __invert__(self) -> Region:
        return Region(self.grid, (self.grid.everything,)) - self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return self.grid == other.grid and self.is_subset(other) and other.is_subset(self)

    __hash__ = None  # type: ignore[assignment]

    def tests(self) -> tuple[dict[str, Test], ...]:
        """Write each box as conditions."""
        return tuple(self.grid.tests(box) for box in self.boxes)


def cut_axis(
    name: str,
    kind: Kind,
    domain: Domain | None,
    tests: Iterable[Test],
    *,
    absence: Absence = "unknown",
    parameters: Parameters | None = None,
    unit: str = "",
) -> Axis:
    """Make the axis of a column from the cells that cut it.

    Absence has an atom where it is ``none`` or ``not yet``, or where a cell speaks of it.
    """
    domain = domain or default_domain(kind)
    tests = [test for test in tests if not test.any]
    missing = absence != "unknown" or any(test.missing for test in tests)
    named: dict[Value, None] = {}
    cuts: set[int] = set()
    for test in tests:
        for item in test.items:
            low = None if item.low is None else _known(item.low, parameters)
            high = None if item.high is None else _known(item.high, parameters)
            if domain.values is None and kind not in UNORDERED:
                cuts.update(cuts_of(domain, low, item.low_closed, high, item.high_closed))
            elif low is not None:
                named[low] = None
    if domain.values is not None:
        return Axis(
            name=name, kind=kind, domain=domain, unit=unit, values=domain.values, missing=missing, absence=absence
        )
    if kind in UNORDERED:
        values = (*named, OTHERS)
        return Axis(name=name, kind=kind, domain=domain, unit=unit, values=values, missing=missing, absence=absence)
    first, last = cuts_of(domain, domain.low, domain.low_closed, domain.high, domain.high_closed)
    inner = sorted(cut for cut in cuts if first < cut < last)
    ends = (first, *inner, last) if first < last else ()
    return Axis(name=name, kind=kind, domain=domain, unit=unit, cuts=ends, missing=missing, absence=absence)


def day_axis(days: Iterable[int | None]) -> Axis:
    """Make the axis of the days in force from the first days of rows and the days on which they end."""
    domain = default_domain("date")
    cuts = sorted({2 * day for day in days if day is not None})
    return Axis(name=DAY, kind="date", domain=domain, cuts=(-_FAR, *cuts, _FAR))


def cuts_of(
    domain: Domain, low: Value | None, low_closed: bool, high: Value | None, high_closed: bool
) -> tuple[int, int]:
    """Give the cuts on both sides of an interval; no bound is as far as can be."""
    first = -_FAR if not isinstance(low, int) else _cut(domain, 2 * low + (not low_closed))
    last = _FAR if not isinstance(high, int) else _cut(domain, 2 * high + high_closed)
    return first, last


def _cut(domain: Domain, cut: int) -> int:
    """Move a cut of a stepped axis to just before the next value that can occur."""
    if domain.step is None:
        return cut
    anchor = domain.low or 0
    least = cut // 2 + cut % 2
    return 2 * (anchor + -((anchor - least) // domain.step) * domain.step)


def _known(operand: object, parameters: Parameters | None) -> Value:
    value = resolve(operand, parameters)  # type: ignore[arg-type]
    if value is None:
        name = getattr(operand, "name", "")
        raise UsageError([problem("parameter-open", message("parameter `{name}` has no value", name=name))])
    return value


def _last_at_most(cuts: Sequence[int], cut: int) -> int:
    index = bisect_left(cuts, cut)
    return index if index < len(cuts) and cuts[index] == cut else index - 1


def meet(one: Box, other: Box) -> Box | None:
    """Give what two boxes share, or None."""
    shared = tuple(a & b for a, b in zip(one, other, strict=True))
    return shared if all(shared) else None


def subtract(box: Box, other: Box) -> Iterator[Box]:
    """Cut `other` out of `box`: the pieces that are left, which do not meet."""
    if any(not a & b for a, b in zip(box, other, strict=True)):
        yield box
        return
    rest = list(box)
    for index, (mask, cut) in enumerate(zip(box, other, strict=True)):
        if left := mask & ~cut:
            yield (*rest[:index], left, *rest[index + 1 :])
        rest[index] = mask & cut


def merge(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Join boxes that differ on one axis only, until none do; the points stay the same.

    The boxes must not meet.
    """
    found = list(dict.fromkeys(boxes))
    joined = True
    while joined and len(found) > 1:
        joined = False
        for index in range(len(found[0])):
            groups: dict[Box, int] = {}
            for box in found:
                key = (*box[:index], *box[index + 1 :])
                groups[key] = groups.get(key, 0) | box[index]
            if len(groups) < len(found):
                joined = True
                found = [(*key[:index], mask, *key[index:]) for key, mask in groups.items()]
    return tuple(found)
