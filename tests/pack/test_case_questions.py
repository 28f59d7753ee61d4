"""Cases that ask for a schedule, posts or statistics instead of deciding a ticket."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedule.planning import plan
from svc_policy import load
from svc_policy.errors import PackError
from svc_policy.pack.cases import cases_of, outcome_of, run_case

CASE = """
[[case]]
name = "notice"
rules = ["schedules.r1"]
cites = ["plans-1"]
schedule = { from = 2026-02-01, until = "2026-02-28", contracts = [{ contract_no = "C", contract_until = 2026-03-31 }] }
expect = { "occurrences[].on" = ["2026-02-28"], "occurrences[].subject" = ["C"], "undated[].decided_by" = ["head"] }
why = "31 March less a month is the end of February"
"""
ROWS = ({"anchor": "contract_until", "before": "1 month"}, {"every": "open", "decided by": "head"})
POSTS = "rule,then: post,then: staff,then: per,then: each,cite\nposts,clerk,1,jobs,50,plans-2\n"


def pack(folder: Path, text: str) -> Path:
    return plan(folder, *ROWS, replaced={"cases.toml": text, "staffing.csv": POSTS})


def test_a_schedule_is_compared(tmp_path: Path) -> None:
    policy = load(pack(tmp_path, CASE))
    (case,) = cases_of(policy.pack)
    assert (case.kind, dict(case.ticket)) == ("schedule", {})
    assert run_case(policy, case) == []
    assert outcome_of(policy, case)["occurrences"][0]["counted_from"] == "2026-03-31"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2026-02-28", "2026-02-27", "occurrences[].on"),
        ('["C"]', '["D"]', "occurrences[].subject: expected ['D'], got ['C']"),
        ('["plans-1"]', '["plans-2"]', "cites: expected 'plans-2', got None"),
        ('["schedules.r1"]', '["schedules.r1", "staffing.posts"]', "rules: expected 'staffing.posts'"),
        ("from = 2026-02-01", "from = 2026-03-01", "schedule: expected 'an answer'"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    policy = load(pack(tmp_path, CASE.replace(old, new, 1)))
    (case,) = cases_of(policy.pack)
    assert said in "\n".join(map(str, run_case(policy, case)))


def test_posts_are_compared(tmp_path: Path) -> None:
    text = """
[[case]]
name = "posts"
rules = ["staffing.posts"]
cites = ["plans-2"]
staffing = { workload = { jobs = 120 }, on = "2026-01-05" }
expect = { "posts[].staff" = [3] }
why = "two full fifties"
"""
    policy = load(pack(tmp_path, text))
    (case,) = cases_of(policy.pack)
    assert run_case(policy, case) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schedule = { from", "schedule = { form", "`schedule` of a case has no `form`"),
        ('until = "2026-02-28", ', "", "`schedule` of a case needs `until`"),
        ("schedule = {", "ticket = {}\nschedule = {", "a case asks one question, not `ticket` and `schedule`"),
        ("schedule = {", "shedule = {", "did you mean `schedule`?"),
        ("schedule = {", "ticket = {", "a case needs `at`"),
    ],
)
def test_a_question_that_cannot_be_put_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    policy = load(pack(tmp_path, CASE.replace(old, new, 1)))
    with pytest.raises(PackError) as caught:
        cases_of(policy.pack)
    assert said in caught.value.render()
