"""Deciding a record again: bit for bit under its own policies, and what differs under another one."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import attrs
import jsonschema
import pytest

import svc_policy
from cli.running import run
from pack.building import write_pack
from record.writing import AT, TABLES, decisions, lines, record, small, ticket
from rules.made import POLICY, decide
from svc_policy import Policy, load
from svc_policy.errors import PackError, UsageError
from svc_policy.record import Recorder, recall, replay, verify
from svc_policy.record.reading import find

SCHEMA = Path(svc_policy.__file__).parent / "schemas" / "record.schema.json"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return small(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Near reaches to 7 km, and takes 12 hours."""
    table = TABLES["deadlines"].replace("5 km", "7 km").replace("24 h", "12 h")
    return small(tmp_path_factory.mktemp("packs"), deadlines=table)


def test_under_its_own_policies_all_is_the_same(tmp_path, policy, other):
    log = record(tmp_path / "log", policy, 10)
    record(log, other, 10)
    record(log, policy.on("2026-06-01"), 10)
    again = replay(log)
    assert again.is_same and (again.decisions, again.same) == (30, 30)
    assert {body["digest"] for body in decisions(log)} == {policy.digest, other.digest}
    assert decisions(log)[-1]["dates"]["request"] == "2026-06-01"


def test_a_result_that_was_recorded_otherwise_is_found(tmp_path, policy, monkeypatch):
    """The engine decides otherwise than it did: two results and a rule, of the tickets 6 to 9 km away."""
    log = tmp_path / "log"
    real = Policy.decide_s

    def otherwise(self, facts, at_s):
        decision = real(self, facts, at_s)
        index = decision.layout.index["ticket"]["category"]
        if decision.early[index] == "A":
            decision.early = (*decision.early[:index], "B", *decision.early[index + 1 :])
        return decision

    monkeypatch.setattr(Policy, "decide_s", otherwise)
    record(log, policy, 10)
    monkeypatch.undo()
    again = replay(log, examples=2)
    assert verify(log).is_sound
    assert (again.same, again.changed, again.results) == (6, 4, {"category": 4})
    first, second = again.examples
    assert (first.ticket_id, second.ticket_id) == ("T-6", "T-7")
    assert [(one.result, one.before, one.after) for one in first.changes] == [("category", "B", "A")]
    assert not recall(log, first.line).is_same


def test_under_another_policy_it_says_what_differs(tmp_path, policy, other):
    log = record(tmp_path / "log", policy, 10)
    again = replay(log, other)
    # 0 to 5 km: due after 12 hours instead of 24; 6 and 7 km: near instead of far; 8 and 9 km: as before.
    assert (again.same, again.changed, again.failed) == (2, 8, 0)
    assert again.results["arrived_due"] == 8
    assert again.rules_gone == {"deadlines.far": 2} and again.rules_new == {"deadlines.near": 2}
    assert again.policy == "made" and again.digest == other.digest
    near = next(one for one in again.examples if one.ticket_id == "T-0")
    due = next(one for one in near.changes if one.result == "arrived_due")
    assert due.before - due.after == 12 * 3600
    # The same from the other side: decided anew by hand.
    before, after = (decide(one, ticket(6)).targets["arrived"].due for one in (policy, other))
    assert (before - after).total_seconds() == 36 * 3600


def test_a_policy_that_cannot_read_a_ticket_fails_for_it_alone(tmp_path, policy):
    log = record(tmp_path / "log", policy, 3)
    record(log, policy, 1, cause="misuse")
    fussy = small(
        tmp_path / "fussy", '[facts.cause]\nvalues = ["product"]\n', duties="rule,then: owner,then: duty,cite\n"
    )
    again = replay(log, fussy)
    assert (again.decisions, again.failed) == (4, 1)
    (problem,) = again.problems
    assert problem.place is not None and problem.place.line == json.loads(lines(log)[-1])["n"]


# --- policies beside the record


def test_a_policy_is_kept_with_the_packs_that_it_extends(tmp_path):
    base = {
        "policy.toml": POLICY.replace('"made"', '"base"'),
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
        "calendar.csv": "day,windows,why\n2026-03-05,off,closed\n",
        **{f"{name}.csv": text for name, text in TABLES.items()},
    }
    write_pack(tmp_path / "packs" / "base", base)
    middle = 'schema = 1\nid = "middle"\nextends = "./base"\ntitle.en = "m"\ntitle.zh = "m"\n'
    write_pack(tmp_path / "packs" / "middle", {"policy.toml": middle})
    top = 'schema = 1\nid = "top"\n# over another\nextends = "./middle"  # beside\ntitle.en = "t"\ntitle.zh = "t"\n'
    files = {"policy.toml": top, "deadlines.csv": TABLES["deadlines"].replace("24 h", "20 h").replace("m-1", "t-1")}
    clauses = "clause,place,en,zh\nt-1,1,Two rules.,两条。\n"
    policy = load(write_pack(tmp_path / "packs" / "top", {**files, "clauses.csv": clauses}))
    log = record(tmp_path / "log", policy)
    explained = policy.explain(policy.decide(ticket(1), at=AT))
    shutil.rmtree(tmp_path / "packs")
    assert replay(log).is_same and verify(log).is_sound
    shown = recall(log, decisions(log)[1]["n"])
    assert shown.is_same and shown.policy.digest == policy.digest
    assert shown.policy.explain(shown.decision) == explained


def test_a_built_in_overlay_does_not_hang_on_the_library(tmp_path, monkeypatch):
    policy = load("branches")
    log = tmp_path / "log"
    with Recorder(log, policy):
        pass
    folder = tmp_path / "log.policies" / policy.digest
    monkeypatch.setattr("svc_policy.pack.source.LIBRARY", tmp_path / "nowhere")
    assert load(folder / "pack").digest == policy.digest
    with pytest.raises(PackError):
        load("branches")


def test_a_record_whose_policies_are_gone_says_so_once(tmp_path, policy):
    log = record(tmp_path / "log", policy, 3)
    shutil.rmtree(tmp_path / "log.policies")
    again = replay(log)
    assert (again.failed, [one.code for one in again.problems]) == (3, ["record-policy-missing"])
    with pytest.raises(UsageError, match="keeps no policy"):
        recall(log, decisions(log)[0]["n"])
    assert replay(log, policy).is_same


def test_bad_lines_are_passed_over_and_said(tmp_path, policy):
    log = record(tmp_path / "log", policy, 5)
    content = lines(log)
    decision = decisions(log)[2]["n"]
    content[decision - 1] = b"{\n"
    log.write_bytes(b"".join(content) + b'{"schema":1,')
    again = replay(log)
    assert again.same == 4
    assert [(one.code, one.place.line) for one in again.problems if one.place] == [("record-line-unusable", decision)]
    for number, wanted in ((decision, "cannot be used"), (1, "is no decision"), (99, "has no line 99")):
        with pytest.raises(UsageError, match=wanted):
            recall(log, number)


# --- what is left out

PRIVATE = '[record]\nomit = ["cause", "part_no"]\nhash = ["customer_phone", "person"]\n'


def test_what_is_left_out_or_hashed_is_nowhere_in_the_record(tmp_path):
    policy = small(tmp_path, PRIVATE)
    log = tmp_path / "log"
    facts = {"parts": [{"part_no": "P-77"}], "incidents": [{"person": "Wu Xin"}, {"person": "Wu Xin"}]}
    record(log, policy, 2, cause="misuse", **facts)
    text = log.read_text() + (tmp_path / "log.head").read_text()
    salt = (tmp_path / "log.salt").read_text().strip()
    for secret in ("misuse", "P-77", "Wu Xin", "0571", salt):
        assert secret not in text.replace('"duties.misused"', "")
    first, second = decisions(log)
    assert first["omitted"] == ["cause", "parts[0].part_no"]
    assert sorted(first["hashed"]) == ["customer_phone", "incidents[0].person", "incidents[1].person"]
    assert first["hashed"]["incidents[0].person"] == second["hashed"]["incidents[1].person"]
    assert len(set(first["hashed"].values())) == 2
    assert (tmp_path / "log.salt").stat().st_mode & 0o077 == 0
    (tmp_path / "elsewhere").mkdir()
    elsewhere = record(tmp_path / "elsewhere" / "log", policy, 1)
    assert decisions(elsewhere)[0]["hashed"]["customer_phone"] != first["hashed"]["customer_phone"]


def test_replay_says_what_it_cannot_redo_and_redoes_the_rest(tmp_path):
    policy = small(tmp_path, PRIVATE)
    log = record(tmp_path / "log", policy, 2)
    record(log, policy, 3, cause="misuse")
    again = replay(log)
    # Only the duties read the cause; no rule reads the telephone number.
    assert (again.same, again.partly, again.changed, again.failed) == (2, 3, 0, 0)
    assert again.left["duties_fired"] == 3 and "arrived_due" not in again.left and "category" not in again.left
    assert again.left_facts == {"cause": 3}
    shown = recall(log, decisions(log)[-1]["n"])
    assert not shown.is_same and "duties_fired" in shown.left
    other = small(
        tmp_path / "other", PRIVATE, deadlines=TABLES["deadlines"].replace("48 h", "50 h").replace("5 km", "1 km")
    )
    again = replay(log, other)
    # 2 km away: far now, due after 50 hours instead of 24. What the cause decides is not held against it.
    assert (again.changed, again.partly) == (1, 3)
    assert again.rules_gone == {"deadlines.near": 1} and again.rules_new == {"deadlines.far": 1}


def test_what_does_not_hang_on_what_was_left_out_is_compared_when_shown(tmp_path, monkeypatch):
    log = record(tmp_path / "log", small(tmp_path, PRIVATE), 1, cause="misuse")
    number = decisions(log)[0]["n"]
    shown = recall(log, number)
    assert not shown.is_same and not shown.differs and "duties_fired" in shown.left
    recorded = find(log, number)
    # The ticket is 0 km away: category C. The cause has no part in it.
    lie = attrs.evolve(recorded, results={**recorded.results, "category": "A"})
    monkeypatch.setattr("svc_policy.record.replaying.find", lambda *_: lie)
    assert recall(log, number).differs
    shown = run("record", "show", log, str(number))
    assert (shown.exit_code, "it comes out otherwise than recorded" in shown.stdout) == (1, True)


def test_the_rule_of_a_hold_whose_kind_was_left_out_is_no_change(tmp_path):
    holds = "rule,hold_kind,then: stops,cite\naway,customer_away,all,m-1\n"
    policy = small(tmp_path, '[record]\nomit = ["hold_kind"]\n', holds=holds)
    hold = {"hold_kind": "customer_away", "from_at": "2026-03-04T09:10:00+08:00"}
    log = record(tmp_path / "log", policy, 2, holds=[hold])
    assert decisions(log)[0]["omitted"] == ["holds[0].hold_kind"]
    again = replay(log)
    assert (again.partly, again.changed) == (2, 0)
    assert again.rules_gone == {} and "arrived_due" in again.left and "category" not in again.left


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ('[record]\nomit = ["customer_fone"]\n', "`record.omit` names `customer_fone`, which is no fact"),
        ('[record]\nhash = ["zzz"]\n', "`record.hash` names `zzz`, which is no fact"),
        ('[record]\nomit = ["cause"]\nhash = ["cause"]\n', "`cause` is both left out and hashed"),
        ('[record]\nleave = ["cause"]\n', "there is no key `record.leave`"),
        ('[record]\nomit = "cause"\n', "`record.omit` is a list of texts"),
        ('record = "no"\n', "`record` is a table"),
    ],
)
def test_a_list_that_cannot_be_is_a_problem_with_its_line(tmp_path, settings, wanted):
    if settings.startswith("record ="):
        files = {"policy.toml": settings + POLICY, "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n"}
        with pytest.raises(PackError) as error:
            load(write_pack(tmp_path / "made", files))
    else:
        with pytest.raises(PackError) as error:
            small(tmp_path, settings)
    (problem,) = error.value.problems
    assert str(problem.message) == wanted
    assert problem.place is not None and problem.place.line is not None
    if "fone" in wanted:
        assert str(problem.help) == "did you mean `customer_phone`?"


def test_what_is_left_out_takes_no_part_in_the_digest(tmp_path, policy):
    assert small(tmp_path, PRIVATE).digest == policy.digest


def test_every_line_is_as_the_schema_says(tmp_path):
    log = record(tmp_path / "log", small(tmp_path, PRIVATE), 3, cause="misuse", incidents=[{"person": "Wu Xin"}])
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    kinds = set()
    for line in map(json.loads, lines(log)):
        validator.validate(line)
        kinds.add(line["kind"])
        for key in line:
            less = {name: value for name, value in line.items() if name != key}
            assert not validator.is_valid(less) or key in ("omitted", "hashed", "lines", "files"), key
        assert not validator.is_valid({**line, "more": 1})
    assert kinds == {"log", "policy", "layout", "rules", "decision"}


# --- amounts of another currency, days that governed


def charging(folder: Path, currency: str, amount: int = 70, **tables: str) -> Policy:
    """Charge a visit within 5 km."""
    files = {
        "policy.toml": POLICY.replace('currency = "CNY"', f'currency = "{currency}"'),
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n",
        "fees.csv": f"rule,distance_km,then: line,then: fixed,cite\nnear,<= 5 km,visit,{amount} {currency},m-1\n",
        **{f"{name}.csv": text for name, text in {**TABLES, **tables}.items()},
    }
    return load(write_pack(folder / "made", files))


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record in CNY: T-4 to T-7, of which T-4 and T-5 pay for the visit."""
    folder = tmp_path_factory.mktemp("charged")
    with Recorder(folder / "log", charging(folder, "CNY"), sync=False) as recorder:
        assert [recorder.decide(ticket(number), at=AT).quote.total for number in range(4, 8)] == [70, 70, 0, 0]
    return folder / "log"


def test_amounts_of_another_currency_are_not_compared_and_the_rest_is(tmp_path, charged):
    again = replay(charged, charging(tmp_path / "same", "EUR"))
    assert (again.same, again.partly, again.changed, again.failed) == (2, 2, 0, 0)
    assert set(again.left.values()) == {2} and {"total", "payable", "fee_visit_amount"} <= set(again.left)
    assert [one.code for one in again.problems] == ["record-currency"] and not again.is_same
    # 6 km is near now: the time is another one.
    nearer = TABLES["deadlines"].replace("5 km", "6 km")
    again = replay(charged, charging(tmp_path / "nearer", "EUR", 1, deadlines=nearer))
    assert (again.same, again.partly, again.changed) == (1, 2, 1)
    assert set(again.results) == {"arrived_due", "next_change_at"} and again.rules_new == {"deadlines.near": 1}
    done = run("replay", charged, "--policy", str(tmp_path / "same" / "made"))
    assert done.exit_code == 1
    assert done.stdout.count("the record counts in CNY and the policy in EUR: amounts of money are not compared") == 1


def test_a_fee_where_there_was_none_is_a_change_in_any_currency(tmp_path, charged):
    far = "rule,distance_km,then: line,then: fixed,cite\nnear,<= 6 km,visit,70 EUR,m-1\n"
    again = replay(charged, charging(tmp_path, "EUR", fees=far))
    assert (again.same, again.partly, again.changed) == (1, 2, 1)
    assert again.results["total"] == 1 and again.examples[0].ticket_id == "T-6"


def test_amounts_of_one_currency_are_compared(tmp_path, charged):
    again = replay(charged, charging(tmp_path, "CNY", 71))
    assert (again.same, again.partly, again.changed, again.problems) == (2, 0, 2, ())


def test_days_that_governed_are_compared(tmp_path, policy, monkeypatch):
    log = record(tmp_path / "log", policy, 1, purchased_on="2025-09-01", delivered_on="2025-09-02")
    number = decisions(log)[0]["n"]
    assert replay(log).is_same and recall(log, number).is_same
    real = Policy.governing_dates

    def next_day(self, decision):
        return real(self, decision) | {"purchase": date(2025, 9, 2)}

    monkeypatch.setattr(Policy, "governing_dates", next_day)
    again = replay(log)
    assert (again.same, again.results) == (0, {"dates.purchase": 1})
    ((change,),) = [one.changes for one in again.examples]
    assert (change.before, change.after) == ("2025-09-01", "2025-09-02")
    assert recall(log, number).differs
    monkeypatch.undo()
    # Where one was asked to hold still, the day is what was asked and no change.
    assert replay(log, policy.on("2026-06-01")).results == {}


def test_days_that_hang_on_what_was_left_out_are_not_compared(tmp_path):
    policy = small(tmp_path, '[record]\nomit = ["purchased_on", "occurred_on"]\n')
    incident = {"incident_kind": "missed", "occurred_on": "2026-03-03"}
    log = record(tmp_path / "log", policy, 1, purchased_on="2025-09-01", incidents=[incident])
    again = replay(log)
    assert (again.partly, again.changed) == (1, 0)
    assert {"dates.purchase", "dates.incidents"} <= set(again.left) and "dates.request" not in again.left
    assert again.left_facts == {"purchased_on": 1, "incident.occurred_on": 1}
    assert not recall(log, decisions(log)[0]["n"]).differs


def test_a_record_without_decisions_compares_nothing(tmp_path, policy):
    log = record(tmp_path / "log", policy, 0)
    again = replay(log)
    assert [one.code for one in again.problems] == ["record-empty"] and not again.is_same
    done = run("replay", log)
    assert (done.exit_code, "nothing was compared" in done.stdout) == (1, True)


# --- wording of kept policies


def test_kept_wording_that_was_changed_is_found(tmp_path):
    policy = charging(tmp_path, "CNY", labels="name,en,zh\nmisuse,ill use,误用\n")
    log = record(tmp_path / "log", policy, 1)
    number = decisions(log)[0]["n"]
    labels = tmp_path / "log.policies" / policy.digest / "pack" / "labels.csv"
    clauses = labels.with_name("clauses.csv")
    whole, said = labels.read_text(), clauses.read_text()
    for change in (
        lambda: labels.write_text(whole.replace("ill use", "good use")),
        labels.unlink,
        lambda: clauses.write_text(said.replace("One rule.", "No rule.")),
    ):
        change()
        assert [one.code for one in verify(log).problems if one.severity == "error"] == ["record-policy-altered"]
        again = replay(log)
        assert (again.failed, [one.code for one in again.problems]) == (1, ["record-policy-altered"])
        with pytest.raises(UsageError, match="are not those that the record names"):
            recall(log, number)
        labels.write_text(whole)
        clauses.write_text(said)
        assert verify(log).is_sound and replay(log).is_same and recall(log, number).is_same


def test_a_record_that_names_no_hash_of_kept_files_is_read_and_said(tmp_path, policy, monkeypatch):
    """As an older version wrote it."""
    real = Recorder._add

    def older(self, kind, body):
        return real(self, kind, body.replace(f'"files":"{self._files}",', ""))

    monkeypatch.setattr(Recorder, "_add", older)
    log = record(tmp_path / "log", policy, 2)
    assert "files" not in json.loads(lines(log)[1])
    verified = verify(log)
    assert verified.is_sound
    assert [(one.code, one.severity, one.place.line) for one in verified.problems if one.place] == [
        ("record-wording", "warning", 2)
    ]
    assert replay(log).is_same and recall(log, decisions(log)[0]["n"]).is_same
