"""A readable value in an interval: 75 km for what lies over 50 km and up to 100 km."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from svc_policy.tables import Domain, contains
from svc_policy.units import Kind
from svc_policy.units.days import date_of, day_of

#: The unit in which people think of a kind, in its smallest unit; money has its currency's.
UNITS: Mapping[Kind, int] = {
    "distance": 1_000,
    "area": 10_000,
    "weight": 1_000,
    "duration": 3_600,
    "share": 100,
    "instant": 3_600,
}
#: From a distance between the bounds of twice so many units on, only its multiples are round.
_ROUND = 5


def unit_of_kind(kind: Kind, digits: int) -> int:
    """Give the unit in which people think of a kind, in its smallest unit; `digits` are the currency's decimals."""
    return 10**digits if kind == "money" else UNITS.get(kind, 1)


def plain_value(
    kind: Kind,
    low: int | None,
    high: int | None,
    *,
    low_closed: bool = True,
    high_closed: bool = True,
    domain: Domain | None = None,
    digits: int = 2,
) -> int | None:
    """Choose the plainest value between two bounds, all in the smallest unit of `kind`; None where there is none.

    The middle if it is a round number of units (kilometres, hours, yuan, percents), else the roundest number near
    it, else what lies there. An interval without an upper bound is taken up to twice its lower one; without a lower
    one, or from nothing, to ten units on. Of days the first of a month near the middle.

    Args:
        kind: What the value is: an ordered kind.
        low: The lower bound; None is none.
        high: The upper bound; None is none.
        low_closed: Whether the lower bound itself lies in the interval.
        high_closed: Whether the upper one does.
        domain: The values that can occur; a value outside is not chosen.
        digits: Decimals of the currency.
    """
    step = domain.step if domain is not None and domain.step else 1
    unit = unit_of_kind(kind, digits)
    least = low if low is None or low_closed else low + 1
    most = high if high is None or high_closed else high - 1
    if domain is not None and domain.low is not None:
        least = domain.low if least is None else max(least, domain.low)
    if domain is not None and domain.high is not None and most is not None:
        most = min(most, domain.high)
    if least is not None and most is not None and least > most:
        return None
    if high is None and domain is not None and domain.high is not None and least is not None:
        high = domain.high if domain.high < 2 * least else None
    for value in _candidates(kind, least, most, low, high, unit, step):
        inside = (least is None or least <= value) and (most is None or value <= most)
        if inside and (domain is None or contains(domain, value)):
            return value
    return None


def _candidates(
    kind: Kind, least: int | None, most: int | None, low: int | None, high: int | None, unit: int, step: int
) -> Iterator[int]:
    if least is not None and least == most:
        yield least
        return
    if kind == "date":
        yield from _days(least, most)
        return
    first = low if low is not None else least
    first = 0 if first is None and (high is None or high > 0) else first
    if first is None:
        first = (high or 0) * 2
    is_doubled = low is not None and low >= unit
    last = high if high is not None else 2 * first if is_doubled else first + 10 * unit
    middle, odd = divmod(first + last, 2)
    if not odd and middle % unit == 0 and (middle % (_ROUND * unit) == 0 or last - first < 2 * _ROUND * unit):
        yield middle
    power = 1
    while power * unit * 10 <= max(last - first, 1):
        power *= 10
    while power:
        for factor in (5, 2, 1):
            grain = factor * power * unit
            near = middle // grain * grain
            found = sorted((near, near + grain), key=lambda value: (abs(2 * value - first - last), value))
            quarter = (last - first) // 4
            yield from (value for value in found if first + quarter <= value <= last - quarter)
        power //= 10
    # Nothing round lies about the middle: whole units anywhere, then what is left.
    yield from (value for value in (-(-first // unit) * unit, (first // unit + 1) * unit, last // unit * unit))
    fine = max(unit // 10, 1)
    while True:
        yield (middle // fine) * fine
        if fine == 1:
            break
        fine = max(fine // 10, 1)
    yield from (item for item in (least, most) if item is not None)
    if step > 1:
        yield middle // step * step
        yield -(-first // step) * step


def _days(least: int | None, most: int | None) -> Iterator[int]:
    first = least if least is not None else (most or 0) - 60
    last = most if most is not None else first + 60
    year, month, _ = date_of((first + last) // 2)
    yield day_of(year, month, 1)
    yield day_of(year, month, 15)
    yield (first + last) // 2
    yield from (first, last)
