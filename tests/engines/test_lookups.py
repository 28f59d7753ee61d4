"""A keyed list fills a fact that is not stated: in Python and in DuckDB, asked for where the list lacks the key."""

from __future__ import annotations

import shutil
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest

from svc_policy import Part, load

from .test_sql_against_python import AT, compare

PRICES = "key,unit_price\nfan,120 CNY\nbelt,35.50 CNY\n"
TICKET = {
    "request_kind": "fault",
    "received_at": "2026-03-02T09:00:00+08:00",
    "delivered_on": "2020-01-01",
    "cause": "product",
    "on_site": False,
    "solved_by_telephone": False,
    "parts_needed": True,
    "customer_kind": "person",
}


@pytest.fixture
def listed(tmp_path: Path):
    folder = tmp_path / "listed"
    shutil.copytree(Path(str(resources.files("svc_policy"))) / "packs" / "mall", folder)
    (folder / "lookups").mkdir()
    (folder / "lookups" / "prices.csv").write_text(PRICES, encoding="utf-8")
    with (folder / "policy.toml").open("a", encoding="utf-8") as file:
        file.write('\n[lookups.prices]\nkey = "part_no"\nfills = ["unit_price"]\n')
    return load(folder)


def decide(policy, *parts: Part):
    return policy.decide_s(policy.ticket({**TICKET, "parts": [{"part_no": part.part_no} for part in parts]}), AT)


def test_the_list_gives_the_price(listed) -> None:
    decision = decide(listed, Part(part_no="fan"), Part(part_no="belt"))
    assert decision.quote.subtotal == Decimal("155.50")
    assert decision.needs == ()


def test_a_stated_price_goes_before_the_list(listed) -> None:
    ticket = listed.ticket({**TICKET, "parts": [{"part_no": "fan", "unit_price": 100}]})
    assert listed.decide_s(ticket, AT).quote.subtotal == Decimal("100.00")


def test_a_key_that_the_list_lacks_is_asked_for(listed) -> None:
    decision = decide(listed, Part(part_no="pump"))
    assert decision.quote.total is None
    assert decision.needs == ("parts.unit_price",)


def test_a_part_without_a_number_is_asked_for(listed) -> None:
    assert decide(listed, Part()).needs == ("parts.unit_price",)


def test_duckdb_agrees(listed) -> None:
    tickets = [
        listed.ticket({**TICKET, "parts": [{"part_no": name} for name in names]})
        for names in (["fan"], ["belt", "fan"], ["pump"], ["fan", "pump"])
    ]
    tickets.append(listed.ticket({**TICKET, "parts": [{"unit_price": 3}, {}]}))
    differences, _ = compare(listed, tickets, AT)
    assert differences == []


def test_the_list_is_in_the_digest(listed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "listed", other)
    (other / "lookups" / "prices.csv").write_text(PRICES.replace("120", "121"), encoding="utf-8")
    assert load(other).digest != listed.digest
