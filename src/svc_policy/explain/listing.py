"""Tell of the lists: approvals, what to record, steps, forms, checklist, surveys, duties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from svc_policy.decision import Item
from svc_policy.explain.sentences import Account, Section
from svc_policy.messages import Message, message
from svc_policy.policy.forms import fields_of

Grouped = dict[str, list[Item]]


def tell_approvals(account: Account) -> Section:
    """Say what must be approved by whom."""
    words = account.words
    for item in account.decision.approvals:
        account.say(
            message(
                "“{subject}” must be approved by {approver}{because}.",
                subject=words.label(item.cells["subject"]),
                approver=words.role(item.cells["approver"]),
                because=account.because(item.rule),
            ),
            item.rule,
        )
    _tell_choices(account, account.decision.approvals, lambda item: words.label(item.cells["subject"]))
    _tell_open(account, "approvals", message("whether more approvals are needed"))
    return account.section(message("Approvals"))


#: What each remedy is called in a sentence.
REMEDIES: Final[Mapping[str, Message]] = {
    "return": message("return of the goods"),
    "exchange": message("exchange for the same goods"),
    "repair": message("repair free of charge"),
}


def tell_remedies(account: Account) -> Section:
    """Say what the customer is entitled to, and within how many days of what."""
    words = account.words
    for item in account.decision.items("remedies"):
        remedy = words(REMEDIES[item.cells["remedy"]])
        because = account.because(item.rule)
        text = message("The customer is entitled to {remedy}{because}.", remedy=remedy, because=because)
        account.say(text, item.rule)
    _tell_choices(account, account.decision.items("remedies"), lambda item: words(REMEDIES[item.cells["remedy"]]))
    _tell_open(account, "remedies", message("what else the customer is entitled to"))
    return account.section(message("Return, exchange, repair"))


def tell_intake(account: Account) -> Section:
    """Say what is to be recorded by whom, and what of it is still missing."""
    words = account.words
    ticket = account.decision.ticket
    known = {name for name in words.facts if getattr(ticket, name, None) is not None}
    known.update(name for name, value in ticket.extra_values.items() if value is not None)
    for owner, items in _by(account.decision.items("intake"), "owner").items():
        fields = [item.cells["field"] for item in items]
        account.say(
            message(
                "To be recorded by {owner}: {fields}.",
                owner=words.role(owner),
                fields=words.listed(map(words.fact, fields)),
            ),
            *(item.rule for item in items),
        )
        missing = [words.fact(name) for name in fields if name not in known]
        if missing:
            account.say(
                message("Not recorded yet: {fields}.", fields=words.listed(missing)),
                *(item.rule for item in items if item.cells["field"] not in known),
            )
    _tell_open(account, "intake", message("whether more must be recorded"))
    return account.section(message("Record"))


def tell_steps(account: Account) -> Section:
    """Say which steps follow one another, and who takes them."""
    words = account.words
    for item in account.decision.items("routing"):
        account.say(
            message("{owner}: {step}.", owner=words.label(item.cells["owner"]), step=words.label(item.cells["step"])),
            item.rule,
        )
    _tell_choices(account, account.decision.items("routing"), lambda item: words.label(item.cells["step"]))
    _tell_open(account, "routing", message("which further steps follow"))
    return account.section(message("Steps"))


def tell_procedures(account: Account) -> Section:
    """Say how each procedure goes on: what is done, what comes next and who takes it, what follows."""
    words = account.words
    for procedure, items in _by(account.decision.items("procedures"), "procedure").items():
        for state, template in (
            ("done", message("{procedure}, done: {steps}.")),
            ("next", message("{procedure}, next: {steps}.")),
            ("later", message("{procedure}, after that: {steps}.")),
        ):
            own = [item for item in items if item.cells["state"] == state]
            if own:
                named = [
                    words(
                        message(
                            "{step} ({owner})",
                            step=words.label(item.cells["step"]),
                            owner=words.role(item.cells["owner"]),
                        )
                    )
                    for item in own
                ]
                text = message(template.template, procedure=words.label(procedure), steps=words.parted(named))
                account.say(text, *(item.rule for item in own))
    _tell_choices(account, account.decision.items("procedures"), lambda item: words.label(item.cells["step"]))
    _tell_open(account, "procedures", message("which procedures apply"))
    return account.section(message("Procedures"))


def tell_forms(account: Account) -> Section:
    """Say which forms are needed, by whom and for whom."""

    def named(item: Item) -> str:
        form = account.words.label(item.cells["form"])
        copies, recipient = item.cells.get("copies"), item.cells.get("recipient")
        values = {"form": form, "copies": copies, "recipient": account.words.role(recipient)}
        if recipient and (copies or 1) > 1:
            return account.words(message("{form} × {copies} (to {recipient})", **values))
        if recipient:
            return account.words(message("{form} (to {recipient})", **values))
        return account.words(message("{form} × {copies}", **values)) if (copies or 1) > 1 else form

    _tell_lists(account, "forms", "owner", named, account.words.label)
    _tell_fields(account)
    _tell_open(account, "forms", message("which further forms are needed"))
    return account.section(message("Forms"))


def _tell_fields(account: Account) -> None:
    """Write one sentence a form: which of its fields the ticket does not fill."""
    words, policy = account.words, account.policy
    forms = dict.fromkeys(item.cells["form"] for item in account.decision.items("forms"))
    for form in forms:
        fields = fields_of(policy, account.decision, form)
        rules = [policy.rule_use("fields", one.row) for one in fields]
        left = dict.fromkeys(words.label(one.field) for one in fields if one.value is None)
        if left:
            account.say(
                message(
                    "“{form}”, still to be filled in: {fields}.", form=words.label(form), fields=words.listed(left)
                ),
                *rules,
            )
        elif fields:
            account.say(message("“{form}” is filled in from the ticket.", form=words.label(form)), *rules)


def tell_checklist(account: Account) -> Section:
    """Say what is checked at which stage."""
    _tell_lists(
        account,
        "checklists",
        "stage",
        lambda item: account.words.label(item.cells["item"]),
        account.words.label,
    )
    _tell_open(account, "checklists", message("what else is to be checked"))
    return account.section(message("Checklist"))


def tell_surveys(account: Account) -> Section:
    """Say how the customer's opinion is asked for."""
    words = account.words
    for item in account.decision.items("surveys"):
        scale = item.cells.get("scale")
        template = message(
            "Asked for by {owner}: {survey}.",
            owner=words.role(item.cells["owner"]),
            survey=words.label(item.cells["survey"]),
        )
        if scale:
            template = message(
                "Asked for by {owner}: {survey} (scale: {scale}).",
                owner=words.role(item.cells["owner"]),
                survey=words.label(item.cells["survey"]),
                scale=words.label(scale),
            )
        account.say(template, item.rule)
    _tell_choices(account, account.decision.items("surveys"), lambda item: words.label(item.cells["survey"]))
    _tell_open(account, "surveys", message("what else the customer is asked"))
    return account.section(message("Surveys"))


def tell_duties(account: Account) -> Section:
    """Say which standing duties apply."""
    _tell_lists(
        account,
        "duties",
        "owner",
        lambda item: account.words.label(item.cells["duty"]),
        account.words.label,
    )
    _tell_open(account, "duties", message("which further duties apply"))
    return account.section(message("Duties"))


def _tell_choices(account: Account, items: Iterable[Item], named: Callable[[Item], str]) -> None:
    """Say of what the source leaves to somebody who that is."""
    for role, own in _by((item for item in items if item.cells.get("chosen_by")), "chosen_by").items():
        account.say(
            message(
                "Up to {role}: {items}.",
                role=account.words.role(role),
                items=account.words.parted(map(named, own)),
            ),
            *(item.rule for item in own),
        )


def _tell_lists(
    account: Account, table: str, key: str, named: Callable[[Item], str], heading: Callable[[str], str]
) -> None:
    """Write one sentence a group: the items that share a cell."""
    for name, items in _by(account.decision.items(table), key).items():
        account.say(
            message("{heading}: {items}.", heading=heading(name), items=account.words.parted(map(named, items))),
            *(item.rule for item in items),
        )
    _tell_choices(account, account.decision.items(table), named)


def _tell_open(account: Account, table: str, what: Message) -> None:
    if needs := account.needs(table):
        account.say_unknown(what, needs)


def _by(items: Iterable[Item], key: str) -> Grouped:
    groups: Grouped = {}
    for item in items:
        groups.setdefault(str(item.cells.get(key) or ""), []).append(item)
    return groups
