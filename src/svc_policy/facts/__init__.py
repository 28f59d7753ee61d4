"""What we are told: the records of a ticket, how they are read, and their published forms."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from svc_policy.facts.reading import TicketReader, read_ticket, read_tickets, ticket_to_dict
    from svc_policy.facts.registry import BUILT_IN, Fact
    from svc_policy.facts.schema import ticket_schema
    from svc_policy.facts.ticket import Hold, Incident, Material, Override, Part, Ticket

__all__ = [
    "BUILT_IN",
    "Fact",
    "Hold",
    "Incident",
    "Material",
    "Override",
    "Part",
    "Ticket",
    "TicketReader",
    "read_ticket",
    "read_tickets",
    "ticket_schema",
    "ticket_to_dict",
]

# Each name is imported when it is first asked for: deciding must not pay for reading and schemas.
_HOMES: Final = {
    "reading": ("TicketReader", "read_ticket", "read_tickets", "ticket_to_dict"),
    "registry": ("BUILT_IN", "Fact"),
    "schema": ("ticket_schema",),
    "ticket": ("Hold", "Incident", "Material", "Override", "Part", "Ticket"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
