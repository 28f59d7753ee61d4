"""Write expressions as Python: what is true, what is false, and the value, null being None.

A condition of three values is written as two of two: what is truthy exactly
where it is true, and what is truthy exactly where it is false.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from svc_policy.expressions.nodes import Expression
from svc_policy.facts.registry import BUILT_IN
from svc_policy.plan import Plan

_INFIX = {"equal": "==", "less": "<", "at_most": "<=", "add": "+", "subtract": "-", "multiply": "*", "bit_or": "|"}
_OPPOSITE = {"equal": "!=", "less": ">=", "at_most": ">"}
_CALLS = {"least": "min", "greatest": "max", "add_months": "add_months"}


class ExpressionWriter:
    """Writes expressions statement by statement; `names` says which one stands in which variable."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.depth = 1
        self.names: dict[Expression, str] = {}
        self.columns: dict[str, str] = {}
        self.constants: dict[tuple[type, object], str] = {}
        self.count = 0
        #: Leaves that are not null in the block that is being written.
        self.sure: set[Expression] = set()
        self.bound: dict[str, object] = {}

    # --- text

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append("    " * self.depth + text)

    def fresh(self) -> str:
        """Give a variable that is free."""
        self.count += 1
        return f"v{self.count}"

    def assign(self, text: str) -> str:
        """Put a value into a variable."""
        name = self.fresh()
        self.line(f"{name} = {text}")
        return name

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write a block; what it computes is known only inside."""
        self.line(head)
        known = len(self.names)
        count = self.count
        self.depth += 1
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.depth -= 1
        # A name is only ever added: those of the block are the last ones.
        while len(self.names) > known:
            self.names.popitem()
        # What was named inside is forgotten, so its names are free again: a frame with
        # thousands of locals would cost more than all that is computed in it.
        self.count = count

    def constant(self, value: object) -> str:
        """Bind a value of the policy to a name."""
        if value is None or isinstance(value, bool):
            return repr(value)
        key = (type(value), value)
        if key not in self.constants:
            self.constants[key] = name = f"K{len(self.constants)}"
            self.bound[name] = value
        return self.constants[key]

    # --- expressions

    def undetermined(self, leaf: Expression) -> str:
        """Write that a fact or column is null because something is unknown."""
        name = self.atom(leaf)
        if leaf.operator == "fact":
            return f"{name} is None"
        return f"({name} is None and {self.atom(self.plan.columns[str(leaf.data)].needs)})"

    def atom(self, node: Expression) -> str:
        """Give the variable or constant that holds the value of `node`, computing it first if need be."""
        if node.operator == "constant":
            return self.constant(node.data)
        if node.operator == "column":
            return self.columns[str(node.data)]
        if node in self.names:
            return self.names[node]
        if node.operator == "choose" and node.type != "bool" and any(map(_costs, node.arguments[1:])):
            name = self.fresh()
            self.branch(name, node)
        else:
            name = self.assign(self.text(node))
        self.names[node] = name
        return name

    def branch(self, name: str, node: Expression) -> None:
        """Write a choice as an ``if``, so that only the chosen branch is computed."""
        condition, then, otherwise = node.arguments
        truth = self.truth(condition)
        falsity = self.falsity(condition) if condition.nullable else ""
        with self.block(f"if {truth}:"):
            self.settle(name, then)
        if falsity:
            with self.block(f"elif not {falsity}:"):
                self.line(f"{name} = None")
        with self.block("else:"):
            self.settle(name, otherwise)

    def settle(self, name: str, node: Expression) -> None:
        """Put the value of a branch into a variable."""
        if (
            node.operator == "choose"
            and node.type != "bool"
            and node not in self.names
            and any(map(_costs, node.arguments[1:]))
        ):
            self.branch(name, node)
        else:
            self.line(f"{name} = {self.atom(node)}")

    def text(self, node: Expression) -> str:
        """Write the value of `node`; its arguments stand in variables already."""
        operator = node.operator
        if operator == "fact":
            return self.fact(str(node.data))
        if operator == "choose" and node.type != "bool":
            condition, then, otherwise = node.arguments
            then_text, otherwise_text = self.atom(then), self.atom(otherwise)
            truth = self.truth(condition)
            if condition.nullable:
                otherwise_text = f"{otherwise_text} if {self.falsity(condition)} else None"
            return f"{then_text} if {truth} else {otherwise_text}"
        if node.type == "bool" and operator not in ("lookup", "first_known"):
            truth = self.truth(node)
            # A truth may be written with operands that are null, so it is made a plain bool.
            return (
                f"True if {truth} else (False if {self.falsity(node)} else None)"
                if node.nullable
                else f"True if {truth} else False"
            )
        names = [self.atom(argument) for argument in node.arguments]
        if operator == "first_known":
            *early, last = names
            return "".join(f"{name} if {name} is not None else " for name in early) + last
        if operator == "earliest":
            return f"min((x for x in ({', '.join(names)},) if x is not None), default=None)"
        guard = self.stated(node.arguments)
        applied = self.apply(operator, names, node.data)
        return f"{applied} if {guard} else None" if guard else applied

    def fact(self, path: str) -> str:
        """Write where a stated fact is read."""
        grain, _, name = path.partition(".")
        record = "t" if grain == "ticket" else "c"
        for index, fact in enumerate(BUILT_IN[grain]):  # type: ignore[index]
            if fact.name == name:
                return f"{record}[{index}]"
        holder = "ticket" if grain == "ticket" else "record"
        default = next(fact.default for fact in self.plan.rules.facts[grain] if fact.name == name)
        return f"{holder}.extra_values.get({self.constant(name)}, {self.constant(default)})"

    def listed(self, name: str) -> str:
        """Bind a list of the policy."""
        listed, _, fact = name.partition(".")
        for number, ((_, filled), lookup) in enumerate(self.plan.rules.lookups.items()):
            if (lookup.name, filled) == (listed, fact):
                self.bound[f"L{number}"] = lookup.values
                return f"L{number}"
        raise KeyError(name)

    def apply(self, operator: str, names: Sequence[str], node_data: object = None) -> str:
        """Write an operator over arguments that are there."""
        if operator in _INFIX:
            return f"{names[0]} {_INFIX[operator]} {names[1]}"
        if operator == "lookup":
            return f"{self.listed(str(node_data))}.get({names[0]})"
        if operator == "floor_divide":
            return f"{names[0]} // {names[1]}"
        if operator == "half_up_divide":
            return f"(2 * {names[0]} + {names[1]}) // (2 * {names[1]})"
        if operator == "ceil_divide":
            return f"-(-{names[0]} // {names[1]})"
        return f"{_CALLS.get(operator, operator)}({', '.join(names)})"

    def stated(self, arguments: Sequence[Expression]) -> str:
        """Write that the arguments which may be null are not."""
        return " and ".join(
            f"{self.atom(item)} is not None" for item in arguments if item.nullable and item not in self.sure
        )

    def truth(self, node: Expression) -> str:
        """Write what is truthy exactly where `node` is true."""
        match node.operator:
            case "constant":
                return repr(node.data is True)
            case "fact" | "column":
                return self.atom(node)
            case "lookup" | "first_known":
                return self.atom(node)
            case "not":
                return self.falsity(node.arguments[0])
            case "and" | "or":
                return "(" + f" {node.operator} ".join(self.truth(item) for item in node.arguments) + ")"
            case "is_missing":
                return f"({self.atom(node.arguments[0])} is None)"
            case "is_undetermined":
                return self.undetermined(node.arguments[0])
            case "certainly" | "unless_undetermined":
                return self.truth(node.arguments[-1])
            case "choose":
                condition, then, otherwise = node.arguments
                return (
                    f"({self.truth(then)} if {self.truth(condition)} else "
                    f"{self.falsity(condition)} and {self.truth(otherwise)})"
                    if condition.nullable
                    else f"({self.truth(then)} if {self.truth(condition)} else {self.truth(otherwise)})"
                )
            case _:
                return self.comparison(node, positive=True)

    def falsity(self, node: Expression) -> str:
        """Write what is truthy exactly where `node` is false."""
        if not node.nullable and node.operator not in ("not", "and", "or"):
            return f"(not {self.truth(node)})"
        match node.operator:
            case "constant":
                return repr(node.data is False)
            case "fact" | "column" | "lookup" | "first_known":
                return f"({self.atom(node)} is False)"
            case "not":
                return self.truth(node.arguments[0])
            case "and" | "or":
                opposite = " or " if node.operator == "and" else " and "
                return "(" + opposite.join(self.falsity(item) for item in node.arguments) + ")"
            case "unless_undetermined":
                subject, condition = node.arguments
                return f"(not {self.truth(condition)} and not {self.undetermined(subject)})"
            case "choose":
                condition, then, otherwise = node.arguments
                return (
                    f"({self.falsity(then)} if {self.truth(condition)} else "
                    f"{self.falsity(condition)} and {self.falsity(otherwise)})"
                )
            case _:
                return self.comparison(node, positive=False)

    def comparison(self, node: Expression, *, positive: bool) -> str:
        """Write a comparison, or its opposite, of arguments that are there."""
        guard = self.stated(node.arguments)
        names = [self.atom(argument) for argument in node.arguments]
        if node.operator == "one_of":
            word = "in" if positive else "not in"
            test = f"{names[0]} {word} {self.constant(node.data)}"
        elif node.operator == "reached":
            test = f"at {'>=' if positive else '<'} {names[0]}"
        else:
            signs = _INFIX if positive else _OPPOSITE
            test = f"{names[0]} {signs[node.operator]} {names[1]}"
        return f"({guard} and {test})" if guard else f"({test})"


def _costs(node: Expression) -> bool:
    return node.operator not in ("constant", "fact", "column")
