"""Batches: lines of JSON in, lines of JSON out while they come, decided by a process beside the service.

The body is passed on as it arrives and the answers as they are made; nothing of either is gathered here beyond a few
megabytes. A client that does not read stops being read from.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from typing import Any, Final

import msgspec
from litestar import Request, post
from litestar.response.base import ASGIResponse

from svc_policy import __version__
from svc_policy.errors import UsageError
from svc_policy.messages import message
from svc_policy.server import answering
from svc_policy.server.batch_columns import keys_of
from svc_policy.server.batch_work import HEAD
from svc_policy.server.heavy import kill, start_worker
from svc_policy.server.metrics import Metrics
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.requests import found_policy, header_of, language_of, media_type_of, query_of
from svc_policy.server.settings import Limits
from svc_policy.server.shelf import Kept

LOG: Final = logging.getLogger("svc_policy.server")
LINES: Final = "application/x-ndjson"
KINDS: Final = (LINES, "application/jsonl", "application/octet-stream")
#: Bytes that are sent on at once, if that many come; so many lines at most.
FRAME: Final = 12 * 2**20
MOST_LINES: Final = 40_000
#: Bytes of a body of which one knows beforehand that compiling pays.
MANY: Final = 4 * 2**20
#: Seconds without a further byte after which what has come is decided.
PAUSE: Final = 0.05
#: Seconds that an idle process is kept, with what it has compiled.
_WARM: Final = 300.0
#: Seconds for a batch to give its place.
_ROOM: Final = 5.0
#: Bytes that are kept of what a process wrote on standard error.
_MOST_SAID: Final = 32 * 1024
_WHERE: Final = re.compile(r'^  File "([^"\n]+)", line (\d+)', re.MULTILINE)
_ERROR: Final = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit))\b", re.MULTILINE)


class Worker:
    """A process that decides lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._in = process.stdin
        self._out = process.stdout
        #: The policy and keys that it has compiled.
        self.key: object = None
        self._said = b""
        self._listening = asyncio.create_task(self._listen())

    async def send(self, content: bytes) -> None:
        """Send a frame; waits while the process has enough.

        Raises:
            OSError: The process ended.
        """
        try:
            self._in.write(HEAD.pack(len(content)))
            self._in.write(content)
            await self._in.drain()
        except RuntimeError:
            # So says uvloop of a pipe that is closed.
            raise BrokenPipeError from None

    async def receive(self) -> bytes:
        """Receive a frame.

        Raises:
            EOFError: The process ended.
        """
        (size,) = HEAD.unpack(await self._out.readexactly(HEAD.size))
        return await self._out.readexactly(size)

    async def how_it_ended(self) -> str:
        """End the process if it runs, and say with which code it ended, and of which error where.

        Texts of errors are left out: what a client wrote may be in them.
        """
        kill(self.process)
        code = await self.process.wait()
        await asyncio.wait({self._listening}, timeout=5)
        said = self._said.decode("utf-8", "replace")
        wheres = _WHERE.findall(said)
        errors = _ERROR.findall(said)
        return f"code {code}" + (f", {errors[-1]} at {':'.join(wheres[-1])}" if wheres and errors else "")

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(4096):
            self._said = (self._said + piece)[-_MOST_SAID:]


class Workers:
    """The processes for batches: so many at once, kept warm for a while."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[tuple[Worker, asyncio.TimerHandle]] = []
        self._all: set[Worker] = set()
        self._starting = 0
        #: The bodies of the batches that are being decided.
        self.bodies: set[_Body] = set()

    async def lease(self, key: object) -> Worker:
        """Take a process, the one that has compiled what is wanted if there is one.

        If all are taken, a batch that stands still gives its place.

        Raises:
            Refused: All are busy.
        """
        if not self._idle and self._taken >= self._limits.batches_at_once:
            await self._make_room()
        return await self._lease(key)

    @property
    def _taken(self) -> int:
        return len(self._all) + self._starting

    async def _make_room(self) -> None:
        standing = max(self.bodies, key=lambda body: body.stands, default=None)
        if standing is None or standing.stands < self._limits.pause:
            return
        standing.give_way()
        until = time.monotonic() + _ROOM
        while not self._idle and self._taken >= self._limits.batches_at_once and time.monotonic() < until:
            await asyncio.sleep(0.02)

    async def _lease(self, key: object) -> Worker:
        for index in sorted(range(len(self._idle)), key=lambda index: self._idle[index][0].key != key):
            worker, timer = self._idle.pop(index)
            timer.cancel()
            if worker.process.returncode is None:
                worker.key = key
                return worker
            self._all.discard(worker)
            return await self._lease(key)
        if self._taken >= self._limits.batches_at_once:
            text = message("{count} batches are being decided already", count=self._taken)
            raise refuse(503, "serve-batch-busy", text, headers={"retry-after": "30"})
        # Its place is taken before it has started.
        self._starting += 1
        try:
            process = await start_worker(self._limits.batch_memory)
            worker = Worker(process)
            self._all.add(worker)
        finally:
            self._starting -= 1
        worker.key = key
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode({"task": "batch", "line": self._limits.line}) + b"\n")
        return worker

    def give_back(self, worker: Worker) -> None:
        """Keep a process for the next batch."""
        timer = asyncio.get_running_loop().call_later(_WARM, self.end, worker)
        self._idle.append((worker, timer))

    def end(self, worker: Worker) -> None:
        """End a process."""
        self._idle = [(one, timer) for one, timer in self._idle if one is not worker]
        self._all.discard(worker)
        kill(worker.process)

    def stop(self) -> None:
        """End all of them."""
        for worker in tuple(self._all):
            self.end(worker)


@post("/v1/policies/{name:str}/batch", status_code=200)
async def batch(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Decide the lines of a body."""
    query = query_of(request, "at", "keys", "lang")
    kept = found_policy(request, name)
    language_of(request, query)
    if media_type_of(request) not in KINDS:
        text = message("a batch is sent as `{wanted}`", wanted=LINES)
        raise refuse(415, "serve-media-type", text, headers={"accept": LINES})
    at_s = answering.instant_in(query.get("at"), kept.policy)
    try:
        keys = keys_of(kept.policy, query.get("keys"))
    except UsageError as error:
        raise Refused(400, error.problems) from None
    workers: Workers = request.app.state.workers
    worker = await workers.lease((kept.digest, keys))
    length = header_of(request, b"content-length")
    job = {
        "path": str(kept.path),
        "digest": kept.digest,
        "at_s": at_s,
        "keys": keys,
        "many": length.isdigit() and int(length) > MANY,
    }
    try:
        await worker.send(msgspec.json.encode(job))
        async with asyncio.timeout(request.app.state.settings.limits.heavy):
            found = msgspec.json.decode(await worker.receive())["problems"]
    except (EOFError, OSError, TimeoutError):
        workers.end(worker)
        LOG.error("a batch was not begun: %s", await worker.how_it_ended())
        text = message("the batch cannot be begun")
        raise refuse(503, "serve-batch-failed", text, headers={"retry-after": "10"}) from None
    except BaseException:
        workers.end(worker)
        raise
    if found:
        workers.give_back(worker)
        raise Refused(409, (), findings=found)
    return _Answers(kept, at_s, worker, workers, request.app.state.settings.limits, request.app.state.metrics)


class _Answers(ASGIResponse):
    """The answer to a batch: sends lines while it receives others."""

    def __init__(
        self, kept: Kept, at_s: int, worker: Worker, workers: Workers, limits: Limits, metrics: Metrics
    ) -> None:
        super().__init__()
        self._kept = kept
        self._at_s = at_s
        self._worker = worker
        self._workers = workers
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the head, the lines, and at last what was counted."""
        at = self._kept.policy.instant(self._at_s)
        headers = [
            (b"content-type", LINES.encode()),
            (b"etag", f'"{self._kept.digest}"'.encode()),
            (b"svc-policy-digest", self._kept.digest.encode()),
            (b"svc-policy-at", b"" if at is None else at.isoformat().encode()),
        ]
        is_whole = False
        body = _Body(receive, self._limits)
        feeding: asyncio.Task[None] | None = None
        self._workers.bodies.add(body)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            feeding = asyncio.create_task(self._feed(body))
            while (lines := await self._next(feeding, body)) is not None:
                if lines:
                    await send({"type": "http.response.body", "body": lines, "more_body": True})
            async with asyncio.timeout(self._limits.heavy):
                counted = msgspec.json.decode(await self._worker.receive())
            self._metrics.decided(counted["answered"], counted["refused"])
            is_whole = True
        except (EOFError, OSError, TimeoutError):
            counted = None
        finally:
            self._workers.bodies.discard(body)
            if feeding is not None:
                feeding.cancel()
                with contextlib.suppress(BaseException):
                    await feeding
                body.close()
            if is_whole:
                self._workers.give_back(self._worker)
            else:
                self._workers.end(self._worker)
        if counted is None and not body.is_gone:
            body.refused = body.refused or await self._failed()
        last = self._last(counted, at, body.refused)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _failed(self) -> Refused:
        LOG.error("a batch was broken off: %s", await self._worker.how_it_ended())
        return refuse(503, "serve-batch-failed", message("the process that decided the batch ended"))

    def _last(self, counted: Any, at: Any, refused: Refused | None) -> bytes:
        """Say how the batch ended: what was counted, or that it is not whole."""
        policy = {"id": self._kept.id, "digest": self._kept.digest, "engine": __version__}
        ended = counted is not None and refused is None
        found = {"schema": 1, "end": "whole" if ended else "broken", "policy": policy, "at": at.isoformat()}
        if refused is not None:
            from svc_policy.errors import problem_to_dict

            found["problems"] = [problem_to_dict(one) for one in refused.problems]
        return msgspec.json.encode({**found, **(counted or {})}) + b"\n"

    async def _feed(self, body: _Body) -> None:
        """Send the body on, whole lines at a time, then the empty frame."""
        while lines := await body.lines():
            await self._worker.send(lines)
            body.sent += 1
        await self._worker.send(b"")
        body.is_done = True

    async def _next(self, feeding: asyncio.Task[None], body: _Body) -> bytes | None:
        """Give the answer to the next frame, None after the last one."""
        while body.answered == body.sent:
            if body.is_done:
                return None
            if feeding.done():
                feeding.result()
            moved = asyncio.ensure_future(body.moved.wait())
            try:
                await asyncio.wait({feeding, moved}, return_when="FIRST_COMPLETED")
            finally:
                moved.cancel()
            body.moved.clear()
        async with asyncio.timeout(self._limits.heavy):
            found = await self._worker.receive()
        body.answered += 1
        return found


class _Body:
    """The body of a batch, cut into frames of whole lines."""

    def __init__(self, receive: Any, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._rest = b""
        self._since: float | None = None
        #: Bytes that are kept of the line that has not ended.
        self._open = 0
        self._ended = False
        self._pending: asyncio.Task[Any] | None = None
        self._sent = 0
        self.answered = 0
        self._is_done = False
        self.moved = asyncio.Event()
        #: What stopped the body before its end.
        self.refused: Refused | None = None
        #: Whether the client is.
        self.is_gone = False

    @property
    def sent(self) -> int:
        """Frames that went to the process."""
        return self._sent

    @sent.setter
    def sent(self, count: int) -> None:
        self._sent = count
        self.moved.set()

    @property
    def is_done(self) -> bool:
        """Whether the last frame went."""
        return self._is_done

    @is_done.setter
    def is_done(self, value: bool) -> None:
        self._is_done = value
        self.moved.set()

    async def lines(self) -> bytes:
        """Give the next whole lines; nothing at the end."""
        self._since = time.monotonic()
        try:
            return await self._lines()
        finally:
            self._since = None

    @property
    def stands(self) -> float:
        """Seconds for which everything is answered and no whole line has come."""
        if self._since is None or self.answered < self._sent or self.refused is not None:
            return 0.0
        return time.monotonic() - self._since

    def give_way(self) -> None:
        """End the batch here, for another that needs its place."""
        text = message("the batch stood still for {seconds} s while another needed its place", seconds=int(self.stands))
        self.refused = refuse(503, "serve-batch-still", text, message("send what is left as another batch"))
        self.close()

    async def _lines(self) -> bytes:
        pieces = [self._rest]
        size, count = len(self._rest), 0
        self._rest = b""
        # Without a whole line there is nothing to give, and nothing is the end.
        while not self._ended and (count == 0 or (size < FRAME and count < MOST_LINES)):
            piece = await self._piece(is_first=count == 0)
            if piece is None:
                break
            piece = self._bounded(piece)
            size += len(piece)
            count += piece.count(b"\n")
            pieces.append(piece)
        whole = b"".join(pieces)
        if self._ended and self.refused is None:
            return whole
        end = whole.rfind(b"\n") + 1
        whole, self._rest = whole[:end], whole[end:]
        return whole

    def _bounded(self, piece: bytes) -> bytes:
        """Leave out what comes of a line after its first bytes too many, which are what it is refused for."""
        end = piece.rfind(b"\n") + 1
        if self._open > self._limits.line:
            # A line without end: its rest is passed over.
            piece = piece[piece.index(b"\n") :] if end else b""
            end = piece.rfind(b"\n") + 1
        begun = len(piece) - end + (0 if end else self._open)
        self._open = min(begun, self._limits.line + 1)
        return piece[: len(piece) - (begun - self._open)]

    def close(self) -> None:
        """Wait for nothing more."""
        if self._pending is not None:
            self._pending.cancel()

    async def _piece(self, *, is_first: bool) -> bytes | None:
        """Receive a piece of the body; None if there was a pause and something has come before."""
        if self._pending is None:
            self._pending = asyncio.create_task(self._receive())
        if is_first:
            await asyncio.wait({self._pending})
        else:
            done, _ = await asyncio.wait({self._pending}, timeout=PAUSE)
            while not done and self.answered < self._sent:
                # Nobody waits for what has come: the process has enough to do.
                done, _ = await asyncio.wait({self._pending}, timeout=PAUSE)
            if not done:
                return None
        try:
            if self._pending.cancelled():
                self._ended = True
                return b""
            piece = self._pending.result()
        except Refused as refused:
            self.refused = refused
            self._ended = True
            return b""
        finally:
            self._pending = None
        if piece["type"] == "http.disconnect":
            self._ended = self.is_gone = True
            raise ConnectionResetError
        self._ended = not piece.get("more_body", False)
        found: bytes = piece.get("body", b"")
        return found
