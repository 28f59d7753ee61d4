"""The service itself: targets, penalties, approvals, what customers say, scores, and what is to be dispatched."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from svc_policy.facts.registry import TICKET
from svc_policy.rules.deadlines import STATUSES
from svc_policy.statistics.periods import TICKETS, Period, month_name
from svc_policy.statistics.repairs import share_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Row

_JOINED = f"FROM {TICKETS} AS t JOIN decisions AS d USING (ticket_id)"
_RATINGS = tuple(fact.name for fact in TICKET if fact.name.startswith("rated_"))


def targets(connection: Any, policy: Policy, period: Period) -> dict[str, dict[str, int]]:
    """Count the statuses of each target, in the order in which they are always told."""
    found = {}
    for target in policy.target_names():
        counted = dict(
            connection.execute(
                f"SELECT coalesce(d.{target}_status, 'undetermined'), count(*) {_JOINED} "
                f"WHERE {period.condition('t.request_day')} GROUP BY 1"
            ).fetchall()
        )
        found[target] = {status: counted[status] for status in STATUSES if status in counted}
    return found


def penalties(connection: Any, policy: Policy, period: Period) -> dict[str, Any]:
    """Add up the penalties, and count those whose figure somebody has still to decide.

    `undetermined` counts the tickets whose penalties cannot be told for want of facts.
    """
    there = _columns(connection, "decisions")
    where = f"WHERE {period.condition('t.request_day')}"
    found = {"tickets": 0, "least_minor": 0, "most_minor": 0, "undetermined": 0, "decided": 0, "undecided": 0}
    if "penalty_least" in there:
        (row,) = connection.execute(
            "SELECT count(*) FILTER (WHERE d.penalty_most > 0), "
            "CAST(coalesce(sum(d.penalty_least), 0) AS HUGEINT), CAST(coalesce(sum(d.penalty_most), 0) AS HUGEINT), "
            f"count(*) FILTER (WHERE d.penalty_least IS NULL) {_JOINED} {where}"
        ).fetchall()
        found |= dict(zip(("tickets", "least_minor", "most_minor", "undetermined"), map(int, row), strict=True))
    sources = {
        "late_penalties": ("decisions", _JOINED),
        "penalties": ("incident_decisions", f"FROM {TICKETS} AS t JOIN incident_decisions AS d USING (ticket_id)"),
    }
    for table, (of, joined) in sources.items():
        if f"{table}_fired" not in _columns(connection, of):
            continue
        rows = policy.plan.tables[table]
        open_ones = _mask(rows, lambda row: _is_penalty(row) and not _has_figure(row))
        settled = _mask(rows, lambda row: _is_penalty(row) and _has_figure(row))
        for name, mask in (("undecided", open_ones), ("decided", settled)):
            ((count,),) = connection.execute(
                f"SELECT coalesce(sum(bit_count(d.{table}_fired & {mask})), 0) {joined} {where}"
            ).fetchall()
            found[name] += int(count)
    return found


def approvals(connection: Any, policy: Policy, period: Period) -> list[dict[str, Any]]:
    """Count the approvals that are required, by approver and subject, and those on tickets that are still open."""
    if "approvals_fired" not in _columns(connection, "decisions"):
        return []
    counted: dict[tuple[str, str], list[int]] = {}
    for bit, row in enumerate(policy.plan.tables["approvals"]):
        ((required, waiting),) = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE t.closed_at_s IS NULL) {_JOINED} "
            f"WHERE (d.approvals_fired >> {bit}) & 1 = 1 AND {period.condition('t.request_day')}"
        ).fetchall()
        if required:
            sums = counted.setdefault((row.text("approver") or "", row.text("subject") or ""), [0, 0])
            sums[0] += required
            sums[1] += waiting
    ordered = sorted(counted.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    return [
        {"approver": approver, "subject": subject, "required": sums[0], "waiting": sums[1]}
        for (approver, subject), sums in ordered
    ]


def surveys(connection: Any, period: Period) -> dict[str, Any]:
    """Count what customers said: satisfaction, reasons of dissatisfaction, and how many were asked at all."""
    where = period.condition("request_day")
    stated = " OR ".join(f"{name} IS NOT NULL" for name in ("satisfaction", *_RATINGS))
    ((tickets, surveyed, unfinished),) = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {stated}), "
        f"count(*) FILTER (WHERE finished_at_s IS NULL AND closed_at_s IS NULL) FROM {TICKETS} WHERE {where}"
    ).fetchall()
    found: dict[str, Any] = {
        "tickets": tickets,
        "surveyed": surveyed,
        "unfinished": unfinished,
        "rate_bp": share_of(surveyed, tickets),
    }
    for fact in TICKET:
        if fact.name in ("satisfaction", "dissatisfied_with"):
            counted = dict(
                connection.execute(
                    f"SELECT {fact.name}, count(*) FROM {TICKETS} WHERE {fact.name} IS NOT NULL AND {where} GROUP BY 1"
                ).fetchall()
            )
            found[fact.name] = {value: counted.get(value, 0) for value in fact.values}
    return found


def scores(connection: Any, period: Period) -> list[dict[str, Any]]:
    """Give each technician's score of each month: the mean of the tickets' scores, in basis points, half up."""
    if "appraisal_score" not in _columns(connection, "decisions"):
        return []
    month = month_name("t.request_day")
    rows = connection.execute(
        f"SELECT t.technician, {month} AS month, count(*), CAST(sum(d.appraisal_score) AS BIGINT) {_JOINED} "
        f"WHERE d.appraisal_score IS NOT NULL AND {period.condition('t.request_day')} "
        "GROUP BY 1, 2 ORDER BY t.technician NULLS LAST, month NULLS LAST"
    ).fetchall()
    return [
        {"technician": name, "month": of, "tickets": count, "score_bp": (2 * total + count) // (2 * count)}
        for name, of, count, total in rows
    ]


def dispatch_order(connection: Any, policy: Policy, at_s: int, at_day: int) -> list[dict[str, Any]]:
    """List what is received and not dispatched, in the order in which it is to be: carried over first, then by time.

    Tickets that are finished, closed or solved by telephone need nobody to set out.
    """
    rows = connection.execute(
        f"SELECT ticket_id, received_at_s, request_day < {at_day} AS carried_over FROM {TICKETS} "
        f"WHERE received_at_s <= {at_s} AND coalesce(dispatched_at_s > {at_s}, true) AND finished_at_s IS NULL "
        "AND closed_at_s IS NULL AND NOT coalesce(solved_by_telephone, false) "
        "ORDER BY carried_over DESC, received_at_s, ticket_id"
    ).fetchall()
    return [
        {
            "ticket_id": ticket,
            "received_at": datetime.fromtimestamp(received, UTC).astimezone(policy.zone).isoformat(),
            "carried_over": carried,
        }
        for ticket, received, carried in rows
    ]


def _columns(connection: Any, table: str) -> set[str]:
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall():
        return set()
    return {str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()}


def _mask(rows: tuple[Row, ...], holds: Any) -> int:
    return sum(1 << index for index, row in enumerate(rows) if holds(row))


def _is_penalty(row: Row) -> bool:
    return row.text("outcome") != "finding"


def _has_figure(row: Row) -> bool:
    return any(row.results.get(name) is not None for name in ("amount", "amount of", "least", "most"))
