"""Put a difference into lines of text: what was done to what, where decisions differ, an example on each side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from svc_policy.diff.changes import NOTHING, WORDS_ONLY, Cells, Change, Kind, Part
from svc_policy.diff.difference import Difference, piece_cells
from svc_policy.facts import ticket_to_dict
from svc_policy.messages import Language, Message, message
from svc_policy.units import format_day

if TYPE_CHECKING:
    from svc_policy.diff.examples import Decided
    from svc_policy.diff.naming import Naming
    from svc_policy.diff.regions import Otherwise

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


def change_lines(difference: Difference, language: Language, most: int | None = MOST) -> Iterator[str]:
    """Write changes part by part, each with its cells; `most` of a part, None for all of them."""
    naming = difference.naming(language)
    for part, found in parts_of(difference.changes):
        yield message("{name} ({count})", name=PARTS[part], count=len(found)).text(language)
        told, copies = without_copies(found)
        for change in told if most is None else told[:most]:
            yield f"  {headline(change, naming)}"
            yield from (f"    {line}" for line in cell_lines(change, naming))
        if most is not None and len(told) > most:
            yield f"  {message('… and {count} more', count=len(told) - most).text(language)}"
        if copies:
            yield f"  {copies_said(copies, naming).text(language)}"
        yield ""


def parts_of(changes: Iterable[Change]) -> Iterator[tuple[Part, list[Change]]]:
    """Divide changes by what was changed."""
    parts: dict[Part, list[Change]] = {}
    for change in changes:
        parts.setdefault(change.part, []).append(change)
    yield from parts.items()


def without_copies(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Set the editions apart that say what the ones before them said."""
    told, copies = list[Change](), list[Change]()
    for change in changes:
        (copies if change.kind == "edition" and not change.cells else told).append(change)
    return told, copies


def copies_said(copies: Sequence[Change], naming: Naming) -> Message:
    """Name the editions in which nothing but the day is new."""
    names = listed([naming.change(change) for change in copies], naming.language)
    return message("new edition, nothing else changed ({count}): {names}", count=len(copies), names=names)


def listed(names: Iterable[str], language: Language) -> str:
    """Put names in a row."""
    return ("、" if language == "zh" else ", ").join(names)


def headline(change: Change, naming: Naming) -> str:
    """Say in one line what was done to what, where it stands, and what it cites."""
    language = naming.language
    words = [naming.change(change), KINDS[change.kind].text(language)]
    if change.since is not None:
        words.append(message("from {day}", day=format_day(change.since)).text(language))
    places = list(dict.fromkeys(str(place) for place in (change.old_place, change.new_place) if place is not None))
    if places:
        words.append(" → ".join(places))
    if change.cites:
        words.append(" ".join(change.cites))
    return "  ".join(words)


def cell_lines(change: Change, naming: Naming) -> Iterator[str]:
    """Write what is different in a change, a line each; the lines of a long text below one another."""
    if change.kind == "moved":
        (cell,) = change.cells
        template = message("line {before} → {after} of the table", before=cell.before, after=cell.after)
        yield template.text(naming.language)
        return
    for cell in change.cells:
        yield from _cell(cell, naming.column(change.table, cell.column), naming.is_chinese)


def _cell(cell: Cells, column: str, is_chinese: bool) -> Iterator[str]:
    heading = "" if not column else f"{column}：" if is_chinese else f"{column}: "
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
    yield " → ".join(difference.sides)
    yield ""
    if not difference.changes and not difference.regions:
        yield message("nothing changed: the two policies are the same").text(language)
        return
    yield from change_lines(difference, language, most)
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
    naming = difference.naming(language)
    colon, semicolon = ("：", "；") if naming.is_chinese else (": ", "; ")
    rows = [NOTHING if piece is None else piece.row.id for piece in (otherwise.old, otherwise.new)]
    told = rows[0] if rows[0] == rows[1] else " → ".join(rows)
    yield "  ".join((f"{naming.table(view.table)}{colon}{told}", " ".join(otherwise.cites)))
    where, days = difference.where(otherwise)
    yield f"  {where.text(language)}{semicolon}{days.text(language)}"
    before, after = piece_cells(otherwise.old), piece_cells(otherwise.new)
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            column = naming.column(view.table, f"then: {name}")
            yield f"  {column}{colon}{before.get(name, NOTHING)} → {after.get(name, NOTHING)}"
    yield from (f"  {line}" for line in _example(difference, otherwise, language))


def _example(difference: Difference, otherwise: Otherwise, language: Language) -> Iterator[str]:
    example = difference.example(otherwise)
    if example.inside is None:
        if otherwise.view.family.grain != "none":
            yield message("no example found: perhaps no ticket comes here").text(language)
        return
    yield message("example: {ticket}", ticket=written(example.inside)).text(language)
    yield message("decided at: {at}", at=example.inside.at.isoformat()).text(language)
    went, came = sentences_apart(*difference.explained(example.inside, language))
    told = [*(f"  - {line}" for line in went), *(f"  + {line}" for line in came)]
    yield from told[:_SENTENCES]
    if len(told) > _SENTENCES:
        yield f"  {message('… and {count} more', count=len(told) - _SENTENCES).text(language)}"
    if example.outside is not None:
        value = ticket_to_dict(example.outside.ticket).get(example.left)
        named = difference.naming(language).fact(example.left)
        if value is None:
            aside = message("({name})", name=named)
        else:
            aside = message("({name}: {value})", name=named, value=value)
        text = message("just outside, decided alike: {ticket}", ticket=written(example.outside)).text(language)
        yield f"{text} {aside.text(language)}"
        if example.outside.at != example.inside.at:
            yield message("decided at: {at}", at=example.outside.at.isoformat()).text(language)


def sentences_apart(old: str, new: str) -> tuple[list[str], list[str]]:
    """Give the sentences of two explanations that only the old one has, and that only the new one has."""
    # The first line names the policy and its digest, which differ anyway.
    first, second = ([line.strip() for line in text.splitlines()[1:] if line.strip()] for text in (old, new))
    return [line for line in first if line not in second], [line for line in second if line not in first]


def written(decided: Decided) -> str:
    """Write a ticket as one line of JSON, as a file of tickets has it."""
    return json.dumps(ticket_to_dict(decided.ticket), ensure_ascii=False)
