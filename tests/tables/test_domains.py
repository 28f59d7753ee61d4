import pytest

from svc_policy.errors import Problem
from svc_policy.tables import Domain, contains, default_domain, neighbours, parse_domain
from svc_policy.units import Kind, Value


@pytest.mark.parametrize(
    "domain, value, wanted",
    [
        (default_domain("distance"), 0, True),
        (default_domain("distance"), -1, False),
        (default_domain("share"), 10000, True),
        (default_domain("share"), 10001, False),
        (default_domain("date"), -400, True),
        (default_domain("bool"), True, True),
        (default_domain("bool"), 1, False),
        (default_domain("count"), True, False),
        (default_domain("text"), "anything", True),
        (default_domain("text", ["a", "b"]), "c", False),
        (Domain(kind="count", low=0, low_closed=False, high=9, high_closed=False), 0, False),
        (Domain(kind="count", low=0, low_closed=False, high=9, high_closed=False), 9, False),
        (Domain(kind="count", low=0, low_closed=False, high=9, high_closed=False), 8, True),
        (Domain(kind="distance", low=500, step=1000), 1500, True),
        (Domain(kind="distance", low=500, step=1000), 2000, False),
        (Domain(kind="distance", low=200, step=1000), 1200, True),
    ],
)
def test_a_domain_contains_its_values(domain: Domain, value: Value, wanted: bool) -> None:
    assert contains(domain, value) is wanted


def test_neighbours_stay_within_the_domain() -> None:
    assert neighbours(Domain(kind="count", low=0, high=9, step=1), 0) == (0, 1)
    assert neighbours(Domain(kind="distance", low=0, step=100), 500) == (400, 500, 600)
    assert neighbours(Domain(kind="distance"), 5000) == (4999, 5000, 5001)


@pytest.mark.parametrize("kind, dense", [("distance", True), ("duration", True), ("count", False), ("text", False)])
def test_what_is_measured_is_dense(kind: Kind, dense: bool) -> None:
    assert default_domain(kind).is_dense is dense


def test_an_enumeration_is_not_dense() -> None:
    assert not default_domain("distance", [1000, 2000]).is_dense


@pytest.mark.parametrize(
    "text, kind, wanted",
    [
        ("[0..500] km", "distance", Domain(kind="distance", low=0, high=500_000)),
        ("(0..500) km", "distance", Domain(kind="distance", low=0, low_closed=False, high=500_000, high_closed=False)),
        ("<= 80 %", "share", Domain(kind="share", low=0, high=8000, step=1)),
        ("> 3", "count", Domain(kind="count", low=3, low_closed=False, step=1)),
        ("-", "months", Domain(kind="months", low=0, step=1)),
    ],
)
def test_a_domain_is_written_as_an_interval(text: str, kind: Kind, wanted: Domain) -> None:
    assert parse_domain(text, kind, problems=[]) == wanted


def test_a_step_is_kept() -> None:
    assert parse_domain("[0..10] km", "distance", step=500, problems=[]) == Domain(
        kind="distance", low=0, high=10_000, step=500
    )


@pytest.mark.parametrize("text", ["[0..500] km, 600 km", "not(5 km)", "missing", "> {far}", "km"])
def test_what_is_no_interval_is_no_domain(text: str) -> None:
    problems: list[Problem] = []
    assert parse_domain(text, "distance", column="distance_km", problems=problems) is None
    assert len(problems) == 1
