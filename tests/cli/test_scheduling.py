"""`svc-policy schedule` and `svc-policy staffing`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from icalendar import Calendar

from cli.running import run, run_process
from schedule.planning import plan

PERIOD = ("--from", "2026-02-01", "--until", "2026-02-28")
ROWS = ({"anchor": "contract_until", "before": "1 month"}, {"every": "month", "on": "10", "over": "sites"})


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "contracts.csv").write_text("contract_no,contract_until\nC-1,2026-03-31\n", encoding="utf-8")
    (tmp_path / "assets.json").write_text('[{"site": "hall"}]', encoding="utf-8")
    return plan(tmp_path / "plans", *ROWS)


def files(pack: Path) -> tuple[object, ...]:
    return ("--contracts", pack.parent / "contracts.csv", "--assets", pack.parent / "assets.json")


def test_a_schedule_is_shown_day_by_day(pack: Path) -> None:
    done = run("schedule", pack, *PERIOD, *files(pack))
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[2:] == [
        "Tuesday, 10 February 2026",
        "  Daily report (site hall): the clerk [plans-1]",
        "",
        "Saturday, 28 February 2026",
        "  Daily report (contract C-1; counted from 31 March 2026): the clerk [plans-1]",
    ]
    assert "2026年2月28日 星期六" in run("schedule", pack, *PERIOD, *files(pack), "--lang", "zh").stdout


def test_a_schedule_is_json(pack: Path) -> None:
    found = json.loads(run("schedule", pack, *PERIOD, *files(pack), "--json").stdout)
    assert [(item["on"], item["subject"]) for item in found["occurrences"]] == [
        ("2026-02-10", "hall"),
        ("2026-02-28", "C-1"),
    ]
    assert found["policy"]["id"] == "plans"
    assert json.loads(run("schedule", pack, *PERIOD, "--json").stdout)["occurrences"] == []


def test_a_calendar_is_written(pack: Path) -> None:
    path = pack.parent / "plans.ics"
    done = run("schedule", pack, *PERIOD, *files(pack), "--ics", path, "--at", "2026-01-01T00:00")
    assert done.exit_code == 0, done.output
    assert done.stderr == f"wrote 2 events to {path}\n"
    assert "Tuesday, 10 February 2026" in done.stdout
    parsed = Calendar.from_ical(path.read_bytes())
    assert [event.decoded("dtstamp").isoformat() for event in parsed.walk("VEVENT")] == [
        "2025-12-31T16:00:00+00:00"
    ] * 2
    again = run_process("schedule", pack, *PERIOD, *files(pack), "--ics", "-", "--at", "2026-01-01T00:00")
    assert (again.returncode, again.stdout) == (0, path.read_bytes())
    assert list(pack.parent.glob(".*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "`--from` is missing"),
        (("--from", "2026-02-01"), "`--until` is missing"),
        (("--from", "2026-02-01", "--until", "2026-01-01"), "ends before it begins"),
        (("--from", "2026-13-01", "--until", "soon"), "2 problems"),
        ((*PERIOD, "--contracts", "none.csv"), "none.csv: there is no such file"),
        ((*PERIOD, "--assets", "none.json"), "there is no such file"),
        ((*PERIOD, "--ics", "no/such/folder.ics"), "cannot write `no/such/folder.ics`"),
        ((*PERIOD, "--ics", "-", "--json"), "not both"),
        ((*PERIOD, "--ics", "x.ics", "--at", "noon"), "cannot read `noon`"),
    ],
)
def test_a_wrong_use_is_a_problem(
    pack: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(pack.parent)
    done = run("schedule", pack, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_problems_of_all_rows_of_a_file_are_shown(pack: Path) -> None:
    path = pack.parent / "bad.csv"
    path.write_text("contract_no,contract_until\nA,soon\nB,later\n", encoding="utf-8")
    done = run("schedule", pack, *PERIOD, "--contracts", path)
    assert done.exit_code == 2
    assert f"{path}:2:3: cannot read `soon` in `contract_until` of contract 1" in done.stderr
    assert f"{path}:3:3: cannot read `later` in `contract_until` of contract 2" in done.stderr


def test_posts_are_counted(tmp_path: Path) -> None:
    pack = plan(tmp_path, {"staff": "1", "per": "jobs", "each": "50"}, family="staffing")
    done = run("staffing", pack, "--workload", "jobs=120", "--at", "2026-01-05")
    assert done.stdout.splitlines()[2:] == ["  Clerk: 3 (one more for each 50 of “jobs”) [plans-1]"]
    found = json.loads(run("staffing", pack, "--workload", "jobs=120", "--json").stdout)
    assert [(post["post"], post["staff"]) for post in found["posts"]] == [("clerk", 3)]
    assert found["workload"] == {"jobs": 120}


@pytest.mark.parametrize("workload", ["jobs", "jobs=", "=5", "jobs=many", "jobs=-1", "jobs=²", "houses=1"])
def test_a_workload_that_cannot_be_is_a_problem(tmp_path: Path, workload: str) -> None:
    pack = plan(tmp_path, {"staff": "1", "per": "jobs", "each": "50"}, family="staffing")
    done = run("staffing", pack, "--workload", workload)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert "help: " in done.stderr


@pytest.mark.parametrize(
    ("name", "en", "zh"),
    [
        ("missing/plans.ics", "there is no such file or folder", "没有这个文件或文件夹"),
        (".", "this is a folder", "这是一个文件夹"),
        ("contracts.csv/plans.ics", "this is not a folder", "这不是文件夹"),
    ],
)
def test_why_nothing_is_written_is_said_in_the_readers_language(pack: Path, name: str, en: str, zh: str) -> None:
    path = pack.parent / name
    for language, reason in (("en", en), ("zh", zh)):
        done = run("schedule", pack, *PERIOD, "--ics", path, "--lang", language)
        assert done.exit_code == 2 and reason in done.stderr, done.output
