"""The routes of the desk: the page and its files, which anybody may have, and what the page asks, which needs a token.

The page is one document with a style sheet and modules of script beside it, nothing is built, and it may ask nobody
but this service. Tickets come in bodies and never in addresses.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from typing import Any, Final

import msgspec
from litestar import Request, Router, get, post
from litestar.response.base import ASGIResponse

from svc_policy.messages import Language, message
from svc_policy.pages import render
from svc_policy.server.answering import instant_in
from svc_policy.server.desk.answers import answer_of
from svc_policy.server.desk.questions import described, named, start_of
from svc_policy.server.desk.rows import tables_in_words
from svc_policy.server.desk.steps import steps_of
from svc_policy.server.desk.texts import page_texts
from svc_policy.server.problems import language_in, refuse
from svc_policy.server.requests import JSON, answer, found_policy, language_of, query_of
from svc_policy.server.shelf import Shelf
from svc_policy.server.turns import Turns

TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
#: What the page may load and do: its own files and this service, nothing else, and nothing may frame it.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_PAGE: Final = "server/desk/page"


def desk_router() -> Router:
    """Make the routes of the desk."""
    return Router("/", route_handlers=[root, page, texts, file, policies, form, decided, tables, steps])


# --- the page


@get("/")
async def root() -> ASGIResponse:
    """Lead whoever opens the address of the service to the page."""
    return ASGIResponse(body=b"", status_code=307, headers={"location": "desk"})


@get("/desk")
async def page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Give the page, in the language that the browser prefers; it can be switched there."""
    if request.scope.get("raw_path", b"").endswith(b"/"):
        # The files of the page are named from here: `desk/desk.css` is not under `desk/`.
        return ASGIResponse(body=b"", status_code=308, headers={"location": "../desk"})
    language = language_in(None, request.headers.get("accept-language"))
    return _file(request, _page(language), "text/html")


@get("/desk/texts.json")
async def texts(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Give the texts of the page, in both languages."""
    return _file(request, _texts(), JSON)


@get("/desk/{name:str}")
async def file(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Give a file of the page."""
    found = _files().get(name)
    if found is None:
        raise refuse(404, "serve-not-found", message("there is nothing at this path"))
    return _file(request, found, TYPES[name[name.rindex(".") :]])


@functools.cache
def _page(language: Language) -> bytes:
    return render(f"{_PAGE}/desk.html", language, {"texts": page_texts()[language]}).encode()


@functools.cache
def _texts() -> bytes:
    return msgspec.json.encode(page_texts())


@functools.cache
def _files() -> Mapping[str, bytes]:
    """Read the files of the page: only what is listed here can be asked for."""
    folder = resources.files("svc_policy").joinpath(_PAGE)
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if "." in entry.name and entry.name[entry.name.rindex(".") :] in TYPES
    }


def _file(request: Request[Any, Any, Any], body: bytes, kind: str) -> ASGIResponse:
    """Give a file, which a browser keeps but asks about each time, so that a new edition is seen at once."""
    tag = f'"{_tag(body)}"'
    headers = {
        "etag": tag,
        "cache-control": "no-cache",
        "content-security-policy": POLICY,
        "vary": "accept-language",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if request.headers.get("if-none-match") == tag:
        return ASGIResponse(body=b"", status_code=304, headers=headers)
    return ASGIResponse(body=body, status_code=200, media_type=kind, headers=headers)


@functools.lru_cache(64)
def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]


# --- what the page asks


@get("/v1/desk/policies")
async def policies(request: Request[Any, Any, Any]) -> ASGIResponse:
    """List the policies that can be chosen."""
    query_of(request)
    shelf: Shelf = request.app.state.shelf
    return answer(msgspec.json.encode({"schema": 1, "policies": [named(kept.policy) for kept in shelf]}))


@get("/v1/desk/policies/{name:str}/form")
async def form(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Describe the facts that a policy reads, and begin a ticket."""
    query_of(request)
    kept = found_policy(request, name)
    found = await asyncio.to_thread(described, kept.policy)
    return answer(msgspec.json.encode({**found, "start": start_of(kept.policy, datetime.now(UTC))}), kept)


@post("/v1/desk/policies/{name:str}/answer", status_code=200)
async def decided(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Decide a ticket and say everything of it in words."""
    return await _answered(request, name, lambda policy, _, decision, lang: answer_of(policy, decision, lang))


@post("/v1/desk/policies/{name:str}/tables", status_code=200)
async def tables(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Give the tables with the rows that decided a ticket."""
    return await _answered(request, name, lambda policy, _, decision, lang: tables_in_words(policy, decision, lang))


@post("/v1/desk/policies/{name:str}/steps", status_code=200)
async def steps(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Say what one step over each boundary would change of a ticket's decision."""
    # It takes a second: one is searched for at a time, for as long as the page waits for it.
    turns: Turns = request.app.state.steps
    return await _answered(request, name, steps_of, turns)


async def _answered(
    request: Request[Any, Any, Any],
    name: str,
    say: Callable[..., dict[str, Any]],
    turns: Turns | None = None,
) -> ASGIResponse:
    """Say something of a ticket; in its turn, and told whether it is still wanted, if it is to wait for turns."""
    query = query_of(request, "at", "lang")
    kept = found_policy(request, name)
    language = language_of(request, query)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        text = message("a ticket is sent as `{wanted}`", wanted=JSON)
        raise refuse(415, "serve-media-type", text, headers={"accept": JSON})
    body = await request.body()

    def work(*more: Callable[[], bool]) -> bytes:
        policy = kept.policy
        at_s = instant_in(query.get("at"), policy)
        decision = policy.decide_s(policy.ticket_of_json(body), at_s)
        facts: Mapping[str, Any] = json.loads(body, parse_float=Decimal)
        return msgspec.json.encode(say(policy, facts, decision, language, *more))

    if turns is None:
        return answer(await asyncio.to_thread(work), kept, language=language)
    found = await turns.run(request, work)
    # Nobody reads what is answered to a client that has left.
    return answer(b"", status=499) if found is None else answer(found, kept, language=language)
