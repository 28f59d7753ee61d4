"""Charts of a report: what they show; how they are drawn says :mod:`svc_policy.pages.drawing`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from markupsafe import Markup

from svc_policy.pages.drawing import INK, QUIET, STEP, STRONG, altair, drawn, folded

if TYPE_CHECKING:
    from altair import LayerChart

COLOURS: Final[Mapping[str, str]] = {
    "met": "#2e8b57",
    "late": "#e08a1e",
    "breached": "#b3261e",
    "on hold": "#7b5ea7",
    "pending": "#4a86c5",
    "not started": "#a9b8c4",
    "cancelled": "#7d8a94",
    "undetermined": "#d3d8dc",
    "within": "#2e8b57",
    "warn": "#e08a1e",
    "over": "#b3261e",
    "no budget": "#a9b8c4",
}


@attrs.frozen
class Part:
    """A part of a bar: what it is called, how much it is, its colour."""

    name: str
    count: int
    colour: str


def stacks(bars: Sequence[tuple[str, Sequence[Part]]], title: str, total: Callable[[int], str]) -> Markup:
    """Draw one bar a name, each divided into its parts and filled up to the whole; the sum stands at its end."""
    if not any(part.count for _, parts in bars for part in parts):
        return Markup()
    alt = altair()
    rows = [
        {"bar": name, "count": part.count, "colour": part.colour, "order": order}
        for name, parts in bars
        for order, part in enumerate(parts)
        if part.count
    ]
    sums = [
        {"bar": name, "sum": total(sum(part.count for part in parts)), "at": 1}
        for name, parts in bars
        if any(part.count for part in parts)
    ]
    order = [str(row["bar"]) for row in sums]

    def draw(width: int, names: Any) -> LayerChart:
        body = (
            alt.Chart(alt.InlineData(rows))
            .mark_bar(height={"band": 0.6})
            .encode(
                x=alt.X("count:Q", stack="normalize", axis=alt.Axis(title=None, format="%", tickCount=4)),
                y=alt.Y("bar:N", sort=order, axis=names),
                color=alt.Color("colour:N", scale=None),
                order=alt.Order("order:Q"),
            )
        )
        ends = (
            alt.Chart(alt.InlineData(sums))
            .mark_text(align="left", dx=6, color=QUIET)
            .encode(x="at:Q", y=alt.Y("bar:N", sort=order), text="sum:N")
        )
        return alt.layer(body, ends).properties(width=width, height={"step": STEP})

    return drawn(draw, title, order)


def ranked(rows: Sequence[Mapping[str, Any]], title: str, counted: str, so_far: str) -> Markup:
    """Draw a Pareto chart: a bar a name, the few in strong colour, and the share so far as a line.

    Each row has `name`, `count`, `so_far` (a share from 0 to 1) and `few`; `counted` and `so_far` name the scales.
    """
    if not rows:
        return Markup()
    alt = altair()
    order = [row["name"] for row in rows]
    most = max(row["count"] for row in rows)

    def draw(width: int, names: Any) -> LayerChart:
        chart = alt.Chart(alt.InlineData([dict(row) for row in rows]))
        y = alt.Y("name:N", sort=order, axis=names)
        counts = alt.X(
            "count:Q",
            scale=alt.Scale(domain=[0, most]),
            axis=alt.Axis(title=counted, tickCount=3, tickMinStep=1, format=",d"),
        )
        shares = alt.X(
            "so_far:Q",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(
                title=so_far, format="%", orient="top", tickCount=2, labelColor=STRONG, titleColor=STRONG, grid=False
            ),
        )
        bars = chart.mark_bar(height={"band": 0.68}).encode(
            x=counts, y=y, color=alt.condition("datum.few", alt.value("#e08a1e"), alt.value("#c9d1d8"))
        )
        line = chart.mark_line(color=STRONG, strokeWidth=1.5, point={"color": STRONG, "size": 22}).encode(
            x=shares, y=alt.Y("name:N", sort=order), order=alt.Order("so_far:Q")
        )
        return alt.layer(bars, line).resolve_scale(x="independent").properties(width=width, height={"step": STEP})

    return drawn(draw, title, order)


def against(rows: Sequence[Mapping[str, Any]], title: str, unit: str) -> Markup:
    """Draw what was spent as a bar a name in the colour of its `state`, and the budget as a mark across it.

    Each row has `name`, `spent` and `budget` (numbers of the `unit`, or None), and `state`.
    """
    if not rows:
        return Markup()
    alt = altair()
    order = [row["name"] for row in rows]

    def draw(width: int, names: Any) -> LayerChart:
        chart = alt.Chart(alt.InlineData([{**row, "colour": COLOURS[row["state"]]} for row in rows]))
        y = alt.Y("name:N", sort=order, axis=names)
        bars = chart.mark_bar(height={"band": 0.6}).encode(
            x=alt.X("spent:Q", axis=alt.Axis(title=unit, tickCount=3, format=",.2~f")),
            y=y,
            color=alt.Color("colour:N", scale=None),
        )
        marks = (
            chart.transform_filter("isValid(datum.budget)")
            .mark_tick(color=INK, thickness=3, size=20)
            .encode(x="budget:Q", y=alt.Y("name:N", sort=order))
        )
        return alt.layer(bars, marks).properties(width=width, height={"step": STEP})

    return drawn(draw, title, order)


__all__ = ["COLOURS", "Part", "against", "folded", "ranked", "stacks"]
