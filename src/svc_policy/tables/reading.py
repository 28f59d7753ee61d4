"""Read a sheet as a decision table: headings in any language, dated rules, typed cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from svc_policy.errors import Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.tables.cells import ANYTHING, SEPARATORS, cell_problem, refuse_what_spreadsheets_change
from svc_policy.tables.decision_table import (
    DecisionTable,
    mixed_currencies,
    problem_of_currencies,
    read_condition,
    read_result,
)
from svc_policy.tables.records import ColumnSpec, HitPolicy, Rule, Test, name_key
from svc_policy.tables.sheets import Cell, Sheet
from svc_policy.units import Refusal, fold, format_day, read_date

RESULT_PREFIXES: Final = ("then:", "则:", "那么:")
FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "rule": ("规则", "规则编号"),
    "from": ("自", "起", "生效日"),
    "until": ("至", "止", "失效日"),
    "cite": ("依据", "条款"),
    "note": ("备注", "说明"),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec")


def read_table(
    sheet: Sheet,
    *,
    conditions: Sequence[ColumnSpec],
    results: Sequence[ColumnSpec],
    problems: list[Problem],
    hit_policy: HitPolicy = "first",
    name: str = "",
    currency: str | None = None,
    zone: str | None = None,
    prefixes: Sequence[str] = RESULT_PREFIXES,
    governing_date: str = "date",
) -> DecisionTable:
    """Read a sheet whose first column is `rule` as a decision table.

    Args:
        sheet: What was read.
        conditions: The columns that may be conditions: the facts and earlier results.
        results: The columns that may stand under a heading `then: ...`.
        problems: Takes what is wrong, all of it; a rule with a problem is left out.
        hit_policy: How rules that hold together are taken.
        name: The table's name; the sheet's unless given.
        currency: The policy's currency.
        zone: The time zone of instants without an offset.
        prefixes: What a heading of a result begins with, in any language.
        governing_date: The name of the date by which dated rules are in force.

    Returns:
        The table: its condition columns those of the sheet, from left to right,
        its outputs all of `results`, None where the sheet has no such column.
    """
    columns = _Headings(conditions, results, prefixes, problems).read(sheet.header)
    name = name or sheet.name
    specs = tuple(spec for role, spec in columns if role == "condition" and spec is not None)
    rules: list[Rule] = []
    if not sheet.header:
        problems.append(problem("sheet-empty", message("the sheet `{name}` is empty", name=name)))
    elif columns[0][0] == "rule":
        _require_columns(columns, sheet, [*conditions, *results], problems)
        for row in sheet.rows:
            rule = _read_rule(row, columns, results, currency, zone, problems)
            if rule is not None:
                rules.append(rule)
        refuse_repeated(rules, problems)
        currencies = mixed_currencies(rules)
        if currencies:
            problems.append(problem_of_currencies(currencies, sheet.header[0].place))
    return DecisionTable(
        columns=specs,
        outputs=tuple(results),
        rules=tuple(rules),
        hit_policy=hit_policy,
        name=name,
        governing_date=governing_date,
    )


_Column = tuple[str, ColumnSpec | None]
_UNKNOWN: Final[_Column] = ("unknown", None)


class _Headings:
    """Finds which declared column a heading means."""

    def __init__(
        self,
        conditions: Iterable[ColumnSpec],
        results: Iterable[ColumnSpec],
        prefixes: Sequence[str],
        problems: list[Problem],
    ) -> None:
        self.known: dict[str, _Column] = {}
        self.prefixes = [name_key(prefix) for prefix in prefixes]
        self.shown_prefix = prefixes[0] if prefixes else ""
        self.problems = problems
        for spec in conditions:
            self._add("condition", spec, "")
        for spec in results:
            self._add("result", spec, name_key(self.shown_prefix))
        for role, names in FIXED.items():
            for name in (role, *names):
                self.known.setdefault(name_key(name), (role, None))

    def _add(self, role: str, spec: ColumnSpec, prefix: str) -> None:
        column = (role, spec)
        for key in spec.keys:
            self.known.setdefault(f"{prefix} {key}" if prefix else key, column)

    def read(self, header: Sequence[Cell]) -> list[_Column]:
        """Give the role and the column of each heading; `unknown` for one that is wrong, whose cells are not read."""
        columns: list[_Column] = []
        seen: set[tuple[str, str]] = set()
        for index, cell in enumerate(header):
            found = self.known.get(self._key(cell.text))
            if found is None:
                self._refuse(cell)
                columns.append(_UNKNOWN)
                continue
            identity = (found[0], found[1].name if found[1] else "")
            if identity in seen:
                self._say("heading-twice", message("two headings mean `{name}`", name=identity[1] or identity[0]), cell)
                found = _UNKNOWN
            if index == 0 and found[0] != "rule":
                self._say("rule-first", message("the first column is `rule`"), cell)
            seen.add(identity)
            columns.append(found)
        return columns

    def _key(self, heading: str) -> str:
        key = name_key(heading)
        prefix = next((prefix for prefix in self.prefixes if key.startswith(prefix)), None)
        return key if prefix is None else name_key(f"{self.shown_prefix} {key[len(prefix) :]}")

    def _refuse(self, cell: Cell) -> None:
        meant = nearest(self._key(cell.text), self.known)
        self._say(
            "heading-unknown",
            message("there is no column `{heading}`", heading=cell.text),
            cell,
            message("did you mean `{meant}`?", meant=meant) if meant else None,
        )

    def _say(self, code: str, text: Message, cell: Cell, help_line: Message | None = None) -> None:
        self.problems.append(problem(code, text, place=cell.place, help=help_line))


def _require_columns(
    columns: Iterable[_Column], sheet: Sheet, declared: Iterable[ColumnSpec], problems: list[Problem]
) -> None:
    there = {id(spec) for _, spec in columns}
    problems.extend(
        problem(
            "column-missing",
            message("the column `{column}` is missing", column=spec.name),
            place=sheet.header[0].place,
        )
        for spec in declared
        if spec.required and id(spec) not in there
    )


def _read_rule(
    row: Sequence[Cell],
    columns: Sequence[_Column],
    outputs: Sequence[ColumnSpec],
    currency: str | None,
    zone: str | None,
    problems: list[Problem],
) -> Rule | None:
    """Read one row; every cell is read, so that all its problems are found."""
    before = len(problems)
    rule_id = fold(row[0].text).strip()
    fixed = {role: cell for (role, spec), cell in zip(columns, row, strict=True) if spec is None}
    tests: list[Test | None] = []
    found = {}
    for (role, spec), cell in zip(columns, row, strict=True):
        if role == "unknown":
            continue
        if spec is None:
            _checked(cell, role, rule_id, problems, refuse_what_spreadsheets_change)
        elif role == "condition":
            tests.append(
                read_condition(
                    cell.text, spec, rule=rule_id, currency=currency, zone=zone, place=cell.place, problems=problems
                )
            )
        else:
            found[spec.name] = read_result(
                cell.text, spec, rule=rule_id, currency=currency, zone=zone, place=cell.place, problems=problems
            )
    _checked(row[0], "rule", "", problems, check_rule_id)
    from_day, until_day = (_day(fixed.get(role), role, rule_id, problems) for role in ("from", "until"))
    if from_day is not None and until_day is not None and from_day >= until_day:
        problems.append(
            problem(
                "dates-empty",
                message("rule `{rule}` ends before it begins", rule=rule_id),
                place=fixed["until"].place,
                help=message("`until` is the first day on which the rule is no longer in force"),
            )
        )
    cites = _cites(fixed.get("cite"), rule_id, problems)
    if len(problems) > before:
        return None
    return Rule(
        id=rule_id,
        tests=tuple(test for test in tests if test is not None),
        results=tuple(found.get(output.name) for output in outputs),
        from_day=from_day,
        until_day=until_day,
        cites=cites,
        note=fixed["note"].text if "note" in fixed else "",
        place=row[0].place,
    )


def check_rule_id(text: str) -> None:
    """Refuse a rule id that is no name, or that a spreadsheet would turn into a number or a date.

    Raises:
        Refusal: It does not begin with a letter, holds a space, or reads as a month.
    """
    rule_id = fold(text).strip()
    if not rule_id:
        raise Refusal("rule-empty", message("each row has the id of its rule"))
    if not re.fullmatch(r"[^\W\d_][\w.\-]*", rule_id):
        raise Refusal(
            "rule-id",
            message("the id of a rule begins with a letter and has no spaces, as in `{example}`", example="near"),
        )
    month = re.fullmatch(r"([a-z]+?)[-.]?[0-9]{1,4}", rule_id.casefold())
    if rule_id.casefold() in ("true", "false") or (month and month[1] in _MONTHS):
        raise Refusal("rule-id", message("a spreadsheet would turn this id into something else"))


def _checked(cell: Cell, column: str, rule: str, problems: list[Problem], check: Callable[[str], None]) -> None:
    try:
        check(cell.text)
    except Refusal as refusal:
        problems.append(cell_problem(cell.text, refusal, column=column, rule=rule, place=cell.place))


def _day(cell: Cell | None, role: str, rule: str, problems: list[Problem]) -> int | None:
    if cell is None or not cell.text.strip() or fold(cell.text).strip() in ANYTHING:
        return None
    try:
        return read_date(cell.text)
    except Refusal as refusal:
        problems.append(cell_problem(cell.text, refusal, column=role, rule=rule, place=cell.place))
    return None


def _cites(cell: Cell | None, rule: str, problems: list[Problem]) -> tuple[str, ...]:
    if cell is None or fold(cell.text).strip() in ANYTHING:
        return ()
    if any(char in SEPARATORS or char == ";" for char in cell.text):
        refusal = Refusal("cite-separator", message("the clauses that a rule cites are separated by spaces"))
        problems.append(cell_problem(cell.text, refusal, column="cite", rule=rule, place=cell.place))
    return tuple(dict.fromkeys(fold(cell.text).split()))


def refuse_repeated(rules: Sequence[Rule], problems: list[Problem]) -> None:
    """Refuse an id that is there twice on one day; a dated row may repeat its id."""
    seen: dict[str, list[Rule]] = {}
    for rule in rules:
        for other in seen.setdefault(rule.id, []):
            if _overlap(rule, other):
                problems.append(
                    problem(
                        "rule-twice",
                        message("rule `{rule}` is there twice on the same days", rule=rule.id),
                        place=rule.place,
                        help=message("the other one is in force {span}", span=_span(other)),
                    )
                )
                break
        seen[rule.id].append(rule)


def _overlap(one: Rule, other: Rule) -> bool:
    return (one.from_day is None or other.until_day is None or one.from_day < other.until_day) and (
        other.from_day is None or one.until_day is None or other.from_day < one.until_day
    )


def _span(rule: Rule) -> Message:
    first = None if rule.from_day is None else format_day(rule.from_day)
    end = None if rule.until_day is None else format_day(rule.until_day)
    if first and end:
        return message("from {first} until {end}", first=first, end=end)
    if first:
        return message("from {first}", first=first)
    return message("until {end}", end=end) if end else message("always")
