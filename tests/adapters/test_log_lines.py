"""Records are taken one by one: what is none is told with its line, and costs no other its place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from svc_policy.adapters import log_lines
from svc_policy.adapters.log_lines import clean_csv
from svc_policy.adapters.mapping import FileOptions
from svc_policy.errors import MappingError, Problem


def clean(
    tmp_path: Path, content: str | bytes, **options: str
) -> tuple[list[list[str]], list[tuple[int, str]], list[Problem], int]:
    """Give the good records with their lines, the bad ones, the notes, and how many there were."""
    path, copy = tmp_path / "log.csv", tmp_path / "clean.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    bad: list[tuple[int, str]] = []
    notes: list[Problem] = []
    found = clean_csv(path, copy, FileOptions(**options), notes, lambda line, code, _, text: bad.append((line, code)))  # type: ignore[arg-type]
    with copy.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file)), bad, notes, found.records


def test_plain_rows_keep_their_lines(tmp_path: Path) -> None:
    rows, bad, notes, count = clean(tmp_path, "a,b\n1,x\n\n2,y\r\n")
    assert rows == [["2", "1", "x"], ["4", "2", "y"]]
    assert (bad, notes, count) == ([], [], 2)


def test_a_quoted_cell_may_run_over_lines(tmp_path: Path) -> None:
    rows, bad, _, count = clean(tmp_path, 'a;b\n1;"x\ny;""z"""\n2;w\n')
    assert rows == [["2", "1", 'x\ny;"z"'], ["4", "2", "w"]]
    assert (bad, count) == ([], 2)


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    rows, bad, _, count = clean(tmp_path, 'a,b\n1,"x\n2,y\n3,z\n')
    assert rows == [["3", "2", "y"], ["4", "3", "z"]]
    assert (bad, count) == ([(2, "log-quotes")], 3)


def test_a_quote_within_a_cell_opens_nothing(tmp_path: Path) -> None:
    rows, bad, _, _ = clean(tmp_path, 'a,b\n1,5" pipe\n2,y\n')
    assert rows == [["2", "1", '5" pipe'], ["3", "2", "y"]]
    assert bad == []


def test_the_number_of_cells(tmp_path: Path) -> None:
    rows, bad, _, count = clean(tmp_path, "a,b\n1\n2,y\n3,z,4\n")
    assert rows == [["3", "2", "y"]]
    assert (bad, count) == ([(2, "log-cells"), (4, "log-cells")], 3)


def test_nul_bytes_and_bad_bytes_cost_their_row(tmp_path: Path) -> None:
    # 0xff is no text in UTF-8 nor in GB18030.
    rows, bad, notes, _ = clean(tmp_path, b"a,b\n1,x\0\n2,\xff\n3,\xe5\xa5\xbd\n")
    assert rows == [["4", "3", "好"]]
    assert bad == [(2, "log-text"), (3, "log-text")]
    assert [str(note.message) for note in notes] == ["the file is not wholly in UTF-8"]


def test_gb18030_is_read_with_a_note(tmp_path: Path) -> None:
    rows, bad, notes, _ = clean(tmp_path, "a,b\n1,维修\n".encode("gb18030"))
    assert (rows, bad) == ([["2", "1", "维修"]], [])
    assert [str(note.message) for note in notes] == ["the file is not in UTF-8 and was read as GB18030"]


def test_an_encoding_that_is_named(tmp_path: Path) -> None:
    rows, _, notes, _ = clean(tmp_path, "a,b\n1,é\n".encode("cp1252"), encoding="cp1252")
    assert (rows, notes) == ([["2", "1", "é"]], [])


def test_a_byte_order_mark_is_no_part_of_the_heading(tmp_path: Path) -> None:
    path, copy = tmp_path / "log.csv", tmp_path / "clean.csv"
    path.write_bytes("\ufeffa,b\n1,x\n".encode())
    assert clean_csv(path, copy, FileOptions(), [], lambda *_: None).headings == ("a", "b")


def test_a_gigantic_line_is_one_bad_row(tmp_path: Path) -> None:
    rows, bad, _, count = clean(tmp_path, "a,b\n1," + "x" * 50_000_000 + "\n2,y\n")
    assert rows == [["3", "2", "y"]]
    assert (bad, count) == ([(2, "log-long")], 2)


def test_a_gigantic_quoted_cell_over_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "LONGEST_RECORD", 100)
    rows, bad, _, _ = clean(tmp_path, 'a,b\n1,"' + "x\n" * 80 + '"\n2,y\n')
    assert bad[0] == (2, "log-quotes")
    assert rows == [["83", "2", "y"]]


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="the file is empty"):
        clean(tmp_path, "")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        clean_csv(tmp_path / "nowhere.csv", tmp_path / "copy", FileOptions(), [], lambda *_: None)
