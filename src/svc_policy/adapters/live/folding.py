"""What a ticket's events come to: its facts at an instant, in the form that engines read.

The events are taken in the order of their instants, those of one second by
their ids, so that it does not matter in which order they arrived. Of several
events of one milestone the first counts; of a fact that was stated several
times, the last; a hold runs from the first event that opens it to the next
that closes it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from svc_policy.adapters.live.events import Event
from svc_policy.facts.normal import company_facts, declared
from svc_policy.facts.registry import LISTS

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_LISTED = tuple(LISTS.values())


class Span:
    """One hold, as engines read it: kind, begin, end."""

    __slots__ = ("values",)

    def __init__(self, kind: str, begin: int, end: int | None) -> None:
        self.values = (kind, begin, end)


class Facts:
    """The facts of one ticket, changing with its events.

    It has what engines read of a :class:`~svc_policy.facts.ticket.Ticket`
    (values, lists, shape), and none of what only views read.
    """

    __slots__ = ("_form", "extra_values", "holds", "incidents", "materials", "overrides", "parts", "shape", "values")

    def __init__(self, form: FactsForm) -> None:
        self._form = form
        self.values: tuple[Any, ...] = form.empty
        self.shape = form.empty_shape
        self.extra_values: dict[str, Any] = form.company
        self.parts: Sequence[Any] = ()
        self.holds: tuple[Span, ...] = ()
        self.incidents: Sequence[Any] = ()
        self.overrides: Sequence[Any] = ()
        self.materials: Sequence[Any] = ()

    def take(self, event: Event) -> bool:
        """Take in the next event; says whether anything changed that a watched rule reads."""
        form = self._form
        matters = False
        values: list[Any] | None = None
        for place, value in event.first:
            if self.values[place] is None:
                values = list(self.values) if values is None else values
                values[place] = value
                self._mark(place, True)
                matters = matters or place in form.relevant
        for slot, value in event.stated:
            if isinstance(slot, int):
                values = list(self.values) if values is None else values
                values[slot] = form.empty[slot] if value is None else value
                self._mark(slot, values[slot] is not None)
                matters = matters or slot in form.relevant
            elif slot in form.company_names:
                self.extra_values = {**self.extra_values, slot: value}
                if value is None:
                    self.extra_values.pop(slot)
                    if slot in form.company:
                        self.extra_values[slot] = form.company[slot]
                matters = matters or slot in form.relevant
            else:
                self._list(slot, value or ())
                matters = matters or slot in form.relevant
        if values is not None:
            self.values = tuple(values)
        for kind, opens in event.holds:
            matters = self._hold(kind, opens, event.at_s) or matters
        return matters

    def _mark(self, place: int, stated: bool) -> None:
        bit = 1 << (place + len(_LISTED))
        self.shape = self.shape | bit if stated else self.shape & ~bit

    def _list(self, name: str, records: Sequence[Any]) -> None:
        setattr(self, name, tuple(records))
        bit = 1 << _LISTED.index(name)
        self.shape = self.shape | bit if records else self.shape & ~bit

    def _hold(self, kind: str, opens: bool, at_s: int) -> bool:
        running = next((one for one in self.holds if one.values[0] == kind and one.values[2] is None), None)
        if opens == (running is not None):
            return False
        if running is None:
            self._list("holds", (*self.holds, Span(kind, at_s, None)))
        else:
            ended = Span(kind, running.values[1], at_s)
            self._list("holds", tuple(ended if one is running else one for one in self.holds))
        return "holds" in self._form.relevant

    def value(self, name: str) -> Any:
        """Give a fact of the ticket by its name."""
        return self.values[self._form.places[name]]

    def with_value(self, place: int, value: int) -> Facts:
        """Give the same facts with another value of a fact that is never missing."""
        made = Facts.__new__(Facts)
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        made.values = (*self.values[:place], value, *self.values[place + 1 :])
        return made


class FactsForm:
    """What the facts of all tickets of a policy have in common.

    `relevant` are the slots of which a change may change what is watched.
    """

    def __init__(self, policy: Policy, relevant: Container[str]) -> None:
        listed = declared("ticket", policy.pack.settings.company_facts)
        self.places: Mapping[str, int] = {fact.name: index for index, fact in enumerate(listed)}
        self.empty: tuple[Any, ...] = tuple(fact.default for fact in listed)
        self.empty_shape = sum(1 << (index + len(_LISTED)) for index, one in enumerate(self.empty) if one is not None)
        own = company_facts(policy.pack.settings.company_facts)
        self.company: dict[str, Any] = {fact.name: fact.default for fact in own if fact.default is not None}
        self.company_names = frozenset(fact.name for fact in own)
        names = [*self.places, *self.company_names, *_LISTED]
        self.relevant = frozenset(self.places.get(name, name) for name in names if name in relevant)
