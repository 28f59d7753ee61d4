"""Schedules as iCalendar files (RFC 5545), which calendars of phones and offices read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from svc_policy.errors import UsageError, problem
from svc_policy.messages import Language, message
from svc_policy.schedule import Occurrence, Schedule, ScheduleWords

if TYPE_CHECKING:
    from svc_policy.policy import Policy

PRODUCT = "-//svc-policy//schedule//EN"


def schedule_calendar(
    schedule: Schedule, policy: Policy, lang: Language = "en", *, stamp: datetime | None = None
) -> bytes:
    """Write the dated occurrences as events of a whole day each; what is undated has no place in a calendar.

    An event keeps its UID from run to run, also when a change of the working
    calendar moves it, so that a calendar that imports the file again has it once.

    Args:
        schedule: What is due.
        policy: The policy that it is a schedule of.
        lang: The language of summaries and descriptions.
        stamp: When the events were written (``DTSTAMP``), with an offset; now
            unless given. All else is the same for the same schedule.

    Raises:
        UsageError: The extra `calendar` is not installed, or `stamp` has no offset.
    """
    try:
        from icalendar import Calendar, Event
    except ImportError:
        missing = message("the `{module}` package is not installed", module="icalendar")
        help_line = message("pip install 'svc-policy[calendar]'")
        raise UsageError([problem("calendar-extra", missing, help=help_line)]) from None
    if stamp is not None and stamp.tzinfo is None:
        text = message("`{name}` has no time zone", name="stamp")
        raise UsageError([problem("at-naive", text, help=message("give it one, as in `datetime.now(timezone.utc)`"))])
    written = (stamp or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    words = ScheduleWords(policy, lang)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", policy.pack.settings.titles[lang])
    for occurrence, uid in zip(schedule.occurrences, uids_of(schedule), strict=True):
        event = Event()
        event.add("uid", uid)
        event.add("dtstamp", written)
        event.add("dtstart", occurrence.on)
        event.add("summary", words.occasion(occurrence))
        event.add("description", _description(occurrence, policy, words, lang))
        # A reminder: whoever has it in the calendar is not busy all day.
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    written_bytes: bytes = calendar.to_ical()
    return written_bytes


def uids_of(schedule: Schedule) -> list[str]:
    """Name each occurrence: a digest of the policy, the rule, what it is about, and the day before it is moved."""
    return [f"{_digest(schedule.policy_id, item)}@svc-policy" for item in schedule.occurrences]


def _digest(policy_id: str, item: Occurrence) -> str:
    parts: Sequence[object] = (
        policy_id,
        item.rule.rule,
        item.over,
        item.subject,
        item.phase,
        item.counted_from,
        item.moved_from or item.on,
    )
    # Lengths in front, so that no two lists of parts are the same text.
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _description(item: Occurrence, policy: Policy, words: ScheduleWords, lang: Language) -> str:
    """Say who does it for whom, and what the clauses that it rests on say."""
    lines = [words.line(item)]
    for cite in item.rule.cites:
        clause = policy.pack.clauses.get(cite)
        if clause is not None:
            text = clause.zh if lang == "zh" else clause.en
            lines.append(f"{cite}, {clause.place}: {text}")
    lines.extend(words.readings([item.rule]))
    return "\n".join(lines)
