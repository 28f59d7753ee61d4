"""Random expressions of every operator that needs no calendar, over a handful of facts."""

from __future__ import annotations

import random
from collections.abc import Sequence

from svc_policy.expressions import nodes
from svc_policy.expressions.nodes import Expression, Value

BIG = 2**53 + 1
NUMBERS = (0, 1, -1, 7, -7, 100, BIG, -BIG, 2**62)
INTEGERS = ("ticket.labour_hours", "ticket.distance_km", "ticket.suspended_days")
TRUTHS = ("ticket.on_site", "ticket.parts_needed", "ticket.internal")
TEXTS = ("ticket.cause", "ticket.zone")
WORDS = ("misuse", "wear", "north")


def fact(name: str) -> Expression:
    """Name a fact as the registry declares it: the last of each kind is never missing or never asked for."""
    kind: nodes.Type = "int" if name in INTEGERS else "bool" if name in TRUTHS else "text"
    missing = name not in ("ticket.suspended_days", "ticket.internal")
    return nodes.fact(name, kind, nullable=missing, asks=missing and name != "ticket.zone")


def integer(chance: random.Random, depth: int, columns: Sequence[Expression] = ()) -> Expression:
    """Make an expression for a number."""
    leaves = [fact(name) for name in INTEGERS] + [item for item in columns if item.type == "int"]
    if depth == 0 or chance.random() < 0.15:
        return chance.choice([*leaves, nodes.constant(chance.choice(NUMBERS)), nodes.null("int")])
    one, other = (integer(chance, depth - 1, columns) for _ in range(2))
    made = chance.randrange(9)
    if made == 0:
        return nodes.add(one, other)
    if made == 1:
        return nodes.subtract(one, other)
    if made == 2:
        return nodes.multiply(one, nodes.constant(chance.choice((0, 1, -3, 60))))
    if made == 3:
        return nodes.divide(
            chance.choice(("floor_divide", "half_up_divide", "ceil_divide")), one, chance.choice((1, 2, 7, 10_000))
        )
    if made == 4:
        return nodes.strict(chance.choice(("least", "greatest")), one, other)
    if made == 5:
        return nodes.first_known(one, other, integer(chance, depth - 1, columns))
    if made == 6:
        return nodes.earliest(one, other)
    return nodes.choose(truth(chance, depth - 1, columns), one, other)


def truth(chance: random.Random, depth: int, columns: Sequence[Expression] = ()) -> Expression:
    """Make an expression for a truth value."""
    leaves = [fact(name) for name in TRUTHS] + [item for item in columns if item.type == "bool"]
    if depth == 0 or chance.random() < 0.1:
        return chance.choice([*leaves, nodes.TRUE, nodes.FALSE, nodes.null("bool")])
    made = chance.randrange(12)
    if made < 3:
        compare = (nodes.equal, nodes.less, nodes.at_most)[made]
        return compare(integer(chance, depth - 1, columns), integer(chance, depth - 1, columns))
    if made == 3:
        return nodes.one_of(fact(chance.choice(TEXTS)), chance.sample(WORDS, chance.randint(1, 2)))
    if made == 4:
        return nodes.one_of(integer(chance, depth - 1, columns), chance.sample(NUMBERS, 2))
    if made == 5:
        return nodes.reached(integer(chance, depth - 1, columns), nodes.TRUE)
    one, other = (truth(chance, depth - 1, columns) for _ in range(2))
    if made == 6:
        return nodes.not_(one)
    if made == 7:
        return nodes.choose(truth(chance, depth - 1, columns), one, other)
    if made == 8:
        subject = chance.choice([*columns, fact("ticket.cause"), fact("ticket.zone"), integer(chance, 1, columns)])
        test = chance.choice((nodes.is_missing, nodes.is_undetermined, nodes.certainly))
        if test is nodes.certainly:
            return nodes.certainly(one)
        return test(subject)
    if made == 9 and columns:
        return _tested(chance, chance.choice(columns))
    return chance.choice((nodes.and_, nodes.or_))(one, other, truth(chance, depth - 1, columns))


def _tested(chance: random.Random, subject: Expression) -> Expression:
    """Test a column that may be unknown; the test is never true where the column is null."""
    if subject.type == "bool":
        return nodes.unless_undetermined(subject, chance.choice((subject, nodes.not_(subject))))
    bound = nodes.constant(chance.choice(NUMBERS))
    return nodes.unless_undetermined(
        subject, chance.choice((nodes.less(subject, bound), nodes.at_most(bound, subject)))
    )


def statement(chance: random.Random) -> dict[str, Value]:
    """State some of the facts."""
    found: dict[str, Value] = {}
    for name in INTEGERS:
        found[name] = chance.choice((*NUMBERS, None, None))
    for name in TRUTHS:
        found[name] = chance.choice((True, False, None))
    for name in TEXTS:
        found[name] = chance.choice((*WORDS, None))
    found["ticket.suspended_days"] = found["ticket.suspended_days"] or 0
    found["ticket.internal"] = bool(found["ticket.internal"])
    return found
