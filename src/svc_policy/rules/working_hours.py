"""Working hours: whether an instant lies in them, for the tables that ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from svc_policy.expressions.nodes import Expression, add, constant, equal, strict, subtract
from svc_policy.rules.family import Row

#: Whether the request was received in working hours, for every table after intake.
RECEIVED = "received_in_working_hours"
#: Whether an incident happened in working hours.
HAPPENED = "in_working_hours"


def lies_in_working_hours(instant: Expression) -> Expression:
    """Write whether the second that begins at `instant` is a working one; unknown where the instant is."""
    second = subtract(strict("work_before", add(instant, constant(1))), strict("work_before", instant))
    return equal(second, constant(1))


def asks(rows: Iterable[Row], name: str) -> bool:
    """Say whether a row has a condition on `name`."""
    return any(name in row.tests and not row.tests[name].any for row in rows)


def asked_anywhere(rows: Mapping[str, Sequence[Row]], name: str) -> bool:
    """Say whether a row of any table has a condition on `name`."""
    return any(asks(table, name) for table in rows.values())
