"""The half of the contract that a source keeps."""

from __future__ import annotations

import functools
import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final
from zoneinfo import ZoneInfo

from svc_policy.adapters.protocol import Reading, Unreadable
from svc_policy.testing.adapter_contract_base import (
    BUILT_IN_FACTS,
    RECEIVED,
    Contract,
    ability,
    problems_of,
    samples_of,
)

if TYPE_CHECKING:
    from svc_policy.facts.registry import Fact
    from svc_policy.facts.ticket import Ticket

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
#: How much more may be held of ten times the records: a portion, not the rest.
_MORE_BYTES: Final = 3 << 20
_TRACED: Final = 100
_STEP: Final = 2500
_BLOCKS_A_RECORD: Final = 5


class SourceContract(Contract):
    """What every source keeps."""

    required: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[str, ...]] = TEXTS
    zone: ClassVar[str] = ""
    many: ClassVar[int] = 10_000

    @ability("round_trip", "source")
    def test_facts_come_back_as_they_were(self) -> None:
        """Every fact that the host holds is the same in the ticket that is read."""
        rounds = max(len(samples_of(fact, self._digits)) for fact in self._held())
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
        times = [RECEIVED.astimezone(timezone(offset)) for offset in offsets]
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
        ids = self._held_as(self._record(number) for number in range(few))
        self._first_of(ids)  # what is imported and kept once is not counted
        some, _ = self._first_of(ids)
        ids = self._held_as(self._record(number) for number in range(self.many))
        more, readings = self._first_of(ids)
        assert more <= some + _MORE_BYTES, f"{some >> 10} KiB for {few} records, {more >> 10} KiB for {self.many}"
        blocks = self._rest_of(readings, ids)
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

    # --- how it is done

    def _first(self, what: str, test: Callable[[Fact], bool]) -> Fact:
        found = next((fact for fact in self._held() if test(fact)), None)
        assert found is not None, f"none of `facts` is {what}: state one, or say in `cannot` why there is none"
        return found

    def _asked(self) -> set[str]:
        facts = self._facts()
        return {name for name in self.policy().plan.asked if name in facts and facts[name].asks}

    def _all(self, records: Sequence[Mapping[str, object]]) -> tuple[list[str], list[Reading | Unreadable]]:
        ids = self._held_as(records)
        return ids, list(self.source().read())

    def _readings(self, records: Sequence[Mapping[str, object]]) -> list[Reading]:
        """Hold records that can all be read, and read them."""
        ids, found = self._all(records)
        refused = [one for one in found if isinstance(one, Unreadable)]
        assert not refused, f"records are refused: {problems_of(refused)}"
        assert [one.record for one in found] == ids, f"{ids} are held, and {_outline(found)} read"
        return [one for one in found if isinstance(one, Reading)]

    def _compare(self, records: Sequence[Mapping[str, object]], readings: Sequence[Reading]) -> None:
        known = self._facts()
        for record, reading in zip(records, readings, strict=True):
            own = {name: value for name, value in record.items() if name in BUILT_IN_FACTS}
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

    def _first_of(self, ids: Sequence[str]) -> tuple[int, Iterator[Reading | Unreadable]]:
        """Read the first records of those that are held: the most memory held meanwhile, and what gives the rest."""
        source = self.source()
        gc.collect()
        tracemalloc.start()
        try:
            readings = iter(source.read())
            self._next(readings, ids, 0, min(_TRACED, len(ids)))
            return tracemalloc.get_traced_memory()[1], readings
        finally:
            tracemalloc.stop()

    def _rest_of(self, readings: Iterator[Reading | Unreadable], ids: Sequence[str]) -> int:
        """Read the rest: how many blocks more were held at most."""
        gc.collect()
        gc.freeze()  # what was there before is not gone through each time
        try:
            begin = most = sys.getallocatedblocks()
            for start in range(min(_TRACED, len(ids)), len(ids), _STEP):
                self._next(readings, ids, start, min(start + _STEP, len(ids)))
                gc.collect()
                most = max(most, sys.getallocatedblocks())
        finally:
            gc.unfreeze()
        assert next(readings, None) is None, f"{len(ids)} records are held, and more are read"
        return most - begin

    @staticmethod
    def _next(readings: Iterator[Reading | Unreadable], ids: Sequence[str], start: int, stop: int) -> None:
        for place in range(start, stop):
            reading = next(readings, None)
            assert reading is not None, f"{len(ids)} records are held, and {place} read"
            assert isinstance(reading, Reading), f"a record is refused: {problems_of([reading])}"
            assert reading.record == ids[place], f"`{ids[place]}` should come, not `{reading.record}`"


def _stated(ticket: Ticket) -> dict[str, object]:
    """Give the internal values of a ticket by fact."""
    from svc_policy.facts.normal import declared

    names = (fact.name for fact in declared("ticket", ticket.facts))
    return {**dict(zip(names, ticket.values, strict=True)), **ticket.extra_values}


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
