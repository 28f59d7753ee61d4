"""Holds: spans that stop a clock, and the clock that never closes.

A hold is `(begins, ends)` in seconds since 1970-01-01T00:00Z, half-open; `ends`
is None while the hold is open. Holds may overlap, nest, come in any order and
begin before the start: their union stops the clock. A hold that does not end
after it begins is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

Hold = tuple[int, int | None]
by_beginning = itemgetter(0)


def resumed(holds: Iterable[Hold], at: int) -> list[Hold]:
    """Close every open hold at the instant `at`, as if the clock resumed there."""
    return [(begins, at if ends is None else ends) for begins, ends in holds]


def absolute_deadline_s(start: int, seconds: int, holds: Sequence[Hold] = ()) -> int | None:
    """Find the earliest instant by which `seconds` have passed since `start`, holds left out.

    Every second counts, whatever the calendar says. An allowance of zero
    returns the start; a negative one the latest instant with that much time
    before the start.

    Returns:
        Seconds since 1970-01-01T00:00Z, or None if a hold is open that began
        before the allowance was used up.
    """
    due = start + seconds
    if seconds > 0:
        held_until = start
        for begins, ends in sorted(holds, key=by_beginning):
            if begins < held_until:
                begins = held_until
            if ends is not None and ends <= begins:
                continue
            if begins >= due:
                break
            if ends is None:
                return None
            due += ends - begins
            held_until = ends
    elif seconds < 0:
        held_from = start
        for begins, ends in by_ending_backwards(holds, start):
            if ends > held_from:
                ends = held_from
            if ends <= begins:
                continue
            if ends <= due:
                break
            due -= ends - begins
            held_from = begins
    return due


def absolute_elapsed_s(start: int, end: int, holds: Sequence[Hold] = ()) -> int:
    """Count the seconds from `start` to `end` that are not held; negative if `end` comes first."""
    if end < start:
        return -absolute_elapsed_s(end, start, holds)
    elapsed = end - start
    held_until = start
    for begins, ends in sorted(holds, key=by_beginning):
        if begins < held_until:
            begins = held_until
        if ends is None or ends > end:
            ends = end
        if ends > begins:
            elapsed -= ends - begins
            held_until = ends
    return elapsed


def by_ending_backwards(holds: Iterable[Hold], latest: int) -> list[tuple[int, int]]:
    """List the holds for a walk back from `latest`, the last to end first."""
    ended = [(begins, latest if ends is None or ends > latest else ends) for begins, ends in holds if begins < latest]
    ended.sort(key=itemgetter(1), reverse=True)
    return ended
