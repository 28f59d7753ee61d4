import datetime
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from svc_policy.errors import Problem, UsageError
from svc_policy.tables import Sheet, make_sheet, read_workbook, write_workbook

openpyxl = pytest.importorskip("openpyxl")

HARD = [
    ["rule", "a", "b"],
    ["x", "=1+1", "3.10"],
    ["y", "(5)", "1/2"],
    ["z", "10:00", "-"],
    ["w", "a\nb", " spaced "],
    ["v", "_x0041_", "误用、磨损 😀"],
    ["u", "https://example.org", "007"],
    ["t", "", "TRUE"],
]


def sheet(name: str = "deadlines") -> Sheet:
    return make_sheet(name, HARD[0], HARD[1:])


def read(path: Path) -> tuple[list[Sheet], list[tuple[str, str]]]:
    problems: list[Problem] = []
    sheets = read_workbook(path, file="w.xlsx", problems=problems)
    return sheets, [(found.code, str(found.place)) for found in problems]


def test_a_workbook_keeps_every_text(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    write_workbook(path, [sheet(), make_sheet("费用 & <b>", ["规则"], [["近"]])])
    sheets, problems = read(path)
    assert problems == []
    assert [(page.name, page.texts()) for page in sheets] == [("deadlines", HARD), ("费用 & <b>", [["规则"], ["近"]])]
    assert str(sheets[0].rows[1][2].place) == "w.xlsx:deadlines!C3"


def test_every_cell_is_formatted_as_text_and_the_heading_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    write_workbook(path, [sheet()])
    page = openpyxl.load_workbook(path)["deadlines"]
    cells = [cell for row in page.iter_rows(max_row=7) for cell in row]
    assert {cell.number_format for cell in cells} == {"@"}
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.font.bold for cell in cells[:4]] == [True, True, True, False]
    assert page.freeze_panes == "A2"
    assert page["A8"].hyperlink is None


def test_the_same_sheets_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.xlsx", tmp_path / "other.xlsx"
    write_workbook(one, [sheet()])
    write_workbook(other, [sheet()])
    assert one.read_bytes() == other.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.xlsx", "other.xlsx"]


def test_cells_that_are_not_text_are_each_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    page.title = "fees"
    page.append(["rule", "a", "b"])
    page.append(["x", 5, "fine"])
    page.append(["y", "fine", datetime.date(2026, 1, 1)])
    page.append(["z", True, '="text"'])
    page.append(["w", "fine", "fine"])
    page["A6"], page["B6"] = "v", "#DIV/0!"
    page["B6"].data_type = "e"
    book.save(path)
    problems: list[Problem] = []
    (fees,) = read_workbook(path, file="w.xlsx", problems=problems)
    assert fees.texts() == [["rule", "a", "b"], ["w", "fine", "fine"]]
    assert [(str(found.place), str(found.message)) for found in problems] == [
        ("w.xlsx:fees!B2", "the cell is a number, not a text"),
        ("w.xlsx:fees!C3", "the cell is a date or a time, not a text"),
        ("w.xlsx:fees!B4", "the cell is a truth value, not a text"),
        ("w.xlsx:fees!C4", "the cell is a formula or an error, not a text"),
        ("w.xlsx:fees!B6", "the cell is a formula or an error, not a text"),
    ]
    assert {str(found.help) for found in problems} == {"format the cell as text and type it again"}


def test_merged_cells_are_named_by_their_address(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    page.title = "fees"
    for row in (["rule", "a", "b"], ["x", "1 km", "fine"], ["y", "", "fine"], ["z", "2 km", "fine"]):
        page.append(row)
    page.merge_cells("B2:B3")
    page.merge_cells("B4:C4")
    book.save(path)
    problems: list[Problem] = []
    read_workbook(path, file="w.xlsx", problems=problems)
    assert sorted(found.render() for found in problems) == [
        "w.xlsx:fees!B2: the cells `B2` to `B3` are merged\nhelp: unmerge them and write into each cell what it says",
        "w.xlsx:fees!B4: the cells `B4` to `C4` are merged\nhelp: unmerge them and write into each cell what it says",
    ]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_refused(tmp_path: Path, state: str) -> None:
    path = tmp_path / "w.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "fees"
    book.active.append(["rule"])
    book.create_sheet("price & terms").append(["rule"])
    book["price & terms"].sheet_state = state
    book.save(path)
    _, problems = read(path)
    assert problems == [("sheet-hidden", "w.xlsx:price & terms")]


def archive(path: Path, **parts: bytes) -> None:
    """Write a workbook with its sheet, or other parts, replaced."""
    write_workbook(path, [sheet()])
    with zipfile.ZipFile(path) as old:
        contents = {name: old.read(name) for name in old.namelist()}
    for name, content in parts.items():
        contents[{"sheet": "xl/worksheets/sheet1.xml", "macros": "xl/vbaProject.bin"}.get(name, name)] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in contents.items():
            new.writestr(name, content)


def refusal(path: Path) -> str:
    problems: list[Problem] = []
    assert read_workbook(path, problems=problems) == []
    (found,) = problems
    return str(found.message)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    archive(path, sheet=b" " * 20_000_000)
    assert path.stat().st_size < 100_000
    assert refusal(path) == "the workbook unpacks to 19 MB, which is too much"


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    archive(path, sheet=b" " * 20_000_000)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.find(signature)
        while start >= 0:
            (size,) = struct.unpack_from("<I", content, start + offset)
            if size == 20_000_000:
                struct.pack_into("<I", content, start + offset, 1000)
            start = content.find(signature, start + 4)
    path.write_bytes(content)
    assert refusal(path) == "the workbook says less than it unpacks to"


def test_a_grid_that_is_nearly_all_empty_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    cell = '<c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c>'
    archive(path, sheet=f'<worksheet><sheetData><row r="1048576">{cell}</row></sheetData></worksheet>'.encode())
    assert refusal(path) == "a sheet of the workbook claims too many cells"


def test_macros_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    archive(path, macros=b"x")
    assert refusal(path) == "the workbook holds macros"


@pytest.mark.parametrize(
    "content, wanted",
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "the workbook is encrypted or in the old .xls format"),
        (b"rule,a\nx,1\n", "the file is no workbook"),
        (b"", "the file is no workbook"),
        (b"PK\x05\x06" + b"\0" * 18, "the file is no workbook"),
    ],
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes, wanted: str) -> None:
    path = tmp_path / "w.xlsx"
    path.write_bytes(content)
    assert refusal(path) == wanted


def test_a_broken_sheet_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    archive(path, sheet=b'<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>99</v></c></row></sheetData></worksheet>')
    assert refusal(path).startswith("the workbook is broken: ")


def test_a_truncated_file_is_never_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    write_workbook(path, [sheet()])
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        assert refusal(path)


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.xlsx") == "there is no such file"


def test_what_a_workbook_cannot_hold_is_refused_before_writing(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    with pytest.raises(UsageError) as caught:
        write_workbook(path, [make_sheet("a/b", ["x"], [["y" * 32768]]), make_sheet("T", ["x"], []), sheet("t")])
    assert [found.code for found in caught.value.problems] == ["sheet-name", "cell-large", "sheet-name"]
    assert not path.exists()


def test_the_name_of_a_sheet_has_31_characters_at_most(tmp_path: Path) -> None:
    write_workbook(tmp_path / "w.xlsx", [sheet("n" * 31)])
    with pytest.raises(UsageError, match="cannot be the name of a sheet"):
        write_workbook(tmp_path / "w.xlsx", [sheet("n" * 32)])


def test_without_the_extra_the_command_to_install_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UsageError, match=r"pip install 'svc-policy\[xlsx\]'"):
        read_workbook(tmp_path / "w.xlsx", problems=[])
    with pytest.raises(UsageError, match=r"pip install 'svc-policy\[xlsx\]'"):
        write_workbook(tmp_path / "w.xlsx", [sheet()])
