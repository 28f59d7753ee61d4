"""Let work wait for its turn, not too much of it, and only as long as who asked for it is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Request

from svc_policy.messages import message
from svc_policy.server.problems import refuse

Result = TypeVar("Result")


class Turns:
    """Work that is done in a thread: one after the other, so that it cannot crowd out what is quick.

    `waiting` bounds how much may wait.
    """

    def __init__(self, waiting: int) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._most = waiting

    async def run(self, request: Request[Any, Any, Any], work: Callable[[Callable[[], bool]], Result]) -> Result | None:
        """Do work in its turn; None if its client left before.

        Args:
            request: What it is done for; its body has been read.
            work: Is called with a function that says whether it is still wanted.

        Raises:
            Refused: Too much is waiting.
        """
        if self._waiting > self._most:
            text = message("too much is being reckoned already")
            raise refuse(503, "serve-busy", text, headers={"retry-after": "2"})
        left = threading.Event()
        doing = asyncio.ensure_future(self._run(lambda: work(lambda: not left.is_set())))
        leaving = asyncio.ensure_future(_left(request))
        self._waiting += 1
        try:
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            self._waiting -= 1
            left.set()
            doing.cancel()
            leaving.cancel()

    async def _run(self, work: Callable[[], Result]) -> Result:
        async with self._turn:
            thread = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(thread)
            finally:
                # A thread cannot be ended: the next turn begins when it has seen that it is not wanted.
                await asyncio.gather(thread, return_exceptions=True)


async def _left(request: Request[Any, Any, Any]) -> None:
    """Wait until the client of a request goes."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
