"""The after-sales offer for a line of an order: covered until, and what a fault reported today would be."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.adapters.oscar.configuration import Configuration, configuration
from svc_policy.adapters.oscar.facts import LineFacts, facts_of_line, ticket_data, ticket_facts
from svc_policy.adapters.oscar.policies import current_policy, language, words
from svc_policy.adapters.oscar.telling import category, plain, price
from svc_policy.errors import PolicyError, Problem
from svc_policy.explain.covering import cover_in_short, covered_by, warranty_standing
from svc_policy.messages import message

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.explain import Wording
    from svc_policy.policy import Policy

_LOG: Final = logging.getLogger("svc_policy")


@attrs.frozen(kw_only=True)
class Branch:
    """What it would be in one case: `case` says which, as in `cause: wear`."""

    case: str
    category: str
    price: str


@attrs.frozen(kw_only=True)
class Offer:
    """What the policy says of a line today, in the words of whoever looks.

    `standing` is ``covered``, ``over``, ``none`` (there is no warranty, or it
    covers no fault of this product) or ``unknown``; `until` the last day of the
    warranty. `branches` are there where the
    category depends on one answer. `missing` says which facts of the order are
    not there and why; `problems` are for whoever keeps the shop's data. `trouble`
    says why there is no offer at all.
    """

    line: Any
    standing: str = "unknown"
    until: date | None = None
    cover: str = ""
    category: str = ""
    price: str = ""
    branches: tuple[Branch, ...] = ()
    missing: tuple[str, ...] = ()
    is_illustrative: bool = False
    problems: tuple[Problem, ...] = ()
    trouble: str = ""


def offer_for(line: Any, at: datetime | None = None) -> Offer:
    """Make the offer for a line; whatever goes wrong is told in it and logged.

    Args:
        line: A line of an order, of Oscar's model.
        at: The instant at which a fault would be reported; now unless given.
    """
    try:
        settings = configuration()
        policy = current_policy()
        return _offer(line, policy, settings, settings.now() if at is None else at)
    except PolicyError as error:
        _LOG.error("no after-sales offer for line %s: %s", line.pk, error.render())
        return Offer(line=line, trouble=message("the after-sales terms cannot be told just now").text(language()))


def _offer(line: Any, policy: Policy, settings: Configuration, at: datetime) -> Offer:
    say = words(policy)
    read = facts_of_line(line, policy, settings)
    decision = _decide(policy, read.facts, at)
    coverage = decision.coverage
    standing = _standing(policy, decision)
    quote = decision.quote
    return Offer(
        line=line,
        standing=standing,
        until=coverage.warranty_end,
        cover=_cover(policy, decision, standing, say),
        category=category(policy, decision, say),
        price=price(quote, say, line.order.currency),
        branches=tuple(_branches(line, policy, read, decision, at, say)),
        missing=tuple(_missing(policy, read, decision, say)),
        is_illustrative=quote is not None and quote.illustrative,
        problems=read.problems,
    )


def _decide(policy: Policy, facts: Any, at: datetime) -> Decision:
    stated = {**facts, "received_at": at.isoformat(timespec="seconds")}
    return policy.decide(ticket_data(policy, stated), at=at)


def _standing(policy: Policy, decision: Decision) -> str:
    """Say how a product stands of which no fault is told: by its warranty, unless more is certain already."""
    if covered_by(policy, decision) in ("warranty", "contract"):
        return "covered"
    runs = "none" if decision.coverage.covered is False else "covered"
    known = {"runs": runs, "over": "over", "none": "none", "undetermined": "unknown"}
    return known[warranty_standing(decision.coverage)]


def _cover(policy: Policy, decision: Decision, standing: str, say: Wording) -> str:
    coverage, end = decision.coverage, decision.coverage.warranty_end
    short = cover_in_short(policy, decision, say)
    if short is None:
        return say(message("the terms say nothing of a warranty"))
    if short.cover == "contract" or (coverage.in_warranty and standing == "none"):
        return say.parted(part for part in (say(short.text), short.detail) if part)
    if standing == "covered" and end is not None:
        return say(message("covered until {day}", day=say.day(end)))
    if standing == "over" and end is not None:
        return say(message("cover ended on {day}", day=say.day(end)))
    if standing == "unknown":
        # What decides whether this fault is covered is another matter.
        needs = say.listed(say.fact(name) for name in policy.asked(decision.column("in_warranty_needs")))
        return say(message("how long it is covered depends on: {facts}", facts=needs))
    return say(message("covered") if standing == "covered" else message("not covered"))


def _branches(
    line: Any, policy: Policy, read: LineFacts, decision: Decision, at: datetime, say: Wording
) -> Iterator[Branch]:
    """Decide each answer to the one question on which the category depends."""
    needs = policy.asked(decision.column("category_needs"))
    facts = ticket_facts(policy)
    if decision.category is not None or len(needs) != 1 or needs[0] not in facts:
        return
    fact = facts[needs[0]]
    answers: tuple[Any, ...] = (True, False) if fact.kind == "bool" else tuple(fact.values)
    for answer in answers:
        found = _decide(policy, {**read.facts, fact.name: answer}, at)
        yield Branch(
            case=say(message("{name}: {value}", name=say.fact(fact.name), value=say.value(fact, answer))),
            category=category(policy, found, say),
            price=price(found.quote, say, line.order.currency),
        )


def _missing(policy: Policy, read: LineFacts, decision: Decision, say: Wording) -> Iterator[str]:
    """Say of what the decision needs and the order should have given why it did not."""
    needed = {*decision.needs, *decision.coverage.needs}
    if decision.coverage.warranty_end is not None:
        # It says when the policy's own length ends, and the product may have another one.
        needed.add("warranty_until")
    for unfilled in read.unfilled:
        if unfilled.fact in needed:
            reason = plain(unfilled.reason, say)
            yield say(message("{fact} is missing: {reason}", fact=say.fact(unfilled.fact), reason=reason))
