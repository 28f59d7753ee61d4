"""Write a pack out again: as a folder of files, or as a workbook whose cells are all text.

What was read is written, cell by cell, so a pack that was exported and loaded
again has the same digest. From a folder the TOML files keep their comments; a
workbook has none to keep.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from svc_policy.errors import Place, Problem, UsageError, problem, reason_of
from svc_policy.messages import Language, Message, message
from svc_policy.pack.load import Pack, load_pack
from svc_policy.pack.source import FIXED_SHEETS, LIBRARY, TEXTS, PackFiles
from svc_policy.pack.workbook import sheet_of_text
from svc_policy.rules import FAMILIES
from svc_policy.tables import Sheet, write_csv, write_workbook


def export_workbook(pack: Pack, path: Path) -> None:
    """Write a pack to one workbook.

    Raises:
        UsageError: The extra `xlsx` is not installed, the file cannot be written,
            or a text is too long for a cell.
    """
    write_workbook(path, _sheets(pack.files))


def export_folder(pack: Pack, folder: Path) -> None:
    """Write a pack to a folder that is not there or empty; it is there as a whole or not at all.

    Raises:
        UsageError: The folder is not empty or cannot be written.
    """
    with _Filling(folder) as target:
        for name, (text, _) in pack.files.texts.items():
            (target / f"{name}.toml").write_text(text, encoding="utf-8", newline="")
        for name, sheet in pack.files.sheets.items():
            write_csv(target / f"{name}.csv", sheet)
        for name, sheet in pack.files.lookups.items():
            (target / "lookups").mkdir(exist_ok=True)
            write_csv(target / "lookups" / f"{name}.csv", sheet)


def copy_pack(source: str | os.PathLike[str], folder: Path) -> Pack:
    """Copy a pack into a folder to be edited: files as they are, a workbook as a folder.

    Returns:
        The pack that was copied.

    Raises:
        PackError: There is no such pack, or it has errors.
        UsageError: The folder is not empty or cannot be written.
    """
    pack = load_pack(source)
    origin = Path(pack.path)
    if not origin.is_dir():
        export_folder(pack, folder)
        return pack
    if folder.resolve().is_relative_to(origin.resolve()):
        raise _refusal(folder, "folder-inside", message("a pack cannot be copied into itself"))
    with _Filling(folder) as target:
        for path in _files(origin):
            copy = target / path.relative_to(origin)
            copy.parent.mkdir(exist_ok=True)
            # The content only: a built-in pack may lie where nothing can be written.
            copy.write_bytes(path.read_bytes())
    return pack


_OVERLAY = """schema = 1
id = "{id}"
title.en = "{title_en}"
title.zh = "{title_zh}"
extends = "{base}"

# {all_else}
#
# [parameters.NAME]           # {parameter}
# value = "…"
#
# [clauses]                   # {clause}
# "base-clause" = "own-clause"
#
# {rows}
# {column}
"""
_OVERLAY_WORDS = {
    "all_else": message("Everything that is not said here is as in the base. What may follow:"),
    "parameter": message("another value of a parameter or an interpretation of the base"),
    "clause": message("a clause of the base = what it is called here, a clause of clauses.csv"),
    "rows": message(
        "In a table beside this file a row with the id of a rule of the base takes its place; a new id comes last;"
    ),
    "column": message("a column `overlay` says `before RULE`, `after RULE` or `drop`."),
}


def write_overlay(base: str | os.PathLike[str], folder: Path, *, language: Language = "en") -> Pack:
    """Begin a pack that is written over another: a `policy.toml` that names its base, and a list of clauses.

    Its title is that of the base with the name of the folder.

    Args:
        base: The pack below.
        folder: Where the new one goes.
        language: What the comments are written in.

    Returns:
        The base.

    Raises:
        PackError: There is no such base, or it has errors.
        UsageError: The folder is not empty or cannot be written.
    """
    pack = load_pack(base)
    name = os.fspath(base)
    if Path(pack.path).parent != LIBRARY / "packs":
        # A path is beside the new pack: as seen from the folder that both would be in.
        name = Path(os.path.relpath(Path(pack.path).resolve(), folder.resolve().parent)).as_posix()
        name = name if "/" in name else f"./{name}"
    own = re.sub("[^A-Za-z0-9]+", "-", folder.resolve().name).strip("-").lower() or "overlay"
    if not own[0].isalpha():
        own = f"pack-{own}"  # an id begins with a letter, a folder need not
    shown = " ".join(folder.resolve().name.split())
    text = _OVERLAY.format(
        id=own,
        title_en=_quotable(_title_over(pack, "en", ": ", shown)),
        title_zh=_quotable(_title_over(pack, "zh", "：", shown)),
        base=_quotable(name),
        **{key: words.text(language) for key, words in _OVERLAY_WORDS.items()},
    )
    with _Filling(folder) as target:
        (target / "policy.toml").write_text(text, encoding="utf-8", newline="")
        (target / "clauses.csv").write_text("clause,place,en,zh\n", encoding="utf-8", newline="")
    return pack


def _title_over(base: Pack, language: Language, colon: str, name: str) -> str:
    """Put the name of a pack to the title of its base, in the place of the base's own name where that was put to it."""
    title = base.settings.titles[language]
    for own in (Path(base.path).name, base.settings.id):
        title = title.removesuffix(f"{colon}{own}")
    return f"{title}{colon}{name}"


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "~$", "__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _sheets(files: PackFiles) -> Iterator[Sheet]:
    """Give the sheets of a workbook in the order in which a reader wants them."""
    texts = {name: sheet_of_text(name, text) for name, (text, _) in files.texts.items()}
    order = (TEXTS[0], *FIXED_SHEETS, *FAMILIES)
    every = {**files.sheets, **{name: sheet for name, sheet in texts.items() if name == TEXTS[0]}}
    for name in sorted(every, key=order.index):
        yield every[name]
    for name, sheet in files.lookups.items():
        yield Sheet(f"lookups.{name}", sheet.file, sheet.header, sheet.rows)
    for name in TEXTS[1:]:
        if name in texts:
            yield texts[name]


class _Filling:
    """Give a folder beside the wanted one to fill, and put it in its place at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Path:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise _refusal(self.folder, "folder-taken", message("the folder is there and is not empty"))
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}.", dir=self.folder.parent))
        except OSError as error:
            raise UsageError([_unwritable(self.folder, error)]) from None
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                mask = os.umask(0)
                os.umask(mask)
                self.temporary.chmod(0o777 & ~mask)
                if self.folder.exists():
                    self.folder.rmdir()
                self.temporary.rename(self.folder)
        except OSError as failed:
            raise UsageError([_unwritable(self.folder, failed)]) from None
        finally:
            shutil.rmtree(self.temporary, ignore_errors=True)
        if isinstance(error, OSError):
            raise UsageError([_unwritable(self.folder, error)]) from None


def _refusal(folder: Path, code: str, text: Message) -> UsageError:
    return UsageError([problem(code, text, place=Place(file=str(folder)))])


def _unwritable(folder: Path, error: OSError) -> Problem:
    reason = reason_of(error)
    return problem(
        "folder-unwritable",
        message("the folder cannot be written: {reason}", reason=reason),
        place=Place(file=str(folder)),
    )
