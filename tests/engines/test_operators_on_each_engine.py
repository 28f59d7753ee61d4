"""Every operator on every engine: null, negative, beyond 2**53, against values worked out by hand."""

from __future__ import annotations

import duckdb
import pytest

from svc_policy.engines.python import _Writer
from svc_policy.engines.sql_expressions import Printer, column
from svc_policy.expressions import nodes
from svc_policy.expressions.evaluate import evaluate
from svc_policy.expressions.nodes import Expression

BIG = 2**53 + 1
X = nodes.fact("ticket.x", "int", nullable=True, asks=True)
Y = nodes.fact("ticket.y", "int", nullable=True, asks=True)
P = nodes.fact("ticket.p", "bool", nullable=True, asks=True)
Q = nodes.fact("ticket.q", "bool", nullable=True, asks=True)

CASES: list[tuple[str, Expression, dict[str, object], object]] = [
    ("add", nodes.add(X, Y), {"x": BIG, "y": 1}, BIG + 1),
    ("add null", nodes.add(X, Y), {"x": 1, "y": None}, None),
    ("subtract", nodes.subtract(X, Y), {"x": -BIG, "y": 1}, -BIG - 1),
    ("multiply", nodes.multiply(X, Y), {"x": -3, "y": BIG}, -3 * BIG),
    ("floor of a negative", nodes.divide("floor_divide", X, 2), {"x": -7}, -4),
    ("floor", nodes.divide("floor_divide", X, 2), {"x": BIG}, 4503599627370496),
    ("floor null", nodes.divide("floor_divide", X, 2), {"x": None}, None),
    ("ceil of a negative", nodes.divide("ceil_divide", X, 2), {"x": -7}, -3),
    ("ceil", nodes.divide("ceil_divide", X, 2), {"x": 7}, 4),
    ("ceil by a fact", nodes.strict("ceil_divide", X, Y), {"x": BIG, "y": 3}, 3002399751580331),
    ("ceil by a fact, exactly", nodes.strict("ceil_divide", X, Y), {"x": 36, "y": 4}, 9),
    ("ceil of nothing by a fact", nodes.strict("ceil_divide", X, Y), {"x": 0, "y": 7}, 0),
    ("ceil by null", nodes.strict("ceil_divide", X, Y), {"x": 7, "y": None}, None),
    ("half up", nodes.divide("half_up_divide", X, 10), {"x": 25}, 3),
    ("half up below", nodes.divide("half_up_divide", X, 10), {"x": 24}, 2),
    ("half up of a negative", nodes.divide("half_up_divide", X, 10), {"x": -25}, -2),
    ("half up big", nodes.divide("half_up_divide", X, 2), {"x": BIG}, 4503599627370497),
    ("half up null", nodes.divide("half_up_divide", X, 2), {"x": None}, None),
    ("greatest null", nodes.strict("greatest", X, Y), {"x": 2, "y": None}, None),
    ("greatest", nodes.strict("greatest", X, Y), {"x": -2, "y": -3}, -2),
    ("least", nodes.strict("least", X, Y), {"x": -2, "y": -3}, -3),
    ("least null", nodes.strict("least", X, Y), {"x": None, "y": -3}, None),
    ("bit or", nodes.strict("bit_or", X, Y), {"x": 5, "y": 2**60}, 2**60 + 5),
    ("equal", nodes.equal(X, Y), {"x": BIG, "y": BIG - 1}, False),
    ("equal null", nodes.equal(X, Y), {"x": None, "y": None}, None),
    ("less", nodes.less(X, Y), {"x": BIG - 1, "y": BIG}, True),
    ("at most", nodes.at_most(X, Y), {"x": -1, "y": -1}, True),
    ("one of", nodes.one_of(X, (1, BIG)), {"x": BIG}, True),
    ("one of not", nodes.one_of(X, (1, 2)), {"x": -1}, False),
    ("one of null", nodes.one_of(X, (1, 2)), {"x": None}, None),
    ("not null", nodes.not_(P), {"p": None}, None),
    ("not", nodes.not_(P), {"p": False}, True),
    ("and false null", nodes.and_(P, Q), {"p": False, "q": None}, False),
    ("and true null", nodes.and_(P, Q), {"p": True, "q": None}, None),
    ("or true null", nodes.or_(P, Q), {"p": None, "q": True}, True),
    ("or false null", nodes.or_(P, Q), {"p": None, "q": False}, None),
    ("is missing", nodes.is_missing(X), {"x": None}, True),
    ("is missing not", nodes.is_missing(X), {"x": 0}, False),
    ("certainly null", nodes.certainly(P), {"p": None}, False),
    ("certainly", nodes.certainly(P), {"p": True}, True),
    ("first known", nodes.first_known(X, Y), {"x": None, "y": -4}, -4),
    ("first known none", nodes.first_known(X, Y), {"x": None, "y": None}, None),
    ("earliest skips null", nodes.earliest(X, Y), {"x": None, "y": BIG}, BIG),
    ("earliest", nodes.earliest(X, Y), {"x": 3, "y": -3}, -3),
    ("choose null", nodes.choose(P, X, Y), {"p": None, "x": 1, "y": 1}, None),
    ("choose", nodes.choose(P, X, Y), {"p": False, "x": 1, "y": 2}, 2),
    ("choose truth null", nodes.choose(P, Q, nodes.not_(Q)), {"p": None, "q": True}, None),
    ("choose truth", nodes.choose(P, Q, nodes.not_(Q)), {"p": False, "q": True}, False),
    ("reached", nodes.reached(X, nodes.TRUE), {"x": 100}, True),
    ("reached not yet", nodes.reached(X, nodes.TRUE), {"x": 101}, False),
    ("reached null", nodes.reached(X, nodes.TRUE), {"x": None}, None),
    ("unless undetermined", nodes.unless_undetermined(P, nodes.equal(X, Y)), {"p": True, "x": 1, "y": None}, None),
]
AT = 100
_NAMES = ("x", "y", "p", "q")


@pytest.mark.parametrize(("node", "facts", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
class TestEachEngine:
    def test_the_interpreter(self, node, facts, expected) -> None:
        got = evaluate(node, {f"ticket.{name}": value for name, value in facts.items()}, {}, at=AT)
        assert (got, type(got)) == (expected, type(expected))

    def test_python(self, node, facts, expected) -> None:
        got = _python(node, {name: facts.get(name) for name in _NAMES})
        assert (got, type(got)) == (expected, type(expected))

    def test_duckdb(self, node, facts, expected) -> None:
        printer = Printer("duckdb", lambda leaf: column(str(leaf.data).partition(".")[2]), lambda leaf: column("none"))
        values = ", ".join(f"CAST({_sql(facts.get(name))} AS {_type(name)}) AS {name}" for name in _NAMES)
        query = f"SELECT {printer(node).sql('duckdb')} FROM (SELECT {values}, {AT} AS at_s)"
        (got,) = duckdb.sql(query).fetchall()[0]
        assert (got, type(got)) == (expected, type(expected))


def test_every_operator_has_a_case() -> None:
    covered = {item.operator for _, node, _, _ in CASES for item in nodes.walk(node)}
    # Held against their own oracles: tests/worktime, and test_lookups beside this file.
    elsewhere = {"local_day", "day_end", "add_months", "workday_due", "work_before", "work_after", "lookup"}
    assert (
        set(nodes.OPERATORS) - covered - elsewhere
        == {"column", "is_undetermined", "unless_undetermined", "constant"} - covered
    )


def _python(node: Expression, facts: dict[str, object]) -> object:
    class Bare(_Writer):
        def __init__(self) -> None:
            self.lines: list[str] = []
            self.depth = 0
            self.names = {}
            self.columns = {}
            self.constants = {}
            self.count = 0
            self.sure = set()
            self.bound = {"min": min, "max": max}

        def fact(self, path: str) -> str:
            return path.partition(".")[2]

    writer = Bare()
    result = writer.atom(node)
    scope = {**writer.bound, **facts, "at": AT}
    exec("\n".join([*writer.lines, f"result = {result}"]), scope)
    return scope["result"]


def _sql(value: object) -> str:
    return "NULL" if value is None else str(value)


def _type(name: str) -> str:
    return "BIGINT" if name in "xy" else "BOOLEAN"
