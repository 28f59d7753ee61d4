"""Lay the targets of a decision on a line of time: its ends, its marks, the working hours on it."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from svc_policy.decision import Decision
from svc_policy.explain.wording import Wording, locale_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_HOUR: Final = 3_600
_DAY: Final = 86_400
#: Steps between two marks, in hours within a day, in days beyond.
_HOURS: Final = (1, 2, 3, 6, 12)
_DAYS: Final = (1, 2, 7, 14, 31, 92, 183, 366, 1830, 3660)
_MOST_MARKS: Final = 7
#: Working hours are drawn on lines no longer than this.
_LONGEST_WITH_HOURS: Final = 45 * _DAY
#: What is this many times the usual length away would press everything else together: the line ends before it.
_FAR: Final = 12
_PATTERNS: Final = {
    "time": {"en": "HH:mm", "zh": "HH:mm"},
    "day": {"en": "EEE d MMM", "zh": "M月d日 EEE"},
    "date": {"en": "d MMM y", "zh": "y年M月d日"},
}


def timeline_of(policy: Policy, decision: Decision, words: Wording) -> dict[str, Any] | None:
    """Give the line on which the targets lie; None where nothing has begun.

    All instants are epoch seconds; `marks` have their text in the policy's zone. `open` are the working hours as
    pairs, none on a line that is too long to show them. `now` is the instant of the decision.
    """
    spans = [
        (int(target.start.timestamp()), [int(one.timestamp()) for one in ends if one is not None])
        for target in decision.targets.values()
        if target.start is not None and target.status not in ("not applicable", "undetermined")
        for ends in ((target.due, target.due_if_resumed_now, target.end),)
    ]
    spans = [(start, ends) for start, ends in spans if ends]
    if not spans:
        return None
    now = decision.at_s
    first = min(min(start, *ends) for start, ends in spans)
    lengths = sorted(max(ends) - first for _, ends in spans)
    usual = max(lengths[len(lengths) // 2], _HOUR)
    last = max(end for _, ends in spans for end in ends if end - first <= usual * _FAR)
    if first <= now <= first + max(last - first, usual) * 4:
        last = max(last, now)
    margin = max((last - first) // 25, 60)
    first, last = first - margin, last + margin
    return {
        "from": first,
        "until": last,
        "now": now,
        "marks": _marks(policy, words, first, last),
        "open": _open(policy, first, last),
    }


def _marks(policy: Policy, words: Wording, first: int, last: int) -> list[dict[str, Any]]:
    from babel.dates import format_datetime

    length = last - first
    hours = next((step for step in _HOURS if length / (step * _HOUR) <= _MOST_MARKS), None)
    days = next((step for step in _DAYS if length / (step * _DAY) <= _MOST_MARKS), _DAYS[-1])
    start = datetime.fromtimestamp(first, policy.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    found: list[dict[str, Any]] = []
    number = 0
    while True:
        # Steps are counted on the wall clock, so that marks stand at whole hours where the clocks change.
        wall = start + (timedelta(hours=hours * number) if hours else timedelta(days=days * number))
        at = wall.replace(tzinfo=policy.zone)
        seconds = int(at.timestamp())
        if seconds > last:
            return found
        if seconds >= first:
            kind = "time" if wall.hour else "date" if days > 31 and not hours else "day"
            pattern = _PATTERNS[kind][words.language]
            text = str(format_datetime(at, pattern, locale=locale_of(words.language)))
            found.append({"at": seconds, "text": text, "is_day": kind != "time"})
        number += 1


def _open(policy: Policy, first: int, last: int) -> list[list[int]]:
    axis = policy.clocks.axis
    if axis is None or last - first > _LONGEST_WITH_HOURS:
        return []
    intervals = axis.intervals()
    begin = max(bisect_right(intervals, first, key=lambda one: one[0]) - 1, 0)
    found = []
    for opens, closes, _ in intervals[begin:]:
        if opens >= last:
            break
        if closes > first:
            found.append([max(opens, first), min(closes, last)])
    return found
