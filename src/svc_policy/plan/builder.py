"""The context that the families write into: it resolves names and collects steps.

Every name is resolved here and nowhere else: a fact of the record at hand, a
fact of its ticket, an earlier result, or a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from svc_policy.expressions import nodes
from svc_policy.expressions.nodes import (
    FALSE,
    NULL,
    TRUE,
    ZERO,
    Expression,
    and_,
    at_most,
    bit_or,
    certainly,
    choose,
    constant,
    first_known,
    is_constant,
    is_missing,
    is_present,
    less,
    not_,
    null,
    strict,
)
from svc_policy.expressions.steps import (
    Aggregate,
    Choose,
    Clock,
    Collect,
    Compute,
    Due,
    Gathering,
    HitPolicy,
    Output,
    Step,
)
from svc_policy.facts.registry import LISTS, FactKind
from svc_policy.plan.needs import needs_of
from svc_policy.rules.conditions import condition
from svc_policy.rules.family import Cell, Governing, Parameter, Row, Rules
from svc_policy.rules.working_hours import RECEIVED, asked_anywhere, lies_in_working_hours
from svc_policy.tables import Operand, Reference
from svc_policy.units import Allowance
from svc_policy.units import Literal as WrittenLiteral

TYPES: Mapping[FactKind, nodes.Type] = {"bool": "bool", "text": "text"}
#: At the grain of a part its own cause goes before the ticket's.
OWN = {("part", "cause"): "part_cause"}


@attrs.frozen(kw_only=True)
class Column:
    """One column of a plan: its leaf, grain, and the column that holds its needs."""

    leaf: Expression
    grain: str
    needs: Expression = ZERO


@attrs.frozen(kw_only=True)
class Shape:
    """What is known of a kind of tickets beforehand.

    `stated` are the ticket facts (by name) that have a value, the other
    built-in ones have none; `absent` are the grains without records. `asked`,
    the order of the needs masks, and `columns` are those of the whole plan.
    """

    stated: frozenset[str]
    missing: frozenset[str]
    absent: frozenset[str]
    asked: tuple[str, ...]
    columns: frozenset[str]


class Builder:
    """Collects the steps of a plan; the :class:`~svc_policy.rules.family.Context` of every family."""

    def __init__(
        self, rules: Rules, fixed_day: int | None = None, shape: Shape | None = None, asked: Sequence[str] = ()
    ) -> None:
        self.rules = rules
        self.shape = shape
        self.absent = shape.absent if shape else frozenset()
        self.fixed_day = fixed_day
        self.money = rules.money
        self.steps: list[Step] = []
        self.columns: dict[str, Column] = {}
        self.asked: dict[str, int] = {name: index for index, name in enumerate(shape.asked if shape else asked)}
        self.collected: dict[str, tuple[Row, ...]] = {}
        self.instants: dict[str, tuple[str, ...]] = {}
        #: Results that are the same for every ticket.
        self.fixed: dict[str, Expression] = {}
        #: Needs that are asked for only through the rows that read them.
        self.aside: set[str] = set()
        self.turning_points: list[tuple[Expression, Expression]] = []
        self._facts = {(grain, fact.name): fact for grain, facts in rules.facts.items() for fact in facts}
        self.compute("request_day", self._local_day("received_at"))
        if asked_anywhere(rules.rows, RECEIVED):
            self.compute(RECEIVED, lies_in_working_hours(self._fact("ticket", "received_at")), aside=True)

    # --- names

    def rows(self, family: str) -> Sequence[Row]:
        """List the rows of a family's table; none where the pack has no such table."""
        return self.rules.rows.get(family, ())

    def has(self, name: str) -> bool:
        """Say whether a fact or an earlier result has that name."""
        return name in self.columns or any(fact == name for _, fact in self._facts)

    def subject(self, name: str, grain: str, family: str) -> Expression:
        """Resolve a name at a grain."""
        if own := OWN.get((grain, name)):
            return first_known(self._fact(grain, own), self._fact("ticket", name))
        for place in dict.fromkeys((grain, "ticket")):
            if (place, name) in self._facts:
                return self._fact(place, name)
        if name in self.columns:
            known = self.columns[name]
            if known.grain not in (grain, "ticket"):
                return null(known.leaf.type)  # as a fact of a part has no value at the ticket
            return self.fixed.get(name, known.leaf)
        if name in self.rules.parameters:
            return self.parameter(name, family, grain)
        for (_, fact_name), fact in self._facts.items():
            if fact_name == name:
                return null(TYPES.get(fact.kind, "int"))
        raise KeyError(name)

    def _fact(self, grain: str, name: str) -> Expression:
        stated = self._stated(grain, name)
        listed = self.rules.lookups.get((grain, name))
        if listed is None or not stated.nullable:
            return stated
        found = nodes.lookup(self._stated(grain, listed.key), f"{listed.name}.{name}", stated.type, asks=stated.asks)
        return first_known(stated, found)

    def _stated(self, grain: str, name: str) -> Expression:
        fact = self._facts[grain, name]
        kind = TYPES.get(fact.kind, "int")
        nullable = fact.absence != "default"
        if self.shape and grain == "ticket":
            if nullable and name in self.shape.missing:
                return nodes.fact(f"{grain}.{name}", kind, nullable=True, asks=True) if fact.asks else null(kind)
            nullable = nullable and name not in self.shape.stated
        return nodes.fact(f"{grain}.{name}", kind, nullable=nullable, asks=nullable and fact.asks)

    def _local_day(self, name: str) -> Expression:
        return strict("local_day", self._fact("ticket", name))

    def governing_day(self, governing: Governing, grain: str) -> Expression:
        """Give the day whose edition of the rules is in force."""
        if self.fixed_day is not None:
            return constant(self.fixed_day)
        match governing:
            case "purchase":
                return first_known(self._fact("ticket", "purchased_on"), self._fact("ticket", "delivered_on"))
            case "fee":
                if "fee_day" not in self.columns:
                    day = first_known(self._local_day("quoted_at"), self.columns["request_day"].leaf)
                    self.compute("fee_day", day)
                return self.columns["fee_day"].leaf
            case "incident" if grain == "incident":
                return self._fact("incident", "occurred_on")
            case _:
                return self.columns["request_day"].leaf

    def ticket_days(self) -> Mapping[Governing, Expression]:
        """Give the governing days that every ticket has, whatever tables there are."""
        days: tuple[Governing, ...] = ("request", "purchase")
        return {name: self.governing_day(name, "ticket") for name in days}

    def cell(self, cell: Cell, family: str, grain: str) -> Expression:
        """Give the value of a result cell."""
        if cell is None:
            return NULL
        if isinstance(cell, Parameter):
            return self.parameter(cell.name, family, grain)
        assert isinstance(cell, WrittenLiteral)
        return _literal(cell)

    def operand(self, operand: Operand, family: str, grain: str) -> Expression:
        """Give the value of a bound or value in a condition."""
        if isinstance(operand, Reference):
            return self.parameter(operand.name, family, grain)
        return _literal(operand)

    def parameter(self, name: str, family: str, grain: str) -> Expression:
        """Give a parameter's value on the family's governing day."""
        values = self.rules.parameters[name].values
        result = _literal(values[0][1])
        if len(values) > 1:
            day = self.governing_day(self.rules.families[family].governing, grain)
            for since, literal in values[1:]:
                result = choose(less(day, constant(since)), result, _literal(literal))
        return result

    def parameter_unit(self, name: str) -> str:
        """Name the unit of an allowance parameter; the loader sees to it that all its values share it."""
        value = self.rules.parameters[name].values[0][1].value
        return value.unit if isinstance(value, Allowance) else "s"

    def row_condition(self, row: Row, family: str, grain: str, *, day: Expression | None = None) -> Expression:
        """Write a row's dates and cells as one condition; a family's own columns are left to it."""
        parts: list[Expression] = []
        if row.since is not None or row.until is not None:
            day = self.governing_day(self.rules.families[family].governing, grain) if day is None else day
            if row.since is not None:
                parts.append(at_most(constant(row.since), day))
            if row.until is not None:
                parts.append(less(day, constant(row.until)))
        own = {item.name for item in self.rules.families[family].conditions}
        for name, test in row.tests.items():
            if name not in own and not test.any:
                subject = self.subject(name, grain, family)
                parts.append(condition(test, subject, lambda item: self.operand(item, family, grain)))
        return and_(*parts)

    # --- needs

    def ask(self, fact: str) -> Expression:
        """Give the mask that asks for a fact; facts are numbered in the order in which they are first asked."""
        return constant(1 << self.asked.setdefault(fact, len(self.asked)))

    def needs(self, node: Expression) -> Expression:
        """Write what to ask for where `node` is null."""
        return needs_of(node, self._leaf_needs)

    def _leaf_needs(self, leaf: Expression) -> Expression:
        if leaf.operator == "column":
            return self.columns[str(leaf.data)].needs
        grain, _, name = str(leaf.data).partition(".")
        path = name if grain == "ticket" else f"{LISTS[grain]}.{name}"  # type: ignore[index]
        return choose(is_missing(leaf), self.ask(path), ZERO)

    # --- steps

    def _add(self, step: Step) -> None:
        if step.grain not in self.absent:
            self.steps.append(step)

    def _register(
        self, name: str, kind: nodes.Type, grain: str, *, nullable: bool, asks: bool, needs: str | None
    ) -> Expression:
        if name in self.columns:
            raise ValueError(f"two results are called {name!r}")
        leaf = nodes.column(name, kind, nullable=nullable, asks=asks)
        asked = nodes.column(needs, "int", nullable=False, asks=False) if asks and needs else ZERO
        self.columns[name] = Column(leaf=leaf, grain=grain, needs=asked)
        return leaf

    def _register_needs(self, name: str, grain: str) -> None:
        self._register(f"{name}_needs", "int", grain, nullable=False, asks=False, needs=None)

    def compute(
        self,
        name: str,
        value: Expression,
        *,
        grain: str = "ticket",
        needs: Expression | None = None,
        aside: bool = False,
    ) -> Expression:
        """Add one value; what it asks for follows from its expression unless stated.

        One that is `aside` is no part of the decision: it is asked for only where a row that reads it hangs on it.
        """
        wanted = self.needs(value) if needs is None else needs
        asks = wanted != ZERO and value.nullable
        leaf = self._register(name, value.type, grain, nullable=value.nullable, asks=asks, needs=f"{name}_needs")
        if asks:
            self._register_needs(name, grain)
        if aside:
            self.aside.add(f"{name}_needs")
        self._add(Compute(name=name, grain=grain, value=value, needs=wanted if asks else ZERO))
        if is_constant(value) and not asks:
            self.fixed[name] = value
            return value
        return leaf

    def choose(
        self,
        name: str,
        family: str,
        rows: Sequence[Row],
        outputs: Mapping[str, Callable[[Row], Expression]],
        *,
        otherwise: Mapping[str, Expression] | None = None,
        grain: str = "ticket",
        aside: bool = False,
    ) -> Mapping[str, Expression]:
        """Add a table of which one row holds; gives its output columns. `aside` as in :meth:`compute`."""
        if aside:
            self.aside.add(f"{name}_needs")
        conditions = tuple(self.row_condition(row, family, grain) for row in rows)
        made: list[Output] = []
        for output, make in outputs.items():
            values = tuple(make(row) for row in rows)
            kind: nodes.Type = next((value.type for value in values if not _is_null(value)), "int")
            none = (otherwise or {}).get(output, null(kind))
            made.append(Output(name=output, values=values, otherwise=none, type=kind))
        row_needs = tuple(bit_or(*(self.needs(output.values[i]) for output in made)) for i in range(len(rows)))
        self.collected[name] = tuple(rows)
        settled = _settled(conditions)
        if settled is not None:
            return self._settle(name, grain, made, settled, row_needs)
        table_asks = any(item.asks for item in conditions)
        asks = table_asks or any(needs != ZERO for needs in row_needs)
        self._register(f"{name}_row", "int", grain, nullable=table_asks, asks=table_asks, needs=f"{name}_needs")
        leaves = {}
        for item in made:
            values = (*item.values, item.otherwise)
            nullable = table_asks or any(value.nullable for value in values)
            item_asks = table_asks or any(value.asks for value in values)
            leaves[item.name] = self._register(
                item.name, item.type, grain, nullable=nullable, asks=item_asks, needs=f"{name}_needs"
            )
        if asks:
            self._register_needs(name, grain)
        policy: HitPolicy = self.rules.families[family].policy
        self._add(
            Choose(
                name=name,
                grain=grain,
                policy=policy,
                conditions=conditions,
                outputs=tuple(made),
                inputs=_asking_leaves(conditions),
                needs=tuple(self.needs(item) for item in conditions),
                row_needs=row_needs,
                asks=asks,
            )
        )
        return leaves

    def _settle(
        self, name: str, grain: str, outputs: Sequence[Output], row: int, row_needs: Sequence[Expression]
    ) -> Mapping[str, Expression]:
        """Write a table of which it is known beforehand which row holds (-1 for none): its results are plain values."""
        asked = row_needs[row] if row >= 0 else ZERO
        self.compute(f"{name}_row", constant(row + 1), grain=grain)
        found: dict[str, Expression] = {}
        for output in outputs:
            value = output.values[row] if row >= 0 else output.otherwise
            asks = value.asks and asked != ZERO
            leaf = self._register(
                output.name, output.type, grain, nullable=value.nullable, asks=asks, needs=f"{name}_needs"
            )
            self._add(Compute(name=output.name, grain=grain, value=value, needs=ZERO))
            if is_constant(value):
                self.fixed[output.name] = value
            found[output.name] = self.fixed.get(output.name, leaf)
        if asked != ZERO:
            self._register_needs(name, grain)
            self._add(Compute(name=f"{name}_needs", grain=grain, value=asked, needs=ZERO))
        return found

    def collect(
        self,
        name: str,
        family: str,
        rows: Sequence[Row],
        *,
        grain: str = "ticket",
        conditions: Sequence[Expression] | None = None,
        instants: Sequence[str] = (),
    ) -> tuple[Expression, ...]:
        """Add a table of which every true row holds; gives the conditions of its rows.

        `instants` names the column of the instant from which each row holds, "" where it waits for none.
        """
        if not rows:
            return ()
        if instants:
            self.instants[name] = tuple(instants)
        made = tuple(conditions or (self.row_condition(row, family, grain) for row in rows))
        asks = any(item.asks for item in made)
        self._register(f"{name}_fired", "int", grain, nullable=False, asks=False, needs=None)
        if asks:
            self._register(f"{name}_unknown", "int", grain, nullable=False, asks=False, needs=None)
            self._register_needs(name, grain)
        needs = tuple(self.needs(item) for item in made)
        self._add(Collect(name=name, grain=grain, conditions=made, needs=needs, asks=asks))
        self.collected[name] = tuple(rows)
        return made

    def due(
        self,
        name: str,
        start: Expression,
        allowance: Expression,
        clock: Clock,
        stops: Sequence[str],
        *,
        when: Expression = TRUE,
    ) -> tuple[Expression, Expression]:
        """Add an instant a clock away; gives it and whether a hold without end keeps it open."""
        needs = bit_or(*(choose(is_missing(node), self.needs(node), ZERO) for node in (start, allowance) if node.asks))
        asks = needs != ZERO
        leaf = self._register(name, "int", "ticket", nullable=True, asks=asks, needs=f"{name}_needs")
        is_open = self._register(f"{name}_open", "bool", "ticket", nullable=False, asks=False, needs=None)
        if asks:
            self._register_needs(name, "ticket")
        self.steps.append(
            Due(name=name, start=start, allowance=allowance, clock=clock, stops=tuple(stops), needs=needs, when=when)
        )
        return leaf, is_open if stops else FALSE

    def gather(self, name: str, child: str, gathering: Gathering, value: Expression) -> Expression:
        """Add a ticket column gathered from child records."""
        if child in self.absent:
            return self.compute(name, FALSE if gathering == "any" else ZERO)
        needs = self.needs(value) if gathering in ("sum", "any") else ZERO
        asks = needs != ZERO and value.asks
        kind: nodes.Type = "bool" if gathering == "any" else "int"
        nullable = value.nullable and gathering in ("sum", "any")
        leaf = self._register(name, kind, "ticket", nullable=nullable, asks=asks, needs=f"{name}_needs")
        if asks:
            self._register_needs(name, "ticket")
        self.steps.append(
            Aggregate(name=name, child=child, gathering=gathering, value=value, needs=needs if asks else ZERO)
        )
        return leaf

    def reached(self, instant: Expression, live: Expression) -> Expression:
        """Say whether `at` has come to an instant, and remember it as a turning point."""
        self.turning_points.append((instant, live))
        return nodes.reached(instant, live)

    # --- the end

    def finish(self, keep: Callable[[Sequence[Step]], list[Step]]) -> None:
        """Add what the whole decision comes to: `next_change_at` and `needs`; `keep` drops what nothing reads."""
        kept = keep(self.steps)
        dropped = [step for step in self.steps if step not in kept]
        self.steps = kept
        for step in dropped:
            for name in (step.name, f"{step.name}_needs"):
                self.columns.pop(name, None)
        ahead = []
        for instant, live in dict.fromkeys(self.turning_points):
            guard = and_(
                is_present(instant), not_(certainly(not_(live))), not_(certainly(nodes.reached(instant, live)))
            )
            ahead.append(choose(guard, instant, null("int")))
        self.compute("next_change_at", nodes.earliest(*ahead), needs=ZERO)
        of_ticket: list[Expression] = []
        for name, column in list(self.columns.items()):
            if not name.endswith("_needs") or name in self.fixed or name in self.aside:
                continue
            if column.grain == "ticket":
                of_ticket.append(column.leaf)
            else:
                of_ticket.append(
                    self.gather(f"{name.removesuffix('_needs')}_all_needs", column.grain, "bit_or", column.leaf)
                )
        self.compute("needs", bit_or(*of_ticket), needs=ZERO)


def _settled(conditions: Sequence[Expression]) -> int | None:
    """Find the row that holds whatever the facts are; -1 if none can, None if it depends."""
    possible = [index for index, item in enumerate(conditions) if item != FALSE]
    if not possible:
        return -1
    return possible[0] if conditions[possible[0]] == TRUE else None


def _literal(literal: WrittenLiteral) -> Expression:
    value = literal.value
    return constant(value.value if isinstance(value, Allowance) else value)


def _is_null(node: Expression) -> bool:
    return is_constant(node) and node.data is None


def _asking_leaves(conditions: Sequence[Expression]) -> tuple[Expression, ...]:
    leaves: dict[Expression, None] = {}
    for item in conditions:
        for node in nodes.walk(item):
            if node.operator in ("fact", "column") and node.asks:
                leaves[node] = None
    return tuple(leaves)
