"""What cases touch: reckoned by hand for the small shop."""

from __future__ import annotations

import pytest

from svc_policy.testing.coverage import cover
from testing.shop_with_cases import FAR, FIRST, FREE, LAST, NEAR, shop


def touched(coverage, kind):
    return {item.name: item.case for item in coverage.items if item.kind == kind}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return cover(shop(tmp_path_factory.mktemp("full"), NEAR, FAR, LAST, FIRST, FREE))


def test_a_rule_is_touched_by_the_first_case_in_which_it_holds(full):
    rules = {(item.table, item.name, item.line): item.case for item in full.items if item.kind == "rule"}
    assert rules == {
        ("category", "ours", 2): "free",
        ("category", "others", 3): "near",
        ("deadlines", "near", 2): "near",
        ("deadlines", "far", 3): "far",
        ("fees", "visit", 2): "last",
        ("fees", "visit", 3): "near",
        ("checklists", "paid", 2): "near",
    }


def test_each_side_of_a_bound_is_one_thing(tmp_path):
    # Five kilometres lie below both bounds of `(5..50]`, and so does nothing above 50.
    sides = touched(cover(shop(tmp_path, NEAR)), "bound")
    assert sides == {
        "near: distance_km ↓ 5 km": "near",
        "near: distance_km ↑ 5 km": None,
        "far: distance_km ↓ 5 km": "near",
        "far: distance_km ↑ 5 km": None,
        "far: distance_km ↓ 50 km": "near",
        "far: distance_km ↑ 50 km": None,
    }


def test_a_bound_lies_on_the_side_that_its_interval_is_open_to(full, tmp_path):
    # 5 km is `near`, not above; 51 km of the case `first` is above 50.
    sides = touched(full, "bound")
    assert sides["near: distance_km ↑ 5 km"] == "far"
    assert sides["far: distance_km ↑ 50 km"] == "first"


def test_every_declared_value_of_a_fact_that_a_condition_reads_counts(full):
    values = touched(full, "value")
    assert (values["cause = product"], values["cause = misuse"], values["cause = wear"]) == ("free", "near", None)
    assert (values["category = A"], values["category = B"]) == ("near", None)


def test_editions_readings_and_clauses(full):
    assert touched(full, "edition") == {"visit … 2026-03-01": "last", "visit 2026-03-01 …": "near"}
    assert touched(full, "interpretation") == {"unread": None}
    # Only the reading cites the second clause, and nothing rests on the reading.
    assert touched(full, "clause") == {"m-1": "near", "m-2": None}


def test_shares_are_of_what_there_is(full):
    assert full.of("rule") == (7, 7)
    assert full.of("bound") == (6, 6)
    assert full.of("interpretation") == (0, 1)
    assert full.share == (len(full.items) - len(full.untouched)) * 10_000 // len(full.items)


def test_without_cases_nothing_is_touched(tmp_path):
    found = cover(shop(tmp_path))
    assert (found.cases, found.share) == (0, 0)


def test_a_case_whose_ticket_is_refused_touches_nothing(tmp_path):
    assert cover(shop(tmp_path, NEAR.replace("= 5 }", "= -5 }"))).share == 0


def test_a_table_that_is_asked_of_the_ticket_and_of_its_parts_is_touched_without_parts(tmp_path):
    exclusions = "rule,distance_km,then: reason,cite\nfar,> 10 km,far,m-1\n"
    sides = touched(cover(shop(tmp_path, NEAR, exclusions=exclusions)), "bound")
    assert (sides["far: distance_km ↓ 10 km"], sides["far: distance_km ↑ 10 km"]) == ("near", None)


def test_drawn_tickets_stand_beside_the_cases(tmp_path):
    found = cover(shop(tmp_path, NEAR), drawn=60)
    by_name = {item.name: item for item in found.items}
    assert found.drawn == 60
    # Nobody's case is about wear, or beyond fifty kilometres; tickets drawn on the bounds are.
    for name in ("cause = wear", "far: distance_km ↑ 50 km"):
        assert (by_name[name].case, by_name[name].is_drawn, by_name[name].is_touched) == (None, True, True)
    # Nothing rests on the second reading, whatever is drawn.
    assert not by_name["unread"].is_touched
    assert found.share_of_cases < found.share < 10_000
    assert found.drawn_of("rule") <= found.of("rule")[1]


def test_without_drawn_tickets_both_shares_are_those_of_the_cases(full):
    assert full.drawn == 0
    assert full.share == full.share_of_cases
