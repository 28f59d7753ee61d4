"""The service, a browser, and a page of it that asks nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from hosts.available import require
from hosts.desk.service import Service

require("desk")

from playwright.sync_api import Browser, BrowserContext, Page  # noqa: E402


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve two of the policies that come with the library, without tokens."""
    found = Service(packs=("mall", "cn-sanbao"), log=tmp_path_factory.mktemp("desk") / "log")
    found.start()
    yield found
    found.stop()


@attrs.define
class Opened:
    """Pages that were opened, what they asked for, and what went wrong in them."""

    browser: Browser
    contexts: list[BrowserContext] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)

    def __call__(self, url: str, *, wait: bool = True, **how: Any) -> Page:
        """Open an address in a browser of its own, 1280 by 900 unless said otherwise, and wait for the answer."""
        settings = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **how}
        context = self.browser.new_context(**settings)
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda line: self.wrong.append(line.text) if "Content Security" in line.text else None)
        page.goto(url)
        if wait:
            settle(page)
        return page


def settle(page: Page) -> None:
    """Wait until what was asked is answered."""
    page.wait_for_selector("#desk[aria-busy=false] #verdict .cell")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opened]:
    """Open pages; afterwards none of them had an error, and none asked anybody but this machine."""
    opened = Opened(browser)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.wrong == []
    outside = [url for url in opened.asked if not url.startswith("http://127.0.0.1:")]
    assert outside == []


@pytest.fixture
def log_of(service: Service) -> Path:
    return service.log
