"""Holds in SQL: the sum of overlapping holds by a window and a sum, and the whole due query.

    due_query(clock, keys=("ticket_id",), starts="starts", holds="holds").sql("duckdb")

    starts (keys, start_at, need): one row a key; need in working seconds,
        working days or seconds, as the clock counts; with holds not negative
    holds (keys, begins_at, ends_at): ends_at is null while the hold is open,
        begins_at never is; they may overlap, nest and begin before the start
    → (keys, due_at, open_hold): open_hold is 1 where an open hold leaves no due

A planner with layers of its own takes `hold_chain` for `held` and `open_hold`
and goes on as the head of `sql_worktime` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Final

from sqlglot import exp

from svc_policy.engines.sql_worktime import (
    AbsoluteClock,
    Clock,
    Node,
    WorkdayClock,
    WorkingClock,
    as_,
    bigint,
    both,
    case,
    columns_of,
    day_key,
    due_at,
    either,
    join_row,
    local_day,
    minus,
    number,
    over_earlier,
    plus,
    target_second,
    target_work,
    work_before,
    work_key,
    workday_due_at,
    workdays_begun,
    workdays_ended,
    workdays_reached,
)

# Later than any instant, and small enough to be added up.
FAR: Final = 2**53


def hold_chain(clock: Clock, *, keys: Sequence[str], starts: str, holds: str, prefix: str) -> list[tuple[str, Node]]:
    """Build the CTEs that sum up the holds of each key on the axis of a clock.

    Each hold is trimmed by the latest end of those before it and put on the
    axis; `counted` is what was used of the allowance when it began. Those that
    began before the allowance was used up delay the due by their length.

    Args:
        clock: what is counted.
        keys: the columns that starts and holds are joined on; named unlike the columns above.
        starts: the table or CTE (keys, start_at, need); one row a key.
        holds: the table or CTE (keys, begins_at, ends_at).
        prefix: what the names of the CTEs begin with.

    Returns:
        Names and queries in order; the last is `<prefix>_held` with the columns
        keys, `held` (in the clock's unit, never null) and `open_hold` (1 or 0).
        A key without a hold has no row: join left.
    """
    if isinstance(clock, WorkdayClock):
        steps = _workday_spans(clock, keys, starts, holds, prefix)
    else:
        steps = _second_spans(clock, keys, starts, holds, prefix)
    counts = exp.LT(this=exp.column("counted"), expression=exp.column("need"))
    is_open = exp.EQ(this=exp.column("is_open"), expression=number(1))
    held = [
        as_(bigint(exp.Sum(this=case([(counts, exp.column("held_time"))], number(0)))), "held"),
        as_(exp.Max(this=case([(both(is_open, counts.copy()), number(1))], number(0))), "open_hold"),
    ]
    steps.append(
        ("held", exp.select(*columns_of(keys), *held).from_(_table(prefix, "counted")).group_by(*columns_of(keys)))
    )
    return [(f"{prefix}_{name}", query) for name, query in steps]


def _second_spans(
    clock: WorkingClock | AbsoluteClock, keys: Sequence[str], starts: str, holds: str, prefix: str
) -> list[tuple[str, Node]]:
    """Trim the holds and lay them on an axis of seconds."""
    start_at, begins_at, ends_at = exp.column("start_at", "s"), exp.column("begins_at", "h"), exp.column("ends_at", "h")
    last = number(FAR if isinstance(clock, AbsoluteClock) else clock.shape.last)
    clipped = _joined(
        [
            *columns_of(keys, "s"),
            start_at,
            exp.column("need", "s"),
            as_(
                case(
                    [
                        (exp.LT(this=begins_at, expression=start_at), start_at),
                        (exp.GT(this=begins_at, expression=last), last),
                    ],
                    begins_at,
                ),
                "begin_at",
            ),
            *_clipped_end(ends_at, last),
        ],
        keys,
        starts,
        holds,
        after=start_at,
    )
    earlier = exp.Max(this=exp.column("end_at"))
    with_earlier = exp.select(
        exp.Star(), as_(over_earlier(earlier, keys, ("begin_at", "end_at", "is_open")), "earlier_end")
    ).from_(_table(prefix, "clipped"))
    begin = case(
        [(exp.GT(this=exp.column("earlier_end"), expression=exp.column("begin_at")), exp.column("earlier_end"))],
        exp.column("begin_at"),
    )
    carried = [*columns_of(keys), *columns_of(("start_at", "need", "end_at", "is_open"))]
    trimmed = (
        exp.select(*carried, as_(begin, "begin_at"))
        .from_(_table(prefix, "ordered"))
        .where(
            either(
                exp.EQ(this=exp.column("is_open"), expression=number(1)),
                exp.GT(this=exp.column("end_at"), expression=begin.copy()),
            )
        )
    )
    start, begins, ends = (exp.column(name, "t") for name in ("start_at", "begin_at", "end_at"))
    if isinstance(clock, AbsoluteClock):
        placed = exp.select(
            *columns_of([*keys, "need", "is_open"], "t"),
            as_(start, "start_on_axis"),
            as_(begins, "begin_on_axis"),
            as_(ends, "end_on_axis"),
        ).from_(_table(prefix, "trimmed").as_("t"))
    else:
        shape = clock.shape
        placed = exp.select(
            *columns_of([*keys, "need", "is_open"], "t"),
            as_(work_before(shape, start, "ds"), "start_on_axis"),
            as_(work_before(shape, begins, "db"), "begin_on_axis"),
            as_(work_before(shape, ends, "de"), "end_on_axis"),
        ).from_(_table(prefix, "trimmed").as_("t"))
        for alias, instant in (("ds", start), ("db", begins), ("de", ends)):
            placed = join_row(placed, clock.days, alias, "day", day_key(shape, instant), kind="inner")
    begin_on_axis, end_on_axis = exp.column("begin_on_axis"), exp.column("end_on_axis")
    measured = exp.select(
        *columns_of([*keys, "need", "is_open", "begin_on_axis", "end_on_axis"]),
        as_(minus(begin_on_axis, exp.column("start_on_axis")), "since_start"),
        as_(minus(end_on_axis, begin_on_axis), "held_time"),
    ).from_(_table(prefix, "placed"))
    return [
        ("clipped", clipped),
        ("ordered", with_earlier),
        ("trimmed", trimmed),
        ("placed", placed),
        ("measured", measured),
        ("counted", _counted(keys, ("begin_on_axis", "end_on_axis", "is_open"), prefix)),
    ]


def _workday_spans(
    clock: WorkdayClock, keys: Sequence[str], starts: str, holds: str, prefix: str
) -> list[tuple[str, Node]]:
    """Join the holds that leave no work between them and lay them on the axis of working days.

    A day may be wholly held by several holds together, so holds that meet on
    the axis of working seconds become one span (an island) first.
    """
    shape = clock.shape
    begins_at, ends_at = exp.column("begins_at", "h"), exp.column("ends_at", "h")
    first, last = number(shape.first), number(shape.last)
    # Distinct, because equal rows would leave their order, and with it the islands, to chance.
    clipped = _joined(
        [
            *columns_of(keys, "s"),
            exp.column("start_at", "s"),
            exp.column("need", "s"),
            as_(
                case(
                    [
                        (exp.LT(this=begins_at, expression=first), first),
                        (exp.GT(this=begins_at, expression=last), last),
                    ],
                    begins_at,
                ),
                "begin_at",
            ),
            *_clipped_end(ends_at, last),
        ],
        keys,
        starts,
        holds,
        after=first,
    ).distinct()
    start, begins, ends = (exp.column(name, "t") for name in ("start_at", "begin_at", "end_at"))
    held_days = case(
        [(exp.EQ(this=exp.column("is_open", "t"), expression=number(1)), number(FAR))],
        workdays_ended(shape, ends, "de"),
    )
    placed = exp.select(
        *columns_of([*keys, "need", "is_open", "begin_at", "end_at"], "t"),
        as_(exp.column("workdays", "ld"), "before_start"),
        as_(plus(workdays_begun(shape, begins, "db"), number(1)), "first_held"),
        as_(held_days, "last_held"),
        as_(work_before(shape, begins, "db"), "begin_on_axis"),
        as_(work_before(shape, ends, "de"), "end_on_axis"),
    ).from_(_table(prefix, "clipped").as_("t"))
    for alias, instant in (("ds", start), ("db", begins), ("de", ends)):
        placed = join_row(placed, clock.days, alias, "day", day_key(shape, instant), kind="inner")
    placed = join_row(placed, clock.local_days, "ld", "local_day", local_day(shape, start, "ds"), kind="inner")

    order = ("begin_at", "end_at", "is_open")
    reached = over_earlier(exp.Max(this=exp.column("end_on_axis")), keys, order)
    meets = exp.LTE(this=exp.column("begin_on_axis"), expression=reached)
    flagged = exp.select(exp.Star(), as_(case([(meets, number(0))], number(1)), "is_new")).from_(
        _table(prefix, "placed")
    )
    island = over_earlier(exp.Sum(this=exp.column("is_new")), keys, order, including_own=True)
    numbered = exp.select(exp.Star(), as_(island, "island")).from_(_table(prefix, "flagged"))
    group = [*keys, "need", "before_start", "island"]
    spans = (
        exp.select(
            *columns_of(group),
            as_(exp.Max(this=exp.column("is_open")), "is_open"),
            as_(exp.Min(this=exp.column("first_held")), "first_held"),
            as_(exp.Max(this=exp.column("last_held")), "last_held"),
        )
        .from_(_table(prefix, "numbered"))
        .group_by(*columns_of(group))
    )
    after_start = exp.LTE(this=exp.column("first_held"), expression=exp.column("before_start"))
    began = case([(after_start, plus(exp.column("before_start"), number(1)))], exp.column("first_held"))
    from_start = exp.select(
        *columns_of([*keys, "need", "before_start", "island", "is_open", "last_held"]), as_(began, "first_held")
    ).from_(_table(prefix, "spans"))
    used = minus(minus(exp.column("first_held"), number(1)), exp.column("before_start"))
    length = plus(minus(exp.column("last_held"), exp.column("first_held")), number(1))
    measured = (
        exp.select(
            *columns_of([*keys, "need", "island", "is_open"]), as_(used, "since_start"), as_(length, "held_time")
        )
        .from_(_table(prefix, "from_start"))
        .where(exp.GTE(this=exp.column("last_held"), expression=exp.column("first_held")))
    )
    return [
        ("clipped", clipped),
        ("placed", placed),
        ("flagged", flagged),
        ("numbered", numbered),
        ("spans", spans),
        ("from_start", from_start),
        ("measured", measured),
        ("counted", _counted(keys, ("island",), prefix)),
    ]


def _counted(keys: Sequence[str], order: Sequence[str], prefix: str) -> Node:
    """Find how much of the allowance was used when each hold began."""
    earlier = bigint(exp.func("COALESCE", over_earlier(exp.Sum(this=exp.column("held_time")), keys, order), number(0)))
    return exp.select(
        *columns_of([*keys, "need", "is_open", "held_time"]),
        as_(minus(exp.column("since_start"), earlier), "counted"),
    ).from_(_table(prefix, "measured"))


def _clipped_end(ends_at: Node, last: Node) -> list[Node]:
    is_null = exp.Is(this=ends_at.copy(), expression=exp.null())
    end = case([(is_null, last), (exp.GT(this=ends_at.copy(), expression=last.copy()), last)], ends_at)
    return [as_(end, "end_at"), as_(case([(is_null.copy(), number(1))], number(0)), "is_open")]


def _joined(columns: Sequence[Node], keys: Sequence[str], starts: str, holds: str, *, after: Node) -> Node:
    """Join holds to their starts, without the empty ones and those that were over by `after`."""
    ends_at, begins_at = exp.column("ends_at", "h"), exp.column("begins_at", "h")
    counts = either(
        exp.Is(this=ends_at, expression=exp.null()),
        exp.paren(
            both(
                exp.GT(this=ends_at.copy(), expression=begins_at), exp.GT(this=ends_at.copy(), expression=after.copy())
            )
        ),
    )
    query = exp.select(*columns).from_(exp.to_table(holds).as_("h"))
    return query.join(exp.to_table(starts).as_("s"), on=_same(keys, "s", "h"), join_type="inner").where(counts)


# --- the whole question


def due_query(clock: Clock, *, keys: Sequence[str], starts: str, holds: str | None = None, roll: bool = False) -> Node:
    """Build the query for the due instant of each start; see the head of the module.

    Args:
        clock: what is counted.
        keys: the columns that identify a start.
        starts: the table of starts.
        holds: the table of holds, if there are any; allowances are then not negative.
        roll: move from a closing on to the next opening (working seconds only).
    """
    steps = [("due_reached", _reached(clock, keys, starts))]
    need = exp.column("need", "r")
    held, open_hold = (exp.column("held", "x"), exp.column("open_hold", "x")) if holds else (None, None)
    flag = exp.func("COALESCE", open_hold.copy(), number(0)) if open_hold is not None else number(0)
    target = exp.select(
        *columns_of([*keys, "start_at", "need"], "r"),
        as_(target_work(exp.column("start_on_axis", "r"), need, held, open_hold), "target_on_axis"),
        as_(flag, "open_hold"),
    ).from_(exp.to_table("due_reached").as_("r"))
    if holds:
        steps += hold_chain(clock, keys=keys, starts=starts, holds=holds, prefix="due")
        target = target.join(exp.to_table("due_held").as_("x"), on=_same(keys, "r", "x"), join_type="left")
    steps.append(("due_target", target))
    start, need, goal, second = (
        exp.column(name, "t") for name in ("start_at", "need", "target_on_axis", "second_on_axis")
    )
    result = "due_target"
    due = goal
    if isinstance(clock, WorkingClock):
        looked_up = target_second(exp.column("target_on_axis"), exp.column("need"), roll=roll)
        steps.append(("due_second", exp.select(exp.Star(), as_(looked_up, "second_on_axis")).from_("due_target")))
        result = "due_second"
        due = due_at(clock.shape, start, need, goal, second, "w", stay=not roll)
    elif isinstance(clock, WorkdayClock):
        due = workday_due_at(start, need, goal, "w")
    query = exp.select(*columns_of(keys, "t"), as_(due, "due_at"), exp.column("open_hold", "t"))
    query = query.from_(exp.to_table(result).as_("t"))
    if isinstance(clock, WorkingClock):
        query = join_row(query, clock.work, "w", "work", work_key(clock.shape, second))
    elif isinstance(clock, WorkdayClock):
        query = join_row(query, clock.workdays, "w", "ordinal", goal)
    for name, step in steps:
        query = query.with_(name, as_=step)
    return query


def _reached(clock: Clock, keys: Sequence[str], starts: str) -> Node:
    """Find where on the axis of the clock each start lies."""
    start = exp.column("start_at", "s")
    reached = start
    if isinstance(clock, WorkingClock):
        reached = work_before(clock.shape, start, "d")
    elif isinstance(clock, WorkdayClock):
        reached = workdays_reached(exp.column("need", "s"), "l")
    query = exp.select(*columns_of([*keys, "start_at", "need"], "s"), as_(reached, "start_on_axis"))
    query = query.from_(exp.to_table(starts).as_("s"))
    if not isinstance(clock, AbsoluteClock):
        query = join_row(query, clock.days, "d", "day", day_key(clock.shape, start))
    if isinstance(clock, WorkdayClock):
        query = join_row(query, clock.local_days, "l", "local_day", local_day(clock.shape, start, "d"))
    return query


def _same(keys: Sequence[str], left: str, right: str) -> Node:
    return reduce(both, [exp.EQ(this=exp.column(key, left), expression=exp.column(key, right)) for key in keys])


def _table(prefix: str, name: str) -> Node:
    return exp.to_table(f"{prefix}_{name}")
