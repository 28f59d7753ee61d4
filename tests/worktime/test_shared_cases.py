"""Every case of the shared files: other projects' suites and the written conventions."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from svc_policy.worktime import WorkCalendar, absolute_deadline, add_months, add_months_to_day

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SVC_POLICY_SHARED", ROOT.parent / "shared"))
PEERS = SHARED / "cases" / "worktime_peers.jsonl"
CONVENTIONS = SHARED / "cases" / "worktime_conventions.jsonl"
EPOCH = dt.date(1970, 1, 1)


def lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def items(cases: list[dict[str, Any]], path: Path) -> list[Any]:
    absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"there is no file {path}"))
    return [pytest.param(case, id=case["id"]) for case in cases] or [absent]


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def spans(pauses: list[list[str]] | None) -> list[tuple[dt.datetime, dt.datetime]]:
    return [(instant(begins), instant(ends)) for begins, ends in pauses or []]


# --- peers

PEER_CASES = lines(PEERS)


@functools.cache
def peer_calendar(text: str, year: int) -> WorkCalendar:
    spec = json.loads(text)
    return WorkCalendar.from_week(**spec, valid=(f"{year - 1}-01-01", f"{year + 10}-12-31"))


@pytest.mark.parametrize("case", items(PEER_CASES, PEERS))
def test_peers(case: dict[str, Any]) -> None:
    at = instant(case.get("start") or case["at"])
    calendar = peer_calendar(json.dumps(case["calendar"]), at.year)
    expected = case["expect"]
    amount = case.get("amount", 0)
    holds = spans(case.get("pauses"))
    match case["op"]:
        case "add" | "sub" as operation:
            signed = amount if operation == "add" else -amount
            stay = calendar.deadline(at, signed, holds)
            if case["boundary"] == "stay" or stay == instant(expected):
                assert stay == instant(expected)
            else:
                assert calendar.deadline(at, signed, holds, at_end="roll") == instant(expected)
        case "between":
            assert calendar.elapsed(at, instant(case["end"]), holds) == expected
        case "is_open":
            assert calendar.is_open(at) is expected
        case "next_open":
            assert calendar.next_open(at) == instant(expected)
        case "prev_open":
            assert calendar.prev_open(at) == instant(expected)
        case "next_close":
            assert calendar.next_close(at) == instant(expected)
        case "add_days":
            assert calendar.add_workdays(at, amount) == instant(expected)
        case "add_days_open":
            assert calendar.add_workdays(at, amount, landing="opening") == instant(expected)
        case "add_days_close":
            assert calendar.add_workdays(at, amount, landing="closing") == instant(expected)
        case "is_workday":
            assert calendar.is_workday(at) is expected
        case other:
            pytest.fail(f"unknown operation {other}")


# --- conventions

CONVENTION_LINES = lines(CONVENTIONS)
CALENDARS = {line["id"]: line for line in CONVENTION_LINES if line["kind"] == "calendar"}
CONVENTION_CASES = [line for line in CONVENTION_LINES if line["kind"] == "case"]


@functools.cache
def convention_calendar(name: str) -> WorkCalendar:
    spec = CALENDARS[name]
    return WorkCalendar.from_week(tz=spec["tz"], week=spec["week"], dates=spec["dates"], valid=spec["valid"])


@pytest.mark.parametrize("case", items(CONVENTION_CASES, CONVENTIONS))
def test_conventions(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if case["op"] == "add_months":
        start = dt.date.fromisoformat(case["start"])
        months = case["allowance"]["value"]
        wanted = dt.date.fromisoformat(expected)
        assert add_months(start, months) == wanted
        assert add_months_to_day((start - EPOCH).days, months) == (wanted - EPOCH).days
        return
    start_at = instant(case["start"])
    if case["op"] == "add_hours":
        due_s = absolute_deadline(int(start_at.timestamp()), case["allowance"]["value"] * 3600)
        assert due_s == instant(expected).timestamp()
        return
    calendar = convention_calendar(case["calendar"])
    holds = spans(case["pauses"])
    if case["op"] == "elapsed":
        assert calendar.elapsed(start_at, instant(case["end"]), holds) == expected
        return
    allowance = case["allowance"]
    if allowance["unit"] == "working_days":
        due = calendar.workday_deadline(start_at, allowance["value"], holds)
    else:
        due = calendar.deadline(start_at, allowance["value"], holds, at_end=case["at_end"])
    assert due == instant(expected)
    assert due is not None
    assert due.tzinfo == start_at.tzinfo


def test_the_shared_files_are_complete() -> None:
    if not PEERS.is_file():
        pytest.skip(f"there is no file {PEERS}")
    assert len(PEER_CASES) >= 322
    assert len(CALENDARS) >= 9
    assert len(CONVENTION_CASES) >= 118
