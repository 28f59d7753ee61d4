"""What lies beside a record: its head, its lock, and what was set aside.

The head, ``LOG.head``, says how many lines were acknowledged and the hash of
the last of them. Lines taken off the end leave a chain that fits; the head, or
a hash or count kept elsewhere, is what shows that they are gone.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import IO

import attrs

from svc_policy.errors import UsageError
from svc_policy.messages import message
from svc_policy.record.lines import NOTHING, SCHEMA, refuse, unwritable


@attrs.frozen
class Position:
    """How far a record is safe: so many lines, and the hash of the last of them."""

    lines: int
    hash: str

    def __str__(self) -> str:
        return f"{self.lines}:{self.hash}"


EMPTY = Position(0, NOTHING)


def located(path: str | os.PathLike[str]) -> Path:
    """Name a record by its own place: what lies beside it lies there, whatever links lead to it."""
    named = Path(path)
    return Path(os.path.realpath(named)) if os.path.islink(named) else named


def beside(path: Path, ending: str) -> Path:
    """Name a file or folder that belongs to a record."""
    return path.parent / f"{path.name}.{ending}"


def read_head(path: Path) -> Position | None:
    """Read the head of a record; None where there is none that can be read."""
    try:
        found = json.loads(beside(path, "head").read_bytes())
        lines, own = found["lines"], found["hash"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if type(lines) is not int or lines < 0 or not isinstance(own, str) or not re.fullmatch("[0-9a-f]{64}", own):
        return None
    return Position(lines, own)


class Head:
    """The head of a record as its writer keeps it.

    It is written over in place, after the lines that it names, and always as long: it names these lines or fewer.
    An older head, as after a power cut, does no harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = beside(path, "head")
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise UsageError([unwritable(self._path, error)]) from None

    def write(self, position: Position) -> None:
        """Name how far the record is safe.

        Raises:
            UsageError: It cannot be written.
        """
        text = f'{{"schema":{SCHEMA},"lines":{position.lines:>15},"hash":"{position.hash}"}}\n'.encode("ascii")
        try:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, text)
        except OSError as error:
            raise UsageError([unwritable(self._path, error)]) from None

    def close(self, *, sync: bool) -> None:
        """Let go of the file.

        Raises:
            UsageError: The disk does not take it.
        """
        try:
            if sync:
                os.fsync(self._descriptor)
        except OSError as error:
            raise UsageError([unwritable(self._path, error)]) from None
        finally:
            os.close(self._descriptor)


class Lock:
    """The lock of a record's one writer: held by the process, and gone with it however it ends.

    The file ``LOG.lock`` stays; it names the process that holds or last held it.
    """

    def __init__(self, path: Path) -> None:
        self._path = beside(path, "lock")
        self._log = path
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take the lock at once or not at all.

        Raises:
            UsageError: Another writer holds it, or it cannot be made.
        """
        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        except OSError as error:
            raise UsageError([unwritable(self._path, error)]) from None
        if not _try_lock(file):
            holder = file.read(32).strip().decode("ascii", "replace") or "?"
            file.close()
            refuse(
                "record-locked",
                message("the record is being written by process {pid}", pid=holder),
                self._log,
                message("a record has one writer: wait for it to end, or write to another file"),
            )
        file.seek(0)
        file.truncate()
        file.write(b"%-31d\n" % os.getpid())
        self._file = file

    def release(self) -> None:
        """Let another writer in."""
        if self._file is not None:
            _unlock(self._file)
            self._file.close()
            self._file = None


#: Where Windows locks a byte: beyond the text, which others may then read.
_LOCKED_AT = 1 << 20

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(_LOCKED_AT)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_LOCKED_AT)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

    def hold(descriptor: int) -> bool:
        """Say yes: there a lock would keep readers out, and the lock beside the record has to do."""
        return True
else:

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def hold(descriptor: int) -> bool:
        """Lock an open record itself, until it is closed; False where another writer has it, by whatever name."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
