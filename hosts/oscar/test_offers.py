"""What an order says of after-sales service, and who sees what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hosts.oscar.conftest import make_line, make_user
from hosts.oscar.visiting import (
    STAFF,
    begin,
    client_of,
    offer_of,
    report,
    text_of,
)


@pytest.fixture(autouse=True)
def state(shop_state, settings_kept):
    return shop_state


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
    assert price.startswith("depends on: visit on site")


def test_a_line_that_was_not_delivered_says_what_is_missing():
    offer = offer_of(make_line(make_user()))
    assert (offer.standing, offer.until) == ("unknown", None)
    assert offer.cover == "how long it is covered depends on: date of delivery"
    assert offer.missing == ("date of delivery is missing: no delivery of it is noted yet",)


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
    assert reader.post(f"{urls[1]}done/relayed/").status_code == 403
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


def test_what_is_certain_of_every_fault_goes_before_the_length_of_the_warranty():
    from django.conf import settings

    line = make_line(make_user(), delivered_days_ago=90)
    given = settings.SVC_POLICY
    settings.SVC_POLICY = {**given, "always": {"cause": "misuse"}}
    excluded = offer_of(line)
    assert (excluded.standing, excluded.cover) == ("none", "not covered; excluded: improper use, upkeep or maintenance")
    settings.SVC_POLICY = {**given, "always": {"contract_until": "2026-12-31"}}
    contract = offer_of(make_line(make_user(), delivered_days_ago=800))
    assert (contract.standing, contract.cover) == ("covered", "a contract runs; the warranty ended on 22 December 2024")
