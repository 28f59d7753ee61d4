"""Every result that a table may read is given by a table of the pack, or the loader says which one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pack.building import write_pack
from rules.made import POLICY, decide, made
from svc_policy import PackError, load
from svc_policy.errors import Problem
from svc_policy.pack.columns import RESULTS, condition_columns, result_columns
from svc_policy.pack.load import load_pack
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
RESULT_CELLS = {"bool": "yes", "money": "1 CNY", "count": "5", "share": "100 %", "allowance": "1 h", "date": "2026-01-01"}
OWN = {"hold_kind": "waiting", "target": "arrived", "used_share": ">= 80 %", "form": "slip"}
#: Results that come out of facts alone, whatever tables there are.
OF_FACTS = {
    "in_warranty", "part_in_warranty", "excluded", "covered", "part_excluded", "part_covered", "all_parts_covered",
    "in_contract", "contract_labour", "contract_parts", "contract_visit", "received_in_working_hours",
    "in_working_hours",
}  # fmt: skip
ONE_DEADLINE = "rule,then: starts,then: ends,then: within,cite\narrive,received,arrived,1 h,m-1\n"


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[ColumnSpec]]:
    """For each family the results that its conditions may be named after."""
    settings = load_pack(write_pack(tmp_path_factory.mktemp("empty"), {"policy.toml": POLICY})).settings
    return {
        name: [
            column
            for column in condition_columns(FAMILIES[name], ORDER, settings)
            if column.name in RESULTS or column.name.endswith("_status")
        ]
        for name in READERS
    }


def table(family: Family, columns: Sequence[ColumnSpec], settings_of: Path) -> str:
    """Write a table with one row for each column, which reads it and nothing else."""
    outputs = result_columns(family, load_pack(settings_of).settings)
    cells = {
        output.name: next(iter(output.values)) if output.values else RESULT_CELLS.get(output.kind, "word")
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


@pytest.mark.parametrize("name", READERS)
def test_a_result_is_refused_where_no_table_gives_it_and_read_where_it_needs_none(
    name: str, readable: dict[str, list[ColumnSpec]], tmp_path: Path
) -> None:
    family, columns = FAMILIES[name], readable[name]
    plain = write_pack(tmp_path / "plain", {"policy.toml": POLICY})
    beside = {"deadlines": ONE_DEADLINE} if name in ("escalations", "late_penalties") else {}
    beside |= {"forms": "rule,then: form,cite\nslip,slip,m-1\n"} if name == "fields" else {}
    beside |= {"fees": "rule,then: line,then: amount,cite\nvisit,visit,1 CNY,m-1\n"} if name == "surcharges" else {}
    given = OF_FACTS | ({"arrived_status"} if "deadlines" in beside else set())
    given |= {"chargeable", "needs_confirmation"} if name in ("fields", "surcharges") and "fees" in beside else set()
    without = [column for column in columns if column.name not in given]
    found: tuple[Problem, ...] = ()
    try:
        made(tmp_path / "all", {**beside, name: table(family, columns, plain)})
    except PackError as error:
        found = error.problems
    refused = {one.message.values["name"]: one for one in found if one.code == "result-absent"}
    print([one.render() for one in found if one.code != "result-absent"])
    assert refused.keys() == {column.name for column in without}
