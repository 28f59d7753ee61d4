"""durable-rules itself, held against the desk's own way over random events: late ones, repeated ones, retractions."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from bench.live_stream import Stream
from hosts.available import require
from svc_policy import load
from svc_policy.adapters.live import Alert, LiveDesk
from svc_policy.errors import AdapterError

require("live")

from adapters.live.shop import listed_shop, shop  # noqa: E402
from svc_policy.adapters.live.durable_judge import DurableJudge  # noqa: E402

#: 60,000 events in all.
EVENTS = 10_000


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    made = {name: load(name) for name in ("mall", "campus", "works", "branches", "factory")}
    return made | {"shop": shop(tmp_path_factory.mktemp("shop"))}


def told(one):
    if isinstance(one, Alert):
        return one.to_dict()
    return one.record, [problem.message.text() for problem in one.problems]


@pytest.mark.parametrize("name", ["mall", "campus", "works", "branches", "factory", "shop"])
def test_the_same_alerts_in_the_same_order(policies, name):
    policy = policies[name]
    stream = Stream(policy=policy, seed=2026, events=EVENTS, pace=600, late=0.1, repeated=0.08, devices=40)
    own = LiveDesk(policy)
    judge = DurableJudge(policy)
    other = LiveDesk(policy, judge=judge)
    differences = 0
    rules = Counter()
    kinds = Counter()
    for event in stream:
        wanted, found = own.tell(event), other.tell(event)
        differences += list(map(told, wanted)) != list(map(told, found))
        rules.update(one.rule.rule for one in wanted if isinstance(one, Alert))
        kinds.update(one.kind for one in wanted if isinstance(one, Alert))
    assert differences == 0
    assert own.counts.late > EVENTS / 20 and own.counts.repeated > EVENTS / 25
    # It would be nothing to agree on silence.
    assert kinds["raised"] > EVENTS / 20 and kinds["withdrawn"]
    assert len(rules) >= (3 if name == "mall" else 5)
    # All of it was on one host state, which holds nothing of tickets that are gone.
    held = judge.facts_held()
    assert own.open_tickets == other.open_tickets and 0 < held <= 20 * other.open_tickets


def test_the_day_of_purchase_may_stand_on_a_list(tmp_path):
    """S-1 was delivered before February, S-2 after, S-3 nobody knows; each was repaired once before."""
    policy = listed_shop(tmp_path)
    found = []
    for judge in (None, DurableJudge(policy)):
        desk = LiveDesk(policy, judge=judge)
        alerts = []
        for number in (1, 2, 3):
            facts = {"serial_no": f"S-{number}", "fault_code": "hum"}
            alerts += desk.tell(event(number, facts=facts))
            alerts += desk.tell({**event(number), "id": "2", "at": "2026-03-04T10:00:00", "event": "closed"})
            alerts += desk.tell({**event(number + 3, facts=facts), "at": "2026-03-05T09:00:00"})
        alerts += desk.settle_last()
        found.append([(one.ticket, one.rule.rule) for one in alerts])
    assert found[0] == found[1] == [("T-4", "old"), ("T-5", "new")]


def event(number, **more):
    return {"id": "1", "ticket": f"T-{number}", "at": "2026-03-04T09:00:00", "event": "received", **more}


def test_more_tickets_than_the_engine_bears_sessions(policies):
    judge = DurableJudge(policies["shop"])
    desk = LiveDesk(policies["shop"], judge=judge)
    many = 3_000
    for number in range(many):
        desk.tell(event(number, facts={"request_kind": "complaint", "injury": True}))
    raised = desk.tell({"event": "tick", "at": "2026-03-04T09:00:00"})
    assert Counter(one.rule.rule for one in raised) == {"hurt": many, "kind": many}
    assert judge.facts_held() == many


def test_nothing_stays_of_tickets_that_are_gone(policies):
    judge = DurableJudge(policies["shop"])
    desk = LiveDesk(policies["shop"], judge=judge, keep=timedelta(days=1))
    for number in range(50):
        desk.tell(event(number, facts={"request_kind": "fault", "distance_km": 2}))
        desk.tell({**event(number), "id": "2", "at": "2026-03-04T13:30:00", "event": "closed"})
    desk.tell({"event": "tick", "at": "2026-03-04T13:00:00"})
    assert judge.facts_held() > 50
    desk.tell({"event": "tick", "at": "2026-03-06T13:00:00"})
    assert (judge.facts_held(), desk.open_tickets) == (0, 0)


def test_what_an_action_raises_is_not_swallowed(policies):
    class Failing(DurableJudge):
        def _action(self, number):
            def told(_):
                if number >= 0:
                    raise ValueError("no such number")
                self._fired.append(number)

            return told

    desk = LiveDesk(policies["shop"], judge=Failing(policies["shop"]))
    desk.tell(event(1, facts={"request_kind": "complaint", "injury": True}))
    with pytest.raises(AdapterError, match="durable-rules failed: exception caught no such number"):
        desk.tell({"event": "tick", "at": "2026-03-04T09:00:00"})


def test_a_message_that_no_rule_matches_changes_nothing(policies):
    judge = DurableJudge(policies["mall"])
    assert judge._asserted({"what": "something else"}) is None
    assert judge.facts_held() == 0


def test_a_host_without_answer_is_told(policies, monkeypatch):
    monkeypatch.setattr(DurableJudge, "_send", lambda *_: True)
    with pytest.raises(AdapterError, match="did not answer its first message"):
        DurableJudge(policies["shop"])


def test_none_of_its_threads_is_started(policies):
    before = set(threading.enumerate())
    DurableJudge(policies["shop"])
    assert set(threading.enumerate()) == before
