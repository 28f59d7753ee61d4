"""The commands of records: append, verify, show, replay."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.running import run
from record.writing import TABLES, decisions, small, ticket
from svc_policy import Policy
from svc_policy.errors import UsageError
from svc_policy.record import Recorder, verify
from svc_policy.record.lines import unwritable


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small(tmp_path_factory.mktemp("packs")).pack.path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return small(tmp_path_factory.mktemp("packs"), deadlines=TABLES["deadlines"].replace("24 h", "12 h"))


def tickets(folder: Path, *facts: object) -> Path:
    path = folder / "tickets.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in facts), encoding="utf-8")
    return path


def appended(tmp_path: Path, pack: str, *facts: object) -> Path:
    log = tmp_path / "log"
    done = run("record", "append", log, tickets(tmp_path, *facts), "--policy", pack, "--at", "2026-03-04T10:00")
    assert done.exit_code == 0, done.output
    return log


def test_append_says_how_far_the_record_is_safe(tmp_path, pack):
    log = tmp_path / "log"
    done = run("record", "append", log, tickets(tmp_path, ticket(1), ticket(2)), "--policy", pack, "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (said["schema"], said["appended"], said["problems"]) == (1, 2, [])
    assert run("record", "verify", log, "--expect", f"{said['lines']}:{said['hash']}").exit_code == 0


@pytest.mark.parametrize("shape", ["lines", "list"])
def test_append_reads_standard_input_and_goes_on_after_a_bad_ticket(tmp_path, pack, shape):
    facts = [ticket(1), {**ticket(2), "distance_km": "far"}, ticket(3)]
    text = json.dumps(facts) if shape == "list" else "\n".join(map(json.dumps, facts))
    done = run("record", "append", tmp_path / "log", "--policy", pack, "--at", "2026-03-04T10:00", stdin=text)
    assert done.exit_code == 2
    assert "appended 2 decisions" in done.stdout
    assert "cannot read `far` in `distance_km`" in done.stderr
    assert shape == "list" or "-:2: " in done.stderr
    assert [body["ticket"]["ticket_id"] for body in decisions(tmp_path / "log")] == ["T-1", "T-3"]


def test_verify_shows_the_line_and_ends_with_a_finding(tmp_path, pack):
    log = appended(tmp_path, pack, ticket(1))
    assert run("record", "verify", log).stdout.endswith("the record is sound\n")
    log.write_bytes(log.read_bytes().replace(b'"distance_km":1', b'"distance_km":2'))
    done = run("record", "verify", log)
    assert done.exit_code == 1
    assert f"{log}:5: line 5 was changed: its hash does not fit\nhelp: " in done.stdout
    data = json.loads(run("record", "verify", log, "--json").stdout)
    assert (data["schema"], data["sound"], data["problems"][0]["place"]["line"]) == (1, False, 5)
    assert "第 5 行" in run("record", "verify", log, "--lang", "zh").stdout


def test_show_explains_a_recorded_decision(tmp_path, pack):
    log = appended(tmp_path, pack, ticket(7))
    done = run("record", "show", log, 5, "--explain")
    assert done.exit_code == 0
    assert done.stdout.startswith("line 5: decided again, every result is the same\n")
    assert "48 hours" in done.stdout and "m-1" in done.stdout
    data = json.loads(run("record", "show", log, 5, "--explain", "--json").stdout)
    assert data["same"] and data["ticket"] == ticket(7) and data["decision"]["category"] == "A"
    assert data["results"]["category"] == "A" and "48 hours" in data["text"]
    assert "A" in run("record", "show", log, 5).stdout
    for line, wanted in ((2, "is no decision"), (77, "has no line 77")):
        refused = run("record", "show", log, line)
        assert refused.exit_code == 2 and wanted in refused.stderr


def test_replay_under_the_same_and_under_another_policy(tmp_path, pack, other):
    log = appended(tmp_path, pack, ticket(3), ticket(7))
    done = run("replay", log)
    assert done.exit_code == 0 and "the same" in done.stdout
    done = run("replay", log, "--policy", other.pack.path)
    assert done.exit_code == 1
    assert "line 5 T-3 at 2026-03-04T10:00:00+08:00" in done.stdout
    assert "  arrived_due: 2026-03-05T09:00:00+08:00 → 2026-03-04T21:00:00+08:00" in done.stdout
    data = json.loads(run("replay", log, "--policy", other.pack.path, "--json", "--examples", "1").stdout)
    assert (data["schema"], data["decisions"], data["same"], data["changed"]) == (1, 2, 1, 1)
    assert data["results"]["arrived_due"] == 1 and len(data["examples"]) == 1
    assert run("replay", tmp_path / "nothing").exit_code == 2


def test_a_record_of_something_else_is_refused(tmp_path, pack):
    log = tickets(tmp_path, ticket(1))
    for words in (
        ("record", "append", log, log, "--policy", pack),
        ("record", "verify", log),
        ("record", "show", log, 1),
        ("replay", log),
    ):
        done = run(*words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "the file is no record of decisions\nhelp: " in done.stderr
    assert log.read_text() == tickets(tmp_path, ticket(1)).read_text()


def test_tickets_that_cannot_be_opened_leave_no_record(tmp_path, pack):
    done = run("record", "append", tmp_path / "log", tmp_path / "nowhere", "--policy", pack)
    assert (done.exit_code, done.stdout) == (2, "") and "there is no such file" in done.stderr
    done = run("record", "append", tmp_path, tickets(tmp_path, ticket(1)), "--policy", pack)
    assert done.exit_code == 2 and "a record is a file, and this is a folder" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["tickets.jsonl"]


def test_append_without_space_says_what_is_left_to_append(tmp_path, pack, monkeypatch):
    """The third decision finds no space: two are safe, and the one that could not be read stands before them."""
    monkeypatch.setattr("svc_policy.record.recorder.Recorder.decide", _without_space(Recorder.decide, 3))
    log = tmp_path / "log"
    facts = [{"distance_km": "far"}, *(ticket(number) for number in range(1, 6))]
    done = run("record", "append", log, tickets(tmp_path, *facts), "--policy", pack, "--at", "2026-03-04T10:00")
    monkeypatch.undo()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no space left" in done.stderr and "cannot read `far`" in done.stderr
    assert (
        f"the record holds the tickets up to line 3 of {tmp_path / 'tickets.jsonl'}; append those after it\n"
        in done.stderr
    )
    assert [body["ticket"]["ticket_id"] for body in decisions(log)] == ["T-1", "T-2"]
    said = done.stderr.partition("safe up to ")[2].split()[0]
    assert verify(log, expect=said).is_sound and said.startswith(f"{verify(log).position.lines}:")


def _without_space(real, first):
    """Make deciding find no space for the decision of some number and all after it."""
    decided = 0

    def decide(self, ticket, *, at=None):
        nonlocal decided
        decided += 1
        if decided == first:
            self.flush()

            def full(_):
                raise UsageError([unwritable(self.path, OSError(errno.ENOSPC, "no space"))])

            self._write = full
            self._interval = 0
        return real(self, ticket, at=at)

    return decide


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt is sent otherwise there")
def test_an_interrupted_append_says_what_is_left_to_append(tmp_path, pack):
    log = tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-m", "svc_policy", "record", "append", str(log), "--policy", pack, "--lang", "en"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background may ignore interrupts; children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(b"".join(json.dumps(ticket(number)).encode() + b"\n" for number in (1, 2)))
    process.stdin.flush()
    ends = time.monotonic() + 30
    while not log.exists() and time.monotonic() < ends:
        time.sleep(0.05)
    time.sleep(0.5)  # until it waits for the third ticket
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"the record holds the tickets up to line 2 of -; append those after it\nsafe up to " in err
    assert len(decisions(log)) == 2 and verify(log).is_sound


def test_the_schema_can_be_printed():
    assert json.loads(run("schema", "record").stdout)["$id"] == "urn:svc-policy:schema:1:record"
