"""Packs: listed, copied, edited, checked, exported; the way of somebody who writes a policy."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import attrs
import openpyxl
import pytest

from cli.running import run, write_ticket
from svc_policy import load
from svc_policy.errors import Place
from svc_policy.pack.cases import cases_of


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert run("new", tmp_path / "shop").exit_code == 0
    return tmp_path / "shop"


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def digest(pack: object) -> str:
    return json.loads(run("check", pack, "--json").stdout)["policy"]["digest"]


def test_packs_lists_the_built_in_ones():
    found = json.loads(run("packs", "--json").stdout)["packs"]
    mall = next(one for one in found if one["name"] == "mall")
    assert mall["digest"] == load("mall").digest
    assert re.search(
        r"^mall +After-sales service of a mall +\d+ +\d+ +[0-9a-f]{12}$", run("packs").stdout, re.MULTILINE
    )


def test_new_copies_every_file_as_it_is(shop):
    origin = Path(load("mall").pack.path)
    names = {path.name for path in origin.iterdir() if path.is_file()}
    assert {path.name for path in shop.iterdir()} == names
    assert all((shop / name).read_bytes() == (origin / name).read_bytes() for name in names)
    assert digest(shop) == load("mall").digest


def test_new_refuses_a_folder_that_holds_something(shop):
    (shop / "fees.csv").write_text("mine", encoding="utf-8")
    refused = run("new", shop)
    assert (refused.exit_code, refused.stderr) == (2, f"{shop}: the folder is there and is not empty\n")
    assert (shop / "fees.csv").read_text(encoding="utf-8") == "mine"


def test_new_fills_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("new", tmp_path / "empty").exit_code == 0
    assert (tmp_path / "empty" / "policy.toml").is_file()


def test_new_copies_nothing_of_a_pack_that_is_not_there(tmp_path):
    assert run("new", tmp_path / "shop", "--from", "mal").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_pack_is_not_copied_into_itself(shop):
    refused = run("new", shop / "more", "--from", shop)
    assert (refused.exit_code, refused.stderr) == (2, f"{shop / 'more'}: a pack cannot be copied into itself\n")


def test_a_changed_fee_changes_the_quote(shop, tmp_path):
    change(
        shop / "fees.csv",
        "visit_near,2026-01-01,,A,yes,-,-,<= 5 km,quoted,visit,70 CNY",
        "visit_near,2026-01-01,,A,yes,-,-,<= 5 km,quoted,visit,75 CNY",
    )
    ticket = write_ticket(tmp_path)
    found = json.loads(run("quote", shop, ticket, "--at", "2026-03-02T10:00", "--json").stdout)
    # 75 and 90, tax 9.75 and 11.70
    assert found["quote"]["total"] == "186.45"
    assert digest(shop) != load("mall").digest


def test_a_misspelt_column_is_told_with_its_place_and_what_was_meant(shop, tmp_path):
    change(shop / "fees.csv", "distance_km", "distanse_km")
    refused = run("quote", shop, write_ticket(tmp_path))
    assert refused.exit_code == 2 and refused.stdout == ""
    heading = next(csv.reader([(shop / "fees.csv").read_text(encoding="utf-8").splitlines()[0]]))
    column = len(",".join(heading[: heading.index("distanse_km")])) + 2
    assert f"shop/fees.csv:1:{column}: there is no column `distanse_km`\n" in refused.stderr
    assert f"\n  {' ' * (column - 1)}{'^' * len('distanse_km')}\n" in refused.stderr
    assert "\nhelp: did you mean `distance_km`?\n" in refused.stderr


def test_check_finds_every_error_and_says_so_by_its_exit_code(shop):
    change(shop / "fees.csv", "distance_km", "distanse_km")
    change(shop / "escalations.csv", "relayed", "relayd")
    found = run("check", shop)
    assert found.exit_code == 1
    assert "there is no column `distanse_km`" in found.stdout and "did you mean `relayed`?" in found.stdout
    assert found.stdout.endswith("errors: 2, warnings: 0, notes: 0\n")
    data = json.loads(run("check", shop, "--json").stdout)
    assert data["counts"] == {"error": 2, "warning": 0, "note": 0, "accepted": 0} and data["policy"]["digest"] is None
    assert {one["place"]["file"].rsplit("/", 1)[1] for one in data["problems"]} == {"fees.csv", "escalations.csv"}
    assert all(one["message"]["zh"] != one["message"]["en"] for one in data["problems"])


def test_check_shows_notes_and_is_fine_with_them(shop):
    text = (shop / "labels.csv").read_text(encoding="utf-8")
    (shop / "labels.csv").write_bytes(text.encode("gb18030"))
    found = run("check", shop)
    assert found.exit_code == 0
    assert "labels.csv" in found.stdout and "GB18030" in found.stdout
    assert found.stdout.endswith("errors: 0, warnings: 0, notes: 1\n")


def test_check_of_a_pack_that_is_not_there_is_wrong_use():
    refused = run("check", "mal", "--lang", "zh")
    assert (refused.exit_code, refused.stderr) == (2, "没有政策包 `mal`\n提示: 是否想写 `mall`？\n")


def test_rules_says_where_each_rule_stands_and_what_it_cites():
    rows = json.loads(run("rules", "mall", "--json").stdout)["rules"]
    pack = load("mall").pack
    assert len(rows) == sum(len(of) for of in pack.rows.values())
    between = next(row for row in rows if (row["table"], row["rule"]) == ("deadlines", "between"))
    assert between["cites"] == ["mall-2.1.3"]
    assert between["interpretations"] == ["far_gap", "arrival_clock"]
    line = Path(pack.path, "deadlines.csv").read_text(encoding="utf-8").splitlines()[between["line"] - 1]
    assert line.startswith("between,")
    fee = next(row for row in rows if row["rule"] == "visit_near" and row["until"] == "2026-01-01")
    assert fee["from"] == "2025-01-01"
    assert re.search(
        r"^mall +deadlines\.between +\S*deadlines\.csv:\d+ +mall-2\.1\.3 ", run("rules", "mall").stdout, re.MULTILINE
    )


def test_rules_of_one_pack_or_of_all():
    every = json.loads(run("rules", "--all", "--json").stdout)["rules"]
    assert len(every) >= len(json.loads(run("rules", "mall", "--json").stdout)["rules"])
    for arguments in (("rules",), ("rules", "mall", "--all")):
        refused = run(*arguments)
        assert (refused.exit_code, refused.stderr) == (2, "name one pack, or give `--all`\n")


def test_a_workbook_loads_back_with_the_same_digest(tmp_path):
    book = tmp_path / "mall.xlsx"
    assert run("export", "mall", "--xlsx", book).exit_code == 0
    assert digest(book) == load("mall").digest
    assert run("export", book, "--folder", tmp_path / "back").exit_code == 0
    assert digest(tmp_path / "back") == load("mall").digest
    assert run("new", tmp_path / "copy", "--from", book).exit_code == 0
    assert digest(tmp_path / "copy") == load("mall").digest


def test_a_workbook_is_text_in_every_cell_and_carries_the_cases(tmp_path):
    book = tmp_path / "mall.xlsx"
    run("export", "mall", "--xlsx", book)
    pages = openpyxl.load_workbook(book)
    assert pages.sheetnames[0] == "policy"
    cells = [cell for page in pages for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    before, after = (
        [attrs.evolve(case, place=Place(file="")) for case in cases_of(load(pack).pack)] for pack in ("mall", book)
    )
    assert before == after and len(before) > 100


def test_export_refuses_what_it_cannot_write(tmp_path):
    for arguments in (("export", "mall"), ("export", "mall", "--xlsx", "a.xlsx", "--folder", "b")):
        assert run(*arguments).stderr == "give `--xlsx FILE` or `--folder DIR`\n"
    assert "is no name of a workbook" in run("export", "mall", "--xlsx", tmp_path / "mall.csv").stderr
    nowhere = run("export", "mall", "--xlsx", tmp_path / "no" / "mall.xlsx")
    assert nowhere.exit_code == 2 and "the file cannot be written" in nowhere.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    assert run("export", "mall", "--folder", tmp_path / "full").exit_code == 2
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_schema_prints_what_the_package_holds():
    for name in ("ticket", "decision"):
        printed = json.loads(run("schema", name).stdout)
        assert printed["$id"] == f"urn:svc-policy:schema:1:{name}"


def test_compile_prints_the_policy_as_sql():
    printed = run("compile", "mall", "--to", "duckdb")
    assert printed.exit_code == 0
    assert printed.stdout == load("mall").sql("duckdb").rstrip("\n") + "\n"


def test_a_title_over_a_base_has_the_folders_name_once(tmp_path):
    for name, base in (("东店", "mall"), ("second", tmp_path / "东店"), ("third", tmp_path / "second")):
        assert run("new", tmp_path / name, "--extends", base).exit_code == 0
        assert load(tmp_path / name).pack.settings.titles == {
            "en": f"After-sales service of a mall: {name}",
            "zh": f"商场产品售后服务：{name}",
        }


def test_the_comments_of_an_overlay_are_in_the_language_that_is_asked_for(tmp_path):
    for language in ("en", "zh"):
        assert run("--lang", language, "new", tmp_path / language, "--extends", "mall").exit_code == 0
        text = (tmp_path / language / "policy.toml").read_text(encoding="utf-8")
        comments = [line.rpartition("#")[2].strip() for line in text.splitlines() if "#" in line]
        words = [comment for comment in comments if comment and "=" not in comment.partition('"')[0][:8]]
        assert len(words) == 5 + 1, words  # five texts, and the example of a clause
        is_chinese = [any("\u4e00" <= sign <= "\u9fff" for sign in comment) for comment in words]
        assert is_chinese.count(language == "zh") >= 5, words


@pytest.mark.parametrize(
    "name, identity", [("三 店2", "pack-2"), ("3rd", "pack-3rd"), ("三店", "overlay"), ("A b", "a-b")]
)
def test_an_overlay_loads_whatever_its_folder_is_called(tmp_path, name, identity):
    assert run("new", tmp_path / name, "--extends", "mall").exit_code == 0
    assert load(tmp_path / name).id == identity


@pytest.mark.parametrize("identity", ["3rd", "-a", "Mall", "mall_2"])
def test_an_id_that_is_none_is_told_how_one_begins(shop, identity):
    change(shop / "policy.toml", 'id = "mall"', f'id = "{identity}"')
    checked = run("check", shop)
    assert checked.exit_code == 1
    assert "`id` begins with a small letter and has small letters, digits and `-` only" in checked.stdout
