"""Installing a policy in PostgreSQL: twice, beside others, under any name; what it says of itself; who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from psycopg import sql

from hosts.available import require
from hosts.postgres.comparing import differences, fill, in_postgres, in_python, install
from hosts.postgres.server import Server
from svc_policy import Policy, load
from svc_policy.engines.postgres_script import schema_name
from svc_policy.errors import CalendarError
from svc_policy.policy import Policy as MadePolicy
from tests.engines.tickets import random_tickets

require("postgres")

AT_S = 1_772_413_200
PACK = {
    "policy.toml": (
        'schema = 1\nid = "bikes"\ntitle.en = "Bikes"\ntitle.zh = "车"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
    ),
    "clauses.csv": 'clause,place,en,zh\nb-1,1,One year.,一年。\nb-2,2,"It\'s $svc_policy$ \\ ""so""",\'；--\n',
    "warranty.csv": "rule,product_class,then: length,then: starts,cite\n"
    "frame,frame,24 months,purchased,b-1 b-2\nrest,-,12 months,purchased,b-1\n",
    "category.csv": "rule,covered,then: category,cite\nfree,yes,C,b-1\npaid,no,A,b-2\n",
}
STATED = {"received_at": "2026-03-02T09:00:00+08:00", "purchased_on": "2025-05-01", "request_kind": "fault"}


def bikes(folder: Path, **changed: str) -> Policy:
    """Write and load a small policy, with files changed or added (a double underscore stands for a dot)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**PACK, **{name.replace("__", "."): text for name, text in changed.items()}}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder)


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    with server.database(f"installing_{abs(hash(request.node.name))}") as made:
        yield made


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connected:
        yield connected


def objects(connection, schema: str) -> dict[str, list[str]]:
    """List what a schema holds."""
    queries = {
        "relations": "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind <> 'i'",
        "functions": "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = %s::regnamespace",
        "types": "SELECT typname FROM pg_type WHERE typnamespace = %s::regnamespace AND typname NOT LIKE '\\_%%'",
    }
    name = sql.Identifier(schema).as_string(connection)
    return {
        kind: sorted(found for (found,) in connection.execute(query, [name]).fetchall())
        for kind, query in queries.items()
    }


def test_a_second_time_changes_nothing_and_keeps_the_tickets(connection, tmp_path) -> None:
    policy = bikes(tmp_path)
    install(connection, policy)
    before = objects(connection, "svc_policy_bikes")
    tickets = [policy.ticket({"ticket_id": "T-1", **STATED}), policy.ticket({"ticket_id": "T-2"})]
    fill(connection, policy, tickets)
    install(connection, policy)
    assert objects(connection, "svc_policy_bikes") == before
    connection.execute("SELECT decide_all(%s)", [AT_S])
    assert differences(policy, in_python(policy, tickets, AT_S), in_postgres(connection, policy))[1] == []


def test_a_newer_edition_adds_facts_and_rules_and_keeps_the_tickets(connection, tmp_path) -> None:
    old = bikes(tmp_path / "old")
    install(connection, old)
    fill(connection, old, [old.ticket({"ticket_id": "T-1", **STATED})])
    connection.execute("SELECT decide_all(%s)", [AT_S])
    new = bikes(
        tmp_path / "new",
        policy__toml=PACK["policy.toml"]
        + '[facts.colour]\nkind = "text"\nabsence = "unknown"\nlabel.en = "colour"\nlabel.zh = "颜色"\n',
        category__csv="rule,covered,colour,then: category,cite\nred,-,red,B,b-2\nfree,yes,not(red),C,b-1\n"
        "paid,no,not(red),A,b-2\n",
    )
    install(connection, new)
    assert connection.execute("SELECT digest FROM policy").fetchall() == [(new.digest,)]
    query = "SELECT category FROM decide(%s, %s)"
    assert connection.execute(query, [["T-1"], AT_S]).fetchall() == [(None,)]
    connection.execute("UPDATE tickets SET colour = 'red'")
    assert connection.execute(query, [["T-1"], AT_S]).fetchall() == [("B",)]
    # What was decided before stays until all is decided again, with the digest that decided it.
    assert connection.execute("SELECT digest FROM decided_with").fetchall() == [(old.digest,)]
    connection.execute("SELECT decide_all(%s)", [AT_S])
    assert connection.execute("SELECT digest, tickets, at_s FROM decided_with").fetchall() == [(new.digest, 1, AT_S)]


def test_what_somebody_built_on_it_is_not_taken_away(connection, tmp_path) -> None:
    old = bikes(tmp_path / "old")
    install(connection, old)
    connection.execute("CREATE VIEW public.mine AS SELECT ticket_id, category FROM decisions")
    new = bikes(tmp_path / "new", category__csv="rule,covered,then: category,cite\nall,-,B,b-1\n")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        install(connection, new)
    connection.rollback()
    assert connection.execute("SELECT digest FROM svc_policy_bikes.policy").fetchall() == [(old.digest,)]
    assert connection.execute("SELECT count(*) FROM public.mine").fetchall() == [(0,)]


def test_policies_side_by_side(connection, tmp_path) -> None:
    policies = [bikes(tmp_path), load("factory")]
    for policy in policies:
        install(connection, policy)
        fill(connection, policy, random_tickets(policy, 40, seed=3))
    for policy in policies:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema_name(policy.id))))
        connection.execute("SELECT decide_all(%s)", [AT_S])
        tickets = random_tickets(policy, 40, seed=3)
        assert differences(policy, in_python(policy, tickets, AT_S), in_postgres(connection, policy))[1] == []


@pytest.mark.parametrize(
    "name",
    [
        'x"; drop table tickets; --',
        "it's",
        "back\\slash",
        "$svc_policy$ $$",
        "n" * 80,
        "政策" * 30,
        "a\nb -- c",
        "%s %I",
    ],
)
def test_a_name_is_just_a_name(connection, tmp_path, name) -> None:
    policy = bikes(tmp_path)
    pack = attrs.evolve(policy.pack, settings=attrs.evolve(policy.pack.settings, id=name))
    named = MadePolicy(pack, None)
    assert named.id == name
    connection.execute("CREATE TABLE public.tickets AS SELECT 1 AS one")
    install(connection, named)
    fill(connection, named, [named.ticket({"ticket_id": name, **STATED})])
    assert connection.execute("SELECT decide_all(%s)", [AT_S]).fetchall() == [(1,)]
    query = "SELECT d.ticket_id, p.id, d.category FROM decisions AS d, policy AS p WHERE d.ticket_id = %s"
    assert connection.execute(query, [name]).fetchall() == [(name, name, "C")]
    assert connection.execute("SELECT one FROM public.tickets").fetchall() == [(1,)]
    schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'svc%'").fetchall()
    assert schemas == [(schema_name(name),)]
    install(connection, named)


def test_long_names_that_begin_alike_stay_apart(connection, tmp_path) -> None:
    facts = [f"{'very_' * 14}long_name_of_a_fact_{which}" for which in ("one", "two", "order")]
    declared = "".join(
        f'[facts.{name}]\nkind = "text"\nabsence = "unknown"\nlabel.en = "{name}"\nlabel.zh = "长"\n' for name in facts
    )
    policy = bikes(
        tmp_path,
        policy__toml=PACK["policy.toml"] + declared,
        category__csv=f"rule,{facts[0]},{facts[1]},then: category,cite\na,yes1,-,A,b-1\nb,-,yes2,B,b-1\nc,-,-,C,b-2\n",
    )
    install(connection, policy)
    tickets = [
        policy.ticket({"ticket_id": f"{a}{b}", "extra": {facts[0]: a, facts[1]: b}})
        for a in ("yes1", "no")
        for b in ("yes2", "no")
    ]
    facts_of = policy.pack.settings.company_facts
    assert len({fact.name[:63] for fact in facts_of}) == 1
    fill(connection, policy, tickets)
    connection.execute("SELECT decide_all(%s)", [AT_S])
    ours = in_postgres(connection, policy)
    assert differences(policy, in_python(policy, tickets, AT_S), ours)[1] == []
    at = policy.plan.names("ticket").index("category")
    assert [ours["ticket"][key, 0][at] for key in ("yes1yes2", "yes1no", "noyes2", "nono")] == ["A", "A", "B", "C"]


def test_what_no_ticket_can_state_is_refused(connection, tmp_path) -> None:
    policy = bikes(tmp_path)
    install(connection, policy)
    for statement in (
        "INSERT INTO tickets (ticket_id, request_kind) VALUES ('T', 'no such kind')",
        "INSERT INTO tickets (ticket_id, distance_m) VALUES ('T', -1)",
        "INSERT INTO tickets (ticket_id) VALUES (NULL)",
        "INSERT INTO tickets (ticket_id, received_at_s) VALUES ('T', 9223372036854775807)",
        "INSERT INTO tickets (ticket_id, purchased_on_day) VALUES ('T', 2932897)",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            connection.execute(statement)
    # The first and the last instant that can be written lie outside every calendar: marked, they harm no other row.
    connection.execute(
        "INSERT INTO tickets (ticket_id, received_at_s, purchased_on_day, request_kind) VALUES "
        "('late', 253402300799, 2932896, 'fault'), ('early', -62135596800, -719162, 'fault')"
    )
    assert connection.execute("SELECT decide_all(%s)", [AT_S]).fetchall() == [(2,)]
    found = connection.execute("SELECT ticket_id FROM decided_tickets WHERE calendar_error ORDER BY 1").fetchall()
    assert found == [("early",), ("late",)]
    assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (2,)


def test_some_columns_and_a_column_that_is_not_there(connection, tmp_path) -> None:
    policy = bikes(tmp_path)
    install(connection, policy)
    tickets = random_tickets(policy, 30, seed=9)
    fill(connection, policy, tickets)
    connection.execute("SELECT decide_all(%s)", [AT_S])
    columns = "ticket_id, category, covered"
    whole = connection.execute(f"SELECT {columns} FROM decided_tickets ORDER BY 1").fetchall()
    connection.execute("SELECT decide_all(%s, ARRAY['covered', 'category'])", [AT_S])
    cursor = connection.execute("SELECT * FROM decided_tickets ORDER BY ticket_id")
    assert {column.name for column in cursor.description or ()} == {*columns.split(", "), "calendar_error"}
    assert connection.execute(f"SELECT {columns} FROM decided_tickets ORDER BY 1").fetchall() == whole
    assert connection.execute("SELECT to_regclass('decided_parts')").fetchall() == [(None,)]
    with pytest.raises(psycopg.errors.RaiseException, match="the policy has no column `categry`"):
        connection.execute("SELECT decide_all(%s, ARRAY['categry'])", [AT_S])
    assert connection.execute("SELECT count(*) FROM decided_tickets").fetchall() == [(30,)]
    ((names,),) = connection.execute("SELECT result_names()").fetchall()
    assert {"category", "covered"} <= set(names) and "category_needs" not in names


def test_the_instant_is_given_or_that_of_the_session_or_now(connection, tmp_path) -> None:
    visit = "rule,then: starts,then: ends,then: within,then: clock,cite\nvisit,received,arrived,24 h,calendar,b-1\n"
    policy = bikes(tmp_path, deadlines__csv=visit)
    install(connection, policy)
    fill(connection, policy, [policy.ticket({"ticket_id": "T", **STATED})])
    received = 1_772_413_200
    query = "SELECT arrived_status FROM decisions"
    assert connection.execute(query).fetchall() == [("breached",)]
    connection.execute(f"SET svc_policy.at_s = '{received + 60}'")
    assert connection.execute(query).fetchall() == [("pending",)]
    by_function = "SELECT arrived_status FROM decide(ARRAY['T'], %s)"
    assert connection.execute(by_function, [received + 86_401]).fetchall() == [("breached",)]
    connection.execute("SELECT decide_all()")
    assert connection.execute("SELECT at_s FROM decided_with").fetchall() == [(received + 60,)]
    # It does not stay behind what decide_all was asked for.
    connection.execute("SELECT decide_all(1)")
    assert connection.execute(query).fetchall() == [("pending",)]


def test_rules_clauses_and_questions_behind_a_decision(connection) -> None:
    """Each row number and bit, told by the schema's own tables, against the decision in Python."""
    policy = load("mall")
    install(connection, policy)
    tickets = random_tickets(policy, 15, seed=4)
    fill(connection, policy, tickets)
    connection.execute(f"SET svc_policy.at_s = '{AT_S}'")
    columns = "grain, line, column_name, says, rule, place, clauses, fact"
    said = 0
    for ticket in tickets:
        found = connection.execute(
            f"SELECT {columns} FROM explained WHERE ticket_id = %s", [ticket.ticket_id]
        ).fetchall()
        try:
            decision = policy.decide_s(ticket, AT_S)
        except CalendarError:
            continue  # its results are not to be used
        wanted = set()
        for grain, lines in {"ticket": [decision.values], **decision.children}.items():
            for line, values in enumerate(lines):
                for name, value in zip(policy.plan.names(grain), values, strict=True):
                    wanted |= _told(policy, grain, None if grain == "ticket" else line, name, value)
        assert {(*row[:6], tuple(row[6] or ()), row[7]) for row in found} == wanted
        said += len(wanted)
        asked = {row[7] for row in found if row[2] == "needs"}
        assert asked == set(decision.needs)
    assert said > 300


def _told(policy: Policy, grain: str, line: int | None, name: str, value: object) -> set[tuple[object, ...]]:
    def rule(says: str, row) -> tuple[object, ...]:
        return (grain, line, name, says, row.id, f"{row.file}:{row.line}", row.cites, None)

    if name == "needs" or name.endswith("_needs"):
        mask = int(value or 0)  # type: ignore[call-overload]
        facts = [fact for bit, fact in enumerate(policy.plan.asked) if mask >> bit & 1]
        return {(grain, line, name, "asks for", None, None, (), fact) for fact in facts}
    for ending, says in (("_row", "holds"), ("_fired", "fired"), ("_unknown", "may hold")):
        rows = policy.plan.tables.get(name.removesuffix(ending)) if name.endswith(ending) else None
        if rows is not None:
            number = int(value or 0)  # type: ignore[call-overload]
            if ending == "_row":
                return {rule(says, rows[number - 1])} if number else set()
            return {rule(says, row) for bit, row in enumerate(rows) if number >> bit & 1}
    return set()


def test_clauses_are_told_in_both_languages(connection, tmp_path) -> None:
    policy = bikes(tmp_path)
    install(connection, policy)
    fill(connection, policy, [policy.ticket({"ticket_id": "T", **STATED, "product_class": "frame"})])
    query = "SELECT rule, wording_en, wording_zh FROM explained WHERE ticket_id = 'T' AND column_name = 'warranty_row'"
    assert connection.execute(query).fetchall() == [("frame", 'One year.\nIt\'s $svc_policy$ \\ "so"', "一年。\n'；--")]
    ((whole,),) = connection.execute("SELECT decision_of('T', %s)", [AT_S]).fetchall()
    assert (whole["category"], whole["parts"]) == ("C", [])


def test_a_reader_reads_and_writes_nothing(server, connection, tmp_path) -> None:
    policy = bikes(tmp_path)
    install(connection, policy)
    fill(connection, policy, [policy.ticket({"ticket_id": "T", **STATED})])
    connection.execute("CREATE ROLE svc_reader")
    try:
        connection.execute("GRANT USAGE ON SCHEMA svc_policy_bikes TO svc_reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA svc_policy_bikes TO svc_reader")
        connection.execute("SET ROLE svc_reader")
        connection.execute(f"SET svc_policy.at_s = '{AT_S}'")
        # A table of the session's own does not get in the way of the policy's.
        connection.execute("CREATE TEMP TABLE tickets (ticket_id text)")
        assert connection.execute("SELECT category FROM svc_policy_bikes.decisions").fetchall() == [("C",)]
        assert connection.execute("SELECT count(*) FROM svc_policy_bikes.explained").fetchall()[0][0] > 1
        for statement in ("SELECT svc_policy_bikes.decide_all()", "DELETE FROM svc_policy_bikes.tickets"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP OWNED BY svc_reader")
        connection.execute("DROP ROLE svc_reader")
