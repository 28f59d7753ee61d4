"""Make tickets and holds from a log with one row an event."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from svc_policy.adapters.casting import Cast, cast
from svc_policy.adapters.mapping import HoldSource, LogMapping, MilestoneSource
from svc_policy.adapters.staging import Staged, count_of, identifier, quoted
from svc_policy.facts.columns import column_name, columns

if TYPE_CHECKING:
    from svc_policy.adapters.log import _Reading


def gather_events(reading: _Reading, staged: Staged, mapping: LogMapping) -> int:
    """Make `tickets`, `ticket_lines` and the holds from the usable events; gives their number.

    The events of a ticket are taken in the order of time, those of the same
    second in the order of the log.
    """
    assert mapping.timestamp is not None
    connection = reading.connection
    instant = reading.facts["ticket"]["received_at"]
    at = Cast(name="event_at_s", fact=instant, source=mapping.timestamp, label=mapping.timestamp.column)
    texts = reading.texts(mapping, ("activity", mapping.activity))
    casts = [at, *reading.casts("ticket", mapping.facts)]
    cast(connection, staged, "cast_log", casts, texts, reading.settings, mapping.zone_column)
    more = [
        (mapping.activity, "log-no-activity", "'there is no activity'", "activity IS NULL"),
        (mapping.timestamp.column, "log-no-time", "'there is no time'", "event_at_s IS NULL"),
    ]
    more += reading.currency_tests(mapping)
    if not mapping.keeps_others:
        more.append(_unnamed(mapping))
    reading.reject("cast_log", staged.file, mapping.ticket, more)
    used = count_of(connection, "cast_log")
    connection.execute(f"DELETE FROM cast_log WHERE activity IN ({_listed(mapping.ignored)})")
    connection.execute(
        "CREATE TABLE ticket_lines AS SELECT ticket_id, min(line) AS line FROM cast_log GROUP BY ticket_id ORDER BY 2"
    )
    gathered = [
        f"{_milestone(source)} AS {identifier(column_name(reading.facts['ticket'][name]))}"
        for name, source in mapping.milestones.items()
    ]
    for name, source in mapping.facts.items():
        column = identifier(column_name(reading.facts["ticket"][name]))
        order = "event_at_s, line" if source.take == "first" else "event_at_s DESC, line DESC"
        gathered.append(f"first({column} ORDER BY {order}) FILTER (WHERE {column} IS NOT NULL) AS {column}")
    listed = "".join(f", {item}" for item in gathered)
    connection.execute(
        f"CREATE TEMP TABLE gathered AS SELECT ticket_id, min(line) AS line{listed} FROM cast_log GROUP BY ticket_id"
    )
    made = reading.selected("ticket", {*mapping.milestones, *mapping.facts}, mapping.constants)
    connection.execute(f"CREATE TABLE tickets AS SELECT ticket_id, {made} FROM gathered ORDER BY line")
    if mapping.holds:
        _gather_holds(reading, mapping.holds)
    return used


def _unnamed(mapping: LogMapping) -> tuple[str, str, str, str]:
    known = _listed(sorted(mapping.activities))
    reason = "'the mapping does not name the activity `' || left(activity, 60) || '`'"
    return mapping.activity, "log-activity", reason, f"activity NOT IN ({known})"


def _milestone(source: MilestoneSource) -> str:
    chosen = "min" if source.take == "first" else "max"
    where = f" FILTER (WHERE activity IN ({_listed(source.activities)}))" if source.activities else ""
    return f"{chosen}(event_at_s){where}"


def _gather_holds(reading: _Reading, sources: Sequence[HoldSource]) -> None:
    """Make the holds: from the first opening event since the last closing one, until the next that closes it."""
    queries = []
    for source in sources:
        opens = f"activity IN ({_listed(source.opens)})"
        closes = f"NOT {opens}" + (f" AND activity IN ({_listed(source.closes)})" if source.closes else "")
        queries.append(
            f"SELECT ticket_id, {quoted(source.kind)} AS hold_kind, min(event_at_s) FILTER (WHERE opens) AS from_at_s, "
            "min(event_at_s) FILTER (WHERE closes) AS until_at_s FROM ("
            "SELECT *, coalesce(sum(closes::INT) OVER (PARTITION BY ticket_id ORDER BY event_at_s, line "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS closed_before FROM ("
            f"SELECT ticket_id, event_at_s, line, {opens} AS opens, {closes} AS closes FROM cast_log)"
            ") GROUP BY ticket_id, closed_before HAVING bool_or(opens)"
        )
    names = ", ".join(column.name for column in columns("hold"))
    reading.connection.execute(
        "CREATE TABLE unnumbered_holds AS SELECT ticket_id, "
        f"row_number() OVER (ORDER BY from_at_s, hold_kind) AS place, {names} FROM ({' UNION ALL '.join(queries)})"
    )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(quoted, words)) or "NULL"
