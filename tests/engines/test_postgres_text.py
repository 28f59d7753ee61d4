"""The script for PostgreSQL as text: what it says is run against a server in ``hosts/postgres``."""

from __future__ import annotations

import re

import attrs
import pytest

from pack.building import write_pack
from svc_policy import load
from svc_policy.engines.postgres_functions import body_of
from svc_policy.engines.postgres_script import schema_name
from svc_policy.engines.sql import compile_program
from svc_policy.engines.sql_inlining import inlined
from svc_policy.engines.sql_ladder import Rung
from svc_policy.engines.sql_postgres import LONGEST_NAME, quoted, short, text
from svc_policy.policy import Policy

FILES = {
    "policy.toml": (
        'schema = 1\nid = "bikes"\ntitle.en = "Bikes"\ntitle.zh = "车"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
    ),
    "clauses.csv": "clause,place,en,zh\nb-1,1,It's $svc_policy$ so.,一年。\n",
    "warranty.csv": "rule,product_class,then: length,then: starts,cite\n"
    "frame,frame,24 months,purchased,b-1\nrest,-,12 months,purchased,b-1\n",
    "category.csv": "rule,covered,then: category,cite\nfree,yes,C,b-1\npaid,no,A,b-1\n",
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Policy:
    return load(write_pack(tmp_path_factory.mktemp("bikes"), FILES))


@pytest.fixture(scope="module")
def script(policy) -> str:
    return policy.sql("postgres")


@pytest.mark.parametrize("name", ["n" * 64, "n" * 200, "政" * 22, "é" * 40])
def test_a_long_name_is_shortened_to_one_of_its_own(name) -> None:
    made = short(name)
    assert len(made.encode()) <= LONGEST_NAME
    assert made != short(name + "x")
    assert made == short(name)


@pytest.mark.parametrize("name", ["n" * 63, "政" * 21, "a"])
def test_a_name_that_fits_stays(name) -> None:
    assert short(name) == name


def test_names_and_texts_are_quoted() -> None:
    assert quoted('x"; drop table tickets; --') == '"x""; drop table tickets; --"'
    assert text("it's \\ $$") == "'it''s \\ $$'"
    assert text("a\0b") == "'ab'"
    assert text(None) == "NULL"
    assert body_of("SELECT '$svc_policy$'") == "$svc_policy_1$\nSELECT '$svc_policy$'\n$svc_policy_1$"


def test_it_is_one_transaction_in_a_schema_of_its_own(policy, script) -> None:
    statements = [line for line in script.splitlines() if line in ("BEGIN;", "COMMIT;", "ROLLBACK;")]
    assert statements == ["BEGIN;", "COMMIT;"]
    assert script.rstrip().endswith("COMMIT;")
    assert script.splitlines()[0] == f"-- svc-policy: bikes, digest {policy.digest}"
    assert 'CREATE SCHEMA IF NOT EXISTS "svc_policy_bikes";' in script
    assert schema_name("x" * 100) == short("svc_policy_" + "x" * 100)


def test_a_hostile_name_stands_only_where_it_is_quoted(policy) -> None:
    name = 'x"; DROP TABLE tickets; --\nDELETE'
    pack = attrs.evolve(policy.pack, settings=attrs.evolve(policy.pack.settings, id=name))
    made = Policy(pack, None).sql("postgres")
    bare = re.sub(r'"(?:[^"]|"")*"', "", re.sub(r"'(?:[^']|'')*'", "", made.split("\n", 1)[1]))
    assert "DROP TABLE tickets" not in bare
    assert "DELETE" not in bare
    assert made.splitlines()[0].startswith("-- svc-policy: x")


def test_the_tickets_are_never_dropped(script) -> None:
    for table in ("tickets", "parts", "holds", "incidents", "overrides", "materials"):
        assert f'CREATE TABLE IF NOT EXISTS "{table}"' in script
        assert re.search(rf'DROP TABLE[^;]*"?\b{table}\b', script) is None
        assert f"'\"{table}\"'" not in script.split("CREATE TABLE svc_policy_installed")[1]


def test_each_layer_is_held_together_and_no_calendar_is_joined(script) -> None:
    (body,) = re.findall(r'CREATE FUNCTION "decide"\(.*?\$svc_policy\w*\$(.*?)\$svc_policy\w*\$;', script, re.DOTALL)
    assert body.count("OFFSET '0'::bigint") > 4
    assert not re.search(r"OFFSET 0\b", body)
    assert "svc_policy_" not in re.sub(r"current_setting\('svc_policy.at_s', true\)|\"svc_policy_bikes\"", "", body)


def test_what_is_asked_for_has_its_bit(policy, script) -> None:
    for bit, fact in enumerate(policy.plan.asked):
        assert f"({bit}, '{fact}', " in script


def test_a_column_that_is_read_once_stands_where_it_is_read(policy) -> None:
    from sqlglot import exp

    one, two, many, out = (
        Rung("one", exp.Add(this=exp.column("f"), expression=exp.column("f")), frozenset({"f"})),
        Rung("two", exp.Neg(this=exp.column("one")), frozenset({"one"})),
        Rung("many", exp.Neg(this=exp.column("f")), frozenset({"f"})),
        Rung("out", exp.Add(this=exp.column("two"), expression=exp.column("two")), frozenset({"two"})),
    )
    read = Rung("read", exp.Mul(this=exp.column("many"), expression=exp.column("many")), frozenset({"many"}))
    made = {rung.name: rung for rung in inlined([one, two, many, out, read], ["out", "read"])}
    assert set(made) == {"two", "many", "out", "read"}
    assert made["two"].value.sql() == "-(f + f)"
    assert made["two"].reads == frozenset({"f"})
    assert one.value.sql() == "f + f"


def test_a_wanted_column_is_not_put_away(policy) -> None:
    program = compile_program(policy.plan, policy.clocks, "postgres")
    assert {item.alias_or_name for item in program.queries["ticket"].expressions} == {
        "ticket_id",
        *policy.plan.names("ticket"),
        "calendar_error",
    }
