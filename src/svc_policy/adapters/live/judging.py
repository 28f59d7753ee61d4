"""Which rules are watched, and which of them hold of a ticket at an instant, as the policy decides it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from svc_policy.expressions.nodes import Expression, walk
from svc_policy.expressions.steps import Due
from svc_policy.plan import Plan, columns_made, expressions_for
from svc_policy.policy.views import LISTS as LISTING
from svc_policy.rules.escalations import watched
from svc_policy.rules.family import Row

if TYPE_CHECKING:
    from svc_policy.adapters.live.folding import Facts
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

#: The fact that the desk counts itself, from the repairs that it saw.
EARLIER_REPAIRS = "earlier_repairs"
#: What always matters: when a ticket is over, and what makes it an earlier repair of another.
ALWAYS = ("received_at", "closed_at", "finished_at", "serial_no", "fault_code")


@attrs.frozen(kw_only=True)
class WatchedRule:
    """A row that is watched: its table, its bit in the table's mask, and the target it watches, if any."""

    table: str
    bit: int
    row: Row
    target: str

    @property
    def name(self) -> str:
        """The rule as people write it: ``escalations.late``, with its target where it has one."""
        return f"{self.table}.{self.row.id}" + (f"/{self.target}" if self.target else "")


def watched_rules(policy: Policy) -> tuple[WatchedRule, ...]:
    """List what is watched: each escalation with each of its targets, and rows of lists that read earlier repairs."""
    tables = policy.plan.tables
    targets = [target for row in policy.pack.rows.get("escalations", ()) for target in watched(row) or ("",)]
    found = [
        WatchedRule(table="escalations", bit=bit, row=row, target=target)
        for bit, (row, target) in enumerate(zip(tables.get("escalations", ()), targets, strict=True))
    ]
    found.extend(
        WatchedRule(table=table, bit=bit, row=row, target="")
        for table in LISTING
        if table != "escalations"
        for bit, row in enumerate(tables.get(table, ()))
        if EARLIER_REPAIRS in row.tests and not row.tests[EARLIER_REPAIRS].any
    )
    return tuple(found)


def facts_read(plan: Plan, columns: Iterable[str]) -> frozenset[str]:
    """Name the facts of the ticket, and the lists, on which columns of a plan hang."""
    makers = {name: step for step in plan.steps for name in columns_made(step)}
    found: set[str] = set()
    done: set[str] = set()
    seen: set[Expression] = set()
    open_ = list(columns)
    while open_:
        name = open_.pop()
        if name in done or name not in makers:
            continue
        done.add(name)
        step = makers[name]
        if isinstance(step, Due) and step.stops:
            found.add("holds")
        for expression in expressions_for(step, name):
            for node in walk(expression, seen):
                if node.operator == "column":
                    open_.append(str(node.data))
                elif node.operator == "fact":
                    grain, _, fact = str(node.data).partition(".")
                    found.add(fact if grain == "ticket" else _LISTS[grain])
    return frozenset(found)


_LISTS = {
    "part": "parts",
    "hold": "holds",
    "incident": "incidents",
    "override": "overrides",
    "material": "materials",
}


@attrs.frozen(kw_only=True)
class Judgement:
    """What holds of a ticket at an instant, bit i for watched rule i, until when, and the decision it was read from."""

    fired: int
    next_s: int | None
    decision: Decision


class Judge(Protocol):
    """Tells which watched rules hold."""

    @property
    def rules(self) -> tuple[WatchedRule, ...]:
        """The watched rules, in the order of the bits."""
        ...

    def judge(self, ticket: str, facts: Facts, at_s: int) -> Judgement:
        """Judge a ticket as it stands at an instant.

        Raises:
            CalendarError: The policy cannot decide it: an instant lies outside its calendar.
        """
        ...

    def forget(self, ticket: str) -> None:
        """Let go of what is kept for a ticket."""
        ...


class PlanJudge:
    """Reads the masks of the policy's own decision: nothing of a rule's meaning is written here."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.rules = watched_rules(policy)
        self._masks: Mapping[str, list[tuple[int, int]]] = {}
        for number, rule in enumerate(self.rules):
            self._masks.setdefault(f"{rule.table}_fired", []).append((rule.bit, number))  # type: ignore[attr-defined]
        #: Where the bits of a table are those of the mask, one shift moves them all.
        self._shifts = [
            (column, bits[0][0], (1 << len(bits)) - 1, bits[0][1])
            for column, bits in self._masks.items()
            if [bit - bits[0][0] for bit, _ in bits] == list(range(len(bits)))
        ]
        whole = {column for column, *_ in self._shifts}
        self._single = [(column, bits) for column, bits in self._masks.items() if column not in whole]

    def judge(self, ticket: str, facts: Facts, at_s: int) -> Judgement:
        """Decide the ticket, and read which watched rules hold and when that changes by itself."""
        decided: Any = self.policy.decide_s(facts, at_s)  # type: ignore[arg-type]
        fired = 0
        for column, first, mask, place in self._shifts:
            fired |= (int(self.policy.column(decided, column) or 0) >> first & mask) << place
        for column, bits in self._single:
            found = int(self.policy.column(decided, column) or 0)
            for bit, number in bits if found else ():
                fired |= (found >> bit & 1) << number
        next_s = self.policy.column(decided, "next_change_at")
        return Judgement(fired=fired, next_s=None if next_s is None else int(next_s), decision=decided)

    def forget(self, ticket: str) -> None:
        """Keep nothing, forget nothing."""


def relevant_facts(policy: Policy, rules: Iterable[WatchedRule]) -> frozenset[str]:
    """Name what an event must change to matter: what the watched rules read, and what is always needed."""
    columns = {f"{rule.table}_fired" for rule in rules}
    return facts_read(policy.plan, columns) | frozenset(ALWAYS)
