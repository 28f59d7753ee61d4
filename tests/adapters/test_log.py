"""Logs become the tables of the batch input; a row that cannot be used is kept with its line and the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from svc_policy.errors import MappingError

from .conftest import Read

FLAT = 'schema = 1\nshape = "flat"\ntimezone = "Europe/Rome"\n[columns]\nticket = "id"\n'
EVENTS = (
    'schema = 1\nshape = "events"\ntimezone = "Europe/Rome"\n[columns]\nticket = "id"\nactivity = "what"\n'
    'timestamp = "when"\n'
)
Rejected = Callable[[], list[tuple[Any, ...]]]


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]


def test_a_file_with_our_own_headings(read: Read, connection: Any) -> None:
    found = read(
        "ticket_id,received_at,distance_km,labour_hours,on_site,recorded_fee,delivered_on,request_kind\n"
        "1,2026-03-02T09:00:00,2.5,1.5,yes,12.30,2025-01-01,fault\n"
        "2,2026-03-02T09:00:00+01:00,,90 min,是,,2025年1月2日,咨询\n"
    )
    rows = connection.execute(
        "SELECT received_at_s, distance_m, labour_s, on_site, recorded_fee_minor, delivered_on_day, request_kind, "
        "internal, visit_time FROM tickets"
    ).fetchall()
    # Without an offset the time is the mall's, eight hours before UTC. What is missing and has a default holds it.
    assert rows == [
        (utc(2026, 3, 2, 1), 2500, 5400, True, 1230, 20089, "fault", False, "normal"),
        (utc(2026, 3, 2, 8), None, 5400, True, None, 20090, "inquiry", False, "normal"),
    ]
    assert (found.rows, found.used, found.rejected, found.tickets) == (2, 2, 0, 2)
    assert found.latest_s == utc(2026, 3, 2, 8)


def test_a_file_with_the_columns_of_the_batch_input(read: Read, connection: Any) -> None:
    read("ticket_id,received_at_s,distance_m,recorded_fee_minor\n1,1772413200,5001,995\n")
    rows = connection.execute("SELECT received_at_s, distance_m, recorded_fee_minor FROM tickets").fetchall()
    assert rows == [(1772413200, 5001, 995)]


def test_headings_that_are_no_facts_are_told_together(read: Read) -> None:
    with pytest.raises(MappingError) as raised:
        read("ticket_id,recieved_at,colour\n1,2026-03-02T09:00:00,red\n")
    assert [str(found.message) for found in raised.value.problems] == [
        "`recieved_at` is no fact",
        "`colour` is no fact",
    ]
    assert str(raised.value.problems[0].help) == "did you mean `received_at`?"


@pytest.mark.parametrize(
    ("heading", "text", "code"),
    [
        ("distance_km", "-3", "ticket-too-small"),
        ("distance_km", "nan", "ticket-not-finite"),
        ("distance_km", "inf", "ticket-not-finite"),
        ("distance_km", "1e300", "ticket-too-large"),
        ("distance_km", "25000", "ticket-too-large"),
        ("labour_hours", "-1", "ticket-too-small"),
        ("labour_hours", "10001", "ticket-too-large"),
        ("recorded_fee", "-0.01", "ticket-too-small"),
        ("recorded_fee", "1.234", "ticket-too-precise"),
        ("delivered_on", "2025-02-29", "ticket-date-missing"),
        ("received_at", "2025-02-30T10:00:00", "ticket-date-missing"),
        ("request_kind", "fualt", "ticket-unknown-value"),
        ("on_site", "perhaps", "ticket-wrong-type"),
    ],
)
def test_values_that_cannot_be(read: Read, rejected: Rejected, heading: str, text: str, code: str) -> None:
    other = "customer_phone"
    found = read(f"ticket_id,{other},{heading}\n1,x,{text}\n2,y,\n")
    assert rejected() == [(2, code, heading)]
    assert (found.rows, found.used, found.rejected) == (2, 1, 1)


def test_a_skipped_and_a_repeated_hour_name_both_readings(read: Read, connection: Any, rejected: Rejected) -> None:
    # In Rome 2013-03-31 02:30 did not occur, and 2013-10-27 02:30 occurred twice; 01:30 and 03:30 were once.
    rows = ["2013-03-31 02:30:00", "2013-10-27 02:30:00", "2013-03-31 01:30:00", "2013-10-27 03:30:00"]
    text = "id,when\n" + "".join(f"{number},{row}\n" for number, row in enumerate(rows))
    read(text, FLAT + '[facts]\nreceived_at = "when"\n')
    assert rejected() == [(2, "ticket-instant-skipped", "when"), (3, "ticket-instant-twice", "when")]
    reasons = [row[0] for row in connection.execute("SELECT reason FROM rejected ORDER BY line").fetchall()]
    assert "`2013-03-31T02:30:00+01:00` or `2013-03-31T02:30:00+02:00`" in reasons[0]
    assert "`2013-10-27T02:30:00+02:00` or `2013-10-27T02:30:00+01:00`" in reasons[1]
    assert connection.execute("SELECT received_at_s FROM tickets").fetchall() == [
        (utc(2013, 3, 31, 0, 30),),
        (utc(2013, 10, 27, 2, 30),),
    ]


def test_forms_of_times(read: Read, connection: Any) -> None:
    # Rome is an hour before UTC in January, two in July.
    forms = {
        "2013-01-10 10:00:00": utc(2013, 1, 10, 9),
        "2013/07/10 10:00:00.999": utc(2013, 7, 10, 8),
        "2013-01-10T10:00:00Z": utc(2013, 1, 10, 10),
        "2013-01-10T10:00:00+05:30": utc(2013, 1, 10, 4, 30),
        "2013年7月10日 10:00": utc(2013, 7, 10, 8),
        "1969-12-31 10:00:00": utc(1969, 12, 31, 9),
        "2013-01-10 24:00": utc(2013, 1, 10, 23),
    }
    text = "id,when\n" + "".join(f"{number},{form}\n" for number, form in enumerate(forms))
    read(text, FLAT + '[facts]\nreceived_at = "when"\n')
    found = connection.execute("SELECT received_at_s FROM tickets ORDER BY CAST(ticket_id AS INT)").fetchall()
    assert [row[0] for row in found] == list(forms.values())


def test_units_formats_and_words_of_a_mapping(read: Read, connection: Any, rejected: Rejected) -> None:
    mapping = FLAT + (
        '[file]\nmissing = ["NULL"]\n[facts]\n'
        'distance_km = { column = "m", unit = "m" }\nlabour_hours = { column = "min", unit = "min" }\n'
        'recorded_fee = { column = "cents", unit = "minor" }\nquoted_at = { column = "ms", format = "epoch_ms" }\n'
        'delivered_on = { column = "day", format = "%d/%m/%Y" }\n'
        'received_at = { column = "time", format = "%d/%m/%Y %H.%M" }\n'
        'request_kind = { column = "kind", values = { F = "fault" } }\n'
        'on_site = { column = "visit", values = { X = true, "*" = false } }\n[constants]\nparts_needed = false\n'
    )
    read(
        "id,m,min,cents,ms,day,time,kind,visit\n"
        "1,1500,90,1230,1357812000999,10/01/2013,10/01/2013 11.00,F,X\n"
        "2,NULL,,NULL,,,,,no\n"
        "3,,,,,,,G,\n",
        mapping,
    )
    rows = connection.execute(
        "SELECT distance_m, labour_s, recorded_fee_minor, quoted_at_s, delivered_on_day, received_at_s, request_kind, "
        "on_site, parts_needed FROM tickets"
    ).fetchall()
    assert rows == [
        (1500, 5400, 1230, utc(2013, 1, 10, 10), 15715, utc(2013, 1, 10, 10), "fault", True, False),
        (None, None, None, None, None, None, None, False, False),
    ]
    assert rejected() == [(4, "log-unlisted", "kind")]


def test_a_ticket_that_comes_twice(read: Read, connection: Any) -> None:
    found = read("ticket_id,customer\n1,a\n2,b\n1,c\n1,d\n")
    assert connection.execute("SELECT customer FROM tickets").fetchall() == [("a",), ("b",)]
    reasons = connection.execute("SELECT line, reason FROM rejected ORDER BY line").fetchall()
    assert reasons == [(4, "ticket `1` is there already, in line 2"), (5, "ticket `1` is there already, in line 2")]
    assert (found.rows, found.used, found.rejected) == (4, 2, 2)


def test_a_row_with_a_flaw_does_not_take_the_place_of_a_sound_one(read: Read, connection: Any) -> None:
    read("ticket_id,distance_km\n1,-1\n1,2\n")
    assert connection.execute("SELECT distance_m FROM tickets").fetchall() == [(2000,)]


def test_events_become_milestones_and_holds(read: Read, connection: Any, rejected: Rejected) -> None:
    mapping = EVENTS + (
        '[milestones]\nreceived = { activity = "*", take = "first" }\n'
        'contacted = { activity = ["call", "mail"], take = "first" }\n'
        'solution = { activity = "solve", take = "last" }\n'
        '[[holds]]\nkind = "customer_reply"\nopens = "wait"\n[activities]\nknown = ["note"]\nignore = ["print"]\n'
        '[facts]\ncustomer = { column = "who", take = "last" }\n'
    )
    events = [
        ("a", "note", "2013-01-10 10:00:00", "Ann"),
        ("a", "solve", "2013-01-10 18:00:00", ""),
        ("b", "wait", "2013-01-10 09:00:00", ""),
        ("a", "mail", "2013-01-10 12:00:00", "Bob"),
        ("a", "call", "2013-01-10 11:00:00", ""),
        ("a", "wait", "2013-01-10 13:00:00", ""),
        ("a", "wait", "2013-01-10 13:30:00", ""),
        ("a", "print", "2013-01-10 14:00:00", ""),
        ("a", "note", "2013-01-10 15:00:00", ""),
        ("a", "solve", "2013-01-10 16:00:00", ""),
        ("a", "sing", "2013-01-10 16:00:00", ""),
        ("", "note", "2013-01-10 16:00:00", ""),
        ("a", "", "2013-01-10 16:00:00", ""),
        ("a", "note", "", ""),
        ("a", "note", "soon", ""),
    ]
    found = read("id,what,when,who\n" + "".join(",".join(event) + "\n" for event in events), mapping)
    tickets = connection.execute(
        "SELECT ticket_id, received_at_s, contacted_at_s, solution_at_s, customer FROM tickets"
    ).fetchall()
    assert tickets == [
        ("a", utc(2013, 1, 10, 9), utc(2013, 1, 10, 10), utc(2013, 1, 10, 17), "Bob"),
        ("b", utc(2013, 1, 10, 8), None, None, None),
    ]
    # The second wait opens nothing new, the ignored event closes nothing; nothing closes the hold of b.
    assert connection.execute("SELECT * FROM holds ORDER BY 1").fetchall() == [
        ("a", 0, "customer_reply", utc(2013, 1, 10, 12), utc(2013, 1, 10, 14)),
        ("b", 0, "customer_reply", utc(2013, 1, 10, 8), None),
    ]
    assert rejected() == [
        (12, "log-activity", "what"),
        (13, "log-no-ticket", "id"),
        (14, "log-no-activity", "what"),
        (15, "log-no-time", "when"),
        (16, "ticket-instant-unreadable", "when"),
    ]
    assert (found.rows, found.used, found.rejected, found.tickets) == (15, 10, 5, 2)
    assert connection.execute("SELECT ticket_id, line FROM ticket_lines").fetchall() == [("a", 2), ("b", 4)]


def test_files_of_lines(read: Read, connection: Any, tmp_path: Any, rejected: Rejected) -> None:
    (tmp_path / "holds.csv").write_text(
        "id,hold_kind,from_at,until_at\n"
        "2,customer_wait,2013-01-10 10:00:00,2013-01-10 11:00:00\n"
        "1,customer_wait,2013-01-10 10:00:00,2013-01-10 09:00:00\n"
        "1,customer_wait,2013-01-10 10:00:00,\n"
        "3,customer_wait,2013-01-10 10:00:00,\n"
        "1,customer_reply,2013-01-10 08:00:00,2013-01-10 09:00:00\n"
    )
    found = read("id\n1\n2\n", FLAT + '[children.holds]\nfile = "holds.csv"\nticket = "id"\n')
    assert connection.execute("SELECT ticket_id, line, hold_kind FROM holds").fetchall() == [
        ("1", 0, "customer_wait"),
        ("1", 1, "customer_reply"),
        ("2", 0, "customer_wait"),
    ]
    assert rejected() == [(3, "log-hold-ends-early", "until_at"), (5, "log-stray", "id")]
    assert (found.rows, found.used, found.rejected) == (7, 5, 2)


def test_json_lines_in_the_form_of_tickets(read: Read, connection: Any, rejected: Rejected) -> None:
    lines = [
        '{"ticket_id": "1", "received_at": "2026-03-02T09:00:00", "distance_km": 1.5, "on_site": true, '
        '"parts": [{"part_no": "P", "unit_price": 3}, {"part_no": "Q"}], "extra": {"entertainment_special": true}}',
        "",
        '{"ticket_id": "2", "distance_km": 3,',
        "[1, 2]",
        '{"ticket_id": "3", "customer": "say \\"x\\", then y", "parts": [{"part_no": "R", "quantity": -1}]}',
    ]
    found = read("\n".join(lines), name="log.jsonl")
    assert connection.execute(
        "SELECT ticket_id, distance_m, on_site, customer, entertainment_special FROM tickets"
    ).fetchall() == [("1", 1500, True, None, True), ("3", None, None, 'say "x", then y', False)]
    assert connection.execute("SELECT ticket_id, line, part_no, unit_price_minor FROM parts").fetchall() == [
        ("1", 0, "P", 300),
        ("1", 1, "Q", None),
    ]
    assert rejected() == [(3, "log-json", None), (4, "log-json", None), (5, "ticket-too-small", "quantity")]
    # Four lines that are not blank, and three parts in them.
    assert (found.rows, found.used, found.rejected) == (7, 4, 3)


def test_materials_are_read_in_square_centimetres_and_grams(read: Read, connection: Any, rejected: Rejected) -> None:
    tile = '"tile_length_mm": 600, "tile_width_mm": 600'
    lines = [
        f'{{"ticket_id": "1", "materials": [{{"area_m2": 12.5, {tile}, "box_weight_kg": "1.5 t"}}, '
        '{"area_m2": -1}]}',
        '{"ticket_id": "2", "materials": [{"area_m2": "50000 m2", "tile_length_mm": 99, "tile_width_mm": 100}]}',
        '{"ticket_id": "3", "materials": [{"tile_length_mm": 0}]}',
    ]
    read("\n".join(lines), name="log.jsonl")
    columns = "ticket_id, line, area_cm2, box_weight_g, boxes_added"
    assert connection.execute(f"SELECT {columns} FROM materials").fetchall() == [("1", 0, 125_000, 1_500_000, 0)]
    assert rejected() == [
        (1, "ticket-too-small", "area_m2"),
        (2, "log-too-many-tiles", "area_m2"),
        (3, "ticket-too-small", "tile_length_mm"),
    ]


def test_json_pointers(read: Read, connection: Any) -> None:
    mapping = FLAT + '[facts]\nserial_no = "/asset/serial"\n'
    read('{"id": 7, "asset": {"serial": "S-1"}}\n', mapping, name="log.jsonl")
    assert connection.execute("SELECT ticket_id, serial_no FROM tickets").fetchall() == [("7", "S-1")]


def test_parquet(read: Read, connection: Any, tmp_path: Any, rejected: Rejected) -> None:
    connection.execute(
        f"COPY (SELECT * FROM (VALUES (1, TIMESTAMP '2026-03-02 09:00:00', 1.5, true), (2, NULL, -1, false)) "
        f"AS t(ticket_id, received_at, distance_km, on_site)) TO '{tmp_path / 'made.parquet'}' (FORMAT parquet)"
    )
    read((tmp_path / "made.parquet").read_bytes(), name="log.parquet")
    assert connection.execute("SELECT ticket_id, received_at_s, distance_m, on_site FROM tickets").fetchall() == [
        ("1", utc(2026, 3, 2, 1), 1500, True)
    ]
    assert rejected() == [(2, "ticket-too-small", "distance_km")]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "log.csv", "the file is empty"),
        ("ticket_id\n", "log.csv", "the file has a heading and no row"),
        ("ticket_id,distance_km\n1,-1\n", "log.csv", "no row of the file can be used"),
        ("", "log.jsonl", "the file is empty"),
        ("no parquet", "log.parquet", "the file cannot be read as Parquet"),
        ("ticket_id\n1\n", "log.xyz", "cannot tell the format of the file"),
        ("a\n1\n", "log.csv", "`log.csv` has no column `ticket_id`"),
    ],
)
def test_files_that_cannot_be_used_at_all(read: Read, content: str, name: str, message: str) -> None:
    with pytest.raises(MappingError) as raised:
        read(content, name=name)
    assert message in raised.value.render()


def test_columns_that_the_file_lacks_are_told_where_they_are_mapped(read: Read) -> None:
    with pytest.raises(MappingError) as raised:
        read("id,Recieved\n1,\n", FLAT + '[facts]\nreceived_at = "Received"\n')
    (found,) = raised.value.problems
    assert found.place is not None
    assert (found.place.line, str(found.message), str(found.help)) == (
        7,
        "`log.csv` has no column `Received`",
        "did you mean `Recieved`?",
    )


def test_the_plain_reading_agrees_with_that_of_tickets(read: Read, connection: Any) -> None:
    """Times that are read in bulk and times that are read one by one mean the same instants."""
    days = [f"20{year:02}-{month:02}-{day:02}" for year in (1, 12, 38) for month in range(1, 13) for day in (1, 15, 28)]
    rows = [(f"{day} 12:34:56", f"{day.replace('-', '/')} 12:34") for day in days]
    text = "id,one,other\n" + "".join(f"{number},{one},{other}\n" for number, (one, other) in enumerate(rows))
    read(text, FLAT + '[facts]\nreceived_at = "one"\nrelayed_at = "other"\n')
    apart = connection.execute("SELECT DISTINCT received_at_s - relayed_at_s FROM tickets").fetchall()
    assert apart == [(56,)]


# --- columns that say the zone and the currency of a row

ZONED = """
schema = 1
shape = "flat"
timezone = "Asia/Shanghai"
[columns]
ticket = "id"
timezone = "tz"
currency = "cur"
[facts]
received_at = "came"
arrived_at = { column = "there", format = "%d.%m.%Y %H:%M" }
recorded_fee = "fee"
"""


def test_a_row_may_name_the_zone_of_its_times(read: Any, connection: Any, rejected: Any) -> None:
    read(
        "id,tz,came,there,cur,fee\n"
        "S,,2026-03-02T09:30,02.03.2026 10:00,,\n"
        "B,Europe/Berlin,2026-03-02T09:30,02.03.2026 10:00,,\n"
        "N,Asia/Kathmandu,2026-03-02T09:30+08:00,02.03.2026 10:00,,\n"
        "T,Europe/Berlin,2026-10-25T02:30,,,\n"
        "M,Europe/Berln,2026-03-02T09:30,,,\n",
        ZONED,
    )
    rows = connection.execute("SELECT ticket_id, received_at_s, arrived_at_s FROM tickets ORDER BY 1").fetchall()
    midnight = 1_772_409_600  # 2026-03-02T00:00Z
    assert rows == [
        ("B", midnight + 8 * 3600 + 1800, midnight + 9 * 3600),
        ("N", midnight + 1 * 3600 + 1800, midnight + 4 * 3600 + 900),  # Kathmandu is 5:45 ahead
        ("S", midnight + 1 * 3600 + 1800, midnight + 2 * 3600),
    ]
    assert [row[0] for row in rejected()] == [5, 6]
    reasons = connection.execute("SELECT field, code, reason FROM rejected ORDER BY line").fetchall()
    assert reasons[0][0] == "came" and "`Europe/Berlin` has this time twice" in reasons[0][2]
    assert reasons[1] == ("tz", "log-zone", "`Europe/Berln` is no time zone; did you mean `Europe/Berlin`?")


def test_a_row_in_another_currency_is_rejected(read: Any, connection: Any) -> None:
    read("id,tz,came,there,cur,fee\nA,,,,CNY,1\nB,,,,EUR,1\nC,,,,,1\n", ZONED)
    assert connection.execute("SELECT line, ticket_id, field, code, reason FROM rejected").fetchall() == [
        (3, "B", "cur", "log-currency", "the record is in `EUR`, the policy in `CNY`")
    ]
    assert connection.execute("SELECT count(*) FROM tickets").fetchall() == [(2,)]


def test_events_and_lines_have_zones_too(read: Any, connection: Any, tmp_path: Any) -> None:
    (tmp_path / "holds.csv").write_text(
        "ticket_id,hold_kind,from_at,tz\nA,customer_wait,2026-03-02T09:30,Europe/Berlin\n", "utf-8"
    )
    mapping = (
        'schema = 1\nshape = "events"\ntimezone = "Asia/Shanghai"\n'
        '[columns]\nticket = "id"\nactivity = "what"\ntimestamp = "when"\ntimezone = "tz"\n'
        '[milestones]\nreceived = "came"\n[children.holds]\nfile = "holds.csv"\n'
        'facts = { hold_kind = "hold_kind", from_at = "from_at" }\n'
    )
    read("id,what,when,tz\nA,came,2026-03-02T09:30,Europe/Berlin\n", mapping)
    (at,) = connection.execute("SELECT received_at_s FROM tickets").fetchall()[0]
    (from_at,) = connection.execute("SELECT from_at_s FROM holds").fetchall()[0]
    assert at == from_at == 1_772_409_600 + 8 * 3600 + 1800


def test_lines_with_times_need_the_column_of_the_zone(read: Any, tmp_path: Any) -> None:
    (tmp_path / "holds.csv").write_text("ticket_id,from_at\nA,2026-03-02T09:30\n", "utf-8")
    mapping = ZONED + '[children.holds]\nfile = "holds.csv"\nfacts = { from_at = "from_at" }\n'
    with pytest.raises(MappingError, match=r"`holds\.csv` has no column `tz`"):
        read("id,tz,came,there,cur,fee\nA,,,,CNY,1\n", mapping)


def test_a_list_within_a_record_needs_json_lines(read: Any) -> None:
    mapping = ZONED + '[children.holds]\nlist = "waits"\nfacts = { from_at = "since" }\n'
    with pytest.raises(MappingError, match="only JSON lines hold a list"):
        read("id,tz,came,there,cur,fee\nA,,,,CNY,1\n", mapping)


def test_an_event_in_another_currency_is_rejected(read: Any, connection: Any) -> None:
    mapping = (
        'schema = 1\nshape = "events"\ntimezone = "UTC"\n'
        '[columns]\nticket = "id"\nactivity = "what"\ntimestamp = "when"\ncurrency = "cur"\n'
        '[milestones]\nreceived = "came"\n[facts]\nrecorded_fee = "fee"\n'
    )
    read("id,what,when,cur,fee\nA,came,2026-03-02T09:30,CNY,1\nB,came,2026-03-02T09:30,EUR,1\n", mapping)
    assert connection.execute("SELECT ticket_id, code FROM rejected").fetchall() == [("B", "log-currency")]
    assert connection.execute("SELECT ticket_id FROM tickets").fetchall() == [("A",)]
