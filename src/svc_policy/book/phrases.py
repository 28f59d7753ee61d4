"""Put the cells of a pack into words: conditions as phrases, results as texts of the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, cast

from svc_policy.explain.wording import CATEGORIES, STATUSES, YES_NO, Wording, locale_of
from svc_policy.facts.registry import MILESTONES, Fact, FactKind
from svc_policy.messages import Message, message
from svc_policy.pack.columns import condition_columns, result_columns
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Cell, Parameter, Result
from svc_policy.rules.schedules import EVERY, WEEKDAYS
from svc_policy.tables import Interval, Operand, Reference, Test
from svc_policy.units import Allowance, Literal, format_literal

if TYPE_CHECKING:
    from svc_policy.messages import Language
    from svc_policy.policy import Policy

NOT_STATED: Final = message("not stated")
STATED: Final = message("stated")
#: Result cells whose words are names of facts.
_FACT_CELLS: Final = frozenset(
    {
        ("intake", "field"),
        ("fields", "fact"),
        ("procedures", "done"),
        ("appraisals", "aspect"),
        ("penalties", "amount of"),
        ("compensations", "limit of"),
        ("budgets", "kind"),
        ("schedules", "anchor"),
    }
)
_MILESTONE_CELLS: Final = frozenset(
    {("warranty", "starts"), ("deadlines", "starts"), ("deadlines", "ends"), ("holds", "stops")}
)
_ENDS: Final = frozenset({"first", "last"})
_CLOCKS: Final[Mapping[str, Message]] = {
    "working": message("in working time"),
    "calendar": message("around the clock"),
}
#: Conditions of a table's own, and results whose name says little in English.
_OWN: Final[Mapping[str, Message]] = {
    "target": message("what is due"),
    "used_share": message("share of the allowance that is used up"),
    "form": message("form"),
}


class Phrases(Wording):
    """The words of one policy in one language, for whoever reads its tables rather than a decision."""

    def __init__(self, policy: Policy, language: Language) -> None:
        super().__init__(policy, language)
        self.is_chinese = language == "zh"
        self.parameters = policy.pack.settings.parameters
        self._result_words: dict[str, str] = {}
        self._condition_values: dict[str, Mapping[str, Mapping[str, tuple[str, ...]] | None]] = {}

    # --- texts

    def either(self, items: Iterable[str]) -> str:
        """Join alternatives: the last with `or`."""
        *first, last = items
        return self(message("{items} or {last}", items=self.listed(first), last=last)) if first else last

    def dates(self, since: int | None, until: int | None) -> str:
        """Say when a row is in force; nothing where it always is."""
        first = self.policy.day(since)
        last = None if until is None else self.policy.day(until - 1)
        if first and last:
            return self(message("from {first} to {last}", first=self.day(first), last=self.day(last)))
        if first:
            return self(message("from {day}", day=self.day(first)))
        return self(message("until {day}", day=self.day(last))) if last else ""

    def weekday(self, name: str) -> str:
        """Name a day of the week."""
        from babel.dates import get_day_names

        return str(get_day_names("wide", locale=locale_of(self.language))[tuple(WEEKDAYS).index(name)])

    # --- values

    def literal(self, literal: Literal, clock: str | None = None) -> str:
        """Write a value with its unit."""
        value, kind = literal.value, literal.kind
        if isinstance(value, Allowance):
            exact = value.unit not in ("s", "working_s") or value.value % 60 == 0
            return self.allowance(format_literal(literal), clock) if exact else format_literal(literal)
        if isinstance(value, bool):
            return self(YES_NO[value])
        if not isinstance(value, int):
            return self.word(value)
        if kind == "duration" or kind == "months":
            # A time that is counted in hours is not put into days.
            text = format_literal(literal)
            return self.allowance(text, None) if kind == "months" or value % 60 == 0 else text
        return f"{value:,}" if kind == "count" else self.value(_of_kind(cast("FactKind", kind)), value)

    def word(self, text: str) -> str:
        """Give the label of a word, of a milestone or of a fact; a word without one as it is."""
        pack = self.policy.pack
        if text in pack.settings.roles or text in pack.labels:
            return self.label(text)
        if text in MILESTONES:
            return self.milestone(text)
        if text in CATEGORIES:
            return self.category(text)
        if text in _CLOCKS:
            return self(_CLOCKS[text])
        if text in self.facts:
            return self.fact(text)
        if text in _ENDS:
            return self._day_named(text)
        written = next((fact.name for fact in self.facts.values() if text in (fact.en, fact.zh)), None)
        if written is not None:
            return self.fact(written)
        if "," in text:
            return self.listed(self.word(item.strip()) for item in text.split(","))
        return self._words().get(text, self.label(text)) if self.is_chinese else self.label(text)

    def _words(self) -> Mapping[str, str]:
        """Give the Chinese of the words that the results of some table take."""
        if not self._result_words:
            of_tables = [values for family in FAMILIES for values in self._results(family).values()]
            for values in (*of_tables, EVERY):
                self._result_words.update({word: others[0] for word, others in (values or {}).items() if others})
        return self._result_words

    def operand(self, operand: Operand, name: str = "", family: str = "") -> str:
        """Write a bound or a value of a condition; a parameter that changes with the date by its values."""
        if isinstance(operand, Reference):
            return self.parameter(operand.name)
        if operand.kind == "text":
            return self.named(str(operand.value), name, family)
        return self.literal(operand)

    def parameter(self, name: str, clock: str | None = None) -> str:
        """Write the values of a parameter, each with its dates where there are several."""
        versions = self.parameters[name].values
        if len(versions) == 1:
            return self.literal(versions[0][1], clock)
        ends = (*(since for since, _ in versions[1:]), None)
        return self.parted(
            self(message("{value} ({dates})", value=self.literal(literal, clock), dates=self.dates(since, until)))
            for (since, literal), until in zip(versions, ends, strict=True)
        )

    def named(self, text: str, name: str, family: str) -> str:
        """Name a value of a condition column."""
        fact = self.facts.get(name)
        if fact is not None and fact.values.get(text, (text, text)) != (text, text):
            return fact.values[text][self.is_chinese]
        if name == "target":
            return self.milestone(text)
        if name == "category":
            return self.category(text)
        if name.endswith("_status") and text in STATUSES:
            return self(STATUSES[text])
        if text in self.policy.pack.settings.roles or text in self.policy.pack.labels or not self.is_chinese:
            return self.label(text)
        return self._in_chinese(self._conditions(family).get(name), text)

    def _conditions(self, family: str) -> Mapping[str, Mapping[str, tuple[str, ...]] | None]:
        if family not in self._condition_values:
            columns = condition_columns(FAMILIES[family], tuple(FAMILIES), self.policy.pack.settings)
            self._condition_values[family] = {column.name: column.values for column in columns}
        return self._condition_values[family]

    def _results(self, family: str) -> Mapping[str, Mapping[str, tuple[str, ...]] | None]:
        columns = result_columns(FAMILIES[family], self.policy.pack.settings)
        return {column.name: column.values for column in columns}

    def _in_chinese(self, values: Mapping[str, tuple[str, ...]] | None, text: str) -> str:
        others = (values or {}).get(text) or ()
        return others[0] if others else self.label(text)

    # --- conditions

    def heading(self, name: str) -> str:
        """Name a condition: a fact, an earlier result, a column of the table's own."""
        return self(_OWN[name]) if name in _OWN else self.column(name)

    def condition(self, name: str, test: Test, family: str) -> str:
        """Write one condition as a phrase."""
        found = [self._interval(item, name, family) for item in test.items]
        if test.negated:
            if not found:
                value = self(STATED)
            elif test.missing:
                value = self(message("stated, and none of: {values}", values=self.listed(found)))
            else:
                value = self(message("other than {values}", values=self.either(found)))
        else:
            value = self.either([*found, self(NOT_STATED)] if test.missing or not found else found)
        return self(message("{name}: {value}", name=self.heading(name), value=value))

    def _interval(self, item: Interval, name: str, family: str) -> str:
        low = None if item.low is None else self.operand(item.low, name, family)
        high = None if item.high is None else self.operand(item.high, name, family)
        if item.is_single or low == high:
            return low or ""
        if low is None:
            template = (
                message("up to {high}", high=high) if item.high_closed else message("less than {high}", high=high)
            )
        elif high is None:
            template = message("{low} or more", low=low) if item.low_closed else message("more than {low}", low=low)
        else:
            values = {"low": low, "high": high}
            template = {
                (True, True): message("from {low} up to {high}", **values),
                (True, False): message("from {low} to less than {high}", **values),
                (False, True): message("more than {low}, up to {high}", **values),
                (False, False): message("more than {low}, less than {high}", **values),
            }[item.low_closed, item.high_closed]
        return self(template)

    # --- results

    def result(self, family: str, column: Result, cell: Cell) -> str:
        """Write a result cell; nothing for an empty one."""
        if cell is None:
            return ""
        if isinstance(cell, Parameter):
            return self.parameter(cell.name)
        if isinstance(cell, tuple):
            return self.listed(self._cell_word(family, column, item) for item in cell)
        if isinstance(cell.value, str):
            return self._cell_word(family, column, cell.value)
        return self.literal(cell)

    def _day_named(self, text: str) -> str:
        if text in WEEKDAYS:
            return self.weekday(text)
        if text.isdigit():
            return self(message("day {number}", number=text))
        return self(message("the last day") if text == "last" else message("the first day")) if text in _ENDS else text

    def _cell_word(self, family: str, column: Result, text: str) -> str:
        if (family, column.name) in _FACT_CELLS:
            return self.fact(text)
        if (family, column.name) in _MILESTONE_CELLS:
            return self(message("everything that is due")) if text == "all" else self.milestone(text)
        if (family, column.name) == ("category", "category"):
            return self.category(text)
        if (family, column.name) == ("schedules", "on"):
            return self._day_named(text)
        if text in self.policy.pack.settings.roles or text in self.policy.pack.labels or not self.is_chinese:
            return self.label(text)
        if (family, column.name) == ("schedules", "every"):
            return self._in_chinese(EVERY, text)
        return self._in_chinese(self._results(family).get(column.name), text)


def _of_kind(kind: FactKind) -> Fact:
    return Fact(name=kind, kind=kind, en=kind, zh=kind)


def epoch_day(day: date | datetime) -> int:
    """Give a date as days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
