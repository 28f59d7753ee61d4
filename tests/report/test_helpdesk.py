"""The real log of a help desk, which lies outside the project, under two more policies; counted by another way."""

from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from svc_policy import load
from svc_policy.report import Report, run_report
from svc_policy.statistics import year
from svc_policy.worktime import WorkCalendar
from svc_policy.worktime.frozen import frozen_dates
from svc_policy.worktime.frozen_file import read_frozen

ROOT = Path(__file__).parent.parent.parent
HELPDESK = ROOT / "examples" / "helpdesk"
ROME = ZoneInfo("Europe/Rome")
AT = 1388751658  # 2014-01-03 13:20:58 in Rome, the last event


@pytest.fixture(scope="module")
def log() -> Path:
    path = Path(os.environ.get("SVC_POLICY_SHARED", ROOT.parent / "shared")) / "data" / "helpdesk_events.csv"
    if not path.is_file():
        pytest.skip(f"no {path}; SVC_POLICY_SHARED names the folder of shared data")
    return path


@pytest.fixture(scope="module")
def cases(log: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the events of each case, in the order of the log, with the standard library alone."""
    found: dict[str, list[dict[str, Any]]] = {}
    with log.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            local = datetime.strptime(row["Complete Timestamp"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=ROME)
            found.setdefault(row["Case ID"], []).append({**row, "at": int(local.timestamp()), "day": local.date()})
    return found


@pytest.fixture(scope="module")
def branches(log: Path) -> Report:
    return run_report(log, load("branches"), mapping=HELPDESK / "branches.toml", period=year("2012"))


@pytest.fixture(scope="module")
def campus(log: Path) -> Report:
    return run_report(log, load("campus"), mapping=HELPDESK / "campus.toml", period=year("2012"))


def times(events: list[dict[str, Any]], activity: str) -> list[int]:
    return [event["at"] for event in events if event["Activity"] == activity]


def of_2012(cases: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {case: events for case, events in cases.items() if min(event["day"] for event in events).year == 2012}


def first(events: list[dict[str, Any]]) -> dict[str, Any]:
    return min(events, key=lambda event: event["at"])


def test_nothing_is_lost(branches: Report, campus: Report, cases: dict[str, list[dict[str, Any]]]) -> None:
    for report in (branches, campus):
        assert report.summary["rows"] == {"in": 21348, "used": 21348, "rejected": 0}
        assert report.statistics["all_tickets"] == 4580
        assert report.statistics["tickets"] == len(of_2012(cases)) == 1412


def test_arrival_within_six_or_seven_working_hours(branches: Report, cases: dict[str, list[dict[str, Any]]]) -> None:
    week = {day: ["09:00-13:00", "14:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    calendar = WorkCalendar.from_week(
        tz="Europe/Rome",
        week=week,
        dates=frozen_dates(read_frozen(HELPDESK / "italy.csv"), week),  # type: ignore[arg-type]
        valid=("2010-01-01", "2014-12-31"),
    )
    hours = {"Value 1": 6, "Value 2": 7, "Value 3": 7}
    counted: Counter[str] = Counter()
    for events in of_2012(cases).values():
        if first(events)["service_type"] != "Value 1" or first(events)["support_section"] not in hours:
            counted["not applicable"] += 1
            continue
        received = first(events)["at"]
        due = calendar.deadline_s(received, hours[first(events)["support_section"]] * 3600)
        assert due is not None
        taken = times(events, "Take in charge ticket")
        if taken:
            counted["met" if min(taken) <= due else "late"] += 1
        else:
            counted["breached" if due < AT else "pending"] += 1
    assert branches.statistics["targets"]["arrived"] == counted
    assert counted["late"] > 100


def test_replies_to_complaints_within_a_day(branches: Report, cases: dict[str, list[dict[str, Any]]]) -> None:
    counted: Counter[str] = Counter()
    for events in of_2012(cases).values():
        taken, solved = times(events, "Take in charge ticket"), times(events, "Resolve ticket")
        if first(events)["service_type"] == "Value 2" and taken and solved:
            counted["met" if min(solved) <= min(taken) + 86_400 else "late"] += 1
    found = branches.statistics["targets"]["replied"]
    assert {status: found.get(status, 0) for status in ("met", "late")} == counted


def test_repeated_repairs(campus: Report, cases: dict[str, list[dict[str, Any]]]) -> None:
    repairs = []
    for case, events in cases.items():
        solved = times(events, "Resolve ticket")
        ended = max(solved) if solved else max(times(events, "Closed"), default=None)
        start = first(events)
        repairs.append((case, (start["customer"], start["product"]), start["at"], ended))
    parameter = campus.policy.pack.settings.parameters.get("repeat_look_back")
    if parameter is not None:
        pytest.skip("the policy has a look-back of its own, which this count does not know")
    of_device: dict[tuple[str, str], list[tuple[str, int | None]]] = {}
    for case, which, _, ended in repairs:
        of_device.setdefault(which, []).append((case, ended))
    wanted = of_2012(cases)
    found = [
        any(end is not None and end < at and name != case for name, end in of_device[which])
        for case, which, at, ended in repairs
        if ended is not None and case in wanted
    ]
    assert campus.statistics["repeats"]["repairs"] == len(found)
    assert campus.statistics["repeats"]["repeated"] == sum(found)


def test_products_are_ranked(campus: Report, cases: dict[str, list[dict[str, Any]]]) -> None:
    counts = Counter(first(events)["product"] for events in of_2012(cases).values())
    found = campus.statistics["rankings"]["fault_code"]["ranking"]
    assert {row["name"]: row["tickets"] for row in found} == counts
    few = [row["tickets"] for row in found if row["few"]]
    assert sum(few) * 10 >= 8 * sum(counts.values()) > sum(few[:-1]) * 10


def test_the_pages(branches: Report, campus: Report) -> None:
    for report in (branches, campus):
        for language, month in (("en", "2012"), ("zh", "2012年")):
            page = report.html(language)  # type: ignore[arg-type]
            assert month in page and "1,412" in page
