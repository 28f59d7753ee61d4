"""The bench of live events: when it looks at the memory, and how it judges what it saw."""

from __future__ import annotations

import pytest

from adapters.live.shop import shop
from bench import live
from svc_policy.adapters.live import LiveDesk


def found(*megabytes: float) -> dict[str, object]:
    looks = [
        {"events": events, "megabytes": held, "tickets": 7}
        for events, held in zip((100_000, 500_000, 1_000_000), megabytes, strict=True)
    ]
    return {"events": 1_000_000, "seconds": 125.0, "decided": 2_000_000, "late": 80, "repeated": 50, "looks": looks}


@pytest.mark.parametrize(("megabytes", "met"), [((50, 52, 55), True), ((50, 52, 55.1), False), ((50, 56, 51), False)])
def test_memory_is_flat_within_a_tenth_all_the_way(megabytes: tuple[float, ...], met: bool) -> None:
    speed, memory = live.judged("own way", found(*megabytes), is_flat=True)
    assert speed.figure == "8,000 events/s (2.0 decisions an event, 80 late, 50 again)"
    assert memory.figure.startswith("50.0 MB at 100,000, 5") and " MB at 1,000,000 (7, 7, 7 tickets" in memory.figure
    assert memory.met is met


def test_it_looks_after_a_tenth_half_and_all(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(live, "CHUNK", 7)
    taken = live.take(shop(tmp_path), LiveDesk(shop(tmp_path)), 50)
    assert [one["events"] for one in taken["looks"]] == [5, 25, 50] and taken["events"] == 50
    assert all(one["megabytes"] > 10 for one in taken["looks"])
