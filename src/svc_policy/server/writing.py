"""Write decisions as JSON, quickly: what a rule or a row of a list is written as is made once and put in as it is."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from svc_policy.decision import Decision, Item, RuleUse
from svc_policy.policy import Policy
from svc_policy.policy.json import Plain, decision_tree

_MOST_KEPT: Final = 20_000
_ENCODER: Final = msgspec.json.Encoder()


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


def decision_to_json(policy: Policy, decision: Decision, keys: Container[str] | None = None) -> bytes:
    """Write a decision as JSON in UTF-8: what `policy.json` gives, character by character but for blanks."""
    ready: Ready | None = policy.__dict__.get("_ready_json")
    if ready is None:
        ready = policy.__dict__["_ready_json"] = Ready(policy)
    return _ENCODER.encode(decision_tree(policy, decision, ready, keys))
