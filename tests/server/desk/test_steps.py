"""One step over each boundary, against boundaries read off the tables by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from server.desk.shop import TICKET, decided, shop
from svc_policy import Policy
from svc_policy.server.desk.steps import steps_of


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("shop"))


def steps(
    policy: Policy, ticket: Mapping[str, Any], *path: str | int, at: str = "2026-03-04T10:00:00"
) -> dict[str, Any]:
    """Give what is said of the steps over the boundaries of one fact, by their text."""
    found = steps_of(policy, ticket, decided(policy, ticket, at), "en", longest=60)
    return next(({one["text"]: one for one in fact["steps"]} for fact in found["facts"] if fact["path"] == [*path]), {})


def changes(step: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["label"]: (one["before"], one["after"]) for one in step["changes"]}


def test_a_distance_steps_over_the_bound_of_a_row_and_not_before(policy: Policy) -> None:
    found = steps(policy, TICKET, "distance_km")
    assert list(found) == ["from 50.001 km on"]
    assert found["from 50.001 km on"]["value"] == 50.001
    # 24 hours from Wednesday at nine are Thursday at nine, 72 are Saturday at nine.
    assert changes(found["from 50.001 km on"]) == {
        "arrived on site": (
            "pending, due Thu 5 Mar 2026, 09:00, 24 hours",
            "pending, due Sat 7 Mar 2026, 09:00, 72 hours",
        )
    }
    (change,) = found["from 50.001 km on"]["changes"]
    assert change["rules"] == ["rule-deadlines-far"]
    assert list(steps(policy, {**TICKET, "distance_km": 3_000}, "distance_km")) == ["up to 50 km"]


def test_a_date_steps_over_the_end_of_the_warranty(policy: Policy) -> None:
    # Delivered a day earlier, its last covered day is the one before the request.
    found = steps(policy, TICKET, "delivered_on")
    assert list(found) == ["up to 4 March 2025"]
    told = changes(found["up to 4 March 2025"])
    assert told["category"] == ("C, free service", "A, paid service")
    assert told["covered"] == ("yes", "no")
    assert told["total"] == ("CN¥0.00", "CN¥90.00")


def test_an_instant_steps_over_midnight_where_the_warranty_ends(policy: Policy) -> None:
    found = steps(policy, TICKET, "received_at")
    assert "A, paid service" in changes(found["from Thu 5 Mar 2026, 00:00 on"])["category"]


def test_a_measured_fee_steps_by_its_step_and_a_price_has_none(policy: Policy) -> None:
    paid = {**TICKET, "delivered_on": "2024-01-01", "labour_hours": 1.25}
    found = steps(policy, paid, "labour_hours")
    # An hour and a quarter is charged as an hour and a half: 135; an hour is 90, more than that half hour 180.
    assert {text: changes(one)["total"] for text, one in found.items()} == {
        "up to 1 hour": ("CN¥135.00", "CN¥90.00"),
        "up to 0 h": ("CN¥135.00", "CN¥0.00"),
        "over 1 hour 30 minutes": ("CN¥135.00", "CN¥180.00"),
    }


def test_what_costs_nothing_has_no_steps_of_fees(policy: Policy) -> None:
    assert steps(policy, TICKET, "labour_hours") == {}


def test_other_words_that_change_the_same_stand_together(policy: Policy) -> None:
    ticket = {**TICKET, "incidents": [{"incident_kind": "missed", "occurred_on": "2026-03-04"}]}
    # The penalty for an answer that is late by now stays, and is not told.
    found = steps(policy, ticket, "incidents", 0, "incident_kind", at="2026-03-04T12:00:00")
    (text,) = found
    assert text == "mistake, again"
    assert changes(found[text]) == {"Penalties": ("clerk: CN¥20.00", "nothing")}


def test_a_default_is_stepped_over_too(policy: Policy) -> None:
    (only,) = steps(policy, TICKET, "key_equipment").values()
    assert changes(only) == {"Forms": ("nothing", "key form")}
    assert only["changes"][0]["is_list"]


def test_time_is_followed_from_change_to_change(policy: Policy) -> None:
    # Two working hours from nine are eleven; a second later it is missed, and costs.
    found = steps_of(policy, TICKET, decided(policy), "en")["time"]
    first, second = found[:2]
    assert first["text"] == "Wed 4 Mar 2026, 11:00:01"
    assert changes(first)["Penalties"] == ("nothing", "clerk: CN¥50.00 (inquiry answered)")
    assert second["text"] == "Thu 5 Mar 2026, 09:00:01"
    assert "breached" in changes(second)["arrived on site"][1]


def test_every_step_is_what_deciding_says_and_the_one_before_is_not(policy: Policy) -> None:
    found = steps_of(policy, TICKET, decided(policy), "en", longest=60)
    (distance,) = [fact for fact in found["facts"] if fact["path"] == ["distance_km"]]
    over = distance["steps"][0]["value"]
    assert decided(policy, {**TICKET, "distance_km": over}).targets["arrived"].allowance == "72 h"
    assert decided(policy, {**TICKET, "distance_km": over - 0.001}).targets["arrived"].allowance == "24 h"


def test_without_time_nothing_is_guessed(policy: Policy) -> None:
    found = steps_of(policy, TICKET, decided(policy), "en", longest=-1)
    assert found["facts"] == []
    assert "date of delivery" in found["left_out"]


def test_the_ticket_that_was_given_stays_as_it_was(policy: Policy) -> None:
    ticket = {**TICKET, "incidents": [{"incident_kind": "missed", "occurred_on": "2026-03-04"}]}
    before = repr(ticket)
    steps_of(policy, ticket, decided(policy, ticket), "en", longest=60)
    assert repr(ticket) == before
