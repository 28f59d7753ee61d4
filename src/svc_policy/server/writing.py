"""Write decisions as JSON, quickly: what a rule or a row of a list is written as is made once and put in as it is."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from svc_policy.decision import Cell, Decision, Item, Layout, RuleUse
from svc_policy.facts.registry import MILESTONES
from svc_policy.policy import Policy
from svc_policy.policy.forms import governing_day
from svc_policy.policy.json import MAKERS, Plain
from svc_policy.policy.shares import share_and_left
from svc_policy.policy.views import LISTS
from svc_policy.rules.family import Parameter

_MOST_KEPT: Final = 20_000
_MOST_CHOICES: Final = 256
_MOST_QUOTES: Final = 500
#: How the names of columns begin that a quote is made from.
_QUOTED: Final = (
    "fee_",
    "surcharge",
    "subtotal",
    "discount",
    "tax",
    "total",
    "payable",
    "payer",
    "needs_confirmation",
    "confirmations",
)
#: A table of rules, its column, the column's place among those of a ticket or what it always is.
_Taken = tuple[str, str | None, int | None, Cell]
#: What coverage without parts is made from.
_COVERAGE: Final = (
    "in_warranty",
    "warranty_end",
    "covered",
    "excluded",
    "exclusions_fired",
    "in_contract",
    "covered_needs",
)
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


def quote_columns(policy: Policy) -> tuple[str, ...]:
    """Name the columns of a ticket that a quote is made from."""
    return tuple(name for name in policy.plan.names("ticket") if name.startswith(_QUOTED))


def _nothing(_: object) -> None:
    return None


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
        makers["coverage"] = self._coverage
        makers["penalties"] = self._penalties
        makers["escalation_level"] = self._level
        makers["quote"] = self._quote
        self._makers = makers
        #: The makers of each choice of keys, and what is taken of each layout; a few of either.
        self._chosen: dict[frozenset[str] | None, tuple[tuple[str, Any], ...]] = {None: tuple(makers.items())}
        self._of_layout: dict[int, tuple[Layout, tuple[_Taken, ...]]] = {}
        self._quotes: dict[int, tuple[Layout, Callable[[Any], Any], dict[object, Any]]] = {}
        self._quoted = quote_columns(policy)
        self._is_taxed_by_day = isinstance(policy.pack.settings.money.tax, Parameter)
        self._has_fields = bool(policy.pack.rows.get("fields"))
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

    def write(self, decision: Decision, keys: Collection[str] | None = None) -> bytes:
        """Write a decision as JSON in UTF-8; only some of its keys where those are named."""
        policy, plain = self._policy, self._plain
        wanted = None if keys is None else frozenset(keys)
        makers = self._chosen.get(wanted)
        if makers is None:
            if len(self._chosen) >= _MOST_CHOICES:
                self._chosen = {None: self._chosen[None]}
            listed = tuple((key, make) for key, make in self._makers.items() if wanted is None or key in wanted)
            makers = self._chosen[wanted] = listed
        return _ENCODER.encode({key: make(policy, decision, plain) for key, make in makers})

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

    def _taken(self, layout: Layout) -> tuple[_Taken, ...]:
        """Say for each table of rules where the decisions of one layout have what holds, or what that always is."""
        kept = self._of_layout.get(id(layout))
        if kept is not None:
            return kept[1]
        if len(self._of_layout) >= _MOST_CHOICES:
            self._of_layout.clear()
        index = layout.index["ticket"]
        made = tuple(
            (table, column, None if column is None else index.get(column), layout.constants.get(column or ""))
            for table, column in self._rule_columns
            # What is always nothing says nothing.
            if column is None
            or table == "forms"
            or column in index
            or column in layout.late
            or layout.constants.get(column)
        )
        self._of_layout[id(layout)] = layout, made
        return made

    def _rules(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        if decision.ticket.holds:
            return [plain.rule(use) for use in decision.rules]
        parts: list[bytes] = []
        early, everything = decision.early, self._kept
        for table, column, place, constant in self._taken(decision.layout):
            if column is None:
                if decision.lines:
                    parts.extend(bytes(plain.rule(use)) for use in policy._rules_of(decision, table))
                continue
            value = early[place] if place is not None else constant
            if value is None and place is None:
                value = policy.column(decision, column)
            if value:
                kept = everything.get((column, value))
                if kept is None:
                    made = b",".join(bytes(plain.rule(use)) for use in policy._rules_of(decision, table))
                    kept = self._keep((column, value), made)
                if kept:
                    parts.append(kept)
            if table == "forms":
                key = ("fields", value, governing_day(policy, decision) if self._has_fields else None)
                kept = everything.get(key)
                if kept is None:
                    kept = self._keep(key, b",".join(bytes(plain.rule(use)) for use in policy._field_rules(decision)))
                if kept:
                    parts.append(kept)
        return msgspec.Raw(b"[" + b",".join(parts) + b"]")

    def _level(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        key = ("level", policy.column(decision, "escalations_fired"))
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        made = MAKERS["escalation_level"](policy, decision, plain)
        fixed = all(id(item) in policy.fixed_items for item in policy.items(decision, "escalations"))
        return self._keep(key, made) if fixed else made

    def _quote(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write the quote; without parts and materials the columns of fees say it whole, and come again and again."""
        if decision.ticket.parts or decision.ticket.materials:
            return plain(policy.quote(decision))
        layout = decision.layout
        known = self._quotes.get(id(layout))
        if known is None:
            if len(self._quotes) >= _MOST_CHOICES:
                self._quotes.clear()
            index = layout.index["ticket"]
            places = [index[name] for name in self._quoted if name in index]
            # What is the same for every ticket of a layout is not asked.
            known = self._quotes[id(layout)] = layout, operator.itemgetter(*places) if places else _nothing, {}
        key = known[1](decision.early)
        if self._is_taxed_by_day:
            key = key, policy.governing_dates(decision)["fee"]
        kept = known[2].get(key)
        if kept is None:
            if len(known[2]) >= _MOST_QUOTES:
                known[2].clear()
            kept = known[2][key] = msgspec.Raw(_ENCODER.encode(plain(policy.quote(decision))))
        return kept

    def _penalties(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write the penalties; those of missed targets alone are the same wherever the same rows hold on a day."""
        make = MAKERS["penalties"]
        if decision.ticket.incidents:
            return make(policy, decision, plain)
        column = policy.column
        key = ("penalties", column(decision, "late_penalties_fired"), column(decision, "request_day"))
        kept = self._kept.get(key)
        if kept is None:
            made = make(policy, decision, plain)
            fixed = {name: made[name] for name in ("items", "findings")}
            kept = self._keep(key, {**made, **{name: msgspec.Raw(_ENCODER.encode(of)) for name, of in fixed.items()}})
        return {
            **kept,
            "least": policy.money(decision.column("penalty_least")),
            "most": policy.money(decision.column("penalty_most")),
        }

    def _coverage(self, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write coverage; without parts what it says is a handful of columns, of which most tickets have the same."""
        if decision.ticket.parts:
            return plain(policy.coverage(decision))
        key = ("coverage", *(policy.column(decision, name) for name in _COVERAGE))
        kept = self._kept.get(key)
        if kept is None:
            found = policy.coverage(decision)
            made = msgspec.Raw(_ENCODER.encode(plain(found)))
            if any(id(item) not in policy.fixed_items for item in found.exclusions):
                return made
            kept = self._keep(key, made)
        return kept

    def _all_targets(self, policy: Policy, decision: Decision, plain: Plain) -> dict[str, Any]:
        return {name: self._target(name, policy, decision, plain) for name in self._targets}

    def _target(self, name: str, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write one target; of one that has neither begun nor ended the row and the status say all."""
        status = policy.column(decision, f"{name}_status")
        number = policy.column(decision, f"{name}_row")
        if status not in _RESTING or policy.column(decision, f"{name}_due") is not None:
            return self._running(name, int(number or 0), status, policy, decision, plain)
        if number:
            ticket = decision.ticket
            begun = getattr(ticket, self._begins[name, int(number)], None)
            if begun is not None or getattr(ticket, MILESTONES[name]) is not None:
                return self._running(name, int(number), status, policy, decision, plain)
        needs = policy.column(decision, f"{name}_status_needs") if status is None else 0
        day = policy.column(decision, "request_day") if number and self._is_dated[name, int(number)] else 0
        key = (name, number, status, needs, day)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._keep(key, msgspec.Raw(_ENCODER.encode(plain(policy._target(decision, name)))))
        return kept

    def _running(self, name: str, number: int, status: Cell, policy: Policy, decision: Decision, plain: Plain) -> Any:
        """Write a target that has begun or ended: what its row says of it is kept, the times are its own."""
        if not number:
            return plain(policy._target(decision, name))
        day = policy.column(decision, "request_day") if self._is_dated[name, number] else 0
        key = ("row", name, number, day)
        row = self._kept.get(key)
        if row is None:
            made = policy._target(decision, name)
            fixed = {one: getattr(made, one) for one in ("name", "allowance", "clock", "owner", "rule")}
            row = self._keep(key, {one: msgspec.Raw(_ENCODER.encode(plain(of))) for one, of in fixed.items()})
        ticket = decision.ticket
        rule = policy.plan.tables[name][number - 1]
        used, left, resumed = share_and_left(policy, decision, name, rule, str(status))
        return {
            "name": row["name"],
            "status": "undetermined" if status is None else status,
            "start": policy._local(getattr(ticket, self._begins[name, number], None)),
            "end": policy._local(getattr(ticket, MILESTONES[name])),
            "due": policy.instant(policy.column(decision, f"{name}_due")),
            "due_if_resumed_now": policy.instant(resumed),
            "allowance": row["allowance"],
            "clock": row["clock"],
            "used_share": used,
            "time_left": left,
            "owner": row["owner"],
            "needs": policy.asked(policy.column(decision, f"{name}_status_needs")) if status is None else (),
            "rule": row["rule"],
        }


def decision_to_json(policy: Policy, decision: Decision, keys: Collection[str] | None = None) -> bytes:
    """Write a decision as JSON in UTF-8: what `decision.to_dict()` gives."""
    writer: Writer | None = policy.__dict__.get("_writer")
    if writer is None:
        writer = policy.__dict__["_writer"] = Writer(policy)
    return writer.write(decision, keys)
