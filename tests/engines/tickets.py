"""Random tickets for a policy: on, just under and just over every boundary, with facts missing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs

from svc_policy import Hold, Incident, Material, Override, Part, Policy, Ticket
from svc_policy.facts.registry import BUILT_IN, LISTS, Fact
from svc_policy.facts.ticket import Record
from svc_policy.tables import Interval
from svc_policy.units import Allowance, Literal

DAY = 86_400
EPOCH = date(1970, 1, 1)
#: Instants in the order in which they should happen; now and then they do not.
MILESTONES = tuple(
    fact.name for fact in BUILT_IN["ticket"] if fact.kind == "instant" and not fact.name.startswith("recorded_")
)
_GAPS = (0, 1, 59, 60, 1800, 3600, 3 * 3600, 4 * 3600, 8 * 3600, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 12 * DAY)


class _Source:
    """What a policy's tables mention, by column: bounds and words; dates of editions; allowances."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.facts: Mapping[str, Sequence[Fact]] = policy.pack.settings.facts
        self.bounds: dict[str, set[int]] = {}
        self.words: dict[str, set[str]] = {}
        self.edges: set[int] = set()
        self.gaps: list[int] = list(_GAPS)
        # What no table names is left out: the clock would run on for weeks between the others.
        named = {"received", "quoted", "confirmed", "departed", "finished", "closed"}
        for rows in policy.pack.rows.values():
            for row in rows:
                self.edges.update(day for day in (row.since, row.until) if day is not None)
                for name, test in row.tests.items():
                    for item in test.items:
                        self._mention(name, item)
                named |= {
                    str(cell.value).removesuffix("_at") for cell in row.results.values() if isinstance(cell, Literal)
                }
                within = row.results.get("within")
                if isinstance(within, Literal) and isinstance(within.value, Allowance) and within.value.unit == "s":
                    self.gaps += [max(0, within.value.value + step) for step in (-1, 0, 1)]
        for parameter in policy.pack.settings.parameters.values():
            named |= {str(value.value) for _, value in parameter.values if value.kind == "text"}
            self.edges.update(since for since, _ in parameter.values if since is not None)

        self.milestones = tuple(name for name in MILESTONES if name.removesuffix("_at") in named)

    def _mention(self, name: str, item: Interval) -> None:
        for bound in (item.low, item.high):
            if isinstance(bound, Literal) and isinstance(bound.value, str):
                self.words.setdefault(name, set()).add(bound.value)
            elif isinstance(bound, Literal) and isinstance(bound.value, int):
                self.bounds.setdefault(name, set()).add(bound.value)


def random_tickets(policy: Policy, count: int, seed: int) -> list[Ticket]:
    """Make `count` tickets; the same seed gives the same tickets.

    Some state every fact, some miss about a quarter, some miss most. Dates lie
    between 2023 and June 2026, a few earlier, and about one ticket in a hundred
    leaves the policy's calendar.
    """
    source = _Source(policy)
    chance = random.Random(seed)
    return [_Maker(source, chance).ticket(str(number)) for number in range(count)]


def random_instants(policy: Policy, tickets: Iterable[Ticket], seed: int) -> list[int]:
    """Choose an instant for each ticket: near one of its milestones, or anywhere about it."""
    chance = random.Random(seed)
    return [_instant_for(ticket, chance) for ticket in tickets]


def state(policy: Policy, ticket: Ticket, names: Iterable[str], seed: int) -> Ticket:
    """State missing facts with random values: of the ticket, or of every child that lacks it (``parts.unit_price``)."""
    maker = _Maker(_Source(policy), random.Random(seed))
    maker.received = ticket.received_at or maker.received
    changes: dict[str, object] = {}
    extra = dict(ticket.extra)
    for name in names:
        field, _, fact_name = name.rpartition(".")
        grain = next((grain for grain, of in LISTS.items() if of == field), "ticket")
        fact = next(fact for fact in maker.source.facts[grain] if fact.name == fact_name)
        if field:
            records = changes.get(field, getattr(ticket, field))
            changes[field] = tuple(maker.completed(record, fact) for record in records)
        elif _is_built_in(fact):
            assert getattr(ticket, fact_name) is None, name
            changes[fact_name] = maker.stated_value(fact)
        else:
            assert fact_name not in extra, name
            extra[fact_name] = maker.stated_value(fact)
    return attrs.evolve(ticket, extra=extra, **changes)


def missing_facts(policy: Policy, ticket: Ticket) -> list[str]:
    """List the facts that a ticket lacks and whose absence means that nobody told us."""
    asked = {grain: [fact.name for fact in of if fact.asks] for grain, of in policy.pack.settings.facts.items()}
    lacking = [
        name
        for name in asked["ticket"]
        if (getattr(ticket, name) if hasattr(ticket, name) else ticket.extra.get(name)) is None
    ]
    for grain, field in LISTS.items():
        records = getattr(ticket, field)
        lacking += [f"{field}.{name}" for name in asked[grain] if any(getattr(item, name) is None for item in records)]
    return lacking


def _instant_for(ticket: Ticket, chance: random.Random) -> int:
    stated = [int(at.timestamp()) for name in MILESTONES if (at := getattr(ticket, name)) is not None]
    base = chance.choice(stated) if stated else int(datetime(2025, 6, 2, 1).timestamp())
    if chance.random() < 0.7:
        return base + chance.choice(_GAPS) + chance.choice((-1, 0, 1))
    return base + chance.randrange(-DAY, 20 * DAY)


class _Maker:
    """Makes one ticket."""

    def __init__(self, source: _Source, chance: random.Random) -> None:
        self.source = source
        self.chance = chance
        self.missing = chance.choice((0.0, 0.05, 0.25, 0.25, 0.25, 0.6))
        self.zone = source.policy.zone
        self.received = self._received()
        self.facts = source.policy.pack.settings.company_facts

    def ticket(self, number: str) -> Ticket:
        stated: dict[str, object] = {}
        extra: dict[str, object] = {}
        for fact in self.source.facts["ticket"]:
            if fact.name in MILESTONES:
                continue
            value = None if self.chance.random() < self.missing else self._value(fact)
            if value is not None:
                (stated if _is_built_in(fact) else extra)[fact.name] = value
        stated.update(self._milestones())
        return Ticket(
            ticket_id=number,
            facts=self.facts,
            extra=extra,
            parts=tuple(Part(facts=self.facts, **self._record("part")) for _ in range(self._many())),
            holds=tuple(self._hold() for _ in range(self._many())),
            incidents=tuple(Incident(facts=self.facts, **self._record("incident")) for _ in range(self._many())),
            overrides=tuple(Override(facts=self.facts, **self._record("override")) for _ in range(self._many(2))),
            materials=self._materials(),
            **stated,
        )

    def _materials(self) -> tuple[Material, ...]:
        # A policy without them is not given any, so that its tickets stay what they were.
        if not self.source.policy.pack.rows.get("materials"):
            return ()
        return tuple(Material(facts=self.facts, **self._record("material")) for _ in range(self._many()))

    def _many(self, most: int = 3) -> int:
        return 0 if self.chance.random() < 0.5 else self.chance.randint(1, most)

    def _received(self) -> datetime:
        """Choose the instant of the request: in working hours, at their ends, at midnight, or at any second."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.01:
            day = date(chance.choice((2013, 2014, 2027)), chance.randint(1, 12), 15)
        elif roll < 0.1:
            day = date(2016, 1, 1) + timedelta(days=chance.randrange(6 * 365))
        elif roll < 0.25 and self.source.edges:
            day = EPOCH + timedelta(days=chance.choice(sorted(self.source.edges)) + chance.choice((-2, -1, 0, 1)))
        else:
            day = date(2023, 1, 1) + timedelta(days=chance.randrange(1276))
        second = chance.choice((0, 9 * 3600, 12 * 3600, 13 * 3600, 18 * 3600, chance.randrange(DAY)))
        second += chance.choice((0, 0, 0, -1, 1))
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        # Seconds are added in UTC: the wall clock skips some in spring.
        return midnight.astimezone(UTC) + timedelta(seconds=second)

    def _milestones(self) -> dict[str, datetime]:
        chance = self.chance
        found: dict[str, datetime] = {}
        now = self.received
        milestones = self.source.milestones
        how_far = chance.choice((0, 1, 2, 4, 8, len(milestones), len(milestones)))
        for index, name in enumerate(milestones[1:], start=1):
            now += timedelta(seconds=chance.choice(self.source.gaps) if chance.random() < 0.7 else 0)
            if index <= how_far and name != "closed_at" and chance.random() >= self.missing:
                found[name] = now
        if chance.random() < 0.15:
            found["closed_at"] = now
        if chance.random() < 0.15 and len(found) > 1:
            first, second = chance.sample(sorted(found), 2)
            found[first], found[second] = found[second], found[first]
        if chance.random() >= self.missing / 3:
            found["received_at"] = self.received
        return found

    def _hold(self) -> Hold:
        chance = self.chance
        begins = self.received + timedelta(seconds=chance.choice((0, 0, -DAY)) + chance.choice(self.source.gaps))
        ends = None if chance.random() < 0.2 else begins + timedelta(seconds=chance.choice(self.source.gaps))
        kind = next(fact for fact in self.source.facts["hold"] if fact.name == "hold_kind")
        rarely = self.missing / 5
        return Hold(
            facts=self.facts,
            hold_kind=None if chance.random() < rarely else self._value(kind),
            from_at=None if chance.random() < rarely else begins,
            until_at=ends,
        )

    def _record(self, grain: str) -> dict[str, object]:
        found = {}
        for fact in self.source.facts[grain]:
            value = None if self.chance.random() < self.missing else self._value(fact)
            if value is not None:
                found[fact.name] = value
        return found

    def _value(self, fact: Fact) -> object:
        chance = self.chance
        match fact.kind:
            case "bool":
                return chance.random() < 0.5
            case "text":
                return self._word(fact)
            case "date":
                return self._day(fact)
            case "instant":
                return self.received + timedelta(seconds=chance.choice(self.source.gaps))
            case "money":
                return Decimal(chance.choice((0, 1, 9_999, 10_000, 10_001, 50_000, chance.randrange(1_000_000)))) / 100
            case "distance":
                return Decimal(self._near(fact, 200_000)) / 1000
            case "area":
                # Of a tile of 1 mm by 1 mm no line covers more.
                return Decimal(self._near(fact, 50_000)) / 10_000
            case "weight":
                return Decimal(self._near(fact, 60_000)) / 1000
            case "duration":
                steps = (0, 1, 1799, 1800, 1801, 3600, 3601, 5400, 9000, chance.randrange(100_000))
                return timedelta(seconds=chance.choice(steps))
            case _:
                return self._near(fact, 40)

    def stated_value(self, fact: Fact) -> object:
        """Choose a value for a fact that was asked for."""
        # A hold begins before whatever end it has.
        return datetime(2012, 1, 1, tzinfo=UTC) if fact.name == "from_at" else self._value(fact)

    def completed(self, record: Record, fact: Fact) -> Record:
        """State a fact of a child record that lacks it."""
        if getattr(record, fact.name) is not None:
            return record
        return attrs.evolve(record, **{fact.name: self.stated_value(fact)})

    def _word(self, fact: Fact) -> str:
        if fact.values:
            return self.chance.choice(sorted(fact.values))
        known = set(self.source.words.get(fact.name, ()))
        if fact.name == "role":
            known |= set(self.source.policy.pack.settings.roles)
        return self.chance.choice([*sorted(known), "other"])

    def _near(self, fact: Fact, most: int) -> int:
        """Choose a bound, its neighbours, or any number up to `most`."""
        bounds = sorted(self.source.bounds.get(fact.name, {0}))
        value = self.chance.choice(bounds) + self.chance.choice((-1, 0, 1))
        if self.chance.random() < 0.4:
            value = self.chance.randrange(most)
        return min(max(value, fact.low or 0), value if fact.high is None else fact.high)

    def _day(self, fact: Fact) -> date:
        """Choose a day about the request, or one about a year and a few months before it, month ends among them."""
        today = self.received.astimezone(self.zone).date()
        if fact.name == "occurred_on" or self.chance.random() < 0.2:
            return today + timedelta(days=self.chance.randint(-40, 10))
        if self.chance.random() < 0.1:
            return date(2024, 2, 29)
        months = self.chance.choice((3, 6, 12, 12, 12, 24, 36))
        if fact.name.endswith(("_until", "_from")):
            months = self.chance.choice((-12, 0, 0, 12))
        return today - timedelta(days=round(months * 30.4375) + self.chance.randint(-2, 2))


def _is_built_in(fact: Fact) -> bool:
    return any(fact.name == built_in.name for built_in in BUILT_IN[fact.grain])
