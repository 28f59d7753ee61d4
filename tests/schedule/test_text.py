"""Schedules and posts in whole lines, in both languages."""

from __future__ import annotations

from pathlib import Path

from schedule.planning import policy
from svc_policy.schedule import schedule_text, staffing_text

SETTINGS = """
[interpretations.by_tenth]
kind = "text"
value = "10"
cite = "plans-1"
since = "2026-01-01"
reading.en = "By the 10th includes the 10th."
reading.zh = "十日前含十日。"
"""
ROWS = (
    {"every": "month", "on": "{by_tenth}", "recipient": "head"},
    {"every": "month", "on": "16", "moved": "next working day"},
    {"anchor": "contract_until", "before": "1 month", "cite": "plans-1 plans-2"},
    {"every": "open", "decided by": "head", "over": "sites", "phase names": "early, late"},
    {"every": "week", "decided by": "head"},
    {"every": "3 months", "decided by": "head", "over": "customers"},
)
CONTRACTS = [
    {"contract_no": "C-1", "customer": "Acme", "contract_until": "2026-03-31"},
    {"contract_no": "C-2", "contract_until": None},
]


def test_a_schedule_in_english(tmp_path: Path) -> None:
    plans = policy(tmp_path, *ROWS, settings=SETTINGS)
    schedule = plans.schedule(CONTRACTS, [{"serial_no": "S", "site": "hall"}], from_="2026-02-09", until="2026-02-28")
    assert schedule_text(schedule, plans).splitlines() == [
        f"Plans (plans@{plans.digest[:12]}): schedule from 9 February 2026 to 28 February 2026, both included "
        "(Asia/Shanghai).",
        "",
        "Tuesday, 10 February 2026",
        "  Daily report: the clerk, to the head [plans-1]",
        "",
        "Monday, 23 February 2026",
        "  Daily report (moved from Monday, 16 February 2026): the clerk [plans-1]",
        "",
        "Saturday, 28 February 2026",
        "  Daily report (contract C-1, Acme; counted from 31 March 2026): the clerk [plans-1 plans-2]",
        "",
        "Without a date",
        "  Daily report (contract C-2): the clerk; “last day of the contract” is missing [plans-1 plans-2]",
        "  Daily report (site hall; phase 1: early round): the clerk; "
        "the interval is to be decided by the head [plans-1]",
        "  Daily report (site hall; phase 2: late round): the clerk; "
        "the interval is to be decided by the head [plans-1]",
        "  Daily report: the clerk; every week; the day is to be decided by the head [plans-1]",
        "  Daily report (customer Acme): the clerk; every 3 months; the day is to be decided by the head [plans-1]",
        "",
        "Readings",
        "  By the 10th includes the 10th. (by_tenth, since 2026-01-01) [plans-1]",
    ]


def test_a_schedule_in_chinese(tmp_path: Path) -> None:
    plans = policy(tmp_path, *ROWS, settings=SETTINGS)
    schedule = plans.schedule(CONTRACTS, [{"serial_no": "S", "site": "hall"}], from_="2026-02-10", until="2026-02-28")
    assert schedule_text(schedule, plans, "zh").splitlines() == [
        f"计划（plans@{plans.digest[:12]}）：2026年2月10日至2026年2月28日（含首尾两日）的日程（Asia/Shanghai）。",
        "",
        "2026年2月10日 星期二",
        "  日报：文员，对象为主任 [plans-1]",
        "",
        "2026年2月23日 星期一",
        "  日报（由2026年2月16日 星期一调整）：文员 [plans-1]",
        "",
        "2026年2月28日 星期六",
        "  日报（合同 C-1、Acme；自2026年3月31日推算）：文员 [plans-1 plans-2]",
        "",
        "未定日期",
        "  日报（合同 C-2）：文员；缺少“合同截止日” [plans-1 plans-2]",
        "  日报（地点 hall；第 1 阶段：前期）：文员；间隔由主任确定 [plans-1]",
        "  日报（地点 hall；第 2 阶段：后期）：文员；间隔由主任确定 [plans-1]",
        "  日报：文员；每周一次，具体日期由主任确定 [plans-1]",
        "  日报（客户 Acme）：文员；每 3 个月一次，具体日期由主任确定 [plans-1]",
        "",
        "解释口径",
        "  十日前含十日。（by_tenth，自 2026-01-01 起采用） [plans-1]",
    ]


def test_an_empty_period_says_so(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "10"})
    schedule = plans.schedule(from_="2026-01-11", until="2026-02-09")
    assert schedule_text(schedule, plans).splitlines()[1:] == ["", "Nothing is due in this period."]
    assert schedule_text(schedule, plans, "zh").splitlines()[1:] == ["", "这段时间没有到期事项。"]


def test_posts_in_both_languages(tmp_path: Path) -> None:
    rows = (
        {"post": "head", "staff": "1", "decided by": "head"},
        {"post": "clerk", "staff": "2", "per": "jobs", "each": "50", "beyond": "100"},
        {"post": "clerk", "staff": "1", "per": "jobs", "each": "50"},
        {"post": "clerk", "decided by": "head"},
    )
    plans = policy(tmp_path, *rows, family="staffing")
    english = staffing_text(plans.staffing({"jobs": 150}, on="2026-01-05"), plans).splitlines()
    assert english == [
        f"Plans (plans@{plans.digest[:12]}): posts on 5 January 2026.",
        "",
        "  Head: 1 (more are decided by the head) [plans-1]",
        "  Clerk: 3 (one more for each 50 of “jobs” beyond 100) [plans-1]",
        "  Clerk: 4 (one more for each 50 of “jobs”) [plans-1]",
        "  Clerk: not settled (the number is decided by the head) [plans-1]",
    ]
    chinese = staffing_text(plans.staffing(on="2026-01-05"), plans, "zh").splitlines()
    assert chinese == [
        f"计划（plans@{plans.digest[:12]}）：2026年1月5日的岗位编制。",
        "",
        "  主任：1（是否增加由主任确定） [plans-1]",
        "  文员：2（“工单”超过 100 的部分，每 50 增加一人；未给出“工单”） [plans-1]",
        "  文员：1（“工单”每 50 增加一人；未给出“工单”） [plans-1]",
        "  文员：未定（人数由主任确定） [plans-1]",
    ]
    none = policy(tmp_path / "none", {"every": "month", "on": "10"})
    assert staffing_text(none.staffing(), none).splitlines()[-1] == "The policy names no posts."
