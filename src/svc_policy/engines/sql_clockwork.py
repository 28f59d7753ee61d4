"""The operators of time in SQL: each becomes rungs that join one row of a small table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from svc_policy.engines import sql_worktime as worktime
from svc_policy.engines.sql_expressions import case, column, paren, wrapped
from svc_policy.engines.sql_tables import DAY, MOST_CHANGES, SetupTables, between, calendar_months
from svc_policy.engines.sql_worktime import Node, number
from svc_policy.expressions.nodes import Expression, choose, null
from svc_policy.expressions.steps import Due
from svc_policy.worktime.known_days import FIRST_INSTANT, LAST_INSTANT
from svc_policy.worktime.sql_tables import CalendarShape

if TYPE_CHECKING:
    from svc_policy.engines.sql_ladder import Ladder

OPERATORS = ("lookup", "local_day", "day_end", "add_months", "workday_due", "work_before", "work_after")


class Clockwork:
    """Lays operators of time onto a ladder."""

    def __init__(self, setup: SetupTables, ladder: Ladder) -> None:
        self.setup = setup
        self.ladder = ladder
        self.made: dict[tuple[str, tuple[Expression, ...], bool], Expression] = {}
        self.aliases = 0

    def handles(self, operator: str) -> bool:
        """Say whether an operator needs rungs of its own."""
        return operator in OPERATORS

    def lower(self, node: Expression, *, checked: bool = True) -> Expression:
        """Add the rungs of one operator over lowered arguments; gives the column that holds its value.

        A result that must be there where its arguments are is `checked`.
        """
        arguments = tuple(self.ladder.named(argument) for argument in node.arguments)
        key = (node.operator, arguments, checked)
        if node.operator == "lookup":
            return self._lookup(node, arguments[0])
        if key not in self.made:
            make: Callable[..., str] = getattr(self, f"_{node.operator}")
            name = make(*arguments)
            self.made[key] = Expression("column", data=name, type="int", nullable=True, asks=False)
            if checked:
                self._check([self._sql(item) for item in arguments], name, arguments)
        return self.made[key]

    # --- parts

    def _sql(self, leaf: Expression) -> Node:
        return wrapped(self.ladder.printer(leaf))

    def _name(self, what: str) -> str:
        self.aliases += 1
        return f"{self.ladder.prefix}{what}_{self.aliases}"

    def _join(self, table: str, on: str, key: Node) -> tuple[str, Sequence[object]]:
        from svc_policy.engines.sql_ladder import Join

        alias = self._name("j")
        return alias, (Join(table, alias, on, key),)

    def _check(
        self, arguments: Sequence[Node], name: str, leaves: Sequence[Expression], unless: str | None = None
    ) -> None:
        """Remember that a result must be there where its arguments are, unless another column says otherwise."""
        flag: Node = exp.Is(this=column(name), expression=exp.null())
        for argument, leaf in zip(arguments, leaves, strict=True):
            if leaf.nullable:
                flag = exp.And(this=flag, expression=worktime.known(argument))
        reads = {name}
        if unless is not None:
            flag = exp.And(this=flag, expression=exp.Not(this=column(unless)))
            reads.add(unless)
        reads |= {str(leaf.data) for leaf in leaves if leaf.operator == "column"}
        reads |= {self.ladder._fact_name(str(leaf.data)) for leaf in leaves if leaf.operator == "fact"}
        self.ladder.errors.append((name, paren(flag), frozenset(reads)))

    def _shape(self) -> CalendarShape:
        assert self.setup.shape is not None
        return self.setup.shape

    def _lookup(self, node: Expression, key: Expression) -> Expression:
        """Join the row of a list; a key that it lacks leaves null, which is no error."""
        name = self._name("list")
        table, _, fact = str(node.data).partition(".")
        alias, joins = self._join(f"svc_policy_list_{table}_{fact}", "key", self._sql(key))
        self.ladder.add(name, column("value", alias), [key], joins=joins)  # type: ignore[arg-type]
        return Expression("column", data=name, type=node.type, nullable=True, asks=node.asks)

    # --- calendar time

    def _local_day(self, instant: Expression) -> str:
        name = self._name("day")
        value = self._sql(instant)
        floor = self.ladder.printer.floor_divide
        changes, offsets = self.setup.changes, self.setup.offsets
        if len(changes) <= MOST_CHANGES:
            # The latest stretch first: nearly every instant lies in it.
            branches = [
                (
                    exp.GTE(this=value.copy(), expression=number(change)),
                    floor(paren(worktime.plus(value, number(offset))), number(DAY)),
                )
                for change, offset in zip(reversed(changes), reversed(offsets[1:]), strict=True)
            ]
            first = floor(paren(worktime.plus(value, number(offsets[0]))), number(DAY))
            known = between(value, FIRST_INSTANT, LAST_INSTANT)
            self.ladder.add(name, case([(known, case(branches, first) if branches else first)]), [instant])
            return name
        alias, joins = self._join("svc_policy_zone_days", "day", floor(value, number(DAY)))
        offset = case(
            [(exp.GTE(this=value.copy(), expression=column("change_at", alias)), column("offset_after", alias))],
            column("offset_before", alias),
        )
        self.ladder.add(
            name,
            floor(paren(worktime.plus(value, offset)), number(DAY)),
            [instant],
            joins=joins,  # type: ignore[arg-type]
        )
        return name

    def _day_end(self, day: Expression) -> str:
        name = self._name("end")
        if self.ladder.by_row and len(self.setup.changes) <= MOST_CHANGES:
            self.ladder.add(name, self.setup.day_end(self._sql(day)), [day])
            return name
        alias, joins = self._join("svc_policy_day_ends", "day", self._sql(day))
        self.ladder.add(name, column("last_second", alias), [day], joins=joins)  # type: ignore[arg-type]
        return name

    def _add_months(self, day: Expression, months: Expression) -> str:
        reached, of_month, name = self._name("month"), self._name("dom"), self._name("months")
        if self.ladder.by_row:
            made, inside = calendar_months(self._sql(day), self._sql(months), column(reached))
            self.ladder.add(reached, made, [day, months])
            self.ladder.add(name, inside, reads=(reached,))
            return name
        alias, joins = self._join("svc_policy_month_days", "day", self._sql(day))
        target = worktime.plus(column("month", alias), self._sql(months))
        self.ladder.add(reached, target, [day, months], joins=joins)  # type: ignore[arg-type]
        self.ladder.add(of_month, column("day_of_month", alias), [day], joins=joins)  # type: ignore[arg-type]
        alias, joins = self._join("svc_policy_months", "month", column(reached))
        length = column("length", alias)
        clamped = case([(exp.LT(this=length, expression=column(of_month)), length)], column(of_month))
        value = worktime.minus(worktime.plus(column("first_day", alias), clamped), number(1))
        self.ladder.add(name, value, reads=(reached, of_month), joins=joins)  # type: ignore[arg-type]
        return name

    # --- working time

    def _work_before(self, instant: Expression) -> str:
        name = self._name("work")
        shape = self._shape()
        value = self._sql(instant)
        alias, joins = self._join("svc_policy_days", "day", worktime.day_key(shape, value))
        self.ladder.add(name, worktime.work_before(shape, value, alias), [instant], joins=joins)  # type: ignore[arg-type]
        return name

    def _work_after(self, work: Expression) -> str:
        return self._inverse(number(self._shape().first), self._sql(work), self._sql(work), [work], ())

    def _inverse(
        self, start: Node, need: Node, target: Node, nodes: Sequence[Expression], reads: Sequence[str], name: str = ""
    ) -> str:
        """Add the instant at which the work `target` is reached."""
        shape = self._shape()
        second = self._name("second")
        self.ladder.add(second, worktime.target_second(target, need), nodes, reads=reads)
        alias, joins = self._join("svc_policy_work", "work", worktime.work_key(shape, column(second)))
        name = name or self._name("due")
        due = worktime.due_at(shape, start, need, target, column(second), alias)
        self.ladder.add(name, due, nodes, reads=(*reads, second), joins=joins)  # type: ignore[arg-type]
        return name

    def _workday_due(self, instant: Expression, days: Expression) -> str:
        return self._workdays(instant, self._sql(days), [instant, days], None, (), "")

    def _workdays(
        self,
        start: Expression,
        need: Node,
        nodes: Sequence[Expression],
        held: tuple[Node, Node] | None,
        reads: Sequence[str],
        name: str,
    ) -> str:
        """Add the closing of the working day `need` after the start's local day."""
        shape = self._shape()
        begun = self._sql(start)
        local, ordinal = self._name("local"), self._name("ordinal")
        alias, joins = self._join("svc_policy_days", "day", worktime.day_key(shape, begun))
        self.ladder.add(local, worktime.local_day(shape, begun, alias), [start], joins=joins)  # type: ignore[arg-type]
        alias, joins = self._join("svc_policy_local_days", "local_day", column(local))
        target = worktime.target_work(worktime.workdays_reached(need, alias), need, *(held or ()))
        self.ladder.add(ordinal, target, nodes, reads=(*reads, local), joins=joins)  # type: ignore[arg-type]
        alias, joins = self._join("svc_policy_workdays", "ordinal", column(ordinal))
        name = name or self._name("due")
        due = worktime.workday_due_at(begun, need, column(ordinal), alias)
        self.ladder.add(name, due, nodes, reads=(*reads, ordinal), joins=joins)  # type: ignore[arg-type]
        return name

    # --- targets

    def due(self, step: Due, *, holds: bool) -> None:
        """Add a due instant, and whether a hold without end keeps it open."""
        ladder = self.ladder
        start = ladder.named(ladder.lower(step.start))
        # Without `when` there is no allowance, and so no answer.
        allowance = ladder.named(ladder.lower(choose(step.when, step.allowance, null("int"))))
        begun, need = self._sql(start), self._sql(allowance)
        nodes = [start, allowance]
        reads: tuple[str, ...] = ()
        held: tuple[Node, Node] | None = None
        if holds:
            reads = (f"{step.name}_held", f"{step.name}_open_hold")
            held = (column(reads[0]), column(reads[1]))
        if step.clock == "calendar":
            target = self._name("target")
            ladder.add(target, worktime.target_work(begun, need, *(held or ())), nodes, reads=reads)
            known = between(column(target), FIRST_INSTANT, LAST_INSTANT)
            ladder.add(step.name, case([(known, column(target))]), nodes, reads=(target,))
        elif step.clock == "working":
            key = Expression("work_before", (start,), type="int", nullable=True)
            reached = self.lower(key, checked=False)
            target = self._name("target")
            ladder.add(
                target,
                worktime.target_work(column(str(reached.data)), need, *(held or ())),
                [reached, allowance],
                reads=reads,
            )
            self._inverse(begun, need, column(target), nodes, (target,), step.name)
        else:
            self._workdays(start, need, nodes, held, reads, step.name)
        open_hold: Node = exp.false()
        if held is not None:
            is_open = exp.EQ(this=held[1].copy(), expression=number(1))
            stated = [worktime.known(item) for item, leaf in ((begun, start), (need, allowance)) if leaf.nullable]
            for item in stated:
                is_open = exp.And(this=is_open, expression=item)
            open_hold = is_open
        ladder.add(f"{step.name}_open", open_hold, nodes, reads=reads)
        self._check([begun, need], step.name, nodes, f"{step.name}_open")
        if f"{step.name}_needs" in ladder.plan.columns:
            needs = ladder.lower(step.needs)
            missing = exp.Is(this=column(step.name), expression=exp.null())
            asked = case([(missing, ladder.printer(needs))], number(0))
            ladder.add(f"{step.name}_needs", asked, [needs], reads=(step.name,))
