"""Print expressions as SQL trees: one emitter an operator, null-strict by construction.

Trees are built from our own operators and printed by sqlglot; text of one
dialect is never translated into another. Integer division, whose meaning
differs between databases, is written out for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

from sqlglot import exp

from svc_policy.engines.sql_worktime import Node, bigint, number
from svc_policy.expressions.nodes import Expression

DIALECTS: Final = ("duckdb", "postgres")
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
_COMPARE: Final[dict[str, Any]] = {"equal": exp.EQ, "less": exp.LT, "at_most": exp.LTE}


def column(name: str, table: str | None = None) -> Node:
    """Name a column; a name that is no plain identifier is quoted."""
    return exp.column(exp.to_identifier(name, quoted=_PLAIN.fullmatch(name) is None), table)


def literal(value: object) -> Node:
    """Write a constant."""
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, int):
        # Wide enough for what is computed with it: a small literal may be 32 bits in some databases.
        return number(value)
    return exp.Literal.string(str(value))


def case(branches: Sequence[tuple[Node, Node]], otherwise: Node | None = None) -> Node:
    """Choose by the first condition that holds; shares its operands, since trees are only printed."""
    return exp.Case(ifs=[exp.If(this=condition, true=value) for condition, value in branches], default=otherwise)


def paren(node: Node) -> Node:
    """Put an operand into parentheses, sharing it."""
    return exp.Paren(this=node)


def coalesce(first: Node, *more: Node) -> Node:
    """Take the first that is not null, sharing the operands."""
    return exp.Coalesce(this=first, expressions=list(more))


def typed_null(kind: str) -> Node:
    """Write a null of a type."""
    return exp.cast(exp.null(), {"int": "bigint", "bool": "boolean", "text": "text"}[kind])


class Printer:
    """Prints expressions; `leaf` gives the SQL of a fact or column, `needs` that of a column's needs."""

    def __init__(self, dialect: str, leaf: Callable[[Expression], Node], needs: Callable[[Expression], Node]) -> None:
        self.dialect = dialect
        self.leaf = leaf
        self.needs = needs

    def __call__(self, node: Expression) -> Node:
        operator = node.operator
        if operator == "constant":
            return self.constant(node)
        if operator in ("fact", "column"):
            return self.leaf(node)
        made: Node = getattr(self, f"_{operator}", self._strict)(node)
        return made

    def constant(self, node: Expression) -> Node:
        """Print a constant; one that is computed with has to be as wide as what it is computed with."""
        if node.data is None:
            return typed_null(node.type)
        if self.dialect == "postgres" and node.type == "int":
            return bigint(literal(node.data))
        return literal(node.data)

    def arguments(self, node: Expression) -> list[Node]:
        """Print the arguments, in parentheses where they are compound."""
        return [wrapped(self(argument)) for argument in node.arguments]

    # --- null rules of their own

    def _and(self, node: Expression) -> Node:
        return reduce(lambda left, right: exp.And(this=left, expression=right), self.arguments(node))

    def _or(self, node: Expression) -> Node:
        return reduce(lambda left, right: exp.Or(this=left, expression=right), self.arguments(node))

    def _is_missing(self, node: Expression) -> Node:
        return exp.Is(this=self.arguments(node)[0], expression=exp.null())

    def _is_undetermined(self, node: Expression) -> Node:
        return self.undetermined(node.arguments[0])

    def undetermined(self, leaf: Expression) -> Node:
        """Say that a leaf is null because something is unknown."""
        missing = exp.Is(this=self.leaf(leaf), expression=exp.null())
        if leaf.operator == "fact":
            return missing
        return exp.And(this=missing, expression=exp.NEQ(this=wrapped(self.needs(leaf)), expression=number(0)))

    def _certainly(self, node: Expression) -> Node:
        return coalesce(self(node.arguments[0]), exp.false())

    def _unless_undetermined(self, node: Expression) -> Node:
        subject, condition = node.arguments
        sure = coalesce(self(condition), exp.false())
        return case([(self.undetermined(subject), typed_null("bool"))], sure)

    def _choose(self, node: Expression) -> Node:
        condition, then, otherwise = node.arguments
        test = self(condition)
        if not condition.nullable:
            return case([(test, self(then))], self(otherwise))
        return case([(test, self(then)), (exp.Not(this=wrapped(test)), self(otherwise))])

    def _first_known(self, node: Expression) -> Node:
        return coalesce(*(self(argument) for argument in node.arguments))

    def _earliest(self, node: Expression) -> Node:
        # Skips nulls in both databases, which is what it is for.
        return exp.func("LEAST", *(self(argument) for argument in node.arguments), copy=False)

    # --- strict operators

    def _strict(self, node: Expression) -> Node:
        arguments = self.arguments(node)
        if self.dialect == "postgres" and node.operator.endswith("_divide"):
            arguments[1] = self._divisor(node.arguments[1], arguments[1])
        match node.operator:
            case "not":
                return exp.Not(this=arguments[0])
            case "equal" | "less" | "at_most":
                return _COMPARE[node.operator](this=arguments[0], expression=arguments[1])
            case "one_of":
                return exp.In(this=arguments[0], expressions=[literal(value) for value in node.data])  # type: ignore[attr-defined]
            case "reached":
                return exp.GTE(this=column("at_s"), expression=arguments[0])
            case "add":
                return exp.Add(this=arguments[0], expression=arguments[1])
            case "subtract":
                return exp.Sub(this=arguments[0], expression=arguments[1])
            case "multiply":
                return exp.Mul(this=arguments[0], expression=arguments[1])
            case "bit_or":
                return exp.BitwiseOr(this=arguments[0], expression=arguments[1])
            case "least":
                return self._pick(exp.LTE, *arguments)
            case "greatest":
                return self._pick(exp.GTE, *arguments)
            case "floor_divide":
                return self.floor_divide(*arguments)
            case "ceil_divide":
                return wrapped(exp.Neg(this=paren(self.floor_divide(paren(exp.Neg(this=arguments[0])), arguments[1]))))
            case "half_up_divide":
                return self.half_up_divide(*arguments)
            case _:
                raise ValueError(f"{node.operator!r} is laid out in layers, not printed")

    @staticmethod
    def _divisor(node: Expression, divisor: Node) -> Node:
        """Let a divisor of 0, which no ticket states, make null of one row and not an error of all."""
        if node.operator == "constant":
            return divisor
        return exp.Nullif(this=divisor, expression=number(0))

    @staticmethod
    def _pick(comparison: Any, left: Node, right: Node) -> Node:
        """Take the left where the comparison holds, else the right; null if one is."""
        return case(
            [
                (comparison(this=left, expression=right), left),
                (exp.Not(this=paren(comparison(this=left, expression=right))), right),
            ]
        )

    def quotient(self, dividend: Node, divisor: Node) -> Node:
        """Divide integers, the fraction cut off; the divisor is positive."""
        if self.dialect == "duckdb":
            return exp.IntDiv(this=dividend, expression=divisor)
        # Both operands are integers, for which `/` cuts the fraction off.
        return exp.Div(this=dividend, expression=divisor, typed=True, safe=False)

    def floor_divide(self, dividend: Node, divisor: Node) -> Node:
        """Divide integers and round down; the divisor is positive."""
        below = exp.LT(this=exp.Mod(this=dividend, expression=divisor), expression=number(0))
        return exp.Sub(
            this=wrapped(self.quotient(dividend, divisor)),
            # A null dividend has made the quotient null already.
            expression=case([(below, number(1))], number(0)),
        )

    def half_up_divide(self, dividend: Node, divisor: Node) -> Node:
        """Divide integers and round to the nearest, a half up; the divisor is positive."""
        doubled = paren(exp.Add(this=exp.Mul(this=dividend, expression=number(2)), expression=divisor))
        return self.floor_divide(doubled, paren(exp.Mul(this=divisor, expression=number(2))))


def wrapped(node: Node) -> Node:
    """Put a compound operand into parentheses."""
    simple = (exp.Column, exp.Literal, exp.Paren, exp.Func, exp.Case, exp.Null, exp.Boolean, exp.Cast)
    return node if isinstance(node, simple) and not isinstance(node, exp.Binary | exp.Connector) else paren(node)


def mask_sum(terms: Sequence[Node]) -> Node:
    """Add up disjoint masks."""
    return reduce(lambda left, right: exp.Add(this=left, expression=right), terms) if terms else number(0)
