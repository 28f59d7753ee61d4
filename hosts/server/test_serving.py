"""The service as its users meet it: started as a process, asked over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from hosts.available import require

require("server")

from hosts.server.running import serving, wait_for  # noqa: E402
from svc_policy import load  # noqa: E402

TICKET = {
    "ticket_id": "T-1",
    "customer_phone": "13800138000",
    "request_kind": "fault",
    "on_site": True,
    "delivered_on": "2025-12-01",
    "distance_km": 12,
    "labour_hours": 1.5,
    "received_at": "2026-03-02T09:00",
    "cause": "misuse",
}
AT = "2026-03-02T10:00"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def service():
    with serving("mall", "tile") as running:
        yield running


@pytest.fixture
def client(service):
    with service.client() as found:
        yield found


@pytest.fixture(scope="module")
def mall():
    return load("mall")


def test_a_decision_is_that_of_the_library(client, mall):
    answer = client.post("/v1/policies/mall/decide", params={"at": AT}, json=TICKET)
    assert answer.status_code == 200
    assert answer.json() == mall.decide(TICKET, at=_at()).to_dict()
    assert answer.headers["svc-policy-digest"] == mall.digest
    assert answer.headers["etag"] == f'"{mall.digest}"'
    assert answer.headers["cache-control"] == "no-store"


def _at():
    from datetime import datetime, timedelta, timezone

    return datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=8)))


def test_only_the_keys_that_are_asked_for(client):
    answer = client.post("/v1/policies/mall/decide", params={"at": AT, "keys": "category,needs"}, json=TICKET)
    assert list(answer.json()) == ["schema", "policy", "at", "ticket_id", "category", "needs"]
    assert answer.json()["category"] == "A"
    wrong = client.post("/v1/policies/mall/decide?keys=categry", json=TICKET)
    assert wrong.status_code == 400
    assert wrong.json()["problems"][0]["help"]["en"] == "did you mean `category`?"


def test_quote_and_explanation(client, mall):
    decision = mall.decide(TICKET, at=_at())
    quote = client.post("/v1/policies/mall/quote", params={"at": AT}, json=TICKET).json()
    assert quote["quote"] == decision.to_dict()["quote"]
    for lang in ("en", "zh"):
        told = client.post("/v1/policies/mall/explain", params={"at": AT, "lang": lang}, json=TICKET)
        assert told.json()["text"] == mall.explain(decision, lang)
        assert told.headers["content-language"] == lang
    told = client.post(
        "/v1/policies/mall/explain", json=TICKET, headers={"accept-language": "de, zh-CN;q=0.8, en;q=0.5"}
    )
    assert told.json()["lang"] == "zh"


def test_policies_their_rules_and_tables(client, mall):
    listed = client.get("/v1/policies").json()["policies"]
    assert [one["id"] for one in listed] == ["mall", "tile"]
    assert listed[0]["digest"] == mall.digest
    rules = client.get("/v1/policies/mall/rules").json()
    assert {(one["table"], one["rule"]) for one in rules["rules"]} == {
        (table, row.id) for table, rows in mall.pack.rows.items() for row in rows
    }
    tables = client.get("/v1/policies/mall/tables").json()["tables"]
    assert sum(len(table["rows"]) for table in tables) == len(rules["rules"])
    schema = client.get("/v1/policies/mall/ticket-schema").json()
    assert "distance_km" in schema["properties"]


def test_one_digest_can_be_asked_for(client, mall):
    answer = client.post(f"/v1/policies/mall@{mall.digest[:12]}/decide?keys=category", json=TICKET)
    assert answer.json()["policy"]["digest"] == mall.digest
    assert client.post("/v1/policies/mall@0123456789ab/decide", json=TICKET).status_code == 404
    assert client.post("/v1/policies/mall@nothex/decide", json=TICKET).status_code == 404


def test_check_and_diff_are_those_of_the_command_line(client, mall):
    checked = client.get("/v1/policies/mall/check").json()
    assert checked["policy"]["digest"] == mall.digest
    assert checked["counts"]["error"] == 0
    compared = client.get("/v1/diff", params={"old": "mall", "new": f"mall@{mall.digest}"}).json()
    assert compared["decides_alike"] is True
    assert compared["old"]["named"] == f"mall@{mall.digest[:12]}"
    assert client.get("/v1/diff?old=mall").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/nothing", {}, 404, "serve-not-found"),
        ("GET", "/v1/policies/mal", {}, 404, "serve-policy-unknown"),
        ("DELETE", "/v1/policies", {}, 405, "serve-method"),
        ("POST", "/v1/policies/mall/decide", {"content": b"{", "headers": JSON}, 400, "ticket-json-unreadable"),
        ("POST", "/v1/policies/mall/decide", {"content": b"\xff{}", "headers": JSON}, 400, "ticket-not-utf-8"),
        ("POST", "/v1/policies/mall/decide", {"content": b'{"a":' * 5000, "headers": JSON}, 400, None),
        ("POST", "/v1/policies/mall/decide", {"content": b"[" * 200_000, "headers": JSON}, 400, None),
        (
            "POST",
            "/v1/policies/mall/decide",
            {"content": b'{"cause":"wear","cause":"misuse"}', "headers": JSON},
            400,
            "ticket-key-twice",
        ),
        ("POST", "/v1/policies/mall/decide", {"content": b"{}"}, 415, "serve-media-type"),
        ("POST", "/v1/policies/mall/decide", {"data": {"a": "b"}}, 415, "serve-media-type"),
        ("POST", "/v1/policies/mall/decide", {"json": {"distance_km": -1}}, 422, "ticket-too-small"),
        ("POST", "/v1/policies/mall/decide", {"json": {"received_at": "1950-01-01T10:00"}}, 409, None),
        ("POST", "/v1/policies/mall/decide?at=soon", {"json": {}}, 400, "instant-unreadable"),
        ("POST", "/v1/policies/mall/decide?colour=red", {"json": {}}, 400, "serve-query"),
        ("POST", "/v1/policies/mall/explain?lang=fr", {"json": {}}, 400, "serve-query"),
    ],
)
def test_every_refusal_is_a_problem(client, method, path, sent, status, code):
    answer = client.request(method, path, **sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["instance"].endswith(answer.headers["svc-policy-request"])
    if code is not None:
        assert code in [one["code"] for one in body["problems"]]
        assert body["type"] == f"urn:svc-policy:problem:{body['problems'][0]['code']}"


def test_a_plus_that_the_query_made_a_space_is_told(client):
    (found,) = client.post("/v1/policies/mall/decide?at=2026-03-02T10:00:00+08:00", json={}).json()["problems"]
    assert found["help"]["en"] == "in a query a `+` is written `%2B`"
    assert client.post("/v1/policies/mall/decide?at=2026-03-02T10:00:00%2B08:00", json={}).status_code == 200


def test_lines_that_came_as_one_are_told(client):
    lines = {"content-type": "application/x-ndjson"}
    answer = client.post("/v1/policies/mall/batch", content=b'{"cause": "wear"}{"cause": "wear"}', headers=lines)
    (found,) = json.loads(answer.content.splitlines()[0])["problems"]
    assert "`--data-binary`" in found["help"]["en"]


def test_problems_speak_the_language_that_is_asked_for(client):
    english = client.get("/v1/policies/mal").json()
    chinese = client.get("/v1/policies/mal", headers={"accept-language": "zh"})
    assert english["problems"] == chinese.json()["problems"]
    assert chinese.headers["content-language"] == "zh"
    assert english["detail"] == english["problems"][0]["message"]["en"]
    assert chinese.json()["detail"] == english["problems"][0]["message"]["zh"]


def test_pages_of_others_may_not_ask(client, service):
    assert client.get("/v1/policies", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/v1/policies", headers={"host": f"evil.example:{service.port}"}).status_code == 421
    assert client.get("/v1/policies", headers={"origin": "https://evil.example"}).status_code == 403
    assert client.get("/v1/policies", headers={"origin": "null"}).status_code == 403
    assert client.get("/v1/policies", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    own = {"host": f"localhost:{service.port}", "origin": f"http://localhost:{service.port}"}
    assert client.get("/v1/policies", headers=own).status_code == 200
    asked = client.options("/v1/policies/mall/decide", headers={"access-control-request-method": "POST"})
    assert not [name for name in asked.headers if name.startswith("access-control-allow")]


def test_health_metrics_and_a_log_without_tickets(client, service):
    client.post("/v1/policies/mall/decide", params={"at": AT}, json=TICKET)
    client.get("/v1/policies/13800138000?lang=secret-query")
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    metrics = client.get("/metrics").text
    assert 'svc_policy_requests_total{method="POST",route="decide",status="200"}' in metrics
    assert f'svc_policy_policy{{digest="{load("mall").digest}",policy="mall"}} 1.0' in metrics
    wait_for(lambda: " POST decide 200 " in service.log)
    for secret in ("13800138000", "secret-query", "2026-03-02T10:00", "misuse"):
        assert secret not in service.log
        assert secret not in metrics


def test_documents_need_nothing_from_elsewhere(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/metrics").headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    assert "http://" not in page.text and "https://" not in page.text and "<script" not in page.text


def test_it_listens_elsewhere_only_with_tokens(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "svc_policy", "serve", "tile", "--host", "0.0.0.0", "--port", "0", "--lang", "en"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "without tokens the service listens on this machine only" in done.stderr


def test_tokens(tmp_path):
    file = tmp_path / "tokens.json"

    def made(name, *more):
        command = [sys.executable, "-m", "svc_policy", "token", name, "--tokens", str(file), *more]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    shop, owner = made("shop", "--scopes", "decide"), made("owner", "--scopes", "read,publish,metrics")
    old = made("old", "--days", "1")
    assert file.stat().st_mode & 0o077 == 0
    content = json.loads(file.read_text())
    assert not any(token in file.read_text() for token in (shop, owner, old))
    content["tokens"][2]["expires"] = "2026-01-01T00:00:00+00:00"
    file.write_text(json.dumps(content))

    with serving("tile", "--tokens", str(file), "--host", "127.0.0.1") as service, service.client() as client:

        def asked(token, method="POST", path="/v1/policies/tile/decide?keys=category", **sent):
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            return client.request(method, path, headers=headers, **(sent or {"json": {}}))

        assert asked(shop).status_code == 200
        missing = asked(None)
        assert missing.status_code == 401 and missing.headers["www-authenticate"].startswith("Bearer")
        assert missing.headers["content-type"] == "application/problem+json"
        assert asked(shop[:-1]).json()["problems"][0]["code"] == "serve-token-unknown"
        assert asked(old).json()["problems"][0]["code"] == "serve-token-expired"
        assert asked(owner).status_code == 403
        assert asked(shop, "GET", "/v1/policies").status_code == 403
        assert asked(owner, "GET", "/v1/policies").status_code == 200
        assert asked(shop, "POST", "/v1/policies", json={"files": {"policy.toml": ""}}).status_code == 403
        assert asked(owner, "GET", "/metrics").status_code == 200
        assert asked(None, "GET", "/metrics").status_code == 401
        assert asked(None, "GET", "/v1/nothing").status_code == 401
        assert asked(None, "GET", "/health/ready").status_code == 200
        # One that is taken out of the file stops working.
        content["tokens"] = content["tokens"][1:]
        file.write_text(json.dumps(content))
        wait_for(lambda: asked(shop).status_code == 401)
        time.sleep(0.3)
        assert not any(token in service.log for token in (shop, owner, old))
        assert "token='owner'" in service.log
