"""The second tab: the rows that decided, and what one step over each boundary would change."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from hosts.desk.conftest import Opened, settle
from hosts.desk.service import Service
from hosts.desk.test_call import AT, FAULT, stated


def boundary(page: Page, label: str) -> Locator:
    """Find what is said of the boundaries of one fact."""
    return page.locator(".boundary", has=page.locator("h3", has_text=label))


def test_one_step_over_a_boundary_is_another_answer(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT))
    page.get_by_role("tab", name="Tables and boundaries").click()
    distance = boundary(page, "Distance by road")
    expect(distance).to_contain_text("Now: 50 km")
    over = distance.locator("li", has_text="From 50.001 km on")
    expect(over).to_contain_text("48 hours")
    expect(over).to_contain_text("72 hours")
    expect(over.locator("del")).to_contain_text("Sun 22 Nov 2026, 10:00")
    expect(over.locator("ins")).to_contain_text("Mon 23 Nov 2026, 10:00")
    expect(over.get_by_role("button", name="Clause mall-2.1.3")).to_be_visible()
    expect(distance.locator("li", has_text="Up to 5 km")).to_contain_text("Sat 21 Nov 2026, 10:00")

    # The warranty is a year: what came on 20 November 2025 is covered until the day before this request.
    delivery = boundary(page, "Date of delivery")
    expect(delivery.locator("li", has_text="Up to 20 November 2025")).to_contain_text("A, paid service")

    # 15:00 on Friday is the last instant for passing the request on; a second later it is late, and costs a penalty.
    coming = page.locator(".coming > li")
    expect(coming.filter(has_text="15:00:01")).to_contain_text("breached")
    expect(coming.filter(has_text="15:00:01")).to_contain_text("Penalties")


def test_the_rows_that_decided_are_marked_in_their_tables(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT))
    page.get_by_role("tab", name="Tables and boundaries").click()
    table = page.locator("details.table", has=page.get_by_role("heading", name="Times to be kept"))
    rows = table.locator("tbody tr")
    expect(rows.filter(has_text="Applies")).not_to_have_count(0)
    expect(table.locator("tr.applies code", has_text="middle")).to_have_count(1)
    expect(table.locator("code", has_text="far")).to_have_count(0)
    table.get_by_role("button", name="Show all rows").click()
    # Sixteen rows stand in the table; `far` is one of them, and does not apply.
    expect(table.locator("tbody tr")).to_have_count(16)
    expect(table.locator("tr.applies code", has_text="far")).to_have_count(0)


def test_the_tab_follows_the_ticket_and_the_language(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT), locale="zh-CN")
    page.get_by_role("tab", name="规则表与边界").click()
    distance = boundary(page, "路程")
    expect(distance).to_contain_text("自 50.001 公里 起")
    page.get_by_role("button", name="EN").click()
    expect(boundary(page, "Distance by road")).to_contain_text("From 50.001 km on")
    page.get_by_role("tab", name="Answer").click()
    stated(page, "Distance by road from the mall to the site").fill("4")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("tab", name="Tables and boundaries").click()
    expect(boundary(page, "Distance by road")).to_contain_text("From 5.001 km on")
