"""The frame of pages: words of the language, escaping, figures that stand right."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import ClassVar

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from svc_policy.messages import Message
from svc_policy.pages import Figure, _environment, money, share

FROM = '{% from "pages/parts.html" import table %}'


def made(source: str, language: str = "en", **values: object) -> str:
    return _environment(language).from_string(source).render(values)


@pytest.mark.parametrize("digits, shown", [(5, "0.05 CNY"), (123456789, "1,234,567.89 CNY"), (-150, "-1.50 CNY")])
def test_money_has_the_decimals_of_its_currency(digits: int, shown: str) -> None:
    assert money(digits, "CNY").replace("\u00a0", " ") == shown


def test_money_without_decimals() -> None:
    assert money(1500, "JPY") == "1,500\u00a0JPY"


@pytest.mark.parametrize("points, shown", [(0, "0.0 %"), (3333, "33.3 %"), (3335, "33.4 %"), (10_000, "100.0 %")])
def test_shares_are_rounded_half_up_to_a_tenth(points: int, shown: str) -> None:
    assert share(points).replace("\u00a0", " ") == shown


def test_texts_are_escaped_and_markup_is_not() -> None:
    page = made(f"{FROM}{{{{ table([], rows) }}}}", rows=[["<script>alert(1)</script>", Markup("<b>x</b>")]])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "<b>x</b>" in page


def test_values_of_messages_are_escaped() -> None:
    assert made('{{ message("ticket {name}", name=name) }}', name="<i>") == "ticket &lt;i&gt;"


def test_messages_are_in_the_language_of_the_page() -> None:
    assert made("{{ text }}", "zh", text=Message("met")) == "按时完成"
    assert made('{{ words("a", "b") }}{{ locale }}', "zh") == "bzh-CN"


def test_numbers_and_figures_stand_right_under_their_headings() -> None:
    page = made(
        f"{FROM}{{{{ table(['name', 'many', 'share', 'said'], rows) }}}}", rows=[["a", 1234, Figure("5 %"), True]]
    )
    assert '<td class="n">1,234</td><td class="n">5 %</td><td>True</td>' in page
    assert '<th>name</th><th class="n">many</th><th class="n">share</th><th>said</th>' in page


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        made("{{ nobody }}")


def test_the_frame_asks_the_network_for_nothing() -> None:
    page = made('{% extends "pages/frame.html" %}{% block title %}t{% endblock %}')
    assert "default-src 'none'" in page
    for word in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert word not in page

    class Balanced(HTMLParser):
        open: ClassVar[list[str]] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
