"""The impact by month, by category and by zone: how many tickets change, what they pay, how many are late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from svc_policy.diff.measures import Measure, Variant

BREAKDOWNS: Final = ("month", "category", "zone")
#: The amount that is shown: what the customer pays, else the nearest that can change.
_AMOUNTS: Final = ("payable", "total", "penalty_most")


@attrs.frozen(kw_only=True)
class BreakdownRow:
    """The tickets of one month, category or zone: before and after; money in minor units."""

    name: str
    tickets: int
    changed: int
    before: int
    after: int
    late_before: int
    late_after: int


@attrs.define(kw_only=True)
class Breakdown:
    """A way to divide the tickets: `name`, the amount that is shown, and its rows once they are added up."""

    name: str
    amount: str | None
    group: str
    joined: str
    sums: tuple[str, ...]
    with_late: bool
    found: dict[str, list[int]] = attrs.field(factory=dict)

    @property
    def reads(self) -> Sequence[str]:
        """The SQL in which decided columns are named."""
        return (self.group, *self.sums)

    @property
    def rows(self) -> tuple[BreakdownRow, ...]:
        """The rows in the order of their names; tickets that belong to none come last, under no name."""
        return tuple(
            BreakdownRow(
                name=name,
                tickets=of[0],
                changed=of[1],
                before=of[2],
                after=of[3],
                late_before=of[4],
                late_after=of[5],
            )
            for name, of in sorted(self.found.items(), key=lambda item: (item[0] == "", item[0]))
        )

    def add(self, connection: Any, source: str, inside: str, changed: str | None, *, as_it_was: bool) -> None:
        """Add the tickets that are decided now; where they stay as they were, only that has been decided."""
        amount, new_amount, late, new_late = self.sums
        listed = (amount, amount, late, late) if as_it_was else (amount, new_amount, late, new_late)
        sums = ", ".join(f"sum({item})" for item in listed)
        rows = connection.execute(
            f"SELECT coalesce({self.group}, '') AS name, count(*), sum({changed or 0}), {sums} "
            f"FROM {source}{self.joined} WHERE {inside} GROUP BY 1"
        ).fetchall()
        for name, *values in rows:
            of = self.found.setdefault(str(name), [0] * len(values))
            for index, value in enumerate(values):
                of[index] += int(value or 0)


def read_breakdowns(old: Variant, new: Variant, measures: Sequence[Measure], connection: Any) -> tuple[Breakdown, ...]:
    """Choose how the tickets are divided: by zone where the policy or the tickets have any."""
    money = {measure.name: measure for measure in measures if measure.kind == "money"}
    amount = next((name for name in _AMOUNTS if name in money), None)
    late = [measure for measure in measures if measure.kind == "late"]
    owned = [[money[amount]] if amount else [], late]
    sums = tuple(
        " + ".join(own for measure in of if measure.own and (own := measure.own(each))) or "0"
        for of in owned
        for each in (old, new)
    )
    table = old.table
    tickets = f" JOIN main.tickets AS r ON r.ticket_id = {table}.ticket_id"
    groups: list[tuple[str, str, str]] = []
    if day := old.column("request_day"):
        month = f"strftime(CAST(DATE '1970-01-01' + CAST({day} AS INTEGER) AS DATE), '%Y-%m')"
        groups.append(("month", month, ""))
    if category := old.column("category"):
        groups.append(("category", category, ""))
    if zone := old.column("service_zone"):
        groups.append(("zone", zone, ""))
    elif connection.execute("SELECT 1 FROM main.tickets WHERE zone IS NOT NULL LIMIT 1").fetchall():
        groups.append(("zone", "r.zone", tickets))
    return tuple(
        Breakdown(name=name, amount=amount, group=group, joined=joined, sums=sums, with_late=bool(late))
        for name, group, joined in groups
    )
