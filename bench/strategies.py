"""The test kit: how fast tickets are drawn and decided, and how soon a small mistake in a policy is found."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

import svc_policy
from bench.timing import Limit, Measurement, Settings, shown, tell
from svc_policy import Policy, PolicyError, load
from svc_policy.testing import PropertyFailed, Situation, only_changes, situations

MALL = Path(svc_policy.__file__).parent / "packs" / "mall"
#: A mistake by its name: the file, what stands there and what takes its place.
DEFECTS = {
    "a boundary moved by 1 m": ("deadlines.csv", "middle,-,C,yes,-,(5..50] km", "middle,-,C,yes,-,(5..50.001] km"),
    "a rate moved by 1 fen": ("fees.csv", "quoted,labour,-,90 CNY,1 h", "quoted,labour,-,90.01 CNY,1 h"),
    "an edition moved by a day": (
        "fees.csv",
        "visit_far,2025-01-01,2026-01-01,A,yes,-,-,> 100 km,quoted,visit,320 CNY,-,-,-,-,-,-,mall-2.2.2b,illustrative\n"
        "visit_far,2026-01-01,",
        "visit_far,2025-01-01,2026-01-02,A,yes,-,-,> 100 km,quoted,visit,320 CNY,-,-,-,-,-,-,mall-2.2.2b,illustrative\n"
        "visit_far,2026-01-02,",
    ),
}
LONGEST_S = 10


def seeded(folder: Path, name: str) -> Policy:
    """Write mall with one mistake."""
    file, old, new = DEFECTS[name]
    pack = Path(shutil.copytree(MALL, folder / name.replace(" ", "_") / "mall", dirs_exist_ok=True))
    text = (MALL / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    (pack / file).write_text(text.replace(old, new), encoding="utf-8")
    return load(pack)


def drawn_a_second(policy: Policy, count: int) -> float:
    """Draw tickets and decide each."""
    decided = 0

    @seed(1)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(situations(policy))
    def decide(situation: Situation) -> None:
        nonlocal decided
        decided += 1
        try:
            situation.decide(policy)
        except PolicyError:
            return

    begun = time.perf_counter()
    decide()
    return decided / (time.perf_counter() - begun)


def found_in(old: Policy, new: Policy, number: int) -> float | None:
    """Look for a difference with one seed; how long it took in seconds, None if none was found."""
    begun = time.perf_counter()
    try:
        only_changes(old, new, seed=number)
    except PropertyFailed:
        return time.perf_counter() - begun
    return None


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure drawing, and looking for each mistake with twenty seeds."""
    mall = load(MALL)
    mall.decide({})
    tell("  drawing tickets of mall, and deciding them")
    yield Limit(300, "tickets/s", above=True).judge(
        "tickets drawn and decided", drawn_a_second(mall, 300 if settings.quick else 3_000)
    )
    seeds = 3 if settings.quick else 20
    for name in DEFECTS:
        tell(f"  looking for {name}, with {seeds} seeds")
        changed = seeded(settings.folder, name)
        times = [found_in(mall, changed, number) for number in range(seeds)]
        in_time = sorted(taken for taken in times if taken is not None and taken <= LONGEST_S)
        slowest = f", the slowest in {shown(in_time[-1])} s" if in_time else ""
        yield Measurement(
            name=f"{name}, found in {LONGEST_S} s",
            figure=f"{len(in_time)} of {seeds} seeds{slowest}",
            target="19 of 20",
            met=len(in_time) * 20 >= 19 * seeds,
        )
