"""Turn cells into values: plain times and texts in bulk, everything else text by text, each reading once.

The common forms of an instant, a date and an open text are read by SQL. Every
other cell is looked up among the distinct texts of its column, which are read
by :class:`~svc_policy.adapters.values.ValueReader`, so that a log means what a
ticket with the same text would, and is refused with the same words.
"""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs

from svc_policy.adapters.mapping import ColumnSource
from svc_policy.adapters.staging import Staged, identifier, insert, quoted
from svc_policy.adapters.values import Settings, ValueReader
from svc_policy.errors import TicketError
from svc_policy.facts.registry import Fact
from svc_policy.units import Refusal, open_zone
from svc_policy.worktime.local_clock import LocalClock

if TYPE_CHECKING:
    import duckdb

_TYPES = {"text": "VARCHAR", "bool": "BOOLEAN"}
# Later times are read one by one; two centuries of days are a table of 1 MB.
_LAST_DAY = 47_481  # 2099-12-31
_LONGEST_TEXT = 10_000
#: The column of cells that names the zone of a row.
_ZONE = "row_zone"


@attrs.frozen(kw_only=True)
class Cast:
    """A column to be cast: the name of the result, its fact, where it comes from."""

    name: str
    fact: Fact
    source: ColumnSource
    label: str = ""


def cast(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    table: str,
    casts: Sequence[Cast],
    texts: Sequence[tuple[str, str]],
    settings: Settings,
    zone: str = "",
) -> None:
    """Make `table` of a staged file: `line`, the casts, `texts` (name, heading) as they are, `raw`, and `flaws`.

    `flaws` lists what is wrong with the row: field, code, reason. `zone` is the
    heading of the column that names the zone of a row's local times, if there is one.
    """
    _make_days(connection, settings.zone)
    cells = f"{table}_cells"
    _make_cells(connection, staged, cells, casts, [*texts, *([(_ZONE, zone)] if zone else [])], settings.missing)
    zones = _Zones(connection, cells, f"{table}_zones", settings, zone)
    joins: list[str] = []
    outputs = ["line", *(name for name, _ in texts)]
    flaws: list[str] = []
    for index, item in enumerate(casts):
        has_zone = bool(zone) and item.fact.kind == "instant"
        words = f"{table}_words_{index}"
        kind = _TYPES.get(item.fact.kind, "BIGINT")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {words} "
            f"(cell VARCHAR, zone VARCHAR, code VARCHAR, reason VARCHAR, value {kind})"
        )
        fast, join = f"read_{index}", ""
        if item.fact.kind == "instant":
            # Only days on which the clocks are not changed are in the table.
            fast, join = f"(read_{index} - d{index}.clock_offset)", _of_day(index)
            if has_zone:
                fast = f"CASE WHEN coalesce({_ZONE}, {quoted(settings.zone)}) = {quoted(settings.zone)} THEN {fast} END"
        zoned = f"coalesce({_ZONE}, {quoted(settings.zone)})" if has_zone else quoted(settings.zone)
        asked = connection.execute(
            f"SELECT DISTINCT cell_{index}, {zoned} FROM {cells} {join} "
            f"WHERE cell_{index} IS NOT NULL AND {fast} IS NULL ORDER BY ALL"
        ).fetchall()
        readers = {
            name: ValueReader(item.fact, item.source, settings=zones.settings[name], label=item.label)
            for name in {str(row[1]) for row in asked} & zones.settings.keys()
        }
        read = [_word(readers[str(row[1])], str(row[0]), str(row[1])) for row in asked if str(row[1]) in readers]
        insert(connection, words, read)
        joins.append(
            f"{join} LEFT JOIN {words} AS w{index} ON w{index}.cell = cell_{index} AND w{index}.zone = {zoned}"
        )
        outputs.append(f"coalesce({fast}, w{index}.value) AS {identifier(item.name)}")
        flaws.append(
            f"CASE WHEN w{index}.code IS NOT NULL THEN {{'field': {quoted(item.source.column)}, "
            f"'code': w{index}.code, 'reason': w{index}.reason}} END"
        )
    if zone:
        joins.append(zones.join)
        flaws.append(zones.flaw)
    listed = f"[flaw FOR flaw IN [{', '.join(flaws)}] IF flaw IS NOT NULL]" if flaws else _NO_FLAWS
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(outputs)}, raw, {listed} AS flaws "
        f"FROM {cells} {' '.join(joins)} ORDER BY line"
    )
    for name in (cells, zones.table, *(f"{table}_words_{index}" for index in range(len(casts)))):
        connection.execute(f"DROP TABLE {name}")


def _make_cells(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    table: str,
    casts: Sequence[Cast],
    texts: Sequence[tuple[str, str]],
    missing: Sequence[str],
) -> None:
    """Make a table of the cells and of what the common forms among them say: each is looked at once."""
    cells = [
        f"{_present(staged.cell(item.source.column), missing)} AS cell_{index}" for index, item in enumerate(casts)
    ]
    named = [f"{_present(staged.cell(heading), missing)} AS {name}" for name, heading in texts]
    read = [f"{_common(item, f'cell_{index}')} AS read_{index}" for index, item in enumerate(casts)]
    inner = ", ".join(["line", f"{staged.raw} AS raw", *named, *cells])
    made = ", ".join(["*", *read])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {made} FROM (SELECT {inner} FROM {staged.table})"
    )


def _of_day(index: int) -> str:
    return f"LEFT JOIN log_days AS d{index} ON d{index}.day = read_{index} // 86400"


_NO_FLAWS = "CAST([] AS STRUCT(field VARCHAR, code VARCHAR, reason VARCHAR)[])"


class _Zones:
    """The zones that the rows of a file name: the settings of each, and a table of those that are none."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, cells: str, table: str, settings: Settings, column: str
    ) -> None:
        self.settings = {settings.zone: settings}
        self.table = table
        self.join = f"LEFT JOIN {table} AS z ON z.zone = {_ZONE}"
        self.flaw = (
            f"CASE WHEN z.reason IS NOT NULL THEN {{'field': {quoted(column)}, 'code': 'log-zone', "
            "'reason': z.reason} END"
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (zone VARCHAR, reason VARCHAR)")
        named = connection.execute(f"SELECT DISTINCT {_ZONE} FROM {cells} ORDER BY 1").fetchall() if column else []
        wrong = []
        for (name,) in named:
            if name is None or name in self.settings:
                continue
            try:
                open_zone(name)
            except Refusal as refusal:
                wrong.append((name, refusal.help.text("en")))
                continue
            self.settings[name] = attrs.evolve(settings, zone=name)
        insert(connection, table, wrong)


def _word(reader: ValueReader, text: str, zone: str) -> tuple[object, ...]:
    try:
        return (text, zone, None, None, reader.read(text))
    except TicketError as error:
        found = error.problems[0]
        reason = found.message.text("en")
        if found.help is not None:
            reason = f"{reason}: {found.help.text('en')}"
        return (text, zone, found.code, reason, None)


def _present(cell: str, missing: Sequence[str]) -> str:
    for word in missing:
        cell = f"nullif({cell}, {quoted(word)})"
    return cell


def _common(item: Cast, cell: str) -> str:
    """Write the SQL that reads the common forms, an instant as what the wall clock shows; null for all others."""
    source, fact = item.source, item.fact
    nothing = f"CAST(NULL AS {_TYPES.get(fact.kind, 'BIGINT')})"
    if source.values or source.is_internal:
        return nothing
    if fact.kind == "text" and not fact.values and not source.format:
        return f"CASE WHEN length({cell}) <= {_LONGEST_TEXT} THEN {cell} END"
    if fact.kind == "date" and not source.format:
        return f"CAST(epoch({_written(cell, 10, 'DATE')}) AS BIGINT) // 86400"
    return (_wall(cell, source.format) or nothing) if fact.kind == "instant" else nothing


def _wall(cell: str, written: str) -> str | None:
    """Write the wall clock of a text in seconds since 1970-01-01T00:00, null where it is not so written."""
    if not written:
        return f"CAST(epoch({_written(cell, 19, 'TIMESTAMP')}) AS BIGINT)"
    if written.startswith("epoch_") or any(f"%{letter}" in written for letter in "zZcxXpGuVfUWj"):
        return None
    read = f"try_strptime({cell}, {quoted(written)})"
    return f"CASE WHEN epoch({read}) >= 0 THEN CAST(floor(epoch({read})) AS BIGINT) END"


def _written(cell: str, length: int, kind: str) -> str:
    """Write the SQL of a date or time that is written in full, with `-` or `/`, and a blank or `T`; null for others.

    What the engine would write itself is what it has understood: a time of
    24:00, a month of one digit and the like are left to the reader of tickets.
    """
    plain = f"replace(left({cell}, {length}), '/', '-')"
    if length > 10:
        plain = f"replace({plain}, 'T', ' ')"
    fraction = f"translate(substr({cell}, 21), '123456789', '000000000')"
    ends = f"length({cell}) = {length}"
    if length > 10:
        ends += (
            f" OR (substr({cell}, 20, 1) IN ('.', ',') AND length({cell}) BETWEEN 21 AND 29 "
            f"AND {fraction} = repeat('0', length({cell}) - 20))"
        )
    read = f"TRY_CAST({plain} AS {kind})"
    return (
        f"CASE WHEN ({ends}) AND left({cell}, 4) BETWEEN '1970' AND '2099' "
        f"AND substr({cell}, 5, 1) = substr({cell}, 8, 1) AND CAST({read} AS VARCHAR) = {plain} THEN {read} END"
    )


def _make_days(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE log_days (day BIGINT, clock_offset BIGINT)")
    insert(connection, "log_days", _steady_days(zone))


@functools.lru_cache(maxsize=4)
def _steady_days(zone: str) -> list[tuple[int, int]]:
    """List the local days on which a zone does not change its clocks, each with the offset in seconds."""
    clock = LocalClock(ZoneInfo(zone), 0, _LAST_DAY)
    changing: set[int] = set()
    for change in clock.changes:
        walls = (clock.wall_of(change - 1), clock.wall_of(change))
        changing.update(range(min(walls) // 86_400 - 1, max(walls) // 86_400 + 2))
    return [(day, day * 86_400 - clock.instant_of(day * 86_400)) for day in range(_LAST_DAY + 1) if day not in changing]
