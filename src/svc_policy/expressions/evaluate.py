"""Evaluate an expression directly: the slow and obvious meaning of every operator.

The engines are held against this. `Clock` gives what needs a calendar, a
time zone or a list of the policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from svc_policy.expressions.nodes import Expression, Value
from svc_policy.units import half_up_div
from svc_policy.worktime.known_days import add_months


class Clock(Protocol):
    """What the operators of time ask a calendar."""

    def local_day(self, instant: int) -> int: ...
    def day_end(self, day: int) -> int: ...
    def workday_due(self, instant: int, days: int) -> int: ...
    def work_before(self, instant: int) -> int: ...
    def work_after(self, work: int) -> int: ...
    def lookup(self, name: str, key: str) -> Value: ...


def evaluate(
    node: Expression,
    facts: Mapping[str, Value],
    columns: Mapping[str, Value],
    *,
    at: int | None = None,
    clock: Clock | None = None,
    undetermined: frozenset[str] = frozenset(),
) -> Value:
    """Evaluate `node`; `undetermined` names the columns whose null means unknown."""

    def value(item: Expression) -> Value:
        operator = item.operator
        if operator == "constant":
            return item.data  # type: ignore[return-value]
        if operator == "fact":
            return facts.get(str(item.data))
        if operator == "column":
            return columns.get(str(item.data))
        if operator == "is_undetermined":
            subject = item.arguments[0]
            return value(subject) is None and str(subject.data) in undetermined
        if operator == "unless_undetermined":
            subject, condition = item.arguments
            if value(subject) is None and str(subject.data) in undetermined:
                return None
            return value(condition) is True
        if operator == "choose":
            condition, then, otherwise = item.arguments
            chosen = value(condition)
            return None if chosen is None else value(then if chosen else otherwise)
        arguments = [value(argument) for argument in item.arguments]
        if operator == "reached":
            return None if arguments[0] is None else at is not None and at >= arguments[0]  # type: ignore[operator]
        return apply(operator, arguments, item.data, clock)

    return value(node)


def apply(operator: str, arguments: Sequence[Value], data: object = None, clock: Clock | None = None) -> Value:
    """Apply one operator to values."""
    if operator == "and":
        return False if False in _truths(arguments) else None if None in arguments else True
    if operator == "or":
        return True if True in _truths(arguments) else None if None in arguments else False
    if operator == "is_missing":
        return arguments[0] is None
    if operator == "certainly":
        return arguments[0] is True
    if operator == "first_known":
        return next((argument for argument in arguments if argument is not None), None)
    if operator == "earliest":
        return min((argument for argument in arguments if argument is not None), default=None)
    if any(argument is None for argument in arguments):
        return None
    return _strict(operator, arguments, data, clock)  # type: ignore[arg-type]


def _truths(arguments: Sequence[Value]) -> list[Value]:
    return [argument for argument in arguments if isinstance(argument, bool)]


def _strict(operator: str, arguments: Sequence[int], data: object, clock: Clock | None) -> Value:
    match operator:
        case "not":
            return not arguments[0]
        case "equal":
            return arguments[0] == arguments[1]
        case "less":
            return arguments[0] < arguments[1]
        case "at_most":
            return arguments[0] <= arguments[1]
        case "one_of":
            return arguments[0] in data  # type: ignore[operator]
        case "add":
            return arguments[0] + arguments[1]
        case "subtract":
            return arguments[0] - arguments[1]
        case "multiply":
            return arguments[0] * arguments[1]
        case "floor_divide":
            return arguments[0] // arguments[1]
        case "ceil_divide":
            return -(-arguments[0] // arguments[1])
        case "half_up_divide":
            return half_up_div(*arguments)
        case "least":
            return min(arguments)
        case "greatest":
            return max(arguments)
        case "bit_or":
            return arguments[0] | arguments[1]
        case "add_months":
            return add_months(*arguments)
        case "local_day" | "day_end" | "workday_due" | "work_before" | "work_after":
            answer: int = getattr(clock, operator)(*arguments)
            return answer
        case "lookup":
            found: Value = clock.lookup(str(data), str(arguments[0])) if clock else None
            return found
        case _:
            raise ValueError(f"no operator {operator!r}")
