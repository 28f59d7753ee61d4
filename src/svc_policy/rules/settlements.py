"""Settlements: what the customer pays before delivery, and what is settled once the tiles are laid.

first = what the customer pays of the quote: goods, processing and fees; a deposit that was paid is
taken off what is due of it. second = boxes added × price
− boxes returned × price × returned share + tiles processed again × price of processing; it may be
negative, and then it is refunded. Where no share says what a returned box brings, the second
settlement stays open, and a role decides. Tax that stands beside the prices is added to both.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    ZERO,
    Expression,
    add,
    choose,
    divide,
    equal,
    first_known,
    is_missing,
    less,
    multiply,
    null,
    or_,
    subtract,
)
from svc_policy.rules.family import Context, Family, Result, Row
from svc_policy.rules.processing import PRICE

WHOLE = 10_000


def build(context: Context) -> None:
    """Write the second settlement of each line, and the first, the second and both of the order."""
    if not context.rows("materials"):
        return
    rows = context.rows("settlements")

    def share_of(row: Row) -> Expression:
        cell = row.results.get("returned share")
        return null("int") if cell is None else context.cell(cell, "settlements", "material")

    def fact(name: str) -> Expression:
        return context.subject(name, "material", "settlements")

    share = null("int")
    if rows:
        outputs = {"line_returned_share": share_of}
        chosen = context.choose("settlements", "settlements", rows, outputs, grain="material")
        share = chosen["line_returned_share"]
    box_price = fact("box_price")
    by_rule = (
        context.subject("line_processing_price", "material", "settlements") if context.rows("processing") else None
    )
    price = fact("processing_price") if by_rule is None else first_known(fact("processing_price"), by_rule)
    added, returned, again = fact("boxes_added"), fact("boxes_returned"), fact("tiles_processed_again")
    # What did not happen needs no price.
    line_added = _if_any(context, "line_added", added, multiply(added, box_price))
    worth = divide("half_up_divide", multiply(multiply(returned, box_price), share), WHOLE)
    line_returned = _if_any(context, "line_returned", returned, worth)
    ask_price = choose(equal(again, ZERO), ZERO, choose(is_missing(price), context.ask(PRICE), ZERO))
    line_again = _if_any(context, "line_again", again, multiply(again, price), ask_price)
    second = add(subtract(line_added, line_returned), line_again)
    if context.money.tax is not None and not context.money.prices_include_tax:
        rate = context.cell(context.money.tax, "settlements", "material")
        second = add(second, divide("half_up_divide", multiply(second, rate), WHOLE))
    second = context.compute("line_second", second, grain="material")
    changed = or_(less(ZERO, added), less(ZERO, returned), less(ZERO, again))
    context.gather("second_costs", "material", "any", changed)
    first = context.compute("settlement_first", context.subject("payable", "ticket", "settlements"))
    deposit = context.subject("deposit_paid", "ticket", "settlements")
    context.compute("settlement_first_due", subtract(first, choose(is_missing(deposit), ZERO, deposit)))
    last = context.gather("settlement_second", "material", "sum", second)
    context.compute("settlement_total", add(first, last))


def _if_any(
    context: Context, name: str, count: Expression, value: Expression, needs: Expression | None = None
) -> Expression:
    return context.compute(name, choose(equal(count, ZERO), ZERO, value), grain="material", needs=needs)


FAMILY = Family(
    name="settlements",
    zh="二次结算",
    grain="material",
    policy="first",
    governing="request",
    results=(
        Result("returned share", "share", "退货返还比例"),
        Result("charged by", "role", "结算人"),
        Result("decided by", "role", "退货条件确定人"),
    ),
    build=build,
)
