"""`svc-policy test`: cases and properties, what is touched and noticed, and how it ends."""

from __future__ import annotations

import json
import re

import pytest

from cli.running import run
from pack.building import write_pack
from rules.made import POLICY
from testing.shop_with_cases import FAR, FIRST, FREE, LAST, NEAR, shop


@pytest.fixture
def pack(tmp_path):
    return shop(tmp_path, NEAR, FAR, LAST, FIRST, FREE).pack.path


@pytest.fixture
def wrong(tmp_path):
    return shop(tmp_path, NEAR.replace('"70.00"', '"71.00"'), FAR).pack.path


def test_a_failing_case_is_explained_with_the_places_of_its_rules(wrong):
    shown = run("test", wrong, "--coverage", "--cases-only")
    assert shown.exit_code == 1
    lines = shown.stdout.splitlines()
    assert lines[0].endswith("case `near` expects `71.00` of `quote.total`, but it is `70.00`")
    assert lines[0].split(": ")[0].endswith("cases.toml:1:1")
    assert "    The total is CN¥70.00." in lines
    assert any(line.strip().endswith("fees.csv:3: fees.visit") for line in lines)
    assert "cases: 1 of 2 hold" in lines


def test_a_policy_without_cases_says_so(tmp_path):
    shown = run("test", shop(tmp_path).pack.path, "--coverage", "--cases-only")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == "the policy has no cases: write some into `cases.toml`"
    assert "touched by the cases: 0.0 %" in shown.stdout


def test_what_is_untouched_stands_with_its_place(pack):
    shown = run("test", pack, "--coverage", "--cases-only")
    assert shown.exit_code == 0
    assert "cases: 5 of 5 hold" in shown.stdout
    (reading,) = [line for line in shown.stdout.splitlines() if line.endswith("policy: unread")]
    file, line, *_ = reading.split(":")
    assert file.endswith("policy.toml")
    with open(file if file.startswith("/") else pack + "/policy.toml", encoding="utf-8") as text:
        assert text.read().splitlines()[int(line) - 1] == "[interpretations.unread]"


def test_mutation_lists_what_no_case_notices(pack):
    shown = run("test", pack, "--mutate", "--only", "deadlines.near")
    assert shown.exit_code == 0
    (owner,) = [line for line in shown.stdout.splitlines() if "then: owner" in line]
    assert "deadlines.csv:2: deadlines.near then: owner clerk → customer: unnoticed: case `near`" in owner


def test_a_share_below_the_least_ends_with_findings(pack):
    assert run("test", pack, "--coverage", "--cases-only", "--fail-under", "10").exit_code == 0
    assert run("test", pack, "--coverage", "--cases-only", "--fail-under", "100").exit_code == 1
    assert run("test", pack, "--mutate", "--only", "deadlines.near", "--fail-under", "100").exit_code == 1


def test_json_holds_everything(pack):
    found = json.loads(run("test", pack, "--coverage", "--mutate", "--only", "fees", "--json").stdout)
    assert (found["schema"], found["policy"]["id"], found["cases"]) == (1, "made", {"count": 5, "failures": []})
    assert found["coverage"]["kinds"]["rule"] == {"touched": 7, "drawn": 7, "count": 7}
    # No case is about wear; of five hundred tickets drawn on what conditions name, some are.
    (wear,) = [item for item in found["coverage"]["items"] if item["name"] == "cause = wear"]
    assert (wear["case"], wear["drawn"], found["coverage"]["drawn"]) == (None, True, 500)
    assert found["coverage"]["share_of_cases"] < found["coverage"]["share"] < 10_000
    assert set(found["mutation"]["counts"]) == {"noticed", "unnoticed", "alike", "equivalent", "refused"}
    changes = found["mutation"]["changes"]
    assert found["mutation"]["counts"]["noticed"] == sum(one["verdict"] == "noticed" for one in changes)
    first = next(one for one in changes if one["column"] == "then: fixed")
    assert (first["line"], first["before"], first["after"], first["case"]) == (2, "60 CNY", "59.99 CNY", "last")


@pytest.mark.parametrize(("language", "words"), [("en", "noticed by no case"), ("zh", "没有案例发现")])
def test_the_page_stands_alone_in_both_languages(pack, tmp_path, language, words):
    file = tmp_path / "tested.html"
    asked = ("--coverage", "--mutate", "--only", "deadlines", "--cases-only")
    done = run("test", pack, *asked, "--html", file, "--lang", language)
    assert done.exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert words in text
    assert "deadlines.near then: owner" in text
    assert "<script" not in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")


def test_plainly_the_properties_are_tried_too(pack):
    shown = run("test", pack)
    assert shown.exit_code == 0
    assert "cases: 5 of 5 hold" in shown.stdout
    assert "properties: " in shown.stdout
    assert " 0 failed" in shown.stdout
    assert re.search(r"\n  explanation_cites_rules: [1-9]\d* of 100 tickets put it to the test\n", shown.stdout)


def test_json_says_how_many_tickets_put_a_property_to_the_test(pack, monkeypatch):
    monkeypatch.setattr("svc_policy.testing.properties.PROPERTIES", ("fees_rise_with_parts", "total_category"))
    found = {one["name"]: one for one in json.loads(run("test", pack, "--json").stdout)["properties"]}
    kept = next(one for one in found.values() if one["status"] == "kept")
    assert kept["tried"] == 100 and 0 < kept["relevant"] <= 100 and kept["refused"] == 0
    assert all(one["tried"] is None for one in found.values() if one["status"] == "does not apply")


def test_a_property_that_fails_is_told_in_the_language_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("svc_policy.testing.properties.PROPERTIES", ("total_category",))
    rows = "rule,cause,then: category,cite\nours,product,C,m-1\n"
    files = {"policy.toml": POLICY, "clauses.csv": "clause,place,en,zh\nm-1,1,One rule.,一条。\n", "category.csv": rows}
    pack = write_pack(tmp_path / "shop", files)
    for language, words in (("en", "no rule gives this request a category"), ("zh", "没有规则给出该请求的类别")):
        shown = run("test", pack, "--lang", language)
        assert (shown.exit_code, words in shown.stdout) == (1, True), shown.stdout


def test_what_only_a_property_notices_is_said_and_left_out_with_cases_only(tmp_path):
    # Without cases nothing but `total_category` sees that requests of other causes lose their category.
    bare = shop(tmp_path).pack.path
    line = "category.others others → -: noticed by the property `total_category` only"
    shown = run("test", bare, "--mutate", "--only", "category.others")
    assert line in shown.stdout
    assert "1 of those only a property notices, and no case" in shown.stdout
    alone = run("test", bare, "--mutate", "--only", "category.others", "--cases-only")
    assert "total_category" not in alone.stdout
    assert "changes that the cases notice: 0.0 %" in alone.stdout


def test_wrong_use_is_refused(pack, tmp_path):
    for arguments, words in (
        (("--html", tmp_path / "a.html"), "`--html` and `--fail-under` need `--coverage` or `--mutate`"),
        (("--only", "fees"), "`--only` needs `--mutate`"),
        (("--cases-only",), "`--cases-only` needs `--coverage` or `--mutate`"),
        (("--mutate", "--only", "feees"), "there is no table or rule `feees` in the policy"),
        (("--coverage", "--fail-under", "101"), "101"),
        (("--coverage", "--html", tmp_path / "no" / "a.html"), "cannot write"),
    ):
        refused = run("test", pack, *arguments)
        assert (refused.exit_code, words in refused.stderr) == (2, True), refused.stderr
