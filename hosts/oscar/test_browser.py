"""The shop in a real browser: in two languages, on a telephone, by keyboard, without scripts, in two windows."""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from hosts.available import require
from hosts.oscar.conftest import make_line, make_user, session_of

require("browser")

#: By hand, under mall: misuse, a visit within 5 km, an hour of work: (70 + 90) × 1.13.
ANSWERS = {
    "on_site": "yes",
    "cause": "misuse",
    "distance_km": "3",
    "labour_hours": "1",
    "solved_by_telephone": "no",
    "parts_needed": "no",
}
LANGUAGES = {
    "en": ("Report a fault", "Continue", "Send the report", "A, paid service", "CN¥180.80", "3 km"),
    "zh-hans": ("报修", "继续", "提交报修", "A 类，有偿服务", "¥180.80", "3 公里"),
}


@pytest.fixture(autouse=True)
def shots() -> Path | None:
    """Where pictures go, for a person to look at: a folder in SHOP_SHOTS, or nowhere."""
    folder = os.environ.get("SHOP_SHOTS")
    return Path(folder) if folder else None


def shoot(page: Any, name: str, shots: Path | None) -> None:
    if shots is not None:
        page.screenshot(path=str(shots / f"{name}.png"), full_page=True)


def fact_of(page: Any) -> str | None:
    found = re.search(r"/ask/(\w+)/(?:#|$)", page.url)
    return found[1] if found else None


def give(page: Any, value: str) -> None:
    """Answer the question of a page."""
    field = page.locator("#answer")
    if field.count():
        field.fill(value)
    else:
        page.locator(f"input[name=answer][value={value}]").check()
    page.locator("button[value=answer]").click()


def answer_all(page: Any, answers: dict[str, str]) -> list[str]:
    asked = []
    while (fact := fact_of(page)) is not None:
        asked.append(fact)
        give(page, answers[fact])
    return asked


def stored(number: str) -> Any:
    from svc_policy.adapters.oscar.models import ServiceTicket

    return ServiceTicket.objects.get(number=number)


@pytest.mark.parametrize("language, width", [("en", 1100), ("zh-hans", 390)])
def test_a_fault_is_reported_from_the_order_to_the_result(visit, shots, language, width):
    start, go_on, send, category, total, distance = LANGUAGES[language]
    user = make_user()
    line = make_line(user, "Kettle <b>1.7 l</b>", delivered_days_ago=800)
    page = visit(user, language=language, width=width)
    page.goto(f"/accounts/orders/{line.order.number}/")
    offers = page.locator("#after-sales")
    assert category in offers.inner_text()
    assert "<b>1.7 l</b>" in offers.inner_text()
    shoot(page, f"1-order-{language}", shots)
    offers.get_by_role("link", name=start).click()
    shoot(page, f"2-line-{language}", shots)
    page.get_by_role("button", name=start, exact=True).click()
    asked = []
    while (fact := fact_of(page)) is not None:
        asked.append(fact)
        assert page.locator("input[name=answer]").first.is_visible()
        if len(asked) < 4:
            shoot(page, f"3-question-{len(asked)}-{language}", shots)
        assert page.get_by_role("button", name=go_on).is_visible()
        assert wide(page) <= width
        give(page, ANSWERS[fact])
    # Each once, and what the price hangs on among them; which and in what order is asked beside.
    assert len(asked) == len(set(asked))
    assert {"on_site", "distance_km", "labour_hours"} <= set(asked) <= set(ANSWERS)
    assert distance in page.locator("#content_inner, .col-sm-8").first.inner_text()
    assert total in page.locator("#result-price").inner_text()
    shoot(page, f"4-check-{language}", shots)
    page.locator("#note").fill("it <i>hums</i>")
    page.get_by_role("button", name=send).click()
    assert category in page.locator("#result-category").inner_text()
    assert total in page.locator("#result-price").inner_text()
    assert page.locator("#result-targets tbody tr").count() >= 2
    # What the staff does among itself is no matter of the customer's.
    assert page.locator("#result-steps").count() == 0
    assert wide(page) <= width
    page.locator("summary").last.click()
    assert page.locator("#clause-mall-2\\.2\\.2b").is_visible()
    shoot(page, f"5-ticket-{language}", shots)
    ticket = stored(page.url.rstrip("/").rsplit("/", 1)[1])
    assert (str(ticket.decision.payable), ticket.facts["problem"]) == ("180.8000", "it <i>hums</i>")
    page.goto("/after-sales/")
    assert ticket.number in page.locator("table").inner_text()
    shoot(page, f"6-tickets-{language}", shots)


def wide(page: Any) -> int:
    """Give the width that a page takes, in pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_nothing_is_lost_on_reload_and_back_goes_back(visit):
    user = make_user()
    line = make_line(user, delivered_days_ago=800)
    page = visit(user)
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).click()
    first = fact_of(page)
    give(page, ANSWERS[first or ""])
    second = page.url
    page.reload()
    assert page.url == second
    page.get_by_role("link", name="Back").click()
    assert fact_of(page) == first
    assert page.locator(f"input[value={ANSWERS[first or '']}]").is_checked()
    page.locator("button[value=answer]").click()
    assert page.url == second
    answer_all(page, ANSWERS)
    # Another window, much later: the answers are there.
    other = visit(user)
    other.goto("/after-sales/")
    other.locator("tbody a").first.click()
    assert other.url == page.url
    assert other.locator("tbody tr").filter(has_text="visit on site").inner_text().split()[-2:] == ["yes", "Change"]


def test_who_does_not_know_goes_on_and_the_wrong_answer_is_linked(visit, shots):
    user = make_user()
    line = make_line(user, delivered_days_ago=90)
    page = visit(user)
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).click()
    page.locator("button[value=answer]").click()
    alert = page.get_by_role("alert")
    assert "An answer is missing" in alert.inner_text()
    assert page.title().startswith("Please correct:")
    assert "answer-error" in (page.locator("fieldset").get_attribute("aria-describedby") or "")
    shoot(page, "7-wrong", shots)
    alert.get_by_role("link").click()
    assert page.evaluate("location.hash") == "#answer-0"
    while fact_of(page) is not None:
        page.get_by_role("button", name="I do not know").click()
    page.get_by_role("button", name="Send the report").click()
    assert "cause" in page.locator("#result-open").inner_text()
    assert "depends on: cause" in page.locator("#result-category").inner_text()


def test_the_form_is_filled_in_by_keyboard_and_has_names_for_all_it_asks(visit):
    user = make_user()
    line = make_line(user, delivered_days_ago=800)
    page = visit(user)
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask/**")
    while (fact := fact_of(page)) is not None:
        radios = page.get_by_role("radio")
        if radios.count():
            assert page.get_by_role("group").count() == 1
            # Each answer goes by the name that its label gives it.
            names = page.locator("input[type=radio]").evaluate_all("all => all.map(one => one.labels[0].innerText)")
            assert [page.get_by_role("radio", name=name, exact=True).count() for name in names] == [1] * len(names)
            radios.first.focus()
            page.keyboard.press("Space")
            if ANSWERS[fact] != radios.first.get_attribute("value"):
                while not page.locator(f"input[value={ANSWERS[fact]}]").is_checked():
                    page.keyboard.press("ArrowDown")
        else:
            field = page.get_by_role("textbox").and_(page.locator("#answer"))
            assert page.locator("label[for=answer]").inner_text().strip()
            field.focus()
            page.keyboard.type(ANSWERS[fact])
        before = page.url
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, before=before: url != before)
    assert "180.80" in page.locator("#result-price").inner_text()


def test_it_works_without_scripts(browser, shop):
    user = make_user()
    line = make_line(user, delivered_days_ago=800)
    context = browser.new_context(base_url=shop.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": shop.url}])
    page = context.new_page()
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).click()
    answer_all(page, ANSWERS)
    page.get_by_role("button", name="Send the report").click()
    assert "180.80" in page.locator("#result-price").inner_text()
    context.close()


def test_a_form_that_is_sent_many_times_at_once_makes_one_ticket(visit, shop):
    user = make_user()
    line = make_line(user, delivered_days_ago=800)
    page = visit(user)
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).click()
    answer_all(page, ANSWERS)
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    names = ("csrfmiddlewaretoken", "digest")
    sent = {name: page.locator(f"form:has(#note) input[name={name}]").get_attribute("value") for name in names}
    path = urlsplit(page.url).path
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "Content-Type": "application/x-www-form-urlencoded",
    }

    def post(_: int) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection(urlsplit(shop.url).netloc, timeout=60)
        connection.request("POST", path, urlencode(sent), headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.getheader("Location")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(post, range(8)))
    ticket = stored(path.split("/")[3])
    assert found == [(302, f"/after-sales/tickets/{ticket.number}/")] * 8
    assert (ticket.state, ticket.decisions.count()) == ("handed in", 1)
    assert user.service_tickets.count() == 1


def test_terms_that_change_while_the_last_page_is_open_are_shown_first(visit, shop, shots):
    user = make_user()
    line = make_line(user, delivered_days_ago=800)
    page = visit(user)
    page.goto(f"/after-sales/lines/{line.pk}/")
    page.get_by_role("button", name="Report a fault", exact=True).click()
    answer_all(page, ANSWERS)
    assert "180.80" in page.locator("#result-price").inner_text()
    # The visit costs 80 now: (80 + 90) × 1.13.
    shop.change("fees.csv", "70 CNY", "80 CNY")
    page.get_by_role("button", name="Send the report").click()
    assert "The after-sales terms have changed meanwhile" in page.locator("body").inner_text()
    assert "192.10" in page.locator("#result-price").inner_text()
    shoot(page, "8-changed", shots)
    page.get_by_role("button", name="Send the report").click()
    assert "192.10" in page.locator("#result-price").inner_text()
    assert "We have your report" in page.locator("body").inner_text()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_is_missing_and_what_has_no_price_is_said(visit, shots, language):
    user = make_user()
    line = make_line(user, "Radio", is_foreign=True)
    page = visit(user, language=language, width=390)
    page.goto(f"/after-sales/lines/{line.pk}/")
    text = page.locator("body").inner_text()
    assert {"en": "Date of delivery is missing", "zh-hans": "缺少“交付日期”"}[language] in text
    assert {"en": "the order is in EUR", "zh-hans": "订单以 EUR 计"}[language] in text
    assert wide(page) <= 390
    shoot(page, f"9-missing-{language}", shots)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_staff_finds_a_ticket_and_finds_out_what_was_not_known(visit, shots, language):
    from hosts.oscar.visiting import client_of, report

    user = make_user()
    known = {"on_site": True, "distance_km": "3", "solved_by_telephone": False, "parts_needed": False}
    ticket = report(client_of(user), make_line(user, delivered_days_ago=90), known)
    boss = make_user(is_staff=True, permissions=("view_serviceticket", "change_serviceticket", "view_order"))
    page = visit(boss, language=language)
    page.goto(f"/dashboard/orders/{ticket.order_number}/")
    assert {"en": "covered until 1 December 2026", "zh-hans": "保修至2026年12月1日"}[language] in page.locator(
        "#after-sales"
    ).inner_text()
    shoot(page, f"10-dashboard-order-{language}", shots)
    page.goto("/after-sales/dashboard/")
    page.locator("#q").fill(ticket.order_number)
    page.locator("#q").press("Enter")
    page.wait_for_url("**?q=**")
    assert page.locator("tbody tr").count() == 1
    shoot(page, f"11-dashboard-tickets-{language}", shots)
    page.get_by_role("link", name=ticket.number).click()
    shoot(page, f"12-dashboard-ticket-{language}", shots)
    page.get_by_role("link", name={"en": "cause", "zh-hans": "故障原因"}[language], exact=True).click()
    page.locator("input[value=product]").check()
    page.locator("form:has(input[value=product]) button").click()
    assert {"en": "C, free service", "zh-hans": "C 类，免费服务"}[language] in page.locator(
        "#result-category"
    ).inner_text()
    assert page.locator("#history tbody tr").count() == 2
    shoot(page, f"13-dashboard-decided-{language}", shots)
