"""Marks: the key of a row as a text that gives the same value back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from svc_policy.errors import AdapterError, problem
from svc_policy.messages import message

_TAGGED: Final[Mapping[str, tuple[type, Callable[[str], Any]]]] = {
    "time": (datetime, datetime.fromisoformat),
    "day": (date, date.fromisoformat),
    "number": (Decimal, Decimal),
    "uuid": (UUID, UUID),
}


def mark_of(value: object, column: str) -> str:
    """Write the key of a row as a mark.

    Raises:
        AdapterError: Rows cannot be put into an order by values of its kind.
    """
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return json.dumps(value)
    for tag, (kind, _) in _TAGGED.items():
        if isinstance(value, kind):
            return json.dumps({tag: value.isoformat() if isinstance(value, date) else str(value)})
    text = message("the column `{column}` cannot be the key: it holds a value that is no exact one", column=column)
    advice = message("a key is a whole number, a text, a time or a UUID, and never the same in two rows")
    raise AdapterError([problem("database-key", text, help=advice)])


def key_of(mark: str) -> Any:
    """Read the key that a mark was made of.

    Raises:
        AdapterError: It is no mark of this source.
    """
    try:
        found = json.loads(mark)
        if isinstance(found, dict):
            ((tag, text),) = found.items()
            return _TAGGED[tag][1](text)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        found = None
    if not isinstance(found, str) and type(found) is not int:
        text = message("`{mark}` is no mark of a database", mark=mark[:60])
        raise AdapterError([problem("database-mark", text, help=message("give one that a reading has"))])
    return found
