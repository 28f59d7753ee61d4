"""Spot checks of tile, told in prose; the worked examples are in the pack's ``cases.toml``."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from math import ceil
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engines.interpreter import Interpreter
from engines.test_python_against_interpreter import by_function, by_interpreter, differences
from engines.test_sql_against_python import AT, compare
from engines.tickets import random_instants, random_tickets
from svc_policy import load
from svc_policy.decision import Decision

POLICY = load("tile")

#: The ids of the chapter "tile" of the rulebook, copied from it.
RULEBOOK = ["tile-1", "tile-1b", "tile-2", "tile-3", "tile-4", "tile-5", "tile-6", "tile-7", "tile-8"]
TILE = {
    "tile_model": "A600",
    "area_m2": 12,
    "tile_length_mm": 600,
    "tile_width_mm": 600,
    "tiles_per_box": 5,
    "box_weight_kg": "30.5",
    "box_price": 90,
}


def decide(*lines: dict[str, Any], **facts: Any) -> Decision:
    wishes = {"wants_tiler": False, "wants_processing": False}
    ticket = {"received_at": "2026-03-02T09:00:00", "request_kind": "order", "extra": wishes, "materials": list(lines)}
    return POLICY.decide({**ticket, **facts}, at=datetime(2026, 3, 3, 9, tzinfo=POLICY.zone))


def test_the_rulebook_and_the_clauses_have_the_same_ids() -> None:
    assert list(POLICY.pack.clauses) == RULEBOOK


@pytest.mark.parametrize("centimetres", range(1, 200_000, 1_777))
def test_boxes_as_whoever_counts_them_with_fractions(centimetres: int) -> None:
    area = Decimal(centimetres) / 10_000
    (line,) = decide({**TILE, "area_m2": area, "tile_length_mm": 295, "tiles_per_box": 7}).materials.lines  # type: ignore[union-attr]
    tiles = ceil(Fraction(area) * Fraction(105, 100) / (Fraction(295, 1000) * Fraction(600, 1000)))
    assert line.tiles == tiles
    assert line.boxes == ceil(Fraction(tiles, 7)) + 2


def test_each_kind_of_tile_gets_its_two_boxes() -> None:
    one = decide({**TILE, "area_m2": 24}).materials
    two = decide(TILE, {**TILE, "tile_model": "B"}).materials
    # 24 m² are 70 tiles, 14 boxes and 2; twice 12 m² are twice 35 tiles, 7 boxes and 2.
    assert one is not None and two is not None
    assert (one.total_boxes, two.total_boxes) == (16, 18)


def test_no_figure_is_invented_where_the_source_has_none() -> None:
    """Deposit, price of processing, return of boxes: each is open, and somebody is named who settles it."""
    processed = {**TILE, "processing": "cut", "pieces": 3, "boxes_returned": 1}
    decision = decide(processed)
    assert decision.materials is not None
    assert decision.materials.processing is None and decision.materials.settlement.second is None
    assert [sheet.decided_by for sheet in decision.materials.processing_sheet] == ["works"]
    assert decision.materials.lines[0].settlement.decided_by == "shop"
    assert [item.cells["approver"] for item in decision.approvals] == ["shop"]
    money = {
        f"{table}.{row.id}"
        for table, rows in POLICY.pack.rows.items()
        for row in rows
        for cell in row.results.values()
        if getattr(cell, "kind", "") == "money" and cell.value  # type: ignore[union-attr]
    }
    assert money == set()


def test_the_explanation_tells_it_in_both_languages() -> None:
    decision = decide({**TILE, "boxes_in_stock": 8}, deposit_paid=200)
    english, chinese = POLICY.explain(decision, "en"), POLICY.explain(decision, "zh")
    assert "Tile A600: 12 m² with 5 % wastage takes 35 whole tiles; boxes: 7 whole and 2 extra, 9 in all." in english
    assert "less the deposit of CN¥200.00, CN¥610.00 is to be paid before delivery" in english
    for amount in ("12 平方米", "35", "274.5 千克", "610.00"):
        assert amount in chinese
    # A shop without warranty and categories is not told that there are none.
    assert "warranty" not in english and "category" not in english


def test_the_published_schema_fits_every_decision() -> None:
    text = (resources.files("svc_policy") / "schemas" / "decision.schema.json").read_text(encoding="utf-8")
    validator = Draft202012Validator(json.loads(text))
    for ticket in random_tickets(POLICY, 60, 23):
        plain = json.loads(json.dumps(POLICY.decide_s(ticket, AT).to_dict()))
        assert [error.message for error in validator.iter_errors(plain)] == []
        broken = {**plain, "materials": {**(plain["materials"] or {}), "total_weight": 12}}
        assert not validator.is_valid(broken)


def test_the_function_and_the_interpreter_agree() -> None:
    interpreter = Interpreter(POLICY)
    tickets = random_tickets(POLICY, 60, 21)
    for ticket, at in zip(tickets, random_instants(POLICY, tickets, 21), strict=True):
        assert differences(by_function(POLICY, ticket, at), by_interpreter(interpreter, ticket, at)) == {}, (
            f"{ticket!r}"
        )


def test_duckdb_and_python_agree() -> None:
    found, outside = compare(POLICY, random_tickets(POLICY, 120, seed=22), AT)
    assert found == [] and outside == 0
