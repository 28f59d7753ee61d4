"""What deciding adds to a step of the workflow stays below a fifth of it."""

from __future__ import annotations

from hosts.available import require

require("tryton")

from hosts.tryton.cost import measure  # noqa: E402
from hosts.tryton.shop import Shop  # noqa: E402

ATTEMPTS = 3


def test_deciding_adds_at_most_a_fifth_to_handing_in(shop: Shop) -> None:
    # Others disturb a short measurement on a busy machine, and never make it better than it is.
    found = []
    while len(found) < ATTEMPTS and all(one.added > 20 for one in found):
        found.append(measure(shop, 60))
    assert min(one.added for one in found) <= 20, found
