"""The routes that answer from what is in memory: the policies, and decisions under one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from svc_policy.messages import message
from svc_policy.server import answering
from svc_policy.server.problems import refuse
from svc_policy.server.requests import JSON, answer, found_policy, language_of, media_type_of, query_of, summary
from svc_policy.server.shelf import Shelf

#: A ticket of more bytes is read and decided beside the loop that answers the others.
LARGE: Final = 32 * 1024


async def _body(request: Request[Any, Any, Any]) -> bytes:
    if media_type_of(request) != JSON:
        text = message("a ticket is sent as `{wanted}`", wanted=JSON)
        raise refuse(415, "serve-media-type", text, headers={"accept": JSON})
    found: bytes = await request.body()
    return found


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


@post("/v1/policies/{name:str}/decide", status_code=200)
async def decide(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Decide a ticket."""
    query = query_of(request, "at", "keys", "lang")
    kept = found_policy(request, name)
    language_of(request, query)
    body = await _body(request)
    keys = answering.keys_in(query.get("keys"))
    at = query.get("at")
    return answer(await _run(len(body), lambda: answering.decided(kept.policy, body, at, keys)), kept)


@post("/v1/policies/{name:str}/quote", status_code=200)
async def quote(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Quote a ticket."""
    query = query_of(request, "at", "lang")
    kept = found_policy(request, name)
    language_of(request, query)
    body = await _body(request)
    at = query.get("at")
    work = lambda: answering.decided(kept.policy, body, at, frozenset(answering.QUOTE))  # noqa: E731
    return answer(await _run(len(body), work), kept)


@post("/v1/policies/{name:str}/explain", status_code=200)
async def explain(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Explain the decision of a ticket."""
    query = query_of(request, "at", "lang")
    kept = found_policy(request, name)
    language = language_of(request, query)
    body = await _body(request)
    at = query.get("at")
    work = lambda: answering.explained(kept.policy, body, at, language)  # noqa: E731
    return answer(await _run(len(body), work), kept, language=language)


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
