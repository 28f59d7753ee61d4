"""The file for calendars, read back by the package that others read it with."""

from __future__ import annotations

import builtins
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar, Event

from schedule.planning import CALENDAR, policy
from svc_policy import Policy
from svc_policy.adapters.icalendar import schedule_calendar, uids_of
from svc_policy.errors import UsageError
from svc_policy.schedule import Schedule

STAMP = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
AWKWARD = 'Acme; "Sons", \\n & 宏达\\,\nline two: {name} 😀'
CONTRACTS = [
    {"contract_no": "C-1", "customer": AWKWARD, "contract_until": "2026-03-31"},
    {"contract_no": "C-2", "contract_until": "2026-03-31"},
]
ROWS = (
    {"anchor": "contract_until", "before": "1 month", "cite": "plans-1 plans-2"},
    {"every": "month", "on": "16", "moved": "next working day"},
    {"every": "working day", "after": "1 working day"},
    {"every": "open", "decided by": "head"},
)


def laid_out(folder: Path, **options: Any) -> tuple[Policy, Schedule]:
    plans = policy(folder, *ROWS, **options)
    return plans, plans.schedule(CONTRACTS, from_="2026-02-02", until="2026-03-31")


def events_of(content: bytes) -> list[Event]:
    parsed = Calendar.from_ical(content)
    assert isinstance(parsed, Calendar)
    return [item for item in parsed.walk("VEVENT") if isinstance(item, Event)]


def test_each_occurrence_is_an_event_of_a_whole_day(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path)
    events = events_of(schedule_calendar(schedule, plans))
    assert [event.decoded("dtstart") for event in events] == [item.on for item in schedule.occurrences]
    assert all(type(event.decoded("dtstart")) is date and "dtend" not in event for event in events)
    assert len(events) == len(schedule.occurrences) > 40


def test_texts_come_back_as_they_were(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path)
    content = schedule_calendar(schedule, plans)
    (notice,) = [event for event in events_of(content) if "C-1" in event["summary"]]
    assert notice["summary"].startswith("Daily report (contract C-1, Acme; ")
    assert AWKWARD in notice["summary"]
    lines = str(notice["description"]).replace(AWKWARD, "…").splitlines()
    assert lines == [
        "Daily report (contract C-1, …; counted from 31 March 2026): the clerk",
        "plans-1, 1: The plan.",
        "plans-2, 2: The staff.",
    ]
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_the_calendar_speaks_chinese(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path)
    content = schedule_calendar(schedule, plans, "zh")
    (moved,) = [
        event
        for event in events_of(content)
        if event.decoded("dtstart") == date(2026, 2, 23) and "调" in event["summary"]
    ]
    assert moved["summary"] == "日报（由2026年2月16日 星期一调整）"
    assert "计划。" in moved["description"]
    assert Calendar.from_ical(content)["x-wr-calname"] == "计划"


def test_a_second_run_differs_in_its_stamp_alone(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path / "one")
    again, second = laid_out(tmp_path / "two")
    first = schedule_calendar(schedule, plans, stamp=STAMP)
    assert schedule_calendar(second, again, stamp=STAMP) == first
    later = schedule_calendar(second, again, stamp=STAMP + timedelta(days=1))
    assert later != first
    assert later.replace(b"20260103T030405Z", b"20260102T030405Z") == first


def test_the_stamp_is_written_in_utc_and_now_unless_given(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path)
    local = STAMP.astimezone(timezone(timedelta(hours=8)))
    stamps = {event.decoded("dtstamp") for event in events_of(schedule_calendar(schedule, plans, stamp=local))}
    assert stamps == {STAMP.replace(microsecond=0)}
    before = datetime.now(UTC).replace(microsecond=0)
    (now,) = {event.decoded("dtstamp") for event in events_of(schedule_calendar(schedule, plans))}
    assert before <= now <= datetime.now(UTC)
    with pytest.raises(UsageError, match="`stamp` has no time zone"):
        schedule_calendar(schedule, plans, stamp=datetime(2026, 1, 1))


def test_each_event_has_a_uid_of_its_own_that_stays(tmp_path: Path) -> None:
    _, schedule = laid_out(tmp_path / "one")
    uids = uids_of(schedule)
    assert len(set(uids)) == len(uids)
    # Another working calendar moves the event of 16 February and keeps its name.
    _, other = laid_out(
        tmp_path / "two", replaced={"calendar.csv": CALENDAR.replace("2026-02-20,off", "2026-02-23,off")}
    )
    days = {uid: item.on for uid, item in zip(uids, schedule.occurrences, strict=True) if item.rule.rule == "r2"}
    others = {
        uid: item.on for uid, item in zip(uids_of(other), other.occurrences, strict=True) if item.rule.rule == "r2"
    }
    assert days.keys() == others.keys()
    assert sorted(days.values()) == [date(2026, 2, 23), date(2026, 3, 16)]
    assert sorted(others.values()) == [date(2026, 2, 20), date(2026, 3, 16)]


def test_a_longer_period_keeps_the_names_of_a_shorter(tmp_path: Path) -> None:
    plans, schedule = laid_out(tmp_path)
    part = plans.schedule(CONTRACTS, from_="2026-02-10", until="2026-02-28")
    assert set(uids_of(part)) < set(uids_of(schedule))


def test_an_empty_schedule_is_an_empty_calendar(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "open", "decided by": "head"})
    content = schedule_calendar(plans.schedule(from_="2026-01-01", until="2026-01-02"), plans)
    assert events_of(content) == []
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")


def test_without_the_package_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans, schedule = laid_out(tmp_path)
    usual = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "icalendar":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'svc-policy\[calendar\]'"):
        schedule_calendar(schedule, plans)
