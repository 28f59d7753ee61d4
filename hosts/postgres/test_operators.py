"""Every operator in PostgreSQL, on edge values, against what was worked out by hand; its calendar against ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlglot import exp

from hosts.available import require
from hosts.postgres.server import Server
from svc_policy.engines.runtime import FIRST_DAY, LAST_DAY, PolicyClocks
from svc_policy.engines.sql_expressions import Printer, column
from svc_policy.engines.sql_tables import (
    FIRST_MONTH_DAY,
    LAST_MONTH_DAY,
    MOST_CHANGES,
    calendar_months,
    setup_tables,
)
from svc_policy.expressions import nodes
from svc_policy.expressions.nodes import Expression
from svc_policy.units import add_months
from tests.engines.test_operators_on_each_engine import AT, BIG, CASES, P, X, Y

require("postgres")

KINDS = {"x": "bigint", "y": "bigint", "p": "boolean", "q": "boolean"}
#: Where the databases' ways part: signs, widths, rounding, nulls.
MORE: list[tuple[str, Expression, dict[str, object], object]] = [
    ("a product of constants is wide", nodes.multiply(nodes.choose(P, nodes.constant(2_000_000_000), X),
     nodes.choose(P, nodes.constant(2_000_000_000), X)), {"p": True}, 4 * 10**18),
    ("a sum of constants is wide", nodes.add(nodes.choose(P, nodes.constant(2_147_483_647), X),
     nodes.constant(1)), {"p": True}, 2_147_483_648),
    ("a divisor of 0 is null", nodes.strict("floor_divide", X, Y), {"x": 1, "y": 0}, None),
    ("floor of a negative by a fact", nodes.strict("floor_divide", X, Y), {"x": -BIG, "y": 2}, -(BIG + 1) // 2),
    ("half up by a fact", nodes.strict("half_up_divide", X, Y), {"x": 5, "y": 2}, 3),
    ("half up of a negative by a fact", nodes.strict("half_up_divide", X, Y), {"x": -5, "y": 2}, -2),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with server.database("operators") as url, psycopg.connect(url, autocommit=True) as connected:
        yield connected


@pytest.mark.parametrize(
    ("node", "facts", "expected"), [case[1:] for case in (*CASES, *MORE)], ids=[case[0] for case in (*CASES, *MORE)]
)
def test_an_operator(connection, node, facts, expected) -> None:
    printer = Printer("postgres", lambda leaf: column(str(leaf.data).partition(".")[2]), lambda leaf: column("none"))
    values = ", ".join(f"CAST(%({name})s AS {kind}) AS {name}" for name, kind in KINDS.items())
    query = f"SELECT {printer(node).sql('postgres').replace('%', '%%')} FROM (SELECT {values}, {AT} AS at_s) AS r"
    ((got,),) = connection.execute(query, {name: facts.get(name) for name in KINDS}).fetchall()
    assert (got, type(got)) == (expected, type(expected))


def test_months_are_added_as_in_python(connection) -> None:
    """Every day of some years, the first and last of all among them, by few and many months, there and back."""
    made, known = calendar_months(exp.column("day"), exp.column("months"), exp.column("reached"))
    spans = [
        (FIRST_MONTH_DAY - 2, FIRST_MONTH_DAY + 400),
        (10_957, 10_957 + 1_500),  # from 2000, a leap year of a century
        (47_300, 47_300 + 800),  # about 2100, which is none
        (LAST_MONTH_DAY - 400, LAST_MONTH_DAY + 2),
    ]
    months = [-4_800, -25, -12, -1, 0, 1, 2, 3, 6, 11, 12, 13, 36, 4_799, 10**9]
    rows = connection.execute(
        f"SELECT day, months, {known.sql('postgres')} FROM (SELECT *, {made.sql('postgres')} AS reached FROM "
        "unnest(%s::bigint[], %s::bigint[]) AS s (low, high), generate_series(low, high) AS day, "
        "unnest(%s::bigint[]) AS months OFFSET 0) AS r",
        [[low for low, _ in spans], [high for _, high in spans], months],
    ).fetchall()
    assert len(rows) == sum(high - low + 1 for low, high in spans) * len(months)
    for day, by, got in rows:
        inside = FIRST_MONTH_DAY <= day <= LAST_MONTH_DAY and abs(by) <= 4_800
        wanted = None
        if inside:
            try:
                wanted = add_months(day, by)
            except (OverflowError, ValueError):
                wanted = None
        if wanted is not None and not FIRST_MONTH_DAY <= wanted <= LAST_MONTH_DAY:
            wanted = None
        assert got == wanted, (day, by)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "Asia/Kathmandu", "America/Caracas", "Pacific/Apia"])
def test_days_end_when_they_do_in_python(connection, zone) -> None:
    clocks = PolicyClocks(ZoneInfo(zone), None)
    setup = setup_tables(clocks, {})
    assert len(setup.changes) <= MOST_CHANGES
    rows = connection.execute(
        f"SELECT day, {setup.day_end(exp.column('day')).sql('postgres')} FROM generate_series(%s::bigint, %s) AS day",
        [FIRST_DAY - 1, LAST_DAY + 1],
    ).fetchall()
    inside = {day: got for day, got in rows if FIRST_DAY <= day <= LAST_DAY}
    assert inside == {day: clocks.day_end(day) for day in inside}
    assert [got for day, got in rows if day not in inside] == [None, None]
