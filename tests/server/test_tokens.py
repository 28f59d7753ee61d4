"""Tokens: made once, kept as hashes, found again, refused when they cannot be read."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from svc_policy.errors import UsageError

pytest.importorskip("msgspec", reason="the extra `serve` is not installed")

from svc_policy.server.tokens import Tokens, is_expired, make_token, read_tokens


def test_a_token_is_found_by_its_text_alone(tmp_path):
    file = tmp_path / "tokens.json"
    shop = make_token(file, "shop", ["decide"], None)
    owner = make_token(file, "owner", ["read", "publish", "read"], 30)
    assert shop != owner and shop.startswith("svcp_")
    kept = json.loads(file.read_text())["tokens"]
    assert kept[0]["hash"] == "sha256:" + hashlib.sha256(shop.encode()).hexdigest()
    assert kept[1]["scopes"] == ["publish", "read"]
    assert shop not in file.read_text()
    tokens = Tokens(file)
    found = tokens.find(owner)
    assert found is not None and found.name == "owner"
    assert tokens.find(owner + "x") is None and tokens.find("") is None
    assert not is_expired(found)
    assert is_expired(found, datetime.now(UTC) + timedelta(days=31))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"tokens": 1}',
        '{"tokens": [{"name": "a"}]}',
        '{"tokens": [{"name": "a", "hash": "sha256:00", "scopes": []}]}',
        '{"tokens": [{"name": "a", "hash": "md5:' + "0" * 64 + '", "scopes": []}]}',
        '{"tokens": [{"name": "a", "hash": "sha256:' + "0" * 64 + '", "scopes": ["all"]}]}',
        '{"tokens": [{"name": "a", "hash": "sha256:' + "0" * 64 + '", "scopes": [], "expires": "2026-01-01"}]}',
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    file = tmp_path / "tokens.json"
    file.write_text(content)
    with pytest.raises(UsageError):
        read_tokens(file)


def test_a_file_that_became_unreadable_allows_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("svc_policy.server.tokens.EVERY", 0.0)
    file = tmp_path / "tokens.json"
    made = make_token(file, "shop", ["decide"], None)
    tokens = Tokens(file)
    assert tokens.find(made) is not None
    file.write_text("nonsense")
    assert tokens.find(made) is None


def test_names_and_scopes_are_checked(tmp_path):
    file = tmp_path / "tokens.json"
    make_token(file, "shop", ["decide"], None)
    with pytest.raises(UsageError, match="already"):
        make_token(file, "shop", ["decide"], None)
    with pytest.raises(UsageError, match="no scope"):
        make_token(file, "other", ["everything"], None)
