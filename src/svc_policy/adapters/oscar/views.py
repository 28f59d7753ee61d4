"""The pages of customers: the offer for a line, the questions one at a time, what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from oscar.core.loading import get_model

from svc_policy.adapters.oscar.asking import Walk, can_go_on, question_of, read_answer, shown_value, walk
from svc_policy.adapters.oscar.configuration import configuration
from svc_policy.adapters.oscar.facts import LineFacts, check_value, facts_of_line, ticket_data, ticket_facts
from svc_policy.adapters.oscar.models import ServiceTicket
from svc_policy.adapters.oscar.offers import offer_for
from svc_policy.adapters.oscar.pages import View, plainly, say, told_of
from svc_policy.adapters.oscar.policies import current_policy, language, now, words
from svc_policy.adapters.oscar.storing import store
from svc_policy.adapters.oscar.telling import plain, told
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

TICKETS_ON_A_PAGE = 20


def _own(view: View) -> View:
    """Let only who is signed in, never keep the page, and show plainly what goes wrong."""
    signed_in: View = login_required(never_cache(plainly(view)), login_url=reverse_lazy("customer:login"))
    return signed_in


def _ticket_of(request: Any, number: str) -> Any:
    """Find a ticket of the customer's own; any other is not there."""
    return get_object_or_404(ServiceTicket.objects.select_related("line__order"), number=number, user=request.user)


def _shown(request: Any, page: str, title: str, context: dict[str, Any], status: int = 200) -> Any:
    """Show a page of the customer's account."""
    whole = {**context, "page_title": title, "active_tab": "after_sales"}
    return render(request, f"svc_policy/{page}.html", whole, status=status)


@require_GET
@_own
def tickets(request: Any) -> Any:
    """List the customer's tickets."""
    found = ServiceTicket.objects.filter(user=request.user).prefetch_related("decisions")
    page = Paginator(found, TICKETS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [(one, told_of(one.decision) if one.decision else None) for one in page]
    return _shown(request, "tickets", say(message("After-sales service")), {"page": page, "rows": rows})


@require_http_methods(["GET", "POST"])
@_own
def line(request: Any, line: int) -> Any:
    """Show the offer for a line; POST begins to report a fault, or goes on with what was begun."""
    lines = get_model("order", "Line").objects.select_related("order", "product")
    found = get_object_or_404(lines, pk=line, order__user=request.user)
    if request.method == "POST":
        ticket, _ = ServiceTicket.objects.get_or_create(
            line=found,
            user=request.user,
            state=ServiceTicket.DRAFT,
            defaults={
                "order_number": found.order.number,
                "product": found.title,
                "currency": found.order.currency,
            },
        )
        return redirect("svc_policy:ticket", number=ticket.number)
    context = {
        "line": found,
        "offer": offer_for(found),
        "tickets": ServiceTicket.objects.filter(line=found, user=request.user),
    }
    return _shown(request, "line", found.title, context)


@require_GET
@_own
def ticket(request: Any, number: str) -> Any:
    """Show what a ticket came to; a draft goes on where it stands."""
    found = _ticket_of(request, number)
    if found.is_draft:
        way = _walk(found)
        if way.question is not None:
            return redirect("svc_policy:ask", number=number, fact=way.question)
        return redirect("svc_policy:check", number=number)
    decision = found.decision
    context = {
        "ticket": found,
        "decision": decision,
        "told": told_of(decision) if decision else None,
    }
    return _shown(request, "ticket", say(message("Ticket {number}", number=found.number)), context)


@require_http_methods(["GET", "POST"])
@_own
def ask(request: Any, number: str, fact: str) -> Any:
    """Ask for one fact; POST keeps the answer and goes on."""
    found = _ticket_of(request, number)
    if not found.is_draft:
        return redirect("svc_policy:ticket", number=number)
    policy = current_policy()
    if request.method == "POST":
        _tell_of_change(request, found, policy)
    # Without the answer itself, the way leads to the question: or it is not asked any more.
    others = {name: value for name, value in found.answers.items() if name != fact}
    way = _walk(found, policy, others)
    if way.question != fact:
        return redirect("svc_policy:ticket", number=number)
    settings = configuration()
    done = {step.fact for step in way.steps}
    is_skippable = can_go_on(policy, way.decision, fact, settings, done)
    zone = timezone.get_current_timezone()
    declared = ticket_facts(policy)[fact]
    wrong = None
    typed = None
    if request.method == "POST":
        typed = request.POST.get("answer", "")
        if request.POST.get("do") == "unknown" and is_skippable:
            value, wrong = None, None
        else:
            value, wrong = read_answer(policy, declared, typed, zone, today=timezone.localdate(now()))
        if wrong is None:
            _keep_answer(found, fact, value, policy)
            return redirect("svc_policy:ticket", number=number)
    kept = found.answers.get(fact)
    is_refused = kept is not None and bool(check_value(policy, fact, kept))
    question = question_of(policy, way.decision, fact, words(policy), answer=None if is_refused else kept, zone=zone)
    back = way.before(fact)
    context = {
        "ticket": found,
        "question": question,
        "typed": typed if typed is not None else question.answer,
        "is_unknown": fact in found.answers and kept is None,
        "is_skippable": is_skippable,
        "is_refused": is_refused,
        "wrong": wrong and plain(wrong.message, words(policy)),
        "advice": wrong and wrong.help and plain(wrong.help, words(policy)),
        "position": len(way.steps) + 1,
        "back": reverse("svc_policy:ask", args=(number, back)) if back else _start_of(found),
        "digest": policy.digest,
    }
    return _shown(request, "ask", say(message("Report a fault")), context, status=422 if wrong else 200)


@require_http_methods(["GET", "POST"])
@_own
def check(request: Any, number: str) -> Any:
    """Show all answers and what they come to; POST hands the ticket in, once."""
    found = _ticket_of(request, number)
    if not found.is_draft:
        return redirect("svc_policy:ticket", number=number)
    policy = current_policy()
    at = now()
    way = _walk(found, policy, at=at)
    if way.question is not None:
        return redirect("svc_policy:ticket", number=number)
    if request.method == "POST":
        if request.POST.get("digest") != policy.digest:
            # What was agreed to is not what would be decided: show it first.
            messages.warning(request, say(_CHANGED))
            return redirect("svc_policy:check", number=number)
        note = request.POST.get("note", "").strip()
        wrong = check_value(policy, "problem", note)
        if not wrong:
            _hand_in(found, policy, note)
            return redirect("svc_policy:ticket", number=number)
        messages.error(request, plain(wrong[0].message, words(policy)))
    zone = timezone.get_current_timezone()
    facts = ticket_facts(policy)
    in_words = words(policy)
    steps = [
        {
            "name": in_words.fact(step.fact),
            "value": shown_value(in_words, policy, facts[step.fact], step.value, zone),
            "url": reverse("svc_policy:ask", args=(number, step.fact)),
        }
        for step in way.steps
    ]
    context = {
        "ticket": found,
        "steps": steps,
        "note": request.POST.get("note", ""),
        "told": told(policy, way.decision, found.currency or None)[language()],
        "back": steps[-1]["url"] if steps else _start_of(found),
        "digest": policy.digest,
    }
    return _shown(request, "check", say(message("Check and send")), context)


@require_POST
@_own
def discard(request: Any, number: str) -> Any:
    """Throw a draft away."""
    found = _ticket_of(request, number)
    if found.is_draft:
        found.delete()
        messages.info(request, say(message("What you had filled in is discarded.")))
    return redirect("svc_policy:tickets")


_CHANGED = message("The after-sales terms have changed meanwhile. Your answers are kept; please look at them again.")


def _tell_of_change(request: Any, found: Any, policy: Policy) -> None:
    """Say once that the terms are others than those the form was begun under."""
    if found.digest and found.digest != policy.digest:
        messages.warning(request, say(_CHANGED))
        ServiceTicket.objects.filter(pk=found.pk).update(digest=policy.digest)


def _walk(found: Any, policy: Policy | None = None, answers: Any = None, at: Any = None) -> Walk:
    """Walk through a draft's answers under the policy as it is now."""
    policy = policy or current_policy()
    settings = configuration()
    return walk(
        policy,
        _line_facts(found, policy),
        found.answers if answers is None else answers,
        at=at or settings.now(),
        configuration=settings,
        number=found.number,
    )


def _line_facts(found: Any, policy: Policy) -> LineFacts:
    # An order may be taken away while its form is half filled in.
    return facts_of_line(found.line, policy, configuration()) if found.line else LineFacts(facts={})


def _start_of(found: Any) -> str:
    if found.line_id is None:
        return str(reverse("svc_policy:tickets"))
    return str(reverse("svc_policy:line", args=(found.line_id,)))


def _keep_answer(found: Any, fact: str, value: Any, policy: Policy) -> None:
    """Keep an answer of a draft, beside those that another window has given meanwhile."""
    with transaction.atomic():
        kept = ServiceTicket.objects.select_for_update().get(pk=found.pk)
        if kept.is_draft:
            kept.answers[fact] = value
            kept.digest = policy.digest
            kept.save(update_fields=["answers", "digest"])


def _hand_in(found: Any, policy: Policy, note: str) -> None:
    """Hand a draft in and store its decision; who comes second finds it done."""
    with transaction.atomic():
        at = now()
        drafts = ServiceTicket.objects.filter(pk=found.pk, state=ServiceTicket.DRAFT)
        # This takes the lock: of two that press the button at once one sees no draft.
        if not drafts.update(state=ServiceTicket.HANDED_IN, handed_in_at=at, digest=policy.digest):
            return
        kept = ServiceTicket.objects.select_related("line__order").get(pk=found.pk)
        way = _walk(kept, policy, at=at)
        facts = dict(way.facts)
        if note and "problem" in ticket_facts(policy):
            facts["problem"] = note
        kept.facts = facts
        kept.answers = {step.fact: step.value for step in way.steps}
        kept.save(update_fields=["facts", "answers"])
        store(kept, policy, policy.decide(ticket_data(policy, facts, kept.number), at=at))
