"""What covers a case, in one word and in a few: warranty, contract, exclusion, and what is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.made import decide, made
from svc_policy import Policy
from svc_policy.explain import Wording
from svc_policy.explain.covering import cover_in_short, covered_by, warranty_standing

TABLES = {
    "warranty": "rule,then: length,then: starts,cite\nall,12 months,delivered,m-1\n",
    "exclusions": "rule,cause,then: reason,cite\nmisuse,misuse,misuse,m-1\n",
    "category": "rule,then: category,cite\nall,A,m-1\n",
}
#: Requests come on 4 March 2026: the first is 12 months from its day before, the second ended on 31 January 2026.
RUNS, OVER = {"delivered_on": "2025-03-05"}, {"delivered_on": "2025-02-01"}
GOOD, BAD = {"cause": "product"}, {"cause": "misuse"}
CONTRACT = {"contract_until": "2026-12-31"}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return made(tmp_path_factory.mktemp("cover"), TABLES)


@pytest.mark.parametrize(
    "facts, word, text, detail",
    [
        ({**RUNS, **GOOD}, "warranty", "covered", "until 4 March 2026"),
        ({**RUNS, **GOOD, **CONTRACT}, "warranty", "covered", "until 4 March 2026; a contract runs"),
        ({**RUNS}, "undetermined", "coverage is open", "the warranty runs until 4 March 2026"),
        ({**RUNS, **CONTRACT}, "contract", "a contract runs", "the warranty runs until 4 March 2026"),
        ({**GOOD}, "undetermined", "coverage is open", ""),
        ({**RUNS, **BAD}, "excluded", "not covered", "excluded: misuse"),
        ({**RUNS, **BAD, **CONTRACT}, "contract", "a contract runs", "excluded: misuse"),
        ({**OVER, **GOOD}, "none", "not covered", "the warranty ended on 31 January 2026"),
        ({**OVER, **GOOD, **CONTRACT}, "contract", "a contract runs", "the warranty ended on 31 January 2026"),
    ],
)
def test_what_covers_a_case(policy: Policy, facts: dict[str, object], word: str, text: str, detail: str) -> None:
    decision, words = decide(policy, facts), Wording(policy, "en")
    short = cover_in_short(policy, decision, words)
    assert short is not None
    assert (covered_by(policy, decision), short.cover, words(short.text), short.detail) == (word, word, text, detail)


def test_how_the_warranty_stands_whatever_the_fault(policy: Policy) -> None:
    for facts, standing in ((RUNS, "runs"), ({**RUNS, **BAD}, "runs"), (OVER, "over"), ({}, "undetermined")):
        assert warranty_standing(decide(policy, facts).coverage) == standing


def test_of_coverage_that_nobody_spoke_of_nothing_is_said(tmp_path: Path) -> None:
    policy = made(tmp_path, {"category": TABLES["category"]})
    decision = decide(policy, RUNS)
    assert covered_by(policy, decision) is None is cover_in_short(policy, decision, Wording(policy, "en"))
    assert warranty_standing(decision.coverage) == "none"
    contract = decide(policy, CONTRACT)
    short = cover_in_short(policy, contract, Wording(policy, "en"))
    assert short is not None
    assert (short.cover, short.detail) == ("contract", "")
