"""The TOML files of a pack as sheets of dotted keys, and back.

A workbook holds tables and nothing else, so ``policy.toml`` becomes a sheet
``key,value``: one line a value, the value in TOML's own spelling. A list of
tables has a line ``[[name]]`` for each, its values under it: in one cell the
cases of a pack would be too long. Comments are not kept; the meaning and so
the digest are.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

from svc_policy.tables import Sheet, make_sheet


def sheet_of_text(name: str, text: str) -> Sheet:
    """Turn the text of a TOML file into a sheet of dotted keys."""
    return make_sheet(name, ("key", "value"), _lines(tomllib.loads(text), ""))


def text_of_sheet(sheet: Sheet) -> str:
    """Turn a sheet of dotted keys back into TOML."""
    lines = [
        key if key.startswith("[[") else f"{key} = {row[1].text}"
        for row in sheet.rows
        if len(row) > 1 and (key := row[0].text.strip())
    ]
    return "\n".join(lines) + "\n"


def _lines(value: Mapping[str, object], prefix: str, *, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Give dotted keys and values; lists of tables last, since whatever follows belongs to them.

    A list of tables `inside` a table stays in one cell.
    """
    listed: list[tuple[str, list[Mapping[str, object]]]] = []
    for key, item in value.items():
        path = f"{prefix}{key if re.fullmatch(r'[A-Za-z0-9_-]+', key) else spell(key)}"
        if isinstance(item, dict) and item:
            yield from _lines(item, f"{path}.", inside=True)
        elif not inside and isinstance(item, list) and item and all(isinstance(one, dict) for one in item):
            listed.append((path, item))
        else:
            yield path, spell(item)
    for path, tables in listed:
        for table in tables:
            yield f"[[{path}]]", ""
            yield from _lines(table, "", inside=True)


def spell(value: object) -> str:
    """Spell a value as TOML does, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(spell(item) for item in value)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{spell(str(key))} = {spell(item)}" for key, item in value.items()) + " }"
    # TOML escapes a text as JSON does, and the delete character besides.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
