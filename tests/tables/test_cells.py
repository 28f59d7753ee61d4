import pytest

from svc_policy.errors import Place, Problem
from svc_policy.tables import (
    Domain,
    Interval,
    Reference,
    Test,
    canonical_result,
    canonical_test,
    default_domain,
    parse_results,
    parse_test,
    print_test,
)
from svc_policy.units import Allowance, Kind, Literal, Value

CAUSES = {"misuse": "misuse", "误用": "misuse", "wear": "wear", "磨损": "wear", "none": "none"}


def read(text: str, kind: Kind, **options: object) -> Test:
    problems: list[Problem] = []
    test = parse_test(text, kind, problems=problems, currency="CNY", **options)  # type: ignore[arg-type]
    assert problems == []
    assert test is not None
    return test


def refuse(text: str, kind: Kind, **options: object) -> list[tuple[str, str]]:
    problems: list[Problem] = []
    assert parse_test(text, kind, problems=problems, currency="CNY", **options) is None  # type: ignore[arg-type]
    return [(found.code, str(found.help)) for found in problems]


def km(metres: int) -> Literal:
    return Literal("distance", metres)


def one(kind: Kind, value: Value, unit: str = "") -> Interval:
    return Interval(Literal(kind, value, unit), True, Literal(kind, value, unit), True)


@pytest.mark.parametrize(
    "text, kind, wanted",
    [
        ("-", "distance", Test(kind="distance", any=True)),
        ("－", "text", Test(kind="text", any=True)),
        ("—", "bool", Test(kind="bool", any=True)),
        ("<= 5 km", "distance", Test(kind="distance", items=(Interval(None, False, km(5000), True),))),
        ("≤5公里", "distance", Test(kind="distance", items=(Interval(None, False, km(5000), True),))),
        ("≦ 5 km", "distance", Test(kind="distance", items=(Interval(None, False, km(5000), True),))),
        ("＜５ｋｍ", "distance", Test(kind="distance", items=(Interval(None, False, km(5000), False),))),
        (">= 5 km", "distance", Test(kind="distance", items=(Interval(km(5000), True, None, False),))),
        ("> 5 km", "distance", Test(kind="distance", items=(Interval(km(5000), False, None, False),))),
        ("5 km", "distance", Test(kind="distance", items=(one("distance", 5000),))),
        ("(5..50] km", "distance", Test(kind="distance", items=(Interval(km(5000), False, km(50000), True),))),
        ("（５．．５０］公里", "distance", Test(kind="distance", items=(Interval(km(5000), False, km(50000), True),))),
        ("(500 m..5 km]", "distance", Test(kind="distance", items=(Interval(km(500), False, km(5000), True),))),
        ("[5..5] km", "distance", Test(kind="distance", items=(one("distance", 5000),))),
        (
            "< 5 km, [10..20) km",
            "distance",
            Test(
                kind="distance",
                items=(Interval(None, False, km(5000), False), Interval(km(10000), True, km(20000), False)),
            ),
        ),
        ("[¥5..¥10]", "money", Test(kind="money", items=(
            Interval(Literal("money", 500, "CNY"), True, Literal("money", 1000, "CNY"), True),
        ))),
        ("missing", "distance", Test(kind="distance", missing=True)),
        ("缺", "bool", Test(kind="bool", missing=True)),
        ("not(missing)", "date", Test(kind="date", negated=True, missing=True)),
        (
            "missing, > 3",
            "count",
            Test(kind="count", missing=True, items=(Interval(Literal("count", 3), False, None, False),)),
        ),
        ("yes", "bool", Test(kind="bool", items=(one("bool", True),))),
        ("否", "bool", Test(kind="bool", items=(one("bool", False),))),
        ("1, 2", "count", Test(kind="count", items=(one("count", 1), one("count", 2)))),
        ("8 working h", "allowance", Test(kind="allowance", items=(one("allowance", Allowance(28800, "working_s")),))),
        (
            "[2026-01-01..2026年12月31日]",
            "date",
            Test(kind="date", items=(Interval(Literal("date", 20454), True, Literal("date", 20818), True),)),
        ),
        ("> {far_gap}", "distance", Test(kind="distance", items=(Interval(Reference("far_gap"), False, None, False),))),
        (
            "(5..{ far }] km",
            "distance",
            Test(kind="distance", items=(Interval(km(5000), False, Reference("far"), True),)),
        ),
        ('"a, b", c', "text", Test(kind="text", items=(one("text", "a, b"), one("text", "c")))),
        ('"a ""b"", c"', "text", Test(kind="text", items=(one("text", 'a "b", c'),))),
        ("“甲，乙”、丙", "text", Test(kind="text", items=(one("text", "甲，乙"), one("text", "丙")))),
        ('"missing", "-"', "text", Test(kind="text", items=(one("text", "missing"), one("text", "-")))),
        ("not a thing", "text", Test(kind="text", items=(one("text", "not a thing"),))),
    ],
)  # fmt: skip
def test_a_condition_is_read_into_its_normal_form(text: str, kind: Kind, wanted: Test) -> None:
    test = read(text, kind)
    assert test == wanted
    assert print_test(test) == text


@pytest.mark.parametrize("text", ["misuse, wear", "误用、磨损", "误用，WEAR", "误用 ，磨损", '"misuse", 磨损'])
def test_values_of_an_enumeration_have_names_in_both_languages(text: str) -> None:
    assert read(text, "text", names=CAUSES).items == (one("text", "misuse"), one("text", "wear"))


@pytest.mark.parametrize("text", ["not(misuse)", "not( 误用 )", "非（误用）", "NOT（misuse）", "ｎｏｔ(误用)"])
def test_not_turns_a_condition_round(text: str) -> None:
    assert read(text, "text", names=CAUSES) == Test(kind="text", negated=True, items=(one("text", "misuse"),))


@pytest.mark.parametrize(
    "text, kind, code, help_line",
    [
        ("", "distance", "cell-empty", "write `-` for anything"),
        ("　", "text", "cell-empty", "write `-` for anything"),
        ("=5 km", "distance", "cell-formula", "no cell begins with `=` or `+`: a spreadsheet would compute it"),
        ("＋5 km", "distance", "cell-formula", "no cell begins with `=` or `+`: a spreadsheet would compute it"),
        ("(5)", "count", "cell-parentheses", "a spreadsheet would turn a number in parentheses into a negative one"),
        ("(5.0)", "text", "cell-parentheses", "a spreadsheet would turn a number in parentheses into a negative one"),
        ("5..50] km", "distance", "interval-unreadable", "an interval opens with `(` or `[`, as in `(5..50] km`"),
        ("3..9] km", "distance", "interval-unreadable", "an interval opens with `(` or `[`, as in `(3..9] km`"),
        ("]5..50[ km", "distance", "interval-unreadable", "an interval opens with `(` or `[`, as in `(5..50] km`"),
        ("(5..50 km", "distance", "interval-unreadable", "an interval closes with `)` or `]`, as in `(5..50] km`"),
        (
            "[5-50] km",
            "distance",
            "interval-unreadable",
            "two dots stand between the bounds of an interval, as in `(5..50] km`",
        ),
        ("[..5] km", "distance", "interval-half", "an interval has two bounds; write `<=` or `>=` for one"),
        ("[5 km..50] km", "distance", "interval-units", "write the unit once after the interval, or at each bound"),
        ("[5..50]", "distance", "unit-missing", "a distance carries its unit, as in `5 km`"),
        ("[9..5] km", "distance", "interval-empty", "the lower bound of an interval comes first"),
        ("(5..5] km", "distance", "interval-empty", "nothing lies in this interval; one value is written as in `5 km`"),
        ("(1..2)", "count", "interval-empty", "no value lies between these bounds"),
        ("[-5..5] km", "distance", "number-negative", "a distance is never negative"),
        ("5", "distance", "unit-missing", "a distance carries its unit, as in `5 km`"),
        ("1,200", "count", "number-grouped", "write the digits of a number without separators"),
        ("1，200 CNY", "money", "number-grouped", "write the digits of a number without separators"),
        ("misuse,, wear", "text", "item-empty", "a value stands before and after each separator of a list"),
        ("misuse, -", "text", "item-empty", "a value stands before and after each separator of a list"),
        ("not()", "text", "item-empty", "a value stands before and after each separator of a list"),
        ("not(misuse), wear", "text", "negation-partial", "`not` covers the whole cell, as in `not(misuse, wear)`"),
        ("misuse, not(wear)", "text", "negation-partial", "`not` covers the whole cell, as in `not(misuse, wear)`"),
        ("!= 5 km", "distance", "comparison-unknown", "write `not(...)` for all other values"),
        ("< misuse", "text", "kind-unordered", "texts are not compared; put one that begins so in quotes"),
        ("> no", "bool", "kind-unordered", "write `yes` or `no`"),
        ("<= 8 h", "allowance", "kind-unordered", "allowances are of different clocks and are not compared"),
        ("{}", "distance", "reference-unreadable", "a parameter is written as in `{far_gap}`"),
        ("{1x}", "distance", "reference-unreadable", "a parameter is written as in `{far_gap}`"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_says_what_would_be_right(text: str, kind: Kind, code: str, help_line: str) -> None:
    assert refuse(text, kind) == [(code, help_line)]


def test_every_item_of_a_list_is_a_problem_of_its_own() -> None:
    problems: list[Problem] = []
    parse_test("misues, wear, waer", "text", names=CAUSES, column="cause", rule="r", problems=problems)
    assert [(str(found.message), str(found.help)) for found in problems] == [
        ("cannot read `misues` in column `cause` of rule `r`", "did you mean `misuse`?"),
        ("cannot read `waer` in column `cause` of rule `r`", "did you mean `wear`?"),
    ]


def test_a_value_far_from_all_others_is_told_the_values() -> None:
    assert refuse("xyzzy", "text", names=CAUSES) == [("value-unknown", "the values are `misuse`, `wear`, `none`")]


def test_a_value_outside_the_domain_is_a_problem() -> None:
    domain = Domain(kind="count", low=1, high=4, step=1)
    assert refuse("5", "count", domain=domain) == [("value-outside", "the column never has this value")]
    assert read("4, > 9", "count", domain=domain).items[0] == one("count", 4)
    assert refuse("blue", "text", domain=default_domain("text", ["red", "green"])) == [
        ("value-unknown", "the values are `red`, `green`")
    ]


def test_an_open_interval_between_dense_values_is_not_empty() -> None:
    dense = Domain(kind="count", low=0)
    assert read("(1..2)", "count", domain=dense).items[0].low == Literal("count", 1)
    stepped = Domain(kind="count", low=0, step=10)
    assert refuse("(10..20)", "count", domain=stepped)[0][0] == "interval-empty"
    assert read("(5..15)", "count", domain=stepped).items != ()


def test_the_problem_shows_the_line_and_a_caret() -> None:
    line = "middle,5..50] km,yes,received,arrived,48 h,calendar,mall-2.1.3"
    place = Place(file="packs/mall/deadlines.csv", line=4, column=8, text=line, length=9)
    problems: list[Problem] = []
    parse_test("5..50] km", "distance", column="distance_km", rule="middle", place=place, problems=problems)
    assert problems[0].render() == (
        "packs/mall/deadlines.csv:4:8: cannot read `5..50] km` in column `distance_km` of rule `middle`\n"
        "  middle,5..50] km,yes,received,arrived,48 h,calendar,mall-2.1.3\n"
        "         ^^^^^^^^^\n"
        "help: an interval opens with `(` or `[`, as in `(5..50] km`"
    )


def test_an_empty_cell_is_named_by_its_column() -> None:
    problems: list[Problem] = []
    parse_test("", "text", column="cause", rule="r", problems=problems)
    parse_test("", "text", column="cause", problems=problems)
    parse_test("", "text", problems=problems)
    assert [str(found.message) for found in problems] == [
        "column `cause` of rule `r` is empty",
        "column `cause` is empty",
        "a cell is empty",
    ]


@pytest.mark.parametrize(
    "text, kind, canonical",
    [
        ("≤5公里", "distance", "<= 5 km"),
        ("(5..50] km", "distance", "(5 km..50 km]"),
        ("wear、misuse，wear", "text", "misuse, wear"),
        ("> 9, missing", "count", "missing, > 9"),
        ('not("a, b", "-", “say ""x""”)', "text", 'not("-", "a, b", "say """"x""""")'),
        ("{b}, {a}", "count", "{a}, {b}"),
        ("[5..5] km", "distance", "5 km"),
        ("是", "bool", "yes"),
        ("—", "bool", "-"),
    ],
)
def test_the_canonical_form_is_that_of_all_ways_of_writing(text: str, kind: Kind, canonical: str) -> None:
    assert canonical_test(read(text, kind)) == canonical


def test_a_test_that_was_never_written_prints_in_canonical_form() -> None:
    assert print_test(Test(kind="count", items=(one("count", 3),))) == "3"


@pytest.mark.parametrize(
    "text, kind, many, value, canonical",
    [
        ("", "money", False, None, "-"),
        ("-", "money", True, None, "-"),
        ("50元", "money", False, Literal("money", 5000, "CNY"), "50 CNY"),
        ("{fee}", "money", False, Reference("fee"), "{fee}"),
        ("wear, misuse", "text", True, (Literal("text", "wear"), Literal("text", "misuse")), "wear, misuse"),
        ("wear", "text", True, (Literal("text", "wear"),), "wear"),
        ("call, then wait", "text", False, Literal("text", "call, then wait"), '"call, then wait"'),
        ("8个工作小时", "allowance", False, Literal("allowance", Allowance(28800, "working_s")), "8 working h"),
    ],
)
def test_a_result_is_read(text: str, kind: Kind, many: bool, value: object, canonical: str) -> None:
    problems: list[Problem] = []
    result = parse_results(text, kind, many=many, currency="CNY", problems=problems)
    assert (result, problems) == (value, [])
    assert canonical_result(result) == canonical


def test_the_words_of_a_text_result_stay_as_written() -> None:
    result = parse_results("先电话，后上门", "text", problems=[])
    assert isinstance(result, Literal)
    assert (result.value, result.text) == ("先电话,后上门", "先电话，后上门")


@pytest.mark.parametrize(
    "text, kind, many, codes",
    [
        ("+5 km", "distance", False, ["cell-formula"]),
        ("(5)", "text", False, ["cell-parentheses"]),
        ("5", "distance", False, ["unit-missing"]),
        ("misues, waer", "text", True, ["value-unknown", "value-unknown"]),
        ("misuse, wear", "text", False, ["value-unknown"]),
    ],
)
def test_a_result_that_cannot_be_read_is_a_problem(text: str, kind: Kind, many: bool, codes: list[str]) -> None:
    problems: list[Problem] = []
    names = CAUSES if kind == "text" and text[0] != "(" else None
    assert parse_results(text, kind, many=many, names=names, problems=problems) is None
    assert [found.code for found in problems] == codes
