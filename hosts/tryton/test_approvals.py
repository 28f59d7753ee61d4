"""Approvals that a policy wants: by whom, for what, and until what changes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hosts.available import require

require("tryton")

from proteus import Model  # noqa: E402
from trytond.exceptions import UserError  # noqa: E402
from trytond.model.exceptions import AccessError  # noqa: E402

from hosts.tryton.shop import Shop  # noqa: E402


def paid_job(shop: Shop, number: str) -> Any:
    """Hand in a job that is paid for, with a part: the depot's chief approves those."""
    shop.at("2026-03-02T02:00:00")
    lot = shop.lot(number, svc_delivered_on=date(2022, 1, 10))
    complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
    complaint.svc_parts.new(part_no="P-1", unit_price=Decimal("80.00"))
    shop.state(complaint, parts_needed="yes", floor="3")
    complaint.click("wait")
    return complaint


def test_an_approver_is_wanted_and_only_they_can_approve(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = paid_job(shop, "A-1")
        # 40 for the visit, 2.50 for each of three floors, the part at its price; tax is in it.
        assert complaint.svc_category == "A"
        assert complaint.svc_coverage == "none"
        assert complaint.svc_quote == Decimal("127.50")
        assert complaint.svc_payer_name == "customer"
        (approval,) = complaint.svc_approvals
        assert (approval.role_name, approval.subject_name) == ("chief of the depot", "parts for the job")
        assert approval.rec_name == "parts for the job (chief of the depot)"
        assert not approval.is_given
        number, approval_id = complaint.id, approval.id
    with shop.of(shop.depot, user="clerk"):
        complaint = Model.get("sale.complaint")(number)
        with pytest.raises(UserError, match="needs the approval of chief of the depot first"):
            complaint.click("approve")
        with pytest.raises(UserError, match="No group stands for"):
            Model.get("svc_policy.approval")(approval_id).click("give")
    with shop.of(shop.depot):
        (chiefs,) = Model.get("res.group").find([("name", "=", "Chiefs")])
        Model.get("svc_policy.role")(company=shop.depot, role="chief", group=chiefs).save()
    with shop.of(shop.depot, user="clerk"):
        approval = Model.get("svc_policy.approval")(approval_id)
        with pytest.raises(UserError, match="you are in no group"):
            approval.click("give")
        # Nor by writing the field, from wherever.
        proxy, context = type(approval)._proxy, shop.config.context
        for values in ({"approved_by": shop.config.user}, {"basis": complaint.svc_basis}):
            with pytest.raises(AccessError):
                proxy.write([approval_id], values, context)
        with pytest.raises(AccessError):
            proxy.delete([approval_id], context)
        with pytest.raises(AccessError):
            proxy.create([{"complaint": number}], context)
        with pytest.raises(AccessError):
            type(complaint)._proxy.write([number], {"svc_category": "C"}, context)
    with shop.of(shop.depot, user="chief"):
        approval = Model.get("svc_policy.approval")(approval_id)
        approval.click("give")
        assert approval.is_given
        assert approval.approved_by.login == "chief"
    # Another floor is another amount: the chief has not approved that.
    with shop.of(shop.depot):
        complaint = Model.get("sale.complaint")(number)
        shop.state(complaint, floor="5")
        complaint.reload()
        assert complaint.svc_quote == Decimal("132.50")
        assert [one.is_given for one in complaint.svc_approvals] == [False]
    with shop.of(shop.depot, user="chief"):
        Model.get("svc_policy.approval")(approval_id).click("give")
    with shop.of(shop.depot, user="clerk"):
        complaint = Model.get("sale.complaint")(number)
        complaint.click("approve")
        assert complaint.state in ("approved", "done")


def test_a_role_is_one_of_the_policy(shop: Shop) -> None:
    role = Model.get("svc_policy.role")
    (group,) = Model.get("res.group").find([("name", "=", "Sales")])
    with shop.of(shop.depot):
        with pytest.raises(UserError, match='"cheif" is no role of the policy of "Depot Company"') as raised:
            role(company=shop.depot, role="cheif", group=group).save()
        assert 'Did you mean "chief"?' in raised.value.description
        with pytest.raises(UserError) as raised:
            role(company=shop.depot, role="boss", group=group).save()
        assert "Its roles are chief, clerk." in raised.value.description
        kept = role(company=shop.depot, role="clerk", group=group)
        kept.save()
        with pytest.raises(UserError, match="is no role"):
            role(company=shop.mall, role="clerk", group=group).save()
        kept.delete()


def test_what_is_not_known_might_want_an_approver(shop: Shop) -> None:
    shop.at("2026-03-02T02:00:00")
    with shop.of(shop.depot):
        lot = shop.lot("A-2", svc_delivered_on=date(2022, 1, 10))
        complaint = shop.complaint(shop.depot, svc_received_at=datetime(2026, 3, 2, 1), svc_lot=lot)
        complaint.click("wait")
        assert complaint.svc_category == "A"
        with pytest.raises(UserError, match="depends on facts that are missing"):
            complaint.click("approve")
        shop.state(complaint, parts_needed="no")
        complaint.click("approve")
        assert complaint.state in ("approved", "done")


def test_a_company_without_a_policy_works_as_before(shop: Shop) -> None:
    name, _ = shop.chosen(shop.depot)
    assert name is not None
    try:
        shop.choose(shop.depot, "")
        with shop.of(shop.depot):
            complaint = shop.complaint(shop.depot)
            complaint.click("wait")
            assert (complaint.svc_decided_at, complaint.svc_problem) == (None, None)
            complaint.click("approve")
            assert complaint.state in ("approved", "done")
    finally:
        shop.choose(shop.depot, name)


def test_the_same_decision_changes_nothing(shop: Shop) -> None:
    with shop.of(shop.depot):
        complaint = paid_job(shop, "A-3")
        # Sooner than anything changes by itself; the record is touched by what is done once, and not after.
        shop.at("2026-03-02T03:00:00")
        complaint.click("svc_decide")
        (before,) = (one.write_date for one in Model.get("sale.complaint").find([("id", "=", complaint.id)]))
        decided = complaint.svc_decided_at
        lines = [(one.id, one.write_date) for one in complaint.svc_approvals]
        shop.at("2026-03-02T04:00:00")
        complaint.click("svc_decide")
        assert complaint.svc_decided_at == decided == datetime(2026, 3, 2, 2)
        assert complaint.write_date == before
        assert [(one.id, one.write_date) for one in complaint.svc_approvals] == lines
        # A copy begins without a decision, with the facts.
        copied = Model.get("sale.complaint").copy([complaint], shop.config._context)[0]
        again = Model.get("sale.complaint")(int(copied))
        assert (again.svc_category, again.svc_ticket, list(again.svc_approvals)) == (None, None, [])
        assert {line.fact for line in again.svc_facts} == {"parts_needed", "floor"}
