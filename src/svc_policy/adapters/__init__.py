"""Adapters: foreign systems' records become tickets. So far logs: CSV, JSON lines, Parquet; see ``docs/audit.md``."""

from __future__ import annotations

from svc_policy.adapters.calendars import with_calendar
from svc_policy.adapters.log import LogReading, read_log
from svc_policy.adapters.mapping import LogMapping
from svc_policy.adapters.mapping_file import read_mapping

__all__ = ["LogMapping", "LogReading", "read_log", "read_mapping", "with_calendar"]
