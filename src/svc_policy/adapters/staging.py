"""Stage the files of a log in DuckDB: every cell as text, every row with the line it came from."""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.adapters.documents import suggest
from svc_policy.adapters.log_lines import LONGEST_RECORD, LONGEST_SHOWN, clean_csv, clean_json_lines
from svc_policy.adapters.mapping import FORMATS, FileFormat, FileOptions
from svc_policy.errors import MappingError, Place, Problem, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    import duckdb

#: Rows that cannot be used; `problem` is `row` or `ticket`.
REJECTED = "rejected"
_KEYS_READ = 10_000
_WRITTEN_AT_ONCE = 10_000


@attrs.define
class Rejects:
    """Gathers rejected records and hands them to the table `rejected` in portions."""

    connection: duckdb.DuckDBPyConnection
    file: str
    count: int = 0
    _rows: list[tuple[object, ...]] = attrs.field(factory=list)

    def __call__(self, line: int, code: str, reason: Message, text: str) -> None:
        """Take one bad record."""
        shown = text[:LONGEST_SHOWN].replace("\0", "\u2400").encode("utf-8", "replace").decode()
        self._rows.append((self.file, line, "row", None, None, code, reason.text("en"), shown))
        self.count += 1
        if len(self._rows) >= _WRITTEN_AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write what has been gathered."""
        insert(self.connection, REJECTED, self._rows)
        self._rows.clear()


@attrs.frozen(kw_only=True)
class Staged:
    """A staged file: the table with the column `line`, and the SQL of its cells by heading.

    JSON lines have no headings: any key may be asked for. `rows` counts the
    records of the file, the rejected ones included.
    """

    table: str
    file: str
    format: FileFormat
    headings: tuple[str, ...]
    rows: int
    rejected: int
    delimiter: str = ","

    def cell(self, heading: str) -> str:
        """Give the SQL of a cell as text, without blanks around it; null where it is empty."""
        if self.format == "jsonl":
            return f"nullif(trim(json_extract_string(record, {quoted(pointer(heading))})), '')"
        return f"nullif(trim(c{self.headings.index(heading)}), '')"

    @property
    def raw(self) -> str:
        """The SQL of a whole row as text, for the list of rejected rows."""
        if self.format == "jsonl":
            return f"left(record, {LONGEST_SHOWN})"
        cells = ", ".join(f"coalesce(c{index}, '')" for index in range(len(self.headings)))
        return f"left(concat_ws({quoted(self.delimiter)}, {cells}), {LONGEST_SHOWN})" if cells else "''"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of rejected rows."""
    connection.execute(
        f"CREATE TABLE {REJECTED} (file VARCHAR, line BIGINT, problem VARCHAR, ticket_id VARCHAR, field VARCHAR, "
        "code VARCHAR, reason VARCHAR, raw VARCHAR)"
    )


def stage(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, options: FileOptions, notes: list[Problem]
) -> Staged:
    """Stage one file as the table `table`.

    Raises:
        MappingError: The file is not there, is empty, or is not what its format says.
    """
    form = options.format or FORMATS.get(path.suffix.lower())
    if form is None:
        template = message("cannot tell the format of the file")
        explanation = message('name it in the mapping: `file.format = "csv"`')
        raise MappingError([problem("log-format", template, place=Place(file=str(path)), help=explanation)])
    if path.is_dir():
        raise MappingError([problem("log-file", message("this is a folder"), place=Place(file=str(path)))])
    if form == "parquet":
        return _stage_parquet(connection, path, table)
    rejects = Rejects(connection, path.name)
    with tempfile.TemporaryDirectory(prefix="svc-policy-") as folder:
        clean = Path(folder) / "clean.csv"
        try:
            if form == "csv":
                copied = clean_csv(path, clean, options, notes, rejects)
                names: Sequence[str] = [f"c{index}" for index in range(len(copied.headings))]
                _check_headings(path, copied.headings)
            else:
                copied = clean_json_lines(path, clean, options, notes, rejects)
                names = ["record"]
        finally:
            rejects.write()
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        # Ours to read: good records only, so the list of rejects stays empty; it would be told, not lost.
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * FROM read_csv({quoted(str(clean))}, header = false, delim = ',', "
            f"quote = '\"', escape = '\"', auto_detect = false, strict_mode = false, "
            f"columns = {{'line': 'BIGINT', {columns}}}, max_line_size = {8 * LONGEST_RECORD}, store_rejects = true, "
            f"rejects_table = '{table}_errors', rejects_scan = '{table}_scans')"
        )
        _take_engine_rejects(connection, table, rejects)
    if form == "jsonl":
        _reject_broken_json(connection, table, path.name, rejects)
    found = Staged(
        table=table,
        file=path.name,
        format=form,
        headings=copied.headings,
        rows=copied.records,
        rejected=rejects.count,
        delimiter=copied.delimiter,
    )
    _check_count(connection, found)
    return found


def _take_engine_rejects(connection: duckdb.DuckDBPyConnection, table: str, rejects: Rejects) -> None:
    found = connection.execute(
        f"SELECT line, any_value(error_message), any_value(csv_line) FROM {table}_errors GROUP BY line ORDER BY line"
    ).fetchall()
    for _, reason, text in found:
        line, _, rest = str(text).lstrip("\n").partition(",")
        rejects(int(line) if line.isdigit() else 0, "log-engine", message("{reason}", reason=str(reason)), rest)
    rejects.write()


def _reject_broken_json(connection: duckdb.DuckDBPyConnection, table: str, file: str, rejects: Rejects) -> None:
    # Without a CASE the engine may look into a record before it knows that it is JSON.
    broken = "CASE WHEN json_valid(record) THEN json_type(record) <> 'OBJECT' ELSE true END"
    count = connection.execute(
        f"INSERT INTO {REJECTED} SELECT {quoted(file)}, line, 'row', NULL, NULL, 'log-json', "
        f"'the line is no JSON object', left(record, {LONGEST_SHOWN}) FROM {table} WHERE {broken}"
    ).fetchall()[0][0]
    connection.execute(f"DELETE FROM {table} WHERE {broken}")
    rejects.count += int(count)


def _stage_parquet(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> Staged:
    import duckdb

    source = f"read_parquet({quoted(str(path))}, file_row_number = true)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        names = [str(row[0]) for row in described if row[0] != "file_row_number"]
        _check_headings(path, names)
        cells = ", ".join(f"CAST({identifier(name)} AS VARCHAR) AS c{index}" for index, name in enumerate(names))
        connection.execute(
            f"CREATE TABLE {table} AS SELECT file_row_number + 1 AS line, {cells} FROM {source} ORDER BY line"
        )
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        template = message("the file cannot be read as Parquet: {reason}", reason=reason)
        raise MappingError([problem("log-file", template, place=Place(file=str(path)))]) from None
    rows = count_of(connection, table)
    if not rows:
        raise MappingError([problem("log-file", message("the file is empty"), place=Place(file=str(path)))])
    return Staged(table=table, file=path.name, format="parquet", headings=tuple(names), rows=rows, rejected=0)


def _check_headings(path: Path, headings: Sequence[str]) -> None:
    if not any(headings):
        raise MappingError([problem("log-file", message("the file has no heading"), place=Place(file=str(path)))])


def _check_count(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    kept = count_of(connection, staged.table)
    if kept + staged.rejected != staged.rows:
        raise RuntimeError(f"{staged.file}: {staged.rows} rows, but {kept} kept and {staged.rejected} rejected")


def check_columns(connection: duckdb.DuckDBPyConnection, staged: Staged, wanted: Sequence[tuple[str, Place]]) -> None:
    """See that every column that a mapping names is in the file.

    Raises:
        MappingError: With each that is not, and the nearest heading.
    """
    problems = []
    if staged.format == "jsonl":
        known = {
            str(row[0])
            for row in connection.execute(
                f"SELECT DISTINCT unnest(json_keys(record)) FROM (SELECT record FROM {staged.table} LIMIT {_KEYS_READ})"
            ).fetchall()
        }
    else:
        known = set(staged.headings)
    for heading, place in wanted:
        if heading.startswith("/") and staged.format == "jsonl":
            continue
        if heading not in known:
            template = message("`{file}` has no column `{column}`", file=staged.file, column=heading)
            problems.append(problem("log-column", template, place=place, help=suggest(heading, sorted(known))))
        elif staged.headings.count(heading) > 1:
            template = message("`{file}` has the column `{column}` twice", file=staged.file, column=heading)
            problems.append(problem("log-column", template, place=place))
    if problems:
        raise MappingError(problems)


def pointer(key: str) -> str:
    """Write a key of a record as a JSON pointer; one that begins with `/` is one."""
    return key if key.startswith("/") else "/" + key.replace("~", "~0").replace("/", "~1")


def quoted(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def count_of(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Count the rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a table that is there; by columns, which is a hundred times faster than row by row."""
    if not rows:
        return
    import pyarrow

    types = [str(row[1]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    names = [f"c{index}" for index in range(len(types))]
    kinds = {"BIGINT": pyarrow.int64(), "BOOLEAN": pyarrow.bool_(), "VARCHAR": pyarrow.string()}
    arrays = [pyarrow.array([row[index] for row in rows], type=kinds[kind]) for index, kind in enumerate(types)]
    connection.register("rows_to_insert", pyarrow.table(arrays, names=names))
    connection.execute(f"INSERT INTO {table} SELECT * FROM rows_to_insert")
    connection.unregister("rows_to_insert")
