"""Materials: how many boxes of each kind of tile an order needs, what they weigh and what they cost.

tiles = area, with its wastage, ÷ area of a tile, rounded up; whole boxes = tiles ÷ tiles in a box,
rounded up; boxes = whole boxes + extra boxes. Nothing to lay needs no boxes, extra ones included. A
line of which no row holds has no wastage and no extra boxes.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    FALSE,
    ZERO,
    Expression,
    add,
    choose,
    constant,
    equal,
    is_missing,
    less,
    multiply,
    null,
    strict,
    subtract,
)
from svc_policy.rules.family import Cell, Context, Family, Result

#: 100 % in basis points: an area with its wastage is area × (WHOLE + wastage) ÷ WHOLE.
WHOLE = 10_000
#: Square millimetres in a square centimetre: areas are in cm², the sides of a tile in mm.
MM2_PER_CM2 = 100


def build(context: Context) -> None:
    """Write the tiles, boxes, weight and price of each line of materials, and their totals."""
    rows = context.rows("materials")
    if not rows:
        return

    def cell(cell: Cell) -> Expression:
        return ZERO if cell is None else context.cell(cell, "materials", "material")

    chosen = context.choose(
        "materials",
        "materials",
        rows,
        {
            "line_wastage": lambda row: cell(row.results.get("wastage")),
            "line_extra": lambda row: cell(row.results.get("extra boxes")),
        },
        otherwise={"line_wastage": ZERO, "line_extra": ZERO},
        grain="material",
    )

    def fact(name: str) -> Expression:
        return context.subject(name, "material", "materials")

    def compute(name: str, value: Expression) -> Expression:
        return context.compute(name, value, grain="material")

    tile = multiply(constant(WHOLE // MM2_PER_CM2), multiply(fact("tile_length_mm"), fact("tile_width_mm")))
    to_cover = multiply(fact("area_m2"), add(constant(WHOLE), chosen["line_wastage"]))
    tiles = compute("line_tiles", strict("ceil_divide", to_cover, tile))
    whole = compute("line_whole_boxes", strict("ceil_divide", tiles, fact("tiles_per_box")))
    boxes = compute("line_boxes", choose(equal(whole, ZERO), ZERO, add(whole, chosen["line_extra"])))
    weight = compute("line_weight", multiply(boxes, fact("box_weight_kg")))
    goods = compute("line_goods", multiply(boxes, fact("box_price")))
    stock = fact("boxes_in_stock")
    unstated = is_missing(stock)
    compute("line_short", choose(unstated, null("int"), strict("greatest", subtract(boxes, stock), ZERO)))
    context.gather("total_boxes", "material", "sum", boxes)
    context.gather("total_weight", "material", "sum", weight)
    context.gather("goods_total", "material", "sum", goods)
    context.gather("stock_short", "material", "any", choose(unstated, FALSE, less(stock, boxes)))


FAMILY = Family(
    name="materials",
    zh="备料",
    grain="material",
    policy="first",
    governing="request",
    results=(
        Result("wastage", "share", "损耗"),
        Result("extra boxes", "count", "另加箱数"),
    ),
    build=build,
)
