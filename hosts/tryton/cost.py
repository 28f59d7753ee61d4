"""What deciding adds to handing in a complaint: `python -m hosts.tryton.cost`.

Complaints with an asset and four stated facts are handed in, one a transaction,
under the policy of a mall; with and without deciding in turn, so that both see
the same machine. Medians of the processor's time.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import attrs

from hosts.tryton.database import NAME, prepared, write_config
from hosts.tryton.shop import Shop, open_shop

FACTS = {"on_site": "yes", "distance_km": "5 km", "cause": "product", "parts_needed": "no"}
WARM = 10


@attrs.frozen
class Cost:
    """Medians in milliseconds, and what is added in percent."""

    plain_ms: float
    decided_ms: float

    @property
    def added(self) -> float:
        """Say by how much deciding lengthens the step, in percent."""
        return (self.decided_ms / self.plain_ms - 1) * 100


def measure(shop: Shop, count: int) -> Cost:
    """Hand in so many complaints each way."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    pool = Pool(NAME)
    complaint: Any = pool.get("sale.complaint")
    with shop.of(shop.mall):
        lot = shop.lot("COST-1", svc_delivered_on=date(2026, 1, 10))
    with Transaction().start(NAME, 0, context={"company": shop.mall.id}):
        common = {
            "company": shop.mall.id,
            "customer": shop.customer.id,
            "type": shop.types["fault"].id,
            "svc_lot": lot.id,
            "svc_received_at": datetime(2026, 3, 2, 1),
            "svc_facts": [("create", [{"fact": fact, "value": value} for fact, value in FACTS.items()])],
        }
        ids = [one.id for one in complaint.create([common] * (2 * count + WARM))]
    decide, now = complaint._svc_decide_all.__func__, complaint.svc_now
    complaint.svc_now = staticmethod(lambda: datetime(2026, 3, 2, 1, 30))
    spent: dict[bool, list[float]] = {True: [], False: []}
    try:
        for number, one in enumerate(ids):
            is_decided = number < WARM or number % 2 == 0
            complaint._svc_decide_all = classmethod(decide if is_decided else lambda *_, **__: {})
            begin = time.process_time()
            with Transaction().start(NAME, shop.config.user, context={"company": shop.mall.id, "_check_access": True}):
                complaint.wait([complaint(one)])
            if number >= WARM:
                spent[is_decided].append(time.process_time() - begin)
    finally:
        del complaint._svc_decide_all
        complaint.svc_now = staticmethod(now)
    with Transaction().start(NAME, 0, readonly=True):
        found = [one.svc_category for one in complaint.browse(ids[WARM:])]
        assert (found.count("C"), found.count(None)) == (count, count), "half of them are decided"
    plain, decided = (statistics.median(spent[key]) * 1000 for key in (False, True))
    return Cost(plain, decided)


def main() -> None:
    """Measure on a fresh database and print it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(prepared(), folder / f"{NAME}.sqlite")
        found = measure(open_shop(folder, write_config(folder)), 300)
    print(f"handing in: {found.plain_ms:.2f} ms; with the decision {found.decided_ms:.2f} ms: {found.added:+.1f} %")


if __name__ == "__main__":
    main()
