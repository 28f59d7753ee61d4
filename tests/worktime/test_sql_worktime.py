from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest
from sqlglot import exp

from svc_policy.engines.sql_holds import due_query, hold_chain
from svc_policy.engines.sql_worktime import as_, day_key, join_row, local_day, plus, work_before
from svc_policy.errors import CalendarError
from svc_policy.worktime import WorkCalendar, absolute_deadline_s, sql_tables

from .sql_bench import SqlBench

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-12:00;13:00-18:00")
OFFICE = WorkCalendar.from_week(tz="Asia/Shanghai", week=WEEK, valid=("2026-03-01", "2026-03-31"))


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SHANGHAI).timestamp())


@pytest.fixture(scope="module")
def bench() -> SqlBench:
    return SqlBench(OFFICE)


def test_dues_by_hand(bench: SqlBench) -> None:
    starts = [
        (1, at("02T16:00"), 2 * 3600),  # used up at closing: stays
        (2, at("02T16:00"), 2 * 3600 + 1),
        (3, at("07T10:00"), 0),  # a Saturday
        (4, at("03T09:00"), -3600),
        (5, at("03T10:00"), -3600),  # backwards to an opening: stays
    ]
    assert bench.due(bench.working, starts) == {
        1: (at("02T18:00"), 0),
        2: (at("03T09:00:01"), 0),
        3: (at("07T10:00"), 0),
        4: (at("02T17:00"), 0),
        5: (at("03T09:00"), 0),
    }
    assert bench.due(bench.working, starts, roll=True) == {
        1: (at("03T09:00"), 0),
        2: (at("03T09:00:01"), 0),
        3: (at("09T09:00"), 0),
        4: (at("02T17:00"), 0),
        5: (at("02T18:00"), 0),
    }


def test_holds_by_hand(bench: SqlBench) -> None:
    starts = [(key, at("02T09:00"), 4 * 3600) for key in range(1, 8)]
    holds = [
        (1, at("02T10:00"), at("02T12:00")),
        (2, at("02T10:00"), at("02T12:00")),
        (2, at("02T11:00"), at("02T14:00")),  # overlaps: together 10-14, three hours of work
        (3, at("01T09:00"), at("02T10:00")),  # began before the start
        (4, at("02T14:00"), at("03T14:00")),  # begins exactly at the due
        (5, at("02T13:59:59"), None),
        (6, at("02T14:00"), None),
        (7, at("02T10:00"), at("02T09:00")),  # ends before it begins: empty
    ]
    assert bench.due(bench.working, starts, holds) == {
        1: (at("02T16:00"), 0),
        2: (at("02T17:00"), 0),
        3: (at("02T15:00"), 0),
        4: (at("02T14:00"), 0),
        5: (None, 1),
        6: (at("02T14:00"), 0),
        7: (at("02T14:00"), 0),
    }


def test_null_stays_null(bench: SqlBench) -> None:
    starts = [(1, None, 3600), (2, at("02T09:00"), None), (3, None, None), (4, None, 0), (5, at("02T09:00"), 3600)]
    holds = [(key, at("02T09:30"), at("02T10:00")) for key in (1, 2, 3, 4)]
    for clock in (bench.working, bench.working_days, bench.absolute):
        for rows in (None, holds):
            answers = bench.due(clock, [(key, start, need and 1) for key, start, need in starts], rows)
            assert [answers[key][0] for key in (1, 2, 3, 4)] == [None] * 4
            assert answers[5][0] is not None


def test_outside_the_validity_there_is_nothing(bench: SqlBench) -> None:
    first, last = OFFICE.first_instant, OFFICE.last_instant
    starts = [(1, first - 1, 0), (2, last + 1, 0), (3, -(10**12), 1), (4, 2**60, 1), (5, first, 0), (6, last, 0)]
    starts += [(7, last, 1), (8, first, -1), (9, first, 2**60)]
    answers = bench.due(bench.working, starts)
    assert [key for key, (due, _) in answers.items() if due is not None] == [5, 6]
    # A hold that runs beyond the validity takes the due with it; one that begins there does not.
    starts = [(1, at("30T09:00"), 3600), (2, at("30T09:00"), 3600)]
    holds = [(1, at("30T09:30"), last + 10**6), (2, last + 10, last + 20)]
    assert bench.due(bench.working, starts, holds) == {1: (None, 0), 2: (at("30T10:00"), 0)}


def test_working_days_by_hand(bench: SqlBench) -> None:
    starts = [
        (1, at("06T23:59"), 1),
        (2, at("07T00:00"), 1),
        (3, at("06T10:00"), 0),
        (4, at("10T10:00"), -2),
        (5, at("07T10:00"), -1),
        (6, at("30T10:00"), 2),
        (7, OFFICE.last_instant, 0),
    ]
    assert bench.due(bench.working_days, starts) == {
        1: (at("09T18:00"), 0),
        2: (at("09T18:00"), 0),
        3: (at("06T10:00"), 0),
        4: (at("06T18:00"), 0),
        5: (at("06T18:00"), 0),
        6: (None, 0),
        7: (None, 0),
    }
    for key, start, days in starts[:5]:
        assert OFFICE.workday_deadline_s(start, days) == bench.due(bench.working_days, starts)[key][0]


def test_two_holds_hold_a_day_together(bench: SqlBench) -> None:
    starts = [(key, at("02T10:00"), 1) for key in (1, 2, 3)]
    holds = [
        (1, at("03T08:00"), at("03T12:00")),
        (1, at("03T13:00"), at("03T19:00")),
        (2, at("03T08:00"), at("03T12:00")),
        (2, at("03T13:01"), at("03T19:00")),
        # The same hold three times, and one elsewhere: nothing counts twice.
        (3, at("04T00:00"), at("05T00:00")),
        *[(3, at("03T00:00"), at("04T00:00"))] * 3,
    ]
    assert bench.due(bench.working_days, starts, holds) == {
        1: (at("04T18:00"), 0),
        2: (at("03T18:00"), 0),
        3: (at("05T18:00"), 0),
    }


def test_absolute_time_is_the_scalar_loop(bench: SqlBench) -> None:
    chance = random.Random(11)
    starts, holds, spans = [], [], {}
    for key in range(1500):
        start = chance.randrange(10**6)
        starts.append((key, start, chance.randrange(0, 5000)))
        spans[key] = [
            (begins, None if chance.random() < 0.1 else begins + chance.choice((0, 10, 700, chance.randrange(4000))))
            for begins in (start + chance.randrange(-3000, 6000) // 100 * 100 for _ in range(chance.randrange(5)))
        ]
        holds += [(key, *span) for span in spans[key]]
    answers = bench.due(bench.absolute, starts, holds)
    for key, start, need in starts:
        due = absolute_deadline_s(start, need, spans[key])
        assert answers[key] == (due, int(due is None)), (start, need, spans[key])
    assert {flag for _, flag in answers.values()} == {0, 1}
    assert bench.due(bench.absolute, [(1, 100, -30)]) == {1: (70, 0)}


def test_the_end_of_calendar_days(bench: SqlBench) -> None:
    starts = [(1, at("06T23:59:59"), 3), (2, at("07T00:00"), 3), (3, at("31T10:00"), 1), (4, at("02T10:00"), -1)]
    bench.load("starts", ("id", "start_at", "need"), starts)
    start = exp.column("start_at", "s")
    query = exp.select(exp.column("id", "s"), exp.column("last_second", "l")).from_(exp.to_table("starts").as_("s"))
    query = join_row(query, "office_days", "d", "day", day_key(bench.shape, start))
    landing = plus(local_day(bench.shape, start, "d"), exp.column("need", "s"))
    query = join_row(query, "office_local_days", "l", "local_day", landing)
    assert dict(bench.connection.execute(query.sql("duckdb")).fetchall()) == {
        1: at("09T23:59:59"),
        2: at("10T23:59:59"),
        3: None,
        4: at("01T23:59:59"),
    }
    for key, at_, days in starts[:2]:
        assert OFFICE.calendar_days_deadline_s(at_, days) == at(f"{'09' if key == 1 else '10'}T23:59:59")
    with pytest.raises(CalendarError):
        OFFICE.calendar_days_deadline_s(starts[2][1], 1)


def test_several_keys_and_the_names_of_a_chain(bench: SqlBench) -> None:
    bench.load(
        "limits", ("ticket", "target", "start_at", "need"), [(1, 1, at("02T09:00"), 3600), (1, 2, at("02T09:00"), 7200)]
    )
    bench.load("pauses", ("ticket", "target", "begins_at", "ends_at"), [(1, 2, at("02T10:00"), at("02T11:00"))])
    keys = ("ticket", "target")
    steps = hold_chain(bench.working, keys=keys, starts="limits", holds="pauses", prefix="first")
    assert all(name.startswith("first_") for name, _ in steps)
    assert steps[-1][0] == "first_held"
    query = exp.select("*").from_("first_held")
    for name, step in steps:
        query = query.with_(name, as_=step)
    assert bench.connection.execute(query.sql("duckdb")).fetchall() == [(1, 2, 3600, 0)]
    due = due_query(bench.working, keys=keys, starts="limits", holds="pauses")
    assert sorted(bench.connection.execute(due.sql("duckdb")).fetchall()) == [
        (1, 1, at("02T10:00"), 0),
        (1, 2, at("02T12:00"), 0),
    ]


@pytest.mark.parametrize("clock", ["working", "working_days", "absolute"])
def test_the_text_is_the_same_for_both_databases(bench: SqlBench, clock: str) -> None:
    query = due_query(getattr(bench, clock), keys=("id",), starts="starts", holds="holds", roll=clock == "working")
    text = query.sql("duckdb")
    assert text == query.sql("postgres")
    used = {type(node) for node in query.walk()}
    assert not used & {exp.Div, exp.IntDiv, exp.Greatest, exp.Least, exp.Anonymous}


def test_expressions_do_not_change_what_they_are_given() -> None:
    shape = sql_tables.calendar_tables(OFFICE).shape
    instant = exp.column("received_at", "t")
    first = as_(work_before(shape, instant, "d"), "work").sql()
    assert instant.parent is None
    assert as_(work_before(shape, instant, "d"), "work").sql() == first


# --- the tables


def test_tables_are_integers_without_nulls_and_keys_come_once() -> None:
    tables = sql_tables.calendar_tables(OFFICE)
    for table in (tables.days, tables.work, tables.local_days, tables.workdays):
        assert all(type(value) is int for row in table.rows for value in row)
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert len({row[0] for row in table.rows}) == len(table.rows)
    assert tables.days == sql_tables.day_table(OFFICE)
    assert tables.work == sql_tables.work_table(OFFICE)
    assert tables.local_days.columns == ("local_day", "workdays", "is_workday", "last_second")
    # 2026-03-02 is day 20,514; it is the first working day of March.
    assert tables.local_days.rows[1] == (20_514, 1, 1, at("02T23:59:59"))
    assert tables.workdays.rows[0] == (1, 20_514, at("02T09:00"), at("02T18:00"))
    assert tables.shape.bucket == 3 * 3600
    assert tables.shape.candidates == 2
    assert tables.shape.total == 22 * 8 * 3600


def test_slivers_of_work_do_not_blow_the_table_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_tables, "MOST_BUCKETS", 100)
    hours = "09:00-12:00;12:00:01-12:00:02;12:00:03-12:00:05;13:00-18:00"
    calendar = WorkCalendar.from_week(
        tz="Asia/Shanghai", week={"mon": hours, "thu": hours}, valid=("2026-03-01", "2026-03-31")
    )
    bench = SqlBench(calendar)
    assert len(bench.tables.work.rows) <= 100
    assert bench.shape.candidates > 2
    chance = random.Random(3)
    starts = [
        (key, chance.randrange(at("01T00:00"), at("20T00:00")), chance.randrange(1, 60_000)) for key in range(2000)
    ]
    for roll in (False, True):
        answers = bench.due(bench.working, starts, roll=roll)
        for key, start, need in starts:
            assert answers[key] == (calendar.deadline_s(start, need, (), roll), 0)
