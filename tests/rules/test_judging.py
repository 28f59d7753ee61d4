"""Zones, classes of complaint, steps of procedures, appraisals, compensation: small packs, reckoned by hand."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from svc_policy.errors import PackError, TicketError

from .made import decide, made

ZONES = {
    "zones": 'rule,district,distance_km,then: zone,cite\ncity,"东, 西",-,city,m-1\nfar,-,> 30 km,suburb,m-1\n',
    "deadlines": "rule,service_zone,then: starts,then: ends,then: within,then: clock,cite\n"
    "city,city,received,arrived,6 working h,-,m-1\nsuburb,suburb,received,arrived,7 working h,-,m-1\n",
}


def test_the_stated_zone_goes_before_the_table(tmp_path: Path) -> None:
    policy = made(tmp_path, ZONES)
    assert decide(policy, {"district": "东"}).column("service_zone") == "city"
    assert decide(policy, {"district": "东", "zone": "suburb"}).column("service_zone") == "suburb"
    assert decide(policy, {"district": "北", "distance_km": "30.001"}).column("service_zone") == "suburb"


def test_who_does_not_know_the_zone_is_asked_for_it_and_only_where_a_rule_reads_it(tmp_path: Path) -> None:
    policy = made(tmp_path, ZONES)
    nowhere = decide(policy, {"district": "北", "distance_km": 30})
    assert nowhere.column("service_zone") is None
    assert nowhere.targets["arrived"].status == "undetermined" and "zone" in nowhere.needs
    without = made(tmp_path / "without", {"zones": ZONES["zones"]})
    assert decide(without, {"district": "北", "distance_km": 30}).needs == ()


def test_a_zone_that_no_row_gives_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError) as raised:
        made(tmp_path, {**ZONES, "deadlines": ZONES["deadlines"].replace("suburb,suburb", "suburb,subrub")})
    assert raised.value.problems[0].render().splitlines()[0].startswith("made/deadlines.csv:3")
    assert "rule `suburb` names `subrub`: no row of `zones` gives it" in str(raised.value)
    assert "did you mean `suburb`?" in str(raised.value)


def test_a_call_at_five_runs_into_the_next_working_day(tmp_path: Path) -> None:
    policy = made(tmp_path, ZONES)
    # Friday 6 March 17:00 is closing: six hours of Monday are 15:00, seven are 16:00.
    for zone, due in (("city", "2026-03-09T15:00:00+08:00"), ("suburb", "2026-03-09T16:00:00+08:00")):
        decision = decide(policy, {"zone": zone, "received_at": "2026-03-06T17:00:00"}, "2026-03-06T17:00:00")
        assert decision.targets["arrived"].due.isoformat() == due


COMPLAINTS = {
    "complaints": "rule,request_kind,injury,amount_claimed,earlier_complaints,then: class,cite\n"
    "hurt,complaint,yes,-,-,serious,m-1\nmoney,complaint,-,>= 1000 CNY,-,serious,m-1\n"
    "again,complaint,-,-,>= 2,serious,m-1\nrest,complaint,-,-,-,ordinary,m-1\n",
    "escalations": "rule,request_kind,complaint_class,then: level,then: notify,then: answer,cite\n"
    "serious,-,serious,3,head,letter,m-1\nany,complaint,-,1,clerk,-,m-1\n",
    "labels": "name,en,zh\nletter,by letter,以信函\n",
}


@pytest.mark.parametrize(
    "signs,expected",
    [
        ({}, "ordinary"),
        ({"injury": True}, "serious"),
        ({"amount_claimed": "999.99"}, "ordinary"),
        ({"amount_claimed": "1000.00"}, "serious"),
        ({"earlier_complaints": 1}, "ordinary"),
        ({"earlier_complaints": 2}, "serious"),
    ],
)
def test_signs_make_a_complaint_serious(tmp_path: Path, signs: dict[str, object], expected: str) -> None:
    decision = decide(made(tmp_path, COMPLAINTS), {"request_kind": "complaint", **signs})
    assert decision.column("complaint_class") == expected
    told = [(item.cells["notify"], item.cells["answer"]) for item in decision.escalations]
    assert told == ([("head", "letter"), ("clerk", None)] if expected == "serious" else [("clerk", None)])


def test_what_is_no_complaint_has_no_class(tmp_path: Path) -> None:
    decision = decide(made(tmp_path, COMPLAINTS), {"request_kind": "fault", "injury": True})
    assert decision.column("complaint_class") is None
    assert decision.escalations == () and decision.needs == ()


STEPS = {
    "procedures": "rule,request_kind,then: procedure,then: step,then: owner,then: order,then: done,cite\n"
    "tell,complaint,claim,tell,clerk,3,replied_at,m-1\nlook,complaint,claim,look,head,2,investigated_at,m-1\n"
    "take,complaint,claim,take,clerk,1,registered_at,m-1\nmend,-,repair,mend,clerk,1,taken_in,m-1\n"
    "file,-,repair,file,clerk,2,-,m-1\n",
    "labels": "name,en,zh\nclaim,claim,索赔\nrepair,repair,修理\n",
}


def states(decision) -> dict[str, str]:
    return {item.cells["step"]: item.cells["state"] for item in decision.items("procedures")}


def test_the_next_step_is_the_first_that_is_not_done(tmp_path: Path) -> None:
    policy = made(tmp_path, STEPS)
    facts = {"take": "registered_at", "look": "investigated_at", "tell": "replied_at"}
    for done in product((False, True), repeat=3):
        stated = {fact: "2026-03-04T09:30:00" for fact, it_is in zip(facts.values(), done, strict=True) if it_is}
        found = states(decide(policy, {"request_kind": "complaint", **stated}))
        # The slow way: walk the steps in their order.
        expected, waiting = {}, True
        for step, it_is in zip(facts, done, strict=True):
            expected[step] = "done" if it_is else "next" if waiting else "later"
            waiting = waiting and it_is
        assert {step: found[step] for step in facts} == expected


def test_each_procedure_has_its_own_next_step_and_its_steps_together(tmp_path: Path) -> None:
    policy = made(tmp_path, STEPS)
    decision = decide(policy, {"request_kind": "complaint", "taken_in": True})
    assert [item.cells["step"] for item in decision.items("procedures")] == ["take", "look", "tell", "mend", "file"]
    assert states(decision) == {"take": "next", "look": "later", "tell": "later", "mend": "done", "file": "next"}


def test_a_step_that_is_only_possible_is_not_the_next(tmp_path: Path) -> None:
    decision = decide(made(tmp_path, STEPS), {})
    assert states(decision) == {"mend": "next", "file": "later"}
    assert decision.needs == ("request_kind",)


APPRAISALS = {
    "appraisals": "rule,customer_kind,then: aspect,then: weight,then: levels,cite\n"
    "manner,-,rated_attitude,30 %,4,m-1\nskill,-,rated_skill,70 %,4,m-1\n"
}


def test_a_score_is_weighed_and_rounded_once(tmp_path: Path) -> None:
    policy = made(tmp_path, APPRAISALS)
    # 0.30 × 3/4 + 0.70 × 1/4 = 0.225 + 0.175 = 0.40
    assert decide(policy, {"rated_attitude": 3, "rated_skill": 1}).column("appraisal_score") == 4000
    assert decide(policy, {"rated_attitude": 4, "rated_skill": 4}).column("appraisal_score") == 10_000
    assert decide(policy, {"rated_attitude": 3}).column("appraisal_score") is None


def test_a_level_of_five_is_refused_with_its_limit(tmp_path: Path) -> None:
    policy = made(tmp_path, APPRAISALS)
    for level, says in ((5, "`rated_skill` is `5`, more than 4"), (0, "`rated_skill` is `0`, less than 1")):
        with pytest.raises(TicketError, match=says):
            decide(policy, {"rated_skill": level})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("4,m-1", "3,m-1", "the scale has 3 levels, but ratings go up to 4"),
        ("4,m-1", "5,m-1", "the scale has 5 levels, but ratings go up to 4"),
        ("4,m-1", "0,m-1", "the scale has 0 levels, but ratings go up to 4"),
        ("rated_skill", "earlier_repairs", "cannot read `earlier_repairs` in column `aspect` of rule `skill`"),
    ],
)
def test_a_scale_is_that_of_the_ratings(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(PackError) as raised:
        made(tmp_path, {"appraisals": APPRAISALS["appraisals"].replace(old, new)})
    (only,) = raised.value.problems
    said = only.render("en").splitlines()
    assert says in said[0] and said[-1].startswith("help: ")


def test_weights_add_up_to_all_of_it(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="the weights that hold together come to 90 %, not 100 %"):
        made(tmp_path, {"appraisals": APPRAISALS["appraisals"].replace("30 %", "20 %")})


def compensation(tmp_path: Path, prevails: str, limit: str, **facts: object):
    table = f"rule,then: limit,then: prevails,then: decided by,cite\nall,{limit},{prevails},head,m-1\n"
    policy = made(tmp_path / f"{prevails}{limit}".replace(" ", ""), {"compensations": table})
    return policy.compensation(decide(policy, facts))


@pytest.mark.parametrize(
    "prevails,by_rule,by_contract,limit",
    [
        ("rule", "300 CNY", "200", "300.00"),
        ("contract", "300 CNY", "200", "200.00"),
        ("contract", "300 CNY", None, "300.00"),
        ("lesser", "300 CNY", "200", "200.00"),
        ("lesser", "300 CNY", "400", "300.00"),
        ("lesser", "-", "400", "400.00"),
        ("greater", "300 CNY", "200", "300.00"),
        ("greater", "300 CNY", "400", "400.00"),
        ("rule", "-", "200", None),
        ("lesser", "-", None, None),
    ],
)
def test_which_limit_prevails(
    tmp_path: Path, prevails: str, by_rule: str, by_contract: str | None, limit: str | None
) -> None:
    facts = {"compensation_claimed": "250.00"} | (
        {} if by_contract is None else {"contract_compensation_limit": by_contract}
    )
    found = compensation(tmp_path, prevails, by_rule, **facts)
    assert (None if found.limit is None else str(found.limit)) == limit
    # 250.00 is claimed: what is allowed is the lesser, and no figure where there is no limit.
    assert (None if found.allowed is None else str(found.allowed)) == (
        None if limit is None else min(limit, "250.00", key=float)
    )
    assert found.decided_by == "head"
