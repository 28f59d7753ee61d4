"""Write decisions into a table, one row a ticket."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from svc_policy.adapters.database.columns import Column, Values, as_text, columns_of, settled
from svc_policy.adapters.database.connecting import TIMEOUT, Database, reason_of
from svc_policy.adapters.protocol import Unreadable, Written, older
from svc_policy.errors import AdapterError, Place, Problem, nearest, problem
from svc_policy.messages import Message, message
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

TABLE: Final = "decisions"
DIALECTS: Final = ("sqlite", "postgresql")
#: Rows that are compared and written at a time.
_PART: Final = 500
#: In which families of types of a server a kind of value can stand.
_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text",),
    "integer": ("integer", "number", "text"),
    "number": ("number", "text"),
    "boolean": ("boolean",),
    "instant": ("instant", "text"),
    "date": ("date", "text"),
    "json": ("json", "text"),
}


@attrs.frozen(kw_only=True)
class _Place:
    """A column as the table has it."""

    column: Column
    family: str
    has_zone: bool = True

    def bound(self, value: Any, dialect: str) -> Any:
        """Give a settled value in the form in which the driver takes it."""
        kind = self.column.kind
        if value is None:
            return None
        if kind == "json" or self.family == "text" or (dialect == "sqlite" and kind not in ("boolean", "integer")):
            return as_text(value, kind)
        if kind == "instant" and not self.has_zone:
            return value.astimezone(UTC).replace(tzinfo=None)
        return value


class DatabaseSink:
    """Keeps the last decision of each ticket in a table of a database, of SQLite or PostgreSQL.

    A row names the ticket, the digest of the policy and the instant of the
    decision. The same decision again changes nothing, not even the row's
    version; a decision that is older than the stored one is refused, and listed
    as such. A call is one transaction: it is written whole, but for what is
    refused, or not at all.
    """

    def __init__(
        self,
        policy: Policy,
        url: str | None = None,
        *,
        table: str = TABLE,
        schema: str | None = None,
        columns: Mapping[str, str] | None = None,
        create: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        """Make a sink; nothing is connected yet.

        Args:
            policy: Whose decisions are written.
            url: The address, or ``env:NAME``; see :class:`.Database`.
            table: The table.
            schema: The schema in which the table is, if not that of the connection.
            columns: A column, and what of a decision stands in it, as in ``{"due": "targets.arrived.due"}``;
                columns for the ticket, the digest and the instant are added where none is named.
            create: Make the table where there is none.
            timeout: Seconds that a statement may take.

        Raises:
            AdapterError: The address or a column cannot be.
        """
        self.policy = policy
        self.table = table
        self.schema = schema
        self.create = create
        self.columns = columns_of(policy, columns)
        self._values = Values(self.columns)
        self.database = Database(url, timeout)
        if self.database.dialect not in DIALECTS:
            text = message("decisions cannot be written to a database of `{dialect}`", dialect=self.database.dialect)
            _refuse("database-dialect", text, message("known here: {known}", known=", ".join(DIALECTS)))
        self._of_path = {column.path: column.name for column in reversed(self.columns)}
        self._places: tuple[_Place, ...] = ()
        self._key_is_number = False

    @property
    def place(self) -> str:
        """The address, without its password."""
        return self.database.place

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions in one transaction; those of no ticket, older ones and such as do not fit are refused.

        Raises:
            UnreachableError: The database does not answer, or lost the transaction: nothing of the call is written.
            AdapterError: The table is not fit for decisions, or may not be written.
        """
        made = changed = unchanged = 0
        refused: list[Unreadable] = []
        if not self._places:
            self._prepare()
        with self.database.writing() as connection:
            for part in _batched(decisions):
                for rows in self._apart(part, refused):
                    counts = self._store(connection, rows, refused)
                    made, changed, unchanged = made + counts[0], changed + counts[1], unchanged + counts[2]
        return Written(made=made, changed=changed, unchanged=unchanged, refused=tuple(refused))

    # --- the table

    def _prepare(self) -> None:
        """See that the table is there and fit."""
        import sqlalchemy

        if self.database.dialect == "sqlite" and not self.create:
            self.database.exists()
        with self.database.speaking():
            inspector = sqlalchemy.inspect(self.database.engine)
            if not inspector.has_table(self.table, schema=self.schema):
                if not self.create:
                    text = message("there is no table `{table}` in `{url}`", table=self.table, url=self.database.shown)
                    _refuse("database-table", text, message("`create` makes it: in a shell `--set to.create=yes`"))
                self._make()
                inspector.clear_cache()
        with self.database.speaking():
            found = {one["name"]: one["type"] for one in inspector.get_columns(self.table, schema=self.schema)}
            key = self._of_path["ticket_id"]
            unique = [inspector.get_pk_constraint(self.table, schema=self.schema)["constrained_columns"]]
            unique += [one["column_names"] for one in inspector.get_unique_constraints(self.table, schema=self.schema)]
            unique += [
                one["column_names"]
                for one in inspector.get_indexes(self.table, schema=self.schema)
                if one["unique"] and not one.get("dialect_options", {}).get("postgresql_where")
            ]
        problems = [found_wrong for column in self.columns if (found_wrong := self._unfit(column, found)) is not None]
        if not problems and [key] not in unique:
            text = message("the column `{column}` of the table `{table}` is not unique", column=key, table=self.table)
            advice = message("a table of decisions has one row a ticket: make it the primary key")
            problems.append(problem("database-key", text, help=advice))
        if problems:
            raise AdapterError(problems)
        self._key_is_number = family_of(found[key]) in ("integer", "number")
        self._places = tuple(
            _Place(
                column=column,
                family=family_of(found[column.name]),
                has_zone=bool(getattr(found[column.name], "timezone", True)),
            )
            for column in self.columns
        )

    def _make(self) -> None:
        import sqlalchemy as sql
        from sqlalchemy.dialects.postgresql import JSONB

        types: dict[str, Any] = {
            "text": sql.Text(),
            "integer": sql.BigInteger(),
            "number": sql.Numeric(),
            "boolean": sql.Boolean(),
            "instant": sql.DateTime(timezone=True),
            "date": sql.Date(),
            "json": sql.JSON().with_variant(JSONB(), "postgresql"),
        }
        key = self._of_path["ticket_id"]
        needed = {key, *(self._of_path[path] for path in ("policy.digest", "at"))}
        table = sql.Table(
            self.table,
            sql.MetaData(),
            *(
                sql.Column(one.name, types[one.kind], primary_key=one.name == key, nullable=one.name not in needed)
                for one in self.columns
            ),
            schema=self.schema,
        )
        try:
            with self.database.engine.begin() as connection:
                connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
        except (sql.exc.IntegrityError, sql.exc.ProgrammingError):
            # Two that make it at once: the other one has.
            if not sql.inspect(self.database.engine).has_table(self.table, schema=self.schema):
                raise

    def _unfit(self, column: Column, found: Mapping[str, Any]) -> Problem | None:
        """Say why a column cannot be kept in the table."""
        if column.name not in found:
            text = message("the table `{table}` has no column `{column}`", table=self.table, column=column.name)
            near = nearest(column.name, found)
            known = message("known here: {known}", known=", ".join(found))
            return problem(
                "database-column", text, help=known if near is None else message("did you mean `{near}`?", near=near)
            )
        if self.database.dialect == "sqlite":
            return None
        kind = found[column.name]
        family = family_of(kind)
        allowed = _FAMILIES[column.kind] + (("integer", "number") if column.path == "ticket_id" else ())
        if family not in allowed:
            text = message(
                "the column `{column}` is of type `{type}`, in which `{path}` cannot be kept",
                column=column.name,
                type=str(kind).lower(),
                path=column.path,
            )
            return problem("database-column", text, help=message("known here: {known}", known=", ".join(allowed)))
        scale = getattr(kind, "scale", None)
        digits = minor_digits(self.policy.pack.settings.currency) or 0
        if column.kind == "number" and family == "number" and scale is not None and scale < digits:
            text = message(
                "the column `{column}` keeps {scale} decimals, an amount has {digits}",
                column=column.name,
                scale=scale,
                digits=digits,
            )
            return problem("database-column", text, help=message("amounts are not rounded: give it more decimals"))
        return None

    # --- the rows

    def _apart(self, decisions: Sequence[Decision], refused: list[Unreadable]) -> Iterable[dict[str, dict[str, Any]]]:
        """Lay decisions out as rows by ticket, so that none comes twice in a batch."""
        rows: dict[str, dict[str, Any]] = {}
        for decision in decisions:
            name = decision.ticket.ticket_id
            wrong = self._unfit_name(name)
            if wrong is not None:
                refused.append(self._refused(name, "database-value", wrong))
                continue
            if name in rows:
                yield rows
                rows = {}
            rows[name] = self._values.of(decision)
        yield rows

    def _unfit_name(self, name: str) -> Message | None:
        if not name:
            return message("the decision is of a ticket without an id")
        if self._key_is_number and not re.fullmatch("0|[1-9][0-9]{0,17}", name):
            return message("the table takes whole numbers as ids of tickets")
        return None

    def _refused(self, name: str, code: str, text: Message) -> Unreadable:
        return Unreadable(record=name, problems=(problem(code, text, place=Place(file=self.table, sheet=name)),))

    def _store(
        self, connection: Any, rows: Mapping[str, dict[str, Any]], refused: list[Unreadable]
    ) -> tuple[int, int, int]:
        """Compare rows with what is stored, and write those that differ; gives made, changed, unchanged."""
        if not rows:
            return 0, 0, 0
        stored = self._stored(connection, rows)
        when = self._of_path["at"]
        made: list[str] = []
        changed: list[str] = []
        unchanged = 0
        for name in sorted(rows):
            before, now = stored.get(name), rows[name]
            if before is None:
                made.append(name)
            elif before == now:
                unchanged += 1
            elif before[when] is not None and before[when] > now[when]:
                kept_at = before[when].astimezone(self.policy.zone)
                refused.append(older(name, kept_at, Place(file=self.table, sheet=name)))
            else:
                changed.append(name)
        lost = self._put(connection, {name: rows[name] for name in sorted({*made, *changed})}, refused)
        return sum(name not in lost for name in made), sum(name not in lost for name in changed), unchanged

    def _stored(self, connection: Any, rows: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Read the rows that are there, and lock them where the database can."""
        import sqlalchemy as sql

        table = self._table()
        key = table.c[self._of_path["ticket_id"]]
        names = [int(name) for name in rows] if self._key_is_number else list(rows)
        query = sql.select(table).where(key.in_(names)).order_by(key)
        if self.database.dialect == "postgresql":
            query = query.with_for_update()
        found = {}
        for row in connection.execute(query):
            values = {}
            for place, value in zip(self._places, row, strict=True):
                try:
                    values[place.column.name] = settled(value, place.column.kind)
                except ValueError:
                    values[place.column.name] = None if place.column.path == "at" else value
            found[values[key.name]] = values
        return found

    def _put(self, connection: Any, rows: Mapping[str, dict[str, Any]], refused: list[Unreadable]) -> set[str]:
        """Write rows, each alone where the database does not take them together; gives those it does not take."""
        import sqlalchemy as sql

        if not rows:
            return set()
        statement = self._upsert()
        dialect = self.database.dialect
        bound = {
            name: {
                f"c{number}": int(values[place.column.name])
                if self._key_is_number and place.column.path == "ticket_id"
                else place.bound(values[place.column.name], dialect)
                for number, place in enumerate(self._places)
            }
            for name, values in rows.items()
        }
        try:
            with connection.begin_nested():
                connection.execute(statement, list(bound.values()))
            return set()
        except (sql.exc.DataError, sql.exc.IntegrityError):
            pass
        lost = set()
        for name, values in bound.items():
            try:
                with connection.begin_nested():
                    connection.execute(statement, [values])
            except (sql.exc.DataError, sql.exc.IntegrityError) as error:
                lost.add(name)
                text = message("the database refuses the decision: {reason}", reason=reason_of(error))
                refused.append(self._refused(name, "database-value", text))
        return lost

    def _table(self) -> Any:
        """Give the table with columns of no type: values are given and taken as the driver has them."""
        import sqlalchemy as sql

        return sql.table(self.table, *(sql.column(one.name) for one in self.columns), schema=self.schema)

    def _upsert(self) -> Any:
        import sqlalchemy as sql

        if self.database.dialect == "postgresql":
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment,unused-ignore]
        table = self._table()
        key, when = self._of_path["ticket_id"], self._of_path["at"]
        statement = insert(table).values(
            {place.column.name: sql.bindparam(f"c{number}") for number, place in enumerate(self._places)}
        )
        given = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=[table.c[key]],
            set_={one.name: given[one.name] for one in self.columns if one.name != key},
            # Whoever wrote a newer one since we looked has the last word.
            where=sql.or_(table.c[when].is_(None), table.c[when] <= given[when]),
        )


def family_of(kind: Any) -> str:
    """Say to which family a type of a database belongs."""
    from sqlalchemy import types

    families: tuple[tuple[Any, str], ...] = (
        (types.JSON, "json"),
        (types.Boolean, "boolean"),
        (types.DateTime, "instant"),
        (types.Date, "date"),
        (types.Integer, "integer"),
        (types.Numeric, "number"),
        (types.String, "text"),
    )
    return next((family for of, family in families if isinstance(kind, of)), str(kind).lower())


def _batched(decisions: Iterable[Decision]) -> Iterable[tuple[Decision, ...]]:
    iterator = iter(decisions)
    while part := tuple(itertools.islice(iterator, _PART)):
        yield part


def _refuse(code: str, text: Message, help_line: Message) -> NoReturn:
    raise AdapterError([problem(code, text, help=help_line)])
