"""Look for a ticket that tells a changed policy from the unchanged one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.errors import PolicyError
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.messages import Message, message
from svc_policy.pack.cases import Case, outcome_of
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row
from svc_policy.tables import Reference, Test
from svc_policy.testing.mutants import Mutant
from svc_policy.testing.switching import Asked, Changed, Line, Trial
from svc_policy.units import Literal as WrittenLiteral

if TYPE_CHECKING:
    from svc_policy.testing.mutation import Prepared

#: Tickets that are tried, and decisions that are written out, before a change is said to change nothing.
MOST_TRIED: Final = 800
MOST_WRITTEN: Final = 40
MOST_ALIKE: Final = 24
#: Questions of cases that are asked of a longer time as well.
MOST_LONGER: Final = 6
#: Tables that only statistics read.
_COSTS: Final = frozenset({"budgets", "stock"})
#: Tables whose results turn with time.
_TURNING: Final = frozenset({"deadlines", "holds", "escalations", "late_penalties"})
DAY: Final = 86_400


@attrs.frozen(kw_only=True)
class Told:
    """Whether a ticket tells a change: the case that it is made from and the facts that are others there.

    That none was found is no proof that there is none.
    """

    is_apart: bool
    case: str | None = None
    facts: Mapping[str, str] = attrs.field(factory=dict)
    reason: Message | None = None


def tell_apart(trial: Trial, tickets: Sequence[Prepared], others: Sequence[Case]) -> Told:
    """Try the tickets of the cases, then those tickets with the row's conditions met, on and beside each bound."""
    assert trial.policy is not None
    trial.policy.keys = None
    mutant = trial.mutant
    if mutant.table in ("schedules", "staffing", "budgets", "stock"):
        return _by_questions(trial, others)
    tried = written = alike = 0
    for one, asked, facts, at_s in _moments(trial, tickets):
        if tried >= MOST_TRIED or written >= MOST_WRITTEN:
            break
        tried += 1
        try:
            differs = trial.way != "seen" and trial.policy.columns(asked, at_s) != trial.base.columns(asked, at_s)
            if not differs:
                if alike >= MOST_ALIKE or not _is_shown(trial, asked, at_s):
                    continue
                alike += 1
            written += differs
            before = trial.base.decide_s(asked, at_s).to_dict()
            after = trial.policy.decide_s(asked, at_s).to_dict()
        except Exception:  # noqa: S112
            # A ticket that no reader would take: its facts contradict each other.
            continue
        if before != after:
            return Told(is_apart=True, case=one.case.name, facts=facts)
    if mutant.settings is not None:
        for case in others:
            if case.kind != "statistics" and _differs(trial, case):
                return Told(is_apart=True, case=case.name)
    if not _can_vary(trial):
        return Told(is_apart=False, reason=message("no ticket could be made on both sides of it: it is computed"))
    return Told(
        is_apart=False,
        reason=message(
            "no ticket is decided otherwise, of {count} made from the cases on and beside its bounds", count=tried
        ),
    )


def _can_vary(trial: Trial) -> bool:
    """Say whether tickets could be made on both sides of what changed: not of a bound of what is computed."""
    mutant = trial.mutant
    facts = _Facts(trial.base.pack.settings.facts)  # type: ignore[arg-type]
    if mutant.change == "bound" or (mutant.change in ("value", "amount") and not mutant.column.startswith("then: ")):
        if mutant.column == "value":
            return not any(
                isinstance(bound, Reference) and bound.name == mutant.rule and not facts.knows(name)
                for rows in trial.base.pack.rows.values()
                for row in rows
                for name, test in row.tests.items()
                for item in test.items
                for bound in (item.low, item.high)
            )
        row = mutant.rows[0][0] if mutant.rows else None
        test = row.tests.get(mutant.column) if row is not None else None
        return test is None or test.kind in ("text", "bool") or facts.knows(mutant.column)
    return True


def _differs(trial: Trial, case: Case) -> bool:
    assert trial.policy is not None
    try:
        return outcome_of(trial.base, case) != outcome_of(trial.policy, case)
    except PolicyError:
        return False


def _by_questions(trial: Trial, others: Sequence[Case]) -> Told:
    """Ask both policies the questions of the cases, and the same of a longer time or a larger workload."""
    assert trial.policy is not None
    mutant = trial.mutant
    tables = (mutant.table, mutant.table.removesuffix("s"))
    asking = [case for case in others if case.kind in (("statistics",) if mutant.table in _COSTS else tables)]
    asking.sort(key=lambda case: mutant.rules.isdisjoint(case.rules))
    tried = 0
    # The cases as they are have been asked already, but for what they do not expect.
    for asked in (*asking, *(longer for case in asking[:MOST_LONGER] for longer in _longer(case))):
        tried += 1
        try:
            if outcome_of(trial.base, asked) != outcome_of(trial.policy, asked):
                return Told(is_apart=True, case=asked.name)
        except PolicyError:
            continue
    return Told(
        is_apart=False,
        reason=message("no answer is another one, of {count} questions of the cases and longer ones", count=tried),
    )


def _longer(case: Case) -> Iterator[Case]:
    """Ask for a longer time, or for other workloads."""
    if case.kind == "schedule":
        first = str(case.arguments["from_"])
        year = date.fromisoformat(first[:10]).year
        yield attrs.evolve(case, arguments={**case.arguments, "from_": f"{year}-01-01", "until": f"{year + 1}-12-31"})
    if case.kind == "staffing":
        workload = case.arguments.get("workload")
        if isinstance(workload, Mapping):
            for by in (-1, 0, 1, 2, 3, 7, 50, 1000):
                more = {name: max(0, count + by) for name, count in workload.items()}
                yield attrs.evolve(case, arguments={**case.arguments, "workload": more})


def _is_shown(trial: Trial, asked: Asked, at_s: int) -> bool:
    """Say whether a decision may show what changed though its columns are the same: it rests on the changed row."""
    mutant = trial.mutant
    if mutant.table == "holds":
        # Which rule a hold is of is read off the row itself.
        return bool(asked.ticket.holds)
    if trial.way == "switch" and mutant.change != "drop" and not mutant.column.startswith("then: "):
        return False
    decision = trial.base.decide_s(asked, at_s)
    moves = mutant.table == "fields" and not mutant.column.startswith("then: ")
    return any(f"{use.table}.{use.rule}" in mutant.rules or (moves and use.table == "forms") for use in decision.rules)


def _moments(trial: Trial, tickets: Sequence[Prepared]) -> Iterator[tuple[Prepared, Asked, dict[str, str], int]]:
    """Give tickets with the instants at which they are decided: that of their case, and where the decision turns."""
    turns = trial.mutant.table in _TURNING or not _TURNING.isdisjoint(
        rule.partition(".")[0] for rule in trial.mutant.rules
    )
    for one, asked, facts in _tickets(trial, tickets):
        yield one, asked, facts, one.at_s
        at_s = one.at_s
        for _ in range(3 if turns else 0):
            try:
                found = trial.base.columns(asked, at_s).get("next_change_at")
            except Exception:
                break
            if not isinstance(found, int):
                break
            at_s = found
            yield one, asked, {**facts, "at": trial.base.clock(at_s)}, at_s


def _tickets(trial: Trial, tickets: Sequence[Prepared]) -> Iterator[tuple[Prepared, Asked, dict[str, str]]]:
    """Give the tickets of the cases as they are, those that rest on the row first, then changed ones."""
    mutant = trial.mutant
    rules = mutant.rules
    ordered = sorted(tickets, key=lambda one: rules.isdisjoint(one.uses))
    yield from ((one, one.asked, {}) for one in ordered)
    if not mutant.rows:
        return
    facts = _Facts(trial.base.pack.settings.facts)  # type: ignore[arg-type]
    row, changed = mutant.rows[0]
    wishes = list(_wishes(mutant, row, changed, facts))
    for one in ordered:
        for wish in wishes:
            made = facts.with_values(one, wish)
            if made is not None:
                yield one, made, {name: facts.shown(name, value) for name, value in wish.items()}


def _wishes(mutant: Mutant, row: Row, changed: Row | None, facts: _Facts) -> Iterator[dict[str, Any]]:
    """Give the facts under which the row holds, with the values on and beside what changed."""
    met: dict[str, Any] = {}
    days = sorted({day for one in (row, changed) if one for day in (one.since, one.until) if day is not None})
    governing = {"purchase": "purchased_on", "fee": "quoted_at", "incident": "occurred_on"}.get(
        FAMILIES[mutant.table].governing if mutant.table in FAMILIES else "request", "received_at"
    )

    def on(day: int) -> dict[str, Any]:
        # Noon somewhere on that day, whatever the zone.
        return {governing: day if governing.endswith("_on") else day * DAY + DAY // 4}

    if row.since is not None:
        met.update(on(row.since))
    elif row.until is not None:
        met.update(on(row.until - 1))
    for name, test in row.tests.items():
        if not test.any and facts.knows(name):
            found = next(iter(_values_in(test)), None)
            if found is not None or test.missing:
                met[name] = found
    yield met
    column = mutant.column
    if changed is not None and column in row.tests and facts.knows(column):
        values = [*_bounds_of(row.tests[column]), *_bounds_of(changed.tests[column])]
        for value in dict.fromkeys(values):
            yield {**met, column: value}
    if mutant.change == "date" and column in ("from", "until", "until, from"):
        for day in sorted({day + by for day in days for by in (-1, 0)}):
            yield {**met, **on(day)}


def _bounds_of(test: Test) -> list[Any]:
    found: list[Any] = []
    for item in test.items:
        for bound in (item.low, item.high):
            if isinstance(bound, WrittenLiteral):
                value = bound.value
                found += [value - 1, value, value + 1] if type(value) is int else [value]
    return found


def _values_in(test: Test) -> Iterator[Any]:
    """Give values of which a condition holds."""
    from svc_policy.tables import match

    bounds = [bound for item in test.items for bound in (item.low, item.high)]
    references = {bound.name: None for bound in bounds if isinstance(bound, Reference)}
    candidates = [*_bounds_of(test), True, False] if test.kind == "bool" else _bounds_of(test)
    if test.negated and test.kind == "text":
        candidates = [*candidates, "other"]
    for value in candidates:
        if match(test, value, parameters=references):
            yield value


class _Facts:
    """Knows where the facts of tickets stand."""

    def __init__(self, declared: Mapping[str, Sequence[Fact]]) -> None:
        self.places: dict[str, tuple[str, int | None, Fact]] = {}
        for grain in reversed(list(declared)):
            names = [fact.name for fact in BUILT_IN[grain]]  # type: ignore[index]
            for fact in declared[grain]:
                self.places[fact.name] = (grain, names.index(fact.name) if fact.name in names else None, fact)

    def knows(self, name: str) -> bool:
        """Say whether a name is one of a stated fact."""
        return name in self.places

    def shown(self, name: str, value: Any) -> str:
        """Show a value as a cell would hold it."""
        from svc_policy.units import format_literal

        if value is None:
            return "-"
        try:
            return format_literal(WrittenLiteral(self.places[name][2].kind, value))
        except (KeyError, ValueError, TypeError, PolicyError):
            return str(value)

    def with_values(self, one: Prepared, wish: Mapping[str, Any]) -> Asked | None:
        """Give a ticket with other values; None where it lacks the record that they belong to."""
        values = list(one.asked.values)
        extra: dict[str, object] = {}
        lines: dict[str, list[list[Any]]] = {}
        for name, value in wish.items():
            grain, index, fact = self.places[name]
            stated = fact.default if value is None else value
            if grain != "ticket":
                from svc_policy.facts.registry import LISTS

                records = getattr(one.asked.ticket, LISTS[grain])  # type: ignore[index]
                if not records or index is None:
                    return None
                for line in lines.setdefault(grain, [list(record.values) for record in records]):
                    line[index] = stated
            elif index is None:
                extra[name] = stated
            else:
                values[index] = stated
        made = {
            grain: tuple(Line(record, tuple(line)) for record, line in zip(_records(one, grain), of, strict=True))
            for grain, of in lines.items()
        }
        return Asked(one.asked.ticket, 0, tuple(values), extra, made)


def _records(one: Prepared, grain: str) -> Sequence[Any]:
    from svc_policy.facts.registry import LISTS

    return getattr(one.asked.ticket, LISTS[grain])  # type: ignore[index, no-any-return]


__all__ = ["Changed", "Told", "tell_apart"]
