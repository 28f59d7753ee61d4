"""What a recorder writes, and what it does when it is stopped, hindered or misused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engines.tickets import random_tickets
from engines.workshop import workshop
from pack.building import write_pack
from record.writing import AT, decisions, kill_in_mid_write, lines, record, small, ticket
from svc_policy import Policy, Ticket, load
from svc_policy.errors import CalendarError, TicketError, UsageError
from svc_policy.facts import ticket_to_dict
from svc_policy.record import Position, Recorder, recall, replay, verify
from svc_policy.record.inputs import TicketWriter, _UnusualError, instant_text


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return small(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return workshop(tmp_path_factory.mktemp("packs"))


def code(error: pytest.ExceptionInfo[UsageError]) -> str:
    (problem,) = error.value.problems
    assert problem.help is not None and problem.place is not None
    return problem.code


# --- what is written


def test_a_line_holds_inputs_instant_policy_dates_rules_and_outcome(tmp_path, policy):
    log = tmp_path / "log"
    with Recorder(log, policy) as recorder:
        recorder.decide(ticket(7, cause="misuse", purchased_on="2025-09-01"), at=AT)
    (body,) = decisions(log)
    # 4 March 2026, 10:00 in Shanghai is 02:00 UTC: 20,516 days and two hours after 1970.
    assert (body["at"], body["at_s"]) == ("2026-03-04T10:00:00+08:00", 20_516 * 86_400 + 7_200)
    assert (body["policy"], body["digest"], body["engine"]) == ("made", policy.digest, "0.1.0")
    assert body["dates"] == {"purchase": "2025-09-01", "request": "2026-03-04", "fee": "2026-03-04"}
    assert body["ticket"] == ticket(7, cause="misuse", purchased_on="2025-09-01")
    of_line = {one["n"]: one for one in map(json.loads, lines(log))}
    assert of_line[body["rules_line"]]["rules"] == ["category.far", "deadlines.far", "duties.misused"]
    outcome = dict(zip(of_line[body["layout_line"]]["columns"], body["values"], strict=True))
    # 48 hours from 09:00 on 4 March.
    assert (outcome["category"], outcome["arrived_due"]) == ("A", (20_516 + 2) * 86_400 + 3_600)


def test_each_line_names_the_hash_of_the_one_before_and_its_own(tmp_path, policy):
    log = record(tmp_path / "log", policy)
    previous = "0" * 64
    for number, line in enumerate(lines(log), start=1):
        body = json.loads(line)
        assert (body["n"], body["previous"]) == (number, previous)
        assert hashlib.sha256(line.split(b',"hash":"')[0]).hexdigest() == body["hash"]
        previous = body["hash"]
    head = json.loads((tmp_path / "log.head").read_text())
    assert (head["lines"], head["hash"]) == (number, previous)


def test_rules_are_those_of_the_decision_and_tickets_are_written_as_elsewhere(tmp_path, shop):
    log = tmp_path / "log"
    at = datetime(2025, 7, 1, 9, tzinfo=UTC)
    expected = []
    with Recorder(log, shop, sync=False) as recorder:
        for one in random_tickets(shop, 150, seed=5):
            try:
                decision = recorder.decide(one, at=at)
            except CalendarError:
                continue
            uses = [f"{use.table}.{use.rule}{f'@{use.subject}' if use.subject else ''}" for use in decision.rules]
            expected.append((uses, json.loads(json.dumps(ticket_to_dict(one)))))
    of_line = {one["n"]: one for one in map(json.loads, lines(log))}
    found = [(of_line[body["rules_line"]]["rules"], body["ticket"]) for body in decisions(log)]
    assert len(found) > 100 and found == expected
    assert {name.split(".")[0] for uses, _ in found for name in uses} >= {
        "holds",
        "penalties",
        "part_fees",
        "overrides",
    }
    again = replay(log)
    assert (again.same, again.changed, again.failed) == (len(found), 0, 0)


def test_the_same_ticket_twice_is_two_decisions(tmp_path, policy):
    log = tmp_path / "log"
    with Recorder(log, policy) as recorder:
        assert recorder.append(recorder.decide(ticket(1), at=AT)) == recorder.position.lines + 4
    assert [body["ticket"]["ticket_id"] for body in decisions(log)] == ["T-1", "T-1"]
    assert verify(log).is_sound


def test_unusual_values_are_written_as_elsewhere(shop):
    written = TicketWriter(shop.pack.settings.company_facts, 2)
    for facts in (
        {"received_at": datetime(1900, 6, 1, tzinfo=shop.zone), "distance_km": Decimal("0.001")},
        {"received_at": datetime(2026, 3, 4, 9, 0, 0, 999_999, tzinfo=UTC), "labour_hours": Decimal("0.0025") * 3},
        {"labour_hours": Decimal("1.25"), "extra": {"deposit": Decimal("12.34"), "lift": True, "floor": 3}},
        {"contract_hours_left": "20 min", "problem": 'a "quoted" \\ line\n\u2028 工单'},
    ):
        made = shop.ticket(facts)
        assert json.loads(written.text(made)) == json.loads(json.dumps(ticket_to_dict(made))), facts


def test_instants_are_written_as_iso_8601_says():
    """Against `isoformat`: zones with odd offsets, before 1970, after 2100, at fractions of a second."""
    drawn = random.Random(7)
    zones = [ZoneInfo(name) for name in ("Asia/Shanghai", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")]
    zones += [timezone(timedelta(minutes=minutes)) for minutes in (-1439, -1, 0, 1439)]
    for _ in range(2_000):
        seconds = drawn.randint(-2 * 10**9, 6 * 10**9)
        given = datetime.fromtimestamp(seconds, UTC).astimezone(drawn.choice(zones))
        if given.utcoffset() % timedelta(minutes=1):
            with pytest.raises(_UnusualError):
                instant_text(seconds, given.utcoffset())
            continue
        assert instant_text(seconds, given.utcoffset()) == f'"{given.isoformat()}"'


# --- flushing and being stopped


def test_nothing_is_safe_before_a_flush_and_all_after_it(tmp_path, policy):
    log = tmp_path / "log"
    with Recorder(log, policy, interval=3600) as recorder:
        begun = recorder.position
        recorder.decide(ticket(1), at=AT)
        assert recorder.position == begun and len(decisions(log)) == 0
        position = recorder.flush()
        assert position == recorder.position and len(decisions(log)) == 1
        assert position == Position(len(lines(log)), json.loads(lines(log)[-1])["hash"])
    with Recorder(log, policy, interval=0) as recorder:
        recorder.decide(ticket(2), at=AT)
        assert len(decisions(log)) == 2


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path, policy):
    for attempt in range(3):
        log = tmp_path / f"log-{attempt}"
        count, _, own = kill_in_mid_write(log, policy, 2 + attempt).partition(":")
        verified = verify(log, expect=f"{count}:{own}")
        assert verified.is_sound, [one.render() for one in verified.problems]
        with Recorder(log, policy) as recorder:
            recorder.decide(ticket(1), at=AT)
        after = verify(log, expect=f"{count}:{own}")
        assert after.is_sound and after.position.lines > int(count)


@pytest.mark.parametrize("kept", [1, 40, 200, -1])
def test_a_torn_line_is_set_aside_and_said(tmp_path, policy, kept):
    log = record(tmp_path / "log", policy)
    whole = log.read_bytes()
    torn = lines(log)[-1][:kept]
    log.write_bytes(whole + torn)
    assert [one.code for one in verify(log).problems] == ["record-torn"]
    assert verify(log).is_sound
    with Recorder(log, policy) as recorder:
        (note,) = recorder.notes
    assert (note.code, note.severity) == ("record-torn", "note")
    assert (tmp_path / "log.torn-1").read_bytes() == torn
    assert log.read_bytes().startswith(whole) and verify(log).is_sound


def test_a_torn_first_line_is_set_aside(tmp_path, policy):
    log = tmp_path / "log"
    log.write_bytes(b'{"schema":1,"n":1,"ki')
    record(log, policy, 1)
    assert (tmp_path / "log.torn-1").read_bytes() == b'{"schema":1,"n":1,"ki'
    assert verify(log).is_sound


def test_without_space_the_lines_are_kept_and_written_later(tmp_path, policy, monkeypatch):
    log = tmp_path / "log"
    real = os.write
    with Recorder(log, policy, interval=3600) as recorder:
        safe = recorder.position
        recorder.decide(ticket(1), at=AT)
        before = log.read_bytes()

        def full(descriptor: int, data: bytes) -> int:
            if len(data) < 1000:
                raise OSError(errno.ENOSPC, "no space")
            return real(descriptor, bytes(data)[:-900])

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(UsageError, match="there is no space left") as error:
            recorder.flush()
        assert code(error) == "record-unwritable"
        assert log.read_bytes() == before and recorder.position == safe
        monkeypatch.setattr(os, "write", real)
        assert recorder.flush().lines > safe.lines
    assert verify(log).is_sound and len(decisions(log)) == 1


# --- refusals


def test_a_second_writer_is_told_who_writes(tmp_path, policy):
    with Recorder(tmp_path / "log", policy), pytest.raises(UsageError, match=f"by process {os.getpid()}") as error:
        Recorder(tmp_path / "log", policy).__enter__()
    assert code(error) == "record-locked"
    record(tmp_path / "log", policy)


@pytest.mark.skipif(sys.platform == "win32", reason="there only the file beside the record is locked")
@pytest.mark.parametrize("name", ["log", "alias"])
def test_a_second_writer_finds_no_way_round_the_lock(tmp_path, policy, name):
    """The lock beside the record was deleted, or the record is opened by another name."""
    (tmp_path / "log").touch()
    (tmp_path / "alias").symlink_to(tmp_path / "log")
    with Recorder(tmp_path / "log", policy) as recorder:
        recorder.decide(ticket(1), at=AT)
        (tmp_path / "log.lock").unlink()
        with pytest.raises(UsageError, match="by another process") as error:
            Recorder(tmp_path / name, policy).__enter__()
        assert code(error) == "record-locked"
    assert verify(tmp_path / "log").is_sound
    assert len(decisions(tmp_path / "log")) == 1


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'{"ticket_id": "T-1"}\n', "record-foreign"),
        (b"ticket,category\n1,A\n", "record-foreign"),
        (b"\x00\x01", "record-foreign"),
        (b'{"schema":1,"decisions":[' + b'"x",' * 5000, "record-foreign"),
        (b'{"schema":1,"file":"a","hash":"b"}', "record-foreign"),
        (b'{"schema":2,"n":1,"kind":"log","previous":"","hash":""}\n', "record-newer"),
    ],
)
def test_a_file_that_is_no_record_is_left_as_it_is(tmp_path, policy, content, wanted):
    log = tmp_path / "log"
    log.write_bytes(content)
    for use in (lambda: record(log, policy), lambda: verify(log), lambda: replay(log)):
        with pytest.raises(UsageError) as error:
            use()
        assert code(error) == wanted
    assert log.read_bytes() == content


def test_a_newer_line_at_the_end_is_refused_and_kept(tmp_path, policy):
    log = record(tmp_path / "log", policy)
    newer = log.read_bytes() + lines(log)[-1].replace(b'"schema":1', b'"schema":7')
    log.write_bytes(newer)
    for use in (lambda: record(log, policy), lambda: verify(log), lambda: replay(log)):
        with pytest.raises(UsageError, match="schema 7; this library reads 1"):
            use()
    assert log.read_bytes() == newer


def test_a_folder_is_no_record(tmp_path, policy):
    with pytest.raises(UsageError) as error:
        Recorder(tmp_path, policy).__enter__()
    assert code(error) == "record-folder"
    with pytest.raises(UsageError) as error:
        Recorder(os.devnull, policy).__enter__()
    assert code(error) == "record-device"
    with pytest.raises(UsageError, match="this is a folder"):
        verify(tmp_path)
    with pytest.raises(UsageError, match="there is no such file or folder"):
        record(tmp_path / "missing" / "log", policy)


def test_a_refusal_leaves_nothing_behind(tmp_path, policy, monkeypatch):
    foreign = tmp_path / "tickets.jsonl"
    foreign.write_text('{"ticket_id": "T-1"}\n')
    monkeypatch.chdir(tmp_path)
    for name in ("tickets.jsonl", ".", "..", "", "missing/log", "x" * 300):
        with pytest.raises(UsageError):
            Recorder(name, policy).__enter__()
    assert [one.name for one in tmp_path.iterdir()] == ["tickets.jsonl"]
    monkeypatch.setattr("svc_policy.record.policies._is_copied", lambda *_, **__: False)
    with pytest.raises(UsageError) as error:
        Recorder("log", policy).__enter__()
    assert code(error) == "record-policy-changed"
    assert [one.name for one in tmp_path.iterdir()] == ["tickets.jsonl"]


@pytest.mark.parametrize("name", [".", "..", ""])
def test_a_folder_without_a_name_is_refused_by_those_who_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for use in (verify, replay):
        with pytest.raises(UsageError, match="this is a folder"):
            use(name)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_followed_to_the_record_and_what_lies_beside_it(tmp_path, policy):
    (tmp_path / "elsewhere").mkdir()
    alias = tmp_path / "alias"
    alias.symlink_to(tmp_path / "elsewhere" / "log")
    record(alias, policy)
    log = tmp_path / "elsewhere" / "log"
    record(log, policy)
    for name in (alias, log):
        assert verify(name).problems == () and verify(name).decisions == 10
        assert replay(name).same == 10 and recall(name, decisions(log)[0]["n"]).is_same
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith("alias")) == ["alias"]


def test_an_interruption_between_any_two_steps_leaves_a_record_that_fits(tmp_path, policy):
    """A flush that is stopped at every place in turn: what is gathered is written once, however often it is tried."""
    for stop in range(1, 40):
        log = tmp_path / f"log-{stop}"
        with Recorder(log, policy, interval=3600, sync=False) as recorder:
            left, traced = stop, sys.gettrace()

            def interrupt(frame, event, _):
                nonlocal left
                left -= event == "line"
                if left == 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
                return interrupt

            try:
                sys.settrace(lambda frame, event, _: interrupt if frame.f_code.co_name in ("flush", "_write") else None)
                recorder.decide(ticket(1), at=AT)
                recorder.flush()
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(traced)
            recorder.decide(ticket(2), at=AT)
        assert recorder.decisions == 2
        assert [body["ticket"]["ticket_id"] for body in decisions(log)] == ["T-1", "T-2"]
        assert not verify(log).problems, stop
        if left > 0:
            break
    assert 8 < stop < 39


def test_a_record_that_was_cut_or_changed_at_its_end_is_not_continued(tmp_path, policy):
    log = record(tmp_path / "log", policy)
    whole = lines(log)
    for content, wanted in (
        (whole[:-1], "record-truncated"),
        ([], "record-truncated"),
        ([*whole[:-1], whole[-1].replace(b"T-4", b"T-5")], "record-changed"),
        ([*whole[:-1], whole[-1][:-1] + b"\r\n"], "record-changed"),
    ):
        log.write_bytes(b"".join(content))
        with pytest.raises(UsageError) as error:
            record(log, policy)
        assert code(error) == wanted
        assert log.read_bytes() == b"".join(content)


def test_what_cannot_be_decided_is_not_recorded(tmp_path, policy):
    log = tmp_path / "log"
    with Recorder(log, policy) as recorder:
        with pytest.raises(TicketError, match="no time zone"):
            recorder.decide(ticket(1), at=datetime(2026, 3, 4))
        with pytest.raises(TicketError, match="no known fact"):
            recorder.decide({"distance": 1}, at=AT)
    assert decisions(log) == []


def test_a_decision_of_another_policy_or_reading_is_refused(tmp_path, policy, shop):
    with Recorder(tmp_path / "log", shop) as recorder:
        with pytest.raises(UsageError) as error:
            recorder.append(policy.decide(ticket(1), at=AT))
        assert code(error) == "record-other-policy"
        undeclared = Ticket(received_at=AT, extra={"floor": 3})
        with pytest.raises(UsageError) as error:
            recorder.append(shop.decide(undeclared, at=AT))
        assert code(error) == "record-facts"
        with pytest.raises(UsageError) as error:
            recorder.append(shop.decide(Ticket(received_at=AT, currency_digits=0), at=AT))
        assert code(error) == "record-currency"
        assert recorder.decide(undeclared, at=AT).ticket.extra_values == {"floor": 3, "lift": False}
    with pytest.raises(UsageError) as error:
        recorder.flush()
    assert code(error) == "record-closed"


def test_a_policy_whose_files_changed_is_kept_as_it_decides(tmp_path):
    own = small(tmp_path)
    rules = Path(own.pack.path) / "category.csv"
    rules.write_text(rules.read_text().replace("5 km", "6 km"))
    record(tmp_path / "log", own)
    assert replay(tmp_path / "log").is_same and verify(tmp_path / "log").is_sound
    shutil.rmtree(own.pack.path)
    record(tmp_path / "other", own)
    assert replay(tmp_path / "other").is_same


def test_a_policy_whose_base_changed_is_refused(tmp_path):
    base = Path(small(tmp_path).pack.path)
    settings = 'schema = 1\nid = "top"\nextends = "./made"\ntitle.en = "t"\ntitle.zh = "t"\n'
    own = load(write_pack(tmp_path / "top", {"policy.toml": settings}))
    rules = base / "category.csv"
    rules.write_text(rules.read_text().replace("5 km", "6 km"))
    with pytest.raises(UsageError) as error:
        record(tmp_path / "log", own)
    assert code(error) == "record-policy-changed"
    assert not list(tmp_path.glob("log*"))


def test_decisions_that_share_all_but_one_thing_keep_their_own_rules(tmp_path):
    """What many decisions share is written once: a hold, a part or a day apart is not the same."""
    own = small(
        tmp_path,
        '[facts.hold_kind]\nvalues = ["rain", "snow"]\n',
        labels="name,en,zh\nrain,rain,雨\nsnow,snow,雪\n",
        holds="rule,hold_kind,then: stops,cite\nwet,rain,-,m-1\ncold,snow,-,m-1\n",
        part_fees="rule,part_class,then: share,cite\nseal,seal,50 %,m-1\nrest,-,50 %,m-1\n",
        forms="rule,then: form,then: owner,cite\ncard,card,clerk,m-1\n",
        fields="rule,from,until,form,then: field,cite\n"
        "name,,2026-03-01,card,name,m-1\nname_new,2026-03-01,,card,name,m-1\n",
    )
    hold = {"from_at": "2026-03-04T09:00:00+08:00", "until_at": "2026-03-04T09:30:00+08:00"}
    part = {"part_no": "P", "quantity": 1, "unit_price": 10}
    asked = (
        ({"holds": [{"hold_kind": "rain", **hold}]}, "holds.wet@hold 1"),
        ({"holds": [{"hold_kind": "snow", **hold}]}, "holds.cold@hold 1"),
        ({"parts": [{"part_class": "seal", **part}]}, "part_fees.seal@part 1"),
        ({"parts": [{"part_class": "pump", **part}]}, "part_fees.rest@part 1"),
        ({"received_at": "2026-02-04T09:00:00+08:00"}, "fields.name"),
        ({"received_at": "2026-03-04T09:00:00+08:00"}, "fields.name_new"),
    )
    log = tmp_path / "log"
    with Recorder(log, own) as recorder:
        for facts, _ in asked:
            recorder.decide({**ticket(1), **facts}, at=AT)
    of_line = {one["n"]: one for one in map(json.loads, lines(log))}
    for body, (_, rule) in zip(decisions(log), asked, strict=True):
        others = {name for _, name in asked if name.split(".")[0] == rule.split(".")[0]} - {rule}
        found = of_line[body["rules_line"]]["rules"]
        assert rule in found and not others.intersection(found), rule
    assert replay(log).is_same
