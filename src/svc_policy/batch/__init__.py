"""Decide many tickets at once, in DuckDB: the same policy, the same results.

    import duckdb
    from svc_policy import load
    from svc_policy.batch import decide_batch

    connection = duckdb.connect()
    ...                       # fill tables tickets, parts, holds, incidents, overrides, materials
    decide_batch(load("mall"), connection, at_s=1772413200)
    connection.sql("SELECT category, count(*) FROM decisions GROUP BY 1")

The input tables have the columns of :mod:`svc_policy.facts.columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from svc_policy.errors import UsageError, nearest, problem
from svc_policy.facts.columns import TABLES, columns, keys, rows
from svc_policy.facts.registry import GRAINS
from svc_policy.messages import message
from svc_policy.plan import result_names

if TYPE_CHECKING:
    from svc_policy.engines.runtime import PolicyClocks
    from svc_policy.engines.sql import Program
    from svc_policy.facts.ticket import Ticket
    from svc_policy.plan import Plan
    from svc_policy.policy import Policy

__all__ = ["compile_for", "create_tables", "decide_batch", "insert_tickets", "require", "result_names"]

#: Without these, every layer would be kept in memory as a whole, and joins would carry what nobody reads.
KEPT = ("cte_inlining", "unused_columns", "column_lifetime")
#: Result table of each grain.
RESULTS = {
    "ticket": "decisions",
    "part": "part_decisions",
    "incident": "incident_decisions",
    "override": "override_decisions",
    "material": "material_decisions",
}


def require(module: str, *others: str) -> Any:
    """Import a module of the extra ``batch``, and see that others are there.

    Raises:
        UsageError: One is not installed.
    """
    from importlib import import_module

    try:
        for name in others:
            import_module(name)
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            [
                problem(
                    "batch-extra",
                    message("the `{module}` package is not installed", module=error.name or module),
                    help=message("pip install 'svc-policy[batch]'"),
                )
            ]
        ) from None


def create_tables(connection: Any, policy: Policy) -> None:
    """Create the input tables that a connection lacks, empty."""
    there = _tables(connection)
    for grain in GRAINS:
        name = TABLES[grain]
        if name not in there:
            listed = ", ".join(
                f'"{column.name}" {column.type}'
                for column in (*keys(grain), *columns(grain, policy.pack.settings.company_facts))
            )
            connection.execute(f"CREATE TABLE {name} ({listed})")


def insert_tickets(connection: Any, policy: Policy, tickets: Iterable[Ticket]) -> None:
    """Insert tickets into the input tables, creating those that are missing."""
    arrow = require("pyarrow")
    create_tables(connection, policy)
    facts = policy.pack.settings.company_facts
    gathered: dict[str, list[Sequence[object]]] = {}
    for ticket in tickets:
        for table, found in rows(ticket.with_facts(facts) if facts else ticket).items():
            gathered.setdefault(table, []).extend(found)
    kinds = {"bigint": arrow.int64(), "boolean": arrow.bool_(), "text": arrow.string()}
    for grain in GRAINS:
        lines = gathered.get(TABLES[grain], [])
        if not lines:
            continue
        listed = (*keys(grain), *columns(grain, facts))
        arrays = [
            arrow.array(values, kinds[column.type])
            for column, values in zip(listed, zip(*lines, strict=True), strict=True)
        ]
        connection.register("svc_policy_incoming", arrow.table(arrays, [column.name for column in listed]))
        named = ", ".join(f'"{column.name}"' for column in listed)
        connection.execute(f"INSERT INTO {TABLES[grain]} ({named}) SELECT {named} FROM svc_policy_incoming")
        connection.unregister("svc_policy_incoming")


def compile_for(policy: Policy, connection: Any, columns: Collection[str] | None = None) -> Program:
    """Compile a policy for what a connection holds; child tables without rows are left out."""
    return compile_for_plan(policy.plan, policy.clocks, connection, columns)


def compile_for_plan(
    plan: Plan,
    clocks: PolicyClocks,
    connection: Any,
    columns: Collection[str] | None = None,
    errors: Mapping[str, Collection[str]] | None = None,
) -> Program:
    """Compile a plan for what a connection holds, as :func:`compile_for` does.

    `errors` names more columns like `calendar_error`, each with the columns that it is about.
    """
    require("sqlglot")
    from svc_policy.engines.sql import compile_program

    present = [
        grain
        for grain in GRAINS
        if grain != "ticket" and connection.execute(f"SELECT 1 FROM {TABLES[grain]} LIMIT 1").fetchall()
    ]
    return compile_program(plan, clocks, "duckdb", present=present, columns=columns, errors=errors)


def decide_batch(
    policy: Policy,
    connection: Any,
    *,
    at_s: int,
    chunk: int = 500_000,
    columns: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Decide every row of ``tickets`` at an instant.

    Makes the tables ``decisions`` (``ticket_id``, the ticket's columns,
    ``calendar_error``), ``part_decisions``, ``incident_decisions``,
    ``override_decisions`` and ``material_decisions`` (``ticket_id``, ``line``, their columns). Columns are
    in internal units; a row with `calendar_error` has an instant outside the
    policy's calendar, and its results are not to be used.

    Args:
        policy: The policy.
        connection: A DuckDB connection with the input tables; missing child tables are empty.
        at_s: The instant of the decision, in epoch seconds.
        chunk: Tickets decided at a time, which bounds the memory.
        columns: The columns that are wanted, of any grain, as in ``["category", "total", "part_amount"]``, or
            :func:`result_names`; all of them unless given. What they do not need is not computed, and
            `calendar_error` is about what is.
        progress: Called with the tickets done and the tickets in all.

    Raises:
        UsageError: The policy has no column of that name.
    """
    for name, queries in decided_chunks(policy, connection, at_s=at_s, chunk=chunk, columns=columns):
        for grain, query in queries.items():
            verb = (
                f"CREATE OR REPLACE TABLE main.{RESULTS[grain]} AS"
                if name == 0
                else f"INSERT INTO main.{RESULTS[grain]}"
            )
            run_laid_out(connection, f"{verb} {query}")
        if progress is not None:
            total = _count(connection)
            progress(min(total, name + chunk), total)


def run_laid_out(connection: Any, statement: str) -> None:
    """Run a statement as it is laid out.

    The ladder carries only the columns that are read later and joins small
    tables on the right, so DuckDB's optimizer finds nothing to improve in it,
    and takes many seconds to find that out.
    """
    names = connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    off = ",".join(name for (name,) in names if name not in KEPT)
    ((bar,),) = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    connection.execute(f"SET disabled_optimizers = '{off}'")
    # DuckDB would draw it on standard output, between the results.
    connection.execute("SET enable_progress_bar = false")
    try:
        connection.execute(statement)
    finally:
        connection.execute("SET disabled_optimizers = ''")
        connection.execute(f"SET enable_progress_bar = {bar}")


def check_columns(policy: Policy, columns: Collection[str]) -> None:
    """See to it that a policy has the columns that are asked for.

    Raises:
        UsageError: with every name that it has not.
    """
    known = [name for grain in RESULTS for name in policy.plan.names(grain)]
    problems = [
        problem(
            "column-unknown",
            message("the policy has no column `{name}`", name=name),
            help=message("did you mean `{near}`?", near=near)
            if (near := nearest(name, known))
            else message('`policy.plan.names("ticket")` lists them'),
        )
        for name in columns
        if name not in known
    ]
    if problems:
        raise UsageError(problems)


def decided_chunks(
    policy: Policy, connection: Any, *, at_s: int, chunk: int, columns: Collection[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield, for each chunk of tickets, its offset and the query of every grain; run them before the next."""
    if columns is not None:
        check_columns(policy, columns)
    create_tables(connection, policy)
    program = compile_for(policy, connection, columns)
    program.setup.install(connection)
    connection.execute("CREATE OR REPLACE TEMP TABLE moment AS SELECT CAST(? AS BIGINT) AS at_s", [at_s])
    queries = {grain: program.nested(grain) for grain in program.queries}
    total = _count(connection)
    if total <= chunk:
        yield 0, queries
        return
    connection.execute("CREATE SCHEMA IF NOT EXISTS svc_policy_chunk")
    try:
        for start in range(0, total, chunk):
            connection.execute(
                "CREATE OR REPLACE VIEW svc_policy_chunk.tickets AS "
                f"SELECT * FROM main.tickets WHERE rowid >= {start} AND rowid < {start + chunk}"
            )
            for grain in GRAINS:
                if grain != "ticket":
                    table = TABLES[grain]
                    connection.execute(
                        f"CREATE OR REPLACE VIEW svc_policy_chunk.{table} AS SELECT * FROM main.{table} "
                        "WHERE ticket_id IN (SELECT ticket_id FROM svc_policy_chunk.tickets)"
                    )
            connection.execute("SET search_path = 'svc_policy_chunk,main'")
            yield start, queries
    finally:
        connection.execute("SET search_path = 'main'")
        connection.execute("DROP SCHEMA IF EXISTS svc_policy_chunk CASCADE")


def _count(connection: Any) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM main.tickets").fetchall()
    return int(count)


def _tables(connection: Any) -> set[str]:
    return {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
