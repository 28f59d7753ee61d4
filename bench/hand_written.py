"""The reference decision as one would write it by hand: the baseline that engines are compared with.

It answers the four questions and nothing else: no rules, no reasons, no missing
facts, nothing that an owner of the policy could change. See ``bench/reference``
for the same as a policy.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

WARRANTY_MONTHS = 12
NEAR_M = 5_000
MIDDLE_M = 50_000
NEAR_S = 24 * 3600
MIDDLE_S = 48 * 3600
FAR_S = 72 * 3600
HALF_HOUR_S = 1800
HALF_HOUR_FEE = 4_000

#: Shanghai has kept UTC+8 since 1991, so the local day needs no zone.
OFFSET_S = 8 * 3600
DAY_S = 86_400
EPOCH = date(1970, 1, 1).toordinal()

#: Category, due instant in epoch seconds, fee in minor units, level of escalation.
Answer = tuple[str, int, int, int]


class Job:
    """One request: metres, seconds of labour, money in minor units; instants in epoch seconds."""

    __slots__ = (
        "arrived_s",
        "cause",
        "contract_until",
        "distance_m",
        "internal",
        "labour_s",
        "on_site",
        "parts",
        "purchased_on",
        "received_s",
    )

    def __init__(
        self,
        *,
        received_s: int,
        purchased_on: date,
        contract_until: date | None,
        internal: bool,
        cause: str,
        on_site: bool,
        distance_m: int,
        labour_s: int,
        parts: tuple[tuple[int, int], ...],
        arrived_s: int | None,
    ) -> None:
        self.received_s = received_s
        self.purchased_on = purchased_on
        self.contract_until = contract_until
        self.internal = internal
        self.cause = cause
        self.on_site = on_site
        self.distance_m = distance_m
        self.labour_s = labour_s
        #: Unit price and quantity of each part.
        self.parts = parts
        self.arrived_s = arrived_s


def decide(job: Job, at_s: int) -> Answer:
    """Decide one request at an instant."""
    received_s = job.received_s
    reported_on = date.fromordinal((received_s + OFFSET_S) // DAY_S + EPOCH)
    in_warranty = reported_on < months_after(job.purchased_on, WARRANTY_MONTHS)

    if job.internal:
        category = "D"
    elif job.contract_until is not None and job.contract_until >= reported_on:
        category = "B"
    elif in_warranty and job.cause == "product":
        category = "C"
    else:
        category = "A"

    distance_m = job.distance_m
    if distance_m <= NEAR_M:
        window_s = NEAR_S
    elif distance_m <= MIDDLE_M:
        window_s = MIDDLE_S
    else:
        window_s = FAR_S

    if category == "A" and job.on_site:
        fee = visit_fee(distance_m) + labour_fee(job.labour_s) + parts_fee(job.parts, in_warranty)
    elif category == "B":
        fee = parts_fee(job.parts, in_warranty)
    else:
        fee = 0

    level = 0
    if job.arrived_s is None:
        used_s = at_s - received_s
        if used_s * 2 >= window_s * 3:
            level = 3
        elif used_s >= window_s:
            level = 2
        elif used_s * 5 >= window_s * 4:
            level = 1
    return category, received_s + window_s, fee, level


def visit_fee(distance_m: int) -> int:
    """Price the visit: by distance, each started km beyond 50 on top."""
    if distance_m <= NEAR_M:
        return 5_000
    if distance_m <= MIDDLE_M:
        return 10_000
    return 10_000 + 200 * -((MIDDLE_M - distance_m) // 1000)


def labour_fee(labour_s: int) -> int:
    """Price labour by the started half hour, one hour at least."""
    return HALF_HOUR_FEE * max(2, -(-labour_s // HALF_HOUR_S))


def parts_fee(parts: tuple[tuple[int, int], ...], in_warranty: bool) -> int:
    """Price the parts; in warranty each line at 90 %, half a minor unit rounded up."""
    if in_warranty:
        return sum((price * quantity * 9 + 5) // 10 for price, quantity in parts)
    return sum(price * quantity for price, quantity in parts)


def months_after(day: date, months: int) -> date:
    """Add months to a date; a day that the month lacks becomes its last."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    if day.day <= 28:
        return date(year, month, day.day)
    return date(year, month, min(day.day, monthrange(year, month)[1]))
