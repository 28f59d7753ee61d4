"""Read a foreign log into the tables that the batch engines decide: tickets and their lines."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from svc_policy.adapters.casting import Cast, cast
from svc_policy.adapters.mapping import ChildSource, ColumnSource, FileOptions, LogMapping
from svc_policy.adapters.plain import nested_children, plain_child, plain_mapping
from svc_policy.adapters.staging import (
    REJECTED,
    Staged,
    check_columns,
    count_of,
    identifier,
    pointer,
    prepare,
    quoted,
    stage,
)
from svc_policy.adapters.values import Settings
from svc_policy.errors import MappingError, Place, Problem, problem
from svc_policy.facts.columns import TABLES, Column, column_name, columns
from svc_policy.facts.registry import LISTS, MAX_TILES, Fact, Grain
from svc_policy.messages import message

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

#: Instants that lie ahead of what has happened say nothing about when the log was taken.
_NOT_HAPPENED = ("recorded_due_at",)
_TYPES = {"bigint": "BIGINT", "boolean": "BOOLEAN", "text": "VARCHAR"}
_SHOWN_REASONS = 5


@attrs.frozen(kw_only=True)
class LogReading:
    """What a log came to: rows in = `used` + `rejected`; the latest instant in it, in epoch seconds, UTC."""

    mapping: LogMapping
    files: tuple[str, ...]
    rows: int
    used: int
    rejected: int
    tickets: int
    latest_s: int | None
    notes: tuple[Problem, ...]


def read_log(
    connection: duckdb.DuckDBPyConnection, source: Path, mapping: LogMapping | None, policy: Policy
) -> LogReading:
    """Read a log into the tables `tickets`, `parts`, `holds`, `incidents`, `overrides` of `connection`.

    Besides, `ticket_lines` says on which line of the log each ticket begins, in
    the order of the log, and `rejected` which rows cannot be used and why.

    Raises:
        MappingError: The log cannot be read at all, or a column that the mapping names is not in it.
    """
    reading = _Reading(connection, source, mapping, policy)
    return reading.read()


class _Reading:
    """The reading of one log; counts every row that it takes in."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, source: Path, mapping: LogMapping | None, policy: Policy
    ) -> None:
        self.connection = connection
        self.source = source
        self.mapping = mapping
        self.policy = policy
        self.company = policy.pack.settings.company_facts
        self.facts = {grain: {fact.name: fact for fact in facts} for grain, facts in policy.pack.settings.facts.items()}
        self.notes: list[Problem] = []
        self.files: list[str] = []
        self.rows = 0
        self.used = 0

    def read(self) -> LogReading:
        connection = self.connection
        prepare(connection)
        options = self.mapping.options if self.mapping else FileOptions()
        staged = self.stage(self.source, "staged_log", options)
        mapping = self.mapping or plain_mapping(connection, staged, self.policy)
        self.settings = Settings(
            zone=mapping.timezone,
            currency=self.policy.pack.settings.currency,
            facts=self.company,
            missing=mapping.options.missing,
        )
        self.check(staged, mapping)
        if mapping.shape == "events":
            from svc_policy.adapters.events import gather_events

            self.used += gather_events(self, staged, mapping)
        else:
            self.read_flat(staged, mapping)
        if not count_of(connection, "tickets"):
            raise self.nothing_usable()
        self.read_children(staged, mapping)
        rejected = count_of(connection, REJECTED)
        if self.rows != self.used + rejected:
            raise RuntimeError(f"{self.rows} rows in, but {self.used} used and {rejected} rejected")
        return LogReading(
            mapping=mapping,
            files=tuple(self.files),
            rows=self.rows,
            used=self.used,
            rejected=rejected,
            tickets=count_of(connection, "tickets"),
            latest_s=self.latest(),
            notes=tuple(self.notes),
        )

    def stage(self, path: Path, table: str, options: FileOptions) -> Staged:
        staged = stage(self.connection, path, table, options, self.notes)
        self.files.append(str(path))
        self.rows += staged.rows
        return staged

    def check(self, staged: Staged, mapping: LogMapping) -> None:
        place = Place(file=mapping.file)
        wanted = [(mapping.ticket, mapping.places.get("ticket", place))]
        if mapping.shape == "events":
            wanted.append((mapping.activity, mapping.places.get("activity", place)))
            if mapping.timestamp is not None:
                wanted.append((mapping.timestamp.column, mapping.timestamp.place or place))
        for column, key in ((mapping.zone_column, "timezone"), (mapping.currency_column, "currency")):
            wanted += [(column, mapping.places.get(key, place))] if column else []
        wanted += [(item.column, item.place or place) for item in mapping.facts.values()]
        check_columns(self.connection, staged, wanted)

    def texts(self, mapping: LogMapping, *texts: tuple[str, str]) -> list[tuple[str, str]]:
        """List the columns that are kept as they are: name, heading."""
        currency = [("row_currency", mapping.currency_column)] if mapping.currency_column else []
        return [("ticket_id", mapping.ticket), *texts, *currency]

    def currency_tests(self, mapping: LogMapping) -> list[tuple[str, str, str, str]]:
        """Reject the rows whose amounts are in another currency."""
        if not mapping.currency_column:
            return []
        wanted = self.settings.currency
        reason = f"'the record is in `' || left(row_currency, 60) || {quoted(f'`, the policy in `{wanted}`')}"
        return [(mapping.currency_column, "log-currency", reason, f"row_currency <> {quoted(wanted)}")]

    # --- flat

    def read_flat(self, staged: Staged, mapping: LogMapping) -> None:
        connection = self.connection
        cast(
            connection,
            staged,
            "cast_log",
            self.casts("ticket", mapping.facts),
            self.texts(mapping),
            self.settings,
            mapping.zone_column,
        )
        self.reject("cast_log", staged.file, mapping.ticket, self.currency_tests(mapping))
        connection.execute(
            "CREATE TABLE ticket_lines AS SELECT ticket_id, min(line) AS line FROM cast_log "
            "GROUP BY ticket_id ORDER BY line"
        )
        connection.execute(
            f"INSERT INTO {REJECTED} SELECT {quoted(staged.file)}, c.line, 'row', ticket_id, {quoted(mapping.ticket)}, "
            "'log-twice', 'ticket `' || left(ticket_id, 60) || '` is there already, in line ' || l.line, c.raw "
            "FROM cast_log AS c JOIN ticket_lines AS l USING (ticket_id) WHERE c.line > l.line ORDER BY c.line"
        )
        made = self.selected("ticket", mapping.facts, mapping.constants)
        connection.execute(
            f"CREATE TABLE tickets AS SELECT ticket_id, {made} FROM cast_log "
            "JOIN ticket_lines USING (ticket_id, line) ORDER BY line"
        )
        self.used += count_of(connection, "tickets")

    # --- lines

    def read_children(self, staged: Staged, mapping: LogMapping) -> None:
        """Read the files of lines, and make the tables of those that there are none of."""
        sources = list(mapping.children)
        if self.mapping is None and staged.format == "jsonl":
            sources += nested_children()
        for number, child in enumerate(sources):
            zone = mapping.zone_column
            if child.file is None:
                if staged.format != "jsonl":
                    template = message("only JSON lines hold a list")
                    advice = message("name the file of the lines: `file`")
                    raise MappingError([problem("log-list", template, place=child.place, help=advice)])
                of_child = self.unnest(staged, child, f"staged_lines_{number}", mapping)
                child, zone = attrs.evolve(child, ticket="ticket_id"), "ticket_zone" if mapping.zone_column else ""
            else:
                of_child = self.stage(child.file, f"staged_lines_{number}", mapping.options)
            if of_child is not None:
                self.read_lines(of_child, child, zone)
        for grain, field in LISTS.items():
            listed = columns(grain)
            name = f"unnumbered_{field}"
            if not self.has(name):
                made = ", ".join(f"CAST(NULL AS {_TYPES[column.type]}) AS {column.name}" for column in listed)
                self.connection.execute(
                    f"CREATE TABLE {name} AS SELECT '' AS ticket_id, 0::BIGINT AS place, {made} WHERE false"
                )
            names = ", ".join(column.name for column in listed)
            self.connection.execute(
                f"CREATE TABLE {field} AS SELECT ticket_id, "
                f"row_number() OVER (PARTITION BY ticket_id ORDER BY place) - 1 AS line, {names} FROM {name} "
                "ORDER BY ticket_id, line"
            )
            self.connection.execute(f"DROP TABLE {name}")

    def unnest(self, staged: Staged, child: ChildSource, table: str, mapping: LogMapping) -> Staged | None:
        """Take the list of that name out of every ticket of a JSON lines file; each entry counts as a row."""
        path = quoted(pointer(child.list or LISTS[child.grain]))
        # The local times of a line are in the zone that the ticket names.
        zone = staged.cell(mapping.zone_column) if mapping.zone_column else "NULL"
        self.connection.execute(
            f"CREATE TABLE {table} AS SELECT line, "
            f"json_merge_patch(entry, json_object('ticket_id', owner, 'ticket_zone', zone)) AS record "
            f"FROM (SELECT line, {staged.cell(mapping.ticket)} AS owner, {zone} AS zone, "
            f"unnest(CAST(json_extract(record, {path}) AS JSON[])) AS entry FROM {staged.table} "
            f"WHERE json_type(record, {path}) = 'ARRAY')"
        )
        rows = count_of(self.connection, table)
        self.rows += rows
        if not rows:
            return None
        return attrs.evolve(staged, table=table, rows=rows, rejected=0)

    def read_lines(self, staged: Staged, child: ChildSource, zone: str) -> None:
        connection, grain = self.connection, child.grain
        facts = child.facts or plain_child(connection, staged, grain, self.policy, child.ticket)
        place = child.place or Place(file=staged.file)
        wanted = [(child.ticket, place), *((item.column, item.place or place) for item in facts.values())]
        if not any(self.facts[grain][name].kind == "instant" for name in facts):
            zone = ""
        wanted += [(zone, place)] if zone else []
        check_columns(connection, staged, wanted)
        table = f"cast_{staged.table}"
        cast(connection, staged, table, self.casts(grain, facts), [("ticket_id", child.ticket)], self.settings, zone)
        more = [
            (
                child.ticket,
                "log-stray",
                "'there is no ticket `' || left(ticket_id, 60) || '` among the usable ones'",
                "ticket_id NOT IN (SELECT ticket_id FROM tickets)",
            )
        ]
        if {"from_at", "until_at"} <= facts.keys():
            more.append(
                (
                    facts["until_at"].column,
                    "log-hold-ends-early",
                    "'the hold ends before it begins'",
                    "until_at_s < from_at_s",
                )
            )
        if {"area_m2", "tile_length_mm", "tile_width_mm"} <= facts.keys():
            more.append(
                (
                    facts["area_m2"].column,
                    "log-too-many-tiles",
                    f"'the area takes more than {MAX_TILES} tiles'",
                    f"area_cm2 * 100 > {MAX_TILES} * tile_length_mm * tile_width_mm",
                )
            )
        self.reject(table, staged.file, child.ticket, more)
        name = f"unnumbered_{LISTS[grain]}"
        made = self.selected(grain, facts, {})
        query = f"SELECT ticket_id, line AS place, {made} FROM {table}"
        connection.execute(f"INSERT INTO {name} {query}" if self.has(name) else f"CREATE TABLE {name} AS {query}")
        self.used += count_of(connection, table)

    # --- what all shapes share

    def casts(self, grain: Grain, facts: dict[str, ColumnSource] | object) -> list[Cast]:
        """List the casts of the facts of a grain, named as the columns of the batch input."""
        assert isinstance(facts, dict)
        return [
            Cast(name=column_name(self.facts[grain][name]), fact=self.facts[grain][name], source=source)
            for name, source in facts.items()
        ]

    def selected(self, grain: Grain, stated: object, constants: object) -> str:
        """Write the columns of a grain's table: what is stated, else a constant, else the default, else null."""
        assert isinstance(stated, dict | frozenset | set) and isinstance(constants, dict)
        made = []
        for column in columns(grain, self.company if grain == "ticket" else ()):
            fact = column.fact
            assert fact is not None
            if grain != "ticket":
                fact = self.facts[grain].get(fact.name, fact)
            made.append(f"{self.value_of(column, fact, fact.name in stated, constants)} AS {identifier(column.name)}")
        return ", ".join(made)

    @staticmethod
    def value_of(column: Column, fact: Fact, is_stated: bool, constants: dict[str, object]) -> str:
        """Write one column; a missing value of the log gives way to the default of the fact."""
        kind = _TYPES[column.type]
        otherwise = constants.get(fact.name, fact.default)
        words = "NULL" if otherwise is None else quoted(otherwise) if isinstance(otherwise, str) else str(otherwise)
        if not is_stated:
            return f"CAST({words} AS {kind})"
        return f"CAST(coalesce({identifier(column.name)}, {words}) AS {kind})"

    def reject(self, table: str, file: str, ticket: str, more: list[tuple[str, str, str, str]]) -> None:
        """Move the rows that cannot be used from a table of casts to `rejected`; the first reason is kept.

        `more` are reasons beside flaws and a missing ticket: field, code, the
        SQL of the reason, the SQL of the condition.
        """
        tests = [
            (ticket, "log-no-ticket", "'there is no ticket id'", "ticket_id IS NULL"),
            (ticket, "log-long-ticket", "'the ticket id is longer than 10000 characters'", "length(ticket_id) > 10000"),
        ]
        branches = [
            "WHEN len(flaws) > 0 THEN {'field': list_aggregate([flaw.field FOR flaw IN flaws], 'string_agg', ', '), "
            "'code': flaws[1].code, 'reason': list_aggregate([flaw.reason FOR flaw IN flaws], 'string_agg', '; ')}"
        ]
        branches += [
            f"WHEN {test} THEN {{'field': {quoted(field)}, 'code': {quoted(code)}, 'reason': {reason}}}"
            for field, code, reason, test in (*tests, *more)
        ]
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE judged AS SELECT line, ticket_id, raw, rowid AS place, "
            f"CASE {' '.join(branches)} END AS flaw FROM {table}"
        )
        self.connection.execute(
            f"INSERT INTO {REJECTED} SELECT {quoted(file)}, line, 'row', left(ticket_id, 200), flaw.field, flaw.code, "
            "flaw.reason, raw FROM judged WHERE flaw IS NOT NULL ORDER BY line"
        )
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} "
            "WHERE rowid NOT IN (SELECT place FROM judged WHERE flaw IS NOT NULL) ORDER BY rowid"
        )

    def has(self, table: str) -> bool:
        found = self.connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [table])
        return bool(found.fetchall()[0][0])

    def latest(self) -> int | None:
        """Find the latest instant that has happened in the log."""
        parts = []
        for grain in ("ticket", "hold"):
            names = [
                column.name
                for column in columns(grain, self.company if grain == "ticket" else ())
                if column.fact is not None and column.fact.kind == "instant" and column.fact.name not in _NOT_HAPPENED
            ]
            listed = ", ".join(f"max({identifier(name)})" for name in names)
            parts.append(f"SELECT list_max([{listed}]) AS latest FROM {TABLES[grain]}")
        found = self.connection.execute(f"SELECT max(latest) FROM ({' UNION ALL '.join(parts)})").fetchall()[0][0]
        return None if found is None else int(found)

    def nothing_usable(self) -> MappingError:
        """Say that no row can be used, with the first reasons."""
        reasons = self.connection.execute(
            f"SELECT min(line), any_value(reason), count(*) FROM {REJECTED} GROUP BY code, field "
            f"ORDER BY 3 DESC, 1 LIMIT {_SHOWN_REASONS}"
        ).fetchall()
        place = Place(file=str(self.source))
        if not reasons:
            return MappingError([problem("log-no-rows", message("the file has a heading and no row"), place=place)])
        problems = [problem("log-no-rows", message("no row of the file can be used"), place=place)]
        problems += [
            problem(
                "log-row",
                message("{reason} ({count} rows)", reason=reason, count=count),
                place=Place(file=str(self.source), line=int(line)),
            )
            for line, reason, count in reasons
        ]
        return MappingError(problems)
