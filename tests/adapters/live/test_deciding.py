"""The desk's part of a plan: governing days as columns, and the instants from which watched rows hold."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from svc_policy import Policy
from svc_policy.adapters.live.deciding import Deciding, day_column
from svc_policy.adapters.live.judging import watched_rules

from .shop import listed_shop, shop

EPOCH = date(1970, 1, 1)


def purchase_day(policy: Policy, **facts: object) -> date | None:
    """Give the day that governs what a ticket was bought under."""
    ticket = policy.ticket({"received_at": "2026-03-04T09:00:00", **facts})
    at_s = int(datetime.fromisoformat("2026-03-04T10:00:00+08:00").timestamp())
    column, _ = Deciding(policy, ["request_day"], ["purchase"]).decide(ticket, at_s)
    assert column("request_day") == (date(2026, 3, 4) - EPOCH).days
    days = column(day_column("purchase"))
    return None if days is None else date.fromordinal(EPOCH.toordinal() + int(days))


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    return listed_shop(tmp_path_factory.mktemp("listed"))


@pytest.mark.parametrize(
    ("facts", "day"),
    [
        ({"purchased_on": "2026-01-02", "delivered_on": "2026-01-03"}, date(2026, 1, 2)),
        ({"delivered_on": "2026-01-03", "serial_no": "S-1"}, date(2026, 1, 3)),
        # Nobody stated it: the list of devices knows it.
        ({"serial_no": "S-1"}, date(2026, 1, 20)),
        ({"serial_no": "S-3"}, None),
        ({}, None),
    ],
)
def test_the_day_of_purchase_is_the_plans(listed, facts, day):
    assert purchase_day(listed, **facts) == day


def test_a_policy_on_a_day_has_no_other(listed):
    assert purchase_day(listed.on(date(2026, 2, 3)), purchased_on="2026-01-02") == date(2026, 2, 3)


def test_a_row_names_the_instant_from_which_it_holds(tmp_path):
    """Received at 9:00 and finished at 11:00 on Wednesday 4 March: to be called back by the end of that day."""
    policy = shop(tmp_path)
    found = {rule.name: rule.instant for rule in watched_rules(policy)}
    assert found["escalations.hurt"] == found["routing.again"] == ""
    names = [found["escalations.warn/arrived"], found["escalations.morning/called_back"]]
    at_s = int(datetime.fromisoformat("2026-03-04T12:00:00+08:00").timestamp())
    ticket = policy.ticket(
        {"received_at": "2026-03-04T09:00:00", "finished_at": "2026-03-04T11:00:00", "distance_km": 3}
    )
    column, _ = Deciding(policy, names).decide(ticket, at_s)
    instants = [policy.instant(column(name)).strftime("%a %H:%M") for name in names]
    # Four fifths of five hours from 9:00 are four; the opening after the end of Wednesday is Thursday's.
    assert instants == ["Wed 13:00", "Thu 09:00"]
