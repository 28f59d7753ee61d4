"""Make pages of HTML that need nothing else: no script, no style sheet, no picture, no network.

A page is a Jinja template in the package of whoever makes it (`report/report.html`) over the one frame
`pages/frame.html`, with the parts of `pages/parts.html`:

    {% extends "pages/frame.html" %}
    {% from "pages/parts.html" import table %}
    {% block title %}{{ message("forms of {policy}", policy=name) }}{% endblock %}
    {% block body %}{{ table([message("form"), message("copies")], rows) }}{% endblock %}

Everything that is put into a template is escaped, texts of tickets above all; only :class:`~markupsafe.Markup`
is not. A :class:`~svc_policy.messages.Message` is put into the words of the page's language; `language` is the
page's, `words(en, zh)` chooses between two texts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from svc_policy.messages import LOCALES, Language, Message, message
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Figure", "money", "render", "share"]


#: Between a number and its unit no line is broken.
BLANK: Final = "\u00a0"


class Figure(str):
    """A text that stands right in its column, as numbers do: an amount, a share."""

    __slots__ = ()


def render(template: str, language: Language, values: Mapping[str, object]) -> str:
    """Make a page from a template, named by its path in this package, as `report/report.html`."""
    return _environment(language).get_template(template).render(values)


def money(minor: int, currency: str) -> Figure:
    """Show minor units as an amount with its currency, as in `1,234.50 CNY`."""
    digits = minor_digits(currency) or 0
    whole, rest = divmod(abs(minor), 10**digits)
    return Figure(
        f"{'-' if minor < 0 else ''}{whole:,}" + (f".{rest:0{digits}}" if digits else "") + f"{BLANK}{currency}"
    )


def share(basis_points: int) -> Figure:
    """Show basis points as a percentage with one decimal, half up, as in `33.3 %`."""
    tenths, sign = (abs(basis_points) + 5) // 10, "-" if basis_points < 0 else ""
    return Figure(f"{sign}{tenths // 10}.{tenths % 10}{BLANK}%")


@functools.cache
def _environment(language: Language) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    def said(value: Any) -> Any:
        return value.text(language) if isinstance(value, Message) else value

    environment = Environment(
        loader=PackageLoader("svc_policy", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=said,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "message": message,
        "language": language,
        "locale": LOCALES[language].replace("_", "-"),
        "words": lambda en, zh: zh if language == "zh" else en,
    }
    environment.filters |= {"money": money, "share": share, "number": lambda value: f"{value:,}"}
    environment.tests["figure"] = lambda value: isinstance(value, int | Figure) and not isinstance(value, bool)
    return environment
