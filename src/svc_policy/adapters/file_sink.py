"""Write decisions into a file: JSON lines, or CSV for people; one record a ticket.

A file is never changed where it lies: what is new is written beside it and
takes its place at the end, so that whoever reads it, or finds it after a run
that was killed, sees all of the old records or all of the new ones.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from svc_policy.adapters.protocol import Unreadable, Written
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


class FileSink:
    """A file of decisions, by ticket.

    JSON lines hold whole decisions, as `svc-policy decide --json` writes them;
    CSV holds category, coverage, targets, what the customer pays, what is
    missing. A decision counts as the same if nothing of what is written of it
    differs. In memory are the ids of the file and of a call, about 150 bytes each.

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

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions: all of a call or, if anything fails, none.

        Raises:
            AdapterError: The file cannot be read or written, or is none of ours.
        """
        try:
            # A link stays a link: what it leads to is replaced.
            target = self.path.resolve()
            known = self._known(target)
            with tempfile.TemporaryFile(dir=target.parent, prefix=".svc-policy-") as spool:
                return self._write(decisions, target, known, spool)
        except OSError as error:
            template = message("the file cannot be written: {reason}", reason=reason_of(error))
            raise AdapterError([problem("file-write", template, place=Place(file=str(self.path)))]) from None

    def _write(self, decisions: Iterable[Decision], target: Path, known: dict[str, bytes], spool: IO[bytes]) -> Written:
        before = set(known)
        places: dict[str, tuple[int, int]] = {}
        changed: set[str] = set()
        unchanged = 0
        refused: list[Unreadable] = []
        for decision in decisions:
            ticket_id = decision.ticket.ticket_id
            if not ticket_id:
                refused.append(Unreadable(record="", problems=(self._nameless(),)))
                continue
            text = self._record(decision)
            mark = _mark(text)
            if known.get(ticket_id) == mark:
                unchanged += ticket_id not in places
                continue
            if ticket_id in before:
                changed.add(ticket_id)
            known[ticket_id] = mark
            places[ticket_id] = (spool.tell(), len(text))
            spool.write(text)
        if places:
            self._replace(target, places, before, spool)
        return Written(
            made=len(places) - len(changed), changed=len(changed), unchanged=unchanged, refused=tuple(refused)
        )

    def _replace(self, target: Path, places: Mapping[str, tuple[int, int]], before: set[str], spool: IO[bytes]) -> None:
        """Put the file together beside itself, what changed in its old place, and let it take its place."""

        def spooled(ticket_id: str) -> bytes:
            begin, length = places[ticket_id]
            spool.seek(begin)
            return spool.read(length)

        beside = target.with_name(f".{target.name}.part")
        try:
            with beside.open("wb") as made:
                if self.is_csv:
                    made.write(b"\xef\xbb\xbf" + _line(self.headings))
                for _, ticket_id, text in self._there(target):
                    made.write(spooled(ticket_id) if ticket_id in places else text)
                for ticket_id in places:
                    if ticket_id not in before:
                        made.write(spooled(ticket_id))
                made.flush()
                os.fsync(made.fileno())
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o777)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _known(self, target: Path) -> dict[str, bytes]:
        """Give what the file holds: a mark of the record of each ticket."""
        if target.exists() and not target.is_file():
            raise self._strange(None, message("this is no file"))
        known: dict[str, bytes] = {}
        for number, ticket_id, text in self._there(target):
            if ticket_id in known:
                raise self._strange(number, message("the ticket is there already"))
            known[ticket_id] = _mark(text)
        return known

    def _there(self, target: Path) -> Iterator[tuple[int, str, bytes]]:
        """Go through the records of the file: line, ticket, text as it is written."""
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
                    raise self._strange(number, message("the line is no decision")) from None
                yield number, ticket_id, line if line.endswith(b"\n") else line + b"\n"

    def _rows_there(self, target: Path) -> Iterator[tuple[int, str, bytes]]:
        with target.open("r", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            try:
                heading = next(rows, None)
                if heading is None:
                    return
                if tuple(heading) != self.headings:
                    raise self._strange(1, message("the heading is not that of decisions of `{id}`", id=self.policy.id))
                for row in rows:
                    if len(row) != len(self.headings):
                        raise self._strange(rows.line_num, message("the line is no decision"))
                    yield rows.line_num, _plain(row[0]), _line(row)
            except (csv.Error, UnicodeDecodeError):
                raise self._strange(rows.line_num or 1, message("the line is no decision")) from None

    def _record(self, decision: Decision) -> bytes:
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


def _mark(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
