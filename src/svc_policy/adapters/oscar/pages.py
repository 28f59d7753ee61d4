"""What the pages of customers and of the staff have in common."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.shortcuts import render
from django.utils import timezone

from svc_policy.adapters.oscar.policies import language, words
from svc_policy.errors import PolicyError, TicketError
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

View = Callable[..., Any]
_LOG: Final = logging.getLogger("svc_policy")


def say(template: Message) -> str:
    """Put a message into the words of whoever looks at the page."""
    return template.text(language())


def plainly(view: View) -> View:
    """Show what is wrong on a page where a policy or a ticket cannot be read: facts are named, nothing is lost."""

    @functools.wraps(view)
    def shown(request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except PolicyError as error:
            _LOG.error("%s: %s", request.path, ", ".join(found.code for found in error.problems))
            said = [found.message.text(language()) for found in error.problems]
            context = {
                "page_title": say(message("After-sales service")),
                # What is wrong with the pack is no matter of the customer's; what is wrong with the facts is.
                "problems": said if isinstance(error, TicketError) or request.user.is_staff else (),
                "number": kwargs.get("number"),
            }
            return render(request, "svc_policy/trouble.html", context, status=503)

    return shown


def answered_rows(policy: Policy, facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """List facts with their labels and values, in the order of the ticket."""
    from svc_policy.adapters.oscar.asking import shown_value
    from svc_policy.adapters.oscar.facts import check_value, ticket_facts

    in_words = words(policy)
    zone = timezone.get_current_timezone()
    rows = []
    for name, fact in ticket_facts(policy).items():
        value = facts.get(name)
        if value is not None:
            readable = not check_value(policy, name, value)
            shown = shown_value(in_words, policy, fact, value, zone) if readable else str(value)
            rows.append({"name": in_words.fact(name), "value": shown})
    return rows


def told_of(decision: Any) -> Mapping[str, Any]:
    """Give what is told of a stored decision in the language of whoever looks."""
    texts: Mapping[str, Mapping[str, Any]] = decision.texts
    return texts.get(language()) or texts.get("en") or {}
