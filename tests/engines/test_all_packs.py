"""Every built-in service: interpreter, Python and DuckDB agree, on every edition and with its parameters changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from svc_policy import Incident, Policy, Ticket, load
from svc_policy.errors import CalendarError
from svc_policy.pack.source import built_in_packs
from svc_policy.units import Allowance, Literal

from .interpreter import Interpreter
from .test_python_against_interpreter import by_function, by_interpreter, differences
from .test_sql_against_python import AT, compare
from .tickets import random_instants, random_tickets

SERVICES = [name for name in built_in_packs() if not name.startswith("shared-")]
EPOCH = date(1970, 1, 1)


def changed(name: str, folder: Path) -> Policy:
    """Load a pack with every parameter that has a size or a truth at another value, by an overlay."""
    policy = load(name)
    settings = policy.pack.settings
    lines = ["schema = 1", f'id = "{name}-changed"', 'title.en = "changed"', 'title.zh = "改"', f'extends = "{name}"']
    for parameter in settings.parameters.values():
        value = other(parameter.values[0][1], settings.currency)
        if value is not None and len(parameter.values) == 1:
            section = "interpretations" if parameter.name in settings.interpretations else "parameters"
            lines += [f"[{section}.{parameter.name}]", f'value = "{value}"']
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(folder)


def other(literal: Literal, currency: str) -> str | None:
    """Write another value of the same kind and unit; None for words, dates and shares that must add up."""
    value = literal.value
    match literal.kind:
        case "bool":
            return "no" if value else "yes"
        case "money":
            return f"{(int(value) + 1_00) / 100:.2f} {currency}"
        case "allowance" if isinstance(value, Allowance):
            return literal.text.replace(literal.text.split()[0], str(int(literal.text.split()[0]) + 1), 1)
        case "months":
            return f"{int(value.value if isinstance(value, Allowance) else value) + 1} months"
        case "distance":
            return f"{(int(value) + 1000) / 1000:g} km"
        case "weight":
            return f"{(int(value) + 1000) / 1000:g} kg"
    return None


# The mall has a test of its own, on more tickets.
@pytest.mark.parametrize("name", [name for name in SERVICES if name != "mall"])
def test_every_column_agrees_in_duckdb(name: str) -> None:
    policy = load(name)
    found, outside = compare(policy, random_tickets(policy, 300, seed=hash_of(name)), AT)
    assert found == []
    assert outside < 60


@pytest.mark.parametrize("name", SERVICES)
def test_every_column_agrees_with_other_parameters(name: str, tmp_path: Path) -> None:
    policy = changed(name, tmp_path / name)
    assert policy.digest != load(name).digest
    found, _ = compare(policy, random_tickets(policy, 200, seed=hash_of(name) + 1), AT)
    assert found == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_column_agrees_on_every_edition(name: str) -> None:
    policy = load(name)
    edges = {edge for rows in policy.pack.rows.values() for row in rows for edge in (row.since, row.until) if edge}
    edges |= {since for of in policy.pack.settings.parameters.values() for since, _ in of.values if since}
    # The tickets' own dates lie on all of them; here one date stands for all, the last edition's.
    for edge in sorted(edges)[-1:]:
        on = policy.on(EPOCH + timedelta(days=edge))
        found, _ = compare(on, random_tickets(on, 60, seed=edge), AT)
        assert found == [], edge


@pytest.mark.parametrize("name", SERVICES)
def test_python_agrees_with_the_interpreter(name: str) -> None:
    policy = load(name)
    interpreter = Interpreter(policy)
    tickets = random_tickets(policy, 150, seed=hash_of(name) + 2)
    for ticket, at in zip(tickets, random_instants(policy, tickets, hash_of(name)), strict=True):
        found = differences(by_function(policy, ticket, at), by_interpreter(interpreter, ticket, at))
        assert found == {}, f"{ticket!r} at {at}"


def hash_of(name: str) -> int:
    """Make a seed of a name; the same in every process."""
    return sum(ord(letter) * 31**index for index, letter in enumerate(name)) % 1_000_003


def test_an_incident_outside_the_calendar_leaves_its_ticket_outside() -> None:
    policy = load("campus")
    tickets = [
        Ticket(incidents=(Incident(incident_kind="missed_call", occurred_at=datetime(year, 3, 2, 2, tzinfo=UTC)),))
        for year in (2026, 2031)
    ]
    with pytest.raises(CalendarError):
        policy.decide_s(tickets[1], AT)
    assert compare(policy, tickets, AT) == ([], 1)
