"""Which changes of a policy its cases notice: each verdict reckoned by hand, and held against policies made anew."""

from __future__ import annotations

import pytest

from svc_policy import Policy
from svc_policy.errors import UsageError
from svc_policy.pack.cases import cases_of, run_case
from svc_policy.testing.mutants import mutants_of
from svc_policy.testing.mutation import mutate
from svc_policy.testing.switching import changed_pack
from testing.shop_with_cases import FAR, FIRST, FREE, LAST, NEAR, shop


def changes(policy, table, rule, column=None):
    return [
        (one.before, one.after)
        for one in mutants_of(policy.pack)
        if (one.table, one.rule) == (table, rule) and column in (None, one.column)
    ]


def verdicts(mutation):
    return {finding.mutant.name: finding.verdict for finding in mutation.findings}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("full"), NEAR, FAR, LAST, FIRST, FREE)


@pytest.fixture(scope="module")
def tried(full):
    return mutate(full)


def test_a_bound_moves_both_ways_by_a_metre_and_each_change_is_made_once(full):
    # `(5` opened or `[5` closed is one metre down, `(5.001` one up; the same at 50.
    assert changes(full, "deadlines", "far", "distance_km") == [
        ("(5..50] km", "[5 km..50 km]"),
        ("(5..50] km", "(5.001 km..50 km]"),
        ("(5..50] km", "(5 km..50 km)"),
        ("(5..50] km", "(5 km..50.001 km]"),
    ]


def test_amounts_move_by_a_minor_unit_and_roles_to_another(full):
    assert changes(full, "fees", "visit", "then: fixed") == [("60 CNY", "59.99 CNY"), ("60 CNY", "60.01 CNY")]
    assert changes(full, "parameters", "visit_fee") == [("70 CNY", "69.99 CNY"), ("70 CNY", "70.01 CNY")]
    assert changes(full, "deadlines", "near", "then: owner") == [("clerk", "customer")]
    assert changes(full, "category", "ours", "then: category") == [("C", "D")]


def test_an_edition_ends_a_day_off_alone_and_together_with_the_next(full):
    assert changes(full, "fees", "visit", "until") == [("2026-03-01", "2026-02-28"), ("2026-03-01", "2026-03-02")]
    both = [one for one in mutants_of(full.pack) if one.column == "until, from"]
    assert [[(new.since, new.until) for _, new in one.rows] for one in both] == [
        [(None, 20512), (20512, None)],
        [(None, 20514), (20514, None)],
    ]


def test_cases_on_both_sides_of_a_bound_notice_its_moves(tried):
    found = verdicts(tried)
    assert found["deadlines.near distance_km <= 5 km → < 5 km"] == "noticed"
    assert found["deadlines.near distance_km <= 5 km → <= 5.001 km"] == "noticed"
    assert found["fees.visit until, from 2026-03-01 → 2026-03-02"] == "noticed"
    assert found["fees.visit then: fixed 60 CNY → 60.01 CNY"] == "noticed"
    assert found["checklists.paid paid → -"] == "noticed"
    assert found["parameters.visit_fee value 70 CNY → 69.99 CNY"] == "noticed"


def test_a_change_that_no_case_speaks_of_is_unnoticed_and_names_the_ticket_that_would(tried):
    found = {finding.mutant.name: finding for finding in tried.findings}
    owner = found["deadlines.near then: owner clerk → customer"]
    assert (owner.verdict, owner.case, owner.facts) == ("unnoticed", "near", {})
    # No case has exactly fifty kilometres and expects a due instant; `last` is there and is decided otherwise.
    bound = found["deadlines.far distance_km (5..50] km → (5 km..50 km)"]
    assert (bound.verdict, bound.case) == ("unnoticed", "last")
    beyond = found["deadlines.far distance_km (5..50] km → (5 km..50.001 km]"]
    assert (beyond.verdict, beyond.facts) == ("unnoticed", {"distance_km": "50.001 km"})


def test_a_change_of_what_nothing_reads_changes_nothing(tried):
    found = {finding.mutant.name: finding for finding in tried.findings}
    unread = found["interpretations.unread value 3 → 4"]
    assert unread.verdict == "equivalent"
    assert unread.reason is not None


def test_a_row_behind_one_that_always_holds_changes_nothing(tmp_path):
    hidden = "rule,cause,then: category,cite\nall,-,A,m-1\nhidden,product,C,m-1\n"
    found = verdicts(mutate(shop(tmp_path, NEAR, category=hidden), only="category.hidden"))
    assert set(found.values()) == {"equivalent"}
    assert "category.hidden hidden → -" in found


def test_the_score_leaves_out_what_changes_nothing(tried):
    counted = [finding.verdict for finding in tried.findings]
    noticed, unnoticed = counted.count("noticed"), counted.count("unnoticed")
    assert tried.score == noticed * 10_000 // (noticed + unnoticed)
    assert noticed + unnoticed + counted.count("equivalent") + counted.count("refused") == len(mutants_of_names(tried))


def mutants_of_names(mutation):
    return [finding.mutant.name for finding in mutation.findings]


def test_without_cases_nothing_is_noticed(tmp_path):
    found = mutate(shop(tmp_path))
    assert (found.count("noticed"), found.cases) == (0, 0)


def test_a_case_that_fails_as_it_is_notices_nothing(tmp_path):
    wrong = NEAR.replace('"70.00"', '"71.00"')
    assert mutate(shop(tmp_path, wrong)).count("noticed") == 0


def test_the_verdicts_are_those_of_policies_made_anew(full, tried):
    cases = cases_of(full.pack)
    for finding in tried.findings:
        new = {id(row): changed for row, changed in finding.mutant.rows}
        try:
            policy = Policy(changed_pack(full.pack, finding.mutant, new))
            noticed = any(run_case(policy, case) for case in cases)
        except (KeyError, ValueError, AttributeError, NameError):
            assert finding.verdict == "refused", finding.mutant.name
            continue
        assert noticed == (finding.verdict == "noticed"), finding.mutant.name


def test_only_takes_a_table_or_a_rule_and_suggests_the_nearest(full):
    assert {one.mutant.table for one in mutate(full, only="fees").findings} == {"fees"}
    assert {one.mutant.rule for one in mutate(full, only="deadlines.near").findings} == {"near"}
    with pytest.raises(UsageError, match=r"there is no table or rule `deadlines.nera`") as caught:
        mutate(full, only="deadlines.nera")
    assert "deadlines.near" in str(caught.value.problems[0].help)


def test_progress_counts_every_change(full):
    told = []
    mutate(full, only="category", progress=lambda done, count: told.append((done, count)))
    assert told == [(number, len(told)) for number in range(1, len(told) + 1)]
    assert told
