"""Reading tickets from JSON, TOML and mappings, and writing them back."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_policy.errors import TicketError, UsageError
from svc_policy.facts.reading import TicketReader, read_ticket, read_tickets, ticket_to_dict
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact
from svc_policy.facts.ticket import Hold, Incident, Material, Override, Part, Ticket

CNY = "Asia/Shanghai"
BERLIN = "Europe/Berlin"
COMPANY = (
    Fact(name="vip", kind="bool", absence="default", default=False, en="important customer", zh="重要客户"),
    Fact(name="site_fee", kind="money", low=0, high=100_000, en="site fee", zh="现场费"),
    Fact(name="discount", kind="share", low=0, high=10_000, en="discount", zh="折扣"),
    Fact(name="surveyed_on", kind="date", en="day of the survey", zh="勘察日期"),
    Fact(name="called_at", kind="instant", en="called", zh="呼叫时间"),
)


def problems(data, zone=CNY, **options):
    with pytest.raises(TicketError) as caught:
        read_ticket(data, zone=zone, **options)
    return caught.value.problems


def fields(data, **options):
    return [(found.message.values.get("field"), found.code) for found in problems(data, **options)]


def test_a_ticket_reads_as_it_would_be_made():
    text = """{
      "ticket_id": "T-1", "distance_km": 5.25, "labour_hours": 1.5, "on_site": true, "cause": "wear",
      "purchased_on": "2025-02-28", "received_at": "2026-03-02T09:00", "recorded_fee": null,
      "parts": [{"part_no": "P-1", "quantity": 2, "unit_price": 3.10}],
      "holds": [{"hold_kind": "parts", "from_at": "2026-03-02T10:00:00Z"}],
      "incidents": [{"incident_kind": "late", "occurred_on": "2026-03-03", "loss": 100}],
      "overrides": [{"override_kind": "discount", "role": "manager", "reason": "goodwill", "amount": 20}],
      "extra": {"colour": "red"}
    }"""
    shanghai = ZoneInfo("Asia/Shanghai")
    assert read_ticket(text, zone=CNY) == Ticket(
        ticket_id="T-1",
        distance_km=Decimal("5.25"),
        labour_hours=Decimal("1.5"),
        on_site=True,
        cause="wear",
        purchased_on=date(2025, 2, 28),
        received_at=datetime(2026, 3, 2, 9, tzinfo=shanghai),
        parts=[Part(part_no="P-1", quantity=2, unit_price=Decimal("3.10"))],
        holds=[Hold(hold_kind="parts", from_at=datetime(2026, 3, 2, 18, tzinfo=shanghai))],
        incidents=[Incident(incident_kind="late", occurred_on=date(2026, 3, 3), loss=100)],
        overrides=[Override(override_kind="discount", role="manager", reason="goodwill", amount=20)],
        extra={"colour": "red"},
    )


def test_toml_reads_like_json():
    text = """
    # a comment
    ticket_id = "T-1"
    distance_km = 5.25
    purchased_on = 2025-02-28
    received_at = 2026-03-02T09:00:00
    quoted_at = 2026-03-02T09:00:00.9Z
    [[parts]]
    unit_price = 3.10
    """
    assert read_ticket(text, zone=CNY) == Ticket(
        ticket_id="T-1",
        distance_km=Decimal("5.25"),
        purchased_on=date(2025, 2, 28),
        received_at=datetime(2026, 3, 2, 1, tzinfo=UTC),
        quoted_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        parts=[Part(unit_price=Decimal("3.10"))],
    )


@pytest.mark.parametrize("text", ["[[parts]]\nquantity = 2\n", "# parts\r\n[[parts]]\r\nquantity = 2\r\n"])
def test_toml_is_known_by_its_first_line(text):
    assert read_ticket(text, zone=CNY) == Ticket(parts=[Part(quantity=2)])


@pytest.mark.parametrize(
    "name, written, expected",
    [
        ("distance_km", "800 m", Decimal("0.8")),
        ("distance_km", "5 km", 5),
        ("labour_hours", "1.5 h", Decimal("1.5")),
        ("labour_hours", "20 min", timedelta(minutes=20)),
        ("recorded_fee", "50 CNY", 50),
        ("recorded_fee", 19.99, Decimal("19.99")),
        ("purchased_on", "2026年1月2日", date(2026, 1, 2)),
        ("received_at", "2026-03-02 09:00:00.123456+08:00", datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("received_at", datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("distance_km", None, None),
        ("customer", "", None),
    ],
)
def test_a_text_may_carry_its_unit(name, written, expected):
    assert read_ticket({name: written}, zone=CNY) == Ticket(**{name: expected})


@pytest.mark.parametrize(
    "local, code, readings",
    [
        ("2026-03-29T02:30", "ticket-instant-skipped", ("2026-03-29T02:30:00+01:00", "2026-03-29T02:30:00+02:00")),
        ("2026-10-25T02:30", "ticket-instant-twice", ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")),
    ],
)
def test_a_local_time_that_is_skipped_or_repeated_names_both_readings(local, code, readings):
    (found,) = problems({"received_at": local}, zone=BERLIN)
    assert found.code == code
    assert found.message.text() == f"cannot read `{local}` in `received_at`"
    for reading in readings:
        assert f"`{reading}`" in found.help.text()
        assert read_ticket({"received_at": reading}, zone=BERLIN).received_at.utcoffset() is not None


def test_a_local_time_is_read_in_the_zone_of_the_policy():
    summer, winter = (
        read_ticket({"received_at": f"2026-{month}-25T12:00"}, zone=ZoneInfo(BERLIN)) for month in ("07", "11")
    )
    assert summer.received_at.astimezone(UTC).hour == 10
    assert winter.received_at.astimezone(UTC).hour == 11


def test_every_problem_is_reported_with_its_path():
    data = {
        "distanc_km": 1,
        "cause": "misus",
        "distance_km": -5,
        "ticket_id": 5,
        "parts": [{"unit_price": Decimal("3.105")}, 5, {"quantity": Decimal("0.5"), "pric": 2}],
        "holds": {"a": 1},
        "incidents": [{"loss": "5 USD"}, {"loss": "5,"}],
        "extra": {"x": [1]},
        "currency_digits": 3,
    }
    assert sorted(fields(data)) == [
        ("cause", "ticket-unknown-value"),
        ("currency_digits", "ticket-unknown-field"),
        ("distanc_km", "ticket-unknown-field"),
        ("distance_km", "ticket-too-small"),
        ("extra.x", "ticket-wrong-type"),
        ("holds", "ticket-wrong-type"),
        ("incidents[0].loss", "ticket-currency-other"),
        ("incidents[1].loss", "ticket-unit-unknown"),
        ("parts[0].unit_price", "ticket-too-precise"),
        ("parts[1]", "ticket-wrong-type"),
        ("parts[2].pric", "ticket-unknown-field"),
        ("parts[2].quantity", "ticket-too-precise"),
        ("ticket_id", "ticket-wrong-type"),
    ]


def test_an_unknown_key_suggests_the_nearest():
    (found,) = problems({"distanc_km": 1})
    assert found.render() == "`distanc_km` is no known fact\nhelp: did you mean `distance_km`?"


def test_a_hold_that_ends_early_is_named_by_its_path():
    data = {"holds": [{}, {"from_at": "2026-03-02T09:00Z", "until_at": "2026-03-02T08:00Z"}]}
    assert fields(data) == [("holds[1].until_at", "ticket-hold-ends-early")]


@pytest.mark.parametrize(
    "name, written",
    [
        ("on_site", "yes"),
        ("on_site", 1),
        ("suspended_days", "3"),
        ("received_at", "2026-03-02"),
        ("received_at", "0001-01-01T00:00"),
        ("received_at", "9999-12-31T23:00Z"),
        ("purchased_on", "2026-02-30"),
        ("purchased_on", "1026-02-03"),
        ("distance_km", "-5 km"),
        ("distance_km", "5 kg"),
        ("customer", 5),
        ("customer", ["a"]),
        ("parts", "none"),
        ("extra", "none"),
    ],
)
def test_what_cannot_be_read_is_refused(name, written):
    assert [field for field, _ in fields({name: written})] == [name]


def test_company_facts_are_read_as_declared():
    data = {
        "extra": {
            "vip": True,
            "site_fee": "12.50 CNY",
            "discount": "12.5 %",
            "surveyed_on": "1970-01-03",
            "called_at": "1970-01-01T08:01",
        }
    }
    ticket = read_ticket(data, zone=CNY, facts=COMPANY)
    assert ticket.extra_values == {"vip": True, "site_fee": 1250, "discount": 1250, "surveyed_on": 2, "called_at": 60}
    assert read_ticket({}, zone=CNY, facts=COMPANY).extra_values == {"vip": False}


def test_company_facts_are_checked_together():
    data = {"extra": {"vip": "yes", "site_fee": 2000, "discount": 12, "colour": "red", "surveyed_on": "soon"}}
    assert sorted(fields(data, facts=COMPANY)) == [
        ("extra.colour", "ticket-unknown-field"),
        ("extra.discount", "ticket-wrong-type"),
        ("extra.site_fee", "ticket-too-large"),
        ("extra.surveyed_on", "ticket-date-unreadable"),
        ("extra.vip", "ticket-wrong-type"),
    ]


def test_company_facts_beside_the_built_in_ones_are_sent_to_extra():
    (found,) = problems({"vip": True}, facts=COMPANY)
    assert "`extra`" in found.help.text()


def test_money_has_the_decimals_of_its_currency():
    assert read_ticket({"recorded_fee": 500}, zone=CNY, currency="JPY").values[-2] == 500
    ticket = read_ticket({"parts": [{"unit_price": Decimal("1.125")}]}, zone=CNY, currency="KWD")
    assert ticket.parts[0].values[3] == 1125
    assert fields({"recorded_fee": Decimal("0.5")}, currency="JPY") == [("recorded_fee", "ticket-too-precise")]


@pytest.mark.parametrize("options", [{"zone": "Europe/Berln"}, {"zone": ""}, {"zone": CNY, "currency": "XX"}])
def test_settings_that_do_not_exist_are_wrong_use(options):
    with pytest.raises(UsageError):
        read_ticket({}, **options)


@pytest.mark.parametrize("data", ["5", "[]", "null", '"a"', 5, None, [1]])
def test_what_is_no_set_of_facts_is_refused(data):
    (found,) = problems(data)
    assert found.code == "ticket-wrong-type"


def test_problems_name_the_input(tmp_path):
    path = tmp_path / "ticket.json"
    path.write_text('{"distance_km": -1}')
    assert problems(path)[0].render().startswith(f"{path}: `distance_km` is `-1`")
    assert problems('{"distance_km": -1}', name="-")[0].render().startswith("-: ")


def test_missing_facts_are_not_written():
    assert ticket_to_dict(Ticket()) == {}
    assert ticket_to_dict(Ticket(customer=" ", extra={"vip": None})) == {}


def test_a_ticket_is_written_in_the_units_of_its_names():
    ticket = Ticket(
        ticket_id="T-1",
        distance_km=Decimal("5.250"),
        labour_hours=timedelta(minutes=20),
        contract_hours_left=timedelta(minutes=90),
        internal=False,
        purchased_on=date(2025, 2, 28),
        received_at=datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=8))),
        recorded_fee=Decimal("100.00"),
        extra={"discount": 1250, "site_fee": Decimal("0.5")},
        facts=COMPANY,
    )
    assert ticket_to_dict(ticket) == {
        "ticket_id": "T-1",
        "contract_hours_left": 1.5,
        "internal": False,
        "purchased_on": "2025-02-28",
        "distance_km": 5.25,
        "labour_hours": "1200 s",
        "received_at": "2026-03-02T09:00:00+08:00",
        "recorded_fee": 100,
        "extra": {"discount": "12.50 %", "site_fee": 0.5},
    }


INSTANTS = st.datetimes(
    datetime(1900, 1, 2),
    datetime(9999, 12, 28),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3)), ZoneInfo("Asia/Shanghai"), ZoneInfo(BERLIN)]),
    allow_imaginary=False,
)


def holding(fact):
    """Draw what a fact can hold in Python, up to its limits."""
    if fact.values:
        return st.sampled_from(sorted(fact.values))
    if fact.kind in ("money", "distance", "area", "weight"):
        places = {"money": 2, "area": 4}.get(fact.kind, 3)
        return st.integers(0, fact.high).map(lambda amount: Decimal(amount).scaleb(-places))
    if fact.kind == "duration":
        seconds = st.integers(0, fact.high)
        return st.one_of(seconds.map(lambda s: timedelta(seconds=s)), seconds.map(lambda s: Decimal(s // 9) / 400))
    return {
        "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
        "bool": st.booleans(),
        "count": st.integers(fact.low or 0, fact.high or 0),
        "share": st.integers(0, 10_000),
        "date": st.dates(date(1900, 1, 1), date(9999, 12, 31)),
        "instant": INSTANTS,
    }[fact.kind]


def stating(grain):
    return st.fixed_dictionaries({}, optional={fact.name: holding(fact) for fact in BUILT_IN[grain]})


@st.composite
def tickets(draw):
    stated = draw(stating("ticket"))
    for record in (Part, Hold, Incident, Override, Material):
        field = LISTS[record.grain]
        lines = draw(st.lists(stating(record.grain), max_size=2))
        for line in lines if record is Hold else ():
            if "from_at" in line and "until_at" in line:
                line["from_at"], line["until_at"] = sorted((line["from_at"], line["until_at"]))
        stated[field] = [record(**line) for line in lines]
    extra = {fact.name: holding(fact) for fact in COMPANY}
    stated["extra"] = draw(st.fixed_dictionaries({}, optional=extra))
    return Ticket(**stated, facts=COMPANY)


@given(tickets())
@settings(max_examples=60, deadline=None)
def test_law_reading_what_was_written_gives_an_equal_ticket(ticket):
    written = ticket_to_dict(ticket)
    assert read_ticket(written, zone=CNY, facts=COMPANY) == ticket
    assert read_ticket(json.dumps(written), zone="America/New_York", facts=COMPANY) == ticket


def outcome(data):
    try:
        return read_ticket(data, zone=CNY)
    except TicketError as error:
        return error


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*(fact.name for fact in BUILT_IN["ticket"]), "parts", "extra"]), JUNK))
@settings(max_examples=300, deadline=None)
def test_law_bad_input_is_a_ticket_error_and_nothing_else(data):
    found = outcome(data)
    if isinstance(found, Ticket):
        assert len(found.values) == len(BUILT_IN["ticket"])
    else:
        assert found.problems
        assert all("\n" not in each.message.text() for each in found.problems)


@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda junk: b"{" + junk + b"}"))
@settings(max_examples=300, deadline=None)
def test_law_no_text_raises_anything_but_a_ticket_error(data):
    assert isinstance(outcome(data), Ticket | TicketError)


def test_reading_many_keeps_what_can_be_read(tmp_path):
    path = tmp_path / "tickets.jsonl"
    lines = ['{"ticket_id": "1"}', "", '{"ticket_id": 2}', "{", '{"ticket_id": "5", "distance_km": 5.25}']
    path.write_bytes("\r\n".join(lines).encode() + b'\n{"ticket_id": "\xff"}\n{"ticket_id": "7"}')
    found = dict(read_tickets(path, zone=CNY))
    assert list(found) == [1, 3, 4, 5, 6, 7]
    assert found[1] == Ticket(ticket_id="1")
    assert found[5] == Ticket(ticket_id="5", distance_km=Decimal("5.25"))
    assert found[7] == Ticket(ticket_id="7")
    assert [found[line][0].code for line in (3, 4, 6)] == [
        "ticket-wrong-type",
        "ticket-json-unreadable",
        "ticket-not-utf-8",
    ]
    assert [(found[line][0].place.file, found[line][0].place.line) for line in (3, 4, 6)] == [
        (str(path), 3),
        (str(path), 4),
        (str(path), 6),
    ]


def test_reading_many_from_an_array(tmp_path):
    path = tmp_path / "tickets.json"
    path.write_text('\n[\n  {"ticket_id": "1"},\n  {"ticket_id":\n 2}, {"a": 1, "a": 2},\n 5, {"ticket_id": "9"}\n]\n')
    found = list(read_tickets(path, zone=CNY, facts=COMPANY))
    assert [line for line, _ in found] == [3, 4, 5, 6, 6]
    assert found[0][1] == Ticket(ticket_id="1", facts=COMPANY)
    assert found[4][1] == Ticket(ticket_id="9", facts=COMPANY)
    assert [found[at][1][0].code for at in (1, 2, 3)] == ["ticket-wrong-type", "ticket-key-twice", "ticket-wrong-type"]


def test_a_reader_is_kept_for_many():
    reader = TicketReader(zone=CNY, facts=COMPANY)
    assert reader.read({"extra": {"vip": True}}).extra_values == {"vip": True}
    assert reader.read("{}").extra_values == {"vip": False}


@pytest.mark.parametrize(
    "name, written, expected",
    [
        ("distance_km", "5.001", 5001),
        ("labour_hours", "1.2", 4320),
        ("recorded_fee", "100.50", 10050),
        ("distance_km", " 800 m ", 800),
    ],
)
def test_a_decimal_as_a_text_counts_in_the_unit_of_the_name(name: str, written: str, expected: int):
    ticket = read_ticket({name: written}, zone="Asia/Shanghai")
    assert expected in ticket.values
