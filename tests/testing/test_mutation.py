"""Which changes of a policy its cases notice: each verdict reckoned by hand, and held against policies made anew."""

from __future__ import annotations

import attrs
import pytest

from svc_policy import Policy
from svc_policy.errors import UsageError
from svc_policy.pack.cases import cases_of, run_case
from svc_policy.testing.mutants import mutants_of
from svc_policy.testing.mutation import mutate
from svc_policy.testing.switching import changed_pack
from testing.shop_with_cases import FAR, FIRST, FREE, LAST, NEAR, TABLES, case, shop


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
    assert (unread.verdict, str(unread.reason)) == ("equivalent", "no rule reads it")


def test_a_row_behind_one_that_always_holds_changes_nothing(tmp_path):
    hidden = "rule,cause,then: category,cite\nall,-,A,m-1\nhidden,product,C,m-1\n"
    policy = shop(tmp_path, NEAR, category=hidden)
    findings = mutate(policy, only="category.hidden").findings
    assert {one.verdict for one in findings} == {"equivalent"}
    assert {str(one.reason) for one in findings} == {"proved: other rules decide wherever it makes a difference"}
    assert "category.hidden hidden → -" in {one.mutant.name for one in findings}
    # The one that always holds hides it: dropped, the other decides.
    assert verdicts(mutate(policy, only="category.all"))["category.all all → -"] in ("noticed", "unnoticed")


def test_an_overlap_that_an_earlier_rule_decides_is_proved_to_change_nothing(tried):
    found = {one.mutant.name: one for one in tried.findings}
    # `near` comes first, and has the five kilometres anyway.
    shared = found["deadlines.far distance_km (5..50] km → [5 km..50 km]"]
    assert (shared.verdict, str(shared.reason)) == (
        "equivalent",
        "proved: other rules decide wherever it makes a difference",
    )


def test_a_rule_that_says_what_another_says_is_not_proved_to_be_idle(tmp_path):
    # Both hold of a distance of 5 km, and the decision names both: without one it names the other only.
    twice = TABLES["checklists"] + "again,A,before,price_told,m-1\n"
    found = verdicts(mutate(shop(tmp_path, NEAR, checklists=twice), only="checklists.again"))
    assert found["checklists.again again → -"] == "unnoticed"


def test_rules_of_another_reading_are_proved_to_change_nothing(tmp_path):
    fees = "rule,unread,category,then: line,then: fixed,cite\nvisit,3,A,visit,60 CNY,m-1\nother,4,A,extra,5 CNY,m-1\n"
    found = mutate(shop(tmp_path, NEAR.replace("70.00", "60.00"), fees=fees), only="fees.other").findings
    reasons = {one.mutant.column: str(one.reason) for one in found if one.verdict == "equivalent"}
    assert reasons["then: fixed"] == "proved: the rule rests on another reading than the one that is taken"
    assert reasons["category"] == reasons["then: fixed"]
    # Which lines a quote can have is another plan, though none of them ever stands in it.
    assert "then: line" not in reasons


def test_what_the_loader_refuses_is_no_policy(tried):
    found = {one.mutant.name: one for one in tried.findings}
    alone = found["fees.visit until 2026-03-01 → 2026-03-02"]
    assert (alone.verdict, str(alone.reason)) == ("refused", "rule `visit` is there twice on the same days")
    assert found["fees.visit from 2026-03-01 → 2026-02-28"].verdict == "refused"
    # A day on which neither holds is a policy, and a bad one.
    assert found["fees.visit until 2026-03-01 → 2026-02-28"].verdict == "noticed"


def test_a_case_that_names_a_rule_notices_that_another_hold_is_stated(tmp_path):
    holds = "rule,hold_kind,then: stops,cite\nwaiting,customer_wait,arrived,m-1\nparts,parts_approval,arrived,m-1\n"
    stated = 'holds = [{ hold_kind = "parts_approval", from_at = "2026-03-04T09:30:00" }]'
    held = case("held", "2026-03-04", distance=f"5, {stated}", expect='category = "A"') + 'rules = ["holds.parts"]\n'
    found = verdicts(mutate(shop(tmp_path, held, holds=holds), only="holds.parts"))
    assert found["holds.parts hold_kind parts_approval → customer_wait"] == "noticed"


def test_a_hold_that_another_rule_takes_over_is_noticed_though_every_instant_is_the_same(tmp_path):
    holds = "rule,hold_kind,then: stops,cite\nparts,parts_approval,arrived,m-1\nwaiting,customer_wait,arrived,m-1\n"
    stated = 'holds = [{ hold_kind = "customer_wait", from_at = "2026-03-04T09:30:00" }]'
    held = case("held", "2026-03-04", distance=f"5, {stated}", expect='category = "A"') + 'rules = ["holds.waiting"]\n'
    found = verdicts(mutate(shop(tmp_path, held, holds=holds), only="holds.parts"))
    assert found["holds.parts hold_kind parts_approval → customer_wait"] == "noticed"


def test_out_of_a_negated_list_a_value_is_only_dropped(tmp_path):
    deadlines = TABLES["deadlines"].replace("distance_km,", "zone,").replace("<= 5 km", '"not(a, b)"')
    policy = shop(tmp_path, deadlines=deadlines.replace("(5..50] km", "c"))
    found = [after for _, after in changes(policy, "deadlines", "near", "zone")]
    # Another word that the table knows is another condition; one that nobody states would be none.
    assert found == ["not(b, c)", "not(b)", "not(a, c)", "not(a)"]
    unknown = shop(tmp_path / "2", deadlines=deadlines.replace("(5..50] km", "a"))
    assert [after for _, after in changes(unknown, "deadlines", "near", "zone")] == ["not(b)", "not(a)"]


def test_the_score_leaves_out_what_changes_nothing(tried):
    counted = [finding.verdict for finding in tried.findings]
    noticed, unnoticed = counted.count("noticed"), counted.count("unnoticed")
    assert tried.score == noticed * 10_000 // (noticed + unnoticed)
    apart = counted.count("equivalent") + counted.count("refused")
    assert noticed + unnoticed + apart == len(tried.findings)


def test_a_change_that_nothing_tells_apart_counts_as_unnoticed(tmp_path):
    mutation = mutate(shop(tmp_path, NEAR), only="deadlines.far", with_properties=False)
    one = mutation.findings[0]
    of = [attrs.evolve(one, verdict=verdict) for verdict in ("noticed", "alike", "alike", "unnoticed", "equivalent")]
    assert attrs.evolve(mutation, findings=tuple(of)).score == 2500


def test_without_cases_nothing_is_noticed(tmp_path):
    found = mutate(shop(tmp_path), with_properties=False)
    assert (found.count("noticed"), found.cases) == (0, 0)


def test_a_property_notices_what_no_case_does(tmp_path):
    # Requests of other causes would have no category.
    found = {one.mutant.name: one for one in mutate(shop(tmp_path), only="category").findings}
    dropped = found["category.others others → -"]
    assert (dropped.verdict, dropped.case, dropped.property) == ("noticed", None, "total_category")
    # Those of product faults are `others` without the first rule: nobody but a case could know, and there is none.
    assert found["category.ours ours → -"].verdict == "alike"


def test_a_case_that_fails_as_it_is_notices_nothing(tmp_path):
    wrong = NEAR.replace('"70.00"', '"71.00"')
    assert mutate(shop(tmp_path, wrong), with_properties=False).count("noticed") == 0


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
        if finding.verdict == "refused":
            # The loader's word is tried above.
            assert finding.mutant.column in ("from", "until"), finding.mutant.name
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


def test_a_step_of_another_reading_is_proved_by_the_plan_itself(tmp_path):
    # What a step waits for shapes the plan; this one is never taken, and what it says is in no program.
    procedures = (
        "rule,unread,then: procedure,then: order,then: step,then: done,then: owner,cite\n"
        "visit,-,job,1,visit,arrived_at,clerk,m-1\nbill,4,job,2,bill,invoiced_at,clerk,m-1\n"
    )
    found = mutate(shop(tmp_path, NEAR, procedures=procedures), only="procedures").findings
    told = {(one.mutant.rule, one.mutant.column): (one.verdict, str(one.reason)) for one in found}
    proved = ("equivalent", "proved: the rule rests on another reading than the one that is taken")
    assert told["bill", "then: done"] == told["bill", "then: order"] == proved
    # The first step is taken: what it waits for decides which comes next.
    assert told["visit", "then: done"][0] != "equivalent"


def test_fields_are_proved_to_stand_in_the_same_order(tmp_path):
    tables = {
        "forms": "rule,category,then: form,then: owner,cite\nsheet,A,sheet,clerk,m-1\n",
        "fields": "rule,form,then: field,then: order,cite\none,sheet,cause,1,m-1\ntwo,sheet,distance_km,2,m-1\n"
        "three,sheet,category,3,m-1\n",
    }
    found = verdicts(mutate(shop(tmp_path, NEAR, **tables), only="fields"))
    # Moved onto the second, the first still stands above it in the table; the third, onto it, still below.
    assert found["fields.one then: order 1 → 2"] == "equivalent"
    assert found["fields.three then: order 3 → 2"] == "equivalent"
    assert found["fields.one then: order 1 → 0"] == "equivalent"
    # The second moved onto the third, or the first, keeps its place too.
    assert found["fields.two then: order 2 → 3"] == "equivalent"
    assert found["fields.two two → -"] == "unnoticed"


def test_a_field_that_changes_its_place_is_not_proved_idle(tmp_path):
    tables = {
        "forms": "rule,category,then: form,then: owner,cite\nsheet,A,sheet,clerk,m-1\n",
        "fields": "rule,form,then: field,then: order,cite\none,sheet,cause,1,m-1\ntwo,sheet,distance_km,1,m-1\n",
    }
    found = verdicts(mutate(shop(tmp_path, NEAR, **tables), only="fields"))
    assert found["fields.one then: order 1 → 2"] == "unnoticed"
    assert found["fields.one then: order 1 → 0"] == "equivalent"
