"""Procedures: ordered steps, who owns each, and which comes next given what has been done.

A step is done once the fact that ends it is there (a milestone, a date, a text)
or true. The next step of a procedure is the first in its order that is not done.
"""

from __future__ import annotations

from collections.abc import Sequence

from svc_policy.expressions.nodes import (
    FALSE,
    ZERO,
    Expression,
    and_,
    bit_or,
    certainly,
    choose,
    constant,
    is_present,
    not_,
    or_,
)
from svc_policy.rules.family import Context, Family, Result, Row
from svc_policy.rules.listing import CHOSEN_BY
from svc_policy.units import Literal


def build(context: Context) -> None:
    """Write which steps there are, and the masks `procedures_done` and `procedures_next`."""
    rows = context.rows("procedures")
    if not rows:
        return
    conditions = context.collect("procedures", "procedures", rows)
    done = [_done(context, row) for row in rows]
    # A step that is only possible neither is the next one nor keeps another from being it.
    open_ = [and_(certainly(condition), not_(ended)) for condition, ended in zip(conditions, done, strict=True)]
    next_ = [
        and_(item, not_(or_(*(open_[other] for other in _before(rows, index))))) for index, item in enumerate(open_)
    ]
    context.compute(
        "procedures_done", _mask([and_(certainly(one), two) for one, two in zip(conditions, done, strict=True)])
    )
    context.compute("procedures_next", _mask(next_))


def _done(context: Context, row: Row) -> Expression:
    fact = row.text("done")
    if fact is None:
        return FALSE
    subject = context.subject(fact, "ticket", "procedures")
    return certainly(subject) if subject.type == "bool" else is_present(subject)


def _before(rows: Sequence[Row], index: int) -> list[int]:
    """List the rows of the same procedure that come before one: a lower order, or the same and higher up."""
    own = rows[index]
    return [
        other
        for other, row in enumerate(rows)
        if row.text("procedure") == own.text("procedure") and (_order(row), other) < (_order(own), index)
    ]


def _order(row: Row) -> int:
    cell = row.results["order"]
    assert isinstance(cell, Literal) and isinstance(cell.value, int)
    return cell.value


def _mask(conditions: Sequence[Expression]) -> Expression:
    return bit_or(*(choose(item, constant(1 << index), ZERO) for index, item in enumerate(conditions)))


FAMILY = Family(
    name="procedures",
    zh="办理程序",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(
        Result("procedure", "text", "程序", required=True),
        Result("step", "text", "步骤", required=True),
        Result("owner", "role", "负责人", required=True),
        Result("order", "count", "顺序", required=True),
        Result("done", "text", "完成标志"),
        CHOSEN_BY,
    ),
    build=build,
)
