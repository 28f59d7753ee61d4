"""Charts of a report: drawn by Vega-Lite into pictures that stand in the page, their texts in its font.

Each chart is drawn twice, for a wide page and for a telephone; the page shows
the one that fits. What a chart shows stands in a table beside it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from markupsafe import Markup, escape

from svc_policy.errors import UsageError, display_width, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from altair import LayerChart

#: The width of the bars and that of the labels, in pixels, and the columns of text that fit a label in any font,
#: for a wide page and for a telephone.
WIDTHS: Final = {"wide": (460, 250, 30), "narrow": (150, 136, 16)}
_STEP = 34
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
    """A part of a bar: what it is called, how much it is, its colour."""

    name: str
    count: int
    colour: str


def stacks(bars: Sequence[tuple[str, Sequence[Part]]], title: str, total: Callable[[int], str]) -> Markup:
    """Draw one bar a name, each divided into its parts and filled up to the whole; the sum stands at its end."""
    if not any(part.count for _, parts in bars for part in parts):
        return Markup()
    alt = _altair()
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
            .mark_text(align="left", dx=6, color=_QUIET)
            .encode(x="at:Q", y=alt.Y("bar:N", sort=order), text="sum:N")
        )
        return alt.layer(body, ends).properties(width=width, height={"step": _STEP})

    return _drawn(draw, title, order)


def ranked(rows: Sequence[Mapping[str, Any]], title: str, counted: str, so_far: str) -> Markup:
    """Draw a Pareto chart: a bar a name, the few in strong colour, and the share so far as a line.

    Each row has `name`, `count`, `so_far` (a share from 0 to 1) and `few`; `counted` and `so_far` name the scales.
    """
    if not rows:
        return Markup()
    alt = _altair()
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
                title=so_far, format="%", orient="top", tickCount=2, labelColor=_STRONG, titleColor=_STRONG, grid=False
            ),
        )
        bars = chart.mark_bar(height={"band": 0.68}).encode(
            x=counts, y=y, color=alt.condition("datum.few", alt.value("#e08a1e"), alt.value("#c9d1d8"))
        )
        line = chart.mark_line(color=_STRONG, strokeWidth=1.5, point={"color": _STRONG, "size": 22}).encode(
            x=shares, y=alt.Y("name:N", sort=order), order=alt.Order("so_far:Q")
        )
        return alt.layer(bars, line).resolve_scale(x="independent").properties(width=width, height={"step": _STEP})

    return _drawn(draw, title, order)


def against(rows: Sequence[Mapping[str, Any]], title: str, unit: str) -> Markup:
    """Draw what was spent as a bar a name in the colour of its `state`, and the budget as a mark across it.

    Each row has `name`, `spent` and `budget` (numbers of the `unit`, or None), and `state`.
    """
    if not rows:
        return Markup()
    alt = _altair()
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
            .mark_tick(color=_INK, thickness=3, size=20)
            .encode(x="budget:Q", y=alt.Y("name:N", sort=order))
        )
        return alt.layer(bars, marks).properties(width=width, height={"step": _STEP})

    return _drawn(draw, title, order)


def folded(text: str, columns: int) -> list[str]:
    """Break a label into at most two lines that are no wider than so many columns of a terminal."""
    lines, line = [], ""
    for piece in re.findall(r"[^\S\n]*[\u2e80-\uffef]|[^\S\n]*[^\s\u2e80-\uffef]+", " ".join(text.split())):
        if display_width(line + piece) <= columns or not line:
            line += piece
        else:
            lines.append(line)
            line = piece.strip()
    lines.append(line)
    if len(lines) > 2:
        return [_cut(lines[0], columns), _cut(f"{lines[1]}…", columns)]
    return [_cut(line, columns) for line in lines]


def _cut(line: str, columns: int) -> str:
    """Shorten a line that is too wide, and say so by an ellipsis."""
    if display_width(line) <= columns:
        return line
    line = line.rstrip("…")
    while display_width(line) >= columns:
        line = line[:-1]
    return f"{line}…"


def _drawn(draw: Callable[[int, Any], LayerChart], title: str, names: Sequence[str]) -> Markup:
    pictures = Markup()
    for size, (width, label, columns) in WIDTHS.items():
        # A viewer's font may be wider than the one Vega measures with: the labels have room and are broken here.
        # Vega looks them up in a table that is written into an expression of the axis, as JSON in pure ASCII.
        lines = json.dumps({name: folded(name, columns) for name in names})
        axis = _altair().Axis(
            title=None,
            labelExpr=f"({lines})[datum.value]",
            labelLimit=2 * label,
            minExtent=label,
            maxExtent=label,
            ticks=False,
            domain=False,
            labelPadding=8,
            # Two lines stand around the middle of their bar.
            labelBaseline={
                "condition": {"test": f"length(({lines})[datum.value]) > 1", "value": "bottom"},
                "value": "middle",
            },
            labelLineHeight=14,
        )
        chart = draw(width, axis).configure(
            font=_FONT,
            background="transparent",
            padding={"left": 2, "right": 44, "top": 2, "bottom": 2},
            autosize={"type": "pad", "contains": "padding"},
            axis={"labelColor": _INK, "labelFontSize": 13, "titleFontSize": 12, "titleFontWeight": "normal"}
            | {"titleColor": _QUIET, "gridColor": "#e4e8ec", "domainColor": "#9aa5ae"},
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
        raise UsageError(
            [problem("report-extra", template, help=message("pip install 'svc-policy[report]'"))]
        ) from None
