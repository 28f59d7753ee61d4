"""Packs for tests: a copy of mall to be changed, or files written from their texts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import svc_policy

MALL = Path(svc_policy.__file__).parent / "packs" / "mall"


def copy_of_mall(folder: Path) -> Path:
    """Copy mall into a new folder below `folder`."""
    return Path(shutil.copytree(MALL, folder / "mall"))


def change(pack: Path, file: str, old: str, new: str) -> None:
    """Put `new` in the place of `old`, which must be there once."""
    path = pack / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def write_pack(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files, by their path in the pack, into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
