"""Tell of coverage: warranty, exclusions, contract, parts; and of the category."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import attrs

from svc_policy.decision import Coverage, Decision, PartCoverage, RuleUse
from svc_policy.explain.sentences import Account, Section
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Message, message
from svc_policy.units import Literal, format_literal

if TYPE_CHECKING:
    from svc_policy.explain.wording import Wording
    from svc_policy.policy import Policy


def tell_coverage(account: Account) -> Section:
    """Say whether the request lies inside the warranty, what excludes it, what a contract covers."""
    coverage = account.decision.coverage
    if not speaks_of_coverage(account.policy, account.decision):
        return account.section(message("Coverage"))
    if speaks_of_warranty(account.policy, account.decision):
        _tell_coverage_by_warranty(account)
    _tell_contract(account)
    for number, part in enumerate(coverage.parts, start=1):
        _tell_part(account, part, number)
    return account.section(message("Coverage"))


def _tell_coverage_by_warranty(account: Account) -> None:
    """Say whether the warranty runs, what excludes the job from it, and whether it covers the job."""
    coverage, words = account.decision.coverage, account.words
    warranty = account.fired("warranty")
    _tell_warranty(account)
    for item in coverage.exclusions:
        account.say(
            message(
                "excluded from the warranty: {reason}{because}.",
                reason=words.label(item.cells.get("reason")),
                because=account.because(item.rule),
            ),
            item.rule,
        )
    if coverage.covered is None:
        account.say_unknown(message("whether the job is covered"), account.asked(coverage.needs))
    elif coverage.covered:
        account.say(message("The job is covered by the warranty."), *warranty)
    elif coverage.in_warranty:
        account.say(
            message("So the job is not covered, although the warranty is running."), *account.fired("exclusions")
        )
    else:
        account.say(message("The job is not covered by the warranty."), *warranty)


def speaks_of_coverage(policy: Policy, decision: Decision) -> bool:
    """Say whether the policy or the ticket says anything of warranty or contract."""
    entitled = bool(policy.pack.rows.get("entitlements")) or decision.ticket.contract_until is not None
    return entitled or speaks_of_warranty(policy, decision)


def speaks_of_warranty(policy: Policy, decision: Decision) -> bool:
    """Say whether the policy or the ticket says anything of a warranty; of one that nobody spoke of nothing is told."""
    tables = any(policy.pack.rows.get(table) for table in ("warranty", "exclusions"))
    return tables or decision.ticket.warranty_until is not None


#: What covers a case, or why nothing does: see :func:`covered_by`.
Cover = typing.Literal["warranty", "contract", "undetermined", "excluded", "none"]
#: How a warranty stands at the request: see :func:`warranty_standing`.
Standing = typing.Literal["runs", "over", "none", "undetermined"]


def covered_by(policy: Policy, decision: Decision) -> Cover | None:
    """Say in one word what covers the case; None where neither policy nor ticket says anything of coverage.

    The warranty goes before a contract, as it costs the customer nothing. A contract that runs covers the case whatever
    is open about the warranty. ``undetermined`` is what one of the two may still cover; of what neither covers,
    ``excluded`` says that an exclusion of the warranty holds, whether or not it runs.
    """
    if not speaks_of_coverage(policy, decision):
        return None
    coverage = decision.coverage
    if coverage.covered:
        return "warranty"
    if coverage.in_contract:
        return "contract"
    if coverage.covered is None or coverage.in_contract is None:
        return "undetermined"
    return "excluded" if coverage.excluded else "none"


def warranty_standing(coverage: Coverage) -> Standing:
    """Say in one word how the warranty stands at the request, whatever the fault: ``none`` if there never was one."""
    if coverage.in_warranty is None:
        return "undetermined"
    if coverage.in_warranty:
        return "runs"
    return "none" if coverage.warranty_end is None else "over"


@attrs.frozen
class ShortCover:
    """What covers a case: in one word, in a few words, and what belongs to them, which may be nothing."""

    cover: Cover
    text: Message
    detail: str


def cover_in_short(policy: Policy, decision: Decision, words: Wording) -> ShortCover | None:
    """Say in a few words what covers the case or why nothing does; None as :func:`covered_by`."""
    cover = covered_by(policy, decision)
    if cover is None:
        return None
    coverage = decision.coverage
    end = None if coverage.warranty_end is None else words.day(coverage.warranty_end)
    detail = ""
    if coverage.covered:
        details = [] if end is None else [words(message("until {day}", day=end))]
        if coverage.in_contract:
            details.append(words(message("a contract runs")))
        detail = words.parted(details)
    elif coverage.covered is None:
        if coverage.in_warranty and end is not None:
            detail = words(message("the warranty runs until {day}", day=end))
    elif speaks_of_warranty(policy, decision):
        reasons = words.listed(words.label(item.cells.get("reason")) for item in coverage.exclusions)
        if reasons:
            detail = words(message("excluded: {reason}", reason=reasons))
        elif end is not None:
            detail = words(message("the warranty ended on {day}", day=end))
    texts: dict[Cover, Message] = {
        "warranty": message("covered"),
        "contract": message("a contract runs"),
        "undetermined": message("coverage is open"),
    }
    return ShortCover(cover, texts.get(cover, message("not covered")), detail)


def _tell_warranty(account: Account) -> None:
    decision, words = account.decision, account.words
    coverage = decision.coverage
    rule = next(iter(account.fired("warranty")), None)
    if coverage.in_warranty is None:
        what = message("whether the request lies inside the warranty")
        return account.say_unknown(what, account.needs("in_warranty"), rule)
    if coverage.warranty_end is None:
        return account.say(message("No warranty period is on file."), rule)
    request = account.policy.day(decision.column("request_day"))
    day = words.day(request) if request else ""
    end = words.day(coverage.warranty_end)
    if decision.ticket.warranty_until is not None:
        account.say(message("The last day of warranty was agreed: {end}.", end=end), rule)
    else:
        _tell_terms(account, end, rule)
    if coverage.in_warranty:
        account.say(message("The request came on {day}, inside the warranty.", day=day), rule)
    else:
        account.say(message("The request came on {day}, after the warranty had ended.", day=day), rule)
    return None


def _tell_terms(account: Account, end: str, rule: RuleUse | None) -> None:
    """Say from when and how long the warranty runs, as far as one undated rule says it."""
    words = account.words
    row = words.row(rule) if rule else None
    starts = (row.text("starts") if row else None) or ""
    began = getattr(account.decision.ticket, MILESTONES.get(starts, ""), None)
    length = row.results.get("length") if row else None
    if began is None or not isinstance(length, Literal):
        return account.say(message("The last day of warranty is {end}.", end=end), rule)
    suspended = account.decision.ticket.suspended_days
    longer: Message | str = ""
    if suspended:
        count = words.allowance(f"{suspended} days", None)
        longer = message(", and {count} more for which it was suspended", count=count)
    return account.say(
        message(
            "The warranty runs for {length} from the {milestone}, {day}{longer}; its last day is {end}.",
            length=words.allowance(format_literal(length), None),
            milestone=words.fact(MILESTONES[starts]),
            day=words.day(began),
            longer=longer,
            end=end,
        ),
        rule,
    )


def _tell_contract(account: Account) -> None:
    decision, words = account.decision, account.words
    rules = account.fired("entitlements")
    until = decision.ticket.contract_until
    if until is None and not rules:
        return None
    if decision.coverage.in_contract is None:
        return account.say_unknown(
            message("whether a contract covers the request"), account.needs("in_contract"), *rules
        )
    if not decision.coverage.in_contract:
        return account.say(message("No contract covers the request."), *rules)
    known = {
        "contract_labour": message("labour"),
        "contract_parts": message("parts"),
        "contract_visit": message("the visit"),
    }
    covers = [words(text) for name, text in known.items() if decision.column(name)]
    day = words.day(until) if until else ""
    if covers:
        account.say(
            message(
                "The request lies inside a contract that runs to {day} and covers {covers}.",
                day=day,
                covers=words.listed(covers),
            ),
            *rules,
        )
    else:
        account.say(message("The request lies inside a contract that runs to {day}.", day=day), *rules)
    return None


def _tell_part(account: Account, part: PartCoverage, number: int) -> None:
    words = account.words
    subject = f"part {number}"
    rules = (*account.fired("warranty", subject), *account.fired("exclusions", subject))
    name = part_name(part.part_no, number)
    if part.covered is None:
        needs = account.policy.child_column(account.decision, "part", number - 1, "part_covered_needs")
        account.say_unknown(
            message("whether {part} is covered", part=name), account.asked(account.policy.asked(needs)), *rules
        )
    elif part.covered:
        end = words.day(part.warranty_end) if part.warranty_end else ""
        account.say(message("{part} is covered; its last day of warranty is {end}.", part=name, end=end), *rules)
    elif part.excluded:
        account.say(message("{part} is not covered: its fault is excluded.", part=name), *rules)
    elif part.warranty_end:
        end = words.day(part.warranty_end)
        account.say(message("{part} is not covered: its warranty ended on {end}.", part=name, end=end), *rules)
    else:
        account.say(message("{part} is not covered: it has no warranty.", part=name), *rules)


def part_name(part_no: str | None, number: int) -> Message:
    """Name a part line by its part number, or by its place."""
    return message("part {name}", name=part_no) if part_no else message("part no. {number}", number=number)


def tell_category(account: Account) -> Section:
    """Say the category and what it follows from."""
    name = account.decision.category
    rules = account.fired("category")
    if not account.policy.pack.rows.get("category"):
        # Such a policy sorts nothing into categories.
        return account.section(message("Category"))
    if name is None and not account.needs("category"):
        account.say(message("No category applies."))
    elif name is None:
        account.say_unknown(message("the category"), account.needs("category"), *rules)
    else:
        because = account.because(rules[0]) if rules else ""
        account.say(
            message("The category is {category}{because}.", category=account.words.category(name), because=because),
            *rules,
        )
    return account.section(message("Category"))
