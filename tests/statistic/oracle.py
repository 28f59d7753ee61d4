"""The statistics once more: plain Python over tickets and their decisions, slow and obvious."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from svc_policy import Decision, Ticket


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


def rate(part: int, whole: int) -> int | None:
    return half_up(Fraction(part * 10_000, whole)) if whole else None


def local(instant: datetime | None, zone: Any) -> date | None:
    return None if instant is None else instant.astimezone(zone).date()


def whole_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def done(ticket: Ticket) -> datetime | None:
    return ticket.finished_at or ticket.closed_at


def worked_on(ticket: Ticket, zone: Any) -> date | None:
    return local(done(ticket) or ticket.received_at, zone)


def months_back(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    for last in (31, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError


def earlier_repairs(tickets: Iterable[Ticket], zone: Any, back: tuple[str, int] | None) -> dict[str, int]:
    """Look at every pair of tickets."""
    tickets = list(tickets)
    found = {}
    for ticket in tickets:
        count = 0
        for other in tickets:
            if other is ticket or ticket.serial_no is None or ticket.fault_code is None or ticket.received_at is None:
                continue
            end = done(other)
            if (other.serial_no, other.fault_code) != (ticket.serial_no, ticket.fault_code) or end is None:
                continue
            if not whole_second(end) < whole_second(ticket.received_at):
                continue
            received = local(ticket.received_at, zone)
            ended = local(end, zone)
            assert received is not None and ended is not None
            if back is None:
                near = True
            elif back[0] == "s":
                near = whole_second(end) >= whole_second(ticket.received_at) - timedelta(seconds=back[1])
            elif back[0] == "days":
                near = ended >= received - timedelta(days=back[1])
            else:
                near = ended >= months_back(received, back[1])
            count += near
        found[ticket.ticket_id] = max(count, ticket.earlier_repairs or 0)
    return found


def ranked(names: Iterable[str | None]) -> dict[str, Any]:
    counts = Counter(name for name in names if name is not None)
    order = sorted(counts, key=lambda name: (-counts[name], name))
    total = sum(counts.values())
    # The smallest leading set that reaches four fifths, by trying every length.
    few = next(
        (length for length in range(len(order) + 1) if 5 * sum(counts[name] for name in order[:length]) >= 4 * total), 0
    )
    return {
        "ranking": [
            {
                "name": name,
                "tickets": counts[name],
                "so_far_bp": rate(sum(counts[other] for other in order[: place + 1]), total),
                "few": place < few,
            }
            for place, name in enumerate(order)
        ],
    }


def scores(decided: Iterable[tuple[Ticket, Decision]], zone: Any) -> list[dict[str, Any]]:
    groups: dict[tuple[str | None, str], list[int]] = defaultdict(list)
    for ticket, decision in decided:
        score = decision.column("appraisal_score")
        day = local(ticket.received_at, zone)
        if score is not None and day is not None:
            groups[ticket.technician, f"{day:%Y-%m}"].append(int(score))
    order = sorted(groups, key=lambda key: (key[0] is None, key[0] or "", key[1]))
    return [
        {
            "technician": name,
            "month": month,
            "tickets": len(groups[name, month]),
            "score_bp": half_up(Fraction(sum(groups[name, month]), len(groups[name, month]))),
        }
        for name, month in order
    ]


def spent(tickets: Iterable[Ticket], zone: Any, kind: str, year: int, through: int) -> list[int]:
    months = [0] * through
    for ticket in tickets:
        day = worked_on(ticket, zone)
        amount = getattr(ticket, kind)
        if day is not None and amount is not None and day.year == year and day.month <= through:
            months[day.month - 1] += int(amount * 100)
    return months


def used(tickets: Iterable[Ticket], zone: Any) -> Mapping[tuple[str | None, str | None], int]:
    found: Counter[tuple[str | None, str | None]] = Counter()
    for ticket in tickets:
        day = worked_on(ticket, zone)
        for part in ticket.parts:
            found[part.part_no, None if day is None else f"{day:%Y-%m}"] += (
                1 if part.quantity is None else part.quantity
            )
    return found
