"""Laws of cells and tables: printing, canonical forms, matching as membership, three values."""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy.errors import Problem
from svc_policy.tables import (
    DecisionTable,
    HitPolicy,
    Outcome,
    Test,
    canonical_test,
    csv_text,
    make_sheet,
    match,
    parse_test,
    print_test,
    read_csv,
)
from svc_policy.units import (
    Kind,
    Literal,
    add_months,
    date_of,
    day_of,
    floor_div,
    fold,
    format_literal,
    half_up_div,
    parse_literal,
)

UNITS: Mapping[Kind, tuple[str, ...]] = {
    "distance": (" km", " m", "公里", "米", "km"),
    "duration": (" h", " min", " s", "小时", "分钟", " d"),
    "count": ("",),
    "months": (" months", " years", "个月"),
    "share": (" %", "%"),
    "money": (" CNY", "元", "cny"),
}
FULL = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"})


def read(text: str, kind: Kind) -> Test | None:
    return parse_test(text, kind, currency="CNY", problems=[])


def widened(text: str, seed: int) -> str:
    """Put some characters of a text into their full-width form; quotes and what they hold stay."""
    chance = random.Random(seed)
    return "".join(char.translate(FULL) if chance.random() < 0.5 and char != '"' else char for char in text)


@st.composite
def cells(draw: st.DrawFn) -> tuple[str, Kind]:
    """Draw a cell and its kind; most can be read, some are empty intervals."""
    kind = draw(st.sampled_from(sorted(UNITS)))
    unit = draw(st.sampled_from(UNITS[kind]))
    numbers = st.integers(0, 60)

    def item() -> str:
        low, high = sorted((draw(numbers), draw(numbers)))
        return draw(
            st.sampled_from(
                (
                    f"{low}{unit}",
                    f"<= {low}{unit}",
                    f"＜{low}{unit}",
                    f"≥{low}{unit}",
                    f"> {low}{unit}",
                    f"[{low}..{high}]{unit}",
                    f"({low}..{high}]{unit}",
                    f"[{low}{unit}..{high}{unit})",
                    f"({low}..{{far}}){unit}",
                    "{near}",
                    "missing",
                    "缺",
                )
            )
        )

    text = draw(st.sampled_from((", ", "、", "，"))).join(item() for _ in range(draw(st.integers(1, 3))))
    return draw(st.sampled_from(("{}", "not({})", "非（{}）", " {} "))).format(text) if "{" not in text else text, kind


@given(cells())
def test_printing_gives_the_cell_back(cell: tuple[str, Kind]) -> None:
    test = read(*cell)
    if test is not None:
        assert print_test(test) == cell[0]
        assert read(print_test(test), cell[1]) == test


@given(cells())
def test_the_canonical_form_is_stable_and_means_the_same(cell: tuple[str, Kind]) -> None:
    test = read(*cell)
    if test is None:
        return
    canonical = canonical_test(test)
    again = read(canonical, cell[1])
    assert again is not None
    assert canonical_test(again) == canonical
    for value in range(0, 60_000, 500):
        for parameters in ({"near": 500, "far": 50_000}, {"near": None, "far": None}):
            assert match(again, value, parameters=parameters) == match(test, value, parameters=parameters)
    assert match(again, None) == match(test, None)
    assert match(again, None, "none") == match(test, None, "none")


@given(cells(), st.integers())
def test_variants_of_width_have_one_canonical_form(cell: tuple[str, Kind], seed: int) -> None:
    text, kind = cell
    test, wide = read(text, kind), read(widened(text, seed), kind)
    assert (test is None) == (wide is None)
    if test is not None and wide is not None:
        assert canonical_test(wide) == canonical_test(test)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(), st.sampled_from(sorted({*UNITS, "text", "bool", "date", "instant", "allowance"})))
def test_no_cell_is_a_traceback(text: str, kind: Kind) -> None:
    problems: list[Problem] = []
    test = parse_test(text, kind, currency="CNY", zone="Europe/Berlin", problems=problems)
    assert (test is None) == bool(problems)
    for problem in problems:
        assert "\n" not in problem.message.text()


@given(st.text(alphabet=string.printable + "，、“”＂－缺非（）０９.。{}", min_size=1).filter(lambda text: text.strip()))
def test_a_text_survives_its_canonical_form(text: str) -> None:
    quoted = canonical_test(
        Test(kind="text", items=read('"{}"'.format(text.replace('"', '""')), "text").items)  # type: ignore[union-attr]
    )
    test = read(quoted, "text")
    assert test is not None
    assert [item.low.value for item in test.items] == [text]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", sorted(UNITS))
@given(value=st.integers(0, 10**12))
def test_a_literal_survives_its_canonical_form(kind: Kind, value: int) -> None:
    literal = Literal(kind, value, "CNY" if kind == "money" else "")
    assert parse_literal(format_literal(literal), kind, currency="CNY") == literal


# Matching is membership: a second, independent reading of a cell over a small domain.


def members(text: str) -> set[int]:
    """List the numbers from 0 to 9 that a cell of counts holds of, by comparing strings of the grammar."""
    if text.startswith("not("):
        return set(range(10)) - members(text[4:-1])
    found: set[int] = set()
    for item in text.split(", "):
        if ".." in item:
            low, high = (int(bound.strip("[]()")) for bound in item.split(".."))
            inner = set(range(low, high + 1))
            found |= inner - ({low} if item[0] == "(" else set()) - ({high} if item[-1] == ")" else set())
        elif item[:2] in ("<=", ">="):
            bound = int(item[2:])
            found |= set(range(bound + 1)) if item[0] == "<" else set(range(bound, 10))
        elif item[0] in "<>":
            bound = int(item[1:])
            found |= set(range(bound)) if item[0] == "<" else set(range(bound + 1, 10))
        elif item != "missing":
            found.add(int(item))
    return found & set(range(10))


digits = st.integers(0, 9)
pairs = st.tuples(digits, digits).map(sorted).filter(lambda pair: pair[1] - pair[0] > 1)
items = st.one_of(
    digits.map(str),
    st.builds("{} {}".format, st.sampled_from(("<", "<=", ">", ">=")), digits),
    st.builds(lambda pair, a, b: f"{a}{pair[0]}..{pair[1]}{b}", pairs, st.sampled_from("(["), st.sampled_from(")]")),
)
conditions = st.builds(
    lambda parts, negated: f"not({', '.join(parts)})" if negated else ", ".join(parts),
    st.lists(items, min_size=1, max_size=3),
    st.booleans(),
)


@given(conditions)
def test_matching_is_membership(text: str) -> None:
    test = read(text, "count")
    assert test is not None
    assert {value for value in range(10) if match(test, value)} == members(text)
    assert match(test, None) is None
    assert match(test, None, "not yet") is text.startswith("not(")


# Three values: what is determined is so for every completion of what is unknown.

SPACE = {"a": (0, 1, 2), "b": (0, 1), "c": (0, 1)}
small = st.sampled_from(("-", "0", "1", "2", "not(0)", ">= 1", "< 2", "0, 2"))
rows = st.lists(st.tuples(small, small, small, st.sampled_from("xy"), st.sampled_from("pq-")).map(list), max_size=5)
knowledge = st.fixed_dictionaries({name: st.sampled_from((None, *values)) for name, values in SPACE.items()})


def table_of(cells: list[list[str]], hit_policy: HitPolicy) -> DecisionTable:
    return DecisionTable.from_rows(
        [(name, "count") for name in SPACE], [("one", "text"), ("two", "text")], cells, hit_policy=hit_policy
    )


def completions(inputs: Mapping[str, int | None]) -> Iterator[dict[str, int]]:
    choices = [SPACE[name] if inputs[name] is None else (inputs[name],) for name in SPACE]
    for values in itertools.product(*choices):
        yield dict(zip(SPACE, values, strict=True))  # type: ignore[arg-type]


def deciding(cells: list[list[str]], inputs: Mapping[str, int]) -> list[int]:
    """List the rows that hold, by the second reading of cells."""
    held = []
    for number, row in enumerate(cells, start=1):
        tests = zip(row[:3], inputs.values(), strict=True)
        if all(text == "-" or value in members(text) for text, value in tests):
            held.append(number)
    return held


def said(cells: list[list[str]], row: int, output: int) -> str | None:
    text = cells[row - 1][3 + output] if row else "-"
    return None if text == "-" else text


def check(
    cells: list[list[str]], outcome: Outcome, inputs: Mapping[str, int | None], decide: Mapping[int, int]
) -> None:
    """Hold an outcome against the rows that decide the completions of its inputs."""
    reachable = set(decide.values())
    for row in reachable:
        assert outcome.possible >> row & 1
        assert outcome.row in (None, row)
    for index, name in enumerate(("one", "two")):
        answer = outcome.outputs[name]
        if answer.is_determined:
            assert {said(cells, row, index) for row in reachable} == {answer.value}
    assert bool(outcome.needs) is not outcome.is_determined
    assert all(inputs[name] is None for name in outcome.needs)
    if None not in inputs.values():
        assert outcome.is_determined
        assert outcome.row in reachable


@settings(max_examples=300)
@given(rows, knowledge)
def test_first_is_never_wrong_about_what_it_determines(cells: list[list[str]], inputs: dict[str, int | None]) -> None:
    outcome = table_of(cells, "first").evaluate(inputs)
    decide = {number: (deciding(cells, full) or [0])[0] for number, full in enumerate(completions(inputs))}
    check(cells, outcome, inputs, decide)


@settings(max_examples=300)
@given(rows, knowledge)
def test_unique_is_never_wrong_about_what_it_determines(cells: list[list[str]], inputs: dict[str, int | None]) -> None:
    everything = completions(dict.fromkeys(SPACE))
    overlapping: set[int] = set()
    for full in everything:  # leave the rows that never hold together with an earlier one
        overlapping |= set([row for row in deciding(cells, full) if row not in overlapping][1:])
    cells = [row for number, row in enumerate(cells, start=1) if number not in overlapping]
    outcome = table_of(cells, "unique").evaluate(inputs)
    decide = {number: (deciding(cells, full) or [0])[0] for number, full in enumerate(completions(inputs))}
    check(cells, outcome, inputs, decide)


@settings(max_examples=300)
@given(rows, knowledge)
def test_collect_bounds_what_fires_from_both_sides(cells: list[list[str]], inputs: dict[str, int | None]) -> None:
    outcome = table_of(cells, "collect").evaluate(inputs)
    assert outcome.fired & outcome.unknown == 0
    for full in completions(inputs):
        fired = sum(1 << row for row in deciding(cells, full))
        assert fired & outcome.fired == outcome.fired
        assert fired | outcome.possible == outcome.possible
        if outcome.is_determined:
            assert outcome.outputs["one"].value == tuple(said(cells, row, 0) for row in deciding(cells, full))


def test_an_unknown_input_is_not_always_undetermined() -> None:
    outcome = table_of([["0", "-", "-", "x", "p"], ["-", "-", "-", "x", "q"]], "first").evaluate({})
    assert (outcome.outputs["one"], outcome.outputs["two"]) == (("x", True), (None, False))


plain = st.text(st.characters(blacklist_characters="\r\0", blacklist_categories=("Cs",)), max_size=8)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(plain, min_size=width, max_size=width), max_size=5)))
def test_a_written_sheet_is_read_back(texts: list[list[str]]) -> None:
    width = len(texts[0]) if texts else 1
    header = [f"column{number}" for number in range(width)]
    kept = [row for row in texts if any(text for text in row)]
    problems: list[Problem] = []
    sheet = read_csv(csv_text(make_sheet("t", header, texts)).encode(), problems=problems)
    assert (sheet.texts(), problems) == ([header, *kept], [])


@given(st.integers(-(10**6), 10**6), st.integers(1, 500))
def test_divisions_by_their_definitions(dividend: int, divisor: int) -> None:
    down, nearest = floor_div(dividend, divisor), half_up_div(dividend, divisor)
    assert down * divisor <= dividend < (down + 1) * divisor
    assert (2 * nearest - 1) * divisor <= 2 * dividend < (2 * nearest + 1) * divisor


@given(st.integers(-200_000, 2_000_000), st.integers(-600, 600))
def test_months_land_in_their_month(day: int, months: int) -> None:
    year, month, date = date_of(day)
    assert day_of(year, month, date) == day
    later = date_of(add_months(day, months))
    assert 12 * later[0] + later[1] == 12 * year + month + months
    assert later[2] <= date
