"""Escalations that no clock decides or that wait for the morning, and penalties of incidents: reckoned by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from svc_policy.errors import PackError

from .made import ZONE, decide, made

DISPATCH = {
    "deadlines": "rule,then: starts,then: ends,then: within,then: owner,cite\n"
    "dispatch,received,dispatched,0 days,clerk,m-1\n",
    "escalations": "rule,target,used_share,then: level,then: notify,then: action,then: when,cite\n"
    "first_in_line,dispatched,>= 100 %,1,head,first,next working day,m-1\n",
    "labels": "name,en,zh\nfirst,first in line,优先派工\n",
}


def told(decision) -> list[tuple[str, str]]:
    return [(item.cells["notify"], item.cells["action"]) for item in decision.escalations]


@pytest.mark.parametrize(
    "received,opening",
    [
        ("2026-03-04T10:00:00", "2026-03-05T09:00:00"),  # a Wednesday
        ("2026-03-06T16:59:59", "2026-03-09T09:00:00"),  # a Friday: Monday
        ("2026-03-07T12:00:00", "2026-03-09T09:00:00"),  # a Saturday: Monday
    ],
)
def test_what_is_not_dispatched_that_day_is_first_in_line_next_working_day(
    tmp_path: Path, received: str, opening: str
) -> None:
    policy = made(tmp_path, DISPATCH)
    ticket = {"received_at": received}
    before = decide(policy, ticket, received)
    assert before.targets["dispatched"].due.strftime("%H:%M:%S") == "23:59:59"
    assert told(before) == []
    # The day being over comes first, the morning after it next.
    second = before.next_change_at
    assert second is not None and second.strftime("%H:%M") == "00:00"
    night = decide(policy, ticket, second.astimezone(ZONE).replace(tzinfo=None).isoformat())
    assert night.targets["dispatched"].status == "breached" and told(night) == []
    assert night.next_change_at is not None and night.next_change_at.isoformat() == f"{opening}+08:00"
    assert told(decide(policy, ticket, opening)) == [("head", "first")]
    assert told(decide(policy, {**ticket, "dispatched_at": received}, opening)) == []


@pytest.mark.parametrize(
    "row,says",
    [
        ("bare,-,-,1,head,-,-,m-1", "rule `bare` would escalate every ticket: it has no condition"),
        ("share,-,>= 80 %,1,head,-,-,m-1", "rule `share` names no target, whose time it could watch"),
        ("later,-,-,1,head,-,next working day,m-1", "rule `later` names no target, whose time it could watch"),
    ],
)
def test_a_row_without_a_target_has_another_condition_and_no_time(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(PackError, match=says):
        made(tmp_path, {**DISPATCH, "escalations": DISPATCH["escalations"] + row + "\n"})


PENALTIES = {
    "penalties": "rule,incident_kind,in_working_hours,customer_complained,then: liable,then: amount,then: amount of,"
    "then: decided by,then: outcome,cite\n"
    "missed,missed,yes,-,clerk,-,-,head,-,m-1\nmissed_at_night,missed,no,-,clerk,-,-,-,finding,m-1\n"
    "mistake,mistake,-,-,clerk,-,loss,-,-,m-1\nagain,again,-,yes,clerk,20 CNY,-,-,penalty,m-1\n"
    "noted,again,-,no,clerk,-,-,-,finding,m-1\n",
}


def penalties(policy, *incidents: dict[str, object]):
    data = decide(policy, {"incidents": [{"occurred_on": "2026-03-04", **one} for one in incidents]}).to_dict()
    return data["penalties"], data["needs"]


@pytest.mark.parametrize(
    "at,is_penalty",
    [
        ("2026-03-04T08:59:59", False),
        ("2026-03-04T09:00:00", True),
        ("2026-03-04T16:59:59", True),
        ("2026-03-04T17:00:00", False),
        ("2026-03-07T10:00:00", False),
    ],
)
def test_a_missed_call_costs_in_working_hours_only(tmp_path: Path, at: str, is_penalty: bool) -> None:
    found, needs = penalties(made(tmp_path, PENALTIES), {"incident_kind": "missed", "occurred_at": at})
    assert [item["rule"]["rule"] for item in found["items"]] == (["missed"] if is_penalty else [])
    assert [item["rule"]["rule"] for item in found["findings"]] == ([] if is_penalty else ["missed_at_night"])
    assert found["undecided"] == int(is_penalty) and needs == []


def test_when_it_happened_is_asked_for(tmp_path: Path) -> None:
    found, needs = penalties(made(tmp_path, PENALTIES), {"incident_kind": "missed"})
    assert found["items"] == found["findings"] == [] and needs == ["incidents.occurred_at"]


def test_the_amount_is_what_was_lost(tmp_path: Path) -> None:
    policy = made(tmp_path, PENALTIES)
    found, _ = penalties(
        policy, {"incident_kind": "mistake", "loss": "123.45"}, {"incident_kind": "again", "customer_complained": True}
    )
    assert [item["amount"] for item in found["items"]] == ["123.45", "20.00"]
    assert (found["least"], found["most"], found["undecided"]) == ("143.45", "143.45", 0)
    found, needs = penalties(policy, {"incident_kind": "mistake"})
    assert found["least"] is None and needs == ["incidents.loss"]


def test_a_finding_is_no_penalty(tmp_path: Path) -> None:
    found, _ = penalties(made(tmp_path, PENALTIES), {"incident_kind": "again"})
    assert found["items"] == [] and [item["outcome"] for item in found["findings"]] == ["finding"]
    assert (found["least"], found["undecided"]) == ("0.00", 0)


@pytest.mark.parametrize(
    "old,new,says",
    [
        ("-,-,head,-,m-1\nmissed_at", "-,-,-,-,m-1\nmissed_at", "rule `missed` gives no amount"),
        ("20 CNY,-,-,penalty", "20 CNY,loss,-,penalty", r"rule `again` gives amount \+ amount of at once"),
        ("noted,again,-,no,clerk,-", "noted,again,-,no,clerk,5 CNY", "rule `noted` is a finding: it carries no amount"),
        ("clerk,-,loss", "clerk,-,los", "cannot read `los` in column `amount of`"),
    ],
)
def test_a_penalty_has_one_figure_or_somebody_who_decides(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert PENALTIES["penalties"].count(old) == 1
    with pytest.raises(PackError, match=says):
        made(tmp_path, {"penalties": PENALTIES["penalties"].replace(old, new)})
