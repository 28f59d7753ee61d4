"""Draft to waiting and on, in two companies with two policies; figures are reckoned by hand."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

from hosts.available import require

require("tryton")

from proteus import Model  # noqa: E402

from hosts.tryton.shop import HTML, Shop  # noqa: E402


def test_a_free_visit_in_the_mall(shop: Shop) -> None:
    # Monday; 09:00 in Shanghai is 01:00 UTC. Mall passes a request on within 4 working hours: 09-12 and 13-14.
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.mall):
        lot = shop.lot("SN-1", svc_delivered_on=date(2026, 1, 10), svc_purchased_on=date(2026, 1, 9))
        complaint = shop.complaint(
            shop.mall, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot, description="It <i>hums</i>"
        )
        assert complaint.svc_category is None
        assert complaint.svc_decided_at is None
        shop.state(complaint, on_site="yes", distance_km="5 km", cause="product quality", parts_needed="no")
        complaint.click("wait")
        assert complaint.state == "waiting"
        assert complaint.svc_problem is None
        assert complaint.svc_category == "C"
        assert complaint.svc_coverage == "warranty"
        assert complaint.svc_response_name == "passed on to the service department"
        assert complaint.svc_response_by == datetime(2026, 3, 2, 6)
        assert complaint.svc_quote == Decimal("0.00")
        assert complaint.svc_policy == "mall"
        assert complaint.svc_digest == shop.chosen(shop.mall)[1]
        assert complaint.svc_decided_at == datetime(2026, 3, 2, 2)
        assert HTML in complaint.svc_ticket.replace("\\", "")
        assert "free service" in complaint.svc_explanation
        # A fact is stated while it waits: passed on at 10:00, the customer is contacted by 15:00 (10-12 and 13-15).
        shop.state(complaint, relayed_at="2026-03-02 10:00")
        complaint.reload()
        assert complaint.svc_response_name == "customer contacted"
        assert complaint.svc_response_by == datetime(2026, 3, 2, 7)


def test_the_same_facts_under_another_policy(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        lot = shop.lot("SN-2", svc_delivered_on=date(2026, 1, 10))
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
        complaint.click("wait")
        assert complaint.svc_policy == "depot"
        # 24 months from delivery, the anniversary less one day; the visit within ten hours.
        assert complaint.svc_covered_until == date(2028, 1, 9)
        assert complaint.svc_category == "C"
        assert complaint.svc_response_by == datetime(2026, 3, 2, 11)
        assert complaint.svc_missing == ""


def test_what_is_missing_is_said_and_asked_in_both_languages(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1))
        complaint.click("wait")
        assert complaint.svc_category is None
        assert complaint.svc_coverage == "undetermined"
        assert complaint.svc_missing == "Please find out: date of delivery, parts are needed."
    with shop.of(shop.depot, language="zh_CN"):
        again = Model.get("sale.complaint")(complaint.id)
        assert again.svc_missing == "请了解：交付日期、需更换配件。"
        assert "是否在保修范围内：尚不能确定" in again.svc_explanation


def test_what_is_typed_means_what_it_means_everywhere(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1))
        # Beside the field of a share stands %, beside that of a distance km; words go by their labels.
        shop.state(complaint, share_borne="10", distance_km="５", floor="３", on_site="是", cause="产品质量")
        complaint.click("wait")
        assert complaint.svc_problem is None
        ticket = json.loads(complaint.svc_ticket)
        assert (ticket["distance_km"], ticket["on_site"], ticket["cause"]) == (5, True, "product")
        assert ticket["extra"] == {"floor": 3, "share_borne": "10.00 %"}
