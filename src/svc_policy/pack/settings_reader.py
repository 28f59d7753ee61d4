"""Take values out of a TOML document and say what is wrong with them, with the line each stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.units import Kind, Literal, Refusal, read_literal


class SettingsReader:
    """Takes values out of a TOML document and tells what is wrong, with the line it stands on."""

    def __init__(self, text: str, file: str, problems: list[Problem]) -> None:
        self.lines = text.splitlines()
        self.file = file
        self.problems = problems

    # --- places and problems

    def place(self, *path: str) -> Place:
        """Find the line of a key: the last of its tables that is there, then the key."""
        start = 0
        for depth in range(len(path), 0, -1):
            head = re.compile(rf"\s*\[+\s*{re.escape('.'.join(path[:depth]))}\s*\]+")
            found = next((number for number, line in enumerate(self.lines) if head.match(line)), None)
            if found is not None:
                if depth == len(path):
                    return self._at(found)
                start = found + 1
                break
        key = re.compile(rf"\s*(?:[\w.-]+\.)?{re.escape(path[-1])}\b")
        for number in range(start, len(self.lines)):
            if start and self.lines[number].lstrip().startswith("["):
                break
            if key.match(self.lines[number]):
                return self._at(number)
        return self._at(start - 1) if start else Place(file=self.file)

    def _at(self, number: int) -> Place:
        line = self.lines[number]
        column = len(line) - len(line.lstrip()) + 1
        return Place(file=self.file, line=number + 1, column=column, text=line, length=max(1, len(line.strip())))

    def say(self, code: str, text: Message, *path: str, help_line: Message | None = None) -> None:
        """Report a problem at a key, or of the file."""
        self.problems.append(
            problem(code, text, place=self.place(*path) if path else Place(file=self.file), help=help_line)
        )

    # --- values

    def table(self, parent: Mapping[str, object], key: str, *path: str) -> dict[str, object]:
        """Take a table; an empty one where there is no such key."""
        value = parent.get(key, {})
        if not isinstance(value, dict):
            self.say("settings-type", message("`{key}` is a table", key=".".join((*path, key))), *path, key)
            return {}
        return value

    def text(self, parent: Mapping[str, object], key: str, *path: str, default: str | None = None) -> str:
        """Take a text; numbers and truths are spelt. A missing one without `default` is a problem."""
        value = parent.get(key, default)
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if isinstance(value, int):
            value = str(value)
        if not isinstance(value, str):
            template = message("`{key}` is missing", key=".".join((*path, key)))
            if value is not None:
                template = message("`{key}` is a text", key=".".join((*path, key)))
            self.say("settings-missing", template, *path, key)
            return ""
        return value

    def texts(self, parent: Mapping[str, object], key: str, *path: str) -> tuple[str, ...]:
        """Take a list of texts; none where there is no such key."""
        value = parent.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.say("settings-type", message("`{key}` is a list of texts", key=".".join((*path, key))), *path, key)
            return ()
        return tuple(value)

    def both(self, parent: Mapping[str, object], key: str, *path: str) -> tuple[str, str]:
        """Take a text in both languages."""
        value = self.table(parent, key, *path)
        self.known(value, ("en", "zh"), *path, key)
        return self.text(value, "en", *path, key), self.text(value, "zh", *path, key)

    def known(self, table: Mapping[str, object], keys: tuple[str, ...], *path: str) -> None:
        """Report the keys of a table that nothing reads."""
        for key in table:
            if key not in keys:
                near = nearest(key, keys)
                self.say(
                    "settings-unknown",
                    message("there is no key `{key}`", key=".".join((*path, key))),
                    *path,
                    key,
                    help_line=message("did you mean `{near}`?", near=near)
                    if near
                    else message("known here: {known}", known=", ".join(keys)),
                )

    def literal(self, text: str, kind: str, currency: str, *path: str) -> Literal | None:
        """Read the literal at a key; None if it cannot be read."""
        try:
            return read_literal(text, cast("Kind", kind), currency=currency)
        except Refusal as refusal:
            self.say(
                refusal.code,
                message("cannot read `{text}` in `{key}`", text=text, key=".".join(path)),
                *path,
                help_line=refusal.help,
            )
            return None
