"""Worked examples of a policy: questions with outcomes reckoned by hand, in ``cases.toml``.

A question is a ticket to be decided, or the arguments of another function of
the policy. A case is compared by paths into the JSON of the outcome; see
``docs/format.md``, section 6.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import attrs

from svc_policy.errors import PackError, Place, PolicyError, Problem, nearest, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack

#: What a case may ask: the function of the policy, and its arguments as they are written.
QUESTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "schedule": {"from": "from_", "until": "until", "contracts": "contracts", "assets": "assets"},
    "staffing": {"workload": "workload", "on": "on"},
    "statistics": {"tickets": "tickets", "month": "month", "year": "year"},
}
REQUIRED: Final[Mapping[str, Sequence[str]]] = {"schedule": ("from", "until"), "statistics": ("tickets",)}
TICKET: Final = "ticket"
#: What a case may say; one question, and all but `rules`, `cites` and, without a ticket, `at` is needed.
KEYS: Final = ("name", "rules", "cites", "at", TICKET, *QUESTIONS, "expect", "why")
NEEDED: Final = ("name", "expect", "why")
ABSENT: Final = "absent"
#: Stands for the instant of a case that says none.
NOW: Final = datetime.max
_EXPECTED: Final = {TICKET: "a decision"}


@attrs.frozen(kw_only=True)
class Case:
    """One worked example: a question, and what must come of it.

    `kind` says what is asked: a ``ticket`` to be decided at an instant, or a
    key of :data:`QUESTIONS` with its `arguments`. `at` is a local time of the
    policy's zone unless it has an offset; only a ticket needs it. `rules` are
    rows that must have fired (``table.rule``), `cites` clauses that the outcome
    must rest on, `expect` values by their path in the outcome's JSON.
    """

    name: str
    rules: tuple[str, ...]
    cites: tuple[str, ...]
    at: datetime
    ticket: Mapping[str, object]
    expect: Mapping[str, object]
    why: str
    place: Place
    kind: str = TICKET
    arguments: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Mismatch:
    """One place where a decision is not what its case says; `got` is None where there is nothing."""

    path: str
    expected: object
    got: object

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected!r}, got {self.got!r}"


class Decides(Protocol):
    """The policy that a case is put to."""

    @property
    def zone(self) -> tzinfo:
        """The zone that local instants are read in."""
        ...

    def decide(self, ticket: Mapping[str, object], *, at: datetime | None = None) -> Any:
        """Decide a ticket at an instant."""
        ...


def cases_of(pack: Pack) -> tuple[Case, ...]:
    """Read the cases of a pack; none where it has no ``cases.toml``.

    Raises:
        PackError: with every problem of the file.
    """
    if "cases" not in pack.files.texts:
        return ()
    text, file = pack.files.texts["cases"]
    problems: list[Problem] = []
    rules = {f"{table}.{row.id}" for table, rows in pack.rows.items() for row in rows}
    cases = read_cases(text, file, problems, rules=rules, clauses=set(pack.clauses))
    if problems:
        raise PackError(problems)
    return cases


def read_cases(
    text: str,
    file: str,
    problems: list[Problem],
    *,
    rules: set[str] | None = None,
    clauses: set[str] | None = None,
) -> tuple[Case, ...]:
    """Read the text of a ``cases.toml``; everything wrong with it goes to `problems`.

    Args:
        text: The file's content.
        file: Its name, for the places of problems.
        problems: Takes what is wrong.
        rules: The known rules as ``table.rule``; None leaves the names unchecked.
        clauses: The known clauses; None leaves them unchecked.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        place = Place(file=file, line=int(found[1]), column=int(found[2])) if found else Place(file=file)
        reason = str(error).split(" (at")[0].lower()
        problems.append(problem("toml", message("the file is no TOML: {reason}", reason=reason), place=place))
        return ()
    reader = _Reader(text, file, problems, rules, clauses)
    for key in document:
        if key not in ("case", "schema"):
            reader.say(
                "case-key", message("there is no key `{key}`", key=key), Place(file=file), _meant(key, ("case",))
            )
    items = document.get("case", [])
    if not isinstance(items, list):
        reader.say("case-type", message("cases stand under `[[case]]`"), Place(file=file))
        return ()
    cases = [case for number, item in enumerate(items) if (case := reader.case(number, item)) is not None]
    names: set[str] = set()
    for case in cases:
        if case.name in names:
            reader.say("name-twice", message("`{name}` is there twice", name=case.name), case.place)
        names.add(case.name)
    return tuple(cases)


class _Reader:
    def __init__(
        self, text: str, file: str, problems: list[Problem], rules: set[str] | None, clauses: set[str] | None
    ) -> None:
        self.lines = text.splitlines()
        self.file = file
        self.problems = problems
        self.rules = rules
        self.clauses = clauses
        self.heads = [number for number, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*case\s*\]\]", line)]

    def say(self, code: str, text: Message, place: Place, help_line: Message | None = None) -> None:
        self.problems.append(problem(code, text, place=place, help=help_line))

    def place(self, number: int, key: str = "") -> Place:
        """Find the line of a key of the case with that number, or of its head."""
        if number >= len(self.heads):
            return Place(file=self.file)
        first = self.heads[number]
        last = self.heads[number + 1] if number + 1 < len(self.heads) else len(self.lines)
        wanted = re.compile(rf"\s*(?:\[case\.)?\"?{re.escape(key)}\b")
        line = next((at for at in range(first + 1, last) if key and wanted.match(self.lines[at])), first)
        text = self.lines[line]
        start = len(text) - len(text.lstrip())
        return Place(file=self.file, line=line + 1, column=start + 1, text=text, length=max(1, len(text.strip())))

    def case(self, number: int, item: object) -> Case | None:
        before = len(self.problems)
        if not isinstance(item, dict):
            self.say("case-type", message("a case is a table"), self.place(number))
            return None
        for key in item:
            if key not in KEYS:
                text = message("a case has no key `{key}`", key=key)
                self.say("case-key", text, self.place(number, key), _meant(key, KEYS))
        kind = self.kind(number, item)
        for key in (*NEEDED, *(("at", TICKET) if kind == TICKET else ())):
            if key not in item:
                self.say("case-missing", message("a case needs `{key}`", key=key), self.place(number))
        name = self.text(number, item, "name")
        why = self.text(number, item, "why")
        at = self.instant(number, item.get("at")) or (None if kind == TICKET else NOW)
        ticket = self.table(number, item, TICKET)
        arguments = self.arguments(number, item, kind)
        expect = self.table(number, item, "expect")
        rules = self.known(number, item, "rules", self.rules)
        cites = self.known(number, item, "cites", self.clauses)
        if len(self.problems) > before or at is None:
            return None
        return Case(
            name=name,
            rules=rules,
            cites=cites,
            at=at,
            ticket=ticket,
            expect=dict(_flat(expect, "")),
            why=why,
            place=self.place(number),
            kind=kind,
            arguments=arguments,
        )

    def kind(self, number: int, item: Mapping[str, object]) -> str:
        """Find what a case asks."""
        asked = [key for key in (TICKET, *QUESTIONS) if key in item]
        if len(asked) > 1:
            text = message("a case asks one question, not `{one}` and `{other}`", one=asked[0], other=asked[1])
            self.say("case-questions", text, self.place(number, asked[1]))
        return asked[0] if asked else TICKET

    def arguments(self, number: int, item: Mapping[str, object], kind: str) -> dict[str, object]:
        """Take the arguments of a function of the policy."""
        if kind == TICKET:
            return {}
        known = QUESTIONS[kind]
        given = self.table(number, item, kind)
        for key in given:
            if key not in known:
                text = message("`{kind}` of a case has no `{key}`", kind=kind, key=key)
                self.say("case-key", text, self.place(number, kind), _meant(key, list(known)))
        for key in REQUIRED.get(kind, ()):
            if key not in given:
                text = message("`{kind}` of a case needs `{key}`", kind=kind, key=key)
                self.say("case-missing", text, self.place(number, kind))
        return {known.get(key, key): value for key, value in given.items()}

    def text(self, number: int, item: Mapping[str, object], key: str) -> str:
        value = item.get(key, "")
        if not isinstance(value, str):
            self.say("case-type", message("`{key}` of a case is a text", key=key), self.place(number, key))
            return ""
        return value

    def table(self, number: int, item: Mapping[str, object], key: str) -> dict[str, object]:
        value = item.get(key, {})
        if not isinstance(value, dict):
            self.say("case-type", message("`{key}` of a case is a table", key=key), self.place(number, key))
            return {}
        return value

    def known(self, number: int, item: Mapping[str, object], key: str, names: set[str] | None) -> tuple[str, ...]:
        """Take a list of names, each of which must be known."""
        values = item.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.say("case-type", message("`{key}` of a case is a list of texts", key=key), self.place(number, key))
            return ()
        for value in values:
            if names is not None and value not in names:
                text = message("`{name}` in `{key}` of a case is not in the policy", name=value, key=key)
                self.say("case-unknown", text, self.place(number, key), _meant(value, names))
        return tuple(values)

    def instant(self, number: int, value: object) -> datetime | None:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                text = message("cannot read `{value}` in `{key}` of a case", value=value, key="at")
                example = message("write an instant as in `2026-03-02T09:00:00`")
                self.say("case-instant", text, self.place(number, "at"), example)
                return None
        if value is not None and not isinstance(value, datetime):
            self.say("case-type", message("`at` of a case is an instant"), self.place(number, "at"))
            return None
        return value


def _meant(word: str, known: Sequence[str] | set[str]) -> Message | None:
    near = nearest(word, sorted(known))
    return message("did you mean `{near}`?", near=near) if near else None


def _flat(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    """Write nested tables as dotted paths."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def outcome_of(policy: Decides, case: Case) -> dict[str, Any]:
    """Put a case's question to the policy, and give the JSON of what comes of it.

    Raises:
        PolicyError: The policy refuses the question.
    """
    at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=policy.zone)
    if case.kind == TICKET:
        return cast("dict[str, Any]", policy.decide(case.ticket, at=at).to_dict())
    arguments = dict(case.arguments)
    if case.kind == "statistics":
        arguments["at"] = None if case.at is NOW else at
    found = getattr(policy, case.kind)(**arguments)
    return cast("dict[str, Any]", found if isinstance(found, dict) else found.to_dict())


def uses_in(outcome: object) -> Iterator[Mapping[str, Any]]:
    """Find every rule that an outcome rests on, wherever it stands."""
    if isinstance(outcome, Mapping):
        if {"table", "rule", "cites"} <= outcome.keys():
            yield outcome
        else:
            for item in outcome.values():
                yield from uses_in(item)
    elif isinstance(outcome, list):
        for item in outcome:
            yield from uses_in(item)


def run_case(policy: Decides, case: Case) -> list[Mismatch]:
    """Put a case's question to the policy, and list where the outcome is not what the case says."""
    try:
        found = outcome_of(policy, case)
    except PolicyError as error:
        return [Mismatch(path=case.kind, expected=_EXPECTED.get(case.kind, "an answer"), got=str(error))]
    mismatches = []
    uses = found["rules"] if case.kind == TICKET else list(uses_in(found))
    fired = [f"{use['table']}.{use['rule']}" for use in uses]
    mismatches += [Mismatch(path="rules", expected=rule, got=None) for rule in case.rules if rule not in fired]
    cited = {cite for use in uses for cite in use["cites"]}
    mismatches += [Mismatch(path="cites", expected=cite, got=None) for cite in case.cites if cite not in cited]
    for path, expected in case.expect.items():
        got = look_up(found, path)
        if not _agrees(expected, got, policy.zone):
            mismatches.append(Mismatch(path=path, expected=expected, got=got))
    return mismatches


def look_up(data: object, path: str) -> object:
    """Take the value at a path: ``a.b``, or ``list[].field`` for a field of every item; None if it is not there."""
    head, _, rest = path.partition(".")
    every = head.endswith("[]")
    value = data.get(head.removesuffix("[]")) if isinstance(data, dict) else None
    if every:
        if not isinstance(value, list):
            return None
        return [look_up(item, rest) for item in value] if rest else value
    return look_up(value, rest) if rest else value


def _agrees(expected: object, got: object, zone: tzinfo) -> bool:
    if expected == ABSENT:
        return got is None
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(expected) == len(got)
            and all(_agrees(left, right, zone) for left, right in zip(expected, got, strict=True))
        )
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if expected == got:
        return True
    instant, other = _instant(expected, zone), _instant(got, zone)
    return instant is not None and instant == other


def _instant(value: object, zone: tzinfo) -> datetime | date | None:
    """Read an instant, a local one in `zone`, or a date; None if `value` is neither."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=zone)
    return value if isinstance(value, date) else None
