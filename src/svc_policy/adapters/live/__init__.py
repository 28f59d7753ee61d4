"""Live events: events of tickets in, alerts out; see ``docs/live.md``."""

from __future__ import annotations

from svc_policy.adapters.live.alerts import Alert
from svc_policy.adapters.live.desk import LiveDesk, Told, Undecided
from svc_policy.adapters.live.events import Event, EventReader
from svc_policy.adapters.live.saving import hold_state, restore, save

__all__ = ["Alert", "Event", "EventReader", "LiveDesk", "Told", "Undecided", "hold_state", "restore", "save"]
