"""What we answer: a decision, flat and cheap, and the records that its views are made of.

A :class:`Decision` holds the columns that an engine computed. Everything with
names and texts (targets, quote, rules, lists) is a view, expanded when it is
looked at. Instants are aware datetimes in the policy's zone, money is a
:class:`~decimal.Decimal` in major units, days are dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import attrs

Cell = int | str | bool | None


@attrs.frozen(kw_only=True)
class RuleUse:
    """A rule that made a result: its table and id, where it stands, what it cites and rests on.

    `subject` is what it was applied to where that is not the ticket: a part or
    incident by its number from 1, or a target. `certain` is False for a rule
    that may hold, of which the others that may hold agree. `layer` is the id of
    the pack that the rule comes from where that is not the policy's own.
    """

    table: str
    rule: str
    file: str
    line: int
    cites: tuple[str, ...]
    interpretations: tuple[str, ...]
    subject: str = ""
    certain: bool = True
    layer: str = ""


@attrs.frozen(kw_only=True)
class Target:
    """Something due; see the statuses in ``docs/format.md``.

    `used_share` is the share of the allowance used up at `at` (or when it was
    done), in basis points; `time_left` the time until `due`, negative after it.
    """

    name: str
    status: str
    start: datetime | None
    end: datetime | None
    due: datetime | None
    due_if_resumed_now: datetime | None
    allowance: str | None
    clock: str | None
    used_share: int | None
    time_left: timedelta | None
    owner: str | None
    needs: tuple[str, ...]
    rule: RuleUse | None


@attrs.frozen(kw_only=True)
class QuoteLine:
    """One line of a quote; `part` or `material` is the number of the part line or the line of materials, from 1."""

    line: str
    amount: Decimal | None
    part: int | None
    quantity: int | None
    rule: RuleUse | None
    material: int | None = None


@attrs.frozen(kw_only=True)
class Quote:
    """What the job costs and who pays; None stands for what is not determined."""

    lines: tuple[QuoteLine, ...]
    subtotal: Decimal | None
    discount: Decimal | None
    tax: Decimal | None
    tax_rate: Decimal | None
    prices_include_tax: bool
    total: Decimal | None
    payable: Decimal | None
    payer: str | None
    currency: str
    needs_confirmation: bool | None
    confirmations: tuple[RuleUse, ...]
    illustrative: bool
    needs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Penalty:
    """One penalty: a figure, a range, or neither; `decided_by` sets what is open."""

    liable: str
    amount: Decimal | None
    least: Decimal | None
    most: Decimal | None
    decided_by: str | None
    incident: int | None
    target: str | None
    rule: RuleUse
    #: ``penalty``, or ``finding``: noted, and no penalty.
    outcome: str = "penalty"


@attrs.frozen(kw_only=True)
class Compensation:
    """What is allowed of a claim; `limit` None where neither rule nor contract gives one and `decided_by` decides."""

    limit: Decimal | None
    allowed: Decimal | None
    decided_by: str | None
    needs: tuple[str, ...]
    rule: RuleUse


@attrs.frozen(kw_only=True)
class Item:
    """One row of a list (an approval, form, step, checklist item, duty): its cells by name."""

    cells: Mapping[str, Any]
    rule: RuleUse


@attrs.frozen(kw_only=True)
class PartCoverage:
    """Coverage of one part line."""

    part_no: str | None
    in_warranty: bool | None
    warranty_end: date | None
    covered: bool | None
    excluded: bool | None


@attrs.frozen(kw_only=True)
class Coverage:
    """Is it under warranty, excluded, under contract; None where undetermined."""

    in_warranty: bool | None
    warranty_end: date | None
    covered: bool | None
    excluded: bool | None
    exclusions: tuple[Item, ...]
    in_contract: bool | None
    parts: tuple[PartCoverage, ...]
    needs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class OverrideUse:
    """One override as stated, and whether its role and limit allow it."""

    kind: str | None
    role: str | None
    reason: str | None
    amount: Decimal | None
    limit: Decimal | None
    accepted: bool
    rule: RuleUse | None


@attrs.frozen(kw_only=True)
class SheetLine:
    """A line of the processing sheet: what is done to which tiles; `decided_by` settles a price that is open."""

    line: int
    tile_model: str | None
    processing: str | None
    method: str
    pieces: int | None
    pieces_per_tile: int
    tiles: int | None
    price: Decimal | None
    fee: Decimal | None
    owner: str | None
    workshop: str | None
    decided_by: str | None
    rule: RuleUse


@attrs.frozen(kw_only=True)
class LineSettlement:
    """What a line settles after laying: boxes added and returned, tiles processed again, and their difference."""

    boxes_added: int
    boxes_returned: int
    tiles_processed_again: int
    added: Decimal | None
    returned: Decimal | None
    returned_share: Decimal | None
    processed_again: Decimal | None
    second: Decimal | None
    charged_by: str | None
    decided_by: str | None
    rule: RuleUse | None


@attrs.frozen(kw_only=True)
class MaterialLine:
    """What one kind of tile comes to; `area` in square metres, `weight` in kilograms, `wastage` a share."""

    line: int
    tile_model: str | None
    area: Decimal | None
    wastage: Decimal | None
    tiles: int | None
    whole_boxes: int | None
    extra_boxes: int | None
    boxes: int | None
    weight: Decimal | None
    goods: Decimal | None
    in_stock: int | None
    short: int | None
    processing_fee: Decimal | None
    settlement: LineSettlement
    needs: tuple[str, ...]
    rule: RuleUse | None


@attrs.frozen(kw_only=True)
class Settlement:
    """The first settlement, what is still due of it, the second (negative: refunded), and both together."""

    first: Decimal | None
    deposit: Decimal | None
    first_due: Decimal | None
    second: Decimal | None
    total: Decimal | None
    needs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Materials:
    """What the materials of an order come to; None stands for what is not determined."""

    lines: tuple[MaterialLine, ...]
    total_boxes: int | None
    total_weight: Decimal | None
    stock_short: bool | None
    vehicle: str | None
    carrier_paid_by: str | None
    vehicle_arranged_by: str | None
    vehicle_rule: RuleUse | None
    goods: Decimal | None
    processing: Decimal | None
    processing_sheet: tuple[SheetLine, ...]
    settlement: Settlement
    currency: str
    illustrative: tuple[str, ...]
    needs: tuple[str, ...]


class Views(Protocol):
    """What expands the columns of a decision: the policy that made it."""

    def completed(self, decision: Decision) -> Sequence[Cell]: ...
    def completed_lines(self, decision: Decision) -> Mapping[str, Sequence[Sequence[Cell]]]: ...
    def column(self, decision: Decision, name: str) -> Cell: ...
    def coverage(self, decision: Decision) -> Coverage: ...
    def targets(self, decision: Decision) -> dict[str, Target]: ...
    def quote(self, decision: Decision) -> Quote | None: ...
    def penalties(self, decision: Decision) -> tuple[Penalty, ...]: ...
    def items(self, decision: Decision, table: str) -> tuple[Item, ...]: ...
    def compensation(self, decision: Decision) -> Compensation | None: ...
    def materials(self, decision: Decision) -> Materials | None: ...
    def overrides(self, decision: Decision) -> tuple[OverrideUse, ...]: ...
    def needs(self, decision: Decision) -> tuple[str, ...]: ...
    def next_change_at(self, decision: Decision) -> datetime | None: ...
    def rules(self, decision: Decision) -> tuple[RuleUse, ...]: ...
    def governing_dates(self, decision: Decision) -> dict[str, date | None]: ...
    def as_dict(self, decision: Decision) -> dict[str, Any]: ...

    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...


class Layout(Protocol):
    """Where an engine put its columns: see :class:`svc_policy.engines.python.Compiled`."""

    @property
    def index(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def constants(self) -> Mapping[str, Cell]: ...
    @property
    def late(self) -> tuple[str, ...]: ...
    @property
    def later(self) -> Callable[[Any, Any, int], Sequence[Cell]]: ...


class Decision:
    """The answer to one ticket under one policy at one instant.

    `early` and `lines` are what the engine computed, in internal units, where
    `layout` says; :attr:`values` and :attr:`children` put them into the order
    of the plan, the columns included that are computed when they are looked at.
    """

    __slots__ = ("_late", "at_s", "early", "layout", "lines", "policy", "ticket")

    def __init__(
        self,
        policy: Views,
        ticket: Any,
        at_s: int,
        early: Sequence[Cell],
        lines: Mapping[str, Sequence[Sequence[Cell]]],
        layout: Layout,
    ) -> None:
        self.policy = policy
        self.ticket = ticket
        self.at_s = at_s
        self.early = early
        self.lines = lines
        self.layout = layout
        self._late: Sequence[Cell] | None = None

    @property
    def late(self) -> Sequence[Cell]:
        """The columns that are computed when somebody looks, once."""
        if self._late is None:
            self._late = self.layout.later(self.ticket, self.early, self.at_s)
        return self._late

    @property
    def values(self) -> Sequence[Cell]:
        """The ticket's columns in internal units, in the order of the plan."""
        return self.policy.completed(self)

    @property
    def children(self) -> Mapping[str, Sequence[Sequence[Cell]]]:
        """The columns of parts, incidents and overrides, in the order of the plan."""
        return self.policy.completed_lines(self)

    def column(self, name: str) -> Cell:
        """Give one column in internal units: epoch seconds, epoch days, minor units."""
        return self.policy.column(self, name)

    @property
    def category(self) -> str | None:
        """The category A, B, C or D; None if undetermined."""
        found = self.column("category")
        return found if isinstance(found, str) else None

    @property
    def coverage(self) -> Coverage:
        """Warranty, exclusions and contract, for the ticket and each part."""
        return self.policy.coverage(self)

    @property
    def targets(self) -> dict[str, Target]:
        """Every target by its name, those that do not apply included."""
        return self.policy.targets(self)

    @property
    def quote(self) -> Quote | None:
        """The quote, or None if the policy prices nothing."""
        return self.policy.quote(self)

    @property
    def materials(self) -> Materials | None:
        """What the materials of an order come to, or None where there are none."""
        return self.policy.materials(self)

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """The penalties, one a rule and incident or missed target."""
        return self.policy.penalties(self)

    @property
    def approvals(self) -> tuple[Item, ...]:
        """What needs whose approval."""
        return self.policy.items(self, "approvals")

    @property
    def escalations(self) -> tuple[Item, ...]:
        """Who is told about which target."""
        return self.policy.items(self, "escalations")

    @property
    def needs(self) -> tuple[str, ...]:
        """The facts to ask for next, the first question first; empty if all is determined."""
        return self.policy.needs(self)

    @property
    def next_change_at(self) -> datetime | None:
        """The first instant after `at` at which the decision changes if nothing else happens."""
        return self.policy.next_change_at(self)

    @property
    def rules(self) -> tuple[RuleUse, ...]:
        """Every rule that made the decision, in the order in which it is made."""
        return self.policy.rules(self)

    def items(self, table: str) -> tuple[Item, ...]:
        """List the rows of a listing table that hold: ``forms``, ``checklists``, ``routing`` and their like."""
        return self.policy.items(self, table)

    def to_dict(self) -> dict[str, Any]:
        """Give the decision as JSON-ready data; see ``svc-policy schema decision``."""
        return self.policy.as_dict(self)

    def __repr__(self) -> str:
        return f"<Decision {self.policy.id}@{self.policy.digest[:12]} category={self.category!r} needs={self.needs!r}>"
