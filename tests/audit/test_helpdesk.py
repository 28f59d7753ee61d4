"""The real log of a help desk, which lies outside the project: every ticket decided, and checked by another way."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from svc_policy.audit import AuditResult, run_audit
from svc_policy.worktime import WorkCalendar
from svc_policy.worktime.frozen import frozen_dates
from svc_policy.worktime.frozen_file import read_frozen

from .conftest import ROOT

HELPDESK = ROOT / "examples" / "helpdesk"
ROME = ZoneInfo("Europe/Rome")


@pytest.fixture(scope="module")
def log(shared: Path) -> Path:
    path = shared / "data" / "helpdesk_events.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="module")
def result(mall: Any, log: Path) -> Iterator[AuditResult]:
    with run_audit(log, mall, mapping=HELPDESK / "mapping.toml") as found:
        yield found


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    week = {day: ["09:00-13:00", "14:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    return WorkCalendar.from_week(
        tz="Europe/Rome",
        week=week,
        dates=frozen_dates(read_frozen(HELPDESK / "italy.csv"), week),  # type: ignore[arg-type]
        valid=("2010-01-01", "2014-12-31"),
    )


def cases(log: Path) -> dict[str, list[tuple[int, str]]]:
    """Read the events of each case with the standard library alone."""
    found: dict[str, list[tuple[int, str]]] = {}
    with log.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            local = datetime.strptime(row["Complete Timestamp"], "%Y/%m/%d %H:%M:%S.%f")
            found.setdefault(row["Case ID"], []).append((int(local.replace(tzinfo=ROME).timestamp()), row["Activity"]))
    return found


def test_nothing_is_lost(result: AuditResult) -> None:
    assert result.summary["rows"] == {"in": 21348, "used": 21348, "rejected": 0}
    assert result.summary["tickets"] == {"in": 4580, "decided": 4580, "rejected": 0}


def test_the_instant_is_the_latest_in_the_log(result: AuditResult) -> None:
    assert result.summary["at"] == "2014-01-03T13:20:58+01:00"


def test_case_1_by_hand(result: AuditResult) -> None:
    # Received Tuesday 2012-10-09 14:50:17, eight working hours later is Wednesday 14:50:17; resolved Thursday 25
    # October 11:54:26. Rest of that Wednesday 3:09:43, ten days of 8 hours, and 2:54:26 come to 86:04:09.
    found = [one for one in result.findings(code="SLA001") if one["ticket_id"] == "Case 1"]
    assert [(one["target"], one["late_s"], one["clock"]) for one in found] == [("solution", 309_849, "working")]


def test_contact_of_every_ticket_another_way(result: AuditResult, log: Path, calendar: WorkCalendar) -> None:
    late: dict[str, int] = {}
    missed: dict[str, int] = {}
    at = 1388751658  # 2014-01-03 13:20:58 in Rome
    for case, events in cases(log).items():
        due = calendar.deadline_s(min(event[0] for event in events), 4 * 3600)
        assert due is not None
        taken = [event[0] for event in events if event[1] == "Take in charge ticket"]
        closed = [event[0] for event in events if event[1] == "Closed"]
        if taken and min(taken) > due:
            late[case] = calendar.elapsed_s(due, min(taken))
        elif not taken and (max(closed) if closed else at) > due:
            missed[case] = calendar.elapsed_s(due, max(closed) if closed else at)
    found = {
        code: [one for one in result.findings(code=code) if one["target"] == "contacted"]
        for code in ("SLA001", "SLA002")
    }
    assert {one["ticket_id"]: one["late_s"] for one in found["SLA001"]} == late
    assert {one["ticket_id"]: one["late_s"] for one in found["SLA002"]} == missed
    assert len(late) > 1000


def test_each_missed_contact_has_a_penalty(result: AuditResult) -> None:
    targets = result.summary["targets"]["contacted"]
    missed = targets["late"] + targets["breached"]
    assert result.summary["findings"]["PEN001"]["count"] == missed
    assert result.summary["money"]["penalty_least_minor"] == 5000 * missed


def test_the_calendar_of_the_mapping_is_in_the_digest(result: AuditResult, mall: Any) -> None:
    assert result.summary["policy"]["digest"] != mall.digest
