"""Whole policies deciding inside PostgreSQL: every column of every grain as in DuckDB and in Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hosts.available import require
from hosts.postgres.comparing import chunks, differences, fill, in_duckdb, in_postgres, in_python, install
from hosts.postgres.server import Server
from svc_policy import Policy, load
from svc_policy.pack.source import built_in_packs
from tests.engines.tickets import random_tickets

# The packs of the unit tests are written by modules that name each other from there.
sys.path.append(str(Path(__file__).parents[2] / "tests"))
from engines.workshop import workshop

require("postgres")

SERVICES = [name for name in built_in_packs() if not name.startswith("shared-")]
AT_S = 1_777_612_345
SEED = 20_261_122
#: Deciding in DuckDB costs the compiling of the policy there; Python decides more.
IN_DUCKDB = 100
TICKETS = 400


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with server.database("decisions") as url, psycopg.connect(url, autocommit=True) as connected:
        yield connected


def decide(connection, policy: Policy, tickets, at_s: int = AT_S):
    fill(connection, policy, tickets)
    ((count,),) = connection.execute("SELECT decide_all(%s)", [at_s]).fetchall()
    assert count == len(tickets)
    return in_postgres(connection, policy)


@pytest.mark.parametrize("name", SERVICES)
def test_every_column_agrees(connection, name) -> None:
    policy = load(name)
    install(connection, policy)
    tickets = random_tickets(policy, TICKETS, seed=SEED)
    ours = decide(connection, policy, tickets)
    assert set(ours) == {grain for grain in ours if policy.plan.names(grain)}
    compared, found = differences(policy, in_python(policy, tickets, AT_S), ours)
    assert found == []
    assert compared > TICKETS * len(policy.plan.names("ticket")) * 0.9
    some = tickets[:IN_DUCKDB]
    keys = {ticket.ticket_id for ticket in some}
    part = {grain: {key: row for key, row in rows.items() if key[0] in keys} for grain, rows in ours.items()}
    compared, found = differences(policy, in_duckdb(policy, some, AT_S), part)
    assert found == []
    assert compared > IN_DUCKDB * len(policy.plan.names("ticket")) * 0.9
    # One by one, and all of them: the same statement in other surroundings.
    connection.execute(f"SET svc_policy.at_s = '{AT_S}'")
    for chunk in chunks(some, 50):
        ids = [ticket.ticket_id for ticket in chunk]
        by_id = in_postgres(connection, policy, 1, ids)
        part = {grain: {key: row for key, row in rows.items() if key[0] in ids} for grain, rows in ours.items()}
        compared, found = differences(policy, part, by_id)
        assert found == []
        assert {key[0] for key in by_id["ticket"]} == set(ids)


def test_a_day_that_stands_for_all_dates(connection) -> None:
    import datetime as dt

    policy = load("mall").on(dt.date(2024, 6, 1))
    install(connection, policy)
    tickets = random_tickets(policy, 100, seed=SEED + 1)
    assert differences(policy, in_python(policy, tickets, AT_S), decide(connection, policy, tickets))[1] == []


def test_another_zone_dated_parameters_and_every_table(connection, tmp_path) -> None:
    policy = workshop(tmp_path)
    install(connection, policy)
    tickets = random_tickets(policy, 250, seed=SEED + 2)
    ours = decide(connection, policy, tickets)
    compared, found = differences(policy, in_python(policy, tickets, AT_S), ours)
    assert found == []
    assert compared > 50_000
    connection.execute(f"SET svc_policy.at_s = '{AT_S}'")
    ids = [ticket.ticket_id for ticket in tickets]
    assert differences(policy, ours, in_postgres(connection, policy, 1, ids))[1] == []


def test_a_list_with_any_keys(connection, tmp_path) -> None:
    from pack.building import copy_of_mall

    folder = copy_of_mall(tmp_path)
    (folder / "lookups").mkdir()
    words = ["fan", "it's", 'a "b"', "back\\slash", "$svc_policy$", "'; DROP TABLE tickets; --", "配件", "%s"]
    prices = "".join(f'"{word.replace(chr(34), chr(34) * 2)}",{number}.50 CNY\n' for number, word in enumerate(words))
    (folder / "lookups" / "prices.csv").write_text("key,unit_price\n" + prices, encoding="utf-8")
    with (folder / "policy.toml").open("a", encoding="utf-8") as file:
        file.write('\n[lookups.prices]\nkey = "part_no"\nfills = ["unit_price"]\n')
    policy = load(folder)
    install(connection, policy)
    stated = {
        "request_kind": "fault", "received_at": "2026-03-02T09:00:00+08:00", "delivered_on": "2020-01-01",
        "cause": "product", "on_site": False, "solved_by_telephone": False, "customer_kind": "person",
    }  # fmt: skip
    tickets = [
        policy.ticket({"ticket_id": f"T {word}", **stated, "parts": [{"part_no": word}, {"part_no": "other"}][:more]})
        for word in words
        for more in (1 + words.index(word) % 2,)
    ]
    ours = decide(connection, policy, tickets)
    assert differences(policy, in_python(policy, tickets, AT_S), ours)[1] == []
    at = policy.plan.names("part").index("part_amount")
    assert [ours["part"][f"T {word}", 0][at] for word in words] == [number * 100 + 50 for number in range(len(words))]


def test_tickets_without_lines_and_none_at_all(connection) -> None:
    policy = load("mall")
    install(connection, policy)
    assert decide(connection, policy, [])["ticket"] == {}
    bare = [policy.ticket({"ticket_id": "bare"}), policy.ticket({"ticket_id": "parts", "parts": [{}]})]
    assert differences(policy, in_python(policy, bare, AT_S), decide(connection, policy, bare))[1] == []


def test_a_difference_would_be_noticed(connection) -> None:
    policy = load("factory")
    install(connection, policy)
    tickets = random_tickets(policy, 5, seed=SEED)
    ours = decide(connection, policy, tickets)
    key, row = next((key, row) for key, row in ours["ticket"].items() if not row[-1])
    for changed in ((*row[:3], -5, *row[4:]), (*row[:-1], True)):
        theirs = {**ours, "ticket": {**ours["ticket"], key: changed}}
        assert len(differences(policy, ours, theirs)[1]) == 1
    assert len(differences(policy, {**ours, "ticket": {}}, ours)[1]) == 5
