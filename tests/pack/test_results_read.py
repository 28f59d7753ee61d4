"""Every result that a table may read is given by a table of the pack, or the loader says which one is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from pack.building import MALL, write_pack
from rules.made import POLICY, decide, made
from svc_policy import load
from svc_policy.errors import PackError
from svc_policy.pack.columns import RESULTS, condition_columns, result_columns
from svc_policy.pack.load import load_pack
from svc_policy.pack.settings import Settings
from svc_policy.pack.words import GIVERS
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Family
from svc_policy.tables import ColumnSpec

ORDER = tuple(FAMILIES)
READERS = tuple(name for name, family in FAMILIES.items() if family.grain != "none")
#: A cell of each kind, as a condition and as a result.
CONDITIONS = {
    "bool": "yes",
    "text": "serious",
    "count": "> 1",
    "weight": "> 1 kg",
    "money": "> 1 CNY",
    "share": "> 10 %",
}
RESULT_CELLS = {
    "bool": "yes",
    "money": "1 CNY",
    "count": "4",
    "share": "100 %",
    "allowance": "1 h",
    "months": "12 months",
}
OWN = {"hold_kind": "waiting", "target": "arrived", "used_share": ">= 80 %", "form": "slip"}
#: Results that come out of facts alone, whatever tables there are.
OF_FACTS = {
    "in_warranty", "part_in_warranty", "excluded", "covered", "part_excluded", "part_covered", "all_parts_covered",
    "in_contract", "contract_labour", "contract_parts", "contract_visit", "received_in_working_hours",
    "in_working_hours",
}  # fmt: skip
NEEDED = {
    "escalations": {"deadlines"},
    "late_penalties": {"deadlines"},
    "fields": {"forms"},
    "surcharges": {"fees"},
}
#: The tables that give a result beside them, one row each.
ONE_ROW = {
    "deadlines": "then: starts,then: ends,then: within\nr,received,arrived,1 h",
    "forms": "then: form\nr,slip",
    "fees": "then: line,then: fixed\nr,word,1 CNY",
    "part_fees": "then: share\nr,50 %",
    "category": "then: category\nr,C",
    "zones": "then: zone\nr,serious",
    "complaints": "then: class\nr,serious",
    "payers": "then: payer\nr,head",
    "materials": "then: wastage\nr,5 %",
    "processing": "then: method\nr,cut",
    "vehicles": "then: vehicle\nr,van",
    "confirmations": "cause,then: reason\nr,product,word",
    "compensations": "then: limit,then: prevails\nr,1 CNY,rule",
    "appraisals": "then: aspect,then: weight,then: levels\nr,rated_skill,100 %,4",
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_pack(write_pack(tmp_path_factory.mktemp("empty"), {"policy.toml": POLICY})).settings


@pytest.fixture(scope="module")
def readable(plain: Settings) -> dict[str, list[ColumnSpec]]:
    """For each family the results that its conditions may be named after."""
    return {
        name: [
            column
            for column in condition_columns(FAMILIES[name], ORDER, plain)
            if column.name in RESULTS or column.name.endswith("_status")
        ]
        for name in READERS
    }


def table(family: Family, columns: Sequence[ColumnSpec], settings: Settings) -> str:
    """Write a table with one row for each column, which reads it and nothing else."""
    outputs = result_columns(family, settings)
    cells = {
        output.name: next(iter(output.values))
        if output.values
        else RESULT_CELLS.get("months" if output.name == "length" else output.kind, "word")
        for output in outputs
        if output.required or output.name == "decided by"
    }
    own = {column.name: OWN[column.name] for column in family.conditions if column.name in OWN}
    heading = ["rule", *own, *(column.name for column in columns), *(f"then: {name}" for name in cells), "cite"]
    lines = [",".join(heading)]
    for number, column in enumerate(columns):
        said = next(iter(column.values)) if column.values else CONDITIONS[column.kind]
        read = [said if other is column else "-" for other in columns]
        lines.append(",".join((f"r{number}", *own.values(), *read, *cells.values(), "m-1")))
    return "\n".join(lines) + "\n"


def _gives(table: str, result: str) -> bool:
    return table in GIVERS.get(result, ())


def beside(tables: Iterable[str]) -> dict[str, str]:
    """Write some tables of one row."""
    return {name: "rule," + ONE_ROW[name].replace("\n", ",cite\n") + ",m-1\n" for name in tables}


@pytest.mark.parametrize("name", READERS)
def test_a_result_that_no_table_gives_is_refused_at_its_row(
    name: str, readable: dict[str, list[ColumnSpec]], tmp_path: Path, plain: Settings
) -> None:
    columns = [column for column in readable[name] if column.name not in OF_FACTS]
    given = {"arrived_status"} if "deadlines" in NEEDED.get(name, ()) else set[str]()
    given |= {"chargeable", "needs_confirmation"} if "fees" in NEEDED.get(name, ()) or name == "part_fees" else set()
    absent = [column for column in columns if column.name not in given and not _gives(name, column.name)]
    if not absent:
        return
    with pytest.raises(PackError) as caught:
        made(tmp_path, {**beside(NEEDED.get(name, ())), name: table(FAMILIES[name], absent, plain)})
    found = [one for one in caught.value.problems if one.code == "result-absent"]
    assert [(one.message.values["name"], str(one.place)) for one in found] == [
        (column.name, f"made/{name}.csv:{line}") for line, column in enumerate(absent, 2)
    ]


@pytest.mark.parametrize("name", READERS)
def test_a_result_that_facts_give_is_read_without_any_table(
    name: str, readable: dict[str, list[ColumnSpec]], tmp_path: Path, plain: Settings
) -> None:
    columns = [column for column in readable[name] if column.name in OF_FACTS]
    if not columns:
        return
    policy = made(tmp_path, {**beside(NEEDED.get(name, ())), name: table(FAMILIES[name], columns, plain)})
    assert decide(policy, {"parts": [{"part_no": "p-1"}]}).policy


@pytest.mark.parametrize(("result", "giver"), [(name, giver) for name, givers in GIVERS.items() for giver in givers])
def test_each_table_that_is_named_gives_its_result(
    result: str, giver: str, readable: dict[str, list[ColumnSpec]], tmp_path: Path, plain: Settings
) -> None:
    """The last family that can read it does; the pack has no other table."""
    name = next(name for name in reversed(READERS) if any(column.name == result for column in readable[name]))
    columns = [column for column in readable[name] if column.name == result]
    policy = made(tmp_path, {**beside({giver, *NEEDED.get(name, ())}), name: table(FAMILIES[name], columns, plain)})
    assert decide(policy, {}).policy
    with pytest.raises(PackError, match=f"reads `{result}`, which no table of the pack gives"):
        made(tmp_path / "without", {name: table(FAMILIES[name], columns, plain)})


@pytest.mark.parametrize("content", [None, "rule,then: wastage,cite\n"])
def test_tile_without_its_materials(content: str | None, tmp_path: Path) -> None:
    tile = Path(shutil.copytree(MALL.parent / "tile", tmp_path / "tile"))
    (tile / "materials.csv").unlink()
    if content is not None:
        (tile / "materials.csv").write_text(content, encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load(tile)
    assert {(one.code, one.message.values.get("name")) for one in caught.value.problems} >= {
        ("result-absent", "total_weight")
    }
