"""The outcome of a decision as a line of a record keeps it: flat columns, and the rules that fired.

A layout names the columns of a policy's results once, so that a line holds
only their values. Results that a layout's shape of tickets fixes beforehand
stand in the layout itself (`same`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from svc_policy.decision import Cell, Decision
from svc_policy.facts.registry import MILESTONES
from svc_policy.plan import result_names
from svc_policy.policy import Policy
from svc_policy.policy.forms import governing_day, rules_of_fields
from svc_policy.policy.views import _CHILD_TABLES
from svc_policy.record.inputs import HAS_LINES
from svc_policy.record.lines import encode

#: The grains whose records have columns of their own.
GRAINS = ("part", "incident", "override", "material")
#: What an engine computes last; a mask of facts, given by their names.
NEEDS = "needs"
#: Texts that are kept at a time, of what is the same for many decisions.
MOST_KEPT = 4_096


class RuleNames:
    """Names the rules behind row numbers and masks, each number looked up once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._watched: tuple[str, ...] = policy._watched() if "escalations" in policy.plan.tables else ()
        self._found: dict[tuple[str, Cell], tuple[str, ...]] = {}
        self._fields: dict[tuple[Cell, int | None], tuple[str, ...]] = {}
        self._holds: dict[object, str] = {}

    def of(self, table: str, value: Cell, *, is_mask: bool) -> tuple[str, ...]:
        """Name the rule that a number means, or those of a mask, as ``table.rule``, ``table.rule@target``."""
        key = (table, value)
        names = self._found.get(key)
        if names is None:
            names = self._found[key] = self._looked_up(table, int(value or 0), is_mask)
        return names

    def _looked_up(self, table: str, value: int, is_mask: bool) -> tuple[str, ...]:
        rows = self._policy.plan.tables.get(table, ())
        family = self._policy.family_of(table)
        if not is_mask:
            return (f"{family}.{rows[value - 1].id}",) if value else ()
        found = []
        for index, row in enumerate(rows):
            if value >> index & 1:
                subject = self._watched[index] if table == "escalations" else ""
                found.append(f"{family}.{row.id}" + (f"@{subject}" if subject else ""))
        return tuple(found)

    def of_fields(self, decision: Decision, forms: Cell) -> tuple[str, ...]:
        """Name the rules of the fields of the forms that are due."""
        if not forms or not self._policy.pack.rows.get("fields"):
            return ()
        key = (forms, governing_day(self._policy, decision))
        names = self._fields.get(key)
        if names is None:
            due = [row.text("form") or "" for _, row in self._policy.fired(decision, "forms")]
            found = rules_of_fields(self._policy, decision, due)
            names = self._fields[key] = tuple(f"fields.{row.id}" for row in found)
        return names

    def of_holds(self, decision: Decision) -> tuple[str, ...]:
        """Name the rule of each hold of the ticket."""
        return tuple(f"holds.{use.rule}@{use.subject}" for use in self._policy._hold_rules(decision))


class Layout:
    """Where an engine put the results of a policy's decisions, and how a line holds them.

    What tells the rules (row numbers and masks of fired rows, `rows`) is the same for many tickets and stands in a
    line of its own with the rules' ids; the other results stand in `values`.
    """

    def __init__(self, policy: Policy, decision: Decision, names: RuleNames) -> None:
        self._policy = policy
        self.engine = decision.layout
        self._later = decision.layout.later
        self._late = decision.layout.late
        self._asked = policy.plan.asked
        self._needs: dict[Cell, str] = {}
        self._names = names
        self._has_fields = bool(policy.pack.rows.get("fields"))
        index, constants = self.engine.index["ticket"], self.engine.constants
        results = set(result_names(policy.plan))
        every = [name for name in policy.plan.names("ticket") if name in results and name not in self._late]
        self._tables = _tables_of(policy)
        told = {(grain, name) for _, grain, _, name in self._tables}
        self.rows = [name for name in every if name in index and ("ticket", name) in told]
        self.columns = [name for name in every if name in index and ("ticket", name) not in told]
        #: What a shape of tickets has no column for is not asked for: 0.
        self.same: dict[str, Cell] = {name: constants.get(name, 0) for name in every if name not in index}
        self._row_values = _getter([index[name] for name in self.rows])
        self._values = _getter([index[name] for name in self.columns])
        self._needs_place = self._late.index(NEEDS)
        self.children = {
            grain: [name for name in policy.plan.names(grain) if name in results and name in self.engine.index[grain]]
            for grain in GRAINS
            if self.engine.index.get(grain)
        }
        self._telling_places = [
            (grain, tuple(place for name, place in self.engine.index[grain].items() if (grain, name) in told))
            for grain in self.children
        ]
        self._child_places = {
            grain: tuple(self.engine.index[grain][name] for name in columns) for grain, columns in self.children.items()
        }

    def described(self) -> dict[str, Any]:
        """Give the layout as a line of a record says it."""
        late = [name for name in self._late if name != NEEDS]
        return {"rows": self.rows, "columns": [*self.columns, *late], "lines": self.children, "same": self.same}

    def outcome(self, decision: Decision) -> str:
        """Give the outcome of a decision but for its rules, as the text of keys: `values`, `lines`, `needs`."""
        early = decision.early
        later = self._later(decision.ticket, early, decision.at_s)
        place = self._needs_place
        needs = later[place]
        values = (*self._values(early), *later[:place], *later[place + 1 :])
        asked = self._needs.get(needs)
        if asked is None:
            bits = int(needs or 0)
            names = [name for index, name in enumerate(self._asked) if bits >> index & 1]
            asked = self._needs[needs] = f',"needs":{encode(names)}'
        text = f'"values":{encode(values)}{asked}'
        if not decision.ticket.shape & HAS_LINES:
            return text
        lines = {
            grain: [[line[place] for place in places] for line in decision.lines[grain]]
            for grain, places in self._child_places.items()
            if decision.lines.get(grain)
        }
        return f'{text},"lines":{encode(lines)}' if lines else text

    def telling(self, decision: Decision) -> tuple[Any, ...]:
        """Give what tells the rules of a decision: two decisions of a layout with the same have the same rules."""
        ticket = decision.ticket
        key: tuple[Any, ...] = self._row_values(decision.early)
        if self._has_fields:
            key += (governing_day(self._policy, decision),)
        if not ticket.shape & HAS_LINES:
            return key
        if ticket.holds:
            key += ("holds", *[hold.values[0] for hold in ticket.holds])
        for grain, places in self._telling_places:
            lines = decision.lines.get(grain)
            if lines:
                key += (grain, *[line[place] for line in lines for place in places])
        return key

    def rules(self, decision: Decision) -> dict[str, Any]:
        """Give what a line of rules says: `rows`, the numbers and masks, and the ids of the `rules` behind them."""
        return {"rows": self._row_values(decision.early), "rules": self._fired(decision)}

    def _fired(self, decision: Decision) -> list[str]:
        """Name the rules that made a decision, in the order of :attr:`Decision.rules`."""
        names = self._names
        holds = names.of_holds(decision) if decision.ticket.holds else ()
        found: list[str] = []
        for table, grain, is_mask, column in self._tables:
            if holds and table in MILESTONES:
                found += holds
                holds = ()
            if grain == "ticket":
                value = self._policy.column(decision, column)
                found += names.of(table, value, is_mask=is_mask)
                if table == "forms":
                    found += names.of_fields(decision, value)
                continue
            for number in range(len(decision.lines.get(grain, ()))):
                value = self._policy.child_column(decision, grain, number, column)
                found += [f"{name}@{grain} {number + 1}" for name in names.of(table, value, is_mask=is_mask)]
        found += holds
        return found


def _getter(places: Sequence[int]) -> Callable[[Sequence[Cell]], tuple[Cell, ...]]:
    """Make what takes the values at some places out of a row."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)


def _tables_of(policy: Policy) -> list[tuple[str, str, bool, str]]:
    """List what tells the rules: table, grain, whether its column is a mask, the column."""
    columns = {grain: set(policy.plan.names(grain)) for grain in ("ticket", *GRAINS)}
    found = []
    for table in policy.plan.tables:
        grain = _CHILD_TABLES.get(table, "ticket")
        is_mask = f"{table}_row" not in columns[grain]
        found.append((table, grain, is_mask, f"{table}_fired" if is_mask else f"{table}_row"))
    return found


def expanded(layout: Mapping[str, Any], rules: Mapping[str, Any], line: Mapping[str, Any]) -> dict[str, Any]:
    """Give every result of a decision by its name: of children as ``part[0].part_covered``.

    Args:
        layout: What the line of its layout says.
        rules: What the line of its rules says.
        line: What its own line says.


    Raises:
        KeyError, TypeError, ValueError: The line does not fit its layout.
    """
    found: dict[str, Any] = dict(layout["same"])
    found.update(zip(layout["rows"], rules["rows"], strict=True))
    found.update(zip(layout["columns"], line["values"], strict=True))
    for grain, records in line.get("lines", {}).items():
        for number, values in enumerate(records):
            pairs = zip(layout["lines"][grain], values, strict=True)
            found.update((f"{grain}[{number}].{name}", value) for name, value in pairs)
    found[NEEDS] = list(line["needs"])
    found["rules"] = list(rules["rules"])
    return found


class Layouts:
    """The layouts of one policy, each made when a decision first needs it."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._names: RuleNames | None = None
        self._made: dict[int, Layout] = {}

    def of(self, decision: Decision) -> Layout:
        """Give the layout of a decision."""
        found = self._made.get(id(decision.layout))
        if found is None:
            if self._names is None:
                self._names = RuleNames(self._policy)
            found = self._made[id(decision.layout)] = Layout(self._policy, decision, self._names)
        return found

    def results(self, decision: Decision) -> dict[str, Any]:
        """Give every result of a decision by its name, as :func:`expanded` does of a recorded one."""
        layout = self.of(decision)
        return expanded(layout.described(), layout.rules(decision), json.loads(f"{{{layout.outcome(decision)}}}"))


class Dates:
    """Writes the days whose editions of the rules were applied; days repeat, so their texts are kept."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._kept: dict[tuple[date | None, ...], str] = {}

    def text(self, decision: Decision) -> str:
        """Give `purchase`, `request` and `fee`, and under `incidents` one day an incident."""
        days = self._policy.governing_dates(decision)
        incidents = decision.ticket.incidents
        occurred = [self._policy.fixed_on or one.occurred_on for one in incidents]
        key = (*days.values(), *occurred)
        text = self._kept.get(key)
        if text is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            written: dict[str, Any] = {name: _iso(day) for name, day in days.items()}
            if incidents:
                written["incidents"] = [_iso(day) for day in occurred]
            text = self._kept[key] = encode(written)
        return text


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
