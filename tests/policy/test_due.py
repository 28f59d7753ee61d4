"""Which target is due next."""

from __future__ import annotations

import pytest

from rules.made import decide, made
from svc_policy import Policy
from svc_policy.policy.due import next_due

#: A request comes on 4 March 2026 at nine; unless said otherwise it is ten.
TABLES = {
    "deadlines": (
        "rule,then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
        "visit,received,arrived,24 h,calendar,clerk,m-1\n"
        "reply,received,answered,2 h,calendar,clerk,m-1\n"
        "call,received,contacted,2 h,calendar,clerk,m-1\n"
    ),
    "holds": "rule,hold_kind,then: stops,cite\nweather,weather,answered,m-1\n",
}
SETTINGS = '[facts.hold_kind]\nvalues = ["weather"]\n'


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return made(tmp_path_factory.mktemp("due"), TABLES, SETTINGS)


def due(policy: Policy, at: str = "2026-03-04T10:00:00", **facts: object) -> tuple[str, str, str] | None:
    found = next_due(policy, decide(policy, facts, at))
    assert found is None or found.due is not None
    return None if found is None or found.due is None else (found.name, found.status, f"{found.due:%dT%H}")


def test_the_earliest_is_next_and_of_two_the_first_in_the_table(policy: Policy) -> None:
    assert due(policy) == ("answered", "pending", "04T11")
    assert due(policy, answered_at="2026-03-04T09:30:00") == ("contacted", "pending", "04T11")


def test_what_is_done_is_not_waited_for_and_what_is_overdue_is(policy: Policy) -> None:
    done = {"answered_at": "2026-03-04T09:30:00", "contacted_at": "2026-03-04T13:00:00"}
    assert due(policy, **done) == ("arrived", "pending", "05T09")
    assert due(policy, "2026-03-06T10:00:00") == ("answered", "breached", "04T11")
    assert due(policy, **done, arrived_at="2026-03-05T08:00:00") is None
    assert due(policy, closed_at="2026-03-04T09:10:00") is None


def test_what_is_on_hold_is_due_when_the_hold_has_ended(policy: Policy) -> None:
    hold = {"hold_kind": "weather", "from_at": "2026-03-04T09:30:00"}
    assert due(policy, holds=[hold]) == ("contacted", "pending", "04T11")
    ended = {**hold, "until_at": "2026-03-04T09:40:00"}
    assert due(policy, holds=[ended], contacted_at="2026-03-04T09:50:00") == ("answered", "pending", "04T11")
