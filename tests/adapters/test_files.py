"""Files as an adapter: the contract on JSON lines, rejected rows in their places, a sink that is never half written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from svc_policy.adapters import Reading, Unreadable, Written
from svc_policy.adapters.file_sink import FileSink
from svc_policy.adapters.files import FILES, FileSource
from svc_policy.errors import AdapterError, UsageError
from svc_policy.testing.adapter_contract import AdapterContract

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MAPPING = """
schema = 1
shape = "flat"
timezone = "Asia/Shanghai"
[columns]
ticket = "ticket_id"
[facts]
received_at = "came"
customer = "name"
distance_km = { column = "metres", unit = "m" }
delivered_on = "delivered"
recorded_fee = "fee"
"""
COLUMNS = {"received_at": "came", "customer": "name", "delivered_on": "delivered", "recorded_fee": "fee"}


def written(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else str(value)


class Files(AdapterContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.log = tmp_path / f"log{self.suffix}"
        self.out = tmp_path / f"decisions{self.suffix}"
        self.mapping = tmp_path / "mapping.toml"
        self.mapping.write_text(MAPPING, "utf-8")

    suffix = ".jsonl"

    def hold(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.out.unlink(missing_ok=True)
        with self.log.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            names = ["ticket_id", "metres", *COLUMNS.values()]
            if self.suffix == ".csv":
                writer.writerow(names)
            for record in records:
                row = {COLUMNS.get(name, name): written(value) for name, value in record.items()}
                if "distance_km" in row:
                    row["metres"] = str(int(record["distance_km"] * 1000))
                if self.suffix == ".csv":
                    writer.writerow([row.get(name, "") for name in names])
                else:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def spoil(self, record: str) -> None:
        lines = self.log.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            if record in line:
                lines[number] = line.replace("12345", "far")
        self.log.write_text("\n".join(lines) + "\n", "utf-8")

    def source(self) -> Any:
        return FILES.open_source(self.policy(), {"path": self.log, "mapping": self.mapping})

    def sink(self) -> Any:
        return FILES.open_sink(self.policy(), {"path": self.out})

    def written(self) -> dict[str, object]:
        if self.suffix == ".csv":
            with self.out.open(encoding="utf-8-sig", newline="") as file:
                return {row["ticket_id"]: row for row in csv.DictReader(file)}
        return {json.loads(line)["ticket_id"]: line for line in self.out.read_text("utf-8").splitlines()}

    def kept(self, record: str) -> dict[str, object]:
        found: Any = self.written()[record]
        if self.suffix == ".csv":
            names = {"category": "category", "payable": "quote.payable", "digest": "policy.digest"}
            names["next_change_at"] = "next_change_at"
            return {path: found[name] or None for name, path in names.items()}
        whole = json.loads(found)
        return {
            "category": whole["category"],
            "quote.payable": whole["quote"]["payable"],
            "next_change_at": whole["next_change_at"],
            "policy.digest": whole["policy"]["digest"],
        }


class TestJsonLines(Files):
    pass


class TestCsv(Files):
    suffix = ".csv"
    many = 1000  # JSON lines take the same way in their ten thousands


# --- source


def test_rejected_rows_stand_in_their_places(tmp_path: Path, mall: Any) -> None:
    (tmp_path / "holds.csv").write_text("ticket_id,hold_kind\nX,customer_wait\nA,lost\n", "utf-8")
    (tmp_path / "log.csv").write_text('id,km\nA,1\nB,"2\nC,far\nA,4\nD,5\n,6\n', "utf-8")
    (tmp_path / "mapping.toml").write_text(
        'schema = 1\nshape = "flat"\ntimezone = "UTC"\n[columns]\nticket = "id"\n[facts]\ndistance_km = "km"\n'
        '[children.holds]\nfile = "holds.csv"\n',
        "utf-8",
    )
    source = FileSource(mall, tmp_path / "log.csv", tmp_path / "mapping.toml", chunk=2)
    found = list(source.read())
    told = [(type(one).__name__, one.record, str(one.mark).rpartition(":")[0]) for one in found]
    assert told == [
        ("Reading", "A", "0:2"),
        ("Unreadable", "log.csv:3", "0:3"),
        ("Unreadable", "C", "0:4"),
        ("Unreadable", "A", "0:5"),
        ("Reading", "D", "0:6"),
        ("Unreadable", "log.csv:7", "0:7"),
        ("Unreadable", "X", "1:2"),
        ("Unreadable", "A", "1:3"),
    ]
    assert [one.problems[0].code for one in found if isinstance(one, Unreadable)] == [
        "log-quotes",
        "ticket-number-unreadable",
        "log-twice",
        "log-no-ticket",
        "log-stray",
        "ticket-unknown-value",
    ]
    assert str(found[2].problems[0].place) == "log.csv:4"  # type: ignore[union-attr]
    for place in (0, 4, 6, 7):
        assert list(source.read(found[place].mark)) == found[place + 1 :]


def test_rows_that_are_all_bad_are_told(tmp_path: Path, mall: Any) -> None:
    path = tmp_path / "log.csv"
    path.write_text("ticket_id,distance_km\nA,far\nB,farther\n", "utf-8")
    found = list(FileSource(mall, path).read())
    assert [(type(one), one.record) for one in found] == [(Unreadable, "A"), (Unreadable, "B")]
    path.write_text("ticket_id,distance_km\n", "utf-8")
    assert list(FileSource(mall, path).read()) == []


def test_why_a_fact_of_an_event_log_is_not_filled(tmp_path: Path, mall: Any) -> None:
    (tmp_path / "log.csv").write_text("no,what,when,km\nA,came,2026-03-02T09:00,\nB,went,2026-03-02T09:00,3\n", "utf-8")
    (tmp_path / "mapping.toml").write_text(
        'schema = 1\nshape = "events"\ntimezone = "UTC"\n'
        '[columns]\nticket = "no"\nactivity = "what"\ntimestamp = "when"\n'
        '[milestones]\nreceived = "came"\n[activities]\nother = "keep"\n[facts]\ndistance_km = "km"\n',
        "utf-8",
    )
    first, second = FileSource(mall, tmp_path / "log.csv", tmp_path / "mapping.toml").read()
    assert isinstance(first, Reading) and isinstance(second, Reading)
    told = {one.fact: str(one.reason) for one in first.unfilled}
    assert (told["distance_km"], told["on_site"]) == ("the field `km` is empty", "no field is mapped to it")
    assert {one.fact: str(one.reason) for one in second.unfilled}["received_at"] == "no event of the ticket gives it"


@pytest.mark.parametrize(
    ("name", "content", "mark", "said"),
    [
        ("none.csv", None, None, "the file cannot be read: there is no such file or folder"),
        ("log.xml", "<a/>", None, "cannot tell the format of the file"),
        ("log.csv", "", None, "the file is empty"),
        ("log.csv", "ticket_id,distance\nA,1\n", None, "`distance` is no fact"),
        ("log.csv", "ticket_id\nA\n", "7", "`7` is no mark of this file"),
        ("log.csv", "ticket_id\nA\n", "1:2:3; DROP", "is no mark of this file"),
    ],
)
def test_a_file_that_is_none_is_told(
    tmp_path: Path, mall: Any, name: str, content: str | None, mark: str | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(AdapterError) as raised:
        list(FileSource(mall, path).read(mark))
    assert said in str(raised.value)


# --- sink


def decisions(policy: Any, *names: str, at: datetime = AT) -> list[Any]:
    return [policy.decide({"ticket_id": name, "received_at": "2026-03-02T09:30"}, at=at) for name in names]


def test_what_is_written_is_the_whole_decision(tmp_path: Path, mall: Any) -> None:
    path = tmp_path / "out.jsonl"
    (decision,) = decisions(mall, "A")
    assert FileSink(mall, path).write([decision]) == Written(made=1)
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [mall.as_dict(decision)]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_records_keep_their_places_and_nothing_new_leaves_the_file_alone(
    tmp_path: Path, mall: Any, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    sink = FileSink(mall, path)
    sink.write(decisions(mall, "B", "A", "C"))
    later = decisions(mall, "A", at=AT + timedelta(days=9))
    assert sink.write([*later, *decisions(mall, "D", "B"), *later]) == Written(made=1, changed=1, unchanged=1)
    lines = path.read_text("utf-8-sig").splitlines()
    ids = [json.loads(line)["ticket_id"] if suffix == ".jsonl" else line[0] for line in lines]
    assert ids == [*("t" if suffix == ".csv" else ""), "B", "A", "C", "D"]
    assert ["2026-03-11T17:00:00" in line for line in lines[-4:]] == [False, True, False, False]
    before = path.stat()
    assert sink.write([*decisions(mall, "C", "B"), *later]) == Written(unchanged=3)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name]


def test_a_call_that_fails_in_the_middle_leaves_the_old_file(tmp_path: Path, mall: Any) -> None:
    path = tmp_path / "out.jsonl"
    sink = FileSink(mall, path)
    sink.write(decisions(mall, "A"))
    before = path.read_bytes()

    def failing() -> Any:
        yield from decisions(mall, "B")
        raise ConnectionError

    with pytest.raises((ConnectionError, AdapterError)):
        sink.write(failing())
    assert path.read_bytes() == before
    # What a killed run leaves beside the file is no part of it, and is written over.
    (tmp_path / ".out.jsonl.part").write_text("half", "utf-8")
    assert sink.write(decisions(mall, "A", "B")) == Written(made=1, unchanged=1)
    assert len(path.read_text("utf-8").splitlines()) == 2


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_what_is_only_added_goes_to_the_end_and_is_taken_back_where_that_fails(
    tmp_path: Path, mall: Any, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    sink = FileSink(mall, path)
    sink.write(decisions(mall, "A"))
    first, inode = path.read_bytes(), path.stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(FileSink, "_there", None)  # what is there is not read again
        assert sink.write(decisions(mall, "B", "C", "B")) == Written(made=2)
    assert path.read_bytes().startswith(first) and path.stat().st_ino == inode
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for given in (decisions(mall, "D"), decisions(mall, "A", at=AT + timedelta(days=9))):
            with pytest.raises(AdapterError):
                sink.write(given)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    # Somebody else adds what is no decision: the file is looked at again.
    path.write_bytes(before + b"and so on\r\n")
    with pytest.raises(AdapterError, match="the line is no decision"):
        sink.write(decisions(mall, "E"))


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_half_a_line_of_a_run_that_was_killed_is_no_record(tmp_path: Path, mall: Any, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    FileSink(mall, path).write(decisions(mall, "A", 'B "x"\n'))
    short = path.read_bytes()
    FileSink(mall, path).write(decisions(mall, 'C "y"\r\nz'))
    whole = path.read_bytes()
    added = len(whole) - len(short)
    for length in (len(short) + part for part in (2, 10, 17, added // 3, added // 2, *range(added - 8, added))):
        path.write_bytes(whole[:length])
        told = FileSink(mall, path).write(decisions(mall, "A", 'C "y"\r\nz'))
        assert (told.made + told.changed, told.unchanged) == (1, 1) or told == Written(unchanged=2)
        assert FileSink(mall, path).write(decisions(mall, "D")).made == 1
        assert path.read_bytes().startswith(whole), length
    path.write_bytes(short[:-1])
    assert FileSink(mall, path).write(decisions(mall, "D")).made == 1
    assert path.read_bytes().startswith(short)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("out.jsonl", '{"ticket_id": "A", "policy": {}}\n{"a": 1}\n', "out.jsonl:2: the line is no decision"),
        ("out.jsonl", "[1]\n", "out.jsonl:1: the line is no decision"),
        ("out.jsonl", "[" * 100_000, "out.jsonl:1: the line is no decision"),
        ("out.jsonl", '{"ticket_id": "A", "policy": {}}\n' * 2, "out.jsonl:2: the ticket is there already"),
        ("out.csv", "a,b\n1,2\n", "out.csv:1: the heading is not that of decisions of `mall`"),
        ("out.csv", b"\xff\xfe", "out.csv:1: the line is no decision"),
    ],
)
def test_a_file_of_something_else_is_not_written_over(
    tmp_path: Path, mall: Any, name: str, content: str | bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = path.read_bytes()
    with pytest.raises(AdapterError) as raised:
        FileSink(mall, path).write(decisions(mall, "B"))
    assert said in str(raised.value)
    assert path.read_bytes() == before


def test_ids_that_a_spreadsheet_would_compute(tmp_path: Path, mall: Any) -> None:
    path = tmp_path / "out.csv"
    names = ["=1+1", "'=1+1", "'", "a\nb", 'a"b', "<b>", "-"]
    assert FileSink(mall, path).write(decisions(mall, *names)) == Written(made=7)
    assert FileSink(mall, path).write(decisions(mall, *names)) == Written(unchanged=7)
    cells = [row[0] for row in csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True))][1:]
    assert not [cell for cell in cells if cell[:1] == "="]


def test_a_decision_without_a_ticket_is_refused_and_the_next_one_written(tmp_path: Path, mall: Any) -> None:
    told = FileSink(mall, tmp_path / "out.jsonl").write(decisions(mall, "", "A"))
    assert (told.made, [str(one.problems[0].message) for one in told.refused]) == (1, ["there is no ticket id"])


def test_a_link_stays_a_link_and_a_folder_is_no_file(tmp_path: Path, mall: Any) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "out.jsonl"
    link.symlink_to(tmp_path / "real" / "out.jsonl")
    FileSink(mall, link).write(decisions(mall, "A"))
    assert link.is_symlink() and (tmp_path / "real" / "out.jsonl").is_file()
    (tmp_path / "folder.jsonl").mkdir()
    for path, said in [(tmp_path / "folder.jsonl", "this is no file"), (tmp_path / "no" / "a.csv", "there is no such")]:
        with pytest.raises(AdapterError) as raised:
            FileSink(mall, path).write(decisions(mall, "A"))
        assert said in str(raised.value)


def test_a_name_that_tells_no_format(mall: Any) -> None:
    with pytest.raises(UsageError, match=r"cannot tell how `out\.xml` is to be written"):
        FileSink(mall, "out.xml")
    with pytest.raises(UsageError, match="cannot tell how"):
        FILES.open_sink(mall, {"path": "out.jsonl", "format": "xml"})
