from pathlib import Path

import pytest

from svc_policy.errors import Place, Problem, UsageError
from svc_policy.tables import Sheet, csv_text, make_sheet, neutralise, read_csv, write_csv
from svc_policy.tables.sheets import address

ZH = "规则,距离,则：时限\n近,≤5公里,24小时\n远,＞5公里,48小时\n"


def read(content: bytes | str) -> tuple[list[list[str]], list[Problem]]:
    problems: list[Problem] = []
    sheet = read_csv(content.encode() if isinstance(content, str) else content, file="t.csv", problems=problems)
    return sheet.texts(), problems


def places(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(found.code, str(found.place)) for found in problems]


@pytest.mark.parametrize(
    "content",
    [
        b"rule,a,b\nx,1,2\n",
        b"\xef\xbb\xbfrule,a,b\nx,1,2",
        b"rule,a,b\r\nx,1,2\r\n",
        b"rule,a,b\rx,1,2\r",
        b"rule;a;b\nx;1;2\n",
        b"rule\ta\tb\nx\t1\t2\n",
        b"rule , a,b\n x,1 ,2\n",
        b'"rule","a","b"\n"x","1","2"\n',
        b' "rule" , "a","b"\nx,1,2\n',
        b"\nrule,a,b,,\n,,,,\nx,1,2,,\n\n,,,,\n\n",
        b'"rule,";a;b\n'.replace(b"rule,", b"rule") + b"x;1;2\n",
    ],
)
def test_habits_of_writing_make_no_difference(content: bytes) -> None:
    assert read(content) == ([["rule", "a", "b"], ["x", "1", "2"]], [])


def test_what_stands_in_quotes_does_not_choose_the_delimiter() -> None:
    assert read('"a,b,c";d\n1;2\n') == ([["a,b,c", "d"], ["1", "2"]], [])


def test_cells_in_quotes_hold_delimiters_quotes_spaces_and_line_ends() -> None:
    content = 'rule,a,b\r\nx,"1, ""2""\r\n3"," 4 "\r\ny,5" pipe,6\r\n'
    assert read(content) == ([["rule", "a", "b"], ["x", '1, "2"\n3', " 4 "], ["y", '5" pipe', "6"]], [])


def test_every_cell_knows_where_its_text_starts() -> None:
    content = 'rule,  a\nx,  "1\n2", y\n近，远,3\n'.replace(", y", "")
    sheet = read_csv(content.encode(), file="t.csv", problems=[])
    assert [[(cell.line, cell.column) for cell in row] for row in (sheet.header, *sheet.rows)] == [
        [(1, 1), (1, 8)],
        [(2, 1), (2, 6)],
        [(4, 1), (4, 5)],
    ]
    assert sheet.rows[1][1].place == Place(file="t.csv", line=4, column=5, text="近，远,3", length=1)
    assert sheet.rows[0][1].place == Place(file="t.csv", line=2, column=6, text='x,  "1', length=1)


def test_a_cell_after_a_quoted_one_of_two_lines_is_on_the_second() -> None:
    sheet = read_csv(b'rule,a,b\nx,"1\n2",3\n', file="t.csv", problems=[])
    assert (sheet.rows[0][2].line, sheet.rows[0][2].column) == (3, 4)


def test_a_chinese_table_in_gb18030_is_read_with_a_note() -> None:
    texts, problems = read(ZH.encode("gb18030"))
    assert texts == read(ZH)[0]
    assert texts[1] == ["近", "≤5公里", "24小时"]
    (note,) = problems
    assert (note.code, note.severity, str(note.place)) == ("encoding-gb18030", "note", "t.csv:1")
    assert read(ZH)[1] == []


@pytest.mark.parametrize(
    "content, wanted",
    [
        (b"rule,a\nx,\xff\xff\n", ("encoding", "t.csv:2")),
        ("rule,a\nx,1\n".encode("utf-16"), ("encoding", "t.csv")),
        (b"rule,a\nx,\0\n", ("nul", "t.csv:2")),
        (b"", ("sheet-empty", "t.csv")),
        (b"\n \n,,\n", ("sheet-empty", "t.csv")),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, wanted: tuple[str, str]) -> None:
    texts, problems = read(content)
    assert texts[1:] == []
    assert places(problems) == [wanted]


def test_all_problems_of_shape_are_found() -> None:
    texts, problems = read('rule,a,A,,b\nx,1,2,3\ny,1,2,3,4,5\nz,1,2,3,4\nw,"1"2,3,4,5\nv,"1\n')
    assert places(problems) == [
        ("quote-followed", "t.csv:5:6"),
        ("quote-unclosed", "t.csv:6:4"),
        ("heading-twice", "t.csv:1:8"),
        ("heading-empty", "t.csv:1:10"),
        ("row-ragged", "t.csv:2:1"),
        ("row-ragged", "t.csv:3:1"),
    ]
    assert str(problems[4].message) == "the row has 4 cells, the heading 5"
    assert str(problems[5].message) == "the row has 6 cells, the heading 5"
    assert ["z", "1", "2", "3", "4"] in texts


def test_a_huge_cell_is_refused_and_not_shown() -> None:
    texts, problems = read(b"rule,a\nx," + b"y" * 50_000_000 + b"\nz,1\n")
    assert texts == [["rule", "a"], ["z", "1"]]
    assert places(problems) == [("cell-large", "t.csv:2:3")]
    assert len(problems[0].render()) < 200


def test_a_huge_cell_of_many_lines_is_refused() -> None:
    texts, problems = read(b'rule,a\nx,"' + b"y\n" * 600_000 + b'"\nz,1\n')
    assert texts == [["rule", "a"], ["z", "1"]]
    assert places(problems) == [("cell-large", "t.csv:2:4")]


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    problems: list[Problem] = []
    assert read_csv(path, problems=problems).texts() == [[]]
    assert [found.code for found in problems] == ["file-large"]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    read_csv(tmp_path / "nothing.csv", problems=problems)
    read_csv(tmp_path, problems=problems)
    assert [found.code for found in problems] == ["file-missing", "file-unreadable"]


def test_a_file_names_its_sheet(tmp_path: Path) -> None:
    path = tmp_path / "deadlines.csv"
    path.write_text(ZH, encoding="utf-8")
    sheet = read_csv(path, problems=[])
    assert (sheet.name, sheet.file) == ("deadlines", str(path))


HARD = make_sheet("t", ["rule", "a"], [["x", 'a, "b"\nc'], ["y", " z "], ["w", "=1"], ["", "-"]])


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_is_written_is_read_back(tmp_path: Path, bom: bool, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    write_csv(path, HARD, bom=bom, delimiter=delimiter)
    problems: list[Problem] = []
    assert read_csv(path, problems=problems).texts() == HARD.texts()
    assert problems == []
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") is bom
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]


def test_there_is_no_byte_order_mark_unless_asked_for(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", HARD)
    assert (tmp_path / "t.csv").read_bytes().startswith(b"rule,a\n")


def test_quotes_are_written_only_where_needed() -> None:
    assert csv_text(HARD) == 'rule,a\nx,"a, ""b""\nc"\ny," z "\nw,=1\n,-\n'


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the file cannot be written"):
        write_csv(tmp_path / "no" / "t.csv", HARD)


@pytest.mark.parametrize(
    "text, safe",
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("＝1", "'＝1"),
        ("-", "-"),
        ("", ""),
        ("a=1", "a=1"),
        ("<= 5 km", "<= 5 km"),
    ],
)
def test_formulas_are_neutralised_for_people(text: str, safe: str) -> None:
    assert neutralise(text) == safe


@pytest.mark.parametrize("row, column, wanted", [(1, 1, "A1"), (2, 26, "Z2"), (2, 27, "AA2"), (9, 703, "AAA9")])
def test_addresses_of_workbook_cells(row: int, column: int, wanted: str) -> None:
    assert address(row, column) == wanted


def test_a_sheet_may_have_no_rows() -> None:
    assert isinstance(make_sheet("t", ["rule"], []), Sheet)
    cell = make_sheet("t", ["rule", "a"], [["x", "y"]]).rows[0][1]
    assert (cell.line, cell.column) == (2, 2)
    assert csv_text(make_sheet("t", ["rule"], [[""]])) == 'rule\n""\n'
