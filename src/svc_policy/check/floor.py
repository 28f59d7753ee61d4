"""Find where a policy is worse for the customer than another one below which it should not fall: the law, as a rule.

Both policies decide the same tickets, on both sides of every day on which either
of them changes: the days and repairs that rows of `remedies` name, the last days
of each warranty, the days from which editions hold. Between two such days neither
changes, so nothing lies in between that is not seen. What a policy says nothing
of is not worse: it is said once, as a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.decision import Decision, RuleUse
from svc_policy.errors import CalendarError, Place, Problem, problem
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.messages import Message, message
from svc_policy.policy import Policy
from svc_policy.units import Literal

if TYPE_CHECKING:
    from svc_policy.rules.family import Row

#: The families that say what is free of charge, and to what the customer is entitled.
TOLD: Final = (
    *("intake", "zones", "warranty", "exclusions", "entitlements", "category", "fees", "part_fees", "surcharges"),
    *("payers", "overrides", "remedies"),
)
#: A day on which goods are bought where no edition names one; the 31st, as months are clamped.
SOLD: Final = date(2025, 1, 31)
#: Days from the sale to delivery, installation and acceptance: all at once, and one after the other.
COURSES: Final = ((0, 0, 0), (3, 6, 9))
EPOCH: Final = date(1970, 1, 1)
#: Rounds of asking for what a decision needs.
MOST_ROUNDS: Final = 8
REMEDIES: Final[Mapping[str, Message]] = {
    "return": message("return"),
    "exchange": message("exchange"),
    "repair": message("repair"),
}


@attrs.frozen(kw_only=True)
class Shortfall:
    """One way in which a policy is worse than the floor: what, for which goods, both rules, and a ticket that shows it.

    `kind` is ``warranty``, ``part``, ``remedy``, ``charged``, or ``silent`` where the
    policy says nothing of what the floor gives. `ticket` is what the policy was told.
    """

    kind: str
    goods: str
    what: str
    policy_rule: RuleUse | None
    floor_rule: RuleUse | None
    message: Message
    source: Message
    ticket: Mapping[str, Any]
    file: str

    def to_problem(self) -> Problem:
        """Give the finding as a problem at the policy's rule: an error, or a note where the policy is silent."""
        rule = self.policy_rule
        place = Place(file=self.file) if rule is None else Place(file=rule.file, line=rule.line)
        severity = "note" if self.kind == "silent" else "error"
        return problem(f"floor-{self.kind}", self.message, place=place, help=self.source, severity=severity)  # type: ignore[arg-type]


def worse_than(policy: Policy, floor: Policy) -> tuple[Shortfall, ...]:
    """List where a policy is worse for the customer than a floor, once for each pair of rules and kind of goods.

    Args:
        policy: The policy that is looked at.
        floor: What it should not fall below.

    Raises:
        CalendarError: An instant lies outside the calendar of a policy whose amounts depend on it.
    """
    return tuple(_Comparison(policy, floor).run())


class _Comparison:
    """Walks the tickets on which two policies may differ."""

    def __init__(self, policy: Policy, floor: Policy) -> None:
        self.whole = policy
        self.policy = _told(policy)
        self.floor = _told(floor)
        self.source = floor.pack.clauses
        self.answers: dict[str, dict[str, Any]] = {}

    def run(self) -> Iterator[Shortfall]:
        seen: set[tuple[object, ...]] = set()
        silent = {name for name in ("warranty", "remedies") if not self.whole.pack.rows.get(name)}
        for goods in _values(self.floor, "ticket", "product_class") or (None,):
            for facts in self._tickets(goods):
                for found in self._compare(goods, facts, silent):
                    rules = [None if rule is None else rule.rule for rule in (found.floor_rule, found.policy_rule)]
                    of = None if found.kind == "silent" else found.goods
                    key = (found.kind, of, found.what, *(rules if found.kind != "silent" else ()))
                    if key not in seen:
                        seen.add(key)
                        yield found

    # --- tickets

    def _tickets(self, goods: str | None) -> Iterator[dict[str, Any]]:
        """Yield the tickets of one kind of goods, those of a day one after another in time."""
        parts = [{"part_no": name, "part_class": name} for name in _values(self.floor, "part", "part_class")]
        for sold in _days_of_sale(self.policy, self.floor):
            for course in COURSES:
                base: dict[str, Any] = {"request_kind": "fault", "purchased_on": sold}
                for name, days in zip(("delivered_on", "installed_on", "accepted_on"), course, strict=True):
                    base[name] = sold + timedelta(days=days)
                if goods is not None:
                    base["product_class"] = goods
                for day in self._days(base, parts):
                    for cause in _values(self.floor, "ticket", "cause"):
                        yield {**base, "day": day, "cause": cause, "parts": parts}
                        for repairs in self._repairs():
                            for circumstance in (None, *_truths(self.floor)):
                                stated = {circumstance: True} if circumstance else {}
                                yield {**base, **stated, "day": day, "cause": cause, "earlier_repairs": repairs}

    def _days(self, base: Mapping[str, Any], parts: list[dict[str, str]]) -> list[date]:
        """List the days of the request on which something may change: each, and the day after it."""
        first = max(value for value in base.values() if isinstance(value, date))
        turns = {first}
        for policy in (self.policy, self.floor):
            told = {**base, "day": first, "cause": "product", "parts": parts}
            decision = self._decide(policy, told)
            ends = [decision.column("warranty_end")]
            ends += [
                policy.child_column(decision, "part", number, "part_warranty_end") for number in range(len(parts))
            ]
            turns.update(EPOCH + timedelta(days=int(end)) for end in ends if end is not None)
            for row in policy.pack.rows.get("remedies", ()):
                for days in _figures(policy, row.results.get("days")):
                    start = base[f"{row.text('starts') or 'delivered'}_on"]
                    turns.add(start + timedelta(days=days))
        days = {day + timedelta(days=after) for day in turns for after in (0, 1)}
        return sorted(day for day in days if day >= first)

    def _repairs(self) -> list[int]:
        """List the numbers of earlier repairs at which a row of either policy begins or ceases to hold."""
        found = {0}
        for policy in (self.policy, self.floor):
            for rows in policy.pack.rows.values():
                for row in rows:
                    for item in row.tests["earlier_repairs"].items if "earlier_repairs" in row.tests else ():
                        for bound in (item.low, item.high):
                            if isinstance(bound, Literal):
                                number = int(bound.value)  # type: ignore[arg-type]
                                found.update((number - 1, number, number + 1))
        return sorted(number for number in found if number >= 0)

    # --- decisions

    def _decide(self, policy: Policy, facts: Mapping[str, Any]) -> Decision:
        """Decide a ticket, answering what the policy asks of what the floor does not know."""
        answers = self.answers.setdefault(policy.id, {})
        for _ in range(MOST_ROUNDS):
            ticket = _ticket(policy, facts, answers)
            at = datetime.fromisoformat(str(ticket["received_at"])).replace(tzinfo=policy.zone)
            decision = policy.decide(ticket, at=at)
            asked = [name for name in decision.needs if name not in answers and name not in facts]
            known = {fact.name: fact for of in ("ticket", "part") for fact in policy.pack.settings.facts[of]}
            new = {name: _answer(known[name]) for name in asked if name in known}
            if not new:
                break
            answers.update(new)
        return decision

    def _compare(self, goods: str | None, facts: Mapping[str, Any], silent: set[str]) -> Iterator[Shortfall]:
        by_floor = self._decide(self.floor, facts)
        covered = by_floor.column("covered") is True
        entitled = _remedies(self.floor, by_floor)
        lines = range(len(facts.get("parts", ())))
        kept = [self.floor.child_column(by_floor, "part", line, "part_covered") is True for line in lines]
        if not (covered or entitled or any(kept)):
            return
        by_policy = self._decide(self.policy, facts)
        told = _ticket(self.policy, facts, self.answers[self.policy.id])
        words = self.floor.pack.label(goods, "en") if goods else "", self.floor.pack.label(goods, "zh") if goods else ""

        def shortfall(kind: str, what: str, text: Message, mine: RuleUse | None, its: RuleUse | None) -> Shortfall:
            return Shortfall(
                kind=kind,
                goods=goods or "",
                what=what,
                policy_rule=mine,
                floor_rule=its,
                message=text,
                source=self._source(its, told),
                ticket=told,
                file=self.whole.pack.files.texts["policy"][1],
            )

        name = Words(*words)
        if lines:
            for line, is_kept in enumerate(kept):
                if not is_kept or "warranty" in silent:
                    continue
                if self.policy.child_column(by_policy, "part", line, "part_covered") is not True:
                    part = facts["parts"][line]["part_class"]
                    ends = [
                        _day(one.child_column(decision, "part", line, "part_warranty_end"))
                        for one, decision in ((self.policy, by_policy), (self.floor, by_floor))
                    ]
                    text = message(
                        "{goods}, {part}: not covered on {day} (its warranty ends on {end}, under `{floor}` on {later})",
                        goods=name,
                        part=Words(self.floor.pack.label(part, "en"), self.floor.pack.label(part, "zh")),
                        day=facts["day"].isoformat(),
                        end=ends[0],
                        floor=self.floor.id,
                        later=ends[1],
                    )
                    mine = self._because(self.policy, by_policy, "part_exclusions", "part_warranty", line)
                    yield shortfall("part", str(part), text, mine, self.floor.chosen(by_floor, "part_warranty", "part", line))
            return
        if covered:
            its = self.floor.chosen(by_floor, "warranty")
            if "warranty" in silent:
                text = message("the policy says nothing of a warranty, which `{floor}` gives", floor=self.floor.id)
                yield shortfall("silent", "warranty", text, None, its)
            elif by_policy.column("covered") is not True:
                text = message(
                    "{goods}: not covered on {day} (the warranty ends on {end}, under `{floor}` on {later})",
                    goods=name,
                    day=facts["day"].isoformat(),
                    end=_day(by_policy.column("warranty_end")),
                    floor=self.floor.id,
                    later=_day(by_floor.column("warranty_end")),
                )
                yield shortfall("warranty", "", text, self._because(self.policy, by_policy), its)
            payable = by_policy.column("payable")
            if payable is not None and int(payable) > 0 and by_policy.column("payer") in (None, "customer"):
                amount = f"{self.policy.money(payable)} {self.policy.pack.settings.currency}"
                text = message(
                    "{goods}: {amount} is charged on {day}, which is free under `{floor}`",
                    goods=name,
                    amount=amount,
                    day=facts["day"].isoformat(),
                    floor=self.floor.id,
                )
                yield shortfall("charged", "", text, self._charging(by_policy), its)
        own = _remedies(self.policy, by_policy)
        for remedy, its in entitled.items():
            if "remedies" in silent:
                text = message(
                    "the policy says nothing of {remedy}, which `{floor}` gives",
                    remedy=REMEDIES[remedy],
                    floor=self.floor.id,
                )
                yield shortfall("silent", remedy, text, None, its)
            elif remedy not in own:
                text = message(
                    "{goods}: no {remedy} on {day}, to which `{floor}` entitles",
                    goods=name,
                    remedy=REMEDIES[remedy],
                    day=facts["day"].isoformat(),
                    floor=self.floor.id,
                )
                yield shortfall("remedy", remedy, text, self._nearest(remedy, by_policy), its)

    # --- rules

    @staticmethod
    def _because(
        policy: Policy, decision: Decision, exclusions: str = "exclusions", warranty: str = "warranty", line: int = -1
    ) -> RuleUse | None:
        """Name the rule by which something is not covered: an exclusion, else the warranty's."""
        of = {"grain": "ticket"} if line < 0 else {"grain": "part", "number": line}
        for _, row in policy.fired(decision, exclusions, **of):  # type: ignore[arg-type]
            return policy.rule_use("exclusions", row)
        return policy.chosen(decision, warranty, **of)  # type: ignore[arg-type]

    def _charging(self, decision: Decision) -> RuleUse | None:
        """Name the rule of the first line that is charged."""
        quote = self.policy.quote(decision)
        lines = quote.lines if quote is not None else ()
        return next((line.rule for line in lines if line.rule is not None and line.amount), None)

    def _nearest(self, remedy: str, decision: Decision) -> RuleUse | None:
        """Name the policy's own rule of a remedy, if it has one."""
        rows = self.policy.pack.rows.get("remedies", ())
        row = next((row for row in rows if row.text("remedy") == remedy), None)
        return None if row is None else self.policy.rule_use("remedies", row)

    def _source(self, rule: RuleUse | None, told: Mapping[str, Any]) -> Message:
        import json

        ticket = json.dumps({name: value for name, value in told.items() if name != "parts" or value}, ensure_ascii=False)
        if rule is None:
            return message("ticket: {ticket}", ticket=ticket)
        places = "; ".join(f"{cite}: {self.source[cite].place}" for cite in rule.cites if cite in self.source)
        return message(
            "see {place}, rule `{rule}` ({cites}); ticket: {ticket}",
            place=f"{rule.file}:{rule.line}",
            rule=rule.rule,
            cites=places,
            ticket=ticket,
        )


class Words(Message):
    """A label of a pack: one text a language, in the place of a template."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en, {"zh": zh})

    def text(self, language: Any = "en") -> str:
        """Give the text of the language."""
        return str(self.values["zh"]) if language == "zh" else self.template


def _told(policy: Policy) -> Policy:
    """Leave out of a policy what has no say in the comparison, its clocks above all."""
    kept = {name: rows for name, rows in policy.pack.rows.items() if name in TOLD}
    reads = {name for rows in kept.values() for row in rows for name, test in row.tests.items() if not test.any}
    if any(name.endswith("_status") for name in reads):
        kept |= {name: policy.pack.rows[name] for name in ("holds", "deadlines") if name in policy.pack.rows}
    if any(name in reads for name in ("total_boxes", "goods_total", "processing_total", "vehicle", "stock_short")):
        return policy
    return Policy(attrs.evolve(policy.pack, rows=kept), policy.fixed_on)


def _days_of_sale(*policies: Policy) -> list[date]:
    """List the days of sale on which editions differ: the first day of each, and the day before."""
    days = {SOLD}
    for policy in policies:
        turns = {
            day
            for name in ("warranty", "remedies", "exclusions")
            for row in policy.pack.rows.get(name, ())
            for day in (row.since, row.until)
        }
        read = {name for name in ("warranty", "remedies") for row in policy.pack.rows.get(name, ()) for name in row.rests_on}
        turns |= {since for name in read for since, _ in policy.pack.settings.parameters[name].values}
        for turn in turns - {None}:
            days |= {EPOCH + timedelta(days=int(turn or 0) + before) for before in (-1, 0)}
    return sorted(days)


def _figures(policy: Policy, cell: object) -> Iterator[int]:
    """Yield the numbers that a cell has on any day."""
    if isinstance(cell, Literal):
        yield int(cell.value)  # type: ignore[arg-type]
    elif cell is not None:
        for _, literal in policy.pack.settings.parameters[cell.name].values:  # type: ignore[attr-defined]
            yield int(literal.value)  # type: ignore[arg-type]


def _remedies(policy: Policy, decision: Decision) -> dict[str, RuleUse]:
    """Give the remedies that are open, each with the first rule that opens it."""
    found: dict[str, RuleUse] = {}
    if policy.pack.rows.get("remedies"):
        for _, row in policy.fired(decision, "remedies"):
            found.setdefault(row.text("remedy") or "", policy.rule_use("remedies", row))
    return found


def _values(policy: Policy, grain: str, name: str) -> tuple[str, ...]:
    return next((tuple(fact.values) for fact in policy.pack.settings.facts[grain] if fact.name == name), ())  # type: ignore[index]


def _truths(policy: Policy) -> Iterable[str]:
    """List the circumstances that a policy asks about by itself."""
    built_in = {fact.name for fact in BUILT_IN["ticket"]}
    own = (fact for fact in policy.pack.settings.company_facts if fact.kind == "bool" and fact.grain == "ticket")
    return [fact.name for fact in own if fact.name not in built_in]


def _ticket(policy: Policy, facts: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts as a ticket of a policy: what it does not know is left out, its own facts stand apart."""
    settings = policy.pack.settings
    own = {fact.name for fact in settings.company_facts} - {fact.name for fact in BUILT_IN["ticket"]}
    known = {fact.name: fact for fact in settings.facts["ticket"]}
    of_part = {fact.name: fact for fact in settings.facts["part"]}
    ticket: dict[str, Any] = {"received_at": datetime.combine(facts["day"], time(10)).isoformat()}
    extra: dict[str, Any] = {}
    for name, value in {**{key: value for key, value in answers.items() if key in known}, **facts}.items():
        if name not in known or not _permits(known[name], value):
            continue
        written = value.isoformat() if isinstance(value, date) else value
        (extra if name in own else ticket)[name] = written
    if extra:
        ticket["extra"] = extra
    if facts.get("parts"):
        more = {name: value for name, value in answers.items() if name in of_part and name not in known}
        ticket["parts"] = [
            {key: value for key, value in {**more, **part}.items() if _permits(of_part[key], value)}
            for part in facts["parts"]
        ]
    return ticket


def _permits(fact: Fact, value: object) -> bool:
    """Whether a fact can have a value; one that lists its values has no others."""
    return not fact.values or not isinstance(value, str) or value in fact.values


def _answer(fact: Fact) -> Any:
    """Answer a question of no interest: the first of its values, no, or one."""
    if fact.values:
        return next(iter(fact.values))
    return {"bool": fact.name == "on_site", "text": "x", "money": "100.00", "date": SOLD.isoformat()}.get(fact.kind, 1)


def _day(number: object) -> str:
    return "-" if number is None else (EPOCH + timedelta(days=int(number))).isoformat()  # type: ignore[call-overload]
