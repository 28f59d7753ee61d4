"""A small policy and tables of tickets, for any database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sql

from svc_policy import Decision, Policy, load

ZONE = ZoneInfo("Asia/Shanghai")
#: 4 March 2026 is a Wednesday.
AT = datetime(2026, 3, 4, 10, tzinfo=ZONE)
FILES = {
    "policy.toml": """
schema = 1
id = "counter"
title.en = "Counter"
title.zh = "柜台"
timezone = "Asia/Shanghai"
currency = "CNY"
[week]
mon = ["09:00-17:00"]
[calendar]
valid = ["2026-01-01", "2026-12-31"]
[facts.floor]
kind = "count"
absence = "unknown"
label.en = "floor"
label.zh = "楼层"
[facts.hold_kind]
values = ["customer"]
[roles.head]
en = "head"
zh = "主管"
""",
    "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
    "category.csv": "rule,distance_km,then: category,cite\nnear,<= 5 km,C,m-1\nfar,> 5 km,A,m-1\n",
    "deadlines.csv": "rule,distance_km,then: starts,then: ends,then: within,then: clock,cite\n"
    "near,<= 5 km,received,arrived,24 h,calendar,m-1\nfar,> 5 km,received,arrived,48 h,calendar,m-1\n",
    "holds.csv": "rule,hold_kind,then: stops,cite\ncustomer,customer,arrived,m-1\n",
    "fees.csv": "rule,category,then: line,then: fixed,then: rate,then: per,then: measure,then: beyond,then: step,"
    "then: at least,cite\nfree,C,visit,0 CNY,-,-,-,-,-,-,m-1\nfar,A,visit,33.33 CNY,-,-,-,-,-,-,m-1\n",
    "part_fees.csv": "rule,category,then: share,cite\nfree,C,0 %,m-1\nrest,A,100 %,m-1\n",
}


def counter(folder: Path, **changed: str) -> Policy:
    """Write and load the policy; up to 5 km is category C and free, beyond it A: 33.33 CNY, and parts are paid."""
    pack = folder / "counter"
    pack.mkdir(exist_ok=True)
    for name, text in {**FILES, **changed}.items():
        (pack / name).write_text(text, encoding="utf-8")
    return load(pack)


def run(url: str, *statements: str, rows: Sequence[dict[str, Any]] = ()) -> list[tuple[Any, ...]]:
    """Execute statements, the last one with rows to bind; gives what it gives."""
    engine = sql.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sql.pool.NullPool)
    with engine.begin() as connection:
        for statement in statements[:-1]:
            connection.exec_driver_sql(statement)
        if rows:
            connection.execute(sql.text(statements[-1]), list(rows))
            return []
        found = connection.exec_driver_sql(statements[-1])
        return [tuple(row) for row in found] if found.returns_rows else []


def fill(url: str, count: int, first: int = 1) -> None:
    """Make a table `tickets` with so many of them, 0 to 9 km away in turn."""
    if first == 1:
        run(
            url,
            "CREATE TABLE tickets (id INTEGER PRIMARY KEY, ticket_id VARCHAR(40), received_at TIMESTAMP, "
            "distance_km NUMERIC(8, 3))",
        )
    rows = [
        {"id": number, "ticket": f"T-{number}", "at": f"2026-03-04 09:{number % 60:02}:00", "distance": number % 10}
        for number in range(first, first + count)
    ]
    run(
        url,
        "INSERT INTO tickets VALUES (:id, :ticket, CAST(:at AS VARCHAR(40)), :distance)"
        if url.startswith("sqlite")
        else "INSERT INTO tickets VALUES (:id, :ticket, CAST(:at AS TIMESTAMP), :distance)",
        rows=rows,
    )


def decide(policy: Policy, at: datetime = AT, **facts: Any) -> Decision:
    return policy.decide({"received_at": "2026-03-04T09:00:00+08:00", **facts}, at=at)


def names(found: Iterable[Any]) -> list[str]:
    return [one.record for one in found]
