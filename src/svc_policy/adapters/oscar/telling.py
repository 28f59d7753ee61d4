"""What a page tells of a decision, in both languages, as plain data that is stored beside it.

A policy may change or go; what a customer was told stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.explain.charging import tell_quote
from svc_policy.explain.covering import tell_category, tell_coverage
from svc_policy.explain.listing import tell_remedies, tell_steps
from svc_policy.explain.sentences import Account, Section
from svc_policy.messages import LANGUAGES, Language, Message, message

if TYPE_CHECKING:
    from svc_policy.decision import Decision, Quote, Target
    from svc_policy.explain import Wording
    from svc_policy.policy import Policy

_QUOTED: Final = re.compile("`([^`]*)`")
_COVER: Final[tuple[Callable[[Account], Section], ...]] = (tell_coverage, tell_remedies)


def told(policy: Policy, decision: Decision, currency: str | None = None) -> dict[str, Any]:
    """Tell of a decision in every language.

    Args:
        policy: Who decided.
        decision: What is told.
        currency: That of the order; where it is not the policy's, no price is told.
    """
    return {language: _told(policy, decision, currency, language) for language in LANGUAGES}


def _told(policy: Policy, decision: Decision, currency: str | None, language: Language) -> dict[str, Any]:
    account = Account(decision, policy, language)
    words = account.words
    title = policy.pack.settings.titles[language]
    found: dict[str, Any] = {
        "policy": title,
        "category": category(policy, decision, words),
        "reason": _sentences((tell_category,), account) if decision.category is not None else [],
        "cover": _sentences(_COVER, account),
        "price": price(decision.quote, words, currency),
        "quote": [] if other_currency(policy, currency) else _quote(account),
        "targets": [_target(target, words) for target in decision.targets.values() if _is_told(target)],
        "steps": _sentences((tell_steps,), account),
        "open": [words.fact(name) for name in decision.needs],
        "explanation": policy.explain(decision, language),
    }
    for_customers = _cited(found, "reason", "cover", "quote", "targets")
    cited = {**for_customers, **_cited(found, "steps")}
    clauses = policy.pack.clauses
    found["clauses"] = [
        {
            "id": name,
            "place": clauses[name].place,
            "text": getattr(clauses[name], language),
            "is_for_staff": name not in for_customers,
        }
        for name in cited
        if name in clauses
    ]
    return found


def _cited(found: dict[str, Any], *keys: str) -> dict[str, None]:
    """List the clauses that parts of what is told rest on, each once."""
    return dict.fromkeys(cite for key in keys for item in found[key] for cite in item["cites"])


def _sentences(tellers: Iterable[Callable[[Account], Section]], account: Account) -> list[dict[str, Any]]:
    return [
        {"text": sentence.text, "cites": list(sentence.cites)}
        for tell in tellers
        for sentence in tell(account).sentences
    ]


def _quote(account: Account) -> list[dict[str, Any]]:
    """Tell of a price that is known; of what is free only which rule makes it so, as its sums are all nothing."""
    told_so = _sentences((tell_quote,), account)
    quote = account.decision.quote
    if quote is None or quote.payable is None:
        return []
    return told_so if quote.payable else [one for one in told_so if one["cites"]]


def _is_told(target: Target) -> bool:
    return target.status not in ("not applicable", "cancelled")


def _target(target: Target, words: Wording) -> dict[str, Any]:
    from svc_policy.explain.wording import STATUSES

    name = words.milestone(target.name)
    start = target.rule and words.row(target.rule)
    return {
        "name": name[:1].upper() + name[1:],
        "milestone": target.name,
        "status": target.status,
        "standing": words(STATUSES[target.status]),
        "due": target.due.isoformat() if target.due else None,
        "done": target.end.isoformat() if target.end else None,
        "allowance": words.allowance(target.allowance, target.clock) if target.allowance else "",
        "after": words.milestone(start.text("starts") or "") if start else "",
        "owner": words.label(target.owner),
        "is_later": target.status in ("not started", "undetermined"),
        "needs": words.listed(words.fact(name) for name in target.needs),
        "cites": list(target.rule.cites) if target.rule else [],
    }


def plain(text: Message, words: Wording) -> str:
    """Put what is wrong into the words of a customer: facts by their labels, what was typed in quotation marks."""
    named = {name: one for name, one in text.values.items() if name in ("field", "fact") and one in words.facts}
    if named:
        values = {**text.values, **{name: words.fact(str(one)) for name, one in named.items()}}
        text = attrs.evolve(text, values=values)
    quoted = _QUOTED.sub("“\\1”", words(text))
    # Chinese sets off what stands in backticks, and nothing that stands in quotation marks.
    return quoted.replace(" “", "“").replace("” ", "”") if words.language == "zh" else quoted


def category(policy: Policy, decision: Decision, words: Wording) -> str:
    """Name the category, or what it depends on."""
    if decision.category is not None:
        return words.category(decision.category)
    facts = words.listed(words.fact(name) for name in policy.asked(decision.column("category_needs")))
    return words(message("depends on: {facts}", facts=facts)) if facts else words.category(None)


def other_currency(policy: Policy, currency: str | None) -> bool:
    """Say whether an order is paid in another currency than the policy prices in."""
    return currency is not None and currency != policy.pack.settings.currency


def currency_note(policy: Policy, currency: str) -> Message:
    """Say why there is no price."""
    return message(
        "no price can be given: the order is in {order}, the terms are in {policy}",
        order=currency,
        policy=policy.pack.settings.currency,
    )


def price(quote: Quote | None, words: Wording, currency: str | None) -> str:
    """Say what the customer pays, or what that depends on."""
    if other_currency(words.policy, currency) and currency is not None:
        return words(currency_note(words.policy, currency))
    if quote is None:
        return words(message("the terms name no prices"))
    if quote.payable is None:
        facts = words.listed(dict.fromkeys(words.fact(name) for name in quote.needs))
        return words(message("depends on: {facts}", facts=facts)) if facts else words(message("not known yet"))
    return words.money(quote.payable) if quote.payable else words(message("free of charge"))
