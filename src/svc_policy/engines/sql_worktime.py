"""Working time in SQL: expression trees over the tables of a calendar.

The tables come from `worktime.sql_tables`, whose head gives their columns and
formulas. A clock names them; the planner joins a row of each where it needs one
and takes the rest as expressions:

    tables = calendar_tables(calendar)         # load its four tables, name them as you like
    shape = tables.shape
    day = day_key(shape, received_at)          # ... LEFT JOIN office_days AS d ON d.day = <day>
    reached = work_before(shape, received_at, "d")
    target = target_work(reached, need, held, open_hold)
    second = target_second(target, need)       # name target and second in a layer of their own
    work = work_key(shape, second)             # ... LEFT JOIN office_work AS w ON w.work = <work>
    due = due_at(shape, received_at, need, target, second, "w")

    date = local_day(shape, received_at, "d")  # ... LEFT JOIN office_local_days AS l ON l.local_day = <date>
    ordinal = plus(workdays_reached(n, "l"), n)  # ... LEFT JOIN office_workdays AS o ON o.ordinal = <ordinal>
    due = workday_due_at(received_at, n, ordinal, "o")

For N calendar days, join `local_days` on `local_day = <date> + N` and take its
`last_second`. `held` and `open_hold` come from `sql_holds.hold_chain`, which
also has the whole of this as one query, `due_query`.

Instants are BIGINT seconds since 1970-01-01T00:00Z. Left joins find no row
outside a calendar's validity, so everything there is null, as it is for null
arguments: no expression turns a null into a value. No division is used (its
meaning differs between databases), no GREATEST and LEAST (they skip nulls in
some), and instants are repeated inside an expression, so pass columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import attrs
from sqlglot import exp

from svc_policy.worktime.sql_tables import CalendarShape

Node = Any
"""A sqlglot expression; every function copies what it is given."""

DAY: Final = 86_400


@attrs.frozen(kw_only=True)
class WorkingClock:
    """Counts working seconds; names the tables `days` and `work`."""

    shape: CalendarShape
    days: str
    work: str


@attrs.frozen(kw_only=True)
class WorkdayClock:
    """Counts working days; names the tables `days`, `local_days` and `workdays`."""

    shape: CalendarShape
    days: str
    local_days: str
    workdays: str


@attrs.frozen
class AbsoluteClock:
    """Counts every second; needs no table."""


Clock = WorkingClock | WorkdayClock | AbsoluteClock


# --- from an instant


def day_key(shape: CalendarShape, instant: Node) -> Node:
    """Find the `day` of an instant's row in `days`; null outside the calendar's validity."""
    inside = both(
        exp.GTE(this=instant.copy(), expression=number(shape.first)),
        exp.LTE(this=instant.copy(), expression=number(shape.last)),
    )
    since = exp.paren(minus(instant, number(shape.origin)))
    return case([(inside, minus(instant, exp.Mod(this=since, expression=number(DAY))))])


def work_before(shape: CalendarShape, instant: Node, days: str) -> Node:
    """Count the working seconds before an instant, from its row in `days`."""
    parts = []
    for index in range(1, shape.intervals + 1):
        opens, closes = exp.column(f"open_{index}", days), exp.column(f"close_{index}", days)
        parts.append(
            case(
                [
                    (exp.LTE(this=instant.copy(), expression=opens), number(0)),
                    (exp.GTE(this=instant.copy(), expression=closes), minus(closes, opens)),
                ],
                minus(instant, opens),
            )
        )
    return total(exp.column("worked", days), parts)


def local_day(shape: CalendarShape, instant: Node, days: str) -> Node:
    """Find the local date of an instant, in days since 1970-01-01, from its row in `days`."""
    return total(
        exp.column("local_day", days),
        [
            case(
                [
                    (
                        exp.GTE(this=instant.copy(), expression=exp.column(f"step_at_{index}", days)),
                        exp.column(f"step_{index}", days),
                    )
                ],
                number(0),
            )
            for index in range(1, shape.steps + 1)
        ],
    )


def workdays_begun(shape: CalendarShape, instant: Node, days: str) -> Node:
    """Count the working days that opened before an instant, from its row in `days`."""
    return total(
        exp.column("begun", days),
        [
            case(
                [(exp.LT(this=exp.column(f"begin_at_{index}", days), expression=instant.copy()), number(1))], number(0)
            )
            for index in range(1, shape.begins + 1)
        ],
    )


def workdays_ended(shape: CalendarShape, instant: Node, days: str) -> Node:
    """Count the working days that closed at or before an instant, from its row in `days`."""
    return total(
        exp.column("ended", days),
        [
            case([(exp.LTE(this=exp.column(f"end_at_{index}", days), expression=instant.copy()), number(1))], number(0))
            for index in range(1, shape.ends + 1)
        ],
    )


# --- back to an instant


def target_work(reached: Node, need: Node, held: Node | None = None, open_hold: Node | None = None) -> Node:
    """Find where on its axis an allowance is used up; null where an open hold leaves no answer.

    `held` and `open_hold` come from a left join of the hold chain; null there
    means that nothing is held.
    """
    target = plus(reached, need)
    if held is not None:
        target = plus(target, exp.func("COALESCE", held.copy(), number(0)))
    if open_hold is None:
        return target
    return case([(exp.EQ(this=exp.func("COALESCE", open_hold.copy(), number(0)), expression=number(0)), target)])


def target_second(target: Node, need: Node, *, roll: bool = False) -> Node:
    """Find the working second whose row in `work` holds the answer.

    Staying at a closing, it is the last second worked, backwards the first;
    rolling on, the other way round.
    """
    before = minus(target, number(1))
    if roll:
        return case([(exp.LT(this=need.copy(), expression=number(0)), before)], target)
    return case([(exp.GT(this=need.copy(), expression=number(0)), before)], target)


def work_key(shape: CalendarShape, second: Node) -> Node:
    """Find the `work` of a working second's row in `work`; null outside the calendar."""
    inside = both(
        exp.GTE(this=second.copy(), expression=number(0)), exp.LT(this=second.copy(), expression=number(shape.total))
    )
    return case([(inside, minus(second, exp.Mod(this=exp.paren(second.copy()), expression=number(shape.bucket))))])


def work_inverse(shape: CalendarShape, target: Node, second: Node, work: str) -> Node:
    """Find the instant at which the work `target` is reached, from the row of `second` in `work`."""

    def at(index: int) -> Node:
        inside = exp.paren(minus(target, exp.column(f"worked_{index}", work)))
        return plus(exp.column(f"opens_{index}", work), inside)

    later = range(shape.candidates, 1, -1)
    branches = [
        (exp.GTE(this=second.copy(), expression=exp.column(f"worked_{index}", work)), at(index)) for index in later
    ]
    return case(branches, at(1))


def due_at(
    shape: CalendarShape, start: Node, need: Node, target: Node, second: Node, work: str, *, stay: bool = True
) -> Node:
    """Find the due instant, from the row of `second` in `work`; to stay, zero is the start."""
    inverse = work_inverse(shape, target, second, work)
    if not stay:
        return inverse
    zero = both(exp.EQ(this=need.copy(), expression=number(0)), known(target))
    return case([(zero, start.copy())], inverse)


def workdays_reached(need: Node, local_days: str) -> Node:
    """Find the ordinal that working days are counted from, from the start's row in `local_days`.

    Add the number of days for the ordinal in `workdays`. The start's own date
    is not counted, forwards or backwards.
    """
    until = exp.column("workdays", local_days)
    before = plus(minus(until, exp.column("is_workday", local_days)), number(1))
    return case([(exp.LT(this=need.copy(), expression=number(0)), before)], until)


def workday_due_at(start: Node, need: Node, target: Node, workdays: str) -> Node:
    """Find the due closing, from the row of the ordinal `target` in `workdays`; zero is the start."""
    zero = both(exp.EQ(this=need.copy(), expression=number(0)), known(target))
    return case([(zero, start.copy())], exp.column("closes_at", workdays))


def join_row(query: Node, table: str, alias: str, column: str, key: Node, *, kind: str = "left") -> Node:
    """Join the row of a calendar table whose `column` equals `key`."""
    on = exp.EQ(this=exp.column(column, alias), expression=key.copy())
    return query.join(exp.to_table(table).as_(alias), on=on, join_type=kind)


# --- nodes


def number(value: int) -> Node:
    """Write an integer; a negative one in parentheses."""
    literal = exp.Literal.number(abs(value))
    return literal if value >= 0 else exp.paren(exp.Neg(this=literal))


def plus(left: Node, right: Node) -> Node:
    """Add."""
    return exp.Add(this=_operand(left), expression=_operand(right))


def minus(left: Node, right: Node) -> Node:
    """Subtract."""
    return exp.Sub(this=_operand(left), expression=_operand(right))


def total(first: Node, more: Sequence[Node]) -> Node:
    """Add up; null if one of them is."""
    return reduce(plus, more, first.copy())


def case(branches: Sequence[tuple[Node, Node]], otherwise: Node | None = None) -> Node:
    """Choose by the first condition that holds; null without one if there is no `otherwise`."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return exp.Case(ifs=ifs, default=None if otherwise is None else otherwise.copy())


def known(value: Node) -> Node:
    """Tell whether a value is not null."""
    return exp.Not(this=exp.Is(this=_operand(value), expression=exp.null()))


def bigint(value: Node) -> Node:
    """Bring a sum back to 64 bits; databases widen it."""
    return exp.cast(value, "bigint")


def as_(value: Node, name: str) -> Node:
    """Name a column."""
    return exp.alias_(value.copy(), name)


def _operand(value: Node) -> Node:
    node = value.copy()
    return exp.paren(node) if isinstance(node, exp.Binary) else node


def both(left: Node, right: Node) -> Node:
    """Join two conditions with AND."""
    return exp.And(this=left, expression=right)


def either(left: Node, right: Node) -> Node:
    """Join two conditions with OR."""
    return exp.Or(this=left, expression=right)


def columns_of(names: Sequence[str], table: str | None = None) -> list[Node]:
    """List columns, of `table` if given."""
    return [exp.column(name, table) for name in names]


def over_earlier(value: Node, keys: Sequence[str], order: Sequence[str], *, including_own: bool = False) -> Node:
    """Aggregate over the rows of the same key before this one, in an order without ties that matter."""
    own = {"end": "CURRENT ROW"} if including_own else {"end": number(1), "end_side": "PRECEDING"}
    return exp.Window(
        this=value,
        partition_by=columns_of(keys),
        order=exp.Order(
            expressions=[exp.Ordered(this=exp.column(name), desc=False, nulls_first=False) for name in order]
        ),
        spec=exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", **own),
    )
