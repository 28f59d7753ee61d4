"""Bearer tokens: who may do what until when. The file holds hashes; a token itself is shown once, when it is made.

    {"schema": 1, "tokens": [
      {"name": "shop", "hash": "sha256:…", "scopes": ["decide"], "expires": "2027-03-02T00:00:00+00:00"}]}

A token has 256 random bits, so that a plain sha-256 of it cannot be guessed back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs

from svc_policy.errors import Place, UsageError, problem, reason_of
from svc_policy.messages import Message, message
from svc_policy.server.routes import SCOPES, Scope

PREFIX: Final = "svcp_"
#: Seconds between two looks at the file.
EVERY: Final = 1.0
_LONGEST: Final = 200


@attrs.frozen(kw_only=True)
class Token:
    """What the file says of one token; `expires` None is never."""

    name: str
    digest: bytes
    scopes: frozenset[Scope]
    expires: datetime | None


class Tokens:
    """The tokens of a file, read again when it has changed: one that is taken out stops working at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tokens = read_tokens(path)
        self._stamp = _stamp(path)
        self._looked = time.monotonic()

    def find(self, given: str) -> Token | None:
        """Find the token that somebody gives; every one is compared, each in constant time."""
        self._look()
        digest = hashlib.sha256(given[:_LONGEST].encode("utf-8", "surrogateescape")).digest()
        found: Token | None = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < EVERY:
            return
        self._looked = now
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._tokens = read_tokens(self.path)
            except UsageError:
                # What cannot be read allows nothing.
                self._tokens = ()


def is_expired(token: Token, now: datetime | None = None) -> bool:
    """Say whether a token has run out."""
    return token.expires is not None and (now or datetime.now(UTC)) >= token.expires


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Read a file of tokens.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        text = message("cannot read the tokens: {reason}", reason=reason_of(error))
        advice = message("`{command}` makes the first one", command=f"svc-policy token NAME --tokens {path}")
        raise UsageError([problem("tokens-unreadable", text, place=Place(file=str(path)), help=advice)]) from None
    except (ValueError, RecursionError):
        raise _wrong(path, message("the file of tokens is no JSON")) from None
    listed = content.get("tokens") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise _wrong(path, message("the file of tokens has no list `tokens`"))
    tokens = tuple(_token(path, number, entry) for number, entry in enumerate(listed, start=1))
    names = [token.name for token in tokens]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(path, message("`{name}` is there twice", name=name))
    return tokens


def _token(path: Path, number: int, entry: Any) -> Token:
    try:
        kind, _, digits = entry["hash"].partition(":")
        expires = None if entry.get("expires") is None else datetime.fromisoformat(entry["expires"])
        digest = bytes.fromhex(digits)
        scopes = frozenset(entry["scopes"])
        if kind != "sha256" or len(digest) != 32 or not scopes <= set(SCOPES) or not isinstance(entry["name"], str):
            raise ValueError
        if expires is not None and expires.tzinfo is None:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _wrong(path, message("token {number} of the file cannot be read", number=number)) from None
    return Token(name=entry["name"], digest=digest, scopes=scopes, expires=expires)


def make_token(path: Path, name: str, scopes: Iterable[str], days: int | None) -> str:
    """Make a token, put its hash into a file, and give it; nobody can read it from there again.

    Args:
        path: The file, made if it is not there, readable by its owner only.
        name: Who has it; the log says the name.
        scopes: What it allows.
        days: How long it works; for ever if None.

    Raises:
        UsageError: The name is taken, a scope is not known, or the file cannot be read or written.
    """
    wanted = tuple(dict.fromkeys(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            text = message("there is no scope `{name}`", name=scope)
            known = message("known here: {known}", known=", ".join(SCOPES))
            raise UsageError([problem("token-scope", text, help=known)])
    old = read_tokens(path) if path.exists() else ()
    if any(token.name == name for token in old):
        text = message("there is a token `{name}` already", name=name)
        advice = message("take it out of the file first, or choose another name")
        raise UsageError([problem("token-name", text, place=Place(file=str(path)), help=advice)])
    made = f"{PREFIX}{secrets.token_urlsafe(32)}"
    expires = None if days is None else datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    token = Token(
        name=name,
        digest=hashlib.sha256(made.encode()).digest(),
        scopes=frozenset(wanted),  # type: ignore[arg-type]
        expires=expires,
    )
    _write(path, (*old, token))
    return made


def _write(path: Path, tokens: Iterable[Token]) -> None:
    listed = [
        {
            "name": token.name,
            "hash": f"sha256:{token.digest.hex()}",
            "scopes": sorted(token.scopes),
            "expires": None if token.expires is None else token.expires.isoformat(),
        }
        for token in tokens
    ]
    try:
        # A temporary file is readable by its owner only.
        handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"schema": 1, "tokens": listed}, file, ensure_ascii=False, indent=2)
            file.write("\n")
        os.replace(fresh, path)
    except OSError as error:
        text = message("cannot write the tokens: {reason}", reason=reason_of(error))
        raise UsageError([problem("tokens-unwritable", text, place=Place(file=str(path)))]) from None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _wrong(path: Path, text: Message) -> UsageError:
    advice = message("`{command}` writes the file", command=f"svc-policy token NAME --tokens {path}")
    return UsageError([problem("tokens-unreadable", text, place=Place(file=str(path)), help=advice)])
