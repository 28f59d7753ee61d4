"""Read what a person typed into the field of a fact, and name the unit that stands beside such a field.

Wherever a person states a fact (a page, a form, a list of facts in another
system) the same text means the same: what is read here is the plain value that
the JSON of a ticket would hold, and the reader of tickets judges it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from svc_policy.facts.registry import MEASURES, Fact, FactKind
from svc_policy.messages import Language, Message, message
from svc_policy.units import fold
from svc_policy.units.literals import WORDS

#: What programs write beside `yes` and `no`; people type it as well.
TRUTHS: Final[Mapping[str, bool]] = {**WORDS, "true": True, "false": False, "1": True, "0": False}
#: Fifteen digits are what every number of a ticket has at most.
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_UNITS: Final[Mapping[FactKind, Message]] = {
    "distance": message("km"),
    "area": message("m²"),
    "weight": message("kg"),
    "duration": message("h"),
    "share": message("%"),
}


def read_truth(text: str) -> bool | None:
    """Read yes or no in either language, or as programs write it; None where the text is neither."""
    return TRUTHS.get(fold(text).strip().casefold())


def read_typed(fact: Fact, text: str) -> str | int | bool | None:
    """Read what was typed as the plain value of a fact; None where nothing was typed.

    A number counts in the unit beside the field: `10` for a share is 10 %, for a distance 10 km. A word may be typed
    by its label in either language. What has another form is given as it is, for the reader of tickets to refuse.
    """
    text = text.strip()
    plain = fold(text).strip()
    if not plain:
        return None
    if fact.kind == "bool":
        truth = read_truth(plain)
        return text if truth is None else truth
    if fact.kind == "count":
        return int(plain) if _WHOLE.fullmatch(plain) else text
    if fact.kind == "share":
        return f"{plain} %" if _NUMBER.fullmatch(plain) else text
    if fact.kind in MEASURES or fact.kind in ("money", "duration"):
        return plain if _NUMBER.fullmatch(plain) else text
    if fact.kind == "text" and fact.values and text not in fact.values:
        wanted = plain.casefold()
        labels = {fold(label).casefold(): word for word, of in fact.values.items() for label in (word, *of)}
        return labels.get(wanted, text)
    return text


def unit_of(fact: Fact, currency: str, language: Language) -> str:
    """Name the unit in which a bare number counts, as it stands beside the field; empty where there is none."""
    if fact.kind == "money":
        return currency
    return _UNITS[fact.kind].text(language) if fact.kind in _UNITS else ""
