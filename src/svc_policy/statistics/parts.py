"""Spare parts: what was used, and how many to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from svc_policy.rules.family import Row
from svc_policy.statistics.periods import TICKETS, Period, month_name
from svc_policy.statistics.rows import figure, parameters_on, rows_in_force, use_of
from svc_policy.tables import match
from svc_policy.tables.matching import all_of
from svc_policy.tables.records import Absence

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_USED = f"FROM parts AS p JOIN {TICKETS} AS t USING (ticket_id)"


def parts_used(connection: Any, period: Period) -> list[dict[str, Any]]:
    """Count the parts used, by part number and month of the work."""
    rows = connection.execute(
        f"SELECT p.part_no, {month_name('t.work_day')} AS month, CAST(sum(p.quantity) AS BIGINT) {_USED} "
        f"WHERE {period.condition('t.work_day')} GROUP BY 1, 2 "
        "ORDER BY p.part_no NULLS LAST, month NULLS LAST"
    ).fetchall()
    return [{"part_no": number, "month": month, "quantity": quantity} for number, month, quantity in rows]


def stock_levels(connection: Any, policy: Policy, period: Period, at_day: int) -> list[dict[str, Any]]:
    """Propose how many of each part to keep: a month's use, within the least and the most of its row of `stock`.

    So no more capital is tied up than the rule and the use ask for. `short` says
    that a month's use is more than the most. A month's use is that of the period
    divided by its months (else by those from the first use to the last), rounded
    up. Parts of key equipment come first, then by the row's priority, then by name.
    """
    rows = rows_in_force(policy, "stock", at_day)
    if not rows:
        return []
    used = connection.execute(
        f"SELECT p.part_no, p.part_class, bool_or(coalesce(t.key_equipment, false)) AS key_equipment, "
        f"CAST(sum(p.quantity) AS BIGINT), min({month_name('t.work_day')}), max({month_name('t.work_day')}) {_USED} "
        f"WHERE {period.condition('t.work_day')} GROUP BY 1, 2"
    ).fetchall()
    of_period = len(list(period.months()))
    found = []
    for number, part_class, is_key, quantity, first, last in used:
        months = of_period or _months_between(first, last)
        a_month = -(-quantity // months)
        row = _row_for(policy, rows, part_class, is_key, at_day)
        least, most, priority = (
            (figure(policy, row, name, at_day) if row else None) for name in ("least", "most", "priority")
        )
        level = max(a_month, least or 0)
        found.append(
            {
                "part_no": number,
                "part_class": part_class,
                "key_equipment": is_key,
                "used": quantity,
                "a_month": a_month,
                "least": least,
                "most": most,
                "priority": priority,
                "storage": row.text("storage") if row else None,
                "proposed": None if row is None else level if most is None else min(level, most),
                "short": most is not None and a_month > most,
                "rule": use_of(policy, "stock", row) if row else None,
            }
        )
    return sorted(
        found,
        key=lambda item: (
            not item["key_equipment"],
            item["priority"] is None,
            item["priority"] or 0,
            item["part_no"] or "",
            item["part_class"] or "",
        ),
    )


def _row_for(policy: Policy, rows: Sequence[Row], part_class: str | None, is_key: bool, day: int) -> Row | None:
    """Find the first row that holds; None where there is none, or where it is not known which it is."""
    values = parameters_on(policy, day)
    facts = {fact.name: fact for grain in ("ticket", "part") for fact in policy.pack.settings.facts[grain]}
    absence: dict[str, Absence] = {
        name: "unknown" if facts[name].asks else "none" for name in ("part_class", "key_equipment")
    }
    for row in rows:
        of = {"part_class": part_class, "key_equipment": is_key}
        holds = all_of(match(row.tests[name], of[name], absence[name], values) for name in of if name in row.tests)
        if holds is not False:
            return row if holds else None
    return None


def _months_between(first: str | None, last: str | None) -> int:
    if first is None or last is None:
        return 1
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:]) + 1
