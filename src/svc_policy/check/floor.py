"""Find where a policy is worse for the customer than another one below which it should not fall: the law, as a rule.

Both policies decide the same tickets, on both sides of every day on which either
of them changes: the days and repairs that rows of `remedies` name, the last days
of each warranty, the days from which editions hold. Between two such days neither
changes, so nothing lies in between that is not seen. What a policy says nothing
of is not worse: it is said once, as a note.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from svc_policy.decision import Decision, RuleUse
from svc_policy.errors import Place, Problem, problem
from svc_policy.facts.registry import BUILT_IN, Fact
from svc_policy.messages import Message, Phrase, message
from svc_policy.policy import Policy
from svc_policy.rules import FAMILIES
from svc_policy.rules.family import Governing, Parameter
from svc_policy.rules.remedies import START
from svc_policy.rules.warranty import STARTS
from svc_policy.tables import Reference, Test, match
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
#: Days from the sale to delivery, installation and acceptance: all at once, or forty days pass before one of them.
COURSES: Final = ((0, 0, 0), (40, 40, 40), (0, 40, 40), (0, 0, 40))
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
        self.silent = [name for name in ("warranty", "remedies") if not policy.pack.rows.get(name)]
        causes = _values(self.floor, "ticket", "cause")
        self.causes = self._unlike("cause", sorted(causes, key=lambda cause: cause != "product"))
        self.circumstances = self._circumstances()

    def run(self) -> Iterator[Shortfall]:
        yield from self._silences()
        seen: set[tuple[object, ...]] = set()
        for goods in _values(self.floor, "ticket", "product_class") or (None,):
            for facts in self._tickets(goods):
                for found in self._compare(goods, facts):
                    rules = [None if rule is None else rule.rule for rule in (found.floor_rule, found.policy_rule)]
                    key = (found.kind, found.goods, found.what, *rules)
                    if key not in seen:
                        seen.add(key)
                        yield found

    def _silences(self) -> Iterator[Shortfall]:
        """Say once of a warranty and of each remedy that the policy has no table for it."""
        for table in self.silent:
            said: set[str] = set()
            for row in self.floor.pack.rows.get(table, ()):
                remedy = row.text("remedy") or table
                if remedy not in said:
                    said.add(remedy)
                    what = REMEDIES.get(remedy, message("a warranty"))
                    words = {"what": what, "floor": self.floor.id}
                    text = message("the policy says nothing of {what}, which `{floor}` gives", **words)
                    yield self._shortfall("silent", "", remedy, text, None, self.floor.rule_use(table, row), {})

    # --- tickets

    def _tickets(self, goods: str | None) -> Iterator[dict[str, Any]]:
        """Yield the tickets of one kind of goods, those of a day one after another in time."""
        parts = [{"part_no": name, "part_class": name} for name in _values(self.floor, "part", "part_class")]
        for sold in _days_of_sale(self.policy, self.floor):
            for course in _courses(self.policy, self.floor):
                base: dict[str, Any] = {"request_kind": "fault", "purchased_on": sold}
                for name, days in zip(("delivered_on", "installed_on", "accepted_on"), course, strict=True):
                    base[name] = sold + timedelta(days=days)
                if goods is not None:
                    base["product_class"] = goods
                for day in self._days(base, parts):
                    for cause in self.causes:
                        yield {**base, "day": day, "cause": cause, "parts": parts}
                    for circumstances in self.circumstances:
                        yield {**base, **circumstances, "day": day}

    def _days(self, base: Mapping[str, Any], parts: list[dict[str, str]]) -> list[date]:
        """List the days of the request on which something may change: each, and the day after it."""
        first = max(value for value in base.values() if isinstance(value, date))
        turns = {first}
        for policy in (self.policy, self.floor):
            told = {**base, "day": first, "cause": "product", "parts": parts}
            decision = self._decide(policy, told)
            ends = [decision.column("warranty_end")]
            ends += [policy.child_column(decision, "part", number, "part_warranty_end") for number in range(len(parts))]
            turns.update(EPOCH + timedelta(days=int(end)) for end in ends if end is not None)
            for row in policy.pack.rows.get("remedies", ()):
                for days in _figures(policy, row.results.get("days")):
                    start = base[f"{row.text('starts') or START}_on"]
                    turns.add(start + timedelta(days=days))
            # What an edition of a fee changes is asked about on its first day, and on the day before.
            turns.update(turn - timedelta(days=1) for turn in _turns(policy, "request", "fee"))
        asked = {day + timedelta(days=after) for day in turns for after in (0, 1)}
        return sorted(day for day in asked if day >= first)

    def _circumstances(self) -> list[dict[str, Any]]:
        """List what else of a ticket may matter: all values together of what a row of the floor and the policy read.

        A row of the floor does not see what it does not read; what stands in the way of
        it in the policy is read by a row of the policy. Of the floor's own facts that are
        yes or no one is true at a time.
        """
        truths = _truths(self.floor)
        values: dict[str, list[Any]] = {
            "cause": self.causes,
            "earlier_repairs": self._repairs(),
            **{name: [False, True] for name in truths},
        }
        by_policy = {name for rows in self.policy.pack.rows.values() for row in rows for name in _read(row)}
        by_exclusions = {name for row in self.floor.pack.rows.get("exclusions", ()) for name in _read(row)}
        found: dict[tuple[tuple[str, Any], ...], None] = {}
        # Of remedies that the policy is silent on nothing can be compared.
        for table in ("warranty", "remedies") if self.policy.pack.rows.get("remedies") else ("warranty",):
            for row in self.floor.pack.rows.get(table, ()):
                # A remedy may rest on what is covered.
                read = _read(row) | by_policy | by_exclusions
                varied = [name for name in values if name in read]
                for chosen in itertools.product(*(values[name] for name in varied)):
                    told = {"cause": "product", **dict(zip(varied, chosen, strict=True))}
                    if sum(told.get(name, False) for name in truths) <= 1:
                        found[tuple(sorted((name, value) for name, value in told.items() if value is not False))] = None
        return [dict(told) for told in found]

    def _repairs(self) -> list[int]:
        """List the numbers of earlier repairs at which a row of either policy begins or ceases to hold."""
        found = {0}
        for policy in (self.policy, self.floor):
            for test in _tests(policy, "earlier_repairs"):
                for bound in (bound for item in test.items for bound in (item.low, item.high)):
                    cell = Parameter(bound.name) if isinstance(bound, Reference) else bound
                    for number in _figures(policy, cell):
                        found.update((number - 1, number, number + 1))
        return self._unlike("earlier_repairs", sorted(number for number in found if number >= 0))

    def _unlike(self, name: str, values: Sequence[Any]) -> list[Any]:
        """Leave out the values that no row of either policy tells from one that stays."""
        tests = [test for policy in (self.policy, self.floor) for test in _tests(policy, name)]
        if any(
            isinstance(bound, Reference) for test in tests for item in test.items for bound in (item.low, item.high)
        ):
            return list(values)
        told: dict[tuple[bool | None, ...], Any] = {}
        for value in values:
            told.setdefault(tuple(match(test, value) for test in tests), value)
        return list(told.values())

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

    def _compare(self, goods: str | None, facts: Mapping[str, Any]) -> Iterator[Shortfall]:
        """Decide a ticket under both, and yield each way in which the policy gives less."""
        by_floor = self._decide(self.floor, facts)
        covered = by_floor.column("covered") is True
        entitled = {} if "remedies" in self.silent else _remedies(self.floor, by_floor)
        kept = [
            self.floor.child_column(by_floor, "part", line, "part_covered") is True
            for line in range(len(facts.get("parts", ())))
        ]
        if not (covered or entitled or any(kept)):
            return
        by_policy = self._decide(self.policy, facts)
        told = _ticket(self.policy, facts, self.answers[self.policy.id])
        words = {
            "goods": _words(self.floor, goods or ""),
            "day": facts["day"].isoformat(),
            "floor": self.floor.id,
        }
        if kept:
            for line, is_kept in enumerate(kept):
                if is_kept and "warranty" not in self.silent:
                    yield from self._part(by_policy, by_floor, line, words, told)
            return
        its = self.floor.chosen(by_floor, "warranty")
        if covered and "warranty" not in self.silent and by_policy.column("covered") is not True:
            text = message(
                "{goods}: not covered on {day} (the warranty ends on {end}, under `{floor}` on {later})",
                end=_day(by_policy.column("warranty_end")),
                later=_day(by_floor.column("warranty_end")),
                **words,
            )
            yield self._shortfall("warranty", goods, "", text, self._because(by_policy), its, told)
        payable = by_policy.column("payable")
        is_charged = payable is not None and int(payable) > 0 and by_policy.column("payer") in (None, "customer")
        if covered and is_charged:
            amount = f"{self.policy.money(payable)} {self.policy.pack.settings.currency}"
            text = message(
                "{goods}: {amount} is charged on {day}, which is free under `{floor}`", amount=amount, **words
            )
            yield self._shortfall("charged", goods, "", text, self._charging(by_policy), its, told)
        own = _remedies(self.policy, by_policy)
        for remedy, opens in entitled.items():
            if remedy not in own:
                text = message(
                    "{goods}: no {remedy} on {day}, to which `{floor}` entitles", remedy=REMEDIES[remedy], **words
                )
                yield self._shortfall("remedy", goods, remedy, text, self._nearest(remedy), opens, told)

    def _part(
        self, by_policy: Decision, by_floor: Decision, line: int, words: Mapping[str, Any], told: Mapping[str, Any]
    ) -> Iterator[Shortfall]:
        """Yield a part that is covered under the floor and not under the policy."""
        if self.policy.child_column(by_policy, "part", line, "part_covered") is True:
            return
        part = by_floor.ticket.parts[line].part_no or ""
        text = message(
            "{goods}, {part}: not covered on {day} (its warranty ends on {end}, under `{floor}` on {later})",
            part=_words(self.floor, part),
            end=_day(self.policy.child_column(by_policy, "part", line, "part_warranty_end")),
            later=_day(self.floor.child_column(by_floor, "part", line, "part_warranty_end")),
            **words,
        )
        its = self.floor.chosen(by_floor, "part_warranty", "part", line)
        goods = by_floor.ticket.product_class
        yield self._shortfall("part", goods, part, text, self._because(by_policy, line), its, told)

    def _shortfall(
        self,
        kind: str,
        goods: str | None,
        what: str,
        text: Message,
        mine: RuleUse | None,
        its: RuleUse | None,
        told: Mapping[str, Any],
    ) -> Shortfall:
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

    # --- rules

    def _because(self, decision: Decision, line: int | None = None) -> RuleUse | None:
        """Name the rule by which something is not covered: an exclusion, else the warranty's."""
        prefix, grain = ("", "ticket") if line is None else ("part_", "part")
        for _, row in self.policy.fired(decision, f"{prefix}exclusions", grain, line or 0):
            return self.policy.rule_use("exclusions", row)
        return self.policy.chosen(decision, f"{prefix}warranty", grain, line or 0)

    def _charging(self, decision: Decision) -> RuleUse | None:
        """Name the rule of the first line that is charged."""
        quote = self.policy.quote(decision)
        lines = quote.lines if quote is not None else ()
        return next((line.rule for line in lines if line.rule is not None and line.amount), None)

    def _nearest(self, remedy: str) -> RuleUse | None:
        """Name the policy's own rule of a remedy, if it has one."""
        rows = self.policy.pack.rows.get("remedies", ())
        row = next((row for row in rows if row.text("remedy") == remedy), None)
        return None if row is None else self.policy.rule_use("remedies", row)

    def _source(self, rule: RuleUse | None, told: Mapping[str, Any]) -> Message:
        """Name the floor's rule and its source, and the ticket."""
        import json

        ticket = json.dumps(told, ensure_ascii=False)
        if rule is None:
            return message("ticket: {ticket}", ticket=ticket)
        cites = "; ".join(f"{cite}: {self.source[cite].place}" for cite in rule.cites if cite in self.source)
        place = f"{rule.file}:{rule.line}"
        if not told:
            return message("see {place}, rule `{rule}` ({cites})", place=place, rule=rule.rule, cites=cites)
        return message(
            "see {place}, rule `{rule}` ({cites}); ticket: {ticket}",
            place=place,
            rule=rule.rule,
            cites=cites,
            ticket=ticket,
        )


def _words(policy: Policy, name: str) -> Phrase:
    return Phrase(policy.pack.label(name, "en"), policy.pack.label(name, "zh"))


def _told(policy: Policy) -> Policy:
    """Leave out of a policy what has no say in the comparison, its clocks above all."""
    kept = {name: rows for name, rows in policy.pack.rows.items() if name in TOLD}
    reads = {name for rows in kept.values() for row in rows for name, test in row.tests.items() if not test.any}
    if any(name.endswith("_status") for name in reads):
        kept |= {name: policy.pack.rows[name] for name in ("holds", "deadlines") if name in policy.pack.rows}
    if any(name in reads for name in ("total_boxes", "goods_total", "processing_total", "vehicle", "stock_short")):
        return policy
    return Policy(attrs.evolve(policy.pack, rows=kept), policy.fixed_on)


def _tests(policy: Policy, name: str) -> list[Test]:
    """List the tests of a fact in all rows."""
    return [row.tests[name] for rows in policy.pack.rows.values() for row in rows if name in row.tests]


def _read(row: Row) -> set[str]:
    """List what the conditions of a row read."""
    return {name for name, test in row.tests.items() if not test.any}


def _courses(*policies: Policy) -> list[tuple[int, int, int]]:
    """List the courses of events that matter: all at once, and those that tell apart what the policies count from."""
    counted = {
        STARTS.index(row.text("starts") or START)
        for policy in policies
        for name in ("warranty", "remedies")
        for row in policy.pack.rows.get(name, ())
    }
    return [COURSES[0], *(COURSES[late] for late in (1, 2, 3) if counted and min(counted) < late <= max(counted))]


def _days_of_sale(*policies: Policy) -> list[date]:
    """List the days of sale on which editions differ: the first day of each, and the day before."""
    turns = {turn for policy in policies for turn in _turns(policy, "purchase", "request", "fee")}
    return sorted({SOLD, *(turn + timedelta(days=before) for turn in turns for before in (-1, 0))})


def _turns(policy: Policy, *governing: Governing) -> Iterator[date]:
    """Yield the days on which an edition begins or ends of tables that these days govern, or a value they rest on."""
    for name, rows in policy.pack.rows.items():
        if name not in TOLD or FAMILIES[name].governing not in governing:
            continue
        for row in rows:
            values = (policy.pack.settings.parameters[one].values for one in row.rests_on)
            for day in (row.since, row.until, *(since for dated in values for since, _ in dated)):
                if day is not None:
                    yield EPOCH + timedelta(days=day)


def _figures(policy: Policy, cell: object) -> Iterator[int]:
    """Yield the numbers that a cell has on any day."""
    if isinstance(cell, Literal):
        yield int(cell.value)  # type: ignore[arg-type]
    elif isinstance(cell, Parameter):
        for _, literal in policy.pack.settings.parameters[cell.name].values:
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
