"""Match a test against a value, in three values: True, False, and None for "it cannot be known yet"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message
from svc_policy.tables.records import Absence, Interval, Operand, Reference, Test
from svc_policy.units import Literal, Value

Parameters = Mapping[str, Literal | Value | None]


def match(
    test: Test, value: Value | None, absence: Absence = "unknown", parameters: Parameters | None = None
) -> bool | None:
    """Say whether `test` holds of `value`.

    Args:
        test: The condition.
        value: The value in its kind's smallest unit; None is an absent fact.
        absence: What an absent value means. Of an `unknown` one a test is unknown,
            except that `missing` holds. `none` and `not yet` are known absences: no
            comparison and no value holds of them, `not(...)` and `missing` do.
        parameters: The values of the parameters; None is a value not yet known.

    Raises:
        UsageError: The test names a parameter that is not given.
    """
    if test.any:
        return True
    if value is not None:
        holds = any_of(_within(item, value, parameters) for item in test.items)
    elif test.missing:
        holds = True
    else:
        holds = None if absence == "unknown" else False
    return holds if holds is None or not test.negated else not holds


def any_of(truths: Iterable[bool | None]) -> bool | None:
    """Join with "or": True if one is True, else None if one is unknown."""
    found: bool | None = False
    for truth in truths:
        if truth:
            return True
        found = None if truth is None else found
    return found


def all_of(truths: Iterable[bool | None]) -> bool | None:
    """Join with "and": False if one is False, else None if one is unknown."""
    found: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        found = None if truth is None else found
    return found


def resolve(operand: Operand, parameters: Parameters | None) -> Value | None:
    """Give the value of an operand; None is a parameter whose value is not yet known.

    Raises:
        UsageError: There is no such parameter.
    """
    if isinstance(operand, Reference):
        if parameters is None or operand.name not in parameters:
            raise UsageError(
                [problem("parameter-unknown", message("there is no parameter `{name}`", name=operand.name))]
            )
        found = parameters[operand.name]
        return found.value if isinstance(found, Literal) else found
    return operand.value


def _within(item: Interval, value: Value, parameters: Parameters | None) -> bool | None:
    if item.is_single and item.low is not None:
        single = resolve(item.low, parameters)
        return None if single is None else single == value
    return all_of(
        (
            _beyond(item.low, item.low_closed, value, 1, parameters),
            _beyond(item.high, item.high_closed, value, -1, parameters),
        )
    )


def _beyond(
    bound: Operand | None, closed: bool, value: Value, direction: int, parameters: Parameters | None
) -> bool | None:
    """Say whether `value` is above the bound (`direction` 1) or below it (-1), or on it if closed."""
    if bound is None:
        return True
    limit = resolve(bound, parameters)
    if limit is None:
        return None
    if not isinstance(limit, int) or not isinstance(value, int):
        return False
    distance = direction * (value - limit)
    return distance > 0 or (closed and distance == 0)
