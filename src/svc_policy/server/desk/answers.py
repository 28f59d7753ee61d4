"""Put a decision into what the desk shows: the answer in large, targets, the quote, sentences, and their clauses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from svc_policy.decision import Decision, QuoteLine, Target
from svc_policy.explain import tell
from svc_policy.explain.charging import line_name
from svc_policy.explain.covering import Cover, cover_in_short
from svc_policy.explain.listing import REMEDIES
from svc_policy.explain.sentences import Account
from svc_policy.explain.wording import CATEGORIES, STATUSES
from svc_policy.messages import Language, message
from svc_policy.policy.due import AWAITED, next_due
from svc_policy.server.desk.questions import named
from svc_policy.server.desk.rows import Cited
from svc_policy.server.desk.timeline import timeline_of

if TYPE_CHECKING:
    from svc_policy.policy import Policy

#: How a status is to be taken: done, waited for, or something to act on.
_TONES: Final = {
    "met": "good",
    "pending": "waiting",
    "not started": "quiet",
    "on hold": "held",
    "late": "bad",
    "breached": "bad",
    "cancelled": "quiet",
    "undetermined": "open",
}
#: Whether a case is covered, by what covers it.
_STATES: Final[Mapping[Cover, str]] = {
    "warranty": "yes",
    "contract": "yes",
    "undetermined": "open",
    "excluded": "no",
    "none": "no",
}
#: The sections of an explanation that the desk shows by themselves; the others stand together.
_MAIN: Final = ("standing", "coverage", "remedies", "category", "targets", "quote", "materials", "settlement")
_MATTERS: Final = ("compensation", "approvals", "penalties", "escalations", "overrides")


def answer_of(policy: Policy, decision: Decision, language: Language) -> dict[str, Any]:
    """Give everything that the first tab shows of a decision, in words of one language.

    Instants are given twice: in epoch seconds, to be drawn, and in words of the policy's zone.
    """
    cited = Cited(decision, policy, language)
    account = Account(decision, policy, language)
    words = account.words
    at = _local(policy, decision.at_s)
    targets = [_target(account, cited, target) for target in decision.targets.values()]
    shown = [one for one in targets if one["status"] != "not applicable"]
    change = decision.next_change_at
    quote = _quote(account, cited)
    verdict = _verdict(account, cited, shown, quote)
    sections = [
        {
            "id": name,
            "group": "main" if name in _MAIN else "matter" if name in _MATTERS else "more",
            "heading": words(section.heading),
            "sentences": [{"text": one.text, "rules": cited.keys(one.rules)} for one in section.sentences],
        }
        for name, section in tell(decision, policy, language).items()
        if name != "next"
    ]
    return {
        "schema": 1,
        "policy": named(policy),
        "at": {"s": decision.at_s, "local": at.replace(tzinfo=None).isoformat(), "text": words.instant(at)},
        "zone": policy.pack.settings.timezone,
        "verdict": verdict,
        "summary": _summary(account, verdict),
        "needs": [{"fact": name, "label": words.fact(name)} for name in decision.needs],
        "next_change": None if change is None else {"s": int(change.timestamp()), "text": words.instant(change)},
        "targets": shown,
        "timeline": timeline_of(policy, decision, words),
        "quote": quote,
        "sections": sections,
        **cited.entries(),
    }


def _local(policy: Policy, at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, policy.zone)


def _verdict(
    account: Account, cited: Cited, targets: list[dict[str, Any]], quote: dict[str, Any] | None
) -> dict[str, Any]:
    """Answer in large: what kind of service, whether it is covered, what it costs, what is due next."""
    policy, decision, words = account.policy, account.decision, account.words
    found: dict[str, Any] = {"category": None, "coverage": None, "remedies": None, "cost": None, "due": None}
    if policy.pack.rows.get("category"):
        name = decision.category
        found["category"] = {
            "name": name,
            "meaning": words(CATEGORIES[name]) if name is not None and name in CATEGORIES else words.category(name),
            "rules": cited.keys(account.fired("category")),
        }
    short = cover_in_short(policy, decision, words)
    if short is not None:
        rules = [use for table in ("warranty", "exclusions", "entitlements") for use in account.fired(table)]
        found["coverage"] = {
            "state": _STATES[short.cover],
            "text": words(short.text),
            "detail": short.detail,
            "rules": cited.keys(rules),
        }
    if policy.pack.rows.get("remedies"):
        items = [item for item in decision.items("remedies") if item.rule.certain]
        named_ones = [words(REMEDIES[item.cells["remedy"]]) for item in items]
        is_open = bool(account.needs("remedies"))
        text = words.listed(named_ones) or words(STATUSES["undetermined"] if is_open else message("none"))
        found["remedies"] = {
            "text": text,
            "state": "yes" if named_ones else "open" if is_open else "no",
            "rules": cited.keys(item.rule for item in items),
        }
    if quote is not None:
        found["cost"] = {
            name: quote[key] for name, key in (("text", "payable"), ("payer", "other_payer"), ("state", "state"))
        }
    first = next_due(policy, decision)
    if first is not None:
        due = next(one for one in targets if one["name"] == first.name)
        found["due"] = {key: due[key] for key in ("label", "due_text", "left", "tone", "owner")}
    return found


def _target(account: Account, cited: Cited, target: Target) -> dict[str, Any]:
    words = account.words
    due = target.due or target.due_if_resumed_now
    due_text = ""
    if target.due is not None:
        due_text = words.instant(target.due)
    elif target.due_if_resumed_now is not None:
        due_text = words(message("{instant}, if it went on now", instant=words.instant(target.due_if_resumed_now)))
    left = ""
    if target.time_left is not None and target.status in AWAITED:
        span = words.span(target.time_left)
        overdue = target.time_left.total_seconds() < 0
        left = words(message("{span} overdue", span=span) if overdue else message("{span} left", span=span))
    return {
        "name": target.name,
        "label": words.milestone(target.name),
        "status": target.status,
        "status_text": words(STATUSES[target.status]),
        "tone": _TONES.get(target.status, "quiet"),
        "start": _seconds(target.start),
        "due": _seconds(due),
        "end": _seconds(target.end),
        "is_held": target.due is None and target.due_if_resumed_now is not None,
        "due_text": due_text,
        "end_text": "" if target.end is None else words.instant(target.end),
        "left": left,
        "allowance": words.allowance(target.allowance, target.clock) if target.allowance else "",
        "owner": words.label(target.owner),
        "used": None if target.used_share is None else words.share(target.used_share),
        "needs": account.asked(target.needs),
        "rules": cited.keys([target.rule]),
    }


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _quote(account: Account, cited: Cited) -> dict[str, Any] | None:
    """Lay the quote out: its lines, the sums, who pays, what the customer must confirm."""
    decision, words = account.decision, account.words
    quote = decision.quote
    if quote is None:
        return None

    def amount(value: Decimal | None) -> str:
        return words(message("open")) if value is None else words.money(value)

    def line(one: QuoteLine) -> dict[str, Any]:
        name = line_name(account, one)
        return {
            "label": name if isinstance(name, str) else words(name),
            "amount": amount(one.amount),
            "is_open": one.amount is None,
            "rules": cited.keys([one.rule]),
        }

    sums = [(words(message("subtotal")), amount(quote.subtotal))]
    if quote.discount:
        sums.append((words(message("discount")), words.money(-quote.discount)))
    if quote.tax_rate is not None or quote.tax:
        tax = message("tax in the prices") if quote.prices_include_tax else message("tax")
        rate = "" if quote.tax_rate is None else f" ({words.rate(quote.tax_rate)})"
        sums.append((words(tax) + rate, amount(quote.tax)))
    sums.append((words(message("total")), amount(quote.total)))
    notes = (
        [words(message("the figures are illustrative: the source does not give them"))] if quote.illustrative else []
    )
    confirmed = quote.needs_confirmation is False
    is_open = (quote.payer == "customer" and quote.payable is None) or (quote.payer is None and quote.total is None)
    return {
        "lines": [line(one) for one in quote.lines],
        "sums": [{"label": label, "amount": text} for label, text in sums],
        "payable": amount(quote.payable if quote.payer == "customer" else quote.total),
        "payer": "" if quote.payer is None else words.label(quote.payer),
        "other_payer": "" if quote.payer in (None, "customer") else words.label(quote.payer),
        "state": "open" if is_open else "customer" if quote.payer == "customer" and quote.payable else "free",
        "notes": notes,
        "confirmations": [
            {
                "text": words(
                    message("confirmed by the customer: {reason}", reason=words.label(item.cells.get("reason")))
                    if confirmed
                    else message(
                        "to be confirmed by the customer: {reason}", reason=words.label(item.cells.get("reason"))
                    )
                ),
                "is_open": not confirmed,
                "rules": cited.keys([item.rule]),
            }
            for item in decision.items("confirmations")
        ],
    }


def _summary(account: Account, verdict: dict[str, Any]) -> str:
    """Say the answer in large as sentences, for whoever listens to the page."""
    words = account.words
    said = []
    category, coverage, cost, due = (verdict[name] for name in ("category", "coverage", "cost", "due"))
    if category is not None:
        said.append(message("Category: {category}.", category=words.category(category["name"])))
    if coverage is not None:
        text = words.listed(part for part in (coverage["text"], coverage["detail"]) if part)
        said.append(message("Coverage: {coverage}.", coverage=text))
    if verdict["remedies"] is not None:
        said.append(message("Entitled to: {remedies}.", remedies=verdict["remedies"]["text"]))
    if cost is not None:
        said.append(message("Cost: {amount}.", amount=cost["text"]))
    if due is not None:
        said.append(message("Due next: {target}, {instant}.", target=due["label"], instant=due["due_text"]))
    if account.decision.needs:
        said.append(message("Ask next: {needs}.", needs=words.fact(account.decision.needs[0])))
    else:
        said.append(message("Nothing is left to ask."))
    return ("" if words.language == "zh" else " ").join(map(words, said))
