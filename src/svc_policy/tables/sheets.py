"""Sheets: the cells of a CSV file or of one page of a workbook, each knowing its place.

Reading CSV is strict about encodings and shape and lenient about habits: comma,
semicolon or tab, any line ends, a byte order mark or none.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from svc_policy.errors import Place, Problem, UsageError, problem, reason_of
from svc_policy.messages import Message, message
from svc_policy.units import fold

LARGEST_FILE: Final = 64 * 2**20
LARGEST_CELL: Final = 2**20
_LONGEST_SHOWN = 400
_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@attrs.frozen
class Origin:
    """The file, and in a workbook the sheet, that cells come from; `lines` is the text of a CSV file."""

    file: str
    sheet: str | None = None
    lines: Sequence[str] = attrs.field(default=(), repr=False, eq=False)


@attrs.frozen
class Cell:
    """One cell: its text, and where the text starts.

    `line` and `column` count from 1: characters of a line in a file, rows and
    columns in a workbook. Cells are equal when their texts are.
    """

    text: str
    origin: Origin = attrs.field(eq=False, repr=False)
    line: int = attrs.field(default=1, eq=False)
    column: int = attrs.field(default=1, eq=False)

    @property
    def place(self) -> Place:
        """Make the place of the cell, for a problem."""
        origin = self.origin
        if origin.sheet is not None:
            return Place(file=origin.file, sheet=origin.sheet, cell=address(self.line, self.column))
        if self.line > len(origin.lines):
            return Place(file=origin.file, line=self.line)
        text = origin.lines[self.line - 1]
        if len(text) > _LONGEST_SHOWN:
            return Place(file=origin.file, line=self.line, column=self.column)
        length = len(self.text.split("\n", 1)[0])
        return Place(file=origin.file, line=self.line, column=self.column, text=text, length=max(1, length))


@attrs.frozen
class Sheet:
    """A heading row and the rows below it, all of the heading's width."""

    name: str
    file: str
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def texts(self) -> list[list[str]]:
        """List the texts of all cells, the heading row first."""
        return [[cell.text for cell in row] for row in (self.header, *self.rows)]


def make_sheet(name: str, header: Iterable[str], rows: Iterable[Iterable[str]], *, file: str = "") -> Sheet:
    """Make a sheet from texts, to be written or read as a table."""
    origin = Origin(file or name)
    lines = [tuple(Cell(text, origin, 1, column) for column, text in enumerate(header, start=1))]
    for line, row in enumerate(rows, start=2):
        lines.append(tuple(Cell(text, origin, line, column) for column, text in enumerate(row, start=1)))
    return Sheet(name, origin.file, lines[0], tuple(lines[1:]))


def read_csv(
    source: str | os.PathLike[str] | bytes, *, problems: list[Problem], name: str = "", file: str = ""
) -> Sheet:
    """Read a CSV file: UTF-8, else GB18030 with a note; comma, semicolon or tab, as its heading has it.

    Spaces around a cell are dropped unless it is in quotes; a line end within quotes
    is read as a line feed. Rows without any text are skipped.

    Args:
        source: A path, or the content.
        problems: Takes what is wrong; a row with a problem is left out.
        name: The sheet's name; the file's without its ending unless given.
        file: What problems call the file; the path unless given.

    Returns:
        The sheet, without rows if nothing could be read.
    """
    if isinstance(source, bytes):
        label, content = file or name or "-", source
    else:
        path = Path(source)
        label, name = file or str(path), name or path.stem
        found = read_bytes(path, label, problems)
        if found is None:
            return Sheet(name, label, (), ())
        content = found
    text = _decode(content, label, problems)
    lines = [] if text is None else re.split("\r\n|\r|\n", text)
    origin = Origin(label, None, lines)
    heading = next((line for line in lines if line.strip()), "")
    rows = list(_rows(lines, delimiter_of(heading), origin, problems))
    if text is not None and not rows:
        problems.append(problem("sheet-empty", message("the file is empty"), place=Place(file=label)))
    return shape(name, label, rows, problems)


def read_bytes(path: Path, label: str, problems: list[Problem]) -> bytes | None:
    """Read a file that is not too large; otherwise add a problem and give None."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            problems.append(_of_file("file-large", label, message("the file is larger than 64 MB")))
            return None
        return path.read_bytes()
    except FileNotFoundError:
        problems.append(_of_file("file-missing", label, message("there is no such file")))
    except OSError as error:
        reason = reason_of(error)
        problems.append(_of_file("file-unreadable", label, message("the file cannot be read: {reason}", reason=reason)))
    return None


def _of_file(code: str, label: str, text: Message, help_line: Message | None = None) -> Problem:
    return problem(code, text, place=Place(file=label), help=help_line)


def _decode(content: bytes, label: str, problems: list[Problem]) -> str | None:
    if len(content) > LARGEST_FILE:
        problems.append(_of_file("file-large", label, message("the file is larger than 64 MB")))
        return None
    save = message("save the file as CSV in UTF-8")
    if content[:2] in _MARKS:
        problems.append(_of_file("encoding", label, message("the file is in UTF-16"), save))
        return None
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        problems.append(
            problem("nul", message("the file holds a NUL byte"), place=Place(file=label, line=line), help=save)
        )
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        problems.append(
            problem(
                "encoding",
                message("the file is neither in UTF-8 nor in GB18030"),
                place=Place(file=label, line=line),
                help=save,
            )
        )
        return None
    problems.append(
        problem(
            "encoding-gb18030",
            message("the file is not in UTF-8 and was read as GB18030"),
            place=Place(file=label, line=line),
            help=save,
            severity="note",
        )
    )
    return text


def delimiter_of(heading: str) -> str:
    """Choose the delimiter that stands most often in the heading line, outside quotes; a comma if none does."""
    bare = re.sub('"[^"]*"', "", heading)
    return max(",;\t", key=bare.count)


def _rows(lines: Sequence[str], delimiter: str, origin: Origin, problems: list[Problem]) -> Iterator[list[Cell]]:
    number = 0
    while number < len(lines):
        line = lines[number]
        first = number
        if '"' in line:
            row, number = _quoted_row(lines, number, delimiter, origin, problems)
        else:
            row = _plain_row(line, number, delimiter, origin)
            number += 1
        if number > first + 1 or len(line) > LARGEST_CELL:  # only then can a cell be so large
            large = next((cell for cell in row if len(cell.text) > LARGEST_CELL), None)
            if large is not None:
                problems.append(problem("cell-large", message("a cell is larger than 1 MB"), place=large.place))
                continue
        if any(cell.text for cell in row):
            yield row


def _plain_row(line: str, number: int, delimiter: str, origin: Origin) -> list[Cell]:
    """Read one row without quotes."""
    row, column = [], 1
    for piece in line.split(delimiter):
        row.append(Cell(piece.strip(), origin, number + 1, column + len(piece) - len(piece.lstrip())))
        column += len(piece) + 1
    return row


def _quoted_row(
    lines: Sequence[str], number: int, delimiter: str, origin: Origin, problems: list[Problem]
) -> tuple[list[Cell], int]:
    """Read one row that has quotes and may run over several lines; give it and the number of the next line."""
    row: list[Cell] = []
    position = 0
    while True:
        line = lines[number]
        opening = re.compile(r" *").match(line, position)
        start = opening.end() if opening else position
        if line[start : start + 1] == '"':
            read = _quoted_cell(lines, number, start + 1)
            cell = Cell(read[0], origin, number + 1, start + 2)
            if read[1] == len(lines):
                problems.append(problem("quote-unclosed", message("a quote is not closed"), place=cell.place))
                return [], len(lines)
            number, position = read[1], read[2]
            line = lines[number]
            end = _find(line, delimiter, position)
            if line[position:end].strip():
                problems.append(
                    problem(
                        "quote-followed",
                        message("text follows the closing quote of a cell"),
                        place=Cell(line[position:end], origin, number + 1, position + 1).place,
                        help=message("a quote within quotes is written twice"),
                    )
                )
        else:
            end = _find(line, delimiter, position)
            piece = line[position:end]
            cell = Cell(piece.strip(), origin, number + 1, position + 1 + len(piece) - len(piece.lstrip()))
        row.append(cell)
        if end == len(line):
            return row, number + 1
        position = end + 1


def _find(line: str, delimiter: str, position: int) -> int:
    found = line.find(delimiter, position)
    return len(line) if found < 0 else found


def _quoted_cell(lines: Sequence[str], number: int, position: int) -> tuple[str, int, int]:
    """Read to the closing quote; give the text, the line and the position after it, past the end if unclosed."""
    pieces: list[str] = []
    while number < len(lines):
        line = lines[number]
        found = line.find('"', position)
        if found < 0:
            pieces += (line[position:], "\n")
            number, position = number + 1, 0
        elif line[found + 1 : found + 2] == '"':
            pieces.append(line[position : found + 1])
            position = found + 2
        else:
            pieces.append(line[position:found])
            return "".join(pieces), number, found + 1
    return "".join(pieces), number, 0


def shape(name: str, file: str, rows: Sequence[Sequence[Cell]], problems: list[Problem]) -> Sheet:
    """Make a sheet of rows, the first the heading: drop empty columns at the end, refuse ragged rows."""
    if not rows:
        return Sheet(name, file, (), ())
    width = max((index for index, cell in enumerate(rows[0], start=1) if cell.text.strip()), default=0)
    header = tuple(rows[0][:width])
    seen: dict[str, Cell] = {}
    for cell in header:
        key = " ".join(fold(cell.text).casefold().split())
        if not key:
            problems.append(problem("heading-empty", message("a column has no heading"), place=cell.place))
        elif key in seen:
            problems.append(
                problem(
                    "heading-twice",
                    message("the heading `{heading}` is there twice", heading=cell.text),
                    place=cell.place,
                )
            )
        seen.setdefault(key, cell)
    kept = []
    for row in rows[1:]:
        if len(row) < width or any(cell.text.strip() for cell in row[width:]):
            used = max((index for index, cell in enumerate(row, start=1) if cell.text.strip()), default=0)
            problems.append(
                problem(
                    "row-ragged",
                    message(
                        "the row has {found} cells, the heading {wanted}",
                        found=max(used, min(len(row), width)),
                        wanted=width,
                    ),
                    place=row[0].place,
                    help=message("a cell that holds a separator stands in quotes"),
                )
            )
        else:
            kept.append(tuple(row[:width]))
    return Sheet(name, file, header, tuple(kept))


def address(row: int, column: int) -> str:
    """Name a cell of a workbook by its row and column, both from 1: row 2, column 27 is `AA2`."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def neutralise(text: str) -> str:
    """Put `'` before a text that a spreadsheet would compute; for reports, never for the tables of a pack.

    A `-` alone is no formula and stays.
    """
    if fold(text[:1]) in tuple("=+-@\t\r\n") and text != "-":
        return f"'{text}"
    return text


def csv_text(sheet: Sheet, *, delimiter: str = ",") -> str:
    """Write a sheet as CSV text: line feeds, quotes only where a reader needs them."""
    lines = []
    for row in sheet.texts():
        line = delimiter.join(_quoted(text, delimiter) for text in row)
        lines.append((line or '""') + "\n")  # an empty line would be no row
    return "".join(lines)


def _quoted(text: str, delimiter: str) -> str:
    if text != text.strip() or any(char in text for char in (delimiter, '"', "\n", "\r")):
        return '"{}"'.format(text.replace('"', '""'))
    return text


def write_csv(path: str | os.PathLike[str], sheet: Sheet, *, bom: bool = False, delimiter: str = ",") -> None:
    """Write a sheet as a CSV file in UTF-8; a file that is there is replaced in one step.

    Args:
        path: The file.
        sheet: What is written.
        bom: Begin with a byte order mark, by which spreadsheets know UTF-8.
        delimiter: What stands between cells.

    Raises:
        UsageError: The file cannot be written.
    """
    content = csv_text(sheet, delimiter=delimiter).encode("utf-8-sig" if bom else "utf-8", "surrogatepass")
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(content)


class replacing:  # noqa: N801 - reads as a statement: `with replacing(path) as temporary`
    """Give a temporary path beside `path` to write to, and put it in the place of `path` at the end.

    When something is raised in between, `path` stays as it was.

    Raises:
        UsageError: The folder is not there or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise self._refusal(error) from None
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, OSError):
                raise self._refusal(error) from error
            if kind is None:
                # A temporary file is its owner's alone; the result is as any new file is.
                mask = os.umask(0)
                os.umask(mask)
                self.temporary.chmod(0o666 & ~mask)
                self.temporary.replace(self.path)
        except OSError as failed:
            raise self._refusal(failed) from None
        finally:
            self.temporary.unlink(missing_ok=True)

    def _refusal(self, error: OSError) -> UsageError:
        reason = reason_of(error)
        return UsageError(
            [
                _of_file(
                    "file-unwritable", str(self.path), message("the file cannot be written: {reason}", reason=reason)
                )
            ]
        )
