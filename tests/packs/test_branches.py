"""Spot checks of branches, told in prose; the worked examples are in the pack's ``cases.toml``."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from svc_policy import load
from svc_policy.pack.source import find_pack

POLICY = load("branches")

#: The ids of the chapter "branches" of the rulebook, copied from it.
IDS = """
branches-op.2 branches-op.3 branches-op.4
branches-cl.1 branches-cl.2 branches-cl.6
branches-cr.1 branches-cr.2 branches-cr.3
branches-3 branches-4 branches-5 branches-6 branches-7 branches-8 branches-9 branches-10 branches-11 branches-12
branches-13 branches-14 branches-15 branches-16 branches-17 branches-18 branches-20 branches-21 branches-22
branches-23 branches-24
branches-c.2 branches-c.3 branches-c.4 branches-c.5a branches-c.5b branches-c.5c branches-c.5d branches-c.6
branches-c.7a branches-c.7b branches-c.8a branches-c.8b branches-c.9
branches-p.1 branches-p.2
"""
RULEBOOK = IDS.split()


def _call(**facts: object) -> dict[str, object]:
    return {
        "received_at": "2026-03-02T17:00:00",
        "request_kind": "fault",
        "received_by": "service_centre",
        "zone": "city",
        "on_site": True,
        "warranty_until": "2026-12-31",
        **facts,
    }


def _complaint(**facts: object) -> dict[str, object]:
    return {
        "received_at": "2026-03-02T09:00:00",
        "request_kind": "complaint",
        "received_by": "sales",
        "problem_class": "quality",
        **facts,
    }


def _decide(ticket: dict[str, object], at: str = "2026-03-02T18:00:00", policy: Any = POLICY) -> Any:
    return policy.decide(ticket, at=datetime.fromisoformat(at).replace(tzinfo=policy.zone)).to_dict()


def _changed(tmp_path: Path, old: str, new: str) -> Any:
    """Load a copy of the pack in which one passage of its settings is another."""
    folder = tmp_path / "branches"
    shutil.copytree(find_pack("branches"), folder)
    settings = folder / "policy.toml"
    text = settings.read_text(encoding="utf-8")
    assert text.count(old) == 1
    settings.write_text(text.replace(old, new), encoding="utf-8")
    return load(folder)


def test_the_pack_has_the_clauses_of_the_rulebook_and_no_others() -> None:
    assert len(RULEBOOK) == 45
    assert set(POLICY.pack.clauses) == set(RULEBOOK)


def test_nothing_is_cited_under_the_name_of_the_base() -> None:
    cited = {cite for rows in POLICY.pack.rows.values() for row in rows for cite in row.cites}
    assert cited == set(RULEBOOK)


def test_no_figure_is_invented() -> None:
    """The source has no length of warranty, no price list and no amount of a deduction, and so has the pack."""
    assert not {"warranty", "fees", "part_fees", "surcharges", "compensations"} & {
        table for table, rows in POLICY.pack.rows.items() if rows
    }
    assert all(row.results.get("amount") is None for row in POLICY.pack.rows["penalties"])


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("city", 6), ("suburb", 7)],
)
def test_every_minute_of_a_working_day_gives_the_whole_allowance(zone: str, hours: int) -> None:
    """Counted minute by minute, from any minute of Monday there are just 6 or 7 working hours up to the due one."""
    worked = {minute for start, end in ((540, 720), (780, 1080)) for minute in range(start, end)}
    monday = datetime(2026, 3, 2, tzinfo=POLICY.zone)
    for minute in range(0, 1440, 47):
        received = monday + timedelta(minutes=minute)
        decision = _decide(_call(zone=zone, received_at=received.isoformat()), received.isoformat()[:19])
        due = datetime.fromisoformat(decision["targets"]["arrived"]["due"])
        clock, count = received, 0
        while count < hours * 60:
            count += clock.weekday() < 5 and clock.hour * 60 + clock.minute in worked
            clock += timedelta(minutes=1)
        assert due == clock, received


def test_a_serious_complaint_goes_where_the_reading_says(tmp_path: Path) -> None:
    """By default to the deputy general manager; under the other text of the source to the general manager."""
    ticket = _complaint(press_interest=True)
    assert _decide(ticket)["escalations"][-1]["notify"] == "deputy_general_manager"
    other = _changed(tmp_path, 'value = "deputy_general_manager"', 'value = "general_manager"')
    assert _decide(ticket, policy=other)["escalations"][-1]["notify"] == "general_manager"


def test_a_job_inside_warranty_and_contract_under_the_other_reading(tmp_path: Path) -> None:
    reading = '[interpretations.free_before_contract]\nkind = "bool"\nvalue = "{}"'
    other = _changed(tmp_path, reading.format("yes"), reading.format("no"))
    ticket = _call(contract_until="2026-12-31")
    assert _decide(ticket)["category"] == "C"
    assert _decide(ticket, policy=other)["category"] == "B"
    assert _decide(_call(), policy=other)["category"] == "C"


def _otherwise(folder: Path, reading: str, value: str) -> Any:
    """Load a pack over branches that adopts another reading."""
    (folder / "policy.toml").write_text(
        'schema = 1\nid = "otherwise"\ntitle.en = "another reading"\ntitle.zh = "另一种口径"\nextends = "branches"\n'
        f'[interpretations.{reading}]\nvalue = "{value}"\n',
        encoding="utf-8",
    )
    return load(folder)


def test_the_pack_has_no_amount_at_all() -> None:
    """Which charge is low is said of each job; no parameter and no reading is an amount of money."""
    parameters = POLICY.pack.settings.parameters.values()
    assert not [given.name for given in parameters for _, value in given.values if value.kind == "money"]


def test_under_the_other_reading_both_heads_visit_every_complaining_customer(tmp_path: Path) -> None:
    policy = _otherwise(tmp_path, "visits_by_channel", "no")
    for received_by in ("sales", "service_centre", "branch", None):
        escalations = _decide(_complaint(received_by=received_by), policy=policy)["escalations"]
        visits = [item["notify"] for item in escalations if item["action"] == "visit_customer"]
        assert sorted(visits) == ["head", "sales_head"]


def test_under_the_other_reading_the_next_day_is_one_of_the_calendar(tmp_path: Path) -> None:
    """A call of Friday 6 March goes to the head on Saturday, not on Monday; its register is sent on Saturday, too."""
    policy = _otherwise(tmp_path, "next_working_day", "no")
    friday = _call(received_at="2026-03-06T10:00:00")
    for at, adopted, other in (
        ("2026-03-06T23:59:58", [], []),
        ("2026-03-07T00:00:00", [], ["dispatch_first"]),
        ("2026-03-09T08:59:59", [], ["dispatch_first"]),
        ("2026-03-09T09:00:00", ["dispatch_first"], ["dispatch_first"]),
    ):
        for held, expected in ((POLICY, adopted), (policy, other)):
            assert [item["action"] for item in _decide(friday, at, held)["escalations"]] == expected, at
    saturday = {"from_": "2026-03-07", "until": "2026-03-07"}
    assert not POLICY.schedule(**saturday).occurrences
    assert {item.occasion for item in policy.schedule(**saturday).occurrences} == {
        "hand_over_undispatched",
        "send_call_register",
        "send_survey_cards",
    }


def test_under_the_other_reading_the_visit_goes_with_the_notice(tmp_path: Path) -> None:
    """31 March less a month is 28 February; the notice stays on its day under either reading."""
    contract = {"contract_no": "B-7", "contract_until": "2026-03-31"}
    for policy, visit in ((POLICY, "2026-03-31"), (_otherwise(tmp_path, "visit_by_expiry", "no"), "2026-02-28")):
        found = policy.schedule([contract], from_="2026-02-01", until="2026-03-31").occurrences
        assert {item.occasion: item.on.isoformat() for item in found if item.subject == "B-7"} == {
            "send_expiry_notice": "2026-02-28",
            "visit_for_renewal": visit,
        }


def test_under_the_other_reading_a_low_charge_is_collected_even_for_a_product_taken_in(tmp_path: Path) -> None:
    policy = _otherwise(tmp_path, "taken_in_first", "no")
    ticket = _call(warranty_until="2026-01-31", taken_in=True, handed_back_at="2026-03-10T11:00:00")
    for low, steps, status in (
        (True, ["collect_on_the_spot", "hand_in_money", "post_invoice"], "not applicable"),
        (False, ["invoice_on_return"], "pending"),
    ):
        decision = _decide({**ticket, "extra": {"small_charge": low}}, "2026-03-10T12:00:00", policy)
        assert [item["step"] for item in decision["procedures"] if item["procedure"] == "collection"] == steps
        assert decision["targets"]["invoiced"]["status"] == status
        assert [item["form"] for item in decision["forms"]].count("invoice") == 1


def test_every_complaining_customer_is_visited_by_one_head() -> None:
    """Sales sends its head, a service centre or branch its own; nobody is visited by both."""
    for received_by, head in (("sales", "sales_head"), ("service_centre", "head"), ("branch", "head")):
        escalations = _decide(_complaint(received_by=received_by))["escalations"]
        assert [item["notify"] for item in escalations if item["action"] == "visit_customer"] == [head]


def test_the_reply_is_due_after_a_day_whatever_day_it_is() -> None:
    for day in range(1, 29):
        taken_up = datetime(2026, 2, day, 15, tzinfo=POLICY.zone)
        ticket = _complaint(received_at=taken_up.isoformat(), taken_up_at=taken_up.isoformat())
        replied = _decide(ticket, taken_up.isoformat()[:19])["targets"]["replied"]
        assert datetime.fromisoformat(replied["due"]) == taken_up + timedelta(hours=24)


def test_a_reminder_is_for_open_cases_and_an_inquiry_for_closed_ones() -> None:
    open_ = _complaint(taken_up_at="2026-03-02T10:00:00")
    closed = {**open_, "closed_at": "2026-03-04T10:00:00"}
    for ticket, form in ((open_, "reminder"), (closed, "inquiry_into_lateness")):
        assert [item["form"] for item in _decide(ticket, "2026-03-05T09:00:00")["forms"]] == ["complaint_form", form]


def test_an_explanation_names_its_reading_in_both_languages() -> None:
    decision = POLICY.decide(_call(), at=datetime(2026, 3, 2, 17, 5, tzinfo=POLICY.zone))
    assert "Working hours lie between" in POLICY.explain(decision, "en")
    assert "上班时间指周一至周五" in POLICY.explain(decision, "zh")
