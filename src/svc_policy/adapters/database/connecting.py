"""Reach a database: its address, its connections, and what its errors mean."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from svc_policy.errors import AdapterError, UnreachableError, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

VARIABLE: Final = "SVC_POLICY_DATABASE_URL"
_SERVER: Final = "postgresql://user:password@host/database"
#: Seconds that a statement may take, and that a connection may take to come about.
TIMEOUT: Final = 60.0
CONNECTING: Final = 10
_LONGEST_REASON: Final = 300

#: States of PostgreSQL that pass: lost connections, serialisation, deadlocks, locks, time-outs, shutdowns, resources.
_PASSING: Final = ("08", "40001", "40P01", "53", "55P03", "57014", "57P01", "57P02", "57P03")
#: Of a connection that did not come about PostgreSQL's library gives words only.
_LASTING: Final = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
    "certificate",
    "permission denied",
    "invalid connection option",
    "invalid port",
)
_KEEP: Final = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
_SQLITE_BUSY: Final = (5, 6)


class Database:
    """A database at an address; shows the address without its password, and says what went wrong in our words.

    `timeout` is for how many seconds one statement may run.
    """

    def __init__(self, url: str | None, timeout: float = TIMEOUT) -> None:
        """Read an address; nothing is connected yet.

        Args:
            url: As SQLAlchemy writes it, or ``env:NAME``: what that variable holds; ``SVC_POLICY_DATABASE_URL``
                unless given.
            timeout: Seconds.

        Raises:
            AdapterError: There is no address, it cannot be read, or its driver is not installed.
        """
        try:
            import sqlalchemy
            from sqlalchemy.engine import make_url
        except ImportError:
            self._lacks("sqlalchemy", "sql")
        text = _address(url)
        try:
            found = make_url(re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", text))
        except (sqlalchemy.exc.ArgumentError, ValueError):
            advice = message("write it as in `{example}` or `{other}`", example=_SERVER, other="sqlite:///shop.db")
            raise AdapterError([problem("database-url", message("the address cannot be read"), help=advice)]) from None
        self._secrets = _secrets_of(found)
        self.shown = self.scrubbed(found.render_as_string(hide_password=True))
        self.timeout = timeout
        try:
            self.engine: Engine = sqlalchemy.create_engine(found, **self._options(found))
        except ImportError as error:
            if found.drivername == "postgresql+psycopg":
                self._lacks(str(error.name or error), "postgres")
            self._lacks_driver(found.drivername, str(error.name or error))
        except (sqlalchemy.exc.ArgumentError, TypeError, ValueError) as error:
            raise AdapterError([self.problem("database-url", message("the address cannot be used"), error)]) from None
        self.dialect = self.engine.dialect.name
        self._file = found.database if self.dialect == "sqlite" else None
        self.place = self._place(found)
        sqlalchemy.event.listen(self.engine, "connect", self._prepare)

    def _place(self, url: Any) -> str:
        """Write the address so that the same database is written alike: without passwords, a path from the root."""
        url = url.difference_update_query([name for name in url.query if _is_secret(name)])
        if self._is_path():
            url = url.set(database=str(Path(str(self._file)).resolve()))
        return str(url.render_as_string(hide_password=True))

    def _is_path(self) -> bool:
        return bool(self._file and self._file != ":memory:" and not self._file.startswith("file:"))

    def _options(self, url: Any) -> dict[str, Any]:
        import sqlalchemy

        # A connection a transaction: nothing is left open, and a server that was restarted is found as it is.
        options: dict[str, Any] = {"poolclass": sqlalchemy.pool.NullPool}
        if url.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": self.timeout}
        elif url.get_backend_name() == "postgresql":
            given = {
                "connect_timeout": CONNECTING,
                # Whether a host that went silent is still there.
                "tcp_user_timeout": int((self.timeout + CONNECTING) * 1000),
                "application_name": "svc-policy",
            }
            options["connect_args"] = {key: item for key, item in given.items() if key not in url.query}
        return options

    def _prepare(self, connection: Any, _: object) -> None:
        """Set up a new connection of the driver."""
        if self.dialect == "sqlite":
            # We begin our transactions ourselves; bytes that are no text are given as they are, and refused.
            connection.isolation_level = None
            connection.text_factory = _text_of
        elif self.dialect == "postgresql":
            connection.execute(f"SET statement_timeout = {int(self.timeout * 1000)}")
            connection.commit()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database and changes nothing.

        Raises:
            AdapterError: See :meth:`speaking`.
        """
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.speaking(), self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(**options)
            elif self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end, or rolled back whole.

        Raises:
            AdapterError: See :meth:`speaking`.
        """
        with self.speaking(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif self.dialect == "postgresql":
                # What is told as written stays written, also where commits are not waited for otherwise.
                connection.exec_driver_sql(_KEEP)
            yield connection
            connection.commit()

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn the errors of the database into ours.

        Raises:
            UnreachableError: It does not answer, is shutting down, or has lost, locked or timed out a transaction.
            AdapterError: It refuses what it was asked.
        """
        import sqlalchemy

        try:
            yield
        except sqlalchemy.exc.DBAPIError as error:
            if passes(error):
                text = message("the database does not answer")
                raise UnreachableError([self.problem("database-unreachable", text, error)]) from None
            text = message("the database refuses")
            raise AdapterError([self.problem("database-refused", text, error)]) from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise AdapterError([self.problem("database-refused", message("the database refuses"), error)]) from None

    def exists(self) -> None:
        """See that a file of SQLite is there: to open one that is not there would make it.

        Raises:
            AdapterError: It is not.
        """
        if self._is_path() and not Path(str(self._file)).is_file():
            text = message("there is no database `{url}`", url=self.shown)
            advice = message("a path from the root has four slashes, as in `sqlite:////srv/tickets.db`")
            raise AdapterError([problem("database-missing", text, help=advice)])

    def problem(self, code: str, what: Message, error: Exception) -> Any:
        """Say what went wrong where, with the reason in the words of the database, without values and secrets."""
        text = message("{what}: `{url}`: {reason}", what=what, url=self.shown, reason=self.scrubbed(reason_of(error)))
        return problem(code, text, help=message("see that the address, the rights and the server are right"))

    def scrubbed(self, text: str) -> str:
        """Take the secrets of the address out of a text."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @staticmethod
    def _lacks(package: str, extra: str) -> None:
        text = message("the `{module}` package is not installed", module=package)
        advice = message("pip install 'svc-policy[{extra}]'", extra=extra)
        raise AdapterError([problem("database-extra", text, help=advice)]) from None

    @staticmethod
    def _lacks_driver(named: str, module: str) -> None:
        """Say that SQLAlchemy has no driver for an address; which distribution has it nobody here knows."""
        text = message("`{name}://` needs the driver `{module}`, which is not installed", name=named, module=module)
        other = "postgresql://" if named.startswith("postgresql") else "mysql+pymysql://"
        advice = message("install it, or name another driver in the address, as in `{example}`", example=other)
        raise AdapterError([problem("database-driver", text, help=advice)]) from None


def passes(error: Exception) -> bool:
    """Say whether an error of a driver may go away by itself."""
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE_BUSY
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_PASSING)
    if getattr(error, "connection_invalidated", False):
        return True
    if type(original).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout", "AdminShutdown"):
        return False
    words = str(original).lower()
    return not any(word in words for word in _LASTING)


def reason_of(error: Exception) -> str:
    """Give the first words of an error of a driver; details are left out, as they quote values."""
    original = getattr(error, "orig", None) or error
    primary = getattr(getattr(original, "diag", None), "message_primary", None)
    lines = str(primary or original).strip().splitlines()
    return re.sub(r"\s+", " ", lines[0] if lines else type(original).__name__)[:_LONGEST_REASON]


def _address(url: str | None) -> str:
    name = VARIABLE
    if url is not None:
        if not url.startswith("env:"):
            return url
        name = url.removeprefix("env:")
    found = os.environ.get(name, "")
    if not found:
        text = message("no database is named: the variable `{name}` is empty", name=name)
        advice = message("set it, as in `{example}`", example=f"export {name}={_SERVER}")
        raise AdapterError([problem("database-url", text, help=advice)])
    return found


def _secrets_of(url: Any) -> tuple[str, ...]:
    """List the forms in which the passwords of an address may stand in a text, the longest first."""
    given = [str(url.password)] if url.password else []
    for name, value in url.query.items():
        if _is_secret(name):
            given += [value] if isinstance(value, str) else value
    forms = {form for secret in given if secret for form in (secret, quote(secret, safe=""), quote_plus(secret))}
    return tuple(sorted(forms, key=len, reverse=True))


def _is_secret(name: str) -> bool:
    return "password" in name.lower() or name.lower() in ("passwd", "pwd")


def _text_of(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data
