"""The form: what it asks, what it keeps, what becomes of it when the terms change."""

from __future__ import annotations

import ast
import re
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from hosts.oscar.conftest import ROOT, make_line, make_user
from hosts.oscar.visiting import (
    PAID,
    answer,
    asked_now,
    begin,
    client_of,
    raise_price,
    report,
    send,
    text_of,
)


@pytest.fixture(autouse=True)
def state(shop_state, settings_kept):
    return shop_state


def test_what_is_asked_is_what_the_policy_needs_in_its_order():
    from svc_policy import load

    ann = make_user()
    line = make_line(ann, delivered_days_ago=800)
    client = client_of(ann)
    ticket = begin(client, line)
    # Independently: the facts by hand, and the first need each time.
    facts: dict[str, Any] = {"request_kind": "fault", "received_at": "2026-03-02T09:00:00", "customer_kind": "person"}
    facts |= {"purchased_on": "2023-12-21", "delivered_on": "2023-12-23"}
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    asked = []
    while needs := load("mall").decide(facts, at=at).needs:
        asked.append(needs[0])
        assert asked_now(client, ticket) == needs[0]
        value = {**PAID, "parts_needed": False}[needs[0]]
        answer(client, ticket, needs[0], {True: "yes", False: "no"}.get(value, value))  # type: ignore[arg-type,call-overload]
        facts[needs[0]] = value
    assert asked_now(client, ticket) is None
    assert len(asked) > 3


def test_the_setting_of_the_page_asks_only_for_what_a_customer_knows(settings_kept):
    page = (ROOT / "docs" / "oscar.md").read_text(encoding="utf-8")
    found = re.search(r"^SVC_POLICY = (\{.*?^\})", page, re.M | re.S)
    assert found is not None
    settings_kept.SVC_POLICY = {**ast.literal_eval(found[1]), "clock": settings_kept.SVC_POLICY["clock"]}
    ann = make_user()
    client = client_of(ann)
    for days in (90, 800):
        ticket = begin(client, make_line(ann, delivered_days_ago=days))
        asked = []
        while (fact := asked_now(client, ticket)) is not None:
            asked.append(fact)
            assert "This settles:" in text_of(client.get(f"/after-sales/tickets/{ticket.number}/ask/{fact}/"))
            answer(client, ticket, fact, {"on_site": "yes", "cause": "wear"}[fact])
        assert asked == ["on_site", "cause"]
        send(client, ticket)
        told = text_of(client.get(f"/after-sales/tickets/{ticket.number}/"))
        assert "What happens next" not in told
        assert "service technician: answer the customer" not in told.casefold()
        assert "distance by road" in told


def test_the_demo_makes_its_orders_once(capsys):
    from django.core.management import call_command

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for _ in range(2):
            call_command("svc_policy_demo", "ann-of-the-demo@example.com", "--force")
    first, again = (lines := capsys.readouterr().out.splitlines())[:5], lines[5:]
    number = re.match(r"order (\d+): delivered 90 days ago, warranty of the terms$", first[0])
    assert number is not None
    assert again[0] == f"order {number[1]}: made earlier (delivered 90 days ago, warranty of the terms)"
    assert len(first) == len(again) == 5


def test_the_decision_is_stored_with_its_digest():
    from svc_policy import load

    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=800), {**PAID, "parts_needed": False})
    decision = ticket.decision
    assert (decision.policy, decision.digest) == ("mall", load("mall").digest)
    # 70 for a visit within 5 km in 2026, an hour at 90, 13 % on each: 79.10 + 101.70.
    assert (decision.category, decision.payable, decision.currency) == ("A", Decimal("180.80"), "CNY")
    assert decision.document["ticket_id"] == ticket.number
    assert decision.document["quote"]["payable"] == "180.80"
    assert ticket.facts["received_at"] == "2026-03-02T09:00:00+08:00"
    # Passed on within 4 hours of work: 09:00 to 12:00 and 13:00 to 14:00; what is said changes at 80 % of them, 13:12.
    assert decision.document["targets"]["relayed"]["due"] == "2026-03-02T14:00:00+08:00"
    assert decision.next_change_at == datetime(2026, 3, 2, 5, 12, tzinfo=UTC)
    told = text_of(client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"))
    for words in ("A, paid service", "CN¥180.80", "2 Mar 2026, 14:00", "mall-2.2.2b", decision.digest[:12]):
        assert words in told, words
    told = text_of(client_of(ann, "zh-hans").get(f"/after-sales/tickets/{ticket.number}/"))
    for words in ("A 类，有偿服务", "¥180.80", "2026年3月2日 14:00", "我们已收到您于"):
        assert words in told, words


def test_a_page_shows_times_in_the_zone_of_whoever_looks():
    from django.utils import timezone

    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    with timezone.override("Europe/London"):
        assert "2 Mar 2026, 06:00 (Europe/London)" in text_of(
            client_of(ann).get(f"/after-sales/tickets/{ticket.number}/")
        )


def test_who_knows_nothing_can_still_report():
    ann = make_user()
    ticket = report(client_of(ann), make_line(ann, delivered_days_ago=90), {})
    decision = ticket.decision
    assert decision.category is None
    assert "cause" in decision.document["needs"]
    assert ticket.answers["cause"] is None
    assert "cause" not in ticket.facts
    told = text_of(client_of(ann).get(f"/after-sales/tickets/{ticket.number}/"))
    assert "What we find out" in told
    assert "distance by road" in told


def test_what_a_policy_cannot_do_without_must_be_answered(state):
    """A pack that says nothing at all without the one fact it asks for."""
    from django.conf import settings

    folder = state / "strict"
    folder.mkdir(exist_ok=True)
    (folder / "policy.toml").write_text(
        'schema = 1\nid = "strict"\ntitle.en = "Strict"\ntitle.zh = "严"\n'
        'timezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
    )
    (folder / "clauses.csv").write_text("clause,place,en,zh\ns-1,1,One.,一。\n")
    (folder / "category.csv").write_text("rule,cause,then: category,cite\nfree,product,C,s-1\npaid,-,A,s-1\n")
    settings.SVC_POLICY = {"policy": str(folder), "clock": settings.SVC_POLICY["clock"]}
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann))
    assert asked_now(client, ticket) == "cause"
    page = client.get(f"/after-sales/tickets/{ticket.number}/ask/cause/")
    assert "I do not know" not in text_of(page)
    assert answer(client, ticket, "cause", None).status_code == 422
    assert asked_now(client, ticket) == "cause"
    answer(client, ticket, "cause", "wear")
    assert asked_now(client, ticket) is None


def test_an_answer_that_cannot_be_is_refused_where_it_was_given():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann))
    wrong = {
        "on_site": ("perhaps", "Choose one of the answers"),
        "delivered_on": ("2026-03-03", "This day has not come yet"),
        "cause": ("sabotage", "Choose one of the answers"),
        "distance_km": ("far", "Cannot read “far” in “distance by road from the mall to the site”"),
    }
    right = {"on_site": "yes", "delivered_on": "2026-03-02", "cause": "misuse", "distance_km": "800 m"}
    while (fact := asked_now(client, ticket)) is not None:
        if fact in wrong:
            typed, said = wrong.pop(fact)
            response = answer(client, ticket, fact, typed)
            assert response.status_code == 422
            assert said in text_of(response)
            assert answer(client, ticket, fact, "").status_code == 422
        answer(client, ticket, fact, right.get(fact))
    assert not wrong
    ticket.refresh_from_db()
    assert ticket.answers["distance_km"] == "800 m"


def test_an_answer_that_changes_takes_those_with_it_that_are_not_asked_any_more():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, {**PAID, "on_site": "yes"}.get(fact) if fact != "solved_by_telephone" else "no")  # type: ignore[arg-type]
    answer(client, ticket, "on_site", "no")
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, "no")
    send(client, ticket)
    ticket.refresh_from_db()
    assert ticket.facts["on_site"] is False
    assert "distance_km" not in ticket.facts
    assert "labour_hours" not in ticket.facts


def test_a_day_that_the_customer_gives_moves_the_products_own_warranty():
    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, months=24)
    ticket = report(client, line, {"delivered_on": "2024-02-29"})
    # Two years after a leap day is the end of February; less a day.
    assert ticket.facts["warranty_until"] == "2026-02-27"
    assert ticket.decision.document["coverage"]["in_warranty"] is False


def test_pressing_twice_makes_one_draft_one_ticket_one_decision():
    from svc_policy.adapters.oscar.models import ServiceTicket

    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, delivered_days_ago=90)
    ticket = begin(client, line)
    assert begin(client, line) == ticket
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, None)
    first = send(client, ticket)
    digest = ServiceTicket.objects.get(pk=ticket.pk).digest
    second = client.post(f"/after-sales/tickets/{ticket.number}/check/", {"digest": digest})
    assert first.url == second.url == f"/after-sales/tickets/{ticket.number}/"
    assert ServiceTicket.objects.filter(user=ann).count() == 1
    assert ticket.decisions.count() == 1
    # What was handed in is not written over by a page that stood open.
    assert answer(client, ticket, "on_site", "yes").status_code == 302
    ticket.refresh_from_db()
    assert ticket.answers["on_site"] is None


def test_a_draft_is_thrown_away_and_a_ticket_is_not():
    from svc_policy.adapters.oscar.models import ServiceTicket

    ann = make_user()
    client = client_of(ann)
    line = make_line(ann, delivered_days_ago=90)
    ticket = report(client, line, {})
    draft = begin(client, line)
    for one in (ticket, draft):
        client.post(f"/after-sales/tickets/{one.number}/discard/")
    assert list(ServiceTicket.objects.filter(user=ann)) == [ticket]


def test_an_answer_that_the_policy_has_no_word_for_any_more_is_asked_for_again():
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=90))
    ticket.answers = {"on_site": True, "cause": "sabotage"}
    ticket.save()
    assert asked_now(client, ticket) == "cause"
    page = client.get(f"/after-sales/tickets/{ticket.number}/ask/cause/")
    assert "not among the answers of the terms any more" in text_of(page)


def test_terms_that_change_under_the_last_page_are_shown_before_they_are_agreed_to(state):
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    answers = {**PAID, "on_site": "yes", "solved_by_telephone": "no", "parts_needed": "no"}
    while (fact := asked_now(client, ticket)) is not None:
        answer(client, ticket, fact, answers[fact])  # type: ignore[arg-type]
    page = client.get(f"/after-sales/tickets/{ticket.number}/check/")
    assert "CN¥180.80" in text_of(page)
    digest = re.search(r'name="digest" value="(\w+)"', page.content.decode())
    assert digest is not None
    raise_price(state)
    response = client.post(f"/after-sales/tickets/{ticket.number}/check/", {"digest": digest[1]}, follow=True)
    ticket.refresh_from_db()
    assert ticket.is_draft
    assert "The after-sales terms have changed meanwhile" in text_of(response)
    # 80 for the visit now: 90.40 + 101.70.
    assert "CN¥192.10" in text_of(response)
    send(client, ticket)
    ticket.refresh_from_db()
    assert ticket.decision.payable == Decimal("192.10")
    assert ticket.decision.digest != digest[1]


def test_terms_that_change_between_questions_are_told_once(state):
    ann = make_user()
    client = client_of(ann)
    ticket = begin(client, make_line(ann, delivered_days_ago=800))
    answer(client, ticket, "on_site", "yes")
    raise_price(state)
    following = asked_now(client, ticket)
    assert following is not None
    answer(client, ticket, following, None)
    page = text_of(client.get(f"/after-sales/tickets/{ticket.number}/", follow=True))
    assert "The after-sales terms have changed meanwhile" in page
    page = text_of(client.get(f"/after-sales/tickets/{ticket.number}/", follow=True))
    assert "The after-sales terms have changed meanwhile" not in page


def test_a_changed_policy_that_does_not_load_leaves_the_one_in_use(state, caplog):
    from svc_policy.adapters.oscar.policies import current_policy

    before = current_policy().digest
    fees = state / "mall" / "fees.csv"
    fees.write_text(fees.read_text(encoding="utf-8").replace("70 CNY", "70 beans"), encoding="utf-8")
    assert current_policy().digest == before
    assert "70 beans" in caplog.text
    raise_price(state, "70 beans")
    assert current_policy().digest != before
