"""What the service writes of a decision, and of the lines of a batch, is what the library says of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from svc_policy import load
from svc_policy.errors import CalendarError
from svc_policy.pack.cases import cases_of

pytest.importorskip("msgspec", reason="the extra `serve` is not installed")

from svc_policy.facts.reading import ticket_to_dict
from svc_policy.server.batch_columns import COMPACT, KEYS, instant_text, keys_of, money_text
from svc_policy.server.batch_work import Decider
from svc_policy.server.writing import decision_to_json, quote_columns


def decisions(name: str, most: int = 25):
    policy = load(name)
    for case in cases_of(policy.pack)[:most]:
        at = case.at if case.at.tzinfo is not None else case.at.replace(tzinfo=policy.zone)
        if at.year > 9000:
            continue
        for later in (timedelta(0), timedelta(hours=30)):
            try:
                yield policy, policy.decide(case.ticket, at=at + later)
            except CalendarError:
                continue


@pytest.mark.parametrize("name", ["mall", "tile", "factory"])
def test_the_json_is_that_of_the_decision(name):
    # Twice: what is kept of the first time is what the second time puts in.
    for _ in range(2):
        for policy, decision in decisions(name):
            assert json.loads(decision_to_json(policy, decision)) == json.loads(json.dumps(decision.to_dict()))


def test_a_kept_quote_is_named_by_all_that_it_is_made_from(monkeypatch):
    policy, asked = load("mall"), set()
    column = type(policy).column

    def noted(self, decision, wanted):
        asked.add(wanted)
        return column(self, decision, wanted)

    made = [decision for _, decision in decisions("mall", 12)]
    monkeypatch.setattr(type(policy), "column", noted)
    for decision in made:
        policy.quote(decision)
    # The day is in the name itself where the tax is a parameter.
    assert asked and asked - {"request_day"} <= set(quote_columns(policy))


def test_lines_say_what_the_decision_says():
    policy = load("mall")
    made = [decision for _, decision in decisions("mall", 6)]
    decider = Decider(policy, KEYS, 2**20)
    for decision in made:
        decider.begin(decision.at_s, many=False)
        line = json.dumps({**ticket_to_dict(decision.ticket), "ticket_id": "T-9"}).encode()
        found = json.loads(decider.answer(line))
        whole = decision.to_dict()
        assert (found["line"], found["ticket_id"]) == (1, "T-9")
        assert found["category"] == whole["category"]
        assert found["needs"] == whole["needs"]
        assert found["total"] == whole["quote"]["total"] and found["payer"] == whole["quote"]["payer"]
        assert found["covered"] == whole["coverage"]["covered"]
        assert found["warranty_end"] == whole["coverage"]["warranty_end"]
        assert {name: one["status"] for name, one in found["targets"].items()} == {
            name: one["status"] for name, one in whole["targets"].items() if one["status"] != "not applicable"
        }


def test_the_forms_of_values():
    assert money_text(-1205, 2) == "-12.05" and money_text(7, 0) == "7" and money_text(0, 2) == "0.00"
    assert instant_text(86_400 + 61) == "1970-01-02T00:01:01Z"
    assert keys_of(load("mall"), None) == COMPACT
    assert keys_of(load("mall"), "total,category") == ("category", "total")
