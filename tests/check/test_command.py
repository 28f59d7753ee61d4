"""`svc-policy check`: text in two languages, JSON under its schema, rows that would close gaps."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from check.shops import bands, mall_without, shop
from cli.running import run
from pack.building import copy_of_mall
from svc_policy import load
from svc_policy.check import check_policy


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("without")
    mall_without(folder, ("deadlines", "between,"))
    return folder / "mall"


def test_a_gap_is_told_with_example_and_clause(mall):
    checked = run("check", mall)
    assert checked.exit_code == 1
    lines = checked.stdout.splitlines()
    assert lines[0] == (
        "mall/deadlines.csv:6: gap in `deadlines` for target `arrived`: distance_km (50, 100] km, category C, "
        "on_site yes; all dates"
    )
    assert lines[1] == "example: 75 km"
    assert lines[2].startswith('ticket: {"')
    assert lines[3] == "decided at: 2026-03-04T10:00:00+08:00"
    assert lines[4] == "clauses: mall-2.1.3"
    assert lines[5].startswith("help: ")
    assert lines[-1] == "errors: 1, warnings: 0, notes: 0"


def test_the_ticket_of_a_finding_can_be_decided_as_it_stands(mall, tmp_path):
    lines = run("check", mall).stdout.splitlines()
    ticket = tmp_path / "ticket.json"
    ticket.write_text(lines[2].removeprefix("ticket: "), encoding="utf-8")
    at = lines[3].removeprefix("decided at: ")
    decided = json.loads(run("decide", mall, ticket, "--at", at, "--json").stdout)
    assert decided["targets"]["arrived"]["status"] == "not applicable"
    assert json.loads(ticket.read_text(encoding="utf-8"))["distance_km"] == 75


@pytest.mark.parametrize("spelling, shown", [(".", ""), ("../mall", "mall/"), ("..//mall/.", "mall/")])
def test_places_are_shown_from_where_the_user_stands(mall, monkeypatch, spelling, shown):
    monkeypatch.chdir(mall)
    assert run("check", spelling).stdout.startswith(f"{shown}deadlines.csv:6: gap")


def test_values_that_no_row_names_are_told(tmp_path):
    payers = "rule,district,then: payer,cite\nacme,acme,head,m-1\n"
    shop(tmp_path, {"payers": payers})
    assert "district other than acme" in run("check", tmp_path / "made").stdout
    assert "acme以外" in run("check", tmp_path / "made", "--lang", "zh").stdout.replace(" ", "")


def test_a_gap_is_told_in_chinese(mall):
    text = run("check", mall, "--lang", "zh").stdout
    assert "商场至服务现场的路程 (50, 100] 公里、类别 C、需上门 是" in text
    assert "示例：75 公里" in text
    assert "条款：mall-2.1.3" in text
    assert "gap in" not in text


def test_the_row_that_closes_a_gap_stands_alone_on_stdout_and_does(mall, tmp_path):
    proposed = run("check", mall, "--fix-note")
    assert proposed.exit_code == 1
    (line,) = proposed.stdout.splitlines()
    before = (mall / "deadlines.csv").read_bytes()
    assert line.startswith("gap,-,C,yes,-,(50..100] km,-,-,received,arrived,")
    copy = copy_of_mall(tmp_path)
    (copy / "deadlines.csv").write_bytes(before + line.encode() + b"\n")
    # It says what the row before it says, so the two could be one; nothing else is left to say.
    assert {one.severity for one in check_policy(load(copy)) if one.accepted is None} <= {"note"}
    assert (mall / "deadlines.csv").read_bytes() == before


def test_a_proposed_row_is_spelt_as_its_table(tmp_path):
    chinese = """规则,路程,需上门,则：起点,则：终点,则：时限,则：计时,依据
near,<= 5 公里,是,首次受理时间,到达现场时间,24 小时,自然时间,m-1
"""
    far = "far,> 50 公里,是,首次受理时间,到达现场时间,72 小时,自然时间,m-1\n"
    shop(tmp_path, {"deadlines": chinese + far})
    proposed = run("check", tmp_path / "made", "--fix-note")
    assert proposed.stdout == "gap,(5..50] 公里,是,首次受理时间,到达现场时间,24 小时,自然时间,m-1\n"


def test_a_proposed_row_has_the_delimiter_of_its_table(tmp_path):
    bands(tmp_path, ("far,> 50 km", "far,> 60 km"))
    file = tmp_path / "made" / "deadlines.csv"
    file.write_text(file.read_text("utf-8").replace(",", ";"), "utf-8")
    line = "gap;(50..60] km;yes;received;arrived;48 h;calendar;m-1\n"
    assert run("check", tmp_path / "made", "--fix-note").stdout == line


@pytest.mark.parametrize("change", [None, ("far,> 50 km", "far,> 60 km"), ("cite\n", "site\n")])
def test_json_keeps_to_its_schema(tmp_path, change):
    bands(tmp_path)
    file = tmp_path / "made" / "deadlines.csv"
    if change:
        file.write_text(file.read_text("utf-8").replace(*change), "utf-8")
    schema = json.loads((resources.files("svc_policy") / "schemas" / "check.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(run("check", tmp_path / "made", "--json").stdout)
    jsonschema.validate(found, schema)
    assert bool(found["problems"]) is bool(change)
    if change and change[0].startswith("far"):
        (gap,) = found["problems"]
        assert gap["region"]["boxes"] == [{"distance_km": "(50 km..60 km]", "on_site": "yes"}]
        assert gap["days"] == [{"from": None, "until": None}]
        assert gap["example"]["ticket"]["distance_km"] == 55
        assert (gap["table"], gap["rules"], gap["clauses"]) == ("deadlines", ["near", "middle", "far"], ["m-1"])
    elif change:
        assert {one["table"] for one in found["problems"]} == {None}


def test_what_is_accepted_is_counted_and_listed_when_asked():
    plain, every = run("check", "mall"), run("check", "mall", "--all")
    assert plain.stdout == "errors: 0, warnings: 0, notes: 0\n"
    assert plain.stderr == "accepted: 1 (`--all` lists them)\n"
    assert "accepted: The clause names two failings" in every.stdout
    assert (plain.exit_code, every.exit_code) == (0, 0)


def test_rows_and_data_are_not_written_at_once():
    refused = run("check", "mall", "--fix-note", "--json")
    assert (refused.exit_code, "give one of them" in refused.stderr) == (2, True)
