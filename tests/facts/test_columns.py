"""The published input of the batch engines."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from svc_policy.errors import UsageError
from svc_policy.facts.columns import TABLES, columns, keys, row, rows
from svc_policy.facts.registry import BUILT_IN, GRAINS, Fact
from svc_policy.facts.ticket import Hold, Part, Ticket

SHARE = Fact(name="discount", kind="share", en="discount", zh="折扣")
VIP = Fact(name="vip", kind="bool", absence="default", default=False, en="important customer", zh="重要客户")


def published(grain, facts=()):
    return {column.name: column.type for column in columns(grain, facts)}


def test_columns_of_a_part():
    assert list(published("part").items()) == [
        ("part_no", "text"),
        ("part_class", "text"),
        ("quantity", "bigint"),
        ("unit_price_minor", "bigint"),
        ("part_cause", "text"),
        ("part_warranty_until_day", "bigint"),
    ]


def test_columns_of_a_hold():
    assert published("hold") == {"hold_kind": "text", "from_at_s": "bigint", "until_at_s": "bigint"}


def test_columns_of_a_material_name_square_centimetres_and_grams():
    found = published("material")
    assert found["area_cm2"] == found["box_weight_g"] == found["box_price_minor"] == "bigint"
    assert found["tile_length_mm"] == "bigint" and found["processing"] == "text"
    assert "area_m2" not in found and "box_weight_kg" not in found


def test_units_stand_in_the_names_of_a_ticket():
    found = published("ticket")
    assert found["distance_m"] == "bigint"
    assert found["labour_s"] == "bigint"
    assert found["contract_time_left_s"] == "bigint"
    assert found["received_at_s"] == "bigint"
    assert found["purchased_on_day"] == "bigint"
    assert found["suspended_days"] == "bigint"
    assert found["on_site"] == "boolean"
    assert found["zone"] == "text"


@pytest.mark.parametrize("grain", GRAINS)
def test_names_are_unique_and_follow_the_registry(grain):
    listed = keys(grain) + columns(grain)
    assert len({column.name for column in listed}) == len(listed)
    assert [column.fact for column in columns(grain)] == list(BUILT_IN[grain])


def test_tables_and_keys():
    assert list(TABLES.values()) == ["tickets", "parts", "holds", "incidents", "overrides", "materials"]
    assert [(column.name, column.type) for column in keys("ticket")] == [("ticket_id", "text")]
    assert [(column.name, column.type) for column in keys("hold")] == [("ticket_id", "text"), ("line", "bigint")]


def test_rows_carry_keys_and_values():
    ticket = Ticket(
        ticket_id="T1",
        parts=[Part(unit_price=Decimal("3.10")), Part(quantity=2, part_warranty_until=date(1970, 1, 2))],
        holds=[Hold(hold_kind="parts", from_at=datetime(1970, 1, 1, 0, 1, tzinfo=UTC))],
    )
    found = rows(ticket)
    assert found["parts"] == [("T1", 0, None, None, 1, 310, None, None), ("T1", 1, None, None, 2, None, None, 1)]
    assert found["holds"] == [("T1", 0, "parts", 60, None)]
    assert found["incidents"] == found["overrides"] == []
    assert found["tickets"] == [("T1", *ticket.values)]


def test_company_facts_follow_the_built_in_ones():
    facts = (SHARE, VIP)
    ticket = Ticket(extra={"discount": 1_250}, facts=facts)
    assert [column.name for column in columns("ticket", facts)][-2:] == ["discount_bp", "vip"]
    assert row(ticket)[-2:] == (1_250, False)
    assert len(row(ticket)) == len(columns("ticket", facts))


@pytest.mark.parametrize("name", ["ticket_id", "distance_m"])
def test_two_facts_cannot_share_a_column(name):
    with pytest.raises(UsageError, match=f"`{name}`"):
        columns("ticket", [Fact(name=name, kind="text", en="x", zh="x")])
