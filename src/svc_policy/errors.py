"""Every problem as data: what is wrong, where, and what would be right.

A reader collects :class:`Problem` records and never stops at the first; whoever
called it raises them together as one :class:`PolicyError`. A traceback is never
an answer to bad input.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import attrs

from svc_policy.messages import LANGUAGES, Language, Message, message

Severity = Literal["error", "warning", "note"]


@attrs.frozen(kw_only=True)
class Place:
    """Where in a file something stands.

    `line` and `column` count from 1, in characters; `text` is the line as it
    was read and `length` the number of characters the caret underlines. In a
    workbook `file` is the workbook, `sheet` the sheet and `cell` the address.
    """

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    length: int = 1
    sheet: str | None = None
    cell: str | None = None

    def __str__(self) -> str:
        if self.sheet is not None:
            return f"{self.file}:{self.sheet}!{self.cell}" if self.cell else f"{self.file}:{self.sheet}"
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong: a code, a sentence, its place, a help line."""

    code: str
    message: Message
    place: Place | None = None
    help: Message | None = None
    severity: Severity = "error"

    def render(self, language: Language = "en") -> str:
        """Show the problem as lines of text: place, sentence, the source line with a caret, help."""
        head = self.message.text(language)
        if self.severity != "error":
            head = f"{_SEVERITIES[self.severity].text(language)}: {head}"
        lines = [f"{self.place}: {head}" if self.place else head]
        if self.place and self.place.text is not None:
            lines.append(f"  {self.place.text}")
            if self.place.column is not None and self.place.sheet is None:
                before = self.place.text[: self.place.column - 1]
                under = self.place.text[self.place.column - 1 : self.place.column - 1 + self.place.length]
                lines.append(f"  {_blank(before)}{'^' * max(1, display_width(under))}")
        if self.help is not None:
            lines.append(f"{_HELP.text(language)}: {self.help.text(language)}")
        return "\n".join(lines)


_HELP = message("help")
_SEVERITIES = {"warning": message("warning"), "note": message("note")}


def display_width(text: str) -> int:
    """Count the terminal columns that `text` takes; East Asian wide characters take two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _blank(text: str) -> str:
    return "".join("\t" if char == "\t" else " " * display_width(char) for char in text)


class PolicyError(Exception):
    """Bad input of any kind, with every problem that was found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.render())

    def render(self, language: Language = "en") -> str:
        """Show all problems, a blank line between them."""
        return "\n\n".join(problem.render(language) for problem in self.problems)

    def __reduce__(self) -> tuple[type[PolicyError], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


class PackError(PolicyError):
    """A policy pack that cannot be loaded."""


class TableError(PolicyError):
    """A decision table that cannot be read."""


class TicketError(PolicyError):
    """Facts that cannot be read or cannot be true."""


class CalendarError(PolicyError):
    """A calendar that cannot be made, or an instant outside its validity."""


class MappingError(PolicyError):
    """A mapping of foreign records that cannot be read."""


class AdapterError(PolicyError):
    """A foreign system that cannot be reached, or has not what an adapter was asked for."""


class UnreachableError(AdapterError):
    """A foreign system that does not answer now, and may after a while: who runs an adapter tries again."""


class UsageError(PolicyError):
    """A call or command that asks for something that is not there."""


def problem(
    code: str,
    template: Message,
    *,
    place: Place | None = None,
    help: Message | None = None,  # noqa: A002 - the word that is shown to the reader
    severity: Severity = "error",
) -> Problem:
    """Make a problem; a shorthand for the record."""
    return Problem(code=code, message=template, place=place, help=help, severity=severity)


def problem_to_dict(problem: Problem) -> dict[str, Any]:
    """Give a problem as JSON-ready data, in every language."""
    place = problem.place
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": {language: problem.message.text(language) for language in LANGUAGES},
        "help": None if problem.help is None else {language: problem.help.text(language) for language in LANGUAGES},
        "place": None
        if place is None
        else {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "sheet": place.sheet,
            "cell": place.cell,
        },
    }


def reason_of(error: OSError) -> Message | str:
    """Say why a file or folder could not be read or written; rare reasons in the words of the operating system."""
    import errno
    import os

    known = {
        errno.ENOENT: message("there is no such file or folder"),
        errno.EISDIR: message("this is a folder"),
        errno.ENOTDIR: message("this is not a folder"),
        errno.EACCES: message("it is not allowed"),
        errno.EROFS: message("it is not allowed"),
        errno.ENOSPC: message("there is no space left"),
        errno.ENAMETOOLONG: message("the name is too long"),
    }
    code = error.errno or 0
    return known.get(code) or (os.strerror(code).lower() if code else str(error))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that `word` was probably meant to be, or None."""
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
