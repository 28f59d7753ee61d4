"""The small tables that a policy's SQL joins: the calendar's, the zone's, and those of months."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import attrs
from sqlglot import exp

from svc_policy.engines.runtime import DAY, FIRST_DAY, LAST_DAY, PolicyClocks, zone_changes
from svc_policy.engines.sql_expressions import case, literal, paren, wrapped
from svc_policy.engines.sql_worktime import (
    AbsoluteClock,
    Clock,
    Node,
    WorkdayClock,
    WorkingClock,
    bigint,
    both,
    minus,
    number,
    plus,
)
from svc_policy.rules.family import Lookup
from svc_policy.worktime.known_days import FIRST_MONTH_DAY, LAST_MONTH_DAY
from svc_policy.worktime.sql_tables import CalendarShape, IntegerTable, calendar_tables

#: More changes of the clock than these are looked up in a table instead of a CASE.
MOST_CHANGES: Final = 32
EPOCH: Final = date(1970, 1, 1).toordinal()


@attrs.frozen
class Dense:
    """A table whose keys lie as far apart as the `step`, read by position: a function a column gives its values."""

    name: str
    first: int
    last: int
    step: int

    def position(self, key: Node) -> Node:
        """Count the rows up to a key's; null where there is none."""
        inside = between(key, self.first, self.last)
        since = paren(minus(key, number(self.first)))
        if self.step != 1:
            since = exp.Div(this=since, expression=number(self.step), typed=True, safe=False)
        return case([(inside, exp.cast(plus(since, number(1)), "int"))])

    def reading(self, alias: str) -> Callable[[Node], Node]:
        """Give what puts the value at a position in the place of a column of the joined table."""

        def read(node: Node) -> Node:
            if isinstance(node, exp.Column) and node.table == alias:
                of = exp.Anonymous(this=exp.to_identifier(column_values(self.name, node.name), quoted=True))
                return exp.Bracket(this=paren(of), expressions=[exp.column(alias)], offset=1)
            return node

        return read


def between(value: Node, low: int, high: int) -> Node:
    """Test that a value lies between two numbers, both included."""
    return both(
        exp.GTE(this=wrapped(value), expression=number(low)), exp.LTE(this=wrapped(value), expression=number(high))
    )


def calendar_months(day: Node, months: Node, reached: Node) -> tuple[Node, Node]:
    """Add months to a day by PostgreSQL's own calendar, which clamps to the month's end as ours does.

    Gives the day, and that day where it lies within the years in which days are known (`reached` names the former).
    """
    most = (LAST_MONTH_DAY - FIRST_MONTH_DAY) // 28
    epoch = exp.cast(exp.Literal.string("1970-01-01"), "date")
    span = exp.Anonymous(this="make_interval", expressions=[number(0), exp.cast(months, "int")])
    begun = paren(exp.Add(this=epoch, expression=exp.cast(day, "int")))
    made = exp.Sub(this=exp.cast(paren(exp.Add(this=begun, expression=span)), "date"), expression=epoch)
    inside = both(between(day, FIRST_MONTH_DAY, LAST_MONTH_DAY), between(months, -most, most))
    known = between(reached, FIRST_MONTH_DAY, LAST_MONTH_DAY)
    return case([(inside, bigint(paren(made)))]), case([(known, reached)])


def column_values(table: str, name: str) -> str:
    """Name the function that gives the values of a table's column in the order of its keys."""
    return f"{table}.{name}"


@attrs.frozen(kw_only=True)
class SetupTables:
    """The tables by name, the shape of the calendar, and the zone's offsets.

    `changes` are the instants at which the zone's clock is changed and
    `offsets` what holds before, between and after them.
    """

    tables: dict[str, IntegerTable]
    shape: CalendarShape | None
    changes: tuple[int, ...]
    offsets: tuple[int, ...]
    lists: Mapping[str, Mapping[str, int | str | bool]]
    _dense: dict[str, Dense | None] = attrs.field(factory=dict, init=False, eq=False)

    def clock(self, name: str) -> Clock:
        """Give the clock of a :class:`~svc_policy.expressions.steps.Due` step."""
        if name == "calendar":
            return AbsoluteClock()
        assert self.shape is not None
        if name == "working":
            return WorkingClock(shape=self.shape, days="svc_policy_days", work="svc_policy_work")
        return WorkdayClock(
            shape=self.shape,
            days="svc_policy_days",
            local_days="svc_policy_local_days",
            workdays="svc_policy_workdays",
        )

    def day_end(self, day: Node) -> Node:
        """Find the last second of a local day by the few changes of the zone's clock, as `_day_ends` does."""
        wall = paren(exp.Mul(this=paren(plus(day, number(1))), expression=number(DAY)))
        stretches = list(zip([FIRST_DAY * DAY, *self.changes], self.offsets, strict=True))
        branches: list[tuple[Node, Node]] = []
        for number_of in range(len(stretches) - 1, -1, -1):
            after, offset = stretches[number_of]
            end = minus(wall, number(offset + 1))
            # A midnight that is jumped over is the instant of the jump.
            end = case([(exp.LT(this=paren(end), expression=number(after - 1)), number(after - 1))], end)
            begins = after + self.offsets[number_of - 1] if number_of else FIRST_DAY * DAY
            branches.append((exp.GTE(this=wall, expression=number(begins)), end))
        inside = between(day, FIRST_DAY, LAST_DAY)
        return case([(inside, case(branches))])

    def dense(self, name: str) -> Dense | None:
        """Say how a table is read by position; None if it has to be joined."""
        if name not in self._dense:
            keys = [row[0] for row in self.tables[name].rows] if name in self.tables else []
            step = keys[1] - keys[0] if len(keys) > 1 else 1
            whole = bool(keys) and keys == list(range(keys[0], keys[-1] + 1, step))
            self._dense[name] = Dense(name, keys[0], keys[-1], step) if whole else None
        return self._dense[name]

    def script(self, dialect: str) -> str:
        """Print the statements that make and fill the tables."""
        tables = [statement for name in self.tables for statement in self._statements(name, dialect)]
        return "\n".join([*tables, *(statement for name in self.lists for statement in self._list_statements(name))])

    def _list_statements(self, name: str) -> Iterator[str]:
        values = self.lists[name]
        first = next(iter(values.values()), 0)
        kind = "BOOLEAN" if isinstance(first, bool) else "TEXT" if isinstance(first, str) else "BIGINT"
        yield f"DROP TABLE IF EXISTS {name};"
        yield f"CREATE TABLE {name} (key TEXT PRIMARY KEY, value {kind});"
        rows = [f"({literal(key).sql()}, {literal(value).sql()})" for key, value in values.items()]
        for start in range(0, len(rows), 1000):
            yield f"INSERT INTO {name} VALUES\n{', '.join(rows[start : start + 1000])};"

    def _statements(self, name: str, dialect: str) -> Iterator[str]:
        del dialect
        table = self.tables[name]
        listed = ", ".join(f"{item} BIGINT NOT NULL" for item in table.columns)
        yield f"DROP TABLE IF EXISTS {name};"
        yield f"CREATE TABLE {name} ({listed}, PRIMARY KEY ({table.columns[0]}));"
        for start in range(0, len(table.rows), 1000):
            values = ",\n".join(f"({', '.join(map(str, row))})" for row in table.rows[start : start + 1000])
            yield f"INSERT INTO {name} VALUES\n{values};"

    def install(self, connection: Any) -> None:
        """Make the tables in a DuckDB connection, in bulk."""
        import pyarrow as pa

        for name, values in self.lists.items():
            listed = pa.table({"key": list(values), "value": list(values.values())})
            connection.register("svc_policy_incoming", listed)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM svc_policy_incoming")
            connection.unregister("svc_policy_incoming")
        for name, table in self.tables.items():
            columns: Sequence[Sequence[int]] = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
            arrow = pa.table(
                {item: pa.array(values, pa.int64()) for item, values in zip(table.columns, columns, strict=True)}
            )
            connection.register("svc_policy_incoming", arrow)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM svc_policy_incoming")
            connection.unregister("svc_policy_incoming")


def setup_tables(clocks: PolicyClocks, lookups: Mapping[tuple[str, str], Lookup]) -> SetupTables:
    """Make the tables for a policy's zone, calendar and lists."""
    changes, offsets = zone_changes(clocks.zone, FIRST_DAY, LAST_DAY)
    tables = {"svc_policy_month_days": _month_days(), "svc_policy_months": _months()}
    if len(changes) > MOST_CHANGES:
        tables["svc_policy_zone_days"] = _zone_days(changes, offsets)
    tables["svc_policy_day_ends"] = _day_ends(changes, offsets)
    shape = None
    if clocks.axis is not None:
        calendar = calendar_tables(clocks.axis)
        shape = calendar.shape
        tables |= {
            "svc_policy_days": calendar.days,
            "svc_policy_work": calendar.work,
            "svc_policy_local_days": calendar.local_days,
            "svc_policy_workdays": calendar.workdays,
        }
    return SetupTables(
        tables=tables,
        shape=shape,
        changes=changes,
        offsets=offsets,
        lists={f"svc_policy_list_{lookup.name}_{fact}": lookup.values for (_, fact), lookup in lookups.items()},
    )


def _zone_days(changes: Sequence[int], offsets: Sequence[int]) -> IntegerTable:
    """Map a UTC day to the zone's offset in it, and after a change of the clock in it."""
    rows: list[tuple[int, ...]] = []
    stretch = 0
    for day in range(FIRST_DAY, LAST_DAY + 1):
        before = offsets[stretch]
        change = changes[stretch] if stretch < len(changes) and changes[stretch] < (day + 1) * DAY else None
        if change is not None:
            stretch += 1
        rows.append((day, before, (day + 1) * DAY if change is None else change, offsets[stretch]))
    return IntegerTable(("day", "offset_before", "change_at", "offset_after"), rows)


def _day_ends(changes: Sequence[int], offsets: Sequence[int]) -> IntegerTable:
    """Map a local day to its last second; a midnight that is jumped over is the instant of the jump."""
    ends = [change + offset for change, offset in zip(changes, offsets, strict=False)]
    after = [FIRST_DAY * DAY, *changes]
    rows: list[tuple[int, ...]] = []
    stretch = 0
    for day in range(FIRST_DAY, LAST_DAY + 1):
        wall = (day + 1) * DAY
        while stretch < len(ends) and ends[stretch] <= wall:
            stretch += 1
        rows.append((day, max(wall - offsets[stretch], after[stretch]) - 1))
    return IntegerTable(("day", "last_second"), rows)


@functools.cache  # the same for every policy
def _month_days() -> IntegerTable:
    """Map an epoch day to its month (counted from year 0) and its day in it."""
    rows: list[tuple[int, ...]] = []
    for day in range(FIRST_MONTH_DAY, LAST_MONTH_DAY + 1):
        of = date.fromordinal(day + EPOCH)
        rows.append((day, of.year * 12 + of.month - 1, of.day))
    return IntegerTable(("day", "month", "day_of_month"), rows)


@functools.cache
def _months() -> IntegerTable:
    """Map a month to its first epoch day and its length."""
    rows: list[tuple[int, ...]] = []
    for month in range(1900 * 12, 2300 * 12):
        first = date(month // 12, month % 12 + 1, 1)
        after = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
        rows.append((month, first.toordinal() - EPOCH, (after - first).days))
    return IntegerTable(("month", "first_day", "length"), rows)


__all__ = ["DAY", "MOST_CHANGES", "SetupTables", "setup_tables"]
