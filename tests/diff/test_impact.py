"""What a change would have meant for past tickets: reckoned by hand, and ticket by ticket by the other engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from pack.building import write_pack
from svc_policy import Decision, Policy, Ticket, load
from svc_policy.diff.attribution import alterations, altered
from svc_policy.diff.impact import Impact, impact_of_file, impact_of_tables
from svc_policy.diff.impact_text import impact_lines
from svc_policy.errors import CalendarError, MappingError, UsageError

from .shop import AT, TABLES, TICKETS, shop, tickets

pytest.importorskip("duckdb")

EDITS = {
    "fees": (
        "visit,100 CNY,-,-,-,m-1\nroad,,,A,> 10 km,road,-,2 CNY",
        "visit,120 CNY,-,-,-,m-1\nroad,,,A,> 10 km,road,-,3 CNY",
    ),
    "deadlines": ("24 h", "12 h"),
    "surcharges": ("10 %", "20 %"),
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("old") / "made")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return shop(tmp_path_factory.mktemp("new") / "made", EDITS)


@pytest.fixture(scope="module")
def impact(old: Policy, new: Policy, tmp_path_factory: pytest.TempPathFactory) -> Impact:
    file = tickets(tmp_path_factory.mktemp("tickets"))
    return impact_of_file(old, new, file, at=datetime.fromisoformat(AT))


def test_every_measure_that_changes_is_told_before_and_after(impact: Impact) -> None:
    found = {total.measure.key: (total.before, total.after, total.difference) for total in impact.totals}
    # T1 costs 100 + 20 x 2 + 10 at night = 150, then 120 + 20 x 3 + 24 = 204; T2 100, then 120; tax 10 %.
    assert found["money/fee_visit"] == (20_000, 24_000, 4_000)
    assert found["money/fee_road"] == (4_000, 6_000, 2_000)
    assert found["money/surcharge_night"] == (1_000, 2_400, 1_400)
    assert found["money/subtotal"] == (25_000, 32_400, 7_400)
    assert found["money/tax"] == (2_500, 3_240, 740)
    assert found["money/payable"] == (27_500, 35_640, 8_140)
    # T1 came after 18 hours. T3 was late before, too.
    assert found["late/arrived"] == (1, 2, 1)
    assert found["newly late/arrived"] == (None, None, 1)
    assert found["money/penalty_most"] == (2_000, 4_000, 2_000)
    assert found["list/approvals/approver: head; subject: excuse"] == (1, 2, 1)
    assert found["changed"] == (None, None, 3)
    assert found["changed/quote"][2] == 2
    assert found["changed/approvals"][2] == 1
    assert "changed/duties" not in found and "changed/category" not in found
    assert (impact.tickets, impact.compared, impact.changed) == (3, 3, 3)


def test_the_due_instant_of_all_three_is_another(impact: Impact) -> None:
    assert impact.total("changed/targets").difference == 3  # type: ignore[union-attr]


def test_each_alteration_alone_and_what_they_only_do_together(impact: Impact) -> None:
    lines = {line.alteration.key: line.effects for line in impact.lines}
    assert list(lines) == ["deadlines/arrive", "fees/visit", "fees/road", "surcharges/night"]
    assert lines["deadlines/arrive"]["changed"] == 3
    assert lines["deadlines/arrive"]["money/penalty_most"] == 2_000
    assert "money/payable" not in lines["deadlines/arrive"]
    # A dearer visit takes its tenth at night along, too; the dearer night that of the dearer visit only with it.
    assert lines["fees/visit"]["money/payable"] == 2_420 + 2_200
    assert lines["fees/road"]["money/payable"] == 2_200
    assert lines["surcharges/night"]["money/payable"] == 1_100
    assert impact.rest["money/payable"] == 220
    assert impact.rest["money/surcharge_night"] == 200
    assert impact.rest["changed"] == 3 - (3 + 2 + 1 + 1)
    assert "money/penalty_most" not in impact.rest
    assert [line.alteration.cites for line in impact.lines] == [("m-1",)] * 4


def test_the_lines_add_up_to_the_whole_in_every_measure(impact: Impact) -> None:
    for total in impact.totals:
        key = total.measure.key
        assert sum(line.effects.get(key, 0) for line in impact.lines) + impact.rest.get(key, 0) == total.difference


def test_tickets_that_change_most_come_first_with_their_reasons(impact: Impact) -> None:
    assert [(item.ticket_id, item.difference) for item in impact.top] == [("T1", 5_940), ("T2", 2_200), ("T3", 0)]
    assert impact.top[0].because == ("deadlines/arrive", "fees/visit", "fees/road", "surcharges/night")
    assert impact.top[0].parts == ("targets", "quote", "approvals", "penalties")
    before, after = impact.explained(impact.top[0], "en")
    assert "165" in before and "224.4" in after


def test_tickets_are_divided_by_month_and_category(impact: Impact) -> None:
    found = {each.name: {row.name: row for row in each.rows} for each in impact.breakdowns}
    assert list(found["month"]) == ["2026-03", "2026-04"]
    march = found["month"]["2026-03"]
    assert (march.tickets, march.changed, march.before, march.after) == (2, 2, 27_500, 35_640)
    assert (march.late_before, march.late_after) == (0, 1)
    assert found["category"]["C"].before == 0


def test_the_impact_is_data(impact: Impact) -> None:
    found = json.loads(json.dumps(impact.to_dict("zh")))
    assert found["schema"] == 1
    assert found["tickets"] == {"in": 3, "compared": 3, "changed": 3, "undecided": {"old": 0, "new": 0, "both": 0}}
    assert found["attribution"]["together"]["changed"] == -4
    assert found["top"][0]["anchor"] == "ticket-1"
    assert "224.4" in found["top"][0]["new"]


def test_the_impact_is_text(impact: Impact) -> None:
    for language, words in (("en", "only together"), ("zh", "T1")):
        text = "\n".join(impact_lines(impact, language))  # type: ignore[arg-type]
        assert words in text and "+81.40" in text


def test_the_latest_instant_of_the_file_is_taken_and_told(old: Policy, new: Policy, tmp_path: Path) -> None:
    found = impact_of_file(old, new, tickets(tmp_path))
    assert found.at.isoformat() == "2026-04-01T09:00:00+08:00"
    # T3 has just been received then.
    assert found.total("late/arrived").before == 0  # type: ignore[union-attr]


def test_a_change_that_changes_nothing_says_so(old: Policy, tmp_path: Path) -> None:
    file = tickets(tmp_path)
    same = impact_of_file(old, old, file)
    assert not same.totals and not same.lines
    assert "decide alike" in str(same.notes[0])
    beyond = shop(tmp_path / "made", {"fees": ("> 10 km", "> 11 km")})
    none = impact_of_file(old, beyond, file)
    assert [line.alteration.key for line in none.lines] == ["fees/road"]
    assert not none.totals and str(none.notes[0]) == "no decision changes"


def test_what_a_row_says_beside_its_figures_is_a_change_too(old: Policy, tmp_path: Path) -> None:
    new = shop(tmp_path / "made", {"duties": ("clerk,look", "head,look"), "deadlines": (",clerk,", ",head,")})
    found = impact_of_file(old, new, tickets(tmp_path), at=datetime.fromisoformat(AT))
    assert found.total("list/duties/owner: clerk; duty: look").difference == -2  # type: ignore[union-attr]
    assert found.total("list/duties/owner: head; duty: look").difference == 2  # type: ignore[union-attr]
    assert found.total("changed/duties").difference == 2  # type: ignore[union-attr]
    assert found.total("changed/targets").difference == 3  # type: ignore[union-attr]


def test_amounts_in_two_currencies_are_not_compared(tmp_path: Path) -> None:
    old = shop(tmp_path / "old")
    euros = {name: text.replace("CNY", "EUR") for name, text in TABLES.items()}
    new = shop(tmp_path / "new", {"deadlines": ("24 h", "12 h")}, ('currency = "CNY"', 'currency = "EUR"'), euros)
    found = impact_of_file(old, new, tickets(tmp_path), at=datetime.fromisoformat(AT))
    assert found.currency is None
    assert [str(note) for note in found.notes] == [
        "the policies count in CNY and EUR: amounts of money are not compared"
    ]
    assert not [total for total in found.totals if total.measure.kind == "money"]
    assert found.total("late/arrived").difference == 1  # type: ignore[union-attr]


def test_tickets_outside_one_calendar_are_counted(tmp_path: Path) -> None:
    working = {"deadlines": ("24 h,calendar", "8 working h,working")}
    old = shop(tmp_path / "old", working)
    new = shop(tmp_path / "new", working, ('valid = ["2026-01-01"', 'valid = ["2026-03-20"'))
    found = impact_of_file(old, new, tickets(tmp_path), at=datetime.fromisoformat(AT))
    assert found.undecided == {"old": 0, "new": 2, "both": 0}
    assert (found.tickets, found.compared) == (3, 1)
    assert [line.alteration.kind for line in found.lines] == ["calendar"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("ticket_id,distance\nT1,5\n", "`distance` is no fact"),
        ("number,distance_km\nT1,5\n", "has no column `ticket_id`"),
        ("ticket_id,distance_km\nT1,5\n", "when anything happened"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(old: Policy, new: Policy, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        impact_of_file(old, new, tickets(tmp_path, text))
    assert words in " ".join(str(item.message) for item in caught.value.problems)
    assert all(item.place is not None for item in caught.value.problems)


def test_a_folder_of_tables_is_read_as_it_is(impact: Impact, old: Policy, new: Policy, tmp_path: Path) -> None:
    import duckdb

    with pytest.raises(MappingError):
        impact_of_file(old, new, tmp_path)
    duckdb.connect().execute(
        "COPY (SELECT * FROM (VALUES ('T1', true, 20000, 'night', 1772413200, 1772478000), "
        "('T2', true, 5000, 'normal', 1772413200, 1772449200), ('T3', false, 5000, 'normal', 1775005200, NULL)) "
        "AS t(ticket_id, on_site, distance_m, visit_time, received_at_s, "
        f"arrived_at_s)) TO '{tmp_path / 'tickets.parquet'}' (FORMAT parquet)"
    )
    found = impact_of_file(old, new, tmp_path, at=datetime.fromisoformat(AT))
    assert [(total.measure.key, total.difference) for total in found.totals] == [
        (total.measure.key, total.difference) for total in impact.totals
    ]


def test_only_the_tickets_that_are_touched_are_decided_under_every_variant(
    impact: Impact, old: Policy, new: Policy, tmp_path: Path
) -> None:
    import duckdb

    from svc_policy.diff.tickets import read_tickets

    connection = duckdb.connect()
    # The last one lies in no category, is no visit and has no window: nothing touches it.
    text = TICKETS.replace("T3", "T4") + "T3,no,5,normal,2026-04-01T09:00:00,\n"
    read_tickets(
        connection, tickets(tmp_path, text.replace("T4,no,5,normal,2026-04-01T09:00:00,", "T4,,,,,")), old, None
    )
    found = impact_of_tables(old, new, connection, at_s=impact.at_s, few=1, chunk=2)
    assert [(each.measure.key, each.before, each.difference) for each in found.totals] == [
        (each.measure.key, each.before, each.difference) for each in impact.totals
    ]
    assert found.rest == impact.rest
    assert (found.tickets, found.compared, found.changed) == (4, 4, 3)
    assert [item.ticket_id for item in found.top] == ["T1", "T2", "T3"]
    months = next(each for each in found.breakdowns if each.name == "month")
    assert [(row.name, row.tickets, row.changed, row.after) for row in months.rows] == [
        ("2026-03", 2, 2, 35_640),
        ("2026-04", 1, 1, 0),
        ("", 1, 0, 0),
    ]
    connection.close()


def test_an_instant_without_offset_is_refused(old: Policy, new: Policy, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        impact_of_file(old, new, tickets(tmp_path), at=datetime.fromisoformat("2026-04-10T09:00:00"))


# --- against the other engine


AT_S = 1_767_225_600
CHANGED = {
    "fees.csv": [("22.50 EUR", "24.75 EUR"), ('free,,,"C, D"', "free,,,D")],
    "approvals.csv": [("chief,free", "clerk,free")],
    "deadlines.csv": [("reported,5 days", "reported,4 days")],
    "policy.toml": [('value = "19 %"', 'value = "20 %"')],
}


LEFT_OUT = {
    *("intake.csv", "procedures.csv", "appraisals.csv", "compensations.csv", "routing.csv", "forms.csv"),
    *("checklists.csv", "surveys.csv", "duties.csv", "cases.toml", "penalties.csv", "late_penalties.csv"),
    *("overrides.csv", "holds.csv", "confirmations.csv", "payers.csv"),
}


@pytest.fixture(scope="module")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    from engines.workshop import FILES

    base = {name: text for name, text in FILES.items() if name not in LEFT_OUT}
    files = dict(base)
    for name, pairs in CHANGED.items():
        for before, after in pairs:
            assert files[name].count(before) == 1, (name, before)
            files[name] = files[name].replace(before, after)
    folder = tmp_path_factory.mktemp("workshops")
    return load(write_pack(folder / "old", base)), load(write_pack(folder / "new", files))


@attrs.frozen
class Drawn:
    """Tickets that all policies decide, in a connection, and their measures under the old, the new, each alteration."""

    connection: Any
    count: int
    slow: list[list[dict[str, int] | None]]


@pytest.fixture(scope="module")
def drawn(workshops: tuple[Policy, Policy]) -> Iterator[Drawn]:
    import duckdb

    from engines.tickets import random_tickets
    from svc_policy.batch import insert_tickets

    old, new = workshops
    tried = random_tickets(old, 40, 7)
    variants = [altered(old, item, new) for item in alterations(old, new, 40)]
    assert len(variants) == 5
    slow = [_slow(policy, tried, AT_S) for policy in (old, new, *variants)]
    # What lies outside the calendar is another test's.
    inside = [number for number, each in enumerate(slow[0]) if each is not None]
    connection = duckdb.connect()
    insert_tickets(connection, old, [tried[number] for number in inside])
    yield Drawn(connection, len(inside), [[of[number] for number in inside] for of in slow])
    connection.close()


def test_the_lines_are_what_each_altered_policy_decides_ticket_by_ticket(
    workshops: tuple[Policy, Policy], drawn: Drawn
) -> None:
    slow = drawn.slow
    assert all(each is not None for of in slow for each in of)
    found = impact_of_tables(*workshops, drawn.connection, at_s=AT_S)
    assert found.compared == drawn.count > 25
    assert len(found.lines) == 5
    measured = {total.measure.key for total in found.totals}
    for key in sorted({name for of in slow for each in of if each for name in each}):
        sums = [sum((each or {}).get(key, 0) for each in of) for of in slow]
        total = found.total(key)
        assert (total.difference if total else 0) == sums[1] - sums[0], key
        if total is not None:
            assert (total.before, total.after) == (sums[0], sums[1]), key
        for line, alone in zip(found.lines, sums[2:], strict=True):
            assert line.effects.get(key, 0) == alone - sums[0], (key, line.alteration.key)
    assert {
        "money/fee_visit",
        "money/tax",
        "list/approvals/approver: chief; subject: free",
    } <= measured


PARTS = {
    **TABLES,
    "part_fees": "rule,cause,then: share,cite\nmisuse,misuse,120 %,m-1\nrest,-,100 %,m-1\n",
    "duties": "rule,category,then: owner,then: duty,cite\nlook,A,clerk,look,m-1\nask,C,clerk,ask,m-1\n",
}


def test_both_engines_reckon_the_same(tmp_path: Path) -> None:
    import duckdb

    from engines.tickets import random_tickets
    from svc_policy.batch import insert_tickets

    edits = {
        "part_fees": ("100 %", "90 %"),
        "duties": ("clerk,look", "head,look"),
        "fees": ("> 10 km,road", "> 20 km,road"),
    }
    old, new = shop(tmp_path / "old", tables=PARTS), shop(tmp_path / "new", edits, tables=PARTS)
    connection = duckdb.connect()
    insert_tickets(connection, old, random_tickets(old, 150, 5))
    one_by_one = impact_of_tables(old, new, connection, at_s=AT_S)
    # All are decided in DuckDB as they were, and those that are touched one by one.
    at_once = impact_of_tables(old, new, connection, at_s=AT_S, few=149)
    for each in (one_by_one, at_once):
        assert {"money/parts_amount", "money/fee_road", "changed/duties"} <= {item.measure.key for item in each.totals}
    assert at_once.totals == one_by_one.totals
    assert [line.effects for line in at_once.lines] == [line.effects for line in one_by_one.lines]
    assert at_once.rest == one_by_one.rest
    assert at_once.undecided == one_by_one.undecided
    assert [each.rows for each in at_once.breakdowns] == [each.rows for each in one_by_one.breakdowns]
    assert [(item.ticket_id, item.because) for item in at_once.top] == [
        (item.ticket_id, item.because) for item in one_by_one.top
    ]
    ((touched,),) = connection.execute("SELECT count(*) FROM touched").fetchall()
    assert one_by_one.changed <= touched < 150
    connection.close()


def _slow(policy: Policy, drawn: list[Ticket], at_s: int) -> list[dict[str, int] | None]:
    """Reckon the measures of each ticket from the views of its decision; None outside the calendar."""
    found: list[dict[str, int] | None] = []
    for ticket in drawn:
        try:
            decision = policy.decide_s(ticket, at_s)
            found.append(dict(_measured(policy, decision)))
        except CalendarError:
            found.append(None)
    return found


def _measured(policy: Policy, decision: Decision) -> Iterator[tuple[str, int]]:
    quote = decision.quote
    assert quote is not None
    for name in ("subtotal", "discount", "tax", "total", "payable"):
        amount = getattr(quote, name)
        yield f"money/{name}", 0 if amount is None else int(amount * 100)
    lines: dict[str, int] = {}
    for line in quote.lines:
        if line.part is None and line.material is None:
            kind = "surcharge" if line.rule is not None and line.rule.table == "surcharges" else "fee"
            name = f"money/{kind}_{line.line}"
            lines[name] = lines.get(name, 0) + (0 if line.amount is None else int(line.amount * 100))
    yield from lines.items()
    for name, target in decision.targets.items():
        yield f"late/{name}", int(target.status in ("late", "breached"))
    for item in decision.approvals:
        yield f"list/approvals/approver: {item.cells['approver']}; subject: {item.cells['subject']}", 1
    for item in decision.escalations:
        cells = "; ".join(
            f"{key}: {item.cells[key]}"
            for key in ("target", "level", "notify", "when", "answer")
            if item.cells[key] is not None
        )
        yield f"list/escalations/{cells}", 1
    yield "money/parts_amount", int(decision.column("parts_amount") or 0)
