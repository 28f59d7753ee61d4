"""Decision tables and their reference meaning: slow, obvious, and the oracle of every engine.

A condition on an unknown fact is unknown, and so is a row with an unknown cell and
no false one. FIRST: an unknown row before the first true one leaves open which row
decides; an output on which all possible rows agree is determined all the same.
UNIQUE: a true row wins; without one, every unknown row and "no row" are possible.
COLLECT: the rows that fire and the rows that may.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from svc_policy.errors import Place, Problem, TableError, UsageError, problem
from svc_policy.messages import message
from svc_policy.tables.cells import parse_results, parse_test
from svc_policy.tables.matching import Parameters, all_of, match, resolve
from svc_policy.tables.records import Absence, ColumnSpec, HitPolicy, Operand, Result, Rule, Test
from svc_policy.units import NOUNS, Allowance, Kind, Literal, Value

Answers = Value | tuple["Answers", ...] | None
Columns = Iterable[ColumnSpec | tuple[str, Kind]]


class Answer(typing.NamedTuple):
    """The value of one output, and whether it is determined; an undetermined value is None.

    Under COLLECT the value is the tuple of what the fired rows say, in row order.
    """

    value: Answers
    is_determined: bool


@attrs.frozen(kw_only=True)
class Outcome:
    """What a table says of some inputs.

    Rows count from 1 and bit i of a mask is row i; bit 0 of `possible` is "no row".

    Args:
        row: The row that decides, 0 for none, None when that is open; None under COLLECT.
        possible: The rows that may decide; under COLLECT `fired | unknown`.
        fired: The rows that are true.
        unknown: The rows that are unknown.
        outputs: An answer for each output, by its name.
        needs: When an output is open, the columns whose cells are unknown in the
            first row that is both unknown and possible: the next thing to ask.
    """

    row: int | None
    possible: int
    fired: int
    unknown: int
    outputs: Mapping[str, Answer]
    needs: tuple[str, ...]

    @property
    def is_determined(self) -> bool:
        """Say whether every output is determined."""
        return all(answer.is_determined for answer in self.outputs.values())


@attrs.frozen(kw_only=True)
class DecisionTable:
    """Conditions in, results out, one rule a row.

    `governing_date` names the date by which dated rules are in force; it stands
    in `needs` when a dated rule is open because that date is unknown.
    """

    columns: tuple[ColumnSpec, ...]
    outputs: tuple[ColumnSpec, ...]
    rules: tuple[Rule, ...]
    hit_policy: HitPolicy = attrs.field(default="first")
    name: str = ""
    governing_date: str = "date"

    @hit_policy.validator
    def _is_known(self, _: object, hit_policy: str) -> None:
        if hit_policy not in typing.get_args(HitPolicy):
            raise UsageError([problem("hit-policy-unknown", message("`{name}` is no hit policy", name=hit_policy))])

    @classmethod
    def from_rows(
        cls,
        columns: Columns,
        outputs: Columns,
        rows: Iterable[Sequence[str]],
        *,
        hit_policy: HitPolicy = "first",
        name: str = "",
        currency: str | None = None,
        zone: str | None = None,
    ) -> DecisionTable:
        """Make a table from lists of cells: for each row its conditions, then its results.

        Columns are specifications or pairs of a name and a kind. Rules are named `row1`, `row2`, ...

        Raises:
            TableError: Cells cannot be read, with every problem that was found.
        """
        specs, results = _specifications(columns), _specifications(outputs)
        problems: list[Problem] = []
        rules = [
            _rule_of(f"row{number}", list(row), specs, results, currency, zone, problems)
            for number, row in enumerate(rows, start=1)
        ]
        currencies = mixed_currencies(rules)
        if currencies:
            problems.append(problem_of_currencies(currencies))
        if problems:
            raise TableError(problems)
        return cls(columns=specs, outputs=results, rules=tuple(rules), hit_policy=hit_policy, name=name)

    def evaluate(
        self,
        inputs: Mapping[str, Value | None],
        absences: Mapping[str, Absence] | None = None,
        *,
        parameters: Parameters | None = None,
        on: int | None = None,
    ) -> Outcome:
        """Decide.

        Args:
            inputs: Values by column name, in the smallest unit of their kind; what is
                not there, or None, is absent.
            absences: What absence means, by column name; `unknown` unless said.
            parameters: The values of the parameters that cells refer to.
            on: The governing date, in days since 1970-01-01; None when it is unknown,
                and then a dated rule is never true.

        Raises:
            UsageError: A value is not of its column's kind, or a parameter is not given.
        """
        absences = absences or {}
        _check_inputs(self.columns, inputs, absences)
        truths = [self._cells(rule, inputs, absences, parameters, on) for rule in self.rules]
        rows = [all_of(cells.values()) for cells in truths]
        fired = sum(1 << number for number, truth in enumerate(rows, start=1) if truth)
        unknown = sum(1 << number for number, truth in enumerate(rows, start=1) if truth is None)
        if self.hit_policy == "collect":
            possible, row = fired | unknown, None
            answers = self._collected(fired, unknown, parameters)
        else:
            possible = _possible_first(rows) if self.hit_policy == "first" else _possible_unique(fired, unknown)
            row = _only(possible)
            answers = self._agreed(possible, parameters)
        needs: tuple[str, ...] = ()
        if not all(answer.is_determined for answer in answers.values()):
            first_open = next(_bits(possible & unknown), None)
            cells = truths[first_open - 1] if first_open is not None else {}
            needs = tuple(name for name, truth in cells.items() if truth is None)
        return Outcome(row=row, possible=possible, fired=fired, unknown=unknown, outputs=answers, needs=needs)

    def _cells(
        self,
        rule: Rule,
        inputs: Mapping[str, Value | None],
        absences: Mapping[str, Absence],
        parameters: Parameters | None,
        on: int | None,
    ) -> dict[str, bool | None]:
        """Say of each column, and of the governing date, whether the rule's cell holds."""
        cells = {
            column.name: match(test, inputs.get(column.name), absences.get(column.name, "unknown"), parameters)
            for column, test in zip(self.columns, rule.tests, strict=True)
        }
        in_force = is_in_force(rule, on)
        if in_force is not True:
            # Under its own name the date may be a column as well: both must hold.
            cells[self.governing_date] = all_of((cells.get(self.governing_date, True), in_force))
        return cells

    def _agreed(self, possible: int, parameters: Parameters | None) -> dict[str, Answer]:
        """Answer each output on which all possible rows agree; "no row" says None."""
        answers = {}
        for index, output in enumerate(self.outputs):
            found = [self._result(row, index, parameters) for row in _bits(possible)]
            agreed = all(known and value == found[0][0] for value, known in found)
            answers[output.name] = Answer(found[0][0] if agreed else None, agreed)
        return answers

    def _collected(self, fired: int, unknown: int, parameters: Parameters | None) -> dict[str, Answer]:
        """Answer each output with what the fired rows say; an unknown row leaves all of them open."""
        answers = {}
        for index, output in enumerate(self.outputs):
            found = [self._result(row, index, parameters) for row in _bits(fired)]
            determined = not unknown and all(known for _, known in found)
            answers[output.name] = Answer(tuple(value for value, _ in found), determined)
        return answers

    def _result(self, row: int, index: int, parameters: Parameters | None) -> tuple[Answers, bool]:
        return (None, True) if row == 0 else result_value(self.rules[row - 1].results[index], parameters)


def result_value(result: Result, parameters: Parameters | None = None) -> tuple[Answers, bool]:
    """Give the value of a result cell, and whether it is known: a parameter may not be.

    Raises:
        UsageError: The cell names a parameter that is not given.
    """
    if result is None:
        return None, True
    if isinstance(result, tuple):
        values = tuple(resolve(operand, parameters) for operand in result)
        return values, None not in values
    value = resolve(result, parameters)
    return value, value is not None


def is_in_force(rule: Rule, day: int | None) -> bool | None:
    """Say whether a rule is in force on a day, None when that depends on a day not known."""
    if rule.from_day is None and rule.until_day is None:
        return True
    if day is None:
        return None
    return (rule.from_day is None or rule.from_day <= day) and (rule.until_day is None or day < rule.until_day)


def mixed_currencies(rules: Iterable[Rule]) -> tuple[str, ...]:
    """List the currencies of all amounts in `rules` if there is more than one."""
    operands: list[Operand | None] = []
    for rule in rules:
        operands.extend(bound for test in rule.tests for item in test.items for bound in (item.low, item.high))
        for result in rule.results:
            operands.extend(result if isinstance(result, tuple) else [result])
    found = {operand.unit for operand in operands if isinstance(operand, Literal) and operand.kind == "money"}
    return tuple(sorted(found)) if len(found) > 1 else ()


def problem_of_currencies(currencies: Iterable[str], place: Place | None = None) -> Problem:
    """Make the problem of a table in several currencies."""
    return problem(
        "currencies-mixed",
        message("amounts are in several currencies: {currencies}", currencies=", ".join(currencies)),
        place=place,
        help=message("a table has one currency"),
    )


def _bits(mask: int) -> Iterator[int]:
    return (number for number in range(mask.bit_length()) if mask >> number & 1)


def _only(mask: int) -> int | None:
    return mask.bit_length() - 1 if mask.bit_count() == 1 else None


def _possible_first(rows: Sequence[bool | None]) -> int:
    """List the unknown rows before the first true one, and that one; without it, "no row"."""
    possible = 0
    for number, truth in enumerate(rows, start=1):
        if truth is not False:
            possible |= 1 << number
        if truth:
            return possible
    return possible | 1


def _possible_unique(fired: int, unknown: int) -> int:
    """List the first true row alone; without one, the unknown rows and "no row"."""
    return fired & -fired if fired else unknown | 1


def _check_inputs(
    columns: Iterable[ColumnSpec], inputs: Mapping[str, Value | None], absences: Mapping[str, Absence]
) -> None:
    problems = []
    for column in columns:
        value = inputs.get(column.name)
        if value is not None and not _is_of_kind(value, column.kind):
            problems.append(
                problem(
                    "input-kind",
                    message(
                        "column `{column}` takes {kind}, not `{value}`",
                        column=column.name,
                        kind=NOUNS[column.kind],
                        value=value,
                    ),
                    help=message("values are integers in the smallest unit, texts, or true and false"),
                )
            )
    known = typing.get_args(Absence)
    problems.extend(
        problem("absence-unknown", message("`{absence}` is no absence of `{column}`", absence=absence, column=name))
        for name, absence in absences.items()
        if absence not in known
    )
    if problems:
        raise UsageError(problems)


def _is_of_kind(value: Value, kind: Kind) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "allowance":
        return isinstance(value, Allowance)
    return isinstance(value, int) and not isinstance(value, bool)


def _specifications(columns: Columns) -> tuple[ColumnSpec, ...]:
    return tuple(
        column if isinstance(column, ColumnSpec) else ColumnSpec(name=column[0], kind=column[1]) for column in columns
    )


def _rule_of(
    rule_id: str,
    cells: Sequence[str],
    columns: Sequence[ColumnSpec],
    outputs: Sequence[ColumnSpec],
    currency: str | None,
    zone: str | None,
    problems: list[Problem],
) -> Rule:
    if len(cells) != len(columns) + len(outputs):
        problems.append(
            problem(
                "row-ragged",
                message(
                    "rule `{rule}` has {found} cells, not {wanted}",
                    rule=rule_id,
                    found=len(cells),
                    wanted=len(columns) + len(outputs),
                ),
            )
        )
        return Rule(id=rule_id, tests=(), results=())
    tests = (
        read_condition(text, column, rule=rule_id, currency=currency, zone=zone, problems=problems)
        for text, column in zip(cells, columns, strict=False)
    )
    results = (
        read_result(text, output, rule=rule_id, currency=currency, zone=zone, problems=problems)
        for text, output in zip(cells[len(columns) :], outputs, strict=True)
    )
    return Rule(
        id=rule_id,
        tests=tuple(test or Test(kind=column.kind, any=True) for test, column in zip(tests, columns, strict=True)),
        results=tuple(results),
    )


def read_condition(
    text: str,
    column: ColumnSpec,
    *,
    problems: list[Problem],
    rule: str = "",
    currency: str | None = None,
    zone: str | None = None,
    place: Place | None = None,
) -> Test | None:
    """Read a condition cell of a declared column; see :func:`svc_policy.tables.parse_test`."""
    return parse_test(
        text,
        column.kind,
        problems=problems,
        currency=currency,
        zone=zone,
        names=column.names,
        domain=column.domain,
        column=column.name,
        rule=rule,
        place=place,
    )


def read_result(
    text: str,
    column: ColumnSpec,
    *,
    problems: list[Problem],
    rule: str = "",
    currency: str | None = None,
    zone: str | None = None,
    place: Place | None = None,
) -> Result:
    """Read a result cell of a declared output; see :func:`svc_policy.tables.parse_results`."""
    return parse_results(
        text,
        column.kind,
        problems=problems,
        many=column.many,
        currency=currency,
        zone=zone,
        names=column.names,
        column=column.name,
        rule=rule,
        place=place,
    )
