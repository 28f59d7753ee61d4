"""Folders of hosts that are not here are left out; the end of a run says which ran and which could not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hosts.available import HOSTS, chromium_path, require

HERE = Path(__file__).parent
#: Nothing but the pages is asked for by the browser itself.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start a browser, one in each process: Playwright cannot be begun twice in it."""
    require("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield found
        found.close()


def pytest_configure(config: pytest.Config) -> None:
    # What foreign systems warn of is not ours to mend.
    config.addinivalue_line("filterwarnings", "default")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    host = HOSTS.get(collection_path.name)
    if collection_path.parent == HERE and host is not None and host.missing() is not None:
        return True
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, Counter[str]] = {name: Counter() for name in HOSTS}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            parts = report.nodeid.split("/")
            if len(parts) > 2 and parts[1] in counts:
                counts[parts[1]][outcome] += 1
    terminalreporter.section("hosts")
    for name, host in HOSTS.items():
        reason = host.missing()
        said = ", ".join(f"{number} {outcome}" for outcome, number in counts[name].items())
        if reason is not None:
            terminalreporter.line(f"{name}: could not run: {reason}")
        elif (HERE / name).is_dir():
            terminalreporter.line(f"{name}: {said or 'not asked for'}")
