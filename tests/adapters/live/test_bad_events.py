"""Events that cannot be taken are given back with their id and every problem, and the rest goes on."""

from __future__ import annotations

import pytest

from svc_policy.adapters.live import LiveDesk, Undecided
from svc_policy.errors import Place

from .shop import shop

GOOD = {"id": "e", "ticket": "T", "at": "2026-03-04T09:00:00", "event": "received"}


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize(
    ("spoilt", "record", "says"),
    [
        ({"id": None}, "T", "the event has no `id`"),
        ({"ticket": ""}, "e", "the event has no `ticket`"),
        ({"at": None}, "e", "the event does not say when it happened"),
        ({"at": "yesterday"}, "e", "cannot read `yesterday` in `at`"),
        ({"at": 12}, "e", "cannot read `12` in `at`"),
        ({"zone": "Asia/Shangai"}, "e", "cannot read `Asia/Shangai` in `zone`"),
        ({"zone": 8}, "e", "cannot read `2026-03-04T09:00:00` in `at`"),
        ({"at": "2025-12-31T23:59:59"}, "e", "`2025-12-31T23:59:59` lies outside the policy's calendar"),
        ({"at": "2027-01-01T09:00:00"}, "e", "`2027-01-01T09:00:00` lies outside the policy's calendar"),
        ({"at": "2026-03-04T09:00:00+99:00"}, "e", "cannot read `2026-03-04T09:00:00+99:00` in `at`"),
        ({"event": "arived"}, "e", "there is no event `arived`"),
        ({"event": None}, "e", "there is no event `null`"),
        ({"event": ["received"]}, "e", "there is no event `[...]`"),
        ({"event": "hold opened"}, "e", "the event has no `kind`"),
        ({"event": "hold opened", "kind": "part"}, "e", "there is no kind of hold `part`"),
        ({"event": "retracted"}, "e", "the event has no `of`"),
        ({"evnt": "x"}, "e", "an event has no `evnt`"),
        ({"facts": 3}, "e", "`facts` is `3`, not a set of named facts"),
        ({"facts": {"distance_km": "far"}}, "e", "cannot read `far` in `distance_km`"),
        ({"facts": {"distanze_km": 3}}, "e", "`distanze_km` is no known fact"),
        ({"facts": {"distanze_km": None}}, "e", "`distanze_km` is no known fact"),
        ({"facts": {"holds": []}}, "e", "`holds` cannot be stated by an event"),
        ({"facts": {"request_kind": "quarrel"}}, "e", "quarrel"),
        ({"id": "x" * 300}, "x", "in `id` is no name"),
        ({"id": {"a": 1}}, "{...}", "in `id` is no name"),
        ({"ticket": "T\n1"}, "e", "in `ticket` is no name"),
    ],
)
def test_what_cannot_be_taken(policy, spoilt, record, says):
    desk = LiveDesk(policy)
    (refused,) = desk.tell({**GOOD, **spoilt}, place=Place(file="events.jsonl", line=7))
    assert refused.record.startswith(record)
    assert [str(one.place) for one in refused.problems] == ["events.jsonl:7"]
    assert says in refused.problems[0].message.text()
    assert desk.tell(GOOD) == [] and desk.open_tickets == 1
    assert desk.counts.refused == 1


@pytest.mark.parametrize("given", [None, 3, "x", [], [GOOD]])
def test_what_is_no_event(policy, given):
    (refused,) = LiveDesk(policy).tell(given)
    assert (refused.record, refused.problems[0].code) == ("?", "event-type")


def test_every_problem_is_told_at_once(policy):
    (refused,) = LiveDesk(policy).tell({"event": "arived", "facts": {"distance_km": -1, "on_site": "perhaps"}})
    assert [one.code for one in refused.problems] == [
        "event-no-time",
        "event-no-id",
        "event-no-ticket",
        "event-unknown",
        "ticket-too-small",
        "ticket-wrong-type",
    ]


def test_a_ticket_that_cannot_be_decided_is_told_once_and_others_go_on(policy):
    desk = LiveDesk(policy)
    # Five hours of work from the last evening of the calendar lie beyond it.
    told = desk.tell({**GOOD, "at": "2026-12-31T16:30:00"})
    told += desk.tell({**GOOD, "id": "f", "at": "2026-12-31T16:40:00", "event": "dispatched"})
    other = {**GOOD, "ticket": "U", "at": "2026-12-30T09:00:00"}
    told += desk.tell({**other, "facts": {"request_kind": "complaint", "injury": True}})
    told += desk.tell({"event": "tick", "at": "2026-12-31T23:00:00"})
    refused = [one for one in told if not hasattr(one, "rule")]
    assert [(type(one), one.record) for one in refused] == [(Undecided, "T")]
    assert (desk.counts.events, desk.counts.refused, desk.counts.undecided) == (4, 0, 1)
    assert "hurt" in {one.rule.rule for one in told if hasattr(one, "rule")}
