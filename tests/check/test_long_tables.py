"""Tables of thousands of rows are checked in seconds, or it is said why they are not; and they decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from check.shops import BANDS, codes, found, shop
from rules.made import decide
from svc_policy.engines import python
from svc_policy.tables.covering import MOST_PAIRS, rows_of_atoms

BAND = "r{0},({0}..{1}] km,received,arrived,{1} h,calendar,m-1\n"
HEADING = "rule,distance_km,then: starts,then: ends,then: within,then: clock,cite\n"


def lines(heading: str, count: int, line: Callable[[int], str]) -> str:
    return heading + "".join(line(number) for number in range(count))


def test_thousands_of_duties_in_places_of_their_own_are_fine(tmp_path):
    table = lines("rule,district,then: owner,then: duty,cite\n", 3_000, lambda n: f"r{n},d{n},head,duty{n},m-1\n")
    assert found(shop(tmp_path, {"duties": table})) == []


def test_rows_that_are_twice_among_many_are_found(tmp_path):
    table = lines(
        "rule,district,then: owner,then: duty,cite\n", 400, lambda n: f"r{n},d{n % 399},head,duty{n % 399},m-1\n"
    )
    (twice,) = found(shop(tmp_path, {"duties": table}))
    assert (twice.code, twice.rules) == ("row-twice", ("r0", "r399"))


def test_neighbours_among_many_bands_are_found(tmp_path):
    table = lines(HEADING, 1_500, lambda n: BAND.format(n, n + 1).replace(f",{n + 1} h", f",{n // 2 + 1} h"))
    merged = [one.rules for one in found(shop(tmp_path, {"deadlines": table}), "rows-mergeable")]
    assert merged == [(f"r{n}", f"r{n + 1}") for n in range(0, 1_500, 2)]


def test_rows_that_overlap_in_too_many_ways_are_told_beside_the_gaps(tmp_path):
    count = 800  # 800 × 799 ÷ 2 pairs
    assert count * (count - 1) // 2 > MOST_PAIRS
    heading = "rule,on_site,distance_km,then: line,then: fixed,cite\n"
    table = lines(heading, count, lambda n: f"r{n},yes,<= {n + 1} km,visit,{n} CNY,m-1\n")
    table += "off,no,<= 5 km,visit,1 CNY,m-1\nfar,no,> 6 km,visit,2 CNY,m-1\n"
    told = found(shop(tmp_path, {"fees": table}))
    assert "table-entangled" in codes(told)
    assert ("off", "far") in [one.rules[-2:] for one in told if one.code == "gap"]


def test_a_table_longer_than_a_chain_may_be_decides(tmp_path):
    policy = shop(tmp_path, {"deadlines": lines(HEADING, 3_200, lambda n: BAND.format(n, n + 1))})
    for distance in (1, 1_000, 1_001, 2_777, 3_200):
        decided = decide(policy, {"distance_km": distance})
        assert decided.targets["arrived"].rule.rule == f"r{distance - 1}"
    assert decide(policy, {"distance_km": 3_201}).targets["arrived"].status == "not applicable"


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_short_chains_decide_as_a_long_one(tmp_path, monkeypatch, longest):
    tickets = [
        {"distance_km": km, "on_site": on_site} for km in (None, 3, 5, 6, 50, 51, 90) for on_site in (True, None)
    ]
    whole = shop(tmp_path / "whole", {"deadlines": BANDS})
    expected = [decide(whole, ticket).to_dict() for ticket in tickets]
    monkeypatch.setattr(python, "_LONGEST_CHAIN", longest)
    cut = shop(tmp_path / "cut", {"deadlines": BANDS})
    assert [decide(cut, ticket).to_dict() for ticket in tickets] == expected


@pytest.mark.parametrize("masks", [[0b0110, 0b1, 0b10101, 0b0110, 0b11111], [0], [], [0b1000]])
def test_rows_of_atoms_are_those_that_have_them(masks):
    """Against the slow way: look at every bit of every mask."""
    slow = {
        atom: rows for atom in range(6) if (rows := sum(1 << row for row, mask in enumerate(masks) if mask >> atom & 1))
    }
    assert rows_of_atoms(enumerate(masks)) == slow
