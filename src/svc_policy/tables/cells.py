"""Cells of decision tables: DMN's simple unary tests, and the results beside them.

A condition is `-`, a value, a comparison, an interval, a list of these, `missing`,
or `not(...)` of them; docs/format.md states the grammar. A cell that a spreadsheet
would turn into something else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from svc_policy.errors import Place, Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.tables.domains import UNORDERED, Domain, contains, is_discrete
from svc_policy.tables.records import Interval, Names, Operand, Reference, Result, Test, name_key
from svc_policy.units import Kind, Literal, Refusal, fold, read_literal, read_text

ANYTHING: Final = frozenset("-–—")
MISSING: Final = frozenset({"missing", "缺", "缺失"})
NEGATIONS: Final = frozenset({"not", "非"})
SEPARATORS: Final = ",，、､﹐﹑"
_QUOTES: Final = {'"': '"', "“": "”", "＂": "＂"}
_COMPARISONS: Final = {"<=": "<=", "≤": "<=", "≦": "<=", "⩽": "<=", ">=": ">=", "≥": ">=", "≧": ">=", "⩾": ">="}
_INTERVALS: Final[Mapping[Kind, str]] = {
    "money": "(50..100] CNY",
    "distance": "(5..50] km",
    "area": "(5..50] m2",
    "weight": "(5..50] kg",
    "duration": "(4..8] h",
    "share": "[50..90] %",
    "count": "[1..3]",
    "date": "[2026-01-01..2026-12-31]",
    "instant": "[2026-01-01T00:00Z..2026-02-01T00:00Z)",
    "months": "[3..12] months",
}

Read = Callable[[str], Operand]


def parse_test(
    text: str,
    kind: Kind,
    *,
    problems: list[Problem],
    currency: str | None = None,
    zone: str | None = None,
    names: Mapping[str, str] | None = None,
    domain: Domain | None = None,
    column: str = "",
    rule: str = "",
    place: Place | None = None,
) -> Test | None:
    """Read a condition cell.

    Args:
        text: The cell as written.
        kind: What the column holds.
        problems: Takes what is wrong, every item of a list for itself.
        currency: The policy's currency.
        zone: The time zone of instants without an offset.
        names: For an enumeration, every name of a value and the canonical value.
        domain: The values the column can have; a single value outside is a problem.
        column: The column's name, for the problem.
        rule: The rule's id, for the problem.
        place: Where the cell's text stands.

    Returns:
        The test, or None when there was a problem.
    """
    if names is None and kind == "text" and domain is not None and domain.values is not None:
        names = {str(value): str(value) for value in domain.values}
    read = _reader(kind, currency, zone, names)
    refused: list[tuple[str, Refusal]] = []
    try:
        test = _read_test(text, kind, read, domain, refused)
    except Refusal as refusal:
        refused.append((text, refusal))
    problems.extend(cell_problem(item, why, column=column, rule=rule, place=place) for item, why in refused)
    return None if refused else test


def parse_results(
    text: str,
    kind: Kind,
    *,
    problems: list[Problem],
    many: bool = False,
    currency: str | None = None,
    zone: str | None = None,
    names: Mapping[str, str] | None = None,
    column: str = "",
    rule: str = "",
    place: Place | None = None,
) -> Result:
    """Read a result cell: a literal, a parameter, with `many` a list of them; `-` or nothing is None.

    The value of a text is folded, its `text` stays as written. Arguments are those
    of :func:`parse_test`. None is also returned when there was a problem.
    """
    read = _reader(kind, currency, zone, names)
    bare = text.strip()
    if not bare or fold(bare) in ANYTHING:
        return None
    refused: list[tuple[str, Refusal]] = []
    operands: list[Operand] = []
    try:
        refuse_what_spreadsheets_change(bare)
        for item in _split(bare) if many else [bare]:
            _collect(item, lambda item: operands.append(read(item)), refused)
    except Refusal as refusal:
        refused.append((text, refusal))
    problems.extend(cell_problem(item, why, column=column, rule=rule, place=place) for item, why in refused)
    if refused:
        return None
    return tuple(operands) if many else operands[0]


def cell_problem(
    text: str, refusal: Refusal, *, column: str = "", rule: str = "", place: Place | None = None
) -> Problem:
    """Make the problem of a cell that cannot be read, naming as much of its place as is known."""
    if not text.strip():
        return problem(refusal.code, _empty(column, rule), place=place, help=refusal.help)
    if column and rule:
        template = message(
            "cannot read `{cell}` in column `{column}` of rule `{rule}`", cell=_one_line(text), column=column, rule=rule
        )
    elif column:
        template = message("cannot read `{cell}` in column `{column}`", cell=_one_line(text), column=column)
    else:
        template = message("cannot read `{cell}`", cell=_one_line(text))
    return problem(refusal.code, template, place=place, help=refusal.help)


def _empty(column: str, rule: str) -> Message:
    if column and rule:
        return message("column `{column}` of rule `{rule}` is empty", column=column, rule=rule)
    return message("column `{column}` is empty", column=column) if column else message("a cell is empty")


def refuse_what_spreadsheets_change(text: str) -> None:
    """Refuse a cell that a spreadsheet would read as a formula or as a negative number.

    Raises:
        Refusal: The cell begins with `=` or `+`, or is a number in parentheses.
    """
    folded = fold(text).strip()
    if not folded.startswith(("=", "+", "(")):
        return
    if folded[0] != "(":
        raise Refusal("cell-formula", message("no cell begins with `=` or `+`: a spreadsheet would compute it"))
    if re.fullmatch(r"\(\s*[0-9]+(?:[.,][0-9]+)*\s*\)", folded):
        raise Refusal(
            "cell-parentheses", message("a spreadsheet would turn a number in parentheses into a negative one")
        )


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _collect(item: str, take: Callable[[str], None], refused: list[tuple[str, Refusal]]) -> None:
    try:
        take(item)
    except Refusal as refusal:
        refused.append((item, refusal))


def _reader(kind: Kind, currency: str | None, zone: str | None, names: Mapping[str, str] | None) -> Read:
    """Make the function that reads one operand of a column."""
    keys = names if names is None or isinstance(names, Names) else {name_key(name): v for name, v in names.items()}

    def read(text: str) -> Operand:
        folded = fold(text).strip()
        if folded.startswith("{"):
            return _read_reference(folded)
        if keys is None or kind != "text":
            return read_literal(text, kind, currency=currency, zone=zone)
        value = keys.get(name_key(read_text(text)))
        if value is None:
            raise _refuse_value(folded, keys)
        return Literal("text", value, "", text.strip())

    return read


def _read_reference(folded: str) -> Reference:
    match = re.fullmatch(r"\{\s*([^\W\d]\w*)\s*\}", folded)
    if match is None:
        raise Refusal("reference-unreadable", message("a parameter is written as in `{example}`", example="{far_gap}"))
    return Reference(match[1])


def _refuse_value(folded: str, keys: Mapping[str, str]) -> Refusal:
    meant = nearest(name_key(folded), keys)
    if meant is not None:
        return Refusal("value-unknown", message("did you mean `{meant}`?", meant=meant))
    known = ", ".join(f"`{value}`" for value in dict.fromkeys(keys.values()))
    return Refusal("value-unknown", message("the values are {known}", known=known))


def _read_test(text: str, kind: Kind, read: Read, domain: Domain | None, refused: list[tuple[str, Refusal]]) -> Test:
    bare = text.strip()
    if not fold(bare).strip():
        raise Refusal("cell-empty", message("write `-` for anything"))
    if fold(bare).strip() in ANYTHING:
        return Test(kind=kind, any=True, source=text)
    refuse_what_spreadsheets_change(bare)
    if kind != "text" and re.search(r"[0-9],[0-9]{3}(?![0-9])", fold(bare)):
        raise Refusal("number-grouped", message("write the digits of a number without separators"))
    negated, inner = _strip_negation(bare)
    missing = False
    items: list[Interval] = []

    def take(item: str) -> None:
        nonlocal missing
        if fold(item).strip().casefold() in MISSING:
            missing = True
        else:
            items.append(_read_item(item, kind, read, domain))

    pieces = _split(inner)
    for piece in pieces:
        _collect(piece, take, refused)
    if len(pieces) == 1 and refused:  # the whole cell is what cannot be read
        refused[:] = [(text, refused[0][1])]
    return Test(kind=kind, negated=negated, missing=missing, items=tuple(items), source=text)


def _strip_negation(bare: str) -> tuple[bool, str]:
    match = re.match(r"([^(（]*)[(（]", bare)
    if match is None or fold(match[1]).strip().casefold() not in NEGATIONS:
        return False, bare
    if bare[-1] not in ")）":
        raise Refusal("negation-partial", message("`not` covers the whole cell, as in `not(misuse, wear)`"))
    return True, bare[match.end() : -1]


def _split(text: str) -> list[str]:
    """Split a list at its separators; what stands in quotes is not split."""
    pieces, start, closing = [], 0, ""
    for index, char in enumerate(text):
        if closing:
            closing = "" if char == closing else closing
        elif char in _QUOTES and not text[start:index].strip():
            closing = _QUOTES[char]
        elif char in _QUOTES and text[start:index].strip().startswith(char):
            closing = _QUOTES[char]  # the second half of a doubled quote
        elif char in SEPARATORS:
            pieces.append(text[start:index].strip())
            start = index + 1
    pieces.append(text[start:].strip())
    return pieces


def _read_item(item: str, kind: Kind, read: Read, domain: Domain | None) -> Interval:
    folded = fold(item).strip()
    if not folded or folded in ANYTHING:
        raise Refusal("item-empty", message("a value stands before and after each separator of a list"))
    if re.match(r"(?:not|非)\s*\(", folded, re.IGNORECASE):
        raise Refusal("negation-partial", message("`not` covers the whole cell, as in `not(misuse, wear)`"))
    if folded.startswith(("!=", "<>", "≠")):
        raise Refusal("comparison-unknown", message("write `not(...)` for all other values"))
    sign = folded[:2] if folded[:2] in _COMPARISONS else folded[:1]
    if sign in ("<", ">") or sign in _COMPARISONS:
        _require_order(kind)
        return _read_comparison(_COMPARISONS.get(sign, sign), folded[len(sign) :].strip(), read)
    if folded.startswith(("(", "[", "]")) or (kind not in ("text", "bool") and ".." in folded):
        _require_order(kind)
        return _read_interval(folded, kind, read, domain)
    operand = read(item)
    if isinstance(operand, Literal) and domain is not None and not contains(domain, operand.value):
        raise Refusal("value-outside", message("the column never has this value"))
    return Interval(operand, True, operand, True)


def _require_order(kind: Kind) -> None:
    if kind == "text":
        raise Refusal("kind-unordered", message("texts are not compared; put one that begins so in quotes"))
    if kind == "bool":
        raise Refusal("kind-unordered", message("write `yes` or `no`"))
    if kind == "allowance":
        raise Refusal("kind-unordered", message("allowances are of different clocks and are not compared"))


def _read_comparison(sign: str, rest: str, read: Read) -> Interval:
    bound = read(rest)
    if sign[0] == "<":
        return Interval(None, False, bound, sign == "<=")
    return Interval(bound, sign == ">=", None, False)


def _read_interval(folded: str, kind: Kind, read: Read, domain: Domain | None) -> Interval:
    match = re.fullmatch(r"([\[(])\s*(.*?)\s*\.\.\s*(.*?)\s*([\])])\s*(.*)", folded)
    if match is None:
        raise Refusal("interval-unreadable", _interval_help(folded, kind))
    opening, first, last, closing, unit = match.groups()
    if not first or not last:
        raise Refusal("interval-half", message("an interval has two bounds; write `<=` or `>=` for one"))
    low, high = read(_with_unit(first, unit)), read(_with_unit(last, unit))
    interval = Interval(low, opening == "[", high, closing == "]")
    if isinstance(low, Literal) and isinstance(high, Literal):
        _refuse_empty(interval, low, high, is_discrete(kind, domain), domain)
    return interval


def _with_unit(bound: str, unit: str) -> str:
    """Give a bound the unit that stands after the interval; a parameter has its own."""
    if not unit or bound.startswith("{"):
        return bound
    if re.search(r"[^\W\d_]|[%¥€£$]", bound):
        raise Refusal("interval-units", message("write the unit once after the interval, or at each bound"))
    return f"{bound} {unit}"


def _refuse_empty(interval: Interval, low: Literal, high: Literal, discrete: bool, domain: Domain | None) -> None:
    first, last = low.value, high.value
    if not isinstance(first, int) or not isinstance(last, int):
        return
    if first > last:
        raise Refusal("interval-empty", message("the lower bound of an interval comes first"))
    if first == last and not (interval.low_closed and interval.high_closed):
        raise Refusal(
            "interval-empty", message("nothing lies in this interval; one value is written as in `{one}`", one=low.text)
        )
    step = domain.step if domain is not None and domain.step is not None else 1
    if discrete and last - first <= step and not interval.low_closed and not interval.high_closed:
        anchor = 0 if domain is None or domain.low is None else domain.low
        if last - first < step or (first - anchor) % step == 0:
            raise Refusal("interval-empty", message("no value lies between these bounds"))


def _interval_help(folded: str, kind: Kind) -> Message:
    example = _INTERVALS.get(kind, "[1..3]")
    if ".." not in folded:
        return message("two dots stand between the bounds of an interval, as in `{example}`", example=example)
    if folded[0] not in "[(":
        mended = f"({folded}"
        if kind not in UNORDERED and re.fullmatch(r"\([^()\[\]]+\.\.[^()\[\]]+[\])][^()\[\]]*", mended):
            example = mended
        return message("an interval opens with `(` or `[`, as in `{example}`", example=example)
    return message("an interval closes with `)` or `]`, as in `{example}`", example=example)
