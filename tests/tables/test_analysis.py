"""What is said of small tables whose answers are plain, of large ones with known faults, and where it stops."""

from __future__ import annotations

import contextlib
import io
import math
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from svc_policy.errors import UsageError
from svc_policy.tables import Absence, ColumnSpec, DecisionTable, Domain, HitPolicy, Test, analyse, print_test
from svc_policy.tables.analysis import Analysis, Hidden, Idle, find_gaps, grid_of
from svc_policy.tables.covering import Budget, enlarged, holes, is_covered, uncovered
from svc_policy.tables.regions import DAY, Box, cut_axis

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the bench stands beside the package
from bench.tables import FAULTS, faulty, missed, partition

DISTANCE = ("km", "distance")
CAUSES = ColumnSpec(name="cause", kind="text", domain=Domain(kind="text", values=("misuse", "wear", "product")))


def table(
    columns: Sequence[ColumnSpec | tuple[str, str]], rows: Sequence[Sequence[str]], policy: HitPolicy = "unique"
) -> DecisionTable:
    return DecisionTable.from_rows(columns, [("then", "text")], rows, hit_policy=policy)  # type: ignore[arg-type]


def written(tests: dict[str, Test]) -> dict[str, str]:
    return {name: print_test(test) for name, test in tests.items()}


def gaps(found: Analysis) -> list[dict[str, str]]:
    return [written(tests) for gap in found.gaps for tests in gap.region.tests()]


def test_a_boundary_that_both_rows_leave_out() -> None:
    found = analyse(table([DISTANCE], [["< 5 km", "a"], ["> 5 km", "b"]]))
    assert gaps(found) == [{"km": "5 km"}]
    assert [gap.boundary for gap in found.gaps] == ["both leave out"]
    assert not found.overlaps


def test_a_boundary_that_both_rows_claim() -> None:
    found = analyse(table([DISTANCE], [["<= 5 km", "a"], [">= 5 km", "b"]]))
    assert [(item.rows, item.boundary, item.agree) for item in found.overlaps] == [((0, 1), "both claim", False)]
    assert [written(tests) for tests in found.overlaps[0].region.tests()] == [{"km": "5 km"}]
    assert found.needs_order
    assert not found.gaps


def test_a_value_that_one_row_has_on_both_sides_is_no_shared_boundary() -> None:
    found = analyse(table([DISTANCE], [["-", "a"], ["5 km", "b"]]))
    assert [item.boundary for item in found.overlaps] == [""]


def test_a_value_beside_absence_has_one_side_only() -> None:
    """The last value of a domain stands beside absence in a mask, but absence is not above it."""
    floors = ColumnSpec(name="floor", kind="count", domain=Domain(kind="count", low=0, high=3, step=1))
    found = analyse(table([floors], [["[0..2]", "a"], ["missing", "a"]]))
    assert gaps(found) == [{"floor": "3"}]
    assert [gap.boundary for gap in found.gaps] == [""]
    found = analyse(table([floors], [["3", "a"], ["missing", "a"]]))
    assert not found.mergeable


@pytest.mark.parametrize(
    "absence, wanted", [("unknown", []), ("none", [{"km": "missing"}]), ("not yet", [{"km": "missing"}])]
)
def test_absence_is_covered_where_it_is_known_to_be_one(absence: Absence, wanted: list[dict[str, str]]) -> None:
    found = analyse(table([DISTANCE], [["<= 5 km", "a"], ["> 5 km", "b"]]), absences={"km": absence})
    assert gaps(found) == wanted


def test_rows_that_are_in_force_on_other_days_do_not_meet() -> None:
    plain = table([DISTANCE], [["<= 5 km", "a"], ["<= 5 km", "b"], ["> 5 km", "c"]])
    days = [(None, 100), (110, None), (None, None)]
    rules = tuple(
        attrs.evolve(rule, from_day=first, until_day=last)
        for rule, (first, last) in zip(plain.rules, days, strict=True)
    )
    found = analyse(attrs.evolve(plain, rules=rules))
    assert not found.overlaps
    # Ten days without a row for what is near: [100, 110).
    (gap,) = found.gaps
    (tests,) = gap.region.tests()
    assert written(tests)["km"] == "[0 km..5 km]"
    assert [(item.low.value, item.high.value) for item in tests[DAY].items] == [(100, 109)]  # type: ignore[union-attr]
    assert gap.boundary == ""


def test_a_row_is_hidden_by_one_or_by_several_together() -> None:
    rows = [["<= 5 km", "a"], ["> 5 km", "b"], ["(2..9) km", "c"], ["< 3 km", "d"]]
    found = analyse(table([DISTANCE], rows, "first"))
    assert found.hidden == (Hidden(row=2, by=(0, 1)), Hidden(row=3, by=(0,)))
    assert not analyse(table([DISTANCE], rows, "collect")).hidden


def test_rows_that_hold_of_nothing() -> None:
    floors = ColumnSpec(name="floor", kind="count", domain=Domain(kind="count", low=0, high=9, step=1))
    found = analyse(table([floors], [[">= 10", "a"], ["< 0", "b"], ["not(missing)", "c"], ["not(<= 9, missing)", "d"]]))
    assert found.never == (0, 1, 3)
    assert not found.gaps


def test_rows_that_could_be_one() -> None:
    rows = [["(5..9] km", "misuse", "a"], ["<= 5 km", "misuse", "a"], ["> 9 km", "-", "a"], ["<= 9 km", "wear", "b"]]
    found = analyse(table([DISTANCE, CAUSES], rows))
    assert [(pair.rows, pair.axis, print_test(pair.merged)) for pair in found.mergeable] == [
        ((0, 1), "km", "[0 km..9 km]")
    ]


def test_a_row_in_between_keeps_two_from_being_one() -> None:
    rows = [["<= 2 km", "a"], ["(1..6) km", "b"], ["(2..9] km", "a"]]
    assert not analyse(table([DISTANCE], rows, "first")).mergeable
    assert [pair.rows for pair in analyse(table([DISTANCE], rows, "unique")).mergeable] == [(0, 2)]


def test_what_counts_twice_is_not_made_one() -> None:
    rows = [["<= 5 km", "a"], [">= 4 km", "a"]]
    assert [pair.rows for pair in analyse(table([DISTANCE], rows, "first")).mergeable] == [(0, 1)]
    assert not analyse(table([DISTANCE], rows, "collect")).mergeable


def test_of_values_without_order_each_row_is_paired_once() -> None:
    rows = [[f'"place {number}"', "a"] for number in range(40)]
    found = analyse(table([("place", "text")], rows))
    assert [pair.rows for pair in found.mergeable] == [(number, number + 1) for number in range(39)]


def test_a_column_that_decides_nothing() -> None:
    rows = [
        ["<= 5 km", "misuse", "a"],
        ["<= 5 km", "wear", "a"],
        ["<= 5 km", "product", "a"],
        ["> 5 km", "misuse, wear", "b"],
        ["> 5 km", "product, wear, misuse", "c"],
    ]
    found = analyse(table([DISTANCE, CAUSES], rows))
    assert found.idle == (Idle((0, 1, 2), "cause"),)
    assert found.spelled_out == ((4, "cause"),)


def test_values_that_no_row_has() -> None:
    rows = [["<= 5 km", "misuse", "a"], ["[7..9) km", "wear", "a"]]
    unused = analyse(table([DISTANCE, CAUSES], rows)).unused
    assert {item.axis: print_test(item.values) for item in unused} == {
        "km": "(5 km..7 km), >= 9 km",
        "cause": "product",
    }


def test_a_table_that_collects_leaves_nothing_out() -> None:
    found = analyse(table([DISTANCE], [["<= 5 km", "a"], ["<= 3 km", "b"]], "collect"))
    assert (found.gaps, found.overlaps, found.pairs) == ((), (), ((0, 1),))


def test_a_table_without_rows_or_over_an_empty_domain() -> None:
    assert gaps(analyse(table([DISTANCE], []))) == [{}]
    nothing = ColumnSpec(name="n", kind="count", domain=Domain(kind="count", low=3, high=2, step=1))
    found = analyse(table([nothing, DISTANCE], [["-", "<= 5 km", "a"]]))
    assert (found.gaps, found.never) == ((), (0,))


def test_a_hole_is_left_out_by_rows_that_tell_values_apart() -> None:
    rows = [["<= 5 km", "misuse", "a"], ["> 50 km", "misuse", "b"], ["> 50 km", "wear", "c"]]
    plain = table([DISTANCE, CAUSES], rows)
    grid = grid_of(plain)
    boxes = analyse(plain).boxes
    found = [written(grid.tests(box)) for box in holes(boxes, grid.expected, 0)]
    assert found == [{"km": "(5 km..50 km]", "cause": "misuse"}]


def test_a_gap_is_drawn_as_large_as_it_is() -> None:
    """A box in the middle of a plane leaves a frame: two whole strips, and two between them."""
    box = (0b00100, 0b00100)
    whole = (0b11111, 0b11111)
    found = uncovered([box], whole)
    assert sum(a.bit_count() * b.bit_count() for a, b in found) == 24
    assert len(found) == 2, "unconnected atoms of an axis are one mask"
    assert set(enlarged(((1, 1), (2, 1), (4, 1), (1, 2)))) == {(7, 1), (1, 2)}
    # The third atom is reached over two pieces, though one of them has the second atom as well, which is not.
    assert set(enlarged(((1, 3), (6, 1), (4, 2)))) == {(5, 3), (2, 1)}
    assert is_covered((1, 1), [(1, 1)])
    assert not is_covered((3, 1), [(1, 1)])


def test_gaps_within_a_part_of_the_table() -> None:
    plain = table([DISTANCE], [["<= 5 km", "a"]])
    grid = grid_of(plain)
    boxes = analyse(plain).boxes
    assert find_gaps(grid, boxes, within=boxes[0]) == ()


def test_a_partition_has_no_fault_and_faults_are_found_one_by_one() -> None:
    for seed in range(2):
        wanted = faulty(150, random.Random(seed))
        assert len(wanted.removed) == len(wanted.widened) == FAULTS
        assert missed(analyse(wanted.table), wanted) == ()
    # The boxes of a partition have the volume of the whole between them, reckoned apart from the analysis.
    cells = partition(60, random.Random(0))
    assert len(cells) == 60
    volumes = [math.prod(high - low for low, high in cell) for cell in cells]
    assert sum(volumes) == 500_000 * 800_000 * 200 * 10_000_000 * 240 * 24


def entangled(rows: int, axes: int, atoms: int) -> tuple[list[Box], Box]:
    """Make rows of which each leaves out one value of every axis: what they share falls apart in every way."""
    chance = random.Random(3)
    whole = (1 << atoms) - 1
    return [tuple(whole & ~(1 << chance.randrange(atoms)) for _ in range(axes)) for _ in range(rows)], (whole,) * axes


def test_a_table_that_is_too_entangled_is_refused_and_says_so() -> None:
    boxes, within = entangled(60, 6, 20)
    begun = time.process_time()
    with pytest.raises(UsageError) as refused:
        uncovered(boxes, within, most=2_000)
    assert time.process_time() - begun < 2
    (problem,) = refused.value.problems
    assert problem.code == "table-entangled"
    assert "2000" in str(problem.message).replace(",", "")
    assert problem.help
    with pytest.raises(UsageError):
        is_covered(within, boxes, Budget(2_000))
    # The same rows over fewer values are no trouble.
    boxes, within = entangled(20, 3, 4)
    left = uncovered(boxes, within, most=2_000)
    assert all(not all(a & b for a, b in zip(gap, box, strict=True)) for gap in left for box in boxes)


def test_cutting_an_axis_by_a_foreign_cell_is_the_callers_part() -> None:
    """A grid of two tables is cut by the cells of both."""
    one, two = table([DISTANCE], [["<= 5 km", "a"]]), table([DISTANCE], [["<= 7 km", "a"]])
    (axis,) = grid_of(one, two).axes
    assert axis.size == 3
    assert [axis.mask(rule.tests[0]) for other in (one, two) for rule in other.rules] == [1, 3]
    assert cut_axis("km", "distance", None, [one.rules[0].tests[0]]).size == 2


def test_the_page_shows_what_its_example_prints() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    (code,), (shown,) = (re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.S | re.M) for kind in ("python", "text"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "analysis.md", "exec"), {"__name__": "__main__"})
    assert [line.rstrip() for line in printed.getvalue().splitlines()] == shown.splitlines()


def test_rows_that_reach_into_each_other_fall_apart_by_themselves() -> None:
    """A table of 400 rows is done in a share of the states that stop an entangled one."""
    wanted = faulty(400, random.Random(5))
    found = analyse(wanted.table)
    left = uncovered(found.boxes, found.grid.expected, most=10_000)
    assert len(left) == FAULTS
