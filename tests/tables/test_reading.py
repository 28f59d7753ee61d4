from pathlib import Path

import pytest

from svc_policy.errors import Problem
from svc_policy.tables import (
    ColumnSpec,
    DecisionTable,
    canonical_rows,
    read_csv,
    read_table,
    read_workbook,
    write_workbook,
)
from svc_policy.units import Allowance, Literal, day_of

CONDITIONS = [
    ColumnSpec(name="distance_km", kind="distance", headings=("距离",)),
    ColumnSpec(name="on_site", kind="bool", headings=("上门",)),
    ColumnSpec(name="cause", kind="text", headings=("原因",), values={"misuse": ("误用",), "wear": ("磨损",)}),
]
RESULTS = [
    ColumnSpec(name="within", kind="allowance", headings=("时限",), required=True),
    ColumnSpec(name="fee", kind="money", headings=("费用",)),
    ColumnSpec(name="steps", kind="text", headings=("步骤",), many=True),
]

EN = """rule,from,until,distance_km,on_site,cause,then: within,then: fee,cite,note
near,,,<= 5 km,yes,"misuse, wear",24 h,50 CNY,mall-2.1.3 mall-2.1.4,close by
far,-,2026-07-01,> 5 km,yes,-,48 h,-,mall-2.1.3,
far,2026-07-01,,> 5 km,yes,-,{far_gap},-,mall-2.1.3,
"""
ZH = """规则；生效日；失效日；距离；上门；原因；则：时限；那么：费用；依据；备注
near；；；≤5公里；是；磨损、误用；24小时；50元；mall-2.1.3 mall-2.1.4；就近
far；－；2026年7月1日；＞5000米；是；-；48小时；-；mall-2.1.3；
far；2026/7/1；；＞ 5 km；是；－；｛far_gap｝；-；mall-2.1.3；
""".replace("；", ";")


def read(text: str) -> tuple[DecisionTable, list[Problem]]:
    problems: list[Problem] = []
    sheet = read_csv(text.encode(), name="deadlines", file="deadlines.csv", problems=problems)
    table = read_table(sheet, conditions=CONDITIONS, results=RESULTS, currency="CNY", problems=problems)
    return table, problems


def test_a_table_is_read() -> None:
    table, problems = read(EN)
    assert problems == []
    assert [column.name for column in table.columns] == ["distance_km", "on_site", "cause"]
    near, far, later = table.rules
    assert (near.id, near.from_day, near.until_day) == ("near", None, None)
    assert near.results == (Literal("allowance", Allowance(86400, "s")), Literal("money", 5000, "CNY"), None)
    assert (near.cites, near.note) == (("mall-2.1.3", "mall-2.1.4"), "close by")
    assert str(near.place) == "deadlines.csv:2:1"
    assert (far.until_day, later.from_day) == (day_of(2026, 7, 1), day_of(2026, 7, 1))
    assert table.evaluate({"distance_km": 4000, "on_site": True, "cause": "wear"}, on=0).row == 1
    assert table.evaluate({"distance_km": 6000, "on_site": True}, on=day_of(2026, 6, 30)).row == 2
    later_row = table.evaluate(
        {"distance_km": 6000, "on_site": True}, on=day_of(2026, 7, 1), parameters={"far_gap": None}
    )
    assert later_row.row == 3


def test_what_is_typed_in_chinese_is_the_same_table() -> None:
    english, _ = read(EN)
    chinese, problems = read(ZH)
    assert problems == []
    assert canonical_rows(chinese) == canonical_rows(english)
    assert canonical_rows(english) == [
        ["rule", "from", "until", "cause", "distance_km", "on_site", "then: fee", "then: within"],
        ["near", "-", "-", "misuse, wear", "<= 5 km", "yes", "50 CNY", "24 h"],
        ["far", "-", "2026-07-01", "-", "> 5 km", "yes", "-", "48 h"],
        ["far", "2026-07-01", "-", "-", "> 5 km", "yes", "-", "{far_gap}"],
    ]


def test_a_workbook_holds_the_same_table(tmp_path: Path) -> None:
    problems: list[Problem] = []
    sheet = read_csv(ZH.encode("gb18030"), name="deadlines", problems=problems)
    write_workbook(tmp_path / "pack.xlsx", [sheet])
    (back,) = read_workbook(tmp_path / "pack.xlsx", problems=problems)
    table = read_table(back, conditions=CONDITIONS, results=RESULTS, currency="CNY", problems=problems)
    assert [found.severity for found in problems] == ["note"]
    assert canonical_rows(table) == canonical_rows(read(EN)[0])


def test_all_problems_of_a_table_are_found_each_in_its_place() -> None:
    _, problems = read(
        "rule,distnace_km,distance_km,on_site,then: withn,then: fee,cite\n"
        "12,x,5..50] km,perhaps,y,5,a\n"
        'near,x,<= 5 km,yes,y,+5 CNY,"a, b"\n'
    )
    assert [found.render() for found in problems[:3]] == [
        "deadlines.csv:1:6: there is no column `distnace_km`\n"
        "  rule,distnace_km,distance_km,on_site,then: withn,then: fee,cite\n"
        "       ^^^^^^^^^^^\n"
        "help: did you mean `distance_km`?",
        "deadlines.csv:1:38: there is no column `then: withn`\n"
        "  rule,distnace_km,distance_km,on_site,then: withn,then: fee,cite\n"
        "                                       ^^^^^^^^^^^\n"
        "help: did you mean `then: within`?",
        "deadlines.csv:1:1: the column `within` is missing\n"
        "  rule,distnace_km,distance_km,on_site,then: withn,then: fee,cite\n"
        "  ^^^^",
    ]
    assert [(found.code, str(found.place)) for found in problems[3:]] == [
        ("interval-unreadable", "deadlines.csv:2:6"),
        ("bool-unreadable", "deadlines.csv:2:16"),
        ("unit-missing", "deadlines.csv:2:26"),
        ("rule-id", "deadlines.csv:2:1"),
        ("cell-formula", "deadlines.csv:3:22"),
        ("cite-separator", "deadlines.csv:3:30"),
    ]


@pytest.mark.parametrize(
    "rows, codes",
    [
        (["a,,", "a,,"], ["rule-twice"]),
        (["a,,2026-01-01", "a,2026-01-01,"], []),
        (["a,,2026-01-02", "a,2026-01-01,"], ["rule-twice"]),
        (["a,2025-01-01,2026-01-01", "b,2025-06-01,"], []),
        (["a,2025-01-01,", "a,,"], ["rule-twice"]),
        (["a,2026-01-01,2026-01-01"], ["dates-empty"]),
        (["a,2026-13-01,"], ["date-missing"]),
    ],
)
def test_a_rule_is_in_force_once_on_a_day(rows: list[str], codes: list[str]) -> None:
    lines = ["rule,from,until,on_site,then: within", *(f"{row},-,24 h" for row in rows)]
    assert [found.code for found in read("\n".join(lines))[1]] == codes


def test_a_repeated_rule_is_told_when_the_other_one_is_in_force() -> None:
    _, problems = read("rule,from,until,then: within\na,2026-01-01,2026-03-01,1 h\na,2026-02-01,,1 h\n")
    assert str(problems[0].message) == "rule `a` is there twice on the same days"
    assert str(problems[0].help) == "the other one is in force from 2026-01-01 until 2026-03-01"
    assert str(problems[0].place) == "deadlines.csv:3:1"


@pytest.mark.parametrize(
    "rule", ["12", "1.5", "1e5", "2026-01-01", "1/2", "10:00", "", "two words", "TRUE", "SEPT2", "mar-1", "-x"]
)
def test_a_rule_has_an_id_that_a_spreadsheet_leaves_alone(rule: str) -> None:
    assert len(read(f"rule,on_site,then: within\n{rule},-,24 h\n")[1]) == 1


@pytest.mark.parametrize("rule", ["near", "近", "r1", "far.away-2_b", "march", "maximum5"])
def test_other_ids_are_fine(rule: str) -> None:
    table, problems = read(f"rule,on_site,then: within\n{rule},-,24 h\n")
    assert ([found.id for found in table.rules], problems) == ([rule], [])


@pytest.mark.parametrize(
    "heading, codes",
    [
        ("on_site,rule,then: within", ["rule-first"]),
        ("rule,on_site,上门,then: within", ["heading-twice"]),
        ("rule,then: within,则：时限", ["heading-twice"]),
        ("rule,within", ["heading-unknown", "column-missing"]),
        ("rule,then: on_site,then: within", ["heading-unknown"]),
        ("RULE,On_Site,THEN:within", []),
    ],
)
def test_headings_are_declared(heading: str, codes: list[str]) -> None:
    assert [found.code for found in read(f"{heading}\n")[1]] == codes


def test_no_cell_of_any_column_begins_like_a_formula() -> None:
    _, problems = read("rule,then: within,cite,note\na,1 h,=x,+y\n")
    assert [str(found.message) for found in problems] == [
        "cannot read `=x` in column `cite` of rule `a`",
        "cannot read `+y` in column `note` of rule `a`",
    ]


def test_a_column_that_is_anything_throughout_decides_nothing() -> None:
    with_column, _ = read("rule,on_site,then: within\na,-,24 h\n")
    without, _ = read("rule,then: within\na,1440 min\n")
    assert canonical_rows(with_column) == canonical_rows(without)


def test_amounts_are_in_one_currency() -> None:
    problems: list[Problem] = []
    sheet = read_csv(b"rule,then: fee\na,5 CNY\nb,5 USD\n", problems=problems)
    read_table(sheet, conditions=[], results=RESULTS[1:], problems=problems)
    assert [found.code for found in problems] == ["currencies-mixed"]


def test_an_empty_sheet_is_a_problem() -> None:
    assert [found.code for found in read("")[1]] == ["sheet-empty", "sheet-empty"]
