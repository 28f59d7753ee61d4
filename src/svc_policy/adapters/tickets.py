"""Take single tickets out of the tables of the batch engines again."""

# Names of tables and columns are ours.

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.adapters.staging import identifier
from svc_policy.facts.columns import TABLES, columns
from svc_policy.facts.registry import LISTS, MEASURES, Fact
from svc_policy.facts.ticket import RECORDS, Ticket
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_EPOCH: Final = date(1970, 1, 1)


def take_tickets(connection: Any, policy: Policy, names: Iterable[str]) -> dict[str, Ticket]:
    """Take tickets out of the tables by their ids, with the facts of a policy."""
    names = list(names)
    company = policy.pack.settings.company_facts
    digits = minor_digits(policy.pack.settings.currency) or 0
    marks = ", ".join("?" for _ in names)
    lines: dict[str, dict[str, list[Any]]] = {name: {} for name in names}
    found: dict[str, Ticket] = {}
    if not names:
        return found
    for record in RECORDS:
        grain = record.grain
        listed = columns(grain, company)
        own = {field.name for field in attrs.fields(record)}
        selected = ", ".join(identifier(item.name) for item in listed)
        order = "" if grain == "ticket" else " ORDER BY ticket_id, line"
        rows = connection.execute(
            f"SELECT ticket_id, {selected} FROM main.{TABLES[grain]} WHERE ticket_id IN ({marks}){order}", names
        ).fetchall()
        facts = [item.fact for item in listed if item.fact is not None]
        for ticket_id, *values in rows:
            stated: dict[str, Any] = {}
            extra: dict[str, Any] = {}
            # Most of a hundred facts are missing.
            for fact, value in [pair for pair in zip(facts, values, strict=True) if pair[1] is not None]:
                (stated if fact.name in own else extra)[fact.name] = outside(fact, value, digits)
            if record is Ticket:
                found[ticket_id] = Ticket(
                    **stated,
                    **lines[ticket_id],  # type: ignore[arg-type]
                    extra=extra,
                    ticket_id=ticket_id,
                    facts=company,
                    currency_digits=digits,
                )
            else:
                made = record(**stated, facts=company, currency_digits=digits)
                lines[ticket_id].setdefault(LISTS[grain], []).append(made)
    return found


def outside(fact: Fact, value: Any, currency_digits: int) -> object:
    """Put the internal value of a fact into what a ticket states: an amount, a datetime, kilometres."""
    match fact.kind:
        case "money":
            return Decimal(value).scaleb(-currency_digits)
        case "instant":
            return datetime.fromtimestamp(value, UTC)
        case "date":
            return _EPOCH + timedelta(days=value)
        case "duration":
            return timedelta(seconds=value)
        case kind if kind in MEASURES:
            return Decimal(value).scaleb(-MEASURES[kind][1])
        case _:
            return value
