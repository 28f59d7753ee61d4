"""Tell of the lists: approvals, what to record, steps, forms, checklist, surveys, duties."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from svc_policy.decision import Item
from svc_policy.explain.sentences import Account, Section
from svc_policy.messages import Message, message

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
    _tell_open(account, "approvals", message("whether more approvals are needed"))
    return account.section(message("Approvals"))


def tell_intake(account: Account) -> Section:
    """Say what is to be recorded by whom, and what of it is still missing."""
    words = account.words
    known = {name for name in words.facts if getattr(account.decision.ticket, name, None) is not None}
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
    _tell_open(account, "routing", message("which further steps follow"))
    return account.section(message("Steps"))


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
    _tell_open(account, "forms", message("which further forms are needed"))
    return account.section(message("Forms"))


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


def _tell_lists(
    account: Account, table: str, key: str, named: Callable[[Item], str], heading: Callable[[str], str]
) -> None:
    """Write one sentence a group: the items that share a cell."""
    for name, items in _by(account.decision.items(table), key).items():
        account.say(
            message("{heading}: {items}.", heading=heading(name), items=account.words.parted(map(named, items))),
            *(item.rule for item in items),
        )


def _tell_open(account: Account, table: str, what: Message) -> None:
    if needs := account.needs(table):
        account.say_unknown(what, needs)


def _by(items: Iterable[Item], key: str) -> Grouped:
    groups: Grouped = {}
    for item in items:
        groups.setdefault(str(item.cells.get(key) or ""), []).append(item)
    return groups
