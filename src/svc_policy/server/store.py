"""Keep what was published over restarts: a folder of packs, and one file that says which of them are active.

``served.json`` is written beside and moved into place, so that it is never half there; a pack is complete before
the file names it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from svc_policy.errors import PackError, Place, UsageError, problem, reason_of
from svc_policy.messages import message
from svc_policy.policy import load
from svc_policy.record.policies import hash_of
from svc_policy.server.shelf import Kept, Shelf

STATE: Final = "served.json"
_PACKS: Final = "policies"


@attrs.define
class Store:
    """The folder of a service; a temporary one if it is to forget."""

    folder: Path
    is_temporary: bool = False
    given: dict[str, str] = attrs.field(factory=dict)

    @classmethod
    def open(cls, folder: Path | None) -> Store:
        """Open the folder, made if it is not there.

        Raises:
            UsageError: It cannot be made.
        """
        try:
            if folder is None:
                return cls(Path(tempfile.mkdtemp(prefix="svc-policy-serve-")), is_temporary=True)
            (folder / _PACKS).mkdir(parents=True, exist_ok=True)
            for left in (folder / _PACKS).glob(".incoming-*"):
                shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            text = message("the folder of policies cannot be used: {reason}", reason=reason_of(error))
            raise UsageError([problem("serve-store", text, place=Place(file=str(folder)))]) from None
        return cls(folder)

    def close(self) -> None:
        """Take a temporary folder away."""
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
        if place.is_dir() and hash_of(place) == total:
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
        for name, entry in self._read().items():
            active = entry["active"]
            for one in entry["kept"]:
                kept = self._load(one, name)
                if kept is not None and (kept.digest != self.given.get(name)):
                    shelf.add(kept, activate=False)
            unchanged = self.given.get(name) in (None, entry["given"])
            if unchanged and any(kept.digest == active for kept in shelf.of(name)):
                shelf.activate(name, active)
        return shelf

    def save(self, shelf: Shelf) -> None:
        """Write which policies are kept and active.

        Raises:
            OSError: It cannot be written.
        """
        if self.is_temporary:
            return
        state = {
            "schema": 1,
            "policies": {
                kept.id: {
                    "active": kept.digest,
                    "given": self.given.get(kept.id),
                    "kept": [
                        {
                            "digest": one.digest,
                            "path": one.path.relative_to(self.folder).as_posix(),
                            "since": one.since.isoformat(),
                        }
                        for one in shelf.of(kept.id)
                        if one.is_published
                    ],
                }
                for kept in shelf
            },
        }
        handle, fresh = tempfile.mkstemp(prefix=f".{STATE}.", dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.folder / STATE)

    def _read(self) -> dict[str, Any]:
        path = self.folder / STATE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found: dict[str, Any] = content["policies"]
            for entry in found.values():
                _ = (
                    entry["active"],
                    entry["given"],
                    [(one["path"], one["digest"], one["since"]) for one in entry["kept"]],
                )
        except FileNotFoundError:
            return {}
        except OSError as error:
            text = message("the folder of policies cannot be used: {reason}", reason=reason_of(error))
            raise UsageError([problem("serve-store", text, place=Place(file=str(path)))]) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            text = message("the file is not one that the service wrote")
            advice = message("take it away: the policies that are given serve until others are published")
            raise UsageError([problem("serve-store", text, place=Place(file=str(path)), help=advice)]) from None
        return found

    def _load(self, entry: dict[str, Any], name: str) -> Kept | None:
        path = self.folder / entry["path"]
        if not path.resolve().is_relative_to(self.folder.resolve()):
            return None
        try:
            policy = load(path)
        except PackError:
            return None
        if policy.digest != entry["digest"] or policy.id != name:
            return None
        return Kept(policy=policy, path=path, is_published=True, since=datetime.fromisoformat(entry["since"]))
