"""Say what of a policy its cases touched: rules, bounds from both sides, words, editions, readings, clauses.

Beside them stands what the properties touch: tickets drawn on the bounds of the policy, as properties draw them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from svc_policy.errors import PolicyError
from svc_policy.facts.registry import LISTS
from svc_policy.messages import Message, message
from svc_policy.pack.cases import TICKET, Case, cases_of, outcome_of, uses_in
from svc_policy.pack.columns import condition_columns
from svc_policy.policy import Policy
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row
from svc_policy.tables import Operand, Reference, Test, all_of, canonical_operand, match
from svc_policy.testing.judging import drawn_from
from svc_policy.units import Literal as WrittenLiteral
from svc_policy.units import format_day

Kind = Literal["rule", "bound", "value", "edition", "interpretation", "clause"]

#: How many tickets are drawn where nothing else is said.
DRAWN: Final = 500
_DRAWN: Final = "drawn"
#: Tables that are asked of the ticket and of each of its parts.
_TWICE: Final = frozenset({"warranty", "exclusions"})

KINDS: Final[Mapping[Kind, Message]] = {
    "rule": message("rule"),
    "bound": message("side of a bound"),
    "value": message("value of a condition"),
    "edition": message("edition"),
    "interpretation": message("interpretation"),
    "clause": message("clause"),
}


@attrs.frozen(kw_only=True)
class Item:
    """One thing that a case can touch, where it stands, and the first case that did; None where none does.

    `is_drawn` says whether a drawn ticket touches it, as one that properties are tried on.

    A rule is touched where it holds, an edition likewise; a side of a bound where a case lies on it and meets the
    rule's other conditions; a value where a case has it; a reading and a clause where a rule that rests on it holds.
    """

    kind: Kind
    table: str
    name: str
    file: str
    line: int
    case: str | None = None
    is_drawn: bool = False

    @property
    def is_touched(self) -> bool:
        """Whether a case or a drawn ticket touches it."""
        return self.case is not None or self.is_drawn


@attrs.frozen(kw_only=True)
class Coverage:
    """What the cases of a policy touched, and `drawn` drawn tickets, in the order of its tables."""

    policy_id: str
    digest: str
    cases: int
    items: tuple[Item, ...]
    drawn: int = 0

    def of(self, kind: Kind) -> tuple[int, int]:
        """Count what the cases touch of a kind, and all there is of it."""
        found = [item for item in self.items if item.kind == kind]
        return sum(item.case is not None for item in found), len(found)

    def drawn_of(self, kind: Kind) -> int:
        """Count what drawn tickets touch of a kind."""
        return sum(item.is_drawn for item in self.items if item.kind == kind)

    @property
    def share(self) -> int | None:
        """The share that cases or drawn tickets touch, in basis points rounded down; None where there is nothing."""
        return _share(sum(item.is_touched for item in self.items), len(self.items))

    @property
    def share_of_cases(self) -> int | None:
        """The share that the cases touch, in basis points rounded down; None where there is nothing."""
        return _share(sum(item.case is not None for item in self.items), len(self.items))

    @property
    def untouched(self) -> tuple[Item, ...]:
        """What no case touches."""
        return tuple(item for item in self.items if item.case is None)


def _share(touched: int, count: int) -> int | None:
    return touched * 10_000 // count if count else None


def cover(policy: Policy, cases: Sequence[Case] | None = None, *, drawn: int = 0) -> Coverage:
    """Run the cases of a policy and note what they touch.

    Args:
        policy: The policy.
        cases: The cases; those of its pack unless given. A question that the policy refuses touches nothing.
        drawn: How many tickets are drawn beside them, the same in every run; none without Hypothesis.

    Raises:
        PackError: The cases cannot be read.
    """
    cases = cases_of(policy.pack) if cases is None else cases
    seen = _Seen(policy)
    for case in cases:
        seen.take(case)
    items = tuple(seen.items())
    beside = _Seen(policy)
    count = beside.take_drawn(drawn) if drawn else 0
    if count:
        items = tuple(
            attrs.evolve(item, is_drawn=other.case is not None)
            for item, other in zip(items, beside.items(), strict=True)
        )
    return Coverage(policy_id=policy.id, digest=policy.digest, cases=len(cases), items=items, drawn=count)


class _Seen:
    """Notes what cases touch: by each thing the first case that did."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.pack = policy.pack
        self.rows: dict[tuple[str, str, str, int], str] = {}
        self.sides: dict[tuple[str, int, str, int, str], str] = {}
        self.values: dict[tuple[str, object], str] = {}
        #: Where each case stands among all.
        self.order: dict[str, int] = {}
        #: The grains that state a fact: a cause is one of the ticket, and one of a part of its own.
        self.grains: dict[str, set[str]] = {}
        for grain, of in self.pack.settings.facts.items():
            for fact in of:
                self.grains.setdefault(fact.name, set()).add(grain)
        #: Values that are listed already: a fact is read by many tables.
        self.named: set[tuple[str, object]] = set()
        #: Dated parameters stand with their last value.
        self.parameters = {name: one.values[-1][1] for name, one in self.pack.settings.parameters.items()}

    def take(self, case: Case) -> None:
        """Put a case's question to the policy."""
        self.order.setdefault(case.name, len(self.order))
        try:
            if case.kind == TICKET:
                at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=self.policy.zone)
                self._take_decision(case.name, self.policy.decide(case.ticket, at=at))
            else:
                for found in uses_in(outcome_of(self.policy, case)):
                    if found.get("certain", True):
                        key = (found["table"], found["rule"], found["file"], found["line"])
                        self.rows.setdefault(key, case.name)
        except PolicyError:
            return

    def take_drawn(self, count: int) -> int:
        """Decide drawn tickets, and say how many there were."""
        try:
            from svc_policy.testing.strategies import situations
        except ImportError:
            return 0
        drawn = drawn_from(situations(self.policy), count)
        self.order[_DRAWN] = 0
        for situation in drawn:
            try:
                self._take_decision(_DRAWN, situation.decide(self.policy))
            except PolicyError:
                continue
        return len(drawn)

    def _take_decision(self, case: str, decision: Any) -> None:
        for use in decision.rules:
            if use.certain:
                self.rows.setdefault((use.table, use.rule, use.file, use.line), case)
        self._take_facts(case, decision)

    def _take_facts(self, case: str, decision: Any) -> None:
        for table, rows in self.pack.rows.items():
            grain = FAMILIES[table].grain
            records: list[int | None] = [None]
            if grain in LISTS:
                numbers = range(len(getattr(decision.ticket, LISTS[grain])))  # type: ignore[index]
                # The same rows say what is covered of the whole, and of each part.
                records = [None, *numbers] if table in _TWICE else list(numbers)
            names = list(dict.fromkeys(name for row in rows for name in row.tests))
            for number in records:
                known = {name: self._value(decision, name, grain, number) for name in names}
                for name, value in known.items():
                    if value is not None:
                        self.values.setdefault((name, value), case)
                for row in rows:
                    self._take_sides(case, table, row, known)

    def _value(self, decision: Any, name: str, grain: str, number: int | None) -> Any:
        """Take the value of a fact or an earlier result; None where it is absent, unknown, or no one's."""
        places = self.grains.get(name)
        if places is not None:
            if number is not None and grain in places:
                return self._facts(getattr(decision.ticket, LISTS[grain])[number], grain).get(name)  # type: ignore[index]
            return self._facts(decision.ticket, "ticket").get(name) if "ticket" in places else None
        if name in self.parameters:
            return self.parameters[name].value
        found = decision.column(name)
        if found is None and number is not None:
            found = self.policy.child_column(decision, grain, number, name)
        column = self.policy.plan.columns.get(name)
        return bool(found) if found is not None and column is not None and column.leaf.type == "bool" else found

    def _facts(self, record: Any, grain: str) -> dict[str, Any]:
        from svc_policy.facts.registry import BUILT_IN

        found = dict(zip((fact.name for fact in BUILT_IN[grain]), record.values, strict=True))  # type: ignore[index]
        return {**found, **getattr(record, "extra_values", {})}

    def _take_sides(self, case: str, table: str, row: Row, known: Mapping[str, Any]) -> None:
        bounded = [(name, test) for name, test in row.tests.items() if any(_bounds(test))]
        if not bounded:
            return
        truths = {name: match(test, known.get(name), parameters=self.parameters) for name, test in row.tests.items()}
        for name, test in bounded:
            value = known.get(name)
            others = all_of(truth for other, truth in truths.items() if other != name)
            if others is False or type(value) is not int:
                continue
            for index, (bound, is_above) in enumerate(_bounds(test)):
                limit = self.parameters[bound.name] if isinstance(bound, Reference) else bound
                assert isinstance(limit.value, int)
                side = "above" if value > limit.value or (value == limit.value and is_above) else "below"
                self.sides.setdefault((table, id(row), name, index, side), case)

    # --- what there is

    def items(self) -> Iterator[Item]:
        """List everything that could be touched."""
        for table, rows in self.pack.rows.items():
            yield from self._of_table(table, rows)
        touched: dict[str, str] = {}
        cited: dict[str, str] = {}
        for table, rows in self.pack.rows.items():
            for row in rows:
                case = self.rows.get((table, row.id, row.file, row.line))
                if case is not None:
                    for name in row.rests_on:
                        touched[name] = self._first(touched.get(name), case)
                    for clause in row.cites:
                        cited[clause] = self._first(cited.get(clause), case)
        file = self.pack.files.texts["policy"][1] if "policy" in self.pack.files.texts else "policy"
        for name, reading in self.pack.settings.interpretations.items():
            yield Item(
                kind="interpretation", table="policy", name=name, file=file, line=reading.line, case=touched.get(name)
            )
            if name in touched:
                for clause in reading.cites:
                    cited[clause] = self._first(cited.get(clause), touched[name])
        sheet = self.pack.files.sheets.get("clauses")
        lines = {row[0].text.strip(): row[0].place.line or 0 for row in sheet.rows if row[0].place} if sheet else {}
        for clause in self.pack.clauses:
            yield Item(
                kind="clause",
                table="clauses",
                name=clause,
                file=sheet.file if sheet else "clauses",
                line=lines.get(clause, 0),
                case=cited.get(clause),
            )

    def _first(self, one: str | None, other: str) -> str:
        """Give that of two cases which stands first."""
        return other if one is None or self.order[other] < self.order[one] else one

    def _of_table(self, table: str, rows: Sequence[Row]) -> Iterator[Item]:
        specs = {spec.name: spec for spec in condition_columns(FAMILIES[table], tuple(FAMILIES), self.pack.settings)}
        editions = {row.id for row in rows if row.since is not None or row.until is not None}
        for row in rows:
            case = self.rows.get((table, row.id, row.file, row.line))
            at: dict[str, Any] = {"table": table, "file": row.file, "line": row.line}
            yield Item(kind="rule", name=row.id, case=case, **at)
            if row.id in editions:
                first = "…" if row.since is None else format_day(row.since)
                last = "…" if row.until is None else format_day(row.until)
                yield Item(kind="edition", name=f"{row.id} {first} … {last}".replace("… …", "…"), case=case, **at)
            for name, test in row.tests.items():
                if FAMILIES[table].grain == "none" or name in self.parameters:
                    continue
                for index, (bound, _) in enumerate(_bounds(test)):
                    for side, sign in (("below", "↓"), ("above", "↑")):
                        found = self.sides.get((table, id(row), name, index, side))
                        yield Item(
                            kind="bound", name=f"{row.id}: {name} {sign} {canonical_operand(bound)}", case=found, **at
                        )
                values = dict.fromkeys((specs[name].values if name in specs else None) or ())
                for value in (*values, *_words(test)) if not test.any else ():
                    if (name, value) not in self.named and name in {*self.grains, *self.policy.plan.columns}:
                        self.named.add((name, value))
                        shown = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else value
                        yield Item(kind="value", name=f"{name} = {shown}", case=self.values.get((name, value)), **at)


def _bounds(test: Test) -> Iterator[tuple[Operand, bool]]:
    """Give the bounds of a condition, each with whether the bound itself lies above the cut.

    `<= 5` cuts between 5 and what is more, `< 5` between 5 and what is less.
    """
    for item in test.items:
        if item.is_single:
            continue
        if item.low is not None:
            yield item.low, item.low_closed
        if item.high is not None:
            yield item.high, not item.high_closed


def _words(test: Test) -> Iterator[object]:
    for item in test.items:
        if item.is_single and isinstance(item.low, WrittenLiteral) and not isinstance(item.low.value, int):
            yield item.low.value
        if item.is_single and isinstance(item.low, WrittenLiteral) and isinstance(item.low.value, bool):
            yield from (True, False)
