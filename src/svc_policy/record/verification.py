"""Find what was changed, taken out or moved in a record, and say which line and why."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import attrs

from svc_policy.errors import Place, Problem, UsageError, problem
from svc_policy.messages import Message, message
from svc_policy.record.head import EMPTY, Position, located, read_head
from svc_policy.record.lines import NOTHING, Line, open_log, read_lines
from svc_policy.record.policies import kept

_HASH = re.compile("[0-9a-f]{64}")


@attrs.frozen(kw_only=True)
class Verification:
    """What a look at every line of a record found.

    `position` is the last line; `problems` are errors where something was
    changed, warnings where something is worth knowing.
    """

    path: str
    position: Position
    decisions: int
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether no line was changed, taken out or moved, and every policy is there."""
        return not any(one.severity == "error" for one in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON-ready data; problems in English."""
        return {
            "schema": 1,
            "log": self.path,
            "lines": self.position.lines,
            "decisions": self.decisions,
            "hash": self.position.hash,
            "sound": self.is_sound,
            "problems": [
                {
                    "code": one.code,
                    "severity": one.severity,
                    "line": None if one.place is None else one.place.line,
                    "message": one.message.text(),
                }
                for one in self.problems
            ],
        }


@attrs.frozen
class Expectation:
    """What somebody kept elsewhere of a record: how many lines it had, the hash of a line, or both."""

    lines: int | None = None
    hash: str | None = None


def read_expectation(text: str) -> Expectation:
    """Read `COUNT`, `HASH` or `COUNT:HASH`.

    Raises:
        UsageError: It is none of them.
    """
    count, _, own = text.partition(":") if ":" in text else ("", "", text) if _HASH.fullmatch(text) else (text, "", "")
    if (count and not re.fullmatch("[0-9]{1,15}", count)) or (own and not _HASH.fullmatch(own)) or not (count or own):
        raise UsageError(
            [
                problem(
                    "record-expect",
                    message("cannot read `{text}` in `{name}`", text=text, name="--expect"),
                    help=message(
                        "give a number of lines, the hash of a line, or both as in `{example}`", example="12:3f…"
                    ),
                )
            ]
        )
    return Expectation(int(count) if count else None, own or None)


def verify(path: str | os.PathLike[str], *, expect: str | Position | None = None) -> Verification:
    """Verify a record: every line's hash, their order, the head beside it, and the policies that it keeps.

    Args:
        path: The record.
        expect: What was kept elsewhere, as by :meth:`Recorder.flush`: the record must still have that many lines,
            and that hash.

    Raises:
        UsageError: The file cannot be read, is no record, or is of a newer library.
    """
    log = located(path)
    wanted = None if expect is None else read_expectation(str(expect))
    walk = _Walk(log, wanted)
    with open_log(log) as file:
        for line, is_finished in read_lines(file, log):
            walk.take(line, is_finished=is_finished)
    walk.end()
    return Verification(path=str(log), position=walk.last, decisions=walk.decisions, problems=tuple(walk.in_order()))


class _Walk:
    """Goes through the lines in their order in the file and knows which one should come next."""

    def __init__(self, path: Path, wanted: Expectation | None) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.decisions = 0
        self.last = EMPTY
        #: The hash that the next line should name; None where it cannot be known.
        self._previous: str | None = NOTHING
        #: Numbers that were passed over: first, last, and where in the file that was seen.
        self._gaps: list[tuple[int, int, int]] = []
        self._wanted = wanted
        self._head = read_head(path)
        self._seen: dict[int, str] = {}
        self._has_wanted_hash = False
        #: The policies that lines name, each with the hash of its kept files, and the first such line.
        self._policies: dict[tuple[str, str | None], int] = {}
        self._returns = False

    def take(self, line: Line, *, is_finished: bool) -> None:
        """Look at the next line of the file."""
        if not is_finished:
            self._say(
                "record-torn",
                message("the last line was never finished: its writer was stopped, or is writing"),
                line.place,
                message("the next writer sets it aside"),
                severity="warning",
            )
            return
        if line.had_return and not self._returns:
            self._returns = True
            self._say(
                "record-returns",
                message("lines end in CRLF: another program has written the file anew"),
                line.place,
                message("put the file back as it was, or turn the ends of its lines into LF"),
            )
        expected = self.last.lines + 1
        number = line.number
        if line.body is None:
            self._say("record-unreadable-line", message("line {n} cannot be read", n=expected), line.place)
            self._advance(expected, "", None)
        elif not line.is_whole or number is None:
            self._say("record-changed", message("line {n} was changed: its hash does not fit", n=expected), line.place)
            # What follows names the hash that the line had, which may be what was changed.
            self._advance(expected, line.hash, None)
        elif number < expected:
            self._late(number, line)
        else:
            self._in_turn(number, expected, line)

    def _in_turn(self, number: int, expected: int, line: Line) -> None:
        if number > expected:
            self._gaps.append((expected, number - 1, line.place))
        elif self._previous is not None and line.previous != self._previous:
            text = message(
                "line {n} does not follow the line before it: line {before} was written anew",
                n=number,
                before=number - 1,
            )
            if number == 1:
                text = message("line {n} names a line before it, and there is none", n=number)
            self._say("record-rewritten", text, line.place)
        self._advance(number, line.hash, line.hash)
        if line.kind == "decision":
            self.decisions += 1
        elif line.kind == "policy" and line.body is not None:
            files = line.body.get("files")
            named = (str(line.body.get("digest")), None if files is None else str(files))
            self._policies.setdefault(named, line.place)

    def _advance(self, number: int, own: str, previous: str | None) -> None:
        self.last = Position(number, own)
        self._previous = previous
        if self._head is not None and number == self._head.lines:
            self._seen[number] = own
        if self._wanted is not None:
            if self._wanted.lines == number:
                self._seen[number] = own
            if own and self._wanted.hash == own:
                self._has_wanted_hash = True

    def _late(self, number: int, line: Line) -> None:
        """Take a line whose number should have come before: it was moved, or is there twice."""
        for index, (first, last, seen_at) in enumerate(self._gaps):
            if first <= number <= last:
                rest = [(first, number - 1, seen_at), (number + 1, last, seen_at)]
                self._gaps[index : index + 1] = [gap for gap in rest if gap[0] <= gap[1]]
                text = message("line {n} was moved: it stands after line {after}", n=number, after=self.last.lines)
                self._say("record-moved", text, line.place)
                self.decisions += line.kind == "decision"
                return
        self._say("record-repeated", message("line {n} is there twice", n=number), line.place)

    def end(self) -> None:
        """Look at what can only be told at the end: lines that are missing, the head, the policies."""
        for first, last, place in self._gaps:
            text = message("line {n} is missing", n=first)
            if last > first:
                text = message("lines {first} to {last} are missing", first=first, last=last)
            self._say("record-missing", text, place)
        self._check_head()
        self._check_expected()
        said: set[tuple[str, str]] = set()
        for (digest, files), place in self._policies.items():
            try:
                kept(self.path, digest, files=files)
                if files is None:
                    self._say(
                        "record-wording",
                        message(
                            "the line does not name the hash of the policy's kept files: an older version wrote it"
                        ),
                        place,
                        message("a change of their wording, as in labels and clauses, cannot be found"),
                        severity="warning",
                    )
            except UsageError as error:
                fresh = [one for one in error.problems if (str(one.place), one.message.text()) not in said]
                said |= {(str(one.place), one.message.text()) for one in fresh}
                self.problems.extend(fresh)
                self._say(
                    "record-unexplained",
                    message("what this policy decided cannot be explained or decided again"),
                    place,
                    severity="warning",
                )

    def _check_head(self) -> None:
        head = self._head
        if head is None:
            self._say(
                "record-headless",
                message("the head `{file}` is missing or cannot be read", file=f"{self.path.name}.head"),
                None,
                message("without it lines that were taken off the end are only found with `--expect`"),
                severity="warning",
            )
        elif head.lines > self.last.lines:
            text = message(
                "the record ends at line {last}, and had {lines} lines", last=self.last.lines, lines=head.lines
            )
            self._say("record-truncated", text, None, message("lines were taken off its end: put them back"))
        elif head.lines and self._seen.get(head.lines) not in (head.hash, None, ""):
            text = message("line {n} is not the one that the head names", n=head.lines)
            self._say("record-rewritten", text, None, message("the lines up to it were written anew, or the head was"))

    def _check_expected(self) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        if wanted.lines is not None and self.last.lines < wanted.lines:
            text = message(
                "the record has {last} lines, and {lines} were expected", last=self.last.lines, lines=wanted.lines
            )
            self._say("record-truncated", text, None, message("lines were taken off its end: put them back"))
        elif wanted.hash is not None:
            found = self._seen.get(wanted.lines) if wanted.lines is not None else None
            if not (found == wanted.hash if wanted.lines is not None else self._has_wanted_hash):
                text = message("no line has the hash that was expected")
                if wanted.lines is not None:
                    text = message("line {n} has not the hash that was expected", n=wanted.lines)
                self._say("record-rewritten", text, None, message("the record was written anew, or is another one"))

    def _say(
        self, code: str, text: Message, place: int | None, advice: Message | None = None, *, severity: Any = "error"
    ) -> None:
        where = Place(file=str(self.path), line=place)
        help_line = advice or message("compare the record with a copy from before")
        self.problems.append(problem(code, text, place=where, help=help_line, severity=severity))

    def in_order(self) -> list[Problem]:
        """Give the problems in the order of the lines that they stand at, those of no line last."""
        own = str(self.path)

        def line_of(one: Problem) -> float:
            at_line = one.place is not None and one.place.file == own and one.place.line is not None
            return one.place.line or 0 if at_line and one.place is not None else float("inf")

        return sorted(self.problems, key=line_of)


__all__ = ["Verification", "verify"]
