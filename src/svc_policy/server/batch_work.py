"""Decide the lines of batches, in a process of its own: lines of JSON in, lines of JSON out, in their order.

Frames go both ways: four bytes of length, then so many bytes. A job is one frame of JSON (`path`, `digest`, `at_s`,
`keys`); after the answer to it come frames of whole lines, each answered by one frame; an empty frame ends the job
and is answered by what was counted. A process serves one job after the other and keeps what it has compiled.

The first thousands of lines are decided one by one by the policy's own function; whoever sends more has them decided
in DuckDB by the hundred, which takes seconds to make ready and then a fraction of the time.
"""

from __future__ import annotations

import json
import os
import select
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from svc_policy.batch import compile_for_plan, create_tables, require, run_laid_out
from svc_policy.errors import Place, PolicyError, Problem, TicketError, problem, problem_to_dict
from svc_policy.facts.columns import TABLES, columns, keys
from svc_policy.facts.quick import GiveUp
from svc_policy.facts.registry import GRAINS
from svc_policy.facts.sources import JsonReader, decode
from svc_policy.facts.ticket import Ticket
from svc_policy.messages import message
from svc_policy.policy import Policy, load
from svc_policy.server.batch_columns import PythonLines, SqlLines

#: A line that was read: its number, what it states or the ticket, the answer if it is refused.
Line = tuple[int, Any, bytes | None]

HEAD: Final = struct.Struct(">I")
#: Lines of a job that are decided one by one before it is worth while to compile.
FEW: Final = 8_000
#: Lines of one frame that are worth a query once that is compiled: it takes half a second to begin with.
SOME: Final = 4_000
_THREADS: Final = 2
_MEMORY: Final = "1GB"
#: Seconds between two looks whether a frame is decided.
_LOOK: Final = 0.005
#: What is skipped between lines, and nothing else that a space is taken for.
_BLANK: Final = " \t\r\x0b\x0c"
_NOWHERE: Final = Place(file="batch")


def serve_batches(task: dict[str, Any]) -> int:
    """Serve jobs until there are no more."""
    longest: int = task["line"]
    policies: dict[str, Policy] = {}
    deciders: dict[tuple[str, tuple[str, ...]], Decider] = {}
    while (frame := read_frame(0)) is not None:
        job = json.loads(frame)
        try:
            policy = policies.get(job["digest"]) or load(Path(job["path"]))
            if policy.digest != job["digest"]:
                text = message("the files of policy `{policy}` have changed since it was loaded", policy=policy.id)
                raise PolicyError([problem("serve-files-changed", text)])
            policies = {policy.digest: policy}
            key = (policy.digest, tuple(job["keys"]))
            decider = deciders.get(key)
            if decider is None:
                # What was compiled for others is let go of: it is megabytes.
                deciders = {key: Decider(policy, tuple(job["keys"]), longest)}
                decider = deciders[key]
        except PolicyError as error:
            write_frame(1, _json({"problems": [problem_to_dict(one) for one in error.problems]}))
            continue
        write_frame(1, _json({"problems": []}))
        decider.begin(job["at_s"], many=job["many"])
        if not _serve_job(decider):
            return 0
        write_frame(1, _json(decider.counted()))
    return 0


def _serve_job(decider: Decider) -> bool:
    """Answer frames until the empty one; while one is decided the next is read. Says whether there may be more jobs."""
    with ThreadPoolExecutor(1) as beside:
        pending: Future[bytes] | None = None
        while True:
            if pending is not None and not select.select([0], [], [], _LOOK)[0]:
                if pending.done():
                    write_frame(1, pending.result())
                    pending = None
                continue
            lines = read_frame(0)
            read = decider.read(lines) if lines else None
            if pending is not None:
                write_frame(1, pending.result())
            if read is None:
                return lines is not None
            pending = beside.submit(decider.decide, read)


class Decider:
    """Decides the lines of jobs under one policy, for one choice of keys."""

    def __init__(self, policy: Policy, names: tuple[str, ...], longest: int) -> None:
        policy.prepare()
        self.policy = policy
        self.names = names
        self._longest = longest
        self._python = PythonLines(policy, names)
        self._sql = _Sql(policy, SqlLines(policy, names))
        self._reader = policy.reader
        self._at_s = 0
        self._line = 0
        self._refused = 0
        self._many = False

    def begin(self, at_s: int, *, many: bool) -> None:
        """Begin a job that is decided at an instant, in epoch seconds; `many` says that it is known to be long."""
        self._at_s = at_s
        self._line = 0
        self._refused = 0
        self._many = many

    def counted(self) -> dict[str, int]:
        """Count what was answered."""
        return {"lines": self._line, "answered": self._line - self._refused, "refused": self._refused}

    def answer(self, content: bytes) -> bytes:
        """Decide whole lines; each that is not blank makes one line."""
        return self.decide(self.read(content))

    def read(self, content: bytes) -> list[Line]:
        """Read whole lines; those that are blank are passed over."""
        found: list[Line] = []
        parser = JsonReader()
        values = self._reader.quick.values
        try:
            lines: list[str] | list[bytes] = content.decode().split("\n")
        except UnicodeDecodeError:
            # Each line by itself: one says which of its bytes is no UTF-8, and the others are read.
            lines = content.split(b"\n")
        for line in lines:
            if not line or (line.isspace() and (isinstance(line, bytes) or not line.strip(_BLANK))):
                continue
            self._line += 1
            if type(line) is str and len(line) < self._longest // 4:
                try:
                    found.append((self._line, values(parser.read(line, _NOWHERE)), None))
                    continue
                except (GiveUp, TicketError):
                    # What is wrong is found, and said with its place, on the whole way.
                    pass
            found.append((self._line, *self._read(line if isinstance(line, bytes) else line.encode(), parser)))
        return found

    def decide(self, found: Sequence[Line]) -> bytes:
        """Decide what was read."""
        is_long = self._many or (found and found[-1][0] > FEW) or self._sql.is_ready
        rows = [(number, one) for number, one, refusal in found if refusal is None]
        texts = self._in_sql(rows) if is_long and len(rows) >= SOME else self._one_by_one(rows)
        answers = iter(texts)
        out = [next(answers) if refusal is None else refusal for _, _, refusal in found]
        return b"\n".join(out) + b"\n" if out else b""

    def _read(self, line: bytes, parser: JsonReader) -> tuple[Any, bytes | None]:
        raw: Any = None
        place = Place(file="batch", line=self._line)
        try:
            if len(line) > self._longest:
                text = message("the line is longer than {most} bytes", most=self._longest)
                raise TicketError([problem("serve-line-long", text, place=place)])
            raw = parser.read(decode(line, place), place)
            try:
                return self._reader.quick.values(raw), None
            except GiveUp:
                return self._reader.structure(raw, place), None
        except TicketError as error:
            name = raw.get("ticket_id") if isinstance(raw, dict) else None
            return None, self._refusal(self._line, name, error.problems)

    def _refusal(self, number: int, name: object, problems: Sequence[Problem]) -> bytes:
        self._refused += 1
        return _json(
            {
                "line": number,
                "ticket_id": name if isinstance(name, str) else None,
                "problems": [problem_to_dict(one) for one in problems],
            }
        )

    def _one_by_one(self, rows: Sequence[tuple[int, Any]]) -> list[bytes]:
        out: list[bytes] = []
        for number, one in rows:
            ticket = one if isinstance(one, Ticket) else self._reader.quick.ticket(one)
            out.append(self._decided(number, ticket))
        return out

    def _decided(self, number: int, ticket: Ticket) -> bytes:
        try:
            decision = self.policy.decide_s(ticket, self._at_s)
            return self._python.line(number, decision)
        except PolicyError as error:
            return self._refusal(number, ticket.ticket_id, error.problems)

    def _in_sql(self, rows: Sequence[tuple[int, Any]]) -> list[bytes]:
        quick = self._reader.quick
        tickets = [quick.values_of(one) if isinstance(one, Ticket) else one for _, one in rows]
        bodies = self._sql.bodies(tickets, self._at_s)
        out: list[bytes] = []
        for (number, one), ticket, body in zip(rows, tickets, bodies, strict=True):
            if body is None:
                # An instant outside the calendar: the policy's function says which.
                out.append(self._decided(number, one if isinstance(one, Ticket) else quick.ticket(one)))
            else:
                out.append(b'{"line":%d,"ticket_id":%s%s}' % (number, _text(ticket.ticket_id), body))
        return out


class _Sql:
    """A policy compiled for DuckDB, with the tables that its queries read."""

    def __init__(self, policy: Policy, lines: SqlLines) -> None:
        self._policy = policy
        self._lines = lines
        self._duckdb: Any = None
        self._programs: dict[frozenset[str], dict[str, str]] = {}
        self._facts = policy.pack.settings.company_facts

    @property
    def is_ready(self) -> bool:
        """Whether something is compiled already."""
        return bool(self._programs)

    def bodies(self, tickets: Sequence[Any], at_s: int) -> list[bytes | None]:
        """Give the rest of each answer's line; None for one that has an instant outside the calendar."""
        connection = self._connection()
        present = self._fill(connection, tickets)
        connection.execute("CREATE OR REPLACE TEMP TABLE moment AS SELECT CAST(? AS BIGINT) AS at_s", [at_s])
        queries = self._programs.get(present)
        if queries is None:
            program = compile_for_plan(self._policy.plan, self._policy.clocks, connection, self._lines.columns)
            program.setup.install(connection)
            queries = self._programs[present] = {"ticket": program.nested("ticket")}
        run_laid_out(connection, f"CREATE OR REPLACE TABLE main.decisions AS {queries['ticket']}")
        found = connection.execute(self._lines.query).fetchall()
        return [None if is_outside else self._lines.body(needs, body) for _, is_outside, needs, body in found]

    def _connection(self) -> Any:
        if self._duckdb is None:
            duckdb = require("duckdb")
            self._duckdb = duckdb.connect()
            self._duckdb.execute(f"SET threads = {_THREADS}")
            self._duckdb.execute(f"SET memory_limit = '{_MEMORY}'")
            create_tables(self._duckdb, self._policy)
        return self._duckdb

    def _fill(self, connection: Any, tickets: Sequence[Any]) -> frozenset[str]:
        """Put tickets into the input tables, numbered in their order; says which kinds of lines they have."""
        arrow = require("pyarrow")
        kinds = {"bigint": arrow.int64(), "boolean": arrow.bool_(), "text": arrow.string()}
        present: set[str] = set()
        places: list[int] = []
        for grain in GRAINS:
            table = TABLES[grain]
            connection.execute(f"DELETE FROM main.{table}")
            if grain == "ticket":
                numbers: Sequence[int] = range(len(tickets))
                found = [one.values for one in tickets]
            else:
                owners: list[int] = []
                numbers, found, places = owners, [], []
                for number, one in enumerate(tickets):
                    for place, values in enumerate(one.lines.get(table, ())):
                        owners.append(number)
                        places.append(place)
                        found.append(values)
                if not found:
                    continue
                present.add(grain)
            listed = columns(grain, self._facts)
            cells = _columns_of(found, {column.fact.name: column.fact.default for column in listed if column.fact})
            named = [column.name for column in keys(grain)]
            arrays = [arrow.array([str(number) for number in numbers], arrow.string())]
            if grain != "ticket":
                arrays.append(arrow.array(places, arrow.int64()))
            for column in listed:
                fact = column.fact
                assert fact is not None
                kind = kinds[column.type]
                if fact.name in cells:
                    named.append(column.name)
                    arrays.append(arrow.array(cells[fact.name], kind))
                elif fact.default is not None:
                    named.append(column.name)
                    arrays.append(arrow.repeat(arrow.scalar(fact.default, kind), len(found)))
            connection.register("svc_policy_incoming", arrow.table(arrays, named))
            shown = ", ".join(f'"{name}"' for name in named)
            connection.execute(f"INSERT INTO main.{table} ({shown}) SELECT {shown} FROM svc_policy_incoming")
            connection.unregister("svc_policy_incoming")
        return frozenset(present)


def _columns_of(found: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Lay out by name what some records state: of a hundred facts a record has ten."""
    count = len(found)
    cells: dict[str, list[Any]] = {}
    for number, one in enumerate(found):
        for name, value in one.items():
            column = cells.get(name)
            if column is None:
                column = cells[name] = [defaults.get(name)] * count
            column[number] = value
    return cells


def read_frame(file: int) -> bytes | None:
    """Read a frame; None at the end."""
    head = _read(file, HEAD.size)
    return None if head is None else _read(file, HEAD.unpack(head)[0])


def _read(file: int, size: int) -> bytes | None:
    pieces: list[bytes] = []
    while size:
        piece = os.read(file, min(size, 2**20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def write_frame(file: int, content: bytes) -> None:
    """Write a frame."""
    left = memoryview(HEAD.pack(len(content)) + content)
    while left:
        left = left[os.write(file, left) :]


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


_text: Callable[[str], bytes] = msgspec.json.encode
