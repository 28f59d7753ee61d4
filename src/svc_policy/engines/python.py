"""Compile a plan into one Python function.

Values of the policy are bound to names, never pasted into the source. A table
is an ``if`` chain as long as nothing that it reads is undetermined; otherwise
its rows are weighed one by one (:func:`~svc_policy.engines.runtime.possible_rows`).
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import attrs

from svc_policy.engines import runtime
from svc_policy.engines.python_expressions import ExpressionWriter
from svc_policy.expressions.nodes import FALSE, TRUE, ZERO, Expression, is_constant
from svc_policy.expressions.steps import Aggregate, Choose, Collect, Compute, Due, Output, Step
from svc_policy.facts.registry import LISTS, Grain
from svc_policy.plan import Plan
from svc_policy.worktime.known_days import FIRST_INSTANT, LAST_INSTANT, check_instant

Cell = int | str | bool | None
Row = tuple[Cell, ...]
Decide = Callable[[object, int], tuple[Row, Mapping[str, list[Row]]]]

Later = Callable[[object, Row, int], Row]

#: So many rows stand in one chain of `if` and `elif`; of a few thousand the compiler of Python gives up.
_LONGEST_CHAIN = 1_000
_CLOCKS = ("local_day", "day_end", "workday_due", "work_before", "work_after")


@attrs.frozen(kw_only=True)
class Compiled:
    """A plan as two functions, and where they put their columns.

    `decide` takes a ticket and `at` and gives the ticket's columns and those of
    its children; `later` takes the ticket, its columns and `at` and gives the
    plan's late ones. Columns that are the same for every ticket stand in
    `constants`; `index` says for each grain where the others stand.
    """

    decide: Decide = attrs.field()
    later: Later = attrs.field()
    index: Mapping[str, Mapping[str, int]]
    constants: Mapping[str, Cell]
    late: tuple[str, ...]


def compile_plan(plan: Plan, clocks: runtime.Clocks, name: str = "policy") -> Compiled:
    """Compile `plan` for Python."""
    source, bound, layout, constants = generate(plan, clocks)
    filename = f"<svc-policy {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), bound)  # noqa: S102 - our own text; the policy's values are bound
    return Compiled(
        decide=bound["decide"],  # type: ignore[arg-type]
        later=bound["later"],  # type: ignore[arg-type]
        index={grain: {name: index for index, name in enumerate(names)} for grain, names in layout.items()},
        constants=constants,
        late=tuple(step.name for step in plan.late),
    )


def generate(
    plan: Plan, clocks: runtime.Clocks
) -> tuple[str, dict[str, object], dict[str, tuple[str, ...]], dict[str, Cell]]:
    """Write the source of a plan's functions, the names it is bound to, the layout, the constant columns."""
    writer = _Writer(plan, clocks)
    writer.write()
    layout = {"ticket": tuple(writer.early), **{grain: tuple(names) for grain, names in writer.children.items()}}
    return "\n".join(writer.lines) + "\n", writer.bound, layout, writer.known


class _Writer(ExpressionWriter):
    """Writes the function statement by statement; `names` says which expression stands in which variable."""

    def __init__(self, plan: Plan, clocks: runtime.Clocks) -> None:
        super().__init__(plan)
        self.holds: dict[tuple[str, ...], str] = {}
        #: Where on the working axis a start lies, once somebody asked.
        self.places: dict[str, str] = {}
        self.children: dict[str, list[str]] = {}
        self.early: list[str] = []
        self.known: dict[str, Cell] = {}
        self.bound |= {
            "possible_rows": runtime.possible_rows,
            "agreed": runtime.agreed,
            "add_months": runtime.add_months,
            "check_instant": check_instant,
            "min": min,
            "max": max,
            "zip": zip,
            "tuple": tuple,
        }
        for clock in (*_CLOCKS, "calendar", "working", "working_days", "worked_up"):
            if (function := getattr(clocks, clock, None)) is not None:
                self.bound[clock] = function

    # --- the function

    def write(self) -> None:
        """Write ``decide``, and ``later``, which completes its columns."""
        late = self.plan.late
        self.lines.append("def decide(ticket, at):")
        self.line("t = ticket.values")
        steps_now = [step for step in self.plan.steps if step not in late]
        for grain, steps in groupby(steps_now, key=_loop_of):
            if grain == "ticket":
                for when, same in groupby(steps, key=_when):
                    if when is None:
                        for step in same:
                            self.step(step)
                    else:
                        self.dues([step for step in same if isinstance(step, Due)])
            else:
                self.loop(grain, list(steps))
        written = [name for name in self.plan.names("ticket") if name in self.columns]
        values = {text: value for text, value in self.bound.items() if text.startswith("K")}
        values |= {"None": None, "True": True, "False": False, "0": 0}
        self.known = {name: values[self.columns[name]] for name in written if self.columns[name] in values}  # type: ignore[misc]
        early = self.early = [name for name in written if name not in self.known]
        made = ", ".join(self.columns[name] for name in early)
        children = ", ".join(f"{grain!r}: r_{grain}" for grain in self.children)
        self.line(f"return ({made},), {{{children}}}")
        self.lines.append("def later(ticket, values, at):")
        # What turns at an instant may hang on a fact: a rule that holds only beyond a distance.
        self.line("t = ticket.values")
        self.names = {}
        for index, name in enumerate(early):
            self.columns[name] = f"values[{index}]"
        for step in late:
            self.step(step)
        self.line(f"return ({', '.join(self.columns[step.name] for step in late)},)")

    def loop(self, grain: str, steps: Sequence[Step]) -> None:
        """Write one pass over the records of a child grain."""
        gathered = [step for step in steps if isinstance(step, Aggregate)]
        for aggregate in gathered:
            self.columns[aggregate.name] = self.assign("False" if aggregate.gathering == "any" else "0")
            if aggregate.needs != ZERO:
                self.columns[f"{aggregate.name}_needs"] = self.assign("0")
        first = grain not in self.children
        if first:
            self.children[grain] = []
            self.line(f"r_{grain} = [[] for _ in ticket.{LISTS[grain]}] if ticket.{LISTS[grain]} else ()")  # type: ignore[index]
        before = dict(self.columns)
        with self.block(f"for record, r in zip(ticket.{LISTS[grain]}, r_{grain}):"):  # type: ignore[index]
            self.line("c = record.values")
            for index, name in enumerate(self.children[grain]):
                self.columns[name] = self.assign(f"r[{index}]")
            for step in steps:
                self.step(step)
            known_here = {*before, *self.children[grain]}
            made = [name for name in self.columns if name not in known_here and self.plan.columns[name].grain == grain]
            if made:
                self.line(f"r += ({', '.join(self.columns[name] for name in made)},)")
            self.children[grain].extend(made)
        ours = set(self.children[grain])
        self.columns = {name: text for name, text in self.columns.items() if name not in ours}

    def step(self, step: Step) -> None:
        match step:
            case Compute():
                value = self.atom(step.value)
                self.columns[step.name] = value = value if is_constant(step.value) else self.keep(value)
                if f"{step.name}_needs" in self.plan.columns:
                    self.columns[f"{step.name}_needs"] = self.needs_if(f"{value} is None", step.needs)
            case Choose():
                self.choose(step)
            case Collect():
                self.collect(step)
            case Due():
                self.dues([step])
            case Aggregate():
                self.aggregate(step)

    def keep(self, text: str) -> str:
        return text if text.isidentifier() and text not in ("True", "False", "None") else self.assign(text)

    def needs_if(self, condition: str, needs: Expression) -> str:
        name = self.assign("0")
        with self.block(f"if {condition}:"):
            self.line(f"{name} = {self.atom(needs)}")
        return name

    def choose(self, step: Choose) -> None:
        row = self.fresh()
        outputs = {output.name: self.fresh() for output in step.outputs}
        needs = self.fresh() if step.asks else None
        if step.inputs:
            guard = " or ".join(self.undetermined(leaf) for leaf in step.inputs)
            with self.block(f"if {guard}:"):
                self.weigh(step, row, outputs, needs)
            stated = {leaf for leaf in step.inputs if leaf.operator == "fact"} - self.sure
            self.sure |= stated
            with self.block("else:"):
                self.chain(step, row, outputs, needs)
            self.sure -= stated
        else:
            self.chain(step, row, outputs, needs)
        self.columns[f"{step.name}_row"] = row
        self.columns.update(outputs)
        if needs:
            self.columns[f"{step.name}_needs"] = needs

    def chain(self, step: Choose, row: str, outputs: Mapping[str, str], needs: str | None) -> None:
        """Write the table as an ``if`` chain: nothing it reads is undetermined."""
        tests = [self.truth(condition) for condition in step.conditions]
        if len(tests) > _LONGEST_CHAIN:
            self.chains(step, tests, row, outputs, needs)
            return
        word = "if"
        for index, (condition, test) in enumerate(zip(step.conditions, tests, strict=True)):
            if condition == FALSE:
                continue
            head = f"{word} {test}:" if condition != TRUE else ("else:" if word == "elif" else "if True:")
            with self.block(head):
                self.line(f"{row} = {index + 1}")
                for output in step.outputs:
                    self.line(f"{outputs[output.name]} = {self.atom(output.values[index])}")
                if needs:
                    self.line(f"{needs} = {self.atom(step.row_needs[index])}")
            word = "elif"
            if condition == TRUE:
                return
        with self.block("else:" if word == "elif" else "if True:"):
            self.line(f"{row} = 0")
            for output in step.outputs:
                self.line(f"{outputs[output.name]} = {self.atom(output.otherwise)}")
            if needs:
                self.line(f"{needs} = 0")

    def chains(
        self, step: Choose, tests: Sequence[str], row: str, outputs: Mapping[str, str], needs: str | None
    ) -> None:
        """Write a long table as several chains, one after the other, until one has found its row."""
        self.line(f"{row} = 0")
        for begin in range(0, len(tests), _LONGEST_CHAIN):
            with self.block(f"if not {row}:"):
                word = "if"
                for index, test in enumerate(tests[begin : begin + _LONGEST_CHAIN], begin):
                    if step.conditions[index] == FALSE:
                        continue
                    with self.block(f"{word} {test if step.conditions[index] != TRUE else 'True'}:"):
                        self.line(f"{row} = {index + 1}")
                        for output in step.outputs:
                            self.line(f"{outputs[output.name]} = {self.atom(output.values[index])}")
                        if needs:
                            self.line(f"{needs} = {self.atom(step.row_needs[index])}")
                    word = "elif"
                if word == "if":
                    self.line("pass")
        with self.block(f"if not {row}:"):
            for output in step.outputs:
                self.line(f"{outputs[output.name]} = {self.atom(output.otherwise)}")
            if needs:
                self.line(f"{needs} = 0")

    def weigh(self, step: Choose, row: str, outputs: Mapping[str, str], needs: str | None) -> None:
        """Write the table row by row: something that it reads is undetermined."""
        conditions = ", ".join(self.atom(condition) for condition in step.conditions)
        self.line(f"possible, first = possible_rows({step.policy!r}, ({conditions},))")
        self.line(f"{row} = None if possible & (possible - 1) else possible.bit_length()")
        self.line(f"if {row} == {len(step.conditions) + 1}: {row} = 0")
        unsettled: list[str] = []
        for output in step.outputs:
            groups, values = grouped(output)
            name = outputs[output.name]
            written = ", ".join(self.atom(value) for value in values)
            group = self.assign(f"agreed(possible, {groups!r})")
            self.line(f"{name} = ({written},)[{group}] if {group} >= 0 else None")
            unsettled.append(f"{group} < 0")
        if needs:
            asked = ", ".join(self.atom(item) for item in step.needs)
            chosen = ", ".join(self.atom(item) for item in step.row_needs)
            self.line(
                f"{needs} = ({asked},)[first] if {' or '.join(unsettled)} "
                f"else ({chosen}, 0)[(possible & -possible).bit_length() - 1]"
            )

    def collect(self, step: Collect) -> None:
        groups: dict[Expression, int] = {}
        for index, condition in enumerate(step.conditions):
            groups[condition] = groups.get(condition, 0) | 1 << index
        fired = self.assign(str(groups.pop(TRUE, 0)))
        groups.pop(FALSE, None)
        unknown = self.assign("0") if step.asks else ""
        for condition, mask in groups.items():
            truth, falsity = self.truth(condition), self.falsity(condition)
            self.line(f"if {truth}: {fired} |= {mask}")
            if condition.nullable and unknown:
                self.line(f"elif not {falsity}: {unknown} |= {mask}")
        self.columns[f"{step.name}_fired"] = fired
        if not step.asks:
            return
        self.columns[f"{step.name}_unknown"] = unknown
        needs = self.assign("0")
        with self.block(f"if {unknown}:"):
            for index, (condition, asked) in enumerate(zip(step.conditions, step.needs, strict=True)):
                if condition.asks:
                    with self.block(f"if {unknown} & -{unknown} == {1 << index}:"):
                        self.line(f"{needs} = {self.atom(asked)}")
        self.columns[f"{step.name}_needs"] = needs

    def dues(self, steps: Sequence[Due]) -> None:
        """Write clocks that run under one condition: where it is false, none of them is asked."""
        for step in steps:
            self.columns[step.name] = self.fresh()
            self.columns[f"{step.name}_open"] = self.fresh() if step.stops else "False"
        names = [self.columns[step.name] for step in steps]
        opens = [self.columns[f"{step.name}_open"] for step in steps if step.stops]
        self.line(f"{' = '.join(names)} = None")
        if opens:
            self.line(f"{' = '.join(opens)} = False")
        for step in steps:
            self.held(step.stops)
            start = self.atom(step.start)
            if step.clock == "working" and start not in self.places:
                self.places[start] = self.assign("None")
        when = steps[0].when
        if when == TRUE:
            for step in steps:
                self.due(step)
        else:
            with self.block(f"if {self.truth(when)}:"):
                for step in steps:
                    self.due(step)
        for step in steps:
            if f"{step.name}_needs" in self.plan.columns:
                self.columns[f"{step.name}_needs"] = self.needs_if(f"{self.columns[step.name]} is None", step.needs)

    def due(self, step: Due) -> None:
        """Write one clock."""
        start, allowance = self.atom(step.start), self.atom(step.allowance)
        due = self.columns[step.name]
        guard = [
            f"{name} is not None" for name, node in ((start, step.start), (allowance, step.allowance)) if node.nullable
        ]
        holds = self.held(step.stops)
        with self.block(f"if {' and '.join(guard) or 'True'}:"):
            self.ask_clock(step, start, allowance, due, holds)
            if step.stops:
                self.line(f"{self.columns[f'{step.name}_open']} = {due} is None")

    def ask_clock(self, step: Due, start: str, allowance: str, due: str, holds: str) -> None:
        """Write the question to the clock, for a start and an allowance that are there."""
        if step.clock == "working":
            # Clocks that start together share their place on the axis.
            begun = self.places[start]
            self.line(f"if {begun} is None: {begun} = work_before({start})")
            plain = f"worked_up({begun} + {allowance})"
            if not (is_constant(step.allowance) and step.allowance.data):
                plain = f"({plain} if {allowance} > 0 else {start})"
            held = f"{due} = working({start}, {allowance}, {holds}) if {holds} else {plain}"
            self.line(held if step.stops else f"{due} = {plain}")
        elif step.clock == "working_days":
            self.line(f"{due} = {step.clock}({start}, {allowance}, {holds})")
        else:
            plain = f"{start} + {allowance}"
            held = f"{due} = calendar({start}, {allowance}, {holds}) if {holds} else {plain}"
            self.line(held if step.stops else f"{due} = {plain}")
            self.line(f"if {due} is not None and not {FIRST_INSTANT} <= {due} <= {LAST_INSTANT}: check_instant({due})")

    def held(self, stops: tuple[str, ...]) -> str:
        """Write, once, the spans of the holds of some kinds."""
        if not stops:
            return "()"
        if stops not in self.holds:
            kinds = self.constant(frozenset(stops))
            spans = f"[(h.values[1], h.values[2]) for h in ticket.holds if h.values[0] in {kinds}]"
            self.holds[stops] = self.assign(f"{spans} if ticket.holds else ()")
        return self.holds[stops]

    def aggregate(self, step: Aggregate) -> None:
        result = self.columns[step.name]
        needs = self.columns.get(f"{step.name}_needs")
        value = step.value
        if step.gathering == "count":
            self.line(f"if {self.truth(value)}: {result} += 1")
        elif step.gathering == "bit_or":
            self.line(f"{result} |= {self.atom(value)}")
        elif step.gathering == "any":
            truth, falsity = self.truth(value), self.falsity(value)
            self.line(f"if {truth}: {result} = True")
            if value.nullable:
                self.line(f"elif {result} is not True and not {falsity}: {result} = None")
        elif value.nullable:
            item = self.atom(value)
            self.line(f"{result} = None if {result} is None or {item} is None else {result} + {item}")
        else:
            self.line(f"{result} += {self.atom(value)}")
        if needs:
            with self.block(f"if {self.atom(value)} is None:"):
                self.line(f"{needs} |= {self.atom(step.needs)}")


def grouped(output: Output) -> tuple[tuple[int, ...], tuple[Expression, ...]]:
    """Group the rows of an output by their result: masks of rows (bit n for none), and the results."""
    groups: dict[Expression, int] = {}
    for index, value in enumerate((*output.values, output.otherwise)):
        key = output.otherwise if _same_null(value, output.otherwise) else value
        groups[key] = groups.get(key, 0) | 1 << index
    return tuple(groups.values()), tuple(groups)


def _same_null(left: Expression, right: Expression) -> bool:
    return is_constant(left) and is_constant(right) and left.data is None and right.data is None


def _when(step: Step) -> Expression | None:
    return step.when if isinstance(step, Due) else None


def _loop_of(step: Step) -> Grain | str:
    return step.child if isinstance(step, Aggregate) else step.grain
