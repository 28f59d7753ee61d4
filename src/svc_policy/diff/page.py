"""The page of a difference: what changed, where decisions differ, what it would have meant for past tickets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from markupsafe import Markup

from svc_policy.diff import charts
from svc_policy.diff.changes import NOTHING, Change
from svc_policy.diff.difference import piece_cells
from svc_policy.diff.impact_text import AT_FROM, has_effect, rejected_texts, shown_measures, undecided_texts
from svc_policy.diff.text import (
    KINDS,
    PARTS,
    alike,
    cell_lines,
    copies_said,
    parts_of,
    sentences_apart,
    without_copies,
    written,
)
from svc_policy.diff.words import ImpactWords
from svc_policy.messages import Language, Message, message
from svc_policy.pages import Figure, render, share
from svc_policy.units import format_day, minor_digits

if TYPE_CHECKING:
    from svc_policy.diff.breakdown import Breakdown
    from svc_policy.diff.difference import Difference
    from svc_policy.diff.examples import Decided
    from svc_policy.diff.regions import Otherwise
    from svc_policy.diff.results import ChangedTicket, Impact

#: Rows of a table, and regions, that are shown; what is beyond is counted. Bars of a chart.
SHOWN: Final = 40
BARS: Final = 12
_GROUPS: Final = {
    "month": message("By month"),
    "category": message("By category"),
    "zone": message("By zone"),
}
#: What is told of a group of tickets.
_FIGURES: Final = (message("difference"), message("before"))
_NAMES: Final = {"month": message("month"), "category": message("category"), "zone": message("zone")}


@attrs.frozen
class Listed:
    """The first rows of something, and how many more there are."""

    rows: Sequence[Any]
    more: int = 0

    @classmethod
    def of(cls, rows: Sequence[Any], most: int = SHOWN) -> Listed:
        """Take the first rows."""
        return cls(rows[:most], max(0, len(rows) - most))

    def __bool__(self) -> bool:
        return bool(self.rows)


def difference_page(difference: Difference, impact: Impact | None, language: Language) -> str:
    """Make the page of a difference, with the impact where it was reckoned.

    Raises:
        UsageError: There is an impact to draw, and the extra `report` is not installed.
    """
    return render("diff/diff.html", language, _Page(difference, impact, language).values())


class _Page:
    def __init__(self, difference: Difference, impact: Impact | None, language: Language) -> None:
        self.difference = difference
        self.impact = impact
        self.language: Language = language
        self.naming = difference.naming(language)

    def say(self, template: Message) -> str:
        return template.text(self.language)

    def values(self) -> dict[str, Any]:
        """Give everything that the template shows."""
        found = self.difference
        regions = found.regions
        titles = [policy.pack.settings.titles.get(self.language, policy.id) for policy in (found.old, found.new)]
        return {
            "title": titles[1] if titles[0] == titles[1] else f"{titles[0]} → {titles[1]}",
            "old": found.sides[0],
            "new": found.sides[1],
            "alike": found.decides_alike,
            "alike_words": alike(found).text(self.language),
            "currencies": found.currencies if found.currencies[0] != found.currencies[1] else None,
            "changes": list(self.changes()),
            "regions": Listed.of([self.region(one, number) for number, one in enumerate(regions[:SHOWN])]),
            "more_regions": max(0, len(regions) - SHOWN),
            "impact": None if self.impact is None else _Impact(self.impact, self.language).values(),
        }

    # --- what changed

    def changes(self) -> Iterator[tuple[Message, Listed, Message | None]]:
        """Yield the changes part by part, with a line on the editions that say nothing new."""
        for part, of in parts_of(self.difference.changes):
            told, copies = without_copies(of)
            said = copies_said(copies, self.naming) if copies else None
            yield PARTS[part], Listed.of([self.change(change) for change in told]), said

    def change(self, change: Change) -> tuple[object, ...]:
        """Make the row of a change: which rule, how and from when, which cells, which clauses."""
        how = self.say(KINDS[change.kind])
        if change.since is not None:
            # Where there is little room, a day is not broken at its hyphens.
            day = format_day(change.since).replace("-", "\u2011")
            how = f"{how} {self.say(message('from {day}', day=day))}"
        what = _below(self.naming.change(change), how)
        return (what, _lines(cell_lines(change, self.naming)), " ".join(change.cites))

    # --- where decisions differ

    def region(self, otherwise: Otherwise, number: int) -> dict[str, Any]:
        """Put a region into words, with its example."""
        where, days = self.difference.where(otherwise)
        before, after = piece_cells(otherwise.old), piece_cells(otherwise.new)
        rows = [NOTHING if piece is None else piece.row.id for piece in (otherwise.old, otherwise.new)]
        example = self.difference.example(otherwise)
        return {
            "anchor": f"region-{number + 1}",
            "table": self.naming.table(otherwise.view.table),
            "rows": rows[0] if rows[0] == rows[1] else " → ".join(rows),
            "where": where,
            "days": days,
            "clauses": " ".join(otherwise.cites),
            "cells": [
                (
                    self.naming.result(otherwise.view.table, name),
                    before.get(name, NOTHING),
                    after.get(name, NOTHING),
                )
                for name in dict.fromkeys((*before, *after))
                if before.get(name) != after.get(name)
            ],
            "decides": otherwise.view.family.grain != "none",
            "inside": self.decided(example.inside),
            "outside": self.decided(example.outside),
        }

    def decided(self, decided: Decided | None) -> dict[str, Any] | None:
        """Give an example: the ticket, and both explanations."""
        if decided is None:
            return None
        old, new = self.difference.explained(decided, self.language)
        return {"ticket": written(decided), "at": decided.at.isoformat(), **_both(old, new)}


class _Impact:
    def __init__(self, impact: Impact, language: Language) -> None:
        self.impact = impact
        self.words = ImpactWords(impact, language)

    def values(self) -> dict[str, Any]:
        """Give everything that the template shows of the impact."""
        impact = self.impact
        return {
            "found": impact,
            "at": impact.at.isoformat(" ", "minutes"),
            "at_from": AT_FROM[impact.at_from],
            "files": [path.replace("\\", "/").rpartition("/")[2] for path in impact.files],
            "notes": [*impact.notes, *rejected_texts(impact), *undecided_texts(impact)],
            "glance": list(self.glance()),
            "totals": Listed.of(list(self.totals())),
            "attribution": self.attribution(),
            "groups": [self.group(each) for each in impact.breakdowns],
            "without_zone": bool(impact.breakdowns) and not any(each.name == "zone" for each in impact.breakdowns),
            "top": [self.ticket(item, number) for number, item in enumerate(impact.top, start=1)],
            "before": charts.BEFORE,
            "after": charts.AFTER,
        }

    def glance(self) -> Iterator[tuple[str, Figure, str]]:
        """Yield the figures that are looked at first."""
        impact, words = self.impact, self.words
        part = share(10_000 * impact.changed // impact.compared) if impact.compared else ""
        yield words(message("decisions that change")), Figure(f"{impact.changed:,}"), str(part)
        for total in shown_measures(impact)[1:]:
            before = words.figure(total.measure, total.before)
            after = words.figure(total.measure, total.after)
            name = words.measure(total.measure)
            yield name, Figure(words.figure(total.measure, total.difference, signed=True)), f"{before} → {after}"

    def totals(self) -> Iterator[tuple[object, ...]]:
        """Yield a row a measure."""
        for total in self.impact.totals:
            yield (
                self.words.measure(total.measure),
                Figure(self.words.figure(total.measure, total.difference, signed=True)),
                Figure(self.words.figure(total.measure, total.before)),
                Figure(self.words.figure(total.measure, total.after)),
            )

    def attribution(self) -> dict[str, Any]:
        """Give the table of what each alteration does alone, and of what they only do together."""
        impact, words = self.impact, self.words
        measures = shown_measures(impact)

        def figures(effects: Any) -> list[Figure]:
            return [
                Figure(words.figure(each.measure, effects.get(each.measure.key, 0), signed=True)) for each in measures
            ]

        rows = [
            (_below(words.alteration(line.alteration), " ".join(line.alteration.cites)), *figures(line.effects))
            for line in impact.lines
            if has_effect(line)
        ]
        rest = (words(message("only together")), *figures(impact.rest))
        whole = {each.measure.key: each.difference for each in measures}
        hidden = rows[SHOWN:]
        return {
            "headings": [
                words(message("what was altered")),
                *(words.measure(each.measure) for each in measures),
            ],
            "rows": [*rows[:SHOWN], rest],
            "more": len(hidden),
            "foot": (words(message("in all")), *figures(whole)),
            "without": [words.alteration(line.alteration) for line in impact.lines if not has_effect(line)],
            "not_alone": [words.alteration(line.alteration) for line in impact.lines if not line.stands_alone],
        }

    def group(self, breakdown: Breakdown) -> dict[str, Any]:
        """Give the plots and the table of a way to divide the tickets."""
        words, rows = self.words, breakdown.rows
        named = [(words.group(breakdown.name, row), row) for row in rows]
        heading = words(_GROUPS[breakdown.name])
        plots: list[tuple[str, Markup]] = []
        columns: list[tuple[str, list[object]]] = [
            (words(_NAMES[breakdown.name]), [name.replace("-", "\u2011") for name, _ in named]),
            (words(message("tickets")), [row.tickets for row in rows]),
            (words(message("changed")), [row.changed for row in rows]),
        ]
        last = named[-BARS:]
        currency = self.impact.currency
        if breakdown.amount and currency and (amount := self.impact.total(f"money/{breakdown.amount}")):
            title = words.measure(amount.measure)
            scale = 10 ** (minor_digits(currency) or 0)
            bars = [(name, row.before / scale, row.after / scale) for name, row in last]
            plots.append((title, charts.pairs(bars, f"{title}, {heading}", currency)))
            for which, values in zip(
                _FIGURES, ([row.after - row.before for row in rows], [row.before for row in rows]), strict=True
            ):
                signed = which is _FIGURES[0]
                shown = [Figure(words.figure(amount.measure, value, signed=signed)) for value in values]
                columns.append((words(message("{name}: {item}", name=title, item=which)), list(shown)))
        if any(row.late_before != row.late_after for row in rows):
            title = words(message("late targets"))
            bars = [(name, float(row.late_before), float(row.late_after)) for name, row in last]
            plots.append((title, charts.pairs(bars, f"{title}, {heading}", words(message("tickets")))))
            change, was = (words(message("{name}: {item}", name=title, item=item)) for item in _FIGURES)
            columns.append((change, [Figure(_signed(row.late_after - row.late_before)) for row in rows]))
            columns.append((was, [row.late_before for row in rows]))
        return {
            "heading": heading,
            "plots": plots,
            "cut": max(0, len(named) - BARS),
            "headings": [name for name, _ in columns],
            "rows": list(zip(*(cells for _, cells in columns), strict=True)),
        }

    def ticket(self, item: ChangedTicket, number: int) -> dict[str, Any]:
        """Give a changed ticket with both explanations."""
        words = self.words
        old, new = self.impact.explained(item, words.language)
        amount = self.impact.total(self.impact.top_money or "")
        return {
            "anchor": f"ticket-{number}",
            "name": item.ticket_id,
            "difference": "" if amount is None else words.figure(amount.measure, item.difference, signed=True),
            "parts": words.listed(words.part(part) for part in item.parts),
            "because": words.listed(words.because(key) for key in item.because) or words(message("only together")),
            **_both(old, new),
        }


def _both(old: str, new: str) -> dict[str, object]:
    """Give two explanations, and the sentences that only one of them has."""
    went, came = sentences_apart(old, new)
    return {"old": old, "new": new, "went": went, "came": came}


def _signed(count: int) -> str:
    return f"{count:+,}" if count else "0"


def _below(first: str, second: str) -> Markup:
    """Put a quiet line below another; where there is little room a column of its own would lie out of sight."""
    return Markup('{}<br><span class="q">{}</span>').format(first, second) if second else Markup("{}").format(first)


def _lines(lines: Iterator[str]) -> Markup:
    """Put lines below one another."""
    return Markup("<br>").join(lines)
