"""Decide the variants of a policy for the tickets of a connection, into the tables that measures read.

Few tickets are decided one by one in Python, as a query of many policies takes
seconds to be planned; many at once in DuckDB. Both make the same tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

import attrs

from svc_policy.adapters.staging import identifier
from svc_policy.batch import compile_for_plan, require, run_laid_out
from svc_policy.diff.measures import Variant, child_table
from svc_policy.diff.touched import cut_plan
from svc_policy.engines.python import Compiled, compile_plan
from svc_policy.engines.runtime import PolicyClocks
from svc_policy.errors import CalendarError
from svc_policy.facts.columns import TABLES, columns, keys
from svc_policy.facts.registry import BUILT_IN, GRAINS, LISTS, Fact
from svc_policy.plan import Plan

_SCHEMA: Final = "svc_policy_impact"
_TYPES: Final = {"int": "bigint", "bool": "boolean", "text": "text"}


@attrs.frozen(kw_only=True)
class Joint:
    """Variants that share clocks and lists, as one plan: the table of their decisions, their numbers."""

    table: str
    plan: Plan
    clocks: PolicyClocks
    numbers: tuple[int, ...]
    wanted: frozenset[str]


# --- some of the tickets


class Choose(Protocol):
    """Chooses the tickets for which the names of the input tables stand."""

    def __call__(self, condition: str, *, kept: bool = False) -> None:
        """Choose them by a condition over `tickets`."""


@contextmanager
def some_tickets(connection: Any) -> Iterator[Choose]:
    """Let the names of the input tables stand for some of the tickets.

    What is given takes the condition of those to choose, and whether they are copied, which is
    worth it where they lie far apart.
    """
    connection.execute(f"CREATE SCHEMA {_SCHEMA}")

    def choose(condition: str, *, kept: bool = False) -> None:
        kind = "TABLE" if kept else "VIEW"
        connection.execute("SET search_path = 'main'")
        connection.execute(
            f"CREATE OR REPLACE {kind} {_SCHEMA}.tickets AS SELECT * FROM main.tickets WHERE {condition}"
        )
        for grain in GRAINS:
            if grain != "ticket":
                connection.execute(
                    f"CREATE OR REPLACE {kind} {_SCHEMA}.{TABLES[grain]} AS SELECT * FROM main.{TABLES[grain]} "
                    f"WHERE ticket_id IN (SELECT ticket_id FROM {_SCHEMA}.tickets)"
                )
        connection.execute(f"SET search_path = '{_SCHEMA},main'")

    try:
        yield choose
    finally:
        connection.execute("SET search_path = 'main'")
        connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")


# --- in DuckDB


class Queries:
    """The queries of some joint plans, compiled once."""

    def __init__(
        self, connection: Any, joints: Sequence[Joint], errors: Mapping[str, Mapping[str, Collection[str]]]
    ) -> None:
        self.connection = connection
        self.programs = []
        for joint in joints:
            program = compile_for_plan(joint.plan, joint.clocks, connection, joint.wanted, errors[joint.table])
            self.programs.append((joint.table, program, {grain: program.nested(grain) for grain in program.queries}))

    def decide(self) -> None:
        """Decide the tickets that the names of the input tables stand for."""
        for table, program, of in self.programs:
            texts = list(of.values())
            # Only the small tables that the queries join: the others take longer to make than a few tickets to decide.
            setup = program.setup
            tables = {name: made for name, made in setup.tables.items() if any(name in text for text in texts)}
            attrs.evolve(setup, tables=tables).install(self.connection)
            for grain, query in of.items():
                name = table if grain == "ticket" else child_table(table, grain)
                run_laid_out(self.connection, f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")


# --- in Python


class _Record:
    """A line of a ticket, or the ticket, as the engine takes it."""

    __slots__ = ("extra_values", "values", *LISTS.values())

    def __init__(self, values: tuple[object, ...], extra: Mapping[str, object]) -> None:
        self.values = values
        self.extra_values = extra
        for name in LISTS.values():
            setattr(self, name, ())


@attrs.frozen
class _Decided:
    """A ticket's columns and those of its lines, in the layout of the joint plan; which variants cannot decide it."""

    early: Sequence[object]
    lines: Mapping[str, Sequence[Sequence[object]]]
    errors: Collection[int] = ()


def decide_one_by_one(
    connection: Any, joints: Sequence[Joint], variants: Sequence[Variant], facts: Sequence[Fact], at_s: int
) -> None:
    """Decide the tickets that the names of the input tables stand for, one by one."""
    tickets = _read(connection, variants[0], facts)
    for joint in joints:
        plan = cut_plan(joint.plan, joint.wanted)
        compiled = compile_plan(plan, joint.clocks, f"impact {joint.table}")
        apart = _Apart(joint, variants, compiled)
        decided = []
        for ticket in tickets.values():
            try:
                decided.append(_Decided(*compiled.decide(ticket, at_s)))
            except CalendarError:
                decided.append(apart.decide(ticket, at_s))
        grains = [grain for grain in GRAINS if grain == "ticket" or grain in variants[0].children]
        for grain in grains:
            names = [name for name, made in plan.columns.items() if made.grain == grain and name in joint.wanted]
            rows: list[tuple[tuple[object, ...], Sequence[object]]]
            if grain == "ticket":
                rows = [((name,), of.early) for name, of in zip(tickets, decided, strict=True)]
                table = joint.table
            elif names:
                rows = [
                    ((name, number), line)
                    for name, of in zip(tickets, decided, strict=True)
                    for number, line in enumerate(of.lines.get(grain, ()))
                ]
                table = child_table(joint.table, grain)
            else:
                continue
            made_of: dict[str, tuple[str, Sequence[object]]] = {
                column.name: (column.type, [key[at] for key, _ in rows]) for at, column in enumerate(keys(grain))
            }
            index = compiled.index.get(grain, {})
            for name in names:
                at, constant = index.get(name), compiled.constants.get(name)
                values = [constant if at is None else row[at] for _, row in rows]
                made_of[name] = (_TYPES[plan.columns[name].leaf.type], values)
            if grain == "ticket":
                for number in joint.numbers:
                    made_of[f"error_{number}"] = ("boolean", [number in of.errors for of in decided])
            _write(connection, table, made_of)


class _Apart:
    """Decides a ticket under each variant by itself, where one of them finds it outside its calendar."""

    def __init__(self, joint: Joint, variants: Sequence[Variant], compiled: Compiled) -> None:
        self.joint = joint
        self.variants = variants
        self.index = compiled.index
        self.compiled: dict[int, Compiled] = {}

    def decide(self, ticket: _Record, at_s: int) -> _Decided:
        """Decide a ticket; what only a variant that cannot has for a column is null."""
        found: dict[str, object] = {}
        of_lines: dict[str, list[dict[str, object]]] = {}
        errors = []
        for number in self.joint.numbers:
            names = self.variants[number].names
            compiled = self._of(number)
            try:
                early, lines = compiled.decide(ticket, at_s)
            except CalendarError:
                errors.append(number)
                continue
            found |= {names[name]: value for name, value in compiled.constants.items() if name in names}
            found |= {names[name]: early[at] for name, at in compiled.index["ticket"].items()}
            for grain, rows in lines.items():
                held = of_lines.setdefault(grain, [{} for _ in rows])
                for row, values in zip(held, rows, strict=True):
                    row |= {names[name]: values[at] for name, at in compiled.index[grain].items()}
        return _Decided(
            [found.get(name) for name in self.index["ticket"]],
            {
                grain: [[row.get(name) for name in self.index[grain]] for row in rows]
                for grain, rows in of_lines.items()
            },
            errors,
        )

    def _of(self, number: int) -> Compiled:
        if number not in self.compiled:
            of = self.variants[number]
            wanted = [name for name, made in of.names.items() if made in self.joint.wanted]
            plan = cut_plan(of.plan, wanted)
            self.compiled[number] = compile_plan(plan, self.joint.clocks, f"impact {self.joint.table} {number}")
        return self.compiled[number]


def _read(connection: Any, of: Variant, facts: Sequence[Fact]) -> dict[str, _Record]:
    """Read tickets as the engine takes them; a fact that is missing holds the default that the plan gives it."""
    found: dict[str, _Record] = {}
    for grain in GRAINS:
        listed = columns(grain, facts)
        own = {fact.name: fact for fact in of.plan.rules.facts.get(grain, ())}
        defaults = []
        for column in listed:
            fact = own.get(column.fact.name, column.fact) if column.fact is not None else None
            defaults.append(fact.default if fact is not None and fact.absence == "default" else None)
        count = len(BUILT_IN[grain])
        extra_names = [column.fact.name for column in listed[count:] if column.fact is not None]
        selected = ", ".join(identifier(column.name) for column in (keys(grain)[0], *listed))
        order = "" if grain == "ticket" else " ORDER BY ticket_id, line"
        rows = connection.execute(f"SELECT {selected} FROM {TABLES[grain]}{order}").fetchall()
        for ticket_id, *row in rows:
            values = [default if value is None else value for value, default in zip(row, defaults, strict=True)]
            extra = {name: value for name, value in zip(extra_names, row[count:], strict=True) if value is not None}
            record = _Record(tuple(values[:count]), extra)
            if grain == "ticket":
                found[ticket_id] = record
            else:
                ticket = found[ticket_id]
                setattr(ticket, LISTS[grain], (*getattr(ticket, LISTS[grain]), record))
    return found


def _write(connection: Any, table: str, columns_of: Mapping[str, tuple[str, Sequence[object]]]) -> None:
    arrow = require("pyarrow")
    kinds = {"bigint": arrow.int64(), "boolean": arrow.bool_(), "text": arrow.string()}
    arrays = [arrow.array(values, kinds[kind]) for kind, values in columns_of.values()]
    connection.register("svc_policy_decided", arrow.table(arrays, list(columns_of)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM svc_policy_decided")
    connection.unregister("svc_policy_decided")
