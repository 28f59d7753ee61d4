"""Put a difference into lines of text: what was done to what, where decisions differ, an example on each side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from svc_policy.diff.changes import NOTHING, WORDS_ONLY, Cells, Change, Kind, Part
from svc_policy.diff.difference import Difference, piece_cells
from svc_policy.facts import ticket_to_dict
from svc_policy.messages import Language, Message, message
from svc_policy.units import format_day

if TYPE_CHECKING:
    from svc_policy.diff.examples import Decided
    from svc_policy.diff.regions import Otherwise
    from svc_policy.policy import Policy

KINDS: Final[Mapping[Kind, Message]] = {
    "added": message("added"),
    "dropped": message("dropped"),
    "changed": message("changed"),
    "edition": message("new edition"),
    "moved": message("moved"),
}
PARTS: Final[Mapping[Part, Message]] = {
    "rule": message("rules of the tables"),
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
_NOWHERE: Final = message(
    "no table says anything else for a ticket whose facts are all known; what changed counts where facts are missing, "
    "or beside the tables"
)
#: The most sentences in which two explanations differ that are shown in a terminal.
_SENTENCES: Final = 10


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


def difference_lines(difference: Difference, language: Language, most: int | None = MOST) -> Iterator[str]:
    """Write a difference: what changed, and where the two decide otherwise, with an example on each side."""
    yield f"{side(difference.old)} → {side(difference.new)}"
    yield ""
    if not difference.changes and not difference.regions:
        yield message("nothing changed: the two policies are the same").text(language)
        return
    yield from change_lines(difference.changes, language, most)
    if difference.currencies[0] != difference.currencies[1]:
        old, new = difference.currencies
        yield message(
            "amounts are not compared: one policy reckons in {old}, the other in {new}", old=old, new=new
        ).text(language)
        yield ""
    if difference.decides_alike:
        yield alike(difference).text(language)
        return
    yield from region_lines(difference, language, most)


def alike(difference: Difference) -> Message:
    """Say of two policies that decide alike what did change."""
    if not difference.changes:
        return message("nothing changed: the two policies are the same")
    if all(change.part in WORDS_ONLY for change in difference.changes):
        return message("the two policies decide alike: only wording changed")
    return message("the two policies decide alike: what changed makes no difference to any ticket")


def side(policy: Policy) -> str:
    """Name one side: its id, the first digits of its digest, and the day on which it is fixed."""
    name = f"{policy.id} {policy.digest[:12]}"
    return name if policy.fixed_on is None else f"{name} @{policy.fixed_on}"


def region_lines(difference: Difference, language: Language, most: int | None = MOST) -> Iterator[str]:
    """Write the regions in which two policies decide otherwise, each with its rows, clauses and example."""
    found = difference.regions
    if not found:
        yield _NOWHERE.text(language)
        return
    yield message("where they decide otherwise ({count})", count=len(found)).text(language)
    for otherwise in found if most is None else found[:most]:
        yield from (f"  {line}" for line in _region(difference, otherwise, language))
    if most is not None and len(found) > most:
        yield f"  {message('… and {count} more', count=len(found) - most).text(language)}"


def _region(difference: Difference, otherwise: Otherwise, language: Language) -> Iterator[str]:
    view = otherwise.view
    rows = " → ".join(NOTHING if piece is None else piece.row.id for piece in (otherwise.old, otherwise.new))
    yield "  ".join((f"{view.table}: {rows}", " ".join(otherwise.cites)))
    where, days = difference.where(otherwise)
    yield f"  {where.text(language)}; {days.text(language)}"
    before, after = piece_cells(otherwise.old), piece_cells(otherwise.new)
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield f"  then: {name}: {before.get(name, NOTHING)} → {after.get(name, NOTHING)}"
    yield from (f"  {line}" for line in _example(difference, otherwise, language))


def _example(difference: Difference, otherwise: Otherwise, language: Language) -> Iterator[str]:
    example = difference.example(otherwise)
    if example.inside is None:
        if otherwise.view.family.grain != "none":
            yield message("no example found: perhaps no ticket comes here").text(language)
        return
    yield message("example: {ticket}", ticket=written(example.inside)).text(language)
    # The first line names the policy and its digest, which differ anyway.
    old, new = (text.splitlines()[1:] for text in difference.explained(example.inside, language))
    told = [f"  - {line.strip()}" for line in old if line.strip() and line not in new]
    told += [f"  + {line.strip()}" for line in new if line.strip() and line not in old]
    yield from told[:_SENTENCES]
    if len(told) > _SENTENCES:
        yield f"  {message('… and {count} more', count=len(told) - _SENTENCES).text(language)}"
    if example.outside is not None:
        value = ticket_to_dict(example.outside.ticket).get(example.left)
        aside = f" ({example.left}: {value})" if value is not None else f" ({example.left})"
        text = message("just outside, decided alike: {ticket}", ticket=written(example.outside)).text(language)
        yield f"{text}{aside}"


def written(decided: Decided) -> str:
    """Write a ticket and its instant as one line of JSON."""
    return json.dumps({**ticket_to_dict(decided.ticket), "at": decided.at.isoformat()}, ensure_ascii=False)
