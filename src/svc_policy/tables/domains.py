"""The values that a column can have: a range, dense or stepped; an enumeration; open text."""

from __future__ import annotations

import typing
from collections.abc import Iterable

import attrs

from svc_policy.units import Kind, Value

if typing.TYPE_CHECKING:
    from svc_policy.errors import Place, Problem

# Kinds whose values are counted one by one; distances, areas, weights and durations are measured, so dense.
_STEPS: typing.Final[dict[Kind, int]] = {"money": 1, "share": 1, "count": 1, "date": 1, "instant": 1, "months": 1}
UNORDERED: typing.Final[frozenset[Kind]] = frozenset({"text", "bool", "allowance"})


@attrs.frozen(kw_only=True)
class Domain:
    """The values a fact can have.

    With `values` it is an enumeration. Otherwise an ordered kind is a range in the
    kind's smallest unit, dense when `step` is None, else the multiples of `step`
    counted from `low` (from 0 without one); a text without values is open.
    Absence is in no domain.
    """

    kind: Kind
    low: int | None = None
    low_closed: bool = True
    high: int | None = None
    high_closed: bool = True
    step: int | None = None
    values: tuple[Value, ...] | None = None

    @property
    def is_dense(self) -> bool:
        """Say whether between any two values there is another."""
        return self.values is None and self.step is None and self.kind not in UNORDERED


def default_domain(kind: Kind, values: Iterable[Value] | None = None) -> Domain:
    """Give the domain of a kind about which no more is said.

    Amounts are not negative and shares at most 100 %; dates and instants are unbounded.
    """
    if values is not None:
        return Domain(kind=kind, values=tuple(values))
    if kind == "bool":
        return Domain(kind=kind, values=(False, True))
    if kind in UNORDERED:
        return Domain(kind=kind)
    low = None if kind in ("date", "instant") else 0
    return Domain(kind=kind, low=low, high=10_000 if kind == "share" else None, step=_STEPS.get(kind))


def contains(domain: Domain, value: Value) -> bool:
    """Say whether `value` can occur in `domain`."""
    if domain.values is not None:
        return any(value == known and type(value) is type(known) for known in domain.values)
    if domain.kind in UNORDERED:
        return True
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    if domain.low is not None and (value < domain.low or (value == domain.low and not domain.low_closed)):
        return False
    if domain.high is not None and (value > domain.high or (value == domain.high and not domain.high_closed)):
        return False
    return domain.step is None or (value - (domain.low or 0)) % domain.step == 0


def neighbours(domain: Domain, value: int) -> tuple[int, ...]:
    """List the values of `domain` on `value` and one step under and over it, in order.

    In a dense domain a step is one of the smallest unit: a metre, a gram, a second.
    """
    step = domain.step or 1
    return tuple(near for near in (value - step, value, value + step) if contains(domain, near))


def is_discrete(kind: Kind, domain: Domain | None) -> bool:
    """Say whether the values of a column are counted rather than measured."""
    if domain is not None:
        return domain.step is not None
    return kind in ("count", "date", "instant", "months")


def parse_domain(
    text: str,
    kind: Kind,
    *,
    problems: list[Problem],
    step: int | None = None,
    currency: str | None = None,
    zone: str | None = None,
    column: str = "",
    place: Place | None = None,
) -> Domain | None:
    """Read the domain of an ordered kind, as in `[0..500] km` or `>= 0 km`.

    Args:
        text: One interval or comparison, in the grammar of cells; `-` is the kind's default.
        kind: What the values are.
        problems: Takes what is wrong.
        step: The step in the smallest unit; the kind's own when not given.
        currency: The policy's currency.
        zone: The time zone of instants without an offset.
        column: The fact's name, for the problem.
        place: Where the text stands, for the problem.

    Returns:
        The domain, or None when it cannot be read.
    """
    from svc_policy.errors import problem
    from svc_policy.messages import message
    from svc_policy.tables.cells import parse_test
    from svc_policy.units import Literal

    test = parse_test(text, kind, problems=problems, currency=currency, zone=zone, column=column, place=place)
    if test is None:
        return None
    if test.any:
        return attrs.evolve(default_domain(kind), step=step or _STEPS.get(kind))
    bounds = [bound for item in test.items for bound in (item.low, item.high) if bound is not None]
    values = [bound.value for bound in bounds if isinstance(bound, Literal)]
    if kind in UNORDERED or test.negated or test.missing or len(test.items) != 1 or len(values) != len(bounds):
        problems.append(
            problem(
                "domain-unreadable",
                message("`{text}` is no domain of `{column}`", text=text, column=column),
                place=place,
                help=message("a domain is one interval, as in `{example}`", example="[0..500] km"),
            )
        )
        return None
    item = test.items[0]
    low, high = (bound.value if isinstance(bound, Literal) else None for bound in (item.low, item.high))
    return Domain(
        kind=kind,
        low=low if isinstance(low, int) else default_domain(kind).low,
        low_closed=item.low_closed if item.low is not None else True,
        high=high if isinstance(high, int) else default_domain(kind).high,
        high_closed=item.high_closed if item.high is not None else True,
        step=step or _STEPS.get(kind),
    )
