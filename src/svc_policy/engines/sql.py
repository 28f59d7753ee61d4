"""Compile a plan into SQL: one query a grain, in layers, over the tables of ``facts.columns``.

    program = compile_program(plan, clocks, "duckdb")
    program.setup      the tables that the queries join: calendar days, months, zone
    program.queries    {"ticket": query, "part": query, ...} as sqlglot trees

A chain is a ladder of SELECTs. Each layer computes what needs only the layers
before it; what needs a calendar joins one row of a small table. What child
records come to, and what holds take away, is computed in side chains of their
own that recompute the few ticket columns they need, so that no wide layer is
read twice. The instant of the decision stands in ``moment(at_s)``.

`calendar_error` is true where an instant lies outside a clock's validity; the
Python engine raises there.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
from sqlglot import exp

from svc_policy.engines.runtime import PolicyClocks
from svc_policy.engines.sql_expressions import case, coalesce, column
from svc_policy.engines.sql_facts import fact_columns
from svc_policy.engines.sql_holds import hold_chain
from svc_policy.engines.sql_ladder import TELLING, WITH_KEY, Ladder
from svc_policy.engines.sql_tables import SetupTables, setup_tables
from svc_policy.engines.sql_worktime import Node, as_, number
from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Aggregate, Choose, Due, Step
from svc_policy.facts.columns import TABLES
from svc_policy.plan import Plan, columns_made, columns_read, expressions_for

#: Queries that are nested in each other at most; a parser has to come back from there.
DEEPEST: Final = 60
#: Under which name a query keeps its source: sqlglot renamed it.
FROM_KEY: Final = "from_" if "from_" in exp.Select.arg_types else "from"
CHILD_GRAINS: Final = ("part", "incident", "override", "material")


@attrs.frozen(kw_only=True)
class Program:
    """A plan as SQL: the tables to set up, and a query for each grain."""

    setup: SetupTables
    queries: Mapping[str, Node]
    dialect: str

    def text(self, grain: str) -> str:
        """Print the query of a grain."""
        text: str = self.queries[grain].sql(self.dialect, pretty=True)
        return text

    def nested(self, grain: str) -> str:
        """Print the query of a grain with each layer inside the next, once: a database need not inline them.

        The trees are printed without being copied and cannot be printed again.
        """
        query = self.queries[grain]
        layers = {item.alias: item for item in query.args[WITH_KEY].expressions}
        within = {name: list(item.this.find_all(exp.Table)) for name, item in layers.items()}
        within[""] = [query.args[FROM_KEY].this]
        read: dict[str, int] = {}
        for tables in within.values():
            for table in tables:
                read[table.name] = read.get(table.name, 0) + 1
        texts: dict[str, str] = {}
        depth: dict[str, int] = {}
        kept: list[str] = []
        for name, tables in within.items():
            for table in tables:
                if table.name in texts:
                    table.replace(exp.Var(this=f"({texts.pop(table.name)}) AS {table.alias_or_name}"))
                    depth[name] = max(depth.get(name, 0), depth[table.name] + 1)
            if not name:
                break
            depth.setdefault(name, 0)
            text = layers[name].this.sql(self.dialect, copy=False)
            if read.get(name) == 1 and not layers[name].args.get("materialized") and depth[name] < DEEPEST:
                texts[name] = text
            elif name in read:
                depth[name] = 0
                how = " MATERIALIZED" if layers[name].args.get("materialized") else ""
                kept.append(f"{name} AS{how} ({text})")
        query.set(WITH_KEY, None)
        head = f"WITH {', '.join(kept)} " if kept else ""
        return head + str(query.sql(self.dialect, copy=False))


def compile_program(
    plan: Plan,
    clocks: PolicyClocks,
    dialect: str = "duckdb",
    *,
    present: Iterable[str] = ("part", "hold", "incident", "override", "material"),
    columns: Collection[str] | None = None,
    errors: Mapping[str, Collection[str]] | None = None,
) -> Program:
    """Compile `plan`.

    Args:
        plan: The plan.
        clocks: The policy's clocks.
        dialect: One of those that expressions can be printed in.
        present: The child grains that have records; the others are left out.
        columns: The columns that are wanted, of any grain; all of them unless given. What they do not
            need is not computed, and `calendar_error` is about what is.
        errors: More columns like `calendar_error`, by their names: each about some of the tickets' wanted columns.
    """
    compiler = _Compiler(plan, clocks, dialect, frozenset(present))
    wanted = {
        grain: [name for name in plan.names(grain) if columns is None or name in columns]
        for grain in ("ticket", *CHILD_GRAINS)
    }
    queries = {"ticket": compiler.ticket_query(wanted["ticket"], errors or {})}
    for grain in CHILD_GRAINS:
        if grain in compiler.present and wanted[grain]:
            queries[grain] = compiler.child_query(grain, wanted[grain])
    return Program(setup=compiler.setup, queries=queries, dialect=dialect)


def compile_sql(plan: Plan, clocks: PolicyClocks) -> str:
    """Print the whole policy as one script for DuckDB: tables and views named ``svc_policy_*``.

    For PostgreSQL :func:`~svc_policy.engines.postgres_script.postgres_script` does.
    """
    dialect = "duckdb"
    program = compile_program(plan, clocks, dialect)
    parts = [
        "-- Input: tables tickets, parts, holds, incidents, overrides, materials and moment(at_s); "
        "see the published schema.",
        program.setup.script(dialect),
    ]
    for grain in program.queries:
        name = "decisions" if grain == "ticket" else f"{grain}_decisions"
        parts.append(f"CREATE OR REPLACE VIEW svc_policy_{name} AS\n{program.text(grain)};")
    return "\n\n".join(parts) + "\n"


class _Compiler:
    """Lays a plan's steps out as chains."""

    def __init__(self, plan: Plan, clocks: PolicyClocks, dialect: str, present: frozenset[str]) -> None:
        self.plan = plan
        self.dialect = dialect
        self.present = present
        self.setup = setup_tables(clocks, plan.rules.lookups)
        self.steps: dict[str, Step] = {
            name: step for step in plan.steps for name in columns_made(step) if name in plan.columns
        }
        self.facts = fact_columns(plan)

    # --- which steps a set of columns needs

    def closure(self, wanted: Iterable[str]) -> tuple[list[Step], frozenset[str]]:
        """List the steps and columns that the wanted columns need; children stop at their aggregate."""
        needed: dict[int, Step] = {}
        stack = list(wanted)
        seen: set[str] = set()
        while stack:
            name = stack.pop()
            if name in seen or name not in self.steps:
                continue
            seen.add(name)
            step = self.steps[name]
            needed[id(step)] = step
            if not isinstance(step, Aggregate):
                stack.extend(self.reads(step, name))
        return [step for step in self.plan.steps if id(step) in needed], frozenset(seen)

    def reads(self, step: Step, name: str) -> set[str]:
        """List the columns that one column of a step reads."""
        found: set[str] = set()
        for item in expressions_for(step, name):
            for node in walk(item):
                if node.operator == "column":
                    found.add(str(node.data))
                elif node.operator in TELLING:
                    found |= self._asked(node.arguments[0])
        if isinstance(step, Choose):
            # Whether a row is open hangs on whether what it reads is unknown.
            found.update(*(self._asked(leaf) for leaf in step.inputs))
        return found

    def _asked(self, leaf: Expression) -> set[str]:
        entry = self.plan.columns.get(str(leaf.data)) if leaf.operator == "column" else None
        return {str(entry.needs.data)} if entry is not None and entry.needs.operator == "column" else set()

    def read_by(self, aggregate: Aggregate, wanted: Container[str]) -> set[str]:
        """List the columns of the child that what is wanted of an aggregate reads."""
        names = [name for name in columns_made(aggregate) if name in wanted]
        return {item for name in (aggregate.name, *names) for item in self.reads(aggregate, name)}

    def stage(self, aggregate: Aggregate) -> int:
        """Count how many rounds of gathering must come before this one."""
        below = [
            self.stage(step)
            for step in self.closure(columns_read(aggregate))[0]
            if isinstance(step, Aggregate) and step is not aggregate
        ]
        return 1 + max(below, default=0)

    # --- chains

    def ticket_query(self, names: Sequence[str], errors: Mapping[str, Collection[str]]) -> Node:
        """Build the query of the tickets' columns."""
        ladder = self.chain("t", "ticket", *self.closure(names))
        for name, about in errors.items():
            ladder.tell_errors(name, about)
        return ladder.finish(["ticket_id", *names, "calendar_error", *errors])

    def child_query(self, grain: str, names: Sequence[str]) -> Node:
        """Build the query of a child grain's columns."""
        return self.chain(grain[0], grain, *self.closure(names)).finish(["ticket_id", "line", *names])

    def chain(
        self, prefix: str, grain: str, steps: Sequence[Step], wanted: frozenset[str], *, source: Node | None = None
    ) -> Ladder:
        """Lay steps out over the records of a grain, side chains first; of aggregates only what is wanted."""
        ladder = Ladder(self.plan, self.setup, self.facts, self.dialect, prefix)
        joins: list[tuple[str, list[str]]] = []
        given: dict[str, Node] = {}
        stages: dict[tuple[str, int], list[Aggregate]] = {}
        for step in steps:
            if isinstance(step, Aggregate):
                if step.child in self.present:
                    stages.setdefault((step.child, self.stage(step)), []).append(step)
                else:
                    for name in columns_made(step):
                        if name in self.plan.columns:
                            empty = exp.false() if step.gathering == "any" else number(0)
                            given[name] = number(0) if name != step.name else empty
        for (child, stage), aggregates in stages.items():
            table = f"{prefix}_{child}_{stage}"
            inner = self.closure(name for step in aggregates for name in self.read_by(step, wanted))
            side = self.chain(f"{table}_", child, *inner)
            ladder.take(side.gather(table, aggregates, wanted), side.shared)
            made = [
                name
                for step in aggregates
                for name in columns_made(step)
                if name == step.name or (name in wanted and name in self.plan.columns)
            ]
            error = f"{table}_error"
            joins.append((table, [*made, error] if side.errors else made))
            if side.errors:
                # A record that its clock knows nothing of leaves its ticket outside the calendar.
                missing = exp.Is(this=column("ticket_id", table), expression=exp.null())
                given[error] = case([(missing, exp.false())], column(error, table))
                ladder.errors.extend((name, column(error), frozenset({error})) for name in made)
            for name in made:
                gathering = next((step.gathering for step in aggregates if step.name == name), "")
                empty = exp.false() if gathering == "any" else number(0)
                missing = exp.Is(this=column("ticket_id", table), expression=exp.null())
                given[name] = case([(missing, empty)], column(name, table))
        held = [step for step in steps if isinstance(step, Due) and step.stops]
        if held and "hold" in self.present:
            self.hold_side(ladder, prefix, held, joins, given)
        ladder.begin(grain, source or exp.to_table(TABLES[grain]), joins, given)  # type: ignore[index]
        ladder.lay([step for step in steps if not isinstance(step, Aggregate)], holds="hold" in self.present)
        return ladder

    def hold_side(
        self,
        ladder: Ladder,
        prefix: str,
        held: Sequence[Due],
        joins: list[tuple[str, list[str]]],
        given: dict[str, Node],
    ) -> None:
        """Add up what holds take from each clock, one chain a kind of clock."""
        wide: list[Node] = []
        by_clock: dict[str, list[tuple[int, Due]]] = {}
        for number_of, step in enumerate(held):
            by_clock.setdefault(step.clock, []).append((number_of, step))
        starts_prefix = f"{prefix}_starts"
        wanted = [name for step in held for name in self._columns_of(step)]
        inner = self.closure(wanted)
        with_holds = (
            exp.select("*")
            .from_("tickets")
            .where(exp.column("ticket_id").isin(query=exp.select("ticket_id").from_("holds")))
        )
        side = self.chain(f"{starts_prefix}_", "ticket", *inner, source=with_holds.subquery("tickets"))
        side_name = side.close(f"{starts_prefix}_base", held)
        ladder.take(side.tables, {*side.shared, side_name})
        for clock, steps in by_clock.items():
            union = _union(
                [
                    exp.select(
                        exp.column("ticket_id"),
                        as_(number(number_of), "due_no"),
                        as_(column(f"start_{id_of}"), "start_at"),
                        as_(column(f"need_{id_of}"), "need"),
                    ).from_(side_name)
                    for id_of, (number_of, step) in ((held.index(step), (number_of, step)) for number_of, step in steps)
                ]
            )
            starts = f"{prefix}_{clock}_starts"
            ladder.take([(starts, union)], [starts])
            holds = f"{prefix}_{clock}_holds"
            kinds = _union(
                [
                    exp.select(
                        column("ticket_id", "h"),
                        as_(number(number_of), "due_no"),
                        as_(column("from_at_s", "h"), "begins_at"),
                        as_(column("until_at_s", "h"), "ends_at"),
                    )
                    .from_(exp.to_table("holds").as_("h"))
                    .where(
                        exp.In(
                            this=column("hold_kind", "h"),
                            expressions=[exp.Literal.string(kind) for kind in step.stops],
                        )
                    )
                    for number_of, step in steps
                ]
            )
            ladder.take([(holds, kinds)], [holds])
            ladder.take(
                hold_chain(
                    self.setup.clock(clock),
                    keys=("ticket_id", "due_no"),
                    starts=starts,
                    holds=holds,
                    prefix=f"{prefix}_{clock}",
                )
            )
            wide.append(exp.select("*").from_(f"{prefix}_{clock}_held"))
        pivot = exp.select(
            exp.column("ticket_id"),
            *(
                as_(
                    exp.Max(this=case([(exp.EQ(this=exp.column("due_no"), expression=number(i)), exp.column(of))])),
                    f"{of}_{i}",
                )
                for i in range(len(held))
                for of in ("held", "open_hold")
            ),
        )
        table = f"{prefix}_held"
        ladder.take(
            [(f"{prefix}_held_long", _union(wide)), (table, pivot.from_(f"{prefix}_held_long").group_by("ticket_id"))]
        )
        names = []
        for i, step in enumerate(held):
            for of in ("held", "open_hold"):
                name = f"{step.name}_{of}"
                given[name] = coalesce(column(f"{of}_{i}", table), number(0))
                names.append(name)
        joins.append((table, names))

    @staticmethod
    def _columns_of(step: Due) -> frozenset[str]:
        return columns_read(attrs.evolve(step, needs=step.start))


def _union(queries: Sequence[Any]) -> Any:
    result = queries[0]
    for query in queries[1:]:
        result = exp.union(result, query, distinct=False)
    return result
