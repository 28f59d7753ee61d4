"""The row that would close a gap, in the table's own columns and spelling. It is proposed, never written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from svc_policy.check.views import TableView
from svc_policy.check.words import days_of, region_tests
from svc_policy.pack.columns import condition_columns, result_columns
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Row
from svc_policy.tables import Test, canonical_test, make_sheet, name_key
from svc_policy.tables.reading import FIXED, RESULT_PREFIXES
from svc_policy.tables.regions import DAY, Box
from svc_policy.tables.sheets import Sheet, csv_text
from svc_policy.units import format_day

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack

_KINDS_ZH = {"km": "公里", "kg": "千克", "m2": "平方米", "h": "小时"}


def suggest_row(pack: Pack, view: TableView, box: Box, beside: Sequence[int], axis: str | None) -> str | None:
    """Write the line of a table that would close a gap, its results as in the row before it on the axis.

    The policy's owner decides what the results should be; the line only has the shape. None where the table is not
    in a file of the pack's own.
    """
    sheet = pack.files.sheets.get(view.table)
    rows = [view.rows[0][number] for number in beside] or list(view.rows[0])
    if sheet is None or not sheet.header or not rows:
        return None
    like = _nearest(view, box, beside, axis) or rows[-1]
    written = _written(sheet, like) or _written(sheet, rows[-1])
    if written is None:
        return None
    names = _columns(pack, view, sheet)
    tests = region_tests(view, box)
    spans = days_of(view, box)
    since, until = spans[0] if spans else (None, None)
    taken = {cell.text.strip() for row in sheet.rows for cell in row[:1]}
    parameters = pack.settings.parameters
    cells = []
    for name, cell, heading in zip(names, written, sheet.header, strict=True):
        own = [row[sheet.header.index(heading)].text for row in sheet.rows]
        if name == "rule":
            # What lies between two editions of a rule is an edition of it.
            cells.append(like.id if axis == DAY else _new_id(taken))
        elif name in ("from", "until"):
            day = since if name == "from" else until
            cells.append("" if day is None else format_day(day))
        elif name in tests:
            cells.append(_spelt(tests[name], own))
        elif name.startswith("then: ") or name in ("cite", "note") or name in parameters:
            cells.append("" if name == "note" else cell)
        else:
            cells.append("-")
    return _line(sheet, cells)


def _line(sheet: Sheet, cells: Sequence[str]) -> str:
    written = make_sheet(sheet.name, [cell.text for cell in sheet.header], [cells])
    heading = (sheet.header[0].place.text or "") if sheet.header else ""
    delimiter = next((mark for mark in ",;\t" if mark in heading), ",")
    return csv_text(written, delimiter=delimiter).splitlines()[-1]


def _columns(pack: Pack, view: TableView, sheet: Sheet) -> list[str]:
    """Give the canonical name of each heading, results as `then: name`."""
    family, order = FAMILIES[view.table], tuple(FAMILIES)
    known = {key: spec.name for spec in condition_columns(family, order, pack.settings) for key in spec.keys}
    results = {key: f"then: {spec.name}" for spec in result_columns(family, pack.settings) for key in spec.keys}
    fixed = {name_key(word): name for name, words in FIXED.items() for word in (name, *words)}
    found = []
    for cell in sheet.header:
        text = name_key(cell.text)
        prefix = next((prefix for prefix in RESULT_PREFIXES if text.startswith(prefix)), None)
        if prefix is not None:
            found.append(results.get(text.removeprefix(prefix).strip(), text))
        else:
            found.append(fixed.get(text) or known.get(text, text))
    return found


def _nearest(view: TableView, box: Box, beside: Sequence[int], axis: str | None) -> Row | None:
    """Find the row whose cell ends where the gap begins, else the one that begins where it ends."""
    if axis is None:
        return None
    index = view.grid.index(axis)
    mask = box[index]
    pieces = [piece for piece in view.pieces[0] if piece.number in beside]
    for side in (mask >> 1, mask << 1):
        for piece in pieces:
            if piece.box[index] & side:
                return piece.row
    return pieces[0].row if pieces else None


def _written(sheet: Sheet, row: Row) -> list[str] | None:
    return next(
        (
            [cell.text for cell in cells]
            for cells in sheet.rows
            if cells[0].line == row.line and cells[0].text.strip() == row.id
        ),
        None,
    )


def _new_id(taken: set[str]) -> str:
    return next(name for name in ("gap", *(f"gap_{number}" for number in range(2, 10_000))) if name not in taken)


def _spelt(test: Test, own: Sequence[str]) -> str:
    """Write a condition as the column's other cells are written: without a space, units in their language."""
    text = _one_unit(canonical_test(test))
    chinese = {unit: zh for unit, zh in _KINDS_ZH.items() if any(zh in cell for cell in own)}
    for unit, zh in chinese.items():
        text = re.sub(rf"\b{unit}\b", zh, text)
    if any(cell.strip() in ("是", "否") for cell in own):
        text = {"yes": "是", "no": "否"}.get(text, text)
    return text


def _one_unit(text: str) -> str:
    """Write the unit of both bounds once: `(5..50] km`."""
    return re.sub(
        r"([(\[])([0-9.]+) ([A-Za-z0-9]+)\.\.([0-9.]+) \3([)\]])", lambda m: f"{m[1]}{m[2]}..{m[4]}{m[5]} {m[3]}", text
    )
