"""What is read quickly is read as the whole way reads it, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy.errors import TicketError
from svc_policy.facts.quick import GiveUp, QuickReader
from svc_policy.facts.reading import TicketReader
from svc_policy.facts.registry import LISTS, TICKET, Fact

OWN = (
    Fact(name="colour", kind="text", en="colour", zh="颜色", values={"red": ("red", "红"), "blue": ("blue", "蓝")}),
    Fact(name="age_months", kind="count", en="age", zh="月数", low=0, high=120, default=3),
)
#: Sydney's clocks skip an hour in October and repeat one in April.
READERS = {zone: TicketReader(zone=zone, currency="CNY", facts=OWN) for zone in ("Asia/Shanghai", "Australia/Sydney")}

numbers = st.one_of(
    st.integers(-5, 10**6),
    st.integers(-(10**20), 10**20),
    st.decimals(-2, 5000, places=4).map(str),
    st.sampled_from(["12.50", "1e3", "800 m", "1.5", "007", " 5 ", "١٢", "5.", "90 min", "50 CNY", "50 USD"]),
    st.floats(-10, 10**6),
)
instants = st.one_of(
    st.datetimes().map(lambda one: one.replace(microsecond=0).isoformat()),
    st.datetimes().map(lambda one: one.isoformat()),
    st.datetimes(timezones=st.just(UTC)).map(lambda one: one.isoformat()),
    st.sampled_from(
        [
            "2026-03-02T09:00",
            "2026-03-02 09:00",
            "2026-03-02T09:00Z",
            "2026-03-02T24:00",
            "2026-03-02T09",
            "2026-10-04T02:30",
            "2026-04-05T02:30",
            "2026-03-02T09:00:00+08:00",
            "2026-03-02T09:00:00-23:59",
            "2026-03-02T09:00:00+0800",
            "2026-W10-1T09:00",
            "20260302T0900",
            "1900-01-01T00:00",
            "9999-12-31T23:59",
        ]
    ),
)
dates = st.one_of(
    st.dates().map(str), st.sampled_from(["2026-2-3", "2026-02-30", "2026/01/01", "20260101", "2026-W01-1"])
)
texts = st.one_of(st.text(max_size=5), st.sampled_from(["", "  ", "a\0b", "\ud800", "x" * 10_001, "misuse", "红"]))
strange = st.one_of(st.none(), st.booleans(), st.just([]), st.just({}), texts)


def value_of(fact: Fact) -> st.SearchStrategy[object]:
    plain = {"instant": instants, "date": dates, "bool": st.booleans(), "count": st.integers(-2, 200_000)}
    known = st.sampled_from(sorted(fact.values)) if fact.values else texts
    usual = plain.get(fact.kind, known if fact.kind == "text" else numbers)
    return st.one_of(usual, usual, usual, strange)


@st.composite
def records(draw, facts):
    chosen = draw(st.lists(st.sampled_from(facts), max_size=6, unique_by=lambda fact: fact.name))
    return {fact.name: draw(value_of(fact)) for fact in chosen}


@st.composite
def tickets(draw):
    from svc_policy.facts.registry import BUILT_IN

    found = draw(records(TICKET))
    for grain, field in LISTS.items():
        if draw(st.booleans()) and draw(st.booleans()):
            found[field] = draw(st.one_of(strange, st.lists(records(BUILT_IN[grain]), max_size=2)))
    if draw(st.booleans()):
        found["ticket_id"] = draw(st.one_of(st.just("T-1"), strange))
    if draw(st.booleans()):
        found["extra"] = draw(st.one_of(records(OWN), strange, st.just({"unknown": 1})))
    if draw(st.integers(0, 20)) == 0:
        found["colour"] = "red"
    return found


def whole_way(reader: TicketReader, raw: object):
    quick, reader.quick = reader.quick, _Never()
    try:
        return reader.structure(raw)
    except TicketError as error:
        return error
    finally:
        reader.quick = quick


class _Never:
    def read(self, raw):
        return None


@pytest.mark.parametrize("zone", READERS)
@settings(max_examples=100, deadline=None)
@given(raw=tickets())
def test_what_is_taken_quickly_is_the_same_ticket(zone, raw):
    reader = READERS[zone]
    found = reader.quick.read(raw)
    expected = whole_way(reader, raw)
    if found is None:
        with pytest.raises(GiveUp):
            reader.quick.values(raw)
        return
    assert found == expected
    assert (found.shape, found.values, found.ticket_id) == (expected.shape, expected.values, expected.ticket_id)
    assert (found.extra, found.extra_values, found.facts) == (expected.extra, expected.extra_values, expected.facts)
    # Equal is not enough of what views show: the natural values are the same too.
    assert repr(found) == repr(expected)
    assert [repr(one) for name in LISTS.values() for one in getattr(found, name)] == [
        repr(one) for name in LISTS.values() for one in getattr(expected, name)
    ]
    stated = reader.quick.values(raw)
    held = reader.quick.values_of(expected).values
    assert {name: held[name] for name in stated.values} == stated.values
    assert {name for name in held if name not in stated.values} <= {
        fact.name for fact in (*TICKET, *OWN) if fact.default is not None
    }


def test_a_plain_ticket_is_taken_quickly():
    raw = json.loads(
        '{"ticket_id": "T-1", "received_at": "2026-03-02T09:00", "delivered_on": "2025-12-01", "distance_km": 12,'
        ' "labour_hours": 1.5, "cause": "misuse", "on_site": true, "parts": [{"part_no": "P", "unit_price": "12.50"}],'
        ' "extra": {"colour": "red"}}'
    )
    reader = QuickReader(ZoneInfo("Asia/Shanghai"), 2, OWN)
    found = reader.read(raw)
    assert found is not None
    # 01:00 UTC on 2026-03-02 is 20,514 days and an hour after the epoch.
    values = reader.values(raw).values
    assert values["received_at"] == 20_514 * 86_400 + 3_600
    assert values["distance_km"] == 12_000 and values["labour_hours"] == 5_400
    assert found.parts[0].values[3] == 1_250
    assert reader.read({**raw, "colour": "red"}) is None
