"""Decide the tickets of a record again: under the policies that decided them, or under another one."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from svc_policy import __version__
from svc_policy.decision import Decision
from svc_policy.errors import Place, PolicyError, Problem, problem
from svc_policy.messages import message
from svc_policy.policy import Policy
from svc_policy.record.dependence import Dependence
from svc_policy.record.head import located
from svc_policy.record.layout import Dates, Layouts
from svc_policy.record.lines import encode
from svc_policy.record.reading import Kept, Recorded, find, read_decisions

#: Results that count the rows of one policy's tables: another policy's rows have other numbers.
_OF_ROWS = ("_row", "_fired", "procedures_done", "procedures_next")
#: How the days that governed are named among the results.
_DATES = "dates."
#: What a policy says that has nothing to say: the same as not to have the result at all.
_SILENT = ("null", "0", "false", '"not applicable"', "[]")


@attrs.frozen(kw_only=True)
class Change:
    """One result that came out otherwise, in internal units; None where a policy has no such result."""

    result: str
    before: Any
    after: Any


@attrs.frozen(kw_only=True)
class Example:
    """One decision that came out otherwise."""

    line: int
    ticket_id: str
    at: str
    changes: tuple[Change, ...]
    rules_gone: tuple[str, ...]
    rules_new: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Replay:
    """What came of deciding a record again.

    `same` and `changed` count decisions of which everything could be decided
    again; `partly` those without a fact that rules read, or with amounts in
    another currency: what does not hang on it was compared, and `left` counts
    each result that was not. `failed` could not be decided at all. `results`
    and `rules` count changes by name, days that governed as `dates.request`.
    """

    path: str
    policy: str | None
    digest: str | None
    decisions: int
    same: int
    changed: int
    partly: int
    failed: int
    engines: Mapping[str, int]
    results: Mapping[str, int]
    rules_gone: Mapping[str, int]
    rules_new: Mapping[str, int]
    left: Mapping[str, int]
    left_facts: Mapping[str, int]
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]

    @property
    def is_same(self) -> bool:
        """Whether there are decisions, every one was decided again, and none came out otherwise."""
        return not (self.changed or self.failed or self.partly or self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON-ready data; problems in English."""
        found = attrs.asdict(self, filter=lambda field, _: field.name not in ("path", "problems"))
        problems = [
            {"code": one.code, "line": one.place.line if one.place else None, "message": one.message.text()}
            for one in self.problems
        ]
        return {"schema": 1, "log": self.path, "engine": __version__, **found, "problems": problems}


def replay(path: str | os.PathLike[str], policy: Policy | None = None, *, examples: int = 10) -> Replay:
    """Decide every ticket of a record again, at the instant at which it was decided.

    Under the policies that the record keeps every result must be the same, bit
    for bit. Under another policy the results of both are compared by their
    names, rules by their ids; amounts in different currencies are not compared.

    Args:
        path: The record.
        policy: Decides instead; the policies that decided unless given.
        examples: How many changed decisions to keep as examples.

    Raises:
        UsageError: The file cannot be read, is no record, or is of a newer library.
    """
    log = located(path)
    run = _Run(log, policy, examples)
    for one in read_decisions(log):
        if isinstance(one, Problem):
            run.problems.append(one)
        else:
            run.take(one)
    run.end()
    return run.replay()


class _Run:
    def __init__(self, path: Path, policy: Policy | None, examples: int) -> None:
        self.path = path
        self.policy = policy
        self.problems: list[Problem] = []
        self._most = examples
        self._kept = Kept(path)
        self._readings: dict[int, _Reading] = {}
        self._counts: Counter[str] = Counter()
        self._engines: Counter[str] = Counter()
        self._results: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._left_facts: Counter[str] = Counter()
        self._examples: list[Example] = []
        self._said: set[tuple[str, str]] = set()

    def take(self, recorded: Recorded) -> None:
        """Decide one ticket again and compare."""
        self._counts["decisions"] += 1
        self._engines[recorded.engine] += 1
        try:
            policy = self.policy or self._kept.of(recorded)
            decision = recorded.decide(policy)
        except PolicyError as error:
            self._counts["failed"] += 1
            self._say(error, recorded)
            return
        reading = self._of(policy)
        left = self._left_out(recorded, reading.dependence)
        again = reading.results(recorded, decision)
        amounts = self._uncompared(recorded, again, policy)
        if amounts:
            self._left.update({_plain(name) for name in amounts} - left)
        changes, gone, fresh = _otherwise(recorded, again, left, policy, amounts)
        if left or amounts:
            self._counts["partly"] += 1
        if changes or gone or fresh:
            self._counts["changed"] += 1
            self._count(changes, gone, fresh)
            if len(self._examples) < self._most:
                self._examples.append(
                    Example(
                        line=recorded.line,
                        ticket_id=str(recorded.ticket.get("ticket_id", "")),
                        at=str(recorded.body["at"]),
                        changes=changes,
                        rules_gone=gone,
                        rules_new=fresh,
                    )
                )
        elif not (left or amounts):
            self._counts["same"] += 1

    def end(self) -> None:
        """Say it where nothing was compared."""
        if not self._counts["decisions"] and not self.problems:
            text = message("the record has no decisions: nothing was compared")
            advice = message("`{command}` appends them", command="svc-policy record append")
            self.problems.append(
                problem("record-empty", text, place=Place(file=str(self.path)), help=advice, severity="warning")
            )

    def _of(self, policy: Policy) -> _Reading:
        found = self._readings.get(id(policy))
        if found is None:
            found = self._readings[id(policy)] = _Reading(policy)
        return found

    def _uncompared(self, recorded: Recorded, after: Mapping[str, Any], policy: Policy) -> frozenset[str]:
        """List the amounts that both have and that are of different currencies; says so once a currency."""
        currency = policy.pack.settings.currency
        if recorded.currency == currency:
            return frozenset()
        from svc_policy.diff.measures import is_money

        text = message(
            "the record counts in {old} and the policy in {new}: amounts of money are not compared",
            old=recorded.currency,
            new=currency,
        )
        if ("record-currency", text.text()) not in self._said:
            self._said.add(("record-currency", text.text()))
            advice = message("amounts that tickets state are read in the policy's currency, figure for figure")
            place = Place(file=str(self.path), line=recorded.line)
            self.problems.append(problem("record-currency", text, place=place, help=advice, severity="warning"))
        return frozenset(
            name
            for name, value in after.items()
            if value and recorded.results.get(name) and is_money(_plain(name)) and not name.endswith(_OF_ROWS)
        )

    def _left_out(self, recorded: Recorded, dependence: Dependence) -> frozenset[str]:
        if not recorded.taken_out:
            return frozenset()
        left = _open_in(dependence, recorded)
        shown = {_plain(name) for name in _results(recorded)} & left
        self._left.update(shown)
        if shown:
            read = (
                fact
                for fact in recorded.taken_out
                if (dependence.touched((fact,)) | _dates(dependence.dates((fact,)))) & shown
            )
            self._left_facts.update(fact.removeprefix("ticket.") for fact in read)
        return left if shown else frozenset()

    def _count(self, changes: tuple[Change, ...], gone: tuple[str, ...], fresh: tuple[str, ...]) -> None:
        self._results.update({_plain(one.result) for one in changes})
        self._gone.update({_of_rule(name) for name in gone})
        self._new.update({_of_rule(name) for name in fresh})

    def _say(self, error: PolicyError, recorded: Recorded) -> None:
        for one in error.problems:
            # A policy that is not there is said once, not for every decision.
            key = (one.code, one.message.text())
            if key not in self._said:
                self._said.add(key)
                self.problems.append(_at(one, self.path, recorded.line))

    def replay(self) -> Replay:
        """Give what was counted."""
        count = self._counts
        return Replay(
            path=str(self.path),
            policy=self.policy.id if self.policy else None,
            digest=self.policy.digest if self.policy else None,
            decisions=count["decisions"],
            same=count["same"],
            changed=count["changed"],
            partly=count["partly"],
            failed=count["failed"],
            engines=dict(self._engines),
            results=dict(self._results.most_common()),
            rules_gone=dict(self._gone.most_common()),
            rules_new=dict(self._new.most_common()),
            left=dict(sorted(self._left.items())),
            left_facts=dict(sorted(self._left_facts.items())),
            examples=tuple(self._examples),
            problems=tuple(self.problems),
        )


class _Reading:
    """What is needed of one policy to compare its decisions."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.dependence = Dependence(policy.plan)
        self._layouts = Layouts(policy)
        self._dates = Dates(policy)
        self._on = None if policy.fixed_on is None else policy.fixed_on.isoformat()

    def results(self, recorded: Recorded, decision: Decision) -> dict[str, Any]:
        """Give the results of a decision, and the days that governed it unless one of the two was asked for."""
        found = self._layouts.results(decision)
        days = json.loads(self._dates.text(decision)) if self._on == recorded.on else recorded.dates
        return found | {f"{_DATES}{name}": day for name, day in days.items()}


def _results(recorded: Recorded) -> dict[str, Any]:
    return {**recorded.results, **{f"{_DATES}{name}": day for name, day in recorded.dates.items()}}


def _dates(names: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{_DATES}{name}" for name in names)


def _open_in(dependence: Dependence, recorded: Recorded) -> frozenset[str]:
    """List what cannot be decided again without the facts that a record does not hold."""
    return dependence.touched(recorded.taken_out) | _dates(dependence.dates(recorded.taken_out))


def _otherwise(
    recorded: Recorded,
    after: dict[str, Any],
    left: frozenset[str],
    policy: Policy,
    uncompared: frozenset[str] = frozenset(),
) -> tuple[tuple[Change, ...], tuple[str, ...], tuple[str, ...]]:
    """List what came out otherwise, and the rules that are gone and new; `left` and `uncompared` results aside."""
    before = _results(recorded)
    for found in (before, after):
        for name in [name for name in found if name in uncompared or (name != "rules" and _plain(name) in left)]:
            del found[name]
    old, new = (_rules(found.pop("rules"), left, recorded.taken_out) for found in (before, after))
    changes = _compared(before, after, rows=policy.digest == recorded.digest)
    return changes, tuple(sorted((old - new).elements())), tuple(sorted((new - old).elements()))


def _compared(before: Mapping[str, Any], after: Mapping[str, Any], *, rows: bool) -> tuple[Change, ...]:
    """Compare results by name; those that count `rows` only where both are of one policy."""
    names = [*before, *(name for name in after if name not in before)]
    found = []
    for name in names:
        old, new = before.get(name), after.get(name)
        # `True` and 1 are equal in Python and are not the same answer.
        texts = encode(old), encode(new)
        if texts[0] == texts[1] or not (rows or not name.endswith(_OF_ROWS)):
            continue
        if (name in before and name in after) or not (texts[0] in _SILENT and texts[1] in _SILENT):
            found.append(Change(result=name, before=old, after=new))
    return tuple(found)


def _plain(name: str) -> str:
    """Name a result without the record that it is of: ``part_covered`` for ``part[0].part_covered``."""
    return name if name.startswith(_DATES) else name.rpartition(".")[2]


def _of_rule(name: str) -> str:
    return name.partition("@")[0]


def _rules(names: list[str], left: frozenset[str], taken_out: frozenset[str]) -> Counter[str]:
    """Count the rules of tables that could be decided again."""
    tables = {column.removesuffix("_row").removesuffix("_fired") for column in left if column.endswith(_OF_ROWS)}
    families = {Policy.family_of(table) for table in tables}
    # No column tells the rules of holds: they hang on the kind of each.
    families |= {"holds"} if "hold.hold_kind" in taken_out else set()
    if not families:
        return Counter(names)
    # Fields stand on forms: without the forms they are open too.
    families |= {"fields"} if "forms" in families else set()
    return Counter(name for name in names if name.partition(".")[0] not in families)


def _at(found: Problem, path: Path, line: int) -> Problem:
    return attrs.evolve(found, place=found.place or Place(file=str(path), line=line))


@attrs.frozen(kw_only=True, eq=False)
class Shown:
    """A decision of a record, decided again under its policy.

    `is_same` says whether every result came out as recorded; `left` are those that hang on facts left out, and
    `differs` says whether one of the others came out otherwise.
    """

    recorded: Recorded
    policy: Policy
    decision: Decision
    is_same: bool
    left: tuple[str, ...]
    differs: bool


def recall(path: str | os.PathLike[str], number: int) -> Shown:
    """Find the decision on a line of a record and decide it again under the policy that the record keeps.

    Args:
        path: The record.
        number: The number of its line, from 1.

    Raises:
        UsageError: There is no such decision, or its policy is not kept.
        PolicyError: It cannot be decided again.
    """
    log = located(path)
    recorded = find(log, number)
    policy = Kept(log).of(recorded)
    decision = recorded.decide(policy)
    reading = _Reading(policy)
    left = _open_in(reading.dependence, recorded) if recorded.taken_out else frozenset()
    again = reading.results(recorded, decision)
    before = _results(recorded)
    is_same = encode(dict(sorted(again.items()))) == encode(dict(sorted(before.items())))
    open_results = tuple(sorted({_plain(name) for name in before} & left))
    differs = not is_same and (not open_results or any(_otherwise(recorded, again, left, policy)))
    return Shown(
        recorded=recorded, policy=policy, decision=decision, is_same=is_same, left=open_results, differs=differs
    )
