"""A test kit for policies: tickets drawn on their boundaries, named properties, properties about a change.

    from hypothesis import given
    from svc_policy import load
    from svc_policy.testing import only_changes, tickets

Needs the extra ``test``. Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from svc_policy.testing.changes import budget_within, never_worse_for_customer, only_changes
    from svc_policy.testing.properties import NAMED, check_all
    from svc_policy.testing.running import PropertyFailed, PropertyResult
    from svc_policy.testing.strategies import Situation, changed, situations, tickets

__all__ = [
    "NAMED",
    "PropertyFailed",
    "PropertyResult",
    "Situation",
    "budget_within",
    "changed",
    "check_all",
    "never_worse_for_customer",
    "only_changes",
    "situations",
    "tickets",
]

_HOMES: Final = {
    "changes": ("budget_within", "never_worse_for_customer", "only_changes"),
    "properties": ("NAMED", "check_all"),
    "running": ("PropertyFailed", "PropertyResult"),
    "strategies": ("Situation", "changed", "situations", "tickets"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            # Without Hypothesis the strategies say which extra is missing.
            importlib.import_module(f"{__name__}.strategies")
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
