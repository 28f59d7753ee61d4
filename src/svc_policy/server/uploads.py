"""Lay out a policy that somebody sent: a zip, a workbook, or JSON with the text of every file.

Nothing that was sent says where on this machine a file goes: names are matched against what a pack can have, sizes
are counted while they are unpacked, and a pack extends built-in ones only.
"""

from __future__ import annotations

import io
import re
import stat
import tomllib
import zipfile
from pathlib import Path
from typing import Final

import msgspec

from svc_policy.messages import message
from svc_policy.pack.source import built_in_packs, shared_packs
from svc_policy.server.problems import Refused, refuse
from svc_policy.server.settings import Limits

ZIP: Final = "application/zip"
WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
KINDS: Final = (ZIP, WORKBOOK, JSON, BYTES)
_FILE: Final = re.compile(r"(?:lookups/)?[^/\\:*?\"<>|\x00-\x1f]{1,100}\.(?:csv|toml)")
_ID: Final = re.compile(r"""^id[ \t]*=[ \t]*["'](?P<id>[A-Za-z0-9][A-Za-z0-9_-]{0,60})["']""", re.MULTILINE)
_HEAD: Final = 64 * 1024
#: File systems count bytes.
_LONGEST_NAME: Final = 200
#: What programs that pack folders put beside the files.
_LITTER: Final = ("__MACOSX/", ".", "README", "~$")
_PIECE: Final = 64 * 1024


class _Files(msgspec.Struct, forbid_unknown_fields=True):
    files: dict[str, str]


def lay_out(kind: str, body: bytes, folder: Path, limits: Limits) -> Path:
    """Write what was sent into a folder; gives the folder or workbook of the pack.

    Raises:
        Refused: It cannot be a pack.
    """
    if kind == WORKBOOK or (kind != JSON and b"xl/workbook.xml" in body):
        return _workbook(body, folder, limits)
    files = _of_json(body, limits) if kind == JSON else _of_zip(body, limits)
    if "policy.toml" not in files:
        raise refuse(422 if kind == JSON else 409, "serve-upload-file", message("a pack has a file `policy.toml`"))
    target = folder / _name_of(files["policy.toml"])
    (target / "lookups").mkdir(parents=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    if not any(name.startswith("lookups/") for name in files):
        (target / "lookups").rmdir()
    return target


def _of_json(body: bytes, limits: Limits) -> dict[str, bytes]:
    try:
        found = msgspec.json.decode(body, type=_Files).files
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = message("the files of the policy cannot be read")
        advice = message("send `{example}`", example='{"files": {"policy.toml": "…", "fees.csv": "…"}}')
        raise refuse(422, "serve-upload-json", text, advice) from None
    if len(found) > limits.files:
        raise _too_many(limits)
    for name in found:
        if not _FILE.fullmatch(name):
            raise _stray(name, 422)
    try:
        return {name: text.encode() for name, text in ((_checked(name), text) for name, text in found.items())}
    except UnicodeEncodeError:
        raise refuse(409, "serve-upload-json", message("a text holds a character that is no text")) from None


def _of_zip(body: bytes, limits: Limits) -> dict[str, bytes]:
    # Each entry of the directory begins so; reading a directory of a million takes hundreds of megabytes.
    if body.count(b"PK\x01\x02") > limits.files:
        raise _too_many(limits)
    found: dict[str, bytes] = {}
    left = limits.unpacked
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            shared = _shared_folder([entry.filename for entry in entries])
            for entry in entries:
                name = entry.filename.removeprefix(shared)
                if ".." in entry.filename.split("/") or entry.filename.startswith("/"):
                    raise _stray(entry.filename)
                if any(name.startswith(litter) for litter in _LITTER) or entry.filename.startswith(_LITTER[0]):
                    continue
                if entry.flag_bits & 1 or stat.S_ISLNK(entry.external_attr >> 16):
                    raise _stray(entry.filename)
                name = _checked(name)
                if name in found:
                    text = message("`{name}` is there twice", name=name)
                    raise refuse(409, "serve-upload-twice", text)
                found[name] = _unpacked(packed, entry, left, limits)
                left -= len(found[name])
    except Refused:
        raise
    except Exception:
        # What a decompressor says of broken data has many types.
        raise refuse(409, "serve-upload-zip", message("the archive cannot be read")) from None
    return found


def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, limits: Limits) -> bytes:
    """Unpack one file, counting: what an archive says of sizes need not be so."""
    pieces: list[bytes] = []
    size = 0
    with packed.open(entry) as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > most:
                text = message("the files are larger than {most} bytes", most=limits.unpacked)
                raise refuse(413, "serve-upload-large", text)
            pieces.append(piece)
    return b"".join(pieces)


def _shared_folder(names: list[str]) -> str:
    """Find the one folder that the files are in; people pack the folder as often as what is in it."""
    listed = [name for name in names if not name.startswith(_LITTER[0])]
    head = listed[0].partition("/")[0] + "/" if listed and "/" in listed[0] else ""
    if head in ("lookups/", "../", "./") or not head.strip("/") or not all(name.startswith(head) for name in listed):
        return ""
    return head


def _workbook(body: bytes, folder: Path, limits: Limits) -> Path:
    if body.count(b"PK\x01\x02") > limits.files:
        raise _too_many(limits)
    left = limits.unpacked
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for entry in packed.infolist():
                left -= len(_unpacked(packed, entry, left, limits))
    except Refused:
        raise
    except Exception:
        raise refuse(409, "serve-upload-workbook", message("the workbook cannot be read")) from None
    path = folder / "policy.xlsx"
    path.write_bytes(body)
    return path


def check_base(path: Path) -> None:
    """See that what was sent extends built-in packs only; run where it may not fill the memory of the service.

    Raises:
        Refused: It extends something else.
    """
    from svc_policy.pack.source import unfit

    known = (*built_in_packs(), *shared_packs())
    for content in _settings_of_workbook(path) if path.suffix == ".xlsx" else [(path / "policy.toml").read_bytes()]:
        if unfit("policy", content) is not None:
            continue  # said by whoever loads it
        try:
            base = tomllib.loads(content.decode("utf-8-sig")).get("extends")
        except (ValueError, RecursionError):
            continue
        if base is not None and base not in known:
            text = message("a policy that is sent extends a built-in one, not `{name}`", name=str(base)[:60])
            raise refuse(409, "serve-upload-extends", text, message("known here: {known}", known=", ".join(known)))


def _settings_of_workbook(path: Path) -> list[bytes]:
    from svc_policy.errors import Problem
    from svc_policy.pack.workbook import text_of_sheet
    from svc_policy.tables import read_workbook

    problems: list[Problem] = []
    sheets = [sheet for sheet in read_workbook(path, problems=problems) if sheet.name == "policy"]
    return [text_of_sheet(sheet).encode() for sheet in sheets]


def _name_of(content: bytes) -> str:
    """Name the folder as the policy, for the places of its problems; the settings are read elsewhere."""
    head = content[:_HEAD].decode("utf-8", "replace").partition("\n[")[0]
    found = _ID.search(head)
    return found["id"] if found and found["id"] != "lookups" else "policy"


def _checked(name: str) -> str:
    if not _FILE.fullmatch(name) or ".." in name.split("/") or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise _stray(name)
    return name


def _stray(name: str, status: int = 409) -> Refused:
    text = message("a pack has no file `{name}`", name=name[:100])
    advice = message("a pack has `policy.toml`, `cases.toml`, tables as `.csv`, and lists in `lookups/`")
    return refuse(status, "serve-upload-file", text, advice)


def _too_many(limits: Limits) -> Refused:
    return refuse(413, "serve-upload-files", message("there are more than {most} files", most=limits.files))
