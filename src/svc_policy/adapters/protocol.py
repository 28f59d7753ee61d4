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
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from svc_policy.errors import Problem
from svc_policy.messages import Message

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
    """A record that cannot be a ticket: a wrong type, a time zone that is not one, another currency."""

    record: str
    problems: tuple[Problem, ...]
    mark: str | None = None


@attrs.frozen(kw_only=True)
class Written:
    """What a sink did: records made, records changed, records that were as they should be, and what was refused."""

    made: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: tuple[Unreadable, ...] = ()


@runtime_checkable
class Source(Protocol):
    """Where tickets come from."""

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the records, in an order that is the same each time, after the mark of one that was read before.

        Holds a bounded number of records at a time.

        Raises:
            AdapterError: The system cannot be reached, or has not what was asked for.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Where decisions go."""

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Write decisions, all or none of a call where the system has transactions.

        Raises:
            AdapterError: The system cannot be reached; what was written before stays, and may be written again.
        """
        ...
