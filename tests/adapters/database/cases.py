"""What reading and writing comes to in any database: SQLite here, a real PostgreSQL in `hosts`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from svc_policy import Decision, Policy
from svc_policy.adapters.database import DatabaseSink, DatabaseSource
from svc_policy.adapters.protocol import Reading, Unreadable, Written
from svc_policy.adapters.running import carry
from svc_policy.errors import AdapterError

from .shop import AT, ZONE, decide, fill, names, run

EVIL = 'x"; drop table y; --'
MAPPING = """
schema = 1
shape = "flat"
timezone = "Europe/Berlin"
[columns]
ticket = "nummer"
timezone = "zone"
currency = "waehrung"
[facts]
received_at = "eingang"
distance_km = { column = "meter", unit = "m" }
request_kind = { column = "art", values = { "1" = "fault", "2" = "complaint" } }
serial_no = "/geraet/nr"
customer = "kunde"
recorded_fee = "betrag"
floor = "stock"
[constants]
channel = "online"
[children.parts]
list = "parts"
ticket = "zu"
[children.parts.facts]
part_no = "teil"
quantity = "menge"
unit_price = { column = "cent", unit = "minor" }
"""


def read(source: DatabaseSource, after: str | None = None) -> tuple[list[Reading], list[Unreadable]]:
    found = list(source.read(after))
    return [one for one in found if isinstance(one, Reading)], [one for one in found if isinstance(one, Unreadable)]


def codes(one: Unreadable) -> list[str]:
    return [found.code for found in one.problems]


def refusal(error: pytest.ExceptionInfo[AdapterError]) -> str:
    assert all(found.help is not None for found in error.value.problems)
    return error.value.problems[0].code


class Reads:
    """Tests of the source."""

    def test_each_type_of_column_becomes_its_fact(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE t (ticket_id VARCHAR(9) PRIMARY KEY, received_at TIMESTAMP, purchased_on DATE, "
            "on_site BOOLEAN, distance_km NUMERIC(9, 3), recorded_fee NUMERIC(12, 2), earlier_repairs INTEGER, "
            "customer TEXT, floor INTEGER)",
            "INSERT INTO t VALUES ('a', '2026-03-04 09:00:00', '2025-02-28', TRUE, 5.001, 99999999.99, 2, "
            "'<b>李</b> 🙂 \"x\"', 3), ('b', NULL, NULL, FALSE, NULL, 0.01, NULL, NULL, NULL)",
        )
        (one, other), unreadable = read(DatabaseSource(policy, url, table="t"))
        assert not unreadable
        ticket = one.ticket
        assert ticket.received_at == datetime(2026, 3, 4, 9, tzinfo=ZONE)
        assert (ticket.purchased_on, ticket.on_site, ticket.earlier_repairs) == (date(2025, 2, 28), True, 2)
        assert (ticket.distance_km, ticket.recorded_fee) == (Decimal("5.001"), Decimal("99999999.99"))
        assert (ticket.customer, ticket.extra) == ('<b>李</b> 🙂 "x"', {"floor": 3})
        assert other.ticket.on_site is False and other.ticket.recorded_fee == Decimal("0.01")
        assert "distance_km" in {unfilled.fact for unfilled in other.unfilled}
        assert "distance_km" not in {unfilled.fact for unfilled in one.unfilled}
        # A query tells less of types.
        query = "SELECT ticket_id, on_site, received_at, distance_km, recorded_fee FROM t"
        (one, other), unreadable = read(DatabaseSource(policy, url, query=query))
        assert not unreadable and (one.ticket.on_site, other.ticket.on_site) == (True, False)

    def test_whole_numbers_are_truths_where_the_fact_is_one(self, url: str, policy: Policy, tmp_path: Path) -> None:
        run(
            url,
            "CREATE TABLE t (ticket_id VARCHAR(9) PRIMARY KEY, on_site INTEGER)",
            "INSERT INTO t VALUES ('a', 1), ('b', 0), ('c', 2), ('d', NULL)",
        )
        for asked in ({"table": "t"}, {"query": "SELECT * FROM t"}):
            good, bad = read(DatabaseSource(policy, url, **asked))  # type: ignore[arg-type]
            assert [one.ticket.on_site for one in good] == [True, False, None] and names(bad) == ["c"]
        # Where the mapping says what the words mean, they mean that.
        (tmp_path / "m.toml").write_text(
            'schema = 1\nshape = "flat"\ntimezone = "UTC"\n[columns]\nticket = "ticket_id"\n'
            '[facts]\non_site = { column = "on_site", values = { "1" = false, "2" = true } }\n'
        )
        good, bad = read(DatabaseSource(policy, url, table="t", mapping=str(tmp_path / "m.toml")))
        assert [one.ticket.on_site for one in good] == [False, True, None] and names(bad) == ["b"]

    def test_a_time_without_zone_hangs_where_the_source_is_told(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE t (ticket_id TEXT PRIMARY KEY, received_at TIMESTAMP)",
            "INSERT INTO t VALUES ('a', '2026-03-29 02:30:00'), ('b', '2026-03-30 02:30:00')",
        )
        # Berlin's clocks skip from 2 to 3 on 29 March; on the 30th 2:30 there is 0:30 UTC, and in Shanghai 18:30.
        (one,), (skipped,) = read(DatabaseSource(policy, url, table="t", zone="Europe/Berlin"))
        assert one.ticket.received_at == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
        assert skipped.record == "a" and "received_at" in str(skipped.problems[0])
        (_, there), _ = read(DatabaseSource(policy, url, table="t"))
        assert there.ticket.received_at == datetime(2026, 3, 29, 18, 30, tzinfo=UTC)

    def test_a_mapping_says_what_columns_mean_and_what_is_wrong_is_told_by_record(
        self, url: str, policy: Policy, tmp_path: Path
    ) -> None:
        (tmp_path / "m.toml").write_text(MAPPING, "utf-8")
        run(
            url,
            "CREATE TABLE auftrag (nummer TEXT PRIMARY KEY, eingang VARCHAR(40), meter INTEGER, art INTEGER, "
            "geraet JSON, kunde TEXT, betrag VARCHAR(20), stock INTEGER, zone TEXT, waehrung TEXT, bild TEXT)",
            "CREATE TABLE teile (id INTEGER PRIMARY KEY, zu TEXT, teil TEXT, menge INTEGER, cent INTEGER)",
            "INSERT INTO auftrag VALUES "
            "('1', '2026-03-04 09:00', 4500, 1, '{\"nr\": \"S-1\"}', 'A', '1.10', 1, NULL, 'CNY', ''),"
            "('2', '2026-03-04 09:00', 1, 1, NULL, '<script>', '1.10', 1, 'Moon/Base', 'CNY', ''),"
            "('3', '2026-03-04 09:00', 1, 1, NULL, 'C', '1.10', 1, 'Asia/Tokyo', 'USD', ''),"
            "('4', '2026-03-04 09:00', 1, 7, NULL, 'D', '1.10', 1, NULL, NULL, ''),"
            "('5', 'soon', -1, 1, NULL, 'E', '1.105', 1, NULL, NULL, ''),"
            "('6', '2026-03-04 09:00', 6000, 2, NULL, '<b>F</b>', '0.01', 1, 'Asia/Tokyo', 'CNY', '')",
            "INSERT INTO teile VALUES (9, '1', 'P-9', 1, 1), (2, '6', 'P-2', 3, 350), (4, '1', 'P-4', 2, 199)",
        )
        source = DatabaseSource(
            policy, url, table="auftrag", mapping=tmp_path / "m.toml", children={"parts": "teile"}, chunk=2
        )
        good, bad = read(source)
        assert names(good) == ["1", "6"] and names(bad) == ["2", "3", "4", "5"]
        first, sixth = good[0].ticket, good[1].ticket
        # 9:00 in Berlin in March is 8:00 UTC; in Tokyo midnight.
        assert first.received_at == datetime(2026, 3, 4, 8, tzinfo=UTC)
        assert sixth.received_at == datetime(2026, 3, 4, 0, tzinfo=UTC)
        assert (first.distance_km, first.serial_no, first.channel) == (Decimal("4.5"), "S-1", "online")
        assert (first.request_kind, sixth.request_kind) == ("fault", "complaint")
        assert sixth.customer == "<b>F</b>"
        assert [(part.part_no, part.quantity, part.unit_price) for part in first.parts] == [
            ("P-4", 2, Decimal("1.99")),
            ("P-9", 1, Decimal("0.01")),
        ]
        assert [part.unit_price for part in sixth.parts] == [Decimal("3.50")]
        assert [codes(one)[0] for one in bad[:3]] == ["log-zone", "log-currency", "log-unlisted"]
        assert len(bad[3].problems) == 3  # the time, the distance, an amount finer than a fen
        assert all(found.place is not None and found.place.sheet == "5" for found in bad[3].problems)

    @pytest.mark.parametrize("kind", ["INTEGER", "VARCHAR(9)"])
    def test_chunks_and_marks_give_each_row_once_in_the_order_of_the_key(
        self, url: str, policy: Policy, kind: str
    ) -> None:
        run(
            url,
            f"CREATE TABLE t (number {kind} PRIMARY KEY, ticket_id TEXT)",
            "INSERT INTO t VALUES " + ", ".join(f"('{number}', 'T-{number}')" for number in (9, 10, 1, 2, 30, 3, 100)),
        )
        wanted = [1, 2, 3, 9, 10, 30, 100] if kind == "INTEGER" else [1, 10, 100, 2, 3, 30, 9]
        query = "SELECT number, ticket_id FROM t WHERE ticket_id <> ' :x' -- and ':all'"
        for chunk in (1, 3, 6, 7):
            for given in ({"query": query}, {"table": "t"}):
                if kind == "INTEGER" or "query" in given:
                    source = DatabaseSource(policy, url, **given, key="number", chunk=chunk)  # type: ignore[arg-type]
                    found, _ = read(source)
                    assert names(found) == [f"T-{number}" for number in wanted]
        for index, one in enumerate(found):
            assert names(read(source, one.mark)[0]) == names(found)[index + 1 :]

    def test_lines_come_to_their_ticket_in_their_order(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE t (ticket_id TEXT PRIMARY KEY)",
            "CREATE TABLE parts (ticket_id TEXT, line INTEGER, part_no TEXT)",
            "CREATE TABLE holds (ticket_id TEXT, hold_kind TEXT, from_at TIMESTAMP, until_at TIMESTAMP)",
            "INSERT INTO t VALUES ('a'), ('b'), ('c')",
            "INSERT INTO parts VALUES ('c', 2, 'y'), ('a', 1, 'x'), ('c', 1, 'z'), ('nobody', 1, 'w')",
            "INSERT INTO holds VALUES ('b', 'customer', '2026-03-04 09:00:00', NULL)",
        )
        source = DatabaseSource(policy, url, table="t", children={"parts": "parts", "holds": "holds"}, chunk=2)
        found, _ = read(source)
        assert [[part.part_no for part in one.ticket.parts] for one in found] == [["x"], [], ["z", "y"]]
        assert [len(one.ticket.holds) for one in found] == [0, 1, 0]
        assert found[1].ticket.holds[0].from_at == datetime(2026, 3, 4, 9, tzinfo=ZONE)

    def test_a_key_that_two_rows_share_is_refused_and_one_that_lacks_is_told(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE t (number INTEGER, ticket_id TEXT)",
            "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (NULL, 'c'), (NULL, 'd')",
        )
        source = DatabaseSource(policy, url, table="t", key="number", chunk=1)
        found, (lacking,) = read(source)
        assert names(found) == ["a", "b"]
        assert codes(lacking) == ["database-no-key"] and lacking.problems[0].message.values["count"] == 2
        run(url, "INSERT INTO t VALUES (2, 'e')")
        for chunk in (1, 2, 3):
            with pytest.raises(AdapterError) as error:
                read(DatabaseSource(policy, url, table="t", key="number", chunk=chunk))
            assert refusal(error) == "database-key"

    def test_names_are_names(self, url: str, policy: Policy) -> None:
        quoted = EVIL.replace('"', '""')
        run(
            url,
            "CREATE TABLE y (ticket_id TEXT)",
            f'CREATE TABLE "{quoted}" (ticket_id TEXT PRIMARY KEY, "{quoted}" TEXT)',
            f"INSERT INTO \"{quoted}\" VALUES ('a''; drop table y; --', 'b')",
        )
        source = DatabaseSource(policy, url, query=f'SELECT ticket_id FROM "{quoted}"')
        ((one,), _) = read(source)
        assert one.record == "a'; drop table y; --"
        with pytest.raises(AdapterError) as error:
            read(DatabaseSource(policy, url, table=EVIL))
        assert refusal(error) == "database-column"
        sink = DatabaseSink(policy, url, table=EVIL + "2", columns={EVIL: "category"}, create=True)
        assert sink.write([decide(policy, ticket_id=EVIL, distance_km=1)]) == Written(made=1)
        assert run(url, f'SELECT ticket_id, "{quoted}" FROM "{quoted}2"') == [(EVIL, "C")]
        assert run(url, "SELECT count(*) FROM y") == [(0,)]

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"table": "tickts"}, "database-table"),
            ({"table": "tickets", "key": "nummer"}, "database-column"),
            ({"table": "tickets"}, "database-column"),
            ({"query": "SELECT FROM WHERE"}, "database-refused"),
            ({"query": "SELECT 1 AS ticket_id; DELETE FROM tickets"}, "database-refused"),
            ({"query": "SELECT ticket_id, ticket_id FROM tickets"}, "database-column"),
            ({"table": "tickets", "key": "id", "children": {"parts": "tickets"}}, "database-column"),
        ],
    )
    def test_what_is_not_there_is_told(self, url: str, policy: Policy, given: dict[str, Any], code: str) -> None:
        fill(url, 2)
        run(url, "ALTER TABLE tickets ADD distanc_km INTEGER")
        with pytest.raises(AdapterError) as error:
            read(DatabaseSource(policy, url, **given))
        assert refusal(error) == code
        assert run(url, "SELECT count(*) FROM tickets") == [(2,)]

    @pytest.mark.parametrize("mark", ["x", "{}", "[1]", "null", "true", '{"time": "now"}', "1.5"])
    def test_a_mark_of_elsewhere_is_refused(self, url: str, policy: Policy, mark: str) -> None:
        fill(url, 1)
        with pytest.raises(AdapterError) as error:
            read(DatabaseSource(policy, url, table="tickets", key="id"), mark)
        assert refusal(error) == "database-mark"


class Writes:
    """Tests of the sink."""

    COLUMNS = "ticket_id, category, total, needs, next_change_at, decided_at"

    def test_a_decision_is_made_then_unchanged_then_changed(self, url: str, policy: Policy) -> None:
        sink = DatabaseSink(policy, url, create=True)
        far = decide(policy, ticket_id="李 🙂", distance_km=6, parts=[{"quantity": 3, "unit_price": "0.01"}])
        near = decide(policy, ticket_id="b", distance_km=5)
        unknown = decide(policy, ticket_id="c")
        assert sink.write([far, near, unknown]) == Written(made=3)
        before = self.versions(url)
        # 33.33 for the visit and three parts of a fen; due in 48 h and, near, in 24 h of 9:00.
        found = {row[0]: row[1:] for row in run(url, f"SELECT {self.COLUMNS} FROM decisions")}
        assert set(found) == {"李 🙂", "b", "c"}
        assert found["李 🙂"][0] == "A" and Decimal(str(found["李 🙂"][1])) == Decimal("33.36")
        assert found["b"][0] == "C" and Decimal(str(found["b"][1])) == 0
        assert found["c"][:2] == (None, None) and "distance_km" in str(found["c"][2])
        # On time is until the second itself; it is late from the next one on.
        assert instant(found["b"][3]) == datetime(2026, 3, 5, 9, 0, 1, tzinfo=ZONE)
        assert {instant(row[4]) for row in found.values()} == {AT}
        digests = run(url, "SELECT DISTINCT digest, policy FROM decisions")
        assert digests == [(policy.digest, "counter")]

        again = DatabaseSink(policy, url)
        assert again.write([unknown, near, far]) == Written(unchanged=3)
        assert self.versions(url) == before
        assert again.write([near, decide(policy, ticket_id="c", distance_km=6), far]) == Written(changed=1, unchanged=2)
        after = self.versions(url)
        assert {name for name in after if after[name] != before[name]} == {"c"}

    def versions(self, url: str) -> dict[str, Any]:
        """Give for each ticket what changes when its row is written, whatever is written."""
        if url.startswith("sqlite"):
            # Deleting and making a row gives it a new number; a trigger counts the rest.
            run(
                url,
                "CREATE TABLE IF NOT EXISTS touched (ticket_id TEXT)",
                "CREATE TRIGGER IF NOT EXISTS t AFTER UPDATE ON decisions "
                "BEGIN INSERT INTO touched VALUES (new.ticket_id); END",
            )
            query = "SELECT ticket_id, rowid, (SELECT count(*) FROM touched t WHERE t.ticket_id = d.ticket_id) "
        else:
            query = "SELECT ticket_id, xmin::text, ctid::text "
        return {row[0]: row[1:] for row in run(url, query + "FROM decisions d")}

    def test_a_newer_decision_stays_and_of_one_instant_the_last_one_counts(self, url: str, policy: Policy) -> None:
        sink = DatabaseSink(policy, url, create=True)
        sink.write([decide(policy, ticket_id="a", distance_km=1)])
        older = decide(policy, AT - timedelta(seconds=1), ticket_id="a", distance_km=9)
        written = sink.write([older, decide(policy, ticket_id="b", distance_km=1)])
        assert (written.made, written.changed, written.unchanged) == (1, 0, 0)
        assert names(written.refused) == ["a"] and codes(written.refused[0]) == ["decision-older"]
        assert run(url, "SELECT category FROM decisions WHERE ticket_id = 'a'") == [("C",)]
        assert sink.write([decide(policy, ticket_id="a", distance_km=9)]) == Written(changed=1)
        assert run(url, "SELECT category FROM decisions WHERE ticket_id = 'a'") == [("A",)]
        later = decide(policy, AT + timedelta(seconds=1), ticket_id="a", distance_km=9)
        assert sink.write([later, later]) == Written(changed=1, unchanged=1)

    def test_a_newer_one_that_came_since_the_table_was_looked_at_stays(
        self, url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sink = DatabaseSink(policy, url, create=True)
        sink.write([decide(policy, AT + timedelta(hours=1), ticket_id="a", distance_km=9)])
        monkeypatch.setattr(sink, "_stored", lambda *_: {})
        sink.write([decide(policy, ticket_id="a", distance_km=1)])
        assert run(url, "SELECT category FROM decisions") == [("A",)]
        sink.write([decide(policy, AT + timedelta(hours=1), ticket_id="a", distance_km=1)])
        assert run(url, "SELECT category FROM decisions") == [("C",)]

    def test_a_call_is_written_whole_or_not_at_all(self, url: str, policy: Policy) -> None:
        sink = DatabaseSink(policy, url, create=True)
        sink.write([decide(policy, ticket_id="a", distance_km=1)])

        def failing() -> Iterator[Decision]:
            yield decide(policy, ticket_id="a", distance_km=9)
            for number in range(1200):
                yield decide(policy, ticket_id=f"n{number}")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            sink.write(failing())
        assert run(url, "SELECT ticket_id, category FROM decisions") == [("a", "C")]

    def test_a_decision_of_no_ticket_is_refused_alone(self, url: str, policy: Policy) -> None:
        sink = DatabaseSink(policy, url, create=True)
        written = sink.write([decide(policy), decide(policy, ticket_id="ok")])
        assert written.made == 1 and names(written.refused) == [""]
        assert run(url, "SELECT ticket_id FROM decisions") == [("ok",)]
        run(
            url,
            "DROP TABLE decisions",
            "CREATE TABLE decisions (ticket_id BIGINT PRIMARY KEY, digest TEXT, decided_at TIMESTAMP)",
        )
        sink = DatabaseSink(policy, url, columns={})
        given = [decide(policy, ticket_id=name) for name in ("7", "07", "x", "-1", "9" * 19, "0")]
        written = sink.write(given)
        assert written.made == 2 and names(written.refused) == ["07", "x", "-1", "9" * 19]
        assert run(url, "SELECT ticket_id FROM decisions ORDER BY ticket_id") == [(0,), (7,)]
        assert sink.write(given).unchanged == 2

    def test_what_a_constraint_refuses_is_refused_alone(self, url: str, policy: Policy) -> None:
        run(
            url,
            "CREATE TABLE decisions (ticket_id VARCHAR(40) PRIMARY KEY, digest TEXT, decided_at TIMESTAMP, "
            "category TEXT CHECK (category <> 'A'))",
        )
        sink = DatabaseSink(policy, url, columns={"category": "category"})
        given = [decide(policy, ticket_id=f"T-{number}", distance_km=number) for number in range(9)]
        written = sink.write(given)
        assert written.made == 6 and names(written.refused) == ["T-6", "T-7", "T-8"]
        assert sink.write(given) == Written(unchanged=6, refused=written.refused)
        # The column has no zone: it holds UTC.
        assert {instant(row[0]) for row in run(url, "SELECT decided_at FROM decisions")} == {AT}

    def test_columns_hold_what_they_are_told(self, url: str, policy: Policy) -> None:
        columns = {
            "name": "ticket_id",
            "due": "targets.arrived.due",
            "status": "targets.arrived.status",
            "left": "targets.arrived.time_left",
            "confirm": "quote.needs_confirmation",
            "lines": "quote.lines",
            "level": "escalation_level",
            "day": "policy.dates.request",
            "whole": "*",
        }
        sink = DatabaseSink(policy, url, columns=columns, create=True)
        decision = decide(policy, ticket_id="a", distance_km=1)
        assert sink.write([decision]) == Written(made=1)
        assert DatabaseSink(policy, url, columns=columns).write([decision]) == Written(unchanged=1)
        quoted = ", ".join(f'"{name}"' for name in columns)
        ((name, due, status, left, confirm, lines, level, day, whole),) = run(url, f"SELECT {quoted} FROM decisions")
        assert (name, status, left, level, str(day)) == ("a", "pending", 23 * 3600, 0, "2026-03-04")
        assert instant(due) == datetime(2026, 3, 5, 9, tzinfo=ZONE)
        assert bool(confirm) is False and '"visit"' in str(lines).replace("'", '"')
        assert policy.digest in str(whole)

    @pytest.mark.parametrize(
        ("columns", "near"),
        [
            ({"x": "quote.totl"}, "quote.total"),
            ({"x": "targets.arived.due"}, "targets.arrived.due"),
            ({"x": "category.name"}, None),
            ({"digest": "category"}, None),
            ({"x": ""}, None),
        ],
    )
    def test_a_column_of_nothing_is_refused(self, url: str, policy: Policy, columns: Any, near: str | None) -> None:
        with pytest.raises(AdapterError) as error:
            DatabaseSink(policy, url, columns=columns)
        assert refusal(error) == "database-column"
        if near is not None:
            assert error.value.problems[0].help is not None
            assert error.value.problems[0].help.values["near"] == near

    @pytest.mark.parametrize(
        ("table", "code"),
        [
            (None, "database-table"),
            ("ticket_id TEXT PRIMARY KEY, digest TEXT", "database-column"),
            ("ticket_id TEXT, digest TEXT, decided_at TIMESTAMP, category TEXT", "database-key"),
        ],
    )
    def test_an_unfit_table_is_refused(self, url: str, policy: Policy, table: str | None, code: str) -> None:
        run(url, "CREATE TABLE other (x TEXT)")
        if table is not None:
            run(url, f"CREATE TABLE decisions ({table})")
        with pytest.raises(AdapterError) as error:
            DatabaseSink(policy, url, columns={"category": "category"}).write([decide(policy, ticket_id="a")])
        assert refusal(error) == code


class Carries:
    """Tests of a whole transfer."""

    def test_a_database_is_carried_and_carried_again(self, url: str, policy: Policy, tmp_path: Path) -> None:
        fill(url, 25)
        run(url, "UPDATE tickets SET distance_km = -1 WHERE id IN (3, 20)")
        state = tmp_path / "state.json"

        def transfer(**more: Any) -> Any:
            source = DatabaseSource(policy, url, table="tickets", key="id", chunk=4)
            sink = DatabaseSink(policy, url, create=True)
            return carry(policy, source, sink, chunk=7, state=state, **more)

        found = transfer(at=AT)
        assert (found.read, found.made, found.unreadable, found.is_resumed) == (25, 23, 2, False)
        assert found.listed is not None and found.listed.read_text("utf-8").count("\n") == 2
        assert names(found.shown) == ["T-3", "T-20"]
        assert run(url, "SELECT category, count(*) FROM decisions GROUP BY category ORDER BY category") == [
            ("A", 8),  # 6 to 9 and 16 to 19
            ("C", 15),
        ]
        kept = found.listed.read_bytes()
        fill(url, 5, first=26)
        found = transfer(at=AT)
        assert (found.read, found.made, found.unchanged, found.unreadable) == (5, 5, 0, 0)
        assert found.listed is not None and found.listed.read_bytes() == kept
        state.unlink()
        found = transfer(at=AT)
        assert found.listed is not None and found.listed.read_bytes() == kept
        assert (found.read, found.made, found.unchanged, found.unreadable) == (30, 0, 28, 2)


def instant(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
