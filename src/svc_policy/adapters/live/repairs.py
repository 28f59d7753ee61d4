"""Repairs that were seen: how often the same fault of the same device was repaired before a request.

Counts as :func:`~svc_policy.statistics.count_earlier_repairs` does over a batch: a repair counts if it was finished
(else closed) before the request was received, and no longer ago than the policy's `repeat_look_back`.
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
    """The ends of repairs by device and fault, each with its ticket while that is open."""

    def __init__(self, policy: Policy, keep_s: int) -> None:
        self._policy = policy
        self._keep_s = keep_s
        self._ends: dict[Device, list[tuple[int, str]]] = {}
        #: The open tickets of each device and fault, with the instant of their request.
        self._open: dict[Device, dict[str, int]] = {}
        self._since_sweep = 0
        parameter = policy.pack.settings.parameters.get(LOOK_BACK)
        values = [] if parameter is None else [literal.value for _, literal in parameter.values]
        for value in values:
            if not isinstance(value, Allowance) or value.unit not in ("s", "days", "months"):
                text = message("the look-back for repeated repairs is not counted in working time")
                advice = message("write it as in `90 days` or `12 months`")
                raise UsageError([problem("look-back", text, help=advice)])
        self._is_dated = bool(values)
        spans = {"s": 1, "days": _DAY, "months": 31 * _DAY}
        self._longest_s = max((value.value * spans[value.unit] for value in values), default=None)  # type: ignore[union-attr]

    def open(self, device: Device, ticket: str, received_s: int) -> None:
        """Note an open ticket about a device and fault."""
        self._open.setdefault(device, {})[ticket] = received_s

    def close(self, device: Device, ticket: str) -> None:
        """Let go of a ticket; its repair stays, without its name."""
        named = self._open.get(device)
        if named is not None and named.pop(ticket, None) is not None and not named:
            del self._open[device]
        ends = self._ends.get(device, [])
        for index, (end, name) in enumerate(ends):
            if name == ticket:
                del ends[index]
                insort(ends, (end, ""))
                break

    def change(self, device: Device, ticket: str, end_s: int | None, now_s: int = 0) -> list[str]:
        """Set the end of a ticket's repair; names the open tickets whose count that changes."""
        ends = self._ends.get(device, [])
        before = next((end for end, name in ends if name == ticket), None)
        if before == end_s:
            return []
        if before is not None:
            ends.remove((before, ticket))
        if end_s is not None:
            insort(ends, (end_s, ticket))
            self._since_sweep += 1
        if ends:
            self._ends[device] = ends
        else:
            self._ends.pop(device, None)
        first = min(end for end in (before, end_s) if end is not None)
        named = self._open.get(device, {})
        found = [name for name, received in named.items() if name != ticket and received > first]
        if self._since_sweep >= _SWEEP:
            self._sweep(now_s)
        return found

    def count(self, device: Device, ticket: str, received_s: int) -> int:
        """Count the repairs before a request, its own ticket's apart."""
        ends = self._ends.get(device)
        if not ends:
            return 0
        last = bisect_left(ends, (received_s, ""))
        first_s = self._first_s(received_s)
        first = 0 if first_s is None else bisect_left(ends, (first_s, ""))
        found = last - first - sum(1 for _, name in ends[first:last] if name == ticket)
        return min(_MOST, max(0, found))

    def _first_s(self, received_s: int) -> int | None:
        if not self._is_dated:
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
        """Drop the repairs that are too old to count for any request that is open or may still come."""
        self._since_sweep = 0
        if self._longest_s is None:
            return
        span = self._longest_s + 2 * _DAY + self._keep_s
        for device, ends in list(self._ends.items()):
            oldest = min((now_s, *self._open.get(device, {}).values())) - span
            kept = ends[bisect_left(ends, (oldest, "")) :]
            if kept:
                self._ends[device] = kept
            else:
                del self._ends[device]

    def saved(self) -> list[list[object]]:
        """List what is kept, as JSON can hold it: device, fault, and the ends of tickets that are gone."""
        return [
            [*device, [end for end, name in ends if not name]]
            for device, ends in self._ends.items()
            if any(not name for _, name in ends)
        ]

    def restore(self, device: Device, ends: list[int]) -> None:
        """Take back what was saved of a device and fault."""
        self._ends[device] = sorted((end, "") for end in ends)

    def __len__(self) -> int:
        return sum(map(len, self._ends.values()))


__all__ = ["Device", "Repairs"]
