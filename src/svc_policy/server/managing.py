"""Publish a policy, make one active, check one, compare two: what changes the shelf, or takes long."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from svc_policy.messages import message
from svc_policy.policy import load
from svc_policy.server import answering, uploads
from svc_policy.server.heavy import Heavy
from svc_policy.server.metrics import Metrics
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.requests import JSON, answer, found_policy, language_of, media_type_of, query_of, summary
from svc_policy.server.settings import Limits
from svc_policy.server.shelf import Kept, Shelf
from svc_policy.server.store import Store

#: The most regions of a comparison that get an example.
_MOST: Final = 40


class Manager:
    """Changes the shelf, one change after the other; what is asked meanwhile is answered by what was there."""

    def __init__(self, shelf: Shelf, store: Store, limits: Limits, metrics: Metrics) -> None:
        self.shelf = shelf
        self.store = store
        self.heavy = Heavy(limits)
        self._limits = limits
        self._metrics = metrics
        self._turn = asyncio.Lock()

    async def publish(self, kind: str, body: bytes, *, activate: bool) -> tuple[Kept, bool]:
        """Try a policy that was sent, and put it on the shelf; says whether it is new.

        Raises:
            Refused: It cannot be loaded, or its check finds errors; everything stays as it was.
        """
        async with self._turn:
            incoming = await asyncio.to_thread(self.store.incoming)
            try:
                path = await asyncio.to_thread(uploads.lay_out, kind, body, incoming, self._limits)
                found = msgspec.json.decode(await self.heavy.run({"task": "try", "path": str(path)}))
                digest = found["policy"]["digest"]
                if digest is None or found["counts"]["error"]:
                    raise Refused(409, (), findings=found["problems"])
                self._check_room(found["policy"]["id"])
                kept = await asyncio.to_thread(self._settled, incoming, path, digest)
            finally:
                await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
            is_new = all(one.digest != digest for one in self.shelf.of(kept.id))
            await self._changed(kept, activate=activate)
            return kept, is_new

    def _check_room(self, name: str) -> None:
        """See that there is room for a policy of a name, before anything of it is kept."""
        if not self.shelf.of(name) and len(self.shelf.names()) >= self._limits.names:
            text = message("there are {count} policies already", count=len(self.shelf.names()))
            raise refuse(409, "serve-policies-many", text)

    def _settled(self, incoming: Path, path: Path, digest: str) -> Kept:
        place, is_fresh = self.store.settle(incoming, digest)
        try:
            policy = load(place / path.name)
            answering.ready(policy)
        except BaseException:
            if is_fresh:
                shutil.rmtree(place, ignore_errors=True)
            raise
        return Kept(policy=policy, path=place / path.name, is_published=True)

    async def activate(self, name: str, digest: str) -> Kept:
        """Make a kept policy the active one.

        Raises:
            Refused: It is not kept.
        """
        async with self._turn:
            kept = self.shelf.find(f"{name}@{digest}")
            if kept.id != name:
                raise refuse(404, "serve-policy-unknown", message("there is no policy `{name}`", name=name[:60]))
            await self._changed(kept, activate=True)
            return kept

    async def _changed(self, kept: Kept, *, activate: bool) -> None:
        before = self.shelf.active(kept.id)
        replaced = [one for one in self.shelf.of(kept.id) if one.digest == kept.digest and one.path != kept.path]
        gone = self.shelf.add(kept, activate=activate)
        after = self.shelf.active(kept.id)
        if before is not None and after is not None and before.digest != after.digest:
            self._metrics.swapped()
        try:
            await asyncio.to_thread(self.store.save, self.shelf)
        except OSError:
            # It serves, but a restart would forget it: who published has to know.
            text = message("the policy is served, but the folder of policies cannot be written")
            raise refuse(500, "serve-store", text) from None
        await asyncio.to_thread(self.store.drop, (*gone, *replaced))


def manager_of(request: Request[Any, Any, Any]) -> Manager:
    """Give what changes the shelf."""
    found: Manager = request.app.state.manager
    return found


@post("/v1/policies")
async def publish(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Publish a policy."""
    query = query_of(request, "activate", "lang")
    language_of(request, query)
    activate = _yes(query.get("activate", "yes"))
    kind = media_type_of(request)
    if kind not in uploads.KINDS:
        text = message("a policy is sent as a zip, a workbook or JSON")
        advice = message("known here: {known}", known=", ".join(uploads.KINDS))
        raise refuse(415, "serve-media-type", text, advice, {"accept": ", ".join(uploads.KINDS)})
    body = await request.body()
    manager = manager_of(request)
    kept, is_new = await manager.publish(kind, body, activate=activate)
    content = msgspec.json.encode({"schema": 1, "policy": summary(manager.shelf, kept)})
    return answer(content, kept, status=201 if is_new else 200, location=f"/v1/policies/{quote(kept.id)}@{kept.digest}")


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        wrong = message("`{value}` is no value of `{name}`", value=text[:60], name="activate")
        raise refuse(400, "serve-query", wrong, message("known here: {known}", known="yes, no"))
    return text == "yes"


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    digest: str


@post("/v1/policies/{name:str}/activate", status_code=200)
async def activate(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Make a kept policy the active one."""
    query = query_of(request, "lang")
    language_of(request, query)
    manager = manager_of(request)
    manager.shelf.find(name)
    if media_type_of(request) != JSON:
        raise refuse(415, "serve-media-type", message("a digest is sent as `{wanted}`", wanted=JSON))
    try:
        wanted = msgspec.json.decode(await request.body(), type=_Wanted).digest
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = message("the digest cannot be read")
        raise refuse(400, "serve-digest", text, message("send `{example}`", example='{"digest": "…"}')) from None
    kept = await manager.activate(name.partition("@")[0], wanted)
    return answer(msgspec.json.encode({"schema": 1, "policy": summary(manager.shelf, kept)}), kept)


@get("/v1/policies/{name:str}/check")
async def check(request: Request[Any, Any, Any], name: str) -> ASGIResponse:
    """Check a policy."""
    query_of(request)
    kept = found_policy(request, name)
    body = await manager_of(request).heavy.answer(
        ("check", kept.digest, kept.path), {"task": "check", "path": str(kept.path)}
    )
    if msgspec.json.decode(body)["policy"]["digest"] != kept.digest:
        raise _altered(kept)
    return answer(body, kept)


@get("/v1/diff")
async def diff(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Compare two policies."""
    query = query_of(request, "old", "new", "lang")
    language = language_of(request, query)
    for name in ("old", "new"):
        if name not in query:
            text = message("the query lacks `{name}`", name=name)
            raise refuse(400, "serve-query", text, message("as in `{example}`", example="?old=mall@…&new=mall"))
    shelf: Shelf = request.app.state.shelf
    old, new = shelf.find(query["old"]), shelf.find(query["new"])
    labels = [f"{one.id}@{one.digest[:12]}" for one in (old, new)]
    task = {
        "task": "diff",
        "old": str(old.path),
        "new": str(new.path),
        "labels": labels,
        "language": language,
        "most": _MOST,
    }
    key = ("diff", old.digest, old.path, new.digest, new.path, language)
    body = await manager_of(request).heavy.answer(key, task)
    found = msgspec.json.decode(body)
    for side, kept in (("old", old), ("new", new)):
        if found[side]["digest"] != kept.digest:
            raise _altered(kept)
    return answer(body, language=language)


def _altered(kept: Kept) -> Refused:
    text = message("the files of policy `{policy}` have changed since it was loaded", policy=kept.id)
    advice = message("restart the service, or publish the policy")
    return refuse(409, "serve-files-changed", text, advice)
