"""Which rules are watched, and which of them hold of a ticket at an instant, as the policy decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import attrs

from svc_policy.adapters.live.deciding import Deciding, facts_read
from svc_policy.decision import Cell
from svc_policy.policy.views import LISTS as LISTING
from svc_policy.rules.escalations import watched
from svc_policy.rules.family import Row

if TYPE_CHECKING:
    from svc_policy.adapters.live.folding import Facts
    from svc_policy.policy import Policy

#: The fact that the desk counts itself, from the repairs that it saw.
EARLIER_REPAIRS = "earlier_repairs"
#: What always matters: when a ticket is over, and what makes it an earlier repair of another.
ALWAYS = ("received_at", "closed_at", "finished_at", "serial_no", "fault_code")


@attrs.frozen(kw_only=True)
class WatchedRule:
    """A row that is watched: its table, its bit in the table's mask, and the target it watches, if any.

    `instant` names the plan's column of the instant from which a row with a target holds.
    """

    table: str
    bit: int
    row: Row
    target: str
    instant: str = ""

    @property
    def name(self) -> str:
        """The rule as people write it: ``escalations.late``, with its target where it has one."""
        return f"{self.table}.{self.row.id}" + (f"/{self.target}" if self.target else "")


def watched_rules(policy: Policy) -> tuple[WatchedRule, ...]:
    """List what is watched: each escalation with each of its targets, and rows of lists that read earlier repairs."""
    tables = policy.plan.tables
    targets = [target for row in policy.pack.rows.get("escalations", ()) for target in watched(row) or ("",)]
    rows = zip(tables.get("escalations", ()), targets, policy.plan.instants.get("escalations", ()), strict=True)
    found = [
        WatchedRule(table="escalations", bit=bit, row=row, target=target, instant=instant)
        for bit, (row, target, instant) in enumerate(rows)
    ]
    found.extend(
        WatchedRule(table=table, bit=bit, row=row, target="")
        for table in LISTING
        if table != "escalations"
        for bit, row in enumerate(tables.get(table, ()))
        if EARLIER_REPAIRS in row.tests and not row.tests[EARLIER_REPAIRS].any
    )
    return tuple(found)


@attrs.frozen(kw_only=True)
class Judgement:
    """What holds of a ticket at an instant, bit i for watched rule i, and until when.

    `column` reads a column of the decision that it was read from; None where there is none.
    """

    fired: int
    next_s: int | None
    column: Callable[[str], Cell] = attrs.field(eq=False)


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
    """Reads the masks that the policy's own plan gives: nothing of a rule's meaning is written here.

    Of the plan only those steps are run on which something hangs that is watched.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.rules = watched_rules(policy)
        #: Bits of the masks of tables, as runs: the column, its first bit, how many as a mask, and their place here.
        self._runs: list[tuple[str, int, int, int]] = []
        for number, rule in enumerate(self.rules):
            column, first, mask, place = self._runs[-1] if self._runs else ("", 0, 0, 0)
            if column == f"{rule.table}_fired" and first + mask.bit_length() == rule.bit:
                self._runs[-1] = column, first, mask << 1 | 1, place
            else:
                self._runs.append((f"{rule.table}_fired", rule.bit, 1, number))
        self._deciding = Deciding(policy, read_columns(self.rules))

    def judge(self, ticket: str, facts: Facts, at_s: int) -> Judgement:
        """Decide the ticket, and read which watched rules hold and when that changes by itself."""
        column, next_s = self._deciding.decide(facts, at_s)
        fired = 0
        for name, first, mask, place in self._runs:
            fired |= (int(column(name) or 0) >> first & mask) << place
        return Judgement(fired=fired, next_s=next_s, column=column)

    def forget(self, ticket: str) -> None:
        """Keep nothing, forget nothing."""


def read_columns(rules: Iterable[WatchedRule]) -> tuple[str, ...]:
    """Name the columns that are read to tell of watched rules."""
    names = {f"{rule.table}_fired": None for rule in rules}
    names |= {f"{rule.target}_due": None for rule in rules if rule.target}
    return (*names, "request_day")


def relevant_facts(policy: Policy, rules: Iterable[WatchedRule]) -> frozenset[str]:
    """Name what an event must change to matter: what the watched rules read, and what is always needed."""
    columns = {f"{rule.table}_fired" for rule in rules}
    return facts_read(policy.plan, columns) | frozenset(ALWAYS)
