"""A call at the desk: what is asked, what is answered, in both languages, by keyboard, on a small screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from hosts.desk.conftest import Opened, settle
from hosts.desk.service import Service

#: A fault at 50 km on Friday 20 November 2026, at ten in the morning; the product came on 1 March.
FAULT = {
    "received_at": "2026-11-20T10:00",
    "request_kind": "fault",
    "on_site": True,
    "delivered_on": "2026-03-01",
    "cause": "product",
    "distance_km": "50",
    "parts_needed": False,
}
AT = "2026-11-20T11:00"


def value(page: Page, name: str) -> str:
    return page.locator(f".cell.{name} .value").inner_text()


def lines(page: Page, name: str) -> list[str]:
    """Give what one part of the answer says: its label, its value, its detail."""
    return page.locator(f".cell.{name} > p").all_inner_texts()


def stated(page: Page, label: str) -> Locator:
    """Find the control of a fact that is known."""
    return page.locator(".known").get_by_label(label, exact=True)


def answer(page: Page, question: str, choice: str = "", *, text: str = "") -> None:
    """Answer the question that is asked, which must be this one."""
    card = page.locator(".question")
    expect(card.get_by_role("heading")).to_have_text(question)
    if choice:
        card.get_by_role("button", name=choice, exact=True).click()
    else:
        card.locator("input").fill(text)
        card.get_by_role("button", name="OK").click()
    expect(card.get_by_role("heading", name=question, exact=True)).to_have_count(0)
    settle(page)


def target(page: Page, name: str) -> str:
    return page.locator(".target", has=page.get_by_text(name, exact=True)).locator(".instant").inner_text()


def test_a_call_from_the_first_question_to_the_answer(open_page: Opened, service: Service) -> None:
    page = open_page(service.page)
    page.get_by_label("Service", exact=True).select_option("mall")
    settle(page)
    stated(page, "Request received").fill("2026-11-20T10:00")
    page.get_by_label("As of", exact=True).select_option("At a time of its own")
    page.locator("#as-of-own").fill(AT)
    page.locator("#as-of-own").blur()
    settle(page)
    assert value(page, "category") == "?"

    answer(page, "Kind of request", "Fault")
    answer(page, "Visit on site", "Yes")
    answer(page, "Date of delivery", text="2026-03-01")
    answer(page, "Cause", "Product quality")
    # The warranty is twelve months from 1 March 2026, so its last day is the one before.
    assert value(page, "category") == "C"
    assert lines(page, "coverage")[1:] == ["Covered", "Until 28 February 2027"]
    answer(page, "Distance by road from the mall to the site", text="50")

    # Up to 50 km 48 hours; 8 working hours from Friday at ten are Monday at ten, as Friday ends at six, an hour off.
    assert target(page, "Arrived on site") == "Sun 22 Nov 2026, 10:00"
    assert target(page, "Solution decided") == "Mon 23 Nov 2026, 10:00"
    assert target(page, "Passed on to the service department") == "Fri 20 Nov 2026, 15:00"
    assert value(page, "cost") == "CN¥0.00"
    expect(page.get_by_role("status")).to_contain_text(
        "Category: C, free service. Coverage: covered, until 28 February"
    )

    stated(page, "Distance by road from the mall to the site").fill("50.001")
    page.keyboard.press("Enter")
    expect(page.locator(".target", has_text="Arrived on site")).to_contain_text("Mon 23 Nov 2026, 10:00")
    stated(page, "Cause").select_option("Misuse or lack of upkeep")
    expect(page.locator(".cell.category")).to_contain_text("Paid service")
    assert value(page, "coverage") == "Not covered"


def test_a_call_in_chinese(open_page: Opened, service: Service) -> None:
    page = open_page(service.page, locale="zh-CN")
    expect(page.get_by_role("heading", level=1)).to_have_text("政策服务台")
    answer(page, "请求类型", "故障")
    page.goto(service.link("mall", FAULT, AT))
    expect(page.locator(".cell.category .value")).to_have_text("C")
    assert lines(page, "coverage")[1:] == ["在保", "至2027年2月28日"]
    assert target(page, "到达现场") == "2026年11月22日（周日）10:00"
    # Only ids and units of the policy are in Latin letters.
    words = re.sub(r"mall(-[\w.]+)?|[0-9a-f]{12}", "", page.locator("main").inner_text())
    assert set(re.findall(r"[A-Za-z]+", words)) <= {"C", "D", "A", "km", "CNY", "Asia", "Shanghai"}

    page.get_by_role("button", name="EN").click()
    expect(page.locator(".cell.coverage .value")).to_have_text("Covered")
    page.reload()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Policy desk")
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_call_by_keyboard_alone(open_page: Opened, service: Service) -> None:
    page = open_page(service.page)
    keys = page.keyboard
    # A new ticket begins with the first question.
    expect(page.locator(".question button").first).to_be_focused()
    keys.press("2")
    expect(page.locator(".question h2")).to_have_text("Visit on site")
    expect(page.locator(".question button").first).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator(".question h2")).to_have_text("Date of delivery")
    expect(page.locator(".question input")).to_be_focused()
    # Day, month and year, as the browser asks for them.
    keys.type("01032026")
    keys.press("Enter")
    expect(page.locator(".question h2")).to_have_text("Cause")
    keys.press("1")
    expect(page.locator(".cell.coverage .value")).to_have_text("Covered" if _is_running() else "Not covered")

    page.locator("#tab-answer").focus()
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="Tables and boundaries")).to_be_focused()
    expect(page.locator("#view-tables")).to_be_visible()
    keys.press("Home")
    expect(page.locator("#view-answer")).to_be_visible()

    chip = page.locator(".target .chip").first
    chip.focus()
    keys.press("Enter")
    box = page.get_by_role("dialog")
    expect(box).to_be_focused()
    expect(box).to_contain_text("The row that applies")
    keys.press("Escape")
    expect(box).to_be_hidden()
    expect(chip).to_be_focused()


def _is_running() -> bool:
    """Say whether a warranty of twelve months from 1 March 2026 still runs."""
    from datetime import date

    return date.today() <= date(2027, 2, 28)


def test_a_telephone_of_360_pixels_never_scrolls_sideways(open_page: Opened, service: Service) -> None:
    page = open_page(
        service.link("mall", {**FAULT, "parts": [{"part_no": "pump", "unit_price": "120", "quantity": 2}]}, AT),
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 360
    page.locator(".others summary").tap()
    assert page.evaluate(width) == 360

    chip = page.locator(".target .chip", has_text="mall-2.1.3").first
    chip.tap()
    box = page.get_by_role("dialog", name="Clause mall-2.1.3")
    expect(box).to_contain_text("48 hours up to 50 km")
    expect(box.locator(".row")).to_contain_text("more than 5 km, up to 50 km")
    expect(box).to_contain_text("Rests on our reading")
    edges = box.bounding_box()
    assert edges is not None
    assert edges["width"] == 360
    assert edges["y"] + edges["height"] <= 740
    box.get_by_role("button", name="Close").tap()
    expect(box).to_be_hidden()

    page.get_by_role("tab", name="Tables and boundaries").tap()
    page.wait_for_selector(".table.card")
    assert page.evaluate(width) == 360


def test_a_chip_shows_its_clause_under_the_pointer(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT))
    box = page.get_by_role("dialog")
    page.locator(".quote .chip").first.hover()
    expect(box).to_contain_text("Clause mall-2.1.1")
    page.locator("h1").hover()
    expect(box).to_be_hidden()


def test_a_link_tells_another_desk_everything_and_the_server_nothing(
    open_page: Opened, service: Service, log_of: Path
) -> None:
    ticket = {**FAULT, "customer_phone": "13900001234"}
    first = open_page(service.link("mall", ticket, AT))
    first.context.grant_permissions(["clipboard-read", "clipboard-write"])
    first.get_by_role("button", name="Copy link").click()
    expect(first.get_by_role("alert")).to_contain_text("which no server sees")
    link = first.evaluate("navigator.clipboard.readText()")
    assert link == first.url
    assert "digest=" in link
    second = open_page(link)
    assert second.locator("#verdict").inner_text() == first.locator("#verdict").inner_text()
    assert stated(second, "Customer's telephone").input_value() == "13900001234"
    assert second.locator("#as-of-own").input_value() == AT
    # What the service wrote down about it, and what it was asked, hold no fact of the ticket.
    assert "13900001234" not in log_of.read_text(encoding="utf-8")
    assert not [url for url in open_page.asked if "13900001234" in url.partition("#")[0]]


def test_a_new_ticket_leaves_the_old_one_behind_it(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT))
    page.get_by_role("button", name="New ticket").click()
    expect(page.locator(".cell.category .value")).to_have_text("?")
    assert "request_kind" not in page.url
    page.go_back()
    expect(page.locator(".cell.category .value")).to_have_text("C")


def test_records_are_added_asked_for_and_taken_out(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", {**FAULT, "cause": "misuse", "labour_hours": "1.5", "distance_km": "75"}, AT))
    # 230 for the visit, 1.5 hours at 90, 25 km beyond 50 at 1.80, and 13 % tax on each line.
    assert value(page, "cost") == "CN¥463.30"
    page.locator(".others summary").click()
    page.get_by_role("button", name="Add: part", exact=True).click()
    # Other things are still asked for; what the caller has at hand can be answered before its turn.
    page.get_by_role("button", name="Unit price", exact=True).click()
    answer(page, "Unit price (part 1)", text="120")
    # In the period and for misuse a part costs nine tenths of its price: 108, and 14.04 tax.
    expect(page.locator(".cell.cost .value")).to_have_text("CN¥585.34")
    page.get_by_role("button", name="Remove: Part 1").click()
    expect(page.locator(".cell.cost .value")).to_have_text("CN¥463.30")
    page.get_by_role("button", name="Take out: Hours of labour").click()
    expect(page.locator(".cell.cost .value")).to_have_text("Open")
    expect(page.locator(".question h2")).to_have_text("Hours of labour")


def test_what_is_typed_is_read_as_everywhere(open_page: Opened, service: Service) -> None:
    cases = json.loads((Path(__file__).parents[2] / "tests" / "facts" / "typed.json").read_text(encoding="utf-8"))
    page = open_page(service.page)
    read = """async (cases) => {
        const { typed } = await import("./desk/fields.js");
        const open = ["text", "date", "instant"];
        return cases.map(([kind, text]) => typed({ kind, unit: open.includes(kind) ? undefined : {} }, text) ?? null);
    }"""
    assert page.evaluate(read, cases) == [value for _, _, value in cases]
