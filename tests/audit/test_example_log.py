"""The example log has every kind of finding. What is expected here is reckoned by hand from the mall's tables."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from svc_policy.audit import AuditResult, run_audit
from svc_policy.audit.codes import CODES

from .conftest import ROOT
from .row_by_row import decide_row_by_row

LOG = ROOT / "examples" / "log"


@pytest.fixture(scope="module")
def result(mall: Any) -> Iterator[AuditResult]:
    with run_audit(LOG / "tickets.csv", mall, mapping=LOG / "mapping.toml", decide=decide_row_by_row) as found:
        yield found


def of(result: AuditResult, ticket: str, *codes: str) -> list[dict[str, Any]]:
    return [one for one in result.findings() if one["ticket_id"] == ticket and (not codes or one["code"] in codes)]


def one(result: AuditResult, ticket: str, code: str) -> dict[str, Any]:
    (found,) = of(result, ticket, code)
    return found


def test_every_kind_of_finding_occurs(result: AuditResult) -> None:
    assert set(result.summary["findings"]) == set(CODES)


def test_nothing_is_lost(result: AuditResult) -> None:
    # 120 tickets, six rows that cannot be used, three incidents of which one is stray, two overrides.
    assert result.summary["rows"] == {"in": 131, "used": 124, "rejected": 7}
    assert result.summary["tickets"] == {"in": 120, "decided": 119, "rejected": 1}


def test_the_instant_is_that_of_the_mapping(result: AuditResult) -> None:
    assert result.summary["at"] == "2025-05-26T18:00:00+08:00"


def test_late_contact_is_measured_in_working_time(result: AuditResult) -> None:
    # Passed on Tuesday 09:10; 2:50 until noon and 1:10 after 13:00 are four hours: due 14:10, called 15:22.
    found = one(result, "T-0003", "SLA001")
    assert (found["late_s"], found["clock"], found["target"]) == (72 * 60, "working", "contacted")
    assert found["rules"] == ["deadlines.contact"]
    assert found["clauses"] == ["mall-2.2.5b", "mall-2.2.4", "mall-cal"]
    assert "working_hours" in found["interpretations"]
    assert found["line"] == 4
    assert found["text"] == "customer contacted: late by 1 h 12 min of working time (mall-2.2.5b mall-2.2.4 mall-cal)"


def test_late_contact_has_its_penalty(result: AuditResult) -> None:
    found = one(result, "T-0003", "PEN001")
    assert (found["amount_minor"], found["amount_most_minor"], found["currency"]) == (5000, 5000, "CNY")
    assert found["clauses"] == ["mall-2.2.6", "mall-2.2.5b"]
    assert found["rules"] == ["late_penalties.late_contact"]


def test_a_missed_target_of_a_closed_ticket_is_overdue_until_then(result: AuditResult) -> None:
    assert one(result, "T-0008", "SLA002")["target"] == "contacted"


def test_recorded_category(result: AuditResult) -> None:
    found = one(result, "T-0012", "REC001")
    assert found["text"] == "category A on record, C by the policy (mall-2.0 mall-2.1.1)"


def test_recorded_fee(result: AuditResult) -> None:
    # 2025: a visit within 5 km 65.00, an hour 84.00, together 149.00; 13 % of 65.00 is 8.45, of 84.00 10.92.
    found = one(result, "T-0020", "REC002")
    assert found["amount_minor"] == 20000 - (14900 + 845 + 1092)
    assert found["text"] == "fee of 200.00 CNY on record, 168.37 CNY by the policy"
    assert found["rules"] == ["fees.visit_near", "fees.labour"]
    assert not of(result, "T-0021", "REC002")


def test_recorded_due(result: AuditResult) -> None:
    # 3 km: 24 hours from 24 March 09:00 is 25 March 09:00; on record is 26 March 09:00.
    found = one(result, "T-0031", "REC003")
    assert (found["late_s"], found["rules"]) == (86400, ["deadlines.near"])


def test_visits_without_confirmation(result: AuditResult) -> None:
    assert one(result, "T-0040", "CNF001")["text"] == "the visit began without the customer's confirmation"
    found = one(result, "T-0041", "CNF001")
    assert (found["late_s"], found["rules"]) == (3600, ["confirmations.visit"])
    assert not of(result, "T-0021", "CNF001")


def test_penalties_of_incidents(result: AuditResult) -> None:
    assert one(result, "T-0005", "PEN001")["amount_minor"] == 5000
    found = one(result, "T-0020", "PEN001")
    assert (found["amount_minor"], found["amount_most_minor"]) == (5000, 50000)
    assert found["subject"] == "incident 1"
    assert found["text"].startswith("penalty of 50.00 CNY to 500.00 CNY for the ")


def test_overrides(result: AuditResult) -> None:
    over = one(result, "T-0041", "OVR001")
    assert "150.00 CNY" in over["text"] and "limit of 100.00 CNY" in over["text"]
    assert one(result, "T-0021", "OVR001")["text"].endswith("by clerk, who may not grant it")


def test_missing_facts(result: AuditResult) -> None:
    assert one(result, "T-0055", "NEED001")["subject"] == "delivered_on cause"


def test_escalation_shows_the_highest_level_of_each_target(result: AuditResult) -> None:
    found = of(result, "T-0120", "ESC001")
    assert {(item["target"], item["subject"]) for item in found} == {("contacted", "level 3"), ("solution", "level 3")}


def test_a_ticket_outside_the_calendar_is_rejected_and_told(result: AuditResult) -> None:
    assert [found["code"] for found in of(result, "T-0060")] == ["CAL001"]
    assert result.summary["rejected"]["ticket-calendar"] == 1


def test_dull_tickets_have_notes_at_most(result: AuditResult) -> None:
    named = {f"T-{number:04}" for number in (3, 5, 8, 12, 20, 21, 31, 40, 41, 55, 60, 120)}
    assert {found["ticket_id"] for found in result.findings() if found["severity"] != "note"} <= named


def test_the_script_writes_the_files_that_are_there(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_log", LOG / "make_log.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make(tmp_path)
    for name in ("tickets.csv", "incidents.csv", "overrides.csv"):
        assert (tmp_path / name).read_bytes() == (LOG / name).read_bytes()


def test_the_batch_engine_finds_the_same(mall: Any, result: AuditResult) -> None:
    with run_audit(LOG / "tickets.csv", mall, mapping=LOG / "mapping.toml") as batch:
        assert batch.summary == result.summary
        assert list(batch.findings()) == list(result.findings())


def test_the_telephone_that_a_spreadsheet_would_compute_is_only_in_the_log() -> None:
    with (LOG / "tickets.csv").open(encoding="utf-8", newline="") as file:
        assert any(row["Phone"].startswith("=") for row in csv.DictReader(file, delimiter=";"))
