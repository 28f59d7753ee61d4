"""The rows behind an answer in words: when each applies, what it says, which clauses and readings it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from svc_policy.book.phrases import Phrases
from svc_policy.book.tables import Rule, Table, Tables, rule_anchors
from svc_policy.decision import Decision, RuleUse
from svc_policy.facts.normal import EPOCH_DAY
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Language, message
from svc_policy.rules import FAMILIES

if TYPE_CHECKING:
    from svc_policy.policy import Policy


#: Tables whose rows are steps, papers and duties: many apply at once, and none of them is the answer.
LISTED: Final = frozenset({"intake", "routing", "procedures", "forms", "fields", "checklists", "surveys", "duties"})


class Cited:
    """Gathers the rows, clauses and readings that an answer rests on, each once, as the answer is put together."""

    def __init__(self, decision: Decision, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.language = language
        self.day = day_of(decision)
        self._uses: dict[str, RuleUse] = {}

    def keys(self, rules: Iterable[RuleUse | None]) -> list[str]:
        """Name the rows of rules, each once; the page shows the clauses that they cite."""
        found: dict[str, None] = {}
        for use in rules:
            if use is not None:
                key = key_of(self.policy, use)
                self._uses[key] = use
                found[key] = None
        return list(found)

    def entries(self) -> dict[str, Any]:
        """Give what was gathered: rows by key, clauses by id, readings by name."""
        known = _by_key(self.policy, self.language, self.day)
        rules = {key: _row(*known[key], use) for key, use in self._uses.items() if key in known}
        clauses = dict.fromkeys(clause for use in self._uses.values() for clause in use.cites)
        readings = dict.fromkeys(name for row in rules.values() for name in row["readings"])
        return {
            "rules": rules,
            "clauses": _clauses(self.policy, self.language, clauses),
            "readings": _readings(self.policy, self.language, readings),
        }


def tables_in_words(policy: Policy, decision: Decision, language: Language) -> dict[str, Any]:
    """Write every table that decides a ticket, and say of each row whether it made the decision.

    `state` of a row is `applies`, `may apply` (something is still to be asked), or nothing; `subjects` says to what
    of the ticket it was applied. Rows stand in the order of the table, tables in the order in which they decide.
    """
    used: dict[str, list[RuleUse]] = {}
    for use in decision.rules:
        used.setdefault(key_of(policy, use), []).append(use)
    open_ones = _may_apply(policy, decision)
    words = Phrases(policy, language)
    tables = []
    clauses: dict[str, None] = {}
    readings: dict[str, None] = {}
    for table in _tables(policy, language, day_of(decision)):
        if FAMILIES[table.name].grain == "none" and table.name != "fields":
            continue
        rows = []
        for rule in table.rules:
            uses = used.get(rule.anchor, [])
            clauses.update(dict.fromkeys(rule.clauses))
            readings.update(dict.fromkeys(rule.readings))
            state = "applies" if uses else "may apply" if rule.anchor in open_ones else ""
            subjects = [_subject(words, use.subject) for use in uses] if any(use.subject for use in uses) else []
            rows.append(
                {
                    "key": rule.anchor,
                    "rule": rule.name,
                    "dates": rule.dates,
                    "out": rule.state,
                    "when": rule.when,
                    "cells": rule.cells,
                    "clauses": rule.clauses,
                    "readings": rule.readings,
                    "state": state,
                    "subjects": subjects,
                }
            )
        tables.append(
            {
                "name": table.name,
                "title": table.title,
                "about": table.about,
                "headings": table.headings,
                "illustrative": table.is_illustrative,
                "is_list": table.name in LISTED,
                "rows": rows,
            }
        )
    return {
        "schema": 1,
        "tables": tables,
        "clauses": _clauses(policy, language, clauses),
        "readings": _readings(policy, language, readings),
    }


def day_of(decision: Decision) -> int:
    """Give the day whose editions are told apart as in force: that of the request, else that of the decision."""
    request = decision.column("request_day")
    if request is not None:
        return int(request)
    at = decision.policy.instant(decision.at_s)  # type: ignore[attr-defined]
    return int(at.toordinal()) - EPOCH_DAY


def key_of(policy: Policy, use: RuleUse) -> str:
    """Name the row of a rule: the editions of a rule are told apart."""
    return _keys(policy).get((use.table, use.rule, use.file, use.line), f"rule-{use.table}-{use.rule}")


def _may_apply(policy: Policy, decision: Decision) -> frozenset[str]:
    """Name the rows of lists of which something is still to be asked."""
    found = set()
    for table, rows in policy.plan.tables.items():
        mask = int(policy.column(decision, f"{table}_unknown") or 0)
        for index, row in enumerate(rows):
            if mask >> index & 1:
                found.add(key_of(policy, policy.rule_use(policy.family_of(table), row)))
    return frozenset(found)


@lru_cache(32)
def _keys(policy: Policy) -> Mapping[tuple[str, str, str, int], str]:
    anchors = rule_anchors(policy.pack.rows)
    return {
        (table, row.id, row.file, row.line): anchors[id(row)]
        for table, rows in policy.pack.rows.items()
        for row in rows
    }


@lru_cache(16)
def _tables(policy: Policy, language: Language, day: int) -> tuple[Table, ...]:
    return tuple(Tables(Phrases(policy, language), day).tables())


@lru_cache(16)
def _by_key(policy: Policy, language: Language, day: int) -> Mapping[str, tuple[Table, Rule]]:
    return {rule.anchor: (table, rule) for table in _tables(policy, language, day) for rule in table.rules}


def _row(table: Table, rule: Rule, use: RuleUse) -> dict[str, Any]:
    return {
        "table": table.title,
        "rule": rule.name,
        "dates": rule.dates,
        "when": rule.when,
        "says": [
            {"heading": heading, "cell": cell}
            for heading, cell in zip(table.headings, rule.cells, strict=True)
            if cell != ""
        ],
        "clauses": rule.clauses,
        "readings": rule.readings,
        "place": f"{use.file.rpartition('/')[2]}:{use.line}",
        "layer": use.layer,
    }


def _clauses(policy: Policy, language: Language, names: Iterable[str]) -> dict[str, Any]:
    known = policy.pack.clauses
    return {
        name: {"place": known[name].place, "text": known[name].zh if language == "zh" else known[name].en}
        for name in names
        if name in known
    }


def _readings(policy: Policy, language: Language, names: Iterable[str]) -> dict[str, str]:
    known = policy.pack.settings.interpretations
    return {name: known[name].zh if language == "zh" else known[name].en for name in names}


def _subject(words: Phrases, subject: str) -> str:
    """Name what a rule was applied to: a part, incident or goodwill by its number, or a target."""
    if subject in MILESTONES:
        return words.milestone(subject)
    grain, _, number = subject.partition(" ")
    named = {
        "": message("the ticket"),
        "part": message("part no. {number}", number=number),
        "incident": message("incident no. {number}", number=number),
        "override": message("goodwill no. {number}", number=number),
        "material": message("material no. {number}", number=number),
    }
    return words(named[grain]) if grain in named else subject
