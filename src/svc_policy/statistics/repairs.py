"""Repairs of the same fault of the same device: counted before a decision, and as rates after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.statistics.periods import TICKETS, Period, make_clock, with_local_day
from svc_policy.units import Allowance

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: The parameter of a policy that says how far back a repair counts as the same fault again.
LOOK_BACK = "repeat_look_back"
_MOST = 10_000


def count_earlier_repairs(connection: Any, policy: Policy, look_back: Allowance | None = None) -> None:
    """Write into `earlier_repairs` how often each fault had been repaired on the same device before.

    A repair counts if it was finished (else closed) before the ticket was
    received and no longer ago than the look-back: that of the argument, else of
    the policy's parameter `repeat_look_back` on the day of the ticket, else none,
    which is the whole history. Days and months go by the wall clock; a repair on
    the first of them counts. What a ticket states itself is kept where it is more:
    a log may know of repairs that it does not hold.

    Raises:
        UsageError: The look-back is counted in working time.
    """
    known = connection.execute(
        "SELECT 1 FROM tickets WHERE serial_no IS NOT NULL AND fault_code IS NOT NULL LIMIT 1"
    ).fetchall()
    if not known:
        return
    make_clock(connection, policy)
    base = (
        "SELECT ticket_id, serial_no, fault_code, received_at_s, coalesce(finished_at_s, closed_at_s) AS end_s "
        "FROM tickets WHERE serial_no IS NOT NULL AND fault_code IS NOT NULL"
    )
    received = with_local_day(f"({base})", "received_at_s", "received_day")
    ended = with_local_day(f"({received})", "end_s", "end_day")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repairs_seen AS {ended}")
    for column in ("end_s", "end_day"):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE repairs_by_{column} AS SELECT serial_no, fault_code, ended, "
            "CAST(sum(many) OVER (PARTITION BY serial_no, fault_code ORDER BY ended) AS BIGINT) AS so_far "
            f"FROM (SELECT serial_no, fault_code, {column} AS ended, count(*) AS many FROM repairs_seen "
            f"WHERE {column} IS NOT NULL GROUP BY 1, 2, 3)"
        )
    for condition, allowance in _look_backs(policy, look_back):
        unit = None if allowance is None else allowance.unit
        value = 0 if allowance is None else allowance.value
        by, first = {
            None: ("end_s", str(-(2**62))),
            "s": ("end_s", f"s.received_at_s - {value}"),
            "days": ("end_day", f"s.received_day - {value}"),
            "months": (
                "end_day",
                f"date_diff('day', DATE '1970-01-01', CAST(DATE '1970-01-01' + CAST(s.received_day AS INTEGER) "
                f"- INTERVAL {value} MONTH AS DATE))",
            ),
        }[unit]
        counted = (
            f"SELECT w.ticket_id, coalesce(b.so_far, 0) - coalesce(o.so_far, 0) "
            # A ticket that says it was finished before it was received is no earlier repair of itself.
            f"- CASE WHEN w.end_s < w.received_at_s AND w.{by} >= w.first THEN 1 ELSE 0 END AS found "
            f"FROM (SELECT s.*, {first} AS first FROM repairs_seen AS s "
            f"WHERE s.received_at_s IS NOT NULL AND {condition}) AS w "
            "ASOF LEFT JOIN repairs_by_end_s AS b ON w.serial_no = b.serial_no AND w.fault_code = b.fault_code "
            "AND w.received_at_s > b.ended "
            f"ASOF LEFT JOIN repairs_by_{by} AS o ON w.serial_no = o.serial_no AND w.fault_code = o.fault_code "
            "AND w.first > o.ended"
        )
        connection.execute(
            f"UPDATE tickets SET earlier_repairs = least({_MOST}, greatest(coalesce(earlier_repairs, 0), c.found)) "
            f"FROM ({counted}) AS c WHERE tickets.ticket_id = c.ticket_id"
        )
    for name in ("repairs_seen", "repairs_by_end_s", "repairs_by_end_day"):
        connection.execute(f"DROP TABLE {name}")


def _look_backs(policy: Policy, given: Allowance | None) -> Iterator[tuple[str, Allowance | None]]:
    """Yield each look-back with the condition on the day of the ticket under which it is the one in force."""
    parameter = policy.pack.settings.parameters.get(LOOK_BACK)
    if given is not None or parameter is None:
        yield "true", _checked(given)
        return
    editions = [(since, literal.value) for since, literal in parameter.values]
    for index, (since, value) in enumerate(editions):
        tests = [f"s.received_day >= {since}"] if index and since is not None else []
        if index + 1 < len(editions):
            tests.append(f"s.received_day < {editions[index + 1][0]}")
        yield " AND ".join(tests) or "true", _checked(value)


def _checked(value: object) -> Allowance | None:
    if value is None or (isinstance(value, Allowance) and value.unit in ("s", "days", "months")):
        return value
    template = message("the look-back for repeated repairs is not counted in working time")
    raise UsageError([problem("look-back", template, help=message("write it as in `90 days` or `12 months`"))])


def repeats(connection: Any, period: Period) -> dict[str, Any]:
    """Count the repairs of the period, and how many of them had been repaired before."""
    ((repairs, repeated),) = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE earlier_repairs > 0) FROM {TICKETS} "
        "WHERE serial_no IS NOT NULL AND fault_code IS NOT NULL "
        f"AND coalesce(finished_at_s, closed_at_s) IS NOT NULL AND {period.condition('request_day')}"
    ).fetchall()
    return {"repairs": repairs, "repeated": repeated, "rate_bp": share_of(repeated, repairs)}


def first_time_fixes(connection: Any, period: Period) -> dict[str, Any]:
    """Count the tickets of which is known whether the first attempt fixed them, and those that it did."""
    ((known, fixed),) = connection.execute(
        f"SELECT count(first_time_fixed), count(*) FILTER (WHERE first_time_fixed) FROM {TICKETS} "
        f"WHERE {period.condition('request_day')}"
    ).fetchall()
    return {"known": known, "fixed": fixed, "rate_bp": share_of(fixed, known)}


def share_of(part: int, whole: int) -> int | None:
    """Give a part of a whole in basis points, half up; None of nothing."""
    return None if whole == 0 else (2 * 10_000 * part + whole) // (2 * whole)
