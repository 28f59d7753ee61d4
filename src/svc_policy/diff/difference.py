"""The difference of two policies: what changed, where they decide otherwise, an example on each side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from svc_policy.check.words import RegionWords, days_of
from svc_policy.diff.changes import Change, find_changes
from svc_policy.diff.examples import Decided, Example, find_example
from svc_policy.diff.naming import Naming, side
from svc_policy.diff.outcomes import Comparison
from svc_policy.diff.regions import Otherwise, differing_regions
from svc_policy.errors import Place
from svc_policy.facts import ticket_to_dict
from svc_policy.messages import LANGUAGES, Language, Message
from svc_policy.tables import canonical_test
from svc_policy.units import format_day

if TYPE_CHECKING:
    from svc_policy.check.views import Piece
    from svc_policy.diff.impact import Impact
    from svc_policy.policy import Policy

SCHEMA = 1


def diff(old: Policy, new: Policy, *, labels: tuple[str, str] | None = None) -> Difference:
    """Compare two policies; what is asked for is found when it is asked for.

    Examples take longer than all the rest: whoever needs the regions alone does not wait for them.
    `labels` say how the two are named, as a copy of a policy has the id of the one that it was copied from.
    """
    return Difference(old=old, new=new, labels=labels)


@attrs.define(kw_only=True, eq=False, slots=False)
class Difference:
    """The difference of two policies.

    `changes` are what is written otherwise, `regions` where a table says
    something else, exact and over all dates; `examples` has one for each region,
    in the same order.
    """

    old: Policy
    new: Policy
    labels: tuple[str, str] | None = None

    @functools.cached_property
    def changes(self) -> tuple[Change, ...]:
        """What is written otherwise, rules first."""
        return find_changes(self.old, self.new)

    @functools.cached_property
    def regions(self) -> tuple[Otherwise, ...]:
        """Where a table says something else, in the order of a decision."""
        return differing_regions(self.old, self.new)

    @functools.cached_property
    def comparison(self) -> Comparison:
        """What compares decisions of the two."""
        return Comparison(self.old, self.new)

    def examples(self, most: int | None = None) -> Iterator[Example]:
        """Find an example for each region, `most` of them if not all."""
        for otherwise in self.regions if most is None else self.regions[:most]:
            yield self.example(otherwise)

    def example(self, otherwise: Otherwise) -> Example:
        """Find the example of a region, once."""
        known = self._examples.get(id(otherwise))
        if known is None:
            known = self._examples[id(otherwise)] = find_example(self.old, self.new, otherwise, self.comparison)
        return known

    @functools.cached_property
    def _examples(self) -> dict[int, Example]:
        return {}

    @property
    def decides_alike(self) -> bool:
        """Say whether nothing changed on which a decision can depend."""
        return not self.regions and not any(change.decides for change in self.changes)

    @property
    def currencies(self) -> tuple[str, str]:
        """The currencies of the two; amounts in different ones are not compared."""
        return self.old.pack.settings.currency, self.new.pack.settings.currency

    @functools.cached_property
    def words(self) -> RegionWords:
        """What puts regions into words: with the new policy's labels."""
        return RegionWords(self.new)

    @property
    def sides(self) -> tuple[str, str]:
        """How the two policies are called."""
        first, second = self.labels or (None, None)
        return side(self.old, first), side(self.new, second)

    def naming(self, language: Language) -> Naming:
        """Give what names tables and columns in a language."""
        return Naming(self.old, self.new, language)

    def where(self, otherwise: Otherwise) -> tuple[Message, Message]:
        """Say where a region lies: its facts, and its days."""
        view, boxes = otherwise.view, otherwise.region.boxes
        days = list(dict.fromkeys(span for box in boxes for span in days_of(view, box)))
        return self.words.region(view, boxes), self.words.days(days)

    def explained(self, decided: Decided, language: Language) -> tuple[str, str]:
        """Explain both decisions of a ticket."""
        return self.old.explain(decided.old, language), self.new.explain(decided.new, language)

    def to_dict(
        self, *, impact: Impact | None = None, most: int | None = None, language: Language = "en"
    ) -> dict[str, Any]:
        """Give the difference as JSON-ready data.

        Args:
            impact: What it would have meant for past tickets, if that was reckoned.
            most: The most regions that get an example; all of them unless given.
            language: That of the explanations.
        """
        regions = [
            self._region_to_dict(otherwise, with_example=most is None or number < most, language=language)
            for number, otherwise in enumerate(self.regions)
        ]
        return {
            "schema": SCHEMA,
            "old": _side(self.old, self.labels and self.labels[0]),
            "new": _side(self.new, self.labels and self.labels[1]),
            "decides_alike": self.decides_alike,
            "changes": [change_to_dict(change) for change in self.changes],
            "regions": regions,
            "impact": None if impact is None else impact.to_dict(language),
        }

    def _region_to_dict(self, otherwise: Otherwise, *, with_example: bool, language: Language) -> dict[str, Any]:
        view = otherwise.view
        where, days = self.where(otherwise)
        return {
            "table": view.table,
            "group": view.group,
            "old": _piece(otherwise.old),
            "new": _piece(otherwise.new),
            "clauses": list(otherwise.cites),
            "boxes": [
                {
                    "where": {name: canonical_test(test) for name, test in view.grid.tests(box).items()},
                    "days": [[_day(since), _day(until)] for since, until in days_of(view, box)],
                }
                for box in otherwise.region.boxes
            ],
            "words": {one: f"{where.text(one)}; {days.text(one)}" for one in LANGUAGES},
            "example": self._example_to_dict(self.example(otherwise), language) if with_example else None,
        }

    def _example_to_dict(self, example: Example, language: Language) -> dict[str, Any]:
        return {
            "found": example.inside is not None,
            "differences": list(example.differences),
            "inside": self._decided_to_dict(example.inside, language),
            "outside": self._decided_to_dict(example.outside, language),
            "outside_by": example.left or None,
        }

    def _decided_to_dict(self, decided: Decided | None, language: Language) -> dict[str, Any] | None:
        if decided is None:
            return None
        old, new = self.explained(decided, language)
        return {"ticket": ticket_to_dict(decided.ticket), "at": decided.at.isoformat(), "old": old, "new": new}


def _side(policy: Policy, label: str | None) -> dict[str, Any]:
    return {
        "id": policy.id,
        "named": label,
        "digest": policy.digest,
        "on": None if policy.fixed_on is None else policy.fixed_on.isoformat(),
        "currency": policy.pack.settings.currency,
        "titles": dict(policy.pack.settings.titles),
    }


def change_to_dict(change: Change) -> dict[str, Any]:
    """Give a change as JSON-ready data."""
    return {
        "kind": change.kind,
        "part": change.part,
        "table": change.table or None,
        "name": change.name,
        "from": _day(change.since),
        "decides": change.decides,
        "cells": [{"column": cell.column, "before": cell.before, "after": cell.after} for cell in change.cells],
        "clauses": list(change.cites),
        "old_place": _place(change.old_place),
        "new_place": _place(change.new_place),
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"file": place.file, "line": place.line}


def _piece(piece: Piece | None) -> dict[str, Any] | None:
    if piece is None:
        return None
    row = piece.row
    return {
        "rule": row.id,
        "file": row.file,
        "line": row.line,
        "clauses": list(row.cites),
        "results": dict(piece_cells(piece)),
    }


def piece_cells(piece: Piece | None) -> Mapping[str, str]:
    """Write what a row says on the days of a piece, cell by cell."""
    if piece is None:
        return {}
    found: dict[str, str] = {}
    for name, value in piece.results:
        if (
            isinstance(value, tuple)
            and len(value) == 3
            and not isinstance(value[0], bool)
            and name in piece.row.results
        ):
            found[name] = _written(value, piece.row.results[name])
        else:
            found[name] = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return found


def _written(value: Sequence[object], cell: object) -> str:
    from svc_policy.units import Literal, format_literal

    if isinstance(cell, tuple):
        return ", ".join(map(str, cell))
    kind, plain, unit = value
    return format_literal(Literal(kind, plain, str(unit)))  # type: ignore[arg-type]


def _day(day: int | None) -> str | None:
    return None if day is None else format_day(day)


__all__ = ["Difference", "change_to_dict", "diff", "piece_cells"]
