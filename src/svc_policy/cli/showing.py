"""Show a decision or a quote as short tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from svc_policy.cli.session import Session
from svc_policy.cli.showing_materials import show_materials
from svc_policy.cli.showing_matters import show_judgement, show_procedures, show_standing
from svc_policy.decision import Decision, Item, Penalty, Quote, RuleUse
from svc_policy.explain.charging import line_name
from svc_policy.explain.covering import speaks_of_coverage
from svc_policy.explain.sentences import Account
from svc_policy.explain.wording import STATUSES, YES_NO, Wording
from svc_policy.messages import Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_COVERAGE = {
    "in_warranty": message("in warranty"),
    "warranty_end": message("last day of warranty"),
    "excluded": message("excluded"),
    "covered": message("covered"),
    "in_contract": message("in contract"),
}


def show_decision(session: Session, policy: Policy, decision: Decision) -> None:
    """Show everything that a decision says, shortly."""
    words = Wording(policy, session.language)
    _show_head(session, policy, decision)
    _show_coverage(session, words, decision)
    show_standing(session, words, decision)
    _show_targets(session, words, decision)
    if decision.materials is not None:
        show_materials(session, words, decision.materials)
    if decision.quote is not None:
        session.write()
        _show_quote(session, words, decision, decision.quote)
    show_judgement(session, words, policy, decision)
    _show_approvals(session, words, decision)
    _show_penalties(session, words, decision.penalties)
    _show_escalations(session, words, decision.escalations)
    _show_overrides(session, words, policy, decision)
    show_procedures(session, words, decision)
    _show_next(session, words, decision)


def show_quote(session: Session, policy: Policy, decision: Decision) -> None:
    """Show the quote and what to ask to complete it."""
    words = Wording(policy, session.language)
    _show_head(session, policy, decision)
    _show_category(session, words, decision)
    session.write()
    if decision.quote is None:
        session.write(message("the policy prices nothing"))
        return
    _show_quote(session, words, decision, decision.quote)
    needs = decision.quote.needs or decision.needs
    if needs:
        session.write()
        session.write(message("ask next: {needs}", needs=_asked(words, needs)))


def _show_head(session: Session, policy: Policy, decision: Decision) -> None:
    title = policy.pack.settings.titles[session.language]
    session.write(message("{title} ({policy})", title=title, policy=f"{policy.id}@{policy.digest[:12]}"))
    if decision.ticket.ticket_id:
        session.write(message("ticket: {ticket}", ticket=decision.ticket.ticket_id))
    session.write(message("as of: {at}", at=shown(policy.instant(decision.at_s))))


def _show_category(session: Session, words: Wording, decision: Decision) -> None:
    if words.policy.pack.rows.get("category"):
        session.write(message("category: {category}", category=words.category(decision.category)))


def _show_coverage(session: Session, words: Wording, decision: Decision) -> None:
    _show_category(session, words, decision)
    if not speaks_of_coverage(words.policy, decision):
        return
    coverage = decision.coverage
    shown_values = []
    for name, label in _COVERAGE.items():
        value = getattr(coverage, name)
        if name == "warranty_end" and value is None:
            continue
        if isinstance(value, date):
            text = value.isoformat()
        else:
            text = words(STATUSES["undetermined"] if value is None else YES_NO[value])
        shown_values.append(words(message("{name}: {value}", name=words(label), value=text)))
    session.write(message("coverage: {values}", values=words.parted(shown_values)))
    for item in coverage.exclusions:
        session.write(message("excluded: {reason}", reason=words.label(item.cells.get("reason")) + cited(item.rule)))


def _show_targets(session: Session, words: Wording, decision: Decision) -> None:
    rows = [
        (
            words.milestone(target.name),
            words(STATUSES[target.status]),
            shown(target.due) or _in_brackets(shown(target.due_if_resumed_now)),
            words.share(target.used_share) if target.used_share is not None else "",
            words.label(target.owner),
            _cites(target.rule),
        )
        for target in decision.targets.values()
        if target.status != "not applicable"
    ]
    if rows:
        session.write()
        headings = (
            message("target"),
            message("status"),
            message("due"),
            message("used"),
            message("owner"),
            message("clauses"),
        )
        session.table(headings, rows, right="...r")


def _show_quote(session: Session, words: Wording, decision: Decision, quote: Quote) -> None:
    account = Account(decision, words.policy, words.language)
    rows: list[tuple[str, str, str]] = []
    for line in quote.lines:
        name = line_name(account, line)
        rows.append((session.words(name), _amount(words, line.amount), _cites(line.rule)))
    rows.append((words(message("subtotal")), _amount(words, quote.subtotal), ""))
    if quote.discount:
        rows.append((words(message("discount")), _amount(words, -quote.discount), ""))
    if quote.tax_rate is not None or quote.tax:
        tax = message("tax in the prices") if quote.prices_include_tax else message("tax")
        rows.append((words(tax), _amount(words, quote.tax), ""))
    rows.append((words(message("total")), _amount(words, quote.total), ""))
    heading = message("amount ({currency})", currency=quote.currency)
    session.table((message("line"), heading, message("clauses")), rows, right=".r")
    if quote.payer is not None:
        session.write(message("paid by: {payer}", payer=words.label(quote.payer)))
    if quote.illustrative:
        session.write(message("the figures are illustrative: the source does not give them"))
    for item in decision.items("confirmations"):
        reason = words.label(item.cells.get("reason")) + cited(item.rule)
        if quote.needs_confirmation is False:
            session.write(message("confirmed by the customer: {reason}", reason=reason))
        else:
            session.write(message("to be confirmed by the customer: {reason}", reason=reason))


def _show_approvals(session: Session, words: Wording, decision: Decision) -> None:
    _lines(
        session,
        message("approvals"),
        (
            words.label(item.cells["approver"]) + ": " + words.label(item.cells["subject"]) + cited(item.rule)
            for item in decision.approvals
        ),
    )


def _show_penalties(session: Session, words: Wording, penalties: Iterable[Penalty]) -> None:
    lines = []
    for penalty in penalties:
        if penalty.amount is not None:
            figure = _amount(words, penalty.amount)
        elif penalty.least is not None or penalty.most is not None:
            figure = f"{_amount(words, penalty.least)}..{_amount(words, penalty.most)}"
        else:
            figure = words(message("open"))
        if penalty.decided_by and penalty.amount is None:
            figure += words(message(" (decided by {role})", role=words.role(penalty.decided_by)))
        about = words.milestone(penalty.target) if penalty.target else ""
        if penalty.incident is not None:
            about = words(message("incident no. {number}", number=penalty.incident))
        lines.append(f"{words.label(penalty.liable)}: {figure}, {about}{cited(penalty.rule)}")
    _lines(session, message("penalties"), lines)


def _show_escalations(session: Session, words: Wording, items: Iterable[Item]) -> None:
    lines = []
    for item in items:
        level = words(message("level {level}", level=item.cells["level"]))
        about = words.label(item.cells.get("action"))
        if item.cells["target"] is not None:
            about = words.milestone(item.cells["target"])
        subject = f"{about} → " if about else ""
        lines.append(f"{level}: {subject}{words.label(item.cells['notify'])}{cited(item.rule)}")
    _lines(session, message("escalations"), lines)


def _show_overrides(session: Session, words: Wording, policy: Policy, decision: Decision) -> None:
    lines = []
    for override in policy.overrides(decision):
        verdict = message("accepted") if override.accepted else message("refused")
        kind = words.value(words.facts["override_kind"], override.kind)
        amount = _amount(words, override.amount)
        lines.append(f"{words(verdict)}: {kind} {amount}, {words.label(override.role)}, {override.reason or '-'}")
    _lines(session, message("overrides"), lines)


def _show_next(session: Session, words: Wording, decision: Decision) -> None:
    if decision.needs or decision.next_change_at:
        session.write()
    if decision.needs:
        session.write(message("ask next: {needs}", needs=_asked(words, decision.needs)))
    if decision.next_change_at is not None:
        session.write(message("next change: {at}", at=shown(decision.next_change_at)))
    if sys.stdout.isatty():
        session.note(message("`svc-policy explain` says why"))


def _lines(session: Session, heading: Message, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        session.write()
        session.write(heading)
        for line in found:
            session.write(f"  {line}")


def _asked(words: Wording, names: Iterable[str]) -> str:
    return words.listed(f"{words.fact(name)} ({name})" for name in names)


def _amount(words: Wording, amount: Decimal | None) -> str:
    return words(STATUSES["undetermined"]) if amount is None else f"{amount}"


def _in_brackets(text: str) -> str:
    """Mark an instant that holds only if the clock ran on from now."""
    return f"({text})" if text else ""


def _cites(rule: RuleUse | None) -> str:
    return " ".join(rule.cites) if rule else ""


def cited(rule: RuleUse | None) -> str:
    """Give the clauses of a rule in brackets, with a space before them."""
    return f" [{_cites(rule)}]" if rule and rule.cites else ""


def shown(at: datetime | None) -> str:
    """Write an instant of the policy's zone, to the minute where that is exact, with its offset."""
    if at is None:
        return ""
    return at.isoformat(sep=" ", timespec="seconds" if at.second else "minutes")
