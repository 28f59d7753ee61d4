"""Decide drawn tickets in one DuckDB batch and in Python, and compare every result."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
from hypothesis import HealthCheck, Phase, given, settings

from svc_policy.errors import PolicyError
from svc_policy.messages import message
from svc_policy.plan import result_names
from svc_policy.testing.running import Failure, PropertyFailed, PropertyResult, seeded
from svc_policy.testing.strategies import Situation, aimed

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

_NAME: Final = "sql_is_python"


def try_batch(policy: Policy, wanted: settings) -> PropertyResult:
    """Decide drawn tickets in one call, and compare; of those that differ the one with the fewest facts is told.

    Raises:
        PropertyFailed: A ticket is decided otherwise.
    """
    __tracebackhide__ = True
    try:
        import duckdb
        import pyarrow  # noqa: F401 - needed where tickets are put into tables
        import sqlglot  # noqa: F401 - needed where the policy is compiled
    except ImportError:
        reason = message("it needs the extra `batch`: pip install 'svc-policy[batch]'")
        return PropertyResult(name=_NAME, status="does not apply", reason=reason)
    drawn = _draw(policy, wanted)
    if not drawn:
        return PropertyResult(name=_NAME, status="kept")
    at = sorted(situation.at for situation in drawn)[len(drawn) // 2]
    decided: dict[str, tuple[Situation, Decision]] = {}
    tickets, refused = [], 0
    for number, situation in enumerate(drawn):
        moved = attrs.evolve(situation, facts={**situation.facts, "ticket_id": str(number)}, at=at)
        try:
            decided[str(number)] = moved, moved.decide(policy)
        except PolicyError:
            # Its instants lie outside the calendar: neither engine decides it.
            refused += 1
            continue
        tickets.append(moved.ticket(policy))
    with duckdb.connect() as connection:
        worst = _compare(policy, connection, tickets, decided, at)
    if worst is not None:
        raise worst
    return PropertyResult(name=_NAME, status="kept", tried=len(tickets), relevant=len(tickets), refused=refused)


def _draw(policy: Policy, wanted: settings) -> list[Situation]:
    found: list[Situation] = []

    def keep(situation: Situation) -> None:
        found.append(situation)

    every = settings(
        wanted, phases=(Phase.generate,), suppress_health_check=list(HealthCheck), deadline=None, database=None
    )
    rows = (row for of in policy.pack.rows.values() for row in of)
    seeded(every, _NAME)(given(aimed(policy, rows))(keep))()
    return found


def _compare(
    policy: Policy, connection: Any, tickets: list[Any], decided: dict[str, tuple[Situation, Decision]], at: datetime
) -> PropertyFailed | None:
    from svc_policy.batch import RESULTS, decide_batch, insert_tickets

    names = result_names(policy.plan)
    insert_tickets(connection, policy, tickets)
    decide_batch(policy, connection, at_s=int(at.timestamp()), columns=names)
    there = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    answers: dict[tuple[str, str, int], dict[str, Any]] = {}
    for grain, table in RESULTS.items():
        if table in there:
            found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name of our own
            heads = [column[0] for column in found.description]
            for line in found.fetchall():
                row = dict(zip(heads, line, strict=True))
                answers[grain, row["ticket_id"], int(row.get("line") or 0)] = row
    lines = sorted({number for grain, _, number in answers if grain != "ticket"})
    first = lines[0] if lines else 0
    worst: tuple[int, PropertyFailed] | None = None
    for key, (situation, decision) in decided.items():
        told = _difference(policy, decision, answers, key, set(names), first)
        if told is None:
            continue
        size = len(situation.facts)
        if worst is None or size < worst[0]:
            name, ours, theirs = told
            detail = message(
                "`{name}` is `{ours}` in Python and `{theirs}` in DuckDB", name=name, ours=ours, theirs=theirs
            )
            worst = size, PropertyFailed(_NAME, policy, situation, Failure(detail=detail, decision=decision))
    return worst[1] if worst else None


def _difference(
    policy: Policy, decision: Decision, answers: Any, key: str, names: set[str], first: int
) -> tuple[str, Any, Any] | None:
    whole = answers.get(("ticket", key, 0))
    if whole is None:
        return "ticket", key, None
    if whole["calendar_error"]:
        return "calendar_error", False, True
    for name, value in zip(policy.plan.names("ticket"), decision.values, strict=True):
        if name in names and name in whole and whole[name] != value:
            return name, value, whole[name]
    for grain, lines in decision.children.items():
        of_grain = policy.plan.names(grain)
        for number, values in enumerate(lines):
            row = answers.get((grain, key, number + first))
            for name, value in zip(of_grain, values, strict=True):
                if row is not None and name in names and name in row and row[name] != value:
                    return f"{grain} {number + 1} {name}", value, row[name]
    return None
