"""Turn a cell's unary test into an expression over its subject."""

from __future__ import annotations

from collections.abc import Callable

from svc_policy.expressions.nodes import (
    TRUE,
    Expression,
    and_,
    at_most,
    equal,
    is_constant,
    is_missing,
    is_present,
    less,
    not_,
    one_of,
    or_,
    unless_undetermined,
)
from svc_policy.tables import Interval, Operand, Test


def condition(test: Test, subject: Expression, operand: Callable[[Operand], Expression]) -> Expression:
    """Write `test` over `subject`; `operand` gives the value of a literal or a parameter.

    An unknown subject makes the condition unknown, an absent one makes it false
    (and a negated one true); ``missing`` is true of both.
    """
    if test.any:
        return TRUE
    bounds = [operand(bound) for item in test.items for bound in (item.low, item.high) if bound is not None]
    singles: list[Expression] = []
    parts: list[Expression] = []
    for item in test.items:
        if item.low is not None and item.low == item.high:
            singles.append(operand(item.low))
        else:
            parts.append(_within(item, subject, operand))
    if subject.type == "bool" and len(singles) == 1 and is_constant(singles[0]) and singles[0].data is not None:
        parts.append(subject if singles[0].data else not_(subject))
        singles = []
    constants = [single.data for single in singles if is_constant(single) and single.data is not None]
    if constants:
        parts.insert(0, one_of(subject, constants))  # type: ignore[arg-type]
    parts.extend(equal(subject, single) for single in singles if not is_constant(single))
    stated = _stated(subject, or_(*parts), any(bound.asks for bound in bounds)) if parts else None
    missing = is_missing(subject) if test.missing else None
    positive = or_(*(part for part in (missing, stated) if part is not None))
    return not_(positive) if test.negated else positive


def _stated(subject: Expression, test: Expression, is_open: bool) -> Expression:
    """Test a subject that may be absent; with `is_open` a bound, and so the test of what is stated, may be unknown."""
    if not is_open:
        return unless_undetermined(subject, test)
    if subject.asks and subject.operator != "column":
        return test
    return and_(unless_undetermined(subject, is_present(subject)), test)


def _within(interval: Interval, subject: Expression, operand: Callable[[Operand], Expression]) -> Expression:
    bounds: list[Expression] = []
    if interval.low is not None:
        low = operand(interval.low)
        bounds.append(at_most(low, subject) if interval.low_closed else less(low, subject))
    if interval.high is not None:
        high = operand(interval.high)
        bounds.append(at_most(subject, high) if interval.high_closed else less(subject, high))
    return and_(*bounds)
