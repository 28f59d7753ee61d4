from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from boundaries.shop import SETTINGS, TABLES
from engines.workshop import workshop
from rules.made import ZONE, made
from svc_policy import Policy
from svc_policy.boundaries import derived, points, read_facts
from svc_policy.facts.registry import MAX_DISTANCE, MAX_MONEY

DAY = 86_400


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    "path, expected",
    [
        # On, a metre under and over each bound: both values of {near}, 20 km, 50 km, and where the mileage begins;
        # the ends of the domain; a plain value between each two.
        (
            "distance_km",
            {
                *(bound + step for bound in (5_000, 8_000, 10_000, 20_000, 50_000) for step in (-1, 0, 1)),
                *(2_000, 6_000, 9_000, 15_000, 35_000, 75_000),
                *(0, MAX_DISTANCE, None),
            },
        ),
        ("floor", {None, 0, 2, 3, 4, 5, 200}),
        ("incidents[].extra_cost", {0, 500, 998, 999, 1000, 1500, MAX_MONEY}),
        ("fault_type", {None, "leak", "noise", "other"}),
        ("parts[].part_class", {None, "seal", "other"}),
        ("cause", {None, "product", "misuse", "wear", "accident"}),
        ("parts[].part_cause", {None, "product", "misuse", "wear", "accident"}),
        ("incidents[].incident_kind", {None, "missed", "mistake", "again"}),
        ("internal", {False, True}),
    ],
)
def test_lists_what_lies_on_and_beside_each_boundary(policy: Policy, path: str, expected: set[object]) -> None:
    found = points(policy)[path]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_lists_are_sorted_with_the_missing_value_first(policy: Policy) -> None:
    for path, values in points(policy).items():
        stated = [value for value in values if value is not None]
        assert stated == sorted(stated), path  # type: ignore[type-var]
        assert None not in values[1:], path


def test_a_word_that_no_cell_names_stays_one_where_a_cell_says_other(tmp_path: Path) -> None:
    fees = TABLES["fees"].replace("noise", "other")
    policy = made(tmp_path, {**TABLES, "fees": fees}, SETTINGS)
    assert set(points(policy)["fault_type"]) == {None, "leak", "other", "other_other"}


def test_instants_of_receipt_turn_with_editions_hours_and_frozen_days(policy: Policy) -> None:
    found = set(points(policy)["received_at"])
    # The row `paid` ends with 30 April, {near} changes with 1 June.
    for first in ("2026-05-01", "2026-06-01"):
        assert {local(f"{first}T00:00:00"), local(f"{first}T00:00:00") - 1} <= found
    # The plain day is the Wednesday after the newest edition, worked from 9 to 17.
    for edge in ("2026-06-03T09:00:00", "2026-06-03T17:00:00"):
        assert {local(edge) + step for step in (-1, 0, 1)} <= found
    assert {local("2026-01-01T10:00:00"), local("2026-02-14T10:00:00")} <= found
    assert {local("2026-01-01T00:00:00"), local("2026-12-31T23:59:59")} <= found
    assert {local("2026-02-28T10:00:00"), local("2026-04-30T10:00:00")} <= found
    assert min(value for value in found if value is not None) == local("2026-01-01T00:00:00")


def test_a_milestone_is_due_under_each_window(policy: Policy) -> None:
    found = set(points(policy)["arrived_at"])
    for due in ("2026-06-04T10:00:00", "2026-06-03T12:00:00"):  # 24 h, and 2 working h, after 10:00
        assert {local(due) + step for step in (-1, 0, 1)} <= found


def test_dates_lie_about_the_anniversary(policy: Policy) -> None:
    found = set(points(policy)["purchased_on"])
    assert {day("2025-06-02"), day("2025-06-03"), day("2025-06-04"), day("2024-02-29"), day("2026-02-28")} <= found


def test_the_nights_on_which_the_clock_is_put_are_points(tmp_path: Path) -> None:
    found = set(points(workshop(tmp_path))["received_at"])
    for change in (datetime(2025, 10, 26, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)):
        assert {int(change.timestamp()) + step for step in (-1, 0, 1)} <= found


def test_editions_of_the_purchase_are_points_of_its_day(tmp_path: Path) -> None:
    found = set(points(workshop(tmp_path))["purchased_on"])
    assert {day("2024-05-31"), day("2024-06-01"), day("2023-12-31"), day("2024-01-01")} <= found


def test_a_limit_keeps_what_editions_and_cells_say(policy: Policy) -> None:
    small = points(policy, limit=5)
    assert all(len(values) <= 5 for values in small.values())
    assert small["received_at"][0] is None
    assert {local("2026-05-01T00:00:00") - 1, local("2026-05-01T00:00:00")} < set(small["received_at"])
    assert set(small["distance_km"]) == {None, 4_999, 5_000, 5_001, 7_999}
    assert all(set(values) <= set(points(policy)[path]) for path, values in small.items())


def test_only_facts_that_are_read_are_listed(policy: Policy) -> None:
    assert set(points(policy)) == set(read_facts(policy))
    assert "visit_time" not in points(policy)
    assert "parts[].unit_price" in points(policy)


def test_says_which_facts_a_result_hangs_on(policy: Policy) -> None:
    hangs = derived(policy)
    coverage = {"cause", "purchased_on", "received_at", "suspended_days", "warranty_until"}
    assert set(hangs["covered"]) == coverage
    assert set(hangs["category"]) == {*coverage, "internal"}
    clock = {"arrived_at", "closed_at", "distance_km", "holds[].from_at", "holds[].hold_kind", "holds[].until_at", "at"}
    assert set(hangs["arrived_status"]) == {*coverage, "internal", *clock}
    assert {"parts[].part_cause", "parts[].part_warranty_until"} <= set(hangs["part_covered"])
    assert set(hangs["routing_fired"]) == set(hangs["arrived_status"])
