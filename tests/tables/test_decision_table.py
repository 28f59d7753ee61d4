from collections.abc import Mapping

import attrs
import pytest

from svc_policy.errors import TableError, UsageError
from svc_policy.tables import Absence, ColumnSpec, DecisionTable, HitPolicy, Rule
from svc_policy.units import Allowance, Kind, Value, day_of

COLUMNS: list[tuple[str, Kind]] = [("distance", "distance"), ("on_site", "bool")]
DAY = Allowance(86400, "s")


def table(rows: list[list[str]], hit_policy: HitPolicy = "first") -> DecisionTable:
    outputs: list[tuple[str, Kind]] = [("within", "allowance"), ("fee", "money")]
    return DecisionTable.from_rows(COLUMNS, outputs, rows, hit_policy=hit_policy, currency="CNY")


FIRST = table(
    [
        ["<= 5 km", "yes", "24 h", "5 CNY"],
        ["(5..50] km", "yes", "48 h", "5 CNY"],
        ["-", "no", "24 h", "-"],
    ]
)


def test_first_takes_the_first_row_that_holds() -> None:
    outcome = FIRST.evaluate({"distance": 5000, "on_site": True})
    assert (outcome.row, outcome.possible, outcome.needs) == (1, 0b10, ())
    assert outcome.outputs == {"within": (DAY, True), "fee": (500, True)}
    assert outcome.is_determined


def test_no_row_says_nothing() -> None:
    outcome = FIRST.evaluate({"distance": 50_001, "on_site": True})
    assert (outcome.row, outcome.possible) == (0, 0b1)
    assert outcome.outputs == {"within": (None, True), "fee": (None, True)}


def test_an_unknown_row_before_the_first_true_one_leaves_it_open() -> None:
    outcome = FIRST.evaluate({"distance": 3000})
    assert (outcome.row, outcome.possible, outcome.fired, outcome.unknown) == (None, 0b1011, 0, 0b1010)
    # Rows 1 and 3 say 24 h, but "no row" is possible too as far as cells can tell.
    assert outcome.outputs == {"within": (None, False), "fee": (None, False)}
    assert outcome.needs == ("on_site",)


def test_an_output_on_which_all_possible_rows_agree_is_determined() -> None:
    rows = [["<= 5 km", "yes", "24 h", "5 CNY"], ["-", "-", "24 h", "6 CNY"]]
    outcome = table(rows).evaluate({"distance": 3000})
    assert (outcome.row, outcome.possible) == (None, 0b110)
    assert outcome.outputs == {"within": (DAY, True), "fee": (None, False)}
    assert outcome.needs == ("on_site",)
    assert not outcome.is_determined


def test_nothing_is_needed_when_all_possible_rows_agree() -> None:
    rows = [["<= 5 km", "yes", "24 h", "5 CNY"], ["-", "-", "24 h", "5元"]]
    outcome = table(rows).evaluate({})
    assert (outcome.row, outcome.is_determined, outcome.needs) == (None, True, ())


def test_no_row_agrees_with_an_empty_result() -> None:
    outcome = table([["<= 5 km", "-", "-", ""]]).evaluate({})
    assert outcome.outputs == {"within": (None, True), "fee": (None, True)}


def test_needs_names_the_unknown_cells_of_the_first_open_row() -> None:
    assert FIRST.evaluate({}).needs == ("distance", "on_site")
    assert FIRST.evaluate({"distance": 6000}).needs == ("on_site",)
    assert FIRST.evaluate({"on_site": True}).needs == ("distance",)


def test_an_unknown_row_behind_the_first_true_one_does_not_matter() -> None:
    outcome = table([["-", "yes", "24 h", "-"], ["> 5 km", "-", "48 h", "-"]]).evaluate({"on_site": True})
    assert (outcome.row, outcome.possible, outcome.unknown) == (1, 0b10, 0b100)


@pytest.mark.parametrize(
    "inputs, row, possible, unknown",
    [
        ({"distance": 3000}, 1, 0b10, 0b100),
        ({"distance": 6000, "on_site": False}, 0, 0b1, 0),
        ({"on_site": True}, 2, 0b100, 0b10),
        ({}, None, 0b111, 0b110),
        ({"distance": 6000}, None, 0b101, 0b100),
    ],
)
def test_unique_takes_the_row_that_holds_wherever_it_stands(
    inputs: Mapping[str, Value], row: int | None, possible: int, unknown: int
) -> None:
    unique = table([["<= 5 km", "-", "24 h", "-"], ["-", "yes", "48 h", "-"]], "unique")
    outcome = unique.evaluate(inputs)
    assert (outcome.row, outcome.possible, outcome.unknown) == (row, possible, unknown)


def test_unique_is_not_blocked_by_an_unknown_row_before() -> None:
    unique = table([["<= 5 km", "yes", "24 h", "-"], ["-", "no", "48 h", "-"]], "unique")
    assert unique.evaluate({"on_site": False}).row == 2


def test_collect_gives_two_masks() -> None:
    collect = table(
        [["<= 5 km", "-", "24 h", "-"], ["-", "yes", "48 h", "5 CNY"], ["> 5 km", "-", "1 h", "-"]], "collect"
    )
    outcome = collect.evaluate({"distance": 3000})
    assert (outcome.row, outcome.fired, outcome.unknown, outcome.possible) == (None, 0b10, 0b100, 0b110)
    assert outcome.outputs["within"] == ((DAY,), False)
    assert outcome.needs == ("on_site",)
    outcome = collect.evaluate({"distance": 3000, "on_site": True})
    assert outcome.outputs == {"within": ((DAY, Allowance(172800, "s")), True), "fee": ((None, 500), True)}
    assert outcome.needs == ()


def test_a_known_absence_is_not_unknown() -> None:
    absences: dict[str, Absence] = {"on_site": "none"}
    rows = [["-", "yes", "24 h", "-"], ["-", "missing", "48 h", "-"]]
    assert table(rows).evaluate({}, absences).row == 2
    assert table(rows).evaluate({}).possible == 0b110


def test_parameters_decide_in_cells_and_results() -> None:
    rows = [["<= {near}", "-", "{quick}", "-"], ["-", "-", "24 h", "-"]]
    with_both = table(rows).evaluate({"distance": 3000}, parameters={"near": 3000, "quick": DAY})
    assert (with_both.row, with_both.outputs["within"]) == (1, (DAY, True))
    agreed = table(rows).evaluate({}, parameters={"near": 3000, "quick": DAY})
    assert agreed.outputs["within"] == (DAY, True)
    unknown = table(rows).evaluate({"distance": 3000}, parameters={"near": 3000, "quick": None})
    assert (unknown.row, unknown.outputs["within"], unknown.needs) == (1, (None, False), ())


def test_dated_rules_hold_from_their_first_day_until_the_day_before_their_last() -> None:
    undated = FIRST.rules[0]
    old = attrs.evolve(undated, until_day=day_of(2026, 1, 1))
    new = attrs.evolve(undated, from_day=day_of(2026, 1, 1), results=FIRST.rules[1].results)
    dated = attrs.evolve(FIRST, rules=(old, new), governing_date="received_on")
    inputs: dict[str, Value | None] = {"distance": 1, "on_site": True}
    assert dated.evaluate(inputs, on=day_of(2025, 12, 31)).row == 1
    assert dated.evaluate(inputs, on=day_of(2026, 1, 1)).row == 2
    unknown = dated.evaluate(inputs)
    assert (unknown.possible, unknown.needs) == (0b111, ("received_on",))
    assert unknown.outputs["fee"] == (None, False)
    assert dated.evaluate({"distance": 99_000}, on=None).row == 0


def test_inputs_of_the_wrong_kind_are_all_named() -> None:
    with pytest.raises(UsageError) as caught:
        FIRST.evaluate({"distance": "5 km", "on_site": 1}, {"on_site": "perhaps"})  # type: ignore[dict-item]
    assert [found.code for found in caught.value.problems] == ["input-kind", "input-kind", "absence-unknown"]
    assert "column `distance` takes a distance, not `5 km`" in str(caught.value)


def test_all_problems_of_a_table_are_raised_together() -> None:
    with pytest.raises(TableError) as caught:
        table([["5", "yes", "24 h", "-"], ["-", "perhaps", "soon", "-"], ["-", "-"]])
    assert [str(found.message) for found in caught.value.problems] == [
        "cannot read `5` in column `distance` of rule `row1`",
        "cannot read `perhaps` in column `on_site` of rule `row2`",
        "cannot read `soon` in column `within` of rule `row2`",
        "rule `row3` has 2 cells, not 4",
    ]


def test_a_table_has_one_currency() -> None:
    with pytest.raises(TableError, match="several currencies: CNY, USD"):
        DecisionTable.from_rows([("price", "money")], [("fee", "money")], [["< 5 USD", "1 CNY"]])


def test_a_hit_policy_is_one_of_three() -> None:
    with pytest.raises(UsageError, match="`any` is no hit policy"):
        table([], "any")  # type: ignore[arg-type]


def test_columns_may_be_enumerations() -> None:
    cause = ColumnSpec(name="cause", kind="text", values={"misuse": ("误用",), "wear": ()})
    small = DecisionTable.from_rows([cause], [("fee", "count")], [["误用", "1"], ["-", "2"]])
    assert small.evaluate({"cause": "misuse"}).row == 1
    assert small.rules[0] == Rule(id="row1", tests=small.rules[0].tests, results=small.rules[0].results)
