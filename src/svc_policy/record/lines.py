"""The lines of a record: one JSON object each, sealed by a hash over itself and the line before.

A line begins ``{"schema":1,"n":5,"kind":"decision"`` and ends
``"previous":"…","hash":"…"}``. `previous` is the hash of the line before (64
zeros for the first), `hash` is sha-256 over every byte of the line before
``,"hash"``. Lines end in a line feed and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import attrs

from svc_policy.errors import Place, Problem, UsageError, problem, reason_of
from svc_policy.messages import Message, message

SCHEMA: Final = 1
#: What stands for the hash of the line before the first.
NOTHING: Final = "0" * 64
BEGINNING: Final = b'{"schema":'
#: How the first line of a record begins.
FIRST: Final = b'{"schema":1,"n":1,"kind":"log","engine":"'
_SEAL = re.compile(rb',"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\Z')
#: No line of a record is longer; what is longer is none.
LONGEST: Final = 64 * 2**20

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def _encode_quickly() -> Callable[[Any], str]:
    """Make what the encoder does, with its inner one made once and not for every value."""
    try:
        from json.encoder import c_make_encoder  # type: ignore[attr-defined,unused-ignore]

        inner = c_make_encoder(None, _encoder.default, encode_basestring, None, ":", ",", False, False, True)
        if "".join(inner(["a", 1], 0)) == '["a",1]':
            return lambda value: "".join(inner(value, 0))
    except (ImportError, TypeError):  # pragma: no cover - an interpreter without it
        pass
    return _encoder.encode


#: Write a value as JSON: no spaces, every letter as it is.
encode: Final = _encode_quickly()


@attrs.frozen
class Line:
    """One line as it was read: its number in the file, its bytes without the line feed, what it says.

    `body` is None where the line is no line of a record; `is_whole` says that
    its own hash fits, and `had_return` that a carriage return stood before the
    line feed.
    """

    place: int
    body: Mapping[str, Any] | None
    previous: str
    hash: str
    is_whole: bool
    had_return: bool = False

    @property
    def number(self) -> int | None:
        """The number that the line gives itself."""
        found = None if self.body is None else self.body.get("n")
        return found if type(found) is int else None

    @property
    def kind(self) -> str:
        """What kind of line it is: `log`, `policy`, `layout` or `decision`."""
        return "" if self.body is None else str(self.body.get("kind", ""))


def seal(number: int, kind: str, body: str, previous: str) -> tuple[bytes, str]:
    """Make a line, line feed included, and its hash; `body` are the keys of a JSON object without its braces."""
    head = f'{{"schema":{SCHEMA},"n":{number},"kind":"{kind}",{body},"previous":"{previous}"'.encode()
    own = hashlib.sha256(head).hexdigest()
    return head + f',"hash":"{own}"}}\n'.encode(), own


def parse(data: bytes, place: int) -> Line:
    """Read a line, with or without its line feed; what cannot be read has no body."""
    data = data.removesuffix(b"\n")
    had_return = data.endswith(b"\r")
    data = data.removesuffix(b"\r")
    found = _SEAL.search(data, max(0, len(data) - 160))
    body = _object(data)
    if found is None or body is None:
        return Line(place, None, "", "", False, had_return)
    own = hashlib.sha256(data[: found.start(2) - len(b',"hash":"')]).hexdigest()
    previous, stated = found[1].decode(), found[2].decode()
    return Line(place, body, previous, stated, own == stated, had_return)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def open_log(path: Path) -> IO[bytes]:
    """Open a record for reading; says what it is where it is none.

    Raises:
        UsageError: It cannot be opened, is no record, or is of a newer library.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError([unreadable(path, error)]) from None
    try:
        check_beginning(file.readline(LONGEST), path)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def check_beginning(first: bytes, path: Path) -> None:
    """See that the first line of a file is that of a record this library can read; an empty file is one.

    Raises:
        UsageError: It is none, or a newer library wrote it.
    """
    if not first:
        return
    body = _object(first.removesuffix(b"\n"))
    if body is not None:
        check_schema(body, path, 1)
    is_torn = not first.endswith(b"\n") and len(first) < 1000 and (first.startswith(FIRST) or FIRST.startswith(first))
    # A first line that somebody changed is found by its hash, not taken for another kind of file.
    is_ours = first.startswith(BEGINNING) and b'"kind":"log"' in first and b'"hash":"' in first
    if not (is_torn or is_ours):
        refuse(
            "record-foreign",
            message("the file is no record of decisions"),
            path,
            message("a record begins with a line of its own; name another file, it is made where there is none"),
            line=1,
        )


def check_schema(body: Mapping[str, Any], path: Path, line: int) -> None:
    """See that this library can read a line.

    Raises:
        UsageError: A newer library wrote it.
    """
    schema = body.get("schema")
    if type(schema) is int and schema > SCHEMA:
        refuse(
            "record-newer",
            message("the record has schema {found}; this library reads {known}", found=schema, known=SCHEMA),
            path,
            message("read it with the newer version of svc-policy that wrote it; nothing was changed"),
            line=line,
        )


def read_lines(file: IO[bytes], path: Path) -> Iterator[tuple[Line, bool]]:
    """Yield every line, and whether it is finished: the last one of a writer that was stopped is not.

    Raises:
        UsageError: A line is of a newer library, or the file cannot be read on.
    """
    place = 0
    while True:
        try:
            data = file.readline(LONGEST)
        except OSError as error:
            raise UsageError([unreadable(path, error)]) from None
        if not data:
            return
        place += 1
        line = parse(data, place)
        if line.body is not None:
            check_schema(line.body, path, place)
        yield line, data.endswith(b"\n")


def unreadable(path: Path, error: OSError) -> Problem:
    """Make the problem of a record that cannot be read."""
    return problem(
        "record-unreadable",
        message("the record cannot be read: {reason}", reason=reason_of(error)),
        place=Place(file=str(path)),
        help=message("name the file that `svc-policy record append` writes"),
    )


def unwritable(path: Path, error: OSError) -> Problem:
    """Make the problem of a record that cannot be written."""
    return problem(
        "record-unwritable",
        message("the record cannot be written: {reason}", reason=reason_of(error)),
        place=Place(file=str(path)),
        help=message("what was acknowledged before is kept; make room or name another file"),
    )


def refuse(code: str, text: Message, path: Path, help_line: Message, line: int | None = None) -> NoReturn:
    """Refuse to go on with a record.

    Raises:
        UsageError: Always.
    """
    raise UsageError([problem(code, text, place=Place(file=str(path), line=line), help=help_line)])
