"""A chain of SELECTs over the records of one grain: every column in the first layer that can compute it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import attrs
from sqlglot import exp

from svc_policy.engines.sql_clockwork import Clockwork
from svc_policy.engines.sql_expressions import Printer, case, coalesce, column, literal, mask_sum, paren, wrapped
from svc_policy.engines.sql_facts import FactColumn
from svc_policy.engines.sql_inlining import inlined
from svc_policy.engines.sql_tables import SetupTables
from svc_policy.engines.sql_worktime import Node, as_, bigint, minus, number
from svc_policy.expressions.nodes import FALSE, TRUE, ZERO, Expression, choose, null, walk
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Due, Output, Step
from svc_policy.plan import Plan

#: Results of so many kinds are chosen by a CASE, more of them from a list.
FEW = 2
#: Rows that fit a mask of 64 bits, "no row" included.
MOST_ROWS = 62


@attrs.frozen
class Join:
    """One row of a small table, joined by a key."""

    table: str
    alias: str
    on: str
    key: Node


@attrs.frozen
class Rung:
    """One column to be computed: its SQL, the columns it reads, the rows it joins."""

    name: str
    value: Node
    reads: frozenset[str]
    joins: tuple[Join, ...] = ()


#: Operators that tell unknown from absent, by what their first argument asks for.
TELLING = ("is_undetermined", "unless_undetermined")
#: Under which name a query keeps its CTEs: sqlglot renamed it.
WITH_KEY = "with_" if "with_" in exp.Select.arg_types else "with"


class Ladder:
    """Collects rungs, then writes them as layers; `tables` are the CTEs in order."""

    def __init__(
        self, plan: Plan, setup: SetupTables, facts: Mapping[str, FactColumn], dialect: str, prefix: str
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.dialect = dialect
        self.prefix = prefix
        self.tables: list[tuple[str, Node]] = []
        self.shared: set[str] = set()
        self.rungs: list[Rung] = []
        self.used_facts: dict[str, None] = {}
        self.lowered: dict[Expression, Expression] = {}
        self.given_names: dict[Expression, Expression] = {}
        #: Where an instant lies outside a calendar: the column that lacks it, the test, what the test reads.
        self.errors: list[tuple[str, Node, frozenset[str]]] = []
        self.grain = "ticket"
        self.given: dict[str, Node] = {}
        self.side_joins: list[tuple[str, list[str]]] = []
        self.source: Node = exp.to_table("tickets")
        self.printer = Printer(dialect, self._leaf, self._leaf_needs)
        self.setup = setup
        #: The database decides row by row and leaves alone what it does not come to.
        self.by_row = dialect == "postgres"
        self.clockwork = Clockwork(setup, self)

    # --- what others call

    def take(self, tables: Iterable[tuple[str, Node]], shared: Iterable[str] = ()) -> None:
        """Put CTEs before the chain; `shared` names those that are read more than once."""
        self.tables.extend(tables)
        self.shared.update(shared)

    def begin(self, grain: str, source: Node, joins: list[tuple[str, list[str]]], given: dict[str, Node]) -> None:
        """Say what the first layer reads: the records, and side tables that give columns."""
        self.grain = grain
        self.source = source
        self.side_joins = joins
        self.given = given

    def lay(self, steps: Sequence[Step], *, holds: bool) -> None:
        """Add the rungs of steps, in their order."""
        for step in steps:
            match step:
                case Compute():
                    self._compute(step)
                case Choose():
                    self._choose(step)
                case Collect():
                    self._collect(step)
                case Due():
                    self.clockwork.due(step, holds=holds and bool(step.stops))
                case _:
                    raise TypeError(step)

    def finish(self, names: Sequence[str]) -> Node:
        """Write the chain as one query that yields `names`."""
        last = self._write(names)
        query = exp.select(*(column(name) for name in names), copy=False).from_(last, copy=False)
        # Put together at once: sqlglot's own builder would copy the whole query for every table.
        tables = [
            exp.CTE(
                this=table,
                alias=exp.TableAlias(this=exp.to_identifier(name)),
                # What is read twice is computed once; a layer of the ladder is read by the next one only.
                materialized=True if name in self.shared else None,
            )
            for name, table in self.tables
        ]
        query.set(WITH_KEY, exp.With(expressions=tables))
        return query

    def tell_errors(self, name: str, about: Iterable[str]) -> None:
        """Add a column that is true where an instant that some columns need lies outside a calendar."""
        wanted = self._reading(about)
        flags = [(flag.copy(), reads) for of, flag, reads in self.errors if of in wanted]
        reads = frozenset(item for _, of in flags for item in of)
        self.rungs.append(Rung(name, _any([flag for flag, _ in flags]) if flags else exp.false(), reads))

    def close(self, name: str, held: Sequence[Due]) -> str:
        """Write the chain with the starts and allowances of some clocks as its columns; gives its last table."""
        names = ["ticket_id"]
        for index, step in enumerate(held):
            for part, node in (("start", step.start), ("need", choose(step.when, step.allowance, null("int")))):
                made = f"{part}_{index}"
                self.rung(made, node)
                names.append(made)
        last = self._write(names)
        self.tables.append((name, exp.select(*(column(item) for item in names)).from_(last)))
        return name

    def gather(self, name: str, aggregates: Sequence[Aggregate], columns: Container[str]) -> list[tuple[str, Node]]:
        """Write the chain grouped by ticket, with the wanted `columns` of the aggregates; gives all its tables."""
        made: list[Node] = []
        wanted: list[str] = ["ticket_id"]
        for step in aggregates:
            value = f"{step.name}__value"
            self.rung(value, step.value)
            wanted.append(value)
            made.append(as_(self._gathered(step, column(value)), step.name))
            if f"{step.name}_needs" in columns:
                needs = f"{step.name}__needs"
                asked = self.lower(step.needs)
                missing = exp.Is(this=column(value), expression=exp.null())
                self.add(needs, case([(missing, self.printer(asked))], number(0)), [asked], reads=(value,))
                wanted.append(needs)
                made.append(as_(exp.func("BIT_OR", column(needs)), f"{step.name}_needs"))
        if self.errors:
            wanted.append("calendar_error")
            made.append(as_(exp.func("BOOL_OR", column("calendar_error")), f"{name}_error"))
        last = self._write(wanted)
        query = exp.select(column("ticket_id"), *made).from_(last).group_by(column("ticket_id"))
        return [*self.tables, (name, query)]

    @staticmethod
    def _gathered(step: Aggregate, value: Node) -> Node:
        complete = exp.EQ(this=exp.Count(this=exp.Star()), expression=exp.Count(this=value.copy()))
        match step.gathering:
            case "sum":
                return case([(complete, bigint(exp.Sum(this=value)))])
            case "any":
                found = exp.Max(this=case([(value, number(1))], number(0)))
                true = exp.EQ(this=found, expression=number(1))
                return case([(true, exp.true()), (complete, exp.false())])
            case "count":
                return bigint(exp.Sum(this=case([(value, number(1))], number(0))))
            case _:
                return exp.func("BIT_OR", value)

    # --- rungs

    def add(
        self,
        name: str,
        value: Node,
        nodes: Iterable[Expression] = (),
        *,
        reads: Iterable[str] = (),
        joins: Sequence[Join] = (),
    ) -> None:
        """Add a rung; `nodes` are the expressions printed into it, `reads` columns named besides."""
        found = set(reads)
        for node in nodes:
            for item in walk(node):
                if item.operator == "column":
                    found.add(str(item.data))
                elif item.operator in TELLING and (needs := self._needs_name(item.arguments[0])):
                    found.add(needs)
                elif item.operator == "fact":
                    found.add(self._fact_name(str(item.data)))
                elif item.operator == "reached":
                    found.add("at_s")
        if self.dialect == "postgres":
            value, joins = self._by_position(value, joins, found)
        self.rungs.append(Rung(name, value, frozenset(found), tuple(joins)))

    def _by_position(self, value: Node, joins: Sequence[Join], found: set[str]) -> tuple[Node, list[Join]]:
        """Read dense tables by position instead of joining them; what is left are joins of lists.

        Every join is a pass over all that a layer carries, and asks the planner for a choice between
        ways to run it, of which only one is good. A position is a column of its own.
        """
        left: list[Join] = []
        for join in joins:
            dense = self.setup.dense(join.table)
            if dense is None:
                left.append(join)
                continue
            self.rungs.append(Rung(join.alias, dense.position(join.key), frozenset(found)))
            found.add(join.alias)
            value = value.transform(dense.reading(join.alias))
        return value, left

    def rung(self, name: str, node: Expression) -> None:
        """Add a rung that is one expression."""
        lowered = self.lower(node)
        self.add(name, self.printer(lowered), [lowered])

    def lower(self, node: Expression) -> Expression:
        """Move every operator of time into a rung of its own; what remains can be printed."""
        if node in self.lowered:
            return self.lowered[node]
        if not node.arguments:
            return node
        arguments = tuple(self.lower(argument) for argument in node.arguments)
        made = attrs.evolve(node, arguments=arguments) if arguments != node.arguments else node
        if self.clockwork.handles(node.operator):
            made = self.clockwork.lower(made)
        self.lowered[node] = made
        return made

    def named(self, node: Expression) -> Expression:
        """Give a leaf for a lowered expression, adding a rung if it is compound."""
        if node.operator in ("column", "fact", "constant"):
            return node
        if node not in self.given_names:
            name = f"{self.prefix}x{len(self.rungs)}"
            self.add(name, self.printer(node), [node])
            self.given_names[node] = Expression("column", data=name, type=node.type, nullable=node.nullable, asks=False)
        return self.given_names[node]

    def _compute(self, step: Compute) -> None:
        value = self.lower(step.value)
        self.add(step.name, self.printer(value), [value])
        if f"{step.name}_needs" in self.plan.columns:
            needs = self.lower(step.needs)
            missing = exp.Is(this=column(step.name), expression=exp.null())
            asked = case([(missing, self.printer(needs))], number(0))
            self.add(f"{step.name}_needs", asked, [needs], reads=(step.name,))

    def _choose(self, step: Choose) -> None:
        count = len(step.conditions)
        conditions = [self.lower(item) for item in step.conditions]
        if step.inputs and not self.by_row:
            # Each is read twice, for being true and for being unknown.
            conditions = [self.named(item) for item in conditions]
        first = f"{step.name}__first"
        branches = [(self.printer(item), number(index + 1)) for index, item in enumerate(conditions) if item != FALSE]
        self.add(first, case(branches, number(count + 1)), conditions)
        outputs = [(output, [self.named(self.lower(value)) for value in output.values]) for output in step.outputs]
        row_needs = [self.lower(item) for item in step.row_needs]
        if not step.inputs:
            self.add(f"{step.name}_row", _row(first, count), reads=(first,))
            for output, values in outputs:
                self.add(output.name, self._by_row(first, values, output), [*values, output.otherwise], reads=(first,))
            if step.asks:
                self.add(f"{step.name}_needs", self._needs_by_row(first, row_needs), row_needs, reads=(first,))
            return
        opened = self._open(step, conditions, first)
        settled = exp.EQ(this=column(opened), expression=number(0))
        self.add(f"{step.name}_row", case([(settled, _row(first, count))]), reads=(first, opened))
        agreements: list[Node] = []
        for output, values in outputs:
            sure = [(settled, self._by_row(first, values, output))]
            agreed = [(test, self.printer(value)) for test, value in self._agreed(output, values, first, opened)]
            agreements.append(_any([test for test, _ in agreed]))
            self.add(output.name, case([*sure, *agreed]), [*values, output.otherwise], reads=(first, opened))
        needs = [self.lower(item) for item in step.needs]
        agree = agreements[0]
        for other in agreements[1:]:
            agree = exp.And(this=paren(agree), expression=paren(other))
        asked = case(
            [
                (settled, self._needs_by_row(first, row_needs)),
                (agree, self._lowest(opened, row_needs)),
            ],
            self._lowest(opened, needs),
        )
        self.add(f"{step.name}_needs", asked, [*needs, *row_needs], reads=(first, opened))

    def _open(self, step: Choose, conditions: Sequence[Expression], first: str) -> str:
        """Add the mask of the unknown rows that may still be the one that holds."""
        if len(conditions) > MOST_ROWS:
            raise ValueError(f"table {step.name!r} has more than {MOST_ROWS} rows")
        guard = _any([self.printer.undetermined(leaf) for leaf in (self.lower(leaf) for leaf in step.inputs)])
        terms = [
            case([(exp.Is(this=wrapped(self.printer(item)), expression=exp.null()), literal(1 << index))], number(0))
            for index, item in enumerate(conditions)
            if item.nullable
        ]
        unknown = f"{step.name}__unknown"
        asked = [name for leaf in step.inputs if (name := self._needs_name(self.lower(leaf)))]
        if self.by_row:
            opened = f"{step.name}__open"
            count = len(conditions)
            if step.policy == "unique":
                none = exp.EQ(this=column(first), expression=number(count + 1))
                value = case([(exp.And(this=none, expression=paren(guard)), bigint(mask_sum(terms)))], number(0))
            else:
                row = exp.cast(column(first), "int")
                shifted = paren(exp.BitwiseLeftShift(this=bigint(number(1)), expression=paren(minus(row, number(1)))))
                before = paren(minus(shifted, number(1)))
                mask = exp.BitwiseAnd(this=paren(bigint(mask_sum(terms))), expression=before)
                value = case([(guard, mask)], number(0))
            self.add(opened, value, [*conditions, *step.inputs], reads=(*asked, first))
            return opened
        self.add(unknown, case([(guard, mask_sum(terms))], number(0)), [*conditions, *step.inputs], reads=asked)
        opened = f"{step.name}__open"
        count = len(conditions)
        if step.policy == "unique":
            none = exp.EQ(this=column(first), expression=number(count + 1))
            self.add(opened, case([(none, column(unknown))], number(0)), reads=(first, unknown))
            return opened
        before = exp.Case(
            this=column(first),
            ifs=[exp.If(this=number(index + 1), true=literal((1 << index) - 1)) for index in range(count + 1)],
        )
        nothing = exp.EQ(this=column(unknown), expression=number(0))
        mask = exp.BitwiseAnd(this=column(unknown), expression=before)
        self.add(opened, case([(nothing, number(0))], mask), reads=(first, unknown))
        return opened

    def _by_row(self, first: str, values: Sequence[Expression], output: Output) -> Node:
        """Choose a result by the row that holds; rows with equal results share a branch."""
        groups: dict[Expression, list[int]] = {}
        for index, value in enumerate(values):
            groups.setdefault(value, []).append(index + 1)
        otherwise = self.printer(output.otherwise)
        if self.by_row and len(groups) > FEW and output.type != "text":
            whole = [*values, output.otherwise]
            if all(value.operator == "constant" for value in whole):
                return _listed(first, whole, output.type)
        branches = [
            (_one_of(first, rows), self.printer(value)) for value, rows in groups.items() if value != output.otherwise
        ]
        return case(branches, otherwise) if branches else otherwise

    def _needs_by_row(self, first: str, needs: Sequence[Expression]) -> Node:
        if self.by_row and len(set(needs) - {ZERO}) > FEW and all(item.operator == "constant" for item in needs):
            return _listed(first, [*needs, ZERO], "int")
        branches = [(_one_of(first, [i + 1]), self.printer(item)) for i, item in enumerate(needs) if item != ZERO]
        return case(branches, number(0)) if branches else number(0)

    def _agreed(
        self, output: Output, values: Sequence[Expression], first: str, opened: str
    ) -> list[tuple[Node, Expression]]:
        """Pair each result with the test that every possible row has it."""
        groups: dict[Expression, int] = {}
        for index, value in enumerate((*values, output.otherwise)):
            is_null = value.operator == "constant" and value.data is None
            no_row = output.otherwise.operator == "constant" and output.otherwise.data is None
            key = output.otherwise if is_null and no_row else value
            groups[key] = groups.get(key, 0) | 1 << index
        whole = (1 << (len(values) + 1)) - 1
        tests = []
        for value, mask in groups.items():
            rows = [index + 1 for index in range(len(values) + 1) if mask >> index & 1]
            outside = exp.BitwiseAnd(this=column(opened), expression=literal(whole & ~mask))
            none = exp.EQ(this=paren(outside), expression=number(0))
            tests.append((exp.And(this=_one_of(first, rows), expression=none), value))
        return tests

    def _lowest(self, mask: str, values: Sequence[Expression]) -> Node:
        """Choose by the lowest bit that is set."""
        branches = [
            (
                exp.NEQ(
                    this=paren(exp.BitwiseAnd(this=column(mask), expression=literal(1 << index))),
                    expression=number(0),
                ),
                self.printer(value),
            )
            for index, value in enumerate(values)
        ]
        return case(branches, number(0)) if branches else number(0)

    def _collect(self, step: Collect) -> None:
        conditions = [self.lower(item) for item in step.conditions]
        if len(conditions) > MOST_ROWS:
            raise ValueError(f"table {step.name!r} has more than {MOST_ROWS} rows")
        groups: dict[Expression, int] = {}
        for index, item in enumerate(conditions):
            groups[item] = groups.get(item, 0) | 1 << index
        always = groups.pop(TRUE, 0)
        groups.pop(FALSE, None)
        fired = [case([(self.printer(item), literal(mask))], number(0)) for item, mask in groups.items()]
        if always or not fired:
            fired.insert(0, literal(always))
        self.add(f"{step.name}_fired", bigint(mask_sum(fired)), groups)
        if not step.asks:
            return
        unknown = [
            case([(exp.Is(this=wrapped(self.printer(item)), expression=exp.null()), literal(mask))], number(0))
            for item, mask in groups.items()
            if item.nullable
        ]
        name = f"{step.name}_unknown"
        self.add(name, bigint(mask_sum(unknown)), groups)
        needs = [self.lower(item) for item in step.needs]
        nothing = exp.EQ(this=column(name), expression=number(0))
        asked = case([(nothing, number(0))], self._lowest(name, needs))
        self.add(f"{step.name}_needs", asked, needs, reads=(name,))

    # --- leaves

    def _fact_name(self, path: str) -> str:
        grain = path.partition(".")[0]
        self.used_facts[path] = None
        return f"{'f' if grain == self.grain else 'g'}_{self.facts[path].name}"

    def _leaf(self, node: Expression) -> Node:
        if node.operator == "fact":
            return column(self._fact_name(str(node.data)))
        return column(str(node.data))

    def _needs_name(self, node: Expression) -> str | None:
        entry = self.plan.columns.get(str(node.data))
        return str(entry.needs.data) if entry is not None and entry.needs.operator == "column" else None

    def _leaf_needs(self, node: Expression) -> Node:
        name = self._needs_name(node)
        return column(name) if name else number(0)

    # --- layers

    def _write(self, names: Sequence[str]) -> str:
        """Write the layers, each column as early as it can be; gives the name of the last one."""
        base = self._base()
        level: dict[str, int] = dict.fromkeys(base, 0)
        by_level: dict[int, list[Rung]] = {}
        needed = self._needed(names)
        for rung in inlined(needed, names) if self.by_row else needed:
            if rung.name not in level:
                level[rung.name] = 1 + max((level[item] for item in rung.reads), default=0)
                by_level.setdefault(level[rung.name], []).append(rung)
        last_use: dict[str, int] = {}
        for number_of, rungs in by_level.items():
            for rung in rungs:
                for item in rung.reads:
                    last_use[item] = max(last_use.get(item, 0), number_of)
        top = max(by_level, default=0)
        for name in names:
            last_use[name] = top + 1
        used = [name for name in base if last_use.get(name, 0) > 0]
        previous = f"{self.prefix}0"
        self.tables.append((previous, self._first_layer(base, used)))
        available = used
        for number_of in range(1, top + 1):
            rungs = by_level.get(number_of, [])
            carried = [name for name in available if last_use.get(name, 0) > number_of]
            query = exp.select(
                *(column(name, "p") for name in carried),
                *(exp.Alias(this=rung.value, alias=exp.to_identifier(rung.name)) for rung in rungs),
                copy=False,
            ).from_(exp.to_table(previous).as_("p"), copy=False)
            for join in {join.alias: join for rung in rungs for join in rung.joins}.values():
                on = exp.EQ(this=column(join.on, join.alias), expression=join.key)
                query = query.join(exp.to_table(join.table).as_(join.alias), on=on, join_type="left", copy=False)
            previous = f"{self.prefix}{number_of}"
            self.tables.append((previous, query))
            available = [*carried, *(rung.name for rung in rungs if last_use.get(rung.name, 0) > number_of)]
        return previous

    def _needed(self, names: Sequence[str]) -> list[Rung]:
        """List the rungs that some columns need, in their order, with the calendar's error of what is computed."""
        wanted = self._reading(names)
        found = [rung for rung in self.rungs if rung.name in wanted]
        if "calendar_error" not in names:
            return found
        errors = [(flag, reads) for name, flag, reads in self.errors if name in wanted]
        if not errors:
            return [*found, Rung("calendar_error", exp.false(), frozenset())]
        error = errors[0][0]
        for flag, _ in errors[1:]:
            error = exp.Or(this=error, expression=flag)
        reads = frozenset(item for _, of in errors for item in of)
        wanted = self._reading([*wanted, *reads])
        found = [rung for rung in self.rungs if rung.name in wanted]
        return [*found, Rung("calendar_error", error, reads)]

    def _reading(self, names: Iterable[str]) -> set[str]:
        wanted = set(names)
        for rung in reversed(self.rungs):
            if rung.name in wanted:
                wanted |= rung.reads
        return wanted

    def _base(self) -> dict[str, Node]:
        """List the columns of the first layer: keys, facts, what side tables give, the instant."""
        keys = ["ticket_id"] if self.grain == "ticket" else ["ticket_id", "line"]
        base: dict[str, Node] = {key: column(key, "r") for key in keys}
        base["at_s"] = column("at_s", "m")
        for path in self.used_facts:
            grain = path.partition(".")[0]
            fact = self.facts[path]
            source = column(fact.name, "r" if grain == self.grain else "k")
            value = source if fact.default is None else coalesce(source, literal(fact.default))
            base[self._fact_name(path)] = value
        base.update(self.given)
        return base

    def _first_layer(self, base: Mapping[str, Node], used: Sequence[str]) -> Node:
        query = exp.select(*(as_(base[name], name) for name in used)).from_(
            self.source.as_("r") if isinstance(self.source, exp.Table) else exp.alias_(self.source, "r", table=True)
        )
        if self.grain != "ticket" and any(name.startswith("g_") for name in used):
            same = exp.EQ(this=column("ticket_id", "k"), expression=column("ticket_id", "r"))
            query = query.join(exp.to_table("tickets").as_("k"), on=same, join_type="inner")
        if "at_s" in used:
            query = query.join(exp.to_table("moment").as_("m"), join_type="cross")
        for table, made in self.side_joins:
            if any(name in used for name in made):
                same = exp.EQ(this=column("ticket_id", table), expression=column("ticket_id", "r"))
                query = query.join(exp.to_table(table), on=same, join_type="left")
        return query


def _row(first: str, count: int) -> Node:
    none = exp.EQ(this=column(first), expression=number(count + 1))
    return case([(none, number(0))], column(first))


def _one_of(name: str, rows: Sequence[int]) -> Node:
    if len(rows) == 1:
        return exp.EQ(this=column(name), expression=number(rows[0]))
    return exp.In(this=column(name), expressions=[number(row) for row in rows])


def _listed(first: str, values: Sequence[Expression], kind: str) -> Node:
    """Choose a constant by the row that holds, in one step."""
    words = ["NULL" if value.data is None else str(value.data).lower() for value in values]
    of = exp.DataType(
        this=exp.DataType.Type.ARRAY, expressions=[exp.DataType.build("bigint" if kind == "int" else kind)], nested=True
    )
    listed = exp.Cast(this=exp.Literal.string(f"{{{','.join(words)}}}"), to=of)
    return exp.Bracket(this=paren(listed), expressions=[exp.cast(column(first), "int")], offset=1)


def _any(tests: Sequence[Node]) -> Node:
    result = paren(tests[0])
    for test in tests[1:]:
        result = exp.Or(this=result, expression=paren(test))
    return result


__all__ = ["Join", "Ladder", "Rung"]
