"""Read a record back: its decisions, each with the policy, layout and rules that its line refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from svc_policy.decision import Decision
from svc_policy.errors import Place, Problem, UsageError, problem
from svc_policy.messages import message
from svc_policy.policy import Policy
from svc_policy.record.inputs import taken_out
from svc_policy.record.layout import expanded
from svc_policy.record.lines import Line, open_log, read_lines, refuse
from svc_policy.record.policies import kept


@attrs.frozen(kw_only=True, eq=False)
class Recorded:
    """One decision of a record.

    `results` are its columns by name, in internal units as in ``docs/sql.md``; among them `needs` and `rules`.
    `files` is the hash of the policy's kept files; None where an older version wrote the record.
    `taken_out` are the facts that the ticket stated and the record does not hold, as `ticket.cause`.
    """

    line: int
    at_s: int
    digest: str
    engine: str
    on: str | None
    currency: str
    files: str | None
    dates: Mapping[str, Any]
    ticket: Mapping[str, Any]
    results: Mapping[str, Any]
    taken_out: frozenset[str]
    body: Mapping[str, Any]

    def decide(self, policy: Policy) -> Decision:
        """Decide the ticket again, at the same instant.

        Raises:
            PolicyError: The policy cannot read the ticket, or its calendar does not reach so far.
        """
        return policy.decide(self.ticket, at=datetime.fromtimestamp(self.at_s, UTC))


def read_decisions(path: Path) -> Iterator[Recorded | Problem]:
    """Yield every decision of a record in its order; a line that cannot be used is a problem.

    Raises:
        UsageError: The file cannot be read, is no record, or is of a newer library.
    """
    policies: dict[int, Mapping[str, Any]] = {}
    layouts: dict[int, Mapping[str, Any]] = {}
    rules: dict[int, Mapping[str, Any]] = {}
    with open_log(path) as file:
        for line, is_finished in read_lines(file, path):
            if not is_finished:
                continue
            if line.body is None or not line.is_whole or line.number is None:
                yield _unusable(path, line)
            elif line.kind == "policy":
                policies[line.number] = line.body
            elif line.kind == "layout":
                layouts[line.number] = line.body
            elif line.kind == "rules":
                rules[line.number] = line.body
            elif line.kind == "decision":
                try:
                    layout = layouts[line.body["layout_line"]]
                    found = _recorded(line, policies[layout["policy_line"]], layout, rules[line.body["rules_line"]])
                except (KeyError, TypeError, ValueError):
                    yield _unusable(path, line)
                else:
                    yield found


def _recorded(line: Line, policy: Mapping[str, Any], layout: Mapping[str, Any], rules: Mapping[str, Any]) -> Recorded:
    assert line.body is not None and line.number is not None
    body = line.body
    return Recorded(
        line=line.number,
        at_s=int(body["at_s"]),
        digest=str(body["digest"]),
        engine=str(body["engine"]),
        on=policy["on"],
        currency=str(policy["currency"]),
        files=policy.get("files"),
        dates=dict(body["dates"]),
        ticket=body["ticket"],
        results=expanded(layout, rules, body),
        taken_out=taken_out(body),
        body=body,
    )


def _unusable(path: Path, line: Line) -> Problem:
    return problem(
        "record-line-unusable",
        message("the line cannot be used: it is not as it was written, or a line that it refers to is not"),
        place=Place(file=str(path), line=line.place),
        help=message("`{command}` says which lines were changed", command=f"svc-policy record verify {path}"),
    )


class Kept:
    """The policies that a record keeps, each loaded once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: dict[tuple[str, str | None, str | None], Policy | UsageError] = {}

    def of(self, recorded: Recorded) -> Policy:
        """Load the policy that made a decision.

        Raises:
            UsageError: It is not there, or was changed.
        """
        key = (recorded.digest, recorded.on, recorded.files)
        if key not in self._loaded:
            try:
                self._loaded[key] = kept(self._path, *key)
            except UsageError as error:
                self._loaded[key] = error
        found = self._loaded[key]
        if isinstance(found, UsageError):
            raise found
        return found


def find(path: Path, number: int) -> Recorded:
    """Find the decision on a line.

    Raises:
        UsageError: There is no such line, it is no decision, or it cannot be used.
    """
    lines = 0
    with open_log(path) as file:
        for line, _ in read_lines(file, path):
            lines = line.place
            if line.place == number and line.is_whole and line.kind != "decision":
                refuse(
                    "record-no-decision",
                    message("line {n} is no decision: it says what decisions refer to", n=number),
                    path,
                    message("decisions stand on the lines whose `kind` is `decision`"),
                    line=number,
                )
    for found in read_decisions(path):
        if isinstance(found, Problem):
            if found.place is not None and found.place.line == number:
                raise UsageError([found])
        elif found.line == number:
            return found
    text = message("the record has no line {n}", n=number)
    advice = message("its lines are 1 to {last}", last=lines)
    raise UsageError([problem("record-no-line", text, place=Place(file=str(path)), help=advice)])


__all__ = ["Kept", "Recorded", "find", "read_decisions"]
