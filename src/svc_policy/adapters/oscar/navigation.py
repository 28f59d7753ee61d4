"""An entry of the dashboard's menu: ``OSCAR_DASHBOARD_NAVIGATION.append(AFTER_SALES)``.

This module is imported by settings, so it imports nothing that needs them.
"""

from __future__ import annotations

from typing import Any, Final

from svc_policy.messages import Message, message


class _Label:
    """A text of the catalogue that is put into words when the menu is shown."""

    def __init__(self, text: Message) -> None:
        self.text = text

    def __str__(self) -> str:
        from svc_policy.adapters.oscar.policies import language

        return self.text.text(language())


def may_see(user: Any, *args: object, **kwargs: object) -> bool:
    """Say whether a user sees the entry: staff who may view tickets."""
    return bool(user.is_staff and user.has_perm("svc_policy.view_serviceticket"))


AFTER_SALES: Final[dict[str, Any]] = {
    "label": _Label(message("After-sales service")),
    "icon": "fas fa-wrench",
    "url_name": "svc_policy:dashboard-tickets",
    "access_fn": may_see,
}
