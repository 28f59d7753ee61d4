"""Campus: what its chapter says, beyond the worked examples that every pack's tests run."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from engines.test_sql_against_python import AT, compare
from engines.tickets import random_tickets
from packs import complete
from svc_policy import load
from svc_policy.pack.cases import TICKET

POLICY = load("campus")

#: The ids of the chapter "campus" of the rulebook, copied from it.
IDS = """
campus-0
campus-3.1 campus-3.1b campus-3.2.2 campus-3.2.3 campus-3.2.4 campus-3.2.5 campus-3.2.6 campus-3.2.7
campus-3.2.8a campus-3.2.8b campus-3.2.9
campus-1 campus-1b campus-1c
campus-2.1 campus-2.1b
campus-2.2a campus-2.2b campus-2.2c campus-2.2d campus-2.2e campus-2.2f
campus-2.3 campus-2.3b
campus-2.4a campus-2.4b campus-2.4c campus-2.4d campus-2.4e
campus-2.5a campus-2.5b
campus-2.6a campus-2.6b campus-2.6c campus-2.6d campus-2.6e
campus-2.7 campus-2.7b
campus-f
"""
CALL = {"request_kind": "inquiry", "channel": "telephone", "customer_phone": "1", "problem_class": "general"}
OWN = {"own_project": True}


def test_the_rulebook_and_the_clauses_have_the_same_ids() -> None:
    assert len(IDS.split()) == 40
    assert set(POLICY.pack.clauses) == set(IDS.split())


def test_no_time_to_respond_is_borrowed() -> None:
    """The one target is due when the customer was told; the source has no window."""
    (row,) = POLICY.pack.rows["deadlines"]
    assert row.results["starts"].value == "promised"
    assert row.results["within"].value.value == 0


def test_no_penalty_has_a_figure() -> None:
    for row in POLICY.pack.rows["penalties"]:
        assert [row.results.get(name) for name in ("amount", "least", "most")] == [None] * 3
        if row.text("outcome") == "penalty":
            assert row.text("decided by") == "company_leaders"


def test_the_six_forms_have_fields() -> None:
    six = {row.text("form") for row in POLICY.pack.rows["forms"] if "campus-f" in row.cites}
    assert len(six) == 6
    with_fields = {str(row.tests["form"].items[0].low.value) for row in POLICY.pack.rows["fields"]}
    assert with_fields == six


def _working_seconds_by_hand() -> Iterator[tuple[datetime, bool]]:
    """Walk through a month by quarters of an hour, off days and make-up days taken from the frozen calendar."""
    file = Path(POLICY.pack.path) / "calendar.csv"
    with file.open(encoding="utf-8") as lines:
        frozen = {date.fromisoformat(line["day"]): line["windows"] for line in csv.DictReader(lines)}
    instant = datetime(2026, 2, 9)
    while instant < datetime(2026, 3, 9):
        what = frozen.get(instant.date(), "" if instant.weekday() < 5 else "off")
        hour = instant.hour + instant.minute / 60
        yield instant, what != "off" and (9 <= hour < 12 or 13 <= hour < 18)
        instant += timedelta(minutes=15)


def test_a_call_is_after_hours_exactly_where_the_week_is_closed() -> None:
    for instant, is_open in _working_seconds_by_hand():
        ticket = {**CALL, "received_at": instant.isoformat(), "extra": OWN}
        decision = POLICY.decide(ticket, at=instant.replace(tzinfo=POLICY.zone))
        steps = [item.cells["step"] for item in decision.items("routing")]
        assert ("take_at_once" in steps) is not is_open, instant


@pytest.mark.parametrize(
    ("kind", "needs"),
    [("missed_call", ("incidents.occurred_at",)), ("misjudgement", ("incidents.loss",)), ("unreported_shortage", ())],
)
def test_an_incident_asks_only_for_what_its_own_rule_reads(kind: str, needs: tuple[str, ...]) -> None:
    ticket = {**CALL, "received_at": "2026-03-02T10:00:00", "extra": OWN, "incidents": [{"incident_kind": kind}]}
    assert tuple(POLICY.decide(ticket, at=datetime(2026, 3, 2, 11, tzinfo=POLICY.zone)).needs) == needs


def test_a_grown_fault_is_explained_by_its_three_rules_and_the_reading() -> None:
    ticket = {
        "received_at": "2026-03-02T10:00:00",
        "request_kind": "fault",
        "channel": "website",
        "fault_type": "line",
        "on_site": True,
        "parts_needed": False,
        "fault_grows": True,
        "extra": OWN,
    }
    decision = POLICY.decide(ticket, at=datetime(2026, 3, 2, 11, tzinfo=POLICY.zone))
    reading = POLICY.pack.settings.interpretations["growth_together"]
    for language, text in (("en", reading.en), ("zh", reading.zh)):
        explained = POLICY.explain(decision, language)
        assert text in explained
        for clause in ("campus-1b", "campus-2.4a", "campus-2.6d"):
            assert f"[{clause}]" in explained


def test_the_loss_of_a_misjudgement_is_asked_for_and_not_called_unnamed() -> None:
    """The source names the amount: it is the loss."""
    ticket = {**CALL, "extra": OWN, "incidents": [{"incident_kind": "misjudgement"}]}
    decision = POLICY.decide(ticket, at=datetime(2026, 3, 2, 11, tzinfo=POLICY.zone))
    said = POLICY.explain(decision, "en")
    assert "a penalty falls on the engineer: the amount of “loss caused”, still to be asked" in said
    assert "gives no figure" not in said
    assert "尚需询问" in POLICY.explain(decision, "zh")


def test_what_is_due_at_the_agreed_time_is_told_without_hours() -> None:
    ticket = {"request_kind": "fault", "on_site": True, "promised_at": "2026-03-03T09:00:00", "extra": OWN}
    decision = POLICY.decide(ticket, at=datetime(2026, 3, 2, 11, tzinfo=POLICY.zone))
    assert "at the time of “time agreed with the customer”, Tue 3 Mar 2026, 09:00" in POLICY.explain(decision, "en")
    assert "0 小时" not in POLICY.explain(decision, "zh")


def test_who_hears_of_it_is_open_while_the_kind_of_request_is() -> None:
    said = POLICY.explain(POLICY.decide({}, at=datetime(2026, 3, 2, 11, tzinfo=POLICY.zone)), "en")
    assert "What else is brought before whom cannot be said yet; still to be asked: kind of request." in said


def test_both_engines_agree_on_every_example_and_on_random_tickets() -> None:
    examples = [POLICY.ticket(case.ticket) for case in complete.cases("campus") if case.kind == TICKET]
    differences, outside = compare(POLICY, [*examples, *random_tickets(POLICY, 200, seed=20_260_302)], AT)
    assert differences == []
    assert outside < 20
