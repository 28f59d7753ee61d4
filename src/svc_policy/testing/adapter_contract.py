"""The contract of adapters as tests: subclass it, say how your host is filled and read, and run pytest.

    from svc_policy.testing.adapter_contract import AdapterContract

    class TestSlips(AdapterContract):
        facts = ("received_at", "customer", "recorded_fee")

        def hold(self, records): ...      # the host holds exactly these
        def spoil(self, record): ...      # make one of them a record that is no ticket
        def source(self): ...
        def sink(self): ...
        def written(self): ...            # what the host holds of decisions, by record

What a host cannot do by its nature is declared in `cannot`, with the reason,
which is shown where the test is skipped. ``docs/adapters.md`` explains more.
"""

from __future__ import annotations

import functools
import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from zoneinfo import ZoneInfo

import pytest

from svc_policy.adapters.protocol import Reading, Sink, Source, Unreadable, Written
from svc_policy.facts.normal import limits
from svc_policy.facts.registry import Fact
from svc_policy.units import minor_digits

if TYPE_CHECKING:
    from svc_policy.decision import Decision
    from svc_policy.facts.ticket import Ticket
    from svc_policy.policy import Policy

_Test = TypeVar("_Test", bound=Callable[..., None])

#: Texts that systems are known to spoil: scripts, directions, quotes, markup, line ends, words that mean nothing.
TEXTS: Final = (
    "东湖商场三楼，报修",
    "☎️ 🛠️ 👩🏽‍🔧 𠮷野家",
    "مركز الخدمة \u200f123",
    'O\'Brien "the elder"; DROP TABLE tickets; --',
    "<b>5 &lt; 6</b><script>alert(1)</script>",
    "first line\nsecond line",
    "Cafe\u0301 and Caf\u00e9",
    "=1+1",
    "NULL",
    "100 % {0} %s \\n $HOME",
)
_MONEY: Final = ("0.01", "99999999.99", "0.10", "0.29", "4.35", "1234567.89")
_RECEIVED: Final = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
#: How much more may be held of ten times the records: a portion, not the rest.
_MORE_BYTES: Final = 3 << 20
_TRACED: Final = 1000
_STEP: Final = 2000
_BLOCKS_A_RECORD: Final = 5
_ABILITIES: dict[str, str] = {}


def ability(name: str, side: str) -> Callable[[_Test], _Test]:
    """Name what a test asks of an adapter; it is skipped where the adapter says that it cannot, and why."""

    def declare(test: _Test) -> _Test:
        _ABILITIES[name] = side

        @functools.wraps(test)
        def run(self: AdapterContract) -> None:
            for word in (side, name):
                if word in self.cannot:
                    pytest.skip(f"{word}: {self.cannot[word]}")
            test(self)

        return run  # type: ignore[return-value]

    return declare


class AdapterContract:
    """What every adapter keeps. Subclass it as `Test…`, and give `hold`, `spoil`, `source`, `sink` and `written`.

    Attributes:
        facts: The facts of a ticket that the host holds, as the adapter is set up for the tests. One should be an
            instant, one money, one open text, and one a fact that the policy asks for.
        required: Those of them that the host never lacks.
        cannot: What the host cannot do by its nature, with the reason: `source`, `sink`, `round_trip`,
            `missing_facts`, `unicode`, `offsets`, `ambiguous_times`, `money`, `many_records`, `unreadable`,
            `resuming`, `repeated_writing`, `changed_decision`.
        texts: The texts that must come back as they were.
        zone: Where the source reads local times; that of the policy unless given.
        many: How many records are read in bounded memory.
        later: How much later a decision is made again to be another one.
    """

    facts: ClassVar[tuple[str, ...]] = ("received_at", "customer", "distance_km", "delivered_on", "recorded_fee")
    required: ClassVar[tuple[str, ...]] = ()
    cannot: ClassVar[Mapping[str, str]] = {}
    texts: ClassVar[tuple[str, ...]] = TEXTS
    zone: ClassVar[str] = ""
    many: ClassVar[int] = 10_000
    later: ClassVar[timedelta] = timedelta(days=60)

    # --- what the author gives

    def policy(self) -> Policy:
        """Give the policy of the tickets; `mall` unless overridden."""
        return _mall()

    def hold(self, records: Iterable[Mapping[str, object]]) -> Sequence[str] | None:
        """Make the host hold exactly these records, in this order, and no decisions.

        Each has `ticket_id` and some of `facts`: texts, truths, whole numbers, decimals (in the unit of the fact's
        name, money in major units), dates, and datetimes: with an offset, or a local time in `zone`.

        Returns:
            The ids under which the host holds them, where it gives its own; None where it keeps `ticket_id`.
        """
        raise NotImplementedError

    def spoil(self, record: str) -> None:
        """Make a record that is held one that cannot be read: a text where an amount should be, an impossible date."""
        raise NotImplementedError

    def source(self) -> Source:
        """Open the source on the host."""
        raise NotImplementedError

    def sink(self) -> Sink:
        """Open the sink on the host."""
        raise NotImplementedError

    def written(self) -> Mapping[str, object]:
        """Give what the host holds of decisions, by record: whatever can be compared, times of writing included."""
        raise NotImplementedError

    # --- what it cannot

    def test_what_it_cannot_do_is_said_with_a_reason(self) -> None:
        """A declared inability is one of those that there are, and says why."""
        known = {"source", "sink", *_ABILITIES}
        unknown = sorted(set(self.cannot) - known)
        assert not unknown, f"`cannot` names {unknown}; known are {sorted(known)}"
        silent = sorted(word for word, why in self.cannot.items() if not why.strip())
        assert not silent, f"`cannot` gives no reason for {silent}"
        assert not {"source", "sink"} <= set(self.cannot), "an adapter is a source, a sink or both"

    # --- source

    @ability("round_trip", "source")
    def test_facts_come_back_as_they_were(self) -> None:
        """Every fact that the host holds is the same in the ticket that is read."""
        rounds = max(len(_samples(fact, self._digits)) for fact in self._held())
        records = [self._record(number, round_=number) for number in range(rounds)]
        self._compare(records, self._readings(records))

    @ability("missing_facts", "source")
    def test_missing_facts_are_told(self) -> None:
        """A fact that a record lacks is missing in the ticket, and told with a reason; those that are there are not."""
        asked = self._asked()
        lacking = [name for name in self.facts if name in asked and name not in self.required]
        assert lacking, f"state in `facts` one that the policy asks for, of {sorted(asked)}, or say in `cannot` why not"
        records = []
        for number, name in enumerate(lacking):
            record = self._record(number)
            del record[name]
            records.append(record)
        for record, reading, lack in zip(records, self._readings(records), lacking, strict=True):
            told = {unfilled.fact: unfilled.reason for unfilled in reading.unfilled}
            stated = _stated(reading.ticket)
            assert stated[lack] is None, f"`{lack}` is missing in the host, and {stated[lack]!r} in the ticket"
            assert lack in told, f"`{lack}` is missing and not told: {sorted(told)}"
            untold = sorted(name for name in asked if stated.get(name) is None and name not in told)
            assert not untold, f"the policy asks for {untold}, which are missing and not told"
            filled = sorted(name for name in told if stated.get(name) is not None)
            assert not filled, f"{filled} are told as missing and are there"
            mute = sorted(name for name, reason in told.items() if not reason.text("en").strip())
            assert not mute, f"it is not said why {mute} are missing"
            kept = sorted(name for name in self.facts if name in record and stated[name] is None)
            assert not kept, f"{kept} are there and not read"

    @ability("unicode", "source")
    def test_texts_of_all_scripts_come_back(self) -> None:
        """Scripts, emoji, directions, quotes, markup and line ends are kept letter by letter."""
        fact = self._first("an open text", lambda fact: fact.kind == "text" and not fact.values)
        records = [self._record(number, {fact.name: text}) for number, text in enumerate(self.texts)]
        for reading, text in zip(self._readings(records), self.texts, strict=True):
            found = _stated(reading.ticket)[fact.name]
            assert found == text, f"{text!r} came back as {found!r}"

    @ability("offsets", "source")
    def test_instants_keep_their_offset(self) -> None:
        """An instant is the same one whatever offset it is written with."""
        fact = self._first("an instant", lambda fact: fact.kind == "instant")
        offsets = [timedelta(hours=5, minutes=30), timedelta(hours=-9, minutes=-30), timedelta(0), timedelta(hours=14)]
        times = [_RECEIVED.astimezone(timezone(offset)) for offset in offsets]
        times += [datetime(2026, month, 1, 23, 59, 59, tzinfo=UTC) for month in (1, 7)]
        records = [self._record(number, {fact.name: time}) for number, time in enumerate(times)]
        for reading, time in zip(self._readings(records), times, strict=True):
            found = _stated(reading.ticket)[fact.name]
            assert found == int(time.timestamp()), f"{time.isoformat()} came back as {_shown(found)}"

    @ability("ambiguous_times", "source")
    def test_local_times_that_come_twice_are_refused(self) -> None:
        """A local time that the clocks show twice is no instant: its record is reported, the next one is read."""
        fact = self._first("an instant", lambda fact: fact.kind == "instant")
        zone = self.zone or self.policy().pack.settings.timezone
        local = _ambiguous(ZoneInfo(zone))
        assert local is not None, f"`{zone}` has no time twice: set `zone` to one, or say in `cannot` why not"
        records = [self._record(0), self._record(1, {fact.name: local}), self._record(2)]
        ids, found = self._all(records)
        assert [type(one) for one in found] == [Reading, Unreadable, Reading], (
            f"{local.isoformat()} comes twice in `{zone}`: {_outline(found)}"
        )
        self._is_reported(found[1], ids[1])
        told = "\n".join(one.render() for one in found[1].problems)  # type: ignore[union-attr]
        assert f"{local:%H:%M}" in told, f"it is not said which time: {told}"

    @ability("money", "source")
    def test_money_to_the_last_fen(self) -> None:
        """Amounts are exact, from the smallest to a hundred million."""
        fact = self._first("money", lambda fact: fact.kind == "money")
        amounts = [Decimal(text).scaleb(2 - self._digits) for text in _MONEY]
        records = [self._record(number, {fact.name: amount}) for number, amount in enumerate(amounts)]
        for reading, amount in zip(self._readings(records), amounts, strict=True):
            found = _stated(reading.ticket)[fact.name]
            assert found == int(amount.scaleb(self._digits)), f"{amount} came back as {found} of the smallest unit"

    @ability("many_records", "source")
    def test_many_records_in_bounded_memory(self) -> None:
        """Ten times as many records take no more memory: neither before the first, nor as they are read."""
        few = max(1, self.many // 10)
        self._stream(few, traced=min(100, few))  # what is imported and kept once is not counted
        some, _ = self._stream(few, traced=min(_TRACED, few))
        more, blocks = self._stream(self.many, traced=min(_TRACED, few))
        assert more <= some + _MORE_BYTES, f"{some >> 10} KiB for {few} records, {more >> 10} KiB for {self.many}"
        allowed = _BLOCKS_A_RECORD * self.many
        assert blocks <= allowed, f"{blocks} blocks more are held at the end of {self.many} records: records are kept"

    @ability("unreadable", "source")
    def test_an_unreadable_record_is_reported_and_the_next_one_is_read(self) -> None:
        """A record that is no ticket is told with its id and the reason; it stops nothing."""
        records = [self._record(number) for number in range(3)]
        ids = self._held_as(records)
        self.spoil(ids[1])
        found = list(self.source().read())
        assert [type(one) for one in found] == [Reading, Unreadable, Reading], _outline(found)
        self._is_reported(found[1], ids[1])
        assert [one.record for one in found] == ids, f"the records are {ids}, but called {_outline(found)}"

    @ability("resuming", "source")
    def test_reading_goes_on_after_a_mark(self) -> None:
        """What is read after the mark of any record is exactly what came after it; the order is always the same."""
        ids = self._held_as([self._record(number) for number in range(7)])
        if "unreadable" not in self.cannot:
            self.spoil(ids[3])
        whole = [(type(one), one.record, one.mark) for one in self.source().read()]
        again = [(type(one), one.record, one.mark) for one in self.source().read()]
        assert whole == again, "a second reading gives other records, or in another order"
        assert [record for _, record, _ in whole] == ids, f"{ids} are held, {[record for _, record, _ in whole]} read"
        for place, (_, record, mark) in enumerate(whole):
            assert isinstance(mark, str), f"the mark of `{record}` is {mark!r}, no text"
            rest = [(type(one), one.record, one.mark) for one in self.source().read(mark)]
            assert rest == whole[place + 1 :], (
                f"after `{record}` should come {[name for _, name, _ in whole[place + 1 :]]}, "
                f"not {[name for _, name, _ in rest]}"
            )

    # --- sink

    @ability("repeated_writing", "sink")
    def test_the_same_decision_written_twice_changes_nothing(self) -> None:
        """The second time nothing in the host changes, and the sink says so."""
        decisions = self._decided(3)
        first = self.sink().write(iter(decisions))
        assert not first.refused, f"decisions are refused: {_problems(first.refused)}"
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
        other = self.policy().decide(decisions[1].ticket, at=_RECEIVED + self.later)
        told = self.sink().write(iter([decisions[0], other, decisions[2]]))
        after = dict(self.written())
        assert after.keys() == before.keys(), f"the records are {sorted(before)}, and now {sorted(after)}"
        changed = sorted(record for record in before if before[record] != after[record])
        assert len(changed) == 1, f"one decision is another, and {changed} changed"
        assert told == Written(changed=1, unchanged=2), f"one changed, and it is told as {told}"

    # --- how it is done

    @property
    def _digits(self) -> int:
        return minor_digits(self.policy().pack.settings.currency) or 0

    def _facts(self) -> dict[str, Fact]:
        return {fact.name: fact for fact in self.policy().pack.settings.facts["ticket"]}

    def _held(self) -> list[Fact]:
        known = self._facts()
        unknown = sorted(set(self.facts) - known.keys())
        assert not unknown, f"`facts` names {unknown}, which the policy does not know"
        return [known[name] for name in self.facts]

    def _first(self, what: str, test: Callable[[Fact], bool]) -> Fact:
        found = next((fact for fact in self._held() if test(fact)), None)
        assert found is not None, f"none of `facts` is {what}: state one, or say in `cannot` why there is none"
        return found

    def _asked(self) -> set[str]:
        facts = self._facts()
        return {name for name in self.policy().plan.asked if name in facts and facts[name].asks}

    def _record(self, number: int, facts: Mapping[str, object] | None = None, *, round_: int = 0) -> dict[str, Any]:
        """Make a record with a value for every fact; another one each round."""
        samples = self.__dict__.get("_samples_of_facts")
        if samples is None:
            samples = {fact.name: _samples(fact, self._digits) for fact in self._held()}
            self.__dict__["_samples_of_facts"] = samples
        values = {name: listed[round_ % len(listed)] for name, listed in samples.items()}
        return {"ticket_id": f"C-{number + 1:05}", **values, **(facts or {})}

    def _held_as(self, records: Iterable[Mapping[str, object]]) -> list[str]:
        names: list[str] = []

        def noted() -> Iterator[Mapping[str, object]]:
            for record in records:
                names.append(str(record["ticket_id"]))
                yield record

        ids = self.hold(noted())
        return names if ids is None else list(ids)

    def _all(self, records: Sequence[Mapping[str, object]]) -> tuple[list[str], list[Reading | Unreadable]]:
        ids = self._held_as(records)
        return ids, list(self.source().read())

    def _readings(self, records: Sequence[Mapping[str, object]]) -> list[Reading]:
        """Hold records that can all be read, and read them."""
        ids, found = self._all(records)
        refused = [one for one in found if isinstance(one, Unreadable)]
        assert not refused, f"records are refused: {_problems(refused)}"
        assert [one.record for one in found] == ids, f"{ids} are held, and {_outline(found)} read"
        return [one for one in found if isinstance(one, Reading)]

    def _compare(self, records: Sequence[Mapping[str, object]], readings: Sequence[Reading]) -> None:
        known = self._facts()
        for record, reading in zip(records, readings, strict=True):
            own = {name: value for name, value in record.items() if name in _built_in()}
            extra = {name: value for name, value in record.items() if name in known and name not in own}
            wanted = _stated(self.policy().ticket({**own, "extra": extra} if extra else own))
            found = _stated(reading.ticket)
            for name in self.facts:
                assert found.get(name) == wanted.get(name), (
                    f"`{name}` is {record[name]!r} in `{reading.record}`, and was read as {found.get(name)!r}, "
                    f"not {wanted.get(name)!r} (internal units)"
                )

    def _is_reported(self, found: Reading | Unreadable, record: str) -> None:
        assert isinstance(found, Unreadable)
        assert found.record == record, f"`{record}` cannot be read, and is told as `{found.record}`"
        assert found.problems, f"it is not said why `{record}` cannot be read"
        assert all(one.message.text("en").strip() for one in found.problems), "a problem says nothing"

    def _stream(self, count: int, *, traced: int) -> tuple[int, int]:
        """Read so many records: the most memory held over the first ones, the blocks held more while the rest came."""
        ids = self._held_as(self._record(number) for number in range(count))
        source = self.source()
        gc.collect()
        tracemalloc.start()
        try:
            readings = iter(source.read())
            self._next(readings, ids, 0, traced)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        gc.collect()
        begin = most = sys.getallocatedblocks()
        for start in range(traced, count, _STEP):
            self._next(readings, ids, start, min(start + _STEP, count))
            gc.collect()
            most = max(most, sys.getallocatedblocks())
        assert next(readings, None) is None, f"{count} records are held, and more are read"
        return peak, most - begin

    @staticmethod
    def _next(readings: Iterator[Reading | Unreadable], ids: Sequence[str], start: int, stop: int) -> None:
        for place in range(start, stop):
            reading = next(readings, None)
            assert reading is not None, f"{len(ids)} records are held, and {place} read"
            assert isinstance(reading, Reading), f"a record is refused: {_problems([reading])}"
            assert reading.record == ids[place], f"`{ids[place]}` should come, not `{reading.record}`"

    def _decided(self, count: int) -> list[Decision]:
        """Hold records and decide them, under the ids by which the host knows them."""
        records = [self._record(number) for number in range(count)]
        ids = self._held_as(records)
        policy = self.policy()
        decisions = []
        for record, name in zip(records, ids, strict=True):
            own = {key: value for key, value in record.items() if key in _built_in()}
            decisions.append(policy.decide({**own, "ticket_id": name}, at=_RECEIVED + timedelta(hours=1)))
        return decisions


@functools.cache
def _mall() -> Policy:
    from svc_policy.policy import load

    return load("mall")


@functools.cache
def _built_in() -> frozenset[str]:
    from svc_policy.facts.registry import BUILT_IN

    return frozenset(fact.name for fact in BUILT_IN["ticket"])


def _stated(ticket: Ticket) -> dict[str, object]:
    """Give the internal values of a ticket by fact."""
    from svc_policy.facts.normal import declared

    names = (fact.name for fact in declared("ticket", ticket.facts))
    return {**dict(zip(names, ticket.values, strict=True)), **ticket.extra_values}


def _samples(fact: Fact, digits: int) -> tuple[object, ...]:
    """Give values of a fact that a host might hold, within its limits."""
    match fact.kind:
        case "text":
            return tuple(fact.values) or ("Ms Li, third floor", "李女士")
        case "bool":
            return (True, False)
        case "date":
            return (date(2024, 2, 29), date(1999, 12, 31), date(2026, 3, 2))
        case "instant":
            return (_RECEIVED, _RECEIVED.astimezone(timezone(timedelta(hours=8))), _RECEIVED - timedelta(seconds=1))
        case "money":
            return tuple(Decimal(number).scaleb(-digits) for number in _inside(fact, 1250, 1, 99))
        case "distance" | "weight":
            return tuple(Decimal(number).scaleb(-3) for number in _inside(fact, 12_345, 1000, 1))
        case "area":
            return tuple(Decimal(number).scaleb(-4) for number in _inside(fact, 123_456, 10_000))
        case "duration":
            return tuple(timedelta(seconds=number) for number in _inside(fact, 3600, 5400, 60))
        case "share":
            return tuple(f"{Decimal(number).scaleb(-2):f} %" for number in _inside(fact, 1250, 100))
        case _:
            return tuple(_inside(fact, 1, 7, 0))


def _inside(fact: Fact, *numbers: int) -> list[int]:
    low, high = limits(fact)
    return [number for number in numbers if low <= number <= high] or [low]


@functools.cache
def _ambiguous(zone: ZoneInfo) -> datetime | None:
    """Find the last local time, up to 2026, that a zone has twice: in the middle of the span."""
    local = datetime(2026, 12, 31, 0, 30)
    hour, day = timedelta(hours=1), timedelta(days=1)
    while local.year > 1970:
        if local.replace(tzinfo=zone).utcoffset() != (local - day).replace(tzinfo=zone).utcoffset():
            for hours in range(25):
                found = local - hours * hour
                early, late = found.replace(tzinfo=zone, fold=0), found.replace(tzinfo=zone, fold=1)
                # A time that is skipped has two offsets as well, the greater one last.
                if (early.utcoffset() or timedelta()) > (late.utcoffset() or timedelta()):
                    return found
        local -= day
    return None


def _shown(epoch: object) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat() if isinstance(epoch, int) else repr(epoch)


def _outline(found: Iterable[Reading | Unreadable]) -> str:
    return ", ".join(f"{type(one).__name__} `{one.record}`" for one in found) or "nothing"


def _problems(refused: Iterable[Unreadable]) -> str:
    return "; ".join(f"`{one.record}`: {found.render()}" for one in refused for found in one.problems)


def _difference(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    return ", ".join(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
