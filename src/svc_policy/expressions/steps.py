"""The steps a plan is made of: what is computed, in which order, at which grain.

A step reads facts and the columns of earlier steps and yields columns:

- :class:`Compute`    one value: ``name``;
- :class:`Choose`     a *first* or *unique* table: ``name_row`` and its outputs;
- :class:`Collect`    a *collect* table: ``name_fired`` and ``name_unknown``, bit i for row i (from 0);
- :class:`Due`        an instant a clock away from another: ``name``; ``name_open`` while an open hold stops it;
- :class:`Aggregate`  child records gathered into one column of the ticket: ``name``.

Whatever may be undetermined has a column ``name_needs`` besides: the mask of
the facts to ask for, 0 where the result is determined. A null with needs is
*unknown*, a null without is *absent*.
"""

from __future__ import annotations

from typing import Literal

import attrs

from svc_policy.expressions.nodes import Expression, Type

HitPolicy = Literal["first", "unique", "collect"]
Clock = Literal["calendar", "working", "working_days"]
Gathering = Literal["sum", "any", "count", "bit_or"]


@attrs.frozen(kw_only=True)
class Compute:
    """One value; `needs` names the facts to ask for where the value is unknown."""

    name: str
    grain: str
    value: Expression
    needs: Expression


@attrs.frozen(kw_only=True)
class Output:
    """One result column of a table: its value for each row, and where no row holds."""

    name: str
    values: tuple[Expression, ...]
    otherwise: Expression
    type: Type


@attrs.frozen(kw_only=True)
class Choose:
    """A table of which one row holds.

    `needs[i]` names the facts that the unknown cells of row i ask for,
    `row_needs[i]` those that the results of row i ask for once it is chosen.
    `inputs` are the leaves whose being undetermined can make the table so.
    """

    name: str
    grain: str
    policy: HitPolicy
    conditions: tuple[Expression, ...]
    outputs: tuple[Output, ...]
    inputs: tuple[Expression, ...]
    needs: tuple[Expression, ...]
    row_needs: tuple[Expression, ...]
    asks: bool


@attrs.frozen(kw_only=True)
class Collect:
    """A table of which every true row holds; `needs[i]` as in :class:`Choose`."""

    name: str
    grain: str
    conditions: tuple[Expression, ...]
    needs: tuple[Expression, ...]
    asks: bool


@attrs.frozen(kw_only=True)
class Due:
    """The earliest instant at which `allowance` (seconds, or days) is used up on a clock.

    `stops` are the kinds of hold that stop this clock. Where `when` is false
    there is none, and the clock is not asked.
    """

    name: str
    start: Expression
    allowance: Expression
    clock: Clock
    stops: tuple[str, ...]
    needs: Expression
    when: Expression

    grain: str = "ticket"


@attrs.frozen(kw_only=True)
class Aggregate:
    """Gather `value` over the records of `child` into one ticket column.

    ``sum`` and ``bit_or`` of no record are 0; ``any`` follows Kleene; ``count``
    counts the records for which `value` is true. A null makes a sum null. What it
    asks for is what all records ask for whose value is null, even where ``any`` is
    settled by another record.
    """

    name: str
    child: str
    gathering: Gathering
    value: Expression
    needs: Expression

    grain: str = "ticket"


Step = Compute | Choose | Collect | Due | Aggregate
