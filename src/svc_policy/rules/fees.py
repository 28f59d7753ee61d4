"""Fees: the lines of a quote other than parts.

amount = fixed + rate × units ÷ per, the units being the measure less what is
free, at least the minimum, rounded up to whole steps; half a minor unit rounds
up. A line of which no row holds costs nothing.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import (
    ZERO,
    Expression,
    add,
    constant,
    divide,
    multiply,
    strict,
    subtract,
)
from svc_policy.rules.family import Context, Family, Result, Row


def lines(context: Context) -> dict[str, list[Row]]:
    """Group the rows by the line they price, in the table's order."""
    groups: dict[str, list[Row]] = {}
    for row in context.rows("fees"):
        groups.setdefault(row.text("line") or "", []).append(row)
    return groups


def build(context: Context) -> None:
    """Write the amount of every line, in minor units."""
    for line, rows in lines(context).items():
        name = f"fee_{line}"
        context.choose(
            name,
            "fees",
            rows,
            {f"{name}_amount": lambda row: _amount(context, row)},
            otherwise={f"{name}_amount": ZERO},
        )


def _amount(context: Context, row: Row) -> Expression:
    fixed = _optional(context, row, "fixed")
    if row.results.get("rate") is None:
        return fixed or ZERO
    rate = context.cell(row.results["rate"], "fees", "ticket")
    units = context.subject(row.text("measure") or "", "ticket", "fees")
    if (free := _optional(context, row, "beyond")) is not None:
        units = strict("greatest", subtract(units, free), ZERO)
    if (minimum := _optional(context, row, "at least")) is not None:
        units = strict("greatest", units, minimum)
    if (step := _optional(context, row, "step")) is not None:
        size = _size(step)
        units = multiply(divide("ceil_divide", units, size), constant(size))
    per = context.cell(row.results["per"], "fees", "ticket")
    return add(fixed or ZERO, divide("half_up_divide", multiply(rate, units), _size(per)))


def _optional(context: Context, row: Row, name: str) -> Expression | None:
    cell = row.results.get(name)
    return None if cell is None else context.cell(cell, "fees", "ticket")


def _size(node: Expression) -> int:
    if not isinstance(node.data, int) or node.data <= 0:
        raise ValueError("a step or unit is a positive literal; the loader checks it")
    return node.data


FAMILY = Family(
    name="fees",
    zh="收费",
    grain="ticket",
    policy="first",
    governing="fee",
    group_by="line",
    results=(
        Result("line", "text", "项目", required=True),
        Result("fixed", "money", "固定金额"),
        Result("rate", "money", "单价"),
        Result("per", "quantity", "每"),
        Result("measure", "text", "计量"),
        Result("beyond", "quantity", "免计"),
        Result("step", "quantity", "进位"),
        Result("at least", "quantity", "最少"),
    ),
    build=build,
)
