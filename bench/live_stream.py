"""Random events of tickets, as they arrive: some late, some twice, some taken back; the same for the same seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from svc_policy import Policy
from svc_policy.adapters.live.judging import relevant_facts, watched_rules
from svc_policy.facts.normal import company_facts, declared
from svc_policy.facts.registry import MILESTONES, Fact

HOUR = 3600
DAY = 24 * HOUR


@attrs.frozen(kw_only=True)
class Stream:
    """How a stream is made: seconds are rounded to `grain`, a ticket comes every `pace` seconds."""

    policy: Policy
    seed: int
    events: int
    start: str = "2026-03-02T00:00:00+00:00"
    pace: int = 1800
    grain: int = 1
    late: float = 0.08
    repeated: float = 0.05
    retracted: float = 0.02
    changed: float = 0.5
    longest: int = 4 * DAY
    devices: int = 2_000
    closing: float = 1.0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return _Maker(self).events()


class _Maker:
    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.random = random.Random(stream.seed)
        policy = stream.policy
        facts = policy.pack.settings.company_facts
        relevant = relevant_facts(policy, watched_rules(policy))
        own = {fact.name for fact in company_facts(facts)}
        listed = [*declared("ticket", facts), *company_facts(facts)]
        counted = {"serial_no", "fault_code", "earlier_repairs"}
        self.facts = [one for one in listed if one.name in relevant - counted and one.kind != "instant"]
        self.own = own
        # Milestones in the registry's order are about the order in which they happen.
        self.milestones = [
            name
            for name, fact in MILESTONES.items()
            if fact in relevant and fact.endswith("_at") and fact not in ("received_at", "closed_at")
        ]
        kinds = next(fact for fact in declared("hold", facts) if fact.name == "hold_kind").values
        rows = policy.pack.rows.get("holds", ())
        named = (str(row.tests["hold_kind"].items[0].low.value) for row in rows)
        self.kinds: Sequence[str] = tuple(kinds) or tuple(named)
        self.counts_repairs = "earlier_repairs" in relevant
        self.number = 0

    def events(self) -> Iterator[dict[str, Any]]:
        stream = self.stream
        begin = int(datetime.fromisoformat(stream.start).timestamp())
        queue: list[tuple[int, int, dict[str, Any]]] = []
        made = told = tickets = 0
        while told < stream.events:
            received = begin + tickets * stream.pace
            # The next ticket is made before anything of it can arrive.
            while not queue or queue[0][0] >= received:
                for event, at in self.ticket(f"T-{tickets}", received):
                    delay = self.random.randrange(2 * DAY) if self.random.random() < stream.late else 0
                    heapq.heappush(queue, (at + delay, made, event))
                    made += 1
                    if self.random.random() < stream.repeated:
                        heapq.heappush(queue, (at + delay + self.random.randrange(DAY), made, dict(event)))
                        made += 1
                tickets += 1
                received = begin + tickets * stream.pace
            yield heapq.heappop(queue)[2]
            told += 1

    def event(self, ticket: str, at: int, name: str, **more: Any) -> tuple[dict[str, Any], int]:
        self.number += 1
        written = datetime.fromtimestamp(at, UTC).isoformat()
        return {"id": f"e{self.number}", "ticket": ticket, "at": written, "event": name, **more}, at

    def rounded(self, at: float) -> int:
        grain = self.stream.grain
        return int(at) // grain * grain

    def ticket(self, name: str, received: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Make the events of one ticket, each with its instant."""
        chance = self.random
        received = self.rounded(received + chance.randrange(self.stream.pace))
        facts = {one.name: self.value(one, received) for one in self.facts if chance.random() < 0.8}
        if self.counts_repairs and chance.random() < 0.8:
            facts |= {"serial_no": f"S{chance.randrange(self.stream.devices)}", "fault_code": chance.choice("AB")}
        made = [self.event(name, received, "received", facts=facts)]
        at = received
        span = chance.choice((HOUR, 6 * HOUR, DAY, self.stream.longest))
        for milestone in self.milestones:
            if chance.random() < 0.35:
                continue
            at = self.rounded(min(at + chance.expovariate(3) * span, received + 2 * self.stream.longest))
            made.append(self.event(name, at, milestone))
        last = max(at, received + span)
        if self.kinds and chance.random() < 0.4:
            opened = self.rounded(chance.randrange(received, last + 1))
            kind = chance.choice(self.kinds)
            made.append(self.event(name, opened, "hold opened", kind=kind))
            if chance.random() < 0.8:
                made.append(self.event(name, self.rounded(opened + chance.randrange(DAY)), "hold closed", kind=kind))
        while self.facts and chance.random() < self.stream.changed:
            one = chance.choice(self.facts)
            at = self.rounded(chance.randrange(received, last + 1))
            value = None if chance.random() < 0.3 else self.value(one, at)
            made.append(self.event(name, at, "facts", facts={one.name: value}))
        if chance.random() < self.stream.closing:
            made.append(self.event(name, self.rounded(last + chance.randrange(1, DAY)), "closed"))
        for event, at in list(made[1:]):
            if chance.random() < self.stream.retracted:
                after = self.rounded(at + chance.randrange(DAY))
                made.append(self.event(name, after, "retracted", of=event["id"]))
                if event["event"] == "closed":
                    # Closed by mistake, and for good some time later.
                    made.append(self.event(name, self.rounded(after + chance.randrange(DAY)), "closed"))
        yield from made

    def value(self, fact: Fact, at: int) -> Any:
        chance = self.random
        if fact.values:
            return chance.choice(tuple(fact.values))
        match fact.kind:
            case "bool":
                return chance.random() < 0.5
            case "count":
                return chance.choice((0, 1, 1, 2, 3))
            case "date":
                return str((datetime.fromtimestamp(at, UTC) - timedelta(days=chance.randrange(900))).date())
            case "distance" | "area" | "weight" | "duration":
                return chance.choice((1, 4, 5, 6, 40, 60, 120))
            case "money":
                return chance.choice((0, 10, 100, 5000))
            case "share":
                return chance.choice(("10 %", "80 %"))
        return chance.choice(("a", "b", "c"))
