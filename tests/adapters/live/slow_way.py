"""What ought to have been told, the slow way: every ticket decided at every instant, from the whole log each time.

Nothing of the desk is used: tickets are made as JSON, decided through the façade, and read from the decision's views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from svc_policy import Policy
from svc_policy.facts.registry import MILESTONES

Told = tuple[str, str, str, str]


def instants(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    found = []
    while first <= last:
        # Something that is late from an instant on is so a second after it.
        found += [first, first + timedelta(seconds=1)]
        first += step
    return found


def ought(policy: Policy, events: Iterable[Mapping[str, Any]], at: Iterable[datetime]) -> set[Told]:
    """List what ought to have been told by the last of the instants: ticket, rule, target, since when."""
    by_id = {(event["ticket"], event["id"]): event for event in events}
    void = {(event["ticket"], event["of"]) for event in by_id.values() if event["event"] == "retracted"}
    kept = sorted(
        (event for key, event in by_id.items() if key not in void), key=lambda one: (_instant(one), one["id"])
    )
    whole = {name: _ticket(policy, name, kept, None) for name in {event["ticket"] for event in kept}}
    found: set[Told] = set()
    at = list(at)
    for name in whole:
        own = [event for event in kept if event["ticket"] == name]
        held: set[tuple[str, str]] = set()
        known = -1
        for instant in at:
            until = sum(1 for event in own if _instant(event) <= instant)
            if until == 0:
                continue
            if until != known:
                known = until
                stated = _ticket(policy, name, own, instant)
                stated["earlier_repairs"] = _earlier(policy, name, stated, whole)
                ticket = policy.ticket(stated)
            decision = policy.decide(ticket, at=instant)
            now = {("escalations." + one.rule.rule, one.rule.subject) for one in decision.escalations}
            now |= {("routing." + one.rule.rule, "") for one in decision.items("routing") if one.rule.rule != "always"}
            found |= {(name, rule, target, instant.isoformat()) for rule, target in now - held}
            held = now
    return found


def _instant(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def _ticket(policy: Policy, name: str, events: Iterable[Mapping[str, Any]], at: datetime | None) -> dict[str, Any]:
    ticket: dict[str, Any] = {}
    holds: list[dict[str, Any]] = []
    for event in events:
        if event["ticket"] != name or (at is not None and _instant(event) > at):
            continue
        word = event["event"]
        if word in MILESTONES and ticket.get(MILESTONES[word]) is None:
            ticket[MILESTONES[word]] = event["at"]
        ticket.update(event.get("facts") or {})
        open_ = [hold for hold in holds if hold["hold_kind"] == event.get("kind") and "until_at" not in hold]
        if word == "hold opened" and not open_:
            holds.append({"hold_kind": event["kind"], "from_at": event["at"]})
        if word == "hold closed" and open_:
            open_[0]["until_at"] = event["at"]
    return {**ticket, "holds": holds}


def _earlier(policy: Policy, name: str, ticket: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> int:
    """Count by hand: two days by the wall clock for requests before 5 March 2026, one day from then on."""
    if not (ticket.get("serial_no") and ticket.get("fault_code") and ticket.get("received_at")):
        return 0
    received = datetime.fromisoformat(ticket["received_at"]).astimezone(policy.zone)
    count = 0
    for other, facts in others.items():
        end = facts.get("finished_at") or facts.get("closed_at")
        same = all(facts.get(key) == ticket[key] for key in ("serial_no", "fault_code"))
        if other == name or not same or end is None:
            continue
        ended = datetime.fromisoformat(end).astimezone(policy.zone)
        days = 2 if received.date() < date(2026, 3, 5) else 1
        count += ended < received and ended.date() >= received.date() - timedelta(days=days)
    return count
