"""Publish what a ticket looks like in JSON, as a JSON Schema made from the list of facts.

The schema describes the plain form: numbers in the unit of the name, ISO dates
and instants, a text with a unit where that is allowed. What cannot be said in a
schema, the reader alone refuses: more decimals than a unit has, a text with a
unit beyond the limits or in another currency, a day that its month lacks, a
local time that a zone skips or repeats, a hold that ends before it began.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Final

from svc_policy.facts.normal import LONGEST_TEXT, company_facts, declared, limits
from svc_policy.facts.registry import LISTS, MEASURES, Fact, Grain

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER: Final = "urn:svc-policy:schema:1:ticket"

_TITLES: Final[dict[Grain, tuple[str, str]]] = {
    "ticket": ("ticket", "工单"),
    "part": ("part", "配件"),
    "hold": ("hold", "暂停"),
    "incident": ("incident", "事件"),
    "override": ("override", "特批"),
    "material": ("material", "材料"),
}
_DATE: Final = "^(19|[2-9][0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_INSTANT: Final = (
    "^(19|[2-9][0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$"
)
_UNITS: Final = {
    "money": "[A-Z]{3}",
    "distance": "(km|m)",
    "area": "(m2|m²|cm2)",
    "weight": "(kg|g|t)",
    "duration": "(h|min|s)",
    "share": "%",
}
_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": LONGEST_TEXT, "pattern": "^[^\\u0000]*$"}


def ticket_schema(facts: Sequence[Fact] = (), *, currency_digits: int = 2) -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of a ticket.

    Args:
        facts: What a policy declares: its own facts stand under `extra`, an enumeration replaces the built-in one.
        currency_digits: Decimals of the currency, for the limits of money, which are in major units.

    Raises:
        UsageError: A declaration contradicts a built-in fact.
    """
    schema: dict[str, Any] = {"$schema": DRAFT, "$id": IDENTIFIER, **_record("ticket", facts, currency_digits)}
    properties = {"ticket_id": {"title": "ticket", "x-title-zh": _TITLES["ticket"][1], **_TEXT}, **schema["properties"]}
    for grain, field in LISTS.items():
        properties[field] = {"type": ["array", "null"], "items": {"$ref": f"#/$defs/{grain}"}}
    properties["extra"] = _extra(company_facts(facts), currency_digits)
    schema["properties"] = properties
    schema["$defs"] = {grain: _record(grain, facts, currency_digits) for grain in LISTS}
    return schema


def _record(grain: Grain, facts: Sequence[Fact], currency_digits: int) -> dict[str, Any]:
    title, title_zh = _TITLES[grain]
    return {
        "title": title,
        "x-title-zh": title_zh,
        "type": "object",
        "properties": {fact.name: _property(fact, currency_digits) for fact in declared(grain, facts)},
        "additionalProperties": False,
    }


def _extra(facts: Sequence[Fact], currency_digits: int) -> dict[str, Any]:
    titles = {"title": "facts of the company's own", "x-title-zh": "企业自定义事实", "type": ["object", "null"]}
    if not facts:
        return {**titles, "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
    properties = {fact.name: _property(fact, currency_digits) for fact in facts}
    return {**titles, "properties": properties, "additionalProperties": False}


def _property(fact: Fact, currency_digits: int) -> dict[str, Any]:
    head: dict[str, Any] = {"title": fact.en, "x-title-zh": fact.zh, "x-absence": fact.absence}
    if fact.default is not None:
        head["default"] = _major(fact, int(fact.default), currency_digits) if _is_scaled(fact) else fact.default
    if fact.values:
        head["x-labels"] = {name: {"en": en, "zh": zh} for name, (en, zh) in fact.values.items()}
        return {**head, "enum": [*fact.values, None]}
    if fact.kind == "text":
        return {**head, **_TEXT}
    if fact.kind == "bool":
        return {**head, "type": ["boolean", "null"]}
    if fact.kind == "date":
        return {**head, "type": ["string", "null"], "format": "date", "pattern": _DATE}
    if fact.kind == "instant":
        # `format: date-time` would refuse a local time, which is read in the zone of the policy.
        described = "ISO 8601; without an offset read in the zone of the policy; fractions of a second are dropped"
        return {**head, "description": described, "type": ["string", "null"], "pattern": _INSTANT}
    if fact.kind == "share":
        return {**head, "type": ["string", "null"], "pattern": _written_with("share")}
    low, high = (_major(fact, limit, currency_digits) for limit in limits(fact))
    if fact.kind == "count":
        return {**head, "type": ["integer", "null"], "minimum": low, "maximum": high}
    numbers = {"type": "number", "minimum": low, "maximum": high}
    texts = {"type": "string", "pattern": f"^[0-9]+([.][0-9]+)?( ?{_UNITS[fact.kind]})?$"}
    return {**head, "description": _described(fact, currency_digits), "anyOf": [numbers, texts, {"type": "null"}]}


def _is_scaled(fact: Fact) -> bool:
    return fact.kind in MEASURES or fact.kind in ("money", "duration")


def _major(fact: Fact, amount: int, currency_digits: int) -> int | float:
    """Give an internal amount in the unit that JSON has."""
    if fact.kind == "duration":
        number = Decimal(amount) / 3600
    else:
        decimals = MEASURES[fact.kind][1] if fact.kind in MEASURES else 0
        number = Decimal(amount).scaleb(-(currency_digits if fact.kind == "money" else decimals))
    return int(number) if number == number.to_integral_value() else float(number)


def _written_with(kind: str) -> str:
    return f"^[0-9]+([.][0-9]+)? ?{_UNITS[kind]}$"


def _described(fact: Fact, currency_digits: int) -> str:
    if fact.kind == "money":
        return f"major units of the policy's currency, at most {currency_digits} decimals, or a text as in `50 CNY`"
    if fact.kind == "distance":
        return "kilometres, at most 3 decimals, or a text as in `800 m`"
    if fact.kind == "area":
        return "square metres, at most 4 decimals, or a text as in `12.5 m2`"
    if fact.kind == "weight":
        return "kilograms, at most 3 decimals, or a text as in `1.5 t`"
    return "hours that make a whole number of seconds, or a text as in `90 min`"


def schema_text(schema: dict[str, Any]) -> str:
    """Write a schema as the shipped file has it."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def schema_path() -> Path:
    """Say where the shipped schema of a ticket lies."""
    return Path(str(resources.files("svc_policy") / "schemas" / "ticket.schema.json"))


if __name__ == "__main__":
    schema_path().write_text(schema_text(ticket_schema()), encoding="utf-8")
