"""The pages of the staff: all tickets, one with its whole explanation, facts that were found out, what is done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from oscar.views.decorators import permissions_required

from svc_policy.adapters.oscar.asking import question_of, read_answer
from svc_policy.adapters.oscar.facts import check_value, ticket_data, ticket_facts
from svc_policy.adapters.oscar.models import ServiceTicket, StoredDecision
from svc_policy.adapters.oscar.offers import offer_for
from svc_policy.adapters.oscar.pages import View, answered_rows, plainly, say, told_of
from svc_policy.adapters.oscar.policies import current_policy, now, words
from svc_policy.adapters.oscar.storing import decide_and_store
from svc_policy.adapters.oscar.telling import plain
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import message

TICKETS_ON_A_PAGE = 50


def _staff(*permissions: str) -> Any:
    """Let in staff with all of some permissions on tickets, and nobody else."""
    wanted = ["is_staff", *(f"svc_policy.{name}_serviceticket" for name in permissions)]

    def guard(view: View) -> View:
        guarded: View = permissions_required(wanted)(never_cache(plainly(view)))
        return guarded

    return guard


@require_GET
@_staff("view")
def tickets(request: Any) -> Any:
    """List the tickets that were handed in, the newest first; `q` looks for a ticket, an order or a product."""
    current = Prefetch("decisions", StoredDecision.objects.filter(is_current=True), to_attr="current")
    found = ServiceTicket.objects.filter(state=ServiceTicket.HANDED_IN).prefetch_related(current)
    asked = request.GET.get("q", "").strip()[:100]
    if asked:
        found = found.filter(Q(number__iexact=asked) | Q(order_number__iexact=asked) | Q(product__icontains=asked))
    page = Paginator(found, TICKETS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [(one, one.current[0] if one.current else None) for one in page]
    context = {
        "page": page,
        "rows": [(one, decision, told_of(decision) if decision else None) for one, decision in rows],
        "asked": asked,
        "page_title": say(message("After-sales tickets")),
    }
    return render(request, "svc_policy/dashboard/tickets.html", context)


@require_GET
@_staff("view")
def ticket(request: Any, number: str) -> Any:
    """Show a ticket: the decision that holds, its explanation, the facts, earlier decisions."""
    found = _ticket(number)
    policy = current_policy()
    decision = found.decision
    needs = decision.document.get("needs", ()) if decision else ()
    in_words = words(policy)
    known = ticket_facts(policy)
    may_change = request.user.has_perm("svc_policy.change_serviceticket")
    context = {
        "ticket": found,
        "decision": decision,
        "told": told_of(decision) if decision else None,
        "facts": answered_rows(policy, found.facts),
        "open": [
            {"name": in_words.fact(name), "url": reverse("svc_policy:dashboard-ask", args=(number, name))}
            for name in needs
            if name in known
        ],
        "problems": offer_for(found.line).problems if found.line else (),
        "history": found.decisions.all(),
        "is_changed": decision is not None and decision.digest != policy.digest,
        "may_change": may_change,
        "page_title": say(message("Ticket {number}", number=number)),
    }
    return render(request, "svc_policy/dashboard/ticket.html", context)


@require_http_methods(["GET", "POST"])
@_staff("view", "change")
def ask(request: Any, number: str, fact: str) -> Any:
    """Ask the staff for a fact that was not known; POST keeps it and decides again."""
    found = _ticket(number)
    policy = current_policy()
    facts = ticket_facts(policy)
    if fact not in facts:
        raise Http404
    zone = timezone.get_current_timezone()
    wrong = None
    if request.method == "POST":
        today = timezone.localdate(now())
        value, wrong = read_answer(policy, facts[fact], request.POST.get("answer", ""), zone, today=today)
        if wrong is None:
            _change(found, {fact: value})
            messages.success(request, say(message("The ticket is decided again.")))
            return redirect("svc_policy:dashboard-ticket", number=number)
    kept = found.facts.get(fact)
    decision = policy.decide(ticket_data(policy, found.facts, number), at=now())
    answer = None if kept is not None and check_value(policy, fact, kept) else kept
    question = question_of(policy, decision, fact, words(policy), answer=answer, zone=zone)
    context = {
        "ticket": found,
        "question": question,
        "typed": request.POST.get("answer", question.answer),
        "wrong": wrong and plain(wrong.message, words(policy)),
        "advice": wrong and wrong.help and plain(wrong.help, words(policy)),
        "back": reverse("svc_policy:dashboard-ticket", args=(number,)),
        "page_title": say(message("Ticket {number}", number=number)),
    }
    return render(request, "svc_policy/dashboard/ask.html", context, status=422 if wrong else 200)


@require_POST
@_staff("view", "change")
def done(request: Any, number: str, milestone: str) -> Any:
    """Say that a target is done now, and decide again."""
    found = _ticket(number)
    if milestone not in MILESTONES:
        raise Http404
    fact = MILESTONES[milestone]
    if fact not in found.facts:
        _change(found, {fact: now().isoformat(timespec="seconds")})
        messages.success(request, say(message("The ticket is decided again.")))
    return redirect("svc_policy:dashboard-ticket", number=number)


def _ticket(number: str) -> Any:
    return get_object_or_404(ServiceTicket, number=number, state=ServiceTicket.HANDED_IN)


def _change(found: Any, facts: dict[str, Any]) -> None:
    """Add facts to a ticket and decide it again; if that cannot be done, nothing is changed."""
    with transaction.atomic():
        kept = ServiceTicket.objects.select_for_update().get(pk=found.pk)
        kept.facts = {**kept.facts, **facts}
        kept.save(update_fields=["facts"])
        decide_and_store(kept, current_policy(), now())
