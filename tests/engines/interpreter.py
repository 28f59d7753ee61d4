"""A slow and obvious interpreter of a plan: the oracle that engines are held against.

It walks the steps one by one and evaluates every expression where it stands.
Nothing is shared with the engines but the plan and the working calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from svc_policy import Policy, Ticket
from svc_policy.errors import CalendarError
from svc_policy.expressions.evaluate import evaluate
from svc_policy.expressions.nodes import Expression, Value, is_constant
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Due, Step
from svc_policy.facts.registry import BUILT_IN, LISTS
from svc_policy.facts.ticket import Record
from svc_policy.plan import Plan
from svc_policy.worktime import WorkCalendar

EPOCH = date(1970, 1, 1).toordinal()
CHILDREN = tuple(LISTS)
#: The first and last day whose clocks are known.
LOCAL_DAYS = (date(1970, 1, 2), date(2199, 12, 30))
Columns = dict[str, Value]


class SlowClock:
    """Calendar time by `zoneinfo`, working time by the public methods of the calendar."""

    def __init__(self, zone: ZoneInfo, calendar: WorkCalendar | None) -> None:
        self.zone = zone
        self.axis = calendar

    def local_day(self, instant: int) -> int:
        _known(instant)
        return datetime.fromtimestamp(instant, self.zone).date().toordinal() - EPOCH

    def day_end(self, day: int) -> int:
        if not LOCAL_DAYS[0] <= date.fromordinal(day + EPOCH) <= LOCAL_DAYS[1]:
            raise CalendarError([])
        after = date.fromordinal(day + EPOCH) + timedelta(days=1)
        return int(datetime(after.year, after.month, after.day, tzinfo=self.zone).timestamp()) - 1

    def workday_due(self, instant: int, days: int) -> int:
        due = self.axis.workday_deadline_s(instant, days)
        assert due is not None
        return due

    def work_before(self, instant: int) -> int:
        return self.axis.work_before_s(instant)

    def work_after(self, work: int) -> int:
        return self.axis.deadline_s(self.axis.first_instant, work)

    def due(self, clock: str, start: int, allowance: int, holds: Sequence[tuple[int, int | None]]) -> int | None:
        if clock == "calendar":
            found = _calendar_due(start, allowance, holds)
            return found if found is None else _known(found)
        if clock == "working":
            return self.axis.deadline_s(start, allowance, holds)
        return self.axis.workday_deadline_s(start, allowance, holds)


def _known(instant: int) -> int:
    if not LOCAL_DAYS[0] <= (datetime(1970, 1, 1) + timedelta(seconds=instant)).date() <= LOCAL_DAYS[1]:
        raise CalendarError([])
    return instant


def _calendar_due(start: int, seconds: int, holds: Sequence[tuple[int, int | None]]) -> int | None:
    """Run along the bounds of the holds, counting what lies in none of them."""
    if seconds <= 0:
        return start + seconds
    bounds = sorted({start, *(bound for hold in holds for bound in hold if bound is not None and bound > start)})
    used = 0
    for here, after in zip(bounds, [*bounds[1:], None], strict=True):
        if any(begins <= here and (ends is None or ends > here) for begins, ends in holds):
            if after is None:
                return None
        elif after is None or used + after - here >= seconds:
            return here + seconds - used
        else:
            used += after - here
    return None


class _Scope(NamedTuple):
    """A record at hand: its facts, its columns so far, which of these are unknown, and of which nulls it is open."""

    facts: dict[str, Value]
    columns: Columns
    unknown: set[str]
    nulls: set[str]


class Interpreter:
    """Runs a plan on one ticket at one instant."""

    def __init__(self, policy: Policy) -> None:
        self.plan: Plan = policy.plan
        self.facts = policy.pack.settings.facts
        self.clock = SlowClock(policy.zone, policy.pack.calendar())

    def run(self, ticket: Ticket, at: int) -> tuple[Columns, dict[str, list[Columns]]]:
        """Give every column of the ticket, and of each child record by its grain."""
        self.at = at
        self.ticket = ticket
        self.records = {grain: getattr(ticket, LISTS[grain]) for grain in CHILDREN}
        self.here = _Scope(self._facts("ticket", ticket), {}, set(), set())
        self.children = {
            grain: [_Scope({**self.here.facts, **self._facts(grain, record)}, {}, set(), set()) for record in of]
            for grain, of in self.records.items()
        }
        for step in self.plan.steps:
            if isinstance(step, Aggregate):
                self._write(self.here, self._aggregate(step))
            else:
                for scope in [self.here] if step.grain == "ticket" else self.children[step.grain]:
                    self._write(scope, self._step(step, scope))
        return self.here.columns, {grain: [scope.columns for scope in of] for grain, of in self.children.items()}

    def _facts(self, grain: str, record: Record) -> dict[str, Value]:
        declared = [fact.name for fact in BUILT_IN[grain]]
        found = {f"{grain}.{name}": value for name, value in zip(declared, record.values, strict=True)}
        for fact in self.facts[grain]:
            if fact.name not in declared:
                found[f"{grain}.{fact.name}"] = self.ticket.extra_values.get(fact.name, fact.default)
        return found

    def _value(self, node: Expression, scope: _Scope) -> Value:
        columns, unknown = scope.columns, scope.unknown
        if scope is not self.here:
            columns, unknown = {**self.here.columns, **columns}, self.here.unknown | unknown
        return evaluate(node, scope.facts, columns, at=self.at, clock=self.clock, undetermined=unknown)

    def _write(self, scope: _Scope, made: Columns) -> None:
        """Keep what a step made; a null column is unknown if its step asks for something."""
        made = {name: value for name, value in made.items() if name in self.plan.columns}
        scope.columns.update(made)
        scope.nulls.update(name for name, value in made.items() if value is None)
        for name in list(scope.nulls):
            needs = self.plan.columns[name].needs
            asked = scope.columns.get(str(needs.data)) if needs.operator == "column" else needs.data
            # What it asks for may be the next step's to say.
            if asked is not None:
                scope.nulls.discard(name)
                if asked:
                    scope.unknown.add(name)

    def _step(self, step: Step, scope: _Scope) -> Columns:
        def value(node: Expression) -> Value:
            return self._value(node, scope)

        made: Columns = {}
        match step:
            case Compute():
                made[step.name] = value(step.value)
                made[f"{step.name}_needs"] = value(step.needs) if made[step.name] is None else 0
            case Choose():
                made = self._choose(step, value)
            case Collect():
                truths = [value(condition) for condition in step.conditions]
                unknown = [index for index, truth in enumerate(truths) if truth is None]
                made[f"{step.name}_fired"] = sum(1 << index for index, truth in enumerate(truths) if truth is True)
                made[f"{step.name}_unknown"] = sum(1 << index for index in unknown)
                made[f"{step.name}_needs"] = value(step.needs[unknown[0]]) if unknown else 0
            case Due():
                made = self._due(step, value)
        return made

    def _choose(self, step: Choose, value) -> Columns:
        truths = [value(condition) for condition in step.conditions]
        count = len(truths)
        true = [index for index, truth in enumerate(truths) if truth is True]
        if step.policy == "unique":
            possible = true[:1] or [*(index for index, truth in enumerate(truths) if truth is None), count]
        else:
            first = true[0] if true else count
            possible = [*(index for index in range(first) if truths[index] is None), first]
        made: Columns = {f"{step.name}_row": None}
        if len(possible) == 1:
            made[f"{step.name}_row"] = (possible[0] + 1) % (count + 1)
        settled = True
        for output in step.outputs:
            results = [(*output.values, output.otherwise)[index] for index in possible]
            agree = all(_is_null(result) == _is_null(results[0]) for result in results) and (
                _is_null(results[0]) or all(result == results[0] for result in results)
            )
            made[output.name] = value(results[0]) if agree else None
            settled = settled and agree
        unknown = [index for index in possible if index < count and truths[index] is None]
        if not settled:
            made[f"{step.name}_needs"] = value(step.needs[unknown[0]])
        else:
            made[f"{step.name}_needs"] = value(step.row_needs[possible[0]]) if possible[0] < count else 0
        return made

    def _due(self, step: Due, value) -> Columns:
        start, allowance = value(step.start), value(step.allowance)
        due: int | None = None
        open_ = False
        if value(step.when) and start is not None and allowance is not None:
            holds = [(hold.values[1], hold.values[2]) for hold in self.ticket.holds if hold.values[0] in step.stops]
            due = self.clock.due(step.clock, start, allowance, holds)
            open_ = due is None
        needs = value(step.needs) if due is None else 0
        return {step.name: due, f"{step.name}_open": open_, f"{step.name}_needs": needs}

    def _aggregate(self, step: Aggregate) -> Columns:
        scopes = self.children[step.child]
        values = [self._value(step.value, scope) for scope in scopes]
        result: Value
        match step.gathering:
            case "sum":
                result = None if None in values else sum(values)
            case "any":
                result = True if True in values else None if None in values else False
            case "count":
                result = values.count(True)
            case _:
                result = 0
                for item in values:
                    result |= item
        needs = 0
        for scope, item in zip(scopes, values, strict=True):
            if item is None:
                needs |= self._value(step.needs, scope)
        return {step.name: result, f"{step.name}_needs": needs}


def _is_null(node: Expression) -> bool:
    return is_constant(node) and node.data is None
