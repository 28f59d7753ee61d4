"""Put texts together in SQL: templates, durations, amounts."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from svc_policy.audit.codes import DAYS, HOURS, MINUTES, SECONDS, WORKING
from svc_policy.messages import Language, Message, translate

_TWO_DAYS = 2 * 86_400


def literal(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def text_sql(template: Message, language: Language, values: Mapping[str, str]) -> str:
    """Write the SQL of a template in a language; `values` are the SQL of its placeholders, null read as empty."""
    parts = []
    for before, name, _, _ in Formatter().parse(translate(template.template, language)):
        if before:
            parts.append(literal(before))
        if name:
            parts.append(f"coalesce(CAST({values[name]} AS VARCHAR), '')")
    return f"({' || '.join(parts)})" if parts else "''"


def duration_sql(seconds: str, is_working: str, language: Language) -> str:
    """Write the SQL that puts seconds (not negative) into words; `is_working` is the SQL of a truth."""

    def whole(template: Message, **values: str) -> str:
        return text_sql(template, language, values)

    plain = (
        f"CASE WHEN {seconds} < 60 THEN {whole(SECONDS, seconds=seconds)} "
        f"WHEN {seconds} < 3600 THEN {whole(MINUTES, minutes=f'{seconds} // 60')} "
        f"WHEN {seconds} < {_TWO_DAYS} OR {is_working} "
        f"THEN {whole(HOURS, hours=f'{seconds} // 3600', minutes=f'{seconds} % 3600 // 60')} "
        f"ELSE {whole(DAYS, days=f'{seconds} // 86400', hours=f'{seconds} % 86400 // 3600')} END"
    )
    return f"CASE WHEN {is_working} THEN {whole(WORKING, time=f'({plain})')} ELSE {plain} END"


def money_sql(minor: str, currency: str, digits: int) -> str:
    """Write the SQL that shows minor units as an amount with its currency."""
    sign = f"CASE WHEN {minor} < 0 THEN '-' ELSE '' END"
    if not digits:
        return f"({sign} || abs({minor}) || {literal(f' {currency}')})"
    whole = 10**digits
    return (
        f"({sign} || abs({minor}) // {whole} || '.' || lpad(CAST(abs({minor}) % {whole} AS VARCHAR), {digits}, '0') "
        f"|| {literal(f' {currency}')})"
    )
