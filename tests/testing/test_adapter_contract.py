"""The contract of adapters: a right adapter keeps it, each wrong one is caught by the test that is about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from svc_policy.adapters import Reading, Unreadable, Written, older, read_records
from svc_policy.adapters.mapping import ColumnSource, LogMapping
from svc_policy.testing.adapter_contract import AdapterContract

#: Two facts of the desk have names of its own.
MAPPING = LogMapping(
    file="desk",
    shape="flat",
    timezone="Europe/Berlin",
    ticket="ticket_id",
    facts={
        "received_at": ColumnSource(column="came"),
        "customer": ColumnSource(column="customer"),
        "distance_km": ColumnSource(column="distance_km"),
        "delivered_on": ColumnSource(column="delivered_on"),
        "recorded_fee": ColumnSource(column="fee"),
    },
)
COLUMNS = {fact: source.column for fact, source in MAPPING.facts.items()}


class Desk:
    """A host in memory: records by number, decisions by ticket, and how often a decision was written."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.decisions: dict[str, tuple[dict[str, Any], int]] = {}
        self.writes = 0


@attrs.frozen
class DeskSource:
    desk: Desk
    policy: Any

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        start = 0 if after is None else int(after) + 1
        rows = (self.given({**record, "#": number}) for number, record in enumerate(self.desk.records))
        later = (row for row in rows if row["#"] >= start)
        for reading in read_records(self.policy, MAPPING, later, name="desk", mark=lambda row: str(row["#"])):
            yield self.told(reading)

    def given(self, record: dict[str, Any]) -> dict[str, Any]:
        return record

    def told(self, reading: Reading | Unreadable) -> Reading | Unreadable:
        return reading


@attrs.frozen
class DeskSink:
    desk: Desk
    policy: Any

    def write(self, decisions: Iterable[Any]) -> Written:
        made = changed = unchanged = 0
        refused = []
        for decision in decisions:
            name, whole = decision.ticket.ticket_id, self.policy.as_dict(decision)
            there = self.desk.decisions.get(name)
            if there is not None and there[0] == whole:
                unchanged += 1
                continue
            if there is not None and there[0]["at"] > whole["at"]:
                refused.append(older(name, datetime.fromisoformat(there[0]["at"])))
                continue
            self.desk.writes += 1
            self.desk.decisions[name] = (self.stored(whole), self.desk.writes)
            made, changed = made + (there is None), changed + (there is not None)
        return Written(made=made, changed=changed, unchanged=unchanged, refused=tuple(refused))

    def stored(self, whole: dict[str, Any]) -> dict[str, Any]:
        return whole


class DeskContract(AdapterContract):
    zone = "Europe/Berlin"
    many = 400  # the files and the example are read in their thousands
    opened: Any = DeskSource
    closed: Any = DeskSink

    def __init__(self) -> None:
        self.desk = Desk()

    def hold(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.desk.decisions.clear()
        self.desk.records = [{COLUMNS.get(name, name): value for name, value in record.items()} for record in records]

    def spoil(self, record: str) -> None:
        next(one for one in self.desk.records if one["ticket_id"] == record)["distance_km"] = "far"

    def source(self) -> Any:
        return self.opened(self.desk, self.policy())

    def sink(self) -> Any:
        return self.closed(self.desk, self.policy())

    def written(self) -> dict[str, object]:
        return dict(self.desk.decisions)

    def kept(self, record: str) -> dict[str, object]:
        whole, _ = self.desk.decisions[record]
        payable = whole["quote"]["payable"]
        return {
            "category": whole["category"],
            "quote.payable": payable,
            "next_change_at": whole["next_change_at"],
            "policy.digest": whole["policy"]["digest"],
        }


TESTS = sorted(name for name in dir(AdapterContract) if name.startswith("test_"))


@pytest.mark.parametrize("name", TESTS)
def test_a_right_adapter_passes(name):
    getattr(DeskContract(), name)()


# --- wrong ones


@attrs.frozen
class Floats(DeskSource):
    def given(self, record):
        # An amount on its way through a float and a program that cuts: 0.29 × 100 is 28.999….
        fee = record.get("fee")
        return record if fee is None else {**record, "fee": Decimal(int(float(fee) * 100)).scaleb(-2)}


@attrs.frozen
class NoOffsets(DeskSource):
    def given(self, record):
        came = record["came"]
        return {**record, "came": came.replace(tzinfo=None) if isinstance(came, datetime) else came}


@attrs.frozen
class FirstReading(DeskSource):
    """Takes the first of two readings of a local time."""

    def given(self, record):
        from zoneinfo import ZoneInfo

        came = record["came"]
        is_local = isinstance(came, datetime) and came.tzinfo is None
        return {**record, "came": came.replace(tzinfo=ZoneInfo("Europe/Berlin"))} if is_local else record


@attrs.frozen
class Ascii(DeskSource):
    def given(self, record):
        return {**record, "customer": str(record["customer"]).encode("ascii", "replace").decode()}


@attrs.frozen
class OneLine(DeskSource):
    def given(self, record):
        return {**record, "customer": " ".join(str(record["customer"]).split())}


@attrs.frozen
class Silent(DeskSource):
    def told(self, reading):
        return attrs.evolve(reading, unfilled=()) if isinstance(reading, Reading) else reading


@attrs.frozen
class FillsIn(DeskSource):
    def given(self, record):
        return {"distance_km": 0, **record}


@attrs.frozen
class AllAtOnce(DeskSource):
    def read(self, after=None):
        yield from list(DeskSource.read(self, after))


@attrs.frozen
class Hoarder(DeskSource):
    def read(self, after=None):
        kept = []
        for reading in DeskSource.read(self, after):
            kept.append(reading)
            yield reading


@attrs.frozen
class StopsAtTheFirst(DeskSource):
    def read(self, after=None):
        for reading in DeskSource.read(self, after):
            if isinstance(reading, Unreadable):
                return
            yield reading


@attrs.frozen
class Swallows(DeskSource):
    def read(self, after=None):
        return (reading for reading in DeskSource.read(self, after) if isinstance(reading, Reading))


@attrs.frozen
class Nameless(DeskSource):
    def told(self, reading):
        return attrs.evolve(reading, record="?") if isinstance(reading, Unreadable) else reading


@attrs.frozen
class BeginsAgain(DeskSource):
    def read(self, after=None):
        return DeskSource.read(self, None)


@attrs.frozen
class SkipsOne(DeskSource):
    def read(self, after=None):
        return DeskSource.read(self, None if after is None else str(int(after) + 1))


@attrs.frozen
class ForgetsDates(DeskSource):
    def given(self, record):
        return {name: value for name, value in record.items() if name != "delivered_on"}


@attrs.frozen
class WritesAlways(DeskSink):
    def write(self, decisions):
        made = changed = 0
        for decision in decisions:
            name = decision.ticket.ticket_id
            made, changed = made + (name not in self.desk.decisions), changed + (name in self.desk.decisions)
            self.desk.writes += 1
            self.desk.decisions[name] = (self.policy.as_dict(decision), self.desk.writes)
        return Written(made=made, changed=changed)


@attrs.frozen
class Appends(DeskSink):
    def write(self, decisions):
        made = 0
        for decision in decisions:
            made += 1
            self.desk.writes += 1
            name = f"{decision.ticket.ticket_id}#{self.desk.writes}"
            self.desk.decisions[name] = (self.policy.as_dict(decision), self.desk.writes)
        return Written(made=made)


@attrs.frozen
class NeverChanges(DeskSink):
    def write(self, decisions):
        return DeskSink.write(self, [one for one in decisions if one.ticket.ticket_id not in self.desk.decisions])


@attrs.frozen
class WritesAllIfOneChanged(DeskSink):
    def write(self, decisions):
        decisions = list(decisions)
        told = DeskSink.write(self, decisions)
        if told.changed:
            for one in decisions:
                self.desk.writes += 1
                self.desk.decisions[one.ticket.ticket_id] = (self.policy.as_dict(one), self.desk.writes)
        return told


@attrs.frozen
class Overwrites(DeskSink):
    def write(self, decisions):
        told = Written()
        for decision in decisions:
            name, whole = decision.ticket.ticket_id, self.policy.as_dict(decision)
            there = self.desk.decisions.get(name)
            self.desk.decisions[name] = (whole, 0)
            told = attrs.evolve(told, made=told.made + (there is None), changed=told.changed + (there is not None))
        return told


@attrs.frozen
class DropsOlder(DeskSink):
    def write(self, decisions):
        return attrs.evolve(DeskSink.write(self, decisions), refused=())


@attrs.frozen
class Nothing(DeskSink):
    def stored(self, whole):
        return {**whole, "quote": {**whole["quote"], "payable": "0.00"}}


@attrs.frozen
class WholeYuan(DeskSink):
    def stored(self, whole):
        payable = whole["quote"]["payable"]
        return {**whole, "quote": {**whole["quote"], "payable": payable and f"{Decimal(payable):.0f}"}}


@attrs.frozen
class HourLate(DeskSink):
    def stored(self, whole):
        at = whole["next_change_at"]
        return {**whole, "next_change_at": at and at.replace("+08:00", "+07:00")}


@attrs.frozen
class NoDigest(DeskSink):
    def stored(self, whole):
        return {**whole, "policy": {**whole["policy"], "digest": "mall"}}


@attrs.frozen
class Miscounts(DeskSink):
    def write(self, decisions):
        told = DeskSink.write(self, decisions)
        return Written(made=told.made + told.unchanged, changed=told.changed)


WRONG = [
    (Floats, "test_money_to_the_last_fen", "0.29 came back as 28"),
    (NoOffsets, "test_instants_keep_their_offset", "came back as"),
    (FirstReading, "test_local_times_that_come_twice_are_refused", "comes twice in `Europe/Berlin`"),
    (Ascii, "test_texts_of_all_scripts_come_back", "came back as"),
    (OneLine, "test_texts_of_all_scripts_come_back", "first line second line"),
    (Silent, "test_missing_facts_are_told", "is missing and not told"),
    (FillsIn, "test_missing_facts_are_told", "`distance_km` is missing in the host, and 0 in the ticket"),
    (AllAtOnce, "test_many_records_in_bounded_memory", "KiB for 1600"),
    (Hoarder, "test_many_records_in_bounded_memory", "records are kept"),
    (StopsAtTheFirst, "test_an_unreadable_record_is_reported_and_the_next_one_is_read", "Reading `C-00001`"),
    (Swallows, "test_an_unreadable_record_is_reported_and_the_next_one_is_read", "Reading `C-00003`"),
    (Nameless, "test_an_unreadable_record_is_reported_and_the_next_one_is_read", "is told as `?`"),
    (BeginsAgain, "test_reading_goes_on_after_a_mark", "after `C-00001` should come"),
    (SkipsOne, "test_reading_goes_on_after_a_mark", "after `C-00001` should come"),
    (ForgetsDates, "test_facts_come_back_as_they_were", "`delivered_on` is"),
    (WritesAlways, "test_the_same_decision_written_twice_changes_nothing", "the host holds something else"),
    (Appends, "test_the_same_decision_written_twice_changes_nothing", "the host holds something else"),
    (Overwrites, "test_an_older_decision_is_not_written_over_a_newer_one", "and changed C-00002"),
    (DropsOlder, "test_an_older_decision_is_not_written_over_a_newer_one", "`C-00002` should be refused"),
    (Nothing, "test_what_is_kept_is_what_was_decided", "`quote.payable` of `<i>C&1` is 310.75, and kept as '0.00'"),
    (WholeYuan, "test_what_is_kept_is_what_was_decided", "is 310.75, and kept as '311'"),
    (HourLate, "test_what_is_kept_is_what_was_decided", "`next_change_at` of"),
    (NoDigest, "test_what_is_kept_is_what_was_decided", "kept as 'mall'"),
    (NeverChanges, "test_a_changed_decision_changes_alone", "one decision is another, and [] changed"),
    (WritesAllIfOneChanged, "test_a_changed_decision_changes_alone", "one decision is another, and ['C-00001'"),
    (Miscounts, "test_the_same_decision_written_twice_changes_nothing", "it is told as Written(made=3"),
]


@pytest.mark.parametrize(("wrong", "name", "said"), WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_a_wrong_adapter_is_caught(wrong, name, said):
    contract = DeskContract()
    contract.many = 400 if wrong is Hoarder else 1600
    setattr(contract, "opened" if issubclass(wrong, DeskSource) else "closed", wrong)
    with pytest.raises(AssertionError) as raised:
        getattr(contract, name)()
    assert said in str(raised.value)


def test_what_a_host_cannot_do_is_skipped_with_its_reason():
    contract = DeskContract()
    contract.cannot = {"money": "the desk keeps no amounts", "sink": "the desk is only read"}
    contract.test_what_it_cannot_do_is_said_with_a_reason()
    for name, shown in [
        ("test_money_to_the_last_fen", "money: the desk keeps no amounts"),
        ("test_a_changed_decision_changes_alone", "sink: the desk is only read"),
    ]:
        with pytest.raises(pytest.skip.Exception) as skipped:
            getattr(contract, name)()
        assert str(skipped.value) == shown


@pytest.mark.parametrize(
    ("cannot", "said"),
    [
        ({"monney": "none"}, "`cannot` names ['monney']"),
        ({"money": " "}, "gives no reason for ['money']"),
        ({"source": "x", "sink": "y"}, "an adapter is a source, a sink or both"),
    ],
)
def test_an_inability_is_a_known_one_with_a_reason(cannot, said):
    contract = DeskContract()
    contract.cannot = cannot
    with pytest.raises(AssertionError) as raised:
        contract.test_what_it_cannot_do_is_said_with_a_reason()
    assert said in str(raised.value)


def test_facts_that_are_too_few_are_asked_for():
    contract = DeskContract()
    contract.facts = ("received_at",)
    with pytest.raises(AssertionError) as raised:
        contract.test_money_to_the_last_fen()
    assert "none of `facts` is money" in str(raised.value)
