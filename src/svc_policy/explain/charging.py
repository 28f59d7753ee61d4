"""Tell of money: the quote line by line, who pays, what to confirm, overrides, penalties."""

from __future__ import annotations

from svc_policy.decision import OverrideUse, Penalty, Quote, QuoteLine
from svc_policy.explain.covering import part_name
from svc_policy.explain.sentences import Account, Section
from svc_policy.explain.stocking import charged_material
from svc_policy.messages import Message, message


def tell_quote(account: Account) -> Section:
    """Say what each line costs, the tax, the total, who pays, and what the customer must confirm first."""
    quote = account.decision.quote
    if quote is not None:
        for line in quote.lines:
            _tell_line(account, line)
        _tell_total(account, quote)
        if quote.illustrative:
            tables = account.words.both(account.words(TABLES[name]) for name in _illustrative(account, quote))
            account.say(
                message("The figures of {tables} are illustrative: the source does not give them.", tables=tables)
            )
    _tell_confirmation(account)
    return account.section(message("Quote"))


#: What the tables with figures are called in a sentence.
TABLES = {
    "fees": message("the fees"),
    "part_fees": message("the parts"),
    "surcharges": message("the surcharges"),
    "processing": message("the processing"),
}


PROCESSING_NEEDS = "line_processing_fee_needs"


def _illustrative(account: Account, quote: Quote) -> list[str]:
    named = account.policy.pack.settings.illustrative
    return [
        name for name in TABLES if name in named and any(line.rule and line.rule.table == name for line in quote.lines)
    ]


def line_name(account: Account, line: QuoteLine) -> Message | str:
    """Name a line of the quote: a part with its quantity, or the label of its fee."""
    if line.material is not None:
        return charged_material(account, line)
    if line.part is None:
        return account.words.label(line.line)
    name = part_name(account.decision.ticket.parts[line.part - 1].part_no, line.part)
    return message("{part} × {quantity}", part=name, quantity=line.quantity) if (line.quantity or 1) > 1 else name


def _tell_line(account: Account, line: QuoteLine) -> None:
    name = line_name(account, line)
    because = account.because(line.rule)
    if line.amount is None:
        needs = account.needs(f"fee_{line.line}")
        if line.part is not None:
            found = account.policy.child_column(account.decision, "part", line.part - 1, "part_amount_needs")
            needs = account.asked(account.policy.asked(found))
        if line.material is not None:
            column = "line_goods_needs" if line.rule is None or line.rule.table == "materials" else PROCESSING_NEEDS
            found = account.policy.child_column(account.decision, "material", line.material - 1, column)
            needs = account.asked(account.policy.asked(found))
        account.say_unknown(message("the amount of “{line}”", line=name), needs, line.rule)
    elif line.amount == 0:
        account.say(message("“{line}” costs nothing{because}.", line=name, because=because), line.rule)
    else:
        account.say(
            message(
                "“{line}” costs {amount}{because}.", line=name, amount=account.words.money(line.amount), because=because
            ),
            line.rule,
        )


def _tell_total(account: Account, quote: Quote) -> None:
    words = account.words
    if quote.total is None or quote.subtotal is None:
        account.say_unknown(message("the total"), account.asked(quote.needs))
    elif not quote.lines:
        account.say(message("Nothing is charged."))
    else:
        if quote.discount:
            account.say(
                message(
                    "The lines come to {subtotal}, less a discount of {discount}.",
                    subtotal=words.money(quote.subtotal),
                    discount=words.money(quote.discount),
                )
            )
        else:
            account.say(message("The lines come to {subtotal}.", subtotal=words.money(quote.subtotal)))
        _tell_tax(account, quote)
        account.say(message("The total is {total}.", total=words.money(quote.total)))
    _tell_payer(account, quote)


def _tell_tax(account: Account, quote: Quote) -> None:
    words = account.words
    if quote.tax is None or (quote.tax_rate is None and not quote.tax):
        return
    values = {
        "tax": words.money(quote.tax),
        "rate": message(" ({rate})", rate=words.rate(quote.tax_rate)) if quote.tax_rate is not None else "",
    }
    if quote.prices_include_tax:
        account.say(message("The prices include tax{rate} of {tax}.", **values))
    else:
        account.say(message("Tax{rate} adds {tax}.", **values))


def _tell_payer(account: Account, quote: Quote) -> None:
    words = account.words
    rules = account.fired("payers")
    if quote.payer is None:
        if "payer" in account.policy.plan.names("ticket"):
            account.say_unknown(message("who pays"), account.needs("payer") or account.needs("payers"), *rules)
        return
    because = account.because(rules[0]) if rules else ""
    if quote.payer == "customer":
        if quote.payable is not None:
            account.say(
                message("The customer pays {amount}{because}.", amount=words.money(quote.payable), because=because),
                *rules,
            )
        else:
            account.say(message("The customer pays{because}.", because=because), *rules)
    else:
        account.say(
            message(
                "The cost is borne by {payer}{because}; the customer pays nothing.",
                payer=words.role(quote.payer),
                because=because,
            ),
            *rules,
        )


def _tell_confirmation(account: Account) -> None:
    decision, words = account.decision, account.words
    items = decision.items("confirmations")
    quote = decision.quote
    needed = quote.needs_confirmation if quote else None
    confirmed = decision.ticket.confirmed_at
    for item in items:
        reason = words.label(item.cells.get("reason"))
        if confirmed is not None:
            at = words.instant(confirmed.astimezone(account.policy.zone))
            account.say(
                message("What the customer had to confirm was confirmed on {at}: {reason}.", at=at, reason=reason),
                item.rule,
            )
        else:
            account.say(message("Before the service the customer must confirm: {reason}.", reason=reason), item.rule)
    if needed and not items:
        account.say(message("Before the service the customer must confirm the charge."))
    if needed is None and quote is not None:
        account.say_unknown(message("whether the customer must confirm first"), account.needs("needs_confirmation"))


def tell_overrides(account: Account) -> Section:
    """Say what was granted by whom, and whether it counts."""
    for number, override in enumerate(account.policy.overrides(account.decision), start=1):
        _tell_override(account, override, number)
    return account.section(message("Overrides"))


def _tell_override(account: Account, override: OverrideUse, number: int) -> None:
    words = account.words
    kind = words.value(words.facts["override_kind"], override.kind)
    values = {
        "number": number,
        "kind": kind,
        "role": words.role(override.role) if override.role else words(message("nobody named")),
        "amount": words.money(override.amount) if override.amount is not None else words(message("no amount")),
        "reason": override.reason or words(message("none given")),
        "limit": words.money(override.limit) if override.limit is not None else "",
    }
    if override.accepted:
        template = message(
            "Override {number} is accepted: {kind}, {amount}, by {role} (reason: {reason}); the limit is {limit}.",
            **values,
        )
    elif override.limit is not None and override.amount is not None:
        template = message(
            "Override {number} is refused: {kind}, {amount}, by {role} (reason: {reason}); the limit is {limit}.",
            **values,
        )
    elif override.amount is None:
        template = message(
            "Override {number} is refused: {kind} by {role} (reason: {reason}) states no amount.", **values
        )
    else:
        template = message(
            "Override {number} is refused: {kind}, {amount}, by {role} (reason: {reason}): no rule lets them grant it.",
            **values,
        )
    account.say(template, override.rule)


def tell_penalties(account: Account) -> Section:
    """Say who is liable, for how much or between which bounds, and who decides."""
    decision, words = account.decision, account.words
    for penalty in decision.penalties:
        _tell_penalty(account, penalty)
    least, most = (account.policy.money(decision.column(f"penalty_{name}")) for name in ("least", "most"))
    imposed = [one for one in decision.penalties if one.outcome == "penalty"]
    open_ = [one for one in imposed if one.amount is None and one.most is None]
    if len(imposed) > 1 and least is not None and most is not None and not open_:
        if least == most:
            account.say(message("Together the penalties come to {amount}.", amount=words.money(most)))
        else:
            account.say(
                message(
                    "Together the penalties come to between {least} and {most}.",
                    least=words.money(least),
                    most=words.money(most),
                )
            )
    for table, what in (
        ("late_penalties", message("whether a missed time carries a penalty")),
        ("penalties_all", message("whether an incident carries a penalty")),
    ):
        if needs := account.needs(table):
            account.say_unknown(what, needs)
    return account.section(message("Penalties"))


def _tell_penalty(account: Account, penalty: Penalty) -> None:
    words = account.words
    what: Message = message("this")
    if penalty.incident is not None:
        incident = account.decision.ticket.incidents[penalty.incident - 1]
        what = message(
            "incident {number} ({kind})",
            number=penalty.incident,
            kind=words.value(words.facts["incident_kind"], incident.incident_kind),
        )
    elif penalty.target is not None:
        what = message("missing the time for “{target}”", target=words.milestone(penalty.target))
    decided: Message | str = ""
    if penalty.decided_by:
        decided = message(", decided by {role}", role=words.role(penalty.decided_by))
    values = {"what": what, "liable": words.role(penalty.liable), "decided": decided}
    if penalty.outcome == "finding":
        account.say(
            message("Noted without a penalty: {what}, on the part of {liable}.", what=what, liable=values["liable"]),
            penalty.rule,
        )
        return
    if penalty.amount is not None:
        amount = words.money(penalty.amount)
        template = message("For {what} a penalty of {amount} falls on {liable}{decided}.", amount=amount, **values)
    elif penalty.least is not None and penalty.most is not None:
        template = message(
            "For {what} a penalty between {least} and {most} falls on {liable}; the amount is open{decided}.",
            least=words.money(penalty.least),
            most=words.money(penalty.most),
            **values,
        )
    elif penalty.least is not None:
        least = words.money(penalty.least)
        template = message(
            "For {what} a penalty of at least {least} falls on {liable}; the amount is open{decided}.",
            least=least,
            **values,
        )
    elif penalty.most is not None:
        most = words.money(penalty.most)
        template = message(
            "For {what} a penalty of at most {most} falls on {liable}; the amount is open{decided}.",
            most=most,
            **values,
        )
    elif fact := _amount_of(account, penalty):
        template = message(
            "For {what} a penalty falls on {liable}: the amount of “{fact}”, still to be asked{decided}.",
            fact=fact,
            **values,
        )
    else:
        template = message(
            "For {what} a penalty falls on {liable}; the source gives no figure, so the amount is open{decided}.",
            **values,
        )
    account.say(template, penalty.rule)


def _amount_of(account: Account, penalty: Penalty) -> str:
    """Name the fact of the incident that is the amount of a penalty, where there is one."""
    row = account.words.row(penalty.rule)
    fact = row.text("amount of") if row else None
    return account.words.fact(f"incidents.{fact}") if fact else ""
