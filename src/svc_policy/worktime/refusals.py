"""What a calendar says when it is asked beyond what it knows."""

from __future__ import annotations

import datetime as dt

from svc_policy.errors import Problem, problem
from svc_policy.messages import message
from svc_policy.units import format_day
from svc_policy.worktime.windows import date_of

_HELP = message("a calendar does not guess; extend `valid` and freeze the exceptions of the years it gains")


def instant_outside(wall: int, first: int, last: int) -> Problem:
    """Say that an instant lies outside the calendar's validity; all three are wall times."""
    return problem(
        "calendar-outside",
        message(
            "`{at}` lies outside the calendar, which is valid from {first} to {last}",
            at=_wall_text(wall),
            first=_wall_text(first),
            last=_wall_text(last),
        ),
        help=_HELP,
    )


def day_outside(day: int, first_day: int, last_day: int) -> Problem:
    """Say that a date lies outside the calendar's validity."""
    return problem(
        "calendar-outside",
        message(
            "`{at}` lies outside the calendar, which is valid from {first} to {last}",
            at=_date_text(day),
            first=date_of(first_day).isoformat(),
            last=date_of(last_day).isoformat(),
        ),
        help=_HELP,
    )


def date_unknown(day: int, first_day: int, last_day: int) -> Problem:
    """Say that a date lies before or after the years in which days are reckoned at all."""
    return problem(
        "calendar-date-unknown",
        message(
            "the decision would need `{at}`, and dates are reckoned from {first} to {last}",
            at=format_day(day),
            first=date_of(first_day).isoformat(),
            last=date_of(last_day).isoformat(),
        ),
        help=message("look at the dates of the ticket; a last day that is told, as `warranty_until`, may be any"),
    )


def result_outside(first_day: int, last_day: int) -> Problem:
    """Say that a result would lie outside the calendar's validity."""
    return problem(
        "calendar-result-outside",
        message(
            "the result lies outside the calendar, which is valid from {first} to {last}",
            first=date_of(first_day).isoformat(),
            last=date_of(last_day).isoformat(),
        ),
        help=_HELP,
    )


def nested_days(day: int, following: int) -> Problem:
    """Say that the shifts of one day outlast those of a later one."""
    return problem(
        "calendar-overlap",
        message(
            "the hours of {day} run past the closing of {following}",
            day=date_of(day).isoformat(),
            following=date_of(following).isoformat(),
        ),
        help=message("a shift that runs past midnight closes before the following working day does"),
    )


def _wall_text(wall: int) -> str:
    try:
        return (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=wall)).isoformat(sep=" ")
    except OverflowError:
        return str(wall)


def _date_text(day: int) -> str:
    try:
        return date_of(day).isoformat()
    except (OverflowError, ValueError):
        return str(day)
