"""After-sales service policies as data that cites its clauses.

from svc_policy import load

policy = load("mall")
decision = policy.decide({"request_kind": "fault", "received_at": "2026-03-02T09:00:00", ...})
print(policy.explain(decision, "zh"))

Names are imported when they are first used, so that importing the library
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.errors import PolicyError
    from svc_policy.facts.ticket import Hold, Incident, Material, Override, Part, Ticket
    from svc_policy.policy import Policy, load

__version__ = "0.1.0"
__all__ = [
    "Decision",
    "Hold",
    "Incident",
    "Material",
    "Override",
    "Part",
    "Policy",
    "PolicyError",
    "Ticket",
    "__version__",
    "load",
]

_HOMES = {
    "Decision": "svc_policy.decision",
    "PolicyError": "svc_policy.errors",
    "Policy": "svc_policy.policy",
    "load": "svc_policy.policy",
    **dict.fromkeys(("Hold", "Incident", "Material", "Override", "Part", "Ticket"), "svc_policy.facts.ticket"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
