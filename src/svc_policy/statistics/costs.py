"""Costs by kind and month against the yearly budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from svc_policy.rules.budgets import is_cost
from svc_policy.statistics.periods import TICKETS, Period, month_name
from svc_policy.statistics.rows import figure, rows_in_force, use_of
from svc_policy.units.days import date_of, day_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy

State = Literal["no budget", "within", "warn", "over"]


def state_of(spent: int, budget: int | None, months: int, warn: int | None) -> State:
    """Say how costs stand against so many twelfths of a yearly budget.

    They are over what they exceed, and a warning is given from the share `warn`
    (basis points) on. Nothing is rounded: both sides are multiplied out.
    """
    if budget is None:
        return "no budget"
    if 12 * spent > budget * months:
        return "over"
    if warn is not None and 12 * 10_000 * spent >= warn * budget * months:
        return "warn"
    return "within"


def costs(connection: Any, policy: Policy, period: Period, at_day: int) -> list[dict[str, Any]]:
    """Add up the costs of each kind and year that the period touches, from January on, month by month.

    The last year is reckoned up to the last month of the period, or up to the
    month of `at_day` where the period is not over; other years up to December.
    A kind without costs and without a budget is left out.
    """
    # A period that is not over yet is reckoned as far as it has come.
    last = date_of(at_day if period.last is None or (period.first or at_day) <= at_day < period.last else period.last)
    kinds = [fact.name for fact in policy.pack.settings.facts["ticket"] if is_cost(fact)]
    spent: dict[tuple[str, int], dict[int, int]] = {}
    until = f"work_day <= {period.last}" if period.last is not None else "true"
    for kind in kinds:
        for month, amount in connection.execute(
            f"SELECT {month_name('work_day')} AS month, CAST(sum({kind}_minor) AS HUGEINT) FROM {TICKETS} "
            f"WHERE {kind}_minor IS NOT NULL AND work_day IS NOT NULL AND {until} GROUP BY 1"
        ).fetchall():
            spent.setdefault((kind, int(month[:4])), {})[int(month[5:])] = int(amount)
    budgets = _budgets(policy)
    first_year = None if period.first is None else date_of(period.first)[0]
    years = {year for _, year in spent} | ({first_year, last[0]} if first_year is not None else set())
    found = []
    for kind in kinds:
        for year in sorted(years):
            months = spent.get((kind, year), {})
            amount, warn, rule = budgets.get((kind, year), (None, None, None))
            if year > last[0] or (first_year is not None and year < first_year) or (amount is None and not months):
                continue
            through = last[1] if year == last[0] else 12
            total = sum(value for month, value in months.items() if month <= through)
            found.append(
                {
                    "kind": kind,
                    "year": year,
                    "budget_minor": amount,
                    "warn_bp": warn,
                    "rule": rule,
                    "through": f"{year:04}-{through:02}",
                    "due_minor": None if amount is None else (2 * amount * through + 12) // 24,
                    "spent_minor": total,
                    "state": state_of(total, amount, through, warn),
                    "over_year": amount is not None and total > amount,
                    "months": [
                        {
                            "month": f"{year:04}-{month:02}",
                            "spent_minor": months.get(month, 0),
                            "state": state_of(months.get(month, 0), amount, 1, warn),
                        }
                        for month in range(1, through + 1)
                    ],
                }
            )
    return found


def undated_costs(connection: Any, policy: Policy) -> int:
    """Count the tickets that state a cost but nothing that says when."""
    stated = [f"{fact.name}_minor IS NOT NULL" for fact in policy.pack.settings.facts["ticket"] if is_cost(fact)]
    ((count,),) = connection.execute(
        f"SELECT count(*) FROM {TICKETS} WHERE work_day IS NULL AND ({' OR '.join(stated)})"
    ).fetchall()
    return int(count)


def _budgets(policy: Policy) -> dict[tuple[str, int], tuple[int, int | None, dict[str, Any]]]:
    """Read the budgets by kind and year, as they are on the first day of their year."""
    found: dict[tuple[str, int], tuple[int, int | None, dict[str, Any]]] = {}
    for row in policy.pack.rows.get("budgets", ()):
        # Which year a row is of may itself be a parameter; those do not change within a year.
        year = figure(policy, row, "year", 0) or 0
        day = day_of(max(year, 1), 1, 1)
        amount = figure(policy, row, "amount", day)
        if row in rows_in_force(policy, "budgets", day) and amount is not None:
            use = use_of(policy, "budgets", row)
            found[row.text("kind") or "", year] = (amount, figure(policy, row, "warn", day), use)
    return found
