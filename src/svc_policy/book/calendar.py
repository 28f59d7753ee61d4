"""The working week and the calendar of a policy in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from svc_policy.book.phrases import Phrases
from svc_policy.messages import message
from svc_policy.worktime.frozen import FrozenDay
from svc_policy.worktime.windows import WEEKDAYS, windows_text


@attrs.frozen(kw_only=True)
class Hours:
    """The working week, what is known of which years, and the exceptions of one year.

    `week` has a weekday and its hours; `years` a year, its days off and the
    days worked in exchange; `days` a date, what it is, and why.
    """

    valid: str
    week: tuple[tuple[str, str], ...]
    years: tuple[tuple[str, int, int], ...]
    year: int
    days: tuple[tuple[str, str, str], ...]


def hours_of(words: Phrases, year: int) -> Hours | None:
    """Say when is worked; None where the policy counts no working time."""
    settings, days = words.policy.pack.settings, words.policy.pack.days
    if settings.valid is None:
        return None
    first, last = settings.valid
    counted = Counter((day.day.year, day.kind) for day in days)
    years = sorted({number for number, _ in counted})
    return Hours(
        valid=words(message("from {first} to {last}", first=_date(words, first), last=_date(words, last))),
        week=tuple((words.weekday(name), _hours(words, settings.week.get(name, ()))) for name in WEEKDAYS),
        years=tuple((str(number), counted[number, "off"], counted[number, "work"]) for number in years),
        year=year,
        days=tuple((words.day(one.day), _kind(words, one), one.why) for one in days if one.day.year == year),
    )


def _date(words: Phrases, text: str) -> str:
    from datetime import date

    return words.day(date.fromisoformat(text))


def _hours(words: Phrases, windows: Sequence[str]) -> str:
    hours = words.listed(window.replace("-", "–") for window in windows)
    return hours or words(message("closed"))


def _kind(words: Phrases, day: FrozenDay) -> str:
    if day.as_weekday:
        text = words(message("worked as on {weekday}", weekday=words.weekday(day.as_weekday)))
    elif day.windows:
        text = _hours(words, windows_text(day.windows).split(";"))
    else:
        text = words(message("off"))
    return words(message("{text} (not announced yet)", text=text)) if day.provisional else text
