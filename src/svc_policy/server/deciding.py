"""The routes that answer from what is in memory: the policies, and decisions under one of them.

Those that decide are plain ASGI: what the framework makes of a request and of an answer costs as much as deciding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from svc_policy.messages import Language, message
from svc_policy.server import answering
from svc_policy.server.problems import refuse
from svc_policy.server.requests import (
    JSON,
    Asked,
    answer,
    found_policy,
    language_of,
    media_type_of,
    query_of,
    summary,
)
from svc_policy.server.shelf import Kept, Shelf

#: A ticket of more bytes is read and decided beside the loop that answers the others.
LARGE: Final = 32 * 1024
_QUOTED: Final = frozenset(answering.QUOTE)
#: An application of ASGI, of which each argument is as there.
Plain = Callable[[Any, Any, Any], Awaitable[None]]


def _kept(asked: Asked) -> Kept:
    """Find the policy that the path names, as in `/v1/policies/mall/decide`."""
    return found_policy(asked, asked.scope["path"].split("/", 4)[3])


async def _body(asked: Asked, receive: Any) -> bytes | None:
    """Receive the body whole; None if the client has gone."""
    if media_type_of(asked) != JSON:
        text = message("a ticket is sent as `{wanted}`", wanted=JSON)
        raise refuse(415, "serve-media-type", text, headers={"accept": JSON})
    pieces: list[bytes] = []
    while True:
        piece = await receive()
        if piece["type"] == "http.disconnect":
            return None
        pieces.append(piece.get("body", b""))
        if not piece.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _run(size: int, work: Callable[[], bytes]) -> bytes:
    return work() if size <= LARGE else await asyncio.to_thread(work)


@get("/v1/policies")
async def policies(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the policies."""
    query_of(request)
    shelf: Shelf = request.app.state.shelf
    listed = [summary(shelf, kept) for kept in shelf]
    return answer(msgspec.json.encode({"schema": 1, "policies": listed}))


@get("/v1/policies/{name:str}")
async def policy(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Describe a policy."""
    query_of(request)
    kept = found_policy(request, name)
    found = {**summary(request.app.state.shelf, kept), **answering.described(kept.policy)}
    return answer(msgspec.json.encode({"schema": 1, "policy": found}), kept)


@get("/v1/policies/{name:str}/rules")
async def rules(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """List the rules of a policy."""
    query_of(request)
    kept = found_policy(request, name)
    return answer(await asyncio.to_thread(lambda: msgspec.json.encode(answering.listed_rules(kept.policy))), kept)


@get("/v1/policies/{name:str}/tables")
async def tables(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Give the tables of a policy."""
    query_of(request)
    kept = found_policy(request, name)
    return answer(await asyncio.to_thread(lambda: msgspec.json.encode(answering.listed_tables(kept.policy))), kept)


@get("/v1/policies/{name:str}/ticket-schema")
async def ticket_schema(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Give the JSON Schema of a ticket of a policy."""
    from svc_policy.facts.schema import ticket_schema as schema_of
    from svc_policy.units import minor_digits

    query_of(request)
    kept = found_policy(request, name)
    settings = kept.policy.pack.settings
    found = schema_of(settings.company_facts, currency_digits=minor_digits(settings.currency) or 0)
    return answer(msgspec.json.encode(found), kept)


async def _asked_of(scope: Any, receive: Any, *names: str) -> tuple[Kept, bytes | None, Mapping[str, str], Language]:
    """Take what decides a ticket: the policy, the body (None if the client has gone), the query, the language."""
    asked = Asked(scope)
    query = query_of(asked, *names)
    kept = _kept(asked)
    language = language_of(asked, query)
    return kept, await _body(asked, receive), query, language


async def _decide(scope: Any, receive: Any, send: Any) -> None:
    """Decide a ticket."""
    kept, body, query, _ = await _asked_of(scope, receive, "at", "keys", "lang")
    if body is None:
        return
    keys = answering.keys_in(query.get("keys"))
    made = await _run(len(body), lambda: answering.decided(kept.policy, body, query.get("at"), keys))
    await answer(made, kept)(scope, receive, send)


async def _quote(scope: Any, receive: Any, send: Any) -> None:
    """Quote a ticket."""
    kept, body, query, _ = await _asked_of(scope, receive, "at", "lang")
    if body is None:
        return
    made = await _run(len(body), lambda: answering.decided(kept.policy, body, query.get("at"), _QUOTED))
    await answer(made, kept)(scope, receive, send)


async def _explain(scope: Any, receive: Any, send: Any) -> None:
    """Explain the decision of a ticket."""
    kept, body, query, language = await _asked_of(scope, receive, "at", "lang")
    if body is None:
        return
    made = await _run(len(body), lambda: answering.explained(kept.policy, body, query.get("at"), language))
    await answer(made, kept, language=language)(scope, receive, send)


class _Direct(ASGIResponse):
    """Goes on as plain ASGI from a handler of the framework."""

    def __init__(self, goes_on: Plain) -> None:
        self._goes_on = goes_on

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._goes_on(scope, receive, send)


#: What decides, by the name of its route. The guard calls these; the handlers below are for an application without it.
DIRECT: Final[Mapping[str, Plain]] = {"decide": _decide, "quote": _quote, "explain": _explain}


@post("/v1/policies/{name:str}/decide", status_code=200)
async def decide() -> ASGIResponse:
    """Decide a ticket."""
    return _Direct(_decide)


@post("/v1/policies/{name:str}/quote", status_code=200)
async def quote() -> ASGIResponse:
    """Quote a ticket."""
    return _Direct(_quote)


@post("/v1/policies/{name:str}/explain", status_code=200)
async def explain() -> ASGIResponse:
    """Explain the decision of a ticket."""
    return _Direct(_explain)


@get("/health/live")
async def live() -> ASGIResponse:
    """Say that the service runs."""
    return answer(b'{"status":"live"}')


@get("/health/ready")
async def ready(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Say that the service takes requests: not any more once it is told to stop."""
    if request.app.state.stopping:
        raise refuse(503, "serve-stopping", message("the service is stopping"), headers={"retry-after": "5"})
    return answer(b'{"status":"ready"}')
