"""What a mapping says: which foreign field is which fact. Records only; :mod:`.mapping_file` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import attrs

from svc_policy.errors import Place
from svc_policy.facts.registry import Grain

Shape = Literal["flat", "events"]
FileFormat = Literal["csv", "jsonl", "parquet"]
Take = Literal["first", "last"]

FORMATS: Final[Mapping[str, FileFormat]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
ENCODINGS: Final = ("utf-8", "gb18030", "latin-1", "cp1252", "utf-16")
#: Any activity, any word.
ANY: Final = "*"


@attrs.frozen(kw_only=True)
class ColumnSource:
    """A column of the log that states a fact.

    `is_internal` is for columns of the batch input: whole numbers in the
    internal unit.
    """

    column: str
    values: Mapping[str, object] = attrs.field(factory=dict)
    unit: str = ""
    format: str = ""
    take: Take = "first"
    is_internal: bool = False
    place: Place | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class MilestoneSource:
    """The events that a milestone is read from; no activities stand for any event."""

    activities: tuple[str, ...]
    take: Take


@attrs.frozen(kw_only=True)
class HoldSource:
    """The events that open and close holds of a kind; closed by the next other event if `closes` is empty."""

    kind: str
    opens: tuple[str, ...]
    closes: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ChildSource:
    """The lines of tickets: a file with one row a line, or a list within each record, at the key or pointer `list`."""

    grain: Grain
    file: Path | None
    list: str = ""
    ticket: str
    facts: Mapping[str, ColumnSource]
    place: Place | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class FileOptions:
    """How the files of a log are written; empty where the file itself tells."""

    format: FileFormat | Literal[""] = ""
    delimiter: str = ""
    encoding: str = ""
    missing: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class CalendarSource:
    """The working calendar of the place the log comes from."""

    timezone: str
    week: Mapping[str, tuple[str, ...]]
    valid: tuple[str, str]
    days: Path | None
    country: str


@attrs.frozen(kw_only=True)
class LogMapping:
    """A whole mapping. `timezone` is where local times are read; `digest` the sha-256 of its text.

    `zone_column` and `currency_column` are the columns in which each record says them itself; empty if none does.
    """

    file: str
    shape: Shape
    timezone: str
    as_of_s: int | None = None
    options: FileOptions = FileOptions()
    ticket: str
    zone_column: str = ""
    currency_column: str = ""
    activity: str = ""
    timestamp: ColumnSource | None = None
    milestones: Mapping[str, MilestoneSource] = attrs.field(factory=dict)
    holds: tuple[HoldSource, ...] = ()
    ignored: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    keeps_others: bool = False
    facts: Mapping[str, ColumnSource] = attrs.field(factory=dict)
    constants: Mapping[str, int | str | bool] = attrs.field(factory=dict)
    children: tuple[ChildSource, ...] = ()
    calendar: CalendarSource | None = None
    digest: str | None = None
    places: Mapping[str, Place] = attrs.field(factory=dict, eq=False)

    @property
    def activities(self) -> frozenset[str]:
        """Every activity that the mapping names."""
        named = {item for milestone in self.milestones.values() for item in milestone.activities}
        named.update(item for hold in self.holds for item in (*hold.opens, *hold.closes))
        return frozenset(named | {*self.ignored, *self.known})
