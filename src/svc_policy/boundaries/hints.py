"""Where to begin: the facts under which a row of a table holds, read backwards from a result that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from svc_policy.boundaries.days import governs, morning_of, plain_day
from svc_policy.boundaries.written import Value, path_of
from svc_policy.expressions.nodes import FALSE, is_constant
from svc_policy.expressions.steps import Choose, Collect
from svc_policy.facts.registry import MILESTONES
from svc_policy.tables import Reference, Test, match
from svc_policy.units import Allowance, Literal

if TYPE_CHECKING:
    from svc_policy.boundaries.candidates import Candidates
    from svc_policy.boundaries.drafts import Facts
    from svc_policy.policy import Policy
    from svc_policy.rules.family import Row

#: Gives facts under which a column of a grain is yes or no; none where a short search finds none.
Solve = Callable[[str, bool, str], "dict[str, Value | None]"]
_DEPTH = 3
_ROWS = 8
_STANDING = ("not applicable", "undetermined", None)


class Holds(Container[Value | None]):
    """The values of which a test holds, parameters taken at their newest."""

    def __init__(self, policy: Policy, test: Test, absence: str = "unknown") -> None:
        self._test = test
        self._absence = "none" if absence == "default" else absence
        self._parameters = {
            name: _newest(parameter.values) for name, parameter in policy.pack.settings.parameters.items()
        }

    def __contains__(self, value: object) -> bool:
        return match(self._test, value, self._absence, self._parameters) is True  # type: ignore[arg-type]


def _newest(values: tuple[tuple[int | None, Literal], ...]) -> Literal:
    return values[-1][1]


class Fires(Container[Value | None]):
    """The masks in which one of some rows has fired."""

    def __init__(self, mask: int) -> None:
        self._mask = mask

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and value & self._mask != 0


@attrs.frozen(kw_only=True)
class Firing:
    """Where a plan says that a row holds: its column, what that column is then, and the grain."""

    column: str
    among: Container[Value | None]
    grain: str


def firings(policy: Policy, row: Row) -> tuple[Firing, ...]:
    """List the columns of a plan that tell whether a row of a table holds; of some tables there are several."""
    plan = policy.plan
    found = []
    for step in plan.steps:
        if not isinstance(step, Choose | Collect):
            continue
        rows = plan.tables.get(step.name, ())
        numbers = [index for index, other in enumerate(rows) if is_same(other, row) and step.conditions[index] != FALSE]
        if not numbers:
            continue
        if isinstance(step, Choose):
            among: Container[Value | None] = tuple(number + 1 for number in numbers)
            found.append(Firing(column=f"{step.name}_row", among=among, grain=step.grain))
        else:
            mask = sum(1 << number for number in numbers)
            found.append(Firing(column=f"{step.name}_fired", among=Fires(mask), grain=step.grain))
    stepped = {step.name for step in plan.steps if isinstance(step, Choose | Collect)}
    for name in plan.tables.keys() - stepped:
        # A table of which it is known beforehand which row holds is a plain value.
        numbers = [index for index, other in enumerate(plan.tables[name]) if is_same(other, row)]
        column = plan.columns.get(f"{name}_row")
        if numbers and column is not None:
            settled = tuple(number + 1 for number in numbers)
            found.append(Firing(column=f"{name}_row", among=settled, grain=column.grain))
    return tuple(found)


def is_same(one: Row, other: Row) -> bool:
    """Say whether two rows are one line of one table; a family may have split it in several."""
    return (one.file, one.line, one.id, one.since) == (other.file, other.line, other.id, other.since)


class Hints:
    """Reads results backwards, through the rows that give them."""

    def __init__(self, policy: Policy, candidates: Candidates, solve: Solve) -> None:
        self.policy = policy
        self._solve = solve
        self._solved: dict[tuple[str, bool], dict[str, Value | None]] = {}
        self.candidates = candidates
        self._facts = {(grain, fact.name): fact for grain, of in policy.pack.settings.facts.items() for fact in of}
        rules = policy.pack.rules()
        self._governing = {
            row.file: rules.families[name].governing for name, rows in rules.rows.items() for row in rows
        }
        self._steps: dict[str, Choose | Collect] = {}
        for step in policy.plan.steps:
            if isinstance(step, Choose):
                self._steps |= dict.fromkeys((f"{step.name}_row", *(item.name for item in step.outputs)), step)
                self._steps.setdefault(f"{step.name}_status", step)
            elif isinstance(step, Collect):
                self._steps[f"{step.name}_fired"] = step

    def of(self, name: str, among: Container[Value | None], depth: int = 0) -> Iterator[dict[str, Value | None]]:
        """Yield facts under which a column may lie in a set, one set of facts for each row that says so."""
        step = self._steps.get(name)
        if depth >= _DEPTH:
            return
        if step is None:
            yield from self._of_truth(name, among)
            return
        rows = self.policy.plan.tables.get(step.name, ())
        is_status = name == f"{step.name}_status"
        for index in [item for item in range(len(rows)) if self._gives(step, name, item, among)][:_ROWS]:
            for found in self.of_row(rows[index], step.grain, depth):
                yield {**found, **self._standing(step.name, rows[index], among, found)} if is_status else found
                if isinstance(step, Choose) and step.policy == "first" and depth == 0:
                    yield from ({**other, **found} for other in self._past(rows[:index], depth))

    def _of_truth(self, name: str, among: Container[Value | None]) -> Iterator[dict[str, Value | None]]:
        """Yield facts under which a result that is yes or no is as wanted, found by a small search of its own."""
        column = self.policy.plan.columns.get(name)
        if column is None or column.leaf.type != "bool" or (True in among) == (False in among):
            return
        key = (name, True in among)
        if key not in self._solved:
            self._solved[key] = {}  # while it is looked for, it is no hint
            self._solved[key] = self._solve(name, key[1], column.grain)
        if self._solved[key]:
            yield self._solved[key]

    def _past(self, earlier: Sequence[Row], depth: int) -> Iterator[dict[str, Value | None]]:
        """Yield facts under which a result that an earlier row reads keeps that row from holding."""
        seen: list[tuple[str, Test]] = []
        for row in earlier:
            for name, test in row.tests.items():
                if test.any or (name, test) in seen or name not in self.policy.plan.columns:
                    continue
                seen.append((name, test))
                turned = Holds(self.policy, attrs.evolve(test, negated=not test.negated))
                yield from list(self.of(name, turned, depth + 1))[:2]

    def _standing(self, target: str, row: Row, among: Container[Value | None], begun: Facts) -> dict[str, Value | None]:
        """Give what brings a target to a status: its clock runs, and is held or done where that is wanted."""
        found = {path: value for path, value in begun.items() if path == "received_at"}
        start = MILESTONES[row.text("starts") or target]
        if start != "received_at" and "not started" not in among:
            found[start] = self.candidates.of(start, found, None)[0]
        if "pending" not in among and any(status in among for status in ("met", "late")):
            end = MILESTONES[target]
            found[end] = self.candidates.of(end, found, None)[0]
        if "on hold" in among and "pending" not in among:
            kinds = [
                bound.value
                for hold in self.policy.pack.rules().rows.get("holds", ())
                if {target, "all"}.intersection(hold.results.get("stops") or ())  # type: ignore[arg-type]
                for item in hold.tests["hold_kind"].items
                if isinstance(bound := item.low, Literal)
            ]
            if kinds:
                began = self.candidates.of("holds[].from_at", found, None)[0]
                found |= {"holds[].hold_kind": str(kinds[0]), "holds[].from_at": began}
        return found

    def excludes(self, name: str, among: Container[Value | None]) -> bool:
        """Say whether no row of the table that a column comes from can give it a value of a set."""
        step = self._steps.get(name)
        if not isinstance(step, Choose) or name.endswith("_status") or None in among:
            return False
        numbers = range(len(step.conditions))
        possible = [index for index in numbers if step.conditions[index] != FALSE]
        if name == f"{step.name}_row":
            return 0 not in among and not any(index + 1 in among for index in possible)
        output = next(item for item in step.outputs if item.name == name)
        values = [output.otherwise, *(output.values[index] for index in possible)]
        return all(is_constant(value) and value.data not in among for value in values)

    def of_row(self, row: Row, grain: str, depth: int = 0) -> Iterator[dict[str, Value | None]]:
        """Yield facts under which a row holds: its own conditions, and those of the results that it reads."""
        found: dict[str, Value | None] = self._in_force(row)
        below: list[dict[str, Value | None]] = []
        for name, test in row.tests.items():
            if test.any:
                continue
            path = next(
                (path_of(of, name) for of in dict.fromkeys((grain, "ticket")) if (of, name) in self._facts), None
            )
            if path is None:
                column = self.policy.plan.columns.get(name)
                if column is not None:
                    below += list(self.of(name, Holds(self.policy, test), depth + 1))[:1]
                continue
            fact = self.candidates.drafts.fact(path)
            holds = Holds(self.policy, test, fact.absence)
            if fact.default is not None and fact.default in holds:
                continue
            values = self.candidates.of(path, {}, None)
            value = next((value for value in values if value is not None and value in holds), None)
            if value is not None:
                found[path] = value
        merged: dict[str, Value | None] = {}
        for hint in below:
            merged |= hint
        yield merged | found

    def _in_force(self, row: Row) -> dict[str, Value | None]:
        """Give a fact that puts a ticket under the edition of a row; nothing where the plain day lies in it."""
        governing = self._governing.get(row.file, "none")
        paths = governs(governing)
        plain = plain_day(self.policy)
        day = day_inside(row, plain)
        if not paths or day == plain:
            return {}
        path = "received_at" if governing == "fee" else paths[0]
        return {path: day if path.endswith("_on") else morning_of(self.policy, day)}

    def _gives(self, step: Choose | Collect, name: str, index: int, among: Container[Value | None]) -> bool:
        if isinstance(step, Collect):
            return 1 << index in among
        if name == f"{step.name}_row":
            return index + 1 in among
        if name == f"{step.name}_status":
            return not any(status in among for status in _STANDING)
        output = next(item for item in step.outputs if item.name == name)
        value = output.values[index]
        return not is_constant(value) or value.data in among


def day_inside(row: Row, plain: int) -> int:
    """Choose a day on which a row is in force: the plain one if it is, else its last, else its first."""
    if row.since is not None and plain < row.since:
        return row.since
    return plain if row.until is None or plain < row.until else row.until - 1


def row_facts(hints: Hints, row: Row, grain: str) -> Facts:
    """Give the facts under which a row may hold."""
    return next(hints.of_row(row, grain), {})


def settled_tests(policy: Policy, row: Row) -> Mapping[str, Container[Value | None]]:
    """Give what a row asks of earlier results, by column."""
    return {
        name: Holds(policy, test)
        for name, test in row.tests.items()
        if not test.any and name in policy.plan.columns and not _is_dated(policy, test)
    }


def _is_dated(policy: Policy, test: Test) -> bool:
    bounds = [bound for item in test.items for bound in (item.low, item.high)]
    named = [policy.pack.settings.parameters[bound.name] for bound in bounds if isinstance(bound, Reference)]
    return any(len(parameter.values) > 1 or isinstance(parameter.values[0][1].value, Allowance) for parameter in named)
