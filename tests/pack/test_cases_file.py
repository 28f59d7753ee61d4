"""`cases.toml`: how it is read, and how a decision is held against it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest

from pack.building import copy_of_mall
from svc_policy import load
from svc_policy.errors import PackError, Problem
from svc_policy.pack.cases import Case, cases_of, look_up, read_cases, run_case
from svc_policy.pack.load import load_pack

CASE = """
[[case]]
name = "one"
rules = ["category.free"]
cites = ["mall-2.0"]
at = "2026-03-02T09:00:00"
why = "because"
[case.ticket]
received_at = "2026-03-02T09:00:00"
[case.expect]
category = "C"
[case.expect.quote]
total = "0.00"
"""


def read(text: str) -> tuple[tuple[Case, ...], list[Problem]]:
    problems: list[Problem] = []
    cases = read_cases(text, "cases.toml", problems, rules={"category.free"}, clauses={"mall-2.0"})
    return cases, problems


def test_a_case_is_read() -> None:
    cases, problems = read(CASE)
    assert problems == []
    (case,) = cases
    assert (case.name, case.rules, case.cites, case.why) == ("one", ("category.free",), ("mall-2.0",), "because")
    assert case.at == datetime(2026, 3, 2, 9)
    assert case.ticket == {"received_at": "2026-03-02T09:00:00"}
    assert case.expect == {"category": "C", "quote.total": "0.00"}
    assert str(case.place) == "cases.toml:2:1"


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ('name = "one"', 'nmae = "one"', "case-key", "cases.toml:3:1"),
        ('why = "because"\n', "", "case-missing", "cases.toml:2:1"),
        ("[case.ticket]\nreceived_at", "ticket = 5\nreceived_at", "case-type", "cases.toml:8:1"),
        ('at = "2026-03-02T09:00:00"', 'at = "tomorrow"', "case-instant", "cases.toml:6:1"),
        ('at = "2026-03-02T09:00:00"', "at = 5", "case-type", "cases.toml:6:1"),
        ('"category.free"', '"category.fre"', "case-unknown", "cases.toml:4:1"),
        ('"mall-2.0"', '"mall-2.00"', "case-unknown", "cases.toml:5:1"),
        ('["category.free"]', '"category.free"', "case-type", "cases.toml:4:1"),
        ("[[case]]", "[case]", "case-type", "cases.toml"),
        ("[[case]]", "[[cases]]", "case-key", "cases.toml"),
        ('name = "one"', 'name = "one', "toml", "cases.toml:3:12"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, code: str, place: str) -> None:
    assert CASE.count(old) >= 1
    _, problems = read(CASE.replace(old, new, 1))
    assert (code, place) in [(item.code, str(item.place)) for item in problems]


def test_a_name_is_there_once() -> None:
    _, problems = read(CASE + CASE)
    assert [(item.code, str(item.place)) for item in problems] == [("name-twice", "cases.toml:15:1")]


def test_the_cases_of_a_pack_are_checked_against_its_rules(tmp_path: Path) -> None:
    mall = copy_of_mall(tmp_path)
    (mall / "cases.toml").write_text(CASE.replace("category.free", "category.fee"), encoding="utf-8")
    with pytest.raises(PackError) as raised:
        cases_of(load_pack(mall))
    (found,) = raised.value.problems
    assert str(found.place) == "mall/cases.toml:4:1" and found.help.text() == "did you mean `category.free`?"
    (mall / "cases.toml").unlink()
    assert cases_of(load_pack(mall)) == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": 1, "c": [{"d": 2}, {"d": 3}, {}]}),
        ("a.b", 1),
        ("a.c[].d", [2, 3, None]),
        ("a.c[]", [{"d": 2}, {"d": 3}, {}]),
        ("a.x", None),
        ("a.b.c", None),
        ("a.b[].c", None),
        ("x.y", None),
    ],
)
def test_a_path_leads_into_the_decision(path: str, value: object) -> None:
    assert look_up({"a": {"b": 1, "c": [{"d": 2}, {"d": 3}, {}]}}, path) == value


class Fixed:
    """A policy that always decides the same."""

    zone = ZoneInfo("Asia/Shanghai")

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def decide(self, ticket, *, at=None):
        self.asked.append(at)
        return self

    def to_dict(self):
        return {
            "rules": [{"table": "category", "rule": "free", "cites": ["mall-2.0"]}],
            "category": "C",
            "flag": True,
            "count": 1,
            "nothing": None,
            "due": "2026-03-02T09:00:00+08:00",
            "day": "2026-03-02",
            "list": [{"level": 1}, {"level": 2}],
        }


def mismatches(**changes: object) -> list[tuple[str, object, object]]:
    case = attrs.evolve(read(CASE)[0][0], **{"expect": {}, **changes})
    return [(found.path, found.expected, found.got) for found in run_case(Fixed(), case)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("category", "C"),
        ("flag", True),
        ("count", 1),
        ("nothing", "absent"),
        ("not.there", "absent"),
        ("due", "2026-03-02T09:00:00"),
        ("due", "2026-03-02T01:00:00+00:00"),
        ("due", datetime(2026, 3, 2, 9)),
        ("due", datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("day", date(2026, 3, 2)),
        ("day", "2026-03-02"),
        ("list[].level", [1, 2]),
    ],
)
def test_what_agrees(path: str, expected: object) -> None:
    assert mismatches(expect={path: expected}) == []


@pytest.mark.parametrize(
    ("path", "expected", "got"),
    [
        ("category", "A", "C"),
        ("category", "absent", "C"),
        ("flag", 1, True),
        ("count", True, 1),
        ("nothing", "C", None),
        ("due", "2026-03-02T09:00:01", "2026-03-02T09:00:00+08:00"),
        ("due", "2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00+08:00"),
        ("list[].level", [1], [1, 2]),
        ("list[].level", [2, 1], [1, 2]),
        ("list", [], [{"level": 1}, {"level": 2}]),
    ],
)
def test_what_does_not_agree(path: str, expected: object, got: object) -> None:
    assert mismatches(expect={path: expected}) == [(path, expected, got)]


def test_rules_and_clauses_must_be_in_the_decision() -> None:
    assert mismatches(rules=("category.free", "category.outside"), cites=("mall-2.0", "mall-3.1")) == [
        ("rules", "category.outside", None),
        ("cites", "mall-3.1", None),
    ]


def test_a_local_instant_is_of_the_policys_zone() -> None:
    policy = Fixed()
    run_case(policy, read(CASE)[0][0])
    assert policy.asked[0].utcoffset() is not None and policy.asked[0].astimezone(UTC).hour == 1


def test_a_ticket_that_cannot_be_read_is_a_mismatch() -> None:
    case = attrs.evolve(read(CASE)[0][0], ticket={"received_at": "yesterday", "colour": "red"})
    (found,) = run_case(load("mall"), case)
    assert found.path == "ticket" and "colour" in str(found.got) and "yesterday" in str(found)
