"""Packs of schedules for tests: rows written as columns, and what comes due, written short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pack.building import write_pack
from svc_policy import Policy, load

SETTINGS = """
schema = 1
id = "plans"
title.en = "Plans"
title.zh = "计划"
timezone = "Asia/Shanghai"
currency = "CNY"
sources = ["own"]
[week]
mon = ["09:00-18:00"]
tue = ["09:00-18:00"]
wed = ["09:00-18:00"]
thu = ["09:00-18:00"]
fri = ["09:00-18:00"]
[calendar]
valid = ["2026-01-01", "2026-12-31"]
[roles.head]
en = "head"
zh = "主任"
[roles.clerk]
en = "clerk"
zh = "文员"
"""
#: New Year; the spring festival, with the Saturdays worked for it; the days of May.
CALENDAR = """day,windows,why
2026-01-01,off,
2026-02-14,as fri,
2026-02-16,off,
2026-02-17,off,
2026-02-18,off,
2026-02-19,off,
2026-02-20,off,
2026-05-01,off,
"""
CLAUSES = "clause,place,en,zh\nplans-1,1,The plan.,计划。\nplans-2,2,The staff.,人员。\n"
LABELS = "name,en,zh\nreport,daily report,日报\nearly,early round,前期\nlate,late round,后期\njobs,jobs,工单\n"


def plan(
    folder: Path,
    *rows: Mapping[str, str],
    settings: str = "",
    family: str = "schedules",
    replaced: Mapping[str, str] | None = None,
) -> Path:
    """Write a pack with one table; a key of a row that is no heading of a table is a result."""
    given: list[dict[str, str]] = []
    for number, row in enumerate(rows, start=1):
        usual = {"occasion": "report", "owner": "clerk"} if family == "schedules" else {"post": "clerk"}
        given.append({"rule": f"r{number}", **usual, **row, "cite": row.get("cite", "plans-1")})
    names = list(dict.fromkeys(name for row in given for name in row))
    headings = [name if name in ("rule", "cite") or name.startswith("if ") else f"then: {name}" for name in names]
    headings = [heading.removeprefix("if ") for heading in headings]
    cells = [[f'"{row.get(name, "-")}"' for name in names] for row in given]
    dates = {"then: from": "from", "then: until": "until"}
    table = [",".join(dates.get(heading, heading) for heading in headings)]
    empty = {"from": '""', "until": '""'}
    table += [
        ",".join(empty.get(name, cell) if cell == '"-"' else cell for name, cell in zip(names, row, strict=True))
        for row in cells
    ]
    files = {
        "policy.toml": SETTINGS + settings,
        "calendar.csv": CALENDAR,
        "clauses.csv": CLAUSES,
        "labels.csv": LABELS,
        f"{family}.csv": "\n".join(table) + "\n",
        **(replaced or {}),
    }
    return write_pack(folder, files)


def policy(folder: Path, *rows: Mapping[str, str], **options: Any) -> Policy:
    """Load a pack that :func:`plan` writes."""
    return load(plan(folder, *rows, **options))


def due(
    of: Policy,
    from_: str,
    until: str,
    contracts: Iterable[Mapping[str, object]] = (),
    assets: Iterable[Mapping[str, object]] = (),
) -> list[str]:
    """List the days on which something is due, with what it is about and its phase where it has any."""
    found = of.schedule(contracts, assets, from_=from_, until=until)
    return [
        " ".join([item.on.isoformat(), *filter(None, [item.subject, str(item.phase or "")])])
        for item in found.occurrences
    ]
