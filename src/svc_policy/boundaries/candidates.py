"""Which values a search tries for a fact, the plain ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from svc_policy.boundaries.days import (
    HOUR,
    edition_starts,
    frozen_days,
    governs,
    instant_on,
    morning_of,
    plain_day,
    windows_on,
    working_edges,
)
from svc_policy.boundaries.derived import AT
from svc_policy.boundaries.plain import unit_of_kind
from svc_policy.boundaries.points import between, domain_of, lengths, mentions, ordered_points
from svc_policy.boundaries.written import Value
from svc_policy.facts.registry import MILESTONES, Fact
from svc_policy.units import Allowance, add_months, minor_digits

if TYPE_CHECKING:
    from svc_policy.boundaries.drafts import Drafts, Facts, Outcome
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing

_DAY = 86_400
_EVENING = 20 * HOUR
_LAST_OF_CALENDAR = 6


class Candidates:
    """The values to try, by fact."""

    def __init__(self, policy: Policy, drafts: Drafts) -> None:
        self.policy = policy
        self.drafts = drafts
        self._points = ordered_points(policy)
        self.paths = tuple(self._points)
        self._still: dict[str, list[Value | None]] = {}

    def of(self, path: str, state: Facts, outcome: Outcome | None) -> list[Value | None]:
        """List the values to try for a fact of a state; None, which leaves the fact out, comes last."""
        if path == AT:
            return self._at(state, outcome)
        fact = self.drafts.fact(path)
        if fact.kind == "instant":
            found = self._instants(path, state, outcome)
        elif fact.kind == "date":
            found = self._dates(path, state)
        else:
            if path not in self._still:
                self._still[path] = self._unmoved(path, fact)
            return self._still[path]
        return [*dict.fromkeys(found), None]

    def _unmoved(self, path: str, fact: Fact) -> list[Value | None]:
        """List the values of a fact that hang on no other: plain ones, then those at the boundaries."""
        known = self._points.get(path, ())
        plain: list[Value | None] = []
        if fact.kind not in ("text", "bool"):
            numbers = [value for value in mentions(self.policy).get(path, ()) if isinstance(value, int)]
            unit = unit_of_kind(fact.kind, minor_digits(self.policy.pack.settings.currency) or 0)
            # Of those that will do the whole kilometres, hours and yuan are read most easily.
            chosen = between(self.policy, fact, domain_of(fact), numbers)
            plain += [value for value in chosen if value % unit == 0]
            plain += [value for value in chosen if value % unit]
        listed = dict.fromkeys([*plain, *(known or domain_of(fact).values or ())])
        return [*(value for value in listed if value is not None and not isinstance(value, Allowance)), None]

    def _request_day(self, state: Facts) -> int:
        received = state.get("received_at")
        return self.policy.clocks.local_day(received) if isinstance(received, int) else plain_day(self.policy)

    def _dates(self, path: str, state: Facts) -> list[Value]:
        today = self._request_day(state)
        found: list[Value] = []
        if path.endswith("_until"):
            found += (add_months(today, 6), add_months(today, -1), today, today - 1)
        else:
            found += (add_months(today, -1), add_months(today, 1), today, today - 1)
        for months in lengths(self.policy):
            found += (add_months(today, -months - 6), add_months(today, -months), add_months(today, -months) + 1)
        found += (add_months(today, -120), add_months(today, -12), today + 1)
        kinds: tuple[Governing, ...] = ("purchase", "incident")
        for kind in kinds:
            if path in governs(kind):
                found += (near for day in edition_starts(self.policy, kind) for near in (day, day - 1))
        return found

    def _instants(self, path: str, state: Facts, outcome: Outcome | None) -> list[Value]:
        if path == "received_at":
            return self._receipts(state)
        received = state.get("received_at")
        start = received if isinstance(received, int) else morning_of(self.policy, plain_day(self.policy))
        found: list[Value] = [start + HOUR, start, start + _DAY]
        target = next((short for short, name in MILESTONES.items() if name == path), None)
        if outcome is not None and target is not None:
            due = self.drafts.column(outcome, f"{target}_due")
            if isinstance(due, int):
                found += (due, due + 1, due + _DAY)
        if path == "quoted_at":
            found += (
                morning_of(self.policy, near) for day in edition_starts(self.policy, "fee") for near in (day, day - 1)
            )
        found += (start + 30 * _DAY, start - _DAY)
        later = [value for name, value in state.items() if name.endswith("_at") and isinstance(value, int)]
        if later:
            found += (max(later) + HOUR, max(later) + _DAY)
        return found

    def _receipts(self, state: Facts) -> list[Value]:
        days = [self._request_day(state), plain_day(self.policy)]
        found: list[Value] = [morning_of(self.policy, day) for day in days]
        found += (instant_on(self.policy, days[0], second) for second in (_EVENING, 0))
        found += working_edges(self.policy, days[0])
        kinds: tuple[Governing, ...] = ("request", "fee")
        for kind in kinds:
            for day in edition_starts(self.policy, kind):
                found += (morning_of(self.policy, near) for near in (day, day - 1))
        shut = next((day for day in range(days[0], days[0] + 7) if not windows_on(self.policy, day)), None)
        if shut is not None:
            found.append(morning_of(self.policy, shut))
        found += (morning_of(self.policy, day) for day in frozen_days(self.policy)[-_LAST_OF_CALENDAR:])
        return found

    def _at(self, state: Facts, outcome: Outcome | None) -> list[Value | None]:
        found: list[Value | None] = []
        if outcome is not None:
            change = self.drafts.late(outcome, "next_change_at")
            found += () if change is None else (change,)
            for target in MILESTONES:
                due = self.drafts.column(outcome, f"{target}_due")
                if isinstance(due, int):
                    found += (due + HOUR, due + 1, due, due + 7 * _DAY)
        received = state.get("received_at")
        if isinstance(received, int):
            found += (received + HOUR, received + _DAY, received + 30 * _DAY)
        return [*dict.fromkeys(found), None]
