"""Put an impact into lines of text: what changes for how many, how much, and because of what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from svc_policy.diff.words import ImpactWords
from svc_policy.errors import display_width
from svc_policy.messages import Language, Message, message

if TYPE_CHECKING:
    from svc_policy.diff.results import Impact, Line, Total

#: Items of lists, and alterations, that are shown one by one.
_SHOWN: Final = 40
#: Who named the instant of the decisions.
AT_FROM: Final[Mapping[str, Message]] = {
    "asked": message("the instant is that of `--at`"),
    "mapping": message("the instant is `as_of` of the mapping; `--at` names another"),
    "latest": message("the instant is the latest in the file; `--at` names another"),
}


def impact_lines(impact: Impact, language: Language) -> Iterator[str]:
    """Write an impact line by line."""
    words = ImpactWords(impact, language)
    at = impact.at.isoformat(" ")
    yield words(message("impact over {tickets} tickets, as of {at}", tickets=f"{impact.tickets:,}", at=at))
    yield words(AT_FROM[impact.at_from])
    for text in (*rejected_texts(impact), *undecided_texts(impact)):
        yield words(text)
    for note in impact.notes:
        yield words(note)
    if not impact.totals:
        return
    yield words(
        message(
            "{changed} of {compared} tickets are decided otherwise",
            changed=f"{impact.changed:,}",
            compared=f"{impact.compared:,}",
        )
    )
    yield ""
    rows = [
        (
            words.measure(total.measure),
            words.figure(total.measure, total.before),
            words.figure(total.measure, total.after),
            words.figure(total.measure, total.difference, signed=True),
        )
        for total in impact.totals[:_SHOWN]
    ]
    heading = (
        words(message("what changes")),
        words(message("before")),
        words(message("after")),
        words(message("difference")),
    )
    yield from _table([heading, *rows])
    if len(impact.totals) > _SHOWN:
        yield words(message("… and {count} more", count=len(impact.totals) - _SHOWN))
    yield ""
    yield words(message("because of what"))
    measures = shown_measures(impact)
    named = [words.measure(total.measure) for total in measures]
    lines = [
        (
            " ".join((words.alteration(line.alteration), *line.alteration.cites)),
            *(words.figure(each.measure, line.effects.get(each.measure.key, 0), signed=True) for each in measures),
        )
        for line in impact.lines
        if has_effect(line)
    ]
    together = words(message("only together"))
    rest = [words.figure(each.measure, impact.rest.get(each.measure.key, 0), signed=True) for each in measures]
    whole = [words.figure(each.measure, each.difference, signed=True) for each in measures]
    shown = lines[:_SHOWN]
    yield from _table([("", *named), *shown, (together, *rest), (words(message("in all")), *whole)])
    if len(lines) > _SHOWN:
        yield words(message("… and {count} more", count=len(lines) - _SHOWN))
    if without := [words.alteration(line.alteration) for line in impact.lines if not has_effect(line)]:
        yield words(message("no effect on these tickets: {names}", names=words.listed(without)))
    if not impact.top:
        return
    yield ""
    yield words(message("tickets that change most"))
    for item in impact.top:
        parts = words.listed(words.part(part) for part in item.parts)
        because = words.listed(words.because(key) for key in item.because) or together
        amount = impact.total(impact.top_money or "")
        figure = "" if amount is None else f"  {words.figure(amount.measure, item.difference, signed=True)}"
        yield f"  {item.ticket_id}{figure}  {parts} {words(message('({name})', name=because))}"


def has_effect(line: Line) -> bool:
    """Say whether an alteration alone does anything to any ticket; one that cannot stand alone is told, too."""
    return any(line.effects.values()) or not line.stands_alone


def rejected_texts(impact: Impact) -> Iterator[Message]:
    """Yield what is to be said of the rows that cannot be used: how many, and why the first of them."""
    if not impact.rows.get("rejected"):
        return
    yield message("rows that cannot be used: {count}", count=f"{impact.rows['rejected']:,}")
    for item in impact.rejections:
        place = item.file if item.line is None else f"{item.file}:{item.line}"
        yield message("row {place}: {reason}", place=place, reason=item.reason)


def undecided_texts(impact: Impact) -> Iterator[Message]:
    """Yield what is to be said of the tickets that cannot be compared."""
    count = impact.undecided
    texts = {
        "old": message("outside the calendar of the old policy only, not compared: {count}", count=f"{count['old']:,}"),
        "new": message("outside the calendar of the new policy only, not compared: {count}", count=f"{count['new']:,}"),
        "both": message("outside the calendars of both policies, not compared: {count}", count=f"{count['both']:,}"),
    }
    yield from (text for name, text in texts.items() if count[name])


def shown_measures(impact: Impact) -> list[Total]:
    """Choose what alterations are told apart by where there is little room: decisions, money, what is late."""
    totals = {total.measure.key: total for total in impact.totals}
    money = [impact.top_money] if impact.top_money in totals else []
    late = sorted(
        (key for key, total in totals.items() if total.measure.kind == "late"),
        key=lambda key: -abs(totals[key].difference),
    )[:2]
    penalties = [key for key in ("money/penalty_most",) if key in totals and key not in money]
    return [totals[key] for key in ("changed", *money, *late, *penalties) if key in totals]


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(display_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first = row[0] + " " * (widths[0] - display_width(row[0]))
        rest = [" " * (width - display_width(cell)) + cell for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {'  '.join((first, *rest))}".rstrip()


__all__ = ["AT_FROM", "has_effect", "impact_lines", "rejected_texts", "shown_measures", "undecided_texts"]
