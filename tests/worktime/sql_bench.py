"""A DuckDB database with the tables of a calendar, and questions put to it in batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from svc_policy.engines.sql_holds import due_query
from svc_policy.engines.sql_worktime import AbsoluteClock, WorkdayClock, WorkingClock
from svc_policy.worktime.axis import WorkAxis
from svc_policy.worktime.sql_tables import CalendarTables, IntegerTable, calendar_tables

Start = tuple[int, int | None, int | None]
HoldRow = tuple[int, int, int | None]


class SqlBench:
    def __init__(self, calendar: WorkAxis) -> None:
        self.connection = duckdb.connect()
        self.tables: CalendarTables = calendar_tables(calendar)
        self.shape = self.tables.shape
        for name in ("days", "work", "local_days", "workdays"):
            table: IntegerTable = getattr(self.tables, name)
            self.load(f"office_{name}", table.columns, table.rows)
        self.working = WorkingClock(shape=self.shape, days="office_days", work="office_work")
        self.working_days = WorkdayClock(
            shape=self.shape, days="office_days", local_days="office_local_days", workdays="office_workdays"
        )
        self.absolute = AbsoluteClock()

    def load(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[int | None]]) -> None:
        self.connection.execute(
            f"create or replace table {name} ({', '.join(f'{column} bigint' for column in columns)})"
        )
        text = ",".join("(" + ",".join("null" if value is None else str(value) for value in row) + ")" for row in rows)
        if text:
            self.connection.execute(f"insert into {name} values {text}")

    def due(
        self,
        clock: WorkingClock | WorkdayClock | AbsoluteClock,
        starts: Iterable[Start],
        holds: Iterable[HoldRow] | None = None,
        *,
        roll: bool = False,
    ) -> dict[int, tuple[int | None, int]]:
        self.load("starts", ("id", "start_at", "need"), starts)
        if holds is not None:
            self.load("holds", ("id", "begins_at", "ends_at"), holds)
        query = due_query(clock, keys=("id",), starts="starts", holds=None if holds is None else "holds", roll=roll)
        rows = self.connection.execute(query.sql("duckdb")).fetchall()
        assert len({row[0] for row in rows}) == len(rows)
        return {key: (due, open_hold) for key, due, open_hold in rows}
