"""The reference pack against the hand-written decision, and that the bench runs."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bench import hand_written
from bench.reference_tickets import (
    DifferentAnswersError,
    compare,
    policy_answer,
    reference_cases,
    reference_policy,
)

ROOT = Path(__file__).resolve().parents[2]
POLICY = reference_policy()


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def job(**changes: object) -> hand_written.Job:
    usual = {
        "received_s": seconds("2026-03-02T09:00:00+08:00"),
        "purchased_on": date(2024, 1, 1),
        "contract_until": None,
        "internal": False,
        "cause": "product",
        "on_site": True,
        "distance_m": 3_000,
        "labour_s": 3_600,
        "parts": (),
        "arrived_s": None,
    }
    return hand_written.Job(**usual | changes)


def test_the_policy_answers_as_the_hand_written_decision() -> None:
    cases = reference_cases(2_000)
    compare(cases, {"svc-policy": policy_answer(POLICY)})
    answers = [hand_written.decide(case.job, case.at_s) for case in cases]
    # The tickets reach every category, window and level, and fees of all sizes.
    assert min(Counter(answer[0] for answer in answers).values()) > 50
    windows = Counter(answer[1] - case.job.received_s for answer, case in zip(answers, cases, strict=True))
    assert set(windows) == {86_400, 172_800, 259_200}
    assert min(Counter(answer[3] for answer in answers).values()) > 50
    assert len({answer[2] for answer in answers}) > 500


def test_a_different_answer_is_told_with_its_ticket() -> None:
    with pytest.raises(DifferentAnswersError, match=r"wrong answers \('A', 0, 0, 0\), by hand it is .* for Ticket\("):
        compare(reference_cases(3), {"wrong": lambda case: ("A", 0, 0, 0)})


@pytest.mark.parametrize(
    ("distance_m", "hours", "visit"),
    # 50 up to 5 km, 100 up to 50 km, 2 more for each started km beyond.
    [
        (5_000, 24, 5_000),
        (5_001, 48, 10_000),
        (50_000, 48, 10_000),
        (50_001, 72, 10_200),
        (51_000, 72, 10_200),
        (51_001, 72, 10_400),
    ],
)
def test_the_hand_written_window_and_visit(distance_m: int, hours: int, visit: int) -> None:
    asked = job(distance_m=distance_m)
    category, due, fee, _ = hand_written.decide(asked, asked.received_s)
    assert (category, due - asked.received_s, fee) == ("A", hours * 3600, visit + 8_000)


def test_the_hand_written_warranty_labour_and_parts() -> None:
    # A year after 29 February is 28 February: the day before is the last covered one.
    received = {day: seconds(f"2025-02-{day}T10:00:00+08:00") for day in (27, 28)}
    asked = {day: job(received_s=received[day], purchased_on=date(2024, 2, 29)) for day in received}
    assert {day: hand_written.decide(asked[day], received[day])[0] for day in received} == {27: "C", 28: "A"}
    # 1 h 30 min and a second are four half hours: 160.00; 90 % of 0.15 is 13.5 fen, so 14.
    paid = job(
        received_s=received[27], purchased_on=date(2024, 2, 29), cause="misuse", labour_s=5_401, parts=((15, 1),)
    )
    assert hand_written.decide(paid, received[27])[2] == 5_000 + 16_000 + 14
    assert hand_written.decide(job(on_site=False, parts=((15, 1),)), received[27])[2] == 0
    assert hand_written.decide(job(contract_until=date(2026, 3, 2), parts=((15, 2),)), received[27])[::2] == ("B", 30)


def test_the_hand_written_escalation() -> None:
    asked = job()
    levels = {hours: hand_written.decide(asked, asked.received_s + hours * 3600)[3] for hours in (19, 20, 24, 36)}
    assert levels == {19: 0, 20: 1, 24: 2, 36: 3}
    assert hand_written.decide(asked, asked.received_s + 69_119)[3] == 0
    assert hand_written.decide(asked, asked.received_s + 69_120)[3] == 1
    arrived = job(arrived_s=int(datetime(2026, 3, 2, 5, tzinfo=UTC).timestamp()))
    assert hand_written.decide(arrived, asked.received_s + 40 * 3600)[3] == 0


def test_the_bench_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "scalar"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "reference decision, answers compared" in done.stdout
    assert "× by hand" in done.stdout
    assert "comparing answers" in done.stderr
