"""Transfers into and out of a PostgreSQL that stops, is slow, or whose client is killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hosts.available import require

require("postgres")

import psycopg  # noqa: E402

from hosts.postgres.server import Server  # noqa: E402
from svc_policy import Decision, Policy  # noqa: E402
from svc_policy.adapters.database import DatabaseSink, DatabaseSource  # noqa: E402
from svc_policy.adapters.protocol import Reading, Unreadable, Written  # noqa: E402
from svc_policy.adapters.running import Carried, carry  # noqa: E402
from svc_policy.errors import AdapterError, UnreachableError  # noqa: E402
from svc_policy.messages import Message  # noqa: E402
from tests.adapters.database.cases import codes, names, read, refusal  # noqa: E402
from tests.adapters.database.shop import AT, decide, run  # noqa: E402

KILLS = 20
MANY = 100_000
#: 0 to 9 km away in turn, each 500th at a distance that is none.
TICKETS = (
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY, ticket_id TEXT, received_at TIMESTAMPTZ, distance_km NUMERIC(8, 3))",
    "INSERT INTO tickets SELECT n, 'T-' || n, timestamptz '2026-03-04 09:00+08', "
    "CASE WHEN mod(n, 500) = 0 THEN -1 ELSE mod(n, 10) END FROM generate_series(1, {count}) AS n",
)
#: Notes every row that is written, however it is.
TOUCHED = (
    "CREATE TABLE decisions (ticket_id TEXT PRIMARY KEY, digest TEXT NOT NULL, decided_at TIMESTAMPTZ NOT NULL, "
    "category TEXT, total NUMERIC)",
    "CREATE TABLE touched (ticket_id TEXT, how TEXT)",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO touched VALUES (new.ticket_id, tg_op); RETURN new; END $$",
    "CREATE TRIGGER t AFTER INSERT OR UPDATE ON decisions FOR EACH ROW EXECUTE FUNCTION note()",
)
COLUMNS = {"category": "category", "total": "quote.total"}


def prepare(url: str, count: int) -> None:
    run(url, *(text.format(count=count) for text in TICKETS))
    run(url, *TOUCHED)


def transfer(policy: Policy, url: str, state: Path | None = None, **more: Any) -> Carried:
    source = more.pop("source", None) or DatabaseSource(policy, url, table="tickets", key="id", chunk=50)
    sink = more.pop("sink", None) or DatabaseSink(policy, url, columns=COLUMNS)
    return carry(policy, source, sink, **{"at": AT, "chunk": 70, "state": state, **more})


def is_whole(url: str, count: int) -> None:
    """See that every ticket but the broken ones has its decision, and that no row was written twice."""
    broken = count // 500
    assert run(
        url, "SELECT count(*), count(DISTINCT ticket_id), count(*) FILTER (WHERE how <> 'INSERT') FROM touched"
    ) == [(count - broken, count - broken, 0)]
    # Up to 5 km, 6 of 10, are C and free; the others A, at 33.33. The broken ones would be 0 km away.
    assert run(url, "SELECT category, total::text, count(*) FROM decisions GROUP BY 1, 2 ORDER BY 1") == [
        ("A", "33.33", count * 4 // 10),
        ("C", "0.00", count * 6 // 10 - broken),
    ]


class Meddling:
    """A source and a sink that do something before their n-th record or call."""

    def __init__(self, source: DatabaseSource, sink: DatabaseSink) -> None:
        self.inner = source
        self.sink = sink
        self.at_record: dict[int, Callable[[], None]] = {}
        self.at_call: dict[int, Callable[[], None]] = {}
        self.records = self.calls = 0

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        for one in self.inner.read(after):
            self.records += 1
            self.at_record.pop(self.records, lambda: None)()
            yield one

    def write(self, decisions: Iterable[Decision]) -> Written:
        self.calls += 1
        act = self.at_call.pop(self.calls, None)
        if act is None:
            return self.sink.write(decisions)

        def meddled() -> Iterator[Decision]:
            # In the middle of the transaction, with rows written in it.
            for number, decision in enumerate(decisions):
                if number == 40:
                    act()
                yield decision

        return self.sink.write(meddled())


def test_a_server_that_is_down_is_told_and_the_transfer_goes_on_later(
    own: Server, url: str, policy: Policy, tmp_path: Path
) -> None:
    prepare(url, 500)
    state = tmp_path / "state.json"
    own.stop()
    told: list[Message] = []
    try:
        began = time.monotonic()
        with pytest.raises(AdapterError) as error:
            transfer(policy, url, state, patience=1.2, tell=told.append)
        assert 1 < time.monotonic() - began < 20
    finally:
        own.start()
    assert [found.code for found in error.value.problems] == ["database-unreachable", "transfer-stopped"]
    shown = error.value.render() + "".join(text.text("en") for text in told)
    assert "refused" in shown and str(state) in shown and own.password not in shown
    assert len(told) >= 2
    found = transfer(policy, url, state)
    assert (found.read, found.made, found.unreadable, found.is_resumed) == (500, 499, 1, True)
    is_whole(url, 500)


def test_a_server_that_crashes_in_the_middle_is_waited_for(
    own: Server, url: str, policy: Policy, tmp_path: Path
) -> None:
    prepare(url, 1500)

    def crash() -> None:
        own.stop(at_once=True)
        starting.append(threading.Timer(1.0, own.start))
        starting[-1].start()

    starting: list[threading.Timer] = []
    meddling = Meddling(
        DatabaseSource(policy, url, table="tickets", key="id", chunk=50), DatabaseSink(policy, url, columns=COLUMNS)
    )
    meddling.at_record[333] = crash
    meddling.at_call[10] = crash
    try:
        found = transfer(policy, url, tmp_path / "s", source=meddling, sink=meddling, patience=60)
    finally:
        for one in starting:
            one.join()
    assert len(starting) == 2 and found.retries >= 2
    assert (found.read, found.made, found.unreadable) == (1500, 1497, 3)
    is_whole(url, 1500)


def test_a_client_that_is_killed_goes_on_where_it_was(url: str, policy: Policy, tmp_path: Path) -> None:
    count, state = 4000, tmp_path / "state.json"
    prepare(url, count)
    transfer(policy, url, chunk=1, state=None, source=_Few(policy, url))  # what is compiled once, before the clock runs
    run(url, "TRUNCATE decisions, touched")
    chance = random.Random(20260304)
    killed = 0
    reached: list[int] = []
    with psycopg.connect(url, autocommit=True) as watching:
        for _ in range(KILLS):
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    transfer(policy, url, state)
                os._exit(0)
            enough = max(reached, default=0) + chance.randint(-100, 150)
            until = time.monotonic() + 5
            there = 0
            while time.monotonic() < until and there < enough:
                there = watching.execute("SELECT count(*) FROM decisions").fetchone()[0]  # type: ignore[index]
            time.sleep(chance.uniform(0.0, 0.05))
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
            reached.append(watching.execute("SELECT count(*) FROM decisions").fetchone()[0])  # type: ignore[index]
    assert killed == KILLS and len(set(reached)) > 5 and max(reached) < count - count // 500, reached
    found = transfer(policy, url, state)
    assert found.is_resumed and (found.read, found.unreadable) == (count, count // 500)
    is_whole(url, count)
    clean = tmp_path / "clean.json"
    assert transfer(policy, url, clean).unchanged == count - count // 500
    first, second = (path.with_name(f"{path.name}.unreadable.jsonl").read_bytes() for path in (state, clean))
    assert first == second and first.count(b"\n") == count // 500


class _Few:
    def __init__(self, policy: Policy, url: str) -> None:
        self.source = DatabaseSource(policy, url, table="tickets", key="id")

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        return itertools.islice(self.source.read(after), 3)


def test_a_slow_statement_is_stopped_and_told(url: str, policy: Policy) -> None:
    prepare(url, 5)
    query = "SELECT id, ticket_id, CAST(pg_sleep(3) AS TEXT) AS customer FROM tickets"
    source = DatabaseSource(policy, url, query=query, key="id", timeout=0.3)
    began = time.monotonic()
    with pytest.raises(AdapterError) as error:
        transfer(policy, url, source=source, patience=0.5)
    assert time.monotonic() - began < 6
    assert "timeout" in error.value.render() and "transfer-stopped" in [one.code for one in error.value.problems]


def test_a_row_that_another_holds_is_waited_for(url: str, policy: Policy) -> None:
    prepare(url, 20)
    sink = DatabaseSink(policy, url, columns=COLUMNS, timeout=0.4)
    sink.write([decide(policy, ticket_id="T-7", distance_km=1)])
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM decisions WHERE ticket_id = 'T-7' FOR UPDATE")
        with pytest.raises(UnreachableError):
            sink.write([decide(policy, ticket_id="T-7", distance_km=9)])
        freeing = threading.Timer(1.0, other.rollback)
        freeing.start()
        found = transfer(policy, url, sink=sink, patience=20)
        freeing.join()
    assert found.retries >= 1 and (found.made, found.changed) == (19, 1)


def test_two_writers_in_opposite_order_do_not_block_each_other(url: str, policy: Policy) -> None:
    given = [decide(policy, ticket_id=f"T-{number}", distance_km=number % 10) for number in range(400)]
    written: list[Written] = []

    def write(decisions: list[Decision]) -> None:
        sink = DatabaseSink(policy, url, create=True)
        written.extend(sink.write(decisions) for _ in range(3))

    threads = [threading.Thread(target=write, args=(some,)) for some in (given, given[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 6 and all(one.made + one.unchanged + one.changed == 400 for one in written)
    assert run(url, "SELECT count(*) FROM decisions") == [(400,)]


def test_a_line_that_is_slow_and_breaks_loses_nothing(own: Server, url: str, policy: Policy, tmp_path: Path) -> None:
    prepare(url, 1000)
    pieces = itertools.count()
    with _proxy(own.port, delay=0.002, breaks=lambda: next(pieces) in (5, 50, 110, 150)) as (port, broken):
        through = url.replace(f":{own.port}/", f":{port}/")
        source = DatabaseSource(policy, through, table="tickets", key="id", chunk=250)
        found = transfer(policy, through, tmp_path / "s", source=source, chunk=250, patience=60)
    assert len(broken) >= 3 and found.retries >= 3
    assert (found.read, found.unreadable) == (1000, 2)
    is_whole(url, 1000)


@contextlib.contextmanager
def _proxy(target: int, delay: float, breaks: Callable[[], bool]) -> Iterator[tuple[int, list[int]]]:
    """Stand between: every piece comes later, and now and then the line is cut."""
    broken: list[int] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(65536):
                time.sleep(delay)
                if breaks():
                    broken.append(len(piece))
                    break
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", target))
                pumps = [threading.Thread(target=pump, args=ends) for ends in ((client, server), (server, client))]
                for one in pumps:
                    one.start()
                opened.extend([client, server])
                threads.extend(pumps)

    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []
    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield listening.getsockname()[1], broken
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        serving.join()
        for one in threads:
            one.join()
        for end in opened:
            end.close()


def test_a_wrong_password_or_database_is_told_at_once(own: Server, url: str, policy: Policy) -> None:
    for wrong in (url.replace(own.password, "secret-of-li"), url.rpartition("/")[0] + "/nowhere"):
        began = time.monotonic()
        with pytest.raises(AdapterError) as error:
            transfer(policy, wrong, patience=30)
        assert time.monotonic() - began < 10 and refusal(error) == "database-refused"
        assert "secret-of-li" not in error.value.render() and own.password not in error.value.render()


def test_a_time_that_is_none_is_told_with_its_record(url: str, policy: Policy) -> None:
    run(
        url,
        "CREATE TABLE tickets (ticket_id TEXT PRIMARY KEY, received_at TIMESTAMPTZ, purchased_on DATE, floor INTEGER, "
        "distance_km NUMERIC)",
        "INSERT INTO tickets VALUES ('a', '2026-03-04 09:00:00.75+08', '2025-01-02', 1, 1), "
        "('b', 'infinity', NULL, 1, 1), ('c', NULL, '0044-03-15 BC', 1, 1), ('d', NULL, NULL, 1, 'NaN'), "
        "('e', '2026-03-04 10:00+09', 'infinity', 1, 1), ('f', '2026-03-04 10:00+09', '2025-01-02', 1, 1)",
    )
    good, bad = read(DatabaseSource(policy, url, table="tickets"))
    assert names(good) == ["a", "f"] and names(bad) == ["b", "c", "d", "e"]
    # 9:00:00.75 in Shanghai, its fraction dropped, and 10:00 in Tokyo are one instant.
    assert good[0].ticket.received_at == good[1].ticket.received_at
    assert all(codes(one) for one in bad)


@pytest.mark.parametrize(
    ("columns", "word"),
    [("category INTEGER, total NUMERIC", "integer"), ("category TEXT, total NUMERIC(9, 1)", "1 decimals")],
)
def test_a_column_that_would_lose_something_is_refused(url: str, policy: Policy, columns: str, word: str) -> None:
    run(url, f"CREATE TABLE decisions (ticket_id TEXT PRIMARY KEY, digest CHAR(64), decided_at TIMESTAMPTZ, {columns})")
    with pytest.raises(AdapterError) as error:
        DatabaseSink(policy, url, columns=COLUMNS).write([decide(policy, ticket_id="a")])
    assert refusal(error) == "database-column" and word in error.value.render()


def test_schemas_are_names_too(url: str, policy: Policy) -> None:
    run(
        url,
        'CREATE SCHEMA "a.b"',
        'CREATE TABLE "a.b".tickets (ticket_id UUID PRIMARY KEY, distance_km REAL)',
        "INSERT INTO \"a.b\".tickets VALUES ('00000000-0000-0000-0000-000000000002', 4.35), "
        "('00000000-0000-0000-0000-000000000001', 0.1)",
    )
    source = DatabaseSource(policy, url, table="tickets", schema="a.b", chunk=1)
    sink = DatabaseSink(policy, url, schema="a.b", create=True)
    assert transfer(policy, url, source=source, sink=sink).made == 2
    assert run(url, 'SELECT right(ticket_id, 1), category FROM "a.b".decisions ORDER BY 1') == [("1", "C"), ("2", "C")]


def test_a_hundred_thousand_tickets_in_flat_memory(
    url: str, policy: Policy, record_property: Callable[[str, object], None]
) -> None:
    prepare(url, MANY)
    source = DatabaseSource(policy, url, table="tickets", key="id")
    seen: list[int] = []
    page = os.sysconf("SC_PAGE_SIZE")

    class Watching:
        sink = DatabaseSink(policy, url, columns=COLUMNS)

        def write(self, decisions: Iterable[Decision]) -> Written:
            written = self.sink.write(decisions)
            seen.append(int(Path("/proc/self/statm").read_text().split()[1]) * page)
            return written

    began, used = time.perf_counter(), time.process_time()
    found = transfer(policy, url, source=source, sink=Watching(), chunk=1000)
    elapsed, used = time.perf_counter() - began, time.process_time() - used
    assert found.read == MANY and len(seen) == MANY // 1000
    is_whole(url, MANY)
    grown = (max(seen[10:]) - seen[9]) / 2**20
    print(
        f"{MANY / elapsed:.0f} tickets/s, {used / MANY * 1e6:.0f} us of CPU each, {grown:.1f} MiB more after the tenth"
    )
    record_property("tickets_per_second", round(MANY / elapsed))
    assert grown < 16
