"""The adapter ``oscar``: tickets that customers handed in, and the decisions stored beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from svc_policy.adapters.protocol import Reading, Unfilled, Unreadable, Written, older
from svc_policy.adapters.registry import Adapter, Option
from svc_policy.errors import AdapterError, Place, TicketError, UnreachableError, problem
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.policy import Policy

#: Tickets that are held at a time.
CHUNK: Final = 500


class TicketSource:
    """The tickets of a shop that were handed in, the oldest first."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        """Read the tickets after the mark of an earlier one.

        Raises:
            AdapterError: The mark is none of this source.
            UnreachableError: The database does not answer.
        """
        from django.db import DatabaseError

        last = _key_of(after)
        try:
            while chunk := self._chunk(last):
                for ticket in chunk:
                    last = ticket.pk
                    yield self._read(ticket)
        except DatabaseError as error:
            raise unreachable(error) from error

    def _chunk(self, last: int) -> list[Any]:
        from svc_policy.adapters.oscar.models import ServiceTicket

        tickets = ServiceTicket.objects.filter(state=ServiceTicket.HANDED_IN, pk__gt=last).order_by("pk")
        return list(tickets.only("pk", "number", "facts", "answers")[:CHUNK])

    def _read(self, ticket: Any) -> Reading | Unreadable:
        from svc_policy.adapters.oscar.facts import ticket_data, ticket_facts

        facts = ticket.facts if isinstance(ticket.facts, dict) else {}
        try:
            read = self.policy.ticket(ticket_data(self.policy, facts, ticket.number))
        except TicketError as error:
            return Unreadable(record=ticket.number, problems=error.problems, mark=str(ticket.pk))
        asked = [fact.name for fact in ticket_facts(self.policy).values() if fact.asks]
        answers = ticket.answers if isinstance(ticket.answers, dict) else {}
        not_known = message("the customer does not know it")
        not_asked = message("the ticket does not state it")
        unfilled = tuple(
            Unfilled(fact=name, reason=not_known if name in answers else not_asked)
            for name in asked
            if facts.get(name) is None
        )
        return Reading(record=ticket.number, ticket=read, unfilled=unfilled, mark=str(ticket.pk))


class DecisionSink:
    """Stores decisions beside the tickets of the shop; the one that holds is the last that differed."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def write(self, decisions: Iterable[Decision]) -> Written:
        """Store decisions, all of a call or none; one of no ticket of the shop, or older than what holds, is refused.

        Raises:
            UnreachableError: The database does not answer.
        """
        from django.db import DatabaseError, transaction

        from svc_policy.adapters.oscar.models import ServiceTicket
        from svc_policy.adapters.oscar.storing import NewerDecisionError, store

        counts = {"made": 0, "changed": 0, "unchanged": 0}
        refused: list[Unreadable] = []
        try:
            with transaction.atomic():
                for decision in decisions:
                    number = decision.ticket.ticket_id
                    ticket = ServiceTicket.objects.filter(number=number, state=ServiceTicket.HANDED_IN).first()
                    if ticket is None:
                        text = message("there is no ticket `{number}` in the shop", number=number)
                        found = problem("oscar-ticket-unknown", text, place=Place(file=number or "ticket"))
                        refused.append(Unreadable(record=number, problems=(found,)))
                        continue
                    try:
                        counts[store(ticket, self.policy, decision, over_newer=False)] += 1
                    except NewerDecisionError as error:
                        kept_at = error.decided_at.astimezone(self.policy.zone)
                        refused.append(older(number, kept_at, Place(file=number)))
        except DatabaseError as error:
            raise unreachable(error) from error
        return Written(**counts, refused=tuple(refused))


def unreachable(error: Exception) -> UnreachableError:
    """Say that the shop's database does not answer, in its own words."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    text = message("the shop's database does not answer: {reason}", reason=reason)
    return UnreachableError([problem("oscar-database", text, help=message("see that it runs, and try again"))])


def _key_of(mark: str | None) -> int:
    if mark is None:
        return 0
    if not (mark.isascii() and mark.isdigit() and len(mark) < 19):
        text = message("`{mark}` is no mark of a ticket of the shop", mark=mark)
        raise AdapterError([problem("oscar-mark", text, help=message("begin anew: without a mark"))])
    return int(mark)


def set_up(settings: str | None) -> None:
    """Open Django with the settings of a shop, unless that is done.

    Raises:
        AdapterError: There are no settings, they cannot be read, or the app is not installed.
    """
    from django.apps import apps
    from django.conf import settings as django_settings

    if settings is not None and not django_settings.configured:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    try:
        if not apps.ready:
            import django

            django.setup()
        is_installed = apps.is_installed("svc_policy.adapters.oscar")
    except Exception as error:  # whatever settings of a shop may do
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        text = message("the shop cannot be opened: {reason}", reason=reason)
        raise AdapterError([problem("oscar-settings", text, help=_ADVICE)]) from error
    if not is_installed:
        text = message("`{app}` is not among the installed apps of the shop", app="svc_policy.adapters.oscar")
        raise AdapterError([problem("oscar-absent", text, help=_ADVICE)])
    _check_tables()


def _check_tables() -> None:
    from django.db import DatabaseError, connection

    from svc_policy.adapters.oscar.models import ServiceTicket

    try:
        is_there = ServiceTicket._meta.db_table in connection.introspection.table_names()
    except DatabaseError as error:
        raise unreachable(error) from error
    if not is_there:
        text = message("the shop's database has no tables for tickets")
        advice = message("`{command}` makes them", command="manage.py migrate")
        raise AdapterError([problem("oscar-tables", text, help=advice)])


_ADVICE: Final = message("name its settings, as in `{example}`", example="settings=shop.settings")


def open_source(policy: Policy, *, settings: str | None = None) -> TicketSource:
    """Open the tickets of a shop.

    Raises:
        AdapterError: The shop cannot be opened.
    """
    set_up(settings)
    return TicketSource(policy)


def open_sink(policy: Policy, *, settings: str | None = None) -> DecisionSink:
    """Open the decisions of a shop.

    Raises:
        AdapterError: The shop cannot be opened.
    """
    set_up(settings)
    return DecisionSink(policy)


_SETTINGS: Final = (
    Option(
        name="settings",
        summary=message("Django's settings module of the shop; that of DJANGO_SETTINGS_MODULE unless given"),
    ),
)
OSCAR: Final = Adapter(
    name="oscar",
    summary=message("tickets of a django-oscar shop, decisions stored beside them"),
    source=open_source,
    sink=open_sink,
    source_options=_SETTINGS,
    sink_options=_SETTINGS,
    page="docs/oscar.md",
)
