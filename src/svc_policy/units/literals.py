"""Literals with units: `50 CNY`, `5 km`, `8 working h`, `90 %`, `2026-01-01`, `12 months`.

A number is digits with at most one decimal point; the unit follows, after a space or none.
What stands in front may be a currency's sign or code. Nothing here is a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, overload

from svc_policy.errors import Place, PolicyError, Problem, problem
from svc_policy.messages import Message, message
from svc_policy.units.currencies import SIGNS, minor_digits
from svc_policy.units.days import format_day
from svc_policy.units.folding import fold
from svc_policy.units.instants import format_instant, read_instant
from svc_policy.units.records import Allowance, AllowanceUnit, Kind, Literal, Refusal, Value
from svc_policy.units.written_dates import read_date

LARGEST: Final = 10**15
"""No amount is larger, in the smallest unit of its kind: sums of many stay exact in 64 bits."""

NOUNS: Final[Mapping[Kind, Message]] = {
    "text": message("a text"),
    "bool": message("yes or no"),
    "money": message("an amount of money"),
    "distance": message("a distance"),
    "area": message("an area"),
    "weight": message("a weight"),
    "duration": message("a duration"),
    "share": message("a share"),
    "count": message("a whole number"),
    "date": message("a date"),
    "instant": message("an instant"),
    "months": message("a number of months"),
    "allowance": message("a time allowance"),
}
EXAMPLES: Final[Mapping[Kind, str]] = {
    "text": "misuse",
    "bool": "yes",
    "money": "50 CNY",
    "distance": "5 km",
    "area": "12.5 m2",
    "weight": "30 kg",
    "duration": "48 h",
    "share": "90 %",
    "count": "3",
    "date": "2026-01-31",
    "instant": "2026-03-02T09:00:00+08:00",
    "months": "12 months",
    "allowance": "8 working h",
}
WORDS: Final[Mapping[str, bool]] = {"yes": True, "no": False, "是": True, "否": False}

_HOURS = ("h", "hour", "hours", "小时", "个小时")
_MINUTES = ("min", "minute", "minutes", "分钟", "分")
_SECONDS = ("s", "second", "seconds", "秒")
_DAYS = ("d", "day", "days", "天", "日")
_WEEKS = ("week", "weeks", "周", "星期")
_MONTHS = ("month", "months", "个月", "月")
_YEARS = ("year", "years", "年")


def _units(*groups: tuple[tuple[str, ...], int]) -> dict[str, int]:
    return {name: factor for names, factor in groups for name in names}


_CALENDAR_CLOCK = _units((_HOURS, 3600), (_MINUTES, 60), (_SECONDS, 1))
_FACTORS: Final[Mapping[Kind, Mapping[str, int]]] = {
    "distance": _units((("km", "公里", "千米"), 1000), (("m", "米"), 1)),
    "area": _units((("m2", "m²", "平方米", "平米"), 10_000), (("cm2", "cm²", "平方厘米"), 1)),
    "weight": _units((("t", "吨"), 1_000_000), (("kg", "公斤", "千克"), 1000), (("g", "克"), 1)),
    "duration": {**_CALENDAR_CLOCK, **_units((_DAYS, 86400), (_WEEKS, 7 * 86400))},
    "share": {"%": 100},
    "count": {"": 1},
    "months": _units((_MONTHS, 1), (_YEARS, 12)),
}
_ALLOWANCES: Final[Mapping[AllowanceUnit, Mapping[str, int]]] = {
    "s": _CALENDAR_CLOCK,
    "working_s": {
        **{f"working {name}": factor for name, factor in _CALENDAR_CLOCK.items() if name.isascii()},
        **_units((("工作小时", "个工作小时"), 3600), (("工作分钟",), 60), (("工作秒",), 1)),
    },
    "working_days": _units((("working d", "working day", "working days", "工作日", "个工作日", "工作天"), 1)),
    "days": _units((_DAYS, 1), (("自然日", "个自然日"), 1), (_WEEKS, 7)),
    "months": _units((_MONTHS, 1), (_YEARS, 12)),
}
# Kilometres are metres to three decimals and shares are basis points: a digit more is a mistake
# to be asked about. Hours need no such limit, since `0.5 h` and `0.50 h` are both whole seconds.
_DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("t", "吨"), 6),
    **dict.fromkeys(("m2", "m²", "平方米", "平米"), 4),
    **dict.fromkeys(("km", "公里", "千米", "kg", "公斤", "千克"), 3),
    "%": 2,
    **dict.fromkeys(("m", "米", "g", "克", "cm2", "cm²", "平方厘米", ""), 0),
}

_CANONICAL: Final[Mapping[str, str]] = {"distance": "km", "area": "m2", "weight": "kg"}


@overload
def parse_literal(
    text: str, kind: Kind, *, currency: str | None = None, zone: str | None = None, place: Place | None = None
) -> Literal: ...
@overload
def parse_literal(
    text: str,
    kind: Kind,
    *,
    problems: list[Problem],
    currency: str | None = None,
    zone: str | None = None,
    place: Place | None = None,
) -> Literal | None: ...
def parse_literal(
    text: str,
    kind: Kind,
    *,
    currency: str | None = None,
    zone: str | None = None,
    place: Place | None = None,
    problems: list[Problem] | None = None,
) -> Literal | None:
    """Read one literal.

    Args:
        text: What was written; full-width forms are understood.
        kind: What it must be.
        currency: The policy's currency; money in another is refused. None takes any code.
        zone: The time zone of instants without an offset; None refuses those.
        place: Where it stands, for the problem.
        problems: Takes the problem, and None is returned; without it the problem is raised.

    Raises:
        PolicyError: The text cannot be read and `problems` was not given.
    """
    try:
        return read_literal(text, kind, currency=currency, zone=zone)
    except Refusal as refusal:
        found = problem(
            refusal.code,
            message("cannot read `{text}` as {kind}", text=text, kind=NOUNS[kind]),
            place=place,
            help=refusal.help,
        )
    if problems is None:
        raise PolicyError([found])
    problems.append(found)
    return None


@overload
def parse_instant(text: str, zone: str | None = None, *, place: Place | None = None) -> int: ...
@overload
def parse_instant(
    text: str, zone: str | None = None, *, problems: list[Problem], place: Place | None = None
) -> int | None: ...
def parse_instant(
    text: str, zone: str | None = None, *, place: Place | None = None, problems: list[Problem] | None = None
) -> int | None:
    """Read an instant as epoch seconds, UTC; a time without an offset is read in `zone`.

    A local time that the zone skips or repeats is a problem that names both readings.
    With `problems` the problem goes there and None is returned.

    Raises:
        PolicyError: The text cannot be read and `problems` was not given.
    """
    if problems is None:
        literal: Literal | None = parse_literal(text, "instant", zone=zone, place=place)
    else:
        literal = parse_literal(text, "instant", zone=zone, place=place, problems=problems)
    return None if literal is None or not isinstance(literal.value, int) else literal.value


def read_literal(text: str, kind: Kind, *, currency: str | None = None, zone: str | None = None) -> Literal:
    """Read one literal, or say why not; for readers that make the problem themselves.

    Raises:
        Refusal: The text cannot be read; its help says what would be right.
    """
    folded = fold(text).strip()
    value: Value
    unit = ""
    if not folded:
        raise Refusal("literal-empty", _example(kind))
    if kind == "text":
        value = read_text(text)
    elif kind == "bool":
        if folded.casefold() not in WORDS:
            raise Refusal("bool-unreadable", message("write `yes` or `no`"))
        value = WORDS[folded.casefold()]
    elif kind == "date":
        value = read_date(folded)
    elif kind == "instant":
        value = read_instant(folded, zone)
    elif kind == "money":
        value, unit = _read_money(folded, currency)
    elif kind == "allowance":
        value = _read_allowance(folded)
    else:
        number, decimals, name = _read_number(folded, kind)
        value = _scale(number, decimals, name, _FACTORS[kind], kind)
    return Literal(kind, value, unit, text.strip())


def read_text(text: str) -> str:
    """Read a text: in quotes it is taken to the letter, a quote doubled; without, it is folded.

    Raises:
        Refusal: A quote is opened and not closed at the end.
    """
    bare = text.strip()
    if bare[:1] not in ('"', "“", "＂"):
        return fold(bare).strip()
    end = {'"': '"', "“": "”", "＂": "＂"}[bare[0]]
    inner = bare[1:-1].replace(end * 2, "")
    if len(bare) < 2 or bare[-1] != end or end in inner:
        raise Refusal("text-unclosed", message('a text in quotes ends with its quote, as in `"a, b"`'))
    return bare[1:-1].replace(end * 2, end)


def format_literal(literal: Literal) -> str:
    """Write a literal in its canonical form: what means the same is written the same.

    Distances are in km, areas in m2, weights in kg, durations in the largest of h, min and s that is exact,
    money has all its digits or none. A text is written as it is, without quotes.
    """
    value, kind = literal.value, literal.kind
    if isinstance(value, Allowance):
        return _format_allowance(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if kind == "money":
        return _format_money(value, literal.unit)
    if kind in _CANONICAL:
        unit = _CANONICAL[kind]
        decimals = _DECIMALS[unit]
        return f"{_decimal(value, decimals)} {unit}"
    if kind == "duration":
        return _format_seconds(value, "")
    if kind == "share":
        return f"{_decimal(value, 2)} %"
    if kind == "months":
        return _counted(value, "month")
    if kind == "date":
        return format_day(value)
    return format_instant(value) if kind == "instant" else str(value)


def _read_number(text: str, kind: Kind) -> tuple[str, int, str]:
    """Take a folded text apart into the digits, the count of decimals, and the unit, in lower case."""
    match = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?(?![0-9.])\s*(.*)", text, re.DOTALL)
    if match is None or re.match(r"[0-9.]+e[+-]?[0-9]", text, re.IGNORECASE):
        raise _refuse_number(text, kind)
    if re.match(r"[0-9]+,[0-9]{3}(?![0-9])", text):
        raise Refusal("number-grouped", message("write the digits of a number without separators"))
    whole, fraction, unit = match[1], match[2] or "", match[3]
    return whole + fraction, len(fraction), re.sub(r"\s+", " ", unit.strip()).casefold()


def _refuse_number(text: str, kind: Kind) -> Refusal:
    lower = text.casefold()
    if re.match(r"[-−–]\s*[^0-9\s]?\s*(?:[0-9.]|inf|nan)", lower):
        return Refusal("number-negative", message("{kind} is never negative", kind=NOUNS[kind]))
    if re.match(r"nan\b|inf(?:inity)?\b|∞", lower):
        return Refusal("number-not-finite", message("{kind} is a finite number", kind=NOUNS[kind]))
    if re.match(r"[0-9.]+e[+-]?[0-9]", lower):
        return Refusal("number-exponent", message("write all digits of a number, without an exponent"))
    if re.match(r"[0-9]*\.[0-9]*(?![0-9])", lower):
        return Refusal("number-point", message("a decimal point has digits on both sides, and there is one at most"))
    return Refusal("number-unreadable", _example(kind))


def _scale(digits: str, decimals: int, unit: str, factors: Mapping[str, int], kind: Kind) -> int:
    """Multiply by the unit's factor, exactly or not at all."""
    if unit not in factors:
        raise _refuse_unit(unit, kind)
    if decimals > _DECIMALS.get(unit, decimals):
        raise Refusal(
            "number-too-fine",
            message("{unit} takes {count} decimals at most", unit=f"`{unit}`", count=_DECIMALS[unit])
            if unit
            else message("{kind} has no decimals", kind=NOUNS[kind]),
        )
    return _exactly(digits, decimals, factors[unit], kind)


def _exactly(digits: str, decimals: int, factor: int, kind: Kind) -> int:
    if len(digits) > 40:  # before `int`, which refuses thousands of digits in its own words
        raise _refuse_huge(kind)
    divisor: int = 10**decimals
    value, rest = divmod(int(digits) * factor, divisor)
    if rest:
        raise Refusal("number-too-fine", message("{kind} is not measured that finely", kind=NOUNS[kind]))
    if value > LARGEST:
        raise _refuse_huge(kind)
    return value


def _refuse_huge(kind: Kind) -> Refusal:
    return Refusal(
        "number-huge",
        message("{kind} counts at most {largest} of its smallest unit", kind=NOUNS[kind], largest=LARGEST),
    )


def _refuse_unit(unit: str, kind: Kind) -> Refusal:
    if kind == "count":
        return Refusal("unit-unknown", message("a whole number has no unit, as in `3`"))
    if not unit:
        return Refusal(
            "unit-missing",
            message("{kind} carries its unit, as in `{example}`", kind=NOUNS[kind], example=EXAMPLES[kind]),
        )
    return Refusal(
        "unit-unknown",
        message(
            "`{unit}` is no unit of {kind}; write it as in `{example}`",
            unit=unit,
            kind=NOUNS[kind],
            example=EXAMPLES[kind],
        ),
    )


def _example(kind: Kind) -> Message:
    return message("{kind} is written as in `{example}`", kind=NOUNS[kind], example=EXAMPLES[kind])


def _read_money(text: str, currency: str | None) -> tuple[int, str]:
    front = re.match(r"([A-Za-z]{3}|[¥€£$元]|人民币)\s*(?=[0-9])", text)
    digits, decimals, unit = _read_number(text[front.end() :] if front else text, "money")
    if front and unit and front[1] == "¥" and unit == "元":
        unit = ""  # `¥50元` says the same twice
    if front:
        unit = f"{front[1].casefold()} {unit}".strip()
    found = _currency_of(unit, currency)
    places = minor_digits(found)
    if places is None:
        raise _refuse_unit(unit, "money")
    if decimals > places:
        raise Refusal(
            "number-too-fine",
            message("{unit} takes {count} decimals at most", unit=f"`{found}`", count=places),
        )
    return _exactly(digits, decimals, 10**places, "money"), found


def _currency_of(unit: str, currency: str | None) -> str:
    if not unit:
        raise Refusal(
            "unit-missing",
            message(
                "{kind} carries its unit, as in `{example}`", kind=NOUNS["money"], example=f"50 {currency or 'CNY'}"
            ),
        )
    if unit in SIGNS:
        if currency in SIGNS[unit]:
            return str(currency)
        raise Refusal(
            "currency-unclear",
            message("write the currency's code, as in `{example}`", example=f"50 {currency or 'CNY'}"),
        )
    code = unit.upper()
    if currency is not None and code != currency and minor_digits(code) is not None:
        raise Refusal("currency-other", message("the policy's currency is `{currency}`", currency=currency))
    return code


def _read_allowance(text: str) -> Allowance:
    digits, decimals, name = _read_number(text, "allowance")
    for unit, factors in _ALLOWANCES.items():
        if name in factors:
            return Allowance(_exactly(digits, decimals, factors[name], "allowance"), unit)
    raise _refuse_unit(name, "allowance")


def _format_allowance(allowance: Allowance) -> str:
    if allowance.unit in ("s", "working_s"):
        return _format_seconds(allowance.value, "working " if allowance.unit == "working_s" else "")
    singular = {"working_days": "working day", "days": "day", "months": "month"}[allowance.unit]
    return _counted(allowance.value, singular)


def _format_seconds(seconds: int, clock: str) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} {clock}h"
    return f"{seconds // 60} {clock}min" if seconds % 60 == 0 else f"{seconds} {clock}s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _format_money(value: int, currency: str) -> str:
    digits = minor_digits(currency) or 0
    whole = value % 10**digits == 0
    return f"{_decimal(value, digits, trim=whole)} {currency}"


def _decimal(value: int, digits: int, *, trim: bool = True) -> str:
    whole, fraction = divmod(abs(value), 10**digits)
    decimals = f"{fraction:0{digits}}" if digits else ""
    if trim:
        decimals = decimals.rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"
