from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.database.shop import AT, counter
from svc_policy import Decision, Policy
from svc_policy.adapters import running
from svc_policy.adapters.protocol import Reading, Unreadable, Written
from svc_policy.adapters.running import Carried, carry
from svc_policy.errors import AdapterError, UnreachableError, UsageError, problem
from svc_policy.messages import message


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return counter(tmp_path_factory.mktemp("packs"))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "FIRST_PAUSE", 0.0)


class Shelf:
    """A source of numbered tickets and a sink; each fails as it is told."""

    def __init__(self, policy: Policy, count: int, *, marks: bool = True, bad: Iterable[int] = ()) -> None:
        self.policy = policy
        self.count = count
        self.marks = marks
        self.bad = set(bad)
        self.written: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self.failing: list[int] = []  # numbers at which reading breaks, each once
        self.refusing: list[int] = []  # calls of the sink that break after they have written

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        for number in range(int(after or 0) + 1, self.count + 1):
            if number in self.failing:
                self.failing.remove(number)
                raise UnreachableError([problem("gone", message("the shelf is gone"))])
            mark = str(number) if self.marks else None
            if number in self.bad:
                found = problem("bad", message("<b>torn</b>"))
                yield Unreadable(record=f"T-{number}", problems=(found,), mark=mark)
                continue
            ticket = self.policy.ticket(
                {"ticket_id": f"T-{number}", "received_at": "2026-03-04T09:00:00+08:00", "distance_km": number}
            )
            yield Reading(record=f"T-{number}", ticket=ticket, mark=mark)

    def write(self, decisions: Iterable[Decision]) -> Written:
        listed = list(decisions)
        self.calls.append([one.ticket.ticket_id for one in listed])
        fresh = [one for one in listed if one.ticket.ticket_id not in self.written]
        self.written |= {one.ticket.ticket_id: f"{one.category} {one.at_s}" for one in listed}
        if len(self.calls) in self.refusing:
            raise UnreachableError([problem("gone", message("the shelf is gone"))])
        return Written(made=len(fresh), unchanged=len(listed) - len(fresh))


def run(shelf: Shelf, state: Path | None = None, **more: Any) -> Carried:
    return carry(shelf.policy, shelf, shelf, **{"at": AT, "chunk": 3, "state": state, **more})


def listed(state: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in state.with_name(f"{state.name}.unreadable.jsonl").read_text("utf-8").splitlines()
    ]


@pytest.mark.parametrize("marks", [True, False])
def test_what_breaks_is_tried_again_and_nothing_comes_twice(policy: Policy, tmp_path: Path, marks: bool) -> None:
    shelf = Shelf(policy, 10, marks=marks, bad=[2, 8])
    shelf.failing = [1, 5, 5, 9]
    shelf.refusing = [3]
    found = run(shelf, tmp_path / "s")
    # Chunks of three: 1 to 3, 4 to 6, 7 to 9, 10; the third call wrote and then broke.
    assert shelf.calls == [["T-1", "T-3"], ["T-4", "T-5", "T-6"], ["T-7", "T-9"], ["T-7", "T-9"], ["T-10"]]
    assert (found.read, found.made, found.unchanged, found.unreadable, found.retries) == (10, 6, 2, 2, 5)
    assert [one["record"] for one in listed(tmp_path / "s")] == ["T-2", "T-8"]
    assert listed(tmp_path / "s")[0]["problems"] == [{"code": "bad", "message": "<b>torn</b>"}]


def test_one_that_gives_up_goes_on_at_the_same_instant(policy: Policy, tmp_path: Path) -> None:
    shelf = Shelf(policy, 10, bad=[3])
    shelf.failing = [5]
    with pytest.raises(AdapterError) as error:
        run(shelf, tmp_path / "s", patience=0, at=None)
    assert not isinstance(error.value, UnreachableError)
    assert [one.code for one in error.value.problems] == ["gone", "transfer-stopped"]
    assert error.value.problems[1].message.values["count"] == 3
    instants = {word.split()[1] for word in shelf.written.values()}
    found = run(shelf, tmp_path / "s", at=None)
    assert found.is_resumed and (found.read, found.made, found.unreadable) == (10, 9, 1)
    assert {word.split()[1] for word in shelf.written.values()} == instants
    assert shelf.calls == [["T-1", "T-2"], ["T-4", "T-5", "T-6"], ["T-7", "T-8", "T-9"], ["T-10"]]


def test_a_finished_one_reads_what_is_new(policy: Policy, tmp_path: Path) -> None:
    shelf = Shelf(policy, 4, bad=[1])
    run(shelf, tmp_path / "s")
    shelf.count = 6
    later = datetime(2026, 3, 5, tzinfo=UTC)
    found = run(shelf, tmp_path / "s", at=later)
    assert (found.read, found.made, found.unreadable, found.is_resumed) == (2, 2, 0, False)
    # What could not be carried is told once more where it is listed, until all is read again.
    assert found.at == later and [one["record"] for one in listed(tmp_path / "s")] == ["T-1"]
    assert found.listed == tmp_path / "s.unreadable.jsonl"
    shelf.count, shelf.bad = 7, {7}
    assert (run(shelf, tmp_path / "s").unreadable, run(shelf, tmp_path / "s").read) == (1, 0)
    assert [one["record"] for one in listed(tmp_path / "s")] == ["T-1", "T-7"]
    (tmp_path / "s").unlink()
    shelf.bad = set()
    assert run(shelf, tmp_path / "s").listed is None and listed(tmp_path / "s") == []


class Mixed(Shelf):
    """Numbers below 0 are notices; only every third record has a mark."""

    order: tuple[int, ...] = ()

    def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
        start = 0 if after is None else self.order.index(int(after)) + 1
        for number in self.order[start:]:
            if number in self.failing:
                self.failing.remove(number)
                raise UnreachableError([problem("gone", message("the shelf is gone"))])
            if number < 0:
                found = problem("some", message("some are none"))
                yield Unreadable(record="-", problems=(found,), is_notice=True)
                continue
            data = {"ticket_id": f"T-{number}", "received_at": "2026-03-04T09:00:00+08:00", "distance_km": number}
            mark = str(number) if number % 3 == 0 else None
            yield Reading(record=f"T-{number}", ticket=self.policy.ticket(data), mark=mark)


def test_what_has_no_mark_is_counted_from_the_last_one_that_has(policy: Policy, tmp_path: Path) -> None:
    shelf = Mixed(policy, 0)
    shelf.order = (-1, 1, 2, 3, 4, 5, 6, 7, 8)
    shelf.failing = [3, 5, 7]
    found = run(shelf, tmp_path / "s", chunk=2)
    # Chunks of two; what breaks throws away a record that was read with it.
    assert shelf.calls == [["T-1", "T-2"], ["T-3", "T-4"], ["T-5", "T-6"], ["T-7", "T-8"]]
    assert (found.read, found.made, found.unchanged, found.unreadable) == (8, 8, 0, 1)
    assert [one["record"] for one in listed(tmp_path / "s")] == ["-"]


def test_a_notice_is_no_record_and_none_is_left_out_for_it(policy: Policy, tmp_path: Path) -> None:
    shelf = Mixed(policy, 0)
    shelf.order = (-1,)
    found = run(shelf, tmp_path / "s")
    assert (found.read, found.unreadable) == (0, 1)
    shelf.order = (1, 2)
    found = run(shelf, tmp_path / "s")
    assert (found.read, found.made) == (2, 2)
    # They have no mark either: they are read again, and nothing that may stand in their place is left out.
    shelf.order = (4, 2, 5)
    found = run(shelf, tmp_path / "s")
    assert (found.read, found.made, found.unchanged) == (3, 2, 1)
    shelf.order = (-1, 4, -1, 2, 5)
    shelf.failing = [5]
    found = run(shelf, tmp_path / "t", chunk=1)
    assert (found.read, found.retries, [one["record"] for one in listed(tmp_path / "t")]) == (3, 1, ["-", "-"])


def test_patience_begins_anew_with_each_chunk(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(running, "FIRST_PAUSE", 4.0)
    monkeypatch.setattr(running.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(running.time, "sleep", sleep)
    shelf = Shelf(policy, 9)
    shelf.failing = [2, 3, 5, 6, 8]
    assert run(shelf, patience=10).made == 9
    # Two failures before each of two chunks and one before the last: 4 s, then 8 s cut to the 6 s that are left.
    assert pauses == [4, 6, 4, 6, 4]
    shelf = Shelf(policy, 3)
    shelf.failing = [1, 2, 3]
    pauses.clear()
    with pytest.raises(AdapterError):
        run(shelf, patience=10)
    assert pauses == [4, 6]


def test_what_cannot_be_decided_is_listed(policy: Policy, tmp_path: Path) -> None:
    class Late(Shelf):
        def read(self, after: str | None = None) -> Iterator[Reading | Unreadable]:
            for one in super().read(after):
                if isinstance(one, Reading) and one.record == "T-2":
                    # The calendar holds for 2026 only.
                    data = {"ticket_id": "T-2", "received_at": "2031-03-04T09:00:00+08:00", "distance_km": 1}
                    yield Reading(record="T-2", ticket=self.policy.ticket(data), mark=one.mark)
                else:
                    yield one

    working = counter(tmp_path, **{"deadlines.csv": DEADLINES})
    shelf = Late(working, 3)
    found = run(shelf, tmp_path / "s")
    assert (found.made, found.unreadable) == (2, 1)
    assert [(one["record"], one["step"]) for one in listed(tmp_path / "s")] == [("T-2", "decide")]


DEADLINES = (
    "rule,distance_km,then: starts,then: ends,then: within,then: clock,cite\nnear,-,received,arrived,4 h,working,m-1\n"
)


def test_what_a_sink_refuses_is_listed(policy: Policy, tmp_path: Path) -> None:
    class Choosy(Shelf):
        def write(self, decisions: Iterable[Decision]) -> Written:
            refused = problem("full", message("there is no room"))
            names = [one.ticket.ticket_id for one in decisions]
            return Written(made=len(names) - 1, refused=(Unreadable(record=names[0], problems=(refused,)),))

    found = run(Choosy(policy, 6), tmp_path / "s")
    assert (found.read, found.made, found.unreadable) == (6, 4, 2)
    assert [(one["record"], one["step"]) for one in listed(tmp_path / "s")] == [("T-1", "write"), ("T-4", "write")]


def test_a_list_that_is_longer_than_its_state_is_cut(policy: Policy, tmp_path: Path) -> None:
    shelf = Shelf(policy, 9, bad=[1, 5])
    shelf.failing = [8]
    with pytest.raises(AdapterError):
        run(shelf, tmp_path / "s", patience=0)
    with (tmp_path / "s.unreadable.jsonl").open("a") as file:
        file.write('{"record": "of a run that was killed", ')
    run(shelf, tmp_path / "s")
    assert [one["record"] for one in listed(tmp_path / "s")] == ["T-1", "T-5"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": "another"}, "transfer-other"),
        ({"at": datetime(2026, 3, 5, tzinfo=UTC)}, "transfer-other"),
        ({"policy": "other"}, "transfer-other"),
        ({"state": "{"}, "transfer-state"),
        ({"state": "[]"}, "transfer-state"),
        ({"state": '{"schema": 2}'}, "transfer-state"),
        ({"state": "[" * 100_000}, "transfer-state"),
        ({"state": None}, "transfer-state"),
        ({"chunk": 0}, "transfer-chunk"),
        ({"at": datetime(2026, 3, 5)}, "at-naive"),
    ],
)
def test_a_state_of_something_else_is_refused(
    policy: Policy, tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    shelf = Shelf(policy, 9)
    shelf.failing = [8]
    state = tmp_path / "s"
    with pytest.raises(AdapterError):
        run(shelf, state, patience=0)
    kept = state.read_text("utf-8")
    change = dict(change)
    if "state" in change:
        text = change.pop("state")
        state.write_bytes(b"\xff" if text is None else text.encode())
        kept = None  # type: ignore[assignment]
    if change.pop("policy", None):
        shelf.policy = counter(tmp_path, **{"deadlines.csv": DEADLINES})
    with pytest.raises(UsageError) as error:
        run(shelf, state, **change)
    assert error.value.problems[0].code == code and error.value.problems[0].help is not None
    if kept is not None:
        assert state.read_text("utf-8") == kept
    assert len(shelf.calls) == 2


def test_each_key_of_a_state_is_read_with_care(policy: Policy, tmp_path: Path) -> None:
    shelf = Shelf(policy, 3)
    state = tmp_path / "s"
    run(shelf, state)
    whole = json.loads(state.read_text("utf-8"))
    for key in whole:
        for value in ("x", -1, 1.5, None, True, [], {}):
            is_of_kind = type(value) is type(whole[key]) or (key == "mark" and value is None)
            if is_of_kind and (value != -1 or key == "at_s"):
                continue
            state.write_text(json.dumps({**whole, key: value}), "utf-8")
            with pytest.raises(UsageError):
                run(shelf, state)


def test_one_state_has_one_transfer(policy: Policy, tmp_path: Path) -> None:
    class Twice(Shelf):
        def write(self, decisions: Iterable[Decision]) -> Written:
            with pytest.raises(UsageError, match="another transfer"):
                run(Shelf(self.policy, 1), tmp_path / "s")
            return super().write(decisions)

    assert run(Twice(policy, 2), tmp_path / "s").made == 2


def test_a_state_that_cannot_be_written_is_told(policy: Policy, tmp_path: Path) -> None:
    for state in (tmp_path / "no folder" / "s", tmp_path):
        with pytest.raises(UsageError) as error:
            run(Shelf(policy, 1), state)
        assert error.value.problems[0].code == "transfer-state"


def test_a_source_that_lost_records_is_refused(policy: Policy, tmp_path: Path) -> None:
    shelf = Shelf(policy, 7, marks=False)
    shelf.failing = [7]
    with pytest.raises(AdapterError):
        run(shelf, tmp_path / "s", patience=0)
    shelf.count = 2
    with pytest.raises(AdapterError) as error:
        run(shelf, tmp_path / "s")
    assert error.value.problems[0].code == "transfer-shrunk"
