"""The rules behind row numbers and masks as tables that findings are joined with."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from svc_policy.adapters.staging import insert
from svc_policy.facts.registry import MILESTONES, Fact
from svc_policy.rules.escalations import watched
from svc_policy.rules.family import Parameter, Row
from svc_policy.units import Literal

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

RULES = "audit_rules"
NEEDS = "audit_needs"

_COLUMNS = (
    "tbl VARCHAR, number BIGINT, rule VARCHAR, clauses VARCHAR, interpretations VARCHAR, target VARCHAR, "
    "target_en VARCHAR, target_zh VARCHAR, who_en VARCHAR, who_zh VARCHAR, what_en VARCHAR, what_zh VARCHAR, "
    "least BIGINT, most BIGINT, level BIGINT"
)
#: Which results of a table say who, and which says what or who decides.
_WHO = {
    "approvals": ("approver", "subject"),
    "escalations": ("notify", ""),
    "penalties": ("liable", "decided by"),
    "late_penalties": ("liable", "decided by"),
}


def make_rule_tables(connection: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """Make the tables of rules (a row for each row of every table of the plan, from 1) and of facts to ask for."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {RULES} ({_COLUMNS})")
    insert(connection, RULES, list(_rules(policy)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {NEEDS} (bit BIGINT, name VARCHAR, en VARCHAR, zh VARCHAR)")
    facts = {fact.name: fact for of in policy.pack.settings.facts.values() for fact in of}
    asked: list[tuple[object, ...]] = []
    for bit, name in enumerate(policy.plan.asked):
        fact: Fact | None = facts.get(name.rpartition(".")[2])
        asked.append((bit, name, fact.en if fact else name, fact.zh if fact else name))
    insert(connection, NEEDS, asked)


def target_label(policy: Policy, target: str) -> tuple[str, str]:
    """Name a target in English and Chinese: the label of the milestone that ends it."""
    for fact in policy.pack.settings.facts["ticket"]:
        if fact.name == MILESTONES.get(target):
            return fact.en, fact.zh
    return target, target


def _rules(policy: Policy) -> Iterator[tuple[object, ...]]:
    for table, rows in policy.plan.tables.items():
        targets = _targets(policy, table, rows)
        who_name, what_name = _WHO.get(table, ("", ""))
        for number, row in enumerate(rows):
            use = policy.rule_use(policy.family_of(table), row)
            target = targets[number] if number < len(targets) else ""
            who, what = row.text(who_name), row.text(what_name)
            least, most = _figures(policy, row) if "penalties" in table else (None, None)
            level = row.results.get("level")
            yield (
                table,
                number + 1,
                f"{use.table}.{use.rule}",
                " ".join(use.cites),
                " ".join(use.interpretations),
                target or None,
                *(target_label(policy, target) if target else (None, None)),
                *(_labels(policy, who)),
                *(_labels(policy, what)),
                least,
                most,
                level.value if isinstance(level, Literal) else None,
            )


def _targets(policy: Policy, table: str, rows: tuple[Row, ...]) -> list[str]:
    if table in policy.target_names():
        return [table] * len(rows)
    if table == "escalations":
        return [target for row in policy.pack.rows.get("escalations", ()) for target in watched(row) or [""]]
    if table == "late_penalties":
        return [watched(row)[0] for row in rows]
    return []


def _labels(policy: Policy, name: str | None) -> tuple[str | None, str | None]:
    return (policy.pack.label(name, "en"), policy.pack.label(name, "zh")) if name else (None, None)


def _figures(policy: Policy, row: Row) -> tuple[int | None, int | None]:
    """Take the least and most of a penalty's row: its figure, or the ends of its range, or nothing."""

    def figure(name: str) -> int | None:
        cell = row.results.get(name)
        if isinstance(cell, Parameter):
            values = policy.pack.settings.parameters[cell.name].values
            # Of a parameter with dates the totals of the decision know which value holds; a row does not.
            cell = values[0][1] if len(values) == 1 else None
        return int(cell.value) if isinstance(cell, Literal) and isinstance(cell.value, int) else None

    amount = figure("amount")
    return (amount, amount) if amount is not None else (figure("least"), figure("most"))
