"""The laws of regions, the round trip of masks and conditions, and cuts at the ends of domains."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy.errors import UsageError
from svc_policy.tables import Absence, Domain, Interval, Reference, Test, match, parse_test
from svc_policy.tables.regions import DAY, Axis, Box, Grid, Region, cut_axis, day_axis, merge
from svc_policy.units import Kind, Literal

WORDS = ("a", "b", "c")
EVERY = settings(max_examples=60, deadline=None)


def read(text: str, kind: Kind) -> Test:
    test = parse_test(text, kind, problems=[], currency="CNY")
    assert test is not None
    return test


def axis_of(kind: Kind, cells: Sequence[str], domain: Domain | None = None, absence: Absence = "unknown") -> Axis:
    return cut_axis("x", kind, domain, [read(cell, kind) for cell in cells], absence=absence)


GRID = Grid(
    (
        attrs.evolve(axis_of("distance", ["<= 5 km", "(5..50] km"]), name="distance"),
        attrs.evolve(axis_of("text", ["a", "b"]), name="word"),
        attrs.evolve(axis_of("bool", ["yes, missing"]), name="is_said"),
    )
)
POINTS = [
    tuple(1 << place for place in places) for places in itertools.product(*(range(axis.size) for axis in GRID.axes))
]


def boxes() -> st.SearchStrategy[list[Box]]:
    masks = (st.integers(0, axis.everything) for axis in GRID.axes)
    return st.lists(st.tuples(*masks), max_size=5)


def regions() -> st.SearchStrategy[Region]:
    return boxes().map(lambda found: Region.of(GRID, found))


def points_in(region: Region) -> set[Box]:
    return {point for point in POINTS if region.contains(point)}


EMPTY = Region(GRID, ())
WHOLE = Region(GRID, (GRID.everything,))


@EVERY
@given(boxes())
def test_membership_is_that_of_the_boxes(given_boxes: list[Box]) -> None:
    wanted = {
        point
        for point in POINTS
        if any(all(mask & atom for mask, atom in zip(box, point, strict=True)) for box in given_boxes)
    }
    region = Region.of(GRID, given_boxes)
    assert points_in(region) == wanted
    for one, two in itertools.combinations(region.boxes, 2):
        assert not all(a & b for a, b in zip(one, two, strict=True)), "the boxes of a region meet"


@EVERY
@given(regions())
def test_identity(one: Region) -> None:
    assert one | EMPTY == one == one & WHOLE
    assert (one & EMPTY).is_empty
    assert one | WHOLE == WHOLE
    assert one - EMPTY == one


@EVERY
@given(regions(), regions())
def test_agreement_with_sets_of_points(one: Region, two: Region) -> None:
    a, b = points_in(one), points_in(two)
    assert points_in(one | two) == a | b
    assert points_in(one & two) == a & b
    assert points_in(one - two) == a - b
    assert one.is_subset(two) == (a <= b)
    assert (one == two) == (a == b)
    assert one.is_empty == (not a)


@EVERY
@given(regions(), regions())
def test_de_morgan(one: Region, two: Region) -> None:
    assert ~(one | two) == ~one & ~two
    assert ~(one & two) == ~one | ~two


@EVERY
@given(regions())
def test_complement(one: Region) -> None:
    assert (one & ~one).is_empty
    assert one | ~one == WHOLE
    assert ~~one == one


@EVERY
@given(regions(), regions())
def test_a_part_and_the_rest_make_the_whole(one: Region, two: Region) -> None:
    assert (one & two) | (one - two) == one
    assert (one - two).is_subset(one)
    assert (one & two).is_subset(two)


@EVERY
@given(regions())
def test_the_written_conditions_have_the_points_of_the_region(one: Region) -> None:
    """What a table need not cover, here absence, is not written where all the rest is meant."""
    back = Region.of(GRID, [GRID.box(tests) for tests in one.tests()])
    expected = Region(GRID, (GRID.expected,))
    assert back & expected == one & expected


AXES = [
    axis_of("distance", ["<= 5 km", "(5..50] km", "7 km"]),
    axis_of("distance", ["<= 5 km", "missing"], absence="none"),
    axis_of("count", ["1", "[3..5]", "missing"]),
    axis_of("count", ["(2..9)"], Domain(kind="count", low=0, low_closed=False, high=7, high_closed=False, step=3)),
    axis_of("date", ["< 2026-01-01", "2026-05-01"]),
    axis_of("bool", ["yes"], absence="not yet"),
    axis_of("text", ["a", "b", "missing"], Domain(kind="text", values=WORDS)),
    axis_of("text", ["a", "b"]),
    axis_of("text", ["a", "b", "missing"], absence="none"),
    axis_of("money", ["< 5.00 CNY", "[7.00..9.00] CNY"]),
]


@pytest.mark.parametrize("axis", AXES)
def test_a_mask_is_written_as_a_condition_that_has_it_again(axis: Axis) -> None:
    for mask in range(axis.everything + 1):
        test = axis.test(mask)
        assert axis.mask(test) == mask, test
        again = cut_axis(axis.name, axis.kind, axis.domain, [test], absence=axis.absence)
        assert again.size <= axis.size, "writing a mask adds no bound"


def test_absence_and_all_but_some_open_values_is_no_one_condition() -> None:
    axis = axis_of("text", ["a", "missing"])
    a, others, absent = 1, 2, 4
    assert axis.mask(axis.test(others | absent)) == others
    assert all(axis.mask(axis.test(mask)) == mask for mask in range(8) if mask != others | absent)
    assert axis.mask(read("a, missing", "text")) == a | absent


@pytest.mark.parametrize("absence", ["unknown", "none", "not yet"])
@pytest.mark.parametrize(
    "text", ["-", "a", "not(a)", "missing", "not(missing)", "a, missing", "not(a, missing)", "b", "not(a, b)"]
)
def test_a_mask_has_absence_where_the_condition_holds_of_it(text: str, absence: Absence) -> None:
    test = read(text, "text")
    axis = axis_of("text", ["a", "b", "missing"], absence=absence)
    for value in ("a", "b", "c", None):
        assert bool(axis.mask(test) & axis.mask_of(value)) == (match(test, value, absence) is True), value
    assert bool(axis.expected & axis.absent) == (absence != "unknown")


def test_one_cut_of_a_count_and_two_of_a_length() -> None:
    assert axis_of("count", ["<= 5", "< 6"]).size == 2
    assert axis_of("distance", ["<= 5 km", "< 6 km"]).size == 3
    # From 5 on by tens: 5, 15, 25; nothing lies between 16 and 24.
    stepped = Domain(kind="distance", low=5, high=34, step=10)
    axis = cut_axis("x", "distance", stepped, [read("> 15 m", "distance"), read(">= 24 m", "distance")])
    assert axis.size == 2
    assert [axis.mask_of(value) for value in (5, 15, 25, 16, 35)] == [1, 1, 2, 0, 0]
    assert axis.mask(read("(15..24] m", "distance")) == 0
    assert axis.test(2).items[0].high == Literal("distance", 25)


def test_cells_outside_the_domain_hold_of_nothing_or_of_the_rest() -> None:
    domain = Domain(kind="distance", low=0, high=100)
    cells = ["[150..200] m", "<= 500 m", ">= 100 m", "not([150..200] m)"]
    axis = cut_axis("x", "distance", domain, [read(cell, "distance") for cell in cells])
    assert axis.size == 2, "below 100 m, and 100 m"
    assert [axis.mask(read(cell, "distance")) for cell in cells] == [0, 3, 2, 3]
    assert axis_of("text", ["z"], Domain(kind="text", values=WORDS)).mask(read("z", "text")) == 0


def test_an_empty_domain_has_no_atoms_and_nothing_to_cover() -> None:
    empty = Domain(kind="count", low=3, high=2, step=1)
    axis = cut_axis("x", "count", empty, [read("[1..5]", "count")])
    assert (axis.size, axis.cuts, axis.mask_of(3), axis.mask(read("[1..5]", "count"))) == (0, (), 0, 0)
    # Between 1 and 9 by fives from 1, open at both ends: 6 alone.
    six = Domain(kind="count", low=1, low_closed=False, high=9, high_closed=False, step=5)
    assert [cut_axis("x", "count", six, []).mask_of(value) for value in (1, 6, 9)] == [0, 1, 0]


def test_huge_values_keep_their_order() -> None:
    huge = 1 << 70
    axis = cut_axis("x", "distance", None, [Test(kind="distance", items=(single("distance", huge),))])
    assert [axis.mask_of(value) for value in (huge - 1, huge, huge + 1)] == [1, 2, 4]


def single(kind: Kind, value: int) -> Interval:
    literal = Literal(kind, value)
    return Interval(literal, True, literal, True)


def test_bounds_by_parameters() -> None:
    near = Reference("near")
    test = Test(kind="distance", items=(Interval(None, False, near, True),))
    axis = cut_axis("x", "distance", None, [test], parameters={"near": 500})
    assert [bool(axis.mask(test, {"near": 500}) & axis.mask_of(value)) for value in (500, 501)] == [True, False]
    with pytest.raises(UsageError) as unknown:
        cut_axis("x", "distance", None, [test], parameters={})
    assert unknown.value.problems[0].code == "parameter-unknown"
    with pytest.raises(UsageError) as not_set:
        cut_axis("x", "distance", None, [test], parameters={"near": None})
    assert not_set.value.problems[0].code == "parameter-open"
    # Bounds that a parameter turns round hold of nothing.
    turned = Test(kind="distance", items=(Interval(near, True, Literal("distance", 100), True),))
    axis = cut_axis("x", "distance", None, [turned], parameters={"near": 500})
    assert axis.mask(turned, {"near": 500}) == 0


def test_the_days_of_a_row_end_before_its_last_one() -> None:
    grid = Grid((day_axis([10, 20]),))
    box = grid.box({}, 10, 20)
    axis = grid.axes[0]
    assert (axis.name, [bool(box[0] & axis.mask_of(day)) for day in (9, 10, 19, 20)]) == (
        DAY,
        [False, True, True, False],
    )
    assert grid.box({}, 20, 10) == (0,)
    assert grid.index(DAY) == 0


def test_merging_joins_until_nothing_can_be_joined() -> None:
    quarters = [(a, b) for a in (1, 2) for b in (1, 2)]
    assert merge(quarters) == ((3, 3),)
    assert set(merge([(1, 1), (2, 2)])) == {(1, 1), (2, 2)}
    assert merge([]) == ()


def test_conditions_leave_out_what_a_table_need_not_cover() -> None:
    axis = axis_of("count", ["1", "missing"])
    grid = Grid((axis,))
    assert grid.tests((axis.everything,)) == grid.tests((axis.expected,)) == {}
    assert grid.tests((axis.absent,)) == {"x": Test(kind="count", missing=True)}
    assert attrs.evolve(axis, absence="none").expected == axis.everything
