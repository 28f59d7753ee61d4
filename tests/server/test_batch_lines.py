"""The lines of a batch are the same whether Python wrote them or SQL."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

pytest.importorskip("msgspec", reason="the extra `serve` is not installed")
pytest.importorskip("duckdb", reason="the extra `batch` is not installed")

from rules.made import ZONE
from server.desk.shop import shop
from svc_policy.server import batch_work
from svc_policy.server.batch_columns import KEYS
from svc_policy.server.batch_work import Decider

TICKETS = [
    {},
    {"received_at": "2026-03-04T09:00:00", "delivered_on": "2025-03-05", "distance_km": 50, "labour_hours": 1},
    {"received_at": "2026-03-04T09:00:00", "delivered_on": "2020-03-05", "distance_km": 51, "labour_hours": 1.5},
    {"received_at": "2026-03-03T09:00:00", "delivered_on": "2020-03-05", "labour_hours": 0, "key_equipment": True},
    {"received_at": "2026-03-04T09:00:00", "delivered_on": "2024-02-29", "distance_km": 0, "labour_hours": 1000},
    {"received_at": "2026-03-04T09:00:00", "answered_at": "2026-03-04T15:00:00", "distance_km": 7},
    {"received_at": "2026-03-04T09:00:00", "incidents": [{"incident_kind": "missed"}]},
    {"received_at": "9999-12-30T09:00:00", "distance_km": 51},
    {"colour": "red"},
]
IDS = ["", "T-1", "quote \" and ' and \\", "<b>&amp;</b>", "工单-7", "\u2028 line", "tab\t", "{}", "null"]


def test_every_key_is_written_alike(tmp_path, monkeypatch):
    policy = shop(tmp_path)
    tickets = [{"ticket_id": name, **ticket} for name, ticket in zip(IDS, TICKETS, strict=True)]
    lines = b"\n".join([json.dumps(one, ensure_ascii=False).encode() for one in tickets] + [b"no JSON", b""])
    at = int(datetime(2026, 3, 4, 18, tzinfo=ZONE).timestamp())
    written = []
    in_sql: list[int] = []
    inner = Decider._in_sql
    monkeypatch.setattr(Decider, "_in_sql", lambda self, rows: in_sql.append(len(rows)) or inner(self, rows))
    for some in (10**9, 1):
        monkeypatch.setattr(batch_work, "SOME", some)
        decider = Decider(policy, KEYS, 2**20)
        decider.begin(at, many=True)
        written.append((decider.answer(lines).split(b"\n"), decider.counted()))
    # All but the last two, which cannot be read.
    assert in_sql == [len(TICKETS) - 2]
    (plain, plain_count), (sql, sql_count) = written
    for one, other in zip(plain, sql, strict=True):
        assert one == other
    assert plain_count == sql_count
    read = [json.loads(line) for line in plain if line]
    assert [one["ticket_id"] for one in read[:-1]] == IDS
    assert {name for one in read for name, value in one.items() if value not in (None, {}, [])} >= {
        "category", "warranty_end", "targets", "total", "payable", "needs", "next_change_at", "penalty_least"
    }  # fmt: skip
