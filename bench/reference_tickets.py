"""Random tickets of the reference decision, in the form that each engine takes, and what each answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs

from bench import hand_written
from svc_policy import Decision, Part, Policy, Ticket, load

ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = date(1970, 1, 1)
DISTANCES_M = (0, 1, 4_999, 5_000, 5_001, 49_999, 50_000, 50_001, 50_999, 51_000, 51_001, 120_000)
LABOUR_S = (0, 1, 1_799, 1_800, 3_599, 3_600, 3_601, 5_400, 5_401, 9_000, 36_000)
PRICES = (0, 1, 4, 5, 15, 99, 105, 19_999, 45_000)
SHARES = (0, 5_000, 7_999, 8_000, 9_999, 10_000, 14_999, 15_000, 40_000)


@attrs.frozen(kw_only=True)
class Case:
    """One ticket, ready for every engine: svc-policy's record, the hand-written one, a mapping of plain values."""

    ticket: Ticket
    at_s: int
    job: hand_written.Job
    facts: Mapping[str, object]


class DifferentAnswersError(Exception):
    """Two engines answer the same ticket differently."""


def reference_policy() -> Policy:
    """Load the pack of the reference decision."""
    return load(Path(__file__).parent / "reference")


def reference_cases(count: int, seed: int = 20260302) -> list[Case]:
    """Make `count` complete tickets, most of them on or beside a boundary; the same seed gives the same tickets."""
    chance = random.Random(seed)
    return [_case(chance, str(number)) for number in range(count)]


def _case(chance: random.Random, number: str) -> Case:
    today = date(2024, 1, 1) + timedelta(days=chance.randrange(900))
    second = chance.choice((0, 1, 86_399, chance.randrange(86_400)))
    received_at = datetime(today.year, today.month, today.day, tzinfo=ZONE) + timedelta(seconds=second)
    purchased_on = _purchase(chance, today)
    contract_until = None if chance.random() < 0.7 else today + timedelta(days=chance.choice((-300, -1, 0, 1, 300)))
    internal = chance.random() < 0.08
    cause = chance.choice(("product", "product", "misuse", "wear", "accident"))
    on_site = chance.random() < 0.75
    distance_m = chance.choice(DISTANCES_M) if chance.random() < 0.6 else chance.randrange(150_000)
    labour_s = chance.choice(LABOUR_S) if chance.random() < 0.6 else chance.randrange(40_000)
    many = 0 if chance.random() < 0.5 else chance.randint(1, 3)
    parts = tuple((chance.choice(PRICES), chance.randint(1, 3)) for _ in range(many))
    window_s = 3600 * (24 if distance_m <= 5_000 else 48 if distance_m <= 50_000 else 72)
    waited_s = max(0, -(-window_s * chance.choice(SHARES) // 10_000) + chance.choice((-1, 0, 1)))
    arrived_at = None if chance.random() < 0.6 else received_at + timedelta(seconds=waited_s // 2)
    ticket = Ticket(
        ticket_id=number,
        received_at=received_at,
        purchased_on=purchased_on,
        contract_until=contract_until,
        internal=internal,
        cause=cause,
        on_site=on_site,
        distance_km=Decimal(distance_m) / 1000,
        labour_hours=timedelta(seconds=labour_s),
        parts=tuple(Part(unit_price=Decimal(price) / 100, quantity=quantity) for price, quantity in parts),
        arrived_at=arrived_at,
    )
    received_s = int(received_at.timestamp())
    job = hand_written.Job(
        received_s=received_s,
        purchased_on=purchased_on,
        contract_until=contract_until,
        internal=internal,
        cause=cause,
        on_site=on_site,
        distance_m=distance_m,
        labour_s=labour_s,
        parts=parts,
        arrived_s=None if arrived_at is None else int(arrived_at.timestamp()),
    )
    # The day of the request is given ready-made, so that an engine without time zones has no disadvantage.
    facts = {
        "received_s": received_s,
        "received_day": (today - EPOCH).days,
        "purchased_on": purchased_on.isoformat(),
        "contract_until_day": None if contract_until is None else (contract_until - EPOCH).days,
        "internal": internal,
        "cause": cause,
        "on_site": on_site,
        "distance_m": distance_m,
        "labour_s": labour_s,
        "parts": [{"price": price, "quantity": quantity} for price, quantity in parts],
        "arrived": arrived_at is not None,
        "at_s": received_s + waited_s,
    }
    return Case(ticket=ticket, at_s=received_s + waited_s, job=job, facts=facts)


def _purchase(chance: random.Random, today: date) -> date:
    roll = chance.random()
    if roll < 0.1:
        return date(chance.choice((2020, 2024)), 2, 29)
    if roll < 0.2:
        return today - timedelta(days=chance.randrange(1500))
    return today - timedelta(days=chance.choice((363, 364, 365, 366, 367)))


def policy_answer(policy: Policy) -> Callable[[Case], hand_written.Answer]:
    """Give the answers of a policy, for comparison; the columns are looked up by name."""

    def answer(case: Case) -> hand_written.Answer:
        decision: Decision = policy.decide_s(case.ticket, case.at_s)
        level = int(policy.column(decision, "escalations_fired") or 0).bit_count()
        found = (policy.column(decision, name) for name in ("category", "arrived_due", "total"))
        return (*found, level)  # type: ignore[return-value]

    return answer


def compare(cases: Sequence[Case], engines: Mapping[str, Callable[[Case], hand_written.Answer]]) -> None:
    """Hold every engine against the hand-written function.

    Raises:
        DifferentAnswersError: with the engine, both answers and the ticket.
    """
    for case in cases:
        expected = hand_written.decide(case.job, case.at_s)
        for name, answer in engines.items():
            given = answer(case)
            if given != expected:
                raise DifferentAnswersError(
                    f"{name} answers {given}, by hand it is {expected}, for {case.ticket!r} at {case.at_s}"
                )
