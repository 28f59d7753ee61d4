"""What is proved of tables is what tickets show: every finding by deciding, every boundary ticket by the findings.

Tables are made at random from a seed. Tickets lie on, one step under and one over every bound; they are decided by
the engine, which knows nothing of regions.
"""

from __future__ import annotations

import random
from datetime import datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest

from check.shops import found, shop
from svc_policy import Policy, load
from svc_policy.check import Finding, check_policy
from svc_policy.tables import match

AT = datetime(2026, 3, 4, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
CUTS = (5, 20, 50)
CHANNELS = ("telephone", "counter", None)
REQUESTS = ("fault", "inquiry")


def distance_cell(rng: random.Random) -> str:
    low, high = sorted(rng.sample((0, *CUTS), 2))
    return rng.choice(
        [
            "-",
            f"<= {high} km",
            f"< {high} km",
            f"> {low} km",
            f">= {low} km",
            f"({low}..{high}] km",
            f"[{low}..{high}) km",
        ]
    )


def rows_at_random(rng: random.Random, results: list[str]) -> str:
    cells = []
    for number in range(rng.randint(2, 5)):
        channel = rng.choice(["-", "-", "telephone", "missing", "not(telephone)", "not(missing)"])
        request = rng.choice(["-", "-", "fault", "not(fault)"])
        cells.append(f"r{number},{distance_cell(rng)},{channel},{request},{rng.choice(results)},m-1\n")
    return "".join(cells)


def boundary_tickets() -> list[dict[str, object]]:
    metres = sorted({km * 1000 + step for km in (0, *CUTS) for step in (-1, 0, 1) if km or step >= 0})
    return [
        {
            "received_at": "2026-03-04T09:00:00",
            "distance_km": f"{metre // 1000}.{metre % 1000:03}",
            "request_kind": request,
            **({"channel": channel} if channel else {}),
        }
        for metre, channel, request in product(metres, CHANNELS, REQUESTS)
    ]


TICKETS = boundary_tickets()


def lies_in(ticket: dict[str, object], finding: Finding) -> bool:
    """Say whether a ticket lies in the region that a finding reports, by its conditions."""
    metres = int(str(ticket["distance_km"]).replace(".", ""))
    values = {"distance_km": metres, "request_kind": ticket["request_kind"], "channel": ticket.get("channel")}
    return any(
        all(match(test, values[name], "none") for name, test in box.items())  # type: ignore[arg-type]
        for box in finding.region
    )


def row_of(policy: Policy, column: str, ticket: dict[str, object]) -> int:
    decision = policy.decide(ticket, at=AT)
    names = policy.plan.names("ticket")
    return policy.completed(decision)[list(names).index(column)]  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(12))
def test_the_tickets_without_a_category_are_those_of_the_gaps(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    rows = rows_at_random(rng, ["A", "C"])
    policy = shop(tmp_path, {"category": f"rule,distance_km,channel,request_kind,then: category,cite\n{rows}"})
    gaps = found(policy, "gap", "boundary-gap")
    never = {rule for one in found(policy, "row-never", "row-hidden") for rule in one.rules}
    decided = {}
    for ticket in TICKETS:
        row = row_of(policy, "category_row", ticket)
        assert (row == 0) is any(lies_in(ticket, gap) for gap in gaps), (rows, ticket)
        if row:
            decided[policy.pack.rows["category"][row - 1].id] = True
    # A row that decides a ticket is no row that never decides, and the tickets on the bounds show all that do.
    assert {row.id for row in policy.pack.rows["category"]} - set(decided) == never, rows


@pytest.mark.parametrize("seed", range(8))
def test_the_tickets_of_which_two_rows_hold_are_those_of_the_overlaps(tmp_path: Path, seed: int) -> None:
    rng = random.Random(100 + seed)
    rows = rows_at_random(rng, ["received,answered,4 h,calendar", "received,answered,8 h,calendar"])
    head = "rule,distance_km,channel,request_kind,then: starts,then: ends,then: within,then: clock,cite\n"
    policy = shop(tmp_path, {"deadlines": head + rows})
    overlaps = found(policy, "overlap", "boundary-overlap", "overlap-equal")
    table = policy.pack.rows["deadlines"]
    for ticket in TICKETS:
        values = {
            "distance_km": int(str(ticket["distance_km"]).replace(".", "")),
            "request_kind": ticket["request_kind"],
            "channel": ticket.get("channel"),
        }
        holding = [
            row.id for row in table if all(match(test, values[name], "none") for name, test in row.tests.items())
        ]  # type: ignore[arg-type]
        pairs = {(one, two) for index, one in enumerate(holding) for two in holding[index + 1 :]}
        assert {one.rules for one in overlaps if lies_in(ticket, one)} == pairs, (rows, ticket)


PARTS = {
    "category": """rule,in_warranty,internal,then: category,cite
ours,-,yes,D,m-1
free,yes,no,C,m-1
paid,no,no,A,m-1
""",
    "deadlines": """rule,category,distance_km,then: starts,then: ends,then: within,then: clock,cite
near,"A, C",<= 5 km,received,arrived,24 h,calendar,m-1
middle,"A, C",(5..50] km,received,arrived,48 h,calendar,m-1
far,"A, C",> 50 km,received,arrived,72 h,calendar,m-1
ours,D,-,received,arrived,96 h,calendar,m-1
""",
    "fees": """rule,from,until,category,on_site,then: line,then: fixed,cite
old,,2026-01-01,A,yes,visit,60 CNY,m-1
new,2026-01-01,,A,yes,visit,70 CNY,m-1
none,,,"C, D",yes,visit,0 CNY,m-1
""",
    "payers": "rule,fee_refused,then: payer,cite\nrefused,yes,head,m-1\nelse,no,customer,m-1\n",
}
ROWS = [(table, line.split(",")[0]) for table, text in PARTS.items() for line in text.splitlines()[1:]]
#: Without them the other rows speak of one category, or of one edition, alike: that may be what is meant.
UNSPOKEN = {("deadlines", "ours"), ("fees", "old"), ("fees", "new"), ("fees", "none")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("parts"), PARTS)


def test_the_whole_has_no_gap(whole: Policy) -> None:
    assert found(whole) == []


@pytest.mark.parametrize("table, rule", sorted(UNSPOKEN))
def test_what_the_other_rows_do_not_tell_apart_is_not_missed(whole: Policy, table: str, rule: str) -> None:
    rows = {**whole.pack.rows, table: tuple(row for row in whole.pack.rows[table] if row.id != rule)}
    assert found(Policy(attrs.evolve(whole.pack, rows=rows)), "gap", "edition-gap") == []


@pytest.mark.parametrize("table, rule", [one for one in ROWS if one not in UNSPOKEN])
def test_a_row_that_is_taken_away_is_missed(whole: Policy, table: str, rule: str) -> None:
    rows = {**whole.pack.rows, table: tuple(row for row in whole.pack.rows[table] if row.id != rule)}
    policy = Policy(attrs.evolve(whole.pack, rows=rows))
    gaps = [one for one in check_policy(policy) if one.table == table and one.code in ("gap", "edition-gap")]
    assert gaps
    for gap in gaps:
        assert gap.severity == "error"
        assert gap.example is not None
        ticket = whole.ticket(gap.example.ticket)
        at = datetime.fromisoformat(gap.example.at)
        column = {"deadlines": "arrived_row", "fees": "fee_visit_row"}.get(table, f"{table}_row")
        index = list(policy.plan.names("ticket")).index(column)
        assert policy.completed(policy.decide(ticket, at=at))[index] == 0
        # The whole policy has a row for it: the one that was taken away.
        used = [use.rule for use in whole.decide(ticket, at=at).rules if use.table == table]
        assert used == [rule], gap.message.text()


def test_rows_of_shipped_packs_that_are_taken_away_are_missed() -> None:
    mall = load("mall")
    rng = random.Random(7)
    partition = ["near", "middle", "between", "far", "paid_near", "paid_middle", "paid_between", "paid_far"]
    fees = [row.id for row in mall.pack.rows["fees"] if row.id.startswith("visit_") and row.id != "visit_free"]
    for table, rule in [
        *(("deadlines", rule) for rule in partition),
        *(("fees", rule) for rule in rng.sample(sorted(set(fees)), 3)),
        ("payers", "customer"),
        ("payers", "refused"),
        ("category", "outside"),
        *(("holds", row.id) for row in mall.pack.rows["holds"]),
    ]:
        rows = {**mall.pack.rows, table: tuple(row for row in mall.pack.rows[table] if row.id != rule)}
        gaps = found(Policy(attrs.evolve(mall.pack, rows=rows)), "gap", "edition-gap")
        assert any(one.table == table for one in gaps), (table, rule)
