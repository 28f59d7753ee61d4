"""Decide tickets again whose decision time has changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from svc_policy.adapters.oscar.policies import current_policy, now
from svc_policy.adapters.oscar.storing import decide_and_store
from svc_policy.errors import PolicyError


@attrs.frozen(kw_only=True)
class Recomputed:
    """How many tickets were decided again, how many decisions changed, and what could not be decided, by number."""

    decided: int
    changed: int
    refused: Mapping[str, PolicyError]


def recompute(*, at: datetime | None = None, everything: bool = False) -> Recomputed:
    """Decide the tickets again whose `next_change_at` has passed.

    Each is its own transaction, so that a run that is stopped goes on with the
    rest. A ticket that cannot be decided is told of, and the others go on.

    Args:
        at: The instant of the decisions; now unless given.
        everything: All tickets, as after a change of the policy.

    Raises:
        PolicyError: There is no policy to decide with.
    """
    from svc_policy.adapters.oscar.models import ServiceTicket

    at = now() if at is None else at
    policy = current_policy()
    found = ServiceTicket.objects.filter(state=ServiceTicket.HANDED_IN)
    if not everything:
        found = found.filter(decisions__is_current=True, decisions__next_change_at__lte=at)
    decided = changed = 0
    refused: dict[str, PolicyError] = {}
    # The numbers first: what is written must not move what is read.
    for key in list(found.order_by("pk").values_list("pk", flat=True)):
        ticket = ServiceTicket.objects.get(pk=key)
        try:
            changed += decide_and_store(ticket, policy, at) != "unchanged"
            decided += 1
        except PolicyError as error:
            refused[ticket.number] = error
    return Recomputed(decided=decided, changed=changed, refused=refused)
