"""Posts for a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schedule.planning import policy
from svc_policy.errors import UsageError

ROWS = (
    {"post": "head", "staff": "1"},
    {"post": "clerk", "staff": "2", "per": "jobs", "each": "50", "beyond": "100", "cite": "plans-2"},
    {"post": "clerk", "staff": "1", "per": "sites", "each": "10"},
)


@pytest.mark.parametrize(("jobs", "staff"), [(0, 2), (100, 2), (149, 2), (150, 3), (199, 3), (200, 4), (1_000, 20)])
def test_one_more_comes_for_each_full_step_beyond(tmp_path: Path, jobs: int, staff: int) -> None:
    posts = policy(tmp_path, *ROWS, family="staffing").staffing({"jobs": jobs, "sites": 0}).posts
    assert [post.staff for post in posts] == [1, staff, 1]
    assert posts[1].base == 2
    assert posts[1].rule.cites == ("plans-2",)


def test_a_workload_that_is_not_given_is_asked_for(tmp_path: Path) -> None:
    posts = policy(tmp_path, *ROWS, family="staffing").staffing({"jobs": 150}).posts
    assert [(post.staff, post.needs) for post in posts] == [(1, None), (3, None), (1, "sites")]


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        ({"job": 1}, "did you mean `jobs`?"),
        ({"houses": 1}, "known here: jobs, sites"),
        ({"jobs": -1}, "is a whole number, not `-1`"),
        ({"jobs": 1.5}, "is a whole number"),
        ({"jobs": True}, "is a whole number"),
        (["jobs"], "is no workload"),
    ],
)
def test_a_workload_that_cannot_be_is_refused(tmp_path: Path, workload: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        policy(tmp_path, *ROWS, family="staffing").staffing(workload)
    assert said in caught.value.render()


def test_editions_hold_on_the_day_that_is_asked_about(tmp_path: Path) -> None:
    rows = (
        {"rule": "clerks", "staff": "1", "from": "2026-01-01", "until": "2026-07-01"},
        {"rule": "clerks", "staff": "2", "from": "2026-07-01"},
    )
    posts = policy(tmp_path, *rows, family="staffing")
    assert [post.staff for post in posts.staffing(on="2026-06-30").posts] == [1]
    assert [post.staff for post in posts.staffing(on="2026-07-01").posts] == [2]
    with pytest.raises(UsageError, match="cannot read `July` in `on`"):
        posts.staffing(on="July")


def test_a_number_that_is_open_is_not_invented(tmp_path: Path) -> None:
    posts = policy(tmp_path, {"staff": "1", "decided by": "head"}, {"decided by": "head"}, family="staffing")
    found = posts.staffing().to_dict()["posts"]
    assert [(post["staff"], post["decided_by"]) for post in found] == [(1, "head"), (None, "head")]
