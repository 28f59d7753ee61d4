"""What an adapter is: a source of tickets, a sink of decisions, and how both speak of one foreign record.

A *source* turns the records of a foreign system into tickets, one after the
other, and says of each which facts it could not fill and why. A record that
cannot be read is reported with its id, and the next one is read. A *sink*
writes decisions back; writing the same decision twice changes nothing.

Adapters are found by the entry points of the group ``svc_policy.adapters``
(:mod:`.registry`) and imported when they are used. ``svc_policy.testing``
has the contract that each of them keeps; ``docs/adapters.md`` shows one in
sixty lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from svc_policy.errors import Place, Problem, problem
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.facts import Ticket

#: The group of entry points under which adapters are found.
GROUP = "svc_policy.adapters"


@attrs.frozen(kw_only=True)
class Unfilled:
    """A fact that a record did not give, and why: no field is mapped to it, or the field is empty."""

    fact: str
    reason: Message


@attrs.frozen(kw_only=True)
class Reading:
    """A record that was read.

    `record` is its id as people of the foreign system would look it up;
    `mark` is where to go on after it: text for :meth:`Source.read`.
    """

    record: str
    ticket: Ticket
    unfilled: tuple[Unfilled, ...] = ()
    mark: str | None = None


@attrs.frozen(kw_only=True)
class Unreadable:
    """A record that cannot be a ticket: a wrong type, a time zone that is not one, another currency.

    With `is_notice` it is about the source as a whole, and no record: it is told
    and listed, but is none of the records that were read.
    """

    record: str
    problems: tuple[Problem, ...]
    mark: str | None = None
    is_notice: bool = False


@attrs.frozen(kw_only=True)
class Written:
    """What a sink did: records made, records changed, records that were as they should be, and what was refused."""

    made: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: tuple[Unreadable, ...] = ()


@runtime_checkable
class Source(Protocol):
    """Where tickets come from.

    One whose options do not say all of it (an address comes from the environment,
    a path is relative) has an attribute `place` besides; see :func:`place_of`.
    """

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the records, in an order that is the same each time, after the mark of one that was read before.

        Holds a bounded number of records at a time.

        Raises:
            AdapterError: The system cannot be reached, or has not what was asked for.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Where decisions go; may have a `place`, as a :class:`Source`.

    A decision is never written over one that was made at a later instant: the
    older one is refused (:func:`older`), and the others of the call are written;
    where it says the same, it may count as unchanged. Of two of one instant the
    one that is written last stays.
    """

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions, all or none of a call where the system has transactions.

        Raises:
            AdapterError: The system cannot be reached; what was written before stays, and may be written again.
        """
        ...


def place_of(side: Source | Sink) -> str:
    """Say where a source or a sink stands, without secrets: the same text for the same place, however it was named."""
    return str(getattr(side, "place", ""))


def older(ticket: str, kept_at: datetime, place: Place | None = None) -> Unreadable:
    """Refuse a decision on a ticket, as the one that is kept of it was made later, at `kept_at`."""
    text = message("a newer decision is kept, of {at}", at=kept_at.isoformat(timespec="seconds"))
    advice = message("an older decision is not written over a newer one")
    found = problem("decision-older", text, place=place, help=advice)
    return Unreadable(record=ticket, problems=(found,))
