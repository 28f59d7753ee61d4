"""Policies with one change each, without making a plan for each: a table's changes stand in one plan, behind a switch.

Most changes touch only whether a row holds. All of those of a table are written into one plan, in which the row's
condition is chosen by a number; tickets bring it along as a fact of their own. What only the views read (the item
of a checklist, a role) needs no new plan at all. The rest, where a cell made the shape of the plan, is compiled anew.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from svc_policy.engines.python import Compiled, compile_plan
from svc_policy.expressions import nodes
from svc_policy.expressions.nodes import FALSE, Expression, and_, at_most, choose, constant, equal
from svc_policy.facts.registry import LISTS, Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.pack.load import Pack
from svc_policy.plan import Plan, make_plan
from svc_policy.plan.builder import Builder, Shape
from svc_policy.policy import Policy
from svc_policy.rules.family import Cell, Row, Rules
from svc_policy.testing.mutants import Mutant

#: No name of a fact has a blank, so it is nobody's.
SWITCH: Final = "number of the change"


class Asked:
    """A ticket as an engine takes it, with the number of the change, and other values where they are tried."""

    __slots__ = ("extra_values", "lines", "ticket", "values")

    def __init__(
        self,
        ticket: Any,
        number: int = 0,
        values: Sequence[object] | None = None,
        extra: Mapping[str, object] | None = None,
        lines: Mapping[str, Sequence[object]] | None = None,
    ) -> None:
        self.ticket = ticket
        self.values = ticket.values if values is None else values
        self.extra_values = {**ticket.extra_values, **(extra or {}), SWITCH: number}
        self.lines = lines or {}

    def numbered(self, number: int) -> Asked:
        """Give the same ticket under another change."""
        found = Asked.__new__(Asked)
        found.ticket, found.values, found.lines = self.ticket, self.values, self.lines
        found.extra_values = {**self.extra_values, SWITCH: number}
        return found

    def __getattr__(self, name: str) -> Any:
        if name in _LISTS and _LISTS[name] in self.lines:
            return self.lines[_LISTS[name]]
        return getattr(self.ticket, name)


_LISTS: Final = {field: grain for grain, field in LISTS.items()}


@attrs.frozen(eq=False)
class Line:
    """A record of a ticket with other values: a part, an incident."""

    record: Any
    values: Sequence[object]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)


class _Reads(dict[str, Any]):
    """Cells that remember which of them a plan was made from."""

    def __init__(self, cells: Mapping[str, Any], noted: set[str]) -> None:
        super().__init__(cells)
        self.noted = noted

    def __getitem__(self, name: str) -> Any:
        self.noted.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Take a cell."""
        self.noted.add(name)
        return super().get(name, default)


class _Switching(Builder):
    """Writes the changed conditions of rows beside those that they have."""

    def __init__(
        self,
        rules: Rules,
        fixed_day: int | None,
        shape: Shape | None,
        asked: Sequence[str] = (),
        *,
        changes: Mapping[int, Sequence[tuple[int, Row | None]]],
        cells: Mapping[int, Sequence[tuple[int, Cell]]],
    ) -> None:
        self.changes = changes
        self.cells = cells
        super().__init__(rules, fixed_day, shape, asked)

    def row_condition(self, row: Row, family: str, grain: str, *, day: Expression | None = None) -> Expression:
        """Write a row's condition, chosen by the number of the change."""
        found = super().row_condition(row, family, grain, day=day)
        changes = self.changes.get(id(row), ())
        if not changes:
            return found
        switch = nodes.fact(f"ticket.{SWITCH}", "int", nullable=False, asks=False)
        other = found
        for number, changed in reversed(changes):
            new = FALSE if changed is None else super().row_condition(changed, family, grain, day=day)
            other = choose(equal(switch, constant(number)), new, other)
        numbers = [number for number, _ in changes]
        ours = and_(at_most(constant(min(numbers)), switch), at_most(switch, constant(max(numbers))))
        return choose(ours, other, found)

    def cell(self, cell: Cell, family: str, grain: str) -> Expression:
        """Write the value of a result cell, chosen by the number of the change."""
        found = super().cell(cell, family, grain)
        for number, changed in self.cells.get(id(cell), ()):
            switch = nodes.fact(f"ticket.{SWITCH}", "int", nullable=False, asks=False)
            found = choose(equal(switch, constant(number)), super().cell(changed, family, grain), found)
        return found


class Wanted(Policy):
    """A policy that gives of its decisions what is wanted, and puts no more into JSON."""

    #: The keys that a decision's JSON is wanted for, all of them unless said: most of it is of no use to a case.
    keys: frozenset[str] | None = None

    def forget_shapes(self) -> None:
        """Forget the plans made for single tickets, so that the next ticket has one of its own again."""
        self._by_shape.clear()

    def as_dict(self, decision: Any) -> dict[str, Any]:
        """Give what is wanted of a decision as JSON-ready data; rules that are not wanted are none."""
        from svc_policy.policy.json import decision_to_dict

        if self.keys is None:
            return decision_to_dict(self, decision)
        # Of a rule a case names the table, the id and the clauses.
        uses = decision.rules if "rules" in self.keys else ()
        rules = [{"table": use.table, "rule": use.rule, "cites": use.cites} for use in uses]
        return {**decision_to_dict(self, decision, self.keys - {"rules"}), "rules": rules}


class Changed(Wanted):
    """A policy with one change, ready to decide."""

    def __init__(self, base: Policy, pack: Pack, plan: Plan, compiled: Compiled, number: int = 0) -> None:
        super().__init__(pack, base.fixed_on)
        self._plan = plan
        self._clocks = base.clocks
        self._reader = base._reader
        self.ready: dict[int, Asked] = {}
        self._whole = self.compiled = compiled
        self.number = number
        #: The decisions of the unchanged policy, where they are the changed one's too.
        self.shared: Batches | None = None

    @contextlib.contextmanager
    def planned(self, plan: Plan) -> Iterator[None]:
        """Show another plan for a while: one without a switch, to those who ask what facts a policy reads."""
        own, self._plan = self._plan, plan
        try:
            yield
        finally:
            self._plan = own

    def decide(self, ticket: Any, *, at: datetime | None = None) -> Any:
        """Decide a ticket of a case, which has been read before, or any other."""
        ready = self.ready.get(id(ticket))
        if ready is None:
            ready = Asked(ticket if isinstance(ticket, Ticket) else self.ticket(ticket))
        assert at is not None
        return self.decide_s(ready, int(at.timestamp()))

    def statistics(
        self,
        tickets: Iterable[Ticket | Mapping[str, object]],
        *,
        month: str | None = None,
        year: str | int | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Compute statistics; where the decisions are the unchanged policy's, from those, made once."""
        from svc_policy.statistics import period_of, statistics

        if self.shared is None or at is None:
            # The batch knows nothing of a switch.
            return Policy(self.pack, self.fixed_on).statistics(tickets, month=month, year=year, at=at)
        at_s = int(at.timestamp())
        period = period_of(month, None if year is None else str(year))
        return statistics(self.shared.decided(tickets, at_s), self, at_s=at_s, period=period)

    def decide_s(self, ticket: Any, at_s: int) -> Any:
        """Decide a ready ticket under the change."""
        from svc_policy.decision import Decision

        asked = ticket.numbered(self.number) if isinstance(ticket, Asked) else Asked(ticket, self.number)
        early, lines = self.compiled.decide(asked, at_s)
        return Decision(self, asked, at_s, early, lines, self.compiled)

    def clock(self, at_s: int) -> str:
        """Write an instant in the policy's zone, as a case does."""
        return datetime.fromtimestamp(at_s, self.zone).replace(tzinfo=None).isoformat()

    def columns(self, asked: Asked, at_s: int) -> Mapping[str, object]:
        """Compute all columns of a ticket and of its records, by name."""
        asked = asked.numbered(self.number)
        compiled = self.compiled
        early, lines = compiled.decide(asked, at_s)
        found: dict[str, object] = dict(zip(compiled.index["ticket"], early, strict=True))
        found.update(compiled.constants)
        found.update(zip(compiled.late, compiled.later(asked, early, at_s), strict=True))
        for grain, of in lines.items():
            for name, index in compiled.index.get(grain, {}).items():
                found[f"{grain}.{name}"] = [line[index] for line in of]
        return found


class Batches:
    """Tickets decided by the unchanged policy, in a connection for each set of them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.connections: dict[tuple[int, int], Any] = {}

    def decided(self, tickets: Iterable[Ticket | Mapping[str, object]], at_s: int) -> Any:
        """Give a connection that holds tickets and their decisions."""
        from svc_policy.batch import decide_batch, insert_tickets, require
        from svc_policy.statistics import count_earlier_repairs

        key = (id(tickets), at_s)
        if key not in self.connections:
            read = [one if isinstance(one, Ticket) else self.policy.ticket(one) for one in tickets]
            named = [
                one if one.ticket_id else attrs.evolve(one, ticket_id=str(number))
                for number, one in enumerate(read, start=1)
            ]
            connection = self.connections[key] = require("duckdb").connect()
            insert_tickets(connection, self.policy, named)
            count_earlier_repairs(connection, self.policy)
            decide_batch(self.policy, connection, at_s=at_s)
        return self.connections[key]


@attrs.frozen(kw_only=True, eq=False)
class Trial:
    """One change made: `way` is how, `policy` None where the policy cannot be, `base` is without the change."""

    mutant: Mutant
    way: str
    policy: Changed | None
    base: Changed


class Switchboard:
    """Gives the changed policies of a pack."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.ready: dict[int, Asked] = {}
        self.batches = Batches(policy)
        self.read: dict[int, tuple[set[str], set[str]]] = {}
        rows = {name: tuple(self._noting(row) for row in of) for name, of in policy.pack.rows.items()}
        rules = policy.pack.rules()
        # Which cells make the plan: those that are read while it is made.
        make_plan(attrs.evolve(rules, rows=rows))
        self.read = {
            id(row): (noted.results.noted, noted.tests.noted)  # type: ignore[attr-defined]
            for name, of in policy.pack.rows.items()
            for row, noted in zip(of, rows[name], strict=True)
        }
        self.plain = Changed(policy, policy.pack, policy.plan, compile_plan(policy.plan, policy.clocks, policy.id))
        self.plain.ready = self.ready
        self.plain.shared = self.batches

    @staticmethod
    def _noting(row: Row) -> Row:
        return attrs.evolve(row, results=_Reads(row.results, set()), tests=_Reads(row.tests, set()))

    def way_of(self, mutant: Mutant) -> str:
        """Say how a change is tried: `seen` by the views alone, behind a `switch`, or in a plan made `anew`."""
        if mutant.settings is not None or len({id(row) for row, _ in mutant.rows}) == 0:
            return "anew"
        if mutant.table in OUTSIDE:
            return "seen"
        ways = set()
        for row, _ in mutant.rows:
            results, tests = self.read[id(row)]
            if mutant.column.startswith("then: "):
                column = mutant.column.removeprefix("then: ")
                ways.add("seen" if column not in results else "switch" if column in _VALUES else "anew")
            elif mutant.column in tests or (not mutant.column and self._shapes(mutant.table)):
                ways.add("anew")
            else:
                ways.add("switch")
        return ways.pop() if len(ways) == 1 else "anew"

    def _shapes(self, table: str) -> bool:
        """Say whether a plan without one row of a table is another one, and not only a row short."""
        return table in _SHAPING or len(self.policy.pack.rows[table]) == 1

    def pack_of(self, mutant: Mutant) -> Pack:
        """Give the changed pack."""
        return changed_pack(self.policy.pack, mutant, {id(row): changed for row, changed in mutant.rows})

    def shortly(self, mutant: Mutant) -> Wanted:
        """Give the changed policy for the decision of one ticket, made in a plan of what that ticket states."""
        made = Wanted(self.pack_of(mutant), self.policy.fixed_on)
        made._clocks, made._reader = self.policy.clocks, self.policy._reader
        return made

    def changed(self, mutants: Sequence[Mutant]) -> Iterator[Trial]:
        """Give each change's policy, and the unchanged one that it is held against; the changes of one table."""
        ways = {id(mutant): self.way_of(mutant) for mutant in mutants}
        switched = [mutant for mutant in mutants if ways[id(mutant)] == "switch"]
        numbers = {id(mutant): number for number, mutant in enumerate(switched, start=1)}
        if switched:
            plan, compiled = self._board(switched)
            base = self._shared(Changed(self.policy, self.policy.pack, plan, compiled))
        for mutant in mutants:
            way = ways[id(mutant)]
            if way == "switch":
                changed = self._seen(mutant, plan, compiled, numbers[id(mutant)])
                yield Trial(mutant=mutant, way=way, policy=changed, base=base)
            elif way == "seen":
                changed = self._seen(mutant, self.plain.plan, self.plain.compiled)
                changed.shared = self.batches
                yield Trial(mutant=mutant, way=way, policy=changed, base=self.plain)
            else:
                try:
                    made: Changed | None = self._anew(mutant)
                except Exception:
                    # Cells that do not go together: no loader would take such a pack.
                    made = None
                yield Trial(mutant=mutant, way=way, policy=made, base=self.plain)

    def _board(self, mutants: Sequence[Mutant]) -> tuple[Plan, Compiled]:
        changes: dict[int, list[tuple[int, Row | None]]] = {}
        cells: dict[int, list[tuple[int, Cell]]] = {}
        for number, mutant in enumerate(mutants, start=1):
            for row, changed in mutant.rows:
                if mutant.column.startswith("then: ") and changed is not None:
                    name = mutant.column.removeprefix("then: ")
                    cells.setdefault(id(row.results[name]), []).append((number, changed.results[name]))
                else:
                    changes.setdefault(id(row), []).append((number, changed))
        rules = self.policy.pack.rules()
        switch = Fact(name=SWITCH, kind="count", absence="default", default=0, en=SWITCH, zh=SWITCH)
        rules = attrs.evolve(rules, facts={**rules.facts, "ticket": (*rules.facts["ticket"], switch)})
        builder = functools.partial(_Switching, changes=changes, cells=cells)
        plan = make_plan(rules, self.policy._fixed_day(), asked=self.policy.plan.asked, builder_of=builder)
        return plan, compile_plan(plan, self.policy.clocks, f"{self.policy.id} switched")

    def _seen(self, mutant: Mutant, plan: Plan, compiled: Compiled, number: int = 0) -> Changed:
        """Show the changed rows to the views; a dropped one keeps its number, and never holds."""
        new = {id(row): changed for row, changed in mutant.rows}
        rows = {id(row): changed or row for row, changed in mutant.rows}
        tables = {
            name: tuple(rows.get(id(row), row) for row in of) if any(id(row) in rows for row in of) else of
            for name, of in plan.tables.items()
        }
        pack = changed_pack(self.policy.pack, mutant, new)
        return self._shared(Changed(self.policy, pack, attrs.evolve(plan, tables=tables), compiled, number))

    def _anew(self, mutant: Mutant) -> Changed:
        """Make the plan of a change."""
        base = self.policy
        pack = self.pack_of(mutant)
        plan = make_plan(pack.rules(), base._fixed_day(), asked=base.plan.asked)
        return self._shared(Changed(base, pack, plan, compile_plan(plan, base.clocks, f"{base.id} changed")))

    def _shared(self, policy: Changed) -> Changed:
        policy.ready = self.ready
        return policy


#: Results that a plan takes as values and asks nothing else about; an allowance keeps its unit.
_VALUES: Final = frozenset(
    {"within", "fixed", "rate", "beyond", "at least", "amount", "least", "most", "price", "limit", "length"}
    | {"share", "returned share", "category", "class", "payer", "zone", "vehicle"}
)
#: Tables that are no part of a plan.
OUTSIDE: Final = frozenset({"fields", "schedules", "staffing", "budgets", "stock"})
#: Tables whose rows, and not only their conditions, make the plan.
_SHAPING: Final = frozenset({"holds", "deadlines", "fees", "escalations", "late_penalties", "procedures", "appraisals"})


def changed_pack(pack: Pack, mutant: Mutant, new: Mapping[int, Row | None]) -> Pack:
    """Give a pack with the rows and settings of a change; its digest stays."""
    rows = {
        name: tuple(one for row in of if (one := new.get(id(row), row)) is not None)
        if any(id(row) in new for row in of)
        else of
        for name, of in pack.rows.items()
    }
    return attrs.evolve(pack, rows=rows, settings=mutant.settings or pack.settings)
