"""Answer what is asked of one policy: decide, quote, explain, list its rules and tables."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from svc_policy.errors import PolicyError, UsageError, nearest, problem
from svc_policy.facts.normal import FIRST_INSTANT, LAST_INSTANT
from svc_policy.messages import Language, message
from svc_policy.pack.load import Pack
from svc_policy.policy import Policy
from svc_policy.policy.json import KEYS
from svc_policy.server.problems import Refused, refuse, status_of
from svc_policy.server.writing import decision_to_json

#: What every answer of a decision says.
HEAD: Final = ("schema", "policy", "at", "ticket_id")
QUOTE: Final = (*HEAD, "category", "quote", "needs", "next_change_at")
EXPLAINED: Final = (*HEAD, "needs", "next_change_at")
#: A function of its own takes as long as thousands of its tickets save by it.
OFTEN: Final = 5_000
#: What is left of `+08:00` at the end of a time, as a plus in a query stands for a space.
_SPACE_FOR_PLUS: Final = re.compile(r":\d\d \d\d:?\d\d$")
_BESIDE: Final = ThreadPoolExecutor(1, thread_name_prefix="svc-policy-shapes")


def instant_in(text: str | None, policy: Policy) -> int:
    """Read the instant of a decision, in epoch seconds, in the policy's zone; now unless given.

    Raises:
        Refused: It cannot be read.
    """
    if text is None:
        return int(datetime.now(UTC).timestamp())
    return _instant(text, policy.pack.settings.timezone)


@functools.lru_cache(512)
def _instant(text: str, zone: str) -> int:
    from svc_policy.units import Refusal, read_instant

    try:
        found = read_instant(text, zone)
        if not FIRST_INSTANT <= found <= LAST_INSTANT:
            raise Refusal("instant-outside", message("it lies between 1900 and 9999"))
        return found
    except Refusal as refusal:
        text_ = message("cannot read `{text}` in `{name}`", text=text[:60], name="at")
        advice = message("in a query a `+` is written `%2B`") if _SPACE_FOR_PLUS.search(text) else refusal.help
        raise refuse(400, refusal.code, text_, advice) from None


@functools.lru_cache(256)
def keys_in(text: str | None) -> Collection[str] | None:
    """Read which keys of a decision are wanted; all of them unless given.

    Raises:
        Refused: There is no such key.
    """
    if text is None:
        return None
    wanted = [name for name in (part.strip() for part in text.split(",")) if name]
    unknown = [name for name in wanted if name not in KEYS]
    if unknown or not wanted:
        name = unknown[0][:60] if unknown else ""
        near = nearest(name, KEYS)
        raise refuse(
            400,
            "serve-key-unknown",
            message("a decision has no key `{name}`", name=name),
            message("did you mean `{near}`?", near=near)
            if near
            else message("its keys are {known}", known=", ".join(KEYS)),
        )
    return frozenset((*HEAD, *wanted))


def decided(policy: Policy, body: bytes, at: str | None, keys: Collection[str] | None) -> bytes:
    """Decide the ticket in a body and write the decision.

    Raises:
        Refused: The ticket or `at` cannot be read.
    """
    at_s = instant_in(at, policy)
    try:
        return decision_to_json(policy, policy.decide_s(policy.ticket_of_json(body), at_s), keys)
    except PolicyError as error:
        raise Refused(status_of(error), error.problems) from None


def explained(policy: Policy, body: bytes, at: str | None, language: Language) -> bytes:
    """Decide the ticket in a body and explain the decision.

    Raises:
        Refused: The ticket or `at` cannot be read.
    """
    at_s = instant_in(at, policy)
    try:
        decision = policy.decide_s(policy.ticket_of_json(body), at_s)
        text = policy.explain(decision, language)
    except PolicyError as error:
        raise Refused(status_of(error), error.problems) from None
    head = decision_to_json(policy, decision, frozenset(EXPLAINED))
    return head[:-1] + b',"lang":' + msgspec.json.encode(language) + b',"text":' + msgspec.json.encode(text) + b"}"


def identity(policy: Policy) -> dict[str, str]:
    """Name a policy."""
    return {"id": policy.id, "digest": policy.digest}


def listed_rules(policy: Policy) -> dict[str, Any]:
    """List every rule of a policy and the clauses that they cite."""
    from svc_policy.pack.listing import rules_to_dicts

    clauses = [
        {"clause": one.id, "place": one.place, "text": {"en": one.en, "zh": one.zh}}
        for one in policy.pack.clauses.values()
    ]
    return {
        "schema": 1,
        "policy": identity(policy),
        "rules": rules_to_dicts(policy.pack),
        "clauses": clauses,
        "interpretations": list(policy.pack.settings.interpretations),
    }


def listed_tables(policy: Policy) -> dict[str, Any]:
    """Give the tables of a policy as its files say them, row by row."""
    return {"schema": 1, "policy": identity(policy), "tables": _tables(policy.pack)}


def _tables(pack: Pack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, rows in pack.rows.items():
        sheet = pack.files.sheets.get(name)
        lines = {} if sheet is None else {row[0].place.line: row for row in sheet.rows if row}
        headings = [] if sheet is None else [cell.text for cell in sheet.header]
        of = [
            {
                "rule": row.id,
                "file": row.file,
                "line": row.line,
                "cells": [cell.text for cell in lines[row.line]]
                if sheet is not None and row.file == sheet.file and row.line in lines
                else None,
                "cites": list(row.cites),
            }
            for row in rows
        ]
        if of:
            found.append(
                {"table": name, "file": None if sheet is None else sheet.file, "headings": headings, "rows": of}
            )
    return found


def described(policy: Policy) -> dict[str, Any]:
    """Describe a policy: titles, zone, currency, its targets, the facts that it may ask for."""
    settings = policy.pack.settings
    return {
        "titles": dict(settings.titles),
        "timezone": settings.timezone,
        "currency": settings.currency,
        "targets": list(policy.target_names()),
        "asks": list(policy.plan.asked),
        "columns": list(policy.plan.names("ticket")),
    }


def ready(policy: Policy) -> None:
    """Do beforehand what the first ticket would wait for: the plan, its function, the reader of tickets.

    Raises:
        UsageError: The policy cannot be compiled.
    """
    try:
        policy.prepare()
        policy.compile_beside(_BESIDE, OFTEN)
    except RecursionError:
        text = message("the policy `{policy}` is too deep to be compiled", policy=policy.id)
        raise UsageError([problem("serve-policy-deep", text)]) from None
