"""What `check` finds: a problem that knows the table, the rules, the region, the days and a ticket that lies there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from svc_policy.check.words import Days
from svc_policy.errors import Problem, Severity
from svc_policy.messages import LANGUAGES, Language, Message, Phrase, message
from svc_policy.tables import Test, canonical_test
from svc_policy.units import format_day

_NO_EXAMPLE: Final = message("no example found")

#: Every code, and how much it weighs unless the finding says otherwise.
CODES: Final[Mapping[str, Severity]] = {
    "gap": "error",
    "edition-gap": "error",
    "boundary-gap": "error",
    "overlap": "error",
    "boundary-overlap": "error",
    "overlap-equal": "note",
    "row-never": "warning",
    "row-hidden": "warning",
    "row-twice": "warning",
    "row-contained": "note",
    "rows-mergeable": "note",
    "value-outside": "warning",
    "threshold-order": "warning",
    "start-unreachable": "warning",
    "parameter-unused": "warning",
    "interpretation-unused": "warning",
    "clause-unused": "warning",
    "word-undeclared": "warning",
    "table-entangled": "warning",
    "accept-unknown": "warning",
    "accept-unmatched": "warning",
    "accept-wider": "warning",
}


@attrs.frozen(kw_only=True)
class Example:
    """A ticket that lies in the region of a finding, decided at `at`.

    Args:
        ticket: Its facts as a user writes them.
        at: The instant of the decision, ISO 8601.
        words: The facts that the finding is about.
    """

    ticket: Mapping[str, Any]
    at: str
    words: Message


@attrs.frozen(kw_only=True)
class Finding(Problem):
    """One finding of `check`.

    Args:
        table: The table, empty where the finding is about none.
        rules: The ids of the rows that it is about.
        subject: The name of the parameter, clause or word that it is about.
        region: The points, box by box, as conditions by column.
        words: The region in words.
        days: On which days it holds: first day and first day after; None is no limit.
        example: A ticket that lies there, None where none was found or looked for.
        searched: Whether a ticket was looked for.
        clauses: The clauses that the rules cite.
        accepted: Why the pack accepts it, None where it does not.
        suggestion: The line of the table that would close a gap, in the table's own columns and spelling.
    """

    table: str = ""
    rules: tuple[str, ...] = ()
    subject: str | None = None
    region: tuple[Mapping[str, Test], ...] = ()
    words: Message | None = None
    days: tuple[Days, ...] = ()
    example: Example | None = None
    searched: bool = False
    clauses: tuple[str, ...] = ()
    accepted: Message | None = None
    suggestion: str | None = None

    @property
    def problem(self) -> Problem:
        """The finding as a plain problem: code, sentence, place, help."""
        return Problem(code=self.code, message=self.message, place=self.place, help=self.help, severity=self.severity)

    def render(self, language: Language = "en") -> str:
        """Show the finding as lines of text: place and sentence, example, clauses, help."""
        *lines, last = self.problem.render(language).split("\n") if self.help else (self.problem.render(language), "")
        if self.example is not None:
            lines.append(message("example: {example}", example=self.example.words).text(language))
            ticket = json.dumps(dict(self.example.ticket), ensure_ascii=False)
            lines.append(message("ticket: {ticket}", ticket=ticket).text(language))
            lines.append(message("decided at: {at}", at=self.example.at).text(language))
        elif self.searched:
            lines.append(_NO_EXAMPLE.text(language))
        if self.clauses:
            lines.append(message("clauses: {clauses}", clauses=" ".join(self.clauses)).text(language))
        if self.accepted is not None:
            lines.append(message("accepted: {why}", why=self.accepted).text(language))
        return "\n".join([*lines, last] if last else lines)

    def to_dict(self) -> dict[str, Any]:
        """Give what a finding knows beyond a problem, as JSON-ready data."""
        return {
            "table": self.table or None,
            "rules": list(self.rules),
            "subject": self.subject,
            "region": {
                "boxes": [{name: canonical_test(test) for name, test in box.items()} for box in self.region],
                "words": _in_every_language(self.words),
            }
            if self.words is not None
            else None,
            "days": [{"from": _day(since), "until": _day(until)} for since, until in self.days],
            "example": None
            if self.example is None
            else {
                "ticket": dict(self.example.ticket),
                "at": self.example.at,
                "words": _in_every_language(self.example.words),
            },
            "example_searched": self.searched,
            "clauses": list(self.clauses),
            "accepted": _in_every_language(self.accepted),
            "suggestion": self.suggestion,
        }


def nothing_found() -> dict[str, Any]:
    """Give the keys of :meth:`Finding.to_dict` for a problem that is none."""
    return dict.fromkeys(Finding(code="", message=Phrase("")).to_dict())


def _in_every_language(text: Message | None) -> dict[str, str] | None:
    return None if text is None else {language: text.text(language) for language in LANGUAGES}


def _day(day: int | None) -> str | None:
    return None if day is None else format_day(day)
