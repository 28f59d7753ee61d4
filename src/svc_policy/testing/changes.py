"""Properties about a change: what two policies may decide differently, and by how much.

Each draws tickets aimed at where the policies differ (:func:`~svc_policy.testing.changed`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from hypothesis import settings as Settings  # noqa: N812 - a class by its nature
from hypothesis import strategies as st

from svc_policy.diff import Comparison
from svc_policy.diff.measures import is_money
from svc_policy.errors import Problem, UsageError, nearest, problem
from svc_policy.facts.registry import Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Message, message
from svc_policy.plan import result_names
from svc_policy.tables import Test, match, parse_test
from svc_policy.testing.aims import differing_rows
from svc_policy.testing.palette import Palette
from svc_policy.testing.running import DEFAULT, Failure, PropertyFailed, PropertyResult, Verdict, try_property
from svc_policy.testing.strategies import Situation, changed

if TYPE_CHECKING:
    from svc_policy.decision import Decision, RuleUse
    from svc_policy.policy import Policy

Where = Mapping[str, str] | Callable[["Decision"], bool]
#: What lies where two policies differ is rare: more tickets than a property of one policy takes.
CHANGES: Final = Settings(DEFAULT, max_examples=1_500)
#: How many differing results a failure tells of.
_MOST_TOLD: Final = 6
_WORSE_IF_FALSE: Final = (
    "in_warranty",
    "covered",
    "in_contract",
    "contract_labour",
    "contract_parts",
    "contract_visit",
)
#: The amounts that are judged, and of which a customer wants more.
_AMOUNTS: Final = ("payable", "compensation_allowed")
_FOR_THE_CUSTOMER: Final = ("compensation_allowed",)
_OF_PART: Final = ("part_in_warranty", "part_covered")


def only_changes(
    old: Policy,
    new: Policy,
    *,
    where: Where | None = None,
    results: Collection[str] = (),
    settings: Settings | None = None,
    seed: int | None = None,
) -> PropertyResult:
    """See that two policies decide alike, save where and in what they may differ.

    Args:
        old: The policy as it was.
        new: As it is to be.
        where: Where they may differ: facts and results by name with a test as in the cell of a table, all of which
            must hold of the ticket as the old policy decides it (``{"category": "A", "distance_km": "> 50 km"}``), or a
            function of the old decision. Nowhere unless given, if `results` is not given either.
        results: What may differ there: results by name, `*` for any letters, as in ``["fee_*", "total"]``; all,
            unless given.
        settings: Hypothesis's settings; the same examples in every run unless given.
        seed: Other examples than those.

    Amounts in two currencies are not compared: the result says so.

    Raises:
        PropertyFailed: They differ elsewhere, or in something else.
        UsageError: `where` names no fact or result, has a test that cannot be read, or `results` names nothing.
    """
    __tracebackhide__ = True
    lies_within = _region(old, where)
    _check_results(old, new, results)
    comparison = Comparison(old, new)
    blamed = _Blame(old, new)
    somewhere = where is not None or bool(results)
    comparable = _Comparable(old, new)

    def judge(situation: Situation) -> Verdict:
        before, after = situation.decide(old), situation.decide(new)
        found = comparison.differences(before, after)
        found = {name: pair for name, pair in found.items() if comparable(name, pair)}
        if not found:
            return False
        if somewhere and lies_within(before):
            found = {name: pair for name, pair in found.items() if results and not _is_named(name, results)}
        if not found:
            return True
        told = ", ".join(comparison.told(name, pair) for name, pair in list(found.items())[:_MOST_TOLD])
        return Failure(detail=message("it changes {told}", told=told), decision=after, rules=blamed(before, after))

    return _try(only_changes.__name__, old, new, judge, settings, seed)


def never_worse_for_customer(
    old: Policy, new: Policy, *, settings: Settings | None = None, seed: int | None = None
) -> PropertyResult:
    """See that no customer is worse off under the new policy.

    A customer is worse off where a coverage that was true (warranty, cover of the job or of a part, contract) is false,
    where the amount to pay is more, where a target is due later or is due no longer, or where less compensation is
    allowed. What one of the two leaves undetermined is not judged, nor are amounts in two currencies; the result says
    so.

    Raises:
        PropertyFailed: Somebody is.
    """
    __tracebackhide__ = True
    targets = [name for name in old.target_names() if name in new.target_names()]
    blamed = _Blame(old, new)
    amounts = () if _uncompared(old, new) is not None else _AMOUNTS

    def judge(situation: Situation) -> Verdict:
        before, after = situation.decide(old), situation.decide(new)
        judged = list(_judged(before, after, old, new, targets, amounts))
        worse = next((each for each in judged if each[3]), None)
        if worse is None:
            return bool(judged)
        name, one, other, _ = worse
        detail = message("`{name}` was {old} and is {new}", name=name, old=one, new=other)
        return Failure(detail=detail, decision=after, rules=blamed(before, after))

    return _try(never_worse_for_customer.__name__, old, new, judge, settings, seed)


def budget_within(
    old: Policy,
    new: Policy,
    tickets: Iterable[tuple[Ticket | Mapping[str, object], datetime]],
    percent: Decimal | int | str,
    *,
    amount: str = "total",
) -> PropertyResult:
    """See that what given tickets come to changes by no more than a share.

    Args:
        old: The policy as it was.
        new: As it is to be.
        tickets: Each with the instant of its decision. One that either policy leaves undetermined counts in neither.
        percent: The most by which the sums may differ, of the old sum, as in ``"2.5"``.
        amount: Which amount is added up: a column of money, `total` or `payable` of the quote, `penalty_most`, ….

    Raises:
        PropertyFailed: They differ by more; the ticket that changes most is the one that is told.
        UsageError: The policies have no such amount, or reckon in two currencies.
        TicketError: A ticket cannot be read.
    """
    __tracebackhide__ = True
    for policy in (old, new):
        if amount not in policy.plan.columns:
            raise UsageError([_no_result(amount, policy.plan.columns)])
    if (uncompared := _uncompared(old, new)) is not None:
        raise UsageError([problem("currencies-differ", uncompared, help=message("compare policies of one currency"))])
    before = after = tried = 0
    most: tuple[int, Ticket, datetime] | None = None
    for given, at in tickets:
        decisions = [policy.decide(_ready(policy, given), at=at) for policy in (old, new)]
        one, other = (decision.column(amount) for decision in decisions)
        if not isinstance(one, int) or not isinstance(other, int):
            continue
        before, after, tried = before + one, after + other, tried + 1
        if most is None or abs(other - one) > most[0]:
            most = abs(other - one), decisions[1].ticket, at
    if most is None or abs(after - before) * 100 <= Decimal(percent) * abs(before):
        return PropertyResult(name=budget_within.__name__, status="kept", tried=tried, relevant=tried)
    change = Decimal((after - before) * 100) / before if before else None
    told = message("from nothing") if change is None else f"{change.quantize(Decimal('0.01'), ROUND_HALF_UP):+f} %"
    detail = message(
        "`{amount}` of {count} tickets goes from {old} to {new} ({told}); this one changes most",
        amount=amount,
        count=tried,
        old=old.money(before),
        new=new.money(after),
        told=told,
    )
    situation = _Read(most[1], most[2])
    raise PropertyFailed(budget_within.__name__, new, situation, Failure(detail=detail, decision=situation.decide(new)))


class _Read(Situation):
    """A situation whose ticket has been read already."""

    def __init__(self, ticket: Ticket, at: datetime) -> None:
        super().__init__({}, at)
        object.__setattr__(self, "_read", ticket)

    def ticket(self, policy: Policy) -> Ticket:
        return self._read  # type: ignore[attr-defined, no-any-return]


def _ready(policy: Policy, given: Ticket | Mapping[str, object]) -> Ticket:
    return given if isinstance(given, Ticket) else policy.ticket(given)


def _try(
    name: str,
    old: Policy,
    new: Policy,
    judge: Callable[[Situation], Verdict],
    settings: Settings | None,
    seed: int | None,
) -> PropertyResult:
    __tracebackhide__ = True
    drawn = st.tuples(changed(old, new, decided_differently=False))
    palette = Palette(old, new)
    return try_property(
        name,
        new,
        drawn,
        judge,
        settings=settings or CHANGES,
        random_seed=seed,
        palette=palette,
        reason=_uncompared(old, new),
    )


def _uncompared(old: Policy, new: Policy) -> Message | None:
    """Say that amounts are not compared, where the policies reckon in two currencies."""
    one, other = (policy.pack.settings.currency for policy in (old, new))
    if one == other:
        return None
    return message("amounts are not compared: one policy reckons in {old}, the other in {new}", old=one, new=other)


class _Comparable:
    """Says whether a difference is one though amounts in two currencies are not compared."""

    def __init__(self, old: Policy, new: Policy) -> None:
        currencies = sorted({policy.pack.settings.currency for policy in (old, new)})
        self.all = len(currencies) == 1
        self._amount = re.compile(rf"-?\d[\d.]* ?({'|'.join(currencies)})\b")

    def __call__(self, name: str, pair: tuple[Any, Any]) -> bool:
        if self.all:
            return True
        if is_money(name.rpartition(" ")[2]):
            return False
        # What a row says names its amounts.
        one, other = (self._without_amounts(value) for value in pair)
        return bool(one != other)

    def _without_amounts(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._without_amounts(each) for each in value)
        return self._amount.sub("", value) if isinstance(value, str) else value


def _judged(
    before: Decision, after: Decision, old: Policy, new: Policy, targets: Iterable[str], amounts: Iterable[str]
) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield what is judged: its name, what it was and is, and whether the customer is worse off by it."""
    for name in _WORSE_IF_FALSE:
        if before.column(name) is True and (given := after.column(name)) is not None:
            yield name, True, given, given is False
    for number in range(len(before.ticket.parts)):
        for name in _OF_PART:
            pair = (old.child_column(before, "part", number, name), new.child_column(after, "part", number, name))
            if pair[0] is True and pair[1] is not None:
                yield f"part {number + 1} {name}", *pair, pair[1] is False
    for name in amounts:
        one, other = before.column(name), after.column(name)
        if isinstance(one, int) and isinstance(other, int):
            is_worse = other < one if name in _FOR_THE_CUSTOMER else other > one
            yield name, old.money(one), new.money(other), is_worse
    for target in targets:
        one, other = (decision.column(f"{target}_due") for decision in (before, after))
        undetermined = after.column(f"{target}_status") is None
        if isinstance(one, int) and (isinstance(other, int) or not undetermined):
            is_worse = not isinstance(other, int) or other > one
            yield f"{target}_due", old.instant(one), new.instant(other), is_worse


# --- where, and in what


def _region(policy: Policy, where: Where | None) -> Callable[[Decision], bool]:
    if where is None:
        return lambda _: True
    if callable(where):
        return where
    facts = {fact.name: fact for fact in policy.pack.settings.facts["ticket"]}
    problems: list[Problem] = []
    tests: list[tuple[str, Fact | None, Test]] = []
    for name, cell in where.items():
        fact = facts.get(name)
        if fact is None and name not in policy.plan.columns:
            problems.append(_no_result(name, (*facts, *policy.plan.columns)))
            continue
        kind = fact.kind if fact is not None else _kind_of(policy, name)
        test = parse_test(
            cell,
            kind,  # type: ignore[arg-type]
            problems=problems,
            currency=policy.pack.settings.currency,
            zone=policy.pack.settings.timezone,
            column=name,
        )
        if test is not None:
            tests.append((name, fact, test))
    if problems:
        raise UsageError(problems)
    return lambda decision: all(_holds(decision, *each) for each in tests)


def _kind_of(policy: Policy, name: str) -> str:
    """Name the kind of a result: money and days are counted in whole numbers, as in the plan."""
    kind = policy.plan.columns[name].leaf.type
    return {"int": "count", "bool": "bool"}.get(kind, "text")


def _holds(decision: Decision, name: str, fact: Fact | None, test: Test) -> bool:
    if fact is None:
        return match(test, decision.column(name), "none", {}) is True
    ticket: Ticket = decision.ticket
    if name in ticket.extra_values:
        return match(test, ticket.extra_values[name], "none", {}) is True
    from svc_policy.facts.normal import declared

    listed = dict(zip((each.name for each in declared("ticket", ticket.facts)), ticket.values, strict=True))
    return match(test, listed.get(name), "none", {}) is True


def _is_named(name: str, results: Collection[str]) -> bool:
    return any(fnmatchcase(each, pattern) for pattern in results for each in (name, name.rpartition(" ")[2]))


def _check_results(old: Policy, new: Policy, results: Collection[str]) -> None:
    known = {*result_names(old.plan), *result_names(new.plan)}
    problems = [
        _no_result(pattern, known) for pattern in results if not any(fnmatchcase(name, pattern) for name in known)
    ]
    if problems:
        raise UsageError(problems)


def _no_result(name: str, known: Iterable[str]) -> Problem:
    near = nearest(name, list(known))
    help_line = message("did you mean `{near}`?", near=near) if near else None
    return problem("result-unknown", message("there is no fact or result `{name}`", name=name), help=help_line)


class _Blame:
    """Names the rules behind a difference: those that fired and stand so in only one of the policies."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.all = tuple(differing_rows(old, new))
        self.differing = {(each.policy, each.row.file, each.row.line) for each in self.all}

    def __call__(self, before: Decision, after: Decision) -> tuple[RuleUse, ...]:
        found = [
            rule
            for decision in (after, before)
            for rule in decision.rules
            if (decision.policy, rule.file, rule.line) in self.differing
        ]
        # None fired: then it is the rows that no longer do, or that are not decided yet.
        return tuple(found) or tuple(
            each.policy.rule_use(each.family, each.row, certain=False) for each in self.all[:_MOST_TOLD]
        )


__all__ = ["budget_within", "never_worse_for_customer", "only_changes"]
