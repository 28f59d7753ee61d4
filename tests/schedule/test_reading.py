"""Contracts and assets from mappings and files; what is wrong with them, at file and line."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from svc_policy.errors import UsageError
from svc_policy.schedule import Asset, Contract, read_assets, read_contracts

CONTRACT = Contract(
    contract_no="C-1",
    customer="Acme",
    contract_from=date(2025, 4, 1),
    contract_until=date(2026, 3, 31),
    contract_kind="full",
)

JSON = (
    '{"contract_no": "C-1", "customer": "Acme", "contract_from": "2025-04-01", '
    '"contract_until": "2026-03-31", "contract_kind": "full"}'
)
HEADINGS = "contract_no,customer,contract_from,contract_until,contract_kind\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", HEADINGS + "C-1,Acme,2025-04-01,2026-03-31,full\n"),
        ("b.csv", "合同编号;客户;合同起始日;合同截止日;合同类型\nC-1;Acme;2025/4/1;2026年3月31日;full\n"),
        ("c.json", f"[{JSON}]"),
        ("d.jsonl", f"{JSON}\n"),
    ],
)
def test_every_form_of_file_gives_the_same(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_contracts(path) == (CONTRACT,)
    assert read_contracts(str(path)) == (CONTRACT,)


def test_records_and_mappings_are_taken() -> None:
    mapping = {"contract_no": 7, "contract_until": date(2026, 3, 31), "customer": None, "contract_kind": " "}
    seventh = Contract(contract_no="7", contract_until=date(2026, 3, 31))
    assert read_contracts([CONTRACT, mapping]) == (CONTRACT, seventh)
    assert read_contracts([]) == ()


def test_an_asset_is_named_by_its_number_or_its_site() -> None:
    number, site = read_assets([{"serial_no": "S-1", "site": "hall"}, {"site": "hall"}])
    assert (number.name, site.name) == ("S-1", "hall")
    assert isinstance(number, Asset)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ([{"contract_no": "C", "contract_untill": "2026-01-01"}], "field-unknown", "did you mean `contract_until`?"),
        ([{"contract_no": "C", "price": 1}], "field-unknown", "contract 1 has no field `price`"),
        ([{"contract_no": "C", "contract_until": "31.3.2026"}], "date-unreadable", "as in `2026-01-31`"),
        ([{"contract_no": "C", "contract_until": "2026-02-29"}], "date-unreadable", "2026-02 has 28 days"),
        ([{"contract_no": "C", "contract_until": 20260331}], "date-unreadable", "cannot read `20260331`"),
        ([{"contract_no": "C", "contract_until": datetime(2026, 1, 1, 9)}], "date-unreadable", "`contract_until`"),
        ([{"contract_no": "C", "customer": ["A"]}], "field-type", "`customer` of contract 1 is a text"),
        ([{"contract_no": "C", "合同编号": "D"}], "field-twice", "gives `contract_no` twice"),
        ([{"customer": "Acme"}], "record-nameless", "contract 1 has no `contract_no`"),
        ([{"contract_no": "C"}, {"contract_no": "C"}], "record-twice", "contract 2: `C` is there twice"),
        (["C-1"], "record-type", "contract 1 is no table of fields"),
        (5, "record-type", "contract 1 is no table of fields"),
        (
            [{"contract_no": "C", "contract_from": "2026-02-01", "contract_until": "2026-01-31"}],
            "contract-reversed",
            "before it begins",
        ),
    ],
)
def test_what_is_wrong_is_one_problem(given: Any, code: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_contracts(given)
    (found,) = caught.value.problems
    assert found.code == code
    assert said in found.render()


def test_a_mapping_alone_is_one_contract() -> None:
    assert read_contracts({"contract_no": "C"}) == (Contract(contract_no="C"),)  # type: ignore[arg-type]


def test_problems_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "contracts.csv"
    path.write_text("contract_no,contract_until\nA,2026-01-01\nB,soon\n,2026-01-01\nA,2026-13-01\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_contracts(path)
    places = [(item.code, item.place.line, item.place.column) for item in caught.value.problems if item.place]
    assert places == [("date-unreadable", 3, 3), ("date-unreadable", 5, 3), ("record-nameless", 4, None)]


def test_problems_of_json_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "assets.json"
    lines = [{"serial_no": "S-1"}, {"serial_no": "S-2", "accepted_on": "never"}]
    path.write_text("[\n" + ",\n".join(map(json.dumps, lines)) + "\n]", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_assets(path)
    (found,) = caught.value.problems
    assert found.place is not None
    assert (found.place.file, found.place.line) == (str(path), 3)
    assert "cannot read `never` in `accepted_on` of asset 2" in found.render()


@pytest.mark.parametrize("name", ["none.json", "none.csv"])
def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_contracts(tmp_path / name)


def test_a_broken_file_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "contracts.json"
    path.write_text('[{"contract_no": "C"', encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read JSON"):
        read_contracts(path)
