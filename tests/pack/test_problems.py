"""What is wrong with a pack: said with its place, all of it at once, never as a traceback."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pack.building import change, copy_of_mall
from svc_policy.errors import PackError, Problem
from svc_policy.pack.load import load_pack


@pytest.fixture
def mall(tmp_path: Path) -> Path:
    return copy_of_mall(tmp_path)


def problems_of(pack: Path | str) -> tuple[Problem, ...]:
    with pytest.raises(PackError) as raised:
        load_pack(pack)
    return raised.value.problems


def only_problem_of(pack: Path | str) -> Problem:
    found = problems_of(pack)
    assert len(found) == 1, [item.render() for item in found]
    return found[0]


def test_an_interval_that_does_not_open_is_shown_with_a_caret(mall: Path) -> None:
    change(mall, "deadlines.csv", "middle,-,C,yes,-,(5..50] km", "middle,-,C,yes,-,5..50] km")
    assert only_problem_of(mall).render() == (
        "mall/deadlines.csv:7:18: cannot read `5..50] km` in column `distance_km` of rule `middle`\n"
        "  middle,-,C,yes,-,5..50] km,-,-,received,arrived,48 h,{arrival_clock},technician,mall-2.1.3,\n"
        "                   ^^^^^^^^^\n"
        "help: an interval opens with `(` or `[`, as in `(5..50] km`"
    )


MISTAKES = tomllib.loads((Path(__file__).parent / "mistakes.toml").read_text(encoding="utf-8"))["mistake"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['code']} {mistake['says']}")
def test_a_mistake_is_named_with_its_place(mall: Path, mistake: dict[str, str]) -> None:
    change(mall, mistake["file"], mistake["old"], mistake["new"])
    found = problems_of(mall)
    told = [item for item in found if str(item.place) == mistake["at"] and item.code == mistake["code"]]
    assert told, [item.render() for item in found]
    assert mistake["says"] in told[0].message.text("en")
    assert mistake.get("helps", "") in (told[0].help.text("en") if told[0].help else "")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['code']} {mistake['says']}")
def test_a_mistake_is_told_in_chinese(mall: Path, mistake: dict[str, str]) -> None:
    change(mall, mistake["file"], mistake["old"], mistake["new"])
    with pytest.raises(PackError) as raised:
        load_pack(mall)
    for item in raised.value.problems:
        assert any("\u4e00" <= char <= "\u9fff" for char in item.message.text("zh")), item.render("zh")


def test_all_mistakes_are_told_at_once(mall: Path) -> None:
    change(mall, "deadlines.csv", "middle,-,C,yes,-,(5..50] km", "middle,-,C,yes,-,5..50] km")
    change(mall, "policy.toml", 'currency = "CNY"', 'currency = "CNY"\nmotto = "fast"')
    change(mall, "warranty.csv", "{warranty_length}", "{waranty_length}")
    (mall / "notes.txt").write_text("by hand", encoding="utf-8")
    codes = {item.code for item in problems_of(mall)}
    # Escalations watch targets of the broken table: nothing is said of what only follows from another mistake.
    assert codes == {"interval-unreadable", "settings-unknown", "parameter-unknown", "file-unknown"}


def test_a_file_that_does_not_belong_there(mall: Path) -> None:
    (mall / "deadline.csv").write_text("rule\n", encoding="utf-8")
    found = only_problem_of(mall)
    assert (found.code, str(found.place)) == ("file-unknown", "mall/deadline.csv")
    assert found.help.text() == "did you mean `deadlines.csv`?"


def test_a_folder_that_does_not_belong_there(mall: Path) -> None:
    (mall / "archive").mkdir()
    assert only_problem_of(mall).code == "folder-unknown"


@pytest.mark.parametrize("name", [".git", "~$fees.csv", "README.md", "__pycache__"])
def test_what_editors_leave_behind_is_passed_over(mall: Path, name: str) -> None:
    (mall / name).write_text("anything", encoding="utf-8")
    assert load_pack(mall).digest == load_pack("mall").digest


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.csv"])
def test_a_link_out_of_the_pack_is_refused(mall: Path, target: str) -> None:
    (mall.parent / "outside.csv").write_bytes((mall / "surveys.csv").read_bytes())
    (mall / "surveys.csv").unlink()
    (mall / "surveys.csv").symlink_to(target)
    found = only_problem_of(mall)
    assert (found.code, str(found.place)) == ("file-outside", "mall/surveys.csv")


def test_a_linked_folder_of_lists_is_refused(mall: Path) -> None:
    (mall / "lookups").symlink_to("/etc")
    assert only_problem_of(mall).code == "file-outside"


def test_a_pack_may_itself_be_linked(mall: Path) -> None:
    (mall.parent / "ours").symlink_to(mall)
    assert load_pack(mall.parent / "ours").id == "mall"


@pytest.mark.parametrize("name", ["nowhere", "mal", "../mall", "", "/dev/null", "mall/policy.toml", "a\0b"])
def test_a_name_that_is_no_pack(name: str) -> None:
    found = only_problem_of(name)
    assert found.code == "pack-missing"
    assert found.help is not None and "mall" in found.help.text()


def test_a_folder_that_is_no_pack(tmp_path: Path) -> None:
    assert only_problem_of(tmp_path).code == "file-missing"


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("policy.toml", b"#" * (4 * 2**20 + 1), "file-large"),
        ("policy.toml", 'id = "商场"'.encode("gb18030"), "encoding"),
        ("policy.toml", b'id = "mall', "toml"),
        ("policy.toml", b"a = [" + b"[" * 5000, "toml"),
        ("surveys.csv", b"#" * (64 * 2**20 + 1), "file-large"),
        ("surveys.csv", "rule,then: survey".encode("utf-16"), "encoding"),
        ("surveys.csv", b"rule\xff,\x80", "encoding"),
        ("surveys.csv", b"", "sheet-empty"),
    ],
)
def test_a_file_that_cannot_be_read(mall: Path, file: str, content: bytes, code: str) -> None:
    (mall / file).write_bytes(content)
    found = only_problem_of(mall)
    assert found.code == code
    assert str(found.place).startswith(f"mall/{file}")


def test_a_result_that_no_table_gives(mall: Path) -> None:
    (mall / "payers.csv").unlink()
    (mall / "confirmations.csv").write_text(
        "rule,payer,then: reason,cite\nvisit,customer,fee_before_visit,mall-2.2.3\n", encoding="utf-8"
    )
    found = only_problem_of(mall)
    assert (found.code, str(found.place)) == ("result-absent", "mall/confirmations.csv:2")


def test_a_dated_parameter_where_no_date_can_change_anything(mall: Path) -> None:
    change(
        mall,
        "policy.toml",
        'kind = "text"\nvalue = "delivered"',
        'kind = "text"\nvalues = [{ value = "delivered" }, { from = "2026-01-01", value = "purchased" }]',
    )
    found = only_problem_of(mall)
    assert (found.code, str(found.place)) == ("parameter-dated", "mall/warranty.csv:2:28")
