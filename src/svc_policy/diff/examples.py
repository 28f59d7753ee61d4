"""A ticket on each side of the line: one that two policies decide otherwise, one just outside that they decide alike.

Both are found by deciding and are decided under both policies; what is not found
is said to be not found. The one outside differs from the one inside in a single
column, by as little as that column's domain allows.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.boundaries import Where, finder_of, plain_value
from svc_policy.check.words import days_of
from svc_policy.diff.outcomes import Comparison
from svc_policy.diff.regions import Otherwise
from svc_policy.errors import PolicyError
from svc_policy.rules import FAMILIES
from svc_policy.tables import contains
from svc_policy.tables.regions import DAY, Axis, Box
from svc_policy.units import Literal, Value

if TYPE_CHECKING:
    from svc_policy.check.views import Piece
    from svc_policy.decision import Decision
    from svc_policy.facts.ticket import Ticket
    from svc_policy.policy import Policy

#: Tickets that are decided in search of one, inside and for each way to leave the region.
_TRIES_INSIDE, _TRIES = 1_000, 200
#: Tickets that lie where they should and are compared in vain before the search goes elsewhere.
_REFUSED_INSIDE, _REFUSED = 80, 4


@attrs.frozen(kw_only=True)
class Decided:
    """A ticket with its decisions under both policies, at one instant."""

    ticket: Ticket
    at: datetime
    old: Decision
    new: Decision


@attrs.frozen(kw_only=True)
class Example:
    """A ticket inside a region and one just outside.

    Args:
        inside: One that is decided otherwise; None where none was found.
        outside: One that is decided alike; None where none was found.
        left: The column in which the two differ.
        differences: The results of the one inside that differ, as sentences of words and numbers.
    """

    inside: Decided | None
    outside: Decided | None = None
    left: str = ""
    differences: tuple[str, ...] = ()


def find_example(old: Policy, new: Policy, otherwise: Otherwise, comparison: Comparison | None = None) -> Example:
    """Find an example of a region in which two policies decide otherwise."""
    search = _Search(old, new, otherwise, comparison or Comparison(old, new))
    if otherwise.view.family.grain == "none":
        return Example(inside=None)
    for box in otherwise.region.boxes:
        inside = search.inside(box)
        if inside is not None:
            outside, left = search.outside(box, inside)
            told = [
                search.comparison.told(name, pair)
                for name, pair in search.comparison.differences(inside.old, inside.new).items()
            ]
            return Example(inside=inside, outside=outside, left=left, differences=tuple(told))
    return Example(inside=None)


class _EnoughError(Exception):
    """Ends a search whose tickets are all refused for the same reason."""


class _Search:
    def __init__(self, old: Policy, new: Policy, otherwise: Otherwise, comparison: Comparison) -> None:
        self.old, self.new = old, new
        self.comparison = comparison
        self.view = otherwise.view
        self.region = otherwise.region
        # The columns of a family's own are no facts: whether such a row holds is seen in the decision.
        self.own = {condition.name for condition in FAMILIES[self.view.table].conditions}
        pieces = (otherwise.new, otherwise.old)
        self.start = dict(pair for piece in pieces if piece is not None for pair in _measured(piece))

    def inside(self, box: Box) -> Decided | None:
        """Find a ticket of a box that is decided otherwise, looked for under one policy, then under the other."""
        sides = ((self.old, self.new), (self.new, self.old))
        # Better one that differs in what the table itself says than one that only lies in the same place.
        for own in (True, False) if self.view.group else (False,):
            for policy, other in sides:
                accept = self._differs_in_group if own else self._differs
                found = self._find(policy, other, box, {}, accept, tries=_TRIES_INSIDE)
                if found is not None:
                    return found
        return None

    def _differs(self, pair: Decided) -> bool:
        return bool(self.comparison.differences(pair.old, pair.new))

    def _differs_in_group(self, pair: Decided) -> bool:
        return any(str(self.view.group) in name for name in self.comparison.differences(pair.old, pair.new))

    def _agrees(self, pair: Decided) -> bool:
        return not self._differs(pair)

    def outside(self, box: Box, inside: Decided) -> tuple[Decided | None, str]:
        """Find a ticket beside a box that is decided alike, and the column by which it left."""
        for index, axis in self._ways_out(box):
            if axis.name == DAY:
                continue
            for value in _beside(axis, box[index]):
                moved = (*box[:index], axis.mask_of(value), *box[index + 1 :])
                if self.region.contains(_corner(moved)):
                    continue
                found = self._find(self.old, self.new, moved, {axis.name: (value,)}, self._agrees, tries=_TRIES)
                if found is not None:
                    return found, axis.name
        return None, ""

    def _ways_out(self, box: Box) -> Iterator[tuple[int, Axis]]:
        """List the axes on which a box leaves something out, those with an order first."""
        ways = [
            (index, axis)
            for index, axis in enumerate(self.view.grid.axes)
            if box[index] != self.view.possible[index] and axis.name not in self.own
        ]
        yield from sorted(ways, key=lambda way: not way[1].is_ordered)

    def _find(
        self,
        policy: Policy,
        other: Policy,
        box: Box,
        narrower: Mapping[str, Container[Value | None]],
        accept: Callable[[Decided], bool],
        *,
        tries: int,
    ) -> Decided | None:
        wanted: dict[str, Container[Any]] = {
            axis.name: _among(axis, mask)
            for axis, mask, whole in zip(self.view.grid.axes, box, self.view.possible, strict=True)
            if mask != whole and axis.name != DAY and axis.name not in self.own
        }
        wanted.update(narrower)

        refused = 0

        def accepted(decision: Decision) -> bool:
            nonlocal refused
            pair = self._both(decision, policy, other)
            if pair is not None and accept(pair):
                return True
            refused += 1
            if refused >= (_REFUSED_INSIDE if tries == _TRIES_INSIDE else _REFUSED):
                raise _EnoughError
            return False

        for day in self._days(box):
            refused = 0
            try:
                found = finder_of(policy).find(
                    {},
                    wanted,
                    day=day,
                    governing=self.view.family.governing,
                    grain=self.view.family.grain,
                    accept=accepted,
                    start=self.start,
                    tries=tries,
                )
            except _EnoughError:
                continue
            except (PolicyError, KeyError):
                return None  # the other policy speaks of facts that this one has not
            if found is not None:
                ticket, at = found
                return self._both(policy.decide(ticket, at=at), policy, other)
        return None

    def _both(self, decision: Decision, policy: Policy, other: Policy) -> Decided | None:
        at = policy.instant(decision.at_s)
        if at is None:
            return None
        try:
            ticket = decision.ticket.with_facts(other.pack.settings.company_facts)
            second = other.decide_s(ticket, decision.at_s)
        except PolicyError:
            return None
        old, new = (decision, second) if policy is self.old else (second, decision)
        return Decided(ticket=decision.ticket, at=at, old=old, new=new)

    def _days(self, box: Box) -> list[int | None]:
        """List a governing day for each span of days of a box, the first one if it has one, else the last."""
        return [
            since if since is not None else None if until is None else until - 1
            for since, until in days_of(self.view, box)
        ]


def _measured(piece: Piece) -> Iterator[tuple[str, int]]:
    """Give a plain value of what a fee is measured by: more than the quantity that it is charged for."""
    measure, per = piece.row.text("measure"), piece.row.results.get("per")
    if measure is not None and isinstance(per, Literal) and isinstance(per.value, int):
        value = plain_value(per.kind, per.value, 4 * per.value)
        if isinstance(value, int):
            yield measure, value


def _among(axis: Axis, mask: int) -> Container[Any]:
    return Where(lambda value: bool(axis.mask_of(value) & mask))


def _corner(box: Box) -> Box:
    """Give one point of a box."""
    return tuple(mask & -mask for mask in box)


def _beside(axis: Axis, mask: int) -> Iterator[Value]:
    """List the values just outside a set: next to its ends, or of no order the others."""
    if not axis.is_ordered:
        yield from (
            value for index, value in enumerate(axis.values) if not mask >> index & 1 and isinstance(value, str | bool)
        )
        return
    step = axis.domain.step or 1
    for index, (low, high) in enumerate(zip(axis.cuts, axis.cuts[1:], strict=False)):
        if not mask >> index & 1:
            continue
        ends = []
        if index == 0 or not mask >> (index - 1) & 1:
            ends.append(low // 2 if low % 2 else low // 2 - step)
        if index == axis.size - axis.missing - 1 or not mask >> (index + 1) & 1:
            ends.append(high // 2 + step if high % 2 else high // 2)
        yield from (value for value in ends if contains(axis.domain, value))
