"""What depends on many tickets, computed once over tickets and their decisions in a DuckDB connection.

    import duckdb
    from svc_policy import load
    from svc_policy.batch import decide_batch, insert_tickets
    from svc_policy.statistics import count_earlier_repairs, month, statistics

    policy, connection = load("campus"), duckdb.connect()
    insert_tickets(connection, policy, tickets)
    count_earlier_repairs(connection, policy)          # a fact that later decisions read
    decide_batch(policy, connection, at_s=1793491200)
    statistics(connection, policy, at_s=1793491200, period=month("2026-10"))

Amounts are whole minor units, shares basis points rounded half up, months texts
as `2026-10`. A rate of nothing is null. See ``docs/report.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.errors import TicketError, problem
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import message
from svc_policy.statistics.causes import by_class, rankings
from svc_policy.statistics.costs import costs, undated_costs
from svc_policy.statistics.parts import parts_used, stock_levels
from svc_policy.statistics.periods import TICKETS, Period, make_tickets, month, period_of, year
from svc_policy.statistics.repairs import LOOK_BACK, count_earlier_repairs, first_time_fixes, repeats
from svc_policy.statistics.service import approvals, dispatch_order, penalties, scores, surveys, targets
from svc_policy.units.days import format_day

if TYPE_CHECKING:
    from svc_policy.policy import Policy

__all__ = ["LOOK_BACK", "Period", "count_earlier_repairs", "month", "of_tickets", "period_of", "statistics", "year"]


def statistics(connection: Any, policy: Policy, *, at_s: int, period: Period | None = None) -> dict[str, Any]:
    """Compute every statistic over the tickets of a period, or over all of them.

    Args:
        connection: Holds the tables of tickets, and those of their decisions at `at_s`.
        policy: The policy that decided them.
        at_s: The instant of the decisions, in epoch seconds.
        period: The days that count; all of them unless given.
    """
    period = period or Period()
    at = policy.instant(at_s)
    assert at is not None
    at_day = policy.clocks.local_day(at_s)
    make_tickets(connection, policy)
    counts = (
        f"count(*) FILTER (WHERE {period.condition('request_day')}), count(*) FILTER (WHERE request_day IS NULL), "
        "count(*)"
    )
    ((tickets, undated, everything),) = connection.execute(f"SELECT {counts} FROM {TICKETS}").fetchall()
    ((there,),) = connection.execute("SELECT count(*) FROM tickets").fetchall()
    return {
        "schema": 1,
        "policy": {"id": policy.id, "digest": policy.digest},
        "at": at.isoformat(),
        "from": None if period.first is None else format_day(period.first),
        "until": None if period.last is None else format_day(period.last),
        "currency": policy.pack.settings.currency,
        "tickets": tickets,
        "all_tickets": everything,
        "undated": undated,
        "outside_calendar": there - everything,
        "targets": targets(connection, policy, period),
        "repeats": repeats(connection, period),
        "first_time_fix": first_time_fixes(connection, period),
        "rankings": rankings(connection, period),
        "causes": by_class(connection, period),
        "parts": parts_used(connection, period),
        "stock": stock_levels(connection, policy, period, at_day),
        "costs": costs(connection, policy, period, at_day),
        "undated_costs": undated_costs(connection, policy),
        "penalties": penalties(connection, policy, period),
        "approvals": approvals(connection, policy, period),
        "survey": surveys(connection, period),
        "appraisals": scores(connection, period),
        "dispatch": dispatch_order(connection, policy, at_s, at_day),
    }


def of_tickets(
    policy: Policy, tickets: Iterable[Ticket | Mapping[str, object]], *, at_s: int, period: Period | None = None
) -> dict[str, Any]:
    """Decide tickets at an instant, earlier repairs counted among them, and compute their statistics.

    Raises:
        TicketError: A ticket cannot be read, or two have one name.
        UsageError: The extra `batch` is not installed.
    """
    from svc_policy.batch import decide_batch, insert_tickets, require

    read: dict[str, Ticket] = {}
    for number, given in enumerate(tickets, start=1):
        ticket = given if isinstance(given, Ticket) else policy.ticket(given)
        name = ticket.ticket_id or str(number)
        if name in read:
            raise TicketError([problem("ticket-twice", message("there are two tickets `{name}`", name=name))])
        read[name] = ticket if ticket.ticket_id else attrs.evolve(ticket, ticket_id=name)
    connection = require("duckdb").connect()
    try:
        insert_tickets(connection, policy, read.values())
        count_earlier_repairs(connection, policy)
        decide_batch(policy, connection, at_s=at_s)
        return statistics(connection, policy, at_s=at_s, period=period)
    finally:
        connection.close()
