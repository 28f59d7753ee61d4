"""Folders of hosts that are not here are left out; the end of a run says which ran and which could not, and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hosts.available import HOSTS

HERE = Path(__file__).parent


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
