import pytest

from svc_policy.units import floor_div, half_up_div


@pytest.mark.parametrize(
    "dividend, divisor, quotient", [(7, 2, 3), (-7, 2, -4), (6, 2, 3), (0, 5, 0), (2**60 + 1, 2, 2**59)]
)
def test_floor_div_rounds_down(dividend: int, divisor: int, quotient: int) -> None:
    assert floor_div(dividend, divisor) == quotient


@pytest.mark.parametrize(
    "dividend, divisor, quotient",
    [
        (5, 2, 3),
        (4, 3, 1),
        (5, 3, 2),
        (-5, 2, -2),
        (-7, 2, -3),
        (-4, 3, -1),
        (-5, 3, -2),
        (0, 7, 0),
        (2**60 + 1, 2, 2**59 + 1),
    ],
)
def test_half_up_div_takes_a_tie_upwards(dividend: int, divisor: int, quotient: int) -> None:
    assert half_up_div(dividend, divisor) == quotient


@pytest.mark.parametrize("divisor", [0, -2])
def test_a_divisor_is_positive(divisor: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        floor_div(1, divisor)
    with pytest.raises(ValueError, match="positive"):
        half_up_div(1, divisor)
