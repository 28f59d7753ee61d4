"""The working calendar: shown month by month, and frozen anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.running import run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert run("new", tmp_path / "shop").exit_code == 0
    return tmp_path / "shop"


def test_a_year_is_shown_month_by_month():
    found = json.loads(run("calendar", "mall", "--year", "2026", "--json").stdout)
    days = {one["month"]: one["working_days"] for one in found["months"]}
    # February 2026 has 20 weekdays; 16 to 20 and 23 are off, the Saturdays 14 and 28 are worked.
    assert days["2026-02"] == 20 - 6 + 2
    # October 2026 has 22 weekdays; 1, 2, 5, 6 and 7 are off, Saturday 10 is worked.
    assert days["2026-10"] == 22 - 5 + 1
    assert sum(one["days"] for one in found["months"]) == 365
    made_up = next(one for one in found["exceptions"] if one["day"] == "2026-02-14")
    assert (made_up["weekday"], made_up["kind"]) == ("sat", "work")


def test_a_year_as_text_in_both_languages():
    shown = run("calendar", "mall", "--year", "2026").stdout.splitlines()
    assert ["2026-02", "28", "16"] in [line.split() for line in shown]
    assert any(line.split()[:4] == ["2026-02-14", "Saturday", "working", "day"] for line in shown)
    zh = run("calendar", "mall", "--year", "2026", "--lang", "zh").stdout
    assert "周一：09:00-12:00, 13:00-18:00" in zh and "2026-02-14  周六  上班" in zh


def test_a_year_without_a_calendar_is_refused():
    refused = run("calendar", "mall", "--year", "2031")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "the calendar of `mall` says nothing of 2031\nhelp: it runs from 2015-01-01 to 2026-12-31\n"
    )


def test_refresh_writes_the_same_days_and_keeps_other_years(shop):
    path = shop / "calendar.csv"
    before = path.read_text(encoding="utf-8").splitlines()
    broken = [line for line in before if not line.startswith("2026-02-16")]
    path.write_text("\n".join(broken) + "\n", encoding="utf-8")
    done = run("calendar", "refresh", shop, "--years", "2026")
    assert done.exit_code == 0
    assert done.stdout == f"wrote {path}: {len(before) - 1} days, 1 of them changed\n"
    assert done.stderr == "  2026-02-16\n"
    after = path.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:2] for line in after] == [line.split(",")[:2] for line in before]
    assert [line for line in after if line.startswith("2019")] == [line for line in before if line.startswith("2019")]


def test_refresh_does_not_touch_a_built_in_pack_or_a_workbook(tmp_path):
    refused = run("calendar", "refresh", "mall")
    assert refused.exit_code == 2
    assert "help: copy it first: `svc-policy new my-shop --from mall`" in refused.stderr
    run("export", "mall", "--xlsx", tmp_path / "mall.xlsx")
    refused = run("calendar", "refresh", tmp_path / "mall.xlsx")
    assert refused.exit_code == 2 and "write it to a folder first" in refused.stderr


def test_refresh_refuses_years_that_nobody_has_announced(shop):
    path = shop / "calendar.csv"
    before = path.read_bytes()
    refused = run("calendar", "refresh", shop, "--years", "2026-2027")
    assert refused.exit_code == 2
    assert "the working days of 2027 in `CN` are not known" in refused.stderr
    assert path.read_bytes() == before
    guessed = run("calendar", "refresh", shop, "--years", "2026-2027", "--provisional")
    assert guessed.exit_code == 0
    assert "`calendar.valid` in policy.toml ends on 2026-12-31" in guessed.stderr
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(line.endswith(",yes") for line in lines if line.startswith("2027"))
    assert any(line.startswith("2027") for line in lines)


@pytest.mark.parametrize("years", ["26", "2027-2026", "next", "1500"])
def test_years_are_four_digits_each(shop, years):
    refused = run("calendar", "refresh", shop, "--years", years)
    assert refused.exit_code == 2 and f"cannot read `{years}` in `--years`" in refused.stderr
