"""The interesting values of every fact: on, just under and just over each boundary that a policy draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from svc_policy.boundaries.days import (
    HOUR,
    clock_changes,
    edition_starts,
    frozen_days,
    governs,
    month_ends,
    morning_of,
    plain_day,
    validity,
    working_edges,
)
from svc_policy.boundaries.derived import read_facts
from svc_policy.boundaries.plain import plain_value
from svc_policy.boundaries.written import Value, fact_at, path_of
from svc_policy.errors import CalendarError
from svc_policy.expressions.nodes import is_constant, walk
from svc_policy.facts.normal import limits
from svc_policy.facts.registry import MILESTONES, Fact
from svc_policy.plan import expressions_of
from svc_policy.rules.deadlines import unit_of
from svc_policy.rules.family import Parameter
from svc_policy.tables import Domain, Operand, Reference, default_domain, neighbours
from svc_policy.units import Allowance, Literal, add_months, minor_digits

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Governing, Row

_COMPARISONS = ("equal", "less", "at_most")
_KEYS_OF_A_LIST = 3
_DAY = 86_400


def domain_of(fact: Fact) -> Domain:
    """Give the values that a fact can have."""
    if fact.values:
        return Domain(kind="text", values=tuple(fact.values))
    plain = default_domain(fact.kind)
    if fact.kind in ("text", "bool", "date", "instant"):
        return plain
    low, high = limits(fact)
    return Domain(kind=fact.kind, low=low, high=high, step=plain.step)


def points(policy: Policy, *, limit: int | None = None) -> Mapping[str, tuple[Value | None, ...]]:
    """List the interesting values of every fact that the policy's tables, or their fixed meaning, read.

    Of a number: each bound of a condition and of a fee, every dated value of a parameter among them, one step under
    and over it, and the ends of the fact's domain. Of a text: each word, and one that no cell names where any will
    do. Of a date: editions, a warranty's length before a plain day, month ends. Of an instant: editions, what is due
    under each window, holidays and make-up days, opening and closing, changes of the clock. None stands first where
    the fact may be missing.

    Args:
        policy: The policy.
        limit: The most values a fact; those of conditions and editions are kept before the others.

    Returns:
        By the fact's path, as in `distance_km` and `parts[].quantity`, its values in the smallest unit, sorted.
    """
    found: dict[str, tuple[Value | None, ...]] = {}
    for path, values in ordered_points(policy).items():
        kept = values if limit is None else values[:limit]
        found[path] = tuple(sorted(kept, key=_in_order))
    return found


def _in_order(value: Value | None) -> tuple[int, int, str]:
    if value is None:
        return (0, 0, "")
    return (1, 0, value) if isinstance(value, str) else (1, int(value), "")


@lru_cache(32)
def ordered_points(policy: Policy) -> Mapping[str, tuple[Value | None, ...]]:
    """List the interesting values as :func:`points` does, those that matter most first."""
    mentioned = mentions(policy)
    return {path: _values(policy, path, mentioned.get(path, ())) for path in read_facts(policy)}


@lru_cache(32)
def mentions(policy: Policy) -> Mapping[str, tuple[Value, ...]]:
    """List, by the path of a fact, the values that conditions and fees name, in the order of the tables."""
    rules = policy.pack.rules()
    paths: dict[str, list[str]] = {}
    for grain, facts in rules.facts.items():
        for fact in facts:
            paths.setdefault(fact.name, []).append(path_of(grain, fact.name))
    # A part's own cause goes before the ticket's: a condition on the one is a condition on the other.
    paths.setdefault("cause", []).append(path_of("part", "part_cause"))
    found: dict[str, dict[Value, None]] = {}

    def mention(name: str, values: Iterable[Value]) -> None:
        for path in paths.get(name, ()):
            found.setdefault(path, {}).update(dict.fromkeys(values))

    for name, rows in rules.rows.items():
        if rules.families[name].grain == "none":
            continue
        for row in rows:
            for column, test in row.tests.items():
                for item in test.items:
                    for bound in (item.low, item.high):
                        mention(column, _resolved(policy, bound))
            measure = row.text("measure")
            if measure:
                mention(measure, _of_fee(policy, row))
    known = set(rules.facts)
    for step in policy.plan.steps:
        for root in expressions_of(step):
            for node in walk(root):
                if node.operator not in _COMPARISONS:
                    continue
                left, right = node.arguments
                for subject, limit in ((left, right), (right, left)):
                    if subject.operator == "fact" and is_constant(limit) and isinstance(limit.data, int | str):
                        grain, _, of = str(subject.data).partition(".")
                        if grain in known:
                            found.setdefault(path_of(grain, of), {})[limit.data] = None
    return {path: tuple(values) for path, values in found.items()}


def _resolved(policy: Policy, bound: Operand | None) -> tuple[Value, ...]:
    if bound is None:
        return ()
    literals: Iterable[Literal] = (bound,) if isinstance(bound, Literal) else ()
    if isinstance(bound, Reference):
        literals = (literal for _, literal in policy.pack.settings.parameters[bound.name].values)
    return tuple(literal.value for literal in literals if not isinstance(literal.value, Allowance))


def cell_values(policy: Policy, cell: object) -> tuple[int, ...]:
    """Give every value that a result cell has on some day, as a whole number; none for texts."""
    literals: Iterable[Literal] = (cell,) if isinstance(cell, Literal) else ()
    if isinstance(cell, Parameter):
        literals = (literal for _, literal in policy.pack.settings.parameters[cell.name].values)
    values = (item.value.value if isinstance(item.value, Allowance) else item.value for item in literals)
    return tuple(value for value in values if isinstance(value, int))


def _of_fee(policy: Policy, row: Row) -> tuple[int, ...]:
    """List where a fee begins to grow, and the ends of its first step and of its least."""
    free = cell_values(policy, row.results.get("beyond")) or (0,)
    steps = (*cell_values(policy, row.results.get("step")), *cell_values(policy, row.results.get("at least")))
    return tuple(dict.fromkeys([*free, *(begin + step for begin in free for step in steps)]))


def _values(policy: Policy, path: str, mentioned: tuple[Value, ...]) -> tuple[Value | None, ...]:
    fact = fact_at(policy, path)
    domain = domain_of(fact)
    found: list[Value | None] = [] if fact.absence == "default" else [None]
    if domain.values is not None:
        found += (value for value in domain.values if not isinstance(value, Allowance))
        if fact.kind == "text":
            found += (value for value in mentioned if value not in found)
    elif fact.kind == "text":
        found += _words(policy, path, mentioned)
    elif fact.kind == "date":
        found += _dates(policy, path, mentioned)
    elif fact.kind == "instant":
        found += _instants(policy, path, mentioned)
    else:
        numbers = [value for value in mentioned if isinstance(value, int)]
        found += (near for value in numbers for near in neighbours(domain, value))
        found += between(policy, fact, domain, numbers)
        found += (end for end in (domain.low, domain.high) if end is not None)
    return tuple(dict.fromkeys(found))


def between(policy: Policy, fact: Fact, domain: Domain, bounds: Iterable[int]) -> list[int]:
    """Choose a plain value between each two neighbouring bounds, and beyond the last."""
    edges = sorted({domain.low or 0, *bounds})
    digits = minor_digits(policy.pack.settings.currency) or 0
    found = []
    for edge, high in zip(edges, [*edges[1:], None], strict=True):
        # The end of a domain is no bound that somebody drew.
        low = None if high is None and edge == domain.low else edge
        value = plain_value(fact.kind, low, high, low_closed=False, high_closed=False, domain=domain, digits=digits)
        if value is not None:
            found.append(value)
    return found


def _words(policy: Policy, path: str, mentioned: tuple[Value, ...]) -> list[Value]:
    words = list(mentioned)
    name = path.rpartition(".")[2]
    for lookup in policy.pack.rules().lookups.values():
        if lookup.key == name:
            words += (key for key in sorted(lookup.values)[:_KEYS_OF_A_LIST] if key not in words)
    if name == "role":
        words += (role for role in sorted(policy.pack.settings.roles) if role not in words)
    other = "other"
    while other in words:
        other += "_other"
    return [*words, other]


def lengths(policy: Policy) -> tuple[int, ...]:
    """List every length of a warranty, in months."""
    rows = policy.pack.rules().rows.get("warranty", ())
    return tuple(sorted({months for row in rows for months in cell_values(policy, row.results.get("length"))}))


def _dates(policy: Policy, path: str, mentioned: tuple[Value, ...]) -> list[Value | None]:
    day = plain_day(policy)
    found: list[Value | None] = []
    kinds: tuple[Governing, ...] = ("purchase", "incident")
    for kind in kinds:
        if path in governs(kind):
            found += (near for start in edition_starts(policy, kind) for near in (start - 1, start, start + 1))
    found += (near for value in mentioned if isinstance(value, int) for near in (value - 1, value, value + 1))
    found += (day, day - 1, day + 1)
    # The last covered day is the anniversary less one day: on it, a day before and after.
    found += (add_months(day, -months) + step for months in lengths(policy) for step in (0, -1, 1, 2))
    return [*found, *month_ends(policy)]


def _instants(policy: Policy, path: str, mentioned: tuple[Value, ...]) -> list[Value | None]:
    start = morning_of(policy, plain_day(policy))
    found: list[Value | None] = []
    kinds: tuple[Governing, ...] = ("request", "fee")
    for kind in kinds:
        if path in governs(kind):
            for day in edition_starts(policy, kind):
                midnight = policy.clocks.day_end(day - 1) + 1
                found += (midnight - 1, midnight, morning_of(policy, day - 1), morning_of(policy, day))
    found += (value for value in mentioned if isinstance(value, int))
    found.append(start)
    found += (near for due in due_instants(policy, path, start) for near in (due, due - 1, due + 1))
    found += (start + HOUR, start + _DAY, start - _DAY)
    if path != "received_at":
        return found
    found += working_edges(policy, plain_day(policy))
    found += (near for change in clock_changes(policy) for near in (change, change - 1, change + 1))
    found += (morning_of(policy, day) for day in month_ends(policy))
    found += (morning_of(policy, day) for day in frozen_days(policy))
    valid = validity(policy)
    if valid is not None:
        found += (policy.clocks.day_end(valid[0] - 1) + 1, policy.clocks.day_end(valid[1]))
        found = [at for at in found if isinstance(at, int) and valid[0] <= policy.clocks.local_day(at) <= valid[1]]
    return found


def due_instants(policy: Policy, path: str, start: int) -> list[int]:
    """List when the milestone of a path would be due under each window of its target that began at `start`."""
    target = next((short for short, name in MILESTONES.items() if name == path), None)
    clocks = policy.clocks
    found: list[int] = []
    for row in policy.pack.rules().rows.get("deadlines", ()):
        if row.text("ends") != target:
            continue
        unit = unit_of(_Units(policy), row)  # type: ignore[arg-type]
        for need in cell_values(policy, row.results.get("within")):
            try:
                if unit == "s":
                    found.append(start + need)
                elif unit == "days":
                    found.append(clocks.day_end(clocks.local_day(start) + need))
                elif unit == "months":
                    found.append(clocks.day_end(add_months(clocks.local_day(start), need)))
                else:
                    clock = clocks.working if unit == "working_s" else clocks.working_days
                    due = clock(start, need, ())
                    found += () if due is None else (due,)
            except CalendarError:
                continue
    return found


class _Units:
    """What a row's unit is asked of: the units of the policy's parameters."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def parameter_unit(self, name: str) -> str:
        """Name the unit of an allowance."""
        value = self.policy.pack.settings.parameters[name].values[0][1].value
        return value.unit if isinstance(value, Allowance) else "s"
