"""A region in words, `distance_km (50, 100] km, category C`, 距离 (50, 100] 公里、类别 C; and on which days."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from svc_policy.check.views import TableView, day_index
from svc_policy.explain.wording import MISSING, STATUSES, YES_NO, Wording
from svc_policy.messages import LANGUAGES, Language, Message, Phrase, message
from svc_policy.tables import Interval, Test
from svc_policy.tables.regions import Axis, Box
from svc_policy.units import Literal, format_day, format_literal

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: First day and first day after, as days since 1970-01-01; None is no limit.
Days = tuple[int | None, int | None]
_FAR: Final = 1 << 60
_ALL_DATES: Final = message("all dates")
_ANYTHING: Final = message("every ticket")
_STATED: Final = message("stated")
#: Units as a Chinese reader writes them.
_UNITS_ZH: Final[Mapping[str, str]] = {
    "km": "公里",
    "m2": "平方米",
    "kg": "千克",
    "h": "小时",
    "min": "分钟",
    "s": "秒",
    "CNY": "元",
}


def phrase(en: str, zh: str) -> Phrase:
    """Make a text of its wordings."""
    return Phrase(en, zh)


class RegionWords:
    """Puts regions of one policy's tables into words, in every language."""

    def __init__(self, policy: Policy) -> None:
        self._of = {language: Wording(policy, language) for language in LANGUAGES}

    def region(self, view: TableView, boxes: Sequence[Box], first: str | None = None) -> Phrase:
        """Say where boxes lie; the axis `first` is named before the others."""
        texts = {
            language: (" / ").join(self._box(view, box, first, language) for box in boxes) for language in LANGUAGES
        }
        return phrase(texts["en"], texts["zh"])

    def name(self, column: str, language: Language) -> str:
        """Name a column: in English as its heading, in Chinese by its label."""
        return self._of[language].column(column) if language == "zh" else column

    def value(self, column: str, value: bool | str, language: Language) -> str:
        """Put a truth or a word of a column into words."""
        return YES_NO[value].text(language) if isinstance(value, bool) else self.word(column, value, language)

    def missing(self, language: Language) -> str:
        """Say that a fact is missing."""
        return MISSING.text(language)

    def word(self, column: str, value: object, language: Language) -> str:
        """Put one word of a column into words; in English as it stands in a cell."""
        if language == "en" or not isinstance(value, str):
            return str(value)
        if column.endswith("_status") and value in STATUSES:
            return STATUSES[value].text(language)
        fact = self._of[language].facts.get(column)
        if fact is not None and value in fact.values:
            return fact.values[value][1]
        return value if column == "category" else self._of[language].label(value)

    def _box(self, view: TableView, box: Box, first: str | None, language: Language) -> str:
        tests = region_tests(view, box)
        names = sorted(tests, key=lambda name: (name != first, list(tests).index(name)))
        said = [f"{self.name(name, language)} {self.test(name, tests[name], language)}" for name in names]
        return ("、" if language == "zh" else ", ").join(said) or _ANYTHING.text(language)

    def test(self, column: str, test: Test, language: Language) -> str:
        """Put a condition into words."""
        joint = "或" if language == "zh" else " or "
        if test.negated and test.missing and not test.items:
            return _STATED.text(language)
        parts = [self._interval(column, item, language) for item in test.items]
        if test.missing:
            parts.append(MISSING.text(language))
        text = joint.join(parts)
        return message("other than {values}", values=text).text(language) if test.negated else text

    def _interval(self, column: str, item: Interval, language: Language) -> str:
        low, high = (
            None if bound is None else self._literal(column, bound, language) for bound in (item.low, item.high)
        )
        if item.is_single:
            return low or ""
        if low is None or high is None:
            sign = (">=" if item.low_closed else ">") if high is None else ("<=" if item.high_closed else "<")
            return f"{sign} {low or high}"
        (first, _, unit), (last, _, same) = low.rpartition(" "), high.rpartition(" ")
        if unit != same or not first:
            first, last, unit = low, high, ""
        return f"{'[' if item.low_closed else '('}{first}, {last}{']' if item.high_closed else ')'} {unit}".rstrip()

    def _literal(self, column: str, bound: object, language: Language) -> str:
        assert isinstance(bound, Literal)
        if isinstance(bound.value, bool | str):
            return self.value(column, bound.value, language)
        return literal_words(bound, language)

    def days(self, days: Sequence[Days]) -> Phrase:
        """Say on which days something holds."""
        if not days or (None, None) in days:
            return phrase(_ALL_DATES.text("en"), _ALL_DATES.text("zh"))
        texts = {language: " / ".join(_span(one).text(language) for one in days) for language in LANGUAGES}
        return phrase(texts["en"], texts["zh"])


def literal_words(literal: Literal, language: Language) -> str:
    """Write a literal with its unit in the reader's language."""
    text = format_literal(literal)
    if language == "en":
        return text
    return re.sub(r"[A-Za-z][A-Za-z0-9]*$", lambda found: _UNITS_ZH.get(found[0], found[0]), text)


def _span(days: Days) -> Message:
    since, until = days
    first = None if since is None else format_day(since)
    last = None if until is None else format_day(until - 1)
    if first and last:
        return message("from {first} to {last}", first=first, last=last)
    return message("from {day}", day=first) if first else message("until {day}", day=last)


def region_tests(view: TableView, box: Box) -> dict[str, Test]:
    """Write a box as conditions, the days apart; a bound that is the end of an axis' domain is none."""
    day = day_index(view.grid)
    found: dict[str, Test] = {}
    for index, (axis, mask) in enumerate(zip(view.grid.axes, box, strict=True)):
        if index == day or mask in (view.possible[index], axis.everything):
            continue
        if mask == view.expected[index] and axis.absence == "unknown":
            continue  # What is not known yet is asked for: it is no part of what a table says.
        test = axis.test(mask)
        if not test.any:
            found[axis.name] = _unbounded(axis, test)
    return found


def _unbounded(axis: Axis, test: Test) -> Test:
    if not axis.is_ordered:
        return test
    items = []
    for item in test.items:
        if item.is_single:
            items.append(item)
            continue
        low = None if _is(item.low, axis.domain.low) and item.low_closed else item.low
        high = None if _is(item.high, axis.domain.high) and item.high_closed else item.high
        if low is None and high is None:
            low, high = item.low, item.high
        items.append(Interval(low, low is not None and item.low_closed, high, high is not None and item.high_closed))
    return attrs.evolve(test, items=tuple(items))


def _is(bound: object, value: int | None) -> bool:
    return isinstance(bound, Literal) and value is not None and bound.value == value


def days_of(view: TableView, box: Box) -> tuple[Days, ...]:
    """Give the spans of days of a box."""
    index = day_index(view.grid)
    if index is None or box[index] == view.grid.axes[index].everything:
        return ((None, None),)
    axis, mask = view.grid.axes[index], box[index]
    spans: list[Days] = []
    for atom in range(len(axis.cuts) - 1):
        if not mask >> atom & 1:
            continue
        since, until = (None if abs(cut) > _FAR else cut // 2 for cut in axis.cuts[atom : atom + 2])
        if spans and spans[-1][1] == since and since is not None:
            spans[-1] = (spans[-1][0], until)
        else:
            spans.append((since, until))
    return tuple(spans)
