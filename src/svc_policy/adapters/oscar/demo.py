"""Orders to try the app with: delivered lately, delivered long ago, not delivered, in another currency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from oscar.core.loading import get_model

from svc_policy.adapters.oscar.configuration import configuration
from svc_policy.adapters.oscar.policies import current_policy, now
from svc_policy.messages import Message, message

_SKU: Final = "demo-"
#: Title, months of its own warranty, days since delivery (None: not delivered), other currency, what it shows.
_KINDS: tuple[tuple[str, int | None, int | None, bool, Message], ...] = (
    ("Washing machine", None, 90, False, message("delivered 90 days ago, warranty of the terms")),
    ("Refrigerator", 36, 800, False, message("delivered 800 days ago, own warranty of 36 months")),
    ("Kettle", None, 800, False, message("delivered 800 days ago, warranty over")),
    ("Cooker", None, None, False, message("not delivered yet")),
    ("Radio", None, 90, True, message("paid in another currency")),
)


def make_orders(email: str, password: str) -> Iterator[tuple[Any, Message]]:
    """Make a customer, unless there is one of that address, and an order of each kind that they do not have."""
    users = get_user_model()
    user = users.objects.filter(email__iexact=email).first()
    with transaction.atomic():
        if user is None:
            name = {users.USERNAME_FIELD: email} if users.USERNAME_FIELD != "email" else {}
            user = users.objects.create_user(**name, email=email, password=password)
        for title, months, days, is_foreign, text in _KINDS:
            lines = get_model("order", "Line").objects.select_related("order")
            made = lines.filter(order__user=user, title=title, partner_sku__startswith=_SKU).first()
            if made is not None:
                yield made.order, message("made earlier ({what})", what=text)
                continue
            yield make_order(user, title, months=months, delivered_days_ago=days, is_foreign=is_foreign), text


def make_order(
    user: Any,
    title: str,
    *,
    months: int | None = None,
    delivered_days_ago: int | None = None,
    quantity: int = 1,
    is_foreign: bool = False,
) -> Any:
    """Make a product and an order of it; `months` is its own warranty."""
    settings = configuration()
    policy_currency = current_policy().pack.settings.currency
    currency = ("EUR" if policy_currency != "EUR" else "USD") if is_foreign else policy_currency
    product = _product(title, months, settings.warranty_months)
    delivered = None if delivered_days_ago is None else now() - timedelta(days=delivered_days_ago)
    price = Decimal("100.00") * quantity
    orders = get_model("order", "Order").objects
    last = orders.order_by("-pk").first()
    order = orders.create(
        number=str(100_001 + (last.pk if last else 0)),
        user=user,
        currency=currency,
        total_incl_tax=price,
        total_excl_tax=price,
        shipping_address=_address(),
        date_placed=(delivered or now()) - timedelta(days=2),
    )
    line = order.lines.create(
        product=product,
        title=title,
        upc=product.upc,
        partner_sku=product.upc,
        quantity=quantity,
        line_price_incl_tax=price,
        line_price_excl_tax=price,
        line_price_before_discounts_incl_tax=price,
        line_price_before_discounts_excl_tax=price,
        num_allocated=quantity,
    )
    if delivered is not None:
        deliver(line, delivered, settings.delivered_event)
    return order


def deliver(line: Any, at: Any, event: str, quantity: int | None = None) -> None:
    """Note that some or all of a line was delivered at an instant."""
    kind, _ = get_model("order", "ShippingEventType").objects.get_or_create(code=event, defaults={"name": event})
    made = line.order.shipping_events.create(event_type=kind)
    made.line_quantities.create(line=line, quantity=quantity or line.quantity)
    # Oscar notes the instant at which the event is entered.
    type(made).objects.filter(pk=made.pk).update(date_created=at)


def _product(title: str, months: int | None, attribute: str | None) -> Any:
    kinds = get_model("catalogue", "ProductClass").objects
    kind = kinds.filter(name="Appliances").first() or kinds.create(name="Appliances")
    products = get_model("catalogue", "Product").objects
    product = products.create(title=title, product_class=kind, upc=f"{_SKU}{products.count() + 1}")
    if months is not None and attribute is not None:
        kind.attributes.get_or_create(code=attribute, defaults={"name": "Months of warranty", "type": "integer"})
        product.refresh_from_db()
        setattr(product.attr, attribute, months)
        product.attr.save()
    return product


def _address() -> Any:
    country, _ = get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="CN", defaults={"name": "China", "printable_name": "China", "is_shipping_country": True}
    )
    addresses = get_model("order", "ShippingAddress").objects
    return addresses.create(
        first_name="Ann", last_name="Example", line1="1 Example Road", line4="Hangzhou", country=country
    )
