"""Expressions as they are made: what folds, what may be null, what asks; and that folding keeps the meaning."""

from __future__ import annotations

import itertools
import random

import pytest

from expressions.trees import fact, integer, statement, truth
from svc_policy.expressions import nodes
from svc_policy.expressions.evaluate import apply, evaluate
from svc_policy.expressions.nodes import FALSE, TRUE, ZERO, Expression, constant

X = fact("ticket.distance_km")
Y = fact("ticket.labour_hours")
SURE = fact("ticket.suspended_days")
P = fact("ticket.on_site")
Q = fact("ticket.parts_needed")
KNOWN = fact("ticket.internal")
KLEENE = (True, False, None)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (nodes.add(X, ZERO), X),
        (nodes.add(ZERO, X), X),
        (nodes.subtract(X, ZERO), X),
        (nodes.multiply(constant(1), X), X),
        (nodes.divide("half_up_divide", X, 1), X),
        (nodes.add(constant(2), constant(3)), constant(5)),
        (nodes.divide("floor_divide", constant(-7), 2), constant(-4)),
        (nodes.divide("ceil_divide", constant(-7), 2), constant(-3)),
        (nodes.divide("half_up_divide", constant(5), 2), constant(3)),
        (nodes.divide("half_up_divide", constant(-5), 2), constant(-2)),
        (nodes.equal(constant(None), constant(1)), nodes.null("bool")),
        (nodes.one_of(X, [5]), nodes.equal(X, constant(5))),
        (nodes.not_(nodes.not_(P)), P),
        (nodes.and_(), TRUE),
        (nodes.or_(), FALSE),
        (nodes.and_(P, TRUE, P), P),
        (nodes.and_(P, FALSE), FALSE),
        (nodes.or_(P, TRUE), TRUE),
        (nodes.and_(P, nodes.and_(Q, P)), nodes.and_(P, Q)),
        (nodes.is_missing(SURE), FALSE),
        (nodes.is_missing(nodes.null("int")), TRUE),
        (nodes.is_undetermined(fact("ticket.zone")), FALSE),
        (nodes.is_undetermined(X), nodes.is_missing(X)),
        (nodes.certainly(KNOWN), KNOWN),
        (nodes.certainly(nodes.null("bool")), FALSE),
        (nodes.choose(TRUE, X, Y), X),
        (nodes.choose(FALSE, X, Y), Y),
        (nodes.choose(KNOWN, X, X), X),
        (nodes.first_known(nodes.null("int"), X), X),
        (nodes.first_known(SURE, X), SURE),
        (nodes.earliest(), nodes.null("int")),
        (nodes.bit_or(ZERO, X, X), X),
        (nodes.unless_undetermined(fact("ticket.zone"), P), nodes.certainly(P)),
        (nodes.unless_undetermined(X, P), P),
    ],
)
def test_what_folds(made: Expression, expected: Expression) -> None:
    assert made == expected


def test_a_choice_of_the_same_stays_open_while_its_condition_is() -> None:
    assert evaluate(nodes.choose(P, SURE, SURE), {"ticket.on_site": None, "ticket.suspended_days": 1}, {}) is None


def test_true_and_one_are_different_constants() -> None:
    assert constant(True) != constant(1) and constant(False) != ZERO


def test_first_known_asks_as_soon_as_one_of_its_arguments_does() -> None:
    agreed = nodes.fact("ticket.warranty_until", "int", nullable=True, asks=False)
    assert nodes.first_known(agreed, X).asks and nodes.first_known(agreed, X).nullable
    assert not nodes.first_known(agreed, agreed).asks
    assert not nodes.first_known(agreed, SURE).nullable


def test_kleenes_tables() -> None:
    for one, other in itertools.product(KLEENE, repeat=2):
        both = False if False in (one, other) else None if None in (one, other) else True
        either = True if True in (one, other) else None if None in (one, other) else False
        assert apply("and", [one, other]) is both and apply("or", [one, other]) is either
        # De Morgan holds in three values too.
        turned = [None if value is None else not value for value in (one, other)]
        assert apply("or", turned) is (None if both is None else not both)


@pytest.mark.parametrize("operator", sorted(set(nodes.STRICT) - {"reached"}))
def test_a_strict_operator_is_null_where_an_argument_is(operator: str) -> None:
    for arguments in ([None], [None, 1], [1, None], [None, None]):
        assert apply(operator, arguments, data=(1, 2), clock=None) is None


@pytest.mark.parametrize(
    ("dividend", "floor", "half_up", "ceiling"),
    [
        (-7, -4, -3, -3),
        (-6, -3, -3, -3),
        (-5, -3, -2, -2),
        (-1, -1, 0, 0),
        (0, 0, 0, 0),
        (1, 0, 1, 1),
        (5, 2, 3, 3),
        (2**53 + 1, 2**52, 2**52 + 1, 2**52 + 1),
        (-(2**60) - 1, -(2**59) - 1, -(2**59), -(2**59)),
    ],
)
def test_divisions_by_two(dividend: int, floor: int, half_up: int, ceiling: int) -> None:
    found = [apply(f"{name}_divide", [dividend, 2]) for name in ("floor", "half_up", "ceil")]
    assert found == [floor, half_up, ceiling]


def test_what_cannot_be_null_never_is() -> None:
    chance = random.Random(1)
    for _ in range(4000):
        node = chance.choice((integer, truth))(chance, 4)
        value = evaluate(node, statement(chance), {}, at=7)
        assert node.nullable or value is not None, node
        if value is not None:
            assert type(value) is {"int": int, "bool": bool}[node.type], node


def test_what_is_known_stays_when_more_is_known() -> None:
    """Nothing but `is_missing` and its like may take back what was said while a fact was missing."""
    chance = random.Random(2)
    forgetful = {"is_missing", "certainly", "first_known", "earliest"}
    held = 0
    for _ in range(6000):
        node = truth(chance, 3)
        if forgetful & {item.operator for item in nodes.walk(node)}:
            continue
        facts = statement(chance)
        more = {name: statement(chance)[name] if value is None else value for name, value in facts.items()}
        before = evaluate(node, facts, {}, at=7)
        if before is not None:
            held += 1
            assert evaluate(node, more, {}, at=7) is before, node
    assert held > 1000


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(ValueError, match="no operator 'power'"):
        apply("power", [2, 3])
