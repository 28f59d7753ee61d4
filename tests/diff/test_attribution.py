"""What a change is made of: applied one after another, the alterations make the new policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from svc_policy import Policy
from svc_policy.diff.attribution import Alteration, alterations, altered
from svc_policy.pack.digest import digest

from .shop import TABLES, shop

BASE = {
    **TABLES,
    "fees": "rule,from,until,category,distance_km,then: line,then: fixed,then: rate,then: per,then: measure,cite\n"
    "near,,2026-02-01,A,<= 10 km,visit,90 CNY,-,-,-,m-1\nnear,2026-02-01,,A,<= 10 km,visit,95 CNY,-,-,-,m-1\n"
    "visit,,,A,-,visit,100 CNY,-,-,-,m-1\nroad,,,A,> 10 km,road,-,2 CNY,1 km,distance_km,m-1\n",
}
HEAD, NEAR, NEAR_2, VISIT, ROAD = BASE["fees"].splitlines()


def fees(*rows: str) -> dict[str, str]:
    return {**BASE, "fees": "\n".join((HEAD, *rows)) + "\n"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("old") / "made", tables=BASE)


def keys(found: list[Alteration]) -> list[tuple[str, str]]:
    return [(item.kind, item.key) for item in found]


EDITION = NEAR_2.replace("2026-02-01,,", "2026-02-01,2026-07-01,"), NEAR_2.replace("2026-02-01", "2026-07-01")
CASES: dict[str, tuple[Mapping[str, str], tuple[str, str], list[tuple[str, str]]]] = {
    "nothing": (BASE, ("", ""), []),
    # The edition that ends and the one that follows it are one alteration.
    "edition": (fees(NEAR, *EDITION, VISIT, ROAD), ("", ""), [("rule", "fees/near")]),
    "dropped": (fees(VISIT, ROAD), ("", ""), [("rule", "fees/near")]),
    "added": (
        fees(NEAR, NEAR_2, VISIT.replace("visit,,,A,-", "far,,,A,> 90 km"), VISIT, ROAD),
        ("", ""),
        [("rule", "fees/far")],
    ),
    "added first": (fees(VISIT.replace("visit,,,A,-", "far,,,A,> 90 km"), NEAR, NEAR_2, VISIT, ROAD), ("", ""),
                    [("rule", "fees/far")]),
    "order": (fees(VISIT, NEAR, NEAR_2, ROAD), ("", ""), [("order", "fees")]),
    "tax": (BASE, ('value = "10 %"', 'value = "12 %"'), [("parameter", "parameter/vat")]),
    "rounding": (BASE, ('rounding_place = "total"', 'rounding_place = "line"'), [("money", "money")]),
    "week": (BASE, ('fri = ["09:00-17:00"]', 'fri = ["09:00-12:00"]'), [("calendar", "calendar")]),
    "several": (
        {**fees(NEAR.replace("90 CNY", "91 CNY"), NEAR_2, ROAD.replace("2 CNY", "3 CNY"), VISIT),
         "deadlines": BASE["deadlines"].replace("24 h", "20 h")},
        ('value = "10 %"', 'value = "12 %"'),
        [("parameter", "parameter/vat"), ("rule", "deadlines/arrive"), ("rule", "fees/near"), ("rule", "fees/road"),
         ("order", "fees")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_applied_one_after_another_they_make_the_new_policy(old: Policy, tmp_path: Path, name: str) -> None:
    tables, settings, wanted = CASES[name]
    new = shop(tmp_path / "made", settings=settings, tables=tables)
    found = alterations(old, new, 40)
    assert keys(found) == wanted
    pack = old.pack
    for item in found:
        pack = item.apply(pack)
    assert digest(pack.settings, pack.rows, pack.lookups, pack.days) == new.digest
    assert (old.digest == new.digest) == (not wanted)


def test_one_alteration_leaves_the_rest_as_it_was(old: Policy, tmp_path: Path) -> None:
    tables, settings, _ = CASES["several"]
    new = shop(tmp_path / "made", settings=settings, tables=tables)
    road = next(item for item in alterations(old, new, 40) if item.name == "road")
    made = altered(old, road, new)
    assert made.digest not in (old.digest, new.digest)
    assert [row.id for row in made.pack.rows["fees"]] == ["near", "near", "visit", "road"]
    assert made.pack.rows["deadlines"] == old.pack.rows["deadlines"]
    assert made.pack.settings.parameters == old.pack.settings.parameters


def test_a_parameter_is_one_alteration_with_every_rule_that_it_changed(tmp_path: Path) -> None:
    kept = {"late_penalties": ("20 CNY", "{fine}"), "duties": ("clerk,look", "clerk,look")}
    fine = '\n[parameters.fine]\nkind = "money"\nvalue = "{} CNY"\nlabel.en = "fine"\nlabel.zh = "罚款"\n'
    end = 'label.zh = "税"\n'
    old = shop(tmp_path / "old", kept, (end, end + fine.format(20)))
    new = shop(tmp_path / "new", kept, (end, end + fine.format(30)))
    (only,) = alterations(old, new, 40)
    assert (only.kind, only.name, [row.id for row in only.new]) == ("parameter", "fine", ["late"])


def test_too_many_are_tried_table_by_table(old: Policy, tmp_path: Path) -> None:
    tables, settings, _ = CASES["several"]
    new = shop(tmp_path / "made", settings=settings, tables=tables)
    found = alterations(old, new, 4)
    assert keys(found) == [("parameter", "parameter/vat"), ("rule", "deadlines/arrive"), ("table", "fees")]
    pack = old.pack
    for item in found:
        pack = item.apply(pack)
    assert digest(pack.settings, pack.rows, pack.lookups, pack.days) == new.digest
