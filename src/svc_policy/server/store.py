"""Keep what was published over restarts: a folder of packs, and one file that says which of them are active.

``served.json`` is written beside and moved into place, so that it is never half there; a pack is complete before
the file names it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import attrs
import msgspec

from svc_policy.adapters.holding import hold
from svc_policy.errors import PackError, Place, Problem, UsageError, problem, reason_of
from svc_policy.messages import message
from svc_policy.policy import load
from svc_policy.record.policies import hash_of
from svc_policy.server.shelf import SHORTEST, Kept, Shelf

STATE: Final = "served.json"
_PACKS: Final = "policies"
_PLACE: Final = re.compile("[0-9a-f]{16}-[0-9a-f]{16}")


class _Entry(msgspec.Struct):
    digest: str
    path: str
    since: datetime


class _Name(msgspec.Struct):
    active: str
    given: str | None
    kept: list[_Entry]


class _State(msgspec.Struct):
    policies: dict[str, _Name]


@attrs.define
class Store:
    """The folder of a service; a temporary one if it is to forget."""

    folder: Path
    is_temporary: bool = False
    given: dict[str, str] = attrs.field(factory=dict)
    #: What the folder names and cannot be served, by name; its entries are kept, for whoever mends it.
    lost: dict[str, _Name] = attrs.field(factory=dict)
    #: What is wrong with each of them.
    problems: list[Problem] = attrs.field(factory=list)
    #: What is active instead of one that is lost.
    _stand_ins: dict[str, str] = attrs.field(factory=dict)
    #: Held while the service runs: two would forget what the other was sent.
    _lock: IO[bytes] | None = attrs.field(default=None, eq=False)

    @classmethod
    def open(cls, folder: Path | None) -> Store:
        """Open the folder, made if it is not there.

        Raises:
            UsageError: It cannot be made, or another service has it.
        """
        try:
            if folder is None:
                return cls(Path(tempfile.mkdtemp(prefix="svc-policy-serve-")), is_temporary=True)
            (folder / _PACKS).mkdir(parents=True, exist_ok=True)
            lock = hold(folder / STATE)
            if lock is None:
                text = message("another service keeps its policies in this folder")
                advice = message("end it first, or name another folder")
                raise UsageError([problem("serve-store-held", text, place=Place(file=str(folder)), help=advice)])
            for left in (folder / _PACKS).glob(".incoming-*"):
                shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            text = message("the folder of policies cannot be used: {reason}", reason=reason_of(error))
            raise UsageError([problem("serve-store", text, place=Place(file=str(folder)))]) from None
        return cls(folder, lock=lock)

    def close(self) -> None:
        """Let go of the folder; a temporary one is taken away."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self.is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def incoming(self) -> Path:
        """Make a folder for a policy that is not yet tried."""
        packs = self.folder / _PACKS
        packs.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".incoming-", dir=packs))

    def settle(self, incoming: Path, digest: str) -> tuple[Path, bool]:
        """Give a tried policy its place; gives the folder that stands for the one that came, and whether it is new."""
        total = hash_of(incoming)
        place = self.folder / _PACKS / f"{digest[:16]}-{total[:16]}"
        if _is_whole(place, total):
            shutil.rmtree(incoming)
            return place, False
        # One whose files were changed behind its back makes room.
        shutil.rmtree(place, ignore_errors=True)
        os.chmod(incoming, 0o700)
        os.rename(incoming, place)
        return place, True

    def drop(self, kept: Iterable[Kept]) -> None:
        """Take the files of policies away that are not kept any more."""
        for one in kept:
            if one.is_published:
                shutil.rmtree(one.path.parent, ignore_errors=True)

    def shelve(self, given: Iterable[Kept], most: int) -> Shelf:
        """Put the given policies and those of the folder on a shelf.

        What was made active through the service stays so, unless the files that were given have changed since.

        Raises:
            UsageError: The folder cannot be read, or two of the given have one name.
        """
        shelf = Shelf(given, most=most)
        self.given = {kept.id: kept.digest for kept in shelf}
        state = self._read()
        if state is None:
            return shelf
        for name, entry in state.policies.items():
            lost: list[_Entry] = []
            for one in entry.kept:
                kept = self._load(one, name)
                if kept is None:
                    lost.append(one)
                elif kept.digest != self.given.get(name):
                    shelf.add(kept, activate=False)
            if lost:
                self.lost[name] = msgspec.structs.replace(entry, kept=lost)
            unchanged = self.given.get(name) in (None, entry.given)
            if unchanged and any(kept.digest == entry.active for kept in shelf.of(name)):
                shelf.activate(name, entry.active)
            elif unchanged and (instead := shelf.active(name)) is not None:
                self._stand_ins[name] = instead.digest
        self._sweep(state)
        return shelf

    def _sweep(self, state: _State) -> None:
        """Take away the packs that the file does not name: their publishing was cut short."""
        named = {Path(one.path).parts[1:2] for entry in state.policies.values() for one in entry.kept}
        for place in (self.folder / _PACKS).iterdir():
            if _PLACE.fullmatch(place.name) and (place.name,) not in named:
                shutil.rmtree(place, ignore_errors=True)

    def save(self, shelf: Shelf) -> None:
        """Write which policies are kept and active.

        Raises:
            OSError: It cannot be written.
        """
        if self.is_temporary:
            return
        policies = dict(self.lost)
        for active in shelf:
            kept = [
                _Entry(one.digest, one.path.relative_to(self.folder).as_posix(), one.since)
                for one in shelf.of(active.id)
                if one.is_published
            ]
            digest, lost = active.digest, self.lost.get(active.id)
            if lost is not None:
                again = {one.path for one in kept}
                kept = [*(one for one in lost.kept if one.path not in again), *kept]
                if self._stand_ins.get(active.id) == digest:
                    digest = lost.active
            policies[active.id] = _Name(digest, self.given.get(active.id), kept)
        state = {"schema": 1, "policies": msgspec.to_builtins(policies)}
        handle, fresh = tempfile.mkstemp(prefix=f".{STATE}.", dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.folder / STATE)

    def _read(self) -> _State | None:
        path = self.folder / STATE
        try:
            return msgspec.json.decode(path.read_bytes(), type=_State)
        except FileNotFoundError:
            return None
        except OSError as error:
            text = message("the folder of policies cannot be used: {reason}", reason=reason_of(error))
            raise UsageError([problem("serve-store", text, place=Place(file=str(path)))]) from None
        except (ValueError, RecursionError):
            text = message("the file is not one that the service wrote")
            advice = message("take it away: the policies that are given serve until others are published")
            raise UsageError([problem("serve-store", text, place=Place(file=str(path)), help=advice)]) from None

    def _load(self, entry: _Entry, name: str) -> Kept | None:
        path = self.folder / entry.path
        why = message("its folder is elsewhere")
        if path.resolve().is_relative_to(self.folder.resolve()):
            try:
                policy = load(path)
            except PackError as error:
                why = error.problems[0].message
            else:
                if policy.digest == entry.digest and policy.id == name:
                    return Kept(policy=policy, path=path, is_published=True, since=entry.since)
                why = message("its files have changed")
        text = message(
            "policy `{policy}` of digest `{digest}` cannot be served any more: {reason}",
            policy=name,
            digest=entry.digest[:SHORTEST],
            reason=why,
        )
        advice = message("mend its files and start again, or publish it again")
        self.problems.append(
            problem("serve-store-lost", text, place=Place(file=str(path)), help=advice, severity="warning")
        )
        return None


def _is_whole(place: Path, total: str) -> bool:
    """Say whether a folder holds the files of a hash."""
    try:
        return place.is_dir() and hash_of(place) == total
    except OSError:
        return False
