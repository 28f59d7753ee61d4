"""Make many tickets fast: DuckDB spreads the bits of a row's number over every column.

The same count gives the same tickets under the same DuckDB. About one ticket in
five lies on a boundary of time, distance or warranty; a few per cent of the facts
are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from svc_policy import Policy
from svc_policy.facts.columns import TABLES, columns, keys
from svc_policy.facts.registry import Grain

GRAINS: tuple[Grain, ...] = ("ticket", "part", "hold", "incident")
#: Everything is decided at noon of this day in Shanghai, after the last ticket was received.
AT_S = 1_782_792_000  # 2026-06-30T12:00:00+08:00

# `roll(salt, n)` is a number below n; `often(salt, percent)` holds of that share of the rows.
_MACROS = (
    "CREATE OR REPLACE TEMP MACRO roll(i, salt, n) AS CAST(hash(i * 128 + salt) % n AS BIGINT)",
    "CREATE OR REPLACE TEMP MACRO often(i, salt, percent) AS hash(i * 128 + salt) % 100 < percent",
    "CREATE OR REPLACE TEMP MACRO after(start, i, salt, hours) AS "
    "start + CASE WHEN roll(i, salt, 10) = 0 THEN 3600 * roll(i, salt + 1, hours) "
    "ELSE roll(i, salt + 1, hours * 3600) END",
)

_DRAWN = """
    SELECT i,
        19358 + roll(i, 1, 1276) AS day,
        CASE WHEN often(i, 2, 20) THEN [0, 32400, 43200, 46800, 64800, 86399][1 + roll(i, 3, 6)]
             WHEN often(i, 4, 80) THEN 32400 + roll(i, 5, 32400) ELSE roll(i, 5, 86400) END AS second,
        often(i, 6, 60) AS on_site,
        ['fault', 'fault', 'fault', 'fault', 'fault', 'fault', 'fault', 'inquiry', 'complaint', 'suggestion']
            [1 + roll(i, 7, 10)] AS request_kind,
        roll(i, 8, 20) AS progress,
        often(i, 9, 30) AS with_parts
    FROM range({first}, {last}) AS numbers(i)
"""
_STARTED = "SELECT *, (day * 86400 - 28800) + second AS received_at_s FROM drawn"
_TIMED = """
    SELECT *, after(received_at_s, i, 10, 6) AS relayed, after(received_at_s, i, 12, 12) AS answered,
        after(received_at_s, i, 14, 14) AS solution, after(received_at_s, i, 16, 20) AS quoted,
        after(received_at_s, i, 18, 90) AS arrived
    FROM started
"""
_LATER = """
    SELECT *, after(relayed, i, 20, 6) AS contacted, after(quoted, i, 22, 48) AS confirmed,
        arrived + 1800 + roll(i, 24, 14400) AS finished
    FROM timed
"""
_BACK = "SELECT *, finished + 1200 + roll(i, 25, 36000) AS returned FROM later"

#: What each column of a ticket holds; the columns that are not here are missing.
_TICKET: Mapping[str, str] = {
    "ticket_id": "'T' || i",
    "customer": "'customer ' || roll(i, 30, 200000)",
    "customer_phone": "CASE WHEN often(i, 31, 97) THEN '0571-' || (10000000 + roll(i, 32, 80000000)) END",
    "district": "'district ' || roll(i, 33, 40)",
    "customer_kind": "CASE WHEN often(i, 34, 98) THEN ['person', 'person', 'organisation'][1 + roll(i, 35, 3)] END",
    "channel": "['telephone', 'e-mail', 'online', 'counter'][1 + roll(i, 36, 4)]",
    "request_kind": "request_kind",
    "internal": "often(i, 37, 3)",
    "serial_no": "'S' || (100000000 + roll(i, 38, 900000000))",
    "item_code": "'item ' || roll(i, 39, 3000)",
    "product_class": "['pump', 'boiler', 'heater', 'filter'][1 + roll(i, 40, 4)]",
    "purchased_on_day": "day - 370 - roll(i, 41, 1200)",
    "delivered_on_day": "CASE WHEN often(i, 42, 20) THEN day - 367 + roll(i, 43, 5) "
    "WHEN often(i, 44, 97) THEN day - roll(i, 45, 1200) END",
    "suspended_days": "CASE WHEN often(i, 46, 2) THEN roll(i, 47, 30) ELSE 0 END",
    "contract_until_day": "CASE WHEN often(i, 48, 10) THEN day - 200 + roll(i, 49, 600) END",
    "cause": "CASE WHEN often(i, 50, 95) THEN "
    "['product', 'product', 'product', 'misuse', 'wear', 'accident'][1 + roll(i, 51, 6)] END",
    "on_site": "CASE WHEN often(i, 52, 98) THEN on_site END",
    "solved_by_telephone": "CASE WHEN often(i, 53, 98) THEN not on_site AND often(i, 54, 70) END",
    "self_service": "often(i, 55, 5)",
    "parts_needed": "CASE WHEN often(i, 56, 98) THEN with_parts END",
    "distance_m": "CASE WHEN often(i, 57, 20) THEN [0, 4999, 5000, 5001, 50000, 50001, 100000, 100001]"
    "[1 + roll(i, 58, 8)] WHEN often(i, 59, 97) THEN roll(i, 60, 150000) END",
    "labour_s": "CASE WHEN often(i, 61, 97) THEN 900 * roll(i, 62, 30) END",
    "visit_time": "CASE WHEN often(i, 109, 60) THEN 'normal' "
    "ELSE ['night', 'weekend', 'holiday'][1 + roll(i, 63, 3)] END",
    "parts_delivery": "CASE WHEN with_parts AND often(i, 64, 60) THEN ['mailed', 'carried'][1 + roll(i, 65, 2)] END",
    "fee_refused": "often(i, 66, 2)",
    "entertainment_claimed": "often(i, 67, 2)",
    "entertainment_agreed": "often(i, 68, 1)",
    "entertainment_special": "often(i, 69, 1)",
    "received_at_s": "received_at_s",
    "relayed_at_s": "CASE WHEN progress > 0 THEN relayed END",
    "contacted_at_s": "CASE WHEN progress > 1 THEN contacted END",
    "answered_at_s": "CASE WHEN progress > 2 AND request_kind <> 'fault' THEN answered END",
    "solution_at_s": "CASE WHEN progress > 2 AND request_kind = 'fault' THEN solution END",
    "quoted_at_s": "CASE WHEN progress > 3 AND often(i, 70, 45) THEN quoted END",
    "confirmed_at_s": "CASE WHEN progress > 4 AND often(i, 70, 45) THEN confirmed END",
    "departed_at_s": "CASE WHEN progress > 5 AND on_site THEN arrived - 3600 END",
    "arrived_at_s": "CASE WHEN progress > 6 AND on_site THEN arrived END",
    "finished_at_s": "CASE WHEN progress > 7 THEN finished END",
    "returned_at_s": "CASE WHEN progress > 8 AND on_site THEN returned END",
    "reported_at_s": "CASE WHEN progress > 9 AND on_site THEN after(returned, i, 71, 90) END",
    "material_returned_at_s": "CASE WHEN progress > 9 AND on_site AND with_parts THEN after(returned, i, 73, 90) END",
    "handed_in_at_s": "CASE WHEN progress > 10 AND on_site THEN after(returned, i, 75, 90) END",
    "audited_at_s": "CASE WHEN progress > 11 AND on_site THEN returned + 400000 + roll(i, 77, 600000) END",
    "closed_at_s": "CASE WHEN progress > 12 THEN returned + 1100000 END",
}
_PART: Mapping[str, str] = {
    "ticket_id": "'T' || i",
    "line": "line",
    "part_no": "'P' || roll(i, 80 + line, 9000)",
    "quantity": "1 + roll(i, 82 + line, 3)",
    "unit_price_minor": "CASE WHEN often(i, 84 + line, 97) THEN roll(i, 86 + line, 90000) END",
    "part_cause": "CASE WHEN often(i, 88 + line, 10) THEN ['product', 'misuse'][1 + roll(i, 90 + line, 2)] END",
}
_HOLD: Mapping[str, str] = {
    "ticket_id": "'T' || i",
    "line": "line",
    "hold_kind": "['customer_wait', 'customer_wait', 'customer_reply', 'parts_approval'][1 + roll(i, 92 + line, 4)]",
    "from_at_s": "received_at_s + roll(i, 94 + line, 90000)",
    "until_at_s": "CASE WHEN often(i, 96 + line, 90) THEN received_at_s + 90000 + roll(i, 98 + line, 200000) END",
}
_INCIDENT: Mapping[str, str] = {
    "ticket_id": "'T' || i",
    "line": "line",
    "incident_kind": "['not_passed_on', 'not_fed_back', 'faulty_record', 'returned_without_consent']"
    "[1 + roll(i, 100, 4)]",
    "occurred_on_day": "day + roll(i, 101, 5)",
    "record_faulty": "often(i, 102, 30)",
    "extra_cost_minor": "CASE WHEN often(i, 103, 50) THEN roll(i, 104, 50000) ELSE 0 END",
}
_VALUES: Mapping[Grain, Mapping[str, str]] = {"ticket": _TICKET, "part": _PART, "hold": _HOLD, "incident": _INCIDENT}
#: Which tickets have lines of a grain, and how many.
_LINES: Mapping[Grain, tuple[str, str]] = {
    "ticket": ("true", "1"),
    "part": ("with_parts", "1 + roll(i, 105, 2)"),
    "hold": ("often(i, 106, 10)", "1 + roll(i, 107, 2)"),
    "incident": ("often(i, 108, 2)", "1"),
}


def generated(policy: Policy, grain: Grain, first: int, last: int) -> str:
    """Write the query of the rows of a grain, of the tickets `first` up to but not including `last`."""
    values = _VALUES[grain]
    listed = ", ".join(f'{values.get(name, "NULL")} AS "{name}"' for name in typed_columns(policy, grain))
    condition, lines = _LINES[grain]
    source = f"(SELECT *, unnest(range({lines})) AS line FROM back WHERE {condition})" if grain != "ticket" else "back"
    return (
        f"WITH drawn AS ({_DRAWN.format(first=first, last=last)}), started AS ({_STARTED}), timed AS ({_TIMED}), "
        f"later AS ({_LATER}), back AS ({_BACK}) SELECT {listed} FROM {source}"
    )


def typed_columns(policy: Policy, grain: Grain) -> dict[str, str]:
    """Give the canonical columns of a grain and their types."""
    facts = policy.pack.settings.company_facts
    return {column.name: column.type.upper() for column in (*keys(grain), *columns(grain, facts))}


def write_tickets(connection: Any, policy: Policy, folder: Path, count: int, form: str) -> None:
    """Write the files of every grain, unless they are there already: ``tickets.csv``, ``parts.csv``, ..."""
    for macro in _MACROS:
        connection.execute(macro)
    options = "HEADER" if form == "csv" else "FORMAT parquet"
    for grain in GRAINS:
        target = folder / f"{TABLES[grain]}.{form}"
        if not target.exists():
            connection.execute(f"COPY ({generated(policy, grain, 0, count)}) TO '{target}' ({options})")
