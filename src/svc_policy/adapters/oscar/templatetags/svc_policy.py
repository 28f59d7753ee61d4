"""Texts of the library's catalogue in templates, and the after-sales offers of an order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from svc_policy.adapters.oscar.offers import Offer, offer_for
from svc_policy.adapters.oscar.policies import language
from svc_policy.messages import Message

register = template.Library()


@register.simple_tag
def say(text: str, **values: object) -> str:
    """Put a text of the catalogue into the user's language: ``{% say "Ticket {number}" number=ticket.number %}``."""
    return Message(text, values).text(language())


@register.filter
def instant(value: Any) -> str:
    """Write an instant, also one in ISO 8601, in the zone of whoever looks; one that is not the shop's is named."""
    from babel.dates import format_datetime
    from django.conf import settings

    from svc_policy.messages import LOCALES

    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    local = timezone.localtime(at)
    pattern = "y年M月d日 HH:mm" if language() == "zh" else "d MMM y, HH:mm"
    text = str(format_datetime(local, pattern, tzinfo=local.tzinfo, locale=LOCALES[language()]))
    zone = timezone.get_current_timezone_name()
    if zone == settings.TIME_ZONE:
        return text
    return f"{text}（{zone}）" if language() == "zh" else f"{text} ({zone})"


@register.filter
def problem(value: Any) -> str:
    """Say what is wrong, with its place and what would be right."""
    return str(value.render(language()))


@register.inclusion_tag("svc_policy/offers.html", takes_context=True)
def after_sales_offers(context: Mapping[str, Any], order: Any) -> dict[str, Any]:
    """Show the offer for each line of an order: for the customer's own pages."""
    return {"offers": _offers(order), "request": context.get("request")}


@register.inclusion_tag("svc_policy/dashboard/offers.html", takes_context=True)
def after_sales_dashboard(context: Mapping[str, Any], order: Any) -> dict[str, Any]:
    """Show the offers of an order and its tickets: for the pages of the staff."""
    from svc_policy.adapters.oscar.models import ServiceTicket

    user = context["request"].user
    may_view = user.is_staff and user.has_perm("svc_policy.view_serviceticket")
    tickets = ServiceTicket.objects.filter(line__order=order, state=ServiceTicket.HANDED_IN) if may_view else ()
    return {"offers": _offers(order), "tickets": tickets, "request": context["request"]}


def _offers(order: Any) -> list[Offer]:
    return [offer_for(line) for line in order.lines.select_related("product", "order").order_by("pk")]
