"""Divisions with a name: no other rounding exists in the library, and no floats."""

from __future__ import annotations


def floor_div(dividend: int, divisor: int) -> int:
    """Divide and round down, towards minus infinity: `floor_div(-7, 2)` is -4.

    Args:
        dividend: Any integer.
        divisor: A positive integer.

    Raises:
        ValueError: The divisor is not positive.
    """
    _require_positive(divisor)
    return dividend // divisor


def half_up_div(dividend: int, divisor: int) -> int:
    """Divide and round to the nearest integer, a tie upwards: `half_up_div(5, 2)` is 3.

    A tie goes towards plus infinity whatever its sign, so `half_up_div(-5, 2)` is -2.
    On amounts that are not negative, and policies have no others, this is the
    commercial rounding that is meant by "half up".

    Args:
        dividend: Any integer.
        divisor: A positive integer.

    Raises:
        ValueError: The divisor is not positive.
    """
    _require_positive(divisor)
    return (2 * dividend + divisor) // (2 * divisor)


def _require_positive(divisor: int) -> None:
    if divisor <= 0:
        raise ValueError(f"a divisor must be positive, not `{divisor}`")
