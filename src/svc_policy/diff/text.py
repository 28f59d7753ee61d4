"""Put changes into lines of text: what was done to what, where, under which clauses, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from svc_policy.diff.changes import NOTHING, Cells, Change, Kind, Part
from svc_policy.messages import Language, Message, message
from svc_policy.units import format_day

KINDS: Final[Mapping[Kind, Message]] = {
    "added": message("added"),
    "dropped": message("dropped"),
    "changed": message("changed"),
    "edition": message("new edition"),
    "moved": message("moved"),
}
PARTS: Final[Mapping[Part, Message]] = {
    "rule": message("rules"),
    "parameter": message("parameters"),
    "interpretation": message("interpretations"),
    "list": message("lists"),
    "calendar": message("calendar"),
    "week": message("working week"),
    "fact": message("facts of the company's own"),
    "role": message("roles"),
    "money": message("tax and rounding"),
    "setting": message("settings"),
    "clause": message("clauses"),
    "wording": message("wording"),
}
#: The most changes of one part of a policy that are listed unless all are asked for.
MOST: Final = 40


def change_lines(changes: Iterable[Change], language: Language, most: int | None = MOST) -> Iterator[str]:
    """Write changes part by part, each with its cells; `most` of a part, None for all of them."""
    parts: dict[Part, list[Change]] = {}
    for change in changes:
        parts.setdefault(change.part, []).append(change)
    for part, found in parts.items():
        yield f"{PARTS[part].text(language)} ({len(found)})"
        for change in found if most is None else found[:most]:
            yield f"  {headline(change, language)}"
            yield from (f"    {line}" for line in cell_lines(change, language))
        if most is not None and len(found) > most:
            yield f"  {message('… and {count} more', count=len(found) - most).text(language)}"
        yield ""


def headline(change: Change, language: Language) -> str:
    """Say in one line what was done to what, where it stands, and what it cites."""
    name = f"{change.table}.{change.name}" if change.table else change.name
    words = [name, KINDS[change.kind].text(language)]
    if change.since is not None:
        words.append(message("from {day}", day=format_day(change.since)).text(language))
    places = list(dict.fromkeys(str(place) for place in (change.old_place, change.new_place) if place is not None))
    if places:
        words.append(" → ".join(places))
    if change.cites:
        words.append(" ".join(change.cites))
    return "  ".join(words)


def cell_lines(change: Change, language: Language) -> Iterator[str]:
    """Write what is different in a change, a line each; the lines of a long text below one another."""
    if change.kind == "moved":
        (cell,) = change.cells
        yield message("line {before} → {after} of the table", before=cell.before, after=cell.after).text(language)
        return
    for cell in change.cells:
        yield from _cell(cell)


def _cell(cell: Cells) -> Iterator[str]:
    heading = f"{cell.column}: " if cell.column else ""
    if len(cell.before) + len(cell.after) < 90:
        yield f"{heading}{cell.before} → {cell.after}"
        return
    yield heading.rstrip()
    if cell.before != NOTHING:
        yield f"  - {cell.before}"
    if cell.after != NOTHING:
        yield f"  + {cell.after}"
