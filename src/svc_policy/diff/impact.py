"""What a change would have meant for past tickets, and which of its alterations made the difference."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from svc_policy.batch import require
from svc_policy.diff.pinned import pinned
from svc_policy.diff.reckoning import Progress, Reckoning
from svc_policy.diff.results import Impact
from svc_policy.diff.tickets import Reading, read_tickets, reader_of
from svc_policy.errors import MappingError, Place, UsageError, problem
from svc_policy.messages import Message, message
from svc_policy.policy import Policy

#: More alterations than this are tried table by table.
MOST_ALTERATIONS: Final = 40
#: Changed tickets that are shown with both explanations.
TOP: Final = 10
CHUNK: Final = 500_000
#: Up to so many tickets are decided one by one.
FEW: Final = 20_000


def impact_of_file(
    old: Policy,
    new: Policy,
    source: Path,
    *,
    mapping: Path | None = None,
    at: datetime | None = None,
    most_alterations: int = MOST_ALTERATIONS,
    top: int = TOP,
    labels: tuple[str, str] | None = None,
    progress: Progress | None = None,
) -> Impact:
    """Reckon the impact of a change over the tickets of a file.

    Args:
        old: The policy as it is.
        new: The policy as it would be.
        source: CSV, JSON lines or Parquet, as an audit reads them, or a folder of the batch engine's tables in Parquet.
        mapping: The mapping (TOML) of the file, if its headings are not names of facts. Its calendar takes no part.
        at: The instant of all decisions, with an offset; else the mapping's `as_of`, else the latest in the file.
        most_alterations: Where there are more, they are tried table by table.
        top: How many changed tickets are given with both explanations.
        labels: How the two policies are named, as on a command line; by their ids unless given.
        progress: Called with a stage (`read`, `decide`), the steps done and the steps in all.

    Raises:
        MappingError: The file or its mapping cannot be read, or no ticket says when anything happened.
        UsageError: `at` has no offset, the policies contradict each other, or the extra `batch` is not installed.
    """
    engine = require("duckdb")
    require("pyarrow")
    if at is not None and at.tzinfo is None:
        template = message("`at` has no time zone")
        raise UsageError([problem("at-naive", template, help=message("give it one, as in `2026-03-02T09:00+08:00`"))])
    tell = progress or (lambda stage, done, total: None)
    reader, notes = reader_of(pinned(old), pinned(new))
    with tempfile.TemporaryDirectory(prefix="svc-policy-impact-") as scratch:
        connection = engine.connect(config={"temp_directory": scratch})
        try:
            connection.execute("SET enable_progress_bar = false")
            tell("read", 0, 1)
            reading = read_tickets(connection, source, reader, mapping)
            tell("read", 1, 1)
            at_s = reading.latest_s if at is None else int(at.timestamp() // 1)
            if at_s is None:
                template = message("the log says of no ticket when anything happened")
                place = Place(file=str(source))
                raise MappingError([problem("log-no-instant", template, place=place, help=message("say `--at`"))])
            return impact_of_tables(
                old,
                new,
                connection,
                at_s=at_s,
                most_alterations=most_alterations,
                top=top,
                reader=reader,
                reading=reading,
                notes=notes,
                at_from="asked" if at is not None else "mapping" if reading.is_mapped else "latest",
                labels=labels,
                progress=tell,
            )
        finally:
            connection.close()


def impact_of_tables(
    old: Policy,
    new: Policy,
    connection: Any,
    *,
    at_s: int,
    most_alterations: int = MOST_ALTERATIONS,
    top: int = TOP,
    reader: Policy | None = None,
    reading: Reading | None = None,
    notes: Sequence[Message] = (),
    at_from: Literal["asked", "mapping", "latest"] = "asked",
    labels: tuple[str, str] | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    few: int = FEW,
) -> Impact:
    """Reckon the impact of a change over the tables of a DuckDB connection, as the batch engine reads them.

    More tickets than `few` are decided in DuckDB, `chunk` at a time.
    """
    return Reckoning(
        old,
        new,
        connection,
        at_s=at_s,
        most_alterations=most_alterations,
        top=top,
        reader=reader or reader_of(pinned(old), pinned(new))[0],
        reading=reading,
        notes=list(notes),
        progress=progress or (lambda stage, done, total: None),
        chunk=chunk,
        few=few,
        at_from=at_from,
        labels=labels,
    ).reckon()


__all__ = ["CHUNK", "FEW", "MOST_ALTERATIONS", "TOP", "Impact", "impact_of_file", "impact_of_tables"]
