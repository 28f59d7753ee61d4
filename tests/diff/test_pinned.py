"""A policy fixed on a day and the same without its dates: every result of every ticket is the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engines.tickets import random_tickets
from engines.workshop import FILES
from pack.building import write_pack
from svc_policy import Policy, load
from svc_policy.diff.attribution import alterations
from svc_policy.diff.pinned import pinned
from svc_policy.errors import CalendarError
from svc_policy.plan import result_names

from .shop import TABLES, shop

DAYS = (date(2024, 6, 1), date(2026, 2, 1), date(2027, 1, 1))
AT_S = 1_775_005_200
#: A rate with two values, as the tax, in a cell and in a condition; rules with editions; a penalty that has one.
DATED = ('value = "10 %"', 'values = [{ value = "10 %" }, { from = "2026-02-01", value = "12 %" }]')
EDITIONS = {
    **TABLES,
    "fees": "rule,from,until,category,distance_km,then: line,then: fixed,then: rate,then: per,then: measure,cite\n"
    "near,,2026-02-01,A,<= 10 km,visit,90 CNY,-,-,-,m-1\nnear,2026-02-01,,A,<= 10 km,visit,95 CNY,-,-,-,m-1\n"
    "visit,,,A,-,visit,100 CNY,-,-,-,m-1\nroad,2026-02-01,,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n",
    "surcharges": "rule,visit_time,then: line,then: share,then: of,cite\nnight,night,night,{vat},visit,m-1\n",
    "late_penalties": "rule,from,until,target,then: liable,then: amount,cite\n"
    "late,,2026-02-01,arrived,clerk,20 CNY,m-1\nlate,2026-02-01,,arrived,clerk,30 CNY,m-1\n",
}


def dated_shop(folder: Path) -> Policy:
    return shop(folder, settings=DATED, tables=EDITIONS)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    folder = tmp_path_factory.mktemp("pinned")
    return {
        "shop": dated_shop(folder / "shop"),
        "workshop": load(write_pack(folder / "workshop", FILES)),
    }


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("name", ["shop", "workshop"])
def test_it_decides_as_the_policy_fixed_on_the_day(policies: dict[str, Policy], name: str, day: date) -> None:
    fixed = policies[name].on(day)
    without = pinned(fixed)
    assert without.fixed_on is None
    assert all(row.since is None and row.until is None for rows in without.pack.rows.values() for row in rows)
    assert {len(parameter.values) for parameter in without.pack.settings.parameters.values()} <= {1}
    names = [result for result in result_names(fixed.plan) if fixed.plan.columns[result].grain == "ticket"]
    assert len(names) > 10
    compared = 0
    for ticket in random_tickets(fixed, 60, 3):
        try:
            one = fixed.decide_s(ticket, AT_S)
        except CalendarError:
            with pytest.raises(CalendarError):
                without.decide_s(ticket, AT_S)
            continue
        two = without.decide_s(ticket, AT_S)
        compared += 1
        # Rows that are not in force are no rows of the other; what holds, its cells and its lines are.
        for result in names:
            if result.endswith(("_row", "_fired", "_done", "_next")):
                continue
            if result in without.plan.columns:
                assert one.column(result) == two.column(result), result
            else:
                assert not one.column(result), result
        told = [[(use.table, use.rule, use.cites) for use in decision.rules] for decision in (one, two)]
        assert told[0] == told[1]
        assert [(line.line, line.amount) for line in one.quote.lines] == [
            (line.line, line.amount) for line in two.quote.lines
        ]
    assert compared > 20


def test_what_is_not_fixed_stays_as_it_is(policies: dict[str, Policy]) -> None:
    assert pinned(policies["shop"]) is policies["shop"]


def test_values_of_the_day_stand_in_the_cells(policies: dict[str, Policy]) -> None:
    early, late = (pinned(policies["shop"].on(day)).pack for day in DAYS[:2])
    assert [pack.settings.money.tax.value for pack in (early, late)] == [1_000, 1_200]
    assert [pack.rows["surcharges"][0].results["share"].value for pack in (early, late)] == [1_000, 1_200]
    assert [[row.id for row in pack.rows["fees"]] for pack in (early, late)] == [
        ["near", "visit"],
        ["near", "visit", "road"],
    ]


def test_two_days_differ_by_what_is_in_force_on_them(policies: dict[str, Policy]) -> None:
    old, new = (pinned(policies["shop"].on(day)) for day in DAYS[:2])
    found = [(item.kind, item.key) for item in alterations(old, new, 40)]
    assert found == [
        ("parameter", "parameter/vat"),
        ("rule", "fees/near"),
        ("rule", "fees/road"),
        ("rule", "late_penalties/late"),
    ]
    assert not alterations(*(pinned(policies["shop"].on(day)) for day in DAYS[1:]), 40)
