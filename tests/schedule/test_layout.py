"""Which days a row comes to, reckoned by hand on the calendar of 2026 (1 January is a Thursday)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schedule.planning import due, policy
from svc_policy.errors import CalendarError, UsageError


def days(month: int, *numbers: int) -> list[str]:
    return [f"2026-{month:02}-{number:02}" for number in numbers]


@pytest.mark.parametrize(
    ("row", "from_", "until", "expected"),
    [
        ({"every": "day"}, "2026-02-27", "2026-03-01", ["2026-02-27", "2026-02-28", "2026-03-01"]),
        # 14 February is a Saturday that is worked; 16 to 20 is the festival.
        ({"every": "working day"}, "2026-02-13", "2026-02-24", days(2, 13, 14, 23, 24)),
        ({"every": "week", "on": "mon"}, "2026-03-01", "2026-03-31", days(3, 2, 9, 16, 23, 30)),
        ({"every": "week", "on": "mon, thu"}, "2026-03-02", "2026-03-12", days(3, 2, 5, 9, 12)),
        ({"every": "每周", "on": "周五"}, "2026-03-01", "2026-03-14", days(3, 6, 13)),
        ({"every": "month", "on": "10"}, "2026-01-10", "2026-03-09", ["2026-01-10", "2026-02-10"]),
        ({"every": "month", "on": "10"}, "2026-01-11", "2026-03-10", ["2026-02-10", "2026-03-10"]),
        (
            {"every": "month", "on": "31"},
            "2026-01-31",
            "2026-04-30",
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        ({"every": "month", "on": "30, 31"}, "2026-02-01", "2026-03-31", ["2026-02-28", "2026-03-30", "2026-03-31"]),
        ({"every": "month", "on": "29"}, "2028-02-01", "2028-02-29", ["2028-02-29"]),
        ({"every": "month", "on": "last"}, "2026-02-01", "2026-03-30", ["2026-02-28"]),
        ({"every": "month", "on": "first"}, "2026-02-02", "2026-04-01", ["2026-03-01", "2026-04-01"]),
        (
            {"every": "quarter", "on": "last"},
            "2026-01-01",
            "2026-12-31",
            ["2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31"],
        ),
        ({"every": "quarter", "on": "first"}, "2026-02-10", "2026-07-01", ["2026-04-01", "2026-07-01"]),
        ({"every": "year", "on": "01-01"}, "2025-12-31", "2027-01-01", ["2026-01-01", "2027-01-01"]),
        ({"every": "year", "on": "02-29"}, "2027-01-01", "2028-12-31", ["2027-02-28", "2028-02-29"]),
        ({"every": "year", "on": "last"}, "2026-01-01", "2026-12-31", ["2026-12-31"]),
        # moving: the spring festival ends on Sunday 22 February
        ({"every": "month", "on": "16", "moved": "next working day"}, "2026-02-01", "2026-02-28", ["2026-02-23"]),
        ({"every": "month", "on": "16", "moved": "previous working day"}, "2026-02-01", "2026-02-28", ["2026-02-14"]),
        ({"every": "month", "on": "10", "moved": "next working day"}, "2026-02-01", "2026-02-28", ["2026-02-10"]),
        # it belongs to the period that it is moved into
        ({"every": "month", "on": "16", "moved": "next working day"}, "2026-02-22", "2026-02-23", ["2026-02-23"]),
        ({"every": "month", "on": "16", "moved": "next working day"}, "2026-02-10", "2026-02-22", []),
        ({"every": "month", "on": "16", "moved": "previous working day"}, "2026-02-14", "2026-02-15", ["2026-02-14"]),
        # the register of a day goes out on the next working day
        ({"every": "working day", "after": "1 working day"}, "2026-02-13", "2026-02-24", days(2, 13, 14, 23, 24)),
        ({"every": "year", "on": "01-01", "before": "1 month"}, "2026-06-01", "2026-12-31", ["2026-12-01"]),
        (
            {"every": "month", "on": "last", "before": "3 working days"},
            "2026-04-01",
            "2026-05-31",
            ["2026-04-27", "2026-05-27"],
        ),
        # from a first day
        (
            {"every": "2 months", "first": "2025-12-31"},
            "2026-01-01",
            "2026-07-01",
            ["2026-02-28", "2026-04-30", "2026-06-30"],
        ),
        ({"every": "10 days", "first": "2026-03-01"}, "2026-02-01", "2026-03-25", days(3, 1, 11, 21)),
        ({"every": "2 weeks", "first": "2020-01-06"}, "2026-03-01", "2026-03-31", days(3, 9, 23)),
        ({"every": "2 weeks", "from": "2026-03-02"}, "2026-02-01", "2026-03-31", days(3, 2, 16, 30)),
        ({"every": "5 working days", "first": "2026-02-09"}, "2026-02-01", "2026-02-28", days(2, 9, 14, 27)),
        ({"every": "month", "on": "10", "first": "2026-02-11"}, "2026-01-01", "2026-03-31", ["2026-03-10"]),
        ({"every": "week", "first": "2026-03-04"}, "2026-03-01", "2026-03-20", days(3, 4, 11, 18)),
        # editions are in force on the day before it is moved
        (
            {"every": "month", "on": "16", "until": "2026-03-16"},
            "2026-01-01",
            "2026-04-30",
            ["2026-01-16", "2026-02-16"],
        ),
    ],
)
def test_days_of_the_calendar(tmp_path: Path, row: dict[str, str], from_: str, until: str, expected: list[str]) -> None:
    assert due(policy(tmp_path, row), from_, until) == expected


@pytest.mark.parametrize(
    ("until", "notice"),
    [
        ("2026-03-31", "2026-02-28"),
        ("2028-03-31", "2028-02-29"),
        ("2026-03-28", "2026-02-28"),
        ("2026-07-31", "2026-06-30"),
        ("2026-12-31", "2026-11-30"),
        ("2027-01-15", "2026-12-15"),
    ],
)
def test_a_notice_of_expiry_is_one_month_before_clamped_to_the_months_end(
    tmp_path: Path, until: str, notice: str
) -> None:
    plans = policy(tmp_path, {"anchor": "contract_until", "before": "1 month"})
    contract = {"contract_no": "C-1", "customer": "Acme", "contract_until": until}
    (found,) = plans.schedule([contract], from_="2026-01-01", until="2028-12-31").occurrences
    assert found.on == date.fromisoformat(notice)
    assert found.counted_from == date.fromisoformat(until)
    assert (found.over, found.subject, found.customer) == ("contracts", "C-1", "Acme")
    assert found.rule.cites == ("plans-1",)


def test_a_row_repeats_from_the_date_of_an_asset(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"anchor": "accepted_on", "every": "3 months"})
    assets = [{"serial_no": "S-1", "accepted_on": "2025-11-30"}, {"serial_no": "S-2", "site": "hall"}]
    # Counted from 30 November each time: 28 February, and again the 30th.
    assert due(plans, "2026-01-01", "2026-12-31", assets=assets) == [
        "2026-02-28 S-1",
        "2026-05-30 S-1",
        "2026-08-30 S-1",
        "2026-11-30 S-1",
    ]
    (open_,) = plans.schedule(assets=assets, from_="2026-01-01", until="2026-12-31").undated
    assert (open_.subject, open_.missing, open_.decided_by) == ("S-2", "accepted_on", None)


def test_after_says_the_first_of_those_that_repeat(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"anchor": "accepted_on", "after": "1 month", "every": "6 months"})
    asset = {"serial_no": "S", "accepted_on": "2026-01-31"}
    assert due(plans, "2026-01-01", "2027-06-30", assets=[asset]) == ["2026-02-28 S", "2026-08-31 S", "2027-02-28 S"]


def test_what_repeats_in_a_contract_ends_with_it(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"anchor": "contract_from", "every": "month"})
    contract = {"contract_no": "C", "contract_from": "2026-01-15", "contract_until": "2026-04-15"}
    assert due(plans, "2026-01-01", "2026-12-31", [contract]) == ["2026-02-15 C", "2026-03-15 C", "2026-04-15 C"]


def test_days_of_the_calendar_come_for_each_contract_while_it_runs(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "10", "over": "contracts"})
    contracts = [
        {"contract_no": "A", "contract_from": "2026-02-10", "contract_until": "2026-03-09"},
        {"contract_no": "B"},
    ]
    assert due(plans, "2026-01-01", "2026-03-31", contracts) == [
        "2026-01-10 B",
        "2026-02-10 A",
        "2026-02-10 B",
        "2026-03-10 B",
    ]
    assert due(plans, "2026-01-01", "2026-03-31") == []


def test_a_kind_of_contract_is_picked(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"if contract_kind": "full", "anchor": "contract_until"})
    contracts = [
        {"contract_no": "A", "contract_until": "2026-02-01", "contract_kind": "full"},
        {"contract_no": "B", "contract_until": "2026-02-01", "contract_kind": "labour"},
        {"contract_no": "C", "contract_until": "2026-02-01"},
    ]
    assert due(plans, "2026-01-01", "2026-03-31", contracts) == ["2026-02-01 A"]


def test_sites_and_customers_come_once_each(tmp_path: Path) -> None:
    plans = policy(
        tmp_path,
        {"every": "month", "on": "1", "over": "sites"},
        {"every": "month", "on": "1", "over": "customers"},
        {"every": "month", "on": "1", "over": "assets"},
    )
    assets = [
        {"serial_no": "S1", "site": "hall", "customer": "Acme"},
        {"serial_no": "S2", "site": "hall"},
        {"site": "gym"},
    ]
    contracts = [{"contract_no": "C", "customer": "Acme"}]
    assert due(plans, "2026-03-01", "2026-03-31", contracts, assets) == [
        "2026-03-01 hall",
        "2026-03-01 gym",
        "2026-03-01 Acme",
        "2026-03-01 S1",
        "2026-03-01 S2",
        "2026-03-01 gym",
    ]


def test_phases_take_turns_from_the_first_day(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "first": "2026-01-20", "phases": "3", "over": "sites"})
    assert due(plans, "2026-03-01", "2026-05-31", assets=[{"site": "hall"}]) == [
        "2026-03-20 hall 3",
        "2026-04-20 hall 1",
        "2026-05-20 hall 2",
    ]


def test_phases_of_an_asset_end_with_the_last(tmp_path: Path) -> None:
    row = {"anchor": "accepted_on", "after": "0 days", "every": "6 months", "phase names": "early, late"}
    plans = policy(tmp_path, row)
    asset = {"serial_no": "S", "accepted_on": "2026-01-05"}
    found = plans.schedule(assets=[asset], from_="2026-01-01", until="2027-12-31").occurrences
    assert [(item.on.isoformat(), item.phase, item.phase_name) for item in found] == [
        ("2026-01-05", 1, "early"),
        ("2026-07-05", 2, "late"),
    ]


@pytest.mark.parametrize(
    ("row", "every"),
    [
        ({"every": "open", "decided by": "head"}, None),
        ({"every": "待定", "decided by": "head"}, None),
        ({"decided by": "head"}, None),
        ({"every": "week", "decided by": "head"}, "week"),
        ({"every": "3 months", "decided by": "head"}, "3 months"),
    ],
)
def test_what_is_open_is_listed_without_a_date(tmp_path: Path, row: dict[str, str], every: str | None) -> None:
    found = policy(tmp_path, row).schedule(from_="2026-01-01", until="2026-12-31")
    assert found.occurrences == ()
    (item,) = found.undated
    assert (item.occasion, item.owner, item.every, item.decided_by) == ("report", "clerk", every, "head")


def test_what_is_open_is_listed_for_each_subject_and_phase(tmp_path: Path) -> None:
    row = {"every": "open", "decided by": "head", "over": "sites", "phase names": "early, late"}
    plans = policy(tmp_path, row)
    with_sites = plans.schedule(assets=[{"site": "hall"}, {"site": "gym"}], from_="2026-01-01", until="2026-12-31")
    assert [(item.subject, item.phase, item.phase_name) for item in with_sites.undated] == [
        ("hall", 1, "early"),
        ("hall", 2, "late"),
        ("gym", 1, "early"),
        ("gym", 2, "late"),
    ]
    without = plans.schedule(from_="2026-01-01", until="2026-12-31")
    assert [(item.over, item.subject, item.phase) for item in without.undated] == [
        ("sites", None, 1),
        ("sites", None, 2),
    ]


def test_a_company_gives_an_interval_by_a_parameter(tmp_path: Path) -> None:
    row = {"every": "{rounds}", "first": "2026-01-10", "decided by": "head"}
    label = 'label.en = "rounds"\nlabel.zh = "巡检"\n'
    undecided = policy(tmp_path / "open", row, settings=f'[parameters.rounds]\nkind = "text"\nvalue = "open"\n{label}')
    assert due(undecided, "2026-01-01", "2026-12-31") == []
    decided = policy(
        tmp_path / "set", row, settings=f'[parameters.rounds]\nkind = "allowance"\nvalue = "6 months"\n{label}'
    )
    assert due(decided, "2026-01-01", "2026-12-31") == ["2026-01-10", "2026-07-10"]
    assert decided.schedule(from_="2026-01-01", until="2026-12-31").undated == ()


def test_a_dated_parameter_holds_from_its_day(tmp_path: Path) -> None:
    settings = """
[parameters.notice]
kind = "allowance"
values = [{ value = "1 month" }, { from = "2026-06-01", value = "2 months" }]
label.en = "notice"
label.zh = "通知"
"""
    plans = policy(tmp_path, {"anchor": "contract_until", "before": "{notice}"}, settings=settings)
    contracts = [
        {"contract_no": "A", "contract_until": "2026-05-31"},
        {"contract_no": "B", "contract_until": "2026-06-01"},
    ]
    assert due(plans, "2026-01-01", "2026-12-31", contracts) == ["2026-04-01 B", "2026-04-30 A"]


def test_a_row_of_another_reading_does_not_come(tmp_path: Path) -> None:
    settings = """
[interpretations.reports_daily]
kind = "bool"
values = [{ value = "yes" }, { from = "2026-03-03", value = "no" }]
cite = "plans-1"
since = "2026-01-01"
reading.en = "Reports are daily."
reading.zh = "每日报告。"
"""
    rows = ({"if reports_daily": "yes", "every": "day"}, {"if reports_daily": "no", "every": "week", "on": "mon"})
    plans = policy(tmp_path, *rows, settings=settings)
    found = plans.schedule(from_="2026-03-01", until="2026-03-10").occurrences
    # 2 and 9 March are Mondays.
    assert [(item.on.day, item.rule.rule) for item in found] == [(1, "r1"), (2, "r1"), (9, "r2")]
    assert found[0].rule.interpretations == ("reports_daily",)


def test_the_record_says_where_it_was_moved_from(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "16", "moved": "next working day", "recipient": "head"})
    data = plans.schedule(from_="2026-02-01", until="2026-02-28").to_dict()
    assert (data["schema"], data["policy"]["id"], data["from"], data["until"]) == (
        1,
        "plans",
        "2026-02-01",
        "2026-02-28",
    )
    (item,) = data["occurrences"]
    assert {name: item[name] for name in ("on", "moved_from", "counted_from", "recipient", "subject", "phase")} == {
        "on": "2026-02-23",
        "moved_from": "2026-02-16",
        "counted_from": "2026-02-16",
        "recipient": "head",
        "subject": None,
        "phase": None,
    }
    assert item["rule"]["rule"] == "r1"
    assert item["rule"]["cites"] == ["plans-1"]


def test_a_policy_fixed_on_a_day_keeps_the_edition_of_that_day(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "10", "until": "2026-02-01"})
    fixed = plans.on(date(2026, 1, 1))
    assert due(plans, "2026-01-01", "2026-03-31") == ["2026-01-10"]
    assert due(fixed, "2026-01-01", "2026-03-31") == ["2026-01-10", "2026-02-10", "2026-03-10"]


# --- the edges of the calendar


def test_rows_that_need_no_working_days_work_outside_the_calendar(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "10"}, {"anchor": "contract_until", "before": "1 month"})
    contract = {"contract_no": "C", "contract_until": "2031-03-31"}
    assert due(plans, "2031-02-01", "2031-02-28", [contract]) == ["2031-02-10", "2031-02-28 C"]


def test_working_days_outside_the_calendar_are_refused_at_their_row(tmp_path: Path) -> None:
    plans = policy(
        tmp_path,
        {"every": "month", "on": "10"},
        {"every": "working day"},
        {"every": "month", "on": "3", "moved": "next working day"},
    )
    with pytest.raises(CalendarError) as caught:
        due(plans, "2027-01-01", "2027-01-31")
    assert [item.place.line for item in caught.value.problems if item.place] == [3, 4]
    assert "valid from 2026-01-01 to 2026-12-31" in str(caught.value)


def test_the_whole_year_of_the_calendar_can_be_laid_out(tmp_path: Path) -> None:
    plans = policy(
        tmp_path,
        {"every": "working day", "after": "1 working day"},
        {"every": "month", "on": "10", "moved": "next working day"},
        {"every": "month", "on": "20", "moved": "previous working day"},
        {"every": "5 working days", "first": "2026-01-05"},
    )
    found = plans.schedule(from_="2026-01-01", until="2026-12-31").occurrences
    # 365 days less 104 at weekends, less New Year, the festival's five and 1 May, and 14 February worked.
    working_days = 365 - 104 - 7 + 1
    assert sum(item.rule.rule == "r1" for item in found) == working_days - 1  # nothing is carried into 2 January
    assert sum(item.rule.rule == "r2" for item in found) == 12
    assert sum(item.rule.rule == "r3" for item in found) == 12
    assert sum(item.rule.rule == "r4" for item in found) == -(-(working_days - 1) // 5)


def test_what_may_come_back_from_behind_the_calendar_is_refused(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "month", "on": "first", "moved": "previous working day"})
    # 1 November is a Sunday.
    assert due(plans, "2026-10-30", "2026-12-15") == ["2026-10-30", "2026-12-01"]
    with pytest.raises(CalendarError, match="2027-01-01"):
        due(plans, "2026-12-01", "2026-12-31")


# --- the period


@pytest.mark.parametrize(
    ("from_", "until", "said"),
    [
        ("2026-02-01", "2026-01-31", "ends before it begins"),
        ("2006-01-01", "2026-01-01", "longer than 20 years"),
        ("2026-02-30", "2026-03-01", "cannot read `2026-02-30` in `from`"),
        ("soon", "later", "cannot read `later` in `until`"),
        (None, "2026-01-01", "cannot read `None` in `from`"),
    ],
)
def test_a_period_that_cannot_be_is_refused(tmp_path: Path, from_: str, until: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        due(policy(tmp_path, {"every": "month", "on": "1"}), from_, until)


def test_twenty_years_are_a_period(tmp_path: Path) -> None:
    assert len(due(policy(tmp_path, {"every": "year", "on": "01-01"}), "2006-01-01", "2025-12-31")) == 20


def test_the_ends_of_time_can_be_laid_out(tmp_path: Path) -> None:
    plans = policy(tmp_path, {"every": "day", "before": "1 month"}, {"every": "day", "after": "1 month"})
    # A month after 30 November; November has no 31st, and there is no January to come back from.
    assert due(plans, "9999-12-30", "9999-12-31") == ["9999-12-30"]
    # A month before each day of February; there is no December to come from.
    assert len(due(plans, "0001-01-01", "0001-01-31")) == 28
