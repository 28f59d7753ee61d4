"""Workbooks (.xlsx): read and written with every cell a text, so that nothing is changed on the way.

Before the file is parsed its archive is measured: how much it unpacks to, and how
large its grids claim to be. Reading and writing need the extra `xlsx`.
"""

from __future__ import annotations

import html
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs

from svc_policy.errors import Place, Problem, UsageError, problem
from svc_policy.messages import Message, message
from svc_policy.tables.sheets import LARGEST_CELL, Cell, Origin, Sheet, address, read_bytes, replacing, shape

LARGEST_UNPACKED: Final = 256 * 2**20
LARGEST_RATIO: Final = 200
MOST_ENTRIES: Final = 2000
LARGEST_GRID: Final = 4_000_000
LONGEST_TEXT: Final = 32_767
_SMALL = 2**20  # the ratio of a few kilobytes of repetitive XML says nothing

_CELL = re.compile(rb"<(?:\w+:)?c(?=[\s/>])([^>]*)>(\s*<(?:\w+:)?f[\s/>])?")
_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\br=\"(\d+)\"")
_ADDRESS = re.compile(rb"\br=[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})[\"']")


@attrs.frozen(kw_only=True)
class _Page:
    """What the archive says of a sheet: the addresses of computed cells, merged ranges, whether it is hidden."""

    computed: frozenset[str]
    merged: tuple[tuple[str, str], ...]
    is_hidden: bool


def read_workbook(path: str | os.PathLike[str], *, problems: list[Problem], file: str = "") -> list[Sheet]:
    """Read every sheet of a workbook whose cells are all formatted as text.

    Numbers, dates, truth values, formulas and errors are problems, since the
    spreadsheet may have changed what was typed; so are merged cells, which hide
    what is below them, and hidden sheets. Encrypted files, macros and
    archives that unpack to too much are refused before anything is parsed.

    Args:
        path: The file.
        problems: Takes what is wrong; a row with a problem is left out.
        file: What problems call the file; the path unless given.

    Raises:
        UsageError: The extra `xlsx` is not installed.
    """
    calamine = _require("python_calamine")
    label = file or str(path)
    content = read_bytes(Path(path), label, problems)
    if content is None:
        return []
    import io

    measured = _inspect(content, label, problems)
    if measured is None:
        return []
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        pages = [
            (page.name, workbook.get_sheet_by_name(page.name).to_python(skip_empty_area=False))
            for page in workbook.sheets_metadata
            if page.typ == calamine.SheetTypeEnum.WorkSheet
        ]
    except BaseException as error:
        # A panic of the Rust library is no `Exception`, and means a broken file as well.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = " ".join(str(error).split())
        problems.append(_of_file("workbook-broken", label, message("the workbook is broken: {reason}", reason=reason)))
        return []
    for name, page in measured.items():
        _refuse_unseen(name, label, page, problems)
    nothing = _Page(computed=frozenset(), merged=(), is_hidden=False)
    return [_sheet(name, label, grid, measured.get(name, nothing).computed, problems) for name, grid in pages]


def _refuse_unseen(name: str, label: str, page: _Page, problems: list[Problem]) -> None:
    """Refuse what a reader of the workbook does not see: a hidden sheet, cells below merged ones."""
    if page.is_hidden:
        text = message("the sheet is hidden")
        advice = message("show the sheet, or delete it: what decides is there to be seen")
        problems.append(problem("sheet-hidden", text, place=Place(file=label, sheet=name), help=advice))
    for first, last in page.merged:
        text = message("the cells `{first}` to `{last}` are merged", first=first, last=last)
        advice = message("unmerge them and write into each cell what it says")
        problems.append(problem("cells-merged", text, place=Place(file=label, sheet=name, cell=first), help=advice))


def _require(module: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise UsageError(
            [
                problem(
                    "extra-missing",
                    message("workbooks need the extra `xlsx`"),
                    help=message("pip install 'svc-policy[xlsx]'"),
                )
            ]
        ) from None


def _of_file(code: str, label: str, text: Message, help_line: Message | None = None) -> Problem:
    return problem(code, text, place=Place(file=label), help=help_line)


def _sheet(
    name: str, label: str, grid: Sequence[Sequence[Any]], computed: frozenset[str], problems: list[Problem]
) -> Sheet:
    origin = Origin(label, name)
    rows = []
    for line, values in enumerate(grid, start=1):
        row, fine = [], True
        for column, value in enumerate(values, start=1):
            cell = Cell(value if isinstance(value, str) else "", origin, line, column)
            if not isinstance(value, str) or address(line, column) in computed or len(value) > LARGEST_CELL:
                problems.append(_not_text(cell, value))
                fine = False
            row.append(cell)
        if fine and any(cell.text.strip() for cell in row):
            rows.append(row)
    return shape(name, label, rows, problems)


def _not_text(cell: Cell, value: object) -> Problem:
    if isinstance(value, str):
        found = message("a formula or an error")
    elif isinstance(value, bool):
        found = message("a truth value")
    elif isinstance(value, int | float):
        found = message("a number")
    else:
        found = message("a date or a time")
    return problem(
        "cell-not-text",
        message("the cell is {found}, not a text", found=found),
        place=cell.place,
        help=message("format the cell as text and type it again"),
    )


def _inspect(content: bytes, label: str, problems: list[Problem]) -> dict[str, _Page] | None:
    """Measure the archive; give what it says of each sheet, or None if it is refused."""
    import io

    if content.startswith(b"\xd0\xcf\x11\xe0"):
        problems.append(
            _of_file(
                "workbook-encrypted",
                label,
                message("the workbook is encrypted or in the old .xls format"),
                message("save it as .xlsx without a password"),
            )
        )
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refusal = _refuse_archive(archive, content)
            if refusal is None:
                found = _scan(archive)
                if found is not None:
                    return found
                refusal = message("a sheet of the workbook claims too many cells")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError, NotImplementedError):
        refusal = message("the file is no workbook")
    problems.append(_of_file("workbook-refused", label, refusal, message("save it as .xlsx")))
    return None


def _refuse_archive(archive: zipfile.ZipFile, content: bytes) -> Message | None:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES:
        return message("the workbook has too many parts")
    if total > LARGEST_UNPACKED or (total > _SMALL and total > LARGEST_RATIO * len(content)):
        return message("the workbook unpacks to {size} MB, which is too much", size=total // 2**20)
    if any(entry.flag_bits & 1 for entry in entries):
        return message("the workbook is encrypted")
    names = {entry.filename.casefold() for entry in entries}
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        return message("the workbook holds macros")
    if not {"xl/workbook.xml", "[content_types].xml"} <= names:
        return message("the file is no workbook")
    if any(_unpacks_to_more(entry, content) for entry in entries):
        return message("the workbook says less than it unpacks to")
    return None


def _unpacks_to_more(entry: zipfile.ZipInfo, content: bytes) -> bool:
    """Say whether a part is larger than the archive's directory claims, which is what was added up."""
    if entry.compress_type == zipfile.ZIP_STORED:
        return entry.file_size != entry.compress_size
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return True
    # The local header: 30 bytes, then the name and an extra field whose lengths stand at 26 and 28.
    header = content[entry.header_offset : entry.header_offset + 30]
    start = entry.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    packed = memoryview(content)[start : start + entry.compress_size]
    inflater = zlib.decompressobj(-15)
    size, data = 0, bytes(packed)
    while data and not inflater.eof:
        size += len(inflater.decompress(data, 2**20))
        data = inflater.unconsumed_tail
        if size > entry.file_size:
            return True
    return False


def _scan(archive: zipfile.ZipFile) -> dict[str, _Page] | None:
    """Find what looks like texts once read, formulas and errors, and what is not seen; None if a grid is too large."""
    pages: dict[str, _Page] = {}
    for name, part, is_hidden in _parts(archive):
        data = archive.read(part)
        cells: set[str] = set()
        rows, columns = 1, 1
        for match in _CELL.finditer(data):
            found = _ADDRESS.search(match[1])
            if found is None:
                columns += 1
                continue
            rows, columns = max(rows, int(found[2])), max(columns, _column(found[1].upper()))
            if match[2] or _ERROR.search(match[1]):
                cells.add((found[1].upper() + found[2]).decode())
        rows = max([rows, *(int(found) for found in _ROW.findall(data))])
        if rows * columns > LARGEST_GRID:
            return None
        merged = tuple((found[1].decode().upper(), found[2].decode().upper()) for found in _MERGED.finditer(data))
        pages[name] = _Page(computed=frozenset(cells), merged=merged, is_hidden=is_hidden)
    return pages


def _parts(archive: zipfile.ZipFile) -> list[tuple[str, str, bool]]:
    """List the name of each sheet, the part of the archive that holds it, and whether it is hidden."""
    book = archive.read("xl/workbook.xml").decode()
    links = archive.read("xl/_rels/workbook.xml.rels").decode()
    targets = {}
    for link in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", links):
        target = _attribute(link, "Target")
        targets[_attribute(link, "Id")] = target[1:] if target.startswith("/") else f"xl/{target}"
    names = set(archive.namelist())
    parts = []
    for sheet in re.findall(r"<(?:\w+:)?sheet\s[^>]*>", book):
        part = targets.get(_attribute(sheet, r"\w+:id"), "")
        if part in names:
            is_hidden = _attribute(sheet, "state") in ("hidden", "veryHidden")
            parts.append((html.unescape(_attribute(sheet, "name")), part, is_hidden))
    return parts


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\s{name}=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return (found[1] or found[2] or "") if found else ""


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def write_workbook(path: str | os.PathLike[str], sheets: Iterable[Sheet]) -> None:
    """Write sheets to a workbook, every cell as a text; a file that is there is replaced in one step.

    Nothing becomes a formula, a link or a number. The heading is bold and stays in view.
    The same sheets give the same bytes.

    Raises:
        UsageError: The extra `xlsx` is not installed, a name is not allowed for a
            sheet, a text is too long for a cell, or the file cannot be written.
    """
    import datetime

    xlsxwriter = _require("xlsxwriter")
    pages = list(sheets)
    problems = _unwritable(pages, str(path))
    if problems:
        raise UsageError(problems)
    with replacing(Path(path)) as temporary:
        as_text = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(temporary), as_text) as workbook:
            workbook.set_properties({"created": datetime.datetime(2000, 1, 1)})
            text = workbook.add_format({"num_format": "@"})
            heading = workbook.add_format({"num_format": "@", "bold": True})
            for page in pages:
                worksheet = workbook.add_worksheet(page.name)
                worksheet.freeze_panes(1, 0)
                for line, row in enumerate(page.texts()):
                    for column, value in enumerate(row):
                        worksheet.write_string(line, column, value, text if line else heading)


def _unwritable(pages: Sequence[Sheet], label: str) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for page in pages:
        name = page.name
        if not 0 < len(name) <= 31 or re.search(r"[\[\]:*?/\\]|^'|'$", name) or name.casefold() in seen:
            problems.append(
                _of_file(
                    "sheet-name",
                    label,
                    message("`{name}` cannot be the name of a sheet", name=name),
                    message("a name has 1 to 31 characters, none of []:*?/\\, and is there once"),
                )
            )
        seen.add(name.casefold())
        for row in (page.header, *page.rows):
            problems.extend(
                problem(
                    "cell-large",
                    message("the text is too long for a cell of a workbook"),
                    place=cell.place,
                    help=message("a cell takes {most} characters", most=LONGEST_TEXT),
                )
                for cell in row
                if len(cell.text.encode("utf-16-le", "surrogatepass")) > 2 * LONGEST_TEXT
            )
    return problems
