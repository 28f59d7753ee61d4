"""Where durable-rules cannot run, it is said in plain words; the rules that it gets can be written without it."""

from __future__ import annotations

import sys

import pytest

from svc_policy.adapters.live.durable_judge import DurableJudge
from svc_policy.adapters.live.durable_ruleset import compile_rules
from svc_policy.adapters.live.judging import watched_rules
from svc_policy.errors import UsageError

from .shop import shop


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


def test_a_python_that_cannot_load_it(policy, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    with pytest.raises(UsageError, match=r"durable-rules does not run on Python 3\.13"):
        DurableJudge(policy)


def test_without_the_extra(policy, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    monkeypatch.setitem(sys.modules, "durable", None)
    with pytest.raises(UsageError, match=r"pip install 'svc-policy\[durable\]'"):
        DurableJudge(policy)


def conditions(policy, name):
    watched = watched_rules(policy)
    compiled = compile_rules(policy, watched)
    subjects = {f"p{index}": subject for subject, index in compiled.subjects.items()}
    return {
        rule: written["all"] for rule, written in compiled.rules.items() if watched[compiled.numbers[rule]].name == name
    }, subjects


def test_a_row_with_a_target_is_joined_with_its_clock(policy):
    written, subjects = conditions(policy, "escalations.late/arrived")
    ((ticket, clock),) = written.values()
    kinds = next(key for key, name in subjects.items() if name == "request_kind")
    assert ticket["t"]["$and"] == [
        {"what": "ticket"},
        {"live_arrived": 1},
        {"$or": [{kinds: "fault"}, {kinds: "complaint"}]},
    ]
    # Watched before it: three targets of `warn`, and `late` for dispatched.
    assert clock == {"c": {"$and": [{"what": "reached"}, {"rule": 4}, {"ticket": {"t": "ticket"}}]}}


def test_what_hangs_on_days_is_a_rule_for_each_span(policy):
    written, subjects = conditions(policy, "routing.again")
    # From 6 March 2026, day 20518, it takes two repairs.
    assert [one[0]["t"]["$and"][1:] for one in written.values()] == [
        [{"$lt": {"day_request": 20_518}}, {"$gte": {repairs(subjects): 1}}],
        [{"$gte": {"day_request": 20_518}}, {"$gte": {repairs(subjects): 2}}],
    ]


def repairs(subjects):
    return next(key for key, name in subjects.items() if name == "earlier_repairs")


def test_not_holds_of_what_is_known_to_be_missing(policy):
    written, subjects = conditions(policy, "escalations.kind")
    ((only,),) = written.values()
    kind = next(key for key, name in subjects.items() if name == "request_kind")
    assert {"$or": [{"$neq": {kind: "fault"}}, {f"a{kind[1:]}": 1}]} in only["t"]["$and"]
