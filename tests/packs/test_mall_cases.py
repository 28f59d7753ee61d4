"""The worked examples of mall, and that nothing of its chapter of the rulebook is left without one."""

import tomllib

import pytest

from svc_policy import load
from svc_policy.pack.cases import Case, cases_of, run_case

POLICY = load("mall")
CASES = cases_of(POLICY.pack)

#: The ids of the chapter "mall" of the rulebook, copied from it.
IDS = """
mall-1.1 mall-1.2 mall-1.3 mall-1.4 mall-1.5
mall-2.0 mall-cal
mall-2.1.1 mall-2.1.2 mall-2.1.3
mall-2.2.1 mall-2.2.2a mall-2.2.2b mall-2.2.2c mall-2.2.3 mall-2.2.4 mall-2.2.5a mall-2.2.5b mall-2.2.6 mall-2.2.7
mall-3.1 mall-3.2a mall-3.2b mall-3.3 mall-3.4a mall-3.4b mall-3.5 mall-3.6a mall-3.6b
mall-3.7a mall-3.7a2 mall-3.7b mall-3.7c mall-3.7d
mall-4.1 mall-4.2 mall-4.3 mall-4.4
mall-5.1 mall-5.2 mall-5.3 mall-5.4 mall-5.5 mall-5.5b
"""
RULEBOOK = IDS.split()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    assert [str(mismatch) for mismatch in run_case(POLICY, case)] == []


def test_every_case_of_the_file_is_run() -> None:
    text, _ = POLICY.pack.files.texts["cases"]
    assert len(CASES) == text.count("\n[[case]]") == len(tomllib.loads(text)["case"]) >= 144


def test_the_rulebook_and_the_clauses_have_the_same_ids() -> None:
    assert len(RULEBOOK) == 44
    assert set(POLICY.pack.clauses) == set(RULEBOOK)


def test_every_clause_is_cited_by_a_rule() -> None:
    cited = {cite for rows in POLICY.pack.rows.values() for row in rows for cite in row.cites}
    assert set(RULEBOOK) - cited == set()


def test_every_clause_is_expected_by_a_case() -> None:
    assert set(RULEBOOK) - {cite for case in CASES for cite in case.cites} == set()


def _row_ids() -> set[str]:
    return {f"{table}.{row.id}" for table, rows in POLICY.pack.rows.items() for row in rows}


def _fired() -> tuple[set[str], set[str]]:
    rules: set[str] = set()
    interpretations: set[str] = set()
    for case in CASES:
        at = case.at.replace(tzinfo=POLICY.zone)
        for use in POLICY.decide(case.ticket, at=at).rules:
            rules.add(f"{use.table}.{use.rule}")
            interpretations.update(use.interpretations)
    return rules, interpretations


def test_every_rule_that_can_fire_fires_in_a_case() -> None:
    # These two hold only under another reading of the source than the one the pack adopts.
    other_readings = {"exclusions.unnamed", "forms.seal_all"}
    assert _row_ids() - _fired()[0] == other_readings


def test_every_interpretation_that_a_rule_rests_on_is_touched_by_a_case() -> None:
    assert set(POLICY.pack.settings.interpretations) - _fired()[1] == set()
