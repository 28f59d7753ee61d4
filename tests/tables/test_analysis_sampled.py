"""The analysis held against points: every cell is matched with values on, between and beyond all bounds.

Bounds of dense columns are multiples of 4, so that whole numbers lie between any two of them; of the
other columns every value from below the least to above the greatest bound is tried. What rows,
gaps, overlaps and merged rows say of a point is one mask, a bit each; the masks of all points are the
meets of the masks of their values.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import pytest

from svc_policy.tables import (
    Absence,
    ColumnSpec,
    DecisionTable,
    Domain,
    HitPolicy,
    Interval,
    Reference,
    Rule,
    Test,
    analyse,
    contains,
    default_domain,
    match,
    print_test,
)
from svc_policy.tables.analysis import Analysis, Boundary
from svc_policy.tables.covering import holes
from svc_policy.tables.matching import Parameters
from svc_policy.tables.regions import DAY, Box
from svc_policy.units import Literal, Value

TABLES = 2_000
PARAMETERS: Parameters = {"near": 8, "few": 2, "soon": 20_000}
POLICIES: Sequence[HitPolicy] = ("first", "unique", "collect")
ABSENCES: Sequence[Absence] = ("unknown", "none", "not yet")
WORDS = ("a", "b", "c")
#: Domains with the bounds that cells of such a column may name.
SHAPES: Sequence[tuple[Domain, Sequence[int]]] = (
    (default_domain("distance"), (0, 4, 8, 12)),
    (Domain(kind="distance", low=0, low_closed=False, high=16), (0, 4, 8, 16, 20)),
    (Domain(kind="weight"), (-4, 0, 4)),
    (Domain(kind="duration", low=4, high=12, high_closed=False), (0, 4, 8, 12)),
    (default_domain("count"), (0, 1, 2, 3)),
    (Domain(kind="count", low=1, low_closed=False, high=5, high_closed=False, step=1), (1, 2, 3, 5)),
    (Domain(kind="distance", low=5, high=47, step=10), (4, 5, 12, 25, 30, 47)),
    (Domain(kind="share", low=0, high=9, step=3), (0, 2, 3, 7, 9)),
    (Domain(kind="count", high=4, step=2), (-3, 0, 1, 4)),
    (default_domain("date"), (20_000, 20_001, 20_005)),
    (default_domain("bool"), ()),
    (Domain(kind="text", values=WORDS), ()),
    (Domain(kind="text"), ()),
)


@attrs.frozen(kw_only=True)
class Sampled:
    """A table with the values at which it is looked at."""

    table: DecisionTable
    absences: Mapping[str, Absence]
    values: tuple[tuple[Value | None, ...], ...]

    def __str__(self) -> str:
        lines = [f"{self.table.hit_policy}, {dict(self.absences)}"]
        lines += [f"  {column.name}: {column.domain}" for column in self.table.columns]
        for index, rule in enumerate(self.table.rules):
            cells = " | ".join(print_test(test) for test in rule.tests)
            lines.append(f"  {index}: {cells} => {said(rule)} [{rule.from_day}..{rule.until_day})")
        return "\n".join(lines)


def said(rule: Rule) -> str:
    return "/".join(str(result.value) for result in rule.results if isinstance(result, Literal))


def make(chance: random.Random) -> Sampled:
    is_large = chance.random() < 0.02
    columns = chance.randint(1, 6 if is_large else 3)
    rows = chance.randint(1, 60 if is_large else 6)
    shapes = [chance.choice(SHAPES) for _ in range(columns)]
    absences = {f"c{number}": chance.choice(ABSENCES) for number in range(columns)}
    has_days = chance.random() < 0.3
    talks_of_absence = chance.random() < 0.4
    rules = []
    for number in range(rows):
        first, last = sorted((chance.randint(0, 3), chance.randint(0, 3)))
        rules.append(
            Rule(
                id=f"r{number}",
                tests=tuple(cell(chance, *shape, talks_of_absence) for shape in shapes),
                results=(Literal("text", chance.choice("xy")),),
                from_day=first if has_days and chance.random() < 0.5 else None,
                until_day=last if has_days and chance.random() < 0.5 else None,
            )
        )
        if chance.random() < 0.3:  # a neighbour that differs in one cell, or in none
            index = chance.randrange(columns)
            tests = list(rules[-1].tests)
            tests[index] = cell(chance, *shapes[index], talks_of_absence)
            rules.append(attrs.evolve(chance.choice(rules), id=f"n{number}", tests=tuple(tests)))
    table = DecisionTable(
        columns=tuple(
            ColumnSpec(name=f"c{number}", kind=domain.kind, domain=domain) for number, (domain, _) in enumerate(shapes)
        ),
        outputs=(ColumnSpec(name="then", kind="text"),),
        rules=tuple(rules),
        hit_policy=chance.choice(POLICIES),
    )
    values: list[tuple[Value | None, ...]] = []
    for index, (domain, bounds) in enumerate(shapes):
        absence = absences[f"c{index}"]
        names_it = any(rule.tests[index].missing for rule in rules)
        values.append((*values_of(domain, bounds), *((None,) if absence != "unknown" or names_it else ())))
    return Sampled(table=table, absences=absences, values=tuple(values))


def cell(chance: random.Random, domain: Domain, bounds: Sequence[int], talks_of_absence: bool) -> Test:
    kind = domain.kind
    if chance.random() < 0.25:
        return Test(kind=kind, any=True)
    parameter = {"distance": "near", "count": "few", "date": "soon"}.get(kind)

    def bound(value: Value) -> Literal | Reference:
        return Reference(parameter) if parameter and chance.random() < 0.1 else Literal(kind, value)

    items = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        if kind in ("text", "bool"):
            value = Literal(kind, chance.choice((False, True)) if kind == "bool" else chance.choice(WORDS))
            items.append(Interval(value, True, value, True))
            continue
        low, high = (bound(value) for value in sorted((chance.choice(bounds), chance.choice(bounds))))
        shape = chance.random()
        if shape < 0.3:
            items.append(Interval(low, chance.random() < 0.5, None, False))
        elif shape < 0.6:
            items.append(Interval(None, False, high, chance.random() < 0.5))
        elif shape < 0.7:
            items.append(Interval(low, True, low, True))
        else:
            items.append(Interval(low, chance.random() < 0.5, high, chance.random() < 0.5))
    missing = talks_of_absence and chance.random() < 0.3
    if missing and chance.random() < 0.4:
        items = []
    return Test(kind=kind, negated=chance.random() < 0.2, missing=missing, items=tuple(items))


def values_of(domain: Domain, bounds: Sequence[int]) -> tuple[Value, ...]:
    if domain.values is not None:
        return domain.values
    if not bounds:
        return (*WORDS, "another")
    far = 2 * (domain.step or 4)
    tried = range(min(bounds) - far, max(bounds) + far + 1)
    return tuple(value for value in tried if contains(domain, value))


def test_the_analysis_agrees_with_points() -> None:
    """What is said of 2,000 random tables is what the points say, point by point."""
    seen = set()
    for seed in range(TABLES):
        sampled = make(random.Random(seed))
        found = analyse(sampled.table, absences=sampled.absences, parameters=PARAMETERS)
        try:
            compare(sampled, found, random.Random(seed))
        except AssertionError as error:
            pytest.fail(f"table {seed}: {error}\n{sampled}")
        seen |= kinds_found(found)
    # The tables are of use only if they have what is looked for.
    assert seen == {
        "gaps", "overlaps", "never", "hidden", "contained", "mergeable", "duplicates", "idle", "unused",
        "spelled_out", "both claim", "both leave out",
    }  # fmt: skip


def kinds_found(found: Analysis) -> set[str]:
    lists = ("gaps", "overlaps", "never", "hidden", "contained", "mergeable", "duplicates", "idle", "unused")
    names = {name for name in (*lists, "spelled_out") if getattr(found, name)}
    kinds = [gap.boundary for gap in found.gaps] + [overlap.boundary for overlap in found.overlaps]
    return names | {kind for kind in kinds if kind}


def compare(sampled: Sampled, found: Analysis, chance: random.Random) -> None:
    table, count = sampled.table, len(sampled.table.rules)
    merged = [merge_of(table, pair.rows[0], pair.axis, pair.merged) for pair in found.mergeable]
    values = [*sampled.values]
    names = [column.name for column in table.columns]
    if found.grid.axes[-1].name == DAY:
        values.append(tuple(range(-2, 6)))
        names.append(DAY)
    assert names == [axis.name for axis in found.grid.axes]
    # One mask a value of an axis: rules, merged rules, gaps, overlaps, and whether it is expected.
    rows = [*table.rules, *merged]
    holds = [[truths(sampled, rows, axis, value) for value in tried] for axis, tried in enumerate(values)]
    regions = [gap.region.boxes[0] for gap in found.gaps] + [item.region.boxes[0] for item in found.overlaps]
    checks: list[list[int]] = []
    for axis, tried in enumerate(values):
        spec = found.grid.axes[axis]
        checks.append([])
        for value, truth in zip(tried, holds[axis], strict=True):
            atom = spec.mask_of(value)
            assert atom, f"{value} of {spec.name} lies in no atom"
            said_of_rows = sum(1 << row for row in range(count) if found.boxes[row][axis] & atom)
            assert said_of_rows == truth & (1 << count) - 1, f"rows at {value} of {spec.name}"
            inside = sum(1 << place for place, box in enumerate(regions) if box[axis] & atom)
            is_expected = value is not None or sampled.absences[spec.name] != "unknown"
            checks[axis].append(truth | (inside << 1 | is_expected) << len(rows))
    compare_points(sampled, found, set(meets(checks)), len(merged))
    compare_shapes(sampled, found, values, holds)
    compare_holes(found, values, holds, chance.randrange(len(values)), sampled)
    for _ in range(3):
        compare_with_evaluation(sampled, values, holds, chance)


def meets(masks: Iterable[Sequence[int]]) -> Iterable[int]:
    """Give the masks of all combinations, one of each axis."""
    found = {-1}
    for of_axis in masks:
        found = {mask & one for mask in found for one in set(of_axis)}
    return found


def truths(sampled: Sampled, rows: Sequence[Rule], axis: int, value: Value | None) -> int:
    """Give the rows that are true of a value, as the reference meaning says."""
    if axis == len(sampled.values):
        assert isinstance(value, int)
        return sum(
            1 << row
            for row, rule in enumerate(rows)
            if (rule.from_day is None or rule.from_day <= value) and (rule.until_day is None or value < rule.until_day)
        )
    absence = sampled.absences[f"c{axis}"]
    return sum(1 << row for row, rule in enumerate(rows) if match(rule.tests[axis], value, absence, PARAMETERS) is True)


def merge_of(table: DecisionTable, row: int, axis: str, test: Test) -> Rule:
    rule = table.rules[row]
    if axis == DAY:
        item = test.items[0] if test.items else Interval(None, False, None, False)
        low, high = (bound.value if isinstance(bound, Literal) else None for bound in (item.low, item.high))
        return attrs.evolve(
            rule,
            from_day=low if isinstance(low, int) else None,
            until_day=high + item.high_closed if isinstance(high, int) else None,
        )
    tests = [test if column.name == axis else old for column, old in zip(table.columns, rule.tests, strict=True)]
    return attrs.evolve(rule, tests=tuple(tests))


def compare_points(sampled: Sampled, found: Analysis, points: set[int], merged: int) -> None:
    """Compare what is said of whole points: each is a mask of the rows and findings that hold there."""
    table, count = sampled.table, len(sampled.table.rules)
    results = [said(rule) for rule in table.rules]
    gaps, decides_alone = len(found.gaps), table.hit_policy != "collect"
    place = {item.rows: index for index, item in enumerate(found.overlaps)}
    all_rows, sets = (1 << count) - 1, set()
    for point in points:
        rows, rest = point & all_rows, point >> count + merged
        is_expected, in_gaps, in_overlaps = rest & 1, rest >> 1 & (1 << gaps) - 1, rest >> 1 + gaps
        sets.add(rows)
        if decides_alone:
            assert in_gaps.bit_count() == (is_expected and not rows), f"gaps where rows {list(bits(rows))} hold"
            wanted = sum(1 << place[pair] for pair in itertools.combinations(bits(rows), 2))
            assert in_overlaps == wanted, f"overlaps where rows {list(bits(rows))} hold"
        for index, pair in enumerate(found.mergeable):
            one, two = pair.rows
            after = rows & ~(1 << one | 1 << two) | (point >> count + index & 1) << one
            before, now = ([results[row] for row in bits(mask)] for mask in (rows, after))
            if table.hit_policy == "first":
                before, now = before[:1], now[:1]
            elif table.hit_policy == "unique":
                before, now = sorted(set(before)), sorted(set(now))
            assert before == now, f"rows {pair.rows} merged into {print_test(pair.merged)} of {pair.axis}"
    if not decides_alone:
        assert not found.gaps and not found.overlaps and not found.hidden
    assert all(item.agree == (results[item.rows[0]] == results[item.rows[1]]) for item in found.overlaps)
    true_at = [{rows for rows in sets if rows >> row & 1} for row in range(count)]
    assert list(found.never) == [row for row in range(count) if not true_at[row]]
    hidden = {row for row in range(count) if true_at[row] and all(rows & (1 << row) - 1 for rows in true_at[row])}
    assert {item.row for item in found.hidden} == (hidden if decides_alone else set())
    for item in found.hidden:
        assert all(any(rows >> other & 1 for other in item.by) for rows in true_at[item.row])
        assert all(other < item.row for other in item.by)
    alike = [
        (one, two)
        for one, two in itertools.permutations(range(count), 2)
        if results[one] == results[two] and true_at[two] and true_at[two] <= true_at[one]
    ]
    assert sorted(found.contained) == [pair for pair in alike if pair[::-1] not in alike]
    assert sorted(found.duplicates) == [pair for pair in alike if pair[::-1] in alike and pair[0] < pair[1]]
    assert sorted(found.pairs) == [
        pair for pair in itertools.combinations(range(count), 2) if true_at[pair[0]] & true_at[pair[1]]
    ]


def bits(mask: int) -> Iterator[int]:
    return (bit for bit in range(mask.bit_length()) if mask >> bit & 1)


def compare_shapes(
    sampled: Sampled, found: Analysis, values: Sequence[Sequence[Value | None]], holds: Sequence[Sequence[int]]
) -> None:
    """Compare the kinds of boundaries, the pairs that merge, idle columns and unused values, by sets of values."""
    table = sampled.table
    rows = [row for row in range(len(table.rules)) if row not in found.never]
    cells = [
        [{place for place, truth in enumerate(of_axis) if truth >> row & 1} for of_axis in holds]
        for row in range(len(table.rules))
    ]
    ordered = [found.grid.axes[axis].kind not in ("text", "bool") for axis in range(len(values))]
    stated = [[place for place, value in enumerate(tried) if value is not None] for tried in values]

    def beside(axis: int, place: int) -> set[int]:
        return {near for near in (place - 1, place + 1) if near in stated[axis]} if place in stated[axis] else set()

    def places(box: Box, axis: int) -> set[int]:
        spec = found.grid.axes[axis]
        return {place for place, value in enumerate(values[axis]) if spec.mask_of(value) & box[axis]}

    for item in found.overlaps:
        one, two = (cells[row] for row in item.rows)
        wanted: Boundary = ""
        for axis in range(len(values)):
            shared = one[axis] & two[axis]
            if not ordered[axis] or found.grid.axes[axis].name == DAY or len(shared) != 1:
                continue
            (value,) = shared
            near = beside(axis, value)
            if value in stated[axis] and one[axis] != shared != two[axis]:
                inner = [len(near) == 2 and near <= cell for cell in (one[axis], two[axis])]
                wanted = wanted if any(inner) else "both claim"
        assert item.boundary == wanted, f"the kind of the overlap of {item.rows}"
    for gap in found.gaps:
        inside = [places(gap.region.boxes[0], axis) for axis in range(len(values))]
        wanted = ""
        for axis, own in enumerate(inside):
            if not ordered[axis] or found.grid.axes[axis].name == DAY or len(own) != 1 or not own <= set(stated[axis]):
                continue
            beyond = set[int]()
            for row in rows:
                if all(cells[row][other] & inside[other] for other in range(len(values)) if other != axis):
                    beyond |= cells[row][axis]
            near = beside(axis, *own)
            wanted = "both leave out" if len(near) == 2 and near <= beyond else wanted
        assert gap.boundary == wanted, f"the kind of the gap {gap.region.tests()}"
    compare_mergeable(sampled, found, cells, ordered, beside)
    expected = [
        {place for place, value in enumerate(tried) if value is not None or sampled.absences[f"c{axis}"] != "unknown"}
        for axis, tried in enumerate(values)
    ]
    idle = set()
    for axis in range(len(values)):
        groups: dict[object, list[int]] = {}
        for row in rows:
            key = (said(table.rules[row]), *(frozenset(cells[row][o]) for o in range(len(values)) if o != axis))
            groups.setdefault(key, []).append(row)
        for group in groups.values():
            union = set[int]().union(*(cells[row][axis] for row in group))
            if expected[axis] <= union and not any(expected[axis] <= cells[row][axis] for row in group):
                idle.add((tuple(group), found.grid.axes[axis].name))
    assert {(item.rows, item.axis) for item in found.idle} == idle
    unused = {
        found.grid.axes[axis].name
        for axis in range(len(values))
        if expected[axis] - set[int]().union(*(cells[row][axis] for row in rows))
    }
    assert {item.axis for item in found.unused} == unused
    assert set(found.spelled_out) == {
        (row, column.name)
        for row, rule in enumerate(table.rules)
        for axis, column in enumerate(table.columns)
        if not rule.tests[axis].any and len(cells[row][axis]) == len(values[axis])
    }


def compare_mergeable(
    sampled: Sampled, found: Analysis, cells: Sequence[Sequence[set[int]]], ordered: Sequence[bool], beside: object
) -> None:
    """Every pair of rows that differs on one ordered axis only, and touches there, is found, and no other."""
    table, axes = sampled.table, range(len(ordered))
    in_order, apart = table.hit_policy != "unique", table.hit_policy == "collect"
    wanted = set()
    for one, two in itertools.combinations(range(len(table.rules)), 2):
        differ = [axis for axis in axes if cells[one][axis] != cells[two][axis]]
        if len(differ) != 1 or said(table.rules[one]) != said(table.rules[two]):
            continue
        (axis,) = differ
        if {one, two} & set(found.never) or not ordered[axis]:
            continue
        shared = cells[one][axis] & cells[two][axis]
        touches = any(beside(axis, place) & cells[two][axis] for place in cells[one][axis])  # type: ignore[operator]
        between = any(
            all(cells[row][other] & cells[two][other] for other in axes) for row in range(one + 1, two) if in_order
        )
        if (shared or touches) and not (apart and shared) and not between:
            wanted.add((one, two, found.grid.axes[axis].name))
    names = {found.grid.axes[axis].name for axis in axes if ordered[axis]}
    assert {(*pair.rows, pair.axis) for pair in found.mergeable if pair.axis in names} == wanted


def compare_holes(
    found: Analysis,
    values: Sequence[Sequence[Value | None]],
    holds: Sequence[Sequence[int]],
    axis: int,
    sampled: Sampled,
) -> None:
    """A hole: two or more rows that hold beside the axis have different cells on it, and none has the value."""
    count = len(found.boxes)
    pieces = holes(found.boxes, found.grid.expected, axis)
    masks: list[list[int]] = []
    for index, tried in enumerate(values):
        spec = found.grid.axes[index]
        masks.append([])
        for place, value in enumerate(tried):
            atom = spec.mask_of(value)
            if value is None and sampled.absences[spec.name] == "unknown":
                continue
            inside = sum(1 << number for number, box in enumerate(pieces) if box[index] & atom)
            masks[-1].append(holds[index][place] & (1 << count) - 1 | inside << count)
    of_row = [frozenset(place for place, mask in enumerate(masks[axis]) if mask >> row & 1) for row in range(count)]
    for others in meets(masks[:axis] + masks[axis + 1 :]):
        held = [row for row in range(count) if others >> row & 1 and of_row[row]]
        for mask in masks[axis]:
            is_hole = len({of_row[row] for row in held}) > 1 and not any(mask >> row & 1 for row in held)
            assert (others & mask) >> count == 0 or is_hole, f"no hole of axis {axis}: rows {held}"
            assert not is_hole or ((others & mask) >> count).bit_count() == 1, f"a hole of axis {axis}: rows {held}"


def compare_with_evaluation(
    sampled: Sampled,
    values: Sequence[Sequence[Value | None]],
    holds: Sequence[Sequence[int]],
    chance: random.Random,
) -> None:
    """A table decides a point as the rows that are true of all of its values say."""
    places = [chance.randrange(len(tried)) for tried in values]
    point = [tried[place] for tried, place in zip(values, places, strict=True)]
    inputs = {column.name: value for column, value in zip(sampled.table.columns, point, strict=False)}
    day = point[-1] if len(point) > len(inputs) else 0
    assert isinstance(day, int)
    outcome = sampled.table.evaluate(inputs, sampled.absences, parameters=PARAMETERS, on=day)
    fired = (1 << len(sampled.table.rules)) - 1
    for axis, place in enumerate(places):
        fired &= holds[axis][place]
    assert outcome.fired == fired << 1
