"""Spot checks of works, told in prose; the worked examples are in the pack's ``cases.toml``."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from svc_policy import load
from svc_policy.policy import Policy

POLICY = load("works")

#: The ids of the chapter "works" of the rulebook, copied from it.
IDS = """
works-3 works-4b works-5 works-6 works-8 works-9 works-10 works-11 works-12 works-13 works-14 works-15 works-16
works-17 works-18 works-20 works-21 works-22 works-23 works-f0 works-f1 works-f2 works-f3 works-f4 works-l1 works-l2
works-w1 works-w2 works-w3
"""
RULEBOOK = IDS.split()


def test_the_rulebook_and_the_clauses_have_the_same_ids() -> None:
    assert len(RULEBOOK) == 29
    assert set(POLICY.pack.clauses) == set(RULEBOOK)


def decide(policy: Policy = POLICY, at: str = "2026-03-02T10:00:00", **facts: Any) -> dict[str, Any]:
    ticket = {
        "received_at": "2026-03-02T09:00:00",
        "request_kind": "fault",
        "accepted_on": "2025-09-01",
        "on_site": True,
        **facts,
    }
    instant = datetime.fromisoformat(at).replace(tzinfo=policy.zone)
    return policy.decide(ticket, at=instant).to_dict()


def course(decision: dict[str, Any], procedure: str) -> list[tuple[str, str, str]]:
    """List a procedure's steps with their owners and states, in their order."""
    items = [item for item in decision["procedures"] if item["procedure"] == procedure]
    ordered = sorted(items, key=lambda item: item["order"])
    return [(item["step"], item["owner"], item["state"]) for item in ordered]


def test_the_voucher_of_a_job_fixed_on_site() -> None:
    """Signed and handed in, so that the entry comes to be cancelled next."""
    decision = decide(
        registered_at="2026-03-02T09:05:00",
        dispatched_at="2026-03-02T09:30:00",
        extra={"voucher_drawn": True, "voucher_signed": True, "voucher_handed_in": True},
    )
    assert course(decision, "voucher_course") == [
        ("enter_call", "receiver", "done"),
        ("draw_voucher", "receiver", "done"),
        ("dispatch", "head", "done"),
        ("sign_on_site", "technician", "done"),
        ("hand_in_voucher", "technician", "done"),
        ("cancel_entry", "receiver", "next"),
        ("file_voucher", "receiver", "later"),
    ]
    assert course(decision, "collection") == []


def test_the_voucher_of_a_product_taken_in() -> None:
    """A step done out of turn stays done; the first one that is not done is next."""
    decision = decide(
        taken_in=True,
        registered_at="2026-03-02T09:05:00",
        dispatched_at="2026-03-02T09:30:00",
        taken_in_at="2026-03-02T11:00:00",
        extra={"voucher_drawn": True, "receipt_given": True},
    )
    assert course(decision, "voucher_course") == [
        ("enter_call", "receiver", "done"),
        ("draw_voucher", "receiver", "done"),
        ("dispatch", "head", "done"),
        ("give_receipt", "technician", "done"),
        ("sign_take_in", "technician", "next"),
        ("bring_in", "technician", "done"),
        ("enter_in_out", "receiver", "later"),
        ("make_out_card", "receiver", "later"),
        ("complete_card", "technician", "later"),
        ("inspect_repair", "head", "later"),
        ("enter_return_date", "receiver", "later"),
        ("hand_back", "technician", "later"),
        ("void_receipt", "technician", "later"),
        ("file_voucher", "receiver", "later"),
    ]


def test_money_collected_on_the_spot_goes_to_finance_which_posts_the_invoice() -> None:
    decision = decide(accepted_on="2024-01-15", extra={"small_charge": True, "money_collected": True})
    assert course(decision, "collection") == [
        ("collect_on_the_spot", "technician", "done"),
        ("hand_in_money", "technician", "next"),
        ("post_invoice", "finance", "later"),
    ]


def test_a_higher_charge_is_invoiced_first_and_collected_later() -> None:
    decision = decide(accepted_on="2024-01-15", invoiced_at="2026-03-02T09:50:00", extra={"small_charge": False})
    assert course(decision, "collection") == [
        ("invoice_same_day", "technician", "done"),
        ("collect_later", "technician", "next"),
    ]


def test_a_product_taken_in_is_invoiced_when_it_goes_back_whatever_the_charge() -> None:
    for low in (True, False):
        decision = decide(accepted_on="2024-01-15", taken_in=True, extra={"small_charge": low})
        assert course(decision, "collection") == [
            ("invoice_on_return", "technician", "next"),
            ("collect_later", "technician", "later"),
        ]


def test_closing_takes_three_steps() -> None:
    decision = decide(on_site=False, extra={"order_signed": True, "entry_cancelled": True})
    assert course(decision, "closing") == [
        ("fill_order", "technician", "done"),
        ("cancel_entry", "receiver", "done"),
        ("file_order", "receiver", "next"),
    ]


def form(decision: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in decision["forms"] if item["form"] == name)


def test_the_service_order_has_thirteen_fields_and_three_boxes() -> None:
    decision = decide(customer="Harbour Hotel", problem="camera dark", extra={"customer_attribute": "inside_warranty"})
    order = form(decision, "service_order")
    fields = [item["field"] for item in order["fields"]]
    assert fields == [
        "field_name",
        "field_contact",
        "field_telephone",
        "field_address",
        "field_reported",
        "field_attribute",
        "field_wanted",
        "field_plan",
        "field_result",
        "field_remarks",
        "field_suggestions",
        "field_customer_signature",
        "field_date",
        "field_handover",
        "field_satisfaction",
        "field_reason",
    ]
    filled = {item["field"]: item["value"] for item in order["fields"] if item["value"]}
    assert set(filled) == {"field_name", "field_reported", "field_attribute", "field_wanted"}
    assert order["missing"] == [
        "contact_person",
        "customer_phone",
        "customer_address",
        "plan",
        "job_result",
        "handover",
        "satisfaction",
        "dissatisfied_with",
    ]


def test_the_register_has_the_situation_on_site_beside_what_every_register_has() -> None:
    register = form(decide(site_situation="no picture"), "call_register")
    assert [item["fact"] for item in register["fields"]] == [
        "customer",
        "customer_address",
        "customer_phone",
        "site_situation",
    ]
    assert register["missing"] == ["customer", "customer_address", "customer_phone"]


def test_what_the_papers_of_a_product_taken_in_say() -> None:
    decision = decide(taken_in=True, labour_hours="2 h", handed_back_at="2026-03-05T11:00:00")
    assert form(decision, "service_voucher")["fields"][0]["kind"] == "signature"
    assert [(item["field"], item["value"]) for item in form(decision, "repair_card")["fields"]] == [
        ("field_time_spent", "2 h"),
        ("field_parts_replaced", None),
    ]
    assert form(decision, "in_out_register")["fields"][0]["value"] == "2026-03-05T11:00:00+08:00"
    for report in ("technician_daily_report", "weekly_repair_record"):
        assert [item["field"] for item in form(decision, report)["fields"]] == ["field_kind_of_job", "field_time_spent"]


def test_the_contact_letter_has_a_seal_signature_and_time_of_each_side() -> None:
    letter = form(decide(accepted_on="2024-01-15"), "contact_letter")
    kinds = [item["kind"] for item in letter["fields"]]
    assert len(kinds) == 11 + 2 * 3
    assert kinds[-6:] == ["seal", "signature", "date"] * 2


def reading_otherwise(folder: Path, reading: str, value: str) -> Policy:
    """Load a pack over works that adopts another reading."""
    (folder / "policy.toml").write_text(
        'schema = 1\nid = "otherwise"\ntitle.en = "another reading"\ntitle.zh = "另一种口径"\nextends = "works"\n'
        f'[interpretations.{reading}]\nvalue = "{value}"\n',
        encoding="utf-8",
    )
    return load(folder)


def test_a_contract_can_go_before_the_free_period(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"contract_until": "2026-12-31"}
    assert decide(**facts)["category"] == "C"
    assert decide(reading_otherwise(tmp_path, "both_apply", "B"), **facts)["category"] == "B"


def test_the_other_reading_collects_a_low_charge_even_for_a_product_taken_in(tmp_path: Path) -> None:
    """A company that reads works-10 before works-13 changes one word."""
    policy = reading_otherwise(tmp_path, "taken_in_first", "no")
    facts: dict[str, Any] = {
        "accepted_on": "2024-01-15",
        "taken_in": True,
        "handed_back_at": "2026-03-10T11:00:00",
        "at": "2026-03-10T12:00:00",
    }
    low = decide(policy, extra={"small_charge": True}, **facts)
    assert [step for step, _, _ in course(low, "collection")] == [
        "collect_on_the_spot",
        "hand_in_money",
        "post_invoice",
    ]
    assert low["targets"]["invoiced"]["status"] == "not applicable"
    assert form(low, "invoice")["owner"] == "finance"
    high = decide(policy, extra={"small_charge": False}, **facts)
    assert [step for step, _, _ in course(high, "collection")] == ["invoice_on_return"]
    assert high["targets"]["invoiced"]["due"] == "2026-03-10T23:59:59+08:00"
    assert form(high, "invoice")["owner"] == "accountant"


def test_the_letter_is_exchanged_under_the_other_reading_too_but_holds_nothing_up(tmp_path: Path) -> None:
    policy = reading_otherwise(tmp_path, "letter_before", "no")
    for held, waits in ((POLICY, True), (policy, False)):
        decision = decide(held, accepted_on="2024-01-15", extra={"small_charge": True})
        assert "contact_letter" in [item["form"] for item in decision["forms"]]
        assert ("item_letter_complete" in [item["item"] for item in decision["checklist"]]) is waits


def test_a_promise_is_kept_whatever_else_the_company_sets(tmp_path: Path) -> None:
    policy = reading_otherwise(tmp_path, "promise_only", "no")
    decision = decide(policy, promised_at="2026-03-04T12:00:00")
    assert decision["targets"]["finished"]["due"] == "2026-03-04T12:00:00+08:00"


def test_without_an_order_of_the_three_ways_the_visit_stays(tmp_path: Path) -> None:
    decision = decide(reading_otherwise(tmp_path, "telephone_first", "no"))
    steps = ["register_report", "check_free_period", "dispatch", "solve_on_site"]
    assert [item["step"] for item in decision["routing"]] == steps


def test_under_the_other_reading_the_talk_goes_with_the_notice(tmp_path: Path) -> None:
    contract = {"contract_no": "W-7", "contract_until": "2026-03-31"}
    policy = reading_otherwise(tmp_path, "talk_by_expiry", "no")
    schedule = policy.schedule([contract], from_="2026-02-01", until="2026-03-31")
    found = {item.occasion: item.on for item in schedule.occurrences if item.subject == "W-7"}
    assert found == {"expiry_notice": date(2026, 2, 28), "renewal_talk": date(2026, 2, 28)}


def test_the_length_of_the_free_period_is_told_as_the_company_s_own() -> None:
    decision = POLICY.decide(
        {"received_at": "2026-03-02T09:00:00", "request_kind": "fault", "accepted_on": "2025-09-01"},
        at=datetime(2026, 3, 2, 10, tzinfo=POLICY.zone),
    )
    assert "12 months is the company's own setting" in POLICY.explain(decision, "en")


def test_without_a_date_of_acceptance_the_date_is_asked_for() -> None:
    ticket = {"received_at": "2026-03-02T09:00:00", "request_kind": "fault", "on_site": True}
    decision = POLICY.decide(ticket, at=datetime(2026, 3, 2, 10, tzinfo=POLICY.zone))
    assert decision.category is None
    assert "accepted_on" in decision.needs


def test_a_notice_goes_out_a_month_before_the_contract_ends() -> None:
    """31 March less a month is 28 February; the talk is held by the last day of the contract."""
    contract = {"contract_no": "W-7", "contract_until": "2026-03-31"}
    schedule = POLICY.schedule([contract], from_="2026-02-01", until="2026-03-31")
    found = {item.occasion: item.on for item in schedule.occurrences if item.subject == "W-7"}
    assert found == {"expiry_notice": date(2026, 2, 28), "renewal_talk": date(2026, 3, 31)}


def test_what_has_no_day_in_the_source_is_left_open() -> None:
    schedule = POLICY.schedule(from_="2026-03-02", until="2026-03-08")
    assert {item.occasion: item.decided_by for item in schedule.undated} == {
        "weekly_reports": "head",
        "weekly_repair_record": "head",
        "monthly_appraisal": "head",
        "compile_call_backs": "service_department",
        "return_calls": "service_department",
    }
    daily = [item.on for item in schedule.occurrences if item.occasion == "technician_daily_report"]
    assert daily == [date(2026, 3, day) for day in range(2, 9)]
