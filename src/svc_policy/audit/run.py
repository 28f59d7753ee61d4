"""Run an audit: read, decide, find, write."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from svc_policy.audit.findings import make_findings
from svc_policy.audit.outputs import check_folder, write_outputs
from svc_policy.audit.result import AuditResult
from svc_policy.audit.summary import make_summary
from svc_policy.batch import require
from svc_policy.errors import MappingError, Place, UsageError, problem
from svc_policy.messages import message
from svc_policy.statistics import count_earlier_repairs

if TYPE_CHECKING:
    import duckdb

    from svc_policy.adapters import LogReading
    from svc_policy.policy import Policy

Progress = Callable[[str, int, int], None]


class Decide(Protocol):
    """What decides the tables of a connection: :func:`svc_policy.batch.decide_batch`."""

    def __call__(self, policy: Policy, connection: Any, *, at_s: int) -> None:
        """Make the tables of decisions from the input tables."""


def run_audit(
    source: Path,
    policy: Policy,
    *,
    mapping: Path | None = None,
    at: datetime | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    decide: Decide | None = None,
    with_texts: bool = True,
) -> AuditResult:
    """Audit a log: decide every ticket and find where the log disagrees with the policy.

    Args:
        source: The log: CSV, JSON lines or Parquet.
        policy: The policy; the mapping may put another calendar in the place of its own.
        mapping: The mapping (TOML); without one the headings of the log are names of facts.
        at: The instant of the audit, with an offset; else the mapping's `as_of`, else the latest instant in the log.
        out: A folder for the results; see ``docs/audit.md``.
        progress: Called with a stage (`read`, `decide`, `find`, `write`), the steps done and the steps in all.
        decide: Decides the tables; the batch engine unless given.
        with_texts: Put every finding into words; who only counts them need not wait for it.

    Raises:
        MappingError: The mapping or the log cannot be read; with every problem.
        UsageError: `at` has no offset, the folder is not ours, or the extra `batch` is not installed.
    """
    # Rows are handed over in the second, and working time is written in the third.
    engine = require("duckdb", "pyarrow", "sqlglot")
    if at is not None and at.tzinfo is None:
        template = message("`at` has no time zone")
        raise UsageError([problem("at-naive", template, help=message("give it one, as in `2026-03-02T09:00+08:00`"))])
    if out is not None:
        check_folder(out)
    tell = progress or _silent
    from svc_policy.adapters import read_log, read_mapping, with_calendar

    tell("read", 0, 1)
    read = None if mapping is None else read_mapping(mapping, policy)
    if read is not None:
        policy = with_calendar(policy, read.calendar, read.file)
    scratch = tempfile.TemporaryDirectory(prefix="svc-policy-audit-")
    connection = engine.connect(config={"temp_directory": scratch.name})
    try:
        # DuckDB draws its progress bar on standard output, where the results go.
        connection.execute("SET enable_progress_bar = false")
        log = read_log(connection, source, read, policy)
        tell("read", 1, 1)
        at_s = _instant(at, log, source)
        tell("decide", 0, log.tickets)
        count_earlier_repairs(connection, policy)
        (decide or _decide_batch(tell))(policy, connection, at_s=at_s)
        tell("decide", log.tickets, log.tickets)
        tell("find", 0, 1)
        make_findings(connection, policy, at_s, with_texts=with_texts)
        _reject_outside(connection, source)
        summary = make_summary(connection, policy, log, at_s)
        tell("find", 1, 1)
        paths = None
        if out is not None:
            tell("write", 0, 1)
            paths = write_outputs(connection, policy, summary, out)
            tell("write", 1, 1)
    except BaseException:
        connection.close()
        scratch.cleanup()
        raise
    return AuditResult(summary=summary, paths=paths or {}, policy=policy, connection=connection, scratch=scratch)


def _silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""


def _decide_batch(tell: Progress) -> Decide:
    from svc_policy.batch import decide_batch

    def decide(policy: Policy, connection: Any, *, at_s: int) -> None:
        decide_batch(policy, connection, at_s=at_s, progress=lambda done, total: tell("decide", done, total))

    return decide


def _instant(at: datetime | None, log: LogReading, source: Path) -> int:
    if at is not None:
        return int(at.timestamp() // 1)
    found = log.mapping.as_of_s if log.mapping.as_of_s is not None else log.latest_s
    if found is None:
        template = message("the log says of no ticket when anything happened")
        raise MappingError(
            [problem("log-no-instant", template, place=Place(file=str(source)), help=message("say `--at`"))]
        )
    return found


def _reject_outside(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """List the tickets that the calendar does not answer for among the rejected ones."""
    connection.execute(
        "INSERT INTO rejected SELECT ?, f.line, 'ticket', f.ticket_id, NULL, 'ticket-calendar', f.text, NULL "
        "FROM findings AS f WHERE f.code = 'CAL001' ORDER BY f.line",
        [source.name],
    )
