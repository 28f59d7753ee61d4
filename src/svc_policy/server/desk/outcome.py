"""What a decision comes to, in words by name, so that two can be laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.book.titles import TITLES
from svc_policy.decision import Decision, Item, Penalty, RuleUse
from svc_policy.explain.covering import speaks_of_coverage
from svc_policy.explain.listing import REMEDIES
from svc_policy.explain.wording import STATUSES, YES_NO, Wording
from svc_policy.messages import Language, Message, message
from svc_policy.pack.columns import WORDS_OF
from svc_policy.server.desk.rows import LISTED

if TYPE_CHECKING:
    from svc_policy.policy import Policy

NOTHING: Final = message("nothing")
_OPEN: Final = message("open")
#: Lists, and the cell that says what a row is about.
_LISTS: Final[Mapping[str, str]] = {
    "confirmations": "reason",
    "routing": "step",
    "procedures": "step",
    "forms": "form",
    "checklists": "item",
    "surveys": "survey",
    "duties": "duty",
}


@attrs.frozen(kw_only=True)
class Change:
    """One result that differs: what it is called, what it was and would be, and the rules that would make it.

    `is_list` says that entries of a list of steps, forms or duties come or go.
    """

    label: str
    before: str
    after: str
    rules: tuple[RuleUse, ...]
    is_list: bool = False


@attrs.frozen
class Said:
    """One result in words. A list has its entries, so that only those that come or go are told."""

    label: str
    text: str
    rules: tuple[RuleUse, ...] = ()
    entries: Mapping[str, tuple[RuleUse, ...]] | None = None


class Outcomes:
    """Reads decisions of one policy in one language."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.words = Wording(policy, language)

    def changes(self, before: Mapping[str, Said], after: Mapping[str, Said]) -> list[Change]:
        """List what differs between two decisions, in the order in which they are made."""
        found = []
        for name in dict.fromkeys((*before, *after)):
            one, other = before.get(name), after.get(name)
            if one is None or other is None:
                there = one or other
                assert there is not None
                empty = Said(there.label, self.words(NOTHING), (), None if there.entries is None else {})
                one, other = one or empty, other or empty
            if one.entries is not None and other.entries is not None:
                gone = [text for text in one.entries if text not in other.entries]
                new = {text: rules for text, rules in other.entries.items() if text not in one.entries}
                if gone or new:
                    rules = tuple(use for uses in new.values() for use in uses)
                    is_list = name in LISTED
                    texts = {"before": self._listed(gone), "after": self._listed(new)}
                    found.append(Change(label=one.label, **texts, rules=rules, is_list=is_list))
            elif one.text != other.text:
                found.append(Change(label=other.label, before=one.text, after=other.text, rules=other.rules))
        return found

    def _listed(self, texts: Iterable[str]) -> str:
        return self.words.parted(texts) or self.words(NOTHING)

    def of(self, decision: Decision) -> dict[str, Said]:
        """Give what a decision comes to, by name."""
        found: dict[str, Said] = {}
        self._standing(decision, found)
        self._coverage(decision, found)
        self._targets(decision, found)
        self._cost(decision, found)
        self._lists(decision, found)
        needs = {self.words.fact(name): () for name in decision.needs}
        found["needs"] = Said(self._say(message("still to ask")), "", (), needs)
        return found

    def _say(self, text: Message) -> str:
        return self.words(text)

    def _open_or(self, value: Any, write: Callable[[Any], str]) -> str:
        return self._say(_OPEN) if value is None else write(value)

    def _fired(self, decision: Decision, *tables: str) -> tuple[RuleUse, ...]:
        return tuple(use for table in tables if (use := self.policy.chosen(decision, table)) is not None)

    def _standing(self, decision: Decision, found: dict[str, Said]) -> None:
        words, rows = self.words, self.policy.pack.rows
        for table, column, label in (
            ("zones", "service_zone", message("service zone")),
            ("complaints", "complaint_class", message("class of the complaint")),
        ):
            if rows.get(table):
                value = decision.column(column)
                known = WORDS_OF.get(column, {})
                text = self._open_or(
                    value,
                    lambda value, known=known: (  # type: ignore[misc]
                        known[value][0] if words.language == "zh" and known.get(value) else words.label(str(value))
                    ),
                )
                found[column] = Said(words(label), text, self._fired(decision, table))
        if rows.get("category"):
            text = words.category(decision.category)
            found["category"] = Said(words(message("category")), text, self._fired(decision, "category"))

    def _coverage(self, decision: Decision, found: dict[str, Said]) -> None:
        words, coverage = self.words, decision.coverage
        if not speaks_of_coverage(self.policy, decision):
            return
        rules = self._fired(decision, "warranty", "entitlements")
        excluded = tuple(item.rule for item in coverage.exclusions)
        for name, label, value in (
            ("in_warranty", message("in warranty"), coverage.in_warranty),
            ("covered", message("covered"), coverage.covered),
            ("in_contract", message("in contract"), coverage.in_contract),
        ):
            text = self._open_or(value, lambda value: words(YES_NO[value]))
            found[name] = Said(words(label), text, (*rules, *excluded) if name == "covered" else rules)
        end = self._open_or(coverage.warranty_end, words.day)
        found["warranty_end"] = Said(words(message("last day of warranty")), end, rules)
        for number, part in enumerate(coverage.parts, start=1):
            label = message("part no. {number} covered", number=number)
            text = self._open_or(part.covered, lambda value: words(YES_NO[value]))
            found[f"part {number}"] = Said(words(label), text)

    def _targets(self, decision: Decision, found: dict[str, Said]) -> None:
        words = self.words
        for target in decision.targets.values():
            if target.status == "not applicable":
                continue
            parts = [words(STATUSES[target.status])]
            if target.due is not None:
                parts.append(words(message("due {instant}", instant=words.instant(target.due))))
            if target.allowance:
                parts.append(words.allowance(target.allowance, target.clock))
            rules = () if target.rule is None else (target.rule,)
            found[f"target {target.name}"] = Said(words.milestone(target.name), words.listed(parts), rules)

    def _cost(self, decision: Decision, found: dict[str, Said]) -> None:
        words, quote = self.words, decision.quote
        if quote is not None:
            rules = tuple(line.rule for line in quote.lines if line.rule is not None)
            found["total"] = Said(words(message("total")), self._open_or(quote.total, words.money), rules)
            if quote.payer == "customer" and quote.payable != quote.total:
                paid = self._open_or(quote.payable, words.money)
                found["payable"] = Said(words(message("the customer pays")), paid, rules)
            payer = self._open_or(quote.payer, words.label)
            found["payer"] = Said(words(message("who pays")), payer, self._fired(decision, "payers"))
        compensation = decision.policy.compensation(decision)
        if compensation is not None:
            text = self._open_or(compensation.allowed, words.money)
            found["compensation"] = Said(words(message("compensation allowed")), text, (compensation.rule,))

    def _lists(self, decision: Decision, found: dict[str, Said]) -> None:
        words = self.words
        self._list(found, "remedies", decision.items("remedies"), lambda item: words(REMEDIES[item.cells["remedy"]]))
        self._list(
            found,
            "approvals",
            decision.approvals,
            lambda item: f"{words.label(item.cells['subject'])} ({words.label(item.cells['approver'])})",
        )
        self._entries(found, "penalties", [(self._penalty(one), one.rule) for one in decision.penalties])
        self._list(found, "escalations", decision.escalations, self._escalation)
        for table, cell in _LISTS.items():
            self._list(found, table, decision.items(table), lambda item, cell=cell: words.label(item.cells[cell]))  # type: ignore[misc]
        self._list(found, "intake", decision.items("intake"), lambda item: words.fact(item.cells["field"]))

    def _list(self, found: dict[str, Said], table: str, items: Iterable[Item], write: Callable[[Item], str]) -> None:
        self._entries(found, table, [(write(item), item.rule) for item in items])

    def _entries(self, found: dict[str, Said], table: str, items: list[tuple[str, RuleUse]]) -> None:
        entries: dict[str, tuple[RuleUse, ...]] = {}
        for text, rule in items:
            entries[text] = (*entries.get(text, ()), rule)
        if entries:
            found[table] = Said(self.words(TITLES[table][0]), "", (), entries)

    def _penalty(self, one: Penalty) -> str:
        words = self.words
        if one.amount is not None:
            figure = words.money(one.amount)
        elif one.least is not None and one.most is not None:
            figure = words(message("{least} to {most}", least=words.money(one.least), most=words.money(one.most)))
        else:
            figure = words(_OPEN)
        about = f" ({words.milestone(one.target)})" if one.target else ""
        return f"{words.label(one.liable)}: {figure}{about}"

    def _escalation(self, item: Item) -> str:
        words = self.words
        level = words(message("level {level}", level=item.cells["level"]))
        target = item.cells["target"]
        about = words.milestone(target) if target else words.label(item.cells.get("action"))
        return words.listed(part for part in (level, about, words.label(item.cells["notify"])) if part)
