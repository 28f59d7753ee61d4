"""The routes of the service as a Litestar application; the guard around it is in :mod:`.guard`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import attrs
import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from svc_policy.errors import PolicyError, problem
from svc_policy.messages import message
from svc_policy.policy import Policy
from svc_policy.server import batch, deciding, managing, metrics, problems
from svc_policy.server.guard import Application, Guard, Receive, Scope, Send
from svc_policy.server.managing import Manager
from svc_policy.server.metrics import Metrics
from svc_policy.server.problems import Refused
from svc_policy.server.requests import answer, header_of, language_of
from svc_policy.server.routes import route_of
from svc_policy.server.settings import Settings
from svc_policy.server.shelf import Kept, Shelf
from svc_policy.server.store import Store
from svc_policy.server.tokens import Tokens, is_expired
from svc_policy.server.turns import Turns

ERRORS = logging.getLogger("svc_policy.server")


def _on_refused(request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    return _answered(request, error.status, error.problems, error.headers, error.findings)


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
    return _answered(
        request, 500, [problem("serve-internal", message("an error of the service, noted in its log"))], {}
    )


def _answered(
    request: Request[Any, Any, Any], status: int, found: Any, headers: Mapping[str, str], findings: Any = ()
) -> Response[bytes]:
    asked = None
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1")):
        if name == "lang" and value in ("en", "zh"):
            asked = value
    language = problems.language_in(asked, header_of(request, b"accept-language"))
    instance = f"urn:svc-policy:request:{request.scope.get('svc_policy_id', '-')}"
    body = problems.problem_body(status, found, language, instance, findings)
    shown = {name: value for name, value in headers.items() if name != "content-type"}
    return Response(
        body,
        status_code=status,
        media_type=problems.MEDIA_TYPE,
        headers={**shown, "content-language": language},
    )


@get("/metrics")
async def measured(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Give counts and times to Prometheus."""
    found: Metrics = request.app.state.metrics
    return ASGIResponse(body=found.text(request.app.state.shelf), media_type=metrics.MEDIA_TYPE)


@get("/openapi.json")
async def described(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Give the OpenAPI document; what is served is named to those who may read it."""
    from svc_policy.server.openapi import document

    state = request.app.state
    shelf = state.shelf if _may_read(request) else Shelf()
    return answer(msgspec.json.encode(document(shelf, state.settings)))


def _may_read(request: Request[Any, Any, Any]) -> bool:
    tokens: Tokens | None = request.app.state.tokens
    if tokens is None:
        return True
    kind, _, word = request.headers.get("authorization", "").partition(" ")
    token = tokens.find(word.strip()) if kind.lower() == "bearer" else None
    return token is not None and "read" in token.scopes and not is_expired(token)


@get("/docs")
async def documented(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Show what can be asked as a page, which needs nothing from elsewhere."""
    from svc_policy.pages import render
    from svc_policy.server.openapi import document, listed

    state = request.app.state
    rows = [
        (method, path, operation["summary"], _scope_of(method, path))
        for method, path, operation in listed(document(Shelf(), state.settings))
    ]
    language = language_of(request)
    page = render("server/docs.html", language, {"rows": rows})
    headers = {"content-language": language}
    return ASGIResponse(body=page.encode(), media_type="text/html", headers=headers)


def _scope_of(method: str, path: str) -> str:
    return route_of(method, path).scope or "-"


def create_app(
    policies: Shelf | Mapping[str, Policy],
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    measures: Metrics | None = None,
) -> Litestar:
    """Make the application: routes and how errors are answered, without the guard around it.

    Args:
        policies: What is served, by name or on a shelf.
        settings: Limits above all.
        store: Where published policies are kept; a temporary folder unless given.
        measures: What counts requests.
    """
    settings = settings or Settings()
    shelf = policies if isinstance(policies, Shelf) else _shelf_of(policies, settings)
    measures = measures or Metrics()
    store = store or Store.open(None)
    manager = Manager(shelf, store, settings.limits, measures)
    handlers: list[Any] = [
        deciding.policies,
        deciding.policy,
        deciding.rules,
        deciding.tables,
        deciding.ticket_schema,
        deciding.decide,
        deciding.quote,
        deciding.explain,
        deciding.live,
        deciding.ready,
        batch.batch,
        managing.publish,
        managing.activate,
        managing.check,
        managing.diff,
        measured,
        described,
        documented,
    ]
    if util.find_spec("svc_policy.server.desk") and util.find_spec("svc_policy.server.desk.desk"):
        from svc_policy.server.desk.desk import desk_router

        handlers.append(desk_router())
    state = {
        "shelf": shelf,
        "settings": settings,
        "tokens": None if settings.tokens is None else Tokens(settings.tokens),
        "store": store,
        "manager": manager,
        "metrics": measures,
        "workers": batch.Workers(settings.limits),
        "steps": Turns(settings.limits.steps_waiting),
        "stopping": False,
    }
    return Litestar(
        route_handlers=handlers,
        openapi_config=None,
        state=State(state),
        exception_handlers={
            Refused: _on_refused,
            PolicyError: _on_policy_error,
            HTTPException: _on_http,
            Exception: _on_any,
        },
        logging_config=None,
        # The guard bounds every body, each by the limit of its route.
        request_max_body_size=None,
        debug=False,
    )


def direct_routes(app: Litestar) -> Mapping[str, Application]:
    """Give the routes that decide as they go without the framework, each error answered as the application does."""

    def answered(plain: Application) -> Application:
        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            scope["litestar_app"] = app
            try:
                await plain(scope, receive, send)
            except Exception as error:
                request: Request[Any, Any, Any] = Request(scope)
                if isinstance(error, Refused):
                    response = _on_refused(request, error)
                elif isinstance(error, PolicyError):
                    response = _on_policy_error(request, error)
                else:
                    response = _on_any(request, error)
                await response.to_asgi_response(app=None, request=request)(scope, receive, send)

        return run

    return {name: answered(plain) for name, plain in deciding.DIRECT.items()}


@attrs.frozen(kw_only=True)
class Service:
    """What a server runs: the application and the guard around it."""

    app: Litestar
    guard: Guard
    manager: Manager
    store: Store

    def stop(self) -> None:
        """End the processes beside it."""
        self.manager.heavy.stop()
        workers: batch.Workers = self.app.state.workers
        workers.stop()


def create_service(given: list[Kept], settings: Settings) -> Service:
    """Put a service together from the policies that are given and those that its folder keeps.

    Raises:
        UsageError: The folder or the tokens cannot be read, or two policies have one name.
    """
    store = Store.open(settings.store)
    try:
        shelf = store.shelve(given, settings.limits.kept)
        measures = Metrics()
        app = create_app(shelf, settings, store=store, measures=measures)
        guard = Guard(app, settings, measures, direct_routes(app))
    except BaseException:
        store.close()
        raise
    manager: Manager = app.state.manager
    return Service(app=app, guard=guard, manager=manager, store=store)


def _shelf_of(policies: Mapping[str, Policy], settings: Settings) -> Shelf:
    return Shelf((Kept(policy=one, path=Path(one.pack.path)) for one in policies.values()), most=settings.limits.kept)
