"""The tables of a policy in words: one row a rule, with when it applies, what it says and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from svc_policy.book.phrases import Phrases
from svc_policy.book.titles import GOVERNING, READ, TITLES, heading_of, title_of
from svc_policy.messages import Message, message
from svc_policy.policy.forms import adopts, is_in_force
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Family, Parameter, Result, Row
from svc_policy.units import Allowance, Literal

#: Results that are one phrase.
_FEE: Final = ("fixed", "rate", "per", "measure", "beyond", "step", "at least")
_RHYTHM: Final = ("every", "on", "first", "anchor", "after", "before", "moved", "phases", "phase names", "decided by")
_PENALTY: Final = ("amount", "least", "most", "amount of", "outcome", "decided by")
_NOT_ADOPTED: Final = message("not in force: another reading is adopted")


@attrs.frozen(kw_only=True)
class Rule:
    """One row in words.

    `state` says why it is not in force on the day of the edition; it is empty
    where the row is. `when` is empty where the row applies always.
    """

    anchor: str
    name: str
    dates: str
    state: str
    when: tuple[str, ...]
    cells: tuple[str, ...]
    clauses: tuple[str, ...]
    readings: tuple[str, ...]
    parameters: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Table:
    """One table in words: headings of the results, and a rule a row."""

    name: str
    anchor: str
    title: str
    about: str
    headings: tuple[str, ...]
    rules: tuple[Rule, ...]
    is_conditional: bool
    is_illustrative: bool


@attrs.frozen
class _Column:
    heading: str
    cell: Callable[[Row], str]


def rule_anchors(rows: Mapping[str, Sequence[Row]]) -> dict[int, str]:
    """Give every row a name to link to; the editions of a rule are counted."""
    seen: dict[tuple[str, str], int] = {}
    anchors: dict[int, str] = {}
    for table, of in rows.items():
        for row in of:
            number = seen[table, row.id] = seen.get((table, row.id), 0) + 1
            anchors[id(row)] = f"rule-{table}-{row.id}" + (f"~{number}" if number > 1 else "")
    return anchors


class Tables:
    """Writes the tables of one policy as they stand on one day."""

    def __init__(self, words: Phrases, day: int) -> None:
        self.words = words
        self.policy = words.policy
        self.day = day
        self.anchors = rule_anchors(self.policy.pack.rows)

    def tables(self) -> Iterator[Table]:
        """Write every table that has rows, in the order in which a decision is made."""
        for name, family in FAMILIES.items():
            rows = self.policy.pack.rows.get(name, ())
            if rows:
                yield self.table(family, rows)

    def table(self, family: Family, rows: Sequence[Row]) -> Table:
        """Write one table."""
        columns = self._columns(family, rows)
        rules = tuple(self.rule(family, row, columns) for row in rows)
        return Table(
            name=family.name,
            anchor=f"table-{family.name}",
            title=self.title(family),
            about=self._about(family),
            headings=tuple(column.heading for column in columns),
            rules=rules,
            is_conditional=any(rule.when for rule in rules),
            is_illustrative=family.name in self.policy.pack.settings.illustrative,
        )

    def rule(self, family: Family, row: Row, columns: Sequence[_Column]) -> Rule:
        """Write one row."""
        words, settings = self.words, self.policy.pack.settings
        when = tuple(
            words.condition(name, test, family.name)
            for name, test in row.tests.items()
            if not test.any and name not in settings.parameters
        )
        return Rule(
            anchor=self.anchors[id(row)],
            name=row.id,
            dates=words.dates(row.since, row.until),
            state=self._state(row),
            when=when,
            cells=tuple(column.cell(row) for column in columns),
            clauses=row.cites,
            readings=tuple(name for name in row.rests_on if name in settings.interpretations),
            parameters=tuple(name for name in row.rests_on if name not in settings.interpretations),
        )

    def title(self, family: Family) -> str:
        """Name a table."""
        if family.name not in TITLES and self.words.is_chinese:
            return family.zh
        title = title_of(family)
        return self.words(title) if isinstance(title, Message) else title

    def _about(self, family: Family) -> str:
        parts = [TITLES[family.name][1]] if family.name in TITLES else []
        if family.name != "fields":
            parts.append(READ[family.policy])
        if family.governing in GOVERNING:
            parts.append(GOVERNING[family.governing])
        return ("" if self.words.is_chinese else " ").join(map(self.words, parts))

    def _state(self, row: Row) -> str:
        if not adopts(self.policy, row, self.day):
            return self.words(_NOT_ADOPTED)
        if is_in_force(row, self.day):
            return ""
        past = row.until is not None and row.until <= self.day
        return self.words(message("no longer in force") if past else message("not yet in force"))

    # --- columns

    def _columns(self, family: Family, rows: Sequence[Row]) -> list[_Column]:
        """List the columns of a table: results that belong together are one."""
        columns: list[_Column] = []
        merged: set[str] = set()
        for names, heading, write in self._merges(family.name):
            merged.update(names)
            columns.append(_Column(self.words(heading), write))
        plain = [
            self._plain(family, result)
            for result in family.results
            if result.name not in merged and any(row.results.get(result.name) is not None for row in rows)
        ]
        if family.results[0].name in merged:
            return [*columns, *plain]
        # What it is about comes first, then how much, then who.
        return [*plain[:1], *columns, *plain[1:]]

    def _plain(self, family: Family, result: Result) -> _Column:
        def write(row: Row) -> str:
            return self.words.result(family.name, result, row.results.get(result.name))

        return _Column(self.heading(family.name, result), write)

    def heading(self, family: str, result: Result) -> str:
        """Head a column of results."""
        found = heading_of(family, result.name)
        if found is not None:
            return self.words(found)
        return result.zh if self.words.is_chinese else result.name

    def _merges(self, family: str) -> list[tuple[tuple[str, ...], Message, Callable[[Row], str]]]:
        match family:
            case "deadlines":
                return [
                    (("ends",), message("what is due"), lambda row: self.words.milestone(row.text("ends") or "")),
                    (("starts", "within", "clock"), message("within"), self._within),
                ]
            case "fees":
                return [(_FEE, message("amount"), self._fee)]
            case "schedules":
                return [(_RHYTHM, message("when"), self._rhythm)]
            case "penalties" | "late_penalties":
                return [(_PENALTY, message("penalty"), self._penalty)]
            case _:
                return []

    def _within(self, row: Row) -> str:
        words, cell, clock = self.words, row.results.get("within"), row.text("clock")
        start = words.milestone(row.text("starts") or "")
        if isinstance(cell, Parameter):
            return words(
                message("{allowance}, counted from “{start}”", allowance=words.parameter(cell.name, clock), start=start)
            )
        if not isinstance(cell, Literal):
            return ""
        if isinstance(cell.value, Allowance) and cell.value.value == 0:
            if cell.value.unit == "days":
                return words(message("by the end of the day of “{start}”", start=start))
            return words(message("at the time of “{start}”", start=start))
        allowance = words.literal(cell, clock)
        return words(message("{allowance}, counted from “{start}”", allowance=allowance, start=start))

    def _fee(self, row: Row) -> str:
        words = self.words
        quantity = {name: self._cell(row, name) for name in ("fixed", "rate", "per", "beyond", "step", "at least")}
        parts = [quantity["fixed"]] if quantity["fixed"] else []
        if quantity["rate"]:
            measure = words.fact(row.text("measure") or "")
            each = {"rate": quantity["rate"], "per": quantity["per"], "measure": measure}
            parts.append(words(message("{rate} for each {per} of “{measure}”", **each)))
        if quantity["beyond"]:
            parts.append(words(message("beyond {quantity}", quantity=quantity["beyond"])))
        if quantity["at least"]:
            parts.append(words(message("at least for {quantity}", quantity=quantity["at least"])))
        if quantity["step"]:
            parts.append(words(message("rounded up in steps of {quantity}", quantity=quantity["step"])))
        return words.listed(parts)

    def _cell(self, row: Row, name: str) -> str:
        cell = row.results.get(name)
        if isinstance(cell, Parameter):
            return self.words.parameter(cell.name)
        return self.words.literal(cell) if isinstance(cell, Literal) else ""

    def _rhythm(self, row: Row) -> str:
        words, family = self.words, FAMILIES["schedules"]
        parts = [
            message("{name}: {value}", name=self.heading(family.name, result), value=said)
            for result in family.results
            if result.name in _RHYTHM and (said := words.result(family.name, result, row.results.get(result.name)))
        ]
        return words.parted(map(words, parts))

    def _penalty(self, row: Row) -> str:
        words = self.words
        amount, least, most = (self._cell(row, name) for name in ("amount", "least", "most"))
        fact, role = row.text("amount of"), row.text("decided by")
        if row.text("outcome") == "finding":
            return words(message("noted, no penalty"))
        if amount:
            figure = amount
        elif fact:
            figure = words(message("the amount of “{fact}”", fact=words.fact(fact)))
        elif least and most:
            figure = words(message("{least} to {most}", least=least, most=most))
        elif most or least:
            figure = words(message("up to {high}", high=most) if most else message("{low} or more", low=least))
        else:
            figure = words(message("no figure is given"))
        if not role:
            return figure
        return words(message("{figure}; {role} decides", figure=figure, role=words.role(role)))
