"""Where two policies differ, row by row, and what a ticket must state for such a row to fire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.errors import PolicyError
from svc_policy.facts.normal import declared
from svc_policy.facts.registry import LISTS
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Parameter, Row
from svc_policy.tables import Test, match
from svc_policy.testing.palette import Facts, Palette, is_in_force, ticket_of
from svc_policy.units import Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from svc_policy.decision import Decision
    from svc_policy.facts.ticket import Ticket
    from svc_policy.policy import Policy

#: An earlier result, the family that gives it and the column of its rows that says which.
_GIVEN: Final[Mapping[str, tuple[str, str]]] = {
    "category": ("category", "category"),
    "service_zone": ("zones", "zone"),
    "complaint_class": ("complaints", "class"),
    "payer": ("payers", "payer"),
    "vehicle": ("vehicles", "vehicle"),
}
_DEPTH: Final = 3
#: How many tickets are decided to find one for which a row holds, and how many rows are looked at for an aim.
_TRIES: Final = 300
_ROWS_TRIED: Final = 4
#: How often what a ticket still needs is stated, and how many days before the request dates then lie.
_ROUNDS: Final = 5
_DAYS_BEFORE: Final = 400
_ABSENT: Final = object()


@attrs.frozen
class Start:
    """A ticket for which a row holds: its facts as its fields hold them, and the instant of the decision."""

    facts: Facts
    at: datetime


@attrs.define
class Aim:
    """What a ticket is to state: values by path, and the days on which a row governs; or a ticket to begin with."""

    ABSENT = _ABSENT

    values: dict[str, Any] = attrs.field(factory=dict)
    request_days: Sequence[int] = ()
    fee_days: Sequence[int] = ()
    purchase_days: Sequence[int] = ()
    incident_days: Sequence[int] = ()
    start: Start | None = None


@attrs.frozen(kw_only=True)
class Difference:
    """A row that is not in both policies as it is here; `other` is its counterpart, the row of the same id."""

    family: str
    row: Row
    policy: Policy
    other: Row | None


class Aims:
    """Chooses a row in which two policies differ, and aims at what only one of them says."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.policies = (old, new)
        self.differences = tuple(differing_rows(old, new))
        self._edges = _parameter_edges(old, new)
        self._days = _differing_days(old, new)
        self._found: dict[tuple[str, int, int], tuple[Any, ...]] = {}

    def choose(self, roll: Callable[[int], int], palette: Palette) -> Aim | None:
        """Choose an aim by numbers up to a most; now and then none, as policies also differ in what no row says."""
        if self._days and (not self.differences or roll(3) == 3):
            return Aim(request_days=self._days)
        if not self.differences or roll(7) == 0:
            return None
        found = self.differences[roll(len(self.differences) - 1)]
        aim = Aim()
        self._aim_at(roll, palette, aim, found, _DEPTH)
        return aim

    def _aim_at(self, roll: Callable[[int], int], palette: Palette, aim: Aim, at: Difference, depth: int) -> None:
        family = FAMILIES[at.family]
        self._aim_days(aim, at, family.governing)
        own = {condition.name for condition in family.conditions}
        for name, test in at.row.tests.items():
            if test.any or name in own:
                continue
            if name in _GIVEN and depth:
                self._aim_before(roll, palette, aim, at, name, test, depth)
                continue
            path = _path(palette, family.grain, name)
            if path is None or path in aim.values:
                continue
            values = self._sharp(palette, path, at, name, test) if roll(2) else ()
            values = values or palette.matching(path, test, at.policy)
            if values:
                aim.values[path] = values[roll(len(values) - 1)]
            elif test.missing and not test.negated:
                aim.values[path] = Aim.ABSENT
        for measure in (at.row.text("measure"),):
            choice = palette.of_path.get(measure or "")
            if choice is not None and choice.path not in aim.values and choice.values:
                aim.values[choice.path] = choice.values[roll(len(choice.values) - 1)]

    def _sharp(self, palette: Palette, path: str, at: Difference, name: str, test: Test) -> tuple[Any, ...]:
        """List the values of which the test holds and that of the row's counterpart does not."""
        if at.other is None:
            return ()
        key = (path, id(at.row), id(at.other))
        if key not in self._found:
            counterpart = at.other.tests.get(name)
            other_policy = next(policy for policy in self.policies if policy is not at.policy)
            wider = () if counterpart is None else palette.matching(path, counterpart, other_policy)
            mine = palette.matching(path, test, at.policy)
            self._found[key] = () if counterpart is None else tuple(value for value in mine if value not in wider)
        return self._found[key]

    def _aim_days(self, aim: Aim, at: Difference, governing: str) -> None:
        days = _days_of(at, self._edges)
        match governing:
            case "purchase":
                aim.purchase_days = aim.purchase_days or days
            case "incident":
                aim.incident_days = aim.incident_days or days
            case "fee":
                aim.request_days = aim.request_days or days
                aim.fee_days = aim.fee_days or days
            case "request":
                aim.request_days = aim.request_days or days

    def _aim_before(
        self, roll: Callable[[int], int], palette: Palette, aim: Aim, at: Difference, name: str, test: Test, depth: int
    ) -> None:
        """Aim at a row of the table that gives what this row reads."""
        family, column = _GIVEN[name]
        rows = [
            row
            for row in at.policy.pack.rows.get(family, ())
            if isinstance(cell := row.results.get(column), Literal) and match(test, cell.value, parameters={})
        ]
        if rows:
            row = rows[roll(len(rows) - 1)]
            before = Difference(family=family, row=row, policy=at.policy, other=None)
            self._aim_at(roll, palette, aim, before, depth - 1)


class RowAims:
    """Chooses a row of one policy, and aims at a ticket for which it holds; every other ticket has no aim.

    Where a result is named, the ticket also states what that result needs, in plain values. `accept` is a test of
    its decision besides.
    """

    def __init__(
        self,
        policy: Policy,
        rows: Iterable[Row],
        result: str = "",
        accept: Callable[[Decision], bool] | None = None,
    ) -> None:
        self.policy = policy
        self.rows = tuple(rows)
        self.result = result
        self.accept = accept
        self._starts: dict[int, Start | None] = {}

    def choose(self, roll: Callable[[int], int], palette: Palette) -> Aim | None:
        """Choose an aim by numbers up to a most; none half of the time, and where no ticket is found for the row."""
        if not self.rows or roll(1) == 0:
            return None
        first = roll(len(self.rows) - 1)
        for number in range(first, first + min(_ROWS_TRIED, len(self.rows))):
            if (start := self._start(number % len(self.rows), palette)) is not None:
                return Aim(start=start)
        return None

    def _start(self, number: int, palette: Palette) -> Start | None:
        if number not in self._starts:
            from svc_policy.boundaries import finder_of

            try:
                found = finder_of(self.policy).row(self.rows[number], accept=self.accept, tries=_TRIES)
            except (PolicyError, ValueError, OverflowError):
                # Its days lie outside the calendar, or past every date that can be written.
                found = None
            start = None if found is None else Start(_facts_of(found[0]), found[1])
            self._starts[number] = self._completed(start, palette) if start is not None and self.result else start
        return self._starts[number]

    def _completed(self, start: Start, palette: Palette) -> Start:
        """State what a result still needs; where it stays open, the ticket stays as it is."""
        facts = dict(start.facts)
        for _ in range(_ROUNDS):
            try:
                decision = self.policy.decide_s(ticket_of(self.policy, facts), int(start.at.timestamp()))
            except PolicyError:
                return start
            if decision.column(self.result) is not None:
                return Start(facts, start.at)
            for need in decision.needs:
                field, _, name = need.rpartition(".")
                if not field:
                    facts.setdefault(name, _plain(palette, name, start))
                elif field in facts:
                    path = f"{field}[].{name}"
                    facts[field] = tuple({name: _plain(palette, path, start), **line} for line in facts[field])
        return start


def _plain(palette: Palette, path: str, start: Start) -> Any:
    """Give the plainest value of a fact; None where the policy does not read it."""
    choice = palette.of_path.get(path)
    if choice is None:
        return None
    if choice.fact.kind == "instant":
        return start.at
    if choice.fact.kind == "date":
        return start.at.date() - timedelta(days=_DAYS_BEFORE)
    return palette.natural(choice.fact, choice.values[0]) if choice.values else None


def _facts_of(ticket: Ticket) -> Facts:
    """Take the facts out of a ticket, those of its records too."""
    facts = _stated("ticket", ticket)
    for grain, field in LISTS.items():
        if lines := getattr(ticket, field):
            facts[field] = tuple(_stated(grain, line) for line in lines)
    return {**facts, **ticket.extra}


def _stated(grain: Any, record: Any) -> dict[str, Any]:
    given = {fact.name: getattr(record, fact.name) for fact in declared(grain, record.facts)}
    return {name: value for name, value in given.items() if value is not None}


def differing_rows(old: Policy, new: Policy) -> Iterable[Difference]:
    """List the rows of each policy that the other has not just so: their dates and what they rest on included."""
    for one, other in ((new, old), (old, new)):
        for family, rows in one.pack.rows.items():
            if FAMILIES[family].grain == "none":
                continue
            counterparts = other.pack.rows.get(family, ())
            known = {content(row, other) for row in counterparts}
            for row in rows:
                if content(row, one) not in known:
                    yield Difference(family=family, row=row, policy=one, other=_counterpart(row, counterparts))


def content(row: Row, policy: Policy) -> str:
    """Give all that a row decides, as a text that is equal where two rows decide alike."""
    parameters = policy.pack.settings.parameters
    dated = [parameters[name].values for name in row.rests_on if name in parameters]
    tests = sorted((name, repr(test)) for name, test in row.tests.items() if not test.any)
    results = sorted((name, repr(cell)) for name, cell in row.results.items() if cell is not None)
    return repr((row.id, row.since, row.until, tests, results, dated))


def _counterpart(row: Row, rows: Iterable[Row]) -> Row | None:
    same = [other for other in rows if other.id == row.id]
    return next((other for other in same if other.since == row.since), same[0] if same else None)


def _path(palette: Palette, grain: str, name: str) -> str | None:
    field = LISTS.get(grain)  # type: ignore[call-overload]
    for path in (f"{field}[].{name}" if field else name, name):
        if path in palette.of_path:
            return str(path)
    return None


def _days_of(at: Difference, edges: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    """List the days to ask about a row: those that only one of the two counterparts governs, then its own ends."""
    row, other = at.row, at.other
    found: dict[int, None] = {}
    marks = [day for each in (row, other) if each is not None for day in (each.since, each.until) if day is not None]
    if other is not None and (row.since, row.until) != (other.since, other.until):
        sharp = [day for mark in marks for day in (mark - 1, mark) if is_in_force(row, day) != is_in_force(other, day)]
        found.update(dict.fromkeys(sharp))
    for name in row.rests_on:
        found.update(dict.fromkeys(day for edge in edges.get(name, ()) for day in (edge, edge - 1)))
    if not found and (row.since is not None or row.until is not None):
        ends = [row.since, None if row.until is None else row.until - 1]
        found.update(dict.fromkeys(day for day in ends if day is not None))
    return tuple(found)


def _parameter_edges(old: Policy, new: Policy) -> dict[str, tuple[int, ...]]:
    """List the days from which the values of a parameter differ."""
    found: dict[str, tuple[int, ...]] = {}
    ours, theirs = old.pack.settings.parameters, new.pack.settings.parameters
    for name in {*ours, *theirs}:
        values = [set(of[name].values) if name in of else set() for of in (ours, theirs)]
        found[name] = tuple(sorted({since for since, _ in values[0] ^ values[1] if since is not None}))
    return found


def _differing_days(old: Policy, new: Policy) -> tuple[int, ...]:
    """List the days that are in only one calendar, and the two after them."""
    from svc_policy.testing.palette import EPOCH

    kept = [{(day.day, repr(day.windows), day.as_weekday) for day in policy.pack.days} for policy in (old, new)]
    days = sorted({(day - EPOCH).days for day, _, _ in kept[0] ^ kept[1]})
    return tuple(near for day in days for near in (day, day - 1, day - 3))


__all__ = ["Aim", "Aims", "Difference", "Parameter", "RowAims", "Start", "content", "differing_rows"]
