"""The page of a difference: self-contained, escaped, right in its figures, in both languages."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser

import pytest

from svc_policy import Policy
from svc_policy.diff import diff
from svc_policy.diff.impact import Impact, impact_of_file
from svc_policy.diff.page import difference_page
from svc_policy.messages import LANGUAGES, Language

from .shop import AT, TICKETS, shop, tickets

pytest.importorskip("vl_convert")
VOID = {"meta", "br", "img", "input", "hr"}
NASTY = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Reads a page: its elements, which must balance, its ids and links, its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert not any(name.startswith("on") or name == "src" for name in found)
        self.ids.add(found.get("id") or "")
        if tag == "a":
            self.links.add(found.get("href") or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u00a0", " ")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    folder = tmp_path_factory.mktemp("page")
    return shop(folder / "old"), shop(folder / "new", {"fees": ("100 CNY", "120 CNY"), "deadlines": ("24 h", "12 h")})


@pytest.fixture(scope="module")
def impact(both: tuple[Policy, Policy], tmp_path_factory: pytest.TempPathFactory) -> Impact:
    file = tickets(tmp_path_factory.mktemp("tickets"), TICKETS.replace("T2", NASTY))
    return impact_of_file(*both, file, at=datetime.fromisoformat(AT))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_else_and_shows_the_figures(
    both: tuple[Policy, Policy], impact: Impact, language: Language
) -> None:
    page = difference_page(diff(*both), impact, language)
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not {"script", "link", "img", "iframe", "object", "use"} & set(reader.tags)
    assert {"svg", "table", "details"} <= set(reader.tags)
    assert not re.search(r"https?:|@import|url\(", page)
    assert {link.removeprefix("#") for link in reader.links} <= reader.ids
    assert {"#ticket-1", "#ticket-2", "#ticket-3"} <= reader.links
    # The visit of T1 with its tenth at night, 22, and that of T2, 20, both with a tax of 10 %.
    assert "+46.20 CNY" in reader.text and "+24.20 CNY" in reader.text and "+22.00 CNY" in reader.text
    assert "fees.visit" in reader.text and "deadlines.arrive" in reader.text
    assert ("之前" if language == "zh" else "before") in reader.text
    assert NASTY not in page and NASTY in reader.text
    assert ("没有工单写明区域" if language == "zh" else "No ticket states a zone") in reader.text


def test_without_tickets_there_is_no_impact(both: tuple[Policy, Policy]) -> None:
    reader = Reader()
    reader.feed(difference_page(diff(*both), None, "en"))
    assert "impact" not in reader.ids and "svg" not in reader.tags
    assert "120 CNY" in reader.text


def test_a_policy_against_itself_decides_alike(both: tuple[Policy, Policy]) -> None:
    assert "decide alike" in difference_page(diff(both[0], both[0]), None, "en")
