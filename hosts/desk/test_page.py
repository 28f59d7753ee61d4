"""The page itself: what it weighs, when it is first seen, whom it may ask, and how it is read aloud."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Response, expect

from hosts.desk.conftest import Opened, settle
from hosts.desk.service import Service
from hosts.desk.test_call import AT, FAULT

#: What everything may weigh together.
HEAVIEST = 300 * 1024


def test_everything_together_is_light_and_comes_from_here(open_page: Opened, service: Service) -> None:
    sizes: dict[str, int] = {}
    seen: list[Response] = []
    page = open_page("about:blank", wait=False)
    page.on("response", lambda response: seen.append(response))
    page.goto(service.link("mall", FAULT, AT))
    settle(page)
    page.get_by_role("tab", name="Tables and boundaries").click()
    page.wait_for_selector(".table.card")
    page.wait_for_load_state("networkidle")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    sizes.update({response.url: len(response.body()) for response in seen})
    total = sum(sizes.values())
    print(f"\ndesk: {total / 1024:.0f} KiB in {len(sizes)} files, first paint after {paint:.0f} ms")
    assert paint > 0
    assert len(sizes) > 10
    assert total <= HEAVIEST
    assert all(url.startswith(f"http://127.0.0.1:{service.port}/") for url in sizes)
    # A second visit asks about each file, and has it already: the service says how it answered.
    files = [url for url in sizes if "/v1/" not in url]
    before = len(service.log.read_text(encoding="utf-8"))
    page.reload()
    settle(page)
    page.wait_for_load_state("networkidle")
    until = time.monotonic() + 5
    again: list[str] = []
    while len(again) < len(files) and time.monotonic() < until:
        page.wait_for_timeout(100)
        again = re.findall(r" GET page (\d+) ", service.log.read_text(encoding="utf-8")[before:])
    assert again == ["304"] * len(files)


def test_the_page_may_load_nothing_from_elsewhere_and_no_script_of_its_own_text(
    open_page: Opened, service: Service
) -> None:
    with urllib.request.urlopen(service.page) as answer:
        rules = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        text = answer.read().decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert " style=" not in text
    assert "<style" not in text
    assert all("src=" in part for part in text.split("<script")[1:])

    page = open_page(service.page)
    found = page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.append("window.ran = true");
            try { document.body.append(script); } catch { /* a script needs trust here */ }
            const elsewhere = await fetch("http://127.0.0.2:9/").then(() => "asked", () => "refused");
            return [window.ran ?? false, elsewhere];
        }"""
    )
    assert found == [False, "refused"]
    open_page.wrong.clear()
    open_page.asked[:] = [url for url in open_page.asked if not url.startswith("http://127.0.0.2")]


def test_paths_beside_the_page_lead_nowhere(service: Service) -> None:
    for path in ("desk.py", "..%2fdesk.py", "../desk.py", "%2e%2e/texts.py", "desk.html", "x" * 300):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{service.page}/{path}")
    for path in ("/", "/desk/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}{path}") as answer:
            assert answer.url == service.page


def test_the_page_is_read_aloud_by_its_parts(open_page: Opened, service: Service) -> None:
    page = open_page(service.link("mall", {**FAULT, "distance_km": "50"}, AT))
    read = page.locator("body").aria_snapshot()
    for part in (
        '- heading "Policy desk" [level=1]',
        '- combobox "Service"',
        '- group "Language"',
        '- button "EN" [pressed]',
        "- main:",
        '- tablist "Views"',
        '- tab "Answer" [selected]',
        '- tab "Tables and boundaries"',
        '- region "Answer"',
        '- tabpanel "Answer"',
        '- region "Ask next"',
        '- heading "Solved by telephone" [level=2]',
        '- group "Solved by telephone"',
        '- combobox "Kind of request"',
        '- textbox "Distance by road from the mall to the site": "50"',
        'button "Take out: Cause"',
        '- group "Targets on a line of time, Asia/Shanghai"',
        '- rowheader "Total"',
        '- button "Clause mall-2.1.3"',
        "- status:",
    ):
        assert part in read, f"{part}\n\n{read}"
    expect(page.get_by_role("status")).to_contain_text("Ask next: solved by telephone")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_be_focused()


def test_dark_and_still_where_the_reader_wants_it(open_page: Opened, service: Service) -> None:
    light = open_page(service.page)
    dark = open_page(service.page, color_scheme="dark", reduced_motion="reduce")
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((a, b) => a + Number(b), 0)"
    assert light.evaluate(ground) > 600
    assert dark.evaluate(ground) < 150
    moving = "getComputedStyle(document.querySelector('.verdict')).transitionDuration"
    assert light.evaluate(moving) != "0s"
    assert dark.evaluate(moving) == "0s"
