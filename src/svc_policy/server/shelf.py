"""The policies that a service has at hand: of each name one is active, and the last few can be asked for by digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from svc_policy.errors import UsageError, nearest, problem
from svc_policy.messages import message
from svc_policy.policy import Policy
from svc_policy.server.problems import refuse

#: So many hexadecimal digits of a digest name it.
SHORTEST: Final = 12
_REFERENCE: Final = re.compile(rf"(?P<name>[^@]+?)(?:@(?P<digest>[0-9a-f]{{{SHORTEST},64}}))?")


@attrs.frozen(kw_only=True)
class Kept:
    """A policy that is ready to decide; `path` is where its files are, `since` when it came."""

    policy: Policy
    path: Path
    is_published: bool = False
    since: datetime = attrs.field(factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.policy.id

    @property
    def digest(self) -> str:
        """The policy's digest."""
        return self.policy.digest


class Shelf:
    """The policies by name and digest.

    Nothing in it changes under a request: who has found a policy keeps that one until it has answered.
    """

    def __init__(self, kept: Iterable[Kept] = (), *, most: int = 10) -> None:
        self._most = most
        self._active: dict[str, Kept] = {}
        self._kept: dict[str, dict[str, Kept]] = {}
        for one in kept:
            if one.id in self._active:
                text = message("two of the policies are named `{name}`", name=one.id)
                advice = message("give one of them, or set another `id` in the `policy.toml` of one")
                raise UsageError([problem("serve-policy-twice", text, help=advice)])
            self.add(one, activate=True)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._active.values())

    def names(self) -> tuple[str, ...]:
        """List the names, in the order in which they came."""
        return tuple(self._active)

    def active(self, name: str) -> Kept | None:
        """Give the active policy of a name."""
        return self._active.get(name)

    def of(self, name: str) -> tuple[Kept, ...]:
        """List all that are kept of a name, the newest last."""
        return tuple(self._kept.get(name, {}).values())

    def add(self, kept: Kept, *, activate: bool) -> tuple[Kept, ...]:
        """Put a policy on the shelf; gives those that had to go.

        The active one never goes. One of the same digest is replaced: its wording may be another.
        """
        named = self._kept.setdefault(kept.id, {})
        named.pop(kept.digest, None)
        named[kept.digest] = kept
        current = self._active.get(kept.id)
        if activate or current is None or current.digest == kept.digest:
            self._active[kept.id] = kept
        gone: list[Kept] = []
        while len(named) > self._most:
            digest = next(one for one in named if one != self._active[kept.id].digest)
            gone.append(named.pop(digest))
        return tuple(gone)

    def activate(self, name: str, digest: str) -> Kept:
        """Make a kept policy the active one of its name.

        Raises:
            Refused: It is not kept.
        """
        kept = self.find(f"{name}@{digest}")
        self._active[name] = kept
        return kept

    def find(self, reference: str) -> Kept:
        """Find a policy: `mall`, the active one, or `mall@0123456789ab`, one that is kept.

        Raises:
            Refused: There is none.
        """
        found = self._active.get(reference)
        if found is not None:
            return found
        match = _REFERENCE.fullmatch(reference)
        name, digest = (match["name"], match["digest"]) if match else (reference, None)
        named = self._kept.get(name)
        if named is None or digest is None:
            near = nearest(name[:60], self._active)
            raise refuse(
                404,
                "serve-policy-unknown",
                message("there is no policy `{name}`", name=name[:60]),
                message("did you mean `{near}`?", near=near)
                if near
                else message("`GET {path}` lists the policies", path="/v1/policies"),
            )
        matching = [one for one in named.values() if one.digest.startswith(digest)]
        if len(matching) != 1:
            raise refuse(
                404,
                "serve-digest-unknown",
                message("policy `{name}` of digest `{digest}` is not kept", name=name, digest=digest[:SHORTEST]),
                message("`GET {path}` lists the digests", path=f"/v1/policies/{name}"),
            )
        return matching[0]
