"""Take the records of a text file one by one, with their lines; what is no record is told, never lost.

A record is a line, or in CSV several lines when a quoted cell runs over them.
The records that can be read are written to a clean file, each with its line
number before it, so that no engine has to guess where a row came from.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import attrs

from svc_policy.adapters.mapping import FileOptions
from svc_policy.errors import MappingError, Place, Problem, problem, reason_of
from svc_policy.messages import Message, message
from svc_policy.tables.sheets import delimiter_of

#: A longer record is no record: one quote that is never closed must not swallow a file.
LONGEST_RECORD: Final = 1 << 20
#: What is shown of the text of a rejected row.
LONGEST_SHOWN: Final = 2000
_CHUNK = 1 << 20
Reject = Callable[[int, str, Message, str], None]


@attrs.frozen
class CleanLog:
    """The clean copy of a file: its headings (none for JSON lines), and how many records it had."""

    headings: tuple[str, ...]
    delimiter: str
    records: int


def clean_csv(path: Path, clean: Path, options: FileOptions, notes: list[Problem], reject: Reject) -> CleanLog:
    """Copy the good records of a CSV file, in UTF-8 with commas and the line number first.

    Args:
        path: The file.
        clean: Where the copy is written.
        options: Delimiter and encoding, where they are known.
        notes: Takes remarks on the encoding.
        reject: Takes line, code, reason and text of each bad record.

    Raises:
        MappingError: The file cannot be opened, is empty, or has no usable heading.
    """
    with _open(path, options, notes) as file, clean.open("w", encoding="utf-8", newline="") as out:
        lines = _Lines(file)
        heading = next((line for line in lines if line.strip()), None)
        if heading is None:
            raise _refuse(path, message("the file is empty"))
        delimiter = options.delimiter or delimiter_of(heading)
        first = lines.number
        try:
            cells = next(csv.reader([heading.lstrip("\ufeff")], delimiter=delimiter, strict=True))
        except csv.Error:
            raise _refuse(path, message("the heading cannot be read"), first) from None
        headings = tuple(cell.strip() for cell in cells)
        if not _is_text(heading) or "\0" in heading:
            raise _refuse(path, message("the heading is no text"), first)
        writer = csv.writer(out, lineterminator="\n")
        count = 0
        for number, record in _records(lines, delimiter, reject):
            if record is None:
                count += 1
                continue
            if '"' not in record:
                cells = record.split(delimiter)
                is_plain = True
            else:
                is_plain = False
                try:
                    cells = next(csv.reader(record.splitlines(keepends=True), delimiter=delimiter, strict=True))
                except csv.Error:
                    count += 1
                    reject(number, "log-quotes", message("the quotes do not match"), record)
                    continue
            count += 1
            if len(cells) != len(headings):
                template = message(
                    "the row has {given} cells, the heading {wanted}", given=len(cells), wanted=len(headings)
                )
                reject(number, "log-cells", template, record)
            elif (reason := _flaw(record)) is not None:
                reject(number, "log-text", reason, record)
            elif is_plain and delimiter == ",":
                out.write(f"{number},{record}\n")
            else:
                writer.writerow((number, *cells))
    return CleanLog(headings, delimiter, count)


def clean_json_lines(path: Path, clean: Path, options: FileOptions, notes: list[Problem], reject: Reject) -> CleanLog:
    """Copy the lines of a JSON lines file as CSV: line number, text; see :func:`clean_csv`."""
    count = 0
    with _open(path, options, notes) as file, clean.open("w", encoding="utf-8", newline="") as out:
        lines = _Lines(file)
        for line in lines:
            text = line.strip().lstrip("\ufeff")
            if not text:
                continue
            count += 1
            if lines.is_cut:
                reject(lines.number, "log-long", _LONG, text)
            elif (reason := _flaw(text)) is not None:
                reject(lines.number, "log-text", reason, text)
            else:
                doubled = text.replace('"', '""')
                out.write(f'{lines.number},"{doubled}"\n')
    if not count:
        raise _refuse(path, message("the file is empty"))
    return CleanLog((), ",", count)


class _Lines(Iterator[str]):
    """The lines of a file without their ends; a line of gigabytes is cut, and its rest passed over."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.number = 0
        self.is_cut = False

    def __next__(self) -> str:
        line = self.file.readline(LONGEST_RECORD)
        if not line:
            raise StopIteration
        self.number += 1
        self.is_cut = len(line) >= LONGEST_RECORD and not line.endswith("\n")
        if self.is_cut:
            rest = line
            while rest and not rest.endswith("\n"):
                rest = self.file.readline(LONGEST_RECORD)
        return line.removesuffix("\n")


def _records(lines: _Lines, delimiter: str, reject: Reject) -> Iterator[tuple[int, str | None]]:
    """Yield the records with the number of their first line; None for one that was rejected."""
    waiting: list[tuple[int, str, bool]] = []
    while True:
        if waiting:
            number, line, is_cut = waiting.pop(0)
        else:
            taken = next(lines, None)
            if taken is None:
                return
            number, line, is_cut = lines.number, taken, lines.is_cut
        if is_cut:
            reject(number, "log-long", _LONG, line)
            yield number, None
            continue
        if '"' not in line or not _stays_open(line, delimiter):
            if line.strip():
                yield number, line
            continue
        # A quote is open: the record goes on until it is closed.
        parts, size, ahead = [line], len(line), 0
        closed = False
        seen: list[tuple[int, str, bool]] = []
        while not closed:
            if ahead < len(waiting):
                after = waiting[ahead]
                ahead += 1
            else:
                taken = next(lines, None)
                if taken is None:
                    break
                after = (lines.number, taken, lines.is_cut)
                seen.append(after)
            size += len(after[1]) + 1
            if size > LONGEST_RECORD:
                break
            parts.append(after[1])
            closed = '"' in after[1] and not _stays_open(after[1], delimiter, is_open=True)
        if closed:
            waiting = waiting[ahead:]
            yield number, "\n".join(parts)
        else:
            # Only the line that opens the quote is lost; what follows may be sound.
            waiting = waiting + seen
            reject(number, "log-quotes", message("a quote is opened and never closed"), line)
            yield number, None


def _stays_open(line: str, delimiter: str, *, is_open: bool = False) -> bool:
    """Say whether a quoted cell is still open at the end of a line; only a quote that begins a cell opens one."""
    place = 0
    while place < len(line):
        if is_open or line[place] == '"':
            place += 0 if is_open else 1
            is_open = False
            while (end := line.find('"', place)) >= 0 and line[end + 1 : end + 2] == '"':
                place = end + 2
            if end < 0:
                return True
            place = end + 1
        border = line.find(delimiter, place)
        if border < 0:
            return False
        place = border + 1
    return is_open


_LONG: Final = message("the record is longer than {most} characters", most=LONGEST_RECORD)


def _flaw(record: str) -> Message | None:
    if "\0" in record:
        return message("the row holds a NUL byte")
    return None if _is_text(record) else message("the row holds bytes that are no text")


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _open(path: Path, options: FileOptions, notes: list[Problem]) -> TextIO:
    encoding = options.encoding or _encoding_of(path, notes)
    if encoding == "utf-8":
        encoding = "utf-8-sig"
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    try:
        return path.open("r", encoding=encoding, errors=errors, newline=None)
    except OSError as error:
        raise _unreadable(path, error) from None


def _encoding_of(path: Path, notes: list[Problem]) -> str:
    """Find the encoding: UTF-8, else GB18030 if the whole file is; bad bytes otherwise reject their rows."""
    try:
        with path.open("rb") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                return "utf-16"
            if _decodes(file, "utf-8"):
                return "utf-8"
            encoding = "gb18030" if _decodes(file, "gb18030") else "utf-8"
    except OSError as error:
        raise _unreadable(path, error) from None
    template = (
        message("the file is not in UTF-8 and was read as GB18030")
        if encoding == "gb18030"
        else message("the file is not wholly in UTF-8")
    )
    place = Place(file=str(path))
    explanation = message('name its encoding in the mapping, as in `file.encoding = "cp1252"`')
    notes.append(problem("encoding", template, place=place, help=explanation, severity="note"))
    return encoding


def _decodes(file: BinaryIO, encoding: str) -> bool:
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(path: Path, error: OSError) -> MappingError:
    reason = reason_of(error)
    return _refuse(path, message("the file cannot be read: {reason}", reason=reason))


def _refuse(path: Path, what: Message, line: int | None = None) -> MappingError:
    return MappingError([problem("log-file", what, place=Place(file=str(path), line=line))])
