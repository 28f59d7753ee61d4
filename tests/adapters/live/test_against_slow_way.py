"""What the desk has told in the end is what a look at every instant says it ought to have told."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from bench.live_stream import Stream
from svc_policy.adapters.live import Alert, LiveDesk

from .shop import shop
from .slow_way import instants, ought

STEP = 600


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


def net(told):
    """Add up what was raised and withdrawn; nothing is raised twice, nothing withdrawn that was not raised."""
    standing = {}
    for one in told:
        assert isinstance(one, Alert), one
        if one.kind == "raised":
            assert one.id not in standing
            standing[one.id] = one
        else:
            del standing[one.id]
    return {
        (one.ticket, f"{one.rule.table}.{one.rule.rule}", one.target or "", one.since.isoformat())
        for one in standing.values()
    }


@pytest.mark.parametrize("seed", range(5))
def test_in_the_end_all_is_told_that_ought_to_be(policy, seed):
    events = list(
        Stream(
            policy=policy, seed=seed, events=60, pace=7200, grain=STEP, late=0.2, longest=86_400, devices=2, closing=0.7
        )
    )
    zone = policy.zone
    first = min(datetime.fromisoformat(one["at"]) for one in events).astimezone(zone)
    last = max(datetime.fromisoformat(one["at"]) for one in events).astimezone(zone) + timedelta(hours=20)
    wanted = ought(policy, events, instants(first, last, timedelta(seconds=STEP)))
    desk = LiveDesk(policy, keep=timedelta(days=60))
    told = [one for event in events for one in desk.tell(event)]
    told += desk.advance(last + timedelta(seconds=1))
    assert net(told) == wanted
    assert len(wanted) > 15
    # In another order of arrival, by a clock of its own that stands still until the end.
    random.Random(seed).shuffle(events)
    other = LiveDesk(policy, keep=timedelta(days=60), follows_events=False)
    assert [one for event in events for one in other.tell(event)] == []
    assert net(other.advance(last + timedelta(seconds=1))) == wanted
