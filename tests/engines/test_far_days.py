"""Days beyond those that are reckoned: every engine says so of the same tickets, and none gives an answer."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from engines.interpreter import Interpreter
from engines.test_python_against_interpreter import by_function, by_interpreter
from engines.test_sql_against_python import compare
from rules.made import made
from svc_policy import Policy, Ticket
from svc_policy.engines.runtime import PolicyClocks
from svc_policy.errors import CalendarError

AT = 1_772_413_200  # 2026-03-02T09:00+08:00
RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = {
    "warranty": "rule,then: length,then: starts,cite\nyear,12 months,delivered,m-1\n",
    "deadlines": "rule,then: starts,then: ends,then: within,then: owner,cite\n"
    "go,received,arrived,2 days,clerk,m-1\nmend,taken_in,finished,48 h,clerk,m-1\n",
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return made(tmp_path_factory.mktemp("far"), TABLES)


#: A ticket, and whether it needs a day that nobody reckons: months run to 2299-12-31, instants to 2199-12-30.
CASES = {
    "the last of all": ({"delivered_on": date(9999, 12, 31)}, True),
    "a day too late for a year of warranty": ({"delivered_on": date(2299, 1, 1)}, True),
    "the last that is covered": ({"delivered_on": date(2298, 12, 31)}, False),
    "a last day that is told": ({"warranty_until": date(9999, 12, 31)}, False),
    "received in the last year": ({"received_at": datetime(9999, 12, 29, tzinfo=UTC)}, True),
    "received before the clocks": ({"received_at": datetime(1969, 12, 31, tzinfo=UTC)}, True),
    "received too late for two days": ({"received_at": datetime(2199, 12, 29, 23, tzinfo=UTC)}, True),
    "due after the last second": ({"taken_in_at": datetime(2199, 12, 29, 0, 0, 0, tzinfo=UTC)}, True),
    "due at the last second": ({"taken_in_at": datetime(2199, 12, 28, 23, 59, 59, tzinfo=UTC)}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_python_and_the_interpreter(policy: Policy, name: str) -> None:
    facts, is_outside = CASES[name]
    ticket = Ticket(**{"received_at": RECEIVED, **facts})
    found = by_function(policy, ticket, AT)
    assert (found == "outside the calendar") == is_outside, found
    assert by_interpreter(Interpreter(policy), ticket, AT) == found


def test_sql(policy: Policy) -> None:
    tickets = [Ticket(**{"received_at": RECEIVED, **facts}) for facts, _ in CASES.values()]
    assert compare(policy, tickets, AT) == ([], sum(outside for _, outside in CASES.values()))


def test_it_is_told_plainly(policy: Policy) -> None:
    with pytest.raises(CalendarError) as raised:
        policy.decide_s(Ticket(delivered_on=date(9999, 12, 31), received_at=RECEIVED), AT)
    (found,) = raised.value.problems
    assert found.code == "calendar-date-unknown"
    assert "`9999-12-31`" in str(found.message)


def test_the_clocks_of_a_policy_end(policy: Policy) -> None:
    clocks = PolicyClocks(policy.zone, None)
    assert clocks.day_end(84_004) + 1 == clocks.day_end(84_003) + 86_401
    for ask, beyond in ((clocks.day_end, 84_005), (clocks.day_end, 0), (clocks.local_day, 84_005 * 86_400)):
        with pytest.raises(CalendarError):
            ask(beyond)
    assert clocks.calendar(0, 5, [(2, None)]) is None
