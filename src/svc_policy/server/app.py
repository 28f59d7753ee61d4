"""The routes of the service as a Litestar application; the guard around it is in :mod:`.guard`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from importlib import util
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Litestar, Request, Response, Router, get, post
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.exceptions import SerializationException
from litestar.response.base import ASGIResponse

from svc_policy.errors import PolicyError, problem
from svc_policy.messages import Language, message
from svc_policy.policy import Policy
from svc_policy.server import answering, problems
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.settings import Settings
from svc_policy.server.shelf import Kept, Shelf

JSON: Final = "application/json"
#: A ticket of more bytes is read and decided beside the loop that answers the others.
LARGE: Final = 32 * 1024
ERRORS = logging.getLogger("svc_policy.server")


def query_of(request: Request[Any, Any, Any], *known: str) -> dict[str, str]:
    """Read the query; a name that is not known, or is there twice, is refused.

    Raises:
        Refused: It cannot be read.
    """
    raw: bytes = request.scope["query_string"]
    if not raw:
        return {}
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=20)
    except (ValueError, UnicodeDecodeError):
        raise refuse(400, "serve-query", message("the query cannot be read")) from None
    for name, value in pairs:
        if name not in known or name in found:
            text = message("the query has a `{name}` that is not asked for here", name=name[:60])
            raise refuse(400, "serve-query", text, message("known here: {known}", known=", ".join(known) or "-"))
        found[name] = value
    return found


def language_of(request: Request[Any, Any, Any], given: Mapping[str, str] | None = None) -> Language:
    """Choose the language of an answer.

    Raises:
        Refused: The one that is asked for is not known.
    """
    asked = None if given is None else given.get("lang")
    if asked is not None and asked not in ("en", "zh"):
        text = message("`{value}` is no value of `{name}`", value=asked[:60], name="lang")
        raise refuse(400, "serve-query", text, message("known here: {known}", known="en, zh"))
    return problems.language_in(asked, request.headers.get("accept-language"))


def answer(body: bytes, kept: Kept | None = None, status: int = 200, language: Language | None = None) -> ASGIResponse:
    """Give JSON, with the digest of the policy that made it."""
    headers = {}
    if kept is not None:
        headers["etag"] = f'"{kept.digest}"'
        headers["svc-policy-digest"] = kept.digest
    if language is not None:
        headers["content-language"] = language
    return ASGIResponse(body=body, status_code=status, media_type=JSON, headers=headers)


def found_policy(request: Request[Any, Any, Any], name: str) -> Kept:
    """Find the policy that a path names; `If-Match` says that it has to be of one digest.

    Raises:
        Refused: There is none, or it is of another digest.
    """
    kept: Kept = request.app.state.shelf.find(name)
    wanted = request.headers.get("if-match")
    if wanted is not None and wanted.strip() != "*":
        digests = [part.strip().removeprefix("W/").strip('"') for part in wanted.split(",")]
        if not any(digest and kept.digest == digest for digest in digests):
            text = message("policy `{name}` has digest `{digest}`", name=kept.id, digest=kept.digest[:12])
            advice = message("`{path}` asks for one that is kept", path="/v1/policies/{name}@{digest}")
            raise refuse(412, "serve-digest-other", text, advice, {"etag": f'"{kept.digest}"'})
    return kept


async def _body(request: Request[Any, Any, Any]) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        text = message("a ticket is sent as `{wanted}`", wanted=JSON)
        raise refuse(415, "serve-media-type", text, headers={"accept": JSON})
    return await request.body()


async def _run(size: int, work: Callable[[], bytes]) -> bytes:
    return work() if size <= LARGE else await asyncio.to_thread(work)


@get("/v1/policies")
async def policies(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the policies."""
    query_of(request)
    shelf: Shelf = request.app.state.shelf
    listed = [summary(shelf, kept) for kept in shelf]
    return answer(msgspec.json.encode({"schema": 1, "policies": listed}))


def summary(shelf: Shelf, kept: Kept) -> dict[str, Any]:
    """Say of a policy what it is called, and which ones of its name are kept."""
    settings = kept.policy.pack.settings
    active = shelf.active(kept.id)
    return {
        "id": kept.id,
        "digest": kept.digest,
        "titles": dict(settings.titles),
        "timezone": settings.timezone,
        "currency": settings.currency,
        "kept": [
            {
                "digest": one.digest,
                "active": active is not None and one.digest == active.digest,
                "published": one.is_published,
                "since": one.since.isoformat(),
            }
            for one in shelf.of(kept.id)
        ],
    }


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


def _on_refused(request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    return _answered(request, error.status, error.problems, error.headers)


def _on_policy_error(request: Request[Any, Any, Any], error: PolicyError) -> Response[bytes]:
    return _answered(request, problems.status_of(error), error.problems, {})


def _on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    status = error.status_code
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    found = []
    if status == 404:
        found = [problem("serve-not-found", message("there is nothing at this path"))]
    elif status == 405:
        allowed = headers.get("allow", "")
        found = [problem("serve-method", message("this path takes {methods}", methods=allowed or "-"))]
    elif status >= 500:
        return _on_any(request, error)
    return _answered(request, status, found, headers)


def _on_any(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # What it was about may be in the text of the error; where it was is enough to find it.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "-" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    ERRORS.error("%s at %s (request %s)", type(error).__name__, where, request.scope.get("svc_policy_id", "-"))
    return _answered(request, 500, [problem("serve-internal", message("an error of the service, noted in its log"))], {})


def _answered(request: Request[Any, Any, Any], status: int, found: Any, headers: Mapping[str, str]) -> Response[bytes]:
    asked = None
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1")):
        if name == "lang" and value in ("en", "zh"):
            asked = value
    language = problems.language_in(asked, request.headers.get("accept-language"))
    instance = f"urn:svc-policy:request:{request.scope.get('svc_policy_id', '-')}"
    body = problems.problem_body(status, found, language, instance)
    shown = {name: value for name, value in headers.items() if name != "content-type"}
    return Response(
        body,
        status_code=status,
        media_type=problems.MEDIA_TYPE,
        headers={**shown, "content-language": language},
    )


def create_app(policies_: Shelf | Mapping[str, Policy], settings: Settings | None = None) -> Litestar:
    """Make the application: routes and how errors are answered, without the guard around it."""
    settings = settings or Settings()
    shelf = policies_ if isinstance(policies_, Shelf) else _shelf_of(policies_, settings)
    handlers: list[Any] = [
        policies, policy, rules, tables, ticket_schema, decide, quote, explain, live, ready,
    ]
    if util.find_spec("svc_policy.server.desk") and util.find_spec("svc_policy.server.desk.desk"):
        from svc_policy.server.desk.desk import desk_router

        handlers.append(desk_router())
    return Litestar(
        route_handlers=handlers,
        openapi_config=None,
        state=State({"shelf": shelf, "settings": settings, "stopping": False}),
        exception_handlers={
            Refused: _on_refused,
            PolicyError: _on_policy_error,
            HTTPException: _on_http,
            Exception: _on_any,
        },  # type: ignore[dict-item]
        logging_config=None,
        debug=False,
    )


def _shelf_of(policies_: Mapping[str, Policy], settings: Settings) -> Shelf:
    from pathlib import Path

    return Shelf(
        (Kept(policy=one, path=Path(one.pack.path)) for one in policies_.values()), most=settings.limits.kept
    )
