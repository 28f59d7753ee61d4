"""`audit`: a log goes in, findings come out, and the exit code says whether there are any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.running import run
from svc_policy import load
from svc_policy.audit import run_audit

#: An inquiry that was passed on and answered in time, with every fact that a rule asks for.
FACTS = {
    "ticket_id": "1",
    "received_at": "2026-03-02T09:00:00",
    "request_kind": "inquiry",
    "relayed_at": "2026-03-02T10:00:00",
    "contacted_at": "2026-03-02T11:00:00",
    "answered_at": "2026-03-02T12:00:00",
    "closed_at": "2026-03-02T13:00:00",
    "customer_phone": "0571",
    "customer_kind": "person",
    "delivered_on": "2025-09-01",
    "cause": "product",
    "on_site": "false",
    "solved_by_telephone": "true",
    "parts_needed": "false",
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(f"{','.join(FACTS)}\n{','.join(FACTS.values())}\n", encoding="utf-8")
    return path


def make_late(log: Path) -> None:
    """Let the inquiry be answered a day after its time, 18:00 of the day on which it came."""
    log.write_text(
        log.read_text(encoding="utf-8").replace("2026-03-02T12:00:00", "2026-03-03T18:00:00"), encoding="utf-8"
    )


def test_a_log_without_findings_is_fine(log):
    done = run("audit", log, "--policy", "mall")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "rows: 1 = 1 used + 0 rejected" in done.stdout


def test_the_database_draws_no_progress_bar_among_the_results(log):
    with run_audit(log, load("mall")) as result:
        for connection in (result.connection, result.connection.cursor()):
            assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_findings_are_shown_and_told_by_the_exit_code(log):
    make_late(log)
    done = run("audit", log, "--policy", "mall", "--at", "2026-03-04T09:00")
    assert done.exit_code == 1
    assert "as of 2026-03-04T09:00:00+08:00" in done.stdout and "SLA001" in done.stdout
    assert "审核时刻" in run("audit", log, "--policy", "mall", "--lang", "zh").stdout


def test_findings_as_json_are_findings(log):
    make_late(log)
    found = json.loads(run("audit", log, "--policy", "mall", "--format", "json").stdout)
    late = [one for one in found["findings"] if one["code"] == "SLA001"]
    assert [(one["ticket_id"], one["target"], one["clauses"]) for one in late] == [
        ("1", "answered", ["mall-3.1", "mall-cal"])
    ]


def test_the_whole_result_goes_into_a_folder(log, tmp_path):
    make_late(log)
    assert run("audit", log, "--policy", "mall", "--out", tmp_path / "out").exit_code == 1
    assert {"findings.csv", "summary.json"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    "arguments", [("nothing.csv", "--policy", "mall"), ("log.csv", "--policy", "mal"), ("log.csv",)]
)
def test_what_cannot_be_read_is_wrong_use(log, arguments, monkeypatch):
    monkeypatch.chdir(log.parent)
    refused = run("audit", *arguments)
    assert refused.exit_code == 2 and refused.stdout == "" and refused.stderr != ""
