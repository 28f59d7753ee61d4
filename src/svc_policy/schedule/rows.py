"""What a row of a table without tickets says, and whether it holds on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from svc_policy.rules.family import Parameter, Row
from svc_policy.rules.schedules import CONTRACT_DATES, EVERY, INTERVALS, OPEN, days_of, every_of
from svc_policy.tables.matching import match
from svc_policy.units import Allowance, Literal, Value, format_literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy

EPOCH: Final = date(1970, 1, 1).toordinal()


class Holding:
    """What the rows of a policy say on a day: dated parameters, editions, conditions."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        values = {name: one.values for name, one in policy.pack.settings.parameters.items()}
        self.lasting = {name: of[0][1].value for name, of in values.items() if len(of) == 1}
        self.dated = [name for name in values if name not in self.lasting]

    def cell(self, row: Row, name: str, day: int) -> object:
        """Give a result cell as it is on a day."""
        return self.policy.in_force(row.results.get(name), day)

    def text(self, row: Row, name: str, day: int) -> str | None:
        """Give a result cell that is a text."""
        cell = self.cell(row, name, day)
        return str(cell.value) if isinstance(cell, Literal) else None

    def allowance(self, row: Row, name: str, day: int) -> Allowance | None:
        """Give a result cell that is an allowance."""
        cell = self.cell(row, name, day)
        return cell.value if isinstance(cell, Literal) and isinstance(cell.value, Allowance) else None

    def lengths(self, row: Row, name: str) -> list[Allowance]:
        """List what an allowance cell may be: every value of a dated parameter."""
        cell = row.results.get(name)
        literals = [cell] if isinstance(cell, Literal) else []
        if isinstance(cell, Parameter):
            literals = [literal for _, literal in self.policy.pack.settings.parameters[cell.name].values]
        return [item.value for item in literals if isinstance(item.value, Allowance)]

    def in_force(self, row: Row, day: int) -> bool:
        """Say whether an edition is in force on a day, or on the one day that the policy is fixed on."""
        return self.in_force_between(row, day, day)

    def in_force_between(self, row: Row, first: int, last: int) -> bool:
        """Say whether an edition is in force on some day from `first` to `last`."""
        fixed = self.policy.fixed_on
        if fixed is not None:
            first = last = fixed.toordinal() - EPOCH
        return (row.since is None or row.since <= last) and (row.until is None or first < row.until)

    def holds(self, row: Row, day: int, contract_kind: str | None = None) -> bool:
        """Say whether the conditions of a row hold on a day; what is not stated is known to be absent."""
        parameters: Mapping[str, Value | None] = self.lasting
        if self.dated:
            changing = {name: _value(self.policy.in_force(Parameter(name), day)) for name in self.dated}
            parameters = {**self.lasting, **changing}
        return all(
            match(test, contract_kind if name == "contract_kind" else parameters.get(name), "none", parameters) is True
            for name, test in row.tests.items()
            if not test.any
        )


def _value(cell: object) -> Value | None:
    return cell.value if isinstance(cell, Literal) else None


def over_of(row: Row) -> str | None:
    """Say what a row comes for each of: it is said, or the anchor is a date of it."""
    anchor = row.text("anchor")
    if anchor is None:
        return row.text("over")
    return "contracts" if anchor in CONTRACT_DATES else "assets"


def is_open(row: Row) -> bool:
    """Say whether somebody has yet to decide when a row comes due."""
    every = every_of(row)
    if every == OPEN:
        return True
    if row.text("anchor") is not None:
        return False
    if every is None:
        return True
    if isinstance(every, Allowance):
        return start_of(row) is None
    return every not in ("day", "working day") and not days_of(row) and row.results.get("first") is None


def interval_of(row: Row) -> Allowance:
    """Give the length of a row's rhythm, which it has."""
    every = every_of(row)
    found = INTERVALS[every] if isinstance(every, str) else every
    assert found is not None
    return found


def every_text(row: Row) -> str | None:
    """Write the rhythm of a row: a word, or an interval; None where there is none."""
    every = every_of(row)
    if every is None or every == OPEN:
        return None
    return every if isinstance(every, str) and every in EVERY else format_literal(Literal("allowance", every))


def start_of(row: Row) -> int | None:
    """Find the day that an interval is counted from where there is no anchor."""
    cell = row.results.get("first")
    if isinstance(cell, Literal):
        return int(cell.value)  # type: ignore[arg-type]
    return row.since if isinstance(every_of(row), Allowance) else None


def phase_names(row: Row) -> tuple[str, ...]:
    """List the names of a row's phases."""
    cell = row.results.get("phase names")
    return cell if isinstance(cell, tuple) else ()


def phases_of(row: Row) -> int:
    """Count the phases of a row; 1 where it has none."""
    cell = row.results.get("phases")
    return int(cell.value) if isinstance(cell, Literal) else max(1, len(phase_names(row)))  # type: ignore[arg-type]
