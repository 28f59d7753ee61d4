"""A decision as JSON-ready data: the keys of ``docs/format.md``, section 8."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

import svc_policy
from svc_policy.decision import Decision, Item, RuleUse
from svc_policy.policy.views import LISTS

if TYPE_CHECKING:
    from svc_policy.policy import Policy

SCHEMA = 1


def decision_to_dict(policy: Policy, decision: Decision, keys: Container[str] | None = None) -> dict[str, Any]:
    """Give a decision as JSON-ready data; only some of its keys where those are named.

    Instants are ISO 8601 in the policy's zone, dates ISO, money a text with the
    currency's decimals, durations whole seconds, shares basis points.
    """
    return decision_tree(policy, decision, Plain(), keys)


def decision_tree(
    policy: Policy, decision: Decision, plain: Plain, keys: Container[str] | None = None
) -> dict[str, Any]:
    """Give a decision with its records made into what `plain` makes of them."""
    found: dict[str, Any] = {}
    for key, make in MAKERS.items():
        if keys is None or key in keys:
            found[key] = make(policy, decision, plain)
    return found


def _identity(policy: Policy, decision: Decision, plain: Plain) -> dict[str, Any]:
    return {
        "id": policy.id,
        "digest": policy.digest,
        "engine": svc_policy.__version__,
        "dates": plain(policy.governing_dates(decision)),
    }


def _penalties(policy: Policy, decision: Decision, plain: Plain) -> dict[str, Any]:
    found = decision.penalties
    return {
        "items": plain([item for item in found if item.outcome == "penalty"]),
        "findings": plain([item for item in found if item.outcome == "finding"]),
        "least": plain(policy.money(decision.column("penalty_least"))),
        "most": plain(policy.money(decision.column("penalty_most"))),
        "undecided": sum(1 for item in found if item.outcome == "penalty" and item.amount is None),
    }


def _confirmations(policy: Policy, decision: Decision, plain: Plain) -> list[dict[str, Any]]:
    return [
        {"reason": item.cells["reason"], "rule": plain.rule(item.rule)}
        for item in policy.items(decision, "confirmations")
    ]


def _listed(table: str, policy: Policy, decision: Decision, plain: Plain) -> list[Any]:
    return [plain.item(item) for item in decision.items(table)]


_Make = Callable[["Policy", Decision, "Plain"], Any]
#: What makes each key of a decision.
MAKERS: dict[str, _Make] = {
    "schema": lambda policy, decision, plain: SCHEMA,
    "policy": _identity,
    "at": lambda policy, decision, plain: plain(policy.instant(decision.at_s)),
    "ticket_id": lambda policy, decision, plain: decision.ticket.ticket_id,
    "coverage": lambda policy, decision, plain: plain(decision.coverage),
    "category": lambda policy, decision, plain: decision.category,
    "targets": lambda policy, decision, plain: {name: plain(target) for name, target in decision.targets.items()},
    "quote": lambda policy, decision, plain: plain(decision.quote),
    "materials": lambda policy, decision, plain: plain(decision.materials),
    "penalties": _penalties,
    "complaint_class": lambda policy, decision, plain: decision.column("complaint_class"),
    "service_zone": lambda policy, decision, plain: decision.column("service_zone"),
    "needs_confirmation": lambda policy, decision, plain: policy.column(decision, "needs_confirmation"),
    "confirmations": _confirmations,
    "compensation": lambda policy, decision, plain: plain(policy.compensation(decision)),
    "appraisal_score": lambda policy, decision, plain: decision.column("appraisal_score"),
    **{key: functools.partial(_listed, table) for table, key in LISTS.items()},
    "escalation_level": lambda policy, decision, plain: max(
        (item.cells["level"] for item in decision.items("escalations")), default=0
    ),
    "overrides": lambda policy, decision, plain: plain(policy.overrides(decision)),
    "needs": lambda policy, decision, plain: list(decision.needs),
    "next_change_at": lambda policy, decision, plain: plain(decision.next_change_at),
    "rules": lambda policy, decision, plain: [plain.rule(use) for use in decision.rules],
}
#: The keys of a decision, in order.
KEYS = tuple(MAKERS)


def rule_to_dict(use: RuleUse) -> dict[str, Any]:
    """Turn a rule into what JSON can hold, without what most rules have no use for."""
    made: dict[str, Any] = {
        "table": use.table,
        "rule": use.rule,
        "file": use.file,
        "line": use.line,
        "cites": list(use.cites),
        "interpretations": list(use.interpretations),
    }
    if use.subject:
        made["subject"] = use.subject
    if not use.certain:
        made["certain"] = use.certain
    if use.layer:
        made["layer"] = use.layer
    return made


class Plain:
    """Turns records into what JSON can hold; what a type becomes is looked up once."""

    #: What stays as it is.
    simple: frozenset[type] = frozenset((str, int, bool, type(None), float))

    def __init__(self) -> None:
        self._by_type: dict[type, Callable[[Any], Any]] = {
            **dict.fromkeys(self.simple, _as_it_is),
            Decimal: str,
            timedelta: lambda value: int(value.total_seconds()),
            datetime: datetime.isoformat,
            date: date.isoformat,
            dict: self._dict,
            tuple: self._list,
            list: self._list,
            RuleUse: self.rule,
        }

    def __call__(self, value: object) -> Any:
        """Turn one value into what JSON can hold."""
        kind = type(value)
        make = self._by_type.get(kind)
        if make is None:
            make = self._by_type[kind] = self._maker_of(kind)
        return make(value)

    def rule(self, use: RuleUse) -> Any:
        """Turn a rule into what JSON can hold."""
        return rule_to_dict(use)

    def item(self, item: Item) -> Any:
        """Turn one row of a list into what JSON can hold."""
        return {**self(dict(item.cells)), "rule": self.rule(item.rule)}

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        simple = self.simple
        return {key: item if type(item) in simple else self(item) for key, item in value.items()}

    def _list(self, value: Iterable[Any]) -> list[Any]:
        simple = self.simple
        return [item if type(item) in simple else self(item) for item in value]

    def _record_maker(self, names: tuple[str, ...]) -> Callable[[Any], Any]:
        simple = self.simple

        def made(record: Any) -> dict[str, Any]:
            found = {}
            for name in names:
                value = getattr(record, name)
                found[name] = value if type(value) in simple else self(value)
            return found

        return made

    def _maker_of(self, kind: type) -> Callable[[Any], Any]:
        if attrs.has(kind):
            return self._record_maker(tuple(field.name for field in attrs.fields(kind)))
        near = next((known for known in self._by_type if issubclass(kind, known)), None)
        return _as_it_is if near is None else self._by_type[near]


def _as_it_is(value: Any) -> Any:
    return value
