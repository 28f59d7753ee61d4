"""What to ask for where an expression is null: the mask of the facts that leave it undetermined."""

from __future__ import annotations

from collections.abc import Callable

from svc_policy.expressions.nodes import ZERO, Expression, bit_or, choose, is_missing


def needs_of(node: Expression, leaf: Callable[[Expression], Expression]) -> Expression:
    """Write the needs of `node`, for where it is null; `leaf` gives those of a fact or column.

    A fact asks for itself, a column for what its step asks for, a strict
    operator for what its null arguments ask for. Of a choice only the condition
    counts, or else the branch that was chosen.
    """
    if not node.asks:
        return ZERO
    if node.operator in ("fact", "column"):
        return leaf(node)
    if node.operator == "lookup":
        # The fact that it would fill is asked for beside it.
        return ZERO
    if node.operator == "choose":
        condition, then, otherwise = node.arguments
        chosen = choose(condition, needs_of(then, leaf), needs_of(otherwise, leaf))
        if not condition.nullable:
            return chosen
        # A condition that is null without asking is absent, and with it the choice.
        return choose(is_missing(condition), needs_of(condition, leaf), chosen)
    parts = []
    for argument in node.arguments:
        if argument.asks:
            asked = needs_of(argument, leaf)
            plain = argument.operator in ("fact", "column") or node.operator == "not"
            parts.append(asked if plain else choose(is_missing(argument), asked, ZERO))
    return bit_or(*parts)
