"""The half of the contract that a sink keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Final

from svc_policy.adapters.protocol import Written
from svc_policy.testing.adapter_contract_base import BUILT_IN_FACTS, RECEIVED, Contract, ability, problems_of

if TYPE_CHECKING:
    from svc_policy.decision import Decision

#: What of a decision a sink is looked at for, by the path in its JSON.
KEEPS: Final = ("category", "quote.payable", "next_change_at", "policy.digest")
#: Tickets of `mall`: an amount to the fen, nothing to pay with an instant at which that changes, nothing known.
_SETTLED: Final = (
    {
        "received_at": "2026-03-02T09:30:00+08:00",
        "arrived_at": "2026-03-02T10:30:00+08:00",
        "finished_at": "2026-03-02T12:30:00+08:00",
        "request_kind": "fault",
        "delivered_on": "2019-01-01",
        "cause": "wear",
        "on_site": True,
        "distance_km": "12.5",
        "labour_hours": "1.5",
        "parts_needed": False,
    },
    {
        "received_at": "2026-03-02T09:30:00+08:00",
        "request_kind": "fault",
        "delivered_on": "2025-06-01",
        "cause": "product",
        "on_site": True,
        "distance_km": "12.5",
    },
    {"received_at": "2026-03-02T09:30:00+08:00", "request_kind": "inquiry"},
)
#: Ids as people give them; a host that gives its own takes no notice.
_IDS: Final = ("<i>C&1", "东湖 2 \U0001f6e0 é", "C'3\"; --")


class SinkContract(Contract):
    """What every sink keeps."""

    keeps: ClassVar[tuple[str, ...]] = KEEPS
    settled: ClassVar[tuple[Mapping[str, object], ...]] = _SETTLED
    ids: ClassVar[tuple[str, ...]] = _IDS
    later: ClassVar[timedelta] = timedelta(days=60)

    @ability("repeated_writing", "sink")
    def test_the_same_decision_written_twice_changes_nothing(self) -> None:
        """The second time nothing in the host changes, and the sink says so."""
        decisions = self._decided(3)
        first = self.sink().write(iter(decisions))
        assert not first.refused, f"decisions are refused: {problems_of(first.refused)}"
        assert (first.made + first.changed, first.unchanged) == (3, 0), f"three are written, and told as {first}"
        before = dict(self.written())
        assert len(before) == 3, f"three decisions are written, {len(before)} are there: {sorted(before)}"
        second = self.sink().write(iter(decisions))
        after = dict(self.written())
        assert after == before, f"written again, the host holds something else: {_difference(before, after)}"
        assert second == Written(unchanged=3), f"nothing changed, and it is told as {second}"
        assert self.sink().write(iter(())) == Written(), "no decision is something"

    @ability("changed_decision", "sink")
    def test_a_changed_decision_changes_alone(self) -> None:
        """Of three decisions of which one is another, one is written."""
        decisions = self._decided(3)
        self.sink().write(iter(decisions))
        before = dict(self.written())
        other = self.policy().decide(decisions[1].ticket, at=RECEIVED + self.later)
        told = self.sink().write(iter([decisions[0], other, decisions[2]]))
        after = dict(self.written())
        assert after.keys() == before.keys(), f"the records are {sorted(before)}, and now {sorted(after)}"
        changed = sorted(record for record in before if before[record] != after[record])
        assert len(changed) == 1, f"one decision is another, and {changed} changed"
        assert told == Written(changed=1, unchanged=2), f"one changed, and it is told as {told}"

    @ability("older_decision", "sink")
    def test_an_older_decision_is_not_written_over_a_newer_one(self) -> None:
        """The older one is refused and told; what is there stays, and the others of the call are written."""
        decisions = self._decided(3)
        newer = self.policy().decide(decisions[1].ticket, at=RECEIVED + self.later)
        self.sink().write(iter([decisions[0], newer]))
        before = dict(self.written())
        told = self.sink().write(iter([decisions[1], decisions[2]]))
        after = dict(self.written())
        name = decisions[1].ticket.ticket_id
        kept = {record: after.get(record) for record in before}
        assert kept == before, f"an older decision is written, and changed {_difference(before, kept)}"
        assert [one.record for one in told.refused] == [name], f"`{name}` should be refused: {told}"
        assert problems_of(told.refused).strip(), f"it is not said why `{name}` is refused"
        assert (told.made + told.changed, told.unchanged) == (1, 0), f"one is new, and it is told as {told}"
        assert len(after) == 3, f"three decisions are written, {len(after)} are there: {sorted(after)}"

    @ability("kept_decision", "sink")
    def test_what_is_kept_is_what_was_decided(self) -> None:
        """Category, what is to be paid, when that changes and under which policy stand in the host as decided."""
        assert self.keeps, "`keeps` names nothing of a decision: say in `cannot` why"
        names = self._held_as(
            {**self._record(number), "ticket_id": self.ids[number % len(self.ids)]}
            for number in range(len(self.settled))
        )
        policy = self.policy()
        decisions = [
            policy.decide({**facts, "ticket_id": name}, at=RECEIVED + timedelta(hours=1))
            for facts, name in zip(self.settled, names, strict=True)
        ]
        amounts = [one.quote.payable for one in decisions if one.quote is not None and one.quote.payable is not None]
        assert any(amount % 1 for amount in amounts), f"state in `settled` a ticket that costs an odd amount: {amounts}"
        self.sink().write(iter(decisions))
        for decision, name in zip(decisions, names, strict=True):
            kept = self.kept(name)
            lacking = sorted(set(self.keeps) - kept.keys())
            assert not lacking, f"`kept` gives no {lacking}: give them, or leave them out of `keeps`"
            for path in self.keeps:
                wanted, found = _wanted(decision, path), kept[path]
                assert _plain(found, wanted) == wanted, f"`{path}` of `{name}` is {wanted}, and kept as {found!r}"

    # --- how it is done

    def _decided(self, count: int) -> list[Decision]:
        """Hold records and decide them, under the ids by which the host knows them."""
        records = [self._record(number) for number in range(count)]
        ids = self._held_as(records)
        policy = self.policy()
        decisions = []
        for record, name in zip(records, ids, strict=True):
            own = {key: value for key, value in record.items() if key in BUILT_IN_FACTS}
            decisions.append(policy.decide({**own, "ticket_id": name}, at=RECEIVED + timedelta(hours=1)))
        return decisions


def _wanted(decision: Decision, path: str) -> object:
    """Give what a path leads to in a decision: amounts exact, instants in UTC."""
    found: Any = decision
    for step in path.split("."):
        if found is None:
            return None
        found = getattr(found, step)
    return found.astimezone(UTC) if isinstance(found, datetime) else found


def _plain(found: object, wanted: object) -> object:
    """Put what a host has into the form of what is wanted: amounts and instants may be texts."""
    try:
        if isinstance(wanted, datetime):
            time = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
            return time.astimezone(UTC) if time.tzinfo is not None else found
        if isinstance(wanted, Decimal) and isinstance(found, str | int | Decimal):
            return Decimal(found)
    except (ValueError, InvalidOperation):
        pass
    return found


def _difference(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    return ", ".join(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
