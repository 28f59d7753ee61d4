"""Statistics over random tickets against plain Python, and by hand where a number is a judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from svc_policy import Decision, Part, Policy, Ticket
from svc_policy.batch import create_tables, decide_batch, insert_tickets
from svc_policy.errors import TicketError, UsageError
from svc_policy.statistics import Period, count_earlier_repairs, month, statistics, year
from svc_policy.statistics.causes import ranking
from svc_policy.statistics.costs import state_of
from svc_policy.units import Allowance

from . import oracle
from .made import random_tickets

duckdb = pytest.importorskip("duckdb")
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
AT_S = int(AT.timestamp())
SEEDS = (1, 2)


class Made:
    """Random tickets with their decisions by the Python engine, and the same in a connection."""

    def __init__(self, policy: Policy, tickets: Sequence[Ticket]) -> None:
        self.policy, self.tickets = policy, tickets
        self.connection = duckdb.connect()
        insert_tickets(self.connection, policy, tickets)
        decide_batch(policy, self.connection, at_s=AT_S)
        self.decided = [(ticket, policy.decide(ticket, at=AT)) for ticket in tickets]

    def of(self, period: Period) -> dict[str, Any]:
        return statistics(self.connection, self.policy, at_s=AT_S, period=period)

    def received(self, first: date | None, last: date | None) -> list[tuple[Ticket, Decision]]:
        def inside(ticket: Ticket) -> bool:
            day = oracle.local(ticket.received_at, self.policy.zone)
            return first is None or last is None or (day is not None and first <= day <= last)

        return [(ticket, decision) for ticket, decision in self.decided if inside(ticket)]

    def worked(self, first: date | None, last: date | None) -> list[Ticket]:
        def inside(ticket: Ticket) -> bool:
            day = oracle.worked_on(ticket, self.policy.zone)
            return first is None or last is None or (day is not None and first <= day <= last)

        return [ticket for ticket in self.tickets if inside(ticket)]


@pytest.fixture(scope="module", params=SEEDS)
def made(policy: Policy, request: Any) -> Iterator[Made]:
    found = Made(policy, random_tickets(request.param))
    yield found
    found.connection.close()


PERIODS = {
    "all": (Period(), None, None),
    "month": (month("2026-03"), date(2026, 3, 1), date(2026, 3, 31)),
    "year": (year("2025"), date(2025, 1, 1), date(2025, 12, 31)),
}


@pytest.fixture(params=PERIODS)
def period(request: Any) -> tuple[Period, date | None, date | None]:
    return PERIODS[request.param]


Limits = tuple[Period, "date | None", "date | None"]


def test_targets_penalties_and_approvals(made: Made, period: Limits) -> None:
    found, decided = made.of(period[0]), made.received(*period[1:])
    assert found["tickets"] == len(decided)
    for target, statuses in found["targets"].items():
        counted = Counter(decision.column(f"{target}_status") or "undetermined" for _, decision in decided)
        assert statuses == dict(counted)
    items = [item for _, decision in decided for item in decision.penalties if item.rule.certain]
    assert found["penalties"]["undecided"] == sum(1 for item in items if item.amount is None and item.least is None)
    assert found["penalties"]["decided"] == sum(
        1 for item in items if item.amount is not None or item.least is not None
    )
    for key in ("penalty_least", "penalty_most"):
        total = sum(decision.column(key) or 0 for _, decision in decided)
        assert found["penalties"][f"{key[8:]}_minor"] == total
    required: Counter[tuple[str, str]] = Counter()
    waiting: Counter[tuple[str, str]] = Counter()
    for ticket, decision in decided:
        for item in decision.items("approvals"):
            if item.rule.certain:
                required[item.cells["approver"], item.cells["subject"]] += 1
                waiting[item.cells["approver"], item.cells["subject"]] += ticket.closed_at is None
    assert {(row["approver"], row["subject"]): row["required"] for row in found["approvals"]} == required
    assert {(row["approver"], row["subject"]): row["waiting"] for row in found["approvals"]} == waiting


def test_rankings_and_causes(made: Made, period: Limits) -> None:
    found, tickets = made.of(period[0]), [ticket for ticket, _ in made.received(*period[1:])]
    for column in ("cause", "fault_code", "problem_class"):
        names = [getattr(ticket, column) for ticket in tickets]
        assert found["rankings"][column] == {**oracle.ranked(names), "not_stated": names.count(None)}
    counted = Counter((ticket.problem_class, ticket.cause) for ticket in tickets)
    counted.pop((None, None), None)
    assert {(row["problem_class"], row["cause"]): row["tickets"] for row in found["causes"]} == counted


def test_repeats_and_first_time_fixes(made: Made, period: Limits) -> None:
    found, tickets = made.of(period[0]), [ticket for ticket, _ in made.received(*period[1:])]
    repairs = [ticket for ticket in tickets if ticket.serial_no and ticket.fault_code and oracle.done(ticket)]
    repeated = [ticket for ticket in repairs if (ticket.earlier_repairs or 0) > 0]
    rate = oracle.rate(len(repeated), len(repairs))
    assert found["repeats"] == {"repairs": len(repairs), "repeated": len(repeated), "rate_bp": rate}
    known = [ticket.first_time_fixed for ticket in tickets if ticket.first_time_fixed is not None]
    rate = oracle.rate(sum(known), len(known))
    assert found["first_time_fix"] == {"known": len(known), "fixed": sum(known), "rate_bp": rate}


def test_parts_and_stock(made: Made, period: Limits) -> None:
    found, tickets = made.of(period[0]), made.worked(*period[1:])
    used = oracle.used(tickets, made.policy.zone)
    assert {(row["part_no"], row["month"]): row["quantity"] for row in found["parts"]} == used
    groups: dict[tuple[str | None, str | None], list[Any]] = {}
    for ticket in tickets:
        for part in ticket.parts:
            groups.setdefault((part.part_no, part.part_class), []).append((ticket, part))
    assert len(groups) == len(found["stock"])
    for row in found["stock"]:
        members = groups[row["part_no"], row["part_class"]]
        quantity = sum(part.quantity or 1 for _, part in members)
        days = sorted(day for ticket, _ in members if (day := oracle.worked_on(ticket, made.policy.zone)))
        months = {"2026-03": 1, "2025-01": 12}.get(f"{period[1]:%Y-%m}" if period[1] else "")
        months = months or (days[-1].year - days[0].year) * 12 + days[-1].month - days[0].month + 1
        need = -(-quantity // months)
        is_key = any(ticket.key_equipment for ticket, _ in members)
        if is_key:
            wanted = ("key", min(max(need, 4), 9), need > 9)
        elif row["part_class"] == "pump":
            wanted = ("pumps", min(max(need, 1), 3), need > 3)
        else:
            wanted = ("rest", need, False)
        assert (row["used"], row["a_month"]) == (quantity, need)
        assert (row["rule"] and row["rule"]["rule"], row["proposed"], row["short"]) == wanted
    keys = [not row["key_equipment"] for row in found["stock"]]
    assert keys == sorted(keys)


def test_costs_against_budgets(made: Made, period: Limits) -> None:
    found, zone = made.of(period[0])["costs"], made.policy.zone
    budgets = {
        ("cost_parts", 2026): (120_000, 8000),
        ("cost_labour", 2026): (100_000, None),
        ("cost_parts", 2025): (50_000, 9000),
    }
    years = {"2026-03": (2026,), "2025-01": (2025,)}.get(f"{period[1]:%Y-%m}" if period[1] else "", (2025, 2026))
    assert {row["year"] for row in found} == set(years)
    for row in found:
        through = {2025: 12, 2026: 3 if period[1] else 11}[row["year"]]
        months = oracle.spent(made.tickets, zone, row["kind"], row["year"], through)
        assert [one["spent_minor"] for one in row["months"]] == months
        assert row["spent_minor"] == sum(months)
        amount, warn = budgets.get((row["kind"], row["year"]), (None, None))
        assert (row["budget_minor"], row["warn_bp"]) == (amount, warn)
        if amount is None:
            assert row["state"] == "no budget" and not row["over_year"]
            continue
        due = Decimal(amount) * through / 12
        state = "over" if sum(months) > due else "within"
        if state == "within" and warn and sum(months) >= due * warn / 10_000:
            state = "warn"
        assert row["state"] == state
        assert row["over_year"] == (sum(months) > amount)


def test_surveys_scores_and_dispatch(made: Made, period: Limits) -> None:
    found, decided = made.of(period[0]), made.received(*period[1:])
    tickets = [ticket for ticket, _ in decided]
    asked = [one for one in tickets if one.satisfaction or one.rated_skill or one.rated_attitude]
    assert (found["survey"]["surveyed"], found["survey"]["tickets"]) == (len(asked), len(tickets))
    assert found["survey"]["rate_bp"] == oracle.rate(len(asked), len(tickets))
    for column in ("satisfaction", "dissatisfied_with"):
        counted = Counter(value for ticket in tickets if (value := getattr(ticket, column)))
        assert {value: count for value, count in found["survey"][column].items() if count} == counted
    if period[1] is not None:
        assert found["appraisals"] == oracle.scores(decided, made.policy.zone)
    today = oracle.local(AT, made.policy.zone)
    waiting = [
        (oracle.local(one.received_at, made.policy.zone) >= today, one.received_at, one.ticket_id)
        for one in made.tickets
        if one.received_at
        and one.received_at <= AT
        and not one.dispatched_at
        and not oracle.done(one)
        and not one.solved_by_telephone
    ]
    assert [row["ticket_id"] for row in found["dispatch"]] == [name for *_, name in sorted(waiting)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("back", [None, ("s", 86_400 * 30), ("days", 0), ("days", 30), ("months", 1), ("months", 6)])
def test_earlier_repairs(policy: Policy, seed: int, back: tuple[Any, int] | None) -> None:
    tickets = random_tickets(seed)
    connection = duckdb.connect()
    insert_tickets(connection, policy, tickets)
    count_earlier_repairs(connection, policy, None if back is None else Allowance(back[1], back[0]))
    found = dict(connection.execute("SELECT ticket_id, earlier_repairs FROM tickets").fetchall())
    assert found == oracle.earlier_repairs(tickets, policy.zone, back)
    assert back == ("days", 0) or sum(found.values()) > 50


def test_a_look_back_in_working_time_is_refused(policy: Policy) -> None:
    connection = duckdb.connect()
    insert_tickets(connection, policy, random_tickets(1, 20))
    with pytest.raises(UsageError, match="working time"):
        count_earlier_repairs(connection, policy, Allowance(8, "working_days"))


def test_nothing_gives_nothing(policy: Policy) -> None:
    connection = duckdb.connect()
    create_tables(connection, policy)
    count_earlier_repairs(connection, policy)
    decide_batch(policy, connection, at_s=AT_S)
    for period in (Period(), month("2026-10")):
        found = statistics(connection, policy, at_s=AT_S, period=period)
        assert found["tickets"] == 0
        assert found["repeats"] == {"repairs": 0, "repeated": 0, "rate_bp": None}
        assert found["first_time_fix"]["rate_bp"] is None and found["survey"]["rate_bp"] is None
        assert found["parts"] == found["stock"] == found["appraisals"] == found["dispatch"] == found["causes"] == []
        # A budget is shown though nothing was spent.
        assert all(row["spent_minor"] == 0 and row["budget_minor"] for row in found["costs"])


def test_the_few_reach_the_threshold_exactly() -> None:
    # 8 of 10 is 80 %: the first is enough. Of b and c, equal, b comes first by name.
    assert [row["few"] for row in ranking({"a": 8, "c": 1, "b": 1})] == [True, False, False]
    assert [(row["name"], row["few"]) for row in ranking({"c": 1, "a": 7, "b": 1})] == [
        ("a", True),
        ("b", True),
        ("c", False),
    ]
    assert ranking({}) == []


def test_states_of_a_budget_at_their_limits() -> None:
    # 1,200 a year is 100 a month: 80 warns, 100 still warns, 100.01 is over.
    assert state_of(7_999, 120_000, 1, 8000) == "within"
    assert state_of(8_000, 120_000, 1, 8000) == "warn"
    assert state_of(10_000, 120_000, 1, 8000) == "warn"
    assert state_of(10_001, 120_000, 1, 8000) == "over"
    assert state_of(10_000, 120_000, 1, None) == "within"
    # A year of 100 fen has twelfths that are no whole fen: 8 is within 8.33, 9 is not.
    assert [state_of(spent, 100, 1, None) for spent in (8, 9)] == ["within", "over"]
    assert state_of(5, None, 1, None) == "no budget"
    assert state_of(0, 0, 1, None) == "within"


def test_a_case_by_hand(policy: Policy) -> None:
    def ticket(number: int, day: str, **facts: Any) -> dict[str, object]:
        times = {"received_at": f"2026-{day}T10:00:00+08:00", "closed_at": f"2026-{day}T15:00:00+08:00"}
        return {"ticket_id": f"H{number}", "serial_no": "S1", "fault_code": "leak", **times, **facts}

    tickets = [
        ticket(1, "10-01", technician="Li", rated_skill=4, rated_attitude=3, satisfaction="satisfied"),
        ticket(2, "10-20", technician="Li", rated_skill=3, rated_attitude=3),
        ticket(3, "11-02", technician="Li"),
    ]
    found = policy.statistics(tickets, month="2026-10", at=AT)
    assert found["tickets"] == 2
    assert found["repeats"] == {"repairs": 2, "repeated": 1, "rate_bp": 5000}
    # 60 % × 4/4 + 40 % × 3/4 = 90 %; 60 % × 3/4 + 40 % × 3/4 = 75 %; the mean is 82.5 %.
    assert found["appraisals"] == [{"technician": "Li", "month": "2026-10", "tickets": 2, "score_bp": 8250}]
    assert found["survey"]["surveyed"] == 2
    assert found["dispatch"] == []


def test_two_tickets_of_one_name_are_refused(policy: Policy) -> None:
    with pytest.raises(TicketError, match="two tickets `A`"):
        policy.statistics([Ticket(ticket_id="A"), Ticket(ticket_id="A")], at=AT)


def test_a_part_without_a_class_is_one_of_the_rest(policy: Policy) -> None:
    ticket = Ticket(ticket_id="A", received_at=AT, parts=(Part(part_no="P"),), key_equipment=True)
    (row,) = policy.statistics([ticket], at=AT)["stock"]
    # The first row asks for key equipment alone: it holds without the class.
    assert (row["rule"]["rule"], row["rule"]["cites"], row["proposed"]) == ("key", ["mall-5.1"], 4)
    ticket = Ticket(ticket_id="A", received_at=AT, parts=(Part(part_no="P"),))
    (row,) = policy.statistics([ticket], at=AT)["stock"]
    assert (row["rule"]["rule"], row["proposed"]) == ("rest", 1)


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-0", "October", "10000-01", "2026-1-1"])
def test_no_month(text: str) -> None:
    with pytest.raises(UsageError):
        month(text)


def test_months_of_a_year() -> None:
    assert list(year("2012").months()) == [f"2012-{number:02}" for number in range(1, 13)]
    assert list(month("2024-2").months()) == ["2024-02"]
    assert (month("2024-02").last or 0) - (month("2024-02").first or 0) == 28
