"""Draw charts by Vega-Lite into pictures that stand in a page, their texts in its font.

Each chart is drawn twice, for a wide page and for a telephone; the page shows
the one that fits. What a chart shows stands in a table beside it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from svc_policy.errors import UsageError, display_width, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from altair import LayerChart

#: The width of the bars and that of the labels, in pixels, and the columns of text that fit a label in any font,
#: for a wide page and for a telephone.
WIDTHS: Final = {"wide": (460, 250, 30), "narrow": (150, 136, 16)}
STEP: Final = 34
INK, QUIET, STRONG = "#1f2933", "#5b6770", "#1f5fa8"
_FONT = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans SC', 'Noto Sans CJK SC', sans-serif"
_NAMESPACES = re.compile(r' xmlns(:xlink)?="[^"]*"')


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


def drawn(draw: Callable[[int, Any], LayerChart], title: str, names: Sequence[str]) -> Markup:
    """Draw a chart for each width; `draw` takes the width of the bars and the axis of their `names`.

    Raises:
        UsageError: The extra `report` is not installed.
    """
    pictures = Markup()
    for size, (width, label, columns) in WIDTHS.items():
        # A viewer's font may be wider than the one Vega measures with: the labels have room and are broken here.
        # Vega looks them up in a table that is written into an expression of the axis, as JSON in pure ASCII.
        lines = json.dumps({name: folded(name, columns) for name in names})
        axis = altair().Axis(
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
            axis={"labelColor": INK, "labelFontSize": 13, "titleFontSize": 12, "titleFontWeight": "normal"}
            | {"titleColor": QUIET, "gridColor": "#e4e8ec", "domainColor": "#9aa5ae"},
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


def altair() -> Any:
    """Import the library that charts are made with; errors as :func:`drawn`."""
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
