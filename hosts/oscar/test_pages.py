"""Offers, permissions, the form and the dashboard, asked for in this process; pages in a browser are beside."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from hosts.oscar.conftest import make_line, make_user

STAFF = ("view_serviceticket", "change_serviceticket")
#: By hand: what a customer answers to mall about a machine that was misused, outside the warranty or not.
PAID = {"cause": "misuse", "on_site": True, "solved_by_telephone": False, "distance_km": "3", "labour_hours": "1"}


@pytest.fixture(autouse=True)
def state(shop_state, settings_kept):
    return shop_state


@pytest.fixture
def settings_kept():
    from django.conf import settings

    kept = dict(settings.SVC_POLICY)
    yield settings
    settings.SVC_POLICY = kept


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


# --- offers


def test_cover_runs_by_the_policys_own_length_from_delivery():
    # 2 March 2026 less 90 days is 2 December 2025; 12 months on, less a day.
    offer = offer_of(make_line(make_user(), delivered_days_ago=90))
    assert (offer.standing, offer.cover) == ("covered", "covered until 1 December 2026")


def test_the_products_own_months_take_the_place_of_the_policys():
    # 800 days before 2 March 2026 is 23 December 2023; 36 months on, less a day.
    user = make_user()
    assert offer_of(make_line(user, months=36, delivered_days_ago=800)).cover == "covered until 22 December 2026"
    over = offer_of(make_line(user, delivered_days_ago=800))
    assert (over.standing, over.cover) == ("over", "cover ended on 22 December 2024")
    assert over.category == "A, paid service"


def test_a_category_that_hangs_on_one_answer_is_told_for_each():
    offer = offer_of(make_line(make_user(), delivered_days_ago=90))
    found = {branch.case.removeprefix("cause: "): (branch.category, branch.price) for branch in offer.branches}
    assert found["product quality"] == ("C, free service", "free of charge")
    assert found["wear"][0] == found["accident"][0] == "C, free service"
    category, price = found["misuse or lack of upkeep"]
    assert category == "A, paid service"
    assert price.startswith("depends on visit on site")


def test_a_line_that_was_not_delivered_says_what_is_missing():
    offer = offer_of(make_line(make_user()))
    assert (offer.standing, offer.until) == ("unknown", None)
    assert offer.cover == "how long it is covered depends on date of delivery"
    assert offer.missing == ("date of delivery is missing: the order has no shipping event `delivered`",)


def test_a_line_that_was_delivered_in_part_is_not_delivered():
    from svc_policy.adapters.oscar.demo import deliver

    line = make_line(make_user(), quantity=3)
    deliver(line, datetime(2026, 1, 10, 1, tzinfo=UTC), "delivered", quantity=2)
    assert offer_of(line).missing == ("date of delivery is missing: 2 of 3 are delivered",)
    deliver(line, datetime(2026, 1, 20, 1, tzinfo=UTC), "delivered", quantity=1)
    assert offer_of(line).cover == "covered until 19 January 2027"


def test_days_are_those_of_the_shops_zone():
    from django.utils import timezone

    from svc_policy.adapters.oscar.demo import deliver

    line = make_line(make_user())
    # 17:00 on 9 January in London is 01:00 on the 10th in Shanghai, whoever looks from wherever.
    deliver(line, datetime(2026, 1, 9, 17, tzinfo=UTC), "delivered")
    with timezone.override("America/New_York"):
        assert offer_of(line).cover == "covered until 9 January 2027"


def test_an_order_in_another_currency_gets_an_offer_without_a_price():
    offer = offer_of(make_line(make_user(), delivered_days_ago=800, is_foreign=True))
    assert offer.category == "A, paid service"
    assert offer.price == "no price can be given: the order is in EUR, the terms are in CNY"


def test_an_attribute_that_cannot_be_read_is_told_to_the_staff_and_the_rest_goes_on():
    from oscar.core.loading import get_model

    user = make_user()
    line = make_line(user, delivered_days_ago=90)
    attribute, _ = get_model("catalogue", "ProductAttribute").objects.get_or_create(
        product_class=line.product.product_class, code="warranty_months_text", defaults={"name": "x", "type": "text"}
    )
    get_model("catalogue", "ProductAttributeValue").objects.create(
        attribute=attribute, product=line.product, value_text="two years"
    )
    from django.conf import settings

    settings.SVC_POLICY = {**settings.SVC_POLICY, "warranty_months": "warranty_months_text"}
    offer = offer_of(line)
    assert offer.cover == "covered until 1 December 2026"
    [problem] = offer.problems
    assert f"order {line.order.number}, line {line.pk}, attribute `warranty_months_text`" in problem.render()
    assert "`two years` is no whole number of months" in problem.render()
    boss = client_of(make_user(is_staff=True, permissions=("view_order", *STAFF)))
    assert "two years" in text_of(boss.get(f"/dashboard/orders/{line.order.number}/"))
    assert "two years" not in text_of(client_of(user).get(f"/accounts/orders/{line.order.number}/"))


def test_a_product_that_is_gone_takes_its_warranty_with_it_and_that_is_said():
    line = make_line(make_user(), months=36, delivered_days_ago=800)
    line.product.delete()
    line.refresh_from_db()
    offer = offer_of(line)
    assert offer.cover == "cover ended on 22 December 2024"
    assert offer.missing == ("explicit last day of warranty is missing: the product is no longer in the catalogue",)


def test_what_the_setting_says_goes_before_what_the_app_knows():
    from django.conf import settings

    from svc_policy.adapters.oscar.configuration import configuration
    from svc_policy.adapters.oscar.facts import facts_of_line
    from svc_policy.adapters.oscar.policies import current_policy

    line = make_line(make_user(), delivered_days_ago=90)
    always = {"channel": "counter", "delivered_on": "2026-01-10"}
    settings.SVC_POLICY = {**settings.SVC_POLICY, "always": always, "address": {"line4": "customer"}}
    facts = facts_of_line(line, current_policy(), configuration()).facts
    assert {**always, "customer": "Hangzhou"}.items() <= facts.items()


def test_attributes_and_the_address_are_facts():
    from django.conf import settings
    from oscar.core.loading import get_model

    from svc_policy.adapters.oscar.configuration import configuration
    from svc_policy.adapters.oscar.facts import facts_of_line
    from svc_policy.adapters.oscar.policies import current_policy

    line = make_line(make_user(), quantity=2, delivered_days_ago=10)
    attribute, _ = get_model("catalogue", "ProductAttribute").objects.get_or_create(
        product_class=line.product.product_class, code="product_line", defaults={"name": "x", "type": "text"}
    )
    get_model("catalogue", "ProductAttributeValue").objects.create(
        attribute=attribute, product=line.product, value_text="大家电"
    )
    settings.SVC_POLICY = {**settings.SVC_POLICY, "address": {"line4": "district"}}
    line.order.shipping_address.phone_number = "+8657188880000"
    line.order.shipping_address.save()
    found = facts_of_line(line, current_policy(), configuration())
    wanted = {
        "request_kind": "fault",
        "channel": "online",
        "customer_kind": "person",
        "product_class": "大家电",
        "district": "Hangzhou",
        "product_quantity": 2,
        "delivered_on": "2026-02-20",
        "purchased_on": "2026-02-18",
        "order_no": line.order.number,
        "customer": "Ann Example",
        "customer_phone": "+8657188880000",
    }
    assert wanted.items() <= found.facts.items()
    assert found.problems == ()


def test_a_policy_that_has_no_calendar_for_the_day_is_said_and_the_order_is_shown(state):
    user = make_user()
    line = make_line(user, delivered_days_ago=90)
    (state / "clock").write_text("2031-03-03T09:00:00+08:00")
    response = client_of(user).get(f"/accounts/orders/{line.order.number}/")
    assert response.status_code == 200
    assert "the after-sales terms cannot be told just now" in text_of(response)
    assert client_of(user).get(f"/after-sales/lines/{line.pk}/").status_code == 200


# --- who sees what


def test_customers_see_their_own_and_nothing_else():
    ann, bob = make_user(), make_user()
    line = make_line(ann, delivered_days_ago=90)
    ticket = report(client_of(ann), line, {})
    draft = begin(client_of(ann), line)
    urls = [
        f"/after-sales/lines/{line.pk}/",
        f"/after-sales/tickets/{ticket.number}/",
        f"/after-sales/tickets/{draft.number}/",
        f"/after-sales/tickets/{draft.number}/ask/on_site/",
        f"/after-sales/tickets/{draft.number}/check/",
    ]
    assert [client_of(bob).get(url).status_code for url in urls] == [404] * 5
    assert [client_of(bob).post(url).status_code for url in urls if url != urls[1]] == [404, 405, 404, 404]
    assert client_of(bob).post(f"/after-sales/tickets/{draft.number}/discard/").status_code == 404
    assert ticket.number not in text_of(client_of(bob).get("/after-sales/"))
    assert ticket.number in text_of(client_of(ann).get("/after-sales/"))
    for url in ("/after-sales/", *urls):
        response = client_of().get(url)
        assert (response.status_code, response.url.split("?")[0]) == (302, "/accounts/login/")


def test_the_dashboard_is_for_staff_with_the_permission():
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    urls = [f"/after-sales/dashboard/{part}" for part in ("", f"{ticket.number}/", f"{ticket.number}/ask/cause/")]
    for user in (ann, make_user(is_staff=True), make_user(permissions=STAFF)):
        assert [client_of(user).get(url).status_code for url in urls] == [403, 403, 403]
        assert client_of(user).post(f"{urls[1]}done/relayed/").status_code == 403
    reader = client_of(make_user(is_staff=True, permissions=STAFF[:1]))
    assert [reader.get(url).status_code for url in urls] == [200, 200, 403]
    assert reader.post(urls[2], {"answer": "wear"}).status_code == 403
    boss = client_of(make_user(is_staff=True, permissions=STAFF))
    assert [boss.get(url).status_code for url in urls] == [200, 200, 200]
    assert client_of().get(urls[0]).status_code == 302


def test_forms_want_the_token_of_their_page():
    from svc_policy.adapters.oscar.models import ServiceTicket

    ann = make_user()
    line = make_line(ann, delivered_days_ago=90)
    assert client_of(ann, checks=True).post(f"/after-sales/lines/{line.pk}/").status_code == 403
    assert not ServiceTicket.objects.filter(user=ann).exists()


def test_markup_in_names_stays_text():
    title = '<script>alert("x")</script> & <b>8 kg</b>'
    ann = make_user()
    line = make_line(ann, title, delivered_days_ago=90)
    ticket = report(client_of(ann), line, {})
    boss = client_of(make_user(is_staff=True, permissions=("view_order", *STAFF)))
    pages = [
        client_of(ann).get(f"/accounts/orders/{line.order.number}/"),
        client_of(ann).get(f"/after-sales/lines/{line.pk}/"),
        client_of(ann).get("/after-sales/"),
        client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"),
        boss.get("/after-sales/dashboard/"),
        boss.get(f"/after-sales/dashboard/{ticket.number}/"),
        boss.get(f"/dashboard/orders/{line.order.number}/"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "&lt;b&gt;8 kg" in page.content.decode()


def test_the_admin_reads_and_does_not_write():
    from django.contrib.auth import get_user_model

    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    boss = get_user_model().objects.create_superuser(f"boss-{ticket.number}", "boss@example.com", "x")
    for table, key in (("serviceticket", ticket.pk), ("storeddecision", ticket.decision.pk)):
        url = f"/admin/svc_policy/{table}/"
        assert ticket.number in client_of(boss).get(url).content.decode()
        assert client_of(boss).get(f"{url}{key}/change/").status_code == 200
        assert client_of(boss).post(f"{url}{key}/change/", {"state": "draft"}).status_code == 403
        assert client_of(boss).post(f"{url}{key}/delete/", {"post": "yes"}).status_code == 403


# --- the form


def test_what_is_asked_is_what_the_policy_needs_in_its_order():
    from svc_policy import load

    ann = make_user()
    line = make_line(ann, delivered_days_ago=800)
    client = client_of(ann)
    ticket = begin(client, line)
    # Independently: the facts by hand, and the first need each time.
    facts: dict[str, Any] = {"request_kind": "fault", "received_at": "2026-03-02T09:00:00", "customer_kind": "person"}
    facts |= {"purchased_on": "2023-12-21", "delivered_on": "2023-12-23"}
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    asked = []
    while needs := load("mall").decide(facts, at=at).needs:
        asked.append(needs[0])
        assert asked_now(client, ticket) == needs[0]
        value = {**PAID, "parts_needed": False}[needs[0]]
        answer(client, ticket, needs[0], {True: "yes", False: "no"}.get(value, value))  # type: ignore[arg-type,call-overload]
        facts[needs[0]] = value
    assert asked_now(client, ticket) is None
    assert len(asked) > 3


def test_the_decision_is_stored_with_its_digest():
    from svc_policy import load

    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=800), {**PAID, "parts_needed": False})
    decision = ticket.decision
    assert (decision.policy, decision.digest) == ("mall", load("mall").digest)
    # 70 for a visit within 5 km in 2026, an hour at 90, 13 % on each: 79.10 + 101.70.
    assert (decision.category, decision.payable, decision.currency) == ("A", Decimal("180.80"), "CNY")
    assert decision.document["ticket_id"] == ticket.number
    assert decision.document["quote"]["payable"] == "180.80"
    assert ticket.facts["received_at"] == "2026-03-02T09:00:00+08:00"
    # Passed on within 4 hours of work: 09:00 to 12:00 and 13:00 to 14:00; what is said changes at 80 % of them, 13:12.
    assert decision.document["targets"]["relayed"]["due"] == "2026-03-02T14:00:00+08:00"
    assert decision.next_change_at == datetime(2026, 3, 2, 5, 12, tzinfo=UTC)
    told = text_of(client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"))
    for words in ("A, paid service", "CN¥180.80", "2 Mar 2026, 14:00", "mall-2.2.2b", decision.digest[:12]):
        assert words in told, words
    told = text_of(client_of(ann, "zh-hans").get(f"/after-sales/tickets/{ticket.number}/"))
    for words in ("A 类，有偿服务", "¥180.80", "2026年3月2日 14:00", "我们已收到您于"):
        assert words in told, words


def test_a_page_shows_times_in_the_zone_of_whoever_looks():
    from django.utils import timezone

    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    with timezone.override("Europe/London"):
        assert "2 Mar 2026, 06:00" in text_of(client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"))


def test_who_knows_nothing_can_still_report():
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    decision = ticket.decision
    assert decision.category is None
    assert "cause" in decision.document["needs"]
    assert ticket.answers["cause"] is None
    assert "cause" not in ticket.facts
    told = text_of(client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"))
    assert "What we find out" in told
    assert "distance by road" in told


def test_what_a_policy_cannot_do_without_must_be_answered(state):
    """A pack that says nothing at all without the one fact it asks for."""
    from django.conf import settings

    folder = state / "strict"
    folder.mkdir(exist_ok=True)
    (folder / "policy.toml").write_text(
        'schema = 1\nid = "strict"\ntitle.en = "Strict"\ntitle.zh = "严"\n'
        'timezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
    )
    (folder / "clauses.csv").write_text("clause,place,en,zh\ns-1,1,One.,一。\n")
    (folder / "category.csv").write_text("rule,cause,then: category,cite\nfree,product,C,s-1\npaid,-,A,s-1\n")
    settings.SVC_POLICY = {"policy": str(folder), "clock": settings.SVC_POLICY["clock"]}
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann))
    assert asked_now(client, ticket) == "cause"
    page = client.get(f"/after-sales/tickets/{ticket.number}/ask/cause/")
    assert "I do not know" not in text_of(page)
    assert answer(client, ticket, "cause", None).status_code == 422
    assert asked_now(client, ticket) == "cause"
    answer(client, ticket, "cause", "wear")
    assert asked_now(client, ticket) is None


def test_an_answer_that_cannot_be_is_refused_where_it_was_given():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann))
    wrong = {
        "on_site": ("perhaps", "Choose one of the answers"),
        "delivered_on": ("2026-03-03", "This day has not come yet"),
        "cause": ("sabotage", "Choose one of the answers"),
        "distance_km": ("far", "Cannot read `far` in `distance_km`"),
    }
    right = {"on_site": "yes", "delivered_on": "2026-03-02", "cause": "misuse", "distance_km": "800 m"}
    while (fact := asked_now(client, ticket)) is not None:
        if fact in wrong:
            typed, said = wrong.pop(fact)
            response = answer(client, ticket, fact, typed)
            assert response.status_code == 422
            assert said in text_of(response)
            assert answer(client, ticket, fact, "").status_code == 422
        answer(client, ticket, fact, right.get(fact))
    assert not wrong
    ticket.refresh_from_db()
    assert ticket.answers["distance_km"] == "800 m"


def test_an_answer_that_changes_takes_those_with_it_that_are_not_asked_any_more():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, {**PAID, "on_site": "yes"}.get(fact) if fact != "solved_by_telephone" else "no")  # type: ignore[arg-type]
    answer(client, ticket, "on_site", "no")
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, "no")
    send(client, ticket)
    ticket.refresh_from_db()
    assert ticket.facts["on_site"] is False
    assert "distance_km" not in ticket.facts
    assert "labour_hours" not in ticket.facts


def test_a_day_that_the_customer_gives_moves_the_products_own_warranty():
    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, months=24)
    ticket = report(client, line, {"delivered_on": "2024-02-29"})
    # Two years after a leap day is the end of February; less a day.
    assert ticket.facts["warranty_until"] == "2026-02-27"
    assert ticket.decision.document["coverage"]["in_warranty"] is False


def test_pressing_twice_makes_one_draft_one_ticket_one_decision():
    from svc_policy.adapters.oscar.models import ServiceTicket

    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, delivered_days_ago=90)
    ticket = begin(client, line)
    assert begin(client, line) == ticket
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, None)
    first = send(client, ticket)
    digest = ServiceTicket.objects.get(pk=ticket.pk).digest
    second = client.post(f"/after-sales/tickets/{ticket.number}/check/", {"digest": digest})
    assert first.url == second.url == f"/after-sales/tickets/{ticket.number}/"
    assert ServiceTicket.objects.filter(user=ann).count() == 1
    assert ticket.decisions.count() == 1
    # What was handed in is not written over by a page that stood open.
    assert answer(client, ticket, "on_site", "yes").status_code == 302
    ticket.refresh_from_db()
    assert ticket.answers["on_site"] is None


def test_a_draft_is_thrown_away_and_a_ticket_is_not():
    from svc_policy.adapters.oscar.models import ServiceTicket

    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, delivered_days_ago=90)
    ticket = report(client, line, {})
    draft = begin(client, line)
    for one in (ticket, draft):
        client.post(f"/after-sales/tickets/{one.number}/discard/")
    assert list(ServiceTicket.objects.filter(user=ann)) == [ticket]


def test_an_answer_that_the_policy_has_no_word_for_any_more_is_asked_for_again():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=90))
    ticket.answers = {"on_site": True, "cause": "sabotage"}
    ticket.save()
    assert asked_now(client, ticket) == "cause"
    page = client.get(f"/after-sales/tickets/{ticket.number}/ask/cause/")
    assert "not among the answers of the terms any more" in text_of(page)


def test_terms_that_change_under_the_last_page_are_shown_before_they_are_agreed_to(state):
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    answers = {**PAID, "on_site": "yes", "solved_by_telephone": "no", "parts_needed": "no"}
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, answers[fact])  # type: ignore[arg-type]
    page = client.get(f"/after-sales/tickets/{ticket.number}/check/")
    assert "CN¥180.80" in text_of(page)
    digest = re.search(r'name="digest" value="(\w+)"', page.content.decode())
    assert digest is not None
    raise_price(state)
    response = client.post(f"/after-sales/tickets/{ticket.number}/check/", {"digest": digest[1]}, follow=True)
    ticket.refresh_from_db()
    assert ticket.is_draft
    assert "The after-sales terms have changed meanwhile" in text_of(response)
    # 80 for the visit now: 90.40 + 101.70.
    assert "CN¥192.10" in text_of(response)
    send(client, ticket)
    ticket.refresh_from_db()
    assert ticket.decision.payable == Decimal("192.10")
    assert ticket.decision.digest != digest[1]


def test_terms_that_change_between_questions_are_told_once(state):
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    answer(client, ticket, "on_site", "yes")
    raise_price(state)
    following = asked_now(client, ticket)
    assert following is not None
    answer(client, ticket, following, None)
    page = text_of(client.get(f"/after-sales/tickets/{ticket.number}/", follow=True))
    assert "The after-sales terms have changed meanwhile" in page
    page = text_of(client.get(f"/after-sales/tickets/{ticket.number}/", follow=True))
    assert "The after-sales terms have changed meanwhile" not in page


def test_a_changed_policy_that_does_not_load_leaves_the_one_in_use(state, caplog):
    from svc_policy.adapters.oscar.policies import current_policy

    before = current_policy().digest
    fees = state / "mall" / "fees.csv"
    fees.write_text(fees.read_text(encoding="utf-8").replace("70 CNY", "70 beans"), encoding="utf-8")
    assert current_policy().digest == before
    assert "70 beans" in caplog.text
    raise_price(state, "70 beans")
    assert current_policy().digest != before


def raise_price(state: Any, old: str = "70 CNY") -> None:
    fees = state / "mall" / "fees.csv"
    text = fees.read_text(encoding="utf-8")
    assert text.count(old) == 1
    fees.write_text(text.replace(old, "80 CNY"), encoding="utf-8")


# --- the staff, and time


def test_what_the_staff_finds_out_is_decided_anew_and_the_old_decision_stays():
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {"on_site": True, "distance_km": "3"})
    boss = client_of(make_user(is_staff=True, permissions=STAFF))
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/ask/cause/", {"answer": "sabotage"}).status_code == 422
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/ask/cause/", {"answer": "product"}).status_code == 302
    assert [one.category for one in ticket.decisions.all()] == ["C", None]
    assert [one.is_current for one in ticket.decisions.all()] == [True, False]
    boss.post(f"/after-sales/dashboard/{ticket.number}/done/relayed/")
    ticket.refresh_from_db()
    assert ticket.facts["relayed_at"] == "2026-03-02T09:00:00+08:00"
    assert ticket.decision.document["targets"]["relayed"]["status"] == "met"
    assert ticket.decision.document["targets"]["contacted"]["due"] == "2026-03-02T14:00:00+08:00"
    assert boss.post(f"/after-sales/dashboard/{ticket.number}/done/nothing/").status_code == 404


def test_time_is_recomputed_when_it_has_come_and_not_before(state):
    from svc_policy.adapters.oscar.models import ServiceTicket

    ServiceTicket.objects.all().delete()
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    assert recomputed("--json") == {"schema": 1, "decided": 0, "changed": 0, "refused": []}
    # The next change is at 13:12 (80 % of four hours of work).
    assert recomputed("--json", "--at", "2026-03-02T13:11:59+08:00")["decided"] == 0
    assert recomputed("--json", "--at", "2026-03-02T13:12:00+08:00")["changed"] == 1
    assert recomputed("--json", "--at", "2026-03-02T13:12:00+08:00")["decided"] == 0
    assert ticket.decisions.count() == 2
    assert recomputed("--json", "--at", "2026-03-09T09:00:00+08:00")["changed"] == 1
    assert ticket.decision.document["targets"]["relayed"]["status"] == "breached"
    raise_price(state)
    assert recomputed("--json", "--all", "--at", "2026-03-09T09:00:00+08:00")["changed"] == 1


def test_a_ticket_that_cannot_be_decided_is_named_and_the_others_go_on(state):
    from django.core.management import CommandError

    from svc_policy.adapters.oscar.models import ServiceTicket

    ServiceTicket.objects.all().delete()
    ann = make_user()
    tickets = [report(client_of(ann), make_line(ann, delivered_days_ago=90), {}) for _ in range(3)]
    ServiceTicket.objects.filter(pk=tickets[1].pk).update(facts={"distance_km": "far"})
    with pytest.raises(CommandError, match=tickets[1].number) as raised:
        recomputed("--at", "2026-03-09T09:00:00+08:00")
    assert raised.value.returncode == 1
    assert [one.decisions.count() for one in tickets] == [2, 1, 2]


@pytest.mark.parametrize("at", ["tomorrow", "2026-03-02T09:00:00"])
def test_an_instant_that_is_none_is_refused(at):
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="is no instant with an offset") as raised:
        recomputed("--at", at)
    assert raised.value.returncode == 2


def recomputed(*options: str) -> Any:
    from django.core.management import call_command

    out = StringIO()
    call_command("svc_policy_recompute", *options, "--lang", "en", stdout=out)
    return json.loads(out.getvalue())


# --- settings


@pytest.mark.parametrize(
    "setting, said",
    [
        (None, "there is no setting `SVC_POLICY`"),
        ("mall", "the setting `SVC_POLICY` is no dictionary"),
        ({}, "the setting names no policy"),
        ({"policy": "mal"}, "there is no pack `mal`"),
        ({"policy": "mall", "polcy": 1}, "`polcy` is no key of the setting"),
        ({"policy": "mall", "attributes": ["x"]}, "`attributes` of the setting is not a dictionary of names"),
        ({"policy": "mall", "attributes": {"line": "product_clas"}}, "`product_clas` is no fact of the policy `mall`"),
        ({"policy": "mall", "address": {"town": "district"}}, "`town` is no field of a shipping address"),
        ({"policy": "mall", "always": {"on_site": "perhaps"}}, "`on_site` is `perhaps`"),
        ({"policy": "mall", "warranty_from": "cause"}, "`cause` is no date"),
        ({"policy": "mall", "clock": "no.such.clock"}, "there is no function `no.such.clock`"),
        ({"policy": "mall", "not_asked": "cause"}, "`not_asked` of the setting is not a list of facts"),
    ],
)
def test_a_setting_that_cannot_be_is_said_by_the_check(settings_kept, setting, said):
    from svc_policy.adapters.oscar.checks import check_settings

    settings_kept.SVC_POLICY = setting
    [error] = check_settings()
    assert said in error.msg
    assert error.hint
    assert error.id == "svc_policy.E001"


def test_the_place_among_the_apps_and_times_without_a_zone_are_said(settings_kept):
    from svc_policy.adapters.oscar.checks import problems_of

    class Project:
        USE_TZ = False
        INSTALLED_APPS = ("oscar.config.Shop", "svc_policy.adapters.oscar")
        SVC_POLICY = {"policy": "mall"}  # noqa: RUF012

    said = [found.render() for found in problems_of(Project)]
    assert [one.split(": ")[1].splitlines()[0] for one in said] == [
        "the project keeps its times without a zone",
        "the app stands behind Oscar's, whose templates would hide its own",
    ]
    Project.USE_TZ, Project.INSTALLED_APPS = True, ("svc_policy.adapters.oscar",)  # type: ignore[assignment]
    assert [found.code for found in problems_of(Project)] == ["oscar-absent"]


def test_the_migrations_are_those_of_the_models():
    from django.core.management import call_command

    call_command("makemigrations", "svc_policy", "--check", "--dry-run", verbosity=0)


def test_the_page_of_the_documents_sets_up_a_project(tmp_path):
    """Its two blocks, put into a new project as it says: the project checks."""
    import subprocess
    import sys

    from hosts.oscar.conftest import ROOT

    page = (ROOT / "docs" / "oscar.md").read_text(encoding="utf-8")
    settings, urls = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    environment = {"PATH": "/usr/bin:/bin"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("-m", "django", "startproject", "shop", ".")
    with (tmp_path / "shop" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(settings)
    (tmp_path / "shop" / "urls.py").write_text(urls, encoding="utf-8")
    assert "no issues" in run("manage.py", "check")
    keys = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    import attrs

    from svc_policy.adapters.oscar.configuration import Configuration

    assert keys == {field.name for field in attrs.fields(Configuration)}
