"""Every small change of a policy that a case ought to notice: one record a change, made of rows that are loaded.

A bound moves by one of the smallest unit, one way by being closed or opened; a word becomes another that the
column takes; a row goes; an amount, a share, a time or a date is one unit off; a role or a yes becomes another.
Values are whole numbers of the smallest unit, so `< 5 km` and `<= 4.999 km` are one change and made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, cast

import attrs

from svc_policy.messages import Message, message
from svc_policy.pack.columns import condition_columns, result_columns
from svc_policy.pack.load import Pack
from svc_policy.pack.settings import Settings
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Cell, Family, Parameter, ParameterValues, Result, Row
from svc_policy.tables import ColumnSpec, Interval, Operand, Test, canonical_operand, canonical_test, print_test
from svc_policy.units import Allowance, format_day
from svc_policy.units import Literal as WrittenLiteral

Change = Literal["bound", "value", "drop", "amount", "date", "role", "flag", "word"]

CHANGES: Final[Mapping[Change, Message]] = {
    "bound": message("a bound moved"),
    "value": message("another value in a condition"),
    "drop": message("the rule dropped"),
    "amount": message("an amount one unit off"),
    "date": message("a date one day off"),
    "role": message("another role"),
    "flag": message("yes and no turned round"),
    "word": message("another word"),
}
#: Quantities of which there is more than none.
_MORE_THAN_NONE: Final = frozenset({"per", "step"})
#: Where the values of parameters, readings and the tax stand.
SETTINGS: Final = "policy"


@attrs.frozen(kw_only=True, eq=False)
class Mutant:
    """One change of a policy.

    `rows` are the rows as they are, each with what it becomes; None: it is gone. `settings` are the changed ones
    where a parameter changes. `rules` names the rows with their tables. `before` and `after` show the cell; `column`
    is what stands over it, `from` and `until` among them, and empty where the whole row goes.
    """

    table: str
    rule: str
    file: str
    line: int
    change: Change
    column: str
    before: str
    after: str
    rows: tuple[tuple[Row, Row | None], ...]
    rules: frozenset[str]
    settings: Settings | None = None

    @property
    def name(self) -> str:
        """Name the change shortly, as in ``fees.visit_near until 2025-01-01 → 2025-01-02``."""
        column = f" {self.column}" if self.column else ""
        return f"{self.table}.{self.rule}{column} {self.before} → {self.after}"


def mutants_of(pack: Pack) -> tuple[Mutant, ...]:
    """List every change of a pack, table by table in the order of the rows, parameters at the end."""
    return (*(mutant for table in pack.rows for mutant in _Table(pack, table).mutants()), *_of_settings(pack))


class _Table:
    """Makes the changes of one table."""

    def __init__(self, pack: Pack, name: str) -> None:
        self.pack = pack
        self.name = name
        self.family: Family = FAMILIES[name]
        self.rows = pack.rows[name]
        settings = pack.settings
        conditions = condition_columns(self.family, tuple(FAMILIES), settings)
        self.conditions: dict[str, ColumnSpec] = {spec.name: spec for spec in conditions}
        self.results: dict[str, ColumnSpec] = {spec.name: spec for spec in result_columns(self.family, settings)}
        self.of_parameters = {
            id(literal) for parameter in settings.parameters.values() for _, literal in parameter.values
        }

    def mutants(self) -> Iterator[Mutant]:
        for row in self.rows:
            for name, test in row.tests.items():
                if not test.any:
                    yield from self._of_test(row, name, test)
            yield from self._of_dates(row)
            for result in self.family.results:
                cell = row.results.get(result.name)
                if cell is not None and not isinstance(cell, Parameter) and not self._is_given(row, cell):
                    yield from self._of_result(row, result, cell)
            yield self._made(row, "drop", "", row.id, "-", ((row, None),))

    def _made(
        self, row: Row, change: Change, column: str, before: str, after: str, rows: tuple[tuple[Row, Row | None], ...]
    ) -> Mutant:
        return Mutant(
            table=self.name,
            rule=row.id,
            file=row.file,
            line=row.line,
            change=change,
            column=column,
            before=before,
            after=after,
            rows=rows,
            rules=frozenset({f"{self.name}.{row.id}"}),
        )

    def _is_given(self, row: Row, cell: Cell) -> bool:
        """Say whether a parameter gave the cell its value: then the parameter is what changes."""
        if id(cell) in self.of_parameters:
            return True
        parameters = self.pack.settings.parameters
        return isinstance(cell, WrittenLiteral) and any(
            name in parameters
            and any(cell.kind == "text" and cell == literal for _, literal in parameters[name].values)
            for name in row.rests_on
        )

    # --- conditions

    def _of_test(self, row: Row, name: str, test: Test) -> Iterator[Mutant]:
        for changed, change in self._changed_tests(name, test):
            new = attrs.evolve(row, tests={**row.tests, name: changed})
            yield self._made(row, change, name, print_test(test), canonical_test(changed), ((row, new),))

    def _changed_tests(self, name: str, test: Test) -> Iterator[tuple[Test, Change]]:
        for index, item in enumerate(test.items):
            for found, change in self._changed_items(name, test, item):
                items = (*test.items[:index], *([] if found is None else [found]), *test.items[index + 1 :])
                yield attrs.evolve(test, items=items, source=""), change
        if test.missing and not test.items:
            yield attrs.evolve(test, negated=not test.negated, source=""), "value"

    def _changed_items(self, name: str, test: Test, item: Interval) -> Iterator[tuple[Interval | None, Change]]:
        low = item.low
        if item.is_single and isinstance(low, WrittenLiteral):
            if isinstance(low.value, bool):
                other = attrs.evolve(low, value=not low.value, text="")
                yield Interval(other, True, other, True), "flag"
            elif isinstance(low.value, int):
                for by in (-1, 1):
                    moved = _moved(low, by)
                    if moved is not None:
                        yield Interval(moved, True, moved, True), "value"
            else:
                for word in self._other_words(name, test, str(low.value), is_listed=len(test.items) > 1):
                    other = attrs.evolve(low, value=word, text=word)
                    yield Interval(other, True, other, True), "value"
                if len(test.items) > 1:
                    yield None, "value"
            return
        yield from ((found, "bound") for found in _moved_bounds(item))

    def _other_words(self, name: str, test: Test, word: str, *, is_listed: bool) -> Iterator[str]:
        """Give the next word that the column takes and the condition does not name; one made up where it takes any.

        Out of a list that is negated, a word that nobody states is as good as none: dropping the value says that.
        """
        named = {str(item.low.value) for item in test.items if isinstance(item.low, WrittenLiteral)}
        known = self._words(name)
        after = known[known.index(word) + 1 :] + known[: known.index(word)] if word in known else known
        spec = self.conditions.get(name)
        is_open = (spec is None or spec.values is None) and not (test.negated and is_listed)
        yield from [other for other in after if other not in named][:1] or ([f"{word} (other)"] if is_open else [])

    def _words(self, name: str) -> list[str]:
        spec = self.conditions.get(name)
        if spec is not None and spec.values is not None:
            return list(spec.values)
        found = (
            str(item.low.value)
            for rows in self.pack.rows.values()
            for row in rows
            for item in (row.tests[name].items if name in row.tests else ())
            if isinstance(item.low, WrittenLiteral)
        )
        return list(dict.fromkeys(found))

    # --- dates

    def _of_dates(self, row: Row) -> Iterator[Mutant]:
        for name, day in (("from", row.since), ("until", row.until)):
            if day is None:
                continue
            for by in (-1, 1):
                moved = attrs.evolve(row, since=day + by) if name == "from" else attrs.evolve(row, until=day + by)
                if moved.since is not None and moved.until is not None and moved.since >= moved.until:
                    continue
                shown = (format_day(day), format_day(day + by))
                yield self._made(row, "date", name, *shown, ((row, moved),))
                other = self._edition_that(row, "until" if name == "from" else "since", day)
                # Said once, by the edition that ends.
                if name == "until" and other is not None:
                    follows = attrs.evolve(other, since=day + by)
                    yield self._made(row, "date", "until, from", *shown, ((row, moved), (other, follows)))

    def _edition_that(self, row: Row, key: str, day: int) -> Row | None:
        return next(
            (one for one in self.rows if one is not row and one.id == row.id and getattr(one, key) == day), None
        )

    # --- results

    def _of_result(self, row: Row, result: Result, cell: Cell) -> Iterator[Mutant]:
        for changed, change in self._changed_cells(result, cell):
            if result.name in _MORE_THAN_NONE and isinstance(changed, WrittenLiteral) and changed.value == 0:
                continue
            new = attrs.evolve(row, results={**row.results, result.name: changed})
            yield self._made(row, change, f"then: {result.name}", shown(cell), shown(changed), ((row, new),))

    def _changed_cells(self, result: Result, cell: Cell) -> Iterator[tuple[Cell, Change]]:
        if isinstance(cell, tuple):
            for index, word in enumerate(cell):
                if len(cell) > 1:
                    yield (*cell[:index], *cell[index + 1 :]), "word"
                for other in self._other_results(result, word, cell):
                    yield (*cell[:index], other, *cell[index + 1 :]), "word"
            return
        assert isinstance(cell, WrittenLiteral)
        if isinstance(cell.value, str):
            change: Change = "role" if result.kind == "role" else "word"
            for other in self._other_results(result, cell.value, (cell.value,)):
                yield attrs.evolve(cell, value=other, text=other), change
            return
        yield from changed_values(cell)

    def _other_results(self, result: Result, word: str, named: Sequence[str]) -> Iterator[str]:
        spec = self.results[result.name]
        if spec.values is not None:
            known = list(spec.values)
        else:
            known = list(dict.fromkeys(text for row in self.rows for text in _texts(row.results.get(result.name))))
        at = known.index(word) if word in known else -1
        after = known[at + 1 :] + known[: max(at, 0)]
        yield from [other for other in after if other not in named][:1] or (
            [f"{word} (other)"] if spec.values is None else []
        )


def changed_values(literal: WrittenLiteral) -> Iterator[tuple[WrittenLiteral, Change]]:
    """Give a literal one of its smallest units off, both ways, or the other truth."""
    if isinstance(literal.value, bool):
        yield attrs.evolve(literal, value=not literal.value, text=""), "flag"
        return
    for by in (-1, 1):
        moved = _moved(literal, by)
        if moved is not None:
            yield moved, "date" if literal.kind in ("date", "instant") else "amount"


def shown(cell: Cell) -> str:
    """Show a result cell in the canonical form."""
    if cell is None:
        return "-"
    if isinstance(cell, tuple):
        return ", ".join(cell) or "-"
    if isinstance(cell, Parameter):
        return f"{{{cell.name}}}"
    return canonical_operand(cast("Operand", cell))


def _texts(cell: Cell) -> Iterable[str]:
    if isinstance(cell, tuple):
        return cell
    return (cell.value,) if isinstance(cell, WrittenLiteral) and isinstance(cell.value, str) else ()


def _moved(literal: WrittenLiteral, by: int) -> WrittenLiteral | None:
    """Move a value by so many of its smallest unit; None where nothing is below."""
    value = literal.value
    number = value.value if isinstance(value, Allowance) else value
    assert isinstance(number, int)
    if number + by < 0 and literal.kind not in ("date", "instant"):
        return None
    new = attrs.evolve(value, value=number + by) if isinstance(value, Allowance) else number + by
    return attrs.evolve(literal, value=new, text="")


def _moved_bounds(item: Interval) -> Iterator[Interval]:
    """Move each bound by one both ways: opened or closed where that is the same."""
    if isinstance(item.low, WrittenLiteral):
        yield attrs.evolve(item, low_closed=not item.low_closed)
        if (moved := _moved(item.low, -1 if item.low_closed else 1)) is not None:
            yield from _not_empty(attrs.evolve(item, low=moved))
    if isinstance(item.high, WrittenLiteral):
        yield from _not_empty(attrs.evolve(item, high_closed=not item.high_closed))
        if (moved := _moved(item.high, 1 if item.high_closed else -1)) is not None:
            yield from _not_empty(attrs.evolve(item, high=moved))


def _not_empty(item: Interval) -> Iterator[Interval]:
    low, high = item.low, item.high
    if isinstance(low, WrittenLiteral) and isinstance(high, WrittenLiteral):
        first, last = cast("int", low.value), cast("int", high.value)
        if first + (not item.low_closed) > last - (not item.high_closed):
            return
    yield item


# --- parameters, readings, tax


def _of_settings(pack: Pack) -> Iterator[Mutant]:
    settings = pack.settings
    file = pack.files.texts["policy"][1] if "policy" in pack.files.texts else SETTINGS
    for name, parameter in settings.parameters.items():
        for index, (since, literal) in enumerate(parameter.values):
            for changed, change in _changed_parameters(pack, name, literal):
                yield _with_value(
                    pack, file, parameter, index, (since, changed), change, shown(literal), shown(changed)
                )
            for by in (-1, 1) if since is not None else ():
                assert since is not None
                days = (format_day(since), format_day(since + by))
                yield _with_value(pack, file, parameter, index, (since + by, literal), "date", *days)
    tax = settings.money.tax
    given = {id(literal) for parameter in settings.parameters.values() for _, literal in parameter.values}
    if isinstance(tax, WrittenLiteral) and id(tax) not in given:
        for changed, change in changed_values(tax):
            money = attrs.evolve(settings.money, tax=changed)
            yield Mutant(
                table=SETTINGS,
                rule="money",
                file=file,
                line=_line_of(pack, "money"),
                change=change,
                column="tax",
                before=shown(tax),
                after=shown(changed),
                rows=(),
                rules=frozenset(),
                settings=attrs.evolve(settings, money=money),
            )


def _line_of(pack: Pack, name: str) -> int:
    if "policy" not in pack.files.texts:
        return 0
    lines = pack.files.texts["policy"][0].splitlines()
    ends = (f".{name}]", f"[{name}]", f'."{name}"]')
    return next((number for number, text in enumerate(lines, start=1) if text.strip().endswith(ends)), 0)


def _changed_parameters(pack: Pack, name: str, literal: WrittenLiteral) -> Iterator[tuple[WrittenLiteral, Change]]:
    if not isinstance(literal.value, str):
        yield from changed_values(literal)
        return
    words = _words_for(pack, name, literal)
    after = words[words.index(literal.value) + 1 :] + words[: words.index(literal.value)]
    if after:
        role = after[0] in pack.settings.roles
        yield attrs.evolve(literal, value=after[0], text=after[0]), "role" if role else "word"


def _words_for(pack: Pack, name: str, literal: WrittenLiteral) -> list[str]:
    """List the words that the columns take in which a parameter stands, its own among them."""
    found: dict[str, None] | None = None
    for table, rows in pack.rows.items():
        specs = {spec.name: spec for spec in result_columns(FAMILIES[table], pack.settings)}
        for row in rows:
            if name not in row.rests_on:
                continue
            for column, cell in row.results.items():
                if cell == literal or (isinstance(cell, Parameter) and cell.name == name):
                    values = specs[column].values
                    words = dict.fromkeys(values or ())
                    found = words if found is None else {word: None for word in found if word in words}
    return list(dict.fromkeys([*(found or ()), str(literal.value)]))


def _with_value(
    pack: Pack,
    file: str,
    parameter: ParameterValues,
    index: int,
    value: tuple[int | None, WrittenLiteral],
    change: Change,
    before: str,
    after: str,
) -> Mutant:
    """Change one dated value of a parameter, and the cells that it was put into."""
    settings = pack.settings
    old = parameter.values[index][1]
    values = (*parameter.values[:index], value, *parameter.values[index + 1 :])
    parameters = {**settings.parameters, parameter.name: attrs.evolve(parameter, values=values)}
    money = settings.money
    if money.tax is old:
        money = attrs.evolve(money, tax=value[1])
    rows = []
    rules = set()
    for table, of_table in pack.rows.items() if value[1] is not old else ():
        for row in of_table:
            if parameter.name not in row.rests_on:
                continue
            cells = {name: _put(cell, old, value[1]) for name, cell in row.results.items()}
            if any(cells[name] is not cell for name, cell in row.results.items()):
                rows.append((row, attrs.evolve(row, results=cells)))
                rules.add(f"{table}.{row.id}")
            elif any(_reads(name, test, parameter.name) for name, test in row.tests.items()):
                rules.add(f"{table}.{row.id}")
    return Mutant(
        table="interpretations" if parameter.name in settings.interpretations else "parameters",
        rule=parameter.name,
        file=file,
        line=_line_of(pack, parameter.name),
        change=change,
        column="value" if value[1] is not old else "from",
        before=before,
        after=after,
        rows=tuple(rows),
        rules=frozenset(rules),
        settings=attrs.evolve(settings, parameters=parameters, money=money),
    )


def _reads(column: str, test: Test, parameter: str) -> bool:
    """Say whether a condition hangs on a parameter: in its own column, or by a bound."""
    bounds = (bound for item in test.items for bound in (item.low, item.high))
    return not test.any and (column == parameter or any(getattr(bound, "name", None) == parameter for bound in bounds))


def _put(cell: Cell, old: WrittenLiteral, new: WrittenLiteral) -> Cell:
    if cell is old:
        return new
    if isinstance(cell, WrittenLiteral) and cell.kind == "text" and cell == old:
        return attrs.evolve(new, text=str(new.value))
    if isinstance(cell, tuple) and old.value in cell:
        return tuple(str(new.value) if word == old.value else word for word in cell)
    return cell
