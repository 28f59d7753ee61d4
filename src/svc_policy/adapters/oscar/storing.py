"""Store decisions beside their tickets: the same one again changes nothing, another one follows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from svc_policy.adapters.oscar.facts import ticket_data
from svc_policy.adapters.oscar.telling import other_currency, told

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

Outcome = Literal["made", "changed", "unchanged"]

#: What goes on with every second and decides nothing.
_RUNNING = ("at", "used_share", "time_left")


def decide_and_store(ticket: Any, policy: Policy, at: datetime) -> Outcome:
    """Decide a ticket that was handed in at an instant, and store the decision.

    Raises:
        TicketError: The policy cannot read the facts of the ticket.
        CalendarError: An instant lies outside the policy's calendar.
    """
    decision = policy.decide(ticket_data(policy, ticket.facts, ticket.number), at=at)
    return store(ticket, policy, decision)


class NewerDecisionError(Exception):
    """The decision that holds was made later, at `decided_at`."""

    def __init__(self, decided_at: datetime) -> None:
        super().__init__()
        self.decided_at = decided_at


def store(ticket: Any, policy: Policy, decision: Decision, *, over_newer: bool = True) -> Outcome:
    """Store a decision of a ticket as the one that holds, unless it is the one that holds already.

    The shop decides by its own clock, and its last word holds (`over_newer`); what is
    brought from elsewhere is not put over a decision that was made at a later instant.

    Raises:
        NewerDecisionError: It would be.
    """
    from django.db import transaction

    from svc_policy.adapters.oscar.models import ServiceTicket, StoredDecision

    document = decision.to_dict()
    fingerprint = fingerprint_of(document)
    with transaction.atomic():
        # Whoever decides the same ticket at the same time waits here.
        ServiceTicket.objects.select_for_update().get(pk=ticket.pk)
        current = ticket.decisions.filter(is_current=True).first()
        if current is not None and current.fingerprint == fingerprint:
            return "unchanged"
        if current is not None and not over_newer and current.decided_at > policy.instant(decision.at_s):
            raise NewerDecisionError(current.decided_at)
        if current is not None:
            ticket.decisions.filter(is_current=True).update(is_current=False)
        currency = ticket.currency or None
        quote = decision.quote
        StoredDecision.objects.create(
            ticket=ticket,
            policy=policy.id,
            digest=policy.digest,
            engine=document["policy"]["engine"],
            decided_at=policy.instant(decision.at_s),
            category=decision.category,
            payable=None if quote is None or other_currency(policy, currency) else quote.payable,
            currency=policy.pack.settings.currency,
            next_change_at=decision.next_change_at,
            document=document,
            texts=told(policy, decision, currency),
            fingerprint=fingerprint,
        )
    return "made" if current is None else "changed"


def fingerprint_of(document: Mapping[str, Any]) -> str:
    """Give the sha-256 of what a decision says, without what goes on with every second."""
    text = json.dumps(_standing(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _standing(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _standing(item) for key, item in value.items() if key not in _RUNNING}
    return [_standing(item) for item in value] if isinstance(value, list) else value
