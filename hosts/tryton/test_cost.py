"""What deciding adds to a step of the workflow stays below a fifth of it."""

from __future__ import annotations

from hosts.available import require

require("tryton")

from hosts.tryton.cost import measure  # noqa: E402
from hosts.tryton.shop import Shop  # noqa: E402


def test_deciding_adds_at_most_a_fifth_to_handing_in(shop: Shop) -> None:
    found = measure(shop, 60)
    assert found.added <= 20, found
