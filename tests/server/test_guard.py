"""Who may ask what: paths as they are written, tokens, hosts and origins, without a server around."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

pytest.importorskip("litestar", reason="the extra `serve` is not installed")

from server.desk.shop import shop
from svc_policy.server.app import create_app
from svc_policy.server.guard import Guard
from svc_policy.server.metrics import Metrics
from svc_policy.server.routes import NONE, ROUTES, route_of
from svc_policy.server.settings import Settings
from svc_policy.server.tokens import make_token

PUBLIC = ("/", "/desk", "/desk/", "/desk/desk.js", "/health/live", "/health/ready", "/openapi.json", "/docs")
HEADS = ("/v1/policies", "/v1/policies/mall/decide", "/v1/desk/policies", "/metrics", "/v1/diff", "/v1/policies/mall")


def ask(guard: Guard, method: str, path: str, *headers: tuple[str, str], body=(b"",)) -> int:
    """Ask; gives the status, or 0 if what is behind the guard was asked."""
    said: list[dict] = []
    pieces = [{"type": "http.request", "body": one, "more_body": True} for one in body]
    pieces[-1:] = [{"type": "http.request", "body": body[-1], "more_body": False}] if body else []

    async def receive():
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(piece):
        said.append(piece)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(guard(scope, receive, send))
    return said[0]["status"]


async def behind(scope, receive, send):
    """Be asked; 299 is answered by nothing else."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def guarded(**more) -> Guard:
    return Guard(behind, Settings(access_log=False, **more), Metrics())


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    file = tmp_path_factory.mktemp("tokens") / "tokens.json"
    return file, {scope: make_token(file, scope, [scope], None) for scope in ("decide", "read", "publish", "metrics")}


def with_slashes(path: str) -> set[str]:
    """Write a path with a slash too many, in each place."""
    parts = path.split("/")
    return {"/".join((*parts[:at], "", *parts[at:])) for at in range(len(parts) + 1)}


def written_otherwise(path: str) -> set[str]:
    """Write a path so that somebody might take it for the same."""
    more = {path.upper(), path + "/.", path + "//", "/." + path, path + ";x", path + "%00", path + "\x00", path + " "}
    return (with_slashes(path) | more | {f"/v1/desk/..{path}", f"/desk/..{path}", path[1:]}) - {path}


def test_no_path_leads_past_the_tokens(tokens):
    guard = guarded(tokens=tokens[0])
    for path in HEADS:
        for written, method in itertools.product({path, *written_otherwise(path)}, ("GET", "POST", "HEAD", "PUT")):
            assert ask(guard, method, written) in (401, 404), (method, written)
    assert [ask(guard, "GET", path) for path in PUBLIC] == [299] * len(PUBLIC)


def test_a_token_opens_what_its_scope_says_and_no_path_written_otherwise(tokens):
    guard = guarded(tokens=tokens[0])
    for scope, token in tokens[1].items():
        head = ("authorization", f"Bearer {token}")
        for route in ROUTES:
            path = route.path.replace("{name}", "mall")
            assert ask(guard, route.method, path, head) == (299 if route.scope in (scope, None) else 403)
            for written in with_slashes(path):
                assert ask(guard, route.method, written, head) in (403, 404), (scope, written)


@pytest.mark.filterwarnings("ignore:.*inferred style")
def test_the_guard_knows_every_route_of_the_application(tmp_path):
    app = create_app({"made": shop(tmp_path)})
    found = 0
    for route in app.routes:
        path = route.path.replace("{name:str}", "made")
        for method in route.methods - {"OPTIONS"}:
            known = route_of(method, path)
            assert known not in NONE and known.method == method, (method, path)
            found += 1
    assert found > len(ROUTES)


LOCAL = ("host", "localhost:8080")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        # A link elsewhere that leads to the page, and what a page elsewhere asks by itself.
        ("/desk", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 299),
        ("/", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 299),
        ("/desk", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
        ("/v1/policies", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 403),
        ("/desk", [("sec-fetch-mode", "navigate"), ("origin", "https://evil.example")], 403),
        # What is there twice is read otherwise by each who reads it.
        ("/v1/policies", [("host", "evil.example")], 400),
        ("/v1/policies", [("origin", "http://evil.example"), ("origin", "http://localhost:8080")], 400),
        ("/v1/policies", [("authorization", "Bearer a"), ("authorization", "Bearer b")], 400),
    ],
)
def test_pages_elsewhere_may_lead_here_and_ask_nothing(path, headers, status):
    assert ask(guarded(), "GET", path, LOCAL, *headers) == status


def test_a_client_that_goes_before_its_body_is_there_is_no_error_of_ours(capsys):
    async def reads(scope, receive, send):
        while (await receive())["more_body"]:
            pass
        raise AssertionError("the body is not whole")

    metrics = Metrics()
    guard = Guard(reads, Settings(), metrics)
    sent = {"type": "http.request", "body": b"{", "more_body": True}

    async def asked():
        pieces = [sent, {"type": "http.disconnect"}]

        async def receive():
            return pieces.pop(0)

        async def send(_):
            pass

        scope = {"type": "http", "method": "POST", "path": "/v1/policies/mall/decide", "client": None}
        scope |= {"headers": [(b"host", b"localhost")], "query_string": b""}
        await guard(scope, receive, send)
        guard.close()

    asyncio.run(asked())
    assert " decide 499 " in capsys.readouterr().err
    assert 'route="decide",status="499"' in metrics.text(()).decode()


def test_problems_of_the_guard_are_problems(tokens):
    guard = guarded(tokens=tokens[0])
    said = []

    async def asked():
        async def send(piece):
            said.append(piece)

        scope = {"type": "http", "method": "GET", "path": "//metrics", "client": None, "query_string": b""}
        await guard({**scope, "headers": []}, None, send)

    asyncio.run(asked())
    assert json.loads(said[1]["body"])["problems"][0]["code"] == "serve-not-found"
