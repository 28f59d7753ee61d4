"""Write decisions as JSON, quickly: what a rule or a row of a list is written as is made once and put in as it is."""

from __future__ import annotations

import functools
from collections.abc import Container
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from svc_policy.decision import Decision, Item, RuleUse
from svc_policy.facts.registry import MILESTONES
from svc_policy.policy import Policy
from svc_policy.policy.forms import governing_day
from svc_policy.policy.json import MAKERS, Plain
from svc_policy.policy.views import LISTS
from svc_policy.rules.family import Parameter

_MOST_KEPT: Final = 20_000
_ENCODER: Final = msgspec.json.Encoder()
#: Statuses of targets of which no time has been used and none is left.
_RESTING: Final = ("not applicable", "not started", None)


class Ready(Plain):
    """What records become for an encoder that knows dates and decimals, with rules and items ready-made.

    A policy hands out the same record for the same rule each time, by which what was made of it is found.
    """

    simple = Plain.simple | {datetime, date, Decimal}

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self._fixed = policy.fixed_items
        self._by_type |= dict.fromkeys(self.simple, _as_it_is)
        self._rules: dict[int, tuple[RuleUse, msgspec.Raw]] = {}
        self._items: dict[int, tuple[Item, msgspec.Raw]] = {}

    def rule(self, use: RuleUse) -> Any:
        """Give the JSON of a rule."""
        kept = self._rules.get(id(use))
        if kept is not None:
            return kept[1]
        if len(self._rules) >= _MOST_KEPT:
            self._rules.clear()
        made = msgspec.Raw(_ENCODER.encode(super().rule(use)))
        self._rules[id(use)] = use, made
        return made

    def item(self, item: Item) -> Any:
        """Give the JSON of an item that comes again, else what is to be written of it."""
        kept = self._items.get(id(item))
        if kept is not None:
            return kept[1]
        if id(item) not in self._fixed:
            return super().item(item)
        made = msgspec.Raw(_ENCODER.encode(super().item(item)))
        self._items[id(item)] = item, made
        return made


def _as_it_is(value: Any) -> Any:
    return value


class Writer:
    """Writes the decisions of one policy.

    Which rows of a table hold is a number; what is written of them where nothing else of the ticket is in it is kept
    under that number.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._plain = Ready(policy)
        self._kept: dict[tuple[object, ...], Any] = {}
        self._targets = policy.target_names()
        self._rule_columns = tuple(policy._rule_columns())
        makers: dict[str, Any] = dict(MAKERS)
        for table, key in LISTS.items():
            makers[key] = functools.partial(self._list, table, f"{table}_fired")
        makers["rules"] = self._rules
        makers["targets"] = self._all_targets
        self._makers = makers
        #: The allowance of a row that is a parameter has the value of a day.
        self._is_dated = {
            (name, number): isinstance(row.results["within"], Parameter)
            for name in self._targets
            for number, row in enumerate(policy.plan.tables[name], start=1)
        }
        self._begins = {
            (name, number): MILESTONES[row.text("starts") or ""]
            for name in self._targets
            for number, row in enumerate(policy.plan.tables[name], start=1)
        }

    def write(self, decision: Decision, keys: Container[str] | None = None) -> bytes:
        """Write a decision as JSON in UTF-8; only some of its keys where those are named."""
        policy, plain = self._policy, self._plain
        return _ENCODER.encode(
            {key: make(policy, decision, plain) for key, make in self._makers.items() if keys is None or key in keys}
        )

    def _keep(self, key: tuple[object, ...], made: Any) -> Any:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = made
        return made

    def _list(self, table: str, column: str, policy: Policy, decision: Decision, plain: Plain) -> Any:
        mask = policy.column(decision, column)
        if not mask:
            return ()
        kept = self._kept.get((table, mask))
        if kept is not None:
            return kept
        items = policy.items(decision, table)
        listed = [plain.item(item) for item in items]
        if all(id(item) in policy.fixed_items for item in items):
            return self._keep((table, mask), msgspec.Raw(_ENCODER.encode(listed)))
        return listed

    def _rules(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        if decision.ticket.holds:
            return [plain.rule(use) for use in decision.rules]
        parts: list[bytes] = []
        for table, column in self._rule_columns:
            if column is None:
                parts.extend(bytes(plain.rule(use)) for use in policy._rules_of(decision, table))
            elif value := policy.column(decision, column):
                kept = self._kept.get((column, value))
                if kept is None:
                    made = b",".join(bytes(plain.rule(use)) for use in policy._rules_of(decision, table))
                    kept = self._keep((column, value), made)
                if kept:
                    parts.append(kept)
            if table == "forms" and column is not None:
                key = ("fields", policy.column(decision, column), governing_day(policy, decision))
                kept = self._kept.get(key)
                if kept is None:
                    kept = self._keep(key, b",".join(bytes(plain.rule(use)) for use in policy._field_rules(decision)))
                if kept:
                    parts.append(kept)
        return msgspec.Raw(b"[" + b",".join(parts) + b"]")

    def _all_targets(self, policy: Policy, decision: Decision, plain: Plain) -> dict[str, Any]:
        return {name: self._target(name, policy, decision, plain) for name in self._targets}

    def _target(self, name: str, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write one target; of one that has neither begun nor ended the row and the status say all."""
        status = policy.column(decision, f"{name}_status")
        if status not in _RESTING or policy.column(decision, f"{name}_due") is not None:
            return plain(policy._target(decision, name))
        number = policy.column(decision, f"{name}_row")
        if number:
            ticket = decision.ticket
            begun = getattr(ticket, self._begins[name, int(number)], None)
            if begun is not None or getattr(ticket, MILESTONES[name]) is not None:
                return plain(policy._target(decision, name))
        needs = policy.column(decision, f"{name}_status_needs") if status is None else 0
        day = policy.column(decision, "request_day") if number and self._is_dated[name, int(number)] else 0
        key = (name, number, status, needs, day)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._keep(key, msgspec.Raw(_ENCODER.encode(plain(policy._target(decision, name)))))
        return kept


def decision_to_json(policy: Policy, decision: Decision, keys: Container[str] | None = None) -> bytes:
    """Write a decision as JSON in UTF-8: what `decision.to_dict()` gives."""
    writer: Writer | None = policy.__dict__.get("_writer")
    if writer is None:
        writer = policy.__dict__["_writer"] = Writer(policy)
    return writer.write(decision, keys)
