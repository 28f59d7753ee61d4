"""The view of an order's materials: boxes, weight, stock, processing sheet, vehicle, settlement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from svc_policy.decision import (
    Cell,
    Decision,
    LineSettlement,
    MaterialLine,
    Materials,
    QuoteLine,
    Settlement,
    SheetLine,
)
from svc_policy.facts.registry import MATERIAL, MEASURES, TICKET

if TYPE_CHECKING:
    from svc_policy.policy.views import PolicyViews
    from svc_policy.rules.family import Row

_INDEX = {fact.name: index for index, fact in enumerate(MATERIAL)}
_DEPOSIT = next(index for index, fact in enumerate(TICKET) if fact.name == "deposit_paid")
#: Tables of which the figures may be no more than illustrative.
_TABLES = ("materials", "processing", "vehicles", "settlements")


def materials_of(views: PolicyViews, decision: Decision) -> Materials | None:
    """Expand what the materials come to; None where the order has none or the policy does not count them."""
    if not decision.ticket.materials or "total_boxes" not in views.plan.columns:
        return None
    view = _View(views, decision)
    lines = tuple(view.line(number) for number in range(len(decision.ticket.materials)))
    row = view.row("vehicles")
    vehicle = decision.column("vehicle")
    names = ("total_boxes", "total_weight", "goods_total", "processing_total", "vehicles")
    return Materials(
        lines=lines,
        total_boxes=_count(decision.column("total_boxes")),
        total_weight=_measure("weight", decision.column("total_weight")),
        stock_short=view.truth("stock_short"),
        vehicle=None if vehicle is None else str(vehicle),
        carrier_paid_by=row.text("paid by") if row else None,
        vehicle_arranged_by=row.text("arranged by") if row else None,
        vehicle_rule=views.chosen(decision, "vehicles"),
        goods=view.money("goods_total"),
        processing=view.money("processing_total"),
        processing_sheet=tuple(filter(None, map(view.sheet_line, range(len(lines))))),
        settlement=view.settlement(),
        currency=views.pack.settings.currency,
        illustrative=tuple(name for name in _TABLES if name in views.pack.settings.illustrative),
        needs=view.needs(names),
    )


def quote_lines(materials: Materials) -> Iterator[QuoteLine]:
    """Yield the lines of a quote that the materials of an order make: goods first, then processing."""
    for line in materials.lines:
        if line.rule is not None or line.boxes is None or line.boxes:
            name = line.tile_model or "material"
            yield QuoteLine(
                line=name, amount=line.goods, part=None, quantity=line.boxes, rule=line.rule, material=line.line
            )
    for sheet in materials.processing_sheet:
        yield QuoteLine(
            line=sheet.method, amount=sheet.fee, part=None, quantity=sheet.tiles, rule=sheet.rule, material=sheet.line
        )


class _View:
    """Reads the columns of one decision."""

    def __init__(self, views: PolicyViews, decision: Decision) -> None:
        self.views = views
        self.decision = decision

    def column(self, number: int, name: str) -> Cell:
        return self.views.child_column(self.decision, "material", number, name)

    def money(self, name: str) -> Decimal | None:
        return self.views.money(self.decision.column(name))

    def truth(self, name: str) -> bool | None:
        value = self.decision.column(name)
        return None if value is None else bool(value)

    def fact(self, number: int, name: str) -> Cell:
        value: Cell = self.decision.ticket.materials[number].values[_INDEX[name]]
        return value

    def text(self, number: int, name: str) -> str | None:
        value = self.fact(number, name)
        return None if value is None else str(value)

    def needs(self, names: Iterable[str]) -> tuple[str, ...]:
        """List what the results among `names` that are open ask for, each once."""
        asked: dict[str, None] = {}
        for name in names:
            asked.update(dict.fromkeys(self.views.asked(self.decision.column(f"{name}_needs"))))
        return tuple(asked)

    def row(self, table: str, number: int | None = None) -> Row | None:
        """Find the row that a table chose for the ticket or a line."""
        name = f"{table}_row"
        index = self.decision.column(name) if number is None else self.column(number, name)
        return self.views.plan.tables[table][int(index) - 1] if index else None

    def line(self, number: int) -> MaterialLine:
        views, decision = self.views, self.decision
        asked: dict[str, None] = {}
        for name in ("line_boxes", "line_weight", "line_goods", "line_processing_fee"):
            asked.update(dict.fromkeys(views.asked(self.column(number, f"{name}_needs"))))
        return MaterialLine(
            line=number + 1,
            tile_model=self.text(number, "tile_model"),
            area=_measure("area", self.fact(number, "area_m2")),
            wastage=_share(self.column(number, "line_wastage")),
            tiles=_count(self.column(number, "line_tiles")),
            whole_boxes=_count(self.column(number, "line_whole_boxes")),
            extra_boxes=self._extra(number),
            boxes=_count(self.column(number, "line_boxes")),
            weight=_measure("weight", self.column(number, "line_weight")),
            goods=views.money(self.column(number, "line_goods")),
            in_stock=_count(self.fact(number, "boxes_in_stock")),
            short=_count(self.column(number, "line_short")),
            processing_fee=views.money(self.column(number, "line_processing_fee")),
            settlement=self._line_settlement(number),
            needs=tuple(asked),
            rule=views.chosen(decision, "materials", "material", number),
        )

    def _extra(self, number: int) -> int | None:
        boxes, whole = self.column(number, "line_boxes"), self.column(number, "line_whole_boxes")
        return None if boxes is None or whole is None else int(boxes) - int(whole)

    def sheet_line(self, number: int) -> SheetLine | None:
        """Write the line of the processing sheet, if a row of processing holds."""
        row = self.row("processing", number)
        rule = self.views.chosen(self.decision, "processing", "material", number)
        if row is None or rule is None:
            return None
        stated = self.fact(number, "processing_price")
        price = self.column(number, "line_processing_price") if stated is None else stated
        return SheetLine(
            line=number + 1,
            tile_model=self.text(number, "tile_model"),
            processing=self.text(number, "processing"),
            method=row.text("method") or "",
            pieces=_count(self.fact(number, "pieces")),
            pieces_per_tile=_count(self.fact(number, "pieces_per_tile")) or 1,
            tiles=_count(self.column(number, "line_processed_tiles")),
            price=self.views.money(price),
            fee=self.views.money(self.column(number, "line_processing_fee")),
            owner=row.text("owner"),
            workshop=row.text("workshop"),
            decided_by=row.text("decided by"),
            rule=rule,
        )

    def _line_settlement(self, number: int) -> LineSettlement:
        money = self.views.money
        row = self.row("settlements", number) if "settlements" in self.views.plan.tables else None
        return LineSettlement(
            boxes_added=_count(self.fact(number, "boxes_added")) or 0,
            boxes_returned=_count(self.fact(number, "boxes_returned")) or 0,
            tiles_processed_again=_count(self.fact(number, "tiles_processed_again")) or 0,
            added=money(self.column(number, "line_added")),
            returned=money(self.column(number, "line_returned")),
            returned_share=_share(self.column(number, "line_returned_share")),
            processed_again=money(self.column(number, "line_again")),
            second=money(self.column(number, "line_second")),
            charged_by=row.text("charged by") if row else None,
            decided_by=row.text("decided by") if row else None,
            rule=self.views.chosen(self.decision, "settlements", "material", number),
        )

    def settlement(self) -> Settlement:
        return Settlement(
            first=self.money("settlement_first"),
            deposit=self.views.money(self.decision.ticket.values[_DEPOSIT]),
            first_due=self.money("settlement_first_due"),
            second=self.money("settlement_second"),
            total=self.money("settlement_total"),
            needs=self.needs(("settlement_first", "settlement_second")),
        )


def _count(value: Cell) -> int | None:
    return None if value is None else int(value)


def _share(value: Cell) -> Decimal | None:
    return None if value is None else Decimal(int(value)).scaleb(-4)


def _measure(kind: str, value: Cell) -> Decimal | None:
    """Put a stored area or weight into its unit, without zeros at the end."""
    if value is None:
        return None
    number = Decimal(int(value)).scaleb(-MEASURES[kind][1])
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
