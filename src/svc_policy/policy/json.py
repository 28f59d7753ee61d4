"""A decision as JSON-ready data: the keys of ``docs/format.md``, section 8."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.decision import Decision, RuleUse
from svc_policy.policy.views import LISTS

if TYPE_CHECKING:
    from svc_policy.policy import Policy

SCHEMA = 1


def decision_to_dict(policy: Policy, decision: Decision, keys: Container[str] | None = None) -> dict[str, Any]:
    """Give a decision as JSON-ready data; only some of its keys where those are named.

    Instants are ISO 8601 in the policy's zone, dates ISO, money a text with the
    currency's decimals, durations whole seconds, shares basis points.
    """
    from svc_policy import __version__

    plain = _Plain(Decimal(1).scaleb(-_digits(policy)))

    def penalties() -> dict[str, Any]:
        found = decision.penalties
        return {
            "items": plain([item for item in found if item.outcome == "penalty"]),
            "findings": plain([item for item in found if item.outcome == "finding"]),
            "least": plain(policy.money(decision.column("penalty_least"))),
            "most": plain(policy.money(decision.column("penalty_most"))),
            "undecided": sum(1 for item in found if item.outcome == "penalty" and item.amount is None),
        }

    def listed(table: str) -> list[dict[str, Any]]:
        return [{**plain(item.cells), "rule": plain(item.rule)} for item in decision.items(table)]

    parts: dict[str, Callable[[], Any]] = {
        "schema": lambda: SCHEMA,
        "policy": lambda: {
            "id": policy.id,
            "digest": policy.digest,
            "engine": __version__,
            "dates": plain(policy.governing_dates(decision)),
        },
        "at": lambda: plain(policy.instant(decision.at_s)),
        "ticket_id": lambda: decision.ticket.ticket_id,
        "coverage": lambda: plain(decision.coverage),
        "category": lambda: decision.category,
        "targets": lambda: {name: plain(target) for name, target in decision.targets.items()},
        "quote": lambda: plain(decision.quote),
        "materials": lambda: plain(decision.materials),
        "penalties": penalties,
        "complaint_class": lambda: decision.column("complaint_class"),
        "service_zone": lambda: decision.column("service_zone"),
        "needs_confirmation": lambda: policy.column(decision, "needs_confirmation"),
        "confirmations": lambda: [
            {"reason": item.cells["reason"], "rule": plain(item.rule)}
            for item in policy.items(decision, "confirmations")
        ],
        "compensation": lambda: plain(policy.compensation(decision)),
        "appraisal_score": lambda: decision.column("appraisal_score"),
        **{key: functools.partial(listed, table) for table, key in LISTS.items()},
        "escalation_level": lambda: max((item.cells["level"] for item in decision.items("escalations")), default=0),
        "overrides": lambda: plain(policy.overrides(decision)),
        "needs": lambda: list(decision.needs),
        "next_change_at": lambda: plain(decision.next_change_at),
        "rules": lambda: plain(decision.rules),
    }
    return {key: make() for key, make in parts.items() if keys is None or key in keys}


#: The keys of a decision, in order.
KEYS = (
    "schema",
    "policy",
    "at",
    "ticket_id",
    "coverage",
    "category",
    "targets",
    "quote",
    "materials",
    "penalties",
    "complaint_class",
    "service_zone",
    "needs_confirmation",
    "confirmations",
    "compensation",
    "appraisal_score",
    *LISTS.values(),
    "escalation_level",
    "overrides",
    "needs",
    "next_change_at",
    "rules",
)


def decision_to_json(policy: Policy, decision: Decision, keys: Container[str] | None = None) -> bytes:
    """Write a decision as JSON in UTF-8; what :func:`decision_to_dict` gives, written at once."""
    import json

    return json.dumps(decision_to_dict(policy, decision, keys), ensure_ascii=False, separators=(",", ":")).encode()


def _digits(policy: Policy) -> int:
    from svc_policy.units import minor_digits

    return minor_digits(policy.pack.settings.currency) or 0


class _Plain:
    """Turns records into what JSON can hold."""

    def __init__(self, cents: Decimal) -> None:
        self.cents = cents

    def __call__(self, value: object) -> Any:
        if isinstance(value, RuleUse):
            return {
                field.name: self(getattr(value, field.name))
                for field in attrs.fields(RuleUse)
                if not (field.name in ("subject", "certain", "layer") and getattr(value, field.name) == field.default)
            }
        if attrs.has(type(value)):
            record: Any = value
            return {field.name: self(getattr(record, field.name)) for field in attrs.fields(type(record))}
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [self(item) for item in value]
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        if isinstance(value, datetime | date):
            return value.isoformat()
        return value
