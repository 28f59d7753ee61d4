"""What can go wrong: no service, no token, values that cannot be, links of another edition, markup in names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import expect

from hosts.desk.conftest import Opened, settle
from hosts.desk.service import Service
from hosts.desk.test_call import AT, FAULT, answer, stated
from hosts.desk.test_second_tab import boundary

MARKUP = "<img src=x onerror=document.title='broken'>"
POLICY = f"""
schema = 1
id = "marked"
title.en = "{MARKUP}"
title.zh = "{MARKUP}"
timezone = "Asia/Shanghai"
currency = "CNY"
[calendar]
valid = ["2026-01-01", "2026-12-31"]
[week]
mon = ["09:00-17:00"]
[roles.clerk]
en = "<b>clerk</b>"
zh = "<b>文员</b>"
[facts.fault_type]
values = ["<i>", "other"]
label.en = "<u>type</u>"
label.zh = "<u>类型</u>"
"""
FILES = {
    "policy.toml": POLICY,
    "clauses.csv": "clause,place,en,zh\nm-1,<s>1</s>,A <script>rule</script>.,一条<script>。\n",
    "deadlines.csv": (
        "rule,fault_type,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
        'soon,"""<i>""",received,arrived,2 h,calendar,clerk,m-1\n'
    ),
}


def test_a_service_that_is_gone_is_told_and_tried_again(open_page: Opened, tmp_path: Path) -> None:
    service = Service(packs=("cn-sanbao",), log=tmp_path / "log")
    service.start()
    page = open_page(service.page)
    service.stop()
    page.locator(".question button").first.click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The service cannot be reached; the ticket stays in the address")
    assert "product" in page.url
    service.start()
    try:
        alert.get_by_role("button", name="Try again").click()
        expect(alert).to_be_empty()
        expect(page.locator(".question h2")).to_have_text("Kind of request")
    finally:
        service.stop()


def test_a_token_is_asked_for_and_kept_for_the_tab_only(open_page: Opened, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    command = [sys.executable, "-m", "svc_policy", "token", "desk", "--tokens", str(tokens), "--scopes", "decide"]
    token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    service = Service(packs=("cn-sanbao",), log=tmp_path / "log", options=("--tokens", str(tokens)))
    service.start()
    try:
        page = open_page(service.page, wait=False)
        field = page.get_by_label("Token")
        expect(field).to_be_focused()
        field.fill("svcp_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("there is no such token")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        settle(page)
        expect(page.get_by_role("alert")).to_be_empty()
        page.reload()
        settle(page)
        stored = page.evaluate("JSON.stringify([localStorage, document.cookie, location.href])")
        assert token not in stored
        assert token not in service.log.read_text(encoding="utf-8")
        other = open_page(service.page, wait=False)
        expect(other.get_by_label("Token")).to_be_visible()
    finally:
        service.stop()


def test_a_value_that_cannot_be_is_marked_with_what_is_wrong(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", {**FAULT, "distance_km": "far"}, AT), wait=False)
    field = stated(page, "Distance by road from the mall to the site")
    expect(field).to_have_attribute("aria-invalid", "true")
    described = field.get_attribute("aria-describedby")
    expect(page.locator(f"#{described}")).to_contain_text("Cannot read `far` in `distance_km`")
    field.fill("20200")
    page.keyboard.press("Enter")
    expect(page.locator(".wrong")).to_contain_text("more than 20100 km")
    field.fill("20")
    page.keyboard.press("Enter")
    expect(page.locator(".wrong")).to_have_count(0)
    expect(page.locator(".cell.category .value")).to_have_text("C")
    expect(page.get_by_role("alert")).to_be_empty()

    field.fill("-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The answer below is that of the ticket before")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".wrong")).to_contain_text("距离不能为负")


def test_the_answer_to_a_question_is_corrected_where_it_was_given(open_page: Opened, service: Service) -> None:
    facts = {name: value for name, value in FAULT.items() if name != "distance_km"}
    for by_key in (True, False):
        page = open_page(service.link("mall", facts, AT))
        page.get_by_role("button", name="Distance by road from the mall to the site").or_(
            page.get_by_role("heading", name="Distance by road from the mall to the site")
        ).first.click()
        field = page.locator(".question input")
        field.click()
        page.keyboard.type("about 50")
        page.keyboard.press("Enter")
        expect(page.locator(".question .wrong")).to_contain_text("Cannot read `about 50`")
        expect(field).to_be_focused()
        # The label of the field is that of the question which is there now.
        expect(page.locator(".question").get_by_label("Distance by road from the mall to the site")).to_be_visible()
        page.keyboard.press("Control+a")
        page.keyboard.type("50")
        if by_key:
            page.keyboard.press("Enter")
        else:
            page.get_by_role("button", name="OK").click()
        expect(page.locator(".wrong")).to_have_count(0)
        expect(stated(page, "Distance by road from the mall to the site")).to_have_value("50")


def test_a_link_from_another_edition_says_so(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", FAULT, AT, digest="0123456789ab"))
    expect(page.get_by_role("alert")).to_contain_text("from another edition of the policy (0123456789ab)")
    assert page.locator(".cell.category .value").inner_text() == "C"
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_be_empty()


def test_links_that_make_no_sense_begin_a_new_ticket(open_page: Opened, service: Service) -> None:
    for rest in (
        "policy=mall&ticket={",
        "policy=mall&ticket=[]",
        'policy=mall&ticket={"parts":"many"}',
        "policy=nowhere&ticket={}",
    ):
        page = open_page(f"{service.page}#{rest}")
        expect(page.get_by_role("alert")).not_to_be_empty()
        expect(page.locator(".question h2")).to_have_text("Kind of request")
    assert open_page.wrong == []


def test_markup_in_names_is_shown_as_it_is_written(open_page: Opened, tmp_path: Path) -> None:
    pack = tmp_path / "marked"
    pack.mkdir()
    for name, text in FILES.items():
        (pack / name).write_text(text, encoding="utf-8")
    service = Service(packs=(str(pack),), log=tmp_path / "log")
    service.start()
    try:
        page = open_page(service.page)
        assert page.locator("#service option").inner_text() == MARKUP
        answer(page, "<u>type</u>", "<i>")
        page.locator(".others summary").click()
        page.get_by_role("textbox", name="Ticket", exact=True).fill(MARKUP)
        page.keyboard.press("Enter")
        expect(page.locator(".target")).to_contain_text("<b>clerk</b>")
        page.locator(".target .chip").click()
        expect(page.get_by_role("dialog")).to_contain_text("A <script>rule</script>.")
        page.get_by_role("tab", name="Tables and boundaries").click()
        expect(boundary(page, "<u>type</u>")).to_contain_text("<i>")
        assert page.locator("main img, main script, main b, main i, main u").count() == 0
        assert page.title() == "Policy desk"
    finally:
        service.stop()
