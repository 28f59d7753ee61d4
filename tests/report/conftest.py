from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from svc_policy import Policy, Ticket
from svc_policy.report import Report, run_report
from svc_policy.statistics import month

from ..statistics.conftest import policy, random_tickets

__all__ = ["policy"]


def plain(value: Any) -> Any:
    """Make JSON-ready data of a ticket; what it does not state is left out."""
    if attrs.has(type(value)):
        fields = {field.name: plain(getattr(value, field.name)) for field in attrs.fields(type(value)) if field.init}
        return {name: of for name, of in fields.items() if of not in (None, [], {}) and name != "facts"}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def write_log(path: Path, tickets: list[Ticket]) -> Path:
    path.write_text("\n".join(json.dumps(plain(ticket), ensure_ascii=False) for ticket in tickets) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def log(tmp_path_factory: Any) -> Path:
    tickets = [attrs.evolve(ticket, customer="<script>alert(1)</script>") for ticket in random_tickets(5, 400)]
    # The names of tickets, technicians and parts are shown, too.
    tickets[0] = attrs.evolve(tickets[0], technician="<img src=x>", problem_class='"><script>alert(2)</script>')
    return write_log(tmp_path_factory.mktemp("logs") / "tickets.jsonl", tickets)


@pytest.fixture(scope="session")
def report(log: Path, policy: Policy) -> Iterator[Report]:
    yield run_report(log, policy, period=month("2026-03"), at=datetime.fromisoformat("2026-11-20T10:00:00+08:00"))
