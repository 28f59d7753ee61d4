"""Watched rules as a ruleset of durable-rules: the conditions of each row, matched by that engine.

Each row becomes a rule over the facts of one ticket, joined with the clock of
its target by the ticket's name::

    all: t   what = "ticket", live_arrived = 1, p0 = "fault"
         c   what = "reached", rule = 4, ticket = t.ticket

A subject that a row reads is a property of the ticket's fact (``p0``, ``p1`` …).
Three values come down to two: a row fires where it is true. Of a subject
without a value it is said that there is none (``n0``), and that it is known
that there is none (``a0``), which is what ``not(...)`` holds of. What hangs on
days (editions of a row, values of its parameters) becomes a rule for each span
of days on which nothing of that changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Governing, Row
from svc_policy.statistics.rows import parameters_on
from svc_policy.tables import Interval, Reference, Test, match
from svc_policy.tables.matching import resolve

if TYPE_CHECKING:
    from svc_policy.adapters.live.judging import WatchedRule
    from svc_policy.policy import Policy

Condition = dict[str, Any]
#: Compared with nothing: a value that no subject has.
_NEVER: Condition = {"never": 1}
_EPOCH_ORDINAL = 719_163


@attrs.frozen(kw_only=True)
class Compiled:
    """A ruleset: conditions by rule name, which watched rule each is, and the subjects by their properties."""

    rules: Mapping[str, Condition]
    numbers: Mapping[str, int]
    subjects: Mapping[str, int]
    governing: tuple[Governing, ...]


def compile_rules(policy: Policy, watched: Iterable[WatchedRule]) -> Compiled:
    """Write the watched rules of a policy as conditions of durable-rules.

    Raises:
        UsageError: A watched rule is governed by a day that is no day of the ticket.
    """
    rules: dict[str, Condition] = {}
    numbers: dict[str, int] = {}
    subjects: dict[str, int] = {}
    governing: dict[Governing, None] = {}
    for number, rule in enumerate(watched):
        family = FAMILIES[policy.family_of(rule.table)]
        if family.governing not in policy.plan.days:
            text = message("the table `{table}` cannot be watched by durable-rules", table=rule.table)
            raise UsageError([problem("durable-table", text)])
        governing[family.governing] = None
        own = {item.name for item in family.conditions}
        for span, (since, until) in enumerate(_spans(policy, rule.row)):
            day = since if since is not None else until - 1 if until is not None else 0
            values = parameters_on(policy, day)
            parts: list[Condition] = [{"what": "ticket"}]
            if since is not None:
                parts.append({"$gte": {f"day_{family.governing}": since}})
            if until is not None:
                parts.append({"$lt": {f"day_{family.governing}": until}})
            if rule.target:
                parts.append({f"live_{rule.target}": 1})
            for name, test in rule.row.tests.items():
                if name in own or test.any:
                    continue
                if name in values:
                    if match(test, values[name], parameters=values) is not True:
                        parts.append(_NEVER)
                else:
                    parts.append(_condition(test, subjects.setdefault(name, len(subjects)), values))
            antecedents: list[Condition] = [{"t": {"$and": parts}}]
            if rule.target:
                reached = [{"what": "reached"}, {"rule": number}, {"ticket": {"t": "ticket"}}]
                antecedents.append({"c": {"$and": reached}})
            rules[f"r{number}_{span}"] = {"all": antecedents}
            numbers[f"r{number}_{span}"] = number
    return Compiled(rules=rules, numbers=numbers, subjects=subjects, governing=tuple(governing))


def _spans(policy: Policy, row: Row) -> Iterator[tuple[int | None, int | None]]:
    """Cut the days on which a row is in force where a value changes that it reads; None is no end."""
    parameters = policy.pack.settings.parameters
    named = {name for name in row.tests if name in parameters}
    for test in row.tests.values():
        for item in test.items:
            named.update(bound.name for bound in (item.low, item.high) if isinstance(bound, Reference))
    cuts = {since for name in named for since, _ in parameters[name].values[1:] if since is not None}
    if policy.fixed_on is not None:
        day = policy.fixed_on.toordinal() - _EPOCH_ORDINAL
        if (row.since is None or row.since <= day) and (row.until is None or day < row.until):
            # All governing days are this one, whatever the ticket says; parameters are read on it.
            yield None, None
        return
    inner = sorted(
        cut for cut in cuts if (row.since is None or row.since < cut) and (row.until is None or cut < row.until)
    )
    begins: list[int | None] = [row.since, *inner]
    ends: list[int | None] = [*inner, row.until]
    yield from zip(begins, ends, strict=True)


def _condition(test: Test, subject: int, values: Mapping[str, Any]) -> Condition:
    """Write a test over the properties of a subject."""
    if not test.negated:
        parts = [_within(item, subject, values) for item in test.items]
        if test.missing:
            parts.append({f"n{subject}": 1})
        return _joined("$or", parts)
    outside = _joined("$and", [_outside(item, subject, values) for item in test.items] or [{f"s{subject}": 1}])
    # `not(missing, …)` does not hold of what is missing; `not(…)` does where it is known that there is none.
    return outside if test.missing else _joined("$or", [outside, {f"a{subject}": 1}])


def _within(item: Interval, subject: int, values: Mapping[str, Any]) -> Condition:
    name = f"p{subject}"
    if item.is_single and item.low is not None:
        return {name: _plain(resolve(item.low, values))}
    parts: list[Condition] = []
    if item.low is not None:
        parts.append({"$gte" if item.low_closed else "$gt": {name: _plain(resolve(item.low, values))}})
    if item.high is not None:
        parts.append({"$lte" if item.high_closed else "$lt": {name: _plain(resolve(item.high, values))}})
    return _joined("$and", parts)


def _outside(item: Interval, subject: int, values: Mapping[str, Any]) -> Condition:
    name = f"p{subject}"
    if item.is_single and item.low is not None:
        return {"$neq": {name: _plain(resolve(item.low, values))}}
    parts: list[Condition] = []
    if item.low is not None:
        parts.append({"$lt" if item.low_closed else "$lte": {name: _plain(resolve(item.low, values))}})
    if item.high is not None:
        parts.append({"$gt" if item.high_closed else "$gte": {name: _plain(resolve(item.high, values))}})
    return _joined("$or", parts)


def _joined(word: str, parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else {word: parts}


def _plain(value: object) -> object:
    # Yes and no are 1 and 0 to that engine.
    return int(value) if isinstance(value, bool) else value


__all__ = ["Compiled", "compile_rules"]
