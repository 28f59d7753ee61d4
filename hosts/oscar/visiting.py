"""Ask for pages of the shop in this process, as a customer or as one of the staff."""

from __future__ import annotations

import html
import re
from typing import Any

STAFF = ("view_serviceticket", "change_serviceticket")
#: By hand: what a customer answers to mall about a machine that was misused, outside the warranty or not.
PAID = {"cause": "misuse", "on_site": True, "solved_by_telephone": False, "distance_km": "3", "labour_hours": "1"}


def client_of(user: Any = None, language: str = "en", *, checks: bool = False) -> Any:
    from django.test import Client

    client = Client(enforce_csrf_checks=checks, SERVER_NAME="127.0.0.1", raise_request_exception=False)
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["django_language"] = language
    return client


def text_of(response: Any) -> str:
    """Give the words of a page, without tags and runs of blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def offer_of(line: Any) -> Any:
    from svc_policy.adapters.oscar.offers import offer_for

    return offer_for(line)


def begin(client: Any, line: Any) -> Any:
    from svc_policy.adapters.oscar.models import ServiceTicket

    assert client.post(f"/after-sales/lines/{line.pk}/").status_code == 302
    return ServiceTicket.objects.get(line=line, state="draft")


def answer(client: Any, ticket: Any, fact: str, value: str | None, **more: str) -> Any:
    """Answer a question; None is `I do not know`."""
    data = {"do": "unknown"} if value is None else {"do": "answer", "answer": value}
    return client.post(f"/after-sales/tickets/{ticket.number}/ask/{fact}/", {**data, **more})


def asked_now(client: Any, ticket: Any) -> str | None:
    """Name the fact that is asked for now; None where all is answered."""
    response = client.get(f"/after-sales/tickets/{ticket.number}/")
    found = re.search(r"/ask/(\w+)/$", response.url)
    return found[1] if found else None


def report(client: Any, line: Any, answers: dict[str, Any]) -> Any:
    """Report a fault; what is not among the answers is not known."""
    from svc_policy.adapters.oscar.models import ServiceTicket

    ticket = begin(client, line)
    while (fact := asked_now(client, ticket)) is not None:
        value = answers.get(fact)
        words = {True: "yes", False: "no"}
        assert answer(client, ticket, fact, words.get(value, value)).status_code == 302, fact  # type: ignore[arg-type]
    send(client, ticket)
    return ServiceTicket.objects.get(pk=ticket.pk)


def send(client: Any, ticket: Any, **more: str) -> Any:
    page = client.get(f"/after-sales/tickets/{ticket.number}/check/")
    digest = re.search(r'name="digest" value="(\w+)"', page.content.decode())
    assert digest is not None
    return client.post(f"/after-sales/tickets/{ticket.number}/check/", {"digest": digest[1], **more})


def raise_price(state: Any, old: str = "70 CNY") -> None:
    fees = state / "mall" / "fees.csv"
    text = fees.read_text(encoding="utf-8")
    assert text.count(old) == 1
    fees.write_text(text.replace(old, "80 CNY"), encoding="utf-8")
