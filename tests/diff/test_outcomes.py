"""What two decisions differ in: the value that a dated parameter had on the day that governs its table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rules.made import decide, made
from svc_policy.diff import Comparison

PARAMETER = '[parameters.figure]\nkind = "{kind}"\nvalue{values}\nlabel.en = "figure"\nlabel.zh = "数"\n'
REMEDIES = "rule,then: remedy,then: days,then: starts,cite\nback,return,{figure},purchased,m-1\n"
PENALTIES = "rule,incident_kind,then: liable,then: amount,cite\nlate,missed,clerk,{figure},m-1\n"


@pytest.mark.parametrize(
    ("table", "rows", "kind", "values", "ticket", "result"),
    [
        # A purchase on the last day of the old value, a request under the new one: 7 days under both policies.
        ("remedies", REMEDIES, "count", ("7", "15"), {"purchased_on": "{day}"}, "remedies_fired"),
        ("penalties", PENALTIES, "money", ("7 CNY", "15 CNY"), {"occurred_on": "{day}"}, "incident 1 penalties_fired"),
    ],
)
def test_a_value_is_that_of_the_governing_day(
    tmp_path: Path,
    table: str,
    rows: str,
    kind: str,
    values: tuple[str, str],
    ticket: Mapping[str, str],
    result: str,
) -> None:
    first, then = values
    dated = f's = [{{ value = "{first}" }}, {{ from = "2026-03-01", value = "{then}" }}]'
    old, new = (
        made(tmp_path / name, {table: rows}, PARAMETER.format(kind=kind, values=written))
        for name, written in (("old", f' = "{first}"'), ("new", dated))
    )
    for day, differs in (("2026-02-28", False), ("2026-03-01", True)):
        facts: dict[str, object] = {name: text.format(day=day) for name, text in ticket.items()}
        if "occurred_on" in facts:
            facts = {"incidents": [{"incident_kind": "missed", **facts}]}
        found = Comparison(old, new).differences(decide(old, facts), decide(new, facts))
        assert (result in found) is differs, (day, found)
        if differs:
            (before,), (after,) = found[result]
            assert first in before
            assert then in after
            if table == "remedies":
                assert [decide(policy, facts).to_dict()["remedies"][0]["days"] for policy in (old, new)] == [7, 15]
        else:
            assert found == {}


def test_surcharges_in_another_order_come_to_the_same(tmp_path: Path) -> None:
    """Their columns are numbered by their rows; what is compared is the amount of a line."""
    fees = "rule,on_site,then: line,then: fixed,cite\nvisit,yes,visit,100 CNY,m-1\n"
    rows = ("night,night,night,20 %,visit,m-1\n", "weekend,weekend,weekend,30 %,visit,m-1\n")
    heading = "rule,visit_time,then: line,then: share,then: of,cite\n"
    policies = [
        made(tmp_path / name, {"fees": fees, "surcharges": heading + "".join(order)})
        for name, order in (("one", rows), ("other", rows[::-1]))
    ]
    ticket = {"on_site": True, "visit_time": "night"}
    old, new = (decide(policy, ticket) for policy in policies)
    comparison = Comparison(*policies)
    assert comparison.differences(old, new) == {}
    dearer = made(
        tmp_path / "dearer", {"fees": fees, "surcharges": heading + rows[0].replace("20 %", "25 %") + rows[1]}
    )
    found = Comparison(policies[0], dearer).differences(old, decide(dearer, ticket))
    # 20 % and 25 % of 100.00 CNY, in fen
    assert found["surcharge_night"] == (2_000, 2_500)
