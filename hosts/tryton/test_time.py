"""What time does by itself: the cron entry, escalations, penalties; and records that facts are taken from."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hosts.available import require

require("tryton")

from proteus import Model  # noqa: E402
from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402

from hosts.tryton.database import NAME  # noqa: E402
from hosts.tryton.policies import write_depot  # noqa: E402
from hosts.tryton.shop import Shop  # noqa: E402
from svc_policy.adapters.tryton import policies  # noqa: E402


def wake(shop: Shop) -> None:
    """Run the cron entry."""
    (cron,) = Model.get("ir.cron").find([("method", "=", "sale.complaint|svc_wake")])
    cron.click("run_once")


def waiting(shop: Shop, number: str) -> Any:
    """Hand in a free job in the depot at 01:00 UTC; the visit is due ten hours later."""
    shop.at("2026-03-02T02:00:00")
    lot = shop.lot(number, svc_delivered_on=date(2026, 1, 10))
    complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
    complaint.click("wait")
    return complaint


def test_the_cron_entry_wakes_when_the_decision_changes(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = waiting(shop, "T-1")
        # Half of ten hours is used up at 06:00.
        assert complaint.svc_next_change_at == datetime(2026, 3, 2, 6)
        assert not complaint.svc_escalations
        shop.at("2026-03-02T05:59:59")
        wake(shop)
        complaint.reload()
        assert not complaint.svc_escalations
        shop.at("2026-03-02T06:00:00")
        wake(shop)
        complaint.reload()
        (first,) = complaint.svc_escalations
        assert (first.level, first.notify_name, first.target_name) == (1, "clerk", "arrived on site")
        assert first.raised_at == datetime(2026, 3, 2, 6)
        shop.at("2026-03-02T11:00:01")
        wake(shop)
        complaint.reload()
        assert sorted(one.level for one in complaint.svc_escalations) == [1, 2]
        (penalty,) = complaint.svc_penalties
        assert (penalty.amount, penalty.liable_name, penalty.target_name) == (Decimal(25), "clerk", "arrived on site")
        # The technician had been there in time, and it is written down later: neither is left.
        shop.state(complaint, arrived_at="2026-03-02T11:30:00+01:00")
        complaint.reload()
        assert not complaint.svc_penalties
        assert not complaint.svc_escalations
        assert complaint.svc_response_by is None


def test_the_scheduler_sleeps_no_longer_than_until_then(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = waiting(shop, "T-2")
        with Transaction().start(NAME, 0):
            cron = Pool().get("ir.cron")
            model = Pool().get("sale.complaint")
            model.write(
                model.search([("state", "in", ["waiting", "approved"]), ("id", "!=", complaint.id)]),
                {"svc_next_change_at": None},
            )
            (entry,) = cron.search([("method", "=", "sale.complaint|svc_wake")])
            entry.interval_type, entry.interval_number = "days", 1
            now = datetime(2026, 3, 2, 2, 30)
            assert entry.compute_next_call(now) == datetime(2026, 3, 2, 6)
            # Never the same instant again, or the scheduler would not end.
            assert entry.compute_next_call(datetime(2026, 3, 2, 6)) > datetime(2026, 3, 2, 6)
            Transaction().rollback()


def test_tryton_itself_runs_the_entry(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = waiting(shop, "T-3")
        others = Model.get("ir.cron").find([("method", "!=", "sale.complaint|svc_wake")])
        for other in others:
            other.active = False
            other.save()
        shop.at("2026-03-02T06:00:00")
        Pool(NAME).get("ir.cron").run(NAME)
        complaint.reload()
        assert [one.level for one in complaint.svc_escalations] == [1]
        (cron,) = Model.get("ir.cron").find([("method", "=", "sale.complaint|svc_wake")])
        assert cron.next_call is not None
        assert cron.next_call - datetime.now() < timedelta(minutes=2)


def test_a_broken_policy_stops_no_other_company(shop: Shop) -> None:
    name, _ = shop.chosen(shop.depot)
    folder = write_depot(shop.folder / "vanishing", clauses="clause,place,en,zh\nd-1,1,Another wording.,另一说法。\n")
    with shop.of(shop.mall):
        lot = shop.lot("T-4m", svc_delivered_on=date(2026, 1, 10))
        shop.at("2026-03-02T01:30:00")
        theirs = shop.complaint(shop.mall, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
        shop.state(theirs, on_site="no", cause="product", solved_by_telephone="no")
        theirs.click("wait")
        # A share of the four working hours in which mall passes on a request is used up before 14:00 in Shanghai.
        assert theirs.svc_next_change_at is not None
        assert theirs.svc_next_change_at <= datetime(2026, 3, 2, 6)
    try:
        # Another penalty makes it another policy: one that no process holds any more once its folder is gone.
        (folder / "penalties.csv").write_text(
            "rule,incident_kind,then: liable,then: amount,cite\nmistake,mistake,clerk,11 EUR,d-1\n", encoding="utf-8"
        )
        shop.choose(shop.depot, str(folder))
        with shop.of(shop.depot):
            ours = waiting(shop, "T-4d")
            shutil.rmtree(folder)
            policies.forget()
            shop.at("2026-03-02T06:00:01")
            wake(shop)
            ours.reload()
            assert "there is no such file or folder" in ours.svc_problem or "vanishing" in ours.svc_problem
            assert ours.svc_category == "C", "what was decided before stays"
            assert ours.svc_next_change_at == datetime(2026, 3, 2, 7, 0, 1), "tried again an hour later"
        with shop.of(shop.mall):
            theirs.reload()
            assert theirs.svc_problem is None
            assert theirs.svc_escalations
    finally:
        shop.choose(shop.depot, str(name))


def test_a_lot_that_was_delivered_by_the_warehouse(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        lot = shop.lot("T-5")
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
        complaint.click("wait")
        assert complaint.svc_coverage == "undetermined"
        deliver(shop, lot, date(2026, 1, 10))
        complaint.reload()
        # The delivery decided the complaint: 24 months less a day.
        assert complaint.svc_covered_until == date(2028, 1, 9)
        # The same unit goes to the customer again, mended: the warranty begins with the first delivery.
        deliver(shop, lot, date(2026, 2, 20))
        complaint.reload()
        assert complaint.svc_covered_until == date(2028, 1, 9)
        # What somebody wrote down of the lot goes first.
        lot.svc_delivered_on = date(2022, 1, 10)
        lot.save()
        complaint.reload()
        assert complaint.svc_coverage == "none"


def deliver(shop: Shop, lot: Any, day: date) -> None:
    """Ship a lot to the customer."""
    location = Model.get("stock.location")
    (warehouse,) = location.find([("type", "=", "warehouse")], limit=1)
    shipment = Model.get("stock.shipment.out")(customer=shop.customer, warehouse=warehouse, company=shop.depot)
    shipment.effective_date = day
    move = shipment.outgoing_moves.new()
    move.product, move.unit, move.quantity = shop.product, shop.product.default_uom, 1
    move.from_location, move.to_location = warehouse.output_location, shop.customer.customer_location
    if move.to_location is None:
        (move.to_location,) = location.find([("type", "=", "customer")], limit=1)
    move.company, move.unit_price, move.currency = shop.depot, Decimal(100), shop.depot.currency
    shipment.click("wait")
    for one in (*shipment.inventory_moves, *shipment.outgoing_moves):
        one.lot = type(lot)(lot.id)
        one.save()
    shipment.click("assign_force")
    with shop.going_on():
        for button in ("pick", "pack", "do"):
            shipment.click(button)
    assert shipment.state == "done"


def test_a_subscription_is_the_contract(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        recurrence = Model.get("sale.subscription.recurrence.rule.set")(name="Monthly")
        (rule,) = recurrence.rules
        rule.freq, rule.interval = "monthly", 1
        recurrence.save()
        unit = shop.product.default_uom
        template = Model.get("product.template")(name="Care", default_uom=unit, type="service", salable=True)
        template.list_price = Decimal(10)
        template.save()
        service = Model.get("sale.subscription.service")(
            product=template.products[0], consumption_recurrence=recurrence
        )
        service.save()
        contract = Model.get("sale.subscription")(
            company=shop.depot,
            party=shop.customer,
            currency=shop.depot.currency,
            start_date=date(2025, 6, 1),
            invoice_recurrence=recurrence,
        )
        line = contract.lines.new()
        line.service, line.quantity = service, 1
        contract.save()
        lot = shop.lot("T-6", svc_delivered_on=date(2022, 1, 10))
        complaint = shop.complaint(
            shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot, svc_subscription=contract
        )
        complaint.click("wait")
        # A draft of a contract is none.
        assert complaint.svc_category == "A"
        contract.click("quote")
        contract.click("run")
        complaint.reload()
        # Open-ended, it covers the day of the request.
        assert (complaint.svc_category, complaint.svc_coverage) == ("B", "contract")
        assert complaint.svc_quote == Decimal("0.00")


def test_an_incident_is_a_penalty(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = waiting(shop, "T-7")
        complaint.svc_incidents.new(incident_kind="mistake", occurred_on=date(2026, 3, 2))
        complaint.save()
        complaint.reload()
        (penalty,) = complaint.svc_penalties
        assert (penalty.amount, penalty.incident, penalty.rule) == (Decimal(10), 1, "penalties.mistake [d-1]")
        complaint.svc_incidents[0].delete()
        complaint.reload()
        assert not complaint.svc_penalties


def test_times_are_those_of_the_company(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = waiting(shop, "T-8")
        shop.at("2026-03-02T20:00:00")
        # The company says no zone, so noon is noon in the policy's: 11:00 UTC, which is when the visit is due.
        shop.state(complaint, arrived_at="2026-03-02 12:00")
        complaint.reload()
        assert not complaint.svc_penalties
        try:
            shop.depot.timezone = "America/New_York"
            shop.depot.save()
            wake(shop)
            complaint.reload()
            assert [one.amount for one in complaint.svc_penalties] == [Decimal(25)]
        finally:
            shop.depot.timezone = None
            shop.depot.save()
