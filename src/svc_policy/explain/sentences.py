"""Sentences with their citations, and the account of one decision that they are made for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from svc_policy.decision import Decision, RuleUse
from svc_policy.explain.wording import Wording
from svc_policy.messages import Language, Message, message

if TYPE_CHECKING:
    from svc_policy.policy import Policy


@attrs.frozen
class Sentence:
    """One sentence and the rules that it tells of."""

    text: str
    rules: tuple[RuleUse, ...] = ()
    #: Where the rules come from, in words, if from a pack below.
    origin: str = ""

    @property
    def cites(self) -> tuple[str, ...]:
        """List the clauses of the rules, each once."""
        return tuple(dict.fromkeys(cite for rule in self.rules for cite in rule.cites))

    def __str__(self) -> str:
        return f"{self.text} [{' '.join(self.cites)}{self.origin}]" if self.cites else self.text


@attrs.frozen
class Section:
    """A heading and its sentences."""

    heading: Message
    sentences: tuple[Sentence, ...]


class Account:
    """One decision with the words to tell it in; the sections are written from it."""

    def __init__(self, decision: Decision, policy: Policy, language: Language) -> None:
        self.decision = decision
        self.policy = policy
        self.words = Wording(policy, language)
        self.rules = decision.rules
        self.telling: list[Sentence] = []

    def say(self, template: Message, *rules: RuleUse | None) -> None:
        """Add a sentence that tells of `rules`."""
        text = self.words(template)
        told = tuple(rule for rule in rules if rule is not None)
        self.telling.append(Sentence(text[:1].upper() + text[1:], told, self._origin(told)))

    def _origin(self, rules: Iterable[RuleUse]) -> str:
        """Name the packs below that rules come from; nothing for those of the policy itself."""
        layers = ", ".join(dict.fromkeys(rule.layer for rule in rules if rule.layer))
        return self.words(message("; from {packs}", packs=layers)) if layers else ""

    def section(self, heading: Message) -> Section:
        """Close the section: what was said since the last one."""
        said, self.telling = tuple(self.telling), []
        return Section(heading, said)

    def fired(self, table: str, subject: str = "") -> tuple[RuleUse, ...]:
        """List the rules of a table that made the decision about a subject."""
        return tuple(rule for rule in self.rules if (rule.table, rule.subject) == (table, subject))

    def needs(self, column: str) -> str:
        """List the labels of the facts that a result waits for, the first question first."""
        return self.asked(self.policy.asked(self.decision.column(f"{column}_needs")))

    def asked(self, names: Iterable[str]) -> str:
        """List the labels of facts."""
        return self.words.listed(dict.fromkeys(self.words.fact(name) for name in names))

    def say_unknown(self, what: Message, needs: str, *rules: RuleUse | None) -> None:
        """Say that something cannot be said yet, and what to ask."""
        if needs:
            self.say(message("{what} cannot be said yet; still to be asked: {needs}.", what=what, needs=needs), *rules)
        else:
            self.say(message("{what} cannot be said yet.", what=what), *rules)

    def because(self, rule: RuleUse | None) -> Message | str:
        """Give the reasons of a rule in brackets, with a space before them where the language has one."""
        reasons = self.words.reasons(self.decision, rule) if rule is not None else ""
        return message(" ({reasons})", reasons=reasons) if reasons else ""
