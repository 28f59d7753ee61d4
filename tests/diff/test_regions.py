"""Regions in which two policies decide otherwise: by hand, and held against decisions of many tickets."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from pack.building import change, copy_of_mall
from rules.made import decide, made
from svc_policy import Decision, Policy, load
from svc_policy.diff import Comparison, Otherwise, differing_regions
from svc_policy.rules.family import Row
from svc_policy.tables import canonical_test, parse_test
from svc_policy.tables.regions import DAY

FEES = "rule,from,until,distance_km,on_site,then: line,then: fixed,cite\n"
NEAR = "near,,,<= 5 km,yes,visit,60 CNY,m-1\n"
FAR = "far,,,> 5 km,yes,visit,90 CNY,m-1\n"

Make = Callable[..., Policy]


@pytest.fixture
def with_fees(tmp_path: Path) -> Make:
    """Load a pack with these rows of fees."""
    made_so_far = 0

    def make(rows: str) -> Policy:
        nonlocal made_so_far
        made_so_far += 1
        return made(tmp_path / str(made_so_far), {"fees": FEES + rows})

    return make


def described(regions: tuple[Otherwise, ...]) -> list[tuple[Any, ...]]:
    return [
        (
            None if one.old is None else one.old.row.id,
            None if one.new is None else one.new.row.id,
            [{name: canonical_test(test) for name, test in tests.items()} for tests in one.region.tests()],
        )
        for one in regions
    ]


def test_a_policy_decides_as_it_does(with_fees: Make) -> None:
    assert differing_regions(with_fees(NEAR + FAR), with_fees(NEAR + FAR)) == ()


def test_another_amount_is_another_result_wherever_its_row_holds(with_fees: Make) -> None:
    found = differing_regions(with_fees(NEAR + FAR), with_fees(NEAR.replace("60", "61") + FAR))
    assert described(found) == [("near", "near", [{"distance_km": "[0 km..5 km]", "on_site": "yes"}])]


def test_a_boundary_moved_by_a_metre_changes_that_metre(with_fees: Make) -> None:
    moved = NEAR.replace("5 km", "5.001 km") + FAR.replace("5 km", "5.001 km")
    found = differing_regions(with_fees(NEAR + FAR), with_fees(moved))
    assert described(found) == [("far", "near", [{"distance_km": "(5 km..5.001 km]", "on_site": "yes"}])]


def test_where_no_row_holds_any_more_there_is_none(with_fees: Make) -> None:
    found = differing_regions(with_fees(NEAR + FAR), with_fees(NEAR + FAR.replace("> 5 km", "> 9 km")))
    assert described(found) == [("far", None, [{"distance_km": "(5 km..9 km]", "on_site": "yes"}])]


def test_a_new_edition_differs_from_its_first_day_on(with_fees: Make) -> None:
    edition = NEAR.replace(",,,", ",,2026-07-01,") + NEAR.replace(",,,", ",2026-07-01,,").replace("60", "65")
    found = differing_regions(with_fees(NEAR + FAR), with_fees(edition + FAR))
    ((old, new, (box,)),) = described(found)
    assert (old, new) == ("near", "near")
    assert box == {"distance_km": "[0 km..5 km]", "on_site": "yes", DAY: ">= 2026-07-01"}


def test_the_same_result_by_another_row_is_no_difference(with_fees: Make) -> None:
    split = NEAR.replace("near", "at").replace("<= 5 km", "5 km") + NEAR
    assert differing_regions(with_fees(NEAR + FAR), with_fees(split + FAR)) == ()


def test_an_earlier_row_that_is_dropped_uncovers_the_one_below(with_fees: Make) -> None:
    wide = "wide,,,-,yes,visit,50 CNY,m-1\n"
    found = differing_regions(with_fees(NEAR + wide), with_fees(wide))
    assert described(found) == [("near", "wide", [{"distance_km": "[0 km..5 km]", "on_site": "yes"}])]


def test_rows_that_change_places_differ_where_both_hold(with_fees: Make) -> None:
    wide = "wide,,,<= 9 km,yes,visit,50 CNY,m-1\n"
    found = differing_regions(with_fees(NEAR + wide), with_fees(wide + NEAR))
    assert described(found) == [("near", "wide", [{"distance_km": "[0 km..5 km]", "on_site": "yes"}])]


PENALTIES = "rule,incident_kind,then: liable,then: amount,cite\n"
MISSED = "missed,missed,clerk,50 CNY,m-1\n"
ANY = "any,-,clerk,50 CNY,m-1\n"


def test_one_of_two_rows_that_collect_the_same_is_missed_where_both_hold(tmp_path: Path) -> None:
    both = made(tmp_path / "both", {"penalties": PENALTIES + MISSED + ANY})
    one = made(tmp_path / "one", {"penalties": PENALTIES + ANY})
    incident = {"incidents": [{"incident_kind": "missed", "occurred_on": "2026-03-04"}]}
    # Both rows hold of a missed appointment: 100 CNY, and 50 CNY without one of them.
    assert [decide(policy, incident).column("penalty_least") for policy in (both, one)] == [100_00, 50_00]
    assert described(differing_regions(both, one)) == [("missed", None, [{"incident_kind": "missed"}])]
    assert described(differing_regions(one, both)) == [(None, "missed", [{"incident_kind": "missed"}])]
    turned = made(tmp_path / "turned", {"penalties": PENALTIES + ANY + MISSED})
    assert differing_regions(both, turned) == ()


def test_an_interpretation_differs_where_the_rows_that_rest_on_it_hold(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    old = load(pack)
    change(
        pack, "deadlines.csv", "(50..100] km,-,-,received,arrived,{far_gap}", "(50..100] km,-,-,received,arrived,96 h"
    )
    found = differing_regions(old, load(pack))
    assert described(found) == [
        ("between", "between", [{"category": "C", "on_site": "yes", "distance_km": "(50 km..100 km]"}])
    ]
    assert found[0].cites == ("mall-2.1.3",)


# --- against decisions

TABLES = {
    "fees": FEES + NEAR + "middle,,,(5..20] km,yes,visit,75 CNY,m-1\n" + FAR.replace("> 5", "> 20"),
    "category": "rule,from,until,internal,cause,then: category,cite\n"
    'inside,,,yes,-,D,m-1\nmisuse,,2026-03-01,no,misuse,A,m-1\nmisuse,2026-03-01,,no,"misuse, wear",A,m-1\n'
    "other,,,no,-,C,m-1\n",
    "duties": "rule,internal,distance_km,then: owner,then: duty,cite\n"
    "far,no,> 50 km,head,tell,m-1\nnear,-,<= 1 km,clerk,walk,m-1\n",
}
FACTS: Mapping[str, tuple[object, ...]] = {
    "distance_km": (0, 1, 1.001, 5, 5.001, 6, 19.999, 20, 20.001, 50, 50.001, 51),
    "on_site": (True, False),
    "internal": (True, False),
    "cause": ("misuse", "wear", "product"),
    "received_at": ("2026-02-27T09:00:00", "2026-03-02T09:00:00"),
}
CELLS = {
    "distance_km": ("<= 5 km", "> 5 km", "<= 1 km", "(1..20] km", "[5..50] km", "> 50 km", "-"),
    "on_site": ("yes", "no", "-"),
    "internal": ("yes", "no", "-"),
    "cause": ("misuse", "wear, product", "not(misuse)", "-"),
}
KINDS = {"distance_km": "distance", "on_site": "bool", "internal": "bool", "cause": "text"}


def test_decisions_differ_inside_the_regions_and_nowhere_else(tmp_path: Path) -> None:
    """Every random change of the tables is seen exactly: a ticket is decided otherwise if and only if it lies there."""
    chance = random.Random(20261122)
    policy = made(tmp_path, TABLES)
    inside = outside = 0
    for number in range(40):
        other = altered(policy, chance)
        regions = differing_regions(policy, other)
        comparison = Comparison(policy, other)
        for _ in range(25):
            ticket = {name: chance.choice(values) for name, values in FACTS.items()}
            old, new = decide(policy, ticket), decide(other, ticket)
            lies = [one for one in regions if one.region.contains(point(one, old, ticket))]
            differences = comparison.differences(old, new)
            assert bool(lies) == bool(differences), (number, ticket, differences, described(tuple(lies)))
            inside, outside = inside + bool(lies), outside + (not lies)
    assert inside > 100
    assert outside > 100


def altered(policy: Policy, chance: random.Random) -> Policy:
    """Change, drop, or move a row of a random table."""
    table = chance.choice(list(policy.pack.rows))
    rows = list(policy.pack.rows[table])
    index = chance.randrange(len(rows))
    match chance.randrange(4):
        case 0 if len(rows) > 1:
            del rows[index]
        case 1:
            rows.insert(chance.randrange(len(rows)), rows.pop(index))
        case _:
            rows[index] = with_cell(rows[index], chance)
    return Policy(attrs.evolve(policy.pack, rows={**policy.pack.rows, table: tuple(rows)}))


def with_cell(row: Row, chance: random.Random) -> Row:
    column = chance.choice([name for name in row.tests if name in CELLS])
    test = parse_test(chance.choice(CELLS[column]), KINDS[column], problems=[])  # type: ignore[arg-type]
    assert test is not None
    return attrs.evolve(row, tests={**row.tests, column: test})


def point(one: Otherwise, decision: Decision, ticket: Mapping[str, object]) -> tuple[int, ...]:
    values: dict[str, Any] = {**ticket, DAY: decision.column("request_day")}
    values["distance_km"] = round(float(str(ticket["distance_km"])) * 1000)
    return one.view.grid.point(values)
