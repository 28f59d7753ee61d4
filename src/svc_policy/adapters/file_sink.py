"""Write decisions into a file: JSON lines, or CSV for people; one record a ticket.

What is there is never changed where it lies: a file with changed records is
written anew beside the old one and takes its place at the end. Records that
are only added are added to the end, so that a long transfer does not write all
of it again with each chunk; a call that fails takes them back. What a run that
was killed left half added is the last line, without its end: it is no record,
and is left out when the file is written again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NamedTuple

from svc_policy.adapters.protocol import Unreadable, Written, older
from svc_policy.errors import AdapterError, Place, Problem, UsageError, problem, reason_of
from svc_policy.messages import Message, message
from svc_policy.tables.sheets import neutralise

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

Form = Literal["jsonl", "csv"]
FORMS: Final[Mapping[str, Form]] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_ABOUT: Final = ("ticket_id", "policy", "digest", "at")
_COVERAGE: Final = ("in_warranty", "warranty_end", "covered", "excluded", "in_contract")
_QUOTE: Final = ("total", "payable", "payer", "currency")
_AT: Final = _ABOUT.index("at")


class _Kept(NamedTuple):
    """What is known of a record: a digest of its text, the instant of the decision in epoch seconds, if it has one."""

    mark: bytes
    at_s: float | None


class _Record(NamedTuple):
    """A record of the file as it was found: its line, ticket, instant and text."""

    line: int
    ticket_id: str
    at: str
    text: bytes

    def kept(self) -> _Kept:
        at_s = None
        with suppress(ValueError, OverflowError):
            at_s = datetime.fromisoformat(self.at).timestamp()
        return _Kept(_mark(self.text), at_s)


class FileSink:
    """A file of decisions, by ticket.

    JSON lines hold whole decisions, as `svc-policy decide --json` writes them;
    CSV holds category, coverage, targets, what the customer pays, what is
    missing. A decision counts as the same if nothing of what is written of it
    differs. In memory are the ids of the file and what tells a record from
    another, about 300 bytes each; the file is read again only where somebody else
    has changed it.

    Raises:
        UsageError: The format is neither, and the name does not tell it.
    """

    def __init__(self, policy: Policy, path: str | Path, format: str = "") -> None:  # noqa: A002 - the name of the option
        self.policy = policy
        self.path = Path(path)
        form = format or FORMS.get(self.path.suffix.lower(), "")
        if form not in FORMS.values():
            template = message("cannot tell how `{file}` is to be written", file=str(path))
            advice = message("its name ends in `.jsonl` or `.csv`, or say `format`")
            raise UsageError([problem("file-format", template, help=advice)])
        self.is_csv = form == "csv"
        targets = [f"{name}_{part}" for name in policy.target_names() for part in ("status", "due")]
        self.headings = (*_ABOUT, "category", *_COVERAGE, *targets, *_QUOTE, "needs", "next_change_at")
        self._known: dict[str, _Kept] = {}
        self._seen: tuple[int, ...] | None = None
        self._is_whole = False

    @property
    def place(self) -> str:
        """The path from the root."""
        return str(self.path.resolve())

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions: all of a call or, if anything fails, none; an older one than that of the file is refused.

        Raises:
            AdapterError: The file cannot be read or written, or is none of ours.
        """
        try:
            # A link stays a link: what it leads to is replaced.
            target = self.path.resolve()
            if self._seen is None or self._seen != _seen(target):
                self._known = self._read(target)
            self._seen = None
            with tempfile.TemporaryFile(dir=target.parent, prefix=".svc-policy-") as spool:
                written = self._write(decisions, target, spool)
            self._seen = _seen(target)
            return written
        except OSError as error:
            template = message("the file cannot be written: {reason}", reason=reason_of(error))
            raise AdapterError([problem("file-write", template, place=Place(file=str(self.path)))]) from None

    def _write(self, decisions: Iterable[Decision], target: Path, spool: IO[bytes]) -> Written:
        known = self._known
        fresh: dict[str, _Kept] = {}
        places: dict[str, tuple[int, int]] = {}
        unchanged = 0
        refused: list[Unreadable] = []
        for decision in decisions:
            ticket_id = decision.ticket.ticket_id
            if not ticket_id:
                refused.append(Unreadable(record="", problems=(self._nameless(),)))
                continue
            text = self._text(decision)
            there = fresh.get(ticket_id) or known.get(ticket_id)
            mark = _mark(text)
            if there is not None and there.mark == mark:
                unchanged += ticket_id not in places
                continue
            if there is not None and there.at_s is not None and there.at_s > decision.at_s:
                kept_at = datetime.fromtimestamp(there.at_s, self.policy.zone)
                refused.append(older(ticket_id, kept_at, Place(file=str(self.path))))
                continue
            fresh[ticket_id] = _Kept(mark, decision.at_s)
            places[ticket_id] = (spool.tell(), len(text))
            spool.write(text)
        changed = sum(ticket_id in known for ticket_id in fresh)
        if changed or not self._is_whole:
            self._replace(target, places, spool)
        elif places:
            self._append(target, places, spool)
        known.update(fresh)
        self._is_whole = self._is_whole or bool(places)
        return Written(made=len(fresh) - changed, changed=changed, unchanged=unchanged, refused=tuple(refused))

    def _append(self, target: Path, places: Mapping[str, tuple[int, int]], spool: IO[bytes]) -> None:
        """Add records to the end of the file, the last word on each ticket; takes them back where that fails."""
        # Without a buffer, of which something might be written after all once the rest is taken back.
        with target.open("r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                for begin, length in places.values():
                    spool.seek(begin)
                    rest = memoryview(spool.read(length))
                    while rest:
                        rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(end)
                raise

    def _replace(self, target: Path, places: Mapping[str, tuple[int, int]], spool: IO[bytes]) -> None:
        """Put the file together beside itself, what changed in its old place, and let it take its place."""
        if not places:
            return

        def spooled(ticket_id: str) -> bytes:
            begin, length = places[ticket_id]
            spool.seek(begin)
            return spool.read(length)

        beside = target.with_name(f".{target.name}.part")
        try:
            with beside.open("wb") as made:
                if self.is_csv:
                    made.write(self._heading)
                for found in self._there(target):
                    made.write(spooled(found.ticket_id) if found.ticket_id in places else found.text)
                for ticket_id in places:
                    if ticket_id not in self._known:
                        made.write(spooled(ticket_id))
                made.flush()
                os.fsync(made.fileno())
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o777)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _read(self, target: Path) -> dict[str, _Kept]:
        """Give what the file holds of each ticket; sees as well whether records can be added to its end."""
        if target.exists() and not target.is_file():
            raise self._strange(None, message("this is no file"))
        known: dict[str, _Kept] = {}
        size = 0
        for found in self._there(target):
            if found.ticket_id in known:
                raise self._strange(found.line, message("the ticket is there already"))
            known[found.ticket_id] = found.kept()
            size += len(found.text)
        size += len(self._heading) if self.is_csv else 0
        # Otherwise there are blank lines, ends of another kind, or half a line at the end.
        self._is_whole = bool(known) and size == target.stat().st_size
        return known

    @property
    def _heading(self) -> bytes:
        return b"\xef\xbb\xbf" + _line(self.headings)

    def _there(self, target: Path) -> Iterator[_Record]:
        """Go through the records of the file, but for half a line at its end."""
        if not target.exists():
            return
        if self.is_csv:
            yield from self._rows_there(target)
            return
        with target.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                    ticket_id = record["ticket_id"]
                    if not (isinstance(ticket_id, str) and ticket_id and "policy" in record):
                        raise ValueError
                except (ValueError, KeyError, TypeError, RecursionError):
                    if number > 1 and line.startswith(b'{"') and not line.endswith(b"\n"):
                        return
                    raise self._strange(number, message("the line is no decision")) from None
                yield _Record(number, ticket_id, str(record.get("at")), line if line.endswith(b"\n") else line + b"\n")

    def _rows_there(self, target: Path) -> Iterator[_Record]:
        with target.open("rb") as file:
            for number, text in _rows(file):
                coding = "utf-8-sig" if number == 1 else "utf-8"
                try:
                    (row,) = csv.reader(io.StringIO(text.decode(coding), newline=""), strict=True)
                except (csv.Error, ValueError):
                    row = []
                if number == 1 and row and tuple(row) != self.headings:
                    raise self._strange(1, message("the heading is not that of decisions of `{id}`", id=self.policy.id))
                if len(row) != len(self.headings):
                    is_half = text.count(b'"') % 2 or not text.endswith(b"\n")
                    if number > 1 and is_half:
                        return
                    raise self._strange(number, message("the line is no decision"))
                if number > 1:
                    yield _Record(number, _plain(row[0]), row[_AT], _line(row))

    def _text(self, decision: Decision) -> bytes:
        whole = self.policy.as_dict(decision)
        if not self.is_csv:
            return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        coverage, quote = whole["coverage"] or {}, whole["quote"] or {}
        cells: dict[str, Any] = {
            "ticket_id": whole["ticket_id"],
            "policy": whole["policy"]["id"],
            "digest": whole["policy"]["digest"],
            "at": whole["at"],
            "category": whole["category"],
            **{name: coverage.get(name) for name in _COVERAGE},
            **{name: quote.get(name) for name in _QUOTE},
            "needs": " ".join(whole["needs"]),
            "next_change_at": whole["next_change_at"],
        }
        for name, target in whole["targets"].items():
            cells[f"{name}_status"], cells[f"{name}_due"] = target["status"], target["due"]
        texts = [neutralise(_cell(cells.get(name))) for name in self.headings[1:]]
        return _line([_name(whole["ticket_id"]), *texts])

    def _nameless(self) -> Problem:
        return problem(
            "decision-no-ticket",
            message("there is no ticket id"),
            place=Place(file=str(self.path)),
            help=message("a decision is kept under the id of its ticket"),
        )

    def _strange(self, line: int | None, text: Message) -> AdapterError:
        advice = message("name another file: this one is not written over")
        return AdapterError([problem("file-strange", text, place=Place(file=str(self.path), line=line), help=advice)])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _plain(cell: str) -> str:
    """Give the ticket of the cell that :func:`_name` wrote."""
    return cell[1:] if cell.startswith("'") else cell


def _name(ticket_id: str) -> str:
    """Write a ticket's id so that no spreadsheet computes it, and no two are written alike."""
    return f"'{ticket_id}" if ticket_id.startswith("'") else neutralise(ticket_id)


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _rows(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the rows of CSV as they stand, each with the number of its first line: quoted line ends end none."""
    begin, row = 1, b""
    for number, line in enumerate(file, 1):
        row += line
        if row.count(b'"') % 2 == 0:
            yield begin, row
            begin, row = number + 1, b""
    if row:
        yield begin, row


def _seen(target: Path) -> tuple[int, ...] | None:
    """Tell a state of a file from others; None where there is none."""
    with suppress(FileNotFoundError):
        found = target.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return None


def _mark(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
