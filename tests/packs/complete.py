"""What a complete pack is: every clause, row and reading shown by a worked example, every text in both languages.

The functions list what is missing, so that a test that fails names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import attrs

from svc_policy import Policy, load
from svc_policy.errors import PackError, PolicyError
from svc_policy.facts.registry import BUILT_IN
from svc_policy.messages import LANGUAGES
from svc_policy.pack.cases import TICKET, Case, cases_of, outcome_of, uses_in
from svc_policy.pack.source import built_in_packs
from svc_policy.rules.family import Row
from svc_policy.tables import match

#: Packs that others extend; they serve nobody themselves.
BASE = "shared-"
HAN = re.compile(r"[\u3400-\u9fff]")


@attrs.frozen(kw_only=True)
class Shown:
    """What the worked examples of a pack show: rows as ``table.rule``, clauses, readings."""

    rules: frozenset[str]
    clauses: frozenset[str]
    interpretations: frozenset[str]


def services() -> tuple[str, ...]:
    """List the built-in packs that are a service of their own."""
    return tuple(name for name in built_in_packs() if not name.startswith(BASE))


@cache
def policy_of(name: str) -> Policy:
    """Load a pack once for all its tests."""
    return load(name)


@cache
def cases(name: str) -> tuple[Case, ...]:
    """Read the worked examples of a pack once for all its tests."""
    return cases_of(policy_of(name).pack)


def readable_cases(name: str) -> tuple[Case, ...]:
    """Read the worked examples of a pack, none where it cannot be read: that is for its other tests to say."""
    try:
        return cases(name)
    except PackError:
        return ()


@cache
def shown_by_cases(name: str) -> Shown:
    """Gather what the outcomes of all worked examples rest on; one that has no outcome shows nothing."""
    rules: set[str] = set()
    clauses: set[str] = set()
    interpretations: set[str] = set()
    rows = {f"{table}.{row.id}": row for table, row in all_rows(policy_of(name))}
    for case in cases(name):
        try:
            found = outcome_of(policy_of(name), case)
        except PolicyError:
            continue
        rules.update(f"{use['table']}.{use['rule']}" for use in uses_in(found) if use.get("certain", True))
        if case.kind == "statistics":
            rules.update(_of_statistics(found))
    readings = policy_of(name).pack.settings.interpretations
    for rule in rules & set(rows):
        clauses.update(rows[rule].cites)
        interpretations.update(set(rows[rule].rests_on) & set(readings))
    return Shown(rules=frozenset(rules), clauses=frozenset(clauses), interpretations=frozenset(interpretations))


def _of_statistics(found: Mapping[str, Any]) -> Iterator[str]:
    """Find the rows that a month's figures were held against."""
    for key, table in (("stock", "stock"), ("costs", "budgets")):
        for item in _records(found[key]):
            if isinstance(item.get("rule"), str):
                yield f"{table}.{item['rule']}"


def _records(data: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
        for item in data.values():
            yield from _records(item)
    elif isinstance(data, list):
        for item in data:
            yield from _records(item)


def all_rows(policy: Policy) -> Iterator[tuple[str, Row]]:
    """List every row of a pack with its table."""
    for table, rows in policy.pack.rows.items():
        for row in rows:
            yield table, row


def uncited_clauses(name: str) -> set[str]:
    """List the clauses that no row cites."""
    return set(policy_of(name).pack.clauses) - {cite for _, row in all_rows(policy_of(name)) for cite in row.cites}


def unshown_clauses(name: str) -> set[str]:
    """List the clauses on which the outcome of no worked example rests."""
    return set(policy_of(name).pack.clauses) - shown_by_cases(name).clauses


def unexpected_clauses(name: str) -> set[str]:
    """List the clauses that no worked example names, itself or through a rule that it names."""
    policy = policy_of(name)
    of_rule = {f"{table}.{row.id}": row.cites for table, row in all_rows(policy)}
    named = {cite for case in cases(name) for cite in case.cites}
    named |= {cite for case in cases(name) for rule in case.rules for cite in of_rule[rule]}
    return set(policy.pack.clauses) - named


def unshown_rows(name: str) -> set[str]:
    """List the rows that fire in no worked example, those of readings that the pack does not adopt left out."""
    policy = policy_of(name)
    wanted = {f"{table}.{row.id}" for table, row in all_rows(policy) if not is_of_another_reading(policy, row)}
    return wanted - shown_by_cases(name).rules


def is_of_another_reading(policy: Policy, row: Row) -> bool:
    """Say whether a row holds only under a reading of the source that the pack does not adopt."""
    settings = policy.pack.settings
    return any(
        not test.any and all(match(test, value.value) is False for _, value in settings.parameters[column].values)
        for column, test in row.tests.items()
        if column in settings.interpretations
    )


def unshown_interpretations(name: str) -> set[str]:
    """List the readings on which the outcome of no worked example rests."""
    return set(policy_of(name).pack.settings.interpretations) - shown_by_cases(name).interpretations


def untranslated_texts(name: str) -> list[str]:
    """List the pack's own texts that lack a language, or whose languages are mixed up."""
    return [where for where, (en, zh) in texts_of(policy_of(name)) if HAN.search(en) or not HAN.search(zh) or not en]


def texts_of(policy: Policy) -> Iterator[tuple[str, tuple[str, str]]]:
    """List every text that a pack brings in both languages: what it is, English, Chinese."""
    pack, settings = policy.pack, policy.pack.settings
    yield "title", (settings.titles["en"], settings.titles["zh"])
    for clause in pack.clauses.values():
        yield f"clause {clause.id}", (clause.en, clause.zh)
    for label, texts in pack.labels.items():
        yield f"label {label}", texts
    for role, texts in settings.roles.items():
        yield f"role {role}", texts
    for reading in settings.interpretations.values():
        yield f"reading {reading.name}", (reading.en, reading.zh)
    for parameter, texts in settings.labels.items():
        if parameter not in settings.interpretations:
            yield f"parameter {parameter}", texts
    for fact in settings.company_facts:
        yield f"fact {fact.name}", (fact.en, fact.zh)
    for facts in settings.facts.values():
        for fact in facts:
            own = {} if fact.name in BUILT_IN and BUILT_IN[fact.name].values == fact.values else fact.values
            for value, texts in own.items():
                yield f"value {value} of fact {fact.name}", texts


def broken_explanations(name: str) -> list[str]:
    """List the worked examples on tickets that cannot be explained in a language, or whose explanation has a hole."""
    policy = policy_of(name)
    found = []
    for case in cases(name):
        if case.kind != TICKET:
            continue
        at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=policy.zone)
        decision = policy.decide(case.ticket, at=at)
        for language in LANGUAGES:
            text = policy.explain(decision, language)
            if not text.strip() or "{" in text or "}" in text or "None" in text:
                found.append(f"{case.name} ({language})")
    return found
