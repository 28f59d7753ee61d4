"""What the desk tells, reckoned by hand; times are local, 4 March 2026 is a Wednesday, work is from 9 to 17."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from svc_policy.adapters.live import Alert, LiveDesk

from .shop import shop


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


def event(own, at, name, ticket="T", **more):
    return {"id": own, "ticket": ticket, "at": f"2026-03-{at}", "event": name, **more}


def clock(desk, at):
    return desk.advance(datetime.fromisoformat(f"2026-03-{at}").replace(tzinfo=desk.policy.zone))


def said(told):
    return [
        (one.kind[0], one.rule.rule, one.target, one.level, one.recipient, one.since.strftime("%d %H:%M:%S"))
        for one in told
    ]


FAULT = {"request_kind": "fault", "distance_km": 3}


def test_each_level_of_each_target_when_its_share_is_used_up(policy):
    desk = LiveDesk(policy)
    assert desk.tell(event("1", "04T10:00:00", "received", facts=FAULT)) == []
    assert desk.next_at == datetime.fromisoformat("2026-03-04T10:00:00+08:00")
    told = clock(desk, "04T11:40:00")
    # 80 of 100 minutes, then all of them; the fourth hour of five, of work, is used up at 14:00.
    assert said(told) == [
        ("r", "warn", "dispatched", 1, "clerk", "04 11:20:00"),
        ("r", "late", "dispatched", 2, "head", "04 11:40:00"),
    ]
    first = told[0]
    assert (first.due.isoformat(), first.rule.cites) == ("2026-03-04T11:40:00+08:00", ("m-1",))
    assert said(clock(desk, "04T11:40:00")) == []
    # Dispatched at once after that: the breach, a second later, is no more to be told of.
    assert desk.tell(event("2", "04T11:40:01", "dispatched")) == []
    assert said(clock(desk, "04T14:00:00")) == [
        ("r", "warn", "departed", 1, "clerk", "04 14:00:00"),
        ("r", "warn", "arrived", 1, "clerk", "04 14:00:00"),
    ]


def test_an_event_that_comes_late_withdraws_what_ought_not_to_have_been_told(policy):
    desk = LiveDesk(policy)
    desk.tell(event("1", "04T10:00:00", "received", facts=FAULT))
    raised = clock(desk, "04T11:45:00")
    assert [one[1] for one in said(raised)] == ["warn", "late", "undispatched"]
    late = desk.tell(event("2", "04T11:30:00", "dispatched"))
    assert said(late) == [
        ("w", "late", "dispatched", 2, "head", "04 11:40:00"),
        ("w", "undispatched", None, 2, "clerk", "04 11:40:01"),
    ]
    assert [one.id for one in late] == [one.id for one in raised[1:]]
    assert all(one.told_at > one.since for one in late)
    # Taken back, it is as if it had never been.
    again = desk.tell(event("3", "04T11:50:00", "retracted", of="2"))
    assert [one[:2] for one in said(again)] == [("r", "late"), ("r", "undispatched")]


def test_a_late_event_may_mean_that_somebody_should_have_been_told(policy):
    desk = LiveDesk(policy)
    desk.tell(event("2", "04T11:00:00", "dispatched"))
    assert clock(desk, "04T20:00:00") == []
    told = desk.tell(event("1", "04T09:00:00", "received", facts=FAULT))
    # 80 minutes were over at 10:20, 100 at 10:40; arrival was due at 14:00, leaving at 14:00.
    assert [(one[1], one[2], one[5]) for one in said(told)] == [
        ("warn", "dispatched", "04 10:20:00"),
        ("late", "dispatched", "04 10:40:00"),
        ("undispatched", None, "04 10:40:01"),
        ("warn", "departed", "04 13:00:00"),
        ("warn", "arrived", "04 13:00:00"),
        ("late", "arrived", "04 14:00:00"),
    ]


def test_events_that_come_again_say_nothing(policy):
    desk = LiveDesk(policy)
    first = event("1", "04T10:00:00", "received", facts=FAULT)
    assert desk.tell(first) == []
    clock(desk, "04T12:00:00")
    assert desk.tell(first) == []
    assert desk.tell({**first, "at": "2026-03-04T02:00:00Z"}) == []
    assert desk.counts.repeated == 2
    (refused,) = desk.tell({**first, "at": "2026-03-04T10:00:01"})
    assert refused.record == "1" and refused.problems[0].code == "event-changed"


def test_a_hold_puts_a_level_off_while_it_lasts(policy):
    desk = LiveDesk(policy)
    desk.tell(event("1", "04T10:00:00", "received", facts={**FAULT, "distance_km": 5}))
    desk.tell(event("2", "04T10:00:00", "dispatched"))
    desk.tell(event("3", "04T10:00:00", "departed"))
    desk.tell(event("4", "04T11:00:00", "hold opened", kind="parts"))
    desk.tell(event("5", "04T11:00:00", "hold opened", kind="weather"))
    assert clock(desk, "04T20:00:00") == []
    assert desk.tell(event("6", "04T21:00:00", "hold closed", kind="parts")) == []
    # An hour of four was used: three more from 21:00 on.
    assert said(clock(desk, "05T00:00:00")) == [("r", "warn", "arrived", 1, "clerk", "05 00:00:00")]


def test_a_fact_that_is_taken_back(policy):
    desk = LiveDesk(policy)
    desk.tell(event("1", "04T10:00:00", "received", facts={"request_kind": "complaint", "injury": True}))
    assert [one[1] for one in said(clock(desk, "04T10:00:00"))] == ["hurt", "kind"]
    desk.tell(event("2", "04T10:30:00", "facts", facts={"injury": None}))
    assert clock(desk, "04T10:30:00") == []
    # It holds anew from then on, and is told anew.
    desk.tell(event("3", "04T11:00:00", "facts", facts={"injury": True}))
    assert said(clock(desk, "04T11:00:00")) == [("r", "hurt", None, 3, "head", "04 11:00:00")]


def repaired(desk, number, received, finished):
    same = {"serial_no": "S-1", "fault_code": "hum", **FAULT}
    name = f"T{number}"
    told = desk.tell(event("r", received, "received", name, facts=same))
    told += desk.tell(event("f", finished, "finished", name))
    told += desk.tell(event("c", finished, "closed", name))
    return [one for one in told if isinstance(one, Alert) and one.rule.table == "routing"]


def test_a_repair_of_the_same_fault_within_the_look_back(policy):
    desk = LiveDesk(policy, keep=timedelta(hours=1))
    assert repaired(desk, 1, "01T09:00:00", "01T09:30:00") == []
    # Two days back until 4 March: the first of them counts, the whole of it.
    (again,) = repaired(desk, 2, "03T10:00:00", "03T10:30:00")
    assert (again.ticket, again.rule.rule, again.recipient, again.action) == ("T2", "again", "head", "settle")
    # From 5 March on one day, and from 6 March on it takes two repairs.
    assert repaired(desk, 3, "05T10:00:00", "05T10:30:00") == []
    assert repaired(desk, 4, "06T10:00:00", "06T10:30:00") == []
    assert desk.open_tickets == 1
    (again,) = repaired(desk, 5, "06T11:00:00", "06T11:30:00")
    assert again.ticket == "T5"


def test_a_repair_that_is_told_late_counts_for_the_next_one(policy):
    desk = LiveDesk(policy)
    repaired(desk, 2, "04T12:00:00", "04T13:00:00")
    told = repaired(desk, 1, "04T09:00:00", "04T10:00:00")
    assert [(one.kind, one.ticket, one.rule.rule) for one in told] == [("raised", "T2", "again")]
    told = desk.tell(event("x", "04T13:30:00", "retracted", "T1", of="f"))
    assert told == []  # it was closed at that time as well
    told = desk.tell(event("y", "04T13:30:00", "retracted", "T1", of="c"))
    assert [(one.kind, one.rule.rule) for one in told if one.ticket == "T2"] == [("withdrawn", "again")]


def test_a_closed_ticket_is_dropped_and_what_comes_then_is_refused(policy):
    desk = LiveDesk(policy, keep=timedelta(days=1))
    desk.tell(event("1", "04T10:00:00", "received", facts=FAULT))
    desk.tell(event("2", "04T10:10:00", "closed"))
    clock(desk, "05T10:00:00")
    assert desk.tell(event("3", "04T10:05:00", "dispatched")) == [] and desk.open_tickets == 1
    clock(desk, "05T10:10:00")
    assert desk.open_tickets == 0
    (refused,) = desk.tell(event("4", "04T10:06:00", "departed"))
    assert refused.problems[0].message.text() == "event `4`: ticket `T` is closed and gone"
    assert refused.problems[0].help.text() == "days for which a closed ticket is kept: 1"
