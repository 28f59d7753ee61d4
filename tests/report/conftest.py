from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from statistic.made import made_policy, random_tickets
from svc_policy import Part, Policy, Ticket
from svc_policy.facts.registry import BUILT_IN, LISTS
from svc_policy.report import Report, run_report
from svc_policy.statistics import month

FIELDS = ("ticket_id", *(fact.name for facts in BUILT_IN.values() for fact in facts), *LISTS.values())


@pytest.fixture(scope="session")
def policy(tmp_path_factory: Any) -> Policy:
    return made_policy(tmp_path_factory.mktemp("packs") / "mall")


def plain(value: Any) -> Any:
    """Make JSON-ready data of a ticket; what it does not state is left out."""
    if attrs.has(type(value)):
        fields = {name: plain(getattr(value, name)) for name in FIELDS if hasattr(value, name)}
        return {name: of for name, of in fields.items() if of not in (None, [])}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def write_log(path: Path, tickets: list[Ticket]) -> Path:
    path.write_text("\n".join(json.dumps(plain(ticket), ensure_ascii=False) for ticket in tickets) + "\n", "utf-8")
    return path


def tickets_of_report() -> list[Ticket]:
    tickets = [attrs.evolve(ticket, customer="<script>alert(1)</script>") for ticket in random_tickets(5, 400)]
    # The names of tickets, technicians and parts are shown, too.
    tickets[0] = Ticket(
        ticket_id="<i>",
        received_at=datetime.fromisoformat("2026-03-05T10:00:00+08:00"),
        technician="<img src=x>",
        rated_skill=4,
        rated_attitude=4,
        problem_class='"><script>alert(2)</script>',
        parts=(Part(part_no="<b>P</b>"),),
    )
    return tickets


@pytest.fixture(scope="session")
def log(tmp_path_factory: Any) -> Path:
    return write_log(tmp_path_factory.mktemp("logs") / "tickets.jsonl", tickets_of_report())


@pytest.fixture(scope="session")
def report(log: Path, policy: Policy) -> Report:
    return run_report(log, policy, period=month("2026-03"), at=datetime.fromisoformat("2026-11-20T10:00:00+08:00"))
