"""Write a policy as one script for PostgreSQL: a schema that keeps tickets and decides them.

    print(postgres_script(policy.pack, policy.plan, policy.clocks, engine=svc_policy.__version__))

What is in the schema: the tables of the tickets, which an installation leaves
as they are but for columns that are new; the calendar's tables, and functions
that give their columns as lists; the rules, their clauses and the facts that
may be asked for; functions and views that decide (``postgres_functions``).
What one installation made the next one takes away again, by its own list.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from svc_policy.engines.postgres_functions import NAMES, Statement, body_of, functions, one_at_a_time, types_of
from svc_policy.engines.runtime import PolicyClocks
from svc_policy.engines.sql import CHILD_GRAINS, compile_program
from svc_policy.engines.sql_postgres import Printed, print_query, quoted, short, text
from svc_policy.engines.sql_tables import SetupTables, column_values
from svc_policy.facts.columns import TABLES, Column, columns, keys
from svc_policy.facts.registry import GRAINS, Fact, Grain
from svc_policy.plan import Plan, result_names
from svc_policy.rules.family import Row

if TYPE_CHECKING:
    from svc_policy.pack.load import Pack

#: What the name of a schema begins with; the policy's id follows.
PREFIX: Final = "svc_policy_"
INSTALLED: Final = "svc_policy_installed"
# Days and instants that can be written at all, the years 1 to 9999; which of them a calendar knows is told row by row.
_DAYS: Final = (-719_162, 2_932_896)
_WRITTEN: Final = {"date": _DAYS, "instant": (_DAYS[0] * 86_400, (_DAYS[1] + 1) * 86_400 - 1)}
EPOCH: Final = date(1970, 1, 1)


def schema_name(policy_id: str) -> str:
    """Name the schema of a policy."""
    return short(PREFIX + policy_id)


def postgres_script(pack: Pack, plan: Plan, clocks: PolicyClocks, *, engine: str) -> str:
    """Write the script that installs a policy, or a newer edition of it, in one transaction.

    `engine` is the version of the library, which the table `policy` keeps.
    """
    schema = schema_name(pack.id)
    program = compile_program(plan, clocks, "postgres")
    printed = {grain: print_query(program, grain, types_of(plan, grain)) for grain in NAMES if grain in program.queries}
    facts = pack.settings.company_facts
    made: list[tuple[str, str]] = []
    # PostgreSQL knows months, and days where the zone's clock was seldom changed, without a table.
    whole = "".join(part for of in printed.values() for part in (*of.sides.values(), of.main))
    read = [name for name in program.setup.tables if f'"{name}' in whole]
    body = [
        *_tickets(facts),
        *_policy(pack, engine, made),
        *_rules(pack, plan, made),
        *_columns(plan, made),
        *_lists(program.setup, read, schema, made),
        *_statements(printed, made),
    ]
    for item in functions(schema, plan, printed):
        body.append(item.statement)
        made.append((item.kind, item.name))
    installed = ",\n".join(f"({at}, {text(kind)}, {text(name)})" for at, (kind, name) in enumerate(made))
    lines = [
        f"-- svc-policy: {_plain(pack.id)}, digest {pack.digest}",
        "-- Run it as a whole (psql -v ON_ERROR_STOP=1 -f FILE): it installs the policy, or replaces it, or changes "
        "nothing.",
        "BEGIN;",
        "SET LOCAL standard_conforming_strings = on;",
        "SET LOCAL client_min_messages = warning;",
        f"DO 'BEGIN {one_at_a_time(schema)} END';",
        f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};",
        f"SET LOCAL search_path = {quoted(schema)}, pg_temp;",
        _taken_away(schema),
        *body,
        f"CREATE TABLE {INSTALLED} (position integer PRIMARY KEY, kind text NOT NULL, name text NOT NULL);",
        f"INSERT INTO {INSTALLED} VALUES\n{installed};",
        "COMMIT;",
    ]
    return "\n".join(lines) + "\n"


def _plain(value: str) -> str:
    """Keep a name within its comment."""
    return "".join(character if character.isprintable() else " " for character in value)


def _taken_away(schema: str) -> str:
    found = text(f"{quoted(schema)}.{INSTALLED}")
    code = f"""DECLARE
  made record;
BEGIN
  IF to_regclass({found}) IS NOT NULL THEN
    FOR made IN SELECT kind, name FROM {INSTALLED} ORDER BY position DESC LOOP
      EXECUTE format('DROP %s IF EXISTS %s', made.kind, made.name);
    END LOOP;
    DROP TABLE {INSTALLED};
  END IF;
END"""
    return f"DO {body_of(code)};"


# --- the tickets


def _tickets(facts: Sequence[Fact]) -> Iterator[str]:
    """Make the tables of the tickets, or add to them what is new; rows that are there stay."""
    for grain in GRAINS:
        table = quoted(TABLES[grain])
        key = ", ".join(quoted(column.name) for column in keys(grain))
        listed = ", ".join(f"{quoted(column.name)} {column.type} NOT NULL" for column in keys(grain))
        yield f"CREATE TABLE IF NOT EXISTS {table} ({listed}, PRIMARY KEY ({key}));"
        own = columns(grain, facts)
        added = ",\n  ".join(f"ADD COLUMN IF NOT EXISTS {quoted(column.name)} {column.type}" for column in own)
        yield f"ALTER TABLE {table}\n  {added};"
        checks = [(f"{column.name} is a fact", condition) for column in own if (condition := _within(column))]
        if checks:
            # Of rows that are there nothing is asked: they were right under the edition before.
            changes = ",\n  ".join(
                f"DROP CONSTRAINT IF EXISTS {quoted(name)},\n  "
                f"ADD CONSTRAINT {quoted(name)} CHECK ({condition}) NOT VALID"
                for name, condition in checks
            )
            yield f"ALTER TABLE {table}\n  {changes};"


def _within(column: Column) -> str:
    """Say what a value of a column may be, as a ticket's would be; nothing where it may be anything."""
    fact = column.fact
    name = quoted(column.name)
    if fact is None:
        return ""
    if fact.values:
        return f"{name} IN ({', '.join(text(value) for value in fact.values)})"
    low, high = _WRITTEN.get(fact.kind, (fact.low, fact.high))
    bounds = [(">=", low), ("<=", high)]
    return " AND ".join(f"{name} {sign} {bound}" for sign, bound in bounds if bound is not None)


# --- what is known of the policy


def _table(made: list[tuple[str, str]], name: str, listed: str, rows: Iterable[str]) -> Iterator[str]:
    made.append(("TABLE", quoted(name)))
    yield f"CREATE TABLE {quoted(name)} ({listed});"
    values = list(rows)
    for start in range(0, len(values), 1000):
        yield f"INSERT INTO {quoted(name)} VALUES\n" + ",\n".join(values[start : start + 1000]) + ";"


def _policy(pack: Pack, engine: str, made: list[tuple[str, str]]) -> Iterator[str]:
    settings = pack.settings
    values = (pack.id, pack.digest, engine, settings.titles.get("en"), settings.titles.get("zh"))
    row = ", ".join(map(text, (*values, settings.timezone, settings.currency)))
    yield from _table(
        made,
        "policy",
        "id text PRIMARY KEY, digest text, engine_version text, title_en text, title_zh text, timezone text, "
        "currency text, installed_at timestamptz DEFAULT now()",
        [f"({row}, now())"],
    )
    yield from _table(
        made,
        "clauses",
        "clause text PRIMARY KEY, place text, wording_en text, wording_zh text",
        (f"({', '.join(map(text, (one.id, one.place, one.en, one.zh)))})" for one in pack.clauses.values()),
    )


def _rules(pack: Pack, plan: Plan, made: list[tuple[str, str]]) -> Iterator[str]:
    """List the rules behind row numbers and bits, and the facts behind the bits of what is asked for."""
    rows = [
        _rule(table, position, row, pack.id)
        for table, of in plan.tables.items()
        for position, row in enumerate(of, start=1)
    ]
    yield from _table(
        made,
        "rules",
        "table_name text, position integer, rule text, file text, line integer, pack text, clauses text[], "
        "rests_on text[], holds_from date, holds_until date, conditions jsonb, results jsonb, note text, "
        "PRIMARY KEY (table_name, position)",
        rows,
    )
    facts = {
        (fact.name if grain == "ticket" else f"{TABLES[grain]}.{fact.name}"): fact
        for grain in GRAINS
        for fact in plan.rules.facts.get(grain, ())
    }
    yield from _table(
        made,
        "asked_facts",
        "bit integer PRIMARY KEY, fact text, label_en text, label_zh text",
        (
            f"({bit}, {text(name)}, {text(facts[name].en if name in facts else None)}, "
            f"{text(facts[name].zh if name in facts else None)})"
            for bit, name in enumerate(plan.asked)
        ),
    )


def _rule(table: str, position: int, row: Row, pack: str) -> str:
    conditions = {name: test.source for name, test in row.tests.items() if not test.any}
    results = {name: _cell(cell) for name, cell in row.results.items() if cell is not None}
    values = (
        text(table),
        str(position),
        text(row.id),
        text(row.file),
        str(row.line),
        text(row.layer or pack),
        _texts(row.cites),
        _texts(row.rests_on),
        _day(row.since),
        _day(row.until),
        text(json.dumps(conditions, ensure_ascii=False)) + "::jsonb",
        text(json.dumps(results, ensure_ascii=False)) + "::jsonb",
        text(row.note),
    )
    return f"({', '.join(values)})"


def _cell(cell: object) -> object:
    if isinstance(cell, tuple):
        return list(cell)
    name = getattr(cell, "name", None)
    return f"{{{name}}}" if name is not None else str(getattr(cell, "text", cell))


def _texts(values: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(map(text, values))}]::text[]"


def _day(day: int | None) -> str:
    return "NULL" if day is None else text((EPOCH + timedelta(days=day)).isoformat()) + "::date"


def _columns(plan: Plan, made: list[tuple[str, str]]) -> Iterator[str]:
    """List the columns of the decisions, and what the numbers and bits in them stand for."""
    says: dict[str, tuple[str, str | None]] = {
        name: ("asks for", None) for name in plan.columns if name == "needs" or name.endswith("_needs")
    }
    for table in plan.tables:
        says[f"{table}_row"] = ("holds", table)
        says[f"{table}_fired"] = ("fired", table)
        says[f"{table}_unknown"] = ("may hold", table)
    results = set(result_names(plan))
    rows: list[str] = []
    for grain in ("ticket", *CHILD_GRAINS):
        kinds = types_of(plan, grain)
        for name in plan.names(grain):
            what, of = says.get(name, (None, None))
            values = (text(grain), str(len(rows)), text(short(name)), text(name), text(kinds[name]), text(what))
            rows.append(f"({', '.join((*values, text(of), 'true' if name in results else 'false'))})")
    yield from _table(
        made,
        "result_columns",
        "grain text, position integer, name text, full_name text, type text, says text, table_name text, "
        "is_result boolean, PRIMARY KEY (grain, name)",
        rows,
    )


# --- calendars and lists


def _lists(setup: SetupTables, read: Collection[str], schema: str, made: list[tuple[str, str]]) -> Iterator[str]:
    """Make the calendar's tables, and a function a column that gives its values in the order of the keys."""
    for name, values in setup.lists.items():
        first = next(iter(values.values()), 0)
        kind = "boolean" if isinstance(first, bool) else "text" if isinstance(first, str) else "bigint"
        rows = (f"({text(key)}, {text(of) if isinstance(of, str) else str(of).lower()})" for key, of in values.items())
        yield from _table(made, name, f"key text PRIMARY KEY, value {kind}", rows)
    for name, table in setup.tables.items():
        if name not in read:
            continue
        listed = ", ".join(f"{quoted(column)} bigint NOT NULL" for column in table.columns)
        yield from _table(made, name, f"{listed}, PRIMARY KEY ({quoted(table.columns[0])})", ())
        arrays = ",\n".join(f"'{{{','.join(map(str, column))}}}'::bigint[]" for column in zip(*table.rows, strict=True))
        if arrays:
            yield f"INSERT INTO {quoted(name)} SELECT * FROM unnest(\n{arrays});"
        if setup.dense(name) is None:
            continue
        for column in table.columns[1:]:
            function = quoted(column_values(name, column))
            made.append(("FUNCTION", f"{function}()"))
            key = quoted(table.columns[0])
            # Immutable between two installations: a plan keeps the list as a constant.
            body = f"SELECT array_agg({quoted(column)} ORDER BY {key}) FROM {quoted(schema)}.{quoted(name)}"
            yield (
                f"CREATE FUNCTION {function}() RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS {text(body)};"
            )


def _statements(printed: Mapping[Grain, Printed], made: list[tuple[str, str]]) -> Iterator[str]:
    """Keep the statements that decide all tickets, one after the other."""
    listed = [
        *(Statement(grain, True, name, side) for grain, of in printed.items() for name, side in of.sides.items()),
        *(Statement(grain, False, "", of.main) for grain, of in printed.items()),
    ]
    yield from _table(
        made,
        "svc_policy_statements",
        "position integer PRIMARY KEY, grain text, is_side boolean, name text, statement text",
        (item.row(position) for position, item in enumerate(listed)),
    )
