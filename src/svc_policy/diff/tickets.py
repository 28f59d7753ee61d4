"""Read past tickets into the tables that the batch engine decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from svc_policy.adapters import read_log, read_mapping
from svc_policy.adapters.staging import REJECTED, identifier, quoted
from svc_policy.batch import create_tables
from svc_policy.errors import MappingError, Place, UsageError, problem
from svc_policy.facts.columns import TABLES, columns, keys
from svc_policy.facts.registry import GRAINS, Fact
from svc_policy.messages import Message, message
from svc_policy.policy import Policy
from svc_policy.statistics import count_earlier_repairs

#: Instants that lie ahead of what has happened.
_NOT_HAPPENED: Final = ("recorded_due_at",)


#: Rows that cannot be used, of which it is shown why.
_SHOWN: Final = 5


@attrs.frozen
class Rejection:
    """A row that cannot be used: the name of its file, its line, and why."""

    file: str
    line: int | None
    reason: str


@attrs.frozen(kw_only=True)
class Reading:
    """What a file of tickets came to: its rows, the latest instant in it (epoch seconds), the first rejected rows.

    Where the mapping says as of when the tickets are told, `latest_s` is that instant, and `is_mapped`.
    """

    files: tuple[str, ...]
    rows: int
    used: int
    rejected: int
    latest_s: int | None
    rejections: tuple[Rejection, ...] = ()
    is_mapped: bool = False


def reader_of(old: Policy, new: Policy) -> tuple[Policy, list[Message]]:
    """Give a policy that reads the facts of both, and what has to be said of it.

    Raises:
        UsageError: A fact holds one kind of value in one policy and another in the other.
    """
    mine = {fact.name: fact for fact in old.pack.settings.company_facts}
    notes, problems = list[Message](), []
    for fact in new.pack.settings.company_facts:
        own = mine.get(fact.name)
        if own is None:
            mine[fact.name] = fact
            continue
        if (own.kind, own.grain) != (fact.kind, fact.grain):
            template = message("the fact `{fact}` holds another kind of value in each policy", fact=fact.name)
            advice = message("give the new fact a name of its own")
            problems.append(problem("diff-fact-kind", template, help=advice))
        elif own.default != fact.default:
            notes.append(
                message("where tickets do not state `{fact}`, the default of the old policy counts", fact=fact.name)
            )
        mine[fact.name] = attrs.evolve(own, values={**fact.values, **own.values})
    if problems:
        raise UsageError(problems)
    settings = old.pack.settings
    facts = {
        grain: tuple(_merged(of, new.pack.settings.facts.get(grain, ()), mine)) for grain, of in settings.facts.items()
    }
    joint = attrs.evolve(settings, facts=facts, company_facts=tuple(mine.values()))
    return Policy(attrs.evolve(old.pack, settings=joint)), notes


def _merged(own: Iterable[Fact], other: Iterable[Fact], company: Mapping[str, Fact]) -> Iterable[Fact]:
    facts = {fact.name: fact for fact in other} | {fact.name: fact for fact in own}
    for name, fact in facts.items():
        declared = company.get(name)
        yield declared if declared is not None and declared.grain == fact.grain else fact


def read_tickets(connection: Any, source: Path, policy: Policy, mapping: Path | None) -> Reading:
    """Read tickets into the tables of a connection.

    `source` is a file as an audit reads it (CSV, JSON lines, Parquet), or a folder with
    the tables of the batch engine as Parquet: `tickets.parquet`, `parts.parquet` and the rest.

    Raises:
        MappingError: The file or the mapping cannot be read, or its columns do not fit.
    """
    if source.is_dir():
        reading = _read_folder(connection, source, policy)
    else:
        log = read_log(connection, source, None if mapping is None else read_mapping(mapping, policy), policy)
        latest = log.mapping.as_of_s if log.mapping.as_of_s is not None else log.latest_s
        reading = Reading(
            files=log.files,
            rows=log.rows,
            used=log.used,
            rejected=log.rejected,
            latest_s=latest,
            rejections=_rejections(connection),
            is_mapped=log.mapping.as_of_s is not None,
        )
    create_tables(connection, policy)
    count_earlier_repairs(connection, policy)
    return reading


def _rejections(connection: Any) -> tuple[Rejection, ...]:
    rows = connection.execute(
        f"SELECT file, line, concat_ws(': ', nullif(field, ''), reason) FROM {REJECTED} ORDER BY rowid LIMIT {_SHOWN}"
    ).fetchall()
    return tuple(Rejection(*row) for row in rows)


def _read_folder(connection: Any, folder: Path, policy: Policy) -> Reading:
    import duckdb

    files = {grain: folder / f"{TABLES[grain]}.parquet" for grain in GRAINS}
    if not files["ticket"].exists():
        template = message("the folder has no file `tickets.parquet`")
        advice = message("name a file of tickets, or a folder with the tables of the batch engine")
        raise MappingError([problem("diff-tickets", template, place=Place(file=str(folder)), help=advice)])
    create_tables(connection, policy)
    rows, problems = 0, []
    for grain, file in files.items():
        if not file.exists():
            continue
        source = f"read_parquet({quoted(str(file))})"
        known = {item.name for item in (*keys(grain), *columns(grain, policy.pack.settings.company_facts))}
        try:
            found = [str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            strange = [name for name in found if name not in known]
            lacking = [item.name for item in keys(grain) if item.name not in found]
            for name in strange:
                template = message("`{column}` is no fact", column=name)
                problems.append(problem("log-heading", template, place=Place(file=str(file))))
            for name in lacking:
                template = message("`{file}` has no column `{column}`", file=file.name, column=name)
                problems.append(problem("log-column", template, place=Place(file=str(file))))
            if strange or lacking:
                continue
            listed = ", ".join(identifier(name) for name in found)
            connection.execute(f"INSERT INTO {TABLES[grain]} ({listed}) SELECT {listed} FROM {source}")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            template = message("the file cannot be read as Parquet: {reason}", reason=reason)
            problems.append(problem("log-file", template, place=Place(file=str(file))))
            continue
        rows += connection.execute(f"SELECT count(*) FROM {TABLES[grain]}").fetchall()[0][0]
    if not problems:
        ((count, ids),) = connection.execute("SELECT count(*), count(DISTINCT ticket_id) FROM tickets").fetchall()
        if count != ids:
            template = message("{count} rows have a ticket id that is there already, or none", count=count - ids)
            problems.append(problem("log-twice", template, place=Place(file=str(files["ticket"]))))
    if problems:
        raise MappingError(problems)
    there = tuple(str(file) for file in files.values() if file.exists())
    return Reading(files=there, rows=rows, used=rows, rejected=0, latest_s=_latest(connection, policy))


def _latest(connection: Any, policy: Policy) -> int | None:
    names = [
        item.name
        for item in columns("ticket", policy.pack.settings.company_facts)
        if item.fact is not None and item.fact.kind == "instant" and item.fact.name not in _NOT_HAPPENED
    ]
    listed = ", ".join(f"max({identifier(name)})" for name in names)
    found = connection.execute(f"SELECT list_max([{listed}]) FROM tickets").fetchall()[0][0]
    return None if found is None else int(found)
