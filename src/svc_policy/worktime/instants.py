"""Instants as the public methods take them: aware datetimes, or whole seconds."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import TypeVar

from svc_policy.errors import CalendarError, Problem, problem
from svc_policy.messages import message
from svc_policy.worktime.holds import Hold, absolute_deadline_s, absolute_elapsed_s

InstantT = TypeVar("InstantT", int, dt.datetime)
"""An aware datetime, or seconds since 1970-01-01T00:00Z; answers are of the same kind."""


def absolute_deadline(
    start: InstantT, seconds: int, holds: Iterable[tuple[InstantT, InstantT | None]] = ()
) -> InstantT | None:
    """Find the instant `seconds` after `start`, holds left out; every hour counts, whatever the calendar.

    Zero returns the start; a negative allowance counts back. None where a hold
    is open that began before the allowance was used up.
    """
    due = absolute_deadline_s(seconds_of(start), seconds, spans_of(holds))
    return None if due is None else in_kind(due, start)


def absolute_elapsed(a: InstantT, b: InstantT, holds: Iterable[tuple[InstantT, InstantT | None]] = ()) -> int:
    """Count the seconds from `a` to `b`, holds left out; negative if `b` comes first."""
    return absolute_elapsed_s(seconds_of(a), seconds_of(b), spans_of(holds))


def seconds_of(at: object) -> int:
    """Read an aware datetime or whole seconds; parts of a second are dropped.

    Raises:
        CalendarError: it is naive, or no instant.
    """
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    if isinstance(at, dt.datetime) and at.tzinfo is not None and at.utcoffset() is not None:
        return math.floor(at.timestamp())
    naive = isinstance(at, dt.datetime)
    raise CalendarError(
        [
            problem(
                "calendar-instant",
                message("`{at}` has no time zone", at=at) if naive else message("`{at}` is not an instant", at=at),
                help=message("give an aware datetime, or whole seconds since 1970-01-01T00:00Z"),
            )
        ]
    )


def in_kind(seconds: int, like: InstantT) -> InstantT:
    """Give seconds in the kind and the zone of `like`."""
    if isinstance(like, int):
        return seconds
    return type(like).fromtimestamp(seconds, like.tzinfo)


def spans_of(holds: Iterable[tuple[InstantT, InstantT | None]]) -> list[Hold]:
    """Read holds; None stands for an end that is open.

    Raises:
        CalendarError: with every hold that ends before it begins.
    """
    spans: list[Hold] = []
    problems: list[Problem] = []
    for begins, ends in holds:
        span = (seconds_of(begins), None if ends is None else seconds_of(ends))
        if span[1] is not None and span[1] < span[0]:
            problems.append(
                problem(
                    "calendar-hold",
                    message("the hold ends at `{ends}`, before it begins at `{begins}`", begins=begins, ends=ends),
                    help=message("a hold is `(begins, ends)`; leave `ends` out (None) while it is open"),
                )
            )
        spans.append(span)
    if problems:
        raise CalendarError(problems)
    return spans
