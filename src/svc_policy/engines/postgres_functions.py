"""The functions and views of a policy in PostgreSQL: one ticket, all of them, and what stands behind a decision.

`decide` and its like take the ids of tickets: their statement is planned once
a session and looks at nothing but those tickets. `decide_all` runs through all
tickets with as many workers as the server allows, its side chains as tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from svc_policy.engines.sql_postgres import FENCE, Printed, quoted, short, text
from svc_policy.facts.columns import TABLES
from svc_policy.facts.registry import GRAINS, Grain
from svc_policy.plan import Plan

TYPES: Final = {"int": "bigint", "bool": "boolean", "text": "text"}
#: By grain: the type of a decision, the function that makes it, its view, and the table of all.
NAMES: Final[Mapping[Grain, tuple[str, str, str, str]]] = {
    "ticket": ("decision", "decide", "decisions", "decided_tickets"),
    "part": ("part_decision", "decide_parts", "part_decisions", "decided_parts"),
    "incident": ("incident_decision", "decide_incidents", "incident_decisions", "decided_incidents"),
    "override": ("override_decision", "decide_overrides", "override_decisions", "decided_overrides"),
    "material": ("material_decision", "decide_materials", "material_decisions", "decided_materials"),
}
#: The instant of a decision where none is given: that of the session, else now.
MOMENT: Final = """COALESCE(
    {given}, NULLIF(current_setting('svc_policy.at_s', true), '')::bigint, floor(extract(epoch FROM now()))::bigint
  )"""


@attrs.frozen
class Statement:
    """One statement of all that decide all tickets."""

    grain: str
    is_side: bool
    name: str
    statement: str

    def row(self, position: int) -> str:
        """Write it as a row of the table of statements."""
        side = "true" if self.is_side else "false"
        moment = f'"moment" AS (SELECT current_setting(\'svc_policy.at_s\')::bigint AS "at_s"{FENCE})'
        whole = f"WITH {moment}\n{self.statement}"
        return f"({position}, {text(self.grain)}, {side}, {text(short(self.name))}, {text(whole)})"


@attrs.frozen
class Made:
    """A statement that makes an object, and how the object is dropped."""

    kind: str
    name: str
    statement: str


def types_of(plan: Plan, grain: str) -> dict[str, str]:
    """Give the type of each column of a grain."""
    return {name: TYPES[plan.columns[name].leaf.type] for name in plan.names(grain)}


def functions(schema: str, plan: Plan, printed: Mapping[Grain, Printed]) -> Iterator[Made]:
    """Write the functions and views, those that others read first."""
    grains = list(printed)
    for grain in grains:
        yield from _deciding(schema, plan, grain, printed[grain])
    yield _decision_of(schema, grains)
    yield _result_names(schema)
    yield _decide_all(schema)
    yield _explanation(schema)
    yield _explained(grains)


#: What is planned once is not compiled as well: it runs for a few milliseconds.
BY_ID: Final = "SET jit = off SET plan_cache_mode = force_generic_plan"
#: Many tickets repay compiling their statement, but not optimizing what was compiled; workers are few and cheap.
ALL: Final = (
    "SET jit_inline_above_cost = -1 SET jit_optimize_above_cost = -1 SET work_mem = '256MB' "
    "SET parallel_setup_cost = 0 SET parallel_tuple_cost = 0 SET client_min_messages = warning"
)


def _options(schema: str) -> str:
    """Write that a function looks into its own schema, whoever calls it."""
    return f"SET search_path = {quoted(schema)}, pg_temp"


def body_of(code: str) -> str:
    """Put code between marks that do not stand in it."""
    mark, number = "$svc_policy$", 0
    while mark in code:
        number += 1
        mark = f"$svc_policy_{number}$"
    return f"{mark}\n{code}\n{mark}"


def one_at_a_time(schema: str) -> str:
    """Write what makes a second transaction that changes a schema wait for the first one."""
    number = int.from_bytes(hashlib.sha256(schema.encode()).digest()[:7], "big")
    return f"PERFORM pg_advisory_xact_lock({number});"


def _keys(grain: str) -> dict[str, str]:
    return {"ticket_id": "text"} if grain == "ticket" else {"ticket_id": "text", "line": "bigint"}


def _columns(plan: Plan, grain: str) -> dict[str, str]:
    listed = types_of(plan, grain)
    return {**_keys(grain), **listed, "calendar_error": "boolean"} if grain == "ticket" else {**_keys(grain), **listed}


def _deciding(schema: str, plan: Plan, grain: Grain, printed: Printed) -> Iterator[Made]:
    """Write the type of a decision, the function that makes it for some tickets, and the view of all."""
    kind, function, view, _ = NAMES[grain]
    listed = _columns(plan, grain)
    columns = ",\n  ".join(f"{quoted(name)} {of}" for name, of in listed.items())
    yield Made("TYPE", quoted(kind), f"CREATE TYPE {quoted(kind)} AS (\n  {columns}\n);")
    inputs = [
        f'{quoted(TABLES[of])} AS (SELECT * FROM {quoted(schema)}.{quoted(TABLES[of])} WHERE "ticket_id" = ANY ($1))'
        for of in GRAINS
    ]
    inputs.append(f'"moment" AS (SELECT {MOMENT.format(given="$2")} AS "at_s"{FENCE})')
    sides = [f"{quoted(name)} AS ({side})" for name, side in printed.sides.items()]
    query = f"WITH {', '.join((*inputs, *sides))}\n{printed.main}"
    code = f"#variable_conflict use_column\nBEGIN\n  RETURN QUERY {query};\nEND"
    signature = f"{quoted(function)}(ids text[], at_s bigint DEFAULT NULL)"
    yield Made(
        "FUNCTION",
        f"{quoted(function)}(text[], bigint)",
        f"CREATE FUNCTION {signature} RETURNS SETOF {quoted(kind)} LANGUAGE plpgsql STABLE ROWS 1 COST 20000\n"
        f"{_options(schema)} {BY_ID} AS {body_of(code)};",
    )
    shown = ["t.ticket_id", *(f"d.{quoted(name)}" for name in listed if name != "ticket_id")]
    yield Made(
        "VIEW",
        quoted(view),
        f"CREATE VIEW {quoted(view)} AS SELECT {', '.join(shown)}\n"
        f"FROM tickets AS t CROSS JOIN LATERAL {quoted(function)}(ARRAY[t.ticket_id]) AS d;",
    )


def _decision_of(schema: str, grains: Sequence[Grain]) -> Made:
    """Write the function that gives a decision as JSON, with what its parts and incidents come to."""
    children = [
        f"jsonb_build_object({text(TABLES[grain])}, COALESCE((SELECT jsonb_agg(to_jsonb(c) - 'ticket_id' "
        f"ORDER BY c.line) FROM {quoted(NAMES[grain][1])}(ARRAY[$1], $2) AS c), '[]'::jsonb))"
        for grain in grains
        if grain != "ticket"
    ]
    whole = " || ".join(["to_jsonb(d)", *children])
    return Made(
        "FUNCTION",
        "decision_of(text, bigint)",
        "CREATE FUNCTION decision_of(id text, at_s bigint DEFAULT NULL) RETURNS jsonb LANGUAGE sql STABLE "
        f"{_options(schema)} AS "
        + body_of(f"SELECT {whole} FROM {quoted(NAMES['ticket'][1])}(ARRAY[$1], $2) AS d")
        + ";",
    )


def _result_names(schema: str) -> Made:
    code = "SELECT array_agg(name ORDER BY position) FROM result_columns WHERE is_result"
    return Made(
        "FUNCTION",
        "result_names()",
        f"CREATE FUNCTION result_names() RETURNS text[] LANGUAGE sql STABLE {_options(schema)} AS {body_of(code)};",
    )


def _decide_all(schema: str) -> Made:
    tables = "\n".join(f"    WHEN {text(grain)} THEN {text(names[3])}" for grain, names in NAMES.items())
    code = f"""#variable_conflict use_column
DECLARE
  wanted text[] := $2;
  unknown text;
  step record;
  listed text;
  target text;
  made bigint;
  decided bigint := 0;
  session_at text := COALESCE(current_setting('svc_policy.at_s', true), '');
BEGIN
  {one_at_a_time(schema)}
  SELECT w.name INTO unknown FROM unnest(wanted) AS w (name)
  WHERE NOT EXISTS (SELECT FROM result_columns AS c WHERE c.name = w.name) LIMIT 1;
  IF unknown IS NOT NULL THEN
    RAISE EXCEPTION 'the policy has no column `%`', unknown USING HINT = 'the table result_columns lists them';
  END IF;
  PERFORM set_config('svc_policy.at_s', {MOMENT.format(given="$1")}::text, true);
  FOR target IN SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = {text(quoted(schema))}::regnamespace AND c.reltuples < 0
      AND c.relname = ANY (ARRAY[{", ".join(text(TABLES[grain]) for grain in GRAINS)}])
  LOOP
    -- The planner knows nothing yet of tickets that have just been loaded.
    EXECUTE format('ANALYZE %I', target);
  END LOOP;
  FOR step IN SELECT * FROM svc_policy_statements ORDER BY position LOOP
    IF step.is_side THEN
      EXECUTE format('DROP TABLE IF EXISTS %I', step.name);
      EXECUTE format('CREATE UNLOGGED TABLE %I AS %s', step.name, step.statement);
      EXECUTE format('ANALYZE %I', step.name);
      CONTINUE;
    END IF;
    target := CASE step.grain
{tables}
    END;
    SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.position) INTO listed
    FROM result_columns AS c WHERE c.grain = step.grain AND (wanted IS NULL OR c.name = ANY (wanted));
    EXECUTE format('DROP TABLE IF EXISTS %I', target);
    CONTINUE WHEN step.grain <> 'ticket' AND listed IS NULL;
    listed := concat_ws(', ',
      CASE step.grain WHEN 'ticket' THEN 'ticket_id' ELSE 'ticket_id, line' END,
      listed,
      CASE step.grain WHEN 'ticket' THEN 'calendar_error' END
    );
    EXECUTE format('CREATE TABLE %I AS SELECT %s FROM (%s) AS d', target, listed, step.statement);
    GET DIAGNOSTICS made = ROW_COUNT;
    IF step.grain = 'ticket' THEN
      decided := made;
    END IF;
    EXECUTE format(
      'ALTER TABLE %I ADD PRIMARY KEY (%s)',
      target, CASE step.grain WHEN 'ticket' THEN 'ticket_id' ELSE 'ticket_id, line' END
    );
  END LOOP;
  FOR step IN SELECT * FROM svc_policy_statements WHERE is_side LOOP
    EXECUTE format('DROP TABLE %I', step.name);
  END LOOP;
  DROP TABLE IF EXISTS decided_with;
  CREATE TABLE decided_with AS
  SELECT p.id, p.digest, current_setting('svc_policy.at_s')::bigint AS at_s, decided AS tickets,
    clock_timestamp() AS decided_at
  FROM policy AS p;
  PERFORM set_config('svc_policy.at_s', session_at, true);
  RETURN decided;
END"""
    return Made(
        "FUNCTION",
        "decide_all(bigint, text[])",
        "CREATE FUNCTION decide_all(at_s bigint DEFAULT NULL, columns text[] DEFAULT NULL) RETURNS bigint "
        f"LANGUAGE plpgsql VOLATILE\n{_options(schema)} {ALL} AS {body_of(code)};",
    )


def _explanation(schema: str) -> Made:
    code = """  SELECT c.name, c.says, r.table_name, r.rule, r.file || ':' || r.line, r.clauses,
    w.wording_en, w.wording_zh, r.rests_on, NULL::text, NULL::text, NULL::text
  FROM result_columns AS c
  JOIN rules AS r ON r.table_name = c.table_name
  CROSS JOIN LATERAL (SELECT ($2 ->> c.name)::bigint AS value) AS v
  LEFT JOIN LATERAL (
    SELECT string_agg(k.wording_en, E'\\n' ORDER BY u.number) AS wording_en,
      string_agg(k.wording_zh, E'\\n' ORDER BY u.number) AS wording_zh
    FROM unnest(r.clauses) WITH ORDINALITY AS u (clause, number) JOIN clauses AS k ON k.clause = u.clause
  ) AS w ON true
  WHERE c.grain = $1
    AND CASE c.says WHEN 'holds' THEN r.position = v.value ELSE (v.value >> (r.position - 1)) & 1 = 1 END
  UNION ALL
  SELECT c.name, c.says, NULL, NULL, NULL, NULL, NULL, NULL, NULL, f.fact, f.label_en, f.label_zh
  FROM result_columns AS c JOIN asked_facts AS f ON (($2 ->> c.name)::bigint >> f.bit) & 1 = 1
  WHERE c.grain = $1 AND c.says = 'asks for'"""
    returns = (
        "column_name text, says text, table_name text, rule text, place text, clauses text[], wording_en text, "
        "wording_zh text, rests_on text[], fact text, label_en text, label_zh text"
    )
    return Made(
        "FUNCTION",
        "explanation(text, jsonb)",
        f"CREATE FUNCTION explanation(grain text, decision jsonb) RETURNS TABLE ({returns}) LANGUAGE sql STABLE\n"
        f"{_options(schema)} AS {body_of(code)};",
    )


def _explained(grains: Sequence[Grain]) -> Made:
    queries = []
    for grain in grains:
        line = "NULL::bigint" if grain == "ticket" else "d.line"
        queries.append(
            f"SELECT t.ticket_id, {text(grain)} AS grain, {line} AS line, e.*\n"
            f"FROM tickets AS t CROSS JOIN LATERAL {quoted(NAMES[grain][1])}(ARRAY[t.ticket_id]) AS d\n"
            f"CROSS JOIN LATERAL explanation({text(grain)}, to_jsonb(d)) AS e"
        )
    return Made("VIEW", "explained", "CREATE VIEW explained AS\n" + "\nUNION ALL\n".join(queries) + ";")
