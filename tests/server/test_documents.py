"""What the documents of a service tell, and whom."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("litestar", reason="the extra `serve` is not installed")

from litestar.testing import TestClient

from server.desk.shop import shop
from svc_policy.server.app import create_app
from svc_policy.server.settings import Settings
from svc_policy.server.tokens import make_token


@pytest.mark.filterwarnings("ignore:.*inferred style")
def test_policies_are_named_to_who_may_read_them(tmp_path):
    file = tmp_path / "tokens.json"
    reader, decider = (make_token(file, name, [name], None) for name in ("read", "decide"))
    policy = shop(tmp_path / "pack")
    app = create_app({policy.id: policy}, Settings(tokens=file))
    with TestClient(app) as client:

        def named(token: str | None) -> bool:
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            found = client.get("/openapi.json", headers=headers)
            assert found.status_code == 200 and found.json()["paths"]["/v1/policies/{name}/decide"]
            return f"^({policy.id})" in json.dumps(found.json())

        assert [named(token) for token in (reader, decider, "no-token", None)] == [True, False, False, False]
    assert create_app({policy.id: policy}).request_max_body_size is None
