"""The published schema of a decision fits every decision, and nothing that is none."""

from __future__ import annotations

import copy
import json
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engines.workshop import workshop
from explain.test_explain import MALL, decided, decisions
from svc_policy.pack.cases import cases_of

TEXT = (resources.files("svc_policy") / "schemas" / "decision.schema.json").read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(json.loads(TEXT))


def plain(decision):
    return json.loads(json.dumps(decision.to_dict()))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json.loads(TEXT))
    assert json.dumps(json.loads(TEXT), ensure_ascii=False, indent=2) + "\n" == TEXT


def test_it_fits_the_worked_examples():
    for case in cases_of(MALL.pack):
        errors = list(VALIDATOR.iter_errors(plain(decided(case))))
        assert errors == [], case.name


def test_it_fits_decisions_of_every_kind(tmp_path: Path):
    for policy in (MALL, workshop(tmp_path)):
        found = [plain(decision) for decision in decisions(policy, 150)]
        assert len(found) > 125
        for one in found:
            assert list(VALIDATOR.iter_errors(one)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("category",), "E"),
        (("at",), "2026-03-02"),
        (("more",), 1),
        (("quote", "total"), 180.8),
        (("quote", "more"), None),
        (("targets", "relayed", "status"), "done"),
        (("targets", "relayed", "rule", "cites"), "mall-2.1"),
        (("rules", 0, "line"), "2"),
        (("policy", "digest"), "abc"),
    ],
)
def test_it_refuses_what_is_no_decision(path, value):
    decision = plain(decided(cases_of(MALL.pack)[0]))
    assert VALIDATOR.is_valid(decision)
    broken = copy.deepcopy(decision)
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(broken)


@pytest.mark.parametrize(
    "key", ["schema", "policy", "coverage", "targets", "quote", "needs", "rules", "next_change_at"]
)
def test_it_misses_what_a_decision_always_has(key):
    decision = plain(decided(cases_of(MALL.pack)[0]))
    del decision[key]
    assert not VALIDATOR.is_valid(decision)
