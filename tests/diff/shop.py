"""A small shop in two versions: every figure of the change between them can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pack.building import write_pack
from rules.made import POLICY
from svc_policy import Policy, load

MONEY = """
[money]
prices_include_tax = false
tax = "{vat}"
rounding = "half up"
rounding_place = "total"
[parameters.vat]
kind = "share"
value = "10 %"
label.en = "tax"
label.zh = "税"
"""
TABLES = {
    "category": "rule,on_site,then: category,cite\npaid,yes,A,m-1\nfree,-,C,m-1\n",
    "fees": "rule,from,until,category,distance_km,then: line,then: fixed,then: rate,then: per,then: measure,cite\n"
    "visit,,,A,-,visit,100 CNY,-,-,-,m-1\n"
    "road,,,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n",
    "deadlines": "rule,category,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
    "arrive,-,received,arrived,24 h,calendar,clerk,m-1\n",
    "late_penalties": "rule,target,then: liable,then: amount,cite\nlate,arrived,clerk,20 CNY,m-1\n",
    "surcharges": "rule,visit_time,then: line,then: share,then: of,cite\nnight,night,night,10 %,visit,m-1\n",
    "approvals": 'rule,arrived_status,then: approver,then: subject,cite\nlate,"late, breached",head,excuse,m-1\n',
    "duties": "rule,category,then: owner,then: duty,cite\nlook,A,clerk,look,m-1\n",
}
#: 18 h to the first; 10 h to the second; nobody came to the third. All of them are decided on the tenth.
TICKETS = (
    "ticket_id,on_site,distance_km,visit_time,received_at,arrived_at\n"
    "T1,yes,20,night,2026-03-02T09:00:00,2026-03-03T03:00:00\n"
    "T2,yes,5,normal,2026-03-02T09:00:00,2026-03-02T19:00:00\n"
    "T3,no,5,normal,2026-04-01T09:00:00,\n"
)
AT = "2026-04-10T09:00:00+08:00"


def shop(
    folder: Path,
    edits: Mapping[str, tuple[str, str]] | None = None,
    settings: tuple[str, str] = ("", ""),
    tables: Mapping[str, str] | None = None,
) -> Policy:
    """Write and load the shop, with one text put in the place of another in some of its files."""
    made = {**TABLES, **(tables or {})}
    for name, (old, new) in (edits or {}).items():
        assert made[name].count(old) == 1, (name, old)
        made[name] = made[name].replace(old, new)
    policy = POLICY + MONEY
    assert not settings[0] or policy.count(settings[0]) == 1
    files = {
        "policy.toml": policy.replace(*settings) if settings[0] else policy,
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
        **{f"{name}.csv": text for name, text in made.items()},
    }
    return load(write_pack(folder, files))


def tickets(folder: Path, text: str = TICKETS, name: str = "tickets.csv") -> Path:
    """Write the tickets."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
