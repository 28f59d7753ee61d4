"""Tell how a matter is judged: its zone, the class of a complaint, compensation, the customer's rating."""

from __future__ import annotations

from svc_policy.explain.sentences import Account, Section
from svc_policy.messages import message


def tell_standing(account: Account) -> Section:
    """Say in which zone the site lies and how grave a complaint is."""
    words, decision, policy = account.words, account.decision, account.policy
    zone = policy.chosen(decision, "zones")
    if zone is not None:
        name = words.label(str(decision.column("service_zone")))
        text = message("The site lies in the zone “{zone}”.", zone=name)
        if decision.ticket.zone is not None:
            listed = words.label(str(decision.column("listed_zone")))
            text = message(
                "The ticket states the zone “{zone}”; by the table it is “{listed}”.", zone=name, listed=listed
            )
        account.say(text, zone)
    graded = policy.chosen(decision, "complaints")
    if graded is not None:
        serious = decision.column("complaint_class") == "serious"
        text = message("The matter is a serious one.") if serious else message("The matter is an ordinary one.")
        account.say(text, graded)
    for table, what in (
        ("zones", message("in which zone the site lies")),
        ("complaints", message("how grave the matter is")),
    ):
        if needs := account.needs(table):
            account.say_unknown(what, needs)
    return account.section(message("The matter"))


def tell_compensation(account: Account) -> Section:
    """Say how much of a claim for compensation is allowed, or who decides."""
    words = account.words
    found = account.policy.compensation(account.decision)
    claimed = account.decision.ticket.compensation_claimed
    if found is None:
        if needs := account.needs("compensations"):
            account.say_unknown(message("how much compensation is allowed"), needs)
        elif claimed and account.policy.plan.tables.get("compensations"):
            account.say(
                message("No rule allows compensation for this claim of {claimed}.", claimed=words.money(claimed))
            )
        return account.section(message("Compensation"))
    by = words.role(found.decided_by) if found.decided_by else ""
    if found.allowed is not None and found.limit is not None and claimed is not None:
        text = message(
            "Of the {claimed} claimed no more than {amount} is allowed; the limit is {limit}.",
            claimed=words.money(claimed),
            amount=words.money(found.allowed),
            limit=words.money(found.limit),
        )
    elif found.limit is not None:
        text = message("Compensation is limited to {limit}.", limit=words.money(found.limit))
    elif by:
        text = message(
            "Neither the company's rules nor a contract are stated to limit compensation; "
            "{role} decides how much is reasonable.",
            role=by,
        )
    else:
        text = message("Neither the company's rules nor a contract are stated to limit compensation.")
    account.say(text, found.rule)
    if by and found.limit is not None:
        account.say(message("What is paid within the limit is decided by {role}.", role=by), found.rule)
    if found.needs:
        account.say_unknown(message("how much compensation is allowed"), account.asked(found.needs))
    return account.section(message("Compensation"))


def tell_appraisal(account: Account) -> Section:
    """Say what the customer's ratings come to."""
    score = account.decision.column("appraisal_score")
    if score is not None:
        rules = [
            account.policy.rule_use("appraisals", row)
            for _, row in account.policy.fired(account.decision, "appraisals")
        ]
        account.say(
            message("The customer's ratings come to a score of {score}.", score=account.words.share(int(score))), *rules
        )
    elif account.decision.items("appraisals"):
        items = account.decision.items("appraisals")
        words = account.words
        aspects = words.listed(words.fact(item.cells["aspect"]) for item in items)
        account.say(
            message("The customer has not rated all of it yet: {aspects}.", aspects=aspects),
            *(item.rule for item in items),
        )
    return account.section(message("Appraisal"))
