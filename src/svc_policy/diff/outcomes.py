"""What a decision comes to, in a form in which two policies can be compared: results by name, rule numbers apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from svc_policy.facts.normal import EPOCH_DAY
from svc_policy.plan import result_names
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Governing, Parameter, Row
from svc_policy.units import Literal, format_literal

if TYPE_CHECKING:
    from datetime import date

    from svc_policy.decision import Decision
    from svc_policy.facts.ticket import Incident
    from svc_policy.policy import Policy

#: Numbers of rows and masks are told by what their rows say; these say nothing more.
_ROW, _FIRED = "_row", "_fired"
_REDUNDANT = ("fee_", "warranty", "part_warranty", "part_fees")
_GRAINS = ("part", "incident", "override", "material")


class Reader:
    """Reads the outcome of decisions of one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        names = [name for name in result_names(policy.plan) if name not in ("next_change_at", "request_day", "fee_day")]
        self._of_grain = {
            grain: [(index, name) for index, name in enumerate(policy.plan.names(grain)) if name in names]
            for grain in ("ticket", *_GRAINS)
        }
        self._said: dict[str, tuple[Callable[[_Days], str], ...]] = {
            table: tuple(self._saying(row, table) for row in rows) for table, rows in policy.plan.tables.items()
        }

    def outcome(self, decision: Decision) -> dict[str, Any]:
        """Give every result by its name, those of child records by grain and number, as in ``part 1 part_amount``."""
        values = decision.values
        days = _Days(decision)
        found = {name: self._plain(name, values[index], days) for index, name in self._of_grain["ticket"]}
        for grain, lines in decision.children.items():
            for number, line in enumerate(lines, start=1):
                days = _Days(decision, decision.ticket.incidents[number - 1] if grain == "incident" else None)
                for index, name in self._of_grain.get(grain, ()):
                    found[f"{grain} {number} {name}"] = self._plain(name, line[index], days)
        return {name: value for name, value in self._by_line(found).items() if value not in (None, ())}

    def _by_line(self, found: dict[str, Any]) -> dict[str, Any]:
        """Put the amounts of surcharges, which are numbered by their rows, together by their lines."""
        for number, row in enumerate(self.policy.plan.tables.get("surcharges", ()), start=1):
            amount = found.pop(f"surcharge_{number}", None)
            if amount:
                line = f"surcharge_{row.text('line')}"
                found[line] = found.get(line, 0) + amount
        return found

    def _plain(self, name: str, value: Any, days: _Days) -> Any:
        if name.endswith(_ROW) and (said := self._said.get(name.removesuffix(_ROW))) is not None:
            # What these rows say is seen in the amounts and days that come of it.
            return None if not value or name.startswith(_REDUNDANT) else said[value - 1](days)
        if name.endswith(_FIRED) and (said := self._said.get(name.removesuffix(_FIRED))) is not None:
            return tuple(sorted(each(days) for index, each in enumerate(said) if value and value >> index & 1))
        return value

    def _saying(self, row: Row, table: str) -> Callable[[_Days], str]:
        """Make what tells a row's results on the day that governs it; what it rests on only matters through them."""
        cells = {name: cell for name, cell in row.results.items() if cell is not None}
        if not any(isinstance(cell, Parameter) for cell in cells.values()):
            text = _told(cells)
            return lambda _: text
        by = FAMILIES[self.policy.family_of(table)].governing
        return lambda days: _told({name: self.policy.in_force(cell, days.of(by)) for name, cell in cells.items()})


class _Days:
    """The days that govern the rows of one decision, those of an incident's tables by its own day."""

    def __init__(self, decision: Decision, incident: Incident | None = None) -> None:
        self._decision = decision
        self._incident = incident
        self._known: dict[str, date | None] | None = None

    def of(self, governing: Governing) -> int | None:
        """Give a governing day in days since 1970-01-01, in the policy's zone; None where it is not known."""
        if governing == "incident":
            day = None if self._incident is None else self._incident.occurred_on
        else:
            if self._known is None:
                self._known = self._decision.policy.governing_dates(self._decision)
            day = self._known.get(governing, self._known["request"])
        return None if day is None else day.toordinal() - EPOCH_DAY


def _told(cells: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_cell(cell)}" for name, cell in sorted(cells.items()))


def _cell(cell: Any) -> str:
    return format_literal(cell) if isinstance(cell, Literal) else " ".join(map(str, cell))


class Comparison:
    """Compares what two policies decide of one ticket."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.old, self.new = old, new
        self._old, self._new = Reader(old), Reader(new)

    def differences(self, old: Decision, new: Decision) -> dict[str, tuple[Any, Any]]:
        """List the results that differ: name to the old and the new value."""
        one, other = self._old.outcome(old), self._new.outcome(new)
        if one == other:
            return {}
        return {
            name: (one.get(name), other.get(name))
            for name in dict.fromkeys((*one, *other))
            if one.get(name) != other.get(name)
        }

    def told(self, name: str, pair: tuple[Any, Any]) -> str:
        """Tell of one difference: only the cells that differ, amounts and instants as people write them."""
        one, other = (_shown(policy, name, value) for policy, value in zip((self.old, self.new), pair, strict=True))
        if name.endswith((_ROW, _FIRED)):
            name = name.removesuffix(_ROW).removesuffix(_FIRED)
            kept = set(one.split(", ")) & set(other.split(", "))
            cells = ([cell for cell in text.split(", ") if cell not in kept] for text in (one, other))
            one, other = (", ".join(left) or "-" for left in cells)
        return f"{name} {one} → {other}"


_MONEY = re.compile(
    r"(amount|total|subtotal|tax|payable|discount|discounts|least|most|limit|allowed|_first|_second)$|^surcharge_"
)


def _shown(policy: Policy, name: str, value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return "; ".join(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith("_due"):
            return str(policy.instant(value))
        if name.endswith(("_end", "_day")):
            return str(policy.day(value))
        if _MONEY.search(name):
            return str(policy.money(value))
    return str(value)
