"""Charts of an impact: what was and what would have been, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from svc_policy.pages.drawing import QUIET, STEP, altair, drawn

if TYPE_CHECKING:
    from altair import LayerChart

BEFORE: Final = "#9fb0bf"
AFTER: Final = "#1f5fa8"


def pairs(rows: Sequence[tuple[str, float, float]], title: str, unit: str) -> Markup:
    """Draw two bars a name, before and after, from the same zero."""
    if not any(before or after for _, before, after in rows):
        return Markup()
    alt = altair()
    names_in_order = [name for name, _, _ in rows]
    bars = [
        {"name": name, "value": value, "colour": colour, "side": side}
        for name, before, after in rows
        for side, (value, colour) in enumerate(((before, BEFORE), (after, AFTER)))
    ]

    def draw(width: int, names: Any) -> LayerChart:
        body = (
            alt.Chart(alt.InlineData(bars))
            .mark_bar()
            .encode(
                x=alt.X(
                    "value:Q", axis=alt.Axis(title=unit, tickCount=3, tickMinStep=1, format=",.4~s", titleColor=QUIET)
                ),
                y=alt.Y("name:N", sort=names_in_order, axis=names, scale=alt.Scale(paddingInner=0.3)),
                yOffset=alt.YOffset("side:O"),
                color=alt.Color("colour:N", scale=None),
            )
        )
        return alt.layer(body).properties(width=width, height={"step": STEP // 2, "for": "offset"})

    return drawn(draw, title, names_in_order)
