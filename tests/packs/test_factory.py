"""Spot checks of factory, told in prose; the worked examples are in the pack's ``cases.toml``."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from svc_policy import load
from svc_policy.errors import PackError
from svc_policy.policy import Policy

POLICY = load("factory")

#: The ids of the chapter "factory" of the rulebook, copied from it.
IDS = """
factory-2 factory-3 factory-4.1 factory-4.2 factory-4.3 factory-5.1a factory-5.1b factory-5.1c factory-5.2a
factory-5.2b factory-5.3a factory-5.3b factory-5.4a factory-5.4b factory-5.5 factory-6.1 factory-6.2 factory-6.3
factory-7.1 factory-7.2 factory-7.3 factory-7.3b factory-8.1 factory-8.2a factory-8.2b factory-8.2c factory-8.3
"""
RULEBOOK = IDS.split()


def test_the_rulebook_and_the_clauses_have_the_same_ids() -> None:
    assert len(RULEBOOK) == 27
    assert list(POLICY.pack.clauses) == RULEBOOK


def decide(policy: Policy = POLICY, at: str = "2026-03-02T11:00:00", **facts: Any) -> dict[str, Any]:
    ticket = {
        "received_at": "2026-03-02T09:00:00",
        "channel": "telephone",
        "request_kind": "fault",
        "problem_class": "quality",
        "on_site": False,
        "parts_needed": False,
        "extra": {"simple_question": False, **facts.pop("extra", {})},
        **facts,
    }
    return policy.decide(ticket, at=datetime.fromisoformat(at).replace(tzinfo=policy.zone)).to_dict()


def changed(folder: Path, file: str, before: str, after: str) -> Policy:
    """Copy the pack, change one place of it, and load the copy."""
    shutil.copytree(POLICY.pack.path, folder / "factory")
    path = folder / "factory" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")
    return load(folder / "factory")


def test_nothing_is_borrowed() -> None:
    """No warranty, no fee, no working hours, and no clock on the first response: the source has none of them."""
    assert {"warranty", "category", "fees", "holds", "penalties"} & set(POLICY.pack.rows) == set()
    assert POLICY.pack.calendar() is None
    assert set(POLICY.target_names()) == {"taken_up", "improved"}
    amounts = [row for table in ("compensations", "approvals") for row in POLICY.pack.rows[table]]
    assert all(row.results.get("limit") is None for row in amounts)


def test_the_group_is_the_manager_and_four_representatives() -> None:
    """Members come together for a major incident and for a case that needs several departments, not otherwise."""
    for facts in ({"extra": {"major_incident": True}}, {"departments_needed": 2}):
        duties = decide(**facts)["duties"]
        assert [duty["owner"] for duty in duties if duty["duty"] == "lead_group"] == ["after_sales_manager"]
        sent = [duty["owner"] for duty in duties if duty["duty"] == "send_representative"]
        assert sent == ["sales_department", "production_department", "technical_support", "logistics_department"]
    assert not {"lead_group", "send_representative"} & {duty["duty"] for duty in decide()["duties"]}


def test_every_open_figure_is_left_to_a_role() -> None:
    """A claim without any limit has no amount, only somebody who decides; the same of every open interval."""
    claim = decide(compensation_claimed="800 CNY", extra={"loss_cause": "quality_fault"})["compensation"]
    assert (claim["limit"], claim["allowed"], claim["decided_by"]) == (None, None, "after_sales_manager")
    undated = POLICY.schedule(from_="2026-01-01", until="2026-12-31").to_dict()["undated"]
    assert len(undated) == 23 and all(item["decided_by"] for item in undated)


@pytest.mark.parametrize(
    ("own", "contract", "allowed"),
    [("300 CNY", "500 CNY", "300.00"), ("500 CNY", "300 CNY", "300.00"), ("300 CNY", None, "300.00")],
)
@pytest.mark.parametrize("written", ["in the row", "on the ticket"])
def test_of_two_limits_the_lesser_holds(
    own: str, contract: str | None, allowed: str, written: str, tmp_path: Path
) -> None:
    """A company states its own limit on the ticket or writes it into the row: the lesser of both limits holds."""
    policy, extra = POLICY, {"loss_cause": "service_fault", "company_compensation_limit": own}
    if written == "in the row":
        policy = with_own_limit(tmp_path, own)
        del extra["company_compensation_limit"]
    limits = {} if contract is None else {"contract_compensation_limit": contract}
    found = decide(policy, compensation_claimed="800 CNY", extra=extra, **limits)
    assert found["compensation"]["allowed"] == allowed
    assert "compensation_prevails" in found["compensation"]["rule"]["interpretations"]


def with_own_limit(folder: Path, own: str) -> Policy:
    """Write a company's limit into the row in place of the fact that states it."""
    shutil.copytree(POLICY.pack.path, folder / "factory")
    table = folder / "factory" / "compensations.csv"
    text = table.read_text(encoding="utf-8").replace("then: limit of", "then: limit")
    table.write_text(text.replace("company_compensation_limit", own), encoding="utf-8")
    return load(folder / "factory")


def test_a_limit_is_a_figure_or_a_fact_and_not_both(tmp_path: Path) -> None:
    changed_table = (tmp_path / "factory").joinpath("compensations.csv")
    shutil.copytree(POLICY.pack.path, tmp_path / "factory")
    text = changed_table.read_text(encoding="utf-8")
    text = text.replace("then: limit of,", "then: limit,then: limit of,")
    changed_table.write_text(text.replace(",company_comp", ",300 CNY,company_comp"), encoding="utf-8")
    with pytest.raises(PackError, match=r"gives limit \+ limit of at once"):
        load(tmp_path / "factory")


def test_another_reading_of_which_limit_prevails_changes_what_is_allowed(tmp_path: Path) -> None:
    found = decide(
        changed(tmp_path, "policy.toml", 'value = "lesser"', 'value = "greater"'),
        compensation_claimed="800 CNY",
        contract_compensation_limit="500 CNY",
        extra={"loss_cause": "quality_fault", "company_compensation_limit": "300 CNY"},
    )
    assert found["compensation"]["allowed"] == "500.00"


def told(language: str, at: str = "2026-03-12T10:00:00", **facts: Any) -> str:
    """Explain a quality problem that technical support has."""
    ticket = {
        "problem_class": "quality",
        "department": "technical_support",
        "on_site": False,
        "parts_needed": False,
        **facts,
        "extra": {"simple_question": False, **facts.get("extra", {})},
    }
    decision = POLICY.decide(ticket, at=datetime.fromisoformat(at).replace(tzinfo=POLICY.zone))
    return POLICY.explain(decision, language)


def test_at_once_is_told_as_the_same_day() -> None:
    for facts in ({}, {"relayed_at": "2026-03-12T09:30:00"}):
        assert "on the same day as “handed on to the department in charge”" in told("en", **facts)
        assert "同日" in told("zh", **facts)
        assert "0 days" not in told("en", **facts)
        assert "0 天" not in told("zh", **facts)


def test_what_is_past_a_day_is_told_without_a_share_of_it() -> None:
    said = told("en", improvement_due_at="2026-03-11T08:00:00", extra={"improvement_decided": True})
    assert "It is 10 hours past its time." in said
    assert "(level 2): its time has passed." in said
    assert "What is done then: look into the measure that is overdue." in said


def test_a_claim_is_always_spoken_of() -> None:
    """Above the limit, without a cause that is known, and of a cause that the factory does not answer for."""
    limits = {"compensation_claimed": "800 CNY", "contract_compensation_limit": "500 CNY"}
    said = told("en", extra={"loss_cause": "quality_fault"}, **limits)
    assert "Of the CN¥800.00 claimed no more than CN¥500.00 is allowed; the limit is CN¥500.00." in said
    said = told("en", **limits)
    asked = "still to be asked: what caused the customer's loss."
    assert f"How much compensation is allowed cannot be said yet; {asked}" in said
    said = told("en", extra={"loss_cause": "other_cause"}, **limits)
    assert "No rule allows compensation for this claim of CN¥800.00." in said


def test_another_reviewer_reviews(tmp_path: Path) -> None:
    before = 'value = "after_sales_manager"\ncite = "factory-5.4a"'
    policy = changed(tmp_path, "policy.toml", before, before.replace("after_sales_manager", "management_group"))
    assert [item["approver"] for item in decide(policy)["approvals"]] == ["management_group"]


def test_a_measure_watched_by_the_minute() -> None:
    """The day of a measure ends at midnight: until then it is open, from then on the group looks into it."""
    facts = {"improvement_due_at": "2026-04-30T08:00:00", "extra": {"improvement_decided": True}}
    before, after = (decide(at=at, **facts) for at in ("2026-04-30T23:59:58", "2026-05-01T00:00:00"))
    assert (before["targets"]["improved"]["status"], before["escalation_level"]) == ("pending", 0)
    assert (after["targets"]["improved"]["status"], after["escalation_level"]) == ("breached", 2)


def test_the_budgets_say_that_they_are_illustrative() -> None:
    rows = POLICY.pack.rows["budgets"]
    assert len(rows) == 5
    assert all(row.note == "illustrative" and "budget_figures" in row.rests_on for row in rows)


@pytest.mark.parametrize("class_", ["quality", "use", "logistics", "other"])
def test_whatever_the_class_somebody_takes_it_and_the_note_is_written(class_: str) -> None:
    found = decide(problem_class=class_)
    assert [step["order"] for step in found["routing"]].count(3) == (2 if class_ == "quality" else 1)
    assert [form["form"] for form in found["forms"]].count("hand_over_note") == 1
    assert found["needs"] == []
