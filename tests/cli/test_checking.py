"""What `check` finds: examples that no longer hold, zones that nobody listed. And escalations without a target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.running import run

ZONES = '[facts.zone]\nvalues = ["city", "suburb", "beyond"]\n'


@pytest.fixture
def company(tmp_path: Path) -> Path:
    assert run("new", tmp_path / "company", "--from", "branches").exit_code == 0
    return tmp_path / "company"


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_examples_that_hold_are_no_finding(company):
    assert run("check", company, "--cases").stdout == "errors: 0, warnings: 0, notes: 0\n"


def test_an_example_that_a_change_breaks_is_named_with_its_place(company):
    change(company / "deadlines.csv", "7 working h", "8 working h")
    assert run("check", company).exit_code == 0
    checked = run("check", company, "--cases", "--json")
    found = json.loads(checked.stdout)["problems"]
    # 09:00 to 12:00 and 13:00 to 18:00 are the eight hours; the example expects seven.
    (first,) = [one for one in found if "`suburb call on Monday morning`" in one["message"]["en"]]
    text = (company / "cases.toml").read_text(encoding="utf-8").splitlines()
    line = text.index('name = "suburb call on Monday morning"')
    assert (checked.exit_code, first["code"], first["place"]["line"]) == (1, "case-fails", line)
    assert first["message"]["en"] == (
        "case `suburb call on Monday morning` expects `2026-03-02T17:00:00` of `targets.arrived.due`, "
        "but it is `2026-03-02T18:00:00+08:00`"
    )
    assert not any("city" in one["message"]["en"] for one in found)


def test_a_zone_that_is_not_listed_is_refused_wherever_it_stands(company):
    change(company / "zones.csv", "yes,city,", "yes,ctiy,")
    change(company / "deadlines.csv", "no,yes,suburb,", "no,yes,island,")
    checked = run("check", company)
    assert checked.exit_code == 1
    assert "cannot read `ctiy` in column `zone` of rule `city`" in checked.stdout
    assert "help: did you mean `city`?" in checked.stdout
    assert "cannot read `island` in column `service_zone` of rule `suburb`" in checked.stdout
    assert "errors: 2," in checked.stdout


def test_zones_are_free_where_none_are_listed(company):
    change(company / "policy.toml", ZONES, "")
    change(company / "zones.csv", "yes,city,", "yes,centre,")
    change(company / "deadlines.csv", "no,yes,city,", "no,yes,centre,")
    told = run("check", company)
    assert told.exit_code == 0
    # Of open text nobody lists all values, so there is no gap left to accept.
    assert "warning: finding `gap` is accepted, but there is none" in told.stdout
    assert told.stdout.endswith("errors: 0, warnings: 1, notes: 0\n")


def test_an_escalation_without_a_target_is_shown_by_what_is_done(tmp_path):
    ticket = tmp_path / "ticket.json"
    facts = {"request_kind": "complaint", "received_at": "2026-03-02T09:00:00", "problem_class": "quality"}
    ticket.write_text(json.dumps({**facts, "injury": True, "received_by": "branch"}), encoding="utf-8")
    shown = run("decide", "branches", ticket, "--at", "2026-03-02T09:30")
    assert shown.exit_code == 0
    assert "  level 2: handle it ahead of others → deputy general manager [branches-22" in shown.stdout
