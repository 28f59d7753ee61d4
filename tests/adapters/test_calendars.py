"""A mapping may bring the calendar of the place that the log comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from svc_policy.adapters import with_calendar
from svc_policy.adapters.mapping import CalendarSource
from svc_policy.errors import MappingError

WEEK = {"mon": ("09:00-13:00", "14:00-18:00")}


def source(**changes: Any) -> CalendarSource:
    values: dict[str, Any] = {
        "timezone": "Europe/Rome",
        "week": WEEK,
        "valid": ("2012-01-01", "2012-12-31"),
        "days": None,
        "country": "",
    }
    return CalendarSource(**{**values, **changes})


def test_none_leaves_the_policy_as_it_is(mall: Any) -> None:
    assert with_calendar(mall, None, "mapping.toml") is mall


def test_week_validity_zone_and_days(mall: Any, tmp_path: Path) -> None:
    days = tmp_path / "days.csv"
    days.write_text("day,windows,why\n2012-04-09,off,Easter Monday\n", "utf-8")
    policy = with_calendar(mall, source(days=days), "mapping.toml")
    axis = policy.clocks.axis
    assert axis is not None
    assert (policy.zone.key, policy.id) == ("Europe/Rome", "mall")
    assert policy.digest != mall.digest
    # Mondays only, eight hours each; 2012-04-09 is off. Monday 2012-04-02 begins at 07:00 UTC in summer time.
    begin = 1333350000
    assert axis.elapsed_s(begin, begin + 14 * 86400) == 8 * 3600


def test_days_of_a_country(mall: Any) -> None:
    axis = with_calendar(mall, source(country="IT"), "mapping.toml").clocks.axis
    assert axis is not None
    begin = 1333350000
    assert axis.elapsed_s(begin, begin + 14 * 86400) == 8 * 3600


@pytest.mark.parametrize(
    "changes",
    [
        {"week": {"mon": ("9 to 5",)}},
        {"valid": ("2012-12-31", "2012-01-01")},
        {"valid": ("long ago", "now")},
        {"days": Path("/nowhere/days.csv")},
        {"valid": ("long ago", "now"), "country": "IT"},
    ],
)
def test_a_calendar_that_cannot_be(mall: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(MappingError) as raised:
        with_calendar(mall, source(**changes), "mapping.toml")
    assert all(found.place is not None for found in raised.value.problems)
