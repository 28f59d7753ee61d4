"""A policy asked from Python: what it makes of days, instants and workloads that it is given."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from svc_policy import load
from svc_policy.errors import PolicyError

TICKET = {"received_at": "2026-03-02T09:00:00", "request_kind": "fault"}


def test_a_policy_on_a_day_counts_its_posts_on_that_day() -> None:
    campus = load("campus")
    assert campus.on(date(2026, 3, 1)).staffing().on == date(2026, 3, 1)
    assert campus.on(date(2026, 3, 1)).staffing(on="2026-04-01").on == date(2026, 4, 1)


def test_a_day_may_be_written() -> None:
    branches = load("branches")
    at = datetime.fromisoformat("2026-03-03T09:00:00+08:00")
    written = branches.on("2026-03-01").decide(TICKET, at=at).to_dict()
    assert written == branches.on(date(2026, 3, 1)).decide(TICKET, at=at).to_dict()
    assert written["policy"]["dates"]["request"] == "2026-03-01"


@pytest.mark.parametrize("day", [None, "soon", "2026-02-30", 20260301, datetime(2026, 3, 1)])
def test_what_is_no_day_is_refused(day: Any) -> None:
    with pytest.raises(PolicyError, match="in `on`\\nhelp: "):
        load("branches").on(day)


@pytest.mark.parametrize("at", ["2026-03-03T09:00:00+08:00", 1, date(2026, 3, 3)])
def test_what_is_no_instant_is_refused(at: Any) -> None:
    with pytest.raises(PolicyError, match="in `at` is no datetime\\nhelp: give it one"):
        load("branches").decide(TICKET, at=at)
