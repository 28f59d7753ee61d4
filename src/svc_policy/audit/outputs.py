"""Write the results of an audit: beside, then moved into place, so that nothing is ever half-written."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from svc_policy.audit.findings import COLUMNS, FINDINGS
from svc_policy.audit.words import literal
from svc_policy.errors import Place, UsageError, problem, reason_of
from svc_policy.messages import message
from svc_policy.tables.sheets import neutralise

if TYPE_CHECKING:
    import duckdb

    from svc_policy.policy import Policy

#: What `summary.json` says it is; by it a folder is known as ours.
KIND: Final = "svc-policy audit"
NAMES: Final = ("decisions.parquet", "findings.parquet", "findings.csv", "rejected.csv", "summary.json")
#: Rows before tickets, file by file, line by line.
REJECTED_IN_ORDER: Final = (
    "SELECT * FROM rejected ORDER BY problem = 'ticket', min(rowid) OVER (PARTITION BY problem, file), line"
)
_BOM = b"\xef\xbb\xbf"
_PLAIN = (
    "category",
    "in_warranty",
    "covered",
    "excluded",
    "in_contract",
    "payer",
    "needs_confirmation",
)
_MONEY = ("subtotal", "discount", "tax", "total", "payable", "penalty_least", "penalty_most")


def check_folder(out: Path) -> None:
    """See that a folder is new, empty, or holds nothing but an earlier audit.

    Raises:
        UsageError: It is not.
    """
    place = Place(file=str(out))
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError([problem("audit-folder", message("this is no folder"), place=place)])
    if not out.exists():
        if not out.parent.is_dir():
            template = message("there is no folder `{folder}` to write to", folder=str(out.parent))
            raise UsageError([problem("audit-folder", template, place=place)])
        return
    found = sorted(entry.name for entry in out.iterdir())
    if not found:
        return
    strange = [name for name in found if name not in NAMES]
    if strange or not _is_ours(out / "summary.json"):
        template = message("the folder holds something else: `{name}`", name=(strange or found)[0])
        explanation = message("name a new folder; only an earlier audit is replaced")
        raise UsageError([problem("audit-folder", template, place=place, help=explanation)])


def _is_ours(path: Path) -> bool:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND


def write_outputs(
    connection: duckdb.DuckDBPyConnection, policy: Policy, summary: Mapping[str, Any], out: Path
) -> dict[str, Path]:
    """Write all files into a folder beside `out`, and put it in the place of `out`.

    Raises:
        UsageError: The folder cannot be written, or is not ours.
    """
    check_folder(out)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from None
    try:
        _copy(connection, decisions_query(connection, policy), made / "decisions.parquet", "FORMAT parquet")
        listed = ", ".join(COLUMNS)
        _copy(connection, f"SELECT {listed} FROM {FINDINGS}", made / "findings.parquet", "FORMAT parquet")
        write_csv(connection, f"SELECT {listed} FROM {FINDINGS}", made / "findings.csv")
        write_csv(connection, REJECTED_IN_ORDER, made / "rejected.csv")
        text = json.dumps(summary, ensure_ascii=False, indent=2)
        (made / "summary.json").write_text(f"{text}\n", "utf-8")
        _move(made, out)
    except OSError as error:
        raise _unwritable(out, error) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return {name: out / name for name in NAMES}


def _move(made: Path, out: Path) -> None:
    # A temporary folder is its owner's alone; the result is as any new folder is.
    mask = os.umask(0)
    os.umask(mask)
    made.chmod(0o777 & ~mask)
    if not out.exists():
        made.rename(out)
        return
    earlier = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        out.rename(earlier / "earlier")
        try:
            made.rename(out)
        except OSError:
            (earlier / "earlier").rename(out)
            raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)


def write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write a query as CSV in UTF-8 with a byte order mark; no cell can be computed by a spreadsheet."""
    shown = ", ".join(
        f"{_harmless(str(row[0]))} AS {row[0]}" if str(row[1]) == "VARCHAR" else str(row[0])
        for row in connection.execute(f"DESCRIBE {query}").fetchall()
    )
    bare = path.with_suffix(".part")
    _copy(connection, f"SELECT {shown} FROM ({query})", bare, "FORMAT csv, HEADER true")
    with bare.open("rb") as source, path.open("wb") as target:
        target.write(_BOM)
        shutil.copyfileobj(source, target)
    bare.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, options: str) -> None:
    connection.execute(f"COPY ({query}) TO {literal(str(path))} ({options})")


def _harmless(column: str) -> str:
    return (
        f"CASE WHEN position(substr({column}, 1, 1) IN {literal(_dangerous())}) > 0 AND {column} NOT IN ('', '-') "
        f"THEN '''' || {column} ELSE {column} END"
    )


@functools.cache
def _dangerous() -> str:
    """List the characters that :func:`~svc_policy.tables.sheets.neutralise` does not let a cell begin with."""
    letters = (chr(number) for number in range(1, 0x10000) if not 0xD800 <= number <= 0xDFFF)
    return "".join(letter for letter in letters if neutralise(f"{letter}x") != f"{letter}x")


def decisions_query(connection: duckdb.DuckDBPyConnection, policy: Policy) -> str:
    """Write the readable form of the decisions: texts and times beside the integers."""
    from svc_policy.audit.rules import NEEDS, RULES

    there = {str(row[0]) for row in connection.execute("DESCRIBE decisions").fetchall()}
    made = ["d.ticket_id", "l.line", *(f"d.{name}" for name in _PLAIN if name in there)]
    if "warranty_end" in there:
        made.append("DATE '1970-01-01' + CAST(d.warranty_end AS INTEGER) AS warranty_end")
    joins = []
    for target in policy.target_names():
        made.append(f"coalesce(d.{target}_status, 'undetermined') AS {target}_status")
        made.append(f"r_{target}.rule AS {target}_rule")
        made.append(f"d.{target}_due AS {target}_due_s")
        made.append(f"to_timestamp(d.{target}_due) AS {target}_due")
        joins.append(
            f"LEFT JOIN {RULES} AS r_{target} ON r_{target}.tbl = {literal(target)} "
            f"AND r_{target}.number = d.{target}_row"
        )
    made += [f"d.{name} AS {name}_minor" for name in _MONEY if name in there]
    made.append(
        f"(SELECT string_agg(n.name, ' ' ORDER BY n.bit) FROM {NEEDS} AS n WHERE (d.needs >> n.bit) & 1 = 1) AS needs"
    )
    made.append("d.next_change_at AS next_change_at_s")
    made.append("to_timestamp(d.next_change_at) AS next_change_at")
    return (
        f"SELECT {', '.join(made)} FROM decisions AS d JOIN ticket_lines AS l USING (ticket_id) {' '.join(joins)} "
        "WHERE NOT d.calendar_error ORDER BY l.line"
    )


def _unwritable(out: Path, error: OSError) -> UsageError:
    reason = reason_of(error)
    template = message("the folder cannot be written: {reason}", reason=reason)
    return UsageError([problem("audit-folder", template, place=Place(file=str(out)))])
