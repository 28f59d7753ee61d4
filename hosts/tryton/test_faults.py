"""What goes wrong: policies that are gone, changed or do not check, other currencies, what cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from hosts.available import require

require("tryton")

from proteus import Model  # noqa: E402
from trytond.exceptions import UserError, UserWarning  # noqa: A004, E402

from hosts.tryton.policies import FILES, write_depot  # noqa: E402
from hosts.tryton.shop import Shop  # noqa: E402
from svc_policy.adapters.tryton import policies  # noqa: E402


@pytest.fixture
def own(shop: Shop, tmp_path: Path) -> Iterator[Path]:
    """Choose a copy of the depot's policy that may be changed, and put the first one back at the end."""
    name, _ = shop.chosen(shop.depot)
    fine = FILES["penalties.csv"].replace("10 EUR", f"{len(str(tmp_path)) % 7 + 20} EUR")
    folder = write_depot(tmp_path / "own", penalties=fine)
    shop.choose(shop.depot, str(folder))
    yield folder
    policies.forget()
    shop.choose(shop.depot, str(name))


def draft(shop: Shop, **values: Any) -> Any:
    shop.at("2026-03-02T02:00:00")
    lot = shop.lot(f"F-{len(Model.get('stock.lot').find([]))}", svc_delivered_on=date(2026, 1, 10))
    return shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot, **values)


def test_a_policy_that_is_gone_is_said_and_stops_nobody(shop: Shop, own: Path) -> None:
    with shop.of(shop.depot):
        complaint = draft(shop)
        shutil.rmtree(own)
        policies.forget()
        with pytest.raises(UserWarning, match="goes on, but its policy cannot decide it") as raised:
            complaint.click("wait")
        assert "own" in raised.value.description
        complaint.reload()
        assert complaint.state == "draft"
        with shop.going_on():
            complaint.click("wait")
        assert complaint.state == "waiting"
        assert "own" in complaint.svc_problem
        with pytest.raises(UserError, match="cannot be approved, as its policy cannot decide it"):
            complaint.click("approve")
        # Once it is there again, nobody has to do anything but decide.
        write_depot(own, penalties=FILES["penalties.csv"].replace("10 EUR", f"{len(str(own.parent)) % 7 + 20} EUR"))
        complaint.click("svc_decide")
        assert complaint.svc_problem is None
        assert complaint.svc_category == "C"


def test_a_policy_that_is_edited_decides_when_it_is_taken_up(shop: Shop, own: Path) -> None:
    with shop.of(shop.depot):
        complaint = draft(shop)
        complaint.click("wait")
        before = shop.chosen(shop.depot)[1]
        assert complaint.svc_response_by == datetime(2026, 3, 2, 11)
        deadlines = FILES["deadlines.csv"].replace("10 h", "20 h")
        (own / "deadlines.csv").write_text(deadlines, encoding="utf-8")
        complaint.click("svc_decide")
        assert complaint.svc_response_by == datetime(2026, 3, 2, 11), "what was chosen decides"
        policies.forget()
        complaint.click("svc_decide")
        assert "has been changed since it was chosen" in complaint.svc_problem
        assert "Take up the policy again" in complaint.svc_problem
        Model.get("sale.configuration")(1).click("svc_take_up")
        assert shop.chosen(shop.depot)[1] != before
        complaint.reload()
        # Taken up, it decides open complaints when the cron entry next runs.
        assert complaint.svc_next_change_at <= shop.now
        (cron,) = Model.get("ir.cron").find([("method", "=", "sale.complaint|svc_wake")])
        cron.click("run_once")
        complaint.reload()
        assert complaint.svc_problem is None
        assert complaint.svc_response_by == datetime(2026, 3, 2, 21)
        assert complaint.svc_digest == shop.chosen(shop.depot)[1]


@pytest.mark.parametrize(
    "table, old, new, said",
    [
        ("fees", "40 EUR", "40 ERU", "fees.csv:3"),
        ("category", "paid,no,no,A,d-1\n", "", "category.csv"),
        ("deadlines", ",d-1", ",d-9", "d-9"),
    ],
)
def test_a_policy_that_does_not_check_is_refused_and_the_chosen_one_stays(
    shop: Shop, tmp_path: Path, table: str, old: str, new: str, said: str
) -> None:
    before = shop.chosen(shop.depot)
    text = FILES[f"{table}.csv"]
    assert old in text
    folder = write_depot(tmp_path / "bad", **{table: text.replace(old, new)})
    with pytest.raises(UserError, match="cannot be chosen") as raised:
        shop.choose(shop.depot, str(folder))
    assert said in raised.value.description
    assert shop.chosen(shop.depot) == before


@pytest.mark.parametrize("name, said", [("mal", "mall"), ("../mall", "whole path"), ("/nowhere/at/all", "/nowhere")])
def test_a_name_that_is_no_policy(shop: Shop, name: str, said: str) -> None:
    with pytest.raises(UserError, match="cannot be chosen") as raised:
        shop.choose(shop.depot, name)
    assert said in raised.value.description


def test_another_currency_is_refused_with_the_name_of_the_record(shop: Shop) -> None:
    with pytest.raises(UserError) as raised:
        shop.choose(shop.depot, "mall")
    assert "`Depot Company` counts in `EUR`, the policy `mall` in `CNY`" in raised.value.description
    with shop.of(shop.depot):
        complaint = draft(shop)
        complaint.click("wait")
        euro = shop.depot.currency
        try:
            shop.depot.currency = shop.mall.currency
            shop.depot.save()
            complaint.click("svc_decide")
            assert complaint.number in complaint.svc_problem
            assert "counts in `CNY`" in complaint.svc_problem
        finally:
            shop.depot.currency = euro
            shop.depot.save()
        complaint.click("svc_decide")
        assert complaint.svc_problem is None


@pytest.mark.parametrize(
    "fact, value, said",
    [
        ("floor", "third", "floor` is `third`"),
        ("distance_km", "5..50] km", "`5..50] km`"),
        ("on_site", "perhaps", "`on_site`"),
        ("arrived_at", "yesterday", "`yesterday`"),
        ("cause", "gremlins", "`gremlins`"),
        ("distence_km", "5 km", "did you mean `distance_km`?"),
    ],
)
def test_a_fact_that_cannot_be_read_is_refused_when_it_is_typed(shop: Shop, fact: str, value: str, said: str) -> None:
    with shop.of(shop.depot):
        complaint = draft(shop)
        with pytest.raises(UserError, match="A fact of complaint") as raised:
            shop.state(complaint, **{fact: value})
        assert complaint.number in raised.value.description
        assert said in raised.value.description


def test_a_company_has_its_own_facts(shop: Shop) -> None:
    with shop.of(shop.mall):
        complaint = shop.complaint(shop.mall)
        with pytest.raises(UserError):
            shop.state(complaint, floor="3")  # a fact of the depot
    with shop.of(shop.depot):
        complaint = draft(shop)
        shop.state(complaint, floor="3")
        assert [(line.fact, line.value) for line in complaint.svc_facts] == [("floor", "3")]


def test_texts_of_any_length_and_kind(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = draft(shop, description="<h1>hum</h1> " * 100_000)
        complaint.click("wait")
        assert complaint.svc_problem is None
        assert complaint.svc_category == "C"
        assert len(complaint.svc_ticket) < 12_000
        assert "<h1>hum</h1>" in complaint.svc_ticket


def test_facts_that_cannot_be_true_are_told_with_the_complaint(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = draft(shop)
        complaint.svc_holds.new(hold_kind="weather", from_at=datetime(2026, 3, 2, 3), until_at=datetime(2026, 3, 2, 2))
        complaint.save()
        with pytest.raises(UserWarning, match=f'"{complaint.number}" goes on') as raised:
            complaint.click("wait")
        assert "`holds[0].until_at`" in raised.value.description
        with shop.going_on():
            complaint.click("wait")
        assert "`holds[0].until_at`" in complaint.svc_problem
        hold = complaint.svc_holds[0]
        hold.until_at = datetime(2026, 3, 2, 4)
        hold.save()
        complaint.reload()
        assert (complaint.svc_problem, complaint.svc_category) == (None, "C")


def test_companies_do_not_mix(shop: Shop) -> None:
    digests = [shop.chosen(company)[1] for company in (shop.mall, shop.depot)]
    assert None not in digests
    assert digests[0] != digests[1]
    with shop.of(shop.mall):
        recurrence = Model.get("sale.subscription.recurrence.rule.set")(name="Monthly")
        (rule,) = recurrence.rules
        rule.freq, rule.interval = "monthly", 1
        recurrence.save()
        theirs = Model.get("sale.subscription")(
            company=shop.mall,
            party=shop.customer,
            currency=shop.mall.currency,
            start_date=date(2025, 6, 1),
            invoice_recurrence=recurrence,
        )
        theirs.save()
    with shop.of(shop.depot):
        complaint = draft(shop)
        complaint.svc_subscription = theirs
        with pytest.raises(UserError, match="Contract"):
            complaint.save()
