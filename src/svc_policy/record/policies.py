"""The policies behind a record, kept by digest in a folder beside it, so that old decisions can be explained.

``LOG.policies/DIGEST/pack`` is a copy of the pack's files, frozen calendar
included; the packs that it extends are copied beside it as ``base-1``,
``base-2`` …, and `extends` of each copy names the copy of its base. A copy is
only kept if loading it gives the same digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import attrs

from svc_policy.errors import PackError, Place, PolicyError, Problem, UsageError, problem
from svc_policy.messages import message
from svc_policy.pack.export import export_folder
from svc_policy.pack.load import Pack, load_pack
from svc_policy.pack.overlay import read_layers
from svc_policy.pack.source import PackFiles
from svc_policy.policy import Policy
from svc_policy.record.head import beside
from svc_policy.record.lines import refuse, unreadable, unwritable
from svc_policy.rules import FAMILIES

_EXTENDS = re.compile(r"""^[ \t]*["']?extends["']?[ \t]*=.*$""", re.MULTILINE)
_DIGEST = re.compile("[0-9a-f]{64}")


def folder_of(path: Path, digest: str) -> Path:
    """Name the folder in which a record keeps a policy."""
    return beside(path, "policies") / digest


def hash_of(folder: Path) -> str:
    """Give the hash of a folder's files: sha-256 over their names and contents, in the order of the names.

    What is no file of a pack (names that begin with `.`, `~$` or `__`) does not count.

    Raises:
        OSError: A file cannot be read.
    """
    total = hashlib.sha256()
    names = {file.relative_to(folder).as_posix(): file for file in _files_in(folder)}
    for name in sorted(names):
        total.update(f"{hashlib.sha256(names[name].read_bytes()).hexdigest()} {json.dumps(name)}\n".encode())
    return total.hexdigest()


def _files_in(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith((".", "~$", "__")) for part in parts):
            yield file


def keep(path: Path, policy: Policy) -> str:
    """Copy the files of a policy into the record's folder, unless they are there; gives the hash of the copies.

    Raises:
        UsageError: The files have changed since the policy was loaded, or the copy cannot be written.
    """
    target = folder_of(path, policy.digest)
    try:
        if target.is_dir():
            return hash_of(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new.", dir=target.parent))
    except OSError as error:
        raise UsageError([unwritable(target, error)]) from None
    try:
        # As the files stand; a policy that was made from them in memory is written from there.
        for from_memory in (False, True):
            if _is_copied(policy.pack, fresh, from_memory=from_memory):
                fresh.chmod(0o755)
                fresh.rename(target)
                return hash_of(target)
    except OSError as error:
        raise UsageError([unwritable(target, error)]) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        with contextlib.suppress(OSError):
            # Only a folder that holds no policy goes.
            target.parent.rmdir()
    text = message("the files of policy `{policy}` have changed since it was loaded", policy=policy.id)
    advice = message("load the policy again: a record keeps the files that decided")
    raise UsageError([problem("record-policy-changed", text, place=Place(file=policy.pack.path), help=advice)])


def _is_copied(pack: Pack, target: Path, *, from_memory: bool) -> bool:
    """Copy a pack and those it extends; says whether the copy decides the same."""
    for stale in target.iterdir():
        shutil.rmtree(stale)
    problems: list[Problem] = []
    try:
        layers = read_layers(Path(pack.path), FAMILIES, problems)[::-1]
        for number, layer in enumerate(layers):
            folder = target / ("pack" if number == 0 else f"base-{number}")
            if number == 0 and from_memory:
                export_folder(pack, folder)
            else:
                _copy_files(pack, layer, folder)
            if number + 1 < len(layers):
                settings = folder / "policy.toml"
                text = settings.read_text(encoding="utf-8-sig")
                settings.write_text(_EXTENDS.sub(f'extends = "./base-{number + 1}"', text, count=1), encoding="utf-8")
        return load_pack(target / "pack").digest == pack.digest
    except PolicyError:
        return False


def _copy_files(pack: Pack, layer: PackFiles, folder: Path) -> None:
    origin = Path(layer.path)
    if not origin.is_dir():
        # A workbook becomes a folder, so that reading it again needs no extra.
        export_folder(attrs.evolve(pack, files=layer), folder)
        return
    folder.mkdir()
    for file in _files_in(origin):
        copy = folder / file.relative_to(origin)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())


def kept(path: Path, digest: str, on: str | None = None, files: str | None = None) -> Policy:
    """Load a policy that a record keeps.

    Args:
        path: The record.
        digest: The digest that its lines name.
        on: The day that was every governing date, as in `2026-01-01`, if one was.
        files: The hash of the kept files that the record names; what the digest leaves out, as their wording, is not
            looked at unless given.

    Raises:
        UsageError: The policy is not there, or its files are not those that decided.
    """
    folder = folder_of(path, digest)
    if not _DIGEST.fullmatch(digest) or not (folder / "pack").is_dir():
        refuse(
            "record-policy-missing",
            message("the record keeps no policy `{digest}`", digest=digest[:12]),
            folder,
            message("put the folder of kept policies back beside the record, under its name"),
        )
    try:
        pack = load_pack(folder / "pack")
    except PackError as error:
        raise UsageError(error.problems) from None
    if pack.digest != digest:
        refuse(
            "record-policy-altered",
            message("the kept policy has digest `{found}`: its files were changed", found=pack.digest[:12]),
            folder,
            message("put the files back as they were, as from a backup"),
        )
    if files is not None and _hashed(folder) != files:
        refuse(
            "record-policy-altered",
            message("the kept files of policy `{policy}` are not those that the record names", policy=pack.id),
            folder,
            message("put the files back as they were, as from a backup"),
        )
    return Policy(pack, None if on is None else date.fromisoformat(on))


def _hashed(folder: Path) -> str:
    try:
        return hash_of(folder)
    except OSError as error:
        raise UsageError([unreadable(folder, error)]) from None
