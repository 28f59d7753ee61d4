"""Read a file without a mapping: its headings are the names of facts or the columns of the batch input."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from typing import TYPE_CHECKING

from svc_policy.adapters.documents import suggest_fact
from svc_policy.adapters.mapping import ChildSource, ColumnSource, LogMapping
from svc_policy.adapters.staging import Staged
from svc_policy.errors import MappingError, Place, problem
from svc_policy.facts.columns import column_name
from svc_policy.facts.registry import BUILT_IN, LISTS, Grain
from svc_policy.messages import message

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

_TICKET = "ticket_id"


def plain_mapping(connection: duckdb.DuckDBPyConnection, staged: Staged, policy: Policy) -> LogMapping:
    """Make the mapping of a flat file whose headings are ours.

    Raises:
        MappingError: With every heading that is not, and the nearest that is.
    """
    return LogMapping(
        file=staged.file,
        shape="flat",
        timezone=policy.pack.settings.timezone,
        ticket=_TICKET,
        facts=_own_columns(connection, staged, "ticket", policy, _TICKET),
    )


def plain_child(
    connection: duckdb.DuckDBPyConnection, staged: Staged, grain: Grain, policy: Policy, ticket: str
) -> dict[str, ColumnSource]:
    """Make the columns of a file of lines whose headings are ours.

    Raises:
        MappingError: As :func:`plain_mapping`.
    """
    return _own_columns(connection, staged, grain, policy, ticket)


def nested_children() -> list[ChildSource]:
    """List the lists that a ticket of JSON lines may hold."""
    return [ChildSource(grain=grain, file=None, ticket=_TICKET, facts={}) for grain in LISTS]


def _own_columns(
    connection: duckdb.DuckDBPyConnection, staged: Staged, grain: Grain, policy: Policy, ticket: str
) -> dict[str, ColumnSource]:
    facts = {fact.name: fact for fact in policy.pack.settings.facts[grain]}
    internal = {column_name(fact): fact for fact in facts.values() if column_name(fact) not in facts}
    headings = _headings(connection, staged)
    found: dict[str, ColumnSource] = {}
    problems = []
    passed = (
        {ticket, "line", "ticket_zone"}
        if grain != "ticket"
        else {ticket, *LISTS.values(), "extra"}
        if staged.format == "jsonl"
        else {ticket}
    )
    for heading in headings:
        if heading in passed:
            continue
        fact = facts.get(heading) or internal.get(heading)
        place = Place(file=staged.file, line=1)
        if fact is None:
            template = message("`{column}` is no fact", column=heading)
            advice = suggest_fact(heading, [ticket, *facts, *internal])
            problems.append(problem("log-heading", template, place=place, help=advice))
        elif fact.name in found:
            template = message("`{name}` is stated twice", name=fact.name)
            problems.append(problem("log-heading", template, place=place))
        else:
            found[fact.name] = ColumnSource(column=heading, is_internal=heading in internal)
    if ticket not in headings:
        template = message("`{file}` has no column `{column}`", file=staged.file, column=ticket)
        explanation = message("write a mapping, which says what its columns mean")
        problems.append(problem("log-column", template, place=Place(file=staged.file, line=1), help=explanation))
    if problems:
        raise MappingError(problems)
    if "extra" in headings and grain == "ticket" and staged.format == "jsonl":
        built_in = {fact.name for fact in BUILT_IN["ticket"]}
        for name in facts.keys() - built_in:
            found[name] = ColumnSource(column=f"/extra/{name}")
    return found


def _headings(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[str]:
    if staged.format != "jsonl":
        return list(staged.headings)
    rows = connection.execute(
        f"SELECT key, min(line) FROM (SELECT unnest(json_keys(record)) AS key, line FROM {staged.table}) "
        "GROUP BY key ORDER BY 2, 1"
    ).fetchall()
    return [str(row[0]) for row in rows]
