"""The mappings of examples/exports read the samples beside them as reckoned by hand."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from svc_policy.adapters import read_log, read_mapping
from svc_policy.policy import Policy, load

EXPORTS = Path(__file__).resolve().parents[2] / "examples" / "exports"
SAMPLES = {
    "erpnext/warranty_claim": "jsonl",
    "erpnext/issue": "csv",
    "erpnext/serial_no": "jsonl",
    "odoo/repair_order": "csv",
    "odoo/helpdesk_ticket": "csv",
    "rt/tickets": "tsv",
}


@pytest.fixture(scope="module")
def mall() -> Policy:
    return load("mall")


def read(policy: Policy, name: str) -> tuple[dict[str, dict[str, Any]], dict[str, str], duckdb.DuckDBPyConnection]:
    """Give the tickets by id, the reasons by id, and where they lie."""
    connection = duckdb.connect()
    mapping = read_mapping(EXPORTS / f"{name}.toml", policy)
    read_log(connection, EXPORTS / f"{name}.{SAMPLES[name]}", mapping, policy)
    answer = connection.execute("SELECT * FROM tickets ORDER BY ticket_id")
    headings = [column[0] for column in answer.description]
    tickets = {row[0]: dict(zip(headings, row, strict=True)) for row in answer.fetchall()}
    reasons = dict(connection.execute("SELECT ticket_id, reason FROM rejected").fetchall())
    return tickets, reasons, connection


def seconds(year: int, month: int, day: int, hour: int, minute: int, second: int = 0) -> int:
    """Give an instant of UTC in epoch seconds."""
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())


def days(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


def some(ticket: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: ticket[name] for name in expected} == expected


def test_a_warranty_claim(mall: Policy) -> None:
    tickets, reasons, _ = read(mall, "erpnext/warranty_claim")
    some(
        tickets["SER-WRN-2026-00001"],
        {
            "received_at_s": seconds(2026, 3, 2, 2, 20),  # 10:20 in Shanghai
            "finished_at_s": seconds(2026, 3, 3, 7, 40),
            "serial_no": "WM-2025-0117",
            "customer": "临江酒店",
            "customer_phone": "13800000001",
            "warranty_until_day": days(2026, 8, 31),
            "recorded_category": "C",
            "request_kind": "fault",
            "contract_until_day": None,
        },
    )
    some(
        tickets["SER-WRN-2026-00002"],
        {
            "received_at_s": seconds(2026, 3, 2, 3, 2, 9),
            "customer": "<b>Lake & Sons</b>",
            "problem": "Loud <script>alert(1)</script>",
            "recorded_category": "A",
            "customer_address": "3 Lake Road",
        },
    )
    assert len(tickets) == 2
    assert "`Goodwill`" in reasons["SER-WRN-2026-00003"]
    assert "`last Tuesday`" in reasons["SER-WRN-2026-00004"]


def test_an_issue(mall: Policy) -> None:
    tickets, reasons, _ = read(mall, "erpnext/issue")
    some(
        tickets["ISS-2026-00001"],
        {
            "received_at_s": seconds(2026, 3, 2, 2, 20),
            "contacted_at_s": seconds(2026, 3, 2, 3, 5),
            "finished_at_s": seconds(2026, 3, 4, 1, 30),
            "request_kind": "fault",
        },
    )
    some(tickets["ISS-2026-00002"], {"customer": "Lee, Ann", "request_kind": "inquiry", "finished_at_s": None})
    some(tickets["ISS-2026-00003"], {"problem": "Nobody came <img src=x onerror=alert(1)>"})
    assert reasons.keys() == {"ISS-2026-00004", "ISS-2026-00005"}


def test_a_machine_is_read_as_if_it_had_failed(mall: Policy) -> None:
    tickets, reasons, _ = read(mall, "erpnext/serial_no")
    some(
        tickets["WM-2025-0117"],
        {
            "received_at_s": seconds(2026, 3, 2, 1, 0),
            "delivered_on_day": days(2025, 9, 1),
            "warranty_until_day": days(2026, 8, 31),
            "product_class": "Washing machines",
            "cause": "product",
        },
    )
    # A year from delivery is free at the mall: the one is in it, the other long past it.
    free = mall.decide(mall.ticket(_stated("WM-2025-0117", "2025-09-01")), at=datetime(2026, 3, 2, 1, tzinfo=UTC))
    paid = mall.decide(mall.ticket(_stated("WM-2023-0004", "2023-05-15")), at=datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert (free.category, paid.category) == ("C", "A")
    assert reasons.keys() == {"WM-2026-0009"}


def _stated(serial: str, delivered: str) -> dict[str, object]:
    return {
        "ticket_id": serial,
        "received_at": "2026-03-02T09:00:00",
        "request_kind": "fault",
        "cause": "product",
        "delivered_on": delivered,
    }


def test_a_repair_order_and_its_parts(mall: Policy) -> None:
    tickets, reasons, connection = read(mall, "odoo/repair_order")
    some(
        tickets["RO/00001"],
        {
            "received_at_s": seconds(2026, 3, 2, 2, 20),  # UTC, as stored
            "warranty_until_day": days(2026, 8, 31),
            "recorded_fee_minor": 0,
            "product_quantity": 1,
            "on_site": False,
        },
    )
    some(tickets["RO/00002"], {"recorded_fee_minor": 18050, "problem": "Door broken <b>glass</b>"})
    parts = connection.execute(
        "SELECT ticket_id, part_no, quantity, unit_price_minor FROM parts ORDER BY ticket_id, line"
    ).fetchall()
    assert parts == [("RO/00002", "[GL-1] Glass", 1, 12050), ("RO/00002", "[SEAL-2] Door seal", 2, 3000)]
    assert reasons.keys() == {"RO/00003", "RO/00004", "RO/00009"}
    assert "`two`" in reasons["RO/00003"]
    assert "`120.005`" in reasons["RO/00004"]


def test_a_ticket_of_the_helpdesk(mall: Policy) -> None:
    tickets, reasons, _ = read(mall, "odoo/helpdesk_ticket")
    some(
        tickets["HT00001"],
        {
            "received_at_s": seconds(2026, 3, 2, 2, 20),
            "relayed_at_s": seconds(2026, 3, 2, 2, 31),
            "closed_at_s": seconds(2026, 3, 4, 1, 30),
            "channel": "telephone",
            "request_kind": "fault",
        },
    )
    some(tickets["HT00002"], {"channel": "online", "request_kind": "inquiry", "customer": "Ann <i>Lee</i>"})
    assert reasons.keys() == {"HT00003", "HT00004"}
    assert "+25:00" in reasons["HT00004"]


def test_a_ticket_of_rt(mall: Policy) -> None:
    tickets, reasons, _ = read(mall, "rt/tickets")
    some(
        tickets["101"],
        {
            "received_at_s": seconds(2026, 3, 2, 2, 20),
            "contacted_at_s": seconds(2026, 3, 2, 2, 45),
            "dispatched_at_s": seconds(2026, 3, 2, 3, 0),
            "recorded_due_at_s": seconds(2026, 3, 5, 2, 20),
            "closed_at_s": seconds(2026, 3, 4, 1, 30),
            "distance_m": 62_000,
            "on_site": True,
            "delivered_on_day": days(2025, 9, 1),
        },
    )
    some(tickets["102"], {"contacted_at_s": None, "problem": "如何清洗过滤器？", "request_kind": "inquiry"})
    assert reasons.keys() == {"103", "104"}
    assert "`5 miles or so`" in reasons["103"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mapping_says_where_its_names_come_from(name: str) -> None:
    text = (EXPORTS / f"{name}.toml").read_text(encoding="utf-8")
    assert "not run against a live system" in text.replace("\n# ", " ")
    assert tomllib.loads(text)["schema"] == 1


def test_every_mapping_has_a_sample_and_every_sample_a_mapping() -> None:
    assert {str(path.relative_to(EXPORTS))[:-5] for path in EXPORTS.glob("*/*.toml")} == SAMPLES.keys()
