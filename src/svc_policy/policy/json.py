"""A decision as JSON-ready data: the keys of ``docs/format.md``, section 8."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.decision import Decision, RuleUse
from svc_policy.policy.views import LISTS

if TYPE_CHECKING:
    from svc_policy.policy import Policy

SCHEMA = 1


def decision_to_dict(policy: Policy, decision: Decision) -> dict[str, Any]:
    """Give a decision as JSON-ready data.

    Instants are ISO 8601 in the policy's zone, dates ISO, money a text with the
    currency's decimals, durations whole seconds, shares basis points.
    """
    from svc_policy import __version__

    digits = Decimal(1).scaleb(-_digits(policy))
    plain = _Plain(digits)
    quote = decision.quote
    penalties = decision.penalties
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "policy": {
            "id": policy.id,
            "digest": policy.digest,
            "engine": __version__,
            "dates": plain(policy.governing_dates(decision)),
        },
        "at": plain(policy.instant(decision.at_s)),
        "ticket_id": decision.ticket.ticket_id,
        "coverage": plain(decision.coverage),
        "category": decision.category,
        "targets": {name: plain(target) for name, target in decision.targets.items()},
        "quote": plain(quote),
        "materials": plain(decision.materials),
        "penalties": {
            "items": plain([item for item in penalties if item.outcome == "penalty"]),
            "findings": plain([item for item in penalties if item.outcome == "finding"]),
            "least": plain(policy.money(decision.column("penalty_least"))),
            "most": plain(policy.money(decision.column("penalty_most"))),
            "undecided": sum(1 for item in penalties if item.outcome == "penalty" and item.amount is None),
        },
        "complaint_class": decision.column("complaint_class"),
        "service_zone": decision.column("service_zone"),
        "needs_confirmation": policy.column(decision, "needs_confirmation"),
        "confirmations": [
            {"reason": item.cells["reason"], "rule": plain(item.rule)}
            for item in policy.items(decision, "confirmations")
        ],
        "compensation": plain(policy.compensation(decision)),
        "appraisal_score": decision.column("appraisal_score"),
    }
    for table, key in LISTS.items():
        result[key] = [{**plain(item.cells), "rule": plain(item.rule)} for item in decision.items(table)]
    levels = [item["level"] for item in result["escalations"]]
    result["escalation_level"] = max(levels, default=0)
    result["overrides"] = plain(policy.overrides(decision))
    result["needs"] = list(decision.needs)
    result["next_change_at"] = plain(decision.next_change_at)
    result["rules"] = plain(decision.rules)
    return result


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
                if not (field.name in ("subject", "certain") and getattr(value, field.name) == field.default)
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
