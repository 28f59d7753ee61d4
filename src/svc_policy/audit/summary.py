"""Count what an audit came to; the arithmetic is checked, not trusted."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svc_policy.audit.codes import CODES
from svc_policy.audit.findings import FINDINGS
from svc_policy.audit.outputs import KIND
from svc_policy.rules.deadlines import STATUSES

if TYPE_CHECKING:
    import duckdb

    from svc_policy.adapters import LogReading
    from svc_policy.policy import Policy


def make_summary(connection: duckdb.DuckDBPyConnection, policy: Policy, log: LogReading, at_s: int) -> dict[str, Any]:
    """Count findings, statuses, categories and money; say what was audited, by what, and when.

    Raises:
        RuntimeError: Rows or tickets do not add up: a defect of ours.
    """
    from svc_policy import __version__

    decided = _number(connection, "SELECT count(*) FROM decisions WHERE NOT calendar_error")
    outside = _number(connection, "SELECT count(*) FROM rejected WHERE problem = 'ticket'")
    rejected_rows = _number(connection, "SELECT count(*) FROM rejected WHERE problem = 'row'")
    if log.tickets != decided + outside:
        raise RuntimeError(f"{log.tickets} tickets in, but {decided} decided and {outside} rejected")
    if log.rows != log.used + rejected_rows:
        raise RuntimeError(f"{log.rows} rows in, but {log.used} used and {rejected_rows} rejected")
    return {
        "schema": 1,
        "kind": KIND,
        "policy": {"id": policy.id, "digest": policy.digest, "engine": __version__},
        "log": {"files": [Path(name).name for name in log.files]},
        "mapping": {"file": Path(log.mapping.file).name if log.mapping.digest else None, "digest": log.mapping.digest},
        "at": datetime.fromtimestamp(at_s, UTC).astimezone(policy.zone).isoformat(),
        "rows": {"in": log.rows, "used": log.used, "rejected": rejected_rows},
        "tickets": {"in": log.tickets, "decided": decided, "rejected": outside},
        "rejected": _pairs(connection, "SELECT code, count(*) FROM rejected GROUP BY 1 ORDER BY 2 DESC, 1"),
        "findings": _findings(connection),
        "targets": _targets(connection, policy),
        "categories": _categories(connection),
        "money": _money(connection, policy),
        "notes": [note.message.text("en") for note in log.notes],
    }


def _findings(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        f"SELECT code, count(*), count(DISTINCT ticket_id), sum(amount_minor), sum(amount_most_minor), "
        f"CAST(quantile_disc(late_s, 0.5) AS BIGINT), max(late_s) FROM {FINDINGS} GROUP BY code ORDER BY code"
    ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for code, count, tickets, least, most, median, longest in rows:
        item: dict[str, Any] = {"severity": CODES[code].severity, "count": count, "tickets": tickets}
        if least is not None:
            item |= {"amount_minor": int(least), "amount_most_minor": int(most)}
        if median is not None:
            item |= {"median_late_s": median, "longest_late_s": longest}
        found[code] = item
    return found


def _targets(connection: duckdb.DuckDBPyConnection, policy: Policy) -> dict[str, dict[str, int]]:
    found = {}
    for target in policy.target_names():
        counted = _pairs(
            connection,
            f"SELECT coalesce({target}_status, 'undetermined'), count(*) FROM decisions "
            "WHERE NOT calendar_error GROUP BY 1",
        )
        found[target] = {status: counted[status] for status in STATUSES if status in counted}
    return found


def _categories(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    if "category" not in _columns(connection):
        return {}
    return _pairs(
        connection,
        "SELECT coalesce(category, 'undetermined'), count(*) FROM decisions WHERE NOT calendar_error "
        "GROUP BY category ORDER BY category IS NULL, category",
    )


def _money(connection: duckdb.DuckDBPyConnection, policy: Policy) -> dict[str, Any]:
    found: dict[str, Any] = {"currency": policy.pack.settings.currency}
    for name in ("payable", "penalty_least", "penalty_most"):
        if name in _columns(connection):
            found[f"{name}_minor"] = _number(
                connection, f"SELECT coalesce(sum({name}), 0) FROM decisions WHERE NOT calendar_error"
            )
    return found


def _columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {str(row[0]) for row in connection.execute("DESCRIBE decisions").fetchall()}


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _pairs(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in connection.execute(query).fetchall()}
