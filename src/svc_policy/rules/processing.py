"""Processing: how many whole tiles are cut, edged or chamfered, by which method, and what it costs.

whole tiles = pieces ÷ pieces that a tile gives, rounded up; fee = whole tiles × price of a tile. The
price that a line states, which the workshop has confirmed, goes before the row's. Without either
there is no fee: it is asked for, and the role that settles it is named.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    FALSE,
    TRUE,
    ZERO,
    Expression,
    bit_or,
    certainly,
    choose,
    first_known,
    is_missing,
    multiply,
    null,
    strict,
)
from svc_policy.rules.family import Context, Family, Result, Row

PRICE = "materials.processing_price"
PIECES = "materials.pieces"


def build(context: Context) -> None:
    """Write the whole tiles and the fee of each line that is processed, and what the fees come to."""
    rows = context.rows("processing")
    if not rows:
        return

    def price_of(row: Row) -> Expression:
        cell = row.results.get("price")
        return null("int") if cell is None else context.cell(cell, "processing", "material")

    chosen = context.choose(
        "processing",
        "processing",
        rows,
        {"line_processed": lambda _: TRUE, "line_processing_price": price_of},
        otherwise={"line_processed": FALSE, "line_processing_price": null("int")},
        grain="material",
    )
    processed = chosen["line_processed"]
    pieces = context.subject("pieces", "material", "processing")
    per_tile = context.subject("pieces_per_tile", "material", "processing")
    price = first_known(context.subject("processing_price", "material", "processing"), chosen["line_processing_price"])
    # Only a line that is processed has pieces and a price to ask for.
    ask_pieces = choose(is_missing(pieces), context.ask(PIECES), ZERO)
    ask_price = choose(is_missing(price), context.ask(PRICE), ZERO)
    open_row = context.needs(processed)
    counted = strict("ceil_divide", pieces, per_tile)
    tiles = context.compute(
        "line_processed_tiles",
        choose(processed, counted, null("int")),
        grain="material",
        needs=bit_or(open_row, choose(certainly(processed), ask_pieces, ZERO)),
    )
    fee = context.compute(
        "line_processing_fee",
        choose(processed, multiply(tiles, price), ZERO),
        grain="material",
        needs=bit_or(open_row, choose(certainly(processed), bit_or(ask_pieces, ask_price), ZERO)),
    )
    context.gather("processing_total", "material", "sum", fee)
    context.gather("processing_wanted", "material", "any", processed)


FAMILY = Family(
    name="processing",
    zh="加工",
    grain="material",
    policy="first",
    governing="request",
    results=(
        Result("method", "text", "加工方式", required=True),
        Result("price", "money", "每片单价"),
        Result("owner", "role", "负责人"),
        Result("workshop", "role", "加工方"),
        Result("decided by", "role", "价格确定人"),
    ),
    build=build,
)
