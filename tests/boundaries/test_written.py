from __future__ import annotations

import json
import random

import pytest

from engines.workshop import workshop
from svc_policy import Policy
from svc_policy.boundaries import domain_of, fact_at, path_of, points, to_written
from svc_policy.errors import UsageError
from svc_policy.facts.registry import LISTS


@pytest.fixture(scope="module")
def berlin(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return workshop(tmp_path_factory.mktemp("written"))


def test_is_written_as_people_write_it(policy: Policy) -> None:
    facts = {
        "distance_km": 75_500,
        "labour_hours": 5_400,
        "received_at": 1_772_589_600,
        "purchased_on": 0,
        "floor": 3,
        "cause": None,
        "internal": False,
        "parts[].unit_price": 1_250,
        "parts[].part_class": "seal",
    }
    assert to_written(policy, facts) == {
        "distance_km": 75.5,
        "labour_hours": 1.5,
        "received_at": "2026-03-04T10:00:00",
        "purchased_on": "1970-01-01",
        "extra": {"floor": 3},
        "internal": False,
        "parts": [{"unit_price": 12.5, "part_class": "seal"}],
    }


def test_the_reader_reads_the_same_values(berlin: Policy) -> None:
    """Every fact of every grain, at random points of it: what is written comes back, through JSON too."""
    chance = random.Random(4)
    listed = points(berlin)
    for _ in range(40):
        facts = {}
        for grain, known in berlin.pack.settings.facts.items():
            for fact in known:
                path = path_of(grain, fact.name)
                among = [*listed.get(path, ()), *(domain_of(fact).values or ())]
                value = chance.choice(among) if among else None
                if value is not None and chance.random() < 0.3 and fact.name not in ("until_at", "area_m2"):
                    facts[path] = value
        ticket = berlin.ticket(json.loads(json.dumps(to_written(berlin, facts))))
        for path, value in facts.items():
            fact = fact_at(berlin, path)
            if path in ticket.extra_values:
                assert ticket.extra_values[path] == value
                continue
            record = ticket if fact.grain == "ticket" else getattr(ticket, LISTS[fact.grain])[0]
            names = [
                item.name for item in berlin.pack.settings.facts[fact.grain] if item.name not in ticket.extra_values
            ]
            assert record.values[names.index(fact.name)] == value, path


@pytest.mark.parametrize("seconds", [1_761_436_800, 1_761_436_800 + 3_600, 1_761_433_200])
def test_an_hour_that_comes_twice_keeps_its_offset(berlin: Policy, seconds: int) -> None:
    """26 October 2025: 02:00 comes at 00:00Z and, after the clock is put back, at 01:00Z."""
    written = to_written(berlin, {"received_at": seconds})
    received = berlin.ticket(written).received_at
    assert received is not None
    assert received.timestamp() == seconds
    assert ("+" in written["received_at"]) == (seconds >= 1_761_436_800)


def test_a_fact_that_there_is_not_is_named(policy: Policy) -> None:
    with pytest.raises(UsageError, match="distance_mk"):
        to_written(policy, {"distance_mk": 3})
    with pytest.raises(UsageError, match="rooms"):
        to_written(policy, {"rooms[].unit_price": 3})
