"""Days that nobody reckons: PostgreSQL says so of the same tickets as Python, and decides the others alike."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import psycopg

from hosts.available import require
from hosts.postgres.comparing import differences, fill, in_postgres, in_python, install
from hosts.postgres.server import Server
from svc_policy import Ticket

# The packs of the unit tests are written by modules that name each other from there.
sys.path.append(str(Path(__file__).parents[2] / "tests"))
from engines.test_far_days import AT, CASES, RECEIVED, TABLES
from rules.made import made

require("postgres")


def test_the_same_tickets_lie_outside(server: Server, tmp_path: Path) -> None:
    policy = made(tmp_path, TABLES)
    tickets = [
        attrs.evolve(Ticket(**{"received_at": RECEIVED, **facts}), ticket_id=name) for name, (facts, _) in CASES.items()
    ]
    with server.database("far") as url, psycopg.connect(url, autocommit=True) as connection:
        install(connection, policy)
        fill(connection, policy, tickets)
        connection.execute("SELECT decide_all(%s)", [AT])
        wrong = connection.execute("SELECT ticket_id, calendar_error FROM decisions").fetchall()
        assert dict(wrong) == {name: is_outside for name, (_, is_outside) in CASES.items()}
        _, found = differences(policy, in_python(policy, tickets, AT), in_postgres(connection, policy))
        assert found == []
