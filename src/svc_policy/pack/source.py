"""Find a pack and read its files: a folder, a workbook, or the name of a built-in one.

Whatever leaves the folder is refused; nothing in a pack is ever executed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from svc_policy.errors import PackError, Place, Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.tables import Sheet

#: Where the library lies; `importlib.resources` would take longer to import than a pack to read.
LIBRARY = Path(__file__).resolve().parent.parent
#: Files of a pack besides the families' tables.
FIXED_SHEETS = ("calendar", "clauses", "labels")
TEXTS = ("policy", "cases")
#: How the name of a pack begins that others extend and that serves nobody itself.
SHARED = "shared-"
#: Reading TOML takes a second or two a megabyte; the cases of a pack may be many.
LARGEST_TEXT: Mapping[str, int] = {"policy": 2**20, "cases": 4 * 2**20}
#: Reading a key takes as long as the square of its parts.
MOST_PARTS = 32
_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}\.[ \t]*+){{{MOST_PARTS}}}")


@attrs.frozen(kw_only=True)
class PackFiles:
    """What was read: tables as sheets, TOML files as text, each with the file it came from."""

    name: str
    path: str
    sheets: Mapping[str, Sheet]
    lookups: Mapping[str, Sheet]
    texts: Mapping[str, tuple[str, str]]


def built_in_packs() -> tuple[str, ...]:
    """List the names of the packs that come with the library, one a service; what they share is no service."""
    root = LIBRARY / "packs"
    if not root.is_dir():
        return ()
    names = (item.name for item in root.iterdir() if (item / "policy.toml").is_file())
    return tuple(sorted(name for name in names if not name.startswith(SHARED)))


def shared_packs() -> tuple[str, ...]:
    """List the names of the packs that only serve as a base of others."""
    return tuple(sorted(item.parent.name for item in (LIBRARY / "packs").glob(f"{SHARED}*/policy.toml")))


def find_pack(name: str | os.PathLike[str]) -> Path:
    """Find the folder or workbook of a pack: a built-in name, or a path.

    Raises:
        PackError: there is none; names the nearest built-in one.
    """
    text = os.fspath(name)
    root = LIBRARY / "packs"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", text) and (root / text / "policy.toml").is_file():
        return root / text
    path = Path(text)
    if (text and path.is_dir()) or (path.is_file() and path.suffix.lower() == ".xlsx"):
        return path
    known = built_in_packs()
    near = nearest(text, known)
    raise PackError(
        [
            problem(
                "pack-missing",
                message("there is no pack `{name}`", name=text),
                help=message("did you mean `{near}`?", near=near)
                if near
                else message(
                    "a pack is a folder with a policy.toml, a workbook, or one of: {known}", known=", ".join(known)
                ),
            )
        ]
    )


def read_files(path: Path, families: Mapping[str, object], problems: list[Problem]) -> PackFiles:
    """Read every file of a pack; what does not belong there is a problem."""
    if path.is_dir():
        return _read_folder(path, families, problems)
    return _read_workbook(path, families, problems)


def _read_folder(path: Path, families: Mapping[str, object], problems: list[Problem]) -> PackFiles:
    from svc_policy.tables import read_csv

    root = path.resolve()
    sheets: dict[str, Sheet] = {}
    lookups: dict[str, Sheet] = {}
    texts: dict[str, tuple[str, str]] = {}
    tables = (*FIXED_SHEETS, *families)
    for item in sorted(path.iterdir()):
        label = str(Path(path.name) / item.name) if not path.is_absolute() else _label(item)
        if item.name.startswith((".", "~$", "README", "__")):
            continue
        if not item.resolve().is_relative_to(root):
            problems.append(_stray(label, "file-outside", message("the file leads out of the pack")))
        elif item.is_dir():
            if item.name != "lookups":
                problems.append(
                    _stray(label, "folder-unknown", message("a pack has no folder `{name}`", name=item.name))
                )
                continue
            for list_file in sorted(item.glob("*.csv")):
                if not list_file.resolve().is_relative_to(root):
                    problems.append(
                        _stray(_label(list_file), "file-outside", message("the file leads out of the pack"))
                    )
                    continue
                lookups[list_file.stem] = read_csv(list_file, problems=problems, file=_label(list_file))
        elif item.suffix == ".toml" and item.stem in TEXTS:
            text = _read_text(item, label, problems)
            if text is not None:
                texts[item.stem] = (text, label)
        elif item.suffix == ".csv" and item.stem in tables:
            sheets[item.stem] = read_csv(item, problems=problems, file=label)
        else:
            known = [f"{name}.csv" for name in tables] + [f"{name}.toml" for name in TEXTS]
            near = nearest(item.name, known)
            problems.append(
                problem(
                    "file-unknown",
                    message("a pack has no file `{name}`", name=item.name),
                    place=Place(file=label),
                    help=message("did you mean `{near}`?", near=near) if near else None,
                )
            )
    return PackFiles(name=path.name, path=str(path), sheets=sheets, lookups=lookups, texts=texts)


def _read_workbook(path: Path, families: Mapping[str, object], problems: list[Problem]) -> PackFiles:
    from svc_policy.pack.workbook import text_of_sheet
    from svc_policy.tables import read_workbook

    sheets: dict[str, Sheet] = {}
    lookups: dict[str, Sheet] = {}
    texts: dict[str, tuple[str, str]] = {}
    for sheet in read_workbook(path, problems=problems):
        if sheet.name in TEXTS:
            text, label = text_of_sheet(sheet), f"{path.name}:{sheet.name}"
            if (wrong := unfit(sheet.name, text.encode())) is None:
                texts[sheet.name] = (text, label)
            else:
                problems.append(_stray(label, *wrong))
        elif sheet.name.startswith("lookups."):
            lookups[sheet.name.removeprefix("lookups.")] = sheet
        elif sheet.name in (*FIXED_SHEETS, *families):
            sheets[sheet.name] = sheet
        else:
            near = nearest(sheet.name, (*TEXTS, *FIXED_SHEETS, *families))
            problems.append(
                problem(
                    "sheet-unknown",
                    message("a pack has no sheet `{name}`", name=sheet.name),
                    place=Place(file=path.name, sheet=sheet.name),
                    help=message("did you mean `{near}`?", near=near) if near else None,
                )
            )
    return PackFiles(name=path.stem, path=str(path), sheets=sheets, lookups=lookups, texts=texts)


def _read_text(path: Path, label: str, problems: list[Problem]) -> str | None:
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT[path.stem] + 1)
    if (wrong := unfit(path.stem, content)) is not None:
        problems.append(_stray(label, *wrong))
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(_stray(label, "encoding", message("the file is not UTF-8")))
        return None


def unfit(name: str, content: bytes) -> tuple[str, Message] | None:
    """Say why TOML would take too long to read, None if it would not.

    Args:
        name: `policy` or `cases`.
        content: The text as UTF-8.
    """
    if len(content) > LARGEST_TEXT[name]:
        return "file-large", message("the file is larger than {most} MB", most=LARGEST_TEXT[name] // 2**20)
    if _DEEP.search(content.decode("utf-8", "replace")):
        return "file-deep", message("a key has more than {most} parts", most=MOST_PARTS)
    return None


def _stray(label: str, code: str, text: object) -> Problem:
    return problem(code, text, place=Place(file=label))  # type: ignore[arg-type]


def _label(path: Path) -> str:
    """Name a file as its user would: relative to where they stand, or by its last two parts."""
    if path.is_relative_to(LIBRARY):
        return str(path.relative_to(LIBRARY))
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        shown = path.parts[-3:] if path.parent.name == "lookups" else path.parts[-2:]
        return str(Path(*shown))
