"""The records: what they hold, what they compute, what they refuse."""

import copy
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
import pytest

from svc_policy.errors import TicketError, UsageError
from svc_policy.facts.reading import read_ticket
from svc_policy.facts.registry import BUILT_IN, LISTS, TICKET, Fact
from svc_policy.facts.ticket import RECORDS, Hold, Incident, Material, Override, Part, Ticket

SHANGHAI = timezone(timedelta(hours=8))
OWN = {"ticket": {"ticket_id", "extra", "extra_values", "shape", *LISTS.values()}}
TYPES = {
    "text": str | None,
    "bool": bool | None,
    "money": Decimal | int | None,
    "distance": Decimal | int | None,
    "area": Decimal | int | None,
    "weight": Decimal | int | None,
    "duration": Decimal | int | timedelta | None,
    "count": int | None,
    "date": date | None,
    "instant": datetime | None,
}
VIP = Fact(name="vip", kind="bool", absence="default", default=False, en="important customer", zh="重要客户")
SITE_FEE = Fact(name="site_fee", kind="money", low=0, high=100_000, en="site fee", zh="现场费")


def value(ticket, name):
    return ticket.values[[fact.name for fact in TICKET].index(name)]


def refusal(make, **facts):
    with pytest.raises(TicketError) as caught:
        make(**facts)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


@pytest.mark.parametrize("record", RECORDS)
def test_fields_are_the_facts_of_the_registry_in_its_order(record):
    settings = {"currency_digits", "facts", "values"} | OWN.get(record.grain, set())
    fields = [field for field in attrs.fields(attrs.resolve_types(record)) if field.name not in settings]
    assert [field.name for field in fields] == [fact.name for fact in BUILT_IN[record.grain]]
    assert [field.type for field in fields] == [TYPES[fact.kind] for fact in BUILT_IN[record.grain]]
    assert all(field.default is None for field in fields)


def test_every_grain_has_its_record():
    assert {record.grain for record in RECORDS} == set(BUILT_IN)


def test_values_of_a_part_are_counts_minor_units_and_days():
    part = Part(
        part_no="P-1",
        part_class="pump",
        quantity=3,
        unit_price=Decimal("12.30"),
        part_cause="wear",
        part_warranty_until=date(1970, 1, 11),
    )
    assert part.values == ("P-1", "pump", 3, 1230, "wear", 10)


def test_missing_facts_hold_their_default_or_nothing():
    assert Part().values == (None, None, 1, None, None, None)
    assert Incident().values == (None, None, None, False, 0, None, None, False, False, False)
    assert Material().values == (*(None,) * 10, 1, None, 0, 0, 0)
    ticket = Ticket()
    assert value(ticket, "internal") is False
    assert value(ticket, "visit_time") == "normal"
    assert value(ticket, "suspended_days") == 0
    assert value(ticket, "distance_km") is None
    assert len(ticket.values) == len(TICKET)
    assert ticket.internal is None


@pytest.mark.parametrize(
    "name, given, expected",
    [
        ("distance_km", 5, 5_000),
        ("distance_km", Decimal("5.125"), 5_125),
        ("distance_km", Decimal("5.12500000"), 5_125),
        ("distance_km", Decimal("1.2E+3"), 1_200_000),
        ("distance_km", 0.3, 300),
        ("distance_km", 0, 0),
        ("labour_hours", Decimal("1.5"), 5_400),
        ("labour_hours", Decimal("0.0625"), 225),
        ("labour_hours", 2, 7_200),
        ("labour_hours", timedelta(minutes=20), 1_200),
        ("recorded_fee", 7, 700),
        ("recorded_fee", Decimal("0.01"), 1),
        ("recorded_fee", 19.99, 1_999),
        ("contract_visits_left", Decimal("2.0"), 2),
        ("on_site", True, True),
        ("customer", "周", "周"),
        ("customer", "  ", None),
        ("purchased_on", date(1969, 12, 31), -1),
        ("purchased_on", date(2000, 3, 1), 11_017),
        ("received_at", datetime(1970, 1, 2, 8, tzinfo=SHANGHAI), 86_400),
        # 2026-03-02 is day 20514: 56 years of 365 days, 14 leap days, 31 + 28 + 1 days.
        ("received_at", datetime(2026, 3, 2, 9, tzinfo=SHANGHAI), 20_514 * 86_400 + 3_600),
        ("received_at", datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), 1),
        ("received_at", datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), -1),
        # The second 02:30 of the night when the clocks go back is 01:30 UTC.
        (
            "received_at",
            datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
            int(datetime(2026, 10, 25, 1, 30, tzinfo=UTC).timestamp()),
        ),
    ],
)
def test_values_are_integers_in_the_smallest_unit(name, given, expected):
    found = value(Ticket(**{name: given}), name)
    assert found == expected
    assert type(found) is type(expected)


def test_areas_are_square_centimetres_and_weights_grams():
    tile = Material(area_m2=Decimal("12.3456"), box_weight_kg=Decimal("30.125"), box_price=88, tile_length_mm=600)
    assert tile.values[1:7] == (123_456, 600, None, None, 30_125, 8_800)
    assert Material(area_m2=Decimal("12.50")) == Material(area_m2=12.5)


def test_a_line_covers_so_many_tiles_and_no_more():
    tile = {"tile_length_mm": 100, "tile_width_mm": 100}
    assert Material(area_m2=50_000, **tile).values[1] == 500_000_000
    found = refusal(Material, area_m2=50_000, tile_length_mm=100, tile_width_mm=99)
    assert str(found.message) == "`area_m2` is `50000`, more than 5000000 tiles of 100 mm by 99 mm"


@pytest.mark.parametrize(
    "name, given, said",
    [
        ("area_m2", -1, "`materials[1].area_m2` is `-1`, less than 0 m2"),
        ("area_m2", Decimal("0.00001"), "`materials[1].area_m2` is `0.00001`, which has more than 4 decimals"),
        ("area_m2", 50_001, "`materials[1].area_m2` is `50001`, more than 50000 m2"),
        ("tile_length_mm", 0, "`materials[1].tile_length_mm` is `0`, less than 1"),
        ("tile_width_mm", 0, "`materials[1].tile_width_mm` is `0`, less than 1"),
        ("tiles_per_box", 0, "`materials[1].tiles_per_box` is `0`, less than 1"),
        ("pieces_per_tile", 0, "`materials[1].pieces_per_tile` is `0`, less than 1"),
        (
            "box_weight_kg",
            Decimal("30.0005"),
            "`materials[1].box_weight_kg` is `30.0005`, which has more than 3 decimals",
        ),
        ("box_weight_kg", 10_001, "`materials[1].box_weight_kg` is `10001`, more than 10000 kg"),
        ("boxes_returned", -1, "`materials[1].boxes_returned` is `-1`, less than 0"),
    ],
)
def test_what_no_material_can_be_is_refused_with_its_place(name, given, said):
    problem = refusal(lambda **facts: read_ticket({"materials": [{}, facts]}, zone="Asia/Shanghai"), **{name: given})
    assert str(problem.message) == said


def test_decimals_of_the_currency_scale_money():
    assert Override(amount=500, currency_digits=0).values[-1] == 500
    assert Override(amount=Decimal("0.125"), currency_digits=3).values[-1] == 125


@pytest.mark.parametrize(
    "name, given, code",
    [
        ("distance_km", -1, "ticket-too-small"),
        ("distance_km", Decimal("20100.001"), "ticket-too-large"),
        ("distance_km", Decimal("1e999999999"), "ticket-too-large"),
        pytest.param("distance_km", 10**5000, "ticket-too-large", id="thousands of digits"),
        ("distance_km", Decimal("0.0001"), "ticket-too-precise"),
        ("distance_km", Decimal("1e-999999999"), "ticket-too-precise"),
        ("distance_km", 0.1 + 0.2, "ticket-too-precise"),
        ("distance_km", float("nan"), "ticket-not-finite"),
        ("distance_km", float("inf"), "ticket-not-finite"),
        ("distance_km", Decimal("sNaN"), "ticket-not-finite"),
        ("distance_km", True, "ticket-wrong-type"),
        ("distance_km", "5", "ticket-wrong-type"),
        ("labour_hours", Decimal("0.333"), "ticket-too-precise"),
        ("labour_hours", Decimal("0.0001"), "ticket-too-precise"),
        ("labour_hours", timedelta(microseconds=1), "ticket-too-precise"),
        ("labour_hours", timedelta(seconds=-1), "ticket-too-small"),
        ("labour_hours", 10_001, "ticket-too-large"),
        ("recorded_fee", Decimal("1.001"), "ticket-too-precise"),
        ("suspended_days", Decimal("1.5"), "ticket-too-precise"),
        ("suspended_days", False, "ticket-wrong-type"),
        ("suspended_days", 36_501, "ticket-too-large"),
        ("on_site", 1, "ticket-wrong-type"),
        ("on_site", "yes", "ticket-wrong-type"),
        ("customer", 5, "ticket-wrong-type"),
        ("customer", "a\0", "ticket-text-not-unicode"),
        ("customer", "\ud800", "ticket-text-not-unicode"),
        ("customer", "a" * 10_001, "ticket-text-too-long"),
        ("cause", "misus", "ticket-unknown-value"),
        ("purchased_on", datetime(2026, 3, 2, tzinfo=UTC), "ticket-wrong-type"),
        ("purchased_on", "2026-03-02", "ticket-wrong-type"),
        ("purchased_on", date(202, 3, 2), "ticket-too-small"),
        ("received_at", datetime(2026, 3, 2, 9), "ticket-naive-instant"),
        ("received_at", date(2026, 3, 2), "ticket-wrong-type"),
        ("received_at", 1_700_000_000, "ticket-wrong-type"),
        ("received_at", datetime(1, 1, 1, tzinfo=SHANGHAI), "ticket-too-small"),
        ("received_at", datetime(9999, 12, 31, 23, tzinfo=UTC), "ticket-too-large"),
        ("received_at", datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")), "ticket-skipped-time"),
        ("ticket_id", 5, "ticket-wrong-type"),
        ("parts", 5, "ticket-wrong-type"),
        ("extra", [], "ticket-wrong-type"),
    ],
)
def test_what_cannot_be_true_is_refused_and_named(name, given, code):
    found = refusal(Ticket, **{name: given})
    assert found.code == code
    assert f"`{name}`" in found.render()
    assert "\n" not in found.message.text()


def test_the_largest_and_smallest_values_are_taken():
    ticket = Ticket(distance_km=20_100, labour_hours=10_000, recorded_fee=10**11, purchased_on=date(9999, 12, 31))
    assert value(ticket, "distance_km") == 20_100_000
    assert value(ticket, "labour_hours") == 36_000_000
    assert value(ticket, "recorded_fee") == 10**13
    assert value(ticket, "purchased_on") == date(9999, 12, 31).toordinal() - date(1970, 1, 1).toordinal()


@pytest.mark.parametrize("given", ["misus", "misuse or lack of upkep", "使用或保养不档"])
def test_an_unknown_value_suggests_the_nearest_by_name_or_label(given):
    found = refusal(Ticket, cause=given)
    assert found.render() == (
        f"`cause` is `{given}`, which is not one of its values\n"
        "help: did you mean `misuse`? its values are `product`, `misuse`, `wear`, `accident`"
    )


def test_a_naive_instant_says_what_to_do():
    found = refusal(Ticket, quoted_at=datetime(2026, 3, 2, 9))
    assert found.help is not None
    assert "read_ticket" in found.help.text()


def test_all_problems_are_raised_together_with_their_paths():
    with pytest.raises(TicketError) as caught:
        Ticket(distance_km=-1, cause="?", parts=[Part(), 5], extra={"a": [1]})
    assert [found.message.values["field"] for found in caught.value.problems] == [
        "cause",
        "distance_km",
        "parts[1]",
        "extra.a",
    ]


def test_a_hold_cannot_end_before_it_began():
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert refusal(Hold, from_at=noon, until_at=noon - timedelta(seconds=1)).code == "ticket-hold-ends-early"
    assert Hold(from_at=noon, until_at=noon).values == (None, 1_772_452_800, 1_772_452_800)
    assert Hold(until_at=noon).values[1] is None


def test_lists_are_taken_and_held_as_tuples():
    ticket = Ticket(parts=[Part(quantity=2)], holds=iter([Hold(hold_kind="parts")]))
    assert ticket.parts == (Part(quantity=2),)
    assert ticket.holds == (Hold(hold_kind="parts"),)


def test_parts_of_another_currency_are_refused():
    assert refusal(Ticket, parts=[Part(currency_digits=0)]).code == "ticket-two-currencies"


def test_records_that_say_the_same_are_equal():
    at = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
    one = Ticket(distance_km=5, received_at=at, labour_hours=Decimal("0.5"), internal=False)
    other = Ticket(distance_km=Decimal("5.0"), received_at=at.astimezone(UTC), labour_hours=timedelta(minutes=30))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Ticket(distance_km=5)
    assert one != Ticket(distance_km=5, received_at=at, labour_hours=Decimal("0.5"), parts=[Part()])
    assert Part() != Hold()


def test_records_are_frozen_and_can_be_copied_and_pickled():
    ticket = Ticket(ticket_id="T1", distance_km=5, parts=[Part(unit_price=3)], extra={"vip": True})
    for again in (copy.deepcopy(ticket), pickle.loads(pickle.dumps(ticket)), attrs.evolve(ticket)):
        assert again == ticket
        assert again.values == ticket.values
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ticket.distance_km = 6


def test_repr_shows_what_was_stated():
    assert repr(Ticket(ticket_id="T1", on_site=False, parts=[Part(quantity=2)])) == (
        "Ticket(on_site=False, ticket_id='T1', parts=(Part(quantity=2),))"
    )


def test_company_facts_are_computed_when_they_are_declared():
    ticket = Ticket(extra={"site_fee": Decimal("12.5")})
    assert ticket.extra_values == {}
    assert ticket.with_facts([VIP, SITE_FEE]).extra_values == {"vip": False, "site_fee": 1_250}


@pytest.mark.parametrize(
    "extra, field, code",
    [
        ({"vipp": True}, "extra.vipp", "ticket-unknown-field"),
        ({"vip": 1}, "extra.vip", "ticket-wrong-type"),
        ({"site_fee": 1_001}, "extra.site_fee", "ticket-too-large"),
    ],
)
def test_company_facts_are_checked_against_their_declaration(extra, field, code):
    found = refusal(Ticket(extra=extra).with_facts, facts=[VIP, SITE_FEE])
    assert (found.message.values["field"], found.code) == (field, code)


def test_a_company_changes_an_enumeration():
    flood = Fact(name="cause", kind="text", values={"flood": ("flood", "水淹")}, en="cause", zh="故障原因")
    ticket = Ticket(cause="flood", facts=[flood])
    assert value(ticket, "cause") == "flood"
    assert refusal(Ticket(cause="wear").with_facts, facts=[flood]).code == "ticket-unknown-value"
    assert refusal(Ticket, cause="flood").code == "ticket-unknown-value"


def test_a_changed_enumeration_reaches_the_parts():
    only = Fact(name="part_cause", kind="text", grain="part", values={"wear": ("wear", "磨损")}, en="cause", zh="原因")
    found = refusal(Ticket(parts=[Part(), Part(part_cause="misuse")]).with_facts, facts=[only])
    assert found.message.values["field"] == "parts[1].part_cause"


def test_a_declaration_cannot_change_what_is_built_in():
    with pytest.raises(UsageError, match="`cause`"):
        Ticket(facts=[Fact(name="cause", kind="count", en="cause", zh="原因")])
    with pytest.raises(UsageError, match="`colour`"):
        Ticket(facts=[Fact(name="colour", kind="text", grain="part", en="colour", zh="颜色")])


def test_importing_the_records_loads_nothing_heavy():
    code = "import sys, svc_policy.facts.ticket; print([m for m in sys.modules])"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("cattrs", "babel", "json", "tomllib", "pendulum", "svc_policy.units"):
        assert f"'{heavy}'" not in modules
