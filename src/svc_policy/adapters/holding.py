"""One process at a time: a lock beside the file in which a run keeps what it must know to go on."""

from __future__ import annotations

from pathlib import Path
from typing import IO


def hold(path: Path) -> IO[bytes] | None:
    """Take hold of a file until what is given is closed; None while another process has it.

    The lock is on a file beside it, ``PATH.lock``, which stays; it ends with the process, however that ends.

    Raises:
        OSError: The file beside it cannot be written.
    """
    lock = path.with_name(f"{path.name}.lock").open("ab")
    if _is_locked(lock):
        return lock
    lock.close()
    return None


try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where two runs with one state are not kept apart

    def _is_locked(file: IO[bytes]) -> bool:
        return True
else:

    def _is_locked(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


__all__ = ["hold"]
