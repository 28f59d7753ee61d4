"""What a complaint says of the facts of a ticket, and where each comes from.

Records are read by attribute, so this module needs no Tryton. What a user
states as a fact goes before what other records say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from svc_policy.adapters.protocol import Unfilled
from svc_policy.adapters.tryton.policies import MOST, reader_of
from svc_policy.errors import AdapterError, Place, TicketError, problem
from svc_policy.facts.normal import LONGEST_TEXT
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Message, message
from svc_policy.policy import Policy

MODEL: Final = "sale.complaint"
_TRUTHS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "true", "是", "1"), True),
    **dict.fromkeys(("no", "false", "否", "0"), False),
}
_CONTRACTS: Final = ("running", "closed")

NO_LOT: Final = message("the complaint names no lot")
NO_SALE: Final = message("neither the lot nor the origin of the complaint says so")
NO_CONTRACT: Final = message("the complaint names no subscription that runs or has run")
EMPTY: Final = message("the field is empty")
NOBODY: Final = message("nobody has stated it")


@attrs.frozen
class Origin:
    """A fact that records of Tryton give: how it is read, and why it may be missing."""

    fact: str
    read: Callable[[Any], object]
    missing: Message = EMPTY


def name_of(complaint: Any) -> str:
    """Name a complaint as its users do: by its number, by its id where it has none."""
    return complaint.number or f"{MODEL},{complaint.id}"


def instant_of(value: datetime | None) -> datetime | None:
    """Give the instant of a time of Tryton, which is UTC and has no zone."""
    return None if value is None else value.replace(tzinfo=UTC)


def naive(value: datetime | None) -> datetime | None:
    """Give an instant as Tryton keeps it: UTC, without a zone."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _shortened(text: str | None) -> str | None:
    """Cut a text of any length: no rule reads a description, and a ticket holds so much of it."""
    return text if text is None or len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _of(record: str, field: str) -> Callable[[Any], object]:
    def read(complaint: Any) -> object:
        found = getattr(complaint, record)
        return getattr(found, field) if found else None

    return read


def _product(complaint: Any) -> Any:
    if complaint.svc_lot:
        return complaint.svc_lot.product
    line = _line(complaint)
    return line.product if line else None


def _line(complaint: Any) -> Any:
    """Give the line of a sale or of an invoice that a complaint is about."""
    return complaint.origin if complaint.origin_model in ("sale.line", "account.invoice.line") else None


def _of_product(field: str) -> Callable[[Any], object]:
    def read(complaint: Any) -> object:
        found = _product(complaint)
        return getattr(found, field) if found else None

    return read


def _order(complaint: Any) -> Any:
    """Give the sale or invoice that a complaint is about."""
    match complaint.origin_model:
        case "sale.line":
            return complaint.origin.sale
        case "account.invoice.line":
            return complaint.origin.invoice
        case "sale.sale" | "account.invoice":
            return complaint.origin
    return None


def _purchased_on(complaint: Any) -> object:
    if complaint.svc_lot and complaint.svc_lot.svc_purchased_on:
        return complaint.svc_lot.svc_purchased_on
    order = _order(complaint)
    if order is None:
        return None
    return order.sale_date if complaint.origin_model.startswith("sale.") else order.invoice_date


def _delivered_on(complaint: Any) -> object:
    lot = complaint.svc_lot
    if lot and lot.svc_delivered_on:
        return lot.svc_delivered_on
    return complaint.svc_first_delivery()


def _quantity(complaint: Any) -> object:
    line = _line(complaint)
    return int(line.quantity) if line and line.quantity and float(line.quantity).is_integer() else None


def _contract(complaint: Any) -> Any:
    found = complaint.svc_subscription
    return found if found and found.state in _CONTRACTS else None


def _of_contract(field: str) -> Callable[[Any], object]:
    def read(complaint: Any) -> object:
        found = _contract(complaint)
        return getattr(found, field) if found else None

    return read


def _contract_until(complaint: Any) -> object:
    """Give the last day of a contract; one that runs without an end covers the day of the request."""
    found = _contract(complaint)
    if not found or found.end_date or found.state != "running":
        return found.end_date if found else None
    received = instant_of(complaint.svc_received_at)
    if received is None:
        return None
    day = received.astimezone(ZoneInfo(complaint.company.timezone or "UTC")).date()
    return max(day, found.start_date)


def _truth(field: str) -> Callable[[Any], object]:
    read = _of_contract(field)
    return lambda complaint: {"yes": True, "no": False}.get(str(read(complaint)))


def _address(complaint: Any) -> object:
    if not complaint.customer:
        return None
    found = complaint.customer.address_get(type="delivery")
    return ", ".join(found.full_address.splitlines()) if found and found.full_address else None


ORIGINS: Final[tuple[Origin, ...]] = (
    Origin("customer", _of("customer", "name")),
    Origin("customer_phone", lambda one: (one.customer.phone or one.customer.mobile) if one.customer else None),
    Origin("customer_address", _address),
    Origin("request_kind", _of("type", "svc_request_kind"), message("the type of the complaint says no kind")),
    Origin("problem", lambda one: _shortened(one.description)),
    Origin("received_at", lambda one: instant_of(one.svc_received_at)),
    Origin("serial_no", _of("svc_lot", "number"), NO_LOT),
    Origin("item_code", _of_product("code"), NO_LOT),
    Origin("product_class", _of_product("svc_product_class"), message("the product has no class of the policy")),
    Origin("key_equipment", _of_product("svc_key_equipment"), NO_LOT),
    Origin("product_quantity", _quantity, NO_SALE),
    Origin("order_no", lambda one: getattr(_order(one), "number", None), NO_SALE),
    Origin("purchased_on", _purchased_on, NO_SALE),
    Origin("delivered_on", _delivered_on, message("no delivery of the lot to the customer is done")),
    Origin("installed_on", _of("svc_lot", "svc_installed_on"), NO_LOT),
    Origin("accepted_on", _of("svc_lot", "svc_accepted_on"), NO_LOT),
    Origin("warranty_until", _of("svc_lot", "svc_warranty_until"), NO_LOT),
    Origin("suspended_days", _of("svc_lot", "svc_suspended_days"), NO_LOT),
    Origin("contract_no", _of_contract("number"), NO_CONTRACT),
    Origin("contract_kind", _of_contract("svc_contract_kind"), NO_CONTRACT),
    Origin("contract_from", _of_contract("start_date"), NO_CONTRACT),
    Origin("contract_until", _contract_until, NO_CONTRACT),
    Origin("contract_covers_labour", _truth("svc_covers_labour"), NO_CONTRACT),
    Origin("contract_covers_parts", _truth("svc_covers_parts"), NO_CONTRACT),
    Origin("contract_visits_left", _of_contract("svc_visits_left"), NO_CONTRACT),
    Origin("contract_hours_left", _of_contract("svc_hours_left"), NO_CONTRACT),
)
_MISSING: Final[Mapping[str, Message]] = {origin.fact: origin.missing for origin in ORIGINS}

_PART: Final = {
    "part_no": lambda one: one.part_no or (one.product.code if one.product else None),
    "part_class": lambda one: one.part_class,
    "quantity": lambda one: one.quantity,
    "unit_price": lambda one: one.unit_price,
    "part_cause": lambda one: one.part_cause,
    "part_warranty_until": lambda one: one.warranty_until,
}
_HOLD: Final = {
    "hold_kind": lambda one: one.hold_kind,
    "from_at": lambda one: instant_of(one.from_at),
    "until_at": lambda one: instant_of(one.until_at),
}
_INCIDENT: Final = {
    "incident_kind": lambda one: one.incident_kind,
    "occurred_on": lambda one: one.occurred_on,
    "occurred_at": lambda one: instant_of(one.occurred_at),
    "person": lambda one: one.person,
    "record_faulty": lambda one: one.record_faulty,
    "extra_cost": lambda one: one.extra_cost,
    "loss": lambda one: one.loss,
}
_LINES: Final = {
    "parts": ("svc_parts", _PART),
    "holds": ("svc_holds", _HOLD),
    "incidents": ("svc_incidents", _INCIDENT),
}


def ticket_of(complaint: Any, policy: Policy) -> Ticket:
    """Read the ticket that a complaint is.

    Local times that users stated are in the company's zone, in the policy's where the company has none.

    Raises:
        PolicyError: A fact cannot be read, or the company counts in another currency; each problem names the complaint.
    """
    place = Place(file=name_of(complaint))
    check_currency(complaint.company, policy, place)
    facts = facts_of(policy)
    stated: dict[str, object] = {"ticket_id": name_of(complaint)}
    for origin in ORIGINS:
        value = origin.read(complaint)
        if value is not None and value != "":
            stated[origin.fact] = value
    extra: dict[str, object] = {}
    own = _own(policy)
    for line in complaint.svc_facts:
        (extra if line.fact in own else stated)[line.fact] = plain(facts.get(line.fact), line.value)
    if extra:
        stated["extra"] = extra
    for name, (field, readers) in _LINES.items():
        if records := getattr(complaint, field):
            stated[name] = [
                {fact: value for fact, read in readers.items() if (value := read(one)) not in (None, "")}
                for one in records
            ]
    return reader_of(policy, complaint.company.timezone).structure(stated, place)


def check_currency(company: Any, policy: Policy, place: Place) -> None:
    """See that a company counts in the policy's currency.

    Raises:
        AdapterError: It counts in another.
    """
    if company.currency.code != policy.pack.settings.currency:
        other = message(
            "`{company}` counts in `{theirs}`, the policy `{policy}` in `{ours}`",
            company=company.rec_name,
            theirs=company.currency.code,
            policy=policy.id,
            ours=policy.pack.settings.currency,
        )
        advice = message("choose a policy in the company's currency: amounts are not converted")
        raise AdapterError([problem("other-currency", other, place=place, help=advice)])


def unfilled(ticket: Ticket, policy: Policy) -> Iterator[Unfilled]:
    """List the facts that the policy may ask for and the complaint does not give, each with the reason."""
    facts = facts_of(policy)
    for name in policy.plan.asked:
        if name in facts and (ticket.extra.get(name) if name in _own(policy) else getattr(ticket, name, None)) is None:
            yield Unfilled(fact=name, reason=_MISSING.get(name, NOBODY))


@functools.lru_cache(maxsize=MOST)
def facts_of(policy: Policy) -> Mapping[str, Fact]:
    """Give the facts of a ticket that a policy knows, by their names."""
    return {fact.name: fact for fact in policy.pack.settings.facts["ticket"]}


@functools.lru_cache(maxsize=MOST)
def _own(policy: Policy) -> frozenset[str]:
    """Name the facts that a policy adds, which stand under `extra`."""
    return frozenset(facts_of(policy).keys() - {fact.name for fact in BUILT_IN["ticket"]})


def check_stated(policy: Policy, zone: str | None, name: str, text: str, place: Place) -> None:
    """See that a stated fact can be read.

    Raises:
        TicketError: The policy has no such fact, or the value is none of it.
    """
    facts = facts_of(policy)
    if name not in facts:
        unknown = message("the policy `{policy}` has no fact `{fact}`", policy=policy.id, fact=name)
        raise TicketError([problem("ticket-unknown-fact", unknown, place=place)])
    given = {name: plain(facts[name], text)}
    reader_of(policy, zone).structure({"extra": given} if name in _own(policy) else given, place)


def plain(fact: Fact | None, text: str) -> object:
    """Read what a user typed as the value of a fact, as far as the reader of tickets wants no text."""
    text = text.strip()
    if fact is None:
        return text
    if fact.kind == "bool":
        return _TRUTHS.get(text.lower(), text)
    if fact.kind == "count":
        return int(text) if text.isdecimal() and len(text) <= 18 else text
    if fact.kind == "text" and fact.values:
        return next((word for word, labels in fact.values.items() if text in (word, *labels)), text)
    return text

