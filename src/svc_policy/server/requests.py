"""What the routes share: reading a query, choosing a language, finding the policy, giving JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request
from litestar.response.base import ASGIResponse

from svc_policy.messages import Language, message
from svc_policy.server import problems
from svc_policy.server.problems import refuse
from svc_policy.server.shelf import Kept, Shelf

JSON: Final = "application/json"


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
