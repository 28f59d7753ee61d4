"""What the service can be asked, in one list: the guard, the metrics and the OpenAPI document are made from it."""

from __future__ import annotations

import functools
from typing import Final, Literal

import attrs

Scope = Literal["decide", "read", "publish", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = ("decide", "read", "publish", "metrics")


@attrs.frozen(kw_only=True)
class Route:
    """One thing to ask: `scope` is what a token must allow, None where nobody needs one."""

    name: str
    method: str
    path: str
    scope: Scope | None
    #: Which limit of the body holds: none has a body, `ticket`, `upload` or a stream.
    body: Literal["none", "ticket", "upload", "stream"] = "none"


_POLICY: Final = "/v1/policies/{name}"
ROUTES: Final[tuple[Route, ...]] = (
    Route(name="policies", method="GET", path="/v1/policies", scope="read"),
    Route(name="publish", method="POST", path="/v1/policies", scope="publish", body="upload"),
    Route(name="policy", method="GET", path=_POLICY, scope="read"),
    Route(name="rules", method="GET", path=f"{_POLICY}/rules", scope="read"),
    Route(name="tables", method="GET", path=f"{_POLICY}/tables", scope="read"),
    Route(name="ticket_schema", method="GET", path=f"{_POLICY}/ticket-schema", scope="read"),
    Route(name="check", method="GET", path=f"{_POLICY}/check", scope="read"),
    Route(name="decide", method="POST", path=f"{_POLICY}/decide", scope="decide", body="ticket"),
    Route(name="quote", method="POST", path=f"{_POLICY}/quote", scope="decide", body="ticket"),
    Route(name="explain", method="POST", path=f"{_POLICY}/explain", scope="decide", body="ticket"),
    Route(name="batch", method="POST", path=f"{_POLICY}/batch", scope="decide", body="stream"),
    Route(name="activate", method="POST", path=f"{_POLICY}/activate", scope="publish", body="ticket"),
    Route(name="diff", method="GET", path="/v1/diff", scope="read"),
    Route(name="live", method="GET", path="/health/live", scope=None),
    Route(name="ready", method="GET", path="/health/ready", scope=None),
    Route(name="metrics", method="GET", path="/metrics", scope="metrics"),
    Route(name="openapi", method="GET", path="/openapi.json", scope=None),
    Route(name="docs", method="GET", path="/docs", scope=None),
)
_DESK: Final = "/v1/desk/policies"
#: What the page of the desk is made of, which holds no data; and what it asks, in its own words, which change with it:
#: no part of the published interface.
DESK: Final[tuple[Route, ...]] = (
    *(Route(name="page", method="GET", path=path, scope=None) for path in ("/", "/desk", "/desk/", "/desk/{name}")),
    Route(name="desk", method="GET", path=_DESK, scope="decide"),
    Route(name="desk", method="GET", path=f"{_DESK}/{{name}}/form", scope="decide"),
    *(
        Route(name="desk", method="POST", path=f"{_DESK}/{{name}}/{what}", scope="decide", body="ticket")
        for what in ("answer", "tables", "steps")
    ),
)
#: What is no route: nothing behind the guard is asked for it.
UNKNOWN: Final = Route(name="unknown", method="GET", path="/v1", scope="read")
_NOWHERE: Final = Route(name="unknown", method="GET", path="/", scope=None)
NONE: Final = (UNKNOWN, _NOWHERE)


@functools.lru_cache(256)
def methods_of(path: str) -> str:
    """List the methods that a path takes, as in `GET, POST, OPTIONS`; nothing for a path that is no route."""
    wanted = path.split("/")
    found = [route.method for route in ROUTES if _is_at(route, wanted)]
    return ", ".join((*found, "OPTIONS")) if found else ""


def _is_at(route: Route, wanted: list[str]) -> bool:
    parts = route.path.split("/")
    return len(parts) == len(wanted) and all(
        part == given or (part == "{name}" and given != "") for part, given in zip(parts, wanted, strict=True)
    )


@functools.lru_cache(2048)
def route_of(method: str, path: str) -> Route:
    """Find what a request asks for; a path with another method is the nearest of its path.

    A path is taken as it is written: with a slash too many it is another one, which leads nowhere.
    """
    wanted = path.split("/")
    method = "GET" if method == "HEAD" else method
    near: Route | None = None
    for route in (*ROUTES, *DESK):
        if _is_at(route, wanted):
            if route.method == method:
                return route
            near = near or route
    if near is not None:
        return attrs.evolve(near, body="ticket")
    return UNKNOWN if path.lstrip("/").startswith("v1") else _NOWHERE
