"""Turn cells into values: plain times and texts in bulk, everything else text by text, each reading once.

The common forms of an instant, a date and an open text are read by SQL. Every
other cell is looked up among the distinct texts of its column, which are read
by :class:`~svc_policy.adapters.values.ValueReader`, so that a log means what a
ticket with the same text would, and is refused with the same words.
"""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.
# ruff: noqa: S608

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
from svc_policy.worktime.local_clock import LocalClock

if TYPE_CHECKING:
    import duckdb

_TYPES = {"text": "VARCHAR", "bool": "BOOLEAN"}
# Later times are read one by one; two centuries of days are a table of 1 MB.
_LAST_DAY = 47_481  # 2099-12-31
_LONGEST_TEXT = 10_000
_DATE = "(19[7-9][0-9]|20[0-9][0-9])(-[0-9]{2}-|/[0-9]{2}/)[0-9]{2}"
_TIME = "[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{1,9})?"


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
) -> None:
    """Make `table` of a staged file: `line`, the casts, `texts` (name, heading) as they are, `raw`, and `flaws`.

    `flaws` lists what is wrong with the row: field, code, reason.
    """
    cells = {item.name: _present(staged.cell(item.source.column), settings.missing) for item in casts}
    readers = {
        item.name: ValueReader(
            item.fact,
            item.source,
            settings=settings,
            label=item.label,
        )
        for item in casts
    }
    joins: list[str] = []
    outputs = ["line", *(f"{_present(staged.cell(heading), settings.missing)} AS {name}" for name, heading in texts)]
    flaws: list[str] = []
    _make_days(connection, settings.zone)
    for index, item in enumerate(casts):
        cell, kind = cells[item.name], _TYPES.get(item.fact.kind, "BIGINT")
        fast, join = _fast(item, cell, f"d{index}")
        joins += join
        words = f"{table}_words_{index}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {words} (cell VARCHAR, code VARCHAR, reason VARCHAR, value {kind})"
        )
        asked = connection.execute(
            f"SELECT DISTINCT {cell} AS cell FROM {staged.table} {' '.join(join)} "
            f"WHERE {cell} IS NOT NULL AND ({fast}) IS NULL"
        ).fetchall()
        insert(connection, words, [_word(readers[item.name], str(row[0])) for row in asked])
        joins.append(f"LEFT JOIN {words} AS w{index} ON w{index}.cell = {cell}")
        outputs.append(f"coalesce({fast}, w{index}.value) AS {identifier(item.name)}")
        flaws.append(
            f"CASE WHEN w{index}.code IS NOT NULL THEN {{'field': {quoted(item.source.column)}, "
            f"'code': w{index}.code, 'reason': w{index}.reason}} END"
        )
    listed = f"[flaw FOR flaw IN [{', '.join(flaws)}] IF flaw IS NOT NULL]" if flaws else _NO_FLAWS
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(outputs)}, {staged.raw} AS raw, {listed} AS flaws "
        f"FROM {staged.table} {' '.join(joins)} ORDER BY line"
    )
    for index in range(len(casts)):
        connection.execute(f"DROP TABLE {table}_words_{index}")


_NO_FLAWS = "CAST([] AS STRUCT(field VARCHAR, code VARCHAR, reason VARCHAR)[])"


def _word(reader: ValueReader, text: str) -> tuple[object, ...]:
    try:
        return (text, None, None, reader.read(text))
    except TicketError as error:
        found = error.problems[0]
        reason = found.message.text("en")
        if found.help is not None:
            reason = f"{reason}: {found.help.text('en')}"
        return (text, found.code, reason, None)


def _present(cell: str, missing: Sequence[str]) -> str:
    for word in missing:
        cell = f"nullif({cell}, {quoted(word)})"
    return cell


def _fast(item: Cast, cell: str, days: str) -> tuple[str, list[str]]:
    """Write the SQL that reads the common forms, null for all others, and the joins it needs."""
    source, fact = item.source, item.fact
    nothing = "CAST(NULL AS BIGINT)"
    if source.values or source.is_internal:
        return (nothing if fact.kind not in _TYPES else f"CAST(NULL AS {_TYPES[fact.kind]})"), []
    if fact.kind == "text" and not fact.values and not source.format:
        return f"CASE WHEN length({cell}) <= {_LONGEST_TEXT} THEN {cell} END", []
    if fact.kind == "date" and not source.format:
        written = f"CASE WHEN regexp_full_match({cell}, {quoted(_DATE)}) THEN replace({cell}, '/', '-') END"
        return f"CAST(epoch(TRY_CAST({written} AS DATE)) AS BIGINT) // 86400", []
    if fact.kind == "instant":
        wall = _wall(cell, source.format)
        if wall is None:
            return nothing, []
        # Only days on which the clocks are not changed are in the table.
        join = f"LEFT JOIN log_days AS {days} ON {days}.day = {wall} // 86400"
        return f"{wall} - {days}.clock_offset", [join]
    return (nothing if fact.kind not in _TYPES else f"CAST(NULL AS {_TYPES[fact.kind]})"), []


def _wall(cell: str, written: str) -> str | None:
    """Write the wall clock of a text in seconds since 1970-01-01T00:00, null where it is not so written."""
    if not written:
        pattern = f"{_DATE}{_TIME}"
        text = f"replace(replace(left({cell}, 19), '/', '-'), 'T', ' ')"
        # A day that ends at 24:00 is left to the reader of tickets.
        is_plain = f"regexp_full_match({cell}, {quoted(pattern)}) AND substr({cell}, 12, 2) < '24'"
        return f"CAST(epoch(TRY_CAST(CASE WHEN {is_plain} THEN {text} END AS TIMESTAMP)) AS BIGINT)"
    if written.startswith("epoch_") or any(f"%{letter}" in written for letter in "zZcxXpGuVfUWj"):
        return None
    read = f"try_strptime({cell}, {quoted(written)})"
    return f"CASE WHEN epoch({read}) >= 0 THEN CAST(floor(epoch({read})) AS BIGINT) END"


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
