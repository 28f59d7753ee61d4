"""Which parts of a decision stand in the columns of a table, and how a database holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import attrs

from svc_policy.errors import AdapterError, nearest, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

Kind = Literal["text", "integer", "number", "boolean", "instant", "date", "json"]

#: The whole decision.
WHOLE: Final = "*"
#: What every table has: the path in the JSON of a decision, and the name of the column unless another is given.
KEPT: Final[Mapping[str, str]] = {"ticket_id": "ticket_id", "policy.digest": "digest", "at": "decided_at"}
#: What a table has besides unless columns are named: a column, and its path.
USUAL: Final[Mapping[str, str]] = {
    "policy": "policy.id",
    "category": "category",
    "in_warranty": "coverage.in_warranty",
    "covered": "coverage.covered",
    "total": "quote.total",
    "payable": "quote.payable",
    "payer": "quote.payer",
    "needs": "needs",
    "next_change_at": "next_change_at",
}
#: Whose records are cheaper to look at than their JSON.
_DIRECT: Final[Mapping[str, Callable[[Decision], Any]]] = {
    "category": lambda decision: decision.category,
    "coverage": lambda decision: decision.coverage,
    "quote": lambda decision: decision.quote,
    "targets": lambda decision: decision.targets,
    "materials": lambda decision: decision.materials,
    "next_change_at": lambda decision: decision.next_change_at,
    "ticket_id": lambda decision: decision.ticket.ticket_id,
    "needs": lambda decision: list(decision.needs),
    "at": lambda decision: datetime.fromtimestamp(decision.at_s, UTC),
    "policy": lambda decision: decision.policy,
}
_REFERENCES: Final[Mapping[str, Kind]] = {"instant": "instant", "date": "date", "money": "number", "truth": "boolean"}
_TYPES: Final[Mapping[str, Kind]] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}


@attrs.frozen(kw_only=True)
class Column:
    """A column of a table of decisions: its name, what it holds, and of what kind that is."""

    name: str
    path: str
    kind: Kind


def columns_of(policy: Policy, named: Mapping[str, str] | None) -> tuple[Column, ...]:
    """List the columns of a table of decisions: those that every table has, then those that are named.

    Args:
        policy: Whose decisions they are of.
        named: A column, and its path in the JSON of a decision, as in ``{"due": "targets.arrived.due"}``; ``*`` is
            the whole of it.

    Raises:
        AdapterError: There is no such path in a decision.
    """
    chosen = dict(USUAL if named is None else named)
    names = {path: name for name, path in chosen.items()}
    kept = {names.get(path, name): path for path, name in KEPT.items()}
    for name, path in kept.items():
        if chosen.get(name, path) != path:
            text = message("the column `{name}` holds `{path}` in a table of decisions", name=name, path=path)
            _refuse(text, message("call the other one something else"))
    paths = _Paths(policy)
    return tuple(Column(name=name, path=path, kind=paths.kind(path)) for name, path in {**kept, **chosen}.items())


def _refuse(text: Message, help_line: Message) -> NoReturn:
    raise AdapterError([problem("database-column", text, help=help_line)])


class _Paths:
    """What the schema of a decision says of paths."""

    def __init__(self, policy: Policy) -> None:
        path = resources.files("svc_policy") / "schemas" / "decision.schema.json"
        self.schema: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        self.targets = tuple(policy.target_names())

    def kind(self, path: str) -> Kind:
        if path == WHOLE:
            return "json"
        found: Mapping[str, Any] = self.schema
        steps = path.split(".")
        for index, step in enumerate(steps):
            found, _ = self.resolved(found)
            known = self.targets if steps[:index] == ["targets"] else tuple(found.get("properties", ()))
            if step not in known:
                text = message("there is no `{path}` in a decision", path=path)
                near = nearest(step, known)
                if near is not None:
                    near = ".".join([*steps[:index], near, *steps[index + 1 :]])
                    _refuse(text, message("did you mean `{near}`?", near=near))
                _refuse(text, message("known here: {known}", known=", ".join(known) or "-"))
            found = found["properties"][step] if "properties" in found else found["additionalProperties"]
        found, reference = self.resolved(found)
        if reference in _REFERENCES:
            return _REFERENCES[reference]
        if "enum" in found:
            return "text"
        types = found.get("type", "object")
        single = next((one for one in types if one != "null"), "") if isinstance(types, list) else types
        if single == "string" and "[.][0-9]+" in found.get("pattern", ""):
            return "number"
        return _TYPES.get(single, "json")

    def resolved(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """Follow references and leave null out; gives the name of the last reference as well."""
        name = ""
        while "$ref" in schema or "anyOf" in schema:
            if "anyOf" in schema:
                schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
            else:
                name = schema["$ref"].rpartition("/")[2]
                schema = self.schema["$defs"][name]
        return schema, name


class Values:
    """Gives the values of columns: texts, whole numbers, decimals, truths, instants in UTC, dates, JSON."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        plain = {column.path.partition(".")[0] for column in columns if not _is_direct(column)}
        self._plain = bool(plain)
        self._keys = None if WHOLE in plain else plain
        self._heads = tuple({column.path.partition(".")[0] for column in columns if _is_direct(column)})
        self._columns = tuple((column, _is_direct(column), column.path.split(".")) for column in columns)

    def of(self, decision: Decision) -> dict[str, Any]:
        """Give the values of a decision by column."""
        written: dict[str, Any] = {}
        if self._plain:
            from svc_policy.policy.json import decision_to_dict

            policy: Any = decision.policy
            written = decision_to_dict(policy, decision, self._keys)
        heads = {head: _DIRECT[head](decision) for head in self._heads}
        values = {}
        for column, is_direct, (head, *steps) in self._columns:
            found = heads[head] if is_direct else written if head == WHOLE else written[head]
            for step in steps:
                if found is None:
                    break
                found = found.get(step) if isinstance(found, dict) else getattr(found, step)
            values[column.name] = None if found is None else settled(found, column.kind)
        return values


def _is_direct(column: Column) -> bool:
    head = column.path.partition(".")[0]
    if head == "policy":
        return column.path in ("policy.id", "policy.digest")
    return head in _DIRECT and (column.kind != "json" or column.path == "needs")


def settled(value: Any, kind: Kind) -> Any:
    """Put a value, computed or read back from a database, into the one form in which values are compared.

    Raises:
        ValueError: It is none of that kind.
    """
    if value is None:
        return None
    try:
        match kind:
            case "text":
                return str(value)
            case "integer":
                return int(value.total_seconds()) if isinstance(value, timedelta) else int(value)
            case "number":
                return value if isinstance(value, Decimal) else Decimal(str(value))
            case "boolean":
                return bool(value)
            case "instant":
                found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            case "date":
                if isinstance(value, datetime):
                    return value.date()
                return value if isinstance(value, date) else date.fromisoformat(str(value))
            case _:
                return json.loads(value) if isinstance(value, str | bytes) else value
    except (InvalidOperation, TypeError, OverflowError):
        raise ValueError(kind) from None


def as_text(value: Any, kind: Kind) -> str:
    """Write a settled value as a text: instants in UTC, so that they sort as they follow one another."""
    if kind == "instant":
        return str(value.astimezone(UTC).isoformat(timespec="seconds"))
    if kind == "date":
        return str(value.isoformat())
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
