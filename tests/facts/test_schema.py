"""The published schema says what the reader takes."""

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from svc_policy.errors import TicketError
from svc_policy.facts.reading import read_ticket
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact
from svc_policy.facts.schema import schema_path, schema_text, ticket_schema

COMPANY = (
    Fact(name="vip", kind="bool", absence="default", default=False, en="important customer", zh="重要客户"),
    Fact(name="site_fee", kind="money", low=0, high=100_000, en="site fee", zh="现场费"),
    Fact(name="discount", kind="share", en="discount", zh="折扣"),
    Fact(name="colour", kind="text", values={"red": ("red", "红")}, en="colour", zh="颜色"),
    Fact(name="cause", kind="text", values={"flood": ("flood", "水淹")}, en="cause", zh="故障原因"),
)
WRITTEN = {
    "text": "a",
    "bool": True,
    "money": 12.34,
    "distance": 5.25,
    "area": 12.5,
    "weight": 30.5,
    "duration": 1.5,
    "count": 3,
    "date": "2026-03-02",
    "instant": "2026-03-02T09:00:00+08:00",
}


def full():
    """Make a ticket that states every fact."""
    stated = {
        grain: {fact.name: next(iter(fact.values), WRITTEN[fact.kind]) for fact in facts}
        for grain, facts in BUILT_IN.items()
    }
    lines = {field: [stated[grain]] for grain, field in LISTS.items()}
    return {"ticket_id": "T-1", **stated["ticket"], **lines, "extra": {"colour": "red"}}


def is_valid(data, facts=()):
    return Draft202012Validator(ticket_schema(facts)).is_valid(data)


def is_read(data, facts=()):
    try:
        read_ticket(data, zone="Asia/Shanghai", facts=facts)
    except TicketError:
        return False
    return True


def test_the_shipped_file_is_what_the_function_makes():
    assert schema_path().read_text(encoding="utf-8") == schema_text(ticket_schema())


def test_running_the_module_writes_the_file():
    before = schema_path().read_bytes()
    subprocess.run([sys.executable, "-W", "error", "-m", "svc_policy.facts.schema"], check=True)
    assert schema_path().read_bytes() == before


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(ticket_schema(COMPANY))
    assert ticket_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("grain", BUILT_IN)
def test_every_fact_stands_in_it_with_both_titles(grain):
    schema = ticket_schema()
    properties = (schema if grain == "ticket" else schema["$defs"][grain])["properties"]
    for fact in BUILT_IN[grain]:
        assert properties[fact.name]["title"] == fact.en
        assert properties[fact.name]["x-title-zh"] == fact.zh
        assert properties[fact.name].get("default") == fact.default


def test_a_full_ticket_is_valid_and_read():
    assert is_valid(full())
    assert is_read(full())
    assert is_valid({})
    assert is_valid(dict.fromkeys(full()))
    assert is_read(dict.fromkeys(full()))


@pytest.mark.parametrize(
    "path, written",
    [
        (("distance_km",), "800 m"),
        (("distance_km",), 20_100),
        (("labour_hours",), "90 min"),
        (("recorded_fee",), "50 CNY"),
        (("received_at",), "2026-03-02T09:00"),
        (("received_at",), "2026-03-02 09:00:00.5Z"),
        (("parts", 0, "quantity"), 3.0),
        (("parts",), []),
        (("warranty_until",), "9999-12-31"),
    ],
)
def test_what_the_schema_takes_the_reader_takes(path, written):
    data = changed(path, written)
    assert is_valid(data)
    assert is_read(data)


@pytest.mark.parametrize(
    "path, written",
    [
        (("distance_km",), -1),
        (("distance_km",), 20_101),
        (("distance_km",), "800 x"),
        (("distance_km",), "800 kg"),
        (("distance_km",), True),
        (("labour_hours",), 10_001),
        (("labour_hours",), "1 working h"),
        (("recorded_fee",), 100_000_000_001),
        (("recorded_fee",), "-1 CNY"),
        (("received_at",), "2026-03-02"),
        (("received_at",), "2026-03-02T25:00"),
        (("received_at",), "1026-03-02T09:00"),
        (("received_at",), 5),
        (("purchased_on",), "2026-13-02"),
        (("purchased_on",), "2026-03-02T09:00"),
        (("purchased_on",), "1026-03-02"),
        (("cause",), "misus"),
        (("cause",), 5),
        (("on_site",), "yes"),
        (("on_site",), 1),
        (("customer",), 5),
        (("customer",), "a\0"),
        (("customer",), "a" * 10_001),
        (("suspended_days",), 1.5),
        (("suspended_days",), 36_501),
        (("suspended_days",), "3"),
        (("ticket_id",), 5),
        (("parts",), {}),
        (("parts", 0), 5),
        (("parts", 0), None),
        (("parts", 0, "pric"), 5),
        (("parts", 0, "quantity"), -1),
        (("parts", 0, "part_cause"), "none"),
        (("holds", 0, "from_at"), "soon"),
        (("extra",), []),
        (("extra", "colour"), []),
        (("distanc_km",), 5),
        (("currency_digits",), 2),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(path, written):
    data = changed(path, written)
    assert not is_valid(data)
    assert not is_read(data)


def changed(path, written):
    data = json.loads(json.dumps(full()))
    *way, last = path
    within = data
    for step in way:
        within = within[step]
    within[last] = written
    return data


@pytest.mark.parametrize(
    "data, is_good",
    [
        ({"extra": {"vip": True, "site_fee": 12.5, "discount": "12.5 %", "colour": "red"}}, True),
        ({"cause": "flood"}, True),
        ({"cause": "wear"}, False),
        ({"extra": {"vip": 1}}, False),
        ({"extra": {"site_fee": 1001}}, False),
        ({"extra": {"discount": 12}}, False),
        ({"extra": {"colour": "blue"}}, False),
        ({"extra": {"smell": "good"}}, False),
    ],
)
def test_company_facts_are_in_the_schema_of_their_policy(data, is_good):
    assert is_valid(data, COMPANY) is is_good
    assert is_read(data, COMPANY) is is_good


def test_limits_of_money_follow_the_currency():
    price = ticket_schema(currency_digits=0)["$defs"]["part"]["properties"]["unit_price"]
    assert price["anyOf"][0]["maximum"] == 10**9
