"""The views of a decision: what its columns mean, with names, texts and the rules behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from svc_policy.decision import (
    Cell,
    Compensation,
    Coverage,
    Decision,
    Item,
    Materials,
    OverrideUse,
    PartCoverage,
    Penalty,
    Quote,
    QuoteLine,
    RuleUse,
    Target,
)
from svc_policy.facts.registry import BUILT_IN, MILESTONES
from svc_policy.pack.source import SHARED
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Parameter, Row
from svc_policy.units import Allowance, Literal, format_literal, minor_digits

if TYPE_CHECKING:
    from svc_policy.engines.runtime import PolicyClocks
    from svc_policy.pack.load import Pack
    from svc_policy.plan import Plan

EPOCH = date(1970, 1, 1).toordinal()
#: So many rules and items are kept ready; a policy of more makes the rest anew each time.
MOST_KEPT = 20_000
#: Listing tables of the ticket, and their key in the decision's JSON.
LISTS: Mapping[str, str] = {
    "intake": "intake",
    "remedies": "remedies",
    "approvals": "approvals",
    "escalations": "escalations",
    "routing": "routing",
    "procedures": "procedures",
    "forms": "forms",
    "checklists": "checklist",
    "surveys": "surveys",
    "duties": "duties",
}
_CHILD_TABLES = {
    "part_warranty": "part",
    "part_exclusions": "part",
    "part_fees": "part",
    "penalties": "incident",
    "overrides": "override",
    "materials": "material",
    "processing": "material",
    "settlements": "material",
}


class PolicyViews:
    """Expands the columns of decisions; the base of :class:`~svc_policy.policy.Policy`."""

    pack: Pack
    zone: ZoneInfo

    def __init__(self) -> None:
        #: What was made before of rows, which never change; the rows stand beside it, so that none takes its id.
        self._uses: dict[tuple[str, int, str, bool], tuple[Row, RuleUse]] = {}
        self._items: dict[tuple[str, int, str], tuple[Row, Item]] = {}
        #: Ids of the items that are the same for every ticket, and are handed out again.
        self.fixed_items: set[int] = set()
        self._decimals = minor_digits(self.pack.settings.currency) or 0

    if TYPE_CHECKING:

        @property
        def plan(self) -> Plan: ...
        @property
        def clocks(self) -> PolicyClocks: ...
        @property
        def id(self) -> str: ...
        @property
        def digest(self) -> str: ...

    # --- columns

    def _indexes(self) -> Mapping[str, Mapping[str, int]]:
        found: Mapping[str, Mapping[str, int]] | None = getattr(self, "_index_of", None)
        if found is None:
            found = self._index_of = {
                grain: {name: index for index, name in enumerate(self.plan.names(grain))}
                for grain in ("ticket", "part", "incident", "override", "material")
            }
        return found

    def column(self, decision: Decision, name: str) -> Cell:
        """Give one column of the ticket; None for a column that the policy does not have."""
        index = decision.layout.index["ticket"].get(name)
        if index is not None:
            return decision.early[index]
        if name in decision.layout.constants:
            return decision.layout.constants[name]
        if name in decision.layout.late:
            return decision.late[decision.layout.late.index(name)]
        # A shape of tickets has no column for what it never asks: 0.
        return 0 if name in self._indexes()["ticket"] else None

    def child_column(self, decision: Decision, grain: str, number: int, name: str) -> Cell:
        """Give one column of a child record, counted from 0."""
        index = decision.layout.index.get(grain, {}).get(name)
        return None if index is None else decision.lines[grain][number][index]

    def _has(self, name: str) -> bool:
        return name in self._indexes()["ticket"]

    # --- units

    def instant(self, seconds: Cell) -> datetime | None:
        """Put epoch seconds into the policy's zone."""
        return None if seconds is None else datetime.fromtimestamp(int(seconds), self.zone)

    @staticmethod
    def day(number: Cell) -> date | None:
        """Put an epoch day into a date."""
        return None if number is None else date.fromordinal(int(number) + EPOCH)

    def money(self, minor: Cell) -> Decimal | None:
        """Put minor units into the currency's major unit."""
        if minor is None:
            return None
        return Decimal(int(minor)).scaleb(-self._decimals)

    # --- rules

    def rule_use(self, table: str, row: Row, subject: str = "", *, certain: bool = True) -> RuleUse:
        """Say which rule it was, and which interpretations it rests on."""
        key = (table, id(row), subject, certain)
        kept = self._uses.get(key)
        if kept is not None:
            return kept[1]
        if len(self._uses) >= MOST_KEPT:
            self._uses.clear()
        self._uses[key] = row, self._made_use(table, row, subject, certain)
        return self._uses[key][1]

    def _made_use(self, table: str, row: Row, subject: str, certain: bool) -> RuleUse:
        readings = tuple(name for name in row.rests_on if name in self.pack.settings.interpretations)
        return RuleUse(
            table=table,
            rule=row.id,
            file=row.file,
            line=row.line,
            cites=row.cites,
            interpretations=readings,
            subject=subject,
            certain=certain,
            layer="" if row.layer == self.pack.id or row.layer.startswith(SHARED) else row.layer,
        )

    def chosen(self, decision: Decision, table: str, grain: str = "ticket", number: int = 0) -> RuleUse | None:
        """Give the rule that a first or unique table chose, None where no or more than one may hold."""
        rows = self.plan.tables.get(table)
        name = f"{table}_row"
        index = self.column(decision, name) if grain == "ticket" else self.child_column(decision, grain, number, name)
        if not rows or not index:
            return None
        subject = "" if grain == "ticket" else f"{grain} {number + 1}"
        return self.rule_use(self.family_of(table), rows[int(index) - 1], subject)

    def fired(
        self, decision: Decision, table: str, grain: str = "ticket", number: int = 0
    ) -> Iterator[tuple[int, Row]]:
        """Yield the number and row of every row of a collect table that holds."""
        name = f"{table}_fired"
        mask = self.column(decision, name) if grain == "ticket" else self.child_column(decision, grain, number, name)
        left = int(mask or 0)
        if not left:
            return
        rows = self.plan.tables.get(table, ())
        while left:
            index = (left & -left).bit_length() - 1
            if index >= len(rows):
                return
            yield index, rows[index]
            left &= left - 1

    @staticmethod
    def family_of(table: str) -> str:
        """Name the file that a table's rows stand in."""
        if table in MILESTONES:
            return "deadlines"
        if table.startswith("fee_"):
            return "fees"
        return {"part_warranty": "warranty", "part_exclusions": "exclusions"}.get(table, table)

    def asked(self, mask: Cell) -> tuple[str, ...]:
        """Name the facts of a needs mask, the first question first."""
        bits = int(mask or 0)
        return tuple(name for index, name in enumerate(self.plan.asked) if bits >> index & 1)

    # --- views

    def needs(self, decision: Decision) -> tuple[str, ...]:
        """Name the facts to ask for."""
        return self.asked(self.column(decision, "needs"))

    def next_change_at(self, decision: Decision) -> datetime | None:
        """Give the next instant at which the decision changes by itself."""
        return self.instant(self.column(decision, "next_change_at"))

    def coverage(self, decision: Decision) -> Coverage:
        """Expand coverage."""
        parts = tuple(
            PartCoverage(
                part_no=part.part_no,
                in_warranty=_truth(self.child_column(decision, "part", number, "part_in_warranty")),
                warranty_end=self.day(self.child_column(decision, "part", number, "part_warranty_end")),
                covered=_truth(self.child_column(decision, "part", number, "part_covered")),
                excluded=_truth(self.child_column(decision, "part", number, "part_excluded")),
            )
            for number, part in enumerate(decision.ticket.parts)
        )
        return Coverage(
            in_warranty=_truth(self.column(decision, "in_warranty")),
            warranty_end=self.day(self.column(decision, "warranty_end")),
            covered=_truth(self.column(decision, "covered")),
            excluded=_truth(self.column(decision, "excluded")),
            exclusions=self.items(decision, "exclusions"),
            in_contract=_truth(self.column(decision, "in_contract")),
            parts=parts,
            needs=self.asked(self.column(decision, "covered_needs")),
        )

    def target_names(self) -> tuple[str, ...]:
        """Name the targets of the policy, in the order of its table."""
        return tuple(
            table for table in self.plan.tables if table in MILESTONES and f"{table}_status" in self.plan.columns
        )

    def targets(self, decision: Decision) -> dict[str, Target]:
        """Expand every target."""
        return {name: self._target(decision, name) for name in self.target_names()}

    def _target(self, decision: Decision, name: str) -> Target:
        from svc_policy.policy.shares import share_and_left

        number = self.column(decision, f"{name}_row")
        row = self.plan.tables[name][int(number) - 1] if number else None
        status = self.column(decision, f"{name}_status")
        start_name = MILESTONES[(row or self.plan.tables[name][0]).text("starts") or ""]
        begun = getattr(decision.ticket, start_name, None) if row else None
        due = self.instant(self.column(decision, f"{name}_due"))
        allowance, clock = self._allowance(decision, row)
        used, left, resumed = share_and_left(self, decision, name, row, str(status))
        return Target(
            name=name,
            status=str(status) if status is not None else "undetermined",
            start=self._local(begun),
            end=self._local(getattr(decision.ticket, MILESTONES[name])) if row else None,
            due=due,
            due_if_resumed_now=self.instant(resumed),
            allowance=allowance,
            clock=clock,
            used_share=used,
            time_left=None if left is None else timedelta(seconds=left),
            owner=row.text("owner") if row else None,
            needs=self.asked(self.column(decision, f"{name}_status_needs")) if status is None else (),
            rule=self.chosen(decision, name),
        )

    def _local(self, value: object) -> datetime | None:
        if isinstance(value, datetime):
            return value.astimezone(self.zone)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=self.zone)
        return None

    def in_force(self, cell: object, day: Cell) -> object:
        """Give the value that a dated parameter had on a day; any other cell as it is."""
        if not isinstance(cell, Parameter):
            return cell
        fixed = getattr(self, "fixed_on", None)
        on = fixed.toordinal() - EPOCH if fixed is not None else int(day or 0)
        values = self.pack.settings.parameters[cell.name].values
        return next(
            literal for since, literal in reversed(values) if since is None or since <= on or since == values[0][0]
        )

    def _allowance(self, decision: Decision, row: Row | None) -> tuple[str | None, str | None]:
        if row is None:
            return None, None
        cell = self.in_force(row.results["within"], self.column(decision, "request_day"))
        text = format_literal(cell) if isinstance(cell, Literal) else None
        working = (
            isinstance(cell, Literal) and isinstance(cell.value, Allowance) and cell.value.unit.startswith("working")
        )
        return text, "working" if working or row.text("clock") == "working" else "calendar"

    def quote(self, decision: Decision) -> Quote | None:
        """Expand the quote."""
        if not self._has("total"):
            return None
        quoted = self.governing_dates(decision)["fee"]
        rate = self.in_force(self.pack.settings.money.tax, None if quoted is None else quoted.toordinal() - EPOCH)
        literal = rate if isinstance(rate, Literal) else None
        needs: dict[str, None] = {}
        for name in ("subtotal", "discount", "tax", "total", "payable"):
            if self.column(decision, name) is None:
                needs.update(dict.fromkeys(self.asked(self.column(decision, f"{name}_needs"))))
        lines = tuple(self._quote_lines(decision))
        payer = self.column(decision, "payer")
        return Quote(
            lines=lines,
            subtotal=self.money(self.column(decision, "subtotal")),
            discount=self.money(self.column(decision, "discount")),
            tax=self.money(self.column(decision, "tax")),
            tax_rate=None if literal is None else Decimal(int(literal.value)).scaleb(-4),  # type: ignore[arg-type]
            prices_include_tax=self.pack.settings.money.prices_include_tax,
            total=self.money(self.column(decision, "total")),
            payable=self.money(self.column(decision, "payable")),
            payer=str(payer) if payer is not None else None,
            currency=self.pack.settings.currency,
            needs_confirmation=_truth(self.column(decision, "needs_confirmation")),
            confirmations=tuple(item.rule for item in self.items(decision, "confirmations")),
            illustrative=any(line.rule and line.rule.table in self.pack.settings.illustrative for line in lines),
            needs=tuple(needs),
        )

    def _fee_tables(self) -> tuple[tuple[str, str, str], ...]:
        """Name the tables of fees, the line of a quote that each makes, and the column of its amount."""
        found: tuple[tuple[str, str, str], ...] | None = getattr(self, "_tables_of_fees", None)
        if found is None:
            found = self._tables_of_fees = tuple(
                (table, table.removeprefix("fee_"), f"{table}_amount")
                for table in self.plan.tables
                if table.startswith("fee_")
            )
        return found

    def _quote_lines(self, decision: Decision) -> Iterator[QuoteLine]:
        for table, line, named in self._fee_tables():
            rule = self.chosen(decision, table)
            amount = self.column(decision, named)
            if rule is not None or amount is None:
                yield QuoteLine(line=line, amount=self.money(amount), part=None, quantity=None, rule=rule)
        if "part_fees" in self.plan.tables:
            for number, part in enumerate(decision.ticket.parts):
                amount = self.child_column(decision, "part", number, "part_amount")
                rule = self.chosen(decision, "part_fees", "part", number)
                name = part.part_no or "part"
                yield QuoteLine(
                    line=name, amount=self.money(amount), part=number + 1, quantity=part.values[2], rule=rule
                )
        if (materials := self.materials(decision)) is not None:
            from svc_policy.policy.materials import quote_lines

            yield from quote_lines(materials)
        for index, row in self.fired(decision, "surcharges"):
            yield QuoteLine(
                line=row.text("line") or "",
                amount=self.money(self.column(decision, f"surcharge_{index + 1}")),
                part=None,
                quantity=None,
                rule=self.rule_use("surcharges", row),
            )

    def penalties(self, decision: Decision) -> tuple[Penalty, ...]:
        """Expand the penalties of incidents and of missed targets."""
        found: list[Penalty] = []
        for number in range(len(decision.ticket.incidents)):
            for _, row in self.fired(decision, "penalties", "incident", number):
                use = self.rule_use("penalties", row, f"incident {number + 1}")
                found.append(self._penalty(row, use, decision, incident=number + 1))
        for _, row in self.fired(decision, "late_penalties"):
            target = str(row.tests["target"].items[0].low.value)  # type: ignore[union-attr]
            found.append(self._penalty(row, self.rule_use("late_penalties", row, target), decision, target=target))
        return tuple(found)

    def _penalty(
        self,
        row: Row,
        use: RuleUse,
        decision: Decision,
        incident: int | None = None,
        target: str | None = None,
    ) -> Penalty:
        happened = (
            decision.ticket.incidents[incident - 1].values[1] if incident else self.column(decision, "request_day")
        )
        amounts = {name: self._figure(row, name, happened) for name in ("amount", "least", "most")}
        fact = row.text("amount of")
        if fact is not None and incident is not None:
            own = BUILT_IN["incident"]
            place = next(index for index, item in enumerate(own) if item.name == fact)
            amounts["amount"] = self.money(decision.ticket.incidents[incident - 1].values[place])
        return Penalty(
            liable=row.text("liable") or "",
            amount=amounts["amount"],
            least=amounts["least"],
            most=amounts["most"],
            decided_by=row.text("decided by"),
            incident=incident,
            target=target,
            rule=use,
            outcome=row.text("outcome") or "penalty",
        )

    def _figure(self, row: Row, name: str, day: Cell) -> Decimal | None:
        cell = self.in_force(row.results.get(name), day)
        return self.money(cell.value) if isinstance(cell, Literal) else None  # type: ignore[arg-type]

    def items(self, decision: Decision, table: str) -> tuple[Item, ...]:
        """Expand a list: the cells of every row that holds, in the order of `order` where rows have one."""
        found: list[Item] = []
        watched = self._watched() if table == "escalations" else ()
        for index, row in self.fired(decision, table):
            subject = watched[index] if watched else ""
            kept = self._items.get((table, id(row), subject))
            found.append(kept[1] if kept is not None else self._item(decision, table, index, row, subject))
        if any(item.cells.get("order") is not None for item in found):
            # Steps stay with their procedure, in the order in which the table first names it.
            group = {"procedures": "procedure"}.get(table, "")
            names = list(dict.fromkeys(item.cells.get(group) for item in found))
            found.sort(
                key=lambda item: (
                    names.index(item.cells.get(group)),
                    item.cells.get("order") is None,
                    item.cells.get("order") or 0,
                )
            )
        return tuple(found)

    def _item(self, decision: Decision, table: str, index: int, row: Row, subject: str) -> Item:
        """Make the item of a row; one that is the same for every ticket is kept."""
        cells: dict[str, Any] = {"target": subject or None} if table == "escalations" and self._watched() else {}
        for name in row.results:
            cells[name.replace(" ", "_")] = _plain(self._in_force_of(decision, table, row.results[name]))
        if table == "procedures":
            cells["state"] = self._state_of_step(decision, index)
        if table == "forms":
            cells.update(self._fields(decision, row))
        made = Item(cells=cells, rule=self.rule_use(self.family_of(table), row, subject))
        is_fixed = not any(isinstance(cell, Parameter) for cell in row.results.values())
        is_fixed = is_fixed and (not self._has_fields(row) if table == "forms" else table != "procedures")
        if is_fixed and len(self._items) < MOST_KEPT:
            self._items[table, id(row), subject] = row, made
            self.fixed_items.add(id(made))
        return made

    def _in_force_of(self, decision: Decision, table: str, cell: object) -> object:
        """Give the value of a dated parameter on the day that governs its table; any other cell as it is."""
        if not isinstance(cell, Parameter):
            return cell
        days = self.governing_dates(decision)
        day = days.get(FAMILIES[self.family_of(table)].governing, days["request"])
        return self.in_force(cell, None if day is None else day.toordinal() - EPOCH)

    def _state_of_step(self, decision: Decision, index: int) -> str:
        """Say whether a step of a procedure is ``done``, the ``next`` one, or comes ``later``."""
        for state in ("done", "next"):
            if int(self.column(decision, f"procedures_{state}") or 0) >> index & 1:
                return state
        return "later"

    def compensation(self, decision: Decision) -> Compensation | None:
        """Expand what is allowed of a claim for compensation; None where no rule speaks of it."""
        rule = self.chosen(decision, "compensations")
        if rule is None:
            return None
        row = self.plan.tables["compensations"][int(self.column(decision, "compensations_row") or 1) - 1]
        return Compensation(
            limit=self.money(self.column(decision, "compensation_limit")),
            allowed=self.money(self.column(decision, "compensation_allowed")),
            decided_by=row.text("decided by"),
            needs=self.asked(self.column(decision, "compensation_allowed_needs")),
            rule=rule,
        )

    def _has_fields(self, row: Row) -> bool:
        """Say whether a form has fields on any day."""
        from svc_policy.policy.forms import field_rows

        return bool(field_rows(self, row.text("form") or ""))

    def _fields(self, decision: Decision, row: Row) -> dict[str, Any]:
        from svc_policy.policy.forms import as_cells, fields_of

        return as_cells(self, fields_of(self, decision, row.text("form") or ""))

    def _watched(self) -> tuple[str, ...]:
        found: tuple[str, ...] | None = getattr(self, "_watched_targets", None)
        if found is None:
            found = self._watched_targets = self._find_watched()
        return found

    def _find_watched(self) -> tuple[str, ...]:
        from svc_policy.rules.escalations import watched

        seen: dict[str, list[str]] = {}
        names: list[str] = []
        for row in self.pack.rows.get("escalations", ()):
            seen[row.id] = watched(row)
            names.extend(watched(row) or [""])
        return tuple(names)

    def materials(self, decision: Decision) -> Materials | None:
        """Expand what the materials of an order come to; None where there are none or no rule counts them."""
        from svc_policy.policy.materials import materials_of

        return materials_of(self, decision)

    def overrides(self, decision: Decision) -> tuple[OverrideUse, ...]:
        """Expand the overrides: each as stated, and whether it was applied."""
        return tuple(
            OverrideUse(
                kind=override.override_kind,
                role=override.role,
                reason=override.reason,
                amount=self.money(override.values[3]),
                limit=self.money(self.child_column(decision, "override", number, "override_limit")),
                accepted=self.child_column(decision, "override", number, "override_accepted") is True,
                rule=self.chosen(decision, "overrides", "override", number),
            )
            for number, override in enumerate(decision.ticket.overrides)
        )

    def governing_dates(self, decision: Decision) -> dict[str, date | None]:
        """Give the days whose editions of the rules were applied."""
        fixed = getattr(self, "fixed_on", None)
        if fixed is not None:
            return dict.fromkeys(("purchase", "request", "fee"), fixed)
        ticket = decision.ticket
        request = self.day(self.column(decision, "request_day"))
        quoted = ticket.quoted_at
        fee = quoted.astimezone(self.zone).date() if quoted is not None else request
        return {"purchase": ticket.purchased_on or ticket.delivered_on, "request": request, "fee": fee}

    def rules(self, decision: Decision) -> tuple[RuleUse, ...]:
        """List every rule that made the decision."""
        found: list[RuleUse] = []
        holds = list(self._hold_rules(decision)) if decision.ticket.holds else []
        for table, column in self._rule_columns():
            if holds and table in MILESTONES:
                # Which clocks a hold stops is said just before the deadlines that it stops.
                found.extend(holds)
                holds = []
            # Most tables of a policy have nothing to say to a ticket.
            if column is None or self.column(decision, column):
                found.extend(self._rules_of(decision, table))
            if table == "forms":
                found.extend(self._field_rules(decision))
        return (*found, *holds)

    def _rule_columns(self) -> tuple[tuple[str, str | None], ...]:
        """Name, for each table, the column of a ticket that says which rows hold; None for tables of child records."""
        found: tuple[tuple[str, str | None], ...] | None = getattr(self, "_columns_of_rules", None)
        if found is None:
            of_ticket = self._indexes()["ticket"]
            found = self._columns_of_rules = tuple(
                (
                    table,
                    None
                    if table in _CHILD_TABLES
                    else f"{table}_row"
                    if f"{table}_row" in of_ticket
                    else f"{table}_fired",
                )
                for table in self.plan.tables
            )
        return found

    def _field_rules(self, decision: Decision) -> Iterator[RuleUse]:
        """Yield the rules of the fields of the forms that are due."""
        from svc_policy.policy.forms import rules_of_fields

        due = [row.text("form") or "" for _, row in self.fired(decision, "forms")]
        for row in rules_of_fields(self, decision, due):
            yield self.rule_use("fields", row)

    def _hold_rules(self, decision: Decision) -> Iterator[RuleUse]:
        """Yield the rule of each hold of the ticket."""
        of_kind: dict[object, Row] = {}
        for row in self.pack.rows.get("holds", ()):
            for item in row.tests["hold_kind"].items:
                if isinstance(item.low, Literal):
                    of_kind.setdefault(item.low.value, row)
        for number, hold in enumerate(decision.ticket.holds, start=1):
            rule = of_kind.get(hold.values[0])
            if rule is not None:
                yield self.rule_use("holds", rule, f"hold {number}")

    def _rules_of(self, decision: Decision, table: str) -> Iterator[RuleUse]:
        grain = _CHILD_TABLES.get(table, "ticket")
        count = 1 if grain == "ticket" else len(decision.lines.get(grain, ()))
        for number in range(count):
            if f"{table}_row" in self._indexes()[grain]:
                use = self.chosen(decision, table, grain, number)
                if use is not None:
                    yield use
                continue
            subject = "" if grain == "ticket" else f"{grain} {number + 1}"
            watched = self._watched() if table == "escalations" else None
            for index, row in self.fired(decision, table, grain, number):
                yield self.rule_use(self.family_of(table), row, watched[index] if watched else subject)

    def as_dict(self, decision: Decision) -> dict[str, Any]:
        """Give the decision as JSON-ready data."""
        from svc_policy.policy.json import decision_to_dict

        return decision_to_dict(self, decision)  # type: ignore[arg-type]


def _truth(value: Cell) -> bool | None:
    return None if value is None else bool(value)


def _plain(cell: object) -> Any:
    if isinstance(cell, Literal):
        return cell.value.value if isinstance(cell.value, Allowance) else cell.value
    if isinstance(cell, Parameter):
        return f"{{{cell.name}}}"
    return list(cell) if isinstance(cell, tuple) else None
