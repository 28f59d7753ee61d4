"""The adapter as its entry point names it: options are texts, as a shell gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from svc_policy.adapters.database.connecting import TIMEOUT
from svc_policy.adapters.database.reading import CHUNK, DatabaseSource
from svc_policy.adapters.database.writing import TABLE, DatabaseSink
from svc_policy.adapters.registry import Adapter, Option
from svc_policy.errors import UsageError, problem
from svc_policy.facts.registry import LISTS
from svc_policy.facts.typed import read_truth
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.policy import Policy


def open_source(policy: Policy, **options: Any) -> DatabaseSource:
    """Open the side that tickets come from.

    Raises:
        UsageError: An option is not written as it should be.
        AdapterError: See :class:`.DatabaseSource`.
    """
    children = {field: options.pop(field) for field in LISTS.values() if options.get(field)}
    _number(options, "chunk", int)
    _number(options, "timeout", float)
    return DatabaseSource(policy, children=children, **options)


def open_sink(policy: Policy, **options: Any) -> DatabaseSink:
    """Open the side that decisions go to.

    Raises:
        UsageError: An option is not written as it should be.
        AdapterError: See :class:`.DatabaseSink`.
    """
    _number(options, "timeout", float)
    create = options.get("create")
    if isinstance(create, str):
        options["create"] = read_truth(create)
        if options["create"] is None:
            _refuse("create", create, "yes")
    columns = options.get("columns")
    if isinstance(columns, str):
        pairs = [part.partition("=") for part in columns.split(",")]
        if not all(name.strip() and path.strip() for name, _, path in pairs):
            _refuse("columns", columns, "due=targets.arrived.due,total=quote.total")
        options["columns"] = {name.strip(): path.strip() for name, _, path in pairs}
    return DatabaseSink(policy, **options)


def _number(options: dict[str, Any], name: str, kind: type) -> None:
    if name in options:
        try:
            options[name] = kind(options[name])
            wrong = not 0 < options[name] < 1e9
        except (ValueError, TypeError, OverflowError):
            wrong = True
        if wrong:
            _refuse(name, options[name], "1000" if kind is int else "60")


def _refuse(name: str, value: object, example: str) -> None:
    text = message("`{name}` is `{value}`", name=name, value=str(value)[:60])
    advice = message("write it as in `{example}`", example=f"{name}={example}")
    raise UsageError([problem("adapter-option", text, help=advice)])


_URL: Final = Option(
    name="url",
    summary=message("the address, or `env:NAME`: what a variable holds; `SVC_POLICY_DATABASE_URL` unless given"),
    identifies=False,
)
_SCHEMA: Final = Option(name="schema", summary=message("the schema of the tables, if not that of the connection"))
_TIMEOUT: Final = Option(
    name="timeout",
    summary=message("seconds that a statement may take; {usual} unless given", usual=int(TIMEOUT)),
    identifies=False,
)

DATABASE: Final = Adapter(
    name="database",
    summary=message("tickets from a table or a query of an SQL database, decisions into a table"),
    source=open_source,
    sink=open_sink,
    source_options=(
        _URL,
        Option(name="table", summary=message("the table or view of the tickets; or else `query`")),
        Option(name="query", summary=message("a SELECT in the place of a table")),
        Option(name="mapping", summary=message("a mapping file; without one the columns are named as facts")),
        Option(
            name="key", summary=message("the column in whose order rows are read; that of the ticket's id at first")
        ),
        Option(name="zone", summary=message("where times without a zone hang; that of the mapping or policy at first")),
        *(
            Option(name=field, summary=message("the table of the tickets' lines `{field}`", field=field))
            for field in LISTS.values()
        ),
        _SCHEMA,
        Option(
            name="chunk",
            summary=message("how many tickets are read at a time; {usual} unless given", usual=CHUNK),
            identifies=False,
        ),
        _TIMEOUT,
    ),
    sink_options=(
        _URL,
        Option(name="table", summary=message("the table of decisions; `{usual}` unless given", usual=TABLE)),
        Option(name="columns", summary=message("what stands in which column, as in `due=targets.arrived.due,…`")),
        Option(name="create", summary=message("`yes` makes the table where there is none"), identifies=False),
        _SCHEMA,
        _TIMEOUT,
    ),
    page="docs/database.md",
)
