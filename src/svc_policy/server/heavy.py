"""Run what takes long (check, diff, the trial of an upload) in processes: bounded in number, time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import OrderedDict
from typing import Any, Final

import msgspec

from svc_policy.messages import message
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.settings import Limits

#: Answers that are kept: of one digest they are always the same.
_MOST_KEPT: Final = 32
_WORK: Final = "svc_policy.server.work"


class Heavy:
    """Starts processes for what takes long, and ends those that take too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turn = asyncio.Semaphore(limits.heavy_at_once)
        self._waiting = 0
        self._kept: OrderedDict[object, bytes] = OrderedDict()
        #: What is being reckoned: who asks for the same waits for it.
        self._under_way: dict[object, asyncio.Task[bytes]] = {}
        self._running: set[asyncio.subprocess.Process] = set()

    async def answer(self, key: object, task: dict[str, Any]) -> bytes:
        """Give the answer of a task, kept under its key.

        Raises:
            Refused: It took too long, or too much is waiting.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        running = self._under_way.get(key)
        if running is None:
            running = self._under_way[key] = asyncio.create_task(self.run(task))
            running.add_done_callback(lambda done: self._done(key, done))
        # Who goes takes nothing from the others who wait.
        return await asyncio.shield(running)

    def _done(self, key: object, done: asyncio.Task[bytes]) -> None:
        del self._under_way[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = done.result()
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def run(self, task: dict[str, Any]) -> bytes:
        """Run a task and give what it wrote: JSON. Its time is counted from its turn on.

        Raises:
            Refused: It took too long, or too much is waiting.
        """
        if self._waiting >= self._limits.heavy_waiting:
            text = message("{count} checks or comparisons are waiting already", count=self._waiting)
            raise refuse(503, "serve-heavy-busy", text, headers={"retry-after": "10"})
        self._waiting += 1
        try:
            async with self._turn, asyncio.timeout(self._limits.heavy):
                return await self._run(task)
        except TimeoutError:
            text = message("this took longer than {seconds} s", seconds=f"{self._limits.heavy:g}")
            raise refuse(503, "serve-heavy-slow", text, headers={"retry-after": "60"}) from None
        finally:
            self._waiting -= 1

    async def _run(self, task: dict[str, Any]) -> bytes:
        process = await start_worker(self._limits.heavy_memory)
        self._running.add(process)
        try:
            out, said = await process.communicate(msgspec.json.encode(task) + b"\n")
        finally:
            self._running.discard(process)
            kill(process)
        if process.returncode not in (0, 1) or not out:
            raise _failed(process.returncode, said)
        return out

    def stop(self) -> None:
        """End everything that runs."""
        for process in tuple(self._running):
            kill(process)


def _failed(code: int | None, said: bytes) -> Refused:
    with contextlib.suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(said.splitlines()[-1] if said else b"")
        if isinstance(found, dict) and isinstance(found.get("problems"), list):
            return Refused(int(found.get("status", 409)), (), findings=found["problems"])
    text = message("this cannot be reckoned within the limits of the service")
    return refuse(503, "serve-heavy-failed", text)


async def start_worker(memory: int) -> asyncio.subprocess.Process:
    """Start a process for one kind of work; `memory` bounds its address space, in bytes; 0 does not."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _WORK,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUTF8": "1", "SVC_POLICY_WORK_MEMORY": str(memory)},
        # A signal from the terminal is for the service alone, which ends its processes itself.
        start_new_session=True,
    )


def kill(process: asyncio.subprocess.Process) -> None:
    """End a process that still runs."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
