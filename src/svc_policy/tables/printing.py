"""Print cells: as they were read, and in the canonical form on which a digest rests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from svc_policy.tables.records import Interval, Operand, Reference, Result, Test
from svc_policy.units import fold, format_day, format_literal

if TYPE_CHECKING:
    from svc_policy.tables.decision_table import DecisionTable

# Words and beginnings that would be read as something else if they stood without quotes.
_MEANT_OTHERWISE: Final = r"[-–—]|missing|缺|缺失|(?:not|非)\s*\(.*|[\"“”({\[\]<>=+≤≥≦≧⩽⩾≠!].*"


def print_test(test: Test) -> str:
    """Give a condition cell back as it was read; one that was never written, in canonical form."""
    return test.source or canonical_test(test)


def canonical_test(test: Test) -> str:
    """Write a condition in the form that all ways of writing it share.

    Values of a list are in order and each is there once; units are those of
    :func:`svc_policy.units.format_literal`, at both bounds of an interval.
    """
    if test.any:
        return "-"
    items = sorted({_canonical_interval(item) for item in test.items})
    text = ", ".join(["missing", *items] if test.missing else items)
    return f"not({text})" if test.negated else text


def canonical_result(result: Result) -> str:
    """Write a result in canonical form; no result is `-`. A list keeps its order, which may matter."""
    if result is None:
        return "-"
    if isinstance(result, tuple):
        return ", ".join(canonical_operand(operand) for operand in result)
    return canonical_operand(result)


def canonical_operand(operand: Operand) -> str:
    """Write one operand in canonical form, a text in quotes where it would be misread without."""
    if isinstance(operand, Reference):
        return f"{{{operand.name}}}"
    text = format_literal(operand)
    return quoted_if_needed(text) if operand.kind == "text" else text


def quoted_if_needed(text: str) -> str:
    """Put a text in quotes if a cell would read it otherwise."""
    plain = (
        text
        and text == fold(text).strip()
        and not re.search(r"[,，、､﹐﹑\"“”＂\r\n]", text)
        and not re.fullmatch(_MEANT_OTHERWISE, text, re.IGNORECASE | re.DOTALL)
    )
    return text if plain else '"{}"'.format(text.replace('"', '""'))


def _canonical_interval(interval: Interval) -> str:
    low, high = interval.low, interval.high
    if interval.is_single and low is not None:
        return canonical_operand(low)
    if low is None:
        return f"{'<=' if interval.high_closed else '<'} {canonical_operand(high)}" if high is not None else "-"
    if high is None:
        return f"{'>=' if interval.low_closed else '>'} {canonical_operand(low)}"
    opening, closing = "[" if interval.low_closed else "(", "]" if interval.high_closed else ")"
    return f"{opening}{canonical_operand(low)}..{canonical_operand(high)}{closing}"


def canonical_rows(table: DecisionTable) -> list[list[str]]:
    """Write what decides in a table, the heading first: rules in order, columns by name, wording apart.

    Conditions that are `-` throughout decide nothing and are left out, as are
    clauses and notes.
    """
    used = [
        index
        for index in sorted(range(len(table.columns)), key=lambda index: table.columns[index].name)
        if not all(rule.tests[index].any for rule in table.rules)
    ]
    outputs = sorted(range(len(table.outputs)), key=lambda index: table.outputs[index].name)
    outputs = [index for index in outputs if any(rule.results[index] is not None for rule in table.rules)]
    header = ["rule", "from", "until", *(table.columns[index].name for index in used)]
    rows = [[*header, *(f"then: {table.outputs[index].name}" for index in outputs)]]
    for rule in table.rules:
        days = ["-" if day is None else format_day(day) for day in (rule.from_day, rule.until_day)]
        tests = [canonical_test(rule.tests[index]) for index in used]
        rows.append([rule.id, *days, *tests, *(canonical_result(rule.results[index]) for index in outputs)])
    return rows
