"""The tables of other projects' suites, with what two mature analysers report of them, compared as regions.

Peers know hit policies that ours do not: ANY and the orders of rules are looked at as
UNIQUE, PRIORITY as FIRST with the rules in the order of their outputs.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest

from svc_policy.errors import Problem
from svc_policy.tables import ColumnSpec, DecisionTable, Domain, HitPolicy, Interval, Rule, Test, analyse, parse_test
from svc_policy.tables.analysis import Analysis, find_hidden
from svc_policy.tables.regions import Axis, Box, Grid, Region, cut_axis, cuts_of, meet
from svc_policy.units import NOUNS, Kind, Literal, Value

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("SVC_POLICY_SHARED", ROOT.parent / "shared")) / "cases" / "tables_peers.jsonl"
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()] if FILE.is_file() else []
ITEMS = [pytest.param(case, id=case["id"]) for case in CASES] or [
    pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"there is no file {FILE}"))
]
POLICIES: Mapping[str, HitPolicy] = {"COLLECT": "collect", "FIRST": "first", "PRIORITY": "first"}
KINDS: Mapping[str, Kind] = {
    "boolean": "bool",
    "string": "text",
    "number": "distance",
    "date": "date",
    "date and time": "instant",
    "dateTime": "instant",
}
#: What is said of a case that this file knows how to hold against ours.
KNOWN = {
    "gaps",
    "overlaps",
    "overlap_cliques",
    "masked",
    "misleading",
    "subsumption",
    "contraction",
    "duplicates",
    "first_nf_violation",
    "second_nf_violation",
    "recommended_hit_policy",
    "uncovered_column_intervals",
    "analysis_error",
}


@attrs.frozen(kw_only=True)
class Peer:
    """A table of a peer as one of ours; a rule of theirs is `number - 1` here."""

    table: DecisionTable
    columns: Sequence[Mapping[str, Any]]
    scale: int

    def value(self, value: object, kind: Kind) -> Value | None:
        if value is None or isinstance(value, bool) or kind == "text":
            return value  # type: ignore[return-value]
        if kind == "date":
            return dt.date.fromisoformat(str(value)).toordinal()
        if kind == "instant":
            return int(dt.datetime.fromisoformat(str(value)).timestamp())
        scaled = Fraction(str(value)) * self.scale
        assert scaled.denominator == 1
        return int(scaled)

    def test(self, constraint: Mapping[str, Any], kind: Kind) -> Test:
        if constraint.get("any"):
            return Test(kind=kind, any=True)
        if "not" in constraint:
            return attrs.evolve(self.test(constraint["not"], kind), negated=True)

        def bound(value: object) -> Literal | None:
            read = self.value(value, kind)
            return None if read is None else Literal(kind, read)

        values = constraint.get("values", ())
        items = [Interval(bound(value), True, bound(value), True) for value in values if value is not None]
        items += [
            Interval(bound(item["lo"]), item["lo_closed"], bound(item["hi"]), item["hi_closed"])
            for item in constraint.get("intervals", ())
        ]
        return Test(kind=kind, missing=None in values, items=tuple(items))

    def box(self, constraints: Sequence[Mapping[str, Any]], grid: Grid) -> Box:
        """Give a stated box on our axes; absence is in no domain of theirs."""
        masks = (
            axis.mask(self.test(constraint, axis.kind)) & axis.expected
            for constraint, axis in zip(constraints, grid.axes, strict=True)
        )
        return tuple(masks)


def kind_of(column: Mapping[str, Any]) -> Kind:
    return KINDS[column["type"]]


def numbers_in(part: object) -> Iterable[str]:
    """Give every number a case states as a text, to find what all of them are multiples of."""
    if isinstance(part, dict):
        for value in part.values():
            yield from numbers_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from numbers_in(value)
    elif isinstance(part, str):
        try:
            Fraction(part)
        except (ValueError, ZeroDivisionError):
            return
        yield part


def read(case: Mapping[str, Any]) -> Peer:
    scale = 1
    for text in numbers_in(case):
        scale = max(scale, Fraction(text).denominator)
    for text in numbers_in(case):
        assert scale % Fraction(text).denominator == 0, "decimals of one case share a power of ten"
    empty = DecisionTable(columns=(), outputs=(), rules=(), hit_policy="first")
    peer = Peer(table=empty, columns=case["columns"], scale=scale)
    columns = []
    for number, column in enumerate(case["columns"]):
        kind, said = kind_of(column), column["domain"]
        if said["kind"] == "enum":
            domain = Domain(kind=kind, values=tuple(peer.value(value, kind) for value in said["values"]))  # type: ignore[misc]
        elif said["kind"] == "interval":
            low, high = peer.value(said["lo"], kind), peer.value(said["hi"], kind)
            assert not isinstance(low, str) and not isinstance(high, str)
            domain = Domain(
                kind=kind,
                low=low,  # type: ignore[arg-type]
                low_closed=said["lo_closed"],
                high=high,  # type: ignore[arg-type]
                high_closed=said["hi_closed"],
                step=1 if kind == "date" else None,
            )
        else:
            domain = Domain(kind=kind, values=(False, True)) if kind == "bool" else Domain(kind=kind)
        columns.append(ColumnSpec(name=f"{number}", kind=kind, domain=domain))
    rules = tuple(
        Rule(
            id=f"r{rule['n']}",
            tests=tuple(peer.test(cell, column.kind) for cell, column in zip(rule["when"], columns, strict=True)),
            results=tuple(Literal("text", str(value)) for value in rule["then"]),
        )
        for rule in case["rules"]
    )
    outputs = tuple(ColumnSpec(name=f"out{index}", kind="text") for index in range(len(rules[0].results)))
    policy = POLICIES.get(case["hit_policy"], "unique")
    table = DecisionTable(columns=tuple(columns), outputs=outputs, rules=rules, hit_policy=policy)
    return attrs.evolve(peer, table=table)


def rank(case: Mapping[str, Any], row: int) -> tuple[int, ...]:
    """Give the priority of a rule's outputs, the first one's first; less goes before more."""
    orders = [output["priority_order"] or [] for output in case["outputs"]]
    then = case["rules"][row]["then"]
    return tuple(
        order.index(value) if value in order else len(order) for order, value in zip(orders, then, strict=True)
    )


def rows_in(part: object) -> list[int]:
    """Give the numbers of rules that an item states, as our indices."""
    if isinstance(part, bool):
        return []
    if isinstance(part, int):
        return [part - 1]
    values = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [row for value in values for row in rows_in(value)]


def items(expected: Any) -> list[Any]:
    """Give the items of a finding, however they are called beside their count."""
    if isinstance(expected, dict):
        found = next((value for key, value in expected.items() if isinstance(value, list)), [])
        assert expected.get("count", len(found)) == len(found)
        return found
    return list(expected)


@pytest.mark.parametrize("case", ITEMS)
def test_a_table_of_a_peer_is_read_as_its_analyser_reads_it(case: Mapping[str, Any]) -> None:
    expected = case["expected"]
    assert set(expected) <= KNOWN
    if expected.get("analysis_error"):
        assert_refused(case["raw_rules"])
        return
    peer = read(case)
    found = analyse(peer.table)
    if case["hit_policy"] == "COLLECT":
        assert not found.gaps and not found.overlaps
    for name, compare in COMPARISONS.items():
        if name in expected:
            compare(case, peer, found, expected[name])


def assert_refused(rows: Sequence[Sequence[str]]) -> None:
    """No kind of column can read the whole table, and each refusal is a problem with a help line."""
    for kind in NOUNS:
        problems: list[Problem] = []
        for cell in itertools.chain(*rows):
            parse_test(cell, kind, problems=problems)
        assert problems, f"{rows} was read as {kind}"
        assert all(problem.help for problem in problems)


def compare_gaps(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Mapping[str, Any]) -> None:
    grid = grid_with(peer, expected.get("boxes", ()))
    boxes = tuple(peer.box(rule["when"], grid) for rule in case["rules"])
    ours = Region.of(grid, [grid.expected]) - Region.of(grid, boxes)
    if case["hit_policy"] == "COLLECT":
        ours = Region(grid, ())
    else:  # what `analyse` found is the same set of points
        said = [tests for gap in found.gaps for tests in gap.region.tests()]
        assert Region.of(grid, [limited(grid, tests) for tests in said]) == ours
    assert (expected["count"] > 0) == (not ours.is_empty)
    if len(grid.axes) == 1 and grid.axes[0].is_ordered and "semantics" not in expected:
        assert expected["count"] == runs(ours)
    if "boxes" in expected:
        theirs = Region.of(grid, [peer.box(box, grid) for box in expected["boxes"]])
        if expected.get("semantics", "").startswith("subset"):
            assert all(all(peer.box(box, grid)) for box in expected["boxes"])
            assert theirs.is_subset(ours)
        else:
            assert theirs == ours


def limited(grid: Grid, tests: Mapping[str, Test]) -> Box:
    return tuple(mask & axis.expected for mask, axis in zip(grid.box(tests), grid.axes, strict=True))


def runs(region: Region) -> int:
    """Count the pieces of a set of values of one ordered axis."""
    union = 0
    for box in region.boxes:
        union |= box[0]
    return (union & ~(union << 1)).bit_count()


def grid_with(peer: Peer, boxes: Sequence[Sequence[Mapping[str, Any]]]) -> Grid:
    """Cut the axes by the cells of the table and by those of stated boxes."""
    axes = []
    for index, column in enumerate(peer.table.columns):
        tests = [rule.tests[index] for rule in peer.table.rules]
        tests += [peer.test(box[index], column.kind) for box in boxes]
        axes.append(cut_axis(column.name, column.kind, column.domain, tests))
    return Grid(tuple(axes))


def compare_overlaps(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Mapping[str, Any]) -> None:
    if case["hit_policy"] == "COLLECT":
        assert expected["count"] == 0
        return
    ours = {overlap.rows: overlap.region.boxes for overlap in found.overlaps}
    assert (expected["count"] > 0) == bool(ours)
    if "cells" not in expected:
        return
    grid = found.grid  # stated bounds are bounds of cells
    theirs: dict[tuple[int, int], list[Box]] = {}
    for cell in expected["cells"]:
        for one, two in itertools.combinations(sorted(rule - 1 for rule in cell["rules"]), 2):
            theirs.setdefault((one, two), []).append(peer.box(cell["box"], grid))
    assert theirs.keys() == ours.keys()
    for rows, boxes in theirs.items():
        inside = [tuple(a & b for a, b in zip(box, grid.expected, strict=True)) for box in ours[rows]]
        assert Region.of(grid, boxes) == Region.of(grid, inside)


def compare_cliques(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Sequence[Sequence[int]]) -> None:
    """Compare the largest groups of rules of which every two meet, found by trying every group."""
    meets = set(found.pairs)
    rows = range(len(peer.table.rules))
    groups = [
        set(group)
        for size in range(2, len(rows) + 1)
        for group in itertools.combinations(rows, size)
        if all(pair in meets for pair in itertools.combinations(group, 2))
    ]
    largest = [group for group in groups if not any(group < other for other in groups)]
    assert sorted(map(sorted, largest)) == sorted(sorted(rule - 1 for rule in group) for group in expected)


def compare_masked(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Any) -> None:
    boxes = found.boxes
    ours = {
        (inner, outer)
        for inner, outer in itertools.permutations(range(len(boxes)), 2)
        if meet(boxes[inner], boxes[outer]) == boxes[inner] and rank(case, outer) < rank(case, inner)
    }
    stated = items(expected)
    assert {(pair["rule"] - 1, pair["masked_by"] - 1) for pair in stated} == (
        ours if case["hit_policy"] == "PRIORITY" else set()
    )
    if case["hit_policy"] == "PRIORITY":
        # A table that takes the first rule, in the order of priority, hides each of them.
        order = sorted(range(len(boxes)), key=lambda row: rank(case, row))
        hidden = {order[row.row] for row in find_hidden([boxes[row] for row in order])}
        assert {inner for inner, _ in ours} <= hidden


def compare_misleading(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Any) -> None:
    """A rule misleads if it says `-` where a rule of less priority that it meets has a condition."""
    ours = set()
    for pair in found.pairs if case["hit_policy"] == "PRIORITY" else ():
        for rule, other in (pair, pair[::-1]):
            cells = zip(peer.table.rules[rule].tests, peer.table.rules[other].tests, strict=True)
            if rank(case, rule) < rank(case, other) and any(one.any and not two.any for one, two in cells):
                ours.add((rule, other))
    assert {tuple(rows_in(pair)) for pair in items(expected)} == ours


def compare_subsumption(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Any) -> None:
    stated = {(pair["rule"] - 1, pair["includes"] - 1) for pair in items(expected)}
    alike = {pair for two in found.duplicates for pair in (two, two[::-1])}
    assert stated - alike == set(found.contained)


def compare_contraction(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Any) -> None:
    """Compare the groups of rules that could be one, and the cell where the stated one has bounds of this table."""
    contained = {frozenset(pair) for pair in (*found.contained, *found.duplicates)}
    ours: dict[str, list[set[int]]] = {}
    merged: dict[frozenset[int], Test] = {}
    for pair in found.mergeable:
        rows = set(pair.rows)
        if rows in contained:
            continue
        merged[frozenset(rows)] = pair.merged
        groups = ours.setdefault(pair.axis, [])
        joined = rows.union(*(group for group in groups if group & rows))
        ours[pair.axis] = [group for group in groups if not group & rows] + [joined]
    stated: dict[str, list[set[int]]] = {}
    for item in items(expected):
        axis = str(item["column"] - 1)
        rows = {item["rule"] - 1, *(rule - 1 for rule in item["with"])}
        stated.setdefault(axis, []).append(rows)
        index = found.grid.index(axis)
        bounds = set(found.grid.axes[index].cuts)
        tests = [peer.test(cell, found.grid.axes[index].kind) for cell in item["merged"]]
        if len(rows) == 2 and all(cut in bounds for test in tests for cut in cuts_in(test, found.grid.axes[index])):
            union = 0
            for test in tests:
                union |= found.grid.axes[index].mask(test)
            assert union == found.grid.axes[index].mask(merged[frozenset(rows)])
    assert {axis: sorted(map(sorted, groups)) for axis, groups in stated.items()} == {
        axis: sorted(map(sorted, groups)) for axis, groups in ours.items()
    }


def cuts_in(test: Test, axis: Axis) -> list[int]:
    """Give the bounds of a condition; one copied from another table has bounds that this table lacks."""
    found: list[int] = []
    for item in test.items:
        low, high = (None if bound is None else bound.value for bound in (item.low, item.high))  # type: ignore[union-attr]
        found.extend(cuts_of(axis.domain, low, item.low_closed, high, item.high_closed))
    return found


def compare_duplicates(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Any) -> None:
    """To a peer, rules with the same conditions are duplicates whatever they say."""
    groups: dict[Box, list[int]] = {}
    for row, box in enumerate(found.boxes):
        groups.setdefault(box, []).append(row)
    ours = sorted(rows for rows in groups.values() if len(rows) > 1)
    assert sorted(sorted(rows_in(item)) for item in items(expected)) == ours
    same = {pair for rows in ours for pair in itertools.combinations(rows, 2)}
    assert set(found.duplicates) <= same


def is_first_form_broken(case: Mapping[str, Any], found: Analysis) -> bool:
    return case["hit_policy"] in ("FIRST", "RULE ORDER") or len(set(found.boxes)) < len(found.boxes)


def compare_first_form(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: bool) -> None:
    assert is_first_form_broken(case, found) is expected


def compare_second_form(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: bool) -> None:
    assert (bool(found.idle or found.spelled_out) and not is_first_form_broken(case, found)) is expected


def compare_recommended(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: str | None) -> None:
    ours = "UNIQUE" if not found.overlaps else "PRIORITY" if found.needs_order else "ANY"
    silent = found.gaps or case["hit_policy"] not in ("UNIQUE", "ANY", "PRIORITY", "FIRST")
    assert expected == (None if silent else ours)


def compare_uncovered(case: Mapping[str, Any], peer: Peer, found: Analysis, expected: Sequence[Any]) -> None:
    """To a peer, the values of a column reach from the least to the greatest that its own cells name."""
    grid = found.grid
    unused = {item.axis: item.values for item in found.unused}
    ours = {}
    for axis in grid.axes:
        mask = axis.mask(unused[axis.name]) & axis.expected if axis.name in unused else 0
        if axis.is_ordered and len(axis.cuts) > 2:
            mask &= axis.between(axis.cuts[1], axis.cuts[-2])
        if mask:
            ours[axis.name] = mask
    stated: dict[str, int] = {}
    for item in expected:
        axis = grid.axes[item["column"] - 1]
        stated[axis.name] = stated.get(axis.name, 0) | axis.mask(peer.test(item["cells"], axis.kind))
    assert stated == ours


COMPARISONS: Mapping[str, Callable[[Mapping[str, Any], Peer, Analysis, Any], None]] = {
    "gaps": compare_gaps,
    "overlaps": compare_overlaps,
    "overlap_cliques": compare_cliques,
    "masked": compare_masked,
    "misleading": compare_misleading,
    "subsumption": compare_subsumption,
    "contraction": compare_contraction,
    "duplicates": compare_duplicates,
    "first_nf_violation": compare_first_form,
    "second_nf_violation": compare_second_form,
    "recommended_hit_policy": compare_recommended,
    "uncovered_column_intervals": compare_uncovered,
}
