"""Files as a source of tickets and a sink of decisions.

The source reads what an audit reads (CSV, JSON lines, Parquet, with a mapping
or in our own names) by the same code, and gives the tickets one by one.
"""

# Names of tables and columns are ours, and every word of a log or a policy is quoted.

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from svc_policy.adapters.file_sink import FileSink
from svc_policy.adapters.log import LogReading, read_log
from svc_policy.adapters.mapping import LogMapping
from svc_policy.adapters.mapping_file import read_mapping
from svc_policy.adapters.protocol import Reading, Unfilled, Unreadable
from svc_policy.adapters.records import NOT_MAPPED
from svc_policy.adapters.registry import Adapter, Option
from svc_policy.adapters.staging import REJECTED, quoted
from svc_policy.adapters.tickets import take_tickets
from svc_policy.batch import require
from svc_policy.errors import AdapterError, MappingError, Place, problem
from svc_policy.facts.registry import LISTS, Fact
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: Rows are handed over in the second.
_MODULES: Final = ("duckdb", "pyarrow")
_MARK: Final = re.compile(r"(\d{1,9}):(\d{1,18}):(\d{1,18})")
_AT_ONCE: Final = 500


class FileSource:
    """The tickets of a log in a file, in the order of its lines; rejected rows stand where their lines do.

    The file is staged in DuckDB, which puts aside on disk what it cannot hold;
    `chunk` tickets at a time are made of it. A mark is the place of a row; the
    file may grow between two readings, if it is not otherwise changed.

    Raises:
        MappingError: The mapping cannot be read; with everything that is wrong in it.
        UsageError: The extra `batch` is not installed.
    """

    def __init__(
        self,
        policy: Policy,
        path: str | Path,
        mapping: LogMapping | str | Path | None = None,
        *,
        chunk: int = _AT_ONCE,
    ) -> None:
        self.policy = policy
        self.path = Path(path)
        self.mapping = read_mapping(mapping, policy) if isinstance(mapping, str | Path) else mapping
        self.chunk = chunk
        asked = {fact.name for fact in policy.pack.settings.facts["ticket"] if fact.asks}
        self.asked = tuple(name for name in policy.plan.asked if name in asked)
        self.asked_of_lines = {
            grain: tuple(fact.name for fact in policy.pack.settings.facts[grain] if _is_asked(fact, field, policy))
            for grain, field in LISTS.items()
        }
        require(*_MODULES)

    @property
    def place(self) -> str:
        """The path from the root."""
        return str(self.path.resolve())

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the tickets and the rejected rows after a mark.

        Raises:
            AdapterError: The file cannot be read at all, or lacks a column that the mapping names; the mark is none.
        """
        start = _read_mark(after, self.path)
        engine = require(*_MODULES)
        with (
            tempfile.TemporaryDirectory(prefix="svc-policy-files-") as folder,
            engine.connect(config={"temp_directory": folder}) as connection,
        ):
            connection.execute("SET enable_progress_bar = false")
            try:
                log = read_log(connection, self.path, self.mapping, self.policy)
            except MappingError as error:
                if error.problems[0].code != "log-no-rows":
                    raise AdapterError(error.problems) from None
                # Rows there are, but no ticket: what is wrong with each of them is told.
                log = None
            yield from self._stream(connection, log, start)

    def _stream(self, connection: Any, log: LogReading | None, start: tuple[int, int, int]) -> Iterator[Any]:
        names = [Path(file).name for file in log.files] if log else [self.path.name]
        files = ", ".join(f"({quoted(name)}, {names.index(name)})" for name in dict.fromkeys(names))
        connection.execute(
            "CREATE TABLE reading_order AS SELECT row_number() OVER (ORDER BY file_no, line, n) AS place, * FROM ("
            "SELECT *, row_number() OVER (PARTITION BY file_no, line ORDER BY kind, number) AS n FROM ("
            "SELECT 0 AS file_no, line, 0 AS kind, 0 AS number, ticket_id FROM ticket_lines "
            "WHERE ticket_id IN (SELECT ticket_id FROM tickets) UNION ALL "
            f"SELECT f.no, r.line, 1, r.rowid, r.ticket_id FROM {REJECTED} AS r JOIN (VALUES {files}) AS f (name, no) "
            "ON f.name = r.file)) ORDER BY place"
        )
        found = connection.execute(
            "SELECT coalesce(max(place), 0) FROM reading_order WHERE (file_no, line, n) <= (?, ?, ?)", list(start)
        ).fetchall()
        reached = int(found[0][0])
        while rows := connection.execute(
            f"SELECT o.place, o.file_no, o.line, o.n, o.kind, o.ticket_id, r.file, r.code, r.reason "
            f"FROM reading_order AS o LEFT JOIN {REJECTED} AS r ON o.kind = 1 AND r.rowid = o.number "
            f"WHERE o.place > {reached} AND o.place <= {reached + self.chunk} ORDER BY o.place"
        ).fetchall():
            reached = int(rows[-1][0])
            tickets = take_tickets(connection, self.policy, [str(row[5]) for row in rows if row[4] == 0])
            for _, file_no, line, n, kind, ticket_id, file, code, reason in rows:
                mark = f"{file_no}:{line}:{n}"
                if kind == 0 and log is not None:
                    ticket = tickets[ticket_id]
                    unfilled = tuple(self._unfilled(ticket, log.mapping))
                    yield Reading(record=ticket_id, ticket=ticket, unfilled=unfilled, mark=mark)
                else:
                    place = Place(file=file, line=line)
                    found_problem = problem(code, message("{reason}", reason=reason), place=place)
                    yield Unreadable(record=ticket_id or str(place), problems=(found_problem,), mark=mark)

    def _unfilled(self, ticket: Ticket, mapping: LogMapping) -> Iterator[Unfilled]:
        for name in self.asked:
            value = ticket.extra.get(name) if name not in _FIELDS else getattr(ticket, name)
            if value is None:
                yield Unfilled(fact=name, reason=_reason(name, mapping))
        for child in mapping.children:
            for index, line in enumerate(getattr(ticket, LISTS[child.grain])):
                for name in self.asked_of_lines[child.grain]:
                    if getattr(line, name) is None:
                        source = child.facts.get(name)
                        reason = NOT_MAPPED if source is None else _empty(source.column)
                        yield Unfilled(fact=f"{LISTS[child.grain]}[{index}].{name}", reason=reason)


def _open_source(policy: Policy, *, path: str | Path, mapping: str | Path | None = None) -> FileSource:
    return FileSource(policy, path, mapping or None)


def _open_sink(policy: Policy, *, path: str | Path, format: str = "") -> FileSink:  # noqa: A002 - the name of the option
    return FileSink(policy, path, format)


_PATH: Final = Option(name="path", summary=message("the file"), needed=True, identifies=False)

FILES: Final = Adapter(
    name="files",
    summary=message("tickets from CSV, JSON lines or Parquet; decisions to JSON lines or CSV"),
    source=_open_source,
    sink=_open_sink,
    source_options=(
        _PATH,
        Option(name="mapping", summary=message("the mapping that says which column is which fact (TOML)")),
    ),
    sink_options=(
        _PATH,
        Option(name="format", summary=message("`jsonl` or `csv`; by the name of the file unless given")),
    ),
    page="docs/adapters.md",
)


def _is_asked(fact: Fact, field: str, policy: Policy) -> bool:
    return fact.asks and f"{field}.{fact.name}" in policy.plan.asked


_FIELDS: Final = frozenset(field for field in dir(Ticket) if not field.startswith("_"))


def _empty(column: str) -> Message:
    return message("the field `{field}` is empty", field=column)


def _reason(name: str, mapping: LogMapping) -> Message:
    source = mapping.facts.get(name)
    if source is not None:
        return _empty(source.column)
    if name in mapping.milestones:
        return message("no event of the ticket gives it")
    return NOT_MAPPED


def _read_mark(text: str | None, path: Path) -> tuple[int, int, int]:
    if text is None:
        return (-1, 0, 0)
    match = _MARK.fullmatch(text)
    if match is None:
        template = message("`{mark}` is no mark of this file", mark=text[:60])
        advice = message("read it from the beginning")
        raise AdapterError([problem("file-mark", template, place=Place(file=str(path)), help=advice)])
    return (int(match[1]), int(match[2]), int(match[3]))
