"""What a transfer keeps beside it, so that one that was stopped goes on: how far it is, and what could not be carried.

The state, a file of JSON, is put in the place of the one before once a chunk
is written, and names the mark to go on after. The list of what could not be
carried, ``STATE.unreadable.jsonl``, is only as long as the state says: what a
killed run wrote beyond it is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import attrs

from svc_policy.adapters.holding import hold
from svc_policy.adapters.protocol import Unreadable
from svc_policy.errors import Place, UsageError, problem, reason_of
from svc_policy.messages import Message, message

SCHEMA: Final = 1


@attrs.frozen(kw_only=True)
class Progress:
    """How far a transfer is: go on after `mark`, and leave out `skip` records that follow it.

    `listed_bytes` is the length of the list of what could not be carried;
    `at_s` the instant of the decisions in epoch seconds.
    """

    policy: str
    digest: str
    at_s: int
    purpose: str = ""
    mark: str | None = None
    skip: int = 0
    read: int = 0
    made: int = 0
    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0
    listed_bytes: int = 0
    finished: bool = False


class Keeping:
    """The state of one transfer and its list, held by one process at a time; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.listed = None if path is None else path.with_name(f"{path.name}.unreadable.jsonl")
        self._lock: IO[bytes] | None = None
        self._list: IO[bytes] | None = None

    def open(self) -> Progress | None:
        """Take hold of the state; gives what is in it, None where there is none.

        Raises:
            UsageError: It cannot be read, is no state of a transfer, or another process holds it.
        """
        if self.path is None:
            return None
        try:
            self._lock = hold(self.path)
            if self._lock is None:
                text = message("another transfer is running with this state")
                self._refuse("transfer-locked", text, message("wait for it to end, or name another state"))
            text_of = self.path.read_text("utf-8")
        except FileNotFoundError:
            if self.path.parent.is_dir():
                return None
            self._refuse("transfer-state", message("the folder of the state is not there"), message("make it first"))
        except (OSError, UnicodeDecodeError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else message("the file is not UTF-8")
            self._refuse(
                "transfer-state",
                message("the state cannot be read: {reason}", reason=reason),
                message("name another file"),
            )
        return self._read(text_of)

    def _read(self, text: str) -> Progress:
        wrong = message("this is no state of a transfer")
        advice = message("name another file, or delete it to begin anew")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            self._refuse("transfer-state", wrong, advice)
        kinds: dict[str, Any] = {field.name: type(field.default) for field in attrs.fields(Progress)}
        kinds |= {"policy": str, "digest": str, "at_s": int, "mark": (str, type(None))}
        schema = found.pop("schema", None) if isinstance(found, dict) else None
        if type(schema) is not int or schema != SCHEMA or found.keys() != kinds.keys():
            self._refuse("transfer-state", wrong, advice)
        for name, kind in kinds.items():
            value = found[name]
            whole = kind is int and (type(value) is not int or (value < 0 and name != "at_s"))
            if whole or not isinstance(value, kind):
                self._refuse("transfer-state", wrong, advice)
        return Progress(**found)

    def begin(self, length: int) -> None:
        """Open the list and cut it to what the state knows of.

        Raises:
            UsageError: It cannot be written.
        """
        if self.listed is None:
            return
        try:
            self._list = self.listed.open("ab")
            self._list.truncate(length)
        except OSError as error:
            self._unwritable(self.listed, error)

    def add(self, found: Iterable[tuple[str, Unreadable]]) -> int:
        """Add to the list, each with the step at which it failed; gives the length of the list in bytes.

        Raises:
            UsageError: It cannot be written.
        """
        if self._list is None or self.listed is None:
            return 0
        try:
            lines = [json.dumps(_plain(step, one), ensure_ascii=False) for step, one in found]
            if lines:
                self._list.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
                self._list.flush()
                os.fsync(self._list.fileno())
            return self._list.seek(0, os.SEEK_END)
        except OSError as error:
            self._unwritable(self.listed, error)

    def save(self, progress: Progress) -> None:
        """Put a state in the place of the one before.

        Raises:
            UsageError: It cannot be written.
        """
        if self.path is None:
            return
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump({"schema": SCHEMA, **attrs.asdict(progress)}, file, ensure_ascii=True)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            self._unwritable(self.path, error)

    def close(self) -> None:
        """Let go of the files; the lock's file stays."""
        for file in (self._list, self._lock):
            if file is not None:
                file.close()
        self._list = self._lock = None

    def _refuse(self, code: str, text: Message, help_line: Message) -> NoReturn:
        raise UsageError([problem(code, text, place=Place(file=str(self.path)), help=help_line)])

    @staticmethod
    def _unwritable(path: Path, error: OSError) -> NoReturn:
        text = message("the file cannot be written: {reason}", reason=reason_of(error))
        help_line = message("what is written in the other system stays; the same command goes on")
        raise UsageError([problem("transfer-state", text, place=Place(file=str(path)), help=help_line)]) from None


def _plain(step: str, one: Unreadable) -> dict[str, Any]:
    return {
        "record": one.record,
        "step": step,
        "problems": [
            {
                "code": found.code,
                "message": found.message.text("en"),
                **({"help": found.help.text("en")} if found.help is not None else {}),
                **({"place": str(found.place)} if found.place is not None else {}),
            }
            for found in one.problems
        ],
    }
