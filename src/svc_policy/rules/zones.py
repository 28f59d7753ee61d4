"""Zones: in which zone of the service area a site lies, where the ticket does not say it.

A stated zone goes before the table, which reads it from what else is known of
the place: the district of an address, a distance.
"""

from __future__ import annotations

from svc_policy.expressions.nodes import first_known
from svc_policy.rules.family import Context, Family, Result


def build(context: Context) -> None:
    """Write `service_zone`: the stated zone, else the one of the row that holds."""
    rows = context.rows("zones")
    if not rows:
        return
    chosen = context.choose(
        "zones",
        "zones",
        rows,
        {"listed_zone": lambda row: context.cell(row.results["zone"], "zones", "ticket")},
        aside=True,
    )
    zone = first_known(context.subject("zone", "ticket", "zones"), chosen["listed_zone"])
    # Only a rule that reads it asks where the site lies.
    context.compute("service_zone", zone, aside=True)


FAMILY = Family(
    name="zones",
    zh="区域",
    grain="ticket",
    policy="first",
    governing="request",
    results=(Result("zone", "text", "区域", required=True),),
    build=build,
)
