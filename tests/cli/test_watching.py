"""`svc-policy watch`: events in, alerts out, by lines; what cannot be taken is told and the rest goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from cli.running import run
from pack.building import write_pack
from svc_policy.adapters.live import hold_state

# Passed on at 9:20, so the customer is due to be called four working hours later, at 14:20 after an hour's break;
# four fifths of it, 3 h 12 min, are over at 13:32.
EVENTS = [
    {"id": "1", "ticket": "T-1", "at": "2026-03-02T09:00:00", "event": "received"},
    {"id": "2", "ticket": "T-1", "at": "2026-03-02T09:20:00", "event": "relayed"},
    {"id": "3", "ticket": "T-2", "at": "2026-03-02T14:00:00", "event": "tick"},
    {"id": "4", "ticket": "T-1", "at": "2026-03-02T13:00:00", "event": "contacted"},
]
WARNED = "2026-03-02 13:32:00 T-1: service_managers: contacted 1 (escalations.warn) [mall-1.1]"
WITHDRAWN = "2026-03-02 13:32:00 T-1: withdrawn, service_managers: contacted 1 (escalations.warn) [mall-1.1]"


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def test_alerts_are_lines(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(lines(*EVENTS))
    done = run("watch", "mall", path)
    assert done.stdout.splitlines() == [WARNED, WITHDRAWN]
    assert done.stderr == "4 events: 4 taken, 0 again, 0 not taken; 1 alerts, 1 withdrawn\n"
    assert done.exit_code == 0


def test_until_goes_on_after_the_last_event():
    done = run("watch", "mall", "-", "--until", "2026-03-02T14:20", "--json", stdin=lines(*EVENTS[:2]))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["kind"], one["rule"]["rule"], one["level"], one["since"]) for one in found] == [
        ("raised", "warn", 1, "2026-03-02T13:32:00+08:00"),
        ("raised", "late", 2, "2026-03-02T14:20:00+08:00"),
    ]
    assert found[0]["due"] == "2026-03-02T14:20:00+08:00" and found[0]["rule"]["cites"] == ["mall-1.1"]


def test_what_cannot_be_taken_is_told_and_the_rest_goes_on():
    spoilt = "no json\n\n" + lines({**EVENTS[0], "event": "recieved"}) + lines(*EVENTS)
    done = run("watch", "mall", stdin=spoilt)
    assert (done.exit_code, done.stdout.splitlines()) == (2, [WARNED, WITHDRAWN])
    assert "-:1:1: cannot read JSON: expecting value" in done.stderr
    assert "event 1 is not taken:\n-:3: there is no event `recieved`\nhelp: did you mean `received`?" in done.stderr
    as_json = run("watch", "mall", "--json", stdin=spoilt)
    refused = [json.loads(line) for line in as_json.stdout.splitlines()[:2]]
    assert [(one["kind"], one["event"], one["problems"][0]["code"]) for one in refused] == [
        ("refused", "-:1", "ticket-json-unreadable"),
        ("refused", "1", "event-unknown"),
    ]


def test_every_line_is_counted_once():
    """A line is taken, one that came before, or not taken; a ticket that cannot be decided is none of that."""
    late = {"id": "9", "ticket": "T-9", "at": "2026-12-31T16:30:00", "event": "received"}
    gone = {"id": "10", "ticket": "T-8", "event": "received"}
    stream = [
        {**gone, "at": "2026-03-02T09:00:00"},
        {**gone, "id": "11", "at": "2026-03-02T10:00:00", "event": "closed"},
        {**gone, "id": "11", "at": "2026-03-02T10:00:00", "event": "closed"},
        {**gone, "id": "12", "at": None},
        late,
        {**late, "id": "13", "event": "relayed"},
        {**gone, "id": "14", "at": "2026-03-02T09:30:00", "event": "relayed"},
    ]
    done = run("watch", "mall", "--keep", "0", stdin=lines(*stream) + "no json\n")
    says = done.stderr.splitlines()
    assert done.exit_code == 2
    assert says[-2].startswith("8 events: 4 taken, 1 again, 3 not taken; ")
    assert says[-1] == "tickets that cannot be decided: 1"
    assert [line for line in says if line.endswith(":") and "help" not in line] == [
        "event 12 is not taken:",
        "event 14 is not taken:",
        "event -:8 is not taken:",
        "ticket T-9 cannot be decided:",
    ]
    told = [json.loads(line) for line in run("watch", "mall", "--json", stdin=lines(late)).stdout.splitlines()]
    assert [(one["kind"], one.get("ticket")) for one in told] == [("undecided", "T-9")]


def test_one_run_at_a_time_has_a_state(tmp_path):
    path, state = tmp_path / "events.jsonl", tmp_path / "desk.jsonl"
    path.write_text(lines(*EVENTS[:3]))
    with hold_state(state):
        done = run("watch", "mall", path, "--state", state)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"{state}: another desk is running with this state" in done.stderr and not state.exists()
    assert run("watch", "mall", path, "--state", state).stdout.splitlines() == [WARNED]
    # Before anything is told, not when all of it is to be kept.
    nowhere = run("watch", "mall", path, "--state", tmp_path / "none" / "desk.jsonl")
    assert (nowhere.exit_code, nowhere.stdout) == (2, "") and "cannot write the state" in nowhere.stderr


def test_in_chinese():
    done = run("watch", "mall", "--lang", "zh", stdin=lines(*EVENTS))
    assert "撤回" in done.stdout and "个事件" in done.stderr


def test_a_state_goes_on_where_it_ended(tmp_path):
    path, state = tmp_path / "events.jsonl", tmp_path / "desk.jsonl"
    path.write_text(lines(*EVENTS[:3]))
    first = run("watch", "mall", path, "--state", state)
    assert first.stdout.splitlines() == [WARNED]
    again = run("watch", "mall", path, "--state", state)
    assert again.stdout == "" and f"going on after line 3 of {path}" in again.stderr
    path.write_text(lines(*EVENTS))
    assert run("watch", "mall", path, "--state", state).stdout.splitlines() == [WITHDRAWN]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("watch", "mall", "none.jsonl"), "none.jsonl: cannot read the events: there is no such file"),
        (("watch", "mall", "-", "--follow", "--until", "2026-03-02T10:00"), "`--until` is for events that end"),
        (("watch", "mall", "-", "--until", "soon"), "cannot read `soon` in `--until`"),
        (("watch", "mall", "-", "--mapping", "examples/log/mapping.toml"), "the mapping is of tickets, one a row"),
    ],
)
def test_wrong_use(arguments, says):
    done = run(*arguments, stdin="")
    assert done.exit_code == 2 and says in done.stderr


MAPPING = """
schema = 1
shape = "events"
timezone = "Europe/Rome"
[columns]
ticket = "case"
activity = "what"
timestamp = "when"
[milestones]
received = { activity = "*", take = "first" }
relayed = "passed on"
contacted = { activity = "called", take = "last" }
[[holds]]
kind = "customer_reply"
opens = "wait"
closes = "*"
[activities]
known = ["opened"]
ignore = ["seen"]
[facts]
distance_km = { column = "metres", unit = "m" }
[constants]
request_kind = "fault"
"""


def test_a_log_of_other_words(tmp_path):
    (tmp_path / "mapping.toml").write_text(MAPPING)
    log = tmp_path / "log.csv"
    # Seven hours behind: 2:00 in Rome is 9:00 in Shanghai.
    log.write_text(
        "case;what;when;metres\nT-1;opened;2026-03-02 02:00;2500\nT-1;passed on;2026-03-02 02:20;\n"
        "T-1;seen;2026-03-02 02:30;\nT-1;mended;2026-03-02 02:40;\nT-1;called;no time;\nT-1;opened;2026-03-02 07:30;x\n"
    )
    done = run("watch", "mall", log, "--mapping", tmp_path / "mapping.toml", "--until", "2026-03-02T14:20")
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [
        "2026-03-02 13:32:00 T-1: service_managers: contacted 1",
        "2026-03-02 14:20:00 T-1: service_head: contacted 2",
    ]
    assert done.exit_code == 2
    for says in ("log.csv:5: the mapping does not name the activity `mended`", "log.csv:6: ", "log.csv:7: "):
        assert says in done.stderr


PACK = {
    "policy.toml": 'schema = 1\nid = "open"\ntitle.en = "Open"\ntitle.zh = "开放"\ntimezone = "UTC"\n'
    'currency = "CNY"\n[roles.head]\nen = "head"\nzh = "主管"\n',
    "clauses.csv": "clause,place,en,zh\no-1,1,One rule.,一条。\n",
    "escalations.csv": "rule,injury,then: level,then: notify,cite\nhurt,yes,2,head,o-1\n",
}


def test_following_goes_by_the_clock_on_the_wall(tmp_path):
    """Told at once; ended by a signal, the state is kept, and nothing is told again."""
    pack = write_pack(tmp_path / "open", PACK)
    now = datetime.now(UTC) - timedelta(seconds=1)
    event = {"id": "1", "ticket": "T", "at": now.isoformat(timespec="seconds"), "event": "received"}
    event["facts"] = {"injury": True}
    # What lies ahead waits for its time.
    ahead = {**event, "ticket": "A", "at": (now + timedelta(hours=1)).isoformat(timespec="seconds")}
    path, state = tmp_path / "events.jsonl", tmp_path / "desk.jsonl"
    path.write_text(lines(ahead, event))
    command = [sys.executable, "-m", "svc_policy", "watch", str(pack), str(path), "--follow", "--state", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert " T: head: 2 (escalations.hurt) [o-1]" in process.stdout.readline()
        with path.open("a") as file:
            file.write(lines({**event, "ticket": "U"})[:20])
            file.flush()
            file.write(lines({**event, "ticket": "U"})[20:])
        assert " U: head: 2 (escalations.hurt) [o-1]" in process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "")
    done = run("watch", pack, path, "--state", state)
    assert (done.stdout, done.exit_code) == ("", 0)
    late = run(
        "watch", pack, path, "--state", state, "--until", (now + timedelta(hours=2)).isoformat(timespec="seconds")
    )
    assert " A: head: 2" in late.stdout and len(late.stdout.splitlines()) == 1
