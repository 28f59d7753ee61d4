"""Take JSON or TOML apart into plain values, trusting nothing about where it comes from."""

from __future__ import annotations

import codecs
import errno
import json
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any, Final

from svc_policy.errors import Place, Problem, TicketError, problem
from svc_policy.facts.normal import shown
from svc_policy.messages import Message, message

#: A ticket is some kilobytes; whoever sends more than this does not send a ticket.
LARGEST_TICKET: Final = 16 * 2**20
#: A list in one JSON array is held in memory; JSON lines have no such limit.
LARGEST_LIST: Final = 512 * 2**20

# A first line that opens a table or assigns a key is TOML; JSON has neither.
_TOML = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:\[{1,2}[ \t]*[A-Za-z_][\w.-]*[ \t]*\]{1,2}|[\w\"'.-]+[ \t]*=)")
_TOML_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
_WIDEST: Final = 100
_JSON_REASONS: Final = {
    "Expecting value": message("expecting value"),
    "Expecting property name enclosed in double quotes": message("expecting property name enclosed in double quotes"),
    "Expecting ':' delimiter": message("expecting ':' delimiter"),
    "Expecting ',' delimiter": message("expecting ',' delimiter"),
    "Illegal trailing comma before end of object": message("illegal trailing comma before end of object"),
    "Illegal trailing comma before end of array": message("illegal trailing comma before end of array"),
    "Unterminated string starting at": message("unterminated string starting at"),
    "Invalid control character at": message("invalid control character at"),
    "Invalid \\escape": message("invalid escape"),
    "Invalid \\uXXXX escape": message("invalid escape"),
}
_FILE_REASONS: Final = {
    errno.ENOENT: message("there is no such file"),
    errno.EISDIR: message("this is a folder"),
    errno.EACCES: message("reading it is not allowed"),
}


def read_bytes(path: Path, largest: int = LARGEST_TICKET) -> bytes:
    """Read a file, refusing one of more than `largest` bytes before it fills the memory.

    Raises:
        TicketError: The file cannot be opened or is too large.
    """
    try:
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def decode(content: bytes, place: Place, largest: int = LARGEST_TICKET) -> str:
    """Decode strict UTF-8, with or without a byte order mark.

    Raises:
        TicketError: It is too long or not UTF-8.
    """
    check_size(len(content), place, largest)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from after the mark, but has the whole in `object`.
        line = error.object.count(b"\n", 0, error.start) + (place.line or 1)
        template = message("byte {byte} is not UTF-8", byte=f"0x{error.object[error.start]:02x}")
        explanation = message("save the file as UTF-8")
        there = Place(file=place.file, line=line)
        raise TicketError([problem("ticket-not-utf-8", template, place=there, help=explanation)]) from None


def check_size(size: int, place: Place, largest: int = LARGEST_TICKET) -> None:
    """Refuse what is longer than `largest` bytes.

    Raises:
        TicketError: It is longer.
    """
    if size > largest:
        template = message("the input is larger than {most} MB", most=largest // 2**20)
        raise TicketError([problem("ticket-too-long", template, place=Place(file=place.file, line=place.line))])


def is_toml(text: str, place: Place) -> bool:
    """Tell whether a text is TOML: by the suffix of its file, else by its first line."""
    suffix = Path(place.file).suffix.lower()
    if suffix in (".toml", ".json"):
        return suffix == ".toml"
    return _TOML.match(text) is not None


def read_toml(text: str, place: Place) -> dict[str, Any]:
    """Read TOML, with numbers as `Decimal`.

    Raises:
        TicketError: It is not TOML, or is nested too deeply.
    """
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except RecursionError:
        raise TicketError([_nested(place)]) from None
    except _NoNumberError as error:
        raise TicketError([error.problem(place)]) from None
    except ValueError as error:
        position = _TOML_POSITION.search(str(error))
        there = place if position is None else _place(text, int(position[1]), int(position[2]), place)
        reason = _TOML_POSITION.sub("", str(error)).strip()
        template = message("cannot read TOML: {reason}", reason=reason[:1].lower() + reason[1:])
        raise TicketError([problem("ticket-toml-unreadable", template, place=there)]) from None


class JsonReader:
    """Read JSON values, with numbers as `Decimal`, refusing what JSON forbids or leaves open.

    `NaN` and `Infinity` are no JSON; a key that is given twice means one thing
    to one reader and another to the next.
    """

    def __init__(self) -> None:
        self._twice: list[str] = []
        self._decoder = json.JSONDecoder(
            parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=self._object
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            self._twice += (name for name in made if names.count(name) > 1)
        return made

    def read(self, text: str, place: Place) -> Any:
        """Read a text that holds one value; the text begins at the line of `place`.

        Raises:
            TicketError: It is not JSON, nested too deeply, or gives a key twice.
        """
        value, end = self.read_at(text, skip_space(text, 0), place)
        end = skip_space(text, end)
        if end != len(text):
            template = message("something follows the end of the ticket")
            # Two tickets on one line are mostly lines whose breaks were lost on their way.
            advice = message(
                "each ticket is a line of its own; curl's `-d` takes line breaks out, `--data-binary` does not"
            )
            there = place_at(text, end, place)
            help_ = advice if text[end] == "{" else None
            raise TicketError([problem("ticket-json-unreadable", template, place=there, help=help_)])
        if isinstance(value, TicketError):
            raise value
        return value

    def read_at(self, text: str, start: int, place: Place) -> tuple[Any, int]:
        """Read the value that begins at `start`; return it, or the error of keys given twice, and where it ends.

        Raises:
            TicketError: It is not JSON, or nested too deeply; nobody knows where it ends.
        """
        self._twice = []
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            template = message("cannot read JSON: {reason}", reason=reason_of(error))
            there = place_at(text, error.pos, place)
            raise TicketError(
                [problem("ticket-json-unreadable", template, place=there, help=_path_help(text))]
            ) from None
        except RecursionError:
            raise TicketError([_nested(_line_at(text, start, place))]) from None
        except _NoNumberError as error:
            raise TicketError([error.problem(_line_at(text, start, place))]) from None
        except ValueError:
            # Python refuses to read an integer of thousands of digits.
            template = message("a number has thousands of digits")
            there = _line_at(text, start, place)
            raise TicketError([problem("ticket-number-unreadable", template, place=there)]) from None
        if self._twice:
            there = _line_at(text, start, place)
            return TicketError(_given_twice(name, there) for name in self._twice), end
        return value, end


def skip_space(text: str, start: int) -> int:
    """Return the position of the first character from `start` that JSON does not skip."""
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def place_at(text: str, position: int, place: Place) -> Place:
    """Say in which line and column of `text` a position stands; the text begins at the line of `place`."""
    line = text.count("\n", 0, position) + 1
    return _place(text, line, position - text.rfind("\n", 0, position), place)


def _line_at(text: str, position: int, place: Place) -> Place:
    return Place(file=place.file, line=place_at(text, position, place).line)


def _place(text: str, line: int, column: int, place: Place) -> Place:
    lines = text.split("\n")
    shown_line = lines[line - 1].rstrip("\r") if line <= len(lines) else ""
    # A file may be one line of a million characters: the caret would be far off the screen.
    excerpt = shown_line if len(shown_line) <= _WIDEST else None
    return Place(file=place.file, line=line + (place.line or 1) - 1, column=column, text=excerpt)


class _NoNumberError(Exception):
    """A word or number that stands for no number; not a `ValueError`, so that no parser takes it for its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def problem(self, place: Place) -> Problem:
        template = message("`{value}` is no number", value=shown(self.text))
        return problem("ticket-number-unreadable", template, place=place)


def _refuse_constant(word: str) -> Any:
    raise _NoNumberError(word)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except DecimalException:
        raise _NoNumberError(text) from None


def _nested(place: Place) -> Problem:
    return problem("ticket-nested-too-deeply", message("the input is nested too deeply to be a ticket"), place=place)


def _given_twice(name: str, place: Place) -> Problem:
    return problem("ticket-key-twice", message("`{field}` is given twice", field=shown(name)), place=place)


def reason_of(error: json.JSONDecodeError) -> Message | str:
    """Say why a text is no JSON, in words that can be translated as far as they are known."""
    # Newer versions of Python say `Invalid \\escape: `.
    known = _JSON_REASONS.get(error.msg.rstrip(": "))
    return known or error.msg[:1].lower() + error.msg[1:]


def _path_help(text: str) -> Message | None:
    if "\n" not in text and text.endswith((".json", ".toml")):
        return message("to read a file give a `Path`")
    return None


def read_values(path: Path) -> Iterator[tuple[Place, Any]]:
    """Read a file of JSON lines, or one JSON array, value by value.

    Yields:
        Where the value begins, and the value or the `TicketError` that says why it cannot be read.

    Raises:
        TicketError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(_WIDEST).removeprefix(codecs.BOM_UTF8).strip()
            while not first and (line := file.readline(_WIDEST)):
                first = line.strip()
    except OSError as error:
        raise _unreadable(path, error) from None
    # One ticket written over several lines begins with a brace alone; JSON lines never do.
    if first.startswith(b"[") or first == b"{":
        yield from _read_whole(path)
    else:
        yield from _read_lines(path)


def _read_lines(path: Path) -> Iterator[tuple[Place, Any]]:
    reader = JsonReader()
    with path.open("rb") as file:
        number = 0
        while content := file.readline(LARGEST_TICKET + 1):
            number += 1
            place = Place(file=str(path), line=number)
            is_cut = len(content) > LARGEST_TICKET
            rest = content
            while is_cut and rest and not rest.endswith(b"\n"):
                rest = file.readline(LARGEST_TICKET)
            try:
                text = decode(content, place, LARGEST_TICKET).rstrip("\r\n")
                if text.strip():
                    yield place, reader.read(text, place)
            except TicketError as error:
                yield place, error


def _read_whole(path: Path) -> Iterator[tuple[Place, Any]]:
    place = Place(file=str(path), line=1)
    reader = JsonReader()
    try:
        text = decode(read_bytes(path, LARGEST_LIST), place, LARGEST_LIST)
        position = skip_space(text, 0)
        place = Place(file=str(path), line=1 + text.count("\n", 0, position))
        if text.startswith("{", position):
            yield place, reader.read(text, Place(file=str(path)))
        else:
            yield from _read_array(text, position, place, reader)
    except TicketError as error:
        yield error.problems[0].place or place, error


def _read_array(text: str, opening: int, place: Place, reader: JsonReader) -> Iterator[tuple[Place, Any]]:
    """Read the values of an array one by one, so that a key given twice in one spoils no other."""
    whole = Place(file=place.file)
    line, counted = place.line or 1, opening
    position = skip_space(text, opening + 1)
    is_first = True
    while not text.startswith("]", position):
        if not is_first:
            if not text.startswith(",", position):
                template = message("cannot read JSON: expecting `,` or `]` here")
                there = place_at(text, position, whole)
                yield there, TicketError([problem("ticket-json-unreadable", template, place=there)])
                return
            position = skip_space(text, position + 1)
        is_first = False
        line, counted = line + text.count("\n", counted, position), position
        place = Place(file=place.file, line=line)
        value, position = reader.read_at(text, position, whole)
        yield place, value
        position = skip_space(text, position)
    end = skip_space(text, position + 1)
    if end != len(text):
        there = place_at(text, end, whole)
        template = message("something follows the end of the tickets")
        yield there, TicketError([problem("ticket-json-unreadable", template, place=there)])


def _unreadable(path: Path, error: OSError) -> TicketError:
    # Any other reason comes from the operating system, in its language.
    reason = _FILE_REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()
    template = message("cannot read the file: {reason}", reason=reason)
    return TicketError([problem("ticket-file-unreadable", template, place=Place(file=str(path)))])
