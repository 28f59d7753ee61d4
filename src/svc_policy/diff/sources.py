"""Open one side of a comparison: a pack, a folder, a workbook, an edition, a git revision.

``mall`` and ``./my-shop`` are what :func:`svc_policy.load` takes; ``mall@2026-01-01``
is the policy as if that day were every governing date; ``git:HEAD~1:policy/`` is a
folder or workbook as it was in a revision of the git repository of the working
directory. Nothing of a revision is run; its files are laid out in a temporary
folder, read, and taken away.
"""

from __future__ import annotations

import io
import posixpath
import re
import subprocess
import tarfile
import tempfile
import tomllib
from datetime import date
from pathlib import Path
from typing import Final

from svc_policy.errors import UsageError, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.pack.overlay import MOST_LAYERS
from svc_policy.policy import Policy, load

GIT: Final = "git:"
_EDITION: Final = re.compile(r"(.+)@([^@/\\]+)")


def open_policy(name: str) -> Policy:
    """Open a policy by what stands on the command line.

    Args:
        name: A pack, folder or workbook, with `@` and a day for an edition of it; or `git:`, a revision, `:` and a
            path, which is taken from the working directory, or from the repository's root where it is not there.

    Raises:
        PackError: It cannot be read.
        UsageError: There is no such day, revision or path, or git cannot be run.
    """
    found = None if Path(name).exists() else _EDITION.fullmatch(name)
    if found is not None:
        return open_policy(found[1]).on(_day(found[2], name))
    return _of_revision(name) if name.startswith(GIT) else load(name)


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _refused(
            "edition-unreadable",
            message("`{day}` in `{name}` is no day", day=text, name=name),
            message("an edition is named by a day, as in `{example}`", example="mall@2026-01-01"),
        ) from None


def _of_revision(name: str) -> Policy:
    revision, colon, path = name.removeprefix(GIT).partition(":")
    if not revision or not colon or not path or revision.startswith("-"):
        raise _refused(
            "revision-unreadable",
            message("`{name}` names no revision and path", name=name),
            message("write them as in `{example}`", example="git:HEAD~1:policy/"),
        )
    root = Path(_git("rev-parse", "--show-toplevel").decode().strip())
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", refused=_no_revision(revision))
    paths = _known_paths(commit.decode().strip(), root)
    wanted = _path_in(path, root, paths)
    if wanted is None:
        near = nearest(path.strip("/"), {posixpath.dirname(one) for one in paths})
        raise _refused(
            "revision-path",
            message("there is no `{path}` in revision `{revision}`", path=path, revision=revision),
            message("did you mean `{near}`?", near=near) if near else None,
        )
    with tempfile.TemporaryDirectory(prefix="svc-policy-") as folder:
        for _ in range(MOST_LAYERS):
            _lay_out(commit.decode().strip(), wanted, root, folder)
            base = _base_of(Path(folder), wanted)
            if base is None or not any(one == base or one.startswith(f"{base}/") for one in paths):
                break
            wanted = base
        first = _path_in(path, root, paths)
        assert first is not None
        return load(Path(folder) / first)


def _known_paths(commit: str, root: Path) -> frozenset[str]:
    listed = _git("ls-tree", "-r", "-z", "--name-only", commit, folder=root)
    return frozenset(listed.decode("utf-8", "surrogateescape").split("\0"))


def _path_in(path: str, root: Path, known: frozenset[str]) -> str | None:
    """Find a path among those of a revision: from the working directory, else from the root."""
    slashed = path.replace("\\", "/")
    try:
        here = Path.cwd().resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        here = "."
    for start in dict.fromkeys((here, ".")):
        found = posixpath.normpath(posixpath.join(start, slashed))
        if found in known or any(one.startswith(f"{found}/") for one in known):
            return found
    return None


def _lay_out(commit: str, path: str, root: Path, folder: str) -> None:
    archive = _git("archive", "--format=tar", commit, "--", path, folder=root)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _base_of(folder: Path, path: str) -> str | None:
    """Give the path of the pack that one extends by path, None where it extends none, or one by its name."""
    settings = folder / path / "policy.toml"
    try:
        name = tomllib.loads(settings.read_text("utf-8-sig")).get("extends")
    except (OSError, ValueError, RecursionError):
        return None  # said by whoever loads it
    if not isinstance(name, str) or ("/" not in name and "\\" not in name):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name.replace("\\", "/")))


def _git(*words: str, folder: Path | None = None, refused: UsageError | None = None) -> bytes:
    """Run git and give what it prints.

    Raises:
        UsageError: `refused`, or what git said, if it fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a checked revision, no shell
            ["git", *words],  # noqa: S607 - the git that the user has
            cwd=folder,
            capture_output=True,
            check=False,
        )
    except OSError:
        raise _refused(
            "git-missing",
            message("git cannot be run"),
            message("install git, or give a folder instead of a revision"),
        ) from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = said[-1].removeprefix("fatal: ") if said else "-"
    raise refused or _refused(
        "git-refused", message("git says: {reason}", reason=reason), message("run it in a folder of the repository")
    )


def _no_revision(revision: str) -> UsageError:
    return _refused(
        "revision-unknown",
        message("there is no revision `{revision}`", revision=revision),
        message("name a commit, branch or tag, as in `{example}`", example="HEAD~1"),
    )


def _refused(code: str, text: Message, advice: Message | None) -> UsageError:
    return UsageError([problem(code, text, help=advice)])
