"""What the routes share: reading a query, choosing a language, finding the policy, giving JSON."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

from litestar.response.base import ASGIResponse

from svc_policy.messages import Language, message
from svc_policy.server import problems
from svc_policy.server.problems import refuse
from svc_policy.server.shelf import Kept, Shelf

JSON: Final = "application/json"


class Asks(Protocol):
    """What is read of a request: a request of the framework, or what stands for one."""

    @property
    def scope(self) -> Any:
        """The connection as the server gives it."""

    @property
    def app(self) -> Any:
        """The application that answers."""


class Asked:
    """A request of which nothing is read before it is asked for."""

    __slots__ = ("app", "scope")

    def __init__(self, scope: Any) -> None:
        self.scope = scope
        self.app = scope["litestar_app"]


def query_of(request: Asks, *known: str) -> Mapping[str, str]:
    """Read the query; a name that is not known, or is there twice, is refused.

    Raises:
        Refused: It cannot be read.
    """
    raw: bytes = request.scope["query_string"]
    return _query(raw, known) if raw else {}


@functools.lru_cache(512)
def _query(raw: bytes, known: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=20
        )
    except (ValueError, UnicodeDecodeError):
        raise refuse(400, "serve-query", message("the query cannot be read")) from None
    for name, value in pairs:
        if name not in known or name in found:
            text = message("the query has a `{name}` that is not asked for here", name=name[:60])
            raise refuse(400, "serve-query", text, message("known here: {known}", known=", ".join(known) or "-"))
        found[name] = value
    return found


def language_of(request: Asks, given: Mapping[str, str] | None = None) -> Language:
    """Choose the language of an answer.

    Raises:
        Refused: The one that is asked for is not known.
    """
    asked = None if given is None else given.get("lang")
    if asked is not None and asked not in ("en", "zh"):
        text = message("`{value}` is no value of `{name}`", value=asked[:60], name="lang")
        raise refuse(400, "serve-query", text, message("known here: {known}", known="en, zh"))
    return problems.language_in(asked, header_of(request, b"accept-language") or None)


def header_of(request: Asks, name: bytes) -> str:
    """Give a header of a request, by its name in lower case; nothing if it is not there."""
    for given, value in request.scope["headers"]:
        if given == name:
            found: str = value.decode("latin-1")
            return found
    return ""


def media_type_of(request: Asks) -> str:
    """Give the media type of a body, without its parameters."""
    return header_of(request, b"content-type").partition(";")[0].strip().lower()


class Answer(ASGIResponse):
    """A whole answer: its bytes are there, its length is known."""

    def __init__(self, body: bytes, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        # What the framework keeps besides is for what is not used here, and costs as much as deciding a ticket.
        self.content = body
        self.status = status
        self.raw_headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        headers = [*self.raw_headers, (b"content-length", b"%d" % len(self.content))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self.content
        await send({"type": "http.response.body", "body": body, "more_body": False})


def answer(
    body: bytes, kept: Kept | None = None, status: int = 200, language: Language | None = None, location: str = ""
) -> ASGIResponse:
    """Give JSON, with the digest of the policy that made it."""
    headers = [(b"content-type", b"application/json")]
    if kept is not None:
        digest = kept.digest.encode()
        headers += [(b"etag", b'"%s"' % digest), (b"svc-policy-digest", digest)]
    if language is not None:
        headers.append((b"content-language", language.encode()))
    if location:
        headers.append((b"location", location.encode("ascii", "ignore")))
    return Answer(body, status, headers)


def found_policy(request: Asks, name: str) -> Kept:
    """Find the policy that a path names.

    Raises:
        Refused: There is none.
    """
    shelf: Shelf = request.app.state.shelf
    return shelf.find(name)


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
