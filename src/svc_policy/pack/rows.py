"""Turn the sheet of a family into its rows: parameters put in their place, words made canonical."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import attrs

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.facts.registry import MEASURES, TICKET
from svc_policy.messages import Message, message
from svc_policy.pack.columns import canonical_labels, condition_columns, result_columns
from svc_policy.pack.settings import Settings
from svc_policy.rules.family import Cell, Family, Parameter, Row
from svc_policy.rules.family import Result as ResultColumn
from svc_policy.rules.schedules import EVERY
from svc_policy.tables import ColumnSpec, DecisionTable, Operand, Reference, Sheet, Test, name_key
from svc_policy.tables.reading import read_table
from svc_policy.tables.records import Result, Rule
from svc_policy.units import NOUNS, Allowance, Kind, Literal, Refusal, fold, read_literal

#: Results that make the shape of a plan: no date can change them.
FIXED: Final = frozenset(
    {"starts", "ends", "clock", "line", "measure", "per", "step", "level"}
    | {"procedure", "order", "done", "aspect", "levels", "amount of", "limit of", "outcome", "when"}
    # What lays out a schedule, before there is a day on which a parameter could have a value.
    | {"every", "first", "anchor", "moved", "over", "phases"}
)
_KIND_OF = {fact.name: fact.kind for fact in TICKET}


def read_rows(
    family: Family,
    sheet: Sheet,
    order: tuple[str, ...],
    settings: Settings,
    labels: Mapping[str, tuple[str, str]],
    clauses: Mapping[str, object] | None,
    problems: list[Problem],
) -> tuple[Row, ...]:
    """Read a family's table; everything wrong with it goes to `problems`."""
    if not sheet.header:
        return ()
    table = read_table(
        sheet,
        conditions=condition_columns(family, order, settings),
        results=result_columns(family, settings),
        problems=problems,
        hit_policy=family.policy,
        name=family.name,
        currency=settings.currency,
        zone=settings.timezone,
        governing_date=family.governing,
    )
    reader = _Rows(family, table, sheet, settings, labels, clauses, problems)
    return tuple(row for rule in table.rules if (row := reader.row(rule)) is not None)


class _Rows:
    def __init__(
        self,
        family: Family,
        table: DecisionTable,
        sheet: Sheet,
        settings: Settings,
        labels: Mapping[str, tuple[str, str]],
        clauses: Mapping[str, object] | None,
        problems: list[Problem],
    ) -> None:
        self.family = family
        self.table = table
        self.sheet = sheet
        self.settings = settings
        self.clauses = clauses
        self.canonical = canonical_labels(labels)
        self.facts = {fact.name for of in settings.facts.values() for fact in of}
        own = {condition.name for condition in family.conditions}
        self.own_words = {spec.name for spec in table.columns if spec.name in own and spec.names is None}
        self.problems = problems

    def say(self, code: str, text: Message, rule: Rule, help_line: Message | None = None, cell: str = "") -> None:
        self.problems.append(problem(code, text, place=self.place(rule, cell), help=help_line))

    def place(self, rule: Rule, text: str) -> Place | None:
        """Find the cell of a rule's row that holds `text`, else the rule's id."""
        for row in self.sheet.rows if text else ():
            if row[0].place == rule.place:
                return next((cell.place for cell in row if text in cell.text), rule.place)
        return rule.place

    def row(self, rule: Rule) -> Row | None:
        before = len(self.problems)
        used: dict[str, None] = {}
        tests: dict[str, Test] = {}
        for column, test in zip(self.table.columns, rule.tests, strict=True):
            if column.name in self.settings.parameters and not test.any:
                used[column.name] = None
            for item in test.items:
                for bound in (item.low, item.high):
                    if isinstance(bound, Reference):
                        if self.known(bound.name, rule):
                            self.of_kind(bound.name, (column.kind,), column.name, rule)
                        used[bound.name] = None
            tests[column.name] = self.worded(test) if column.name in self.own_words else test
        results: dict[str, Cell] = {}
        measured = self._measure(rule)
        for spec, declared, result in zip(self.table.outputs, self.family.results, rule.results, strict=True):
            cell = self.cell(result, rule, used, spec, declared, measured)
            if declared.kind == "quantity" and isinstance(cell, Literal):
                cell = self.quantity(cell, measured, spec.name, rule)
            if declared.kind == "months" and isinstance(cell, Literal):
                cell = self.months(cell, spec.name, rule)
            if declared.kind == "interval" and isinstance(cell, Literal):
                cell = self.interval(cell, spec.name, rule)
            # A parameter that is not there has been reported already.
            if declared.required and cell is None and not isinstance(result, Reference):
                self.say(
                    "result-missing",
                    message("rule `{rule}` needs a value in `then: {column}`", rule=rule.id, column=spec.name),
                    rule,
                    message("only what the table may lack can be `-`"),
                )
            results[spec.name] = cell
        if not rule.cites:
            self.say(
                "rule-uncited",
                message("rule `{rule}` cites no clause", rule=rule.id),
                rule,
                message("write the clause's id in the column `cite`"),
            )
        for cite in rule.cites:
            if self.clauses is not None and cite not in self.clauses:
                near = nearest(cite, self.clauses)
                self.say(
                    "clause-unknown",
                    message("rule `{rule}` cites `{cite}`, which is no clause", rule=rule.id, cite=cite),
                    rule,
                    message("did you mean `{near}`?", near=near) if near else message("clauses stand in clauses.csv"),
                    cite,
                )
        if len(self.problems) > before:
            return None
        place = rule.place or Place(file=self.table.name)
        return Row(
            id=rule.id,
            since=rule.from_day,
            until=rule.until_day,
            tests=tests,
            results=results,
            cites=rule.cites,
            rests_on=tuple(used),
            note=rule.note,
            file=f"{place.file}:{place.sheet}" if place.sheet else place.file,
            line=_line(place),
        )

    def worded(self, test: Test) -> Test:
        """Put the labels that a condition names in the place of their words."""

        def name(bound: Operand | None) -> Operand | None:
            if not isinstance(bound, Literal) or bound.kind != "text":
                return bound
            word = self.canonical.get(name_key(str(bound.value)), str(bound.value))
            return attrs.evolve(bound, value=word)

        items = tuple(attrs.evolve(item, low=name(item.low), high=name(item.high)) for item in test.items)
        return attrs.evolve(test, items=items)

    def known(self, name: str, rule: Rule) -> bool:
        if name in self.settings.parameters:
            return True
        near = nearest(name, self.settings.parameters)
        self.say(
            "parameter-unknown",
            message("rule `{rule}` uses `{{{name}}}`, which is no parameter", rule=rule.id, name=name),
            rule,
            message("did you mean `{near}`?", near=f"{{{near}}}")
            if near
            else message("parameters and interpretations are declared in policy.toml"),
            f"{{{name}}}",
        )
        return False

    def of_kind(self, name: str, kinds: tuple[Kind, ...], column: str, rule: Rule) -> bool:
        """Check that a parameter is of a kind that its column takes."""
        kind = self.settings.parameters[name].values[0][1].kind
        if kind in kinds:
            return True
        self.say(
            "parameter-kind",
            message(
                "rule `{rule}` uses `{{{name}}}`, {found}, in column `{column}`, which takes {wanted}",
                rule=rule.id,
                name=name,
                found=NOUNS[kind],
                column=column,
                wanted=NOUNS[kinds[0]],
            ),
            rule,
            cell=f"{{{name}}}",
        )
        return False

    def cell(
        self,
        result: Result,
        rule: Rule,
        used: dict[str, None],
        spec: ColumnSpec,
        declared: ResultColumn,
        measured: Kind | None,
    ) -> Cell:
        """Take a result cell: parameters without dates give way to their value."""
        many = declared.kind == "texts"
        if isinstance(result, tuple):
            one = attrs.evolve(declared, kind="text")
            cells = [self.cell(part, rule, used, spec, one, measured) for part in result]
            return tuple(item for cell in cells for item in self.texts(cell))
        if isinstance(result, Reference):
            if not self.known(result.name, rule):
                return None
            used[result.name] = None
            kinds: tuple[Kind, ...] = (spec.kind,)
            if declared.kind == "months":
                kinds = ("months", "allowance")
            elif declared.kind == "interval":
                kinds = ("allowance", "months", "text")
            elif declared.kind == "quantity" and measured is not None:
                kinds = (measured,)
            if not self.of_kind(result.name, kinds, spec.name, rule):
                return None
            values = self.settings.parameters[result.name].values
            if len(values) > 1 and (declared.name in FIXED or many):
                self.say(
                    "parameter-dated",
                    message(
                        "`then: {column}` of rule `{rule}` cannot change with the date as `{{{name}}}` does",
                        column=spec.name,
                        rule=rule.id,
                        name=result.name,
                    ),
                    rule,
                    message("write a row for each edition, with `from` and `until`"),
                    f"{{{result.name}}}",
                )
                return None
            if not many and not all(self.permitted(literal, spec, result.name, rule) for _, literal in values):
                return None
            cell: Cell = values[0][1] if len(values) == 1 else Parameter(result.name)
        else:
            cell = result
        if isinstance(cell, Literal) and cell.kind == "text":
            text = str(cell.value)
            declared_word = spec.names.get(name_key(text)) if spec.names else None
            text = declared_word or self._word(declared.name, text)
            cell = Literal("text", text, text=text)
        return self.texts(cell) if many else cell

    def _word(self, column: str, text: str) -> str:
        """Find the word that a result cell means; what names a fact means the fact, whatever a word is called."""
        if column in ("field", "fact", "measure") and self._fact_named(text) in self.facts:
            return self._fact_named(text)
        return self.canonical.get(name_key(text), text)

    def permitted(self, literal: Literal, spec: ColumnSpec, name: str, rule: Rule) -> bool:
        """Check that the value of a parameter is one that its column permits."""
        if spec.names is None or name_key(str(literal.value)) in spec.names:
            return True
        near = nearest(str(literal.value), spec.names)
        self.say(
            "value-unknown",
            message(
                "rule `{rule}` uses `{{{name}}}` in `then: {column}`, which does not take its value `{value}`",
                rule=rule.id,
                name=name,
                column=spec.name,
                value=literal.value,
            ),
            rule,
            message("did you mean `{near}`?", near=spec.names[near]) if near else None,
            f"{{{name}}}",
        )
        return False

    @staticmethod
    def texts(cell: Cell) -> tuple[str, ...]:
        if isinstance(cell, tuple):
            return cell
        if isinstance(cell, Literal):
            return tuple(item.strip() for item in str(cell.value).replace("、", ",").split(",") if item.strip())
        return ()

    def _measure(self, rule: Rule) -> Kind | None:
        for spec, result in zip(self.table.outputs, rule.results, strict=True):
            if spec.name == "measure" and isinstance(result, Literal):
                name = self._fact_named(str(result.value))
                kind = _KIND_OF.get(name) or next(
                    (fact.kind for fact in self.settings.company_facts if fact.name == name), None
                )
                if kind not in (*MEASURES, "duration", "count"):
                    self.say(
                        "measure-unknown",
                        message(
                            "rule `{rule}` measures `{name}`, which is no distance, area, weight, time or count",
                            rule=rule.id,
                            name=name,
                        ),
                        rule,
                    )
                    return None
                return cast("Kind", kind)
        return None

    def _fact_named(self, text: str) -> str:
        return next((fact.name for fact in TICKET if text in (fact.name, fact.zh, fact.en)), text)

    def quantity(self, cell: Literal, kind: Kind | None, column: str, rule: Rule) -> Literal | None:
        if kind is None:
            self.say(
                "measure-missing",
                message("rule `{rule}` has a quantity in `then: {column}` but no measure", rule=rule.id, column=column),
                rule,
            )
            return None
        try:
            literal = read_literal(cell.text or str(cell.value), kind)
        except Refusal as refusal:
            self.unreadable(refusal, cell, column, rule, refusal.help)
            return None
        if column in ("per", "step") and literal.value == 0:
            self.say(
                "quantity-zero",
                message("`then: {column}` of rule `{rule}` must be more than 0", column=column, rule=rule.id),
                rule,
            )
            return None
        return literal

    def interval(self, cell: Literal, column: str, rule: Rule) -> Literal | None:
        """Take a word such as `month`, or an allowance such as `6 months`."""
        if cell.kind == "months":
            return Literal("allowance", Allowance(int(cell.value), "months"), text=cell.text)  # type: ignore[arg-type]
        if cell.kind == "allowance":
            return cell
        written = name_key(str(cell.value))
        for word, others in EVERY.items():
            if written in (word, *others):
                return Literal("text", word, text=cell.text)
        try:
            return read_literal(str(cell.value), "allowance")
        except Refusal as refusal:
            near = nearest(written, EVERY)
            meant = (
                message("did you mean `{near}`?", near=near)
                if near
                else message("write one of {words}, or an interval as in `6 months`", words=", ".join(EVERY))
            )
            self.unreadable(refusal, cell, column, rule, meant, cell.text)
            return None

    def unreadable(
        self, refusal: Refusal, cell: Literal, column: str, rule: Rule, help_line: Message | None, place: str = ""
    ) -> None:
        """Say that a result cell cannot be read."""
        text = message(
            "cannot read `{text}` in `then: {column}` of rule `{rule}`",
            text=fold(cell.text),
            column=column,
            rule=rule.id,
        )
        self.say(refusal.code, text, rule, help_line, place)

    def months(self, cell: Literal, column: str, rule: Rule) -> Literal | None:
        if isinstance(cell.value, Allowance) and cell.value.unit == "months":
            return Literal("months", cell.value.value, text=cell.text)
        if cell.kind == "months":
            return cell
        self.say(
            "not-months",
            message(
                "`then: {column}` of rule `{rule}` is a number of months, as in `12 months`",
                column=column,
                rule=rule.id,
            ),
            rule,
        )
        return None


def _line(place: Place) -> int:
    if place.line is not None:
        return place.line
    digits = "".join(char for char in place.cell or "" if char.isdigit())
    return int(digits) if digits else 0
