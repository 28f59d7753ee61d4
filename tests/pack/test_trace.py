"""Clauses are traced to rules, cases and tests, and the trace fails when something is taken away."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import attrs
import pytest

import tracing
from cli.running import run
from svc_policy import load
from svc_policy.errors import UsageError
from svc_policy.pack.cases import cases_of
from svc_policy.pack.trace import exercised_by, failing_cases, named_in_tests, trace_clauses

#: A clause of mall that few cases exercise.
LONELY = "mall-2.2.1"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return Path(shutil.copytree(load("mall").pack.path, tmp_path / "mall"))


def trace_of(clause: str, pack: Path | str = "mall"):
    loaded = load(pack).pack
    return next(trace for trace in trace_clauses(loaded, cases_of(loaded)) if trace.clause == clause)


def without_cases(text: str, naming: tuple[str, ...]) -> str:
    """Drop the cases that name a clause, or one of some rules."""
    head, *cases = text.split("[[case]]")
    kept = [case for case in cases if not any(f'"{name}"' in case for name in naming)]
    assert len(kept) < len(cases)
    return "[[case]]".join([head, *kept])


def rules_of(clause: str) -> tuple[str, ...]:
    return tuple(f"{table}.{row.id}" for table, row in trace_of(clause).rules)


def test_a_clause_names_the_rows_that_cite_it_with_their_places():
    trace = trace_of("mall-2.2.5a")
    named = {(table, row.id) for table, row in trace.rules}
    assert named == {("deadlines", "pass_on"), ("intake", "first_receipt"), ("late_penalties", "late_passing")}
    for table, row in trace.rules:
        line = Path(load("mall").pack.path, f"{table}.csv").read_text(encoding="utf-8").splitlines()[row.line - 1]
        assert line.startswith(f"{row.id},")


def test_a_case_exercises_what_it_cites_and_what_its_rules_cite():
    pack = load("mall").pack
    case = next(case for case in cases_of(pack) if case.name == "misuse outside the period pays list price")
    # It cites mall-2.2.2c; its rules are category.outside and part_fees.outside.
    assert set(exercised_by(case, pack)) == {"mall-2.2.2c", "mall-2.0", "mall-2.2.1", "mall-2.2.2b"}


def test_the_register_is_traced_in_its_order():
    pack = load("mall").pack
    traces = trace_clauses(pack, cases_of(pack))
    assert [trace.clause for trace in traces] == list(pack.clauses)
    assert all(trace.is_traced for trace in traces)
    assert not any(trace.is_traced for trace in trace_clauses(pack))


def test_the_rulebook_has_194_rules_in_six_services():
    assert sum(tracing.REGISTER.values()) == 194 and len(tracing.REGISTER) == 6


def test_the_trace_of_a_whole_pack_is_clean(capsys):
    assert tracing.main({"mall": 44}) == 0
    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines()]
    assert rows[0] == ["pack", "clauses", "rules", "cases", "untraced"]
    assert rows[1][:2] == ["mall", "44"] and rows[1][-1] == "0" and rows[2] == ["together", *rows[1][1:]]
    assert printed.err == ""


def test_the_trace_fails_when_a_case_is_taken_away(shop, capsys):
    cases = shop / "cases.toml"
    text = without_cases(cases.read_text(encoding="utf-8"), (LONELY, *rules_of(LONELY)))
    cases.write_text(text, encoding="utf-8")
    assert tracing.main({shop: 44}) == 1
    printed = capsys.readouterr()
    assert f"mall: `{LONELY}` is exercised by no case\n" in printed.err
    assert printed.out.splitlines()[1].split()[-1] != "0"


def test_the_trace_fails_when_a_case_no_longer_holds(shop, capsys):
    cases = shop / "cases.toml"
    text = cases.read_text(encoding="utf-8")
    cases.write_text(text.replace('category = "C"', 'category = "B"', 1), encoding="utf-8")
    assert tracing.main({shop: 44}) == 1
    assert "mall: case `quality fault inside the period` fails at `category`\n" in capsys.readouterr().err


def test_a_failing_case_exercises_nothing(shop):
    # Every case says something wrong: the ids are cited all the same, and nothing is exercised.
    cases = shop / "cases.toml"
    text = cases.read_text(encoding="utf-8").replace("[case.expect]\n", '[case.expect]\n"policy.id" = "other"\n')
    cases.write_text(text, encoding="utf-8")
    found = tracing.survey(load(shop), 44)
    assert (found.clauses, found.untraced) == (44, 44)


def test_the_trace_fails_when_a_rule_no_longer_cites(shop, capsys):
    duties = shop / "duties.csv"
    duties.write_text(duties.read_text(encoding="utf-8").replace("mall-1.2,", "mall-1.1,"), encoding="utf-8")
    assert tracing.main({shop: 44}) == 1
    assert "mall: `mall-1.2` is cited by no rule\n" in capsys.readouterr().err


def test_the_trace_fails_when_a_clause_is_missing_from_the_register(capsys):
    assert tracing.main({"mall": 45}) == 1
    assert capsys.readouterr().err == "mall: 44 clauses, but the rulebook has 45\n"


def test_a_failing_case_is_told_with_what_it_expected():
    policy = load("mall")
    case = cases_of(policy.pack)[0]
    wrong = attrs.evolve(case, expect={"category": "A"})
    assert failing_cases(policy, [case]) == {}
    assert [str(one) for one in failing_cases(policy, [wrong])[case.name]] == ["category: expected 'A', got 'C'"]


def test_tests_are_found_by_the_clauses_in_their_texts(tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(
        'LIST = "shop-3"\n'
        '@mark("shop-1.2")\n'
        "def test_one():\n    # shop-4\n    assert 'it cites shop-1, shop-2.1.'\n"
        "def other():\n    'shop-5'\n",
        encoding="utf-8",
    )
    assert named_in_tests(folder) | {"it": (), "cites": ()} == {
        "it": (),
        "cites": (),
        **dict.fromkeys(("shop-1.2", "shop-1", "shop-2.1"), ("tests/test_it.py::test_one",)),
    }


def test_a_folder_of_tests_that_cannot_be_read_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        named_in_tests(tmp_path / "nowhere")
    (tmp_path / "test_broken.py").write_text("def test_(:", encoding="utf-8")
    with pytest.raises(UsageError, match=r"test_broken\.py:1"):
        named_in_tests(tmp_path)


def test_rules_as_json_has_the_clauses():
    data = json.loads(run("rules", "mall", "--json", "--tests", Path(__file__).parent).stdout)
    assert [one["clause"] for one in data["clauses"]] == list(load("mall").pack.clauses)
    one = next(one for one in data["clauses"] if one["clause"] == "mall-2.2.5a")
    assert (one["pack"], one["place"]) == ("mall", "二.保外.5")
    late = {"table": "late_penalties", "rule": "late_passing", "file": "packs/mall/late_penalties.csv", "line": 2}
    assert late in one["rules"]
    assert one["cases"] and "pack/test_trace.py::test_rules_as_json_has_the_clauses" in one["tests"]


def test_rules_of_all_packs_list_the_whole_register():
    data = json.loads(run("rules", "--all", "--json").stdout)
    # The rulebook is of services; what the law says is no part of it.
    of_services = [one for one in data["clauses"] if one["pack"] != "cn-sanbao"]
    assert Counter(one["pack"] for one in of_services) == tracing.REGISTER
    assert len({one["clause"] for one in of_services}) == 194
    assert all(one["rules"] and one["cases"] for one in data["clauses"])


def test_tests_are_named_in_json_only():
    refused = run("rules", "mall", "--tests", Path(__file__).parent)
    assert (refused.exit_code, refused.stderr) == (2, "`--tests` adds to what `--json` gives: give both\n")
