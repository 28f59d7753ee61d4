"""Records of a host mean what the same records in a file mean; what cannot be read is told with the record's id."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from svc_policy.adapters import Reading, Unreadable, read_mapping, read_records
from svc_policy.adapters.files import FileSource
from svc_policy.errors import MappingError

MAPPING = """
schema = 1
shape = "flat"
timezone = "Asia/Shanghai"
file.missing = ["n/a"]
[columns]
ticket = "id"
timezone = "tz"
currency = "cur"
[facts]
received_at = "came"
relayed_at = { column = "passed", format = "epoch_s" }
confirmed_at = { column = "agreed", format = "%d.%m.%Y %H:%M" }
delivered_on = { column = "/asset/delivered", format = "%d/%m/%Y" }
serial_no = "/asset/serial"
item_code = "/asset/code~1no"
distance_km = { column = "metres", unit = "m" }
labour_hours = { column = "minutes", unit = "min" }
recorded_fee = "fee"
amount_claimed = { column = "claim", unit = "minor" }
on_site = "visit"
departments_needed = "departments"
request_kind = { column = "kind", values = { broken = "fault", "1" = "inquiry", "true" = "complaint" } }
entertainment_special = "special"
[constants]
cause = "product"
channel = "telephone"
[children.holds]
list = "/waits/list"
facts = { hold_kind = "why", from_at = "since", until_at = "till" }
[children.parts]
list = "items"
facts = { part_no = "sku", quantity = "count", unit_price = "price" }
"""

# Each is held by JSON as it is, so that the file and the host say the same.
RECORDS: list[dict[str, Any]] = [
    {"id": "A1", "came": "2026-03-02T09:30", "metres": 6400, "fee": "12.50", "visit": True, "kind": "broken"},
    {"id": "A2", "came": "2026-03-02T09:30", "tz": "Europe/Berlin", "cur": "CNY", "fee": 12.5, "kind": 1},
    {"id": "A3", "came": "2026/03/02 09:30:00", "passed": 1772415000, "agreed": "02.03.2026 10:00", "kind": True},
    {
        "id": " A4 ",
        "asset": {"delivered": "01/12/2025", "serial": "  S/1  ", "code/no": "K-7"},
        "minutes": 90,
        "claim": 1999,
    },
    {"id": 5, "asset": {"serial": 17}, "fee": 0.1, "departments": 2, "special": False, "visit": "no"},
    {"id": "A6", "came": "n/a", "fee": "", "kind": None, "metres": "  ", "asset": None, "cause": "wear"},
    {"id": "B1", "came": "1991-09-15T01:30"},
    {"id": "B2", "came": "2026-10-25T02:30", "tz": "Europe/Berlin"},
    {"id": "B3", "came": "2026-03-02T09:30", "tz": "Europe/Berln"},
    {"id": "B4", "cur": "EUR", "fee": 1},
    {"id": "B5", "fee": 0.30000000000000004},
    {"id": "B6", "kind": "lost", "metres": -1},
    {"id": "B7", "metres": "far", "visit": "perhaps", "departments": 1.5},
    {"id": "B8", "agreed": "2026-03-02", "passed": "yesterday"},
    {"id": "B9", "fee": "12,50", "asset": {"delivered": "31/02/2026"}},
    {"came": "2026-03-02T09:30"},
    {"id": "n/a"},
    {
        "id": "C1",
        "tz": "Europe/Berlin",
        "waits": {
            "list": [{"why": "customer_wait", "since": "2026-03-02T09:30", "till": None}, {"why": "customer_reply"}]
        },
        "items": [{"sku": "P-1", "count": 2, "price": "9.90"}],
    },
]


@pytest.fixture
def mapping(tmp_path: Path, mall: Any) -> Any:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING, "utf-8")
    return read_mapping(path, mall)


def test_a_record_of_a_host_means_what_it_means_in_a_file(tmp_path: Path, mall: Any, mapping: Any) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), "utf-8")
    of_file = list(FileSource(mall, path, mapping).read())
    of_host = list(read_records(mall, mapping, RECORDS))
    assert [type(one) for one in of_file] == [type(one) for one in of_host]
    for file, host in zip(of_file, of_host, strict=True):
        if isinstance(host, Reading) and isinstance(file, Reading):
            # The file's tables hold defaults as if they were stated: the values are what counts.
            assert (host.record, host.ticket) == (file.record, file.ticket)
            absent = {told.fact for told in host.unfilled}
            assert absent == {told.fact for told in file.unfilled}
        elif isinstance(host, Unreadable) and isinstance(file, Unreadable):
            assert host.problems[0].code == file.problems[0].code
            for found in host.problems:
                assert str(found.message) in str(file.problems[0].message)
    assert [type(one) for one in of_host].count(Reading) == 7


def test_what_the_words_of_the_mapping_mean(mall: Any, mapping: Any) -> None:
    first, second, third, fourth, fifth, sixth, *_ = (one.ticket for one in read_records(mall, mapping, RECORDS[:6]))
    # 09:30 in Shanghai is 01:30 in Greenwich, and 09:30 in Berlin, in winter, 08:30.
    assert first.received_at == third.received_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert second.received_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert third.relayed_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # 1,772,415,000 s after 1970
    assert third.confirmed_at == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    assert (first.distance_km, first.recorded_fee, first.on_site) == (Decimal("6.4"), Decimal("12.5"), True)
    assert [one.request_kind for one in (first, second, third)] == ["fault", "inquiry", "complaint"]
    assert (fourth.ticket_id, fourth.serial_no, fourth.delivered_on) == ("A4", "S/1", date(2025, 12, 1))
    assert fourth.item_code == "K-7"
    assert (fourth.labour_hours, fourth.amount_claimed) == (timedelta(minutes=90), Decimal("19.99"))
    assert (fifth.ticket_id, fifth.serial_no, fifth.recorded_fee, fifth.on_site) == ("5", "17", Decimal("0.1"), False)
    assert fifth.extra == {"entertainment_special": False}
    assert (sixth.cause, sixth.received_at, sixth.recorded_fee) == ("product", None, None)


def test_values_that_only_a_host_holds(mall: Any, mapping: Any) -> None:
    record = {
        "id": UUID(int=7),
        "came": datetime(2026, 3, 2, 9, 30, 0, 999_999, tzinfo=UTC),
        "agreed": datetime(2026, 3, 2, 10, 0),  # held as a time, it needs no form
        "asset": {"delivered": date(2025, 12, 1)},
        "fee": Decimal("99999999.99"),
        "minutes": timedelta(minutes=90),
    }
    (found,) = read_records(mall, mapping, [record])
    assert isinstance(found, Reading)
    ticket = found.ticket
    assert found.record == "00000000-0000-0000-0000-000000000007"
    assert ticket.received_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert ticket.confirmed_at == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    assert (ticket.delivered_on, ticket.recorded_fee) == (date(2025, 12, 1), Decimal("99999999.99"))
    assert ticket.labour_hours == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"fee": b"1"}, "desk:X!fee: `recorded_fee` is `bytes`, in which no fact is written"),
        ({"fee": [1]}, "desk:X!fee: `recorded_fee` is `[...]`, in which no fact is written"),
        ({"fee": float("nan")}, "desk:X!fee: `recorded_fee` is `NaN`"),
        ({"came": datetime(1991, 9, 15, 1, 30)}, "`Asia/Shanghai` has this time twice"),
        ({"came": date(2026, 3, 2)}, "desk:X!came: "),
        ({"asset": {"serial": "a\0b"}}, "desk:X!/asset/serial: "),
        ({"tz": 7}, "desk:X!tz: `7` is no time zone"),
        ({"tz": "../../etc/passwd"}, "desk:X!tz: `../../etc/passwd` is no time zone"),
        ({"cur": b"CNY"}, "desk:X!cur: the record is in `bytes`, the policy in `CNY`"),
        ({"items": "P-1"}, "desk:X!items: `parts` is `P-1`, not a list of records"),
        ({"items": [{"count": "two"}]}, "desk:X!parts[0].count: "),
        (
            {"waits": {"list": [{"why": "customer_wait", "since": "2026-03-02T10:00", "till": "2026-03-02T09:00"}]}},
            "desk:X!holds[0]: `until_at` is",
        ),
        ({"fee": 10**400}, "desk:X!fee: "),
        ({"fee": Decimal("1e999999")}, "desk:X!fee: "),
    ],
)
def test_what_cannot_be_read_is_told_with_the_record_and_the_field(
    mall: Any, mapping: Any, record: dict[str, Any], said: str
) -> None:
    bad, good = read_records(mall, mapping, [{"id": "X", **record}, {"id": "Y"}], name="desk")
    assert isinstance(bad, Unreadable) and bad.record == "X"
    assert said in bad.problems[0].render()
    assert isinstance(good, Reading)


def test_all_that_is_wrong_with_a_record_is_told(mall: Any, mapping: Any) -> None:
    (bad,) = read_records(mall, mapping, [{"id": "<b>X</b>\n", "fee": "x", "metres": "y", "cur": "EUR"}], name="desk")
    assert isinstance(bad, Unreadable) and bad.record == "<b>X</b>"
    assert [str(found.place) for found in bad.problems] == [
        "desk:<b>X</b>!cur",
        "desk:<b>X</b>!metres",
        "desk:<b>X</b>!fee",
    ]


def test_why_a_fact_is_not_filled(mall: Any, mapping: Any) -> None:
    record = {"id": "X", "came": "", "metres": 5, "items": [{"sku": "P"}], "waits": {"list": [{}]}}
    (found,) = read_records(mall, mapping, [record])
    assert isinstance(found, Reading)
    told = {unfilled.fact: str(unfilled.reason) for unfilled in found.unfilled}
    assert told["received_at"] == "the field `came` is empty"
    assert told["delivered_on"] == "the record has no field `/asset/delivered`"
    assert told["parts_needed"] == "no field is mapped to it"
    assert told["parts[0].unit_price"] == "the record has no field `price`"
    assert told["holds[0].hold_kind"] == "the record has no field `why`"
    assert not told.keys() & {"distance_km", "cause", "serial_no"}  # filled, constant, not asked for


def test_without_a_mapping_the_fields_are_those_of_a_ticket(mall: Any) -> None:
    record = {
        "ticket_id": "T-1",
        "received_at": datetime(2026, 3, 2, 9, 30),
        "on_site": True,
        "parts": [{"part_no": "P-1", "unit_price": Decimal("9.90")}],
        "extra": {"entertainment_special": True},
    }
    (found,) = read_records(mall, None, [record])
    assert isinstance(found, Reading)
    wanted = mall.ticket({**record, "received_at": "2026-03-02T09:30+08:00"})
    assert found.ticket == wanted
    (bad,) = read_records(mall, None, [{"ticket_id": "T-2", "recieved_at": "x", "parts": [{"price": 1}]}])
    assert isinstance(bad, Unreadable)
    assert {str(one.message) for one in bad.problems} == {"`recieved_at` is no fact", "`price` is no fact"}


def test_a_mapping_of_files_is_refused(tmp_path: Path, mall: Any) -> None:
    head = 'schema = 1\ntimezone = "UTC"\n'
    for text, code in [
        ('shape = "events"\n[columns]\nticket = "a"\nactivity = "b"\ntimestamp = "c"\n', "record-shape"),
        ('shape = "flat"\n[columns]\nticket = "a"\n[children.parts]\nfile = "parts.csv"\n', "record-lines"),
    ]:
        path = tmp_path / "mapping.toml"
        path.write_text(head + text, "utf-8")
        with pytest.raises(MappingError) as raised:
            list(read_records(mall, read_mapping(path, mall), []))
        assert [found.code for found in raised.value.problems] == [code]


def test_marks_are_ids_unless_given(mall: Any, mapping: Any) -> None:
    records = [{"id": "X", "no": 3}, {"id": "Y", "no": 4, "fee": "?"}]
    assert [one.mark for one in read_records(mall, mapping, records)] == ["X", "Y"]
    marked = read_records(mall, mapping, records, mark=lambda record: f"no {record['no']}")
    assert [one.mark for one in marked] == ["no 3", "no 4"]
