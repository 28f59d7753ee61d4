"""Remedies: what a customer with faulty goods is entitled to: their return, an exchange, a repair.

A row may set a number of days: the request's day is one of them, the day from
which they are counted is not.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import TRUE, Expression, add, and_, at_most
from svc_policy.facts.registry import MILESTONES
from svc_policy.rules.family import Context, Family, Result, Row
from svc_policy.rules.listing import CHOSEN_BY
from svc_policy.rules.warranty import STARTS

REMEDIES = ("return", "exchange", "repair")
#: What days are counted from where a row does not say.
START = "delivered"


def build(context: Context) -> None:
    """Write which remedies are open; all of them are, side by side."""
    rows = context.rows("remedies")
    conditions = [and_(context.row_condition(row, "remedies", "ticket"), _in_time(context, row)) for row in rows]
    context.collect("remedies", "remedies", rows, conditions=conditions)


def _in_time(context: Context, row: Row) -> Expression:
    """Whether the request came within the days of a row."""
    days = row.results.get("days")
    if days is None:
        return TRUE
    start = context.subject(MILESTONES[row.text("starts") or START], "ticket", "remedies")
    request = context.subject("request_day", "ticket", "remedies")
    return at_most(request, add(start, context.cell(days, "remedies", "ticket")))


FAMILY = Family(
    name="remedies",
    zh="退换修",
    grain="ticket",
    policy="collect",
    governing="purchase",
    results=(
        Result("remedy", "text", "处理方式", required=True, values=REMEDIES),
        Result("days", "count", "天数"),
        Result("starts", "text", "起算", values=STARTS),
        CHOSEN_BY,
    ),
    build=build,
)
