"""What a decision table is made of: operands, intervals, tests, columns and rules."""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping

import attrs

from svc_policy.errors import Place
from svc_policy.tables.domains import Domain
from svc_policy.units import Kind, Literal, fold

HitPolicy = typing.Literal["first", "unique", "collect"]
Absence = typing.Literal["unknown", "none", "not yet"]


@attrs.frozen
class Reference:
    """A parameter by its name, written `{far_gap}`."""

    name: str


Operand = Literal | Reference
Result = Literal | Reference | tuple[Literal | Reference, ...] | None


@attrs.frozen
class Interval:
    """The values between two bounds; None is no bound, and a closed pair of equal bounds one value.

    Texts and yes or no, which have no order, stand as such pairs only.
    """

    low: Operand | None
    low_closed: bool
    high: Operand | None
    high_closed: bool

    @property
    def is_single(self) -> bool:
        """Say whether the interval is one value."""
        return self.low_closed and self.high_closed and self.low is not None and self.low == self.high


@attrs.frozen(kw_only=True)
class Test:
    """A condition cell in its normal form.

    It holds of a value that lies in one of `items`, and of an absent fact if
    `missing` is set; `negated` turns that round, and `any` holds of everything.
    Equality is of meaning as read: `source`, the cell as written, takes no part.
    """

    # pytest collects what is called Test, unless told not to.
    __test__: typing.ClassVar[bool] = False

    kind: Kind
    any: bool = False
    negated: bool = False
    missing: bool = False
    items: tuple[Interval, ...] = ()
    source: str = attrs.field(default="", eq=False)


class Names(dict[str, str]):
    """Canonical names by every way to write them, folded and in lower case already."""


@attrs.frozen(kw_only=True)
class ColumnSpec:
    """What a table declares of a column.

    Args:
        name: The canonical name, of a fact or an earlier result.
        kind: What its cells hold.
        headings: Other names that a heading may have, in any language.
        values: For an enumeration, each canonical value and its other names.
        required: The table is refused when the column is not there.
        many: A result cell may be a list.
        domain: The values that can occur; None when nothing is said.
    """

    name: str
    kind: Kind
    headings: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] | None = None
    required: bool = False
    many: bool = False
    domain: Domain | None = None

    @functools.cached_property
    def names(self) -> Names | None:
        """Map every name of a value, folded and in lower case, to the canonical one; None: open."""
        if self.values is None:
            return None
        return Names((name_key(name), value) for value, labels in self.values.items() for name in (value, *labels))

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """List what a heading may be called, folded and in lower case."""
        return tuple(name_key(name) for name in (self.name, *self.headings))


@functools.lru_cache(4096)  # every cell of an enumeration asks for the same few names
def name_key(name: str) -> str:
    """Give the form in which names of values and headings are compared."""
    return " ".join(fold(name).casefold().split())


@attrs.frozen(kw_only=True)
class Rule:
    """One row of a table.

    `tests` and `results` stand in the order of the table's columns and outputs.
    The rule is in force from `from_day` up to but not on `until_day`, as days
    since 1970-01-01; None is no limit.
    """

    id: str
    tests: tuple[Test, ...]
    results: tuple[Result, ...]
    from_day: int | None = None
    until_day: int | None = None
    cites: tuple[str, ...] = ()
    note: str = ""
    place: Place | None = None
