"""Tell of targets: what is due from whom by when, how it stands, and who is told about it."""

from __future__ import annotations

from datetime import timedelta

from svc_policy.decision import Item, RuleUse, Target
from svc_policy.explain.sentences import Account, Section
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Message, message
from svc_policy.units import Allowance, Refusal, read_literal


def tell_targets(account: Account) -> Section:
    """Say how every target stands that applies or may apply."""
    _tell_holds(account)
    for target in account.decision.targets.values():
        if target.status != "not applicable":
            _tell(account, target)
    return account.section(message("Targets"))


def _tell(account: Account, target: Target) -> None:
    words = account.words
    name = words.milestone(target.name)
    if target.status == "undetermined" or target.rule is None:
        what = message("whether and when “{target}” is due", target=name)
        return account.say_unknown(what, account.asked(target.needs), target.rule)
    common = {
        "target": name,
        "owner": _owner(account, target),
        "window": _window(account, target),
        "because": account.because(target.rule),
        "due": words.instant(target.due) if target.due else "",
        "end": words.instant(target.end) if target.end else "",
    }
    if target.status == "not started":
        account.say(message("“{target}” is not due{owner} yet: {window}{because}.", **common), target.rule)
    elif target.status == "pending":
        account.say(message("“{target}” is due{owner} by {due}: {window}{because}.", **common), target.rule)
        _tell_use(account, target)
    elif target.status == "met" and target.due:
        account.say(
            message("“{target}” was done in time, on {end}; it was due{owner} by {due}: {window}{because}.", **common),
            target.rule,
        )
    elif target.status == "met":
        account.say(message("“{target}” was done in time{owner}, on {end}: {window}{because}.", **common), target.rule)
    elif target.status == "late":
        account.say(
            message("“{target}” was done late, on {end}; it was due{owner} by {due}: {window}{because}.", **common),
            target.rule,
        )
        if target.end and target.due:
            _tell_lateness(account, target, target.end - target.due)
    elif target.status == "breached":
        account.say(
            message("“{target}” is overdue; it was due{owner} by {due}: {window}{because}.", **common), target.rule
        )
        if target.time_left is not None:
            _tell_lateness(account, target, target.time_left)
    elif target.status == "on hold":
        account.say(
            message("The time for “{target}”, due{owner}, stands still: {window}{because}.", **common), target.rule
        )
        _tell_resumption(account, target)
    elif target.status == "cancelled":
        account.say(
            message(
                "“{target}”, due{owner}, is not awaited any more, the ticket being closed: {window}{because}.", **common
            ),
            target.rule,
        )
    return None


def _owner(account: Account, target: Target) -> Message | str:
    return message(" from {owner}", owner=account.words.role(target.owner)) if target.owner else ""


def _window(account: Account, target: Target) -> Message:
    """Say how much time is allowed, from which milestone on."""
    words = account.words
    allowance = words.allowance(target.allowance or "", target.clock)
    row = words.row(target.rule) if target.rule else None
    starts = (row.text("starts") if row else None) or ""
    milestone = words.milestone(starts) if starts in MILESTONES else ""
    if target.start is None:
        if _is_none(target.allowance):
            if _counts_days(target.allowance):
                return message("on the same day as “{milestone}”, which has not happened yet", milestone=milestone)
            return message("at the time of “{milestone}”, which has not happened yet", milestone=milestone)
        return message(
            "{allowance} from “{milestone}”, which has not happened yet", allowance=allowance, milestone=milestone
        )
    if MILESTONES.get(starts, "").endswith("_on"):
        began = words.day(target.start.date())
    else:
        began = words.instant(target.start)
    if _is_none(target.allowance):
        if _counts_days(target.allowance):
            return message("on the same day as “{milestone}”, {began}", milestone=milestone, began=began)
        return message("at the time of “{milestone}”, {began}", milestone=milestone, began=began)
    return message("{allowance} from “{milestone}” on {began}", allowance=allowance, milestone=milestone, began=began)


def _is_none(allowance: str | None) -> bool:
    """Say whether no time is allowed at all: what is due has to happen on the same day, or at the very time."""
    value = _read(allowance)
    return value is not None and value.value == 0


def _counts_days(allowance: str | None) -> bool:
    value = _read(allowance)
    return value is not None and value.unit in ("days", "working_days")


def _read(allowance: str | None) -> Allowance | None:
    try:
        value = read_literal(allowance or "", "allowance").value
    except Refusal:
        return None
    return value if isinstance(value, Allowance) else None


def _tell_use(account: Account, target: Target) -> None:
    words = account.words
    if target.used_share is None or target.time_left is None:
        return
    account.say(
        message(
            "Of this time {share} is used, with {left} left.",
            share=words.share(target.used_share),
            left=words.span(target.time_left),
        ),
        target.rule,
    )


def _tell_lateness(account: Account, target: Target, span: timedelta) -> None:
    words = account.words
    if target.used_share is None:
        return
    if _is_none(target.allowance):
        account.say(message("It is {span} past its time.", span=words.span(span)), target.rule)
        return
    account.say(
        message(
            "It is {span} past its time; {share} of the time allowed is used.",
            span=words.span(span),
            share=words.share(target.used_share),
        ),
        target.rule,
    )


def _tell_resumption(account: Account, target: Target) -> None:
    words = account.words
    if target.due_if_resumed_now is not None:
        account.say(
            message(
                "If it ran on from now it would be due by {due}; {share} is used.",
                due=words.instant(target.due_if_resumed_now),
                share=words.share(target.used_share or 0),
            ),
            target.rule,
        )


def _tell_holds(account: Account) -> None:
    words = account.words
    for number, hold in enumerate(account.decision.ticket.holds, start=1):
        for rule in account.fired("holds", f"hold {number}"):
            values = {
                "kind": words.label(hold.hold_kind),
                "began": words.instant(hold.from_at.astimezone(account.policy.zone)) if hold.from_at else "",
                "ended": words.instant(hold.until_at.astimezone(account.policy.zone)) if hold.until_at else "",
                "targets": _stopped(account, rule),
            }
            if not values["targets"]:
                account.say(message("“{kind}” stops no time.", **values), rule)
            elif not hold.from_at:
                account.say(message("“{kind}” stops {targets}, but it is not stated when it began.", **values), rule)
            elif hold.until_at:
                account.say(message("From {began} to {ended} “{kind}” stopped {targets}.", **values), rule)
            else:
                account.say(message("Since {began} “{kind}” stops {targets}.", **values), rule)


def _stopped(account: Account, rule: RuleUse) -> str:
    """Name the targets that a kind of hold stops."""
    row = account.words.row(rule)
    stops = row.results.get("stops") if row else None
    if not isinstance(stops, tuple):
        return ""
    names = account.decision.targets if "all" in stops else stops
    return account.words.listed(
        account.words(message("“{target}”", target=account.words.milestone(name))) for name in names
    )


def tell_escalations(account: Account) -> Section:
    """Say who is told about which target."""
    words = account.words
    targets = account.decision.targets
    for item in account.decision.escalations:
        target = item.cells["target"]
        if target is None:
            _tell_matter(account, item)
            continue
        values = {
            "target": words.milestone(target),
            "notify": words.role(item.cells["notify"]),
            "level": item.cells["level"],
        }
        watched = targets.get(target)
        if watched is None or not watched.used_share:
            text = message("“{target}” is brought before {notify} (level {level}): its time has come.", **values)
        elif _is_none(watched.allowance) and watched.time_left is not None and watched.time_left < timedelta():
            text = message("“{target}” is brought before {notify} (level {level}): its time has passed.", **values)
        else:
            text = message(
                "“{target}” is brought before {notify} (level {level}): {share} of its time is used.",
                share=words.share(watched.used_share),
                **values,
            )
        account.say(text, item.rule)
        if item.cells.get("action"):
            account.say(message("What is done then: {action}.", action=words.label(item.cells["action"])), item.rule)
        _tell_answer(account, item)
    if needs := account.needs("escalations"):
        account.say_unknown(message("what else is brought before whom"), needs)
    return account.section(message("Escalation"))


def _tell_matter(account: Account, item: Item) -> None:
    """Say who takes up a matter that no clock decides, what they do, how the customer is answered."""
    words = account.words
    values = {"notify": words.role(item.cells["notify"]), "level": item.cells["level"]}
    if item.cells.get("action"):
        text = message("To {notify} (level {level}): {action}.", action=words.label(item.cells["action"]), **values)
    else:
        text = message("To {notify} (level {level}).", **values)
    account.say(text, item.rule)
    _tell_answer(account, item)


def _tell_answer(account: Account, item: Item) -> None:
    """Say how the customer is answered, and who chooses where the source says may."""
    words = account.words
    if item.cells.get("answer"):
        account.say(message("The customer is answered: {answer}.", answer=words.label(item.cells["answer"])), item.rule)
    if item.cells.get("chosen_by"):
        account.say(
            message("Whether this is done is up to {role}.", role=words.role(item.cells["chosen_by"])), item.rule
        )
