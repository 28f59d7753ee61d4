"""The routes that answer from what is in memory: the policies, and decisions under one of them.

Those that decide are plain ASGI: what the framework makes of a request and of an answer costs as much as deciding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, asgi, get
from litestar.exceptions import MethodNotAllowedException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from svc_policy.messages import message
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
_QUOTE: Final = frozenset(answering.QUOTE)


def _kept(asked: Asked) -> Kept:
    """Find the policy that is asked; what these routes take is `POST` alone.

    Raises:
        MethodNotAllowedException: It is asked otherwise.
        Refused: There is no such policy.
    """
    if asked.scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"Allow": "POST, OPTIONS"})
    return found_policy(asked, asked.scope["path_params"]["name"])


async def _body(asked: Asked, receive: Receive) -> bytes | None:
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


@asgi("/v1/policies/{name:str}/decide", copy_scope=False)
async def decide(scope: Scope, receive: Receive, send: Send) -> None:
    """Decide a ticket."""
    asked = Asked(scope)
    query = query_of(asked, "at", "keys", "lang")
    kept = _kept(asked)
    language_of(asked, query)
    body = await _body(asked, receive)
    if body is None:
        return
    keys = answering.keys_in(query.get("keys"))
    at = query.get("at")
    if len(body) <= LARGE:
        made = answering.decided(kept.policy, body, at, keys)
    else:
        made = await asyncio.to_thread(answering.decided, kept.policy, body, at, keys)
    await answer(made, kept)(scope, receive, send)


@asgi("/v1/policies/{name:str}/quote", copy_scope=False)
async def quote(scope: Scope, receive: Receive, send: Send) -> None:
    """Quote a ticket."""
    asked = Asked(scope)
    query = query_of(asked, "at", "lang")
    kept = _kept(asked)
    language_of(asked, query)
    body = await _body(asked, receive)
    if body is None:
        return
    at = query.get("at")
    made = await _run(len(body), lambda: answering.decided(kept.policy, body, at, _QUOTE))
    await answer(made, kept)(scope, receive, send)


@asgi("/v1/policies/{name:str}/explain", copy_scope=False)
async def explain(scope: Scope, receive: Receive, send: Send) -> None:
    """Explain the decision of a ticket."""
    asked = Asked(scope)
    query = query_of(asked, "at", "lang")
    kept = _kept(asked)
    language = language_of(asked, query)
    body = await _body(asked, receive)
    if body is None:
        return
    at = query.get("at")
    made = await _run(len(body), lambda: answering.explained(kept.policy, body, at, language))
    await answer(made, kept, language=language)(scope, receive, send)


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
