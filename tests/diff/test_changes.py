"""What changed from one policy to another, by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pack.building import change, copy_of_mall
from rules.made import made
from svc_policy import Policy, load
from svc_policy.diff.changes import Cells, find_changes

FEES = "rule,from,until,distance_km,then: line,then: fixed,cite\n"
NEAR = "near,,,<= 5 km,visit,60 CNY,m-1\n"
FAR = "far,,,> 5 km,visit,90 CNY,m-1\n"

Make = Callable[..., Policy]


@pytest.fixture
def with_fees(tmp_path: Path) -> Make:
    """Load a pack with these rows of fees."""
    made_so_far = 0

    def make(rows: str, heading: str = FEES) -> Policy:
        nonlocal made_so_far
        made_so_far += 1
        return made(tmp_path / str(made_so_far), {"fees": heading + rows})

    return make


def changes(old: Policy, new: Policy) -> list[tuple[str, str, str, tuple[Cells, ...]]]:
    return [(one.kind, one.part, one.name, one.cells) for one in find_changes(old, new)]


def test_the_same_policy_has_not_changed(with_fees: Make) -> None:
    assert find_changes(with_fees(NEAR + FAR), with_fees(NEAR + FAR)) == ()


def test_another_spelling_is_no_change(with_fees: Make) -> None:
    respelt = "near,,,≤ 5.0 km,visit,60.00 CNY,m-1\n"
    assert find_changes(with_fees(NEAR + FAR), with_fees(respelt + FAR)) == ()


def test_a_cell_that_changed_is_named_with_what_it_was_and_is(with_fees: Make) -> None:
    (found,) = find_changes(with_fees(NEAR + FAR), with_fees(NEAR.replace("60 CNY", "61 CNY") + FAR))
    assert (found.kind, found.table, found.name) == ("changed", "fees", "near")
    assert found.cells == (Cells("then: fixed", "60 CNY", "61 CNY"),)
    assert found.cites == ("m-1",)
    assert found.decides
    assert found.new_place is not None
    assert found.new_place.line == 2


def test_a_row_that_was_added_and_one_that_was_dropped(with_fees: Make) -> None:
    other = "other,,,> 5 km,visit,90 CNY,m-1\n"
    assert changes(with_fees(NEAR + FAR), with_fees(NEAR + other)) == [
        ("dropped", "rule", "far", ()),
        ("added", "rule", "other", ()),
    ]


def test_a_new_edition_is_one_change_that_compares_it_with_the_row_it_follows(with_fees: Make) -> None:
    edition = "near,,2027-01-01,<= 5 km,visit,60 CNY,m-1\nnear,2027-01-01,,<= 5 km,visit,65 CNY,m-1\n"
    (found,) = find_changes(with_fees(NEAR + FAR), with_fees(edition + FAR))
    assert (found.kind, found.name) == ("edition", "near")
    assert found.since == 20_819  # 2027-01-01: 57 years of 365 days and 14 leap days after 1970-01-01
    assert [cell.column for cell in found.cells] == ["then: fixed"]


def test_a_row_that_merely_ends_is_a_changed_row(with_fees: Make) -> None:
    ended = NEAR.replace("near,,,", "near,,2027-01-01,")
    assert changes(with_fees(NEAR), with_fees(ended)) == [
        ("changed", "rule", "near", (Cells("until", "-", "2027-01-01"),))
    ]


def test_as_few_rows_as_possible_have_moved(with_fees: Make) -> None:
    three = "last,,,-,visit,1 CNY,m-1\n"
    assert changes(with_fees(NEAR + FAR + three), with_fees(three + NEAR + FAR)) == [
        ("moved", "rule", "last", (Cells("row", "3", "1"),))
    ]


def test_policies_fixed_on_a_day_are_compared_by_what_is_in_force_then() -> None:
    mall = load("mall")
    found = find_changes(mall.on("2025-06-01"), mall.on("2026-06-01"))
    assert {change.name for change in found} == {
        "labour",
        "mileage",
        "visit_between",
        "visit_far",
        "visit_middle",
        "visit_near",
    }
    assert {change.kind for change in found} == {"changed"}
    near = next(change for change in found if change.name == "visit_near")
    # packs/mall/fees.csv: 65 CNY in 2025, 70 CNY from 2026 on
    assert near.cells == (Cells("then: fixed", "65 CNY", "70 CNY"),)


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("policy.toml", 'value = "13 %"', 'value = "9 %"', ("changed", "parameter", "vat", True)),
        ("policy.toml", 'value = "500 CNY"', 'value = "600 CNY"', ("changed", "parameter", "director_discount", True)),
        (
            "policy.toml",
            'rounding_place = "line"',
            'rounding_place = "total"',
            ("changed", "money", "rounding_place", True),
        ),
        ("policy.toml", "sat = []", 'sat = ["09:00-12:00"]', ("added", "week", "sat", True)),
        ("labels.csv", "visit,visit,上门费", "visit,call-out,上门费", ("changed", "wording", "labels.visit", False)),
        ("policy.toml", 'title.zh = "商场', 'title.zh = "大商场', ("changed", "wording", "title.zh", False)),
    ],
)
def test_each_part_of_a_policy_is_compared(
    tmp_path: Path, file: str, before: str, after: str, expected: tuple[str, str, str, bool]
) -> None:
    pack = copy_of_mall(tmp_path)
    old = load(pack)
    change(pack, file, before, after)
    found = [(one.kind, one.part, one.name, one.decides) for one in find_changes(old, load(pack))]
    assert found == [expected]


def test_a_note_of_a_row_decides_nothing(with_fees: Make) -> None:
    heading = FEES.replace("cite\n", "cite,note\n")
    old = with_fees(NEAR.replace("m-1\n", "m-1,\n"), heading)
    new = with_fees(NEAR.replace("m-1\n", "m-1,on request\n"), heading)
    (found,) = find_changes(old, new)
    assert not found.decides
    assert old.digest == new.digest


def test_an_edition_that_says_what_the_one_before_said_decides_nothing(with_fees: Make) -> None:
    edition = "near,,2027-01-01,<= 5 km,visit,60 CNY,m-1\nnear,2027-01-01,,<= 5 km,visit,60 CNY,m-1\n"
    (found,) = find_changes(with_fees(NEAR + FAR), with_fees(edition + FAR))
    assert (found.kind, found.cells, found.decides) == ("edition", (), False)


def test_a_dated_value_is_held_against_the_value_that_held_before(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    old = load(pack)
    change(
        pack, "policy.toml", 'value = "13 %"', 'values = [{ value = "13 %" }, { from = "2026-07-01", value = "9 %" }]'
    )
    (found,) = find_changes(old, load(pack))
    assert (found.part, found.name) == ("parameter", "vat")
    assert found.cells == (Cells("2026-07-01", "13 %", "9 %"),)
