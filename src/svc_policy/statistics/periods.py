"""Months and years: which tickets belong to them, by the wall clock of the policy's zone.

A ticket belongs to the day on which it was received. What its work used up,
parts and costs, belongs to the day on which the work was finished, else the
ticket closed, else received.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.engines.runtime import FIRST_DAY, LAST_DAY, zone_changes
from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.units.days import date_of, day_of, days_in_month

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: The tickets that are counted, with their days and months.
TICKETS = "statistics_tickets"
_CLOCK = "statistics_clock"
_BEGINNING = -(2**62)


@attrs.frozen
class Period:
    """The days from `first` to `last`, both included, in days since 1970-01-01; None is no limit."""

    first: int | None = None
    last: int | None = None

    def condition(self, column: str) -> str:
        """Write the SQL that a column of days lies in the period; without limits every day does, a missing one too."""
        tests = [f"{column} >= {self.first}"] if self.first is not None else []
        tests += [f"{column} <= {self.last}"] if self.last is not None else []
        return f"({' AND '.join(tests)})" if tests else "true"

    def months(self) -> Iterator[str]:
        """Yield the months that the period touches, as `2026-10`; none where it has no limits."""
        if self.first is None or self.last is None:
            return
        year, month, _ = date_of(self.first)
        end = date_of(self.last)[:2]
        while (year, month) <= end:
            yield f"{year:04}-{month:02}"
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def month(text: str) -> Period:
    """Read a month, as in `2026-10`.

    Raises:
        UsageError: It is none.
    """
    found = re.fullmatch(r"(\d{4})-(\d{1,2})", text.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or not 1900 <= int(found[1]) <= 9998:
        template = message("cannot read the month `{text}`", text=text)
        raise UsageError([problem("month", template, help=message("write it as in `2026-10`"))])
    year, number = int(found[1]), int(found[2])
    return Period(day_of(year, number, 1), day_of(year, number, days_in_month(year, number)))


def year(text: str) -> Period:
    """Read a year, as in `2026`.

    Raises:
        UsageError: It is none.
    """
    if re.fullmatch(r"\d{4}", text.strip()) is None or not 1900 <= int(text) <= 9998:
        template = message("cannot read the year `{text}`", text=text)
        raise UsageError([problem("year", template, help=message("write it as in `2026`"))])
    return Period(day_of(int(text), 1, 1), day_of(int(text), 12, 31))


def period_of(month_text: str | None, year_text: str | None) -> Period:
    """Read a month or a year; without either, everything.

    Raises:
        UsageError: There is no such month or year, or both are given.
    """
    if month_text is not None and year_text is not None:
        template = message("a month and a year were given")
        raise UsageError([problem("period-two", template, help=message("give one of them"))])
    if month_text is not None:
        return month(month_text)
    return Period() if year_text is None else year(year_text)


def month_name(column: str) -> str:
    """Write the SQL of the month of a day, as `2026-10`."""
    return f"strftime(DATE '1970-01-01' + CAST({column} AS INTEGER), '%Y-%m')"


def make_clock(connection: Any, policy: Policy) -> None:
    """Make the table of the offsets of the policy's zone."""
    changes, offsets = zone_changes(policy.zone, FIRST_DAY, LAST_DAY)
    rows = ", ".join(f"({since}, {offset})" for since, offset in zip((_BEGINNING, *changes), offsets, strict=True))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_CLOCK} AS SELECT * FROM (VALUES {rows}) AS v(since_s, offset_s)"
    )


def with_local_day(source: str, instant: str, name: str) -> str:
    """Write a query of `source` with the local day of one of its instants beside it."""
    wall = f"(s.{instant} + c.offset_s)"
    # `//` cuts off towards zero, and a day before 1970 is negative.
    day = f"({wall} - (({wall} % 86400) + 86400) % 86400) // 86400"
    # An instant that is missing has no offset either: the first stretch of the clock stands in, and the day is null.
    return (
        f"SELECT s.*, CAST({day} AS BIGINT) AS {name} FROM {source} AS s "
        f"ASOF JOIN {_CLOCK} AS c ON coalesce(s.{instant}, {_BEGINNING}) >= c.since_s"
    )


def make_tickets(connection: Any, policy: Policy) -> None:
    """Make the table of the tickets that are counted: those decided, with `request_day`, `work_day` and `at_work`."""
    make_clock(connection, policy)
    base = (
        "SELECT t.*, coalesce(t.finished_at_s, t.closed_at_s, t.received_at_s) AS worked_s "
        "FROM tickets AS t JOIN decisions AS d USING (ticket_id) WHERE NOT d.calendar_error"
    )
    received = with_local_day(f"({base})", "received_at_s", "request_day")
    worked = with_local_day(f"({received})", "worked_s", "work_day")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {TICKETS} AS {worked}")
