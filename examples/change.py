"""Change a policy without fear, step by step, as its owner would: the second part of ``make demo``.

A copy of the mall's policy gets an edition from July with other fees and another
window. One band of distance is forgotten, `check` finds it; the comparison shows
what the change does to a year of tickets.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

SHOP = "shop"
#: The new visit fees by rule, as the owner of the policy writes them into fees.csv.
FEES = {"visit_near": "75 CNY", "visit_middle": "150 CNY", "visit_between": "260 CNY", "visit_far": "400 CNY"}
DAY_BEFORE, FIRST_DAY = "2026-06-30", "2026-07-01"


def begin(folder: Path) -> None:
    """Clear away what an earlier run left."""
    shutil.rmtree(folder / SHOP, ignore_errors=True)


def edit(folder: Path) -> None:
    """Raise fees and narrow a window in the new edition, as somebody would in a spreadsheet."""
    raise_fees(folder)
    narrow_window(folder)


def raise_fees(folder: Path) -> None:
    """Write the new fees into the rows that the edition added."""
    path = folder / SHOP / "fees.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(_raised(line) for line in lines), encoding="utf-8")


def _raised(line: str) -> str:
    rule, _, rest = line.partition(",")
    if rule not in FEES or not rest.startswith(f"{FIRST_DAY},"):
        return line
    cells = line.split(",")
    fixed = next(index for index, cell in enumerate(cells) if cell.endswith(" CNY"))
    return ",".join([*cells[:fixed], FEES[rule], *cells[fixed + 1 :]])


def narrow_window(folder: Path) -> None:
    """Let the 48 hours end at 40 km, and forget who comes next."""
    _replace(
        folder / SHOP / "deadlines.csv",
        {f"\nmiddle,{FIRST_DAY},,-,C,yes,-,(5..50] km": f"\nmiddle,{FIRST_DAY},,-,C,yes,-,(5..40] km"},
    )


def close_hole(folder: Path) -> None:
    """Let the 72 hours begin where the 48 hours end."""
    _replace(
        folder / SHOP / "deadlines.csv",
        {f"\nbetween,{FIRST_DAY},,-,C,yes,-,(50..100] km": f"\nbetween,{FIRST_DAY},,-,C,yes,-,(40..100] km"},
    )


def _replace(path: Path, cells: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in cells.items():
        if text.count(old) != 1:
            raise SystemExit(f"{path}: `{old.strip()}` is not there once")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
