"""The whole explanation: its sections in order, what is asked next, the readings it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from svc_policy.decision import Decision, RuleUse
from svc_policy.explain.charging import tell_overrides, tell_penalties, tell_quote
from svc_policy.explain.covering import tell_category, tell_coverage
from svc_policy.explain.judging import tell_appraisal, tell_compensation, tell_standing
from svc_policy.explain.listing import (
    tell_approvals,
    tell_checklist,
    tell_duties,
    tell_forms,
    tell_intake,
    tell_procedures,
    tell_remedies,
    tell_steps,
    tell_surveys,
)
from svc_policy.explain.sentences import Account, Section
from svc_policy.explain.stocking import tell_materials, tell_settlement
from svc_policy.explain.timing import tell_escalations, tell_targets
from svc_policy.messages import Language, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy

_SECTIONS = (
    tell_standing,
    tell_coverage,
    tell_remedies,
    tell_category,
    tell_targets,
    tell_materials,
    tell_quote,
    tell_settlement,
    tell_compensation,
    tell_approvals,
    tell_penalties,
    tell_escalations,
    tell_overrides,
    tell_steps,
    tell_procedures,
    tell_intake,
    tell_forms,
    tell_checklist,
    tell_surveys,
    tell_appraisal,
    tell_duties,
)


def explain(decision: Decision, policy: Policy, lang: Language = "en") -> str:
    """Explain a decision as plain text: sections of sentences, each with the clauses that it rests on.

    Args:
        decision: What `policy` decided.
        policy: The policy that decided it.
        lang: `en` or `zh`.
    """
    account = Account(decision, policy, lang)
    lines = [_head(account)]
    for section in _told(account).values():
        if section.sentences:
            lines += ["", account.words(section.heading), *(f"  {sentence}" for sentence in section.sentences)]
    return "\n".join(lines) + "\n"


def tell(decision: Decision, policy: Policy, lang: Language = "en") -> Mapping[str, Section]:
    """Tell of a decision section by section, for whoever lays the sentences out otherwise.

    Args:
        decision: What `policy` decided.
        policy: The policy that decided it.
        lang: `en` or `zh`.

    Returns:
        The sections that have sentences, by what they tell of (`targets`, `quote`, `rest`, `readings`), in their order.
    """
    return {name: section for name, section in _told(Account(decision, policy, lang)).items() if section.sentences}


def _told(account: Account) -> dict[str, Section]:
    sections = {tells.__name__.removeprefix("tell_"): tells(account) for tells in _SECTIONS}
    sections["rest"] = _tell_rest(account, [*sections.values()])
    return {**sections, "next": _tell_next(account), "readings": _tell_readings(account)}


def _head(account: Account) -> str:
    decision, policy, words = account.decision, account.policy, account.words
    at = policy.instant(decision.at_s)
    values = {
        "title": policy.pack.settings.titles[words.language],
        "policy": f"{policy.id}@{policy.digest[:12]}",
        "ticket": decision.ticket.ticket_id,
        "at": words.instant(at) if at else "",
        "zone": policy.pack.settings.timezone,
    }
    if decision.ticket.ticket_id:
        return words(message("{title} ({policy}): ticket {ticket}, as of {at} ({zone}).", **values))
    return words(message("{title} ({policy}), as of {at} ({zone}).", **values))


def _tell_rest(account: Account, sections: list[Section]) -> Section:
    """Tell of every rule that no sentence has told of, so that none stays unsaid."""
    told = {_key(rule) for section in sections for sentence in section.sentences for rule in sentence.rules}
    for rule in account.rules:
        if _key(rule) not in told:
            told.add(_key(rule))
            because = account.because(rule)
            account.say(
                message("Rule {table}.{rule} applies{because}.", table=rule.table, rule=rule.rule, because=because),
                rule,
            )
    return account.section(message("Other rules"))


def _key(rule: RuleUse) -> tuple[str, str, str, int]:
    return (rule.table, rule.rule, rule.file, rule.line)


def _tell_next(account: Account) -> Section:
    decision, words = account.decision, account.words
    if decision.needs:
        account.say(message("To decide the rest, ask for: {needs}.", needs=account.asked(decision.needs)))
    if decision.next_change_at is not None:
        at = words.instant(decision.next_change_at)
        account.say(message("If nothing else happens, this next changes on {at}.", at=at))
    else:
        account.say(message("If nothing else happens, time alone changes nothing."))
    return account.section(message("Next"))


def _tell_readings(account: Account) -> Section:
    """Give each interpretation that a rule rests on, once, as its sentence."""
    known = account.policy.pack.settings.interpretations
    resting: dict[str, list[RuleUse]] = {}
    for rule in account.rules:
        for name in rule.interpretations:
            resting.setdefault(name, []).append(rule)
    for name in (name for name in known if name in resting):
        reading = known[name]
        sentence = reading.zh if account.words.language == "zh" else reading.en
        cites = f" [{' '.join(reading.cites)}]" if reading.cites else ""
        account.say(
            message(
                "{sentence} ({name}, since {since}){cites}",
                sentence=sentence,
                name=name,
                since=reading.since,
                cites=cites,
            )
        )
    return account.section(message("Readings"))
