"""The quote's totals, and what the customer must confirm before the service.

subtotal = lines + parts + materials and their processing + surcharges; less an accepted discount;
tax as the policy's money settings say; the customer pays the total unless another does.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    TRUE,
    ZERO,
    Expression,
    add,
    and_,
    choose,
    constant,
    divide,
    equal,
    is_missing,
    less,
    multiply,
    or_,
    strict,
    subtract,
)
from svc_policy.rules.family import Context, Family, Result
from svc_policy.rules.fees import lines
from svc_policy.rules.payers import CUSTOMER

WHOLE = 10_000


def build(context: Context) -> None:
    """Write subtotal, discount, tax, total, what the customer pays, and what needs confirmation."""
    if any(context.rows(table) for table in ("fees", "part_fees", "materials")):
        _build_totals(context)
    conditions = context.collect("confirmations", "confirmations", context.rows("confirmations"))
    chargeable = context.subject("chargeable", "ticket", "confirmations") if context.has("chargeable") else None
    confirmed = is_missing(context.subject("confirmed_at", "ticket", "confirmations"))
    reasons = or_(*conditions, *((chargeable,) if chargeable is not None else ()))
    if conditions or chargeable is not None:
        context.compute("needs_confirmation", and_(confirmed, reasons))


def _build_totals(context: Context) -> None:
    amounts = [context.subject(f"fee_{line}_amount", "ticket", "fees") for line in lines(context)]
    amounts += [
        context.subject(f"surcharge_{number + 1}", "ticket", "surcharges")
        for number in range(len(context.rows("surcharges")))
    ]
    parts = context.subject("parts_amount", "ticket", "part_fees") if context.rows("part_fees") else ZERO
    for name in _of_materials(context):
        parts = add(parts, context.subject(f"{name}_total", "ticket", "materials"))
    subtotal = context.compute("subtotal", _sum(amounts, parts))
    granted = context.subject("discounts", "ticket", "overrides") if context.rows("overrides") else ZERO
    # Without goodwill there is no discount, whatever the subtotal will be.
    applied = choose(equal(granted, ZERO), ZERO, strict("least", granted, subtotal))
    discount = context.compute("discount", applied)
    tax = context.compute("tax", _tax(context, amounts, subtotal, discount))
    net = subtract(subtotal, discount)
    total = context.compute("total", net if context.money.prices_include_tax else add(net, tax))
    chargeable = less(ZERO, total)
    if context.has("payer"):
        payer = context.subject("payer", "ticket", "payers")
        paid = equal(payer, constant(CUSTOMER))
        context.compute("payable", choose(paid, total, ZERO))
        chargeable = and_(chargeable, paid)
    else:
        context.compute("payable", choose(TRUE, total, ZERO))
    context.compute("chargeable", chargeable)


def _of_materials(context: Context) -> list[str]:
    """Name what the materials of an order are charged for."""
    tables = {"materials": "goods", "processing": "processing"}
    return [name for table, name in tables.items() if context.rows(table)] if context.rows("materials") else []


def _sum(amounts: list[Expression], parts: Expression) -> Expression:
    result = parts
    for amount in amounts:
        result = add(result, amount)
    return result


def _tax(context: Context, amounts: list[Expression], subtotal: Expression, discount: Expression) -> Expression:
    if context.money.tax is None:
        return ZERO
    rate = context.cell(context.money.tax, "fees", "ticket")

    def share(amount: Expression, rate: Expression = rate) -> Expression:
        if not context.money.prices_include_tax:
            return divide("half_up_divide", multiply(amount, rate), WHOLE)
        # The tax inside a price: amount less its net, the net rounded half up.
        if not isinstance(rate.data, int):
            raise ValueError("a tax inside prices is one undated share; the loader checks it")
        return subtract(amount, divide("half_up_divide", multiply(amount, constant(WHOLE)), WHOLE + rate.data))

    if context.money.rounding_place == "total":
        return share(subtract(subtotal, discount))
    taxes = [share(amount) for amount in amounts]
    if context.rows("part_fees"):
        rate_of_part = context.cell(context.money.tax, "fees", "part")
        part = context.subject("part_amount", "part", "part_fees")
        part_tax = context.compute("part_tax", share(part, rate_of_part), grain="part")
        taxes.append(context.gather("parts_tax", "part", "sum", part_tax))
    if named := _of_materials(context):
        rate_of_line = context.cell(context.money.tax, "fees", "material")
        columns = {"goods": "line_goods", "processing": "line_processing_fee"}
        line = _sum([context.subject(columns[name], "material", "materials") for name in named], ZERO)
        line_tax = context.compute("line_tax", share(line, rate_of_line), grain="material")
        taxes.append(context.gather("materials_tax", "material", "sum", line_tax))
    return subtract(_sum(taxes, ZERO), share(discount) if discount != ZERO else ZERO)


FAMILY = Family(
    name="confirmations",
    zh="确认",
    grain="ticket",
    policy="collect",
    governing="request",
    results=(Result("reason", "text", "原因", required=True),),
    build=build,
)
