"""Materials on every engine: by hand at their bounds, and column by column on random orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pack.building import write_pack
from svc_policy import Policy, load

from .interpreter import Interpreter
from .test_python_against_interpreter import by_function, by_interpreter, differences
from .test_sql_against_python import AT, compare
from .tickets import missing_facts, random_instants, random_tickets

NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
POLICY = """
schema = 1
id = "tiles"
title.en = "Tiles"
title.zh = "瓷砖"
timezone = "Asia/Shanghai"
currency = "CNY"

[money]
prices_include_tax = false
tax = "{vat}"
rounding = "half up"
rounding_place = "line"

[facts.processing]
values = ["cut", "edge"]

[roles.shop]
en = "shop"
zh = "店"

[parameters.wastage]
kind = "share"
values = [{ value = "5 %" }, { from = "2025-06-01", value = "7.5 %" }]
label.en = "wastage"
label.zh = "损耗"

[parameters.vat]
kind = "share"
values = [{ value = "13 %" }, { from = "2026-01-01", value = "9 %" }]
label.en = "tax"
label.zh = "税"

[interpretations.back]
kind = "share"
value = "80 %"
cite = "t-1"
since = "2026-01-01"
reading.en = "A returned box brings 80 %."
reading.zh = "退货按八成。"
"""
FILES = {
    "policy.toml": POLICY,
    "clauses.csv": "clause,place,en,zh\nt-1,1,All,全部\n",
    "labels.csv": "name,en,zh\ncut,cut,切割\nedge,edge,倒边\nvan,van,面包车\ntruck,truck,货车\n"
    "carriage,carriage,运费\n",
    "materials.csv": "rule,area_m2,tile_length_mm,then: wastage,then: extra boxes,cite\n"
    "small,<= 1.5 m2,-,-,1,t-1\nlarge,> 1.5 m2,>= 20,{wastage},2,t-1\nrest,-,-,10 %,-,t-1\n",
    "processing.csv": "rule,processing,line_boxes,then: method,then: price,then: decided by,cite\n"
    "cut,cut,-,cut,2.35 CNY,shop,t-1\nedge,edge,> 3,edge,-,shop,t-1\n",
    "vehicles.csv": "rule,total_weight,stock_short,then: vehicle,then: paid by,cite\n"
    "van,(0..500] kg,no,van,shop,t-1\ntruck,> 500 kg,-,truck,shop,t-1\n",
    "fees.csv": "rule,vehicle,then: line,then: fixed,cite\ntruck,truck,carriage,80 CNY,t-1\n",
    "settlements.csv": "rule,processing,boxes_returned,then: returned share,then: decided by,cite\n"
    "open,edge,> 2,-,shop,t-1\nback,-,-,{back},shop,t-1\n",
    "approvals.csv": "rule,stock_short,second_costs,settlement_second,then: approver,then: subject,cite\n"
    "short,yes,-,-,shop,short,t-1\nrefund,-,yes,> 100 CNY,shop,refund,t-1\n",
}
TILE = {
    "tile_model": "A",
    "area_m2": 12,
    "tile_length_mm": 600,
    "tile_width_mm": 600,
    "tiles_per_box": 5,
    "box_weight_kg": "30.5",
    "box_price": 90,
}


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load(write_pack(tmp_path_factory.mktemp("packs") / "tiles", FILES))


def decided(policy: Policy, *lines: dict[str, object], **facts: object):
    return policy.decide({"received_at": "2025-03-02T09:00:00", "materials": list(lines), **facts}, at=NOON)


@pytest.mark.parametrize(
    ("area", "tiles_needed", "boxes"),
    [
        # 12 m² and 5 % are 12.6 m², exactly 35 tiles of 0.36 m², exactly 7 boxes of 5.
        ("12", 35, 9),
        # A square centimetre more begins another tile, and that tile another box.
        ("12.0001", 36, 10),
        # 42 tiles less one: still in the ninth box.
        ("13.7143", 41, 11),
        # A line that is not laid needs nothing, extra boxes included.
        ("0", 0, 0),
        # The small tier ends at 1.5 m² with it: 1.5 ÷ 0.36 = 4.17, 5 tiles, 1 box and 1 extra.
        ("1.5", 5, 2),
        # 1.5001 m² and 5 % are 1.575105 m²: 4.38, 5 tiles, 1 box and 2 extra.
        ("1.5001", 5, 3),
    ],
)
def test_tiles_and_boxes_by_hand(tiles: Policy, area: str, tiles_needed: int, boxes: int) -> None:
    (line,) = decided(tiles, {**TILE, "area_m2": area}).materials.lines
    assert (line.tiles, line.boxes) == (tiles_needed, boxes)
    assert line.weight == Decimal("30.5") * boxes and line.goods == 90 * boxes


def test_an_order_by_hand(tiles: Policy) -> None:
    decision = decided(
        tiles,
        {**TILE, "boxes_in_stock": 9, "processing": "cut", "pieces": 7, "pieces_per_tile": 3, "boxes_added": 2},
        {**TILE, "tile_model": "B", "boxes_in_stock": 8, "boxes_returned": 3, "tiles_processed_again": 1}
        | {"processing_price": "4.10"},
        deposit_paid=500,
    )
    found = decision.materials
    # 9 boxes each: 18 boxes of 30.5 kg are 549 kg, 1,620 CNY; 7 pieces from tiles of 3 take 3 tiles at 2.35 CNY.
    assert (found.total_boxes, found.total_weight, found.goods) == (18, Decimal(549), 1620)
    assert [line.short for line in found.lines] == [0, 1] and found.stock_short is True
    assert found.vehicle == "truck" and found.processing == Decimal("7.05")
    # On request day 2025-03-02 tax is 13 %: of 817.05, 810 and 80 CNY 106.22 (106.2165), 105.30 and 10.40.
    assert decision.quote.tax == Decimal("221.92")
    assert decision.quote.total == found.settlement.first == Decimal("1928.97")
    assert found.settlement.first_due == Decimal("1428.97")
    # Added 2 × 90 = 180, with tax 203.40. Returned 3 × 90 × 80 % = 216, again 4.10: −211.90, with tax −239.45
    # (−27.547 rounds to −27.55).
    assert [line.settlement.second for line in found.lines] == [Decimal("203.40"), Decimal("-239.45")]
    assert found.settlement.second == Decimal("-36.05") and found.settlement.total == Decimal("1892.92")
    assert [item.cells["subject"] for item in decision.approvals] == ["short"]


@pytest.mark.parametrize(("weight", "vehicle"), [("250", "van"), ("250.001", "truck")])
def test_the_limit_of_a_vehicle_belongs_to_it(tiles: Policy, weight: str, vehicle: str) -> None:
    # 0.3 m² is one tile, one box and one extra: two boxes of 250 kg are exactly 500 kg.
    assert decided(tiles, {**TILE, "area_m2": "0.3", "box_weight_kg": weight}).materials.vehicle == vehicle


def test_what_is_open_asks_for_what_it_lacks_and_nothing_else(tiles: Policy) -> None:
    decision = decided(tiles, TILE, {**TILE, "box_price": None, "processing": "edge"})
    assert set(decision.needs) == {"materials.box_price", "materials.pieces", "materials.processing_price"}
    found = decision.materials
    assert found.total_boxes == 18 and found.goods is None and found.settlement.first is None
    assert found.settlement.second == 0
    # An ordinary line has no pieces to ask for.
    assert decided(tiles, TILE).needs == ()


def test_a_return_without_a_share_is_left_open(tiles: Policy) -> None:
    line = {**TILE, "processing": "edge", "pieces": 1, "processing_price": 1}
    settled = decided(tiles, {**line, "boxes_returned": 2}).materials
    assert settled.settlement.second == Decimal("-162.72")  # 2 × 90 × 80 % = 144, and 13 %
    left_open = decided(tiles, {**line, "boxes_returned": 3})
    assert left_open.materials.settlement.second is None and left_open.needs == ()
    assert left_open.materials.lines[0].settlement.decided_by == "shop"


def test_the_greatest_order_fits_every_engine(tiles: Policy) -> None:
    """The limits of the registry: the most tiles, at the greatest weight and price, a thousand times."""
    greatest = {
        "area_m2": 50_000,
        "tile_length_mm": 100,
        "tile_width_mm": 100,
        "tiles_per_box": 1,
        "box_weight_kg": 10_000,
        "box_price": 100_000,
        "processing": "cut",
        "pieces": 10_000_000,
        "processing_price": 100_000,
        "boxes_returned": 1_000_000,
        "tiles_processed_again": 1_000_000,
    }
    ticket = tiles.ticket({"received_at": "2025-03-02T09:00:00", "materials": [greatest] * 1000})
    differences_found, _ = compare(tiles, [ticket], AT)
    assert differences_found == []
    # 50,000 m² are 5,000,000 tiles; 5 % more, and two boxes.
    assert tiles.decide(ticket, at=NOON).materials.total_boxes == 1000 * 5_250_002


def test_the_function_and_the_interpreter_agree(tiles: Policy) -> None:
    interpreter = Interpreter(tiles)
    tickets = random_tickets(tiles, 250, 3)
    seen: set[str] = set()
    for ticket, at in zip(tickets, random_instants(tiles, tickets, 3), strict=True):
        expected = by_interpreter(interpreter, ticket, at)
        assert differences(by_function(tiles, ticket, at), expected) == {}, f"{ticket!r} at {at}"
        if isinstance(expected, dict):
            seen.update(name.partition(": ")[2] or name for name, value in expected.items() if value)
    assert {"line_boxes", "line_second", "line_tax", "line_processing_fee", "total_weight", "settlement_total"} <= seen
    assert {"stock_short", "second_costs", "settlement_second_needs", "line_processed_tiles_needs"} <= seen


def test_duckdb_and_python_agree(tiles: Policy) -> None:
    differences_found, _ = compare(tiles, random_tickets(tiles, 300, seed=4), AT)
    assert differences_found == []


def test_stating_what_is_asked_for_ends_the_asking(tiles: Policy) -> None:
    for ticket in random_tickets(tiles, 80, 5):
        decision = tiles.decide_s(ticket, AT)
        assert set(decision.needs) <= set(missing_facts(tiles, ticket))


def test_a_policy_without_materials_has_no_column_for_them(tmp_path: Path) -> None:
    plan = load("mall").plan
    assert plan.names("material") == ()
    assert not {"total_boxes", "settlement_first", "vehicle"} & set(plan.columns)
