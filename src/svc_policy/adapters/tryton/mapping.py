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
from svc_policy.errors import AdapterError, Place, TicketError, nearest, problem
from svc_policy.facts.normal import LONGEST_TEXT
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.facts.typed import read_typed
from svc_policy.messages import Message, message
from svc_policy.policy import Policy

MODEL: Final = "sale.complaint"
#: Columns that hold a truth, which a database may keep as a number.
BOOLEANS: Final = frozenset(("template.svc_key_equipment", "record_faulty"))
#: Fields of a lot and of a subscription that facts are taken from.
OF_LOT: Final = (
    "number",
    "svc_purchased_on",
    "svc_delivered_on",
    "svc_installed_on",
    "svc_accepted_on",
    "svc_warranty_until",
    "svc_suspended_days",
)
OF_CONTRACT: Final = (
    "number",
    "state",
    "start_date",
    "end_date",
    "svc_contract_kind",
    "svc_covers_labour",
    "svc_covers_parts",
    "svc_visits_left",
    "svc_hours_left",
)
_CONTRACTS: Final = ("running", "closed")

NO_LOT: Final = message("the complaint names no lot")
NO_SALE: Final = message("neither the lot nor the origin of the complaint says so")
NO_CONTRACT: Final = message("the complaint names no subscription that runs or has run")
EMPTY: Final = message("the field is empty")
NOBODY: Final = message("nobody has stated it")


@attrs.define
class Gathered:
    """What was read of a complaint: columns by table, the rows of its lists, and the record for what is left."""

    record: Any
    row: Mapping[str, Any]
    lines: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict)


Read = Callable[[Gathered], object]


@attrs.frozen
class Origin:
    """A fact that records of Tryton give: how it is read, and why it may be missing.

    One that is `asked` is read only for a policy that asks for it, as it takes other records.
    """

    fact: str
    read: Read
    missing: Message = EMPTY
    asked: bool = False


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


def _column(name: str) -> Read:
    return lambda one: one.row[name]


def _of_contract(name: str) -> Read:
    return lambda one: one.row[f"contract.{name}"] if one.row["contract.state"] in _CONTRACTS else None


def _of_line(one: Gathered) -> Any:
    """Give the line of a sale or of an invoice that a complaint is about."""
    origin = one.row["complaint.origin"] or ""
    return one.record.origin if origin.startswith(("sale.line,", "account.invoice.line,")) else None


def _of_product(column: str, field: str) -> Read:
    def read(one: Gathered) -> object:
        if one.row["complaint.svc_lot"]:
            return one.row[column]
        line = _of_line(one)
        return getattr(line.product, field) if line and line.product else None

    return read


def _order(one: Gathered) -> Any:
    """Give the sale or invoice that a complaint is about."""
    match (one.row["complaint.origin"] or "").partition(",")[0]:
        case "sale.line":
            return one.record.origin.sale
        case "account.invoice.line":
            return one.record.origin.invoice
        case "sale.sale" | "account.invoice":
            return one.record.origin
    return None


def _purchased_on(one: Gathered) -> object:
    if one.row["lot.svc_purchased_on"]:
        return one.row["lot.svc_purchased_on"]
    order = _order(one)
    if not order:
        return None
    return order.sale_date if one.row["complaint.origin"].startswith("sale.") else order.invoice_date


def _delivered_on(one: Gathered) -> object:
    if one.row["lot.svc_delivered_on"]:
        return one.row["lot.svc_delivered_on"]
    if one.row["complaint.svc_lot"] or (one.row["complaint.origin"] or "").startswith("sale.line,"):
        return one.record.svc_first_delivery()
    return None


def _order_no(one: Gathered) -> object:
    order = _order(one)
    return order.number if order else None


def _quantity(one: Gathered) -> object:
    line = _of_line(one)
    return int(line.quantity) if line and line.quantity and float(line.quantity).is_integer() else None


def _contract_until(one: Gathered) -> object:
    """Give the last day of a contract; one that runs without an end covers the day of the request."""
    row = one.row
    if row["contract.state"] != "running" or row["contract.end_date"]:
        return row["contract.end_date"] if row["contract.state"] in _CONTRACTS else None
    received = instant_of(row["complaint.svc_received_at"])
    if received is None:
        return None
    day = received.astimezone(ZoneInfo(one.row["company.timezone"] or "UTC")).date()
    return max(day, row["contract.start_date"])


def _truth(name: str) -> Read:
    read = _of_contract(name)
    return lambda one: {"yes": True, "no": False}.get(str(read(one)))


def _phone(one: Gathered) -> object:
    return one.record.customer.phone or one.record.customer.mobile or None


def _address(one: Gathered) -> object:
    found = one.record.customer.address_get(type="delivery")
    return ", ".join(found.full_address.splitlines()) if found and found.full_address else None


ORIGINS: Final[tuple[Origin, ...]] = (
    Origin("customer", _column("party.name")),
    Origin("customer_phone", _phone, asked=True),
    Origin("customer_address", _address, asked=True),
    Origin("request_kind", _column("type.svc_request_kind"), message("the type of the complaint says no kind")),
    Origin("problem", lambda one: _shortened(one.row["complaint.description"])),
    Origin("received_at", lambda one: instant_of(one.row["complaint.svc_received_at"])),
    Origin("serial_no", _column("lot.number"), NO_LOT),
    Origin("item_code", _of_product("product.code", "code"), NO_LOT),
    Origin(
        "product_class",
        _of_product("template.svc_product_class", "svc_product_class"),
        message("the product has no class of the policy"),
    ),
    Origin("key_equipment", _of_product("template.svc_key_equipment", "svc_key_equipment"), NO_LOT),
    Origin("product_quantity", _quantity, NO_SALE),
    Origin("order_no", _order_no, NO_SALE),
    Origin("purchased_on", _purchased_on, NO_SALE),
    Origin("delivered_on", _delivered_on, message("no delivery to the customer is done")),
    Origin("installed_on", _column("lot.svc_installed_on"), NO_LOT),
    Origin("accepted_on", _column("lot.svc_accepted_on"), NO_LOT),
    Origin("warranty_until", _column("lot.svc_warranty_until"), NO_LOT),
    Origin("suspended_days", _column("lot.svc_suspended_days"), NO_LOT),
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

Columns = Mapping[str, Callable[[dict[str, Any]], object]]


def _same(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda row: row[name]


def _instant(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda row: instant_of(row[name])


#: The lists of a ticket: the model of its lines, the columns that are read, and the facts that are made of them.
LINES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "facts": ("svc_policy.fact", ("fact", "value")),
    "parts": (
        "svc_policy.part",
        ("part_no", "product_code", "part_class", "quantity", "unit_price", "part_cause", "warranty_until"),
    ),
    "holds": ("svc_policy.hold", ("hold_kind", "from_at", "until_at")),
    "incidents": (
        "svc_policy.incident",
        ("incident_kind", "occurred_on", "occurred_at", "person", "record_faulty", "extra_cost", "loss"),
    ),
}
_READ: Final[Mapping[str, Columns]] = {
    "parts": {
        "part_no": lambda row: row["part_no"] or row["product_code"],
        "part_warranty_until": _same("warranty_until"),
        **{name: _same(name) for name in ("part_class", "quantity", "unit_price", "part_cause")},
    },
    "holds": {"hold_kind": _same("hold_kind"), "from_at": _instant("from_at"), "until_at": _instant("until_at")},
    "incidents": {
        "occurred_at": _instant("occurred_at"),
        **{
            name: _same(name)
            for name in ("incident_kind", "occurred_on", "person", "record_faulty", "extra_cost", "loss")
        },
    },
}


def ticket_of(one: Gathered, policy: Policy) -> Ticket:
    """Read the ticket that a complaint is.

    Local times that users stated are in the company's zone, in the policy's where the company has none.

    Raises:
        PolicyError: A fact cannot be read, or the company counts in another currency; each problem names the complaint.
    """
    place = Place(file=name_of(one.record))
    if one.row["currency.code"] != policy.pack.settings.currency:
        check_currency(one.record.company, policy, place)
    facts = facts_of(policy)
    stated: dict[str, object] = {"ticket_id": name_of(one.record)}
    extra: dict[str, object] = {}
    own = _own(policy)
    for line in one.lines.get("facts", ()):
        name = line["fact"]
        (extra if name in own else stated)[name] = _typed(facts.get(name), line["value"])
    asked = _asked(policy)
    for origin in ORIGINS:
        if origin.fact in stated or (origin.asked and origin.fact not in asked):
            continue
        value = origin.read(one)
        if value is not None and value != "":
            stated[origin.fact] = value
    if extra:
        stated["extra"] = extra
    for name, columns in _READ.items():
        if rows := one.lines.get(name):
            stated[name] = [
                {fact: value for fact, read in columns.items() if (value := read(row)) is not None and value != ""}
                for row in rows
            ]
    return reader_of(policy, one.row["company.timezone"]).structure(stated, place)


@functools.lru_cache(maxsize=MOST)
def _asked(policy: Policy) -> frozenset[str]:
    """Name the facts that a policy may ask for, or prints on a form."""
    printed = (row.text("fact") for row in policy.pack.rows.get("fields", ()))
    return frozenset((*policy.plan.asked, *(name for name in printed if name)))


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
        near = nearest(name, facts)
        advice = (
            message("did you mean `{name}`?", name=near)
            if near
            else message("`{command}` lists them", command="svc-policy schema ticket")
        )
        raise TicketError([problem("ticket-unknown-fact", unknown, place=place, help=advice)])
    given = {name: _typed(facts[name], text)}
    reader_of(policy, zone).structure({"extra": given} if name in _own(policy) else given, place)


def _typed(fact: Fact | None, text: str) -> object:
    """Read what a user typed; for what is no fact any more, the reader of tickets finds the words."""
    return text if fact is None else read_typed(fact, text)
