"""Repairs that were seen: how often the same fault of the same device was repaired before a request.

Counts as :func:`~svc_policy.statistics.count_earlier_repairs` does over a batch: a repair counts if it was finished
(else closed) before the request was received, and no longer ago than the policy's `repeat_look_back`. Repairs that are
too old to count are dropped; without a look-back old ones are kept as a number.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.rules.family import Parameter
from svc_policy.statistics import LOOK_BACK
from svc_policy.units import Allowance, Literal, add_months

if TYPE_CHECKING:
    from svc_policy.policy import Policy

Device = tuple[str, str]
#: The most that the fact can state.
_MOST = 10_000
_DAY = 86_400
#: Insertions between two looks at what is too old to count.
_SWEEP = 10_000


class Repairs:
    """The ends of repairs by device and fault, in order, and the tickets that are still kept."""

    def __init__(self, policy: Policy, keep_s: int) -> None:
        self._policy = policy
        self._keep_s = keep_s
        self._ends: dict[Device, list[int]] = {}
        #: How many repairs lie before all those in `_ends`, where the whole history counts.
        self._older: dict[Device, int] = {}
        #: The end of each kept ticket's repair.
        self._end_of: dict[tuple[Device, str], int] = {}
        #: The kept tickets of each device and fault, with the instant of their request.
        self._open: dict[Device, dict[str, int]] = {}
        self._since_sweep = 0
        parameter = policy.pack.settings.parameters.get(LOOK_BACK)
        values = [] if parameter is None else [literal.value for _, literal in parameter.values]
        spans = {"s": 1, "days": _DAY, "months": 31 * _DAY}
        self._longest_s: int | None = None
        for value in values:
            if not isinstance(value, Allowance) or value.unit not in spans:
                text = message("the look-back for repeated repairs is not counted in working time")
                advice = message("write it as in `90 days` or `12 months`")
                raise UsageError([problem("look-back", text, help=advice)])
            self._longest_s = max(self._longest_s or 0, value.value * spans[value.unit])

    def open(self, device: Device, ticket: str, received_s: int) -> None:
        """Note a ticket about a device and fault."""
        self._open.setdefault(device, {})[ticket] = received_s

    def close(self, device: Device, ticket: str) -> None:
        """Let go of a ticket; its repair stays, without its name."""
        named = self._open.get(device)
        if named is not None and named.pop(ticket, None) is not None and not named:
            del self._open[device]
        self._end_of.pop((device, ticket), None)

    def change(self, device: Device, ticket: str, end_s: int | None, now_s: int) -> list[str]:
        """Set the end of a ticket's repair; names the kept tickets whose count that changes."""
        before = self._end_of.get((device, ticket))
        if before == end_s:
            return []
        ends = self._ends.setdefault(device, [])
        if before is not None:
            del self._end_of[device, ticket]
            place = bisect_left(ends, before)
            if place < len(ends) and ends[place] == before:
                del ends[place]
            elif self._longest_s is None:
                self._older[device] -= 1
            # Otherwise it was let go of, too old to count.
        if end_s is not None:
            self._end_of[device, ticket] = end_s
            insort(ends, end_s)
            self._since_sweep += 1
        if not ends:
            del self._ends[device]
        first = min(end for end in (before, end_s) if end is not None)
        named = self._open.get(device, {})
        found = [name for name, received in named.items() if name != ticket and received > first]
        if self._since_sweep >= _SWEEP:
            self._sweep(now_s)
        return found

    def count(self, device: Device, ticket: str, received_s: int) -> int:
        """Count the repairs before a request, its own ticket's apart."""
        ends = self._ends.get(device, ())
        first_s = self._first_s(received_s)
        own = self._end_of.get((device, ticket))
        own_counts = own is not None and own < received_s and (first_s is None or own >= first_s)
        first = 0 if first_s is None else bisect_left(ends, first_s)
        older = self._older.get(device, 0) if first_s is None else 0
        return min(_MOST, max(0, bisect_left(ends, received_s) - first + older - own_counts))

    def _first_s(self, received_s: int) -> int | None:
        if self._longest_s is None:
            return None
        clocks = self._policy.clocks
        day = clocks.local_day(received_s)
        literal = self._policy.in_force(Parameter(LOOK_BACK), day)
        assert isinstance(literal, Literal) and isinstance(literal.value, Allowance)
        value = literal.value
        if value.unit == "s":
            return received_s - value.value
        first = day - value.value if value.unit == "days" else add_months(day, -value.value)
        return clocks.day_end(first - 1) + 1

    def _sweep(self, now_s: int) -> None:
        """Let go of the repairs that lie before every request that is kept or may still come late."""
        self._since_sweep = 0
        back = 0 if self._longest_s is None else self._longest_s + 2 * _DAY
        for device, ends in list(self._ends.items()):
            oldest = min((now_s - self._keep_s, *self._open.get(device, {}).values())) - back
            place = bisect_left(ends, oldest)
            if place and self._longest_s is None:
                self._older[device] = self._older.get(device, 0) + place
            if place == len(ends):
                del self._ends[device]
            elif place:
                self._ends[device] = ends[place:]

    def saved(self) -> list[list[object]]:
        """List what is kept of tickets that are gone, as JSON can hold it: device, fault, how many older, ends."""
        named: dict[Device, list[int]] = {}
        for (device, _), end in self._end_of.items():
            named.setdefault(device, []).append(end)
        found: list[list[object]] = []
        for device in dict.fromkeys((*self._ends, *self._older)):
            ends = list(self._ends.get(device, ()))
            older = self._older.get(device, 0)
            for end in named.get(device, ()):
                if end in ends:
                    ends.remove(end)
                elif self._longest_s is None:
                    older -= 1
            if ends or older:
                found.append([*device, older, ends])
        return found

    def restore(self, device: Device, older: int, ends: list[int]) -> None:
        """Take back what was saved of a device and fault."""
        if ends:
            self._ends[device] = sorted(ends)
        if older:
            self._older[device] = older

    def __len__(self) -> int:
        return sum(map(len, self._ends.values()))


__all__ = ["Device", "Repairs"]
