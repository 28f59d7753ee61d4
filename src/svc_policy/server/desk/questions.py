"""Describe the facts that a policy reads, for whoever asks a customer for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from svc_policy.boundaries import path_of, read_facts, written_value
from svc_policy.boundaries.points import mentions
from svc_policy.facts.normal import limits
from svc_policy.facts.registry import BUILT_IN, LISTS, MEASURES, Fact, Grain
from svc_policy.facts.ticket import TICKET_ID
from svc_policy.facts.typed import unit_of
from svc_policy.messages import LANGUAGES, Message, message
from svc_policy.policy import Policy
from svc_policy.units import minor_digits

#: What the lists of a ticket hold.
RECORDS: Final[dict[Grain, tuple[Message, Message]]] = {
    "part": (message("parts"), message("part")),
    "hold": (message("holds"), message("hold")),
    "incident": (message("incidents"), message("incident")),
    "override": (message("goodwill"), message("goodwill")),
    "material": (message("materials"), message("material")),
}


def described(policy: Policy) -> dict[str, Any]:
    """Describe a policy and its facts, in both languages.

    Facts stand in the order in which a ticket states them: those that the policy reads, records or puts on a form.
    `low` and `high` are numbers in the unit of the fact, which is `unit`; `default` is written as a ticket writes it.
    """
    settings = policy.pack.settings
    return {
        "schema": 1,
        "policy": named(policy),
        "zone": settings.timezone,
        "currency": settings.currency,
        "facts": [_fact(policy, TICKET_ID), *_facts(policy, "ticket")],
        "lists": [
            {
                "field": LISTS[grain],
                "label": _both(RECORDS[grain][0]),
                "one": _both(RECORDS[grain][1]),
                "facts": _facts(policy, grain),
            }
            for grain in RECORDS
            if any(grain == of for of, _ in _wanted(policy))
        ],
    }


def named(policy: Policy) -> dict[str, Any]:
    """Name a policy: its id, digest and titles."""
    return {"id": policy.id, "digest": policy.digest, "titles": dict(policy.pack.settings.titles)}


def start_of(policy: Policy, at: datetime) -> dict[str, Any]:
    """Begin a ticket: a request that comes in now is received now, to the minute."""
    if ("ticket", "received_at") not in _wanted(policy):
        return {}
    return {"received_at": at.astimezone(policy.zone).replace(second=0, microsecond=0, tzinfo=None).isoformat()}


@lru_cache(32)
def _wanted(policy: Policy) -> frozenset[tuple[Grain, str]]:
    """Say which facts the policy reads, records or prints."""
    read = set(read_facts(policy))
    recorded = {
        text
        for table, column in (("intake", "field"), ("fields", "fact"))
        for row in policy.pack.rows.get(table, ())
        if (text := row.text(column)) is not None
    }
    found: set[tuple[Grain, str]] = set()
    for grain, facts in policy.pack.settings.facts.items():
        used = {fact.name for fact in facts if path_of(grain, fact.name) in read}
        if grain == "ticket":
            used |= {fact.name for fact in facts if fact.name in recorded}
        elif used & {"part_warranty_until"} == used:
            # Every policy reads an agreed end of a part's warranty; alone it is no reason to ask for parts.
            continue
        elif grain != "hold":
            # What a record is called is asked for with what is read of it.
            used |= {fact.name for fact in facts[:1]}
        found |= {(grain, name) for name in used}
    return frozenset(found)


def _facts(policy: Policy, grain: Grain) -> list[dict[str, Any]]:
    wanted = _wanted(policy)
    return [_fact(policy, fact) for fact in policy.pack.settings.facts[grain] if (grain, fact.name) in wanted]


def _fact(policy: Policy, fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": fact.name,
        "kind": fact.kind,
        "label": {"en": fact.en, "zh": fact.zh},
        "absence": fact.absence,
        "own": fact.grain == "ticket" and fact.name not in (TICKET_ID.name, *_BUILT_IN),
    }
    if fact.default is not None:
        found["default"] = written_value(policy, fact, fact.default)
    if fact.values:
        found["values"] = [{"value": name, "label": {"en": en, "zh": zh}} for name, (en, zh) in fact.values.items()]
    elif fact.kind == "text":
        found["words"] = [{"value": word, "label": _label(policy, word)} for word in _words(policy, fact)]
    elif fact.kind not in ("bool", "date", "instant"):
        found["unit"] = {one: unit_of(fact, policy.pack.settings.currency, one) for one in LANGUAGES}
        found["low"], found["high"] = (_number(policy, fact, limit) for limit in limits(fact))
    return found


_BUILT_IN: Final = frozenset(fact.name for fact in BUILT_IN["ticket"])


def _number(policy: Policy, fact: Fact, limit: int) -> str:
    if fact.kind == "duration":
        return f"{limit // 3600}"
    places = {"money": minor_digits(policy.pack.settings.currency) or 0, "share": 2}
    digits = MEASURES[fact.kind][1] if fact.kind in MEASURES else places.get(fact.kind, 0)
    return f"{Decimal(limit).scaleb(-digits).normalize():f}"


def _words(policy: Policy, fact: Fact) -> Iterable[str]:
    """List the words that the tables name for an open text."""
    return [str(word) for word in mentions(policy).get(path_of(fact.grain, fact.name), ())]


def _label(policy: Policy, word: str) -> dict[str, str]:
    return {language: policy.pack.label(word, language) for language in LANGUAGES}


def _both(text: Message) -> dict[str, str]:
    return {language: text.text(language) for language in LANGUAGES}
