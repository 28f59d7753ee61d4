"""`svc-policy diff`."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cli.running import run
from pack.building import change, copy_of_mall
from rules.made import POLICY
from svc_policy.diff import diff
from svc_policy.policy import load


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy mall; the near visit costs a fen more from now on."""
    folder = copy_of_mall(tmp_path_factory.mktemp("diff"))
    change(folder, "fees.csv", "<= 5 km,quoted,visit,70 CNY", "<= 5 km,quoted,visit,70.01 CNY")
    return folder


def test_a_difference_says_what_changed_where_and_for_whom(pack: Path) -> None:
    done = run("diff", "mall", pack)
    assert done.exit_code == 0, done.output
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("mall ") and f" → {pack} (mall " in lines[0]
    assert "then: fixed: 70 CNY → 70.01 CNY" in lines
    assert "category A, on_site yes, distance_km <= 5 km; from 2026-01-01" in lines
    (example,) = (line for line in lines if line.startswith("example: "))
    ticket = json.loads(example.removeprefix("example: "))
    assert ticket["distance_km"] <= 5
    assert any(line.startswith("- ") and "70.00" in line for line in lines)
    assert any(line.startswith("+ ") and "70.01" in line for line in lines)
    (outside,) = (line for line in lines if line.startswith("just outside, decided alike: "))
    assert json.loads(outside.removeprefix("just outside, decided alike: ").rpartition(" (")[0])


def test_it_speaks_chinese(pack: Path) -> None:
    done = run("diff", "mall", pack, "--lang", "zh")
    assert done.exit_code == 0, done.output
    assert "需上门 是" in done.stdout
    assert "where they decide otherwise" not in done.stdout


def test_json_holds_to_its_schema_and_has_both_explanations(pack: Path) -> None:
    done = run("diff", "mall", pack, "--json")
    found = json.loads(done.stdout)
    schema = json.loads((resources.files("svc_policy") / "schemas" / "diff.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(found)
    ((region,), (one,)) = found["regions"], found["changes"]
    assert one["new_place"]["line"] == 5
    assert region["boxes"] == [
        {
            "where": {"category": "A", "on_site": "yes", "distance_km": "[0 km..5 km]", "in_force_on": ">= 2026-01-01"},
            "days": [["2026-01-01", None]],
        }
    ]
    assert "70.00" in region["example"]["inside"]["old"]
    assert "70.01" in region["example"]["inside"]["new"]


def test_a_page_on_standard_output_stands_alone(pack: Path) -> None:
    done = run("diff", "mall", pack, "--html", "-")
    assert done.exit_code == 0, done.output
    assert done.stdout.lower().startswith("<!doctype html>")


def test_what_changes_nothing_says_so(tmp_path: Path) -> None:
    same = run("diff", "mall", "mall", "--exit-code")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "nothing changed: the two policies are the same")
    pack = copy_of_mall(tmp_path)
    change(pack, "labels.csv", "visit,visit,上门费", "visit,call-out,上门费")
    worded = run("diff", "mall", pack, "--exit-code")
    assert worded.exit_code == 0
    assert worded.stdout.splitlines()[-1] == "the two policies decide alike: only wording changed"


def test_an_edition_that_was_opened_and_not_edited_yet_makes_no_difference(tmp_path: Path) -> None:
    pack = copy_of_mall(tmp_path)
    assert run("edition", pack, "--from", "2026-07-01").exit_code == 0
    done = run("diff", "mall", pack, "--exit-code")
    assert done.exit_code == 0, done.output
    last = done.stdout.splitlines()[-1]
    assert last == "the two policies decide alike: what changed makes no difference to any ticket"


def test_the_exit_code_tells_where_it_is_asked_to(pack: Path) -> None:
    assert run("diff", "mall", pack).exit_code == 0
    assert run("diff", "mall", pack, "--exit-code").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mall", "nowhere"), "there is no pack `nowhere`"),
        (("mall", "mall@soon"), "`soon` in `mall@soon` is no day"),
        (("mall", "git:nowhere:mall"), "there is no revision `nowhere`"),
        (("mall", "tile", "--mapping", "m.toml"), "give `--tickets FILE` too"),
        (("mall", "tile", "--html", "/nowhere/page.html"), "/nowhere/page.html: the file cannot be written"),
        (("mall", "tile", "--tickets", "/nowhere/tickets.csv"), "/nowhere/tickets.csv"),
        (("mall",), "NEW"),
    ],
)
def test_what_cannot_be_compared_is_said(arguments: tuple[str, ...], told: str) -> None:
    done = run("diff", *arguments)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_another_currency_is_named_once_and_the_rest_is_compared(tmp_path: Path) -> None:
    for name, currency in (("old", "CNY"), ("new", "EUR")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "policy.toml").write_text(POLICY.replace('"CNY"', f'"{currency}"'), encoding="utf-8")
        (folder / "clauses.csv").write_text("clause,place,en,zh\nm-1,1,One.,一。\n", encoding="utf-8")
        category = "A" if name == "old" else "C"
        (folder / "category.csv").write_text(f"rule,then: category,cite\nall,{category},m-1\n", encoding="utf-8")
    done = run("diff", tmp_path / "old", tmp_path / "new")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("amounts are not compared: one policy reckons in CNY, the other in EUR") == 1
    assert "then: category: A → C" in done.stdout


def test_two_services_have_nothing_in_common_and_that_is_readable() -> None:
    found = diff(load("tile"), load("factory"))
    assert {one.view.table for one in found.regions} >= {"fees", "forms", "compensations"}
    done = run("diff", "tile", "factory")
    assert done.exit_code == 0, done.output
    assert "… and " in done.stdout
    assert len(done.stdout.splitlines()) < 1_200
