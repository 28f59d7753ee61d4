"""Print the queries of a program for PostgreSQL, so that its planner leaves the layers alone.

PostgreSQL puts a subquery into the one around it where it can, which would
undo the ladder: a column would be computed wherever it is read. ``OFFSET 0``
holds a layer together, and nothing stands in the way of parallel workers if it
is a `bigint` from the start. Side chains, which are joined, come first: as
common table expressions, or as tables of their own (a worker cannot read a
common table expression).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import attrs
from sqlglot import exp

from svc_policy.engines.sql import FROM_KEY, Program
from svc_policy.engines.sql_ladder import WITH_KEY
from svc_policy.engines.sql_worktime import Node

FENCE: Final = " OFFSET '0'::bigint"
#: PostgreSQL cuts off the name of a table or column after so many bytes, and says so only in passing.
LONGEST_NAME: Final = 63


@attrs.frozen(kw_only=True)
class Printed:
    """A query in parts: its side chains by name, in order, and what reads them."""

    sides: Mapping[str, str]
    main: str


def short(name: str) -> str:
    """Shorten a name that is longer than PostgreSQL keeps, so that it stays one of its own."""
    encoded = name.encode()
    if len(encoded) <= LONGEST_NAME:
        return name
    tail = "_" + hashlib.sha256(encoded).hexdigest()[:10]
    return encoded[: LONGEST_NAME - len(tail)].decode(errors="ignore") + tail


def quoted(name: str) -> str:
    """Write a name as an identifier."""
    return '"' + short(name).replace("\0", "").replace('"', '""') + '"'


def text(value: str | None) -> str:
    """Write a text as a literal, for ``standard_conforming_strings``; PostgreSQL has no zero character."""
    return "NULL" if value is None else "'" + value.replace("\0", "").replace("'", "''") + "'"


def print_query(program: Program, grain: str, types: Mapping[str, str]) -> Printed:
    """Print the query of a grain; its last columns have the `types`. The trees cannot be printed again."""
    query = program.queries[grain]
    layers = {item.alias: item.this for item in query.args[WITH_KEY].expressions}
    shared = {item.alias for item in query.args[WITH_KEY].expressions if item.args.get("materialized")}
    within = {name: list(layer.find_all(exp.Table)) for name, layer in layers.items()}
    within[""] = [query.args[FROM_KEY].this]
    read: dict[str, int] = {}
    followed: set[str] = set()
    for tables in within.values():
        for table in tables:
            read[table.name] = read.get(table.name, 0) + 1
            if isinstance(table.parent, exp.From):
                followed.add(table.name)
    texts: dict[str, str] = {}
    sides: dict[str, str] = {}
    for name, layer in layers.items():
        if name not in read:
            continue
        printed = _printed(layer, within[name], texts)
        if read[name] == 1 and name in followed and name not in shared:
            texts[name] = printed + (FENCE if isinstance(layer, exp.Select) else "")
        else:
            sides[name] = printed
    query.set(WITH_KEY, None)
    query.set(
        "expressions",
        [
            exp.alias_(exp.cast(exp.column(item.name), types[item.name]), item.name) if item.name in types else item
            for item in query.expressions
        ],
    )
    return Printed(sides=sides, main=_printed(query, within[""], texts))


def _printed(query: Node, tables: list[Node], texts: dict[str, str]) -> str:
    """Print a layer with the one before it inside."""
    for table in tables:
        if table.name in texts:
            table.replace(exp.Var(this=f"({texts.pop(table.name)}) AS {quoted(table.alias_or_name)}"))
    for identifier in query.find_all(exp.Identifier):
        identifier.set("this", short(identifier.name))
    # Every name is quoted: one that is a word of the language is just a name.
    return str(query.sql("postgres", copy=False, identify=True, normalize_functions=False))
