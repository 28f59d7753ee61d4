"""What a rule family is: its columns, hit policy, governing date, grain and meaning.

A family's `build` writes the meaning of its table once, as expressions, into a
:class:`Context`. It knows nothing of engines, files or screens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import attrs

from svc_policy.expressions.nodes import Expression
from svc_policy.expressions.steps import Clock, Gathering, HitPolicy
from svc_policy.facts.registry import Fact
from svc_policy.tables import Operand, Test
from svc_policy.units import Literal as WrittenLiteral

Governing = Literal["purchase", "request", "fee", "incident", "none"]
ResultKind = Literal[
    "text", "texts", "role", "bool", "money", "share", "count", "date", "months", "allowance", "quantity", "interval"
]


@attrs.frozen
class Result:
    """A ``then:`` column: name, kind, Chinese heading, whether it must be filled, its permitted words."""

    name: str
    kind: ResultKind
    zh: str
    required: bool = False
    values: tuple[str, ...] = ()


@attrs.frozen
class Condition:
    """A condition column of a family's own, beside facts, earlier results and parameters."""

    name: str
    kind: Literal["text", "share", "bool"]
    zh: str
    required: bool = False


@attrs.frozen
class Parameter:
    """A name in a result cell that stands for a parameter of the policy."""

    name: str


Cell = WrittenLiteral | Parameter | tuple[str, ...] | None


@attrs.frozen(kw_only=True)
class Replaced:
    """A row of a base that a row of an overlay took the place of: whose it was, and where it stands."""

    layer: str
    file: str
    line: int


@attrs.frozen(kw_only=True)
class Row:
    """One rule: its dates, tests by column, results by column, what it cites and rests on.

    Parameters without dates have been put in their place; `rests_on` still
    names every parameter and interpretation that the row reads. `layer` is the
    id of the pack that the row stands in, `replaced` what it took the place of
    in the packs below, the nearest first.
    """

    id: str
    since: int | None
    until: int | None
    tests: Mapping[str, Test]
    results: Mapping[str, Cell]
    cites: tuple[str, ...]
    rests_on: tuple[str, ...] = ()
    note: str = ""
    file: str = ""
    line: int = 0
    layer: str = ""
    replaced: tuple[Replaced, ...] = ()

    def text(self, name: str) -> str | None:
        """Take a text result, None where the cell is empty."""
        cell = self.results.get(name)
        return str(cell.value) if isinstance(cell, WrittenLiteral) else None


@attrs.frozen(kw_only=True)
class Family:
    """A kind of rule: see the table in ``docs/format.md``."""

    name: str
    zh: str
    grain: str
    policy: HitPolicy
    governing: Governing
    results: tuple[Result, ...]
    conditions: tuple[Condition, ...] = ()
    group_by: str | None = None
    build: Callable[[Context], None]


@attrs.frozen(kw_only=True)
class MoneySettings:
    """How amounts become a total: tax rate, inclusive or not, where tax is rounded."""

    tax: Cell
    prices_include_tax: bool
    rounding_place: Literal["line", "total"]


@attrs.frozen(kw_only=True)
class ParameterValues:
    """A parameter's values, the oldest first; `since` None is open to the past."""

    name: str
    values: tuple[tuple[int | None, WrittenLiteral], ...]


@attrs.frozen(kw_only=True)
class Lookup:
    """A list that fills a fact where it is not stated: the fact that is its key, and the values by key."""

    name: str
    key: str
    values: Mapping[str, int | str | bool]


@attrs.frozen(kw_only=True)
class Rules:
    """What a plan is made from: the rows of every family, parameters, facts, money settings."""

    families: Mapping[str, Family]
    rows: Mapping[str, tuple[Row, ...]]
    parameters: Mapping[str, ParameterValues]
    facts: Mapping[str, tuple[Fact, ...]]
    money: MoneySettings
    lookups: Mapping[tuple[str, str], Lookup] = attrs.field(factory=dict)


class Context(Protocol):
    """What a family writes its meaning into.

    Names of facts and columns are resolved at a grain: at ``part`` a ticket
    fact is the ticket's, at ``ticket`` the fact of a part is missing.
    """

    @property
    def money(self) -> MoneySettings: ...

    @property
    def fixed_day(self) -> int | None: ...

    def rows(self, family: str) -> Sequence[Row]: ...

    def subject(self, name: str, grain: str, family: str) -> Expression: ...

    def has(self, name: str) -> bool: ...

    def governing_day(self, governing: Governing, grain: str) -> Expression: ...

    def cell(self, cell: Cell, family: str, grain: str) -> Expression: ...

    def parameter(self, name: str, family: str, grain: str) -> Expression: ...

    def row_condition(self, row: Row, family: str, grain: str, *, day: Expression | None = None) -> Expression: ...

    def compute(
        self,
        name: str,
        value: Expression,
        *,
        grain: str = "ticket",
        needs: Expression | None = None,
        aside: bool = False,
    ) -> Expression: ...

    def choose(
        self,
        name: str,
        family: str,
        rows: Sequence[Row],
        outputs: Mapping[str, Callable[[Row], Expression]],
        *,
        otherwise: Mapping[str, Expression] | None = None,
        grain: str = "ticket",
        aside: bool = False,
    ) -> Mapping[str, Expression]: ...

    def collect(
        self,
        name: str,
        family: str,
        rows: Sequence[Row],
        *,
        grain: str = "ticket",
        conditions: Sequence[Expression] | None = None,
        instants: Sequence[str] = (),
    ) -> tuple[Expression, ...]: ...

    def due(
        self,
        name: str,
        start: Expression,
        allowance: Expression,
        clock: Clock,
        stops: Sequence[str],
        *,
        when: Expression = ...,
    ) -> tuple[Expression, Expression]: ...

    def gather(self, name: str, child: str, gathering: Gathering, value: Expression) -> Expression: ...

    def reached(self, instant: Expression, live: Expression) -> Expression: ...

    def ask(self, fact: str) -> Expression: ...

    def needs(self, node: Expression) -> Expression: ...

    def operand(self, operand: Operand, family: str, grain: str) -> Expression: ...

    def parameter_unit(self, name: str) -> str: ...
