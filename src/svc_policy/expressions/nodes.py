"""Typed expression nodes and the rules of null: the one notation a rule's meaning is written in.

A value is an int, a text or a truth value, or null. Null means *not stated*;
whether it also means *unknown* (ask for it) or merely *absent* (there is none,
not yet) is told by :func:`is_undetermined`.

Every operator is null-strict: a null argument makes a null result. The only
exceptions are named here and nowhere else:

- ``and``/``or`` follow Kleene: false and null is false, true or null is true;
- ``is_missing``, ``is_undetermined`` and ``certainly`` are never null;
- ``choose`` is null if its condition is, else it is the chosen branch;
- ``first_known`` is its first argument that is not null;
- ``unless_undetermined(x, c)`` is null if `x` is undetermined, else ``certainly(c)``;
- ``earliest`` is the least of its arguments that are not null.

Instants are epoch seconds (UTC), days are days since 1970-01-01, money is in
minor units, shares are basis points. There is no division but the named ones:
``floor_divide`` rounds down, ``half_up_divide`` rounds to the nearest, a half up,
``ceil_divide`` rounds up; a divisor is positive: a constant, or made of facts that are at least 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import attrs

Type = Literal["int", "bool", "text"]
Value = int | str | bool | None

#: Operators whose result is null as soon as one argument is: name → result type.
STRICT: Final[dict[str, Type]] = {
    "equal": "bool",
    "less": "bool",
    "at_most": "bool",
    "one_of": "bool",
    "not": "bool",
    "add": "int",
    "subtract": "int",
    "multiply": "int",
    "floor_divide": "int",
    "half_up_divide": "int",
    "ceil_divide": "int",
    "least": "int",
    "greatest": "int",
    "bit_or": "int",
    "reached": "bool",
    "local_day": "int",
    "day_end": "int",
    "add_months": "int",
    "workday_due": "int",
    "work_before": "int",
    "work_after": "int",
    "lookup": "int",
}
#: Operators with a null rule of their own, stated in the module's docstring.
LENIENT: Final = (
    "and",
    "or",
    "is_missing",
    "is_undetermined",
    "certainly",
    "choose",
    "first_known",
    "unless_undetermined",
    "earliest",
)
LEAVES: Final = ("constant", "fact", "column")
OPERATORS: Final = (*LEAVES, *STRICT, *LENIENT)


@attrs.frozen(cache_hash=True, repr=False)
class Expression:
    """One node: operator, arguments, and what a leaf names or holds.

    `nullable` says that the value may be null; `asks` that a null may mean
    *unknown*, so that a table reading it can be undetermined.
    """

    operator: str
    arguments: tuple[Expression, ...] = ()
    data: object = None
    type: Type = "int"
    nullable: bool = False
    asks: bool = False

    def __repr__(self) -> str:
        if self.operator in LEAVES:
            return repr(self.data) if self.operator == "constant" else str(self.data)
        extra = "" if self.data is None else f", {self.data!r}"
        return f"{self.operator}({', '.join(map(repr, self.arguments))}{extra})"


def constant(value: Value) -> Expression:
    """Make a constant; None is the null constant."""
    kind: Type = "bool" if isinstance(value, bool) else "text" if isinstance(value, str) else "int"
    # True == 1 in Python: the type goes into the data so that the two constants stay apart.
    return Expression("constant", data=value, type=kind, nullable=value is None)


TRUE: Final = constant(True)
FALSE: Final = constant(False)
ZERO: Final = constant(0)
NULL: Final = constant(None)


def null(kind: Type) -> Expression:
    """Make the null constant of a type."""
    return Expression("constant", data=None, type=kind, nullable=True)


def fact(name: str, kind: Type, *, nullable: bool, asks: bool) -> Expression:
    """Name a stated fact of the record at hand; ``grain.name`` for one of a child record."""
    return Expression("fact", data=name, type=kind, nullable=nullable, asks=asks)


def column(name: str, kind: Type, *, nullable: bool, asks: bool) -> Expression:
    """Name the result of an earlier step."""
    return Expression("column", data=name, type=kind, nullable=nullable, asks=asks)


def is_constant(node: Expression) -> bool:
    """Say whether `node` is a constant."""
    return node.operator == "constant"


def strict(operator: str, *arguments: Expression, data: object = None) -> Expression:
    """Apply a null-strict operator; constant arguments fold where that needs no calendar."""
    node = Expression(
        operator,
        arguments,
        data,
        STRICT[operator],
        any(argument.nullable for argument in arguments),
        any(argument.asks for argument in arguments),
    )
    if operator not in _UNFOLDED and all(map(is_constant, arguments)):
        from svc_policy.expressions.evaluate import apply

        value = apply(operator, [argument.data for argument in arguments], data)  # type: ignore[misc]
        return null(node.type) if value is None else constant(value)
    return node


def lookup(key: Expression, name: str, kind: Type, *, asks: bool) -> Expression:
    """Look a key up in a list of the policy; null where the list lacks it. `name` is ``list.fact``."""
    return Expression("lookup", (key,), name, kind, True, asks)


_UNFOLDED: Final = frozenset({"reached", "local_day", "day_end", "workday_due", "work_before", "work_after"})


def add(left: Expression, right: Expression) -> Expression:
    """Add two integers."""
    if left == ZERO:
        return right
    return left if right == ZERO else strict("add", left, right)


def subtract(left: Expression, right: Expression) -> Expression:
    """Subtract an integer."""
    return left if right == ZERO else strict("subtract", left, right)


def multiply(left: Expression, right: Expression) -> Expression:
    """Multiply two integers."""
    if left == constant(1):
        return right
    return left if right == constant(1) else strict("multiply", left, right)


def divide(operator: str, left: Expression, divisor: int) -> Expression:
    """Divide by a positive constant with a named rounding: floor_divide, half_up_divide, ceil_divide."""
    return left if divisor == 1 else strict(operator, left, constant(divisor))


def equal(left: Expression, right: Expression) -> Expression:
    """Compare two values of one type."""
    return strict("equal", left, right)


def less(left: Expression, right: Expression) -> Expression:
    """Say whether left < right."""
    return strict("less", left, right)


def at_most(left: Expression, right: Expression) -> Expression:
    """Say whether left ≤ right."""
    return strict("at_most", left, right)


def one_of(argument: Expression, values: Iterable[int | str | bool]) -> Expression:
    """Say whether a value is one of some constants."""
    values = tuple(values)
    if len(values) == 1:
        return strict("equal", argument, constant(values[0]))
    return strict("one_of", argument, data=tuple(values))


def is_missing(argument: Expression) -> Expression:
    """Say whether a value is null; never null itself."""
    if not argument.nullable:
        return FALSE
    if is_constant(argument):
        return TRUE
    return Expression("is_missing", (argument,), type="bool")


def is_undetermined(argument: Expression) -> Expression:
    """Say whether a value is null because something is unknown; never null itself.

    Only a column tells unknown from absent; anything else that asks is unknown where it is null.
    """
    if not argument.asks:
        return FALSE
    if argument.operator != "column":
        return is_missing(argument)
    return Expression("is_undetermined", (argument,), type="bool")


def is_present(argument: Expression) -> Expression:
    """Say whether a value is stated; never null itself."""
    return not_(is_missing(argument))


def certainly(argument: Expression) -> Expression:
    """Say whether a condition is true, null counting as false."""
    if not argument.nullable:
        return argument
    if is_constant(argument):
        return FALSE
    return Expression("certainly", (argument,), type="bool")


def unless_undetermined(subject: Expression, condition: Expression) -> Expression:
    """Test a value that may be absent or unknown: unknown stays unknown, absent counts as false.

    Of what is no column a null is unknown if it asks, else absent. Where `subject`
    is null `condition` must not be true: engines rely on it.
    """
    if not subject.asks:
        return certainly(condition)
    if subject.operator != "column":
        return condition
    return Expression("unless_undetermined", (subject, condition), type="bool", nullable=True, asks=True)


def not_(argument: Expression) -> Expression:
    """Negate a condition."""
    if argument.operator == "not":
        return argument.arguments[0]
    return strict("not", argument)


def and_(*arguments: Expression) -> Expression:
    """Join conditions: false if one is false, else null if one is null."""
    return _junction("and", TRUE, FALSE, arguments)


def or_(*arguments: Expression) -> Expression:
    """Join conditions: true if one is true, else null if one is null."""
    return _junction("or", FALSE, TRUE, arguments)


def _junction(operator: str, neutral: Expression, winner: Expression, arguments: Iterable[Expression]) -> Expression:
    flat: list[Expression] = []
    for argument in arguments:
        parts = argument.arguments if argument.operator == operator else (argument,)
        flat.extend(part for part in parts if part != neutral and part not in flat)
    if winner in flat:
        return winner
    if not flat:
        return neutral
    if len(flat) == 1:
        return flat[0]
    return Expression(
        operator,
        tuple(flat),
        None,
        "bool",
        any(argument.nullable for argument in flat),
        any(argument.asks for argument in flat),
    )


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """Choose a branch; null if the condition is."""
    if condition == TRUE or (then == otherwise and not condition.nullable):
        return then
    if condition == FALSE:
        return otherwise
    kind = otherwise.type if then == NULL or (is_constant(then) and then.data is None) else then.type
    parts = (condition, then, otherwise)
    return Expression(
        "choose", parts, None, kind, any(part.nullable for part in parts), any(part.asks for part in parts)
    )


def first_known(*arguments: Expression) -> Expression:
    """Take the first argument that is not null."""
    known: list[Expression] = []
    for argument in arguments:
        if is_constant(argument) and argument.data is None:
            continue
        known.append(argument)
        if not argument.nullable:
            break
    if not known:
        return arguments[-1]
    if len(known) == 1:
        return known[0]
    last = known[-1]
    # It is null only where all are, and unknown as soon as one of them is: an explicit end
    # that there is none of leaves the question of the computed one.
    return Expression(
        "first_known", tuple(known), None, last.type, last.nullable, any(argument.asks for argument in known)
    )


def bit_or(*arguments: Expression) -> Expression:
    """Join bit masks."""
    masks = list(dict.fromkeys(argument for argument in arguments if argument != ZERO))
    if not masks:
        return ZERO
    result = masks[0]
    for mask in masks[1:]:
        result = strict("bit_or", result, mask)
    return result


def reached(instant: Expression, live: Expression) -> Expression:
    """Say whether `at` has come to an instant; `live` guards what would change at it.

    The only way an expression reads `at`. While `live` is not false and the
    instant lies ahead, something in the decision changes there.
    """
    return Expression("reached", (instant,), live, "bool", instant.nullable, instant.asks)


def earliest(*arguments: Expression) -> Expression:
    """Take the least of the arguments that are not null."""
    if not arguments:
        return null("int")
    if len(arguments) == 1:
        return arguments[0]
    return Expression("earliest", arguments, None, "int", all(argument.nullable for argument in arguments))


def walk(node: Expression, seen: set[Expression] | None = None) -> Iterable[Expression]:
    """Yield a node and all below it, once each; the guards of ``reached`` are not part of the value.

    What is in `seen` already is passed over, and what is yielded is put there.
    """
    seen = set() if seen is None else seen
    stack = [node]
    while stack:
        item = stack.pop()
        if item not in seen:
            seen.add(item)
            yield item
            stack.extend(item.arguments)
