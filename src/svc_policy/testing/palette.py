"""What a policy's tickets are drawn from: the facts that it reads, and for each the values at which it turns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.boundaries import points
from svc_policy.expressions.nodes import Expression, walk
from svc_policy.facts.registry import LISTS, MEASURES, Fact, Grain
from svc_policy.facts.ticket import Hold, Incident, Material, Override, Part, Ticket
from svc_policy.plan import expressions_of
from svc_policy.tables import Test, match
from svc_policy.units import Allowance, Literal, minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Row

Facts = Mapping[str, Any]
DAY_S: Final = 86_400
EPOCH: Final = date(1970, 1, 1)
_RECORDS: Final[Mapping[Grain, Any]] = {
    "part": Part,
    "hold": Hold,
    "incident": Incident,
    "override": Override,
    "material": Material,
}
#: What a value of a kind looks plain in: the smallest units in one that people say.
_WHOLE: Final[Mapping[str, int]] = {"money": 100, "distance": 1000, "area": 10_000, "weight": 1000, "duration": 3600}
#: So many instants of requests are editions and what conditions name; `points` gives them first.
_FIRST: Final = 24
_SAME: Final = (0, 60, 3600, 4 * 3600, DAY_S, 3 * DAY_S, 10 * DAY_S, 40 * DAY_S)


@attrs.frozen(kw_only=True)
class Choices:
    """The values that one fact is drawn from, the plainest first, in the smallest unit; absence is no value."""

    fact: Fact
    values: tuple[Any, ...]

    @property
    def path(self) -> str:
        """Name the fact as `points` does."""
        return self.fact.name if self.fact.grain == "ticket" else f"{LISTS[self.fact.grain]}[].{self.fact.name}"


class Palette:
    """The choices for tickets of one policy, or of two that are compared."""

    def __init__(self, *policies: Policy) -> None:
        self.policies = policies
        self.policy = policies[-1]
        self.zone = self.policy.zone
        self.digits = minor_digits(self.policy.pack.settings.currency) or 0
        found: dict[str, dict[Any, None]] = {}
        for policy in policies:
            for path, values in points(policy).items():
                found.setdefault(path, {}).update(dict.fromkeys(value for value in values if value is not None))
        read = set().union(*(facts_read(policy) for policy in policies))
        self.choices: dict[Grain, tuple[Choices, ...]] = {}
        for grain in ("ticket", *LISTS):
            facts: dict[str, Fact] = {}
            for policy in policies:
                facts.update({fact.name: fact for fact in policy.pack.settings.facts[grain]})
            self.choices[grain] = tuple(
                self._choices(fact, found) for fact in facts.values() if f"{grain}.{fact.name}" in read
            )
        self.of_path = {choice.path: choice for of in self.choices.values() for choice in of}
        self.gaps = self._gaps()
        self.months = self._months()
        first = {at for policy in policies for at in points(policy, limit=_FIRST).get("received_at", ())}
        #: Days of requests: a plain one and those on which an edition begins or ends; then every one that matters.
        self.days = self._days(at for at in first if isinstance(at, int))
        self.all_days = self._days(found.get("received_at", {}))
        #: Instants of requests that are a boundary to the second: what is due then, nights on which the clock changes.
        self.instants = tuple(sorted(found.get("received_at", {}), reverse=True))
        self.seconds = self._seconds()

    def _choices(self, fact: Fact, found: Mapping[str, Mapping[Any, None]]) -> Choices:
        path = fact.name if fact.grain == "ticket" else f"{LISTS[fact.grain]}[].{fact.name}"
        known = dict(found.get(path, {}))
        if fact.kind == "bool":
            known.update(dict.fromkeys((True, False)))
        elif fact.values:
            known.update(dict.fromkeys(fact.values))
        elif fact.kind == "text":
            known.update(dict.fromkeys((*self._keys(fact), "other")))
        elif fact.kind not in ("date", "instant"):
            known.update(dict.fromkeys(_between(sorted(known), fact)))
        if fact.name == "role":
            known.update(dict.fromkeys(self.policy.pack.settings.roles))
        return Choices(fact=fact, values=tuple(sorted(known, key=lambda value: plainness(fact, value))))

    def _keys(self, fact: Fact) -> list[str]:
        """List some keys of the lists that this fact opens."""
        return [
            key
            for policy in self.policies
            for lookup in policy.pack.rules().lookups.values()
            if lookup.key == fact.name
            for key in list(lookup.values)[:3]
        ]

    def _cells(self, name: str) -> Iterable[Literal]:
        for policy in self.policies:
            for rows in policy.pack.rows.values():
                for row in rows:
                    if isinstance(cell := row.results.get(name), Literal):
                        yield cell
            for parameter in policy.pack.settings.parameters.values():
                for _, literal in parameter.values:
                    yield literal

    def _gaps(self) -> tuple[int, ...]:
        """List how long a milestone may take, in seconds: what an allowance gives, and one second about it."""
        given = {
            cell.value.value
            for cell in self._cells("within")
            if isinstance(cell.value, Allowance) and cell.value.unit in ("s", "working_s")
        }
        near = {gap + step for gap in given for step in (-1, 0, 1)} - set(_SAME)
        return (*_SAME, *sorted(gap for gap in near if gap > 0))

    def _months(self) -> tuple[int, ...]:
        found = {int(cell.value) for cell in self._cells("length") if isinstance(cell.value, int) and _is_term(cell)}
        return tuple(sorted(found | {12}))

    def _days(self, instants: Iterable[int]) -> tuple[int, ...]:
        """List the days of requests, in epoch days: a plain one first, then those of the boundaries."""
        turning = {(datetime.fromtimestamp(at, self.zone).date() - EPOCH).days for at in instants}
        return tuple(dict.fromkeys((self._plain_day(), *sorted(turning, reverse=True))))

    def _plain_day(self) -> int:
        """Choose a Monday in March of the last year that the calendar knows."""
        valid = self.policy.pack.settings.valid
        year = 2026
        if valid is not None:
            last = date.fromisoformat(valid[1])
            year = last.year if last >= date(last.year, 6, 1) else last.year - 1
        first = date(year, 3, 1)
        return (first + timedelta(days=-first.weekday() % 7) - EPOCH).days

    def _seconds(self) -> tuple[int, ...]:
        """List the times of day, in seconds: opening first, then each end of the working hours, and a second about."""
        marks = {
            int(hour) * 3600 + int(minute) * 60
            for policy in self.policies
            for windows in policy.pack.settings.week.values()
            for window in windows
            for hour, minute in re.findall(r"(\d\d):(\d\d)", window)
        }
        whole = sorted(mark for mark in marks if mark < DAY_S) or [9 * 3600]
        near = sorted({(mark + step) % DAY_S for mark in (0, *whole) for step in (-1, 0, 1)} - set(whole))
        return (*whole, *near)

    def matching(self, path: str, test: Test, policy: Policy) -> tuple[Any, ...]:
        """List the choices of a fact of which a test holds, in their order."""
        choice = self.of_path.get(path)
        if choice is None:
            return ()
        parameters = {name: of.values[-1][1] for name, of in policy.pack.settings.parameters.items()}
        return tuple(value for value in choice.values if match(test, value, parameters=parameters))

    def plain_instant(self) -> datetime:
        """Give the opening on a plain day."""
        day = EPOCH + timedelta(days=self.days[0])
        opening = self.seconds[0]
        return datetime(day.year, day.month, day.day, opening // 3600, opening // 60 % 60, tzinfo=self.zone)

    def plainer(self, path: str, value: Any) -> Iterator[Any]:
        """Yield the values of a fact that are plainer than one of them; not of dates, which hang on one another."""
        choice = self.of_path.get(path)
        if choice is None or choice.fact.kind in ("date", "instant"):
            return
        for number in choice.values:
            plain = self.natural(choice.fact, number)
            if plain == value:
                return
            yield plain

    def natural(self, fact: Fact, value: Any) -> Any:
        """Put a value in the smallest unit into what a ticket holds."""
        match fact.kind:
            case "money":
                return Decimal(value).scaleb(-self.digits)
            case "duration":
                return timedelta(seconds=value)
            case "date":
                return EPOCH + timedelta(days=value)
            case "instant":
                return datetime.fromtimestamp(value, self.zone)
            case kind if kind in MEASURES:
                return Decimal(value).scaleb(-MEASURES[kind][1])
        return value


def facts_read(policy: Policy) -> frozenset[str]:
    """List the facts that a policy's decisions hang on, as ``grain.name``."""
    seen: set[Expression] = set()
    read = {
        str(node.data)
        for step in policy.plan.steps
        for expression in expressions_of(step)
        for node in walk(expression, seen)
        if node.operator == "fact"
    }
    for (grain, name), lookup in policy.pack.rules().lookups.items():
        if f"{grain}.{name}" in read:
            read.add(f"{grain}.{lookup.key}")
    if any(name.startswith("hold.") for name in read):
        read |= {"hold.hold_kind", "hold.from_at", "hold.until_at"}
    if policy.pack.rows.get("holds"):
        read |= {"hold.hold_kind", "hold.from_at", "hold.until_at"}
    if any(name.startswith("override.") for name in read):
        read.add("override.reason")
    return frozenset(read)


def ticket_of(policy: Policy, facts: Facts) -> Ticket:
    """Make a ticket of drawn facts; those that this policy does not declare are left out.

    Raises:
        TicketError: The facts cannot be true under this policy.
    """
    settings = policy.pack.settings
    shared: dict[str, Any] = {
        "facts": settings.company_facts,
        "currency_digits": minor_digits(settings.currency) or 0,
    }
    own = {fact.name for fact in settings.company_facts}
    lists = {field: grain for grain, field in LISTS.items()}
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in facts.items():
        if name in lists:
            record = _RECORDS[lists[name]]
            fields[name] = tuple(record(**shared, **line) for line in value)
        elif hasattr(Ticket, name):
            fields[name] = value
        elif name in own:
            extra[name] = value
    return Ticket(**shared, **fields, extra=extra)


def plainness(fact: Fact, value: Any) -> tuple[Any, ...]:
    """Give the key by which the plainer of two values of a fact comes first."""
    if not isinstance(value, int) or isinstance(value, bool):
        return (0, 0, 0, not value if isinstance(value, bool) else str(value) == "other", str(value))
    whole = _WHOLE.get(fact.kind, 1)
    tenth = max(1, whole // 10)
    return (value % whole != 0, value % tenth != 0, value == 0, value)


def is_in_force(row: Row, day: int) -> bool:
    """Say whether a row is in force on a day."""
    return (row.since is None or row.since <= day) and (row.until is None or day < row.until)


def _is_term(cell: Literal) -> bool:
    return cell.kind == "months"


def _between(known: Sequence[int], fact: Fact) -> list[int]:
    """Add plain values between the bounds and beyond the last."""
    whole = _WHOLE.get(fact.kind, 1)
    found = [whole, 3 * whole, max(1, whole // 2), max(1, whole // 2) + 1]
    for low, high in pairwise(known):
        middle = (low + high) // 2 // whole * whole
        if low < middle < high:
            found.append(middle)
    if known:
        found.append((known[-1] // whole + 1) * whole * 2)
    low_end, high_end = fact.low if fact.low is not None else 0, fact.high
    # Great amounts make great sums, which nobody can read: twice the last bound is far enough.
    return [value for value in found if value >= low_end and (high_end is None or value <= high_end)]
