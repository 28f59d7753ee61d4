from __future__ import annotations

import pytest

from svc_policy.boundaries import plain_value
from svc_policy.tables import Domain, contains
from svc_policy.units.days import day_of


@pytest.mark.parametrize(
    "kind, low, high, closed, expected",
    [
        ("distance", 50_000, 100_000, (False, True), 75_000),  # the middle is round
        ("distance", 5_000, 50_000, (False, True), 20_000),  # 27.5 km is not: 20 km is the roundest near it
        ("distance", 100_000, None, (False, False), 150_000),
        ("distance", None, 5_000, (False, True), 2_000),
        ("distance", 5_000, 5_001, (False, True), 5_001),  # nothing round lies there
        ("distance", 5_000, 5_000, (True, True), 5_000),
        ("distance", 5_000, 5_000, (False, True), None),
        ("money", 0, None, (False, False), 500),
        ("money", 5_000, 50_000, (True, True), 27_500),  # 275 CNY is a multiple of five
        ("duration", 0, 8 * 3600, (False, True), 4 * 3600),
        ("count", 0, 1, (False, True), 1),
        ("count", 3, None, (False, False), 5),
        ("share", 8_000, 10_000, (True, True), 9_000),
        ("date", day_of(2026, 1, 1), day_of(2026, 12, 31), (True, True), day_of(2026, 7, 1)),
        ("date", day_of(2026, 3, 4), day_of(2026, 3, 9), (False, False), day_of(2026, 3, 6)),
    ],
)
def test_chooses_what_a_reader_would_write(kind, low, high, closed, expected):  # type: ignore[no-untyped-def]
    assert plain_value(kind, low, high, low_closed=closed[0], high_closed=closed[1]) == expected


def test_lies_in_its_interval_wherever_that_holds_a_value_of_the_domain() -> None:
    """Every small interval, against a search of all its values."""
    domain = Domain(kind="count", low=0, high=36, step=1)
    for low in range(-2, 24):
        for high in range(low, 44):
            for low_closed in (True, False):
                for high_closed in (True, False):
                    inside = [
                        value
                        for value in range(-3, 70)
                        if contains(domain, value)
                        and (low < value or (low_closed and low == value))
                        and (value < high or (high_closed and high == value))
                    ]
                    value = plain_value(
                        "count", low, high, low_closed=low_closed, high_closed=high_closed, domain=domain
                    )
                    assert (value in inside) if inside else value is None, (low, high, low_closed, high_closed)


def test_counts_money_in_the_units_of_its_currency() -> None:
    assert plain_value("money", 0, 10, digits=0) == 5
    assert plain_value("money", 0, 1000, digits=2) == 500
