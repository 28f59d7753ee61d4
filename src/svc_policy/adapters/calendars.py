"""Put the calendar of a mapping in the place of the policy's."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import attrs

from svc_policy.adapters.mapping import CalendarSource
from svc_policy.errors import CalendarError, MappingError, Place, problem
from svc_policy.messages import message
from svc_policy.pack.digest import digest

if TYPE_CHECKING:
    from svc_policy.policy import Policy
    from svc_policy.worktime.frozen import FrozenDay


def with_calendar(policy: Policy, calendar: CalendarSource | None, file: str) -> Policy:
    """Give the policy with the week, validity, frozen days and zone of a mapping; it has a digest of its own.

    Raises:
        MappingError: The calendar cannot be made; with every reason.
    """
    if calendar is None:
        return policy
    from svc_policy.policy import Policy

    pack = policy.pack
    settings = attrs.evolve(
        pack.settings,
        timezone=calendar.timezone,
        week=dict(calendar.week),
        valid=calendar.valid,
        country=calendar.country or None,
    )
    try:
        days = _days(calendar, file)
        made = attrs.evolve(pack, settings=settings, days=days, digest=digest(settings, pack.rows, pack.lookups, days))
        made.calendar()
    except CalendarError as error:
        raise MappingError(
            attrs.evolve(found, place=found.place or Place(file=file)) for found in error.problems
        ) from None
    return Policy(made, policy.fixed_on)


def _days(calendar: CalendarSource, file: str) -> tuple[FrozenDay, ...]:
    from svc_policy.worktime.frozen import refresh
    from svc_policy.worktime.frozen_file import read_frozen

    if calendar.days is not None:
        return tuple(read_frozen(calendar.days))
    if not calendar.country:
        return ()
    try:
        first, last = (date.fromisoformat(day).year for day in calendar.valid)
    except ValueError:
        template = message("`{key}` is a first and a last day", key="calendar.valid")
        raise MappingError([problem("mapping-value", template, place=Place(file=file))]) from None
    return tuple(refresh(calendar.country, range(first, last + 1), week=dict(calendar.week)))
