"""What is counted of a change: decisions that differ part by part, money line by line, late targets, lists.

A measure is a number that a ticket has under each of two policies, or under both
together, written as SQL over the columns of a joint plan. Nothing is written for
what cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from svc_policy.facts.registry import MILESTONES
from svc_policy.plan import Plan, result_names
from svc_policy.policy import Policy
from svc_policy.rules.escalations import watched
from svc_policy.rules.family import Cell, Parameter, Row
from svc_policy.units import Literal, format_literal

#: Parts of a decision, in the order in which it is made.
PARTS: Final = (
    "coverage",
    "category",
    "targets",
    "quote",
    "materials",
    "approvals",
    "penalties",
    "compensation",
    "escalations",
    "intake",
    "routing",
    "procedures",
    "forms",
    "checklists",
    "surveys",
    "duties",
    "other",
)
_PART_OF_FAMILY: Final[Mapping[str, str]] = {
    "warranty": "coverage",
    "exclusions": "coverage",
    "entitlements": "coverage",
    "deadlines": "targets",
    **dict.fromkeys(("fees", "part_fees", "surcharges", "payers", "overrides", "confirmations"), "quote"),
    **dict.fromkeys(("materials", "processing", "vehicles", "settlements"), "materials"),
    "late_penalties": "penalties",
    "compensations": "compensation",
}
_PART_OF_COLUMN: Final[Mapping[str, str]] = {
    **dict.fromkeys(("in_warranty", "warranty_end", "covered", "excluded", "in_contract"), "coverage"),
    **dict.fromkeys(("part_in_warranty", "part_warranty_end", "part_covered", "part_excluded"), "coverage"),
    "category": "category",
    **dict.fromkeys(("subtotal", "discount", "tax", "parts_tax", "total", "payable", "parts_amount"), "quote"),
    **dict.fromkeys(("payer", "chargeable", "needs_confirmation", "part_amount", "part_share", "part_tax"), "quote"),
    **dict.fromkeys(("override_limit", "override_accepted"), "quote"),
    **dict.fromkeys(("penalty_least", "penalty_most", "incident_least", "incident_most"), "penalties"),
    **dict.fromkeys(("incidents_least", "incidents_most"), "penalties"),
    **dict.fromkeys(("total_boxes", "total_weight", "goods_total", "stock_short", "processing_total"), "materials"),
    **dict.fromkeys(("processing_wanted", "vehicle", "second_costs"), "materials"),
}
#: Sums of money a ticket has, beside its fees and surcharges, in the order in which they are shown.
_AMOUNTS_BEFORE: Final = ("parts_amount", "goods_total", "processing_total")
_AMOUNTS_AFTER: Final = (
    *("subtotal", "discount", "tax", "total", "payable", "settlement_total", "compensation_allowed"),
    *("penalty_least", "penalty_most"),
)
_MONEY: Final = frozenset(
    {*_AMOUNTS_BEFORE, *_AMOUNTS_AFTER, "parts_tax", "part_amount", "part_tax", "override_limit", "second_costs"}
    | {"incident_least", "incident_most", "incidents_least", "incidents_most", "compensation_limit"}
    | {"settlement_first", "settlement_first_due", "settlement_second"}
    | {"line_goods", "line_processing_price", "line_processing_fee", "line_added", "line_returned", "line_again"}
    | {"line_second"}
)
#: Result cells that shape what is computed; the rest of the texts is what a row says.
_COMPUTED: Final = frozenset({"starts", "ends", "clock", "line", "measure", "of", "category", "payer", "zone", "class"})
_LATE: Final = "('late', 'breached')"


@attrs.frozen(kw_only=True)
class Variant:
    """One of the policies in a joint plan: its own plan, and the SQL of its columns."""

    policy: Policy
    plan: Plan
    names: Mapping[str, str]
    table: str
    results: frozenset[str]
    #: The grains of lines that some ticket has.
    children: tuple[str, ...]
    #: What has been written before: differences from another variant, and what the rows of each table say.
    kept: dict[object, dict[str, list[str]]] = attrs.field(factory=dict, repr=False, eq=False)
    said: dict[str, list[tuple[tuple[str, str], ...]]] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def names_key(self) -> int:
        """Tell this variant from the others of its joint plan."""
        return id(self.names)

    def column(self, name: str) -> str | None:
        """Give the SQL of a column; None where the policy has none."""
        made = self.names.get(name)
        return None if made is None else f'{self.table}."{made}"'


def variant(policy: Policy, plan: Plan, names: Mapping[str, str], table: str, children: Sequence[str]) -> Variant:
    """Make a variant."""
    results = frozenset(result_names(plan))
    return Variant(policy=policy, plan=plan, names=names, table=table, results=results, children=tuple(children))


@attrs.frozen(kw_only=True)
class Measure:
    """Something that is added up over tickets.

    `kind` is ``changed`` (tickets, a part of the decision in `name`; "" for any), ``money`` (minor units, by line),
    ``late``, ``newly late``, ``no longer late``, ``newly met`` (tickets, by target), or ``list`` (how often the item
    `name` of the list `list` comes up). `own` writes what a ticket has under one policy, None for what
    only two together have; `pair` writes the difference of two, None where there can be none.
    """

    kind: str
    name: str
    list: str = ""
    grain: str = "ticket"
    own: Callable[[Variant], str | None] | None = attrs.field(default=None, repr=False, eq=False)
    pair: Callable[[Variant, Variant], str | None] = attrs.field(repr=False, eq=False)

    @property
    def key(self) -> str:
        """Name the measure in one word, as in `money/total`."""
        return "/".join(part for part in (self.kind, self.list, self.name) if part)

    @property
    def unit(self) -> str:
        """Say what it counts: ``minor`` units of the currency, or ``tickets``."""
        return "minor" if self.kind == "money" else "tickets"


def part_of(name: str, plan: Plan) -> str:
    """Say which part of a decision a column of a plan belongs to."""
    if name in _PART_OF_COLUMN:
        return _PART_OF_COLUMN[name]
    if name.endswith(("_status", "_due")) and name.rpartition("_")[0] in MILESTONES:
        return "targets"
    if name.startswith(("fee_", "surcharge_")):
        return "quote"
    if name.startswith(("line_", "settlement_")):
        return "materials"
    if name.startswith("compensation_"):
        return "compensation"
    if name.startswith("procedures_"):
        return "procedures"
    return "other"


def part_of_family(family: str) -> str:
    """Say which part of a decision a family of rules makes."""
    part = _PART_OF_FAMILY.get(family, family)
    return part if part in PARTS else "other"


# --- what differs


def differences(old: Variant, new: Variant, grain: str, *, with_money: bool) -> dict[str, list[str]]:
    """Write, for each part of the decision, the conditions under which two decisions of a grain differ in it."""
    kept = new.kept.get((old.names_key, grain))
    if kept is None:
        found: dict[str, list[str]] = {}
        for part, condition in _differences(old, new, grain, with_money):
            if condition not in found.setdefault(part, []):
                found[part].append(condition)
        kept = new.kept[old.names_key, grain] = {part: found[part] for part in PARTS if part in found}
    return kept


def _differences(old: Variant, new: Variant, grain: str, with_money: bool) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*_results(old, grain), *_results(new, grain))):
        if not with_money and is_money(name):
            continue
        before, after = old.column(name), new.column(name)
        if before == after:
            continue
        part = part_of(name, new.plan if after else old.plan)
        yield part, f"{or_none(before, name)} IS DISTINCT FROM {or_none(after, name)}"
    for table in dict.fromkeys((*old.plan.tables, *new.plan.tables)):
        part = part_of_family(_family(old if table in old.plan.tables else new, table))
        for ending in ("fired", "done", "next"):
            masks = [_items_mask(each, table, ending, grain, (old, new)) for each in (old, new)]
            if masks[0] != masks[1]:
                yield part, f"{masks[0] or 0} <> {masks[1] or 0}"
        said = [_said(each, table, grain) for each in (old, new)]
        if said[0] != said[1]:
            yield part, f"{said[0] or 'NULL'} IS DISTINCT FROM {said[1] or 'NULL'}"


def _results(of: Variant, grain: str) -> list[str]:
    """List the results of a grain that are values; rows and masks mean nothing without their tables."""
    return [
        name
        for name in of.plan.names(grain)
        if name in of.results
        and not name.endswith(("_row", "_fired"))
        and name not in ("next_change_at", "procedures_done", "procedures_next", "request_day")
        and not _is_leading(name)
    ]


def _is_leading(name: str) -> bool:
    """Say whether a column only leads to the due instant of a target."""
    return any(
        name.startswith(f"{target}_") and not name.endswith(("_status", "_due")) for target in MILESTONES
    ) or name.endswith("_due_days")


def is_money(name: str) -> bool:
    """Say whether a result, by its name, is an amount of money."""
    return name in _MONEY or name.startswith(("fee_", "surcharge_"))


def or_none(column: str | None, name: str) -> str:
    """Write a column, or what a policy without it says: no amount, no such target, nothing."""
    if column is not None:
        return column
    if is_money(name):
        return "0"
    return "'not applicable'" if name.endswith("_status") else "NULL"


def _family(of: Variant, table: str) -> str:
    return of.policy.family_of(table)


# --- lists


def items(of: Variant, table: str) -> list[tuple[tuple[str, str], ...]]:
    """List what each row of a table says, as pairs of a result and its cell; equal for rows that say the same."""
    if table not in of.said:
        of.said[table] = _items(of, table)
    return of.said[table]


def _items(of: Variant, table: str) -> list[tuple[tuple[str, str], ...]]:
    rows = of.plan.tables.get(table, ())
    found = [tuple((name, _cell(cell)) for name, cell in row.results.items() if cell is not None) for row in rows]
    if table == "escalations":
        # A row stands there once for each target that it watches.
        targets = _watched(of.policy.pack.rows.get("escalations", ()))
        return [(("target", target), *said) for target, said in zip(targets, found, strict=True)]
    if table == "late_penalties":
        return [(("target", _target(row)), *said) for row, said in zip(rows, found, strict=True)]
    return found


def _watched(rows: Iterable[Row]) -> list[str]:
    return [target for row in rows for target in watched(row) or [""]]


def _target(row: Row) -> str:
    return str(row.tests["target"].items[0].low.value)  # type: ignore[union-attr]


def _cell(cell: Cell) -> str:
    if isinstance(cell, Parameter):
        return f"{{{cell.name}}}"
    if isinstance(cell, tuple):
        return ", ".join(cell)
    return format_literal(cell) if isinstance(cell, Literal) else ""


def _items_mask(of: Variant, table: str, ending: str, grain: str, both: Sequence[Variant]) -> str | None:
    """Write the mask of the items that come up, the items of two policies numbered together."""
    name = f"{table}_{ending}"
    column = of.column(name)
    if column is None or of.plan.columns[name].grain != grain or table in ("surcharges",):
        return None
    columns = {each.column(name) for each in both}
    if len(columns) == 1 and items(both[0], table) == items(both[1], table):
        return column
    numbers = {
        item: number for number, item in enumerate(dict.fromkeys(i for each in both for i in items(each, table)))
    }
    return f"({' | '.join(_moved_bits(column, [numbers[item] for item in items(of, table)], len(numbers))) or 0})"


def _moved_bits(column: str, places: Sequence[int], count: int) -> list[str]:
    kind = "BIGINT" if count <= 62 else "HUGEINT"
    by_place: dict[int, int] = {}
    for bit, place in enumerate(places):
        by_place[place] = by_place.get(place, 0) | 1 << bit
    return [
        f"CASE WHEN ({column} & {mask}) <> 0 THEN {1 << place}::{kind} ELSE 0::{kind} END"
        for place, mask in by_place.items()
    ]


def _said(of: Variant, table: str, grain: str) -> str | None:
    """Write what the row that holds says beside its computed results: an owner, who decides."""
    name = f"{table}_row"
    column = of.column(name)
    if column is None or of.plan.columns[name].grain != grain or name not in of.plan.columns:
        return None
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(of.plan.tables[table], start=1):
        texts = [
            f"{result}: {_cell(cell)}"
            for result, cell in row.results.items()
            if result not in _COMPUTED and cell is not None and not _is_figure(cell)
        ]
        if texts:
            groups.setdefault("; ".join(texts), []).append(number)
    if not groups:
        return None
    branches = " ".join(
        f"WHEN {column} IN ({', '.join(map(str, rows))}) THEN {quoted(text)}" for text, rows in groups.items()
    )
    return f"CASE {branches} END"


def _is_figure(cell: Cell) -> bool:
    return isinstance(cell, Parameter) or (isinstance(cell, Literal) and cell.kind != "text")


def quoted(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


# --- measures


def measures(old: Variant, new: Variant, variants: Sequence[Variant], *, with_money: bool) -> list[Measure]:
    """List what is worth counting of the change from one policy to another, or of an alteration alone."""
    found: list[Measure] = [_changed("", with_money)]
    found += [_changed(part, with_money) for part in PARTS]
    for target in dict.fromkeys(name for each in variants for name in each.plan.tables if name in MILESTONES):
        found += _of_target(target)
    if with_money:
        found += [_amount(name, columns) for name, columns in _amounts(variants).items()]
    for table in dict.fromkeys(name for each in variants for name in each.plan.tables):
        found += _of_list(table, variants)
    others = [each for each in variants if each is not old]
    return [measure for measure in found if any(measure.pair(old, each) is not None for each in others)]


def _changed(part: str, with_money: bool) -> Measure:
    def pair(old: Variant, new: Variant) -> str | None:
        conditions = []
        for grain in ("ticket", *old.children):
            of = differences(old, new, grain, with_money=with_money)
            listed = [item for name, items_of in of.items() if part in ("", name) for item in items_of]
            if grain == "ticket":
                conditions += listed
            elif listed:
                conditions.append(any_line(grain, old, new, listed))
        return f"CASE WHEN {' OR '.join(conditions)} THEN 1 ELSE 0 END" if conditions else None

    return Measure(kind="changed", name=part, pair=pair)


#: Child grains and the names of their tables in a query.
CHILDREN: Final = ("part", "incident", "override", "material")


def child_table(table: str, grain: str) -> str:
    """Name the table of the lines of a grain that goes with a table of tickets."""
    return f"{table}_{grain}"


def any_line(grain: str, old: Variant, new: Variant, conditions: Sequence[str]) -> str:
    """Write that some line of the ticket differs."""
    text = " OR ".join(conditions)
    tables = [table for table in dict.fromkeys((old.table, new.table)) if f'{table}."' in text]
    for table in tables:
        text = text.replace(f'{table}."', f'{child_table(table, grain)}."')
    source = child_table(tables[0], grain)
    if len(tables) > 1:
        source += f" JOIN {child_table(tables[1], grain)} USING (ticket_id, line)"
    return f"{old.table}.ticket_id IN (SELECT {child_table(tables[0], grain)}.ticket_id FROM {source} WHERE {text})"


def _of_target(target: str) -> Iterator[Measure]:
    name = f"{target}_status"

    def late(of: Variant) -> str | None:
        column = of.column(name)
        return None if column is None else f"coalesce({column} IN {_LATE}, false)"

    def met(of: Variant) -> str | None:
        column = of.column(name)
        return None if column is None else f"coalesce({column} = 'met', false)"

    def counted(of: Variant) -> str | None:
        found = late(of)
        return None if found is None else f"CASE WHEN {found} THEN 1 ELSE 0 END"

    def becomes(state: Callable[[Variant], str | None]) -> Callable[[Variant, Variant], str | None]:
        def pair(old: Variant, new: Variant) -> str | None:
            before, after = state(old) or "false", state(new) or "false"
            return None if before == after else f"CASE WHEN {after} AND NOT {before} THEN 1 ELSE 0 END"

        return pair

    yield Measure(kind="late", name=target, own=counted, pair=_difference(counted))
    yield Measure(kind="newly late", name=target, pair=becomes(late))
    yield Measure(kind="no longer late", name=target, pair=lambda old, new: becomes(late)(new, old))
    yield Measure(kind="newly met", name=target, pair=becomes(met))


def _difference(own: Callable[[Variant], str | None]) -> Callable[[Variant, Variant], str | None]:
    def pair(old: Variant, new: Variant) -> str | None:
        before, after = own(old) or "0", own(new) or "0"
        return None if before == after else f"({after}) - ({before})"

    return pair


def _amounts(variants: Sequence[Variant]) -> dict[str, Callable[[Variant], list[str]]]:
    """List the sums of money a ticket has, by line, with the columns that make them."""

    def of(name: str) -> Callable[[Variant], list[str]]:
        return lambda each: [name]

    def of_line(line: str) -> Callable[[Variant], list[str]]:
        return lambda each: [
            f"surcharge_{number}"
            for number, row in enumerate(each.policy.pack.rows.get("surcharges", ()), start=1)
            if (row.text("line") or "") == line
        ]

    fees = [name for each in variants for name in each.plan.tables if name.startswith("fee_")]
    found = {name: of(f"{name}_amount") for name in fees}
    found |= {name: of(name) for name in _AMOUNTS_BEFORE}
    lines = [row.text("line") or "" for each in variants for row in each.policy.pack.rows.get("surcharges", ())]
    found |= {f"surcharge_{line}": of_line(line) for line in lines}
    found |= {name: of(name) for name in _AMOUNTS_AFTER}
    return found


def _amount(name: str, columns: Callable[[Variant], list[str]]) -> Measure:
    def own(of: Variant) -> str | None:
        there = [column for item in columns(of) if (column := of.column(item)) is not None]
        return " + ".join(f"coalesce({column}, 0)" for column in there) or None

    return Measure(kind="money", name=name, own=own, pair=_difference(own))


def _of_list(table: str, variants: Sequence[Variant]) -> Iterator[Measure]:
    """Yield a measure for every item of a list, of the tickets' own lists only."""
    name = f"{table}_fired"
    having = [each for each in variants if name in each.plan.columns and each.plan.columns[name].grain == "ticket"]
    if table == "surcharges" or not having:
        return
    said = {each.policy.digest: items(each, table) for each in having}
    for item in dict.fromkeys(one for of in said.values() for one in of):
        yield _item(table, name, item)


def _item(table: str, name: str, item: tuple[tuple[str, str], ...]) -> Measure:
    def own(of: Variant) -> str | None:
        column = of.column(name)
        mask = sum(1 << bit for bit, said in enumerate(items(of, table)) if said == item)
        return f"CASE WHEN ({column} & {mask}) <> 0 THEN 1 ELSE 0 END" if column and mask else None

    listed = "; ".join(f"{key}: {text}" for key, text in item if text)
    return Measure(kind="list", name=listed, list=table, own=own, pair=_difference(own))
