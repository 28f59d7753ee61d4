"""Read tickets from a table or a query, in the order of a key, a chunk at a time."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from svc_policy.adapters.database.connecting import TIMEOUT, Database
from svc_policy.adapters.database.marks import key_of, mark_of
from svc_policy.adapters.database.writing import family_of
from svc_policy.adapters.documents import suggest
from svc_policy.adapters.mapping import ChildSource, ColumnSource, LogMapping
from svc_policy.adapters.mapping_file import read_mapping
from svc_policy.adapters.protocol import Reading, Unreadable
from svc_policy.adapters.records import RecordReader
from svc_policy.errors import AdapterError, Place, UnreachableError, nearest, problem
from svc_policy.facts.registry import LISTS, Fact
from svc_policy.messages import Message, message
from svc_policy.units import Refusal, advise_zone, open_zone

if TYPE_CHECKING:
    from svc_policy.policy import Policy

CHUNK = 1000
#: What can be bound in one statement of SQLite, with some to spare.
_LARGEST_CHUNK = 30_000
#: The numbers of types in PostgreSQL that a query tells.
_OF_POSTGRES = {16: "boolean", 114: "json", 1082: "date", 1114: "instant", 1184: "instant", 3802: "json"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:\d\d)*)?")


@attrs.frozen(kw_only=True)
class _Relation:
    """A table or query as it is read: what stands after FROM, its columns and their families of types."""

    name: str
    source: Any
    families: Mapping[str, str]
    primary: tuple[str, ...] = ()

    def column(self, name: str) -> Any:
        return self.source.c[name]

    def shown(self, name: str, *, as_text: bool) -> Any:
        """Give a column as it is selected: as text, if asked, where it may hold a time."""
        import sqlalchemy as sql

        if as_text and self.families[name] in ("instant", "date"):
            return sql.cast(self.column(name), sql.Text()).label(name)
        return self.column(name)


class DatabaseSource:
    """Reads tickets from a table, view or query of a database, with their lines from tables beside it.

    Rows are read in the order of a key that no two rows share, each chunk in a
    transaction of its own that sees one state of the database; between chunks
    nothing is held open. A mark is the key. What is added before the mark, or
    changed, after a chunk was read, is read the next time from the beginning.
    """

    def __init__(
        self,
        policy: Policy,
        url: str | None = None,
        *,
        table: str | None = None,
        query: str | None = None,
        schema: str | None = None,
        mapping: LogMapping | str | Path | None = None,
        key: str | None = None,
        zone: str | None = None,
        children: Mapping[str, str] | None = None,
        chunk: int = CHUNK,
        timeout: float = TIMEOUT,
    ) -> None:
        """Make a source; nothing is connected yet.

        Args:
            policy: Whose tickets they are.
            url: The address, or ``env:NAME``; see :class:`.Database`.
            table: The table or view of the tickets.
            query: A SELECT in its place.
            schema: The schema of all tables, if not that of the connection.
            mapping: Which column is which fact; without one the columns are named as facts.
            key: The column in whose order rows are read, with no value twice; that of the ticket's id unless given.
            zone: Where times without a zone hang; that of the mapping, else of the policy, unless given.
            children: The tables of lines: ``{"parts": "part_lines"}``; their column of the ticket's id is that of the
                mapping, else ``ticket_id``.
            chunk: How many tickets are read and held at a time.
            timeout: Seconds that a statement may take.

        Raises:
            AdapterError: The address cannot be, there is not exactly one of `table` and `query`, or another argument
                cannot be.
            MappingError: The mapping cannot be read.
        """
        if (table is None) == (query is None):
            _refuse(
                "database-table",
                message("tickets come from a table or from a query"),
                message("give one of `table` and `query`"),
            )
        if not 1 <= chunk <= _LARGEST_CHUNK:
            text = message("a chunk is 1 to {most} tickets", most=_LARGEST_CHUNK)
            _refuse("database-chunk", text, message("1000 is a good size"))
        for field in children or ():
            if field not in LISTS.values():
                text = message("there are no lines `{name}` of a ticket", name=field)
                _refuse("database-lines", text, message("known here: {known}", known=", ".join(LISTS.values())))
        if isinstance(mapping, str | Path):
            mapping = read_mapping(mapping, policy)
        self.policy = policy
        self.table = table
        self.query = query
        self.schema = schema
        self.children = dict(children or {})
        self.chunk = chunk
        self.mapping = mapping
        self.zone = zone
        if zone is not None:
            try:
                open_zone(zone)
            except Refusal as refusal:
                _refuse(refusal.code, message("`{zone}` is no time zone", zone=zone), advise_zone(zone))
        self.ticket = mapping.ticket if mapping is not None else "ticket_id"
        self.key = key or self.ticket
        self.database = Database(url, timeout)

    @property
    def place(self) -> str:
        """The address, without its password."""
        return self.database.place

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the tickets after a mark, in the order of the key.

        Raises:
            UnreachableError: The database does not answer.
            AdapterError: There is no such table or column, or two rows have one key.
        """
        last = None if after is None else key_of(after)
        self.database.exists()
        tickets = self._relation(self.table, self.query)
        lines = {field: self._relation(name, None) for field, name in self.children.items()}
        reader = self._reader(tickets, lines)
        needed = self._needed(tickets, reader.mapping)
        tickets = _with_truths(tickets, reader.facts["ticket"], reader.mapping.facts)
        for child in reader.mapping.children:
            if (field := LISTS[child.grain]) in lines:
                lines[field] = _with_truths(lines[field], reader.facts[child.grain], child.facts)
        for child in reader.mapping.children:
            if LISTS[child.grain] in lines:
                self._check_lines(lines[LISTS[child.grain]], child)
        if after is None:
            yield from self._without_key(tickets)
        while True:
            rows, of_lines, is_last = self._chunk(tickets, lines, reader.mapping, needed, last)
            for row in rows:
                mark = mark_of(row[self.key], self.key)
                record = self._record(row, tickets, of_lines, reader.mapping)
                found = reader.read(record, mark=mark)
                yield found if found.mark == mark else attrs.evolve(found, mark=mark)
            if is_last:
                return
            last = rows[-1][self.key]

    # --- what is there

    def _relation(self, table: str | None, query: str | None) -> _Relation:
        """Look at the columns of a table or query."""
        import sqlalchemy as sql

        if table is None:
            assert query is not None
            return self._of_query(query)
        with self.database.speaking():
            inspector = sql.inspect(self.database.engine)
            try:
                found = inspector.get_columns(table, schema=self.schema)
                primary = inspector.get_pk_constraint(table, schema=self.schema).get("constrained_columns") or ()
            except sql.exc.NoSuchTableError:
                near = nearest(
                    table,
                    [*inspector.get_table_names(schema=self.schema), *inspector.get_view_names(schema=self.schema)],
                )
                text = message("there is no table `{table}` in `{url}`", table=table, url=self.database.shown)
                advice = message("`schema` says in which schema it is")
                if near is not None:
                    advice = message("did you mean `{near}`?", near=near)
                _refuse("database-table", text, advice)
        source = sql.table(table, *(sql.column(one["name"]) for one in found), schema=self.schema)
        families = {one["name"]: family_of(one["type"]) for one in found}
        return _Relation(name=table, source=source, families=families, primary=tuple(primary))

    def _of_query(self, query: str) -> _Relation:
        import sqlalchemy as sql

        # A colon begins nothing here, and a comment at the end ends with the line.
        text = sql.text(re.sub(":", r"\\:", query.strip().rstrip(";")) + "\n")
        with self.database.reading() as connection:
            shape = sql.select(sql.text("*")).select_from(text.columns().subquery("tickets")).limit(0)
            found = connection.execute(shape)
            names = list(found.keys())
            kinds = [column[1] for column in found.cursor.description] if self.database.dialect == "postgresql" else []
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            problem_text = message("the query has two columns `{column}`", column=min(twice))
            _refuse("database-column", problem_text, message("name one of them otherwise, by AS"))
        source = text.columns(*(sql.column(name) for name in names)).subquery("tickets")
        families = dict.fromkeys(names, "") | {
            name: _OF_POSTGRES.get(kind, "-") for name, kind in zip(names, kinds, strict=False)
        }
        return _Relation(name="query", source=source, families=families)

    def _reader(self, tickets: _Relation, lines: Mapping[str, _Relation]) -> RecordReader:
        """Make the reader of records, whose mapping knows the tables of lines."""
        facts = self.policy.pack.settings.facts
        mapping = self.mapping or LogMapping(
            file=tickets.name,
            shape="flat",
            timezone=self.policy.pack.settings.timezone,
            ticket=self.ticket,
            facts=_named(facts["ticket"], tickets),
        )
        listed = {LISTS[child.grain]: child for child in mapping.children}
        for grain, field in LISTS.items():
            if field in lines:
                own = ChildSource(grain=grain, file=None, list=field, ticket="ticket_id", facts={})
                child = listed.get(field, own)
                listed[field] = attrs.evolve(child, facts=child.facts or _named(facts[grain], lines[field]))
        mapping = attrs.evolve(mapping, children=tuple(listed.values()), timezone=self.zone or mapping.timezone)
        return RecordReader(self.policy, mapping, name=tickets.name)

    def _needed(self, tickets: _Relation, mapping: LogMapping) -> tuple[str, ...]:
        """List the columns that are read; the others may be as large as they like."""
        known = tickets.families
        if self.mapping is None:
            facts = {fact.name for fact in self.policy.pack.settings.facts["ticket"]}
            own = {"ticket_id", self.key, *tickets.primary}
            for name in known:
                if name not in facts and name not in own:
                    text = message("`{column}` in `{table}` is no fact", column=name, table=tickets.name)
                    near = nearest(name, facts)
                    advice = message("name the columns in a mapping, or choose them by a query")
                    _refuse(
                        "database-column",
                        text,
                        advice if near is None else message("did you mean `{near}`?", near=near),
                    )
            wanted = [name for name in known if name in facts]
        else:
            wanted = [source.column for source in mapping.facts.values()]
            wanted += [name for name in (mapping.zone_column, mapping.currency_column) if name]
            within = [child for child in mapping.children if LISTS[child.grain] not in self.children]
            wanted += [child.list for child in within if child.list]
        found = dict.fromkeys(_head(name, known) for name in (self.key, self.ticket, *wanted))
        for name in found:
            if name not in known:
                text = message("`{table}` has no column `{column}`", table=tickets.name, column=name)
                near = nearest(name, known)
                advice = message("known here: {known}", known=", ".join(known))
                if near is not None:
                    advice = message("did you mean `{near}`?", near=near)
                if name in (child.list for child in mapping.children):
                    advice = message("where the lines are in a table of their own, the option of their name names it")
                place = None if self.mapping is None else Place(file=self.mapping.file)
                raise AdapterError([problem("database-column", text, place=place, help=advice)])
        return tuple(found)

    # --- rows

    def _without_key(self, tickets: _Relation) -> Iterator[Unreadable]:
        import sqlalchemy as sql

        query = sql.select(sql.func.count()).select_from(tickets.source).where(tickets.column(self.key).is_(None))
        if self.key in tickets.primary and self.database.dialect == "postgresql":
            return
        with self.database.reading() as connection:
            count = connection.execute(query).scalar_one()
        if count:
            text = message("{count} rows have no `{column}`, and are not read", count=count, column=self.key)
            found = problem("database-no-key", text, place=Place(file=tickets.name))
            yield Unreadable(record="-", problems=(found,), is_notice=True)

    def _chunk(
        self,
        tickets: _Relation,
        lines: Mapping[str, _Relation],
        mapping: LogMapping,
        needed: Sequence[str],
        last: Any,
        *,
        as_text: bool = False,
    ) -> tuple[list[dict[str, Any]], dict[str, dict[Any, list[dict[str, Any]]]], bool]:
        """Read the rows after a key and their lines, as of one moment; says as well whether these are the last."""
        children = {LISTS[child.grain]: child for child in mapping.children}
        head = _head(self.ticket, tickets.families)
        try:
            with self.database.reading() as connection:
                rows = self._rows(connection, tickets, needed, last, as_text=as_text)
                names = list({row[head] for row in rows[: self.chunk] if row[head] is not None})
                found = {
                    field: self._lines(connection, relation, children[field], names, as_text=as_text) if names else {}
                    for field, relation in lines.items()
                }
        except UnreachableError:
            raise
        except AdapterError as error:
            if as_text or error.problems[0].code != "database-refused":
                raise
            # A time such as `infinity` is none that the driver can give; as text it is refused with its row.
            return self._chunk(tickets, lines, mapping, needed, last, as_text=True)
        for one, other in itertools.pairwise(row[self.key] for row in rows):
            if one == other:
                text = message("two rows of `{table}` have the key `{key}`", table=tickets.name, key=str(one)[:60])
                _refuse("database-key", text, message("`key` names a column in which no value comes twice"))
        return rows[: self.chunk], found, len(rows) <= self.chunk

    def _rows(
        self, connection: Any, tickets: _Relation, needed: Sequence[str], last: Any, *, as_text: bool
    ) -> list[dict[str, Any]]:
        import sqlalchemy as sql

        key = tickets.column(self.key)
        listed = [tickets.shown(name, as_text=as_text and name != self.key) for name in needed]
        query = sql.select(*listed).where(key.is_not(None) if last is None else key > last)
        found = connection.execute(query.order_by(key).limit(self.chunk + 1))
        return [dict(row) for row in found.mappings()]

    def _lines(
        self, connection: Any, relation: _Relation, child: ChildSource, names: list[Any], *, as_text: bool
    ) -> dict[Any, list[dict[str, Any]]]:
        """Read the lines of some tickets, in the order of `line`, else of the primary key, else of all columns."""
        import sqlalchemy as sql

        known = relation.families
        of_ticket = child.ticket or "ticket_id"
        owner = relation.column(of_ticket)
        order = ("line",) if "line" in known else relation.primary or tuple(known)
        named = {source.column for source in child.facts.values()}
        wanted = [name for name in known if name in named and name != of_ticket]
        listed = [owner, *(relation.shown(name, as_text=as_text) for name in wanted)]
        query = sql.select(*listed).where(owner.in_(names)).order_by(owner, *(relation.column(name) for name in order))
        found: dict[Any, list[dict[str, Any]]] = {}
        for row in connection.execute(query).mappings():
            found.setdefault(row[of_ticket], []).append({name: _plain(row[name], known[name]) for name in wanted})
        return found

    def _check_lines(self, relation: _Relation, child: ChildSource) -> None:
        """See that a table of lines has the columns that are named, and none that nobody knows."""
        of_ticket = child.ticket or "ticket_id"
        named = {source.column for source in child.facts.values()}
        for name in (of_ticket, *(sorted(named) if self.mapping is not None else ())):
            if name not in relation.families:
                text = message("`{table}` has no column `{column}`", table=relation.name, column=name)
                known = message("known here: {known}", known=", ".join(relation.families))
                _refuse("database-column", text, known)
        for name in relation.families if self.mapping is None else ():
            if name not in named and name not in (of_ticket, "line", *relation.primary):
                text = message("`{column}` in `{table}` is no fact", column=name, table=relation.name)
                _refuse("database-column", text, suggest(name, named))

    def _record(
        self,
        row: Mapping[str, Any],
        tickets: _Relation,
        lines: Mapping[str, Mapping[Any, list[dict[str, Any]]]],
        mapping: LogMapping,
    ) -> dict[str, object]:
        """Make a record as the reader takes it, with its lines in it."""
        families = tickets.families
        record: dict[str, object] = {name: _plain(value, families[name]) for name, value in row.items()}
        owner = row[_head(self.ticket, families)]
        for child in mapping.children:
            field = LISTS[child.grain]
            if field in lines:
                record[child.list or field] = lines[field].get(owner, [])
        return record


def _named(facts: Iterable[Fact], relation: _Relation) -> dict[str, ColumnSource]:
    """Map the columns that are named as facts."""
    return {fact.name: ColumnSource(column=fact.name) for fact in facts if fact.name in relation.families}


def _with_truths(relation: _Relation, facts: Mapping[str, Fact], columns: Mapping[str, ColumnSource]) -> _Relation:
    """Take 0 and 1 for no and yes in the columns of yes/no facts: a query, or a database without truths, tells no type.

    A column whose words the mapping lists is left to the mapping.
    """
    truths = {
        source.column
        for name, source in columns.items()
        if facts[name].kind == "bool" and not source.values and source.column in relation.families
    }
    return attrs.evolve(relation, families={**relation.families, **dict.fromkeys(truths, "boolean")})


def _head(column: str, known: Mapping[str, str]) -> str:
    """Name the column that a pointer begins at."""
    if column in known or not column.startswith("/"):
        return column
    return column[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")


def _plain(value: Any, family: str) -> Any:
    """Give a value of a driver as what it stands for."""
    if family == "instant" and isinstance(value, str) and _TIME.fullmatch(value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if family == "boolean" and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and (family == "json" or (family == "" and value[:1] in ("{", "["))):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _refuse(code: str, text: Message, help_line: Message) -> NoReturn:
    raise AdapterError([problem(code, text, help=help_line)])
