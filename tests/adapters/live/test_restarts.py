"""A desk that was saved and restored in the middle tells what one that ran through tells, and nothing twice."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from bench.live_stream import Stream
from svc_policy.adapters.live import LiveDesk, repairs, restore, save
from svc_policy.adapters.live.repairs import Repairs
from svc_policy.errors import UsageError

from .shop import shop


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def events(policy):
    return list(Stream(policy=policy, seed=11, events=300, pace=3600, late=0.2, devices=3))


def lines(told):
    return [one.to_dict() for one in told]


def test_nothing_is_lost_and_nothing_said_twice(policy, events, tmp_path):
    through = LiveDesk(policy)
    wanted = lines(through.follow(events))
    assert {one["kind"] for one in wanted} == {"raised", "withdrawn"}
    chance = random.Random(3)
    stops = sorted(chance.sample(range(1, len(events)), 4))
    path = tmp_path / "desk.jsonl"
    told, desk, done = [], LiveDesk(policy), 0
    for stop in stops:
        for event in events[done:stop]:
            told += desk.tell(event)
        save(desk, path, position=stop)
        desk, done = restore(policy, path)
        assert done == stop
        assert desk.tell({"event": "tick", "at": desk.now.isoformat()}) == []
    told += desk.follow(events[done:])
    assert lines(told) == wanted
    assert desk.open_tickets == through.open_tickets


def test_events_that_wait_for_the_clock_are_kept(policy, tmp_path):
    path = tmp_path / "desk.jsonl"
    desk = LiveDesk(policy, follows_events=False)
    event = {"id": "1", "ticket": "T", "at": "2026-03-04T09:00:00", "event": "received"}
    assert desk.tell({**event, "facts": {"request_kind": "complaint", "injury": True}}) == []
    save(desk, path)
    desk, _ = restore(policy, path, follows_events=False)
    told = desk.tell({"event": "tick", "at": "2026-03-04T09:00:00"})
    assert [(one.rule.rule, one.level) for one in told] == [("hurt", 3), ("kind", 1)]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text.replace('"digest": "', '"digest": "0', 1), "the state is of the policy made@0"),
        (lambda text: text.rsplit("\n", 2)[0] + "\n", "the state ends early"),
        (lambda text: text[: len(text) // 2], "this is no state of a live desk"),
        (lambda text: "[]\n", "this is no state of a live desk"),
        (lambda text: text + '{"ticket": "T-1"}\n', "this line is no part of a state"),
    ],
)
def test_a_state_that_is_none_is_refused(policy, events, tmp_path, spoil, says):
    path = tmp_path / "desk.jsonl"
    desk = LiveDesk(policy)
    for event in events[:60]:
        desk.tell(event)
    save(desk, path)
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UsageError, match=says):
        restore(policy, path)


def test_a_state_that_is_not_there(policy, tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        restore(policy, tmp_path / "none.jsonl")


def test_what_is_kept_of_tickets_that_are_gone(policy, tmp_path):
    def event(own, ticket, at, name, **more):
        return {"id": own, "ticket": ticket, "at": f"2026-03-{at}", "event": name, **more}

    device = {"serial_no": "S", "fault_code": "hum"}
    desk = LiveDesk(policy, keep=timedelta(hours=1))
    for one in (event("1", "A", "02T09:00:00", "received", facts=device), event("2", "A", "02T10:00:00", "closed")):
        desk.tell(one)
    desk.tell({"event": "tick", "at": "2026-03-02T12:00:00"})
    assert desk.open_tickets == 0
    path = tmp_path / "desk.jsonl"
    save(desk, path)
    desk, _ = restore(policy, path, keep=timedelta(hours=1))
    (refused,) = desk.tell(event("3", "A", "02T09:30:00", "dispatched"))
    assert refused.problems[0].code == "event-too-late"
    # The end of its repair still counts.
    desk.tell(event("1", "B", "03T09:00:00", "received", facts=device))
    told = desk.tell({"event": "tick", "at": "2026-03-03T09:00:00"})
    assert [(one.ticket, one.rule.rule) for one in told] == [("B", "again")]


def test_a_ticket_is_no_earlier_repair_of_itself(policy):
    repairs, device = Repairs(policy, 0), ("S", "hum")
    received = 1_772_600_000
    assert repairs.change(device, "A", received - 60, received) == []
    assert (repairs.count(device, "A", received), repairs.count(device, "B", received)) == (0, 1)
    # Gone, it is a repair like any other.
    repairs.close(device, "A")
    assert repairs.count(device, "A", received) == 1


@pytest.mark.parametrize("counts_all", [False, True])
def test_a_repair_that_was_swept_may_still_be_taken_back(policy, monkeypatch, counts_all):
    """With a look-back it is too old to count; without one it is a number, which becomes less."""
    monkeypatch.setattr(repairs, "_SWEEP", 2)
    if counts_all:
        monkeypatch.setattr(repairs, "LOOK_BACK", "none")
    seen, device = Repairs(policy, 0), ("S", "hum")
    day, end = 86_400, 1_772_600_000
    for ticket in "AB":
        seen.change(device, ticket, end, end)
    later = end + 30 * day
    for ticket in "CD":
        seen.change(("S", "rattle"), ticket, later, later)
    assert len(seen) == 2 and seen.count(device, "E", later) == (2 if counts_all else 0)
    # What is kept for a restart are the repairs of tickets that are gone: none, as A and B are still here.
    assert seen.saved() == []
    seen.change(device, "A", None, later)
    assert seen.count(device, "E", later) == (1 if counts_all else 0)
    seen.close(device, "B")
    assert seen.saved() == ([["S", "hum", 1, []]] if counts_all else [])


def test_a_repair_without_a_request_is_taken_back_weeks_later(policy, monkeypatch, tmp_path):
    """Nobody said when it was asked for, so its end is held by nothing; then it is said that it never was."""
    monkeypatch.setattr(repairs, "_SWEEP", 5)

    def event(own, ticket, at, name, **more):
        return {"id": own, "ticket": ticket, "at": f"2026-03-{at}T09:00:00", "event": name, **more}

    desk, path = LiveDesk(policy), tmp_path / "desk.jsonl"
    device = {"serial_no": "S", "fault_code": "hum"}
    desk.tell(event("1", "A", "02", "finished", facts=device))
    for number in range(12):
        desk.tell(event("1", f"B{number}", "28", "finished", facts={**device, "serial_no": f"S{number}"}))
    save(desk, path)
    for each in (desk, restore(policy, path)[0]):
        (told,) = [one for one in each.tell(event("2", "A", "30", "retracted", of="1")) if one.ticket == "A"]
        assert (told.kind, told.rule.rule) == ("withdrawn", "morning")
        save(each, path)
        assert '"repairs"' not in path.read_text()
