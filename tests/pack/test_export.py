"""A pack that is written out and read again is the same pack."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from engines.workshop import FILES
from pack.building import write_pack
from svc_policy.errors import PackError
from svc_policy.pack.cases import cases_of
from svc_policy.pack.export import export_folder, export_workbook
from svc_policy.pack.load import Pack, load_pack
from svc_policy.tables import make_sheet


@pytest.fixture(scope="module", params=["mall", "workshop"])
def pack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    if request.param == "mall":
        return load_pack("mall")
    return load_pack(write_pack(tmp_path_factory.mktemp("packs") / "workshop", FILES))


def test_a_workbook_and_back(pack: Pack, tmp_path: Path) -> None:
    export_workbook(pack, tmp_path / "pack.xlsx")
    read = load_pack(tmp_path / "pack.xlsx")
    assert read.digest == pack.digest
    assert read.settings.titles == pack.settings.titles and read.settings.roles == pack.settings.roles
    assert read.clauses == pack.clauses
    export_folder(read, tmp_path / "folder")
    again = load_pack(tmp_path / "folder")
    assert again.digest == pack.digest
    assert [case.name for case in cases_of(again)] == [case.name for case in cases_of(pack)]


def test_a_folder_and_back(pack: Pack, tmp_path: Path) -> None:
    export_folder(pack, tmp_path / "copy")
    assert load_pack(tmp_path / "copy").digest == pack.digest


def test_a_mistake_in_a_workbook_is_named_by_its_cell(pack: Pack, tmp_path: Path) -> None:
    sheet = pack.files.sheets["warranty"]
    header = [cell.text for cell in sheet.header]
    rows = [[cell.text for cell in row] for row in sheet.rows]
    rows[0][header.index("cite")] = "none-such"
    spoilt = {**pack.files.sheets, "warranty": make_sheet("warranty", header, rows)}
    export_workbook(attrs.evolve(pack, files=attrs.evolve(pack.files, sheets=spoilt)), tmp_path / "pack.xlsx")
    with pytest.raises(PackError) as raised:
        load_pack(tmp_path / "pack.xlsx")
    (found,) = raised.value.problems
    assert found.code == "clause-unknown"
    assert str(found.place).endswith(f"pack.xlsx:warranty!{'ABCDEFGHI'[header.index('cite')]}2")
