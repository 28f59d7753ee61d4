"""Laws of schedules, on random periods, contracts and devices, against a slow way over dates of the library."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedule.planning import policy
from svc_policy import Policy
from svc_policy.errors import CalendarError, PackError, Problem

ROWS = (
    {"every": "day"},
    {"every": "working day", "after": "1 working day"},
    {"every": "week", "on": "tue, sat", "moved": "previous working day"},
    {"every": "month", "on": "31", "moved": "next working day"},
    {"every": "month", "on": "last", "before": "5 working days"},
    {"every": "quarter", "on": "last", "after": "10 days"},
    {"every": "year", "on": "02-29", "before": "1 month", "over": "contracts"},
    {"every": "2 months", "first": "2022-12-31", "phases": "3"},
    {"every": "10 working days", "first": "2020-01-06"},
    {"anchor": "contract_until", "before": "1 month"},
    {"anchor": "contract_until", "before": "3 working days", "moved": "previous working day"},
    {"anchor": "contract_from", "every": "month", "moved": "next working day"},
    {"anchor": "accepted_on", "every": "6 months", "after": "1 month", "phases": "4"},
    {"anchor": "installed_on", "every": "45 days"},
)
FIRST, LAST = date(2021, 1, 1), date(2029, 12, 31)
OFF = {date(year, month, day) for year in range(2020, 2031) for month, day in ((1, 1), (5, 1), (5, 2), (12, 31))}

days = st.dates(FIRST, LAST)
contracts = st.lists(
    st.tuples(days, days).map(lambda pair: {"contract_from": min(pair), "contract_until": max(pair)}), max_size=3
).map(lambda found: [{"contract_no": f"C{number}", **one} for number, one in enumerate(found)])
assets = st.lists(st.fixed_dictionaries({"accepted_on": days, "installed_on": days}), max_size=3).map(
    lambda found: [{"serial_no": f"S{number}", **one} for number, one in enumerate(found)]
)
periods = st.tuples(days, st.integers(0, 500)).map(lambda pair: (pair[0], min(LAST, pair[0] + timedelta(pair[1]))))


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    frozen = "day,windows,why\n" + "".join(f"{day},off,\n" for day in sorted(OFF))
    folder: Path = tmp_path_factory.mktemp("plans")
    text = (policy(folder / "usual", *ROWS).pack.files.texts["policy"][0]).replace(
        '"2026-01-01", "2026-12-31"', '"2020-01-01", "2030-12-31"'
    )
    return policy(folder / "long", *ROWS, replaced={"policy.toml": text, "calendar.csv": frozen})


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in OFF


def moved(day: date, step: int) -> date:
    while not works(day):
        day += timedelta(step)
    return day


def workdays(day: date, count: int) -> date:
    for _ in range(abs(count)):
        day = moved(day + timedelta(1 if count > 0 else -1), 1 if count > 0 else -1)
    return day


def months(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_end(day: date) -> bool:
    return (day + timedelta(1)).day == 1


Due = tuple[date, str, str | None]


def slowly(contracts: list[dict], assets: list[dict]) -> Iterator[Due]:
    """Yield everything that is due from 2020 to 2031, going through every day: when, by which rule, about what."""
    span = [date(2020, 6, 1) + timedelta(number) for number in range(365 * 10)]
    for day in span:
        yield day, "r1", None
        if works(day):
            yield workdays(day, 1), "r2", None
        if day.weekday() in (1, 5):
            yield moved(day, -1), "r3", None
        if month_end(day):
            yield moved(day, 1), "r4", None
            yield workdays(day, -5), "r5", None
        if month_end(day) and day.month % 3 == 0:
            yield day + timedelta(10), "r6", None
        if month_end(day) and day.month == 2:
            for contract in contracts:
                if contract["contract_from"] <= day <= contract["contract_until"]:
                    yield months(day, -1), "r7", contract["contract_no"]
    for number in range(60):
        yield months(date(2022, 12, 31), 2 * number), "r8", None
    day = date(2020, 1, 6)
    for _ in range(265):
        yield day, "r9", None
        day = workdays(day, 10)
    for contract in contracts:
        name, begins, ends = contract["contract_no"], contract["contract_from"], contract["contract_until"]
        yield months(ends, -1), "r10", name
        yield moved(workdays(ends, -3), -1), "r11", name
        for number in range(1, 130):
            if months(begins, number) <= ends:
                yield moved(months(begins, number), 1), "r12", name
    for asset in assets:
        for number in range(4):
            yield months(asset["accepted_on"], 1 + 6 * number), "r13", asset["serial_no"]
        for number in range(1, 100):
            yield asset["installed_on"] + timedelta(45 * number), "r14", asset["serial_no"]


@settings(max_examples=60, deadline=None)
@given(contracts=contracts, assets=assets, period=periods)
def test_a_schedule_is_what_going_through_every_day_finds(
    plans: Policy, contracts: list[dict], assets: list[dict], period: tuple[date, date]
) -> None:
    found = plans.schedule(contracts, assets, from_=period[0], until=period[1]).occurrences
    expected = [item for item in slowly(contracts, assets) if period[0] <= item[0] <= period[1]]
    order = {f"r{number}": number for number in range(1, len(ROWS) + 1)}
    key = lambda item: (item[0], order[item[1]], item[2] or "")  # noqa: E731
    assert sorted(((item.on, item.rule.rule, item.subject) for item in found), key=key) == sorted(expected, key=key)


@settings(max_examples=100, deadline=None)
@given(contracts=contracts, assets=assets, period=periods, data=st.data())
def test_a_period_in_two_parts_has_the_same_occurrences(
    plans: Policy, contracts: list[dict], assets: list[dict], period: tuple[date, date], data: st.DataObject
) -> None:
    first, last = period
    whole = plans.schedule(contracts, assets, from_=first, until=last).occurrences
    cut = data.draw(st.dates(first, last))
    parts = plans.schedule(contracts, assets, from_=first, until=cut).occurrences
    if cut < last:
        parts += plans.schedule(contracts, assets, from_=cut + timedelta(1), until=last).occurrences
    assert parts == whole


@settings(max_examples=30, deadline=None)
@given(contracts=contracts, assets=assets, period=periods)
def test_nothing_lies_outside_the_period_and_all_is_in_order(
    plans: Policy, contracts: list[dict], assets: list[dict], period: tuple[date, date]
) -> None:
    found = plans.schedule(contracts, assets, from_=period[0], until=period[1]).occurrences
    assert all(period[0] <= item.on <= period[1] for item in found)
    assert [item.on for item in found] == sorted(item.on for item in found)
    assert all(works(item.on) and not works(item.moved_from) for item in found if item.moved_from)


@settings(max_examples=30, deadline=None)
@given(contracts=contracts.filter(bool))
def test_each_contract_has_one_notice_a_clamped_month_before_its_end(plans: Policy, contracts: list[dict]) -> None:
    found = plans.schedule(contracts, from_=FIRST - timedelta(40), until=LAST).occurrences
    notices = {item.subject: item.on for item in found if item.rule.rule == "r10"}
    assert len(notices) == sum(item.rule.rule == "r10" for item in found) == len(contracts)
    for contract in contracts:
        ends, notice = contract["contract_until"], notices[contract["contract_no"]]
        assert (ends.year * 12 + ends.month) - (notice.year * 12 + notice.month) == 1
        assert notice.day == ends.day or (month_end(notice) and notice.day < ends.day)


def cells(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(("-", *values))


any_row = st.fixed_dictionaries(
    {
        "every": cells("day", "working day", "week", "month", "quarter", "year", "open", "10 days", "3 working days"),
        "on": cells("mon", "10", "31", "first", "last", "02-29"),
        "first": cells("2021-01-31", "2026-05-01"),
        "anchor": cells("contract_from", "contract_until", "accepted_on"),
        "before": cells("1 month", "3 working days"),
        "after": cells("2 weeks", "1 working day"),
        "moved": cells("next working day", "previous working day"),
        "over": cells("contracts", "assets", "sites", "customers"),
        "phases": cells("1", "3"),
        "decided by": cells("head"),
    }
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=any_row, contracts=contracts, assets=assets, period=periods)
def test_every_row_that_can_be_loaded_can_be_laid_out(
    tmp_path: Path, row: dict[str, str], contracts: list[dict], assets: list[dict], period: tuple[date, date]
) -> None:
    refused: tuple[Problem, ...] = ()
    found = None
    try:
        found = policy(tmp_path, row).schedule(contracts, assets, from_=period[0], until=period[1])
    except (PackError, CalendarError) as error:
        refused = error.problems
    # The calendar of these packs is valid in 2026 only.
    assert all(item.code.startswith(("schedule-", "calendar-")) and item.place for item in refused)
    if found is not None:
        assert all(period[0] <= item.on <= period[1] for item in found.occurrences)
        assert not (found.occurrences and any(item.missing is None for item in found.undated))
