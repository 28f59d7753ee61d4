"""The TOML files of a pack as sheets of dotted keys, and back.

A workbook holds tables and nothing else, so ``policy.toml`` becomes a sheet
``key,value``: one line a value, the value in TOML's own spelling. Comments are
not kept; the meaning and so the digest are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, datetime

from svc_policy.tables import Sheet, make_sheet


def sheet_of_text(name: str, text: str) -> Sheet:
    """Turn the text of a TOML file into a sheet of dotted keys."""
    return make_sheet(name, ("key", "value"), _lines(tomllib.loads(text), ""))


def text_of_sheet(sheet: Sheet) -> str:
    """Turn a sheet of dotted keys back into TOML."""
    return "\n".join(f"{row[0].text} = {row[1].text}" for row in sheet.rows if len(row) > 1 and row[0].text) + "\n"


def _lines(value: dict[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        path = f"{prefix}{key if key.replace('_', '').replace('-', '').isalnum() and key.isascii() else spell(key)}"
        if isinstance(item, dict) and item:
            yield from _lines(item, f"{path}.")
        else:
            yield path, spell(item)


def spell(value: object) -> str:
    """Spell a value as TOML does, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(spell(item) for item in value)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{spell(str(key))} = {spell(item)}" for key, item in value.items()) + " }"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
