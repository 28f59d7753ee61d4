"""Decide the tables of a connection ticket by ticket with the Python engine: slow, and independent of the SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from svc_policy.errors import CalendarError
from svc_policy.facts.columns import TABLES, columns
from svc_policy.facts.normal import declared
from svc_policy.facts.registry import BUILT_IN, Fact, Grain
from svc_policy.facts.ticket import Hold, Incident, Material, Override, Part, Ticket

RECORDS: dict[Grain, Any] = {
    "part": Part,
    "hold": Hold,
    "incident": Incident,
    "override": Override,
    "material": Material,
}
RESULTS: dict[Grain, str] = {
    "ticket": "decisions",
    "part": "part_decisions",
    "incident": "incident_decisions",
    "override": "override_decisions",
    "material": "material_decisions",
}
TYPES = {"int": "BIGINT", "bool": "BOOLEAN", "text": "VARCHAR"}


def decide_row_by_row(policy: Any, connection: Any, *, at_s: int) -> None:
    """Make the tables of decisions that :func:`svc_policy.batch.decide_batch` makes."""
    children = {grain: read_children(policy, connection, grain) for grain in RECORDS}
    results: dict[Grain, list[list[Any]]] = {grain: [] for grain in RESULTS}
    for row in rows_of(connection, TABLES["ticket"]):
        identity = row["ticket_id"]
        records = {TABLES[grain]: tuple(of.get(identity, ())) for grain, of in children.items()}
        ticket = make(Ticket, policy, "ticket", row, ticket_id=identity, **records)
        try:
            decision = policy.decide_s(ticket, at_s)
        except CalendarError:
            results["ticket"].append([identity, *[None] * len(policy.plan.names("ticket")), True])
            continue
        results["ticket"].append([identity, *decision.values, False])
        for grain, made in decision.children.items():
            if grain in results:
                results[grain] += [[identity, line, *values] for line, values in enumerate(made)]
    for grain, table in RESULTS.items():
        names = policy.plan.names(grain)
        kinds = [f'"{name}" {TYPES[policy.plan.columns[name].leaf.type]}' for name in names]
        keys = ["ticket_id VARCHAR"] + (["line BIGINT"] if grain != "ticket" else [])
        more = ["calendar_error BOOLEAN"] if grain == "ticket" else []
        connection.execute(f"CREATE TABLE {table} ({', '.join([*keys, *kinds, *more])})")
        for values in results[grain]:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in values)})", values)


def rows_of(connection: Any, table: str) -> list[dict[str, Any]]:
    asked = connection.execute(f"SELECT * FROM {table}")
    names = [entry[0] for entry in asked.description]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def read_children(policy: Any, connection: Any, grain: Grain) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in sorted(rows_of(connection, TABLES[grain]), key=lambda row: row["line"]):
        found.setdefault(row["ticket_id"], []).append(make(RECORDS[grain], policy, grain, row))
    return found


def make(record: Any, policy: Any, grain: Grain, row: Mapping[str, Any], **more: Any) -> Any:
    company = policy.pack.settings.company_facts
    built_in = {fact.name for fact in BUILT_IN[grain]}
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for column in columns(grain, company if grain == "ticket" else ()):
        assert column.fact is not None
        value = natural(column.fact, row[column.name])
        (values if column.fact.name in built_in else extra)[column.fact.name] = value
    if grain == "ticket":
        more["extra"] = {name: value for name, value in extra.items() if value is not None}
    assert {fact.name for fact in declared(grain, company)} >= values.keys()
    return record(**values, **more, facts=company)


def natural(fact: Fact, value: Any) -> Any:
    """Give an internal value as a ticket holds it in Python."""
    if value is None or fact.kind in ("text", "bool", "count", "share"):
        return value
    match fact.kind:
        case "money":
            return Decimal(value).scaleb(-2)
        case "distance" | "weight":
            return Decimal(value).scaleb(-3)
        case "area":
            return Decimal(value).scaleb(-4)
        case "duration":
            return timedelta(seconds=value)
        case "date":
            return date(1970, 1, 1) + timedelta(days=value)
        case _:
            return datetime.fromtimestamp(value, UTC)
