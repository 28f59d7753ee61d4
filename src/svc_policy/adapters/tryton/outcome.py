"""What a decision comes to in Tryton: the values of a complaint and its lines. Needs no Tryton."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.adapters.tryton.mapping import naive
from svc_policy.explain.covering import covered_by
from svc_policy.facts.reading import ticket_to_dict
from svc_policy.policy.due import next_due

if TYPE_CHECKING:
    from svc_policy.decision import Decision, RuleUse
    from svc_policy.policy import Policy


@attrs.frozen(kw_only=True)
class Outcome:
    """The values of a complaint's fields, and those of the lines by their field.

    A line is known by `rule`, `target`, `incident` and what else names it: see
    :func:`key_of`. All values are as Tryton keeps them.
    """

    values: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]]


def outcome_of(decision: Decision, policy: Policy) -> Outcome:
    """Say what a decision comes to."""
    coverage = covered_by(policy, decision)
    response = next_due(policy, decision)
    payable = policy.money(decision.column("payable"))
    payer = decision.column("payer")
    approvals = [
        {"rule": _rule(item.rule), "role": item.cells.get("approver"), "subject": item.cells.get("subject")}
        for item in decision.approvals
    ]
    needs = decision.needs
    values = {
        "svc_category": decision.category,
        "svc_coverage": coverage,
        "svc_covered_until": policy.day(decision.column("warranty_end")),
        "svc_response_target": response.name if response else None,
        "svc_response_by": naive(response.due) if response else None,
        "svc_quote": payable,
        "svc_payer": str(payer) if payer is not None else None,
        "svc_needs": ",".join(needs) or None,
        "svc_approver_open": bool(decision.column("approvals_unknown")),
        "svc_next_change_at": naive(decision.next_change_at),
        "svc_policy": policy.id,
        "svc_digest": policy.digest,
        "svc_ticket": json.dumps(ticket_to_dict(decision.ticket), ensure_ascii=False, sort_keys=True),
        "svc_basis": _basis(policy, decision, coverage, payable, approvals),
        "svc_problem": None,
    }
    lines: dict[str, list[dict[str, Any]]] = {
        "svc_approvals": approvals,
        "svc_penalties": [
            {
                "rule": _rule(item.rule),
                "outcome": item.outcome,
                "liable": item.liable,
                "amount": item.amount,
                "least": item.least,
                "most": item.most,
                "decided_by": item.decided_by,
                "incident": item.incident,
                "target": item.target,
            }
            for item in decision.penalties
        ],
        "svc_escalations": [
            {
                "rule": _rule(item.rule),
                "target": item.cells.get("target"),
                "level": item.cells.get("level"),
                "notify": item.cells.get("notify"),
                "action": item.cells.get("action"),
            }
            for item in decision.escalations
        ],
    }
    return Outcome(values=values, lines=lines)


def key_of(line: Any) -> tuple[object, ...]:
    """Say which line it is, of a record or of values."""
    names = ("rule", "target", "incident", "role", "subject")
    if isinstance(line, dict):
        return tuple(line.get(name) for name in names)
    return tuple(getattr(line, name, None) for name in names)


def _rule(use: RuleUse) -> str:
    return f"{use.table}.{use.rule} [{' '.join(use.cites)}]" if use.cites else f"{use.table}.{use.rule}"


def _basis(
    policy: Policy, decision: Decision, coverage: str | None, payable: Decimal | None, approvals: list[dict[str, Any]]
) -> str:
    """Name what an approval is given for."""
    seen = [
        policy.digest,
        decision.category,
        coverage,
        None if payable is None else str(payable),
        sorted(map(str, map(key_of, approvals))),
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


#: The fields of a complaint that a decision writes.
DECIDED: Final = frozenset(
    (
        "svc_category",
        "svc_coverage",
        "svc_covered_until",
        "svc_response_target",
        "svc_response_by",
        "svc_quote",
        "svc_payer",
        "svc_needs",
        "svc_approver_open",
        "svc_problem",
        "svc_policy",
        "svc_digest",
        "svc_decided_at",
        "svc_next_change_at",
        "svc_ticket",
        "svc_basis",
    )
)


def line_of(complaint: Any, field: str, values: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Give the values of a new line."""
    new = {"complaint": complaint.id, **values}
    return {**new, "raised_at": at} if field == "svc_escalations" else new


def changed_values(record: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Pick the values that a record does not have."""
    return {name: value for name, value in values.items() if not _same(getattr(record, name), value)}


def _same(kept: object, value: object) -> bool:
    """Compare as Tryton keeps values: no text and no are nothing, 0 is something."""
    return kept == value or (_is_nothing(kept) and _is_nothing(value))


def _is_nothing(value: object) -> bool:
    return value is None or value == "" or value is False
