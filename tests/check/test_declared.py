"""What is declared and not used, used and not declared, or written where it can never matter."""

from __future__ import annotations

import pytest

from check.shops import BANDS, bands, codes, found, shop
from pack.building import write_pack
from rules.made import POLICY
from svc_policy import load

PARAMETER = '[parameters.spare]\nkind = "distance"\nvalue = "5 km"\nlabel.en = "x"\nlabel.zh = "x"\n'
READING = (
    '[interpretations.spare]\nkind = "distance"\nvalue = "5 km"\ncite = "m-1"\nsince = "2026-01-01"\n'
    'reading.en = "x"\nreading.zh = "x"\n'
)


@pytest.mark.parametrize("declared, code", [(PARAMETER, "parameter-unused"), (READING, "interpretation-unused")])
def test_a_parameter_is_there_to_be_used(tmp_path, declared, code):
    (unused,) = found(bands(tmp_path, settings=declared))
    assert (unused.code, unused.subject, unused.severity) == (code, "spare", "warning")
    text = (POLICY + declared).splitlines()
    assert unused.place is not None
    assert "spare]" in text[unused.place.line - 1]
    assert found(bands(tmp_path / "used", ("near,<= 5 km", "near,<= {spare}"), settings=declared)) == []


def test_the_tax_is_a_use(tmp_path):
    vat = '[money]\ntax = "{vat}"\n[parameters.vat]\nkind = "share"\nvalue = "13 %"\nlabel.en = "x"\nlabel.zh = "x"\n'
    assert found(bands(tmp_path, settings=vat)) == []
    assert codes(found(bands(tmp_path / "plain", settings=vat.replace('"{vat}"', '"13 %"')))) == ["parameter-unused"]


def test_every_clause_is_cited(tmp_path):
    files = {
        "policy.toml": POLICY,
        "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\nm-2,2,Another.,又一条。\n",
        "duties.csv": "rule,then: owner,then: duty,cite\none,head,call,m-1\n",
    }
    (unused,) = found(load(write_pack(tmp_path / "made", files)))
    assert (unused.code, unused.subject, str(unused.place)) == ("clause-unused", "m-2", "made/clauses.csv:3")
    cited = {**files, "duties.csv": "rule,then: owner,then: duty,cite\none,head,call,m-1 m-2\n"}
    assert found(load(write_pack(tmp_path / "cited", cited))) == []


def test_words_have_labels_where_a_pack_has_any(tmp_path):
    tables = {
        "forms": "rule,then: form,then: owner,cite\none,receipt,head,m-1\ntwo,reciept,clerk,m-1\n",
        "labels": "name,en,zh\nreceipt,receipt,收据\n",
    }
    (undeclared,) = found(shop(tmp_path, tables))
    assert (undeclared.code, undeclared.subject, undeclared.rules) == ("word-undeclared", "reciept", ("two",))
    assert undeclared.message.text("en") == "`reciept` in `then: form` of rule `two` has no label"
    spelt = {**tables, "forms": tables["forms"].replace("reciept", "receipt")}
    assert found(shop(tmp_path / "spelt", spelt)) == []


@pytest.mark.parametrize("cell, is_outside", [("<= 30000 km", True), ("<= 20100 km", False), ("[0..5] km", False)])
def test_no_road_is_longer_than_the_domain(tmp_path, cell, is_outside):
    policy = bands(tmp_path, ("near,<= 5 km", f"near,{cell}"))
    outside = found(policy, "value-outside")
    assert [one.rules for one in outside] == ([("near",)] if is_outside else [])


def test_a_company_says_what_values_its_facts_have(tmp_path):
    floor = '[facts.floor]\nkind = "count"\nlow = "0"\nhigh = "40"\nlabel.en = "floor"\nlabel.zh = "楼层"\n'
    text = "rule,floor,then: owner,then: duty,cite\none,> {0},head,call,m-1\n"
    (outside,) = found(shop(tmp_path, {"duties": text.replace("{0}", "41")}, floor), "value-outside")
    assert outside.help is not None
    assert outside.help.text("en") == "the values of `floor` are [0..40]"
    assert found(shop(tmp_path / "inside", {"duties": text.replace("{0}", "39")}, floor)) == []


ESCALATIONS = """rule,target,used_share,then: level,then: notify,cite
warn,arrived,>= 80 %,{early},clerk,m-1
late,arrived,>= 100 %,{late},head,m-1
"""


@pytest.mark.parametrize("early, late, falls", [(1, 2, False), (2, 2, False), (2, 1, True)])
def test_an_escalation_does_not_fall_as_time_passes(tmp_path, early, late, falls):
    text = ESCALATIONS.replace("{early}", str(early)).replace("{late}", str(late))
    order = found(shop(tmp_path, {"deadlines": BANDS, "escalations": text}))
    assert [(one.code, one.rules) for one in order] == ([("threshold-order", ("warn", "late"))] if falls else [])


def test_escalations_of_different_targets_or_tickets_are_not_compared(tmp_path):
    same = ESCALATIONS.replace("{early}", "2").replace("{late}", "1").replace("100 %", "80 %")
    assert found(shop(tmp_path / "same", {"deadlines": BANDS, "escalations": same}), "threshold-order") == []
    finished = "done,-,yes,arrived,finished,24 h,calendar,m-1\n"
    text = ESCALATIONS.replace("{early}", "2").replace("{late}", "1").replace("late,arrived", "late,finished")
    assert found(shop(tmp_path, {"deadlines": BANDS + finished, "escalations": text})) == []
    split = "rule,target,used_share,on_site,then: level,then: notify,cite\n"
    rows = "warn,arrived,>= 80 %,yes,2,clerk,m-1\nlate,arrived,>= 100 %,no,1,head,m-1\n"
    assert found(shop(tmp_path / "split", {"deadlines": BANDS, "escalations": split + rows})) == []


def test_the_least_of_a_penalty_is_not_more_than_its_most(tmp_path):
    head = "rule,incident_kind,then: liable,then: least,then: most,then: decided by,cite\n"
    text = head + "one,missed,clerk,90 CNY,50 CNY,head,m-1\n"
    assert codes(found(shop(tmp_path, {"penalties": text}))) == ["threshold-order"]
    assert found(shop(tmp_path / "fine", {"penalties": text.replace("90 CNY,50 CNY", "50 CNY,90 CNY")})) == []


HEAD = "rule,arrived_at,then: starts,then: ends,then: within,then: clock,cite\n"


@pytest.mark.parametrize(
    "rows, rules",
    [
        ("one,-,received,arrived,4 h,calendar,m-1\ntwo,-,arrived,finished,4 h,calendar,m-1\n", []),
        ("one,-,arrived,arrived,4 h,calendar,m-1\n", ["one"]),
        ("one,missing,arrived,finished,4 h,calendar,m-1\n", ["one"]),
        ("one,-,finished,arrived,4 h,calendar,m-1\ntwo,-,arrived,finished,4 h,calendar,m-1\n", ["one", "two"]),
    ],
)
def test_a_clock_can_begin(tmp_path, rows, rules):
    starts = found(shop(tmp_path, {"deadlines": HEAD + rows}), "start-unreachable")
    assert [one.rules[0] for one in starts] == rules
