"""Adapters: foreign systems' records become tickets, and decisions go back; see ``docs/adapters.md``.

Logs in files (CSV, JSON lines, Parquet) are read in bulk by :func:`read_log`
and described in ``docs/audit.md``. Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from svc_policy.adapters.calendars import with_calendar
    from svc_policy.adapters.log import LogReading, read_log
    from svc_policy.adapters.mapping import LogMapping
    from svc_policy.adapters.mapping_file import read_mapping
    from svc_policy.adapters.protocol import GROUP, Reading, Sink, Source, Unfilled, Unreadable, Written, older
    from svc_policy.adapters.records import RecordReader, read_records
    from svc_policy.adapters.registry import (
        Adapter,
        Listed,
        Option,
        list_adapters,
        load_adapter,
        open_sink,
        open_source,
    )

__all__ = [
    "GROUP",
    "Adapter",
    "Listed",
    "LogMapping",
    "LogReading",
    "Option",
    "Reading",
    "RecordReader",
    "Sink",
    "Source",
    "Unfilled",
    "Unreadable",
    "Written",
    "list_adapters",
    "load_adapter",
    "older",
    "open_sink",
    "open_source",
    "read_log",
    "read_mapping",
    "read_records",
    "with_calendar",
]

_HOMES: Final = {
    "calendars": ("with_calendar",),
    "log": ("LogReading", "read_log"),
    "mapping": ("LogMapping",),
    "mapping_file": ("read_mapping",),
    "protocol": ("GROUP", "Reading", "Sink", "Source", "Unfilled", "Unreadable", "Written", "older"),
    "records": ("RecordReader", "read_records"),
    "registry": ("Adapter", "Listed", "Option", "list_adapters", "load_adapter", "open_sink", "open_source"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
