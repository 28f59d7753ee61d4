"""Run the service under uvicorn: one socket, limits that uvicorn lacks, a stop that lets requests end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from svc_policy.errors import Problem, UsageError, problem, reason_of
from svc_policy.messages import message
from svc_policy.server import answering
from svc_policy.server.app import Service, create_service
from svc_policy.server.gathering import Gathered
from svc_policy.server.guard import Cut
from svc_policy.server.problems import MEDIA_TYPE, problem_body, refuse
from svc_policy.server.settings import Limits, Settings
from svc_policy.server.shelf import Kept

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
#: Seconds that the end itself may take.
_GRACE: Final = 2.0
#: Looks whether a client goes on reading, in the time in which it has to.
_LOOKS: Final = 4
#: Seconds and bytes for the rest of a body whose request is answered already.
_LINGER: Final = 5.0
_MOST_MORE: Final = 2**20
_REASONS: Final = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


def _protocol_of(limits: Limits) -> type[HttpToolsProtocol]:
    """Make uvicorn's protocol with bounds on the head of a request and on the number of connections."""

    class Bounded(HttpToolsProtocol):
        """A connection whose client has to send the head of a request in time, and not without end."""

        _patience: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None
        _left = 0
        _looks = 0
        _lingering: asyncio.TimerHandle | None = None
        _more = 0
        _head = 0
        _in_head = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(Gathered(transport, self.loop))
            if len(self.connections) > limits.connections:
                self._refuse(503, "serve-connections", message("there are too many connections"))
                return
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            self._stop_watching()
            self._stop_lingering()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch()

        def resume_writing(self) -> None:
            self._stop_watching()
            super().resume_writing()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.transport.is_closing():
                self._watch()
            elif self.cycle.response_complete and self.cycle.more_body:
                # A body that was not waited for: a little of it may still be under way.
                self._more = 0
                self._lingering = self.loop.call_later(_LINGER, self.transport.abort)

        def on_message_complete(self) -> None:
            self._stop_lingering()
            super().on_message_complete()

        def _stop_lingering(self) -> None:
            if self._lingering is not None:
                self._lingering.cancel()
                self._lingering = None

        def timeout_keep_alive_handler(self) -> None:
            super().timeout_keep_alive_handler()
            self._watch()

        def _watch(self) -> None:
            """See that the client reads what is written, which would else be kept for ever, as the connection."""
            if self._unread is None and (left := self.transport.get_write_buffer_size()):
                self._left, self._looks = left, 0
                self._unread = self.loop.call_later(limits.idle / _LOOKS, self._look)

        def _look(self) -> None:
            self._unread = None
            left = self.transport.get_write_buffer_size()
            self._looks = self._looks + 1 if left >= self._left else 0
            self._left = left
            if self._looks == _LOOKS:
                self.transport.abort()
            elif left:
                self._unread = self.loop.call_later(limits.idle / _LOOKS, self._look)

        def _stop_watching(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            if self._in_head:
                self._head += len(data)
                if self._head > limits.head_size:
                    text = message("the head is larger than {most} bytes", most=limits.head_size)
                    self._refuse(431, "serve-head-large", text)
            elif self._lingering is not None:
                self._more += len(data)
                if self._more > _MOST_MORE:
                    self.transport.abort()
            elif self._patience is None and (self.cycle is None or self.cycle.response_complete):
                # Blank lines before a head are no head.
                self._wait()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head = True
            self._head = 0
            if self._patience is None:
                self._wait()

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._stop_waiting()
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, "serve-http", message("this is no HTTP"))

        def _wait(self) -> None:
            self._patience = self.loop.call_later(limits.headers, self._out_of_patience)

        def _stop_waiting(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

        def _out_of_patience(self) -> None:
            self._patience = None
            if self.transport.is_closing():
                return
            if self._in_head:
                self._refuse(408, "serve-head-slow", message("the head of the request did not come in time"))
            else:
                self.transport.close()
                self._watch()

        def _refuse(self, status: int, code: str, text: Any) -> None:
            self._stop_waiting()
            body = problem_body(status, refuse(status, code, text).problems, "en", "urn:svc-policy:request:-")
            head = (
                f"HTTP/1.1 {status} {_REASONS.get(status, 'Bad Request')}\r\ncontent-type: {MEDIA_TYPE}\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            if not self.transport.is_closing():
                self.transport.write(head.encode() + body)
                self.transport.close()
                self._watch()

    return Bounded


class _Server(uvicorn.Server):
    """A server that ends with 0 when it is told to stop, and at once when it is told again."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None], at_once: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._at_once = at_once
        self.should_exit = False

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals over while it runs."""
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in wanted}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the second time at once."""
        if self.should_exit:
            self._at_once()
            os._exit(128 + sig)
        self.should_exit = True
        self._on_stop()
        # A thread cannot be ended: one that still works then goes with the process.
        last = threading.Timer((self.config.timeout_graceful_shutdown or 0) + _GRACE, self._abandon)
        last.daemon = True
        last.start()

    def _abandon(self) -> None:
        self._at_once()
        os._exit(0)


def open_socket(settings: Settings) -> socket.socket:
    """Listen.

    Raises:
        UsageError: The address is not on loopback and there are no tokens, or it cannot be had.
    """
    if settings.tokens is None and settings.host not in LOOPBACK:
        text = message("without tokens the service listens on this machine only, not on `{host}`", host=settings.host)
        advice = message("give `--tokens FILE`; `{command}` makes one", command="svc-policy token NAME --tokens FILE")
        raise UsageError([problem("serve-open", text, help=advice)])
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
        listening.setblocking(False)
    except OSError as error:
        text = message(
            "cannot listen on `{host}`, port {port}: {reason}",
            host=settings.host,
            port=settings.port,
            reason=reason_of(error),
        )
        raise UsageError([problem("serve-address", text, help=message("choose another with `--port`"))]) from None
    return listening


def run(
    given: list[Kept],
    settings: Settings,
    started: Callable[[str], None],
    noticed: Callable[[Sequence[Problem]], None] = lambda _: None,
) -> int:
    """Serve until it is told to stop.

    Args:
        given: The policies that are served whatever was published.
        settings: How it runs.
        started: Is called with the address once it listens.
        noticed: Is called before with what is wrong and does not stop it: published policies that cannot be served.

    Raises:
        UsageError: It cannot start.
    """
    _allow_many_files(settings.limits.connections)
    listening = open_socket(settings)
    service = create_service(given, settings)
    try:
        if service.store.problems:
            noticed(service.store.problems)
        for kept in service.manager.shelf:
            answering.ready(kept.policy)
        _serve(service, settings, listening, started)
    finally:
        service.stop()
        service.store.close()
        listening.close()
    return 0


def _serve(service: Service, settings: Settings, listening: socket.socket, started: Callable[[str], None]) -> None:
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        service.guard,
        http=_protocol_of(settings.limits),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(settings.limits.keep_alive),
        timeout_graceful_shutdown=int(settings.limits.stop),
    )

    def on_stop() -> None:
        service.app.state.stopping = True

    def at_once() -> None:
        service.stop()
        service.store.close()
        service.guard.close()

    server = _Server(config, on_stop, at_once)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    # What was loaded stays: looking through it at every collection would stop requests for milliseconds.
    gc.collect()
    gc.freeze()
    # A decision makes thousands of small things and no circle of them.
    gc.set_threshold(50_000, 20, 50)
    started(f"http://{shown}:{port}")
    server.run(sockets=[listening])
    service.guard.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Say whether a line of uvicorn's log is more than that a client went, which the access log says."""
    return record.exc_info is None or not isinstance(record.exc_info[1], Cut)


def _allow_many_files(wanted: int) -> None:
    """Let the process have as many connections as it is to take."""
    try:
        import resource
    except ImportError:  # not on every system
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted + 256
    if soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (min(most, hard) if hard != resource.RLIM_INFINITY else most, hard)
            )


def say(text: str) -> None:
    """Write a line on standard error."""
    print(text, file=sys.stderr, flush=True)
