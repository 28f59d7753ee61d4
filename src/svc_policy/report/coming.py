"""What the schedule of a policy says of the month after a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from babel.dates import format_skeleton

from svc_policy.errors import CalendarError
from svc_policy.messages import LOCALES, Language, message
from svc_policy.schedule import Schedule, ScheduleWords
from svc_policy.statistics import Period
from svc_policy.units.days import date_of
from svc_policy.worktime.months import last_day_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: More days than this are counted, with the first and the last of them.
_LISTED = 5


def coming_days(policy: Policy, period: Period) -> Schedule | None:
    """Lay out the month after the period; None where the policy has no schedule, or its calendar ends before."""
    if not policy.pack.rows.get("schedules") or period.last is None:
        return None
    first = date(*date_of(period.last + 1))
    try:
        return policy.schedule(from_=first, until=last_day_of(first, 1))
    except CalendarError:
        return None


def dated(policy: Policy, schedule: Schedule, language: Language) -> Iterator[tuple[str, str]]:
    """Yield what is due, each once with its days; what comes on most days is counted."""
    words, days = ScheduleWords(policy, language), dict[str, list[date]]()
    for item in schedule.occurrences:
        days.setdefault(words.line(item), []).append(item.on)
    for text, of in sorted(days.items(), key=lambda pair: (len(pair[1]) > _LISTED, pair[1][0])):
        yield text, _shown(of, language)


def undated(policy: Policy, schedule: Schedule, language: Language) -> list[str]:
    """List what comes round without a date so far, each once."""
    words = ScheduleWords(policy, language)
    return list(dict.fromkeys(words.open_line(item) for item in schedule.undated))


def _shown(days: Iterable[date], language: Language) -> str:
    listed = [str(format_skeleton("MMMEd", day, locale=LOCALES[language])) for day in days]
    if len(listed) <= _LISTED:
        return ("、" if language == "zh" else "; ").join(listed)
    template = message("{count} days, from {first} to {last}", count=len(listed), first=listed[0], last=listed[-1])
    return template.text(language)
