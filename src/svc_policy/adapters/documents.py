"""A TOML document whose problems say on which line they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from svc_policy.errors import MappingError, Place, Problem, nearest, problem, reason_of
from svc_policy.messages import Message, message

LARGEST = 1 << 20


class Document:
    """A TOML document, read; it gathers what is wrong with its keys in `problems`."""

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            MappingError: The file is not there, not UTF-8, or no TOML.
        """
        self.file = str(path)
        self.folder = path.parent
        self.problems: list[Problem] = []
        text = _text_of(path)
        self.lines = text.splitlines()
        try:
            self.root: Mapping[str, object] = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            found = re.search(r"at line (\d+), column (\d+)", str(error))
            number = int(found[1]) if found else 0
            shown = self.lines[number - 1] if 0 < number <= len(self.lines) else None
            place = Place(
                file=self.file, line=number or None, column=int(found[2]) if found and shown else None, text=shown
            )
            reason = str(error).split(" (at")[0].lower()
            template = message("the file is no TOML: {reason}", reason=reason)
            raise MappingError([problem("toml", template, place=place)]) from None
        self.text = text

    def place(self, *path: str) -> Place:
        """Find the line on which a key stands: below the last of its tables that has a heading."""
        start, rest = 0, list(path)
        for depth in range(len(path), 0, -1):
            head = re.compile(rf"\s*\[+\s*{_written(path[:depth])}\s*\]+")
            number = next((number for number, line in enumerate(self.lines) if head.match(line)), None)
            if number is not None:
                if depth == len(path):
                    return self._line(number)
                start, rest = number + 1, list(path[depth:])
                break
        for length in range(len(rest), 0, -1):
            key = re.compile(rf"\s*{_written(rest[:length])}\s*[=.]")
            inline = re.compile(rf"[{{,]\s*{_key(rest[-1])}\s*=")
            for number in range(start, len(self.lines)):
                if number >= start and self.lines[number].lstrip().startswith("[") and "=" not in self.lines[number]:
                    break
                if key.match(self.lines[number]):
                    within = inline.search(self.lines[number]) if length < len(rest) else None
                    return self._line(number, within.start() + 1 if within else 0, rest[-1] if within else "")
        return self._line(start - 1) if start else Place(file=self.file)

    def _line(self, number: int, begin: int = 0, word: str = "") -> Place:
        line = self.lines[number]
        column = line.find(word, begin) if word else len(line) - len(line.lstrip())
        length = len(word) or len(line.strip())
        return Place(file=self.file, line=number + 1, column=column + 1, text=line, length=max(1, length))

    def say(self, code: str, text: Message, *path: str, help: Message | None = None) -> None:  # noqa: A002
        """Add a problem with the place of a key."""
        place = self.place(*path) if path else Place(file=self.file)
        self.problems.append(problem(code, text, place=place, help=help))

    def known(self, table: Mapping[str, object], names: Iterable[str], *path: str) -> None:
        """Say which keys of a table are not known, each with the nearest that is."""
        names = tuple(names)
        for key in table:
            if key not in names:
                template = message("there is no key `{key}`", key=".".join((*path, key)))
                self.say("mapping-unknown-key", template, *path, key, help=suggest(key, names))

    def table(self, parent: Mapping[str, object], key: str, *path: str) -> Mapping[str, object]:
        """Take a table; an empty one where it is missing."""
        value = parent.get(key, {})
        if isinstance(value, dict):
            return value
        self.say("mapping-type", message("`{key}` is a table", key=".".join((*path, key))), *path, key)
        return {}

    def word(
        self,
        parent: Mapping[str, object],
        key: str,
        *path: str,
        needed: bool = False,
        default: str = "",
        among: tuple[str, ...] = (),
    ) -> str:
        """Take a text, one of `among` if that is given."""
        value = parent.get(key, None if needed else default)
        name = ".".join((*path, key))
        if value is None:
            self.say("mapping-missing", message("`{key}` is missing", key=name), *path, key)
            return default
        if not isinstance(value, str):
            self.say("mapping-type", message("`{key}` is a text", key=name), *path, key)
            return default
        if among and value not in among and value != default:
            template = message("`{key}` cannot be `{value}`", key=name, value=value)
            self.say("mapping-value", template, *path, key, help=suggest(value, among))
            return default or among[0]
        return value

    def words(self, parent: Mapping[str, object], key: str, *path: str, needed: bool = False) -> tuple[str, ...]:
        """Take a text or a list of texts."""
        value = parent.get(key)
        if value is None:
            if needed:
                self.say("mapping-missing", message("`{key}` is missing", key=".".join((*path, key))), *path, key)
            return ()
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            template = message("`{key}` is a text or a list of texts", key=".".join((*path, key)))
            self.say("mapping-type", template, *path, key)
            return ()
        return tuple(listed)

    def finish(self) -> None:
        """Raise everything that was found.

        Raises:
            MappingError: There is a problem.
        """
        if self.problems:
            raise MappingError(sorted(self.problems, key=lambda found: (found.place and found.place.line) or 0))


def suggest(word: str, known: Iterable[str]) -> Message:
    """Suggest the nearest known word, or list the known ones."""
    known = tuple(known)
    near = nearest(word[:60], known)
    if near is not None:
        return message("did you mean `{near}`?", near=near)
    return message("known here: {known}", known=", ".join(known) or "-")


def suggest_fact(word: str, known: Iterable[str]) -> Message:
    """Suggest the nearest fact for a name that is none, or a mapping: foreign names are seldom like ours."""
    near = nearest(word[:60], tuple(known))
    if near is not None:
        return message("did you mean `{near}`?", near=near)
    return message("a mapping says which column is which fact: `--mapping FILE` in a shell")


def _text_of(path: Path) -> str:
    place = Place(file=str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        reason = reason_of(error)
        raise MappingError(
            [problem("mapping-file", message("the file cannot be read: {reason}", reason=reason), place=place)]
        ) from None
    if len(content) > LARGEST:
        raise MappingError([problem("mapping-file", message("the file is larger than 1 MB"), place=place)])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = Place(file=str(path), line=line)
        raise MappingError([problem("mapping-file", message("the file is not UTF-8"), place=place)]) from None


def _written(path: Iterable[str]) -> str:
    return r"\s*\.\s*".join(_key(word) for word in path)


def _key(word: str) -> str:
    return rf"[\"']?{re.escape(word)}[\"']?"
