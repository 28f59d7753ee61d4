"""List the rules of a pack as data: where each stands, what it cites, what it rests on."""

from __future__ import annotations

from typing import Any

from svc_policy.pack.load import Pack
from svc_policy.rules.family import Row


def rules_to_dicts(pack: Pack) -> list[dict[str, Any]]:
    """List every rule of a pack, table by table, as JSON-ready data."""
    return [_rule_to_dict(pack, table, row) for table, rows in pack.rows.items() for row in rows]


def _rule_to_dict(pack: Pack, table: str, row: Row) -> dict[str, Any]:
    from svc_policy.units import format_day

    readings = pack.settings.interpretations
    return {
        "pack": pack.id,
        "table": table,
        "rule": row.id,
        "from": None if row.since is None else format_day(row.since),
        "until": None if row.until is None else format_day(row.until),
        "file": row.file,
        "line": row.line,
        "layer": row.layer or pack.id,
        "replaces": [{"pack": old.layer, "file": old.file, "line": old.line} for old in row.replaced],
        "cites": list(row.cites),
        "interpretations": [name for name in row.rests_on if name in readings],
        "parameters": [name for name in row.rests_on if name not in readings],
        "note": row.note,
    }
