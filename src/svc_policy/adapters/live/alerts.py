"""Alerts: who is told about which ticket, by which rule, and that an alert is taken back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from svc_policy.decision import RuleUse
from svc_policy.messages import Message, message
from svc_policy.rules.family import Parameter
from svc_policy.units import Literal as WrittenLiteral

if TYPE_CHECKING:
    from svc_policy.adapters.live.judging import WatchedRule
    from svc_policy.policy import Policy

SCHEMA: Final = 1
Kind = Literal["raised", "withdrawn"]
#: The columns that name who is told, in the tables that are watched.
_RECIPIENTS: Final = ("notify", "owner", "approver", "recipient")
_WHAT: Final = ("action", "step", "subject", "duty", "item", "form", "survey", "remedy", "field")


@attrs.frozen(kw_only=True)
class Alert:
    """One alert, in the policy's zone.

    `since` is the instant from which the rule holds, which may be long before
    it is told; `due` the instant at which the target is due, None where the
    rule watches none or a hold keeps it open. An alert that is ``withdrawn``
    has the `id` of the one that was ``raised``.
    """

    id: str
    kind: Kind
    ticket: str
    target: str | None
    level: int | None
    recipient: str | None
    action: str | None
    answer: str | None
    since: datetime
    due: datetime | None
    told_at: datetime
    rule: RuleUse

    def to_dict(self) -> dict[str, Any]:
        """Give the alert as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "kind": self.kind,
            "ticket": self.ticket,
            "target": self.target,
            "level": self.level,
            "recipient": self.recipient,
            "action": self.action,
            "answer": self.answer,
            "since": self.since.isoformat(),
            "due": None if self.due is None else self.due.isoformat(),
            "told_at": self.told_at.isoformat(),
            "rule": {
                "table": self.rule.table,
                "rule": self.rule.rule,
                "file": self.rule.file,
                "line": self.rule.line,
                "cites": list(self.rule.cites),
                "interpretations": list(self.rule.interpretations),
            },
        }

    def text(self) -> Message:
        """Put the alert into one line."""
        values: dict[str, object] = {
            "since": self.since.strftime("%Y-%m-%d %H:%M:%S"),
            "ticket": self.ticket,
            "recipient": self.recipient or "-",
            "what": " ".join(
                str(one) for one in (self.target, self.action, None if self.level is None else self.level) if one
            ),
            "rule": f"{self.rule.table}.{self.rule.rule}",
            "clauses": " ".join(self.rule.cites),
        }
        if self.kind == "withdrawn":
            return message("{since} {ticket}: withdrawn, {recipient}: {what} ({rule}) [{clauses}]", **values)
        return message("{since} {ticket}: {recipient}: {what} ({rule}) [{clauses}]", **values)


class AlertWriter:
    """Writes the alerts of a policy's watched rules."""

    def __init__(self, policy: Policy, rules: tuple[WatchedRule, ...]) -> None:
        self._policy = policy
        self._rules = rules
        self._uses = [policy.rule_use(rule.table, rule.row, rule.target) for rule in rules]

    def write(
        self, kind: Kind, ticket: str, number: int, since_s: int, *, due_s: int | None, day: int | None, now_s: int
    ) -> Alert:
        """Write one alert of a rule, by its number; `day` is the ticket's governing day, of which cells may hang."""
        rule = self._rules[number]
        since, told_at = self._policy.instant(since_s), self._policy.instant(now_s)
        assert since is not None and told_at is not None
        level = self._cell(rule, ("level",), day)
        return Alert(
            id=f"{ticket}/{rule.name}/{since_s}",
            kind=kind,
            ticket=ticket,
            target=rule.target or None,
            level=level if isinstance(level, int) else None,
            recipient=self._cell(rule, _RECIPIENTS, day),
            action=self._cell(rule, _WHAT, day),
            answer=self._cell(rule, ("answer",), day),
            since=since,
            due=self._policy.instant(due_s),
            told_at=told_at,
            rule=self._uses[number],
        )

    def _cell(self, rule: WatchedRule, names: tuple[str, ...], day: int | None) -> Any:
        for name in names:
            cell: object = rule.row.results.get(name)
            if isinstance(cell, Parameter):
                cell = self._policy.in_force(cell, day)
            if isinstance(cell, WrittenLiteral):
                return cell.value
        return None
