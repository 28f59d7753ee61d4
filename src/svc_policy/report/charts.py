"""Charts of a report: drawn by Vega-Lite into pictures that stand in the page, their texts in its font.

Each chart is drawn twice, for a wide page and for a telephone; the page shows
the one that fits. What a chart shows stands in a table beside it, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from markupsafe import Markup, escape

from svc_policy.errors import UsageError, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from altair import LayerChart

#: The width of the bars and the most a label takes, in pixels, for a wide page and for a telephone.
WIDTHS: Final = {"wide": (480, 230), "narrow": (150, 130)}
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
_INK, _QUIET, _STRONG = "#1f2933", "#5b6770", "#1f5fa8"
_FONT = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans SC', 'Noto Sans CJK SC', sans-serif"
_NAMESPACES = re.compile(r' xmlns(:xlink)?="[^"]*"')


@attrs.frozen
class Part:
    """A part of a bar: what it is called, how much it is, its colour, and its place among the parts."""

    name: str
    count: int
    colour: str
    order: int


def stacks(bars: Sequence[tuple[str, Sequence[Part]]], title: str, total: Callable[[int], str]) -> Markup:
    """Draw one bar a name, each divided into its parts and filled up to the whole; the sum stands at its end."""
    if not any(part.count for _, parts in bars for part in parts):
        return Markup()
    alt = _altair()
    rows = [
        {"bar": name, "part": part.name, "count": part.count, "order": part.order}
        for name, parts in bars
        for part in parts
        if part.count
    ]
    sums = [
        {"bar": name, "sum": total(sum(part.count for part in parts)), "at": 1}
        for name, parts in bars
        if any(part.count for part in parts)
    ]
    used = {part.name: part for _, parts in bars for part in parts if part.count}
    legend = sorted(used.values(), key=lambda part: part.order)
    order = [row["bar"] for row in sums]

    def draw(width: int, label: int) -> LayerChart:
        columns = max(1, width // 120 + 1)
        body = (
            alt.Chart(alt.InlineData(rows))
            .mark_bar(height={"band": 0.72})
            .encode(
                x=alt.X("count:Q", stack="normalize", axis=alt.Axis(title=None, format="%", tickCount=4)),
                y=alt.Y("bar:N", sort=order, axis=_names(label)),
                color=alt.Color(
                    "part:N",
                    scale=alt.Scale(domain=[part.name for part in legend], range=[part.colour for part in legend]),
                    legend=alt.Legend(title=None, orient="top", columns=columns, labelLimit=180),
                ),
                order=alt.Order("order:Q"),
            )
        )
        ends = (
            alt.Chart(alt.InlineData(sums))
            .mark_text(align="left", dx=6, color=_QUIET)
            .encode(x="at:Q", y=alt.Y("bar:N", sort=order), text="sum:N")
        )
        return alt.layer(body, ends).properties(width=width, height={"step": 26})

    return _drawn(draw, title)


def ranked(rows: Sequence[Mapping[str, Any]], title: str) -> Markup:
    """Draw a Pareto chart: a bar a name, the few in strong colour, and the share so far as a line.

    Each row has `name`, `count`, `so_far` (a share from 0 to 1), `few` and `said`, what stands at the bar's end.
    """
    if not rows:
        return Markup()
    alt = _altair()
    order = [row["name"] for row in rows]
    most = max(row["count"] for row in rows)

    def draw(width: int, label: int) -> LayerChart:
        chart = alt.Chart(alt.InlineData([dict(row) for row in rows]))
        y = alt.Y("name:N", sort=order, axis=_names(label))
        counts = alt.X("count:Q", scale=alt.Scale(domain=[0, most]), axis=alt.Axis(title=None, tickCount=4, tickMinStep=1))
        shares = alt.X(
            "so_far:Q",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(title=None, format="%", orient="top", tickCount=4, labelColor=_STRONG, grid=False),
        )
        bars = chart.mark_bar(height={"band": 0.68}).encode(
            x=counts, y=y, color=alt.condition("datum.few", alt.value("#e08a1e"), alt.value("#c9d1d8"))
        )
        line = chart.mark_line(color=_STRONG, strokeWidth=1.5, point={"color": _STRONG, "size": 22}).encode(
            x=shares, y=alt.Y("name:N", sort=order), order=alt.Order("so_far:Q")
        )
        return alt.layer(bars, line).resolve_scale(x="independent").properties(width=width, height={"step": 26})

    return _drawn(draw, title)


def against(rows: Sequence[Mapping[str, Any]], title: str) -> Markup:
    """Draw what was spent as a bar a name in the colour of its `state`, and the budget as a mark across it.

    Each row has `name`, `spent` and `budget` (major units, or None), and `state`.
    """
    if not rows:
        return Markup()
    alt = _altair()
    order = [row["name"] for row in rows]

    def draw(width: int, label: int) -> LayerChart:
        chart = alt.Chart(alt.InlineData([{**row, "colour": COLOURS[row["state"]]} for row in rows]))
        y = alt.Y("name:N", sort=order, axis=_names(label))
        bars = chart.mark_bar(height={"band": 0.6}).encode(
            x=alt.X("spent:Q", axis=alt.Axis(title=None, tickCount=3, format="~s")),
            y=y,
            color=alt.Color("colour:N", scale=None),
        )
        marks = (
            chart.transform_filter("isValid(datum.budget)")
            .mark_tick(color=_INK, thickness=3, size=20)
            .encode(x="budget:Q", y=alt.Y("name:N", sort=order))
        )
        return alt.layer(bars, marks).properties(width=width, height={"step": 28})

    return _drawn(draw, title)


def _names(label: int) -> Any:
    return _altair().Axis(title=None, labelLimit=label, ticks=False, domain=False, labelPadding=8)


def _drawn(draw: Callable[[int, int], LayerChart], title: str) -> Markup:
    pictures = Markup()
    for size, (width, label) in WIDTHS.items():
        chart = draw(width, label).configure(
            font=_FONT,
            background="transparent",
            padding=2,
            axis={"labelColor": _INK, "labelFontSize": 13, "gridColor": "#e4e8ec", "domainColor": "#9aa5ae"},
            legend={"labelColor": _INK, "labelFontSize": 13, "symbolType": "square"},
            text={"fontSize": 13},
            view={"stroke": None},
        )
        pictures += _picture(chart.to_dict(), size, title)
    return pictures


def _picture(chart: Mapping[str, Any], size: str, title: str) -> Markup:
    svg = str(_module("vl_convert").vegalite_to_svg(chart))
    # Inside a page the namespaces are known.
    svg = _NAMESPACES.sub("", svg)
    head = f'<svg role="img" aria-label="{escape(title)}" class="chart {size}"'
    # What Vega writes is well-formed, and it escapes every text of its data.
    return Markup(svg.replace('<svg version="1.1" class="marks"', head, 1))  # noqa: S704


def _altair() -> Any:
    return _module("altair")


def _module(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        template = message("the `{module}` package is not installed", module=name)
        raise UsageError([problem("report-extra", template, help=message("pip install 'svc-policy[report]'"))]) from None
