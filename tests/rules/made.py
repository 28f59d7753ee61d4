"""A small pack to which a test adds the table it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pack.building import write_pack
from svc_policy import Decision, Policy, load

POLICY = """
schema = 1
id = "made"
title.en = "Made up"
title.zh = "样例"
timezone = "Asia/Shanghai"
currency = "CNY"
[week]
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]
[calendar]
valid = ["2026-01-01", "2026-12-31"]
[facts.incident_kind]
values = ["missed", "mistake", "again"]
[roles.head]
en = "head"
zh = "主管"
[roles.clerk]
en = "clerk"
zh = "文员"
"""
ZONE = ZoneInfo("Asia/Shanghai")


def made(folder: Path, tables: Mapping[str, str], settings: str = "") -> Policy:
    """Write and load the pack; every row cites the one clause."""
    files = {
        "policy.toml": POLICY + settings,
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
        **{f"{name}.csv": text for name, text in tables.items()},
    }
    return load(write_pack(folder / "made", files))


def decide(policy: Policy, ticket: Mapping[str, object], at: str = "2026-03-04T10:00:00") -> Decision:
    """Decide at a local time; 4 March 2026 is a Wednesday."""
    return policy.decide(
        {"received_at": "2026-03-04T09:00:00", **ticket}, at=datetime.fromisoformat(at).replace(tzinfo=ZONE)
    )
