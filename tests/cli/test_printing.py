"""Books and forms on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from book.shop import TICKET, Page, shop
from cli.running import run


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return shop(tmp_path)


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    path = tmp_path / "ticket.json"
    path.write_text(json.dumps(TICKET), encoding="utf-8")
    return path


def test_a_book_is_written_to_a_file(pack: Path, tmp_path: Path) -> None:
    page = tmp_path / "book.html"
    result = run("book", pack, "--html", page, "--at", "2026-03-02", "--lang", "zh")
    assert result.exit_code == 0
    text = Page(page.read_text(encoding="utf-8")).text
    assert "商店售后服务" in text
    assert "2026年3月2日" in text


def test_a_book_can_go_to_standard_output(pack: Path) -> None:
    result = run("book", pack, "--html", "-", "--at", "2026-03-02")
    assert result.exit_code == 0
    assert result.stdout.startswith("<!DOCTYPE html>")
    assert "2 March 2026" in Page(result.stdout).text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--html", "-", "--at", "soon"), "cannot read `soon` in `--at`"),
        (("--html", "no/such/folder/book.html"), "the file cannot be written"),
        ((), "`--html` is missing"),
    ],
)
def test_a_book_that_cannot_be_made_says_why(pack: Path, arguments: tuple[str, ...], says: str) -> None:
    result = run("book", pack, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_forms_are_listed(pack: Path) -> None:
    result = run("forms", pack)
    assert result.exit_code == 0
    lines = [line.split("  ") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["form", "visit_form", "spare_form"]
    # Ten fields are in the table; `floor` went out of use in March 2026.
    assert [line.split()[-3:] for line in result.stdout.splitlines()[1:]] == [
        ["clerk", "c-1", "c-2"],
        ["1", "clerk", "c-1"],
    ]


def test_an_unknown_form_is_one_problem_and_the_forms_are_listed(pack: Path, ticket: Path) -> None:
    result = run("forms", pack, "visit_from", ticket, "--html", "-")
    assert result.exit_code == 2
    assert "the policy has no form `visit_from`" in result.stderr
    assert "did you mean `visit_form`?" in result.stderr
    assert "spare_form" in result.stdout
    assert "<html" not in result.stdout


def test_a_form_is_printed_from_a_ticket(pack: Path, ticket: Path, tmp_path: Path) -> None:
    page = tmp_path / "form.html"
    result = run("forms", pack, "上门单", ticket, "--html", page, "--at", "2026-03-02T10:00")
    assert result.exit_code == 0
    written = page.read_text(encoding="utf-8")
    assert "<script" not in written
    text = Page(written).text
    assert "ticket S-1, filled in on Mon 2 Mar 2026, 10:00" in text
    assert "CN¥1,234.50" in text


def test_without_a_page_a_form_is_shown_as_text(pack: Path, ticket: Path) -> None:
    result = run("forms", pack, "visit_form", ticket, "--at", "2026-03-02T10:00")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["zone", "inner", "zone"] in lines
    assert ["seal", "by", "hand"] in lines


def test_a_form_without_a_ticket_is_blank(pack: Path) -> None:
    result = run("forms", pack, "visit_form", "--html", "-")
    assert result.exit_code == 0
    assert "S-1" not in result.stdout
    assert "satisfied?" in Page(result.stdout).text


def test_a_page_needs_the_name_of_its_form(pack: Path) -> None:
    result = run("forms", pack, "--html", "-")
    assert result.exit_code == 2
    assert "name the form that is printed" in result.stderr
    assert "visit_form, spare_form" in result.stderr


def test_problems_of_a_ticket_are_told(pack: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"on_site": "perhaps"}', encoding="utf-8")
    result = run("forms", pack, "visit_form", wrong, "--html", "-")
    assert result.exit_code == 2
    assert "on_site" in result.stderr
    assert result.stdout == ""


def test_a_policy_without_forms_says_so(tmp_path: Path) -> None:
    folder = shop(tmp_path)
    (folder / "forms.csv").unlink()
    (folder / "fields.csv").unlink()
    assert run("forms", folder).stdout == "the policy has no forms\n"
    assert run("forms", folder, "visit_form").exit_code == 2
