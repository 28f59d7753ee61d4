"""What stands before every request: who may ask, how much, how long; and what is noted of it afterwards.

An ASGI application around the routes. Without tokens only this machine may ask, and no web page on it: the host
has to be a name of this machine (which a rebound DNS name is not), and a page of another origin is refused.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, MutableMapping
from datetime import UTC, datetime
from types import CoroutineType, coroutine
from typing import Any, Final

from svc_policy.errors import Problem
from svc_policy.messages import message
from svc_policy.server.metrics import Metrics
from svc_policy.server.problems import MEDIA_TYPE, Refused, language_in, problem_body, refuse
from svc_policy.server.routes import NONE, Route, methods_of, route_of
from svc_policy.server.settings import Settings
from svc_policy.server.tokens import Tokens, is_expired

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
_NO_STORE: Final = (b"cache-control", b"no-store")


class Cut(Exception):  # noqa: N818 - ends a request whose client does not go on
    """The client stopped sending or reading."""


class Guard:
    """The application that a server runs."""

    def __init__(
        self, inner: Application, settings: Settings, metrics: Metrics, direct: Mapping[str, Application] | None = None
    ) -> None:
        self._inner = inner
        #: What is asked most, by the name of its route: asked without the way through the framework.
        self._direct = direct or {}
        self._settings = settings
        self._limits = settings.limits
        self._metrics = metrics
        self._tokens = None if settings.tokens is None else Tokens(settings.tokens)
        self._log = AccessLog() if settings.access_log else None
        self._run = secrets.token_hex(3)
        self._number = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began = time.perf_counter()
        method: str = scope["method"]
        route = route_of(method, scope["path"])
        exchange = _Exchange(scope, receive, send, route, self._settings)
        scope["svc_policy_id"] = f"{self._run}-{next(self._number)}"
        who = "-"
        self._metrics.open += 1
        try:
            try:
                who = self._admitted(scope, route)
                if method == "OPTIONS" and (allowed := methods_of(scope["path"])):
                    await exchange.tell(allowed)
                    return
                if route in NONE:
                    raise refuse(404, "serve-not-found", message("there is nothing at this path"))
                inner = self._direct.get(route.name, self._inner) if method == route.method else self._inner
                await inner(scope, exchange.receive, exchange.send)
            except Refused as refused:
                await exchange.refuse(refused)
        finally:
            self._metrics.open -= 1
            took = time.perf_counter() - began
            status = exchange.status if exchange.is_whole else 499
            self._metrics.answered(route.name, method, status, took)
            if self._log is not None:
                self._log.note(scope, route, status, took, exchange.sent, who)

    def close(self) -> None:
        """Write what is still to be noted."""
        if self._log is not None:
            self._log.flush()

    def _admitted(self, scope: Scope, route: Route) -> str:
        """See that a request may be asked; says whose token it has.

        Raises:
            Refused: It may not.
        """
        host = origin = given = site = mode = None
        for name, value in scope["headers"]:
            if name == b"host":
                _check_once(name, host)
                host = value
            elif name == b"origin":
                _check_once(name, origin)
                origin = value
            elif name == b"authorization":
                _check_once(name, given)
                given = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"sec-fetch-mode":
                mode = value
        if self._tokens is None:
            name = (host or b"").decode("latin-1").lower()
            if _without_port(name) not in LOCAL:
                text = message("without tokens the service answers to names of this machine only")
                raise refuse(421, "serve-host", text, message("ask for {names}", names=", ".join(sorted(LOCAL))))
            if (origin is not None and origin.decode("latin-1").lower().partition("://")[2] != name) or (
                # A link on a page elsewhere may lead here; the page that it opens has nothing of a policy in it.
                site == b"cross-site" and not (route.name == "page" and mode == b"navigate")
            ):
                text = message("a page of another origin may not ask without a token")
                raise refuse(403, "serve-origin", text)
            return "-"
        if route.scope is None:
            return "-"
        return self._allowed(self._tokens, given, route.scope)

    @staticmethod
    def _allowed(tokens: Tokens, given: bytes | None, scope: str) -> str:
        kind, _, word = (given or b"").decode("latin-1").partition(" ")
        challenge = {"www-authenticate": 'Bearer realm="svc-policy"'}
        if kind.lower() != "bearer" or not word.strip():
            text = message("this needs a token that allows `{scope}`", scope=scope)
            advice = message("send it as `{header}`", header="Authorization: Bearer TOKEN")
            raise refuse(401, "serve-token-missing", text, advice, challenge)
        token = tokens.find(word.strip())
        invalid = {"www-authenticate": 'Bearer realm="svc-policy", error="invalid_token"'}
        if token is None:
            raise refuse(401, "serve-token-unknown", message("there is no such token"), headers=invalid)
        if is_expired(token):
            raise refuse(401, "serve-token-expired", message("the token has expired"), headers=invalid)
        if scope not in token.scopes:
            text = message("the token does not allow `{scope}`", scope=scope)
            short = {"www-authenticate": f'Bearer realm="svc-policy", error="insufficient_scope", scope="{scope}"'}
            raise refuse(403, "serve-token-scope", text, headers=short)
        return token.name


def _check_once(name: bytes, before: bytes | None) -> None:
    if before is not None:
        raise refuse(400, "serve-head-twice", message("the head of the request has `{name}` twice", name=name.decode()))


def _without_port(name: str) -> str:
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


class _Exchange:
    """One request and its answer, counted and timed on their way."""

    __slots__ = (
        "_came",
        "_came_whole",
        "_deadline",
        "_idle",
        "_is_gone",
        "_most",
        "_receive",
        "_scope",
        "_send",
        "_started",
        "is_whole",
        "sent",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, route: Route, settings: Settings) -> None:
        limits = settings.limits
        self._scope = scope
        self._receive = receive
        self._send = send
        self._came = 0
        body = route.body
        self._most: int | None = (
            limits.ticket
            if body == "ticket"
            else limits.upload
            if body == "upload"
            else None
            if body == "stream"
            else 64 * 1024
        )
        self._idle = limits.idle
        self._deadline = None if route.body == "stream" else time.monotonic() + limits.body
        self._came_whole = False
        self._is_gone = False
        self._started = False
        #: Whether all of the answer was taken, as far as one knows.
        self.is_whole = False
        self.status = 0
        self.sent = 0

    async def receive(self) -> Message:
        """Give the next piece of the body.

        Raises:
            Refused: The body is too large, or does not come.
        """
        if self._came_whole:
            # Nothing comes any more but the end of the connection, which may be waited for.
            piece = await self._receive()
            self._is_gone = piece["type"] == "http.disconnect"
            return piece
        wait = self._idle if self._deadline is None else self._deadline - time.monotonic()
        if self._came == 0 and self._most is not None:
            self._check_length(self._most)
        try:
            piece = await _in_time(self._receive(), max(wait, 0))
        except TimeoutError:
            text = message("the body of the request did not come in time")
            raise refuse(408, "serve-body-slow", text, headers={"connection": "close"}) from None
        self._came_whole = not piece.get("more_body", False)
        if piece["type"] == "http.disconnect":
            self._is_gone = True
            if self._most is not None:
                # Nobody reads this.
                raise Refused(499, ())
        if piece["type"] == "http.request" and self._most is not None:
            self._came += len(piece.get("body", b""))
            if self._came > self._most:
                raise self._too_large(self._most)
        return piece

    def _check_length(self, most: int) -> None:
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > most:
                raise self._too_large(most)

    @staticmethod
    def _too_large(most: int) -> Refused:
        text = message("the body is larger than {most} bytes", most=most)
        return refuse(413, "serve-body-large", text, headers={"connection": "close"})

    async def send(self, piece: Message) -> None:
        """Send a piece of the answer.

        Raises:
            Cut: The client does not read.
        """
        if piece["type"] == "http.response.start":
            self._started = True
            self.status = piece["status"]
            given = piece["headers"]
            headers = [*given, *_HEADERS, (b"svc-policy-request", self._scope["svc_policy_id"].encode())]
            for name, _ in given:
                if name == b"cache-control":
                    break
            else:
                headers.append(_NO_STORE)
            piece["headers"] = headers
            await self._send(piece)
            return
        self.sent += len(piece.get("body", b""))
        if not piece.get("more_body", False):
            await self._send(piece)
            self.is_whole = not self._is_gone
            return
        try:
            async with asyncio.timeout(self._idle):
                await self._send(piece)
        except TimeoutError:
            raise Cut from None

    async def tell(self, methods: str) -> None:
        """Say which methods a path takes; what a page of another origin asks here is answered with no leave."""
        headers = [(b"allow", methods.encode()), (b"content-length", b"0")]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def refuse(self, refused: Refused) -> None:
        """Answer with a problem; a started answer is cut instead.

        Raises:
            Cut: The answer had begun.
        """
        if self._started:
            raise Cut
        problems: tuple[Problem, ...] = refused.problems
        accepted = next((value for name, value in self._scope["headers"] if name == b"accept-language"), b"")
        language = language_in(None, accepted.decode("latin-1"))
        instance = f"urn:svc-policy:request:{self._scope['svc_policy_id']}"
        body = problem_body(refused.status, problems, language, instance, refused.findings)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"content-language", language.encode()),
            *((name.encode(), value.encode()) for name, value in refused.headers.items()),
        ]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})


async def _in_time(waited: Awaitable[Message], seconds: float) -> Message:
    """Await something for so long; what is there already costs no clock.

    Raises:
        TimeoutError: It did not come.
    """
    if not isinstance(waited, CoroutineType):
        async with asyncio.timeout(seconds):
            return await waited
    try:
        first = waited.send(None)
    except StopIteration as ended:
        piece: Message = ended.value
        return piece
    async with asyncio.timeout(seconds):
        return await _go_on(waited, first)


@coroutine
def _go_on(begun: Any, first: Any) -> Generator[Any, Any, Message]:
    """Go on awaiting what has begun to wait for `first`."""
    try:
        yield first
    except BaseException as error:
        # Whoever ends the waiting ends it in there.
        begun.throw(error)
        raise
    piece: Message = yield from begun
    return piece


class AccessLog:
    """One line a request on standard error: the route and not the path, so that nothing a client wrote is in it."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def note(self, scope: Scope, route: Route, status: int, took: float, sent: int, who: str) -> None:
        """Note a request."""
        client = scope.get("client")
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(
            f"{moment} {client[0] if client else '-'} {route.method if scope['method'] == route.method else 'OTHER'} "
            f"{route.name} {status} {took * 1000:.1f}ms {sent}B token={who!r} request={scope['svc_policy_id']}\n"
        )
        if len(self._lines) == 1:
            # Written together: a line of its own for each would cost a tenth of deciding.
            asyncio.get_running_loop().call_later(0.1, self.flush)

    def flush(self) -> None:
        """Write what has gathered."""
        lines, self._lines = self._lines, []
        if lines:
            sys.stderr.write("".join(lines))
            sys.stderr.flush()
