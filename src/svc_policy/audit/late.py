"""Measure how late something is, on the clock of its target."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from svc_policy.adapters.staging import insert

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

DAYS = "audit_days"
WORKING = ("working_s", "working_days")
UNITS = ("s", "working_s", "working_days", "days", "months")


@attrs.frozen
class Late:
    """SQL: the joins it needs, the seconds, and whether they are working seconds."""

    joins: str
    seconds: str
    is_working: str


class Lateness:
    """Writes the SQL of the time between two instants, working time where the target counts it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, policy: Policy) -> None:
        """Put the days of the policy's calendar into a table."""
        from svc_policy.worktime.sql_tables import CalendarShape, calendar_tables

        self.policy = policy
        self.shape: CalendarShape | None = None
        if policy.clocks.axis is None:
            return
        tables = calendar_tables(policy.clocks.axis)
        self.shape = tables.shape
        names = ", ".join(f"{name} BIGINT" for name in tables.days.columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {DAYS} ({names})")
        insert(connection, DAYS, tables.days.rows)

    def between(self, target: str, start: str, end: str) -> Late:
        """Write the time from `start` to `end` (SQL of epoch seconds) on the clock of a target.

        Where the calendar is not valid at one of them it is calendar time.
        """
        plain = f"({end}) - ({start})"
        counts = self._counts_work(target)
        if self.shape is None or counts == "false":
            return Late("", plain, "false")
        from sqlglot import parse_one

        from svc_policy.engines.sql_worktime import day_key, work_before

        nodes = [parse_one(text, read="duckdb") for text in (start, end)]
        keys = [day_key(self.shape, node).sql("duckdb") for node in nodes]
        work = [
            work_before(self.shape, node, alias).sql("duckdb") for node, alias in zip(nodes, ("w1", "w2"), strict=True)
        ]
        joins = " ".join(
            f"LEFT JOIN {DAYS} AS {alias} ON {alias}.day = {key}" for alias, key in zip(("w1", "w2"), keys, strict=True)
        )
        is_working = f"{counts} AND w1.worked IS NOT NULL AND w2.worked IS NOT NULL"
        return Late(joins, f"CASE WHEN {is_working} THEN ({work[1]}) - ({work[0]}) ELSE {plain} END", is_working)

    def _counts_work(self, target: str) -> str:
        """Write the SQL that says whether the target's allowance is in working time."""
        columns = self.policy.plan.columns
        if f"{target}_unit" in columns:
            return f"d.{target}_unit IN ('working_s', 'working_days')"
        units = [unit for unit in UNITS if f"{target}_due_{unit}" in columns]
        return "true" if units and units[0] in WORKING else "false"
