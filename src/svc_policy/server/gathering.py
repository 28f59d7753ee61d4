"""Send the head and the body of an answer together.

The server writes them one after the other, and each write is a call of the system, which takes as long as reading a
ticket. What is written within one turn of the loop goes out in one piece.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

#: So many bytes go out at once.
_MOST: Final = 64 * 1024


class Gathered:
    """A transport that sends what is written within one turn of the loop in one piece, in its order."""

    __slots__ = ("_loop", "_pieces", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, content: bytes) -> None:
        """Take bytes to send."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(content)
        self._size += len(content)
        if self._size > _MOST:
            self._flush()

    def is_closing(self) -> bool:
        """Say whether the connection is being closed."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection once everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        pieces = self._pieces
        if pieces:
            self._pieces = []
            self._size = 0
            if not self._transport.is_closing():
                self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
