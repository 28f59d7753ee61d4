"""How measures, alterations and groups of tickets are called in a sentence and in a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from svc_policy.diff.attribution import Alteration
from svc_policy.diff.naming import Naming
from svc_policy.facts.registry import MILESTONES
from svc_policy.messages import Language, Message, message
from svc_policy.pages import money

if TYPE_CHECKING:
    from svc_policy.diff.breakdown import BreakdownRow
    from svc_policy.diff.impact import Impact
    from svc_policy.diff.measures import Measure

PARTS: Final[Mapping[str, Message]] = {
    "": message("decisions that change"),
    "coverage": message("coverage"),
    "category": message("category"),
    "targets": message("targets"),
    "quote": message("quote"),
    "materials": message("materials"),
    "approvals": message("approvals"),
    "penalties": message("penalties"),
    "compensation": message("compensation"),
    "escalations": message("escalations"),
    "intake": message("what to ask at the start"),
    "routing": message("routing"),
    "procedures": message("procedures"),
    "forms": message("forms"),
    "checklists": message("checklists"),
    "surveys": message("surveys"),
    "duties": message("duties"),
    "other": message("other results"),
    "exclusions": message("exclusions"),
    "confirmations": message("reasons to confirm"),
    "late_penalties": message("penalties for late targets"),
    "appraisals": message("appraisals"),
}
AMOUNTS: Final[Mapping[str, Message]] = {
    "parts_amount": message("parts"),
    "goods_total": message("goods"),
    "processing_total": message("processing"),
    "subtotal": message("subtotal"),
    "discount": message("discount"),
    "tax": message("tax"),
    "total": message("total"),
    "payable": message("what customers pay"),
    "settlement_total": message("settlements"),
    "compensation_allowed": message("compensation allowed"),
    "penalty_least": message("penalties, at least"),
    "penalty_most": message("penalties, at most"),
}
_TARGETS: Final[Mapping[str, Message]] = {
    "late": message("late: {target}"),
    "newly late": message("newly late: {target}"),
    "no longer late": message("no longer late: {target}"),
    "newly met": message("newly met: {target}"),
}
_KINDS: Final[Mapping[str, Message]] = {
    "order": message("order of the table {table}"),
    "table": message("table {table}"),
    "parameter": message("parameter {name}"),
    "money": message("tax and rounding"),
    "list": message("list {name}"),
    "facts": message("facts of the company's own"),
    "calendar": message("time zone, working week and calendar"),
}


class ImpactWords:
    """The words of an impact in one language: labels of the new policy, else of the old one."""

    def __init__(self, impact: Impact, language: Language) -> None:
        self.impact = impact
        self.language: Language = language
        self.policies = (impact.new, impact.old)
        self.naming = Naming(impact.old, impact.new, language)

    def __call__(self, template: Message) -> str:
        """Put a message into words."""
        return template.text(self.language)

    def listed(self, names: Iterable[str]) -> str:
        """Put names in a row."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def label(self, name: str) -> str:
        """Give the label of a word that tables use."""
        return next(
            (found for policy in self.policies if (found := policy.pack.label(name, self.language)) != name),
            name.replace("_", " "),
        )

    def target(self, name: str) -> str:
        """Name a target by the milestone that ends it."""
        for policy in self.policies:
            for fact in policy.pack.settings.facts["ticket"]:
                if fact.name == MILESTONES.get(name):
                    return fact.zh if self.language == "zh" else fact.en
        return name

    def measure(self, measure: Measure) -> str:
        """Name a measure."""
        if measure.kind == "changed":
            return self(PARTS[measure.name])
        if measure.kind == "money":
            return self.amount(measure.name)
        if measure.kind == "list":
            return self(message("{name}: {item}", name=self.part(measure.list), item=self.item(measure.name)))
        return Message(_TARGETS[measure.kind].template, {"target": self.target(measure.name)}).text(self.language)

    def amount(self, name: str) -> str:
        """Name an amount of money."""
        if name in AMOUNTS:
            return self(AMOUNTS[name])
        return self.label(name.removeprefix("fee_").removeprefix("surcharge_"))

    def part(self, name: str) -> str:
        """Name a part of a decision, or a list."""
        return self(PARTS[name]) if name in PARTS else self.label(name)

    def item(self, name: str) -> str:
        """Put an item of a list into words: its cells without their names."""
        cells = [cell.partition(": ") for cell in name.split("; ")]
        return self.listed(self.target(text) if key == "target" else self.label(text) for key, _, text in cells)

    def alteration(self, alteration: Alteration) -> str:
        """Name an alteration: table and rule, or what else it is."""
        if alteration.kind == "rule":
            return f"{self.naming.table(alteration.table)}.{alteration.name}"
        values = {"table": self.naming.table(alteration.table), "name": alteration.name}
        return Message(_KINDS[alteration.kind].template, values).text(self.language)

    def because(self, key: str) -> str:
        """Name an alteration by its key."""
        found = next((line.alteration for line in self.impact.lines if line.alteration.key == key), None)
        return key if found is None else self.alteration(found)

    def figure(self, measure: Measure, value: int | None, *, signed: bool = False) -> str:
        """Write the value of a measure: an amount, or a number of tickets."""
        if value is None:
            return "–"
        sign = "+" if signed and value > 0 else ""
        if measure.kind == "money" and self.impact.currency is not None:
            return f"{sign}{money(value, self.impact.currency)}"
        return f"{sign}{value:,}"

    def group(self, breakdown: str, row: BreakdownRow) -> str:
        """Name a month, a category or a zone."""
        if not row.name:
            return self(message("not determined"))
        return row.name if breakdown == "month" else self.label(row.name)
