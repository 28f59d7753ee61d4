"""Say what one step over each boundary would change: found by deciding, never guessed, and bounded in time.

A boundary is where another rule decides, or where the same one answers otherwise. Of a fact that is measured the
nearest boundary on each side is searched for among the values that the policy's tables name and at growing distances,
then closed in on until one step of the fact lies between both answers. Of a fact that has words each other word is
tried. What time alone changes is followed from one change to the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.boundaries import domain_of, path_of, points, read_facts, written_value
from svc_policy.decision import Decision
from svc_policy.errors import PolicyError
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact
from svc_policy.messages import Language, message
from svc_policy.plan import result_names
from svc_policy.server.desk.outcome import Change, Outcomes
from svc_policy.server.desk.rows import Cited

if TYPE_CHECKING:
    from svc_policy.policy import Policy

Value = int | str | bool
Signature = tuple[object, ...]

#: Seconds that a search may take; what is not reached by then is said to be left out.
LONGEST: Final = 1.5
#: Changes by time alone that are followed.
_MOST_CHANGES: Final = 6
#: Records of a list that are looked at, and other words that are tried of a fact.
_MOST_RECORDS: Final = 3
_MOST_WORDS: Final = 12
#: Values that are tried on one side of a measured fact, at growing distances and at those that the tables name.
_MOST_TRIES: Final = 60
#: How far is looked: ten years of days, a year of seconds, or as far as the fact goes.
_REACH: Final[Mapping[str, int]] = {"date": 3_660, "instant": 366 * 86_400}
_FARTHEST: Final = 10**12


@attrs.frozen(kw_only=True)
class Place:
    """One fact of the ticket: where it stands, and its value in the smallest unit, None if it is missing."""

    fact: Fact
    path: tuple[str | int, ...]
    general: str
    value: Value | None
    is_stated: bool


def steps_of(
    policy: Policy,
    facts: Mapping[str, Any],
    decision: Decision,
    language: Language,
    is_wanted: Callable[[], bool] = lambda: True,
    longest: float = LONGEST,
) -> dict[str, Any]:
    """Say what one step over each boundary would change.

    Args:
        policy: The policy that made the decision.
        facts: The ticket as it was written, which `policy` could read.
        decision: What was decided of it.
        language: `en` or `zh`.
        is_wanted: Says whether somebody still waits for it; the search goes no further if not.
        longest: Seconds that the search may take.

    Returns:
        `facts`: those that have a boundary, with `steps`; `time`: what the coming time changes by itself;
        `still` the labels of facts of which no step changes anything; `left_out` those that time did not allow for.
    """
    return _Search(policy, facts, decision, language, is_wanted, longest).run()


class _Search:
    def __init__(
        self,
        policy: Policy,
        facts: Mapping[str, Any],
        decision: Decision,
        language: Language,
        is_wanted: Callable[[], bool],
        longest: float,
    ) -> None:
        self.policy = policy
        self.facts = facts
        self.decision = decision
        self.outcomes = Outcomes(policy, language)
        self.words = self.outcomes.words
        self.cited = Cited(decision, policy, language)
        self.is_wanted = is_wanted
        self.until = time.monotonic() + longest
        self.names = [name for name in result_names(policy.plan) if name not in ("next_change_at", "request_day")]
        self.before = self.outcomes.of(decision)
        self.rules_before = self.signature(decision)
        self.amounts_before = self.signature(decision, amounts=True)
        self.known = points(policy)

    # --- the whole

    def is_over(self) -> bool:
        """Say whether the search is to go no further."""
        return time.monotonic() > self.until or not self.is_wanted()

    def run(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        still: list[str] = []
        left_out: list[str] = []
        for place in self.places():
            label = self.label(place)
            if self.is_over():
                left_out.append(label)
                continue
            steps = list(self.steps(place))
            if steps:
                found.append({"path": list(place.path), "label": label, "now": self.value(place), "steps": steps})
            elif place.is_stated:
                still.append(label)
        return {
            "schema": 1,
            "time": self.coming(),
            "facts": found,
            "still": list(dict.fromkeys(still)),
            "left_out": list(dict.fromkeys(left_out)),
            **self.cited.entries(),
        }

    def places(self) -> list[Place]:
        """List the facts to step over: those that are stated, then those that are asked for, then defaults."""
        read = set(read_facts(self.policy))
        needs = set(self.decision.needs)
        own = {fact.name for fact in BUILT_IN["ticket"]}
        ticket = self.decision.ticket
        stated: list[Place] = []
        others: list[Place] = []
        for index, fact in enumerate(self.policy.pack.settings.facts["ticket"]):
            if fact.name not in read:
                continue
            is_own = fact.name in own
            value = ticket.values[index] if is_own else ticket.extra_values.get(fact.name)
            if not is_own and value is None:
                value = fact.default
            path = (fact.name,) if is_own else ("extra", fact.name)
            place = Place(fact=fact, path=path, general=fact.name, value=value, is_stated=self.at(path) is not None)
            if place.is_stated:
                stated.append(place)
            elif fact.name in needs or fact.absence == "default":
                others.append(place)
        for grain, field in LISTS.items():
            facts = self.policy.pack.settings.facts[grain]
            for number, record in enumerate(getattr(ticket, field)[:_MOST_RECORDS]):
                for index, fact in enumerate(facts):
                    general = path_of(grain, fact.name)
                    if general in read and record.values[index] is not None:
                        inner = (field, number, fact.name)
                        place = Place(
                            fact=fact,
                            path=inner,
                            general=general,
                            value=record.values[index],
                            is_stated=self.at(inner) is not None,
                        )
                        stated.append(place)
        return [*sorted(stated, key=_in_order), *sorted(others, key=lambda one: one.fact.name not in needs)]

    def at(self, path: tuple[str | int, ...]) -> Any:
        found: Any = self.facts
        for part in path:
            if isinstance(part, int):
                found = found[part]
            else:
                found = (found or {}).get(part)
        return found

    def label(self, place: Place) -> str:
        label = self.words.fact(place.fact.name)
        if len(place.path) == 3:
            number = int(place.path[1]) + 1
            return self.words(message("{fact}, no. {number}", fact=label, number=number))
        return label

    def value(self, place: Place, value: Value | None = None) -> str:
        shown = place.value if value is None else value
        # A length of time without any is no time; a measure of none is 0.
        return "0 h" if place.fact.kind == "duration" and shown == 0 else self.words.value(place.fact, shown)

    # --- deciding

    def decided(self, place: Place, value: Value) -> Decision | None:
        """Decide the ticket with another value of one fact; None where there is no such ticket."""
        facts: Any = dict(self.facts)
        inner = facts
        for part in place.path[:-1]:
            below = inner[part] if isinstance(part, int) else inner.get(part)
            below = list(below) if isinstance(below, list) else dict(below or {})
            inner[part] = below
            inner = below
        inner[place.path[-1]] = written_value(self.policy, place.fact, value)
        try:
            return self.policy.decide_s(self.policy.ticket(facts), self.decision.at_s)
        except PolicyError:
            return None

    def signature(self, decision: Decision, *, amounts: bool = False) -> Signature:
        """Tell which rules decide, and what they answer but for amounts and instants, unless these count too."""
        found: list[object] = []
        for name in self.names:
            column = self.policy.plan.columns[name]
            if column.grain == "ticket":
                found.append(_told(name, self.policy.column(decision, name), amounts))
            else:
                for number in range(len(decision.lines.get(column.grain, ()))):
                    cell = self.policy.child_column(decision, column.grain, number, name)
                    found.append(_told(name, cell, amounts))
        return tuple(found)

    # --- steps

    def steps(self, place: Place) -> Iterator[dict[str, Any]]:
        fact = place.fact
        if fact.kind == "bool" or fact.values or fact.kind == "text":
            yield from self.others(place)
        elif isinstance(place.value, int):
            for direction in (-1, 1):
                yield from self.towards(place, place.value, direction)

    def others(self, place: Place) -> Iterator[dict[str, Any]]:
        """Try every other word of a fact."""
        fact = place.fact
        words: list[Value] = [False, True] if fact.kind == "bool" else list(fact.values)
        if not words:
            words = [word for word in self.known.get(place.general, ()) if word is not None]
        merged: list[tuple[list[Value], list[dict[str, Any]]]] = []
        for word in [word for word in words if word != place.value][:_MOST_WORDS]:
            other = self.decided(place, word)
            if other is None or self.signature(other, amounts=True) == self.amounts_before:
                continue
            changes = self.changes(other)
            alike = next((alike for alike, found in merged if found == changes), None)
            if alike is not None:
                alike.append(word)
            elif changes:
                merged.append(([word], changes))
        for alike, changes in merged:
            named = self.words.listed(self.value(place, word) for word in alike)
            yield {"value": written_value(self.policy, place.fact, alike[0]), "text": named, "changes": changes}

    def towards(self, place: Place, value: int, direction: int) -> Iterator[dict[str, Any]]:
        """Find the nearest boundaries on one side of a measured fact."""
        by_rules = self.nearest(place, value, direction, lambda one: self.signature(one) != self.rules_before)
        is_amount = place.fact.kind not in ("date", "instant")
        if is_amount and not self.is_linear(place, value):
            by_amounts = self.nearest(
                place, value, direction, lambda one: self.signature(one, amounts=True) != self.amounts_before
            )
            if by_amounts is not None and by_amounts != by_rules:
                yield self.measured(place, by_amounts, direction)
        if by_rules is not None:
            yield self.measured(place, by_rules, direction)

    def measured(self, place: Place, value: int, direction: int) -> dict[str, Any]:
        other = self.decided(place, value)
        assert other is not None
        if place.fact.kind == "duration" and value % 60:
            # The wording knows no seconds beside hours: the boundary is said by its other side.
            near = self.value(place, value - direction)
            text = message("over {value}", value=near) if direction > 0 else message("under {value}", value=near)
        else:
            shown = self.value(place, value)
            text = message("from {value} on", value=shown) if direction > 0 else message("up to {value}", value=shown)
        written = written_value(self.policy, place.fact, value)
        return {"value": written, "text": self.words(text), "changes": self.changes(other)}

    def changes(self, other: Decision) -> list[dict[str, Any]]:
        return [self.told(one) for one in self.outcomes.changes(self.before, self.outcomes.of(other))]

    def told(self, one: Change) -> dict[str, Any]:
        rules = self.cited.keys(one.rules)
        return {"label": one.label, "before": one.before, "after": one.after, "is_list": one.is_list, "rules": rules}

    def is_linear(self, place: Place, value: int) -> bool:
        """Say whether the least step to either side changes an amount: then it is a price, and has no boundaries."""
        step = domain_of(place.fact).step or 1
        near = [self.decided(place, value + away) for away in (-step, step)]
        return all(other is not None and self.signature(other, amounts=True) != self.amounts_before for other in near)

    def nearest(self, place: Place, value: int, direction: int, differs: Callable[[Decision], bool]) -> int | None:
        """Find the value nearest to the present one, on one side, that is decided otherwise."""
        same = value
        for candidate in self.candidates(place, value, direction):
            if self.is_over():
                return None
            other = self.decided(place, candidate)
            if other is None:
                return None
            if differs(other):
                return self.closed_in(place, same, candidate, differs)
            same = candidate
        return None

    def closed_in(self, place: Place, same: int, other: int, differs: Callable[[Decision], bool]) -> int | None:
        """Halve the way between a value that is decided alike and one that is not, until a step lies between them."""
        step = domain_of(place.fact).step or 1
        while abs(other - same) > step:
            away = abs(other - same) // (2 * step) * step
            middle = same + (away if other > same else -away)
            found = self.decided(place, middle)
            if found is None:
                return None
            if differs(found):
                other = middle
            else:
                same = middle
        return other

    def candidates(self, place: Place, value: int, direction: int) -> list[int]:
        """List the values to try on one side, the nearest first."""
        domain = domain_of(place.fact)
        step = domain.step or 1
        reach = _REACH.get(place.fact.kind, _FARTHEST)
        found = {known for known in self.known.get(place.general, ()) if isinstance(known, int)}
        if place.fact.kind == "instant":
            found |= {edge + near for edge in self.instants() for near in (0, 1)}
        if place.fact.kind == "date":
            request = self.decision.column("request_day")
            found |= {request + near for near in (-1, 0, 1)} if isinstance(request, int) else set()
        away = step
        while away <= reach:
            found.add(value + direction * away)
            away *= 2
        low, high = domain.low, domain.high
        beyond = [
            one
            for one in found
            if 0 < (one - value) * direction <= reach and (low is None or one >= low) and (high is None or one <= high)
        ]
        ends = [end for end in (low, high) if end is not None and (end - value) * direction > 0]
        return sorted({*beyond, *ends}, key=lambda one: abs(one - value))[:_MOST_TRIES]

    def instants(self) -> list[int]:
        """List the instants of the decision: what is due, and when it was made."""
        found = [self.decision.at_s]
        for target in self.decision.targets.values():
            found += [int(at.timestamp()) for at in (target.due, target.start, target.end) if at is not None]
        return found

    # --- time

    def coming(self) -> list[dict[str, Any]]:
        """Follow what time alone changes, from one change to the next."""
        found: list[dict[str, Any]] = []
        decision, before = self.decision, self.before
        change: datetime | None = decision.next_change_at
        while change is not None and len(found) < _MOST_CHANGES:
            try:
                decision = self.policy.decide_s(decision.ticket, int(change.timestamp()))
                after = self.outcomes.of(decision)
                following = decision.next_change_at
            except PolicyError:
                break
            changes = [self.told(one) for one in self.outcomes.changes(before, after)]
            if changes:
                found.append({"at": int(change.timestamp()), "text": self.words.instant(change), "changes": changes})
            before, change = after, following
        return found


def _told(name: str, value: object, amounts: bool) -> object:
    if isinstance(value, bool | str) or value is None or name.endswith(("_row", "_fired")):
        return value
    if amounts and not name.endswith(("_due", "_end", "_days", "_day")):
        return value
    return ""


def _in_order(place: Place) -> int:
    """Put what is measured first: it has the boundaries that nobody sees."""
    kinds = ("distance", "area", "weight", "duration", "count", "money", "share", "date", "instant", "text", "bool")
    return kinds.index(place.fact.kind)
