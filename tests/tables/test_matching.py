import pytest

from svc_policy.errors import Problem, UsageError
from svc_policy.tables import Absence, Test, all_of, any_of, match, parse_test
from svc_policy.units import Allowance, Kind, Value


def read(text: str, kind: Kind) -> Test:
    problems: list[Problem] = []
    test = parse_test(text, kind, problems=problems)
    assert test is not None, problems
    return test


@pytest.mark.parametrize(
    "text, kind, value, wanted",
    [
        ("<= 5 km", "distance", 5000, True),
        ("<= 5 km", "distance", 5001, False),
        ("< 5 km", "distance", 4999, True),
        ("< 5 km", "distance", 5000, False),
        (">= 5 km", "distance", 5000, True),
        ("> 5 km", "distance", 5000, False),
        ("(5..50] km", "distance", 5000, False),
        ("(5..50] km", "distance", 50000, True),
        ("[5..50) km", "distance", 5000, True),
        ("[5..50) km", "distance", 50000, False),
        ("5 km", "distance", 5000, True),
        ("1, 3", "count", 2, False),
        ("not(1, 3)", "count", 2, True),
        ("not(1, 3)", "count", 3, False),
        ("missing", "count", 2, False),
        ("not(missing)", "count", 2, True),
        ("missing, 2", "count", 2, True),
        ("-", "count", 2, True),
        ("yes", "bool", False, False),
        ("not(yes)", "bool", False, True),
        ("3 days", "allowance", Allowance(3, "days"), True),
        ("3 days", "allowance", Allowance(3, "working_days"), False),
        ("a", "text", "A", False),
    ],
)
def test_a_value_is_matched(text: str, kind: Kind, value: Value, wanted: bool) -> None:
    assert match(read(text, kind), value) is wanted


@pytest.mark.parametrize(
    "text, unknown, known",
    [
        ("-", True, True),
        ("<= 5", None, False),
        ("5", None, False),
        ("not(5)", None, True),
        ("missing", True, True),
        ("not(missing)", False, False),
        ("missing, 5", True, True),
        ("not(missing, 5)", False, False),
    ],
)
def test_an_absent_value_is_unknown_or_known_to_be_absent(text: str, unknown: bool | None, known: bool) -> None:
    test = read(text, "count")
    assert match(test, None) is unknown
    absences: list[Absence] = ["none", "not yet"]
    for absence in absences:
        assert match(test, None, absence) is known


def test_parameters_stand_for_their_values() -> None:
    test = read("(5..{far}] km", "distance")
    assert match(test, 8000, parameters={"far": 8000}) is True
    assert match(test, 8001, parameters={"far": 8000}) is False
    assert match(test, 8000, parameters={"far": None}) is None
    assert match(test, 5000, parameters={"far": None}) is False
    assert match(read("{n}", "count"), 5, parameters={"n": None}) is None
    assert match(read("{n}, 5", "count"), 5, parameters={"n": None}) is True


def test_a_parameter_that_is_not_given_is_named() -> None:
    with pytest.raises(UsageError, match="there is no parameter `far`"):
        match(read("> {far}", "distance"), 1, parameters={})


def test_three_valued_and_or() -> None:
    assert [any_of(truths) for truths in ([], [False], [None, False], [None, True])] == [False, False, None, True]
    assert [all_of(truths) for truths in ([], [True], [None, True], [None, False])] == [True, True, None, False]
