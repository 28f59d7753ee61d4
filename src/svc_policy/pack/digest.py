"""The digest of a policy: sha-256 over everything that decides, wording apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from svc_policy.pack.settings import Settings
from svc_policy.rules.family import Cell, MoneySettings, Parameter, Row
from svc_policy.tables import canonical_test
from svc_policy.units import Literal, format_literal
from svc_policy.worktime.frozen import FrozenDay


def digest(
    settings: Settings,
    rows: Mapping[str, Sequence[Row]],
    lookups: Mapping[str, Mapping[str, Sequence[object]]],
    days: Iterable[FrozenDay],
) -> str:
    """Compute the digest, as 64 hexadecimal digits.

    Order of files, columns and parameters, spelling of values, language of
    headings, notes and labels take no part; the order of rows does.
    """
    decides = {
        "id": settings.id,
        "timezone": settings.timezone,
        "currency": settings.currency,
        "money": _money(settings.money),
        "week": {day: list(windows) for day, windows in settings.week.items() if windows},
        "valid": settings.valid,
        "days": sorted((day.day, repr(day.windows), day.as_weekday or "") for day in days),
        "facts": sorted(
            [fact.name, fact.kind, fact.grain, fact.absence, fact.default, fact.low, fact.high, sorted(fact.values)]
            for fact in settings.company_facts
        ),
        "roles": sorted(settings.roles),
        "parameters": {
            name: [[since, format_literal(literal)] for since, literal in parameter.values]
            for name, parameter in settings.parameters.items()
        },
        "lookups": {
            name: [lookup.key, list(lookup.fills), {key: list(values) for key, values in lookups.get(name, {}).items()}]
            for name, lookup in settings.lookups.items()
        },
        "tables": {family: [canonical_row(row) for row in of] for family, of in rows.items() if of},
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _money(money: MoneySettings) -> list[object]:
    return [canonical_cell(money.tax), money.prices_include_tax, money.rounding_place]


def canonical_row(row: Row) -> list[object]:
    """Give all of a row that decides, spelled in one way."""
    tests = {name: canonical_test(test) for name, test in row.tests.items() if not test.any}
    results = {name: canonical_cell(cell) for name, cell in row.results.items() if cell is not None}
    return [row.id, row.since, row.until, tests, results, sorted(row.cites)]


def canonical_cell(cell: Cell) -> object:
    """Give a result cell in the form that all ways of writing it share."""
    if isinstance(cell, Parameter):
        return f"{{{cell.name}}}"
    if isinstance(cell, tuple):
        return list(cell)
    return format_literal(cell) if isinstance(cell, Literal) else None
