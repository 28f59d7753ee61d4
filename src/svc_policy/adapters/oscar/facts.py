"""What the shop knows of a line of an order, as facts of a ticket; what it does not know, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.adapters.oscar.configuration import Configuration
from svc_policy.adapters.protocol import Unfilled
from svc_policy.errors import Place, Problem, TicketError, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.facts.registry import Fact
    from svc_policy.policy import Policy

#: Fields of Oscar's address that can be facts.
ADDRESS_FIELDS: Final = (
    "title",
    "first_name",
    "last_name",
    "line1",
    "line2",
    "line3",
    "line4",
    "state",
    "postcode",
    "country",
    "phone_number",
    "notes",
)


@attrs.frozen(kw_only=True)
class LineFacts:
    """The facts of a line as plain values by their names, those that could not be filled, and what cannot be read."""

    facts: Mapping[str, Any]
    unfilled: tuple[Unfilled, ...] = ()
    problems: tuple[Problem, ...] = ()
    warranty_months: int | None = None

    def with_answers(self, answers: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
        """Add what somebody answered; the product's own warranty then ends by what is known of its beginning."""
        from svc_policy.worktime.months import last_day_of

        facts = {**self.facts, **answers}
        start = facts.get(configuration.warranty_from)
        if self.warranty_months is not None and start is not None and "warranty_until" not in facts:
            facts["warranty_until"] = last_day_of(date.fromisoformat(str(start)), self.warranty_months).isoformat()
        return facts


def ticket_facts(policy: Policy) -> dict[str, Fact]:
    """List the facts that a ticket can state under a policy, by name: the library's, then the company's own."""
    return {fact.name: fact for fact in policy.pack.settings.facts["ticket"]}


def ticket_data(policy: Policy, facts: Mapping[str, Any], number: str = "") -> dict[str, Any]:
    """Put facts by their names into the form in which a ticket is read: a company's own stand under `extra`."""
    from svc_policy.facts.registry import TICKET

    built_in = {fact.name for fact in TICKET}
    data: dict[str, Any] = {"ticket_id": number} if number else {}
    data |= {name: value for name, value in facts.items() if name in built_in}
    extra = {name: value for name, value in facts.items() if name not in built_in}
    if extra:
        data["extra"] = extra
    return data


def check_value(policy: Policy, name: str, value: object) -> tuple[Problem, ...]:
    """List what is wrong with the value of one fact, taken by itself."""
    try:
        policy.ticket(ticket_data(policy, {name: value}))
    except TicketError as error:
        return error.problems
    return ()


def facts_of_line(line: Any, policy: Policy, configuration: Configuration) -> LineFacts:
    """Read what the shop knows of a line of an order.

    Days are those of the project's ``TIME_ZONE``. A value that cannot be that
    fact is left out and reported, and the others are read.
    """
    found = _Found(policy, f"order {line.order.number}, line {line.pk}")
    order = line.order
    # What the setting says goes before what the app knows by itself.
    for name, value in configuration.always.items():
        found.take(name, value)
    attributes = _attributes(line)
    _take_attributes(found, attributes, configuration)
    _take_address(found, order.shipping_address, configuration)
    found.take("request_kind", "fault")
    found.take("channel", "online")
    found.take("order_no", order.number)
    found.take("item_code", line.upc or line.partner_sku or None)
    found.take("product_quantity", line.quantity)
    found.take("purchased_on", _day(order.date_placed))
    found.take("customer", _customer(order))
    _take_delivery(found, line, configuration)
    _take_months(found, attributes, configuration)
    read = LineFacts(
        facts=found.facts,
        unfilled=tuple(found.unfilled),
        problems=tuple(found.problems),
        warranty_months=found.warranty_months,
    )
    return attrs.evolve(read, facts=read.with_answers({}, configuration))


class _Found:
    """Gathers facts, what could not be filled, and problems, for one line."""

    def __init__(self, policy: Policy, record: str) -> None:
        self.policy = policy
        self.record = record
        self.known = ticket_facts(policy)
        self.facts: dict[str, Any] = {}
        self.unfilled: list[Unfilled] = []
        self.problems: list[Problem] = []
        self.warranty_months: int | None = None

    def take(self, name: str, value: object, of: str = "") -> bool:
        """Take a value for a fact unless the policy has no such fact, an earlier one holds, or it cannot be read."""
        if value is None or value == "" or name not in self.known or name in self.facts:
            return False
        plain = _plain(value)
        problems = check_value(self.policy, name, plain)
        if problems:
            place = Place(file=f"{self.record}, {of}" if of else self.record)
            self.problems += (attrs.evolve(one, place=place) for one in problems)
            return False
        self.facts[name] = plain
        return True

    def leave(self, name: str, reason: Message) -> None:
        if name in self.known and name not in self.facts:
            self.unfilled.append(Unfilled(fact=name, reason=reason))


def _plain(value: Any) -> object:
    """Turn what an attribute or field holds into what JSON and a ticket can hold."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return str(Decimal(repr(value)))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "all"):
        return ", ".join(str(getattr(one, "option", one)) for one in value.all())
    # An option of Oscar's, a telephone number, a country: what it is called.
    return str(getattr(value, "option", value))


def _day(at: datetime) -> date:
    from django.utils import timezone

    day: date = timezone.localtime(at, timezone.get_default_timezone()).date()
    return day


def _customer(order: Any) -> str | None:
    name = order.user.get_full_name() if order.user else ""
    if not name and order.shipping_address is not None:
        name = order.shipping_address.name
    return name or None


def _take_delivery(found: _Found, line: Any, configuration: Configuration) -> None:
    """Take the day on which all of a line had been delivered, by its shipping events."""
    code = configuration.delivered_event
    counted = 0
    events = line.shipping_event_quantities.filter(event__event_type__code=code).select_related("event")
    for quantity in events.order_by("event__date_created"):
        counted += quantity.quantity
        if counted >= line.quantity:
            found.take("delivered_on", _day(quantity.event.date_created))
            return
    if counted:
        reason = message("{count} of {whole} are delivered", count=counted, whole=line.quantity)
    else:
        reason = message("no delivery of it is noted yet")
    found.leave("delivered_on", reason)


def _take_address(found: _Found, address: Any, configuration: Configuration) -> None:
    wanted = {"phone_number": "customer_phone", **configuration.address}
    if address is None:
        for fact in (*wanted.values(), "customer_address"):
            found.leave(fact, message("the order has no shipping address"))
        return
    found.take("customer_address", address.summary)
    for field, fact in wanted.items():
        if not found.take(fact, getattr(address, field, None), of=f"shipping_address.{field}"):
            found.leave(fact, message("`{field}` of the shipping address is empty", field=field))


def _attributes(line: Any) -> dict[str, Any] | None:
    """List what the attributes of a line's product hold, by their codes; None where the product is gone."""
    if line.product is None:
        return None
    return {value.attribute.code: value.value for value in line.product.get_attribute_values()}


_GONE: Final = message("the product is no longer in the catalogue")


def _take_attributes(found: _Found, attributes: Mapping[str, Any] | None, configuration: Configuration) -> None:
    """Take the facts that stand in attributes of the product."""
    for code, fact in configuration.attributes.items():
        if attributes is None:
            found.leave(fact, _GONE)
        elif not found.take(fact, attributes.get(code), of=f"attribute `{code}`"):
            found.leave(fact, message("attribute `{code}` of the product is empty or cannot be read", code=code))


def _take_months(found: _Found, attributes: Mapping[str, Any] | None, configuration: Configuration) -> None:
    """Take the length of a product's own warranty, in months."""
    code = configuration.warranty_months
    if code is None:
        return
    if attributes is None:
        found.leave("warranty_until", _GONE)
        return
    months = attributes.get(code)
    if months is None or months == "":
        return
    length = _whole(months)
    if length is None:
        template = message("`{value}` is no whole number of months", value=months)
        advice = message("a warranty is given as in `24`")
        place = Place(file=f"{found.record}, attribute `{code}`")
        found.problems.append(problem("oscar-warranty-months", template, place=place, help=advice))
        found.leave("warranty_until", message("the product's months of warranty cannot be read"))
        return
    found.warranty_months = length
    if configuration.warranty_from not in found.facts:
        reason = message("the warranty runs from `{fact}`, which is not known", fact=configuration.warranty_from)
        found.leave("warranty_until", reason)


def _whole(value: object) -> int | None:
    """Read a whole number above 0; None for anything else."""
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 3:
        return None
    return int(text) or None
