"""What we are told: a ticket, its parts, holds, incidents, overrides and materials.

Every field is a fact of :mod:`svc_policy.facts.registry`, in its order, and may
be missing. Units are in the names: dates end in `_on`, instants in `_at`,
distances are kilometres, areas square metres, weights kilograms, labour is hours, money is in major units of the
policy's currency (yuan, not fen).

A record is checked when it is made, and everything that is wrong with it is
raised together as one :class:`~svc_policy.errors.TicketError`. The same pass
computes `values`, the plain tuple that engines read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final, Self, TypeVar

import attrs

from svc_policy.errors import Problem, TicketError, problem
from svc_policy.facts.normal import (
    Refusal,
    Value,
    check_undeclared,
    company_facts,
    declared,
    inside,
    listed,
    mistyped,
    normalise,
    shown,
    unknown_field,
)
from svc_policy.facts.registry import LISTS, MAX_TILES, Fact, Grain
from svc_policy.messages import message

#: What a ticket is called by whoever keeps it; no rule reads it, so it is no fact.
TICKET_ID: Final = Fact(name="ticket_id", kind="text", absence="none", en="ticket", zh="工单")

_Line = TypeVar("_Line")


def _declarations(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(facts)


def _listed(lines: Iterable[_Line]) -> tuple[_Line, ...]:
    # What cannot be gone through stays as it is and is reported with the other problems.
    return tuple(lines) if isinstance(lines, Iterable) else lines


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Record:
    """What all records share: the settings they are read with, and their internal values.

    `values` holds one integer, text, truth or None a fact, in registry order:
    minor units, metres, cm², grams, seconds, epoch seconds (fractions dropped), days since
    1970-01-01; missing facts with a default hold it. Records with equal values
    are equal, however they were written down.

    `currency_digits` is the number of decimals of the currency. `facts` are the
    declarations of a policy, which may change the enumeration of a built-in fact.
    """

    grain: ClassVar[Grain]

    currency_digits: int = 2
    facts: tuple[Fact, ...] = attrs.field(default=(), converter=_declarations)
    values: tuple[Value, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        problems = self._settle()
        if problems:
            raise TicketError(problems)

    def _settle(self) -> list[Problem]:
        """Compute `values` and return everything that is wrong."""
        problems: list[Problem] = []
        values: list[Value] = []
        for fact in declared(self.grain, self.facts):
            value: Value = None
            given = getattr(self, fact.name)
            if given is not None:
                try:
                    value = normalise(fact, given, field=fact.name, currency_digits=self.currency_digits)
                except Refusal as refusal:
                    problems.append(refusal.problem)
            values.append(fact.default if value is None else value)
        object.__setattr__(self, "values", tuple(values))
        return problems

    def _identity(self) -> tuple[object, ...]:
        return (self.currency_digits, self.values)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        fields = [field for field in attrs.fields(type(self)) if field.init and field.name != "facts"]
        # Most of seventy facts are missing; only what was stated says something.
        stated = [(field.name, getattr(self, field.name), field.default) for field in fields]
        listed = ", ".join(f"{name}={value!r}" for name, value, default in stated if value not in (default, {}))
        return f"{type(self).__name__}({listed})"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Part(Record):
    """State one part that the job uses: a line of the quote."""

    grain: ClassVar[Grain] = "part"

    part_no: str | None = None
    part_class: str | None = None
    quantity: int | None = None
    unit_price: Decimal | int | None = None
    part_cause: str | None = None
    part_warranty_until: date | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Hold(Record):
    """State one span during which targets stand still; open while `until_at` is missing."""

    grain: ClassVar[Grain] = "hold"

    hold_kind: str | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None

    def _settle(self) -> list[Problem]:
        problems = super()._settle()
        _, began, ended = self.values
        if isinstance(began, int) and isinstance(ended, int) and ended < began:
            template = message(
                "`{field}` is `{value}`, before the hold began at `{began}`",
                field="until_at",
                value=shown(self.until_at),
                began=shown(self.from_at),
            )
            problems.append(problem("ticket-hold-ends-early", template))
        return problems


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Incident(Record):
    """State one incident that a penalty may follow."""

    grain: ClassVar[Grain] = "incident"

    incident_kind: str | None = None
    occurred_on: date | None = None
    person: str | None = None
    record_faulty: bool | None = None
    extra_cost: Decimal | int | None = None
    loss: Decimal | int | None = None
    occurred_at: datetime | None = None
    customer_complained: bool | None = None
    delayed_repair: bool | None = None
    unreported: bool | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Override(Record):
    """State goodwill that a named role grants for a reason, up to an amount."""

    grain: ClassVar[Grain] = "override"

    override_kind: str | None = None
    role: str | None = None
    reason: str | None = None
    amount: Decimal | int | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Material(Record):
    """State one kind of tile of an order: the area, how it is packed, its processing, what changed while laying."""

    grain: ClassVar[Grain] = "material"

    tile_model: str | None = None
    area_m2: Decimal | int | None = None
    tile_length_mm: int | None = None
    tile_width_mm: int | None = None
    tiles_per_box: int | None = None
    box_weight_kg: Decimal | int | None = None
    box_price: Decimal | int | None = None
    boxes_in_stock: int | None = None
    processing: str | None = None
    pieces: int | None = None
    pieces_per_tile: int | None = None
    processing_price: Decimal | int | None = None
    boxes_added: int | None = None
    boxes_returned: int | None = None
    tiles_processed_again: int | None = None

    def _settle(self) -> list[Problem]:
        problems = super()._settle()
        area, length, width = self.values[1:4]
        # An area has 100 mm2 in each of its cm2.
        if (
            isinstance(area, int)
            and isinstance(length, int)
            and isinstance(width, int)
            and area * 100 > MAX_TILES * length * width
        ):
            template = message(
                "`{field}` is `{value}`, more than {most} tiles of {length} mm by {width} mm",
                field="area_m2",
                value=shown(self.area_m2),
                most=MAX_TILES,
                length=length,
                width=width,
            )
            problems.append(problem("ticket-too-many-tiles", template, help=message("a side of a tile is in mm")))
        return problems


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Ticket(Record):
    """State what is known about one request for service.

    `extra` holds the facts that a company declares in its policy; their
    internal values are in `extra_values` once `facts` are given, by
    :func:`~svc_policy.facts.reading.read_ticket` or :meth:`with_facts`.

    Raises:
        TicketError: A field has the wrong type, an unknown enumeration value, too many decimals or lies outside its
            limits; an instant has no offset; a hold ends before it began. All such problems are in it.
    """

    grain: ClassVar[Grain] = "ticket"

    customer: str | None = None
    customer_phone: str | None = None
    customer_address: str | None = None
    district: str | None = None
    contact_person: str | None = None
    site: str | None = None
    site_situation: str | None = None
    customer_kind: str | None = None
    channel: str | None = None
    request_kind: str | None = None
    received_by: str | None = None
    problem: str | None = None
    problem_class: str | None = None
    department: str | None = None
    departments_needed: int | None = None
    internal: bool | None = None
    serial_no: str | None = None
    item_code: str | None = None
    product_class: str | None = None
    key_equipment: bool | None = None
    order_no: str | None = None
    product_quantity: int | None = None
    supplier: str | None = None
    purchased_on: date | None = None
    delivered_on: date | None = None
    installed_on: date | None = None
    accepted_on: date | None = None
    warranty_until: date | None = None
    suspended_days: int | None = None
    contract_no: str | None = None
    contract_kind: str | None = None
    contract_from: date | None = None
    contract_until: date | None = None
    contract_covers_labour: bool | None = None
    contract_covers_parts: bool | None = None
    contract_visits_left: int | None = None
    contract_hours_left: Decimal | int | timedelta | None = None
    cause: str | None = None
    fault_type: str | None = None
    fault_code: str | None = None
    earlier_repairs: int | None = None
    fault_grows: bool | None = None
    supplier_fault: bool | None = None
    on_site: bool | None = None
    solved_by_telephone: bool | None = None
    self_service: bool | None = None
    parts_needed: bool | None = None
    distance_km: Decimal | int | None = None
    zone: str | None = None
    technician: str | None = None
    taken_in: bool | None = None
    first_time_fixed: bool | None = None
    labour_hours: Decimal | int | timedelta | None = None
    visit_time: str | None = None
    parts_delivery: str | None = None
    injury: bool | None = None
    safety_hazard: bool | None = None
    press_interest: bool | None = None
    amount_claimed: Decimal | int | None = None
    earlier_complaints: int | None = None
    fee_refused: bool | None = None
    entertainment_claimed: bool | None = None
    entertainment_agreed: bool | None = None
    received_at: datetime | None = None
    registered_at: datetime | None = None
    relayed_at: datetime | None = None
    contacted_at: datetime | None = None
    answered_at: datetime | None = None
    solution_at: datetime | None = None
    quoted_at: datetime | None = None
    confirmed_at: datetime | None = None
    dispatched_at: datetime | None = None
    promised_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    taken_in_at: datetime | None = None
    finished_at: datetime | None = None
    handed_back_at: datetime | None = None
    invoiced_at: datetime | None = None
    returned_at: datetime | None = None
    reported_at: datetime | None = None
    material_returned_at: datetime | None = None
    handed_in_at: datetime | None = None
    audited_at: datetime | None = None
    taken_up_at: datetime | None = None
    investigated_at: datetime | None = None
    decided_at: datetime | None = None
    replied_at: datetime | None = None
    improvement_due_at: datetime | None = None
    improved_at: datetime | None = None
    followed_up_at: datetime | None = None
    called_back_at: datetime | None = None
    closed_at: datetime | None = None
    rated_attitude: int | None = None
    rated_skill: int | None = None
    rated_arrival: int | None = None
    rated_promises: int | None = None
    satisfaction: str | None = None
    dissatisfied_with: str | None = None
    cost_repair: Decimal | int | None = None
    cost_parts: Decimal | int | None = None
    cost_logistics: Decimal | int | None = None
    cost_labour: Decimal | int | None = None
    cost_compensation: Decimal | int | None = None
    deposit_paid: Decimal | int | None = None
    compensation_claimed: Decimal | int | None = None
    contract_compensation_limit: Decimal | int | None = None
    recorded_category: str | None = None
    recorded_fee: Decimal | int | None = None
    recorded_due_at: datetime | None = None

    ticket_id: str = ""
    parts: tuple[Part, ...] = attrs.field(default=(), converter=_listed)
    holds: tuple[Hold, ...] = attrs.field(default=(), converter=_listed)
    incidents: tuple[Incident, ...] = attrs.field(default=(), converter=_listed)
    overrides: tuple[Override, ...] = attrs.field(default=(), converter=_listed)
    materials: tuple[Material, ...] = attrs.field(default=(), converter=_listed)
    extra: Mapping[str, object] = attrs.field(factory=dict)
    extra_values: dict[str, int | str | bool] = attrs.field(init=False)
    #: Which facts are stated and which lists have records, as one number: tickets of one shape take one way.
    shape: int = attrs.field(init=False)

    def _settle(self) -> list[Problem]:
        problems = super()._settle()
        try:
            normalise(TICKET_ID, self.ticket_id, field="ticket_id", currency_digits=0)
        except Refusal as refusal:
            problems.append(refusal.problem)
        for grain, record in ((record.grain, record) for record in RECORDS[:-1]):
            problems += self._settle_lines(LISTS[grain], record)
        if not isinstance(self.extra, Mapping):
            return [*problems, mistyped("extra", self.extra, message("a set of named facts"))]
        values, found = settle_extra(self.extra, self.facts, self.currency_digits)
        object.__setattr__(self, "extra_values", values)
        # An undeclared float and the same number read from JSON are to be equal.
        extra = {
            name: Decimal(repr(given)) if isinstance(given, float) and not found else given
            for name, given in self.extra.items()
        }
        object.__setattr__(self, "extra", extra)
        lists = (self.parts, self.holds, self.incidents, self.overrides, self.materials)
        shape = sum(1 << index for index, item in enumerate((*lists, *self.values)) if item not in (None, ()))
        object.__setattr__(self, "shape", shape)
        names = [fact.name for fact in company_facts(self.facts)]
        return [*problems, *listed([inside("extra", each) for each in found], {"": (), "extra": names})]

    def _settle_lines(self, field: str, record: type[Record]) -> list[Problem]:
        """Check the records of one list and read them under the ticket's declarations."""
        lines = getattr(self, field)
        if not isinstance(lines, tuple):
            return [mistyped(field, lines, message("a list of records"))]
        problems: list[Problem] = []
        settled: list[Record] = []
        for index, line in enumerate(lines):
            path = f"{field}[{index}]"
            if not isinstance(line, record):
                problems.append(mistyped(path, line, message("a record of kind `{record}`", record=record.__name__)))
                continue
            if line.currency_digits != self.currency_digits:
                template = message(
                    "`{field}` counts money with {given} decimals, its ticket with {wanted}",
                    field=path,
                    given=line.currency_digits,
                    wanted=self.currency_digits,
                )
                problems.append(problem("ticket-two-currencies", template))
            try:
                settled.append(line if line.facts == self.facts else attrs.evolve(line, facts=self.facts))
            except TicketError as error:
                problems += (inside(path, found) for found in error.problems)
        object.__setattr__(self, field, tuple(settled))
        return problems

    def _identity(self) -> tuple[object, ...]:
        lines = (self.parts, self.holds, self.incidents, self.overrides, self.materials)
        extra = self.extra_values if self.facts else self.extra
        return (self.ticket_id, super()._identity(), lines, frozenset(extra.items()))

    def with_facts(self, facts: Iterable[Fact]) -> Self:
        """Return the ticket read under the declarations of a policy.

        Raises:
            TicketError: A value is not among those that the policy declares, or `extra` states an undeclared fact.
        """
        return attrs.evolve(self, facts=facts)


#: The records of a ticket, the ticket last.
RECORDS: Final[tuple[type[Record], ...]] = (Part, Hold, Incident, Override, Material, Ticket)


def settle_extra(
    extra: Mapping[str, object], facts: Sequence[Fact], currency_digits: int
) -> tuple[dict[str, int | str | bool], list[Problem]]:
    """Compute the internal values of a company's facts; without declarations only their types can be checked."""
    values: dict[str, int | str | bool] = {}
    known = {fact.name: fact for fact in company_facts(facts)}
    problems = [unknown_field(str(name)) for name in extra if facts and name not in known]
    for name in extra if not facts else ():
        try:
            check_undeclared(str(name), extra[name])
        except Refusal as refusal:
            problems.append(refusal.problem)
    for name, fact in known.items():
        try:
            value = normalise(fact, extra.get(name), field=name, currency_digits=currency_digits)
        except Refusal as refusal:
            problems.append(refusal.problem)
            continue
        value = fact.default if value is None else value
        if value is not None:
            values[name] = value
    return values, problems
