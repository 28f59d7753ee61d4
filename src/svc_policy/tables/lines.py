"""The records of a CSV file as they are written: what is not changed stays as it is, byte for byte.

:func:`~svc_policy.tables.read_csv` gives what a file says; this gives how it says
it, quotes and spaces included, so that a record can be added or one of its cells
changed and everything else be written back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from svc_policy.tables.sheets import delimiter_of

_MARK: Final = b"\xef\xbb\xbf"


@attrs.frozen(kw_only=True)
class Record:
    """One record as it is written: its cells with their quotes and spaces, the line end after it, its first line."""

    cells: tuple[str, ...]
    end: str
    line: int

    @property
    def is_empty(self) -> bool:
        """Whether no cell has a text: such a record is passed over by readers."""
        return not any(written_text(cell).strip() for cell in self.cells)


@attrs.frozen(kw_only=True)
class Lines:
    """A file as records: what stands before them, the delimiter, and the encoding to write them in."""

    records: tuple[Record, ...]
    delimiter: str
    encoding: str
    mark: bytes

    def content(self) -> bytes:
        """Give the bytes of the file."""
        text = "".join(self.delimiter.join(record.cells) + record.end for record in self.records)
        return self.mark + text.encode(self.encoding)

    @property
    def line_end(self) -> str:
        """The line end of the file: that of its first record, a line feed if it has none."""
        return next((record.end for record in self.records if record.end), "\n")


def read_lines(content: bytes) -> Lines | None:
    """Read the content of a CSV file as it is written.

    Returns:
        The records, None where writing them back would not give the same bytes
        (a text in GB18030 that is written in more than one way).
    """
    mark = _MARK if content.startswith(_MARK) else b""
    encoding = "utf-8"
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        encoding = "gb18030"
        try:
            text = content[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            return None
    heading = next((line for line in text.replace("\r", "\n").split("\n") if line.strip()), "")
    delimiter = delimiter_of(heading)
    lines = Lines(records=tuple(_records(text, delimiter)), delimiter=delimiter, encoding=encoding, mark=mark)
    return lines if lines.content() == content else None


def _records(text: str, delimiter: str) -> Iterator[Record]:
    """Cut a text into records; a line end within quotes belongs to its cell."""
    position, line = 0, 1
    while position < len(text):
        cells: list[str] = []
        first, begin = line, position
        while True:
            start = position
            position = _after_cell(text, position, delimiter)
            cells.append(text[start:position])
            if text[position : position + 1] != delimiter:
                break
            position += 1
        end = "\r\n" if text.startswith("\r\n", position) else text[position : position + 1]
        position += len(end)
        body = text[begin : position - len(end)].replace("\r\n", "\n").replace("\r", "\n")
        line += body.count("\n") + 1
        yield Record(cells=tuple(cells), end=end, line=first)


def _after_cell(text: str, position: int, delimiter: str) -> int:
    """Find where a cell ends: at a delimiter, a line end or the end of the text, outside its quotes."""
    while text.startswith(" ", position):
        position += 1
    if text.startswith('"', position):
        position += 1
        while position < len(text):
            if text[position] != '"':
                position += 1
            elif text.startswith('""', position):
                position += 2
            else:
                position += 1
                break
    while position < len(text) and text[position] not in (delimiter, "\r", "\n"):
        position += 1
    return position


def written_text(cell: str) -> str:
    """Read the text of a cell as it is written: without its quotes, and without spaces around what has none."""
    bare = cell.strip()
    if len(bare) > 1 and bare.startswith('"') and bare.endswith('"'):
        return bare[1:-1].replace('""', '"')
    return bare


def with_cell(record: Record, index: int, text: str) -> Record:
    """Give a record with another text in one cell; `text` needs no quotes."""
    return attrs.evolve(record, cells=(*record.cells[:index], text, *record.cells[index + 1 :]))


def with_cells_at(record: Record, index: int, texts: Sequence[str]) -> Record:
    """Give a record with new cells before the one at `index`."""
    return attrs.evolve(record, cells=(*record.cells[:index], *texts, *record.cells[index:]))
